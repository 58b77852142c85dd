"""What a net says of a data set: computed once, everything else is derived from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import nn

from mnist_demo.datasets import Split

CHUNK = 500  # images an inference step: small enough to stop between two of them
ON_A_CPU = 100  # of them at once: a larger net's answers to more would leave the cache


def as_input(images: torch.Tensor) -> torch.Tensor:
    """uint8 images to the float in [0, 1] that every net takes."""
    return images.float().div_(255)


@torch.inference_mode()
def infer(net: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Logits (N, classes) of uint8 images (N, C, H, W), without dropout or gradients."""
    was_training = net.training
    if was_training:
        net.eval()
    parts = images.split(ON_A_CPU if images.device.type == "cpu" else max(1, len(images)))
    logits = torch.cat([net(as_input(part)).float() for part in parts])
    if was_training:
        net.train()
    return logits


def infer_in_chunks(
    net: nn.Module, images: torch.Tensor, chunk: int = CHUNK
) -> Iterator[torch.Tensor]:
    """The logits of `infer`, a chunk at a time, so that the caller can stop in between."""
    for start in range(0, len(images), chunk):
        yield infer(net, images[start : start + chunk])


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The truth, int (N,), and a net's probabilities for it, float32 (N, classes)."""

    truth: np.ndarray
    probabilities: np.ndarray

    @cached_property
    def predicted(self) -> np.ndarray:
        """The most probable class of each image, (N,)."""
        return self.probabilities.argmax(1)

    @cached_property
    def losses(self) -> np.ndarray:
        """Cross-entropy of each image, (N,)."""
        of_truth = self.probabilities[np.arange(len(self.truth)), self.truth]
        return -np.log(np.maximum(of_truth, 1e-12))

    @property
    def loss(self) -> float:
        return float(self.losses.mean())

    @property
    def correct(self) -> int:
        return int((self.predicted == self.truth).sum())

    @property
    def accuracy(self) -> float:
        """The part that is right, from 0 to 1."""
        return self.correct / len(self.truth)

    @cached_property
    def confusion(self) -> np.ndarray:
        """(classes, classes): how many images of the row's class were taken for the column's."""
        classes = self.probabilities.shape[1]
        pairs = self.truth * classes + self.predicted
        return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)

    @property
    def per_class(self) -> list[float | None]:
        """Accuracy of each class; None for a class without images."""
        counts = zip(self.confusion.diagonal(), self.confusion.sum(1), strict=True)
        return [float(right / images) if images else None for right, images in counts]

    def mistakes(self) -> np.ndarray:
        """Indices of the images it gets wrong, the largest loss first."""
        wrong = np.flatnonzero(self.predicted != self.truth)
        return wrong[np.argsort(-self.losses[wrong], kind="stable")]


def evaluation_of(logits: list[torch.Tensor], labels: torch.Tensor) -> Evaluation:
    probabilities = torch.cat(logits).softmax(1)
    return Evaluation(labels.cpu().numpy(), probabilities.cpu().numpy())


def evaluate(net: nn.Module, split: Split, chunk: int = CHUNK) -> Evaluation:
    return evaluation_of(list(infer_in_chunks(net, split.images, chunk)), split.labels)


class Reading:
    """A net on its way through a data set, a chunk at a time, for all who wait for the end."""

    def __init__(self, net: nn.Module, split: Split, chunk: int = CHUNK) -> None:
        self.net, self.split = net, split
        self.done = 0  # images
        self._chunk = chunk
        self._logits: list[torch.Tensor] = []

    @property
    def is_over(self) -> bool:
        return self.done == len(self.split)

    def go_on(self) -> None:
        """Reads the next chunk."""
        images = self.split.images[self.done : self.done + self._chunk]
        self._logits.append(infer(self.net, images))
        self.done += len(images)

    @cached_property
    def evaluation(self) -> Evaluation:
        """What the net says, once it is over."""
        return evaluation_of(self._logits, self.split.labels)
