"""The functions of the package: what they take, what they refuse, and that they agree with each other."""

from __future__ import annotations

import random
import runpy
import time
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from dedup import (
    Article,
    Cleaned,
    Config,
    InputError,
    InvalidArgumentError,
    SchemeMismatch,
    compare,
    deduplicate,
    sketch,
)
from dedup.errors import DuplicateIdError, InvalidUtf8Error
from dedup.kernels import native, reference
from dedup.model import Edit, Passage
from oracle import found, link, shingles
from strategies import SENTENCES, batches, configs, pages, sentences
from test_config import keywords

if TYPE_CHECKING:
    from dedup.model import EditKind

HERE = Path(__file__).parent
TEXT = st.one_of(sentences(), pages(), st.text())


def test_facade_is_small_and_sorted() -> None:
    """At most 28 names are exported, sorted, and each is there."""
    assert sorted(dedup.__all__) == dedup.__all__
    assert len(dedup.__all__) <= 28
    for name in dedup.__all__:
        assert getattr(dedup, name).__doc__


@given(TEXT, TEXT, configs())
def test_comparison_equals_the_definition(left: str, right: str, config: Config) -> None:
    """Relation and scores of two texts are those of Python sets and the plain rule."""
    got = compare(left, right, **keywords(config))
    assert link(left, right, config) == (got.relation, got.jaccard, got.containment_left, got.containment_right)
    sets = [shingles(text, config.shingle_size, config.seed) for text in (left, right)]
    assert (len(sets[0]), len(sets[1])) == (got.shingles_left, got.shingles_right)
    assert len(sets[0] & sets[1]) == got.shared
    assert (Cleaned(left, left), Cleaned(right, right)) == (got.left, got.right)


@given(TEXT, TEXT, configs(clean="auto"))
def test_comparison_is_symmetric(left: str, right: str, config: Config) -> None:
    """Swapping the texts swaps the sides and changes nothing else."""
    one, other = compare(left, right, **keywords(config)), compare(right, left, **keywords(config))
    assert (one.relation, one.jaccard, one.shared) == (other.relation, other.jaccard, other.shared)
    assert (one.containment_left, one.containment_right) == (other.containment_right, other.containment_left)
    assert (one.shingles_left, one.shingles_right) == (other.shingles_right, other.shingles_left)
    assert (one.left, one.right) == (other.right, other.left)


@given(TEXT, TEXT, configs(clean="auto"))
def test_evidence_is_symmetric(left: str, right: str, config: Config) -> None:
    """Swapping the texts mirrors the passages and the word diff, and leaves the bands as they are."""
    one, other = compare(left, right, **keywords(config)), compare(right, left, **keywords(config))
    assert one.bands == other.bands
    mirrored = [Passage(p.right_start, p.right_end, p.left_start, p.left_end, p.words, p.moved) for p in other.passages]
    assert sorted(mirrored, key=astuple) == sorted(one.passages, key=astuple)
    swap: dict[EditKind, EditKind] = {"insert": "delete", "delete": "insert"}
    assert one.edits == tuple(
        Edit(swap.get(e.kind, e.kind), e.right_start, e.right_end, e.left_start, e.left_end) for e in other.edits
    )
    assert one.longest == max(one.passages, key=lambda p: p.words, default=None)


@given(TEXT, TEXT, configs(clean="auto"))
def test_bands_are_those_of_the_signatures(left: str, right: str, config: Config) -> None:
    """A band collides when all its slots are equal in the signatures of the readable twin."""
    got = compare(left, right, **keywords(config))
    one, other = reference.sketch([got.left.text, got.right.text], config).signatures.tolist()
    cut = dedup.plan(config.threshold, config.recall, num_slots=config.num_slots)
    starts = range(0, cut.bands * cut.rows, cut.rows)
    equal = [band for band, start in enumerate(starts) if one[start : start + cut.rows] == other[start:][: cut.rows]]
    has_tokens = all(map(reference.tokens, (got.left.text, got.right.text)))
    assert got.bands == (tuple(equal) if has_tokens else ())
    if got.relation == "exact":
        assert got.bands == tuple(range(cut.bands))


def test_offsets_are_of_the_texts_as_they_came() -> None:
    """Passages and edits count characters of the originals: they begin behind furniture, and go over it."""
    left = "date 2025-03-01 The wall holds for now."
    right = "“The wall holds,” he said, “for now”."
    got = compare(left, right)
    assert got.left.text == "The wall holds for now."
    assert [left[p.left_start : p.left_end] for p in got.passages] == ["The wall holds"]
    assert [right[p.right_start : p.right_end] for p in got.passages] == ["The wall holds"]
    assert [(e.kind, left[e.left_start : e.left_end], right[e.right_start : e.right_end]) for e in got.edits] == [
        ("equal", "The wall holds", "The wall holds"),
        ("insert", "", "he said"),
        ("equal", "for now", "for now"),
    ]


@pytest.mark.slow
def test_comparing_long_texts_is_quick() -> None:
    """Two texts of 100 kB, alike or not, take less than a quarter of a second of one processor, at best."""
    chance = random.Random(0)
    words = [f"{chance.choice(['the', 'of', 'wall', 'bell'])}{number % 700}" for number in range(15_000)]
    changed = [word for word in words for _ in range(chance.choice([0, 1, 1, 1, 1, 1, 2]))]
    for other in (words, changed, chance.sample(words, len(words))):
        seconds = []
        for _ in range(5):
            started = time.process_time()
            compare(" ".join(words), " ".join(other), clean="off")
            seconds.append(time.process_time() - started)
        assert min(seconds) < 0.25


def test_characters_that_fold_to_many_words_are_compared() -> None:
    """A text may have more shingles than bytes: squared abbreviations and ligatures fold to several words each."""
    chance = random.Random(1)
    left, right = ("".join(chr(chance.randrange(0x3300, 0x3358)) for _ in range(400)) for _ in range(2))
    assert compare(left, right, clean="off").shingles_left > len(left.encode())
    assert compare(left, left + right, clean="off").containment_left == 1


@given(batches(pages(), min_size=2), configs(clean="auto"))
def test_comparison_agrees_with_a_run(articles: list[Article], config: Config) -> None:
    """Two texts compared alone stand to each other as they do in a batch; roundups and versions take more to see."""
    texts = {article.id: article.text for article in articles}
    for left, right, score in found(deduplicate(articles, **keywords(config))).pairs:
        if left in texts and right in texts:
            got = compare(texts[left], texts[right], **keywords(config))
            assert score[0] == got.relation or (score[0], got.relation) in {
                ("roundup", "duplicate"),
                ("roundup", "excerpt"),
                ("version", "duplicate"),
                ("version", "excerpt"),
            }
            assert score[1:] == (got.jaccard, got.containment_left, got.containment_right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("“It isn\u2019t over,” he said.", '"It isn\'t over", he said'),
        ("THE WALL HOLDS", "the wall — holds!"),
        ("\uff26\uff55ll\u3000wi\uff44th", "full width"),
        ("café", "CAFE\u0301"),
        ("co\u00adoperate", "cooperate"),
        ("date 2025-01-01 The wall holds.", "The wall holds."),
        ("Bell", "“bell”"),
    ],
)
def test_quotes_and_case_make_no_difference(left: str, right: str) -> None:
    """Texts that fold to the same are exact, with full scores."""
    got = compare(left, right)
    assert (got.relation, got.jaccard, got.containment_left, got.containment_right) == ("exact", 1.0, 1.0, 1.0)


@pytest.mark.parametrize(("left", "right"), [("", ""), ("", "Bell."), ("…", "“”"), ("x y", "\u200b")])
def test_text_without_a_token_is_like_nothing(left: str, right: str) -> None:
    """An empty text has no relation and scores of zero, to an equal one too."""
    got = compare(left, right)
    assert (got.relation, got.jaccard, got.shared) == (None, 0.0, 0)
    assert (got.passages, got.longest, got.bands) == ((), None, ())
    assert [edit.kind for edit in got.edits] == ["insert"] * bool(native.tokens(right)) + ["delete"] * (left == "x y")
    assert (got.containment_left, got.containment_right) == (0.0, 0.0)


def test_same_shingles_in_other_order_are_no_exact_copy() -> None:
    """Texts with one shingle set and other tokens are duplicates of Jaccard 1."""
    got = compare("bell bell bell bell", "bell bell bell bell bell")
    assert (got.relation, got.jaccard) == ("duplicate", 1.0)


@given(st.lists(TEXT, max_size=4), st.integers(1, 4), st.sampled_from([16, 64]), st.sampled_from([0, 9]))
def test_sketches_of_any_layout_equal_the_twin(texts: list[str], size: int, slots: int, seed: int) -> None:
    """A list, a generator and Arrow arrays of every kind give the signatures of the readable twin."""
    # Arrow holds no lone surrogates.
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    settings: dict[str, Any] = {"shingle_size": size, "num_slots": slots, "seed": seed}
    expected = reference.sketch(texts, Config(**settings))
    sources: list[Any] = [
        texts,
        iter(texts),
        pa.array(texts, pa.string()),
        pa.array(texts, pa.large_string()),
        pa.array(texts, pa.string_view()),
        pa.array(["other", *texts, "more"], pa.string())[1:-1],
        pa.chunked_array([texts, texts[:0]], pa.large_string()),
        pl.Series("text", texts, pl.String),
        pd.Series(texts, dtype="str"),
    ]
    for source in sources:
        got = sketch(source, **settings)
        assert expected.scheme == got.scheme
        for name in ("signatures", "tokens", "shingles", "digests"):
            assert np.array_equal(getattr(expected, name), getattr(got, name))


def test_null_of_an_array_is_a_text_without_tokens() -> None:
    """A null has no token, whatever bytes stand under it."""
    hidden = pa.Array.from_buffers(
        pa.string(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([0, 4, 8], np.int32)), pa.py_buffer(b"bellbell")]
    )
    assert sketch(hidden).tokens.tolist() == [1, 0]


def test_one_str_is_one_text() -> None:
    """A str is one text, not many letters."""
    assert sketch("one two three").signatures.shape == (1, 128)
    assert sketch([]).signatures.shape == (0, 128)


def test_arrow_text_that_is_not_utf8_is_named_by_its_row() -> None:
    """The error names the first bad row."""
    bad = pa.array([b"good", b"bad \xff"], pa.binary()).view(pa.string())
    with pytest.raises(InvalidUtf8Error, match=r"^row 1 must be valid UTF-8\. Got bytes that are not\.$"):
        sketch(bad)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", 5], "texts[1] must be a str. Got 5."),
        ([None], "texts[0] must be a str. Got None."),
        (pa.array([1, 2]), "texts must be an Arrow array of strings. Got int64."),
    ],
)
def test_texts_of_another_kind_are_refused(texts: Any, message: str) -> None:
    """What is no text is named by its place."""
    with pytest.raises(InvalidArgumentError) as caught:
        sketch(texts)
    assert message == str(caught.value)


@pytest.mark.parametrize("texts", [5, None, pa.table({"text": ["a"]}), pl.DataFrame({"text": ["a"]})])
def test_what_holds_no_texts_is_refused(texts: Any) -> None:
    """Neither an iterable of str nor an Arrow array: an error of this library that names `texts`."""
    with pytest.raises(InvalidArgumentError, match=r"^texts must be "):
        sketch(texts)


def test_estimates_of_two_schemes_do_not_mix() -> None:
    """Signatures of other seeds, sizes or shingles do not compare; those of one scheme do."""
    texts = [SENTENCES[0], SENTENCES[0].upper(), ""]
    one = sketch(texts)
    assert (one.estimate(0, sketch(texts), 1), one.estimate(2, one, 2)) == (1.0, 0.0)
    others: list[dict[str, Any]] = [{"seed": 1}, {"num_slots": 64}, {"shingle_size": 2}]
    for other in others:
        with pytest.raises(SchemeMismatch, match=r"both signatures must have one scheme\. Got "):
            one.estimate(0, sketch(texts, **other), 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compare(b"x", "y"), "left must be a str. Got b'x'."),  # type: ignore[arg-type]
        (lambda: compare("x", None), "right must be a str. Got None."),  # type: ignore[arg-type]
        (lambda: compare("x", "y", threshold=0), "threshold must be in (0.0, 1.0]. Got 0."),
        (lambda: dedup.clean(3), "text must be a str. Got 3."),  # type: ignore[arg-type]
        (lambda: sketch(["x"], num_slots=100), "num_slots must be a power of two in [16, 4096]. Got 100."),
        (lambda: deduplicate([], threshold=1.5), "threshold must be in (0.0, 1.0]. Got 1.5."),
        (
            lambda: deduplicate([], linkage="single"),  # type: ignore[call-overload]
            "linkage must be one of 'canonical', 'components'. Got 'single'.",
        ),
        (
            lambda: deduplicate([], on_error="ignore"),  # type: ignore[call-overload]
            "on_error must be one of 'raise', 'skip'. Got 'ignore'.",
        ),
    ],
)
def test_bad_argument_is_named(call: Any, message: str) -> None:
    """Each error says the name, what is allowed and what came."""
    with pytest.raises(InvalidArgumentError) as caught:
        call()
    assert message == str(caught.value)


def test_bad_rows_stop_the_run_or_are_listed() -> None:
    """A row that is no article stops the run; with "skip" it is left out and listed."""
    rows = [{"id": "a", "text": "Bell."}, {"id": "b", "text": 7}, {"id": "c", "text": "Bell!"}]
    with pytest.raises(InputError, match=r"row 1: text must be a str\. Got 7\."):
        deduplicate(rows)
    result = deduplicate(rows, on_error="skip")
    assert [cluster.members for cluster in result.clusters] == [("a", "c")]
    assert [skipped.row for skipped in result.skipped] == [1]


def test_repeated_id_is_an_error() -> None:
    """Two rows of one id are named both."""
    with pytest.raises(DuplicateIdError, match="id 'a' stands twice: input, row 0 and row 2"):
        deduplicate([Article("a", "x"), Article("b", "y"), Article("a", "z")])


def test_tables_of_other_libraries_are_read() -> None:
    """What has the Arrow stream interface is a batch."""
    columns = {"id": ["a", "b"], "text": ["The bell rings.", "the bell rings"]}
    for table in (pa.table(columns), pl.DataFrame(columns), pd.DataFrame(columns)):
        assert [(cluster.canonical, cluster.members) for cluster in deduplicate(table).clusters] == [("a", ("a", "b"))]


def test_typed_user_code_runs() -> None:
    """The code that mypy checks as a user's also does what it says."""
    runpy.run_path(str(HERE / "typing" / "api.py"), run_name="__main__")


def test_unknown_settings_are_refused() -> None:
    """A setting that does not exist is named, with those that do."""
    with pytest.raises(
        InvalidArgumentError, match=r"^settings must be among shingle_size, .*threads\. Got 'treshold'\.$"
    ):
        deduplicate(["a"], treshold=0.5)  # type: ignore[call-overload]


@pytest.mark.parametrize("column", [pd.Series, pl.Series, pa.chunked_array], ids=["pandas", "polars", "pyarrow"])
def test_a_column_of_texts_is_a_batch(column: Any) -> None:
    """A column of any Arrow library is read as texts."""
    texts = ["one two three four", "five six seven eight", "One, two; three: four."]
    values = column([texts] if column is pa.chunked_array else texts)
    assert [sorted(cluster.members) for cluster in deduplicate(values).clusters] == [["0", "2"], ["1"]]
