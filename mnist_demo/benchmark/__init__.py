"""Measurements behind the README's figures.

A benchmark is a module with `add_arguments(parser)`, `run(args) -> dict` (what is printed
with --json) and `format_report(result) -> str`.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def describe_machine(*packages: str) -> dict[str, Any]:
    """The processor, its cores, and the versions of Python and of `packages`."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{package: _version(package) for package in packages},
    }


def machine_line(machine: dict[str, Any]) -> str:
    """`describe_machine` as a line of text."""
    rest = [f"{key} {value}" for key, value in machine.items() if key not in ("cpu", "cores")]
    return f"{machine['cpu']}, {machine['cores']} cores; " + ", ".join(rest)


def _cpu_model() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
