"""Between the core's errors and the page, and between the world's requests and the core."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import gradio as gr

from mnist_demo.errors import UserError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def as_page_error(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Shows a UserError as a message on the page; anything else stays a hidden error."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*args: Any, **options: Any) -> Iterator[Any]:
            try:
                yield from handler(*args, **options)
            except UserError as error:
                raise gr.Error(str(error), print_exception=False) from error

        return stream

    @functools.wraps(handler)
    def answer(*args: Any, **options: Any) -> Any:
        try:
            return handler(*args, **options)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return answer


async def session_of(request: gr.Request) -> str | None:
    """The session hash of a server-function call, which Gradio leaves in the request's body."""
    body = await request.request.json() if isinstance(request, gr.Request) else await request.json()
    return body.get("session_hash") if isinstance(body, dict) else None


class BodyLimit:
    """ASGI middleware: refuses JSON bodies over `limit` bytes before they are read whole.

    Gradio's `max_file_size` bounds uploads, which come as multipart; server functions and
    events come as JSON, which nothing else bounds.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", []))
        multipart = headers.get(b"content-type", b"").startswith(b"multipart/form-data")
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD") or multipart:
            await self.app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self.limit:
                await _refuse(send, f"the request is larger than {self.limit:,} bytes")
                return
            if not message.get("more_body"):
                break

        async def replay() -> MutableMapping[str, Any]:
            nonlocal body
            if body is None:
                return await receive()
            whole, body = body, None  # type: ignore[assignment]
            return {"type": "http.request", "body": whole, "more_body": False}

        await self.app(scope, replay, send)


async def _refuse(send: Send, reason: str) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"detail": reason}).encode()})
