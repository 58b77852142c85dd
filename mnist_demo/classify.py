"""A picture and a net to an answer: what the page, the API and the command line share.

A second net, the sceptic, says whether a drawing is a digit at all; what it doubts is
taken apart and read as several digits where each part of it is one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import nn

from mnist_demo.errors import UserError
from mnist_demo.ink import ink_of_image, on_white
from mnist_demo.parts import ways_apart
from mnist_demo.preprocess import Steps, preprocess_ink

UNSURE = 0.6  # a top guess below this is called uncertain
STRANGE = 0.3  # doubted more than this a drawing is called no digit: one in 300 of validation's is


@dataclass(frozen=True)
class Answer:
    """A net's opinion of a drawing and what it was shown."""

    probabilities: np.ndarray  # (classes,)
    steps: Steps
    doubt: float = 0.0  # the sceptic's probability that it is no digit
    parts: tuple[Answer, ...] = ()  # from left to right, where it is several digits

    @cached_property
    def digit(self) -> int:
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        return float(self.probabilities[self.digit])

    @property
    def text(self) -> str:
        """The digit, or the digits, that are read."""
        return "".join(str(part.digit) for part in self.parts or (self,))

    @property
    def is_unsure(self) -> bool:
        return min(part.confidence for part in self.parts or (self,)) < UNSURE

    @property
    def is_strange(self) -> bool:
        """Whether it looks like no digit, and like no row of digits either."""
        return self.doubt > STRANGE and not self.parts


@torch.inference_mode()
def probabilities_of(net: nn.Module, pictures: np.ndarray) -> np.ndarray:
    """Class probabilities (N, classes) of float pictures (N, 28, 28); the net is in eval mode."""
    device = next(net.parameters()).device
    filled = np.zeros((batch_for(len(pictures)), *pictures.shape[1:]), dtype=np.float32)
    filled[: len(pictures)] = pictures
    logits = net(torch.from_numpy(filled)[:, None].to(device))
    return logits.softmax(1)[: len(pictures)].cpu().numpy()  # type: ignore[no-any-return]


def batch_for(count: int) -> int:
    """The batch that `count` pictures are put into: 1, 2, 3, 4, 6, 8, 12, 16, 24, 32 and so on.

    For each size that it meets a CPU's library prepares every layer anew and keeps that in
    memory; a crowd's batches have any size, and would have it prepare again and again.
    """
    power = 1 << max(0, count - 1).bit_length()
    return power * 3 // 4 if power > 2 and count <= power * 3 // 4 else power


def classify_steps(
    net: nn.Module, steps: Sequence[Steps], sceptic: nn.Module | None = None
) -> list[Answer]:
    """One pass of each net over several digits."""
    pictures = np.stack([step.centred for step in steps])
    probabilities = probabilities_of(net, pictures)
    doubts = probabilities_of(sceptic, pictures)[:, 1] if sceptic else np.zeros(len(steps))
    return [
        Answer(p, step, float(doubt))
        for p, step, doubt in zip(probabilities, steps, doubts, strict=True)
    ]


def take_apart(
    net: nn.Module, read: Sequence[Answer], sceptic: nn.Module, cut: bool = True
) -> list[Answer]:
    """The same answers; what is strange with its parts, where each of them is taken for a digit.

    One pass of the sceptic over all parts of all drawings, and one of the net over those
    that it lets pass. Without `cut` only what stands apart is: while a pen moves every fourth
    drawing is strange, and many a half of a digit would be two others.
    """
    result = list(read)
    ways = [(i, steps) for i, a in enumerate(read) if a.is_strange for steps in _ways(a, cut)]
    if not ways:
        return result
    pictures = np.stack([step.centred for _, steps in ways for step in steps])
    doubts = iter(probabilities_of(sceptic, pictures)[:, 1])
    chosen: dict[int, tuple[list[Steps], list[float]]] = {}
    for i, steps in ways:
        doubted = [float(next(doubts)) for _ in steps]
        if max(doubted) <= STRANGE:
            chosen.setdefault(i, (steps, doubted))  # the likeliest way comes first
    if not chosen:
        return result
    answers = iter(classify_steps(net, [step for steps, _ in chosen.values() for step in steps]))
    for i, (_, doubted) in chosen.items():
        parts = tuple(replace(next(answers), doubt=doubt) for doubt in doubted)
        result[i] = replace(read[i], parts=parts)
    return result


def _ways(answer: Answer, cut: bool) -> list[list[Steps]]:
    """The ways in which a drawing may be several digits, each part made ready for the nets."""
    ways = []
    for inks in ways_apart(answer.steps.crop, cut):
        with contextlib.suppress(UserError):  # a part with next to no ink
            ways.append([preprocess_ink(ink) for ink in inks])
    return ways


def classify_ink(net: nn.Module, ink: np.ndarray, sceptic: nn.Module | None = None) -> Answer:
    """The answer to ink (H, W) in [0, 1]. Raises NoInkError for a blank pad."""
    answers = classify_steps(net, [preprocess_ink(ink)], sceptic)
    return take_apart(net, answers, sceptic)[0] if sceptic else answers[0]


def classify_image(net: nn.Module, image: Image.Image, sceptic: nn.Module | None = None) -> Answer:
    """The answer to any picture of a digit. Raises NoInkError where it shows none."""
    return classify_ink(net, ink_of_image(image), sceptic)


@torch.inference_mode()
def classify_photo(net: nn.Module, image: Image.Image, shape: tuple[int, int, int]) -> np.ndarray:
    """Class probabilities (classes,) of a picture of no digit, for a net that takes (C, H, W).

    The middle of the picture, scaled to the net's size: nothing is taken for ink or paper.
    """
    channels, height, width = shape
    shown = on_white(image)
    fitted = ImageOps.fit(shown.convert("L") if channels == 1 else shown, (width, height))
    pixels = np.asarray(fitted, dtype=np.float32).reshape(height, width, channels) / 255
    device = next(net.parameters()).device
    logits = net(torch.from_numpy(pixels).permute(2, 0, 1)[None].to(device))
    return logits.float().softmax(1)[0].cpu().numpy()  # type: ignore[no-any-return]
