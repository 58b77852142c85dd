"""`benchmark`: dispatches to the modules of mnist_demo.benchmark."""

from __future__ import annotations

import argparse
import json
from importlib import import_module

from mnist_demo.cli.common import add_json
from mnist_demo.errors import UserError

HELP = "measure what the README claims"
BENCHMARKS = {
    "drawn": "accuracy on pen strokes, with and without each step of the preprocessing",
    "fuzz": "thousands of hostile requests and files, and what gave way",
    "latency": "from pen-move to bars in a real browser",
    "inference": "one drawing end to end on one core, and batches against the arithmetic limit",
    "own": "what some digits of a writer's own do for the others of that hand",
    "speed": "seconds to 99 % on MNIST, against two published ways",
    "startup": "from `python app.py` to the first page",
    "strangers": "whether drawings that are no digit are known, and rows of digits read",
    "load": "many visitors at once who draw, train and browse, and many one after another",
    "throughput": "training images a second, by net and device",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(f"  {name:12}{text}" for name, text in BENCHMARKS.items())
    parser.add_argument("which", choices=BENCHMARKS, help="one of those below")
    parser.add_argument(
        "options", nargs=argparse.REMAINDER, help="see `benchmark WHICH --help` for its options"
    )


def run(args: argparse.Namespace) -> int:
    # Parsed in two goes: only the chosen benchmark is imported, with all that it needs.
    from mnist_demo.cli import Parser

    module = import_module(f"mnist_demo.benchmark.{args.which}")
    parser = Parser(
        prog=f"python -m mnist_demo benchmark {args.which}", description=BENCHMARKS[args.which]
    )
    add_json(parser)
    module.add_arguments(parser)
    chosen = parser.parse_args(args.options)
    if getattr(chosen, "seed", 0) < 0:
        raise UserError(f"--seed is {chosen.seed}; choose 0 or more")
    result = module.run(chosen)
    print(json.dumps(result, indent=2) if chosen.json else module.format_report(result))
    return 0
