"""The bodies of requests, read whole: bounded in bytes, in seconds, and in how many there are."""

from __future__ import annotations

import asyncio
from collections import Counter

from mnist_demo.page.asgi import Message, Receive, Scope, address_of
from mnist_demo.page.envelope import Refused

MAX_SMALL = 64 * 1024  # bytes of a body that is no picture
MAX_IN_FLIGHT = 128 * 2**20  # bytes of bodies that are being read, of all visitors together
OF_ADDRESS = MAX_IN_FLIGHT // 4
MAX_SECONDS = 120.0  # that a body may take to arrive: 8 MB over a slow phone
MAX_STILL = 10.0  # seconds in which nothing of it arrives
AGAIN_IN = 10  # seconds; by then what stands still is gone


class Bodies:
    """Those that are on their way. One address may fill a part of the room for all."""

    def __init__(self) -> None:
        self.in_flight: Counter[str] = Counter()  # bytes, by address

    async def read(self, scope: Scope, receive: Receive, limit: int) -> bytes:
        """The whole body. Raises Refused when it is too long, too slow, or all are too many."""
        address = address_of(scope)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(MAX_SECONDS):
                while True:
                    async with asyncio.timeout(MAX_STILL):
                        message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refused(400, "the connection was closed")
                    part = message.get("body", b"")
                    size += len(part)
                    self.in_flight[address] += len(part)
                    if size > limit:
                        raise Refused(413, f"the request is larger than {limit:,} bytes")
                    if size > MAX_SMALL:  # drawings are let in, whoever sends how much else
                        self._check_room(address)
                    parts.append(part)
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError as error:
            raise Refused(408, "the request took too long to arrive") from error
        finally:
            self.in_flight[address] -= size
            if not self.in_flight[address]:
                del self.in_flight[address]

    def _check_room(self, address: str) -> None:
        """Raises Refused where large bodies have to wait."""
        again = f"try again in {AGAIN_IN} s"
        if self.in_flight[address] > OF_ADDRESS:
            raise Refused(429, f"your network sends too much at this moment; {again}", AGAIN_IN)
        if self.in_flight.total() > MAX_IN_FLIGHT:
            raise Refused(503, f"too much is sent at this moment; {again}", AGAIN_IN)


def replayed(body: bytes, receive: Receive) -> Receive:
    is_sent = False

    async def replay() -> Message:
        nonlocal is_sent
        if is_sent:
            return await receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
