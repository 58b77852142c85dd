"""`nets`: what can be trained; `nets NAME`: one of them layer by layer."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from mnist_demo.cli.common import add_json

HELP = "list the nets, or show one layer by layer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="?", help='a net\'s name, or one of your own: "custom:blocks=3,width=32"'
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.name is not None:
        return show(args.name, args.json)

    from mnist_demo.nets import NETS, count_parameters

    rows: list[dict[str, Any]] = [
        {
            "name": spec.name,
            "dataset": spec.dataset,
            "params": count_parameters(spec.build()),
            "source": spec.source,
            "summary": spec.summary,
        }
        for spec in NETS.values()
    ]
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    print_table(list(rows[0]), [[str(cell) for cell in row.values()] for row in rows], {2})
    return 0


def show(name: str, as_json: bool) -> int:
    """One net, layer by layer, for one image."""
    from mnist_demo.nets import find_net
    from mnist_demo.summary import HEADERS, rows_of, summarise

    spec = find_net(name)
    summary = summarise(spec)
    if as_json:
        report = dataclasses.asdict(summary)
        report |= {"name": spec.name, "parameters": summary.parameters}
        print(json.dumps(report | {"multiply_adds": summary.multiply_adds}, indent=2))
        return 0
    print(f"{spec.name}: {spec.summary}")
    total = ("total", "", f"{summary.parameters:,}", f"{summary.multiply_adds:,}")
    print_table(HEADERS, [*rows_of(summary), total], {2, 3})
    return 0


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> None:
    """Columns two spaces apart; those in `right` are numbers, set to the right."""
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    for row in [headers, *rows]:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
