"""Drawings' way past Gradio: the same call of a server function, answered before its routes.

Measured: Gradio's own part of such a call (its routes, a signature read anew each time,
brotli) takes longer than the net. Not for a page with a password, which Gradio asks for.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mnist_demo.page.asgi import App, Message, Receive, Scope, Send
from mnist_demo.page.bodies import MAX_SMALL
from mnist_demo.page.gate import API
from mnist_demo.page.guard import in_words
from mnist_demo.page.language import words_of_scope

PATHS = (f"{API}/component_server", f"{API}/component_server/")

Answer = Callable[[str, Any], Awaitable[dict[str, Any]]]  # of a session and its data


class Shortcut:
    """ASGI middleware, behind the gate: it is given whole bodies that were checked."""

    def __init__(self, app: App, answers: Mapping[tuple[int, str], Answer]) -> None:
        self.app = app
        self.answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in PATHS or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        first = await receive()
        found = self._find(first.get("body", b""))
        if found is None:
            await self.app(scope, _again(first, receive), send)
            return
        answer, message = found
        content = await answer(message["session_hash"], message["data"])
        if "error" in content:
            content = in_words(content, words_of_scope(scope))
        body = json.dumps(content, separators=(",", ":")).encode()
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _find(self, body: bytes) -> tuple[Answer, dict[str, Any]] | None:
        if len(body) > MAX_SMALL:  # it holds a picture
            return None
        message = json.loads(body)
        answer = self.answers.get((message["component_id"], message["fn_name"]))
        return (answer, message) if answer else None


def _again(first: Message, receive: Receive) -> Receive:
    """What was received already, and then the rest."""
    waiting = [first]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
