"""The training loop: a generator of events. To stop is to ask for no more of them.

It knows of no disk, plot or page; `for event in train(...)` decides what becomes of a run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from mnist_demo.augment import find_augment
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Split
from mnist_demo.errors import UserError
from mnist_demo.evaluate import CHUNK, as_input, evaluation_of, infer_in_chunks
from mnist_demo.focus import epoch_order, updated
from mnist_demo.learner import Learner, make_learner
from mnist_demo.nets import check_fit
from mnist_demo.optimise import schedule_factor

CHECK_EVERY = 25  # batches between two looks at whether the loss is still a number


class Diverged(UserError):
    """The loss is no longer a number; the weights of the last good epoch are kept."""


@dataclass(frozen=True)
class Step:
    """A batch was learned. `loss` is on the device: reading it waits for the device."""

    epoch: int  # from 1
    step: int  # batches so far in the whole run, from 1
    steps: int  # batches in the whole run
    images: int  # images so far in the whole run
    loss: torch.Tensor
    learning_rate: float


@dataclass(frozen=True)
class Validating:
    """A chunk of the validation set was looked at; a place to stop, nothing more."""

    epoch: int


@dataclass(frozen=True)
class Epoch:
    """An epoch is over. Training figures are those of the pass itself, dropout and all."""

    epoch: int
    epochs: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float  # of training, validation left out
    images_per_second: float


Event = Step | Validating | Epoch


@dataclass
class Dials:
    """What may be turned while a run is on; the trainer reads it before each batch."""

    learning_rate: float


def train(
    net: nn.Module,
    train_set: Split,
    validation: Split,
    config: TrainConfig,
    dials: Dials | None = None,
    learner: Learner | None = None,
    chunk: int = CHUNK,
) -> Generator[Event, None, None]:
    """Trains `net` in place on the device where it and the data are, and tells how it goes.

    `chunk`: images a step of validation.

    With `config.average`, `net` holds the moving average of the weights that are learned.
    The same config, data and machine give the same events, but for a GPU's rounding; a
    `learner` of this net and config goes on after the epochs that it has done. Raises Diverged
    when the loss stops being a number, and UserError where `config.net` cannot learn from these
    images.
    """
    check_fit(config.net, tuple(train_set.images.shape[1:]))
    normed = any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in net.modules())
    if normed and len(train_set) == 1:
        raise UserError(
            "there is one image to learn from, and a net with batch norm needs two; add images, "
            "or choose a net without it"
        )
    device = train_set.images.device
    dials = dials or Dials(config.learning_rate)
    augment = find_augment(config.augment)
    learner = learner or make_learner(net, config)
    if config.focus and learner.doubts is None:
        learner.doubts = torch.ones(len(train_set), device=device)
    batches = config.batches(len(train_set))
    steps = batches * config.epochs
    each = min(len(train_set), batches * config.batch_size)  # images an epoch

    for epoch in range(learner.epochs_done + 1, config.epochs + 1):
        rng = torch.Generator(device).manual_seed(config.seed * 1_000_003 + epoch)
        order = epoch_order(len(train_set), config.focus, learner.doubts, epoch, rng)
        loss_sum = torch.zeros((), device=device)
        right = torch.zeros((), device=device)
        seen = 0
        started = time.perf_counter()
        spent = 0.0
        for batch in range(batches):
            chosen = order[batch * config.batch_size : (batch + 1) * config.batch_size]
            step = (epoch - 1) * batches + batch + 1
            rate = dials.learning_rate * schedule_factor((step - 1) / steps, config)
            images = augment(as_input(train_set.images.index_select(0, chosen)), rng)
            learned = learner.learn(images, train_set.labels[chosen], rate, step)
            loss = learned.loss
            loss_sum += loss * len(chosen)
            right += learned.hits
            if learner.doubts is not None and learned.doubts is not None:
                updated(learner.doubts, chosen, learned.doubts)
            seen += len(chosen)
            if step % CHECK_EVERY == 0:
                _check(loss, dials)
            spent += time.perf_counter() - started
            yield Step(epoch, step, steps, (epoch - 1) * each + seen, loss, rate)
            started = time.perf_counter()
        train_loss, train_accuracy = float(loss_sum) / seen, float(right) / seen
        spent += time.perf_counter() - started  # waits for the device
        _check(loss_sum, dials)

        logits = []
        for part in infer_in_chunks(net, validation.images, chunk):
            logits.append(part)
            yield Validating(epoch)
        result = evaluation_of(logits, validation.labels)
        _check(result.loss, dials)
        learner.epochs_done = epoch
        yield Epoch(
            epoch,
            config.epochs,
            train_loss,
            train_accuracy,
            result.loss,
            result.accuracy,
            rate,
            spent,
            seen / max(spent, 1e-9),
        )


def _check(loss: torch.Tensor | float, dials: Dials) -> None:
    if not math.isfinite(float(loss)):
        raise Diverged(
            f"the loss is no longer a number; train again with a learning rate well below "
            f"{dials.learning_rate:g}"
        )


@dataclass
class Kept:
    """The weights of one epoch, as copies: those in the net go on changing."""

    loss: float = math.inf
    weights: dict[str, torch.Tensor] = field(default_factory=dict)


def keep(
    events: Iterator[Event], net: nn.Module, which: str = "best", kept: Kept | None = None
) -> Generator[Event, None, None]:
    """Passes the events on and leaves `net` with the weights of one epoch.

    Of lowest validation loss where `which` is "best", else of the last that was over;
    however the run ends: done, stopped or diverged. `kept` is filled on the way.
    """
    kept = kept if kept is not None else Kept()
    try:
        for event in events:
            if isinstance(event, Epoch) and (which == "last" or event.validation_loss < kept.loss):
                kept.loss = event.validation_loss
                kept.weights = {name: value.clone() for name, value in net.state_dict().items()}
            yield event
    finally:
        if kept.weights:
            net.load_state_dict(kept.weights)
