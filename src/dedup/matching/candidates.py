"""Pairs of texts that may be alike: those that agree in all slots of one band."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dedup.kernels.parallel import Pool
    from dedup.scratch import Column

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
        largest: The size of the largest bucket; 0 where no two texts share one.
        common: How many sampled shingles more texts had than the limit.
        frequent: How many more texts had than are all paired for passages.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    crowded: NDArray[np.bool_]
    capped: int = 0
    omitted: int = 0
    largest: int = 0
    common: int = 0
    frequent: int = 0

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.left)

    def codes(self) -> NDArray[np.uint64]:
        """Return the pairs as left * 2**32 + right, ascending."""
        return (self.left << 32 | self.right).astype(np.uint64)

    def _pick(self, chosen: NDArray[Any]) -> Candidates:
        return replace(self, left=self.left[chosen], right=self.right[chosen])

    def at(self, places: NDArray[np.int64]) -> Candidates:
        """Return the pairs of the documents that stand at `places`, which ascend, of a larger collection."""
        return replace(self, left=places[self.left], right=places[self.right])

    def without(self, others: Candidates) -> Candidates:
        """Return the pairs that are not among others."""
        return self._pick(~among(others.codes(), self.codes()))

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


def among(known: NDArray[np.integer[Any]], codes: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return which numbers are among those that are known, which ascend; both are of one type."""
    if not len(known):
        return np.zeros(len(codes), np.bool_)
    found: NDArray[np.bool_] = known[np.minimum(np.searchsorted(known, codes), len(known) - 1)] == codes
    return found


def all_pairs(documents: int) -> Candidates:
    """Return every pair of so many documents."""
    left, right = np.triu_indices(documents, 1)
    return Candidates(left.astype(np.int64), right.astype(np.int64), np.zeros(documents, np.bool_))


def pairs_by_bands(
    keys: Sequence[Column],
    rows: NDArray[np.int64],
    bucket_limit: int,
    pool: Pool,
    advance: Callable[[int], None],
) -> Candidates:
    """Return the pairs that share a band.

    A bucket (the texts that agree in one band) of at most `bucket_limit` texts gives all its pairs. A larger one, a
    crowd, gives pairs of its first texts with the others, `bucket_limit` // 4 of them at most, so that its cost is
    linear; those texts are the best to keep, as documents are numbered in keep order. A text that is in a crowd gets so
    many pairs with texts before it from all its buckets together, those with the first.

    Args:
        keys: For each band the keys of all texts, uint64.
        rows: int64 [n], the texts to compare, in keep order; pairs count in places of this array.
        bucket_limit: At least 2.
        pool: The threads to do it.
        advance: Told 1 after each band.
    """
    alone, crowd = _Codes(), _Codes()
    capped = omitted = largest = 0
    crowded = np.zeros(len(rows), np.bool_)

    def share(band: Column) -> tuple[Shared, NDArray[np.int64]]:
        members, positions, sizes = buckets(band.read()[rows], np.arange(len(rows)), len(rows))
        crowded[members[sizes > bucket_limit]] = True
        return pairs_of(members, positions, sizes, bucket_limit), sizes[positions == 0]

    for shared, sizes in pool.map(share, keys):
        alone.add(shared.alone)
        crowd.add(shared.crowd)
        capped += int(np.count_nonzero(sizes > bucket_limit))
        omitted += shared.omitted
        largest = max(largest, int(sizes.max(initial=0)))
        advance(1)
    found, more = of_crowds(alone.all(), crowd.all(), crowded)
    kept = more[first_of_each(more, crowd_pairs(bucket_limit))]
    left, right = ends_of(np.sort(np.concatenate([found, kept])))
    return Candidates(left, right, crowded, capped, omitted + len(more) - len(kept), largest)


def of_crowds(
    alone: NDArray[np.uint64], crowd: NDArray[np.uint64], crowded: NDArray[np.bool_]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the pairs whose later text is in no crowd, and those whose later text is in one, each once, ascending.

    Args:
        alone: uint64, the pairs of buckets up to the limit, each once.
        crowd: uint64, those of larger ones.
        crowded: bool [n], which texts are in one.
    """
    is_crowded = crowded[ends_of(alone)[1]]
    return alone[~is_crowded], _unique(np.concatenate([alone[is_crowded], crowd]))


class _Codes:
    """Pairs that are found again and again."""

    def __init__(self) -> None:
        self._found = np.empty(0, np.uint64)
        self._pending: list[NDArray[np.uint64]] = []
        self._waiting = 0

    def add(self, codes: NDArray[np.uint64]) -> None:
        self._pending.append(codes)
        self._waiting += len(codes)
        if self._waiting > _PENDING_LIMIT:
            self.all()

    def all(self) -> NDArray[np.uint64]:
        """Return each pair once, ascending."""
        self._found = _unique(np.concatenate([self._found, *self._pending]))
        self._pending, self._waiting = [], 0
        return self._found


def crowd_pairs(bucket_limit: int) -> int:
    """Return with how many texts before it a text of a crowd is paired."""
    return max(1, bucket_limit // 4)


def ends_of(codes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the left and the right text of pairs, given as left * 2**32 + right."""
    return (codes >> np.uint64(32)).astype(np.int64), (codes & np.uint64(0xFFFFFFFF)).astype(np.int64)


def first_of_each(codes: NDArray[np.uint64], most: int) -> NDArray[np.int64]:
    """Return the places of the first pairs of each right text: those with the `most` smallest left ones, ascending.

    Args:
        codes: uint64, different pairs, as left * 2**32 + right.
        most: How many.
    """
    left, right = ends_of(codes)
    order = np.argsort(right << 32 | left)
    sorted_right = right[order]
    position = np.arange(len(order)) - np.searchsorted(sorted_right, sorted_right)
    return np.sort(order[position < most])


class Shared(NamedTuple):
    """The pairs of some buckets, as left * 2**32 + right.

    Args:
        alone: uint64, those of buckets up to the limit.
        crowd: uint64, those of larger ones.
        omitted: How many pairs of larger ones were left out.
    """

    alone: NDArray[np.uint64]
    crowd: NDArray[np.uint64]
    omitted: int


def partners(positions: NDArray[np.int64], sizes: NDArray[np.int64], bucket_limit: int) -> NDArray[np.int64]:
    """Return with how many members before it each member of a bucket is paired, int64: see `pairs_of`."""
    return np.where(sizes > bucket_limit, np.minimum(positions, crowd_pairs(bucket_limit)), positions)


def pairs_of(
    members: NDArray[np.int64],
    positions: NDArray[np.int64],
    sizes: NDArray[np.int64],
    bucket_limit: int,
    part: slice = slice(None),
) -> Shared:
    """Return the pairs of buckets, those with the members of a part on their right.

    Args:
        members: int64, the members of each bucket, one bucket after the other, ascending within each.
        positions: int64, the position of each in its bucket.
        sizes: int64, the size of the bucket of each.
        bucket_limit: In a larger bucket, only the first quarter of so many members are paired with all others.
        part: Which members.
    """
    places, is_crowd = np.arange(len(members))[part], sizes[part] > bucket_limit
    taken = partners(positions[part], sizes[part], bucket_limit)

    def pairs(chosen: NDArray[np.bool_]) -> NDArray[np.uint64]:
        counts, right = taken[chosen], places[chosen]
        step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        first = np.repeat(right - positions[right], counts)
        found: NDArray[np.uint64] = (members[first + step] << 32 | np.repeat(members[right], counts)).astype(np.uint64)
        return found

    return Shared(pairs(~is_crowd), pairs(is_crowd), int((positions[part] - taken).sum()))


def _unique(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    # NumPy's own unique hashes integers, which takes many times as long as its sort.
    values = np.sort(values)
    return values[np.concatenate([[True], values[1:] != values[:-1]])] if len(values) else values


def buckets(
    keys: NDArray[np.uint64], numbers: NDArray[np.int64], documents: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the members of all buckets (equal keys) of two and more: their numbers, positions in them, sizes.

    Members of a bucket ascend; buckets come one after the other.

    Args:
        keys: uint64.
        numbers: int64, whose key each is, in [0, `documents`).
        documents: How many there are.
    """
    # The number takes the place of the key's low bits, so that one plain sort orders both; two keys that differ only
    # there fall together once in millions of texts, and verification parts them again.
    bits = _low_bits(documents)
    sorted_keys = np.sort(numbered(keys, numbers.astype(np.uint64), documents))
    parts = sorted_keys >> bits
    same = np.concatenate([[False], parts[1:] == parts[:-1], [False]])
    chosen = np.flatnonzero(same[1:] | same[:-1])
    first = ~same[chosen]
    starts = np.flatnonzero(first)
    lengths: NDArray[Any] = np.diff(np.append(starts, len(chosen)))
    sizes = np.repeat(lengths, lengths)
    positions = np.arange(len(chosen)) - np.repeat(starts, lengths)
    members = sorted_keys[chosen] & (np.uint64(1) << bits) - np.uint64(1)
    return members.astype(np.int64), positions, sizes


def numbered(keys: NDArray[np.uint64], numbers: NDArray[np.uint64], documents: int) -> NDArray[np.uint64]:
    """Return keys with numbers below `documents` in place of the low bits that say nothing in `buckets`."""
    bits = _low_bits(documents)
    return keys >> bits << bits | numbers


def _low_bits(documents: int) -> np.uint64:
    return np.uint64(max(1, (documents - 1).bit_length()))
