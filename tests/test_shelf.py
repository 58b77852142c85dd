"""Runs on disk: found again by who knows the secret, bounded, and whole after any fault."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from test_beside import as_sent, digits
from test_page_training import CUDA, LINEAR, FakeTime, InStep, advance, fail_at, give

from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset, Split, load_named
from mnist_demo.errors import UserError
from mnist_demo.page import shelf as shelves
from mnist_demo.page import visitors, work
from mnist_demo.page.board import board
from mnist_demo.page.crew import Crew
from mnist_demo.page.job import Job
from mnist_demo.page.messages import Gone, Message
from mnist_demo.page.own_digits import SAVED_AS
from mnist_demo.page.runs import Run
from mnist_demo.page.shelf import Drawer, Shelf
from mnist_demo.page.starting import begin, begin_race, bring_back, take_up, throw_away
from mnist_demo.page.trainer import follow
from mnist_demo.page.turns import Turns
from mnist_demo.page.visitors import Visitor

ANNA, BERT = "a1" * 16, "b2" * 16
NOWHERE = Path("tests/no-such-folder")  # but the sample is everywhere
THREE = replace(LINEAR, epochs=3, average=0.9)


@pytest.fixture(scope="module", autouse=True)
def _few(sample: Dataset) -> Iterator[None]:
    train = sample.train.take(torch.arange(496) * 8)
    small = replace(sample, train=train, validation=sample.validation.take(torch.arange(600)))
    with pytest.MonkeyPatch.context() as patch:
        give(small, patch)
        yield


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "runs")


def drawer_of(shelf: Shelf, token: str = ANNA) -> Drawer:
    drawer = shelf.drawer(token)
    assert drawer is not None
    return drawer


def updates_of(run: Run, is_resumed: bool = False) -> Iterator[None]:
    fake = FakeTime()
    crew = Crew(lambda: InStep(fake))
    job = Job(run.config.to_dict(), "", "cpu", is_resumed=is_resumed)
    return follow(run, Turns().join(), crew, job, watch=fake.watch())


def start(shelf: Shelf, visitor: Visitor | None = None) -> tuple[Run, Iterator[None]]:
    run = begin(visitor or Visitor("anna"), THREE, "some digits", "CPU", drawer_of(shelf))
    return run, updates_of(run)


def again(shelf: Shelf, token: str = ANNA) -> Visitor:
    """The same browser after a restart of the server."""
    visitor = Visitor("later")
    assert shelf.folder is not None
    bring_back(visitor, drawer_of(Shelf(shelf.folder), token))
    return visitor


def test_a_finished_run_comes_back_with_its_net_its_curve_and_its_test(shelf: Shelf) -> None:
    run, updates = start(shelf)
    list(updates)
    visitor = again(shelf)
    back = visitor.runs["run-1"]
    before, after = board(_with(run)), board(visitor)
    assert before == after
    assert run.checkpoint is not None
    assert back.checkpoint is not None
    ours, theirs = back.checkpoint.net.state_dict(), run.checkpoint.net.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert back.checkpoint.metadata() == run.checkpoint.metadata()
    assert back.evaluation is not None
    assert back.evaluation.accuracy == run.accuracy
    assert not any(path.name == "state" for path in _files(shelf))  # only who is on needs it


def _with(run: Run) -> Visitor:
    visitor = Visitor("other")
    visitor.add(run)
    return visitor


def _files(shelf: Shelf) -> list[Path]:
    assert shelf.folder is not None
    return [path for path in shelf.folder.rglob("*") if path.is_file()]


def test_who_does_not_know_the_secret_sees_nothing(shelf: Shelf) -> None:
    _, updates = start(shelf)
    list(updates)
    assert not again(shelf, BERT).runs
    assert ANNA not in "".join(map(str, _files(shelf)))  # nor does a look at the disk tell it


@pytest.mark.parametrize(
    "token", ["../" * 10, "a" * 31, "A1" * 16, "a1" * 17, 7, ["a"], {}, "a1" * 15 + "a\n"]
)
def test_a_strange_key_is_refused(shelf: Shelf, token: object) -> None:
    with pytest.raises(UserError, match="reload"):
        shelf.drawer(token)
    assert not shelf.folder or not list(shelf.folder.parent.iterdir())


def test_a_closed_page_leaves_a_run_that_goes_on_to_the_same_end(shelf: Shelf) -> None:
    whole, updates = start(shelf, Visitor("whole"))
    list(updates)
    run, updates = start(shelf)
    advance(updates, lambda: len(run.epochs) == 2 and run.step > 70)
    updates.close()  # type: ignore[attr-defined]
    visitor = again(shelf)
    back = visitor.runs["run-2"]
    assert back.status == "interrupted"
    assert board(visitor)["runs"]["run-2"]["outcome"] == "interrupted in epoch 3 of 3"
    assert board(visitor)["now"]["text"] == "Interrupted in epoch 3 of 3."
    assert take_up(visitor, "run-2", NOWHERE) is back
    list(updates_of(back, is_resumed=True))
    assert back.message.startswith("Done"), back.message
    assert back.losses == whole.losses
    assert [e.validation_loss for e in back.epochs] == [e.validation_loss for e in whole.epochs]
    assert back.checkpoint is not None
    assert whole.checkpoint is not None
    ours, theirs = back.checkpoint.net.state_dict(), whole.checkpoint.net.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_server_that_is_killed_leaves_the_same(shelf: Shelf) -> None:
    run, updates = start(shelf)
    advance(updates, lambda: len(run.epochs) == 1 and run.is_usable)
    visitor = again(shelf)  # nothing was closed or tidied up
    back = visitor.runs["run-1"]
    assert (back.status, len(back.epochs)) == ("interrupted", 1)
    assert back.is_usable
    take_up(visitor, "run-1", NOWHERE)
    list(updates_of(back, is_resumed=True))
    assert (back.status, len(back.epochs)) == ("done", 3)


def test_a_run_that_learned_from_own_digits_goes_on_with_them_alone(shelf: Shelf) -> None:
    visitor = Visitor("anna")
    run = begin(visitor, replace(THREE, also="my-digits.csv"), "some", "CPU", drawer_of(shelf))
    assert run.keeper is not None
    run.keeper.keep(run)
    run.keeper.release()
    back = again(shelf)
    assert board(back)["runs"]["run-1"]["also"]
    with pytest.raises(UserError, match="not in this browser any more; press Train"):
        take_up(back, "run-1", NOWHERE)
    assert take_up(back, "run-1", NOWHERE, has_own=True).status == "waiting"


def traces_of(own: Split, sent: str, shelf: Shelf) -> list[str]:
    """The files that hold something of these digits, in whatever form they were had here."""
    pixels, step = own.images.flatten(1), 400
    wanted = [sent[at : at + step].encode() for at in range(0, len(sent) - step, step)]
    for picture in pixels:
        wanted += [picture.numpy().tobytes(), (picture.float() / 255).numpy().tobytes()]
        wanted += [",".join(map(str, picture.tolist())).encode(), str(picture.tolist()).encode()]
    found = [(path.name, path.read_bytes()) for path in _files(shelf)]
    return [name for name, content in found if any(part in content for part in wanted)]


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    """The settings of a run that learns from digits of its visitor's own too."""
    few = vars(work)["load_named"]

    def load(name: str, *more: Any) -> Any:
        return (few if name == "sample" else load_named)(name, *more)

    monkeypatch.setattr(work, "load_named", load)  # else their file's name would mean the sample
    return replace(THREE, also=SAVED_AS)


def updates_beside(run: Run, own: str, is_resumed: bool = False) -> Iterator[None]:
    crew = Crew(lambda: InStep(FakeTime()))
    job = Job(run.config.to_dict(), "", "cpu", is_resumed=is_resumed, own=own)
    return follow(run, Turns().join(), crew, job, watch=FakeTime().watch())


def test_other_digits_of_ones_own_leave_a_run_to_go_on_with(
    shelf: Shelf, beside: TrainConfig
) -> None:
    own = as_sent(digits(20))
    run = begin(Visitor("anna"), beside, "some", "CPU", drawer_of(shelf))
    updates = updates_beside(run, own)
    advance(updates, lambda: len(run.epochs) == 1 and run.is_usable)
    updates.close()  # type: ignore[attr-defined]
    visitor = again(shelf)
    for sent, status in ((as_sent(digits(21)), "interrupted"), (own, "done")):
        back = take_up(visitor, "run-1", NOWHERE, has_own=True)
        list(updates_beside(back, sent, is_resumed=True))
        assert back.status == status, back.message
        if status == "interrupted":
            assert "take back what was changed and press Resume" in back.message


def test_what_becomes_of_a_run_that_goes_on_is_told_after_later_runs(
    shelf: Shelf, beside: TrainConfig
) -> None:
    own, visitor = as_sent(digits(20)), Visitor("anna")
    run = begin(visitor, beside, "some", "CPU", drawer_of(shelf))
    updates = updates_beside(run, own)
    advance(updates, lambda: len(run.epochs) == 1 and run.is_usable)
    updates.close()  # type: ignore[attr-defined]
    later, updates = start(shelf, visitor)
    list(updates)
    assert board(visitor)["now"]["run"] == later.id
    for sent, status, text in (
        (as_sent(digits(21)), "interrupted", "take back what was changed"),  # why it cannot
        (own, "done", "Done: "),
    ):
        take_up(visitor, run.id, NOWHERE, has_own=True)
        list(updates_beside(run, sent, is_resumed=True))
        told = board(visitor)["now"]
        assert (told["run"], told["status"]) == (run.id, status)
        assert text in told["text"]


def test_digits_of_ones_own_leave_no_trace_on_disk(shelf: Shelf, beside: TrainConfig) -> None:
    own = digits(20)
    sent = as_sent(own)
    run = begin(Visitor("anna"), beside, "some", "CPU", drawer_of(shelf))
    seen: set[str] = set()
    for _ in updates_beside(run, sent):
        seen |= {path.name for path in _files(shelf)}
        assert not traces_of(own, sent, shelf)
    assert run.status == "done", run.message
    assert seen >= {"run.json", "state", "net.safetensors"}
    assert not traces_of(own, sent, shelf)


@pytest.mark.parametrize("form", ["as sent", "pixels", "numbers"])
def test_a_trace_of_a_digit_would_be_seen(shelf: Shelf, form: str) -> None:
    own = digits(3)
    forms = {
        "as sent": as_sent(own).encode(),
        "pixels": own.images[1].numpy().tobytes(),
        "numbers": json.dumps(own.images[1].flatten().tolist()).encode(),
    }
    assert shelf.folder is not None
    (shelf.folder / "any").mkdir(parents=True)
    (shelf.folder / "any" / "state").write_bytes(b"before " + forms[form] + b" after")
    assert traces_of(own, as_sent(own), shelf) == ["state"]


def test_broken_off_before_its_first_epoch_it_begins_anew(shelf: Shelf) -> None:
    run, updates = start(shelf)
    assert run.keeper is not None
    advance(updates, lambda: run.step > 3)
    updates.close()  # type: ignore[attr-defined]
    visitor = again(shelf)
    back = visitor.runs["run-1"]
    assert not back.is_usable
    take_up(visitor, "run-1", NOWHERE)
    going = updates_of(back, is_resumed=True)
    advance(going, lambda: len(back.epochs) == 1)
    back.dials.learning_rate /= 2  # is heeded, as in any run
    list(going)
    assert (back.status, len(back.epochs)) == ("done", 3)
    places = [place for place, _ in back.losses.points]
    assert places == sorted(places)
    whole, updates = start(shelf, Visitor("whole"))
    list(updates)
    assert back.epochs[-1].learning_rate == pytest.approx(whole.epochs[-1].learning_rate / 2)


def test_it_is_kept_from_the_first_moment_on(shelf: Shelf) -> None:
    run, updates = start(shelf)
    next(updates)
    back = again(shelf).runs["run-1"]  # the server was killed here
    assert (back.status, back.epochs) == ("interrupted", [])
    updates.close()  # type: ignore[attr-defined]


def test_a_run_that_is_on_is_not_offered_to_the_next_tab(shelf: Shelf) -> None:
    run, updates = start(shelf)
    advance(updates, lambda: len(run.epochs) == 1 and run.is_usable)
    other = Visitor("second tab")
    bring_back(other, drawer_of(shelf))
    assert not other.runs
    run.stop.set()
    list(updates)
    bring_back(other, drawer_of(shelf))
    assert [run.status for run in other.runs.values()] == ["stopped"]


def refused(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "the disk is full")


def two_tabs(shelf: Shelf) -> tuple[Visitor, Visitor]:
    """Two pages of one browser, both of which show a run that was broken off."""
    run, updates = start(shelf)
    advance(updates, lambda: len(run.epochs) == 1 and run.is_usable)
    updates.close()  # type: ignore[attr-defined]
    tabs = Visitor("first"), Visitor("second")
    for visitor in tabs:
        bring_back(visitor, drawer_of(shelf))
    return tabs


def test_two_tabs_cannot_both_go_on_with_one_run(shelf: Shelf) -> None:
    first, second = two_tabs(shelf)
    take_up(first, "run-1", NOWHERE)
    with pytest.raises(UserError, match="on in another page"):
        take_up(second, "run-1", NOWHERE)
    with pytest.raises(UserError, match="a run of yours is on"):
        take_up(first, "run-1", NOWHERE)


def test_a_run_that_ended_in_another_tab_is_not_trained_over(shelf: Shelf) -> None:
    first, second = two_tabs(shelf)
    list(updates_of(take_up(first, "run-1", NOWHERE), is_resumed=True))
    before = {path: path.read_bytes() for path in _files(shelf)}
    with pytest.raises(UserError, match="reload this one"):
        take_up(second, "run-1", NOWHERE)
    assert {path: path.read_bytes() for path in _files(shelf)} == before
    bring_back(Visitor("third"), drawer_of(shelf))  # nor is it in use any more


def test_a_run_that_is_on_in_another_tab_is_not_deleted_under_it(shelf: Shelf) -> None:
    first, second = two_tabs(shelf)
    going = updates_of(take_up(first, "run-1", NOWHERE), is_resumed=True)
    next(going)
    with pytest.raises(UserError, match="on in another page"):
        throw_away(second, "run-1")
    assert _files(shelf)
    list(going)
    assert first.runs["run-1"].status == "done"


def test_what_was_deleted_in_another_tab_goes_from_the_list(shelf: Shelf) -> None:
    run, updates = start(shelf)
    list(updates)
    tabs = Visitor("first"), Visitor("second")
    for visitor in tabs:
        bring_back(visitor, drawer_of(shelf))
    throw_away(tabs[0], "run-1")
    bring_back(tabs[1], drawer_of(shelf))
    assert not tabs[1].runs


def test_what_the_disk_would_not_take_stays_in_the_list(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor("anna")
    run, updates = start(shelf, visitor)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", refused)
        list(updates)
    bring_back(visitor, drawer_of(shelf))
    assert [run.checkpoint is not None for run in visitor.all_runs] == [True]


@pytest.mark.parametrize("wanted", [None, "run-9", ["run-1"], 1])
def test_what_cannot_go_on_says_so(shelf: Shelf, wanted: object) -> None:
    with pytest.raises(UserError, match="press Train to start another"):
        take_up(Visitor("anna"), wanted, NOWHERE)


def test_discarded_it_is_gone_from_list_and_disk(shelf: Shelf) -> None:
    run, updates = start(shelf)
    advance(updates, lambda: len(run.epochs) == 1 and run.is_usable)
    visitor = _with(run)
    with pytest.raises(UserError, match="press Stop first"):
        throw_away(visitor, "run-1")
    updates.close()  # type: ignore[attr-defined]
    throw_away(visitor, "run-1")
    throw_away(visitor, "run-1")
    assert not visitor.runs
    assert shelf.folder is not None
    assert not list(shelf.folder.iterdir())


def test_who_leaves_the_line_leaves_nothing(shelf: Shelf) -> None:
    turns = Turns()
    turns.join()
    run = begin(Visitor("anna"), THREE, "some digits", "CPU", drawer_of(shelf))
    crew = Crew(lambda: InStep(FakeTime()))
    watch = FakeTime().watch()
    updates = follow(run, turns.join(), crew, Job(THREE.to_dict(), "", "cpu"), watch=watch)
    next(updates)
    run.stop.set()
    list(updates)
    assert run.status == "stopped"
    assert not _files(shelf)


@pytest.mark.parametrize("damage", [b"", b"\x00" * 300, b"cut"])
def test_a_damaged_state_says_so_and_the_kept_net_stays(shelf: Shelf, damage: bytes) -> None:
    run, updates = start(shelf)
    advance(updates, lambda: len(run.epochs) == 1 and run.is_usable)
    updates.close()  # type: ignore[attr-defined]
    state = next(path for path in _files(shelf) if path.name == "state")
    state.write_bytes(state.read_bytes()[:1000] if damage == b"cut" else damage)
    visitor = again(shelf)
    back = take_up(visitor, "run-1", NOWHERE)
    list(updates_of(back, is_resumed=True))
    assert back.status == "failed"
    assert "damaged; discard it" in back.message
    assert back.checkpoint is not None


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b"{}", b"[" * 100_000, b'{"config": {"net": "x", "rm": 1}}', b"\xff"]
)
def test_damaged_figures_hide_that_run_alone(shelf: Shelf, damage: bytes) -> None:
    for _ in range(2):
        _, updates = start(shelf)
        list(updates)
    figures = sorted(path for path in _files(shelf) if path.name == "run.json")
    figures[0].write_bytes(damage)
    assert len(again(shelf).runs) == 1


def test_figures_that_lie_are_refused(shelf: Shelf) -> None:
    _, updates = start(shelf)
    list(updates)
    path = next(path for path in _files(shelf) if path.name == "run.json")
    values = json.loads(path.read_text())
    for change in (
        {"config": values["config"] | {"epochs": 10**9}},
        {"curve": {"points": [[0, 1]] * 10_000, "every": 1, "rest": []}},
        {"epochs": [{"epoch": 1}]},
        {"number": None},
    ):
        path.write_text(json.dumps(values | change))
        assert not again(shelf).runs


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_costs_no_run(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(kind, os.strerror(kind))

    monkeypatch.setattr(os, "fsync", refuse)
    run, updates = start(shelf)
    list(updates)
    assert run.status == "done"
    assert run.accuracy is not None
    words = "the disk is full" if kind == errno.ENOSPC else "the folder cannot be written to"
    assert run.note == f"Not kept beyond this page: {words}."
    assert board(_with(run))["runs"]["run-1"]["note"] == run.note


def test_where_nothing_can_be_kept_nothing_is(tmp_path: Path) -> None:
    assert Shelf(None).drawer(ANNA) is None
    (tmp_path / "file").write_text("in the way")
    assert Shelf(tmp_path / "file" / "runs").drawer(ANNA) is None
    marked = tmp_path / "marked"
    marked.mkdir()
    marked.chmod(0o555)
    shelf = Shelf(marked)
    assert not shelf.keeps
    assert shelf.drawer(ANNA) is None
    marked.chmod(0o755)
    assert Shelf(marked).drawer("") is None  # a browser that stores nothing
    assert not board(Visitor("anna"), keeps=False)["keeps"]


def test_a_drawer_holds_few_runs_and_the_oldest_go(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "MAX_RUNS", 2)
    for _ in range(4):
        run, updates = start(shelf, Visitor("anna"))
        list(updates)
    assert len(drawer_of(shelf).runs()) == 2
    monkeypatch.setattr(shelves, "MAX_DRAWER", 10)
    start(shelf, Visitor("anna"))
    assert not drawer_of(shelf).runs()


def test_runs_that_are_on_count_among_the_few(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "MAX_RUNS", 3)
    for _ in range(3):
        list(start(shelf)[1])
    on = [start(shelf, Visitor(name)) for name in ("first tab", "second tab")]  # none on disk yet
    drawer = drawer_of(shelf)
    assert len(drawer.runs()) == 1
    for _, updates in on:
        list(updates)
    assert len(drawer.runs()) == 3


def test_of_more_runs_than_a_drawer_holds_none_comes_back_twice(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []
    for _ in range(3):
        run, updates = start(shelf)
        list(updates)
        begun.append(run.begun)
    monkeypatch.setattr(shelves, "MAX_RUNS", 2)
    monkeypatch.setattr(visitors, "MAX_RUNS", 2)
    visitor = Visitor("later")
    for _ in range(3):
        bring_back(visitor, drawer_of(shelf))
        assert [run.begun for run in visitor.all_runs] == begun[1:]
    assert visitor.started == 2


def test_old_drawers_go_and_of_too_much_the_oldest(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in (ANNA, BERT):
        drawer = drawer_of(shelf, token)
        run = begin(Visitor("x"), THREE, "some digits", "CPU", drawer)
        list(updates_of(run))
    for path in [drawer_of(shelf).path, *drawer_of(shelf).path.iterdir()]:
        os.utime(path, (1, time.time() - 3600))
    total = sum(path.stat().st_size for path in _files(shelf))
    monkeypatch.setattr(shelves, "MAX_ALL", total - 1)
    shelf.clean(time.time() + 100)
    assert not again(shelf).runs
    assert again(shelf, BERT).runs
    shelf.clean(time.time() + shelves.MAX_AGE + 1000)
    assert not _files(shelf)


def test_cleaning_spares_a_run_that_is_on(shelf: Shelf) -> None:
    run, updates = start(shelf)
    advance(updates, lambda: len(run.epochs) == 1 and run.is_usable)
    shelf.clean(time.time() + 10 * shelves.MAX_AGE)
    assert _files(shelf)
    list(updates)
    assert run.status == "done"


def test_a_worker_that_dies_leaves_a_run_to_go_on_with(shelf: Shelf) -> None:
    class Dying(InStep):
        def next(self, timeout: float) -> Message | None:
            message = super().next(timeout)
            return Gone(-9) if len(run.epochs) == 2 else message

    run = begin(Visitor("anna"), THREE, "some digits", "CPU", drawer_of(shelf))
    fake = FakeTime()
    job = Job(THREE.to_dict(), "", "cpu")
    list(follow(run, Turns().join(), Crew(lambda: Dying(fake)), job, watch=fake.watch()))
    assert run.status == "interrupted"
    assert "ended by signal 9" in run.message
    visitor = _with(run)
    list(updates_of(take_up(visitor, "run-1", NOWHERE), is_resumed=True))
    assert (run.status, len(run.epochs)) == ("done", 3)


def broken_off(shelf: Shelf) -> tuple[Visitor, Run]:
    """A run of whose three epochs one is kept."""
    first, _ = two_tabs(shelf)
    return first, first.runs["run-1"]


def ends_as_one_takes_it_up_again(visitor: Visitor) -> None:
    list(updates_of(take_up(visitor, "run-1", NOWHERE), is_resumed=True))
    run = visitor.runs["run-1"]
    assert (run.status, len(run.epochs)) == ("done", 3)


def test_a_run_that_goes_on_may_leave_the_line_and_go_on_later(shelf: Shelf) -> None:
    visitor, run = broken_off(shelf)
    turns = Turns()
    turns.join()
    take_up(visitor, "run-1", NOWHERE)
    job = Job(THREE.to_dict(), "", "cpu", is_resumed=True)
    watch = FakeTime().watch()
    updates = follow(run, turns.join(), Crew(lambda: InStep(FakeTime())), job, watch=watch)
    next(updates)
    run.stop.set()
    list(updates)
    assert (run.status, run.message) == ("interrupted", "Left the line; press Resume to go on.")
    ends_as_one_takes_it_up_again(again(shelf))


def test_without_its_data_a_run_is_not_taken_up(shelf: Shelf) -> None:
    visitor, run = broken_off(shelf)
    run.config = replace(run.config, dataset="mnist")
    with pytest.raises(UserError, match="fetch them again"):
        take_up(visitor, "run-1", NOWHERE)
    assert run.is_resumable


def test_data_that_go_missing_cost_no_run(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor, run = broken_off(shelf)

    def missing(*_: object) -> Dataset:
        raise UserError("MNIST is not here")

    with monkeypatch.context() as patch:
        patch.setattr(work, "load_named", missing)
        list(updates_of(take_up(visitor, "run-1", NOWHERE), is_resumed=True))
    assert run.status == "interrupted"
    assert run.message.startswith("MNIST is not here.")
    assert run.message.endswith("Resume goes on after the last epoch that was kept.")
    ends_as_one_takes_it_up_again(again(shelf))


def test_memory_that_gives_out_costs_no_epoch(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_at(patch, CUDA, step=40)
        run, updates = start(shelf)
        list(updates)
    assert (run.status, len(run.epochs)) == ("interrupted", 1)
    assert run.message.startswith("Out of memory with batches of 16; choose a smaller batch")
    ends_as_one_takes_it_up_again(again(shelf))


def test_a_run_that_diverges_leaves_nothing_to_go_on_from(shelf: Shelf) -> None:
    run, updates = start(shelf)
    advance(updates, lambda: len(run.epochs) == 1 and run.is_usable)
    run.dials.learning_rate = 1e30
    list(updates)
    assert run.status == "failed"
    assert "learning rate well below" in run.message
    assert not any(path.name == "state" for path in _files(shelf))


def test_where_no_worker_can_be_hired_the_run_is_kept(shelf: Shelf) -> None:
    def hire() -> InStep:
        raise OSError(errno.ENOMEM, "no memory")

    visitor, run = broken_off(shelf)
    take_up(visitor, "run-1", NOWHERE)
    job = Job(THREE.to_dict(), "", "cpu", is_resumed=True)
    list(follow(run, Turns().join(), Crew(hire), job))
    assert run.status == "interrupted"
    assert run.message.endswith("press Resume to go on.")
    ends_as_one_takes_it_up_again(again(shelf))


def test_a_run_and_a_race_do_not_both_begin() -> None:
    visitor, is_there, goes_on = Visitor("anna"), threading.Event(), threading.Event()

    class Slow:
        def new_slot(self) -> None:
            is_there.set()
            goes_on.wait(10)

    run = threading.Thread(target=begin, args=(visitor, THREE, "some digits", "CPU", Slow()))
    run.start()
    assert is_there.wait(10)
    threading.Timer(0.2, goes_on.set).start()
    with pytest.raises(UserError, match="a run of yours is on"):
        begin_race(visitor, ("fast", "study"), "sample")
    run.join()
