"""Several digits are taken apart from left to right, and nothing of the ink is lost."""

from __future__ import annotations

import numpy as np
import pytest
from digits import DRAWINGS
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_demo.parts import MAX_PARTS, side_by_side, ways_apart
from mnist_demo.strokes import PAD, Stroke, render


def row(names: str, gap: float, brush: float = 6.0) -> np.ndarray:
    """Digits of 60 pixels' height, `gap` pixels between their strokes' ends."""
    strokes: list[Stroke] = []
    edge = 10.0
    for name in names:
        points = np.concatenate(DRAWINGS[name])
        scale = 60 / np.ptp(points[:, 1])
        for stroke in DRAWINGS[name]:
            strokes.append((stroke - points.min(0)) * scale + (edge, 40))
        edge += np.ptp(points[:, 0]) * scale + gap
    return render(strokes, brush)


@pytest.mark.parametrize(("names", "gap"), [("27", 20), ("11", 25), ("127", 14), ("72", 10)])
def test_digits_that_stand_apart_are_told_apart_in_order(names: str, gap: float) -> None:
    parts = side_by_side(row(names, gap))
    assert len(parts) == len(names)
    columns = [float(np.flatnonzero(part.any(0)).mean()) for part in parts]
    assert columns == sorted(columns)


def test_strokes_of_one_digit_stay_together() -> None:
    lifted = render([np.array([(30, 30), (90, 30)]), np.array([(40, 50), (80, 110)])], 5.0)
    assert len(side_by_side(lifted)) == 1


def test_a_speck_is_no_digit() -> None:
    ink = row("27", 20)
    ink[5:7, 130:132] = 1
    assert len(side_by_side(ink)) == 2


def test_digits_that_touch_are_cut_where_the_ink_is_thin() -> None:
    ink = row("22", -2, brush=8)
    assert len(side_by_side(ink)) == 1
    middle = (np.flatnonzero(ink.any(0))[[0, -1]]).mean()
    edges = [np.flatnonzero(way[0].any(0))[-1] for way in ways_apart(ink)]
    assert any(abs(edge - middle) < 8 for edge in edges)


def test_what_is_still_being_drawn_is_not_cut() -> None:
    assert ways_apart(row("22", -2, brush=8), cut=False) == []
    assert len(ways_apart(row("27", 20), cut=False)[0]) == 2


def test_a_narrow_digit_is_not_cut_and_a_blank_pad_has_no_parts() -> None:
    assert ways_apart(row("1", 0)) == []
    assert ways_apart(np.zeros((PAD, PAD), dtype=np.float32)) == []


def test_a_page_full_of_dots_is_left_alone() -> None:
    ink = np.zeros((PAD, PAD), dtype=np.float32)
    ink[60:64, 4:136:8] = 1
    assert len(side_by_side(ink)) > MAX_PARTS
    assert ways_apart(ink) == []


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_every_way_holds_all_the_ink_once(seed: int, strokes: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [rng.uniform(5, PAD - 5, (2, 2)) for _ in range(strokes)]
    ink = render(lines, float(rng.uniform(2, 12)))
    for way in ways_apart(ink):
        assert 2 <= len(way) <= MAX_PARTS
        total = np.sum(way, axis=0)
        faint = ink < 0.15  # below what counts as ink it may be left out
        assert np.allclose(total[~faint], ink[~faint])
        assert (total <= ink + 1e-6).all()
