"""Roundups: texts that carry several texts which have nothing to do with each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dedup.matching.candidates import among as among_codes
from dedup.matching.verify import DUPLICATE, EXCERPT, OVERLAP, ROUNDUP, TEMPLATE, Pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray


#: The least share of a page that a part of it takes, where its main text is no large part, and that a large part takes.
LEAD, PART, LARGE_PART = 0.07, 0.15, 0.4

#: So much of a `duplicate` lies in a page that carries it, and so much of the page is another text that it carries.
CARRIED, SECOND = 0.8, 0.25

#: Of more parts of a page, so many are looked at: those that it carries first, and of each kind the largest.
MOST_PARTS = 64

#: Of each pair whether the left text may be a part of the right one, and the other way: what is later is no part.
Times = tuple["NDArray[np.bool_]", "NDArray[np.bool_]"]

#: Takes two arrays of texts and returns which pairs of them stand in some way to each other.
AreAmong = Callable[["NDArray[np.int64]", "NDArray[np.int64]"], "NDArray[np.bool_]"]


def mark_roundups(pairs: Pairs, moments: NDArray[np.float64], judged: Pairs | None = None) -> Pairs:
    """Return the pairs, those of a roundup and a text that it carries as ROUNDUP.

    A page carries a smaller text that is an `excerpt` of it, or a `duplicate` of which CARRIED is in it, and did not
    come later: what comes later was cut from it. Of two texts of one day, one without a time, neither is later.
    Composite ones aside, the largest text that it carries is its main one. Beside that a page may have parts of texts
    that `overlap` and did not come later, each PART of the page at least, or LEAD where the main one is less than
    LARGE_PART of it: then it is mostly something else. It is composite when a text unrelated to the main one is
    carried or makes up LARGE_PART of it, or when two parts are unrelated to the main one and to each other.
    Where the main one is a `duplicate`, hence most of the page, only one that makes up LARGE_PART does, or SECOND and
    is carried; another `duplicate` only when it has the form of the main one. Texts are unrelated when they are no
    pair, share a passage that is less than PART of the smaller one, or have the same form.
    Of more than MOST_PARTS texts the largest are looked at, those that the page carries first.
    A composite page is a roundup unless it is the `duplicate` of an earlier text, in keep order, that is none and that
    it does not carry: then it is a copy of one story, of which pieces were printed too.

    Args:
        pairs: Related pairs, ascending by left and right document.
        moments: float64 [documents, 2], the first and the last moment when each may have been published, in seconds;
            infinity where that is unknown.
        judged: More related pairs, of `undecided`; they are no pairs of the answer. None for none.
    """
    is_roundup = in_roundups(pairs, in_time(pairs, moments), judged or pairs.where(np.empty(0, np.int64)))
    return pairs.relabelled(np.where(is_roundup, np.uint8(ROUNDUP), pairs.relation))


def in_time(pairs: Pairs, moments: NDArray[np.float64]) -> Times:
    """Return which texts of pairs did not come later than the other one; what has no date may have come at any time."""
    left, right = (
        (moments[text, 0] <= moments[page, 1]) | np.isinf(moments[text, 0])
        for text, page in ((pairs.left, pairs.right), (pairs.right, pairs.left))
    )
    return left, right


def in_roundups(pairs: Pairs, times: Times, judged: Pairs) -> NDArray[np.bool_]:
    """Return which pairs are a roundup and a text that it carries: see `mark_roundups`.

    Args:
        pairs: See there.
        times: Of `in_time`.
        judged: See there.
    """
    within, left_larger = _within(pairs)
    larger = np.where(left_larger, pairs.left, pairs.right)
    composite = _composite(pairs, within, left_larger, times, judged, None)
    if not len(composite):
        return np.zeros(len(pairs), np.bool_)

    carries = within & (larger == pairs.right)
    copies = pairs.where((pairs.relation == DUPLICATE) & ~carries & np.isin(pairs.right, composite))
    earlier: dict[int, list[int]] = defaultdict(list)
    for a, b in zip(copies.left.tolist(), copies.right.tolist(), strict=True):
        earlier[b].append(a)
    roundups: set[int] = set()
    for page in composite.tolist():
        if roundups.issuperset(earlier[page]):
            roundups.add(page)
    # Two pages with the same texts are copies of each other.
    same = (pairs.relation == DUPLICATE) & np.isin(pairs.left + pairs.right - larger, list(roundups))
    marked: NDArray[np.bool_] = within & np.isin(larger, list(roundups)) & ~same
    return marked


def undecided(pairs: Pairs, moments: NDArray[np.float64], judged: Pairs, tried: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return pairs of texts, left * 2**32 + right, that would make a page composite if they were unrelated.

    Two parts of a page that were no candidates may be related all the same, most of all where many texts share what
    they have: so they are compared before a page is taken for a roundup.

    Args:
        pairs: See `mark_roundups`.
        moments: See there.
        judged: Pairs that were returned here before and found related.
        tried: int64, all that were returned here before, ascending.
    """
    found = asked(pairs, in_time(pairs, moments), judged)
    return found[~np.isin(found, tried)]


def asked(pairs: Pairs, times: Times, judged: Pairs) -> NDArray[np.int64]:
    """Return what `undecided` does, with the pairs that were returned before.

    Args:
        pairs: See `mark_roundups`.
        times: Of `in_time`.
        judged: See `undecided`.
    """
    within, left_larger = _within(pairs)
    absent: list[NDArray[np.int64]] = []
    _composite(pairs, within, left_larger, times, judged, absent)
    return np.unique(np.concatenate([np.empty(0, np.int64), *absent]))


def _within(pairs: Pairs) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return in which pairs the larger text would carry the smaller one, and in which the left one is the larger."""
    inside = (pairs.relation == DUPLICATE) & (pairs.shared >= CARRIED * np.minimum(pairs.left_size, pairs.right_size))
    within = ((pairs.relation == EXCERPT) | inside) & (pairs.left_size != pairs.right_size)
    return within, pairs.left_size > pairs.right_size


def _composite(
    pairs: Pairs,
    within: NDArray[np.bool_],
    left_larger: NDArray[np.bool_],
    times: Times,
    judged: Pairs,
    absent: list[NDArray[np.int64]] | None,
) -> NDArray[np.int64]:
    """Return the composite pages, int64, ascending; to `absent` go the pairs that were asked for and are not there."""
    # Each pair as (page, text), carried or merely much in common with the page.
    sides = (
        (pairs.left, pairs.left_size, pairs.right, left_larger, times[1]),
        (pairs.right, pairs.right_size, pairs.left, ~left_larger, times[0]),
    )
    is_copy = pairs.relation == DUPLICATE
    is_form = pairs.relation == TEMPLATE
    forms = np.concatenate([pairs.left[is_form], pairs.right[is_form]])
    # Most pages carry copies of one text alone, and need no look.
    beside = [
        page[
            (within & is_larger & (~is_copy | np.isin(text, forms)))
            | ((pairs.relation == OVERLAP) & (pairs.shared >= SECOND * size))
        ]
        for page, size, text, is_larger, _ in sides
    ]
    pages = np.unique(np.concatenate(beside))
    found = []
    for page, size, text, is_larger, is_in_time in sides:
        carried = within & is_larger
        much = (pairs.relation == OVERLAP) & (pairs.shared >= LEAD * size)
        text_size = pairs.left_size + pairs.right_size - size
        chosen = (carried | much) & is_in_time & np.isin(page, pages)
        found.append(np.stack([size, page, ~carried, -text_size, text, is_copy, pairs.shared / size])[:, chosen])
    # Page by page, in each what it carries first, and the largest of that first.
    entries = np.concatenate(found, axis=1)
    entries = entries[:, np.lexsort(entries[:0:-1])]
    pages = entries[1].astype(np.int64)
    starts = np.flatnonzero(np.concatenate([[True], pages[1:] != pages[:-1]])[: len(pages)])
    entries = entries[:, np.arange(len(pages)) - np.repeat(starts, np.diff(np.append(starts, len(pages)))) < MOST_PARTS]
    parts = Parts(
        entries[1].astype(np.int64), entries[4].astype(np.int64), entries[2] == 0, entries[5] == 1, entries[6]
    )
    known = pairs.join(judged)
    # Different stories may quote the same passage, or have the same form.
    much = (known.relation != OVERLAP) | (known.shared >= PART * np.minimum(known.left_size, known.right_size))
    codes, is_form = known.left << 32 | known.right, known.relation == TEMPLATE
    same_form, among = partial(_are_among, codes[is_form]), partial(_are_among, codes[much & ~is_form])
    wanted: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def related(ones: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
        wanted.append((ones, others))
        return among(ones, others)

    # What a page carries is smaller, so that what was found out of the smallest stands, then that of the next.
    composite = changed = composite_pages(parts, np.empty(0, np.int64), related, same_form)
    order = np.flatnonzero(parts.carried)
    order = order[np.argsort(parts.texts[order], kind="stable")]
    while len(changed):
        carriers = np.unique(parts.pages[order[_places(parts.texts[order], changed)]])
        some = parts.take(_places(parts.pages, carriers))
        before, found_now = composite, composite_pages(some, composite, related, same_form)
        composite = np.union1d(np.setdiff1d(composite, carriers), found_now)
        changed = np.setxor1d(before, composite)
    if absent is not None:
        wanted.clear()
        composite_pages(parts, composite, related, same_form)
        for ones, others in wanted:
            missing = ~_are_among(codes, ones, others)
            absent.append(_codes(ones[missing], others[missing]))
    return composite


class Parts(NamedTuple):
    """What pages may consist of: a row for each page and part, page by page.

    In a page comes what it carries, largest first; then what it has much in common with, largest first; at most
    MOST_PARTS.

    Args:
        pages: int64 [n].
        texts: int64 [n], the parts.
        carried: bool [n], whether the page carries the part.
        is_copy: bool [n], whether it is a `duplicate` of it.
        share: float64 [n], the share of the page that it has.
    """

    pages: NDArray[np.int64]
    texts: NDArray[np.int64]
    carried: NDArray[np.bool_]
    is_copy: NDArray[np.bool_]
    share: NDArray[np.float64]

    def take(self, rows: NDArray[np.int64]) -> Parts:
        """Return some of the rows."""
        return Parts(self.pages[rows], self.texts[rows], self.carried[rows], self.is_copy[rows], self.share[rows])


def composite_pages(
    parts: Parts, composite: NDArray[np.int64], related: AreAmong, same_form: AreAmong
) -> NDArray[np.int64]:
    """Return which pages are composite, as `mark_roundups` says, from their parts; int64, ascending.

    Args:
        parts: The parts, in the order of their pages.
        composite: int64, which of the texts that pages carry are composite.
        related: Which pairs of texts are related.
        same_form: Which pairs have the same form.
    """
    pages, texts, carried, is_copy, share = parts
    rows = np.arange(len(pages))
    if not len(rows):
        return np.empty(0, np.int64)
    starts = np.flatnonzero(np.concatenate([[True], pages[1:] != pages[:-1]]))
    page = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(rows))))

    def first(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return for each row the first row of its page that is chosen; behind the last row where there is none."""
        least: NDArray[np.int64] = np.minimum.reduceat(np.where(chosen, rows, len(rows)), starts)[page]
        return least

    stays = ~(carried & np.isin(texts, composite))
    main = first(stays)
    rest = stays & (rows > main)
    main = np.where(rest, main, rows)
    is_large = share >= LARGE_PART
    rest &= carried[main] & (carried | ~is_large[main] | (share >= PART))
    # Beside a copy, which is most of the page, only a large part counts, and another copy only as one of its form.
    beside_copy = is_copy[main]
    large = is_large | (carried & (~beside_copy | (share >= SECOND)))
    rest &= large | ~beside_copy
    copies = np.flatnonzero(rest & beside_copy & is_copy)
    rest[copies] = same_form(texts[main[copies]], texts[copies])
    # Beside its main text a page has a large one that is unrelated to it, or two that are, also to each other.
    asked = np.flatnonzero(rest)
    rest[asked] = ~related(texts[main[asked]], texts[asked])
    found = rest & large
    several = rest & ~np.isin(page, page[found])
    one = first(several)
    asked = np.flatnonzero(several & (rows > one))
    found[asked] = ~related(texts[one[asked]], texts[asked])
    return np.unique(pages[found])


def _are_among(codes: NDArray[np.int64], ones: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which pairs of documents are among `codes`, which ascend."""
    return among_codes(codes, _codes(ones, others))


def _places(values: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places of values, which ascend, that are among some different ones."""
    first, last = np.searchsorted(values, wanted), np.searchsorted(values, wanted, side="right")
    counts = last - first
    places: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
    return places


def _codes(ones: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.minimum(ones, others) << 32 | np.maximum(ones, others)
