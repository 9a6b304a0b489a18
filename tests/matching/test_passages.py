"""What two texts share: against slow tiling, sets of tokens and edits that are carried out one by one."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import astuple
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dedup.kernels import native
from dedup.matching import passages
from dedup.matching.passages import Words, cover, edits, read_words, share
from dedup.model import Cleaned, Edit, Passage, Span, Stretch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from dedup.model import Cover

    Run = tuple[int, int, int]

#: Few tokens, so that two texts share much; characters of unspaced scripts, marks at the end of a word, quotes.
TOKENS = ("the", "wall", "“Wall”", "bell", "港", "の", "壁", "हिन्दी", "e\u0301", "nine", "bell's", "x-y", "…")
texts = st.lists(st.sampled_from(TOKENS), max_size=40).map(" ".join)
#: Texts in which hardly anything stands twice.
rare = st.lists(
    st.integers(0, 60).map(lambda number: f"w{number}" if number % 3 else chr(0x6E2F + number)), max_size=40
)
sizes = st.integers(1, 4)


def edited(chosen: SearchStrategy[list[str]]) -> SearchStrategy[tuple[str, str]]:
    """Return pairs of texts: one, and its parts in some other order with others between."""

    @st.composite
    def pair(draw: st.DrawFn) -> tuple[str, str]:
        tokens = draw(chosen)
        cuts = sorted(draw(st.lists(st.integers(0, len(tokens)), max_size=4)))
        parts = [tokens[start:stop] for start, stop in pairwise([0, *cuts, len(tokens)])]
        parts = draw(st.permutations([*parts, *draw(st.lists(chosen.map(lambda new: new[:3]), max_size=2))]))
        return " ".join(tokens), " ".join(token for part in parts for token in part)

    return pair()


pairs = st.one_of(st.tuples(texts, texts), edited(st.lists(st.sampled_from(TOKENS), max_size=40)), edited(rare))


@st.composite
def cleaned(draw: st.DrawFn, text: str) -> Cleaned:
    """Return a page of which a text is what cleaning has left."""
    spans: list[Span] = []
    original, at = "", 0
    for cut in sorted(draw(st.lists(st.integers(0, len(text)), max_size=4))):
        original += text[at:cut]
        gone = draw(st.sampled_from(["Read more", " \n", "港", "x" * 9]))
        spans.append(Span(len(original), len(original) + len(gone), "promo", "cue"))
        original, at = original + gone, cut
    return Cleaned(original + text[at:], text, tuple(spans))


def runs_of(left: str, right: str, size: int) -> tuple[Words, Words, list[Run], list[bool]]:
    """Return the tokens of two texts, their runs as tuples, and which are moved."""
    one, other = read_words(left), read_words(right)
    found = share(one, other, size)
    runs = zip(found.left.tolist(), found.right.tolist(), found.words.tolist(), strict=True)
    return one, other, list(runs), found.moved.tolist()


def windows(words: Words, least: int) -> list[tuple[int, ...]]:
    """Return the shortest run from each token on that weighs enough, as hashes."""
    hashes, weights = words.hashes.tolist(), words.weights.tolist()
    found = []
    for start in range(len(words)):
        stop = next((stop for stop in range(start, len(weights)) if weights[stop] - weights[start] >= least), None)
        if stop:
            found.append(tuple(hashes[start:stop]))
    return found


def least_of(left: Words, right: Words, size: int) -> int:
    """Return the least weight of a run: `size` words, or the whole of two texts that are shorter."""
    return min(2 * size, max(int(left.weights[-1]), int(right.weights[-1])))


def tiled(left: Words, right: Words, least: int) -> set[Run]:
    """Return what greedy string tiling gives by its definition: the longest free run, again and again."""
    if (len(left), left.hashes.tobytes()) > (len(right), right.hashes.tobytes()):
        return {(i, j, length) for j, i, length in tiled(right, left, least)}
    a, b = left.hashes.tolist(), right.hashes.tolist()
    free_left, free_right = set(range(len(a))), set(range(len(b)))
    found: set[Run] = set()
    while True:
        runs = []
        for i in range(len(a)):
            for j in range(len(b)):
                length = 0
                while i + length in free_left and j + length in free_right and a[i + length] == b[j + length]:
                    length += 1
                if left.weights[i + length] - left.weights[i] >= least:
                    runs.append((-length, abs(i * len(b) - j * len(a)), i, j))
        if not runs:
            return found
        length, _, i, j = min(runs)
        found.add((i, j, -length))
        free_left -= set(range(i, i - length))
        free_right -= set(range(j, j - length))


@given(pairs, sizes)
@example(("w1 w1 港", "w1 港 w1"), 1)
def test_runs_are_those_of_greedy_tiling(pair: tuple[str, str], size: int) -> None:
    """Where no few words stand at many places, the runs are those of greedy string tiling, taken literally."""
    left, right, runs, _ = runs_of(*pair, size)
    least = least_of(left, right, size)
    assume(least)
    here, there = (Counter(windows(words, least)) for words in (left, right))
    assume(all(here[key] * there[key] <= passages.MOST_PAIRS for key in here))
    assert set(runs) == tiled(left, right, least)


@given(pairs, sizes)
def test_runs_are_equal_and_overlap_nothing(pair: tuple[str, str], size: int) -> None:
    """Each run has the same tokens on both sides, enough of them, and none of another run; all in left order."""
    left, right, runs, _ = runs_of(*pair, size)
    least = least_of(left, right, size)
    for i, j, length in runs:
        assert left.hashes[i : i + length].tolist() == right.hashes[j : j + length].tolist()
        assert left.weights[i + length] - left.weights[i] >= least > 0
    assert sorted(runs) == runs
    for side in (0, 1):
        stands = [(run[side], run[side] + run[2]) for run in runs]
        assert all(stop <= start for (_, stop), (start, _) in pairwise(sorted(stands)))


@given(pairs, sizes)
def test_what_is_not_moved_is_the_heaviest_sequence(pair: tuple[str, str], size: int) -> None:
    """Runs that are not moved are in one order in both texts, and no other such sequence has more words."""
    _, _, runs, moved = runs_of(*pair, size)
    still = [run for run, is_moved in zip(runs, moved, strict=True) if not is_moved]
    assert all(before[1] < after[1] for before, after in pairwise(still))
    best: list[int] = []
    for number, (_, right, words) in enumerate(runs):
        best.append(words + max([best[k] for k in range(number) if runs[k][1] < right], default=0))
    assert sum(words for _, _, words in still) == max(best, default=0)


@given(pairs, sizes)
def test_sides_mirror_each_other(pair: tuple[str, str], size: int) -> None:
    """Two texts the other way round have the same runs and the same edits, mirrored."""
    left, right, runs, moved = runs_of(*pair, size)
    _, _, others, others_moved = runs_of(pair[1], pair[0], size)
    assert {(i, j, *rest) for i, j, *rest in zip(*columns(runs), moved, strict=True)} == {
        (i, j, *rest) for j, i, *rest in zip(*columns(others), others_moved, strict=True)
    }
    swap = {"insert": "delete", "delete": "insert"}
    one = [
        (swap.get(kind, kind), c, d, a, b)
        for kind, a, b, c, d in map(astuple, edits(left, right, share(left, right, size)))
    ]
    assert one == [astuple(edit) for edit in edits(right, left, share(right, left, size))]


def columns(runs: Sequence[Run]) -> list[list[int]]:
    """Return the columns of a table that may be empty."""
    return [[run[column] for run in runs] for column in range(3)]


def at(words: Words, start: int, end: int) -> list[int]:
    """Return the tokens that begin and end within some characters of the original."""
    return [
        number
        for number, (first, last) in enumerate(zip(words.starts.tolist(), words.ends.tolist(), strict=True))
        if start <= first and last <= end
    ]


@given(pairs, sizes, st.sampled_from([0, 6, passages.MOST_CELLS]))
def test_edits_turn_one_text_into_the_other(pair: tuple[str, str], size: int, most_cells: int) -> None:
    """Every token stands in one edit; equal ones are equal, and no two edits of a kind stand side by side."""
    left, right = map(read_words, pair)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passages, "MOST_CELLS", most_cells)
        found = edits(left, right, share(left, right, size))
    mine, theirs, turned = [], [], []
    a, b = left.hashes.tolist(), right.hashes.tolist()
    for edit in found:
        here, there = at(left, edit.left_start, edit.left_end), at(right, edit.right_start, edit.right_end)
        expected = {(True, True): edit.kind, (True, False): "delete", (False, True): "insert"}
        assert expected[bool(here), bool(there)] == edit.kind
        mine += here
        theirs += there
        turned += [a[token] for token in here] if edit.kind == "equal" else [b[token] for token in there]
        if edit.kind == "insert":
            assert edit.left_start == edit.left_end == max([0, *left.ends[left.ends <= edit.left_end].tolist()])
    assert mine == list(range(len(left)))
    assert theirs == list(range(len(right)))
    assert turned == b
    assert all((before.kind == "equal") != (after.kind == "equal") for before, after in pairwise(found))


@given(pairs)
def test_no_equal_word_is_left_out(pair: tuple[str, str]) -> None:
    """In a gap small enough to look at, a replacement has no word that stands on both sides of it."""
    left, right = map(read_words, pair)
    for edit in edits(left, right, share(left, right, 3)):
        if edit.kind == "replace":
            here = {int(left.hashes[token]) for token in at(left, edit.left_start, edit.left_end)}
            there = {int(right.hashes[token]) for token in at(right, edit.right_start, edit.right_end)}
            assert not here & there


@given(st.data(), pairs, sizes)
def test_offsets_are_those_of_the_originals(data: st.DataObject, pair: tuple[str, str], size: int) -> None:
    """A passage of the original, without what was removed inside, folds to its tokens, and ends in nothing removed."""
    pages = [data.draw(cleaned(text)) for text in pair]
    assert all(page.restore() == page.original for page in pages)
    left, right = map(read_words, pages)
    found = share(left, right, size)
    shown = passages.passages(left, right, found)
    for i, j, passage in zip(found.left.tolist(), found.right.tolist(), shown, strict=True):
        ends = [(i, passage.left_start, passage.left_end), (j, passage.right_start, passage.right_end)]
        for page, (first, start, end) in zip(pages, ends, strict=True):
            assert kept(page, start, end) == native.tokens(page.text)[first : first + passage.words]
    for edit in edits(left, right, found):
        stands = [(edit.left_start, edit.left_end), (edit.right_start, edit.right_end)]
        for page, (start, end) in zip(pages, stands, strict=True):
            assert start == end or kept(page, start, end)


def kept(page: Cleaned, start: int, end: int) -> list[str]:
    """Return the tokens of a stretch without what was removed inside; it begins and ends in nothing removed."""
    gone: set[int] = set()
    for span in page.removed:
        gone.update(range(span.start, span.end))
    assert not gone & {start, end - 1}
    return native.tokens("".join(page.original[place] for place in range(start, end) if place not in gone))


@pytest.mark.parametrize(
    ("left", "right", "size", "expected"),
    [
        ("", "", 3, []),
        ("", "one two three", 3, []),
        ("…", "…", 3, []),
        ("Bell", "“bell”", 3, [Passage(0, 4, 1, 5, 1)]),
        ("bell", "bell and wall", 3, []),
        ("one two", "one two", 3, [Passage(0, 7, 0, 7, 2)]),
        ("a b c d", "x b c d y", 3, [Passage(2, 7, 2, 7, 3)]),
        ("a b c d", "x b c d y", 4, []),
        # Two characters count as a word.
        ("港の壁は直", "この壁は直る", 2, [Passage(1, 5, 1, 5, 4)]),
        ("港の壁は直", "この壁は直る", 3, []),
        ("a b c. d e f", "D E F a b c", 3, [Passage(0, 5, 6, 11, 3), Passage(7, 12, 0, 5, 3, moved=True)]),
    ],
)
def test_passages_of_small_texts(left: str, right: str, size: int, expected: list[Passage]) -> None:
    """What texts of a few words share; of two that change places, one is moved."""
    one, other = read_words(left), read_words(right)
    found = passages.passages(one, other, share(one, other, size))
    assert sorted((p.left_start, p.left_end, p.right_start, p.right_end, p.words) for p in found) == sorted(
        (p.left_start, p.left_end, p.right_start, p.right_end, p.words) for p in expected
    )
    assert sum(p.moved for p in found) == sum(p.moved for p in expected)


def test_a_word_diff() -> None:
    """Single equal words are equal too; a deletion beside an insertion is a replacement."""
    left, right = "The wall holds for now, he said.", "Now the wall may hold for years, he said today."
    one, other = read_words(left), read_words(right)
    assert edits(one, other, share(one, other, 3)) == (
        Edit("insert", 0, 0, 0, 3),
        Edit("equal", 0, 8, 4, 12),
        Edit("replace", 9, 14, 13, 21),
        Edit("equal", 15, 18, 22, 25),
        Edit("replace", 19, 22, 26, 31),
        Edit("equal", 24, 31, 33, 40),
        Edit("insert", 31, 31, 41, 46),
    )


def test_repetition_beside_a_passage_belongs_to_it() -> None:
    """A phrase that stands at too many places to look at does not tear the passage that it stands in."""
    phrase = [f"phrase{number}" for number in range(9)]
    body = [word for part in range(8) for word in (*(f"part{part}x{number}" for number in range(9)), *phrase)]
    one, other = read_words(" ".join([*phrase, "first", *body])), read_words(" ".join(body))
    assert [(left, words) for left, words in zip(*tuples(share(one, other, 3)), strict=True)] == [(10, 144)]


def tuples(runs: passages.Runs) -> tuple[list[int], list[int]]:
    """Return where runs begin on the left, and how long they are."""
    return runs.left.tolist(), runs.words.tolist()


def test_equal_hashes_of_windows_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows that collide make no passage of words that differ."""
    windows_of = passages._windows
    monkeypatch.setattr(passages, "_windows", lambda *args: (windows_of(*args)[0] * np.uint64(0), windows_of(*args)[1]))
    one, other = read_words("one two three four"), read_words("five six seven eight")
    assert not len(share(one, other, 3))


HOSTILE = {
    "one word": (["a"] * 20_000, ["a"] * 19_000),
    "two words": (["a", "b"] * 10_000, ["b", "a"] * 9_000),
    "one character": (["港"] * 30_000, ["港"] * 29_000),
    "four times the same": ([str(n) for _ in range(4) for n in range(5_000)], [str(n) for n in range(5_000)] * 4),
    "shifted periods": (
        [str(n) for n in range(100)] * 200,
        [w for n in range(100) for w in [*[str(n + k) for k in range(3)] * (n // 2), "q"]]
        + [str(n) for n in range(100)] * 100,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_repetition_costs_no_more_than_prose(name: str) -> None:
    """Texts of 20,000 words that repeat themselves are compared in seconds, also the other way round."""
    left, right = (" ".join(words) for words in HOSTILE[name])
    one, other = read_words(left), read_words(right)
    started = time.process_time()
    for texts_ in ((one, other), (other, one)):
        found = share(*texts_, 3)
        assert len(found)
        assert edits(*texts_, found)
    assert time.process_time() - started < 5


def test_effort_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where choosing among runs would cost too much, the longest are taken and the rest is left."""
    chance = random.Random(4)
    left, right = (read_words(" ".join(chance.choices("abc", k=400))) for _ in range(2))
    whole = share(left, right, 3)
    monkeypatch.setattr(passages, "MOST_RUNS", 5)
    cut = share(left, right, 3)
    assert 0 < len(cut) <= 5
    assert cut.words.min() > whole.words.mean()
    monkeypatch.setattr(passages, "_EFFORT", 0)
    assert not len(share(left, right, 3))


def cover_of(page: Cleaned | str, others: Mapping[str, str]) -> Cover:
    """Return which stretch of a page is from which of some texts."""
    return cover(read_words(page), ((name, read_words(other)) for name, other in others.items()))


def story(chance: random.Random, words: int) -> list[str]:
    """Return the words of an invented story; two of them share single words, never three in a row."""
    return [f"w{chance.randrange(3000)}" for _ in range(words)]


@pytest.mark.parametrize("stories", range(2, 11))
@pytest.mark.parametrize("seed", range(3))
def test_cover_of_a_page_of_stories(stories: int, seed: int) -> None:
    """Each stretch is from its story, to the character; what is unexplained is the glue between them."""
    chance = random.Random(10 * stories + seed)
    known = {f"s{number}": story(chance, chance.randint(40, 300)) for number in range(stories)}
    page, expected, glue = [f"glue{n}" for n in range(chance.randint(0, 20))], [], 0
    glue = len(page)
    for name in chance.sample(sorted(known), stories):
        start = chance.randint(0, 20)
        part = known[name][start : start + chance.randint(12, 300)]
        begin = len(" ".join([*page, ""]))
        page += part
        expected.append(Stretch(begin, len(" ".join(page)), name, len(part)))
        between = chance.randint(6, 30)
        page += [f"glue{len(page)}.{n}" for n in range(between)]
        glue += 2 * between
    others = known | {"other": story(chance, 200), "empty": []}
    found = cover_of(" ".join(page), {name: " ".join(words) for name, words in others.items()})
    assert found.stretches == tuple(expected)
    tokens = len(native.tokens(" ".join(page)))
    assert found.unexplained == pytest.approx(1 - sum(stretch.words for stretch in expected) / tokens)


def test_cover_takes_the_document_that_explains_more() -> None:
    """Of two documents with the same words the longer part wins, of equal ones the smaller id; nothing stands twice."""
    words = story(random.Random(1), 60)
    page = " ".join(words)
    parts = {"a": " ".join(words[:40]), "b": " ".join(words[20:]), "c": " ".join(words[:30]), "d": "w1 w2"}
    found = cover_of(page, parts)
    assert [(stretch.document, stretch.words) for stretch in found.stretches] == [("a", 40), ("b", 20)]
    assert found.unexplained == 0.0
    assert cover_of(page, parts | {"c": page}).stretches == (Stretch(0, len(page), "c", 60),)


def test_cover_of_edited_words_is_one_stretch() -> None:
    """A few changed words do not tear a stretch; more of them do, and what is left alone must be long enough."""
    words = story(random.Random(2), 90)
    for changed, expected in ((5, [80]), (6, [30, 44])):
        page = [*words[:30], *(f"new{n}" for n in range(changed)), *words[30 + changed : 80]]
        found = cover_of(" ".join(page), {"a": " ".join(words)})
        assert [stretch.words for stretch in found.stretches] == expected
        page = [*words[:9], *(f"new{n}" for n in range(changed)), *(f"newer{n}" for n in range(9))]
        assert cover_of(" ".join(page), {"a": " ".join(words)}).stretches == ()


@pytest.mark.parametrize("page", ["", "…", "one two three"])
def test_cover_of_nothing(page: str) -> None:
    """A page without words has nothing unexplained; a short one, or one without documents, has no stretch."""
    expected = ((), float(len(native.tokens(page)) > 0))
    for others in ({}, {"a": page}, {"a": ""}):
        found = cover_of(page, others)
        assert (found.stretches, found.unexplained) == expected


@given(st.data(), st.lists(texts, max_size=4), texts)
def test_cover_counts_every_token_once(data: st.DataObject, others: list[str], text: str) -> None:
    """Stretches never overlap, come in order, hold what they say, and the rest is unexplained."""
    page = data.draw(cleaned(text * 3))
    found = cover_of(page, {str(number): other * 2 for number, other in enumerate(others)})
    words = read_words(page)
    assert all(before.end <= after.start for before, after in pairwise(found.stretches))
    held = 0
    for stretch in found.stretches:
        inside = at(words, stretch.start, stretch.end)
        assert stretch.words == len(inside) >= passages.LEAST_STRETCH
        held += len(inside)
    assert found.unexplained == (1 - held / len(words) if len(words) else 0.0) or held < len(words)


def test_words_of_a_page_that_is_not_clean() -> None:
    """A str is read as it is, as a page from which nothing was removed."""
    text: Any = "The wall — holds."
    for one, other in zip(read_arrays(text), read_arrays(Cleaned(text, text)), strict=True):
        assert one.tolist() == other.tolist()


def read_arrays(page: Cleaned | str) -> list[Any]:
    """Return the arrays of the tokens of a page."""
    words = read_words(page)
    return [words.hashes, words.starts, words.ends, words.weights]
