"""`benchmark startup`: from `python app.py` to the first page, and what importing takes of it."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.benchmark.server import APP, PATIENCE, running_app
from mnist_demo.errors import UserError

# What app.py does once it knows its options.
IMPORT = "from mnist_demo.page.importing import import_page; import_page()"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=5, help="default: 5; the median counts")


def run(args: argparse.Namespace) -> dict[str, Any]:
    if args.runs < 1:
        raise UserError(f"--runs is {args.runs}; choose at least 1")
    starts = [time_to_page(APP) for _ in range(args.runs)]
    imports = [time_to_import(IMPORT, APP.parent) for _ in range(args.runs)]
    return {
        "machine": describe_machine("torch", "gradio"),
        "seconds_to_first_page": [wall for wall, _ in starts],
        "processor_to_first_page": [processor for _, processor in starts],
        "seconds_to_import": [wall for wall, _ in imports],
        "processor_to_import": [processor for _, processor in imports],
    }


def time_to_page(app: Path, patience: float = PATIENCE) -> tuple[float, float]:
    """Seconds from starting the process until GET / is answered with 200.

    And the seconds of processor time of it and its children, the orderly end included.
    """
    started, used = time.perf_counter(), _processor()
    with running_app(app, patience):
        wall = time.perf_counter() - started
    return round(wall, 3), round(_processor() - used, 3)


def time_to_import(statement: str, folder: Path) -> tuple[float, float]:
    """Seconds, and processor seconds, that a fresh Python takes to start and import this."""
    started, used = time.perf_counter(), _processor()
    command = [sys.executable, "-c", statement]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"`{statement}` fails: {done.stderr.strip().splitlines()[-1]}")
    return round(time.perf_counter() - started, 3), round(_processor() - used, 3)


def _processor() -> float:
    """Seconds of processor time of all children that have ended; 0 on Windows."""
    used = os.times()
    return used.children_user + used.children_system


def format_report(result: dict[str, Any]) -> str:
    lines = [machine_line(result["machine"]), ""]
    for key, name in (
        ("seconds_to_first_page", "start to first page"),
        ("processor_to_first_page", "  processor time"),
        ("seconds_to_import", "of it, importing"),
        ("processor_to_import", "  processor time"),
    ):
        values = result[key]
        lines.append(
            f"{name:20}{statistics.median(values):>7.2f} s  (median of {len(values)}; "
            f"{min(values):.2f} to {max(values):.2f})"
        )
    return "\n".join(lines)
