"""Phones and tablets: nothing overflows, fingers find their targets, palms leave no ink."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from test_browser_draw import ONE, expect_guess, pad_box, ready, say_it_is

pytestmark = pytest.mark.browser

SIZES = {
    "phone": (390, 844),
    "phone on its side": (844, 390),
    "upright": (820, 1180),
    "lying": (1180, 820),
}
Open = Callable[..., Page]

# What can be pressed and is smaller than `least`, with its size; a label counts as its box's.
SMALL = """([within, least]) => [...document.querySelectorAll(
  `${within} :is(button, a, summary, select, input, [tabindex="0"])`)].flatMap((node) => {
  const target = node.type === 'checkbox' ? node.closest('label')
    : node.getAttribute('role') === 'combobox' ? node.closest('.wrap') : node;
  const { width, height } = target.getBoundingClientRect();
  if (!node.checkVisibility() || !width || node.disabled) return [];
  const name = node.getAttribute('aria-label') || node.innerText || node.className;
  return Math.min(width, height) < least - 0.5 ? [`${name}: ${width} x ${height}`] : [];
})"""
WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def open_page(chromium: Browser, address: str) -> Iterator[Open]:
    contexts = []

    def opened(size: str) -> Page:
        width, height = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            has_touch=True,
            is_mobile=True,
            device_scale_factor=2,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{address}?__theme=light")
        ready(page)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_overflows_and_every_target_is_large_enough(open_page: Open, size: str) -> None:
    page = open_page(size)
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    assert page.evaluate(WIDE) <= 0
    for part in ("#sketchpad", "#masthead", "#tabs [role=tablist]"):
        assert page.evaluate(SMALL, [part, 44]) == []
    # Gradio's, out of its styles' reach and 21 px high: WCAG 2.2 lets them, for they lie apart.
    assert page.evaluate(SMALL, ["footer", 20]) == []
    page.get_by_role("tab", name="Train").tap()
    expect(page.locator("#training-board .start")).to_be_enabled()
    page.get_by_role("button", name="More settings").tap()
    page.get_by_label("Momentum").wait_for()
    assert page.evaluate(WIDE) <= 0
    assert page.evaluate(SMALL, ["#training-board", 44]) == []
    assert page.evaluate(SMALL, ["#training-form", 24]) == []
    page.locator("#race summary").tap()
    expect(page.locator("#race .machine")).to_contain_text("python", ignore_case=True)
    assert page.evaluate(WIDE) <= 0
    assert page.evaluate(SMALL, ["#race", 44]) == []


@pytest.mark.parametrize("size", SIZES)
def test_the_gallery_and_digits_of_ones_own_fit_as_well(open_page: Open, size: str) -> None:
    page = open_page(size)
    page.get_by_role("button", name="Draw an example: A 7").tap()
    expect_guess(page, 7)
    page.get_by_role("button", name="Right?").tap()
    assert page.evaluate(SMALL, ["#sketchpad .naming", 28]) == []  # many beside one another
    say_it_is(page, 7, page.get_by_role("button", name="It is a 7").tap)
    expect(page.locator("#sketchpad .kept")).to_have_text("Kept as a 7. Draw the next.")
    page.get_by_role("button", name="Close").tap()
    page.get_by_role("button", name="Draw an example: A 4").tap()
    expect_guess(page, 4)
    for part in (".inside", ".mine"):
        page.locator(f"#sketchpad {part} summary").tap()
    expect(page.locator("#sketchpad .tray li")).to_have_count(1)
    expect(page.locator("#sketchpad .evidence")).to_be_visible()
    assert page.evaluate(WIDE) <= 0
    for part in (".board", ".reading", ".inside", ".mine .actions"):
        assert page.evaluate(SMALL, [f"#sketchpad {part}", 44]) == []
    assert page.evaluate(SMALL, ["#sketchpad .tray", 28]) == []

    page.get_by_role("tab", name="Gallery").tap()
    expect(page.locator("#gallery .tile").first).to_be_visible()
    page.locator("#gallery td.wrong button").first.tap()
    expect(page.locator("#gallery .showing")).to_contain_text(" read as ")
    expect(page.locator("#gallery .digits:not([aria-busy])")).to_be_visible()
    assert page.evaluate(WIDE) <= 0
    for part in ("header", ".digits"):
        assert page.evaluate(SMALL, [f"#gallery {part}", 44]) == []
    assert page.evaluate(SMALL, ["#gallery .matrix", 24]) == []
    page.locator("#gallery .tile").first.tap()
    expect(page.get_by_role("dialog")).to_be_visible()
    for part in (".details", ".drawn"):
        page.locator(f"#gallery {part}[open]").wait_for()
        assert page.evaluate(WIDE) <= 0
        assert page.evaluate(SMALL, [f"#gallery {part}", 44]) == []
        box = page.locator(f"#gallery {part}").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= SIZES[size][0]
        if part == ".details":
            page.get_by_role("button", name="Pixel values").tap()
            expect(page.locator("#gallery .drawn img")).to_be_visible()


@pytest.mark.parametrize("size", ["phone", "phone on its side"])
def test_pad_tools_and_bars_are_all_in_sight(open_page: Open, size: str) -> None:
    page = open_page(size)
    if size != "phone":
        page.locator("#sketchpad .draw").evaluate("(draw) => draw.scrollIntoView()")
    for part in (".pad", ".tools", ".examples", ".verdict", ".bars"):
        expect(page.locator(f"#sketchpad {part}")).to_be_in_viewport(ratio=1)
    page.locator("#sketchpad .verdict").tap()  # where a finger scrolls and draws nothing
    page.get_by_role("button", name="Draw an example: A 8").tap()
    expect_guess(page, 8)


class Pointers:
    """Pointer events as a browser makes them of hands and pens, for Chromium's own know no pen."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def __call__(self, *steps: tuple[str, int, tuple[float, float], str]) -> None:
        """(what, pointer, place, device) each, all in one go: the machine may be slow."""
        box = pad_box(self.page)
        events: list[tuple[str, dict[str, Any]]] = [
            (
                f"pointer{kind}",
                {
                    "clientX": box["x"] + x * box["width"],
                    "clientY": box["y"] + y * box["height"],
                    "pointerId": number,
                    "pointerType": device,
                    "bubbles": True,
                    "button": 0,
                },
            )
            for kind, number, (x, y), device in steps
        ]
        self.page.locator("#sketchpad .pad canvas").evaluate(
            "(pad, events) => events.forEach(([kind, how]) =>"
            " pad.dispatchEvent(new PointerEvent(kind, how)))",
            events,
        )

    def stroke(self, number: int, points: list[tuple[float, float]], device: str) -> None:
        moves = [("move", number, point, device) for point in points[1:]]
        self(("down", number, points[0], device), *moves, ("up", number, points[-1], device))


INK = """() => { const pad = document.querySelector('#sketchpad .pad canvas');
  const { data } = pad.getContext('2d').getImageData(0, 0, pad.width, pad.height);
  return data.filter((value, i) => i % 4 === 3 && value > 0).length / data.length * 4; }"""


@pytest.fixture
def hands(open_page: Open) -> tuple[Page, Pointers]:
    """Synthetic pointers cannot be captured, so capture is left out for them."""
    page = open_page("upright")
    page.evaluate("HTMLCanvasElement.prototype.setPointerCapture = () => {}")
    return page, Pointers(page)


def test_a_second_finger_draws_nothing_and_takes_back_a_gestures_first(
    hands: tuple[Page, Pointers],
) -> None:
    page, pointer = hands
    first, second = ("down", 1, (0.3, 0.3), "touch"), ("down", 2, (0.7, 0.7), "touch")
    pointer(first, second)  # a pinch
    pointer(("move", 1, (0.2, 0.2), "touch"))
    pointer(("move", 2, (0.8, 0.8), "touch"))
    assert page.evaluate(INK) == 0
    pointer(("up", 1, (0.2, 0.2), "touch"))
    pointer(("up", 2, (0.8, 0.8), "touch"))
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()

    pointer(("down", 3, ONE[0], "touch"))
    page.wait_for_timeout(400)
    pointer(("move", 3, ONE[1], "touch"))
    before = page.evaluate(INK)
    pointer(("down", 4, (0.9, 0.9), "touch"))  # a hand that comes to rest while it draws
    pointer(("move", 4, (0.1, 0.9), "touch"))
    assert page.evaluate(INK) == before > 0
    pointer(("move", 3, ONE[2], "touch"))
    pointer(("up", 3, ONE[2], "touch"))
    expect_guess(page, 1)


def test_a_palm_beside_a_pen_leaves_no_ink(hands: tuple[Page, Pointers]) -> None:
    page, pointer = hands
    pointer(("down", 1, (0.9, 0.8), "touch"))  # the hand lies down before the pen
    pointer(("move", 1, (0.85, 0.8), "touch"))
    assert page.evaluate(INK) > 0
    pointer(("down", 2, ONE[0], "pen"))
    assert page.evaluate(INK) < 0.02  # the pen's dot alone
    pointer(("move", 1, (0.1, 0.8), "touch"))
    pointer(("move", 2, ONE[1], "pen"))
    pointer(("move", 2, ONE[2], "pen"))
    drawn = page.evaluate(INK)
    down, move = ("down", 3, (0.8, 0.9), "touch"), ("move", 3, (0.2, 0.9), "touch")
    pointer(("up", 2, ONE[2], "pen"), down, move)  # and moves before the next stroke
    assert page.evaluate(INK) == pytest.approx(drawn, rel=0.02)
    expect_guess(page, 1)
    page.wait_for_timeout(1100)
    pointer.stroke(4, [(0.3, 0.2), (0.3, 0.8)], "touch")  # a finger, long after the pen
    assert page.evaluate(INK) > drawn
