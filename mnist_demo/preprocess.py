"""Ink to the 28x28 picture that MNIST's nets know (LeCun et al. 1998). Pure numpy and PIL.

MNIST's makers fitted each digit into 20x20 pixels keeping its proportions, grey coming
from the anti-aliasing, and moved its centre of mass to the centre of 28x28. In its files
the longest side is exactly 20 and the centre of mass rounds to pixel (14, 14); the
reconstruction QMNIST (Yadav & Bottou 2019) gives the details.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from mnist_demo.errors import UserError
from mnist_demo.ink import ink_of_image

SIDE = 28  # of the net's input
BOX = 20  # the digit's longest side in it
CENTRE = 14  # the pixel that the centre of mass falls into, down and across
INK = 0.15  # from here on a pixel counts as ink
MIN_INK = 4.0  # full pixels of ink; less is a slip of the pen


class NoInkError(UserError):
    """There is nothing, or nearly nothing, to read."""


@dataclass(frozen=True)
class Steps:
    """What became of the ink, step by step; each float32 in [0, 1]."""

    ink: np.ndarray  # (H, W) as it came
    box: tuple[int, int, int, int]  # top, left, bottom, right of the crop in it
    crop: np.ndarray  # the box of the ink
    fitted: np.ndarray  # longest side 20
    centred: np.ndarray  # (28, 28), what the net sees


def preprocess_image(image: Image.Image) -> Steps:
    """A picture of a digit, of whatever kind, to the net's input. Raises NoInkError."""
    return preprocess_ink(ink_of_image(image))


def preprocess_ink(ink: np.ndarray) -> Steps:
    """Ink (H, W) in [0, 1] to the net's input. Raises NoInkError for a blank pad."""
    box = find_box(ink)
    crop = crop_to(ink, box)
    fitted = fit(crop)
    return Steps(ink, box, crop, fitted, centre_by_mass(fitted))


def as_it_is(ink: np.ndarray, picture: np.ndarray) -> Steps:
    """The steps of a picture (28, 28) that nets know already, and of ink that shows it.

    Made anew from that ink it would be a pixel or a grey off, and what is read of a doubtful
    digit another one.
    """
    box = find_box(ink)
    fitted = crop_to(picture, find_box(picture))
    return Steps(ink, box, crop_to(ink, box), fitted, picture)


def find_box(ink: np.ndarray) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of the ink. Raises NoInkError where there is none."""
    mask = ink >= INK
    if float(ink[mask].sum()) < MIN_INK:
        raise NoInkError("there is no ink to read; draw a digit, or send a clearer picture")
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def crop_to(ink: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    top, left, bottom, right = box
    return ink[top:bottom, left:right]


def fit(crop: np.ndarray, side: int = BOX) -> np.ndarray:
    """Resized so that the longest side is `side`, proportions kept, the darkest ink at 1."""
    fitted = _resized(crop, side / max(crop.shape))
    return fitted / max(float(fitted.max()), 1e-6)


def centre_by_mass(digit: np.ndarray) -> np.ndarray:
    """Placed in (28, 28) with the centre of mass in the middle, as far as it fits."""
    height, width = digit.shape
    mass = digit.sum()
    down = float((digit.sum(1) * np.arange(height)).sum() / mass)
    across = float((digit.sum(0) * np.arange(width)).sum() / mass)
    top = min(max(int(np.floor(CENTRE - down + 0.5)), 0), SIDE - height)
    left = min(max(int(np.floor(CENTRE - across + 0.5)), 0), SIDE - width)
    placed = np.zeros((SIDE, SIDE), dtype=np.float32)
    placed[top : top + height, left : left + width] = digit
    return placed


def shrink_only(ink: np.ndarray) -> np.ndarray:
    """The whole canvas scaled to (28, 28): what most demos do, kept to compare with."""
    image = Image.fromarray(ink.astype(np.float32))
    shrunk = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)
    return np.clip(shrunk, 0, 1)


def _resized(values: np.ndarray, factor: float) -> np.ndarray:
    """Anti-aliased when it shrinks, smooth when it grows; at least one pixel a side."""
    if factor == 1.0:
        return values.astype(np.float32)
    height, width = (max(1, round(side * factor)) for side in values.shape)
    # A hamming window keeps strokes crisper than a box, with less ringing than Lanczos.
    how = Image.Resampling.HAMMING if factor < 1 else Image.Resampling.BILINEAR
    image = Image.fromarray(values.astype(np.float32)).resize((width, height), how)
    return np.clip(np.asarray(image, dtype=np.float32), 0, 1)
