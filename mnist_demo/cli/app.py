"""`app`: the web page, as `python app.py` opens it."""

from __future__ import annotations

import argparse
import errno
import os
import socket

from mnist_demo.errors import UserError

HELP = "open the web page: draw, train, browse"
VARIABLE = "MNIST_DEMO_PASSWORD"
PORT = "GRADIO_SERVER_PORT"
LOCAL = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port (default: 7860 or the next that is free)")
    parser.add_argument(
        "--share", action="store_true", help="also open a public link, behind a password"
    )
    access = parser.add_mutually_exclusive_group()
    access.add_argument(
        "--password",
        nargs="?",
        const="",
        help="whoever opens the page must know it; made up and printed where none is named "
        f"(default: ${VARIABLE}, else open to all, or made up with --share)",
    )
    access.add_argument(
        "--no-password", action="store_true", help="open to all, the public link too"
    )
    parser.add_argument(
        "--mcp", action="store_true", help="also serve the endpoints as tools for assistants (MCP)"
    )


def run(args: argparse.Namespace) -> int:
    check_port(os.environ.get(PORT))
    if args.port is not None or args.host is not None:
        check_address(args.host or os.environ.get("GRADIO_SERVER_NAME") or LOCAL, args.port)
    password = choose_password(args)
    if args.mcp:
        check_mcp(password)
    if args.share and password is None:
        print("Anybody who has the public link can use this page: it has no password.", flush=True)

    from mnist_demo.page.importing import import_page

    page = import_page(args.mcp)  # seconds of imports: not before --help
    try:
        page.serve(args.host, args.port, args.share, password, args.mcp)
    except OSError as error:  # no port is free, say; Gradio's advice is for its own users
        what, is_advice, _ = str(error).partition(". You can specify a different port")
        raise UserError(f"{what}; name a free one with --port" if is_advice else what) from error
    return 0


def check_port(named: str | None) -> None:
    """Gradio reads this variable while it is imported. Raises UserError where it could not."""
    if named is not None and not (named.isdecimal() and 0 < int(named) < 2**16):
        raise UserError(
            f"{PORT} is {named!r}; set it to a port from 1 to 65535, or unset it for 7860"
        )


def check_address(host: str, port: int | None) -> None:
    """Raises UserError where nothing can listen there, and says which of the two is wrong."""
    if port is not None and not 0 < port < 2**16:
        raise UserError(f"--port is {port}; take one from 1 to 65535, or leave it out for 7860")
    try:
        places = socket.getaddrinfo(host.strip("[]"), port or 0, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, place in places:
            with socket.socket(family, kind, protocol) as one:
                if os.name == "posix":  # else it is what the server does not ask for
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.bind(place)
    except (OSError, UnicodeError) as error:
        raise UserError(_why_not(error, host, port)) from error


def _why_not(error: OSError | UnicodeError, host: str, port: int | None) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} of {host} is taken; name another with --port, or leave it out"
    if number == errno.EACCES:
        return f"port {port} is not for everybody; name one above 1023 with --port"
    return (
        f"{host!r} is no address of this machine; leave --host out for this machine only, "
        "or name 0.0.0.0 to be seen from its network"
    )


def choose_password(args: argparse.Namespace) -> str | None:
    """The page's password, None for none; one that is made up is printed."""
    if args.no_password:
        return None
    password: str | None = args.password
    if password is None:
        password = os.environ.get(VARIABLE) or ("" if args.share else None)
    if password == "":
        from mnist_demo.page.doors import make_password

        password = make_password()
        print(f"Password of this page (with any user name): {password}", flush=True)
    elif password is not None:
        from mnist_demo.page.doors import check_password

        check_password(password)
    return password


def check_mcp(password: str | None) -> None:
    """Raises UserError where MCP cannot be served."""
    if password is not None:
        raise UserError(
            "--mcp answers without asking for the password, so the two do not go together; "
            "leave one of them out (with --share: add --no-password)"
        )
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        raise UserError("--mcp needs the package mcp; run `pip install 'mcp>=1.24,<2'`")
