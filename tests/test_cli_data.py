"""The command `data`, and training and evaluation on what it makes."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from digits import DRAWINGS, drawn, photo
from PIL import Image

from mnist_demo.checkpoint import load_checkpoint
from mnist_demo.cli import _parser, main
from mnist_demo.datasets import DIGITS, Dataset, data_folder, load_dataset, mnist_is_in
from mnist_demo.datasets.stats import as_text, stats_of

QUICK = ["--net", "linear", "--augment", "none", "--epochs", "1", "--batch-size", "32"]
HERE = data_folder().resolve()


@pytest.fixture(autouse=True)
def no_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MNIST_DEMO_DATA", str(tmp_path / "data"))


def test_stats_are_those_that_numpy_finds(
    sample: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "stats", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    pixels = sample.train.images.numpy() / 255  # the held-out digits are not the training's
    assert report["over"] == "train"
    assert report["images"] == 4000
    assert report["mean"] == pytest.approx(pixels.mean(), rel=1e-12)
    assert report["std"] == pytest.approx(pixels.std(), rel=1e-12)
    assert report["per_class"]["train"] == dict.fromkeys(DIGITS, 400)
    assert report["per_class"]["validation"] == dict.fromkeys(DIGITS, 100)
    assert main(["data", "stats", "--dataset", "sample"]) == 0
    text = capsys.readouterr().out
    assert f"mean {report['mean']}  standard deviation {report['std']}" in text
    assert text.splitlines()[-1].split() == ["all", "4,000", "1,000"]


def test_stats_of_mnist_are_those_of_the_source(capsys: pytest.CaptureFixture[str]) -> None:
    """Over all 60,000 training digits, as a tutorial printed them; no test digit has a part."""
    if not mnist_is_in(HERE):
        pytest.skip(f"full MNIST is not in {HERE}; set MNIST_DEMO_DATA")
    assert main(["data", "stats", "--data-dir", str(HERE), "--dataset", "mnist", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["mean"], report["std"]) == (0.1306604762738429, 0.30810780385646264)
    assert report["images"] == 60_000
    assert sum(report["per_class"]["test"].values()) == 10_000


def test_stats_of_colours_are_a_channel_each() -> None:
    images = torch.randint(0, 256, (7, 3, 4, 5), dtype=torch.uint8)
    stats = stats_of(images)
    pixels = images.numpy() / 255
    assert stats.mean == pytest.approx(pixels.mean())
    assert stats.channel_means == pytest.approx(pixels.mean((0, 2, 3)))
    assert stats.channel_stds == pytest.approx(pixels.std((0, 2, 3)))


def test_export_and_stats_of_what_was_exported_agree(
    tmp_path: Path, sample: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["data", "export", "--dataset", "sample", "--split", "validation", "--out", str(out)]
    assert main(words) == 0
    assert "1,000 digits of the embedded sample" in capsys.readouterr().out
    assert [path.name for path in out.glob("*.txt")] == ["validation.txt"]
    lines = (out / "validation.txt").read_text().splitlines()
    labels = sample.validation.labels.tolist()
    assert lines[7] == f"images/validation_7_{labels[7]}.png\t{labels[7]}"
    picture = np.asarray(Image.open(out / lines[7].split("\t")[0]))
    assert np.array_equal(picture, sample.validation.images[7, 0].numpy())
    assert main(words) == 2
    assert "is there already" in capsys.readouterr().err
    assert main([*words[:-1], str(tmp_path / "x"), "--split", "test"]) == 2
    assert "has no part 'test'; choose one of: train, validation" in capsys.readouterr().err


def test_show_prints_a_digit_and_saves_it(
    tmp_path: Path, sample: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    png, csv = tmp_path / "new" / "digit.png", tmp_path / "new" / "digit.csv"
    where = ["data", "show", "12", "--split", "validation"]
    assert main([*where, "--out", str(png), "--out", str(csv)]) == 0
    image = sample.validation.images[12].numpy()
    out = capsys.readouterr().out
    label = int(sample.validation.labels[12])
    assert out.startswith(f"validation 12 of the embedded sample of MNIST: {label}\n")
    assert as_text(image) in out
    assert np.array_equal(np.asarray(Image.open(png)), image[0])
    assert np.array_equal(np.loadtxt(csv, delimiter=",", dtype=int), image[0])
    assert main([*where, "--numbers"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert np.array_equal(np.array(rows, dtype=int), image[0])


class Closed(io.StringIO):
    """What is printed to `head` once it has seen enough."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_show_saves_also_where_nobody_reads_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    png = tmp_path / "digit.png"
    monkeypatch.setattr(sys, "stdout", Closed())
    args = _parser().parse_args(["data", "show", "12", "--out", str(png)])
    with pytest.raises(BrokenPipeError):
        args.run(args)
    assert png.is_file()


def test_the_shades_follow_the_ink() -> None:
    image = np.zeros((1, 2, 3), dtype=np.uint8)
    image[0, 0] = 0, 128, 255
    assert as_text(image) == "  ++@@\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["show", "4000"], "no image 4000 in the train part of the embedded sample"),
        (["show", "-1"], "there is no image -1"),
        (["show", "1", "--out", "x.gif"], "must end in .png or .csv"),
        (["show", "1", "--out", "file/x.png"], "cannot write file/x.png"),
        (["show", "1", "--out", "file/x.csv"], "cannot write file/x.csv"),
        (["stats", "--dataset", "none"], "choose one of: mnist, sample, cifar10,"),
        (["stats", "--dataset", "none/list.txt"], "there is no none/list.txt"),
        (["stats", "--dataset", "cifar10"], "CIFAR-10 is not in"),
        (["export", "--out", "file/x"], "cannot write file/x"),
        (["import", "none", "--name", "mine"], "none is not there; name a folder with digits"),
        (["import", "file", "--name", "mine"], "file is neither a folder nor a CSV"),
        (["import", "file.csv", "--name", "mine"], "file.csv has no digits; a CSV of pixels has"),
        (["import", ".", "--name", "a/b"], "is no name for a data set"),
        ([], "required"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_exit_code_2(
    words: list[str],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    Path("file.csv").write_text("")
    try:
        code = main(["data", *words])
    except SystemExit as exit_of_argparse:
        code = int(str(exit_of_argparse.code))
    assert code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    assert reason in line


def test_a_net_trains_on_a_list_and_is_judged_by_what_was_held_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, net = tmp_path / "out", tmp_path / "net.safetensors"
    assert main(["data", "export", "--split", "validation", "--out", str(out)]) == 0
    path = (out / "validation.txt").rename(tmp_path / "digits.txt")
    words = ["--dataset", str(path), "--image-root", str(out)]
    assert main(["train", *QUICK, *words, "--out", str(net)]) == 0
    text = capsys.readouterr().out
    assert "on 833 digits of digits.txt (1,000 digits, 167 of them held out" in text
    assert "held-out accuracy" in text
    checkpoint = load_checkpoint(net)
    assert checkpoint.dataset == str(path)
    assert f"--image-root {out}" in checkpoint.command
    assert main(["evaluate", "--checkpoint", str(net), *words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["count"] == 167
    assert report["accuracy"] == checkpoint.metrics["held_out_accuracy"] > 0.5


def test_a_net_of_an_exported_sample_is_not_judged_by_the_digits_it_saw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, net = tmp_path / "out", tmp_path / "net.safetensors"
    assert main(["data", "export", "--split", "validation", "--out", str(out)]) == 0
    words = ["--dataset", str(out / "validation.txt")]
    assert main(["train", *QUICK, *words, "--out", str(net)]) == 0
    capsys.readouterr()
    evaluate = ["evaluate", "--checkpoint", str(net), "--dataset", "sample"]
    assert main([*evaluate, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["count"] == 5000 - 833
    assert main([*evaluate, "--split", "validation"]) == 0
    assert "833 of which this net was trained on" in capsys.readouterr().out


def test_a_csv_of_pixels_trains_a_net(
    tmp_path: Path, sample: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "digits.csv"
    split = sample.validation
    rows = np.column_stack([split.labels.numpy(), split.images.flatten(1).numpy()])
    np.savetxt(path, rows, fmt="%d", delimiter=",")
    net = tmp_path / "net.safetensors"
    assert main(["train", *QUICK, "--dataset", str(path), "--out", str(net)]) == 0
    assert "on 833 digits of digits.csv" in capsys.readouterr().out


def test_photos_become_a_data_set_that_trains_and_judges(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, net = tmp_path / "photos", tmp_path / "net.safetensors"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in DRAWINGS:
        for i in range(8):
            height = 0.4 + 0.05 * i
            photo(drawn(name, height, size=200), rng).save(folder / f"{name}_{i}.jpg")
    (folder / "holiday.jpg").write_bytes(b"no picture")
    assert main(["data", "import", str(folder), "--name", "mine"]) == 0
    captured = capsys.readouterr()
    assert "24 digits, 4 of them held out; left out: 1; wrote" in captured.out
    assert "holiday.jpg: tells no digit" in captured.err
    assert os.listdir(tmp_path / "data" / "own" / "mine")
    assert len(load_dataset("mine").validation) == 4
    assert main(["train", *QUICK, "--dataset", "mine", "--batch-size", "8", "--out", str(net)]) == 0
    assert "on 20 digits of your own digits 'mine'" in capsys.readouterr().out
    assert load_checkpoint(net).dataset == "mine"
    for checkpoint, count in ((net, 4), (None, 24)):
        words = ["--checkpoint", str(checkpoint)] if checkpoint else []
        assert main(["evaluate", *words, "--dataset", "mine", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["count"] == count


def test_csvs_of_pixels_become_a_data_set_one_by_itself_or_a_class_s(
    tmp_path: Path, sample: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the Draw tab saves them, each under the same name."""
    names = "label," + ",".join(f"pixel{i}" for i in range(784))
    paths = [tmp_path / "class" / pupil / "my-digits.csv" for pupil in ("anna", "ben")]
    for path, first in zip(paths, (0, 6), strict=True):  # the last two of anna's are ben's too
        few = sample.validation.take(torch.arange(first, first + 8))
        rows = np.column_stack([few.labels.numpy(), few.images.flatten(1).numpy()])
        path.parent.mkdir(parents=True)
        np.savetxt(path, rows, fmt="%d", delimiter=",", header=names, comments="")
    assert main(["data", "import", str(paths[0]), "--name", "mine"]) == 0
    captured = capsys.readouterr()
    assert "8 digits, 1 of them held out; left out: 0; wrote" in captured.out
    assert captured.err == ""
    assert main(["data", "import", str(tmp_path / "class"), "--name", "ours"]) == 0
    captured = capsys.readouterr()
    assert "14 digits, 2 of them held out; left out: 2; wrote" in captured.out
    assert captured.err.splitlines() == [
        f"left out: {paths[1]}: line {line} shows the same as "
        f"{Path('anna', 'my-digits.csv')}, line {line + 6}"
        for line in (2, 3)
    ]
    ours = load_dataset("ours")
    found = torch.cat([ours.train.images, ours.validation.images])
    drawn_ones = sample.validation.images[:14]
    assert set(map(bytes, found.numpy())) == set(map(bytes, drawn_ones.numpy()))


def test_things_need_a_net_that_fits_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for name in ("owl", "cat"):
        (tmp_path / "things" / name).mkdir(parents=True)
        for i in range(4):
            pixels = rng.integers(0, 256, (28, 28), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "things" / name / f"{i}.png")
    net = tmp_path / "net.safetensors"
    words = ["train", *QUICK, "--dataset", str(tmp_path / "things"), "--out", str(net)]
    assert main(words) == 2
    assert "the net 'linear' tells 10 classes apart, these images have 2" in capsys.readouterr().err
    for path in (tmp_path / "things").glob("*/*"):
        Image.open(path).convert("RGB").resize((32, 32)).save(path)
    assert main(words) == 2
    assert "the net 'linear' takes images of" in capsys.readouterr().err
    assert not net.exists()
    words[words.index("linear")] = "custom:blocks=1,width=4,dense=0"
    words[words.index("--batch-size") + 1] = "8"
    assert main(words) == 0
    assert load_checkpoint(net).labels == ("cat", "owl")
    evaluate = ["evaluate", "--checkpoint", str(net), "--dataset", str(tmp_path / "things")]
    assert main(evaluate) == 0
    assert "cat" in capsys.readouterr().out
    assert main([*evaluate[:-1], "sample"]) == 2
