"""The gallery open on a run that learns on: it shows the new answers by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect
from test_browser_gallery import Open, address, choose, context, gallery

from mnist_demo.checkpoint import to_bytes
from mnist_demo.config import TrainConfig
from mnist_demo.nets import build_net
from mnist_demo.page.context import Context
from mnist_demo.page.runs import Run
from mnist_demo.train import Dials

__all__ = ["address", "context", "gallery"]  # fixtures

pytestmark = pytest.mark.browser


def learn(run: Run, context: Context, seed: int) -> None:
    """As after an epoch: another net, of which nothing is known."""
    net = build_net("linear", seed).eval()
    run.put_net(to_bytes(replace(context.released, net=net, name="linear")))


@pytest.fixture
def page(gallery: Open) -> Page:
    return gallery()


@pytest.fixture
def run(page: Page, context: Context) -> Run:
    """On show in the page's gallery."""
    visitor = next(reversed(context.visitors._all.values()))  # the one just opened
    run = Run("run-1", 1, TrainConfig(net="linear"), "sample", "cpu", Dials(0.1))
    learn(run, context, seed=2)
    visitor.add(run)
    choose(page, "Run 1: linear")
    expect(page.locator("#gallery .about")).to_contain_text("Run 1: linear")
    expect(page.locator("#gallery .tile").first).to_be_visible()
    expect(page.locator("#gallery .digits")).not_to_have_attribute("aria-busy", "true")
    return run


def expect_new(page: Page, run: Run, before: str) -> None:
    headline = page.locator("#gallery .headline")
    expect(headline).not_to_have_text(before)
    assert run.evaluation is not None
    expect(headline).to_contain_text(f"{1000 - run.evaluation.correct} of 1,000 wrong")
    expect(page.locator("#gallery .nothing .retry")).to_be_hidden()
    expect(page.locator("#gallery .board")).to_have_attribute("data-state", "ready")


def test_a_cell_shows_the_new_nets_answers(page: Page, run: Run, context: Context) -> None:
    before = page.locator("#gallery .headline").inner_text()
    learn(run, context, seed=3)
    cell = page.locator("#gallery .matrix tbody tr").nth(1).locator("button").first
    cell.click()
    expect_new(page, run, before)
    chosen = page.locator("#gallery .matrix [aria-pressed=true]")
    expect(chosen).to_have_count(1)
    assert chosen.get_attribute("data-wanted") == cell.get_attribute("data-wanted")
    expect(page.locator("#gallery .reset")).to_be_visible()


def test_the_next_digit_after_the_last_shows_the_new_nets_answers(
    page: Page, run: Run, context: Context
) -> None:
    before = page.locator("#gallery .headline").inner_text()
    learn(run, context, seed=3)
    page.locator("#gallery .tile").last.click()
    page.locator("#gallery .details .next").click()
    expect_new(page, run, before)
    expect(page.locator("#gallery .details")).to_be_hidden()  # it is of the net before
    expect(page.locator("#gallery :is(.showing, .headline):focus")).to_be_visible()


def test_a_picture_shows_the_new_nets_answers(page: Page, run: Run, context: Context) -> None:
    before = page.locator("#gallery .headline").inner_text()
    learn(run, context, seed=3)
    page.get_by_role("button", name="16 samples").click()
    expect_new(page, run, before)
    expect(page.locator("#gallery .drawn")).to_be_hidden()
