"""What a process and its children hold: memory, threads, open files. Read from Linux's /proc."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True)
class Holdings:
    """Of a process; `children` are the processes that it has started, and theirs."""

    memory_mib: float  # resident
    threads: int
    open_files: int
    children: int
    children_mib: float
    files: int  # in the folders that it may write to


def holdings(pid: int, *folders: Path) -> dict[str, float] | None:
    """What the process holds now; None where the system does not tell."""
    if not (PROC / str(pid) / "statm").is_file():
        return None
    below = _below(pid)
    return asdict(
        Holdings(
            memory_mib=round(_memory(pid), 1),
            threads=_count(pid, "task"),
            open_files=_count(pid, "fd"),
            children=len(below),
            children_mib=round(sum(map(_memory, below)), 1),
            files=sum(path.is_file() for folder in folders for path in folder.rglob("*")),
        )
    )


def seconds_of(pid: int) -> float:
    """Processor time that the process has taken, in seconds; 0 where the system does not tell."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for path in (PROC / str(pid) / "task").glob("*/children"):
        try:
            found += map(int, path.read_text().split())
        except OSError:  # the thread has ended meanwhile
            continue
    return found + [deeper for child in found for deeper in _below(child)]


def _memory(pid: int) -> float:
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * PAGE / 2**20
    except OSError:
        return 0.0


def _count(pid: int, what: str) -> int:
    try:
        return len(os.listdir(PROC / str(pid) / what))
    except OSError:
        return 0
