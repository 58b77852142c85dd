"""The page as an app of its own: its manifest, its icons, and what Chromium says of both."""

from __future__ import annotations

import io
import json
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import pytest
from PIL import Image
from playwright.sync_api import Browser

from mnist_demo.benchmark.browser import FLAGS, find_chromium


def test_the_manifest_is_whole_and_its_icons_are_as_large_as_it_says(address: str) -> None:
    where = urljoin(address, "manifest.json")
    with urlopen(where, timeout=20) as answer:
        assert answer.headers["content-type"] == "application/manifest+json"
        manifest = json.loads(answer.read())
    assert manifest["name"] == "Draw a digit"
    assert len(manifest["short_name"]) <= 12
    assert manifest["display"] == "standalone"
    assert urljoin(where, manifest["start_url"]) == address
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        with urlopen(urljoin(where, icon["src"]), timeout=20) as answer:
            assert answer.headers["content-type"] == icon["type"]
            picture = Image.open(io.BytesIO(answer.read()))
        assert f"{picture.width}x{picture.height}" == icon["sizes"]
    with urlopen(urljoin(address, "favicon.ico"), timeout=20) as answer:
        assert Image.open(io.BytesIO(answer.read())).size == (512, 512)


def test_it_is_named_in_the_visitors_language(address: str) -> None:
    where = urljoin(address, "manifest.json")
    asked = (
        {"Accept-Language": "zh-CN,zh;q=0.9"},
        {"Accept-Language": "en", "Referer": f"{address}?lang=zh"},
    )
    for headers in asked:
        with urlopen(Request(where, headers=headers), timeout=20) as answer:
            manifest = json.loads(answer.read())
        assert manifest["lang"] == "zh-CN"
        assert manifest["name"] == "手写一个数字"
        assert manifest["icons"]


def test_a_mask_leaves_the_digit_whole() -> None:
    """A platform may cut all outside a circle of four fifths of the icon."""
    from mnist_demo.page.installable import ICON

    picture = Image.open(ICON).convert("L")
    middle = picture.width / 2
    white = [
        (x, y)
        for y in range(picture.height)
        for x in range(picture.width)
        if picture.getpixel((x, y)) > 240  # type: ignore[operator]
    ]
    assert len(white) > 10_000
    assert max((x - middle) ** 2 + (y - middle) ** 2 for x, y in white) ** 0.5 < 0.4 * picture.width


@pytest.mark.browser
def test_chromium_would_install_it(chromium: Browser, address: str, tmp_path: Path) -> None:
    window = chromium.browser_type.launch_persistent_context(  # nothing is installed incognito
        str(tmp_path / "profile"), executable_path=find_chromium(), args=list(FLAGS)
    )
    page = window.pages[0]
    page.goto(address)
    page.wait_for_selector("#sketchpad .bar")
    session = window.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"] == urljoin(address, "manifest.json")
    assert manifest["errors"] == []
    assert session.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    window.close()
