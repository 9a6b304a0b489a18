"""The one place where the stages meet: clean, sketch, candidates, verify, cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dedup.boilerplate import clean
from dedup.clustering.clusters import cluster
from dedup.clustering.order import keep_order
from dedup.errors import DuplicateIdError
from dedup.kernels import native
from dedup.kernels.parallel import for_ranges
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
STAGES = {"clean": "articles", "sketch": "texts", "match": "bands", "verify": "pairs"}


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
    documents, clean_texts, cleaned = _clean(articles, config, progress)
    texts = native.Texts.from_strings(clean_texts)
    distinct, group = _distinct_texts(texts, clean_texts, config)
    sketches = sketch(distinct, config, progress)
    group = _merge_equal(distinct, sketches, config)[group]
    tokens = sketches.tokens[group]

    order = keep_order(documents, tokens)
    representative = _representatives(order, group, tokens)
    kept_order = order[representative[order] == order]
    compared = kept_order[tokens[kept_order] > 0]
    rows = group[compared]

    candidates = _candidates(sketches, rows, config, progress)
    pairs = verify(distinct, rows, sketches.shingles[rows], candidates, config, _counter(progress, "verify", len(candidates)))
    return Outcome(
        articles=documents,
        cleaned=cleaned,
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

    # Pairs ascend by (left, right), and a canonical comes before its members.
    codes = pairs.left << 32 | pairs.right
    wanted = canonical_at << 32 | np.arange(m)
    place = np.searchsorted(codes, wanted)
    found = place < len(codes)
    found[found] = codes[place[found]] == wanted[found]
    evidence_at = np.where(found, place, -2)
    evidence_at[canonical_at == np.arange(m)] = -1

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


def _clean(
    articles: Sequence[Article], config: Config, progress: Progress | None
) -> tuple[list[Article], list[str], dict[int, Cleaned]]:
    """Return the documents (items of pages behind the articles), their clean texts, and what was removed."""
    documents = list(articles)
    if config.clean == "off":
        return documents, [article.text for article in documents], {}
    advance = _counter(progress, "clean", len(articles))
    texts: list[str] = []
    cleaned: dict[int, Cleaned] = {}
    row = 0
    # Items join the end of the list while it is walked, so that they are cleaned like any other document.
    while row < len(documents):
        article = documents[row]
        page = clean(article.text)
        if page.removed:
            cleaned[row] = page
            if article.published is None and "published" in page.metadata:
                documents[row] = replace(article, published=page.metadata["published"])
            documents += _items(article, page)
        texts.append(page.text)
        row += 1
        if advance and row % 4096 == 0 and row < len(articles):
            advance(4096)
    if advance and len(articles):
        advance((len(articles) - 1) % 4096 + 1)
    if len(documents) > len(articles):
        _check_item_ids(documents, len(articles))
    return documents, texts, cleaned


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


def _distinct_texts(
    texts: native.Texts, strings: list[str], config: Config
) -> tuple[native.Texts, NDArray[np.int64]]:
    """Return the texts without byte-for-byte repeats, and for each text its place among those."""
    hashes = np.empty(len(texts), np.uint64)
    for_ranges(
        lambda start, stop: native.fill_text_hashes(texts, config.seed, start, stop, hashes), texts.lengths, config.threads
    )
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    first = first[group]
    # Equal hashes are not yet equal texts: whoever knows the seed can make two that collide.
    collided = [row for row in np.flatnonzero(first != np.arange(len(first))) if strings[row] != strings[first[row]]]
    first[collided] = collided
    kept, group = np.unique(first, return_inverse=True)
    return native.Texts(texts.addresses[kept], texts.lengths[kept], texts.owner), group


def sketch(texts: native.Texts, config: Config, progress: Progress | None) -> Sketches:
    sketches = Sketches.empty(len(texts), config)
    for_ranges(
        lambda start, stop: native.fill_sketches(texts, config, start, stop, sketches),
        # A fixed share per text: short texts cost more than their bytes.
        texts.lengths + 100,
        config.threads,
        _counter(progress, "sketch", len(texts)),
    )
    return sketches


def _merge_equal(texts: native.Texts, sketches: Sketches, config: Config) -> NDArray[np.int64]:
    """Return for each text the first one that folds to the same, int64 [n]; a text without a token is alone."""
    n = len(texts)
    _, first, group = np.unique(sketches.digests, return_index=True, return_inverse=True)
    first = first[group]
    repeats = np.flatnonzero((first != np.arange(n)) & (sketches.tokens > 0))
    equal = np.zeros(len(repeats), np.uint8)
    firsts = np.ascontiguousarray(first[repeats])
    for_ranges(
        lambda start, stop: native.fill_equal(texts, repeats, firsts, start, stop, equal),
        texts.lengths[repeats] + texts.lengths[firsts],
        config.threads,
    )
    merged = np.arange(n)
    merged[repeats[equal == 1]] = firsts[equal == 1]
    return merged


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
