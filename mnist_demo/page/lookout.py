"""When the page looks at a worker's doings again, and what the worker has been told."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mnist_demo.page.crew import Hand

UPDATE_EVERY = 0.25  # seconds between two looks of the page


@dataclass
class Lookout:
    """One of each run and each race that is followed."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    shown: float = -math.inf
    since: float = 0.0  # when the run's pauses were last counted
    paused: float = 0.0  # seconds of the run's pauses
    awaited: float = 0.0  # of them while others waited
    rate: float = 0.0  # what the run's dial stood at when it was taken up
    told: dict[str, Any] = field(default_factory=dict)  # the switches as the worker has them

    def wait_for(self) -> float:
        """Seconds until the page is due."""
        return max(0.0, self.shown + UPDATE_EVERY - self.clock())

    def is_due(self) -> bool:
        return self.wait_for() == 0.0

    def show(self) -> None:
        self.shown = self.clock()

    def count_pause(self, is_paused: bool, is_awaited: bool) -> None:
        """What has passed since it was last asked is a pause, or is none."""
        now = self.clock()
        passed, self.since = (now - self.since) * is_paused, now
        self.paused += passed
        self.awaited += passed * is_awaited

    def tell(self, hand: Hand, wanted: dict[str, Any]) -> None:
        """Tells the worker which switches were turned since it was last told."""
        changed = {name: value for name, value in wanted.items() if self.told.get(name) != value}
        if changed:
            hand.turn(**changed)
            self.told |= changed
