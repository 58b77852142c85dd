"""`export`: a net for other programs, as ONNX or torch.export, checked against the net."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from mnist_demo.cli.common import add_data_dir, add_json, read_checkpoint, refuse_place, told_of
from mnist_demo.errors import UserError
from mnist_demo.faults import save_file

HELP = "write a net as ONNX or torch.export, for programs in any language"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "checkpoint",
        nargs="?",
        type=Path,
        metavar="NET.safetensors",
        help="the net, or several in one file (default: the released one)",
    )
    parser.add_argument("--format", required=True, metavar="onnx|torch-export")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="default: the net's name with .onnx or .pt2"
    )
    add_data_dir(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.out is not None:
        refuse_place(args.out)
    checkpoint = read_checkpoint(args.checkpoint)

    from mnist_demo.checkpoint import RELEASED
    from mnist_demo.portable import TIMED, TOLERANCE, compare, find_format

    kind = find_format(args.format)
    out = args.out or Path((args.checkpoint or RELEASED).stem + kind.suffix)
    refuse_place(out, args.checkpoint or RELEASED)
    content = kind.write(checkpoint)
    check = compare(checkpoint, kind.open(content), args.data_dir)
    if not check.difference <= TOLERANCE:
        raise UserError(
            f"as {args.format} the net's logits differ by {check.difference:.2g}, more than "
            f"{TOLERANCE:g}, so nothing was written; other versions of its packages may help"
        )
    save_file(out, content)
    if args.json:
        report = {"file": str(out), "format": args.format, "bytes": len(content)}
        print(json.dumps(report | dataclasses.asdict(check), indent=2))
        return 0
    print(f"{told_of(checkpoint)}; wrote {out}, {len(content):,} B")
    print(
        f"the same answer for {check.same:,} of {check.images:,} {check.title}; largest "
        f"difference of a logit {check.difference:.1e}, {TOLERANCE:g} allowed"
    )
    print(
        f"one drawing: {check.milliseconds:.2f} ms, PyTorch {check.pytorch_milliseconds:.2f} ms "
        f"(medians of {TIMED}, {check.threads} thread{'s' if check.threads != 1 else ''})"
    )
    return 0
