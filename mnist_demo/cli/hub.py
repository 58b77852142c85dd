"""`hub`: nets to and from the Hugging Face Hub, or folders in its form."""

from __future__ import annotations

import argparse
from pathlib import Path

from mnist_demo.cli.common import add_checkpoint, read_checkpoint, refuse_place, told_of
from mnist_demo.faults import save_file

HELP = "save a net in the Hugging Face Hub's form, push it there, load one from there"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    save = actions.add_parser("save", help="write weights, config.json and card into a folder")
    save.add_argument("folder", type=Path, metavar="FOLDER")
    add_checkpoint(save)
    save.set_defaults(action=_save)

    push = actions.add_parser("push", help="put a net on the Hub; asks for `hf auth login` first")
    push.add_argument("repo", metavar="OWNER/NAME")
    push.add_argument("--private", action="store_true", help="make a new repository private")
    add_checkpoint(push)
    push.set_defaults(action=_push)

    load = actions.add_parser("load", help="fetch a net into one file, which any command takes")
    load.add_argument("source", metavar="OWNER/NAME|FOLDER")
    load.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors")
    load.set_defaults(action=_load)

    card = actions.add_parser("card", help="print a net's model card, or write it to a file")
    add_checkpoint(card)
    card.add_argument("--out", type=Path, metavar="FILE.md")
    card.set_defaults(action=_card)


def run(args: argparse.Namespace) -> int:
    code: int = args.action(args)
    return code


def _save(args: argparse.Namespace) -> int:
    from mnist_demo.hub import save

    checkpoint = read_checkpoint(args.checkpoint)
    print(f"{checkpoint.title}; wrote {save(checkpoint, args.folder)}")
    return 0


def _push(args: argparse.Namespace) -> int:
    from mnist_demo.hub import push

    print(push(read_checkpoint(args.checkpoint), args.repo, args.private))
    return 0


def _load(args: argparse.Namespace) -> int:
    refuse_place(args.out)

    from mnist_demo.checkpoint import save_checkpoint
    from mnist_demo.hub import load

    checkpoint = load(args.source)
    path = save_checkpoint(checkpoint, args.out)
    print(f"{told_of(checkpoint)}; wrote {path}")
    return 0


def _card(args: argparse.Namespace) -> int:
    from mnist_demo.card import card_of
    from mnist_demo.checkpoint import RELEASED

    if args.out is not None:
        refuse_place(args.out, args.checkpoint or RELEASED)
    checkpoint = read_checkpoint(args.checkpoint)
    text = card_of(checkpoint, (args.checkpoint or RELEASED).name)
    if args.out is None:
        print(text, end="")
        return 0
    save_file(args.out, text.encode())
    print(f"wrote {args.out}")
    return 0
