"""Checkpoints describe themselves, load safely and appear whole."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from mnist_demo.checkpoint import RELEASED, Checkpoint, load_checkpoint, save_checkpoint, to_bytes
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import DIGITS, Dataset
from mnist_demo.errors import UserError
from mnist_demo.evaluate import evaluate, infer
from mnist_demo.nets import NETS, build_net, find_net


def checkpoint_of(name: str = "compact") -> Checkpoint:
    return Checkpoint(
        build_net(name, 3),
        name,
        "sample",
        DIGITS[: find_net(name).classes],
        TrainConfig(net=name).to_dict(),
        {"validation_accuracy": 0.5},
        "python -m mnist_demo train",
    )


@pytest.mark.parametrize("name", NETS)
def test_a_net_comes_back_with_the_same_outputs(name: str, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(name)
    path = save_checkpoint(checkpoint, tmp_path / "new" / "folder" / "net.safetensors")
    loaded = load_checkpoint(path)
    shape = find_net(name).input_shape
    images = torch.randint(0, 256, (20, *shape), dtype=torch.uint8)
    assert torch.equal(infer(loaded.net, images), infer(checkpoint.net, images))
    assert not loaded.net.training
    assert loaded.metadata() == checkpoint.metadata()
    assert TrainConfig.from_dict(loaded.config).net == name
    assert [file.name for file in path.parent.iterdir()] == ["net.safetensors"]


def test_a_net_trained_in_another_memory_layout_comes_back(tmp_path: Path, sample: Dataset) -> None:
    checkpoint = checkpoint_of()
    checkpoint.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loaded = load_checkpoint(save_checkpoint(checkpoint, tmp_path / "net.safetensors"))
    images = sample.validation.images[:50]
    assert torch.allclose(infer(loaded.net, images), infer(checkpoint.net, images), atol=1e-5)


def damaged(kind: str, path: Path) -> str:
    """Puts a file that is no good at `path`; says what the error must mention."""
    good = to_bytes(checkpoint_of())
    state = checkpoint_of().net.state_dict()
    header = checkpoint_of().metadata()
    if kind == "missing":
        return "there is no checkpoint"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "noise":
        path.write_bytes(bytes(range(256)) * 20)
    elif kind == "truncated":
        path.write_bytes(good[:-100])
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(state))
    elif kind == "torch.save":
        torch.save(state, path)
    elif kind == "header missing":
        save_file(state, path)
        return "not written by this program"
    elif kind == "header of another kind":
        save_file(state, path, header | {"metrics": "[]"})
        return "metrics"
    elif kind == "header of a later version":
        save_file(state, path, header | {"format": json.dumps("mnist-demo-99")})
        return "mnist-demo-99"
    elif kind == "header no JSON":
        save_file(state, path, header | {"net": "compact"})
        return "not written by this program"
    elif kind == "several nets and which is not told":
        save_file(state, path, header | {"net": '"\\u0065nsemble"'})
        return "not written by this program: KeyError..how"
    elif kind == "header nested too deep":
        save_file(state, path, header | {"config": "[" * 100_000})
        return "not written by this program"
    elif kind == "unknown net":
        save_file(state, path, header | {"net": json.dumps("huge")})
        return "no net is called 'huge'; choose one of: compact"
    elif kind == "wrong net":
        save_file(state, path, header | {"net": json.dumps("linear")})
        return "do not fit the net 'linear'"
    elif kind == "NaN":
        state["0.mean"][:] = float("nan")
        save_file(state, path, header)
        return "not numbers"
    elif kind == "infinite in its 32 bits":
        save_file(
            state | {"0.mean": torch.full_like(state["0.mean"], 1e300, dtype=torch.float64)},
            path,
            header,
        )
        return "not numbers"
    elif kind == "one label":
        save_file(state, path, header | {"labels": json.dumps(["a"])})
        return "labels.*10 classes apart, and each needs a name"
    elif kind == "labels that are no names":
        save_file(state, path, header | {"labels": json.dumps(list(range(10)))})
        return "each needs a name"
    elif kind == "too large":
        with path.open("wb") as file:
            file.truncate(129 * 2**20)
        return "larger than 128 MiB"
    return "damaged or not a safetensors file"


@pytest.mark.parametrize(
    "kind",
    [
        "missing",
        "empty",
        "noise",
        "truncated",
        "pickle",
        "torch.save",
        "header missing",
        "header of another kind",
        "header of a later version",
        "header no JSON",
        "several nets and which is not told",
        "header nested too deep",
        "unknown net",
        "wrong net",
        "NaN",
        "infinite in its 32 bits",
        "one label",
        "labels that are no names",
        "too large",
    ],
)
def test_a_bad_file_says_what_is_wrong(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    reason = damaged(kind, path)
    with pytest.raises(UserError, match=reason):
        load_checkpoint(path)


def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_checkpoint(checkpoint_of("linear"), tmp_path / "net.safetensors")
    before = path.read_bytes()

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(checkpoint_of("compact"), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["net.safetensors"]


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write .*--out"):
        save_checkpoint(checkpoint_of("linear"), tmp_path / "file" / "net.safetensors")


def test_the_released_net_is_small_describes_itself_and_is_good(sample: Dataset) -> None:
    assert RELEASED.stat().st_size <= 2 * 2**20
    released = load_checkpoint(RELEASED)
    assert released.dataset == "mnist-and-drawn"
    assert released.labels == DIGITS
    assert TrainConfig.from_dict(released.config).net == released.name
    assert evaluate(released.net, sample.validation).accuracy >= 0.99
    assert released.command.startswith("python -m mnist_demo train")
    assert released.metrics["test_accuracy"] >= 0.995


@pytest.mark.parametrize("value", [10**400, -(10**400), float("inf"), float("nan")])
def test_a_setting_beyond_all_numbers_is_an_error(value: Any) -> None:
    for name in ("seed", "learning_rate"):
        with pytest.raises(UserError, match=name):
            TrainConfig.from_dict({name: value})
