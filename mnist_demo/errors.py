"""Errors that a person can act on: each message names the value and the remedy."""

import re

# A path from the root on, with at least two names: what it ends in is all that a visitor is told.
PATH = re.compile(r"(?<![\w:/.])(?:/[^\s/'\"`();,:]+)+/([^\s/'\"`();,:]+)")

LONGEST = 80  # letters of a name that is none, as a message repeats it


class UserError(Exception):
    """Something the user gave or asked for cannot be done; the text says why and what helps.

    The command line prints it as one line, the page as a message; a traceback
    would help neither.
    """


def unknown_choice(kind: str, name: object, choices: object) -> UserError:
    """The error for a name that a registry does not hold; lists what it does hold."""
    listed = ", ".join(str(choice) for choice in choices)  # type: ignore[attr-defined]
    asked = repr(name[:LONGEST]) if isinstance(name, str) else repr(name)[:LONGEST]
    return UserError(f"no {kind} is called {asked}; choose one of: {listed}")


def for_visitors(error: object) -> str:
    """The error's text, or any, without where things lie on the server."""
    return PATH.sub(r"\1", str(error))
