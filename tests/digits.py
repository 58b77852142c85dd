"""Drawings that the tests make for themselves."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from mnist_demo.strokes import Stroke, place, render

TWO = [
    np.array([(1, 3), (2, 1), (5, 0), (8, 1), (9, 4), (7, 8), (3, 12), (0, 15), (5, 15), (10, 15)])
]
SEVEN = [np.array([(0, 0), (10, 0), (7, 7), (4, 16)]), np.array([(2, 8), (9, 8)])]
ONE = [np.array([(0, 0), (1, 16)])]
DRAWINGS: dict[str, list[Stroke]] = {"1": ONE, "2": TWO, "7": SEVEN}


def drawn(
    name: str = "2",
    height: float = 0.6,
    at: tuple[float, float] = (0.5, 0.5),
    brush: float = 0.06,
    size: int = 140,
) -> np.ndarray:
    """Ink (size, size) of a digit, drawn as the pad draws it."""
    return render(place(DRAWINGS[name], height, at, size), brush * size, size)


def grey_image(ink: np.ndarray, paper: float = 1.0, pen: float = 0.0) -> Image.Image:
    """The ink as an opaque picture in the greys of a paper and a pen."""
    return Image.fromarray(np.round((paper + (pen - paper) * ink) * 255).astype(np.uint8))


def photo(ink: np.ndarray, rng: np.random.Generator, strength: float = 0.35) -> Image.Image:
    """A phone's picture: light falling off to one side, a shadow, grain, a soft lens."""
    height, width = ink.shape
    down, across = np.mgrid[0:height, 0:width] / max(height, width)
    light = 0.9 - strength * across - 0.15 * down
    light *= 1 - 0.15 / (1 + np.exp(-(down - 0.7) * 12))
    grey = light * (1 - 0.75 * ink) + rng.normal(0, 0.015, ink.shape)
    colour = np.clip(grey[..., None] * (1.0, 0.96, 0.88), 0, 1)  # lamplight is yellow
    image = Image.fromarray(np.round(colour * 255).astype(np.uint8))
    return image.filter(ImageFilter.GaussianBlur(1))
