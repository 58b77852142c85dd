"""Which language a request is answered in: what its address asks for, else what it accepts.

What a request says is checked against the list of languages; what is none of them is as if it
were not said. Nothing is remembered: each request of a page says it again, for Gradio sends the
page's query along with its events, and browsers the page's address with everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mnist_demo.page.words import ENGLISH, LANGUAGES, Words, words_in

DEFAULT = "en"
MAX_LENGTH = 2000  # characters of a header or a query that are looked at
MAX_RANGES = 20  # of a list of accepted languages


def language_of(query: str, headers: Mapping[str, str]) -> str:
    """One of LANGUAGES: `lang` in the query, in that of the page that asks, or by preference."""
    return (
        asked_in(query)
        or asked_in(_query_of(headers.get("referer", "")))
        or preferred(headers.get("accept-language", ""))
    )


def asked_in(query: str) -> str | None:
    """The language that a query asks for by name; None where it asks for none that there is."""
    try:
        values = parse_qs(query[:MAX_LENGTH], max_num_fields=50).get("lang", [])
    except ValueError:
        return None
    return values[-1] if values and values[-1] in LANGUAGES else None


def preferred(accepted: str) -> str:
    """The best of LANGUAGES by an Accept-Language header; English where none is named.

    Variants count as their language: there is one Chinese here, and who reads another can read it.
    """
    ranked = []
    for place, part in enumerate(accepted[:MAX_LENGTH].split(",")[:MAX_RANGES]):
        tag, _, quality = part.partition(";")
        language = tag.strip().lower().split("-")[0]
        weight = _weight(quality)
        if language in LANGUAGES and weight > 0:
            ranked.append((-weight, place, language))
    return min(ranked)[2] if ranked else DEFAULT


def words_for(request: Any) -> Words:
    """The words for who sent a request, Gradio's or Starlette's; English where that is unknown."""
    scope = getattr(getattr(request, "request", None) or request, "scope", None)
    return words_of_scope(scope) if isinstance(scope, Mapping) else ENGLISH


def words_of_scope(scope: Mapping[str, Any]) -> Words:
    """The same for an ASGI scope."""
    names = (b"accept-language", b"referer")
    headers = {k.decode(): v.decode("latin-1") for k, v in scope.get("headers", []) if k in names}
    return words_in(language_of(scope.get("query_string", b"").decode("latin-1"), headers))


def _query_of(address: str) -> str:
    try:
        return urlsplit(address[:MAX_LENGTH]).query
    except ValueError:
        return ""


def _weight(text: str) -> float:
    """The q of a range in an Accept-Language header, 1 where none is given, 0 where it is none."""
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip().lower() == "q" and 0 <= weight <= 1 else 0.0
