"""One run on several devices or processes: `torchrun --nproc-per-node N -m mnist_demo train ...`.

PyTorch's DistributedDataParallel averages the gradients. Every process draws the same batch
and the same augmentation and learns from its own part of them; batch norm sees the statistics
of the whole batch and dropout the whole batch's mask. So N processes give the curve that one
gives for the same batch size, but for rounding.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mnist_demo.device import pick_device
from mnist_demo.errors import UserError
from mnist_demo.learner import Learned, Learner
from mnist_demo.train import CHECK_EVERY, Diverged


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is. The first alone prints and writes files."""

    rank: int
    size: int
    device: torch.device
    pressed: threading.Event = field(default_factory=threading.Event)  # Ctrl-C, as this one heard
    stopping: threading.Event = field(default_factory=threading.Event)  # and as all have agreed

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def part(self, batch: torch.Tensor) -> torch.Tensor:
        """This process's share; all are alike, so a rest that cannot be shared is left out."""
        each = len(batch) // self.size
        return batch[self.rank * each : (self.rank + 1) * each]


@contextmanager
def together(device: str | None = None) -> Iterator[Ranks]:
    """Joins the processes that torchrun started: NCCL between GPUs, gloo between CPUs.

    What the others than the first print is dropped; their errors are not.
    """
    chosen = pick_device(device)
    local = int(os.environ["LOCAL_RANK"])
    if chosen.type == "cuda":
        if local >= torch.cuda.device_count():
            raise UserError(
                f"there are {torch.cuda.device_count()} GPUs here; choose --nproc-per-node as "
                "many at most, or --device cpu"
            )
        chosen = torch.device("cuda", local)
        torch.cuda.set_device(chosen)
    elif chosen.type != "cpu":
        raise UserError(f"torchrun cannot join {chosen.type} devices; choose --device cpu")
    dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    ranks = Ranks(dist.get_rank(), dist.get_world_size(), chosen)
    # The terminal tells each process and torchrun tells it again: once is enough.
    before = signal.signal(signal.SIGINT, lambda *_: ranks.pressed.set())
    try:
        with (
            open(os.devnull, "w") as nowhere,
            redirect_stdout(sys.stdout if ranks.is_first else nowhere),
        ):
            yield ranks
    except Diverged:  # all at the same step; torchrun ends the first, which still saves, with us
        with suppress(RuntimeError):  # one that could not save is gone
            dist.barrier()
        raise
    finally:
        signal.signal(signal.SIGINT, before)
        dist.destroy_process_group()


class SharedLearner(Learner):
    """A learner that is one of several: it takes whole batches and learns from its part."""

    ranks: Ranks
    parallel: nn.Module

    def learn(self, images: torch.Tensor, labels: torch.Tensor, rate: float, step: int) -> Learned:
        alone = self.live
        self.live = self.parallel
        try:
            part = self.ranks.part(labels)
            own = super().learn(self.ranks.part(images), part, rate, step)
        finally:
            self.live = alone
        pressed = own.loss.new_tensor(float(self.ranks.pressed.is_set()))
        sums = torch.stack([own.loss, own.hits.to(own.loss.dtype), pressed])
        dist.all_reduce(sums)
        # A GPU is waited for now and then only.
        if (sums.device.type == "cpu" or step % CHECK_EVERY == 0) and sums[2] > 0:
            self.ranks.stopping.set()
        doubts = None
        if own.doubts is not None:
            doubts = own.doubts.new_empty(len(part) * self.ranks.size)
            dist.all_gather_into_tensor(doubts, own.doubts)
        return Learned(sums[0] / self.ranks.size, sums[1], doubts)


def shared(learner: Learner, ranks: Ranks) -> Learner:
    """`learner`, made one of several that learn the same net; its parts stay its own.

    Raises UserError where a batch cannot be shared out in equal parts.
    """
    batch = learner.config.batch_size
    if batch % ranks.size:
        raise UserError(
            f"a batch of {batch} cannot be shared by {ranks.size} processes; choose a multiple of "
            f"{ranks.size} with --batch-size"
        )
    for module in learner.live.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.__class__ = WholeBatchNorm
        elif type(module) is nn.Dropout:
            module.__class__ = WholeDropout
    one = SharedLearner(
        learner.net,
        learner.live,
        learner.optimizer,
        learner.config,
        learner.epochs_done,
        learner.doubts,
    )
    one.ranks = ranks
    one.parallel = DistributedDataParallel(
        learner.live,
        device_ids=[ranks.device.index] if ranks.device.type == "cuda" else None,
    )
    return one


class _Sum(torch.autograd.Function):
    """The sum over all processes, through which gradients flow back to all of them."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor) -> torch.Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


class WholeBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm by the statistics of all processes' parts; on any device, unlike SyncBatchNorm."""

    def _check_input_dim(self, images: torch.Tensor) -> None:
        pass  # the class that this one stands in for was asked when the net was made

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(images)
        values = images if images.dtype == torch.float64 else images.float()
        others = [dim for dim in range(values.ndim) if dim != 1]
        shape = [1, -1] + [1] * (values.ndim - 2)
        count = values.numel() // values.shape[1] * dist.get_world_size()
        mean = _Sum.apply(values.sum(others)) / count
        centred = values - mean.view(shape)
        variance = _Sum.apply(centred.square().sum(others)) / count
        self._remember(mean.detach(), variance.detach() * count / max(1, count - 1))
        normal = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            normal = normal * self.weight.view(shape) + self.bias.view(shape)
        return normal.to(images.dtype)

    @torch.no_grad()
    def _remember(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        if not self.track_running_stats or self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        part = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, part)
        self.running_var.lerp_(variance, part)


class WholeDropout(nn.Dropout):
    """Draws the whole batch's mask, as one process would, and takes its own part of it."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return images
        size, rank = dist.get_world_size(), dist.get_rank()
        ones = torch.ones_like(images).repeat(size, *[1] * (images.ndim - 1))
        if images.ndim == 4 and images.is_contiguous(memory_format=torch.channels_last):
            ones = ones.contiguous(memory_format=torch.channels_last)  # drawn in memory's order
        mask = F.dropout(ones, self.p, training=True)
        return images * mask[rank * len(images) : (rank + 1) * len(images)]
