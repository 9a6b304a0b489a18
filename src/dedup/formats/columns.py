"""Turns Python values into Arrow columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa


def strings(values: Iterable[str | None]) -> pa.Array:
    """Return texts as large_string."""
    import pyarrow as pa  # noqa: PLC0415 - loads on first use

    # Arrow holds UTF-8 alone: a lone surrogate is written as Python would escape it, so that ids stay apart.
    safe = (v if v is None or v.isascii() else v.encode("utf-8", "backslashreplace").decode() for v in values)
    return pa.array(list(safe), pa.large_string())


def column_of(values: list[Any]) -> pa.Array:
    """Return values of one type as they are, others as JSON."""
    import pyarrow as pa  # noqa: PLC0415 - loads on first use

    kinds = {(type(value), getattr(value, "tzinfo", None)) for value in values if value is not None}
    if len(kinds) <= 1:
        try:
            return pa.array(values)
        except (pa.ArrowException, UnicodeEncodeError, OverflowError):
            pass  # lists or mappings of mixed types, numbers out of range, lone surrogates
    return json_of(values)


def json_of(values: Iterable[Any]) -> pa.Array:
    """Return each value as JSON; None stays."""
    return strings(None if value is None else _json(value) for value in values)


def _json(value: Any) -> str:  # noqa: ANN401 - whatever a field of the input holds
    try:
        return json.dumps(value, default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
