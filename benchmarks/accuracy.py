"""How far the estimate is from the true Jaccard similarity, and how many pairs at the threshold the plan finds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import harness
import numpy as np

from dedup.config import SketchConfig
from dedup.kernels import native
from dedup.matching.plan import plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SLOTS = 128
SIZES = (10, 40, 200, 600)
JACCARDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
THRESHOLDS = (0.3, 0.5, 0.7, 0.8, 0.9)
#: Shingles in the union of a pair: t * union are shared exactly for each threshold t.
UNIONS = (20, 200, 600)
RECALL = 0.99
#: Half the width of a 95 % interval, in standard errors.
Z = 1.96
#: A claim counts as refuted beyond so many standard errors: among dozens of cases some pass 1.96 by chance.
REFUTED = 3.3


def _distinct_words(count: int, rng: np.random.Generator) -> list[str]:
    # Numbers are tokens as words are; of 62 random bits two are as good as never equal, and true Jaccards are counted.
    return [f"{number:x}" for number in rng.integers(1 << 62, size=count).tolist()]


def pairs_of_words(pairs: int, sizes: tuple[int, int], shared: int, rng: np.random.Generator) -> list[str]:
    """Return texts, two and two: of `sizes` distinct words, of which `shared` are in both."""
    size, other = sizes
    each = size + other - shared
    words = _distinct_words(pairs * each, rng)
    texts = []
    for first in range(0, pairs * each, each):
        texts.append(" ".join(words[first : first + size]))
        texts.append(" ".join(words[first + each - other : first + each]))
    return texts


def closest(size: int, jaccard: float) -> tuple[float, int, int]:
    """Return the similarity below 1 that is closest to the asked one, and the second text's words and the shared."""
    choices = (
        (shared / (size + other - shared), other, shared) for other in (size, size - 1) for shared in range(other + 1)
    )
    return min((choice for choice in choices if choice[0] < 1), key=lambda choice: abs(choice[0] - jaccard))


def pairs_of_edits(pairs: int, size: int, rng: np.random.Generator) -> list[str]:
    """Return texts, two and two: the second of each has words replaced, or lost its end."""
    texts = []
    for _ in range(pairs):
        words = _distinct_words(size, rng)
        texts.append(" ".join(words))
        if rng.random() < 0.5:
            words = words[: int(size * rng.uniform(0.3, 0.95))]
        else:
            for place in rng.integers(size, size=rng.integers(1, max(2, size // 8))):
                words[place] = "edited" + words[place]
        texts.append(" ".join(words))
    return texts


def truth(texts: list[str], config: SketchConfig) -> tuple[native.ShingleSets, NDArray[np.float64]]:
    """Return the shingle sets of all texts and the exact Jaccard similarity of each pair."""
    views = native.Texts.from_strings(texts)
    sets = native.ShingleSets.empty(native.sketch(views, config).shingles)
    rows = np.arange(len(texts))
    native.fill_shingle_sets(views, rows, config, 0, len(texts), sets)
    shared = np.empty(len(texts) // 2, np.int64)
    native.fill_intersections(sets, rows[::2].copy(), rows[1::2].copy(), 0, len(shared), shared)
    return sets, shared / (sets.counts[::2] + sets.counts[1::2] - shared)


def _ours(texts: list[str], sets: native.ShingleSets, config: SketchConfig) -> NDArray[np.uint32]:
    del sets
    return native.sketch(native.Texts.from_strings(texts), config).signatures


def _affine32() -> Callable[[list[str], native.ShingleSets, SketchConfig], NDArray[np.uint32]]:
    """Return datasketch's default scheme, computed by our kernel from datasketch's own permutations."""
    from datasketch import MinHash

    permutations = MinHash(num_perm=SLOTS, scheme="affine32").permutations

    def sketch(texts: list[str], sets: native.ShingleSets, config: SketchConfig) -> NDArray[np.uint32]:
        del texts, config
        hashes = np.concatenate([sets[row] for row in range(len(sets.counts))]) & np.uint64(0xFFFFFFFF)
        offsets = np.concatenate([[0], np.cumsum(sets.counts)])
        signatures: NDArray[np.uint32] = native.permutation_signatures(hashes, offsets, "affine32", permutations)
        return signatures

    return sketch


def _error(signatures: NDArray[np.uint32], jaccard: NDArray[np.float64]) -> dict[str, float]:
    """Return bias and root mean square error of the estimate, and their standard errors, beside the theory."""
    error = (signatures[::2] == signatures[1::2]).mean(axis=1) - jaccard
    n, rmse = len(error), math.sqrt(float((error**2).mean()))
    return {
        "bias": float(error.mean()),
        "bias_error": float(error.std(ddof=1)) / math.sqrt(n),
        "rmse": rmse,
        # The delta method, from the standard error of the mean square.
        "rmse_error": float((error**2).std(ddof=1)) / math.sqrt(n) / (2 * rmse),
        "theory": math.sqrt(float((jaccard * (1 - jaccard)).mean()) / SLOTS),
    }


def _errors(pairs: int) -> list[dict[str, Any]]:
    sketchers = {"dedup": _ours, "affine32": _affine32()}
    rng = np.random.default_rng(7)
    rows = []
    for size in SIZES:
        # Ten shingles have no 0.95: what is closest to two of the asked similarities is measured once.
        cases = sorted({closest(size, asked) for asked in JACCARDS})
        for exact, other, shared in [*cases, (None, 0, 0)]:
            width = 1 if exact else 3
            config = SketchConfig(shingle_size=width, num_slots=SLOTS)
            edited = pairs_of_edits(pairs, size + 2, rng) if not exact else None
            texts = edited or pairs_of_words(pairs, (size, other), shared, rng)
            sets, jaccard = truth(texts, config)
            if exact and not (jaccard == exact).all():
                raise RuntimeError("two random words were equal: take another seed")
            row: dict[str, Any] = {"shingles": size, "edits": not exact, "width": width, "pairs": pairs}
            row["jaccard"] = float(jaccard.mean())
            for name, make in sketchers.items():
                row[name] = _error(make(texts, sets, config), jaccard)
            rows.append(row)
    return rows


def _wilson(found: int, pairs: int, z: float) -> tuple[float, float]:
    """Return the interval of a share that reaches z standard errors (Wilson 1927)."""
    share, z2 = found / pairs, z * z
    middle = (share + z2 / (2 * pairs)) / (1 + z2 / pairs)
    half = z / (1 + z2 / pairs) * math.sqrt(share * (1 - share) / pairs + z2 / (4 * pairs * pairs))
    return middle - half, middle + half


def _found(pairs: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(8)
    config = SketchConfig(shingle_size=1, num_slots=SLOTS)
    rows = []
    for threshold in THRESHOLDS:
        chosen = plan(threshold, RECALL, num_slots=SLOTS)
        for union in UNIONS:
            shared = round(threshold * union)
            count = max(200, pairs * 200 // max(union, 200))
            size = (union + shared) // 2
            texts = pairs_of_words(count, (size, size), shared, rng)
            _, jaccard = truth(texts, config)
            if not np.allclose(jaccard, threshold):
                raise RuntimeError("the pairs are not at the threshold")
            signatures = native.sketch(native.Texts.from_strings(texts), config).signatures
            equal = (signatures[::2] == signatures[1::2])[:, : chosen.bands * chosen.rows]
            found = int(equal.reshape(count, chosen.bands, chosen.rows).all(axis=2).any(axis=1).sum())
            rows.append(
                {
                    "threshold": threshold,
                    "bands": chosen.bands,
                    "rows": chosen.rows,
                    "union": union,
                    "pairs": count,
                    "found": found,
                    "expected": 1 - (1 - threshold**chosen.rows) ** chosen.bands,
                }
            )
    return rows


def measure(settings: harness.Settings) -> dict[str, Any]:
    """Sketch many pairs whose Jaccard similarity is known."""
    if settings.quick:
        return {"errors": _errors(250), "found": _found(2000)}
    return {"errors": _errors(1500), "found": _found(10_000)}


def targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the worst case of each claim; it fails where chance no longer explains it."""
    ours = [row["dedup"] for row in result["errors"]]
    error = max((entry["rmse"] - REFUTED * entry["rmse_error"]) / entry["theory"] for entry in ours)
    bias = max(abs(entry["bias"]) / entry["bias_error"] for entry in ours)
    less = f"less {REFUTED} standard errors, worst case"
    rows = [
        harness.target(f"RMSE over sqrt(J(1-J)/K), {less}", 1.0, error, "times", at_most=True),
        harness.target("bias, worst case", REFUTED, bias, "standard errors", at_most=True),
    ]
    for threshold in THRESHOLDS:
        found = [row for row in result["found"] if row["threshold"] == threshold]
        most = min(_wilson(row["found"], row["pairs"], REFUTED)[1] for row in found)
        what = f"share of pairs at J = {threshold} that the plan finds, plus {REFUTED} standard errors, worst case"
        rows.append(harness.target(what, RECALL, most, "of 1"))
    return rows


def tables(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a table of errors and one of pairs found."""
    errors = [
        [
            f"{row['shingles']} shingles of {row['width']}{', edits' * row['edits']}",
            row["jaccard"],
            row["pairs"],
            row["dedup"]["theory"],
            *(cell for name in ("dedup", "affine32") for cell in _cells(row[name])),
        ]
        for row in result["errors"]
    ]
    columns = ["each text", "true J", "pairs", "theory", "bias", "RMSE", "of theory"]
    columns += [f"affine32 {name}" for name in ("bias", "RMSE", "of theory")]
    note = (
        "theory: sqrt(J(1-J)/K); ±: half a 95 % interval. affine32 is datasketch's default scheme with its own "
        "permutations. Edits: words replaced or the end cut; J differs from pair to pair and the theory is its mean."
    )
    found = [
        [
            f"{row['threshold']}",
            f"{row['bands']} x {row['rows']}",
            row["union"],
            row["pairs"],
            row["expected"],
            row["found"] / row["pairs"],
            "{:.4f}-{:.4f}".format(*_wilson(row["found"], row["pairs"], Z)),
        ]
        for row in result["found"]
    ]
    shape = ["threshold", "bands x rows", "union", "pairs", "expected", "found", "95 % interval"]
    return [
        harness.table(f"Error of the estimate, K={SLOTS}", columns, errors, note),
        harness.table(f"Pairs exactly at the threshold that the plan finds, {RECALL} asked", shape, found),
    ]


def _cells(error: dict[str, float]) -> list[str]:
    of_theory, spread = error["rmse"] / error["theory"], Z * error["rmse_error"] / error["theory"]
    return [
        f"{error['bias']:+.4f} ±{Z * error['bias_error']:.4f}",
        f"{error['rmse']:.4f}",
        f"{of_theory:.3f} ±{spread:.3f}",
    ]
