"""What one line describes, `custom:blocks=2,width=32` say: read, checked and written here."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

from mnist_demo.errors import UserError, unknown_choice

MAX_LENGTH = 300  # characters of a line; none that means something is as long


class Range(NamedTuple):
    low: float
    high: float


class Described:
    """Base of frozen dataclasses whose fields all have defaults; what is not named keeps its own.

    An int field takes whole numbers, a float field any; both within ALLOWED.
    """

    KIND: ClassVar[str]  # what stands before the colon
    ALLOWED: ClassVar[Mapping[str, Range | tuple[Any, ...]]]

    def __post_init__(self) -> None:
        for name, allowed in self.ALLOWED.items():
            value = getattr(self, name)
            if not isinstance(allowed, Range):
                if value not in allowed or isinstance(value, bool):
                    raise unknown_choice(f"{self.KIND} {name}", value, allowed)
                continue
            kind = type(self._default(name))
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UserError(f"{self.KIND} {name} must be a number, not {value!r}")
            if not math.isfinite(value) or not allowed.low <= value <= allowed.high:
                raise UserError(
                    f"{self.KIND} {name} is {value:g}; choose from {allowed.low:g} to "
                    f"{allowed.high:g}"
                )
            if kind is int and value != int(value):
                raise UserError(f"{self.KIND} {name} must be a whole number, not {value:g}")
            object.__setattr__(self, name, kind(value))

    @classmethod
    def is_in(cls, line: str) -> bool:
        """Whether the line describes one of these, or names one that is all as usual."""
        return line.partition(":")[0] == cls.KIND

    @classmethod
    def parse(cls, line: str) -> Self:
        """Raises UserError for a line that is too long, a name unknown or twice, a bad value."""
        if len(line) > MAX_LENGTH:
            raise UserError(f"{line[:40]}... is longer than {MAX_LENGTH} characters")
        names = cls.names()
        values: dict[str, Any] = {}
        for part in filter(None, line.partition(":")[2].split(",")):
            name, equals, text = (word.strip() for word in part.partition("="))
            if name not in names:
                raise unknown_choice(f"{cls.KIND} setting", name, names)
            if not equals or not text:
                raise UserError(f"{cls.KIND} {name} has no value; write {name}=VALUE")
            if name in values:
                raise UserError(f"{cls.KIND} {name} is there twice; name it once")
            values[name] = cls._read(name, text)
        return cls(**values)

    @classmethod
    def names(cls) -> list[str]:
        return [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]

    def __str__(self) -> str:
        """The line that `parse` reads, with every setting, for defaults may change."""
        settings = ((name, getattr(self, name)) for name in self.names())
        return f"{self.KIND}:" + ",".join(f"{name}={_text(value)}" for name, value in settings)

    @classmethod
    def _default(cls, name: str) -> Any:
        return getattr(cls, name)  # where a dataclass keeps it

    @classmethod
    def _read(cls, name: str, text: str) -> Any:
        kind = type(cls._default(name))
        try:
            return kind(text)
        except ValueError as error:
            word = "whole number" if kind is int else "number"
            raise UserError(f"{cls.KIND} {name} must be a {word}, not {text!r}") from error


def _text(value: object) -> str:
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)
