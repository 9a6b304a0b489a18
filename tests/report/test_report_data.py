"""What a report holds: every cluster, member, mark and pair, within its budget."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import marked, records, restore

from dedup import Article, Config, KeepPolicy, deduplicate
from dedup.model import RELATIONS, Cover, Stretch, moments
from dedup.report import data, summary
from dedup.report.texts import SHOWN, safe
from strategies import SENTENCES, batches, configs, pages
from test_pipeline import result_of

if TYPE_CHECKING:
    from dedup.result import Result

ROOM = 20_000_000
STORY = " ".join(SENTENCES[:4])


def built(result: Result, room: int = ROOM) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Return the index and the records of the data of a result."""
    made = data.build(result, room)
    return made.index, {kind: records(made.parts, kind) for kind in ("clusters", "texts", "pages", "pairs")}


def reprints(number: int, size: int = 2, sentences: int = 12) -> list[Article]:
    """Return so many stories of invented words, each at so many outlets, with a word of its own in each."""
    chance = random.Random(7)
    vocabulary = ["".join(chance.choices("abdeiklmnorstu", k=chance.randint(2, 9))) for _ in range(3000)]
    articles = []
    for story in range(number):
        words = chance.choices(vocabulary, k=10 * sentences)
        for copy in range(size):
            text = " ".join([*words[:20], f"outlet{copy}", *words[20:]])
            articles.append(Article(f"{story}-{copy}", text, f"Outlet {copy}", f"2025-03-{1 + copy % 28:02}"))
    return articles


@pytest.mark.seconds
@settings(max_examples=30)
@given(batches(pages(), min_size=2), configs(clean="auto"))
def test_every_member_is_there(articles: list[Article], config: Config) -> None:
    """Each cluster of more than one document is listed with its members and scores, and each text comes back whole."""
    result = result_of(articles, config)
    index, found = built(result)
    clusters = [cluster for cluster in result.clusters if cluster.size > 1]
    documents = {article.id: article for article in result.articles}
    drops = {drop.article.id: drop for drop in result.dropped}
    assert len(clusters) == index["totals"]["clusters"] == len(found["clusters"]) == len(found["texts"])
    for cluster, (size, outlets, first, _, members), texts in zip(
        clusters, found["clusters"], found["texts"], strict=True
    ):
        assert (size, outlets) == (cluster.size, len(cluster.sources))
        assert [member[0] for member in members] == list(cluster.members)
        assert cluster.first_published == (None if first is None else documents[cluster.members[first]].published)
        assert safe(documents[cluster.canonical].text) == texts["text"]
        for name, member, shown in zip(cluster.members[1:], members[1:], texts["members"], strict=True):
            drop, page = drops[name], result.cleaned.get(name)
            assert safe(drop.article.text) == restore(shown["pieces"], texts["text"])
            assert drop.relation == (None if member[6] is None else RELATIONS[member[6]])
            assert [data.thousandths(drop.jaccard), data.thousandths(drop.containment)] == member[7:9]
            spans = page.removed if page else ()
            assert [safe(drop.article.text[span.start : span.end]) for span in spans if span.start < span.end] == (
                marked(shown["furniture"], safe(drop.article.text), width=3)
            )


def test_marks_are_what_differs() -> None:
    """Words that only one of the two texts has are marked in it; other quotes and capitals are none."""
    kept = Article(
        "a", "“The old wall holds,” she said on Monday. Nobody was hurt when the crane fell.", "A", "2025-01-01"
    )
    other = Article("b", '"The OLD wall holds," she said on Friday, late. Nobody was hurt when it fell.', "B")
    _, found = built(deduplicate([kept, other], threshold=0.1))
    (texts,) = found["texts"]
    (member,) = texts["members"]
    assert marked(member["gone"], kept.text) == ["Monday", "the crane"]
    assert marked(member["added"], other.text) == ["Friday, late", "it"]


def test_copies_cost_next_to_nothing() -> None:
    """A copy of a text is stored as a reference to it."""
    _, found = built(deduplicate([Article(name, STORY) for name in "abc"]))
    for member in found["texts"][0]["members"]:
        assert member["pieces"] == [0, len(STORY)]
        assert member["gone"] == member["added"] == member["furniture"] == []


def test_kept_members_are_told() -> None:
    """Where more than one member of a cluster is kept, each of these is marked, with its scores."""
    result = deduplicate([Article(name, f"{STORY} {name}") for name in "abc"], keep=KeepPolicy(min_keep=2))
    _, found = built(result)
    members = found["clusters"][0][4]
    assert [member[5] for member in members] == [1, 1, 0]
    assert [member[7] is None for member in members] == [True, False, False]


def test_headlines_addresses_and_beginnings() -> None:
    """A kept text without a headline has its clean beginning; a web address comes with the texts, unless overlong."""
    articles = [
        Article("a", f"date 2025-03-01 {STORY}", "A", "2025-03-01", None, "https://a.example/1"),
        Article("b", STORY, "B", "2025-03-02", "  Wall\nholds ", f"https://b.example/{'x' * 3000}"),
    ]
    _, found = built(deduplicate(articles))
    ((_, _, _, beginning, members),) = found["clusters"]
    assert beginning.startswith(STORY[:50])
    assert [member[4] for member in members] == [None, "Wall holds"]
    assert found["texts"][0]["url"] == "https://a.example/1"
    assert "url" not in found["texts"][0]["members"][0]


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (None, None),
        ("soon", None),
        ("2025-02-30", None),
        ("2025-03-01", "2025-03-01"),
        (" 2025-03-01 ", "2025-03-01"),
        ("1650-06-30", "1650-06-30"),
        ("2025-03-02T08:00:00+02:00", 1740895200),
        ("2025-03-02T06:00:00.9Z", 1740895200),
    ],
)
def test_dates(published: str | None, expected: str | int | None) -> None:
    """A day stays a day, a time becomes seconds since 1970, and what is no date is none."""
    assert expected == data.when(published)
    assert (expected is None) == (moments(published)[0] == math.inf)


@pytest.mark.parametrize(
    ("score", "expected"),
    [(None, None), (math.nan, None), (0.0, 0), (0.29, 290), (0.9999, 999), (1.0, 1000), (2 / 3, 666)],
)
def test_scores_are_cut(score: float | None, expected: int | None) -> None:
    """Scores come in thousandths, cut: only 1 is shown as 1."""
    assert expected == data.thousandths(score)


def test_monstrous_texts_are_cut() -> None:
    """Of a text longer than what is shown, the beginning is stored, and its length is told."""
    long = " ".join(f"word{number}" for number in range(40_000))
    _, found = built(deduplicate([Article("a", long), Article("b", f"{long} more"), Article("c", "Bell.")]))
    (texts,) = found["texts"]
    both = {len(texts["text"]), len(restore(texts["members"][0]["pieces"], texts["text"]))}
    assert {SHOWN} == both
    assert {len(long), len(long) + 5} == {texts["length"], texts["members"][0]["length"]}


def test_large_clusters_are_listed_in_full_and_shown_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every member is listed up to a limit, the first ones come with texts, and the size is that of the cluster."""
    result = deduplicate(reprints(1, 120))
    monkeypatch.setattr(data, "LISTED", 100)
    _, found = built(result)
    assert found["clusters"][0][0] == 120
    assert len(found["clusters"][0][4]) == 100
    assert len(found["texts"][0]["members"]) == data.COMPARED
    monkeypatch.setattr(data, "_CLUSTER_SIZE", 1000)
    _, found = built(result)
    assert 0 < len(found["texts"][0]["members"]) < data.COMPARED


@pytest.mark.seconds
@pytest.mark.parametrize("room", [0, 1_000, 10_000, 100_000, 400_000])
def test_budget_is_kept(room: int) -> None:
    """However little room there is, the parts stay within it; what is stored is the largest clusters, in order."""
    result = deduplicate(reprints(300))
    made = data.build(result, room)
    assert sum(len(part) + data.ELEMENT for part in made.parts.values()) <= room
    listed, shown = made.index["clusters"][-1], made.index["texts"][-1]
    assert shown <= listed <= 300
    stored = records(made.parts, "clusters")
    assert [cluster.canonical for cluster in result.clusters[:listed]] == [record[4][0][0] for record in stored]
    assert shown == len(records(made.parts, "texts"))
    if room >= 100_000:
        assert (listed, shown > 0) == (300, True)


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When so many characters have been compared, the clusters after that come without texts."""
    monkeypatch.setattr(data, "MOST_COMPARED", 5_000)
    index, found = built(deduplicate(reprints(10)))
    assert 0 < len(found["texts"]) == index["texts"][-1] < len(found["clusters"]) == 10


@given(st.lists(st.integers(0, 10**6), max_size=30), st.integers(0, 3000), st.integers(1, 5))
def test_pack_is_lossless_up_to_its_room(numbers: list[int], room: int, size: int) -> None:
    """The parts hold the first records, all of them when there is room, and their starts count them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "_RECORDS", size)
        parts, starts = data.pack((json.dumps(number) for number in numbers), room)
    stored = records({f"x-{place}": part for place, part in enumerate(parts)}, "x")
    assert numbers[: len(stored)] == stored
    assert starts == [*range(0, len(stored), size), len(stored)]
    assert sum(len(part) + data.ELEMENT for part in parts) <= room
    if room == 3000:
        assert numbers == stored


def test_other_pairs_are_listed() -> None:
    """Pairs that link nothing are listed with both documents and their scores, the most alike first."""
    shared = " ".join(f"shared{number}" for number in range(60))
    parts = {name: " ".join(f"{name}{number}" for number in range(80)) for name in "abc"}
    articles = [
        Article(name, f"{shared} {own}", f"Outlet {name}", None if name == "c" else f"2025-03-0{day}")
        for day, (name, own) in enumerate(parts.items(), 1)
    ]
    result = deduplicate(articles)
    others = [pair for pair in result.pairs.to_pylist() if pair["relation"] == "overlap"]
    assert len(others) == 3
    index, found = built(result)
    assert index["totals"]["pairs"] == {"overlap": 3}
    for pair, (relation, later, jaccard, *_, left, right) in zip(
        sorted(others, key=lambda pair: (-pair["jaccard"], pair["left"], pair["right"])), found["pairs"], strict=True
    ):
        assert (pair["left"], pair["right"], RELATIONS[relation]) == (left[0], right[0], "overlap")
        assert (data.thousandths(pair["jaccard"]), pair["later"]) == (jaccard, later)
        assert left[1] == f"Outlet {left[0]}"


@pytest.mark.parametrize("linkage", ["canonical", "components"])
def test_versions_are_listed_between_clusters_alone(linkage: Any) -> None:
    """A version that stands in one cluster with the other is not listed again; one in another cluster is."""
    words = [f"word{number}" for number in range(400)]
    articles = [
        Article(name, " ".join(words[start:stop]), "Gazette", f"2025-03-0{day}")
        for day, (name, start, stop) in enumerate([("a", 0, 100), ("\ud800", 0, 170), ("c", 10, 290)], 1)
    ]
    result = deduplicate(articles, containment=1, clean="off", linkage=linkage)
    versions = [pair for pair in result.pairs.to_pylist() if pair["relation"] == "version"]
    home = {name: cluster.canonical for cluster in result.clusters for name in cluster.members}
    assert len(versions) == 2
    index, found = built(result)
    apart = [] if linkage == "components" else [("\ufffd", "c")]
    assert home["a"] == home["\ud800"]
    assert index["totals"]["pairs"].get("version", 0) == len(apart)
    listed = [pair for pair in found["pairs"] if RELATIONS[pair[0]] == "version"]
    assert [(left[0], right[0]) for *_, left, right in listed] == apart


def test_roundups_come_with_their_cover() -> None:
    """A page that carries several texts is listed with its text, the stretches of it and what they come from."""
    stories = reprints(3, 1, 20)
    page = "Today in brief. " + " And then. ".join(story.text for story in stories)
    result = deduplicate([*stories, Article("page", page, "Loom", "2025-03-09")], clean="off")
    cover = result.covers["page"]
    index, found = built(result)
    ((name, source, published, when, title, unexplained, texts, stretches, carried),) = found["pages"]
    assert index["totals"]["pages"] == 1
    assert (name, source, published, when, title) == ("page", "Loom", "2025-03-09", "2025-03-09", None)
    assert (data.thousandths(cover.unexplained), page) == (unexplained, texts["text"])
    assert [page[stretch.start : stretch.end] for stretch in cover.stretches] == marked(stretches, page)
    assert [(stretch.words, stretch.document) for stretch in cover.stretches] == [tuple(row[:2]) for row in carried]


def test_cover_beyond_the_cut_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches that begin behind what is shown are not there; one across the end is cut."""
    result = deduplicate([Article("page", "x " * SHOWN), Article("a", STORY)], clean="off")
    stretches = (
        Stretch(0, 10, "a", 5),
        Stretch(SHOWN - 5, SHOWN + 5, "a", 5),
        Stretch(SHOWN, SHOWN + 9, "a", 4),
    )
    monkeypatch.setitem(vars(result), "covers", {"page": Cover(stretches, 0.5)})
    _, found = built(result)
    assert found["pages"][0][7] == [0, 10, SHOWN - 15, 5]
    assert len(found["pages"][0][8]) == 2


def test_lone_surrogates_in_ids() -> None:
    """Documents whose ids Arrow cannot hold are found by their pairs all the same."""
    shared = " ".join(f"shared{number}" for number in range(60))
    rows = [
        (name, " ".join(f"{place}{number}" for number in range(80))) for place, name in enumerate(["\ud800", "\udfff"])
    ]
    _, found = built(deduplicate([Article(name, f"{shared} {own}") for name, own in rows]))
    assert [found["pairs"][0][side][0] for side in (5, 6)] == ["\ufffd", "\ufffd"]


def test_outlets_are_counted() -> None:
    """Each outlet's documents and kept ones are counted; those beyond the limit and those without one together."""
    articles = [Article(str(number), "x", f"Outlet {number:02}" if number < 55 else None) for number in range(60)]
    others = [Article("60", "y", "Outlet 54"), Article("61", "y", "")]
    rows = summary.outlets([*articles, *others], articles)
    assert (rows[0].name, rows[0].documents, rows[0].kept, rows[0].dropped) == ("Outlet 54", 2, 1, 1)
    assert [(row.name, row.documents, row.kept) for row in rows if row.is_group] == [
        ("5 other sources", 5, 5),
        ("no source given", 6, 5),
    ]
    assert len(rows) == summary.OUTLETS + 2
    assert summary.outlets([], []) == []


def test_histogram_counts_every_pair_once() -> None:
    """Each relation but `exact` has a histogram of all its pairs; a pair on a border belongs to the bar above it."""
    result = deduplicate([*reprints(20, 3), Article("copy", "Bell rings."), Article("same", "Bell rings.")])
    pairs = result.pairs.to_pylist()
    found = {histogram.relation: histogram for histogram in summary.histograms(result.pairs)}
    assert {pair["relation"] for pair in pairs} - {"exact"} == set(found)
    for relation, histogram in found.items():
        scores = [pair["jaccard"] for pair in pairs if pair["relation"] == relation]
        assert histogram.pairs == len(scores)
        for bar, count in enumerate(histogram.bars):
            low, high = bar / summary.BARS, (bar + 1) / summary.BARS
            assert count == sum(low <= score + 1e-9 < high or score == high == 1 for score in scores)
    assert summary.histograms(deduplicate([]).pairs) == []
