"""The released nets as ONNX: the same answers, sooner, and never another net's."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mnist_demo.checkpoint import RELEASED, SCEPTIC, load_checkpoint
from mnist_demo.classify import probabilities_of
from mnist_demo.cli import main
from mnist_demo.fuse import fused
from mnist_demo.page.pools import pool_of_one_core
from mnist_demo.quick import Quick, quick


@pytest.mark.parametrize("path", [RELEASED, SCEPTIC], ids=lambda path: path.stem)
def test_what_lies_beside_a_released_net_answers_as_it_does(path: Path) -> None:
    checkpoint = load_checkpoint(path)
    assert isinstance(checkpoint.answering, Quick)  # else made of other weights: export it again
    for count in (1, 3, 40):
        images = torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(count))
        with torch.inference_mode():
            answers, own = checkpoint.answering(images), checkpoint.net(images)
        assert torch.allclose(answers, own, atol=1e-4)
        pictures = images[:, 0].numpy()
        assert probabilities_of(checkpoint.answering, pictures).shape == (count, own.shape[1])


def test_a_data_set_takes_all_threads_and_drawings_one(monkeypatch: pytest.MonkeyPatch) -> None:
    net = load_checkpoint(RELEASED).answering
    assert isinstance(net, Quick)
    images = torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    run, parts = net._run, []

    def counting(pixels: np.ndarray) -> np.ndarray:
        parts.append(len(pixels))
        return run(pixels)

    monkeypatch.setattr(net, "_run", counting)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        shared = net(images)
        single = net(images[:1])
        with pool_of_one_core("drawings") as pool:
            alone = pool.submit(net, images).result()
    finally:
        torch.set_num_threads(before)
    assert sorted(parts[:3]) == [13, 13, 14]
    assert parts[3:] == [1, 40]
    assert torch.allclose(shared, alone, atol=1e-4)
    assert torch.allclose(single, alone[:1], atol=1e-4)


def test_it_answers_for_no_other_weights() -> None:
    net = load_checkpoint(RELEASED).net
    beside = RELEASED.with_suffix(".onnx")
    assert quick(net, beside) is not None
    with torch.no_grad():
        next(net.parameters()).add_(1e-3)
    assert quick(net, beside) is None


def test_a_file_that_is_missing_or_damaged_is_done_without(tmp_path: Path) -> None:
    net = load_checkpoint(RELEASED).net
    place = tmp_path / "net.onnx"
    assert quick(net, place) is None
    whole = RELEASED.with_suffix(".onnx").read_bytes()
    for content in (b"", b"no model", whole[: len(whole) // 2]):
        place.write_bytes(content)
        assert quick(net, place) is None


def test_without_onnxruntime_pytorch_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    checkpoint = load_checkpoint(RELEASED)
    assert type(checkpoint.answering) is type(fused(checkpoint.net))
    assert checkpoint.answering(torch.zeros(1, 1, 28, 28)).shape == (1, 10)


def test_beside_any_other_file_nothing_is_looked_for(tmp_path: Path) -> None:
    for suffix in (".safetensors", ".onnx"):
        shutil.copy(RELEASED.with_suffix(suffix), tmp_path / f"net{suffix}")
    assert not isinstance(load_checkpoint(tmp_path / "net.safetensors").answering, Quick)


def test_predict_asks_a_released_net_that_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = str(tmp_path / "digit.png")
    assert main(["data", "show", "3", "--dataset", "sample", "--out", picture]) == 0
    asked: list[torch.nn.Module] = []
    forward = Quick.forward

    def noted(self: Quick, images: torch.Tensor) -> torch.Tensor:
        asked.append(self.net)
        return forward(self, images)

    monkeypatch.setattr(Quick, "forward", noted)
    assert main(["predict", picture]) == 0
    classes = [net(torch.zeros(1, 1, 28, 28)).shape[1] for net in asked]
    assert classes == [10, 2]  # the sceptic likewise
