"""Furniture learned by repetition: what repeats in the stories of an outlet goes, what many outlets print stays."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import corpus
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Article, Cleaned, InputError, InvalidArgumentError, OutputError, Result, Templates, deduplicate
from dedup.boilerplate.sightings import KEPT
from dedup.errors import DuplicateIdError, SchemeMismatch
from strategies import batches, pages

if TYPE_CHECKING:
    from pathlib import Path

#: Invented English: stories of about 160 words in paragraphs, and words to make blocks of.
STORIES = corpus.english(400, 900, seed=11)
WORDS = [text.split() for text in corpus.english(30, 1400, seed=77)]
ONE: dict[str, Any] = {"threads": 1}


def block(number: int, words: int) -> str:
    """Return a paragraph of a house; the same number gives the same one."""
    return " ".join(WORDS[number][:words])


def brief(number: int, words: int) -> str:
    """Return the first words of a story, as one paragraph."""
    return " ".join(STORIES[number].split()[:words])


def house(outlet: str | None, stories: range, words: int = 40, number: int = 0) -> list[Article]:
    """Return different stories of an outlet, each with its block at the end."""
    return [
        Article(f"{outlet}-{story}", f"{STORIES[story]}\n{block(number, words)}", source=outlet) for story in stories
    ]


def texts_of(result: Result) -> dict[str, str]:
    """Return the clean text of each document."""
    return {
        article.id: result.cleaned[article.id].text if article.id in result.cleaned else article.text
        for article in result.articles
    }


def check_cut(page: Cleaned, reason: str) -> None:
    """Check that a page lost one template and can be restored."""
    assert [(span.rule, span.reason) for span in page.removed] == [("template", reason)]
    span = page.removed[0]
    assert page.text == page.original[: span.start] + page.original[span.end :]
    assert page.restore() == page.original
    assert 0 <= span.confidence <= 1


@pytest.mark.parametrize("words", [20, 60, 150])
def test_block_of_one_outlet_goes_there_alone(words: int) -> None:
    """A block in twelve stories of one outlet is cut from all of them, and stays in a story of another outlet."""
    other = Article("other", f"{STORIES[20]}\n{block(0, words)}", source="Beta")
    articles = [*house("Alpha", range(12), words), other]
    result = deduplicate(articles, **ONE)
    assert sorted(result.cleaned) == sorted(article.id for article in articles[:12])
    for number, article in enumerate(articles[:12]):
        check_cut(result.cleaned[article.id], "in 12 stories of Alpha")
        assert result.cleaned[article.id].text == f"{STORIES[number]}\n"


def test_block_may_stand_anywhere() -> None:
    """A block goes from the beginning, the middle and the end of stories, with its line."""
    places = [0, 1, 2, 1, 0, 2]
    articles = []
    for number, place in enumerate(places):
        lines = STORIES[number].split("\n\n", 1)
        articles.append(
            Article(f"a{number}", "\n".join([*lines[:place], block(0, 30), *lines[place:]]), source="Alpha")
        )
    cleaned = deduplicate(articles, **ONE).cleaned
    assert [cleaned[f"a{number}"].text.rstrip("\n") for number in range(6)] == [
        STORIES[number].replace("\n\n", "\n", 1) for number in range(6)
    ]


def test_result_lists_templates() -> None:
    """The result names each template with its outlet, its counts and a text of it, most stories first."""
    articles = [*house("Alpha", range(8)), *house("Beta", range(8, 20)), *house("Gamma", range(20, 23), number=1)]
    templates = deduplicate(articles, **ONE).templates
    assert [(template.outlet, template.stories, template.outlets) for template in templates] == [
        ("Beta", 12, 2),
        ("Alpha", 8, 2),
        ("Gamma", 3, 1),
    ]
    assert templates[0].fingerprint == templates[1].fingerprint != templates[2].fingerprint
    for template, number in zip(templates, (0, 0, 1), strict=True):
        assert template.example == block(number, 40)[:300]


def test_fewer_stories_are_no_template() -> None:
    """Two stories are not enough where the stories are longer than what repeats; three are."""
    assert len(Templates.fit(house("Alpha", range(2)), **ONE)) == 0
    assert len(Templates.fit(house("Alpha", range(3)), **ONE)) == 1


def test_numbers_and_dates_may_differ() -> None:
    """A block that is the same but for digits, case and punctuation is one block."""
    lines = [
        f"Call our desk on 0{number}55-{number}7 before {number + 1} May {2010 + number}"
        f"{'!' * number} to speak WITH the night editor about this page."
        for number in range(6)
    ]
    lines[3] = lines[3].lower()
    articles = [Article(f"a{n}", f"{STORIES[n]}\n{line}", source="Alpha") for n, line in enumerate(lines)]
    result = deduplicate(articles, **ONE)
    assert [(template.stories, template.example) for template in result.templates] == [(6, min(lines))]
    assert texts_of(result) == {f"a{number}": f"{STORIES[number]}\n" for number in range(6)}


@pytest.mark.parametrize("sources", [True, False])
@pytest.mark.parametrize("tail", [0, 6, 40])
def test_wire_story_of_many_outlets_keeps_its_body(tail: int, *, sources: bool) -> None:
    """A story that 300 outlets print, with words of their own below, is syndication: not a word of it goes."""
    articles = [
        Article(f"w{n}", f"{STORIES[0]}\n{brief(n + 1, tail)}", source=f"Outlet {n}" if sources else None)
        for n in range(300)
    ]
    result = deduplicate(articles, **ONE)
    assert (result.templates, dict(result.cleaned)) == ((), {})
    assert [cluster.size for cluster in result.clusters] == [300]


def test_wire_story_at_outlets_with_blocks_keeps_its_body() -> None:
    """The story stays also where its outlets have learned blocks, which go."""
    own = [a for n in range(8) for a in house(f"Outlet {n}", range(10 + 5 * n, 15 + 5 * n), number=n)]
    wire = [Article(f"w{n}", f"{STORIES[0]}\n{block(n, 40)}", source=f"Outlet {n}") for n in range(8)]
    result = deduplicate([*own, *wire], **ONE)
    assert len(result.templates) == 8
    assert {texts_of(result)[article.id] for article in wire} == {f"{STORIES[0]}\n"}


def test_unrelated_briefs_with_one_block_stay_apart() -> None:
    """Twelve briefs of 50 words with one block of 150 are twelve stories, and one without cleaning."""
    briefs = [Article(f"b{n}", f"{brief(n, 50)}\n{block(0, 150)}", source="Alpha") for n in range(12)]
    assert len(deduplicate(briefs, **ONE).clusters) == 12
    assert len(deduplicate(briefs, clean="off", **ONE).clusters) == 1


def test_reprints_below_house_blocks_are_found() -> None:
    """One story at twelve outlets with blocks of 20 to 150 words of their own is one cluster at threshold 0.7."""
    articles = []
    for outlet in range(12):
        words = 20 + outlet * 130 // 11
        articles += house(f"Outlet {outlet}", range(10 + 5 * outlet, 15 + 5 * outlet), words, outlet)
        articles.append(Article(f"r{outlet:02}", f"{STORIES[0]}\n{block(outlet, words)}", source=f"Outlet {outlet}"))
    clusters = deduplicate(articles, threshold=0.7, **ONE).clusters
    assert [cluster.size for cluster in clusters if cluster.size > 1] == [12]
    assert all(member.startswith("r") for cluster in clusters if cluster.size > 1 for member in cluster.members)
    without = deduplicate(articles, threshold=0.7, clean="off", **ONE).clusters
    assert max(cluster.size for cluster in without) < 6


@pytest.mark.parametrize("new", [5, 15, 40])
def test_versions_of_one_story_keep_their_body(new: int) -> None:
    """A story that its outlet prints eight times, each time below another first paragraph, keeps its body."""
    articles = [Article(f"v{n}", f"{brief(n + 1, new)}\n{STORIES[0]}", source="Alpha") for n in range(8)]
    result = deduplicate(articles, **ONE)
    assert (result.templates, dict(result.cleaned)) == ((), {})


def test_versions_of_what_other_outlets_print_keep_their_body() -> None:
    """What many outlets print in one story is syndication, even where one of them has a dozen versions of it."""
    body = f"{STORIES[0]}\n{STORIES[1]}"
    versions = [Article(f"v{n}", f"{brief(n + 2, 24)}\n{body}", source="Daily") for n in range(12)]
    reprints = [Article(f"r{n}", body, source=f"Outlet {n}") for n in range(50)]
    result = deduplicate([*versions, *reprints], **ONE)
    assert result.templates == ()
    assert len(result.clusters) == 1


def test_a_story_that_every_outlet_prints_many_times_keeps_its_body() -> None:
    """Twelve versions at each of three outlets, each with a short lead of its own, are no furniture."""
    body = f"{STORIES[0]}\n{STORIES[1]}"
    articles = [
        Article(f"{outlet}-{version}", f"{brief(20 + 12 * place + version, 30)}\n{body}", source=outlet)
        for place, outlet in enumerate(("Alpha", "Beta", "Gamma"))
        for version in range(12)
    ]
    result = deduplicate(articles, **ONE)
    assert not result.templates
    assert len(result.kept) == 1


def test_copies_of_one_story_are_one_story() -> None:
    """A text that its outlet prints a hundred times teaches nothing."""
    articles = [Article(f"c{n}", f"{STORIES[0]}\n{block(0, 40)}", source="Alpha") for n in range(100)]
    assert deduplicate(articles, **ONE).templates == ()
    assert len(Templates.fit(articles, **ONE)) == 0


def test_text_of_nothing_else_keeps_its_block() -> None:
    """A text that has next to nothing but the block is left as it is, and teaches nothing."""
    short = Article("short", f"Five words and no more.\n{block(0, 40)}", source="Alpha")
    result = deduplicate([*house("Alpha", range(5)), short], **ONE)
    assert "short" not in result.cleaned
    assert [template.stories for template in result.templates] == [5]


def test_blocks_of_two_words_are_not_counted() -> None:
    """What is shorter than three words is no template."""
    for words, expected in ((2, 0), (3, 1)):
        articles = [Article(f"a{n}", f"{STORIES[n]}\n{'Xyzzy ' * words}", source="Alpha") for n in range(5)]
        assert len(Templates.fit(articles, **ONE)) == expected


def test_missing_source_is_weaker() -> None:
    """Without a source five stories are asked for in place of three, and briefs keep what repeats."""
    for stories, expected in ((4, 0), (5, 1)):
        assert len(Templates.fit(house(None, range(stories)), **ONE)) == expected
    found = deduplicate(house(None, range(5)), **ONE)
    assert [(template.outlet, template.stories) for template in found.templates] == [(None, 5)]
    check_cut(found.cleaned["None-0"], "in 5 stories of an unknown outlet")
    briefs = [Article(f"b{n}", f"{brief(n, 50)}\n{block(0, 150)}") for n in range(20)]
    assert deduplicate(briefs, **ONE).templates == ()


def test_empty_source_is_a_missing_one() -> None:
    """An outlet of no name is unknown."""
    articles = [Article(f"a{n}", a.text, source="" if n % 2 else None) for n, a in enumerate(house("A", range(5)))]
    assert [template.outlet for template in Templates.fit(articles, **ONE).found] == [None]


def everything() -> list[Article]:
    """Return articles of several outlets, two of them with blocks, and one story that all print."""
    wire = [
        Article(f"w{n}", f"{STORIES[99]}\n{block(n % 2, 40)}", source=["Alpha", "Beta", "Gamma"][n]) for n in range(3)
    ]
    return [
        *house("Alpha", range(9)),
        *house("Beta", range(10, 16), 60, 1),
        *house(None, range(20, 27), 25, 2),
        *house("Gamma", range(30, 32), 25, 3),
        *wire,
    ]


def test_order_changes_nothing() -> None:
    """Shuffled articles give the same templates and the same clean texts."""
    first = deduplicate(everything(), **ONE)
    assert len(first.templates) == 3
    for seed in range(3):
        shuffled = random.Random(seed).sample(everything(), len(everything()))
        result = deduplicate(shuffled, **ONE)
        assert result.templates == first.templates
        assert texts_of(result) == texts_of(first)
        assert Templates.fit(shuffled, **ONE).found == Templates.fit(everything(), **ONE).found


def test_two_rounds_are_enough() -> None:
    """Learning again from texts that are cut finds nothing, and cleaning them again removes nothing."""
    first = deduplicate(everything(), **ONE)
    texts = texts_of(first)
    again = deduplicate([Article(a.id, texts[a.id], source=a.source) for a in everything()], **ONE)
    assert (again.templates, dict(again.cleaned)) == ((), {})
    assert [cluster.members for cluster in again.clusters] == [cluster.members for cluster in first.clusters]


def test_run_and_templates_cut_the_same() -> None:
    """`Templates.clean` cuts from each article what a run over all of them cuts."""
    texts = texts_of(deduplicate(everything(), **ONE))
    learned = Templates.fit(everything(), **ONE)
    for article in everything():
        page = learned.clean(article)
        assert page.text == texts[article.id]
        assert page.restore() == page.original == article.text


def same(left: Templates, right: Templates) -> None:
    """Check that two tables know the same and do the same; examples are what each has met."""
    counts = [
        [(template.outlet, template.fingerprint, template.stories, template.outlets) for template in templates.found]
        for templates in (left, right)
    ]
    assert counts[0] == counts[1]
    assert len(left) == len(right)
    for article in everything():
        assert left.clean(article) == right.clean(article)


def test_parts_give_what_the_whole_gives(tmp_path: Path) -> None:
    """Batches one after another, merged tables in either order, and a table saved and loaded are as one batch."""
    articles = everything()
    whole = Templates.fit(articles, **ONE)
    assert [(template.outlet, template.stories) for template in whole.found] == [("Alpha", 10), (None, 7), ("Beta", 6)]
    left, right = articles[::2], articles[1::2]
    parts = Templates(**ONE)
    for batch in (left, [], right):
        parts.update(batch)
    same(whole, parts)
    one, other = Templates.fit(left, **ONE), Templates.fit(right, **ONE)
    before = one.found
    same(whole, one.merge(other))
    same(whole, other.merge(one))
    assert one.found == before
    whole.save(tmp_path / "templates")
    loaded = Templates.load(tmp_path / "templates", **ONE)
    same(whole, loaded)
    loaded.update(house("Delta", range(40, 45)))
    assert len(loaded) == len(whole) + 1


def test_same_articles_again_count_twice_at_most() -> None:
    """A story that comes again in later batches counts once more, however often it comes."""
    learned = Templates.fit(everything(), **ONE)
    once = {(template.outlet, template.fingerprint): template.stories for template in learned.found}
    for _ in range(3):
        learned.update(everything())
    for template in learned.found:
        stories = once.get((template.outlet, template.fingerprint), 2)
        assert stories <= template.stories <= 2 * stories


def test_versions_in_batches_of_their_own_keep_their_body() -> None:
    """A story that grows from batch to batch is one story, and keeps its body."""
    learned = Templates(**ONE)
    for number in range(8):
        article = Article(f"v{number}", f"{brief(number + 1, 40)}\n{STORIES[0]}", source="Alpha")
        learned.update([article])
        assert learned.clean(article).removed == ()


def test_stories_are_counted_up_to_a_bound() -> None:
    """From KEPT stories on the count says `at least`."""
    articles = house("Alpha", range(KEPT + 8))
    learned = Templates.fit(articles, **ONE)
    assert [template.stories for template in learned.found] == [KEPT]
    check_cut(learned.clean(articles[0]), f"in at least {KEPT} stories of Alpha")


def test_learned_templates_serve_a_run() -> None:
    """Templates of before cut the block from a single article, and stay as they are."""
    learned = Templates.fit(house("Alpha", range(12)), **ONE)
    before = learned.found
    article = Article("new", f"{STORIES[50]}\n{block(0, 40)}", source="Alpha")
    assert dict(deduplicate([article], **ONE).cleaned) == {}
    result = deduplicate([article], templates=learned, **ONE)
    assert result.cleaned["new"].text == f"{STORIES[50]}\n"
    assert learned.found == before
    off = deduplicate([article], templates=learned, clean="off", **ONE)
    assert (off.templates, dict(off.cleaned)) == ((), {})


def test_clean_takes_the_rest_of_the_furniture_too() -> None:
    """What `dedup.clean` takes off and the templates are one result, in order, with metadata and attribution."""
    text = f"date 2025-05-12 {STORIES[50]}\nMasons look over the wall (Ida N Brock/PA)\n{block(0, 40)}\n"
    page = Templates.fit(house("Reuters", range(5)), **ONE).clean(Article("a", text, source="Reuters"))
    assert [span.rule for span in page.removed] == ["date-marker", "caption-line", "template"]
    assert page.text == f"{STORIES[50]}\n"
    assert page.restore() == text
    assert dict(page.metadata) == {"published": "2025-05-12"}
    assert page.attribution is not None
    assert page.attribution.agency == "Reuters"


def test_nothing_teaches_nothing() -> None:
    """Templates of no articles know no template and clean as `dedup.clean` does."""
    for learned in (Templates(), Templates.fit([])):
        assert (len(learned), learned.found, len(learned.sightings)) == (0, [], 0)
        assert repr(learned) == "<dedup.Templates templates=0, sightings=0>"
        for text in ("", "\n", "\0\ud800", STORIES[0]):
            page = learned.clean(text)
            assert (page.text, page.removed) == (text, ())


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 3), st.sampled_from([None, "Alpha", "Beta"])), max_size=14)
)
def test_laws_hold_for_any_batch(drawn: list[tuple[int, int, str | None]]) -> None:
    """Whatever repeats where, cut texts restore, keep 20 words or stay, and a run agrees with itself in parts."""
    articles = [
        Article(f"a{n}", STORIES[story] if number < 0 else f"{STORIES[story]}\n{block(number, 30)}", source=outlet)
        for n, (story, number, outlet) in enumerate(drawn)
    ]
    result = deduplicate(articles, **ONE)
    for page in result.cleaned.values():
        assert page.restore() == page.original
        assert {span.rule for span in page.removed} == {"template"}
        assert len(page.text.split()) >= 20
    learned = Templates.fit(articles, **ONE)
    outlets = {(template.outlet, template.fingerprint) for template in learned.found}
    assert {(template.outlet, template.fingerprint) for template in result.templates} <= outlets
    cut = [article for article in articles if article.id in result.cleaned]
    assert all(learned.clean(article).text == result.cleaned[article.id].text for article in cut)


def test_templates_of_other_signatures_do_not_merge() -> None:
    """Stories are named by signatures, so tables with signatures of two seeds know nothing of each other."""
    with pytest.raises(SchemeMismatch, match="other must be of the scheme of these"):
        Templates().merge(Templates(seed=7))


def test_what_is_known_counts_before_it_is_a_template() -> None:
    """Templates that have seen a block in too few stories yet are used all the same."""
    early, late = house("Alpha", range(2)), house("Alpha", range(2, 4))
    learned = Templates.fit(early)
    assert learned.found == []
    assert deduplicate(late, **ONE).templates == ()
    (template,) = deduplicate(late, templates=learned, **ONE).templates
    assert template.stories > len(late)


def test_stories_are_named_by_the_settings_of_the_templates() -> None:
    """A story that was learned with another seed than that of the run is still no new one."""
    articles = house("Alpha", range(6))
    result = deduplicate(articles, templates=Templates.fit(articles, seed=7), **ONE)
    assert [template.stories for template in result.templates] == [6]


def test_a_saved_table_keeps_its_limit(tmp_path: Path) -> None:
    """A limit beside a file is refused, since it would not be obeyed."""
    Templates().save(tmp_path / "table")
    with pytest.raises(InvalidArgumentError, match="settings must be among"):
        Templates.load(tmp_path / "table", limit=1000)  # type: ignore[call-arg]


def test_what_was_learned_from_teaches_nothing_more() -> None:
    """Two stories that share a paragraph are two however often they come, in a batch or in a run."""
    block = "The prize is five thousand crowns, which the winner will spend on an oven door, said the jury of bakers."
    seals = (
        "Seals came into the bay on Monday, more than the harbour master had counted in thirty years from his tower."
    )
    baker = (
        "A baker in Mill Lane has won the prize for rye bread with a loaf that takes three days and two long nights."
    )
    articles = [Article(str(i), f"{lead}\n{block}", source="Gazette") for i, lead in enumerate([seals, baker])]
    known = Templates.fit(articles)
    assert deduplicate(articles, templates=known).templates == ()
    known.update(articles)
    assert known.found == []


@given(batches(pages(), min_size=1))
def test_a_batch_that_comes_again_changes_no_count(articles: list[Article]) -> None:
    """To learn from the same articles a second time leaves every template and its counts as they were."""
    known = Templates.fit(articles)
    once = known.sightings.folded()
    known.update(articles)
    again = known.sightings.folded()
    assert (once.key.tolist(), once.story.tolist()) == (again.key.tolist(), again.story.tolist())


def test_a_saved_table_knows_its_signatures(tmp_path: Path) -> None:
    """Settings that make other signatures than those a file was learned with are refused."""
    Templates(seed=7).save(tmp_path / "table")
    assert Templates.load(tmp_path / "table", seed=7).config.seed == 7
    with pytest.raises(SchemeMismatch, match=r"learned with: Scheme\(.*seed=7, .*Got Scheme\(.*seed=1, "):
        Templates.load(tmp_path / "table", seed=1)


def test_an_article_may_be_a_mapping() -> None:
    """A mapping is cleaned as the article that it describes."""
    articles = house("Alpha", range(6))
    learned = Templates.fit(articles)
    assert learned.clean({"text": articles[0].text, "source": "Alpha"}) == learned.clean(articles[0])


def test_spaces_in_the_name_of_an_outlet_do_not_matter() -> None:
    """An outlet is one outlet however its name is spaced."""
    articles = [Article(str(n), a.text, source=(" Alpha ", "Alpha")[n % 2]) for n, a in enumerate(house("", range(6)))]
    assert [template.outlet for template in Templates.fit(articles).found] == ["Alpha"]


def test_a_story_that_was_learned_is_no_new_one() -> None:
    """Articles that templates were fitted on count once when the same articles are deduplicated with them."""
    articles = house("Alpha", range(6))
    result = deduplicate(articles, templates=Templates.fit(articles, **ONE), **ONE)
    assert [template.stories for template in result.templates] == [6]


def test_bad_arguments_are_refused() -> None:
    """Each bad argument is refused by name."""
    learned = Templates()
    with pytest.raises(InvalidArgumentError, match=r"article must be an Article, a mapping or a str\. Got int\."):
        learned.clean(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=r"other must be Templates\. Got int\."):
        learned.merge(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="limit must be"):
        Templates(limit=1)
    with pytest.raises(InvalidArgumentError, match="threshold must be"):
        Templates(threshold=2.0)
    with pytest.raises(InvalidArgumentError, match="settings must be among"):
        Templates.fit([], colour="red")  # type: ignore[call-arg]
    with pytest.raises(InputError):
        learned.update([3])
    with pytest.raises(DuplicateIdError, match="id"):
        learned.update([Article("a", "x"), Article("a", "y")])


def test_files_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    """A missing file, one of something else and a folder that is not there are told by name."""
    with pytest.raises(InputError, match="missing"):
        Templates.load(tmp_path / "missing")
    (tmp_path / "other").write_text("no table")
    with pytest.raises(InputError, match="other"):
        Templates.load(tmp_path / "other")
    with pytest.raises(OutputError, match="nowhere"):
        Templates().save(tmp_path / "nowhere" / "templates")
