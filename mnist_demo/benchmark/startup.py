"""`benchmark startup`: from `python app.py` to the first page, and what importing takes of it."""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.errors import UserError

APP = Path(__file__).parent.parent.parent / "app.py"
PAGE = "mnist_demo.page.launch"  # what app.py imports once it knows its options
PATIENCE = 180.0  # seconds until the app is given up


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=5, help="default: 5; the median counts")


def run(args: argparse.Namespace) -> dict[str, Any]:
    if not APP.is_file():
        raise UserError(f"there is no {APP}; run this from a checkout of the project")
    if args.runs < 1:
        raise UserError(f"--runs is {args.runs}; choose at least 1")
    return {
        "machine": describe_machine("torch", "gradio"),
        "seconds_to_first_page": [round(time_to_page(APP), 3) for _ in range(args.runs)],
        "seconds_to_import": [round(time_to_import(PAGE, APP.parent), 3) for _ in range(args.runs)],
    }


def time_to_page(app: Path, patience: float = PATIENCE) -> float:
    """Seconds from starting the process until GET / is answered with 200."""
    port = free_port()
    # Without the variable Gradio looks for news on the web while it starts.
    environment = os.environ | {"GRADIO_ANALYTICS_ENABLED": "False"}
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(app), "--host", "127.0.0.1", "--port", str(port)],
        cwd=app.parent,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while time.perf_counter() - started < patience:
            if process.poll() is not None:
                raise UserError(f"{app} ended with code {process.returncode}; run it by hand")
            if answers(port):
                return time.perf_counter() - started
            time.sleep(0.02)
        raise UserError(f"{app} gave no page within {patience:g} s; run it by hand")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def time_to_import(module: str, folder: Path) -> float:
    """Seconds that a fresh Python takes to start and import `module`."""
    started = time.perf_counter()
    command = [sys.executable, "-c", f"import {module}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{module} cannot be imported: {done.stderr.strip().splitlines()[-1]}")
    return time.perf_counter() - started


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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
