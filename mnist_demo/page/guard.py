"""Between the core's errors and the page: a message where there is one, and who asked."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import gradio as gr

from mnist_demo.errors import UserError, for_visitors
from mnist_demo.page.language import words_for
from mnist_demo.page.pace import TooOften, told_later
from mnist_demo.page.visitors import Visitor, Visitors
from mnist_demo.page.words import Words


def as_page_error(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Shows a UserError as a message on the page; anything else stays a hidden error."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*args: Any, **options: Any) -> Iterator[Any]:
            try:
                yield from handler(*args, **options)
            except UserError as error:
                raise _shown(error, args, options) from error

        return stream

    @functools.wraps(handler)
    def answer(*args: Any, **options: Any) -> Any:
        try:
            return handler(*args, **options)
        except UserError as error:
            raise _shown(error, args, options) from error

    return answer


def _shown(error: UserError, args: tuple[Any, ...], options: dict[str, Any]) -> gr.Error:
    """The message, in the language of the request that the handler was given."""
    given = (*args, *options.values())
    words = words_for(next((value for value in given if isinstance(value, gr.Request)), None))
    return gr.Error(words(for_visitors(error)), title=words("Error"), print_exception=False)


Told = Callable[..., Iterator[Any]]


def told_beside_buttons(show: Callable[[gr.Request], dict[str, Any]]) -> Callable[[Told], Told]:
    """Has the board that `show` makes say a UserError, where the visitor looks.

    It names the press that it is about, by the number that the page gave it.
    """

    def beside(handler: Told) -> Told:
        @functools.wraps(handler)
        def told(*args: Any) -> Iterator[Any]:
            *_, event, request = args
            try:
                yield from handler(*args)
            except UserError as error:
                text = words_for(request)(for_visitors(error))
                yield show(request) | {"refused": {"press": sent(event, "press"), "text": text}}

        return told

    return beside


NOT_OFFERED = "that is not offered here, or not any more; reload the page"


def check_choices(page: gr.Blocks) -> None:
    """What a form's fields do not offer is refused in words, before an event gets to see it.

    Gradio repeats it along with all choices and prints a traceback for each; None, which no
    list here offers, it lets through. A field may read in its own way, as `preprocess`.
    """
    for block in page.blocks.values():
        if isinstance(block, gr.Dropdown | gr.Radio | gr.Slider | gr.Number):
            block.__class__ = _checked(type(block), vars(block).pop("preprocess", None))


def _checked(kind: type[Any], own: Callable[[Any], Any] | None) -> type[Any]:
    """A field's class, not the field alone: each update of it makes another one for the session.

    Made past Gradio's metaclass, which writes a stub file for every class.
    """
    is_choice = issubclass(kind, gr.Dropdown | gr.Radio)

    def preprocess(self: Any, value: Any) -> Any:
        if not (is_choice and value is None):
            with contextlib.suppress(gr.Error, TypeError, ValueError, OverflowError):
                return own(value) if own else kind.preprocess(self, value)
        raise gr.Error(NOT_OFFERED, print_exception=False)

    parts = {"preprocess": preprocess, "__module__": kind.__module__}
    return type.__new__(type(kind), kind.__name__, (kind,), parts)


def sent(event: gr.EventData, name: str) -> Any:
    """What the page sent with an event under this name, whatever that is; None where nothing."""
    return event._data.get(name) if isinstance(event._data, dict) else None


def in_words(answer: dict[str, Any], words: Words) -> dict[str, Any]:
    """A server function's answer with its message, where it has one, said to its visitor."""
    return answer | {"error": words(for_visitors(answer["error"]))} if "error" in answer else answer


async def answered(
    visitors: Visitors,
    request: gr.Request,
    answer: Callable[[Visitor], Awaitable[dict[str, Any]]],
    cost: float = 0.0,
) -> dict[str, Any]:
    """What a server function says to its visitor, in their language and at their pace."""
    words = words_for(request)
    try:
        visitor = visitors.get(await session_of(request))
        with visitor.pace.turn(cost) if cost else contextlib.nullcontext():
            return in_words(await answer(visitor), words)
    except TooOften as error:
        return in_words(await told_later(error), words)
    except UserError as error:
        return in_words({"error": str(error)}, words)


async def session_of(request: gr.Request) -> str | None:
    """The session hash of a server-function call, which Gradio leaves in the request's body."""
    body = await request.request.json() if isinstance(request, gr.Request) else await request.json()
    return body.get("session_hash") if isinstance(body, dict) else None


def address_of(request: gr.Request) -> str:
    """Where a request comes from; behind a proxy that uvicorn trusts, where it came from first."""
    client = request.client
    return str(client.host) if client else ""
