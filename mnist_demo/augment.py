"""Augmentation: random changes to a whole batch at once, on the device that holds it.

Every function takes and returns float images (B, C, H, W) in [0, 1] and draws its
randomness from the generator it is given, so a seed repeats.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F

from mnist_demo.described import Described, Range
from mnist_demo.errors import unknown_choice

Tensor = torch.Tensor
Augment = Callable[[Tensor, torch.Generator], Tensor]
COARSE = 7  # places each way whose displacements an elastic warp smooths


def uniform(size: tuple[int, ...], low: float, high: float, rng: torch.Generator) -> Tensor:
    return torch.rand(size, generator=rng, device=rng.device) * (high - low) + low


def identity(images: Tensor, rng: torch.Generator) -> Tensor:
    return images


def shift(images: Tensor, rng: torch.Generator, pixels: int = 2) -> Tensor:
    """Moves each image by up to `pixels` whole pixels each way (pad and crop)."""
    count, _, height, width = images.shape
    padded = F.pad(images, (pixels,) * 4)
    offsets = torch.randint(0, 2 * pixels + 1, (2, count, 1), generator=rng, device=rng.device)
    rows = offsets[0] + torch.arange(height, device=rng.device)  # (B, H)
    columns = offsets[1] + torch.arange(width, device=rng.device)  # (B, W)
    which = torch.arange(count, device=rng.device)
    moved = padded[which[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return moved.permute(0, 3, 1, 2).contiguous()


def one_pixel(images: Tensor, rng: torch.Generator) -> Tensor:
    """Leaves each image or moves it by one pixel up, down, left or right, all five alike.

    What Nielsen's expanded training set holds side by side, drawn anew in each pass.
    """
    which = torch.randint(0, 5, (len(images), 1, 1, 1), generator=rng, device=rng.device)
    moved = images
    for way, (shifts, dims) in enumerate(((1, 2), (-1, 2), (1, 3), (-1, 3)), 1):
        rolled = images.roll(shifts, dims)
        edge = rolled.select(dims, 0 if shifts > 0 else -1)
        edge.zero_()
        moved = torch.where(which == way, rolled, moved)
    return moved


def tilt_and_crop(images: Tensor, rng: torch.Generator) -> Tensor:
    """Rotation by up to 5 degrees, then a shift of up to 2 pixels (tutorial 000)."""
    return shift(warp(images, rng, degrees=5), rng)


def warp(
    images: Tensor,
    rng: torch.Generator,
    *,
    degrees: float = 0.0,
    scale: float = 0.0,
    stretch: float = 0.0,
    shear: float = 0.0,
    shift: float = 0.0,
    elastic: float = 0.0,
) -> Tensor:
    """A random affine map and an elastic one in a single resampling.

    degrees: rotation up to ±degrees. scale, stretch: size up to ±that fraction, both
    axes together and against each other. shear: slant up to ±that tangent. shift: up to
    ±that many pixels. elastic: smooth displacement (Simard et al. 2003) whose standard
    deviation is that many pixels.
    """
    count, _, height, width = images.shape

    def draw(limit: float) -> Tensor:
        return uniform((count,), -limit, limit, rng)

    angle, slant = draw(math.radians(degrees)), draw(shear)
    zoom, ratio = draw(scale), draw(stretch)
    grow_x = torch.exp(-(zoom + ratio))  # the grid maps output to input, so it shrinks
    grow_y = torch.exp(-(zoom - ratio))
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.stack(
        [
            torch.stack([cos * grow_x, (slant * cos - sin) * grow_y, draw(2 * shift / width)], 1),
            torch.stack([sin * grow_x, (slant * sin + cos) * grow_y, draw(2 * shift / height)], 1),
        ],
        1,
    )  # (B, 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)  # (B, H, W, 2)
    if elastic:
        coarse = torch.randn((count, 2, COARSE, COARSE), generator=rng, device=rng.device)
        down, across = _bicubic(height, rng.device), _bicubic(width, rng.device)
        smooth = down @ coarse @ across.t()  # (B, 2, H, W)
        grid = grid + smooth.permute(0, 2, 3, 1) * (2 * elastic / width)
    return F.grid_sample(images, grid, align_corners=False)


def _bicubic(length: int, device: torch.device) -> Tensor:
    """What each of COARSE places gives to `length` pixels: (length, COARSE).

    Two small products with it take a tenth of the time of F.interpolate on a CPU.
    """
    places = torch.eye(COARSE, device=device)[None, None]
    return F.interpolate(places, (length, COARSE), mode="bicubic", align_corners=True)[0, 0]


def stroke_width(images: Tensor, rng: torch.Generator) -> Tensor:
    """Thickens or thins the ink of each image by a random part of a pixel."""
    amount = uniform((images.shape[0], 1, 1, 1), -1, 1, rng)
    cross = brightest(images)
    eroded = 1 - brightest(1 - images)
    # Thinning is held to half a step: a whole one erases the finest strokes.
    return torch.where(
        amount > 0,
        images + amount * (cross - images),
        images + 0.5 * amount * (images - eroded),
    )


def brightest(images: Tensor) -> Tensor:
    """Of each pixel and its four neighbours; slices take a tenth of a max pool's time."""
    found = images.clone()
    for dim in (2, 3):
        last = images.shape[dim] - 1
        for here, there in ((0, 1), (1, 0)):
            part = found.narrow(dim, here, last)
            torch.maximum(part, images.narrow(dim, there, last), out=part)
    return found


def affine(images: Tensor, rng: torch.Generator) -> Tensor:
    return warp(images, rng, degrees=12, scale=0.1, stretch=0.05, shear=0.15, shift=2)


def bent(images: Tensor, rng: torch.Generator) -> Tensor:
    """As affine, and wobbling."""
    return warp(images, rng, degrees=12, scale=0.1, stretch=0.1, shear=0.2, shift=2, elastic=0.6)


def handwriting(images: Tensor, rng: torch.Generator) -> Tensor:
    """What differs between hands: slant, proportion, wobble and the width of the pen."""
    warped = warp(
        images, rng, degrees=12, scale=0.12, stretch=0.1, shear=0.3, shift=1.5, elastic=0.5
    )
    return stroke_width(warped, rng)


def flip(images: Tensor, rng: torch.Generator) -> Tensor:
    """Mirrors every second image or so; for things, never for digits."""
    mirrored = torch.rand((len(images), 1, 1, 1), generator=rng, device=rng.device) < 0.5
    return torch.where(mirrored, images.flip(3), images)


def flip_crop(images: Tensor, rng: torch.Generator) -> Tensor:
    """A mirror image half of the time, and a shift of up to 4 pixels (pad 4 and crop)."""
    return shift(flip(images, rng), rng, 4)


def cutout(images: Tensor, rng: torch.Generator, side: int = 8) -> Tensor:
    """Blanks a square of each image to its mean colour (DeVries and Taylor 2017)."""
    count, _, height, width = images.shape

    def inside(length: int) -> Tensor:
        starts = torch.randint(0, length - side + 1, (count, 1), generator=rng, device=rng.device)
        offset = torch.arange(length, device=rng.device) - starts
        return (offset >= 0) & (offset < side)  # (B, length)

    square = inside(height)[:, None, :, None] & inside(width)[:, None, None, :]
    return torch.where(square, images.mean((2, 3), keepdim=True), images)


def flip_crop_cutout(images: Tensor, rng: torch.Generator) -> Tensor:
    return cutout(flip_crop(images, rng), rng)


AUGMENTS: dict[str, Augment] = {
    "none": identity,
    "shift": shift,
    "one-pixel": one_pixel,
    "tilt-and-crop": tilt_and_crop,
    "affine": affine,
    "bent": bent,
    "handwriting": handwriting,
    "flip": flip,
    "flip-crop": flip_crop,
    "flip-crop-cutout": flip_crop_cutout,
}


@dataclass(frozen=True)
class Warp(Described):
    """Amounts of one's own, as in "warp:rotate=10,scale=0.1,shift=2"."""

    rotate: float = 10.0  # degrees either way
    scale: float = 0.1  # part of the size, larger and smaller
    shift: float = 2.0  # pixels each way

    KIND: ClassVar = "warp"
    ALLOWED: ClassVar = {"rotate": Range(0, 45), "scale": Range(0, 0.5), "shift": Range(0, 6)}

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return warp(images, rng, degrees=self.rotate, scale=self.scale, shift=self.shift)


AUGMENTS["warp"] = Warp()
# For things alone: a digit in the mirror is another digit, or none.
MIRRORING = frozenset(("flip", "flip-crop", "flip-crop-cutout"))


def find_augment(name: str) -> Augment:
    """The augmentation of this name, or the one that "warp:..." describes."""
    if Warp.is_in(name):
        return Warp.parse(name)
    if name not in AUGMENTS:
        raise unknown_choice("augmentation", name, AUGMENTS)
    return AUGMENTS[name]
