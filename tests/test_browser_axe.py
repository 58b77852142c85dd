"""axe-core on every state of every tab, light and dark, on a desk and in a hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect
from test_browser_draw import SEVEN, STAR, draw, ready, say_it_is

from mnist_demo.benchmark.server import free_port
from mnist_demo.checkpoint import Checkpoint, released_sceptic
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset
from mnist_demo.nets import build_net
from mnist_demo.page.app import build
from mnist_demo.page.batcher import Batcher
from mnist_demo.page.context import Context
from mnist_demo.page.launch import launch_page
from mnist_demo.page.runs import Run
from mnist_demo.train import Dials

pytestmark = pytest.mark.browser

GRAVE = ("serious", "critical")
DIGITS = 60  # in the gallery: axe takes a second for fifty tiles
Look = tuple[str, Sequence[str]]  # a theme, and the rules that count there; none: all
# Night changes colours alone, and a phone the layout: so the four meet without four times the work.
SIZES: dict[str, tuple[dict[str, Any], Sequence[Look]]] = {
    "desktop": (
        {"viewport": {"width": 1280, "height": 800}},
        [("light", ()), ("dark", ("color-contrast",))],
    ),
    "phone": (
        {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
        [("dark", ())],
    ),
}
# And waits until it is painted, for a colour may be on its way for a frame.
PUT_ON = """(dark) => new Promise((painted) => {
  document.body.classList.toggle('dark', dark);
  requestAnimationFrame(() => requestAnimationFrame(painted));
})"""


@pytest.fixture(scope="module")
def context(
    plain: Checkpoint, sample: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Context:
    """A plain net that makes mistakes, and few digits to make them on."""
    folder = tmp_path_factory.mktemp("no-data")
    context = Context(plain, folder, batcher=Batcher(released_sceptic()))
    few = sample.validation.take(torch.arange(0, 1000, 1000 // DIGITS))
    context.digits_for = lambda checkpoint: (few, "few digits")  # type: ignore[method-assign]
    return context


@pytest.fixture(scope="module")
def address(context: Context) -> Iterator[str]:
    page = build(context)
    yield launch_page(page, host="127.0.0.1", port=free_port(), block=False)
    page.close(verbose=False)


class Checked:
    """A page that axe looks at in one state after another; what it finds adds up to the end."""

    def __init__(self, page: Page, looks: Sequence[Look]) -> None:
        self.page = page
        self.looks = looks
        self.found: list[str] = []

    def check(self, state: str) -> None:
        """The class on the body is all that Gradio changes between day and night."""
        for theme, rules in self.looks:
            self.page.evaluate(PUT_ON, theme == "dark")
            self.found += [f"{state}, {theme}: {line}" for line in self._grave(rules)]
        self.page.evaluate(PUT_ON, False)

    def _grave(self, rules: Sequence[str]) -> list[str]:
        if not self.page.evaluate("Boolean(window.axe)"):
            self.page.evaluate(AXE_SCRIPT)
        only: dict[str, Any] = {"runOnly": rules} if rules else {}
        results = self.page.evaluate(
            "(how) => axe.run(how)", only | {"resultTypes": ["violations"]}
        )
        return [
            f"{rule['id']} at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
            for rule in results["violations"]
            if rule["impact"] in GRAVE
            for node in rule["nodes"]
        ]


@pytest.fixture(params=SIZES)
def checked(chromium: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Checked]:
    """Fails at the end with all that was found."""
    size, looks = SIZES[request.param]
    window = chromium.new_context(reduced_motion="reduce", **size)
    page = window.new_page()
    page.goto(f"{address}?__theme=light")
    page.wait_for_selector("#sketchpad .bar")
    checked = Checked(page, looks)
    yield checked
    window.close()
    assert checked.found == []


def test_draw(checked: Checked) -> None:
    page = checked.page
    ready(page)
    checked.check("nothing drawn")
    draw(page, SEVEN)
    expect(page.locator("#sketchpad .guess")).to_have_text(re.compile(r"\d"))
    checked.check("a digit")
    page.locator("#sketchpad .inside summary").click()
    expect(page.locator("#sketchpad .evidence canvas")).to_have_attribute(
        "aria-label", re.compile("7")
    )
    checked.check("inside the network")
    page.keyboard.press("Escape")
    draw(page, STAR)
    expect(page.locator("#sketchpad .saying")).to_have_text("This does not look like a digit")
    checked.check("no digit")
    page.get_by_role("button", name="Right?").click()
    for label in (8, 7):
        say_it_is(page, label)
        expect(page.locator("#sketchpad .kept")).to_contain_text(f"{label}. Draw the next")
        draw(page, SEVEN)
    page.locator("#sketchpad .mine summary").click()
    expect(page.locator("#sketchpad .score")).to_contain_text("of 2 read right")
    checked.check("digits of one's own")
    page.locator("#net input").click()
    page.get_by_role("option").first.wait_for()
    checked.check("the list of nets")


@pytest.mark.timeout(600)  # a process that starts and trains
def test_train(checked: Checked, context: Context) -> None:
    page = checked.page
    page.get_by_role("tab", name="Train").click()
    board = page.locator("#training-board .board")
    expect(board.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    checked.check("idle")

    for field, part in (("Net", "Dropout"), ("Augmentation", "Rotate")):
        choose(page, field, "Your own")
        page.get_by_label(part).first.wait_for()  # what is below has moved down by then
    page.get_by_role("button", name="More settings").click()
    page.locator("#training-shapes summary").click()
    checked.check("every part of the form open")

    _leave_runs(context)
    choose(page, "Net", "compact")  # an epoch takes a moment, and all of them longer than axe
    choose(page, "Augmentation", "None")
    page.get_by_role("spinbutton", name="Epochs").fill("50")
    page.keyboard.press("Tab")
    board.get_by_role("button", name="Train", exact=True).click()
    # A worker is patient with all others: where those are busy, it takes its time.
    expect(board).to_have_attribute("data-status", "training", timeout=150_000)
    checked.check("running")
    board.get_by_role("button", name="Pause", exact=True).click()
    expect(board).to_have_attribute("data-status", "paused", timeout=150_000)
    checked.check("paused")
    board.get_by_role("button", name="Stop", exact=True).click()
    expect(board).to_have_attribute("data-status", "stopped", timeout=150_000)
    board.get_by_label("Show run 1 in the charts").check()
    expect(board.get_by_role("button", name="Use together")).to_be_visible()
    checked.check("over")


@pytest.mark.timeout(600)
def test_race(checked: Checked) -> None:
    page = checked.page
    page.get_by_role("tab", name="Train").click()
    race = page.locator("#race .race")
    race.locator("summary").click()
    expect(race.locator(".machine")).to_contain_text("Python", ignore_case=True)
    race.get_by_role("button", name="Start the race").click()
    expect(race).to_have_attribute("data-status", "racing", timeout=150_000)
    checked.check("a race is on")
    race.get_by_role("button", name="Stop").click()
    expect(race).to_have_attribute("data-status", "stopped", timeout=150_000)
    checked.check("a race is over")


def test_chinese(checked: Checked, address: str) -> None:
    page = checked.page
    page.goto(f"{address}?__theme=light&lang=zh")
    ready(page)
    for state, tab, part in (
        ("Draw", "手写", "#sketchpad .bar"),
        ("Train", "训练", "#training-board .board"),
        ("Gallery", "图库", "#gallery .tile"),
    ):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(part).first).to_be_visible()
        checked.check(f"{state} in Chinese")


def choose(page: Page, field: str, option: str) -> None:
    page.get_by_label(field, exact=True).first.click()
    page.get_by_role("option", name=option).first.click()
    expect(page.get_by_role("listbox")).to_have_count(0)  # it fades out


def test_gallery(checked: Checked, context: Context) -> None:
    page = checked.page
    page.get_by_role("tab", name="Gallery").click()
    expect(page.locator("#gallery .tile").first).to_be_visible()
    _leave_runs(context)
    checked.check("all mistakes")
    page.locator("#gallery td.wrong button").first.click()
    expect(page.locator("#gallery .showing")).to_contain_text(" read as ")
    checked.check("a cell")
    page.locator("#gallery .tile").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    checked.check("one digit")
    page.keyboard.press("Escape")
    for tab in ("Draw", "Gallery"):  # which tells it of the runs
        page.get_by_role("tab", name=tab).click()
    page.get_by_label("Compare with").select_option("Run 1: linear")
    expect(page.locator("#gallery .groups button")).to_have_count(4)
    expect(page.locator("#gallery .digits:not([aria-busy])")).to_be_visible()
    page.wait_for_timeout(500)  # they have faded in
    checked.check("two nets")


def _leave_runs(context: Context) -> None:
    """A run that was stopped and one that failed, of whoever opened the page last."""
    visitor = next(reversed(context.visitors._all.values()))
    stopped = Run("run-1", 1, TrainConfig(net="linear"), "the sample", "cpu", Dials(0.1))
    stopped.status, stopped.message = "stopped", "Stopped."
    stopped.checkpoint = replace(context.released, net=build_net("linear", 2).eval())
    failed = Run("run-2", 2, TrainConfig(net="linear"), "the sample", "cpu", Dials(0.1))
    failed.status, failed.message = "failed", "The loss is no number any more."
    failed.note = "The disk is full."
    for run in (stopped, failed):
        visitor.add(run)
    visitor.started = 2
