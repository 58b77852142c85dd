"""Fetches MNIST from torchvision's mirrors: bounded waits, checked sums, whole files."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import queue
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_demo.datasets.mnist import missing_from
from mnist_demo.errors import UserError
from mnist_demo.faults import DATA_FOLDER, save_file

WAIT = 15.0  # seconds without a byte
DEADLINE = 300.0  # seconds for all that a mirror is asked for
MAX_BYTES = 32 * 2**20  # a compressed file; MNIST's largest has 10 MB
PIECE = 64 * 2**10


@dataclass(frozen=True)
class Progress:
    """How far the download is."""

    mirror: str
    file: str
    number: int  # of the file, from 1
    files: int
    done: int  # bytes of this file
    total: int | None  # bytes of this file, where the mirror tells


class _MirrorFailed(Exception):
    """A mirror did not give what it should; the next one is tried."""


def download_mnist(
    folder: str | Path,
    mirrors: Sequence[str] | None = None,
    *,
    wait: float = WAIT,
    deadline: float = DEADLINE,
) -> Iterator[Progress]:
    """Puts MNIST's files into `folder`/MNIST/raw and tells how it goes; keeps those it has.

    `mirrors` are URLs that end in a slash, torchvision's own when None. A mirror is left
    after `wait` seconds of silence, after `deadline` seconds in all, or for a file
    that is missing, too large or not what its md5 says. Raises UserError when none is left.
    """
    from torchvision.datasets import MNIST

    raw = Path(folder) / "MNIST" / "raw"
    mirrors = [url if url.endswith("/") else f"{url}/" for url in mirrors or MNIST.mirrors]
    wanted = missing_from(Path(folder))
    missing = [(n, md5) for n, md5 in MNIST.resources if n.removesuffix(".gz") in wanted]
    reasons = []
    for mirror in mirrors:
        try:
            ends = time.monotonic() + deadline
            while missing:
                name, md5 = missing[0]
                number = len(MNIST.resources) - len(missing) + 1
                content = bytearray()
                for content, total in _fetch(mirror + name, wait, ends):
                    yield Progress(mirror, name, number, len(MNIST.resources), len(content), total)
                unpacked = _unpack(name, bytes(content), md5)
                save_file(raw / name.removesuffix(".gz"), unpacked, DATA_FOLDER)
                missing.pop(0)
            return
        except _MirrorFailed as error:
            reasons.append(f"{mirror}: {error}")
    raise UserError(
        f"MNIST could not be fetched ({'; '.join(reasons)}); check the network and try again, "
        "point MNIST_DEMO_DATA at a folder that has it, or go on with the data set 'sample'"
    )


def _fetch(url: str, wait: float, ends: float) -> Iterator[tuple[bytearray, int | None]]:
    """What has come of `url` so far and how much is to come; the last one is whole.

    Read on a thread of its own: looking up a name and trying its addresses one by one
    know no bound in total.
    """
    pieces: queue.Queue[bytes | int | None | Exception] = queue.Queue()
    left = threading.Event()

    def read() -> None:
        try:
            with urllib.request.urlopen(url, timeout=wait) as response:
                length = response.headers.get("Content-Length", "")
                pieces.put(int(length) if length.isdecimal() else None)
                while not left.is_set():
                    piece = response.read1(PIECE)
                    pieces.put(piece)
                    if not piece:
                        return
        except (OSError, ValueError, http.client.HTTPException) as error:
            pieces.put(error)

    threading.Thread(target=read, name="download", daemon=True).start()
    content = bytearray()
    total: int | None = None
    try:
        while True:
            patience = min(wait, ends - time.monotonic())
            try:
                piece = pieces.get(timeout=max(patience, 0.001))
            except queue.Empty:
                slow = patience < wait
                reason = "too slow" if slow else f"silent for {wait:g} s"
                raise _MirrorFailed(reason) from None
            if isinstance(piece, Exception):
                raise _MirrorFailed(_reason(piece, wait)) from piece
            if time.monotonic() > ends:
                raise _MirrorFailed("too slow")
            if piece == b"":
                break
            if isinstance(piece, bytes):
                content += piece
            else:
                total = piece
            if max(len(content), total or 0) > MAX_BYTES:
                raise _MirrorFailed(f"sends more than {MAX_BYTES // 2**20} MiB")
            yield content, total
    finally:
        left.set()
    if total is not None and len(content) < total:
        raise _MirrorFailed(f"broke off after {len(content)} of {total} bytes")


def _unpack(name: str, content: bytes, md5: str) -> bytes:
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise _MirrorFailed(f"{name} is damaged (its md5 is not {md5})")
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise _MirrorFailed(f"{name} cannot be unpacked ({error})") from error


def _reason(error: Exception, wait: float) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        error = error.reason if isinstance(error.reason, Exception) else error
    if isinstance(error, TimeoutError):
        return f"silent for {wait:g} s"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
