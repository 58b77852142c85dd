"""A disk that is full, said alike by every command."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mnist_demo.checkpoint import RELEASED, Checkpoint, load_checkpoint, save_checkpoint
from mnist_demo.cli import main
from mnist_demo.reproduced import BEGIN, END

SAMPLE = ["--dataset", "sample"]
TRAIN = ["train", *SAMPLE, "--net", "linear", "--augment", "none", "--epochs", "1"]
PLACE = "choose another place with --out"
DATA = "choose another data folder with --data-dir or MNIST_DEMO_DATA"


@pytest.mark.parametrize(
    ("words", "path", "elsewhere"),
    [
        ([*TRAIN, "--out", "net"], "net", PLACE),
        (["ensemble", "plain", "released", "--out", "both"], "both", PLACE),
        (["calibrate", "--checkpoint", "plain", "--out", "net"], "net", PLACE),
        (["export", "--format", "onnx", "--out", "net.onnx"], "net.onnx", PLACE),
        (["samples", *SAMPLE, "--out", "some.png"], "some.png", PLACE),
        (["channels", "1", *SAMPLE, "--out", "one.png"], "one.png", PLACE),
        (["inside", "photos/7_a.png", "--out", "in.png"], "in.png", PLACE),
        (["hub", "card", "--out", "card.md"], "card.md", PLACE),
        (["data", "show", "1", *SAMPLE, "--out", "7_a.png"], "7_a.png", PLACE),
        (["reproduce", "fast", "--readme", "table.md", "--out", "r.json"], "r.json", PLACE),
        (["data", "export", *SAMPLE, "--out", "all"], "all", "choose another folder with --out"),
        (["data", "import", "photos", "--name", "mine"], "data/own/mine", DATA),
    ],
    ids=lambda words: " ".join(words[:2]) if isinstance(words, list) else "",
)
def test_it_names_the_path_and_the_remedy(
    words: list[str],
    path: str,
    elsewhere: str,
    plain: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MNIST_DEMO_DATA", "data")
    monkeypatch.chdir(tmp_path)
    save_checkpoint(plain, "plain")
    save_checkpoint(load_checkpoint(RELEASED), "released")
    Path("photos").mkdir()
    Path("table.md").write_text(f"{BEGIN}\n{END}\n")
    for name, index in (("7_a", "1"), ("7_b", "2")):
        assert main(["data", "show", index, *SAMPLE, "--out", f"photos/{name}.png"]) == 0

    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main(words) == 2
    told = capsys.readouterr().err
    assert f"cannot write {path}: the disk is full; make room there, or {elsewhere}\n" in told
    assert not Path(path).is_file()
