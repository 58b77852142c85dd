"""The data sets, by name: the registry's, the user's own, and what lies at a path."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
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
from mnist_demo.datasets.cifar import cifar_is_in, load_cifar10
from mnist_demo.datasets.drawn import load_digit_or_not, load_drawn, load_mnist_and_drawn
from mnist_demo.datasets.files import load_files
from mnist_demo.datasets.mnist import load_mnist, mnist_is_in
from mnist_demo.datasets.own import is_own, load_own, own_names
from mnist_demo.datasets.sample import load_sample
from mnist_demo.datasets.unseen import training_images, unseen_by
from mnist_demo.errors import UserError, unknown_choice

DATASETS: dict[str, Callable[[Path], Dataset]] = {
    "mnist": load_mnist,
    "sample": load_sample,
    "cifar10": load_cifar10,
    "drawn": load_drawn,
    "mnist-and-drawn": load_mnist_and_drawn,
    "digit-or-not": load_digit_or_not,
}
KEPT = 4  # own sets in memory


@cache
def _load(name: str, folder: Path) -> Dataset:
    return DATASETS[name](folder)


@lru_cache(KEPT)
def _load_own(name: str, folder: Path, changed: int) -> Dataset:
    return load_own(name, folder)


def load_named(name: str, folder: str | Path | None = None, holdout: float = 0.0) -> Dataset:
    """The data set that the registry or the data folder knows as `name`; never a path.

    Read once a process. With `holdout` that part of all its training images, drawn at
    random, is the validation set in place of the usual one. Raises UserError with the remedy.
    """
    place = data_folder(folder).resolve()
    if name in DATASETS:
        data = _load(name, place)
    elif is_own(name, place):
        changed = (place / "own" / name / "train.txt").stat().st_mtime_ns
        data = _load_own(name, place, changed)
    else:
        raise unknown_choice("data set", name, names(place))
    return hold_out(data, holdout) if holdout else data


def load_dataset(
    name: str,
    folder: str | Path | None = None,
    holdout: float = 0.0,
    root: str | Path | None = None,
) -> Dataset:
    """As `load_named`, or the data set at a path: a label list, image folder or CSV of pixels.

    `root`: what the paths in a label list are relative to, the list's folder when None.
    For whoever sits at this machine: what the web sends goes to `load_named`.
    """
    if name in names(data_folder(folder)):
        return load_named(name, folder, holdout)
    path = Path(name)
    if not name or (path.name == name and not path.suffix and not path.exists()):
        listed = ", ".join(names(data_folder(folder)))
        raise UserError(
            f"no data set is called {name!r}; choose one of: {listed}; or name a label list, "
            "an image folder or a CSV of pixels"
        )
    data = load_files(path, name, Path(root) if root else None)
    return hold_out(data, holdout) if holdout else data


def names(folder: Path) -> list[str]:
    """All names that `load_named` knows; what the registry names may still have to be fetched."""
    return [*DATASETS, *own_names(folder)]


def best_available(folder: str | Path | None = None) -> str:
    """The name of the fullest data set that can be used without a download."""
    return "mnist" if mnist_is_in(data_folder(folder)) else "sample"


__all__ = [
    "DATASETS",
    "DIGITS",
    "Dataset",
    "Split",
    "best_available",
    "cifar_is_in",
    "cut",
    "data_folder",
    "first_of_each_class",
    "hold_out",
    "is_own",
    "joined",
    "load_cifar10",
    "load_dataset",
    "load_files",
    "load_mnist",
    "load_named",
    "load_sample",
    "mnist_is_in",
    "names",
    "own_names",
    "training_images",
    "unseen_by",
    "without",
]
