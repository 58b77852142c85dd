"""A signal in the middle of a training: soon over, with nothing left and nothing thrown up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT
from test_api import connect
from test_worker import is_there, wait_until

from mnist_demo.benchmark.server import answers, free_port
from mnist_demo.page.shutdown import SIGNALS

WITHIN = 15.0  # seconds, on a machine that may be busy; one or two are usual
# The server, with signals as a terminal has them: what started the tests may ignore some.
FRESH = """
import os, signal, sys
for name in {"SIGINT", "SIGHUP"} & set(dir(signal)):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    return [
        int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()
    ]


@pytest.mark.timeout(400)  # a whole server, on a machine that may be busy
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")
@pytest.mark.parametrize("name", SIGNALS)
def test_a_server_told_to_end_in_mid_training_ends_clean(tmp_path: Path, name: str) -> None:
    port = free_port()
    environment = os.environ | {
        "MNIST_DEMO_DATA": str(tmp_path / "data"),
        "MNIST_DEMO_RUNS": str(tmp_path / "runs"),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", FRESH, "app.py", "--host", "127.0.0.1", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: server.poll() is not None or answers(port), 200)
        client = connect(f"http://127.0.0.1:{port}")
        job = client.submit(epochs=50, net="linear", api_name="/train")
        wait_until(lambda: any("training" in str(event) for event in job.outputs()), 200)
        workers = children_of(server.pid)
        assert workers
        assert answers(port)
        since = time.monotonic()
        server.send_signal(getattr(signal, name))
        assert server.wait(60) == 0
        took = time.monotonic() - since
        wait_until(lambda: not any(map(is_there, workers)), WITHIN)
        assert took < WITHIN
    finally:
        if server.poll() is None:
            server.kill()
    text = (tmp_path / "log").read_text()
    assert "Traceback" not in text
    assert "the server was told to end" in text
    assert "page: " in text  # the last report; a training may end too late for it
