"""README says what is there: every file in its map, the Space's settings, every picture."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CODE = sorted((ROOT / "mnist_demo").rglob("*.py"))


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_map_has_every_file(path: Path) -> None:
    if path.parent.name == "mnist_demo" and path.name in ("__init__.py", "__main__.py"):
        return
    name = path.relative_to(ROOT / "mnist_demo").as_posix()
    assert f"| `{name}` |" in README


def test_the_map_has_no_file_that_is_gone() -> None:
    for name in re.findall(r"^\| `([\w/]+\.py)` \|", README, re.MULTILINE):
        assert (ROOT / "mnist_demo" / name).is_file(), name


def test_a_space_finds_its_settings() -> None:
    _, front, _ = README.split("---\n", 2)
    settings = dict(line.split(": ", 1) for line in front.splitlines() if ": " in line)
    assert settings["sdk"] == "gradio"
    assert (ROOT / settings["app_file"]).is_file()
    assert len(settings["short_description"]) <= 60  # the Hub's limit


def test_pictures_and_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).is_file(), target


def test_no_figure_is_left_open() -> None:
    assert "@@" not in README
