"""`benchmark load`: many visitors at once, and a thousand one after another.

Only against this machine. Visitors ask through the page's own routes: server functions for
drawings, Gradio's queue for trainings and the gallery. The embedded sample is all that is read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnist_demo.benchmark import describe_machine
from mnist_demo.benchmark.arriving import files_of, keep_arriving
from mnist_demo.benchmark.asking import Failed, Layout, Line, Page, loopback
from mnist_demo.benchmark.crowd import (
    Pause,
    Tally,
    Training,
    browse,
    draw,
    flood,
    look,
    name_of,
    train,
)
from mnist_demo.benchmark.load_report import format_report
from mnist_demo.benchmark.pens import Drawing
from mnist_demo.benchmark.pens import draw as draw_digit
from mnist_demo.benchmark.proxy import proxied
from mnist_demo.benchmark.server import app_process
from mnist_demo.benchmark.watching import holdings, seconds_of
from mnist_demo.errors import UserError

__all__ = ["add_arguments", "format_report", "run"]

DRAWINGS = 24  # different ones, which the visitors share
WARM_UP = 20  # visitors before the first figure is taken
SETTLE = 3.0  # seconds for the server to notice who has left
BOUNDS = {
    "drawing": (0, 500),
    "training": (0, 50),
    "browsing": (0, 100),
    "arriving": (0, 50),
    "seconds": (1, 600),
    "visitors": (0, 10_000),
    "epochs": (1, 10),
    "processes": (1, 4),
}
LONGEST = 900.0  # seconds that the trainings are waited for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name, default, text in (
        ("drawing", 50, "visitors who draw, 15 updates a second, half of the time"),
        ("training", 10, "visitors who train, all asking at once"),
        ("browsing", 5, "visitors who look at the gallery"),
        ("arriving", 5, "visitors a second who open the page and go, while others draw"),
        ("seconds", 60, "that each part with drawing visitors takes"),
        ("visitors", 1000, "who come and go one after another"),
        ("epochs", 2, "of each training"),
        ("processes", 1, "of the app; more than one stand behind nginx"),
    ):
        parser.add_argument(
            f"--{name}", type=int, default=default, help=f"{text} (default: {default})"
        )
    parser.add_argument("--url", help="of an app that runs on this machine; else one is started")
    parser.add_argument("--seed", type=int, default=0, help="of the drawings (default: 0)")


@dataclass(frozen=True)
class Target:
    """The app under load."""

    address: str
    layout: Layout
    pids: tuple[int, ...]  # of its processes; none where somebody else started it
    folders: tuple[Path, ...]  # that it may write to
    health: tuple[str, ...]  # addresses that each process tells how it is at

    def page(self) -> Page:
        return Page(self.address, self.layout)

    def holdings(self) -> list[Any]:
        return [held for pid in self.pids if (held := holdings(pid, *self.folders))]

    async def counted(self) -> dict[str, int]:
        """Drawings answered and passes of the net so far, of all processes."""
        totals = {"drawings_answered": 0, "passes": 0}
        for address in self.health:
            health = json.loads(await _line(address).ask("/health"))
            totals = {name: count + health.get(name, 0) for name, count in totals.items()}
        return totals


def run(args: argparse.Namespace) -> dict[str, Any]:
    for name, (low, high) in BOUNDS.items():
        if not low <= getattr(args, name) <= high:
            raise UserError(f"--{name} is {getattr(args, name)}; choose from {low} to {high}")
    rng = np.random.default_rng(args.seed)
    drawings = [draw_digit(rng) for _ in range(min(DRAWINGS, max(4, args.drawing)))]
    with _target(args) as (address, pids, folders, health):
        started = os.getloadavg()
        parts = asyncio.run(_all(args, address, pids, folders, health, drawings, rng))
        load = [round(value, 1) for value in (*started, *os.getloadavg())]
    return {
        "machine": describe_machine("torch", "gradio", "uvicorn", "httptools", "uvloop"),
        "machine_load": load,  # of 1, 5 and 15 minutes, at the start and at the end
        "asked": {name: getattr(args, name) for name in BOUNDS},
        **parts,
    }


@contextmanager
def _target(
    args: argparse.Namespace,
) -> Iterator[tuple[str, tuple[int, ...], tuple[Path, ...], tuple[str, ...]]]:
    if args.url:
        if args.processes > 1:
            raise UserError("--processes starts the app itself; leave --url out")
        address = loopback(args.url)
        yield address, (), (), (address,)
        return
    with tempfile.TemporaryDirectory(prefix="mnist-load-") as name:
        folder = Path(name)
        folders = tuple(folder / part for part in ("tmp", "runs"))
        for path in (*folders, folder / "no-data"):
            path.mkdir()
        variables = {
            "TMPDIR": str(folders[0]),
            "GRADIO_TEMP_DIR": str(folders[0] / "gradio"),
            "MNIST_DEMO_RUNS": str(folders[1]),
            "MNIST_DEMO_DATA": str(folder / "no-data"),
        }
        if args.processes > 1:
            with proxied(args.processes, folder, variables) as (address, servers):
                pids = tuple(process.pid for _, process in servers)
                yield address, pids, folders, tuple(own for own, _ in servers)
            return
        with app_process(variables=variables) as (address, process):
            yield address, (process.pid,), folders, (address,)


async def _all(
    args: argparse.Namespace,
    address: str,
    pids: tuple[int, ...],
    folders: tuple[Path, ...],
    health: tuple[str, ...],
    drawings: list[Drawing],
    rng: np.random.Generator,
) -> dict[str, Any]:
    layout = Layout.of(json.loads(await _line(address).ask("/config")))
    target = Target(address, layout, pids, folders, health)
    rows: dict[str, Any] = {}
    await _warm_up(target, args, drawings, rng)
    rows["holdings_at_first"] = target.holdings()
    rows["drawing"] = await _drawing(target, args, drawings, rng)
    if args.training:
        rows["trainings"] = await _trainings(target, args, drawings, rng)
    if args.drawing:
        rows["flood"] = await _drawing(target, args, drawings, rng, flooded=True)
    if args.arriving:
        rows["arrivals"] = await _arrivals(target, args, drawings, rng)
    if args.visitors:
        rows["sequence"] = await _sequence(target, args, drawings, rng)
    return rows


async def _warm_up(
    target: Target, args: argparse.Namespace, drawings: list[Drawing], rng: np.random.Generator
) -> None:
    """All that is loaded late is loaded: a training's process, the sample, the evaluation."""
    for _ in range(min(WARM_UP, args.visitors or WARM_UP)):
        await _visit(target, drawings, rng, Tally())
    async with target.page() as page:
        await look(page, 0, Tally())
        if args.training:
            await train(page, Training(0), 0.0, 1)
    await asyncio.sleep(SETTLE)


async def _drawing(
    target: Target,
    args: argparse.Namespace,
    drawings: list[Drawing],
    rng: np.random.Generator,
    flooded: bool = False,
) -> dict[str, Any]:
    """Visitors who draw and browse; with `flooded` one more who asks without end."""
    stay = Pause(time.perf_counter() + args.seconds)
    flooding = Tally()

    async def more(stack: AsyncExitStack) -> list[Coroutine[Any, Any, None]]:
        if not flooded:
            return []
        page = await stack.enter_async_context(target.page())
        return [flood(page, drawings, stay, flooding)]

    result = await _crowd(target, args, drawings, rng, stay, more)
    return result | ({"flooder": flooding.report(args.seconds)} if flooded else {})


async def _arrivals(
    target: Target, args: argparse.Namespace, drawings: list[Drawing], rng: np.random.Generator
) -> dict[str, Any]:
    """The same crowd while others open the page, each for the first time."""
    line = _line(target.address)
    paths = await files_of(line)
    stay = Pause(time.perf_counter() + args.seconds)
    opening = Tally()

    async def more(stack: AsyncExitStack) -> list[Coroutine[Any, Any, None]]:
        return [keep_arriving(line, paths, args.arriving, stay, opening)]

    result = await _crowd(target, args, drawings, rng, stay, more)
    line.close()
    return result | {"files": len(paths), "opening": opening.report(args.seconds)}


async def _trainings(
    target: Target, args: argparse.Namespace, drawings: list[Drawing], rng: np.random.Generator
) -> dict[str, Any]:
    """The same crowd while trainings wait, learn and end; it stays until the last has."""
    runs = [Training(number) for number in range(args.training)]
    stay = Pause(time.perf_counter() + LONGEST)
    zero = time.perf_counter()

    async def one(page: Page, run: Training) -> None:
        before = runs[run.number - 1] if run.number else None
        while before and not (before.status or before.refused):  # so that their order is known
            await asyncio.sleep(0.05)
        await train(page, run, zero, args.epochs)
        if all(other.ended is not None for other in runs):
            stay.until = time.perf_counter()

    async def more(stack: AsyncExitStack) -> list[Coroutine[Any, Any, None]]:
        pages = [await stack.enter_async_context(target.page()) for _ in runs]
        return [one(page, run) for page, run in zip(pages, runs, strict=True)]

    result = await _crowd(target, args, drawings, rng, stay, more)
    began = [run.began for run in runs if run.began is not None]
    ended = [run.ended for run in runs if run.status == "done" and run.ended is not None]
    return result | {
        "runs": [asdict(run) for run in runs],
        "done": len(ended),
        "in_order": began == sorted(began) and ended == sorted(ended),
    }


async def _crowd(
    target: Target,
    args: argparse.Namespace,
    drawings: list[Drawing],
    rng: np.random.Generator,
    stay: Pause,
    more: Callable[[AsyncExitStack], Coroutine[Any, Any, list[Coroutine[Any, Any, None]]]],
) -> dict[str, Any]:
    tally, looking = Tally(), Tally()
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(target.page())
            for _ in range(args.drawing + args.browsing)
        ]
        others = await more(stack)
        before, spent = await target.counted(), [seconds_of(pid) for pid in target.pids]
        own, started = time.process_time(), time.perf_counter()
        await asyncio.gather(
            *(draw(page, drawings, rng, stay, tally) for page in pages[: args.drawing]),
            *(browse(page, rng, stay, looking) for page in pages[args.drawing :]),
            *others,
        )
        seconds = time.perf_counter() - started
        after = await target.counted()
    answered, passes = (after[name] - before[name] for name in ("drawings_answered", "passes"))
    cores = [(seconds_of(p) - s) / seconds for p, s in zip(target.pids, spent, strict=True)]
    return {
        **tally.report(seconds),
        "mean_batch": round(answered / passes, 2) if passes else None,
        "server_cores": [round(part, 2) for part in cores],
        "our_cores": round((time.process_time() - own) / seconds, 2),
        "gallery": looking.report(seconds),
        "holdings": target.holdings(),
    }


async def _sequence(
    target: Target, args: argparse.Namespace, drawings: list[Drawing], rng: np.random.Generator
) -> dict[str, Any]:
    """Visitors one after another: each opens the page, draws, looks at times, and leaves."""
    await asyncio.sleep(SETTLE)
    tally, before, started = Tally(), target.holdings(), time.perf_counter()
    for number in range(args.visitors):
        await _visit(target, drawings, rng, tally, looks=number % 20 == 0)
    seconds = time.perf_counter() - started
    await asyncio.sleep(SETTLE)
    return {
        "visitors": args.visitors,
        **tally.report(seconds),
        "before": before,
        "after": target.holdings(),
    }


async def _visit(
    target: Target,
    drawings: list[Drawing],
    rng: np.random.Generator,
    tally: Tally,
    looks: bool = False,
) -> None:
    """A short visit: five states of a drawing, one after another."""
    try:
        async with target.page() as page:
            drawing = drawings[int(rng.integers(len(drawings)))]
            for update in drawing.updates[-5:]:
                started = time.perf_counter()
                answer = await page.serve("sketchpad", "classify", update)
                if "error" in answer:
                    tally.refused[answer["error"]] += 1
                else:
                    tally.answers += 1
                    tally.waits.append(time.perf_counter() - started)
            if looks:
                await look(page, int(rng.integers(3)), Tally())
    except (Failed, OSError, TimeoutError) as error:
        tally.errors[name_of(error)] += 1


def _line(address: str) -> Line:
    host, _, port = address.removeprefix("http://").strip("/").rpartition(":")
    return Line(host, int(port))
