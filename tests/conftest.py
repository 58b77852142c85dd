"""What the tests share: the embedded digits, a browser, a place to run the command line."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: browsers share the cores

from browser import is_ci
from hypothesis import settings

from mnist_demo.benchmark.browser import open_browser
from mnist_demo.benchmark.server import free_port
from mnist_demo.checkpoint import Checkpoint
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset, load_dataset
from mnist_demo.errors import UserError
from mnist_demo.nets import build_net
from mnist_demo.train import train

ROOT = Path(__file__).parent.parent
settings.load_profile("ci")  # no deadline: the machine may be busy with other things
# For processes of the command line: no MNIST in sight.
ALONE = {"MNIST_DEMO_DATA": str(ROOT / "tests" / "no-such-folder")}

# What drives a browser is left out where there is no playwright, and fails where CI is set.
collect_ignore = (
    []
    if is_ci() or find_spec("playwright")
    else [
        str(path)
        for path in ROOT.glob("tests/test_*.py")
        if "from playwright." in path.read_text("utf-8")
    ]
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where tests run side by side: two browsers at once would take the cores from each other."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            group = "browsers" if item.get_closest_marker("browser") else item.path.name
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def sample() -> Dataset:
    return load_dataset("sample")


@pytest.fixture(scope="session")
def plain(sample: Dataset) -> Checkpoint:
    """The plainest net, trained for a second or two: it leaves mistakes to see."""
    config = TrainConfig(net="linear", dataset="sample", epochs=1, augment="none")
    net = build_net("linear", 1)
    for _ in train(net, sample.train, sample.validation, config):
        pass
    return Checkpoint(net.eval(), "linear", "sample", sample.labels, config.to_dict())


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless browser; without one its tests skip, and fail where CI is set."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(open_browser())
        except UserError as error:
            _do_without(f"{error}; or run `python tests/browser.py --install`")
        from playwright.sync_api import expect

        expect.set_options(timeout=20_000)  # the machine may be busy with other things
        yield browser


def _do_without(reason: str) -> NoReturn:
    if is_ci():
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def loops_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """playwright keeps an event loop in the tests' thread, where asyncio.run then refuses."""
    real = asyncio.run

    def run(work: Coroutine[Any, Any, Any], **options: Any) -> Any:
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(lambda: real(work, **options)).result()

    monkeypatch.setattr(asyncio, "run", run)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def cli() -> Run:
    """Runs the command line in a process of its own."""

    def run(*words: object, timeout: float = 200) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mnist_demo", *map(str, words)],
            cwd=ROOT,
            env=os.environ | ALONE,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


def run_two(*words: str) -> subprocess.CompletedProcess[str]:
    """Two processes of torchrun, on one thread each, that run a script or `-m` a module."""
    process = start_two(*words)
    with process:
        out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def start_two(*words: str) -> subprocess.Popen[str]:
    """The same, while they run; a group of processes of their own, as in a terminal."""
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    return subprocess.Popen(
        [sys.executable, *torchrun, *words],
        cwd=ROOT,
        env=os.environ | ALONE | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app, served from this process on the embedded sample, with a slash at the end."""
    from mnist_demo.page.app import build
    from mnist_demo.page.launch import launch_page, make_context

    context = make_context(tmp_path_factory.mktemp("no-data"))
    page = build(context)
    yield launch_page(page, host="127.0.0.1", port=free_port(), block=False)
    page.close()
    # The process aborts when it ends while a net is at work: no further piece is begun.
    context._evaluating.acquire()
