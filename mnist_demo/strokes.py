"""Pen strokes to ink, drawn as the sketchpad draws them: round pen, joined by straight lines."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from mnist_demo.errors import UserError

FILE = "pen_digits.json.gz"  # in the data folder
TEST_WRITERS = range(26, 31)  # no setting was chosen by these
PAD = 140  # pixels a side of the ink that the sketchpad sends
OVERSAMPLE = 4
# How people draw on the pad, as parts of its side.
HEIGHT = (0.35, 0.85)
BRUSH = (0.03, 0.08)

Stroke = np.ndarray  # (points, 2): x, y with y down


@dataclass(frozen=True)
class PenDigit:
    """A digit as somebody's pen wrote it."""

    label: int
    writer: int
    strokes: tuple[Stroke, ...]


def load_pen_digits(path: str | Path) -> list[PenDigit]:
    """Reads `[{"label", "writer", "strokes": [[[x, y], …], …]}, …]`, gzipped JSON."""
    try:
        entries = json.loads(gzip.decompress(Path(path).read_bytes()))
        return [_pen_digit(entry, number) for number, entry in enumerate(entries, 1)]
    except (OSError, EOFError, zlib.error, ValueError, TypeError, RecursionError) as error:
        raise UserError(
            f"{path} cannot be read as pen digits ({error}); give gzipped JSON of "
            "label, writer and strokes with --strokes"
        ) from error


def _pen_digit(entry: dict[str, Any], number: int) -> PenDigit:
    """Raises ValueError naming the entry."""
    try:
        label, writer = int(entry["label"]), int(entry["writer"])
        strokes = tuple(np.array(stroke, dtype=np.float64) for stroke in entry["strokes"])
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"entry {number}: {type(error).__name__} {error}") from error
    if not 0 <= label <= 9:
        raise ValueError(f"entry {number}: its label is {label}, no digit")
    if not strokes or any(len(s) == 0 or s.shape[1:] != (2,) for s in strokes):
        raise ValueError(f"entry {number}: each of its strokes must have points x, y")
    if not all(np.isfinite(stroke).all() for stroke in strokes):
        raise ValueError(f"entry {number}: a coordinate is no number")
    return PenDigit(label, writer, strokes)


def place(
    strokes: Sequence[Stroke], height: float, at: tuple[float, float], size: int = PAD
) -> list[Stroke]:
    """Scales strokes to `height` (a part of the canvas) and puts them on it.

    `at` is where in the free room they go, 0 to 1 across and down; a digit wider than
    tall is held inside the canvas.
    """
    points = np.concatenate(strokes)
    low, extent = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-6)
    scale = min(height * size / extent[1], 0.9 * size / extent[0])
    margin = (size - extent * scale).clip(0) * np.asarray(at)
    return [(stroke - low) * scale + margin for stroke in strokes]


def render(
    strokes: Sequence[Stroke], brush: float, size: int = PAD, oversample: int = OVERSAMPLE
) -> np.ndarray:
    """The ink (size, size) of strokes in pixels, with a round brush of `brush` pixels."""
    big = Image.new("L", (size * oversample, size * oversample))
    draw = ImageDraw.Draw(big)
    radius = brush * oversample / 2
    for stroke in strokes:
        points = [(float(x), float(y)) for x, y in stroke * oversample]
        if len(points) > 1:
            draw.line(points, fill=255, width=max(1, round(2 * radius)), joint="curve")
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    small = big.resize((size, size), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / 255


def draw_anywhere(
    strokes: Sequence[Stroke],
    rng: np.random.Generator,
    height: tuple[float, float] = HEIGHT,
    brush: tuple[float, float] = BRUSH,
    oversample: int = OVERSAMPLE,
) -> np.ndarray:
    """The ink of a drawing anywhere on the pad, in a random size and pen."""
    placed = place(strokes, rng.uniform(*height), tuple(rng.uniform(size=2)))
    return render(placed, rng.uniform(*brush) * PAD, oversample=oversample)
