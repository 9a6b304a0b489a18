"""The one place where the stages meet: clean, sketch, candidates, verify, cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dedup.boilerplate import clean, fill_suspects
from dedup.clustering.clusters import cluster
from dedup.clustering.order import keep_order
from dedup.errors import DuplicateIdError
from dedup.kernels import native
from dedup.kernels.parallel import for_ranges, range_bounds
from dedup.kernels.sketches import Sketches
from dedup.matching.candidates import Candidates, all_pairs, pairs_by_bands
from dedup.matching.plan import plan
from dedup.matching.verify import OVERLAP, UNRELATED, Pairs, verify
from dedup.model import Article, Cleaned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dedup.config import Config

#: Told the name of a stage, how much of it is done and how much there is; called from the thread that started the run.
Progress = Callable[[str, int, int], None]

#: The stages, in order, and what each counts.
STAGES = {"sketch": "documents", "match": "bands", "verify": "pairs"}

#: Characters that are cleaned and sketched at a time: what is encoded for the kernel lives no longer than that.
_CHUNK_CHARACTERS = 8_000_000


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
        omitted: Pairs of those buckets that were not looked at.
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
        InputError: A text is longer than 1 GiB.
    """
    batch, sketches = _prepare(articles, config, progress)
    group = _merge_equal(batch.strings, sketches, config)[batch.places]
    tokens = sketches.tokens[group]

    order = keep_order(batch.documents, tokens)
    representative = _representatives(order, group, tokens)
    kept_order = order[representative[order] == order]
    compared = kept_order[tokens[kept_order] > 0]
    rows = group[compared]

    candidates = _candidates(sketches, rows, config, progress)
    strings = [batch.strings[row] for row in rows.tolist()]
    advance = _counter(progress, "verify", len(candidates))
    pairs = verify(strings, sketches.shingles[rows], candidates, config, advance)
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
        omitted=candidates.omitted,
    )


def decide(outcome: Outcome, config: Config) -> Decision:
    """Apply the link rule and cluster: who is kept, who is dropped and by which pair.

    `config` may be stricter than the one of the run, never looser.
    """
    pairs = outcome.pairs.related(config)
    links = pairs.where(pairs.relation < OVERLAP)
    m = len(outcome.documents)
    canonical_at = cluster(m, links.left, links.right, links.jaccard, config.linkage)

    # Pairs ascend by (left, right). A member may come before its canonical: it is linked to an earlier one as well.
    codes = pairs.left << 32 | pairs.right
    members = np.arange(m)
    wanted = np.minimum(canonical_at, members) << 32 | np.maximum(canonical_at, members)
    place = np.searchsorted(codes, wanted)
    found = place < len(codes)
    found[found] = (codes[place[found]] == wanted[found]) & (pairs.relation[place[found]] < OVERLAP)
    evidence_at = np.where(found, place, -2)
    evidence_at[canonical_at == members] = -1

    n = len(outcome.articles)
    canonical, evidence = np.arange(n), np.full(n, -1)
    canonical[outcome.documents] = outcome.documents[canonical_at]
    evidence[outcome.documents] = evidence_at
    return Decision(canonical[outcome.representative], evidence[outcome.representative], pairs)


def _counter(progress: Progress | None, stage: str, total: int) -> Callable[[int], None] | None:
    """Return a function that adds to what is done of a stage."""
    if progress is None:
        return None
    done = 0

    def advance(amount: int) -> None:
        nonlocal done
        done += amount
        progress(stage, done, total)

    progress(stage, 0, total)
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


def _prepare(articles: Sequence[Article], config: Config, progress: Progress | None) -> tuple[_Batch, Sketches]:
    """Clean and sketch the articles, then the items that their pages carry, each different text once."""
    batch = _Batch(list(articles))
    parts: list[Sketches] = []
    start = 0
    while start < len(batch.documents):
        # Items join the end of the list meanwhile, and have their turn when the articles have had theirs.
        stop = len(batch.documents)
        sketches = Sketches.empty(stop - start, config)
        filled = 0
        advance = _counter(progress, "sketch", stop - start)
        for low, high in _chunks([len(article.text) for article in batch.documents[start:stop]]):
            fresh = _read_chunk(batch, range(start + low, start + high), config)
            _fill(fresh, sketches.rows(filled, filled + len(fresh)), config)
            filled += len(fresh)
            if advance:
                advance(high - low)
        parts.append(sketches.rows(0, filled))
        start = stop
    if len(batch.documents) > len(articles):
        _check_item_ids(batch.documents, len(articles))
    return batch, Sketches.join(parts, config)


def _read_chunk(batch: _Batch, rows: range, config: Config) -> native.Texts:
    """Clean some documents; note their items, and their clean texts that are new; return those."""
    strings = [batch.documents[row].text for row in rows]
    texts = native.Texts.from_strings(strings)
    if config.clean == "auto":
        changed = _clean(batch, rows, texts, strings, config)
        if changed:
            texts = texts.replace(np.array(changed), native.Texts.from_strings([strings[i] for i in changed]))
    hashes = np.empty(len(texts), np.uint64)
    for_ranges(
        lambda start, stop: native.fill_text_hashes(texts, config.seed, start, stop, hashes),
        texts.lengths,
        config.threads,
    )
    fresh = []
    for i, key in enumerate(hashes.tolist()):
        place = batch.known.setdefault(key, len(batch.strings))
        # Equal hashes are not yet equal texts: whoever knows the seed can make two that collide.
        if place == len(batch.strings) or batch.strings[place] != strings[i]:
            place = len(batch.strings)
            batch.strings.append(strings[i])
            fresh.append(i)
        batch.places.append(place)
    return texts.take(np.array(fresh, np.int64))


def _clean(batch: _Batch, rows: range, texts: native.Texts, strings: list[str], config: Config) -> list[int]:
    """Clean, in `strings`, the texts in which furniture may stand; return the places that changed."""
    suspects = np.empty(len(texts), np.uint8)
    for_ranges(lambda start, stop: fill_suspects(texts, start, stop, suspects), texts.lengths, config.threads)
    changed = []
    for i in np.flatnonzero(suspects).tolist():
        page = clean(strings[i])
        if not page.removed:
            continue
        article = batch.documents[rows[i]]
        if article.published is None and "published" in page.metadata:
            batch.documents[rows[i]] = replace(article, published=page.metadata["published"])
        batch.documents += _items(article, page)
        batch.cleaned[rows[i]] = page
        strings[i] = page.text
        changed.append(i)
    return changed


def _items(page: Article, cleaned: Cleaned) -> list[Article]:
    return [
        Article(id=f"{page.id}#{number}", text=item.text, source=item.source, title=item.title, parent=page.id)
        for number, item in enumerate(cleaned.items, 1)
    ]


def _check_item_ids(documents: list[Article], articles: int) -> None:
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
    _fill(texts, sketches, config)
    return sketches


def _fill(texts: native.Texts, sketches: Sketches, config: Config) -> None:
    for_ranges(
        lambda start, stop: native.fill_sketches(texts, config, start, stop, sketches),
        # A fixed share per text: short texts cost more than their bytes.
        texts.lengths + 100,
        config.threads,
    )


def _merge_equal(strings: list[str], sketches: Sketches, config: Config) -> NDArray[np.int64]:
    """Return for each different text the first one that folds to the same, int64; one without a token is alone."""
    merged = np.arange(len(sketches))
    pending = np.flatnonzero(sketches.tokens > 0)
    # One round is enough unless digests collide; then those that differ from the first go on among themselves.
    while len(pending):
        _, first, group = np.unique(sketches.digests[pending], return_index=True, return_inverse=True)
        firsts = pending[first][group]
        repeats, firsts = pending[firsts != pending], firsts[firsts != pending]
        equal = _equal(strings, repeats, firsts, config)
        merged[repeats[equal]] = firsts[equal]
        pending = repeats[~equal]
    return merged


def _equal(strings: list[str], left: NDArray[np.int64], right: NDArray[np.int64], config: Config) -> NDArray[np.bool_]:
    """Return which of the texts `left[i]` and `right[i]` fold to the same."""
    equal = np.zeros(len(left), np.uint8)
    for low, high in _chunks([2 * len(strings[row]) for row in left.tolist()]):
        pairs = np.concatenate([left[low:high], right[low:high]])
        texts = native.Texts.from_strings([strings[row] for row in pairs.tolist()])
        _fill_equal(texts, equal[low:high], config)
    return equal.astype(np.bool_)


def _fill_equal(texts: native.Texts, out: NDArray[np.uint8], config: Config) -> None:
    """Compare each text of the first half with that of the second."""
    left, right = np.arange(len(out)), np.arange(len(out), 2 * len(out))
    for_ranges(
        lambda start, stop: native.fill_equal(texts, left, right, start, stop, out),
        texts.lengths[left] + texts.lengths[right],
        config.threads,
    )


def _chunks(sizes: list[int]) -> list[tuple[int, int]]:
    """Cut rows into ranges of about `_CHUNK_CHARACTERS`."""
    bounds = range_bounds(np.array(sizes, np.int64), _CHUNK_CHARACTERS)
    return list(pairwise(bounds))


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


def _candidates(sketches: Sketches, rows: NDArray[np.int64], config: Config, progress: Progress | None) -> Candidates:
    if len(rows) <= config.exhaustive:
        return all_pairs(len(rows))
    bands = plan(config.threshold, config.recall, num_slots=config.num_slots)
    return pairs_by_bands(
        sketches.signatures,
        rows,
        bands,
        bucket_limit=config.bucket_limit,
        advance=_counter(progress, "match", bands.bands),
    )
