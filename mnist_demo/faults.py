"""Memory and disk that give out: told apart and put in words, wherever a file is saved."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

from mnist_demo.errors import UserError
from mnist_demo.files import write_whole

DATA_FOLDER = "choose another data folder with --data-dir or MNIST_DEMO_DATA"

# How torch words it where it has no error of its own for it: MPS, the CPU's allocator, cuBLAS.
_WORDS = ("out of memory", "not enough memory", "can't allocate memory", "STATUS_ALLOC_FAILED")


class OutOfMemory(UserError):
    """The device has no room for this batch of this net."""


def is_out_of_memory(error: BaseException) -> bool:
    # Not imported here: some commands do without torch, and then its error is none of theirs.
    of_torch = getattr(sys.modules.get("torch"), "OutOfMemoryError", ())
    return isinstance(error, (MemoryError, of_torch)) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)
    )


def out_of_memory(batch_size: int) -> OutOfMemory:
    return OutOfMemory(
        f"out of memory with batches of {batch_size}; choose a smaller batch size or a smaller net"
    )


def save_file(
    path: Path, content: bytes, elsewhere: str = "choose another place with --out"
) -> None:
    """Writes a file whole or not at all, and makes its folder.

    Raises UserError where the disk refuses; `elsewhere` says how to name another place.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise not_written(path, error, elsewhere) from error


def not_written(path: Path, error: OSError, elsewhere: str) -> UserError:
    """The error for what the disk refuses to take; `elsewhere` says how to name another place."""
    remedy = f"make room there, or {elsewhere}" if is_full(error) else elsewhere
    return UserError(f"cannot write {path}: {why_not_written(error)}; {remedy}")


def is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def why_not_written(error: OSError) -> str:
    """Why the disk refuses, in words that name no path."""
    if is_full(error):
        return "the disk is full"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "the folder cannot be written to"
    return (error.strerror or str(error) or "the disk refuses").lower()
