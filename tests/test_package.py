"""What is installed is whole: it starts, reads and serves outside a checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from conftest import ALONE, ROOT
from digits import drawn, grey_image

from mnist_demo.benchmark.server import answers, running_app
from mnist_demo.checkpoint import RELEASED, SCEPTIC

pytestmark = pytest.mark.timeout(400)  # installed first, on a machine that may be busy
BUILT_FROM = ("pyproject.toml", "setup.py", "requirements.txt", "README.md", "LICENSE")
NO_CODE = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, for a build leaves things behind."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("mnist_demo", "models"):
        shutil.copytree(ROOT / name, folder / name, ignore=NO_CODE)
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, folder / name)
    words = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "dist", "."]
    subprocess.run(
        [sys.executable, "-m", "pip", *words], cwd=folder, check=True, capture_output=True
    )
    (path,) = (folder / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH, with the wheel in it and the script in bin."""
    folder = tmp_path_factory.mktemp("installed")
    words = ["install", "--no-deps", "--no-index", "--target", str(folder), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, capture_output=True)
    return folder


def environment(installed: Path) -> dict[str, str]:
    return os.environ | ALONE | {"PYTHONPATH": str(installed)}


def test_a_wheel_has_every_file_of_the_package_and_the_nets(wheel: Path) -> None:
    source = wheel.parent.parent
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    there = {
        path.relative_to(source).as_posix()
        for path in (source / "mnist_demo").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    models = {f"mnist_demo/models/{path.name}" for path in (source / "models").iterdir()}
    assert {f"mnist_demo/models/{path.name}" for path in (RELEASED, SCEPTIC)} <= models
    assert packed == there | models


def test_an_installed_program_reads_a_digit_anywhere(installed: Path, tmp_path: Path) -> None:
    grey_image(drawn("7")).save(tmp_path / "seven.png")
    done = subprocess.run(
        [installed / "bin" / "mnist-demo", "predict", "seven.png", "--json"],
        cwd=tmp_path,
        env=environment(installed),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["digit"] == 7


def test_an_installed_program_serves_the_page(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = tmp_path / "start.py"
    start.write_text(
        "import sys, mnist_demo\nfrom mnist_demo.cli import main\n"
        f"assert mnist_demo.__file__.startswith({str(installed)!r})\n"
        "sys.exit(main(['app', *sys.argv[1:]]))\n"
    )
    for name, value in environment(installed).items():
        monkeypatch.setenv(name, value)
    with running_app(start, patience=200) as address:
        assert answers(int(address.rstrip("/").rpartition(":")[2]))


def test_the_installed_program_needs_what_the_space_installs() -> None:
    """One list for `pip install .`, for the Space and for `make run`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["dependencies"]
    assert project["tool"]["setuptools"]["dynamic"]["dependencies"] == {
        "file": ["requirements.txt"]
    }
    assert project["project"]["scripts"] == {"mnist-demo": "mnist_demo.cli:main"}
