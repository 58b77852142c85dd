"""What belongs to one visitor, kept apart from every other's and freed in time.

Keyed by Gradio's session hash, a random name that each page load makes up for itself.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from mnist_demo.errors import UserError
from mnist_demo.page.heat import Heat
from mnist_demo.page.pace import Pace
from mnist_demo.page.runs import MAX_RUNS, Run

SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass
class Visitor:
    """One open page: its runs, the one that was begun or taken up last at the end."""

    key: str
    address: str = ""  # where it asks from, as far as is known
    runs: OrderedDict[str, Run] = field(default_factory=OrderedDict)
    started: int = 0  # runs begun so far; numbers are not used twice
    last_seen: float = 0.0
    pace: Pace = field(default_factory=Pace)
    heat: Heat | None = None  # its race, the last one
    looks_at: object = None  # in the gallery: what it asked for last
    changing: threading.Lock = field(default_factory=threading.Lock)  # what it has, and has on

    def run_named(self, wanted: object) -> Run:
        """The run that a message from the page names. Raises UserError."""
        run = self.runs.get(wanted) if isinstance(wanted, str) else None
        if run is None:
            raise UserError("that run is gone; only the newest ones are kept")
        return run

    @property
    def all_runs(self) -> list[Run]:
        """As they are at this moment; another thread may add one or throw one away meanwhile."""
        return list(self.runs.values())

    @property
    def is_busy(self) -> bool:
        """Whether something of this visitor's has a place in the line."""
        return self.active_run is not None or (self.heat is not None and self.heat.is_active)

    @property
    def active_run(self) -> Run | None:
        return next((run for run in self.all_runs if run.is_active), None)

    def add(self, run: Run) -> None:
        self.runs[run.id] = run
        idle = [run.id for run in self.all_runs if not run.is_active]
        for old in idle[: max(0, len(self.runs) - MAX_RUNS)]:
            self.runs.pop(old, None)

    def stop_all(self) -> None:
        for run in self.all_runs:
            run.left.set()
            run.stop.set()
        if self.heat is not None:
            self.heat.left.set()
            self.heat.stop.set()


class Visitors:
    """A bounded store: the longest unseen go when it is full or when their time is up."""

    def __init__(self, limit: int = 500, max_age: float = 3600.0) -> None:
        self.limit = limit
        self.max_age = max_age
        self._all: OrderedDict[str, Visitor] = OrderedDict()  # longest unseen first
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._all)

    def get(self, key: str | None, address: str = "") -> Visitor:
        """The visitor with this session hash, made on first sight. Raises UserError.

        address: where the request comes from; whatever gives a visitor runs knows it.
        """
        if not isinstance(key, str) or not SESSION.fullmatch(key):
            raise UserError("this page has lost its session; reload it")
        now = time.monotonic()
        with self._lock:
            visitor = self._all.pop(key, None) or Visitor(key)
            visitor.last_seen = now
            visitor.address = address or visitor.address
            self._all[key] = visitor
            self._evict(now)
        return visitor

    def peek(self, key: object) -> Visitor | None:
        """The visitor with this key, if there is one; asking makes none."""
        with self._lock:
            visitor = self._all.get(key) if isinstance(key, str) else None
            if visitor is not None:
                visitor.last_seen = time.monotonic()
                self._all.move_to_end(visitor.key)
        return visitor

    def _evict(self, now: float) -> None:
        """Those whose time is up go; where it is too full, first whoever has nothing to lose.

        Then whoever shares an address with most. Else anybody could make up sessions, each
        with a net that one key brings back, until the nets of all others are gone. Where a
        proxy makes all addresses one, the longest unseen go.
        """
        others = list(self._all.values())[:-1]
        for other in others:
            if other.is_busy:  # few: the line of trainings is bounded
                continue
            if now - other.last_seen <= self.max_age:
                break
            del self._all[other.key]
        if len(self._all) <= self.limit:
            return
        idle = [other for other in others if not other.is_busy and other.key in self._all]
        of = Counter(other.address for other in self._all.values() if other.address)
        # Stable: the longest unseen of each first.
        idle.sort(key=lambda other: (bool(other.runs), -of[other.address]))
        for other in idle[: len(self._all) - self.limit]:
            del self._all[other.key]

    def drop(self, key: str | None) -> None:
        """Frees what a visitor had; a run that is on ends at its next step."""
        with self._lock:
            visitor = self._all.pop(key or "", None)
        if visitor is not None:
            visitor.stop_all()
