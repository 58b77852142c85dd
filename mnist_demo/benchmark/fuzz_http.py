"""What is tried against a running app, each as a function that tells what gave way, if anything."""

from __future__ import annotations

import base64
import http.client
import json
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mnist_demo.benchmark import junk

WAIT = 30.0  # seconds until a reply is given up
BIG = 20 * 2**20
MOST = 4 * 2**20  # bytes of a reply that are read
JSON = {"Content-Type": "application/json"}
TOOLS = "/gradio_api/mcp/"
ASSISTANT = JSON | {"Accept": "application/json, text/event-stream"}
Attempt = Callable[[random.Random], str | None]

# Valid messages of the server functions, from which the hostile ones are made.
STROKE = base64.b64encode(b"\xff" * 8 * 80).decode()  # enough ink that the net is asked
DRAWING = {"net": "released", "x": 66, "y": 30, "w": 8, "h": 80, "ink": STROKE}
ONE = base64.b64encode((bytes(12) + b"\xff" * 4 + bytes(12)) * 28).decode()  # 28x28
MESSAGES: dict[str, Any] = {
    "classify": DRAWING | {"own": ONE},
    "inside": DRAWING | {"at_rest": True},
    "minds": DRAWING,
    "page_of": {"choice": "released", "sort": "worst", "page": 0, "size": 24, "right": False},
    "figure_of": {"choice": "released", "what": "channels", "index": 0, "narrow": True},
    "switch": {"action": "pause", "value": 0.01},
    "download": {"run": "run-1", "kind": "net"},
}
# What the page's own events tell.
TOLD = ("run", "runs", "how", "key", "press", "own", "first", "tab", "settings", "index")
SETTINGS = {
    "net": "linear",
    "dataset": "sample",
    "epochs": 1,
    "batch_size": 256,
    "learning_rate": 0.01,
    "optimizer": "sgd",
    "schedule": "constant",
    "augment": "none",
    "seed": 1,
}


@dataclass
class Target:
    """A running app: what it offers, and what no reply of it may hold.

    `silence`: the longest wait for a reply, or for more of one, since it was last set to 0;
    `slowest`: the request that was answered so late.
    """

    port: int
    secrets: tuple[str, ...]
    silence: float = 0.0
    slowest: str = ""
    functions: list[tuple[int, str]] = field(default_factory=list)
    events: list[tuple[int, int, bool]] = field(default_factory=list)  # number, inputs, queued
    has_tools: bool = False  # for assistants, by MCP

    def __post_init__(self) -> None:
        config = json.loads(self.ask("GET", "/config")[1])
        for component in config["components"]:
            names = component["props"].get("server_fns") or []
            self.functions += [(component["id"], name) for name in names]
        self.events = [
            (event["id"], len(event["inputs"]), event.get("queue") is not False)
            for event in config["dependencies"]
            if event.get("backend_fn", True)
        ]
        self.has_tools = self._call_tools({"method": "tools/list", "params": {}})[0] == 200

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body of a reply; 0 where the connection was cut instead."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        content, what = b"", f"{method} {path} {body[:160]!r}"
        heard = time.perf_counter()
        try:
            connection.request(method, path, body or None, headers or {})
            reply = connection.getresponse()
            while len(content) < MOST and (part := reply.read1(MOST)):
                content += part
                heard = self._hear(heard, what)
            return reply.status, content
        except TimeoutError:
            return -1, b""
        except (OSError, http.client.HTTPException, ValueError):
            return 0, b""
        finally:
            self._hear(heard, what)
            connection.close()

    def _hear(self, heard: float, what: str) -> float:
        now = time.perf_counter()
        if now - heard > self.silence:
            self.silence, self.slowest = now - heard, what
        return now

    def judge(self, status: int, reply: bytes, what: object) -> str | None:
        """What is wrong with a reply."""
        shown = str(what)[:160]
        if status == -1:
            return f"no reply within {WAIT:.0f} s to {shown}"
        if status >= 500 and status != 503:
            return f"status {status} for {shown}"
        for secret in self.secrets:
            if secret.encode() in reply:
                return f"the reply to {shown} holds {secret!r}"
        return None

    def _call_tools(self, message: Any) -> tuple[int, bytes]:
        call = {"jsonrpc": "2.0", "id": 1} | message
        return self.ask("POST", TOOLS, json.dumps(call).encode(), ASSISTANT)

    def call_tool(self, message: Any) -> str | None:
        """An assistant's message, which is a JSON-RPC call with these of its parts."""
        return self.judge(*self._call_tools(message), message)

    def post(self, path: str, body: bytes, what: object) -> str | None:
        return self.judge(*self.ask("POST", f"/gradio_api/{path}", body, JSON), what)


def http_tries(target: Target) -> list[tuple[str, Attempt]]:
    """All kinds of tries, by name."""

    def call_function(rng: random.Random) -> str | None:
        component, name = rng.choice(target.functions)
        good = MESSAGES.get(name, "")
        data = junk.changed(rng, good) if isinstance(good, dict) and rng.random() < 0.8 else (
            junk.value(rng)
        )  # fmt: skip
        message = {"session_hash": _somebody(rng), "component_id": component, "fn_name": name}
        return target.post(
            "component_server/", json.dumps({**message, "data": data}).encode(), data
        )

    def draw_at_length(rng: random.Random) -> str | None:
        pads = [number for number, name in target.functions if name == "classify"]
        message = {"component_id": pads[0], "fn_name": "classify", "session_hash": _somebody(rng)}
        body = json.dumps(message | {"data": junk.ink(rng)}).encode()
        answers = (target.post("component_server/", body, "ink of many patches") for _ in range(20))
        return next((wrong for wrong in answers if wrong), None)

    def send_picture(rng: random.Random) -> str | None:
        pads = [number for number, name in target.functions if name == "read_picture"]
        data = base64.b64encode(junk.picture(rng)).decode()
        if rng.random() < 0.2:
            data = rng.choice(("data:image/png;base64,", "data:,", "é")) + data
        if rng.random() < 0.3 or not pads:
            return call_endpoint("classify", [data, "released"])
        message = {"component_id": pads[0], "fn_name": "read_picture"}
        message |= {"session_hash": _somebody(rng)}
        return target.post(
            "component_server/", json.dumps({**message, "data": data}).encode(), data
        )

    def send_envelope(rng: random.Random) -> str | None:
        component, name = rng.choice(target.functions)
        good = {"session_hash": "fuzz1", "component_id": component, "fn_name": name, "data": None}
        event, inputs, _ = rng.choice(target.events)
        other = {"session_hash": "fuzz1", "fn_index": event, "data": [None] * inputs}
        route, message = rng.choice((("component_server/", good), ("run/x", other)))
        body = junk.body(rng, junk.changed(rng, message))
        return target.post(route, body, body)

    def fire_event(rng: random.Random) -> str | None:
        number, inputs, is_queued = rng.choice(target.events)
        data = [junk.value(rng) for _ in range(inputs)]
        message: dict[str, Any] = {
            "session_hash": f"fuzz{rng.randrange(10**9)}", "fn_index": number, "data": data,
            "event_data": junk.value(rng) if rng.random() < 0.5 else _told(rng),
        }  # fmt: skip
        if not is_queued:
            return target.post("run/x", json.dumps(message).encode(), message)
        status, reply = target.ask(
            "POST", "/gradio_api/queue/join", json.dumps(message).encode(), JSON
        )
        if status != 200:
            return target.judge(status, reply, message)
        path = f"/gradio_api/queue/data?session_hash={message['session_hash']}"
        return target.judge(*target.ask("GET", path), message)

    def call_endpoint(name: str, data: Any) -> str | None:
        status, reply = target.ask(
            "POST", f"/gradio_api/call/{name}", json.dumps({"data": data}).encode(), JSON
        )
        if status != 200:
            return target.judge(status, reply, data)
        event = json.loads(reply)["event_id"]
        return target.judge(*target.ask("GET", f"/gradio_api/call/{name}/{event}"), data)

    def ask_endpoint(rng: random.Random) -> str | None:
        name = rng.choice(("classify", "evaluate", "train", "train"))
        if name == "train":
            return call_endpoint(name, list(junk.changed(rng, SETTINGS).values()))
        return call_endpoint(name, [junk.value(rng) for _ in range(2 if name == "classify" else 1)])

    def ask_tool(rng: random.Random) -> str | None:
        name = rng.choice(("classify", "evaluate", "train", "upload_file_to_gradio"))
        # No net that is there, or the tool would be at work for seconds.
        given = {"image": "AA=="} if name == "classify" else {"net": "no-such-net"}
        params: dict[str, Any] = {"name": name, "arguments": given}
        message = {"method": "tools/call", "params": params}
        if rng.random() < 0.3:
            body = junk.body(rng, junk.changed(rng, message))
            return target.judge(*target.ask("POST", TOOLS, body, ASSISTANT), body)
        if rng.random() < 0.5:
            params["arguments"] = junk.changed(rng, given)
            params["arguments"].setdefault("net", junk.value(rng))
            return target.call_tool(message)
        return target.call_tool(junk.changed(rng, message))

    def ask_path(rng: random.Random) -> str | None:
        path = junk.path(rng)
        method = rng.choice(("GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"))
        status, reply = target.ask(method, path)
        if status == 200 and (b"root:" in reply or b"PATH=" in reply):
            return f"{method} {path} gives a file away"
        return target.judge(status, reply, f"{method} {path}")

    def ask_raw(rng: random.Random) -> str | None:
        return _raw(target, rng)

    return [
        *(("server functions", call_function),) * 5,
        *(("pictures", send_picture),) * 4,
        ("drawings of many patches", draw_at_length),
        *(("bodies", send_envelope),) * 4,
        *(("events", fire_event),) * 3,
        *(("endpoints", ask_endpoint),) * 2,
        *(("paths", ask_path),) * 4,
        ("raw bytes and headers", ask_raw),
        *((("tools", ask_tool),) * 2 if target.has_tools else ()),
    ]


def _told(rng: random.Random) -> dict[str, Any]:
    """An event's data under the right names, a run that may be there, and too many digits."""
    told = {name: junk.value(rng) for name in rng.sample(TOLD, 4)}
    if rng.random() < 0.3:
        told["run"] = "run-1"
    if rng.random() < 0.3:
        own = rng.randbytes(785 * rng.choice((1, 2, 300, 301, 5_000)))
        told["own"] = base64.b64encode(own).decode()
    return told


def _raw(target: Target, rng: random.Random) -> str | None:
    """Headers of all kinds, uploads, a body of 20 MB, requests that are none."""
    host = rng.choice(("evil.example", "a" * 3000, "localhost:1", "[::1", "x\x00y"))
    headers = {
        "Host": host.replace("\x00", ""),
        "Origin": "https://evil.example",
        "X-Forwarded-Host": host.replace("\x00", ""),
        "X-Forwarded-Proto": rng.choice(("https", "javascript", "file", "")),
        "Cookie": f"access-token-unsecure-x={rng.randrange(10**9)}",
    }
    how = rng.randrange(5)
    if how == 0:
        return target.judge(*target.ask("GET", "/", headers=headers), headers)
    if how == 1:
        return target.post("component_server/", b'{"data": "' + b"A" * BIG + b'"}', "20 MB")
    if how == 2:
        form = b'--x\r\nContent-Disposition: form-data; name="files"; filename="../../a.py"\r\n\r\n'
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        route = rng.choice(("upload", "component_server/", "process_recording", "queue/join"))
        content = form + rng.randbytes(100) + b"\r\n--x--\r\n"
        return target.judge(*target.ask("POST", f"/gradio_api/{route}", content, kind), route)
    if how == 3:
        return target.judge(*target.ask(rng.choice(("TRACE", "CONNECT", "X")), "/"), "method")
    return _cut_off(target, rng)


def _cut_off(target: Target, rng: random.Random) -> str | None:
    """A connection that says something else than it promised, and goes."""
    start = b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    lines = (b"Content-Length: 9999999\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
             b"Content-Length: -5\r\n\r\n", b"\x00" * 99)  # fmt: skip
    try:
        with socket.create_connection(("127.0.0.1", target.port), timeout=WAIT) as connection:
            connection.sendall(rng.choice((start, b"")) + rng.choice(lines))
    except OSError:
        return None
    return target.judge(*target.ask("GET", "/health"), "health after a cut connection")


def _somebody(rng: random.Random) -> str:
    """Another visitor each time: one alone would soon be told to ask less often."""
    return f"fuzz{rng.randrange(10**9)}"
