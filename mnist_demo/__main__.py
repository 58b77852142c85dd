"""`python -m mnist_demo`: the command line."""

import sys

from mnist_demo.cli import main

if __name__ == "__main__":
    sys.exit(main())
