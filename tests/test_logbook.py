"""TensorBoard's files hold the run's own figures, read back with TensorBoard itself."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import ALONE, ROOT
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnist_demo import UserError, logbook
from mnist_demo.checkpoint import load_checkpoint
from mnist_demo.cli import main
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Dataset
from mnist_demo.evaluate import evaluate
from mnist_demo.logbook import logged
from mnist_demo.nets import build_net
from mnist_demo.train import Epoch, Event, Step, keep, train

CONFIG = TrainConfig(
    net="linear", dataset="sample", epochs=2, batch_size=64, augment="none", seed=4
)


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    return events


def test_every_figure_of_a_run_is_there(sample: Dataset, tmp_path: Path) -> None:
    net = build_net(CONFIG.net, CONFIG.seed)
    run = keep(train(net, sample.train, sample.validation, CONFIG), net)
    seen = list(logged(run, net, sample, CONFIG, tmp_path / "run"))
    steps = [event for event in seen if isinstance(event, Step)]
    epochs = [event for event in seen if isinstance(event, Epoch)]
    found = read(tmp_path / "run")

    def values(name: str) -> list[tuple[int, float]]:
        return [(scalar.step, scalar.value) for scalar in found.Scalars(name)]

    assert len(steps) == 2 * (4000 // 64)
    assert [step for step, _ in values("batch/loss")] == [step.step for step in steps]
    assert [loss for _, loss in values("batch/loss")] == [float(step.loss) for step in steps]
    accuracies = [value for _, value in values("accuracy/validation")]
    assert accuracies == pytest.approx([epoch.validation_accuracy for epoch in epochs])
    losses = [value for _, value in values("loss/train")]
    assert losses == pytest.approx([epoch.train_loss for epoch in epochs])
    (settings,) = found.Tensors("settings/text_summary")
    text = settings.tensor_proto.string_val[0].decode()
    assert json.loads(text.removeprefix("```json\n").removesuffix("\n```")) == CONFIG.to_dict()
    result = evaluate(net, sample.validation)
    (counted,) = found.Tensors("mistakes/text_summary")
    said = counted.tensor_proto.string_val[0].decode()
    assert said.startswith(f"{1000 - result.correct:,} of 1,000")
    (picture,) = found.Images("mistakes/predicted (true)")
    pixels = np.asarray(Image.open(io.BytesIO(picture.encoded_image_string)).convert("RGB"))
    red, green = np.array((255, 0, 0)), np.array((0, 128, 0))
    assert (pixels == red).all(2).any()  # all titles are red: each is a mistake
    assert not (pixels == green).all(2).any()


def test_a_run_that_is_stopped_is_logged_with_the_weights_it_kept(
    sample: Dataset, tmp_path: Path
) -> None:
    net = build_net(CONFIG.net, CONFIG.seed)
    run = keep(train(net, sample.train, sample.validation, CONFIG), net)
    events = logged(run, net, sample, CONFIG, tmp_path)
    for event in events:
        if isinstance(event, Step) and event.epoch == 2 and event.step >= 70:
            break
    events.close()
    found = read(tmp_path)
    assert found.Scalars("batch/loss")[-1].step == 70  # what was not yet fetched, too
    assert len(found.Scalars("accuracy/validation")) == 1
    (counted,) = found.Tensors("mistakes/text_summary")
    wrong = 1000 - evaluate(net, sample.validation).correct
    assert counted.tensor_proto.string_val[0].decode().startswith(f"{wrong:,} of 1,000")


def test_a_run_without_an_epoch_has_no_mistakes_to_show(sample: Dataset, tmp_path: Path) -> None:
    def none() -> Iterator[Event]:
        yield from ()

    assert list(logged(none(), build_net("linear"), sample, CONFIG, tmp_path)) == []
    assert read(tmp_path).Tags()["images"] == []


def test_the_option_of_train_writes_it(tmp_path: Path) -> None:
    words = ["train", "--dataset", "sample", "--net", "linear", "--augment", "none"]
    words += ["--epochs", "1", "--device", "cpu", "--out", str(tmp_path / "net.safetensors")]
    assert main([*words, "--log-to", str(tmp_path / "logs")]) == 0
    found = read(tmp_path / "logs")
    (accuracy,) = found.Scalars("accuracy/validation")
    metrics = load_checkpoint(tmp_path / "net.safetensors").metrics
    assert accuracy.value == pytest.approx(metrics["validation_accuracy"])


BROKEN_OFF = """
import os, sys
from mnist_demo.cli import main, train

def in_mid_epoch(step, *_):
    if step.step == 120:
        os.kill(os.getpid(), int(sys.argv[1]))

train.line_of_step = in_mid_epoch
main(sys.argv[2:])
"""


@pytest.mark.parametrize("by", ["SIGKILL", "SIGINT"])
def test_a_run_that_was_broken_off_and_goes_on_has_each_batch_once(by: str, tmp_path: Path) -> None:
    words = ["train", "--out", str(tmp_path / "net"), "--log-to", str(tmp_path / "logs")]
    settings = ["--dataset", "sample", "--net", "linear", "--augment", "none", "--epochs", "3"]
    settings += ["--batch-size", "64", "--device", "cpu"]
    subprocess.run(
        [sys.executable, "-c", BROKEN_OFF, str(int(signal.Signals[by])), *words, *settings],
        cwd=ROOT,
        env=os.environ | ALONE,
        timeout=120,
    )
    time.sleep(1)  # TensorBoard reads files in the order of the second that their names hold
    assert main([*words, "--resume"]) == 0
    found = read(tmp_path / "logs")
    for name in ("batch/loss", "batch/learning rate"):
        assert [point.step for point in found.Scalars(name)] == [*range(1, 3 * 62 + 1)]
    assert [point.step for point in found.Scalars("accuracy/validation")] == [1, 2, 3]


# Files beyond 60 KB are refused, as by a full disk; the net and what resumes it are smaller.
SMALL_DISK = """
import resource, sys
from mnist_demo.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
sys.exit(main(sys.argv[1:]))
"""


def test_a_disk_that_is_full_ends_the_log_and_not_the_run(tmp_path: Path) -> None:
    words = ["train", "--dataset", "sample", "--net", "linear", "--augment", "none"]
    words += ["--optimizer", "sgd", "--momentum", "0", "--batch-size", "32", "--epochs", "6"]
    words += ["--out", str(tmp_path / "net"), "--log-to", str(tmp_path / "logs")]
    done = subprocess.run(
        [sys.executable, "-c", SMALL_DISK, *words],
        cwd=ROOT,
        env=os.environ | ALONE,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("ends here: the disk is full") == 1
    assert "Traceback" not in done.stderr
    assert "epoch   6 of 6" in done.stdout
    assert (tmp_path / "net").is_file()
    assert read(tmp_path / "logs").Scalars("accuracy/validation")[0].step == 1


def test_what_is_missing_is_said_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--log-to"):
        logbook.check_logs(tmp_path / "file" / "logs")
    monkeypatch.setattr(logbook, "find_spec", lambda name: None)
    words = ["train", "--dataset", "sample", "--out", str(tmp_path / "x")]
    assert main([*words, "--log-to", str(tmp_path)]) == 2
    assert "pip install 'tensorboard" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
