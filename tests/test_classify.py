"""The released net's answers: what the page, the API and the command line share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from digits import DRAWINGS, drawn, grey_image, photo
from PIL import ExifTags, Image
from torch import Tensor, nn, zeros

from mnist_demo.checkpoint import RELEASED, load_checkpoint, released_sceptic
from mnist_demo.classify import (
    UNSURE,
    batch_for,
    classify_image,
    classify_ink,
    classify_photo,
    classify_steps,
    probabilities_of,
)
from mnist_demo.datasets.pictures import colour_pixels
from mnist_demo.ink import open_image
from mnist_demo.preprocess import NoInkError, preprocess_ink
from mnist_demo.strangers import KINDS, in_a_row
from mnist_demo.strokes import PenDigit, draw_anywhere


@pytest.fixture(scope="module")
def net() -> nn.Module:
    return load_checkpoint(RELEASED).net


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_read_wherever_and_however_it_was_made(net: nn.Module, name: str) -> None:
    answers = [
        classify_ink(net, drawn(name, height, at, brush))
        for height in (0.35, 0.85)
        for at in ((0.0, 0.0), (1.0, 0.5))
        for brush in (0.03, 0.08)
    ]
    assert [answer.digit for answer in answers] == [int(name)] * len(answers)


def test_a_moved_drawing_gets_the_same_answer(net: nn.Module) -> None:
    canvas = np.zeros((200, 200), dtype=np.float32)
    moved = canvas.copy()
    canvas[:140, :140] = moved[60:, 31:171] = drawn("2")
    first, second = classify_ink(net, canvas), classify_ink(net, moved)
    assert np.array_equal(first.probabilities, second.probabilities)


@pytest.mark.parametrize("name", DRAWINGS)
def test_pictures_of_paper_and_of_chalk_get_the_same_digit(net: nn.Module, name: str) -> None:
    ink = drawn(name, size=400)
    pictures = [
        grey_image(ink),
        grey_image(ink, 0.1, 0.9),
        photo(ink, np.random.default_rng(1)),
        Image.fromarray(np.round((1 - ink) * 65535).astype(np.uint16)),
    ]
    assert [classify_image(net, picture).digit for picture in pictures] == [int(name)] * 4


def test_an_answer_is_a_distribution_and_its_top(net: nn.Module) -> None:
    answer = classify_ink(net, drawn("7"))
    assert answer.probabilities.shape == (10,)
    assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert answer.confidence == answer.probabilities.max()
    assert answer.is_unsure == (answer.confidence < UNSURE)
    again = probabilities_of(net, answer.steps.centred[None])[0]
    assert np.allclose(again, answer.probabilities, atol=1e-6)


def test_several_at_once_get_their_own_answers(net: nn.Module) -> None:
    steps = [preprocess_ink(drawn(name)) for name in DRAWINGS]
    assert [str(answer.digit) for answer in classify_steps(net, steps)] == list(DRAWINGS)


def test_nothing_gets_no_answer(net: nn.Module) -> None:
    with pytest.raises(NoInkError):
        classify_ink(net, np.zeros((140, 140), dtype=np.float32))
    with pytest.raises(NoInkError):
        classify_image(net, Image.new("RGBA", (50, 50)))


def test_a_row_of_digits_is_read_one_by_one(net: nn.Module) -> None:
    digits = [PenDigit(int(name), 1, tuple(DRAWINGS[name])) for name in "27"]
    ink = draw_anywhere(in_a_row(digits, np.random.default_rng(0)), np.random.default_rng(0))
    answer = classify_ink(net, ink, released_sceptic())
    assert answer.text == "27"
    assert [part.digit for part in answer.parts] == [2, 7]
    assert not answer.is_strange
    assert classify_ink(net, ink).parts == ()  # without the sceptic it is one digit


@pytest.mark.parametrize("name", list(DRAWINGS))
def test_the_sceptic_takes_a_digit_for_one(net: nn.Module, name: str) -> None:
    answer = classify_ink(net, drawn(name), released_sceptic())
    assert (answer.text, answer.is_strange, answer.parts) == (name, False, ())


@pytest.mark.parametrize("kind", ["shape", "letter", "scribble"])
def test_what_is_no_digit_is_said_to_be_none(net: nn.Module, kind: str) -> None:
    rng = np.random.default_rng(1)
    inks = [draw_anywhere(KINDS[kind](rng, "judge", []), rng) for _ in range(20)]
    assert sum(classify_ink(net, ink, released_sceptic()).is_strange for ink in inks) >= 12


def test_batches_come_in_few_sizes_and_waste_little() -> None:
    sizes = [batch_for(count) for count in range(1, 257)]
    assert sorted(set(sizes)) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]
    assert all(count <= size < 1.5 * count for count, size in enumerate(sizes, 1))


@pytest.mark.parametrize("mode", ["RGBA", "I;16"])
def test_a_colour_picture_is_learned_as_it_is_read(mode: str, tmp_path: Path) -> None:
    seen: list[Tensor] = []

    class Net(nn.Linear):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images)
            return zeros(1, 10)

    rng, path, tags = np.random.default_rng(0), tmp_path / "0.png", Image.Exif()
    tags[ExifTags.Base.Orientation] = 6
    values = (
        rng.integers(2**16, size=(32, 32), dtype=np.uint16)
        if mode == "I;16"
        else rng.integers(256, size=(32, 32, 4), dtype=np.uint8)
    )
    Image.fromarray(values).save(path, exif=tags)
    classify_photo(Net(1, 1), open_image(path, colour=True), (3, 32, 32))
    assert np.array_equal(colour_pixels(path), np.round(seen[0][0].numpy() * 255))
