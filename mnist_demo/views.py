"""A net that looks at an image five times: as it is, and moved by a pixel each way.

What is a matter of chance in one look evens out; the price is five times the work.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.ensemble import mean

MOVES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))  # pixels down and across


class Views(nn.Module):
    """Answers with the log of the mean of its net's probabilities over all looks."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        height, width = images.shape[2:]
        padded = F.pad(images, (1, 1, 1, 1))
        looks = [
            padded[:, :, 1 - down : 1 - down + height, 1 - across : 1 - across + width]
            for down, across in MOVES
        ]
        return mean(torch.stack([self.net(look).float() for look in looks]))
