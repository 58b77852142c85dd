"""Browsing an evaluation agrees with plain loops over its digits, whatever the net said."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from mnist_demo.browse import (
    MAX_PAGE_SIZE,
    SORTS,
    Filter,
    describe,
    ordered,
    page_count,
    page_slice,
    sprite,
    summary,
)
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation
from mnist_demo.figures import png_bytes

CLASSES = 4


@st.composite
def evaluations(draw: st.DrawFn) -> Evaluation:
    count = draw(st.integers(1, 40))
    logits = draw(hnp.arrays(np.float32, (count, CLASSES), elements=st.floats(-30, 30, width=32)))
    truth = draw(hnp.arrays(np.int64, count, elements=st.integers(0, CLASSES - 1)))
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return Evaluation(truth, powers / powers.sum(1, keepdims=True))


classes = st.none() | st.integers(0, CLASSES - 1)


@given(evaluations(), classes, classes, st.booleans())
def test_a_filter_is_a_plain_loop(
    result: Evaluation, truth: int | None, predicted: int | None, right: bool
) -> None:
    expected = []
    for index, probabilities in enumerate(result.probabilities):
        guess = int(np.argmax(probabilities))
        is_right = guess == result.truth[index]
        if (
            is_right == right
            and truth in (None, int(result.truth[index]))
            and predicted in (None, guess)
        ):
            expected.append(index)
    assert Filter(truth, predicted, right).select(result).tolist() == expected


@given(evaluations())
def test_every_digit_is_in_exactly_one_cell_of_the_matrix(result: Evaluation) -> None:
    seen: list[int] = []
    for truth, predicted in itertools.product(range(CLASSES), repeat=2):
        cell = Filter(truth, predicted, right=truth == predicted).select(result)
        assert len(cell) == result.confusion[truth, predicted]
        seen += cell.tolist()
    assert sorted(seen) == list(range(len(result.truth)))


@pytest.mark.parametrize("sort", SORTS)
@given(result=evaluations())
def test_an_order_keeps_the_digits_and_sorts_them(sort: str, result: Evaluation) -> None:
    indices = np.arange(len(result.truth))
    in_order = ordered(result, indices, sort)
    assert sorted(in_order) == indices.tolist()
    for before, after in itertools.pairwise(in_order):
        sure = result.probabilities[before].max(), result.probabilities[after].max()
        loss = result.losses[before], result.losses[after]
        truth = result.truth[before], result.truth[after]
        assert {
            "loss": loss[0] >= loss[1],
            "confident": sure[0] >= sure[1],
            "unsure": sure[0] <= sure[1],
            "truth": truth[0] < truth[1] or (truth[0] == truth[1] and loss[0] >= loss[1]),
        }[sort]


@given(st.integers(0, 300), st.integers(1, MAX_PAGE_SIZE))
def test_pages_hold_every_digit_once(total: int, size: int) -> None:
    indices = np.arange(total)[::-1]
    pages = [page_slice(indices, page, size) for page in range(page_count(total, size))]
    assert np.concatenate(pages).tolist() == indices.tolist()
    assert all(len(page) == size for page in pages[:-1])


@pytest.mark.parametrize("page", [-1, 2, 10**9])
def test_beyond_the_last_page_is_an_error(page: int) -> None:
    with pytest.raises(UserError, match="the last one is 2"):
        page_slice(np.arange(20), page, 10)


@pytest.mark.parametrize("size", [0, -1, MAX_PAGE_SIZE + 1])
def test_a_page_has_a_sane_size(size: int) -> None:
    with pytest.raises(UserError, match="digits a page"):
        page_count(100, size)


def three_digits() -> Evaluation:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.1, 0.8]], np.float32)
    return Evaluation(np.array([0, 1, 2]), probabilities)


def test_an_unknown_class_or_order_is_an_error() -> None:
    with pytest.raises(UserError, match="no class 3"):
        Filter(truth=3).select(three_digits())
    with pytest.raises(UserError, match="loss, confident, unsure, truth"):
        ordered(three_digits(), np.arange(3), "colour")


def test_a_digit_is_described_in_plain_numbers() -> None:
    digit = describe(three_digits(), 1)
    assert digit["index"] == 1
    assert (digit["truth"], digit["predicted"]) == (1, 0)
    assert digit["loss"] == pytest.approx(-np.log(0.4), abs=1e-3)
    assert digit["probabilities"] == pytest.approx([0.5, 0.4, 0.1], abs=1e-4)


@given(evaluations())
def test_the_summary_adds_up(result: Evaluation) -> None:
    told = summary(result)
    assert sum(map(sum, told["confusion"])) == told["total"] == len(result.truth)
    right = sum(told["confusion"][i][i] for i in range(CLASSES))
    assert told["wrong"] == told["total"] - right
    assert told["accuracy"] == pytest.approx(right / told["total"])
    assert sum(one["count"] for one in told["reliability"]) == told["total"]
    assert 0 <= told["calibration_error"] <= 1
    for row, part in zip(told["confusion"], told["per_class"], strict=True):
        assert (part is None) == (sum(row) == 0)
        assert part is None or 0 <= told["floor"] <= part <= 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("count", "columns"), [(0, 4), (1, 4), (4, 4), (7, 3)])
def test_a_sprite_holds_the_very_pixels(channels: int, count: int, columns: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (count, channels, 5, 6), dtype=np.uint8)
    sheet = np.asarray(Image.open(io.BytesIO(png_bytes(sprite(images, columns)))))
    assert sheet.shape[1] == columns * 6
    for place, image in enumerate(images):
        top, left = place // columns * 5, place % columns * 6
        cut = sheet[top : top + 5, left : left + 6]
        expected = image[0] if channels == 1 else image.transpose(1, 2, 0)
        assert (cut == expected).all()
