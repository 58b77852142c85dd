"""The gallery in a real browser: seen, filtered, paged and opened by mouse and by keyboard."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect
from test_browser_draw import HURRY, ready
from test_worker import wait_until

from mnist_demo.benchmark.server import free_port
from mnist_demo.browse import Filter
from mnist_demo.checkpoint import Checkpoint
from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError
from mnist_demo.evaluate import CHUNK, ON_A_CPU, Evaluation, evaluate
from mnist_demo.nets import build_net
from mnist_demo.page import gallery_pages
from mnist_demo.page.app import build
from mnist_demo.page.context import Context
from mnist_demo.page.launch import launch_page
from mnist_demo.page.runs import Run
from mnist_demo.train import Dials

pytestmark = pytest.mark.browser

CHOOSE_AT_ONCE = """() => {
  const select = document.querySelector("#gallery .versus select");
  const seen = new MutationObserver(() => {
    if (select.options.length < 2) return;
    seen.disconnect();
    select.value = "run-1";
    select.dispatchEvent(new Event("change"));
  });
  seen.observe(select, { childList: true });
}"""

WATCH_SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""

SIZES_OF_TYPE = "parts => parts.map((part) => getComputedStyle(part).fontSize)"

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def context(plain: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Context:
    """The plainest net, trained for a second or two: it leaves mistakes to see."""
    return Context(plain, tmp_path_factory.mktemp("no-data"))


@pytest.fixture(scope="module")
def truth(context: Context) -> Evaluation:
    return evaluate(context.released.net, context.digits_for(context.released)[0])


@pytest.fixture(scope="module")
def address(context: Context) -> Iterator[str]:
    page = build(context)
    yield launch_page(page, port=free_port(), block=False)
    page.close(verbose=False)


@pytest.fixture
def gallery(chromium: Browser, address: str) -> Iterator[Open]:
    """Opens the gallery in a window of its own; at the end nothing may have gone wrong in it."""
    troubles: list[str] = []
    contexts = []

    def open_gallery(
        width: int = 1280,
        height: int = 800,
        touch: bool = False,
        language: str = "en",
        colours: Literal["light", "dark"] = "light",
        forced: Literal["active", "none"] = "none",
        expected: str = "nothing",
    ) -> Page:
        window = chromium.new_context(
            viewport={"width": width, "height": height},
            has_touch=touch,
            reduced_motion="reduce",
            color_scheme=colours,
            forced_colors=forced,
        )
        contexts.append(window)
        page = window.new_page()
        page.add_init_script(WATCH_SHIFTS)
        page.on("pageerror", lambda error: troubles.append(str(error)))

        def note(message: ConsoleMessage) -> None:
            if message.type == "error" and expected not in message.text:
                troubles.append(message.text)

        page.on("console", note)
        page.goto(f"{address}?lang={language}")
        ready(page)
        page.evaluate("window.shifted = 0")  # the page's own late styles are no gallery's
        page.get_by_role("tab").nth(2).click()
        expect(page.locator("#gallery .tile").first).to_be_visible(timeout=60_000)
        return page

    yield open_gallery
    for window in contexts:
        window.close()
    assert troubles == []


def verdicts(page: Page) -> list[str]:
    return page.locator("#gallery .tile .verdict").all_inner_texts()


def busiest_cell(truth: Evaluation) -> tuple[int, int]:
    """Row and column of the commonest confusion."""
    mistakes = truth.confusion.copy()
    for digit in range(10):
        mistakes[digit, digit] = 0
    row, column = divmod(int(mistakes.argmax()), 10)
    return row, column


def test_the_mistakes_are_shown_with_their_figures(gallery: Open, truth: Evaluation) -> None:
    page = gallery()
    wrong = len(truth.mistakes())
    headline = f"{wrong} of 1,000 wrong · accuracy {100 * truth.accuracy:.2f}"
    expect(page.locator("#gallery .headline")).to_contain_text(headline)
    expect(page.locator("#gallery .about")).to_contain_text("1,000 held-out digits")
    expect(page.locator("#gallery .range")).to_have_text(f"1–48 of {wrong}")
    expected = [f"{truth.truth[i]} → {truth.predicted[i]}" for i in truth.mistakes()[:48]]
    assert verdicts(page) == expected
    counts = page.locator("#gallery .matrix td button").all_inner_texts()
    assert [int(count or 0) for count in counts] == truth.confusion.ravel().tolist()


def test_a_tile_shows_the_very_pixels_of_its_digit(
    gallery: Open, truth: Evaluation, context: Context
) -> None:
    page = gallery()
    pixels = (
        page.locator("#gallery .tile canvas")
        .nth(5)
        .evaluate("c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]")
    )
    split, _ = context.digits_for(context.released)
    assert pixels[::4] == split.images[truth.mistakes()[5]].flatten().tolist()


def test_a_cell_filters_the_grid_by_mouse(gallery: Open, truth: Evaluation) -> None:
    page = gallery()
    row, column = busiest_cell(truth)
    count = truth.confusion[row, column]
    cell = page.get_by_role("button", name=f"{row} read as {column}: {count} digits")
    cell.click()
    expect(page.locator("#gallery .showing")).to_have_text(
        f"{row} read as {column} · {count} digits"
    )
    expect(cell).to_have_attribute("aria-pressed", "true")
    assert verdicts(page) == [f"{row} → {column}"] * min(48, count)
    page.get_by_role("button", name="Show all mistakes").click()
    expect(page.locator("#gallery .showing")).to_contain_text("All mistakes")
    expect(cell).to_have_attribute("aria-pressed", "false")


def test_a_cell_filters_the_grid_by_keyboard(gallery: Open, truth: Evaluation) -> None:
    page = gallery()
    row, column = busiest_cell(truth)
    page.locator("#gallery .matrix th button").first.focus()  # the column head of 0
    for key in ["ArrowDown"] * (row + 1) + ["ArrowRight"] * column:
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect(page.locator("#gallery .showing")).to_contain_text(f"{row} read as {column} ·")
    page.keyboard.press("Space")
    expect(page.locator("#gallery .showing")).to_contain_text("All mistakes ·")


def test_the_diagonal_shows_the_least_sure_right_answers(gallery: Open, truth: Evaluation) -> None:
    page = gallery()
    page.locator("#gallery td.right button").nth(7).click()
    expect(page.locator("#gallery .showing")).to_contain_text("7 read right")
    right = Filter(truth=7, right=True).select(truth)
    least = min(truth.probabilities[right].max(1))
    expect(page.locator("#gallery .tile .sure").first).to_contain_text(f"{100 * least:.1f}")


def test_pages_turn_and_orders_change(gallery: Open, truth: Evaluation) -> None:
    page = gallery()
    wrong = len(truth.mistakes())
    two_clicks = "(button) => { button.click(); button.click(); }"  # before the first is answered
    page.get_by_role("button", name="Next ›").evaluate(two_clicks)
    expect(page.locator("#gallery .range")).to_have_text(f"49–{min(96, wrong)} of {wrong}")
    second = [f"{truth.truth[i]} → {truth.predicted[i]}" for i in truth.mistakes()[48:96]]
    assert verdicts(page) == second
    page.get_by_label("Order").select_option("truth")
    expect(page.locator("#gallery .range")).to_have_text(f"1–48 of {wrong}")
    shown = [text[0] for text in verdicts(page)]
    assert shown == sorted(shown)


def test_a_phone_that_is_turned_goes_on_where_it_was(gallery: Open) -> None:
    page = gallery(390, 844, touch=True)
    shown = page.locator("#gallery .range")
    page.get_by_role("button", name="Next ›").tap()
    expect(shown).to_have_text(re.compile("^25–48 "))
    page.set_viewport_size({"width": 844, "height": 390})
    page.get_by_role("button", name="Next ›").tap()
    expect(shown).to_have_text(re.compile("^49–72 "))
    page.get_by_label("Order").select_option("unsure")  # from the start, in pages for this width
    expect(shown).to_have_text(re.compile("^1–48 "))


def test_a_digit_shows_its_probabilities_and_closes(gallery: Open, truth: Evaluation) -> None:
    page = gallery()
    tiles = page.locator("#gallery .tile")
    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    index = truth.mistakes()[1]
    verdict = f"Read as {truth.predicted[index]}, but it is {truth.truth[index]}"
    expect(dialog.locator(".verdict")).to_have_text(verdict)
    expect(dialog).to_have_accessible_name(verdict)
    for digit in range(10):
        bar = dialog.get_by_role("meter", name=f"digit {digit}")
        value = float(bar.get_attribute("aria-valuenow") or "nan")
        assert value == pytest.approx(100 * truth.probabilities[index, digit], abs=0.06)
    live = dialog.locator(".verdict[aria-live=polite]")
    expect(live).to_have_count(0)  # the dialog's name says it already
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(live).to_have_text(verdict)
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    expect(tiles.nth(1)).to_be_focused()


def test_from_digit_to_digit_pages_turn(gallery: Open, truth: Evaluation) -> None:
    page = gallery()
    dialog = page.get_by_role("dialog")
    wrong = truth.mistakes()

    def expect_digit(place: int) -> None:
        expect(dialog.locator("dd").nth(2)).to_contain_text(f"{wrong[place]}")

    page.locator("#gallery .tile").nth(47).click()
    expect_digit(47)
    page.keyboard.press("ArrowRight")
    expect_digit(48)
    expect(page.locator("#gallery .range")).to_contain_text("49–")
    dialog.get_by_role("button", name="Previous").click()
    expect_digit(47)
    page.keyboard.press("ArrowRight")
    expect_digit(48)
    page.keyboard.press("Escape")
    expect(page.locator("#gallery .tile").first).to_be_focused()


def test_a_digit_opens_in_the_sketchpad(gallery: Open) -> None:
    page = gallery()
    page.locator("#gallery .tile").first.click()
    page.get_by_role("button", name="Open in the sketchpad").click()
    expect(page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#sketchpad .pad canvas")).to_be_focused()
    expect(
        page.locator("#sketchpad [role=meter][aria-valuenow]:not([aria-valuenow='0'])").first
    ).to_be_visible()
    page.get_by_role("tab", name="Gallery").click()  # and the place in the gallery is kept
    expect(page.locator("#gallery .range")).to_have_text(re.compile(r"^1–48 of "))


def test_another_net_is_evaluated_at_once_and_a_lost_one_says_so(
    gallery: Open, context: Context
) -> None:
    page = gallery()
    before = page.locator("#gallery .headline").inner_text()
    visitor = next(reversed(context.visitors._all.values()))  # the one just opened
    run = Run("run-1", 1, TrainConfig(net="linear"), "sample", "cpu", Dials(0.1))
    untrained = build_net("linear", 2).eval()
    run.checkpoint = replace(context.released, net=untrained)
    visitor.add(run)
    page.locator("#net input").click()
    page.get_by_role("option", name="Run 1: linear").click()
    expect(page.locator("#gallery .about")).to_contain_text("Run 1: linear on the 1,000")
    assert page.locator("#gallery .headline").inner_text() != before
    assert run.evaluation is not None
    expected = f"{1000 - run.evaluation.correct} of 1,000 wrong"
    expect(page.locator("#gallery .headline")).to_contain_text(expected)
    page.get_by_role("tab", name="Draw").click()
    visitor.runs.clear()
    page.get_by_role("tab", name="Gallery").click()
    expect(page.locator("#gallery .message")).to_have_text("That net is gone; choose another.")
    expect(page.locator("#gallery .tile").first).not_to_be_visible()


PASSES = CHUNK // ON_A_CPU  # of a net through a chunk


class Halting(torch.nn.Module):
    """Untrained, and waits before each pass until it may go on."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.net = build_net("linear", seed)
        self.may = threading.Semaphore(0)

    def __deepcopy__(self, memo: object) -> Halting:
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.may.acquire(timeout=60)
        return self.net(images)  # type: ignore[no-any-return]


def give_halting(context: Context, number: int) -> Halting:
    """A run of the visitor who came last, whose net halts."""
    visitor = next(reversed(context.visitors._all.values()))
    run = Run(f"run-{number}", number, TrainConfig(net="linear"), "sample", "cpu", Dials(0.1))
    net = Halting(number).eval()
    run.checkpoint = replace(context.released, net=net)
    visitor.add(run)
    return net


def choose(page: Page, title: str) -> None:
    page.locator("#net input").click()
    page.locator("#net").get_by_role("option", name=title).click()


@pytest.mark.parametrize(
    ("language", "asking", "half"),
    [
        ("en", "Evaluating 1,000 digits…", "500 of 1,000 digits read"),
        ("zh", "正在评估 1,000 个数字…", "已识别 500 / 1,000 个数字"),
    ],
)
def test_it_is_seen_how_far_an_evaluation_is(
    gallery: Open, context: Context, language: str, asking: str, half: str
) -> None:
    page = gallery(language=language)
    net = give_halting(context, 1)
    choose(page, "1")
    message, reading = page.locator("#gallery .message"), page.locator("#gallery .reading")
    expect(message).to_have_text(asking)
    expect(reading).to_contain_text("0")
    net.may.release(PASSES)
    expect(reading).to_have_text(half)
    bar = page.get_by_role("progressbar", name=half)
    expect(bar).to_have_attribute("aria-valuenow", "50")
    net.may.release(PASSES)
    expect(message).to_be_empty()
    expect(reading).to_be_hidden()
    expect(page.locator("#gallery .board")).to_have_attribute("data-state", "ready")


def test_what_is_chosen_meanwhile_is_shown_and_nothing_stays(
    gallery: Open, context: Context
) -> None:
    page = gallery()
    reading, message = page.locator("#gallery .reading"), page.locator("#gallery .message")
    slow, gone = give_halting(context, 1), give_halting(context, 2)
    choose(page, "Run 1: linear")
    expect(reading).to_have_text("0 of 1,000 digits read")
    choose(page, "Released net")
    expect(page.locator("#gallery .about")).to_contain_text("Released net")
    expect(message).to_be_empty()
    slow.may.release(PASSES)  # its chunk ends, and with it the evaluation that nobody waits for
    choose(page, "Run 2: linear")
    expect(reading).to_have_text("0 of 1,000 digits read")
    next(reversed(context.visitors._all.values())).runs.clear()
    gone.may.release(2 * PASSES)
    expect(message).to_have_text("That net is gone; choose another.")
    expect(reading).to_be_hidden()
    wait_until(lambda: not context._readings, 20)


def test_a_question_without_an_answer_does_not_hang_in_silence(
    gallery: Open, context: Context
) -> None:
    page = gallery()
    page.route("**/queue/join*", lambda route: None, times=1)  # as good as refused: no answer
    give_halting(context, 1).may.release(9 * PASSES)
    choose(page, "Run 1: linear")
    message, again = page.locator("#gallery .message"), page.locator("#gallery .board > .retry")
    expect(message).to_contain_text("No answer yet", timeout=60_000)
    again.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#gallery .about")).to_contain_text("Run 1: linear")
    expect(message).to_be_empty()
    expect(page.locator("#gallery .board")).to_have_attribute("data-state", "ready")
    expect(again).to_be_hidden()
    expect(page.locator("#gallery .headline")).to_be_focused()


def test_a_page_that_does_not_come_can_be_tried_again(
    gallery: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = gallery()
    with monkeypatch.context() as out_of_order:
        out_of_order.setattr(gallery_pages, "page", out_of_reach)
        page.get_by_role("button", name="Next ›").press("Enter")
        expect(page.locator("#gallery .nothing p")).to_have_text(
            "The digits cannot be shown: out of reach."
        )
        expect(page.locator("#gallery .nothing p")).to_be_in_viewport()
        again = page.locator("#gallery .nothing .retry")
        expect(again).to_be_focused()
    again.press("Enter")
    expect(page.locator("#gallery .range")).to_have_text(re.compile("^49–96 "))
    expect(again).to_be_hidden()
    # The headline where the server was slow, and all below it out of reach meanwhile.
    expect(page.locator("#gallery :is(.showing, .headline):focus")).to_be_visible()


def test_a_lost_connection_is_told_and_mended(gallery: Open) -> None:
    page = gallery(expected="ERR_FAILED")
    page.route("**/component_server/**", lambda route: route.abort())
    why = "the server does not answer; try again in a moment."
    page.get_by_role("button", name="16 samples").click()
    expect(page.locator("#gallery .drawn .note")).to_have_text(why, ignore_case=True)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Next ›").click()
    expect(page.locator("#gallery .nothing p")).to_have_text(f"The digits cannot be shown: {why}")
    page.unroute("**/component_server/**")
    page.locator("#gallery .nothing .retry").click()
    expect(page.locator("#gallery .range")).to_have_text(re.compile("^49–96 "))


def test_a_reading_that_stands_still_is_told(gallery: Open, context: Context) -> None:
    page = gallery()
    page.evaluate(HURRY, [10_000, 400])  # as long as the server may say nothing
    net = give_halting(context, 1)
    choose(page, "1")
    message = page.locator("#gallery .message")
    expect(message).to_contain_text("No answer yet")
    net.may.release(PASSES)
    expect(page.locator("#gallery .reading")).to_have_text("500 of 1,000 digits read")
    expect(message).to_contain_text("No answer yet")
    net.may.release(PASSES)
    expect(page.locator("#gallery .board")).to_have_attribute("data-state", "ready")


def out_of_reach(*_: object) -> None:
    raise UserError("out of reach")


def test_two_nets_are_compared_and_the_grid_shows_where_they_differ(
    gallery: Open, context: Context, truth: Evaluation
) -> None:
    page = gallery()
    choice = page.get_by_label("Compare with")
    expect(choice).to_be_disabled()  # there is no other net yet
    visitor = next(reversed(context.visitors._all.values()))  # the one just opened
    run = Run("run-1", 1, TrainConfig(net="linear"), "sample", "cpu", Dials(0.1))
    run.checkpoint = replace(context.released, net=build_net("linear", 2).eval())
    visitor.add(run)
    page.get_by_role("tab", name="Draw").click()
    page.get_by_role("tab", name="Gallery").click()
    choice.select_option("Run 1: linear")
    second = evaluate(run.checkpoint.net, context.digits_for(run.checkpoint)[0])
    mine, other = truth.predicted == truth.truth, second.predicted == truth.truth
    counts = {
        "Both right": mine & other,
        "Only A right": mine & ~other,
        "Only B right": ~mine & other,
        "Both wrong": ~mine & ~other,
    }
    for name, mask in counts.items():
        button = page.locator("#gallery .groups button", has_text=name)
        expect(button.locator("b")).to_have_text(f"{int(mask.sum()):,}")
    page.locator("#gallery .groups button", has_text="Both wrong").click()
    expect(page.locator("#gallery .showing")).to_contain_text("Both wrong ·")
    index = int(page.locator("#gallery .tile").first.get_attribute("data-index") or -1)
    assert counts["Both wrong"][index]
    pills = page.locator("#gallery .tile").first.locator(".answer")
    assert pills.all_inner_texts() == [
        f"A {truth.predicted[index]}",
        f"B {second.predicted[index]}",
    ]
    choice.select_option("no other net")
    expect(page.locator("#gallery .groups button")).to_have_count(0)
    expect(page.locator("#gallery .showing")).to_contain_text("All mistakes")


def test_a_second_net_chosen_while_the_first_answer_arrives_is_not_lost(
    gallery: Open, context: Context
) -> None:
    """Gradio asks again with the data of the question before, where one was under way."""
    page = gallery()
    visitor = next(reversed(context.visitors._all.values()))
    run = Run("run-1", 1, TrainConfig(net="linear"), "sample", "cpu", Dials(0.1))
    run.checkpoint = replace(context.released, net=build_net("linear", 2).eval())
    visitor.add(run)
    page.evaluate(CHOOSE_AT_ONCE)
    page.get_by_role("tab", name="Draw").click()
    page.get_by_role("tab", name="Gallery").click()
    expect(page.locator("#gallery .groups button")).to_have_count(4)


def test_a_phone_shows_it_without_overflow(gallery: Open) -> None:
    page = gallery(390, 844, touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#gallery select").evaluate_all(SIZES_OF_TYPE) == ["16px"] * 2
    widest = page.evaluate(
        "Math.max(...[...document.querySelectorAll('#gallery *')]"
        ".map((e) => e.getBoundingClientRect().right))"
    )
    assert widest <= 390
    assert len(verdicts(page)) == 24
    page.locator("#gallery td.wrong button").first.tap()
    expect(page.locator("#gallery .showing")).to_contain_text(" read as ")
    expect(page.locator("#gallery .showing")).to_be_in_viewport()
    expect(page.locator("#gallery .showing")).to_be_focused()
    expect(page.locator("#gallery .tile").first).to_be_in_viewport()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_windows_few_colours_leave_bars_marks_and_shades(
    gallery: Open, colours: Literal["light", "dark"]
) -> None:
    page = gallery(colours=colours, forced="active")
    cell = page.locator("#gallery td.wrong button").first
    ground = colour(page.locator("body"))
    for part in (page.locator("#gallery .classes .fill").first, cell):
        assert colour(part) != ground
    assert colour(page.locator("#gallery .mark").first) != colour(
        page.locator("#gallery .reliability .fill").first
    )
    cell.click()
    expect(cell).to_have_css("border-style", "double")


def colour(part: Locator) -> str:
    return str(part.evaluate("part => getComputedStyle(part).backgroundColor"))


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_nothing_jumps_while_it_opens_and_a_picture_is_drawn(
    gallery: Open, width: int, height: int
) -> None:
    """0.1 is what counts as good on the web."""
    page = gallery(width, height)
    page.evaluate("document.querySelector('#gallery .sampling').click()")  # no input that excuses
    shown(page)
    page.wait_for_timeout(200)
    assert page.evaluate("window.shifted") < 0.1


def test_samples_of_mistakes_by_night(gallery: Open) -> None:
    page = gallery(colours="dark")
    drawn = page.locator("#gallery .drawn")
    page.get_by_role("button", name="16 samples").click()
    first = shown(page)
    only = drawn.get_by_role("button", name="Only mistakes")
    only.click()
    expect(drawn.locator("img")).not_to_have_attribute("src", first)
    second = shown(page)
    expect(only).to_have_attribute("aria-pressed", "true")
    expect(drawn.locator("h3")).to_have_text("Mistakes: 16 digits at random")
    expect(drawn.locator(".note")).to_have_text(re.compile(r"^0 of 16 right\. "))
    assert drawn.get_by_role("link", name="Save as PNG").get_attribute("href") != second


def shown(page: Page) -> str:
    """The address of the drawn picture, once it is there to be seen."""
    expect(page.locator("#gallery .drawn")).to_have_attribute("data-state", "ready")
    picture = page.locator("#gallery .drawn img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 500
    return picture.get_attribute("src") or ""


def test_sixteen_samples_are_shown_drawn_anew_and_saved(gallery: Open) -> None:
    page = gallery()
    drawn = page.locator("#gallery .drawn")
    button = page.get_by_role("button", name="16 samples")
    button.focus()
    page.keyboard.press("Enter")
    first = shown(page)
    expect(drawn.locator("h3")).to_have_text("16 digits at random")
    expect(drawn.locator(".note")).to_have_text(re.compile(r"^\d+ of 16 right\. "))
    listed = drawn.locator("img").get_attribute("alt") or ""
    assert len(re.findall(r"\d \(\d\)", listed)) == 16
    drawn.get_by_role("button", name="16 others").click()
    expect(drawn.locator("img")).not_to_have_attribute("src", first)
    shown(page)
    with page.expect_download() as download:
        drawn.get_by_role("link", name="Save as PNG").click()
    assert download.value.suggested_filename == "samples.png"
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    page.keyboard.press("Escape")
    expect(drawn).not_to_be_visible()
    expect(button).to_be_focused()


def test_a_digit_shows_its_pixels_values(gallery: Open, truth: Evaluation) -> None:
    page = gallery()
    page.locator("#gallery .tile").first.click()
    pixels = page.get_by_role("button", name="Pixel values")
    pixels.click()
    shown(page)
    index = truth.mistakes()[0]
    drawn = page.locator("#gallery .drawn")
    expect(drawn.locator("h3")).to_have_text(f"Pixel values: {truth.truth[index]}")
    expect(drawn.get_by_role("link", name="Save as PNG")).to_have_attribute(
        "download", f"pixels-{index}.png"
    )
    expect(drawn.get_by_role("button", name="16 others")).not_to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#gallery .details")).to_be_visible()
    expect(pixels).to_be_focused()


def test_a_phone_fits_a_picture_and_scrolls_it_in_full_size(gallery: Open) -> None:
    page = gallery(390, 844, touch=True)
    page.locator("#gallery .tile").first.tap()
    page.get_by_role("button", name="Pixel values").tap()
    shown(page)
    sheet = page.locator("#gallery .sheet")
    overflow = "sheet => sheet.scrollWidth - sheet.clientWidth"
    assert sheet.evaluate(overflow) == 0
    page.get_by_role("button", name="Full size").tap()
    assert sheet.evaluate(overflow) > 200
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Full size").tap()
    assert sheet.evaluate(overflow) == 0


def test_a_net_without_mistakes_offers_its_least_sure_answers(
    chromium: Browser, context: Context, truth: Evaluation, tmp_path: Path
) -> None:
    split, _ = context.digits_for(context.released)
    easy = split.take(torch.from_numpy(Filter(right=True).select(truth)[:40]))
    spotless = Context(context.released, tmp_path)
    spotless.digits_for = lambda checkpoint: (easy, "40 easy digits")  # type: ignore[method-assign]
    blocks = build(spotless)
    address = launch_page(blocks, port=free_port(), block=False)
    page = chromium.new_page()
    try:
        page.goto(address)
        page.get_by_role("tab", name="Gallery").click()
        expect(page.locator("#gallery .headline")).to_contain_text("0 of 40 wrong", timeout=60_000)
        expect(page.locator("#gallery .nothing p")).to_contain_text("reads every one")
        page.get_by_role("button", name="Show the right answers it was least sure of").click()
        expect(page.locator("#gallery .showing")).to_have_text("Right answers · 40 digits")
        expect(page.locator("#gallery .showing")).to_be_focused()  # the button hid itself
        assert len(verdicts(page)) == 40
    finally:
        page.close()
        blocks.close(verbose=False)
