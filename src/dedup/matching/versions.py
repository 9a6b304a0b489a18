"""Versions: texts of one story that grew or were corrected later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dedup.matching.verify import DUPLICATE, EXCERPT, VERSION, Pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A version is more alike than that, and so much of one side is in the other.
ALIKE, CONTAINED = 0.5, 0.8

#: By how much a later text is larger that grew; elsewhere, because who reprints may add a paragraph of his own.
GREW, GREW_ELSEWHERE = 0.1, 0.5


def mark_versions(pairs: Pairs, moments: NDArray[np.float64], outlets: NDArray[np.int64]) -> Pairs:
    """Return the pairs, those of a text and a later version of it as VERSION instead of DUPLICATE or EXCERPT.

    A pair above ALIKE, of which one side has CONTAINED of its shingles in the other, is one of versions when the later
    text grew: it holds the earlier one and is larger by GREW, or by GREW_ELSEWHERE where another outlet printed it; or
    when one outlet printed both, which then corrected the earlier. What is smaller at another outlet was cut, and what
    has no date, or may be of the same time, is plainly a duplicate or an excerpt.

    Args:
        pairs: Related pairs.
        moments: float64 [documents, 2], the first and the last moment when each may have been published, in seconds;
            infinity where that is unknown.
        outlets: int64 [documents], who printed it; -1 where that is unknown.
    """
    later = later_side(moments[pairs.left], moments[pairs.right])
    right_later = later > 0
    earlier_size = np.where(right_later, pairs.left_size, pairs.right_size)
    later_size = np.where(right_later, pairs.right_size, pairs.left_size)
    left, right = outlets[pairs.left], outlets[pairs.right]
    known = (left >= 0) & (right >= 0)
    growth = np.where(known & (left != right), GREW_ELSEWHERE, GREW)
    grew = (pairs.shared >= CONTAINED * earlier_size) & (later_size >= (1 + growth) * earlier_size)
    corrected = known & (left == right) & (pairs.shared >= CONTAINED * np.minimum(earlier_size, later_size))
    linked = (pairs.relation == DUPLICATE) | (pairs.relation == EXCERPT)
    is_version = linked & (later != 0) & (pairs.jaccard > ALIKE) & (grew | corrected)
    return pairs.relabelled(np.where(is_version, np.uint8(VERSION), pairs.relation))


def later_side(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.int8]:
    """Return which text was published later for certain, int8 [pairs]: 1 the right one, -1 the left one, 0 unknown.

    Args:
        left: float64 [pairs, 2], the first and the last moment when it may have been published; see `mark_versions`.
        right: The same of the other text.
    """
    right_later = (left[:, 1] < right[:, 0]) & np.isfinite(right[:, 0])
    left_later = (right[:, 1] < left[:, 0]) & np.isfinite(left[:, 0])
    side: NDArray[np.int8] = right_later.astype(np.int8) - left_later.astype(np.int8)
    return side
