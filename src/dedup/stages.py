"""The stages that more than one run goes through: sketch, keep what is compared, merge equal texts, match by bands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dedup.clustering.clusters import cluster
from dedup.kernels import native
from dedup.kernels.parallel import Pool, chunks
from dedup.kernels.sketches import Sketches
from dedup.matching.candidates import Candidates, all_pairs, pairs_by_bands
from dedup.matching.plan import plan
from dedup.matching.samples import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.matching.plan import Plan
    from dedup.matching.verify import Pairs
    from dedup.scratch import Column, Scratch, TakeTexts

#: Told the name of a stage, how much of it is done and how much there is; called from the thread that started the run.
#: "verify" comes again after "sample", with another total.
Progress = Callable[[str, int, int], None]

#: Told how much more of a stage is done.
Advance = Callable[[int], None]

#: The stages, in order, and what each counts.
STAGES = {"sketch": "documents", "match": "bands", "verify": "pairs", "sample": "parts"}

#: Characters (bytes, where texts are encoded) that one thread works on at a time; what it encodes lives no longer.
CHUNK_CHARACTERS = 1_000_000

#: Tokens of texts that one thread compares at a time.
CHUNK_TOKENS = 200_000

#: How often the kept documents of crowded buckets are compared among themselves.
ROUNDS = 12


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


class Marked(NamedTuple):
    """What is compared of texts.

    Args:
        sketches: Their sketches.
        samples: uint64, their samples one after the other.
        counts: int64 [n], the size of each; 0 for a text too short, and where no samples were wanted.
    """

    sketches: Sketches
    samples: NDArray[np.uint64]
    counts: NDArray[np.int64]


def sketch_chunk(texts: native.Texts, config: Config, *, sampled: bool) -> Marked:
    """Sketch and sample some texts, on the thread of the caller."""
    sketches = Sketches.empty(len(texts), config)
    if not sampled:
        native.fill_sketches(texts, config, 0, len(texts), sketches)
        return Marked(sketches, np.empty(0, np.uint64), np.zeros(len(texts), np.int64))
    samples, counts = native.fill_sketches_and_samples(texts, config, 0, len(texts), sketches)
    long_enough = sketches.shingles >= config.min_excerpt
    if not long_enough.all():
        samples, counts = samples[np.repeat(long_enough, counts)], np.where(long_enough, counts, 0)
    return Marked(sketches, samples, counts)


class Marks:
    """What is compared of texts before the texts are: the keys of their bands and their samples; and their sizes.

    Args:
        scratch: Where it is.
        name: Begins the names of the columns.
        bands: How signatures are cut.
    """

    def __init__(self, scratch: Scratch, name: str, bands: Plan) -> None:
        self._plan = bands
        self.tokens = scratch.column(f"{name}.tokens", np.uint32)
        self.shingles = scratch.column(f"{name}.shingles", np.uint32)
        self.digests = scratch.column(f"{name}.digest", np.uint64)
        self.bands = [scratch.column(f"{name}.band-{band:03}", np.uint64) for band in range(bands.bands)]
        self.samples = Samples(scratch, name)

    def append(self, sketches: Sketches, samples: NDArray[np.uint64], counts: NDArray[np.int64]) -> None:
        """Add texts: their sketches, and their samples as `Samples.append` takes them."""
        self.tokens.append(sketches.tokens)
        self.shingles.append(sketches.shingles)
        self.digests.append(sketches.digests)
        for band, column in enumerate(self.bands):
            column.append(native.band_keys(sketches.signatures, band * self._plan.rows, self._plan.rows))
        self.samples.append(samples, counts)


def cut_of(config: Config) -> Plan:
    """Return how a run cuts signatures."""
    return plan(config.threshold, config.recall, num_slots=config.num_slots)


def merge_equal(
    take: TakeTexts, digests: NDArray[np.uint64], tokens: NDArray[np.uint32], pool: Pool
) -> NDArray[np.int64]:
    """Return for each different text the first one that folds to the same, int64; one without a token is alone.

    Args:
        take: Gives some of the texts.
        digests: uint64 [n], of `Sketches`.
        tokens: uint32 [n], of `Sketches`.
        pool: The threads to do it.
    """
    merged = np.arange(len(digests))
    pending = np.flatnonzero(tokens > 0)
    # One round is enough unless digests collide; then those that differ from the first go on among themselves.
    while len(pending):
        _, first, group = np.unique(digests[pending], return_index=True, return_inverse=True)
        firsts = pending[first][group]
        repeats, firsts = pending[firsts != pending], firsts[firsts != pending]

        def compare(rows: range, repeats: NDArray[np.int64] = repeats, firsts: NDArray[np.int64] = firsts) -> Any:  # noqa: ANN401
            return _equal(take, repeats[rows.start : rows.stop], firsts[rows.start : rows.stop])

        parts = chunks(tokens[repeats], CHUNK_TOKENS)
        equal = np.concatenate([np.empty(0, np.bool_), *pool.map(compare, parts)])
        merged[repeats[equal]] = firsts[equal]
        pending = repeats[~equal]
    return merged


def _equal(take: TakeTexts, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which pairs of texts fold to the same."""
    texts = take(np.concatenate([left, right]))
    equal = np.zeros(len(left), np.uint8)
    native.fill_equal(texts, np.arange(len(left)), np.arange(len(left), len(texts)), 0, len(left), equal)
    return equal.astype(np.bool_)


def match_alike(
    bands: Sequence[Column],
    rows: NDArray[np.int64],
    compare: Callable[[Candidates], Pairs],
    config: Config,
    pool: Pool,
    progress: Progress | None,
) -> tuple[Candidates, Pairs]:
    """Return the pairs of `rows` that share a band, and what comparing them gave."""
    candidates = _alike(bands, rows, config, pool, progress)
    pairs = compare(candidates)
    for _ in range(ROUNDS if candidates.capped else 0):
        # Buckets over the limit gave only some of their pairs. Those of their documents that are still kept are few,
        # and are looked at again among themselves.
        links = pairs.links
        canonical = cluster(len(rows), links.left, links.right, links.jaccard, config.linkage)
        left = np.flatnonzero(candidates.crowded & (canonical == np.arange(len(rows))))
        more = _alike(bands, rows[left], config, pool, None).at(left).without(candidates)
        if not len(more):
            break
        pairs = pairs.join(compare(more))
        candidates = candidates.join(more)
    return candidates, pairs


def _alike(
    bands: Sequence[Column], rows: NDArray[np.int64], config: Config, pool: Pool, progress: Progress | None
) -> Candidates:
    """Return the pairs that share a band; of few documents, all pairs."""
    if len(rows) <= config.exhaustive:
        return all_pairs(len(rows))
    return pairs_by_bands(bands, rows, config.bucket_limit, pool, counter(progress, "match", len(bands)))


def chunks_of(texts: list[str]) -> list[range]:
    """Cut texts into ranges that one thread works on at a time."""
    return chunks(np.fromiter(map(len, texts), np.int64, len(texts)), CHUNK_CHARACTERS)
