"""Memory that a training lets go of, kept for its next step: asked for anew each page costs.

glibc hands large blocks back to the system at once, and in a virtual machine the faults by
which they come again take a quarter of a small net's step (benchmark/SPEED.md).
"""

from __future__ import annotations

import ctypes
import functools

# Of glibc's malloc.h. A block above the one is mapped apart, free memory above the other returned.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
KEPT = 1 << 30  # bytes; no more than a training holds at its height


def keep_freed() -> bool:
    """For the rest of this process; whether its C library could be told so."""
    libc = _libc()
    if libc is None:
        return False
    return bool(libc.mallopt(MMAP_THRESHOLD, KEPT) and libc.mallopt(TRIM_THRESHOLD, KEPT))


def give_back() -> None:
    """Returns to the system what is free now, where `keep_freed` has kept it."""
    if libc := _libc():
        libc.malloc_trim(0)


@functools.cache
def _libc() -> ctypes.CDLL | None:
    """The C library where it is glibc; None elsewhere (musl, macOS, Windows)."""
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # AttributeError where it is another one
    except (AttributeError, OSError, TypeError):
        return None
    return library
