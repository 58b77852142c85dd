"""A run that was broken off goes on as if nothing had been: in process, and killed for real."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from conftest import ALONE, ROOT
from safetensors.torch import load_file

from mnist_demo import faults, learner, resume
from mnist_demo.cli import main
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset
from mnist_demo.errors import UserError
from mnist_demo.faults import OutOfMemory
from mnist_demo.nets import build_net
from mnist_demo.resume import Running, begin, check_same, keep_on_disk, read_stored, take_up
from mnist_demo.train import Diverged, Epoch, Step

SMALL = TrainConfig(
    net="custom:blocks=1,width=4,dropout=0.3",
    dataset="sample",
    epochs=4,
    batch_size=32,
    augment="handwriting",
)


@pytest.fixture(scope="module")
def few(sample: Dataset) -> Dataset:
    train = sample.train.take(torch.arange(0, 4000, 13))
    return dataclasses.replace(
        sample, train=train, validation=sample.validation.take(torch.arange(0, 1000, 10))
    )


def fresh(config: TrainConfig) -> Running:
    return begin(build_net(config.net, config.seed), config)


def curve(run: Running, data: Dataset, path: Path | None = None, until: int = 99) -> list[float]:
    """Every figure that a run gives, to the end or until that many steps of this call."""
    figures: list[float] = []
    events = run.events(data)
    if path is not None:
        events = keep_on_disk(events, path, run, data, dict, pytest.fail)
    steps = 0
    for event in events:
        if isinstance(event, Step):
            figures += [float(event.loss), event.learning_rate]
            steps += 1
        elif isinstance(event, Epoch):
            figures += [event.validation_loss, event.validation_accuracy, event.train_loss]
        if steps == until:
            break
    events.close()
    return figures


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"optimizer": "sgd", "schedule": "step"},
        {"optimizer": "sgd", "momentum": 0.0, "keep": "last"},
        {"optimizer": "rmsprop", "average": 0.9},
        {"optimizer": "adam", "average": 0.5, "precision": "bfloat16"},
        {"focus": 0.8},
    ],
    ids=str,
)
def test_a_run_taken_up_is_the_unbroken_run_bit_for_bit(
    few: Dataset, tmp_path: Path, change: dict[str, object]
) -> None:
    config = dataclasses.replace(SMALL, **change)  # type: ignore[arg-type]
    whole = fresh(config)
    expected = curve(whole, few)
    batches = len(few.train) // 32
    place = tmp_path / "run"
    curve(fresh(config), few, place, until=2 * batches + 3)  # broken off in the third epoch
    stored = read_stored(place)
    assert len(stored.epochs) == 2
    again = take_up(stored, build_net(config.net, 77), place)
    rest = curve(again, few, place)
    assert rest == expected[-len(rest) :]
    assert len(rest) == 2 * (2 * batches + 3)
    ours, theirs = again.learner.net.state_dict(), whole.learner.net.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert [e.validation_loss for e in again.epochs] == [e.validation_loss for e in whole.epochs]


def test_a_dial_that_was_turned_stays_turned(few: Dataset, tmp_path: Path) -> None:
    run, place = fresh(SMALL), tmp_path / "run"
    run.dials.learning_rate = 0.0005
    curve(run, few, place, until=10)
    stored = read_stored(place)
    assert take_up(stored, build_net(SMALL.net), place).dials.learning_rate == 0.0005


@pytest.fixture
def place(few: Dataset, tmp_path: Path) -> Path:
    curve(fresh(SMALL), few, tmp_path / "run", until=10)
    return tmp_path / "run"


@pytest.mark.parametrize("lie", ["gone", "of fewer images", "no numbers"])
def test_doubts_that_do_not_fit_the_images_are_told(few: Dataset, tmp_path: Path, lie: str) -> None:
    config, place = dataclasses.replace(SMALL, focus=0.8), tmp_path / "run"
    curve(fresh(config), few, place, until=2 * (len(few.train) // 32) + 1)
    stored = read_stored(place)
    if lie == "gone":
        del stored.tensors["doubts"]
    elif lie == "of fewer images":
        stored.tensors["doubts"] = stored.tensors["doubts"][:5]
    else:
        stored.tensors["doubts"].fill_(float("nan"))
        run = take_up(stored, build_net(config.net), place)
        assert len(curve(run, few)) > 0  # taken as doubtful, all alike
        return
    with pytest.raises(UserError, match="does not fit"):
        take_up(stored, build_net(config.net), place)


@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "another header", "a checkpoint"])
def test_a_damaged_file_is_told_and_not_used(place: Path, damage: str) -> None:
    content = place.read_bytes()
    released = ROOT / "models" / "digits.safetensors"
    if damage == "another header":
        content = content.replace(b'"mnist-demo-run-1', b'"mnist-demo-run-9', 1)
        content = content.replace(b'\\"mnist-demo-run-1', b'\\"mnist-demo-run-9', 1)
    new = {
        "cut": content[: len(content) // 2],
        "empty": b"",
        "noise": os.urandom(5000),
        "another header": content,
        "a checkpoint": released.read_bytes() if released.exists() else b"none",
    }[damage]
    place.write_bytes(new)
    with pytest.raises(UserError, match="damaged or not an interrupted run.*without --resume"):
        read_stored(place)


def test_weights_that_do_not_fit_are_told(place: Path) -> None:
    stored = read_stored(place)
    with pytest.raises(UserError, match="does not fit the net"):
        take_up(stored, build_net("linear"), place)
    stored.tensors.pop(next(key for key in stored.tensors if key.startswith("kept.")))
    with pytest.raises(UserError, match="does not fit the net"):
        take_up(stored, build_net(SMALL.net), place)


def test_settings_that_differ_are_named(place: Path, few: Dataset) -> None:
    stored = read_stored(place)
    check_same(stored, SMALL, few, place)
    other = dataclasses.replace(SMALL, epochs=9, optimizer="sgd")
    with pytest.raises(UserError, match="epochs \\(9 here, 4 there\\), optimizer \\(sgd here"):
        check_same(stored, other, few, place)
    less = dataclasses.replace(few, validation=few.validation.take(torch.arange(5)))
    with pytest.raises(UserError, match="number of images"):
        check_same(stored, SMALL, less, place)


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_refuses_costs_no_run(
    few: Dataset, place: Path, monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    """After the first epoch the disk is full: it is told once, and the old file stays whole."""

    def refuse(descriptor: int) -> None:
        raise OSError(kind, os.strerror(kind))

    before = place.read_bytes()
    monkeypatch.setattr(os, "fsync", refuse)
    run, told = fresh(SMALL), list[str]()
    events = keep_on_disk(run.events(few), place, run, few, dict, told.append)
    assert sum(isinstance(event, Epoch) for event in events) == SMALL.epochs
    words = "the disk is full" if kind == errno.ENOSPC else "the folder cannot be written to"
    assert told == [f"this run could not be resumed: {words}"]
    assert place.read_bytes() == before
    assert [file.name for file in place.parent.iterdir()] == [place.name]


@pytest.mark.parametrize("which", ["best", "last"])
def test_a_loss_that_is_no_number_leaves_the_last_good_epoch(
    few: Dataset, tmp_path: Path, which: str
) -> None:
    config = dataclasses.replace(SMALL, keep=which, optimizer="sgd", schedule="constant")
    run, good = fresh(config), {}

    def learn() -> None:
        for event in run.events(few):
            if isinstance(event, Epoch):
                run.dials.learning_rate = 1e30  # what no visitor may choose
                good.update({k: v.clone() for k, v in run.learner.net.state_dict().items()})

    with pytest.raises(Diverged, match="learning rate well below 1e\\+30"):
        learn()
    assert len(run.epochs) == 1
    left = run.learner.net.state_dict()
    assert all(torch.equal(left[name], good[name]) for name in good)


def test_a_device_without_room_is_told_with_the_remedy(
    few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = learner.Learner.learn

    def learn(self: learner.Learner, *args: object) -> object:
        if args[3] == 12:  # type: ignore[comparison-overlap]
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return real(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(learner.Learner, "learn", learn)
    run = fresh(SMALL)
    with pytest.raises(OutOfMemory, match="batches of 32; choose a smaller batch size"):
        list(run.events(few))
    assert len(run.epochs) == 1


def test_the_processor_s_allocator_is_understood() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50, dtype=torch.uint8)
    assert faults.is_out_of_memory(caught.value)
    assert not faults.is_out_of_memory(RuntimeError("shapes do not match"))


# ---- the command, killed for real ----

WORDS = ["--dataset", "sample", "--net", "custom:blocks=1,width=4,dropout=0.3", "--epochs", "12"]
WORDS += ["--batch-size", "40", "--augment", "handwriting", "--average", "0.9", "--device", "cpu"]


def command(out: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "mnist_demo", "train", "--out", str(out), *words]


def environment() -> dict[str, str]:
    return os.environ | ALONE | {"OMP_NUM_THREADS": "1"}


def figures(text: str) -> list[str]:
    return [line.rsplit("  ", 1)[0] for line in text.splitlines() if line.startswith("epoch ")]


def kill_after(out: Path, epochs: int, wait: float, *words: str) -> list[str]:
    """Starts a run, kills it so long after so many epochs, and gives what it had said."""
    process = subprocess.Popen(
        command(out, *words), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    )
    said: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        said += figures(line)
        if len(said) == epochs:
            break
    time.sleep(wait)
    process.kill()
    said += figures(process.stdout.read())
    assert process.wait(20) == -signal.SIGKILL
    return said


@pytest.mark.timeout(600)  # three processes, on a machine that may be busy
def test_killed_at_several_moments_and_resumed_it_ends_as_if_unbroken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "digits.safetensors"
    place = tmp_path / "digits.safetensors.resume"
    said = kill_after(out, 1, 0.0, *WORDS)  # as the first epoch's line comes
    said = said[: len(read_stored(place).epochs)]
    said += kill_after(out, 1, 0.2, "--resume")  # in mid-epoch
    said = said[: len(read_stored(place).epochs)]
    assert 2 <= len(said) < 12
    assert not out.exists()
    last = subprocess.run(
        command(out, "--resume"), cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert last.returncode == 0, last.stderr
    assert f"goes on after epoch {len(said)} of 12" in last.stdout
    assert sorted(file.name for file in tmp_path.iterdir()) == [out.name]  # all else is removed

    whole = tmp_path / "whole.safetensors"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the others had
    assert main(["train", "--out", str(whole), *WORDS]) == 0
    torch.set_num_threads(threads)
    assert said + figures(last.stdout) == figures(capsys.readouterr().out)
    ours, theirs = load_file(out), load_file(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def run_main(out: Path, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process that first does `before`."""
    code = f"import sys\nfrom mnist_demo.cli import main\n{before}\nsys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, "train", "--out", str(out), *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )


QUICK = ["--dataset", "sample", "--net", "linear", "--epochs", "2", "--augment", "none"]
# No file may grow beyond 10 KB, as on a disk with so much room; Python ignores SIGXFSZ.
FULL = "import resource, torch; resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))"


def test_a_full_disk_is_told_and_nothing_half_written_stays(tmp_path: Path) -> None:
    out = tmp_path / "digits.safetensors"
    done = run_main(out, *QUICK, before=FULL)
    assert done.returncode == 2
    assert "note: this run could not be resumed: the disk is full" in done.stderr
    assert f"cannot write {out}: the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_net_that_could_not_be_written_is_written_by_resume(tmp_path: Path) -> None:
    """The disk fills up at the very end: nothing has to be learned anew."""
    out = tmp_path / "digits.safetensors"
    spoil = (
        "from mnist_demo import faults\n"
        "def full(*_): raise OSError(28, 'No space left on device')\n"
        "faults.write_whole = full"
    )
    first = run_main(out, *QUICK, before=spoil)
    assert first.returncode == 2
    assert "run again with --resume" in first.stderr
    second = run_main(out, "--resume")
    assert second.returncode == 0, second.stderr
    assert not figures(second.stdout)
    assert [file.name for file in tmp_path.iterdir()] == [out.name]


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "marked"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_a_read_only_folder_is_refused_before_the_work(read_only: Path) -> None:
    done = run_main(read_only / "digits.safetensors", *QUICK)
    assert done.returncode == 2
    assert "choose another place with --out" in done.stderr
    assert not figures(done.stdout)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--resume"], "there is no interrupted run"),
        (["--resume", "--epochs", "7"], "epochs (7 here, 4 there)"),
    ],
)
def test_resume_says_why_it_cannot(few: Dataset, place: Path, words: list[str], text: str) -> None:
    out = place.parent / "digits.safetensors"
    if len(words) > 1:
        os.replace(place, resume_of(out))
    done = run_main(out, *words)
    assert done.returncode == 2
    assert text in done.stderr


def resume_of(out: Path) -> Path:
    return out.with_name(f"{out.name}.resume")


def test_out_of_memory_on_the_command_line_is_one_line(tmp_path: Path) -> None:
    """A batch that no memory holds: the allocator itself refuses."""
    spoil = (
        "import torch\nfrom mnist_demo import learner\n"
        "def learn(self, images, *_): torch.empty(2**50, dtype=torch.uint8)\n"
        "learner.Learner.learn = learn"
    )
    done = run_main(tmp_path / "digits.safetensors", *QUICK, before=spoil)
    assert done.returncode == 2
    assert done.stderr.startswith("error: out of memory with batches of 128; choose a smaller")


def test_the_header_is_json_alone(place: Path) -> None:
    stored = read_stored(place)
    assert json.loads(json.dumps(stored.notes)) == {}
    assert resume.FORMAT.encode() in place.read_bytes()[:4000]
