"""A visitor's training run: what was asked, how it goes, and the net that came of it."""

from __future__ import annotations

import functools
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from mnist_demo.checkpoint import Checkpoint, from_bytes
from mnist_demo.config import TrainConfig
from mnist_demo.evaluate import Evaluation
from mnist_demo.page import ending
from mnist_demo.page.curve import Curve
from mnist_demo.page.messages import unpack_evaluation
from mnist_demo.train import Dials, Epoch

Status = Literal[
    "waiting", "training", "paused", "testing", "done", "stopped", "interrupted", "failed"
]
MAX_RUNS = 8  # kept of a visitor, in the page and on disk; the oldest goes first
ACTIVE = ("waiting", "training", "paused", "testing")


class Keeper(Protocol):
    """Where a run lies on disk."""

    @property
    def state(self) -> str:
        """The file that the run is kept in while it is on."""

    def keep(self, run: Run) -> None:
        """Writes what has changed. Never raises: a disk that refuses becomes the run's note."""

    @property
    def is_on(self) -> bool:
        """Whether the run is on, in this page or another."""

    @property
    def is_there(self) -> bool:
        """Whether anything of it is on disk."""

    def take(self) -> None:
        """The run is on from now. Raises UserError where it is on elsewhere, or went on there."""

    def release(self) -> None:
        """The run is not on any more."""

    def remove(self) -> None: ...


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
    note: str = ""  # what the visitor should know besides
    ahead: int = 0  # how many go first while it waits
    wait: float | None = None  # seconds until its turn, as far as is known
    step: int = 0
    steps: int = 0  # batches in the whole run, once it is known
    learning_rate: float = 0.0  # of the last batch, schedule and all
    images_per_second: float | None = None
    seconds_left: float | None = None
    seconds: float = 0.0  # of training, waits and pauses left out
    losses: Curve = field(default_factory=Curve)
    epochs: list[Epoch] = field(default_factory=list)
    accuracy: float | None = None  # on the digits it reports on
    judged_by: str = ""  # which digits those are
    members: tuple[int, ...] = ()  # numbers of the runs that answer together in this one
    labels: tuple[str, ...] = ()  # of the net, as far as they are known without it
    begun: float = field(default_factory=time.time)
    keeper: Keeper | None = None
    fresh: dict[str, bytes] = field(default_factory=dict, repr=False)  # not on disk yet
    stop: threading.Event = field(default_factory=threading.Event)
    pause: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)  # its page was closed
    # Asked when somebody uses the net, which waits as bytes or on disk until then.
    make_net: Callable[[], Checkpoint] | None = field(default=None, repr=False)
    make_evaluation: Callable[[], Evaluation] | None = field(default=None, repr=False)
    # What that gave last, by which it was given; a net on disk is kept there alone.
    _made: tuple[object, Callable[[], Checkpoint | None]] = field(
        default=(None, lambda: None), repr=False
    )
    _evaluation: Evaluation | None = field(default=None, repr=False)

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
        return self.status in ACTIVE

    @property
    def is_usable(self) -> bool:
        """Whether there is a net."""
        return self.make_net is not None

    @property
    def is_resumable(self) -> bool:
        return self.keeper is not None and self.status == "interrupted"

    @property
    def is_gone(self) -> bool:
        """Whether it was on disk and is no more: thrown away in another page, or too old."""
        if self.keeper is None or self.is_active or self.fresh:  # what no disk would take stays
            return False
        return not (self.keeper.is_there or self.keeper.is_on)

    @property
    def best(self) -> Epoch | None:
        """The epoch whose weights are kept."""
        return ending.kept_epoch(self.config, self.epochs)

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The net, on the CPU, once an epoch is over. Raises UserError where its file is gone."""
        make = self.make_net
        if make is None:
            return None
        net = self.loaded
        if net is None:
            net = make()
            self._made = make, weakref.ref(net)
            self.labels = net.labels
        return net

    @checkpoint.setter
    def checkpoint(self, checkpoint: Checkpoint | None) -> None:
        self.make_net = None if checkpoint is None else lambda: checkpoint

    @property
    def loaded(self) -> Checkpoint | None:
        """The net where it is in memory already."""
        made_by, net = self._made
        return net() if made_by is self.make_net else None  # else another one has come

    @property
    def evaluation(self) -> Evaluation | None:
        """Of `checkpoint`, on the digits it reports on."""
        if self._evaluation is None and self.make_evaluation is not None:
            self._evaluation = self.make_evaluation()
        return self._evaluation

    @evaluation.setter
    def evaluation(self, evaluation: Evaluation | None) -> None:
        self._evaluation, self.make_evaluation = evaluation, None

    @property
    def result(self) -> str:
        """The test's figure and its name, "test accuracy"; empty where there is none."""
        name, _, _ = self.judged_by.partition(" (")
        return f"{percent(self.accuracy)} {name}" if self.accuracy is not None else ""

    def put_net(self, content: bytes) -> None:
        """Another net, as a checkpoint's bytes. What was found of the one before is not its."""
        self.make_net = functools.cache(functools.partial(from_bytes, content))
        self.fresh["net"] = content
        self.evaluation, self.accuracy = None, None
        self.fresh.pop("answers", None)

    def put_answers(self, content: bytes) -> None:
        """What the net says of the digits it reports on, packed: the run's one test."""
        evaluation = unpack_evaluation(content)
        self.evaluation, self.accuracy = evaluation, evaluation.accuracy
        self.fresh["answers"] = content


def percent(part: float) -> str:
    """As the page writes it everywhere: 97.40 %."""
    return f"{100 * part:.2f} %"
