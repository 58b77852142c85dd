"""Who asks a browser for less motion gets none; who does not, gets it."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect
from test_browser_draw import ready

pytestmark = pytest.mark.browser

Motion = Literal["reduce", "no-preference"]

# Elements with a transition or an animation that takes time.
MOVING = """() => [...document.querySelectorAll('body *')].filter((node) =>
  ['', '::before', '::after'].some((part) => {
    const style = getComputedStyle(node, part || null);
    const longest = (times) => Math.max(...times.split(',').map((time) =>
      parseFloat(time) * (time.trim().endsWith('ms') ? 1 : 1000)));
    const moves = style.animationName !== 'none' && longest(style.animationDuration) > 1;
    return moves || longest(style.transitionDuration) > 1;
  })).map((node) => node.outerHTML.slice(0, 120))"""

# In how many frames an example's ink grows.
GROWING = """() => new Promise((done) => {
  const pad = document.querySelector('#sketchpad .pad canvas');
  const ink = () => pad.getContext('2d').getImageData(0, 0, pad.width, pad.height).data.filter(
    (value, i) => i % 4 === 3 && value).length;
  document.querySelector('#sketchpad .examples button:nth-of-type(4)').click();
  let [grown, still, last] = [0, 0, ink()];
  const look = () => {
    const now = ink();
    [grown, still, last] = now > last ? [grown + 1, 0, now] : [grown, still + 1, now];
    still < 12 ? requestAnimationFrame(look) : done(grown);
  };
  requestAnimationFrame(look);
})"""


def opened(chromium: Browser, address: str, motion: Motion) -> Page:
    window = chromium.new_context(reduced_motion=motion)
    page = window.new_page()
    page.goto(address)
    ready(page)
    return page


def test_an_example_is_drawn_at_once_or_as_by_a_hand(chromium: Browser, address: str) -> None:
    still = opened(chromium, address, "reduce")
    assert still.evaluate(GROWING) == 0
    expect(still.locator("#sketchpad .guess")).to_have_text("8")
    still.context.close()
    lively = opened(chromium, address, "no-preference")
    assert lively.evaluate(GROWING) > 5
    lively.context.close()


def test_nothing_moves_for_who_asks_for_stillness(chromium: Browser, address: str) -> None:
    page = opened(chromium, address, "reduce")
    page.get_by_role("tab", name="Train").click()
    expect(page.locator("#training-board .start")).to_be_enabled()
    page.get_by_role("tab", name="Gallery").click()
    page.locator("#gallery .board").evaluate("(board) => (board.dataset.state = 'busy')")
    assert page.evaluate(MOVING) == []
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(MOVING) != []
    page.context.close()
