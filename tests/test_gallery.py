"""The gallery's Python side: one evaluation a net, and nothing taken on trust."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.requests import Request

from mnist_demo.checkpoint import Checkpoint
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import DIGITS, Dataset, Split
from mnist_demo.datasets.cifar import CLASSES
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation, evaluate
from mnist_demo.nets import build_net
from mnist_demo.page import context as context_module
from mnist_demo.page import gallery, sketchpad
from mnist_demo.page.context import RELEASED, Context
from mnist_demo.page.runs import Run
from mnist_demo.page.visitors import Visitor
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


def fresh_net(seed: int) -> Checkpoint:
    """Untrained, so wrong about most of the 1,000 held-out digits."""
    return Checkpoint(build_net("linear", seed).eval(), "linear", "sample", DIGITS, {})


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(fresh_net(1), tmp_path)


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


def ask(context: Context, wanted: object, session: object = "alice") -> dict[str, Any]:
    """The server function as Gradio calls it: the payload and the raw request."""
    body = json.dumps({"session_hash": session, "data": wanted}).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    page_of = gallery.make_page_of(context)
    with ThreadPoolExecutor(1) as pool:  # playwright keeps a loop running in the main thread
        answer = pool.submit(lambda: asyncio.run(page_of(wanted, request))).result()  # type: ignore[arg-type]
    return json.loads(json.dumps(answer))  # so it must be JSON


def test_the_tab_says_it_is_busy_and_then_what_it_found(context: Context) -> None:
    visitor = context.visitors.get("alice")
    busy, done = gallery.states(context, visitor, RELEASED)
    split, title = context.digits_for(context.released)
    expected = evaluate(context.released.net, split)
    assert busy == {"state": "busy", "digits": 1000, "noun": "digits"}
    assert done["state"] == "ready"
    assert done["data"] == title
    assert done["wrong"] == 1000 - expected.correct > 0
    assert done["confusion"] == expected.confusion.tolist()


def test_a_net_is_evaluated_once(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(net: Any, split: Split) -> Evaluation:
        calls.append(net)
        return evaluate(net, split)

    monkeypatch.setattr(context_module, "evaluate", counted)
    alice = context.visitors.get("alice")
    run = give_run(alice)
    for choice in (RELEASED, run):
        assert len(list(gallery.states(context, alice, choice))) == 2
        for sort in ("loss", "truth"):
            for page in (0, 1):
                answer = ask(context, GOOD | {"choice": choice, "sort": sort, "page": page})
                assert len(answer["items"]) == 48
        assert len(list(gallery.states(context, alice, choice))) == 1  # not busy again
    list(gallery.states(context, context.visitors.get("bob"), RELEASED))
    own = alice.runs[run].checkpoint
    assert own
    assert calls == [context.released.answering, own.answering]


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
        assert (picture == gallery.picture_of(context, visitor, RELEASED, item["index"])).all()
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
        gallery.picture_of(context, bob, run, 0)


def test_a_run_without_a_net_says_so(context: Context) -> None:
    alice = context.visitors.get("alice")
    alice.runs[give_run(alice)].checkpoint = None
    answer = ready(context, alice, "run-1")
    assert answer["state"] == "error"
    assert "wait until its first epoch is over" in answer["message"]


@pytest.mark.parametrize("index", [-1, 1000, True, None, "0", 1.0])
def test_only_digits_that_are_there_have_a_picture(context: Context, index: object) -> None:
    with pytest.raises(UserError, match="index"):
        gallery.picture_of(context, context.visitors.get("alice"), RELEASED, index)


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
        gallery.picture_of(context, alice, colour, 0)
    told = sketchpad.choose_net(context, alice, colour)
    assert "not digits" in told["unfit"]
    assert sketchpad.choose_net(context, alice, RELEASED)["unfit"] == ""
    assert "gone" in sketchpad.choose_net(context, alice, "run-99")["unfit"]
