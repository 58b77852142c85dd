"""What a run learns from: its data set, and digits of one's own beside it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from mnist_demo.config import TrainConfig
from mnist_demo.datasets import (
    DATASETS,
    DIGITS,
    Dataset,
    Split,
    best_available,
    hold_out,
    load_dataset,
    load_named,
)
from mnist_demo.datasets.base import too_few_to_judge
from mnist_demo.datasets.beside import learn_beside
from mnist_demo.datasets.files import not_read
from mnist_demo.datasets.pixels import read_pixels
from mnist_demo.errors import UserError


def material(
    config: TrainConfig,
    folder: str | Path | None = None,
    root: str | Path | None = None,
    loaded: Dataset | None = None,
) -> tuple[TrainConfig, Dataset]:
    """These settings as they act, and their data; they may name paths, see `load_dataset`.

    `loaded`: a data set that need not be read again. Raises UserError.
    """
    if loaded is None or loaded.name != config.dataset:
        loaded = load_dataset(config.dataset, folder, root=root)
    data = hold_out(loaded, config.holdout) if config.holdout else loaded
    config = with_holdout(config, data)
    if not config.also:
        return config, data
    own, labels = images_of(config.also, folder)
    if labels != data.labels:
        raise UserError(
            f"{config.also} has other classes than {data.title}; name digits, or leave --also out"
        )
    return config, with_own(data, own, folder)


def digest_of(config: TrainConfig, data: Dataset) -> str:
    """What tells these images from others under the same name; empty where none can be.

    A data set of the registry stays what it is; files of one's own may be written over.
    """
    if config.dataset in DATASETS and not config.also:
        return ""
    told = hashlib.blake2b(digest_size=16)
    for split in (data.train, data.validation):
        for tensor in (split.images, split.labels):
            told.update(tensor.cpu().numpy().tobytes())
    return told.hexdigest()


def has_changed(
    settings: dict[str, Any],
    digest: str,
    folder: str | Path | None = None,
    loaded: Dataset | None = None,
) -> bool:
    """Whether a run with these settings would learn from other images than those of `digest`."""
    try:
        config = TrainConfig.from_dict(settings)
        now = digest_of(*material(config, folder, loaded=loaded)) if digest else ""
    except UserError:  # they are not here, which is told elsewhere
        return False
    return now != digest


def with_holdout(config: TrainConfig, data: Dataset) -> TrainConfig:
    """The settings as they act: a part that is too few to judge by leaves the data as they are."""
    if config.holdout and too_few_to_judge(data, config.holdout):
        return replace(config, holdout=0.0)
    return config


def images_of(name: str, folder: str | Path | None) -> tuple[Split, tuple[str, ...]]:
    """All images of a set and their classes, none held out.

    A CSV's are in its order, as the page learns from them, and may be one. Raises UserError.
    """
    path = Path(name)
    if path.suffix.lower() == ".csv" and path.is_file():
        try:
            return read_pixels(path), DIGITS
        except OSError as error:
            raise not_read(path, error) from error
    own = load_dataset(name, folder)
    return own.untested, own.labels


def with_own(data: Dataset, own: Split, folder: str | Path | None = None) -> Dataset:
    """`own` beside `data`, but for what its nets, and all others of digits, are judged by."""
    return learn_beside(data, own, load_named(best_available(folder), folder))
