"""A run on the page, without the page: its generator, its switches, its figures, its files."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from PIL import Image
from torch import nn

from mnist_demo import nets
from mnist_demo.checkpoint import Checkpoint, load_checkpoint
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset, Split, unseen_by
from mnist_demo.datasets.mnist import SIZES
from mnist_demo.download import Progress
from mnist_demo.errors import UserError
from mnist_demo.evaluate import evaluate
from mnist_demo.page import fields, form, trainer
from mnist_demo.page.board import board, settings_of
from mnist_demo.page.context import Context
from mnist_demo.page.fetching import Fetching
from mnist_demo.page.plots import make_download
from mnist_demo.page.runs import MAX_POINTS, Curve, Run
from mnist_demo.page.trainer import UPDATE_EVERY, Watch, follow
from mnist_demo.page.training import begin, turn_switch
from mnist_demo.page.turns import Place, Turns
from mnist_demo.page.visitors import Visitor
from mnist_demo.train import Epoch

CPU = torch.device("cpu")
LINEAR = TrainConfig(
    net="linear",
    dataset="sample",
    epochs=2,
    batch_size=16,
    augment="none",
    schedule="constant",
)


class FakeTime:
    """A clock that moves by `tick` at each look, and by a sleep."""

    def __init__(self, tick: float = 0.01) -> None:
        self.tick, self.now = tick, 100.0

    def clock(self) -> float:
        self.now += self.tick
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def watch(self) -> Watch:
        return Watch(self.clock, self.sleep)


def start(
    data: Dataset,
    config: TrainConfig = LINEAR,
    watch: Watch | None = None,
    visitor: Visitor | None = None,
    place: Place | None = None,
) -> tuple[Run, Iterator[None]]:
    run = begin(visitor or Visitor("anna"), config, data.title, "CPU")

    def judge(checkpoint: Checkpoint) -> tuple[Split, str]:
        return unseen_by(checkpoint.dataset, data)

    return run, follow(run, place or Turns().join(), data, CPU, judge, watch or FakeTime().watch())


def advance(updates: Iterator[None], is_there: Callable[[], bool]) -> None:
    for _ in updates:
        if is_there():
            return
    raise AssertionError("the run ended first")


@pytest.fixture(scope="module")
def small(sample: Dataset) -> Dataset:
    """31 batches an epoch and two chunks of validation, in next to no time."""
    train = sample.train.take(torch.arange(496) * 8)
    return replace(sample, train=train, validation=sample.validation.take(torch.arange(600)))


@pytest.fixture(scope="module")
def finished(small: Dataset) -> Run:
    run, updates = start(small)
    list(updates)
    assert run.status == "done", run.message
    return run


def test_a_run_learns_and_is_tested_once_on_the_net_that_is_kept(
    finished: Run, small: Dataset
) -> None:
    assert len(finished.epochs) == 2
    assert finished.evaluation is not None
    assert finished.checkpoint is not None
    assert finished.evaluation.accuracy > 0.6
    again = evaluate(finished.checkpoint.net, small.validation)
    assert finished.evaluation.accuracy == again.accuracy
    assert finished.checkpoint.metrics["held_out_accuracy"] == again.accuracy
    assert not finished.checkpoint.net.training
    best = min(finished.epochs, key=lambda epoch: epoch.validation_loss)
    assert finished.checkpoint.metrics["validation_loss"] == best.validation_loss
    assert "600 digits of the sample, which also chose the epoch" in finished.judged_by


def test_the_test_set_is_named_as_such(small: Dataset) -> None:
    unseen = Split(small.validation.images[:300], small.validation.labels[:300])
    run, updates = start(replace(small, name="mnist", test=unseen))
    list(updates)
    assert run.judged_by == "test accuracy (300 test digits)"
    assert run.checkpoint is not None
    assert "test_accuracy" in run.checkpoint.metrics


def test_the_page_looks_at_most_four_times_a_second(small: Dataset) -> None:
    fake = FakeTime(tick=0.01)
    run, updates = start(small, watch=fake.watch())
    looks = []
    for _ in updates:
        if run.status == "training" and run.step:
            looks.append(fake.now)
    gaps = [later - earlier for earlier, later in itertools.pairwise(looks)]
    assert len(gaps) > 3
    assert min(gaps) >= UPDATE_EVERY


def test_stop_ends_a_run_in_mid_epoch_and_keeps_the_best_epoch(small: Dataset) -> None:
    run, updates = start(small, replace(LINEAR, epochs=9))
    advance(updates, lambda: len(run.epochs) == 2 and run.step % 31 not in (0, 30))
    at = run.step
    run.stop.set()
    next(updates)
    assert board_of(run)["now"]["text"].startswith("Stopped; now testing")
    assert run.step <= at + 1
    list(updates)
    assert run.status == "stopped"
    assert run.message.startswith("Stopped in epoch 3 of 9. The net of epoch ")
    assert run.evaluation is not None
    assert run.checkpoint is not None
    assert "stopped after epoch 2" in run.checkpoint.command


def test_stop_before_the_first_epoch_is_over_keeps_the_weights_as_they_are(
    small: Dataset,
) -> None:
    run, updates = start(small)
    advance(updates, lambda: run.step > 3)
    run.stop.set()
    list(updates)
    assert run.status == "stopped"
    assert not run.epochs
    assert "No epoch was over" in run.message
    assert run.checkpoint is not None
    fresh = nets.build_net("linear", LINEAR.seed).state_dict()
    learned = run.checkpoint.net.state_dict()
    assert any(not torch.equal(fresh[name], learned[name]) for name in fresh)


def test_stop_acts_while_validating(small: Dataset) -> None:
    run, updates = start(small, watch=FakeTime(tick=1.0).watch())  # due at every event
    advance(updates, lambda: run.step == 31)
    next(updates)  # the first chunk of two
    assert not run.epochs
    run.stop.set()
    next(updates)
    assert run.status == "testing"
    assert not run.epochs


def test_a_second_stop_skips_the_test(small: Dataset) -> None:
    run, updates = start(small)
    advance(updates, lambda: run.status == "testing")
    run.stop.set()
    list(updates)
    assert run.status == "done"
    assert run.evaluation is None
    assert run.checkpoint is not None


def test_pause_holds_the_run_and_resume_goes_on_to_the_same_end(
    small: Dataset, finished: Run
) -> None:
    run, updates = start(small)
    advance(updates, lambda: run.step > 5)
    run.pause.set()
    advance(updates, lambda: run.status == "paused")
    at = run.step
    for _ in range(20):
        next(updates)
        assert (run.status, run.step) == ("paused", at)
    run.pause.clear()
    list(updates)
    assert run.status == "done"
    losses = [epoch.validation_loss for epoch in run.epochs]
    assert losses == [epoch.validation_loss for epoch in finished.epochs]


def test_a_pause_does_not_count_as_time_of_training(small: Dataset) -> None:
    fake = FakeTime()
    run, updates = start(small, watch=fake.watch())
    advance(updates, lambda: run.step > 5)
    run.pause.set()
    advance(updates, lambda: run.status == "paused")
    before = fake.now
    advance(updates, lambda: fake.now > before + 100)
    run.pause.clear()
    list(updates)
    assert 0 < run.seconds < 60


def test_a_pause_that_is_forgotten_ends_by_itself(small: Dataset) -> None:
    fake = FakeTime()
    run, updates = start(small, watch=fake.watch())
    advance(updates, lambda: run.step > 5)
    run.pause.set()
    before = fake.now
    list(updates)
    assert trainer.MAX_PAUSE < fake.now - before < trainer.MAX_PAUSE + 60
    assert run.status == "stopped"
    assert run.message.startswith("Ended after 5 minutes of pause in epoch 1 of 2.")


def test_a_run_ends_at_the_deadline(small: Dataset) -> None:
    run, updates = start(small, replace(LINEAR, epochs=50), FakeTime(tick=10.0).watch())
    list(updates)
    assert run.status == "stopped"
    assert "a run here may take 20 minutes" in run.message
    assert run.checkpoint is not None


def test_a_closed_page_frees_the_place_and_ends_the_run(small: Dataset) -> None:
    turns = Turns()
    with turns.join() as place:
        run, updates = start(small, place=place)
        advance(updates, lambda: run.step > 3)
        updates.close()  # type: ignore[attr-defined]
        assert run.status == "stopped"
        assert not run.is_active
    assert len(turns) == 0


def test_two_visitors_train_one_after_the_other(small: Dataset) -> None:
    turns = Turns()
    first_place, second_place, third_place = turns.join(), turns.join(), turns.join()
    anna, bert = Visitor("anna"), Visitor("bert")
    first, updates = start(small, visitor=anna, place=first_place)
    second, waiting = start(small, visitor=bert, place=second_place)
    third, last = start(small, visitor=Visitor("carl"), place=third_place)
    next(updates)
    for _ in range(3):
        next(waiting)
        next(last)
    assert (second.status, second.step) == ("waiting", 0)
    assert board(bert)["now"]["text"].startswith("1 person ahead of you")
    assert third.ahead == 2
    third.stop.set()
    list(last)
    assert (third.status, third.checkpoint) == ("stopped", None)
    list(updates)
    turns.leave(first_place)
    list(waiting)
    assert (first.status, second.status) == ("done", "done")
    assert list(board(bert)["runs"]) == ["run-1"]


def test_a_run_that_diverges_fails_with_a_remedy_and_keeps_its_epochs(small: Dataset) -> None:
    config = replace(LINEAR, net="perceptron", optimizer="sgd", learning_rate=0.05, epochs=9)
    run, updates = start(small, config)
    advance(updates, lambda: len(run.epochs) == 1)
    run.dials.learning_rate = 1e30  # what no visitor may choose
    list(updates)
    assert run.status == "failed"
    assert "learning rate well below" in run.message
    assert "The net of epoch 1 is kept" in run.message
    assert run.checkpoint is not None
    assert all(value.isfinite().all() for value in run.checkpoint.net.state_dict().values())
    assert board_of(run)["runs"]["run-1"]["failure"] == run.message


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "choose a smaller batch size"),
        (RuntimeError("MPS backend out of memory"), "choose a smaller batch size"),
        (ValueError("secret path /etc"), "on the server's side"),
    ],
)
def test_a_device_that_gives_up_leaves_a_message_and_no_detail(
    small: Dataset, monkeypatch: pytest.MonkeyPatch, error: Exception, text: str
) -> None:
    def break_down(*_: object) -> nn.Module:
        raise error

    monkeypatch.setattr(trainer, "build_net", break_down)
    run, updates = start(small)
    list(updates)
    assert run.status == "failed"
    assert text in run.message
    assert "secret" not in run.message


def test_another_learning_rate_acts_at_the_next_batch(small: Dataset) -> None:
    run, updates = start(small, watch=FakeTime(tick=0.3).watch())
    advance(updates, lambda: run.step > 3)
    turn_switch(run, {"action": "rate", "value": 0.02})
    advance(updates, lambda: run.step > 5)
    assert run.learning_rate == 0.02
    list(updates)
    assert run.checkpoint is not None
    assert "changed on the way, to 0.02" in run.checkpoint.command


@pytest.mark.parametrize("rate", [None, "0.1", True, math.nan, math.inf, 0, -1, 5])
def test_a_learning_rate_out_of_bounds_changes_nothing(finished: Run, rate: object) -> None:
    before = finished.dials.learning_rate
    with pytest.raises(UserError, match="learning rate"):
        turn_switch(finished, {"action": "rate", "value": rate})
    assert finished.dials.learning_rate == before


@pytest.mark.parametrize("message", [None, [], "stop", {}, {"action": "format"}, {"action": []}])
def test_a_strange_switch_is_refused(finished: Run, message: object) -> None:
    with pytest.raises(UserError, match="no switch"):
        turn_switch(finished, message)
    with pytest.raises(UserError, match="press Train"):
        turn_switch(None, {"action": "stop"})


def test_a_curve_stays_bounded_and_keeps_its_mean() -> None:
    curve = Curve()
    count = 4 * MAX_POINTS + 7
    for i in range(count):
        curve.add([i / 10], [float(i)])
        assert len(curve.points) <= MAX_POINTS
    places = [place for place, _ in curve.points]
    assert places == sorted(places)
    assert len(curve.points) * curve.every + len(curve._rest) == count
    everything = sum(loss * curve.every for _, loss in curve.points) + sum(curve._rest)
    assert everything == pytest.approx(sum(range(count)))


def board_of(run: Run) -> dict[str, Any]:
    visitor = Visitor("anna")
    visitor.add(run)
    return board(visitor)


def test_the_board_tells_the_run_and_its_curves(finished: Run) -> None:
    shown = json.loads(json.dumps(board_of(finished)))
    run = shown["runs"]["run-1"]
    assert shown["now"]["progress"] == 1.0
    assert len(run["steps"].split(";")) - 1 == len(finished.losses.points) == 62
    epochs = [list(map(float, row.split())) for row in run["epochs"].split(";") if row]
    assert [row[0] for row in epochs] == [1, 2]
    assert epochs[1][4] == pytest.approx(finished.epochs[1].validation_accuracy, abs=1e-4)
    assert run["settings"] == "epochs 2, batch 16, constant, augmentation none"
    assert run["test"].endswith("%")


def test_the_points_of_a_run_only_grow_at_their_end(small: Dataset) -> None:
    """Gradio then sends the new end alone, and what is drawn stays."""
    run, updates = start(small)
    seen = [board_of(run)["runs"]["run-1"]["steps"] for _ in updates]
    assert len(set(seen)) > 3
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(seen))


def test_only_what_differs_from_the_defaults_is_listed() -> None:
    assert settings_of(TrainConfig()) == "default settings"
    changed = TrainConfig(optimizer="sgd", learning_rate=0.05, seed=7)
    assert settings_of(changed) == "learning rate 0.05, sgd, seed 7"


def test_the_net_can_be_taken_home(finished: Run, tmp_path: Path, small: Dataset) -> None:
    file = make_download(finished, "net")
    assert file.name == "digits-run-1-linear.safetensors"
    path = tmp_path / file.name
    path.write_bytes(file.content)
    loaded = load_checkpoint(path)
    assert finished.evaluation is not None
    assert evaluate(loaded.net, small.validation).correct == finished.evaluation.correct
    assert TrainConfig.from_dict(loaded.config) == LINEAR
    assert loaded.command.startswith("python -m mnist_demo train --net linear --dataset sample")


def test_the_history_is_a_table_that_parses(finished: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(make_download(finished, "history").content.decode())))
    epochs = [row for row in rows if row["kind"] == "epoch"]
    batches = [row for row in rows if row["kind"] == "batches"]
    assert [int(row["epoch"]) for row in epochs] == [1, 2]
    last: Epoch = finished.epochs[-1]
    assert float(epochs[-1]["validation_loss"]) == pytest.approx(last.validation_loss, rel=1e-4)
    assert len(batches) == 62
    assert float(batches[-1]["epoch"]) == 2.0


def test_the_curves_are_a_picture(finished: Run) -> None:
    picture = Image.open(io.BytesIO(make_download(finished, "curves").content))
    picture.load()
    assert picture.format == "PNG"
    assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20  # not an empty sheet


@pytest.mark.parametrize("kind", [None, 3, "", "exe", ["net"], {}])
def test_a_strange_download_is_refused(finished: Run, kind: object) -> None:
    with pytest.raises(UserError, match="no download"):
        make_download(finished, kind)


def test_a_run_without_a_net_or_a_curve_says_so() -> None:
    run = begin(Visitor("anna"), LINEAR, "some digits", "CPU")
    for kind in ("net", "curves"):
        with pytest.raises(UserError, match="wait"):
            make_download(run, kind)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"epochs": 51}, "up to 50"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 2.5}, "whole number"),
        ({"epochs": None}, "whole number"),
        ({"epochs": True}, "whole number"),
        ({"batch_size": 512}, "up to 256"),
        ({"batch_size": "128"}, "whole number"),
        ({"learning_rate": 7.0}, "learning_rate is 7"),
        ({"learning_rate": None}, "learning_rate must be a number"),
        ({"seed": -1}, "seed is -1"),
        ({"net": "huge"}, "no net is called 'huge'"),
        ({"augment": "mirror"}, "no augmentation"),
        ({"optimizer": "lion"}, "no optimizer"),
        ({"schedule": "none"}, "no schedule"),
        ({"wings": 2}, "unknown training settings: wings"),
    ],
)
def test_settings_are_checked_on_the_server(change: dict[str, Any], text: str) -> None:
    with pytest.raises(UserError, match=text):
        form.make_config({"net": "linear"} | change)


def test_whole_numbers_may_come_as_floats() -> None:
    config = form.make_config({"epochs": 3.0, "seed": 4.0})
    assert (config.epochs, config.seed) == (3, 4)
    assert isinstance(config.epochs, int)


def test_a_setting_is_said_to_act_exactly_where_it_does(small: Dataset) -> None:
    """Against the optimizers and schedules themselves: does another value change the weights?"""
    few = replace(small, train=small.train.take(torch.arange(0, 496, 4)))
    values = {"momentum": (0.0, 0.8), "weight_decay": (0.0, 0.3), "gamma": (0.9, 0.3)}

    def weights(config: TrainConfig) -> torch.Tensor:
        run, updates = start(few, config)
        list(updates)
        assert run.checkpoint is not None
        return torch.cat([p.flatten() for p in run.checkpoint.net.parameters()])

    cases = [("adam", "step"), ("adamw", "cosine"), ("sgd", "step"), ("rmsprop", "constant")]
    for optimizer, schedule in cases:
        base = replace(LINEAR, optimizer=optimizer, schedule=schedule, batch_size=64)
        for name, pair in values.items():
            first, second = (weights(replace(base, **{name: value})) for value in pair)  # type: ignore[arg-type]
            differs = not torch.equal(first, second)
            assert differs == form.acts(name, optimizer, schedule), (name, optimizer, schedule)


def test_the_data_that_is_offered_is_the_data_that_is_there(tmp_path: Path) -> None:
    assert [name for _, name in form.data_choices(tmp_path)] == ["sample"]
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, size in SIZES.items():
        (raw / part).write_bytes(bytes(size))
    assert [name for _, name in form.data_choices(tmp_path)] == ["mnist", "sample"]
    (raw / part).write_bytes(bytes(size - 1))  # cut: no more MNIST than none
    assert [name for _, name in form.data_choices(tmp_path)] == ["sample"]


def test_the_form_starts_from_the_defaults_of_a_run(tmp_path: Path, small: Dataset) -> None:
    checkpoint = Checkpoint(nets.build_net("linear"), "linear", "sample", small.labels, {})
    with gr.Blocks():
        form_fields = fields.build(Context(checkpoint, tmp_path))
    assert form_fields.fetch.visible
    settings = form_fields.read({field: field.value for field in form_fields.inputs})
    assert settings.pop("device") == "auto"
    assert form.make_config(settings) == replace(TrainConfig(), dataset="sample")


def test_one_download_serves_all_who_watch(tmp_path: Path) -> None:
    calls: list[Path] = []

    def fetch(folder: Path) -> Iterator[Progress]:
        calls.append(folder)
        for done in (1_000_000, 9_900_000):
            time.sleep(0.3)
            yield Progress("https://mirror/", "train", 1, 4, done, 9_900_000)
        time.sleep(0.3)

    fetching = Fetching(tmp_path, fetch)
    anna, bert = fetching.watch(), fetching.watch()
    seen = [next(anna), next(bert), *anna, *bert]
    assert calls == [tmp_path]
    assert "Downloading file 1 of 4: 1.0 of 9.9 MB" in seen


def test_a_download_that_fails_says_why_and_may_be_tried_again(tmp_path: Path) -> None:
    def fetch(folder: Path) -> Iterator[Progress]:
        raise UserError("no mirror answers")
        yield

    fetching = Fetching(tmp_path, fetch)
    for _ in range(2):
        with pytest.raises(UserError, match="no mirror answers"):
            list(fetching.watch())
