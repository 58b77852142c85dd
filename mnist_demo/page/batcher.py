"""Drawings that arrive together are answered in one pass of the net, on a thread of its own.

While the net is busy with one batch, the next one gathers; so the wait stays near one
pass however many draw at once, and the event loop never blocks.
"""

from __future__ import annotations

import asyncio
import math
import time
from concurrent.futures import Executor
from dataclasses import dataclass, field

from torch import nn

from mnist_demo.classify import Answer, Drawing, read_inks
from mnist_demo.page.pace import TooOften
from mnist_demo.page.pools import pool_of_one_core

MAX_BATCH = 64
MAX_WAITING = 512
IN_USE = 2.0  # seconds


@dataclass(eq=False)
class _Request:
    net: nn.Module
    drawing: Drawing
    answer: asyncio.Future[Answer]


@dataclass
class Batcher:
    sceptic: nn.Module | None = None  # says which drawings are no digits
    answered: int = 0  # drawings so far, and the passes that it took
    passes: int = 0
    _pool: Executor = field(default_factory=lambda: pool_of_one_core("classify"))
    _last_asked: float = -math.inf
    _waiting: list[_Request] = field(default_factory=list)
    _working: asyncio.Task[None] | None = None

    @property
    def is_in_use(self) -> bool:
        """Whether somebody has drawn in the last seconds."""
        return time.monotonic() - self._last_asked < IN_USE

    @property
    def waiting(self) -> int:
        """Drawings that no batch has taken yet."""
        return len(self._waiting)

    @property
    def has_room(self) -> bool:
        return len(self._waiting) < MAX_WAITING

    async def classify(self, net: nn.Module, drawing: Drawing) -> Answer:
        """The net's answer to a drawing. Raises NoInkError, or TooOften when all are too busy."""
        if not self.has_room:
            raise TooOften(1.0, "too many people are drawing at this moment; try again in a second")
        self._last_asked = time.monotonic()
        loop = asyncio.get_running_loop()
        request = _Request(net, drawing, loop.create_future())
        self._waiting.append(request)
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        return await request.answer

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            net = self._waiting[0].net
            batch = [r for r in self._waiting if r.net is net][:MAX_BATCH]
            self._waiting = [r for r in self._waiting if r not in batch]
            try:
                drawings = [request.drawing for request in batch]
                results: list[Answer | Exception] = list(
                    await loop.run_in_executor(self._pool, read_inks, net, drawings, self.sceptic)
                )
            except Exception as error:  # the waiting must hear of it, whatever it is
                results = [error] * len(batch)
            self.answered += len(batch)
            self.passes += 1
            for request, result in zip(batch, results, strict=True):
                if request.answer.done():  # the visitor has gone
                    continue
                if isinstance(result, Exception):
                    request.answer.set_exception(result)
                else:
                    request.answer.set_result(result)
