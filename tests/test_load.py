"""Many visitors, in small: the generator asks as the page does, and the app keeps its bounds."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
import pytest

from mnist_demo.benchmark import asking, load, proxy
from mnist_demo.benchmark.asking import Layout, Line, Page, loopback
from mnist_demo.benchmark.crowd import Pause, Tally, Training, draw, flood, look, train
from mnist_demo.benchmark.load_report import format_report
from mnist_demo.benchmark.pens import Drawing
from mnist_demo.benchmark.pens import draw as draw_digit
from mnist_demo.benchmark.watching import holdings
from mnist_demo.classify import classify_ink
from mnist_demo.errors import UserError
from mnist_demo.notebook import load_net
from mnist_demo.page.pace import BURST, RATE
from mnist_demo.page.sketchpad import read_drawing


@pytest.fixture(scope="module")
def drawings() -> list[Drawing]:
    rng = np.random.default_rng(3)
    return [draw_digit(rng) for _ in range(6)]


def page(address: str) -> Page:
    host, _, port = address.removeprefix("http://").strip("/").rpartition(":")
    config = asyncio.run(Line(host, int(port)).ask("/config"))
    return Page(address, Layout.of(json.loads(config)))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com:80/",
        "http://10.0.0.1:7860/",
        "https://127.0.0.1:7860/",
        "http://127.0.0.1.example.com:80/",
        "http://127.0.0.1@example.com:80/",
        "127.0.0.1",
    ],
)
def test_no_other_machine_can_be_loaded(url: str) -> None:
    with pytest.raises(UserError, match="only an app on this machine"):
        loopback(url)


def test_an_answer_that_comes_too_late_is_to_no_later_question(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.2)
    is_late = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):  # the line was closed
            while True:
                _, path, *_ = (await reader.readuntil(b"\r\n\r\n")).split()
                if path == b"/slow":
                    await is_late.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + path)

    async def ask() -> bytes:
        line = Line("127.0.0.1", port)
        async with await asyncio.start_server(answer, "127.0.0.1", port):
            with pytest.raises(TimeoutError):
                await line.ask("/slow")
            monkeypatch.setattr(asking, "PATIENCE", 30.0)
            is_late.set()
            said = await line.ask("/next")
            line.close()
            return said

    assert asyncio.run(ask()) == b"/next"


def test_this_machine_can_be() -> None:
    assert loopback("http://localhost:7860") == "http://localhost:7860/"
    assert loopback("127.0.0.1:7860/x") == "http://127.0.0.1:7860/"


def test_a_pen_sends_what_the_page_would_and_it_is_read(drawings: list[Drawing]) -> None:
    net = load_net().answering
    right = 0
    for drawing in drawings:
        inks = [read_drawing(json.loads(update))[0] for update in drawing.updates]
        amounts = [float(ink.sum()) for ink in inks]
        assert amounts == sorted(amounts)  # ink is added and never taken away
        assert amounts[0] < amounts[-1] / 3
        assert 13 <= len(inks) <= 28  # 0.8 to 1.8 s at 15 a second, and the lifted pen
        right += classify_ink(net, inks[-1]).digit == drawing.digit
    assert right >= 5


def test_drawings_that_come_together_share_a_pass(address: str, drawings: list[Drawing]) -> None:
    visitor = page(address)

    async def all_at_once() -> tuple[list[Any], dict[str, int]]:
        before = json.loads(await visitor.line.ask("/health"))
        pages = [Page(address, visitor.layout) for _ in range(24)]
        body = drawings[0].updates[-1]
        answers = [one.serve("sketchpad", "classify", body) for one in pages]
        got = await asyncio.gather(*answers)
        after = json.loads(await visitor.line.ask("/health"))
        return got, {name: after[name] - before[name] for name in ("drawings_answered", "passes")}

    answers, counted = asyncio.run(all_at_once())
    assert [answer["digit"] for answer in answers] == [drawings[0].digit] * 24
    assert counted["drawings_answered"] == 24
    assert counted["passes"] < 24


def test_a_crowd_is_answered_while_one_floods(address: str, drawings: list[Drawing]) -> None:
    tally, flooding = Tally(), Tally()
    first = page(address)

    async def crowd() -> float:
        async with first, Page(address, first.layout) as second, Page(address, first.layout) as bad:
            start = time.perf_counter()
            stay = Pause(start + 4)
            rng = np.random.default_rng(0)
            await asyncio.gather(
                *(draw(one, drawings, rng, stay, tally) for one in (first, second)),
                flood(bad, drawings, stay, flooding),
            )
            return time.perf_counter() - start

    seconds = asyncio.run(crowd())
    assert not tally.errors
    assert not tally.refused
    assert len(tally.waits) > 20
    assert tally.report(seconds)["p95_ms"] < 5000  # the machine may be busy with other things
    assert flooding.answers <= BURST + RATE * seconds
    assert sum(flooding.refused.values()) > 10
    assert not flooding.errors


@pytest.mark.timeout(500)  # a worker's process starts, on a machine that may be busy
def test_trainings_end_in_the_order_they_were_asked_for(
    address: str, drawings: list[Drawing]
) -> None:
    visitor = page(address)
    runs = [Training(0), Training(1)]

    async def both() -> None:
        zero = time.perf_counter()

        async def one(run: Training) -> None:
            while run.number and not (runs[0].status or runs[0].refused):
                await asyncio.sleep(0.05)
            async with Page(address, visitor.layout) as own:
                await train(own, run, zero, 1)

        await asyncio.gather(*map(one, runs))

    asyncio.run(both())
    assert [(run.status, run.refused) for run in runs] == [("done", "")] * 2
    first, second = runs
    assert first.ended is not None
    assert second.began is not None
    assert first.ended <= second.began + 1
    assert "1 person ahead of you" in second.told[0]


def test_the_gallery_is_looked_at_as_the_page_does(address: str) -> None:
    tally = Tally()

    async def visit() -> None:
        async with page_ as own:
            await look(own, 0, tally)

    page_ = page(address)
    asyncio.run(visit())
    assert (tally.answers, tally.refused, tally.errors) == (1, {}, {})


@pytest.mark.timeout(500)  # a worker's process starts, on a machine that may be busy
def test_the_command_reports_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """In small, with an app of its own: visitors leave neither files nor threads behind."""
    monkeypatch.setattr(load, "SETTLE", 6.0)  # the machine may be busy with other things
    parser = argparse.ArgumentParser()
    load.add_arguments(parser)
    words = "--drawing 2 --training 1 --browsing 1 --seconds 6 --visitors 25 --epochs 1"
    result = load.run(parser.parse_args(words.split()))
    assert result["drawing"]["errors"] == {}
    assert result["trainings"]["done"] == 1
    assert result["trainings"]["in_order"]
    assert result["arrivals"]["files"] > 10
    assert result["arrivals"]["opening"]["answers"] > 2
    assert result["arrivals"]["opening"]["errors"] == {}
    sequence = result["sequence"]
    assert (sequence["answers"], sequence["errors"]) == (125, {})
    text = format_report(result)
    assert "25 visitors one after another" in text
    assert "the same while 5 a second open the page" in text
    assert "1 trainings in line: 1 done, each in its order" in text
    if not sequence["before"]:
        return  # this system does not tell what a process holds
    before, after = sequence["before"][0], sequence["after"][0]
    assert after["files"] == before["files"]
    assert after["threads"] <= before["threads"] + 5
    assert after["open_files"] <= before["open_files"] + 5
    assert after["memory_mib"] < 1.5 * before["memory_mib"]


@pytest.mark.parametrize("words", ["--drawing 9999", "--seconds 0", "--processes 9"])
def test_a_load_out_of_bounds_is_refused(words: str) -> None:
    parser = argparse.ArgumentParser()
    load.add_arguments(parser)
    with pytest.raises(UserError, match="choose from"):
        load.run(parser.parse_args(words.split()))


# A process of its own: in this one other threads open files too.
OPENING = """
import sys
print(flush=True)
sys.stdin.readline()
kept = open(sys.argv[1], "w")
print(flush=True)
sys.stdin.readline()
"""


def test_what_a_process_holds_is_counted(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OPENING, tmp_path / "one"], stdin=PIPE, stdout=PIPE, text=True
    ) as child:
        assert child.stdin
        assert child.stdout
        child.stdout.readline()
        held = holdings(child.pid, tmp_path)
        child.stdin.write("\n")
        child.stdin.flush()
        child.stdout.readline()
        more = holdings(child.pid, tmp_path)
    if held is None:
        pytest.skip("this system does not tell what a process holds")
    assert more is not None
    assert more["files"] == held["files"] + 1
    assert more["open_files"] == held["open_files"] + 1
    assert holdings(2**22 + 1) is None


@pytest.mark.timeout(500)  # a worker's process starts, on a machine that may be busy
def test_two_processes_behind_nginx_keep_each_visitor_where_it_was(tmp_path: Path) -> None:
    if proxy.nginx() is None:
        pytest.skip("no nginx here")
    parser = argparse.ArgumentParser()
    load.add_arguments(parser)
    words = "--drawing 4 --training 2 --browsing 1 --seconds 2 --visitors 4 --epochs 1"
    result = load.run(parser.parse_args([*words.split(), "--processes", "2"]))
    assert result["drawing"]["errors"] == {}
    assert result["drawing"]["gallery"]["errors"] == {}
    assert result["trainings"]["done"] == 2
    assert len(result["drawing"]["server_cores"]) == 2


def test_the_proxys_configuration_is_the_one_that_is_told(tmp_path: Path) -> None:
    text = proxy.config_text(8080, ["http://127.0.0.1:7861/", "http://127.0.0.1:7862/"], tmp_path)
    told = (Path(proxy.__file__).parent / "LOAD.md").read_text()
    shown = told.partition("```nginx\n")[2].partition("```")[0]
    folder = str(tmp_path)
    assert shown.strip() == text.replace(folder, "/run/mnist-demo").strip()


def test_nginx_itself_says_when_to_come_back(port: int, tmp_path: Path) -> None:
    program = proxy.nginx()
    if program is None:
        pytest.skip("no nginx here")
    text = proxy.config_text(port, ["http://127.0.0.1:9/"], tmp_path)  # where nobody answers
    strict = text.replace("rate=1000r/s", "rate=1r/m").replace(" burst=1000 nodelay", "")
    (tmp_path / "nginx.conf").write_text(strict)

    def ask() -> tuple[int, str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/")
        reply = connection.getresponse()
        connection.close()
        return reply.status, reply.headers["Retry-After"]

    def first() -> tuple[int, str | None] | None:
        with contextlib.suppress(OSError):
            return ask()
        return None

    words = ["-p", str(tmp_path), "-e", "stderr", "-c", str(tmp_path / "nginx.conf")]
    with subprocess.Popen([program, *words], stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 60
            while (answered := first()) is None and time.monotonic() < until:
                time.sleep(0.02)
            assert answered == (502, None)
            assert ask() == (429, "1")
        finally:
            process.terminate()
