"""Which images an epoch takes: each once, or those that the net doubts more often.

After a few epochs most digits are known and teach next to nothing. Doubt is what an image's label
lacked, when the net last learned from it, of the probability that it asks for; so it costs no pass
of its own (after Katharopoulos and Fleuret 2018, "Not all samples are created equal").
"""

from __future__ import annotations

import torch

FIRST = 3  # the first epoch that goes by doubt; after fewer, all is doubtful
MOST = 50.0  # times the mean; a wrong label must not fill the epoch


def epoch_order(
    count: int, focus: float, doubts: torch.Tensor | None, epoch: int, rng: torch.Generator
) -> torch.Tensor:
    """The numbers of the images that an epoch takes, `count` in all, in a random order.

    `focus` is the part of the epoch that is shared out by doubt; the rest is for all alike.
    """
    if not focus or doubts is None or epoch < FIRST:
        return torch.randperm(count, generator=rng, device=rng.device)
    doubts = doubts.cpu().double()  # which Apple's GPUs cannot
    share = doubts / doubts.mean().clamp(min=1e-12)
    share = (1 - focus) + focus * share.clamp(max=MOST)
    places = torch.cumsum(share, 0)
    places = places * (count / places[-1])
    # One offset for all: an image that is due 2.3 times comes twice or three times, never more.
    kind = torch.float32 if rng.device.type == "mps" else torch.float64
    offset = torch.rand(1, generator=rng, device=rng.device, dtype=kind)
    ends = torch.floor(places + offset.cpu()).long().clamp(max=count)
    ends[-1] = count
    times = torch.diff(ends, prepend=ends.new_zeros(1))
    chosen = torch.repeat_interleave(torch.arange(count), times).to(rng.device)
    return chosen[torch.randperm(count, generator=rng, device=rng.device)]


def updated(doubts: torch.Tensor, seen: torch.Tensor, new: torch.Tensor) -> None:
    """Takes in, halfway, how doubtful the `seen` images were just now; some may be left out.

    Of an image that is there several times the last counts, on a GPU too, where any might.
    """
    seen = seen[: len(new)]
    places = torch.arange(len(seen), device=seen.device)
    last = ((seen[:, None] == seen) * places).amax(1)
    doubts[seen] = 0.5 * (doubts[seen] + new[last])
