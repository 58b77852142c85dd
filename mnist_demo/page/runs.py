"""A visitor's training run: what was asked, how it goes, and the net that came of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from mnist_demo.checkpoint import Checkpoint
from mnist_demo.config import TrainConfig
from mnist_demo.evaluate import Evaluation
from mnist_demo.train import Dials, Epoch

MAX_POINTS = 250  # of a curve

Status = Literal["waiting", "training", "paused", "testing", "done", "stopped", "failed"]


@dataclass
class Curve:
    """The loss by batches in a bounded number of points: each the mean of `every` batches.

    When there is no more room, neighbours are merged, so what was drawn stays where it is.
    """

    points: list[tuple[float, float]] = field(default_factory=list)  # (epochs done, mean loss)
    every: int = 1
    _rest: list[float] = field(default_factory=list)  # not yet enough for a point

    def add(self, places: Sequence[float], losses: Sequence[float]) -> None:
        for place, loss in zip(places, losses, strict=True):
            self._rest.append(loss)
            if len(self._rest) >= self.every:
                self.points.append((place, sum(self._rest) / len(self._rest)))
                self._rest.clear()
            if len(self.points) > MAX_POINTS:
                self._merge()

    def _merge(self) -> None:
        odd = self.points.pop() if len(self.points) % 2 else None
        pairs = zip(self.points[::2], self.points[1::2], strict=True)
        self.points = [(later[0], (first[1] + later[1]) / 2) for first, later in pairs]
        if odd is not None:  # half of the next pair
            self._rest = [odd[1]] * self.every + self._rest
        self.every *= 2


@dataclass
class Run:
    """Filled by the run's own generator; handlers of the same visitor turn its switches."""

    id: str  # "run-1", unique to the visitor
    number: int
    config: TrainConfig
    data_title: str
    device: str  # in words
    dials: Dials
    status: Status = "waiting"
    message: str = ""
    ahead: int = 0  # how many go first while it waits
    step: int = 0
    steps: int = 0  # batches in the whole run, once it is known
    learning_rate: float = 0.0  # of the last batch, schedule and all
    images_per_second: float | None = None
    seconds_left: float | None = None
    seconds: float = 0.0  # of training, waits and pauses left out
    losses: Curve = field(default_factory=Curve)
    epochs: list[Epoch] = field(default_factory=list)
    dialled: bool = False  # whether the learning rate was changed on the way
    checkpoint: Checkpoint | None = None  # on the CPU, once an epoch is over
    evaluation: Evaluation | None = None  # of `checkpoint`, on the digits it reports on
    judged_by: str = ""  # which digits those are
    members: tuple[int, ...] = ()  # numbers of the runs that answer together in this one
    stop: threading.Event = field(default_factory=threading.Event)
    pause: threading.Event = field(default_factory=threading.Event)

    @property
    def title(self) -> str:
        return f"Run {self.number}: {self.what}"

    @property
    def what(self) -> str:
        """The net in a word or two."""
        if self.members:
            return f"runs {', '.join(map(str, self.members))} together"
        return self.config.net.partition(":")[0]

    @property
    def is_active(self) -> bool:
        return self.status in ("waiting", "training", "paused", "testing")

    @property
    def best(self) -> Epoch | None:
        """The epoch whose weights are kept: of lowest validation loss, or the last if so asked."""
        if self.config.keep == "last":
            return self.epochs[-1] if self.epochs else None
        return min(self.epochs, key=lambda epoch: epoch.validation_loss, default=None)
