"""Between the world and Gradio: the routes that the page and its programs use, and no others.

Gradio serves some forty more (uploads, a proxy, links that write to disk, an editor). An
ASGI middleware answers 404 for these, has `bodies` read what is sent, and hands on only
messages that `envelope` has checked.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs

from fastapi import HTTPException

from mnist_demo.page import envelope
from mnist_demo.page.asgi import App, Message, Receive, Scope, Send, address_of, counted
from mnist_demo.page.bodies import MAX_SMALL, Bodies, replayed
from mnist_demo.page.envelope import Offers, Refused
from mnist_demo.page.logs import Traffic
from mnist_demo.page.visitors import SESSION

# A refusal is held back, longer the more of an address wait for theirs: about 50 a second.
HELD_EACH, HELD_MOST = 0.02, 1.0
NAME = SESSION.pattern
API = "/gradio_api"

# What may be fetched, and which class of the log it belongs to ("" is not counted).
PAGES: dict[str, str] = {
    r"/": "page",
    rf"/(config|theme\.css)|{API}/(theme\.css|info|openapi\.json|app_id|queue/status)": "page",
    r"/(assets|static|svelte)/.+|/favicon\.ico|/robots\.txt": "file",
    r"/manifest\.json|/pwa_icon(/192|/512)?": "file",
    rf"/(login_check|user|logout)|{API}/(login_check|user|startup-events)": "page",
    rf"{API}/queue/data|{API}/heartbeat/{NAME}|{API}/call/(v2/)?{NAME}/{NAME}": "",
}
# Where bodies go, and how many bytes they may have (None: a picture's).
POSTS: dict[str, int | None] = {
    rf"{API}/component_server": None,
    rf"{API}/queue/join": None,
    rf"{API}/call/(v2/)?{NAME}": None,
    rf"{API}/run/{NAME}": MAX_SMALL,
    rf"{API}/(cancel|reset)|/login": MAX_SMALL,
}
HOST = re.compile(rb"([\w.-]*|\[[0-9a-fA-F:.]+\])(:\d{1,5})?")
MCP = re.compile(rf"{API}/mcp(/|/http/?|/sse/?|/messages/?|/schema/?)?")
# Server functions, by their names.
BODY_KINDS = {"classify": "classify", "page_of": "gallery", "figure_of": "gallery"}


class Gate:
    """`limit`: the most bytes of a body that may hold a picture."""

    def __init__(
        self, app: App, limit: int, offers: Callable[[], Offers], traffic: Traffic
    ) -> None:
        self.app = app
        self.limit = limit
        self.offers = offers
        self.traffic = traffic
        self.bodies = Bodies()
        self.refusing: Counter[str] = Counter()  # requests, by address
        self._pages = [(re.compile(f"({path})/?"), kind) for path, kind in PAGES.items()]
        self._posts = [(re.compile(f"({path})/?"), most) for path, most in POSTS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._live(scope, receive, send)
            return  # no websockets here
        started, status, kind = time.perf_counter(), 0, "refused"

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                nosniff = (b"x-content-type-options", b"nosniff")
                message["headers"] = [*message.get("headers", []), nosniff]
            await send(message)

        try:
            kind, receive = await self._admit(scope, receive)
            answer = _refusals_as_such(note) if scope["path"].startswith(f"{API}/run/") else note
            scope = _with_its_address(_without_foreign_cookies(scope))
            await self.app(scope, receive, answer)
        except Refused as error:
            kind = kind or "refused"
            with counted(self.refusing, address_of(scope)) as waiting:
                await asyncio.sleep(min(HELD_MOST, HELD_EACH * waiting))
            await _answer(note, error)
        except RuntimeError as error:
            # A stream of events that nobody has: told in it, and then raised by Gradio anew.
            if not (status and isinstance(error.__cause__, HTTPException)):
                raise
            await note({"type": "http.response.body", "body": b""})
        finally:
            if kind:
                self.traffic.count(kind, time.perf_counter() - started, status or 500)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """From the server's start to its end."""
        reports = asyncio.create_task(self.traffic.keep_reporting())
        try:
            await self.app(scope, receive, send)
        finally:
            reports.cancel()

    async def _admit(self, scope: Scope, receive: Receive) -> tuple[str, Receive]:
        """The request's class and its body, read. Raises Refused."""
        _check_host(scope)
        path, method = scope["path"], scope["method"]
        is_mcp = bool(MCP.fullmatch(path))
        if method in ("GET", "HEAD", "OPTIONS"):
            kinds = [kind for pattern, kind in self._pages if pattern.fullmatch(path)]
            if not kinds and not is_mcp:
                raise Refused(404, "Not Found")
            _check_query(scope)
            return ("" if is_mcp else kinds[0]), receive
        if is_mcp and method in ("POST", "DELETE"):
            body = await self.bodies.read(scope, receive, self.limit)
            if body:  # a session's end has none
                envelope.read_json(body)
            return "mcp", replayed(body, receive)
        sizes = [most for pattern, most in self._posts if pattern.fullmatch(path)]
        if method != "POST" or not sizes:
            raise Refused(404, "Not Found")
        body = await self.bodies.read(scope, receive, sizes[0] or self.limit)
        return self._kind_of(path.removeprefix(API).rstrip("/"), body), replayed(body, receive)

    def _kind_of(self, path: str, body: bytes) -> str:
        """The class of a request with a body; events are counted where they run. Raises Refused."""
        if path == "/login":
            return "page"
        message = envelope.read_json(body)
        if path == "/component_server":
            name = envelope.check_call(message, self.offers())
            return BODY_KINDS.get(name, "page")
        if path.startswith("/call/"):
            name = path.rpartition("/")[2]
            if name not in self.offers().names:
                raise Refused(404, "Not Found")
            if path.startswith("/call/v2/"):
                envelope.check_arguments(message, self.offers(), name)
            else:
                envelope.check_event(message | {"fn_index": None}, self.offers(), name)
        elif path == "/queue/join":
            envelope.check_event(message, self.offers())
        elif path.startswith("/run/"):
            return envelope.check_event(message, self.offers(), path.rpartition("/")[2]).kind
        return ""


def _refusals_as_such(send: Send) -> Send:
    """Gradio answers 500 to what a handler refuses in words as to a fault, which has none."""
    held: Message | None = None

    async def told_apart(message: Message) -> None:
        nonlocal held
        if message["type"] == "http.response.start" and message["status"] == 500:
            held = message
            return
        if held is not None:
            status = 422 if _has_words(message.get("body", b"")) else 500
            start, held = {**held, "status": status}, None
            await send(start)
        await send(message)

    return told_apart


def _has_words(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body).get("error"), str)
    except (ValueError, AttributeError):
        return False


def _check_host(scope: Scope) -> None:
    """Raises Refused for a host that no address has: what reads it later would stumble."""
    for name, value in scope.get("headers", []):
        hosts = value.split(b",") if name in (b"host", b"x-forwarded-host") else []
        if not all(HOST.fullmatch(host.strip()) for host in hosts):
            raise Refused(400, "the Host header is no host")


def _check_query(scope: Scope) -> None:
    """Gradio looks a session up by what the address names, whatever that is."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=50)
    for session in query.get("session_hash", []):
        if not re.fullmatch(NAME, session):
            raise Refused(404, "Session not found.")


def _without_foreign_cookies(scope: Scope) -> Scope:
    """A request that another site's script makes comes without the visitor's cookies.

    Gradio lets any origin read answers where its host is public. Where a password is set,
    a page elsewhere could else speak in the name of whoever has logged in here.
    """
    headers = dict(scope["headers"])
    if headers.get(b"sec-fetch-site") not in (b"cross-site", b"same-site"):  # a sibling's too
        return scope
    if headers.get(b"sec-fetch-mode") == b"navigate" and scope["method"] == "GET":
        return scope
    return {**scope, "headers": [(k, v) for k, v in scope["headers"] if k != b"cookie"]}


def _with_its_address(scope: Scope) -> Scope:
    """An assistant's request says where it comes from, whatever it said itself.

    Gradio asks this server again for each tool with the headers of the request; all assistants
    would else be one address, this machine's, or any that they name.
    """
    if not MCP.fullmatch(scope["path"]):
        return scope
    headers = [(k, v) for k, v in scope["headers"] if k != b"x-forwarded-for"]
    return {**scope, "headers": [*headers, (b"x-forwarded-for", address_of(scope).encode())]}


async def _answer(send: Send, error: Refused) -> None:
    headers = [(b"content-type", b"application/json")]
    if error.again_in is not None:
        headers.append((b"retry-after", str(error.again_in).encode()))
    body = json.dumps({"detail": error.reason}).encode()
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
