"""A page below a path of its host, behind proxies that keep that path and that leave it out."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from test_page_guard import BLANK

from mnist_demo.benchmark.server import free_port
from mnist_demo.page.app import build
from mnist_demo.page.launch import launch_page, make_context

PREFIX = "/demo"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_ROOT_PATH", PREFIX)
        page = build(make_context(tmp_path_factory.mktemp("data")))
        port = free_port()
        launch_page(page, "127.0.0.1", port, block=False)
    yield f"http://127.0.0.1:{port}"
    page.close(verbose=False)


def ask(address: str, body: bytes | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture(params=["kept", "left out"])
def base(server: str, request: pytest.FixtureRequest) -> str:
    """The page's address as the server is asked for it."""
    return f"{server}{PREFIX}" if request.param == "kept" else server


def test_the_page_and_all_that_it_names_are_there(base: str) -> None:
    status, body = ask(f"{base}/")
    assert status == 200
    text = body.decode()
    config = json.loads(re.search(r"window\.gradio_config = (.*?);?</script>", text, re.S)[1])  # type: ignore[index]
    assert config["root"].endswith(PREFIX)
    linked = re.findall(r'(?:src|href)="([^"#?][^"]*)"', text.partition("<body")[0])
    files = [name for name in linked if not name.startswith("http")]
    assert len(files) >= 3
    for name in files:
        assert not name.startswith("/"), name  # that would be another page's of the host
        assert ask(urljoin(f"{base}/", name))[0] == 200, name


@pytest.mark.parametrize("path", ["/config", "/health", "/manifest.json", "/gradio_api/info"])
def test_other_addresses_are_there(base: str, path: str) -> None:
    assert ask(f"{base}{path}")[0] == 200


def test_a_drawing_is_answered(base: str) -> None:
    parts = json.loads(ask(f"{base}/config")[1])["components"]
    pad = next(part["id"] for part in parts if part["props"].get("elem_id") == "sketchpad")
    call = {"session_hash": "a1", "component_id": pad, "fn_name": "classify", "data": BLANK}
    status, body = ask(f"{base}/gradio_api/component_server/", json.dumps(call).encode())
    assert (status, json.loads(body)) == (200, {"blank": True})


def test_what_only_begins_alike_is_not_there(server: str) -> None:
    assert ask(f"{server}{PREFIX}x/config")[0] == 404


def test_the_prefix_itself_leads_to_the_page(server: str) -> None:
    with urllib.request.urlopen(f"{server}{PREFIX}?lang=zh", timeout=20) as answer:
        assert answer.url == f"{server}{PREFIX}/?lang=zh"
        assert 'lang="zh' in answer.read().decode()


def test_no_file_outside_is_reached_by_the_prefix(server: str) -> None:
    path = Path("models/digits.safetensors")
    assert ask(f"{server}{PREFIX}/gradio_api/file={path}")[0] == 404


def test_the_manifest_is_linked_as_one_below_the_page(server: str) -> None:
    assert b'rel="manifest" href="manifest.json"' in ask(f"{server}/")[1]
