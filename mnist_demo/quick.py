"""A released net in onnxruntime, which reads a drawing in a third of the time PyTorch takes.

Beside the net's file lies the same net as ONNX (`export --format onnx`), made beforehand, for to
make one takes seconds. It answers only where it carries the digest of the very weights that it
is to answer for, and where onnxruntime is there; else PyTorch does.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

DIGEST = "weights"  # what the ONNX file calls the digest


class Quick(nn.Module):
    """Answers as the net that it is given, on the CPU, by a session of onnxruntime.

    On as many threads as PyTorch would take: a data set keeps all cores busy, drawings one,
    for they are read on a thread that PyTorch may not leave.
    """

    def __init__(self, net: nn.Module, session: Any) -> None:
        super().__init__()
        self.net = net
        self.session = session

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pixels = images.numpy(force=True)
        threads = min(torch.get_num_threads(), len(pixels))
        if threads < 2:
            logits = self._run(pixels)
        else:
            # Not onnxruntime's own threads: they spin while they wait, and belong to the session,
            # which reads drawings as well.
            with ThreadPoolExecutor(threads, thread_name_prefix="quick") as pool:
                logits = np.concatenate([*pool.map(self._run, np.array_split(pixels, threads))])
        return torch.from_numpy(logits).to(images.device)

    def _run(self, pixels: np.ndarray) -> np.ndarray:
        (logits,) = self.session.run(["logits"], {"images": pixels})
        return np.asarray(logits)


def quick(net: nn.Module, path: Path) -> Quick | None:
    """The net as the ONNX file at `path` has it; None where that cannot be had."""
    try:
        session = open_session(path.read_bytes(), threads=1)
    except Exception:  # not there, or damaged: onnxruntime has a class of its own for each fault
        return None
    carried = session.get_modelmeta().custom_metadata_map.get(DIGEST)
    return Quick(net, session).eval() if carried == digest(net) else None


def open_session(content: bytes, threads: int) -> Any:
    """A session of onnxruntime for an ONNX model, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def digest(net: nn.Module) -> str:
    """Of all the net's tensors, in their order."""
    sha = hashlib.sha256()
    for name, value in net.state_dict().items():
        sha.update(name.encode())
        sha.update(value.detach().cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()
