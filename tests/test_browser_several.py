"""Several digits side by side, looked into, by day and by night."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT
from playwright.sync_api import expect
from test_browser_axe import PUT_ON, Checked, address, checked, context
from test_browser_draw import ONE, draw, ready

from mnist_demo.page.board import COLOURS

CONTRAST = """(node) => {
  const light = (colour) => {
    const parts = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const { color, backgroundColor } = getComputedStyle(node);
  const [low, high] = [light(color), light(backgroundColor)].sort((a, b) => a - b);
  return high / low;
}"""
pytestmark = pytest.mark.browser
__all__ = ["address", "checked", "context"]  # fixtures


def test_the_one_of_several_digits_that_is_looked_into_can_be_read(checked: Checked) -> None:
    page = checked.page
    ready(page)
    for left in (-0.25, 0.25):
        draw(page, [(x + left, y) for x, y in ONE])
    page.locator("#sketchpad .inside summary").click()
    page.locator("#sketchpad .inside .which button").last.click()
    expect(page.locator("#sketchpad .inside .which button[aria-pressed=true]").last).to_be_visible()
    expect(page.locator("#sketchpad .evidence canvas")).to_have_attribute(
        "aria-label", re.compile("1")
    )
    checked.check("one of two digits")
    for dark in (False, True):  # axe passes over a text of one letter
        page.evaluate(PUT_ON, dark)
        for button in page.locator("#sketchpad .inside .which button").all():
            assert button.evaluate(CONTRAST) >= 4.5


def lightness(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05


@pytest.mark.parametrize(("theme", "ground"), [("", "#ffffff"), (".dark ", "#0a0f1e")])
def test_the_colour_of_each_run_stands_out(theme: str, ground: str) -> None:
    sheet = (ROOT / "mnist_demo" / "page" / "training.css").read_text("utf-8")
    (rule,) = re.findall(
        rf"^{theme}#training-board \.board {{(.*?)}}", sheet, re.DOTALL | re.MULTILINE
    )
    colours = re.findall(r"--c\d: (#\w{6})", rule)
    assert len(colours) == COLOURS
    for colour in colours:
        low, high = sorted(map(lightness, (colour, ground)))
        assert high / low >= 3, colour
