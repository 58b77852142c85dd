"""A Chromium for the browser tests: `python tests/browser.py --install` gets one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from mnist_demo.benchmark.browser import find_chromium


def is_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def install() -> None:
    """Playwright's Chromium, else Debian's package; says so where neither can be had."""
    attempts = [[sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        attempts += [["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]]
    for command in attempts:
        try:
            subprocess.run(command, check=False, timeout=600)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"{' '.join(command)}: {error}", file=sys.stderr)
        if find_chromium():
            return


if __name__ == "__main__":
    if "--install" in sys.argv and not find_chromium():
        install()
    found = find_chromium()
    print(f"browser for the tests: {found or 'none; set CHROMIUM to one'}")
