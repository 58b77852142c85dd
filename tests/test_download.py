"""The download of MNIST, from servers on this machine that misbehave in turn."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from torchvision.datasets import MNIST

from mnist_demo.datasets import mnist, mnist_is_in
from mnist_demo.download import MAX_BYTES, Progress, download_mnist
from mnist_demo.errors import UserError

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]
NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def idx(name: str, count: int = 3) -> bytes:
    """A tiny file in MNIST's format: images of 2x2, or labels."""
    shape = (count, 2, 2) if "idx3" in name else (count,)
    header = bytes((0, 0, 8, len(shape))) + b"".join(side.to_bytes(4, "big") for side in shape)
    return header + bytes(range(math.prod(shape)))


FILES = {name: gzip.compress(idx(name), mtime=0) for name in NAMES}


def good(request: BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


def absent(request: BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_error(404)


def truncated(request: BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content[: len(content) // 2])


def altered(request: BaseHTTPRequestHandler, content: bytes) -> None:
    good(request, content[:-1] + bytes([content[-1] ^ 1]))


def hanging(request: BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(200)
    request.end_headers()
    request.wfile.flush()
    time.sleep(60)


def trickling(request: BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(200)
    request.end_headers()
    for byte in content:
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        time.sleep(0.5)


def endless(request: BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(MAX_BYTES + 1))
    request.end_headers()
    request.wfile.write(bytes(1000))


@pytest.fixture
def mirror() -> Iterator[Callable[[Answer], str]]:
    """Starts servers that answer as they are told; gives their URLs."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with contextlib.suppress(OSError):  # the client may leave, as it should
                    answer(self, FILES[self.path.removeprefix("/")])

            def log_message(self, *words: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def tiny_files(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = [(name, hashlib.md5(content).hexdigest()) for name, content in FILES.items()]
    monkeypatch.setattr(MNIST, "resources", sums)
    monkeypatch.setattr(mnist, "SIZES", {name: len(content) for name, content in WHOLE.items()})


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "MNIST" / "raw").iterdir()}


WHOLE = {name.removesuffix(".gz"): idx(name) for name in NAMES}


def fetch(folder: Path, *mirrors: str, wait: float = 10, deadline: float = 30) -> list[Progress]:
    return list(download_mnist(folder, mirrors, wait=wait, deadline=deadline))


def test_all_files_come_whole_with_progress(
    mirror: Callable[[Answer], str], tmp_path: Path
) -> None:
    events = fetch(tmp_path, mirror(good))
    assert contents(tmp_path) == WHOLE
    assert [event.file for event in events if event.done == event.total] == list(NAMES)
    assert {(event.file, event.number) for event in events} == set(
        zip(NAMES, (1, 2, 3, 4), strict=True)
    )


@pytest.mark.parametrize(
    ("bad", "reason", "limit"),
    [
        (absent, "HTTP 404", {}),
        (truncated, "broke off after", {}),
        (altered, "damaged", {}),
        (hanging, "silent for 0.4 s", {"wait": 0.4}),
        (trickling, "too slow", {"deadline": 1}),
        (endless, "more than 32 MiB", {}),
    ],
)
def test_a_bad_mirror_is_left_for_the_next_within_its_time(
    bad: Answer,
    reason: str,
    limit: dict[str, float],
    mirror: Callable[[Answer], str],
    tmp_path: Path,
) -> None:
    first = mirror(bad)
    started = time.monotonic()
    with pytest.raises(UserError, match=f"{first}: .*{reason}.*MNIST_DEMO_DATA.*sample"):
        fetch(tmp_path, first, **limit)
    assert time.monotonic() - started < 20
    assert not (tmp_path / "MNIST").exists()
    # The good one has the same limit, and the machine may be busy with other things.
    fetch(tmp_path, first, mirror(good), **dict.fromkeys(limit, 5.0))
    assert contents(tmp_path) == WHOLE


def test_when_all_fail_each_is_named(mirror: Callable[[Answer], str], tmp_path: Path) -> None:
    gone, wrong = mirror(absent), mirror(altered)
    with pytest.raises(UserError) as caught:
        fetch(tmp_path, gone, wrong, "http://127.0.0.1:9/")
    for part in (gone, wrong, "127.0.0.1:9", "404", "md5", "refused"):
        assert part in str(caught.value)


def test_files_that_are_there_are_kept_and_broken_ones_replaced(
    mirror: Callable[[Answer], str], tmp_path: Path
) -> None:
    fetch(tmp_path, mirror(good))
    assert fetch(tmp_path, mirror(absent)) == []  # nothing to ask for
    assert mnist_is_in(tmp_path)
    broken = tmp_path / "MNIST" / "raw" / NAMES[2].removesuffix(".gz")
    for content in (b"", broken.read_bytes()[:-1], idx(NAMES[2], 4)):  # the last a whole file
        broken.write_bytes(content)
        assert not mnist_is_in(tmp_path)
        assert {event.file for event in fetch(tmp_path, mirror(good))} == {NAMES[2]}
        assert contents(tmp_path) == WHOLE


def test_leaving_half_way_leaves_no_half_file(
    mirror: Callable[[Answer], str], tmp_path: Path
) -> None:
    events = download_mnist(tmp_path, [mirror(good)])
    for event in events:
        if event.number == 2:
            break
    del events
    assert contents(tmp_path) == {NAMES[0].removesuffix(".gz"): WHOLE["train-images-idx3-ubyte"]}


def test_a_full_disk_is_not_the_mirrors_fault(
    mirror: Callable[[Answer], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="the disk is full; make room there, or .*--data-dir"):
        fetch(tmp_path, mirror(good))


def test_a_folder_that_cannot_be_written_is_not_the_mirrors_fault(
    mirror: Callable[[Answer], str], tmp_path: Path
) -> None:
    (tmp_path / "MNIST").write_text("a file is in the way")
    with pytest.raises(UserError, match="cannot write .*--data-dir"):
        fetch(tmp_path, mirror(good))
