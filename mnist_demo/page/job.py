"""What a run's worker is asked for, what may be turned while it works, and its time."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from mnist_demo.train import Event, Step

SEND_EVERY = 0.2  # seconds between two reports of steps
WINDOW = 3.0  # seconds of training that the speed is measured over


@dataclass(frozen=True)
class Job:
    """What a run needs to begin, as text: it goes to another process."""

    config: dict[str, Any]
    folder: str  # of the data sets
    device: str
    state: str = ""  # the file that the run is kept in while it is on; empty: none
    is_resumed: bool = False
    own: str = ""  # digits of the visitor's own to learn from, as own_digits.py reads them


@dataclass(frozen=True)
class RaceJob:
    """What a race needs to begin; it takes the same way as a run."""

    runners: list[str]  # by their names in benchmark.race.RUNNERS
    dataset: str
    folder: str
    device: str


JOBS: dict[str, Any] = {"job": Job, "race": RaceJob}


def to_message(job: Job | RaceJob) -> dict[str, Any]:
    name = next(name for name, kind in JOBS.items() if type(job) is kind)
    return {name: asdict(job)}


def from_message(message: dict[str, Any]) -> Job | RaceJob | None:
    """The job in a message; None where it is about something else."""
    name = next((name for name in JOBS if name in message), None)
    return None if name is None else JOBS[name](**message[name])


@dataclass
class Controls:
    """What may be turned while a run is on."""

    learning_rate: float | None = None  # None: as the run has it
    spare: bool = False  # leave one of the processor's cores free
    stop: threading.Event = field(default_factory=threading.Event)  # or: skip the test
    pause: threading.Event = field(default_factory=threading.Event)
    leave: threading.Event = field(default_factory=threading.Event)  # nobody waits any more

    def turn(self, changes: dict[str, Any]) -> None:
        self.learning_rate = changes.get("learning_rate", self.learning_rate)
        self.spare = changes.get("spare", self.spare)
        if "pause" in changes:
            (self.pause.set if changes["pause"] else self.pause.clear)()
        if changes.get("leave"):
            self.leave.set()
        if changes.get("stop") or changes.get("leave"):
            self.stop.set()


@dataclass
class Watch:
    """Time of one run: when a report is due, and what was spent on training alone."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    sent: float = -math.inf
    away: float = 0.0  # seconds of pauses, less those of before the run was taken up
    learning: float = 0.0  # seconds inside training steps
    recent: deque[tuple[float, int]] = field(default_factory=lambda: deque([(0.0, 0)]))

    def start(self, seconds: float = 0.0) -> None:
        self.started = self.last_event = self.clock()
        self.away = -seconds

    @property
    def active(self) -> float:
        return self.clock() - self.started - self.away

    def is_due(self) -> bool:
        return self.clock() - self.sent >= SEND_EVERY

    def resume(self) -> None:
        """What passed since the last event was not training's."""
        self.last_event = self.clock()

    def count(self, event: Event) -> None:
        now = self.clock()
        if isinstance(event, Step):
            self.learning += now - self.last_event
            self.recent.append((self.learning, event.images))
            while self.recent[0][0] < self.learning - WINDOW and len(self.recent) > 2:
                self.recent.popleft()
        self.last_event = now

    def images_per_second(self) -> float | None:
        (start, before), (end, after) = self.recent[0], self.recent[-1]
        return (after - before) / (end - start) if end > start else None
