"""Texts, graphs and postings for the tests of the kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from dedup.kernels.native import Runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Where XXH3 goes over from one formula to the next and where the kernel's blocks end, each with its neighbours.
LENGTHS = sorted(
    {n + d for n in (1, 3, 4, 8, 9, 16, 17, 32, 64, 128, 240, 241, 512, 1024) for d in (-1, 0, 1) if n + d}
)

SEEDS = (0, 1, 2**32, 2**63, 2**64 - 1)

seeds = st.one_of(st.sampled_from(SEEDS), st.integers(0, 2**64 - 1))

#: Every code point, lone surrogates too.
any_char = st.characters(codec=None)

_words = st.builds(lambda char, size: char * size, st.sampled_from("aZé7Жش"), st.sampled_from(LENGTHS))

_pieces = st.one_of(
    st.text(any_char, max_size=8),
    st.text(st.characters(max_codepoint=127), max_size=40),
    st.sampled_from(["it's ", '"No," ', "`code`", "rock'n'roll", "\0", "\x01", "\x1f", "\x7f", " ", "\n", "  "]),
    st.sampled_from(
        ["\ufdfa", "\u3316", "\u3300", "ﬃ", "ŉ", "½", "Ⅷ", "\u00ad", "\u200b", "\ud800", "\udfff", "ß", "İ"]
    ),
    st.text(st.sampled_from("漢字仮名交じり文ひらがなカタカナ々〆ー"), max_size=8),
    st.text(st.sampled_from("ภาษาไทยเขียนติดกัน"), max_size=8),
    st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), max_size=8),
    st.text(st.characters(min_codepoint=0x600, max_codepoint=0x6FF), max_size=8),
    st.text(st.characters(min_codepoint=0x400, max_codepoint=0x52F), max_size=8),
    st.text(st.characters(min_codepoint=0x300, max_codepoint=0x36F), max_size=4),
    _words,
)

#: Texts of every kind mixed, most of them short, some with words longer than a kilobyte.
texts = st.one_of(
    st.lists(_pieces, max_size=12).map("".join),
    st.lists(_pieces, max_size=12).map(" ".join),
    st.lists(st.sampled_from(["a", "bb", "ccc", "dddd", "漢", "ひ"]), max_size=60).map(" ".join),
)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return offsets, neighbours and scores of a graph whose links stand on both sides; scores are often equal."""
    size = draw(st.integers(0, 14))
    pairs = [(a, b) for b in range(size) for a in range(b)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    scored = [(pair, draw(st.sampled_from([0.0, 0.25, 0.5, 0.5, 1.0]))) for pair in chosen]
    linked: list[list[tuple[int, float]]] = [[] for _ in range(size)]
    for (a, b), score in scored:
        linked[a].append((b, score))
        linked[b].append((a, score))
    linked = [draw(st.permutations(links)) for links in linked]
    offsets = np.cumsum([0, *map(len, linked)], dtype=np.int64)
    flat = [link for links in linked for link in links]
    return offsets, np.array([other for other, _ in flat], np.int64), np.array([score for _, score in flat], np.float64)


#: Few of 40 bits, so that the same is met again, the outermost among them.
posting_keys = st.one_of(st.integers(0, 9), st.sampled_from([2**40 - 2, 2**40 - 1]), st.integers(0, 2**40 - 1))


@st.composite
def sorted_lists(draw: st.DrawFn) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64]]:
    """Return entries in sorted lists, some filled up with what stands for none, and keys to look up in them."""
    wanted = sorted(draw(st.lists(posting_keys, max_size=8)))
    entries: list[int] = []
    lists: list[tuple[int, int, int, int, int]] = []
    keys = st.tuples(st.one_of(posting_keys, st.sampled_from(wanted or [0])), st.integers(0, 2**24 - 2))
    for _ in range(draw(st.integers(0, 4))):
        start = len(entries)
        entries += sorted(key << 24 | number for key, number in draw(st.lists(keys, max_size=20)))
        entries += [2**64 - 1] * draw(st.integers(0, 2))
        first, last = sorted(draw(st.tuples(*[st.integers(0, len(wanted))] * 2)))
        lists.append((first, last, start, len(entries), draw(st.integers(0, 2**39))))
    columns = np.array(lists, np.int64).reshape(-1, 5).T
    return np.array(entries, np.uint64), np.ascontiguousarray(columns), np.array(wanted, np.uint64)


@st.composite
def filtered_runs(draw: st.DrawFn) -> Runs:
    """Return runs whose filters have nearly all bits, so that keys pass and others do not."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    filters, directories = [], []
    for _ in range(draw(st.integers(0, 3))):
        words = random.integers(0, 2**64, (2, draw(st.integers(1, 20)), 2), np.uint64)
        filters.append(words[0] | words[1])
        directories.append(np.sort(random.integers(0, 2**64, draw(st.integers(1, 9)), np.uint64)))
    shifts = random.integers(0, 64, (1 << 14, 2), np.uint64)
    return Runs.of(filters, directories, np.uint64(1) << shifts)
