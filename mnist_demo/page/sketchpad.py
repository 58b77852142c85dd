"""The Draw tab: strokes go to the server while the pen is down, probabilities come back."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from torch import nn

from mnist_demo.checkpoint import Checkpoint
from mnist_demo.classify import Answer
from mnist_demo.errors import UserError
from mnist_demo.page.context import RELEASED, Context, not_for_digits
from mnist_demo.page.guard import answered, in_words, session_of
from mnist_demo.page.insight import describe as describe_inside
from mnist_demo.page.insight import in_base64
from mnist_demo.page.language import words_for
from mnist_demo.page.pace import DRAWING, INSIDE, PICTURE, TooOften, told_later
from mnist_demo.page.pictures import from_base64
from mnist_demo.page.visitors import Visitor
from mnist_demo.page.words import Words, script
from mnist_demo.preprocess import (
    SIDE,
    NoInkError,
    Steps,
    as_it_is,
    crop_to,
    find_box,
    fit,
    preprocess_ink,
)
from mnist_demo.strokes import PAD

HERE = Path(__file__).parent
ID = "sketchpad"
Answering = Callable[[Any, Any], Awaitable[dict[str, Any]]]  # of a session and what it sent
# One script in twelve files, in this order: each uses what stands before it.
PARTS = (
    "",
    "_reading",
    "_looking",
    "_inside",
    "_minds",
    "_ask",
    "_pictures",
    "_pointers",
    "_keys",
    "_mine",
    "_naming",
    "_start",
)
SCRIPTS = [f"sketchpad{part}.js" for part in PARTS]
PICTURE_PART = 0.64  # of the pad's side that an opened picture's ink takes up


def build(context: Context) -> gr.HTML:
    """The pad with its bars and the strip of what the net sees, all one component."""

    async def classify(drawing: Any, request: gr.Request) -> dict[str, Any]:
        return in_words(
            await answer(context, await session_of(request), drawing), words_for(request)
        )

    async def inside(drawing: Any, request: gr.Request) -> dict[str, Any]:
        words = words_for(request)
        return in_words(await look(context, await session_of(request), drawing, words), words)

    async def minds(drawing: Any, request: gr.Request) -> dict[str, Any]:
        words = words_for(request)
        return in_words(await ask_all(context, await session_of(request), drawing, words), words)

    async def read_picture(picture: Any, request: gr.Request) -> dict[str, Any]:
        return await answered(context.visitors, request, lambda _: read(context, picture), PICTURE)

    return gr.HTML(
        value={"net": RELEASED, "picture": "", "serial": 0},
        html_template=(HERE / "sketchpad.html").read_text("utf-8"),
        js_on_load=script("own_digits.js", *SCRIPTS),
        server_functions=[classify, inside, minds, read_picture],
        apply_default_css=False,
        elem_id=ID,
    )


def answers(context: Context, page: gr.Blocks) -> dict[tuple[int, str], Answering]:
    """What answers drawings, by the pad's number on the page and its server function's name."""
    pads = [number for number, part in page.blocks.items() if part.elem_id == ID]
    return {(number, "classify"): functools.partial(answer, context) for number in pads}


async def answer(context: Context, session: Any, drawing: Any) -> dict[str, Any]:
    """What the page is told of a drawing, whatever it sent as one."""

    async def classify(checkpoint: Checkpoint, steps: Steps) -> dict[str, Any]:
        moving = drawing.get("moving") is True
        return describe(await context.batcher.classify(checkpoint.answering, steps, moving))

    return await _told(context, session, drawing, DRAWING, classify)


async def look(context: Context, session: Any, drawing: Any, words: Words) -> dict[str, Any]:
    """What goes on inside the net; once the pen is at rest, also what the answer rests on."""

    async def look_inside(checkpoint: Checkpoint, steps: Steps) -> dict[str, Any]:
        at_rest = drawing.get("at_rest") is True
        return describe_inside(await context.insight.look(checkpoint.net, steps, at_rest), words)

    return await _told(context, session, drawing, INSIDE, look_inside)


async def ask_all(context: Context, session: Any, drawing: Any, words: Words) -> dict[str, Any]:
    """What each of the visitor's nets that read digits says of a drawing, in the page's order."""

    async def ask(checkpoint: Checkpoint, steps: Steps) -> dict[str, Any]:
        visitor = context.visitors.get(session)
        find = functools.partial(nets_for_digits, context, visitor)  # may have to read nets
        return {
            "minds": [
                {
                    "title": words(title),
                    "answers": choice == drawing["net"],
                    "probabilities": [round(float(p), 4) for p in probabilities],
                }
                for (title, choice), probabilities in await context.insight.opinions(find, steps)
            ]
        }

    return await _told(context, session, drawing, INSIDE, ask)


def nets_for_digits(
    context: Context, visitor: Visitor
) -> Iterator[tuple[tuple[str, str], nn.Module]]:
    """A visitor's nets that can read drawings, each with its title and choice."""
    for title, choice in context.choices(visitor):
        with contextlib.suppress(UserError):  # one that cannot be read is told to who chooses it
            checkpoint = context.checkpoint(visitor, choice)
            context.check_reads_digits(checkpoint)
            yield (title, choice), checkpoint.answering


async def _told(
    context: Context,
    session: Any,
    drawing: Any,
    cost: float,
    work: Callable[[Checkpoint, Steps], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """What `work` makes of a drawing and the net that it names, or why it can make nothing."""
    try:
        visitor = context.visitors.get(session)
        with visitor.pace.turn(cost):
            ink, choice = read_drawing(drawing)
            checkpoint = await context.ready(visitor, choice)
            context.check_reads_digits(checkpoint)
            return await work(checkpoint, steps_of(ink, drawing.get("own")))
    except NoInkError:
        return {"blank": True}
    except TooOften as error:
        return await told_later(error)
    except UserError as error:
        return {"error": str(error)}


async def read(context: Context, picture: Any) -> dict[str, Any]:
    """The ink of a picture from a file, in the middle of the pad. Raises UserError."""
    try:
        return {"ink": to_base64(await context.pictures.read(picture, on_pad))}
    except NoInkError:
        return {"error": "no digit stands out in this picture; try one with more contrast"}


def choose_net(context: Context, visitor: Visitor, choice: str) -> dict[str, Any]:
    """The pad's value that makes `choice` answer, or say why it cannot; the drawing stays."""
    learned = False
    try:
        checkpoint = context.checkpoint(visitor, choice)
        unfit, learned = not_for_digits(checkpoint), bool(checkpoint.learned_beside)
    except UserError as error:
        unfit = str(error)
    told = {"unfit": unfit, "learned": learned}
    return {"net": choice, "picture": "", **told, "serial": time.time_ns()}


def show_picture(choice: str, picture: np.ndarray) -> dict[str, Any]:
    """The pad's value that puts a 28x28 digit (uint8, white ink) on the pad."""
    digit = picture.astype(np.float32) / 255
    shown = {"picture": to_base64(on_pad(digit)), "own": to_base64(digit)}
    return {"net": choice, **shown, "serial": time.time_ns()}


def read_drawing(drawing: Any) -> tuple[np.ndarray, str]:
    """The ink (PAD, PAD) and the choice of net in a message from the page.

    The message holds the bytes of the ink's box alone, with its place: {"net", "x", "y",
    "w", "h", "ink"}. Raises UserError for anything else.
    """
    wrong = UserError("the page sent a drawing this server cannot read; reload it")
    if not isinstance(drawing, dict):
        raise wrong
    x, y, w, h = box = [drawing.get(key) for key in ("x", "y", "w", "h")]
    choice = drawing.get("net")
    if not isinstance(choice, str) or any(type(number) is not int for number in box):
        raise wrong
    if not (0 <= x < x + w <= PAD and 0 <= y < y + h <= PAD):  # type: ignore[operator]
        raise wrong
    content = from_base64(drawing.get("ink"), PAD * PAD)
    if len(content) != w * h:  # type: ignore[operator]
        raise wrong
    ink = np.zeros((PAD, PAD), dtype=np.float32)
    part = np.frombuffer(content, dtype=np.uint8).reshape(h, w)  # type: ignore[arg-type]
    ink[y : y + h, x : x + w] = part / np.float32(255)  # type: ignore[operator]
    return ink, choice


def steps_of(ink: np.ndarray, own: Any) -> Steps:
    """What nets see of the ink, or of the 28x28 picture that it shows, where its bytes came too.

    Raises UserError, NoInkError where there is nothing to see.
    """
    if own is None:
        return preprocess_ink(ink)
    pixels = from_base64(own, SIDE * SIDE)
    if len(pixels) != SIDE * SIDE:
        raise UserError(f"a digit has {SIDE * SIDE} pixels, not {len(pixels)}; reload the page")
    picture = np.frombuffer(pixels, dtype=np.uint8).reshape(SIDE, SIDE) / np.float32(255)
    return as_it_is(ink, picture)


def describe(answer: Answer) -> dict[str, Any]:
    """An answer as the page shows it: probabilities, the crop's box, and the last two steps.

    Of several digits each class has the probability of the part that is likeliest it.
    """
    top, left = answer.steps.box[:2]  # parts are of the crop
    shown = np.max([part.probabilities for part in answer.parts or (answer,)], axis=0)
    return {
        "probabilities": [round(float(p), 4) for p in shown],
        "parts": [
            {"digit": part.digit, "confidence": round(part.confidence, 4)}
            | _shown(part.steps, top, left)
            for part in answer.parts
        ],
        "strange": answer.is_strange,
        "digit": answer.digit,
        "unsure": answer.is_unsure,
    } | _shown(answer.steps)


def _shown(steps: Steps, down: int = 0, right: int = 0) -> dict[str, Any]:
    """What the strip shows of one digit. `down`, `right`: where its ink lies on the pad."""
    height, width = steps.fitted.shape
    return {
        "box": [side + moved for side, moved in zip(steps.box, (down, right) * 2, strict=True)],
        "fitted": {"height": height, "width": width, "pixels": to_base64(steps.fitted)},
        "centred": to_base64(steps.centred),
    }


def on_pad(ink: np.ndarray) -> np.ndarray:
    """The ink of a picture in the middle of an empty pad. Raises NoInkError."""
    top, left, bottom, right = find_box(ink)
    # With a pixel around it, the faintest ink, or nothing, that its edges can fade into.
    crop = crop_to(np.pad(ink, 1), (top, left, bottom + 2, right + 2))
    digit = fit(crop, round(PICTURE_PART * PAD))
    height, width = digit.shape
    pad = np.zeros((PAD, PAD), dtype=np.float32)
    top, left = (PAD - height) // 2, (PAD - width) // 2
    pad[top : top + height, left : left + width] = digit
    return pad


def to_base64(picture: np.ndarray) -> str:
    """A float picture in [0, 1] as bytes of grey, row after row."""
    return in_base64(np.round(picture * 255))
