"""The laws of folding and sketching, where texts may stand in memory, and what is refused."""

from __future__ import annotations

import itertools
import sys
import unicodedata
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from kernel_strategies import any_char, seeds, texts

from dedup.config import SketchConfig
from dedup.errors import InvalidArgumentError, InvalidUtf8Error, SchemeMismatch
from dedup.kernels import native
from dedup.kernels.native import ShingleSets, Texts
from dedup.kernels.parallel import Pool
from dedup.kernels.sketches import SAMPLE_CUT, SAMPLE_LEAST, SAMPLE_PART, Sketches

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIG = SketchConfig(shingle_size=2, num_slots=32)

#: Lines with and without cues, and parts of them.
LINES = (
    b"By",
    b"By Ida",
    b"B",
    b"Read",
    b"Read more",
    b" \t",
    b"\n",
    b"\n\n",
    b"- ",
    b"x",
    b"{",
    "—".encode(),
    b"\xe2",
)

#: Quotes and apostrophes, straight and curly; soft hyphen, zero-width and invisible characters; marks; tatweel.
INVISIBLE = "\"'`´‘’‚“”„«»‹›「」＂＇′″ʼ\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u202a\u0301\u0308\u064b\u0640"  # noqa: RUF001

#: Folded as they look, as a closing quote; their decompositions begin with a space.
ACUTES = "\u00b4\u1ffd"

encodable = texts.map(lambda text: text.encode("utf-8", "replace").decode())
batches = st.lists(encodable, max_size=6)


@cache
def is_known(char: str) -> bool:
    """Tell whether the fold table knows the character: one that a later Unicode added is a separator in it."""
    return not (unicodedata.category(char)[0] in "LMN" and native.fold(f"a{char}b") == "a b")


known_texts = texts.map(lambda text: "".join(filter(is_known, text)))


def same(left: Sketches, right: Sketches) -> bool:
    """Tell whether two batches of signatures are equal in every array."""
    names = ("signatures", "tokens", "shingles", "digests")
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in names)


def buffers_of(contents: Sequence[bytes]) -> Texts:
    """Return texts that stand in one buffer."""
    return Texts.from_buffers(b"".join(contents), np.cumsum([0, *map(len, contents)], dtype=np.int64))


# ------------------------------------------------------------------------------------------------------------ folding


@given(texts)
def test_folding_twice_changes_nothing(text: str) -> None:
    """A folded text folds to itself, and has the same shingles and digest."""
    folded = native.fold(text)
    assert native.fold(folded) == folded
    assert native.digest(folded) == native.digest(text)
    np.testing.assert_array_equal(native.shingle_hashes(folded, 2), native.shingle_hashes(text, 2))


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@given(text=known_texts)
def test_normal_forms_fold_the_same(form: Any, text: str) -> None:
    """A text and its normal forms fold to the same, but for the acute accent that is typed as an apostrophe."""
    text = text.translate(dict.fromkeys(map(ord, ACUTES)))
    assert native.fold(unicodedata.normalize(form, text)) == native.fold(text)


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("form", "allowed"), [("NFC", ACUTES[1]), ("NFD", ACUTES[1]), ("NFKC", ACUTES), ("NFKD", ACUTES)]
)
def test_normal_forms_of_every_code_point_fold_the_same(form: Any, allowed: str) -> None:
    """Between two letters, each code point folds as its normal forms do; the acute accents are the only exceptions."""
    wrong = [
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if not unicodedata.is_normalized(form, char)
        and is_known(char)
        and native.fold(f"a{unicodedata.normalize(form, char)}b") != native.fold(f"a{char}b")
    ]
    assert set(wrong) <= set(allowed)


@given(texts, st.lists(st.tuples(st.integers(0, 50), st.sampled_from(INVISIBLE)), max_size=20))
def test_quotes_and_invisible_characters_make_no_difference(text: str, inserted: list[tuple[int, str]]) -> None:
    """Quotes, apostrophes, soft hyphens, zero-width characters and marks may stand or lack anywhere."""
    changed = list(text)
    for place, char in inserted:
        changed.insert(place, char)
    assert native.fold("".join(changed)) == native.fold(text)
    assert native.fold(text.translate(dict.fromkeys(map(ord, INVISIBLE)))) == native.fold(text)


def test_quotes_of_the_issue() -> None:
    """Straight, curly and no apostrophe make one word."""
    variants = (
        "Ukraine's",
        "Ukraine’s",  # noqa: RUF001
        "“Ukraine‘s”",  # noqa: RUF001
        "UKRAINES",
        "ukra\u00adines",
        "Ukraine\u200bs",
        "Ukra\u0308ines",
    )
    assert {native.fold(variant) for variant in variants} == {"ukraines"}


@given(known_texts)
def test_small_letters_fold_the_same(text: str) -> None:
    """A text and its lower case fold to the same, the final sigma included."""
    assert native.fold("".join(filter(is_known, text.lower()))) == native.fold(text)


@given(known_texts)
def test_capitals_fold_the_same(text: str) -> None:
    """So does its upper case, but for the dotless i and the iota below, which upper case makes another letter."""
    text = "".join(char for char in text if char != "ı" and "\u0345" not in unicodedata.normalize("NFD", char))  # noqa: RUF001
    text = "".join(char for char in text if all(map(is_known, char.upper())))
    assert native.fold(text.upper()) == native.fold(text)
    assert native.fold(text.upper().lower()) == native.fold(text)


@given(texts)
def test_a_folded_text_is_its_tokens(text: str) -> None:
    """Tokens are neither empty nor hold a space, and the folded text is they with one space between."""
    tokens = native.tokens(text)
    assert all(token and token == token.strip() and " " not in token for token in tokens)
    assert native.fold(text) == " ".join(tokens)
    assert native.fold(text).split() == tokens


@given(texts, texts)
def test_a_space_joins_tokens(left: str, right: str) -> None:
    """The tokens of two texts with a space between are the tokens of one, then of the other."""
    assert native.tokens(f"{left} {right}") == native.tokens(left) + native.tokens(right)


def test_unspaced_scripts_are_cut_into_characters() -> None:
    """Characters of scripts without spaces are one token each, and end the word before them."""
    assert native.tokens("Tokyo東京タワー2024年") == ["tokyo", "東", "京", "タ", "ワ", "ー", "2024", "年"]
    assert native.tokens("한국어 ไทย") == [unicodedata.normalize("NFD", "한국어"), *"ไทย"]


# ----------------------------------------------------------------------------------------------------------- shingles


@pytest.mark.parametrize("shingle_size", range(1, 8))
@pytest.mark.parametrize(("token", "factor"), [("word{} ", 1), ("漢", 2)])
def test_how_many_shingles(shingle_size: int, token: str, factor: int) -> None:
    """A text too short for a whole shingle has one of all its tokens; a longer one has one from each place it fits."""
    config = SketchConfig(shingle_size=shingle_size)
    whole = factor * shingle_size
    batch = ["".join(token.format(i) for i in range(size)) for size in range(3 * whole)]
    sketches = native.sketch(Texts.from_strings(batch), config)
    assert sketches.tokens.tolist() == list(range(3 * whole))
    assert sketches.shingles.tolist() == [0] + [max(1, size - whole + 1) for size in range(1, 3 * whole)]
    for text in batch[1 : whole + 1]:
        # A size larger than the text leaves one shingle: that of all its tokens.
        assert native.shingle_hashes(text, shingle_size).tolist() == native.shingle_hashes(text, 64).tolist()


@given(st.text(st.sampled_from(" .,;!?\"'’\n\0\x01\u200b\u0301\ud800"), max_size=40))  # noqa: RUF001
def test_a_text_without_a_token_is_like_nothing(text: str) -> None:
    """No token: no shingle, all ones, and an estimate of 0 against everything, itself too."""
    sketches = native.sketch(Texts.from_strings([text, "word", text]), CONFIG)
    assert (sketches.tokens[0], sketches.shingles[0]) == (0, 0)
    assert sketches.digests[0] == xxhash.xxh3_64_intdigest(b"")
    assert (sketches.signatures[0] == 2**32 - 1).all()
    assert [sketches.estimate(0, sketches, row) for row in range(3)] == [0.0, 0.0, 0.0]
    assert sketches.estimate(1, sketches, 1) == 1.0
    assert native.shingle_set(text, 2).tolist() == []


# ------------------------------------------------------------------------------------------------------------- batches


@given(batches, st.lists(st.integers(0, 6), max_size=4))
def test_row_ranges_make_no_difference(batch: list[str], cuts: list[int]) -> None:
    """A batch gives the same result whole, in ranges, and in ranges on several threads."""
    rows = Texts.from_strings(batch)
    whole = native.sketch(rows, CONFIG)
    ends = sorted({0, len(batch), *(min(cut, len(batch)) for cut in cuts)})
    parts, threaded = Sketches.empty(len(batch), CONFIG), Sketches.empty(len(batch), CONFIG)
    for start, stop in itertools.pairwise(ends):
        native.fill_sketches(rows, CONFIG, start, stop, parts)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(native.fill_sketches, rows, CONFIG, *cut, threaded) for cut in itertools.pairwise(ends)]
    for job in jobs:
        job.result()
    assert same(parts, whole)
    assert same(threaded, whole)
    alone = [native.sketch(Texts.from_strings([text]), CONFIG).signatures[0] for text in batch]
    np.testing.assert_array_equal(whole.signatures, np.array(alone, np.uint32).reshape(-1, CONFIG.num_slots))


def sampled_apart(rows: Texts, config: SketchConfig) -> tuple[Sketches, ShingleSets]:
    """Return the signatures and the samples of texts, each made in a pass of its own."""
    sketches = native.sketch(rows, config)
    sets = ShingleSets.empty(SAMPLE_LEAST + sketches.shingles.astype(np.int64) // SAMPLE_PART)
    native.fill_samples(rows, np.arange(len(rows)), config, 0, len(rows), sets)
    return sketches, sets


@given(batches, st.lists(st.integers(0, 6), max_size=4), st.integers(1, 7), seeds, st.sampled_from([1, 3]))
def test_one_pass_gives_signatures_and_samples(
    batch: list[str], cuts: list[int], shingle_size: int, seed: int, threads: int
) -> None:
    """One pass gives what two give, also in ranges of rows and on several threads."""
    config = SketchConfig(shingle_size=shingle_size, num_slots=32, seed=seed)
    rows = Texts.from_strings([text * 9 for text in batch])
    sketches, sets = sampled_apart(rows, config)
    ends = sorted({0, len(batch), *(min(cut, len(batch)) for cut in cuts)})
    out = Sketches.empty(len(batch), config)
    fill = native.fill_sketches_and_samples
    with Pool(threads) as pool:
        parts = list(pool.map(lambda cut: fill(rows, config, *cut, out), itertools.pairwise(ends)))
    assert same(out, sketches)
    values = np.concatenate([np.empty(0, np.uint64), *(some for some, _ in parts)])
    counts = np.concatenate([np.empty(0, np.int64), *(some for _, some in parts)])
    assert values.dtype == np.uint64
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(values, sets.joined())
    np.testing.assert_array_equal(counts, sets.counts)


@pytest.mark.parametrize(
    "text", ["\ufdfa" * 3000, "漢" * 5000, "a " * 5000, "'" * 5000, " ".join(map(str, range(30_000))), "\u3316é" * 2048]
)
def test_one_pass_over_texts_of_many_tokens(text: str) -> None:
    """Characters that become many words, one word again and again, and long texts beside short ones are sampled too."""
    rows = Texts.from_strings(["short", text, "", text[:101], text])
    sketches, sets = sampled_apart(rows, CONFIG)
    out = Sketches.empty(5, CONFIG)
    values, counts = native.fill_sketches_and_samples(rows, CONFIG, 0, 5, out)
    assert same(out, sketches)
    np.testing.assert_array_equal(counts, sets.counts)
    np.testing.assert_array_equal(values, sets.joined())


def test_a_sample_has_a_largest_size() -> None:
    """Of a text whose words were chosen so that every long shingle is below the cut, the smallest are sampled."""
    words = ["0", "1"]
    while len(words) < 200:
        tries = (f"{len(words)}x{number}" for number in itertools.count())
        words.append(
            next(word for word in tries if native.shingle_hashes(" ".join([*words[-2:], word]), 3) < SAMPLE_CUT)
        )
    config = SketchConfig(shingle_size=1)
    values, counts = native.fill_sketches_and_samples(
        Texts.from_strings([" ".join(words)]), config, 0, 1, Sketches.empty(1, config)
    )
    below = np.sort(native.shingle_hashes(" ".join(words), 3))
    assert below[-1] < SAMPLE_CUT
    assert counts.tolist() == [SAMPLE_LEAST + 200 // SAMPLE_PART]
    np.testing.assert_array_equal(values, below[: counts[0]])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
@given(batch=st.lists(st.one_of(st.none(), encodable), max_size=8), data=st.data())
def test_arrow_is_read_as_lists_are(kind: Any, batch: list[str | None], data: st.DataObject) -> None:
    """Arrow arrays of any string type, sliced or in chunks, give what a list of str gives; a null is an empty text."""
    start = data.draw(st.integers(0, len(batch)))
    stop = data.draw(st.integers(start, len(batch)))
    expected = native.sketch(Texts.from_strings([text or "" for text in batch[start:stop]]), CONFIG)
    array = pa.array(batch, kind)
    assert same(native.sketch(Texts.from_arrow(array[start:stop]), CONFIG), expected)
    cut = data.draw(st.integers(start, stop))
    chunked = pa.chunked_array([array[start:cut], array[cut:stop]], kind)
    assert same(native.sketch(Texts.from_arrow(chunked), CONFIG), expected)


@given(batches)
def test_buffers_are_read_as_lists_are(batch: list[str]) -> None:
    """Bytes with offsets, also inside a larger buffer, and a tuple of str give what a list of str gives."""
    expected = native.sketch(Texts.from_strings(batch), CONFIG)
    contents = [text.encode() for text in batch]
    assert same(native.sketch(buffers_of(contents), CONFIG), expected)
    assert same(native.sketch(Texts.from_strings(tuple(batch)), CONFIG), expected)
    offsets = np.cumsum([2, *map(len, contents)], dtype=np.int64)
    inside = Texts.from_buffers(b"\xff\x80" + b"".join(contents) + b"\xff", offsets)
    assert same(native.sketch(inside, CONFIG), expected)


def test_what_stands_behind_a_null_is_not_read() -> None:
    """A null row may have bytes of its own in the buffer, even malformed ones."""
    buffers = [pa.py_buffer(b"\x05"), pa.py_buffer(np.array([0, 1, 4, 5], np.int32)), pa.py_buffer(b"a\xff\xfe\xfdb")]
    array = pa.Array.from_buffers(pa.string(), 3, buffers)
    assert native.sketch(Texts.from_arrow(array), CONFIG).tokens.tolist() == [1, 0, 1]


class Watched(str):
    """A str that can be watched by a weak reference."""

    __slots__ = ("__weakref__",)


def test_texts_keep_their_strings_alive() -> None:
    """What a kernel reads stays in memory although the caller empties the list that it came from."""
    strings = [Watched("the quick brown fox")]
    watch = weakref.ref(strings[0])
    rows = Texts.from_strings(strings)
    strings.clear()
    assert watch() is not None
    assert len(rows) == 1


@given(batches, st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8), st.integers(0, 8))
def test_pairs_are_compared_by_their_tokens(batch: list[str], pairs: list[tuple[int, int]], cut: int) -> None:
    """`fill_equal` says whether the tokens are equal; `fill_intersections` counts what the shingle sets share."""
    pairs = [(a, b) for a, b in pairs if max(a, b) < len(batch)]
    cut = min(cut, len(pairs))
    left, right = np.array(pairs, np.int64).reshape(-1, 2).T.copy()
    rows = Texts.from_strings(batch)
    equal, shared = np.full(len(pairs), 7, np.uint8), np.full(len(pairs), -1, np.int64)
    sets = ShingleSets.empty(native.sketch(rows, CONFIG).shingles)
    native.fill_shingle_sets(rows, np.arange(len(batch)), CONFIG, 0, len(batch), sets)
    for start, stop in ((0, cut), (cut, len(pairs))):
        native.fill_equal(rows, left, right, start, stop, equal)
        native.fill_intersections(sets, left, right, start, stop, shared)
    assert equal.tolist() == [native.tokens(batch[a]) == native.tokens(batch[b]) for a, b in pairs]
    assert shared.tolist() == [len(np.intersect1d(sets[a], sets[b])) for a, b in pairs]


@given(st.lists(st.binary(max_size=300), max_size=5), st.sampled_from([0, 1, 2**63, 2**64 - 1]))
def test_text_hashes_are_of_the_raw_bytes(contents: list[bytes], seed: int) -> None:
    """`fill_text_hashes` takes any bytes, empty ones too, and equals the xxhash package."""
    out = np.zeros(len(contents), np.uint64)
    native.fill_text_hashes(buffers_of(contents), seed, 0, len(contents), out)
    assert out.tolist() == [xxhash.xxh3_64_intdigest(content, seed) for content in contents]


@given(
    st.lists(st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(LINES)).map(b"".join)), max_size=6),
    st.sampled_from([b"", b"{", b"{<\xe2"]),
    st.lists(st.sampled_from([b"By", b"Read more", b"- ", b"B", b"\xe2\x80\x94"]), max_size=3),
)
def test_cues_are_found(contents: list[bytes], marks: bytes, starts: list[bytes]) -> None:
    """A cue is a mark anywhere, a line that begins with a start, or a first byte that is no printing ASCII."""
    out = np.full(len(contents), 7, np.uint8)
    native.fill_cues(buffers_of(contents), marks, starts, 0, len(contents), out)
    assert out.tolist() == [
        any(bytes([mark]) in content for mark in marks)
        or any(line.lstrip(b" \t").startswith(tuple(starts)) for line in content.split(b"\n"))
        or (content != b"" and not 32 < content[0] < 127)
        for content in contents
    ]


# ----------------------------------------------------------------------------------------------------------- estimate


@pytest.mark.parametrize("num_slots", [16, 128])
@pytest.mark.parametrize(("shared", "own"), [(2, 1), (8, 1), (20, 20), (300, 60), (500, 1500)])
def test_the_estimate_is_unbiased_and_as_good_as_minhash(shared: int, own: int, num_slots: int) -> None:
    """Over 400 seeds the mean lies within 4 standard errors of J, the error is at most 1.1 sqrt(J (1 - J) / K)."""
    common = [f"common{i}" for i in range(shared)]
    batch = Texts.from_strings([" ".join(common + [f"{side}{i}" for i in range(own)]) for side in ("left", "right")])
    jaccard = shared / (shared + 2 * own)
    deviation = (jaccard * (1 - jaccard) / num_slots) ** 0.5
    runs = 400
    estimates = []
    for seed in range(runs):
        sketches = native.sketch(batch, SketchConfig(shingle_size=1, num_slots=num_slots, seed=seed))
        estimates.append(sketches.estimate(0, sketches, 1))
    errors = np.array(estimates) - jaccard
    assert abs(errors.mean()) <= 4 * deviation / runs**0.5
    assert np.sqrt((errors**2).mean()) <= 1.1 * deviation


@given(encodable, encodable)
def test_the_estimate_is_symmetric_and_one_for_equal_texts(left: str, right: str) -> None:
    """The order of two texts does not matter; texts with the same shingles have an estimate of 1."""
    sketches = native.sketch(Texts.from_strings([left, right, f" {left}!"]), CONFIG)
    assert sketches.estimate(0, sketches, 1) == sketches.estimate(1, sketches, 0)
    assert sketches.estimate(0, sketches, 2) == (1.0 if native.tokens(left) else 0.0)


@pytest.mark.parametrize("other", [{"shingle_size": 3}, {"num_slots": 64}, {"seed": 1}])
def test_signatures_of_two_schemes_do_not_compare(other: dict[str, int]) -> None:
    """Another shingle size, number of slots or seed raises, and the message shows both schemes."""
    rows = Texts.from_strings(["a text of some words"])
    settings = {"shingle_size": 2, "num_slots": 32, "seed": 0}
    left, right = native.sketch(rows, CONFIG), native.sketch(rows, SketchConfig(**(settings | other)))
    with pytest.raises(SchemeMismatch, match=r"must have one scheme\. Got Scheme\(.*\) and Scheme\(.*\)\.$"):
        left.estimate(0, right, 0)


def test_rows_of_an_estimate_are_checked() -> None:
    """A row that is not there is named."""
    sketches = native.sketch(Texts.from_strings(["a", "b"]), CONFIG)
    with pytest.raises(InvalidArgumentError, match=r"^row must be an integer in \[0, 1\]\. Got 2\.$"):
        sketches.estimate(2, sketches, 0)
    with pytest.raises(InvalidArgumentError, match=r"^other_row must be an integer in \[0, 1\]\. Got -1\.$"):
        sketches.estimate(0, sketches, -1)


# -------------------------------------------------------------------------------------------------------------- UTF-8


def is_utf8(content: bytes) -> bool:
    """Tell whether Python takes the bytes for UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def takes(content: bytes) -> bool:
    """Tell whether the kernel takes the bytes for UTF-8."""
    try:
        native.sketch(buffers_of([content]), CONFIG)
    except InvalidUtf8Error:
        return False
    return True


@st.composite
def nearly_utf8(draw: st.DrawFn) -> bytes:
    """Return valid UTF-8, or some with bytes changed, inserted or cut off."""
    content = bytearray(draw(encodable).encode())
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(content)))
        content[place : place + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)


@given(st.one_of(st.binary(max_size=80), nearly_utf8()))
def test_utf8_is_what_python_says_it_is(content: bytes) -> None:
    """The kernel takes exactly the bytes that `bytes.decode` takes, and otherwise names the row."""
    batch = buffers_of([b"first", content, "dernière".encode()])
    if is_utf8(content):
        assert native.sketch(batch, CONFIG).tokens[1] == len(native.tokens(content.decode()))
        return
    with pytest.raises(InvalidUtf8Error, match=r"^row 1 must be valid UTF-8\. Got "):
        native.sketch(batch, CONFIG)
    sets = ShingleSets.empty(np.array([1, 1, 1]))
    with pytest.raises(InvalidUtf8Error, match=r"^row 1 must be valid UTF-8\. Got "):
        native.fill_shingle_sets(batch, np.arange(3), CONFIG, 0, 3, sets)
    with pytest.raises(InvalidUtf8Error):
        native.fill_equal(batch, np.array([0]), np.array([1]), 0, 1, np.zeros(1, np.uint8))


@pytest.mark.seconds
@pytest.mark.parametrize("after", [b"", b"z" * 9])
def test_every_kind_of_malformed_character(after: bytes) -> None:
    """Each first byte with up to three bytes around the borders of what may follow it is judged as Python does."""
    second, others = (0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0), (0x41, 0x80, 0xBF, 0xC0)
    wrong = [
        content
        for first in range(0x80, 0x100)
        for size in range(3 if first < 0xE0 else 4)
        for rest in itertools.product(*(second, others, others)[:size])
        if takes(content := bytes((first, *rest)) + after) != is_utf8(content)
    ]
    assert wrong == []


# ---------------------------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize("offsets", [[], [-1, 2], [0, 6], [3, 1], [0, 4, 2, 5]])
def test_offsets_into_a_buffer_are_checked(offsets: list[int]) -> None:
    """Offsets that leave the buffer or go back are refused."""
    with pytest.raises(
        InvalidArgumentError, match=r"^offsets must ascend within the 5 bytes of data\. Got \d+ offsets"
    ):
        Texts.from_buffers(b"bytes", np.array(offsets, np.int64))


@pytest.mark.parametrize(
    "array", [pa.array([1, 2]), pa.array([b"a"], pa.binary()), pa.array(["a"]).dictionary_encode()]
)
def test_arrow_arrays_of_other_types_are_refused(array: Any) -> None:
    """Arrow arrays without strings are refused, and the message names their type."""
    with pytest.raises(InvalidArgumentError, match=r"^texts must be an Arrow array of strings\. Got ") as caught:
        Texts.from_arrow(array)
    assert str(array.type) in str(caught.value)


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (0, 3), (2, 1), (3, 3)])
def test_ranges_of_rows_are_checked(start: int, stop: int) -> None:
    """A range beyond the rows is refused by every function that takes one."""
    rows, pair = Texts.from_strings(["a", "b"]), np.array([0, 1])
    sets = ShingleSets.empty(np.array([1, 1]))
    calls = (
        lambda: native.fill_sketches(rows, CONFIG, start, stop, Sketches.empty(2, CONFIG)),
        lambda: native.fill_sketches_and_samples(rows, CONFIG, start, stop, Sketches.empty(2, CONFIG)),
        lambda: native.fill_shingle_sets(rows, pair, CONFIG, start, stop, sets),
        lambda: native.fill_intersections(sets, pair, pair, start, stop, np.zeros(2, np.int64)),
        lambda: native.fill_equal(rows, pair, pair, start, stop, np.zeros(2, np.uint8)),
        lambda: native.fill_text_hashes(rows, 0, start, stop, np.zeros(2, np.uint64)),
        lambda: native.band_keys(np.zeros((1, 2), np.uint32), start, stop - start),
    )
    for call in calls:
        with pytest.raises(
            InvalidArgumentError, match=rf"^start and stop must be in \[0, 2\].* Got {start} and {stop}\.$"
        ):
            call()


def test_arrays_are_checked() -> None:
    """An array of another dtype or shape, or one with gaps, is refused before the kernel sees its address."""
    rows, pair = Texts.from_strings(["a", "b"]), np.array([0, 1])
    sets = ShingleSets.empty(np.array([1, 1]))
    flat: Any = np.zeros(2, np.int64)
    calls = (
        lambda: native.fill_sketches(rows, CONFIG, 0, 2, Sketches.empty(3, CONFIG)),
        lambda: native.fill_shingle_sets(rows, pair.astype(np.int32), CONFIG, 0, 2, sets),
        lambda: native.fill_shingle_sets(rows, np.array([0, 1, 0]), CONFIG, 0, 3, sets),
        lambda: native.fill_intersections(sets, pair, pair[:1], 0, 2, flat),
        lambda: native.fill_intersections(sets, pair, pair, 0, 2, np.zeros(4, np.int64)[::2]),
        lambda: native.fill_equal(rows, pair, pair, 0, 2, flat),
        lambda: native.fill_text_hashes(rows, 0, 0, 2, np.zeros(1, np.uint64)),
        lambda: native.band_keys(np.zeros((2, 16), np.uint64), 0, 2),
        lambda: native.band_keys(np.zeros((16, 2), np.uint32).T, 0, 2),
        lambda: native.choose_canonicals(np.zeros(1, np.int32), np.zeros(0, np.int64), np.zeros(0)),
        lambda: native.choose_canonicals(np.array([0, 1, 2]), np.array([1, 0]), np.zeros(1)),
    )
    for call in calls:
        with pytest.raises(
            InvalidArgumentError, match=r"^[\w.]+ must be contiguous \w+ ?(\[[\d, ]*\])?\. Got \w+ \[[\d, ]*\]\.$"
        ):
            call()


def test_signatures_are_filled_by_their_own_settings() -> None:
    """Signatures made for other settings are not filled."""
    with pytest.raises(SchemeMismatch, match=r"^out must be of the scheme of config\. Got "):
        native.fill_sketches(Texts.from_strings(["a"]), CONFIG, 0, 1, Sketches.empty(1, SketchConfig(num_slots=16)))


@pytest.mark.parametrize("offsets", [[], [1, 2], [0, 1], [0, 2, 1, 2]])
def test_offsets_of_a_graph_are_checked(offsets: list[int]) -> None:
    """Offsets that do not cover the neighbours in order are refused."""
    with pytest.raises(InvalidArgumentError, match=r"^(offsets must ascend from 0 to 2|neighbours must be in )"):
        native.choose_canonicals(np.array(offsets, np.int64), np.zeros(2, np.int64), np.zeros(2))


@pytest.mark.parametrize("neighbour", [-1, 2])
def test_neighbours_of_a_graph_are_checked(neighbour: int) -> None:
    """A neighbour that is no document is refused."""
    with pytest.raises(InvalidArgumentError, match=r"^neighbours must be in \[0, 2\)\. Got "):
        native.choose_canonicals(np.array([0, 1, 2]), np.array([1, neighbour]), np.zeros(2))


@given(st.lists(any_char, max_size=3))
def test_a_text_that_is_no_str_is_refused(chars: list[str]) -> None:
    """Bytes and None are no texts, wherever they stand in the list."""
    for wrong in (b"bytes", None, 3):
        with pytest.raises((TypeError, AttributeError)):
            Texts.from_strings([*chars, wrong, "end"])  # type: ignore[list-item]


def test_offsets_whose_differences_wrap_are_refused() -> None:
    """Offsets that descend are refused although their differences, modulo 2**64, are positive."""
    offsets = np.array([0, 2**62, 2**62 + 100, -(2**63), -(2**62), 0, 5], np.int64)
    with pytest.raises(InvalidArgumentError, match=r"^offsets must ascend within the 5 bytes"):
        Texts.from_buffers(b"hello", offsets)


@pytest.mark.parametrize(("starts", "counts"), [([0, 2**40], [2, 2]), ([0, 3], [2, 2]), ([-1, 0], [1, 1])])
def test_sets_outside_their_values_are_refused(starts: list[int], counts: list[int]) -> None:
    """A set that does not lie within the values is refused before the kernel reads it."""
    sets = ShingleSets(np.zeros(4, np.uint64), np.array(starts, np.int64), np.array(counts, np.int64))
    pair = np.array([0]), np.array([1])
    with pytest.raises(InvalidArgumentError, match=r"^sets must lie within their 4 values"):
        native.fill_intersections(sets, *pair, 0, 1, np.zeros(1, np.int64))


def test_digests_of_thue_morse_words_differ() -> None:
    """The words that collide under every polynomial hash modulo 2**64 have digests of their own."""
    word = [0]
    for _ in range(10):
        word += [1 - letter for letter in word]
    texts = [" ".join(letters[letter] for letter in word) for letters in ("ab", "ba")]
    assert native.digest(texts[0]) != native.digest(texts[1])


@given(texts)
def test_a_token_folds_from_where_it_stands(text: str) -> None:
    """What stands in a token's span folds to that token alone, unless a character folds to several tokens."""
    starts, ends = native.token_spans(text)
    tokens = native.tokens(text)
    assert len(starts) == len(ends) == len(tokens)
    assert (starts < ends).all()
    for number, token in enumerate(tokens):
        is_shared = (number and ends[number - 1] > starts[number]) or (
            number + 1 < len(tokens) and starts[number + 1] < ends[number]
        )
        if not is_shared:
            assert native.tokens(text[starts[number] : ends[number]]) == [token]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("…", []),
        ("“The dogs\u2019 bell”", ["The", "dogs", "bell"]),
        ("rock'n'roll café cafe\u0301 x\u200b.", ["rock'n'roll", "café", "cafe\u0301", "x\u200b"]),
        ("½ ﬃ 港の㌀", ["½", "½", "ﬃ", "港", "の", *["㌀"] * 4]),
        ("हिन्दी में ภาษา 한국", ["हिन्दी", "में", "ภ", "า", "ษ", "า", "한국"]),
        ("a\ud800b \U0001f600c", ["a", "b", "c"]),
    ],
)
def test_spans_of_tokens(text: str, expected: list[str]) -> None:
    """A span takes the marks of its last letter, and no quotes around the word."""
    starts, ends = native.token_spans(text)
    assert [text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)] == expected


@pytest.mark.seconds
def test_alignments_of_more_texts_than_are_kept() -> None:
    """Texts that take more memory than is kept at a time are aligned all the same."""
    words = [f"w{number}" for number in range(200_000)]
    content = [" ".join([*words[:place], "other", *words[place + 1 :]]) for place in (7, 70, 700, 7000, 70_000)]
    left, right = np.ascontiguousarray(np.array(list(itertools.permutations(range(5), 2)), np.int64).T)
    out = np.zeros((20, 5), np.int64)
    native.fill_alignments(Texts.from_strings(content), left, right, CONFIG, 0, 20, out)
    assert out[:, [0, 2, 3, 4]].tolist() == [[2 * (200_000 - 2), 2, 0, 0]] * 20
