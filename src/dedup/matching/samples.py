"""Pairs of texts of which one may lie inside the other: those that share enough of their sampled shingles."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from dedup.kernels import native
from dedup.kernels.parallel import chunks
from dedup.kernels.sketches import SAMPLE_CUT, SAMPLE_LEAST
from dedup.matching.candidates import Candidates, buckets, pairs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.kernels.parallel import Pool

#: Shingles that one thread samples from at a time.
_CHUNK_SHINGLES = 250_000

#: Samples are compared in so many parts, each of which has all occurrences of its hashes, to bound memory.
_PARTS = 16


def pairs_by_samples(
    strings: Sequence[str],
    room: NDArray[np.uint32],
    known: Candidates,
    config: Config,
    pool: Pool,
    advance: Callable[[int], None],
) -> Candidates:
    """Return the pairs of which one text may have `config.overlap` of its shingles in the other.

    A pair at that containment is missed with probability 1 - `config.recall` at most, as long as what they share is
    not in isolated words. A sampled shingle that more than `config.bucket_limit` texts have counts for the pairs of
    its first texts in keep order with all others: so the texts of a widely printed story still meet the best of them.

    Args:
        strings: The clean texts, in keep order.
        room: uint32 [n], how many shingles each has at most (`Sketches.shingles`).
        known: Pairs that are candidates already, and are left out here.
        config: The settings; texts of less than `min_excerpt` shingles have no pair here.
        pool: The threads to do it.
        advance: Told how many more texts were sampled.
    """
    long_enough = np.flatnonzero(room >= config.min_excerpt)
    advance(len(room) - len(long_enough))

    def sample(rows: range) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        chosen = long_enough[rows.start : rows.stop]
        texts = native.Texts.from_strings([strings[row] for row in chosen.tolist()])
        sets = native.ShingleSets.empty(_bound(room[chosen]))
        native.fill_samples(texts, np.arange(len(texts)), config, 0, len(texts), sets)
        return sets.joined(), sets.counts

    # What the bound leaves unused is never touched, so it takes no memory.
    values = np.empty(int(_bound(room[long_enough]).sum()), np.uint64)
    counts = np.empty(len(long_enough), np.int64)
    done = filled = 0
    for some, numbers in pool.map(sample, chunks(room[long_enough], _CHUNK_SHINGLES)):
        values[filled : filled + len(some)] = some
        counts[done : done + len(numbers)] = numbers
        filled += len(some)
        done += len(numbers)
        advance(len(numbers))
    left, right = _sharing(values[:filled], counts, long_enough, known, config)
    return Candidates(left, right, np.zeros(len(strings), np.bool_))


def _bound(room: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return the most hashes that a sample takes, int64: twice what is expected of a long text."""
    return SAMPLE_LEAST + room.astype(np.int64) // 4


def _sharing(
    values: NDArray[np.uint64],
    counts: NDArray[np.int64],
    documents: NDArray[np.int64],
    known: Candidates,
    config: Config,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of documents that share enough of their samples, ascending.

    Args:
        values: uint64, the samples one after the other, each sorted.
        counts: int64 [n], the size of each.
        documents: int64 [n], whose they are, ascending.
        known: Pairs to leave out.
        config: The settings.
    """
    ends = np.cumsum(counts)
    found = [np.empty(0, np.uint64)]
    # The cast keeps the low byte, and needs no copy of all values on its way.
    part_of = values.astype(np.uint8) % _PARTS
    for part in range(_PARTS):
        places = np.flatnonzero(part_of == part)
        members, positions, sizes = buckets(values[places])
        owners = documents[np.searchsorted(ends, places[members], "right")]
        pairs, _ = pairs_of(owners, positions, sizes, config.bucket_limit)
        # Near copies share most of their samples: known already, they would be most of what is found.
        found.append(pairs[~known.has(pairs)])
    pairs = np.sort(np.concatenate(found))
    first = np.flatnonzero(np.concatenate([[True], pairs[1:] != pairs[:-1]])[: len(pairs)])
    shared = np.diff(np.append(first, len(pairs)))
    left, right = (
        (pairs[first] >> np.uint64(32)).astype(np.int64),
        (pairs[first] & np.uint64(0xFFFFFFFF)).astype(np.int64),
    )

    # Both samples have what is shared and lies below the lower of the two cuts.
    rates = _rates(values, ends, counts)
    a, b = np.searchsorted(documents, left), np.searchsorted(documents, right)
    expected = config.overlap * np.minimum(counts[a] / rates[a], counts[b] / rates[b]) * np.minimum(rates[a], rates[b])
    least = expected - NormalDist().inv_cdf(config.recall) * np.sqrt(expected)
    enough = (shared >= least) & (left != right)
    return left[enough], right[enough]


def _rates(values: NDArray[np.uint64], ends: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of all hashes that lies below the cut of each sample, float64 [n]."""
    # A sample of less than the least number holds all that there is.
    return np.where(counts < SAMPLE_LEAST, 1.0, np.maximum(values[ends - 1], SAMPLE_CUT) / 2.0**64)
