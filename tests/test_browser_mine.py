"""Digits that a visitor names and keeps in the browser: their score, and the file they make."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect
from test_browser_draw import ONE, SEVEN, Open, draw, expect_guess, open_page, ready, say_it_is
from test_browser_gallery import choose
from test_browser_touch import SMALL, WIDE

from mnist_demo.benchmark.server import free_port
from mnist_demo.checkpoint import RELEASED, load_checkpoint, released_sceptic
from mnist_demo.config import TrainConfig
from mnist_demo.datasets.pixels import read_pixels
from mnist_demo.page.app import build
from mnist_demo.page.batcher import Batcher
from mnist_demo.page.context import Context
from mnist_demo.page.launch import launch_page
from mnist_demo.page.runs import Run
from mnist_demo.train import Dials

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
__all__ = ["open_page"]  # a fixture
KEY = "mnist-demo-digits"
HAND = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("no-data")
    return Context(load_checkpoint(RELEASED), folder, batcher=Batcher(released_sceptic()))


@pytest.fixture(scope="module")
def address(context: Context) -> Iterator[str]:
    page = build(context)
    yield launch_page(page, host="127.0.0.1", port=free_port(), block=False)
    page.close(verbose=False)


class AlwaysOne(torch.nn.Module):
    """A net that reads a one in everything."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.eye(10)[1] * 9)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(images), 10)


def name(page: Page, label: int, points: list[tuple[float, float]]) -> None:
    """Draws a digit, says that it is a `label`, and waits until it is kept."""
    draw(page, points)
    if page.locator("#sketchpad .naming").is_hidden():
        page.get_by_role("button", name="Right?").click()
    say_it_is(page, label)
    expect(page.locator("#sketchpad .kept")).to_have_text(f"Kept as a {label}. Draw the next.")


def score(page: Page) -> str:
    return page.locator("#sketchpad .score").inner_text()


def stored(page: Page) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(page.evaluate(f"localStorage.getItem('{KEY}')"))
    return found


def store(page: Page, text: str) -> None:
    """What lies in the browser when the page is opened next."""
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, text])
    page.reload()
    ready(page)


def test_named_digits_are_kept_scored_and_saved(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    expect(page.get_by_role("button", name="Right?")).to_be_hidden()
    name(page, 7, SEVEN)
    expect(page.locator("#sketchpad .saying")).to_have_text("Draw a digit")  # the next one
    draw(page, ONE)
    say_it_is(page, 4)
    expect(page.locator("#sketchpad .kept")).to_have_text("Kept as a 4. Draw the next.")
    assert score(page) == "1 of 2 read right"
    page.locator("#sketchpad .mine summary").click()
    tiles = page.locator("#sketchpad .tray li")
    expect(tiles).to_have_count(2)
    expect(tiles.first).to_have_text(re.compile("4, read as 1"))
    expect(tiles.first).to_have_class("wrong")
    expect(tiles.last).not_to_have_class("wrong")
    with page.expect_download() as file:
        page.get_by_role("button", name="Save as CSV").click()
    file.value.save_as(tmp_path / file.value.suggested_filename)
    split = read_pixels(tmp_path / "my-digits.csv")
    assert split.labels.tolist() == [4, 7]
    pixels = [base64.b64decode(str(digit["pixels"])) for digit in stored(page)]
    assert [image.numpy().tobytes() for image in split.images] == pixels


def test_a_reload_keeps_them_and_another_page_has_them_too(open_page: Open) -> None:
    page = open_page()
    name(page, 7, SEVEN)
    page.reload()
    ready(page)
    assert score(page) == "1 kept"  # the new page's net has not read it yet
    page.locator("#sketchpad .mine summary").click()
    expect(page.locator("#sketchpad .score")).to_have_text("1 of 1 read right")
    other = page.context.new_page()
    other.goto(page.url)
    ready(other)
    name(other, 1, ONE)
    expect(page.locator("#sketchpad .score")).to_have_text("2 of 2 read right")


def test_another_net_is_asked_about_all_of_them(open_page: Open, context: Context) -> None:
    page = open_page()
    name(page, 7, SEVEN)
    name(page, 1, ONE)
    page.locator("#sketchpad .mine summary").click()
    expect(page.locator("#sketchpad .score")).to_have_text("2 of 2 read right")
    visitor = next(reversed(context.visitors._all.values()))
    run = Run("run-1", 1, TrainConfig(net="linear"), "sample", "cpu", Dials(0.1))
    run.checkpoint = replace(context.released, net=AlwaysOne())
    visitor.add(run)
    choose(page, "Run 1: linear")
    expect(page.locator("#sketchpad .score")).to_have_text("1 of 2 read right")
    expect(page.locator("#sketchpad .tray .wrong")).to_have_text(re.compile("7, read as 1"))


def test_they_are_read_once_the_server_answers_again(open_page: Open) -> None:
    page = open_page(expected="ERR_FAILED")
    name(page, 7, SEVEN)
    page.reload()
    ready(page)
    page.route("**/component_server/**", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.locator("#sketchpad .mine summary").click()
    page.unroute("**/component_server/**")
    expect(page.locator("#sketchpad .score")).to_have_text("1 of 1 read right")


def test_what_a_browser_does_not_store_lasts_as_long_as_the_page(open_page: Open) -> None:
    page = open_page()
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    draw(page, SEVEN)
    page.get_by_role("button", name="Right?").click()
    say_it_is(page, 7)
    expect(page.locator("#sketchpad .kept")).to_contain_text("save them as a file before you leave")
    assert score(page) == "1 of 1 read right"
    page.get_by_role("tab", name="Train").click()
    expect(page.get_by_label("Learn from my 1 digit too")).to_be_visible(timeout=60_000)


def test_a_net_that_is_trained_with_them_reads_them(open_page: Open) -> None:
    page = open_page()
    for points in (SEVEN, SEVEN[:5], SEVEN[:4]):
        name(page, 4, points)
    page.locator("#sketchpad .mine summary").click()
    expect(page.locator("#sketchpad .score")).to_have_text("0 of 3 read right")
    expect(page.locator("#sketchpad .known")).to_be_hidden()
    page.get_by_role("button", name="Train with them").click()
    beside = page.get_by_label("Learn from my 3 digits too")
    expect(beside).to_be_checked(timeout=60_000)  # the tab is opened for it
    expect(beside).to_be_focused()
    page.get_by_role("spinbutton", name="Epochs").fill("3")
    page.locator("#training-board .start").click()
    expect(page.locator("#training-board .text")).to_contain_text("Done", timeout=150_000)
    expect(page.locator("#training-board .settings")).to_contain_text("and 3 of your own")
    beside.uncheck()
    page.get_by_role("button", name="Same settings").click()
    expect(beside).to_be_checked()
    page.get_by_role("button", name="Use in Draw").click()
    expect(page.locator("#sketchpad .score")).to_have_text("3 of 3 read right")
    expect(page.locator("#sketchpad .known")).to_be_visible()
    page.get_by_role("button", name="Forget all").click()
    page.get_by_role("tab", name="Train").click()
    expect(beside).to_be_hidden()


def test_keys_name_digits_and_a_named_one_goes_back_onto_the_pad(open_page: Open) -> None:
    page = open_page()
    draw(page, SEVEN)
    page.keyboard.press("7")  # nobody is asked yet
    expect_guess(page, 7)
    page.get_by_role("button", name="Right?").click()
    say_it_is(page, 7, lambda: page.keyboard.press("7"))
    expect(page.locator("#sketchpad .kept")).to_have_text("Kept as a 7. Draw the next.")
    page.locator("#sketchpad .mine summary").click()
    page.get_by_role("button", name="Your 7, onto the pad").click()
    expect_guess(page, 7)
    # The same picture has another name now, and stands there once.
    say_it_is(page, 9, lambda: page.keyboard.press("9"))
    expect(page.locator("#sketchpad .kept")).to_have_text("Kept as a 9. Draw the next.")
    assert [digit["label"] for digit in stored(page)] == [9]
    page.get_by_role("button", name="Close").click()
    draw(page, ONE)
    right = page.get_by_role("button", name="Right?")
    right.focus()
    page.keyboard.press("Escape")  # clears, and there is nothing to be asked about
    expect(right).to_be_hidden()
    expect(page.locator("#sketchpad .pad canvas")).to_be_focused()


def test_they_are_forgotten_one_by_one_or_all_and_brought_back(open_page: Open) -> None:
    page = open_page()
    for label, points in ((7, SEVEN), (1, ONE), (7, SEVEN[:5])):
        name(page, label, points)
    page.locator("#sketchpad .mine summary").click()
    page.get_by_role("button", name="Forget this 1").click()
    assert [digit["label"] for digit in stored(page)] == [7, 7]
    expect(page.get_by_role("button", name="Forget this 7").last).to_be_focused()
    page.get_by_role("button", name="Forget all").click()
    assert stored(page) == []
    expect(page.locator("#sketchpad .score")).to_have_text("none here")
    expect(page.locator("#sketchpad .told")).to_contain_text("can be brought back")
    expect(page.get_by_role("button", name="Train with them")).to_be_hidden()
    back = page.get_by_role("button", name="Bring back 3")
    expect(back).to_be_focused()
    back.press("Enter")
    assert [digit["label"] for digit in stored(page)] == [7, 1, 7]  # each where it was
    expect(page.locator("#sketchpad .tray li")).to_have_count(3)
    expect(page.locator("#sketchpad .tray .show:focus")).to_have_count(1)
    expect(back).to_be_hidden()
    page.get_by_role("button", name="Forget all").click()
    page.reload()
    expect(page.locator("#sketchpad .guess")).to_be_visible()
    expect(page.locator("#sketchpad .score")).to_have_text("none here")
    assert stored(page) == []


def test_what_was_forgotten_can_be_brought_back_when_another_is_kept(open_page: Open) -> None:
    page = open_page()
    name(page, 7, SEVEN)
    page.locator("#sketchpad .mine summary").click()
    page.get_by_role("button", name="Forget this 7").click()
    expect(page.get_by_role("button", name="Bring back 1")).to_be_focused()
    name(page, 1, ONE)
    page.get_by_role("button", name="Bring back 1").click()
    assert [digit["label"] for digit in stored(page)] == [1, 7]
    expect(page.locator("#sketchpad .tray .show").last).to_be_focused()


def test_a_saved_file_is_opened_again(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    page.locator("#sketchpad .mine summary").click()
    expect(page.locator("#sketchpad .mine .how")).to_be_visible()
    opener, told = page.locator("#sketchpad .mine input"), page.locator("#sketchpad .told")
    file = tmp_path / "digits.csv"
    file.write_bytes(b"\x89PNG, no digits")
    opener.set_input_files(file)
    expect(told).to_contain_text("open one that “Save as CSV” has made")
    for label, points in ((7, SEVEN), (1, ONE)):
        name(page, label, points)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    saved.value.save_as(file)
    before = stored(page)
    page.get_by_role("button", name="Forget all").click()
    opener.set_input_files(file)
    expect(told).to_have_text("2 digits taken in.")
    expect(page.get_by_role("button", name="Bring back")).to_be_hidden()
    assert stored(page) == before
    expect(page.locator("#sketchpad .score")).to_have_text("2 of 2 read right")
    rows = [[number % 10, number // 256, number % 256, *[128] * 782] for number in range(400)]
    lines = [",".join(map(str, row)) for row in [*rows, [10, *rows[0][1:]], rows[0][:9]]]
    file.write_text("\n".join([*lines[:1], lines[0], *lines[1:]]))  # no names, one digit twice
    opener.set_input_files(file)
    expect(told).to_have_text(
        "298 digits taken in, here already: 1, no room: 102, for 300 are kept at most, "
        "lines that are no digits: 2."
    )
    kept = stored(page)
    assert [digit["label"] for digit in kept[:3]] == [0, 1, 2]
    assert kept[298:] == before
    page.get_by_role("button", name="Forget this 7").last.click()
    page.get_by_role("button", name="Forget this 1").last.click()
    file.write_text("\n".join(lines[300:302]))
    opener.set_input_files(file)
    expect(told).to_have_text("2 digits taken in.")
    page.get_by_role("button", name="Bring back").click()
    expect(told).to_contain_text("there is room for no more")


def test_no_more_are_kept_than_there_is_room_for(open_page: Open) -> None:
    page = open_page()
    name(page, 7, SEVEN)
    (digit,) = stored(page)
    pixels = [bytes([number // 256, number % 256]) + b"\x80" * 782 for number in range(400)]
    many = [{"label": 7, "pixels": base64.b64encode(row).decode()} for row in pixels]
    store(page, json.dumps(many))
    assert score(page) == "300 kept"
    draw(page, SEVEN)
    page.get_by_role("button", name="Right?").click()
    say_it_is(page, 7)
    expect(page.locator("#sketchpad .kept")).to_contain_text("300 are kept, and there is room for")
    assert digit["pixels"] not in [other["pixels"] for other in stored(page)]


@pytest.mark.parametrize(
    "text",
    ["no JSON", "{}", "[1, null]", '[{"label": 11, "pixels": ""}, {"label": 1, "pixels": "?"}]'],
)
def test_what_is_damaged_in_the_browser_is_left_out(open_page: Open, text: str) -> None:
    page = open_page()
    store(page, text)
    expect(page.locator("#sketchpad .score")).to_have_text("none here")
    name(page, 1, ONE)
    assert score(page) == "1 of 1 read right"
    store(page, json.dumps([*stored(page), None, {"label": 2, "pixels": "?"}]))
    assert score(page) == "1 kept"


def test_on_a_phone_pad_names_and_bars_are_in_sight(open_page: Open) -> None:
    page = open_page(**HAND)
    draw(page, SEVEN)
    expect_guess(page, 7)
    page.get_by_role("button", name="Right?").tap()
    for part in (".pad", ".naming", ".bars"):
        expect(page.locator(f"#sketchpad {part}")).to_be_in_viewport(ratio=1)
    say_it_is(page, 7, page.get_by_role("button", name="It is a 7", exact=True).tap)
    expect(page.locator("#sketchpad .score")).to_have_text("1 of 1 read right")
    page.locator("#sketchpad .mine summary").tap()
    for part in (".naming", ".mine"):
        assert page.evaluate(SMALL, [f"#sketchpad {part}", 24]) == []
    assert page.evaluate(WIDE) <= 0
