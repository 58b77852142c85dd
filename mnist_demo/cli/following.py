"""How a run is followed and tried out on the command line: what does not decide its net."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from mnist_demo.config import UNUSED, option_of
from mnist_demo.errors import UserError
from mnist_demo.recipes import find_recipe

if TYPE_CHECKING:
    from mnist_demo.config import TrainConfig
    from mnist_demo.datasets import Dataset
    from mnist_demo.resume import Running
    from mnist_demo.train import Step

TEST_BATCH = 500  # as mnist_demo.evaluate has it, which `--help` need not import
MOST = 10_000


def add_following(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-accel",
        dest="device",
        action="store_const",
        const="cpu",
        help="the same as --device cpu",
    )
    parser.add_argument(
        "--test-batch-size",
        type=int,
        metavar="INT",
        help="images a step of validation and test (default: the recipe's where it has one, "
        f"else {TEST_BATCH}; 1 to {MOST}; a CPU takes them 100 at a time)",
    )
    parser.add_argument(
        "--log-interval",
        type=int,
        metavar="INT",
        help="a line with the loss after every so many batches; 0: none (default: the recipe's "
        "where it has one, else 0)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="learn from one batch, look at one of the validation set, write nothing",
    )


def fill_following(args: argparse.Namespace) -> None:
    """What was not given becomes what the recipe has, else what is usual."""
    recipe = find_recipe(args.recipe) if args.recipe is not None else None
    if args.test_batch_size is None:
        args.test_batch_size = (recipe and recipe.test_batch) or TEST_BATCH
    if args.log_interval is None:
        args.log_interval = recipe.log_interval if recipe else 0


def check_following(args: argparse.Namespace) -> None:
    """Raises UserError for numbers that make no sense, and for a run with nowhere to go."""
    if not 1 <= args.test_batch_size <= MOST:
        raise UserError(f"--test-batch-size is {args.test_batch_size}; choose from 1 to {MOST}")
    if args.log_interval < 0:
        raise UserError(f"--log-interval is {args.log_interval}; choose 0 or more")
    if args.dry_run and args.resume:
        raise UserError("--dry-run begins anew and writes nothing; leave it or --resume out")
    if args.out is None and not args.dry_run:
        raise UserError("name the file to write with --out FILE.safetensors, or add --dry-run")


def idle_setting(args: argparse.Namespace, config: TrainConfig) -> str | None:
    """Words about a setting that was given and does nothing beside the others."""
    for setting in UNUSED:
        if hasattr(args, setting) and config.is_idle(setting):
            option = option_of(setting)
            if setting == "gamma":
                return f"{option} does nothing with {config.schedule}; choose --schedule step"
            return f"{option} does nothing with {config.optimizer}; choose --optimizer sgd, say"
    return None


def mirrored_digits(augment: str, data: Dataset) -> str | None:
    """Words about digits that would be learned in the mirror too."""
    from mnist_demo.augment import MIRRORING
    from mnist_demo.datasets import DIGITS

    if augment not in MIRRORING or data.labels != DIGITS:
        return None
    return (
        f"the augmentation {augment} mirrors pictures, and a digit in the mirror is another "
        "digit or none; choose --augment handwriting, say"
    )


def line_of_step(step: Step, epochs: int, every: int) -> str | None:
    """A line after every so many batches of an epoch. Reads the loss: waits for the device."""
    batches = step.steps // epochs
    batch = step.step - (step.epoch - 1) * batches
    if not every or batch % every:
        return None
    return (
        f"epoch {step.epoch:>3} of {epochs}  batch {batch:>5} of {batches} "
        f"({batch / batches:>4.0%})  train loss {float(step.loss):.4f}"
    )


def try_out(running: Running, data: Dataset) -> str:
    """Learns from one batch and looks at one of the validation set; what came of it."""
    from mnist_demo.datasets import Split
    from mnist_demo.evaluate import evaluate
    from mnist_demo.train import Step

    started = time.perf_counter()
    events = running.events(data)
    try:
        step = next(events)
        assert isinstance(step, Step)
        loss = float(step.loss)
    finally:
        events.close()
    learned = time.perf_counter() - started
    few = slice(running.chunk)
    part = Split(data.validation.images[few], data.validation.labels[few])
    result = evaluate(running.learner.net, part, running.chunk)
    return (
        f"dry run: loss {loss:.4f} on one batch of {step.images} {data.noun} in {learned:.2f} s, "
        f"then {result.correct} of {len(part)} right; nothing was written"
    )
