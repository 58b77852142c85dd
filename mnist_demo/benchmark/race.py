"""The race to a test accuracy: who runs, and the clock that all of them run against.

The clock stands still while a net is judged, so that training alone and training with its
evaluation are known apart; the test digits are looked at after whole epochs alone.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace

import torch

from mnist_demo.benchmark.references import (
    EXAMPLE_BATCH,
    EXAMPLE_EPOCHS,
    STUDY_BATCH,
    Taught,
    example,
    resident,
    study,
)
from mnist_demo.datasets import Dataset, Split, joined
from mnist_demo.evaluate import evaluate
from mnist_demo.nets import build_net
from mnist_demo.recipes import find_recipe
from mnist_demo.train import Step, train

WARM_UP = 3  # batches that no clock sees: the first ones choose kernels
TELL_EVERY = 0.1  # seconds of training between two laps


@dataclass(frozen=True)
class Runner:
    """A way to train: `teach` learns from a batch a `next`, from what `prepare` made of the data.

    `prepare` is not timed. `epochs` is all that the recipe has; `batch` what a step takes.
    """

    name: str
    title: str
    teach: Callable[[Split, int], Iterator[Taught]]
    prepare: Callable[[Dataset], Split]
    epochs: int
    batch: int


@dataclass(frozen=True)
class Lap:
    """Where a runner is. `accuracy` (0 to 1, on the test digits) is known after whole epochs."""

    done: float  # part of all its epochs
    epoch: int  # whole epochs so far
    seconds: float  # of training
    processor: float  # seconds of processor time in it, all threads together
    judging: float  # seconds of evaluation so far
    accuracy: float | None = None
    is_judged: bool = False  # the net is looked at on the test digits now; the next lap says how


def fast(split: Split, seed: int) -> Iterator[Taught]:
    """The recipe `fast` in the trainer that all recipes share."""
    config = replace(find_recipe("fast").config, seed=seed)
    net = build_net(config.net, seed).to(split.images.device)
    nobody = split.take(torch.zeros(1, dtype=torch.int64, device=split.labels.device))
    for event in train(net, split, nobody, config):
        if isinstance(event, Step):
            over = event.step * config.epochs % event.steps == 0
            yield net, event.images, over


def _learnt(data: Dataset) -> Split:
    return data.train


def _all_but_test(data: Dataset) -> Split:
    """The references learn from all 60,000 digits, as their sources do."""
    return joined(data.train, data.validation)


def with_judges(data: Dataset) -> Dataset:
    """The same; where there is no test set the held-out digits judge, and nobody learns them."""
    if data.test is not None:
        return data
    nobody = data.validation.take(torch.zeros(0, dtype=torch.int64))
    return replace(data, validation=nobody, test=data.validation)


FAST = find_recipe("fast").config
RUNNERS = {
    runner.name: runner
    for runner in (
        Runner("fast", "recipe fast", fast, _learnt, FAST.epochs, FAST.batch_size),
        Runner(
            "study", "public study", study, lambda d: resident(_all_but_test(d)), 1, STUDY_BATCH
        ),
        Runner(
            "example", "PyTorch's example", example, _all_but_test, EXAMPLE_EPOCHS, EXAMPLE_BATCH
        ),
    )
}


@dataclass
class Clock:
    """Wall and processor seconds while it runs; waits for the device before it starts and stops."""

    device: torch.device
    seconds: float = 0.0
    processor: float = 0.0
    _since: tuple[float, float] = field(default=(0.0, 0.0))

    @property
    def running(self) -> float:
        """Seconds since it was last started."""
        return time.perf_counter() - self._since[0]

    def start(self) -> None:
        self._wait()
        self._since = (time.perf_counter(), time.process_time())

    def stop(self) -> None:
        self._wait()
        self.seconds += time.perf_counter() - self._since[0]
        self.processor += time.process_time() - self._since[1]

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()


def race(runner: Runner, split: Split, test: Split, seed: int) -> Generator[Lap, None, None]:
    """Runs to the end of its epochs, or until no further lap is asked for.

    `split` is what `runner.prepare` gave. Raises what training raises.
    """
    for _ in itertools.islice(runner.teach(split, seed), WARM_UP):
        pass
    device = split.images.device
    clock, judging = Clock(device), Clock(device)
    epoch = 0
    total = runner.epochs * (len(split) // runner.batch * runner.batch)
    clock.start()
    for net, images, over in runner.teach(split, seed):
        if not over and clock.running < TELL_EVERY:
            continue
        clock.stop()
        done = min(1.0, images / total)
        lap = Lap(done, epoch, clock.seconds, clock.processor, judging.seconds)
        if over:
            yield replace(lap, is_judged=True)
            epoch += 1
            judging.start()
            accuracy = evaluate(net, test).accuracy
            judging.stop()
            lap = replace(lap, epoch=epoch, judging=judging.seconds, accuracy=accuracy)
        yield lap
        clock.start()
