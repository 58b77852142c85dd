"""What the tests share: the embedded digits, a browser, a place to run the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import FLAGS, find_chromium, is_ci
from playwright.sync_api import Browser, Error, sync_playwright

from mnist_demo.benchmark.startup import free_port
from mnist_demo.datasets import Dataset, load_dataset

ROOT = Path(__file__).parent.parent
# For processes of the command line: no MNIST in sight.
ALONE = {"MNIST_DEMO_DATA": str(ROOT / "tests" / "no-such-folder")}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def sample() -> Dataset:
    return load_dataset("sample")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless browser; without one its tests skip, and fail where CI is set."""
    path = find_chromium()
    if path is None:
        _do_without("no Chromium: set CHROMIUM, or run `python tests/browser.py --install`")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        except Error as error:
            _do_without(f"{path} does not start: {error.message.splitlines()[0]}")
        yield browser
        browser.close()


def _do_without(reason: str) -> None:
    if is_ci():
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def cli() -> Run:
    """Runs the command line in a process of its own."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mnist_demo", *map(str, words)],
            cwd=ROOT,
            env=os.environ | ALONE,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app, served from this process on the embedded sample, with a slash at the end."""
    from mnist_demo.page.app import build
    from mnist_demo.page.launch import launch_page, make_context

    page = build(make_context(tmp_path_factory.mktemp("no-data")))
    yield launch_page(page, host="127.0.0.1", port=free_port(), block=False)
    page.close()
