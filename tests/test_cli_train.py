"""`train`'s options that follow a run or try it out, and those that go with other options."""

from __future__ import annotations

import argparse
import re
import threading
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from mnist_demo import evaluate
from mnist_demo.checkpoint import load_checkpoint
from mnist_demo.cli import main, train
from mnist_demo.cli.following import TEST_BATCH, fill_following, mirrored_digits
from mnist_demo.cli.settings import config_of
from mnist_demo.cli.train import add_arguments
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset
from mnist_demo.nets import build_net
from mnist_demo.optimise import OPTIMIZERS, SCHEDULES, make_optimizer, schedule_factor
from mnist_demo.outcome import command_of
from mnist_demo.train import Epoch

QUICK = ["train", "--dataset", "sample", "--net", "linear", "--augment", "none", "--epochs", "1"]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images each step of inference took, of this thread: a page may still be at work."""
    sizes: list[int] = []
    infer, own = evaluate.infer, threading.get_ident()

    def counted(net: nn.Module, images: torch.Tensor) -> torch.Tensor:
        if threading.get_ident() == own:
            sizes.append(len(images))
        return infer(net, images)

    monkeypatch.setattr(evaluate, "infer", counted)
    return sizes


def test_the_test_batch_size_is_that_of_every_step_of_validation(
    seen: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "net.safetensors"
    assert main([*QUICK, "--test-batch-size", "300", "--out", str(out)]) == 0
    assert seen == [300, 300, 300, 100] * 2  # in the run, and of the net that was kept
    first = re.search(r"held-out accuracy (\S+)", capsys.readouterr().out)
    seen.clear()
    logs = ["--log-to", str(tmp_path / "logs")]
    assert main([*QUICK, "--test-batch-size", "300", "--out", str(out), *logs]) == 0
    assert seen == [300, 300, 300, 100] * 3  # and for the mistakes in the log
    seen.clear()
    assert main([*QUICK, "--out", str(out)]) == 0
    assert seen == [TEST_BATCH, TEST_BATCH] * 2
    assert TEST_BATCH == evaluate.CHUNK
    second = re.search(r"held-out accuracy (\S+)", capsys.readouterr().out)
    assert first
    assert second
    assert first[1] == second[1]


def test_the_log_interval_tells_the_loss_between_epochs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*QUICK, "--batch-size", "200", "--out", str(tmp_path / "net.safetensors")]
    assert main([*words, "--log-interval", "8", "--epochs", "2"]) == 0
    out = capsys.readouterr().out
    lines = re.findall(r"epoch +(\d) of 2  batch +(\d+) of 20 \( *(\d+)%\)  train loss \d", out)
    assert lines == [("1", "8", "40"), ("1", "16", "80"), ("2", "8", "40"), ("2", "16", "80")]
    assert re.search(r"; trained in \d+\.\d s; wrote ", out)
    assert main(words) == 0
    assert "batch" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "batch", "interval"),
    [
        ([], TEST_BATCH, 0),
        (["--recipe", "digitnet"], TEST_BATCH, 0),
        (["--recipe", "lenet500"], 1000, 10),  # as the source of 003a has them
        (["--recipe", "lenet500", "--test-batch-size", "500"], 500, 10),
        (["--recipe", "lenet500", "--log-interval", "0"], 1000, 0),
    ],
)
def test_a_recipe_brings_its_test_batch_and_log_interval(
    words: list[str], batch: int, interval: int
) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args(words)
    fill_following(args)
    assert (args.test_batch_size, args.log_interval) == (batch, interval)


def test_train_follows_a_run_as_its_recipe_does(
    seen: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--recipe", "lenet500", *QUICK[1:], "--batch-size", "256"]
    assert main(["train", *words, "--out", str(tmp_path / "net.safetensors")]) == 0
    assert seen == [1000] * 2
    assert re.findall(r"batch +(\d+) of 15 ", capsys.readouterr().out) == ["10"]


def test_a_dry_run_learns_once_and_writes_nothing(
    seen: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "net.safetensors"
    words = [*QUICK, "--dry-run", "--batch-size", "64", "--test-batch-size", "100"]
    for place in ([], ["--out", str(out)], ["--log-to", str(tmp_path / "logs")]):
        seen.clear()
        assert main([*words, *place]) == 0
        text = capsys.readouterr().out
        found = re.search(r"loss (\S+) on one batch of 64 digits .* (\d+) of 100 right", text)
        assert found
        assert 1 < float(found[1]) < 5  # ln 10 and what the weights add
        assert "nothing was written" in text
        assert seen == [100]
    assert list(tmp_path.iterdir()) == []


def stop_after_an_epoch(patch: pytest.MonkeyPatch) -> None:
    pressed, line_of = threading.Event(), train.line_of

    def ctrl_c() -> nullcontext[threading.Event]:
        pressed.clear()
        return nullcontext(pressed)

    def line(epoch: Epoch) -> str:
        pressed.set()
        return line_of(epoch)

    patch.setattr(train, "ctrl_c", ctrl_c)
    patch.setattr(train, "line_of", line)


def test_a_run_that_is_stopped_leaves_the_net_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, beside = tmp_path / "net.safetensors", tmp_path / "net-stopped.safetensors"
    words = [*QUICK, "--out", str(out)]
    assert main(words) == 0
    assert "is there" not in capsys.readouterr().err
    earlier = out.read_bytes()
    words += ["--epochs", "3"]
    with monkeypatch.context() as patch:
        stop_after_an_epoch(patch)
        assert main(words) == 130
        assert main([*words, "--resume"]) == 130  # knows it still
    told = capsys.readouterr()
    assert f"wrote {beside}" in told.out
    assert told.err.count(f"note: {out} is there and will be written over") == 2
    assert out.read_bytes() == earlier
    assert load_checkpoint(beside).metrics["epochs"] == 2
    assert main([*words, "--resume"]) == 0
    assert load_checkpoint(out).metrics["epochs"] == 3


def test_a_run_that_is_stopped_twice_writes_over_its_own_net(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "net.safetensors"
    stop_after_an_epoch(monkeypatch)
    for epochs, words in ((1, []), (2, ["--resume"])):
        assert main([*QUICK, "--epochs", "3", "--out", str(out), *words]) == 130
        assert load_checkpoint(out).metrics["epochs"] == epochs
    assert len(list(tmp_path.iterdir())) == 2  # the net and the run


def test_no_accel_is_the_cpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "net.safetensors"
    assert main([*QUICK, "--no-accel", "--out", str(out)]) == 0
    assert "; CPU, " in capsys.readouterr().out
    assert "--device cpu" in load_checkpoint(out).command


def config(*words: str) -> TrainConfig:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return config_of(parser.parse_args(list(words)))


def test_gamma_brings_its_schedule() -> None:
    assert config("--gamma", "0.5").schedule == "step"
    assert config("--recipe", "lenet500", "--gamma", "0.5").schedule == "step"
    assert config("--gamma", "0.5", "--schedule", "cosine").schedule == "cosine"
    assert config().schedule == TrainConfig.schedule != "step"


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (["--momentum", "0.5"], "--momentum does nothing with adamw"),
        (["--momentum", "0.5", "--optimizer", "sgd"], None),
        (
            ["--recipe", "digitnet", "--weight-decay", "0.1"],
            "--weight-decay does nothing with adam",
        ),
        (["--recipe", "fast", "--weight-decay", "0.1"], "--weight-decay does nothing with muon"),
        (["--recipe", "lenet500", "--momentum", "0.5"], None),
        (
            ["--optimizer", "adam", "--weight-decay", "0.1"],
            "--weight-decay does nothing with adam; choose --optimizer sgd, say",
        ),
        (
            ["--schedule", "constant", "--gamma", "0.7"],
            "--gamma does nothing with constant; choose --schedule step",
        ),
        (["--gamma", "0.7"], None),
        (
            ["--augment", "flip"],
            "the augmentation flip mirrors pictures, and a digit in the mirror",
        ),
        (["--augment", "flip-crop"], "a digit in the mirror is another digit or none"),
        (["--augment", "shift"], None),
        (["--recipe", "nielsen-five"], "one of 5 nets that answer together"),
        (["--recipe", "best-five"], "--augment affine and bent in turn"),
    ],
)
def test_what_would_do_nothing_is_said(
    words: list[str], note: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = ["--dataset", "sample", "--net", "linear", "--holdout", "0"]
    assert main(["train", "--dry-run", *words, *sample]) == 0
    told = capsys.readouterr().err
    assert (note in told) if note else told == ""


def test_things_may_be_mirrored_without_a_word(sample: Dataset) -> None:
    assert mirrored_digits("flip", sample)
    assert mirrored_digits("flip", replace(sample, labels=("cat", "owl"))) is None


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("setting", ["momentum", "weight_decay"])
def test_what_an_optimizer_leaves_aside_is_known(name: str, setting: str) -> None:
    """Its groups hold all that it goes by."""
    settings = [replace(TrainConfig(optimizer=name), **{setting: value}) for value in (0.1, 0.2)]  # type: ignore[arg-type]
    net = build_net("linear")
    first, second = (make_optimizer(net.parameters(), c).param_groups[0] for c in settings)
    same = all(first[key] == second[key] for key in first if key != "params")
    assert same == settings[0].is_idle(setting)


@pytest.mark.parametrize("name", SCHEDULES)
def test_what_a_schedule_leaves_aside_is_known(name: str) -> None:
    settings = [TrainConfig(schedule=name, gamma=gamma) for gamma in (0.5, 0.7)]
    first, second = ([schedule_factor(k / 10, c) for k in range(10)] for c in settings)
    assert (first == second) == settings[0].is_idle("gamma")


def test_a_command_says_nothing_that_does_nothing() -> None:
    said = command_of(TrainConfig(optimizer="adam", schedule="cosine"), "net.safetensors")
    assert "--optimizer adam" in said
    assert "--label-smoothing" in said
    for option in ("--momentum", "--weight-decay", "--gamma"):
        assert option not in said


def test_a_part_too_small_to_judge_by_is_not_what_a_net_is_judged_by(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The recipe keeps a six-thousandth back: of the sample's 5,000 digits, one."""
    out = tmp_path / "net.safetensors"
    words = ["--recipe", "best", "--net", "linear", "--augment", "none", "--epochs", "1"]
    assert main(["train", *words, "--dataset", "sample", "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert "the usual 1,000 are held out" in told.err
    assert "on 1,000 digits of the embedded sample" in told.out
    assert load_checkpoint(out).config["holdout"] == 0.0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--test-batch-size", "0", "--dry-run"], "--test-batch-size is 0; choose from 1 to"),
        (["--log-interval", "-1", "--dry-run"], "--log-interval is -1"),
        (["--dry-run", "--resume"], "leave it or --resume out"),
        ([], "--out FILE.safetensors, or add --dry-run"),
        (["--full", "--dry-run"], "--full is a recipe's; name one with --recipe"),
        (["--full", "--recipe", "best", "--dry-run"], "'best' has one way only; leave --full out"),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, *words]) == 2
    assert reason in capsys.readouterr().err


def test_help_names_the_options_of_tutorials_003_and_004() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    text = parser.format_help()
    for option in (
        *("--batch-size", "--test-batch-size", "--epochs", "--lr", "--momentum", "--gamma"),
        *("--no-accel", "--device", "--seed", "--log-interval", "--out", "--dry-run"),
    ):
        assert option in text
