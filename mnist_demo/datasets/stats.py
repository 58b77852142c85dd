"""Figures about a data set, and one image of it as text or CSV."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mnist_demo.datasets.base import Dataset, Split, joined

SHADES = " .:-=+*#%@"
CHUNK = 1000


@dataclass(frozen=True)
class Stats:
    """Of pixels in [0, 1]: over all of them, and of each channel."""

    images: int
    mean: float
    std: float
    channel_means: tuple[float, ...]
    channel_stds: tuple[float, ...]


def training_part(data: Dataset) -> tuple[Split, str]:
    """All images that no figure is reported on, and which they are, in words.

    Where there is a test set these are train and validation, which are one in the
    source; else train alone, for validation is then what is reported on.
    """
    if data.test is None:
        return data.train, "train"
    return joined(data.train, data.validation), "train and validation"


def stats_of(images: torch.Tensor) -> Stats:
    """Mean and standard deviation of uint8 (N, C, H, W), divided by 255.

    From integer counts of each value, so no sum loses digits however many there are.
    """
    channels = [_counts(images[:, channel]) for channel in range(images.shape[1])]
    mean, std = _moments(np.sum(channels, axis=0))
    each = [_moments(counts) for counts in channels]
    return Stats(len(images), mean, std, tuple(m for m, _ in each), tuple(s for _, s in each))


def counts_per_class(split: Split, labels: Sequence[str]) -> dict[str, int]:
    counts = split.labels.bincount(minlength=len(labels)).tolist()
    return dict(zip(labels, counts, strict=True))


def as_text(image: np.ndarray, numbers: bool = False) -> str:
    """An image (C, H, W) in characters, two a pixel so that it is not narrow, or in numbers.

    Characters shade its brightness; numbers come a channel after another.
    """
    if numbers:
        planes = ["\n".join(" ".join(f"{v:3d}" for v in row) for row in plane) for plane in image]
        return "\n\n".join(planes)
    shade = image.astype(np.float64).mean(0) / 255 * (len(SHADES) - 1)
    rows = np.round(shade).astype(int)
    return "\n".join("".join(SHADES[v] * 2 for v in row).rstrip() for row in rows)


def as_csv(image: np.ndarray) -> bytes:
    """The numbers 0 to 255, a row of pixels a line; of colours red, then green, then blue."""
    out = io.StringIO()
    np.savetxt(out, image.reshape(-1, image.shape[-1]), fmt="%d", delimiter=",")
    return out.getvalue().encode()


def _counts(channel: torch.Tensor) -> np.ndarray:
    """How often each of the 256 values occurs."""
    chunks = (channel[i : i + CHUNK].cpu().numpy() for i in range(0, len(channel), CHUNK))
    return np.sum([np.bincount(chunk.ravel(), minlength=256) for chunk in chunks], axis=0)


def _moments(counts: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation, in two passes: to the last digit what numpy's are."""
    pairs = [(value, int(count)) for value, count in enumerate(counts)]
    total = sum(count for _, count in pairs)
    mean = sum(value * count for value, count in pairs) / total
    variance = math.fsum(count * (value - mean) ** 2 for value, count in pairs) / total
    return mean / 255, math.sqrt(variance) / 255
