"""The password of a page that is not for everybody."""

from __future__ import annotations

import asyncio
import secrets

from mnist_demo.errors import UserError

SHORTEST = 8  # characters of a password
WAIT = 1.0  # seconds that a wrong guess costs
MAX_GUESSING = 20  # wrong guesses that may be waiting at a time


class Door:
    """Lets in whoever knows the password, by whatever name, and slows guessing down.

    While many guess at once nobody is let in: what is not looked at cannot be guessed.
    """

    def __init__(self, password: str, wait: float = WAIT) -> None:
        check_password(password)
        self._password = password.encode()
        self._wait = wait
        self._guessing = 0

    async def opens(self, name: str, password: str) -> bool:
        """What Gradio asks at its login page."""
        if self._guessing >= MAX_GUESSING:
            return False
        if secrets.compare_digest(password.encode(), self._password):
            return True
        self._guessing += 1
        try:
            await asyncio.sleep(self._wait)
        finally:
            self._guessing -= 1
        return False


def check_password(password: str) -> None:
    """Raises UserError for one that is soon guessed."""
    if len(password) < SHORTEST:
        raise UserError(
            f"the password has {len(password)} characters; take {SHORTEST} or more, "
            "or leave --password empty and one is made up"
        )


def make_password() -> str:
    """One that can be read out and typed: four groups of four letters and figures."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
