"""Optimizers and learning-rate schedules, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from torch import nn, optim

from mnist_demo.config import TrainConfig
from mnist_demo.errors import unknown_choice
from mnist_demo.muon import Muon

Parameters = Iterable[nn.Parameter]

WARM_UP = 0.2  # of the run, where the rate rises

# fused: a step's many small sums in one pass; it counts for nets of large dense layers.
OPTIMIZERS: dict[str, Callable[[Parameters, TrainConfig], optim.Optimizer]] = {
    "adam": lambda params, c: optim.Adam(params, c.learning_rate, fused=True),
    "adamw": lambda params, c: optim.AdamW(
        params, c.learning_rate, weight_decay=c.weight_decay, fused=True
    ),
    "sgd": lambda params, c: optim.SGD(
        params,
        c.learning_rate,
        momentum=c.momentum,
        weight_decay=c.weight_decay,
        fused=True,
    ),
    "rmsprop": lambda params, c: optim.RMSprop(params, c.learning_rate, momentum=c.momentum),
    "muon": lambda params, c: Muon(params, c.learning_rate, c.momentum),
}


def constant(progress: float, config: TrainConfig) -> float:
    return 1.0


def cosine(progress: float, config: TrainConfig) -> float:
    return 0.5 * (1 + math.cos(math.pi * progress))


def one_cycle(progress: float, config: TrainConfig) -> float:
    """Up in a straight line over the first fifth, then down along a cosine (Smith 2018)."""
    if progress < WARM_UP:
        return 0.04 + 0.96 * progress / WARM_UP
    return cosine((progress - WARM_UP) / (1 - WARM_UP), config)


def step_down(progress: float, config: TrainConfig) -> float:
    """Times `gamma` after each epoch, as PyTorch's MNIST example does."""
    return config.gamma ** math.floor(progress * config.epochs + 1e-9)


# Each maps how far the run is (0 to 1) to a factor on the learning rate.
SCHEDULES: dict[str, Callable[[float, TrainConfig], float]] = {
    "one-cycle": one_cycle,
    "cosine": cosine,
    "step": step_down,
    "constant": constant,
}


def make_optimizer(params: Parameters, config: TrainConfig) -> optim.Optimizer:
    if config.optimizer not in OPTIMIZERS:
        raise unknown_choice("optimizer", config.optimizer, OPTIMIZERS)
    return OPTIMIZERS[config.optimizer](params, config)


def schedule_factor(progress: float, config: TrainConfig) -> float:
    if config.schedule not in SCHEDULES:
        raise unknown_choice("schedule", config.schedule, SCHEDULES)
    return SCHEDULES[config.schedule](progress, config)
