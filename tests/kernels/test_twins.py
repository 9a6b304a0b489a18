"""Each native kernel equals its readable twin bit for bit; the twin is short enough to be checked by eye."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from kernel_strategies import SEEDS, any_char, filtered_runs, graphs, posting_keys, seeds, sorted_lists, texts

from dedup.config import SketchConfig
from dedup.errors import InvalidArgumentError
from dedup.kernels import native, reference
from dedup.kernels.native import Runs, ShingleSets, Texts
from dedup.kernels.sketches import SAMPLE_LEAST, SAMPLE_PART, Sketches

if TYPE_CHECKING:
    from numpy.typing import NDArray

TWINS = sorted(
    name
    for name, function in inspect.getmembers(native, inspect.isfunction)
    if function.__module__ == native.__name__ and not name.startswith("_") and hasattr(reference, name)
)

configs = st.builds(
    SketchConfig,
    shingle_size=st.integers(1, 7),
    num_slots=st.sampled_from([16, 32, 64, 128, 256, 512, 1024]),
    seed=seeds,
)
sorted_sets = st.sets(st.one_of(st.integers(0, 30), st.integers(0, 2**64 - 1))).map(
    lambda values: np.array(sorted(values), np.uint64)
)


def assert_same(left: Sketches, right: Sketches) -> None:
    """Assert that two batches of signatures are equal in every array and dtype."""
    assert left.scheme == right.scheme
    for name in ("signatures", "tokens", "shingles", "digests"):
        one, other = getattr(left, name), getattr(right, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_every_kernel_has_a_twin() -> None:
    """Both files define the same public functions; native.py adds only those that fill a range of rows."""
    defined = {
        module: {
            name
            for name, function in inspect.getmembers(module, inspect.isfunction)
            if function.__module__ == module.__name__ and not name.startswith("_")
        }
        for module in (native, reference)
    }
    assert defined[reference] - defined[native] == {"mix"}
    assert {name for name in defined[native] - defined[reference] if not name.startswith("fill_")} == set()
    assert len(TWINS) >= 11


@pytest.mark.parametrize("name", TWINS)
def test_twins_say_the_same(name: str) -> None:
    """Twins have one docstring and one list of parameters."""
    one, other = getattr(native, name), getattr(reference, name)
    assert one.__doc__
    assert one.__doc__ == other.__doc__
    assert list(inspect.signature(one).parameters) == list(inspect.signature(other).parameters)


@given(texts)
def test_tokens(text: str) -> None:
    """Tokens are equal over arbitrary Unicode."""
    assert native.tokens(text) == reference.tokens(text)


@pytest.mark.seconds
@pytest.mark.parametrize("plane", range(17))
def test_every_code_point_folds_as_its_twin(plane: int) -> None:
    """Each code point between two letters is kept, replaced, dropped or separates, as in the twin."""
    for start in range(plane << 16, (plane + 1) << 16, 4096):
        text = "".join(f"a{chr(point)}b" for point in range(start, start + 4096))
        assert native.tokens(text) == reference.tokens(text)


@given(texts)
def test_fold(text: str) -> None:
    """Folded texts are equal over arbitrary Unicode."""
    assert native.fold(text) == reference.fold(text)


@given(texts)
def test_unspaced_tokens(text: str) -> None:
    """The same tokens are characters of unspaced scripts."""
    found = native.unspaced_tokens(text)
    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found, reference.unspaced_tokens(text))


@given(texts, st.sampled_from([1, 2, 7, 2**17]))
def test_token_spans(text: str, block: int) -> None:
    """Every token stands where the twin, which goes from character to character, says, however long a block is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "_SPAN_BLOCK", block)
        spans = native.token_spans(text)
    for found, expected in zip(spans, reference.token_spans(text), strict=True):
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, expected)


@pytest.mark.seconds
@pytest.mark.parametrize("plane", range(17))
def test_every_code_point_stands_in_its_tokens(plane: int) -> None:
    """Each code point between two letters has the spans of the twin: as many as there are tokens."""
    for start in range(plane << 16, (plane + 1) << 16, 4096):
        text = "".join(f"a{chr(point)}b" for point in range(start, start + 4096))
        found = native.token_spans(text)
        np.testing.assert_array_equal(found, reference.token_spans(text))
        assert len(found[0]) == len(native.tokens(text)) == len(native.unspaced_tokens(text))


@given(texts, seeds)
def test_token_hashes(text: str, seed: int) -> None:
    """Token hashes are those of the twin, which takes them from the xxhash package."""
    found = native.token_hashes(text, seed)
    assert found.dtype == np.uint64
    np.testing.assert_array_equal(found, reference.token_hashes(text, seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_token_hashes_of_every_length(seed: int) -> None:
    """A token of any length to 2200 bytes hashes as in the xxhash package, whose authors wrote XXH3."""
    letters = "the quick brown fox jumps over 13 lazy dogs".replace(" ", "") * 60
    for size in range(1, 2200):
        token = letters[size % 7 : size % 7 + size]
        assert native.token_hashes(token, seed).tolist() == [xxhash.xxh3_64_intdigest(token.encode(), seed)], size


@given(texts, st.integers(1, 7), seeds)
def test_shingle_hashes(text: str, shingle_size: int, seed: int) -> None:
    """Shingle hashes are equal, in text order."""
    found = native.shingle_hashes(text, shingle_size, seed)
    assert found.dtype == np.uint64
    np.testing.assert_array_equal(found, reference.shingle_hashes(text, shingle_size, seed))


@st.composite
def alike(draw: st.DrawFn) -> tuple[str, str]:
    """Return two texts of which the second has a few other words in place of some of the first's."""
    word = st.sampled_from(
        [*"abcdefgh", "Rome", "Kiev", "5", "17", "1 200", "1200", "2x4", "end.", "漢", "字", "Ж", "ß", "\ud800"]
    )
    left = draw(st.lists(word, max_size=60))
    right = list(left)
    for _ in range(draw(st.integers(0, 4))):
        at, size = draw(st.integers(0, len(right))), draw(st.integers(0, 6))
        right[at : at + size] = draw(st.lists(word, max_size=14))
    return " ".join(left), " ".join(right)


@given(alike() | st.tuples(texts, texts), st.integers(1, 4), seeds)
def test_align(pair: tuple[str, str], shingle_size: int, seed: int) -> None:
    """What two texts share in order, and how they differ there, is what the twin counts, from either side."""
    left, right = pair
    found = native.align(left, right, shingle_size, seed)
    assert found == native.align(right, left, shingle_size, seed) == reference.align(left, right, shingle_size, seed)


@given(st.lists(alike(), min_size=1, max_size=3), st.data())
def test_alignments_of_many_pairs(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    """What is found of a pair does not depend on the pairs before it."""
    content = [text for pair in pairs for text in pair]
    places = st.integers(0, len(content) - 1)
    chosen = data.draw(st.lists(st.tuples(places, places), min_size=1, max_size=8))
    left, right = np.ascontiguousarray(np.array(chosen, np.int64).T)
    out = np.zeros((len(chosen), 5), np.int64)
    config = SketchConfig(shingle_size=2)
    native.fill_alignments(Texts.from_strings(content), left, right, config, 0, len(chosen), out)
    assert out.tolist() == [list(reference.align(content[a], content[b], 2)) for a, b in chosen]


@given(texts, seeds)
def test_digest(text: str, seed: int) -> None:
    """Digests are equal."""
    assert native.digest(text, seed) == reference.digest(text, seed)


@given(st.lists(texts, max_size=5), configs)
def test_sketch(batch: list[str], config: SketchConfig) -> None:
    """Signatures, counts and digests are equal for every size, seed and number of slots."""
    assert_same(native.sketch(Texts.from_strings(batch), config), reference.sketch(batch, config))


@pytest.mark.parametrize("num_slots", [16, 64, 128])
def test_sketch_with_any_share_of_empty_slots(num_slots: int) -> None:
    """Both ways of filling empty slots, for few and for many of them, give the values of the twin."""
    config = SketchConfig(shingle_size=1, num_slots=num_slots)
    batch = [" ".join(f"w{i}" for i in range(size)) for size in (1, 2, 3, 4, 5, 7, 20, 50, 100, 180, 300)]
    found = native.sketch(Texts.from_strings(batch), config)
    assert_same(found, reference.sketch(batch, config))
    filled = [
        len(set((native.shingle_hashes(text, 1) >> np.uint64(64 - num_slots.bit_length() + 1)).tolist()))
        for text in batch
    ]
    assert any(2 * count <= num_slots for count in filled)
    assert any(num_slots < 2 * count < 2 * num_slots for count in filled)


@given(texts, st.integers(1, 7), seeds)
def test_shingle_set(text: str, shingle_size: int, seed: int) -> None:
    """Shingle sets are equal, also when they are filled row by row."""
    expected = reference.shingle_set(text, shingle_size, seed)
    np.testing.assert_array_equal(native.shingle_set(text, shingle_size, seed), expected)
    config = SketchConfig(shingle_size=shingle_size, seed=seed)
    batch = Texts.from_strings(["other", text])
    sketches = native.sketch(batch, config)
    rows = np.array([1, 0, 1], np.int64)
    sets = ShingleSets.empty(sketches.shingles[rows])
    native.fill_shingle_sets(batch, rows, config, 0, 3, sets)
    np.testing.assert_array_equal(sets[0], expected)
    np.testing.assert_array_equal(sets[2], expected)
    np.testing.assert_array_equal(sets[1], reference.shingle_set("other", shingle_size, seed))


@given(st.integers(0, 400), st.integers(1, 300), st.integers(1, 4), seeds, st.integers(0, 60))
def test_samples(tokens: int, words: int, shingle_size: int, seed: int, room: int) -> None:
    """Samples are equal for texts below and above the least size, with repeats, and where room is short."""
    text = " ".join(str(number * number % words) for number in range(tokens))
    config = SketchConfig(shingle_size=shingle_size, seed=seed)
    sets = ShingleSets.empty(np.array([500, room]))
    native.fill_samples(Texts.from_strings([text, text]), np.array([0, 1]), config, 0, 2, sets)
    expected = reference.sample(text, shingle_size, seed)
    np.testing.assert_array_equal(native.sample(text, shingle_size, seed), expected)
    np.testing.assert_array_equal(sets[0], expected)
    np.testing.assert_array_equal(sets[1], expected[:room])
    np.testing.assert_array_equal(sets.joined(), np.concatenate([sets[0], sets[1]]))
    sketches = Sketches.empty(1, config)
    values, counts = native.fill_sketches_and_samples(Texts.from_strings([text]), config, 0, 1, sketches)
    assert_same(sketches, reference.sketch([text], config))
    np.testing.assert_array_equal(values, expected[: SAMPLE_LEAST + int(sketches.shingles[0]) // SAMPLE_PART])
    assert counts.tolist() == [len(values)]


@pytest.mark.parametrize("tokens", [2042, 2043, 2048, 65_531, 65_532, 65_537, 70_000])
def test_shingle_set_of_a_large_text(tokens: int) -> None:
    """Around 2048 and 65,536 shingles, where the way of sorting changes, a set is what numpy.unique makes of them."""
    text = " ".join(map(str, range(tokens))) + " 0 1 2 3 4"
    config = SketchConfig(shingle_size=1)
    batch = Texts.from_strings([text])
    sets = ShingleSets.empty(native.sketch(batch, config).shingles)
    native.fill_shingle_sets(batch, np.array([0]), config, 0, 1, sets)
    assert len(sets[0]) == tokens
    np.testing.assert_array_equal(sets[0], np.unique(native.shingle_hashes(text, 1)))


@given(sorted_sets, sorted_sets)
def test_intersection_size(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> None:
    """Sets share as many values as Python's sets do."""
    assert native.intersection_size(left, right) == reference.intersection_size(left, right)
    assert native.intersection_size(left, left) == len(left)


@given(sorted_sets, st.integers(0, 2**32 - 1), st.integers(100, 2000), st.integers(31, 4000))
def test_intersection_with_a_much_larger_set(small: NDArray[np.uint64], seed: int, size: int, most: int) -> None:
    """A set that is many times as large is searched, not passed through; the answer is the same."""
    large = np.unique(np.random.default_rng(seed).integers(0, most, size, dtype=np.uint64))
    expected = reference.intersection_size(small, large)
    assert expected == native.intersection_size(small, large) == native.intersection_size(large, small)


@given(st.integers(0, 5), st.integers(0, 2**32 - 1), st.data())
def test_band_keys(texts_: int, seed: int, data: st.DataObject) -> None:
    """Band keys are equal for every place and width of a band, none and all slots included."""
    slots = data.draw(st.sampled_from([16, 32, 128]))
    signatures = np.random.default_rng(seed).integers(0, 2**32, (texts_, slots), dtype=np.uint32)
    first = data.draw(st.integers(0, slots))
    rows = data.draw(st.integers(0, slots - first))
    found = native.band_keys(signatures, first, rows)
    assert found.dtype == np.uint64
    np.testing.assert_array_equal(found, reference.band_keys(signatures, first, rows))


@given(graphs())
def test_choose_canonicals(graph: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]) -> None:
    """Canonicals are equal on any graph, ties in the scores included."""
    found = native.choose_canonicals(*graph)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, reference.choose_canonicals(*graph))


@given(graphs())
def test_canonicals_are_an_independent_set_that_reaches_all(
    graph: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
) -> None:
    """No two canonicals are linked, each other document is linked to its own, and that one has the highest score."""
    offsets, neighbours, scores = graph
    chosen = native.choose_canonicals(*graph)
    for document, own in enumerate(chosen.tolist()):
        links = slice(offsets[document], offsets[document + 1])
        rivals = {
            int(other): score
            for other, score in zip(neighbours[links], scores[links], strict=True)
            if chosen[other] == other
        }
        if own == document:
            assert not rivals
        else:
            assert rivals[own] == max(rivals.values())
            assert own == min(other for other, score in rivals.items() if score == rivals[own])


@given(st.lists(posting_keys, max_size=40), filtered_runs())
def test_probe_filters(keys: list[int], runs: Runs) -> None:
    """The same keys pass the same filters, and lead to the same pages."""
    wanted = np.array(keys, np.uint64)
    found = native.probe_filters(wanted, runs)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, reference.probe_filters(wanted, runs))


@given(sorted_lists())
def test_search_lists(lists: tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64]]) -> None:
    """The same entries are found, more of them than keys and lists too, and the same lists may go on."""
    found, goes_on = native.search_lists(*lists)
    assert found.dtype == np.int64
    assert goes_on.dtype == np.bool_
    expected, expected_on = reference.search_lists(*lists)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(goes_on, expected_on)


def test_list_of_one_key_is_found_whole() -> None:
    """A key with thousands of entries is found with all of them."""
    entries, wanted = np.arange(5000, dtype=np.uint64) | np.uint64(7 << 24), np.array([7], np.uint64)
    found, goes_on = native.search_lists(entries, np.array([[0], [1], [0], [5000], [10]]), wanted)
    assert found.tolist() == list(range(10, 5010))
    assert goes_on.tolist() == [True]


@pytest.mark.parametrize("row", range(5))
@pytest.mark.parametrize("value", [-1, 4])
def test_lists_out_of_bounds_are_refused(row: int, value: int) -> None:
    """A list of other keys or entries than there are is refused; what is added to numbers may be anything."""
    lists = np.array([[0, 0], [3, 3], [0, 0], [3, 3], [0, 0]])
    lists[row, 1] = value
    entries = wanted = np.arange(3, dtype=np.uint64)
    if row == 4 or (row, value) in {(0, 4), (1, -1)}:
        assert len(native.search_lists(entries, lists, wanted)[0]) >= 3
        return
    with pytest.raises(InvalidArgumentError, match=r"lists must be of 3 keys and 3 entries\. Got others\."):
        native.search_lists(entries, lists, wanted)


def test_larger_key_is_refused() -> None:
    """A key of more than 40 bits, which would lead beyond a filter, is refused."""
    ones = np.ones((1, 2), np.uint64)
    runs = Runs.of([ones], [np.zeros(1, np.uint64)], np.ones((1 << 14, 2), np.uint64))
    assert native.probe_filters(np.array([2**40 - 1], np.uint64), runs).tolist() == [[0], [0], [0]]
    with pytest.raises(InvalidArgumentError, match=r"wanted must be below 2\*\*40\. Got 1099511627776\."):
        native.probe_filters(np.array([3, 2**40], np.uint64), runs)


@pytest.mark.parametrize(
    ("places", "pages", "pairs", "message"),
    [
        (0, 1, 1 << 14, "runs must have a filter and a page. Got 0 places, 1 pages."),
        (1, 0, 1 << 14, "runs must have a filter and a page. Got 1 places, 0 pages."),
        (1, 1, 1 << 13, "masks must be contiguous uint64"),
    ],
)
def test_incomplete_runs_are_refused(places: int, pages: int, pairs: int, message: str) -> None:
    """Runs without a filter or a page, or with fewer masks than keys may ask for, are refused."""
    filters, directories = [np.zeros((places, 2), np.uint64)], [np.zeros(pages, np.uint64)]
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        Runs.of(filters, directories, np.zeros((pairs, 2), np.uint64))


@given(st.text(any_char, min_size=1, max_size=3))
def test_surrogates_separate(text: str) -> None:
    """A lone surrogate separates tokens, whatever stands around it."""
    assert native.tokens(f"{text}\ud800{text}") == native.tokens(text) + native.tokens(text)
