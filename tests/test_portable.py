"""Nets as ONNX and torch.export: the same answers, in programs that know nothing of ours."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import ROOT
from test_hub import NETS

from mnist_demo import UserError, checkpoint, portable
from mnist_demo.checkpoint import RELEASED, SCEPTIC, load_checkpoint, save_checkpoint
from mnist_demo.cli import main
from mnist_demo.nets import find_net
from mnist_demo.portable import FORMATS, TOLERANCE, compare, find_format
from mnist_demo.quick import open_session

pytestmark = pytest.mark.timeout(400)  # the exporters' own imports take most of a minute


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """pytest asks for every line of PyTorch's tracing, which takes longer than the tracing."""
    caplog.set_level(logging.WARNING, "torch.__trace")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", NETS)
def test_the_file_answers_as_the_net_does(kind: str, name: str, tmp_path: Path) -> None:
    checkpoint = NETS[kind]()
    run = find_format(name).open(find_format(name).write(checkpoint))
    check = compare(checkpoint, run, tmp_path)
    assert check.images == 1000
    assert check.difference <= TOLERANCE
    assert check.same == 1000
    assert ("noise" in check.title) == (kind == "colour")  # CIFAR-10 is not there
    assert min(check.milliseconds, check.pytorch_milliseconds) > 0
    shape = find_net(checkpoint.kind).input_shape
    for batch in (1, 2, 7):  # none of which was named when it was made
        images = np.random.default_rng(batch).random((batch, *shape), dtype=np.float32)
        logits = run(images)
        assert logits.shape == (batch, len(checkpoint.labels))
        assert logits.dtype == np.dtype("float32")


def test_an_exporter_that_gives_up_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object, **__: object) -> None:
        raise torch.onnx.OnnxExporterError("as PyTorch 2.6 does")

    monkeypatch.setattr(torch.onnx, "export", give_up)
    with pytest.raises(UserError, match=r"torch>=2\.8"):
        FORMATS["onnx"].write(NETS["one"]())


def test_an_onnx_file_says_what_it_is() -> None:
    checkpoint = NETS["mean"]()
    model = onnx.load_from_string(FORMATS["onnx"].write(checkpoint))
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (given,), (gives,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == (
        "images",
        "tensor(float)",
        ["batch", 1, 28, 28],
    )
    assert (gives.name, gives.type, gives.shape) == ("logits", "tensor(float)", ["batch", 10])
    said = session.get_modelmeta().custom_metadata_map
    assert json.loads(said["labels"]) == list(checkpoint.labels)
    assert said["net"] == checkpoint.title
    assert "PREPROCESSING.md" in said["input"]


@pytest.mark.parametrize("path", [RELEASED, SCEPTIC], ids=lambda path: path.stem)
def test_a_released_file_says_what_is_known_of_its_net(path: Path) -> None:
    session = open_session(path.with_suffix(".onnx").read_bytes(), 1)
    said = session.get_modelmeta().custom_metadata_map
    assert said == portable.described(load_checkpoint(path))
    assert said["input"].startswith("float32 in [0, 1], white ink on black, see PREPROCESSING.md")


def test_other_nets_take_grey_or_colour_as_it_is() -> None:
    things = replace(NETS["described"](), labels=("cat", "dog"))
    assert "[0, 1], grey;" in portable.described(things)["input"]
    assert "[0, 1], RGB;" in portable.described(NETS["colour"]())["input"]


def test_a_file_that_differs_is_seen() -> None:
    checkpoint = NETS["one"]()
    own = portable.run_net(checkpoint.net)
    assert compare(checkpoint, lambda images: own(images) + 2e-4).difference > TOLERANCE
    off_by_one = compare(checkpoint, lambda images: np.roll(own(images), 1, 1))
    assert off_by_one.same < 500


def test_the_command_writes_what_another_program_loads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save_checkpoint(NETS["vote"](), tmp_path / "net.safetensors")
    out = tmp_path / "new" / "net.pt2"
    words = ["export", str(path), "--format", "torch-export", "--out", str(out)]
    assert main([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["bytes"] == out.stat().st_size
    assert report["difference"] <= TOLERANCE
    images = torch.rand(3, 1, 28, 28)
    torch.save(images, tmp_path / "images.pt")
    code = (
        "import sys, torch; images = torch.load('images.pt', weights_only=True);"
        f"logits = torch.export.load({str(out)!r}).module()(images);"
        "assert not any(name.startswith('mnist_demo') for name in sys.modules);"
        "torch.save(logits.detach(), 'logits.pt')"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    logits = torch.load(tmp_path / "logits.pt", weights_only=True)
    with torch.no_grad():
        assert torch.allclose(logits, load_checkpoint(path).net(images), atol=TOLERANCE)


def test_onnx_by_name_beside_the_net(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_checkpoint(NETS["one"](), tmp_path / "mine.safetensors")
    assert main(["export", "mine.safetensors", "--format", "onnx"]) == 0
    text = capsys.readouterr().out
    assert "wrote mine.onnx" in text
    assert "for 1,000 of 1,000 digits of the embedded sample of MNIST" in text
    assert "ms, PyTorch " in text
    assert onnx.load(tmp_path / "mine.onnx").graph.input[0].name == "images"


def test_what_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(save_checkpoint(NETS["one"](), tmp_path / "net.safetensors"))

    def error_of(*words: str) -> str:
        assert main(["export", path, *words]) == 2
        return capsys.readouterr().err

    out = str(tmp_path / "net.onnx")
    assert "choose one of: onnx, torch-export" in error_of("--format", "tflite", "--out", out)
    assert "cannot write" in error_of("--format", "onnx", "--out", str(tmp_path))
    before = Path(path).read_bytes()
    (tmp_path / "link").symlink_to(path)
    for same in (path, str(tmp_path / "link")):
        assert f"{same} is read for this" in error_of("--format", "onnx", "--out", same)
    monkeypatch.setattr(checkpoint, "RELEASED", Path(path))
    for words in (["export", "--format", "onnx"], ["hub", "card"]):
        assert main([*words, "--out", path]) == 2
        assert f"{path} is read for this" in capsys.readouterr().err
    assert Path(path).read_bytes() == before

    def other(content: bytes) -> portable.Run:
        return lambda images: np.zeros((len(images), 10), dtype=np.float32)

    bad = portable.Format(".bad", lambda checkpoint: b"", other, ())
    monkeypatch.setitem(FORMATS, "bad", bad)
    assert "nothing was written" in error_of("--format", "bad", "--out", out)
    monkeypatch.setattr(portable, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install onnx onnxscript onnxruntime"):
        find_format("onnx")
    assert not Path(out).exists()


def test_extras_are_asked_for_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """This package is on no index, so pip finds nothing by its name."""
    monkeypatch.setattr(portable, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"folder `pip install '\.\[export\]'`"):
        find_format("onnx")
    for path in (ROOT / "mnist_demo").rglob("*.py"):
        assert "mnist-demo[" not in path.read_text(), path


def test_pytorch_has_nothing_to_say_above_the_answer() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert FORMATS["torch-export"].write(load_checkpoint(RELEASED))
