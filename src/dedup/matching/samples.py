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


def pairs_by_samples(
    strings: Sequence[str], room: NDArray[np.uint32], config: Config, pool: Pool, advance: Callable[[int], None]
) -> Candidates:
    """Return the pairs of which one text may have `config.overlap` of its shingles in the other.

    A pair at that containment is missed with probability 1 - `config.recall` at most, as long as what they share is
    not in isolated words. A sampled shingle that more than `config.bucket_limit` texts have counts for the pairs of
    its first texts in keep order with all others: so the texts of a widely printed story still meet the best of them.

    Args:
        strings: The clean texts, in keep order.
        room: uint32 [n], how many shingles each has at most (`Sketches.shingles`).
        config: The settings; texts of less than `min_excerpt` shingles have no pair here.
        pool: The threads to do it.
        advance: Told how many more texts were sampled.
    """
    long_enough = np.flatnonzero(room >= config.min_excerpt)
    advance(len(room) - len(long_enough))

    def sample(rows: range) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        chosen = long_enough[rows.start : rows.stop]
        texts = native.Texts.from_strings([strings[row] for row in chosen.tolist()])
        sets = native.ShingleSets.empty(SAMPLE_LEAST + room[chosen] // 4)
        native.fill_samples(texts, np.arange(len(texts)), config, 0, len(texts), sets)
        return sets.joined(), sets.counts

    values: list[NDArray[np.uint64]] = [np.empty(0, np.uint64)]
    counts: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for some, numbers in pool.map(sample, chunks(room[long_enough], _CHUNK_SHINGLES)):
        values.append(some)
        counts.append(numbers)
        advance(len(numbers))
    kept = _sharing(np.concatenate(values), np.concatenate(counts), config)
    left, right = (long_enough[(kept >> np.uint64(shift)).astype(np.uint32)] for shift in (32, 0))
    return Candidates(left, right, np.zeros(len(strings), np.bool_))


def _sharing(values: NDArray[np.uint64], counts: NDArray[np.int64], config: Config) -> NDArray[np.uint64]:
    """Return the pairs that share enough of their samples, uint64 with the left text above the right one, ascending.

    Args:
        values: uint64, the samples one after the other, each sorted.
        counts: int64 [n], the size of each.
        config: The settings.
    """
    owners = np.repeat(np.arange(len(counts)), counts)
    members, positions, sizes = buckets(values)
    pairs = np.sort(pairs_of(owners[members], positions, sizes, config.bucket_limit)[0])
    first = np.flatnonzero(np.concatenate([[True], pairs[1:] != pairs[:-1]])[: len(pairs)])
    shared = np.diff(np.append(first, len(pairs)))
    pairs = pairs[first]
    left, right = (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)

    # Both samples have what is shared and lies below the lower of the two cuts.
    rates = _rates(values, counts)
    unique = counts / rates
    expected = config.overlap * np.minimum(unique[left], unique[right]) * np.minimum(rates[left], rates[right])
    least = expected - NormalDist().inv_cdf(config.recall) * np.sqrt(expected)
    return pairs[(shared >= least) & (left != right)]


def _rates(values: NDArray[np.uint64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of the hashes that lies below the cut of each sample, float64 [n]."""
    last = values[np.cumsum(counts) - 1] / 2.0**64
    floor = SAMPLE_CUT / 2.0**64
    # A sample of less than the least number holds all that there is.
    return np.where(counts < SAMPLE_LEAST, 1.0, np.maximum(last, floor))
