"""Starts the page: `python app.py [--host H] [--port P] [--share]`. A Space runs it as it is."""

from __future__ import annotations

import sys

from mnist_demo.cli import main

if __name__ == "__main__":
    sys.exit(main(["app", *sys.argv[1:]]))
