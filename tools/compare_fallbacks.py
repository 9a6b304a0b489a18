"""Compares what an empty slot of a signature may hold; the figures of docs/decisions/0001-sketch.md.

python tools/compare_fallbacks.py

Prints, for pairs of small sets at the threshold of a plan: bias, RMSE over sqrt(J (1 - J) / K), and the share of pairs
that the plan's bands find. Standard error of a share near 0.99 at 20,000 pairs: 0.0007.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dedup import plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Fallback = Callable[[NDArray[np.uint64]], NDArray[np.uint64]]

SLOTS = 128
PAIRS = 20_000
BATCH = 1_000
LOW = np.uint64(2**32 - 1)
LANES = np.arange(SLOTS, dtype=np.uint64)
EMPTY = np.uint64(2**64 - 1)

#: Size of the union, of the two sets, and the threshold, which is the pair's similarity.
CASES = ((2, 1, 2, 0.5), (4, 3, 3, 0.5), (6, 4, 5, 0.5), (10, 8, 9, 0.7), (40, 30, 30, 0.5))


def mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the finaliser of SplitMix64."""
    value = (value ^ value >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ value >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return value ^ value >> np.uint64(31)


def multiplied(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A random multiplier and increment per slot, over the low half: K multiplications a shingle."""
    multipliers = mix(2 * LANES + np.uint64(1)) & LOW | np.uint64(1)
    increments = mix(2 * LANES + np.uint64(2)) & LOW
    values: NDArray[np.uint64] = (hashes[:, :, None] & LOW) * multipliers + increments & LOW
    return values


def doubled(hashes: NDArray[np.uint64], lanes: NDArray[np.uint64] = LANES) -> NDArray[np.uint64]:
    """Double hashing, low + slot * high: K additions a shingle, but slots of one band in arithmetic progression."""
    return (hashes[:, :, None] & LOW) + lanes * (hashes[:, :, None] >> np.uint64(32)) & LOW


def triangular(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Double hashing with the slots in the order of the triangular numbers: what the library does."""
    return doubled(hashes, LANES * (LANES + np.uint64(1)) // np.uint64(2) % np.uint64(SLOTS))


def signatures(hashes: NDArray[np.uint64], fallback: Fallback) -> NDArray[np.uint64]:
    """Return the signatures of sets, one a row."""
    sets, size = hashes.shape
    bins = np.full((sets, SLOTS), EMPTY)
    np.minimum.at(
        bins, (np.repeat(np.arange(sets), size), (hashes >> np.uint64(57)).ravel().astype(int)), hashes.ravel()
    )
    return np.where(bins == EMPTY, fallback(hashes).min(axis=1), bins & LOW)


def main() -> None:
    """Print one line per case and fallback."""
    for union, left, right, threshold in CASES:
        jaccard = (left + right - union) / union
        bands = plan(threshold)
        for fallback in (multiplied, doubled, triangular):
            chance = np.random.default_rng(1)
            shares, found = [], []
            for _ in range(PAIRS // BATCH):
                hashes = chance.integers(0, 2**64, (BATCH, union), dtype=np.uint64)
                equal = signatures(hashes[:, :left], fallback) == signatures(hashes[:, union - right :], fallback)
                shares.append(equal.mean(axis=1))
                cut = equal[:, : bands.bands * bands.rows].reshape(BATCH, bands.bands, bands.rows)
                found.append(cut.all(axis=2).any(axis=1))
            share = np.concatenate(shares)
            error = np.sqrt(np.mean((share - jaccard) ** 2) / (jaccard * (1 - jaccard) / SLOTS))
            print(
                f"union {union:3d}  J {jaccard:.2f}  {fallback.__name__:11s} bias {share.mean() - jaccard:+.4f}  "
                f"RMSE/theory {error:.3f}  found {np.mean(np.concatenate(found)):.4f} (planned {bands.recall:.4f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
