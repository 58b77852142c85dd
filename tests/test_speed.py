"""The race to 99 % and the timing of inference, on a few digits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from test_hub import made
from torch import nn

from mnist_demo.benchmark import race, references
from mnist_demo.benchmark.inference import drawings, times_of, work_of
from mnist_demo.benchmark.race import RUNNERS, Lap, Runner
from mnist_demo.benchmark.references import Taught
from mnist_demo.benchmark.speed import Finish, format_report, order_of, ratios, summary, to_target
from mnist_demo.checkpoint import combine
from mnist_demo.cli import main
from mnist_demo.datasets import Dataset, Split
from mnist_demo.nets import build_net, count_parameters


@pytest.fixture
def few(sample: Dataset) -> Dataset:
    """512 digits to learn from, 100 to be tested on."""
    train = sample.train.take(torch.arange(0, 4000, 7)[:512])
    held = sample.validation
    tested = held.take(torch.arange(0, 1000, 10))
    return replace(sample, train=train, validation=held.take(torch.arange(3)), test=tested)


def laps(name: str, data: Dataset) -> list[Lap]:
    assert data.test is not None
    runner = RUNNERS[name]
    return list(race.race(runner, runner.prepare(data), data.test, seed=1))


def test_each_runner_learns_and_is_judged_after_whole_epochs(
    few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "EXAMPLE_EPOCHS", 2)
    for name, epochs in (("fast", 1), ("study", 1), ("example", 2)):
        judged = [lap for lap in laps(name, few) if lap.accuracy is not None]
        assert [lap.epoch for lap in judged] == list(range(1, epochs + 1))
        assert [lap.seconds for lap in judged] == sorted(lap.seconds for lap in judged)
        last = judged[-1].accuracy or 0.0
        assert judged[-1].judging > 0
        if name != "study":  # two batches of 256 at the start of its cycle teach it little
            assert last > 0.15
    assert last > 0.5


def test_the_references_are_what_their_sources_say(few: Dataset) -> None:
    assert count_parameters(build_net("wide9216")) == 1_199_882  # PyTorch's example
    assert count_parameters(references.study_net()) == 624 + 6_944 + 800 * 256 + 256 + 2_570
    logits = references.study_net()(torch.rand(2, 1, 28, 28))
    assert logits.shape == (2, 10)
    whole = RUNNERS["study"].prepare(few)
    assert len(whole) == len(few.train) + len(few.validation)
    assert whole.images.dtype == torch.float32
    image, label = references.Transformed(few.train)[5]
    assert torch.allclose(image, few.train.images[5].float() / 255)
    assert label == int(few.train.labels[5])


def test_the_study_takes_the_digits_in_their_order_and_every_one() -> None:
    images = torch.rand(600, 1, 28, 28)
    steps = list(references.study(Split(images, torch.zeros(600, dtype=torch.int64)), seed=1))
    assert [(seen, over) for _, seen, over in steps] == [(256, False), (512, False), (600, True)]


def runner_of(accuracies: list[float]) -> Runner:
    """A runner whose test accuracy after each epoch is known: it reads the first digits right."""

    class Right(nn.Module):
        part = 0.0

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros(len(images), 10)
            logits[: round(self.part * len(images)), 7] = 1.0
            logits[round(self.part * len(images)) :, 3] = 1.0
            return logits

    def teach(split: Split, seed: int) -> Iterator[Taught]:
        net = Right()
        for epoch, accuracy in enumerate(accuracies, 1):
            net.part = accuracy
            yield net, epoch * len(split), True

    return Runner("made", "made up", teach, lambda data: data.train, len(accuracies), 1)


@pytest.fixture
def sevens() -> Dataset:
    split = Split(
        torch.zeros(200, 1, 28, 28, dtype=torch.uint8), torch.full((200,), 7, dtype=torch.int64)
    )
    return Dataset("sevens", "sevens", split, split, split)


def test_a_run_ends_at_the_target_its_last_epoch_or_the_bound(sevens: Dataset) -> None:
    rising = runner_of([0.5, 0.8, 0.99, 1.0])
    there = to_target(rising, sevens, 1, 99.0, 60)
    assert (there.epochs, there.accuracy, there.reached, there.whole) == (3, 99.0, True, True)
    never = to_target(runner_of([0.5, 0.8]), sevens, 1, 99.0, 60)
    assert (never.epochs, never.accuracy, never.reached, never.whole) == (2, 80.0, False, True)
    cut = to_target(rising, sevens, 1, 99.0, 0.0)
    assert (cut.epochs, cut.reached, cut.whole) == (1, False, False)
    assert there.with_evaluation >= there.seconds >= 0


def finish(name: str, seed: int, seconds: float, accuracy: float) -> Finish:
    return Finish(name, seed, 1, seconds, seconds + 1, 2 * seconds, accuracy, accuracy >= 99, True)


def test_runs_are_in_turns_and_ratios_are_of_neighbours() -> None:
    order = order_of({"fast": 3, "study": 2, "example": 1})
    assert order == [
        *(("study", 1), ("example", 1), ("fast", 1)),
        *(("study", 2), ("fast", 2), ("fast", 3)),
    ]
    runs = [
        finish("study", 1, 10.0, 98.9),
        finish("fast", 1, 2.0, 99.1),
        finish("study", 2, 30.0, 99.0),
        finish("fast", 2, 3.0, 99.2),
    ]
    assert ratios(runs) == {"study": {"seconds": [5.0, 10.0], "processor": [5.0, 10.0]}}
    row = summary("ours", [runs[1], runs[3]])
    assert row["seconds"] == {"median": 2.5, "lowest": 2.0, "highest": 3.0}
    assert row["accuracy"]["mean"] == 99.15
    assert (row["runs"], row["reached"]) == (2, 2)


def test_the_command_prints_the_board_and_says_what_was_not_reached(
    sevens: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mnist_demo.datasets.load_dataset", lambda *_: sevens)
    ours = replace(runner_of([1.0]), name="fast", title="ours")
    study = replace(runner_of([0.5]), name="study", title="study")
    monkeypatch.setattr(race, "RUNNERS", {"fast": ours, "study": study})
    words = ["--seeds", "2", "--study", "1", "--example", "0", "--device", "cpu", "--threads", "1"]
    threads = torch.get_num_threads()
    assert main(["benchmark", "speed", *words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert torch.get_num_threads() == threads
    assert result["threads"] == 1
    assert result["runners"]["fast"]["reached"] == 2
    assert result["runners"]["study"]["reached"] == 0
    text = format_report(result)
    assert "0 of 1 runs reached 99 %" in text
    assert "study took more than" in text
    assert result["machine"]["torch"] in text


@pytest.mark.parametrize("words", [["--seeds", "0"], ["--target", "101"], ["--minutes", "0"]])
def test_numbers_that_make_no_race_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", "speed", *words]) == 2
    assert words[0] in capsys.readouterr().err


def test_without_mnist_it_says_what_it_needs(
    tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", "speed", "--data-dir", str(tmp_path)]) == 2
    assert "python -m mnist_demo download" in capsys.readouterr().err


def test_the_work_of_several_nets_is_the_sum_of_theirs() -> None:
    one, other = made("linear"), made("compact")
    assert work_of(one) == 7840
    assert work_of(combine([one, other])) == work_of(one) + work_of(other)


def test_inference_times_each_drawing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inks = drawings(3)
    assert {ink.shape for ink in inks} == {(140, 140)}
    assert all(0 < ink.max() <= 1 for ink in inks)
    times = times_of(build_net("linear").eval(), inks)
    assert times["drawings"] == 3
    assert 0 < times["preprocess_p50_ms"] < times["p50_ms"] <= times["p95_ms"]
    monkeypatch.setattr("mnist_demo.benchmark.inference.BATCHES", (1, 2))
    monkeypatch.setattr("mnist_demo.benchmark.inference.BATCH_SECONDS", 0.01)
    assert main(["benchmark", "inference", "--drawings", "2"]) == 0
    text = capsys.readouterr().out
    assert "2 of them" in text
    assert "billion multiply-adds/s" in text
