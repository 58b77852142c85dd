"""Ink to the net's input: what MNIST's makers did, wherever and however it was drawn."""

from __future__ import annotations

import numpy as np
import pytest
from digits import DRAWINGS, drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mnist_demo.datasets import Dataset
from mnist_demo.preprocess import (
    BOX,
    NoInkError,
    centre_by_mass,
    fit,
    preprocess_ink,
    shrink_only,
)


def centre_of(digit: np.ndarray) -> tuple[float, float]:
    down, across = np.indices(digit.shape)
    return float((digit * down).sum() / digit.sum()), float((digit * across).sum() / digit.sum())


@pytest.mark.parametrize("name", DRAWINGS)
@given(st.integers(0, 70), st.integers(0, 70))
@settings(max_examples=15, deadline=None)
def test_a_moved_drawing_gives_the_identical_picture(name: str, down: int, across: int) -> None:
    ink = drawn(name, 0.9, (0, 0), size=100)
    canvas = np.zeros((170, 170), dtype=np.float32)
    canvas[down : down + 100, across : across + 100] = ink
    assert np.array_equal(preprocess_ink(canvas).centred, preprocess_ink(ink).centred)


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("size", [70, 140, 280, 560])
def test_a_scaled_drawing_gives_nearly_the_same_picture(name: str, size: int) -> None:
    reference = preprocess_ink(drawn(name, size=280)).centred
    scaled = preprocess_ink(drawn(name, size=size)).centred
    assert np.abs(scaled - reference).mean() < 0.03
    # The same pixels are ink but for those on the edge of a stroke.
    assert np.corrcoef(scaled.ravel(), reference.ravel())[0, 1] > 0.93


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("height", [0.35, 0.6, 0.85])
@pytest.mark.parametrize("brush", [0.03, 0.08])
def test_the_longest_side_is_20_and_the_mass_is_centred(
    name: str, height: float, brush: float
) -> None:
    steps = preprocess_ink(drawn(name, height, (0.2, 0.9), brush))
    assert max(steps.fitted.shape) == BOX
    assert steps.centred.shape == (28, 28)
    assert steps.centred.dtype == np.float32
    assert steps.centred.max() == pytest.approx(1)
    assert steps.centred.sum() == pytest.approx(steps.fitted.sum(), rel=1e-5)  # nothing cut off
    # Rounds to pixel 14, but where the 20x20 box would have to leave the picture.
    for centre, side in zip(centre_of(steps.centred), steps.fitted.shape, strict=True):
        at_the_edge = side == BOX and abs(centre - 14) < 3
        assert 13.5 <= centre < 14.5 or at_the_edge


def test_the_mass_stays_in_reach_of_the_centre() -> None:
    lopsided = np.zeros((20, 20), dtype=np.float32)
    lopsided[:, :2] = 1
    lopsided[0] = 0.1
    placed = centre_by_mass(lopsided)
    assert placed.sum() == pytest.approx(lopsided.sum())
    assert placed[:, 8].any()  # as far to the right as the box can go
    assert centre_of(placed)[0] == pytest.approx(14, abs=0.51)


def test_proportions_are_kept() -> None:
    assert fit(np.ones((40, 10), dtype=np.float32)).shape == (20, 5)
    assert fit(np.ones((3, 60), dtype=np.float32)).shape == (1, 20)
    assert fit(np.ones((7, 7), dtype=np.float32)).shape == (20, 20)


def test_the_box_encloses_the_ink_and_no_more() -> None:
    ink = np.zeros((50, 60), dtype=np.float32)
    ink[10:20, 30:35] = 1
    steps = preprocess_ink(ink)
    assert steps.box == (10, 30, 20, 35)
    assert np.array_equal(steps.crop, np.ones((10, 5)))


@pytest.mark.parametrize("brush", [0.004, 0.012, 0.08])
def test_a_stroke_of_any_width_is_as_dark(brush: float) -> None:
    picture = preprocess_ink(drawn("2", 0.85, brush=brush)).centred
    assert picture.max() == 1
    assert (picture > 0.2).any(1).sum() == 20  # from its top to its foot


@pytest.mark.parametrize("shape", [(1, 1), (28, 28), (140, 140), (3, 400)])
def test_a_blank_pad_raises(shape: tuple[int, int]) -> None:
    with pytest.raises(NoInkError, match="draw a digit"):
        preprocess_ink(np.zeros(shape, dtype=np.float32))


def test_a_slip_of_the_pen_raises() -> None:
    ink = np.zeros((140, 140), dtype=np.float32)
    ink[70, 70:73] = 1
    with pytest.raises(NoInkError):
        preprocess_ink(ink)


@given(
    arrays(
        st.sampled_from([np.float32, np.float64]),
        array_shapes(min_dims=2, max_dims=2, max_side=200),
        elements=st.floats(0, 1, width=32),
        fill=st.sampled_from([0.0, 1.0]),
    )
)
@settings(max_examples=60, deadline=None)
def test_any_ink_gives_a_picture_or_says_there_is_none(ink: np.ndarray) -> None:
    before = ink.copy()
    try:
        steps = preprocess_ink(ink)
    except NoInkError:
        assert ink[ink >= 0.15].sum() < 4
        return
    assert np.array_equal(ink, before)
    for picture in (steps.crop, steps.fitted, steps.centred):
        assert picture.min() >= 0
        assert picture.max() <= 1
    assert steps.centred.shape == (28, 28)
    assert steps.centred.dtype == np.float32


def test_mnist_digits_come_back_nearly_as_they_were(sample: Dataset) -> None:
    digits = sample.validation.images[::10, 0].numpy().astype(np.float32) / 255
    again = np.stack([preprocess_ink(digit).centred for digit in digits])
    likeness = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(digits, again, strict=True)]
    assert np.median(likeness) > 0.97
    assert np.mean(np.array(likeness) > 0.8) > 0.95


def test_merely_shrunk_keeps_place_and_size() -> None:
    corner = np.zeros((140, 140), dtype=np.float32)
    corner[:35, :35] = 1
    shrunk = shrink_only(corner)
    assert shrunk[:7, :7].min() == 1
    assert shrunk.sum() == pytest.approx(49)
