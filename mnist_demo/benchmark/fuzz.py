"""`benchmark fuzz`: thousands of hostile requests and files, and whether anything gave way.

The app runs in a process of its own, on this machine alone, in a folder of its own with
all that it might write. What counts as giving way: an end of the process, a reply of 500, two
seconds without a reply or without more of it, a file where none belongs, a path of this machine
in a reply.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.benchmark.fuzz_http import DRAWING, Target, http_tries
from mnist_demo.benchmark.server import APP, answers, app_process
from mnist_demo.errors import UserError

SLOW = 2.0  # seconds
PACE = 0.2  # seconds from one drawing of the bystander to the next
LOG = "log.txt"
FOLDERS = {  # all that the app may write to, by the variable that tells it
    "HOME": "home",
    "TMPDIR": "tmp",
    "GRADIO_TEMP_DIR": "gradio",
    "MNIST_DEMO_DATA": "data",
    "MNIST_DEMO_RUNS": "runs",
}
HERE = "here"  # where the app runs: a path that names no folder would lead there
FONTS = re.compile(r"home/\.cache/matplotlib/fontlist-v[\d.]+\.json")
KEPT = 20  # findings that are shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tries", type=int, default=5000, help="of all kinds (default: 5000)")
    parser.add_argument("--seed", type=int, default=1, help="what the tries are drawn from")
    parser.add_argument(
        "--seconds", type=float, default=1800, help="stop after as many (default: 1800)"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    if not 1 <= args.tries <= 1_000_000:
        raise UserError(f"--tries is {args.tries}; choose from 1 to 1,000,000")
    tally = Tally(args.seconds)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        attack_app(Path(place), tally, args.tries * 3 // 4, args.seed)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        attack_files(Path(place), tally, args.tries // 4, args.seed)
    return {"machine": describe_machine("torch", "gradio"), "seed": args.seed, **tally.report()}


class Tally:
    """Tries by kind, their times, and what gave way."""

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.tries: dict[str, int] = {}
        self.slowest: dict[str, float] = {}
        self.slow = 0
        self.waits: list[float] = []  # of a visitor who draws meanwhile
        self.findings: list[str] = []

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until

    def add(self, kind: str, seconds: float, finding: str | None, what: str = "a file") -> None:
        self.tries[kind] = self.tries.get(kind, 0) + 1
        self.slowest[kind] = max(self.slowest.get(kind, 0.0), seconds)
        if seconds > SLOW:
            self.slow += 1
            self.findings.append(f"{kind}: {seconds:.1f} s of silence after {what}")
        if finding:
            self.findings.append(f"{kind}: {finding}")

    def report(self) -> dict[str, Any]:
        return {
            "tries": sum(self.tries.values()),
            "by_kind": dict(sorted(self.tries.items())),
            "slowest_seconds": {k: round(v, 2) for k, v in sorted(self.slowest.items())},
            "slower_than_2_s": self.slow,
            "drawing_meanwhile_ms": {
                name: round(1000 * float(np.percentile(self.waits or [np.nan], part)), 1)
                for name, part in (("median", 50), ("p95", 95), ("longest", 100))
            },
            "findings": self.findings,
        }


def attack_app(place: Path, tally: Tally, tries: int, seed: int) -> None:
    """Throws requests at an app that may write below `place` alone."""
    rng = random.Random(seed)
    variables = {variable: str(place / folder) for variable, folder in FOLDERS.items()}
    for folder in variables.values():
        Path(folder).mkdir()
    paths = [str(APP.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables["PYTHONPATH"] = os.pathsep.join(paths)
    words = ["--mcp"] if find_spec("mcp") else []
    with app_process(
        _moved(APP, place / HERE), variables=variables, words=words, log=place / LOG
    ) as (address, process):
        port = urlsplit(address).port
        assert port is not None
        target = Target(port, secrets=(str(APP.parent), str(place), sys.prefix, "Traceback"))
        before = written(place)
        with bystander(port, tally):
            for number in range(tries):
                if tally.is_over:
                    break
                kind, attempt = rng.choice(http_tries(target))
                target.silence = 0.0
                finding = attempt(rng)
                tally.add(kind, target.silence, finding, target.slowest)
                if process.poll() is not None:
                    tally.findings.append(f"the server ended at try {number} ({kind})")
                    return
        if not answers(port):
            tally.findings.append("the page is not answered any more")
        new = sorted(written(place) - before)
        if new:
            tally.findings.append(f"files were written: {', '.join(new[:5])}")


def _moved(app: Path, folder: Path) -> Path:
    """A copy of the app's script, which is started in the folder that it lies in."""
    folder.mkdir()
    return Path(shutil.copy(app, folder))


@contextmanager
def bystander(port: int, tally: Tally) -> Iterator[None]:
    """Somebody who draws while others attack: how long each answer takes."""
    target = Target(port, secrets=())
    pad = next(number for number, name in target.functions if name == "classify")
    message = {"session_hash": "bystander", "component_id": pad, "fn_name": "classify"}
    body = json.dumps(message | {"data": DRAWING}).encode()
    is_over = threading.Event()

    def draw() -> None:
        while not is_over.wait(PACE):
            started = time.perf_counter()
            if finding := target.post("component_server/", body, "a drawing meanwhile"):
                tally.findings.append(finding)
            tally.waits.append(time.perf_counter() - started)

    drawing = threading.Thread(target=draw, daemon=True)
    drawing.start()
    try:
        yield
    finally:
        is_over.set()
        drawing.join()


def attack_files(place: Path, tally: Tally, tries: int, seed: int) -> None:
    """Reads checkpoints, lists and tables that lie."""
    from mnist_demo.benchmark.fuzz_files import FILE_TRIES

    rng = random.Random(seed)
    kinds = list(FILE_TRIES.items())
    for _ in range(tries):
        if tally.is_over:
            break
        kind, attempt = rng.choice(kinds)
        started = time.perf_counter()
        finding = attempt(rng, place)
        tally.add(kind, time.perf_counter() - started, finding)


def written(place: Path) -> set[str]:
    """The files below `place`, less the log and matplotlib's list of the machine's fonts."""
    files = (path for path in place.rglob("*") if path.is_file())
    names = {path.relative_to(place).as_posix() for path in files}
    return {name for name in names if name != LOG and not FONTS.fullmatch(name)}


def format_report(result: dict[str, Any]) -> str:
    lines = [machine_line(result["machine"]), ""]
    lines += [
        f"{kind:24}{count:>7,} tries, slowest {result['slowest_seconds'][kind]:.2f} s"
        for kind, count in result["by_kind"].items()
    ]
    lines.append(
        f"\n{result['tries']:,} tries (seed {result['seed']}), {result['slower_than_2_s']} slower "
        f"than 2 s, {len(result['findings'])} findings"
    )
    waits = result["drawing_meanwhile_ms"]
    lines.append(
        f"a drawing meanwhile: median {waits['median']} ms, p95 {waits['p95']} ms, "
        f"longest {waits['longest']} ms"
    )
    return "\n".join([*lines, *result["findings"][:KEPT]])
