"""The page in a browser that reads Chinese, one that reads English, and one that reads neither."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, Page, expect
from test_browser_draw import SEVEN, draw

from mnist_demo.nets import NETS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

# All that is read in a part of the page but Gradio's own footer and the machine's names: its
# texts, and what it tells those who see none of them.
SEEN = """(root) => {
  const texts = [];
  for (const part of root.querySelectorAll("*")) {
    if (part.closest("script, style, footer, .machine") || !part.checkVisibility()) continue;
    for (const node of part.childNodes) if (node.nodeType === 3) texts.push(node.data);
    for (const name of ["title", "aria-label", "placeholder", "alt"])
      texts.push(part.getAttribute(name) ?? "");
    if (part.matches("input:not([type=range], [type=number], [type=file], [type=checkbox])"))
      texts.push(part.value);
  }
  return texts.map((text) => text.trim()).filter(Boolean);
}"""
FORMATS = ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF")
# Names, which are the same in every language.
NAMES = {
    *(*NETS, *FORMATS, "English", "API", "Ctrl", "Z", "V", "Esc", "MNIST", "MB", "CSV"),
    *("AdamW", "SGD", "RMSprop", "Muon", "ReLU", "Dropout", "CPU", "GPU"),
    *("x86_64", "aarch64", "AVX2", "AVX512"),
    *("safetensors", "bfloat16", "A", "B", "ln", "PyTorch", "Adam", "Adadelta"),
    *("Shift", "Home", "End", "Page", "Up", "Down"),
}
HAN = re.compile("[\u4e00-\u9fff]")
WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9_-]*")

Open = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, address: str) -> Iterator[Open]:
    contexts = []

    def opened(locale: str, query: str = "", phone: bool = False) -> Page:
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 800}
        context = chromium.new_context(locale=locale, viewport=size, has_touch=phone)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.goto(address + query)
        page.wait_for_selector("#sketchpad .bar")
        return page

    yield opened
    for context in contexts:
        context.close()


def texts_of(page: Page, part: str = "body") -> list[str]:
    return [str(text) for text in page.locator(part).evaluate(SEEN)]


def english_in(texts: list[str]) -> set[str]:
    """The words in Latin letters that are no names."""
    return {word for text in texts for word in WORD.findall(text)} - NAMES


def say_something(page: Page, tmp_path: Path) -> None:
    """Brings the Draw tab to say most of what it can."""
    draw(page, SEVEN)
    expect(page.locator("#sketchpad .saying")).to_have_text(
        re.compile("^(看起来是|This looks like a) 7$")
    )
    file = tmp_path / "broken.png"
    file.write_bytes(b"not a picture")
    status = page.locator("#sketchpad .status")
    expect(status).to_have_text(re.compile(r"\d"))
    page.locator("#sketchpad .tools input[type=file]").set_input_files(file)
    detail = page.locator("#sketchpad .detail")
    expect(detail).to_have_text(re.compile("PNG"))  # the server names the formats that it takes


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_a_chinese_browser_reads_chinese_alone(
    open_page: Open, tmp_path: Path, phone: bool
) -> None:
    page = open_page("zh-CN", phone=phone)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page).to_have_title("手写一个数字")
    assert english_in(texts_of(page)) == set()
    say_something(page, tmp_path)
    expect(page.locator("#sketchpad .saying")).to_have_text("文件不是可读取的图像")
    assert english_in(texts_of(page)) == set()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("locale", ["en-US", "fr-FR"])
def test_others_read_english_alone(open_page: Open, tmp_path: Path, locale: str) -> None:
    page = open_page(locale)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    say_something(page, tmp_path)
    expect(page.locator("#sketchpad .saying")).to_have_text(
        "The file is not a picture that can be read"
    )
    assert {text for text in texts_of(page) if HAN.search(text)} == {"中文"}  # the way to it


STATUS = "document.querySelector('#training-board .board').dataset.status"


def train_and_browse(page: Page) -> list[str]:
    """A short run, stopped, and the gallery; all texts that were there on the way."""
    page.get_by_role("tab").nth(1).click()
    board = page.locator("#training-board")
    board.locator(".start").wait_for()
    page.locator("#race summary").click()
    page.locator("#race .lane").first.wait_for()
    seen = texts_of(page)
    page.locator("#training-form").get_by_role("button").last.click()  # more settings
    page.locator("#training-shapes summary").click()
    board.locator(".start").click()
    page.wait_for_function(f"{STATUS} === 'training'", timeout=150_000)
    page.wait_for_function(
        "document.querySelector('#training-board path.batches[d*=L]') !== null", timeout=150_000
    )
    seen += texts_of(page)
    board.locator(".stop").click()
    page.wait_for_function(f"{STATUS} === 'stopped'", timeout=150_000)
    seen += texts_of(page)
    page.get_by_role("tab").nth(2).click()
    page.locator("#gallery .tile").first.click(timeout=150_000)
    seen += texts_of(page)
    page.locator("#gallery dialog[open] .close").click()
    page.locator("#gallery .versus select").select_option("run-1")  # beside the run
    page.locator("#gallery .groups button").first.wait_for(timeout=150_000)
    return seen + texts_of(page)


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_training_and_gallery_speak_one_language(open_page: Open, locale: str) -> None:
    page = open_page(locale)
    seen = train_and_browse(page)
    if locale == "zh-CN":
        assert english_in(seen) == set()
        assert any("已停止" in text for text in seen)
    else:
        assert {text for text in seen if HAN.search(text)} == {"中文"}
        assert any("Stopped in epoch" in text for text in seen)


def test_a_message_of_the_server_is_in_the_visitor_s_language(open_page: Open) -> None:
    for locale, message in (
        ("zh-CN", "轮数必须是 1 到 60 之间的整数"),
        ("en-US", "Epochs must be a whole number from 1 to 60."),
    ):
        page = open_page(locale)
        page.get_by_role("tab").nth(1).click()
        field = page.locator("#training-form input[type=number]").first
        field.fill("1.5")
        field.press("Tab")
        page.locator("#training-board .start").click()
        expect(page.locator("#training-board .alert")).to_contain_text(message)
        expect(page.locator(".toast-body")).to_have_count(0)
        expect(page.locator("#training-board .start")).to_be_enabled()


def test_a_link_leads_to_the_other_language_and_keeps_the_address(open_page: Open) -> None:
    page = open_page("en-US", "?__theme=dark")
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("tab", name="手写")).to_be_visible()
    assert "__theme=dark" in page.url
    expect(page.locator("body")).to_have_class(re.compile("dark"))
    expect(page.get_by_role("contentinfo").or_(page.locator("footer"))).to_contain_text("设置")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("tab", name="Draw")).to_be_visible()


def test_a_drawing_stays_on_the_pad_in_another_language(open_page: Open, tmp_path: Path) -> None:
    page = open_page("en-US")
    guess = page.locator("#sketchpad .guess")
    draw(page, SEVEN)
    expect(guess).to_have_text("7")
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("tab", name="手写")).to_be_visible()
    expect(guess).to_have_text("7")
    page.locator("#sketchpad .undo").click()  # its strokes, not a picture of them
    expect(guess).to_have_text("?")

    picture = tmp_path / "eight.png"
    image = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(image).text((60, 20), "8", fill="black", font=ImageFont.load_default(150))
    image.save(picture)
    page.locator("#sketchpad .tools input[type=file]").set_input_files(picture)
    expect(guess).to_have_text("8")
    page.reload()
    expect(guess).to_have_text("8")
    page.locator("#sketchpad .clear").click()
    expect(guess).to_have_text("?")
    page.reload()
    expect(page.locator("#sketchpad .invite")).to_be_visible()
    expect(guess).to_have_text("?")


def test_what_gradio_says_of_a_lost_connection_is_said_too(open_page: Open) -> None:
    """Its toasts are English in any language; here one as it makes them."""
    page = open_page("zh-CN")
    page.evaluate(
        "document.querySelector('.toast-wrap').append(Object.assign(document.createElement('p'), "
        "{ textContent: 'Connection Lost' }))"
    )
    expect(page.locator(".toast-wrap")).to_have_text("连接已断开")
