"""Replies that are the same for everybody, made once: the page in each language, and its files.

Gradio makes the page anew for each visitor (16 ms of processor time), sends it uncompressed
(240 KB), and compresses each of its sixty files each time: half a second a visitor, in which no
drawing is answered. Kept, the page is 48 KB, and all of it costs little more than its sending.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from posixpath import normpath

import brotli
from fastapi import Request
from gradio.route_utils import get_request_origin

from mnist_demo.page.asgi import App, Message, Receive, Scope, Send
from mnist_demo.page.language import words_of_scope

FILES = re.compile(r"/(assets|static)/.+|/favicon\.ico|/theme\.css")
PAGES = ("/", "/config")
PLACE = "page.invalid"  # the host for which a page is made; its visitor's is put in
ORIGIN = re.compile(r"https?://[\w.:\[\]-]{1,300}")
MOST_PAGES = 16  # of hosts and languages; a server has one or two hosts, but may be told any
ROOM_EVERY = 1.0  # seconds until one more makes room for another: compressing takes 13 ms
MOST_BYTES = 32 * 2**20  # of files
SHORTEST = 400  # bytes that are worth compressing
COMPRESSIBLE = re.compile(rb"text/|application/(javascript|json)|image/svg")
# By what a browser calls it, the best first. Quality 6: 13 ms for the page.
ENCODINGS: dict[bytes, Callable[[bytes], bytes]] = {
    b"br": functools.partial(brotli.compress, mode=brotli.MODE_TEXT, quality=6),
    b"gzip": functools.partial(gzip.compress, compresslevel=6, mtime=0),
}
# Names in /assets/ hold a hash of what the file is; others may change with Gradio's version.
FOR_EVER, FOR_A_DAY = b"public, max-age=31536000, immutable", b"public, max-age=86400"
PASSED_ON = (b"content-type", b"content-language", b"vary", b"cache-control", b"location")


class Reply:
    """What is sent, as a whole; compressed once for each encoding."""

    def __init__(self, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        digest = hashlib.blake2b(body, digest_size=12).hexdigest()
        self.tag = f'W/"{digest}"'.encode()
        self.in_encoding = functools.cache(lambda name: ENCODINGS[name](body))

    def encoding_for(self, accepted: bytes) -> bytes | None:
        """The best of ours that an Accept-Encoding header names, where it is worth it."""
        kind = self.headers.get(b"content-type", b"")
        if len(self.body) < SHORTEST or not COMPRESSIBLE.match(kind):
            return None
        parts = [part.replace(b" ", b"").partition(b";") for part in accepted.split(b",")]
        names = {name for name, _, weight in parts if not re.fullmatch(rb"q=0(\.0*)?", weight)}
        return next((name for name in ENCODINGS if name in names), None)

    async def send(self, scope: Scope, send: Send, is_kept: bool = True) -> None:
        """In answer to this request. `is_kept`: worth compressing, for it is sent again."""
        asked = dict(scope["headers"])
        headers = [*self.headers.items(), (b"etag", self.tag), (b"vary", b"Accept-Encoding")]
        status, body = self.status, self.body
        encoding = self.encoding_for(asked.get(b"accept-encoding", b"")) if is_kept else None
        if asked.get(b"if-none-match") == self.tag:
            status, body = 304, b""
        elif encoding:
            body = self.in_encoding(encoding)
            headers.append((b"content-encoding", encoding))
        if status != 304:
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        sent = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": sent})


class Kept:
    """ASGI middleware, behind the gate. `has_door`: the page is not the same for everybody."""

    def __init__(
        self, app: App, has_door: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.app = app
        self.clock = clock
        self.has_door = has_door
        self.files: dict[str, Reply] = {}
        self.room = MOST_BYTES
        self.made: dict[tuple[str, str], Reply] = {}  # by path and language
        # And by whom they are served as, the longest not asked for first.
        self.pages: OrderedDict[tuple[str, str, str], Reply] = OrderedDict()
        self.made_room = -math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
        elif FILES.fullmatch(scope["path"]) and normpath(scope["path"]) == scope["path"]:
            await self._send_file(scope, receive, send)
        elif scope["path"] in PAGES and not self.has_door:
            await self._send_page(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _send_file(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path not in self.files:
            plain = {**scope, "method": "GET", "query_string": b"", "headers": []}
            reply = await self._ask(plain, receive)
            if reply is None or len(reply.body) > self.room:
                await self.app(scope, receive, send)
                return
            lasts = FOR_EVER if path.startswith("/assets/") else FOR_A_DAY
            reply.headers[b"cache-control"] = lasts
            self.room -= len(reply.body)
            self.files[path] = reply
        await self.files[path].send(scope, send)

    async def _send_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        language = words_of_scope(scope).language if path == "/" else ""  # programs' is English
        origin = str(get_request_origin(Request(scope), path))
        page = self.pages.get((path, language, origin))
        made = self.made.get((path, language))
        if page is None and made is None and scope["method"] == "GET":
            made = await self._make(scope, receive, language)
        if page is not None:
            self.pages.move_to_end((path, language, origin))
            await page.send(scope, send)
        elif made is not None and ORIGIN.fullmatch(origin):
            body = made.body.replace(f"http://{PLACE}".encode(), origin.encode())
            page = Reply(made.status, made.headers, body)
            is_kept = self._make_room()
            if is_kept:
                self.pages[path, language, origin] = page
            await page.send(scope, send, is_kept)
        else:
            await self.app(scope, receive, send)

    def _make_room(self) -> bool:
        """Whether one more page can be kept: not many, where somebody makes hosts up."""
        if len(self.pages) >= MOST_PAGES:
            if self.clock() - self.made_room < ROOM_EVERY:
                return False
            self.made_room = self.clock()
            self.pages.popitem(last=False)
        return True

    async def _make(self, scope: Scope, receive: Receive, language: str) -> Reply | None:
        """The page as it is for everybody who reads it in this language."""
        here = {"scheme": "http", "headers": [(b"host", PLACE.encode())]}
        asked = {"query_string": f"lang={language}".encode()}
        reply = await self._ask({**scope, **here, **asked}, receive)
        if reply is not None:
            reply.headers[b"cache-control"] = b"no-cache"
            self.made[scope["path"], language] = reply
        return reply

    async def _ask(self, scope: Scope, receive: Receive) -> Reply | None:
        """Gradio's own reply, whole and as it is; None where it has none."""
        start: Message = {}
        parts: list[bytes] = []

        async def gather(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self.app(scope, receive, gather)
        if start["status"] != 200:
            return None
        headers = {k.lower(): v for k, v in start["headers"] if k.lower() in PASSED_ON}
        return Reply(200, headers, b"".join(parts))
