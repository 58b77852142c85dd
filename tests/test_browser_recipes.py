"""Recipes, a net of one's own and several runs together, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from test_browser_draw import ONE, SEVEN, draw
from test_browser_training import Tab
from test_cifar import put_folder

from mnist_demo.benchmark.server import free_port
from mnist_demo.page.app import build
from mnist_demo.page.launch import launch_page, make_context
from mnist_demo.recipes import find_recipe

pytestmark = pytest.mark.browser


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
        timeout=10_000,
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
    assert tab.page.get_by_label("Momentum").is_editable()
    note = tab.page.locator("#training-recipe-note")
    assert "Changed" not in note.inner_text()
    assert "431,080 parameters" in tab.page.locator("#training-shapes").inner_text()
    tab.set_epochs(3)
    note.get_by_text("Changed:").wait_for(timeout=10_000)
    assert note.inner_text().endswith("Changed: Epochs.")


def test_recipes_of_digits_and_of_photos_take_turns(colour_tab: Tab) -> None:
    shapes = colour_tab.page.locator("#training-shapes")
    for recipe, net, parameters in (
        ("MNIST project (004)", "wide9216", "1,199,882"),
        ("PyTorch and CNN image classification (002)", "cifar-threeconv", "541,094"),
        ("PyTorch's classic example (003a)", "lenet500", "431,080"),
    ):
        choose(colour_tab, "Recipe", recipe)
        wait_for_value(colour_tab, "Net", net)
        shapes.get_by_text(parameters).wait_for(timeout=10_000)
        colour_tab.page.wait_for_timeout(1000)  # whatever else was set off has been answered
    for _ in range(3):  # quicker than the server answers
        choose(colour_tab, "Recipe", "PyTorch and CNN image classification (002)")
        choose(colour_tab, "Recipe", "PyTorch's classic example (003a)")
    wait_for_value(colour_tab, "Net", "lenet500")
    colour_tab.page.wait_for_timeout(1000)
    choose(colour_tab, "Data", "CIFAR-10")
    wait_for_value(colour_tab, "Net", "photo")
    colour_tab.page.wait_for_timeout(1000)


def test_a_net_of_ones_own_shows_its_shapes_before_it_is_trained(tab: Tab) -> None:
    choose(tab, "Net", "Your own net")
    shapes = tab.page.locator("#training-shapes")
    shapes.get_by_text("206,970").wait_for(timeout=10_000)
    assert shapes.get_by_role("row").count() == 17  # the heading, the input and 15 layers
    choose(tab, "Kernel", "5×5")
    shapes.get_by_text("Convolution 5×5").first.wait_for(timeout=10_000)
    blocks = tab.page.locator("#training-own-net").get_by_role("spinbutton").first
    blocks.fill("1")
    blocks.press("Tab")
    shapes.get_by_text("16×14×14").wait_for(timeout=10_000)
    tab.set_epochs(1)
    tab.button("Train").click()
    tab.board.get_by_text("Run 1: custom").wait_for()
    tab.wait_for_status("done")
    assert "blocks 1, kernel 5" in tab.board.locator(".runs").inner_text()
    choose(tab, "Recipe", f"{find_recipe('lenet500').title} (003a)")
    wait_for_value(tab, "Epochs", "10")
    tab.button("Same settings (run 1)").click()
    for field, value in (("Net", "Your own net"), ("Epochs", "1"), ("Batch size", "128")):
        wait_for_value(tab, field, value)
    shapes.get_by_text("16×14×14").wait_for(timeout=10_000)
    note = tab.page.locator("#training-recipe-note")
    note.get_by_text("Changed:").wait_for(timeout=10_000)
    assert note.inner_text().endswith("Changed: Net, Epochs.")

    tab.page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    tab.button("Copy link (run 1)").click()
    expect(tab.board.locator(".news")).to_contain_text("The link is copied.")
    tab.page.goto(tab.page.evaluate("copied"))  # as a pupil does, on another machine
    expect(tab.page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    for field, value in (("Net", "Your own net"), ("Epochs", "1"), ("Batch size", "128")):
        wait_for_value(tab, field, value)
    shapes.get_by_text("16×14×14").wait_for(timeout=10_000)
    tab.page.wait_for_timeout(1000)  # whatever else was set off has been answered
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
    expect(tab.button("Use in Draw (run 1)")).to_be_enabled(timeout=60_000)
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
    assert bar.is_hidden()
    tab.board.get_by_label("Show run 1 in the charts").check()
    assert "Runs 1, 2 can answer together" in bar.inner_text()
    bar.get_by_label("How they answer together").select_option("vote")
    tab.button("Use together").click()
    tab.board.get_by_text("Run 3: runs 1, 2 together").wait_for()
    tab.wait_for_status("done")
    row = tab.board.locator(".runs li").first
    row.get_by_text("held-out accuracy").wait_for()
    assert "a majority vote" in row.inner_text()
    with tab.page.expect_download() as waiting:
        tab.button("Net of run 3, to download (safetensors)").click()
    assert waiting.value.suggested_filename == "digits-run-3-together.safetensors"
    tab.button("Use in Draw (run 3)").click()
    tab.page.wait_for_function(
        "document.querySelector('#net input')?.value.startsWith('Run 3')", timeout=10_000
    )
    draw(tab.page, ONE)
    tab.page.wait_for_function(
        "/[0-9.]+\\s*%/.test(document.querySelector('#sketchpad').innerText)", timeout=10_000
    )
