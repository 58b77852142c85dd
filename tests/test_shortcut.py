"""Drawings' way past Gradio: the same answers, and nothing else goes that way."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from test_page_guard import BLANK, get, post

from mnist_demo.page import launch
from mnist_demo.page.bodies import MAX_SMALL
from mnist_demo.page.doors import Doorstep
from mnist_demo.page.gate import Gate
from mnist_demo.page.heartbeat import Heartbeats
from mnist_demo.page.shortcut import PATHS, Shortcut
from mnist_demo.page.sketchpad import ID
from mnist_demo.page.visitors import Visitors

MESSAGE = {"session_hash": "a1", "component_id": 7, "fn_name": "classify", "data": {"x": 1}}


def went(
    message: dict[str, Any] | None, path: str = PATHS[0], method: str = "POST"
) -> tuple[Any, bytes]:
    """What a request is answered with, and the body that went on to Gradio."""
    passed: list[bytes] = []
    sent: list[Any] = []
    body = b"{}" if message is None else json.dumps(message).encode()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append((await receive())["body"])

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def answer(session: str, data: Any) -> dict[str, Any]:
        return {"session": session, "data": data}

    shortcut = Shortcut(app, {(7, "classify"): answer})
    scope = {"type": "http", "path": path, "method": method}
    asyncio.run(shortcut(scope, receive, send))
    return (json.loads(sent[1]["body"]) if sent else None), b"".join(passed)


def test_a_drawing_is_answered_and_goes_no_further() -> None:
    assert went(MESSAGE) == ({"session": "a1", "data": {"x": 1}}, b"")


@pytest.mark.parametrize(
    ("change", "path", "method"),
    [
        ({"component_id": 8}, PATHS[0], "POST"),
        ({"fn_name": "read_picture"}, PATHS[0], "POST"),
        ({"data": "x" * MAX_SMALL}, PATHS[0], "POST"),
        ({}, "/gradio_api/queue/join", "POST"),
        ({}, PATHS[0], "GET"),
    ],
)
def test_all_else_goes_gradios_way_unchanged(
    change: dict[str, Any], path: str, method: str
) -> None:
    message = MESSAGE | change
    answer, passed = went(message, path, method)
    assert answer is None
    assert json.loads(passed) == message


def test_both_ways_give_the_same_answer(address: str) -> None:
    config = json.loads(get(address, "config")[1])
    parts = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
    drawing = BLANK | {"w": 4, "h": 40, "ink": "/" * 213 + "w=="}
    short = MESSAGE | {"component_id": parts[ID], "data": drawing}
    long = short | {"more": "x" * MAX_SMALL}  # too long for a drawing's message
    answers = [
        post(address, "component_server/", json.dumps(message).encode())
        for message in (short, long)
    ]
    assert [status for status, _ in answers] == [200, 200]
    first, second = (json.loads(body) for _, body in answers)
    assert first == second
    assert first["digit"] == 1


def test_where_a_password_is_set_there_is_no_shortcut() -> None:
    with gr.Blocks() as page:
        gr.HTML(elem_id=ID)
    page.context = SimpleNamespace(traffic=None, visitors=Visitors())
    layers = {has: [one.cls for one in launch._middleware(page, has)] for has in (True, False)}
    assert layers[False][-1] is Shortcut
    assert [layer for layer in layers[True] if layer is not Doorstep] == layers[False][:-1]
    assert layers[True].index(Gate) < layers[True].index(Doorstep) < layers[True].index(Heartbeats)
