"""The Train tab: a form of settings, and a board that follows the run while it learns."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.config import TrainConfig
from mnist_demo.datasets import load_named
from mnist_demo.device import describe_device, pick_device
from mnist_demo.errors import UserError, unknown_choice
from mnist_demo.match import check_match
from mnist_demo.page import fields, form, together
from mnist_demo.page.background import on_own_thread
from mnist_demo.page.board import board as show
from mnist_demo.page.context import Context
from mnist_demo.page.guard import as_page_error, session_of
from mnist_demo.page.plots import make_download
from mnist_demo.page.runs import Run
from mnist_demo.page.trainer import follow
from mnist_demo.page.visitors import Visitor
from mnist_demo.page.wiring import wire
from mnist_demo.train import Dials

HERE = Path(__file__).parent


@dataclass(frozen=True)
class TrainingTab:
    """What the rest of the page may listen to; both take (handler, inputs, outputs, **options)."""

    use: Callable[..., Any]  # a visitor wants a run's net: event data {run, tab}
    finished: Callable[..., Any]  # a run is over, however it ended


def build(context: Context) -> TrainingTab:
    with gr.Row(elem_id="training"):
        with gr.Column(elem_id="training-form", min_width=280):
            form_fields = fields.build(context)
        with gr.Column(elem_id="training-main", min_width=300):
            board = _board(context)
    wire(context, form_fields)
    starting = threading.Lock()  # two clicks of one visitor must not both begin

    @as_page_error
    def start(values: dict[Any, Any], request: gr.Request) -> Iterator[Any]:
        visitor = context.visitor(request)
        settings = form_fields.read(values)
        device = pick_device(settings.pop("device"))
        config = form.make_config(settings)
        data = load_named(config.dataset, context.data_folder, config.holdout)  # never a path
        check_match(config.net, data)
        with context.turns.join() as place:
            with starting:
                run = begin(visitor, config, data.title, describe_device(device))
            steps = on_own_thread(
                follow(run, place, data, device, context.digits_for),
                leave_a_core=lambda: context.batcher.is_in_use,
            )
            with contextlib.closing(steps):
                for _ in steps:
                    yield show(visitor)

    @as_page_error
    def refresh(request: gr.Request) -> Any:
        choices = form.data_choices(context.data_folder)
        offered = fields.data_field(choices), fields.recipe_field(choices)
        return show(context.visitor(request)), *offered, fields.fetch_button(choices)

    @as_page_error
    def use_together(event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        visitor = context.visitor(request)
        with starting:
            run = together.begin_together(visitor, event.runs, event.how)
        for _ in together.judge(context, visitor, run):
            yield show(visitor)

    trained = board.train(
        start,
        set(form_fields.inputs),
        board,
        # One more than the line is long, so that who comes last is told and does not hang.
        concurrency_limit=context.turns.limit + 1,
        concurrency_id="train",
        show_progress="hidden",
        api_visibility="private",
    )
    board.together(
        use_together,
        None,
        board,
        concurrency_limit=2,
        show_progress="hidden",
        api_visibility="private",
    )
    opened = [board, form_fields.settings["dataset"], form_fields.recipe, form_fields.fetch]
    board.opened(refresh, None, opened, **fields.QUIET)
    return TrainingTab(use=board.use, finished=trained.then)


def begin(visitor: Visitor, config: TrainConfig, data_title: str, device: str) -> Run:
    """A new run of this visitor's. Raises UserError while another one is on."""
    if visitor.active_run:
        raise UserError("a run of yours is on; wait for its end or press Stop first")
    visitor.started += 1
    number = visitor.started
    run = Run(f"run-{number}", number, config, data_title, device, Dials(config.learning_rate))
    visitor.add(run)
    return run


def turn_switch(run: Run | None, message: Any) -> None:
    """Pause, resume, stop, or another learning rate. Raises UserError."""
    action = message.get("action") if isinstance(message, dict) else None
    if run is None:
        raise UserError("no run of yours is on; press Train to start one")
    if action == "pause":
        run.pause.set()
    elif action == "resume":
        run.pause.clear()
    elif action == "stop":
        run.stop.set()
    elif action == "rate":
        run.dials.learning_rate = form.check_rate(message.get("value"))
        run.dialled = True
    else:
        raise unknown_choice("switch", action, ("pause", "resume", "stop", "rate"))


def _board(context: Context) -> gr.HTML:
    """Buttons, progress, charts and the list of runs, all one component."""

    async def switch(message: Any, request: gr.Request) -> dict[str, Any]:
        try:
            visitor = context.visitors.get(await session_of(request))
            turn_switch(visitor.active_run, message)
        except UserError as error:
            return {"error": str(error)}
        return {}

    async def download(message: Any, request: gr.Request) -> dict[str, Any]:
        try:
            visitor = context.visitors.get(await session_of(request))
            wanted = message.get("run") if isinstance(message, dict) else None
            run = visitor.runs.get(wanted) if isinstance(wanted, str) else None
            if run is None:
                raise UserError("that run is gone; only the newest ones are kept")
            file = await asyncio.to_thread(make_download, run, message.get("kind"))
        except UserError as error:
            return {"error": str(error)}
        content = base64.b64encode(file.content).decode()
        return {"name": file.name, "type": file.type, "content": content}

    return gr.HTML(
        value={"now": None, "runs": {}},
        html_template=(HERE / "training.html").read_text(),
        js_on_load=(HERE / "training.js").read_text(),
        server_functions=[switch, download],
        apply_default_css=False,
        elem_id="training-board",
    )
