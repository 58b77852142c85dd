"""Digits of one's own beside a data set: what is learned from them, and that none of it judges."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch
from PIL import Image

from mnist_demo import hub
from mnist_demo.checkpoint import (
    Checkpoint,
    combine,
    from_bytes,
    load_checkpoint,
    save_checkpoint,
)
from mnist_demo.cli import calibrate, main
from mnist_demo.cli.evaluate import choose_split
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset, Split, files, joined, load_dataset
from mnist_demo.datasets.beside import MOST_TIMES, SHARE, learn_beside
from mnist_demo.datasets.export import export_parts
from mnist_demo.errors import UserError
from mnist_demo.judging import unseen
from mnist_demo.material import material, with_own
from mnist_demo.nets import build_net
from mnist_demo.notebook import evaluate_net, train_net
from mnist_demo.page.job import Controls, Job
from mnist_demo.page.links import link_of
from mnist_demo.page.messages import End, Net
from mnist_demo.page.own_digits import MOST, SAVED_AS, read_own
from mnist_demo.page.words import HERE
from mnist_demo.page.work import work
from mnist_demo.resume import begin, check_same, read_stored
from mnist_demo.resume import to_bytes as run_bytes

NOWHERE = "tests/no-such-folder"


def digits(count: int, start: int = 0) -> Split:
    """Pictures that are no digits of MNIST's, all different."""
    images = torch.zeros(count, 1, 28, 28, dtype=torch.uint8)
    for number in range(count):
        images[number, 0, 4:24, 4:24] = 100
        images[number, 0, 10, 10] = start + number
    return Split(images, torch.arange(count) % 10)


def as_sent(split: Split) -> str:
    rows = torch.cat([split.labels[:, None].to(torch.uint8), split.images.flatten(1)], 1)
    return base64.b64encode(rows.numpy().tobytes()).decode()


def as_csv(split: Split, path: Path) -> Path:
    rows = torch.cat([split.labels[:, None], split.images.flatten(1)], 1).tolist()
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def test_own_digits_make_up_their_share_of_an_epoch(sample: Dataset) -> None:
    data = learn_beside(sample, digits(200))
    added = len(data.train) - len(sample.train)
    assert added / len(data.train) == pytest.approx(SHARE, abs=0.01)
    assert torch.equal(data.train.images[: len(sample.train)], sample.train.images)
    counts = [int((data.train.images == image).flatten(1).all(1).sum())
              for image in digits(200).images[:3]]  # fmt: skip
    assert counts == [added // 200] * 3
    assert (data.validation, data.test) == (sample.validation, sample.test)
    assert data.title == f"{sample.title} and 200 of your own"


def test_few_are_not_shown_without_end_and_many_are_shown_once(sample: Dataset) -> None:
    few = learn_beside(sample, digits(2))
    assert len(few.train) == len(sample.train) + 2 * MOST_TIMES
    small = replace(sample, train=sample.train.take(torch.arange(50)))
    assert len(learn_beside(small, digits(200)).train) == 250


def test_what_judges_is_not_learned_from(sample: Dataset) -> None:
    judge = replace(sample, name="other", test=digits(3))
    known = sample.validation.take(torch.arange(5))
    own = Split(
        torch.cat([known.images, digits(4).images]), torch.cat([known.labels, digits(4).labels])
    )
    data = learn_beside(sample, own, judge)
    learned = data.train.images[len(sample.train) :]
    assert data.title.endswith("and 1 of your own")
    assert len(torch.unique(learned.flatten(1), dim=0)) == 1
    with pytest.raises(UserError, match="none is left to learn from"):
        learn_beside(sample, known)


def test_images_of_another_kind_are_refused(sample: Dataset) -> None:
    photos = Split(torch.zeros(3, 3, 32, 32, dtype=torch.uint8), torch.zeros(3).long())
    with pytest.raises(UserError, match="images of another kind"):
        learn_beside(sample, photos)


def test_the_command_line_learns_from_a_file_and_is_not_judged_by_it(
    cli: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    file = as_csv(digits(20), tmp_path / "mine.csv")
    out = tmp_path / "net.safetensors"
    settings = ["--net", "linear", "--dataset", "sample", "--epochs", "2", "--augment", "none"]
    done = cli("train", *settings, "--also", str(file), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "and 20 of your own" in done.stdout
    net = load_checkpoint(out)
    assert net.learned_beside == [str(file)]
    assert f"--also {file}" in net.command
    judged = cli("evaluate", "--checkpoint", str(out), "--dataset", str(file))
    assert judged.returncode == 2
    assert "trained on all digits of" in judged.stderr
    more = as_csv(digits(30), tmp_path / "more.csv")
    judged = cli("evaluate", "--checkpoint", str(out), "--dataset", str(more))
    assert "judged by 10 of the 30 digits" in judged.stdout
    words = ["--dataset", str(more), "--split", "validation"]
    judged = cli("evaluate", "--checkpoint", str(out), *words)
    assert "of which this net was trained on" in judged.stdout
    file.unlink()
    judged = cli("evaluate", "--checkpoint", str(out), "--dataset", str(more))
    assert f"{file} is not here to compare them with" in judged.stdout


def test_other_classes_are_refused(tmp_path: Path) -> None:
    config = TrainConfig(dataset="sample", also=str(tmp_path / "pets"))
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(3):
            place = tmp_path / "pets" / name / f"{number}.png"
            Image.new("RGB", (32, 32), (number, 9, 9)).save(place)
    with pytest.raises(UserError, match="other classes"):
        material(config, NOWHERE)


def test_digits_that_its_run_left_out_are_not_said_to_be_learned(
    sample: Dataset, tmp_path: Path
) -> None:
    known = sample.validation.take(torch.arange(5))
    file = as_csv(joined(known, digits(4)), tmp_path / "mine.csv")

    def net(**settings: Any) -> Checkpoint:
        config = TrainConfig(net="linear", dataset="sample", also=str(file), **settings).to_dict()
        return Checkpoint(build_net("linear"), "linear", "sample", sample.labels, config)

    for wanted in (None, "validation"):
        split, title = choose_split(wanted, net(), sample, Path(NOWHERE))
        assert len(split) == 1000
        assert "trained on" not in title
    _, title = choose_split("validation", net(holdout=0.3), sample, Path(NOWHERE))
    assert "of which this net was trained on" in title  # most of the usual ones


def test_a_file_of_one_digit_is_known_again(sample: Dataset, tmp_path: Path) -> None:
    """A data set by itself it is not, for none of it could be held out."""
    one, more = as_csv(digits(1), tmp_path / "one.csv"), as_csv(digits(9), tmp_path / "more.csv")
    config = TrainConfig(net="linear", dataset="sample", also=str(one)).to_dict()
    net = Checkpoint(build_net("linear"), "linear", "sample", sample.labels, config)
    split, title = choose_split(None, net, load_dataset(str(more)), Path(NOWHERE))
    assert len(split) == 8
    assert "not here" not in title
    assert len(evaluate_net(net, str(more), NOWHERE).truth) == 8


@pytest.mark.parametrize("which", ["dataset", "also"])
def test_own_digits_that_were_written_over_are_told(which: str, tmp_path: Path) -> None:
    """Their name and their number are as before; what was learned may now be held out."""
    file, other = tmp_path / "mine.csv", as_csv(digits(9, 90), tmp_path / "other.csv")
    as_csv(digits(60), file)
    settings: dict[str, Any] = {"dataset": "sample"} | {which: str(file)}
    net = train_net(**settings, net="linear", augment="none", epochs=1, device="cpu")
    alone = save_checkpoint(net, tmp_path / "net.safetensors")
    hub.save(load_checkpoint(alone), tmp_path / "hub")
    old = replace(net, net=build_net("linear", 9), learned=())  # of a version before
    both = save_checkpoint(combine([old, net]), tmp_path / "both.safetensors")
    judged = load_dataset(str(file if which == "dataset" else other))

    def told(path: Path) -> str:
        return choose_split(None, load_checkpoint(path), judged, Path(NOWHERE))[1]

    for path in (alone, tmp_path / "hub", both):
        assert "changed" not in told(path)
    as_csv(digits(60, 7), file)
    judged = load_dataset(str(file if which == "dataset" else other))
    for path in (alone, tmp_path / "hub", both):
        assert f"; {file} changed since it was learned from" in told(path)
    assert "changed" not in told(save_checkpoint(old, tmp_path / "old.safetensors"))
    _, words = choose_split(None, load_checkpoint(alone), load_dataset("sample"), Path(NOWHERE))
    assert ("changed" in words) == (which == "dataset")  # else its run left the sample's out
    file.unlink()
    if which == "also":
        assert "changed" not in told(alone)


@pytest.mark.timeout(60)
def test_a_header_that_names_what_never_ends_is_not_followed(
    sample: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = TrainConfig(net="linear", dataset="/dev/zero", also="/dev/zero").to_dict()
    net = Checkpoint(build_net("linear"), "linear", "/dev/zero", sample.labels, strange)
    path = str(save_checkpoint(net, tmp_path / "net.safetensors"))
    assert main(["evaluate", "--checkpoint", path, "--dataset", "sample"]) == 0
    assert "/dev/zero is not here to compare them with" in capsys.readouterr().out
    assert main(["evaluate", "--checkpoint", path]) == 2
    assert main(["calibrate", "--checkpoint", path, "--out", str(tmp_path / "x")]) == 2
    assert capsys.readouterr().err.count("/dev/zero is neither a file nor a folder") == 2


@pytest.fixture
def apart(sample: Dataset, tmp_path: Path) -> tuple[list[str], str]:
    """A list whose pictures lie elsewhere, as options name it; and a net that learned from it."""
    few = sample.train.take(torch.arange(0, 4000, 100))
    export_parts({"train": few, "validation": few}, sample.labels, tmp_path)
    (tmp_path / "lists").mkdir()
    file = (tmp_path / "train.txt").rename(tmp_path / "lists" / "mine.txt")
    named = ["--dataset", str(file), "--image-root", str(tmp_path)]
    out = str(tmp_path / "net.safetensors")
    settings = ["--net", "linear", "--epochs", "1", "--augment", "none", "--device", "cpu"]
    assert main(["train", *settings, *named, "--out", out]) == 0
    return named, out


def test_a_list_whose_pictures_lie_elsewhere_is_read_once_and_told_when_it_changed(
    apart: tuple[list[str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    named, out = apart
    reads: list[Path] = []
    read = files.read_list

    def counted(path: Path, root: Path | None) -> Any:
        reads.append(path)
        return read(path, root)

    monkeypatch.setattr(files, "read_list", counted)
    words = ["evaluate", "--checkpoint", out, *named]
    assert main(words) == 0
    assert "changed" not in capsys.readouterr().out
    assert len(reads) == 1
    assert main(words[:3] + named[2:]) == 0  # by what it learned from, which need not be named
    file = Path(named[1])
    file.write_text("".join(file.read_text().splitlines(keepends=True)[::-1]))
    capsys.readouterr()
    assert main(words) == 0
    assert f"{file} changed since it was learned from" in capsys.readouterr().out


def test_a_temperature_is_not_found_by_files_that_were_written_over(
    apart: tuple[list[str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(calibrate, "LEAST", 1)
    (_, path, *root), out = apart
    words = ["calibrate", "--checkpoint", out, *root, "--out", f"{out}.new"]
    assert main(words) == 0
    file = Path(path)
    file.write_text("".join(file.read_text().splitlines(keepends=True)[::-1]))
    assert main(words) == 2
    assert f"{file} changed since it was learned from" in capsys.readouterr().err


@pytest.mark.parametrize("which", ["dataset", "also"])
def test_a_run_goes_on_with_the_files_that_it_began_with_alone(which: str, tmp_path: Path) -> None:
    file, place = as_csv(digits(60), tmp_path / "mine.csv"), tmp_path / "run"
    settings: dict[str, Any] = {"dataset": "sample"} | {which: str(file)}
    config, data = material(TrainConfig(net="linear", **settings), NOWHERE)
    place.write_bytes(run_bytes(begin(build_net("linear"), config), data))
    check_same(read_stored(place), config, data, place)
    as_csv(digits(60, 7), file)
    _, other = material(config, NOWHERE)
    with pytest.raises(UserError, match="no longer those that the interrupted run .* put the file"):
        check_same(read_stored(place), config, other, place)
    check_same(replace(read_stored(place), digest=""), config, other, place)  # of before


def test_an_ensemble_names_the_files_of_all_its_nets(sample: Dataset) -> None:
    def net(seed: int, also: str) -> Checkpoint:
        config = TrainConfig(net="linear", dataset="sample", also=also).to_dict()
        return Checkpoint(build_net("linear", seed), "linear", "sample", sample.labels, config)

    both = combine([net(1, "a.csv"), net(2, ""), net(3, "b.csv")])
    assert both.learned_beside == ["a.csv", "b.csv"]
    split, title = unseen(both, sample, load_dataset)  # a run leaves out what the sample judges by
    assert len(split) == 1000
    assert "compare" not in title


# ---- the page ----


def test_what_the_page_sends_is_read_again() -> None:
    own = read_own(as_sent(digits(7)))
    assert own is not None
    assert torch.equal(own.images, digits(7).images)
    assert torch.equal(own.labels, digits(7).labels)
    assert read_own("") is None
    assert read_own(None) is None


@pytest.mark.parametrize(
    "sent",
    [
        *(7, True, ["AAAA"], {"digits": "AAAA"}, "AAAA", "no base64!", "é" * 1048, "=" * 1048),
        as_sent(Split(digits(1).images, torch.tensor([10]))),
        as_sent(digits(2))[:-4],
        as_sent(digits(200)) + as_sent(digits(MOST - 199)),
    ],
)
def test_what_else_is_sent_is_refused(sent: Any) -> None:
    with pytest.raises(UserError, match="cannot read; reload it"):
        read_own(sent)


def test_a_link_tells_nobody_to_learn_from_digits_that_it_does_not_hold() -> None:
    assert link_of(TrainConfig(also=SAVED_AS)) == link_of(TrainConfig())


LINEAR = TrainConfig(net="linear", dataset="sample", epochs=2, augment="none", also=SAVED_AS)


def job(own: str, **more: Any) -> Job:
    return Job(LINEAR.to_dict(), NOWHERE, "cpu", own=own, **more)


def test_a_run_learns_digits_that_it_could_not_know() -> None:
    shown = digits(40)
    own = Split(shown.images, torch.full((40,), 6))
    messages = list(work(job(as_sent(own)), Controls()))
    assert [end.how for end in messages if isinstance(end, End)] == ["done"]
    net = from_bytes([message for message in messages if isinstance(message, Net)][-1].content)
    assert net.learned_beside == [SAVED_AS]
    answers = net.net(own.images.float() / 255).argmax(1)
    assert (answers == 6).float().mean() > 0.9


def test_a_run_goes_on_with_the_digits_that_it_began_with_alone(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    controls = Controls()
    for message in work(job(as_sent(digits(9)), state=state), controls):
        if isinstance(message, Net):  # an epoch is over
            controls.turn({"leave": True})
    kept = Path(state).read_bytes()
    other = Split(digits(9).images, digits(9).labels.roll(1))  # as many, under other names
    *_, end = work(job(as_sent(other), state=state, is_resumed=True), Controls())
    assert isinstance(end, End)
    assert (end.how, end.is_final) == ("failed", False)
    assert "your digits are no longer those" in end.text
    assert Path(state).read_bytes() == kept
    *_, end = work(job(as_sent(digits(9)), state=state, is_resumed=True), Controls())
    assert isinstance(end, End)
    assert end.how == "done"


def test_the_command_of_a_run_takes_the_file_in_the_order_that_the_page_did(
    tmp_path: Path, sample: Dataset
) -> None:
    file = as_csv(digits(20), tmp_path / "mine.csv")
    config = TrainConfig(dataset="sample", also=str(file))
    _, by_file = material(config, NOWHERE)
    by_page = with_own(sample, digits(20), NOWHERE)
    assert torch.equal(by_file.train.images, by_page.train.images)
    assert torch.equal(by_file.train.labels, by_page.train.labels)
    one = as_csv(digits(1), tmp_path / "one.csv")
    assert "and 1 of your own" in material(replace(config, also=str(one)), NOWHERE)[1].title


def test_page_and_server_agree_on_what_is_kept() -> None:
    script = (HERE / "own_digits.js").read_text()
    assert f"MOST_KEPT = {MOST};" in script
    assert f'saveAs(file, "{SAVED_AS}")' in (HERE / "sketchpad_mine.js").read_text()
    assert f"data import {SAVED_AS}" in (HERE / "sketchpad.html").read_text()


def test_the_file_that_a_run_names_is_never_opened(tmp_path: Path) -> None:
    """It is a visitor's, and its name on the server means nothing."""
    secret = as_csv(digits(3), tmp_path / "secret.csv")
    asked = replace(LINEAR, also=str(secret))
    messages = list(work(Job(asked.to_dict(), NOWHERE, "cpu"), Controls()))
    assert isinstance(messages[-1], End)
    assert "not in this browser any more" in messages[-1].text
