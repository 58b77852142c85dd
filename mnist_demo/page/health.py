"""`/health`, for monitors: how the server is, in JSON. Reads a few counters and waits for none."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mnist_demo import __version__
from mnist_demo.page.asgi import App, Receive, Scope, Send
from mnist_demo.page.context import Context

PATH = "/health"


def health_of(context: Context) -> dict[str, Any]:
    """The answer: "busy" where the next drawing or training would be turned away."""
    traffic, turns, batcher = context.traffic, context.turns, context.batcher
    is_busy = len(turns) >= turns.limit or not batcher.has_room
    failed = traffic.last_error
    return {
        "status": "busy" if is_busy else "ok",
        "version": __version__,
        "uptime_seconds": round(traffic.uptime, 1),
        "visitors": len(context.visitors),
        "trainings_in_line": len(turns),
        "trainings_limit": turns.limit,
        "drawings_waiting": batcher.waiting,
        "drawings_answered": batcher.answered,
        "passes": batcher.passes,  # of the net: drawings that come together share one
        "requests": dict(sorted(traffic.totals.items())),
        "last_error": datetime.fromtimestamp(failed, UTC).isoformat(timespec="seconds")
        if failed
        else None,
    }


class Health:
    """ASGI middleware: answers `/health` itself; busy is well, and no reason to be restarted."""

    def __init__(self, app: App, look: Callable[[], dict[str, Any]]) -> None:
        self.app = app
        self.look = look

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") != PATH:
            await self.app(scope, receive, send)
            return
        answer = self.look()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = json.dumps(answer).encode() if scope["method"] != "HEAD" else b""
        await send({"type": "http.response.body", "body": body})
