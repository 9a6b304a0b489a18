"""Roundups: texts that carry several texts which have nothing to do with each other."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dedup.matching.verify import DUPLICATE, EXCERPT, OVERLAP, ROUNDUP, TEMPLATE, Pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray


#: The least share of a page that a part of it takes, where its main text is no large part, and that a large part takes.
LEAD, PART, LARGE_PART = 0.07, 0.15, 0.4

#: So much of a `duplicate` lies in a page that carries it, and so much of the page is another text that it carries.
CARRIED, SECOND = 0.8, 0.25


def mark_roundups(pairs: Pairs, moments: NDArray[np.float64]) -> Pairs:
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
    A composite page is a roundup unless it is the `duplicate` of an earlier text, in keep order, that is none and that
    it does not carry: then it is a copy of one story, of which pieces were printed too.

    Args:
        pairs: Related pairs, ascending by left and right document.
        moments: float64 [documents, 2], the first and the last moment when each may have been published, in seconds;
            infinity where that is unknown.
    """
    left_larger = pairs.left_size > pairs.right_size
    larger = np.where(left_larger, pairs.left, pairs.right)
    smaller_size = np.minimum(pairs.left_size, pairs.right_size)
    inside = (pairs.relation == DUPLICATE) & (pairs.shared >= CARRIED * smaller_size)
    within = ((pairs.relation == EXCERPT) | inside) & (pairs.left_size != pairs.right_size)
    composite = _composite(pairs, within, left_larger, moments)
    if not composite:
        return pairs

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
    relation = pairs.relation.copy()
    relation[within & np.isin(larger, list(roundups)) & ~same] = ROUNDUP
    return pairs.relabelled(relation)


def _composite(
    pairs: Pairs,
    within: NDArray[np.bool_],
    left_larger: NDArray[np.bool_],
    moments: NDArray[np.float64],
) -> set[int]:
    """Return the composite pages: `within` says in which pairs the larger text carries the smaller one."""
    # Each pair as (page, text), carried or merely much in common with the page.
    sides = (
        (pairs.left, pairs.left_size, pairs.right, left_larger),
        (pairs.right, pairs.right_size, pairs.left, ~left_larger),
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
        for page, size, text, is_larger in sides
    ]
    pages = np.unique(np.concatenate(beside))
    found = []
    for page, size, text, is_larger in sides:
        carried = within & is_larger
        much = (pairs.relation == OVERLAP) & (pairs.shared >= LEAD * size)
        first, last = moments[text, 0], moments[page, 1]
        in_time = (first <= last) | np.isinf(first)
        text_size = pairs.left_size + pairs.right_size - size
        chosen = (carried | much) & in_time & np.isin(page, pages)
        found.append(np.stack([size, page, ~carried, -text_size, text, is_copy, pairs.shared / size])[:, chosen])
    # Pages from the smallest to the largest, so that it is known whether a carried text is composite; in each page
    # what it carries first, and the largest of that first.
    entries = np.concatenate(found, axis=1)
    entries = entries[:, np.lexsort(entries[::-1])]
    pages, texts = entries[1].astype(np.int64), entries[4].astype(np.int64)
    carried, is_copy, share = entries[2] == 0, entries[5] == 1, entries[6]
    # Different stories may quote the same passage, or have the same form.
    much = (pairs.relation != OVERLAP) | (pairs.shared >= PART * np.minimum(pairs.left_size, pairs.right_size))
    codes = pairs.left << 32 | pairs.right
    form_codes, codes = codes[is_form], codes[much & ~is_form]
    is_large = share >= LARGE_PART
    beside_text, beside_copy = carried | is_large, (carried & (share >= SECOND)) | is_large
    composite: set[int] = set()
    starts = np.flatnonzero(np.concatenate([[True], pages[1:] != pages[:-1]])[: len(pages)])
    for start, stop in pairwise([*starts.tolist(), len(pages)]):
        main, *rest = [at for at in range(start, stop) if not (carried[at] and int(texts[at]) in composite)] or [-1]
        if not rest or not carried[main]:
            continue
        if is_large[main]:
            rest = [at for at in rest if carried[at] or share[at] >= PART]
        large = beside_copy if is_copy[main] else beside_text
        if is_copy[main]:
            other = ~is_copy[rest] | _are_among(form_codes, texts[main], texts[rest])
            rest = [at for at, is_other in zip(rest, other.tolist(), strict=True) if is_other and large[at]]
        if rest and _are_several(texts[[main, *rest]], large[[main, *rest]], codes):
            composite.add(int(pages[start]))
    return composite


def _are_several(texts: NDArray[np.int64], large: NDArray[np.bool_], codes: NDArray[np.int64]) -> bool:
    """Return whether beside its first text a page has a large other one, or two others, that are unrelated."""
    other = ~_are_among(codes, texts[0], texts[1:])
    if (other & large[1:]).any():
        return True
    unrelated = texts[1:][other]
    return len(unrelated) > 1 and not _are_among(codes, unrelated[0], unrelated[1:]).all()


def _are_among(codes: NDArray[np.int64], one: int, others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of the pairs of one document and others are among `codes`, which ascend."""
    wanted = np.minimum(one, others) << 32 | np.maximum(one, others)
    if not len(codes):
        return np.zeros(len(others), np.bool_)
    places = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
    found: NDArray[np.bool_] = codes[places] == wanted
    return found
