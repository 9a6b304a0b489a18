"""Exact scores of candidate pairs, from their full shingle sets, and what relation follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup.kernels import native
from dedup.kernels.parallel import chunks
from dedup.model import LINKS, RELATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.kernels.parallel import Pool
    from dedup.matching.candidates import Candidates

EXACT, DUPLICATE, EXCERPT, ROUNDUP, OVERLAP = range(len(RELATIONS))
#: Marks a pair that has no relation worth reporting.
UNRELATED = len(RELATIONS)

#: Shingle hashes that one thread has in memory at a time, 8 bytes each.
_CHUNK_SHINGLES = 250_000

#: Pairs that one thread compares at a time.
_CHUNK_PAIRS = 20_000


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

    def join(self, more: Pairs) -> Pairs:
        """Return these pairs and more, ascending by left and right document."""
        both = Pairs(
            np.concatenate([self.left, more.left]),
            np.concatenate([self.right, more.right]),
            np.concatenate([self.shared, more.shared]),
            np.concatenate([self.left_size, more.left_size]),
            np.concatenate([self.right_size, more.right_size]),
            np.concatenate([self.relation, more.relation]),
        )
        return both.where(np.argsort(both.left << 32 | both.right))

    def where(self, chosen: NDArray[Any]) -> Pairs:
        """Return the pairs that are chosen, by a mask or by their places."""
        return Pairs(
            self.left[chosen],
            self.right[chosen],
            self.shared[chosen],
            self.left_size[chosen],
            self.right_size[chosen],
            self.relation[chosen],
        )

    def related(self, config: Config) -> Pairs:
        """Return the same pairs with the relation that `config` gives each by itself."""
        return self.relabelled(relate(self, config))

    def relabelled(self, relation: NDArray[np.uint8]) -> Pairs:
        """Return the same pairs with other relations."""
        return Pairs(self.left, self.right, self.shared, self.left_size, self.right_size, relation)

    @property
    def links(self) -> Pairs:
        """The pairs that put two documents into one cluster."""
        return self.where(self.relation < len(LINKS))


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
    strings: Sequence[str],
    room: NDArray[np.uint32],
    candidates: Candidates,
    config: Config,
    pool: Pool,
    advance: Callable[[int], None],
) -> Pairs:
    """Compare the full shingle sets of every candidate pair.

    Args:
        strings: The clean texts, one per document.
        room: uint32 [n], how many shingles document i has at most (`Sketches.shingles`).
        candidates: The pairs of documents.
        config: Shingle size, seed and the link rule.
        pool: The threads to do it.
        advance: Told how many more pairs are done from time to time.

    Returns:
        The same pairs in the same order; those UNRELATED too.
    """
    order, parts = _tiles(candidates, room)

    def compare(rows: range) -> NDArray[np.int64]:
        chosen = order[rows.start : rows.stop]
        return _compare(strings, room, candidates.left[chosen], candidates.right[chosen], config)

    scores = np.empty((3, len(candidates)), np.int64)
    for rows, part in zip(parts, pool.map(compare, parts), strict=True):
        scores[:, order[rows.start : rows.stop]] = part
        advance(len(rows))
    shared, left_size, right_size = scores
    unrelated = np.full(len(candidates), UNRELATED, np.uint8)
    return Pairs(candidates.left, candidates.right, shared, left_size, right_size, unrelated).related(config)


def _compare(
    strings: Sequence[str],
    room: NDArray[np.uint32],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    config: Config,
) -> NDArray[np.int64]:
    """Return what each pair shares and the sizes of the two sets, int64 [3, pairs]."""
    documents, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    left_at, right_at = places[: len(left)], places[len(left) :]
    texts = native.Texts.from_strings([strings[document] for document in documents.tolist()])
    sets = native.ShingleSets.empty(room[documents])
    native.fill_shingle_sets(texts, np.arange(len(texts)), config, 0, len(texts), sets)
    shared = np.empty(len(left), np.int64)
    native.fill_intersections(sets, left_at, right_at, 0, len(left), shared)
    return np.stack([shared, sets.counts[left_at], sets.counts[right_at]])


def _tiles(candidates: Candidates, room: NDArray[np.uint32]) -> tuple[NDArray[np.int64], list[range]]:
    """Return an order of the pairs and where to cut it: the texts of one part fit into memory, and come together.

    Documents are cut into blocks; the pairs between two blocks are compared together, so that a text whose pairs are
    many is read once per block and not once per pair.
    """
    block = np.cumsum(room, dtype=np.int64) // _CHUNK_SHINGLES
    left, right = block[candidates.left], block[candidates.right]
    order = np.lexsort((left, right))
    tile = left[order] << 32 | right[order]
    starts = [0, *(np.flatnonzero(np.diff(tile)) + 1).tolist(), len(tile)]
    # Tiles of few pairs go together: their weight is that of all their texts, so none is larger than one full tile.
    texts = room[candidates.left[order]].astype(np.int64) + room[candidates.right[order]]
    weights = [min(int(texts[start:stop].sum()), 2 * _CHUNK_SHINGLES) for start, stop in pairwise(starts)]
    return order, [
        range(low, high)
        for tiles in chunks(np.array(weights, np.int64), 2 * _CHUNK_SHINGLES)
        for start, stop in [(starts[tiles.start], starts[tiles.stop])]
        for low, high in pairwise([*range(start, stop, _CHUNK_PAIRS), stop])
    ]
