"""A fair, bounded line for what only one visitor can do at a time: first come, first served.

Bounded as a whole and for each owner, so that nobody can fill it alone; it learns how long a
turn takes, and so can say how long the wait will be.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from mnist_demo.errors import UserError

REMEMBERED = 10  # turns whose mean is what the next is expected to take


class Turns:
    """Hands out places; the holder of place 0 may go ahead.

    `each`: places that one owner may hold; owners are whatever the caller knows them by.
    """

    def __init__(
        self, limit: int = 20, each: int = 15, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit = limit
        self.each = each
        self._clock = clock
        self._line: list[Place] = []
        self._lock = threading.Lock()
        self._lengths: deque[float] = deque(maxlen=REMEMBERED)
        self._since = clock()  # the front's turn began

    def __len__(self) -> int:
        return len(self._line)

    def join(self, owner: str = "") -> Place:
        """A place at the end of the line. Raises UserError when the line is full for this owner.

        Who has no name shares no bound but that of the whole line.
        """
        with self._lock:
            own = sum(place.owner == owner for place in self._line) if owner else 0
            if len(self._line) >= self.limit or own >= self.each:
                whose = "from your network " if own >= self.each else ""
                count = own if own >= self.each else self.limit
                raise UserError(
                    f"{count} trainings {whose}are waiting already; try again {self._when()}"
                )
            place = Place(self, owner)
            self._line.append(place)
            if len(self._line) == 1:
                self._since = self._clock()
        return place

    def ahead_of(self, place: Place) -> int:
        with self._lock:
            return self._line.index(place)

    def wait_of(self, place: Place) -> float | None:
        """Seconds until it is this one's turn, as far as is known; None where nothing is."""
        with self._lock:
            return self._wait(self._line.index(place))

    def is_awaited(self, place: Place) -> bool:
        """Whether somebody stands behind this one."""
        with self._lock:
            return place is not self._line[-1]

    def leave(self, place: Place) -> None:
        with self._lock:
            if place not in self._line:
                return
            if place is self._line[0]:
                now = self._clock()
                if place.has_worked:
                    self._lengths.append(now - self._since)
                self._since = now
            self._line.remove(place)

    def _wait(self, ahead: int) -> float | None:
        if not ahead:
            return 0.0
        front = self._line[0].seconds_left
        mean = sum(self._lengths) / len(self._lengths) if self._lengths else None
        if front is None and mean is not None:
            front = max(0.0, mean - (self._clock() - self._since))
        if front is None or (mean is None and ahead > 1):
            return None
        return front + (ahead - 1) * (mean or 0.0)

    def when(self) -> str:
        """When it is worth while to ask for a place again."""
        with self._lock:
            return self._when() if self._line else "in a moment"

    def _when(self) -> str:
        """When the front's turn may be over, and a place free."""
        wait = self._wait(1)
        if wait is None:
            return "in a few minutes"
        return (
            f"in about {max(5, round(wait))} s" if wait < 90 else f"in {round(wait / 60)} minutes"
        )


class Place:
    """A place in the line; leaving the `with` block gives it up, whatever happened inside."""

    def __init__(self, turns: Turns, owner: str = "") -> None:
        self._turns = turns
        self.owner = owner
        self.seconds_left: float | None = None  # of its turn, which its holder may know
        self.has_worked = False  # a turn that was given up unused says nothing of the next

    @property
    def ahead(self) -> int:
        """How many go first; 0 means it is this one's turn."""
        return self._turns.ahead_of(self)

    @property
    def wait(self) -> float | None:
        """Seconds until its turn, as far as is known."""
        return self._turns.wait_of(self)

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for its end."""
        return self._turns.is_awaited(self)

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._turns.leave(self)
