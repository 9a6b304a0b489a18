"""The result object: a stricter threshold without another run, tables, files, counts."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Article, Config, InvalidArgumentError, KeepPolicy, OutputError, Result, deduplicate
from dedup._terminal import draw, runs
from dedup.matching.passages import read_words
from dedup.model import RELATIONS
from oracle import LINKS, assert_same, found, moments, solve
from strategies import SENTENCES, batches, configs, pages
from test_config import policies
from test_pipeline import LATE, result_of, with_ids

if TYPE_CHECKING:
    import random
    from pathlib import Path

STORY = " ".join(SENTENCES[:4])
COLUMNS = [
    "id", "cluster", "kept", "relation", "jaccard", "containment", "containment_canonical",
    "source", "published", "title", "url", "parent",
]  # fmt: skip


@given(batches(), configs(), st.sampled_from([0.05, 0.3, 0.5, 0.6, 0.9, 1.0]), st.sampled_from([None, 0.4, 0.8, 1.0]))
def test_stricter_threshold_equals_another_run(
    articles: list[Article], config: Config, threshold: float, containment: float | None
) -> None:
    """`at` gives what `deduplicate` gives at that threshold; a looser one is refused."""
    result = result_of(articles, config)
    stricter = replace(
        config, threshold=threshold, containment=config.containment if containment is None else containment
    )
    if threshold < config.threshold or stricter.containment_floor < config.containment_floor:
        with pytest.raises(InvalidArgumentError, match="stricter than this result"):
            result.at(threshold, containment=containment)
        return
    expected, got = result_of(articles, stricter), result.at(threshold, containment=containment)
    assert stricter == got.config
    assert_same(found(expected), found(got))
    assert expected.clusters == got.clusters
    assert expected.summary() == got.summary()
    assert str(expected.to_arrow().to_pylist()) == str(got.to_arrow().to_pylist())


@given(batches(pages()), configs(clean="auto"))
def test_same_threshold_changes_nothing(articles: list[Article], config: Config) -> None:
    """`at` with the threshold that is in force gives an equal result, and leaves the first one as it is."""
    result = result_of(articles, config)
    before = found(result)
    assert_same(before, found(result.at(config.threshold)))
    result.at(1.0, containment=1.0)
    assert_same(before, found(result))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.69, None), "threshold must be in [0.7, 1.0], stricter than this result. Got 0.69."),
        ((0.9, 0.5), "containment must be in [0.75, 1.0], stricter than this result. Got 0.5."),
        ((1.5, None), "threshold must be in [0.7, 1.0], stricter than this result. Got 1.5."),
        (("x", None), "threshold must be in [0.7, 1.0], stricter than this result. Got 'x'."),
        ((0.9, 0.0), "containment must be in [0.75, 1.0], stricter than this result. Got 0.0."),
        ((0.9, True), "containment must be in [0.75, 1.0], stricter than this result. Got True."),
    ],
)
def test_looser_threshold_is_refused(arguments: tuple[Any, Any], message: str) -> None:
    """What was not looked for cannot be asked for: name, what is allowed, what came."""
    result = deduplicate([STORY], threshold=0.7, containment=0.75)
    with pytest.raises(InvalidArgumentError) as caught:
        result.at(arguments[0], containment=arguments[1])
    assert message == str(caught.value)


@given(batches(pages(), min_size=1), configs(clean="auto"))
def test_table_agrees_with_the_objects(articles: list[Article], config: Config) -> None:
    """One row per document in input order; four columns are null just where a document is kept or not linked."""
    result = result_of(articles, config)
    table = result.to_arrow()
    assert table.column_names == COLUMNS
    home = {name: cluster.canonical for cluster in result.clusters for name in cluster.members}
    drops = {drop.article.id: drop for drop in result.dropped}
    assert [article.id for article in articles] == table["id"].to_pylist()[: len(articles)]
    for row, article in zip(table.to_pylist(), result.articles, strict=True):
        assert (article.id, home[article.id]) == (row["id"], row["cluster"])
        assert (article.source, article.published, article.parent) == (row["source"], row["published"], row["parent"])
        assert row["kept"] == (row["id"] == row["cluster"])
        drop = drops.get(row["id"])
        scores = [row[name] for name in ("jaccard", "containment", "containment_canonical")]
        if drop is None or drop.relation is None:
            assert [row["relation"], *scores] == [None] * 4
        else:
            assert [drop.jaccard, drop.containment, drop.containment_canonical] == scores
            assert drop.relation == row["relation"]


def test_types_of_the_table() -> None:
    """The columns have these types, also when there is no row."""
    for articles in ([], [Article("a", STORY)]):
        schema = deduplicate(articles).to_arrow(text=True).schema
        text, number = pa.large_string(), pa.float64()
        assert [text, text, pa.bool_(), pa.string(), number, number, number, *[text] * 6] == schema.types
        assert [*COLUMNS, "text"] == schema.names


def test_text_comes_as_it_came() -> None:
    """The text column holds the original, furniture included; a lone surrogate is escaped."""
    texts = ["date 2025-01-01 Bell.", "", "“x”\r\n", "a\ud800b"]
    assert deduplicate(texts).to_arrow(text=True)["text"].to_pylist() == [
        "date 2025-01-01 Bell.",
        "",
        "“x”\r\n",
        r"a\ud800b",
    ]
    assert "text" not in deduplicate(texts).to_arrow().column_names


EXTRAS: list[tuple[list[Any], list[Any]]] = [
    ([1, 2], [1, 2]),
    ([1, None], [1, None]),
    (["x", "y"], ["x", "y"]),
    ([True, False], [True, False]),
    ([b"\xff", b""], [b"\xff", b""]),
    ([[1, 2], []], [[1, 2], []]),
    ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}]),
    ([math.inf, 0.5], [math.inf, 0.5]),
    ([2**63 - 1, -(2**63)], [2**63 - 1, -(2**63)]),
    # Mixed types come as JSON, and none of them is bent to the other.
    ([1, "x"], ["1", '"x"']),
    ([True, 1], ["true", "1"]),
    ([2**70, None], ["1180591620717411303424", None]),
    ([2**63 + 1, 0.5], ["9223372036854775809", "0.5"]),
    ([[1], ["x"]], ["[1]", '["x"]']),
    (["\ud800", "x"], ['"\\ud800"', '"x"']),
    ([2**63, 0], ["9223372036854775808", "0"]),
    ([date(2025, 1, 1), datetime(2025, 1, 1, 5)], ['"2025-01-01"', '"2025-01-01 05:00:00"']),  # noqa: DTZ001 - no zone
]


@pytest.mark.parametrize(("values", "expected"), EXTRAS)
def test_other_fields_pass_through(values: list[Any], expected: list[Any]) -> None:
    """Every other field is a column with its values; mixed types come as JSON."""
    rows = [{"text": STORY, "field": value} for value in values]
    table = deduplicate(rows).to_arrow()
    assert [*COLUMNS, "field"] == table.column_names
    got = table["field"].to_pylist()
    assert expected == got
    assert list(map(type, expected)) == list(map(type, got))


@pytest.mark.parametrize("values", [[b"\xff", "x"], [{(1, 2): 3}, {}], [[[]], object()]])
def test_odd_fields_do_not_stop_the_result(values: list[Any]) -> None:
    """A field that Arrow and JSON know no form for still comes as some text, of one type."""
    rows = [{"text": STORY, "field": value} for value in values]
    column = deduplicate(rows).to_arrow()["field"]
    assert len(values) == len(column)
    assert column.null_count == 0
    assert pa.large_string() == column.type


def test_absent_fields_are_null() -> None:
    """A field that only some articles have is null for the others, items of pages included."""
    table = deduplicate([{"text": STORY, "desk": "home"}, {"text": "Bell.", "page": 7}]).to_arrow()
    assert [table["desk"].to_pylist(), table["page"].to_pylist()] == [["home", None], [None, 7]]


@pytest.mark.parametrize(
    "extra",
    [
        {"kept": 1, "cluster": "mine", "text": "other"},
        {"kept": 1, "input.kept": 2},
        {"input.kept": 2, "kept": 1},
        {"input.kept": 3, "input.input.kept": 2, "kept": 1},
    ],
)
@pytest.mark.parametrize("text", [False, True])
def test_field_whose_name_is_taken_is_renamed(extra: dict[str, Any], text: bool) -> None:
    """No field is lost and no column replaced, whatever the names of fields are."""
    table = deduplicate([Article("a", STORY, extra=extra)]).to_arrow(text=text)
    row = table.to_pylist()[0]
    own = [*COLUMNS, "text"] if text else COLUMNS
    assert own == table.column_names[: len(own)]
    assert (row["id"], row["cluster"], row["kept"]) == ("a", "a", True)
    assert sorted(map(str, extra.values())) == sorted(str(row[name]) for name in table.column_names[len(own) :])
    assert all(name.removeprefix("input.") for name in table.column_names)
    if "input.kept" not in extra:
        assert {"input.kept", "input.cluster", "input.text"} == set(table.column_names[len(own) :])


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".csv"])
def test_written_file_reads_back(tmp_path: Path, suffix: str) -> None:
    """What is written can be read as articles again, with the decisions as other fields."""
    path = tmp_path / f"clusters{suffix}"
    articles = [
        Article("a", STORY, "Reuters", "2025-03-01", "Wall", "https://x", extra={"desk": "home"}),
        Article("b", f'{STORY.upper()}\n"x", y', extra={"desk": "away"}),
        Article("ü", "Bell.", extra={"desk": "sea"}),
    ]
    result = deduplicate(articles)
    result.write(path, text=True)
    again = deduplicate(path)
    for one, other in zip(articles, again.articles, strict=True):
        assert (one.id, one.text, one.source, one.published) == (other.id, other.text, other.source, other.published)
        assert (one.title, one.url, one.extra["desk"]) == (other.title, other.url, other.extra["desk"])
    assert [article.extra["cluster"] for article in again.articles] == ["a", "a", "ü"]
    assert_same(found(result), found(again))


def test_parquet_holds_the_table(tmp_path: Path) -> None:
    """The Parquet file is the table of `to_arrow`, value by value and type by type."""
    path = tmp_path / "clusters.parquet"
    result = deduplicate([STORY, STORY.upper(), "Bell."])
    result.write(path)
    assert result.to_arrow() == pq.read_table(path)


@pytest.mark.parametrize("name", ["clusters.xlsx", "missing/clusters.csv"])
def test_file_that_cannot_be_written_is_an_error(tmp_path: Path, name: str) -> None:
    """A format that is not known and a folder that is not there are named, and nothing is written."""
    with pytest.raises(OutputError):
        deduplicate([STORY]).write(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@given(batches(pages()), configs(clean="auto"))
def test_counts_add_up(articles: list[Article], config: Config) -> None:
    """The summary counts what the objects hold."""
    result = result_of(articles, config)
    summary = result.summary()
    assert len(result) == summary["documents"] == summary["kept"] + summary["dropped"]
    assert (len(result.kept), len(result.dropped)) == (summary["kept"], summary["dropped"])
    assert len(result) - len(articles) == summary["items"]
    sizes = [cluster.size for cluster in result.clusters]
    assert sum(size > 1 for size in sizes) == summary["clusters"]
    assert max(sizes, default=0) == summary["largest_cluster"]
    assert sum(sizes) == summary["documents"]
    assert len(result.cleaned) == summary["cleaned"]
    relations = result.pairs["relation"].to_pylist()
    for name in RELATIONS:
        assert relations.count(name) == summary[f"{name}_pairs"]
    verified = sum(relations.count(name) for name in RELATIONS if name != "exact")
    assert verified <= summary["candidate_pairs"]
    assert (summary["capped_buckets"], summary["omitted_pairs"], summary["skipped_rows"]) == (0, 0, 0)


def test_clusters_come_largest_first() -> None:
    """Clusters are ordered by size and then canonical id; sources are sorted, each once; the earliest date is named."""
    articles = [
        Article("d", "Bell.", "Gazette"),
        Article("c", STORY, "Gazette", "2025-03-02T01:00:00+02:00"),
        Article("b", STORY, "Courier", "2025-03-02"),
        Article("a", STORY, "Gazette", "soon"),
        Article("e", "Something else."),
    ]
    first, second, third = deduplicate(articles).clusters
    assert (first.canonical, first.members, first.sources) == ("c", ("c", "b", "a"), ("Courier", "Gazette"))
    assert (first.first_published, first.size) == ("2025-03-02T01:00:00+02:00", 3)
    assert (first.cohesion_least, first.cohesion_mean, second.cohesion_least, second.cohesion_mean) == (1, 1, 1, 1)
    assert (
        (second.canonical, second.first_published),
        (third.canonical, third.first_published),
    ) == (("d", None), ("e", None))


#: Settings with every kind of keep policy.
KEEPING = st.builds(lambda config, keep: replace(config, keep=keep), configs(), policies())


@given(batches(), KEEPING)
def test_result_of_a_policy_equals_the_definition(articles: list[Article], config: Config) -> None:
    """Whatever the policy, clusters, drops and pairs are those of the definition followed literally."""
    assert_same(solve(articles, config), found(result_of(articles, config)))


@given(batches(), KEEPING, st.randoms(use_true_random=False), st.sampled_from([0.8, 1.0]))
def test_input_order_changes_nothing_of_a_policy(
    articles: list[Article], config: Config, chance: random.Random, threshold: float
) -> None:
    """Kept documents, clusters and numbers do not depend on the order of the input, at any threshold."""
    one, other = (result_of(some, config) for some in (articles, chance.sample(articles, len(articles))))
    stricter = [(one.at(threshold), other.at(threshold))] if threshold > config.threshold else []
    for left, right in [(one, other), *stricter]:
        assert {article.id for article in left.kept} == {article.id for article in right.kept}
        assert left.clusters == right.clusters
        assert left.summary() == right.summary()
        assert left.alarms == right.alarms


@given(batches(max_size=10), KEEPING)
def test_the_first_of_each_cluster_are_kept(articles: list[Article], config: Config) -> None:
    """Of each cluster the first `min_keep` members are kept: all when it is smaller, and never none."""
    result = result_of(articles, config)
    kept, dropped = ({article.id for article in some} for some in (result.kept, [it.article for it in result.dropped]))
    assert kept | dropped == {article.id for article in articles}
    least = config.keep.min_keep
    for cluster in result.clusters:
        assert kept.intersection(cluster.members) == set(cluster.members[:least])
        assert dropped.intersection(cluster.members) == set(cluster.members[least:])
        assert cluster.canonical in kept
    rows = {row["id"]: row for row in result.to_arrow().to_pylist()}
    assert kept == {name for name, row in rows.items() if row["kept"]}
    # What is kept beside the canonical has the evidence of the same run with one of each.
    alone = result_of(articles, replace(config, keep=replace(config.keep, min_keep=1)))
    for one, other in zip(rows.values(), alone.to_arrow().to_pylist(), strict=True):
        assert str(one | {"kept": None}) == str(other | {"kept": None})
    assert (len(kept), len(dropped)) == (result.summary()["kept"], result.summary()["dropped"])


@given(batches(max_size=10), KEEPING)
def test_cohesion_equals_the_definition(articles: list[Article], config: Config) -> None:
    """Least and mean Jaccard similarity of the other members to the canonical, of those that were compared with it."""
    result = result_of(articles, config)
    rows = {row["id"]: row for row in result.to_arrow().to_pylist()}
    every = []
    for cluster in result.clusters:
        scores = [rows[name]["jaccard"] for name in cluster.members[1:] if rows[name]["jaccard"] is not None]
        assert cluster.cohesion_least == min(scores, default=1.0)
        assert cluster.cohesion_mean == pytest.approx(sum(scores) / len(scores) if scores else 1.0)
        every += scores
    summary = result.summary()
    assert summary["cohesion_least"] == min(every, default=1.0)
    assert summary["cohesion_mean"] == pytest.approx(sum(every) / len(every) if every else 1.0)


@given(batches(max_size=10), KEEPING, st.integers(1, 5))
def test_bridges_and_large_clusters_are_counted(articles: list[Article], config: Config, size: int) -> None:
    """A bridge is a linked pair of two clusters; components have none. A large cluster has more than the limit."""
    result = result_of(articles, replace(config, large_cluster=size))
    home = {name: cluster.canonical for cluster in result.clusters for name in cluster.members}
    pairs = result.pairs.to_pylist()
    bridges = [pair for pair in pairs if pair["relation"] in LINKS and home[pair["left"]] != home[pair["right"]]]
    summary = result.summary()
    assert len(bridges) == summary["refused_bridges"]
    assert config.linkage == "canonical" or not bridges
    assert sum(cluster.size > size for cluster in result.clusters) == summary["large_clusters"]


def test_a_bridge_is_refused() -> None:
    """The middle one of a chain joins the end it resembles most, and its link with the other end is a bridge."""
    result = deduplicate(LATE, shingle_size=1, threshold=0.3, min_excerpt=99, clean="off")
    assert [cluster.size for cluster in result.clusters] == [2, 1]
    summary = result.summary()
    assert (summary["refused_bridges"], summary["cohesion_least"], summary["cohesion_mean"]) == (1, 0.8, 0.8)
    assert (result.clusters[0].cohesion_least, result.clusters[1].cohesion_least) == (0.8, 1.0)


@given(batches(max_size=10), KEEPING)
def test_alarms_equal_the_definition(articles: list[Article], config: Config) -> None:
    """A source rings when it has enough documents and more of them are dropped than its share; the worst come first."""
    result = result_of(articles, config)
    policy = config.keep
    expected = []
    for source in {article.source for article in articles if article.source}:
        own = [article.id for article in articles if article.source == source]
        gone = [drop.article.id for drop in result.dropped if drop.article.source == source]
        share = len(gone) / len(own)
        if policy.alarm_share is not None and len(own) >= policy.alarm_documents and share > policy.alarm_share:
            expected.append((-share, source, len(own), len(gone)))
    assert sorted(expected) == [(-it.share, it.source, it.documents, it.dropped) for it in result.alarms]
    assert len(result.alarms) == result.summary()["alarms"]


@given(batches(max_size=10), KEEPING)
def test_first_published_is_the_earliest(articles: list[Article], config: Config) -> None:
    """The first publication is the earliest by the rule of keep order, as its document says it; None is unknown."""
    dates = {article.id: article.published for article in articles}
    for cluster in result_of(articles, config).clusters:
        ends = [moments(dates[name])[1] for name in cluster.members]
        assert moments(cluster.first_published)[1] == min(ends)
        earliest = [dates[name] for name, end in zip(cluster.members, ends, strict=True) if min(ends) == end < math.inf]
        assert cluster.first_published == (earliest[0] if earliest else None)


def test_sources_and_keys_decide_who_is_kept() -> None:
    """A list of sources, or a function alone, chooses the document that is kept of each story."""
    articles = [
        Article("a", STORY, "Reuters", "2025-01-01"),
        Article("b", STORY, "Tarn Journal", "2025-01-02"),
        Article("c", f"{STORY} The end.", "Courier", "2025-01-03"),
    ]
    assert [article.id for article in deduplicate(articles).kept] == ["a"]
    policy = KeepPolicy(sources=("Courier", "Tarn Journal"), min_keep=2)
    result = deduplicate(articles, keep=policy)
    assert [article.id for article in result.kept] == ["b", "c"]
    assert result.clusters[0].members == ("c", "b", "a")
    assert [drop.article.id for drop in result.dropped] == ["a"]
    assert result.at(0.9).clusters[0].canonical == "c"
    assert [article.id for article in deduplicate(articles, keep=lambda article: article.source).kept] == ["c"]
    with pytest.raises(InvalidArgumentError, match=r"raised KeyError.* for 'a'"):
        deduplicate(articles, keep=lambda article: article.extra["desk"])


def test_notes_name_what_raises_an_alarm() -> None:
    """Sources of which too much is dropped and large clusters are told in lines, the first five by name."""
    articles = [Article(f"{source}{copy}", STORY, f"s{source}") for source in range(7) for copy in range(2)]
    quiet = deduplicate(articles, clean="off")
    assert runs.notes(quiet) == []
    result = deduplicate(articles, clean="off", keep=KeepPolicy(alarm_share=0.4, alarm_documents=2), large_cluster=13)
    assert runs.notes(result) == [
        "1 cluster of more than 13 documents:",
        "  00: 14",
        "7 sources of which more than 40 % is dropped:",
        *[f"  s{number}: 2 of 2 documents" for number in range(1, 6)],
        "  and 2 more",
    ]


def test_more_than_one_kept_document_is_shown() -> None:
    """The table of clusters shows the second kept document as kept, and the third with the evidence for its drop."""
    result = deduplicate(with_ids(STORY, STORY.upper(), STORY.lower()), keep=KeepPolicy(min_keep=2))
    lines = draw.render(runs.run_parts(result, "", 0.0, 20), io.StringIO()).splitlines()
    rows = {words[0]: words[1] for line in lines if (words := line.split()) and words[0] in "abc"}
    assert rows == {"a": "kept", "b": "kept", "c": "exact"}


def test_no_documents_give_the_numbers_of_nothing() -> None:
    """Without documents every number is 0, but cohesion, which nothing lowers."""
    result = deduplicate([])
    assert {name for name, number in result.summary().items() if number} == {"cohesion_least", "cohesion_mean"}
    assert result.summary()["cohesion_mean"] == 1.0
    assert (result.alarms, result.kept) == ((), [])


def test_every_number_of_the_summary_is_explained() -> None:
    """The docstring names each key; those of the relations go by one."""
    documented = Result.summary.__doc__ or ""
    for name in deduplicate([]).summary():
        assert f"`{name}`" in documented or name.removesuffix("_pairs") in RELATIONS


def test_pairs_name_first_what_is_kept_first() -> None:
    """In each pair the left document comes first in keep order, and the table has these columns and types."""
    table = deduplicate(LATE, shingle_size=1, threshold=0.3, clean="off").pairs
    assert [(pair["left"], pair["right"]) for pair in table.to_pylist()] == [("z", "y"), ("y", "x")]
    scores = ["jaccard", "containment_left", "containment_right"]
    assert table.column_names == ["left", "right", "relation", *scores, "later"]
    assert [*[pa.large_string()] * 3, *[pa.float64()] * 3, pa.large_string()] == table.schema.types
    assert table.schema.types == deduplicate([]).pairs.schema.types


def test_cleaned_tells_what_was_removed() -> None:
    """Documents that furniture was taken from are there by id, and their originals can be put together again."""
    text = f"date 2025-01-01 {STORY}"
    result = deduplicate(with_ids(text, STORY))
    assert list(result.cleaned) == ["a"]
    assert (STORY, text) == (result.cleaned["a"].text, result.cleaned["a"].restore())
    assert deduplicate(with_ids(text), clean="off").cleaned == {}


@pytest.mark.parametrize("stories", [2, 3, 10])
def test_cover_of_a_roundup(stories: int) -> None:
    """Each stretch of a page, by characters of the page as it came, is the text of its story; the rest is glue."""
    texts = {f"s{n}": " ".join(f"w{n}x{word * word % 997}" for word in range(120)) for n in range(stories)}
    page = "date 2025-05-02 Five things to know today"
    expected, glue = [], 5
    for name, text in texts.items():
        page += f"\n\nNext in {name} comes this one: "
        glue += 6
        expected.append((len(page), len(page) + len(text), name, 120))
        page += text
    articles = [Article(name, text, published="2025-05-01") for name, text in texts.items()]
    result = deduplicate([*articles, Article("page", page, published="2025-05-02")])
    assert list(result.covers) == ["page"]
    cover = result.covers["page"]
    assert [(it.start, it.end, it.document, it.words) for it in cover.stretches] == expected
    assert cover.unexplained == pytest.approx(glue / (glue + 120 * stories))
    assert deduplicate(articles).covers == deduplicate([]).covers == {}


def test_cover_names_what_is_kept() -> None:
    """However many copies of a story there are, each page is compared with one of them, whose words are read once."""
    stories = {f"s{n}": " ".join(f"w{n}x{word * word % 997}" for word in range(120)) for n in range(8)}
    articles = [
        Article(f"{name}-{copy}", f"{text} copy {copy}", published=f"2025-05-0{copy}")
        for name, text in stories.items()
        for copy in range(1, 6)
    ]
    # What is kept of the last story came after the page, which does not carry it: it grew.
    grown = f"{stories['s7']} {' '.join(f'more{number}' for number in range(140))}"
    articles = [replace(it, text=grown, published="2025-05-09") if it.id == "s7-1" else it for it in articles]
    for page, numbers in enumerate([(0, 1), (2, 3), (4, 5), (6, 7), (0, 2)]):
        carried = [stories[f"s{number}"] for number in numbers]
        articles.append(Article(f"page{page}", "\n\n".join(carried), published="2025-05-06"))
    read = Mock(wraps=read_words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dedup.result.read_words", read)
        covers = deduplicate(articles, keep=KeepPolicy(key=lambda article: article.id)).covers
    found = {page: [stretch.document for stretch in cover.stretches] for page, cover in covers.items()}
    assert found == {
        "page0": ["s0-1", "s1-1"],
        "page1": ["s2-1", "s3-1"],
        "page2": ["s4-1", "s5-1"],
        "page3": ["s6-1", "s7-2"],
        "page4": ["s0-1", "s2-1"],
    }
    assert read.call_count == len(found) + len(stories)


@given(batches(pages()), configs(clean="auto"))
def test_each_roundup_has_a_cover(articles: list[Article], config: Config) -> None:
    """The covers are those of the larger texts of `roundup` pairs, each of documents that it carries or overlaps.

    Of those of one cluster it is the canonical one, or the first in keep order where that is not among them.
    """
    result = result_of(articles, config)
    pairs = [pair for pair in result.pairs.to_pylist() if pair["relation"] == "roundup"]
    carried: dict[str, set[str]] = {}
    for pair in pairs:
        left, right = pair["left"], pair["right"]
        # The same shingles are a larger share of the smaller text.
        page, other = (left, right) if pair["containment_left"] < pair["containment_right"] else (right, left)
        carried.setdefault(page, set()).add(other)
    for pair in result.pairs.to_pylist():
        if pair["relation"] == "overlap":
            for one, two in (("left", "right"), ("right", "left")):
                page, other = pair[one], pair[two]
                if page in carried and other not in carried and pair["later"] != two:
                    carried[page].add(other)
    assert result.covers.keys() == carried.keys()
    for page, cover in result.covers.items():
        best = {
            next(name for name in cluster.members if name in carried[page])
            for cluster in result.clusters
            if not carried[page].isdisjoint(cluster.members)
        }
        assert {stretch.document for stretch in cover.stretches} <= best
        assert 0 <= cover.unexplained <= 1


def test_made_ids_and_skipped_rows_are_told() -> None:
    """The result says that ids were made from row numbers, and which rows were left out."""
    made = deduplicate([STORY, "Bell."])
    assert (made.ids_made, made.skipped) == (True, ())
    skipped = deduplicate([{"id": "a", "text": STORY}, {"id": "b"}], on_error="skip")
    assert (skipped.ids_made, len(skipped.skipped)) == (False, 1)
    assert str(skipped.skipped[0]) == "input, row 1: text is missing. The fields are: 'id'."
    assert 1 == skipped.summary()["skipped_rows"] == skipped.at(0.9).summary()["skipped_rows"]


def test_repr_is_one_line_of_counts() -> None:
    """The result shows its counts, not its texts."""
    result = deduplicate([STORY, STORY.upper(), "Bell."])
    assert repr(result) == "<dedup.Result documents=3, kept=2, dropped=1, clusters=1>"
    assert isinstance(result, Result)
