"""The lexicon and the weights that are shipped, and how the cues of a block become its kind."""

from __future__ import annotations

from collections import defaultdict
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.boilerplate import lexicon
from dedup.boilerplate.classify import SCORE_UNIT, cue, furniture_kinds, read_blocks, weights
from dedup.errors import InvalidArgumentError
from dedup.kernels.blocks import COLUMNS, KINDS, NODES, PLACES, REACH, WORDS
from dedup.kernels.native import Texts

LANGUAGES = ("ar", "de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "tr", "uk", "zh")
PROSE = "The harbour council met on Tuesday and agreed to mend the old wall before winter."
TABLE = files("dedup.boilerplate").joinpath("cues.tsv").read_text(encoding="utf-8")
ROWS = [line.split("\t") for line in TABLE.splitlines() if not line.startswith("#")]


def bits(**strictness: int) -> int:
    """Return the cues of a block as the kernel packs them."""
    return sum(value << 2 * KINDS.index(kind) for kind, value in strictness.items())


@pytest.mark.seconds
def test_weights_hold_the_lexicon() -> None:
    """What is shipped is what the table of cues gives."""
    assert lexicon.parse(TABLE) == weights()[0]


def test_table_is_sorted_and_has_four_columns() -> None:
    """A row is kind, place, language and phrase, and stands once, in the order of kind, language and phrase."""
    assert {len(row) for row in ROWS} == {4}
    keys = [(kind, language, phrase) for kind, _, language, phrase in ROWS]
    assert keys == sorted(set(keys))


def test_table_uses_known_names() -> None:
    """Kinds, places and languages are those that the kernel and the issue name."""
    assert {row[0] for row in ROWS} == {*KINDS, *WORDS}
    assert {row[1] for row in ROWS} == set(PLACES)
    assert {row[2] for row in ROWS} == {*LANGUAGES, "*"}


def test_phrases_are_folded() -> None:
    """Phrases are in lower case with single spaces and straight apostrophes, or no block could have them."""
    for *_, phrase in ROWS:
        assert phrase == phrase.lower()
        assert phrase.split() == phrase.split(" ")
        assert not {"\u2019", "\u2018"} & set(phrase)
        assert len(phrase.encode()) >= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_names_every_kind(language: str) -> None:
    """Each language has at least 25 cues, words of prose and of dates, and some of each kind but datelines."""
    cues = defaultdict(set)
    for kind, _, said_in, phrase in ROWS:
        if said_in == language:
            cues[kind].add(phrase)
    assert sum(len(phrases) for kind, phrases in cues.items() if kind not in WORDS) >= 25
    assert cues.keys() >= {*KINDS, *WORDS} - {"dateline"}


def test_first_of_two_rows_counts() -> None:
    """A phrase that two languages use for two things is what the first row says; other places add to it."""
    rows = "# a comment\n\nrelated\tstart\ten\tplus\npromo\tstart\tfr\tplus\nadvert\twhole\tnl\tplus\n"
    assert lexicon.parse(rows) == lexicon.parse("related\tstart\ten\tplus\nadvert\twhole\tnl\tplus")
    assert lexicon.parse(rows) != lexicon.parse("promo\tstart\ten\tplus\nadvert\twhole\tnl\tplus")


def test_phrase_of_one_byte_is_refused() -> None:
    """The trie begins with two bytes."""
    with pytest.raises(InvalidArgumentError, match=r"phrases must have two bytes or more\. Got b'x'"):
        lexicon.parse("related\tstart\ten\tx")


def test_weights_fit_the_kernel() -> None:
    """Trees look at columns of a block or of its neighbours within reach, and no sum of leaves overflows."""
    _, forest = weights()
    places, leaves = np.frombuffer(forest.places, np.int16), np.frombuffer(forest.leaves, np.int16)
    far = REACH * len(COLUMNS)
    assert places.min() >= -far
    assert places.max() < far + len(COLUMNS)
    assert len(forest.limits) == len(forest.places) == 2 * NODES * (len(leaves) // (NODES + 1))
    assert np.abs(leaves.reshape(-1, NODES + 1).astype(np.int64)).max(axis=1).sum() < 2**31


def test_longer_blocks_need_less() -> None:
    """A long block is taken for the story at odds at which a short one is not: its loss is greater."""
    _, forest = weights()
    assert forest.many < forest.few <= 0


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 3)), max_size=4, unique_by=lambda pair: pair[0]))
@example([("related", 2), ("promo", 2)])
def test_strictest_cue_names_the_kind(cues: list[tuple[str, int]]) -> None:
    """The kind is that of the strictest cue, of several the first of KINDS."""
    strict = [(-value, KINDS.index(kind), kind) for kind, value in cues if value]
    expected = (min(strict)[2], -min(strict)[0]) if strict else (None, 0)
    assert cue(bits(**dict(cues))) == expected


def kinds(*blocks: tuple[int, int, bool]) -> list[tuple[str, str]]:
    """Return the kinds of blocks with their cues, words and whether they are furniture."""
    return [*furniture_kinds(*map(list, zip(*blocks, strict=True)))]


RELATED, PROMO, TEXT, WORD = bits(related=2), bits(promo=1), (0, 40, False), (0, 6, True)


def test_kind_of_a_block_with_a_cue() -> None:
    """A block with a cue is of its kind, whatever its place, and of the strictest when it has several."""
    assert kinds((RELATED, 2, True)) == [("related", "cue")]
    assert kinds((PROMO, 9, True)) == [("promo", "cue")]
    assert kinds((PROMO | bits(cookie=3), 9, True)) == [("cookie", "cue")]


def test_kind_below_a_heading() -> None:
    """Below a heading furniture is of its kind, unless a strict cue says otherwise, until the story goes on."""
    assert kinds((RELATED, 2, True), WORD, (PROMO, 9, True), (bits(promo=2), 9, True), WORD, TEXT, WORD) == [
        ("related", "cue"),
        ("related", "extent"),
        ("related", "extent"),
        ("promo", "cue"),
        ("promo", "extent"),
        ("related", "shape"),
        ("related", "shape"),
    ]


def test_heading_of_the_story_opens_an_extent() -> None:
    """A heading that stays, perhaps by mistake, still names what is below it."""
    assert kinds(TEXT, (RELATED, 2, False), WORD)[2] == ("related", "extent")


def test_some_cues_open_nothing() -> None:
    """A credit or a caption says nothing of the lines below it."""
    for kind in ("caption", "credit", "metadata", "copyright", "navigation", "advert"):
        assert kinds(TEXT, (bits(**{kind: 3}), 2, True), WORD)[2] == ("related", "shape")


def test_extent_ends_by_itself() -> None:
    """A heading names at most forty blocks."""
    rules = [rule for _, rule in kinds((RELATED, 2, True), *[WORD] * 60)]
    assert rules == ["cue", *["extent"] * 40, *["shape"] * 20]


def test_kind_by_shape() -> None:
    """Without a cue, furniture is a menu above the story and where it is short, else another story's headline."""
    assert kinds(WORD, TEXT, WORD, (0, 3, True), (0, 4, True)) == [
        ("navigation", "shape"),
        ("related", "shape"),
        ("related", "shape"),
        ("navigation", "shape"),
        ("related", "shape"),
    ]
    assert furniture_kinds([], [], []) == []


@given(st.lists(st.lists(st.sampled_from([PROSE, "Related Articles", "Home", "", "港", "\ud800", "\0"]), max_size=5)))
def test_blocks_of_a_text_are_its_own(drawn: list[list[str]]) -> None:
    """What is seen of a text does not depend on the texts beside it."""
    texts = ["\n".join(lines) for lines in drawn]
    blocks = read_blocks(Texts.from_strings(texts))
    assert len(blocks.firsts) == len(texts) + 1
    for row, text in enumerate(texts):
        alone = read_blocks(Texts.from_strings([text]))
        part = slice(*blocks.firsts[row : row + 2].tolist())
        for name in ("cues", "fingerprints", "words", "scores", "furniture"):
            assert getattr(blocks, name)[part].tolist() == getattr(alone, name).tolist()


def test_prose_scores_higher_than_furniture() -> None:
    """A score is the odds that a block is of the story, in thousandths of a natural logarithm."""
    blocks = read_blocks(Texts.from_strings([f"Home\nSport\nSign in\n{PROSE}\n{PROSE} It will be mended.\nMost read"]))
    assert blocks.furniture.tolist() == [True, True, True, False, False, True]
    assert blocks.scores[blocks.furniture].max() < 0
    assert blocks.scores[~blocks.furniture].min() > SCORE_UNIT
