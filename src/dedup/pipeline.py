"""The one place where the stages meet: clean, sketch, candidates, verify."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dedup import templates
from dedup.boilerplate.sightings import Sightings, Template
from dedup.clustering.order import keep_order, moments_of, values_of
from dedup.kernels import native
from dedup.kernels.parallel import Pool, chunks
from dedup.matching.candidates import Candidates
from dedup.matching.roundups import undecided
from dedup.matching.samples import PARTS
from dedup.matching.verify import UNRELATED, Pairs, verify
from dedup.model import Cleaned
from dedup.prepare import prepare
from dedup.scratch import Memory
from dedup.stages import CHUNK_TOKENS, Marked, Marks, counter, cut_of, match_alike, merge_equal, sketch_chunk
from dedup.templates import Examples, Prints, Templates

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.model import Article
    from dedup.scratch import Scratch, TextStore
    from dedup.stages import Progress

#: How often the parts of pages are compared: what one page is may depend on what those are that it carries.
ROUNDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Documents:
    """What is known of the documents of a run beside their texts.

    Args:
        places: int64 [n], which clean text each has, by its number.
        outlets: int64 [n], who printed each; -1 where that is unknown.
        moments: float64 [n, 2], the first and the last moment of their publication: see `model.moments`.
        order: int64 [n], the rows in keep order.
    """

    places: NDArray[np.int64]
    outlets: NDArray[np.int64]
    moments: NDArray[np.float64]
    order: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a run found out about its documents, before a link rule is applied.

    Args:
        tokens: uint32 [n], tokens of the clean texts.
        outlets: See `Documents`.
        moments: See `Documents`.
        order: See `Documents`.
        representative: int64 [n], the row that stands for all documents of the same folded text: the best to keep.
        documents: int64 [m], the representatives that have a token, in keep order.
        pairs: Pairs of `documents` (places in that array) that are related.
        judged: More such pairs, which were no candidates; they only tell whether the parts of a page are related.
        candidates: How many pairs were verified.
        capped: Buckets over the limit.
        largest: The size of the largest bucket.
        omitted: At most so many pairs of those buckets were not looked at.
        common: Sampled shingles that more texts had than the limit: their first texts were paired with the others.
        frequent: Those that more texts had than are all paired when passages are looked for: the same holds of them.
    """

    tokens: NDArray[np.uint32]
    outlets: NDArray[np.int64]
    moments: NDArray[np.float64]
    order: NDArray[np.int64]
    representative: NDArray[np.int64]
    documents: NDArray[np.int64]
    pairs: Pairs
    judged: Pairs
    candidates: int
    capped: int
    largest: int
    omitted: int
    common: int
    frequent: int


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a run in memory gives.

    Args:
        articles: The documents: the articles that came, then the items of their pages.
        cleaned: Row of a document -> what cleaning removed, for those where it removed something.
        templates: Furniture that was learned by repetition, and those documents had.
        outcome: What was found out about them.
    """

    articles: list[Article]
    cleaned: dict[int, Cleaned]
    templates: tuple[Template, ...]
    outcome: Outcome


def run(
    articles: Sequence[Article], config: Config, progress: Progress | None = None, known: Templates | None = None
) -> Run:
    """Take articles through every stage up to verified pairs.

    The ids of the articles must be unique. Nothing here depends on their order or on the number of threads.

    Args:
        articles: The documents.
        config: The settings.
        progress: Told how far each stage is.
        known: Templates learned before; they are used and stay as they are.

    Raises:
        DuplicateIdError: An item of a page would get the id of another document.
        InputError: A text is longer than 64 MiB.
        InvalidArgumentError: The key of the keep policy fails on a document.
    """
    scratch = Memory()
    marks = Marks(scratch, "text", cut_of(config))  # refuses what cannot be reached, before any work
    texts = scratch.texts("text")

    def keep(strings: list[str], given: native.Texts, marked: Marked) -> None:
        texts.append(strings, given)
        marks.append(*marked)

    batch = prepare(articles, config, counter(progress, "sketch", len(articles)), keep, sampled=True)
    places = np.array(batch.places, np.int64)
    found: list[Template] = []
    if config.clean == "auto":
        prints = Prints.join(batch.prints)
        # Nothing needs the pieces any more.
        batch.prints.clear()
        if (places != np.arange(len(places))).any() or len(places) < len(texts):
            prints = prints.take(places)
        outlets = [templates.outlet_of(article.source) for article in batch.documents]
        found = cut_templates(outlets, places, texts, prints, marks, config, known, scratch, batch.cleaned)
        del prints
    moments = moments_of(article.published for article in batch.documents)
    order = keep_order(
        [article.id for article in batch.documents],
        [article.source for article in batch.documents],
        config.keep,
        marks.tokens.read()[places],
        moments,
        np.array(batch.wire_ranks, np.uint8),
        values_of(batch.documents, config.keep.key),
    )
    documents = Documents(
        places, templates.outlet_numbers(article.source for article in batch.documents), moments, order
    )
    outcome = match(documents, texts, marks, config, scratch, progress)
    return Run(batch.documents, batch.cleaned, tuple(found), outcome)


def match(
    documents: Documents,
    texts: TextStore,
    marks: Marks,
    config: Config,
    scratch: Scratch,
    progress: Progress | None = None,
) -> Outcome:
    """Find the related pairs of documents that are cleaned and sketched.

    Args:
        documents: The documents.
        texts: The clean texts.
        marks: What is compared of these before the texts are.
        config: The settings.
        scratch: Where pairs are meanwhile.
        progress: Told how far each stage is.
    """
    text_tokens, shingles = marks.tokens.read(), marks.shingles.read()
    with Pool(config.threads) as pool:
        group = merge_equal(texts.take, marks.digests.read(), text_tokens, pool)[documents.places]
        tokens = text_tokens[group]
        representative = _representatives(documents.order, group, tokens)
        kept_order = documents.order[representative[documents.order] == documents.order]
        compared = kept_order[tokens[kept_order] > 0]
        rows = group[compared]
        room = shingles[rows]

        def compare(candidates: Candidates) -> Pairs:
            advance = counter(progress, "verify", len(candidates))
            pairs = verify(lambda places: texts.take(rows[places]), room, candidates, config, pool, advance)
            return pairs.where(pairs.relation != UNRELATED)

        candidates, pairs = match_alike(marks.bands, rows, compare, config, pool, progress)
        judged = pairs.where(np.empty(0, np.int64))
        if len(rows) > config.exhaustive:
            advance = counter(progress, "sample", PARTS)
            inside = marks.samples.pairs(rows, candidates, config, pool, scratch, advance)
            pairs = pairs.join(compare(inside))
            candidates = candidates.join(inside)
            judged = _judged(pairs, documents.moments[compared], compare)
    return Outcome(
        tokens=tokens,
        outlets=documents.outlets,
        moments=documents.moments,
        order=documents.order,
        representative=representative,
        documents=compared,
        pairs=pairs,
        judged=judged,
        candidates=len(candidates),
        capped=candidates.capped,
        largest=candidates.largest,
        omitted=min(candidates.omitted, len(rows) * (len(rows) - 1) // 2 - len(candidates)),
        common=candidates.common,
        frequent=candidates.frequent,
    )


def _judged(pairs: Pairs, moments: NDArray[np.float64], compare: Callable[[Candidates], Pairs]) -> Pairs:
    """Compare the parts of pages that would be roundups if these were unrelated; return those that are related."""
    judged = pairs.where(np.empty(0, np.int64))
    tried = np.empty(0, np.int64)
    for _ in range(ROUNDS):
        codes = undecided(pairs, moments, judged, tried)
        if not len(codes):
            break
        found = compare(Candidates(codes >> 32, codes & 0xFFFFFFFF, np.zeros(len(moments), np.bool_)))
        judged = judged.join(found)
        tried = np.union1d(tried, codes)
    return judged


def cut_templates(
    outlets: Sequence[str],
    places: NDArray[np.int64],
    texts: TextStore,
    prints: Prints,
    marks: Marks,
    config: Config,
    known: Templates | None,
    scratch: Scratch,
    cleaned: MutableMapping[int, Cleaned],
) -> list[Template]:
    """Learn which blocks are furniture of their outlet and cut them out of the texts; return those that were cut.

    Args:
        outlets: The outlet of each document, "" when unknown.
        places: int64 [n], which text each has; a text that is cut gets a new number, and its place changes.
        texts: The clean texts; those that are cut come behind them.
        prints: The blocks of each document's text.
        marks: What is compared of the texts; the same holds of it.
        config: The settings.
        known: Templates learned before.
        scratch: Where texts are meanwhile.
        cleaned: Row of a document -> what cleaning removed; what is cut here is added.
    """
    # What was learned before has named its stories by settings of its own.
    learned = Sightings() if known is None else known.sightings.merge(Sightings())
    naming = config if known is None else replace(known.config, threads=config.threads)

    def take(rows: NDArray[np.int64]) -> list[str]:
        return texts.strings(places[rows])

    templates.learn(outlets, take, prints, learned, naming, scratch, all_blocks=False, lasting=known is not None)
    if not len(learned):
        return []
    stories = templates.furniture(outlets, prints, learned)
    affected = np.flatnonzero(prints.per_text(stories))

    def shorten(part: range) -> tuple[NDArray[np.int64], list[Cleaned], Examples, native.Texts, Marked]:
        rows = affected[part.start : part.stop]
        pages, examples = templates.cut(
            [cleaned.get(row) or Cleaned(text, text) for row, text in zip(rows.tolist(), take(rows), strict=True)],
            [outlets[row] for row in rows.tolist()],
            prints.take(rows),
            stories[prints.places(rows)],
        )
        fresh = native.Texts.from_strings([page.text for page in pages])
        return rows, pages, examples, fresh, sketch_chunk(fresh, config, sampled=True)

    parts: list[Examples] = []
    words = prints.per_text(prints.words)[affected]
    with Pool(config.threads) as pool:
        for rows, pages, examples, fresh, marked in pool.map(shorten, chunks(words, 4 * CHUNK_TOKENS)):
            cleaned.update(zip(rows.tolist(), pages, strict=True))
            places[rows] = np.arange(len(texts), len(texts) + len(rows))
            texts.append([page.text for page in pages], fresh)
            marks.append(*marked)
            parts.append(examples)
    templates.remember(learned, parts)
    gone = np.flatnonzero(stories)
    rows_of = zip(prints.text_of(gone).tolist(), prints.fingerprints[gone].tolist(), strict=True)
    used = {(outlets[row] or None, fingerprint) for row, fingerprint in rows_of}
    found = learned.templates(templates.LEAST_POINTS, templates.LEAST_POINTS_UNKNOWN)
    return [template for template in found if (template.outlet, template.fingerprint) in used]


def _representatives(
    order: NDArray[np.int64], group: NDArray[np.int64], tokens: NDArray[np.uint32]
) -> NDArray[np.int64]:
    """Return for each row the row of its group that comes first in keep order; one without a token stands alone."""
    n = len(order)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    best = np.full(int(group.max()) + 1 if n else 0, n)
    np.minimum.at(best, group, rank)
    return np.where(tokens > 0, order[best[group]] if n else group, np.arange(n))
