"""`benchmark latency` finds its way through the page as it is."""

from __future__ import annotations

import json

import pytest

from mnist_demo.cli import main

pytestmark = pytest.mark.browser


def test_a_pen_is_timed_at_rest_and_while_a_training_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["benchmark", "latency", "--strokes", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["training_still_on"]
    for phase in report["phases"].values():
        assert phase["answered"] > 0.5 * phase["moves"]
        assert 0 < phase["p50_ms"] <= phase["p95_ms"]
