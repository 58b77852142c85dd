"""The endpoints by gradio_client and by MCP, `/health`, and what the log says."""

from __future__ import annotations

import ast
import asyncio
import base64
import io
import json
import logging
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client
from PIL import Image
from test_page_training import FakeTime, InStep
from test_worker import wait_until

from mnist_demo.benchmark.fuzz_http import SETTINGS
from mnist_demo.benchmark.server import free_port
from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError
from mnist_demo.optimise import OPTIMIZERS
from mnist_demo.page import api_training, logs
from mnist_demo.page.api_training import ApiRuns, checked
from mnist_demo.page.batcher import MAX_WAITING
from mnist_demo.page.context import Context
from mnist_demo.page.crew import Crew
from mnist_demo.page.logs import ErrorWatch, Tally, Traffic


@pytest.fixture(scope="module")
def picture(sample: Dataset) -> str:
    stream = io.BytesIO()
    Image.fromarray(sample.validation.images[0, 0].numpy()).save(stream, format="PNG")
    return base64.b64encode(stream.getvalue()).decode()


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return connect(address)


def connect(address: str, **options: Any) -> Client:
    """With patience: the machine may be busy with other things."""
    return Client(address, verbose=False, httpx_kwargs={"timeout": 90}, **options)


def test_endpoints_are_three_with_types_and_words(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(endpoints) == {"/classify", "/evaluate", "/train"}
    for endpoint in endpoints.values():
        assert len(endpoint["description"]) > 20
        assert all(value["type"] for value in endpoint["parameters"])
        assert endpoint["returns"][0]["type"]["properties"]["error"] == {"type": "string"}


def test_the_document_names_what_is_let_in_and_nothing_else(address: str) -> None:
    with urllib.request.urlopen(f"{address}gradio_api/openapi.json", timeout=20) as reply:
        paths = json.loads(reply.read())["paths"]
    kinds = ("/gradio_api/call/v2/{}", "/gradio_api/call/{}/{{event_id}}")
    names = ("classify", "evaluate", "train")
    assert set(paths) == {kind.format(name) for kind in kinds for name in names}


def test_a_net_is_trained_then_used_by_whoever_knows_its_name(
    client: Client, address: str, picture: str
) -> None:
    job = client.submit(*SETTINGS.values(), api_name="/train")
    events = [*job]
    kinds = [event["event"] for event in events]
    assert kinds.count("epoch") == 1
    assert kinds[-1] == "done"
    end = events[-1]
    assert 0.3 < end["accuracy"] == pytest.approx(end["validation_accuracy"], abs=1e-6)
    stranger = connect(address)
    report = stranger.predict(end["net"], api_name="/evaluate")
    assert report["accuracy"] == pytest.approx(end["accuracy"], abs=1e-6)
    assert report["count"] == sum(map(sum, report["confusion"])) == 1000
    answer = stranger.predict(picture, end["net"], api_name="/classify")
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["net-unknown", "run-1", "", "../x", "net-" + "x" * 200])
def test_a_net_that_nobody_has_is_told(client: Client, name: str) -> None:
    assert "no net is called" in client.predict(name, api_name="/evaluate")["error"]


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("net", "nope", "no net is called"),
        ("net", ["linear"], "must be text"),
        ("net", "custom:width=99999", "choose from"),
        ("dataset", "/etc/passwd", "data set"),
        ("dataset", "../mnist", "data set"),
        ("dataset", "mnist", "no data set is called 'mnist'; choose one of: sample"),
        ("dataset", "digit-or-not", "no data set"),
        ("epochs", 10**6, "epochs is 1000000; choose from 1 to 60"),
        ("epochs", 61, "epochs is 61; choose from 1 to 60"),
        ("epochs", 0, "epochs is 0; choose from 1 to 60"),
        ("batch_size", 2, "batch_size is 2; choose from 8 to 256"),
        ("batch_size", 512, "batch_size is 512; choose from 8 to 256"),
        ("epochs", "many", "whole number"),
        ("batch_size", 1.5, "whole number"),
        ("learning_rate", float("nan"), "learning rate"),
        ("learning_rate", "0.1", "learning rate"),
        ("optimizer", {"a": 1}, "must be text"),
        ("augment", "eval(1)", "choose"),
        ("seed", -1, "seed"),
    ],
)
def test_settings_that_will_not_do_are_told(
    client: Client, setting: str, value: object, word: str
) -> None:
    if value != value:  # JSON has no NaN
        with pytest.raises(UserError, match=word):
            checked(SETTINGS | {setting: value})
        return
    settings = list((SETTINGS | {setting: value}).values())
    answer = client.predict(*settings, api_name="/train")
    assert word in answer["error"]


def test_programs_have_few_places_in_the_line() -> None:
    from mnist_demo.page.launch import make_context

    context = make_context("/nonexistent")
    runs = ApiRuns(context, places=1)
    first = runs.train("net-a", SETTINGS)
    next(first)
    with pytest.raises(UserError, match="try again"):
        next(runs.train("net-b", SETTINGS))
    first.close()  # its program has gone
    second = runs.train("net-c", SETTINGS)
    next(second)
    second.close()
    assert len(context.turns) == 0
    context.crew.close()


def test_only_nets_that_are_done_push_out_older_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    from mnist_demo.page.launch import make_context

    monkeypatch.setattr(api_training, "KEPT", 1)
    context = make_context("/nonexistent")
    context.crew = Crew(lambda: InStep(FakeTime()))
    runs = ApiRuns(context)
    done = list(runs.train("net-a", SETTINGS))
    going = runs.train("net-b", SETTINGS)
    next(going)
    for name in ("net-c", "net-d"):
        cut_off = runs.train(name, SETTINGS)
        next(cut_off)
        cut_off.close()
        assert context.visitors.peek(name) is None
    assert context.visitors.peek("net-a") is not None
    assert [done[-1]["event"], list(going)[-1]["event"]] == ["done", "done"]
    assert context.visitors.peek("net-a") is None
    assert context.visitors.peek("net-b") is not None


def test_health_is_told_without_a_path(address: str) -> None:
    health = read_health(address)
    assert health["status"] == "ok"
    assert health["version"]
    assert health["uptime_seconds"] > 0
    assert health["trainings_in_line"] == 0
    assert isinstance(health["visitors"], int)
    assert "last_error" in health
    assert "/" not in json.dumps({**health, "last_error": None})


def test_health_counts_requests_by_class(address: str, client: Client, picture: str) -> None:
    before = read_health(address)["requests"]
    client.predict(picture, api_name="/classify")
    urllib.request.urlopen(address).read()
    after = read_health(address)["requests"]
    for kind in ("classify", "page"):
        assert after[kind] > before.get(kind, 0)


def read_health(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}health", timeout=20) as reply:
        assert reply.headers["Content-Type"] == "application/json"
        answer: dict[str, Any] = json.loads(reply.read())
    return answer


def test_the_log_has_a_line_a_class(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    traffic = Traffic(clock=lambda: now[0], wall=lambda: 1e9)
    with caplog.at_level(logging.INFO, "mnist_demo.traffic"):
        for number in range(100):
            traffic.count("classify", number / 1000)
        traffic.count("train", 72.0)
        traffic.count("train", 1.0, 400)
        assert not caplog.messages
        traffic.count("gallery", 0.2, 500)
        now[0] = 61.0
        traffic.report()
    assert caplog.messages == [
        "classify: 100 in 61 s, median 50 ms, 95 % within 95 ms, slowest 99 ms",
        "gallery: 1 in 61 s, median 200 ms, 95 % within 200 ms, slowest 200 ms, 1 failed",
        "train: 2 in 61 s, median 72 s, 95 % within 72 s, slowest 72 s, 1 refused",
    ]
    assert traffic.totals == {"classify": 100, "gallery": 1, "train": 2}
    assert traffic.last_error == 1e9


def test_a_report_comes_when_nobody_asks_any_more(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from mnist_demo.page.app import build
    from mnist_demo.page.launch import launch_page, make_context

    monkeypatch.setattr(logs, "EVERY", 0.3)
    page = build(make_context(tmp_path))
    traffic: Traffic = page.context.traffic
    lines: list[str] = []  # of this page alone: others of these tests write into the same log
    is_over = threading.Event()

    def report() -> None:
        lines.extend(traffic._tallies)
        Traffic.report(traffic)

    async def keep_reporting() -> None:
        try:
            await Traffic.keep_reporting(traffic)
        finally:
            is_over.set()

    def is_quiet() -> bool:
        told = len(lines)
        time.sleep(1)
        return 0 < told == len(lines)  # nothing happened: no line

    monkeypatch.setattr(traffic, "report", report)
    monkeypatch.setattr(traffic, "keep_reporting", keep_reporting)
    with caplog.at_level(logging.INFO, "mnist_demo.traffic"):
        address = launch_page(page, host="127.0.0.1", port=free_port(), block=False)
        urllib.request.urlopen(f"{address}config", timeout=60).close()
        wait_until(is_quiet, 60)
        assert any(message.startswith("page: ") for message in caplog.messages)
    page.close()
    assert is_over.wait(60)  # the reports end with the server


def test_a_class_keeps_few_durations() -> None:
    tally = Tally()
    for number in range(10_000):
        tally.add(number, 200)
    assert tally.count == 10_000
    assert len(tally.seconds) == 2_000
    assert min(tally.seconds) >= 8_000  # the newest


def test_events_are_counted_when_they_are_over() -> None:
    traffic = Traffic()

    def stream(count: int) -> Iterator[int]:
        yield from range(count)

    def refuse() -> None:
        raise UserError("no")

    async def later() -> int:
        return 7

    assert list(traffic.timed("train", stream)(3)) == [0, 1, 2]
    assert asyncio.run(traffic.timed("page", later)()) == 7
    cut = traffic.timed("train", stream)(3)
    next(cut)
    cut.close()
    assert traffic.last_error is None
    with pytest.raises(UserError):
        traffic.timed("page", refuse)()
    assert traffic.last_error is None
    with pytest.raises(ZeroDivisionError):
        traffic.timed("page", lambda: 1 / 0)()
    assert traffic.last_error is not None
    assert traffic.totals == {"train": 2, "page": 3}


def test_errors_that_other_threads_log_are_noticed() -> None:
    traffic = Traffic()
    logger = logging.getLogger("mnist_demo.test")
    logger.addHandler(ErrorWatch(traffic))
    logger.warning("nothing to worry about")
    assert traffic.last_error is None
    logger.error("something broke")
    assert traffic.last_error is not None


@pytest.fixture(scope="module")
def mcp_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    from mnist_demo.page.app import build
    from mnist_demo.page.launch import launch_page, make_context

    page = build(make_context(tmp_path_factory.mktemp("no-data")))
    launch_page(page, host="127.0.0.1", port=free_port(), block=False, mcp=True)
    yield page
    page.close()


@pytest.fixture
def mcp_address(mcp_page: gr.Blocks) -> str:
    return str(mcp_page.local_url)


def test_health_is_busy_where_the_next_training_would_be_turned_away(mcp_page: gr.Blocks) -> None:
    context: Context = mcp_page.context
    turns = context.turns
    places = [turns.join() for _ in range(turns.limit)]
    try:
        health = read_health(mcp_page.local_url)  # and with status 200: it is no fault
        assert health["status"] == "busy"
        assert health["trainings_in_line"] == health["trainings_limit"] == turns.limit
        with pytest.raises(UserError, match="trainings are waiting already"):
            turns.join()
        turns.leave(places.pop())
        health = read_health(mcp_page.local_url)
        assert (health["status"], health["trainings_in_line"]) == ("ok", turns.limit - 1)
    finally:
        for place in places:
            turns.leave(place)


def test_health_is_busy_where_the_next_drawing_would_be_turned_away(
    mcp_page: gr.Blocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    context: Context = mcp_page.context
    assert read_health(mcp_page.local_url)["status"] == "ok"
    monkeypatch.setattr(context.batcher, "_waiting", [None] * MAX_WAITING)
    health = read_health(mcp_page.local_url)
    assert (health["status"], health["drawings_waiting"]) == ("busy", MAX_WAITING)


def test_an_assistant_finds_three_tools_and_reads_a_picture(
    mcp_address: str, picture: str, sample: Dataset
) -> None:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def visit() -> tuple[Any, Any, Any, Any]:
        async with (
            streamablehttp_client(f"{mcp_address}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
            answer = await session.call_tool("classify", {"image": picture})
            wrong = await session.call_tool("classify", {"image": "aGVsbG8="})
            hidden = await session.call_tool("forget", {})
            return tools, answer, wrong, hidden

    tools, answer, wrong, hidden = asyncio.run(visit())
    assert {tool.name for tool in tools} == {"classify", "evaluate", "train"}
    classify = next(tool for tool in tools if tool.name == "classify")
    assert classify.inputSchema["required"] == ["image"]
    assert "base64" in classify.inputSchema["properties"]["image"]["description"]
    assert f"'digit': {int(sample.validation.labels[0])}" in answer.content[0].text
    assert "not a picture" in wrong.content[0].text
    assert hidden.isError
    told = {tool.name: tool.description.partition("Returns: ")[2] for tool in tools}
    assert told["classify"] == (
        '{"text" (the digit or digits), "is_a_digit" (False for what looks like none and for '
        'several), "digit", "confidence" (0 to 1), "probabilities" of the ten digits} or {"error"}'
    )
    assert told["evaluate"] == (
        '{"net", "images", "count", "accuracy" (0 to 1), "loss", "per_class" accuracy, '
        '"confusion" (a row for each true class)} or {"error"}'
    )
    assert told["train"] == (
        'events as they come: {"event": "waiting", "ahead"}, '
        '{"event": "training", "step", "steps", "loss"}, '
        '{"event": "epoch", "epoch", "validation_accuracy", ...}, '
        'at the end {"event": "done", "net", "accuracy", ...} or {"event": "error", "error"}, '
        'where "net" is a name for classify and evaluate, '
        "good for an hour after each use (of all nets the newest 40 are kept), "
        "which the caller alone knows"
    )
    settings = next(tool for tool in tools if tool.name == "train").inputSchema["properties"]
    assert settings["optimizer"]["description"] == f"one of: {', '.join(OPTIMIZERS)}"


def test_an_assistant_trains_a_net_and_tests_it(mcp_address: str) -> None:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def visit() -> tuple[Any, Any, Any, Any]:
        async with (
            streamablehttp_client(f"{mcp_address}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()

            async def call(tool: str, words: dict[str, Any]) -> Any:
                answer: Any = await session.call_tool(tool, words)
                return ast.literal_eval(answer.content[0].text)

            end = await call("train", SETTINGS)
            refused = await call("train", SETTINGS | {"epochs": 0})
            report = await call("evaluate", {"net": end["net"]})
            unknown = await call("evaluate", {"net": "net-unknown"})
            return end, refused, report, unknown

    end, refused, report, unknown = asyncio.run(visit())
    assert end["event"] == "done"
    assert end["accuracy"] > 0.3
    assert refused == {"event": "error", "error": "epochs is 0; choose from 1 to 60"}
    assert report["net"] == "linear, trained on sample"
    assert report["accuracy"] == pytest.approx(end["accuracy"], abs=1e-6)
    assert report["count"] == sum(map(sum, report["confusion"])) == 1000
    assert "no net is called" in unknown["error"]


def test_without_being_asked_there_is_no_mcp(address: str) -> None:
    request = urllib.request.Request(
        f"{address}gradio_api/mcp/", b"{}", {"Accept": "text/event-stream"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    assert refused.value.code in (404, 405)
