"""Roundups: texts that carry several texts which have nothing to do with each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

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

#: Takes a text and an array of others, and returns which of them stand in some way to the one.
AreAmong = Callable[[int, "NDArray[np.int64]"], "NDArray[np.bool_]"]


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
    if not composite:
        return np.zeros(len(pairs), np.bool_)

    copies = pairs.where(pairs.relation == DUPLICATE)
    carrying = np.where(within, larger, -1)[pairs.relation == DUPLICATE]
    earlier: dict[int, list[int]] = defaultdict(list)
    for a, b, page in zip(copies.left.tolist(), copies.right.tolist(), carrying.tolist(), strict=True):
        if b != page:
            earlier[b].append(a)
    roundups: set[int] = set()
    for page in sorted(composite):
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
) -> set[int]:
    """Return the composite pages; to `absent` go the pairs that were asked for and are not there."""
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
    # Pages from the smallest to the largest, so that it is known whether a carried text is composite; in each page
    # what it carries first, and the largest of that first.
    entries = np.concatenate(found, axis=1)
    entries = entries[:, np.lexsort(entries[::-1])]
    pages, texts = entries[1].astype(np.int64), entries[4].astype(np.int64)
    carried, is_copy, share = entries[2] == 0, entries[5] == 1, entries[6]
    known = pairs.join(judged)
    # Different stories may quote the same passage, or have the same form.
    much = (known.relation != OVERLAP) | (known.shared >= PART * np.minimum(known.left_size, known.right_size))
    codes, is_form = known.left << 32 | known.right, known.relation == TEMPLATE
    same_form, among = partial(_are_among, codes[is_form]), partial(_are_among, codes[much & ~is_form])

    def related(one: int, others: NDArray[np.int64]) -> NDArray[np.bool_]:
        if absent is not None:
            rest = others[~_are_among(codes, one, others)]
            absent.append(np.minimum(one, rest) << 32 | np.maximum(one, rest))
        return among(one, others)

    composite: set[int] = set()
    starts = np.flatnonzero(np.concatenate([[True], pages[1:] != pages[:-1]])[: len(pages)])
    for start, stop in pairwise([*starts.tolist(), len(pages)]):
        part = slice(start, min(stop, start + MOST_PARTS))
        # Most pages carry one text.
        if stop - start > 1 and is_composite(
            texts[part], carried[part], is_copy[part], share[part], composite, related, same_form
        ):
            composite.add(int(pages[start]))
    return composite


def is_composite(
    texts: NDArray[np.int64],
    carried: NDArray[np.bool_],
    is_copy: NDArray[np.bool_],
    share: NDArray[np.float64],
    composite: Container[int],
    related: AreAmong,
    same_form: AreAmong,
) -> bool:
    """Return whether a page is composite, as `mark_roundups` says, from its parts.

    Args:
        texts: int64 [n], what the page carries, largest first; then what it has much in common with, largest first. At
            most MOST_PARTS.
        carried: bool [n], whether it carries it.
        is_copy: bool [n], whether it is a `duplicate` of it.
        share: float64 [n], the share of the page that it has.
        composite: The composite ones of what it carries.
        related: Which of some texts are related to one.
        same_form: Which of them have its form.
    """
    is_large = share >= LARGE_PART
    main, *rest = [at for at in range(len(texts)) if not (carried[at] and int(texts[at]) in composite)] or [-1]
    if not rest or not carried[main]:
        return False
    if is_large[main]:
        rest = [at for at in rest if carried[at] or share[at] >= PART]
    large = carried | is_large
    if is_copy[main]:
        large = (carried & (share >= SECOND)) | is_large
        other = ~is_copy[rest] | same_form(int(texts[main]), texts[rest])
        rest = [at for at, is_other in zip(rest, other.tolist(), strict=True) if is_other and large[at]]
    if not rest:
        return False
    # Beside its main text a page has a large one that is unrelated to it, or two that are, also to each other.
    unrelated = np.array(rest)[~related(int(texts[main]), texts[rest])]
    if large[unrelated].any():
        return True
    return len(unrelated) > 1 and not related(int(texts[unrelated[0]]), texts[unrelated[1:]]).all()


def _are_among(codes: NDArray[np.int64], one: int, others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of the pairs of one document and others are among `codes`, which ascend."""
    return among_codes(codes, np.minimum(one, others) << 32 | np.maximum(one, others))
