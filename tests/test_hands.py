"""Other hands: varied strokes stay the digit they are, and habits are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from digits import DRAWINGS

from mnist_demo.hands import Variety, upright, vary
from mnist_demo.strokes import PenDigit

ZERO = PenDigit(0, 1, (np.array([(5, 0), (0, 8), (5, 16), (10, 8), (5, 0)], dtype=float),))
SEVEN = PenDigit(7, 1, (np.array([(0, 0), (10, 0), (7, 7), (4, 16)], dtype=float),))
ONE = PenDigit(1, 1, (np.array([(0, 0), (1, 16)], dtype=float),))
STILL = Variety(slant=0, turn=0, stretch=0, bend=0, apart=0, tremor=0)


@pytest.mark.parametrize("name", list(DRAWINGS))
def test_upright_fits_a_drawing_into_one_height_around_the_middle(name: str) -> None:
    points = np.concatenate(upright(DRAWINGS[name]))
    assert np.ptp(points, axis=0).max() == pytest.approx(1)
    assert np.allclose(points.min(0) + points.max(0), 0)


def test_a_seed_repeats_and_another_differs() -> None:
    first, again, other = (vary(SEVEN, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.allclose(np.concatenate(first).mean(0), np.concatenate(other).mean(0))


def test_without_variety_a_digit_stays_as_it_was() -> None:
    plain = Variety(0, 0, 0, 0, 0, 0, habits=False)
    for seed in range(20):
        varied = vary(ONE, np.random.default_rng(seed), plain)
        assert np.allclose(varied[0], upright(ONE.strokes)[0])


@pytest.mark.parametrize(
    ("digit", "rarely", "often"), [(ZERO, 0.03, 0.25), (SEVEN, 0.2, 0.5), (ONE, 0.3, 0.6)]
)
def test_some_hands_have_the_habit_and_most_have_not(
    digit: PenDigit, rarely: float, often: float
) -> None:
    drawn = [vary(digit, np.random.default_rng(seed), STILL) for seed in range(300)]
    with_habit = [strokes for strokes in drawn if len(strokes) > len(digit.strokes)]
    assert rarely < len(with_habit) / len(drawn) < often


def test_the_bar_of_a_seven_crosses_its_stem() -> None:
    stem = upright(SEVEN.strokes)[0]
    for seed in range(100):
        strokes = vary(SEVEN, np.random.default_rng(seed), STILL)
        if len(strokes) > 1:
            left, right = strokes[1]
            at = stem[np.abs(stem[:, 1] - (left[1] + right[1]) / 2).argmin()]
            assert left[0] < at[0] < right[0]


def test_slants_spread_to_both_sides() -> None:
    ways = []
    for seed in range(200):
        stroke = vary(PenDigit(-1, 1, ONE.strokes), np.random.default_rng(seed))[0]
        ways.append((stroke[-1, 0] - stroke[0, 0]) / (stroke[-1, 1] - stroke[0, 1]))
    assert min(ways) < -0.2 < 0.3 < max(ways)
