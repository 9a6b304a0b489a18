"""The whole job against an independent oracle, and what must never change its result."""

from __future__ import annotations

import json
import math
import random
from dataclasses import fields, replace
from itertools import pairwise
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup import Article, Cleaned, Config, InputError, InvalidArgumentError, Result, clean, deduplicate, stages
from dedup.decide import decide
from dedup.errors import DuplicateIdError
from dedup.kernels import native
from dedup.matching import verify as module
from dedup.pipeline import run
from dedup.stages import STAGES
from oracle import Solution, assert_same, documents_of, found, link, solve
from strategies import SENTENCES, batches, configs, pages, sentences

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dedup.kernels.native import Texts
    from dedup.kernels.sketches import Sketches

A = "The wall holds for now, the harbour master said on Monday morning."
OFF: dict[str, Any] = {"clean": "off", "threads": 1}


def result_of(articles: list[Article], config: Config) -> Result:
    """Run the job with given settings."""
    result: Result = deduplicate(articles, **{field.name: getattr(config, field.name) for field in fields(config)})
    return result


def with_ids(*texts: str) -> list[Article]:
    """Name the texts a, b, c ..."""
    return [Article(chr(97 + number), text) for number, text in enumerate(texts)]


@given(batches(), configs())
@example(with_ids("x y", "X, y", "“x y”", ""), Config(clean="off"))
@example(with_ids("bell", "bell bell", "bell bell bell bell", "bell bell bell bell bell"), Config(clean="off"))
def test_result_equals_the_definition(articles: list[Article], config: Config) -> None:
    """Clusters, drops with their scores and related pairs are those of the definition followed literally."""
    assert_same(solve(articles, config), found(result_of(articles, config)))


@given(batches(pages(), max_size=4), configs(clean="auto"))
def test_result_of_pages_equals_the_definition(articles: list[Article], config: Config) -> None:
    """The same holds for the clean texts of pages and the stories that they carry."""
    assert_same(solve(articles, config), found(result_of(articles, config)))


@given(batches(st.text()), configs())
def test_result_of_any_text_equals_the_definition(articles: list[Article], config: Config) -> None:
    """The same holds for texts of any characters."""
    assert_same(solve(articles, config), found(result_of(articles, config)))


@given(batches(pages()), configs(clean="auto"), st.randoms(use_true_random=False))
def test_input_order_changes_nothing(articles: list[Article], config: Config, chance: random.Random) -> None:
    """The same articles in another order give the same clusters, kept documents, drops and pairs."""
    shuffled = chance.sample(articles, len(articles))
    one, other = result_of(articles, config), result_of(shuffled, config)
    assert one.clusters == other.clusters
    assert_same(found(one), found(other))
    assert one.summary() == other.summary()


#: In keep order z, y, x: y is linked to z, so x, linked to y alone, becomes canonical, and y resembles x more.
LATE = (
    Article("z", "a b c d e f k l m n o p q r s t"),
    Article("y", "a b c d e f g h i j"),
    Article("x", "b d e f g h i j"),
)


def test_member_may_join_a_canonical_that_comes_later() -> None:
    """A document joins the canonical it resembles most, also one behind it in keep order, with its true scores."""
    result = deduplicate(LATE, shingle_size=1, threshold=0.3, min_excerpt=99, **OFF)
    assert [(cluster.canonical, cluster.members) for cluster in result.clusters] == [("x", ("x", "y")), ("z", ("z",))]
    drop = result.dropped[0]
    assert (drop.article.id, drop.canonical, drop.relation) == ("y", "x", "duplicate")
    assert (drop.jaccard, drop.containment, drop.containment_canonical) == (0.8, 0.8, 1.0)


def test_components_name_no_relation_where_there_is_no_link() -> None:
    """A member that only overlaps with the canonical of its component is no link of it: no relation, no scores."""
    texts = ("a b c d e f g h i j", "g h i j k l m n o", "j k l m n o p")
    result = deduplicate(
        with_ids(*texts), shingle_size=1, threshold=0.25, min_excerpt=1, overlap=0.1, linkage="components", **OFF
    )
    assert [cluster.members for cluster in result.clusters] == [("a", "b", "c")]
    assert {(pair["left"], pair["right"]): pair["relation"] for pair in result.pairs.to_pylist()} == {
        ("a", "b"): "duplicate",
        ("b", "c"): "duplicate",
        ("a", "c"): "overlap",
    }
    assert [drop.relation for drop in result.dropped] == ["duplicate", None]
    assert [math.isnan(drop.jaccard) for drop in result.dropped] == [False, True]


def many_texts(stories: int, copies: int) -> list[Article]:
    """Return stories of 60 random words, each with copies in which one word differs."""
    chance = random.Random(7)
    articles = []
    for story in range(stories):
        words = [f"w{chance.randrange(100_000)}" for _ in range(60)]
        for copy in range(copies):
            changed = list(words)
            changed[chance.randrange(60)] = f"x{story}x{copy}"
            articles.append(Article(f"{story:04}-{copy}", " ".join(changed)))
    return articles


@pytest.mark.seconds
@pytest.mark.parametrize("exhaustive", [0, 10_000])
def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch, exhaustive: int) -> None:
    """One, two and five threads over many small chunks give the same result."""
    monkeypatch.setattr(stages, "CHUNK_CHARACTERS", 500)
    monkeypatch.setattr(module, "_CHUNK_SHINGLES", 500)
    articles = many_texts(40, 4)
    results = [deduplicate(articles, clean="off", exhaustive=exhaustive, threads=threads) for threads in (1, 2, 5)]
    first, *others = map(found, results)
    assert len(first.clusters) == 40
    for other in others:
        assert_same(first, other)


@given(batches(pages()), configs(clean="auto"), st.sampled_from([1, 40, 300]))
def test_chunks_change_nothing(articles: list[Article], config: Config, characters: int) -> None:
    """However few characters are cleaned, sketched and compared at a time, the result is the same."""
    expected = result_of(articles, config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "CHUNK_CHARACTERS", characters)
        got = result_of(articles, config)
    assert_same(found(expected), found(got))
    assert expected.summary() == got.summary()
    assert expected.cleaned == got.cleaned


@given(batches(pages(), max_size=4))
def test_every_text_is_cleaned(articles: list[Article]) -> None:
    """What a run removes from a text is what `clean` removes, and texts that it leaves alone are clean."""
    result = deduplicate(articles, threads=1)
    for article in result.articles:
        page = result.cleaned.get(article.id) or Cleaned(article.text, article.text)
        alone = clean(article.text)
        assert (alone.text, alone.removed, alone.items) == (page.text, page.removed, page.items)


@pytest.mark.parametrize("linkage", ["canonical", "components"])
def test_bands_find_what_all_pairs_find(linkage: Any) -> None:
    """Pairs far above the threshold are practically always candidates, so bands and all pairs agree."""
    articles = many_texts(60, 5)
    settings: dict[str, Any] = {"clean": "off", "linkage": linkage, "threshold": 0.5}
    banded = deduplicate(articles, exhaustive=0, **settings)
    every = deduplicate(articles, exhaustive=len(articles), **settings)
    assert_same(found(every), found(banded))
    assert banded.summary()["candidate_pairs"] < every.summary()["candidate_pairs"]


@given(batches(min_size=1), configs(threshold=1.0, containment=1.0, min_excerpt=10**6))
def test_texts_of_one_shingle_set_always_meet_in_a_band(articles: list[Article], config: Config) -> None:
    """Equal shingle sets agree in every slot, so at threshold 1 bands miss nothing."""
    config = replace(config, overlap=1.0, min_passage=10**6)
    assert_same(solve(articles, config), found(result_of(articles, replace(config, exhaustive=0))))


@given(articles=batches(sentences().filter(str.isprintable), min_size=1))
def test_layout_of_the_batch_changes_nothing(tmp_path_factory: pytest.TempPathFactory, articles: list[Article]) -> None:
    """Articles, dicts, an Arrow table, a JSONL file and a generator give the same result."""
    rows = [{"id": one.id, "text": one.text, "source": one.source, "published": one.published} for one in articles]
    path = tmp_path_factory.mktemp("layout") / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    expected = found(deduplicate(articles, **OFF))
    for source in (rows, pa.Table.from_pylist(rows), path, str(path), iter(rows), tuple(articles)):
        assert_same(expected, found(deduplicate(source, **OFF)))


@given(batches(pages()), configs(clean="auto"))
def test_contract_of_a_result(articles: list[Article], config: Config) -> None:
    """Each cluster keeps one document, its first; each drop names it; kept and dropped make up the batch."""
    result = result_of(articles, config)
    documents = documents_of(articles, config)
    kept = {article.id for article in result.kept}
    names = [name for cluster in result.clusters for name in cluster.members]
    assert sorted(documents) == sorted(names)
    assert len(result) == len(names) == len(result.kept) + len(result.dropped)
    for cluster in result.clusters:
        assert [cluster.canonical] == [name for name in cluster.members if name in kept]
        assert cluster.canonical == cluster.members[0]
        assert cluster.size == len(cluster.members)
    home = {name: cluster.canonical for cluster in result.clusters for name in cluster.members}
    for drop in result.dropped:
        assert drop.article.id not in kept
        assert home[drop.article.id] == drop.canonical
        if config.linkage == "canonical":
            _, mine = documents[drop.article.id]
            _, its = documents[drop.canonical]
            relation, *scores = link(mine, its, config)
            assert scores == [drop.jaccard, drop.containment, drop.containment_canonical]
            assert relation in {"exact", "duplicate", "excerpt"}
            # Two texts alone do not tell which came later.
            assert drop.relation in {relation, "version"} - ({"version"} if relation == "exact" else set())


@given(st.lists(st.sampled_from(["", " ", "…", "\n\n", "“”", "\u200b", "\ud800"]), max_size=6), configs())
def test_texts_without_a_token_match_nothing(texts: list[str], config: Config) -> None:
    """Empty texts are never dropped and never paired, however equal they are."""
    result = result_of(with_ids(*texts), config)
    assert [article.text for article in result.kept] == texts
    assert result.pairs.num_rows == 0
    assert result.summary()["empty"] == len(texts)


def test_nothing_in_nothing_out() -> None:
    """No article gives a result without clusters."""
    sources: list[Any] = [[], (), iter([]), pa.table({"text": pa.array([], pa.string())})]
    for source in sources:
        result = deduplicate(source)
        assert (result.clusters, result.kept, result.dropped, len(result)) == ([], [], [], 0)
        assert result.pairs.num_rows == result.to_arrow().num_rows == 0


def sketched_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the rows that the sketch kernel is given."""
    rows: list[int] = []
    real = native.fill_sketches_and_samples

    def counted(texts: Texts, config: Config, start: int, stop: int, out: Sketches) -> Any:
        rows.append(stop - start)
        return real(texts, config, start, stop, out)

    monkeypatch.setattr(native, "fill_sketches_and_samples", counted)
    return rows


def test_exact_copies_cost_one_sketch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that are equal byte for byte are sketched once, all others each."""
    rows = sketched_rows(monkeypatch)
    result = deduplicate([*[A] * 50, A.upper(), *["Another story altogether."] * 3], **OFF)
    assert sum(rows) == 3
    assert [cluster.size for cluster in result.clusters] == [51, 3]
    assert {"exact"} == {drop.relation for drop in result.dropped}


def test_copies_with_other_ids_stand_in_one_pair_each() -> None:
    """Copies of one text are all linked to the best of them, with full scores, and no pair is verified."""
    result = deduplicate([Article(name, A) for name in "dcba"], **OFF)
    assert [(cluster.canonical, cluster.members) for cluster in result.clusters] == [("a", ("a", "b", "c", "d"))]
    assert [("a", name) for name in "dcb"] == [(pair["left"], pair["right"]) for pair in result.pairs.to_pylist()]
    assert {1.0} == {score for drop in result.dropped for score in (drop.jaccard, drop.containment)}
    assert result.summary()["candidate_pairs"] == 0


BLOCK = (
    "Comments\nNo comments yet...\nRelated Articles\n\n"
    f"Tarn Journal\n3 minutes ago\n- Tarn Journal\nWall to be mended\n{A}\n"
    f"The Herald\n1 hour ago\n- The Herald\nWall holds\n{SENTENCES[4]} {SENTENCES[5]}\n"
)


def test_stories_of_a_page_join_the_batch() -> None:
    """A story that a page carries is a document of its own: derived id, outlet, headline, and the page as parent."""
    result = deduplicate([Article("page", f"date 2025-04-01 {SENTENCES[2]}\n{BLOCK}"), Article("z", A)])
    assert [article.id for article in result.articles] == ["page", "z", "page#1", "page#2"]
    page, _, first, second = result.articles
    assert page.published == "2025-04-01"
    assert (first.parent, first.source, first.title) == ("page", "Tarn Journal", "Wall to be mended")
    assert (second.parent, second.source, second.title) == ("page", "The Herald", "Wall holds")
    assert {("page#1", ("page#1", "z")), ("page", ("page",)), ("page#2", ("page#2",))} == found(result).clusters
    assert {"page"} == set(result.cleaned)
    assert result.summary()["items"] == 2
    assert len(deduplicate([f"{SENTENCES[2]}\n{BLOCK}", A], clean="off")) == 2


def test_own_date_wins_over_the_marker() -> None:
    """The marker of a page tells the date only where the article has none."""
    result = deduplicate([Article("a", f"date 2025-04-01 {A}", published="2025-05-05")])
    assert result.articles[0].published == "2025-05-05"


def test_collision_of_an_item_id_is_an_error() -> None:
    """An article that already has the id of a page's story is named."""
    with pytest.raises(DuplicateIdError, match=r"id must be unique. Got 'page#1' .* page 'page' carries"):
        deduplicate([Article("page", f"{SENTENCES[2]}\n{BLOCK}"), Article("page#1", A)])


def constant_hashes(_texts: Texts, _seed: int, start: int, stop: int, out: Any) -> None:
    """Stand in for a hash that collides always."""
    out[start:stop] = 7


def constant_digests(real: Callable[..., None]) -> Callable[..., None]:
    """Return a sketch kernel whose digests collide always."""

    def fill(texts: Texts, config: Config, start: int, stop: int, out: Sketches) -> None:
        real(texts, config, start, stop, out)
        out.digests[start:stop] = 7

    return fill


#: Equal bytes, equal folds, and neither, in an order in which the first text of a group is no twin of the later ones.
TWINS = ("", A, SENTENCES[1], A, A.upper(), SENTENCES[1].upper(), "Bell", "", "bell!", A.lower(), SENTENCES[1])


def test_collision_of_text_hashes_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts count as copies because they are equal, not because their hashes are."""
    expected = found(deduplicate(with_ids(*TWINS), **OFF))
    monkeypatch.setattr(native, "fill_text_hashes", constant_hashes)
    assert_same(expected, found(deduplicate(with_ids(*TWINS), **OFF)))


def test_collision_of_digests_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folded texts count as equal because they are, not because their digests are."""
    expected = found(deduplicate(with_ids(*TWINS), **OFF))
    monkeypatch.setattr(native, "fill_sketches", constant_digests(native.fill_sketches))
    assert_same(expected, found(deduplicate(with_ids(*TWINS), **OFF)))


@pytest.mark.parametrize("limit", [2, 8, 64])
def test_crowded_buckets_are_counted_and_do_not_lose_the_cluster(limit: int) -> None:
    """More near copies than a bucket may hold still meet through the best of them, in far fewer pairs."""
    articles = many_texts(1, 300)
    settings: dict[str, Any] = {"clean": "off", "exhaustive": 0, "bucket_limit": limit, "linkage": "components"}
    result = deduplicate(articles, **settings)
    summary = result.summary()
    assert (summary["clusters"], summary["largest_cluster"]) == (1, 300)
    assert summary["capped_buckets"] > 0
    assert summary["omitted_pairs"] > 0
    assert summary["candidate_pairs"] < 300 * 299 / 2


def test_crowded_documents_are_looked_at_again() -> None:
    """Near copies that a crowded bucket did not pair are found among those that are still kept."""
    chance = random.Random(1)
    base = ["".join(chance.choices(ascii_lowercase, k=6)) for _ in range(30)]
    articles = []
    for number in range(800):
        words = list(base)
        for _ in range(2):
            words[chance.randrange(30)] = "".join(chance.choices(ascii_lowercase, k=8))
        articles.append(Article(str(number), " ".join(words)))
    result = deduplicate(articles, clean="off", bucket_limit=8)
    assert result.summary()["capped_buckets"] > 0
    again = deduplicate(result.kept, clean="off", exhaustive=10_000)
    assert again.summary()["dropped"] == 0


def test_unreachable_recall_is_refused_before_any_work() -> None:
    """A threshold that no bands can find is an error for small batches too, where bands are not used."""
    with pytest.raises(InvalidArgumentError, match=r"^recall must be at most 0\.\d+ for threshold 0\.01 "):
        deduplicate(["a b c"], threshold=0.01)


def test_progress_covers_every_stage() -> None:
    """Each stage tells its total first and ends with all of it done, in the order of the stages."""
    told: dict[str, list[tuple[int, int]]] = {}
    deduplicate(
        many_texts(30, 2),
        exhaustive=0,
        progress=lambda stage, done, total: told.setdefault(stage, []).append((done, total)),
    )
    assert list(STAGES) == list(told)
    for steps in told.values():
        # A stage may come again, and begins at 0 again.
        again = [place for place in range(1, len(steps)) if steps[place][0] == 0 and steps[place - 1] != steps[place]]
        for start, stop in pairwise([0, *again, len(steps)]):
            total = steps[start][1]
            done = [step[0] for step in steps[start:stop]]
            assert (0, total) == (done[0], done[-1])
            assert done == sorted(done)
            assert {total} == {step[1] for step in steps[start:stop]}


def test_outcome_holds_what_its_docstring_says() -> None:
    """Order, representatives and documents are rows; documents are representatives with a token, in keep order."""
    outcome = run(with_ids("", A, A.upper(), SENTENCES[1]), Config(clean="off")).outcome
    assert outcome.representative.tolist() == [0, 1, 1, 3]
    assert outcome.order.tolist() == [1, 2, 3, 0]
    assert outcome.documents.tolist() == [1, 3]
    decision = decide(outcome, Config(clean="off"))
    assert decision.canonical.tolist() == [0, 1, 1, 3]
    assert np.array_equal([-1, -1, -1, -1], decision.evidence)


def test_path_of_a_folder_reads_its_texts(tmp_path: Path) -> None:
    """A folder of text files is a batch whose ids are the names of the files."""
    for name, text in {"one": A, "two": A.upper(), "three": SENTENCES[1]}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    expected = Solution({("one", ("one", "two")), ("three", ("three",))}, {}, set())
    assert expected.clusters == found(deduplicate(tmp_path)).clusters


def test_a_text_that_is_too_long_is_named() -> None:
    """A text above the kernels' limit is an error that names its document, the limit and its size."""
    articles = [Article("short", "Bell."), Article("long", "a" * (native.MAX_TEXT_BYTES + 1))]
    with pytest.raises(InputError, match=r"^text of 'long' must be at most 64 MiB of UTF-8\. Got 67108865 bytes\.$"):
        deduplicate(articles)
