"""What a Gradio page has to be asked for, read off the page itself."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.utils import get_function_params

from mnist_demo.page.envelope import Event, Offers
from mnist_demo.page.logs import Traffic

# Which class of the log an event of a component belongs to, by the event's name.
KINDS = {"train": "train", "race": "train", "look": "evaluate"}


def offers_of(page: gr.Blocks) -> Offers:
    """All events, endpoints and server functions of a page; none is added while it runs."""
    functions = {
        number: frozenset(function.__name__ for function in getattr(block, "server_fns", ()))
        for number, block in page.blocks.items()
    }
    return Offers(
        {number: _event(event) for number, event in page.fns.items()},
        {number: names for number, names in functions.items() if names},
        frozenset(page.blocks),
    )


def _event(event: Any) -> Event:
    if event.api_visibility != "public" or event.fn is None:
        return Event(len(event.inputs), kind_of(event))
    arguments = get_function_params(event.fn)  # without the request, which Gradio adds
    return Event(
        len(event.inputs),
        kind_of(event),
        str(event.api_name),
        frozenset(name for name, *_ in arguments),
        frozenset(name for name, has_default, *_ in arguments if not has_default),
    )


def kind_of(event: Any) -> str:
    """The class of the log that an event is counted under."""
    if event.api_visibility == "public":
        return str(event.api_name)
    kinds = [KINDS[name] for _, name in event.targets if name in KINDS]
    return kinds[0] if kinds else "page"


def count_events(page: gr.Blocks, traffic: Traffic) -> None:
    """Has each event that waits in Gradio's queue counted when it is over.

    The others are answered within their request, which the gate counts.
    """
    for event in page.fns.values():
        if event.fn is not None and event.queue is not False:
            event.fn = traffic.timed(kind_of(event), event.fn)
