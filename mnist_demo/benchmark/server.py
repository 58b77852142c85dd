"""The app in a process of its own, for whoever measures it from outside."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mnist_demo.errors import UserError

APP = Path(__file__).parent.parent.parent / "app.py"
PATIENCE = 180.0  # seconds until the app is given up


@contextmanager
def running_app(app: Path = APP, patience: float = PATIENCE) -> Iterator[str]:
    """Starts `python app.py` and gives its address once GET / is answered; stops it at the end."""
    with app_process(app, patience) as (address, _):
        yield address


@contextmanager
def app_process(
    app: Path = APP,
    patience: float = PATIENCE,
    variables: Mapping[str, str] | None = None,
    words: Sequence[str] = (),
    log: Path = Path(os.devnull),
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The same with the process; `variables` are added to its environment, `words` to its command.

    What it prints goes to the file `log`.
    """
    if not app.is_file():
        raise UserError(f"there is no {app}; run this from a checkout of the project")
    port = free_port()
    # Without the variable Gradio looks for news on the web while it starts.
    environment = os.environ | {"GRADIO_ANALYTICS_ENABLED": "False"} | dict(variables or {})
    started = time.perf_counter()
    command = [sys.executable, str(app), "--host", "127.0.0.1", "--port", str(port), *words]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=app.parent, env=environment, stdout=output, stderr=output
        )
    try:
        while not answers(port):
            if process.poll() is not None:
                raise UserError(f"{app} ended with code {process.returncode}; run it by hand")
            if time.perf_counter() - started > patience:
                raise UserError(f"{app} gave no page within {patience:g} s; run it by hand")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/", process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    """Whether GET / is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
