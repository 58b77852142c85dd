"""Several looks at an image: what each of them is, and that their mean is the answer."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from mnist_demo.cli import main
from mnist_demo.views import Views


class Recorder(nn.Module):
    """Remembers what it was shown, and is as sure of class 0 as the first pixel is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.shown.append(images)
        sure = images[:, 0, 0, 0].clamp(0.1, 0.9)
        return torch.stack([sure, 1 - sure], 1).log()


def test_each_look_is_a_pixel_away() -> None:
    net = Recorder()
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 0, 0] = image[0, 0, 1, 2] = 1
    answer = Views(net)(image).exp()
    lit = [{tuple(at) for at in look[0, 0].nonzero().tolist()} for look in net.shown]
    assert lit == [
        {(0, 0), (1, 2)},
        {(1, 0), (2, 2)},
        {(0, 2)},  # what leaves the image does not come back on its other side
        {(0, 1), (1, 3)},
        {(1, 1)},
    ]
    assert answer[0].tolist() == pytest.approx([(0.9 + 4 * 0.1) / 5, (0.1 + 4 * 0.9) / 5])


def test_a_photo_is_looked_at_in_the_mirror_too() -> None:
    net = Recorder()
    photos = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    answers = Views(net)(photos)
    assert len(net.shown) == 10
    assert torch.equal(net.shown[0], photos)
    assert torch.equal(net.shown[5], photos.flip(3))
    assert torch.equal(net.shown[7][:, :, :-1], photos.flip(3)[:, :, 1:])  # up by a pixel
    assert answers.exp().sum(1).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_evaluate_can_look_five_times(capsys: pytest.CaptureFixture[str]) -> None:
    reports = []
    for words in ([], ["--views"]):
        assert main(["evaluate", "--dataset", "sample", "--json", *words]) == 0
        reports.append(json.loads(capsys.readouterr().out))
    once, often = reports
    assert (once["views"], often["views"]) == (False, True)
    assert once["loss"] != often["loss"]
    assert often["accuracy"] > 0.98
