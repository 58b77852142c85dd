"""What a visitor's pen sends: drawings as they grow, in the form and pace of the page's own.

Ten digits in strokes of our own, each in another hand every time; no data set is read.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnist_demo.hands import vary
from mnist_demo.strokes import BRUSH, HEIGHT, PAD, PenDigit, Stroke, place, render

PACE = 15.0  # updates a second while the pen is down
SECONDS = (0.8, 1.8)  # that a digit takes to be drawn
# Corner points, x and y with y down; curves run through them.
DIGITS: dict[int, list[list[tuple[float, float]]]] = {
    0: [[(5, 0), (2, 2), (1, 8), (3, 14), (6, 15), (9, 12), (9, 5), (7, 1), (5, 0)]],
    1: [[(3, 3), (5, 0), (5, 8), (5, 16)]],
    2: [[(1, 3), (2, 1), (5, 0), (8, 1), (9, 4), (7, 8), (3, 12), (0, 15), (5, 15), (10, 15)]],
    3: [[(1, 2), (4, 0), (8, 1), (9, 4), (7, 7), (4, 7), (9, 9), (9, 13), (5, 16), (0, 14)]],
    4: [[(4, 0), (2, 5), (0, 9), (4, 9), (10, 9)], [(7, 4), (7, 9), (6, 16)]],
    5: [[(2, 0), (1, 4), (1, 7), (5, 6), (9, 8), (9, 13), (5, 16), (0, 15)], [(2, 0), (9, 0)]],
    6: [[(7, 0), (3, 4), (1, 9), (2, 14), (5, 16), (8, 14), (8, 10), (5, 8), (2, 10)]],
    7: [[(0, 1), (5, 0), (10, 0), (8, 5), (6, 10), (4, 16)]],
    8: [[(8, 2), (5, 0), (2, 2), (3, 6), (9, 12), (7, 16), (3, 16), (1, 13), (7, 6), (8, 2)]],
    9: [[(8, 3), (5, 0), (2, 2), (2, 6), (5, 7), (8, 4), (8, 3), (8, 9), (7, 16)]],
}  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """One digit as it is drawn: what the page would send at each update."""

    digit: int
    updates: tuple[bytes, ...]  # the message's JSON


def draw(rng: np.random.Generator, net: str = "released") -> Drawing:
    """A digit in some hand, somewhere on the pad, from its first dot to its last stroke."""
    digit = int(rng.integers(10))
    strokes = tuple(_smooth(np.array(stroke, dtype=float)) for stroke in DIGITS[digit])
    varied = vary(PenDigit(digit, 0, strokes), rng)
    placed = place(varied, rng.uniform(*HEIGHT), (rng.uniform(), rng.uniform()))
    brush = rng.uniform(*BRUSH) * PAD
    count = round(rng.uniform(*SECONDS) * PACE)
    lengths = np.concatenate([_lengths(stroke) for stroke in placed])
    reach = lengths.sum() * np.arange(1, count + 1) / count
    inks = [render(_up_to(placed, far), brush) for far in reach]
    messages = [message(ink, net) | {"moving": True} for ink in inks]
    messages.append(messages[-1] | {"moving": False})  # the pen is lifted
    return Drawing(digit, tuple(json.dumps(sent).encode() for sent in messages))


def message(ink: np.ndarray, net: str = "released") -> dict[str, Any]:
    """Ink (PAD, PAD) in [0, 1] as `sketchpad_ask.js` sends it: the box of what is not blank."""
    grey = np.round(ink * 255).astype(np.uint8)
    rows, columns = np.flatnonzero(grey.any(1)), np.flatnonzero(grey.any(0))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    text = base64.b64encode(grey[top:bottom, left:right].tobytes()).decode()
    return {"net": net, "x": left, "y": top, "w": right - left, "h": bottom - top, "ink": text}


def _smooth(corners: np.ndarray, steps: int = 8) -> Stroke:
    """A Catmull-Rom curve through the corners, as the page draws its examples."""
    before = np.vstack([corners[:1], corners[:-2]])
    here, there = corners[:-1], corners[1:]
    after = np.vstack([corners[2:], corners[-1:]])
    t = (np.arange(steps) / steps)[:, None, None]
    curve = 0.5 * (
        2 * here
        + (there - before) * t
        + (2 * before - 5 * here + 4 * there - after) * t**2
        + (3 * here - before - 3 * there + after) * t**3
    )  # (steps, corners - 1, 2)
    return np.vstack([curve.transpose(1, 0, 2).reshape(-1, 2), corners[-1:]])


def _lengths(stroke: Stroke) -> np.ndarray:
    """Of each piece of a stroke; the first point counts a little, for the pen touches down."""
    return np.concatenate([[1e-3], np.hypot(*np.diff(stroke, axis=0).T)])


def _up_to(strokes: list[Stroke], far: float) -> list[Stroke]:
    """The strokes as far as the pen has come, and where it is between two points."""
    drawn: list[Stroke] = []
    for stroke in strokes:
        lengths = _lengths(stroke)
        ends = np.cumsum(lengths)
        if far >= ends[-1]:
            drawn.append(stroke)
            far -= ends[-1]
            continue
        last = int(np.searchsorted(ends, far, side="right"))
        if last:
            part = (far - ends[last - 1]) / lengths[last]
            tip = stroke[last - 1] + part * (stroke[last] - stroke[last - 1])
            drawn.append(np.vstack([stroke[:last], tip]))
        break
    return drawn or [strokes[0][:1]]
