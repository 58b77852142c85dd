"""The Gallery tab: what the chosen net gets wrong, all of it read off one evaluation.

Beside a second net: which of the two is right about what.

`show` evaluates, as a queued event; what is asked of the result is in `gallery_pages.py`.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo import browse
from mnist_demo.datasets import DIGITS
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation
from mnist_demo.page import comparing
from mnist_demo.page.context import Context
from mnist_demo.page.gallery_pages import make_figure_of, make_page_of
from mnist_demo.page.guard import sent
from mnist_demo.page.language import words_for
from mnist_demo.page.visitors import Visitor
from mnist_demo.page.words import ENGLISH, Words, script

HERE = Path(__file__).parent
# One text to the page, in this order.
SCRIPTS = ("gallery_view.js", "gallery_pictures.js", "gallery.js")
FAILED = "this net cannot be shown (the server's log says why); try again or choose another"


def build(context: Context, net: gr.Dropdown) -> gr.HTML:
    """The tab's one component; it fires 'open' with the index of a digit to draw on."""
    board = gr.HTML(
        value=None,
        html_template=(HERE / "gallery.html").read_text("utf-8"),
        js_on_load=script(*SCRIPTS),
        server_functions=[make_page_of(context), make_figure_of(context)],
        apply_default_css=False,
        elem_id="gallery",
    )

    def show(choice: str, event: gr.EventData, request: gr.Request) -> Iterator[str]:
        visitor, words = context.visitor(request), words_for(request)
        for state in states(context, visitor, choice, sent(event, "other"), words):
            yield json.dumps(state | {"asked": _ask(sent(event, "asked"))})

    # The page asks when the tab comes into view and when the net changes while it is. Each
    # question is sent: "always_last" would send the one before it a second time. The page
    # numbers them and heeds the answer to its last.
    board.look(
        show,
        net,
        board,
        show_progress="hidden",
        trigger_mode="multiple",
        api_visibility="private",
    )
    net.change(None, js="() => { window.dispatchEvent(new Event('net-chosen')); }")
    return board


def states(
    context: Context,
    visitor: Visitor,
    choice: object,
    other: object = None,
    words: Words = ENGLISH,
) -> Iterator[dict[str, Any]]:
    """What the tab shows: how far an evaluation is, where one has to be made, then the result.

    Ends without one where the visitor has asked for something else meanwhile.
    """
    visitor.looks_at = wanted = (choice, other)
    for state in _states(context, visitor, choice, other):
        if visitor.looks_at != wanted:
            return
        yield _state_in(state, words)


def _states(
    context: Context, visitor: Visitor, choice: object, other: object
) -> Iterator[dict[str, Any]]:
    try:
        checkpoint = context.checkpoint(visitor, choice)
        _, title = context.digits_for(checkpoint)
        noun = "digits" if checkpoint.labels == DIGITS else "images"
        names = {key: name for name, key in comparing.others(context, visitor, choice)}
        beside = other if isinstance(other, str) and other in names else None
        yield from _evaluating(context, visitor, choice, noun)
        if beside is not None:
            with contextlib.suppress(UserError):  # `_beside` says why
                yield from _evaluating(context, visitor, beside, noun)
        result = context.evaluation(visitor, choice)
        titles = {key: name for name, key in context.choices(visitor)}
        yield {
            "state": "ready",
            "choice": choice,
            "name": titles.get(str(choice), "This net"),
            "data": title,
            "noun": noun,
            "labels": checkpoint.labels,
            "others": [[name, key] for key, name in names.items()],
            "comparison": _beside(context, visitor, choice, beside, result, names, noun),
            **browse.summary(result),
        }
    except UserError as error:
        yield {"state": "error", "message": str(error)}
    except Exception:
        logging.getLogger(__name__).exception("a net could not be evaluated")
        yield {"state": "error", "message": FAILED}


def _evaluating(
    context: Context, visitor: Visitor, choice: object, noun: str
) -> Iterator[dict[str, Any]]:
    """How far the evaluation of a net is, until it is made."""
    if context.known_evaluation(visitor, choice) is None:
        for reading in context.evaluating(visitor, choice):
            total = len(reading.split)
            yield {"state": "busy", "done": reading.done, "total": total, "noun": noun}


def _state_in(state: dict[str, Any], words: Words) -> dict[str, Any]:
    """What the tab shows as its visitor reads it; classes keep the names that they have."""
    told: dict[str, Any] = {
        name: words(state[name]) for name in ("name", "data", "message") if name in state
    }
    if "others" in state:
        told["others"] = words.titles(state["others"])
    if both := state.get("comparison"):
        read = {name: words(both[name]) for name in ("name", "note", "error") if name in both}
        told["comparison"] = both | read
    return state | told


def _beside(
    context: Context,
    visitor: Visitor,
    choice: object,
    other: object,
    first: Evaluation,
    names: dict[str, str],
    noun: str,
) -> dict[str, Any] | None:
    """The figures of the comparison, None without a second net, or why there are none."""
    if other is None:
        return None
    try:
        both = comparing.compare(context, visitor, choice, other, first)
    except UserError as error:
        return {"error": str(error), "other": other}
    return comparing.summary(both, other, names[str(other)], noun)


def _ask(number: object) -> int:
    """A question's number as the page counts them, 0 for whatever else was sent."""
    return number if isinstance(number, int) and 0 < number < 1 << 31 else 0
