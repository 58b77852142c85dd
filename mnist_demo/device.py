"""Where the arithmetic runs: CUDA, Apple's MPS or the CPU."""

from __future__ import annotations

import functools
import platform

import torch
from torch import nn

from mnist_demo.errors import UserError


def available_devices() -> list[str]:
    """The devices of this machine, the fastest first; the CPU is always among them."""
    # GPUs are counted where the driver is too old to use one, too.
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    devices = [f"cuda:{i}" for i in range(count)]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def pick_device(name: str | None = None) -> torch.device:
    """The device called `name` ("cuda" means the first), or the fastest when None or "auto".

    Raises UserError when this machine has no such device.
    """
    choices = available_devices()
    if name in (None, "auto"):
        return torch.device(choices[0])
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in choices:
        raise UserError(f"no device {name!r} here; choose one of: {', '.join(choices)}")
    return torch.device(wanted)


@functools.cache
def quick_in_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 itself and does not have it imitated.

    A CPU without such units takes up to ten times as long as in float32. MPS was never tried.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    return any(
        getattr(torch.cpu, name, bool)()
        for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    )


def quick_layout(net: nn.Module) -> torch.memory_format:
    """The order of numbers in memory in which the device of a net convolves fastest.

    Channels last, but on MPS: there such weights slow convolutions down or end in errors
    (pytorch#162776, #175190, #175251, #193349).
    """
    on_mps = any(parameter.device.type == "mps" for parameter in net.parameters())
    return torch.contiguous_format if on_mps else torch.channels_last


def describe_device(device: torch.device) -> str:
    """A person's name for the device, with what bounds its speed."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} (CUDA)"
    if device.type == "mps":
        return "Apple GPU (MPS)"
    threads = torch.get_num_threads()
    units = torch.backends.cpu.get_cpu_capability()
    kind = platform.machine() + (f" {units}" if units.startswith(("AVX", "SVE")) else "")
    kind += " bfloat16" if quick_in_bfloat16(device) else ""
    return f"CPU, {threads} thread{'s' if threads != 1 else ''} ({kind})"
