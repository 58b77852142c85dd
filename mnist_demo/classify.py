"""A picture and a net to an answer: what the page, the API and the command line share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import nn

from mnist_demo.preprocess import Steps, preprocess_image, preprocess_ink

UNSURE = 0.6  # a top guess below this is called uncertain


@dataclass(frozen=True)
class Answer:
    """A net's opinion of a digit and what it was shown."""

    probabilities: np.ndarray  # (classes,)
    steps: Steps

    @cached_property
    def digit(self) -> int:
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        return float(self.probabilities[self.digit])

    @property
    def is_unsure(self) -> bool:
        return self.confidence < UNSURE


@torch.inference_mode()
def probabilities_of(net: nn.Module, pictures: np.ndarray) -> np.ndarray:
    """Class probabilities (N, classes) of float pictures (N, 28, 28); the net is in eval mode."""
    device = next(net.parameters()).device
    logits = net(torch.from_numpy(pictures)[:, None].to(device))
    return logits.softmax(1).cpu().numpy()  # type: ignore[no-any-return]


def classify_steps(net: nn.Module, steps: Sequence[Steps]) -> list[Answer]:
    """One pass of the net over several digits."""
    probabilities = probabilities_of(net, np.stack([step.centred for step in steps]))
    return [Answer(p, step) for p, step in zip(probabilities, steps, strict=True)]


def classify_ink(net: nn.Module, ink: np.ndarray) -> Answer:
    """The answer to a drawing (H, W) in [0, 1]. Raises NoInkError for a blank one."""
    return classify_steps(net, [preprocess_ink(ink)])[0]


def classify_image(net: nn.Module, image: Image.Image) -> Answer:
    """The answer to any picture of a digit. Raises NoInkError where it shows none."""
    return classify_steps(net, [preprocess_image(image)])[0]


@torch.inference_mode()
def classify_photo(net: nn.Module, image: Image.Image, shape: tuple[int, int, int]) -> np.ndarray:
    """Class probabilities (classes,) of a picture of no digit, for a net that takes (C, H, W).

    The middle of the picture, scaled to the net's size: nothing is taken for ink or paper.
    """
    channels, height, width = shape
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    opaque = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    fitted = ImageOps.fit(opaque.convert("L" if channels == 1 else "RGB"), (width, height))
    pixels = np.asarray(fitted, dtype=np.float32).reshape(height, width, channels) / 255
    device = next(net.parameters()).device
    logits = net(torch.from_numpy(pixels).permute(2, 0, 1)[None].to(device))
    return logits.float().softmax(1)[0].cpu().numpy()  # type: ignore[no-any-return]
