"""The index: after any operations it holds the clusters that a run finds in the documents that are there."""

from __future__ import annotations

import random
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dedup import Article, Index, InputError, InvalidArgumentError, KeepPolicy, OutputError, audit, deduplicate
from dedup.errors import DuplicateIdError
from dedup.model import moments
from strategies import DATES, SOURCES, configs, pages, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from dedup import Config, Event, Result


def settings_of(config: Config) -> dict[str, Any]:
    """Return a config as the keywords of an index."""
    names = ("threshold", "containment", "overlap", "min_passage", "min_excerpt", "shingle_size", "seed", "clean")
    return {name: getattr(config, name) for name in names}


def run(articles: Iterable[Article], index: Index) -> Result:
    """Return what a run finds in articles with the settings of an index."""
    names = ("threshold", "containment", "overlap", "min_passage", "min_excerpt", "shingle_size", "seed", "clean")
    chosen = {name: getattr(index.config, name) for name in names}
    result: Result = deduplicate(list(articles), exhaustive=0, threads=1, keep=index.config.keep, **chosen)
    return result


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
        assert match.is_new or match.canonical in {cluster.canonical for cluster in before[0]}
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
TestStream.settings = settings(stateful_step_count=12, phases=(Phase.generate,))


STORY = (
    "The harbour wall at Skerry broke in the storm on Sunday night and the ferry was stopped for two days.",
    "The harbour master said that the masons would begin on Monday and work in the tide, from dusk to dawn.",
    "Nobody was hurt, but eleven boats were torn from their moorings and four of them have not been found.",
    "The council will meet on Thursday to speak about the price of a new wall, which nobody has yet named.",
)
OTHER = (
    "A kelp farm opened in the bay with forty lines of sugar kelp that will be cut in the first week of May.",
    "Its owner, who was a diver for twenty years, sells to bakers and to a maker of soap from the mainland.",
)


def article(name: str, *sentences: str, **fields: str) -> Article:
    """Return an article of some sentences."""
    return Article(name, " ".join(sentences), **fields)  # type: ignore[arg-type]


@pytest.fixture(params=["memory", "file"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """Yield an empty index in memory, and one in a file."""
    with Index(":memory:" if request.param == "memory" else tmp_path / "news.dedup") as opened:
        yield opened


def test_the_same_again_changes_nothing(index: Index) -> None:
    """An article that is there with the same text is unchanged, in a batch of its own and within one."""
    one = article("a", *STORY)
    first, again = index.add_batch([one, one])
    assert (first.action, first.is_new, again.action) == ("added", True, "unchanged")
    before = index.events()
    assert index.add(one).action == "unchanged"
    assert index.events() == before
    assert index.stats().documents == 1


def test_another_text_takes_the_place_of_the_first(index: Index) -> None:
    """The same id with another text is removed and added: the log says so, and the old words are gone."""
    index.add_batch([article("a", *STORY), article("b", *STORY[:3])])
    match = index.add(article("a", *OTHER))
    assert (match.action, match.is_new, match.canonical) == ("replaced", True, "a")
    assert [event.kind for event in index.events()][-3:] == ["removed", "added", "canonical_changed"]
    assert index.get("a") == article("a", *OTHER)
    assert index.query(" ".join(STORY)).canonical == "b"


def test_a_late_original_takes_over_the_cluster(index: Index) -> None:
    """Who turns up late and was published first becomes canonical, and the cluster keeps its number."""
    reprints = [article(name, "Skerry:", *STORY, published="2025-03-02") for name in "bc"]
    number = index.add_batch(reprints)[0].cluster
    match = index.add(article("a", *STORY, published="2025-03-01"))
    assert (match.cluster, match.canonical, match.previous, match.is_new) == (number, "a", "b", False)
    assert match.canonical_changed
    cluster = index.cluster("c")
    assert cluster is not None
    assert (cluster.number, cluster.members) == (number, ("a", "b", "c"))


def test_a_document_may_link_two_clusters_and_leave_them_apart_again(index: Index) -> None:
    """What two clusters have in common merges them while it is there: by its canonical, never by a chain."""
    left, right = article("l", *STORY[:2], published="2025-03-02"), article("r", *STORY[2:], published="2025-03-02")
    index.add_batch([left, right])
    apart = [cluster.members for cluster in index.clusters()]
    index.add(article("whole", *STORY, published="2025-03-01"))
    assert [cluster.members for cluster in index.clusters()] == [("whole", "l", "r")]
    assert "merged" in {event.kind for event in index.events()}
    assert index.remove("whole")
    assert sorted(cluster.members for cluster in index.clusters()) == apart
    assert "split" in {event.kind for event in index.events()}


def test_a_page_brings_its_stories_and_takes_them_along(index: Index) -> None:
    """Stories that a page carries are documents with matches of their own; they go when the page goes or changes."""
    item = f"Tarn Journal\n3 minutes ago\n- Tarn Journal\nWall broke\n{' '.join(STORY)}\n"
    block = "Try Our AI Features\nExplore what we can do:\nComments\nNo comments yet...\nRelated Articles\n\n"
    page = f"{' '.join(OTHER)}\n{block}{item}"
    index.add(article("story", *STORY))
    match = index.add(Article("page", page))
    assert [(item.id, item.action, item.canonical) for item in match.items] == [("page#1", "added", "page#1")]
    cluster = index.cluster("page#1")
    assert cluster is not None
    assert set(cluster.members) == {"story", "page#1"}
    with pytest.raises(DuplicateIdError, match="page#1"):
        index.add(article("page#1", *OTHER))
    assert index.add(Article("page", page)).items[0].action == "unchanged"
    index.add(article("page", *OTHER))
    assert sorted(one.id for one in index) == ["page", "story"]


def test_a_query_is_no_addition(index: Index) -> None:
    """A query tells the canonical, the relation and the scores, and leaves nothing behind."""
    index.add(article("a", *STORY))
    match = index.query(article("?", *STORY[:3]))
    assert (match.action, match.canonical, match.is_new) == ("asked", "a", False)
    assert match.relation in ("duplicate", "excerpt")
    assert match.containment == 1.0
    assert index.query(" ".join(STORY).upper()).relation == "exact"
    assert index.query("… ?").is_new
    new = index.query({"id": "n", "text": " ".join(OTHER)})
    assert (new.cluster, new.canonical, new.is_new) == (None, "n", True)
    assert (len(index), index.position) == (1, 1)


def test_expiry_by_publication_and_by_arrival(index: Index) -> None:
    """What was surely published before a moment expires; what has no date does only by its arrival."""
    index.add_batch(
        [
            article("old", *STORY, published="2025-03-01"),
            article("same day", *STORY[:3], published="2025-03-02"),
            article("undated", *OTHER),
        ]
    )
    assert index.expire("2025-03-02T12:00:00Z") == 1
    assert "old" not in index
    assert [(event.kind, event.documents) for event in index.events() if event.kind == "expired"] == [
        ("expired", ("old",))
    ]
    assert index.expire(date(2025, 3, 3)) == 1
    assert [one.id for one in index] == ["undated"]
    assert index.expire("2000-01-01", by="arrived") == 0
    assert index.expire(datetime(2999, 1, 1, tzinfo=UTC), by="arrived") == 1
    assert len(index) == 0
    assert list(index.clusters()) == []


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"clean": "auto"}, "clean must be 'pages' or 'off' in an index. Got 'auto'."),
        ({"linkage": "components"}, "linkage must be 'canonical' in an index. Got 'components'."),
        ({"exhaustive": 5}, "exhaustive must be 0 in an index. Got 5."),
        ({"keep": len}, "keep must have no key in an index"),
        ({"threshold": 0.01, "num_slots": 16}, "recall must be at most"),
        ({"durability": "some"}, "durability must be one of 'normal', 'full'. Got 'some'."),
        ({"timeout": -1}, "timeout must be a number of seconds, at least 0. Got -1."),
    ],
)
def test_what_an_index_cannot_do_is_refused(setting: dict[str, Any], message: str) -> None:
    """A setting that has no meaning in a stream is refused, with what is allowed."""
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        Index(":memory:", **setting)


def test_a_file_has_its_own_settings(tmp_path: Path) -> None:
    """A file is opened with the settings that it was made with; asking for others is an error, threads are free."""
    path = tmp_path / "news.dedup"
    with Index(path, threshold=0.7, keep=KeepPolicy(sources=("Reuters",))) as index:
        config = index.config
    with Index(path) as index:
        assert index.config == config
    with Index(path, threshold=0.7, threads=1) as index:
        assert index.config.threads == 1
    with pytest.raises(
        InvalidArgumentError, match=r"threshold must be 0\.7, as in the index, or left out\. Got 0\.5\."
    ):
        Index(path, threshold=0.5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"text": "no id"}], "id is missing"),
        (["plain text"], "id is missing"),
        ([{"id": "a"}], "text is missing"),
        ([{"id": "\ud800", "text": "x"}], "id must be valid Unicode"),
    ],
)
def test_what_is_no_article_leaves_everything_as_it_was(index: Index, given: list[object], message: str) -> None:
    """A bad article is refused with the whole batch."""
    with pytest.raises(InputError, match=message):
        index.add_batch([article("good", *STORY), *given])
    assert len(index) == 0


def test_one_id_with_two_texts_is_refused(index: Index) -> None:
    """A batch says one thing of each id."""
    with pytest.raises(DuplicateIdError, match="Got 'a' with two texts"):
        index.add_batch([article("a", *STORY), article("a", *OTHER)])


def test_the_log_is_read_and_dropped_by_position(index: Index) -> None:
    """Events are numbered without a gap; who asks for dropped ones is told, and dropping keeps the rest."""
    index.add_batch([article(str(n), *OTHER, f"Number {n} of many was sold for {n} crowns.") for n in range(5)])
    index.add(article("s", *STORY))
    events = index.events()
    assert [event.position for event in events] == list(range(1, index.position + 1))
    assert index.events(after=1, limit=1) == events[1:2]
    assert index.events(after=index.position) == []
    assert index.drop_events(1) == 1
    assert index.events(after=1) == events[1:]
    with pytest.raises(InvalidArgumentError, match=r"after must be an integer in \[1, "):
        index.events()
    with pytest.raises(InvalidArgumentError, match="until must be"):
        index.drop_events(10**6)


def test_a_failed_call_leaves_nothing(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails in the middle is as if it had never begun."""
    index.add(article("a", *STORY))
    before = list(index.clusters()), index.events(), index.stats()

    def fail(*_: object) -> None:
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr("dedup.stream.Change._settle_clusters", fail)
        with pytest.raises(RuntimeError, match="in the middle"):
            index.add_batch([article("b", *STORY[:3]), article("c", *OTHER)])
        with pytest.raises(RuntimeError, match="in the middle"):
            index.remove("a")
    assert (list(index.clusters()), index.events(), index.stats()) == before
    assert index.verify() == []
    assert index.add(article("b", *STORY[:3])).canonical == "a"


@pytest.mark.seconds
def test_a_crowd_keeps_the_contract(index: Index) -> None:
    """In a story of many copies each is linked to its canonical, however it came; a late original takes all over."""
    texts = [
        [*STORY[: n % 4], f"Reporter {n} adds that the tide was {n} hands high.", *STORY[n % 4 :]] for n in range(150)
    ]
    index.add_batch([article(f"{n:03}", *texts[n], published="2025-03-02") for n in range(100)])
    for n in range(100, 150):
        index.add(article(f"{n:03}", *texts[n], published="2025-03-02"))
    assert index.stats().crowded > 0
    assert max(cluster.size for cluster in index.clusters()) == 150
    assert index.verify() == []
    assert index.add(article("original", *STORY, published="2025-03-01")).previous is not None
    assert max(cluster.size for cluster in index.clusters()) == 151
    assert index.remove("original")
    assert index.verify() == []
    assert follow(index.events(limit=10**6))[0].keys() == {one.id for one in index}


def test_a_closed_index_says_so(index: Index) -> None:
    """Nothing works on a closed index, and closing twice is fine."""
    index.close()
    index.close()
    with pytest.raises(InvalidArgumentError, match=r"index must be open\. Got one that is closed\."):
        index.add(article("a", *STORY))


@pytest.mark.parametrize("path", [":memory:", "file"])
def test_faults_are_found(path: str, tmp_path: Path) -> None:
    """verify() tells of each thing that does not follow from the texts."""
    with Index(path if path == ":memory:" else tmp_path / "x.dedup") as index:
        index.add_batch([article("a", *STORY), article("b", *STORY[:3]), article("c", *OTHER)])
        assert index.verify() == []
        store: Any = index._store

        def fault(change: Callable[[dict[str, Any]], None]) -> str:
            with store.transaction(write=True):
                documents = store.named(["a", "b", "c"])
                texts = store.texts([document.text for document in documents.values()])
                named = {name: texts[document.text] for name, document in documents.items()}
                change(named)
                store.save_texts(list(named.values()))
                return " ".join([*audit.check(store, index.config)])

        assert "does not have the words" in fault(lambda texts: setattr(texts["a"], "digest", 5))
        assert "is not there" in fault(lambda texts: setattr(texts["b"], "cluster", 99))


def test_an_index_in_memory_has_no_copy() -> None:
    """A backup goes from file to file."""
    with Index(":memory:") as index, pytest.raises(OutputError, match="in memory"):
        index.backup("copy.dedup")


def test_a_part_that_came_later_is_a_part_no_more(index: Index) -> None:
    """A page of two stories is one no longer when the one document that was printed before it goes."""
    words = [" ".join(f"{letter}{n}" for n in range(60)) for letter in "ab"]
    early = Article("early", words[1], published="2025-03-05")
    others = [
        Article("one", words[0], published="2025-03-04"),
        Article("late", words[1], published="2025-03-26"),
        Article("page", " ".join(words), published="2025-03-11"),
    ]
    index.add_batch([early, *others])
    assert len(list(index.clusters())) == 3
    index.remove("early")
    assert {cluster.members for cluster in index.clusters()} == {("one", "page"), ("late",)}
    assert index.verify() == []


def test_a_query_is_answered_as_an_addition_that_comes_last(index: Index) -> None:
    """A page of several stories is none of them, whether it is asked about or added."""
    words = [" ".join(f"{letter}{n}" for n in range(60)) for letter in "abc"]
    index.add_batch([Article(letter, text, published="2025-03-01") for letter, text in zip("abc", words, strict=True)])
    page = Article("page", " ".join(words), published="2025-03-02")
    assert index.query(page).is_new
    assert index.add(page).is_new


def test_a_page_comes_again_after_its_story_is_gone(index: Index) -> None:
    """An unchanged page whose story was removed is still unchanged, and the story stays away."""
    block = "Try Our AI Features\nExplore what we can do:\nComments\nNo comments yet...\nRelated Articles\n\n"
    item = f"Tarn Journal\n3 minutes ago\n- Tarn Journal\nWall broke\n{' '.join(STORY)}\n"
    page = Article("page", f"{' '.join(OTHER)}\n{block}{item}")
    assert len(index.add(page).items) == 1
    assert index.remove("page#1")
    again = index.add(page)
    assert (again.action, again.items) == ("unchanged", ())
    assert len(index) == 1


def test_an_article_may_name_its_parent(index: Index) -> None:
    """A story that comes by itself and names its page is unchanged when it comes again, whatever its page does."""
    story, page = Article("s", " ".join(STORY), parent="p"), article("p", *OTHER)
    index.add_batch([page, story])
    assert [match.action for match in index.add_batch([page, story])] == ["unchanged", "unchanged"]
    assert index.add(story).action == "unchanged"
    changed = article("p", *OTHER, "It will grow.")
    assert [match.action for match in index.add_batch([changed, story])] == ["replaced", "unchanged"]
    assert sorted(one.id for one in index) == ["p", "s"]
    assert index.verify() == []


def test_no_article_is_no_change(index: Index) -> None:
    """An empty batch gives an empty answer."""
    assert index.add_batch([]) == []
    assert (len(index), index.position) == (0, 0)


def test_what_is_unchanged_is_not_new(index: Index) -> None:
    """Of an article that stands twice in a batch the first counts, and only that is new."""
    first, second = index.add_batch([article("a", *STORY, published="2025-03-01"), article("a", *STORY)])
    assert (first.is_new, second.is_new) == (True, False)
    kept = index.get("a")
    assert kept is not None
    assert kept.published == "2025-03-01"


def test_an_index_is_true_and_has_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty index is no nothing, and a relative path is of the folder where the index was opened."""
    monkeypatch.chdir(tmp_path)
    with Index("news.dedup") as index:
        assert index
        index.add(article("a", *STORY))
        (tmp_path / "other").mkdir()
        monkeypatch.chdir(tmp_path / "other")
        index.backup(tmp_path / "copy.dedup")
        assert not (tmp_path / "other" / "news.dedup").exists()
    with Index(tmp_path / "copy.dedup", read_only=True) as copy:
        assert "a" in copy


@pytest.mark.parametrize("path", [None, b"x", "a\0b", 5])
def test_what_is_no_path_is_refused(path: Any) -> None:
    """A path is text without a NUL, or an object that stands for one."""
    with pytest.raises(InvalidArgumentError, match="path must be the path of a file"):
        Index(path)


@pytest.mark.parametrize("extra", [{"a": {(1, 2): 3}}, {"deep": None}])
def test_fields_that_have_no_form_are_refused(index: Index, extra: dict[str, Any]) -> None:
    """A field that JSON has no form for is an error of ours, and nothing is kept."""
    if "deep" in extra:
        extra["deep"] = extra
    with pytest.raises(InputError, match="extra of 'a' must have a form as JSON"):
        index.add(Article("a", " ".join(STORY), extra=extra))
    assert len(index) == 0


@pytest.mark.seconds
def test_canonicals_of_one_story_meet(index: Index) -> None:
    """Copies that come in many batches are one cluster, though no key shows all of them."""

    def copy(n: int) -> str:
        parts = [*STORY, *OTHER]
        parts[n % 6] = " ".join(
            f"{word}{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}" for word in OTHER[0].split()
        )
        return " ".join(parts)

    for start in range(0, 300, 30):
        index.add_batch([Article(f"{n:03}", copy(n)) for n in range(start, start + 30)])
    sizes = sorted((cluster.size for cluster in index.clusters()), reverse=True)
    assert sizes == [300]
    assert index.verify() == []


@pytest.mark.seconds
@pytest.mark.parametrize("seed", [0, 1])
def test_a_story_that_comes_in_any_order_is_one(seed: int) -> None:
    """Versions of one story, in batches and in no order of their dates, are one cluster; so are those that stay."""
    chance = random.Random(seed)
    words = [
        f"{a}{b}" for a in "bcdfghjklmnpqrst" for b in ("ar", "el", "im", "on", "ut", "ay", "ee", "oo", "ou", "ie")
    ]

    def version() -> str:
        own = list(words)
        for _ in range(chance.choice([0, 2, 8])):
            own[chance.randrange(len(own))] = "".join(chance.choices("vwxyz", k=9))
        return " ".join(own[chance.randrange(30) : len(own) - chance.randrange(30)])

    articles = [Article(str(n), version(), published=f"2026-01-{chance.randrange(1, 29):02}") for n in range(240)]
    with Index(":memory:", threads=1) as index:
        for start in range(0, len(articles), 40):
            index.add_batch(articles[start : start + 40])
        assert [cluster.size for cluster in index.clusters()] == [240]
        assert index.stats().crowded > 0
        for one in articles[::3]:
            index.remove(one.id)
        assert [cluster.size for cluster in index.clusters()] == [160]
        assert index.verify() == []
