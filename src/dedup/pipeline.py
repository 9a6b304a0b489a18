"""The one place where the stages meet: clean, sketch, candidates, verify, cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dedup.boilerplate import clean, fill_suspects
from dedup.clustering.clusters import cluster
from dedup.clustering.order import keep_order
from dedup.errors import DuplicateIdError, InputError
from dedup.kernels import native
from dedup.kernels.parallel import Pool, chunks
from dedup.kernels.sketches import Sketches
from dedup.matching.candidates import Candidates, all_pairs, pairs_by_bands
from dedup.matching.plan import plan
from dedup.matching.roundups import mark_roundups
from dedup.matching.samples import pairs_by_samples
from dedup.matching.verify import UNRELATED, Pairs, verify
from dedup.model import LINKS, Article, Cleaned, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dedup.config import Config

#: Told the name of a stage, how much of it is done and how much there is; called from the thread that started the run.
#: "verify" comes again after "sample", with another total.
Progress = Callable[[str, int, int], None]

#: Told how much more of a stage is done.
Advance = Callable[[int], None]

#: The stages, in order, and what each counts.
STAGES = {"sketch": "documents", "match": "bands", "verify": "pairs", "sample": "documents"}

#: Characters (bytes, where texts are encoded) that one thread works on at a time; what it encodes lives no longer.
_CHUNK_CHARACTERS = 1_000_000

#: How often the kept documents of crowded buckets are compared among themselves.
_ROUNDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a run found out about its documents, before a link rule is applied.

    Args:
        articles: The documents: the articles that came, then the items of their pages.
        cleaned: Row of a document -> what cleaning removed, for those where it removed something.
        tokens: uint32 [n], tokens of the clean texts.
        order: int64 [n], the rows in keep order.
        representative: int64 [n], the row that stands for all documents of the same folded text: the best to keep.
        documents: int64 [m], the representatives that have a token, in keep order.
        pairs: Pairs of `documents` (places in that array) that are related.
        candidates: How many pairs were verified.
        capped: Buckets over the limit.
        omitted: At most so many pairs of those buckets were not looked at.
        common: Sampled shingles that more texts had than the limit: their first texts were paired with the others.
    """

    articles: list[Article]
    cleaned: dict[int, Cleaned]
    tokens: NDArray[np.uint32]
    order: NDArray[np.int64]
    representative: NDArray[np.int64]
    documents: NDArray[np.int64]
    pairs: Pairs
    candidates: int
    capped: int
    omitted: int
    common: int


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Who is kept, and why the others are not.

    Args:
        canonical: int64 [n], the row of the canonical document of each document; a kept one's is itself.
        evidence: int64 [n], the place in `pairs` that links a dropped document to its canonical; -1 for an exact copy
            of it and for a kept document, -2 where the two are connected through other documents only.
        pairs: The related pairs, with the relations of the link rule in force.
    """

    canonical: NDArray[np.int64]
    evidence: NDArray[np.int64]
    pairs: Pairs


def run(articles: Sequence[Article], config: Config, progress: Progress | None = None) -> Outcome:
    """Take articles through every stage up to verified pairs.

    The ids of the articles must be unique. Nothing here depends on their order or on the number of threads.

    Raises:
        DuplicateIdError: An item of a page would get the id of another document.
        InputError: A text is longer than 64 MiB.
    """
    plan(config.threshold, config.recall, num_slots=config.num_slots)  # refuses what cannot be reached, before any work
    batch, sketches = _prepare(articles, config, _counter(progress, "sketch", len(articles)))
    with Pool(config.threads) as pool:
        group = _merge_equal(batch.strings, sketches, pool)[batch.places]
        tokens = sketches.tokens[group]

        order = keep_order(batch.documents, tokens)
        representative = _representatives(order, group, tokens)
        kept_order = order[representative[order] == order]
        compared = kept_order[tokens[kept_order] > 0]
        rows = group[compared]

        strings = [batch.strings[row] for row in rows.tolist()]
        room = sketches.shingles[rows]

        def compare(candidates: Candidates) -> Pairs:
            return verify(strings, room, candidates, config, pool, _counter(progress, "verify", len(candidates)))

        candidates, pairs = _match_alike(sketches, rows, compare, config, pool, progress)
        # Nothing else takes as much memory, and nobody needs them any more.
        del sketches
        if len(rows) > config.exhaustive:
            advance = _counter(progress, "sample", len(rows))
            inside = pairs_by_samples(strings, room, candidates, config, pool, advance)
            pairs = pairs.join(compare(inside))
            candidates = candidates.join(inside)
    return Outcome(
        articles=batch.documents,
        cleaned=batch.cleaned,
        tokens=tokens,
        order=order,
        representative=representative,
        documents=compared,
        pairs=pairs.where(pairs.relation != UNRELATED),
        candidates=len(candidates),
        capped=candidates.capped,
        omitted=min(candidates.omitted, len(rows) * (len(rows) - 1) // 2 - len(candidates)),
        common=candidates.common,
    )


def _match_alike(
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


def decide(outcome: Outcome, config: Config) -> Decision:
    """Apply the link rule and cluster: who is kept, who is dropped and by which pair.

    `config` may be stricter than the one of the run, never looser.
    """
    moments = [timestamp(outcome.articles[row].published) for row in outcome.documents.tolist()]
    related = outcome.pairs.related(config)
    pairs = mark_roundups(related.where(related.relation != UNRELATED), np.array(moments, np.float64))
    links = pairs.links
    m = len(outcome.documents)
    canonical_at = cluster(m, links.left, links.right, links.jaccard, config.linkage)

    # Pairs ascend by (left, right). A member may come before its canonical: it is linked to an earlier one as well.
    codes = pairs.left << 32 | pairs.right
    members = np.arange(m)
    wanted = np.minimum(canonical_at, members) << 32 | np.maximum(canonical_at, members)
    place = np.searchsorted(codes, wanted)
    found = place < len(codes)
    found[found] = (codes[place[found]] == wanted[found]) & (pairs.relation[place[found]] < len(LINKS))
    evidence_at = np.where(found, place, -2)
    evidence_at[canonical_at == members] = -1

    n = len(outcome.articles)
    canonical, evidence = np.arange(n), np.full(n, -1)
    canonical[outcome.documents] = outcome.documents[canonical_at]
    evidence[outcome.documents] = evidence_at
    return Decision(canonical[outcome.representative], evidence[outcome.representative], pairs)


def _counter(progress: Progress | None, stage: str, total: int) -> Advance:
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


@dataclass(slots=True, eq=False)
class _Batch:
    """Documents on their way through cleaning, and what is known of them so far.

    Args:
        documents: The articles, then the items of their pages.
        cleaned: Row of a document -> what cleaning removed.
        strings: The clean texts without byte-for-byte repeats.
        places: The place of each document's clean text in `strings`.
        known: Hash of a clean text -> its place in `strings`.
    """

    documents: list[Article]
    cleaned: dict[int, Cleaned] = field(default_factory=dict)
    strings: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    known: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    """Some documents, cleaned.

    Args:
        rows: Which ones.
        strings: Their clean texts.
        texts: The same, as the kernels read them.
        hashes: uint64, one per clean text.
        pages: Place in the chunk -> what cleaning removed.
    """

    rows: range
    strings: list[str]
    texts: native.Texts
    hashes: NDArray[np.uint64]
    pages: dict[int, Cleaned]


def _prepare(articles: Sequence[Article], config: Config, advance: Advance) -> tuple[_Batch, Sketches]:
    """Clean and sketch the articles, then the items that their pages carry, each different text once."""
    batch = _Batch(list(articles))
    parts: list[Sketches] = []
    start = 0
    with Pool(config.threads) as pool:
        while start < len(batch.documents):
            # Items join the end of the list meanwhile, and have their turn when the articles have had theirs.
            texts = [article.text for article in batch.documents[start:]]
            rows = [range(start + cut.start, start + cut.stop) for cut in _chunks(texts)]
            sketches = Sketches.empty(len(texts), config)
            filled = 0
            for chunk in pool.map(partial(_read, batch, config), rows):
                fresh = _merge(batch, chunk)
                part = sketches.rows(filled, filled + len(fresh))
                pool.start(partial(native.fill_sketches, fresh, config, 0, len(fresh), part))
                filled += len(fresh)
                advance(len(chunk.rows))
            parts.append(sketches.rows(0, filled))
            start += len(texts)
    _check_item_ids(batch.documents, len(articles))
    return batch, Sketches.join(parts, config)


def _read(batch: _Batch, config: Config, rows: range) -> _Chunk:
    """Clean some documents and hash their clean texts."""
    strings = [batch.documents[row].text for row in rows]
    texts = native.Texts.from_strings(strings)
    for i in np.flatnonzero(texts.lengths > native.MAX_TEXT_BYTES).tolist():
        name, size = batch.documents[rows[i]].id, texts.lengths[i]
        raise InputError(f"text of {name!r} must be at most 64 MiB of UTF-8. Got {size} bytes.")
    pages = {}
    if config.clean == "auto":
        suspects = np.empty(len(texts), np.uint8)
        fill_suspects(texts, 0, len(texts), suspects)
        pages = {i: page for i in np.flatnonzero(suspects).tolist() if (page := clean(strings[i])).removed}
    if pages:
        for i, page in pages.items():
            strings[i] = page.text
        texts = texts.replace(np.array(list(pages)), native.Texts.from_strings([strings[i] for i in pages]))
    hashes = np.empty(len(texts), np.uint64)
    native.fill_text_hashes(texts, config.seed, 0, len(texts), hashes)
    return _Chunk(rows, strings, texts, hashes, pages)


def _merge(batch: _Batch, chunk: _Chunk) -> native.Texts:
    """Add a chunk to the batch, and the items of its pages; return the texts that are new."""
    for i, page in chunk.pages.items():
        row = chunk.rows[i]
        article = batch.documents[row]
        if article.published is None and "published" in page.metadata:
            batch.documents[row] = replace(article, published=page.metadata["published"])
        batch.documents += _items(article, page)
        batch.cleaned[row] = page
    fresh = []
    for i, (key, string) in enumerate(zip(chunk.hashes.tolist(), chunk.strings, strict=True)):
        place = batch.known.setdefault(key, len(batch.strings))
        # Equal hashes are not yet equal texts: whoever knows the seed can make two that collide.
        if place == len(batch.strings) or batch.strings[place] != string:
            place = len(batch.strings)
            batch.strings.append(string)
            fresh.append(i)
        batch.places.append(place)
    return chunk.texts.take(np.array(fresh, np.int64))


def _items(page: Article, cleaned: Cleaned) -> list[Article]:
    return [
        Article(id=f"{page.id}#{number}", text=item.text, source=item.source, title=item.title, parent=page.id)
        for number, item in enumerate(cleaned.items, 1)
    ]


def _check_item_ids(documents: list[Article], articles: int) -> None:
    if len(documents) == articles:
        return
    taken = {article.id for article in documents[:articles]}
    for item in documents[articles:]:
        if item.id in taken:
            raise DuplicateIdError(
                f"id must be unique. Got {item.id!r} of a document and of a story that page {item.parent!r} carries."
            )
        taken.add(item.id)


def sketch(texts: native.Texts, config: Config) -> Sketches:
    """Return the signatures of texts."""
    sketches = Sketches.empty(len(texts), config)
    with Pool(config.threads) as pool:
        for rows in chunks(texts.lengths, _CHUNK_CHARACTERS):
            pool.start(partial(native.fill_sketches, texts, config, rows.start, rows.stop, sketches))
    return sketches


def _merge_equal(strings: list[str], sketches: Sketches, pool: Pool) -> NDArray[np.int64]:
    """Return for each different text the first one that folds to the same, int64; one without a token is alone."""
    merged = np.arange(len(sketches))
    pending = np.flatnonzero(sketches.tokens > 0)
    # One round is enough unless digests collide; then those that differ from the first go on among themselves.
    while len(pending):
        _, first, group = np.unique(sketches.digests[pending], return_index=True, return_inverse=True)
        firsts = pending[first][group]
        repeats, firsts = pending[firsts != pending], firsts[firsts != pending]
        left, right = [[strings[row] for row in rows.tolist()] for rows in (repeats, firsts)]
        parts = [(left[rows.start : rows.stop], right[rows.start : rows.stop]) for rows in _chunks(left)]
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


def _chunks(texts: list[str]) -> list[range]:
    return chunks(np.fromiter(map(len, texts), np.int64, len(texts)), _CHUNK_CHARACTERS)


def _representatives(
    order: NDArray[np.int64], group: NDArray[np.int64], tokens: NDArray[np.uint32]
) -> NDArray[np.int64]:
    """Return for each row the row of its group that comes first in keep order; one without a token stands alone."""
    n = len(order)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    best = np.full(n, n)
    np.minimum.at(best, group, rank)
    return np.where(tokens > 0, order[best[group]] if n else group, np.arange(n))


def _alike(
    sketches: Sketches, rows: NDArray[np.int64], config: Config, pool: Pool, progress: Progress | None
) -> Candidates:
    """Return the pairs that share a band; of few documents, all pairs."""
    if len(rows) <= config.exhaustive:
        return all_pairs(len(rows))
    bands = plan(config.threshold, config.recall, num_slots=config.num_slots)
    advance = _counter(progress, "match", bands.bands)
    return pairs_by_bands(sketches.signatures, rows, bands, config.bucket_limit, pool, advance)
