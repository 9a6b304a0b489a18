"""Signatures of a batch of texts, and what must be equal for two signatures to compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dedup import _validate
from dedup.errors import SchemeMismatch
from dedup.kernels.table import FOLD_VERSION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dedup.config import SketchConfig

#: One-permutation MinHash whose empty slots each take the least of a permutation of their own.
ONE_PERMUTATION = "one-permutation"

#: Tokens that a long shingle, the kind that is sampled, has beyond the ordinary: phrases of five words are far rarer
#: than phrases of three.
SAMPLE_EXTRA = 2

#: Long shingles whose hash is below this are in the sample: one in eight.
SAMPLE_CUT = 2**61

#: Long shingles that a sample has at least, where a text has so many.
SAMPLE_LEAST = 24

#: A sample has at most SAMPLE_LEAST hashes and one for so many shingles, twice what is expected of a long text.
SAMPLE_PART = 4


@dataclass(frozen=True, slots=True)
class Scheme:
    """How signatures were made; only signatures of one scheme compare."""

    name: str
    num_slots: int
    shingle_size: int
    seed: int
    fold_version: int

    @classmethod
    def of(cls, config: SketchConfig) -> Scheme:
        """Return the scheme of the signatures that `config` makes."""
        return cls(ONE_PERMUTATION, config.num_slots, config.shingle_size, config.seed, FOLD_VERSION)


@dataclass(frozen=True, slots=True, eq=False)
class Sketches:
    """The signatures of n texts.

    Args:
        scheme: How they were made.
        signatures: uint32 [n, num_slots]; all ones for a text without a token.
        tokens: uint32 [n], how many tokens each text has.
        shingles: uint32 [n], how many shingles, repeats included.
        digests: uint64 [n], a hash of all tokens in order: equal when the folded texts are equal.
    """

    scheme: Scheme
    signatures: NDArray[np.uint32]
    tokens: NDArray[np.uint32]
    shingles: NDArray[np.uint32]
    digests: NDArray[np.uint64]

    @classmethod
    def empty(cls, rows: int, config: SketchConfig) -> Sketches:
        """Return uninitialised signatures of `rows` texts, to be filled by `native.fill_sketches`."""
        return cls(
            Scheme.of(config),
            np.empty((rows, config.num_slots), np.uint32),
            np.empty(rows, np.uint32),
            np.empty(rows, np.uint32),
            np.empty(rows, np.uint64),
        )

    @classmethod
    def join(cls, parts: list[Sketches], config: SketchConfig) -> Sketches:
        """Return the signatures of several batches as one; of none, those of no text."""
        if len(parts) == 1:
            return parts[0]
        parts = parts or [cls.empty(0, config)]
        return cls(
            Scheme.of(config),
            np.concatenate([part.signatures for part in parts]),
            np.concatenate([part.tokens for part in parts]),
            np.concatenate([part.shingles for part in parts]),
            np.concatenate([part.digests for part in parts]),
        )

    def rows(self, start: int, stop: int) -> Sketches:
        """Return a view of some rows: what is written to it is written here."""
        part = slice(start, stop)
        return Sketches(self.scheme, self.signatures[part], self.tokens[part], self.shingles[part], self.digests[part])

    def take(self, rows: NDArray[np.int64]) -> Sketches:
        """Return a copy of some rows, in the order asked for."""
        return Sketches(self.scheme, self.signatures[rows], self.tokens[rows], self.shingles[rows], self.digests[rows])

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.tokens)

    def estimate(self, row: int, other: Sketches, other_row: int) -> float:
        """Return the estimated Jaccard similarity of two texts: the share of equal slots, in [0, 1].

        Unbiased, with a standard error of at most sqrt(J (1 - J) / num_slots). A text without a token is similar to
        nothing: 0.0.

        Raises:
            SchemeMismatch: The two were made differently.
        """
        if self.scheme != other.scheme:
            raise SchemeMismatch(f"both signatures must have one scheme. Got {self.scheme} and {other.scheme}.")
        _validate.integer("row", row, most=len(self) - 1)
        _validate.integer("other_row", other_row, most=len(other) - 1)
        if not self.tokens[row] or not other.tokens[other_row]:
            return 0.0
        return float(np.mean(self.signatures[row] == other.signatures[other_row]))
