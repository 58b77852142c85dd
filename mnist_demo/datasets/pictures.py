"""Picture files to the bytes that nets learn from."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image

from mnist_demo.errors import UserError
from mnist_demo.ink import FORMATS, border_of, on_white, open_image
from mnist_demo.preprocess import SIDE, preprocess_image

READY = f"{SIDE}x{SIDE} grey"  # what nets take, where it is light on dark
LIGHT = 128  # from here on a border is paper
COLOUR_SIDE = 32  # of the colour images that nets take
MAX_BYTES = 4 * 2**30  # of all files of a data set together

BROKEN = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)

T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """A picture of a data set: its file, its class, and where that was said."""

    path: Path
    label: str
    where: str  # "train.txt, line 3", or the path again


def read_digits(entries: Sequence[Entry]) -> torch.Tensor:
    """uint8 (N, 1, 28, 28), each as `digit_pixels` has it."""
    return _stacked([_with_place(digit_pixels, entry)[None] for entry in _bounded(entries)])


def check_alike(entries: Sequence[Entry]) -> None:
    """Raises UserError for a list in which some digits are 28x28 grey and others are photos.

    Photos may have any size, but among digits that are ready one is most likely a mistake.
    """
    kinds = [_size(entry.path) for entry in entries]
    for entry, kind in zip(entries, kinds, strict=True):
        if kind and kinds[0] and (kind == READY) != (kinds[0] == READY):
            raise UserError(
                f"{entry.where}: {entry.path.name} is {kind}, the first picture is {kinds[0]}; "
                "make all alike, or let `data import` read a folder of them"
            )


def read_images(entries: Sequence[Entry]) -> torch.Tensor:
    """uint8 (N, 1, 28, 28) where all are 28x28 grey, else (N, 3, 32, 32); all of one size.

    Raises UserError for a picture that is neither, or unlike the first.
    """
    entries = _bounded(entries)
    kinds = [_with_place(_kind, entry) for entry in entries]
    for entry, kind in zip(entries, kinds, strict=True):
        if kind != kinds[0]:
            raise UserError(
                f"{entry.where}: {entry.path.name} is {kind}, the first picture is {kinds[0]}; "
                "make all alike"
            )
    if kinds[0] == READY:
        return _stacked([_with_place(_plain_pixels, entry)[None] for entry in entries])
    return _stacked([_with_place(colour_pixels, entry) for entry in entries])


def digit_pixels(path: Path) -> np.ndarray:
    """uint8 (28, 28) of a picture of a digit: a photo, or 28x28 grey as `ready` has it.

    Raises UserError where it shows none.
    """
    with contextlib.suppress(*BROKEN), _opened(path) as image:  # else `open_image` says why
        if _is_plain(image):
            return ready(np.asarray(image))
    return _of_photo(open_image(path))


def ready(pixels: np.ndarray) -> np.ndarray:
    """uint8 (28, 28) of as many pixels: as they are where their ground is dark, else a photo's.

    So that dark ink on white paper does not become the negative of what `predict` makes of it.
    Raises UserError where that shows no ink.
    """
    if np.median(border_of(pixels)) < LIGHT:
        return pixels
    return _of_photo(Image.fromarray(pixels))


def _of_photo(image: Image.Image) -> np.ndarray:
    return np.round(preprocess_image(image).centred * 255).astype(np.uint8)


def _plain_pixels(path: Path) -> np.ndarray:
    """uint8 (28, 28) of what `_is_plain`, as it is."""
    return np.asarray(open_image(path))


def colour_pixels(source: Path | bytes) -> np.ndarray:
    """uint8 (3, 32, 32) of a picture that has 32x32 pixels, as `classify_photo` sees it."""
    image = open_image(source, colour=True)
    if image.size != (COLOUR_SIDE, COLOUR_SIDE):
        raise UserError(
            f"it has {image.width}x{image.height} pixels; make it {COLOUR_SIDE}x{COLOUR_SIDE}"
        )
    return np.ascontiguousarray(np.asarray(on_white(image)).transpose(2, 0, 1))


def to_image(pixels: np.ndarray) -> Image.Image:
    """A picture of uint8 (1, H, W) or (3, H, W)."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0).copy())


def _kind(path: Path) -> str:
    with contextlib.suppress(*BROKEN), _opened(path) as image:
        if _is_plain(image):
            return READY
    size = open_image(path, colour=True).size
    if size == (COLOUR_SIDE, COLOUR_SIDE):
        return f"{COLOUR_SIDE}x{COLOUR_SIDE}"
    raise UserError(
        f"{path.name} has {size[0]}x{size[1]} pixels; pictures of things other than digits "
        f"must be {COLOUR_SIDE}x{COLOUR_SIDE}, or {SIDE}x{SIDE} grey"
    )


def _size(path: Path) -> str:
    """READY, or what else it is; empty for what is no picture, of which reading it tells."""
    with contextlib.suppress(*BROKEN), _opened(path) as image:
        if _is_plain(image):
            return READY
        return f"{image.width}x{image.height}{'' if image.mode == 'L' else ' in colour'}"
    return ""


def _opened(path: Path) -> Image.Image:
    """Its header alone is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `open_image` judges the size
        return Image.open(path, formats=FORMATS)


def _is_plain(image: Image.Image) -> bool:
    """Whether it is 28x28 grey and nothing else."""
    return (
        image.mode == "L"
        and image.size == (SIDE, SIDE)
        and not set(image.info)
        & {
            "exif",  # it may be turned
            "transparency",
        }
    )


def _with_place(read: Callable[[Path], T], entry: Entry) -> T:
    try:
        return read(entry.path)
    except UserError as error:
        raise UserError(f"{entry.where}: {error}") from error


def _bounded(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The same entries. Raises UserError where their files are too much for the memory."""
    if sum(entry.path.stat().st_size for entry in entries) > MAX_BYTES:
        raise UserError(
            f"these {len(entries):,} pictures have more than {MAX_BYTES // 2**30} GiB; "
            "shrink them or take fewer"
        )
    return entries


def _stacked(pixels: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(pixels))
