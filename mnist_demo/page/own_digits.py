"""Digits that a visitor drew and named, as the page sends them for a net to learn from.

They go to the worker that trains and nowhere else: nothing of them is kept here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from mnist_demo.datasets import Split
from mnist_demo.datasets.pixels import VALUES, split_of
from mnist_demo.errors import UserError

MOST = 300  # as own_digits.js has it
SAVED_AS = "my-digits.csv"  # what the page calls their file, and so a run's command
GONE = (
    "the digits of yours that this run learns from are not in this browser any more; "
    "press Train to start another"
)
WRONG = "the page sent digits that this server cannot read; reload it"


def digest_of(sent: str) -> str:
    """Tells other digits from these; empty where none were sent."""
    return hashlib.sha256(sent.encode()).hexdigest() if sent else ""


def read_own(sent: Any) -> Split | None:
    """The digits in base64, a label and 784 pixels each; None where none were sent.

    Raises UserError for anything else.
    """
    if sent in (None, ""):
        return None
    if not isinstance(sent, str) or len(sent) > 4 * (MOST * VALUES // 3 + 1):
        raise UserError(WRONG)
    try:
        content = base64.b64decode(sent, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UserError(WRONG) from error
    if not content or len(content) % VALUES or max(content[::VALUES]) > 9:
        raise UserError(WRONG)
    return split_of(content)
