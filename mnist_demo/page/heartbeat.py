"""The request that a page keeps open while it is there; its end is how the server learns that
a tab was closed, and the visitor's things are freed.

Gradio's own route makes a session for each that it closes, on the event loop, however many
there are: measured, 100 closed at once held up everybody for two seconds and more.
"""

from __future__ import annotations

import asyncio
import functools
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from gradio.caching import clear_session_caches
from gradio.utils import get_heartbeat_rate

from mnist_demo.page.asgi import App, Receive, Scope, Send, address_of, counted
from mnist_demo.page.envelope import Refused
from mnist_demo.page.gate import API, NAME

PATH = re.compile(rf"{API}/heartbeat/({NAME})/?")
# What is refused costs its page nothing but this: its things are freed an hour later.
OF_ADDRESS = 320  # open at once: a class of 40 behind one address, with eight tabs each
MOST = 800  # of all; where the system is strict a process may have 1,024 files open
AGAIN_IN = 60  # seconds; a tab is closed sooner or later
ALIVE = b"data: ALIVE\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"content-encoding", b"identity"),  # else each would have a brotli compressor of its own
]


class Heartbeats:
    """ASGI middleware, behind the gate. `forget`: what becomes of a session that is closed.

    `is_here`: told of each that is still open, now and then.
    """

    def __init__(
        self,
        app: App,
        forget: Callable[[str], None],
        is_here: Callable[[str], object],
    ) -> None:
        self.app = app
        self.forget = forget
        self.is_here = is_here
        self._open: Counter[str] = Counter()  # by address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        address = address_of(scope)
        if self._open[address] >= OF_ADDRESS or self._open.total() >= MOST:
            raise Refused(429, f"too many pages are open; try again in {AGAIN_IN} s", AGAIN_IN)
        with counted(self._open, address):
            try:
                note = functools.partial(self.is_here, found[1])
                await _beat(scope["app"].stop_event, note, receive, send)
            finally:
                self.forget(found[1])
                _close(scope["app"], found[1])


async def _beat(
    is_ending: asyncio.Event, note: Callable[[], object], receive: Receive, send: Send
) -> None:
    """Until the page is closed or the server ends."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    ends = [asyncio.create_task(_left(receive)), asyncio.create_task(is_ending.wait())]
    try:
        while not any(end.done() for end in ends):
            note()
            await send({"type": "http.response.body", "body": ALIVE, "more_body": True})
            rate = get_heartbeat_rate()
            await asyncio.wait(ends, timeout=rate, return_when=asyncio.FIRST_COMPLETED)
        await send({"type": "http.response.body", "body": b""})
    finally:
        for end in ends:
            end.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _close(app: Any, session: str) -> None:
    """What Gradio does about a closed page, for a session that it has: none is made for it."""
    if session in app.state_holder:
        app.state_holder.session_data[session].is_closed = True
    clear_session_caches(session)
    blocks = app.get_blocks()
    for run in blocks.pending_streams.pop(session, {}).values():
        for stream in run.values():
            stream.end_stream()
    for event_id in blocks._queue.pending_event_ids_session.get(session, ()):
        event = blocks._queue.event_ids_to_events.get(event_id)
        if event is not None:
            event.run_time = math.inf
            event.closed = True
            event.signal.set()
