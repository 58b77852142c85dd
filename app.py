"""Starts the page: `python app.py [--host H] [--port P] [--share]`. A Space runs it as it is."""

from __future__ import annotations

import argparse
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description="Draw a digit and watch a network read it.")
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port (default: 7860 or the next that is free)")
    parser.add_argument("--share", action="store_true", help="also open a public link")
    options = parser.parse_args()

    from mnist_demo.errors import UserError
    from mnist_demo.page.launch import serve  # seconds of imports: not before --help

    try:
        serve(options.host, options.port, options.share)
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
