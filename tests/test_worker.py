"""The process that trains: warm, obedient, and gone when it should be."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from mnist_demo.config import TrainConfig
from mnist_demo.page import crew as crews
from mnist_demo.page.background import Here, work_as_told
from mnist_demo.page.crew import Crew, Hand, Worker
from mnist_demo.page.job import Job, RaceJob
from mnist_demo.page.messages import End, Gone, Message, Phase, Steps, pack, unpack
from mnist_demo.page.runs import Run
from mnist_demo.page.starting import begin
from mnist_demo.page.trainer import follow
from mnist_demo.page.turns import Turns
from mnist_demo.page.visitors import Visitor
from mnist_demo.train import Epoch

LINEAR = TrainConfig(
    net="linear", dataset="sample", epochs=3, batch_size=64, augment="none", schedule="constant"
)
LONG = TrainConfig(net="linear", dataset="sample", epochs=200, batch_size=8, augment="none")
pytestmark = pytest.mark.timeout(300)  # processes, on a machine that may be busy


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    """One worker for all tests here, but for those that end it."""
    crew = Crew(Worker)
    crew.warm()
    yield crew
    crew.close()


def start(crew: Crew, config: TrainConfig = LINEAR) -> tuple[Run, Iterator[None]]:
    run = begin(Visitor("anna"), config, "some digits", "CPU")
    job = Job(config.to_dict(), "tests/no-such-folder", "cpu")
    return run, follow(run, Turns().join(), crew, job)


def advance(updates: Iterator[None], is_there: Callable[[], bool]) -> None:
    for _ in updates:
        if is_there():
            return
    raise AssertionError("the run ended first")


def pid_of(crew: Crew) -> int:
    hand = crew._waiting or next(iter(crew._lent))
    assert isinstance(hand, Worker)
    return hand.pid


def is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until(is_so: Callable[[], bool], seconds: float) -> float:
    since = time.monotonic()
    while not is_so():
        assert time.monotonic() - since < seconds, "it took too long"
        time.sleep(0.02)
    return time.monotonic() - since


def test_the_same_process_does_one_run_after_another_with_one_curve(crew: Crew) -> None:
    curves, processes = [], set()
    for _ in range(2):
        run, updates = start(crew)
        list(updates)
        assert run.status == "done", run.message
        assert run.accuracy is not None
        assert run.accuracy > 0.8
        assert run.checkpoint is not None
        curves.append([epoch.validation_loss for epoch in run.epochs])
        processes.add(pid_of(crew))
    assert curves[0] == curves[1]
    assert len(processes) == 1


def test_it_gives_way_to_the_server(crew: Crew) -> None:
    run, updates = start(crew)
    advance(updates, lambda: run.step > 0)
    assert os.getpriority(os.PRIO_PROCESS, pid_of(crew)) > os.getpriority(os.PRIO_PROCESS, 0)
    list(updates)


def test_stop_and_dials_reach_it(crew: Crew) -> None:
    run, updates = start(crew, LONG)
    advance(updates, lambda: run.step > 0)
    run.dials.learning_rate = 0.0123
    advance(updates, lambda: run.learning_rate == pytest.approx(0.0123, rel=0.999))
    run.pause.set()
    advance(updates, lambda: run.status == "paused")
    run.pause.clear()
    advance(updates, lambda: run.status == "training")
    run.stop.set()
    list(updates)
    assert run.status == "stopped"
    assert "changed on the way, to 0.0123" in (run.checkpoint.command if run.checkpoint else "")


def test_a_closed_page_leaves_the_worker_to_the_next(crew: Crew) -> None:
    run, updates = start(crew, LONG)
    advance(updates, lambda: run.step > 0)
    before = pid_of(crew)
    since = time.monotonic()
    updates.close()  # type: ignore[attr-defined]
    assert time.monotonic() - since < 30  # all of its epochs would take longer
    assert run.status == "stopped"
    following, updates = start(crew)
    list(updates)
    assert following.status == "done"
    assert pid_of(crew) == before or not is_there(before)


def test_a_worker_that_is_killed_costs_the_run_and_nothing_more() -> None:
    crew = Crew(Worker)
    try:
        run, updates = start(crew, LONG)
        advance(updates, lambda: len(run.epochs) >= 1)
        victim = pid_of(crew)
        os.kill(victim, signal.SIGKILL)
        list(updates)
        assert run.status == "failed"
        assert run.message.startswith("The training process was ended by signal 9, perhaps for")
        assert f"The net of epoch {run.best.epoch if run.best else 0} is kept" in run.message
        assert run.checkpoint is not None
        following, updates = start(crew)
        list(updates)
        assert following.status == "done"
        assert pid_of(crew) != victim
    finally:
        crew.close()


def test_who_leaves_while_it_starts_costs_the_next_nothing() -> None:
    crew = Crew(Worker)
    try:
        run, updates = start(crew, LONG)
        next(updates)
        first = pid_of(crew)
        updates.close()  # type: ignore[attr-defined]
        following, updates = start(crew)
        next(updates)
        assert pid_of(crew) == first
        list(updates)
        assert (following.status, len(following.epochs)) == ("done", LINEAR.epochs)
    finally:
        crew.close()


def test_who_leaves_while_it_starts_leaves_no_process_behind() -> None:
    crew = Crew(Worker)
    try:
        _, updates = start(crew, LONG)
        next(updates)
        first = crew._lent.copy().pop()
        assert isinstance(first, Worker)
        updates.close()  # type: ignore[attr-defined]
        wait_until(lambda: not first.is_fit, 150)  # it is ready, and ends what nobody waits for
        crew.warm()
        assert pid_of(crew) == first.pid or not is_there(first.pid)
    finally:
        crew.close()


def test_a_worker_that_does_not_let_go_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "PATIENCE", 0.3)

    class Deaf:
        is_idle = is_fit = False
        is_closed = False

        def begin(self, job: Job | RaceJob) -> None: ...

        def turn(self, **changes: object) -> None: ...

        def next(self, timeout: float) -> None:
            time.sleep(timeout)

        def close(self) -> None:
            self.is_closed = True

    hand = Deaf()
    crew = Crew(lambda: hand)
    with crew.lend():
        pass
    assert hand.is_closed


def test_a_worker_that_is_stuck_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = Crew(Worker)
    run, updates = start(stuck, LONG)
    advance(updates, lambda: run.step > 0)
    monkeypatch.setattr("mnist_demo.page.trainer.MAX_SILENCE", 3.0)
    pid = pid_of(stuck)
    os.kill(pid, signal.SIGSTOP)
    list(updates)
    assert run.status == "failed"
    assert "nothing was heard" in run.message
    wait_until(lambda: not is_there(pid), 30)
    stuck.close()


def test_nobody_is_hired_at_the_end_of_the_server() -> None:
    crew = Crew(Worker)
    crew.close()
    run, updates = start(crew, LONG)
    list(updates)
    assert run.status == "stopped"
    assert not crew._lent


def test_it_dies_with_a_server_that_is_killed() -> None:
    code = (
        "import time\nfrom mnist_demo.page.crew import Worker\n"
        "worker = Worker()\nprint(worker.pid, flush=True)\ntime.sleep(600)"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    worker = int(server.stdout.readline())
    assert is_there(worker)
    time.sleep(1.0)
    server.kill()
    server.wait()
    wait_until(lambda: not is_there(worker), 150)  # also while it still imports


def test_its_modules_know_no_gradio() -> None:
    code = "import sys, mnist_demo.page.worker; print('gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize("how", ["Here", "wrapped"])
def test_on_a_thread_of_the_server_it_is_the_same_run(how: str, crew: Crew) -> None:
    """As on ZeroGPU, whose wrapper gets the one function that trains."""
    wrapped: list[Job | RaceJob] = []

    def gpu(*given: Any):  # type: ignore[no-untyped-def]
        """Between processes all goes through pickle: nothing in memory is shared."""
        job, told = pickle.loads(pickle.dumps(given))
        wrapped.append(job)
        for message in work_as_told(job, told):
            yield pickle.loads(pickle.dumps(message))

    def hire() -> Hand:
        return Here() if how == "Here" else Here(gpu)

    run, updates = start(Crew(hire))
    list(updates)
    assert run.status == "done"
    assert len(wrapped) == (how == "wrapped")
    again, updates = start(Crew(hire), LONG)
    advance(updates, lambda: again.step > 0)
    again.pause.set()
    advance(updates, lambda: again.status == "paused")
    again.pause.clear()
    advance(updates, lambda: again.status == "training")
    again.stop.set()
    list(updates)
    assert again.status == "stopped"


def test_a_gpu_that_cannot_be_had_is_told() -> None:
    def refuse(job: Job | RaceJob, told: Path):  # type: ignore[no-untyped-def]
        yield Phase("training")
        raise RuntimeError("No GPU was available after 60s")

    run, updates = start(Crew(lambda: Here(refuse)))
    list(updates)
    assert run.status == "failed"
    assert run.message.startswith("The GPU could not be had")


def test_messages_come_as_they_went(tmp_path: Path) -> None:
    epoch = Epoch(1, 2, 0.5, 0.9, 0.4, 0.92, 0.001, 1.5, 1000.0)
    steps = Steps(3, 9, 0.01, 1.0, None, [0.1, 0.2], [2.0, 1.5])
    sent: list[Message] = [Phase("training"), steps, epoch, End("done")]
    path = tmp_path / "messages"
    path.write_bytes(b"".join(pack(message) for message in sent))
    with path.open("rb") as stream:
        assert [unpack(stream) for _ in sent] == sent
        assert unpack(stream) is None
    path.write_bytes(pack(steps)[:-3])
    with path.open("rb") as stream:
        assert unpack(stream) is None  # cut in the middle: whoever sent it is gone
    assert Gone(-9).code == -9
