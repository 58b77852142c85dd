"""Replies that are made once: whole, as small as the asker can read, and of a bounded number."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import re
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import brotli
import pytest
from playwright.sync_api import Browser, expect

from mnist_demo.page.asgi import Message, Receive, Scope, Send
from mnist_demo.page.kept import MOST_PAGES, PLACE, ROOM_EVERY, Kept

Reply = tuple[int, dict[bytes, bytes], bytes]
PAGE = "<a>" * 1000


class Behind:
    """In Gradio's place. `asked`: what has been asked of it, by path."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])
        is_there = "missing" not in scope["path"]
        host = dict(scope["headers"]).get(b"host", b"").decode()
        body = f"{scope['scheme']}://{host}/x{PAGE}".encode()
        headers = [(b"content-type", b"text/html"), (b"content-length", b"%d" % len(body))]
        status = 200 if is_there else 404
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body[:9], "more_body": True})
        await send({"type": "http.response.body", "body": body[9:]})


def ask(app: Kept, path: str, method: str = "GET", query: str = "", **headers: str) -> Reply:
    sent: list[Message] = []
    named = {"host": "here:1"} | {name.replace("_", "-"): text for name, text in headers.items()}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "scheme": "http",
        "server": ("here", 1),
        "headers": [(name.encode(), text.encode()) for name, text in named.items()],
    }

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("a GET has no body")

    asyncio.run(app(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
def kept(behind: Behind) -> Kept:
    return Kept(behind, has_door=False)


def test_a_page_is_made_once_a_language_whoever_asks(kept: Kept, behind: Behind) -> None:
    for host in ("one", "two:8080"):
        for query in ("", "__theme=dark", "deep_link=none"):
            status, headers, body = ask(kept, "/", query=query, host=host)
            assert (status, body.decode()) == (200, f"http://{host}/x{PAGE}")
            assert headers[b"cache-control"] == b"no-cache"
    assert ask(kept, "/", x_forwarded_host="far.org", x_forwarded_proto="https")[2].startswith(
        b"https://far.org/x"
    )
    assert behind.asked == ["/"]
    ask(kept, "/", query="lang=zh")
    ask(kept, "/", accept_language="zh-CN")
    assert behind.asked == ["/", "/"]


def test_the_configuration_is_made_once_for_all_languages(kept: Kept, behind: Behind) -> None:
    for query in ("", "lang=zh", "lang=en"):
        assert ask(kept, "/config", query=query)[0] == 200
    assert behind.asked == ["/config"]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", b"br"),
        ("gzip", b"gzip"),
        ("br;q=0, gzip;q=0.5", b"gzip"),
        ("identity", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("path", ["/", "/assets/a-1.js"])
def test_what_is_long_comes_as_small_as_the_asker_can_read(
    kept: Kept, path: str, accepted: str, encoding: bytes | None
) -> None:
    plain = ask(kept, path)[2]
    for _ in range(2):
        _, headers, body = ask(kept, path, accept_encoding=accepted)
        assert headers.get(b"content-encoding") == encoding
        assert int(headers[b"content-length"]) == len(body)
        undo = {b"br": brotli.decompress, b"gzip": gzip.decompress}
        assert (undo[encoding](body) if encoding else body) == plain
        assert (len(body) < len(plain) / 10) == bool(encoding)


def test_who_has_it_already_is_told_so(kept: Kept) -> None:
    tag = ask(kept, "/")[1][b"etag"].decode()
    status, headers, body = ask(kept, "/", if_none_match=tag, accept_encoding="br")
    assert (status, body, b"content-encoding" in headers) == (304, b"", False)
    assert ask(kept, "/", if_none_match='W/"other"')[0] == 200


def test_a_look_at_the_headers_gets_these_alone(kept: Kept, behind: Behind) -> None:
    """The first look of all is the server's own, before all of the page is there."""
    ask(kept, "/", "HEAD")
    assert not kept.made
    length = ask(kept, "/")[1][b"content-length"]
    status, headers, body = ask(kept, "/", "HEAD")
    assert (status, headers[b"content-length"], body) == (200, length, b"")
    assert behind.asked == ["/", "/"]


def test_files_are_asked_for_once_and_lost_ones_each_time(kept: Kept, behind: Behind) -> None:
    for _ in range(2):
        assert b"immutable" in ask(kept, "/assets/a-1.js", range="bytes=0-9")[1][b"cache-control"]
        assert ask(kept, "/static/missing.js")[0] == 404
    assert behind.asked.count("/assets/a-1.js") == 1
    for alias in ("/assets/./a-1.js", "/assets/x/../a-1.js", "/assets//a-1.js"):
        assert ask(kept, alias)[0] == 200  # Gradio's own reply, and no second copy of a file
    assert set(kept.files) == {"/assets/a-1.js"}


def test_made_up_hosts_and_floods_of_files_fill_no_memory(kept: Kept, behind: Behind) -> None:
    kept.clock = lambda: 7.0
    for number in range(MOST_PAGES + 20):
        headers, body = ask(kept, "/", host=f"made-up-{number}", accept_encoding="br")[1:]
        # One makes room, and no other in that second.
        assert (b"content-encoding" in headers) == (number <= MOST_PAGES)
    assert body.startswith(f"http://made-up-{number}/".encode())
    assert len(kept.pages) == MOST_PAGES
    assert behind.asked == ["/"]
    kept.room = 2 * len(PAGE)
    for number in range(5):
        assert ask(kept, f"/assets/{number}.js")[0] == 200
    assert len(kept.files) == 1


def test_made_up_hosts_do_not_stay_in_the_way(kept: Kept) -> None:
    times = itertools.count(0, ROOM_EVERY)
    kept.clock = lambda: next(times)

    def is_small(host: str) -> bool:
        return b"content-encoding" in ask(kept, "/", host=host, accept_encoding="br")[1]

    asked = [is_small("here") and is_small(f"made-up-{number}") for number in range(3 * MOST_PAGES)]
    assert all(asked)
    assert ("/", "en", "http://here") in kept.pages  # who is asked for often stays
    assert len(kept.pages) == MOST_PAGES


def test_behind_a_door_files_alone_are_the_same_for_everybody(behind: Behind) -> None:
    app = Kept(behind, has_door=True)
    for _ in range(2):
        ask(app, "/")
        ask(app, "/static/a.js")
    assert behind.asked == ["/", "/static/a.js", "/"]


@pytest.mark.parametrize("path", ["", "config"])
def test_the_real_page_is_its_visitors_own_address(address: str, path: str) -> None:
    asked = {"Host": "digits.org", "X-Forwarded-Proto": "https", "Accept-Encoding": "br"}
    with urlopen(Request(urljoin(address, path), headers=asked), timeout=20) as answer:
        body = brotli.decompress(answer.read()).decode()
    assert PLACE not in body
    root = re.search(r'"root": ?"([^"]*)"', body)
    assert root is not None
    assert root[1] == "https://digits.org"


def test_a_posted_link_shows_what_it_leads_to(address: str) -> None:
    with urlopen(f"{address}?lang=zh", timeout=20) as answer:
        page = answer.read().decode()
    assert 'og:title" content="手写一个数字"' in page
    assert 'og:description" content="手写' in page
    assert "gradio.app" not in page.partition("window.gradio_config")[0]
    picture = re.search(r'og:image" content="([^"]*)"', page)
    assert picture is not None
    with urlopen(picture[1], timeout=20) as answer:
        assert answer.headers["content-type"] == "image/png"


@pytest.mark.browser
def test_a_browser_fetches_no_file_twice(chromium: Browser, address: str) -> None:
    tab = chromium.new_context().new_page()
    fetched = (
        "performance.getEntriesByType('resource').filter(file => file.name.includes('/assets/')"
        " && file.transferSize > 0).map(file => file.name)"
    )
    tab.goto(address)
    expect(tab.locator("#sketchpad .bar").first).to_be_visible()
    first = tab.evaluate(fetched)
    assert len(first) > 20
    tab.reload()
    expect(tab.locator("#sketchpad .bar").first).to_be_visible()
    assert not {*first} & {*tab.evaluate(fetched)}  # what the reload cut off may come anew
    tab.context.close()


def test_the_configuration_is_still_json(address: str) -> None:
    with urlopen(urljoin(address, "config"), timeout=20) as answer:
        assert json.loads(answer.read())["components"]
