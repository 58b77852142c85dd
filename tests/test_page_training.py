"""A run on the page, without the page: its generator, its switches, its figures, its files."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from PIL import Image

from mnist_demo import nets
from mnist_demo.checkpoint import Checkpoint, load_checkpoint, to_bytes
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset, Split
from mnist_demo.datasets.mnist import SIZES
from mnist_demo.download import Progress
from mnist_demo.errors import UserError
from mnist_demo.evaluate import evaluate
from mnist_demo.learner import Learner
from mnist_demo.page import board as boards
from mnist_demo.page import fields, form, trainer, work
from mnist_demo.page import job as job_time
from mnist_demo.page.board import board, in_line, settings_of
from mnist_demo.page.context import Context
from mnist_demo.page.crew import Crew
from mnist_demo.page.curve import MAX_POINTS, Curve
from mnist_demo.page.fetching import Fetching
from mnist_demo.page.job import Controls, Job, RaceJob
from mnist_demo.page.lookout import UPDATE_EVERY, Lookout
from mnist_demo.page.messages import Message, TakenUp
from mnist_demo.page.plots import make_download
from mnist_demo.page.runs import Run
from mnist_demo.page.starting import begin, turn_switch
from mnist_demo.page.trainer import follow
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

    def watch(self) -> Lookout:
        return Lookout(self.clock, self.sleep)


class InStep:
    """Does the work between two looks, on the same fake clock: a hand without a thread."""

    def __init__(self, fake: FakeTime) -> None:
        self.fake = fake
        self.is_idle = True

    @property
    def is_fit(self) -> bool:
        return self.is_idle

    def begin(self, job: Job | RaceJob) -> None:
        self.is_idle = False
        self.controls = Controls()
        watch = job_time.Watch(self.fake.clock, self.fake.sleep)
        self.messages = work.work(job, self.controls, watch)

    def turn(self, **changes: Any) -> None:
        self.controls.turn(changes)

    def next(self, timeout: float) -> Message | None:
        message = next(self.messages, None)
        self.is_idle = message is None
        return message

    def close(self) -> None:
        self.messages.close()


def give(data: Dataset, patch: pytest.MonkeyPatch) -> None:
    """Whatever a run asks for, it gets these digits."""
    patch.setattr(work, "load_named", lambda *_: data)
    patch.setattr(work, "data_to_judge", lambda *_: data)


@pytest.fixture(scope="module", autouse=True)
def _few(small: Dataset) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        give(small, patch)
        yield


def start(
    config: TrainConfig = LINEAR,
    fake: FakeTime | None = None,
    visitor: Visitor | None = None,
    place: Place | None = None,
) -> tuple[Run, Iterator[None]]:
    fake = fake or FakeTime()
    run = begin(visitor or Visitor("anna"), config, "some digits", "CPU")
    crew, job = Crew(lambda: InStep(fake)), Job(config.to_dict(), "", "cpu")
    return run, follow(run, place or Turns().join(), crew, job, watch=fake.watch())


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
def finished(_few: None) -> Run:
    run, updates = start()
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


def test_what_the_gallery_found_of_a_net_is_not_said_of_the_next(small: Dataset) -> None:
    run, updates = start(replace(LINEAR, epochs=3))
    advance(updates, lambda: run.is_usable)
    assert run.checkpoint is not None
    run.evaluation = evaluate(run.checkpoint.net, small.validation)  # as the gallery leaves it
    assert run.accuracy is None  # it is not the run's test
    advance(updates, lambda: len(run.epochs) == 2)
    run.put_net(to_bytes(run.checkpoint))
    assert run.evaluation is None
    list(updates)
    assert run.evaluation is not None
    assert run.accuracy == run.evaluation.accuracy


def test_a_board_is_made_while_another_press_throws_a_run_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are on threads of their own."""
    visitor = Visitor("anna")
    for _ in range(3):
        begin(visitor, LINEAR, "some digits", "CPU").status = "done"
    real = boards.summary

    def meanwhile(run: Run) -> dict[str, Any]:
        visitor.runs.pop("run-1", None)
        return real(run)

    monkeypatch.setattr(boards, "summary", meanwhile)
    assert set(boards.board(visitor)["runs"]) == {"run-1", "run-2", "run-3"}


def test_a_rate_that_is_set_before_a_run_goes_on_stays() -> None:
    run, _ = start()
    watch = FakeTime().watch()
    watch.rate = run.dials.learning_rate
    kept: dict[str, Any] = {
        "epochs": [],
        "curve": Curve().to_dict(),
        "seconds": 1.0,
        "learning_rate": 0.004,
    }
    trainer._apply(run, TakenUp(**kept), watch)
    assert run.dials.learning_rate == 0.004  # as it was when it was broken off
    watch.rate, run.dials.learning_rate = 0.004, 0.05
    trainer._apply(run, TakenUp(**kept), watch)
    assert run.dials.learning_rate == 0.05
    assert watch.told["learning_rate"] == 0.004  # so the worker is told


def test_the_test_set_is_named_as_such(small: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    unseen = Split(small.validation.images[:300], small.validation.labels[:300])
    give(replace(small, name="mnist", test=unseen), monkeypatch)
    run, updates = start()
    list(updates)
    assert run.judged_by == "test accuracy (300 test digits)"
    assert run.checkpoint is not None
    assert "test_accuracy" in run.checkpoint.metrics


def test_the_page_looks_at_most_four_times_a_second() -> None:
    fake = FakeTime(tick=0.01)
    run, updates = start(fake=fake)
    looks = []
    for _ in updates:
        if run.status == "training" and run.step:
            looks.append(fake.now)
    gaps = [later - earlier for earlier, later in itertools.pairwise(looks)]
    assert len(gaps) > 3
    assert min(gaps) >= UPDATE_EVERY


def test_stop_ends_a_run_in_mid_epoch_and_keeps_the_best_epoch() -> None:
    run, updates = start(replace(LINEAR, epochs=9))
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


def test_stop_before_the_first_epoch_is_over_keeps_the_weights_as_they_are() -> None:
    run, updates = start()
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


def test_stop_acts_while_validating() -> None:
    run, updates = start(fake=FakeTime(tick=1.0))  # due at every event
    advance(updates, lambda: run.step == 31)
    assert not run.epochs  # all is learned, nothing is validated yet
    run.stop.set()
    advance(updates, lambda: run.status == "testing")
    assert not run.epochs


def test_a_second_stop_skips_the_test() -> None:
    run, updates = start()
    advance(updates, lambda: run.status == "testing")
    run.stop.set()
    list(updates)
    assert run.status == "done"
    assert run.evaluation is None
    assert run.checkpoint is not None


def test_pause_holds_the_run_and_resume_goes_on_to_the_same_end(
    finished: Run,
) -> None:
    run, updates = start()
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


def test_a_pause_does_not_count_as_time_of_training() -> None:
    fake = FakeTime()
    run, updates = start(fake=fake)
    advance(updates, lambda: run.step > 5)
    run.pause.set()
    advance(updates, lambda: run.status == "paused")
    before = fake.now
    advance(updates, lambda: fake.now > before + 100)
    run.pause.clear()
    list(updates)
    assert 0 < run.seconds < 60


def test_a_pause_that_is_forgotten_ends_by_itself() -> None:
    fake = FakeTime()
    run, updates = start(fake=fake)
    advance(updates, lambda: run.step > 5)
    run.pause.set()
    before = fake.now
    list(updates)
    assert trainer.MAX_PAUSE < fake.now - before < trainer.MAX_PAUSE + 60
    assert run.status == "stopped"
    assert run.message.startswith("Ended after 5 minutes of pause in epoch 1 of 2.")


def pause(run: Run, updates: Iterator[None], fake: FakeTime, seconds: float) -> float:
    """Holds a run for so long; when that began."""
    run.pause.set()
    advance(updates, lambda: run.status == "paused")
    since = fake.now
    advance(updates, lambda: fake.now > since + seconds)
    return since


def test_pauses_are_counted_together() -> None:
    fake = FakeTime()
    run, updates = start(replace(LINEAR, epochs=9), fake)
    advance(updates, lambda: run.step > 5)
    pause(run, updates, fake, 0.9 * trainer.MAX_PAUSE)
    run.pause.clear()
    advance(updates, lambda: run.status == "training")
    since = pause(run, updates, fake, 0)
    list(updates)
    assert run.message.startswith("Ended after 5 minutes of pause in epoch")
    assert fake.now - since < 0.2 * trainer.MAX_PAUSE


def test_who_pauses_lets_others_wait_for_half_a_minute() -> None:
    fake, turns = FakeTime(), Turns()
    run, updates = start(fake=fake, place=turns.join())
    advance(updates, lambda: run.step > 5)
    pause(run, updates, fake, 100)  # while nobody waits
    turns.join()
    since = fake.now
    list(updates)
    assert 29 < fake.now - since < 60
    ended = "Ended after 30 s of pause, the most while others wait, in epoch 1 of 2."
    assert run.message.startswith(ended)


def test_a_run_ends_at_the_deadline() -> None:
    run, updates = start(replace(LINEAR, epochs=50), FakeTime(tick=10.0))
    list(updates)
    assert run.status == "stopped"
    assert "Ended after 20 minutes, the most a run here may take, in epoch" in run.message
    assert run.checkpoint is not None


def test_a_run_that_others_wait_for_ends_sooner() -> None:
    turns = Turns()
    place, _ = turns.join(), turns.join()
    run, updates = start(replace(LINEAR, epochs=50), FakeTime(tick=10.0), place=place)
    list(updates)
    assert "Ended after 10 minutes, the most a run here may take while others wait" in run.message


def test_a_run_of_too_many_images_is_refused_with_what_to_choose() -> None:
    form.check_length(replace(LINEAR, epochs=50), 55_000)
    with pytest.raises(UserError, match="choose up to 33 epochs"):
        form.check_length(replace(LINEAR, epochs=50), 100_000)


def test_a_closed_page_frees_the_place_and_ends_the_run() -> None:
    turns = Turns()
    with turns.join() as place:
        run, updates = start(place=place)
        advance(updates, lambda: run.step > 3)
        updates.close()  # type: ignore[attr-defined]
        assert run.status == "stopped"
        assert not run.is_active
    assert len(turns) == 0


def test_two_visitors_train_one_after_the_other() -> None:
    turns = Turns()
    first_place, second_place, third_place = turns.join(), turns.join(), turns.join()
    anna, bert = Visitor("anna"), Visitor("bert")
    first, updates = start(visitor=anna, place=first_place)
    second, waiting = start(visitor=bert, place=second_place)
    third, last = start(visitor=Visitor("carl"), place=third_place)
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


@pytest.mark.parametrize(
    ("ahead", "seconds", "text"),
    [
        (3, 130, "3 people ahead of you, about 2 min 10 s; "),
        (3, 121, "3 people ahead of you, about 2 min 10 s; "),  # never sooner than was said
        (1, 41, "1 person ahead of you, about 50 s; "),
        (1, 0, "1 person ahead of you, about 10 s; "),
        (2, None, "2 people ahead of you; "),
        (1, None, "1 person ahead of you; "),
    ],
)
def test_who_waits_is_told_behind_how_many_and_for_how_long(
    ahead: int, seconds: float | None, text: str
) -> None:
    end = "keep this page open, your run starts by itself"
    assert in_line(ahead, seconds, "your run") == text + end


def test_who_is_next_is_not_told_of_a_wait() -> None:
    assert in_line(0, 0.0, "your run") == "Starting"


def test_a_run_that_diverges_fails_with_a_remedy_and_keeps_its_epochs() -> None:
    config = replace(LINEAR, net="perceptron", optimizer="sgd", learning_rate=0.05, epochs=9)
    run, updates = start(config)
    advance(updates, lambda: len(run.epochs) == 1)
    run.dials.learning_rate = 1e30  # what no visitor may choose
    list(updates)
    assert run.status == "failed"
    assert "learning rate well below" in run.message
    assert "The net of epoch 1 is kept" in run.message
    assert run.checkpoint is not None
    assert all(value.isfinite().all() for value in run.checkpoint.net.state_dict().values())
    assert board_of(run)["runs"]["run-1"]["failure"] == run.message


def fail_at(patch: pytest.MonkeyPatch, error: Exception, step: int, largest: int = 0) -> list[int]:
    """From that step on batches over `largest` fail; gives the sizes that were tried."""
    real, tried = Learner.learn, list[int]()

    def learn(self: Learner, *args: Any) -> Any:
        tried.append(self.config.batch_size)
        if args[3] >= step and self.config.batch_size > largest:
            raise error
        return real(self, *args)

    patch.setattr(Learner, "learn", learn)
    return tried


CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB")


def test_without_room_for_a_batch_half_of_it_is_tried_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = fail_at(monkeypatch, CUDA, step=1, largest=8)
    run, updates = start()
    list(updates)
    assert run.status == "done"
    assert run.config.batch_size == 8
    assert tried[:2] == [16, 8]
    assert run.note == "Batches of 16 were too large for the memory; trained with 8."
    assert run.checkpoint is not None
    assert "--batch-size 8" in run.checkpoint.command
    assert board_of(run)["runs"]["run-1"]["note"] == run.note


@pytest.mark.parametrize("batch_size", [8, 64])
def test_without_room_for_half_a_batch_it_says_so(
    monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    tried = fail_at(monkeypatch, RuntimeError("MPS backend out of memory"), step=1)
    run, updates = start(replace(LINEAR, batch_size=batch_size))
    list(updates)
    assert run.status == "failed"
    smallest = 8 if batch_size == 8 else 32
    assert f"Out of memory with batches of {smallest}; choose a smaller batch" in run.message
    assert set(tried) == {batch_size, smallest}


def test_out_of_memory_later_keeps_the_last_good_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_at(monkeypatch, CUDA, step=40)
    run, updates = start()
    list(updates)
    assert run.status == "failed"
    assert "The net of epoch 1 is kept" in run.message
    assert run.checkpoint is not None


def test_out_of_memory_in_the_last_test_leaves_a_message_and_a_net_to_use(
    monkeypatch: pytest.MonkeyPatch, small: Dataset
) -> None:
    def refuse(*_: object) -> None:
        raise CUDA

    monkeypatch.setattr(work, "infer_in_chunks", refuse)
    run, updates = start()
    list(updates)
    assert run.status == "failed"
    assert run.message == (
        "The device is out of memory; choose a smaller net. "
        "The net of epoch 2 is kept, the best so far."
    )
    assert board_of(run)["runs"]["run-1"]["failure"] == run.message
    assert run.accuracy is None
    assert run.is_usable
    assert run.checkpoint is not None
    assert evaluate(run.checkpoint.net, small.validation).accuracy > 0.6


def test_another_failure_leaves_a_message_and_no_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_at(monkeypatch, ValueError("secret path /etc"), step=1)
    run, updates = start()
    list(updates)
    assert run.status == "failed"
    assert "on the server's side" in run.message or "the server's log names" in run.message
    assert "secret" not in run.message


def test_another_learning_rate_acts_at_the_next_batch() -> None:
    run, updates = start(fake=FakeTime(tick=0.3))
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
    assert len(curve.points) * curve.every + len(curve.rest) == count
    everything = sum(loss * curve.every for _, loss in curve.points) + sum(curve.rest)
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


def test_the_points_of_a_run_only_grow_at_their_end() -> None:
    """Gradio then sends the new end alone, and what is drawn stays."""
    run, updates = start()
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
        ({"epochs": 61}, "epochs is 61; choose from 1 to 60"),
        ({"epochs": 0}, "epochs is 0; choose from 1 to 60"),
        ({"epochs": 201}, "epochs is 201; choose from 1 to 60"),
        ({"epochs": 2.5}, "whole number"),
        ({"epochs": None}, "whole number"),
        ({"epochs": True}, "whole number"),
        ({"batch_size": 512}, "batch_size is 512; choose from 8 to 256"),
        ({"batch_size": 7}, "batch_size is 7; choose from 8 to 256"),
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


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, None),
        ({"epochs": 3.0}, None),
        ({"epochs": None}, "Epochs must be a whole number from 1 to 60"),
        ({"epochs": 2.5}, "Epochs must be a whole number from 1 to 60"),
        ({"epochs": True}, "Epochs must be a whole number from 1 to 60"),
        ({"epochs": 61}, "Epochs must be a whole number from 1 to 60"),
        ({"seed": -1}, "Seed must be a whole number from 0 to 2,147,483,647"),
        ({"learning_rate": 0}, "Learning rate must be a number from 0.00001 to 1"),
        ({"average": "0.5"}, "Weight averaging must be a number from 0 to 0.9999"),
        ({"holdout": math.nan}, "Held out must be a number from 0 to 0.5"),
    ],
)
def test_a_field_s_error_says_its_label_and_what_it_takes(
    change: dict[str, Any], text: str | None
) -> None:
    values = LINEAR.to_dict() | change
    if text is None:
        form.check_numbers(values)
        return
    with pytest.raises(UserError) as error:
        form.check_numbers(values)
    assert str(error.value) == text


def test_whole_numbers_may_come_as_floats() -> None:
    config = form.make_config({"epochs": 3.0, "seed": 4.0})
    assert (config.epochs, config.seed) == (3, 4)
    assert isinstance(config.epochs, int)


def test_a_setting_is_said_to_act_exactly_where_it_does(
    small: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the optimizers and schedules themselves: does another value change the weights?"""
    give(replace(small, train=small.train.take(torch.arange(0, 496, 4))), monkeypatch)
    values = {"momentum": (0.0, 0.8), "weight_decay": (0.0, 0.3), "gamma": (0.9, 0.3)}

    def weights(config: TrainConfig) -> torch.Tensor:
        run, updates = start(config)
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
    is_seen = threading.Event()

    def fetch(folder: Path) -> Iterator[Progress]:
        calls.append(folder)
        yield Progress("https://mirror/", "train", 1, 4, 1_000_000, 9_900_000)
        is_seen.wait(60)
        yield Progress("https://mirror/", "train", 1, 4, 9_900_000, 9_900_000)

    fetching = Fetching(tmp_path, fetch)
    anna, bert = fetching.watch(), fetching.watch()
    assert next(anna)
    assert next(bert)
    assert "Downloading file 1 of 4: 1.0 of 9.9 MB" in anna
    assert "Downloading file 1 of 4: 1.0 of 9.9 MB" in bert
    is_seen.set()
    for watching in (anna, bert):
        list(watching)  # it ends
    assert calls == [tmp_path]


@pytest.mark.parametrize("error", [UserError("https://a.b: no; set MNIST_DEMO_DATA"), OSError()])
def test_a_download_that_fails_is_for_the_log_and_may_be_tried_again(
    error: Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Visitors are told what they can go on with, and no address or variable."""

    def fetch(folder: Path) -> Iterator[Progress]:
        raise error
        yield

    fetching = Fetching(tmp_path, fetch)
    for _ in range(2):
        with pytest.raises(UserError) as told:
            list(fetching.watch())
        assert str(told.value) == (
            "full MNIST could not be downloaded; the embedded sample goes on working"
        )
    assert caplog.text.count(str(error) or "OSError") >= 2
