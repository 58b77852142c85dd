"""Closed tabs: what was theirs is freed at once, and any number of them holds up nobody."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import gradio as gr
import pytest
from playwright.sync_api import Browser, expect
from test_browser_draw import ONE, draw
from test_worker import wait_until

from mnist_demo.benchmark.server import free_port
from mnist_demo.config import TrainConfig
from mnist_demo.page import heartbeat
from mnist_demo.page.app import build
from mnist_demo.page.context import Context
from mnist_demo.page.doors import Door
from mnist_demo.page.launch import launch_page, make_context
from mnist_demo.page.starting import begin

CLASS = 300  # tabs of one address: more than seven for each of 40


class Served:
    """A page in this process, and connections to it."""

    def __init__(self, folder: Path, door: Door | None = None) -> None:
        self.context: Context = make_context(folder)
        self.page: gr.Blocks = build(self.context)
        where = {"host": "127.0.0.1", "port": free_port()}
        self.address = launch_page(self.page, **where, block=False, door=door)  # type: ignore[arg-type]
        self.port = urlsplit(self.address).port

    def ask(
        self, path: str, body: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("POST" if body else "GET", path, body, headers)
            reply = connection.getresponse()
            return reply.status, dict(reply.headers), reply.read()

    @contextmanager
    def tab(self, session: str, address: str = "10.0.0.1", cookie: str = "") -> Iterator[Any]:
        """An open page, as far as the server knows of it: the reply to its heartbeat."""
        headers = {"X-Forwarded-For": address, "Cookie": cookie}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET", f"/gradio_api/heartbeat/{session}", headers=headers)
            with closing(connection.getresponse()) as reply:  # which holds the socket open
                yield reply


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    there = Served(tmp_path)
    yield there
    there.page.close()


def test_many_tabs_that_close_at_once_hold_up_nobody(served: Served) -> None:
    served.ask("/health")
    tabs = [socket.create_connection(("127.0.0.1", served.port), 30) for _ in range(CLASS)]
    for number, tab in enumerate(tabs):
        ask = f"GET /gradio_api/heartbeat/tab-{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        tab.sendall(ask.encode())
    assert all(tab.recv(15) == b"HTTP/1.1 200 OK" for tab in tabs)
    since = time.process_time()  # of this process, which the server is a part of
    for tab in tabs:
        tab.close()
    time.sleep(0.05)
    for _ in range(3):
        served.ask("/health")
    # 40 ms of work are usual; 11 s when each became a session
    assert time.process_time() - since < 1.5
    assert not served.page.state_holder.session_data


def test_a_closed_tab_leaves_nothing_behind(served: Served) -> None:
    run = begin(served.context.visitors.get("anna"), TrainConfig(), "some digits", "CPU")
    begin(served.context.visitors.get("bert"), TrainConfig(), "some digits", "CPU")
    session = served.page.state_holder["anna"]
    with served.tab("anna") as reply:
        assert reply.readline() == b"data: ALIVE\n"
        assert not run.stop.is_set()
    wait_until(lambda: session.is_closed, 30)
    assert run.stop.is_set()
    assert len(served.context.visitors) == 1
    assert served.context.visitors.peek("bert") is not None


def test_an_open_tab_that_asks_for_nothing_is_not_forgotten(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lesson prepared an hour before: its nets are there when it begins."""
    monkeypatch.setattr(heartbeat, "get_heartbeat_rate", lambda: 0.05)
    visitors = served.context.visitors
    gone, anna = visitors.get("gone"), visitors.get("anna")
    with served.tab("anna") as reply:
        reply.readline()
        now = time.monotonic()
        gone.last_seen = anna.last_seen = now - 2 * visitors.max_age
        wait_until(lambda: anna.last_seen >= now, 30)
        visitors.get("bert")  # who comes is when the longest unseen go
        assert visitors.peek("anna") is anna
        assert visitors.peek("gone") is None


def test_a_server_that_ends_closes_the_heartbeats(tmp_path: Path) -> None:
    there = Served(tmp_path)
    with there.tab("anna") as reply:
        there.page.close()
        assert reply.read() == b"data: ALIVE\n\n"


def test_the_page_is_asked_to_open_one(served: Served) -> None:
    assert served.page.config["connect_heartbeat"]


def test_each_address_and_all_together_have_a_bound(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "OF_ADDRESS", 2)
    monkeypatch.setattr(heartbeat, "MOST", 3)
    with served.tab("a"), served.tab("b"):
        with served.tab("c") as refused:
            assert refused.status == 429
            assert int(refused.headers["Retry-After"]) > 0
            assert b"try again" in refused.read()
        with served.tab("d", "10.0.0.2") as other:
            assert other.status == 200
            with served.tab("e", "10.0.0.3") as full:
                assert full.status == 429

    def is_free() -> bool:
        with served.tab("f") as again:
            return bool(again.status == 200)

    wait_until(is_free, 30)


@pytest.mark.parametrize("name", ["x" * 65, "a.b", "a%20b", "..%2fx", "a/b", "%00", ""])
def test_a_made_up_name_that_no_page_has_is_refused(served: Served, name: str) -> None:
    with served.tab(name) as reply:
        assert reply.status == 404


def test_a_door_is_shut_to_what_gradio_leaves_open(tmp_path: Path) -> None:
    there = Served(tmp_path, Door("open sesame"))
    try:
        with there.tab("anna") as stranger:
            assert stranger.status == 401
        with there.tab("anna", cookie="access-token-unsecure-x=guess") as guess:
            assert guess.status == 401
        undo = [("reset", {"event_id": "x"}), ("cancel", {"session_hash": "anna", "event_id": "x"})]
        asks = [(f"/gradio_api/{name}", json.dumps(body)) for name, body in undo]
        is_json = {"Content-Type": "application/json"}
        assert [there.ask(*ask, **is_json)[0] for ask in asks] == [401, 401]
        form = urlencode({"username": "x", "password": "open sesame"})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        cookie = there.ask("/login", form, **kind)[1]["set-cookie"].partition(";")[0]
        with there.tab("anna", cookie=cookie) as let_in:
            assert let_in.status == 200
            assert let_in.readline() == b"data: ALIVE\n"
        is_json["Cookie"] = cookie
        assert there.ask(*asks[0], **is_json)[0] == 200
        assert there.ask(*asks[1], **is_json)[0] != 401
    finally:
        there.page.close()


@pytest.mark.browser
def test_a_page_whose_heartbeat_is_refused_works_on(
    served: Served, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "MOST", 0)
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    with page.expect_response("**/heartbeat/**") as refused:
        page.goto(served.address)
    assert refused.value.status == 429
    draw(page, ONE)
    expect(page.locator("#sketchpad .guess")).to_have_text("1")
    page.get_by_role("tab").nth(2).click()
    expect(page.locator("#gallery table").first).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("toast-body")).to_have_count(0)
    page.close()


def test_what_gradio_keeps_of_the_parts_is_what_it_would_work_out(served: Served) -> None:
    for block in served.page.blocks.values():
        first = block.get_config()
        assert first == type(block).get_config(block)
        first["value"] = "one visitor's"
        assert block.get_config().get("value") != "one visitor's"


def test_a_session_costs_little_to_begin(served: Served) -> None:
    holder = served.page.state_holder
    holder["anna"]
    seconds = []
    for number in range(20):
        since = time.thread_time()
        holder[f"made-up-{number}"]
        seconds.append(time.thread_time() - since)
    assert min(seconds) < 0.004  # 1 ms is usual; 9 ms each when worked out
