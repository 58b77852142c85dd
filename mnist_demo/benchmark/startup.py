"""`benchmark startup`: from `python app.py` to the first page, and what importing takes of it."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.benchmark.server import APP, PATIENCE, running_app
from mnist_demo.errors import UserError

PAGE = "mnist_demo.page.launch"  # what app.py imports once it knows its options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=5, help="default: 5; the median counts")


def run(args: argparse.Namespace) -> dict[str, Any]:
    if args.runs < 1:
        raise UserError(f"--runs is {args.runs}; choose at least 1")
    return {
        "machine": describe_machine("torch", "gradio"),
        "seconds_to_first_page": [round(time_to_page(APP), 3) for _ in range(args.runs)],
        "seconds_to_import": [round(time_to_import(PAGE, APP.parent), 3) for _ in range(args.runs)],
    }


def time_to_page(app: Path, patience: float = PATIENCE) -> float:
    """Seconds from starting the process until GET / is answered with 200."""
    started = time.perf_counter()
    with running_app(app, patience):
        return time.perf_counter() - started


def time_to_import(module: str, folder: Path) -> float:
    """Seconds that a fresh Python takes to start and import `module`."""
    started = time.perf_counter()
    command = [sys.executable, "-c", f"import {module}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{module} cannot be imported: {done.stderr.strip().splitlines()[-1]}")
    return time.perf_counter() - started


def format_report(result: dict[str, Any]) -> str:
    lines = [machine_line(result["machine"]), ""]
    for key, name in (
        ("seconds_to_first_page", "start to first page"),
        ("seconds_to_import", "of it, importing"),
    ):
        values = result[key]
        lines.append(
            f"{name:20}{statistics.median(values):>7.2f} s  (median of {len(values)}; "
            f"{min(values):.2f} to {max(values):.2f})"
        )
    return "\n".join(lines)
