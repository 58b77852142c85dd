"""A data set is a few tensors that stay in memory (or on the GPU); a batch is a slice of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from mnist_demo.errors import UserError

DIGITS = tuple(str(digit) for digit in range(10))
SEED = 42  # of every cut that is drawn at random


@dataclass(frozen=True)
class Split:
    """Some images with their labels: uint8 (N, C, H, W) and int64 (N,)."""

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Split:
        return Split(self.images.to(device), self.labels.to(device))

    def take(self, indices: torch.Tensor) -> Split:
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True)
class Dataset:
    """A data set cut in three: learn from `train`, choose by `validation`, report on `test`.

    `test` is None where there are too few images for one: then `validation` is all
    there is to report on, and whoever shows a figure says so.
    """

    name: str
    title: str
    train: Split
    validation: Split
    test: Split | None
    labels: tuple[str, ...] = DIGITS
    noun: str = "digits"  # what its images are, in words

    @cached_property
    def untested(self) -> Split:
        """All images but the test set's, as one; kept, for the page asks again and again."""
        return joined(self.train, self.validation)

    @property
    def reported(self) -> Split:
        """The images that figures are reported on."""
        return self.test if self.test is not None else self.validation

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of each image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    @property
    def parts(self) -> dict[str, Split]:
        """The parts that there are, by name."""
        parts = {"train": self.train, "validation": self.validation}
        return parts if self.test is None else parts | {"test": self.test}

    def part(self, name: str) -> Split:
        """One part by its name. Raises UserError where there is no such part."""
        if name not in self.parts:
            raise UserError(
                f"{self.title} has no part {name!r}; choose one of: {', '.join(self.parts)}"
            )
        return self.parts[name]

    def to(self, device: torch.device) -> Dataset:
        test = self.test.to(device) if self.test is not None else None
        train, validation = self.train.to(device), self.validation.to(device)
        return replace(self, train=train, validation=validation, test=test)


def data_folder(folder: str | Path | None = None) -> Path:
    """Where data sets lie: `folder`, else $MNIST_DEMO_DATA, else ./data."""
    return Path(folder or os.environ.get("MNIST_DEMO_DATA") or "data")


def first_of_each_class(labels: torch.Tensor, count: int) -> torch.Tensor:
    """A mask over `labels`: true for the first `count` of each class."""
    mask = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        mask[(labels == label).nonzero()[:count, 0]] = True
    return mask


def cut(split: Split, per_class: int) -> tuple[Split, Split]:
    """The rest and the first `per_class` of each class, both in their old order."""
    mask = first_of_each_class(split.labels, per_class)
    return split.take((~mask).nonzero()[:, 0]), split.take(mask.nonzero()[:, 0])


def cut_at_random(split: Split, part: float, least: int = 0) -> tuple[Split, Split]:
    """The rest and `part` of all, drawn at random; see `drawn_apart`."""
    rest, drawn = drawn_apart(split.images, part, least)
    return split.take(rest), split.take(drawn)


def drawn_apart(
    images: torch.Tensor, part: float, least: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where the rest and `part` of the pictures are, each in the order that chance gives.

    All copies of a picture are on one side, and of different ones `least` or more are drawn,
    or half where that is fewer.
    """
    numbers: dict[bytes, int] = {}
    which = [numbers.setdefault(image.tobytes(), len(numbers)) for image in images.cpu().numpy()]
    count = max(min(least, len(numbers) // 2), round(part * len(numbers)))
    order = torch.randperm(len(numbers), generator=torch.Generator().manual_seed(SEED))
    turns, where = order.argsort()[torch.tensor(which)].sort(stable=True)
    return where[turns >= count], where[turns < count]


def hold_out(data: Dataset, part: float) -> Dataset:
    """All that is not test, cut anew at random: `part` of it to validate, the rest to train.

    However small the part, as many pictures as there are classes (half of them where there are
    fewer than two for each); and `data` as it is where `too_few_to_judge`, or all are alike.
    """
    if too_few_to_judge(data, part):
        return data
    whole = joined(data.train, data.validation)
    train, validation = cut_at_random(whole, part, len(data.labels))
    if not len(validation):
        return data
    title = data.title.replace(held_out_of_them(data.validation), held_out_of_them(validation))
    return replace(data, title=title, train=train, validation=validation)


def held_out_of_them(validation: Split) -> str:
    """What a title says of these, where it does."""
    return f", {len(validation):,} of them held out at random with seed {SEED}"


def too_few_to_judge(data: Dataset, part: float) -> bool:
    """Whether there is no test set, and `part` less than what is validated on otherwise."""
    count = len(data.train) + len(data.validation)
    least = min(len(data.labels), count // 2)
    return data.test is None and max(least, round(part * count)) < len(data.validation)


def joined(first: Split, second: Split) -> Split:
    return Split(torch.cat([first.images, second.images]), torch.cat([first.labels, second.labels]))


def without(split: Split, seen: Split) -> Split:
    """The images of `split` that are not in `seen`, compared pixel by pixel."""
    if split.images.shape[1:] != seen.images.shape[1:]:
        return split
    known = {image.tobytes() for image in seen.images.cpu().numpy()}
    keep = [i for i, image in enumerate(split.images.cpu().numpy()) if image.tobytes() not in known]
    return split.take(torch.tensor(keep, dtype=torch.int64, device=split.labels.device))
