"""What is shown of a net's inside: its layers' own answers, and what its answer rests on."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.text import Text
from PIL import Image
from torch import nn

from mnist_demo.checkpoint import RELEASED, Checkpoint, load_checkpoint, save_checkpoint
from mnist_demo.cli import main
from mnist_demo.datasets import Dataset
from mnist_demo.ensemble import Ensemble
from mnist_demo.figures import evidence_picture, inside_figure
from mnist_demo.inside import MOST_MAPS, Inside, evidence_for, look_inside
from mnist_demo.nets import NETS, build_net, find_net
from mnist_demo.page import insight, sketchpad
from mnist_demo.page.context import Context
from mnist_demo.page.insight import Insight
from mnist_demo.page.launch import make_context
from mnist_demo.page.pace import Pace, TooOften
from mnist_demo.page.words import ENGLISH
from mnist_demo.preprocess import Steps, preprocess_ink

SMALL = [name for name in NETS if find_net(name).input_shape == (1, 28, 28)]


@pytest.fixture(scope="module")
def released() -> Checkpoint:
    return load_checkpoint(RELEASED)


@pytest.fixture(scope="module")
def seven(sample: Dataset) -> np.ndarray:
    index = int((sample.validation.labels == 7).nonzero()[0])
    return sample.validation.images[index, 0].numpy().astype(np.float32) / np.float32(255)


def test_each_layer_is_shown_with_its_own_answers(released: Checkpoint, seven: np.ndarray) -> None:
    inside = look_inside(released.net, seven)
    assert inside.digit == 7
    assert [stage.name for stage in inside.stages[:3]] == [
        "Convolution 3×3",
        "Convolution 3×3",
        "Convolution 5×5, stride 2",
    ]
    assert [(stage.count, stage.maps.shape) for stage in inside.stages[-2:]] == [
        (64, (MOST_MAPS, 4, 4)),
        (128, (128, 1, 1)),
    ]
    # The first layer anew, by hand: normalised, convolution, norm, ReLU.
    with torch.inference_mode():
        first = released.net[:4](torch.from_numpy(seven)[None, None])[0, :MOST_MAPS]  # type: ignore[index]
    shown = (inside.stages[0].maps / 255.0) ** 2 * float(first.max())
    assert np.allclose(shown, first.numpy(), atol=0.02 * float(first.max()))


def test_the_net_is_left_as_it_was(released: Checkpoint, seven: np.ndarray) -> None:
    image = torch.from_numpy(seven)[None, None]
    before = released.net(image)
    look_inside(released.net, seven)
    assert torch.equal(released.net(image), before)
    assert not any(module._forward_hooks for module in released.net.modules())


@pytest.mark.parametrize("name", SMALL)
def test_every_net_can_be_looked_into(name: str, seven: np.ndarray) -> None:
    inside = look_inside(build_net(name, seed=1), seven)
    assert bool(inside.stages) == any(
        isinstance(part, nn.ReLU | nn.Sigmoid) for part in build_net(name).modules()
    )
    for stage in inside.stages:
        assert stage.maps.dtype == np.uint8
        assert stage.maps.max() == 255 or not stage.maps.any()
    assert inside.evidence is not None
    assert inside.evidence.shape == (28, 28)


def test_an_ensemble_shows_its_first_net_and_all_for_the_evidence(seven: np.ndarray) -> None:
    first, second = build_net("compact", seed=1), build_net("perceptron", seed=2)
    inside = look_inside(Ensemble([first, second]), seven)
    alone = look_inside(first, seven, with_evidence=False)
    assert [s.name for s in inside.stages] == [s.name for s in alone.stages]
    assert all(
        np.array_equal(a.maps, b.maps) for a, b in zip(inside.stages, alone.stages, strict=True)
    )
    assert alone.evidence is None


def test_evidence_is_what_speaks_for_and_against() -> None:
    """A net whose 3 is spoken for by ink on the left, and against by ink on the right."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10, bias=False))
    weights = torch.zeros(10, 28, 28)
    weights[3, :, :8], weights[3, :, 20:] = 0.2, -0.1
    net[1].weight = nn.Parameter(weights.reshape(10, 784))  # type: ignore[union-attr]
    picture = np.zeros((28, 28), dtype=np.float32)
    picture[12:16] = 1  # a line across
    evidence = evidence_for(net.eval(), picture, 3)
    assert evidence.max() == pytest.approx(1)
    assert (evidence[12:16, :6] > 0.3).all()
    assert (evidence[12:16, 23:] < -0.1).all()
    assert not evidence[:12].any()
    assert not evidence[16:].any()
    assert np.abs(evidence[12:16, 13:15]).max() < 0.01  # of no weight


def test_a_blank_picture_rests_on_nothing() -> None:
    blank = np.zeros((28, 28), dtype=np.float32)
    evidence = look_inside(build_net("linear", seed=1), blank).evidence
    assert evidence is not None
    assert not evidence.any()


# ---- as a picture ----


def test_ink_is_red_where_it_speaks_for_the_answer_and_blue_where_against() -> None:
    picture = np.array([[1, 1, 1, 0.5, 0]], dtype=np.float32)
    evidence = np.array([[1, -1, 0, 0.5, 0]], dtype=np.float32)
    red, blue, white, dark_red, black = evidence_picture(Inside(picture, 3, (), evidence))[0]
    assert red.tolist() == [255, 0, 0]
    assert blue.tolist() == [0, 0, 255]
    assert white.tolist() == [255, 255, 255]
    assert dark_red.tolist() == [128, 64, 64]
    assert black.tolist() == [0, 0, 0]


LONG = "custom:blocks=4,width=64,kernel=5,activation=leaky_relu,norm=batch,dropout=0.45,hidden=256"


@pytest.mark.parametrize("name", ["deep", "linear", "perceptron", "nielsen-two-conv", LONG])
def test_nothing_in_the_figure_is_cut_off_or_overlaps(name: str, seven: np.ndarray) -> None:
    kind = name if name in NETS else "custom:blocks=4"
    inside = look_inside(build_net(kind, seed=1), seven)
    figure = inside_figure(inside, f"Inside {name}: a {inside.digit}, 100.0% sure")
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    boxes += [axes.get_window_extent() for axes in figure.axes]
    for box in boxes:
        assert 0 < box.x0 < box.x1 < figure.bbox.width
        assert 0 < box.y0 < box.y1 < figure.bbox.height
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    said = [text.get_text() for text in texts]
    for stage in inside.stages:
        assert any(text.startswith(f"{stage.name}: {stage.count} ") for text in said)
    assert len(figure.axes) == 1 + len(inside.stages)
    assert any("no layer between" in text for text in said) == (name == "linear")


def test_the_figure_shows_a_layer_s_own_maps(released: Checkpoint, seven: np.ndarray) -> None:
    inside = look_inside(released.net, seven)
    _, first, *_, last = inside_figure(inside, "a 7").axes
    strip: np.ndarray = np.ma.filled(np.ma.asarray(first.images[0].get_array()), -1)
    assert strip.shape == (26, 16 * 26 + 15 * 2)
    assert np.array_equal(strip[:, -26:], inside.stages[0].maps[-1])
    assert (strip[:, 26:28] == -1).all()
    numbers = np.asarray(last.images[0].get_array())
    assert np.array_equal(numbers.ravel(), inside.stages[-1].maps.ravel())


def test_the_command_saves_it(
    seven: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray((seven * 255).astype(np.uint8)).save(tmp_path / "seven.png")
    words = ["inside", str(tmp_path / "seven.png"), "--out", str(tmp_path / "inside.png")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "seven.png: 7 (" in said
    assert "7 layers; wrote" in said
    with Image.open(tmp_path / "inside.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 2000


def test_what_the_command_cannot_look_into_is_one_line(
    seven: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(ink: np.ndarray, *words: str, out: str = "inside.png") -> str:
        Image.fromarray((ink * 255).astype(np.uint8)).save(tmp_path / "ink.png")
        command = ["inside", str(tmp_path / "ink.png"), "--out", str(tmp_path / out)]
        assert main([*command, *words]) == 2
        assert not (tmp_path / out).is_file()
        return capsys.readouterr().err

    def refused_over(*words: str) -> str:
        assert main(["inside", *words]) == 2
        return capsys.readouterr().err

    photo = tmp_path / "photo.png"
    photo.write_bytes(b"dear")
    assert "photo.png is read for this" in refused_over(str(photo), "--out", str(photo))
    assert photo.read_bytes() == b"dear"
    assert "its name must end in .png" in refused(seven, out="inside.jpg")
    row = np.hstack([np.pad(seven, 4), np.pad(seven, 4)])
    assert "2 digits side by side (77); cut out one" in refused(row)
    assert "no ink" in refused(np.zeros((28, 28)))
    photos = build_net("cifar-threeconv", seed=1)
    labels = tuple("abcdefghij")
    save_checkpoint(
        Checkpoint(photos, "cifar-threeconv", "cifar10", labels, {}), tmp_path / "photos"
    )
    assert "not drawn digits" in refused(seven, "--checkpoint", str(tmp_path / "photos"))


# ---- on the page ----


@pytest.fixture
def context() -> Context:
    return make_context()


def message(picture: np.ndarray, **changes: Any) -> dict[str, Any]:
    ink = sketchpad.on_pad(picture)
    height, width = ink.shape
    place = {"net": "released", "x": 0, "y": 0, "w": width, "h": height}
    return place | {"ink": sketchpad.to_base64(ink)} | changes


def look(context: Context, drawing: Any, session: str = "a1") -> dict[str, Any]:
    return asyncio.run(sketchpad.look(context, session, drawing, ENGLISH))


def test_the_page_is_told_of_a_drawing(context: Context, seven: np.ndarray) -> None:
    moving, resting = look(context, message(seven)), look(context, message(seven, at_rest=True))
    assert moving["digit"] == resting["digit"] == 7
    assert moving["evidence"] is None
    assert len(resting["evidence"]) == len(resting["picture"]) == 1048  # 784 bytes in base64
    assert resting["stages"] == moving["stages"]


def test_what_cannot_be_looked_at_is_said_so(context: Context, seven: np.ndarray) -> None:
    assert look(context, message(np.eye(28, dtype=np.float32), ink="", w=1, h=1))["error"]
    assert "gone" in look(context, message(seven, net="run-1"))["error"]
    empty = {"net": "released", "x": 0, "y": 0, "w": 1, "h": 1, "ink": "AA=="}
    assert look(context, empty) == {"blank": True}
    wrong: Any
    for wrong in (None, 3, [], {"at_rest": True}):
        assert "reload" in look(context, wrong)["error"]


def test_who_looks_too_often_is_told_when_to_come_again(
    context: Context, seven: np.ndarray
) -> None:
    context.visitors.get("a1").pace = Pace(lambda: 0.0)  # however long the answers take
    answers = [look(context, message(seven)) for _ in range(22)]
    assert ["again_in" in answer for answer in answers] == [False] * 20 + [True] * 2
    assert "stages" in answers[0]
    assert "stages" in look(context, message(seven), session="b2")  # another visitor


def test_a_line_that_is_too_long_is_refused_and_ends(
    seven: np.ndarray, monkeypatch: pytest.MonkeyPatch, released: Checkpoint
) -> None:
    monkeypatch.setattr(insight, "MAX_WAITING", 2)
    line = Insight()

    async def ask(steps: Steps) -> list[Any]:
        asked = (line.look(released.net, steps, False) for _ in range(3))
        return await asyncio.gather(*asked, return_exceptions=True)

    steps = preprocess_ink(seven)
    first, second, third = asyncio.run(ask(steps))
    assert (first.digit, second.digit) == (7, 7)
    assert isinstance(third, TooOften)
    wrong = replace(steps, centred=np.zeros((3, 3), dtype=np.float32))
    assert all(isinstance(failed, Exception) for failed in asyncio.run(ask(wrong)))
    assert len(asyncio.run(ask(steps))) == 3  # the failed have left the line too
    assert line._waiting == 0
