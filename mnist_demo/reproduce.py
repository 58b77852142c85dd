"""Trains a recipe of the tutorials, a net or all that vote, and judges it on the test set."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import torch

from mnist_demo import __version__
from mnist_demo.checkpoint import Checkpoint, combine, load_checkpoint, to_bytes
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset, load_dataset
from mnist_demo.device import describe_device
from mnist_demo.errors import UserError
from mnist_demo.evaluate import evaluate
from mnist_demo.faults import save_file
from mnist_demo.nets import build_net, count_parameters
from mnist_demo.recipes import Recipe
from mnist_demo.reproduced import Measured
from mnist_demo.train import Event, keep, train
from mnist_demo.views import Views


def measure(
    recipe: Recipe,
    seed: int,
    folder: Path | None,
    device: torch.device,
    full: bool = False,
    nets: Path | None = None,
    again: bool = False,
) -> Iterator[Event | Measured]:
    """Trains once, a net or all that vote: the trainer's events, and at the end the figure.

    Each net is kept in the folder `nets`, and taken from there where it lies there already,
    unless it is to be trained `again`.
    Raises UserError where the data set has no test digits to report on.
    """
    config = recipe.settings(full)
    data = load_dataset(config.dataset, folder, config.holdout)
    if data.test is None:
        raise UserError(
            f"{data.title} has no test set; fetch full MNIST with `python -m mnist_demo download`"
        )
    data = data.to(device)
    trained: list[Checkpoint] = []
    for number in range(recipe.members):
        own = recipe.member(number, seed, full)
        place = nets / kept_as(own, data, device) if nets else None
        if place and place.is_file() and not again:
            trained.append(load_checkpoint(place))
            trained[-1].net.to(device)
            continue
        trained.append((yield from _trained(own, data, device)))
        if place:
            save_file(place, to_bytes(trained[-1]), "choose another folder with --nets")
    net = (trained[0] if len(trained) == 1 else combine(trained, recipe.how)).net.to(device)
    assert data.test is not None
    alone = evaluate(net, data.test).accuracy
    yield Measured(
        recipe.name,
        seed,
        evaluate(Views(net), data.test).accuracy if recipe.views else alone,
        count_parameters(net),
        config.epochs,
        round(sum(one.metrics["seconds"] for one in trained), 1),
        describe_device(device),
        config.to_dict(),
        data.title,
        alone if recipe.views else None,
        recipe.augments,
    )


def _trained(
    config: TrainConfig, data: Dataset, device: torch.device
) -> Generator[Event, None, Checkpoint]:
    net = build_net(config.net, config.seed).to(device)
    events = train(net, data.train, data.validation, config)
    started = _clock(device)
    yield from keep(events, net, config.keep)
    seconds = _clock(device) - started
    result = evaluate(net, data.validation)
    metrics = {"validation_accuracy": result.accuracy, "validation_loss": result.loss}
    metrics |= {"epochs": float(config.epochs), "seconds": seconds}
    return Checkpoint(net, config.net, data.name, data.labels, config.to_dict(), metrics)


def _clock(device: torch.device) -> float:
    """Seconds; on the CPU those that its threads had, for others may be using it as well."""
    if device.type == "cpu":
        return time.process_time() / torch.get_num_threads()
    return time.perf_counter()


def kept_as(config: TrainConfig, data: Dataset, device: torch.device) -> str:
    """The file's name of a net: another one for whatever would make it another net."""
    settings = {name: value for name, value in config.to_dict().items() if value != ""}
    made_by = [settings, data.title, device.type, torch.__version__, __version__]
    mark = hashlib.sha256(json.dumps(made_by, sort_keys=True).encode()).hexdigest()[:8]
    return f"{config.net}-{config.seed}-{mark}.safetensors"
