"""Takes the furniture off one page: sure signs first, then what the forest says of the blocks that are left.

A round looks at what the rounds before have left; the page is clean when a round finds nothing. So cleaning a clean
text again finds nothing, whatever the rules are: `clean` is idempotent. A page that does not come to rest in `_ROUNDS`
rounds is left as it is, and so is one without any story: both are at rest.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Self

import numpy as np

from dedup import _validate
from dedup.boilerplate.agencies import is_agency
from dedup.boilerplate.classify import SCORE_UNIT, Line, cue, furniture_kinds, lines_in, lines_of, read_blocks
from dedup.boilerplate.signs import LINE_STARTS, MARKS, may_have_signs, signs, whole_line
from dedup.kernels.native import Texts, fill_cues
from dedup.model import Attribution, Block, Cleaned, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dedup.kernels.blocks import Blocks
    from dedup.model import Item

_ROUNDS = 8
# What a dateline has and few other openings do: the agency in brackets or between strokes, or a wire of China or Japan.
_MAY_BE_DATELINE = re.compile("[(/\uff08\u3010\u7535\u96fb]")
# The first bytes of these in UTF-8.
_DATELINE_MARKS = b"(/\xef\xe3\xe7\xe9"
_DATELINE_CHARACTERS = 200
_HEADLINE_WORDS = 20
# How a sentence or a part of one ends, and the ends that a headline can have as well.
_ENDS = ".!?…。\uff01\uff1f؟।:\uff1a,;\"'”\u2019»」"
_CALLS = "?!\uff1f\uff01"
_LABELS = ("dateline", "byline", "metadata", "caption", "credit", "correction")


def clean(text: str, *, source: str | None = None, language: str | None = None) -> Cleaned:
    """Return `text` without its page furniture, with what was removed, the stories beside it and who wrote it.

    A removed block takes its line with it and leaves the blank lines around it.

    Args:
        text: The text of a page or an article.
        source: The outlet: an agency's own text is attributed to it.
        language: ISO 639 code, noted in the metadata. All languages are looked for in every text.

    Raises:
        InvalidArgumentError: An argument is no str.
    """
    _validate.text("text", text)
    for name, value in (("source", source), ("language", language)):
        if value is not None:
            _validate.text(name, value)
    page, _ = clean_page(text)
    metadata = dict(page.metadata)
    if language:
        metadata["language"] = language
    return replace(page, blocks=tuple(_blocks(page)), metadata=metadata, attribution=attribution_of(page, source))


def attribution_of(page: Cleaned, source: str | None) -> Attribution | None:
    """Return who wrote a page: an agency that printed it itself, or whom its story names, else what was removed."""
    agency = is_agency(source)
    if agency:
        return Attribution(agency, "origin", 0, 0, 1.0)
    found = _attribute(page.text) if page.removed else None
    if not found:
        return _attribute(page.original)
    rest = _Rest.of(page)
    return replace(found, start=rest.place(found.start), end=rest.place(found.end - 1) + 1)


def _attribute(text: str) -> Attribution | None:
    # Its patterns take a while to put together, and most runs meet no dateline.
    from dedup.boilerplate.attribution import attribute  # noqa: PLC0415

    return attribute(text)


def wire_ranks(strings: Sequence[str], texts: Texts, sources: Sequence[str | None]) -> NDArray[np.uint8]:
    """Return how near texts are to their wire: 0 printed by an agency, 1 opened by the credit of one, 2 anything else.

    Args:
        strings: The texts.
        texts: The same.
        sources: Who printed them.
    """
    heads = Texts(texts.addresses, np.minimum(texts.lengths, 4 * _DATELINE_CHARACTERS), texts.owner)
    marked = np.empty(len(texts), np.uint8)
    fill_cues(heads, _DATELINE_MARKS, (), 0, len(texts), marked)
    ranks = np.full(len(texts), 2, np.uint8)
    for row in np.flatnonzero(marked).tolist():
        if _is_credited(strings[row]):
            ranks[row] = 1
    ranks[[row for row, source in enumerate(sources) if is_agency(source)]] = 0
    return ranks


def _is_credited(text: str) -> bool:
    if not _MAY_BE_DATELINE.search(text, 0, _DATELINE_CHARACTERS):
        return False
    found = _attribute(text)
    return found is not None and found.role == "origin" and found.start < _DATELINE_CHARACTERS


def suspects(strings: Sequence[str], texts: Texts, blocks: Blocks) -> list[int]:
    """Return which texts of a batch are worth a call of `clean_page`; the others are clean as they are."""
    marked = np.empty(len(texts), np.uint8)
    fill_cues(texts, MARKS, LINE_STARTS, 0, len(texts), marked)
    sums = np.concatenate([[0], np.cumsum(blocks.furniture)])
    furnished = sums[blocks.firsts[1:]] > sums[blocks.firsts[:-1]]
    looked_at = np.flatnonzero(furnished | (marked > 0)).tolist()
    return [row for row in looked_at if furnished[row] or may_have_signs(strings[row])]


def clean_page(text: str) -> tuple[Cleaned, list[Line]]:
    """Do what `clean` does for one text; return the page, without its blocks, and the lines that are left."""
    return clean_pages([text], [lines_of(text)])[0]


def clean_pages(strings: Sequence[str], lines: Sequence[list[Line]]) -> list[tuple[Cleaned, list[Line]]]:
    """Do what `clean` does for texts whose lines are known; return the pages, without blocks, and the lines left.

    All pages go through a round together, since to read many texts again costs little more than to read one.
    """
    pages = restless = list(map(_Page, strings, lines))
    for _ in range(_ROUNDS):
        for page in restless:
            page.shorten()
        restless = [page for page in restless if page.restless]
        unread = [page for page in restless if not page.lines]
        if unread:
            texts = Texts.from_strings([page.rest.text for page in unread])
            for page, left in zip(unread, lines_in(texts, read_blocks(texts), range(len(texts))), strict=True):
                page.lines = left
    return [page.cleaned() for page in pages]


class _Page:
    """A page while it is cleaned.

    Args:
        text: The page.
        whole: Its lines.
    """

    __slots__ = ("items", "lines", "metadata", "rest", "restless", "text", "whole")

    def __init__(self, text: str, whole: list[Line]) -> None:
        self.text, self.rest = text, _Rest(text)
        self.whole = self.lines = whole
        self.items: list[Item] = []
        self.metadata: dict[str, str] = {}
        self.restless = True

    def shorten(self) -> None:
        """Remove what one round finds; a page that loses nothing is at rest. No lines are left if they must be read."""
        rest = self.rest
        found = signs(rest.text, self.lines) if may_have_signs(rest.text) else None
        if found and found.spans:
            self.items += [_moved(item, rest, self.text) for item in found.items]
            self.metadata = found.metadata | self.metadata
            rest.remove(found.spans)
            self.lines = []
        elif any(line.furniture for line in self.lines):
            rest.remove(_furniture(rest.text, self.lines))
            # The others stay, whatever stood beside them; but there may be a sign now that they stand together.
            self.lines = [] if may_have_signs(rest.text) else [line for line in self.lines if not line.furniture]
        else:
            self.restless = False

    def cleaned(self) -> tuple[Cleaned, list[Line]]:
        """Return the page without what was removed, and the lines that are left."""
        # A page that carries stories and has none of its own is empty; one of nothing else stays.
        if self.restless or not self.rest.spans or not (self.lines or self.items):
            return Cleaned(self.text, self.text), self.whole
        items = sorted(self.items, key=lambda item: item.start)
        return Cleaned(self.text, self.rest.text, self.rest.removed(), tuple(items), self.metadata), self.lines


def _furniture(text: str, lines: list[Line]) -> Iterator[Span]:
    """Yield the lines that are no story."""
    kinds = furniture_kinds(
        [line.cues for line in lines], [line.words for line in lines], [line.furniture for line in lines]
    )
    for line, (kind, rule) in zip(lines, kinds, strict=True):
        if line.furniture:
            span = whole_line(text, line.start, line.end)
            yield Span(*span, kind, rule, _doubt(line.score))


@dataclass(slots=True)
class _Rest:
    """What is left of a text while it is cleaned.

    Args:
        text: The rest.
        pieces: Where it stands in the original: start and end of each stretch.
        offsets: Where each of these begins in the rest.
        spans: What was removed, in the original.
    """

    text: str
    pieces: list[tuple[int, int]]
    offsets: list[int]
    spans: list[Span]

    def __init__(self, text: str) -> None:
        self.text, self.pieces, self.offsets, self.spans = text, [(0, len(text))], [0], []

    @classmethod
    def of(cls, page: Cleaned) -> Self:
        """Return what is left of a cleaned page."""
        rest = cls(page.original)
        if page.removed:
            rest.remove(page.removed)
        return rest

    def remove(self, spans: Iterable[Span]) -> None:
        """Remove spans of the rest, in order; each becomes one span of the original or, around older ones, several."""
        pieces: list[tuple[int, int]] = []
        kept: list[str] = []
        position = 0
        for span in spans:
            if position < span.start:
                pieces += self.stretches(position, span.start)
                kept.append(self.text[position : span.start])
                position = span.start
            for start, end in self.stretches(position, span.end):
                same = (start, end) == (span.start, span.end)
                self.spans.append(span if same else replace(span, start=start, end=end))
            position = span.end
        if position < len(self.text):
            pieces += self.stretches(position, len(self.text))
            kept.append(self.text[position:])
        self.pieces, self.text = pieces, "".join(kept)
        self.offsets = [0, *accumulate(end - start for start, end in pieces[:-1])]

    def stretches(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return where characters `start` to `end` of the rest, at least one, stand in the original, in pieces."""
        found = []
        at = bisect_right(self.offsets, start) - 1
        while start < end:
            first, last = self.pieces[at]
            first += start - self.offsets[at]
            last = min(last, first + end - start)
            found.append((first, last))
            start += last - first
            at += 1
        return found

    def place(self, position: int) -> int:
        """Return where a character of the rest stands in the original."""
        at = bisect_right(self.offsets, position) - 1
        return self.pieces[at][0] + position - self.offsets[at]

    def removed(self) -> tuple[Span, ...]:
        """Return the removed spans, in order."""
        return tuple(sorted(self.spans, key=lambda span: span.start))


def _moved(item: Item, rest: _Rest, text: str) -> Item:
    """Return an item of the rest as one of the original text."""
    start, end = rest.place(item.start), rest.place(item.end - 1) + 1
    return replace(item, start=start, end=end, text=text[start:end])


def _blocks(page: Cleaned) -> list[Block]:
    """Return the blocks of a cleaned page: the removed spans, and the lines that stay, in parts around the spans."""
    rest = _Rest.of(page)
    blocks = [Block(span.start, span.end, span.kind, span.confidence) for span in page.removed]
    seen_body = False
    for line in lines_of(page.text):
        kind, strictness = cue(line.cues)
        if not (kind in _LABELS and strictness > 1 and line.words <= _HEADLINE_WORDS):
            says = page.text[line.start : line.end]
            kind = "headline" if line.words <= _HEADLINE_WORDS and _is_headline(says, seen_body=seen_body) else "body"
        seen_body |= kind == "body"
        blocks += [
            Block(start, end, kind, _confidence(line.score))
            for start, end in rest.stretches(line.start, line.end)
            if not page.original[start:end].isspace()
        ]
    return sorted(blocks, key=lambda block: block.start)


@lru_cache(1 << 14)
def _confidence(score: int) -> float:
    """Return how sure the forest is that a block of some score is of the story."""
    return round(1 / (1 + math.exp(-min(max(score / SCORE_UNIT, -30.0), 30.0))), 3)


@lru_cache(1 << 14)
def _doubt(score: int) -> float:
    """Return how sure the forest is that it is none."""
    return round(1 - _confidence(score), 3)


def _is_headline(says: str, *, seen_body: bool) -> bool:
    """Tell whether a line that stays reads like a headline: no stop at its end, and no quote inside the article."""
    return says[-1] not in _ENDS or (not seen_body and says[-1] in _CALLS)


def template_spans(text: str, lines: Iterable[tuple[int, int, int, str]]) -> list[Span]:
    """Return the spans of lines that are furniture of their outlet, given start, end, cues and the reason of each."""
    return [
        Span(*whole_line(text, start, end), cue(cues)[0] or "promo", "template", 0.95, reason)
        for start, end, cues, reason in lines
    ]


def without(page: Cleaned, spans: list[Span]) -> Cleaned:
    """Return a cleaned page without further spans of its clean text."""
    rest = _Rest.of(page)
    rest.remove(spans)
    return replace(page, text=rest.text, removed=rest.removed())
