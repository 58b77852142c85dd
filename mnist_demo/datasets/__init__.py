"""The data sets, by name: MNIST where it is on disk, and a sample of it that needs no download."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from mnist_demo.datasets.base import (
    DIGITS,
    Dataset,
    Split,
    cut,
    data_folder,
    first_of_each_class,
    hold_out,
    joined,
    without,
)
from mnist_demo.datasets.mnist import load_mnist, mnist_is_in
from mnist_demo.datasets.sample import load_sample
from mnist_demo.errors import unknown_choice

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


def best_available(folder: str | Path | None = None) -> str:
    """The name of the fullest data set that can be used without a download."""
    return "mnist" if mnist_is_in(data_folder(folder)) else "sample"


__all__ = [
    "DATASETS",
    "DIGITS",
    "Dataset",
    "Split",
    "best_available",
    "cut",
    "data_folder",
    "first_of_each_class",
    "hold_out",
    "joined",
    "load_dataset",
    "load_mnist",
    "load_sample",
    "mnist_is_in",
    "unseen_by",
    "without",
]
