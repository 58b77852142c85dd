"""A fair, bounded line for what only one visitor can do at a time: first come, first served."""

from __future__ import annotations

import threading
from types import TracebackType

from mnist_demo.errors import UserError


class Turns:
    """Hands out places; the holder of place 0 may go ahead."""

    def __init__(self, limit: int = 20) -> None:
        self.limit = limit
        self._line: list[Place] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._line)

    def join(self) -> Place:
        """A place at the end of the line. Raises UserError when the line is full."""
        with self._lock:
            if len(self._line) >= self.limit:
                raise UserError(
                    f"{self.limit} trainings are waiting already; try again in a few minutes"
                )
            place = Place(self)
            self._line.append(place)
        return place

    def ahead_of(self, place: Place) -> int:
        with self._lock:
            return self._line.index(place)

    def leave(self, place: Place) -> None:
        with self._lock:
            if place in self._line:
                self._line.remove(place)


class Place:
    """A place in the line; leaving the `with` block gives it up, whatever happened inside."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    @property
    def ahead(self) -> int:
        """How many go first; 0 means it is this one's turn."""
        return self._turns.ahead_of(self)

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._turns.leave(self)
