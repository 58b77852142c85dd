"""Calibration: measured as defined, and mended without changing an answer."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mnist_demo.calibration import calibration_error, cooled, reliability, temperature_of
from mnist_demo.checkpoint import Checkpoint, combine, load_checkpoint, save_checkpoint
from mnist_demo.cli import main
from mnist_demo.datasets import Dataset
from mnist_demo.datasets.export import export_parts
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation, evaluate, infer
from mnist_demo.nets import build_net


def logits_of(count: int, classes: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and labels that are drawn with exactly their probabilities."""
    rng = torch.Generator().manual_seed(1)
    logits = torch.randn((count, classes), generator=rng) * 2
    return logits, torch.multinomial(logits.softmax(1), 1, generator=rng)[:, 0]


def judged(logits: torch.Tensor, labels: torch.Tensor) -> Evaluation:
    return Evaluation(labels.numpy(), logits.softmax(1).numpy())


def test_the_error_is_the_mean_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.3, 0.7]], dtype=np.float32)
    found = reliability(Evaluation(np.array([0, 1, 1, 1]), probabilities), bins=10)
    assert [(one.count, one.accuracy) for one in found] == [(2, 1.0), (2, 0.5)]
    assert calibration_error(found) == pytest.approx((0.3 + 0.4) / 2, abs=1e-6)


def test_one_that_is_always_sure_and_right_has_no_error() -> None:
    found = reliability(Evaluation(np.array([0, 1]), np.eye(2, dtype=np.float32)))
    assert [one.high for one in found] == [1.0]
    assert calibration_error(found) == 0


@pytest.mark.parametrize("wrong_by", [0.3, 1.0, 4.0])
def test_the_temperature_that_was_put_on_is_found(wrong_by: float) -> None:
    logits, labels = logits_of(20_000)
    assert temperature_of(logits * wrong_by, labels) == pytest.approx(wrong_by, rel=0.05)


def test_cooling_calibrates_and_changes_no_answer() -> None:
    logits, labels = logits_of(20_000)
    last = nn.Linear(4, 4)
    with torch.no_grad():
        last.weight.copy_(torch.eye(4) * 3)  # three times as sure as it should be
        last.bias.zero_()
    net = nn.Sequential(last)
    before = calibration_error(reliability(judged(net(logits).detach(), labels)))
    mended = cooled(net, temperature_of(net(logits).detach(), labels))
    after = judged(mended(logits).detach(), labels)
    assert before > 0.1 > 0.02 > calibration_error(reliability(after))
    assert np.array_equal(after.predicted, net(logits).argmax(1).numpy())
    assert last.weight.max().item() == 3  # the net itself is left alone


def test_the_command_cools_by_images_that_were_not_learned(
    plain: Checkpoint, sample: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hot = replace(plain, metrics={"validation_loss": 9.9, "seconds": 3.0})
    path, out = save_checkpoint(hot, tmp_path / "net.safetensors"), tmp_path / "cool.safetensors"
    assert main(["calibrate", "--checkpoint", str(path), "--out", str(out)]) == 0
    assert "on 1,000 validation images" in capsys.readouterr().out
    cool = load_checkpoint(out)
    images = sample.validation.images
    logits = infer(cool.net, images) * cool.metrics["temperature"]
    assert torch.allclose(logits, infer(plain.net, images), rtol=1e-3, atol=1e-3)
    result = evaluate(cool.net, sample.validation)
    assert (
        cool.metrics["validation_loss"] == result.loss < evaluate(plain.net, sample.validation).loss
    )
    assert cool.metrics["validation_accuracy"] == result.accuracy
    assert cool.metrics["seconds"] == 3.0
    assert main(["calibrate", "--checkpoint", str(out), "--out", str(path)]) == 0
    again = load_checkpoint(path).metrics["temperature"]  # what the net as trained is divided by
    assert again == pytest.approx(cool.metrics["temperature"], rel=1e-3) != 1


@pytest.mark.parametrize(
    ("which", "reason"),
    [
        ("few", "100 validation digits of few .* are too few .*larger --holdout, so that 500"),
        ("other", "the net knows the classes a, .* not those of 'sample'; choose another"),
        ("several", r"mean of 2 nets \(linear, linear\): a temperature suits a single net"),
    ],
)
def test_what_no_temperature_can_be_found_for_is_refused(
    which: str,
    reason: str,
    plain: Checkpoint,
    sample: Dataset,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if which == "few":
        folder = tmp_path / "few"
        some = sample.train.take(torch.arange(0, 4000, 20))
        held_out = sample.validation.take(torch.arange(0, 1000, 10))
        export_parts({"train": some, "validation": held_out}, sample.labels, folder)
        checkpoint = replace(plain, dataset=str(folder))
    elif which == "other":
        checkpoint = replace(plain, labels=tuple("abcdefghij"))
    else:
        checkpoint = combine([plain, replace(plain, net=build_net("linear", 2).eval())])
    path, out = save_checkpoint(checkpoint, tmp_path / "net.safetensors"), tmp_path / "cool"
    assert main(["calibrate", "--checkpoint", str(path), "--out", str(out)]) == 2
    assert re.search(reason, capsys.readouterr().err)
    assert not out.exists()


@pytest.mark.parametrize("out", ["/", "file/net"])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    out: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert main(["calibrate", "--checkpoint", "none", "--out", out]) == 2
    assert f"cannot write {Path(out)}; choose another place" in capsys.readouterr().err


def test_a_net_without_a_linear_end_is_refused() -> None:
    with pytest.raises(UserError, match="linear layer"):
        cooled(nn.Sequential(nn.Linear(2, 2), nn.LogSoftmax(1)), 2.0)
