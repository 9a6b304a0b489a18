"""Pairs of texts of which one may lie inside the other: those that share enough of their sampled shingles."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from dedup.kernels.sketches import SAMPLE_CUT, SAMPLE_EXTRA, SAMPLE_LEAST, SAMPLE_PART
from dedup.matching.candidates import Candidates, among, buckets, crowd_pairs, ends_of, first_of_each, pairs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.kernels.parallel import Pool
    from dedup.scratch import Scratch

#: So many samples make a passage of forty words likely; one is shared by too many texts to look at them all.
_LEAST_OF_PASSAGE = 2

#: What more texts share is mostly furniture: passages in it are looked for with the first of them only.
PASSAGE_TEXTS = 8

#: Samples are kept and compared in so many parts, each of which has all occurrences of its hashes, to bound memory.
PARTS = 64

#: Pairs that share samples are counted in so many parts, for the same reason.
_PIECES = 16


class Samples:
    """The sampled shingles of texts, by their hashes; those of a text come once.

    Args:
        scratch: Where they are.
        name: Begins the names of the columns.
    """

    def __init__(self, scratch: Scratch, name: str) -> None:
        self._hashes = [scratch.column(f"{name}.sample-{part:02}", np.uint64) for part in range(PARTS)]
        self._owners = [scratch.column(f"{name}.owner-{part:02}", np.uint32) for part in range(PARTS)]
        self._counts = scratch.column(f"{name}.samples", np.int32)
        self._tops = scratch.column(f"{name}.top", np.uint64)
        self._texts = len(self._counts.read())

    def append(self, values: NDArray[np.uint64], counts: NDArray[np.int64]) -> None:
        """Add the samples of the next texts.

        Args:
            values: uint64, one sample after the other, each sorted.
            counts: int64 [n], the size of each; 0 for a text that is not looked for.
        """
        owners = np.repeat(np.arange(self._texts, self._texts + len(counts), dtype=np.uint32), counts)
        part_of = (values % np.uint64(PARTS)).astype(np.uint8)
        order = np.argsort(part_of, kind="stable")
        stops = np.cumsum(np.bincount(part_of, minlength=PARTS)).tolist()
        values_of, owners_of = values[order], owners[order]
        for hashes, texts, start, stop in zip(self._hashes, self._owners, [0, *stops], stops, strict=False):
            hashes.append(values_of[start:stop])
            texts.append(owners_of[start:stop])
        self._counts.append(counts.astype(np.int32))
        self._tops.append(tops_of(values, counts))
        self._texts += len(counts)

    def pairs(
        self,
        rows: NDArray[np.int64],
        known: Candidates,
        config: Config,
        pool: Pool,
        scratch: Scratch,
        advance: Callable[[int], None],
    ) -> Candidates:
        """Return the pairs of which one text may have `config.overlap` of its shingles in the other, or a passage.

        A pair at that containment is missed with probability 1 - `config.recall` at most, as long as what they share
        is not in isolated words; one that shares 40 words in a row and no more, with .06: two of the 4.5 samples that
        are expected of so many words must be there. A sampled shingle that more than `config.bucket_limit` texts have
        counts for the pairs of its first texts in keep order with all others: so the texts of a widely printed story
        still meet the best of them; who shares nothing rarer with those before it is paired with the first of them, as
        in `candidates.pairs_by_bands`. For passages that begins with PASSAGE_TEXTS.

        Args:
            rows: int64 [n], the texts to compare, in keep order; pairs count in places of this array.
            known: Pairs that are candidates already, and are left out here.
            config: The settings.
            pool: The threads to do it.
            scratch: Where pairs are while they are counted.
            advance: Told 1 after each of the PARTS.
        """
        place_of = np.full(self._texts, -1)
        place_of[rows] = np.arange(len(rows))
        known_codes = known.codes()

        def share(part: int) -> tuple[list[NDArray[np.uint64]], list[int]]:
            owners = place_of[self._owners[part].read()]
            chosen = owners >= 0
            members, positions, sizes = buckets(self._hashes[part].read()[chosen], owners[chosen], len(rows))
            limits = config.bucket_limit, min(config.bucket_limit, PASSAGE_TEXTS)
            (alone, crowd, _), passages = (pairs_of(members, positions, sizes, limit) for limit in limits)
            # Near copies share most of their samples: known already, they would be most of what is found.
            lists = alone, crowd, passages.alone, passages.crowd
            # In order, a search in what is known begins where the last one ended.
            found = [codes[~among(known_codes, codes)] for codes in map(np.sort, lists)]
            return found, [int(np.count_nonzero((sizes > limit) & (positions == 0))) for limit in limits]

        kinds = ("alone", "crowd", "passage", "passages")
        pieces = [[scratch.column(f"{kind}-{piece:02}", np.uint64) for piece in range(_PIECES)] for kind in kinds]
        over = np.zeros(2, np.int64)
        for found, counts_over in pool.map(share, range(PARTS)):
            for columns, codes in zip(pieces, found, strict=True):
                # All pairs of a text with texts before it come into one piece.
                piece_of = codes % np.uint64(_PIECES)
                for piece, column in enumerate(columns):
                    column.append(codes[piece_of == piece])
            over += counts_over
            advance(1)

        counts = self._counts.read()[rows].astype(np.int64)
        rates = rates_of(self._tops.read()[rows], counts)

        def choose(piece: int) -> NDArray[np.uint64]:
            alone, crowd, rare, common = (columns[piece].read() for columns in pieces)
            inside, shared = _counted(np.concatenate([alone, crowd]))
            a, b = ends_of(inside)
            inside = inside[enough_of_text(shared, (counts[a], counts[b]), (rates[a], rates[b]), config)]
            passages, shared = _counted(np.concatenate([rare, common]))
            a, b = ends_of(passages)
            passages = passages[enough_of_passage(shared, (rates[a], rates[b]), config)]
            # Who is in a crowd meets the first of it, and everybody with whom he shares what is rare.
            found = np.union1d(inside, passages)
            is_alone = among(np.sort(alone), found)
            of_crowd = found[~is_alone]
            return np.concatenate(
                [found[is_alone], of_crowd[first_of_each(of_crowd, crowd_pairs(config.bucket_limit))]]
            )

        codes = np.sort(np.concatenate([np.empty(0, np.uint64), *pool.map(choose, range(_PIECES))]))
        left, right = ends_of(codes)
        apart = left != right
        common, frequent = over.tolist()
        crowded = np.zeros(len(rows), np.bool_)
        return Candidates(left[apart], right[apart], crowded, common=common, frequent=frequent)


def room_for(room: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return the most hashes that a sample takes, int64: twice what is expected of a long text."""
    return SAMPLE_LEAST + room.astype(np.int64) // SAMPLE_PART


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


def _counted(pairs: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the different pairs, ascending, and how often each is there."""
    pairs = np.sort(pairs)
    first = np.flatnonzero(np.concatenate([[True], pairs[1:] != pairs[:-1]])[: len(pairs)])
    return pairs[first], np.diff(np.append(first, len(pairs)))


def tops_of(values: NDArray[np.uint64], counts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the largest hash of each sample, uint64 [n]; 0 for an empty one.

    Args:
        values: uint64, the samples one after the other, each sorted.
        counts: int64 [n], the size of each.
    """
    tops = np.zeros(len(counts), np.uint64)
    some = counts > 0
    tops[some] = values[np.cumsum(counts)[some] - 1]
    return tops


def rates_of(tops: NDArray[np.uint64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of all hashes that lies below the cut of each sample, float64 [n].

    Args:
        tops: uint64 [n], of `tops_of`.
        counts: int64 [n], the size of each.
    """
    # A sample of less than the least number holds all that there is.
    return np.where(counts < SAMPLE_LEAST, 1.0, np.maximum(tops, SAMPLE_CUT) / 2.0**64)
