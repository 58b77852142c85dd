"""A page's way of asking, without a browser: the same routes, bodies and open connections.

Plain asyncio for what is asked hundreds of times a second: it costs a tenth of httpx's time,
which would be taken from the server where both share a machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from gradio_client.utils import apply_diff

from mnist_demo.errors import UserError

API = "/gradio_api"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PATIENCE = 30.0  # seconds for one answer


def loopback(url: str) -> str:
    """The address, if it is this machine's own; else a UserError: no tool against others."""
    parts = urlsplit(url if "//" in url else f"http://{url}")
    if parts.hostname not in LOOPBACK or parts.scheme != "http" or not parts.port:
        raise UserError(
            f"--url is {url}; only an app on this machine may be loaded, such as "
            "http://127.0.0.1:7860/"
        )
    return f"http://{parts.hostname}:{parts.port}/"


class Failed(Exception):
    """An answer that is none: a status, or a connection that was closed."""

    def __init__(self, status: int, reason: str = "") -> None:
        super().__init__(f"{status} {reason}".strip())
        self.status = status


@dataclass
class Line:
    """One connection that is kept open; HTTP/1.1, one request at a time."""

    host: str
    port: int
    cookie: str = ""  # the one that a proxy knows a visitor by
    accepts: str = ""  # encodings of an answer
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def ask(self, path: str, body: bytes | None = None) -> bytes:
        """The answer's body. Raises Failed, or OSError where nobody listens."""
        is_new = self._writer is None
        async with asyncio.timeout(PATIENCE):
            try:
                status, headers = await self.open(path, body)
                content = await _body(self._reader, headers)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                self.close()
                if not is_new:  # it lay idle for too long, as a browser's may: another one
                    return await self.ask(path, body)
                raise Failed(0, "the connection was closed") from error
            except asyncio.CancelledError:  # what still comes would be taken for the next answer
                self.close()
                raise
        if headers.get(b"connection") == b"close":
            self.close()
        if status != 200:
            raise Failed(status, content[:200].decode(errors="replace"))
        return content

    async def open(self, path: str, body: bytes | None = None) -> tuple[int, dict[bytes, bytes]]:
        """Sends a request and reads the answer's head."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: {self.host}\r\n"
        if self.accepts:
            head += f"Accept-Encoding: {self.accepts}\r\n"
        if self.cookie:
            head += f"Cookie: {self.cookie}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(head.encode() + b"\r\n" + (body or b""))
        assert self._reader is not None
        first, *rest = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        pairs = [line.partition(b":") for line in rest if line]
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        if sent := headers.get(b"set-cookie"):
            self.cookie = sent.partition(b";")[0].decode()
        return int(first.split()[1]), headers

    async def lines(self, headers: dict[bytes, bytes]) -> AsyncIterator[bytes]:
        """What a stream of events brings, line by line, until it ends."""
        assert self._reader is not None
        rest = b""
        while True:
            if b"chunked" in headers.get(b"transfer-encoding", b""):
                size = int((await self._reader.readline()).strip() or b"0", 16)
                rest += (await self._reader.readexactly(size + 2))[:-2] if size else b""
            else:
                part = await self._reader.read(65536)
                size, rest = len(part), rest + part
            *whole, rest = rest.split(b"\n")
            for line in whole:
                yield line
            if not size:
                return

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def _body(reader: asyncio.StreamReader | None, headers: dict[bytes, bytes]) -> bytes:
    assert reader is not None
    if b"chunked" not in headers.get(b"transfer-encoding", b""):
        return await reader.readexactly(int(headers.get(b"content-length", b"0")))
    parts = []
    while size := int((await reader.readline()).strip(), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readline()
    return b"".join(parts)


@dataclass(frozen=True)
class Layout:
    """What a page must know of the app to ask it: the numbers that Gradio gave its parts."""

    parts: dict[str, int]  # elem_id -> component
    events: dict[str, dict[str, Any]]  # "elem_id.event" -> the event as /config has it
    values: dict[int, Any]  # what each component shows at first
    labels: dict[str, int]  # of the form's fields -> component

    @classmethod
    def of(cls, config: dict[str, Any]) -> Layout:
        props = {part["id"]: part["props"] for part in config["components"]}
        parts = {str(p["elem_id"]): number for number, p in props.items() if p.get("elem_id")}
        names = {number: name for name, number in parts.items()}
        events = {
            f"{names[target]}.{name}": event
            for event in config["dependencies"]
            for target, name in event["targets"]
            if target in names
        }
        labels = {str(p["label"]): number for number, p in props.items() if p.get("label")}
        values = {number: p.get("value") for number, p in props.items()}
        return cls(parts, events, values, labels)


@dataclass
class Page:
    """An open page: a session of its own, and a heartbeat for as long as it is open."""

    address: str
    layout: Layout
    session: str = field(default_factory=lambda: secrets.token_hex(6))

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        assert parts.hostname is not None
        assert parts.port is not None
        self._where = (parts.hostname, parts.port)
        self.line = Line(*self._where)
        self._others: list[Line] = []
        head = json.dumps({"session_hash": self.session, "component_id": 0, "fn_name": ""})
        self._head = head.encode()[:-1]

    async def __aenter__(self) -> Page:
        await self.line.ask("/")
        heart = self.another()
        status, _ = await heart.open(f"{API}/heartbeat/{self.session}")
        if status != 200:
            raise Failed(status, "no heartbeat")
        return self

    async def __aexit__(self, *ending: object) -> None:
        for line in (self.line, *self._others):
            line.close()

    def another(self) -> Line:
        line = Line(*self._where, cookie=self.line.cookie)
        self._others.append(line)
        return line

    def call(self, part: str, function: str, data: bytes) -> bytes:
        """The body of a call of a server function; `data` is JSON."""
        head = {
            "session_hash": self.session,
            "component_id": self.layout.parts[part],
            "fn_name": function,
        }
        return json.dumps(head).encode()[:-1] + b', "data": ' + data + b"}"

    async def serve(self, part: str, function: str, data: bytes) -> Any:
        """What a server function says."""
        body = self.call(part, function, data)
        return json.loads(await self.line.ask(f"{API}/component_server/", body))

    async def fire(
        self, event: str, detail: Any = None, fields: dict[str, Any] | None = None
    ) -> AsyncIterator[Any]:
        """Fires an event of the page through Gradio's queue; gives its first output as it changes.

        `fields`: what the visitor has set, by the fields' labels. Raises Failed.
        """
        wanted = self.layout.events[event]
        chosen = {self.layout.labels[label]: value for label, value in (fields or {}).items()}
        data = [chosen.get(number, self.layout.values[number]) for number in wanted["inputs"]]
        body = {
            "data": data,
            "event_data": detail,
            "fn_index": wanted["id"],
            "session_hash": self.session,
            "trigger_id": self.layout.parts[event.partition(".")[0]],
        }
        asking = self.another()
        with contextlib.closing(asking):
            joined = json.loads(await asking.ask(f"{API}/queue/join", json.dumps(body).encode()))
        stream = self.another()
        with contextlib.closing(stream):
            status, headers = await stream.open(f"{API}/queue/data?session_hash={self.session}")
            if status != 200:
                raise Failed(status, "no stream of events")
            async for value in _outputs(stream.lines(headers), joined["event_id"]):
                yield value


async def _outputs(lines: AsyncIterator[bytes], event: str) -> AsyncIterator[Any]:
    """The values of an event's first output; between two of them Gradio sends what changed."""
    value: Any = None
    async for line in lines:
        if not line.startswith(b"data:"):
            continue
        message = json.loads(line[5:])
        if message.get("event_id") not in (event, None):
            continue
        output = message.get("output") or {}
        if message["msg"] == "process_completed":
            if not message.get("success", True):
                raise Failed(400, str(output.get("error")))
            if value is None and output.get("data"):  # all at once
                yield output["data"][0]
            return
        if message["msg"] in ("unexpected_error", "close_stream"):
            raise Failed(500, str(message.get("message", "the stream was closed")))
        if message["msg"] == "process_generating" and output.get("data"):
            first = output["data"][0]
            value = first if value is None else apply_diff(value, first)
            yield value
