"""A net as a file for other programs, ONNX or torch.export, compared with the net itself."""

from __future__ import annotations

import io
import json
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from mnist_demo.checkpoint import Checkpoint
from mnist_demo.datasets import DIGITS, load_named
from mnist_demo.errors import UserError, unknown_choice
from mnist_demo.evaluate import as_input
from mnist_demo.fuse import fused
from mnist_demo.nets import find_net
from mnist_demo.quick import DIGEST, digest, open_session

TOLERANCE = 1e-4  # largest difference of a logit that rounding may make
CHECKED = 1000  # images, where there are so many
CHUNK = 250
TIMED = 200  # single drawings

Run = Callable[[np.ndarray], np.ndarray]  # images float32 (B, C, H, W) to logits (B, classes)


@dataclass(frozen=True)
class Format:
    """A kind of file: its ending, how it is written, and how another program runs it."""

    suffix: str
    write: Callable[[Checkpoint], bytes]
    open: Callable[[bytes], Run]
    needs: tuple[str, ...]  # packages


@dataclass(frozen=True)
class Check:
    """How a file compares with the net that it was made from."""

    images: int
    title: str  # of the images
    difference: float  # largest, of a logit
    same: int  # images with the same answer
    milliseconds: float  # for one drawing, median
    pytorch_milliseconds: float
    threads: int


def to_onnx(checkpoint: Checkpoint) -> bytes:
    """An ONNX model: `images` float32 (batch, C, H, W) in [0, 1] to `logits` (batch, classes)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what PyTorch and onnxscript will change some day
        try:
            program = torch.onnx.export(
                fused(checkpoint.net),
                (_example(checkpoint),),
                dynamo=True,
                verbose=False,
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                external_data=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise UserError(
                f"PyTorch {torch.__version__} cannot write this net as ONNX; get a newer one with "
                "`pip install -U 'torch>=2.8'`, or choose --format torch-export"
            ) from error
    assert program is not None
    model = program.model_proto
    for key, value in described(checkpoint).items():
        model.metadata_props.add(key=key, value=value)
    content: bytes = model.SerializeToString()
    return content


def run_onnx(content: bytes) -> Run:
    """The model in onnxruntime, on as many threads as PyTorch has."""
    session = open_session(content, torch.get_num_threads())

    def run(images: np.ndarray) -> np.ndarray:
        (logits,) = session.run(["logits"], {"images": images})
        return np.asarray(logits)

    return run


def to_torch_export(checkpoint: Checkpoint) -> bytes:
    """A torch.export archive, which PyTorch loads without this program's code."""
    shapes = ({0: torch.export.Dim("batch")},)
    program = torch.export.export(
        fused(checkpoint.net), (_example(checkpoint),), dynamic_shapes=shapes
    )
    file = io.BytesIO()
    with warnings.catch_warnings():  # of weights that lie otherwise in memory, as fused ones may
        warnings.filterwarnings("ignore", "No complete tensor found in the group", UserWarning)
        torch.export.save(program, file, extra_files=described(checkpoint))
    return file.getvalue()


def run_torch_export(content: bytes) -> Run:
    return run_net(torch.export.load(io.BytesIO(content)).module())


def run_net(net: torch.nn.Module) -> Run:
    @torch.inference_mode()
    def run(images: np.ndarray) -> np.ndarray:
        return net(torch.from_numpy(images)).numpy()  # type: ignore[no-any-return]

    return run


FORMATS = {
    "onnx": Format(".onnx", to_onnx, run_onnx, ("onnx", "onnxscript", "onnxruntime")),
    "torch-export": Format(".pt2", to_torch_export, run_torch_export, ()),
}


def find_format(name: str) -> Format:
    """The format of this name. Raises UserError where there is none, or a package is missing."""
    if name not in FORMATS:
        raise unknown_choice("format", name, FORMATS)
    missing = [package for package in FORMATS[name].needs if find_spec(package) is None]
    if missing:
        raise UserError(
            f"{name} needs {', '.join(missing)}; run `pip install {' '.join(missing)}`, or in the "
            "project's folder `pip install '.[export]'` for all that any format needs"
        )
    return FORMATS[name]


def described(checkpoint: Checkpoint) -> dict[str, str]:
    """What the file carries beside the net, as text."""
    channels, *_ = find_net(checkpoint.kind).input_shape
    prepared = "grey" if channels == 1 else "RGB"
    if checkpoint.takes_ink:
        prepared = "white ink on black, see PREPROCESSING.md"
    return {
        "labels": json.dumps(checkpoint.labels),
        "net": checkpoint.title,
        "trained_on": checkpoint.dataset,
        "metrics": json.dumps(checkpoint.metrics),
        "input": f"float32 in [0, 1], {prepared}; normalised by the net itself",
        "output": "logits; softmax gives the probabilities of the labels",
        "licence": "MIT",
        DIGEST: digest(checkpoint.net),
    }


def compare(checkpoint: Checkpoint, run: Run, folder: Path | None = None) -> Check:
    """The file's answers beside the net's own, on real images, and the time of one drawing."""
    images, title = images_for(checkpoint, folder)
    own = run_net(checkpoint.net.eval())
    starts = range(0, len(images), CHUNK)
    expected = np.concatenate([own(images[at : at + CHUNK]) for at in starts])
    answers = np.concatenate([run(images[at : at + CHUNK]) for at in starts])
    alone = run(images[:1])  # a batch of one is what a drawing is
    difference = max(np.abs(answers - expected).max(), np.abs(alone - expected[:1]).max())
    one = images[:1]
    theirs, ours = medians((run, run_net(fused(checkpoint.net))), one)
    return Check(
        len(images),
        title,
        float(difference),
        int((answers.argmax(1) == expected.argmax(1)).sum()),
        theirs,
        ours,
        torch.get_num_threads(),
    )


def medians(runs: tuple[Run, Run], image: np.ndarray) -> tuple[float, float]:
    """Milliseconds for one image, the two in turn, so that the machine's moods strike both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(TIMED):
        for run, seconds in zip(runs, times, strict=True):
            started = time.perf_counter()
            run(image)
            seconds.append(time.perf_counter() - started)
    first, second = (1000 * statistics.median(seconds) for seconds in times)
    return first, second


def images_for(checkpoint: Checkpoint, folder: Path | None = None) -> tuple[np.ndarray, str]:
    """Images float32 (N, C, H, W) that the net takes, real ones where they are at hand."""
    name = "sample" if checkpoint.labels == DIGITS else checkpoint.dataset
    shape = find_net(checkpoint.kind).input_shape
    try:
        data = load_named(name, folder)
    except UserError:
        data = None
    if data is None or data.shape != shape:
        noise = np.random.default_rng(1).random((CHECKED, *shape), dtype=np.float32)
        return noise, f"pictures of noise, for {name} is not here"
    images = as_input(data.reported.images[:CHECKED]).numpy()
    return images, f"{data.noun} of {data.title}"


def _example(checkpoint: Checkpoint) -> torch.Tensor:
    """Two images: with one, a batch of one would be taken for the only size there is."""
    return torch.zeros(2, *find_net(checkpoint.kind).input_shape)
