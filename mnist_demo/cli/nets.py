"""`nets`: what can be trained."""

from __future__ import annotations

import argparse
import json
from typing import Any

from mnist_demo.cli.common import add_json

HELP = "list the nets"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(args: argparse.Namespace) -> int:
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
    widths = {key: max(len(str(row[key])) for row in [*rows, {key: key}]) for key in rows[0]}
    print("  ".join(key.ljust(widths[key]) for key in rows[0]).rstrip())
    for row in rows:
        cells = {key: str(value).ljust(widths[key]) for key, value in row.items()}
        cells["params"] = f"{row['params']:>{widths['params']}}"
        print("  ".join(cells.values()).rstrip())
    return 0
