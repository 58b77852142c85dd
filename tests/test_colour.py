"""Colour images on the command line and in pictures; made ones stand in for CIFAR-10."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_demo.checkpoint import Checkpoint, combine, load_checkpoint, save_checkpoint
from mnist_demo.classify import classify_photo
from mnist_demo.cli import main
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import DIGITS, Dataset, Split
from mnist_demo.datasets.cifar import CLASSES
from mnist_demo.errors import UserError
from mnist_demo.evaluate import evaluate, infer
from mnist_demo.figures import CELL, STRIPS, _values, channels_picture, png_bytes, samples_figure
from mnist_demo.judging import name_to_judge
from mnist_demo.nets import build_net
from mnist_demo.notebook import evaluate_net
from mnist_demo.recipes import find_recipe
from mnist_demo.train import Epoch, train


def tinted(count: int, seed: int) -> Split:
    """Noise whose colour tells the class: bright red, green or blue, or a mix of two."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 10
    images = torch.randint(0, 60, (count, 3, 32, 32), generator=rng, dtype=torch.uint8)
    for index, label in enumerate(labels.tolist()):
        images[index, label % 3] += 60 + 10 * label
    return Split(images, labels)


@pytest.fixture(scope="module")
def coloured() -> Dataset:
    train, validation, test = (tinted(count, count) for count in (240, 50, 60))
    return Dataset("cifar10", "made images", train, validation, test, CLASSES, "images")


@pytest.fixture(scope="module")
def folder(coloured: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as PNG files where the command line looks for CIFAR-10."""
    place = tmp_path_factory.mktemp("data")
    for part, split in (("train", coloured.train), ("test", coloured.reported)):
        for index, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
            path = place / "cifar10" / part / CLASSES[label] / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
    return place


@pytest.fixture(scope="module")
def checkpoint(coloured: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = TrainConfig(
        net="photo", dataset="cifar10", epochs=2, batch_size=32, augment="flip-crop-cutout"
    )
    net = build_net("photo", 1)
    epochs = [
        event
        for event in train(net, coloured.train, coloured.validation, config)
        if isinstance(event, Epoch)
    ]
    assert epochs[-1].train_loss < epochs[0].train_loss < 2.5
    net.eval()
    path = tmp_path_factory.mktemp("net") / "net.safetensors"
    return save_checkpoint(Checkpoint(net, "photo", "cifar10", CLASSES, config.to_dict()), path)


def test_a_colour_net_learns_colours(checkpoint: Path, coloured: Dataset) -> None:
    assert evaluate(load_checkpoint(checkpoint).net, coloured.reported).accuracy > 0.25


def test_the_recipes_are_the_sources_and_ours() -> None:
    source = find_recipe("cifar-threeconv")
    assert source.source == "002"
    assert source.target == 0.756
    config = source.settings(full=True)
    assert (config.net, config.dataset) == ("cifar-threeconv", "cifar10")
    assert (config.optimizer, config.learning_rate, config.momentum) == ("sgd", 0.01, 0)
    assert (config.batch_size, config.epochs, config.schedule) == (16, 30, "constant")
    assert (config.weight_decay, config.augment, config.keep) == (0, "none", "best")
    assert config.holdout == 0  # the data set's own 40,000 and 10,000
    assert find_recipe("photo").target >= 0.9


def test_a_digit_net_is_not_trained_on_colours(coloured: Dataset) -> None:
    config = TrainConfig(net="compact", dataset="cifar10")
    with pytest.raises(UserError, match="nets that fit: photo, cifar-threeconv"):
        next(train(build_net("compact"), coloured.train, coloured.validation, config))


def test_evaluate_tells_the_accuracy_of_each_class(
    checkpoint: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--dataset", "cifar10", "--data-dir", str(folder)]
    assert main([*words, "--checkpoint", str(checkpoint), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report["per_class"]) == list(CLASSES)
    assert report["count"] == 60


def test_a_net_for_photos_is_judged_by_photos_unless_told_otherwise(
    checkpoint: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = load_checkpoint(checkpoint)
    assert main(["evaluate", "--checkpoint", str(checkpoint), "--data-dir", str(folder)]) == 0
    assert "the test set of CIFAR-10" in capsys.readouterr().out
    other = replace(one, net=build_net("photo", 2), dataset="photos")
    assert name_to_judge(one, folder) == name_to_judge(combine([other, one]), folder) == "cifar10"
    assert len(evaluate_net(one, folder=folder).truth) > 0
    elsewhere = replace(one, labels=DIGITS, dataset="somebody/digits.csv")
    assert name_to_judge(elsewhere, folder) == "sample"


def test_predict_names_what_a_photo_shows(
    checkpoint: Path, folder: Path, coloured: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    place = folder / "cifar10" / "test" / "airplane"
    assert main(["predict", str(place), "--checkpoint", str(checkpoint), "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    net = load_checkpoint(checkpoint).net
    for row in told:
        index = int(Path(row["file"]).stem)
        expected = infer(net, coloured.reported.images[index : index + 1]).softmax(1)[0]
        assert row["probabilities"] == pytest.approx(expected.tolist(), abs=1e-4)
        assert row["label"] == CLASSES[int(expected.argmax())]
        assert "digit" not in row
    assert main(["predict", str(place / "0.png"), "--checkpoint", str(checkpoint)]) == 0
    text = capsys.readouterr().out
    assert f"0.png: {told[0]['label']} (" in text
    assert "automobile:0." in text


def test_a_photo_of_any_size_and_kind_is_fitted_to_the_net(checkpoint: Path) -> None:
    net = load_checkpoint(checkpoint).net
    red = Image.new("RGB", (640, 480), (200, 20, 30))
    small = Image.new("RGB", (32, 32), (200, 20, 30))
    shape = (3, 32, 32)
    expected = classify_photo(net, small, shape)
    assert np.allclose(classify_photo(net, red, shape), expected, atol=1e-4)
    clear = small.convert("RGBA")
    assert np.allclose(classify_photo(net, clear, shape), expected, atol=1e-4)
    for mode in ("L", "LA", "P", "1", "CMYK"):
        assert classify_photo(net, red.convert(mode), shape).sum() == pytest.approx(1, abs=1e-4)


def test_samples_are_titled_predicted_and_true_in_green_and_red(coloured: Dataset) -> None:
    images = coloured.reported.images[:16].numpy()
    truth = coloured.reported.labels[:16].tolist()
    said = [*truth[:10], *((label + 1) % 10 for label in truth[10:])]
    axes = samples_figure(images, truth, said, CLASSES).axes
    assert len(axes) == 16
    for place, one in enumerate(axes):
        assert one.get_title() == f"{CLASSES[said[place]]} ({CLASSES[truth[place]]})"
        assert one.title.get_color() == ("green" if place < 10 else "red")
        assert (one.images[0].get_array() == images[place].transpose(1, 2, 0)).all()


def test_channels_have_each_value_written_in_light_or_dark() -> None:
    image = np.zeros((3, 4, 4), np.uint8)
    image[0] = np.arange(0, 256, 16).reshape(4, 4)
    image[2] = 255
    picture = np.asarray(channels_picture(image).convert("RGB")).astype(int)
    height, width, _ = picture.shape
    assert (height, width) == (3 * 5 * CELL, 4 * CELL)  # a gap and a strip make a fifth row
    for place, channel in enumerate(image):
        part = picture[place * height // 3 : (place + 1) * height // 3]
        assert tuple(part[CELL // 2 + 5, 0]) == STRIPS[place]
        cells = part[CELL:, :, 0].reshape(4, CELL, 4, CELL).transpose(0, 2, 1, 3)
        assert np.array_equal(cells[..., 0, 0], channel)  # a corner is free of ink
        ink = np.abs(cells - cells[..., :1, :1]).max((2, 3))
        assert (ink > 90).all()
        is_light = cells.max((2, 3)) > cells[..., 0, 0]
        assert np.array_equal(is_light, (channel == 0) | (channel < channel.max() / 2.5))
    assert len({cell.tobytes() for cell in _values()}) == 102  # "0", and all from 0.00 to 1.00


def test_channels_are_drawn_in_a_fraction_of_a_second() -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (3, 32, 32), dtype=np.uint8)
    seconds = []  # of work, the least of three: others may be busy on the machine
    for _ in range(3):
        began = time.process_time()
        png = png_bytes(channels_picture(photo))
        seconds.append(time.process_time() - began)
    assert min(seconds) < 1
    assert len(png) < 2**20


def test_the_commands_save_their_pictures(
    checkpoint: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--data-dir", str(folder)]
    files = [tmp_path / "new" / name for name in ("a.png", "b.png", "c.png")]
    samples = ["samples", "--checkpoint", str(checkpoint), *place, "--seed", "5", "--out"]
    assert main([*samples, str(files[0])]) == 0
    assert " of 16 right" in capsys.readouterr().out
    assert main([*samples, str(files[1])]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()  # the seed decides
    assert main(["channels", "3", *place, "--out", str(files[2])]) == 0
    for file in files:
        with Image.open(file) as image:
            assert image.width > 300


@pytest.mark.parametrize(
    "words",
    [["samples", "--out"], ["channels", "3", "--out"], ["evaluate", "--reliability"]],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("name", ["picture.jpg", "picture"])
def test_a_name_that_is_no_png_s_is_refused(
    words: list[str], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / name
    assert main([*words, str(out), "--data-dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: cannot save {out}; its name must end in .png\n"
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["channels", "400"], "choose from 0 to"),
        (["channels", "-1"], "choose from 0 to"),
        (["samples", "--count", "0"], "choose from 1 to 200"),
        (["samples", "--dataset", "cifar10"], "32x32 pixels in colour; choose another data set"),
    ],
)
def test_a_bad_request_is_one_line(
    words: list[str], reason: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "none.png"
    assert main([*words, "--data-dir", str(folder), "--out", str(out)]) == 2
    assert reason in capsys.readouterr().err
    assert not out.exists()
