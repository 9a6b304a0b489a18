"""What everything that is shown is made of: texts, tables, and numbers as one reads them.

Every text of a part goes through `plain`, so that no document can steer a terminal.
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TextIO, TypeAlias

    from rich.console import JustifyMethod
    from rich.table import Table
    from rich.text import Text

    #: A paragraph that wraps, a line that does not, or a table.
    Part: TypeAlias = str | Text | Table
    Cell: TypeAlias = str | int | Text

#: Skipped rows, large clusters, alarms and documents of an event that are named; the others are counted.
NAMED = 5


def plain(text: str) -> str:
    """Return a text that cannot steer a terminal: one line, with escapes for what has no shape of its own."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else " " if unicodedata.category(char) == "Zs" else repr(char)[1:-1] for char in text
    )


def render(parts: Iterable[Part], file: TextIO) -> str:
    """Return what the parts look like in `file`, with an empty line between them."""
    from rich.console import Console  # noqa: PLC0415 - loads on first use
    from rich.table import Table  # noqa: PLC0415 - loads on first use

    console = Console(file=file, highlight=False)
    with console.capture() as captured:
        for number, part in enumerate(parts):
            if number:
                console.print()
            if isinstance(part, Table):
                part.columns[0].max_width = console.width * 2 // 5
            console.print(styled(part, wrap=True) if isinstance(part, str) else part)
    # rich fills lines with spaces up to the width of a table.
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def table(title: str, columns: Iterable[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Return a table, numbers (">") at the right. Where space ends, the second column gives way."""
    from rich import box  # noqa: PLC0415 - loads on first use
    from rich.table import Table  # noqa: PLC0415 - loads on first use

    heading = styled(title, "bold", wrap=True) if title else None
    drawn = Table(title=heading, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    drawn.padding, drawn.pad_edge = (0, 1, 0, 0), False
    for place, name in enumerate(columns):
        side: JustifyMethod = "right" if name.startswith(">") else "left"
        drawn.add_column(name.removeprefix(">"), justify=side, no_wrap=place != 1, overflow="ellipsis")
    for row in rows:
        cells = (f"{cell:,}" if isinstance(cell, int) else cell for cell in row)
        drawn.add_row(*(styled(cell) if isinstance(cell, str) else cell for cell in cells))
    return drawn


def more(number: int, limit: int, noun: str, nouns: str = "") -> list[Sequence[Cell]]:
    """Return the row for what is over the limit, if anything is."""
    return [(f"and {count(number - limit, f'more {noun}', nouns and f'more {nouns}')}",)] if number > limit else []


def styled(text: str, style: str = "", *, wrap: bool = False) -> Text:
    """Return a text to show as it is; unless it may wrap, one line that ends in an ellipsis where space does."""
    from rich.text import Text  # noqa: PLC0415 - loads on first use

    lines = "\n".join(map(plain, text.split("\n"))) if wrap else plain(text)
    return Text(lines, style, no_wrap=not wrap, overflow="fold" if wrap else "ellipsis")


def facts(known: Mapping[str, str]) -> Text:
    """Return names and what is known under them, one a line."""
    width = max(map(len, known)) + 3
    return styled("\n".join(f"{name:<{width}}{plain(value)}" for name, value in known.items()), wrap=True)


def tally(counts: Mapping[str, int]) -> Text:
    """Return names and numbers, one a line, the numbers at the right."""
    width = max(len(f"{number:,}") for number in counts.values())
    return facts({name: f"{number:>{width},}" for name, number in counts.items()})


def count(number: int, noun: str, nouns: str = "") -> str:
    """Return a number with what it counts."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def joined(*parts: str | None) -> str:
    """Return what is known of a document in one line."""
    return " · ".join(filter(None, parts))


def cut(value: float, digits: int = 3) -> str:
    """Return a score cut, not rounded: what is shown as 1 is 1. A dash where there is none."""
    if math.isnan(value):
        return "-"
    # A hair more, because 0.29 * 100 is less than 29.
    return f"{math.floor(value * 10**digits + 1e-9) / 10**digits:.{digits}f}"


def percent(value: float, digits: int = 0) -> str:
    """Return a share, cut as a score is."""
    return f"{cut(value * 100, digits)} %"


def size(number: int) -> str:
    """Return so many bytes as one says it: 3.5 MB."""
    from rich.filesize import decimal  # noqa: PLC0415 - loads on first use

    return decimal(number)


def duration(seconds: float) -> str:
    """Return a time as one says it: 8 s, 3 min, 2 h 5 min."""
    minutes = round(seconds / 60)
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
    return f"{minutes:,} min" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60} min"


def finite(value: object) -> object:
    """Return a record with None for what is not a number, which JSON lacks."""
    if isinstance(value, dict):
        return {name: finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
