"""What a hostile or broken client may try against a running app, and what it gets."""

from __future__ import annotations

import gc
import json
import logging
import urllib.error
import urllib.request
from typing import Any

import pytest
from gradio.state_holder import SessionState

from mnist_demo.page.launch import MAX_JSON
from mnist_demo.page.logs import EVERY, Sparing


def post(address: str, path: str, body: bytes) -> tuple[int, bytes]:
    request = urllib.request.Request(
        f"{address}gradio_api/{path}", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def get(address: str, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"{address}{path}", timeout=20) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture(scope="module")
def components(address: str) -> dict[str, int]:
    """The id of each component that has a name on the page."""
    config = json.loads(get(address, "config")[1])
    named = [(c["props"].get("elem_id"), c["id"]) for c in config["components"]]
    return {name: number for name, number in named if name}


def call(address: str, component: int, name: str, data: Any, session: Any = "a1") -> Any:
    message = {"session_hash": session, "component_id": component, "fn_name": name, "data": data}
    status, body = post(address, "component_server/", json.dumps(message).encode())
    return status, json.loads(body)


BLANK = {"net": "released", "x": 0, "y": 0, "w": 1, "h": 1, "ink": "AA=="}


def test_a_blank_drawing_is_answered_as_blank(address: str, components: dict[str, int]) -> None:
    assert call(address, components["sketchpad"], "classify", BLANK) == (200, {"blank": True})


@pytest.mark.parametrize("data", [None, 7, "x", [], {}, {"net": "released"}, BLANK | {"w": 10**9}])
def test_a_wrong_payload_gets_a_message(
    address: str, components: dict[str, int], data: Any
) -> None:
    status, answer = call(address, components["sketchpad"], "classify", data)
    assert status == 200
    assert "error" in answer


@pytest.mark.parametrize("session", ["", "../../etc", "x" * 65, "a b"])
def test_a_made_up_session_gets_a_message(
    address: str, components: dict[str, int], session: str
) -> None:
    status, answer = call(address, components["sketchpad"], "classify", BLANK, session)
    assert (status, "reload" in answer["error"]) == (200, True)


def test_a_net_that_is_not_the_visitors_own_is_refused(
    address: str, components: dict[str, int]
) -> None:
    status, answer = call(address, components["sketchpad"], "classify", BLANK | {"net": "run-1"})
    assert (status, "gone" in answer["error"]) == (200, True)


def test_a_huge_body_is_refused_before_it_is_read(address: str, components: dict[str, int]) -> None:
    body = b'{"session_hash": "a1", "data": "' + b"A" * (MAX_JSON + 1)
    assert post(address, "component_server/", body)[0] == 413
    assert post(address, "queue/join", body)[0] == 413


def test_functions_that_are_not_offered_cannot_be_called(
    address: str, components: dict[str, int]
) -> None:
    for name in ("postprocess", "__init__", "get_config", "push_to_hub"):
        assert call(address, components["sketchpad"], name, {})[0] == 404


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "app.py", "models/digits.safetensors", "../../../../etc/passwd"]
)
def test_files_stay_where_they_are(address: str, path: str) -> None:
    assert get(address, f"gradio_api/file={path}")[0] in (403, 404)


def test_run_does_not_jump_the_queue(address: str) -> None:
    status, _ = post(address, "run/classify", json.dumps({"data": ["AA==", "released"]}).encode())
    assert status in (403, 404, 405)


@pytest.mark.parametrize("path", ["queue/data?session_hash=nobody", "call/classify/nobody"])
def test_a_stream_of_events_that_nobody_has_says_so_and_costs_no_line_of_the_log(
    address: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        status, body = get(address, f"gradio_api/{path}")
        assert status == 200  # Gradio's own client reads what went wrong in the stream
        assert b"404: Not Found" in body
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_session_keeps_no_picture_that_it_sent(address: str) -> None:
    picture = "A" * 4321
    body = json.dumps({"data": [picture, "released"], "session_hash": "sender"}).encode()
    status, answer = post(address, "call/classify", body)
    assert status == 200
    get(address, f"gradio_api/call/classify/{json.loads(answer)['event_id']}")
    sessions = [thing for thing in gc.get_objects() if isinstance(thing, SessionState)]
    assert sessions  # Gradio makes one for each such event, and has 500 of them
    assert not [one for one in sessions if picture in repr(one.config_values)]


def test_what_others_write_of_requests_is_bounded_and_what_is_left_out_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 0.0
    theirs = logging.Logger("theirs")
    theirs.addFilter(Sparing(most=3, clock=lambda: now))
    theirs.addHandler(caplog.handler)
    for _ in range(10):
        theirs.warning("Invalid HTTP request received.")
    assert len(caplog.messages) == 3
    now = EVERY
    theirs.warning("Invalid HTTP request received.")
    assert caplog.messages[3:] == [
        "theirs: 7 more lines were left out",
        "Invalid HTTP request received.",
    ]
