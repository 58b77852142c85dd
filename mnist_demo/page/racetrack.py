"""The race on the Train tab: ours against two published ways, on the machine it runs on."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.benchmark.race import RUNNERS
from mnist_demo.datasets import best_available
from mnist_demo.device import describe_device, pick_device
from mnist_demo.errors import UserError, unknown_choice
from mnist_demo.page import fields
from mnist_demo.page.context import Context
from mnist_demo.page.guard import address_of, answered, as_page_error, sent, told_beside_buttons
from mnist_demo.page.heat import follow
from mnist_demo.page.job import RaceJob
from mnist_demo.page.language import words_for
from mnist_demo.page.race_board import race_board
from mnist_demo.page.starting import begin_race
from mnist_demo.page.visitors import Visitor
from mnist_demo.page.waiting import in_training_line
from mnist_demo.page.words import script

HERE = Path(__file__).parent
FEWEST = 2  # runners of a race


def build(context: Context) -> Callable[[Callable[..., Any]], Any]:
    """Returns what has the board look anew when a listener hears something."""

    async def stop(message: Any, request: gr.Request) -> dict[str, Any]:
        async def end(visitor: Visitor) -> dict[str, Any]:
            if visitor.heat is None or not visitor.heat.is_active:
                raise UserError("no race of yours is on; press Start to begin one")
            visitor.heat.stop.set()
            return {}

        return await answered(context.visitors, request, end)

    view = gr.HTML(
        value=race_board(None, best_available(context.data_folder), ""),
        html_template=(HERE / "racetrack.html").read_text("utf-8"),
        js_on_load=script("racetrack.js"),
        server_functions=[stop],
        apply_default_css=False,
        elem_id="race",
    )

    def show(visitor: Visitor, request: gr.Request) -> dict[str, Any]:
        dataset = best_available(context.data_folder)
        return race_board(visitor.heat, dataset, machine(), words_for(request))

    @as_page_error
    @told_beside_buttons(lambda request: show(context.visitor(request), request))
    def start(event: gr.EventData, request: gr.Request) -> Iterator[Any]:
        visitor = context.visitor(request)
        runners = check_runners(sent(event, "runners"))
        dataset = best_available(context.data_folder)
        device = str(pick_device())
        job = RaceJob(list(runners), dataset, str(context.data_folder.absolute()), device)
        with context.turns.join(address_of(request)) as place:
            heat = begin_race(visitor, runners, dataset)
            steps = follow(heat, place, context.crew, job, lambda: context.batcher.is_in_use)
            with contextlib.closing(steps):
                for _ in steps:
                    yield show(visitor, request)

    @as_page_error
    def opened(request: gr.Request) -> Any:
        return show(context.visitor(request), request)

    view.race(start, None, view, **in_training_line(context.turns))

    def look_when(listener: Callable[..., Any]) -> None:
        listener(opened, None, view, **fields.QUIET)

    look_when(view.opened)
    return look_when


def check_runners(wanted: object) -> tuple[str, ...]:
    """The runners that a message from the page names, in the registry's order. Raises UserError."""
    names = wanted if isinstance(wanted, list) and len(wanted) <= len(RUNNERS) else []
    for name in names:
        if not isinstance(name, str) or name not in RUNNERS:
            raise unknown_choice("runner", name, RUNNERS)
    if len(set(names)) < FEWEST:
        raise UserError(f"choose at least {FEWEST} runners for a race")
    return tuple(name for name in RUNNERS if name in names)


@functools.cache
def machine() -> str:
    """What it runs on, with the versions that matter."""
    return f"{machine_line(describe_machine('torch'))}; {describe_device(pick_device())}"
