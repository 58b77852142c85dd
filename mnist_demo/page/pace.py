"""How often one visitor may ask: a bucket of tokens, and few questions at a time.

Who floods is told when to come back and waits for even that, so that a loop of refusals
costs the server little; the others' answers stay where they were.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mnist_demo.errors import UserError

RATE = 60.0  # tokens a second; the page asks about a drawing no oftener
BURST = 120.0
AT_ONCE = 4  # questions of a visitor that may be open; the page has three, a reload one more
LONGEST = 0.5  # seconds that a refusal is held back
# What a question costs.
DRAWING = 1.0
GALLERY_PAGE = 6.0
INSIDE = 6.0
PICTURE = 30.0


class TooOften(UserError):
    """Asked too often; `seconds` from now it may be asked again."""

    def __init__(self, seconds: float, text: str = "") -> None:
        self.seconds = max(0.1, round(seconds, 1))
        super().__init__(
            text
            or f"this page asks more often than {RATE:.0f} times a second; "
            f"try again in {self.seconds:g} s"
        )


class Pace:
    """One visitor's. For the event loop alone: nothing here is locked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens = BURST
        self._filled = clock()
        self._open = 0

    @contextmanager
    def turn(self, cost: float = DRAWING) -> Iterator[None]:
        """While a question is answered. Raises TooOften."""
        now = self._clock()
        self._tokens = min(BURST, self._tokens + RATE * (now - self._filled))
        self._filled = now
        if self._open >= AT_ONCE:
            raise TooOften(
                LONGEST,
                f"{AT_ONCE} questions of this page wait for their answers; "
                f"try again in {LONGEST:g} s",
            )
        if self._tokens < cost:
            raise TooOften((cost - self._tokens) / RATE)
        self._tokens -= cost
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1


async def told_later(error: TooOften) -> dict[str, Any]:
    """A refusal as a server function's answer."""
    await asyncio.sleep(min(LONGEST, error.seconds))
    return {"error": str(error), "again_in": error.seconds}
