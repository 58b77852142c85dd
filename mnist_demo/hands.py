"""Other hands: the same digit as somebody else might have written it, stroke by stroke.

Strokes are varied before they are drawn, so that the pen keeps its width and its round
ends, which no warping of pixels does. Random numbers come from the generator given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mnist_demo.strokes import PenDigit, Stroke

Rng = np.random.Generator


@dataclass(frozen=True)
class Variety:
    """How far hands differ; lengths are parts of the digit's height."""

    slant: float = 0.22  # standard deviation of the tangent
    turn: float = 0.10  # of the angle, in radians
    stretch: float = 0.16  # of the logarithm of width over height
    bend: float = 0.045  # of the smooth displacement of points
    apart: float = 0.02  # of the place of each stroke against the others
    tremor: float = 0.006  # of single points
    habits: bool = True  # slashed zeros, crossed sevens, flags and feet of ones


def vary(digit: PenDigit, rng: Rng, variety: Variety | None = None) -> list[Stroke]:
    """The strokes of `digit` in another hand, in units of its height around its middle."""
    amount = variety or Variety()
    strokes = upright(digit.strokes)
    if amount.habits and digit.label in HABITS:
        strokes = HABITS[digit.label](strokes, rng)
    strokes = [_resampled(stroke, rng) for stroke in strokes]
    strokes = [stroke + rng.normal(0, amount.apart, 2) for stroke in strokes]
    strokes = _bent(strokes, rng, amount.bend)
    strokes = [stroke + rng.normal(0, amount.tremor, stroke.shape) for stroke in strokes]
    matrix = _slanted(rng, amount)
    return [stroke @ matrix.T for stroke in strokes]


def upright(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Strokes scaled to a height of 1 (or, where wider than tall, a width of 1), middle at 0."""
    points = np.concatenate(strokes)
    low, extent = points.min(0), np.ptp(points, axis=0)
    return [(stroke - low - extent / 2) / max(float(extent.max()), 1e-6) for stroke in strokes]


def _slanted(rng: Rng, amount: Variety) -> np.ndarray:
    """A random slant, turn and stretch as a (2, 2) matrix."""
    slant, angle = rng.normal(0, amount.slant), rng.normal(0, amount.turn)
    ratio = np.exp(rng.normal(0, amount.stretch) / 2)
    cos, sin = np.cos(angle), np.sin(angle)
    shear = np.array([[1.0, -slant], [0.0, 1.0]])
    return np.array([[cos, -sin], [sin, cos]]) @ shear @ np.diag([ratio, 1 / ratio])


def _bent(strokes: list[Stroke], rng: Rng, amount: float) -> list[Stroke]:
    """A smooth random displacement of the plane: a few waves about as long as the digit."""
    waves = rng.normal(0, 1, (4, 2))  # directions and lengths
    phases = rng.uniform(0, 2 * np.pi, 4)
    pushes = rng.normal(0, amount / 2, (4, 2))
    return [
        stroke + np.sin(4 * stroke @ waves.T + phases) @ pushes  # (points, 4) @ (4, 2)
        for stroke in strokes
    ]


def _resampled(stroke: Stroke, rng: Rng) -> Stroke:
    """Now and then only every second to fourth point: a fast hand, or a slow machine."""
    if len(stroke) < 8 or rng.random() > 0.25:
        return stroke
    return np.concatenate([stroke[: -1 : int(rng.integers(2, 5))], stroke[-1:]])


def _slashed(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """A zero with a stroke through it, from the lower left to the upper right."""
    if rng.random() > 0.12:
        return strokes
    half = np.ptp(np.concatenate(strokes), axis=0) / 2
    reach = rng.uniform(0.55, 1.15, (2, 1)) * half
    return [*strokes, np.array([[-1.0, 1.0], [1.0, -1.0]]) * reach]


def _crossed(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """A seven with a bar across its stem, where it has only one stroke."""
    if len(strokes) > 1 or rng.random() > 0.35:
        return strokes
    points = strokes[0]
    stem = points[np.abs(points[:, 1] - rng.uniform(-0.05, 0.2)).argmin()]
    width, tilt = rng.uniform(0.15, 0.3), rng.normal(0, 0.04)
    return [*strokes, np.array([stem + (-width, tilt), stem + (width, -tilt)])]


def _flagged(strokes: list[Stroke], rng: Rng) -> list[Stroke]:
    """A bare one with a flag at its top, a foot, or both."""
    points = np.concatenate(strokes)
    if np.ptp(points[:, 0]) > 0.3 or rng.random() > 0.45:
        return strokes
    top, bottom = points[points[:, 1].argmin()], points[points[:, 1].argmax()]
    more = list(strokes)
    kind = rng.random()
    if kind < 0.75:
        length, angle = rng.uniform(0.12, 0.5), rng.uniform(0.35, 1.1)  # down from level
        flag = top + np.array([-np.cos(angle), np.sin(angle)]) * length
        more.append(np.array([flag, top]))
    if kind > 0.45:
        left, right = rng.uniform(0.12, 0.32, 2)
        more.append(np.array([bottom - (left, 0), bottom + (right, rng.normal(0, 0.03))]))
    return more


HABITS: dict[int, Callable[[list[Stroke], Rng], list[Stroke]]] = {
    0: _slashed,
    1: _flagged,
    7: _crossed,
}
