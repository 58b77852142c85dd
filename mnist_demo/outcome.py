"""What a run leaves in its checkpoint: the figures of its net, and the command that repeats it."""

from __future__ import annotations

import shlex

from torch import nn

from mnist_demo.config import TrainConfig, option_of
from mnist_demo.datasets import Dataset
from mnist_demo.evaluate import CHUNK, evaluate


def figures_of(net: nn.Module, data: Dataset, chunk: int = CHUNK) -> dict[str, float]:
    """The figures that a checkpoint carries; the test set, where there is one, is read once."""
    result = evaluate(net, data.validation, chunk)
    figures = {"validation_accuracy": result.accuracy, "validation_loss": result.loss}
    if data.test is None:
        return figures | {"held_out_accuracy": result.accuracy}
    return figures | {"test_accuracy": evaluate(net, data.test, chunk).accuracy}


def command_of(config: TrainConfig, out: str, *more: str, done: int | None = None) -> str:
    """What trains the same net again: all that has an effect, for defaults may change.

    `done`: the epochs that were over where the run was broken off.
    """
    words = ["python", "-m", "mnist_demo", "train"]
    for name, value in config.to_dict().items():
        if not config.is_idle(name):
            words += [option_of(name), str(value)]
    note = f"  # stopped after epoch {done}" if (done or config.epochs) < config.epochs else ""
    return shlex.join([*words, *more, "--out", out]) + note
