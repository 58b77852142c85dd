"""The command line: one module a command, each with HELP, add_arguments and run.

A command imports torch when it runs and not before, so that `--help` is quick.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from mnist_demo import __version__
from mnist_demo.cli import (
    app,
    benchmark,
    calibrate,
    channels,
    data,
    download,
    ensemble,
    evaluate,
    export,
    hub,
    inside,
    nets,
    predict,
    reproduce,
    samples,
    train,
)
from mnist_demo.cli.common import printable
from mnist_demo.errors import UserError
from mnist_demo.faults import is_out_of_memory

COMMANDS = {
    "app": app,
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "calibrate": calibrate,
    "ensemble": ensemble,
    "export": export,
    "hub": hub,
    "nets": nets,
    "download": download,
    "data": data,
    "samples": samples,
    "channels": channels,
    "inside": inside,
    "benchmark": benchmark,
    "reproduce": reproduce,
}
BAD_INPUT = 2
INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """argparse, with its errors in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"error: {message}; see `{self.prog} --help`\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit code is 0, 1 (partly failed), 2 (bad input) or 130 (Ctrl-C)."""
    args = _parser().parse_args(arguments)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except UserError as error:
        return _refuse(str(error))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return _refuse(_out_of_memory(args))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read us has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        return _refuse(
            f"{error.filename} cannot be read or written ({error.strerror}); check its name and "
            "your right to it"
        )
    return code


def _refuse(reason: str) -> int:
    print("error:", printable(" ".join(reason.split())), file=sys.stderr)
    return BAD_INPUT


def _out_of_memory(args: argparse.Namespace) -> str:
    """What helps where memory gives out, of what this command takes."""
    remedies = ["a smaller net"]
    if getattr(args, "device", "cpu") != "cpu":  # where it is not named, it may be a GPU
        remedies.insert(0, "--device cpu")
    if args.run is not train.run:
        return f"out of memory; try {' or '.join(remedies)}"
    text = f"out of memory; try {', '.join(remedies)} or a smaller --batch-size"
    if args.out and train.resume_file(args.out).exists():  # then its last test had no room
        remedies[-1] = "a smaller --test-batch-size"
        text = f"out of memory; run again with --resume and {' or '.join(remedies)}"
    return text


def _parser() -> Parser:
    parser = Parser(prog="python -m mnist_demo", description="Train and use nets that read digits.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.HELP, description=command.HELP)
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser
