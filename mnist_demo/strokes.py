"""Pen strokes to ink, drawn as the sketchpad draws them: round pen, joined by straight lines."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mnist_demo.errors import UserError

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
        return [
            PenDigit(
                int(entry["label"]),
                int(entry["writer"]),
                tuple(np.array(s, dtype=np.float64).reshape(-1, 2) for s in entry["strokes"]),
            )
            for entry in entries
        ]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} cannot be read as pen digits ({error}); give gzipped JSON of "
            "label, writer and strokes with --strokes"
        ) from error


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
