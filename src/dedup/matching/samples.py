"""Pairs of texts of which one may lie inside the other: those that share enough of their sampled shingles."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from dedup.kernels import native
from dedup.kernels.parallel import chunks
from dedup.kernels.sketches import SAMPLE_CUT, SAMPLE_EXTRA, SAMPLE_LEAST
from dedup.matching.candidates import Candidates, buckets, pairs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.kernels.parallel import Pool

#: Shingles that one thread samples from at a time.
_CHUNK_SHINGLES = 250_000

#: So many samples make a passage of forty words likely; one is shared by too many texts to look at them all.
_LEAST_OF_PASSAGE = 2

#: What more texts share is mostly furniture: passages in it are looked for with the first of them only.
PASSAGE_TEXTS = 8

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
    """Return the pairs of which one text may have `config.overlap` of its shingles in the other, or a passage of it.

    A pair at that containment is missed with probability 1 - `config.recall` at most, as long as what they share is
    not in isolated words; one that shares 40 words in a row and no more, with .06: two of the 4.5 samples that are
    expected of so many words must be there. A sampled shingle that more than `config.bucket_limit` texts have counts
    for the pairs of its first texts in keep order with all others: so the texts of a widely printed story still meet
    the best of them. For passages that begins with PASSAGE_TEXTS.

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
        sets = native.ShingleSets.empty(room_for(room[chosen]))
        native.fill_samples(texts, np.arange(len(texts)), config, 0, len(texts), sets)
        return sets.joined(), sets.counts

    # What the bound leaves unused is never touched, so it takes no memory.
    values = np.empty(int(room_for(room[long_enough]).sum()), np.uint64)
    counts = np.empty(len(long_enough), np.int64)
    done = filled = 0
    for some, numbers in pool.map(sample, chunks(room[long_enough], _CHUNK_SHINGLES)):
        values[filled : filled + len(some)] = some
        counts[done : done + len(numbers)] = numbers
        filled += len(some)
        done += len(numbers)
        advance(len(numbers))
    left, right, common, frequent = _sharing(values[:filled], counts, long_enough, known, config)
    return Candidates(left, right, np.zeros(len(strings), np.bool_), common=common, frequent=frequent)


def room_for(room: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return the most hashes that a sample takes, int64: twice what is expected of a long text."""
    return SAMPLE_LEAST + room.astype(np.int64) // 4


def _sharing(
    values: NDArray[np.uint64],
    counts: NDArray[np.int64],
    documents: NDArray[np.int64],
    known: Candidates,
    config: Config,
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
    """Return the pairs of documents that share enough of their samples, ascending, and how many hashes are common.

    The last number counts those that are common for passages already.

    Args:
        values: uint64, the samples one after the other, each sorted.
        counts: int64 [n], the size of each.
        documents: int64 [n], whose they are, ascending.
        known: Pairs to leave out.
        config: The settings.
    """
    ends = np.cumsum(counts)
    pairs, shared = np.empty(0, np.uint64), np.empty(0, np.int64)
    passages, in_passage = pairs, shared
    limits = config.bucket_limit, min(config.bucket_limit, PASSAGE_TEXTS)
    over = np.zeros(2, np.int64)
    # The cast keeps the low byte, and needs no copy of all values on its way.
    part_of = values.astype(np.uint8) % _PARTS
    for part in range(_PARTS):
        places = np.flatnonzero(part_of == part)
        members, positions, sizes = buckets(values[places])
        over += [np.count_nonzero((sizes > limit) & (positions == 0)) for limit in limits]
        owners = documents[np.searchsorted(ends, places[members], "right")]
        # Near copies share most of their samples: known already, they would be most of what is found.
        more, few = (
            found[~known.has(found)] for limit in limits for found, _ in [pairs_of(owners, positions, sizes, limit)]
        )
        pairs, shared = _add(pairs, shared, more)
        passages, in_passage = _add(passages, in_passage, few)

    rates = rates_of(values, ends, counts)
    (a, b), (c, d) = (np.searchsorted(documents, _ends(some)) for some in (pairs, passages))
    chosen = pairs[enough_of_text(shared, (counts[a], counts[b]), (rates[a], rates[b]), config)]
    enough = enough_of_passage(in_passage, (rates[c], rates[d]), config)
    left, right = _ends(np.union1d(chosen, passages[enough]))
    apart = left != right
    return left[apart], right[apart], *over.tolist()


def enough_of_text(
    shared: NDArray[np.int64],
    sizes: tuple[NDArray[np.int64], NDArray[np.int64]],
    rates: tuple[NDArray[np.float64], NDArray[np.float64]],
    config: Config,
) -> NDArray[np.bool_]:
    """Return which pairs share so many samples that one may have `config.overlap` of its shingles in the other.

    Args:
        shared: int64 [pairs], samples that both have.
        sizes: int64 [pairs] each, how many samples the two have.
        rates: float64 [pairs] each, see `rates_of`.
        config: The settings.
    """
    # Both samples have what is shared and lies below the lower of the two cuts.
    rate = np.minimum(*rates)
    return _enough(shared, config.overlap * np.minimum(sizes[0] / rates[0], sizes[1] / rates[1]) * rate, 0, config)


def enough_of_passage(
    shared: NDArray[np.int64],
    rates: tuple[NDArray[np.float64], NDArray[np.float64]],
    config: Config,
) -> NDArray[np.bool_]:
    """Return which pairs share so many samples that they may have a passage of `config.min_passage` words."""
    least_words = max(0, config.min_passage - config.shingle_size - SAMPLE_EXTRA + 1)
    return _enough(shared, least_words * np.minimum(*rates), _LEAST_OF_PASSAGE, config)


def _enough(shared: NDArray[np.int64], expected: NDArray[np.float64], least: int, config: Config) -> NDArray[np.bool_]:
    deviations = NormalDist().inv_cdf(config.recall)
    enough: NDArray[np.bool_] = shared >= np.maximum(least, expected - deviations * np.sqrt(expected))
    return enough


def _ends(pairs: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the left and the right text of each pair, int64 [2, pairs]."""
    return np.stack([pairs >> np.uint64(32), pairs & np.uint64(0xFFFFFFFF)]).astype(np.int64)


def _add(
    pairs: NDArray[np.uint64], shared: NDArray[np.int64], more: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return pairs, ascending, and how often each was found, with more of them counted in."""
    more.sort()
    first = np.flatnonzero(np.concatenate([[True], more[1:] != more[:-1]])[: len(more)])
    again = np.diff(np.append(first, len(more)))
    both = np.concatenate([pairs, more[first]])
    order = np.argsort(both, kind="stable")
    both, counts = both[order], np.concatenate([shared, again])[order]
    first = np.flatnonzero(np.concatenate([[True], both[1:] != both[:-1]])[: len(both)])
    return both[first], np.add.reduceat(counts, first) if len(first) else counts


def rates_of(values: NDArray[np.uint64], ends: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of all hashes that lies below the cut of each sample, float64 [n].

    Args:
        values: uint64, the samples one after the other, each sorted.
        ends: int64 [n], where each ends.
        counts: int64 [n], the size of each.
    """
    # A sample of less than the least number holds all that there is.
    return np.where(counts < SAMPLE_LEAST, 1.0, np.maximum(values[ends - 1], SAMPLE_CUT) / 2.0**64)
