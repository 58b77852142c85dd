"""Memory that is let go of stays with the process, until it is given back."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mnist_demo import memory

needs_glibc = pytest.mark.skipif(not memory.keep_freed(), reason="another C library than glibc")

# A block of 64 MiB, twice as large as any that glibc would keep by itself, taken and let go of.
PROGRAM = """
import resource, sys
import torch
from mnist_demo import memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

if sys.argv[1] == "kept":
    assert memory.keep_freed()
for _ in range(20):
    torch.ones(16 * 2**20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(16 * 2**20)
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
held = resident()
memory.give_back()
print(faults, held - resident())
"""


def faults_and_returned(how: str) -> tuple[int, int]:
    command = [sys.executable, "-c", PROGRAM, how]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    faults, returned = map(int, printed.split())
    return faults, returned


@needs_glibc
def test_what_is_let_go_of_is_taken_again_without_asking_the_system() -> None:
    kept, returned = faults_and_returned("kept")
    asked_anew, _ = faults_and_returned("plain")
    assert kept < asked_anew / 100
    assert returned > 60 * 2**20  # the block of 64 MiB, once


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    memory._libc.cache_clear()
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    try:
        assert not memory.keep_freed()
        memory.give_back()
    finally:
        memory._libc.cache_clear()
