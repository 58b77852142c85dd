"""models/PREPROCESSING.md, its test vectors and the preprocessing itself say the same."""

from __future__ import annotations

import ast
import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import plain_preprocess
import pytest
from conftest import ROOT
from digits import DRAWINGS, drawn
from preprocessing_vectors import DRAWN, PATH

from mnist_demo import preprocess
from mnist_demo.preprocess import NoInkError, preprocess_ink

PAGE = (ROOT / "models" / "PREPROCESSING.md").read_text()
VECTORS: list[dict[str, Any]] = json.loads(PATH.read_text())
NEAR = 1e-4  # as the page promises


def ink_of(vector: dict[str, Any]) -> np.ndarray:
    values = np.frombuffer(base64.b64decode(vector["ink"]), dtype=np.uint8)
    return values.reshape(vector["height"], vector["width"]).astype(np.float32) / 255


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_vectors_are_what_the_preprocessing_makes(vector: dict[str, Any]) -> None:
    steps = preprocess_ink(ink_of(vector))
    assert list(steps.box) == vector["box"]
    assert list(steps.fitted.shape) == vector["fitted"]
    assert np.abs(steps.centred - np.array(vector["centred"])).max() < NEAR


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_program_that_follows_the_page_gets_the_vectors(vector: dict[str, Any]) -> None:
    values = base64.b64decode(vector["ink"])
    wide = vector["width"]
    ink = [[v / 255 for v in values[at : at + wide]] for at in range(0, len(values), wide)]
    found = plain_preprocess.preprocess(ink)
    assert found is not None
    box, fitted, centred = found
    assert list(box) == vector["box"]
    assert [len(fitted), len(fitted[0])] == vector["fitted"]
    assert np.abs(np.array(centred) - np.array(vector["centred"])).max() < NEAR


@pytest.mark.parametrize("pen", [0.012, 0.03, 0.06, 0.1])
@pytest.mark.parametrize("digit", DRAWINGS)
def test_it_agrees_on_other_drawings_too(digit: str, pen: float) -> None:
    ink = drawn(digit, 0.85, (0.3, 0.6), pen, 150)
    ink = np.round(ink * 255).astype(np.float32) / 255
    found = plain_preprocess.preprocess(ink.astype(np.float64).tolist())
    assert found is not None
    assert np.abs(np.array(found[2]) - preprocess_ink(ink).centred).max() < NEAR


def test_both_see_when_there_is_nothing() -> None:
    ink = np.zeros((40, 40), dtype=np.float32)
    ink[3, 3:6] = 1
    assert plain_preprocess.preprocess(ink.tolist()) is None
    with pytest.raises(NoInkError):
        preprocess_ink(ink)


def test_the_vectors_take_every_way_through_the_page() -> None:
    assert [vector["name"] for vector in VECTORS] == [row[0] for row in DRAWN]
    ways = set()
    for vector in VECTORS:
        top, left, bottom, right = vector["box"]
        longest = max(bottom - top, right - left)
        ways.add("grows" if longest < preprocess.BOX else "shrinks")
    assert ways == {"grows", "shrinks"}


def test_the_page_has_the_numbers_of_the_code() -> None:
    for words in (
        f"from **{preprocess.INK:g}** on",
        f"less than **{preprocess.MIN_INK:g}**",
        f"`20 / max(h, w)`; the longer side becomes {preprocess.BOX}",
        f"In {preprocess.SIDE} × {preprocess.SIDE} zeros",
        f"floor({preprocess.CENTRE} - y + 0.5)",
    ):
        assert words in PAGE


def test_the_plain_program_is_plain() -> None:
    tree = ast.parse(Path(plain_preprocess.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "collections.abc", "math"}
    assert not any(isinstance(node, ast.Import) for node in ast.walk(tree))
