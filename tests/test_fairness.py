"""One visitor cannot starve the rest: what each may have waiting, and what the others still get."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
import pytest
from playwright.sync_api import Browser, expect

from mnist_demo.benchmark.fuzz_http import SETTINGS
from mnist_demo.benchmark.server import free_port
from mnist_demo.errors import UserError
from mnist_demo.page.api_training import EACH, PLACES, ApiRuns
from mnist_demo.page.app import build
from mnist_demo.page.context import Context
from mnist_demo.page.launch import launch_page, make_context
from mnist_demo.page.waiting import OF_ADDRESS, OF_SESSION

RUNNING = 2  # evaluations at a time


class Busy:
    """A page on which every evaluation hangs until the test is over."""

    def __init__(self, folder: Path) -> None:
        self.context: Context = make_context(folder)
        self.page: gr.Blocks = build(self.context)
        self.open = threading.Event()
        for event in self.page.fns.values():
            if event.api_name == "evaluate" or "look" in [what for _, what in event.targets]:
                event.fn = lambda *_: self.open.wait(60)
        self.address = launch_page(self.page, host="127.0.0.1", port=free_port(), block=False)
        self.port = urlsplit(self.address).port

    def event(self, name: str) -> tuple[int, int]:
        """The number of the page's event with this name, and how many values it takes."""
        for number, event in self.page.fns.items():
            if event.api_name == name or name in [what for _, what in event.targets]:
                return number, len(event.inputs)
        raise KeyError(name)

    def join(
        self, name: str, session: str, address: str, language: str = "en"
    ) -> tuple[int, str, str]:
        """Asks for an event as the page does: the status, the message, when to come again."""
        number, inputs = self.event(name)
        body = {"session_hash": session, "fn_index": number, "data": ["released"] * inputs}
        headers = {
            "Content-Type": "application/json",
            "X-Forwarded-For": address,  # the server trusts a proxy on this machine
            "Accept-Language": language,
        }
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/gradio_api/queue/join", json.dumps(body), headers)
        reply = connection.getresponse()
        answer: dict[str, Any] = json.loads(reply.read())
        connection.close()
        return reply.status, str(answer.get("detail", "")), reply.headers.get("Retry-After", "")

    def train(self, address: str) -> tuple[dict[str, Any], HTTPConnection]:
        """A program's training: the first that it is told, and the connection that it waits on."""
        headers = {"Content-Type": "application/json", "X-Forwarded-For": address}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = json.dumps({"data": list(SETTINGS.values())})
        connection.request("POST", "/gradio_api/call/train", body, headers)
        event = json.loads(connection.getresponse().read())["event_id"]
        connection.request("GET", f"/gradio_api/call/train/{event}", headers=headers)
        reply = connection.getresponse()
        while not (line := reply.readline()).startswith(b"data: ["):
            assert line, "the stream ended"
        (told,) = json.loads(line.removeprefix(b"data: "))
        return told, connection


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Busy]:
    there = Busy(tmp_path)
    yield there
    there.open.set()
    there.page.close()


def at_once(busy: Busy, sessions: list[str], address: str) -> list[tuple[int, str, str]]:
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(busy.join, "evaluate", name, address) for name in sessions]
        return [one.result() for one in asked]


def test_a_program_that_asks_64_times_leaves_the_page_its_room(busy: Busy) -> None:
    answers = at_once(busy, ["program"] * 64, "10.0.0.1")
    refused = [answer for answer in answers if answer[0] != 200]
    assert OF_SESSION <= 64 - len(refused) <= OF_SESSION + RUNNING
    for status, message, when in refused:
        assert status == 429
        assert f"{OF_SESSION} requests of yours are waiting already; try again in" in message
        assert int(when) >= 1
    assert busy.join("look", "visitor", "10.0.0.1")[0] == 200  # beside it, behind the same address


def test_made_up_sessions_fill_no_more_than_half_of_the_queue(busy: Busy) -> None:
    answers = at_once(busy, [f"made-up-{number}" for number in range(80)], "10.0.0.1")
    refused = [answer for answer in answers if answer[0] != 200]
    assert OF_ADDRESS <= 80 - len(refused) <= OF_ADDRESS + RUNNING
    assert {status for status, _, _ in refused} == {429}
    assert "from your network are waiting already; try again in" in refused[0][1]
    assert busy.join("look", "visitor", "10.0.0.2")[0] == 200
    assert busy.join("evaluate", "program", "10.0.0.2")[0] == 200
    said = busy.join("evaluate", "one-more", "10.0.0.1", language="zh")[1]
    assert said.startswith(f"来自您所在网络的 {OF_ADDRESS} 个请求")


def test_the_names_of_sessions_are_not_kept_for_ever(
    busy: Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_demo.page.waiting.KEPT", 5)
    known = busy.page._queue.pending_event_ids_session
    known |= {f"answered-{number}": set() for number in range(10)}
    known |= {f"never-read-{number}": {"event"} for number in range(10)}
    assert busy.join("look", "visitor", "10.0.0.1")[0] == 200
    assert set(known) <= {"visitor"}


def test_no_account_is_kept_of_events_and_none_is_summed_up(busy: Busy) -> None:
    assert busy.join("look", "visitor", "10.0.0.1")[0] == 200
    queue = busy.page._queue
    assert queue.events_recorded == 1  # where Gradio counts otherwise, this test is to be read anew
    assert not queue.event_analytics


@pytest.mark.browser
@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "requests from your network are waiting already"), ("zh", "来自您所在网络的")],
)
def test_the_page_shows_who_is_refused_when_to_try_again(
    busy: Busy, chromium: Browser, language: str, words: str
) -> None:
    at_once(busy, [f"made-up-{number}" for number in range(40)], "127.0.0.1")
    page = chromium.new_page()
    page.goto(f"{busy.address}?lang={language}")
    page.get_by_role("tab").nth(2).click()
    expect(page.get_by_test_id("toast-body")).to_contain_text(words)
    page.close()


def test_a_full_queue_says_when(busy: Busy) -> None:
    for number in range(2):
        at_once(busy, [f"made-up-{n}" for n in range(40)], f"10.0.0.{number}")
    while (answer := busy.join("evaluate", "visitor", "10.0.0.9"))[0] == 200:
        pass  # what was taken up meanwhile
    assert answer[0] == 429
    assert "64 requests are waiting already; try again in" in answer[1]


def test_one_program_leaves_places_to_others(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    runs = ApiRuns(context)
    with context.turns.join():  # so that nothing is trained here
        held = [runs.train(f"net-{n}", SETTINGS, "10.0.0.1") for n in range(EACH)]
        assert [next(one)["event"] for one in held] == ["waiting"] * EACH
        with pytest.raises(UserError, match="2 trainings .* from your network .* try again in"):
            next(runs.train("net-x", SETTINGS, "10.0.0.1"))
        others = [runs.train(f"net-{n}", SETTINGS, "10.0.0.2") for n in range(EACH, PLACES)]
        assert [next(one)["event"] for one in others] == ["waiting"] * (PLACES - EACH)
        with pytest.raises(UserError, match=f"^{PLACES} trainings of programs are .* try again in"):
            next(runs.train("net-y", SETTINGS, "10.0.0.3"))
        held[0].close()
        again = runs.train("net-z", SETTINGS, "10.0.0.1")
        assert next(again)["event"] == "waiting"
        for one in (*held, *others, again):
            one.close()
    assert len(context.turns) == 0


def test_a_programs_share_goes_by_where_it_asks_from(busy: Busy) -> None:
    with busy.context.turns.join():  # so that nothing is trained here
        held = [busy.train("10.0.0.1") for _ in range(EACH)]
        assert [event["event"] for event, _ in held] == ["waiting"] * EACH
        refused, closed = busy.train("10.0.0.1")
        assert "from your network" in refused["error"]
        other, open_ = busy.train("10.0.0.2")
        assert other["event"] == "waiting"
        for connection in (closed, open_, *(connection for _, connection in held)):
            connection.close()


def test_looking_again_copies_no_images(tmp_path: Path) -> None:
    """Each look took 8 MB, which stayed with the thread that looked: 300 MB in a crowd."""
    context = make_context(tmp_path)
    first, _ = context.digits_for(context.released)
    again, _ = context.digits_for(context.released)
    assert again.images.data_ptr() == first.images.data_ptr()
