"""Connections that ask for nothing: closed in time, for each takes one of the server's files.

uvicorn ends those between two requests, but waits for ever for a first one, or for the rest
of one whose headers were begun. Where they fill half of the files, the oldest go at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection
from typing import Any

from mnist_demo.page.asgi import App, Receive, Scope, Send

PATIENCE = 20.0  # seconds; a browser that connects beforehand comes again
EVERY = 1.0
MOST_FILES = 65_536


class Idle:
    """ASGI middleware that looks at the server's connections while it runs."""

    def __init__(
        self, app: App, connections: Callable[[], Collection[Any]], most: int | None = None
    ) -> None:
        self.app = app
        self.connections = connections
        self.most = most or files_allowed() // 2
        # When each was first seen with its last request answered, or without any.
        self._since: dict[tuple[Any, Any], float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        watch = asyncio.create_task(self._keep_watch())
        try:
            await self.app(scope, receive, send)
        finally:
            watch.cancel()

    async def _keep_watch(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                self.close_old(time.monotonic())
            except Exception:
                logging.getLogger(__name__).exception("silent connections could not be closed")

    def close_old(self, now: float) -> None:
        """Closes what has been without a request for too long at `now`, or what is too many.

        Each request has a `cycle` of its own, so who asks now and then is another each time.
        What was closed and is still there has somebody who does not read: cut off.
        """
        both = [(c, getattr(c, "cycle", None)) for c in self.connections()]
        waiting = [(c, cycle) for c, cycle in both if cycle is None or cycle.response_complete]
        self._since = {pair: self._since.get(pair, now) for pair in waiting}
        surplus = len(waiting) - self.most
        oldest = sorted(self._since.items(), key=lambda seen: seen[1])
        for place, ((connection, _), since) in enumerate(oldest):
            is_old = place < surplus or now - since >= PATIENCE
            if is_old and connection.transport is not None:
                end = connection.transport
                end.abort() if end.is_closing() else end.close()


def files_allowed() -> int:
    """How many files, connections among them, this process may have open."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return MOST_FILES if soft == resource.RLIM_INFINITY else min(soft, MOST_FILES)
    return 1024


def allow_many_files() -> None:
    """As many connections as the system lets this process have: often four or more times 1,024."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows; or not allowed
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
