"""Connections that ask for nothing are closed, and nobody who waits for an answer is."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from mnist_demo.benchmark.server import free_port
from mnist_demo.page import idle
from mnist_demo.page.app import build
from mnist_demo.page.idle import PATIENCE, Idle, allow_many_files
from mnist_demo.page.launch import launch_page, make_context


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(idle, "EVERY", 0.05)
    monkeypatch.setattr(idle, "PATIENCE", 2.0)
    port = free_port()
    page: gr.Blocks = build(make_context(tmp_path))
    launch_page(page, "127.0.0.1", port, block=False)
    yield port
    page.close()


def is_closed(connection: socket.socket, wait: float = 30.0) -> bool:
    connection.settimeout(wait)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
def test_who_asks_for_nothing_is_cut_off(port: int, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(said)
        assert is_closed(connection)


def test_who_asks_again_with_half_of_a_request_is_cut_off(port: int) -> None:
    """After a first answer uvicorn's own clock ends with the next bytes that come."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in connection.recv(4096)
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        connection.settimeout(30.0)
        while connection.recv(4096):
            pass


def test_who_waits_for_an_answer_is_left_alone(port: int) -> None:
    """A page keeps a request open for as long as it is there."""
    page = HTTPConnection("127.0.0.1", port, timeout=30)
    page.request("GET", "/gradio_api/heartbeat/somebody")
    answer = page.getresponse()
    time.sleep(3)
    assert answer.status == 200
    assert answer.read(1)
    page.close()


class Connection:
    """uvicorn's protocol and its transport in one."""

    def __init__(self) -> None:
        self.cycle: Any = None
        self.ended: list[str] = []

    @property
    def transport(self) -> Connection:
        return self

    def is_closing(self) -> bool:
        return bool(self.ended)

    def close(self) -> None:
        self.ended.append("close")

    def abort(self) -> None:
        self.ended.append("abort")


async def nothing(*_: Any) -> None: ...


def test_what_is_gone_is_forgotten() -> None:
    here = {Connection(), Connection()}
    watch = Idle(nothing, lambda: here)
    watch.close_old(0.0)
    gone = here.pop()
    watch.close_old(PATIENCE - 1)
    (left,) = here
    assert (gone.ended, left.ended) == ([], [])
    watch.close_old(PATIENCE)
    assert (gone.ended, left.ended) == ([], ["close"])
    assert [connection for connection, _ in watch._since] == [left]
    watch.close_old(PATIENCE + 1)
    assert left.ended == ["close", "abort"]  # it does not read, and would stay for ever


def test_of_too_many_the_oldest_go_at_once() -> None:
    here = [Connection() for _ in range(3)]
    watch = Idle(nothing, lambda: here, most=4)
    watch.close_old(0.0)
    asking = Connection()
    asking.cycle = Asked()
    here += [Connection() for _ in range(3)] + [asking]
    watch.close_old(1.0)
    assert [len(one.ended) for one in here[3:]] == [0] * 4
    assert sum(len(one.ended) for one in here[:3]) == 2


class Asked:
    response_complete = False


class Answered:
    response_complete = True


def test_who_asks_again_and_again_stays() -> None:
    """Seen only between two requests, each of which is another."""
    busy = Connection()
    watch = Idle(nothing, lambda: {busy})
    for second in range(0, 200, 5):
        busy.cycle = Answered()
        watch.close_old(float(second))
    assert busy.ended == []


def test_what_is_no_connection_of_http_ends_no_watch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A WebSocket's has no cycle; whatever else goes wrong is told, and the watch goes on."""
    monkeypatch.setattr(idle, "EVERY", 0.01)
    socket, tries = Connection(), []
    del socket.cycle
    watch = Idle(nothing, lambda: {socket})
    watch.close_old(0.0)
    watch.close_old(PATIENCE)
    assert socket.ended == ["close"]

    def broken() -> set[Any]:
        tries.append(1)
        raise RuntimeError("no connections")

    async def listen() -> None:
        task = asyncio.ensure_future(Idle(nothing, broken)._keep_watch())
        async with asyncio.timeout(30):
            while len(tries) < 2:
                await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(listen())
    assert "could not be closed" in caplog.text


def test_as_many_files_may_be_open_as_the_system_allows() -> None:
    resource = pytest.importorskip("resource")
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = min(256, hard if hard != resource.RLIM_INFINITY else 256)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
        allow_many_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > few or hard == few
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
