"""The Draw tab in a real browser: live bars, touch, undo, pictures, other visitors, phones."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, FloatRect, Page, Request, Route, expect

from mnist_demo.benchmark.server import free_port
from mnist_demo.datasets import Dataset
from mnist_demo.page.app import build
from mnist_demo.page.doors import Door
from mnist_demo.page.launch import launch_page, make_context

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
SEVEN = [(0.3, 0.24), (0.48, 0.22), (0.7, 0.22), (0.6, 0.42), (0.5, 0.62), (0.44, 0.85)]
STAR = [(0.5, 0.15), (0.71, 0.79), (0.17, 0.39), (0.83, 0.39), (0.29, 0.79), (0.5, 0.15)]
ONE = [(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)]


# On a busy machine the styles and letters come after the script, and the pad moves with them.
# Frames are counted too: one that takes half a second shows nothing at rest.
AT_REST = """() => {
  const pad = document.querySelector('#sketchpad .pad canvas').getBoundingClientRect();
  const place = JSON.stringify(pad);
  const now = performance.now();
  if (window.padPlace !== place) {
    [window.padPlace, window.padSince, window.padFrames] = [place, now, 0];
  }
  return pad.width > 250 && pad.width === pad.height && document.fonts.status === 'loaded'
    && ++window.padFrames > 12 && now - window.padSince > 500;
}"""


def ready(page: Page) -> None:
    """Waits until the pad is there and stands still."""
    page.wait_for_selector("#sketchpad .bar")
    page.wait_for_function(AT_REST)


INK_IN = """(canvas, [left, top]) => {
  const { data } = canvas.getContext('2d').getImageData(left, top, 28, 28);
  return data.filter((_, i) => i % 4 === 0).reduce((a, b) => a + b) / 255; }"""


@pytest.fixture
def open_page(chromium: Browser, address: str) -> Iterator[Open]:
    """Opens the app in a context of its own; any error on its console fails the test."""
    contexts = []
    errors: list[str] = []

    def opened(theme: str = "light", expected: str = "nothing", **options: Any) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()

        def note(message: ConsoleMessage) -> None:
            if message.type == "error" and expected not in message.text:
                errors.append(message.text)

        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}?__theme={theme}")
        ready(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def pad_box(page: Page) -> FloatRect:
    box = page.locator("#sketchpad .pad canvas").bounding_box()
    assert box is not None
    return box


def draw(page: Page, points: list[tuple[float, float]], lift: bool = True) -> None:
    page.locator("#sketchpad .pad canvas").scroll_into_view_if_needed()
    ready(page)
    box = pad_box(page)
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*at[0])
    page.mouse.down()
    for x, y in at[1:]:
        page.mouse.move(x, y, steps=6)
    if lift:
        page.mouse.up()


BARS = """[...document.querySelectorAll('#sketchpad [role=meter]')].map(
  (bar) => Number(bar.getAttribute('aria-valuenow')))"""


def bars(page: Page) -> list[float]:
    """All ten at one moment: while the pen is down they change between two questions."""
    return [float(value) for value in page.evaluate(BARS)]


def expect_guess(page: Page, digit: int) -> None:
    expect(page.locator("#sketchpad .guess")).to_have_text(str(digit))


def say_it_is(page: Page, label: int, press: Callable[[], None] | None = None) -> None:
    """Names what is drawn, where it is asked for; once more where it was not read yet.

    `press`: in another way than by a click.
    """
    button = page.get_by_role("button", name=re.compile(f"^It is an? {label}$"))
    kept = page.locator("#sketchpad .kept")
    asked, unread = "Which digit did you draw?", re.compile("not read yet")
    expect(kept).to_have_text(asked)  # and not what was said of the digit before
    (press or button.click)()
    expect(kept).not_to_have_text(asked)
    while unread.search(kept.inner_text()):
        button.evaluate("(button) => button.click()")  # it does nothing where it was kept since
        page.wait_for_timeout(200)


def test_bars_move_before_the_pen_is_lifted(open_page: Open) -> None:
    page = open_page()
    expect(page.locator("#sketchpad .saying")).to_have_text("Draw a digit")
    assert bars(page) == [0.0] * 10
    draw(page, SEVEN[:3], lift=False)
    expect(page.locator("#sketchpad .guess")).to_have_text(re.compile(r"\d"))
    early = bars(page)
    assert sum(early) == pytest.approx(100, abs=1)
    box = pad_box(page)
    for x, y in SEVEN[3:]:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=6)
    expect_guess(page, 7)  # which half of it may have been read as already
    page.wait_for_function(f"(early) => {BARS}.join() !== early.join()", arg=early)
    page.mouse.up()
    expect(page.get_by_role("status").first).to_contain_text("This looks like a 7")


@pytest.mark.parametrize("key", ["Escape", "Control+z"])
def test_what_a_pen_adds_after_its_stroke_was_taken_back_is_no_ink(
    open_page: Open, key: str
) -> None:
    page = open_page()
    draw(page, SEVEN[:3], lift=False)
    expect(page.locator("#sketchpad .guess")).to_have_text(re.compile(r"\d"))
    page.keyboard.press(key)
    box = pad_box(page)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.9, steps=8)
    blank = """() => { const pad = document.querySelector('#sketchpad .pad canvas');
      const { data } = pad.getContext('2d').getImageData(0, 0, pad.width, pad.height);
      return !data.some(Boolean); }"""
    assert page.evaluate(blank)
    page.mouse.up()
    expect(page.locator("#sketchpad .saying")).to_have_text("Draw a digit")
    assert page.evaluate(blank)


def test_what_nothing_reads_has_no_bars(open_page: Open) -> None:
    """A run's net may be thrown away while it is the one that answers."""
    page = open_page()
    draw(page, SEVEN)
    expect_guess(page, 7)
    gone = {"error": "that net is gone; choose another"}
    page.route("**/component_server/**", lambda route: route.fulfill(json=gone))
    draw(page, [(0.2, 0.8), (0.3, 0.8)])
    expect(page.locator("#sketchpad .saying")).to_have_text("That net is gone")
    assert bars(page) == [0.0] * 10


def test_two_digits_are_read_both(open_page: Open) -> None:
    page = open_page()
    draw(page, [(x * 0.5, 0.25 + y * 0.5) for x, y in SEVEN])
    draw(page, [(0.75, 0.3), (0.75, 0.7)])
    expect(page.locator("#sketchpad .guess")).to_have_text("71")
    expect(page.locator("#sketchpad .saying")).to_have_text("2 digits: 7, 1")
    read = [place for place, value in enumerate(bars(page)) if value > 50]
    assert read == [1, 7]
    fields = page.locator("#sketchpad .strip canvas").nth(3)
    page.wait_for_function("document.querySelectorAll('#sketchpad .strip canvas')[3].width === 56")
    assert all(fields.evaluate(INK_IN, place) > 10 for place in ([0, 14], [28, 14]))
    page.locator("#sketchpad .inside summary").click()
    evidence = page.locator("#sketchpad .evidence canvas")
    expect(evidence).to_have_attribute("aria-label", "What the answer 7 rests on")
    page.locator("#sketchpad .inside .which").get_by_role("button", name="1").click()
    expect(evidence).to_have_attribute("aria-label", "What the answer 1 rests on")
    page.get_by_role("button", name="Undo").click()
    expect_guess(page, 7)
    expect(evidence).to_have_attribute("aria-label", "What the answer 7 rests on")
    expect(page.locator("#sketchpad .inside .which")).to_be_hidden()


def test_what_is_no_digit_is_said_to_be_none_once_the_pen_rests(open_page: Open) -> None:
    page = open_page()
    draw(page, STAR, lift=False)
    expect(page.locator("#sketchpad .guess")).to_have_text(re.compile(r"\d"))
    page.mouse.up()
    expect(page.locator("#sketchpad .saying")).to_have_text("This does not look like a digit")
    expect(page.locator("#sketchpad .detail")).to_contain_text("If it is one, then a")
    page.keyboard.press("Escape")
    draw(page, SEVEN)
    expect_guess(page, 7)
    expect(page.locator("#sketchpad .bars")).not_to_have_class(re.compile("strange"))


def test_meters_are_named_and_in_order(open_page: Open) -> None:
    page = open_page()
    names = [bar.get_attribute("aria-label") for bar in page.get_by_role("meter").all()]
    assert names == [f"digit {digit}" for digit in range(10)]


def test_undo_and_clear_by_button_and_key(open_page: Open) -> None:
    page = open_page()
    draw(page, SEVEN)
    expect_guess(page, 7)
    page.keyboard.press("Escape")
    expect(page.locator("#sketchpad .saying")).to_have_text("Draw a digit")
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()
    page.keyboard.press("Control+z")  # brings the cleared drawing back
    expect_guess(page, 7)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#sketchpad .guess")).to_have_text("?")
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_touch_draws_and_does_not_scroll(open_page: Open) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    box = pad_box(page)
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in points
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", ONE[0])
    for step in range(1, 21):
        touch("touchMove", (0.5, 0.2 + 0.03 * step))
    expect_guess(page, 1)  # with the finger still down
    touch("touchEnd")
    assert page.evaluate("scrollY") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    last = page.get_by_role("meter").last.bounding_box()
    assert last is not None
    assert last["y"] + last["height"] <= 844  # all bars are in view while drawing


def test_first_screen_needs_no_scrolling(open_page: Open) -> None:
    page = open_page()
    for part in (".pad", ".examples", ".bars", ".strip"):
        box = page.locator(f"#sketchpad {part}").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800


def test_the_strip_shows_what_the_net_sees(open_page: Open) -> None:
    page = open_page()
    draw(page, SEVEN)
    expect_guess(page, 7)
    expect(page.locator("#sketchpad .strip")).not_to_have_class(re.compile("empty"))
    ink = page.evaluate(
        """() => [...document.querySelectorAll('#sketchpad .strip canvas')].map((canvas) => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return data.filter((_, i) => i % 4 === 0).reduce((a, b) => a + b) / 255; })"""
    )
    assert len(ink) == 4
    assert all(amount > 10 for amount in ink)
    assert ink[2] == pytest.approx(ink[3], rel=0.02)  # the same ink, moved to the middle


# What is measured once it has stayed the same for twelve frames, as an example draws a bit in each.
DRAWN_TO_ITS_END = """(measure) => new Promise((done) => {
  let [still, last] = [0, measure()];
  const look = () => {
    const now = measure();
    [still, last] = [now === last ? still + 1 : 0, now];
    still < 12 ? requestAnimationFrame(look) : done(last);
  };
  requestAnimationFrame(look);
})"""


def test_an_example_draws_itself_and_drawing_survives_a_tab_switch(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Draw an example: A 3").click()
    expect_guess(page, 3)
    page.get_by_role("tab", name="Gallery").click()
    page.get_by_role("tab", name="Draw").click()
    expect_guess(page, 3)
    length = "document.querySelector('#sketchpad .pad canvas').toDataURL().length"
    before = page.evaluate(f"({DRAWN_TO_ITS_END})(() => {length})")
    page.set_viewport_size({"width": 800, "height": 900})
    page.wait_for_timeout(300)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.wait_for_function(f"Math.abs({length} / {before} - 1) < 0.1")  # redrawn, not lost


def test_a_picture_is_opened_onto_the_pad(
    open_page: Open, sample: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> None:
    index = int((sample.validation.labels == 4).nonzero()[0])
    digit = 255 - sample.validation.images[index, 0].numpy()
    paper = np.full((90, 120), 235, dtype=np.uint8)
    paper[40:68, 70:98] = np.minimum(paper[40:68, 70:98], digit)
    file = tmp_path_factory.mktemp("pictures") / "four.png"
    Image.fromarray(paper).save(file)
    page = open_page()
    held = hold_pictures(page)
    page.locator("#sketchpad .tools input[type=file]").set_input_files(file)
    expect(page.locator("#sketchpad .saying")).to_have_text("Reading the picture…")
    expect(page.locator("#sketchpad .announce")).to_have_text("Reading the picture…")
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    expect_guess(page, 4)
    page.unroute("**/component_server/**")
    file.write_bytes(b"not a picture")
    page.locator("#sketchpad .tools input[type=file]").set_input_files(file)
    expect(page.locator("#sketchpad .saying")).to_have_text(
        "The file is not a picture that can be read"
    )
    expect(page.locator("#sketchpad .detail")).to_contain_text("PNG")
    draw(page, [(0.1, 0.1), (0.1, 0.12)])
    page.get_by_role("button", name="Undo").click()
    expect_guess(page, 4)  # the drawing that was there is still there


def hold_pictures(page: Page) -> list[Route]:
    """The pictures that the page sends from now on, which wait to be let through."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if '"read_picture"' in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/component_server/**", hold)
    return held


def picture_of(digit: int, sample: Dataset, file: Path) -> Path:
    index = int((sample.validation.labels == digit).nonzero()[0])
    Image.fromarray(sample.validation.images[index, 0].numpy()).resize((84, 84)).save(file)
    return file


def test_only_the_picture_opened_last_is_put_and_none_over_what_is_drawn_since(
    open_page: Open, sample: Dataset, tmp_path: Path
) -> None:
    four, seven = (
        picture_of(digit, sample, tmp_path / name) for digit, name in ((4, "4.jpg"), (7, "7.png"))
    )
    page = open_page()
    held = hold_pictures(page)
    opener = page.locator("#sketchpad .tools input[type=file]")
    for number, file in enumerate((four, seven), 1):
        opener.set_input_files(file)
        while len(held) < number:
            page.wait_for_timeout(50)
    sent = [base64.b64decode(json.loads(route.request.post_data or "")["data"]) for route in held]
    assert sent[0].startswith(b"\xff\xd8\xff")  # JPEG, as it came
    assert sent[1].startswith(b"\x89PNG")  # which may be transparent
    held[1].continue_()
    expect_guess(page, 7)
    with page.expect_response("**/component_server/**"):
        held[0].continue_()
    page.wait_for_timeout(100)
    expect_guess(page, 7)
    opener.set_input_files(four)
    while len(held) < 3:
        page.wait_for_timeout(50)
    draw(page, ONE, lift=False)
    with page.expect_response("**/component_server/**"):
        held[2].continue_()
    page.mouse.up()
    expect(page.locator("#sketchpad .saying")).to_contain_text("You have drawn since")
    expect(page.locator("#sketchpad .detail")).to_contain_text("Clear the pad")
    page.keyboard.press("Control+z")
    expect_guess(page, 7)
    page.unroute("**/component_server/**")


def test_two_visitors_draw_apart(open_page: Open) -> None:
    first, second = open_page(), open_page()
    draw(first, SEVEN)
    draw(second, ONE)
    expect_guess(first, 7)
    expect_guess(second, 1)


def test_a_lost_connection_is_told_and_mended(open_page: Open) -> None:
    page = open_page(expected="ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    draw(page, SEVEN)
    expect(page.locator("#sketchpad .saying")).to_have_text("No connection to the server")
    expect(page.locator("#sketchpad .announce")).to_contain_text("Your drawing is safe")
    page.context.set_offline(False)
    expect(page.locator("#sketchpad .saying")).to_have_text("This looks like a 7")
    expect_guess(page, 7)


# A timer of so many ms is over after so many.
HURRY = """([ms, instead]) => {
  const timer = window.setTimeout;
  window.setTimeout = (act, time, ...more) => timer(act, time === ms ? instead : time, ...more);
}"""


def test_an_answer_that_comes_late_is_shown(open_page: Open) -> None:
    page = open_page()
    page.evaluate(HURRY, [4000, 300])  # as long as an answer is waited for
    held: list[Route] = []
    page.route("**/component_server/**", lambda route: held.append(route))
    draw(page, SEVEN)
    whole = len(held)
    while len(held) < whole + 2:  # it is asked about once more: nobody waits for the first of them
        page.wait_for_timeout(50)
    expect(page.locator("#sketchpad .saying")).to_have_text("No connection to the server")
    for route in held[: whole + 1]:
        route.continue_()
    expect(page.locator("#sketchpad .saying")).to_have_text("This looks like a 7")
    page.unroute("**/component_server/**")


def test_who_is_logged_in_no_more_is_told_so(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A server with a password that was started again knows nobody."""
    blocks = build(make_context(tmp_path_factory.mktemp("no-data")))
    address = launch_page(blocks, port=free_port(), block=False, door=Door("open sesame"))
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address)
    page.get_by_label("username").fill("anybody")
    page.get_by_label("password").fill("open sesame")
    page.get_by_role("button", name="Login").click()
    ready(page)
    context.clear_cookies()
    draw(page, SEVEN)
    expect(page.locator("#sketchpad .saying")).to_have_text("This login is over")
    expect(page.locator("#sketchpad .detail")).to_contain_text("log in again")
    context.close()
    blocks.close(verbose=False)


def test_a_drawing_outlives_a_phone_that_drops_its_hidden_tab(open_page: Open) -> None:
    page = open_page()
    draw(page, SEVEN)
    page.evaluate("""() => {
      Object.defineProperty(document, 'hidden', { get: () => true });
      document.dispatchEvent(new Event('visibilitychange'));
      Storage.prototype.setItem = () => {}; }""")  # nothing is kept as it goes
    page.reload()
    expect_guess(page, 7)


# Whether the page took what was dragged over a place and dropped there: a picture, or text.
DROPPED = """([place, picture]) => ['dragover', 'drop'].map((kind) => {
  const dataTransfer = new DataTransfer();
  if (picture) {
    const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
    dataTransfer.items.add(new File([bytes], 'digit.png', { type: 'image/png' }));
  } else dataTransfer.setData('text/plain', 'text');
  const event = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
  return !document.querySelector(place).dispatchEvent(event);
})"""


def test_a_picture_dropped_anywhere_is_never_opened_in_place_of_the_page(
    open_page: Open, sample: Dataset
) -> None:
    stream = io.BytesIO()
    Image.fromarray(sample.validation.images[0, 0].numpy()).save(stream, format="PNG")
    picture = base64.b64encode(stream.getvalue()).decode()
    page = open_page()
    page.get_by_role("tab", name="Train").click()
    page.locator("#training-board").wait_for()
    assert page.evaluate(DROPPED, ["#training-board", picture]) == [True, True]
    page.get_by_role("tab", name="Draw").click()
    assert page.evaluate(DROPPED, ["#sketchpad .bars", ""]) == [False, False]
    expect(page.locator("#sketchpad .invite")).to_be_visible()
    assert page.evaluate(DROPPED, ["#sketchpad .bars", picture]) == [True, True]
    expect_guess(page, int(sample.validation.labels[0]))


def test_a_net_that_has_learned_on_is_asked_once_when_its_answer_is_seen(open_page: Open) -> None:
    page = open_page()
    asked: list[str] = []

    def is_question(request: Request) -> bool:
        return '"classify"' in (request.post_data or "")

    page.on("request", lambda request: asked.append(request.url) if is_question(request) else None)
    learned = "window.dispatchEvent(new CustomEvent('net-changed', { detail: ['released'] }))"
    page.evaluate(learned)
    page.wait_for_timeout(300)
    assert not asked  # nothing is drawn
    draw(page, SEVEN)
    expect(page.locator("#sketchpad .announce")).to_contain_text("This looks like a 7")
    before = 0
    while len(asked) > before:  # that may have been said of an earlier stroke
        before = len(asked)
        page.wait_for_timeout(1000)
    asked.clear()
    with page.expect_request(is_question):
        page.evaluate(learned)
    page.get_by_role("tab", name="Gallery").click()
    expect(page.locator("#sketchpad")).to_be_hidden()
    for _ in range(2):
        page.evaluate(learned)
    page.wait_for_timeout(300)
    assert len(asked) == 1
    with page.expect_request(is_question):
        page.get_by_role("tab", name="Draw").click()
    page.wait_for_timeout(300)
    assert len(asked) == 2


def test_bars_are_seen_in_a_visitors_own_few_colours(open_page: Open) -> None:
    page = open_page(forced_colors="active")
    draw(page, SEVEN)
    expect_guess(page, 7)
    fill, track, border = page.locator("#sketchpad .best .track").evaluate("""(track) => {
      const [inner, outer] = [track.firstChild, track].map((node) => getComputedStyle(node));
      return [inner.backgroundColor, outer.backgroundColor, outer.borderTopWidth]; }""")
    assert fill != track
    assert border == "1px"


def test_the_endpoint_reads_a_picture(address: str, sample: Dataset) -> None:
    from gradio_client import Client

    stream = io.BytesIO()
    Image.fromarray(sample.validation.images[0, 0].numpy()).save(stream, format="PNG")
    client = Client(address, verbose=False)
    answer = client.predict(base64.b64encode(stream.getvalue()).decode(), api_name="/classify")
    assert answer["digit"] == int(sample.validation.labels[0])
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-4)
    assert "not a picture" in client.predict("aGVsbG8=", api_name="/classify")["error"]


def test_inside_the_network_follows_the_pen_and_rests_with_it(open_page: Open) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if '"inside"' in (r.post_data or "") else None)
    draw(page, SEVEN)
    expect_guess(page, 7)
    page.wait_for_timeout(700)
    assert not asked  # nobody looks
    page.locator("#sketchpad .inside summary").click()
    evidence = page.locator("#sketchpad .evidence canvas")
    expect(evidence).to_have_attribute("aria-label", "What the answer 7 rests on")
    expect(page.locator("#sketchpad .inside .hint")).to_be_hidden()
    stages = page.locator("#sketchpad .stages canvas")
    expect(stages).to_have_count(7)
    expect(stages.nth(0)).to_have_attribute(
        "aria-label", "Convolution 3×3 · 32 pictures of 26×26, the first 16 of them"
    )
    colours = """(canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const sums = [0, 0, 0];
      data.forEach((value, i) => i % 4 < 3 && (sums[i % 4] += value));
      return sums; }"""
    red, green, _ = evidence.evaluate(colours)
    assert red > 1.2 * green > 0  # the ink of a clear digit speaks for it
    before = stages.nth(0).evaluate(colours)
    page.keyboard.press("Escape")
    expect(page.locator("#sketchpad .inside .hint")).to_be_visible()
    expect(evidence).to_be_hidden()
    draw(page, ONE, lift=False)
    expect(page.locator("#sketchpad .evidence.old")).to_have_count(1)
    assert stages.nth(0).evaluate(colours) != before
    page.mouse.up()
    expect(evidence).to_have_attribute("aria-label", "What the answer 1 rests on")
    expect(page.locator("#sketchpad .evidence.old")).to_have_count(0)
