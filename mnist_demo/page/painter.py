"""Pictures drawn by matplotlib, one after the other: more at a time would leave others no core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mnist_demo.errors import UserError

MAX_WAITING = 6  # pictures, the one being drawn included

Made = TypeVar("Made")


class Painter:
    """On a thread of its own; whoever comes when too many wait is told to try again."""

    def __init__(self, most: int = MAX_WAITING) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="paint")
        self._most = most
        self._asked = 0

    async def paint(self, draw: Callable[[], Made]) -> Made:
        """What `draw` makes. For the event loop alone. Raises UserError."""
        if self._asked >= self._most:
            raise UserError(
                "too many pictures are drawn at this moment; try again in a few seconds"
            )
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, draw)
        finally:
            self._asked -= 1
