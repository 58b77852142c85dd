"""On Hugging Face Spaces, with ZeroGPU and without; and behind a password."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect
from test_api import connect
from test_worker import wait_until

from mnist_demo.benchmark.server import answers, free_port
from mnist_demo.cli import main
from mnist_demo.cli.app import PORT, VARIABLE, check_address, check_mcp, choose_password
from mnist_demo.errors import UserError
from mnist_demo.page.asgi import Receive, Scope, Send
from mnist_demo.page.doors import MAX_WAITING, Door, Doorstep, make_password
from mnist_demo.page.envelope import Refused

ROOT = Path(__file__).parent.parent
ZERO_GPU = """
calls = []
def GPU(function=None, duration=60):
    calls.append(duration)
    print("fake spaces: GPU asked for", duration, flush=True)
    return function if callable(function) else (lambda function: function)
def gradio_auto_wrap(function):  # Gradio itself asks the package for this
    return function
"""


# The app as on ZeroGPU, with Hugging Face's own package, but for the driver, which is not here.
ON_CPU = """
import runpy, sys
import spaces.zero.wrappers as zero
import torch

zero.torch.init = zero.torch.move = lambda *args, **kwargs: None
torch.cuda.device_count = lambda: 0
sys.argv[0] = "app.py"
runpy.run_path("app.py", run_name="__main__")
"""


class Lender(BaseHTTPRequestHandler):
    """The service that lends ZeroGPU's GPUs, as far as the package `spaces` asks it."""

    asked: ClassVar[list[str]] = []
    quota_is_used_up = False

    def do_POST(self) -> None:
        self.asked.append(self.path)
        status, reply = 200, {}
        if self.path.startswith("/schedule"):
            reply = {"idle": False, "nvidiaIndex": 0, "nvidiaUUID": "GPU-1", "allowToken": "here"}
            if type(self).quota_is_used_up:
                status, reply = 429, {"left": 12, "wait": "PT1H"}
        body = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def options(**given: object) -> argparse.Namespace:
    defaults: dict[str, object] = {"share": False, "password": None, "no_password": False}
    return argparse.Namespace(**(defaults | given))


def test_a_password_is_made_up_for_a_public_link(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    password = choose_password(options(share=True))
    assert password
    assert password in capsys.readouterr().out
    assert choose_password(options()) is None
    assert choose_password(options(share=True, no_password=True)) is None
    assert choose_password(options(password="long enough")) == "long enough"
    monkeypatch.setenv(VARIABLE, "from outside")
    assert choose_password(options()) == "from outside"
    with pytest.raises(UserError, match="8 or more"):
        choose_password(options(password="short"))


@pytest.mark.parametrize("port", ["", "web", "70000", "-1"])
def test_a_port_that_gradio_could_not_read_is_refused_in_words(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PORT, port)
    assert main(["app"]) == 2
    assert "GRADIO_SERVER_PORT" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999"])
def test_a_port_that_there_is_not_is_refused_in_words(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["app", "--port", port]) == 2
    assert f"--port is {port}; take one from 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_port_that_is_taken_is_told_with_what_to_do(
    host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["app", "--host", host, "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"port {port} of {host} is taken; name another with --port" in said
    assert "launch()" not in said
    check_address(host, port)  # it is free now


@pytest.mark.parametrize("host", ["nope.invalid", "192.0.2.1", "a" * 64 + ".invalid", "x y"])
def test_a_host_that_is_not_here_is_told_from_a_port_that_is_taken(
    host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in ([], ["--port", str(free_port())]):
        assert main(["app", "--host", host, *more]) == 2
        said = capsys.readouterr().err
        assert f"{host!r} is no address of this machine; leave --host out" in said


def test_where_no_port_is_free_the_remedy_is_one_that_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import gradio.http_server as http_server

    page = SimpleNamespace(serve=lambda *_: http_server.start_server(None))  # type: ignore[arg-type]
    monkeypatch.setattr("mnist_demo.page.importing.import_page", lambda *_: page)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(http_server, "INITIAL_PORT_VALUE", taken.getsockname()[1])
        monkeypatch.setattr(http_server, "TRY_NUM_PORTS", 1)
        assert main(["app"]) == 2
    said = capsys.readouterr().err
    assert "Cannot find empty port" in said
    assert "name a free one with --port" in said
    assert "launch()" not in said


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Gradio is asked for by `app`, which ends at once and has served nothing."""
    from gradio import Blocks

    from mnist_demo.page import launch

    asked: dict[str, Any] = {}

    def note(page: Blocks, **options: Any) -> tuple[None, str, None]:
        asked.update(options)
        return None, "http://127.0.0.1/", None

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(Blocks, "launch", note)
    for name in ("log_to_stderr", "end_on_signals", "start_warming"):  # they are the process's
        monkeypatch.setattr(launch, name, lambda *_: None)
    return asked


def test_a_public_link_and_its_password_reach_gradio_together(
    launched: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["app", "--share"]) == 0
    found = re.search(r"^Password of this page .*: (\S+)$", capsys.readouterr().out, re.MULTILINE)
    assert found
    assert launched["share"] is True
    assert launched["auth"]("anybody", found[1]) is True
    assert launched["auth"]("anybody", "a guess of mine") is False
    assert launched["auth_message"]


def test_a_public_link_takes_a_password_of_one_s_own(launched: dict[str, Any]) -> None:
    assert main(["app", "--share", "--password", "open sesame"]) == 0
    assert launched["share"] is True
    assert launched["auth"]("anybody", "open sesame") is True


def test_a_public_link_is_open_only_where_that_is_asked_for(
    launched: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["app", "--share", "--no-password"]) == 0
    assert launched["share"] is True
    assert launched["auth"] is None
    assert "it has no password" in capsys.readouterr().out


def test_without_being_asked_there_is_no_public_link(launched: dict[str, Any]) -> None:
    assert main(["app"]) == 0
    assert launched["share"] is False
    assert launched["auth"] is None


def test_made_up_passwords_are_long_and_differ() -> None:
    made = {make_password() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", password) for password in made)


def test_mcp_and_a_password_do_not_go_together() -> None:
    with pytest.raises(UserError, match="without asking for the password"):
        check_mcp("a password")


def test_a_password_keeps_the_page_and_the_endpoints_shut(tmp_path: Path) -> None:
    from mnist_demo.page.app import build
    from mnist_demo.page.launch import launch_page, make_context

    port = free_port()
    page = build(make_context(tmp_path))
    launch_page(page, "127.0.0.1", port, block=False, door=Door("open sesame"))
    try:
        for path in ("/config", "/gradio_api/info", "/gradio_api/queue/status"):
            assert ask(port, "GET", path)[0] == 401
        assert ask(port, "POST", "/gradio_api/queue/join", b'{"data": [], "fn_index": 0}')[0] in (
            400,
            401,
        )
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        wrong = urlencode({"username": "x", "password": "guess"}).encode()
        assert ask(port, "POST", "/login", wrong, form)[0] == 400
        right = urlencode({"username": "x", "password": "open sesame"}).encode()
        status, cookie = ask(port, "POST", "/login", right, form)
        assert status == 200
        assert ask(port, "GET", "/config", headers={"Cookie": cookie})[0] == 200
        elsewhere = {"Cookie": cookie, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
        assert ask(port, "GET", "/config", headers=elsewhere)[0] == 401
        assert ask(port, "GET", "/health")[0] == 200
    finally:
        page.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("locale", "title", "hint", "refusal"),
    [
        ("en", "Draw a digit", "Type any user name", "Incorrect Credentials"),
        ("zh-CN", "手写一个数字", "用户名随便填一个即可", "凭据不正确"),
    ],
)
def test_the_login_page_says_in_its_visitors_language_what_it_wants(
    chromium: Browser, tmp_path: Path, locale: str, title: str, hint: str, refusal: str
) -> None:
    from mnist_demo.page.app import build
    from mnist_demo.page.launch import launch_page, make_context

    page = build(make_context(tmp_path))
    door = Door("open sesame")
    address = launch_page(page, "127.0.0.1", free_port(), block=False, door=door)
    try:
        tab = chromium.new_context(locale=locale).new_page()
        tab.goto(address)
        expect(tab.locator(".auth")).to_contain_text(hint)
        expect(tab).to_have_title(title)
        tags = tab.locator("meta[property='og:title']")
        assert [tag.get_attribute("content") for tag in tags.all()] == [title]
        tab.locator("input:not([type=password])").fill("anybody")
        tab.locator("input[type=password]").fill("guess")
        tab.get_by_role("button").first.click()
        expect(tab.locator(".creds")).to_contain_text(refusal)
        tab.locator("input:not([type=password])").fill("anybody")
        tab.locator("input[type=password]").fill("open sesame")
        tab.get_by_role("button").first.click()
        expect(tab.locator("#sketchpad .bar").first).to_be_visible()
        tab.context.close()
    finally:
        page.close()


def test_guesses_are_looked_at_one_by_one_whoever_guesses() -> None:
    looked: list[tuple[str, float]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        looked.append((scope["client"][0], time.perf_counter()))
        await send({"type": "http.response.start", "status": 400, "headers": []})

    async def send(message: Any) -> None:
        pass

    async def receive() -> Any:
        pass

    async def guess() -> None:
        step = Doorstep(app, wait=0.02)

        def one(address: str) -> Any:
            return step({"type": "http", "path": "/login", "client": (address, 1)}, receive, send)

        many = [asyncio.create_task(one("10.0.0.1")) for _ in range(MAX_WAITING)]
        others = [asyncio.create_task(one(f"10.0.1.{n}")) for n in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(Refused, match="try again in 2 s"):
            await one("10.0.0.1")
        await asyncio.gather(*many, *others)
        assert not step._lines

    asyncio.run(guess())
    assert len(looked) == MAX_WAITING + 5
    times = [when for _, when in looked]
    assert min(b - a for a, b in pairwise(times)) >= 0.019
    assert {address for address, _ in looked[:7]} > {f"10.0.1.{n}" for n in range(5)}


def test_who_guesses_keeps_nobody_out(tmp_path: Path) -> None:
    from mnist_demo.page.app import build
    from mnist_demo.page.launch import launch_page, make_context

    port = free_port()
    page = build(make_context(tmp_path))
    launch_page(page, "127.0.0.1", port, block=False, door=Door("open sesame"))

    def knock(password: str, address: str) -> int:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Forwarded-For": address,  # the server trusts a proxy on this machine
        }
        body = urlencode({"username": "x", "password": password}).encode()
        return ask(port, "POST", "/login", body, headers)[0]

    try:
        with ThreadPoolExecutor(32) as pool:
            guesses = [pool.submit(knock, f"guess {n}", "10.0.0.1") for n in range(90)]
            while not any(guess.done() for guess in guesses):
                time.sleep(0.01)
            assert knock("open sesame", "10.0.0.2") == 200
            assert not all(guess.done() for guess in guesses)  # it overtook them
            assert knock("open sesame", "10.0.0.1") == 200  # and behind the same address
            assert {guess.result() for guess in guesses} == {400}
    finally:
        page.close()


@pytest.mark.parametrize(
    ("forwarded", "asked_by"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.4.5.6", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9, 172.16.0.3, 10.4.5.6", "203.0.113.9"),  # the first is made up
    ],
)
def test_on_a_space_visitors_have_addresses_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, forwarded: str, asked_by: str
) -> None:
    from mnist_demo.page.app import build
    from mnist_demo.page.launch import launch_page, make_context

    monkeypatch.setenv("SPACE_ID", "somebody/draw-a-digit")
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "")  # so that it is put back afterwards
    monkeypatch.delenv("FORWARDED_ALLOW_IPS")
    seen: list[str] = []

    async def look(self: Doorstep, scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["client"][0])
        await self.app(scope, receive, send)

    monkeypatch.setattr(Doorstep, "_look", look)
    port = free_port()
    page = build(make_context(tmp_path))
    launch_page(page, "127.0.0.1", port, block=False, door=Door("open sesame"))
    try:
        form = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": forwarded}
        assert ask(port, "POST", "/login", b"username=x&password=guess", form)[0] == 400
    finally:
        page.close()
    assert seen == [asked_by]


def ask(
    port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """The status, and the cookies that were set."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body or None, headers or {})
    reply = connection.getresponse()
    cookies = reply.headers.get_all("Set-Cookie") or []
    reply.read()
    connection.close()
    return reply.status, "; ".join(cookie.partition(";")[0] for cookie in cookies)


@contextmanager
def running(words: list[str], port: int, environment: dict[str, str], log: Path) -> Iterator[None]:
    """The app in a process of its own, once it answers; what it prints goes into `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *words, "--port", str(port)],
            cwd=ROOT, env=environment, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        until = time.monotonic() + 200
        while not answers(port) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.2)
        assert process.poll() is None, log.read_text()
        assert answers(port), log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.timeout(400)  # a whole server, on a machine that may be busy
@pytest.mark.parametrize("has_zero_gpu", [False, True])
def test_a_space_starts_on_a_disk_that_takes_nothing(tmp_path: Path, has_zero_gpu: bool) -> None:
    """Home, data and the checkout's own folder cannot be written, as root cannot be stopped
    from writing, a file stands where each folder would be."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    packages = tmp_path / "packages"
    packages.mkdir()
    environment = os.environ | {
        "SYSTEM": "spaces",
        "SPACE_ID": "somebody/draw-a-digit",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_SSR_MODE": "True",
        "HOME": str(blocked / "home"),
        "HF_HOME": str(blocked / "hub"),
        "MPLCONFIGDIR": str(blocked / "matplotlib"),
        "MNIST_DEMO_DATA": str(blocked / "data"),
        "MNIST_DEMO_RUNS": str(blocked / "runs"),
        "GRADIO_TEMP_DIR": str(tmp_path / "gradio"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if has_zero_gpu:
        (packages / "spaces.py").write_text(ZERO_GPU)
        environment |= {"SPACES_ZERO_GPU": "true", "PYTHONPATH": str(packages)}
    port = free_port()
    log = tmp_path / "log.txt"
    with running([str(ROOT / "app.py")], port, environment, log):
        assert ask(port, "GET", "/config")[0] == 200
        if has_zero_gpu:  # asked for before anybody trains, or ZeroGPU ends the Space
            assert "fake spaces: GPU asked for" in log.read_text()
    assert "GET /" not in log.read_text()  # no line a request


@pytest.mark.timeout(400)  # a whole server, on a machine that may be busy
def test_a_run_on_zero_gpu_with_its_own_package(tmp_path: Path) -> None:
    """Asked for as the visitor's, run in a fork, given back; a quota that is used up is told."""
    lender = ThreadingHTTPServer(("127.0.0.1", 0), Lender)
    threading.Thread(target=lender.serve_forever, daemon=True).start()
    port = free_port()
    environment = os.environ | {
        "SPACE_ID": "somebody/draw-a-digit",
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": f"http://127.0.0.1:{lender.server_port}",
        "MNIST_DEMO_DATA": str(tmp_path / "data"),
        "MNIST_DEMO_RUNS": str(tmp_path / "runs"),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    log = tmp_path / "log.txt"
    with running(["-c", ON_CPU], port, environment, log):
        assert Lender.asked == ["/startup-report"]
        visitor = connect(f"http://127.0.0.1:{port}", headers={"X-IP-Token": "a.visitor.s"})
        settings = {"net": "linear", "dataset": "sample", "epochs": 2}
        events = list(visitor.submit(**settings, api_name="/train"))
        assert events[-1]["event"] == "done", log.read_text()
        assert events[-1]["accuracy"] > 0.7
        paths = [asked.partition("?")[0] for asked in Lender.asked]
        assert paths == ["/startup-report", "/schedule", "/allow", "/release"]
        assert "token=a.visitor.s" in Lender.asked[1]
        assert "fail=false" in Lender.asked[3]

        Lender.quota_is_used_up = True
        refused = list(visitor.submit(**settings, api_name="/train"))[-1]
        assert refused["event"] == "error"
        assert "You have exceeded your ZeroGPU quota" in refused["error"]
        assert "Try again in 1:00:00" in refused["error"]
        assert processes_on(port) > 1  # the server and its fork
    lender.shutdown()
    wait_until(lambda: processes_on(port) == 0, 30)


def processes_on(port: int) -> int:
    """How many processes have this port among their words; a fork has its parent's."""
    found = 0
    for words in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found += words.read_bytes().endswith(f"--port\0{port}\0".encode())
    return found
