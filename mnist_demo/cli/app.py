"""`app`: the web page, as `python app.py` opens it."""

from __future__ import annotations

import argparse

from mnist_demo.errors import UserError

HELP = "open the web page: draw, train, browse"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port (default: 7860 or the next that is free)")
    parser.add_argument("--share", action="store_true", help="also open a public link")


def run(args: argparse.Namespace) -> int:
    from mnist_demo.page.launch import serve  # seconds of imports: not before --help

    try:
        serve(args.host, args.port, args.share)
    except OSError as error:  # a port that is taken, say
        raise UserError(str(error)) from error
    return 0
