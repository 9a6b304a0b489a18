"""Pairs of texts that may be alike: those that agree in all slots of one band."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup.kernels.native import band_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dedup.kernels.parallel import Pool
    from dedup.matching.plan import Plan

#: Above this many candidates that were found but not yet freed of repeats, repeats are dropped.
_PENDING_LIMIT = 8_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Pairs to verify, each once, in ascending order.

    Args:
        left: int64, the smaller number of each pair.
        right: int64, the larger.
        crowded: bool [n], the documents that were in a bucket larger than the limit.
        capped: How many such buckets there were.
        omitted: Pairs of those buckets that were not taken, repeats over several bands included.
        common: How many sampled shingles more texts had than the limit.
        frequent: How many more texts had than are all paired for passages.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    crowded: NDArray[np.bool_]
    capped: int = 0
    omitted: int = 0
    common: int = 0
    frequent: int = 0

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.left)

    def _codes(self) -> NDArray[np.int64]:
        return self.left << 32 | self.right

    def _pick(self, chosen: NDArray[Any]) -> Candidates:
        return replace(self, left=self.left[chosen], right=self.right[chosen])

    def at(self, places: NDArray[np.int64]) -> Candidates:
        """Return the pairs of the documents that stand at `places`, which ascend, of a larger collection."""
        return replace(self, left=places[self.left], right=places[self.right])

    def has(self, codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return which pairs, given as left * 2**32 + right, are among these."""
        own = self._codes().astype(np.uint64)
        places = np.searchsorted(own, codes)
        places[places == len(own)] = 0
        return own[places] == codes if len(own) else np.zeros(len(codes), np.bool_)

    def without(self, others: Candidates) -> Candidates:
        """Return the pairs that are not among others."""
        return self._pick(~others.has(self._codes().astype(np.uint64)))

    def join(self, more: Candidates) -> Candidates:
        """Return these pairs and more, in order."""
        left, right = np.concatenate([self.left, more.left]), np.concatenate([self.right, more.right])
        order = np.argsort(left << 32 | right)
        return replace(
            self,
            left=left[order],
            right=right[order],
            common=self.common + more.common,
            frequent=self.frequent + more.frequent,
        )


def all_pairs(documents: int) -> Candidates:
    """Return every pair of so many documents."""
    left, right = np.triu_indices(documents, 1)
    return Candidates(left.astype(np.int64), right.astype(np.int64), np.zeros(documents, np.bool_))


def pairs_by_bands(
    signatures: NDArray[np.uint32],
    rows: NDArray[np.int64],
    plan: Plan,
    bucket_limit: int,
    pool: Pool,
    advance: Callable[[int], None],
) -> Candidates:
    """Return the pairs that share a band.

    A bucket (the texts that agree in one band) of at most `bucket_limit` texts gives all its pairs. A larger one gives
    the pairs of its first `bucket_limit` // 4 texts with all others, so that its cost is linear; those texts are the
    best to keep, as documents are numbered in keep order.

    Args:
        signatures: uint32 [texts, num_slots].
        rows: int64 [n], the signatures to compare, in keep order; pairs count in places of this array.
        plan: How to cut them.
        bucket_limit: At least 2.
        pool: The threads to do it.
        advance: Told 1 after each band.
    """
    found = np.empty(0, np.uint64)
    pending: list[NDArray[np.uint64]] = []
    waiting = capped = omitted = 0
    bands = range(0, plan.bands * plan.rows, plan.rows)
    crowded = np.zeros(len(rows), np.bool_)
    for pairs, over, left_out, members in pool.map(
        lambda first: _band(signatures, rows, first, plan.rows, bucket_limit), bands
    ):
        pending.append(pairs)
        waiting += len(pairs)
        capped += over
        omitted += left_out
        crowded[members] = True
        if waiting > _PENDING_LIMIT:
            found, pending, waiting = _unique(np.concatenate([found, *pending])), [], 0
        advance(1)
    found = _unique(np.concatenate([found, *pending]))
    return Candidates(
        (found >> np.uint64(32)).astype(np.int64),
        (found & np.uint64(0xFFFFFFFF)).astype(np.int64),
        crowded,
        capped,
        omitted,
    )


def _band(
    signatures: NDArray[np.uint32], rows: NDArray[np.int64], first: int, width: int, bucket_limit: int
) -> tuple[NDArray[np.uint64], int, int, NDArray[np.int64]]:
    """Return the pairs of one band (left place above right); buckets over the limit, pairs left out, their members."""
    members, positions, sizes = buckets(band_keys(signatures, first, width)[rows])
    pairs, omitted = pairs_of(members, positions, sizes, bucket_limit)
    over = sizes > bucket_limit
    return pairs, int(np.count_nonzero(over & (positions == 0))), omitted, members[over]


def pairs_of(
    members: NDArray[np.int64], positions: NDArray[np.int64], sizes: NDArray[np.int64], bucket_limit: int
) -> tuple[NDArray[np.uint64], int]:
    """Return the pairs of buckets, uint64 with the left member above the right one, and how many were left out.

    Args:
        members: int64, the members of each bucket, one bucket after the other, ascending within each.
        positions: int64, the position of each in its bucket.
        sizes: int64, the size of the bucket of each.
        bucket_limit: In a larger bucket, only the first quarter of so many members are paired with all others.
    """
    # How many of the later members of its bucket each one is paired with.
    later = sizes - positions - 1
    taken = np.where((sizes > bucket_limit) & (positions >= max(1, bucket_limit // 4)), 0, later)
    left = np.repeat(np.arange(len(members)), taken)
    step = np.arange(len(left)) - np.repeat(np.cumsum(taken) - taken, taken) + 1
    pairs = members[left] << 32 | members[left + step]
    return pairs.astype(np.uint64), int((later - taken).sum())


def _unique(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    # NumPy's own unique hashes integers, which takes many times as long as its sort.
    values = np.sort(values)
    return values[np.concatenate([[True], values[1:] != values[:-1]])] if len(values) else values


def buckets(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the members of all buckets (equal keys) of two and more: places in `keys`, positions in them, sizes."""
    # The number takes the place of the key's low bits, so that one plain sort orders both; two keys that differ only
    # there fall together once in millions of texts, and verification parts them again.
    bits = np.uint64(max(1, (len(keys) - 1).bit_length()))
    mask = (np.uint64(1) << bits) - np.uint64(1)
    sorted_keys = np.sort(keys & ~mask | np.arange(len(keys), dtype=np.uint64))
    parts = sorted_keys >> bits
    same = np.concatenate([[False], parts[1:] == parts[:-1], [False]])
    chosen = np.flatnonzero(same[1:] | same[:-1])
    first = ~same[chosen]
    starts = np.flatnonzero(first)
    lengths: NDArray[Any] = np.diff(np.append(starts, len(chosen)))
    sizes = np.repeat(lengths, lengths)
    positions = np.arange(len(chosen)) - np.repeat(starts, lengths)
    return (sorted_keys[chosen] & mask).astype(np.int64), positions, sizes
