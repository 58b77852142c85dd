"""What learns: a net with its optimizer and moving average, a batch at a time.

All that one epoch leaves to the next is here, so that a run can be put down and taken up.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from mnist_demo.config import TrainConfig
from mnist_demo.device import quick_in_bfloat16, quick_layout
from mnist_demo.optimise import make_optimizer

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Learned:
    """What a batch came to, left on the device."""

    loss: torch.Tensor  # mean
    hits: torch.Tensor  # how many it got right
    # Of each image, where `config.focus` asks: what its label lacks of the probability asked for.
    doubts: torch.Tensor | None = None


@dataclass
class Learner:
    """`net` answers; `live` is what learns: the net itself, or what `net` is the average of."""

    net: nn.Module
    live: nn.Module
    optimizer: torch.optim.Optimizer
    config: TrainConfig
    epochs_done: int = 0
    doubts: torch.Tensor | None = None  # of each training image, where `config.focus` asks for it

    def learn(self, images: torch.Tensor, labels: torch.Tensor, rate: float, step: int) -> Learned:
        """Step number `step`: down the gradient, at this rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.live.train()
        config = self.config
        half = config.precision == "bfloat16" or (
            config.precision == "auto" and quick_in_bfloat16(images.device)
        )
        with (
            _seeded(config.seed * 1_000_003 + step, images.device),
            torch.autocast(images.device.type, torch.bfloat16, enabled=half),
        ):
            logits = self.live(images).float()
        loss = F.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        if config.average:
            _average_into(self.net, self.live, min(config.average, step / (step + 10)))
        logits, doubts = logits.detach(), None
        if config.focus:
            asked = 1 - config.label_smoothing * (1 - 1 / logits.shape[1])
            doubts = (asked - logits.softmax(1).gather(1, labels[:, None])[:, 0]).clamp(min=0)
        return Learned(loss.detach(), (logits.argmax(1) == labels).sum(), doubts)

    def tensors(self) -> Tensors:
        """All that is remembered, by names that tell the parts apart; no copies."""
        found = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        if self.live is not self.net:
            found |= {f"live.{name}": value for name, value in self.live.state_dict().items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            for name, value in state.items():
                if value is not None:  # SGD without momentum remembers nothing
                    found[f"optimizer.{number}.{name}"] = torch.as_tensor(value)
        if self.doubts is not None:
            found["doubts"] = self.doubts
        return found

    def restore(self, tensors: Tensors) -> None:
        """Takes over what `tensors` gave. Raises RuntimeError or ValueError where it cannot fit."""
        self.net.load_state_dict(_under("net.", tensors))
        if "doubts" in tensors:
            device = next(self.net.parameters()).device
            self.doubts = tensors["doubts"].to(device).nan_to_num(1.0).clamp(0, 1)
        if self.live is not self.net:
            self.live.load_state_dict(_under("live.", tensors))
        parameters = list(self.live.parameters())
        state: dict[int, Tensors] = {}
        for key, value in _under("optimizer.", tensors).items():
            number, _, name = key.partition(".")
            parameter = parameters[int(number)]
            # In the parameter's own layout: another would be added up in another order.
            like = torch.empty_like(parameter, dtype=value.dtype)
            fits = value.shape == parameter.shape
            state.setdefault(int(number), {})[name] = like.copy_(value) if fits else value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})


def make_learner(net: nn.Module, config: TrainConfig) -> Learner:
    """`net`, on the device where it is, ready for its first step."""
    net.to(memory_format=quick_layout(net))  # type: ignore[call-overload]
    live = copy.deepcopy(net) if config.average else net
    return Learner(net, live, make_optimizer(live.parameters(), config), config)


@contextlib.contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Dropout draws from torch's global generator: seeded here, left as it was found."""
    if device.type == "cpu":  # fork_rng asks all kinds of devices, a twentieth of a small step
        before = torch.get_rng_state()
        torch.default_generator.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_rng_state(before)
    else:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield


def _under(prefix: str, tensors: Tensors) -> Tensors:
    length = len(prefix)
    return {key[length:]: value for key, value in tensors.items() if key.startswith(prefix)}


@torch.no_grad()
def _average_into(average: nn.Module, live: nn.Module, decay: float) -> None:
    pairs = zip(average.state_dict().values(), live.state_dict().values(), strict=True)
    for mean, value in pairs:
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
