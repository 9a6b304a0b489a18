"""Bands and rows that find a pair at the threshold with the asked probability, at the least expected cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dedup import _validate
from dedup.errors import InvalidArgumentError

#: Similarity of two unrelated articles at 3-word shingles, as a gamma distribution: its first two moments are those
#: of 400,000 random pairs of US news articles (mean 0.0014, mean square 6.7e-6).
BACKGROUND_SHAPE = 0.4
BACKGROUND_SCALE = 0.0035

#: Seconds that one document costs in one band, and one candidate pair with its shingle sets (one core, 3 kB texts).
BAND_SECONDS = 25e-9
PAIR_SECONDS = 15e-6

#: The size of collection that costs are weighed for.
DOCUMENTS = 1_000_000

#: Below, no number of bands that fits a signature finds anything.
_LEAST_HIT = 1e-12


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to cut signatures into bands: two texts are candidates when they agree in all slots of one band.

    Args:
        threshold: The Jaccard similarity that the plan is for.
        num_slots: Slots of a signature.
        bands: Number of bands.
        rows: Slots per band; `bands` * `rows` is at most `num_slots`, the other slots stay unused.
    """

    threshold: float
    num_slots: int
    bands: int
    rows: int

    def probability(self, jaccard: float) -> float:
        """Return how likely a pair of that similarity becomes a candidate: 1 - (1 - J^rows)^bands."""
        _validate.fraction("jaccard", jaccard, zero=True)
        hit = jaccard**self.rows
        return 1.0 if hit == 1.0 else -math.expm1(self.bands * math.log1p(-hit))

    @property
    def recall(self) -> float:
        """How likely a pair exactly at the threshold becomes a candidate."""
        return self.probability(self.threshold)

    @property
    def bytes_per_document(self) -> int:
        """Bytes of a signature, and of the keys of the one band that is in memory at a time."""
        return 4 * self.num_slots + 8

    def false_candidates(self, documents: int) -> float:
        """Return the expected number of pairs of unrelated texts that become candidates, among so many documents."""
        moment = math.prod((BACKGROUND_SHAPE + i) * BACKGROUND_SCALE for i in range(self.rows))
        return documents * (documents - 1) / 2 * min(1.0, self.bands * moment)

    def seconds(self, documents: int) -> float:
        """Return the expected cost of finding candidates and refuting the false ones, in seconds of one core."""
        return documents * self.bands * BAND_SECONDS + self.false_candidates(documents) * PAIR_SECONDS


def plan(threshold: float, recall: float = 0.99, *, num_slots: int = 128) -> Plan:
    """Choose bands and rows.

    Every number of rows is tried with the least number of bands that reaches the recall at the threshold; of those
    that fit into the signature, the one of the least expected cost is taken, for a million documents: the bands of a
    batch do not change with its size.

    Args:
        threshold: Jaccard similarity in (0, 1].
        recall: Least probability that a pair exactly at the threshold is found, in (0, 1).
        num_slots: Slots of a signature, a power of two in [16, 4096].

    Raises:
        InvalidArgumentError: A value is outside what is allowed, or no number of rows reaches the recall.

    >>> plan(0.5)
    Plan(threshold=0.5, num_slots=128, bands=35, rows=3)
    >>> round(plan(0.5).recall, 4)
    0.9907
    """
    _validate.fraction("threshold", threshold)
    _validate.fraction("recall", recall, one=False)
    _validate.power_of_two("num_slots", num_slots, least=16, most=4096)
    choices = []
    for rows in range(1, num_slots + 1):
        hit = threshold**rows
        if hit < _LEAST_HIT:
            break
        bands = 1 if hit == 1.0 else math.ceil(math.log1p(-recall) / math.log1p(-hit))
        if bands * rows <= num_slots:
            choices.append(Plan(threshold, num_slots, bands, rows))
    if not choices:
        reachable = math.floor(1e4 * Plan(threshold, num_slots, num_slots, 1).recall) / 1e4
        raise InvalidArgumentError(
            f"recall must be at most {reachable:.4f} for threshold {threshold} and {num_slots} slots. Got {recall}."
        )
    return min(choices, key=lambda choice: (choice.seconds(DOCUMENTS), choice.bands))
