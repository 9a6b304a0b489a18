"""The checks of arguments: each raises `InvalidArgumentError` in one form: name, what is allowed, what came."""

from __future__ import annotations

import math
import numbers
import re
from typing import TYPE_CHECKING

from dedup.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Collection


_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?) ?(?:([kmgt])(i?)b?|b)?")


def _reject(name: str, allowed: str, value: object) -> InvalidArgumentError:
    shown = repr(value)
    if len(shown) > 80:
        shown = f"{shown[:77]}..."
    return InvalidArgumentError(f"{name} must be {allowed}. Got {shown}.")


def _as_float(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    # What a 32-bit number was meant to be: 0.6 of NumPy's has seven digits that count.
    return float(f"{float(value):.7g}") if isinstance(value, numbers.Real) else None


def fraction(name: str, value: object, *, zero: bool = False, one: bool = True) -> float:
    """Return `value` as a float in (0, 1]; `zero` and `one` say whether the ends are allowed."""
    allowed = f"in {'[' if zero else '('}0.0, 1.0{']' if one else ')'}"
    number = _as_float(value)
    if number is None:
        raise _reject(name, allowed, value)
    above = number > 0.0 or (zero and number == 0.0)
    below = number < 1.0 or (one and number == 1.0)
    if math.isnan(number) or not (above and below):
        raise _reject(name, allowed, value)
    return number


def integer(name: str, value: object, *, least: int = 0, most: int | None = None) -> int:
    """Return `value` as an int in [least, most]; a bool is not an int here."""
    allowed = f"an integer of at least {least}" if most is None else f"an integer in [{least}, {most}]"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise _reject(name, allowed, value)
    number = int(value)
    if number < least or (most is not None and number > most):
        raise _reject(name, allowed, value)
    return number


def power_of_two(name: str, value: object, *, least: int, most: int) -> int:
    """Return `value` as an int that is a power of two in [least, most]."""
    allowed = f"a power of two in [{least}, {most}]"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise _reject(name, allowed, value)
    number = int(value)
    if not least <= number <= most or number & (number - 1):
        raise _reject(name, allowed, value)
    return number


def choice(name: str, value: object, allowed: Collection[str]) -> str:
    """Return `value` when it is one of `allowed`."""
    if not isinstance(value, str) or value not in allowed:
        raise _reject(name, "one of " + ", ".join(map(repr, allowed)), value)
    return value


def text(name: str, value: object) -> str:
    """Return `value` when it is a str."""
    if not isinstance(value, str):
        raise _reject(name, "a str", value)
    return value


def seconds(name: str, value: object) -> float:
    """Return `value` as a float of at least 0, which may not be infinite."""
    number = _as_float(value)
    if number is None or not 0.0 <= number < math.inf:
        raise _reject(name, "a number of seconds, at least 0", value)
    return number


def size(name: str, value: object) -> int:
    """Return a number of bytes: an int, or text such as "2GB", "512 MiB" or "1.5g"."""
    allowed = 'a number of bytes above 0, or text such as "2GB"'
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip().lower())
        if not match:
            raise _reject(name, allowed, value)
        number, unit, binary = match.groups()
        found = int(float(number) * (1024 if binary else 1000) ** " kmgt".index(unit or " "))
    else:
        found = 0 if isinstance(value, bool) or not isinstance(value, numbers.Integral) else int(value)
    if found < 1:
        raise _reject(name, allowed, value)
    return found
