"""Versions grew or were corrected later; a reprint is cut, copied or dressed up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Article, deduplicate
from dedup.model import LINKS

STORY = [f"story{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(200)]
MORE = [f"more{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(200)]
MORNING, NOON, DAY = "2025-05-12T08:00:00Z", "2025-05-12T12:00:00Z", "2025-05-12"


def between(left: Article, right: Article, **settings: float) -> tuple[str | None, str | None, int]:
    """Return relation and later side of two articles, as they come, and how many are kept."""
    result = deduplicate([left, right], clean="off", **settings)  # type: ignore[call-overload]
    (pair,) = result.pairs.to_pylist() or [{"relation": None, "later": None, "left": left.id}]
    later = {"left": "right", "right": "left", None: None}[pair["later"]] if pair["left"] != left.id else pair["later"]
    return pair["relation"], later, len(result.kept)


def article(name: str, words: list[str], published: str | None, source: str | None = "Gazette") -> Article:
    """Return an article of some words."""
    return Article(name, " ".join(words), published=published, source=source)


@pytest.mark.parametrize(
    ("more", "source", "expected"),
    [
        (40, "Gazette", "version"),
        (40, " Gazette ", "version"),
        (40, None, "version"),
        (12, None, "duplicate"),  # who reprints adds a line of his own
        (12, "Gazette", "version"),
        (40, "Mercury", "duplicate"),
        (90, "Mercury", "duplicate"),
        (110, "Mercury", "version"),
        (190, "Mercury", "version"),
    ],
)
def test_a_text_that_grew(more: int, source: str | None, expected: str) -> None:
    """A later text that holds the earlier one and more is a version; elsewhere it must be much more."""
    early, late = article("a", STORY, MORNING), article("b", [*STORY, *MORE[:more]], NOON, source)
    assert between(early, late) == (expected, "right", 1)
    assert between(late, early) == (expected, "left", 1)


@pytest.mark.parametrize(
    ("source", "expected"), [("Gazette", "version"), ("Mercury", "duplicate"), (None, "duplicate")]
)
def test_a_correction(source: str | None, expected: str) -> None:
    """One outlet that prints a text again with a word changed corrects it; another reprints it."""
    early, late = article("a", STORY, MORNING), article("b", [*STORY[:99], "twelve", *STORY[100:]], NOON, source)
    assert between(early, late) == (expected, "right", 1)


@pytest.mark.parametrize(
    ("early", "late"),
    [(None, None), (MORNING, None), (None, NOON), (DAY, NOON), (DAY, DAY), ("soon", NOON), (NOON, NOON)],
)
def test_without_a_known_order_there_is_no_version(early: str | None, late: str | None) -> None:
    """Which came later must be certain: dates that are missing, equal, or a day and a time of it do not tell."""
    relation, later, kept = between(article("a", STORY, early), article("b", [*STORY, *MORE[:60]], late))
    assert (relation, later, kept) == ("duplicate", None, 1)


def test_what_was_cut_is_no_version() -> None:
    """A later text with less is a reprint that was cut, unless its own outlet cut it."""
    whole = article("a", STORY, MORNING)
    assert between(whole, article("b", STORY[:120], NOON, "Mercury")) == ("duplicate", "right", 1)
    assert between(whole, article("b", STORY[:90], NOON, "Mercury")) == ("excerpt", "right", 1)
    assert between(whole, article("b", STORY[:120], NOON)) == ("version", "right", 1)


def test_a_version_out_of_an_excerpt() -> None:
    """Above the fixed least similarity an excerpt can be a version at a stricter threshold; below it cannot."""
    early = article("a", STORY, MORNING)
    assert between(early, article("b", [*STORY, *MORE[:120]], NOON), threshold=0.8)[0] == "version"
    assert between(early, article("b", [*STORY, *MORE, *reversed(MORE)], NOON))[0] == "excerpt"


def test_copies_and_forms_are_no_versions() -> None:
    """What is equal stays `exact`, and a form with other facts `template`, whoever printed it when."""
    assert between(article("a", STORY, MORNING), article("b", STORY, NOON))[0] == "exact"
    early, late = ([*STORY[:30], number, *STORY[30:50], number, *STORY[50:55]] for number in ("12", "15"))
    assert between(article("a", early, MORNING), article("b", late, NOON)) == ("template", "right", 2)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.integers(0, 60),
            st.sampled_from([None, "Gazette", "Mercury"]),
            st.sampled_from([None, MORNING, NOON, DAY]),
        ),
        min_size=2,
        max_size=2,
        unique_by=lambda one: one[:2],
    )
)
def test_dates_and_outlets_move_no_cluster(drawn: list[tuple[int, int, str | None, str | None]]) -> None:
    """`version` renames links: whether two texts alone are linked does not depend on who printed them when."""
    articles = [
        article(str(number), [*STORY[first : first + 60], *MORE[:more]], published, source)
        for number, (first, more, source, published) in enumerate(drawn)
    ]
    plain = [Article(one.id, one.text) for one in articles]
    linked = []
    for batch in (articles, plain):
        rows = deduplicate(batch, clean="off", min_excerpt=10**6).pairs.to_pylist()
        linked.append({frozenset((row["left"], row["right"])) for row in rows if row["relation"] in LINKS})
    assert linked[0] == linked[1]
