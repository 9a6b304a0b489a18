"""The one place where the stages meet: clean, sketch, candidates, verify, cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dedup import templates
from dedup.boilerplate.sightings import Sightings, Template
from dedup.clustering.clusters import cluster
from dedup.clustering.order import keep_order, moments_of
from dedup.kernels import native
from dedup.kernels.parallel import Pool
from dedup.kernels.sketches import Sketches
from dedup.matching.candidates import Candidates
from dedup.matching.plan import plan
from dedup.matching.roundups import mark_roundups, undecided
from dedup.matching.samples import pairs_by_samples
from dedup.matching.verify import UNRELATED, Pairs, verify
from dedup.matching.versions import mark_versions
from dedup.model import LINKS, Cleaned
from dedup.prepare import Batch, prepare
from dedup.stages import counter, match_alike, merge_equal, sketch
from dedup.templates import Prints, Templates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.model import Article
    from dedup.stages import Progress

#: How often the parts of pages are compared: what one page is may depend on what those are that it carries.
_ROUNDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a run found out about its documents, before a link rule is applied.

    Args:
        articles: The documents: the articles that came, then the items of their pages.
        cleaned: Row of a document -> what cleaning removed, for those where it removed something.
        tokens: uint32 [n], tokens of the clean texts.
        moments: float64 [n, 2], the first and the last moment of their publication: see `model.moments`.
        order: int64 [n], the rows in keep order.
        representative: int64 [n], the row that stands for all documents of the same folded text: the best to keep.
        documents: int64 [m], the representatives that have a token, in keep order.
        pairs: Pairs of `documents` (places in that array) that are related.
        judged: More such pairs, which were no candidates; they only tell whether the parts of a page are related.
        candidates: How many pairs were verified.
        capped: Buckets over the limit.
        omitted: At most so many pairs of those buckets were not looked at.
        common: Sampled shingles that more texts had than the limit: their first texts were paired with the others.
        frequent: Those that more texts had than are all paired when passages are looked for: the same holds of them.
        templates: Furniture that was learned by repetition, and those documents had.
    """

    articles: list[Article]
    cleaned: dict[int, Cleaned]
    tokens: NDArray[np.uint32]
    moments: NDArray[np.float64]
    order: NDArray[np.int64]
    representative: NDArray[np.int64]
    documents: NDArray[np.int64]
    pairs: Pairs
    judged: Pairs
    candidates: int
    capped: int
    omitted: int
    common: int
    frequent: int
    templates: tuple[Template, ...] = ()


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


def run(
    articles: Sequence[Article], config: Config, progress: Progress | None = None, known: Templates | None = None
) -> Outcome:
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
    plan(config.threshold, config.recall, num_slots=config.num_slots)  # refuses what cannot be reached, before any work
    batch, sketches = prepare(articles, config, counter(progress, "sketch", len(articles)))
    found: list[Template] = []
    if config.clean == "auto":
        sketches, found = _cut_templates(batch, sketches, config, known)
    with Pool(config.threads) as pool:
        group = merge_equal(batch.strings, sketches, pool)[batch.places]
        tokens = sketches.tokens[group]

        moments = moments_of(batch.documents)
        order = keep_order(batch.documents, config.keep, tokens, moments, batch.wire_ranks)
        representative = _representatives(order, group, tokens)
        kept_order = order[representative[order] == order]
        compared = kept_order[tokens[kept_order] > 0]
        rows = group[compared]

        strings = [batch.strings[row] for row in rows.tolist()]
        room = sketches.shingles[rows]

        def compare(candidates: Candidates) -> Pairs:
            return verify(strings, room, candidates, config, pool, counter(progress, "verify", len(candidates)))

        candidates, pairs = match_alike(sketches, rows, compare, config, pool, progress)
        # Nothing else takes as much memory, and nobody needs them any more.
        del sketches
        if len(rows) > config.exhaustive:
            advance = counter(progress, "sample", len(rows))
            inside = pairs_by_samples(strings, room, candidates, config, pool, advance)
            pairs = pairs.join(compare(inside))
            candidates = candidates.join(inside)
        pairs = pairs.where(pairs.relation != UNRELATED)
        judged = (
            _judged(pairs, moments[compared], compare)
            if len(rows) > config.exhaustive
            else pairs.where(np.empty(0, np.int64))
        )
    return Outcome(
        articles=batch.documents,
        cleaned=batch.cleaned,
        tokens=tokens,
        moments=moments,
        order=order,
        representative=representative,
        documents=compared,
        pairs=pairs,
        judged=judged,
        candidates=len(candidates),
        capped=candidates.capped,
        omitted=min(candidates.omitted, len(rows) * (len(rows) - 1) // 2 - len(candidates)),
        common=candidates.common,
        frequent=candidates.frequent,
        templates=tuple(found),
    )


def decide(outcome: Outcome, config: Config) -> Decision:
    """Apply the link rule and cluster: who is kept, who is dropped and by which pair.

    `config` may be stricter than the one of the run, never looser.
    """
    related, judged = (
        pairs.where(pairs.relation != UNRELATED)
        for pairs in (outcome.pairs.related(config), outcome.judged.related(config))
    )
    moments = outcome.moments[outcome.documents]
    pairs = mark_roundups(related, moments, judged)
    pairs = mark_versions(
        pairs, moments, templates.outlet_numbers(outcome.articles[row].source for row in outcome.documents.tolist())
    )
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


def _judged(pairs: Pairs, moments: NDArray[np.float64], compare: Callable[[Candidates], Pairs]) -> Pairs:
    """Compare the parts of pages that would be roundups if these were unrelated; return those that are related."""
    judged = pairs.where(np.empty(0, np.int64))
    tried = np.empty(0, np.int64)
    for _ in range(_ROUNDS):
        codes = undecided(pairs, moments, judged, tried)
        if not len(codes):
            break
        found = compare(Candidates(codes >> 32, codes & 0xFFFFFFFF, np.zeros(len(moments), np.bool_)))
        judged = judged.join(found.where(found.relation != UNRELATED))
        tried = np.union1d(tried, codes)
    return judged


def _cut_templates(
    batch: Batch, sketches: Sketches, config: Config, known: Templates | None
) -> tuple[Sketches, list[Template]]:
    """Learn which blocks are furniture of their outlet and cut them out of the texts; return the sketches of all."""
    outlets = [templates.outlet_of(article.source) for article in batch.documents]
    places = np.array(batch.places, np.int64)
    prints = Prints.join(batch.prints)
    if (places != np.arange(len(places))).any() or len(places) < len(batch.strings):
        prints = prints.take(places)
    # Nothing needs the pieces any more.
    batch.prints.clear()
    # What was learned before has named its stories by settings of its own.
    learned = Sightings() if known is None else known.sightings.merge(Sightings())
    naming = config if known is None else replace(known.config, threads=config.threads)
    texts = [batch.strings[place] for place in batch.places]
    templates.learn(outlets, texts, prints, learned, naming, all_blocks=False, lasting=known is not None)
    if not len(learned):
        return sketches, []
    is_furniture = templates.furniture(outlets, prints, learned)
    affected = np.flatnonzero(prints.per_text(is_furniture))
    if not len(affected):
        return sketches, []
    pages = [batch.cleaned.get(row) or Cleaned(texts[row], texts[row]) for row in affected.tolist()]
    pages = templates.cut(
        pages,
        [outlets[row] for row in affected.tolist()],
        prints.take(affected),
        is_furniture[prints.places(affected)],
        learned,
    )
    for row, page in zip(affected.tolist(), pages, strict=True):
        batch.cleaned[row] = page
        batch.places[row] = len(batch.strings)
        batch.strings.append(page.text)
    fresh = native.Texts.from_strings(batch.strings[len(sketches) :])
    gone = np.flatnonzero(is_furniture)
    rows = zip(prints.text_of(gone).tolist(), prints.fingerprints[gone].tolist(), strict=True)
    used = {(outlets[row] or None, fingerprint) for row, fingerprint in rows}
    found = learned.templates(templates.LEAST_POINTS, templates.LEAST_POINTS_UNKNOWN)
    found = [template for template in found if (template.outlet, template.fingerprint) in used]
    return Sketches.join([sketches, sketch(fresh, config)], config), found


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
