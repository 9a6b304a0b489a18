"""Decides what follows from the pairs of a run: the clusters, who is kept, and by which evidence the others are not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dedup.clustering.clusters import cluster
from dedup.matching.roundups import mark_roundups
from dedup.matching.verify import UNRELATED, Pairs
from dedup.matching.versions import later_side, mark_versions
from dedup.model import LINKS, RELATIONS, Alarm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.pipeline import Outcome

_EXACT = RELATIONS.index("exact")


class Related(NamedTuple):
    """Related pairs of documents.

    Args:
        left: int64, the one to keep first.
        right: int64, the other.
        relation: uint8, places in `RELATIONS`.
        scores: float64 each: Jaccard similarity, share of the left one in the right one, and of the right in the left.
        later: int8: 1 where the right one was published later, -1 the left one, 0 unknown.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    relation: NDArray[np.uint8]
    scores: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    later: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Decision:
    """Who is kept, and why the others are not.

    Args:
        outcome: What it was decided on.
        config: The link rule in force.
        canonical: int64 [n], the row of the canonical document of each document; a kept one's is itself.
        evidence: int64 [n], the place in `pairs` that links a dropped document to its canonical; -1 for an exact copy
            of it and for a kept document, -2 where the two are connected through other documents only.
        pairs: The related pairs, with the relations of that rule.
    """

    outcome: Outcome
    config: Config
    canonical: NDArray[np.int64]
    evidence: NDArray[np.int64]
    pairs: Pairs

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self.canonical)

    @cached_property
    def is_canonical(self) -> NDArray[np.bool_]:
        """Which documents are the canonical one of their cluster, bool [n]."""
        canonical: NDArray[np.bool_] = self.canonical == np.arange(len(self))
        return canonical

    @cached_property
    def is_kept(self) -> NDArray[np.bool_]:
        """Which documents are among the first of their cluster, bool [n]: the canonical, then others in keep order."""
        if self.config.keep.min_keep == 1:
            return self.is_canonical
        order = np.lexsort([self.rank, ~self.is_canonical, self.canonical])
        clusters = self.canonical[order]
        kept = np.zeros(len(self), np.bool_)
        kept[order] = np.arange(len(self)) - np.searchsorted(clusters, clusters) < self.config.keep.min_keep
        return kept

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """Place of each document in keep order, int64 [n]."""
        rank = np.zeros(len(self), np.int64)
        rank[self.outcome.order] = np.arange(len(self))
        return rank

    @cached_property
    def relation(self) -> NDArray[np.int8]:
        """Code of the relation of each document to its canonical, int8 [n]; -1 for a canonical, and without a pair."""
        relation = np.full(len(self), -1, np.int8)
        relation[self._copies] = _EXACT
        linked = self.evidence >= 0
        relation[linked] = self.pairs.relation[self.evidence[linked]]
        return relation

    @cached_property
    def scores(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Jaccard and both containments of each document to its canonical, float64 [n]; NaN where no pair says."""
        linked = self.evidence >= 0
        found = self.pairs.where(self.evidence[linked])
        is_right = self.outcome.documents[found.right] == self.outcome.representative[linked]
        left, right = found.containment_left, found.containment_right

        def column(scores: NDArray[np.float64]) -> NDArray[np.float64]:
            values = np.full(len(self), np.nan)
            values[self._copies] = 1.0
            values[linked] = scores
            return values

        return column(found.jaccard), column(np.where(is_right, right, left)), column(np.where(is_right, left, right))

    @cached_property
    def _copies(self) -> NDArray[np.bool_]:
        copies: NDArray[np.bool_] = ~self.is_canonical & (self.evidence == -1)
        return copies

    @cached_property
    def scored(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The documents with a Jaccard similarity to their canonical, and that; in keep order: sums are the same."""
        jaccard = self.scores[0]
        rows = self.outcome.order[~np.isnan(jaccard[self.outcome.order])]
        return rows, jaccard[rows]

    def exact_pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the pairs of a document and an exact copy of it that is not the first of the text, int64 each."""
        copies = np.flatnonzero(self.outcome.representative != np.arange(len(self)))
        return self.outcome.representative[copies], copies

    def related(self, most: int) -> Iterator[Related]:
        """Yield all related pairs, the exact copies first, at most so many at a time."""
        known = np.flatnonzero(self.pairs.relation < len(RELATIONS))
        documents = self.outcome.documents
        left, copies = self.exact_pairs()
        for start in range(0, len(copies), most):
            some = slice(start, start + most)
            ones = np.ones(len(copies[some]))
            exact = np.full(len(ones), _EXACT, np.uint8)
            yield self._related(left[some], copies[some], exact, (ones, ones, ones))
        for start in range(0, len(known), most):
            pairs = self.pairs.where(known[start : start + most])
            scores = pairs.jaccard, pairs.containment_left, pairs.containment_right
            yield self._related(documents[pairs.left], documents[pairs.right], pairs.relation, scores)

    def _related(
        self,
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        relation: NDArray[np.uint8],
        scores: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    ) -> Related:
        moments = self.outcome.moments
        return Related(left, right, relation, scores, later_side(moments[left], moments[right]))

    def summary(
        self, *, items: int, alarms: int, cleaned: int, templates: int, skipped_rows: int
    ) -> dict[str, int | float]:
        """Return the numbers of the run, given those that do not follow from the decision: see `Result.summary`."""
        return {
            "documents": len(self),
            "items": items,
            **self.counts(),
            "alarms": alarms,
            "cleaned": cleaned,
            "templates": templates,
            "skipped_rows": skipped_rows,
        }

    def counts(self) -> dict[str, int | float]:
        """Return the numbers of the run that follow from the documents and pairs alone: see `Result.summary`."""
        links, ends = self.pairs.links, self.canonical[self.outcome.documents]
        _, scores = self.scored
        relations = np.bincount(self.pairs.relation, minlength=len(RELATIONS) + 1)
        sizes = np.bincount(self.canonical, minlength=1)
        kept = int(np.count_nonzero(self.is_kept))
        return {
            "kept": kept,
            "dropped": len(self) - kept,
            "clusters": int(np.count_nonzero(sizes > 1)),
            "largest_cluster": int(sizes.max()) if len(self) else 0,
            "large_clusters": int(np.count_nonzero(sizes > self.config.large_cluster)),
            "cohesion_least": float(scores.min(initial=1.0)),
            "cohesion_mean": float(scores.mean()) if len(scores) else 1.0,
            "refused_bridges": int(np.count_nonzero(ends[links.left] != ends[links.right])),
            "empty": int(np.count_nonzero(self.outcome.tokens == 0)),
            "exact_pairs": len(self.exact_pairs()[1]),
            **{f"{name}_pairs": int(relations[code]) for code, name in enumerate(RELATIONS) if code != _EXACT},
            "candidate_pairs": self.outcome.candidates,
            "capped_buckets": self.outcome.capped,
            "largest_bucket": self.outcome.largest,
            "omitted_pairs": self.outcome.omitted,
            "common_shingles": self.outcome.common,
            "frequent_shingles": self.outcome.frequent,
        }

    def alarms(self, sources: Sequence[str | None]) -> tuple[Alarm, ...]:
        """Return the sources of which more is dropped than `KeepPolicy.alarm_share` allows, largest share first.

        Args:
            sources: Who printed each document.
        """
        policy = self.config.keep
        if policy.alarm_share is None:
            return ()
        dropped = Counter(sources[row] for row in np.flatnonzero(~self.is_kept).tolist())
        documents = Counter(source for source in sources if source in dropped)
        alarms = [
            Alarm(source, documents[source], count, count / documents[source])
            for source, count in dropped.items()
            if source and documents[source] >= policy.alarm_documents
        ]
        alarms = [alarm for alarm in alarms if alarm.share > policy.alarm_share]
        return tuple(sorted(alarms, key=lambda alarm: (-alarm.share, alarm.source)))


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
    pairs = mark_versions(pairs, moments, outcome.outlets[outcome.documents])
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

    n = len(outcome.order)
    canonical, evidence = np.arange(n), np.full(n, -1)
    canonical[outcome.documents] = outcome.documents[canonical_at]
    evidence[outcome.documents] = evidence_at
    return Decision(outcome, config, canonical[outcome.representative], evidence[outcome.representative], pairs)


def worth_a_look(summary: Mapping[str, float], alarms: Iterable[Alarm], config: Config) -> Iterator[str]:
    """Yield what is worth a look before a result is used, a sentence each.

    Args:
        summary: The numbers of the run, as `Result.summary` has them.
        alarms: The sources of which too much is dropped.
        config: What a large cluster is.
    """
    skipped = summary["skipped_rows"]
    rows = summary["documents"] - summary["items"] + skipped
    if 2 * skipped > rows:
        yield f"{skipped:,} of the {rows:,} rows are no articles, and were left out."
    for alarm in alarms:
        yield f"{alarm.dropped:,} of the {alarm.documents:,} documents of {alarm.source!r} are dropped."
    if summary["large_clusters"]:
        large = f"more than {config.large_cluster:,} documents, the largest {summary['largest_cluster']:,}"
        yield f"Clusters of {large}: {summary['large_clusters']:,}."
    if summary["largest_bucket"] > config.large_cluster:
        yield (
            f"{summary['largest_bucket']:,} texts agree in one band; at most {summary['omitted_pairs']:,} pairs "
            "of such texts were not compared."
        )
