"""Errors that a person can act on: each message names the value and the remedy."""


class UserError(Exception):
    """Something the user gave or asked for cannot be done; the text says why and what helps.

    The command line prints it as one line, the page as a message; a traceback
    would help neither.
    """


def unknown_choice(kind: str, name: object, choices: object) -> UserError:
    """The error for a name that a registry does not hold; lists what it does hold."""
    listed = ", ".join(str(choice) for choice in choices)  # type: ignore[attr-defined]
    return UserError(f"no {kind} is called {name!r}; choose one of: {listed}")
