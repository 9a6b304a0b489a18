"""Exact scores of candidate pairs, from their full shingle sets, and what relation follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dedup.kernels import native
from dedup.kernels.parallel import for_ranges
from dedup.model import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.matching.candidates import Candidates

EXACT, DUPLICATE, EXCERPT, OVERLAP = range(len(RELATIONS))
#: Marks a pair that has no relation worth reporting.
UNRELATED = len(RELATIONS)

#: Shingle hashes that may be in memory at once, 8 bytes each.
_CHUNK_SHINGLES = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Verified pairs of documents and their exact scores.

    Args:
        left: int64, the document that comes first in keep order.
        right: int64, the other.
        shared: int64, size of the intersection of the two shingle sets.
        left_size: int64, size of the left shingle set.
        right_size: int64, size of the right one.
        relation: uint8, a place in `RELATIONS`, or UNRELATED.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    shared: NDArray[np.int64]
    left_size: NDArray[np.int64]
    right_size: NDArray[np.int64]
    relation: NDArray[np.uint8]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.left)

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """Shared shingles over all shingles, in [0, 1]."""
        return self.shared / (self.left_size + self.right_size - self.shared)

    @property
    def containment_left(self) -> NDArray[np.float64]:
        """Share of the left text's shingles that the right one has."""
        return self.shared / self.left_size

    @property
    def containment_right(self) -> NDArray[np.float64]:
        """Share of the right text's shingles that the left one has."""
        return self.shared / self.right_size

    def where(self, chosen: NDArray[np.bool_]) -> Pairs:
        """Return the pairs that are chosen."""
        return Pairs(
            self.left[chosen],
            self.right[chosen],
            self.shared[chosen],
            self.left_size[chosen],
            self.right_size[chosen],
            self.relation[chosen],
        )

    def related(self, config: Config) -> Pairs:
        """Return the same pairs with the relation that `config` gives them."""
        relation = relate(self, config)
        return Pairs(self.left, self.right, self.shared, self.left_size, self.right_size, relation)


def relate(pairs: Pairs, config: Config) -> NDArray[np.uint8]:
    """Return the relation of each pair, uint8: the first that holds of `duplicate`, `excerpt` and `overlap`.

    Texts that are equal when folded are no pairs here: they are collapsed into one document before.
    """
    smaller = np.minimum(pairs.left_size, pairs.right_size)
    containment = pairs.shared / smaller
    long_enough = smaller >= config.min_excerpt
    return np.select(
        [
            pairs.jaccard >= config.threshold,
            long_enough & (containment >= config.containment_floor),
            long_enough & (containment >= config.overlap),
        ],
        [np.uint8(DUPLICATE), np.uint8(EXCERPT), np.uint8(OVERLAP)],
        np.uint8(UNRELATED),
    )


def verify(
    texts: native.Texts,
    rows: NDArray[np.int64],
    room: NDArray[np.uint32],
    candidates: Candidates,
    config: Config,
    advance: Callable[[int], None] | None = None,
) -> Pairs:
    """Compare the full shingle sets of every candidate pair.

    Args:
        texts: The texts.
        rows: int64 [n], where document i of the candidates stands in `texts`.
        room: uint32 [n], how many shingles document i has at most (`Sketches.shingles`).
        candidates: The pairs.
        config: Shingle size, seed and the link rule.
        advance: Told how many pairs are done from time to time.

    Returns:
        The same pairs in the same order; those UNRELATED too.
    """
    shared = np.zeros(len(candidates), np.int64)
    left_size = np.zeros(len(candidates), np.int64)
    right_size = np.zeros(len(candidates), np.int64)
    for start, stop in _chunks(candidates, room):
        left, right = candidates.left[start:stop], candidates.right[start:stop]
        documents, places = np.unique(np.concatenate([left, right]), return_inverse=True)
        sets = _shingle_sets(texts, rows[documents], room[documents], config)
        left_at, right_at = places[: stop - start], places[stop - start :]
        counts = np.zeros(stop - start, np.int64)
        steps = sets.counts[left_at] + sets.counts[right_at]
        for_ranges(
            lambda low, high, *, a=left_at, b=right_at, s=sets, out=counts: native.fill_intersections(
                s, a, b, low, high, out
            ),
            2 * steps,
            config.threads,
        )
        shared[start:stop] = counts
        left_size[start:stop] = sets.counts[left_at]
        right_size[start:stop] = sets.counts[right_at]
        if advance:
            advance(stop - start)
    unrelated = np.full(len(candidates), UNRELATED, np.uint8)
    pairs = Pairs(candidates.left, candidates.right, shared, left_size, right_size, unrelated)
    return pairs.related(config)


def _shingle_sets(
    texts: native.Texts, rows: NDArray[np.int64], room: NDArray[np.uint32], config: Config
) -> native.ShingleSets:
    sets = native.ShingleSets.empty(room)
    for_ranges(
        lambda low, high: native.fill_shingle_sets(texts, rows, config, low, high, sets),
        texts.lengths[rows],
        config.threads,
    )
    return sets


def _chunks(candidates: Candidates, room: NDArray[np.uint32]) -> list[tuple[int, int]]:
    """Cut the pairs, which ascend by their left document, so that the sets of a chunk fit into memory."""
    sizes = room[candidates.right].astype(np.int64)
    # A left document counts once, where its pairs begin.
    begins = np.diff(candidates.left, prepend=-1) != 0
    sizes[begins] += room[candidates.left[begins]]
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    marks = np.arange(_CHUNK_SHINGLES, total, _CHUNK_SHINGLES)
    bounds = np.unique(np.concatenate([[0], np.searchsorted(ends, marks), [len(candidates)]])).tolist()
    return list(zip(bounds[:-1], bounds[1:], strict=True))
