"""What the Gallery's page asks for piece by piece: pages of its grid, pictures, a digit's ink.

Only what is known already is looked at; what is asked comes from the world and is checked.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr
import numpy as np

from mnist_demo import browse
from mnist_demo.compare import Comparison
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation
from mnist_demo.figures import png_bytes
from mnist_demo.page import comparing
from mnist_demo.page.context import Context
from mnist_demo.page.gallery_pictures import channels, samples
from mnist_demo.page.guard import answered
from mnist_demo.page.pace import BURST, GALLERY_PAGE
from mnist_demo.page.visitors import Visitor

FIGURE = BURST / 2  # what a drawn picture costs at a visitor's pace: one a second
COLUMNS = 12  # of the sprite


def make_page_of(context: Context) -> Callable[[Any, gr.Request], Any]:
    """The server function behind the grid, as a closure over what it needs."""

    async def page_of(wanted: Any, request: gr.Request) -> dict[str, Any]:
        def answer(visitor: Visitor) -> Awaitable[dict[str, Any]]:
            return asyncio.to_thread(_or_unread, lambda: page(context, visitor, wanted))

        return await answered(context.visitors, request, answer, GALLERY_PAGE)

    return page_of


def make_figure_of(context: Context) -> Callable[[Any, gr.Request], Any]:
    """The server function that has a picture drawn."""

    async def figure_of(wanted: Any, request: gr.Request) -> dict[str, Any]:
        def answer(visitor: Visitor) -> Awaitable[dict[str, Any]]:
            rng = np.random.default_rng()
            return context.painter.paint(
                lambda: _or_unread(lambda: figure(context, visitor, wanted, rng))
            )

        return await answered(context.visitors, request, answer, FIGURE)

    return figure_of


def _or_unread(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` makes, or that the page has to have the net evaluated first."""
    try:
        return work()
    except comparing.Unread as error:
        return {"error": str(error), "unread": True}


def page(context: Context, visitor: Visitor, wanted: object) -> dict[str, Any]:
    """One page of digits and their pictures in one PNG; `wanted` comes from the world."""
    wanted, result = _asked_of(context, visitor, wanted)
    choice = wanted["choice"]
    sort = wanted.get("sort")
    if not isinstance(sort, str):
        raise UserError("a request for a page must say in which order")
    both, chosen = _select(context, visitor, wanted, result)
    indices = browse.page_slice(
        browse.ordered(result, chosen, sort),
        _integer("page", wanted.get("page"), len(result.truth)),
        _integer("size", wanted.get("size"), browse.MAX_PAGE_SIZE + 1),
    )
    split, _ = context.digits_for(context.checkpoint(visitor, choice))
    pictures = split.images[indices].cpu().numpy()  # (n, C, H, W)
    sheet = png_bytes(browse.sprite(pictures, COLUMNS))
    return {
        "total": len(chosen),
        "items": [
            both.describe(int(index)) if both else browse.describe(result, int(index))
            for index in indices
        ],
        "sprite": base64.b64encode(sheet).decode(),
        "columns": COLUMNS,
        "side": pictures.shape[-1],
    }


def figure(
    context: Context, visitor: Visitor, wanted: object, rng: np.random.Generator
) -> dict[str, Any]:
    """A drawn picture: some answers, or an image's channels; `wanted` comes from the world."""
    wanted, result = _asked_of(context, visitor, wanted)
    checkpoint = context.checkpoint(visitor, wanted["choice"])
    images = context.digits_for(checkpoint)[0].images
    what, narrow = wanted.get("what"), wanted.get("narrow")
    if what == "channels":
        return channels(images[_integer("index", wanted.get("index"), len(images))].cpu().numpy())
    if what != "samples" or not isinstance(narrow, bool):
        raise UserError("a request for a picture must say which one, and how wide it may be")
    wrong, dark = wanted.get("wrong") is True, wanted.get("dark") is True
    return samples(images.cpu().numpy(), result, checkpoint.labels, narrow, rng, wrong, dark)


def _asked_of(
    context: Context, visitor: Visitor, wanted: object
) -> tuple[dict[str, Any], Evaluation]:
    """A request of the page's, and the evaluation of the net that it names."""
    if not isinstance(wanted, dict) or not isinstance(wanted.get("choice"), str):
        raise UserError("a request for a page must name a net")
    result = context.known_evaluation(visitor, wanted["choice"])
    if result is None:
        raise comparing.Unread("this net is not evaluated yet; open the gallery again")
    return wanted, result


def _select(
    context: Context, visitor: Visitor, wanted: dict[str, Any], result: Evaluation
) -> tuple[Comparison | None, np.ndarray]:
    """The images that a request asks for, and the comparison where it asks for one."""
    group, other = wanted.get("group"), wanted.get("other")
    if group is not None:
        if not isinstance(group, str) or not isinstance(other, str):
            raise UserError("a request to compare must name a second net and a group")
        both = comparing.known(context, visitor, wanted["choice"], other, result)
        return both, both.select(group)
    right = wanted.get("right")
    if not isinstance(right, bool):
        raise UserError("a request for a page must say which digits")
    classes = result.probabilities.shape[1]
    truth = _integer_or_none("truth", wanted.get("truth"), classes)
    predicted = _integer_or_none("predicted", wanted.get("predicted"), classes)
    return None, browse.Filter(truth, predicted, right).select(result)


def picture_of(context: Context, visitor: Visitor, choice: object, index: object) -> np.ndarray:
    """The ink of a digit in the gallery, uint8 (28, 28). Raises UserError for no such digit."""
    checkpoint = context.checkpoint(visitor, choice)
    context.check_reads_digits(checkpoint)
    split, _ = context.digits_for(checkpoint)
    number = _integer("index", index, len(split))
    return split.images[number, 0].cpu().numpy()


def _integer(name: str, value: object, limit: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise UserError(f"{name} must be a whole number, not {str(value)[:40]!r}")
    if not 0 <= value < limit:
        raise UserError(f"{name} {str(value)[:20]} is out of range; choose from 0 to {limit - 1}")
    return value


def _integer_or_none(name: str, value: object, limit: int) -> int | None:
    return None if value is None else _integer(name, value, limit)
