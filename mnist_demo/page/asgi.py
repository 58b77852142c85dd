"""What the server's middleware speaks: ASGI's parts, and who asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@contextmanager
def counted(of: Counter[str], address: str) -> Iterator[int]:
    """Counts one more of an address while it lasts, and says how many that makes."""
    of[address] += 1
    try:
        yield of[address]
    finally:
        of[address] -= 1
        if not of[address]:
            del of[address]


def address_of(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""
