"""The password of a page that is not for everybody, and the line of those who try one."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from dataclasses import dataclass, field

from mnist_demo.errors import UserError
from mnist_demo.page.asgi import App, Message, Receive, Scope, Send, address_of
from mnist_demo.page.envelope import Refused
from mnist_demo.page.gate import API, NAME

HINT = "Type any user name; only the password counts."
SHORTEST = 8  # characters of a password
WAIT = 0.1  # seconds that a wrong guess holds up the next: ten a second, whoever guesses
MAX_WAITING = 100  # guesses of one address
UNGUARDED = re.compile(rf"{API}/(heartbeat/{NAME}|reset|cancel)")


class Door:
    """Lets in whoever knows the password, by whatever name."""

    def __init__(self, password: str) -> None:
        check_password(password)
        self._password = password.encode()

    def opens(self, name: str, password: str) -> bool:
        """What Gradio asks at its login page."""
        return secrets.compare_digest(password.encode(), self._password)


@dataclass
class _Line:
    """The guesses of one address; its first is looked at when the address has its turn."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    guesses: int = 0


class Doorstep:
    """ASGI middleware, behind the gate: passwords are looked at one by one, a wrong one slowly.

    What Gradio itself lets everybody do is for those alone who have logged in.
    Addresses take turns, so that one who guesses without end holds another up for one guess;
    of the same address, first come is first served, and nobody is told that a right one is wrong.
    """

    def __init__(self, app: App, wait: float = WAIT) -> None:
        self.app = app
        self.wait = wait
        self._looking = asyncio.Lock()  # a fair one: it is had in the order of asking
        self._lines: dict[str, _Line] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/") if scope["type"] == "http" else ""
        if UNGUARDED.fullmatch(path) and not await _is_let_in(self.app, scope):
            raise Refused(401, "Not authenticated")
        if path != "/login":
            await self.app(scope, receive, send)
            return
        address = address_of(scope)
        line = self._lines.setdefault(address, _Line())
        if line.guesses >= MAX_WAITING:
            seconds = math.ceil(MAX_WAITING * self.wait)
            raise Refused(429, f"many are logging in; try again in {seconds} s", seconds)
        line.guesses += 1
        try:
            async with line.lock, self._looking:
                await self._look(scope, receive, send)
        finally:
            line.guesses -= 1
            if not line.guesses:
                del self._lines[address]

    async def _look(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_wrong = False

        async def note(message: Message) -> None:
            nonlocal is_wrong
            if message["type"] == "http.response.start":
                is_wrong = message["status"] != 200
            await send(message)

        await self.app(scope, receive, note)
        if is_wrong:
            await asyncio.sleep(self.wait)


async def _is_let_in(app: App, scope: Scope) -> bool:
    """Whether who asks has logged in, as Gradio says where it is asked just that."""
    path = f"{API}/login_check"
    status = 500

    async def nothing() -> Message:
        return {"type": "http.request", "body": b""}

    async def note(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    await app({**scope, "method": "GET", "path": path, "raw_path": path.encode()}, nothing, note)
    return status == 200


def check_password(password: str) -> None:
    """Raises UserError for one that is soon guessed."""
    if len(password) < SHORTEST:
        raise UserError(
            f"the password has {len(password)} characters; take {SHORTEST} or more, "
            "or leave --password empty and one is made up"
        )


def make_password() -> str:
    """One that can be read out and typed: four groups of four letters and figures."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
