"""README says what is there: every file in its map, the Space's settings, every picture."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from huggingface_hub import SpaceCard
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from mnist_demo.card import LICENSE
from mnist_demo.provenance import SOURCES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Of a Space's thumbnail, as the Hub's reference has them.
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
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
    """https://huggingface.co/docs/hub/spaces-config-reference; what it does not know has no effect.

    No `models`, for the released net is on no Hub, and no `thumbnail`, which wants an address.
    """
    settings = SpaceCard(README).data.to_dict()
    assert settings.pop("title")
    assert re.fullmatch(r"[^\x00-\xff]\ufe0f?", settings.pop("emoji"))
    assert {settings.pop("colorFrom"), settings.pop("colorTo")} <= COLOURS
    assert settings.pop("sdk") == "gradio"
    assert (ROOT / settings.pop("app_file")).is_file()
    assert len(settings.pop("short_description")) <= 60  # the Hub's limit
    assert re.fullmatch(r"\d+[smhd]", settings.pop("startup_duration_timeout"))
    assert all(re.fullmatch("[a-z-]+", tag) for tag in settings.pop("tags"))
    assert settings.pop("datasets") == [SOURCES["mnist"].on_hub]
    assert settings.pop("license") == LICENSE
    python, gradio = settings.pop("python_version"), settings.pop("sdk_version")
    assert python in SpecifierSet(PROJECT["requires-python"])
    assert re.fullmatch(r"3\.\d+", python)  # as text: YAML makes 3.1 of a bare 3.10
    needs = [Requirement(line) for line in (ROOT / "requirements.txt").read_text().splitlines()]
    (range_of_gradio,) = (need.specifier for need in needs if need.name == "gradio")
    assert gradio in range_of_gradio
    assert settings == {
        "pinned": False,
        "suggested_hardware": "cpu-basic",
        "header": "mini",
        "fullWidth": True,
    }


def test_pictures_and_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).is_file(), target


def test_no_figure_is_left_open() -> None:
    assert "@@" not in README
