"""What a run takes up more often: counts as they are due, and images that it still gets wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import run_two
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_demo.config import TrainConfig
from mnist_demo.datasets import Split, load_dataset
from mnist_demo.focus import FIRST, MOST, epoch_order, updated
from mnist_demo.learner import Learned, make_learner
from mnist_demo.nets import build_net
from mnist_demo.train import train


def counts(count: int, focus: float, doubts: torch.Tensor | None, epoch: int = FIRST) -> list[int]:
    order = epoch_order(count, focus, doubts, epoch, torch.Generator().manual_seed(4))
    assert len(order) == count
    return torch.bincount(order, minlength=count).tolist()


@pytest.mark.parametrize(
    ("focus", "epoch", "known"),
    [(0.0, FIRST, True), (0.7, FIRST - 1, True), (0.7, FIRST, False)],
    ids=["off", "too early", "nothing known"],
)
def test_without_focus_each_image_comes_once(focus: float, epoch: int, known: bool) -> None:
    doubts = torch.linspace(0, 1, 50) if known else None
    assert counts(50, focus, doubts, epoch) == [1] * 50


def test_images_come_as_often_as_their_share() -> None:
    doubts = torch.tensor([0.0] * 90 + [0.5] * 10)
    times = counts(100, 0.6, doubts)  # each 0.4, and the ten doubtful ones 6 more
    assert all(n in (0, 1) for n in times[:90])
    assert all(n in (6, 7) for n in times[90:])


def test_of_an_image_that_a_batch_holds_twice_the_last_doubt_counts() -> None:
    doubts = torch.ones(4)
    updated(doubts, torch.tensor([2, 0, 2, 3]), torch.tensor([0.8, 0.5, 0.2]))  # one left out
    assert doubts.tolist() == pytest.approx([0.75, 1.0, 0.6, 1.0])


def test_one_wrong_label_does_not_fill_the_epoch() -> None:
    doubts = torch.zeros(1000)
    doubts[7] = 1.0
    share = 0.5 + 0.5 * MOST  # of 500 and half of MOST in all
    due = share * 1000 / (0.5 * 1000 + 0.5 * MOST)
    assert counts(1000, 0.5, doubts)[7] in (int(due), int(due) + 1)


@settings(max_examples=60, deadline=None)
@given(
    doubts=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40),
    focus=st.floats(0.01, 0.95),
    seed=st.integers(0, 2**31),
)
def test_an_epoch_is_as_long_as_ever(doubts: list[float], focus: float, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    order = epoch_order(len(doubts), focus, torch.tensor(doubts), FIRST, rng)
    assert len(order) == len(doubts)
    assert order.min() >= 0
    assert order.max() < len(doubts)


def test_a_rest_that_was_left_out_keeps_its_doubt() -> None:
    doubts = torch.ones(5)
    updated(doubts, torch.tensor([3, 1, 4]), torch.tensor([0.0, 0.5]))
    assert doubts.tolist() == [1.0, 0.75, 1.0, 0.5, 1.0]


def test_what_the_net_gets_wrong_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tenth digit is called a digit that it is not; the others are soon known."""
    sample = load_dataset("sample")
    train_set = sample.train.take(torch.arange(0, 4000, 4))
    labels = train_set.labels.clone()
    labels[::10] = (labels[::10] + 1) % 10
    config = TrainConfig(net="compact", focus=0.7, epochs=5, batch_size=50, augment="none")
    net = build_net(config.net, 1)
    learner = make_learner(net, config)
    lied_to = []

    def seen(images: torch.Tensor, given: torch.Tensor, rate: float, step: int) -> Learned:
        lied_to.append(int((images.sum((1, 2, 3))[:, None] == sums[None]).any(1).sum()))
        return type(learner).learn(learner, images, given, rate, step)

    sums = train_set.images[::10].float().div(255).sum((1, 2, 3))
    monkeypatch.setattr(learner, "learn", seen)
    wrong = Split(train_set.images, labels)
    for _ in train(net, wrong, sample.validation.take(torch.arange(50)), config, learner=learner):
        pass
    first, last = sum(lied_to[:20]), sum(lied_to[-20:])
    assert last > 1.5 * first > 0
    assert learner.doubts is not None
    assert learner.doubts[::10].mean() > 2 * learner.doubts.mean()


SHARED = """
import os
import torch
from mnist_demo.config import TrainConfig
from mnist_demo.distributed import shared, together
from mnist_demo.learner import make_learner
from mnist_demo.nets import build_net

config = TrainConfig(net="linear", focus=0.5, batch_size=8)
images = torch.rand((8, 1, 28, 28), generator=torch.Generator().manual_seed(1))
labels = torch.arange(8)
alone = make_learner(build_net("linear", 3), config).learn(images, labels, 0.01, 1)
with together("cpu") as ranks:
    two = shared(make_learner(build_net("linear", 3), config), ranks)
    learned = two.learn(images, labels, 0.01, 1)
    torch.testing.assert_close(learned.doubts, alone.doubts)
    torch.testing.assert_close(learned.loss, alone.loss)
    if ranks.is_first:
        print("as one", flush=True)
os._exit(0)  # now and then PyTorch's threads abort a process that ends in the usual way
"""


@pytest.mark.timeout(400)  # three processes import PyTorch, on two cores that may be busy
def test_all_processes_know_all_doubts(tmp_path: Path) -> None:
    script = tmp_path / "shared.py"
    script.write_text(SHARED)
    done = run_two(str(script))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("as one") == 1
