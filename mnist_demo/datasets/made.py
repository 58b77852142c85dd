"""Tensors that took long to make, kept in one file for the next time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from mnist_demo.files import may_write, write_whole

Tensors = dict[str, torch.Tensor]


def cached(name: str, folder: Path, keys: set[str], make: Callable[[], Tensors]) -> Tensors:
    """What `make` gives under `keys`: from the file `name` where it lies already, else put there.

    The file is in `folder` where that may be written, else in the user's cache. `name` has
    to change with whatever the tensors are made from.
    """
    places = [folder, cache_folder()]
    for place in places:
        try:
            tensors = load_file(place / name)
        except (OSError, SafetensorError):
            continue
        if keys <= set(tensors):
            return tensors
    tensors = make()
    for place in places:
        try:
            if place is not folder:
                place.mkdir(parents=True, exist_ok=True)
            if may_write(place):
                write_whole(place / name, save(tensors))
                break
        except OSError:
            continue  # a cache saves time and is not needed
    return tensors


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mnist-demo"
