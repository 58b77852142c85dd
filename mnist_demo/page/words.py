"""What the page says to who does not read English: said again, on its way out, from one catalogue.

All text is made in English, as the API, the command line and the logs have it. Where it goes to
a visitor, `Words` looks it up: whole, sentence by sentence, or by its template ("{n} images/s"),
and leaves English whole what it does not know. So nothing inside carries a language about, runs
lie on disk without one, and no visitor's language can reach another's page.

The catalogue `words_LANGUAGE.json` has English for its keys, with {placeholders}. Browsers get
the part of it that their scripts name: see `words.js`. Gradio's own `gr.I18n` will not do: it
knows labels that are there when the page is built, but neither choices' titles nor what is
made later, and it asks the browser alone.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

HERE = Path(__file__).parent
LANGUAGES = {"en": "English", "zh": "中文"}  # what each calls itself
TAGS = {"en": "en", "zh": "zh-CN"}  # as HTML and browsers know them
PLACE = re.compile(r"\{(\w*)\}")
LONGEST = 1000  # characters of a text that is looked up
REMEMBERED = 4096  # texts
SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z0-9*])")
# What no name or number holds: two words in a row, or one that only joins others.
UNSAID = re.compile(r"\b([A-Za-z]?[a-z]+ [a-z]+|a|an|and|by|for|in|is|of|or|the|to|with)\b")
ATTRIBUTES = ("title", "aria-label", "placeholder", "alt")
_IN_TAG = re.compile(rf'(\s(?:{"|".join(ATTRIBUTES)})=")([^"]*)"')
_TAG = re.compile(r"(<[^>]*>)")


@dataclass(frozen=True)
class Template:
    """A text with places: what it looks like in English, and how it is said."""

    pattern: re.Pattern[str]
    literal: str  # the longest part between two places, found faster than the pattern
    weight: int  # letters outside places: of two that fit, the one that says more is meant
    said: str

    @classmethod
    def of(cls, english: str, said: str) -> Template:
        first, *rest = PLACE.split(english)  # literal, name, literal, name, …, literal
        start = f"(?i:{re.escape(first[:1])}){re.escape(first[1:])}"  # of a sentence or inside one
        pattern = "".join(
            re.escape(part) if number % 2 else f"(?P<{part}>{_inside(part)})"
            for number, part in enumerate(rest)
        )
        literal = max([first[1:], *rest[1::2]], key=len)
        weight = len(PLACE.sub("", english))
        return cls(re.compile(start + pattern, re.DOTALL), literal, weight, said)


def _inside(name: str) -> str:
    """What may stand at a place: one letter is a number or a single word."""
    return r"\S+?" if len(name) == 1 else ".*?"


class Words:
    """One language's words; a call says an English text in it."""

    def __init__(self, language: str, table: Mapping[str, str]) -> None:
        self.language = language
        self.tag = TAGS[language]
        self.table = table
        self._whole = {_small(english): said for english, said in table.items()} | dict(table)
        found = [Template.of(*entry) for entry in table.items() if PLACE.search(entry[0])]
        found = [template for template in found if re.search("[a-z%]", template.literal)]
        self._templates = sorted(found, key=lambda template: -template.weight)
        self._find = functools.lru_cache(REMEMBERED)(self._look_up)

    def __call__(self, text: str) -> str:
        return self._find(text) or text if self.table and len(text) <= LONGEST else text

    def titles(self, choices: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """A dropdown's choices, (title, value), with their titles said."""
        return [(self(title), value) for title, value in choices]

    def listed(self, text: str, between: str = ", ", said: str = "，") -> str:
        """A list, each part said for itself and joined by `said`."""
        if not self.table:
            return text
        return said.join(self(part) for part in text.split(between))

    def markup(self, html: str) -> str:
        """Our own HTML with its texts and what `ATTRIBUTES` hold said; never a visitor's."""
        if not self.table:
            return html
        parts = _TAG.split(html)  # text, tag, text, tag, …, text
        for number, part in enumerate(parts):
            if number % 2:
                parts[number] = _IN_TAG.sub(self._attribute, part)
            elif text := " ".join(part.split()):
                said = self._find(unescape(text))
                parts[number] = _around(part, escape(said, quote=False)) if said else part
        return "".join(parts)

    def _attribute(self, found: re.Match[str]) -> str:
        return f'{found[1]}{escape(self(unescape(found[2])))}"'

    def _look_up(self, text: str) -> str | None:
        """The text in this language; None where some of it cannot be said."""
        whole = self._whole.get(text) or self._whole.get(_small(text))
        if whole:
            return whole
        sentences = SENTENCE_END.split(text)
        if len(sentences) > 1:
            said = [self._find(sentence) for sentence in sentences]
            if all(said):
                return "".join(filter(None, said))
        return self._without_stop(text) or self._by_template(text)

    def _by_template(self, text: str) -> str | None:
        for template in self._templates:
            if template.literal not in text:
                continue
            found = template.pattern.fullmatch(text)
            if not found:
                continue
            used = set(PLACE.findall(template.said))
            values = {name: self._value(found[name]) for name in used}
            if None not in values.values():
                return PLACE.sub(lambda place: str(values[place[1]]), template.said)  # noqa: B023
        return None

    def _without_stop(self, text: str) -> str | None:
        """A message that was made a sentence: its full stop is no part of the catalogue's."""
        said = self._find(text[:-1]) if text.endswith(".") else None
        return f"{said}。" if said else None

    def _value(self, text: str) -> str | None:
        """What stands at a place: said if it can be, as it is if it is a name or a number."""
        if said := self._find(text):
            return said
        parts = text.split(", ")
        if len(parts) > 1:
            each = [self._value(part) for part in parts]
            return None if None in each else "、".join(filter(None, each))
        return None if UNSAID.search(text) else text


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _around(part: str, said: str) -> str:
    """`said` with the white space that stood around a text."""
    start = part[: len(part) - len(part.lstrip())]
    return start + said + part[len(part.rstrip()) :]


@functools.cache
def words_in(language: str) -> Words:
    """The words of one of LANGUAGES."""
    path = HERE / f"words_{language}.json"
    return Words(language, json.loads(path.read_text("utf-8")) if language != "en" else {})


ENGLISH = words_in("en")

# ---- in the browser ----

_TABLE = "const WORDS = {};"


def script(*names: str) -> str:
    """The scripts of one component as one text, with what all of them share before them."""
    names = ("words.js", "common.js", *names)
    return "\n".join((HERE / name).read_text("utf-8") for name in names)


def script_in(text: str, words: Words) -> str:
    """A component's script with the words that it names."""
    if _TABLE not in text or not words.table:
        return text
    named = {
        key: said
        for key, said in words.table.items()
        if json.dumps(key, ensure_ascii=False) in text
    }
    table = json.dumps(named, ensure_ascii=False)
    return text.replace(_TABLE, f"const WORDS = {table};", 1)
