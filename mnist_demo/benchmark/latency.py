"""`benchmark latency`: from a pen's move to the bars that answer it, in a real browser.

Starts the app, draws with a mouse at a hand's pace in headless Chromium, and takes for
every move the time until the frame after the bars had changed; at rest, and again while a
training runs on the same server. Needs playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.benchmark.browser import open_browser
from mnist_demo.benchmark.server import running_app
from mnist_demo.errors import UserError

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

MOVE_EVERY = 1 / 60  # seconds between two moves of the pen
MOVES = 40  # a stroke
PATIENCE = 120_000  # ms until batches must have been learned
LEARNING = """(document.querySelector('#training-board path.batches')?.getAttribute('d') ?? '')
  .length > 20"""
COLLECT = """() => {
  window.waits = [];
  document.addEventListener('answered', (event) => {
    const shown = performance.now();
    requestAnimationFrame(() => {
      const painted = performance.now() - shown;
      window.waits.push(...event.detail.map((wait) => wait + painted));
    });
  });
}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--strokes", type=int, default=15, help="strokes a phase (default: 15)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    if not 1 <= args.strokes <= 1000:
        raise UserError(f"--strokes is {args.strokes}; choose from 1 to 1000")
    phases = {}
    with running_app() as address, open_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.wait_for_selector("#sketchpad .bar")
        page.evaluate(COLLECT)
        _draw(page, 2)  # the first answers pay for what is loaded late
        phases["at rest"] = measure(page, args.strokes)
        _train(page)
        phases["while training"] = measure(page, args.strokes)
        still_on = _stop_button(page).is_enabled()
    return {
        "machine": describe_machine("torch", "gradio", "playwright"),
        "training_still_on": still_on,
        "phases": phases,
    }


def measure(page: Page, strokes: int) -> dict[str, Any]:
    """Draws and sums up: milliseconds, moves, and how many were answered before pen-up."""
    page.evaluate("window.waits = []")
    before_up = _draw(page, strokes)
    page.wait_for_timeout(1000)
    waits = np.array(page.evaluate("window.waits"))
    return {
        "strokes": strokes,
        "moves": strokes * (MOVES + 1),
        "answered": len(waits),
        "answered_before_pen_up": before_up,
        "p50_ms": round(float(np.percentile(waits, 50)), 1),
        "p95_ms": round(float(np.percentile(waits, 95)), 1),
        "max_ms": round(float(waits.max()), 1),
    }


def _draw(page: Page, strokes: int) -> int:
    """Draws circles of growing size, a new drawing each, at the pace of a hand."""
    box = page.locator("#sketchpad .pad canvas").bounding_box()
    if box is None:
        raise UserError("the page shows no pad")
    answered = 0
    for stroke in range(strokes):
        page.keyboard.press("Escape")
        page.wait_for_timeout(100)
        earlier = page.evaluate("window.waits.length")
        radius = box["width"] * (0.15 + 0.2 * stroke / max(1, strokes - 1))
        start = time.perf_counter()
        for move in range(MOVES + 1):
            angle = 2 * math.pi * move / MOVES
            page.mouse.move(
                box["x"] + box["width"] / 2 + radius * math.sin(angle),
                box["y"] + box["height"] / 2 - radius * math.cos(angle),
            )
            if move == 0:
                page.mouse.down()
            page.wait_for_timeout(
                max(0.0, 1000 * (start + move * MOVE_EVERY - time.perf_counter()))
            )
        answered += page.evaluate("window.waits.length") - earlier
        page.mouse.up()
        page.wait_for_timeout(100)
    return answered


def _train(page: Page) -> None:
    """Starts a training that outlasts the measurement, and goes back to the pad."""
    from playwright.sync_api import Error

    page.get_by_role("tab", name="Train").click()
    page.get_by_role("spinbutton", name="Epochs").fill("50")
    page.get_by_role("button", name="Train", exact=True).click()
    try:
        page.wait_for_function(LEARNING, timeout=PATIENCE)
    except Error as error:
        raise UserError(
            "no training started; press Train in the app and see what it says"
        ) from error
    page.get_by_role("tab", name="Draw").click()
    page.wait_for_timeout(2000)


def _stop_button(page: Page) -> Locator:
    board = page.locator("#training-board")
    return board.get_by_role("button", name="Stop", exact=True, include_hidden=True)


def format_report(result: dict[str, Any]) -> str:
    lines = [machine_line(result["machine"]), "", "pen move to bars painted:"]
    for name, phase in result["phases"].items():
        lines.append(
            f"  {name:15} p50 {phase['p50_ms']:6.1f} ms   p95 {phase['p95_ms']:6.1f} ms   "
            f"max {phase['max_ms']:6.1f} ms   {phase['answered']} of {phase['moves']} moves "
            f"answered, {phase['answered_before_pen_up']} before pen-up"
        )
    if not result["training_still_on"]:
        lines.append("  the training ended before the second phase did: take fewer strokes")
    return "\n".join(lines)
