"""Which language a visitor reads: by address, by the page that asks, by the browser's wishes."""

from __future__ import annotations

import json
import threading
import urllib.request
from typing import Any

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from mnist_demo.errors import UserError
from mnist_demo.page.guard import as_page_error
from mnist_demo.page.language import language_of, preferred, words_for
from mnist_demo.page.localised import config_in, offered_in, page_in
from mnist_demo.page.words import LANGUAGES, words_in


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-TW", "zh"),
        ("zh-Hans-CN", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("en;q=0.5, zh;q=0.7", "zh"),
        ("fr-FR,fr;q=0.9", "en"),
        ("fr-FR,fr;q=0.9,zh;q=0.4", "zh"),
        ("fr, zh;q=0", "en"),
        ("ZH-cn", "zh"),
        ("*", "en"),
        ("", "en"),
        ("zh;q=nan", "en"),
        ("zh;q=2", "en"),
        ("zh;level=1", "en"),
        ("zho", "en"),
        ("../../etc/passwd", "en"),
    ],
)
def test_a_browser_is_answered_in_what_it_likes_best(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


@pytest.mark.parametrize(
    ("query", "referer", "language"),
    [
        ("", "", "en"),
        ("lang=zh", "", "zh"),
        ("__theme=dark&lang=zh", "", "zh"),
        ("lang=en&lang=zh", "", "zh"),
        ("lang=xx", "", "en"),
        ("lang=../zh", "", "en"),
        ("", "http://127.0.0.1:7860/?lang=zh", "zh"),
        ("lang=en", "http://127.0.0.1:7860/?lang=zh", "en"),
        ("", "http://[broken?lang=zh", "en"),
        ("&".join("lang=zh" for _ in range(90)), "", "en"),
    ],
)
def test_an_address_wins_over_the_browser(query: str, referer: str, language: str) -> None:
    assert language_of(query, {"referer": referer, "accept-language": "en"}) == language


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_whatever_is_asked_the_answer_is_a_language(query: str, page: str, accepted: str) -> None:
    headers = {"referer": page, "accept-language": accepted}
    assert language_of(query, headers) in LANGUAGES


def request_in(language: str) -> gr.Request:
    headers = [(b"accept-language", language.encode())]
    return gr.Request(Request({"type": "http", "headers": headers}))


def test_a_message_reaches_each_visitor_in_their_own_language() -> None:
    both = threading.Barrier(2, timeout=10)

    @as_page_error
    def fail(request: gr.Request) -> None:
        both.wait()  # both handlers are in the middle of it at once
        raise UserError("that net is gone; choose another")

    told: dict[str, Any] = {}

    def visit(language: str) -> None:
        with pytest.raises(gr.Error) as error:
            fail(request_in(language))
        told[language] = error.value.message

    threads = [threading.Thread(target=visit, args=[language]) for language in ("zh-CN", "fr")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told["fr"] == "that net is gone; choose another"
    assert told["zh-CN"] == words_in("zh")("that net is gone; choose another") != told["fr"]
    assert words_for(None).language == "en"


def page_for(address: str, accepted: str, query: str = "") -> tuple[str, dict[str, Any]]:
    headers = {"Accept-Language": accepted}
    with urllib.request.urlopen(urllib.request.Request(address + query, headers=headers)) as answer:
        html = answer.read().decode()
        assert answer.headers["Content-Language"] in html[:300]
        assert "Accept-Language" in answer.headers["Vary"]
    _, _, rest = html.partition("window.gradio_config = ")
    return html, json.JSONDecoder().raw_decode(rest)[0]


def test_the_page_leaves_the_server_in_its_visitor_s_language(address: str) -> None:
    pages = {}
    for accepted, query in (("zh-CN", ""), ("fr-FR,fr;q=0.9", ""), ("en", "?lang=zh")):
        html, config = page_for(address, accepted, query)
        pages[accepted] = html
        tabs = [
            part["props"]["label"] for part in config["components"] if part["type"] == "tabitem"
        ]
        is_chinese = "zh" in accepted + query
        assert config["title"] == ("手写一个数字" if is_chinese else "Draw a digit")
        assert tabs == (["手写", "训练", "图库"] if is_chinese else ["Draw", "Train", "Gallery"])
    assert pages["zh-CN"] == pages["en"]
    with urllib.request.urlopen(f"{address}config") as answer:  # what programs read
        assert json.loads(answer.read())["title"] == "Draw a digit"


def test_texts_cannot_leave_the_page_s_script() -> None:
    config = {"title": "</script><b>", "components": [], "root": "http://here"}
    body = b"<p>window.gradio_config = " + json.dumps(config).encode() + b";</p>"
    page = page_in(body, "zh").decode()
    assert "</script>" not in page
    _, _, rest = page.partition("window.gradio_config = ")
    assert json.JSONDecoder().raw_decode(rest)[0] == config


def test_a_page_without_components_is_left_alone() -> None:
    assert page_in(b"<h1>502</h1>", "zh") == b"<h1>502</h1>"


def test_endpoints_for_programs_keep_their_names() -> None:
    config = {"components": [{"type": "api", "props": {"label": "Train"}}]}
    assert config_in(config, words_in("zh"))["components"] == config["components"]


def test_a_list_that_is_offered_anew_leaves_what_is_chosen_of_it() -> None:
    field = gr.Dropdown([("One", "a"), ("Two", "b")], value="a")
    kept = offered_in(field, "b", words_in("en"))
    assert "value" not in kept
    assert kept["choices"] == [["One", "a"], ["Two", "b"]]
    assert offered_in(field, "gone", words_in("en"))["value"] == "a"
