"""The Draw tab's look inside the net: what each layer makes of the drawing that is on the pad.

Dearer than an answer, so it has a thread and a short line of its own: answers never wait for it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from mnist_demo.inside import Inside, look_inside
from mnist_demo.page.pace import TooOften
from mnist_demo.page.pools import pool_of_one_core
from mnist_demo.preprocess import Steps

MAX_WAITING = 8


@dataclass
class Insight:
    """Looks inside one net at a time, whoever asks."""

    _waiting: int = 0
    _pool: Executor = field(default_factory=lambda: pool_of_one_core("inside"))

    async def look(self, net: nn.Module, steps: Steps, with_evidence: bool) -> Inside:
        """Raises TooOften where many wait."""
        if self._waiting >= MAX_WAITING:
            raise TooOften(1.0, "many people are looking inside a net; try again in a second")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, look_inside, net, steps.centred, with_evidence
            )
        finally:
            self._waiting -= 1


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
