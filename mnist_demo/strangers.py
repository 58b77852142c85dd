"""Drawings that are no digit: scribbles, shapes, letters, several digits side by side.

As pen strokes, so that they are drawn, varied and read like digits. Each kind has members
that nets are trained on and others that are kept for judging them: other fonts, other
shapes, other ways to scribble. Letters written as some digit is are left out of training,
for no picture tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from mnist_demo.errors import UserError
from mnist_demo.hands import Rng, Variety, upright, vary
from mnist_demo.strokes import PenDigit, Stroke

Drawing = list[Stroke]

# Hershey's plotter fonts (1967), whose letters are strokes.
FONTS = {
    "train": ("futural", "rowmans", "cursive", "timesr", "timesi", "gothgbt", "japanese"),
    "judge": ("scripts", "scriptc", "futuram", "gothiceng", "gothitt"),
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Written as 0, 1, 2, 4, 5, 6, 7, 8 or 9 by somebody.
ALIKE = frozenset("BDGIJOQSTZYabgijloqrstyz")
SIGNS = "&@#%$?*+=<>"


def letter(rng: Rng, part: str, digits: Sequence[PenDigit] = ()) -> Drawing:
    """A letter or sign of one of the fonts of this part, none that passes for a digit."""
    return one_of([c for c in LETTERS if c not in ALIKE] + list(SIGNS), rng, part)


def any_letter(rng: Rng, part: str, digits: Sequence[PenDigit] = ()) -> Drawing:
    """A letter, also one that is written as a digit is."""
    return one_of(LETTERS, rng, part)


def printed(rng: Rng, part: str, digits: Sequence[PenDigit] = ()) -> Drawing:
    """A digit of one of the fonts."""
    return one_of("0123456789", rng, part)


def in_another_hand(drawing: Sequence[Stroke], rng: Rng) -> Drawing:
    """As somebody else would draw it; only digits are written by habits."""
    return vary(PenDigit(-1, 0, tuple(drawing)), rng, Variety(habits=False))


def one_of(characters: Sequence[str], rng: Rng, part: str) -> Drawing:
    while True:  # most fonts lack a sign or two
        if strokes := glyph(str(rng.choice(FONTS[part])), str(rng.choice(list(characters)))):
            return list(strokes)


@lru_cache(4096)
def glyph(font: str, character: str) -> Drawing:
    """The strokes of a character, none where the font lacks it.

    Raises UserError where the fonts are not installed.
    """
    try:
        from HersheyFonts import HersheyFonts
    except ImportError as error:
        raise UserError(
            "letters are drawn with the package Hershey-Fonts, which is not installed; run "
            "`pip install Hershey-Fonts`"
        ) from error
    fonts = HersheyFonts()
    fonts.load_default_font(font)
    strokes = [np.array(s, dtype=np.float64) for s in fonts.strokes_for_text(character)]
    return [stroke for stroke in strokes if len(stroke)]


# Shapes.


def _polygon(corners: int, rng: Rng, star: float = 1.0) -> Drawing:
    angles = np.linspace(0, 2 * np.pi, corners + 1) + rng.uniform(0, 2 * np.pi)
    radius = np.where(np.arange(corners + 1) % 2, star, 1.0)
    return [np.stack([np.cos(angles), np.sin(angles)], 1) * radius[:, None]]


def _curve(x: np.ndarray, y: np.ndarray) -> Drawing:
    return [np.stack([x, y], 1)]


def _spiral(rng: Rng) -> Drawing:
    t = np.linspace(0.5, rng.uniform(2.5, 5) * 2 * np.pi, 120)
    return _curve(t * np.cos(t), t * np.sin(t))


def _wave(rng: Rng) -> Drawing:
    t = np.linspace(0, rng.uniform(2, 5) * 2 * np.pi, 100)
    return _curve(t / 3, np.sin(t))


def _zigzag(rng: Rng) -> Drawing:
    corners = int(rng.integers(5, 11))
    return _curve(np.arange(corners) * rng.uniform(0.2, 0.6), np.arange(corners) % 2 * 1.0)


def _cross(rng: Rng) -> Drawing:
    one = np.array([[-1.0, -1.0], [1.0, 1.0]])
    return [one, one * (1, -1)]


def _grid(rng: Rng) -> Drawing:
    lines = int(rng.integers(2, 4))
    at = (np.arange(lines) + 1.0) / (lines + 1)
    across = [np.array([[0.0, y], [1.0, y]]) for y in at]
    return across + [np.array([[x, 0.0], [x, 1.0]]) for x in at]


def _ring(x: float, y: float, radius: float) -> Stroke:
    t = np.linspace(0, 2 * np.pi, 40)
    return np.stack([x + radius * np.cos(t), y + radius * np.sin(t)], 1)


def _target(rng: Rng) -> Drawing:
    return [_ring(0, 0, radius) for radius in (1.0, rng.uniform(0.3, 0.6))]


def _face(rng: Rng) -> Drawing:
    t = np.linspace(0.2, np.pi - 0.2, 20)
    mouth = np.stack([0.5 * np.cos(t), 0.1 + rng.uniform(-0.4, 0.5) * np.sin(t)], 1)
    return [_ring(0, 0, 1), _ring(-0.35, -0.3, 0.1), _ring(0.35, -0.3, 0.1), mouth]


def _arrow(rng: Rng) -> Drawing:
    head = np.array([[0.6, -0.4], [1.0, 0.0], [0.6, 0.4]])
    turn = rng.choice([0.0, np.pi / 2, np.pi, -np.pi / 2])
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, sin], [-sin, cos]])
    return [np.array([[-1.0, 0.0], [1.0, 0.0]]) @ matrix, head @ matrix]


def _house(rng: Rng) -> Drawing:
    walls = np.array([[0.0, 1], [1, 1], [1, 0], [0.5, -0.6], [0, 0], [0, 1]])
    return [walls, np.array([[0.4, 1.0], [0.4, 0.5], [0.6, 0.5], [0.6, 1.0]])]


def _heart(rng: Rng) -> Drawing:
    t = np.linspace(0, 2 * np.pi, 60)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return _curve(16 * np.sin(t) ** 3, -y)


def _beast(rng: Rng) -> Drawing:
    """Body, legs, neck, head and tail: what a child's horse comes down to."""
    body = _ring(0, 0, 1) * (1.0, rng.uniform(0.35, 0.6))
    legs = [np.array([[x, 0.35], [x + rng.normal(0, 0.1), 1.3]]) for x in (-0.7, -0.45, 0.45, 0.7)]
    neck = np.array([[0.8, -0.2], [1.2, -0.9]])
    tail = np.array([[-0.95, 0], [-1.3, 0.5]])
    return [body, *legs, neck, _ring(1.35, -1, 0.25) * (1.0, 1.0), tail]


def _flower(rng: Rng) -> Drawing:
    petals = int(rng.integers(4, 7))
    t = np.linspace(0, 2 * np.pi, 120)
    radius = 0.65 + 0.35 * np.cos(petals * t)
    return [np.stack([radius * np.cos(t), radius * np.sin(t)], 1), _ring(0, 0, 0.2)]


SHAPES: dict[str, tuple[Callable[[Rng], Drawing], ...]] = {
    "train": (
        *(lambda rng, n=n: _polygon(n, rng) for n in (3, 4)),
        lambda rng: _polygon(10, rng, 0.4),
        *(_spiral, _zigzag, _cross, _arrow, _target, _face, _beast),
    ),
    "judge": (lambda rng: _polygon(8, rng, 0.3), _wave, _grid, _house, _heart, _flower),
}


def shape(rng: Rng, part: str, digits: Sequence[PenDigit] = ()) -> Drawing:
    makers = SHAPES[part]
    return makers[int(rng.integers(len(makers)))](rng)


# Scribbles.


def _wander(rng: Rng) -> Drawing:
    """One to four smooth strokes that go anywhere."""
    return [_smooth(rng, int(rng.integers(4, 12))) for _ in range(int(rng.integers(1, 5)))]


def _smooth(rng: Rng, corners: int) -> Stroke:
    t = np.linspace(0, corners - 1, 12 * corners)
    x, y = (np.interp(t, np.arange(corners), rng.uniform(-1, 1, corners)) for _ in range(2))
    window = np.hanning(15) / np.hanning(15).sum()
    return np.stack([np.convolve(np.pad(v, 7, "edge"), window, "valid") for v in (x, y)], 1)


def _strokes_anywhere(rng: Rng) -> Drawing:
    """A handful of short straight strokes."""
    starts = rng.uniform(-1, 1, (int(rng.integers(4, 10)), 2))
    return [np.stack([start, start + rng.normal(0, 0.5, 2)]) for start in starts]


def _hatching(rng: Rng) -> Drawing:
    """To and fro, as one blackens a surface."""
    lines = int(rng.integers(8, 20))
    x = np.where(np.arange(lines) % 2, 1.0, -1.0) + rng.normal(0, 0.1, lines)
    angle = rng.uniform(0, np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    return [np.stack([x, np.linspace(-1, 1, lines)], 1) @ np.array([[cos, sin], [-sin, cos]])]


def _knot(rng: Rng) -> Drawing:
    """Loops on loops, the pen never lifted."""
    t = np.linspace(0, 2 * np.pi, 200)
    a, b, c, d = rng.integers(2, 7, 4)
    x = np.sin(a * t + rng.uniform(0, 6)) + 0.6 * np.sin(b * t)
    y = np.sin(c * t + rng.uniform(0, 6)) + 0.6 * np.cos(d * t)
    return _curve(x, y)


SCRIBBLES = {"train": (_wander, _strokes_anywhere, _hatching), "judge": (_wander, _knot)}


def scribble(rng: Rng, part: str, digits: Sequence[PenDigit] = ()) -> Drawing:
    makers = SCRIBBLES[part]
    return makers[int(rng.integers(len(makers)))](rng)


# Digits side by side.


def side_by_side(rng: Rng, part: str, digits: Sequence[PenDigit]) -> Drawing:
    """Two of the digits in a row, now and then three."""
    count = 2 if rng.random() < 0.8 else 3
    return in_a_row([digits[int(rng.integers(len(digits)))] for _ in range(count)], rng)


def in_a_row(digits: Sequence[PenDigit], rng: Rng) -> Drawing:
    """The digits at about one height, a gap or hardly any between them."""
    row: Drawing = []
    edge = 0.0
    for digit in digits:
        size = rng.uniform(0.85, 1.15)
        strokes = [stroke * size for stroke in upright(digit.strokes)]
        left = min(float(stroke[:, 0].min()) for stroke in strokes)
        shift = np.array([edge - left, rng.normal(0, 0.05)])
        row += [stroke + shift for stroke in strokes]
        edge = max(float(stroke[:, 0].max()) for stroke in row) + rng.uniform(0.12, 0.6)
    return row


KINDS: dict[str, Callable[[Rng, str, Sequence[PenDigit]], Drawing]] = {
    "letter": letter,
    "shape": shape,
    "scribble": scribble,
    "side by side": side_by_side,
}
