"""What the form, the runs and digits of one's own are to each other, in a real browser."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Request, expect
from test_browser_axe import choose
from test_browser_draw import Open, open_page

from mnist_demo.benchmark.server import free_port
from mnist_demo.checkpoint import Checkpoint
from mnist_demo.config import TrainConfig
from mnist_demo.nets import build_net
from mnist_demo.page import training
from mnist_demo.page.app import build
from mnist_demo.page.context import Context
from mnist_demo.page.launch import launch_page
from mnist_demo.page.runs import Run
from mnist_demo.page.shelf import Shelf
from mnist_demo.train import Dials

pytestmark = pytest.mark.browser
__all__ = ["open_page"]  # a fixture
KEY = "a1" * 16  # what the browser's runs are kept under
DIGITS = "mnist-demo-digits"
SENT = "mnist-demo-own"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A server that keeps a run which learns from digits of its visitor's and was broken off."""
    config = TrainConfig(net="linear", dataset="sample")
    labels = tuple("0123456789")
    released = Checkpoint(build_net("linear").eval(), "linear", "sample", labels, config.to_dict())
    context = Context(released, tmp_path / "data", shelf=Shelf(tmp_path / "runs"))
    drawer = context.shelf.drawer(KEY)
    assert drawer is not None
    config = TrainConfig(net="linear", dataset="sample", batch_size=25, also="my-digits.csv")
    run = Run("run-1", 1, config, "sample", "cpu", Dials(0.1), status="interrupted", begun=1000.5)
    slot = drawer.new_slot()
    slot.keep(run)
    slot.release()
    return context


@pytest.fixture
def address(context: Context) -> Iterator[str]:
    page = build(context)
    yield launch_page(page, port=free_port(), block=False)
    page.close(verbose=False)
    context.crew.close()


def digit(label: int) -> dict[str, Any]:
    return {"label": label, "pixels": base64.b64encode(bytes([label]) * 784).decode()}


def packed(*labels: int) -> str:
    return base64.b64encode(b"".join(bytes([label]) * 785 for label in labels)).decode()


def hold(page: Page, **kept: str) -> None:
    """What the browser has stored when the page is opened next, and `session` in this tab."""
    page.evaluate(
        "([key, digits, kept]) => { localStorage.setItem('mnist-demo-runs', key);"
        f"localStorage.setItem('{DIGITS}', digits);"
        "for (const name in kept) sessionStorage.setItem(name, kept[name]); }",
        [KEY, json.dumps([digit(3), digit(1)]), kept],
    )
    page.reload()


def resumed_with(request: Request) -> bool:
    return "/queue/join" in request.url and '"own"' in (request.post_data or "")


def own_in(request: Request) -> str:
    sent: str = json.loads(request.post_data or "{}")["event_data"]["own"]
    return sent


def test_resume_sends_the_digits_of_today_until_they_are_forgotten(open_page: Open) -> None:
    page = open_page()
    hold(page, **{SENT: packed(9)})  # what another run began with
    page.get_by_role("tab", name="Train").click()
    with page.expect_request(resumed_with) as waiting:
        page.get_by_role("button", name="Resume (run 1)").click()
    assert own_in(waiting.value) == packed(3, 1)
    # A reload would go on with these.
    assert page.evaluate(f"sessionStorage.getItem('{SENT}')") == packed(3, 1)
    page.get_by_role("tab", name="Draw").click()
    page.locator("#sketchpad .mine summary").click()
    page.get_by_role("button", name="Forget all").click()
    assert page.evaluate(f"sessionStorage.getItem('{SENT}')") is None


def test_a_reload_goes_on_with_the_digits_that_were_sent(open_page: Open) -> None:
    page = open_page()
    going = {SENT: packed(9), "mnist-demo-going": "1000.5"}
    with page.expect_request(resumed_with) as waiting:
        hold(page, **going)
    assert own_in(waiting.value) == packed(9)
    assert page.evaluate(f"sessionStorage.getItem('{SENT}')") == packed(9)


def test_a_reload_in_mid_test_goes_on_too(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []

    def steps(_: Any, run: Run, *__: Any, is_resumed: bool = False, **___: Any) -> Iterator[None]:
        told.append(is_resumed)
        run.status = "testing"
        try:
            for _ in range(1000 * (not is_resumed)):
                yield
            run.status = "done"
        finally:
            if run.status == "testing":
                run.status = "interrupted"
            assert run.keeper is not None
            run.keeper.keep(run)
            run.keeper.release()
        yield

    monkeypatch.setattr(training, "steps_of", steps)
    page = open_page(expected="rror")  # Gradio's, of the stream that the reload cuts off
    page.get_by_role("tab", name="Train").click()
    page.locator("#training-board .start").click()
    board = page.locator("#training-board .board")
    expect(board).to_have_attribute("data-status", "testing")
    page.reload()
    expect(board).to_have_attribute("data-status", "done")
    assert told == [False, True]


def test_what_is_not_stored_is_said_of_opened_and_of_brought_back_digits(
    open_page: Open, tmp_path: Path
) -> None:
    page = open_page()
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    page.locator("#sketchpad .mine summary").click()
    file = tmp_path / "digits.csv"
    file.write_text(",".join(map(str, [7] + [128] * 784)))
    page.locator("#sketchpad .mine input").set_input_files(file)
    told = page.locator("#sketchpad .told")
    expect(told).to_have_text(
        "1 digit taken in. This browser stores nothing: save them as a file before you leave."
    )
    page.get_by_role("button", name="Forget all").click()
    page.get_by_role("button", name="Bring back 1").click()
    expect(told).to_contain_text("This browser stores nothing")


def test_what_is_not_offered_is_said_in_the_visitor_s_language(open_page: Open) -> None:
    page = open_page(locale="zh-CN", expected="rror")
    page.get_by_role("tab", name="训练").click()
    page.route(
        "**/queue/join**",
        lambda route: route.continue_(
            post_data=(route.request.post_data or "").replace('"adamw"', '"none"')
        ),
    )
    page.locator("#training-board .start").click()
    expect(page.locator(".toast-wrap")).to_contain_text("请刷新页面")


def epochs(page: Page) -> Locator:
    return page.get_by_role("spinbutton", name=re.compile("Epochs|训练轮次"))


def kept_form(page: Page) -> str:
    return str(page.evaluate("sessionStorage.getItem('mnist-demo-form')"))


def test_the_form_is_as_it_was_after_a_reload(open_page: Open, address: str) -> None:
    page = open_page(expected="rror")
    page.get_by_role("tab", name="Train").click()
    expect(epochs(page)).to_have_value("5")
    choose(page, "Recipe", "PyTorch")
    expect(page.locator("#training-recipe-note")).to_contain_text("The source reports")
    expect(epochs(page)).not_to_have_value("5")
    choose(page, "Net", "Your own net")
    width = page.locator("#training-own-net input[type=number]").nth(1)
    width.fill("24")
    epochs(page).fill("7")
    page.keyboard.press("Tab")
    page.wait_for_function("sessionStorage.getItem('mnist-demo-form')?.includes('epochs=7')")
    page.wait_for_function("sessionStorage.getItem('mnist-demo-form')?.includes('width%3D24')")
    rate = page.get_by_role("spinbutton", name="Learning rate", exact=True).input_value()
    assert rate != "0.002"
    for query in ("?", "?lang=en"):
        page.goto(address + query)
        page.get_by_role("tab", name="Train").click()
        expect(epochs(page)).to_have_value("7")
        expect(width).to_have_value("24")
        expect(page.get_by_label("Recipe")).to_have_value(re.compile("PyTorch"))
        assert (
            page.get_by_role("spinbutton", name="Learning rate", exact=True).input_value() == rate
        )
        expect(page.locator("#training-recipe-note")).to_contain_text("Changed:")
        expect(page.locator(".toast-wrap")).to_have_text("")
    page.goto(f"{address}?tab=train&epochs=2")  # an address says more
    expect(epochs(page)).to_have_value("2")
    choose(page, "Recipe", "Our defaults")
    expect(epochs(page)).to_have_value("5")
    page.wait_for_function("!sessionStorage.getItem('mnist-demo-form')")


def test_same_settings_are_told_once_they_are_in_the_form(
    open_page: Open, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[TrainConfig] = []

    def steps(_: Any, run: Run, *__: Any, **___: Any) -> Iterator[None]:
        trained.append(run.config)
        run.status = "done"
        yield

    monkeypatch.setattr(training, "steps_of", steps)
    page = open_page(expected="rror", viewport={"width": 390, "height": 844})
    hold(page)
    page.get_by_role("tab", name="Train").click()
    news, again = page.locator("#training-board .news"), page.get_by_text("Same settings")
    expect(again).to_be_visible()
    visitor = next(reversed(context.visitors._all.values()))
    there = dict(visitor.runs)
    visitor.runs.clear()
    again.click()
    expect(page.locator(".toast-wrap")).to_contain_text("that run is gone")
    expect(news).to_be_hidden()
    visitor.runs |= there
    again.click()
    expect(news).to_have_text("The settings of run 1 are in the form.")
    expect(page.get_by_label("Recipe")).to_be_in_viewport()
    expect(page.get_by_label("Batch size")).to_have_value("25")  # of a batch that was halved
    page.locator("#training-board .beside input").uncheck()
    page.locator("#training-board .start").click()
    page.get_by_text("Run 2: linear").wait_for()
    assert [config.batch_size for config in trained] == [25]


def test_another_language_opens_in_a_tab_of_its_own_where_that_is_asked_for(
    open_page: Open,
) -> None:
    page = open_page()
    before = page.url
    with page.context.expect_page() as opened:
        page.locator("#title a.language").click(modifiers=["ControlOrMeta"])
    assert "lang=zh" in opened.value.url
    assert page.url == before


def test_after_a_silence_the_server_is_asked_what_it_knows(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = threading.Event()

    def steps(_: Any, run: Run, *__: Any, **___: Any) -> Iterator[None]:
        run.status = "training"
        yield
        is_over.wait(60)
        run.status = "done"
        yield

    monkeypatch.setattr(training, "steps_of", steps)
    page = open_page()
    page.get_by_role("tab", name="Train").click()
    page.locator("#training-board .start").click()
    board = page.locator("#training-board .board")
    expect(board).to_have_attribute("data-status", "training")
    with page.expect_request(lambda request: '"key"' in (request.post_data or "")):
        page.evaluate("const now = performance.now() + 60_000; performance.now = () => now")
    is_over.set()
    expect(board).to_have_attribute("data-status", "done")
