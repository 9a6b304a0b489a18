"""Roundups: texts that carry several texts which have nothing to do with each other."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dedup.matching.verify import DUPLICATE, EXCERPT, ROUNDUP, UNRELATED, Pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mark_roundups(pairs: Pairs, moments: NDArray[np.float64]) -> Pairs:
    """Return the pairs, those of a roundup and a text that it carries as ROUNDUP instead of EXCERPT.

    A text carries a smaller one that is an `excerpt` of it and did not come later: what comes later was cut from it.
    It is composite when beside the largest text it carries, composite ones aside, it carries another that is unrelated
    to that one. A composite text is a roundup unless it is the `duplicate` of an earlier text, in keep order, that is
    none: then it is a copy of one story, of which different pieces were printed too.

    Args:
        pairs: Related pairs, ascending by left and right document.
        moments: float64 [documents], when each was published, in seconds; infinity where that is unknown.
    """
    roundups = _roundups(pairs, moments)
    if not len(roundups):
        return pairs
    larger = np.where(pairs.left_size > pairs.right_size, pairs.left, pairs.right)
    relation = pairs.relation.copy()
    relation[(relation == EXCERPT) & (pairs.left_size != pairs.right_size) & np.isin(larger, roundups)] = ROUNDUP
    return pairs.relabelled(relation)


def _roundups(pairs: Pairs, moments: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the documents that are roundups, int64, ascending."""
    carried = pairs.where((pairs.relation == EXCERPT) & (pairs.left_size != pairs.right_size))
    left_larger = carried.left_size > carried.right_size
    larger = np.where(left_larger, carried.left, carried.right)
    smaller = np.where(left_larger, carried.right, carried.left)
    size = np.maximum(carried.left_size, carried.right_size)
    smaller_size = np.minimum(carried.left_size, carried.right_size)
    in_time = ~(moments[smaller] > moments[larger]) | np.isinf(moments[smaller])

    # Pages from the smallest to the largest, so that whether a carried text is composite is known; in each page the
    # largest carried text first.
    order = np.lexsort((smaller, -smaller_size, larger, size))
    order = order[in_time[order]]
    larger, smaller = larger[order], smaller[order]
    codes = pairs.left << 32 | pairs.right
    codes = codes[pairs.relation != UNRELATED]
    composite: set[int] = set()
    starts = np.flatnonzero(np.concatenate([[True], larger[1:] != larger[:-1]])[: len(larger)])
    for start, stop in pairwise([*starts.tolist(), len(larger)]):
        if stop - start > 1:
            texts = np.array([text for text in smaller[start:stop].tolist() if text not in composite], np.int64)
            if len(texts) > 1 and not _are_among(codes, texts[0], texts[1:]).all():
                composite.add(int(larger[start]))
    if not composite:
        return np.empty(0, np.int64)

    copies = pairs.where(pairs.relation == DUPLICATE)
    earlier: dict[int, list[int]] = {}
    for a, b in zip(copies.left.tolist(), copies.right.tolist(), strict=True):
        earlier.setdefault(b, []).append(a)
    found: set[int] = set()
    for page in sorted(composite):
        if found.issuperset(earlier.get(page, ())):
            found.add(page)
    return np.array(sorted(found), np.int64)


def _are_among(codes: NDArray[np.int64], one: int, others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of the pairs of one document and others are among `codes`, which ascend."""
    wanted = np.minimum(one, others) << 32 | np.maximum(one, others)
    places = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
    found: NDArray[np.bool_] = codes[places] == wanted
    return found
