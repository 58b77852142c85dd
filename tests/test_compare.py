"""A comparison of two nets agrees with a plain loop, whatever the nets say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_demo.compare import GROUPS, Comparison, places_of
from mnist_demo.errors import UserError
from mnist_demo.evaluate import Evaluation


def answers(truth: np.ndarray, said: np.ndarray, classes: int = 3) -> Evaluation:
    """An evaluation that gives `said` most of its belief."""
    probabilities = np.full((len(truth), classes), 0.1, np.float32)
    probabilities[np.arange(len(truth)), said] = 0.8
    return Evaluation(truth, probabilities)


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    """The second net was shown the first's images in another order, some left out."""
    count = draw(st.integers(1, 30))
    several = st.lists(st.integers(0, 2), min_size=count, max_size=count)
    truth, first, second = (np.array(draw(several)) for _ in range(3))
    order = np.array(draw(st.permutations(range(count))))[: draw(st.integers(1, count))]
    places = np.full(count, -1)
    places[order] = np.arange(len(order))
    return Comparison(answers(truth, first), answers(truth[order], second[order]), places)


@given(comparisons())
def test_each_shared_image_is_in_the_one_group_where_it_belongs(both: Comparison) -> None:
    expected: dict[str, list[int]] = {group: [] for group in GROUPS}
    for index, place in enumerate(both.places):
        if place < 0:
            continue
        first = both.first.predicted[index] == both.first.truth[index]
        second = both.second.predicted[place] == both.second.truth[place]
        group = ("both" if second else "first") if first else "second" if second else "neither"
        expected[group].append(index)
    for group in GROUPS:
        assert both.select(group).tolist() == expected[group]
    assert both.counts() == {group: len(indices) for group, indices in expected.items()}
    assert sum(both.counts().values()) == both.total


@given(comparisons())
def test_a_shared_image_is_described_with_both_answers(both: Comparison) -> None:
    for index in np.flatnonzero(both.places >= 0):
        told = both.describe(int(index))
        assert told["index"] == index
        assert told["predicted"] == both.first.predicted[index]
        assert told["other"]["predicted"] == both.second.predicted[both.places[index]]
        assert told["other"]["truth"] == told["truth"] == both.first.truth[index]


def test_a_net_beside_itself_never_differs() -> None:
    net = answers(np.array([0, 1, 2, 1]), np.array([0, 2, 2, 1]))
    counts = Comparison(net, net, np.arange(4)).counts()
    assert counts == {"both": 3, "first": 0, "second": 0, "neither": 1}


def test_an_unknown_group_lists_the_groups() -> None:
    net = answers(np.array([0]), np.array([0]))
    with pytest.raises(UserError, match="both, first, second, neither"):
        Comparison(net, net, np.arange(1)).select("mine")


pictures = st.lists(st.integers(0, 5), max_size=12)


@given(pictures, pictures)
def test_pictures_are_found_by_their_pixels(ours: list[int], theirs: list[int]) -> None:
    def as_pictures(values: list[int]) -> np.ndarray:
        return np.array(values, np.uint8)[:, None, None, None] * np.ones((1, 2, 2), np.uint8)

    places = places_of(as_pictures(ours), as_pictures(theirs))
    assert len(places) == len(ours)
    found = [int(place) for place in places if place >= 0]
    assert len(set(found)) == len(found)  # none is given away twice
    for value, place in zip(ours, places, strict=True):
        assert place < 0 or theirs[place] == value
    for value in set(ours):
        paired = sum(p >= 0 for v, p in zip(ours, places, strict=True) if v == value)
        assert paired == min(ours.count(value), theirs.count(value))


def test_pictures_of_other_sizes_are_never_the_same() -> None:
    grey, colour = np.zeros((3, 1, 4, 4), np.uint8), np.zeros((3, 3, 4, 4), np.uint8)
    assert places_of(grey, colour).tolist() == [-1, -1, -1]
