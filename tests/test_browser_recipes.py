"""Recipes, a net of one's own and several runs together, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect
from test_browser_draw import ONE, SEVEN, draw
from test_browser_training import Tab
from test_cifar import put_folder

from mnist_demo.benchmark.server import free_port
from mnist_demo.page.app import build
from mnist_demo.page.launch import launch_page, make_context
from mnist_demo.recipes import find_recipe

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


@pytest.fixture
def tab(chromium: Browser, address: str) -> Iterator[Tab]:
    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    tab = Tab(page, address)
    yield tab
    assert tab.complaints == []
    page.close()


@pytest.fixture
def colour_tab(chromium: Browser, tmp_path: Path) -> Iterator[Tab]:
    """Of a server that has colour photos too."""
    app = build(make_context(put_folder(tmp_path)))
    address = launch_page(app, host="127.0.0.1", port=free_port(), block=False)
    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    tab = Tab(page, address)
    yield tab
    assert tab.complaints == []
    page.close()
    app.close()


def choose(tab: Tab, field: str, option: str) -> None:
    tab.page.get_by_label(field, exact=True).first.click()
    tab.page.get_by_role("option", name=option).first.click()
    expect(tab.page.get_by_role("listbox")).to_have_count(0)  # it fades out


def wait_for_value(tab: Tab, field: str, value: str) -> None:
    tab.page.wait_for_function(
        "([label, value]) => [...document.querySelectorAll('#training-form input')].some("
        "(input) => input.closest('label, .block')?.innerText.startsWith(label)"
        " && input.value === value)",
        arg=[field, value],
        timeout=60_000,
    )


def test_a_recipe_fills_the_form_and_an_edit_is_told(tab: Tab) -> None:
    recipe = find_recipe("lenet500")
    choose(tab, "Recipe", f"{recipe.title} (003a)")
    for field, value in (("Net", "lenet500"), ("Epochs", "10"), ("Batch size", "64")):
        wait_for_value(tab, field, value)
    for field, value in (("Learning rate", "0.01"), ("Optimizer", "SGD"), ("Schedule", "Constant")):
        wait_for_value(tab, field, value)
    tab.page.get_by_role("button", name="More settings").click()
    wait_for_value(tab, "Momentum", "0.5")
    wait_for_value(tab, "Which net is kept", "Last epoch")
    expect(tab.page.get_by_label("Momentum")).to_be_editable()
    note = tab.page.locator("#training-recipe-note")
    expect(note).to_contain_text("The source reports")
    expect(note).not_to_contain_text("Changed")
    expect(tab.page.locator("#training-shapes")).to_contain_text("431,080 parameters")
    tab.set_epochs(3)
    expect(note).to_have_text(re.compile(r"Changed: Epochs\.\s*$"))


def test_recipes_of_digits_and_of_photos_take_turns(colour_tab: Tab) -> None:
    shapes = colour_tab.page.locator("#training-shapes")
    for recipe, net, parameters in (
        ("MNIST project (004)", "wide9216", "1,199,882"),
        ("PyTorch and CNN image classification (002)", "cifar-threeconv", "541,094"),
        ("PyTorch's classic example (003a)", "lenet500", "431,080"),
    ):
        choose(colour_tab, "Recipe", recipe)
        wait_for_value(colour_tab, "Net", net)
        shapes.get_by_text(parameters).wait_for()
        colour_tab.wait_for_answers()
    for _ in range(3):  # quicker than the server answers
        choose(colour_tab, "Recipe", "PyTorch and CNN image classification (002)")
        choose(colour_tab, "Recipe", "PyTorch's classic example (003a)")
    colour_tab.wait_for_answers()
    wait_for_value(colour_tab, "Net", "lenet500")
    choose(colour_tab, "Data", "CIFAR-10")
    wait_for_value(colour_tab, "Net", "photo")
    colour_tab.wait_for_answers()


def test_the_last_choice_counts_whatever_is_answered_last(colour_tab: Tab) -> None:
    page = colour_tab.page
    held: list[Route] = []

    def hold(route: Route) -> None:
        """The recipe of photos asked for with digits."""
        data = json.loads(route.request.post_data or "")["data"]
        if data[-2:] == ["cifar-threeconv:full", "sample"]:
            held.append(route)
        else:
            route.continue_()

    note = page.locator("#training-recipe-note")
    page.route("**/run/predict", hold)
    for field, option, net, told in (
        ("Recipe", "PyTorch's classic example (003a)", "lenet500", "The source reports no figure."),
        ("Data", "CIFAR-10", "photo", "Our own settings for these images."),
    ):
        choose(colour_tab, "Recipe", "PyTorch and CNN image classification (002)")
        while not held:
            page.wait_for_timeout(50)
        choose(colour_tab, field, option)
        wait_for_value(colour_tab, "Net", net)
        for route in held:
            route.continue_()
        held.clear()
        colour_tab.wait_for_answers()
        colour_tab.set_epochs(7)
        expect(note).to_have_text(re.compile(f"{re.escape(told)}.* Changed: Epochs\\.\\s*$"))
        wait_for_value(colour_tab, "Net", net)
    page.unroute("**/run/predict")


def test_a_net_of_ones_own_shows_its_shapes_before_it_is_trained(tab: Tab) -> None:
    choose(tab, "Net", "Your own net")
    shapes = tab.page.locator("#training-shapes")
    shapes.get_by_text("206,970").wait_for()
    expect(shapes.get_by_role("row")).to_have_count(17)  # the heading, the input and 15 layers
    choose(tab, "Kernel", "5×5")
    shapes.get_by_text("Convolution 5×5").first.wait_for()
    blocks = tab.page.locator("#training-own-net").get_by_role("spinbutton").first
    blocks.fill("1")
    blocks.press("Tab")
    shapes.get_by_text("16×14×14").wait_for()
    tab.set_epochs(1)
    tab.button("Train").click()
    tab.board.get_by_text("Run 1: custom").wait_for()
    tab.wait_for_status("done")
    expect(tab.board.locator(".runs")).to_contain_text("blocks 1, kernel 5")
    choose(tab, "Recipe", f"{find_recipe('lenet500').title} (003a)")
    wait_for_value(tab, "Epochs", "10")
    tab.button("Same settings (run 1)").click()
    for field, value in (("Net", "Your own net"), ("Epochs", "1"), ("Batch size", "128")):
        wait_for_value(tab, field, value)
    shapes.get_by_text("16×14×14").wait_for()
    note = tab.page.locator("#training-recipe-note")
    expect(note).to_have_text(re.compile(r"Changed: Net, Epochs\.\s*$"))

    tab.page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    tab.button("Copy link (run 1)").click()
    expect(tab.board.locator(".news")).to_contain_text("The link is copied.")
    tab.page.goto(tab.page.evaluate("copied"))  # as a pupil does, on another machine
    expect(tab.page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    for field, value in (("Net", "Your own net"), ("Epochs", "1"), ("Batch size", "128")):
        wait_for_value(tab, field, value)
    shapes.get_by_text("16×14×14").wait_for()
    tab.wait_for_answers()
    wait_for_value(tab, "Epochs", "1")


def test_a_link_names_a_recipe_and_what_is_wrong_with_it(tab: Tab) -> None:
    address = tab.page.url.partition("?")[0]
    tab.page.goto(f"{address}?tab=train&recipe=lenet500&epochs=2")
    recipe = f"{find_recipe('lenet500').title} (003a)"
    recipe = recipe[0].upper() + recipe[1:]
    for field, value in (("Recipe", recipe), ("Net", "lenet500"), ("Epochs", "2")):
        wait_for_value(tab, field, value)
    tab.page.goto(f"{address}?tab=train&epochs=9999")
    tab.page.get_by_text("Epochs must be a whole number from 1 to 60").wait_for()
    wait_for_value(tab, "Epochs", "5")


def test_a_drawing_is_read_anew_while_its_net_learns(chromium: Browser, address: str) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    slowly = "tab=train&epochs=60&optimizer=sgd&learning_rate=0.003&schedule=constant"
    tab = Tab(page, f"{address}?{slowly}")
    wait_for_value(tab, "Epochs", "60")
    tab.button("Train").click()
    expect(tab.button("Use in Draw (run 1)")).to_be_enabled(timeout=150_000)
    tab.button("Use in Draw (run 1)").click()
    draw(page, SEVEN)
    sure = page.locator("#sketchpad .verdict .detail")
    expect(sure).to_have_text(re.compile("%"))
    first = sure.inner_text()
    expect(sure).not_to_have_text(first, timeout=60_000)  # and nobody drew
    page.get_by_role("tab", name="Train").click()
    tab.button("Stop").click()
    tab.wait_for_status("stopped")
    assert tab.complaints == []
    page.close()


def test_runs_are_used_together_in_draw(tab: Tab) -> None:
    tab.set_epochs(1)
    bar = tab.board.locator(".together")
    for number, net in ((1, "linear"), (2, "perceptron")):
        choose(tab, "Net", net)
        wait_for_value(tab, "Net", net)
        tab.button("Train").click()
        tab.board.get_by_text(f"Run {number}: {net}").wait_for()
        tab.wait_for_status("done")
    expect(bar).to_be_hidden()
    tab.board.get_by_label("Show run 1 in the charts").check()
    expect(bar).to_contain_text("Runs 1, 2 can answer together")
    bar.get_by_label("How they answer together").select_option("vote")
    tab.button("Use together").click()
    tab.board.get_by_text("Run 3: runs 1, 2 together").wait_for()
    tab.wait_for_status("done")
    row = tab.board.locator(".runs li").first
    row.get_by_text("held-out accuracy").wait_for()
    expect(row).to_contain_text("a majority vote")
    with tab.page.expect_download() as waiting:
        tab.button("Net of run 3, to download (safetensors)").click()
    assert waiting.value.suggested_filename == "digits-run-3-together.safetensors"
    tab.button("Use in Draw (run 3)").click()
    tab.page.wait_for_function("document.querySelector('#net input')?.value.startsWith('Run 3')")
    draw(tab.page, ONE)
    expect(tab.page.locator("#sketchpad .verdict .detail")).to_have_text(re.compile(r"\d %"))
