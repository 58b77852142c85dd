"""The page without a mouse: the focus is seen, goes everywhere and leaves again, and draws."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from test_browser_draw import bars, expect_guess

pytestmark = pytest.mark.browser

# The focused element's name, and whether it or the frame around it is outlined.
FOCUS = """() => {
  const at = document.activeElement;
  const seen = (node) => {
    const style = node && getComputedStyle(node);
    return style && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  };
  const name = at.getAttribute('aria-label') || at.innerText || at.labels?.[0]?.innerText || '';
  return [at.tagName, name.split('\\n')[0].trim(), Boolean(seen(at) || seen(at.closest('.wrap')))];
}"""


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    window = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = window.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}?__theme=light")
    page.wait_for_selector("#sketchpad .bar")
    yield page
    window.close()
    assert errors == []


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def walk(page: Page, most: int = 60) -> list[str]:
    """Tab to the page's end: the names of what has the focus on the way, each seen to have it."""
    names: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        tag, name, is_seen = page.evaluate(FOCUS)
        if tag == "BODY":
            return names
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
    press(page, "Space")
    expect(page.locator("#sketchpad .announce")).to_have_text("Pen down, top left")
    press(page, *["Shift+ArrowRight"] * 4)
    for _ in range(10):  # two keys at once go aslant, and so does End
        page.keyboard.down("ArrowDown")
        page.keyboard.down("ArrowLeft")
        page.keyboard.up("ArrowLeft")
        page.keyboard.up("ArrowDown")
    press(page, *["End"] * 3, *["ArrowDown"] * 15)
    expect_guess(page, 7)  # with the pen still down
    press(page, "Space", "Shift+ArrowLeft", "Shift+ArrowLeft")
    expect(page.locator("#sketchpad .announce")).to_contain_text("This looks like a 7")
    press(page, "Control+z")
    expect(page.locator("#sketchpad .guess")).to_have_text("?")  # it was one stroke
    press(page, "Control+z")
    press(page, "Space", "Escape")  # clears, and lifts the pen
    press(page, "ArrowUp")
    assert bars(page) == [0.0] * 10
    press(page, "Tab")  # no trap
    expect(pad).not_to_be_focused()
    expect(nib).to_be_hidden()
