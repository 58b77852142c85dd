"""Files that lie, read as the program reads them: only a UserError may come of one."""

from __future__ import annotations

import json
import pickle
import random
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mnist_demo.benchmark import junk
from mnist_demo.checkpoint import RELEASED, load_checkpoint
from mnist_demo.datasets.files import load_files
from mnist_demo.errors import UserError
from mnist_demo.evaluate import infer
from mnist_demo.ink import ink_of_image, open_image
from mnist_demo.nets import find_net

SLOW = 5.0  # seconds of work for one small file
FileTry = Callable[[random.Random, Path], str | None]


class _Trap:
    """What a pickle would run."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.place,)


def try_checkpoint(rng: random.Random, place: Path) -> str | None:
    """The released net's file with its header or bytes changed, or no such file at all."""
    content, path, trap = RELEASED.read_bytes(), place / "net.safetensors", place / "trapped"
    how = rng.randrange(6)
    if how == 0:
        content = pickle.dumps(_Trap(trap))
    elif how == 1:
        content = content[: rng.randrange(len(content))]
    elif how == 2:
        content = struct.pack("<Q", rng.choice((0, 10, 2**40, 2**63))) + content[8:]
    elif how == 3:
        content = rng.randbytes(rng.randrange(500))
    else:
        content = _with_header(rng, content)
    path.write_bytes(content)
    finding = _only_user_errors(lambda: _ask(path), f"a checkpoint changed by way {how}")
    return "a pickle was run" if trap.exists() else finding


def _ask(path: Path) -> str:
    """What the net in a file says of a blank image, by name."""
    checkpoint = load_checkpoint(path)
    blank = torch.zeros(1, *find_net(checkpoint.kind).input_shape, dtype=torch.uint8)
    (logits,) = infer(checkpoint.net, blank)
    if not (torch.isfinite(logits).all() and len(logits) == len(checkpoint.labels)):
        raise ValueError(f"the answer {logits} to {checkpoint.labels}")
    return checkpoint.labels[int(logits.argmax())].upper()


def _with_header(rng: random.Random, content: bytes) -> bytes:
    """Another shape, type or place of a tensor, or other things said of the net."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    if rng.random() < 0.5:
        facts = header["__metadata__"]
        name = rng.choice([*facts, "how", "members"])
        nets = ("ensemble", "custom:blocks=9,width=99999,dense=10000000", "x" * 10_000, "photo")
        said = rng.choice((junk.value(rng), rng.choice(nets), "[" * 5000))
        facts[name] = said if rng.random() < 0.2 and isinstance(said, str) else json.dumps(said)
    else:
        tensor = header[rng.choice([name for name in header if name != "__metadata__"])]
        key = rng.choice(("shape", "dtype", "data_offsets"))
        tensor[key] = rng.choice(
            (
                [2**40, 2**40],
                [-1],
                [0],
                [],
                [10**6] * 8,
                "F64",
                "BOOL",
                "X",
                [0, 2**62],
                [8, 4],
                None,
            )
        )
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def try_list(rng: random.Random, place: Path) -> str | None:
    """A label list whose paths lead elsewhere, or that is none. No picture outside is read."""
    outside = ("/etc/passwd", "../secret.png", "C:\\x.png", "a/../../secret.png", "//host/x.png")
    _secret(place.parent / "secret.png")
    lines = []
    for _ in range(rng.randrange(1, 6)):
        file = rng.choice((*outside, *junk.WORDS, "\u2025/secret.png", "./.././secret.png"))
        label = rng.choice(("5", "55", "", "x", "\u0665", "-1", "5\t5"))
        lines.append(f"{file}{rng.choice((chr(9), chr(9), ',', ''))}{label}")
    path = place / "train.txt"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + rng.choice((b"", b"\xff")))
    try:
        data = load_files(path, "fuzz")
    except UserError:
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error} for {lines}"
    finally:
        (place.parent / "secret.png").unlink()
    return f"{len(data.train)} pictures came of {lines}"


def _secret(path: Path) -> None:
    path.write_bytes(junk.png_claiming(28, 28, 28))


def try_table(rng: random.Random, place: Path) -> str | None:
    """A CSV of pixels with cells that are none."""
    row = [str(rng.randrange(10)), *(str(rng.randrange(256)) for _ in range(784))]
    for _ in range(rng.randrange(1, 4)):
        row[rng.randrange(len(row))] = rng.choice(
            ("", "-1", "256", "1e9", "nan", "inf", "9" * 5000, "\x00", "0x10", "1_0", "٣")
        )
    if rng.random() < 0.3:
        row = row[: rng.randrange(len(row))]
    path = place / "train.csv"
    path.write_bytes((",".join(row) + "\n").encode() * rng.choice((1, 2)))
    return _only_user_errors(lambda: load_files(path, "fuzz"), "a table")


def try_picture(rng: random.Random, place: Path) -> str | None:
    content = junk.picture(rng)

    def read() -> None:
        ink = ink_of_image(open_image(content, most=16_000_000))
        if not (np.isfinite(ink).all() and ink.min() >= 0 and ink.max() <= 1):
            raise ValueError("ink that is out of range")

    return _only_user_errors(read, f"a picture that begins with {content[:24]!r}")


def _only_user_errors(action: Callable[[], object], what: str) -> str | None:
    started = time.process_time()
    try:
        action()
    except UserError:
        pass
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]} for {what}"
    spent = time.process_time() - started
    return f"{what} took {spent:.1f} s of work" if spent > SLOW else None


FILE_TRIES: dict[str, FileTry] = {
    "checkpoints": try_checkpoint,
    "label lists": try_list,
    "tables of pixels": try_table,
    "picture files": try_picture,
}
