"""Muon (K. Jordan 2024): each convolution's step is made orthogonal, so that no direction lags.

What is no convolution (biases, norms, fully connected layers) takes Adam's step, whose rate
is a fixed part of Muon's, so that one schedule drives both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from mnist_demo.device import quick_in_bfloat16

# Newton-Schulz coefficients of the published optimizer: steep at 0, near 1 after a few rounds.
ROUNDS = 3
A, B, C = 3.4445, -4.7750, 2.0315
ADAM_PART = 0.03
SMALL = 20_000  # weights: products of so few are over sooner than bfloat16 is made ready for


def orthogonal(matrix: torch.Tensor, rounds: int = ROUNDS) -> torch.Tensor:
    """About U V' where the matrix is U S V': its singular values all near 1."""
    tall = matrix.shape[0] > matrix.shape[1]
    halves = matrix.numel() > SMALL and quick_in_bfloat16(matrix.device)
    x = matrix.bfloat16() if halves else matrix.float()
    x = x.t() if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        square = x @ x.t()
        x = torch.addmm(x, torch.addmm(square, square, square, beta=B, alpha=C), x, beta=A)
    return (x.t() if tall else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Convolutions by Muon with Nesterov's momentum, all else by Adam at a part of the rate."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        momentum: float = 0.6,
        adam_part: float = ADAM_PART,
        betas: tuple[float, float] = (0.8, 0.95),
    ) -> None:
        defaults = {"lr": learning_rate, "momentum": momentum}
        super().__init__(parameters, defaults | {"adam_part": adam_part, "betas": betas})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            learned = [p for p in group["params"] if p.grad is not None]
            for parameter in learned:
                if parameter.ndim == 4:
                    self._orthogonal_step(parameter, group)
            self._adam_step([p for p in learned if p.ndim != 4], group)

    def _orthogonal_step(self, weight: torch.Tensor, group: dict[str, Any]) -> None:
        state, gradient = self.state[weight], weight.grad
        assert gradient is not None
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        mean = state["momentum"].mul_(group["momentum"]).add_(gradient)
        ahead = gradient.add(mean, alpha=group["momentum"]).permute(0, 2, 3, 1)
        rows = ahead.flatten(1)  # (O, H W C): a filter as channels-last weights lie in memory
        step = orthogonal(rows).view(ahead.shape).permute(0, 3, 1, 2)
        scale = max(1.0, rows.shape[0] / rows.shape[1]) ** 0.5
        weight.add_(step, alpha=-group["lr"] * scale)

    def _adam_step(self, parameters: list[torch.Tensor], group: dict[str, Any]) -> None:
        """All at once: most are small, and a call for each would cost more than its sums."""
        if not parameters:
            return
        states = [self.state[parameter] for parameter in parameters]
        for state, parameter in zip(states, parameters, strict=True):
            if not state:
                state["step"] = torch.zeros(())
                state["mean"] = torch.zeros_like(parameter)
                state["square"] = torch.zeros_like(parameter)
            state["step"] += 1
        gradients = [p.grad for p in parameters if p.grad is not None]
        means, squares = ([state[name] for state in states] for name in ("mean", "square"))
        count, (first, second) = float(states[0]["step"]), group["betas"]
        torch._foreach_lerp_(means, gradients, 1 - first)
        torch._foreach_mul_(squares, second)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - second)
        spreads = torch._foreach_sqrt(torch._foreach_div(squares, 1 - second**count))
        torch._foreach_add_(spreads, 1e-8)
        rate = group["lr"] * group["adam_part"] / (1 - first**count)
        torch._foreach_addcdiv_(parameters, means, spreads, -rate)
