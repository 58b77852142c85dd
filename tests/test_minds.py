"""All networks at once: what each of a visitor's nets says of one drawing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect
from test_browser_axe import SIZES, Checked
from test_browser_draw import ONE, SEVEN, draw, expect_guess, ready
from test_inside import message

from mnist_demo.benchmark.server import free_port
from mnist_demo.checkpoint import PLAIN, Checkpoint, load_checkpoint
from mnist_demo.classify import classify_ink
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset
from mnist_demo.nets import build_net
from mnist_demo.page import sketchpad
from mnist_demo.page.app import build
from mnist_demo.page.context import Context
from mnist_demo.page.launch import launch_page, make_context
from mnist_demo.page.runs import Run
from mnist_demo.page.words import words_in
from mnist_demo.train import Dials

TITLES = ["Released net (deep)", "One hidden layer (perceptron)", "No hidden layer (linear)"]


@pytest.fixture
def context() -> Context:
    return make_context()


@pytest.fixture
def seven(sample: Dataset) -> np.ndarray:
    found = int((sample.validation.labels == 7).nonzero()[0])
    return np.asarray(sample.validation.images[found, 0] / 255)


def ask(context: Context, drawing: Any, session: str = "a1", language: str = "en") -> Any:
    return asyncio.run(sketchpad.ask_all(context, session, drawing, words_in(language)))


def test_every_net_says_what_it_says_alone(context: Context, seven: np.ndarray) -> None:
    minds = ask(context, message(seven, net="linear"))["minds"]
    assert [mind["title"] for mind in minds] == TITLES
    assert [mind["answers"] for mind in minds] == [False, False, True]
    nets = [context.released, *(load_checkpoint(path) for path in PLAIN.values())]
    for mind, checkpoint in zip(minds, nets, strict=True):
        alone = classify_ink(checkpoint.net, sketchpad.read_drawing(message(seven))[0])
        np.testing.assert_allclose(mind["probabilities"], alone.probabilities, atol=2e-4)
    assert minds[0]["probabilities"] != minds[2]["probabilities"]
    assert (
        ask(context, message(seven), language="zh")["minds"][2]["title"] == "没有隐藏层（linear）"
    )


def test_a_visitors_own_nets_of_digits_are_among_them(
    context: Context, seven: np.ndarray, plain: Checkpoint
) -> None:
    anna = context.visitors.get("anna")
    kinds = {"linear": plain.labels, "cifar-threeconv": tuple("abcdefghij")}
    for number, (name, labels) in enumerate(kinds.items(), 1):
        run = Run(f"run-{number}", number, TrainConfig(net=name), "digits", "CPU", Dials(0.1))
        run.status = "done"
        run.checkpoint = Checkpoint(build_net(name, 1).eval(), name, "mnist", labels, {})
        anna.add(run)
    assert len(ask(context, message(seven), "anna")["minds"]) == len(TITLES) + 1
    assert len(ask(context, message(seven), "bert")["minds"]) == len(TITLES)


def test_what_cannot_be_asked_about_is_said_so(context: Context, seven: np.ndarray) -> None:
    assert "gone" in ask(context, message(seven, net="run-1"))["error"]
    assert ask(context, message(seven) | {"ink": "AA==", "w": 1, "h": 1}) == {"blank": True}
    assert "reload" in ask(context, None)["error"]
    answers = [ask(context, message(seven)) for _ in range(60)]
    assert any("again_in" in answer for answer in answers)


@pytest.fixture(scope="module")
def page_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    page = build(make_context(tmp_path_factory.mktemp("no-data")))
    yield launch_page(page, host="127.0.0.1", port=free_port(), block=False)
    page.close(verbose=False)


def row(rows: Locator, number: int) -> tuple[str, float, str]:
    """A row's digit, how sure it is, and the classes of the field of that digit."""
    digit, sure, _ = rows.nth(number).locator(".says").inner_text().split()
    field = rows.nth(number).locator("i").nth(int(digit)).get_attribute("class") or ""
    return digit, float(sure), field


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES)
def test_rows_follow_the_pen(chromium: Browser, page_address: str, size: str) -> None:
    options, looks = SIZES[size]
    window = chromium.new_context(reduced_motion="reduce", **options)
    page = window.new_page()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if '"minds"' in (r.post_data or "") else None)
    page.goto(f"{page_address}?__theme=light")
    ready(page)
    draw(page, SEVEN)
    expect_guess(page, 7)
    assert not asked  # nobody looks
    page.locator("#sketchpad .minds summary").click()
    rows = page.locator("#sketchpad .minds li")
    expect(rows.locator(".who")).to_have_text(TITLES)
    assert row(rows, 0)[0] == "7"
    assert row(rows, 0)[1] > 50
    assert "likely" in row(rows, 0)[2]
    expect(rows.nth(0)).to_have_class("answers")
    checked = Checked(page, looks)
    checked.check("all networks at once")
    assert checked.found == []
    page.keyboard.press("Escape")
    expect(rows.first).to_be_hidden()
    expect(page.locator("#sketchpad .minds .hint")).to_be_visible()
    draw(page, ONE)
    expect(rows.first.locator(".says b")).to_have_text("1")
    window.close()


@pytest.mark.browser
def test_who_differs_stands_out(chromium: Browser, page_address: str) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    answer = {
        "minds": [
            {"title": "A", "answers": True, "probabilities": [0.9, 0.1, *[0] * 8]},
            {"title": "B", "answers": False, "probabilities": [0.2, 0.8, *[0] * 8]},
        ]
    }
    page.route(
        "**/component_server/",
        lambda route: (
            route.fulfill(json=answer)
            if '"minds"' in (route.request.post_data or "")
            else route.fallback()
        ),
    )
    page.goto(page_address)
    page.locator("#sketchpad .minds summary").click()
    draw(page, SEVEN)
    rows = page.locator("#sketchpad .minds li")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_have_class("answers")
    expect(rows.nth(1)).to_have_class("differs")
    ground = "(field) => getComputedStyle(field).backgroundColor"
    first, second = (rows.nth(i).locator("i").nth(i).evaluate(ground) for i in (0, 1))
    assert first != second
    page.close()
