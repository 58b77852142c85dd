"""What a notebook or another program calls: load a net, read a digit, train, evaluate, save."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mnist_demo.checkpoint import (
    RELEASED,
    Checkpoint,
    load_checkpoint,
    released_sceptic,
    save_checkpoint,
)
from mnist_demo.classify import Answer, classify_image, classify_ink
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import DIGITS, load_dataset
from mnist_demo.device import pick_device
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation, evaluate
from mnist_demo.ink import open_image
from mnist_demo.judging import name_to_judge, unseen
from mnist_demo.match import check_match, check_same_classes
from mnist_demo.material import digest_of, images_of, material
from mnist_demo.nets import build_net
from mnist_demo.nets.custom import fitted
from mnist_demo.outcome import command_of, figures_of
from mnist_demo.train import Diverged, Epoch, Event, keep, train


def load_net(source: str | Path | None = None) -> Checkpoint:
    """The released net, or the one in a file, in a folder of the Hub's form, or on the Hub.

    `source` is a path, or "owner/name" on huggingface.co where no such path exists.
    Raises UserError with the remedy.
    """
    if source is None:
        return load_checkpoint(RELEASED)
    path = Path(source)
    names_a_file = path.exists() or path.suffix == ".safetensors" or len(path.parts) != 2
    if path.is_dir() or not names_a_file:
        from mnist_demo import hub  # half a second of imports that files do not need

        return hub.load(str(source))
    return load_checkpoint(path)


def read_digit(net: Checkpoint, picture: str | Path | bytes | Image.Image | np.ndarray) -> Answer:
    """What the net reads in a picture: a file, a file's bytes, a PIL image, or ink (H, W).

    Ink is 1 where the pen was and 0 on paper. The answer's `text` is the digit, or several
    that stand side by side; `is_strange` says that it looks like none. Raises UserError for
    a blank picture, for one that cannot be opened, and for a net that reads no digits.
    """
    if net.labels != DIGITS:
        raise UserError(
            f"the net {net.title} tells {', '.join(net.labels)} apart, not digits; load another, "
            "or use `python -m mnist_demo predict`"
        )
    if isinstance(picture, np.ndarray):
        return classify_ink(net.net, _checked(picture), released_sceptic())
    image = picture if isinstance(picture, Image.Image) else open_image(picture)
    return classify_image(net.net, image, released_sceptic())


def _checked(ink: np.ndarray) -> np.ndarray:
    if ink.ndim != 2 or min(ink.shape, default=0) < 1 or not np.isfinite(ink).all():
        raise UserError(f"ink of shape {ink.shape}; give finite numbers (height, width)")
    if ink.min() < 0 or ink.max() > 1:
        raise UserError(f"ink from {ink.min():g} to {ink.max():g}; give 1 for the pen, 0 for paper")
    return ink.astype(np.float32)


def train_net(
    config: TrainConfig | None = None,
    *,
    folder: str | Path | None = None,
    device: str | None = None,
    watch: Callable[[Event], object] | None = None,
    **settings: Any,
) -> Checkpoint:
    """A net trained with `config`, the defaults when None, and `settings` over it.

    `folder` is where data sets lie; `watch` is called with every event of the run. The test
    set, where there is one, is read once at the end. A run that diverges warns, and the net is
    the one that its last good epochs left. Raises UserError for bad settings, for data that is
    not there, and Diverged where no epoch ended well.
    """
    config = TrainConfig.from_dict((config or TrainConfig()).to_dict() | settings)
    config, data = material(config, folder)
    config = dataclasses.replace(config, net=fitted(config.net, data.shape, len(data.labels)))
    check_match(config.net, data)
    place, named = pick_device(device), ["--device", device] if device else []
    data = data.to(place)
    net = build_net(config.net, config.seed).to(place)
    started, epochs = time.perf_counter(), 0
    events = train(net, data.train, data.validation, config)
    try:
        for event in keep(events, net, config.keep):
            epochs += isinstance(event, Epoch)
            if watch is not None:
                watch(event)
    except Diverged as error:
        if not epochs:
            raise
        warnings.warn(f"kept the {config.keep} of {epochs} epochs: {error}", stacklevel=2)
    metrics = figures_of(net, data) | {
        "epochs": float(epochs),
        "seconds": round(time.perf_counter() - started, 1),
    }
    return Checkpoint(
        net.eval().cpu(),
        config.net,
        data.name,
        data.labels,
        config.to_dict(),
        metrics,
        command_of(config, "net.safetensors", *named, done=epochs),
        learned=(digest_of(config, data),),
    )


def evaluate_net(
    net: Checkpoint, dataset: str | None = None, folder: str | Path | None = None
) -> Evaluation:
    """How the net does on digits (or other images) that it was not trained on.

    By default on what it was trained on; a net of MNIST's digits on the fullest set that is on
    disk, MNIST's test set or the embedded sample.
    """
    data = load_dataset(dataset or name_to_judge(net, folder), folder)
    check_same_classes(net, data)
    split, _ = unseen(
        net,
        data,
        lambda other: load_dataset(other, folder),
        lambda other: images_of(other, folder)[0],
    )
    return evaluate(net.net, split)


def save_net(net: Checkpoint, path: str | Path) -> Path:
    """Writes the net with all that rebuilds it: safetensors, no code."""
    return save_checkpoint(net, path)
