"""Drawings that are no digit are made as they say, and kept apart for learning and judging."""

from __future__ import annotations

import numpy as np
import pytest
from digits import DRAWINGS

from mnist_demo import strangers
from mnist_demo.parts import side_by_side
from mnist_demo.preprocess import preprocess_ink
from mnist_demo.strangers import ALIKE, FONTS, KINDS, SHAPES, any_letter, glyph, printed
from mnist_demo.strokes import PAD, PenDigit, place, render

DIGITS = [PenDigit(int(name), 1, tuple(strokes)) for name, strokes in DRAWINGS.items()]


@pytest.mark.parametrize("part", ["train", "judge"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_can_be_drawn_and_read_and_repeats(kind: str, part: str) -> None:
    for seed in range(10):
        drawn, again = (KINDS[kind](np.random.default_rng(seed), part, DIGITS) for _ in range(2))
        assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True))
        ink = render(place(drawn, 0.6, (0.5, 0.5)), 0.05 * PAD)
        assert preprocess_ink(ink).centred.max() == 1


def test_what_judges_is_not_what_was_learned() -> None:
    assert not set(FONTS["train"]) & set(FONTS["judge"])
    assert not set(SHAPES["train"]) & set(SHAPES["judge"])


def test_letters_that_pass_for_digits_are_not_called_strange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def remember(font: str, character: str) -> list[np.ndarray]:
        asked.append(character)
        return [np.zeros((2, 2))]

    monkeypatch.setattr(strangers, "glyph", remember)
    rng = np.random.default_rng(0)
    for _ in range(500):
        strangers.letter(rng, "train")
    assert not set(asked) & ALIKE
    asked.clear()
    for _ in range(500):
        any_letter(rng, "train")
    assert set(asked) & ALIKE
    asked.clear()
    for _ in range(100):
        printed(rng, "judge")
    assert set(asked) == set("0123456789")


def test_a_letter_is_written_as_its_font_has_it() -> None:
    bar, legs = glyph("futural", "A"), glyph("futural", "l")
    assert len(bar) == 3
    assert len(legs) == 1
    assert np.ptp(legs[0][:, 0]) == 0  # a plain stroke down
    assert glyph("futural", "A")[2][:, 1].mean() > bar[0][:, 1].min()  # the bar below the top


def test_digits_in_a_row_stand_side_by_side() -> None:
    rng = np.random.default_rng(3)
    apart = 0
    for _ in range(20):
        drawn = strangers.in_a_row([DIGITS[0], DIGITS[1]], rng)
        ink = render(place(drawn, 0.5, (0.5, 0.5)), 0.03 * PAD)
        apart += len(side_by_side(ink)) == 2
    assert apart >= 15
