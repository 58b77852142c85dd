"""Several nets that answer together, in memory, on disk and as they are judged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Run
from safetensors.torch import save_file
from torch import nn

from mnist_demo.checkpoint import Checkpoint, combine, load_checkpoint, save_checkpoint
from mnist_demo.classify import probabilities_of
from mnist_demo.config import TrainConfig
from mnist_demo.datasets import DIGITS, Dataset, Split, load_dataset
from mnist_demo.ensemble import HOWS, Ensemble
from mnist_demo.errors import UserError
from mnist_demo.evaluate import evaluate, infer
from mnist_demo.judging import unseen
from mnist_demo.nets import build_net


def checkpoint_of(name: str, seed: int = 1, dataset: str = "sample", **config: Any) -> Checkpoint:
    settings = TrainConfig(net=name, dataset=dataset, seed=seed, **config).to_dict()
    metrics = {"epochs": float(seed)}
    net = build_net(name, seed).eval()
    return Checkpoint(net, name, dataset, DIGITS, settings, metrics, f"train {seed}")


@pytest.fixture
def three() -> list[Checkpoint]:
    return [
        checkpoint_of("linear", 1),
        checkpoint_of("custom:width=4", 2),
        checkpoint_of("linear", 3),
    ]


class Says(nn.Module):
    """A net that gives the same probabilities for every image."""

    def __init__(self, *probabilities: float) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(probabilities).log())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(images), -1)


def answer(how: str, *rows: tuple[float, ...]) -> torch.Tensor:
    net = Ensemble([Says(*row) for row in rows], how).eval()
    return net(torch.zeros(1, 1, 28, 28)).softmax(1)[0].detach()


def test_the_mean_is_the_plain_average_of_probabilities(
    three: list[Checkpoint], sample: Dataset
) -> None:
    images = sample.validation.images[:40]
    total = np.zeros((40, 10))
    for checkpoint in three:
        total += infer(checkpoint.net, images).softmax(1).numpy()
    together = combine(three).net
    pictures = images[:, 0].numpy().astype(np.float32) / 255
    assert np.allclose(probabilities_of(together, pictures), total / 3, atol=1e-6)


def test_most_votes_win_even_against_a_surer_one() -> None:
    rows = [(0.51, 0.48, 0.01), (0.51, 0.48, 0.01), (0.001, 0.998, 0.001)]
    assert answer("vote", *rows).argmax() == 0
    assert answer("mean", *rows).argmax() == 1


def test_between_equal_votes_the_mean_decides() -> None:
    rows = [(0.6, 0.3, 0.1), (0.1, 0.8, 0.1)]
    assert answer("vote", *rows).argmax() == 1
    assert answer("vote", *reversed(rows)).argmax() == 1  # whatever their order
    both = answer("vote", *rows)
    assert bool((both > 0).all())
    assert float(both.sum()) == pytest.approx(1, abs=1e-5)


def test_a_vote_is_what_counting_gives(sample: Dataset) -> None:
    nets = [build_net("linear", seed).eval() for seed in range(4)]
    images = sample.validation.images[:300]
    each = [infer(net, images).softmax(1).numpy() for net in nets]
    given = infer(Ensemble(nets, "vote"), images).argmax(1).numpy()
    ties = 0
    for i, chosen in enumerate(given):
        votes = np.bincount([row[i].argmax() for row in each], minlength=10)
        most = np.flatnonzero(votes == votes.max())
        ties += len(most) > 1
        assert chosen == max(most, key=lambda digit: sum(row[i][digit] for row in each))
    assert ties > 10  # else the test would say nothing of them


@pytest.mark.parametrize("how", HOWS)
def test_it_comes_back_from_disk_with_what_its_members_are(
    how: str, three: list[Checkpoint], tmp_path: Path, sample: Dataset
) -> None:
    together = combine(three, how)
    loaded = load_checkpoint(save_checkpoint(together, tmp_path / "together.safetensors"))
    images = sample.validation.images[:50]
    assert torch.equal(infer(loaded.net, images), infer(together.net, images))
    assert loaded.members == together.members
    assert loaded.metadata() == together.metadata()
    assert loaded.title == f"{how} of 3 nets (linear, custom, linear)"
    assert not loaded.net.training
    assert {name.split(".")[0] for name in loaded.net.state_dict()} == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"members": []}, "2 to 5"),
        ({"members": "one net"}, "an ensemble of 1 nets"),
        ({"members": "many"}, "an ensemble of 6000 nets"),
        ({"members": "unknown"}, "no net is called"),
        ({"members": "nested"}, "no net is called 'ensemble'"),
        ({"members": "other nets"}, "do not fit"),
        ({"members": "colour"}, "other images"),
        ({"members": [1, 2]}, "members"),
        ({"members": [{"net": "linear"}] * 2}, "members"),
        ({"members": {}}, "members"),
        ({"how": "shout"}, "choose one of: mean, vote"),
        ({"how": 3}, "how"),
        ({"how": None}, "how"),
    ],
)
def test_a_header_that_lies_is_refused(
    change: dict[str, Any], text: str, three: list[Checkpoint], tmp_path: Path
) -> None:
    together = combine(three)
    header = together.metadata()
    rows = json.loads(header["members"])
    lies: dict[str, Any] = {
        "one net": rows[:1],
        "many": rows * 2000,
        "unknown": [rows[0] | {"net": "huge"}] * 3,
        "nested": [rows[0] | {"net": "ensemble"}] * 3,
        "other nets": [rows[0] | {"net": "perceptron"}] * 3,
        "colour": [*rows[:2], rows[0] | {"net": "custom:input=3x32x32"}],
    }
    for key, value in change.items():
        header[key] = json.dumps(lies.get(value, value) if isinstance(value, str) else value)
    path = tmp_path / "net.safetensors"
    save_file(together.net.state_dict(), path, header)
    with pytest.raises(UserError, match=text):
        load_checkpoint(path)


def test_nets_that_do_not_belong_together_are_refused(three: list[Checkpoint]) -> None:
    letters = replace(three[0], labels=tuple("abcdefghij"))
    colour = checkpoint_of("custom:input=3x32x32", dataset="cifar10")
    for other in (letters, colour):
        with pytest.raises(UserError, match="choose nets of one kind"):
            combine([three[0], other])
    with pytest.raises(UserError, match="ensemble itself"):
        combine([three[0], combine(three)])
    for count in (1, 6):
        with pytest.raises(UserError, match="choose 2 to 5"):
            combine(three[:1] * count)
    with pytest.raises(UserError, match="choose one of: mean, vote"):
        combine(three, "shout")


def test_the_same_net_twice_is_refused_and_two_of_one_kind_are_not(
    three: list[Checkpoint], tmp_path: Path
) -> None:
    again = load_checkpoint(save_checkpoint(three[0], tmp_path / "again.safetensors"))
    with pytest.raises(UserError, match="net 3 is net 1 again, with the same weights"):
        combine([three[0], three[2], again])
    assert len(combine(three).members) == 3
    with torch.no_grad():
        next(again.net.parameters())[0, 0] += 1e-3
    assert len(combine([three[0], again]).members) == 2


def test_it_is_judged_by_what_no_member_has_seen(sample: Dataset) -> None:
    """Members held out different parts at random: what both held out is left."""
    first, second = checkpoint_of("linear", holdout=0.3), checkpoint_of("linear", 2, holdout=0.2)
    split, title = unseen(combine([first, second]), sample, load_dataset)
    seen_by_either = set()
    for checkpoint in (first, second):
        held_out, _ = unseen(checkpoint, sample, load_dataset)
        everything = torch.cat([sample.train.images, sample.validation.images])
        held = {image.tobytes() for image in held_out.images.numpy()}
        seen_by_either |= {image.tobytes() for image in everything.numpy()} - held
    assert 0 < len(split) <= 1000
    assert not {image.tobytes() for image in split.images.numpy()} & seen_by_either
    assert "none of the nets was trained on" in title
    alike = checkpoint_of("linear", 3, holdout=0.3)
    one, name = unseen(combine([first, alike]), sample, load_dataset)
    assert (len(one), name) == (1500, unseen(first, sample, load_dataset)[1])


def test_nothing_left_to_judge_by_is_said(sample: Dataset) -> None:
    images, labels = sample.train.images, sample.train.labels
    few = replace(
        sample,
        train=Split(images[:20], labels[:20]),
        validation=Split(images[20:21], labels[20:21]),
    )
    members = combine([checkpoint_of("linear", holdout=0.1), checkpoint_of("linear", 2)])
    with pytest.raises(UserError, match="judge them by another data set"):
        unseen(members, few, load_dataset)


def test_the_command_line_makes_judges_and_uses_one(
    cli: Run, three: list[Checkpoint], tmp_path: Path, sample: Dataset
) -> None:
    files = [save_checkpoint(c, tmp_path / f"{i}.safetensors") for i, c in enumerate(three)]
    out = tmp_path / "together.safetensors"
    done = cli("ensemble", *files, "--how", "vote", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "vote of 3 nets (linear, custom, linear), trained on sample" in done.stdout
    report = json.loads(cli("evaluate", "--checkpoint", out, "--json").stdout)
    assert report["count"] == 1000
    assert report["correct"] == evaluate(combine(three, "vote").net, sample.validation).correct
    over_itself = cli("ensemble", *files, "--out", files[0])
    assert over_itself.returncode == 2
    assert "is read for this and would be lost" in over_itself.stderr
    refused = cli("ensemble", files[0], "--out", out)
    assert refused.returncode == 2
    assert refused.stderr == "error: 1 files; name 2 to 5 nets\n"
