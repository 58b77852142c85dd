"""The benchmarks measure what they say."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Run
from digits import DRAWINGS, drawn

from mnist_demo.benchmark import describe_machine, machine_line, own, throughput
from mnist_demo.benchmark.drawn import (
    METHODS,
    read,
    read_ranges,
    without_centre_of_mass,
    without_proportions,
)
from mnist_demo.benchmark.server import answers, free_port
from mnist_demo.benchmark.startup import time_to_import, time_to_page
from mnist_demo.benchmark.strangers import auroc
from mnist_demo.checkpoint import RELEASED, SCEPTIC, Checkpoint, save_checkpoint
from mnist_demo.cli import main
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import DIGITS, Dataset
from mnist_demo.errors import UserError
from mnist_demo.nets import build_net
from mnist_demo.preprocess import preprocess_ink
from mnist_demo.strokes import BRUSH, HEIGHT, PAD, PenDigit, draw_anywhere


@pytest.fixture
def strokes(tmp_path: Path) -> Path:
    """Three digits of two writers, five times each."""
    entries = [
        {"label": int(name), "writer": writer, "strokes": [s.tolist() for s in DRAWINGS[name]]}
        for name in DRAWINGS
        for writer in (4, 21, 21, 22, 22)
    ]
    path = tmp_path / "pen.json.gz"
    path.write_bytes(gzip.compress(json.dumps(entries).encode()))
    return path


@pytest.mark.parametrize("which", ["drawn", "strangers", "own"])
def test_no_drawings_tell_nothing(
    which: str, strokes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--strokes", str(strokes), "--writers", "21", "--count", "0"]
    assert main(["benchmark", which, *words]) == 2
    assert "--count is 0; choose 1 or more" in capsys.readouterr().err


def test_drawn_counts_the_digits_of_the_chosen_writers(
    cli: Run, strokes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["benchmark", "drawn", "--strokes", str(strokes), "--writers", "20-23", "--seeds", "3"]
    done = cli(*words, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["writers"] == [21, 22]
    assert result["digits"] == 12
    assert list(result["accuracy"]) == list(METHODS)
    accuracy = {name: np.mean(values) for name, values in result["accuracy"].items()}
    assert all(len(values) == 3 for values in result["accuracy"].values())
    assert accuracy["all steps"] == 1
    assert accuracy["canvas merely shrunk"] < 1
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == result["accuracy"]  # seeded
    assert main(words) == 0
    text = capsys.readouterr().out
    assert result["machine"]["torch"] in text
    assert "all steps                    100.00%" in text


def test_own_digits_are_learned_from_and_the_rest_of_the_hand_is_read(
    strokes: Path,
    sample: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = replace(sample, train=sample.train.take(torch.arange(0, 4000, 8)))
    monkeypatch.setattr("mnist_demo.datasets.load_dataset", lambda name: few)
    words = ["benchmark", "own", "--strokes", str(strokes), "--seeds", "1", "--count", "1"]
    assert main([*words, "--writers", "21,22", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["digits"] == [3, 3]  # one of each of the three was learned from
    assert [len(values) for values in result["accuracy"]["with"]] == [2]
    assert main([*words, "--writers", "4,22"]) == 2
    assert "choose a lower --count" in capsys.readouterr().err
    assert "their other 6, by nets of the seeds [1]" in own.format_report(result)


def test_digits_are_drawn_in_the_sizes_and_pens_promised() -> None:
    rng = np.random.default_rng(0)
    digit = PenDigit(7, 1, tuple(DRAWINGS["7"]))
    heights, places = [], []
    for _ in range(100):
        top, left, bottom, _ = preprocess_ink(draw_anywhere(digit.strokes, rng)).box
        heights.append((bottom - top) / PAD)
        places.append((top, left))
    assert HEIGHT[0] < min(heights) < 0.45
    assert 0.8 < max(heights) < HEIGHT[1] + BRUSH[1]
    assert np.std(places, axis=0).min() > 8


def test_leaving_a_step_out_leaves_out_that_step() -> None:
    ink = drawn("1", 0.8, brush=0.03)
    wide = without_proportions(ink)
    assert np.ptp(np.flatnonzero(wide.any(0))) >= 18  # a 1 is stretched to the whole width
    seven = drawn("7")
    boxed, centred = without_centre_of_mass(seven), preprocess_ink(seven).centred
    assert boxed.sum() == pytest.approx(centred.sum(), rel=1e-5)
    rows = np.flatnonzero(boxed.any(1))
    assert (rows[0], rows[-1]) == (4, 23)


def test_ink_that_a_method_cannot_find_counts_as_black() -> None:
    pictures = read(METHODS["all steps"], [np.zeros((140, 140), dtype=np.float32), drawn("2")])
    assert not pictures[0].any()
    assert pictures[1].any()


def test_ranges_of_writers() -> None:
    assert read_ranges("21-23,4") == {4, 21, 22, 23}


def test_throughput_times_the_nets_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--net", "linear", "--device", "cpu", "--seconds", "0.2", "--runs", "2"]
    assert main(["benchmark", "throughput", *words, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["net"] == "linear"
    assert len(row["images_per_s"]) == 2
    assert min(row["images_per_s"]) > 50


def test_throughput_goes_on_where_the_longest_run_is_soon_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter(range(10_000))  # a second a look: 4,000 digits in batches of 512 are 7 steps
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    config = TrainConfig("linear", epochs=1, batch_size=512, augment="none")
    rate = throughput.images_per_second(config, torch.device("cpu"), 100)
    assert rate > 0


APP = """
import http.server, sys
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def test_startup_waits_for_the_page(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("import time\ntime.sleep(0.5)\n" + APP)
    wall, processor = time_to_page(app, patience=60)
    assert 0.5 < wall < 60
    assert 0 < processor < 20


@pytest.mark.parametrize(
    ("text", "reason", "patience"),
    [
        ("raise SystemExit(3)", "code 3", 60),
        ("import time; time.sleep(60)", "no page within 1 s", 1),
    ],
)
def test_startup_gives_up_on_an_app_that_does_not_start(
    text: str, reason: str, patience: float, tmp_path: Path
) -> None:
    app = tmp_path / "app.py"
    app.write_text(text)
    with pytest.raises(UserError, match=reason):
        time_to_page(app, patience=patience)


def test_an_import_is_timed_or_its_error_told(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(0.3)\n")
    wall, processor = time_to_import("import slow", tmp_path)
    assert 0.3 < wall < 60
    assert 0 < processor < 20
    with pytest.raises(UserError, match="No module named 'absent'"):
        time_to_import("import absent", tmp_path)


def test_nobody_answers_on_a_free_port() -> None:
    assert not answers(free_port())


def test_the_machine_is_named() -> None:
    machine = describe_machine("numpy", "no-such-package")
    assert machine["numpy"] == np.__version__
    assert machine["no-such-package"] == "not installed"
    assert machine["cpu"] in machine_line(machine)
    assert f"{machine['cores']} cores" in machine_line(machine)


def test_auroc_is_the_part_of_pairs_in_the_right_order() -> None:
    assert auroc([0.1, 0.2], [0.3, 0.4]) == 1
    assert auroc([0.3, 0.4], [0.1, 0.2]) == 0
    assert auroc([0.1, 0.5], [0.5, 0.9]) == pytest.approx((1 + 1 + 0.5 + 1) / 4)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["drawn", "--checkpoint", str(SCEPTIC)], "something else apart in .* not drawn digits"),
        (
            ["drawn", "--checkpoint", "colour"],
            "32x32 pixels in colour, not drawn digits; choose another with --checkpoint",
        ),
        (
            ["strangers", "--checkpoint", str(SCEPTIC)],
            "something else apart in .* not drawn digits",
        ),
        (["strangers", "--sceptic", str(RELEASED)], "doubts nothing; name one .* with --sceptic"),
    ],
)
def test_nets_that_read_no_drawn_digits_are_refused(
    words: list[str],
    reason: str,
    strokes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "custom:input=3x32x32"  # of digits by its labels alone
    colour = Checkpoint(build_net(name), name, "mine", DIGITS, {})
    path = str(save_checkpoint(colour, tmp_path / "colour.safetensors"))
    words = [path if word == "colour" else word for word in words]
    assert main(["benchmark", *words, "--strokes", str(strokes), "--writers", "22"]) == 2
    assert re.search(reason, capsys.readouterr().err)


def test_strangers_are_counted_by_kind(
    strokes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def sceptic(doubts: bool) -> Path:
        net = build_net("sceptic")
        with torch.no_grad():
            net[-1].weight.zero_()  # type: ignore[index]
            net[-1].bias.copy_(torch.tensor([0.0, 9.0 if doubts else -9.0]))  # type: ignore[index]
        labels = ("a digit", "something else")
        one = Checkpoint(net.eval(), "sceptic", "digit-or-not", labels, {})
        return save_checkpoint(one, tmp_path / f"{doubts}.safetensors")

    words = ["benchmark", "strangers", "--strokes", str(strokes), "--writers", "22"]
    words += ["--count", "4", "--json", "--sceptic"]
    assert main([*words, str(sceptic(True))]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["writers"] == [22]
    assert set(result["called_strange"]) == {"letter", "shape", "scribble", "side by side"}
    assert set(result["called_strange"].values()) == {1.0}
    assert result["digits_called_strange"] == 1
    assert set(result["auroc"].values()) == {0.5}  # it doubts all alike
    assert main([*words, str(sceptic(False))]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["digits_called_strange"] == 0
    assert result["rows_read"] == {"2": 0.0, "3": 0.0}  # what is not doubted is one digit
