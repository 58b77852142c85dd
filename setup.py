"""What pyproject.toml cannot say: the released net lies outside the package and goes into it."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

NET = "models/digits.safetensors"


class WithNet(build_py):
    """An editable install finds the net where it is; any other gets a copy."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "mnist_demo", NET)
            target.parent.mkdir(parents=True, exist_ok=True)
            self.copy_file(NET, str(target))


setup(cmdclass={"build_py": WithNet})
