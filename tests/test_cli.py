"""The command line through real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from conftest import ALONE, ROOT, Run
from digits import DRAWINGS, drawn, grey_image
from PIL import Image

from mnist_demo.augment import AUGMENTS
from mnist_demo.calibration import calibration_error, reliability
from mnist_demo.checkpoint import SCEPTIC, load_checkpoint, save_checkpoint
from mnist_demo.cli import main
from mnist_demo.cli.settings import SETTINGS
from mnist_demo.config import BOUNDS, TrainConfig
from mnist_demo.datasets import Dataset
from mnist_demo.datasets.export import export_parts
from mnist_demo.evaluate import evaluate
from mnist_demo.nets import NETS
from mnist_demo.optimise import OPTIMIZERS, SCHEDULES

QUICK = ["train", "--dataset", "sample", "--net", "perceptron", "--augment", "none"]


@pytest.fixture(scope="module")
def trained(cli: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "net.safetensors"
    done = cli(*QUICK, "--epochs", 2, "--lr", "0.004", "--out", path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "4,000 digits of the embedded sample" in lines[0]
    assert [line.split()[:4] for line in lines[1:3]] == [
        ["epoch", "1", "of", "2"],
        ["epoch", "2", "of", "2"],
    ]
    assert "held-out accuracy" in lines[3]
    assert "1,000 digits" in lines[3]
    return path


def one_line_error(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    return line


def test_help_names_every_command(cli: Run) -> None:
    done = cli("--help")
    assert done.returncode == 0
    for command in ("train", "evaluate", "predict", "nets", "download", "benchmark"):
        assert command in done.stdout


def test_every_setting_is_an_option_with_its_default(cli: Run) -> None:
    text = " ".join(cli("train", "--help").stdout.split())
    assert set(SETTINGS) == set(TrainConfig().to_dict())
    for name, value in TrainConfig().to_dict().items():
        assert f"--{name.replace('_', '-')}" in text
        assert f"(default: {value}" in text
    for name in (*AUGMENTS, *OPTIMIZERS, *SCHEDULES):
        assert name in text


def test_what_was_trained_says_how_and_how_well(trained: Path, sample: Dataset) -> None:
    checkpoint = load_checkpoint(trained)
    assert (checkpoint.name, checkpoint.dataset) == ("perceptron", "sample")
    assert checkpoint.config["learning_rate"] == 0.004
    result = evaluate(checkpoint.net, sample.validation)
    assert checkpoint.metrics["held_out_accuracy"] == result.accuracy > 0.8
    assert checkpoint.metrics["validation_loss"] == pytest.approx(result.loss, rel=1e-4)
    assert checkpoint.metrics["epochs"] == 2
    assert "test_accuracy" not in checkpoint.metrics


def test_a_net_that_saw_other_digits_is_not_passed_off_as_unseen(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = load_checkpoint(trained)
    checkpoint.config["holdout"] = 0.3
    words = ["evaluate", "--dataset", "sample", "--checkpoint"]
    assert main([*words, str(trained)]) == 0
    assert "was trained on" not in capsys.readouterr().out
    other = str(save_checkpoint(checkpoint, tmp_path / "net.safetensors"))
    assert main([*words, other]) == 0
    assert "1,500 held-out digits" in capsys.readouterr().out
    assert main([*words, other, "--split", "validation"]) == 0
    known = re.search(r"([\d,]+) of which this net was trained on", capsys.readouterr().out)
    assert known
    assert int(known[1].replace(",", "")) > 600  # seven of ten, more or less


def test_the_stored_command_gives_the_same_net_again(trained: Path, tmp_path: Path) -> None:
    command = load_checkpoint(trained).command
    python, rest = command.split(" ", 1)
    assert python == "python"
    words = [sys.executable, *rest.split()]
    words[words.index("--out") + 1] = str(tmp_path / "again.safetensors")
    subprocess.run(
        words, cwd=ROOT, env=os.environ | ALONE, check=True, capture_output=True, timeout=100
    )
    first, again = load_checkpoint(trained), load_checkpoint(tmp_path / "again.safetensors")
    assert {k: v for k, v in first.metrics.items() if k != "seconds"} == {
        k: v for k, v in again.metrics.items() if k != "seconds"
    }


def test_evaluate_prints_what_the_core_finds(
    trained: Path, cli: Run, sample: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    result = evaluate(load_checkpoint(trained).net, sample.validation)
    done = cli("evaluate", "--checkpoint", trained, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["accuracy"] == result.accuracy
    assert report["confusion"] == result.confusion.tolist()
    assert report["calibration_error"] == calibration_error(reliability(result))
    assert report["per_class"]["7"] == pytest.approx(result.per_class[7])
    assert report["count"] == 1000
    assert "held-out" in report["digits"]
    words = ["evaluate", "--checkpoint", str(trained), "--dataset", "sample"]
    picture = trained.with_suffix(".png")
    assert main([*words, "--split", "validation", "--reliability", str(picture)]) == 0
    with Image.open(picture) as opened:
        assert opened.height > opened.width > 300
    text = capsys.readouterr().out
    assert f"accuracy {result.accuracy:.2%}" in text
    assert str(result.confusion[3, 3]) in text


def test_a_class_without_images_has_no_accuracy(
    sample: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = sample.validation.take(sample.validation.labels.ne(7).nonzero()[:, 0])
    export_parts({"train": few, "validation": few}, sample.labels, tmp_path)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    words = ["evaluate", "--dataset", str(tmp_path)]
    assert main([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert report["per_class"]["7"] is None
    assert report["per_class"]["8"] > 0.9
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "nan" not in text
    assert re.search(r"^ +7( +0){10} +-$", text, re.MULTILINE)


def test_evaluate_takes_the_released_net_and_refuses_a_test_set_that_is_not_there(
    cli: Run,
) -> None:
    done = cli("evaluate", "--split", "test")
    assert done.returncode == 2
    assert "mnist_demo download" in one_line_error(done)


def test_samples_of_the_released_net_need_no_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MNIST_DEMO_DATA", str(tmp_path / "none"))
    out = tmp_path / "samples.png"
    assert main(["samples", "--count", "4", "--out", str(out)]) == 0
    assert "of 4 right, a sample of the 5,000 digits of the embedded" in capsys.readouterr().out
    assert out.is_file()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for name in DRAWINGS:
        grey_image(drawn(name)).save(folder / f"{name}.png")
    grey_image(drawn("7"), 0, 1).save(folder / "more" / "7.jpeg")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_predict_reads_files_and_folders_in_order(cli: Run, pictures: Path) -> None:
    done = cli("predict", pictures, pictures / "2.png", "--json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    expected = ["1.png", "2.png", "7.png", "7.jpeg", "2.png"]
    assert [Path(row["file"]).name for row in rows] == expected
    assert [row["digit"] for row in rows] == [1, 2, 7, 7, 2]
    for row in rows:
        assert len(row["probabilities"]) == 10
        assert sum(row["probabilities"]) == pytest.approx(1, abs=1e-4)
        assert row["confidence"] == max(row["probabilities"])


@pytest.mark.parametrize("as_json", [True, False])
def test_a_bad_file_among_many_is_reported_and_the_others_answered(
    cli: Run, pictures: Path, as_json: bool
) -> None:
    (pictures / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n no more")
    Image.new("L", (100, 100), 255).save(pictures / "blank.png")
    done = cli("predict", pictures, pictures / "none.png", *["--json"] * as_json)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    if as_json:
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        errors = {Path(row["file"]).name: row["error"] for row in rows if "error" in row}
        assert done.stderr == ""
        assert [row["digit"] for row in rows if "digit" in row] == [1, 2, 7, 7]
    else:
        found = re.findall(r"^error: (.*?\.png): (.*)$", done.stderr, re.MULTILINE)
        errors = {Path(file).name: reason for file, reason in found}
        answers = re.findall(r"^.*: (\d) \(\d+\.\d%\)", done.stdout, re.MULTILINE)
        assert answers == ["1", "2", "7", "7"]
    assert set(errors) == {"bad.png", "blank.png", "none.png"}
    assert "no ink" in errors["blank.png"]
    assert "No such file" in errors["none.png"]


def test_a_folder_without_pictures_is_an_error(cli: Run, tmp_path: Path) -> None:
    done = cli("predict", tmp_path)
    assert done.returncode == 1
    assert "no pictures" in one_line_error(done)


def test_a_folder_that_may_not_be_read_is_an_error_and_the_others_are_answered(
    pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refusing(path: str) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "more":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert main(["predict", str(pictures), str(pictures / "2.png")]) == 1
    told = capsys.readouterr()
    assert f"error: {pictures}: {pictures / 'more'} cannot be read (Permission denied)" in told.err
    assert re.findall(r"^.*: (\d) \(\d+\.\d%\)", told.out, re.MULTILINE) == ["2"]


def test_a_sceptic_answers_of_ink_as_it_learned_it(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = ["--checkpoint", str(SCEPTIC), "--json"]
    assert main(["predict", *map(str, sorted(pictures.glob("*.png"))), *net]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["label"] for row in rows] == ["a digit"] * 3


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "--checkpoint", "{}"],
        ["predict", "{}"],
        ["evaluate", "--dataset", "{}"],
        ["train", "--dataset", "sample", "--out", "{}"],
        ["train", "--dataset", "sample", "--resume", "--out", "{}"],
        ["train", "--dataset", "sample", "--also", "{}", "--out", "net.safetensors"],
        ["data", "import", "{}", "--name", "mine"],
        ["hub", "save", "{}"],
    ],
)
def test_a_path_that_the_disk_refuses_is_one_line(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    long = str(tmp_path / ("x" * 300 + ".csv"))
    assert main([word.format(long) for word in words]) in (1, 2)
    assert re.match(r"error: .*x{300}.*name too long", capsys.readouterr().err, re.IGNORECASE)


def test_nets_lists_the_registry(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nets", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(NETS)
    assert next(row for row in rows if row["name"] == "linear")["params"] == 7850
    assert main(["nets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *NETS]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "required"),
        (["frobnicate"], "invalid choice"),
        (["train"], "--out"),
        ([*QUICK, "--epochs", "0", "--out", "x"], "epochs is 0; choose from 1 to 200"),
        ([*QUICK, "--epochs", "many", "--out", "x"], "invalid int"),
        ([*QUICK, "--lr", "nan", "--out", "x"], "learning_rate must be a number"),
        ([*QUICK, "--net", "huge", "--out", "x"], "choose one of: compact"),
        ([*QUICK, "--optimizer", "lion", "--out", "x"], "choose one of: adam"),
        ([*QUICK, "--device", "tpu", "--out", "x"], "no device 'tpu' here"),
        ([*QUICK, "--out", "Makefile/net.safetensors"], "cannot write"),
        ([*QUICK, "--dataset", "mnist", "--out", "x"], "mnist_demo download"),
        ([*QUICK, "--dataset", "", "--out", "x"], "no data set is called ''"),
        ([*QUICK, "--out", "/"], "cannot write"),
        (["evaluate", "--checkpoint", "none.safetensors"], "there is no checkpoint"),
        (["predict", "Makefile", "--checkpoint", "Makefile"], "not a safetensors file"),
        (["predict"], "PATH"),
        (["download", "--mirror", "http://127.0.0.1:9/"], "could not be fetched"),
        (["benchmark", "nope"], "invalid choice"),
        (["benchmark", "load", "--seed", "-1"], "--seed is -1; choose 0 or more"),
        (["benchmark", "strangers", "--seed", "-1"], "--seed is -1; choose 0 or more"),
        (["benchmark", "drawn", "--strokes", "none.gz"], "--strokes"),
        (["benchmark", "drawn", "--writers", "a-b"], "--writers"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_exit_code_2(
    words: list[str],
    reason: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """In this process, for speed; `main` is all that the process adds."""
    monkeypatch.setenv("MNIST_DEMO_DATA", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Makefile").write_text("no net\n")
    try:
        code = main(words)
    except SystemExit as exit_of_argparse:
        code = int(str(exit_of_argparse.code))
    assert code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    assert reason in line
    assert not (tmp_path / "x").exists()


def test_a_process_gives_that_line_and_code_too(cli: Run) -> None:
    done = cli(*QUICK, "--seed", "-1", "--out", "x")
    assert done.returncode == 2
    assert "seed is -1" in one_line_error(done)


def test_ctrl_c_stops_after_a_batch_and_keeps_the_best_epoch(
    tmp_path: Path, sample: Dataset
) -> None:
    path = tmp_path / "net.safetensors"
    words = [*QUICK, "--epochs", "200", "--out", str(path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "mnist_demo", *words],
        cwd=ROOT,
        env=os.environ | ALONE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if line.startswith("epoch   2"):
            process.send_signal(signal.SIGINT)
            break
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "stopped early: kept the best of" in out
    checkpoint = load_checkpoint(path)
    assert 2 <= checkpoint.metrics["epochs"] < 200
    assert "# stopped after epoch" in checkpoint.command
    assert evaluate(checkpoint.net, sample.validation).accuracy > 0.7


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_run_that_diverges_says_so_and_keeps_the_last_good_epoch(
    keep: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(BOUNDS, "gamma", (0.1, 1e30))  # no setting in bounds diverges for sure
    path = tmp_path / "net.safetensors"
    settings = ["--optimizer", "sgd", "--schedule", "step", "--lr", "0.05", "--gamma", "1e30"]
    code = main([*QUICK, *settings, "--epochs", "3", "--keep", keep, "--out", str(path)])
    captured = capsys.readouterr()
    assert code == 2
    assert "error: the loss is no longer a number" in captured.err
    assert load_checkpoint(path).metrics["epochs"] == 1  # the last good one, whichever is asked for
    assert load_checkpoint(path).metrics["held_out_accuracy"] > 0.7


FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    MemoryError(),
]


def fill_memory(patch: pytest.MonkeyPatch, error: Exception) -> None:
    """No net has room for a pass."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    patch.setattr(torch.nn.Module, "__call__", refuse)


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["evaluate", "--dataset", "sample"], "try --device cpu or a smaller net"),
        (["evaluate", "--dataset", "sample", "--device", "cpu"], "try a smaller net"),
        (["predict", "2.png"], "try a smaller net"),
        (["samples", "--out", "samples.png"], "try a smaller net"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_full_device_is_told_in_one_line_with_the_remedy(
    words: list[str],
    remedy: str,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("MNIST_DEMO_DATA", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    grey_image(drawn("2")).save("2.png")
    fill_memory(monkeypatch, error)
    assert main(words) == 2
    assert capsys.readouterr().err == f"error: out of memory; {remedy}\n"


def test_a_last_test_without_room_costs_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise FULL[0]

    words = [*QUICK, "--epochs", "1", "--out", str(tmp_path / "net.safetensors")]
    with monkeypatch.context() as patch:
        patch.setattr("mnist_demo.outcome.figures_of", refuse)
        assert main(words) == 2
    told = capsys.readouterr().err
    assert "--resume and --device cpu or a smaller --test-batch-size\n" in told
    assert main([*words, "--resume", "--device", "cpu", "--test-batch-size", "100"]) == 0
    assert "goes on after epoch 1 of 1" in capsys.readouterr().out


def test_a_training_that_has_no_room_to_begin_is_told_the_batch_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise FULL[0]

    monkeypatch.setattr(Dataset, "to", refuse)
    assert main([*QUICK, "--out", str(tmp_path / "net.safetensors")]) == 2
    told = capsys.readouterr().err
    assert told.endswith("try --device cpu, a smaller net or a smaller --batch-size\n")


def test_another_fault_is_not_passed_off_as_want_of_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill_memory(monkeypatch, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes"):
        main(["evaluate", "--dataset", "sample"])


def test_want_of_memory_is_told_without_torch() -> None:
    """`nets` stands for any command that does without."""
    code = (
        "import sys\n"
        "from mnist_demo.cli import main, nets\n"
        "def refuse(args): raise MemoryError\n"
        "nets.run = refuse\n"
        "code = main(['nets'])\n"
        "sys.exit(7 if 'torch' in sys.modules else code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert one_line_error(done) == "error: out of memory; try a smaller net"


@pytest.mark.parametrize("code", [0, 1])
def test_an_audit_without_data_does_not_pass_and_says_why(code: int, tmp_path: Path) -> None:
    """pip-audit ends with 1 for an unsafe package, and with `--strict` for one without data."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$@"\nexit {code}\n')
    python.chmod(0o755)
    make = ["make", "--old-file", ".venv/.audit", "audit", f"BIN={tmp_path}"]
    done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "-m pip_audit --strict" in done.stdout
    assert "-r requirements.txt" in done.stdout
    assert bool(done.returncode) == bool(code)
    assert ("or pip-audit had no data on it" in done.stderr) == bool(code)
