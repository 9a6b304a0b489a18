"""The stages that more than one run goes through: sketch, merge equal texts, match by bands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dedup.clustering.clusters import cluster
from dedup.kernels import native
from dedup.kernels.parallel import Pool, chunks
from dedup.kernels.sketches import Sketches
from dedup.matching.candidates import Candidates, all_pairs, pairs_by_bands
from dedup.matching.plan import plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.matching.verify import Pairs

#: Told the name of a stage, how much of it is done and how much there is; called from the thread that started the run.
#: "verify" comes again after "sample", with another total.
Progress = Callable[[str, int, int], None]

#: Told how much more of a stage is done.
Advance = Callable[[int], None]

#: The stages, in order, and what each counts.
STAGES = {"sketch": "documents", "match": "bands", "verify": "pairs", "sample": "documents"}

#: Characters (bytes, where texts are encoded) that one thread works on at a time; what it encodes lives no longer.
CHUNK_CHARACTERS = 1_000_000

#: How often the kept documents of crowded buckets are compared among themselves.
_ROUNDS = 3


def counter(progress: Progress | None, stage: str, total: int) -> Advance:
    """Return a function that adds to what is done of a stage."""
    done = 0

    def advance(amount: int) -> None:
        nonlocal done
        # Items of pages come on top of what was known at the start.
        done = min(done + amount, total)
        if progress:
            progress(stage, done, total)

    advance(0)
    return advance


def sketch(texts: native.Texts, config: Config) -> Sketches:
    """Return the signatures of texts."""
    sketches = Sketches.empty(len(texts), config)
    with Pool(config.threads) as pool:
        for rows in chunks(texts.lengths, CHUNK_CHARACTERS):
            pool.start(partial(native.fill_sketches, texts, config, rows.start, rows.stop, sketches))
    return sketches


def merge_equal(strings: list[str], sketches: Sketches, pool: Pool) -> NDArray[np.int64]:
    """Return for each different text the first one that folds to the same, int64; one without a token is alone."""
    merged = np.arange(len(sketches))
    pending = np.flatnonzero(sketches.tokens > 0)
    # One round is enough unless digests collide; then those that differ from the first go on among themselves.
    while len(pending):
        _, first, group = np.unique(sketches.digests[pending], return_index=True, return_inverse=True)
        firsts = pending[first][group]
        repeats, firsts = pending[firsts != pending], firsts[firsts != pending]
        left, right = [[strings[row] for row in rows.tolist()] for rows in (repeats, firsts)]
        parts = [(left[rows.start : rows.stop], right[rows.start : rows.stop]) for rows in chunks_of(left)]
        equal = np.concatenate([np.empty(0, np.bool_), *pool.map(_equal, parts)])
        merged[repeats[equal]] = firsts[equal]
        pending = repeats[~equal]
    return merged


def _equal(pairs: tuple[list[str], list[str]]) -> NDArray[np.bool_]:
    """Return which pairs of texts fold to the same."""
    left, right = pairs
    texts = native.Texts.from_strings(left + right)
    equal = np.zeros(len(left), np.uint8)
    native.fill_equal(texts, np.arange(len(left)), np.arange(len(left), len(texts)), 0, len(left), equal)
    return equal.astype(np.bool_)


def match_alike(
    sketches: Sketches,
    rows: NDArray[np.int64],
    compare: Callable[[Candidates], Pairs],
    config: Config,
    pool: Pool,
    progress: Progress | None,
) -> tuple[Candidates, Pairs]:
    """Return the pairs of `rows` that share a band, and what comparing them gave."""
    candidates = _alike(sketches, rows, config, pool, progress)
    pairs = compare(candidates)
    for _ in range(_ROUNDS if candidates.capped else 0):
        # Buckets over the limit gave only some of their pairs. Those of their documents that are still kept are few,
        # and are looked at again among themselves.
        links = pairs.links
        canonical = cluster(len(rows), links.left, links.right, links.jaccard, config.linkage)
        left = np.flatnonzero(candidates.crowded & (canonical == np.arange(len(rows))))
        more = _alike(sketches, rows[left], config, pool, None).at(left).without(candidates)
        if not len(more):
            break
        pairs = pairs.join(compare(more))
        candidates = candidates.join(more)
    return candidates, pairs


def _alike(
    sketches: Sketches, rows: NDArray[np.int64], config: Config, pool: Pool, progress: Progress | None
) -> Candidates:
    """Return the pairs that share a band; of few documents, all pairs."""
    if len(rows) <= config.exhaustive:
        return all_pairs(len(rows))
    bands = plan(config.threshold, config.recall, num_slots=config.num_slots)
    advance = counter(progress, "match", bands.bands)
    return pairs_by_bands(sketches.signatures, rows, bands, config.bucket_limit, pool, advance)


def chunks_of(texts: list[str]) -> list[range]:
    """Cut texts into ranges that one thread works on at a time."""
    return chunks(np.fromiter(map(len, texts), np.int64, len(texts)), CHUNK_CHARACTERS)
