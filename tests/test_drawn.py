"""The drawn data sets: writers are kept apart, drawings repeat, strangers are labelled so."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from digits import DRAWINGS

from mnist_demo.datasets import Dataset, drawn, load_dataset, load_named
from mnist_demo.datasets.drawn import DRAWINGS as TIMES
from mnist_demo.datasets.drawn import load_digit_or_not, load_drawn, load_mnist_and_drawn
from mnist_demo.datasets.unseen import unseen_by
from mnist_demo.errors import UserError
from mnist_demo.strokes import FILE


@pytest.fixture
def folder(tmp_path: Path, sample: Dataset, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three digits of each of 30 writers, told apart by their width; the sample for MNIST."""
    entries = [
        {
            "label": int(name),
            "writer": writer,
            "strokes": [(s * (1 + writer / 60, 1)).tolist() for s in DRAWINGS[name]],
        }
        for writer in range(1, 31)
        for name in DRAWINGS
    ]
    (tmp_path / FILE).write_bytes(gzip.compress(json.dumps(entries).encode()))
    few = dict.fromkeys(drawn.STRANGERS, (6, 3))
    monkeypatch.setattr(drawn, "STRANGERS", few)
    monkeypatch.setattr(drawn, "PRINTED", 5)
    mnist = replace(sample, name="mnist", test=sample.validation)
    monkeypatch.setattr(drawn, "load_mnist", lambda folder: mnist)
    return tmp_path


def test_whole_writers_are_held_out(folder: Path) -> None:
    data = load_drawn(folder)
    assert len(data.train) == 20 * 3 * TIMES
    assert data.test is not None
    assert (len(data.validation), len(data.test)) == (15, 15)
    assert data.shape == (1, 28, 28)
    assert data.train.images.dtype == torch.uint8
    counts = torch.bincount(data.train.labels, minlength=10)
    assert counts[[1, 2, 7]].tolist() == [20 * TIMES] * 3


def test_writers_that_are_missing_are_named(folder: Path) -> None:
    entries = json.loads(gzip.decompress((folder / FILE).read_bytes()))
    few = [entry for entry in entries if entry["writer"] <= 20]
    (folder / FILE).write_bytes(gzip.compress(json.dumps(few).encode()))
    with pytest.raises(UserError, match="no digit for validation and test: writers 21 to 25"):
        load_drawn(folder)


def test_drawings_of_one_digit_differ_and_all_repeat(folder: Path) -> None:
    first = load_drawn(folder)
    same = first.train.images[:: 20 * 3]  # the drawings of the first digit
    assert len({image.numpy().tobytes() for image in same}) == TIMES
    kept = list(folder.glob("drawn-*.safetensors"))
    assert len(kept) == 1
    kept[0].unlink()
    again = load_drawn(folder)
    assert torch.equal(first.train.images, again.train.images)
    assert torch.equal(first.train.labels, again.train.labels)


def test_what_was_drawn_is_kept_until_the_strokes_change(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_drawn(folder)

    def fail(*_: object) -> np.ndarray:
        raise AssertionError("drawn again")

    monkeypatch.setattr(drawn, "preprocess_ink", fail)
    assert torch.equal(load_drawn(folder).train.images, before.train.images)
    entries = json.loads(gzip.decompress((folder / FILE).read_bytes()))
    (folder / FILE).write_bytes(gzip.compress(json.dumps(entries[:-1]).encode()))
    with pytest.raises(AssertionError, match="drawn again"):
        load_drawn(folder)


def test_a_broken_cache_is_drawn_anew(folder: Path) -> None:
    before = load_drawn(folder)
    next(folder.glob("drawn-*.safetensors")).write_bytes(b"broken")
    assert torch.equal(load_drawn(folder).train.images, before.train.images)


def test_mnist_and_drawn_digits_are_learned_together_and_mnist_tests(
    folder: Path, sample: Dataset
) -> None:
    data, pens = load_mnist_and_drawn(folder), load_drawn(folder)
    assert len(data.train) == len(sample.train) + len(pens.train)
    assert len(data.validation) == len(sample.validation) + len(pens.validation)
    assert data.test is not None
    assert torch.equal(data.test.images, sample.validation.images)
    split, words = unseen_by("mnist-and-drawn", sample, 0.0, load_dataset)
    assert len(split) == 5000
    assert "those it was validated on" in words


def test_strangers_have_the_second_label(folder: Path) -> None:
    data = load_digit_or_not(folder)
    assert data.labels == ("a digit", "something else")
    assert int(data.train.labels.sum()) == 4 * 6
    assert int((data.train.labels == 0).sum()) == len(load_mnist_and_drawn(folder).train) + 5
    assert data.test is not None
    assert torch.bincount(data.test.labels).tolist() == [15, 4 * 3]
    assert not torch.equal(data.test.images[-3:], data.validation.images[-3:])


def test_missing_strokes_are_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"pendigits-orig"):
        load_named("drawn", tmp_path)
