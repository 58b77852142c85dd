"""The training loop: a generator of events. To stop is to ask for no more of them.

It knows of no disk, plot or page; `for event in train(...)` decides what becomes of a run.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.augment import find_augment
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Split
from mnist_demo.errors import UserError
from mnist_demo.evaluate import as_input, evaluation_of, infer_in_chunks
from mnist_demo.nets import check_fit
from mnist_demo.optimise import make_optimizer, schedule_factor

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
) -> Generator[Event, None, None]:
    """Trains `net` in place on the device where it and the data are, and tells how it goes.

    With `config.average`, `net` holds the moving average of the weights that are learned.
    The same config, data and machine give the same events. Raises Diverged when the
    loss stops being a number, and UserError where `config.net` cannot take these images.
    """
    check_fit(config.net, tuple(train_set.images.shape[1:]))
    device = train_set.images.device
    dials = dials or Dials(config.learning_rate)
    augment = find_augment(config.augment)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on CPU and GPU
    live = copy.deepcopy(net) if config.average else net
    optimizer = make_optimizer(live.parameters(), config)
    batches = max(1, len(train_set) // config.batch_size)  # the odd rest waits an epoch
    steps = batches * config.epochs

    for epoch in range(1, config.epochs + 1):
        rng = torch.Generator(device).manual_seed(config.seed * 1_000_003 + epoch)
        order = torch.randperm(len(train_set), generator=rng, device=device)
        loss_sum = torch.zeros((), device=device)
        right = torch.zeros((), device=device)
        seen = 0
        started = time.perf_counter()
        spent = 0.0
        for batch in range(batches):
            chosen = order[batch * config.batch_size : (batch + 1) * config.batch_size]
            step = (epoch - 1) * batches + batch + 1
            rate = dials.learning_rate * schedule_factor((step - 1) / steps, config)
            images = augment(as_input(train_set.images[chosen]), rng)
            seed = config.seed * 1_000_003 + step
            loss, hits = _learn(
                live, optimizer, images, train_set.labels[chosen], rate, config, seed
            )
            if config.average:
                _average_into(net, live, min(config.average, step / (step + 10)))
            loss_sum += loss * len(chosen)
            right += hits
            seen += len(chosen)
            if step % CHECK_EVERY == 0:
                _check(loss, dials)
            spent += time.perf_counter() - started
            yield Step(
                epoch, step, steps, (epoch - 1) * batches * config.batch_size + seen, loss, rate
            )
            started = time.perf_counter()
        train_loss, train_accuracy = float(loss_sum) / seen, float(right) / seen
        spent += time.perf_counter() - started  # waits for the device
        _check(loss_sum, dials)

        logits = []
        for chunk in infer_in_chunks(net, validation.images):
            logits.append(chunk)
            yield Validating(epoch)
        result = evaluation_of(logits, validation.labels)
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


def _learn(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    rate: float,
    config: TrainConfig,
    seed: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """One step down the gradient; the batch's mean loss and how many it got right."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    net.train()
    half = config.precision == "bfloat16"
    # Dropout draws from torch's global generator: seeded here, left as it was found.
    with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
        torch.manual_seed(seed)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
            logits = net(images)
    loss = F.cross_entropy(logits.float(), labels, label_smoothing=config.label_smoothing)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.detach(), (logits.detach().argmax(1) == labels).sum()


@torch.no_grad()
def _average_into(average: nn.Module, live: nn.Module, decay: float) -> None:
    pairs = zip(average.state_dict().values(), live.state_dict().values(), strict=True)
    for mean, value in pairs:
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def _check(loss: torch.Tensor, dials: Dials) -> None:
    if not math.isfinite(float(loss)):
        raise Diverged(
            f"the loss is no longer a number; train again with a learning rate well below "
            f"{dials.learning_rate:g}"
        )


def keep_best(events: Iterator[Event], net: nn.Module) -> Generator[Event, None, None]:
    """Passes the events on and leaves `net` with the weights of lowest validation loss.

    However the run ends (done, stopped, diverged), and as a copy: the weights go on
    changing after the best epoch.
    """
    best_loss = math.inf
    best: dict[str, torch.Tensor] = {}
    try:
        for event in events:
            if isinstance(event, Epoch) and event.validation_loss < best_loss:
                best_loss = event.validation_loss
                best = {name: value.clone() for name, value in net.state_dict().items()}
            yield event
    finally:
        if best:
            net.load_state_dict(best)
