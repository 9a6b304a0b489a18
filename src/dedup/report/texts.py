"""How the report stores a text beside another: what both have as a copy, and what is marked by offsets.

Offsets that leave this module count UTF-16 units, as JavaScript does.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from dedup.model import Cleaned, Edit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from dedup.model import Span

#: Characters of a text that the report shows.
SHOWN = 100_000
#: Characters of a block that a copy is found by; every stretch of twice as many that both texts have is found.
_BLOCK = 16
#: Characters that are compared at once.
_STEP = 256

#: Control characters as pictures of themselves.
_PICTURES = {code: 0x2400 + code for code in range(32)} | {127: 0x2421}
_SURROGATES = re.compile("[\ud800-\udfff]")


def safe(text: str) -> str:
    """Return a text that UTF-8 can hold, as long as it was: a replacement character stands for a lone surrogate."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def label(text: str | None, most: int) -> str | None:
    """Return a short field in one line, cut at `most` characters; None and blank fields give None."""
    if text is None:
        return None
    # What lies far behind can only be cut, and need not be looked at.
    line = " ".join(safe(text[: 4 * most]).split()).translate(_PICTURES)
    return (line if len(line) <= most else f"{line[: most - 1]}…") or None


def shorten(page: Cleaned, most: int = SHOWN) -> Cleaned:
    """Return the beginning of a page: its first `most` characters; the page itself when it has no more."""
    if len(page.original) <= most:
        return page
    removed = tuple(replace(span, end=min(span.end, most)) for span in page.removed if span.start < most)
    taken = sum(span.end - span.start for span in removed)
    return Cleaned(page.original[:most], page.text[: most - taken], removed)


def units(text: str) -> NDArray[np.int64] | None:
    """Return int64 [len + 1], the offset in UTF-16 of each offset; None where the two are the same."""
    if text.isascii() or len(text.encode("utf-16-le")) == 2 * len(text):
        return None
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    return np.concatenate([[0], np.cumsum(1 + (codes > 0xFFFF))])


def blocks(text: str) -> dict[str, int]:
    """Return where each block of a text stands first: what `delta` needs to know of the other text."""
    return {text[at : at + _BLOCK]: at for at in range((len(text) // _BLOCK - 1) * _BLOCK, -1, -_BLOCK)}


def delta(base: str, known: Mapping[str, int], text: str) -> list[str | int]:
    """Return what makes a text out of another one: a str stands for itself, two integers for a copy.

    Takes time and memory in proportion to the two texts.

    Args:
        base: The other text.
        known: Its `blocks`.
        text: The text to be made.

    Returns:
        Strings, and pairs of offset and length of a copy out of `base` in UTF-16 units, in order.
    """
    offset = units(base)
    pieces: list[str | int] = []
    at = done = 0
    while at + _BLOCK <= len(text):
        start = known.get(text[at : at + _BLOCK])
        if start is None:
            at += 1
            continue
        back = 0
        while at - back > done and start - back > 0 and text[at - back - 1] == base[start - back - 1]:
            back += 1
        end = at + _common(base, start, text, at)
        if at - back > done:
            pieces.append(text[done : at - back])
        first, last = start - back, start + end - at
        pieces += (first, last - first) if offset is None else (int(offset[first]), int(offset[last] - offset[first]))
        at = done = end
    if done < len(text):
        pieces.append(text[done:])
    return pieces


def _common(left: str, i: int, right: str, j: int) -> int:
    """Return how many characters from `i` and from `j` on are the same."""
    length, step = 0, _STEP
    while step:
        # Whole steps as long as they are the same, then halves of the one that is not.
        while i + length + step <= len(left) and (
            left[i + length : i + length + step] == right[j + length : j + length + step]
        ):
            length += step
        step //= 2
    return length


def changes(edits: Sequence[Edit], side: Literal["left", "right"], page: Cleaned) -> list[int]:
    """Return where a side differs from the other one, furniture left out, as `flat` ranges."""
    start, end = f"{side}_start", f"{side}_end"
    ranges = ((getattr(edit, start), getattr(edit, end)) for edit in edits if edit.kind != "equal")
    return flat(_outside(ranges, page.removed), units(safe(page.original)))


def furniture(page: Cleaned, kinds: Mapping[str, int]) -> list[int]:
    """Return the removed spans as `flat` ranges, each followed by the number of its kind."""
    ranges = flat(((span.start, span.end) for span in page.removed), units(safe(page.original)))
    codes = (kinds[span.kind] for span in page.removed if span.start < span.end)
    return [number for place, code in enumerate(codes) for number in (*ranges[2 * place : 2 * place + 2], code)]


def flat(ranges: Iterable[tuple[int, int]], offset: NDArray[np.int64] | None) -> list[int]:
    """Return ranges that are in order and not empty as numbers: how far from the last one, how long, and so on."""
    numbers: list[int] = []
    last = 0
    for start, end in ranges:
        if start < end:
            first, after = (start, end) if offset is None else (int(offset[start]), int(offset[end]))
            numbers += (first - last, after - first)
            last = after
    return numbers


def _outside(ranges: Iterable[tuple[int, int]], spans: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Return what of each range lies in no span."""
    ends = [span.end for span in spans]
    for start, end in ranges:
        at = start
        place = bisect_right(ends, at)
        while place < len(spans) and spans[place].start < end:
            yield at, spans[place].start
            at = max(at, spans[place].end)
            place += 1
        yield at, end
