"""Drawings that arrive together are answered in one pass of the net, on a thread of its own.

While the net is busy with one batch, the next one gathers; so the wait stays near one
pass however many draw at once, and the event loop never blocks. That thread does little
but multiply, which needs no interpreter: what needs it would take turns with the event loop.
"""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from torch import nn

from mnist_demo.classify import Answer, classify_steps, take_apart
from mnist_demo.page.pace import TooOften
from mnist_demo.page.pools import pool_of_one_core
from mnist_demo.preprocess import Steps

MAX_BATCH = 64
MAX_WAITING = 512
IN_USE = 2.0  # seconds


@dataclass(eq=False)
class _Request:
    net: nn.Module
    steps: Steps
    moving: bool
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

    async def classify(self, net: nn.Module, steps: Steps, moving: bool = False) -> Answer:
        """The net's answer to a drawing, which is `moving` while the pen that draws it is down.

        Raises TooOften when all are too busy.
        """
        if not self.has_room:
            raise TooOften(1.0, "too many people are drawing at this moment; try again in a second")
        self._last_asked = time.monotonic()
        loop = asyncio.get_running_loop()
        request = _Request(net, steps, moving, loop.create_future())
        self._waiting.append(request)
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        return await request.answer

    async def _work(self) -> None:
        while self._waiting:
            net = self._waiting[0].net
            batch = [r for r in self._waiting if r.net is net][:MAX_BATCH]
            self._waiting = [r for r in self._waiting if r not in batch]
            self.passes += 1
            try:
                await self._read(net, batch)
            except Exception as error:  # the waiting must hear of it, whatever it is
                for request in batch:
                    if not request.answer.done():
                        request.answer.set_exception(error)
            self.answered += len(batch)

    async def _read(self, net: nn.Module, batch: Sequence[_Request]) -> None:
        """Answers what is plain at once; what may be several digits is read once more."""
        run = functools.partial(asyncio.get_running_loop().run_in_executor, self._pool)
        answers = await run(classify_steps, net, [request.steps for request in batch], self.sceptic)
        read = list(zip(batch, answers, strict=True))
        _tell((request, answer) for request, answer in read if not answer.is_strange)
        for moving in (True, False):
            strange = [(r, a) for r, a in read if a.is_strange and r.moving is moving]
            if strange and self.sceptic:  # who alone doubts
                doubted = [answer for _, answer in strange]
                answers = await run(take_apart, net, doubted, self.sceptic, not moving)
                _tell(zip([request for request, _ in strange], answers, strict=True))


def _tell(answered: Iterable[tuple[_Request, Answer]]) -> None:
    for request, answer in answered:
        if not request.answer.done():  # else the visitor has gone
            request.answer.set_result(answer)
