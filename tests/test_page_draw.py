"""The Draw tab without a browser: what it accepts, what it answers, and to whom."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_parts import row
from torch import nn

from mnist_demo.checkpoint import RELEASED, load_checkpoint
from mnist_demo.classify import classify_steps
from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError
from mnist_demo.page import sketchpad
from mnist_demo.page.batcher import Batcher
from mnist_demo.page.launch import make_context
from mnist_demo.page.pictures import from_base64
from mnist_demo.preprocess import find_box, preprocess_ink
from mnist_demo.strokes import PAD


@pytest.fixture(scope="module")
def net() -> nn.Module:
    return load_checkpoint(RELEASED).net


def digit_ink(sample: Dataset, index: int) -> np.ndarray:
    return sketchpad.on_pad(sample.validation.images[index, 0].numpy() / np.float32(255))


def drawing(part: np.ndarray, /, x: int = 0, y: int = 0, **changes: Any) -> dict[str, Any]:
    height, width = part.shape
    text = sketchpad.to_base64(part)
    return {"net": "released", "x": x, "y": y, "w": width, "h": height, "ink": text} | changes


def test_a_drawing_arrives_as_it_was_sent() -> None:
    part = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    ink, choice = sketchpad.read_drawing(drawing(part, x=10, y=20))
    assert choice == "released"
    assert ink.shape == (PAD, PAD)
    assert np.allclose(ink[20:22, 10:13], part, atol=1 / 255)
    assert ink.sum() == pytest.approx(ink[20:22, 10:13].sum())


@pytest.mark.parametrize(
    "changes",
    [
        {"x": -1},
        {"x": PAD},
        {"w": 0},
        {"h": PAD + 1},
        {"w": 3.0},
        {"x": True},
        {"y": None},
        {"net": None},
        {"net": ["released"]},
        {"ink": "!!!"},
        {"ink": ""},
        {"ink": None},
        {"ink": "A" * 10**6},
        {"x": 10**30},
    ],
)
def test_a_wrong_drawing_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        sketchpad.read_drawing(drawing(np.ones((4, 4), dtype=np.float32), **changes))


@pytest.mark.parametrize("own", ["", "!!!", 7, ["AAAA"], "A" * 10**6, "AAAA"])
def test_a_wrong_picture_of_a_digit_is_refused(own: Any) -> None:
    with pytest.raises(UserError):
        sketchpad.steps_of(np.ones((PAD, PAD), dtype=np.float32), own)


def test_a_digit_of_the_gallery_is_read_as_it_was_there(net: nn.Module, sample: Dataset) -> None:
    """Its own pixels, not those that are made anew of what the pad shows of it."""
    images = sample.validation.images[::100]
    with torch.inference_mode():
        expected = net(images.float() / 255).softmax(1).numpy()
    for image, probabilities in zip(images[:, 0].numpy(), expected, strict=True):
        shown = sketchpad.show_picture("released", image)
        ink = np.frombuffer(from_base64(shown["picture"], PAD * PAD), np.uint8).reshape(PAD, PAD)
        steps = sketchpad.steps_of(ink / np.float32(255), shown["own"])
        (answer,) = classify_steps(net, [steps])
        assert np.allclose(answer.probabilities, probabilities, atol=1e-4)
        assert np.array_equal(answer.steps.centred, image / np.float32(255))


def test_a_digit_on_the_pad_fades_out_on_all_sides(sample: Dataset) -> None:
    """As its picture does: no side is cut off where the next pixel's grey was too faint."""
    for image in sample.validation.images[::50, 0].numpy():
        pad = sketchpad.on_pad(image / np.float32(255))
        top, left, bottom, right = find_box(np.where(pad > 0, 1, 0).astype(np.float32))
        sides = (pad[top], pad[bottom - 1], pad[:, left], pad[:, right - 1])
        assert max(float(side.max()) for side in sides) < 0.5


def run_apart(work: Coroutine[Any, Any, Any]) -> Any:
    """On a thread of its own: playwright keeps an event loop in the one that tests run on."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(JSON, st.dictionaries(st.sampled_from(["net", "x", "y", "w", "h", "ink"]), JSON))
@settings(max_examples=200, deadline=None)
def test_whatever_is_sent_ends_in_a_clear_refusal(message: Any, fields: dict[str, Any]) -> None:
    for sent in (message, fields):
        with pytest.raises(UserError):
            sketchpad.read_drawing(sent)


def test_drawings_that_arrive_together_are_answered_each_with_its_own(
    net: nn.Module, sample: Dataset
) -> None:
    inks = [digit_ink(sample, index) for index in range(0, 1000, 50)]
    passes = 0

    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, images: Any) -> Any:
            nonlocal passes
            passes += 1
            return self.net(images)

    counting = Counting().eval()

    async def ask_all() -> list[Any]:
        batcher = Batcher()
        return await asyncio.gather(*[batcher.classify(counting, preprocess_ink(i)) for i in inks])

    answers = run_apart(ask_all())
    for answer, ink in zip(answers, inks, strict=True):
        assert np.array_equal(answer.steps.centred, preprocess_ink(ink).centred)
    right = [a.digit == int(sample.validation.labels[i * 50]) for i, a in enumerate(answers)]
    assert sum(right) >= 19
    assert passes < 10  # far fewer than one a drawing


def test_a_fault_in_one_batch_reaches_those_who_wait_and_no_one_else(
    net: nn.Module, sample: Dataset
) -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(next(net.parameters()).detach().clone())

        def forward(self, images: Any) -> Any:
            raise RuntimeError("broken")

    async def ask_both() -> list[Any]:
        batcher = Batcher()
        steps = preprocess_ink(digit_ink(sample, 0))
        both = (batcher.classify(Broken(), steps), batcher.classify(net, steps))
        return list(await asyncio.gather(*both, return_exceptions=True))

    broken, fine = run_apart(ask_both())
    assert isinstance(broken, RuntimeError)
    assert fine.digit == int(sample.validation.labels[0])


def test_digits_that_touch_are_told_apart_once_the_pen_is_lifted() -> None:
    """Before that a half of a digit would often be two others."""
    context = make_context()
    ink = row("27", -3)

    async def ask(sent: dict[str, Any]) -> Any:
        return await sketchpad.answer(context, "somebody", sent)

    down, lifted = (run_apart(ask(drawing(ink, moving=moving))) for moving in (True, False))
    assert (down["parts"], down["strange"]) == ([], True)
    assert [part["digit"] for part in lifted["parts"]] == [2, 7]
    assert run_apart(ask(drawing(np.zeros((9, 9))))) == {"blank": True}


def test_an_opened_digit_reads_as_the_digit_it_is(net: nn.Module, sample: Dataset) -> None:
    from mnist_demo.classify import classify_ink

    labels = sample.validation.labels.tolist()
    read = [classify_ink(net, digit_ink(sample, i)).digit for i in range(0, 1000, 20)]
    assert sum(a == b for a, b in zip(read, labels[::20], strict=True)) >= 49


def test_base64_is_read_bare_and_as_a_data_url() -> None:
    text = base64.b64encode(b"abc").decode()
    assert from_base64(text, 10) == b"abc"
    assert from_base64(f"data:image/png;base64,{text}", 10) == b"abc"
    for wrong in (None, 3, "é", "a", "data:", "A" * 1000):
        if wrong == "data:":
            assert from_base64(wrong, 10) == b""
            continue
        with pytest.raises(UserError):
            from_base64(wrong, 10)
