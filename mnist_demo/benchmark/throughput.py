"""`benchmark throughput`: training images a second, by net and device."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mnist_demo.benchmark import describe_machine, machine_line
from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError

if TYPE_CHECKING:
    import torch

WARM_UP = 10  # batches: the first ones choose kernels and fill caches


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=3.0, help="a run (default: 3)")
    parser.add_argument("--runs", type=int, default=3, help="of each (default: 3)")
    parser.add_argument("--net", action="append", help="may be repeated (default: all)")
    parser.add_argument("--device", action="append", help="may be repeated (default: all)")
    parser.add_argument(
        "--batch-size",
        type=int,
        default=TrainConfig.batch_size,
        help=f"default: {TrainConfig.batch_size}",
    )
    parser.add_argument(
        "--augment", default=TrainConfig.augment, help=f"default: {TrainConfig.augment}"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    from mnist_demo.device import available_devices, describe_device, pick_device
    from mnist_demo.memory import keep_freed
    from mnist_demo.nets import find_net, fitting

    if args.runs < 1 or not args.seconds > 0:
        raise UserError("--runs must be at least 1 and --seconds more than 0")
    devices = [pick_device(name) for name in args.device or available_devices()]
    rows = []
    keep_freed()
    for name in args.net or fitting(find_net(TrainConfig.net).input_shape):
        config = TrainConfig(name, batch_size=args.batch_size, augment=args.augment)
        for device in devices:
            rates = [images_per_second(config, device, args.seconds) for _ in range(args.runs)]
            rows.append({"net": name, "device": describe_device(device), "images_per_s": rates})
    return {
        "machine": describe_machine("torch"),
        "batch_size": args.batch_size,
        "augment": args.augment,
        "seed": TrainConfig.seed,
        "rows": rows,
    }


def images_per_second(config: TrainConfig, device: torch.device, seconds: float) -> float:
    """How fast the real training loop goes through the sample for about `seconds`."""
    from mnist_demo.datasets import load_dataset
    from mnist_demo.nets import build_net
    from mnist_demo.train import Step, train

    data = load_dataset("sample").to(device)
    one = data.validation.take(data.validation.labels.argsort()[:1])

    def steps() -> Iterator[Step]:
        """Of as many runs as it takes: a GPU is done with the longest in no time."""
        while True:
            run = train(build_net(config.net).to(device), data.train, one, config)
            yield from (event for event in run if isinstance(event, Step))

    each = min(config.batch_size, len(data.train))
    started = 0.0
    for number, step in enumerate(steps(), 1):
        if number == WARM_UP:
            float(step.loss)  # waits for the device
            started = time.perf_counter()
        elif number > WARM_UP and time.perf_counter() - started > seconds:
            float(step.loss)
            return round((number - WARM_UP) * each / (time.perf_counter() - started), 1)
    raise AssertionError("there is always another step")


def format_report(result: dict[str, Any]) -> str:
    lines = [
        machine_line(result["machine"]),
        f"batches of {result['batch_size']}, augmentation {result['augment']}, "
        f"seed {result['seed']}",
        "",
        f"{'net':12}{'images/s':>10}  lowest to highest   device",
    ]
    for row in result["rows"]:
        rates = row["images_per_s"]
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        mean = sum(rates) / len(rates)
        lines.append(f"{row['net']:12}{mean:>10,.0f}  {spread:18}  {row['device']}")
    return "\n".join(lines)
