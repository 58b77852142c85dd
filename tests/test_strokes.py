"""Pen strokes to ink."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from digits import SEVEN, TWO
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_demo.errors import UserError
from mnist_demo.strokes import load_pen_digits, place, render

part = st.floats(0, 1)


@given(st.floats(0.35, 0.85), part, part, st.integers(50, 300))
@settings(deadline=None)
def test_a_placed_digit_has_its_height_and_stays_inside(
    height: float, across: float, down: float, size: int
) -> None:
    points = np.concatenate(place(SEVEN, height, (across, down), size))
    assert np.ptp(points[:, 1]) == pytest.approx(height * size)
    assert points.min() >= -1e-9
    assert points.max() <= size + 1e-9


def test_a_wide_digit_is_held_inside() -> None:
    wide = [np.array([(0.0, 0.0), (100.0, 1.0)])]
    points = np.concatenate(place(wide, 0.5, (1, 1), 140))
    assert np.ptp(points[:, 0]) == pytest.approx(0.9 * 140)
    assert points.max() <= 140


def test_place_keeps_the_shape_of_the_strokes() -> None:
    first, second = place(SEVEN, 0.5, (0.5, 0.5)), place(SEVEN, 0.5, (0, 0))
    for a, b in zip(first, second, strict=True):
        assert np.allclose(np.diff(a, axis=0), np.diff(b, axis=0))


@pytest.mark.parametrize("brush", [4.0, 8.0, 12.0])
def test_a_stroke_is_as_wide_as_the_brush(brush: float) -> None:
    line = [np.array([(30.0, 70.0), (110.0, 70.0)])]
    ink = render(line, brush)
    assert ink[:, 70].sum() == pytest.approx(brush, abs=0.8)
    assert ink[60, 10] == 0
    assert ink.min() >= 0
    assert ink.max() <= 1


def test_a_dot_is_round() -> None:
    ink = render([np.array([(70.0, 70.0)])], 20)
    assert ink.sum() == pytest.approx(np.pi * 100, rel=0.06)
    assert render([], 20).sum() == 0


def write(path: Path, value: object) -> Path:
    path.write_bytes(gzip.compress(json.dumps(value).encode()))
    return path


def test_pen_digits_come_back_from_their_file(tmp_path: Path) -> None:
    entry = {"label": 2, "writer": 7, "strokes": [stroke.tolist() for stroke in TWO]}
    (digit,) = load_pen_digits(write(tmp_path / "pen.json.gz", [entry]))
    assert (digit.label, digit.writer) == (2, 7)
    assert np.array_equal(digit.strokes[0], TWO[0])


@pytest.mark.parametrize("value", [[{"label": 1}], [3], {"a": 1}, [{"label": "x", "writer": 1}]])
def test_other_json_says_so(value: object, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--strokes"):
        load_pen_digits(write(tmp_path / "pen.json.gz", value))


@pytest.mark.parametrize(
    "change",
    [
        *({"label": label} for label in (12, -1, "x", None, float("inf"))),
        {"strokes": []},
        {"strokes": [[]]},
        {"strokes": [[[1, 2]], []]},
        {"strokes": [[1, 2]]},
        {"strokes": [[[1, 2, 3]]]},
        *({"strokes": [[[1, value]]]} for value in (float("nan"), float("inf"), "x", None)),
    ],
    ids=str,
)
def test_an_entry_that_is_no_pen_digit_is_named(change: dict[str, Any], tmp_path: Path) -> None:
    good = {"label": 2, "writer": 7, "strokes": [[[0, 0], [1, 1]]]}
    path = write(tmp_path / "pen.json.gz", [good, good | change])
    with pytest.raises(UserError, match=r"entry 2: .*--strokes"):
        load_pen_digits(path)


def test_a_damaged_or_missing_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "pen.json.gz"
    with pytest.raises(UserError, match="--strokes"):
        load_pen_digits(path)
    whole = gzip.compress(b"[]" * 100)
    for damaged in (whole[:-9], whole[:10] + b"\xff" + whole[11:]):  # cut off, a flipped byte
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="--strokes"):
            load_pen_digits(path)
