"""The loss by batches, in a bounded number of points however long a run is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

MAX_POINTS = 250


@dataclass
class Curve:
    """Points that are each the mean of `every` batches.

    When there is no more room, neighbours are merged, so what was drawn stays where it is.
    """

    points: list[tuple[float, float]] = field(default_factory=list)  # (epochs done, mean loss)
    every: int = 1
    rest: list[float] = field(default_factory=list)  # not yet enough for a point

    def add(self, places: Sequence[float], losses: Sequence[float]) -> None:
        for place, loss in zip(places, losses, strict=True):
            self.rest.append(loss)
            if len(self.rest) >= self.every:
                self.points.append((place, sum(self.rest) / len(self.rest)))
                self.rest.clear()
            if len(self.points) > MAX_POINTS:
                self._merge()

    def _merge(self) -> None:
        odd = self.points.pop() if len(self.points) % 2 else None
        pairs = zip(self.points[::2], self.points[1::2], strict=True)
        self.points = [(later[0], (first[1] + later[1]) / 2) for first, later in pairs]
        if odd is not None:  # half of the next pair
            self.rest = [odd[1]] * self.every + self.rest
        self.every *= 2

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Curve:
        """What `to_dict` gave. Raises ValueError, TypeError or KeyError for anything else."""
        points = [(float(place), float(loss)) for place, loss in values["points"]]
        every, rest = int(values["every"]), [float(loss) for loss in values["rest"]]
        if len(points) > MAX_POINTS or every < 1 or len(rest) > every:
            raise ValueError("a curve that is none")
        return cls(points, every, rest)
