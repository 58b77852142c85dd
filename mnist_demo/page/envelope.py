"""What a request's body may be: JSON of bounded size and depth that asks for what is there.

Gradio takes any JSON and finds out later, with a traceback for each that is wrong. Here it
is looked at before: pure functions from bytes to a checked message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

MAX_DEPTH = 32
MAX_CONTAINERS = 1_000  # lists and dicts of a message; the whole form has some forty
MAX_COMMAS = 10_000
MAX_NAME = 256  # characters of a session's or an event's name
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE = re.compile("[\ud800-\udfff]")


class Refused(Exception):
    """A request that is not let in, now or, without `again_in` seconds, ever; HTTP's `status`."""

    def __init__(self, status: int, reason: str, again_in: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.again_in = again_in


@dataclass(frozen=True)
class Event:
    """An event of the page or an endpoint: how many values it takes, and whose it is."""

    inputs: int
    kind: str  # the class that the log counts it under
    name: str = ""  # of an endpoint that is public
    may: frozenset[str] = frozenset()  # the arguments of an endpoint, by their names
    must: frozenset[str] = frozenset()  # those without a default


@dataclass(frozen=True)
class Offers:
    """All that a page has to be asked for, by the numbers that Gradio gave it."""

    events: Mapping[int, Event]
    functions: Mapping[int, frozenset[str]]  # the server functions of a component
    components: frozenset[int]

    @property
    def names(self) -> dict[str, Event]:
        return {event.name: event for event in self.events.values() if event.name}


def read_json(body: bytes) -> dict[str, Any]:
    """The message in `body`. Raises Refused for what is no JSON object or a burden to read."""
    _check_burden(body)
    try:
        message = json.loads(body.decode(), parse_constant=_not_a_number)
    except (ValueError, RecursionError) as error:  # also no UTF-8, and numbers of 5,000 figures
        raise Refused(400, "the message is not JSON in UTF-8") from error
    if not isinstance(message, dict):
        raise Refused(400, "the message must be a JSON object")
    _check_parts(message)
    return message


def _check_burden(body: bytes) -> None:
    """Raises Refused for JSON that would be a burden to read, which costs next to nothing."""
    if sum(map(body.count, (b"[", b"{", b"]", b"}"))) > 2 * MAX_CONTAINERS:
        raise Refused(413, "the message has too many parts")
    if body.count(b",") > MAX_COMMAS:
        raise Refused(413, "the message has too many parts")
    if _depth(body) > MAX_DEPTH:
        raise Refused(400, "the message is nested too deep")


def _depth(body: bytes) -> int:
    """How deep brackets are nested, those inside texts counted too."""
    depth = deepest = 0
    for byte in body.translate(None, delete=_NOT_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_parts(message: dict[str, Any]) -> None:
    """No broken text, which no answer could repeat, and no files.

    Gradio fetches what a message calls a file, from any address, before a handler sees it;
    nothing here takes files.
    """
    waiting: list[Any] = [message]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "path" in part and "meta" in part:
                raise Refused(400, "files are not taken here")
            waiting += part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
        elif isinstance(part, str) and _SURROGATE.search(part):
            raise Refused(400, "the message has half a character in a text")


def check_call(message: Mapping[str, Any], offers: Offers) -> str:
    """The name of the function in a call of a server function.

    Raises Refused for a function that is not offered.
    """
    component, name = message.get("component_id"), message.get("fn_name")
    _check_text(message, "session_hash", needed=True)
    if "data" not in message or not isinstance(name, str) or type(component) is not int:
        raise Refused(400, "a call must name a component, a function and data")
    if name not in offers.functions.get(component, ()):
        raise Refused(404, "Function not found.")
    return name


def check_event(message: Mapping[str, Any], offers: Offers, name: str | None = None) -> Event:
    """The event that a message is for: by its number, or the public one called `name`.

    Raises Refused where there is none, or its values are not as many as it takes.
    """
    for key in ("session_hash", "event_id", "oauth_token"):
        _check_text(message, key)
    number, data = message.get("fn_index"), message.get("data")
    if name is not None and number is None:
        event = offers.names.get(name)
    else:
        event = offers.events.get(number) if type(number) is int else None
    if event is None:
        raise Refused(404, "Not Found")
    if not isinstance(data, list) or len(data) != event.inputs:
        raise Refused(400, f"data must be a list of {event.inputs}")
    if message.get("batched") or message.get("simple_format") not in (None, False):
        raise Refused(400, "batches are not taken here")
    trigger = message.get("trigger_id")
    if trigger is not None and (type(trigger) is not int or trigger not in offers.components):
        raise Refused(400, "trigger_id names nothing on the page")
    return event


def check_arguments(message: Mapping[str, Any], offers: Offers, name: str) -> None:
    """Arguments by their names, for the endpoint `name`. Raises Refused for others or too few."""
    event = offers.names[name]
    given = frozenset(message)
    if unknown := given - event.may:
        raise Refused(400, f"{len(unknown)} unknown arguments; {name} takes {sorted(event.may)}")
    if missing := event.must - given:
        raise Refused(400, f"{name} needs {sorted(missing)}")


def _check_text(message: Mapping[str, Any], key: str, needed: bool = False) -> None:
    value = message.get(key)
    if value is None and not needed:
        return
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise Refused(400, f"{key} must be a short text")
