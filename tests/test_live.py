"""The index: after any operations it holds the clusters that a run finds in the documents that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dedup import Article, Index, deduplicate
from dedup.model import moments
from strategies import DATES, SOURCES, configs, pages, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dedup import Config, Event, Result


def settings_of(config: Config) -> dict[str, Any]:
    """Return a config as the keywords of an index."""
    names = ("threshold", "containment", "overlap", "min_passage", "min_excerpt", "shingle_size", "seed", "clean")
    return {name: getattr(config, name) for name in names}


def run(articles: Iterable[Article], index: Index) -> Result:
    """Return what a run finds in articles with the settings of an index."""
    names = ("threshold", "containment", "overlap", "min_passage", "min_excerpt", "shingle_size", "seed", "clean")
    chosen = {name: getattr(index.config, name) for name in names}
    return deduplicate(list(articles), exhaustive=0, threads=1, keep=index.config.keep, **chosen)


def follow(events: Iterable[Event]) -> tuple[dict[str, int], dict[int, str]]:
    """Return the cluster of each document and the canonical of each cluster, as someone knows who reads the log."""
    clusters: dict[str, int] = {}
    canonical: dict[int, str] = {}
    for event in events:
        if event.kind == "merged":
            clusters |= {name: event.cluster for name, cluster in clusters.items() if cluster == event.other}
            canonical.pop(event.other or 0, None)
        for name in event.documents:
            if event.kind in ("removed", "expired"):
                assert clusters.pop(name) == event.cluster
            else:
                assert clusters.get(name) == event.other
                clusters[name] = event.cluster
        if event.canonical is None:
            canonical.pop(event.cluster, None)
        else:
            canonical[event.cluster] = event.canonical
    return clusters, canonical


ARTICLES = st.builds(
    Article,
    id=st.integers(0, 12).map(str),
    text=st.one_of(sentences(), sentences(), pages()),
    source=st.sampled_from(SOURCES),
    published=st.sampled_from(DATES),
)


class Stream(RuleBasedStateMachine):
    """Articles come, change and go; a run over those that are there is the oracle."""

    @initialize(config=configs(clean="pages", linkage="canonical"))
    def begin(self, config: Config) -> None:
        """Open an index with some settings."""
        self.index = self.open(settings_of(config))
        self.there: dict[str, Article] = {}

    def open(self, chosen: dict[str, Any]) -> Index:
        """Return the index to test."""
        return Index(":memory:", **chosen)

    @rule(batch=st.lists(ARTICLES, min_size=1, max_size=5, unique_by=lambda article: article.id))
    def add(self, batch: list[Article]) -> None:
        """Each article is added, changes nothing, or takes the place of another."""
        known = {name: article.text for name, article in self.there.items()}
        matches = self.index.add_batch(batch)
        for article, match in zip(batch, matches, strict=True):
            before = known.get(article.id)
            action = "added" if before is None else "unchanged" if before == article.text else "replaced"
            assert (match.id, match.action) == (article.id, action)
            if action != "unchanged":
                self.there[article.id] = article

    @rule(name=st.integers(0, 12).map(str))
    def remove(self, name: str) -> None:
        """A document goes, when it was there."""
        assert self.index.remove(name) == (self.there.pop(name, None) is not None)

    @rule(before=st.sampled_from(["2025-03-02", "2025-03-02T07:30:00Z", "2026-01-01"]))
    def expire(self, before: str) -> None:
        """What is older goes, with what it carried."""
        # What a page says of its date, and of those of its items, counts as well.
        limit, _ = moments(before)
        result = run(self.there.values(), self.index)
        gone = {article.id for article in result.articles if moments(article.published)[1] < limit}
        gone |= {article.id for article in result.articles if article.parent in gone}
        if any(article.parent and article.id in gone and article.parent not in gone for article in result.articles):
            return
        assert self.index.expire(before) == len(gone)
        self.there = {name: article for name, article in self.there.items() if name not in gone}

    @rule(article=ARTICLES)
    def query(self, article: Article) -> None:
        """A query changes nothing."""
        before = list(self.index.clusters()), self.index.events()
        match = self.index.query(article)
        assert match.action == "asked"
        assert match.is_new == (match.cluster is None)
        assert (list(self.index.clusters()), self.index.events()) == before

    @invariant()
    def the_clusters_are_those_of_a_run(self) -> None:
        """A run over what is there gives the same clusters and the same evidence."""
        result = run(self.there.values(), self.index)
        counts = result.summary()
        # What more texts share than are compared depends on the order in which they came.
        if counts["capped_buckets"] or counts["common_shingles"] or counts["frequent_shingles"]:
            return
        found = sorted(self.index.clusters(), key=lambda cluster: (-cluster.size, cluster.canonical))
        assert found == result.clusters
        for drop in result.dropped:
            match = self.index.match(drop.article.id)
            assert match is not None
            assert (match.canonical, match.relation) == (drop.canonical, drop.relation)
            scores = (match.jaccard, match.containment, match.containment_canonical)
            assert scores == (drop.jaccard, drop.containment, drop.containment_canonical)

    @invariant()
    def the_log_leads_to_the_clusters(self) -> None:
        """Whoever reads the log from its beginning has the same clusters."""
        clusters, canonical = follow(self.index.events(limit=10**6))
        found = {cluster.number: cluster for cluster in self.index.clusters()}
        assert clusters == {name: number for number, cluster in found.items() for name in cluster.members}
        assert canonical == {number: cluster.canonical for number, cluster in found.items()}

    @invariant()
    def nothing_is_broken(self) -> None:
        """Every invariant holds."""
        assert self.index.verify() == []

    def teardown(self) -> None:
        """Close the index."""
        if hasattr(self, "index"):
            self.index.close()


TestStream = Stream.TestCase
TestStream.settings = settings(max_examples=40, stateful_step_count=12, phases=(Phase.generate,))
