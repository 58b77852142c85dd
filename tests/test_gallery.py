"""The gallery's Python side: one evaluation a net, and nothing taken on trust."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.requests import Request

from mnist_demo import evaluate as evaluate_module
from mnist_demo.checkpoint import Checkpoint
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import DIGITS, Dataset, Split
from mnist_demo.datasets.cifar import CLASSES
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation, evaluate, infer
from mnist_demo.nets import build_net
from mnist_demo.page import gallery, gallery_pages, gallery_pictures, sketchpad
from mnist_demo.page.context import RELEASED, Context
from mnist_demo.page.gallery_pictures import COUNT
from mnist_demo.page.pace import Pace
from mnist_demo.page.painter import Painter
from mnist_demo.page.runs import Run
from mnist_demo.page.visitors import Visitor
from mnist_demo.page.words import words_in
from mnist_demo.train import Dials

GOOD: dict[str, Any] = {
    "choice": RELEASED,
    "sort": "loss",
    "page": 0,
    "size": 48,
    "truth": None,
    "predicted": None,
    "right": False,
}
SAMPLES: dict[str, Any] = {"choice": RELEASED, "what": "samples", "narrow": False}
CHANNELS: dict[str, Any] = {"choice": RELEASED, "what": "channels", "index": 3}


def fresh_net(seed: int) -> Checkpoint:
    """Untrained, so wrong about most of the 1,000 held-out digits."""
    return Checkpoint(build_net("linear", seed).eval(), "linear", "sample", DIGITS, {})


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(fresh_net(1), tmp_path)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images nets are given at a time, as it comes; other tests' pages left out."""
    given: list[int] = []
    own = threading.get_ident()

    def counted(net: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        if threading.get_ident() == own:
            given.append(len(images))
        return infer(net, images)

    monkeypatch.setattr(evaluate_module, "infer", counted)
    return given


def give_run(visitor: Visitor) -> str:
    run = Run("run-1", 1, TrainConfig(net="linear"), "sample", "cpu", Dials(0.1))
    run.checkpoint = fresh_net(2)
    visitor.add(run)
    return run.id


def ready(
    context: Context, visitor: Visitor, choice: str = RELEASED, other: object = None
) -> dict[str, Any]:
    *_, last = gallery.states(context, visitor, choice, other)
    return json.loads(json.dumps(last))  # so it must be JSON


def ask(
    context: Context,
    wanted: object,
    session: object = "alice",
    make: Callable[[Context], Any] = gallery_pages.make_page_of,
) -> dict[str, Any]:
    """The server function as Gradio calls it: the payload and the raw request."""
    body = json.dumps({"session_hash": session, "data": wanted}).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    function = make(context)
    with ThreadPoolExecutor(1) as pool:  # playwright keeps a loop running in the main thread
        answer = pool.submit(lambda: asyncio.run(function(wanted, request))).result()
    return json.loads(json.dumps(answer))  # so it must be JSON


def ask_figure(context: Context, wanted: object, session: object = "alice") -> dict[str, Any]:
    return ask(context, wanted, session, gallery_pages.make_figure_of)


def pixels_of(answer: dict[str, Any]) -> np.ndarray:
    image = Image.open(io.BytesIO(base64.b64decode(answer["png"])))
    return np.asarray(image.convert("RGB") if image.mode == "P" else image)


def test_the_tab_says_how_far_it_is_and_then_what_it_found(context: Context) -> None:
    visitor = context.visitors.get("alice")
    *busy, done = gallery.states(context, visitor, RELEASED)
    split, title = context.digits_for(context.released)
    expected = evaluate(context.released.net, split)
    assert busy == [
        {"state": "busy", "done": read, "total": 1000, "noun": "digits"} for read in (0, 500, 1000)
    ]
    assert done["state"] == "ready"
    assert done["data"] == title
    assert done["wrong"] == 1000 - expected.correct > 0
    assert done["confusion"] == expected.confusion.tolist()


def test_a_net_is_evaluated_once(context: Context, read: list[int]) -> None:
    alice = context.visitors.get("alice")
    run = give_run(alice)
    for choice in (RELEASED, run):
        assert len(list(gallery.states(context, alice, choice))) == 4
        for sort in ("loss", "truth"):
            for page in (0, 1):
                answer = ask(context, GOOD | {"choice": choice, "sort": sort, "page": page})
                assert len(answer["items"]) == 48
        assert len(list(gallery.states(context, alice, choice))) == 1  # not busy again
    list(gallery.states(context, context.visitors.get("bob"), RELEASED))
    assert sum(read) == 2 * 1000


def test_visitors_who_wait_for_one_net_push_it_on_together(
    context: Context, read: list[int]
) -> None:
    alice, bob = (
        gallery.states(context, context.visitors.get(name), RELEASED) for name in ("alice", "bob")
    )
    assert [next(one)["done"] for one in (alice, bob, alice, bob)] == [0, 0, 500, 1000]
    assert [next(one)["state"] for one in (alice, bob)] == ["ready", "ready"]
    assert sum(read) == 1000


def test_nothing_goes_on_for_a_visitor_who_asks_for_something_else(
    context: Context, read: list[int]
) -> None:
    alice = context.visitors.get("alice")
    run = give_run(alice)
    first = gallery.states(context, alice, RELEASED)
    assert next(first)["done"] == 0
    assert ready(context, alice, run)["choice"] == run
    assert list(first) == []
    assert not context._readings
    assert sum(read) <= 1500
    assert ready(context, alice)["state"] == "ready"


def test_an_evaluation_that_is_refused_ends_in_the_reason(context: Context) -> None:
    alice = context.visitors.get("alice")
    run = give_run(alice)
    states = gallery.states(context, alice, run)
    assert next(states)["state"] == "busy"
    del alice.runs[run]
    assert list(states)[-1] == {"state": "error", "message": "that net is gone; choose another"}


def test_an_evaluation_that_fails_is_told_and_logged(
    context: Context, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> torch.Tensor:
        raise MemoryError

    monkeypatch.setattr(evaluate_module, "infer", fail)
    assert ready(context, context.visitors.get("alice"))["message"] == gallery.FAILED
    assert "MemoryError" in caplog.text
    monkeypatch.undo()
    assert ready(context, context.visitors.get("alice"))["state"] == "ready"


def test_a_page_shows_the_digits_that_it_names(context: Context) -> None:
    visitor = context.visitors.get("alice")
    ready(context, visitor)
    answer = ask(context, GOOD | {"truth": 3, "page": 1, "size": 24})
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["sprite"]))))
    split, _ = context.digits_for(context.released)
    side, columns = answer["side"], answer["columns"]
    assert len(answer["items"]) == 24
    for place, item in enumerate(answer["items"]):
        top, left = place // columns * side, place % columns * side
        picture = sheet[top : top + side, left : left + side]
        assert (picture == split.images[item["index"], 0].numpy()).all()
        assert (
            picture == gallery_pages.picture_of(context, visitor, RELEASED, item["index"])
        ).all()
        assert item["truth"] == int(split.labels[item["index"]]) == 3
        assert item["predicted"] == int(np.argmax(item["probabilities"])) != 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"choice": None},
        {"choice": ["released"]},
        {"choice": "run-99"},
        {"sort": "colour"},
        {"sort": None},
        {"page": -1},
        {"page": 10**12},
        {"page": 999},
        {"page": True},
        {"page": 0.0},
        {"page": "0"},
        {"size": 0},
        {"size": 97},
        {"size": None},
        {"truth": 10},
        {"truth": -1},
        {"truth": True},
        {"truth": "3"},
        {"predicted": 10},
        {"predicted": [3]},
        {"right": 1},
        {"right": None},
    ],
)
def test_a_bad_request_is_told_so(context: Context, wrong: dict[str, Any]) -> None:
    ready(context, context.visitors.get("alice"))
    assert set(ask(context, GOOD | wrong)) == {"error"}


@pytest.mark.parametrize("wanted", [None, [], "released", 3, {}])
def test_what_is_no_request_is_told_so(context: Context, wanted: object) -> None:
    assert "must name a net" in ask(context, wanted)["error"]


@pytest.mark.parametrize("session", [None, "", "a" * 65, "../x", 3])
def test_a_session_that_is_none_is_told_so(context: Context, session: object) -> None:
    assert "reload" in ask(context, GOOD, session)["error"]


def test_a_page_that_is_not_there_is_refused_in_chinese_too(context: Context) -> None:
    ready(context, context.visitors.get("alice"))
    said = words_in("zh")(ask(context, GOOD | {"page": 900})["error"])
    assert said.startswith("没有第 901 页")


def test_a_page_never_evaluates(context: Context) -> None:
    assert "not evaluated yet" in ask(context, GOOD)["error"]


def test_another_visitors_net_is_out_of_reach(context: Context) -> None:
    alice, bob = context.visitors.get("alice"), context.visitors.get("bob")
    run = give_run(alice)
    assert ready(context, alice, run)["state"] == "ready"
    assert "items" in ask(context, GOOD | {"choice": run}, "alice")
    assert "that net is gone" in ask(context, GOOD | {"choice": run}, "bob")["error"]
    assert ready(context, bob, run) == {
        "state": "error",
        "message": "that net is gone; choose another",
    }
    with pytest.raises(UserError, match="that net is gone"):
        gallery_pages.picture_of(context, bob, run, 0)


def test_a_run_without_a_net_says_so(context: Context) -> None:
    alice = context.visitors.get("alice")
    alice.runs[give_run(alice)].checkpoint = None
    answer = ready(context, alice, "run-1")
    assert answer["state"] == "error"
    assert "wait until its first epoch is over" in answer["message"]


@pytest.mark.parametrize("index", [-1, 1000, True, None, "0", 1.0])
def test_only_digits_that_are_there_have_a_picture(context: Context, index: object) -> None:
    with pytest.raises(UserError, match="index"):
        gallery_pages.picture_of(context, context.visitors.get("alice"), RELEASED, index)


def test_two_nets_are_compared_on_the_same_digits(context: Context) -> None:
    alice = context.visitors.get("alice")
    run = give_run(alice)
    told = ready(context, alice, RELEASED, run)
    assert told["others"] == [["Run 1: linear", run]]
    split, _ = context.digits_for(context.released)
    truth = split.labels.numpy()
    first = evaluate(context.released.net, split).predicted
    second = evaluate(alice.runs[run].checkpoint.net, split).predicted  # type: ignore[union-attr]
    expected = {
        "both": ((first == truth) & (second == truth)).sum(),
        "first": ((first == truth) & (second != truth)).sum(),
        "second": ((first != truth) & (second == truth)).sum(),
        "neither": ((first != truth) & (second != truth)).sum(),
    }
    assert told["comparison"]["counts"] == expected
    assert sum(expected.values()) == 1000
    for group, count in expected.items():
        answer = ask(context, GOOD | {"other": run, "group": group})
        assert answer["total"] == count
        for item in answer["items"]:
            index = item["index"]
            assert item["predicted"] == first[index]
            assert item["other"]["predicted"] == second[index]


def test_nets_that_saw_different_digits_are_compared_on_what_neither_saw(
    context: Context, sample: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = context.visitors.get("alice")
    run = give_run(alice)
    other = alice.runs[run].checkpoint
    unseen = sample.validation
    parts = {False: unseen.take(torch.arange(0, 600)), True: unseen.take(torch.arange(400, 1000))}
    monkeypatch.setattr(context, "digits_for", lambda net: (parts[net is other], "some digits"))
    told = ready(context, alice, RELEASED, run)
    assert sum(told["comparison"]["counts"].values()) == 200
    assert "200 digits that neither was trained on" in told["comparison"]["note"]
    parts = {False: unseen.take(torch.arange(700, 1000)), True: parts[False]}
    told = ready(context, alice, RELEASED, run)
    assert "cannot be compared" in told["comparison"]["error"]
    assert told["state"] == "ready"  # the one net is still shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"group": "mine"},
        {"group": 3},
        {"group": ["both"]},
        {"other": None},
        {"other": "run-99"},
        {"other": ["run-1"]},
    ],
)
def test_a_bad_comparison_is_told_so(context: Context, wrong: dict[str, Any]) -> None:
    alice = context.visitors.get("alice")
    ready(context, alice, RELEASED, give_run(alice))
    good = GOOD | {"other": "run-1", "group": "both"}
    assert "items" in ask(context, good)
    assert set(ask(context, good | wrong)) == {"error"}


@pytest.mark.parametrize("other", ["run-1", ["run-1"], {}, 3, RELEASED, ""])
def test_only_a_comparable_net_of_the_visitor_is_taken(context: Context, other: object) -> None:
    bob = context.visitors.get("bob")  # who has no run-1
    assert ready(context, bob, RELEASED, other)["comparison"] is None


def test_a_net_that_cannot_be_read_shuts_no_other_out(context: Context) -> None:
    def gone() -> Checkpoint:
        raise UserError("this net is kept no more; train it again")

    alice = context.visitors.get("alice")
    give_run(alice)
    lost = Run("run-2", 2, TrainConfig(net="linear"), "sample", "cpu", Dials(0.1), make_net=gone)
    alice.add(lost)
    told = ready(context, alice)
    assert (told["state"], [key for _, key in told["others"]]) == ("ready", ["run-1"])
    assert "kept no more" in ready(context, alice, "run-2")["message"]


@pytest.fixture
def colour(context: Context, monkeypatch: pytest.MonkeyPatch) -> str:
    """A net for colour photos as alice's run, with 30 made images to judge it by."""
    rng = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (30, 3, 32, 32), generator=rng, dtype=torch.uint8)
    split = Split(images, torch.arange(30) % 10)
    alice = context.visitors.get("alice")
    run = Run("run-1", 1, TrainConfig(net="cifar-threeconv"), "CIFAR-10", "cpu", Dials(0.1))
    run.checkpoint = Checkpoint(
        build_net("cifar-threeconv", 1).eval(), "cifar-threeconv", "cifar10", CLASSES, {}
    )
    alice.add(run)
    digits_for = context.digits_for
    monkeypatch.setattr(
        context,
        "digits_for",
        lambda net: (split, "30 images") if net.dataset == "cifar10" else digits_for(net),
    )
    return run.id


def test_a_colour_net_is_shown_with_its_classes_and_colours(context: Context, colour: str) -> None:
    alice = context.visitors.get("alice")
    told = ready(context, alice, colour)
    assert (told["noun"], told["labels"]) == ("images", list(CLASSES))
    assert told["others"] == []  # a digit net tells other things apart
    answer = ask(context, GOOD | {"choice": colour})
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["sprite"]))))
    assert answer["side"] == 32
    split, _ = context.digits_for(context.checkpoint(alice, colour))
    first = split.images[answer["items"][0]["index"]].permute(1, 2, 0).numpy()
    assert (sheet[:32, :32] == first).all()


def test_a_colour_net_has_no_place_in_the_sketchpad(context: Context, colour: str) -> None:
    alice = context.visitors.get("alice")
    ready(context, alice, colour)
    with pytest.raises(UserError, match=r"colour photos \(airplane to truck\), not digits"):
        gallery_pages.picture_of(context, alice, colour, 0)
    told = sketchpad.choose_net(context, alice, colour)
    assert "not digits" in told["unfit"]
    assert sketchpad.choose_net(context, alice, RELEASED)["unfit"] == ""
    assert "gone" in sketchpad.choose_net(context, alice, "run-99")["unfit"]


@pytest.mark.parametrize(("narrow", "columns"), [(False, 8), (True, 4)])
def test_sixteen_samples_are_drawn_with_what_the_net_says(
    context: Context, narrow: bool, columns: int
) -> None:
    alice = context.visitors.get("alice")
    ready(context, alice)
    wanted = SAMPLES | {"narrow": narrow}
    told = gallery_pages.figure(context, alice, wanted, np.random.default_rng(5))
    result = context.evaluation(alice, RELEASED)
    chosen = np.random.default_rng(5).choice(1000, COUNT, replace=False)
    assert told["answers"] == list(
        zip(result.predicted[chosen].tolist(), result.truth[chosen].tolist(), strict=True)
    )
    height, width, _ = pixels_of(told).shape
    assert width == pytest.approx(1.3 * columns * 150, abs=1)  # inches, and dots an inch
    assert told["width"] == round(1.3 * columns * 96)
    assert height * columns == pytest.approx(width * (COUNT / columns) * 1.58 / 1.3, rel=0.01)


def test_samples_are_others_each_time(context: Context) -> None:
    ready(context, context.visitors.get("alice"))
    first, second = (ask_figure(context, SAMPLES) for _ in range(2))
    assert first["answers"] != second["answers"]
    assert len(first["png"]) < 2**19


@pytest.mark.parametrize("right", [True, False])
def test_what_is_right_is_green_and_what_is_wrong_red(sample: Dataset, right: bool) -> None:
    split = sample.validation
    answers = np.eye(10, dtype=np.float32)[(split.labels.numpy() + (not right)) % 10]
    result = Evaluation(split.labels.numpy(), answers)
    told = gallery_pictures.samples(
        split.images.numpy(), result, DIGITS, False, np.random.default_rng(1)
    )
    red, green = (
        (pixels_of(told) == colour).all(-1).sum() for colour in ((255, 0, 0), (0, 128, 0))
    )
    assert (green > 100, red > 100) == (right, not right)


def test_samples_of_mistakes_alone(context: Context) -> None:
    alice = context.visitors.get("alice")
    ready(context, alice)
    told = ask_figure(context, SAMPLES | {"wrong": True})
    assert len(told["answers"]) == min(COUNT, len(context.evaluation(alice, RELEASED).mistakes()))
    assert all(said != true for said, true in told["answers"])


def test_a_net_without_mistakes_has_none_to_show(sample: Dataset) -> None:
    split = sample.validation
    result = Evaluation(split.labels.numpy(), np.eye(10, dtype=np.float32)[split.labels.numpy()])
    with pytest.raises(UserError, match="makes no mistake"):
        gallery_pictures.samples(
            split.images.numpy(), result, DIGITS, False, np.random.default_rng(1), wrong=True
        )


def test_by_night_the_page_shows_dark_paper_and_saves_white(context: Context) -> None:
    ready(context, context.visitors.get("alice"))
    assert "shown" not in ask_figure(context, SAMPLES)
    told = ask_figure(context, SAMPLES | {"dark": True})
    assert pixels_of(told)[0, 0].tolist() == [255, 255, 255]
    assert pixels_of({"png": told["shown"]})[0, 0].tolist() == [17, 24, 39]


def test_few_images_and_odd_names_make_a_picture_too() -> None:
    names = ("$\\frac{1}$", "a name that is longer than any picture is wide")
    images = np.zeros((3, 3, 32, 32), dtype=np.uint8)
    result = Evaluation(np.array([0, 1, 1]), np.eye(2, dtype=np.float32)[[0, 0, 1]])
    told = gallery_pictures.samples(images, result, names, True, np.random.default_rng(1))
    assert sorted(told["answers"]) == [(0, 0), (0, 1), (1, 1)]
    assert told["width"] < 500


def test_a_digit_s_values_are_drawn(context: Context) -> None:
    ready(context, context.visitors.get("alice"))
    told = ask_figure(context, CHANNELS)
    assert "answers" not in told
    assert pixels_of(told).shape == (1120, 1120)
    assert told["width"] == 672


def test_a_photo_has_its_channels_one_below_the_other() -> None:
    photo = np.zeros((3, 32, 32), dtype=np.uint8)
    photo[1] = 255  # green alone
    told = gallery_pictures.channels(photo)
    pixels = pixels_of(told)
    height, width, _ = pixels.shape
    assert width == 1280
    parts = [pixels[place * height // 3 : (place + 1) * height // 3] for place in range(3)]
    dark, bright, blue = (float(part.mean()) for part in parts)
    assert max(dark, blue) < 80 < 200 < bright
    assert len(told["png"]) < 2**20


@pytest.mark.parametrize(
    "wrong",
    [
        SAMPLES | {"choice": None},
        SAMPLES | {"choice": "run-99"},
        SAMPLES | {"what": None},
        SAMPLES | {"what": ["samples"]},
        SAMPLES | {"what": "weights"},
        SAMPLES | {"narrow": None},
        SAMPLES | {"narrow": 1},
        CHANNELS | {"index": -1},
        CHANNELS | {"index": 1000},
        CHANNELS | {"index": True},
        CHANNELS | {"index": "3"},
        CHANNELS | {"index": None},
        CHANNELS | {"index": 10**30},
        None,
        [],
        "samples",
    ],
)
def test_a_picture_that_cannot_be_is_refused_in_words(context: Context, wrong: object) -> None:
    ready(context, context.visitors.get("alice"))
    assert set(ask_figure(context, wrong)) == {"error"}


def test_a_picture_needs_an_evaluation_and_a_session(context: Context) -> None:
    assert "not evaluated yet" in ask_figure(context, SAMPLES)["error"]
    assert "reload" in ask_figure(context, SAMPLES, "../x")["error"]
    alice, bob = context.visitors.get("alice"), context.visitors.get("bob")
    run = give_run(alice)
    ready(context, alice, run)
    ready(context, bob)
    assert "that net is gone" in ask_figure(context, CHANNELS | {"choice": run}, "bob")["error"]


def test_pictures_have_a_pace(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery_pages, "figure", lambda *_: {})  # as if drawn in no time
    context.visitors.get("alice").pace = Pace(lambda: 0.0)  # however long the answers take
    answers = [ask_figure(context, SAMPLES) for _ in range(3)]
    assert answers[:2] == [{}, {}]
    assert "again_in" in answers[2]
    assert ask_figure(context, SAMPLES, "bob") == {}


def test_one_picture_is_drawn_at_a_time_and_few_wait() -> None:
    most, at_once, now = 0, 0, threading.Event()

    def draw() -> dict[str, Any]:
        nonlocal most, at_once
        at_once += 1
        most = max(most, at_once)
        now.wait(10)
        at_once -= 1
        return {"drawn": True}

    async def crowd() -> list[Any]:
        painter = Painter(most=3)
        asked = [asyncio.ensure_future(painter.paint(draw)) for _ in range(5)]
        await asyncio.sleep(0.05)
        now.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return [*answers, await painter.paint(draw)]  # their places are free again

    answers = asyncio.run(crowd())
    refused = [str(answer) for answer in answers if isinstance(answer, UserError)]
    assert len(refused) == 2
    assert "too many pictures are drawn" in refused[0]
    assert answers.count({"drawn": True}) == 4
    assert most == 1
