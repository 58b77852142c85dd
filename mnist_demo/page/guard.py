"""Between the core's errors and the page: a message where there is one, and who asked."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from mnist_demo.errors import UserError


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


def address_of(request: gr.Request) -> str:
    """Where a request comes from; behind a proxy that uvicorn trusts, where it came from first."""
    client = request.client
    return str(client.host) if client else ""
