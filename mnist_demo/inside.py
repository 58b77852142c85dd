"""What goes on inside a net while it reads one digit: each layer's answers, and what it goes by.

A layer's answers are shown as they leave its activation: a convolution's as small pictures, one
a filter, those of a fully connected layer as numbers. What the answer rests on is found by
erasing: spot by spot the ink is taken away, and the net asked how sure it still is.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from mnist_demo.ensemble import Ensemble
from mnist_demo.fuse import fused
from mnist_demo.summary import name_of

LEARNED = (nn.Conv2d, nn.Linear)
ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.ELU, nn.Sigmoid, nn.Tanh)
MOST_STAGES = 12
MOST_MAPS = 16  # that are shown of a convolution: the first ones, so that each keeps its place
MOST_NUMBERS = 128
SPOT = 5  # pixels, the side of what is erased at a time
STEP = 2  # pixels from one spot to the next


@dataclass(frozen=True)
class Stage:
    """A layer's answers to one image."""

    name: str
    count: int  # of all its answers, of which `maps` may be the first few
    maps: np.ndarray  # (N, H, W), bytes, 255 where it answers strongest; of numbers (N, 1, 1)


@dataclass(frozen=True)
class Inside:
    picture: np.ndarray  # (H, W) in [0, 1], as the net was given it
    digit: int  # the net's answer
    stages: tuple[Stage, ...]  # from the image to the answer; of an ensemble its first net's
    evidence: np.ndarray | None  # (H, W), -1 to 1: what the answer rests on, see `evidence_for`


def look_inside(net: nn.Module, picture: np.ndarray, with_evidence: bool = True) -> Inside:
    """Of a picture (28, 28) in [0, 1]. The net stays as it is, for others may be asking it."""
    own = fused(net)
    stages: list[Stage] = []
    hooks = _note_stages(own[0] if isinstance(own, Ensemble) else own, stages)
    with torch.inference_mode():
        digit = int(own(_batch(picture, own)).argmax())
    for hook in hooks:
        hook.remove()
    evidence = evidence_for(own, picture, digit) if with_evidence else None
    return Inside(picture, digit, tuple(stages), evidence)


def _note_stages(net: nn.Module, stages: list[Stage]) -> list[torch.utils.hooks.RemovableHandle]:
    """Has the net's next pass put down what each layer with an activation answers."""
    name = ""

    def note(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal name
        if isinstance(module, LEARNED):
            name = name_of(module)
        elif name and len(stages) < MOST_STAGES:
            stages.append(_stage(name, output[0]))
            name = ""

    watched = [m for m in net.modules() if isinstance(m, LEARNED + ACTIVATIONS)]
    return [module.register_forward_hook(note) for module in watched]


def _stage(name: str, answers: torch.Tensor) -> Stage:
    """Scaled by the layer's strongest answer; nothing is black, or what is most below it.

    By the root, as an eye sees light: most answers are far weaker than the strongest.
    """
    maps = answers.float().reshape(len(answers), *(answers.shape[1:] or (1, 1)))
    maps = maps[: MOST_MAPS if maps[0].numel() > 1 else MOST_NUMBERS]
    low = maps.min().clamp_max(0)
    scaled = ((maps - low) / (maps.max() - low).clamp_min(1e-6)).sqrt() * 255
    return Stage(name, len(answers), scaled.round().to(torch.uint8).cpu().numpy())


@torch.inference_mode()
def evidence_for(net: nn.Module, picture: np.ndarray, digit: int) -> np.ndarray:
    """How much the net's answer `digit` rests on each pixel, -1 to 1: 0 where it does not matter.

    Above 0: with the ink there gone, the net is less sure; below 0: surer.
    """
    spots = [spot for spot in _spots(*picture.shape) if picture[spot].any()]
    pictures = np.repeat(picture[None], len(spots) + 1, axis=0)
    for erased, spot in zip(pictures[1:], spots, strict=True):
        erased[spot] = 0
    sureness = _log_odds(net(_batch(pictures, net)).float(), digit)
    total, times = np.zeros_like(picture), np.zeros_like(picture)
    for spot, without in zip(spots, sureness[1:], strict=True):
        total[spot] += sureness[0] - without
        times[spot] += 1
    rests = total / np.maximum(times, 1) * picture  # what is no ink cannot be erased
    return rests / max(float(np.abs(rests).max()), 1e-6)  # type: ignore[no-any-return]


def _spots(height: int, width: int) -> list[tuple[slice, slice]]:
    """Overlapping squares, cut off at the edges, that cover a picture evenly."""
    starts = (range(1 - SPOT, side, STEP) for side in (height, width))
    return [
        (slice(max(0, top), top + SPOT), slice(max(0, left), left + SPOT))
        for top, left in itertools.product(*starts)
    ]


def _log_odds(logits: torch.Tensor, digit: int) -> np.ndarray:
    """How sure of a digit, on a scale that does not end at 100 %."""
    others = torch.cat([logits[:, :digit], logits[:, digit + 1 :]], dim=1)
    return (logits[:, digit] - others.logsumexp(1)).cpu().numpy()  # type: ignore[no-any-return]


def _batch(pictures: np.ndarray, net: nn.Module) -> torch.Tensor:
    """(B, 1, H, W) of one picture or several, where the net is."""
    images = torch.from_numpy(np.ascontiguousarray(pictures, dtype=np.float32))
    return images.reshape(-1, 1, *images.shape[-2:]).to(next(net.parameters()).device)
