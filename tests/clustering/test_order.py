"""Keep order: agencies first, then the earliest, then the longest, then the smallest id; or as a policy says."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Article, InvalidArgumentError, KeepPolicy
from dedup.boilerplate import wire_ranks
from dedup.clustering.order import keep_order, moments_of, values_of
from dedup.kernels import native
from oracle import in_keep_order
from strategies import DATES, SOURCES, batches
from test_config import policies

if TYPE_CHECKING:
    import random

WIRE_AGENCIES = (
    "AAP", "AFP", "Agence France-Presse", "ANSA", "AP", "AP News", "Associated Press", "Australian Associated Press",
    "Bloomberg", "Business Wire", "Canadian Press", "dpa", "EFE", "GlobeNewswire", "Kyodo", "Kyodo News", "PA",
    "PA Media", "PR Newswire", "Press Association", "Press Trust of India", "PTI", "Reuters", "TASS",
    "The Associated Press", "The Canadian Press", "Xinhua",
)  # fmt: skip


def ordered(articles: list[Article], tokens: list[int] | None = None, **policy: Any) -> list[str]:
    """Return the ids in keep order; every text has one token unless told otherwise."""
    counts = np.array(tokens if tokens is not None else [1] * len(articles), np.uint32)
    texts, sources = [article.text for article in articles], [article.source for article in articles]
    rows = keep_order(
        [article.id for article in articles],
        sources,
        keep := KeepPolicy(**policy),
        counts,
        moments_of(article.published for article in articles),
        wire_ranks(texts, native.Texts.from_strings(texts), sources),
        values_of(articles, keep.key),
    )
    assert np.int64 == rows.dtype
    return [articles[row].id for row in rows.tolist()]


def values(policy: KeepPolicy) -> dict[str, Any]:
    """Return a policy as keywords."""
    return {field.name: getattr(policy, field.name) for field in fields(policy)}


@given(batches(max_size=12))
def test_order_equals_the_definition(articles: list[Article]) -> None:
    """The order is that of the tuple (no agency, moment, fewer tokens, id)."""
    counts = [len(native.tokens(article.text)) for article in articles]
    assert in_keep_order({article.id: (article, article.text) for article in articles}) == ordered(articles, counts)


@given(batches(max_size=12), policies())
def test_order_of_a_policy_equals_the_definition(articles: list[Article], policy: KeepPolicy) -> None:
    """The order is that of the tuple (value of the key, the rules in turn, id)."""
    counts = [len(native.tokens(article.text)) for article in articles]
    expected = in_keep_order({article.id: (article, article.text) for article in articles}, policy)
    assert expected == ordered(articles, counts, **values(policy))


@given(batches(max_size=12), policies(), st.randoms(use_true_random=False))
def test_input_order_changes_nothing(articles: list[Article], policy: KeepPolicy, chance: random.Random) -> None:
    """The order is total: the same documents come in the same order however they are given."""
    shuffled = chance.sample(articles, len(articles))
    counts = [len(article.text) // 20 for article in articles], [len(article.text) // 20 for article in shuffled]
    assert ordered(articles, counts[0], **values(policy)) == ordered(shuffled, counts[1], **values(policy))


def test_publication_is_compared_as_a_moment() -> None:
    """Zones count, no zone is UTC, a date is its last moment, and what is no date or an impossible one comes last."""
    dates = [
        "2025-03-01T23:30:00-02:00",  # 01:30 of the second
        "2025-03-02",
        "2025-03-02T03:00:00+02:00",  # 01:00 of the second
        "2025-03-02T01:15:00",
        "2025-03-02T01:20:00Z",
        "20250302T011600",
        "2025-02-30",
        "soon",
        "",
        None,
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "1970-01-01",
        "Sun, 02 Mar 2025 01:17:00 GMT",
        "2025-03-02T23:59:59",
        "2025-03-03",
        "2025-03-03T00:00",
    ]
    articles = [Article(f"{number:02}", "x", published=day) for number, day in enumerate(dates)]
    known = ["02", "03", "05", "13", "04", "00", "14", "01", "16", "15", "10"]
    assert ordered(articles) == [*known, "06", "07", "08", "09", "11", "12"]


@pytest.mark.parametrize("source", WIRE_AGENCIES)
def test_agency_comes_before_any_reprint(source: str) -> None:
    """The own copy of an agency, however it writes its name, comes before earlier and longer ones."""
    articles = [Article("a", "x", "Gazette", "2020-01-01"), Article("b", "x", f" {source.upper()} ", "2025-01-01")]
    assert ordered(articles, [100, 1]) == ["b", "a"]


def test_a_text_that_opens_with_the_credit_of_an_agency_comes_before_others() -> None:
    """A dateline with an agency comes behind the agency's own copy and before earlier texts without one."""
    credited = "KYIV, May 12 (Reuters) - The wall holds."
    articles = [Article("a", "x", "Gazette", "2020-01-01"), Article("b", credited, "Herald"), Article("c", "x", "AP")]
    assert ordered(articles) == ["c", "b", "a"]


@pytest.mark.parametrize("source", ["Reuters Gazette", "", "wire", None, "PA Tarn"])
def test_other_outlets_are_no_agencies(source: str | None) -> None:
    """Only the whole name of an agency makes one."""
    assert ordered([Article("b", "x", source), Article("a", "x", "Gazette")]) == ["a", "b"]


def test_each_rule_decides_where_the_ones_before_are_even() -> None:
    """Agency, moment, tokens and id decide in that order."""
    articles = [
        Article("f", "x", "Gazette", None),
        Article("e", "x", "Gazette", "2025-01-02"),
        Article("d", "x", "Gazette", "2025-01-01"),
        Article("c", "x", "Gazette", "2025-01-01"),
        Article("b", "x", "Gazette", "2025-01-01"),
        Article("z", "x", "AP", None),
    ]
    assert ordered(articles, [99, 50, 5, 3, 3, 1]) == ["z", "d", "b", "c", "e", "f"]


def test_ids_are_compared_as_text() -> None:
    """Ids are no numbers: 10 comes before 9, and capitals before small letters."""
    names = ["9", "10", "b", "B", "é", "\U0001f30a", "\uffee", "\ud800"]
    assert ordered([Article(name, "x") for name in names]) == [
        "10",
        "9",
        "B",
        "b",
        "é",
        "\ud800",
        "\uffee",
        "\U0001f30a",
    ]


def test_no_article_no_order() -> None:
    """Nothing has an empty order."""
    assert ordered([]) == []


def test_sources_are_ranked_by_the_list() -> None:
    """Listed sources come in the order of the list, whatever their capitals and spaces, before agencies and all others.

    A document without a source is in no list.
    """
    names = ["Reuters", None, "harbour  GAZETTE ", "Courier", "", "Straße Heute"]
    articles = [Article(str(number), "x", name) for number, name in enumerate(names)]
    assert ordered(articles, sources=("Courier", "STRASSE heute", "Harbour Gazette")) == ["3", "5", "2", "0", "1", "4"]
    assert ordered(articles, order=["wire", "sources"], sources=["Courier"])[:2] == ["0", "3"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((), ["a", "b", "c"]),
        (("longest",), ["c", "b", "a"]),
        (("published", "longest"), ["b", "c", "a"]),
        (("wire", "longest"), ["a", "c", "b"]),
    ],
)
def test_rules_count_in_the_order_given(order: tuple[str, ...], expected: list[str]) -> None:
    """A rule that is not named does not count, and without any the id decides."""
    articles = [Article("a", "x", "AP"), Article("b", "x", None, "2025-01-01"), Article("c", "x", None, "2025-01-02")]
    assert expected == ordered(articles, [1, 2, 3], order=order)


def test_key_comes_before_the_rules() -> None:
    """The smaller value of the key is kept first; where values are equal, the rules decide."""
    articles = [
        Article("a", "x", "AP", extra={"desk": 2}),
        Article("b", "x", extra={"desk": 1}),
        Article("c", "x", "AP"),
    ]
    assert ordered(articles, key=lambda article: -article.extra.get("desk", 1)) == ["a", "c", "b"]
    assert ordered(articles, key=lambda _: 0) == ["a", "c", "b"]
    assert ordered([], key=lambda _: 0) == []


def test_key_is_asked_once_for_each_document() -> None:
    """A slow key, such as a look-up, is called once for each document."""
    asked: Counter[str] = Counter()

    def key(article: Article) -> int:
        asked[article.id] += 1
        return 0

    ordered([Article(str(number), "x") for number in range(20)], key=key)
    assert asked == Counter(map(str, range(20)))


class Odd:
    """Compares with nothing, in a way of its own."""

    def __lt__(self, other: object) -> bool:
        """Fail as no other type does."""
        raise RuntimeError("no order here")


@pytest.mark.parametrize(
    ("key", "came"),
    [
        (lambda article: article.source or len(article.text), "1 of 'b' beside 'Gazette' of 'c'."),
        (lambda _: None, "None of 'a' beside None of 'b'."),
        (lambda article: (1, article.source), "(1, None) of 'b' beside (1, 'Gazette') of 'c'."),
        (lambda _: float("nan"), "nan of 'a'."),
        (lambda _: {1: 1}, "{1: 1} of 'a' beside {1: 1} of 'b'."),
        (lambda _: np.arange(3), "ValueError('The truth value of an array"),
        (lambda _: Odd(), " of 'b'."),
    ],
)
def test_values_without_an_order_are_named(key: Any, came: str) -> None:
    """Values of a key that have no order are an error of ours with the ids of the articles."""
    articles = [Article("c", "x", "Gazette"), Article("b", "x"), Article("a", "x")]
    with pytest.raises(InvalidArgumentError) as caught:
        ordered(articles, key=key)
    assert str(caught.value).startswith("key must return values that compare with each other. Got ")
    assert came in str(caught.value)
    assert len(str(caught.value)) < 300
    assert caught.value.__cause__ is not None or "nan" in came


@pytest.mark.parametrize(
    ("key", "raised"),
    [
        (lambda article: {}[article.id], "KeyError('a') for 'a'."),
        (lambda article: article.source.lower(), "AttributeError("),
        (lambda article: int(article.id * 1000), "ValueError("),
        (lambda: 0, "TypeError("),
    ],
)
def test_key_that_raises_names_the_article(key: Any, raised: str) -> None:
    """What a key raises is an error of ours with the id of the article, and says that it was raised."""
    with pytest.raises(InvalidArgumentError) as caught:
        ordered([Article("b", "x", "Gazette"), Article("a", "x")], key=key)
    assert str(caught.value).startswith(f"key must return a value for each article. It raised {raised}")
    assert str(caught.value).endswith(" for 'a'.")
    assert len(str(caught.value)) < 300
    assert caught.value.__cause__ is not None


def test_strategies_hold_every_kind() -> None:
    """What the property tests draw from has agencies, outlets, unknown dates and times with zones."""
    assert {None, "Reuters", "Harbour Gazette"} <= set(SOURCES)
    assert {None, "2025-02-30", "2025-03-02T08:00:00+02:00"} <= set(DATES)
