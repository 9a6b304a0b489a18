"""The second kernel equals its readable twin, follows its lexicon as a plain search would, is linear and safe."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.errors import InvalidArgumentError
from dedup.kernels import _blocks, blocks, reference_blocks
from dedup.kernels.blocks import COLUMNS, DEPTH, KINDS, MAX_BLOCKS, NODES, PLACES, REACH, Forest, Lexicon
from dedup.kernels.native import Texts
from dedup.kernels.reference_blocks import DATE, FUNCTION, HEAD_BYTES, MEANINGS, TAIL_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

#: Phrases that overlap, that begin with marks, and of scripts without spaces; one ends within a character.
PHRASES = (
    *("the", "of the", "and", "may", "may june", "june july", "june", "of", "photo", "photo by", "read more"),
    *("related", "related articles", "©", "© 2024", "“", "->", "читайте", "читайте также", "عاجل", "漢", "漢字", "字"),
    *("カ", "ไท", "12 may", "x1", "longwords", "longwords of", "the the the the"),
)
CUES = {
    **{phrase.encode(): number % 19 for number, phrase in enumerate(PHRASES, 17)},
    **{phrase.encode(): FUNCTION for phrase in ("the", "of", "and", "и", "在")},
    **{phrase.encode(): DATE for phrase in ("may", "june", "may june july", "月")},
    b"related": 8 | 9 << 5 | 10 << 10,
    b"related articles": 9 << 5 | 8 << 10,
    b"photo": 4 << 5,
    b"photo by": 5 << 10,
    # Numbers that are no kinds of cue.
    b"read more": 31 | FUNCTION << 5 | DATE << 10,
    b"\xe3\x82": 3,
}
LEXICON = Lexicon.of(CUES)

#: Trees over columns of a block and of its neighbours, some of them beyond the page.
FOREST = Forest(
    np.random.default_rng(1)
    .integers(-REACH * len(COLUMNS), (REACH + 1) * len(COLUMNS), 80 * NODES, np.int16)
    .tobytes(),
    np.random.default_rng(2).integers(-1, 40, 80 * NODES, np.int16).tobytes(),
    np.random.default_rng(3).integers(-(2**15), 2**15, 80 * (NODES + 1), np.int16).tobytes(),
    few=-40_000,
    many=-90_001,
    page=-30_000,
)

#: Marks that columns tell apart.
MARKS = {
    *".!?\u2026,;:|/\xb7\u2022\xbb\xab\u203a\u2192()[]@'\"\u2018\u2019\u201c\u201d\u201e\u201f-\u2012\u2013\u2014\u2015*>+#\xa9"
}
MARKS |= {
    *"\u3001\u3002\u300c\u300d\u300e\u300f\u061b\u061f\u06d4\u0964\u060c\uff01\uff08\uff09\uff0c\uff1a\uff1f",
    "\u200b",
    "\ufeff",
}

_pieces = st.one_of(
    st.sampled_from([*PHRASES, *map(str.upper, PHRASES), *map(str.title, PHRASES)]).map(str.encode),
    st.sampled_from(
        [" ", " ", "  ", "\n", "\n\n", "\r\n", "\r", "\0", "\t", "\u00a0", "\u3000", "\u202f", "\u200b", "\ufeff"]
    ).map(str.encode),
    st.sampled_from([*".!?…,;:|/·•»«→()[]@'\"“”„-—*>+#", "...", ". . .", ".”", ".' ", "? ", "。", "؟", "،", "、"]).map(
        str.encode
    ),
    st.sampled_from(["\u203a", "\u2018", "\u2019", "\uff01", "\uff1f", "\uff08", "\uff0c", "\uff1a"]).map(str.encode),
    st.sampled_from(["7", "12", "2024", "3rd", "x1y2", "٣", "١٢", "\uff17", "½"]).map(str.encode),
    st.sampled_from(
        [
            "Ж",
            "ЁЛКА",
            "Привет",
            "мир",
            "ΑΒΓ",
            "Ά",
            "É",
            "Ž",
            "ĶĸŊ",
            "İstanbul",
            "ŸŹ",
            "\u00d7",
            "سلام",
            "हिन्दी।",
            "한국어",
        ]
    ).map(str.encode),
    st.sampled_from(
        ["漢字", "仮名", "ひらがな", "カタカナ", "ไทย", "在", "5月3日", "𠀀", "\U0001f30a", "ﾊﾟ", "\uff21\uff5a"]
    ).map(str.encode),
    st.text(max_size=6).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.builds(
        lambda char, size: char * size, st.sampled_from([b"w", "é".encode(), "漢".encode()]), st.integers(4, 200)
    ),
    st.builds(
        lambda word, size: word * size,
        st.sampled_from([b"longwords of the ", b"The end. ", b"w, "]),
        st.integers(1, 60),
    ),
    st.sampled_from(
        [
            b"\x80",
            b"\xff",
            b"\xc2",
            b"\xc0\xa0",
            b"\xe3\x82",
            b"\xe3ab",
            b"\xed\xa0\x80",
            b"\xf0\x9f\x8c",
            b"\xf7\xbf\xbf\xbf",
        ]
    ),
)
#: Pages of few and of many lines, with words of many scripts and bytes that are no UTF-8.
pages = st.one_of(
    *(st.lists(_pieces, max_size=24).map(glue.join) for glue in (b"", b" ", b"\n")),
    st.lists(st.lists(_pieces, max_size=5).map(b" ".join), max_size=30).map(b"\n".join),
)


def see(text: bytes, lexicon: Lexicon = LEXICON) -> NDArray[np.int32]:
    """Return what the kernel sees of each block of a text, valid or not."""
    return np.frombuffer(_blocks.see_text(text, lexicon.parts), np.int32).reshape(-1, len(COLUMNS))


def column(text: str, name: str, phrases: Mapping[bytes, int] = CUES) -> list[int]:
    """Return one column of what is seen of a text."""
    return [int(value) for value in blocks.see(text, Lexicon.of(phrases))[:, COLUMNS.index(name)]]


def read(*texts: bytes, lexicon: Lexicon = LEXICON, forest: Forest = FOREST) -> blocks.Blocks:
    """Read the blocks of some texts that stand side by side in memory."""
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    return blocks.read(Texts.from_buffers(b"".join(texts), offsets), lexicon, forest)


def assert_same(left: blocks.Blocks, right: blocks.Blocks) -> None:
    """Assert that two readings are equal in every array."""
    for name in blocks.Blocks.__slots__:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)


def expect(texts: list[bytes], forest: Forest = FOREST) -> blocks.Blocks:
    """Read some texts by the twin."""
    tables = [reference_blocks.see(text, CUES) for text in texts]
    judged = [reference_blocks.judge(text, CUES, forest) for text in texts]
    return blocks.Blocks(
        np.cumsum([0, *map(len, tables)], dtype=np.int64),
        np.array([value for text in texts for value in reference_blocks.cues(text, CUES)], np.uint32),
        np.array([value for text in texts for value in reference_blocks.fingerprints(text, CUES)], np.uint64),
        np.array([row[COLUMNS.index("words")] for table in tables for row in table], np.int32),
        np.array([value for scores, _ in judged for value in scores], np.int32),
        np.array([value for _, furniture in judged for value in furniture], np.bool_),
    )


def locate(*texts: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Locate the blocks of some texts that stand side by side in memory."""
    return blocks.locate(Texts.from_buffers(b"".join(texts), np.cumsum([0, *map(len, texts)], dtype=np.int64)))


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes a processor, whatever else the machine does."""
    start = time.process_time()
    work()
    return time.process_time() - start


# ------------------------------------------------------------------------------------------------------------ twins


def test_every_column_has_a_meaning() -> None:
    """The twin says in one line what each column is, in the order of the columns."""
    expected = [name.split(":")[0] + ":" * (":" in name) for name in COLUMNS]
    assert list(MEANINGS) == list(dict.fromkeys(expected))


@given(pages)
@example(b"")
@example(b"\n \r\n\0")
@example("\u00a0".encode())
@example(b"Photo\xe3")
@example(b"of the\n" * 12)
def test_see(text: bytes) -> None:
    """Every number that is seen of every block is that of the twin."""
    found, expected = see(text), reference_blocks.see(text, CUES)
    np.testing.assert_array_equal(found, np.array(expected, np.int32).reshape(-1, len(COLUMNS)))


@given(
    st.lists(pages, max_size=4), st.integers(-200_000, 200_000), st.integers(-200_000, 200_000), st.integers(0, 50_000)
)
def test_read(texts: list[bytes], few: int, many: int, more: int) -> None:
    """Cues, fingerprints, words, scores and furniture are those of the twin, for each text of a batch."""
    forest = replace(FOREST, few=few, many=many, page=max(few, many) + more)
    assert_same(read(*texts, forest=forest), expect(texts, forest))


@given(st.lists(pages, max_size=4))
def test_locate(texts: list[bytes]) -> None:
    """Blocks are where the twin finds them, counted in characters: in bytes that continue none."""
    firsts, starts, ends = locate(*texts)
    found = [[(text, *place) for place in reference_blocks.blocks(text)] for text in texts]
    assert firsts.tolist() == np.cumsum([0, *map(len, found)]).tolist()

    def characters(text: bytes) -> int:
        return sum(byte & 0xC0 != 0x80 for byte in text)

    places = [(characters(text[:start]), characters(text[:end])) for own in found for text, start, end in own]
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == places


@given(st.binary(max_size=700))
def test_bytes_that_are_no_text(text: bytes) -> None:
    """The twins agree on any bytes."""
    assert_same(read(text), expect([text]))


@pytest.mark.seconds
@pytest.mark.parametrize("start", [*range(0x21, 0x3200, 512), 0xA000, 0xD700, 0xFE00, 0xFF00, 0x1EF00, 0x1FF00])
def test_every_kind_of_code_point(start: int) -> None:
    """A code point counts as the same letter, capital, digit, mark, space or ideograph, alone and before a stop."""
    lines = [f"{chr(point)} B{chr(point)}. {chr(point)}b" for point in range(start, start + 512)]
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    np.testing.assert_array_equal(see(text), reference_blocks.see(text, CUES))


@pytest.mark.parametrize("mark", sorted(MARKS))
def test_every_mark_in_every_place(mark: str) -> None:
    """A mark at the start, within, at the end, repeated, alone, and around the end of a sentence counts the same."""
    forms = (
        "{}one",
        "one{}",
        "one {} Two",
        "one{}two",
        "{}",
        "one{}{}",
        "one{}{}{}",
        "one{} {} {}",
        "one.{} Two",
        "One{} Two",
    )
    after = (
        "one. {}Two",
        "one.{}Two",
        "one. {} Two",
        "one. two{} Three",
        "one.{} 2 Three",
        "{}{} One",
        "12 {} one",
        "one {}.",
    )
    lines = [form.replace("{}", mark) for form in (*forms, *after)]
    # The same words with a straight apostrophe, which may make them repeats.
    text = "\n".join([*lines, *(line.replace(mark, "'") for line in lines)]).encode()
    np.testing.assert_array_equal(see(text), reference_blocks.see(text, CUES))


@pytest.mark.seconds
@pytest.mark.parametrize("words", [14, 15, 16, 39, 40, 41])
def test_what_is_prose(words: int) -> None:
    """Every number of function words and end of a block makes prose of the same lengths."""
    ends = ("", ".", ",", "\u201d", ":", "...")
    lines = ["the " * known + "wall " * (words - known - 1) + "ends" + end for known in range(words) for end in ends]
    text = "\n".join(lines).encode()
    found = see(text)
    np.testing.assert_array_equal(found, reference_blocks.see(text, CUES))
    assert 0 < found[:, COLUMNS.index("prose")].sum() < len(lines) or words == 14


def test_capitals_are_those_of_unicode() -> None:
    """A Latin, Greek or Cyrillic letter of the main ranges is a capital if and only if Unicode's has a small one."""
    letters = [chr(point) for start, stop in ((0x41, 0x180), (0x391, 0x530)) for point in range(start, stop)]
    # Left out: a letter whose small one is in Latin-1, accented Greek, and Cyrillic letters of few languages.
    known = [letter for letter in letters if letter.isalpha() and letter != "\u0178" and letter < "\u0460"]
    known = [letter for letter in known if not "\u03aa" <= letter <= "\u03ff"]
    shares = column("\n".join(known), "capital_share", {})
    assert [share == 100 for share in shares] == [letter.lower() != letter for letter in known]


@pytest.mark.seconds
@pytest.mark.parametrize("cut", [HEAD_BYTES, 700 - TAIL_BYTES, HEAD_BYTES + TAIL_BYTES])
@pytest.mark.parametrize("char", ["é", "漢", "𠀀", "a", " "])
def test_long_blocks_are_cut_between_characters(char: str, cut: int) -> None:
    """Wherever a character stands at the cuts of a long block, the twins see the same of its ends."""
    for before in range(cut - 6, cut + 2):
        for size in (before + 4, HEAD_BYTES + TAIL_BYTES, HEAD_BYTES + TAIL_BYTES + 1, 700):
            text = (b"b" * before + char.encode() + b"c" * 700)[:size]
            np.testing.assert_array_equal(see(text), reference_blocks.see(text, CUES))


@pytest.mark.seconds
@pytest.mark.parametrize("stop", ["", "é", "漢", "A", "7", ".", "`", "{", "\x7f", "\x80"])
def test_words_of_every_length(stop: str) -> None:
    """Words of up to twenty letters, whatever follows and however near the end, are hashed and counted the same."""
    words = [letters * 7 for letters in ("abc", "xyz", "Zaz")]
    lines = [f"{word[:size]}{stop}{word[:rest]}" for word in words for size in range(21) for rest in (0, 1, 9)]
    text = "\n".join([*lines, *lines[::2]]).encode()
    np.testing.assert_array_equal(see(text), reference_blocks.see(text, CUES))
    assert_same(read(text), expect([text]))


def test_words_that_find_no_place_in_the_table() -> None:
    """Where a word finds no slot, both twins take it for one that was never seen."""
    words = colliding_words(400, slots=16, mask=2047, letters=4)
    lines = [" ".join(words[start : start + 50]) + ", so" for start in range(0, 400, 50)]
    text = "\n".join([*lines, *(line.upper() for line in lines)]).encode()
    assert_same(read(text), expect([text]))
    table = see(text)
    np.testing.assert_array_equal(table, reference_blocks.see(text, CUES))
    known = table[:, COLUMNS.index("known_words")]
    # Sixteen slots and the fifteen behind them, in each copy.
    assert known.sum() == 2 * 31


def colliding_words(count: int, *, slots: int, mask: int, letters: int) -> list[str]:
    """Return different words of `letters` + 1, whose own places in a table of `mask + 1` are the first `slots`."""
    alphabet = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", np.uint8)
    prime, step = np.uint32(0x01000193), np.uint32(0x9E3779B1)
    found: list[str] = []
    for first in alphabet:
        hashes = np.array([0x811C9DC5], np.uint32)
        for place in range(letters + 1):
            hashes = ((hashes[:, None] ^ (alphabet[None, :] if place else first)) * prime).ravel()
        places = ((hashes | np.uint32(1)) * step >> np.uint32(7)) & np.uint32(mask)
        for number in np.flatnonzero(places < slots).tolist():
            rest = [number // 26**place % 26 for place in reversed(range(letters))]
            found.append(chr(first) + "".join(chr(97 + letter) for letter in rest))
            if len(found) == count:
                return found
    raise AssertionError(f"only {len(found)} words")


# ---------------------------------------------------------------------------------------------------------- lexicon


@given(st.dictionaries(st.binary(min_size=2, max_size=6), st.integers(1, 2**15 - 1), max_size=30))
def test_the_trie_holds_the_phrases(phrases: dict[bytes, int]) -> None:
    """Going down the trie byte by byte spells each phrase with its value, and nothing else has one."""
    lexicon = Lexicon.of(phrases)
    first, byte = np.frombuffer(lexicon.first, np.uint32).tolist(), lexicon.byte
    value = np.frombuffer(lexicon.value, np.uint16).tolist()
    assert len(first) == len(byte) + 1 == len(value) + 1
    assert first[-1] == len(byte)
    paths = {0: b""}
    for node in range(len(byte)):
        children = range(first[node], first[node + 1])
        assert len({byte[child] for child in children}) == len(children)
        paths |= {child: paths[node] + byte[child : child + 1] for child in children}
    assert {paths[node]: value[node] for node in range(len(byte)) if value[node]} == phrases


@pytest.mark.parametrize("phrase", [b"", b"a"])
def test_a_phrase_has_two_bytes(phrase: bytes) -> None:
    """A phrase of fewer bytes than two is refused, since the kernel looks for two at once."""
    with pytest.raises(InvalidArgumentError, match=re.escape(f"phrases must have two bytes or more. Got {phrase!r}.")):
        Lexicon.of({b"the": FUNCTION, phrase: FUNCTION})


@given(
    st.lists(
        st.sampled_from(["the", "then", "he", "of", "of the", "thé", "мир", "ми", "x9", "99"]), min_size=1, unique=True
    ),
    st.lists(
        st.sampled_from(["the", "then", "he", "of", "thé", "мир", "мира", "x9", "99", "-", "(of)"]),
        min_size=1,
        max_size=30,
    ),
)
def test_phrases_are_found_as_by_a_plain_search(phrases: list[str], words: list[str]) -> None:
    """A phrase counts each time that it stands between ends of words."""
    text = " ".join(words)
    expected = sum(len(re.findall(rf"(?<!\w)(?={re.escape(phrase)}(?!\w))", text)) for phrase in phrases)
    assert column(text, "functions", {phrase.encode(): FUNCTION for phrase in phrases}) == [expected]


@given(st.lists(st.sampled_from("漢字港湾在"), min_size=1, max_size=30).map("".join))
def test_phrases_of_a_script_without_spaces_are_found_anywhere(text: str) -> None:
    """In a script without spaces a phrase counts wherever it stands."""
    expected = sum(text.startswith(phrase, at) for phrase in ("漢字", "港", "字港") for at in range(len(text)))
    assert column(text, "functions", dict.fromkeys(map(str.encode, ("漢字", "港", "字港")), FUNCTION)) == [expected]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("related", "whole"),
        ("12: Related!", "whole"),
        ("Related: old walls", "start"),
        ("“Related” walls", "start"),
        ("See related", "any"),
        ("Unrelated", None),
        ("relatedly", None),
        ("related9", None),
    ],
)
def test_the_strictest_place_of_a_cue_counts(text: str, place: str | None) -> None:
    """Digits and marks around a cue do not keep it from the start of a block, nor from being the whole of it."""
    kind = KINDS.index("related") + 1
    phrases = {b"related": kind | kind << 5 | kind << 10}
    expected = 0 if place is None else PLACES.index(place) + 1
    assert column(text, "cue:related", phrases) == [expected]
    assert column(text, "cue", phrases) == [kind if place else 0]
    lexicon = Lexicon.of(phrases)
    assert read(text.encode(), lexicon=lexicon).cues.tolist() == [expected << 2 * (kind - 1)]


@pytest.mark.parametrize(
    "phrase", ["wall", "wall street", "wall-", "wall漢", "wallé", "wall é", "7 wall", "стена", "стена 漢"]
)
@pytest.mark.parametrize("cut", [0, 1])
def test_every_phrase_is_looked_for(phrase: str, cut: int) -> None:
    """However a phrase goes on behind its first word, and if it ends within a character, it is found as by the twin."""
    phrases = {phrase.encode()[: -cut or None]: FUNCTION}
    text = "\n".join([phrase, f"The {phrase}, {phrase}s", f"{phrase} {phrase}é", f"x{phrase}"]).encode()
    expected = np.array(reference_blocks.see(text, phrases), np.int32)
    np.testing.assert_array_equal(see(text, Lexicon.of(phrases)), expected)
    assert cut or expected[:2, COLUMNS.index("functions")].all()


def test_an_empty_lexicon_finds_nothing() -> None:
    """Without a phrase a block has no cue and no function word, and all else is seen as usual."""
    text = b"The end of the wall, on 1 May.\n(c)"
    table = see(text, Lexicon.of({}))
    np.testing.assert_array_equal(table, reference_blocks.see(text, {}))
    assert not table[:, [COLUMNS.index(name) for name in ("cue", "functions", "dates")]].any()


# ------------------------------------------------------------------------------------------ fingerprints and scores


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Sign up by 12 May 2024!", "SIGN UP, by 3 June 1999"),
        ("Last updated: may june july 4", "“Last updated” 2024-01-01, May"),
        ("Read  more…", "\tread more >>"),
        ("ПОДПИСЫВАЙТЕСЬ на нас в 2024", "Подписывайтесь на нас в"),
    ],
)
def test_fingerprints_are_blind_to_digits_dates_case_and_marks(left: str, right: str) -> None:
    """Blocks that differ in numbers, dates, case, space and marks have one fingerprint; a word more makes another."""
    one, other, different = read(f"{left}\n{right}\n{left} now".encode()).fingerprints.tolist()
    assert one == other != different


def test_a_date_inside_a_longer_one_does_not_cut_it_off() -> None:
    """All words of the longest date phrase are left out of the fingerprint, though a shorter one begins within it."""
    phrases = {b"first may holiday": DATE, b"may": DATE}
    found = read(b"closed on first may holiday\nclosed on", lexicon=Lexicon.of(phrases)).fingerprints
    assert found[0] == found[1]


@pytest.mark.parametrize("reach", range(-REACH, REACH + 1))
def test_a_tree_looks_at_its_neighbours_and_at_nothing_beyond_the_page(reach: int) -> None:
    """A tree finds the columns of a block three lines away, and -1 before the first and behind the last block."""
    places = np.full(NODES, reach * len(COLUMNS) + COLUMNS.index("index"), np.int16)
    # In order, the nodes of a complete tree are a binary search: leaf k for k - 2 < value <= k - 1.
    levels = (range(1 << level) for level in range(DEPTH))
    limits = np.array(
        [((2 * p + 1) << DEPTH - len(level).bit_length()) - 2 for level in levels for p in level], np.int16
    )
    leaves = np.arange(-1, NODES, dtype=np.int16)
    scores = read(
        b"a\nb\nc\nd\ne\nf\ng",
        forest=Forest(places.tobytes(), limits.tobytes(), leaves.tobytes(), few=-1, many=-1, page=0),
    ).scores
    assert scores.tolist() == [i + reach if 0 <= i + reach < 7 else -1 for i in range(7)]


def test_a_forest_without_trees_says_zero() -> None:
    """The sum of no leaves is 0."""
    assert read(b"a\nb", forest=Forest(b"", b"", b"", few=0, many=0, page=0)).scores.tolist() == [0, 0]


# ------------------------------------------------------------------------------------------------------- boundaries


def test_blocks_are_lines_without_space_at_their_ends() -> None:
    """Blocks begin and end with a byte above 32; lines of anything less are none."""
    text = b"\r\n  one two\t\r\n\0\n\nthree"
    _, starts, ends = locate(text)
    assert [text[a:b] for a, b in zip(starts, ends, strict=True)] == [b"one two", b"three"]


@pytest.mark.parametrize("text", ["", " ", "\n", "\r\n\0\n \n"])
def test_a_text_without_blocks(text: str) -> None:
    """A text of blank lines has no block, and a table without rows."""
    assert read(text.encode()).firsts.tolist() == [0, 0]
    assert blocks.see(text, LEXICON).shape == (0, len(COLUMNS))


def test_no_texts() -> None:
    """A batch without a text has no blocks."""
    assert read().firsts.tolist() == [0]


def test_null_rows_have_no_blocks() -> None:
    """A null of an Arrow array has no blocks, those around it have theirs."""
    found = blocks.read(Texts.from_arrow(pa.array([None, "one", None, "two\nthree", None])), LEXICON, FOREST)
    assert found.firsts.tolist() == [0, 0, 1, 1, 3, 3]
    assert blocks.read(Texts.from_arrow(pa.array([None, None], pa.string())), LEXICON, FOREST).firsts.tolist() == [
        0,
        0,
        0,
    ]


def test_a_text_of_too_many_blocks_has_none() -> None:
    """MAX_BLOCKS lines are blocks, one more are none, and the other texts of the batch keep theirs."""
    most = b"a\n" * MAX_BLOCKS
    found = read(b"one", most + b"b", b"two\nthree", most)
    assert np.diff(found.firsts).tolist() == [1, 0, 2, MAX_BLOCKS]
    assert (locate(b"one", most + b"b", b"two\nthree", most)[1][3:] == np.arange(MAX_BLOCKS) * 2).all()
    assert set(found.words.tolist()) == {1}


@given(pages, st.sampled_from([b"\x80" * 8, b"\0" * 8, b"related", b"\n", b"\xff" * 8, b""]))
def test_what_stands_behind_a_text_is_not_read(text: bytes, behind: bytes) -> None:
    """Wherever a text ends, within a character too, the bytes that follow in memory change nothing."""
    cut = text + b"Photo by \xf0\x9f\x8c"
    offsets = np.array([0, len(cut)], np.int64)
    found = blocks.read(Texts.from_buffers(cut + behind, offsets), LEXICON, FOREST)
    assert_same(found, blocks.read(Texts.from_buffers(cut, offsets), LEXICON, FOREST))


@pytest.mark.seconds
@pytest.mark.parametrize("char", ["é", "漢", "𠀀", "\U0001f30a"])
def test_a_character_that_the_end_cuts_off(char: str) -> None:
    """The bytes of a character that is cut off are letters of their own, alone and behind a cue."""
    for size in range(len(char.encode())):
        for before in (b"", b"related ", "漢".encode(), b"w" * 511, b"w" * 600):
            text = before + char.encode()[:size]
            assert_same(read(text, text + b"\n", text), expect([text, text + b"\n", text]))


# ------------------------------------------------------------------------------------------------------ linear time


def test_a_line_of_ten_megabytes() -> None:
    """Of a long line only the ends are looked at: one of 10 MB takes milliseconds."""
    line = b"the wall, of " * 800_000
    assert seconds(lambda: read(line)) < 1
    assert read(line).words.tolist() == [reference_blocks.MOST]
    assert_same(read(line), expect([line]))
    assert seconds(lambda: read(b"\x80" * 10_000_000)) < 1
    assert seconds(lambda: read(b" " * 10_000_000 + b"a" + b" " * 10_000_000)) < 1


def test_a_million_lines() -> None:
    """A million lines of one character are counted and left alone; pages of MAX_BLOCKS take seconds at most."""
    assert seconds(lambda: read(b"a\n" * 1_000_000)) < 1
    page = b"a\n" * MAX_BLOCKS
    assert seconds(lambda: read(page, page, page)) < 10
    assert seconds(lambda: read(b" \n" * 10_000_000)) < 2


@pytest.mark.seconds
def test_words_that_fall_into_the_same_slots() -> None:
    """300,000 different words that all want the same 1/256 of the table take no longer than a second or two."""
    words = colliding_words(300_000, slots=4096, mask=2**20 - 1, letters=5)
    assert len(set(words)) == 300_000
    text = ("\n".join(" ".join(words[start : start + 70]) + ", so" for start in range(0, 300_000, 70))).encode()
    assert see(text[:1900])[:-1, COLUMNS.index("prose")].all()
    assert seconds(lambda: read(text)) < 5
