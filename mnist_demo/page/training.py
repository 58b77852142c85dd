"""The Train tab: a form of settings, and a board that follows the run while it learns."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Split, load_named
from mnist_demo.device import describe_device, pick_device
from mnist_demo.match import check_match
from mnist_demo.material import with_holdout, with_own
from mnist_demo.page import fields, form, racetrack, together
from mnist_demo.page.board import board, board_in
from mnist_demo.page.context import Context
from mnist_demo.page.guard import address_of, answered, as_page_error, sent, told_beside_buttons
from mnist_demo.page.language import words_for
from mnist_demo.page.localised import offered_in, update_in
from mnist_demo.page.own_digits import SAVED_AS, read_own
from mnist_demo.page.pace import PICTURE
from mnist_demo.page.plots import make_download
from mnist_demo.page.runs import Run
from mnist_demo.page.shelf import MAX_AGE
from mnist_demo.page.starting import (
    begin,
    bring_back,
    check_free,
    steps_of,
    take_up,
    throw_away,
    turn_switch,
)
from mnist_demo.page.turns import Place
from mnist_demo.page.visitors import Visitor
from mnist_demo.page.waiting import in_training_line
from mnist_demo.page.wiring import wire
from mnist_demo.page.words import script

HERE = Path(__file__).parent
SCRIPTS = [f"training{part}.js" for part in ("", "_charts", "_kept", "_runs", "_start")]
DAYS = round(MAX_AGE / 86_400)
# Tells the board what the form says of the epochs, without a way over the server.
PLAN = "(epochs) => ({ __type__: 'update', props: { epochs } })"


@dataclass(frozen=True)
class TrainingTab:
    """What the rest of the page may listen to; both take (handler, inputs, outputs, **options)."""

    use: Callable[..., Any]  # a visitor wants a run's net: event data {run, tab}
    finished: Callable[..., Any]  # a run is over, however it ended


def build(context: Context, linked: Callable[..., Any]) -> TrainingTab:
    """`linked`: listens for a visitor whose address names settings."""
    with gr.Row(elem_id="training"):
        with gr.Column(elem_id="training-form", min_width=280):
            form_fields = fields.build(context)
        with gr.Column(elem_id="training-main", min_width=300):
            view = _board(context)
    look_when = racetrack.build(context)
    look_when(wire(context, form_fields, view.again, linked))
    keeps = DAYS if context.shelf.keeps else 0

    def show(visitor: Visitor, request: gr.Request) -> dict[str, Any]:
        return board_in(board(visitor, keeps), words_for(request))

    def follow(
        request: gr.Request, run: Run, place: Place, device: str, **how: Any
    ) -> Iterator[Any]:
        visitor = context.visitor(request)
        steps = steps_of(context, run, place, device, **how)
        with contextlib.closing(steps):
            for _ in steps:
                yield show(visitor, request)

    beside_buttons = told_beside_buttons(lambda request: show(context.visitor(request), request))

    @as_page_error
    @beside_buttons
    def start(values: dict[Any, Any], event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        visitor = context.visitor(request)
        settings = form_fields.read(values)
        form.check_numbers(settings)
        device = pick_device(settings.pop("device"))
        config = form.make_config(settings)
        form.check_data(config.dataset, context.data_folder)
        check_free(visitor)  # before there is much to do
        own = sent(event, "own") or ""
        config, title = checked(context, config, read_own(own))
        drawer = context.shelf.drawer(sent(event, "key"))
        with context.turns.join(address_of(request)) as place:
            run = begin(visitor, config, title, describe_device(device), drawer)
            yield from follow(request, run, place, str(device), own=own)

    @as_page_error
    @beside_buttons
    def go_on(event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        """An interrupted run, after its last whole epoch."""
        visitor = context.visitor(request)
        device = pick_device()
        own = sent(event, "own") or ""
        has_own = read_own(own) is not None
        with context.turns.join(address_of(request)) as place:
            run = take_up(visitor, sent(event, "run"), context.data_folder, has_own)
            run.device = describe_device(device)
            yield from follow(request, run, place, str(device), is_resumed=True, own=own)

    @as_page_error
    def refresh(data: str, recipe: str, event: gr.EventData, request: gr.Request) -> Any:
        visitor = context.visitor(request)
        bring_back(visitor, context.shelf.drawer(sent(event, "key")))
        threading.Thread(target=context.crew.warm, daemon=True).start()
        words = words_for(request)
        choices = form.data_choices(context.data_folder)
        if sent(event, "first") and data != choices[0][1]:
            data = ""  # the page is older than the data
        offered = (fields.data_field(choices), data), (fields.recipe_field(choices), recipe)
        return (
            show(visitor, request),
            *(offered_in(part, chosen, words) for part, chosen in offered),
            update_in(fields.fetch_button(choices), words),
        )

    @as_page_error
    @beside_buttons
    def discard(event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        visitor = context.visitor(request)
        throw_away(visitor, sent(event, "run"))
        yield show(visitor, request)

    @as_page_error
    @beside_buttons
    def use_together(event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        visitor = context.visitor(request)
        drawer = context.shelf.drawer(sent(event, "key"))
        run = together.begin_together(visitor, sent(event, "runs"), sent(event, "how"))
        for _ in together.judge(context, visitor, run, drawer):
            yield show(visitor, request)

    form_fields.settings["epochs"].change(
        None, form_fields.settings["epochs"], view, js=PLAN, **fields.QUIET
    )
    queued: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    in_line = in_training_line(context.turns)
    trained = view.train(start, set(form_fields.inputs), view, **in_line)
    resumed = view.resume(go_on, None, view, **in_line)
    view.together(use_together, None, view, concurrency_limit=2, **queued)
    view.discard(discard, None, view, **queued)
    chosen = [form_fields.settings["dataset"], form_fields.recipe]
    view.opened(refresh, chosen, [view, *chosen, form_fields.fetch], **fields.QUIET)

    def finished(*args: Any, **options: Any) -> None:
        trained.then(*args, **options)
        resumed.then(*args, **options)

    return TrainingTab(use=view.use, finished=finished)


def checked(context: Context, config: TrainConfig, own: Split | None) -> tuple[TrainConfig, str]:
    """The settings as they act, and the title of what is learned from. Raises UserError."""
    data = load_named(config.dataset, context.data_folder, config.holdout)  # never a path
    config = with_holdout(config, data)
    check_match(config.net, data)
    if own is not None:
        data = with_own(data, own, context.data_folder)
        config = replace(config, also=SAVED_AS)
    form.check_length(config, len(data.train))
    return config, data.title


def _board(context: Context) -> gr.HTML:
    """Buttons, progress, charts and the list of runs, all one component."""

    async def switch(message: Any, request: gr.Request) -> dict[str, Any]:
        async def turn(visitor: Visitor) -> dict[str, Any]:
            turn_switch(visitor.active_run, message)
            return {}

        return await answered(context.visitors, request, turn)

    async def download(message: Any, request: gr.Request) -> dict[str, Any]:
        async def make(visitor: Visitor) -> dict[str, Any]:
            wanted = message.get("run") if isinstance(message, dict) else None
            run = visitor.run_named(wanted)
            kind = message.get("kind")
            drawn = context.painter.paint if kind == "curves" else asyncio.to_thread
            file = await drawn(functools.partial(make_download, run, kind))
            content = base64.b64encode(file.content).decode()
            return {"name": file.name, "type": file.type, "content": content}

        return await answered(context.visitors, request, make, PICTURE)

    return gr.HTML(
        value={"now": None, "runs": {}},
        epochs=fields.DEFAULTS.epochs,
        html_template=(HERE / "training.html").read_text("utf-8"),
        js_on_load=script("own_digits.js", *SCRIPTS),
        server_functions=[switch, download],
        apply_default_css=False,
        elem_id="training-board",
    )
