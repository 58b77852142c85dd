"""Visitors' runs on disk, so that a reload or a restart of the server loses none.

Each browser has a drawer, named by the hash of a secret that only it knows; a run is a folder
in it. Bounded in size and age, and nothing of a drawing is ever here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mnist_demo.errors import UserError
from mnist_demo.faults import why_not_written
from mnist_demo.files import may_write, write_whole
from mnist_demo.page import record
from mnist_demo.page.loaded import Loaded
from mnist_demo.page.runs import MAX_RUNS, Run

TOKEN = re.compile(r"[0-9a-f]{32}")
DRAWER = re.compile(r"[0-9a-f]{40}")
SLOT = re.compile(r"[0-9a-f]{16}")
MAX_AGE = 7 * 86_400.0  # seconds since a drawer was last written to
MAX_DRAWER = 128 * 2**20  # bytes
MAX_ALL = 2 * 2**30
CLEAN_EVERY = 60.0  # seconds


def default_folder() -> Path:
    """Where runs are kept: $MNIST_DEMO_RUNS, else ./runs."""
    return Path(os.environ.get("MNIST_DEMO_RUNS") or "runs").absolute()


class Shelf:
    """All drawers; without a folder, or where it cannot be written to, nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.loaded = Loaded()
        self._in_use: set[Path] = set()  # runs that are on in this process
        self._lock = threading.Lock()
        self._cleaned = 0.0

    @property
    def keeps(self) -> bool:
        """Whether runs can be kept at all."""
        if self.folder is None:
            return False
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            return False
        return may_write(self.folder)

    def drawer(self, token: object) -> Drawer | None:
        """The drawer of who knows this secret; None where nothing is kept. Raises UserError."""
        if token in (None, ""):  # a browser that stores nothing
            return None
        if not isinstance(token, str) or not TOKEN.fullmatch(token):
            raise UserError("the page sent a key that is none; reload it")
        if not self.keeps or self.folder is None:
            return None
        self.clean()
        name = hashlib.sha256(b"mnist-demo runs " + token.encode()).hexdigest()[:40]
        return Drawer(self, self.folder / name)

    def use(self, slot: Path) -> bool:
        """Marks a run as on; False where it is on already."""
        with self._lock:
            if slot in self._in_use:
                return False
            self._in_use.add(slot)
        return True

    def is_used(self, slot: Path) -> bool:
        with self._lock:
            return slot in self._in_use

    def used_in(self, drawer: Path) -> set[Path]:
        """The runs of a drawer that are on, some of which may not be on disk yet."""
        with self._lock:
            return {slot for slot in self._in_use if slot.parent == drawer}

    def release(self, slot: Path) -> None:
        with self._lock:
            self._in_use.discard(slot)

    def clean(self, now: float | None = None) -> None:
        """Drawers that are too old go, and of all too much the oldest; runs that are on stay."""
        now = time.time() if now is None else now
        if self.folder is None or now - self._cleaned < CLEAN_EVERY:
            return
        self._cleaned = now
        drawers = [path for path in _folders(self.folder) if DRAWER.fullmatch(path.name)]
        with self._lock:
            used = {slot.parent for slot in self._in_use}
        rows = sorted((_changed(path), path) for path in drawers if path not in used)
        total = sum(_size(path) for path in drawers)
        for changed, path in rows:
            if now - changed <= MAX_AGE and total <= MAX_ALL:
                break
            total -= _size(path)
            shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class Drawer:
    """One browser's runs."""

    shelf: Shelf
    path: Path

    def runs(self, known: Collection[object] = ()) -> list[tuple[Run, Slot]]:
        """The runs that are kept and not on in some page, the oldest first; broken ones aside.

        Of more than a drawer may hold, the newest. `known`: slots that need not be read.
        """
        found = []
        for path in self._slots()[-MAX_RUNS:]:
            slot = Slot(self, path)
            if slot not in known and not slot.is_on:
                with contextlib.suppress(UserError):
                    found.append((record.read(path, self.shelf.loaded), slot))
        return found

    def new_slot(self) -> Slot:
        """A place for another run, which is on from now; the oldest make room."""
        used = self.shelf.used_in(self.path)
        free = [path for path in self._slots() if path not in used]
        while free and (len(free) + len(used) >= MAX_RUNS or _size(self.path) > MAX_DRAWER):
            shutil.rmtree(free.pop(0), ignore_errors=True)
        path = self.path / secrets.token_hex(8)
        self.shelf.use(path)
        return Slot(self, path)

    def _slots(self) -> list[Path]:
        slots = [path for path in _folders(self.path) if SLOT.fullmatch(path.name)]
        return sorted(slots, key=record.begun)


@dataclass(frozen=True)
class Slot:
    """One run on disk: a `runs.Keeper`."""

    drawer: Drawer
    path: Path

    @property
    def state(self) -> str:
        return str(self.path / record.STATE)

    @property
    def is_on(self) -> bool:
        return self.drawer.shelf.is_used(self.path)

    @property
    def is_there(self) -> bool:
        return self.path.is_dir()

    def take(self) -> None:
        """The run is on from now. Raises UserError where another page has it, or had it since."""
        if not self.drawer.shelf.use(self.path):
            raise UserError("this run is on in another page of yours")
        try:
            if record.read(self.path, self.drawer.shelf.loaded).status != "interrupted":
                raise UserError("this run went on in another page of yours; reload this one")
        except UserError:
            self.release()
            raise

    def keep(self, run: Run) -> None:
        if run.status == "stopped" and not run.is_usable:
            self.remove()  # it left the line: nothing is worth keeping
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name, content in record.files_of(run).items():
                write_whole(self.path / name, content)
            run.fresh.clear()
            if not run.is_active and run.status != "interrupted":
                (self.path / record.STATE).unlink(missing_ok=True)
        except OSError as error:
            run.note = f"Not kept beyond this page: {why_not_written(error)}."

    def release(self) -> None:
        self.drawer.shelf.release(self.path)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()  # where it was the last


def _folders(path: Path) -> list[Path]:
    try:
        return [entry for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink()]
    except OSError:
        return []


def _changed(path: Path) -> float:
    times = [_time(entry) for entry in [path, *_folders(path)]]
    return max(times)


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    total = 0
    for folder in _folders(path):
        with contextlib.suppress(OSError):
            total += sum(file.stat().st_size for file in folder.iterdir())
    return total
