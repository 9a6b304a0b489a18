"""Roundups carry unrelated texts and join none of them; a story whose pieces were printed is no roundup."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Article, deduplicate


def words(seed: int, count: int = 120) -> list[str]:
    """Return the words of a story that shares nothing with others."""
    chance = random.Random(seed)
    return [f"w{chance.randrange(10**6)}" for _ in range(count)]


def article(name: str, text: list[str], day: int | None = None) -> Article:
    """Return an article of some day in May."""
    return Article(name, " ".join(text), published=None if day is None else f"2025-05-{day:02}")


def run(articles: list[Article], exhaustive: int = 256) -> tuple[list[list[str]], set[tuple[str, str, str]]]:
    """Return the clusters, and the related pairs with their relations."""
    result = deduplicate(articles, clean="off", exhaustive=exhaustive)
    pairs = {(min(row["left"], row["right"]), max(row["left"], row["right"]), row["relation"]) for row in rows(result)}
    return sorted(sorted(cluster.members) for cluster in result.clusters), pairs


def rows(result: object) -> list[dict[str, str]]:
    """Return the related pairs of a result."""
    return result.pairs.to_pylist()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("exhaustive", [0, 256])
@pytest.mark.parametrize("stories", [2, 3, 10])
def test_a_roundup_bridges_nothing(stories: int, exhaustive: int) -> None:
    """A page with several stories stands alone, and is `roundup` with each of them, also when it has no date."""
    texts = [words(seed) for seed in range(stories)]
    articles = [article(f"s{number}", text, day=1) for number, text in enumerate(texts)]
    for day in (2, None):
        page = article("page", [word for text in texts for word in text], day)
        clusters, pairs = run([*articles, page], exhaustive)
        assert clusters == sorted([["page"], *([name.id] for name in articles)])
        assert pairs == {("page", name.id, "roundup") for name in articles}


def test_beginnings_of_longer_stories_make_a_roundup() -> None:
    """A page with a short story and the beginnings of two long ones, of which it has too little to be linked."""
    short, long, longer = words(1), words(2, 300), words(3, 400)
    articles = [article("short", short, 1), article("long", long, 1), article("longer", longer, 1)]
    clusters, pairs = run([*articles, article("page", [*short, *long[:110], *longer[:110]], 2)])
    assert clusters == [["long"], ["longer"], ["page"], ["short"]]
    assert ("page", "short", "roundup") in pairs
    # One such part must be large: stories that grew out of several sources look like that.
    for words_, expected in ((70, ["page", "short"]), (140, ["page"])):
        clusters, _ = run([*articles, article("page", [*short, *long[:words_]], 2)])
        assert expected in clusters


def test_pieces_that_came_later_make_no_roundup() -> None:
    """A story of which the first and the last third were printed later is one story with two excerpts."""
    story = words(1, 300)
    articles = [article("story", story, 1), article("head", story[:100], 2), article("tail", story[200:], 2)]
    assert run(articles)[0] == [["head", "story", "tail"]]


def test_a_day_without_a_time_is_not_before_the_times_of_that_day() -> None:
    """A page of a day carries what was printed at any time of it; a page of the morning, what was printed before."""
    texts = [words(seed) for seed in range(3)]
    stories = [
        Article(f"s{hour}", " ".join(text), published=f"2025-05-02T1{hour}:00") for hour, text in enumerate(texts)
    ]
    page = " ".join(word for text in texts for word in text)
    for published, roundup in (("2025-05-02", True), ("2025-05-02T12:30", True), ("2025-05-02T09:00", False)):
        _, pairs = run([*stories, Article("page", page, published=published)])
        assert {relation for _, _, relation in pairs} == {"roundup" if roundup else "excerpt"}
    _, pairs = run(
        [*(article(name.id, name.text.split(), 2) for name in stories), Article("page", page, None, published)]
    )
    assert {relation for _, _, relation in pairs} == {"roundup"}


def test_a_late_copy_of_a_story_is_no_roundup() -> None:
    """A copy that came after the pieces were printed is a duplicate of the story, so it is none either."""
    story = words(1, 300)
    pieces = [article("head", story[:100], 2), article("tail", story[200:], 2)]
    articles = [article("story", story, 1), *pieces, article("late", [*story, *words(2, 30)], 3)]
    assert run(articles)[0] == [["head", "late", "story", "tail"]]


def test_pieces_within_a_carried_text_do_not_count() -> None:
    """A page that carries a story and pieces of it carries one story: it is an excerpt's longer side."""
    story = words(1, 200)
    page = article("page", [*story, *words(2, 260)], 4)
    articles = [article("story", story, 1), article("head", story[:60], 2), article("tail", story[140:], 2), page]
    assert run(articles)[0] == [["head", "page", "story", "tail"]]


def test_a_page_of_leads_joins_no_story() -> None:
    """A page with a short story and the beginnings of nine long ones is none of them, though each part is small."""
    texts = [words(seed, 400) for seed in range(9)]
    page = [word for text in texts for word in text[:100]]
    articles = [article(f"s{number}", text, 1) for number, text in enumerate(texts)]
    clusters, pairs = run(
        [*articles, article("short", words(20, 100), 1), article("page", [*page, *words(20, 100)], 2)]
    )
    assert ["page"] in clusters
    assert ("page", "short", "roundup") in pairs


def test_forms_are_different_stories() -> None:
    """A page with two notices of one form carries two texts, and keeps them apart."""
    notice = (
        "The central bank expects a shortage of about {} crowns in the money market on {} and will lend banks {} crowns"
    )
    notice += " against bills for a week at {} per cent, after {} per cent the week before, it said in a statement."
    first, second = notice.format(700, "Monday", 350, 5, 4).split(), notice.format(250, "Friday", 120, 6, 5).split()
    for between in ([], words(3, 60)):
        page = article("page", [*first, *between, *second], 2)
        clusters, _ = run([article("a", first, 1), article("b", second, 1), page])
        assert clusters == [["a"], ["b"], ["page"]]


def test_copies_of_a_roundup_are_one_cluster() -> None:
    """The same page at two outlets is one text, and still joins none of its stories."""
    texts = [words(seed) for seed in range(3)]
    page = [word for text in texts for word in text]
    articles = [article(f"s{number}", text, 1) for number, text in enumerate(texts)]
    articles += [article("page", page, 2), article("copy", [*page, *words(9, 30)], 3)]
    assert run(articles)[0] == [["copy", "page"], ["s0"], ["s1"], ["s2"]]


def test_a_page_around_a_roundup_is_one_too() -> None:
    """A roundup within a page does not hide that both carry the same unrelated stories."""
    texts = [words(seed) for seed in range(6)]
    small, large = ([word for text in some for word in text] for some in (texts[:3], [*texts, words(9, 50)]))
    articles = [article(f"s{number}", text, 1) for number, text in enumerate(texts)]
    clusters, pairs = run([*articles, article("small", small, 2), article("large", large, 3)])
    assert clusters == [["large"], *([f"s{number}"] for number in range(6)), ["small"]]
    assert ("large", "small", "roundup") in pairs


def test_related_texts_make_no_roundup() -> None:
    """A long read that carries two texts that overlap, as a story and its follow-up do, stays with both."""
    quotes = words(1, 60)
    story, follow_up = [*quotes, *words(2, 120)], [*quotes, *words(3, 120)]
    page = article("page", [*story, *words(3, 120), *words(4, 20)], 3)
    clusters, _ = run([article("story", story, 1), article("follow-up", follow_up, 2), page])
    assert ["page", "story"] in clusters or ["follow-up", "page"] in clusters


@given(st.permutations(range(9)), st.lists(st.sampled_from([None, 1, 2, 3]), min_size=9, max_size=9))
def test_order_of_the_input_changes_nothing(order: list[int], days: list[int | None]) -> None:
    """Roundups within roundups, copies and pieces: any order gives the same clusters and pairs."""
    a, b, c = (words(seed, 90) for seed in range(3))
    texts = [a, b, c, a[:50], a[40:], [*a, *b], [*a, *b, *c], [*b, *c, *words(9, 20)], [*a, *b, *c, *words(8, 15)]]
    articles = [article(str(number), text, day) for number, (text, day) in enumerate(zip(texts, days, strict=True))]
    assert run([articles[place] for place in order]) == run(articles)
