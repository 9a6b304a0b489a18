"""Keep order: agencies first, then the earliest, then the longest, then the smallest id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Article
from dedup.boilerplate import wire_rank
from dedup.clustering.order import keep_order
from dedup.kernels import native
from oracle import in_keep_order
from strategies import DATES, SOURCES, batches

if TYPE_CHECKING:
    import random

WIRE_AGENCIES = (
    "AAP", "AFP", "Agence France-Presse", "ANSA", "AP", "AP News", "Associated Press", "Australian Associated Press",
    "Bloomberg", "Business Wire", "Canadian Press", "dpa", "EFE", "GlobeNewswire", "Kyodo", "Kyodo News", "PA",
    "PA Media", "PR Newswire", "Press Association", "Press Trust of India", "PTI", "Reuters", "TASS",
    "The Associated Press", "The Canadian Press", "Xinhua",
)  # fmt: skip


def ordered(articles: list[Article], tokens: list[int] | None = None) -> list[str]:
    """Return the ids in keep order; every text has one token unless told otherwise."""
    counts = np.array(tokens if tokens is not None else [1] * len(articles), np.uint32)
    rows = keep_order(articles, counts, [wire_rank(article.text, article.source) for article in articles])
    assert np.int64 == rows.dtype
    return [articles[row].id for row in rows.tolist()]


@given(batches(max_size=12))
def test_order_equals_the_definition(articles: list[Article]) -> None:
    """The order is that of the tuple (no agency, moment, fewer tokens, id)."""
    counts = [len(native.tokens(article.text)) for article in articles]
    assert in_keep_order({article.id: (article, article.text) for article in articles}) == ordered(articles, counts)


@given(batches(max_size=12), st.randoms(use_true_random=False))
def test_input_order_changes_nothing(articles: list[Article], chance: random.Random) -> None:
    """The order is total: the same documents come in the same order however they are given."""
    shuffled = chance.sample(articles, len(articles))
    counts = [len(article.text) // 20 for article in articles], [len(article.text) // 20 for article in shuffled]
    assert ordered(articles, counts[0]) == ordered(shuffled, counts[1])


def test_publication_is_compared_as_a_moment() -> None:
    """Zones count, no zone is UTC, a date is its first moment, and what is no date comes last."""
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
    ]
    articles = [Article(f"{number:02}", "x", published=day) for number, day in enumerate(dates)]
    assert ordered(articles) == ["11", "01", "02", "03", "05", "04", "00", "10", "06", "07", "08", "09"]


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


def test_strategies_hold_every_kind() -> None:
    """What the property tests draw from has agencies, outlets, unknown dates and times with zones."""
    assert {None, "Reuters", "Harbour Gazette"} <= set(SOURCES)
    assert {None, "2025-02-30", "2025-03-02T08:00:00+02:00"} <= set(DATES)
