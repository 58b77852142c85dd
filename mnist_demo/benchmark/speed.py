"""`benchmark speed`: seconds to 99 % on MNIST, the recipe `fast` against two published ways.

All from data in memory, on the same machine in the same minutes, in turns: each reference's
run is followed by one of ours, and the ratio is taken of the two. Processor time stands beside
wall time: it says how much of a difference is the machine's being busy with other things.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.cli.common import add_data_dir, add_device
from mnist_demo.errors import UserError

if TYPE_CHECKING:
    from mnist_demo.benchmark.race import Lap, Runner
    from mnist_demo.datasets import Dataset

OURS = "fast"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--target", type=float, default=99.0, help="per cent of the test digits (default: 99.0)"
    )
    parser.add_argument("--seeds", type=int, default=10, help="runs of ours (default: 10)")
    parser.add_argument("--study", type=int, default=3, help="runs of the study (default: 3)")
    parser.add_argument(
        "--example", type=int, default=1, help="runs of PyTorch's example (default: 1)"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=30.0,
        help="of training after which a run that has not reached the target ends (default: 30)",
    )
    parser.add_argument("--threads", type=int, help="of the CPU (default: PyTorch's choice)")
    add_device(parser)
    add_data_dir(parser)


@dataclass(frozen=True)
class Finish:
    """How a run ended: at the target, at its last epoch, or at the bound."""

    name: str
    seed: int
    epochs: int
    seconds: float
    with_evaluation: float
    processor: float
    accuracy: float  # per cent, after its last whole epoch
    reached: bool
    whole: bool  # the recipe's last epoch was over, or the target was reached


def run(args: argparse.Namespace) -> dict[str, Any]:
    import torch

    from mnist_demo.benchmark.race import RUNNERS
    from mnist_demo.datasets import load_dataset
    from mnist_demo.device import describe_device, pick_device
    from mnist_demo.memory import keep_freed

    runs = {OURS: args.seeds, "study": args.study, "example": args.example}
    if args.seeds < 1 or min(runs.values()) < 0:
        raise UserError("--seeds must be at least 1, --study and --example at least 0")
    if not 0 < args.target <= 100 or not args.minutes > 0:
        raise UserError("--target must be from 0 to 100 and --minutes more than 0")
    keep_freed()  # for all who run
    threads = torch.get_num_threads()
    if args.threads is not None:
        if args.threads < 1:
            raise UserError(f"--threads is {args.threads}; choose at least 1")
        torch.set_num_threads(args.threads)
    try:
        device = pick_device(args.device)
        data = load_dataset("mnist", args.data_dir).to(device)
        load = [os.getloadavg()[0]]
        finishes = [
            to_target(RUNNERS[name], data, seed, args.target, 60 * args.minutes, _tell)
            for name, seed in order_of(runs)
        ]
        load.append(os.getloadavg()[0])
        return {
            "machine": describe_machine("torch"),
            "device": describe_device(device),
            "threads": torch.get_num_threads(),
            "load": [round(value, 1) for value in load],
            "target": args.target,
            "minutes": args.minutes,
            "runners": {
                name: summary(RUNNERS[name].title, [f for f in finishes if f.name == name])
                for name, count in runs.items()
                if count
            },
            "ratios": ratios(finishes),
            "runs": [vars(finish) for finish in finishes],
        }
    finally:
        torch.set_num_threads(threads)


def order_of(runs: dict[str, int]) -> list[tuple[str, int]]:
    """Who runs when, with which seed: in turns, ours last in each round, then ours alone."""
    rounds = max(runs.values())
    names = sorted(runs, key=lambda name: name == OURS)
    return [(name, seed) for seed in range(1, rounds + 1) for name in names if seed <= runs[name]]


def to_target(
    runner: Runner,
    data: Dataset,
    seed: int,
    target: float,
    limit: float,
    tell: Callable[[str], None] = lambda line: None,
) -> Finish:
    """One run: until its test accuracy is `target` per cent, its recipe ends, or `limit` seconds
    of training are over."""
    from mnist_demo.benchmark.race import race

    assert data.test is not None
    last: Lap | None = None
    accuracy = 0.0
    for lap in race(runner, runner.prepare(data), data.test, seed):
        last = lap
        if lap.accuracy is not None:
            accuracy = round(100 * lap.accuracy, 2)
            tell(
                f"{runner.title}, seed {seed}: epoch {lap.epoch}, {accuracy:.2f} %, "
                f"{lap.seconds:.2f} s of training"
            )
            if accuracy >= target:
                break
        if lap.seconds > limit and not lap.is_judged:
            tell(f"{runner.title}, seed {seed}: stopped after {lap.seconds:.0f} s")
            break
    assert last is not None
    reached = accuracy >= target
    return Finish(
        runner.name,
        seed,
        last.epoch,
        round(last.seconds, 3),
        round(last.seconds + last.judging, 3),
        round(last.processor, 3),
        accuracy,
        reached,
        reached or last.epoch == runner.epochs,
    )


def summary(title: str, finishes: list[Finish]) -> dict[str, Any]:
    """What all runs of one runner come to; times are medians with the lowest and highest."""

    def spread(values: list[float]) -> dict[str, float]:
        middle = statistics.median(values)
        return {"median": round(middle, 3), "lowest": min(values), "highest": max(values)}

    accuracies = [finish.accuracy for finish in finishes]
    return {
        "title": title,
        "runs": len(finishes),
        "reached": sum(finish.reached for finish in finishes),
        "whole": sum(finish.whole for finish in finishes),
        "epochs": sorted({finish.epochs for finish in finishes}),
        "seconds": spread([finish.seconds for finish in finishes]),
        "with_evaluation": spread([finish.with_evaluation for finish in finishes]),
        "processor": spread([finish.processor for finish in finishes]),
        "accuracy": {
            "mean": round(statistics.mean(accuracies), 3),
            "deviation": round(statistics.stdev(accuracies), 3) if len(accuracies) > 1 else None,
            "lowest": min(accuracies),
            "highest": max(accuracies),
        },
    }


def ratios(finishes: list[Finish]) -> dict[str, dict[str, Any]]:
    """How many times longer than ours each reference took, run by run of the same round."""
    ours = {finish.seed: finish for finish in finishes if finish.name == OURS}
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(finish.name for finish in finishes):
        pairs = [(f, ours[f.seed]) for f in finishes if f.name == name and f.seed in ours]
        if name == OURS or not pairs:
            continue
        found[name] = {
            kind: [
                round(getattr(other, kind) / max(1e-3, getattr(own, kind)), 1)
                for other, own in pairs
            ]
            for kind in ("seconds", "processor")
        }
    return found


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def format_report(result: dict[str, Any]) -> str:
    target = result["target"]
    lines = [
        machine_line(result["machine"]),
        f"{result['device']}, {result['threads']} threads; load {result['load'][0]} before, "
        f"{result['load'][1]} after",
        f"target: {target:g} % of MNIST's test digits, looked at after whole epochs; each run had "
        "three batches to warm up",
        "",
        f"{'':18}{'runs':>5}{'epochs':>8}{'training':>11}{'lowest-highest':>17}"
        f"{'+ evaluation':>14}{'processor':>11}   test accuracy",
    ]
    for row in result["runners"].values():
        time, accuracy = row["seconds"], row["accuracy"]
        epochs = "-".join(str(number) for number in dict.fromkeys(row["epochs"]))
        sure = f" ± {accuracy['deviation']:.3f}" if accuracy["deviation"] is not None else ""
        lines.append(
            f"{row['title']:18}{row['runs']:>5}{epochs:>8}{time['median']:>9.2f} s"
            f"{time['lowest']:>8.2f} - {time['highest']:<6.2f}"
            f"{row['with_evaluation']['median']:>12.2f} s{row['processor']['median']:>9.1f} s   "
            f"{accuracy['mean']:.3f} %{sure} ({accuracy['lowest']:.2f} to "
            f"{accuracy['highest']:.2f})"
        )
        if row["reached"] < row["runs"]:
            how = "" if row["whole"] == row["runs"] else f"; stopped at {result['minutes']:g} min"
            lines.append(
                f"{'':18}  {row['reached']} of {row['runs']} runs reached {target:g} %{how}"
            )
    lines.append("")
    for name, ratio in result["ratios"].items():
        more = "" if result["runners"][name]["reached"] else "more than "
        words = ", ".join(f"{value:g}" for value in ratio["seconds"])
        processor = ", ".join(f"{value:g}" for value in ratio["processor"])
        lines.append(
            f"{result['runners'][name]['title']} took {more}{words} times as long as ours "
            f"(processor time: {processor})"
        )
    return "\n".join(lines)
