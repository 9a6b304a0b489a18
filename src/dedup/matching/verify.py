"""Exact scores of candidate pairs, from their full shingle sets, and what relation follows from them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup.kernels import native
from dedup.kernels.parallel import chunks
from dedup.model import LINKS, RELATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.kernels.parallel import Pool
    from dedup.matching.candidates import Candidates
    from dedup.scratch import TakeTexts

EXACT, DUPLICATE, VERSION, EXCERPT, ROUNDUP, TEMPLATE, OVERLAP = range(len(RELATIONS))
#: Marks a pair that has no relation worth reporting.
UNRELATED = len(RELATIONS)

#: A form of so many words has a fact to fill in, one of four times as many two, and so on.
FORM_WORDS = 60

#: A text of which more lies in the other is no form: what differs was corrected, and what is more was added.
FORM_CONTAINMENT = 0.9

#: Names count as facts where they and the numbers are so much of what differs.
NAMED = 2 / 3

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
        passage: int64, the most words in a row that both have (two characters of an unspaced script are a word); 0
            where that was not looked for, because nothing depends on it.
        is_form: bool, whether the two are one form with other facts.
        relation: uint8, a place in `RELATIONS`, or UNRELATED.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    shared: NDArray[np.int64]
    left_size: NDArray[np.int64]
    right_size: NDArray[np.int64]
    passage: NDArray[np.int64]
    is_form: NDArray[np.bool_]
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
        both = Pairs(*(np.concatenate(columns) for columns in zip(self._columns, more._columns, strict=True)))
        return both.where(np.argsort(both.left << 32 | both.right))

    def where(self, chosen: NDArray[Any]) -> Pairs:
        """Return the pairs that are chosen, by a mask or by their places."""
        return Pairs(*(column[chosen] for column in self._columns))

    @property
    def _columns(self) -> list[NDArray[Any]]:
        return [getattr(self, field.name) for field in fields(self)]

    def related(self, config: Config) -> Pairs:
        """Return the same pairs with the relation that `config` gives each by itself."""
        return self.relabelled(relate(self, config))

    def relabelled(self, relation: NDArray[np.uint8]) -> Pairs:
        """Return the same pairs with other relations."""
        return replace(self, relation=relation)

    @property
    def links(self) -> Pairs:
        """The pairs that put two documents into one cluster."""
        return self.where(self.relation < len(LINKS))


def relate(pairs: Pairs, config: Config) -> NDArray[np.uint8]:
    """Return the relation of each pair, uint8: the first that holds of `duplicate`, `excerpt` and `overlap`.

    A pair of which one holds is a `template` where the two are one form; one of which none holds is an `overlap` where
    it has a passage. Texts that are equal when folded are no pairs here: they are collapsed into one document before.
    """
    smaller = np.minimum(pairs.left_size, pairs.right_size)
    containment = pairs.shared / smaller
    long_enough = smaller >= config.min_excerpt
    relation = np.select(
        [
            pairs.jaccard >= config.threshold,
            long_enough & (containment >= config.containment_floor),
            long_enough & (containment >= config.overlap),
        ],
        [np.uint8(DUPLICATE), np.uint8(EXCERPT), np.uint8(OVERLAP)],
        np.uint8(UNRELATED),
    )
    relation[pairs.is_form & (relation != UNRELATED)] = TEMPLATE
    relation[(pairs.passage >= config.min_passage) & (relation == UNRELATED)] = OVERLAP
    return relation


def verify(
    take: TakeTexts,
    room: NDArray[np.uint32],
    candidates: Candidates,
    config: Config,
    pool: Pool,
    advance: Callable[[int], None],
) -> Pairs:
    """Compare the full shingle sets of every candidate pair.

    Args:
        take: Gives the clean texts of some documents.
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
        return _compare(take, room, candidates.left[chosen], candidates.right[chosen], config)

    scores = np.empty((5, len(candidates)), np.int64)
    for rows, part in zip(parts, pool.map(compare, parts), strict=True):
        scores[:, order[rows.start : rows.stop]] = part
        advance(len(rows))
    return _pairs(candidates.left, candidates.right, scores, config)


def verify_two(left: str, right: str, config: Config) -> Pairs:
    """Compare the full shingle sets of two clean texts, each with a token."""
    texts = native.Texts.from_strings([left, right])
    # A character may fold to more tokens than it has bytes.
    room = np.array([len(native.shingle_hashes(text, config.shingle_size, config.seed)) for text in (left, right)])
    zero, one = np.zeros(1, np.int64), np.ones(1, np.int64)
    return _pairs(zero, one, _score(texts, room, zero, one, config), config)


def _pairs(left: NDArray[np.int64], right: NDArray[np.int64], scores: NDArray[np.int64], config: Config) -> Pairs:
    shared, left_size, right_size, passage, is_form = scores
    unrelated = np.full(len(left), UNRELATED, np.uint8)
    return Pairs(left, right, shared, left_size, right_size, passage, is_form > 0, unrelated).related(config)


def _compare(
    take: TakeTexts,
    room: NDArray[np.uint32],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    config: Config,
) -> NDArray[np.int64]:
    """Return the scores of some pairs of texts."""
    documents, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    return _score(take(documents), room[documents], places[: len(left)], places[len(left) :], config)


def _score(
    texts: native.Texts,
    room: NDArray[np.integer[Any]],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    config: Config,
) -> NDArray[np.int64]:
    """Return what pairs share, the sizes of their sets, passages and whether they are forms: int64 [5, pairs]."""
    sets = native.ShingleSets.empty(room)
    native.fill_shingle_sets(texts, np.arange(len(texts)), config, 0, len(texts), sets)
    shared = np.zeros(len(left), np.int64)
    native.fill_intersections(sets, left, right, 0, len(left), shared)
    sizes = sets.counts[left], sets.counts[right]
    scores = np.stack([shared, *sizes, np.zeros_like(shared), np.zeros_like(shared)])
    # Only what is related may be a form, and most of the rest shares too little to have a passage.
    pairs = _pairs(left, right, scores, config)
    containment = shared / np.minimum(*sizes)
    may_be_form = (pairs.relation != UNRELATED) & (containment < FORM_CONTAINMENT)
    # Texts too short for an excerpt may fall back on a passage at a stricter threshold.
    may_need_passage = (pairs.relation == UNRELATED) | (np.minimum(*sizes) < config.min_excerpt)
    may_have_passage = may_need_passage & (shared > config.min_passage - config.shingle_size)
    chosen = np.flatnonzero(may_be_form | may_have_passage)
    aligned = np.zeros((len(chosen), 5), np.int64)
    native.fill_alignments(texts, left[chosen], right[chosen], config, 0, len(chosen), aligned)
    scores[3, chosen], scores[4, chosen] = aligned[:, 1] // 2, _is_form(aligned) & may_be_form[chosen]
    return scores


def _is_form(aligned: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which pairs are one form with other facts, from their alignments (int64 [pairs, 5]: see `native.align`).

    A reprint cuts, inserts and rewords, but leaves the facts; a form has others in many places. Numbers that differ at
    the same place are too many for a reprint when their square is at least the shared words / FORM_WORDS. Names count
    too, but reprints misspell and translate them: only where NAMED of all that differs is facts.
    """
    half_words, _, places, numbers, names = aligned.T
    needed = half_words / (2 * FORM_WORDS)
    facts = numbers + names
    by_numbers = (numbers > 0) & (numbers**2 >= needed)
    is_form: NDArray[np.bool_] = by_numbers | ((facts > 0) & (facts**2 >= needed) & (facts >= NAMED * places))
    return is_form


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
