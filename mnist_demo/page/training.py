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
from mnist_demo.device import available_devices, describe_device, pick_device
from mnist_demo.errors import UserError, unknown_choice
from mnist_demo.match import check_match
from mnist_demo.nets import NETS, find_net
from mnist_demo.optimise import OPTIMIZERS, SCHEDULES
from mnist_demo.page import form
from mnist_demo.page.background import on_own_thread
from mnist_demo.page.board import board as show
from mnist_demo.page.context import Context
from mnist_demo.page.fetching import Fetching
from mnist_demo.page.guard import as_page_error, session_of
from mnist_demo.page.plots import make_download
from mnist_demo.page.runs import Run
from mnist_demo.page.trainer import follow
from mnist_demo.page.visitors import Visitor
from mnist_demo.train import Dials

HERE = Path(__file__).parent
DEFAULTS = TrainConfig()
QUIET: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}


@dataclass(frozen=True)
class TrainingTab:
    """What the rest of the page may listen to; both take (handler, inputs, outputs, **options)."""

    use: Callable[..., Any]  # a visitor wants a run's net: event data {run, tab}
    finished: Callable[..., Any]  # a run is over, however it ended


def build(context: Context) -> TrainingTab:
    with gr.Row(elem_id="training"):
        with gr.Column(elem_id="training-form", min_width=280):
            fields, fetch, note = _form(context)
        with gr.Column(elem_id="training-main", min_width=300):
            board = _board(context)
    _wire_form(context, fields, fetch, note)
    starting = threading.Lock()  # two clicks of one visitor must not both begin

    @as_page_error
    def start(values: dict[Any, Any], request: gr.Request) -> Iterator[Any]:
        visitor = context.visitor(request)
        settings = {name: values[field] for name, field in fields.items()}
        device = pick_device(settings.pop("device"))
        config = form.make_config(settings)
        data = load_named(config.dataset, context.data_folder, config.holdout)  # never a path
        check_match(config.net, data)
        with context.turns.join() as place:
            with starting:
                run = begin(visitor, config, data.title, describe_device(device))
            steps = on_own_thread(follow(run, place, data, device, context.digits_for))
            with contextlib.closing(steps):
                for _ in steps:
                    yield show(visitor)

    @as_page_error
    def refresh(request: gr.Request) -> Any:
        choices = form.data_choices(context.data_folder)
        return show(context.visitor(request)), _data_field(choices), _fetch_button(choices)

    trained = board.train(
        start,
        set(fields.values()),
        board,
        # One more than the line is long, so that who comes last is told and does not hang.
        concurrency_limit=context.turns.limit + 1,
        concurrency_id="train",
        show_progress="hidden",
        api_visibility="private",
    )
    board.opened(refresh, None, [board, fields["dataset"], fetch], **QUIET)
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


def _form(context: Context) -> tuple[dict[str, Any], gr.Button, gr.Markdown]:
    """A field for each setting, by its name in TrainConfig (and "device")."""
    fields: dict[str, Any] = {}
    choices = form.data_choices(context.data_folder)
    fields["dataset"] = _data_field(choices)
    note = gr.Markdown(form.data_note(choices[0][1]), elem_id="training-data-note")
    fetch = _fetch_button(choices)
    fields["net"] = gr.Dropdown(
        list(NETS), value=DEFAULTS.net, label="Net", info=find_net(DEFAULTS.net).summary
    )
    with gr.Row():
        fields["epochs"] = gr.Number(
            DEFAULTS.epochs,
            label="Epochs",
            info=f"passes over the digits, 1–{form.MAX_EPOCHS}",
            step=1,
            min_width=120,
        )
        fields["batch_size"] = gr.Dropdown(
            form.BATCH_SIZES,  # type: ignore[arg-type]
            value=DEFAULTS.batch_size,
            label="Batch size",
            info="digits a step learns from",
            min_width=120,
        )
    with gr.Row():
        fields["learning_rate"] = _number("learning_rate", "Learning rate", "size of a step", 1e-4)
        fields["optimizer"] = gr.Dropdown(
            form.titled(OPTIMIZERS),
            value=DEFAULTS.optimizer,
            label="Optimizer",
            info="how a step is made",
            min_width=120,
        )
    with gr.Row():
        fields["schedule"] = gr.Dropdown(
            form.titled(SCHEDULES),
            value=DEFAULTS.schedule,
            label="Schedule",
            info="of the learning rate",
            min_width=120,
        )
        fields["augment"] = gr.Dropdown(
            form.AUGMENT_CHOICES,
            value=DEFAULTS.augment,
            label="Augmentation",
            info="random changes to digits",
            min_width=120,
        )
    fields["seed"] = _number("seed", "Seed", "the same seed repeats the same run", 1)
    with gr.Accordion("More settings", open=False):
        with gr.Row():
            fields["momentum"] = _number("momentum", "Momentum", "acts with SGD, RMSprop", 0.01)
            fields["weight_decay"] = _number(
                "weight_decay", "Weight decay", "acts with AdamW, SGD", 0.001
            )
        with gr.Row():
            fields["gamma"] = _number("gamma", "Gamma", "acts with Step alone", 0.05)
            fields["label_smoothing"] = _number(
                "label_smoothing", "Label smoothing", "doubts every label a bit", 0.01
            )
        fields["average"] = _number(
            "average", "Weight averaging", "0: off; 0.99 keeps a moving average of the net", 0.01
        )
        devices = [("Fastest", "auto")] + [
            (describe_device(pick_device(name)), name) for name in available_devices()
        ]
        fields["device"] = gr.Dropdown(
            devices, value="auto", label="Device", info="what does the arithmetic"
        )
    return fields, fetch, note


def _number(name: str, label: str, info: str, step: float) -> gr.Number:
    """Without Gradio's own bounds, whose message would not say which field is meant."""
    optimizer, schedule = DEFAULTS.optimizer, DEFAULTS.schedule
    return gr.Number(
        getattr(DEFAULTS, name),
        label=label,
        info=info,
        step=step,
        interactive=form.acts(name, optimizer, schedule),
        min_width=120,
    )


def _data_field(choices: form.Choices) -> gr.Dropdown:
    return gr.Dropdown(choices, value=choices[0][1], label="Data")


def _fetch_button(choices: form.Choices) -> gr.Button:
    return gr.Button(
        "Download full MNIST (11 MB)",
        size="sm",
        visible="mnist" not in [name for _, name in choices],
        elem_id="training-fetch",
    )


def _wire_form(
    context: Context, fields: dict[str, Any], fetch: gr.Button, note: gr.Markdown
) -> None:
    dependent = ("momentum", "weight_decay", "gamma")
    fetching = Fetching(context.data_folder)

    def enable(optimizer: str, schedule: str) -> list[Any]:
        return [gr.Number(interactive=form.acts(name, optimizer, schedule)) for name in dependent]

    def explain_net(name: str) -> Any:
        return gr.Dropdown(info=find_net(name).summary)

    @as_page_error
    def download() -> Iterator[Any]:
        for text in fetching.watch():
            yield gr.Button(text, interactive=False), gr.skip(), gr.skip()
        choices = form.data_choices(context.data_folder)
        name = choices[0][1]
        yield _fetch_button(choices), _data_field(choices), form.data_note(name)

    decisive = [fields["optimizer"], fields["schedule"]]
    gr.on(
        [field.change for field in decisive],
        enable,
        decisive,
        [fields[name] for name in dependent],
        **QUIET,
    )
    fields["net"].change(explain_net, fields["net"], fields["net"], **QUIET)
    fields["dataset"].change(form.data_note, fields["dataset"], note, **QUIET)
    fetch.click(
        download,
        None,
        [fetch, fields["dataset"], note],
        concurrency_limit=8,
        show_progress="hidden",
        api_visibility="private",
    ).failure(lambda: gr.Button("Try the download again", interactive=True), None, fetch, **QUIET)
