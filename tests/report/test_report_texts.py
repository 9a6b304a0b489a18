"""How texts are stored: what is made of a text and back is the text, and marks stand where the offsets say."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import marked, restore, utf16

from dedup.model import Cleaned, Edit, Span
from dedup.report.texts import blocks, changes, delta, flat, furniture, label, safe, shorten, units
from strategies import pages

ALPHABET = st.sampled_from(["a", "b", " ", "\n", "é", "港", "😀", "\ufffd"])
words = st.lists(
    st.sampled_from(["the harbour wall of Port Ellerby ", "fell on Monday night. ", "😀 ", "x"]), max_size=20
)
texts = st.one_of(st.text(ALPHABET, max_size=60), words.map("".join), pages().map(safe))


@given(texts, texts)
def test_delta_makes_the_text_again(base: str, text: str) -> None:
    """The pieces of any text out of any other one make that text, none of them empty."""
    pieces = delta(base, blocks(base), text)
    assert text == restore(pieces, base)
    assert "" not in pieces


@given(texts, texts, texts)
def test_what_both_have_is_a_copy(first: str, second: str, third: str) -> None:
    """A stretch of twice a block that both texts have costs no character."""
    shared = "The ferry sails at nine, weather permitting, says X."
    pieces = delta(first + shared + second, blocks(first + shared + second), third + shared)
    assert shared not in "".join(piece for piece in pieces if isinstance(piece, str))
    own = delta(shared, blocks(shared), shared)
    assert [0, len(shared)] == own


@pytest.mark.parametrize("unit", ["a", "ab", "a b ", "港", "0123456789abcdef", "0123456789abcdefX"])
def test_delta_takes_linear_time(unit: str) -> None:
    """Texts of one thing repeated, and of what is nearly that, take no longer than others."""
    base = unit * (200_000 // len(unit))
    text = "".join(f"{base[at : at + 100]}{at}" for at in range(0, len(base), 100))
    started = time.process_time()
    assert text == restore(delta(base, blocks(base), text), base)
    assert time.process_time() - started < 5


@given(texts)
def test_units_are_those_of_utf16(text: str) -> None:
    """Each offset in characters is told in UTF-16; where all are the same, nothing is."""
    offset = units(text)
    expected = [len(utf16(text[:at])) // 2 for at in range(len(text) + 1)]
    assert expected == (list(range(len(text) + 1)) if offset is None else offset.tolist())
    assert (offset is None) == (max(text, default="") <= "\uffff")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a\ud800b\udc00", "a\ufffdb\ufffd"),
        ("\ud83d\ude00", "\ufffd\ufffd"),
        ("😀", "😀"),
    ],
)
def test_lone_surrogates_are_replaced(text: str, expected: str) -> None:
    """One character stands for each, so that offsets stay."""
    assert expected == safe(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        (" \n\t", None),
        ("two\n words ", "two words"),
        ("a" * 10, "a" * 10),
        ("a" * 11, "a" * 9 + "…"),
        ("a" * 10**7, "a" * 9 + "…"),
        ("\ud800", "\ufffd"),
        ("a\x00b\x1b[\x7f", "a\u2400b\u241b[\u2421"),
    ],
)
def test_labels_are_one_short_line(text: str | None, expected: str | None) -> None:
    """A short field is one line without control characters, cut with an ellipsis; a blank one is none."""
    assert expected == label(text, 10)


@given(pages(), st.integers(0, 120))
def test_shortened_page_is_its_beginning(text: str, most: int) -> None:
    """The beginning of a page is a page: its clean text is its original without its removed spans."""
    middle = Span(len(text) // 3, len(text) // 2, "promo", "test")
    page = Cleaned(text, text[: middle.start] + text[middle.end :], (middle,) if middle.start < middle.end else ())
    short = shorten(page, most)
    assert text[:most] == short.original == short.restore()
    assert page.text.startswith(short.text)
    assert all(span.end <= most for span in short.removed)


def test_changes_leave_furniture_out() -> None:
    """What differs is marked on its side, without the furniture inside; equal and empty stretches are not."""
    page = Cleaned("😀 one AD two three", "😀 one two three", (Span(6, 9, "advert", "test"),))
    edits = [
        Edit("insert", 0, 0, 0, 1),
        Edit("equal", 0, 1, 2, 5),
        Edit("replace", 2, 3, 2, 12),
        Edit("delete", 4, 5, 12, 12),
    ]
    assert marked(changes(edits, "right", page), page.original) == ["😀", "one ", "two"]
    assert marked(changes(edits, "left", Cleaned("somex", "somex")), "somex") == ["m", "x"]


def test_furniture_has_its_kind() -> None:
    """Each removed span is told with the number of its kind; an empty one is not."""
    spans = (Span(0, 1, "promo", "test"), Span(1, 1, "advert", "test"), Span(3, 5, "advert", "test"))
    assert furniture(Cleaned("😀abcde", "", spans), {"promo": 0, "advert": 1}) == [0, 2, 0, 2, 2, 1]


@given(st.lists(st.integers(0, 5), max_size=12))
def test_flat_ranges_read_back(steps: list[int]) -> None:
    """Ranges in order come back from their numbers, without the empty ones."""
    ends, at = [], 0
    for step in steps:
        at += step
        ends.append(at)
    ranges = list(zip(ends[::2], ends[1::2], strict=False))
    text = "".join(chr(0x4E00 + place) for place in range(at))
    expected = [text[start:end] for start, end in ranges if start < end]
    assert expected == marked(flat(ranges, None), text)
