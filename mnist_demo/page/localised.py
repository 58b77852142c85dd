"""The page as it leaves the server, in its visitor's language from the first paint on.

Gradio writes one and the same page for all: its components as JSON in a script. An ASGI
middleware says the texts in it anew for each language and keeps the last few pages that it
has made. Programs ask for `/config`, which stays English.
"""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from mnist_demo.page.asgi import App, Message, Receive, Scope, Send
from mnist_demo.page.installable import MANIFEST
from mnist_demo.page.language import words_of_scope
from mnist_demo.page.words import LANGUAGES, TAGS, Words, script_in, words_in

MARK = "window.gradio_config = "
TEXTS = ("label", "info", "placeholder")  # properties that are read as text
IN_VALUE = ("button", "markdown")  # components whose value is read as text
LANG = re.compile(r'(<html\s+lang=)"[^"]*"')
TITLE = "Draw a digit"  # of the page; of the one where a password is asked for too
CHARSET = '<meta charset="utf-8" />'
# Gradio's is of the whole host; the page may lie below a path of it.
MANIFEST_LINK = ('rel="manifest" href="/manifest.json"', 'rel="manifest" href="manifest.json"')
CARDS = re.compile(r'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>\s*')  # Gradio's own


def switch(language: str) -> str:
    """Links to the page in every other language."""
    return "".join(
        f'<a class="language" href="?lang={code}" hreflang="{TAGS[code]}" '
        f'lang="{TAGS[code]}" data-language="{code}">{name}</a>'
        for code, name in LANGUAGES.items()
        if code != language
    )


class Localised:
    """Between the gate and Gradio."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        words = words_of_scope(scope)
        headers = [(b"content-language", words.tag.encode()), (b"vary", b"Accept-Language")]
        said = rewriting(send, lambda body: page_in(body, words.language), headers)
        await self.app(scope, receive, said)


def rewriting(
    send: Send, change: Callable[[bytes], bytes], headers: Iterable[tuple[bytes, bytes]] = ()
) -> Send:
    """Sends a reply once all of it is there: with these headers, and changed where it is one."""
    start: Message = {}
    parts: list[bytes] = []

    async def gather(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        parts.append(message.get("body", b""))
        if message.get("more_body"):
            return
        body = b"".join(parts)
        if start["status"] == 200:
            body = change(body)
        kept = [header for header in start["headers"] if header[0].lower() != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await send({**start, "headers": [*kept, length, *headers]})
        await send({"type": "http.response.body", "body": body})

    return gather


@functools.lru_cache(maxsize=8)
def page_in(body: bytes, language: str) -> bytes:
    """Gradio's page, HTML, in one of our languages; as it is where it holds no configuration."""
    before, mark, rest = body.decode().partition(MARK)
    if not mark:
        return body
    words = words_in(language)
    config, end = json.JSONDecoder().raw_decode(rest)
    # Gradio's own texts follow the browser, which is made to say the same as our part does.
    told = f'Object.defineProperty(navigator, "language", {{ value: "{words.tag}" }});'
    before = LANG.sub(rf'\1"{words.tag}"', before)
    said = config_in(config, words)
    after = rest[end:].replace(*MANIFEST_LINK)
    before = CARDS.sub("", before).replace(CHARSET, f"{CHARSET}{_card(said, words)}", 1)
    return f"{before}{told}{MARK}{_script_safe(said)}{after}".encode()


def _card(config: dict[str, Any], words: Words) -> str:
    """The page's title, and what a link to it shows where somebody posts it.

    Gradio's script gives the page its title, but not the one where a password is asked for.
    """
    title, about = html.escape(config["title"]), html.escape(words(str(MANIFEST["description"])))
    root = html.escape(config["root"])
    shown = {"type": "website", "title": title, "description": about, "url": root}
    shown["image"] = f"{root}/pwa_icon/512"
    lines = [f"<title>{title}</title>", f'<meta name="description" content="{about}">']
    lines += [f'<meta property="og:{name}" content="{text}">' for name, text in shown.items()]
    lines.append('<meta name="twitter:card" content="summary">')
    return "".join(lines)


def config_in(config: dict[str, Any], words: Words) -> dict[str, Any]:
    """A page's configuration with all that is read on it said in one language."""
    components = [
        component
        if component["type"] == "api"
        else component | {"props": props_in(component["type"], component["props"], words)}
        for component in config["components"]
    ]
    said = {"title": words(config.get("title") or TITLE), "components": components}
    if config.get("auth_message"):
        said["auth_message"] = words(config["auth_message"])
    return config | said


def props_in(kind: str, props: dict[str, Any], words: Words) -> dict[str, Any]:
    """A component's properties, or those of an update of it."""
    said = dict(props)
    texts = (*TEXTS, "value") if kind in IN_VALUE else TEXTS
    for name in texts:
        if isinstance(said.get(name), str):
            said[name] = words(said[name])
    if "choices" in said:
        said["choices"] = [[words(str(title)), value] for title, value in said["choices"] or []]
    if kind == "html":
        for name in ("html_template", "value"):
            if isinstance(said.get(name), str):
                said[name] = words.markup(said[name].replace(switch("en"), switch(words.language)))
        if "js_on_load" in said:
            said["js_on_load"] = script_in(said["js_on_load"] or "", words)
    return said


def update_in(update: Any, words: Words) -> dict[str, Any]:
    """An update of a component, which is a new one as Gradio has it, with its texts said."""
    props = props_in(update.get_block_name(), update.constructor_args, words)
    return props | {"__type__": "update"}


def offered_in(field: Any, chosen: object, words: Words) -> dict[str, Any]:
    """A list's choices; what is chosen of them stays so, also if it changes meanwhile."""
    update = update_in(field, words)
    if chosen in [value for _, value in field.choices]:
        del update["value"]
    return update


def _script_safe(config: dict[str, Any]) -> str:
    """JSON that can stand in a script, whatever its texts hold."""
    text = json.dumps(config, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&'\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text
