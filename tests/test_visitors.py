"""Visitors: each its own, none for ever."""

from __future__ import annotations

import threading
import time

import pytest

from mnist_demo.config import TrainConfig
from mnist_demo.errors import UserError
from mnist_demo.page.runs import MAX_RUNS
from mnist_demo.page.starting import begin
from mnist_demo.page.visitors import Visitor, Visitors


def finish(visitor: Visitor, count: int) -> None:
    for _ in range(count):
        begin(visitor, TrainConfig(), "some digits", "CPU").status = "done"


def test_two_visitors_never_see_each_others_runs() -> None:
    visitors = Visitors()
    finish(visitors.get("anna"), 2)
    assert list(visitors.get("anna").runs) == ["run-1", "run-2"]
    assert not visitors.get("bert").runs


@pytest.mark.parametrize("key", [None, "", "a b", "../x", "x" * 65, 7, ["a"]])
def test_a_strange_session_is_refused(key: object) -> None:
    with pytest.raises(UserError, match="reload"):
        Visitors().get(key)  # type: ignore[arg-type]


def test_the_longest_unseen_goes_when_the_store_is_full() -> None:
    visitors = Visitors(limit=2)
    anna = visitors.get("anna")
    bert = visitors.get("bert")
    visitors.get("carl")
    assert len(visitors) == 2
    assert visitors.get("bert") is bert
    assert visitors.get("anna") is not anna


@pytest.mark.parametrize("is_hidden", [False, True])
def test_made_up_sessions_that_bring_nets_back_push_out_their_own(is_hidden: bool) -> None:
    def visit(name: str, address: str) -> Visitor:
        visitor = visitors.get(name, "10.0.0.1" if is_hidden else address)  # of a proxy
        if not visitor.runs:
            finish(visitor, 1)
        return visitor

    visitors = Visitors(limit=5)
    class_of_two = [visit(name, "198.51.100.1") for name in ("anna", "bert")]
    for number in range(50):
        visit(f"made-up-{number}", "203.0.113.9")
    assert len(visitors) == 5
    stay = [visitors.peek(visitor.key) is visitor for visitor in class_of_two]
    assert stay == [not is_hidden] * 2  # else the longest unseen go, as they did
    assert visitors.peek("made-up-49") is not None


def test_a_full_store_spares_who_trains() -> None:
    visitors = Visitors(limit=2)
    anna = visitors.get("anna")
    run = begin(anna, TrainConfig(), "some digits", "CPU")
    for name in ("bert", "carl", "dora"):
        visitors.get(name)
    assert len(visitors) == 2
    assert visitors.get("anna") is anna
    assert not run.stop.is_set()


def test_age_evicts_the_idle_and_spares_who_trains() -> None:
    visitors = Visitors(max_age=0.01)
    anna = visitors.get("anna")
    finish(anna, 1)
    time.sleep(0.02)
    visitors.get("bert")
    assert visitors.get("anna") is not anna
    carl = visitors.get("carl")
    begin(carl, TrainConfig(), "some digits", "CPU")
    time.sleep(0.02)
    visitors.get("dora")
    assert visitors.get("carl") is carl


def test_only_the_newest_runs_are_kept_and_the_one_that_is_on() -> None:
    visitor = Visitor("anna")
    active = begin(visitor, TrainConfig(), "some digits", "CPU")
    with pytest.raises(UserError, match="a run of yours is on"):
        begin(visitor, TrainConfig(), "some digits", "CPU")
    active.status = "done"
    finish(visitor, MAX_RUNS + 3)
    assert len(visitor.runs) == MAX_RUNS
    assert next(reversed(visitor.runs)) == f"run-{MAX_RUNS + 4}"


def test_leaving_stops_the_run() -> None:
    visitors = Visitors()
    run = begin(visitors.get("anna"), TrainConfig(), "some digits", "CPU")
    visitors.drop("anna")
    visitors.drop("anna")
    visitors.drop(None)
    assert run.stop.is_set()
    assert len(visitors) == 0


def test_many_threads_get_the_same_visitor_and_the_bound_holds() -> None:
    visitors = Visitors(limit=20)
    got: list[Visitor] = []

    def work(number: int) -> None:
        for i in range(50):
            visitors.get(f"v{number}-{i}")
        got.append(visitors.get("anna"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == 8
    assert len(visitors) <= 20
