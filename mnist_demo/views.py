"""A net that looks more than once: moved by a pixel each way, a photo in the mirror as well.

What is a matter of chance in one look evens out; the price is so many times the work.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.ensemble import mean

COLOUR = 3  # channels of a photo
MOVES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))  # pixels down and across


class Views(nn.Module):
    """Answers with the log of the mean of its net's probabilities over all looks."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        looks = moved(images)
        if images.shape[1] == COLOUR:
            looks += moved(images.flip(3))
        return mean(torch.stack([self.net(look).float() for look in looks]))


def moved(images: torch.Tensor) -> list[torch.Tensor]:
    """The images as they are, and moved by a pixel each way."""
    height, width = images.shape[2:]
    padded = F.pad(images, (1, 1, 1, 1))
    return [
        padded[:, :, 1 - down : 1 - down + height, 1 - across : 1 - across + width]
        for down, across in MOVES
    ]


def further_looks(channels: int) -> str:
    """What is looked at beside an image of so many channels, in words."""
    if channels == COLOUR:
        return "its mirror image, each as it is and shifted by a pixel four ways"
    return "its four shifts by a pixel"
