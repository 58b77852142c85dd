"""What the recipe `fast` is raced against: two published ways to 99 %, as our own short code.

Each is a generator that learns from one batch a `next` and says how far it is. In float32 and
without augmentation, as their sources do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from mnist_demo.datasets import Split
from mnist_demo.nets import build_net
from mnist_demo.nets.ours import normalise

STUDY_BATCH = 256
EXAMPLE_BATCH = 64
EXAMPLE_EPOCHS = 14  # what PyTorch's example trains for

Taught = tuple[nn.Module, int, bool]  # the net, images so far, whether an epoch is over


def study_net() -> nn.Module:
    return nn.Sequential(
        normalise(),
        nn.Conv2d(1, 24, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(24, 32, 3),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 5 * 5, 256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )


def resident(split: Split) -> Split:
    """The study holds all images ready as floats; made so before its clock starts."""
    return Split(split.images.float().div_(255), split.labels)


def study(split: Split, seed: int) -> Iterator[Taught]:
    """The study that took 0.76 s on a laptop's GPU (github.com/tuomaso/train_mnist_fast).

    One epoch in a fixed order, batch 256; Adam with betas (0.7, 0.9), its rate in one cycle up
    to 0.01.
    """
    net = _seeded(study_net, seed).to(split.images.device).train()
    optimizer = torch.optim.Adam(net.parameters(), 1e-2, betas=(0.7, 0.9))
    starts = range(0, len(split), STUDY_BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1e-2, total_steps=len(starts), cycle_momentum=False
    )
    for start in starts:
        images = split.images[start : start + STUDY_BATCH]
        loss = F.cross_entropy(net(images), split.labels[start : start + STUDY_BATCH])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        yield net, start + len(images), start == starts[-1]


def _seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


class Transformed(TorchDataset[tuple[torch.Tensor, int]]):
    """What torchvision's MNIST with ToTensor gives, a digit at a time; Normalize is in the net."""

    def __init__(self, split: Split) -> None:
        self.images, self.labels = split.images.cpu().numpy(), split.labels.tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        from PIL import Image
        from torchvision.transforms.functional import to_tensor

        return to_tensor(Image.fromarray(self.images[index, 0])), self.labels[index]


def example(split: Split, seed: int) -> Iterator[Taught]:
    """PyTorch's own MNIST example (examples/mnist/main.py): Adadelta, rate 1, times 0.7 an epoch.

    Batches of 64 from a shuffling DataLoader that makes a tensor of each digit when it is due.
    """
    device = split.images.device
    net = build_net("wide9216", seed).to(device)
    shuffle = torch.Generator().manual_seed(seed)
    loader = DataLoader(Transformed(split), EXAMPLE_BATCH, shuffle=True, generator=shuffle)
    optimizer = torch.optim.Adadelta(net.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.7)
    seen = 0
    for _ in range(EXAMPLE_EPOCHS):
        net.train()
        for step, (images, labels) in enumerate(loader, 1):
            loss = F.cross_entropy(net(images.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += len(labels)
            yield net, seen, step == len(loader)
        schedule.step()
