"""The Train tab in a real browser, on the embedded sample."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from mnist_demo.benchmark.server import free_port
from mnist_demo.checkpoint import Checkpoint, to_bytes
from mnist_demo.config import TrainConfig
from mnist_demo.nets import build_net
from mnist_demo.page.app import build
from mnist_demo.page.context import Context
from mnist_demo.page.launch import launch_page
from mnist_demo.page.runs import Run
from mnist_demo.page.shelf import Shelf
from mnist_demo.train import Dials, Epoch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]  # processes that start and train

STATUS = "document.querySelector('#training-board .board').dataset.status"
DRAWN = "(document.querySelector('#training-board path.batches')?.getAttribute('d') ?? '').length"

# The charts are drawn and stand where they are for half a second and a dozen frames.
AT_REST = """() => {
  const charts = document.querySelector('#training-board .charts');
  const place = JSON.stringify(charts.getBoundingClientRect());
  const now = performance.now();
  if (window.chartsPlace !== place) {
    [window.chartsPlace, window.chartsSince, window.chartsFrames] = [place, now, 0];
  }
  return charts.querySelectorAll('.plot svg').length === 2 && document.fonts.status === 'loaded'
    && ++window.chartsFrames > 12 && now - window.chartsSince > 500;
}"""
# No batch has joined the curve for two seconds and a dozen frames.
HELD = f"""() => {{
  const drawn = {DRAWN};
  const now = performance.now();
  if (window.lastDrawn !== drawn) {{
    [window.lastDrawn, window.drawnSince, window.drawnFrames] = [drawn, now, 0];
  }}
  return ++window.drawnFrames > 12 && now - window.drawnSince > 2000;
}}"""
# What the board said as the last of its buttons was pressed.
NOTE_PRESSES = """(board) => board.addEventListener('click', () => {
  window.saidAtPress = board.querySelector('.text').textContent;
}, { capture: true })"""
SLOW = "tab=train&net=wide9216&epochs=60"  # an epoch takes seconds, and all of them minutes

UNANSWERED = "The server does not answer; try again in a moment."


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with a net that knows nothing, and no MNIST on disk."""
    net = build_net("linear").eval()
    labels = tuple("0123456789")
    released = Checkpoint(net, "linear", "sample", labels, TrainConfig(net="linear").to_dict())
    page = build(Context(released, tmp_path_factory.mktemp("data")))
    yield launch_page(page, port=free_port(), block=False)
    page.close()


class Tab:
    """An open Train tab that notes what the browser complains of."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda line: self.complaints.append(line.text) if line.type == "error" else None,
        )
        # Not yet answered: the page's questions that wait in no queue.
        self.asked: set[Request] = set()
        page.on("request", self.is_asked)
        page.on("requestfinished", self.is_over)
        page.on("requestfailed", self.is_over)
        page.set_default_timeout(60_000)
        self.board: Locator = page.locator("#training-board .board")
        self.open(address)

    def is_asked(self, question: Request) -> None:
        if "/run/predict" in question.url:
            self.asked.add(question)

    def is_over(self, question: Request) -> None:
        self.asked.discard(question)

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.page.get_by_role("tab", name="Train").click()
        self.board.wait_for()
        self.page.wait_for_function(AT_REST)

    def wait_for_answers(self) -> None:
        """Until everything that was set off has been answered, and nothing more is for a second."""
        quiet = 0
        while quiet < 10:
            self.page.wait_for_timeout(100)
            quiet = 0 if self.asked else quiet + 1

    def button(self, name: str) -> Locator:
        return self.board.get_by_role("button", name=name, exact=True)

    def wait_for_status(self, *statuses: str, seconds: float = 150) -> None:
        self.page.wait_for_function(f"{list(statuses)}.includes({STATUS})", timeout=seconds * 1000)

    def epoch_at_press(self) -> int:
        """Which one the board spoke of, once it notes presses."""
        return number_in(r"epoch (\d+) of", str(self.page.evaluate("window.saidAtPress")))

    def said(self, pattern: str) -> int:
        """The number in what the board says, which is of this pattern."""
        text = self.board.locator(".text")
        expect(text).to_have_text(re.compile(pattern))
        return number_in(pattern, text.inner_text())

    def set_epochs(self, count: int) -> None:
        field = self.page.get_by_role("spinbutton", name="Epochs")
        field.fill(str(count))
        field.press("Tab")


def number_in(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found, text
    return int(found[1])


@pytest.fixture
def desktop(chromium: Browser, address: str) -> Iterator[Tab]:
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    tab = Tab(page, address)
    yield tab
    assert tab.complaints == []
    page.close()


def test_curves_grow_pause_holds_and_stop_ends_in_mid_epoch(desktop: Tab, address: str) -> None:
    desktop.open(f"{address}?{SLOW}")
    expect(desktop.page.get_by_role("spinbutton", name="Epochs")).to_have_value("60")
    desktop.wait_for_answers()
    train = desktop.button("Train")
    box = train.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 800  # in view without scrolling
    assert desktop.button("Pause").is_disabled()
    assert desktop.button("Stop").is_disabled()
    desktop.page.wait_for_function(AT_REST)
    height = desktop.board.locator(".charts").bounding_box()
    desktop.board.evaluate(NOTE_PRESSES)
    train.click()
    desktop.page.wait_for_function(f"{DRAWN} > 60", timeout=150_000)
    first = desktop.page.evaluate(DRAWN)
    desktop.page.wait_for_function(f"{DRAWN} > {first} + 60", timeout=60_000)
    assert train.is_disabled()

    desktop.button("Pause").press("Enter")
    desktop.wait_for_status("paused")
    assert desktop.said(r"^Paused in epoch (\d+) of 60") - desktop.epoch_at_press() in (0, 1)
    desktop.page.wait_for_function(HELD)
    held = desktop.page.evaluate(DRAWN)
    expect(desktop.button("Resume")).to_be_focused()
    desktop.page.keyboard.press("Enter")
    desktop.page.wait_for_function(f"{DRAWN} > {held}", timeout=60_000)
    expect(desktop.button("Pause")).to_be_focused()

    rate = desktop.board.get_by_label("Learning rate of this run")
    rate.fill("5")
    rate.press("Enter")
    expect(desktop.board.locator(".alert")).to_have_text(
        "The learning rate must be a number from 0.00001 to 1."
    )
    rate.fill("0.001")
    rate.press("Enter")
    rate.press("ArrowUp")
    expect(rate).to_have_value("0.0013")
    desktop.page.route("**/component_server/**", lambda route: route.abort())
    desktop.button("Stop").click()
    expect(desktop.board.locator(".alert")).to_have_text(UNANSWERED)
    expect(desktop.board.locator(".text")).to_contain_text("Training, epoch")
    desktop.page.unroute("**/component_server/**")
    desktop.complaints.clear()
    desktop.button("Stop").press("Enter")
    desktop.wait_for_status("testing", "stopped")
    expect(desktop.board.locator(".state")).to_be_focused()
    desktop.wait_for_status("stopped")
    assert desktop.said(r"^Stopped in epoch (\d+)") - desktop.epoch_at_press() in (0, 1)
    assert desktop.board.locator(".charts").bounding_box() == height  # nothing jumped
    assert train.is_enabled()


def test_runs_are_overlaid_taken_home_and_used(desktop: Tab) -> None:
    desktop.set_epochs(1)
    for number in (1, 2):
        desktop.button("Train").click()
        desktop.board.get_by_text(f"Run {number}: compact").wait_for()
        desktop.wait_for_status("done")
    lines = desktop.board.locator(".chart[data-kind=loss] path.validation")
    expect(lines).to_have_count(1)
    desktop.board.get_by_label("Show run 1 in the charts").check()
    expect(lines).to_have_count(2)
    desktop.button("Same settings (run 1)").click()
    expect(desktop.board.locator(".news")).to_have_text("The settings of run 1 are in the form.")
    row = desktop.board.locator(".runs li").first
    assert "which also chose the epoch" in row.inner_text()
    assert row.inner_text().count("%") == 1  # validation and test are the same digits
    result = row.locator(".test .value").inner_text()
    expect(desktop.board.locator(".text")).to_contain_text(f"Done: {result} held-out accuracy.")

    desktop.page.route("**/component_server/**", lambda route: route.abort())
    desktop.button("History of run 2, to download (CSV)").click()
    expect(desktop.board.locator(".alert")).to_have_text(UNANSWERED)
    desktop.page.unroute("**/component_server/**")
    desktop.complaints.clear()
    with desktop.page.expect_download() as waiting:
        desktop.button("History of run 2, to download (CSV)").click()
    table = csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text()))
    assert [row["epoch"] for row in table if row["kind"] == "epoch"] == ["1"]

    desktop.button("Use in Draw (run 1)").click()
    desktop.page.wait_for_function(
        "document.querySelector('#net input')?.value.startsWith('Run 1')"
    )
    desktop.page.get_by_role("tab", name="Train").click()
    expect(desktop.board.locator(".runs li")).to_have_count(2)
    expect(lines).to_have_count(2)  # another tab loses nothing


def test_a_reload_says_where_a_run_ended_with_the_page(desktop: Tab) -> None:
    """This server keeps none on disk."""
    desktop.page.add_init_script("sessionStorage.setItem('mnist-demo-going', '1')")
    desktop.page.reload()
    news = desktop.board.locator(".news")
    expect(news).to_contain_text("its run ended with it", timeout=60_000)


@pytest.fixture
def shelved(chromium: Browser, tmp_path: Path) -> Iterator[tuple[BrowserContext, str]]:
    """A browser that five runs are kept for, and the app's address."""
    labels = tuple("0123456789")
    config = TrainConfig(net="linear")
    released = Checkpoint(build_net("linear").eval(), "linear", "sample", labels, config.to_dict())
    shelf = Shelf(tmp_path / "runs")
    key = "a1" * 16
    drawer = shelf.drawer(key)
    assert drawer is not None
    for number in range(1, 6):
        run = Run(f"run-{number}", number, config, "sample", "cpu", Dials(0.1), status="done")
        run.fresh["net"] = to_bytes(released)
        run.losses.add([0.5], [1.0])
        run.epochs = [Epoch(1, 5, 0.5, 0.9, 0.4, 0.9512, 0.1, 1.0, 1.0)]
        slot = drawer.new_slot()
        slot.keep(run)
        slot.release()
    blocks = build(Context(released, tmp_path / "data", shelf=shelf))
    address = launch_page(blocks, port=free_port(), block=False)
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(f"localStorage.setItem('mnist-demo-runs', '{key}')")
    yield context, address
    context.close()
    blocks.close(verbose=False)
    blocks.context.crew.close()


def test_a_reading_of_many_curves_says_how_many_are_left_out(
    shelved: tuple[BrowserContext, str],
) -> None:
    context, address = shelved
    tab = Tab(context.new_page(), address)
    for number in range(1, 6):
        tab.board.get_by_label(f"Show run {number} in the charts").check()
    for kind, ending in (("loss", "0.400, and 3 more"), ("accuracy", "95.12 %")):
        chart = tab.board.get_by_role("slider", name=f"{kind} by epochs")
        chart.focus()
        chart.press("End")
        expect(chart).to_have_attribute("aria-valuetext", re.compile(f"{ending}$"))
    expect(tab.board.locator(".validation .value").first).to_have_text("95.12 %")
    assert tab.complaints == []


def test_the_net_that_was_chosen_answers_after_a_reload(
    shelved: tuple[BrowserContext, str],
) -> None:
    context, address = shelved
    page = context.new_page()
    page.goto(address)
    answers = page.locator("#net input")
    answers.click()
    page.get_by_role("option", name="Run 1: linear").click()
    page.wait_for_function("sessionStorage.getItem('mnist-demo-net')")
    page.goto(f"{address}?lang=zh")
    expect(answers).to_have_value("训练 1：linear", timeout=60_000)
    answers.click()
    page.get_by_role("option", name="预训练模型").click()
    page.wait_for_function("!sessionStorage.getItem('mnist-demo-net')")
    page.reload()
    expect(page.locator("#sketchpad .bar").first).to_be_visible(timeout=60_000)
    page.wait_for_timeout(500)
    expect(answers).to_have_value("预训练模型（linear）")
    page.evaluate("performance.now = () => 1e9")  # it may be asked again
    context.set_offline(True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("dispatchEvent(new Event('pageshow'))")
    page.wait_for_timeout(200)
    assert not [url for url in asked if "queue/join" in url]


def test_the_board_stays_in_sight_and_follows_the_form(desktop: Tab) -> None:
    ticks = desktop.board.locator(".chart[data-kind=loss] .grid text[text-anchor=middle]")
    expect(ticks.last).to_have_text("5")
    desktop.set_epochs(12)
    expect(ticks.last).to_have_text("12")
    expect(desktop.board.locator(".text")).to_have_text(
        "Nothing trained yet. Press Train and watch 12 epochs."
    )
    desktop.page.get_by_role("button", name="More settings").click()
    device = desktop.page.get_by_label("Device", exact=True)
    device.scroll_into_view_if_needed()
    expect(desktop.button("Train")).to_be_in_viewport()
    desktop.page.set_viewport_size({"width": 1280, "height": 500})  # too low for both
    device.scroll_into_view_if_needed()
    expect(desktop.button("Train")).not_to_be_in_viewport()


def test_the_second_visitor_waits_and_sees_only_its_own(chromium: Browser, address: str) -> None:
    first = Tab(chromium.new_page(), f"{address}?{SLOW}")
    expect(first.page.get_by_role("spinbutton", name="Epochs")).to_have_value("60")
    first.button("Train").click()
    first.wait_for_status("waiting", "training")
    expect(first.button("Stop")).to_be_visible()  # nobody is before it in the line
    first.wait_for_status("training")
    other = Tab(chromium.new_page(), address)
    other.button("Train").click()
    other.wait_for_status("waiting")
    expect(other.button("Leave the line")).to_be_enabled()
    expect(other.board.locator(".text")).to_contain_text("1 person ahead of you")
    expect(other.board.locator(".runs li")).to_have_count(1)
    assert first.complaints == []
    first.page.close()  # leaves without a word
    other.wait_for_status("training")
    other.button("Stop").click()
    other.wait_for_status("stopped")
    assert other.complaints == []
    other.page.close()


def test_a_phone_shows_the_button_and_the_charts_without_overflow(
    chromium: Browser, address: str
) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    tab = Tab(context.new_page(), address)
    for place in (tab.button("Train"), tab.board.locator(".chart").first):
        box = place.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] < 844
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.complaints == []
    context.close()


@pytest.mark.timeout(600)
def test_a_reload_loses_no_run_and_an_interrupted_one_goes_on(
    chromium: Browser, tmp_path: Path
) -> None:
    """The page is reloaded in mid-run, and its server is another one from then on."""
    net = build_net("linear").eval()
    labels = tuple("0123456789")
    released = Checkpoint(net, "linear", "sample", labels, TrainConfig(net="linear").to_dict())
    port = free_port()
    runs = tmp_path / "runs"

    def serve() -> tuple[Any, str]:
        page = build(Context(released, tmp_path / "data", shelf=Shelf(runs)))
        return page, launch_page(page, port=port, block=False)

    browser = chromium.new_context(viewport={"width": 1280, "height": 800})
    first, address = serve()
    tab = Tab(browser.new_page(), address)
    expect(tab.board.locator(".lasting")).to_contain_text("for this browser alone")
    tab.set_epochs(60)
    tab.button("Train").click()
    tab.page.wait_for_function(
        "document.querySelectorAll('#training-board .chart circle.validation').length >= 2",
        timeout=150_000,
    )
    tab.page.reload()
    expect(tab.board.locator(".news")).to_have_text(
        re.compile("The page was reloaded; the run goes on after epoch [0-9]+."), timeout=60_000
    )
    tab.wait_for_status("training")
    tab.button("Pause").click()
    tab.wait_for_status("paused")
    tab.page.reload()  # who paused it may not want it to go on
    expect(tab.page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")
    tab.page.get_by_role("tab", name="Train").click()
    tab.wait_for_status("interrupted")
    tab.button("Resume (run 1)").press("Enter")
    tab.wait_for_status("training")
    expect(tab.board.locator(":is(.pause, .state):focus")).to_have_count(1)
    tab.page.close()  # leaves without a word
    first.close()
    first.context.crew.close()

    second, address = serve()
    tab = Tab(browser.new_page(), address)
    tab.wait_for_status("interrupted")
    row = tab.board.locator(".runs li")
    expect(row).to_contain_text("interrupted in epoch")
    points = tab.board.locator(".chart[data-kind=loss] circle.validation")
    expect(points).not_to_have_count(0)
    epochs = points.count()
    tab.button("Resume (run 1)").click()
    tab.wait_for_status("training")
    tab.page.wait_for_function(
        "document.querySelectorAll('#training-board .chart[data-kind=loss] circle.validation')"
        f".length > {epochs}",
        timeout=150_000,
    )
    tab.button("Stop").click()
    tab.wait_for_status("stopped")
    tab.set_epochs(1)
    tab.button("Train").click()
    tab.wait_for_status("done")
    tab.page.reload()
    tab.complaints.clear()  # Gradio's, where the run's stream was cut off just before its end
    tab.page.get_by_role("tab", name="Gallery").click()
    beside = tab.page.get_by_label("Compare with").locator("option")
    expect(beside.filter(has_text="Run")).to_have_count(2)  # without a look at the Train tab
    tab.page.get_by_role("tab", name="Train").click()
    expect(row).to_have_text([re.compile("Run 2"), re.compile("Run 1")])  # the newest on top
    tab.button("Delete (run 2)").click()
    expect(tab.button("Really delete? (run 2)")).to_have_text("Really delete?")
    expect(tab.board.locator(".asks")).to_have_text("Press again to delete run 2")
    tab.page.keyboard.press("Escape")  # thought better of it
    expect(tab.button("Delete (run 2)")).to_be_focused()
    expect(row).to_have_count(2)
    tab.button("Delete (run 2)").click()
    tab.board.locator("h2").click()  # or did something else
    expect(tab.button("Really delete? (run 2)")).to_have_count(0)
    tab.button("Delete (run 2)").click()
    tab.button("Really delete? (run 2)").click()
    expect(row).to_have_count(1)
    expect(row).to_contain_text("stopped after")
    tab.button("Use in Draw (run 1)").click()
    tab.page.wait_for_function("document.querySelector('#net input')?.value.startsWith('Run 1')")
    tab.page.get_by_role("tab", name="Train").click()
    visitor = next(reversed(second.context.visitors._all.values()))
    there = dict(visitor.runs)
    visitor.runs.clear()
    tab.button("Use in Draw (run 1)").click()
    tab.page.get_by_text("that net is gone").wait_for()
    visitor.runs |= there
    tab.button("Delete (run 1)").press("Enter")
    tab.button("Really delete? (run 1)").press("Enter")
    row.wait_for(state="detached")
    assert not list(runs.iterdir())
    assert tab.complaints == []
    browser.close()
    second.close()
    second.context.crew.close()
