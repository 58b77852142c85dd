"""The Draw tab's second looks: what goes on inside the net, and what every other net says.

Dearer than an answer, so they have a thread and a short line of their own: answers never wait
for them.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from torch import nn

from mnist_demo.classify import probabilities_of
from mnist_demo.inside import Inside, look_inside
from mnist_demo.page.pace import TooOften
from mnist_demo.page.pools import pool_of_one_core
from mnist_demo.preprocess import Steps

MAX_WAITING = 8

Named = TypeVar("Named")


@dataclass
class Insight:
    """Takes one look at a time, whoever asks."""

    _waiting: int = 0
    _pool: Executor = field(default_factory=lambda: pool_of_one_core("inside"))

    async def look(self, net: nn.Module, steps: Steps, with_evidence: bool) -> Inside:
        """Inside a net. Raises TooOften where many wait."""
        return await self._in_line(look_inside, net, steps.centred, with_evidence)

    async def opinions(
        self, find: Callable[[], Iterable[tuple[Named, nn.Module]]], steps: Steps
    ) -> list[tuple[Named, np.ndarray]]:
        """The probabilities (classes,) of each net that `find` finds. Raises TooOften likewise."""
        found: list[tuple[Named, np.ndarray]] = await self._in_line(ask_all, find, steps)
        return found

    async def _in_line(self, work: Callable[..., Any], *given: Any) -> Any:
        if self._waiting >= MAX_WAITING:
            raise TooOften(1.0, "many people are looking at the nets; try again in a second")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *given)
        finally:
            self._waiting -= 1


def ask_all(
    find: Callable[[], Iterable[tuple[Named, nn.Module]]], steps: Steps
) -> list[tuple[Named, np.ndarray]]:
    return [(name, probabilities_of(net, steps.centred[None])[0]) for name, net in find()]


def describe(inside: Inside, words: Callable[[str], str]) -> dict[str, Any]:
    """As the page shows it, the layers named in its words; evidence is bytes, 0 at 128."""
    evidence = inside.evidence
    return {
        "picture": in_base64(np.round(inside.picture * 255)),
        "digit": inside.digit,
        "stages": [
            {
                "name": words(stage.name),
                "count": stage.count,
                "shown": len(stage.maps),
                "height": stage.maps.shape[1],
                "width": stage.maps.shape[2],
                "maps": in_base64(stage.maps),
            }
            for stage in inside.stages
        ],
        "evidence": None if evidence is None else in_base64(np.round(128 + 127 * evidence)),
    }


def in_base64(picture: np.ndarray) -> str:
    """Numbers of 0 to 255 as bytes, row after row."""
    return base64.b64encode(picture.astype(np.uint8).tobytes()).decode()
