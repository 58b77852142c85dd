"""The page without a mouse: the focus is seen, goes everywhere and leaves again, and draws."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from test_browser_draw import bars, expect_guess, ready, say_it_is
from test_browser_race import PATIENCE

pytestmark = pytest.mark.browser

# The focused element's name, and whether it or the frame around it is outlined, and uncovered.
FOCUS = """() => {
  const at = document.activeElement;
  (window.reached ??= new Set()).add(at);
  const seen = (node) => {
    const style = node && getComputedStyle(node);
    return style && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  };
  const name = at.getAttribute('aria-label') || at.labels?.[0]?.innerText || at.innerText || '';
  const { x, y, width, height } = at.getBoundingClientRect();
  const top = document.elementFromPoint(x + width / 2, y + height / 2);
  const free = top && (at.contains(top) || top.contains(at));
  const shown = Boolean(free && (seen(at) || seen(at.closest('.wrap'))));
  return [at.tagName, name.split('\\n')[0].trim(), shown];
}"""
# Nothing in the form has changed for a second.
SETTLED = """() => {
  if (!window.formWatch) {
    window.formWatch = new MutationObserver(() => (window.formChanged = performance.now()));
    const all = { subtree: true, childList: true, attributes: true, characterData: true };
    window.formWatch.observe(document.querySelector('#training-form'), all);
    window.formChanged = performance.now();
  }
  return performance.now() - window.formChanged > 1000;
}"""
# What a mouse could press in `part` and the walk did not come to; arrow keys go on from a tile
# and a cell.
MISSED = """(part) => [...document.querySelectorAll(
  `${part} :is(button, a[href], input, select, summary, [tabindex="0"])`)].filter((node) =>
    node.checkVisibility() && node.getClientRects().length && !node.disabled
    && !node.closest('.matrix, .tiles') && !window.reached.has(node)).map(
  (node) => node.getAttribute('aria-label') || node.innerText || node.className)"""


# All that is told from now on: much of it stands for a moment alone.
LISTEN = """() => {
  window.heard = [];
  const place = document.querySelector('#sketchpad .announce');
  const all = { childList: true, characterData: true, subtree: true };
  new MutationObserver(() => window.heard.push(place.textContent)).observe(place, all);
}"""


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    window = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = window.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}?__theme=light")
    ready(page)
    yield page
    window.close()
    assert errors == []


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def hear(page: Page, text: str) -> None:
    """Waits until it is told, and forgets what was told up to it."""
    page.wait_for_function(
        """(text) => {
          const place = window.heard.findIndex((told) => told.startsWith(text));
          return place >= 0 && window.heard.splice(0, place + 1);
        }""",
        arg=text,
    )


def walk(page: Page, most: int = 100) -> list[str]:
    """Tab to the page's end: the names of what has the focus on the way, each seen to have it."""
    page.evaluate("window.reached = new Set()")
    names: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        tag, name, is_seen = page.evaluate(FOCUS)
        if tag == "BODY":
            return names
        for _ in range(100):  # a list that it leaves may lie over it for a moment
            if is_seen:
                break
            page.wait_for_timeout(50)
            is_seen = page.evaluate(FOCUS)[2]
        assert is_seen, f"nobody sees that the focus is on {name!r}"
        names.append(name)
    raise AssertionError(f"after {most} times Tab the focus is still at {names[-3:]}")


def test_tab_goes_through_every_tab_and_arrows_between_them(page: Page) -> None:
    names = walk(page)
    assert names[0] == "中文"
    assert names[1:5] == ["Answered by", "Draw", "Train", "Gallery"]
    assert names[5].startswith("Pad: ")
    assert {"Picture…", "Brush size", "Draw an example: A 7"} <= set(names)
    expect(page.get_by_role("listbox")).to_have_count(0)  # the list of nets has closed behind it

    page.get_by_role("tab", name="Draw").focus()
    press(page, "ArrowRight")
    expect(page.get_by_role("tab", name="Train")).to_be_focused()
    expect(page.locator("#training-board .start")).to_be_enabled()
    page.wait_for_function(SETTLED)
    names = walk(page)
    wanted = ["Gallery", "Recipe", "Data", "Net", "Epochs", "Learning rate", "Seed", "Train"]
    assert [name for name in names if name in wanted] == wanted
    expect(page.get_by_role("listbox")).to_have_count(0)


def test_the_focus_stays_on_a_button_that_has_nothing_more_to_do(page: Page) -> None:
    page.get_by_role("button", name="Draw an example: A 7").press("Enter")
    expect_guess(page, 7)
    for name in ("Clear", "Undo"):
        button = page.locator("#sketchpad").get_by_role("button", name=name)
        while button.is_enabled():
            button.press("Enter")
        expect(button).to_be_focused()
        press(page, "Enter")  # and does nothing
    expect(page.locator("#sketchpad .guess")).to_have_text("?")


def test_a_seven_is_drawn_by_keys_and_read_on_the_way(page: Page) -> None:
    pad = page.locator("#sketchpad .pad canvas")
    nib = page.locator("#sketchpad .nib")
    expect(nib).to_be_hidden()
    page.get_by_role("tab", name="Gallery").focus()
    press(page, "Tab")
    expect(pad).to_be_focused()
    expect(nib).to_be_visible()
    expect(pad).to_have_accessible_description(
        "Space puts the pen down and lifts it, arrow keys move it, with Shift further; Home, End, "
        "Page Up and Page Down go aslant. Esc clears, Ctrl+Z undoes."
    )
    before = nib.bounding_box()
    press(page, *["Shift+ArrowLeft"] * 2, *["Shift+ArrowUp"] * 3)
    assert nib.bounding_box() != before
    assert bars(page) == [0.0] * 10  # the pen was up
    page.evaluate(LISTEN)
    press(page, "Space")
    hear(page, "Pen down, top left")
    press(page, *["Shift+ArrowRight"] * 4)
    for _ in range(10):  # two keys at once go aslant, and so does End
        page.keyboard.down("ArrowDown")
        page.keyboard.down("ArrowLeft")
        page.keyboard.up("ArrowLeft")
        page.keyboard.up("ArrowDown")
    press(page, *["End"] * 3, *["ArrowDown"] * 15)
    expect_guess(page, 7)  # with the pen still down
    press(page, "Space")
    hear(page, "Pen up, bottom")
    hear(page, "This looks like a 7")
    press(page, *["Shift+ArrowLeft"] * 5)
    hear(page, "Pen up, bottom left")
    press(page, "Control+z")
    expect(page.locator("#sketchpad .guess")).to_have_text("?")  # it was one stroke
    press(page, "Control+z")
    press(page, "Space", "Escape")  # clears, and lifts the pen
    press(page, "ArrowUp")
    assert bars(page) == [0.0] * 10
    press(page, "Tab")  # no trap
    expect(pad).not_to_be_focused()
    expect(nib).to_be_hidden()


def test_all_that_draw_unfolds_is_reached(page: Page) -> None:
    example = page.get_by_role("button", name="Draw an example: A 7")
    example.press("Enter")
    expect_guess(page, 7)
    page.get_by_role("button", name="Right?").press("Enter")
    say_it_is(page, 0, lambda: press(page, "Tab", "Space"))  # the first of ten
    expect(page.locator("#sketchpad .kept")).to_have_text("Kept as a 0. Draw the next.")
    example.press("Space")
    expect_guess(page, 7)
    page.locator("#sketchpad .inside summary").press("Space")
    page.locator("#sketchpad .mine summary").press("Enter")
    expect(page.locator("#sketchpad .tray li")).to_have_count(1)
    expect(page.locator("#sketchpad .evidence")).to_be_visible()
    page.get_by_role("tab", name="Gallery").focus()
    names = walk(page)
    wanted = [
        "Close",
        "It is a 0",
        "It is a 9",
        "Inside the network",
        "Forget this 0",
        "Forget all",
    ]
    assert [name for name in names if name in wanted] == wanted
    assert page.evaluate(MISSED, "#sketchpad") == []


def test_the_gallery_is_walked_filtered_and_opened(page: Page) -> None:
    page.get_by_role("tab", name="Gallery").press("Enter")
    tile = page.locator("#gallery .tile").first
    expect(tile).to_be_visible()
    names = walk(page)
    assert names[:2] == ["Compare with", "16 samples"]
    assert any(name.startswith("taken for 0") for name in names)
    assert page.evaluate(MISSED, "#gallery .board > :not(dialog)") == []

    page.get_by_role("button", name="taken for 0").focus()
    press(page, *["ArrowDown"] * 3, "ArrowRight", "Enter")
    expect(page.locator("#gallery .showing")).to_contain_text("2 read as 1 ")
    expect(page.get_by_role("button", name="2 read as 1: ")).to_be_focused()
    page.get_by_role("button", name="Show all mistakes").press("Space")
    order = page.get_by_label("Order")
    expect(order).to_be_focused()
    press(page, "ArrowDown")
    expect(order).to_have_value("confident")

    expect(page.locator("#gallery .digits:not([aria-busy])")).to_be_visible()
    press(page, "Tab", "ArrowRight", "Enter")
    tile = page.locator("#gallery .tile").nth(1)
    details = page.get_by_role("dialog")
    expect(details.get_by_role("button", name="Close")).to_be_focused()
    names = walk(page)
    assert names == ["Previous", "Next", "Pixel values", "Open in the sketchpad"]
    details.get_by_role("button", name="Pixel values").press("Enter")
    expect(page.locator("#gallery .drawn img")).to_be_visible()
    names = walk(page)
    assert {"Full size", "Save as PNG"} <= set(names)
    press(page, "Escape", "Escape")
    expect(tile).to_be_focused()
    press(page, "Enter")
    details.get_by_role("button", name="Open in the sketchpad").press("Enter")
    expect(page.locator("#sketchpad .pad canvas")).to_be_focused()


@pytest.mark.timeout(400)  # a process that starts and trains
def test_a_run_and_a_race_are_started_by_keys_and_all_of_train_is_reached(page: Page) -> None:
    page.get_by_role("tab", name="Train").press("Enter")
    board = page.locator("#training-board .board")
    start = board.get_by_role("button", name="Train", exact=True)
    expect(start).to_be_enabled()
    page.get_by_label("Net", exact=True).first.focus()
    press(page, "ArrowUp", "Enter")  # from the first to the last
    page.get_by_role("spinbutton", name="Epochs").focus()
    press(page, "Control+a", "2")
    start.press("Enter")
    expect(board).to_have_attribute("data-status", "done", timeout=PATIENCE)
    expect(board.locator(".state")).to_be_focused()

    page.get_by_role("button", name="More settings").press("Enter")
    page.get_by_label("Weight decay").wait_for()
    if page.locator("#training-shapes table").is_hidden():
        page.locator("#training-shapes summary").press("Enter")
    page.locator("#training-shapes table").wait_for()
    page.locator("#race summary").press("Space")
    race = page.locator("#race .race")
    expect(race.locator(".machine")).to_contain_text("Python", ignore_case=True)
    page.wait_for_function(SETTLED)  # Gradio has put what is new in its place
    page.get_by_role("tab", name="Gallery").focus()
    expect(page.get_by_role("tab", name="Gallery")).to_be_focused()
    names = walk(page)
    wanted = ["Layer by layer", "More settings", "Train", "loss by epochs", "accuracy by epochs"]
    assert [name for name in names if name in wanted] == wanted
    assert {"Use in Draw (run 1)", "Delete (run 1)", "Our recipe fast"} <= set(names)
    for part in ("#training-form", "#training-board", "#race"):
        assert page.evaluate(MISSED, part) == []

    chart = page.get_by_role("slider", name="accuracy by epochs")
    chart.focus()
    expect(chart).to_have_attribute("aria-valuetext", re.compile("^epoch 2, training "))
    press(page, "ArrowLeft")
    expect(board.locator(".tip:visible")).to_contain_text("epoch 1")
    press(page, "ArrowLeft", "End")
    expect(chart).to_have_attribute("aria-valuenow", "2")

    page.get_by_role("button", name="Start the race").press("Space")
    expect(race).to_have_attribute("data-status", "racing", timeout=PATIENCE)
    expect(race.locator(".text")).to_be_focused()
    press(page, "Shift+Tab", "Enter")  # to Stop
    expect(race).to_have_attribute("data-status", "stopped", timeout=PATIENCE)
    expect(race.locator(".text")).to_be_focused()

    board.get_by_role("button", name="Open in Gallery (run 1)").press("Enter")
    expect(page.get_by_role("tab", name="Gallery")).to_be_focused()
    compare = page.get_by_label("Compare with")
    expect(compare.locator("option")).to_have_count(4)  # none, and the three that all have
    compare.press("ArrowDown")
    expect(page.locator("#gallery .groups button")).to_have_count(4)
    page.get_by_role("tab", name="Gallery").focus()
    names = walk(page)
    assert names[0] == "Compare with"
    assert "Both wrong" in " ".join(names)
    assert page.evaluate(MISSED, "#gallery .board > :not(dialog)") == []
