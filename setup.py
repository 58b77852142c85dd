"""What pyproject.toml cannot say: the released nets lie outside the package and go into it."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MODELS = Path("models")  # nets, their card, and how ink is prepared for them


class WithModels(build_py):
    """An editable install finds them where they are; any other gets copies."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "mnist_demo", MODELS)
            target.mkdir(parents=True, exist_ok=True)
            for path in sorted(MODELS.iterdir()):
                self.copy_file(str(path), str(target / path.name))


setup(cmdclass={"build_py": WithModels})
