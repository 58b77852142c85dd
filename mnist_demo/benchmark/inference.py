"""`benchmark inference`: one drawing end to end on one core, and batches against the limit.

End to end: from the drawing's ink (140x140, as the page sends it) through the preprocessing,
the net and the sceptic to ten probabilities and a doubt. The limit of a batch is what the same
thread multiplies in a large product of matrices; the net's share of it is its multiply-adds a
second over that.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.cli.common import add_checkpoint, read_checkpoint
from mnist_demo.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from mnist_demo.checkpoint import Checkpoint

BATCHES = (1, 16, 64, 256, 1000)
WARM_UP = 20  # drawings
PRODUCT = 1024  # rows and columns of the matrices that show the limit
BATCH_SECONDS = 1.0  # a batch size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_checkpoint(parser)
    parser.add_argument(
        "--drawings", type=int, default=500, help="one after another (default: 500)"
    )
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (default: 1)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    import torch

    from mnist_demo.nets import find_net

    if not 1 <= args.drawings <= 100_000 or not 1 <= args.threads <= 1024:
        raise UserError("choose --drawings from 1 to 100000 and --threads from 1 to 1024")
    checkpoint = read_checkpoint(args.checkpoint)
    spec = find_net(checkpoint.kind)
    if spec.input_shape != (1, 28, 28):
        raise UserError(f"{checkpoint.title} does not read drawings; choose a net of digits")
    work = work_of(checkpoint)
    threads = torch.get_num_threads()
    torch.set_num_threads(args.threads)
    try:
        rows, limit = [], 0.0
        for size in BATCHES:  # in turns, as the machine may have other things to do
            limit = max(limit, products_a_second())
            speed = images_a_second(checkpoint.answering, size)
            rows.append({"batch": size, "images_per_s": round(speed)})
        return {
            "machine": describe_machine("torch", "numpy", "pillow"),
            "net": checkpoint.title,
            "checkpoint": Path(args.checkpoint).name if args.checkpoint else "the released net",
            "threads": args.threads,
            "multiply_adds": work,
            "drawing": times_of(checkpoint.answering, drawings(args.drawings)),
            "limit_multiply_adds_per_s": round(limit),
            "batches": [row | {"share": row["images_per_s"] * work / limit} for row in rows],
        }
    finally:
        torch.set_num_threads(threads)


def work_of(checkpoint: Checkpoint) -> int:
    """Multiply-adds for one image, of all nets that answer."""
    from mnist_demo.nets import find_net
    from mnist_demo.summary import summarise

    names = [member.net for member in checkpoint.members] or [checkpoint.name]
    return sum(summarise(find_net(name)).multiply_adds for name in names)


def drawings(count: int) -> list[np.ndarray]:
    """Ink as the pad sends it, (140, 140): digits of the sample, of three sizes, anywhere."""
    from mnist_demo.datasets import load_dataset
    from mnist_demo.strokes import PAD

    images = load_dataset("sample").validation.images[:, 0].numpy()
    rng = np.random.default_rng(1)
    made = []
    for _ in range(count):
        factor = int(rng.integers(2, 5))
        digit = np.kron(images[rng.integers(len(images))], np.ones((factor, factor)))
        ink = np.zeros((PAD, PAD), dtype=np.float32)
        top, left = rng.integers(0, PAD - len(digit) + 1, 2)
        ink[top : top + len(digit), left : left + len(digit)] = digit / 255
        made.append(ink)
    return made


def times_of(net: nn.Module, inks: list[np.ndarray]) -> dict[str, float]:
    """Milliseconds for each drawing: all of it, and the part before the nets."""
    from mnist_demo.checkpoint import released_sceptic
    from mnist_demo.classify import classify_steps
    from mnist_demo.preprocess import preprocess_ink

    sceptic = released_sceptic()
    whole, before = [], []
    for ink in [*inks[:WARM_UP], *inks]:
        started = time.perf_counter()
        steps = preprocess_ink(ink)
        prepared = time.perf_counter()
        classify_steps(net, [steps], sceptic)
        whole.append(1000 * (time.perf_counter() - started))
        before.append(1000 * (prepared - started))
    whole, before = whole[len(inks[:WARM_UP]) :], before[len(inks[:WARM_UP]) :]
    return {
        "drawings": len(whole),
        "p50_ms": round(float(np.percentile(whole, 50)), 3),
        "p95_ms": round(float(np.percentile(whole, 95)), 3),
        "preprocess_p50_ms": round(float(np.percentile(before, 50)), 3),
    }


def images_a_second(net: nn.Module, size: int) -> float:
    """How fast the net takes batches of `size` float images, the fastest of its batches."""
    import torch

    images = torch.rand(size, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return size / _shortest(lambda: net(images))


def products_a_second() -> float:
    """Multiply-adds a second of a large product in float32: what this machine can do at most."""
    import torch

    matrix: torch.Tensor = torch.rand(PRODUCT, PRODUCT)
    return PRODUCT**3 / _shortest(lambda: matrix @ matrix)


def _shortest(work: Any) -> float:
    work()  # chooses kernels
    best, until = float("inf"), time.perf_counter() + BATCH_SECONDS
    while best == float("inf") or time.perf_counter() < until:
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def format_report(result: dict[str, Any]) -> str:
    drawing, limit = result["drawing"], result["limit_multiply_adds_per_s"]
    lines = [
        machine_line(result["machine"]),
        f"{result['checkpoint']} ({result['net']}, {result['multiply_adds'] / 1e6:.1f} million "
        f"multiply-adds an image), {result['threads']} thread(s), float32",
        "",
        f"one drawing end to end, {drawing['drawings']} of them: p50 {drawing['p50_ms']:.2f} ms, "
        f"p95 {drawing['p95_ms']:.2f} ms (of it before the net {drawing['preprocess_p50_ms']:.2f})",
        f"limit: {limit / 1e9:.0f} billion multiply-adds/s in a {PRODUCT}x{PRODUCT} product",
        "",
        f"{'batch':>6}{'images/s':>12}   of the limit",
    ]
    for row in result["batches"]:
        lines.append(f"{row['batch']:>6}{row['images_per_s']:>12,}   {row['share']:.0%}")
    return "\n".join(lines)
