"""What a notebook imports: README's example as it stands there, and each function's bounds."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ALONE, ROOT
from digits import drawn, grey_image
from test_hub import NETS

import mnist_demo
from mnist_demo import UserError, evaluate_net, hub, load_net, notebook, read_digit, train_net
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset
from mnist_demo.evaluate import evaluate
from mnist_demo.train import Diverged, Epoch, Event, Step, train

README = (ROOT / "README.md").read_text()
QUICK: dict[str, Any] = {
    "dataset": "sample",
    "net": "linear",
    "augment": "none",
    "epochs": 1,
    "device": "cpu",
}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)


def test_the_example_in_readme_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = re.findall(r"```python\n(from mnist_demo import .*?)```", README, re.DOTALL)
    assert len(example.strip().splitlines()) <= 10
    grey_image(drawn("7")).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(example, {})
    first, second, third = printed.getvalue().splitlines()
    assert re.fullmatch(r"a 7, \d+\.\d% sure", first)
    assert float(re.findall(r"reads ([\d.]+)%", second)[0]) > 80
    assert third.isdigit()
    assert load_net("mine.safetensors").name == "perceptron"


def test_the_import_alone_loads_nothing() -> None:
    code = "import sys, mnist_demo; dir(mnist_demo); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_every_public_name_is_there_and_hides_no_module() -> None:
    modules = {path.stem for path in (ROOT / "mnist_demo").iterdir()}
    for name in mnist_demo.__all__:
        assert getattr(mnist_demo, name)
        assert name in dir(mnist_demo)
        assert name not in modules  # else it would mean one or the other by chance
    with pytest.raises(AttributeError, match="load_nut"):
        _ = mnist_demo.load_nut


def test_a_digit_comes_as_file_bytes_picture_or_ink(tmp_path: Path) -> None:
    net, ink = load_net(), drawn("2")
    image = grey_image(ink)
    image.save(tmp_path / "two.png")
    path = tmp_path / "two.png"
    for picture in (path, str(path), path.read_bytes(), image, ink, ink.astype(np.float64)):
        assert read_digit(net, picture).digit == 2
    for wrong in (ink[0], 255 * ink, ink - 1, ink * np.nan):
        with pytest.raises(UserError, match=r"^ink .*give"):
            read_digit(net, wrong)
    with pytest.raises(UserError, match="no ink"):
        read_digit(net, np.zeros((140, 140)))
    with pytest.raises(UserError, match=r"not digits"):
        read_digit(NETS["colour"](), ink)
    with pytest.raises(UserError, match="there is no checkpoint"):
        load_net("none.safetensors")


@pytest.mark.parametrize("name", ["me/digits", "me/digits-1.0"])
def test_what_is_no_file_here_is_asked_for_on_the_hub(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(hub, "load", asked.append)
    load_net(name)
    assert asked == [name]
    with pytest.raises(UserError, match="there is no checkpoint"):
        load_net(f"{name}.safetensors")


def test_training_tells_its_events_and_measures_what_it_keeps(sample: Dataset) -> None:
    events: list[object] = []
    net = train_net(**QUICK, watch=events.append, seed=3)
    assert sum(isinstance(event, Epoch) for event in events) == 1
    assert any(isinstance(event, Step) for event in events)
    result = evaluate(net.net, sample.validation)
    assert net.metrics["held_out_accuracy"] == result.accuracy > 0.5
    assert net.metrics["validation_loss"] == pytest.approx(result.loss, rel=1e-4)
    assert evaluate_net(net).accuracy == result.accuracy
    assert "--seed 3" in net.command
    with pytest.raises(UserError, match="epochs is 0"):
        train_net(**QUICK | {"epochs": 0})
    with pytest.raises(UserError, match="unknown training settings: epoch"):
        train_net(**QUICK, epoch=3)
    with pytest.raises(UserError, match="knows the classes|takes images"):
        evaluate_net(NETS["colour"](), "sample")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"epochs": 2.5}, "epochs must be a whole number, not 2.5"),
        ({"seed": 1.0}, "seed must be a whole number, not 1.0"),
        ({"batch_size": True}, "batch_size must be a number, not True"),
        ({"learning_rate": "0.1"}, "learning_rate must be a number, not '0.1'"),
        ({"average": float("nan")}, "average must be a number, not nan"),
        ({"net": 5}, "net must be text, not 5"),
    ],
)
def test_a_setting_of_another_kind_is_refused_before_the_run(
    wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        train_net(**QUICK | wrong)
    assert TrainConfig(momentum=0, weight_decay=0).momentum == 0


def test_a_run_that_diverges_gives_the_net_of_its_good_epochs(
    sample: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*given: Any) -> Iterator[Event]:
        for event in train(*given):
            if event.epoch > 1:
                break
            yield event
        raise Diverged("the loss is no longer a number")

    monkeypatch.setattr(notebook, "train", broken_off)
    with pytest.warns(UserWarning, match="kept the best of 1 epochs: the loss is no longer"):
        net = train_net(**QUICK | {"epochs": 2})
    assert evaluate(net.net, sample.validation).accuracy > 0.5
    assert net.metrics["epochs"] == 1
    assert net.command.endswith("# stopped after epoch 1")

    def hopeless(*given: Any) -> Iterator[Event]:
        raise Diverged("the loss is no longer a number")
        yield

    monkeypatch.setattr(notebook, "train", hopeless)
    with pytest.raises(Diverged):
        train_net(**QUICK)


def test_a_holdout_too_small_to_judge_by_is_none() -> None:
    net = train_net(**QUICK, holdout=0.1)
    assert net.config["holdout"] == 0
    assert "--holdout 0.0" in net.command
    assert "--device cpu" in net.command


def test_its_command_trains_the_same_net(tmp_path: Path) -> None:
    net = train_net(**QUICK, seed=2)
    words = net.command.split()[1:]
    words[words.index("--out") + 1] = str(tmp_path / "again.safetensors")
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, timeout=100)
    again = load_net(tmp_path / "again.safetensors")
    assert again.config == net.config
    assert again.metrics["validation_accuracy"] == net.metrics["validation_accuracy"]
