"""The end of `train`: the net is written with its figures, and what they are is said."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_demo.datasets import Dataset
    from mnist_demo.resume import Running


def save(
    running: Running, data: Dataset, args: argparse.Namespace, out: Path, seconds: float
) -> None:
    """Writes the net to `out`, and says what it is worth."""
    from mnist_demo.checkpoint import Checkpoint, save_checkpoint
    from mnist_demo.material import digest_of
    from mnist_demo.outcome import command_of, figures_of

    net, config, epochs = running.learner.net, running.config, len(running.epochs)
    metrics = figures_of(net, data, args.test_batch_size)  # of the weights that were kept
    if data.test is not None:
        whose = "MNIST's test set" if data.name == "mnist" else f"the test set of {data.title}"
        figure = (
            f"test accuracy {metrics['test_accuracy']:.2%} on the {len(data.test):,} {data.noun} "
            f"of {whose}, which chose nothing"
        )
    else:
        figure = (
            f"held-out accuracy {metrics['held_out_accuracy']:.2%} on {len(data.validation):,} "
            f"{data.noun} of {data.title}"
        ) + (", which also chose the epoch" if config.keep == "best" else "")
    metrics |= {"epochs": float(epochs), "seconds": round(seconds, 1)}
    more = ["--device", args.device] if args.device else []
    more += ["--image-root", str(args.image_root)] if args.image_root else []
    command = command_of(config, out.name, *more, done=epochs)
    checkpoint = Checkpoint(
        *(net, config.net, data.name, data.labels, config.to_dict(), metrics, command),
        learned=(digest_of(config, data),),
    )
    path = save_checkpoint(checkpoint, out)
    if epochs < config.epochs:
        print(f"stopped early: kept the {config.keep} of {epochs} epochs")
    print(f"{figure}; trained in {seconds:.1f} s; wrote {path}", flush=True)
