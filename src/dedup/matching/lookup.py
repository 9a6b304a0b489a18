"""The keys under which an index finds a text, and which of the texts that have the same keys are worth a comparison.

They are those of a batch: the bands of `candidates`, and the samples of `samples`, with the same limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dedup.kernels import native
from dedup.matching.plan import plan
from dedup.matching.samples import PASSAGE_TEXTS, enough_of_passage, enough_of_text, rates_of, room_for, tops_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.kernels.sketches import Sketches
    from dedup.matching.plan import Plan

#: Added first, since nothing else would change a value of 0.
_SALT = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """The keys of n texts: those of text i are `values[firsts[i] : firsts[i + 1]]`, its bands first.

    Args:
        values: uint64, spread evenly.
        firsts: int64 [n + 1].
        bands: How many keys of each text are bands; a text without a token has no key at all.
        samples: int64 [n], how many are samples.
        rates: float64 [n], the share of all hashes that lies below the cut of the sample.
    """

    values: NDArray[np.uint64]
    firsts: NDArray[np.int64]
    bands: int
    samples: NDArray[np.int64]
    rates: NDArray[np.float64]

    def of_each(self) -> list[NDArray[np.uint64]]:
        """Return the keys of each text."""
        return [self.values[start:stop] for start, stop in pairwise(self.firsts.tolist())]


def keys_of(texts: native.Texts, sketches: Sketches, config: Config) -> Keys:
    """Return the keys of texts, whose signatures are `sketches`."""
    cut = _cut(config.threshold, config.recall, config.num_slots)
    has_token = sketches.tokens > 0
    slots = sketches.signatures[:, : cut.bands * cut.rows].reshape(-1, cut.bands, cut.rows).astype(np.uint64)
    bands = np.broadcast_to(np.arange(1, cut.bands + 1, dtype=np.uint64), slots.shape[:2])
    for row in range(cut.rows):
        bands = _spread(bands ^ slots[:, :, row])
    room = np.where(has_token & (sketches.shingles >= config.min_excerpt), room_for(sketches.shingles), 0)
    rows = np.flatnonzero(room)
    sets = native.ShingleSets.empty(room[rows])
    native.fill_samples(texts, rows, config, 0, len(rows), sets)
    samples = np.zeros(len(texts), np.int64)
    samples[rows] = sets.counts
    values = sets.joined()
    rates = np.ones(len(texts))
    rates[rows] = rates_of(tops_of(values, sets.counts), sets.counts)
    firsts = np.concatenate([[0], np.cumsum(np.where(has_token, cut.bands, 0) + samples)])
    keys = np.empty(firsts[-1], np.uint64)
    is_band = np.zeros(len(keys), np.bool_)
    is_band[(firsts[:-1][has_token, None] + np.arange(cut.bands)).ravel()] = True
    keys[is_band] = bands[has_token].ravel()
    keys[~is_band] = _spread(values)
    return Keys(keys, firsts, cut.bands, samples, rates)


@lru_cache
def _cut(threshold: float, recall: float, num_slots: int) -> Plan:
    return plan(threshold, recall, num_slots=num_slots)


def _spread(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return hashes of which every bit depends on every bit of a value: the finalizer of MurmurHash3 (Appleby 2011)."""
    mixed = values + _SALT
    for factor in _FACTORS:
        mixed = (mixed ^ (mixed >> _HALF)) * factor
    spread: NDArray[np.uint64] = mixed ^ (mixed >> _HALF)
    return spread


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """Texts of an index that have some keys.

    Args:
        keys: The keys that were looked for.
        place: int64 [hits], places in `keys.values`, ascending.
        found: int64 [hits], the texts that have them, as places in an array of texts in keep order.
        over: bool [keys], which keys more texts have than `bucket_limit`.
        selves: int64 [n], the place of each asking text in that array; -1 where it is not in the index.
        samples: int64 [texts], how many samples each text of that array has.
        rates: float64 [texts], the share of all hashes below the cut of its sample.
    """

    keys: Keys
    place: NDArray[np.int64]
    found: NDArray[np.int64]
    over: NDArray[np.bool_]
    selves: NDArray[np.int64]
    samples: NDArray[np.int64]
    rates: NDArray[np.float64]


def worth_comparing(hits: Hits, config: Config) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the pairs to verify: (asking text, found text) ascending, each once, and bool [n]: who met a crowd.

    A pair is worth it for one band, or for as many samples as `Samples.pairs` asks for. A key that more texts have than
    the limit shows a crowd: whoever has it is compared with the first of the crowd in keep order, a quarter of the
    limit, and with as many of the texts that it meets by other keys.
    """
    keys = hits.keys
    owners = np.repeat(np.arange(len(keys.firsts) - 1), np.diff(keys.firsts))
    # Who is not in the index counts as well.
    sizes = np.bincount(hits.place, minlength=len(owners)) + (hits.selves < 0)[owners]
    by_place = np.sort(hits.place << 32 | hits.found)
    place, found = by_place >> 32, by_place & 0xFFFFFFFF
    position = np.arange(len(place)) - np.searchsorted(place, place)
    asking, size = owners[place], sizes[place]
    over = hits.over[place] | (size > config.bucket_limit)
    crowded = np.zeros(len(keys.firsts) - 1, np.bool_)
    crowded[asking[over]] = True
    is_band = place - keys.firsts[asking] < keys.bands
    apart = found != hits.selves[asking]
    compared = apart & ~over
    passages = min(config.bucket_limit, PASSAGE_TEXTS)
    in_passage = compared & ~is_band & ((size <= passages) | (position < max(1, passages // 4)))
    codes = asking << 32 | found
    pairs, shared = np.unique(codes[compared & ~is_band], return_counts=True)
    one, other = pairs >> 32, pairs & 0xFFFFFFFF
    rates = keys.rates[one], hits.rates[other]
    contained = pairs[enough_of_text(shared, (keys.samples[one], hits.samples[other]), rates, config)]
    pairs, shared = np.unique(codes[in_passage], return_counts=True)
    rates = keys.rates[pairs >> 32], hits.rates[pairs & 0xFFFFFFFF]
    quoting = pairs[enough_of_passage(shared, rates, config)]
    alone = np.unique(np.concatenate([codes[compared & is_band], contained, quoting]))
    first = max(1, config.bucket_limit // 4)
    both = np.union1d(
        alone[~crowded[alone >> 32] | (_positions(alone) < first)],
        (crowd := np.unique(codes[apart & over]))[_positions(crowd) < first],
    )
    return both >> 32, both & 0xFFFFFFFF, crowded


def _positions(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many of the pairs before each, which ascend, are of the same asking text, int64 [pairs]."""
    asking = codes >> 32
    return np.arange(len(codes)) - np.searchsorted(asking, asking)
