"""Samples: a text inside another is a candidate, whatever their lengths; common phrases cost little."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Config, deduplicate
from dedup.kernels import native, reference
from dedup.kernels.parallel import Pool
from dedup.kernels.sketches import SAMPLE_CUT
from dedup.matching.candidates import Candidates, all_pairs
from dedup.matching.samples import PARTS, Samples
from dedup.scratch import Folder, Memory
from dedup.stages import sketch_chunk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONFIG = Config(clean="off")


def words(chance: random.Random, count: int) -> list[str]:
    """Return words of a large vocabulary: no phrase comes twice by chance."""
    return [f"w{chance.randrange(100_000)}" for _ in range(count)]


def by_samples(
    texts: list[str],
    config: Config = CONFIG,
    known: Candidates | None = None,
    advance: Callable[[int], None] = lambda _parts: None,
) -> set[tuple[int, int]]:
    """Return the candidates, found on two threads; each must be there once, in ascending order."""
    rows = native.Texts.from_strings(texts)
    samples = Samples(Memory(), "text")
    samples.append(*sketch_chunk(rows, config, sampled=True)[1:])
    known = known or all_pairs(0)
    with Pool(2) as pool:
        found = samples.pairs(np.arange(len(texts)), known, config, pool, Memory(), advance)
    pairs = list(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert all(left < right for left, right in pairs)
    return set(pairs)


@given(st.integers(30, 400), st.integers(0, 400), st.integers(0, 300), st.integers(0, 99))
def test_samples_of_texts_inside_others_agree(inner: int, before: int, after: int, seed: int) -> None:
    """Below both cuts, the sample of the longer text has all that the sample of the text inside it has."""
    chance = random.Random(seed)
    inside = words(chance, inner)
    around = [*words(chance, before), *inside, *words(chance, after)]
    small, large = (reference.sample(" ".join(text), 3) for text in (inside, around))
    cut = min(max(int(sample[-1]) + 1, SAMPLE_CUT) for sample in (small, large))
    assert set(small[small < cut].tolist()) <= set(large[large < cut].tolist())


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("size", "share", "longer", "least"),
    [
        (60, 0.8, 400, 0.97),
        (60, 0.8, 4000, 0.97),
        (300, 0.6, 300, 0.99),
        (300, 0.6, 3000, 0.99),
        (100, 0.6, 1000, 0.95),
    ],
)
def test_texts_inside_others_are_found(size: int, share: float, longer: int, least: float) -> None:
    """An excerpt of `size` words of which `share` lies in a longer text, in one piece, is nearly always a candidate."""
    chance = random.Random(size * longer)
    texts = []
    for _ in range(400):
        story = words(chance, longer)
        start = chance.randrange(longer - round(share * size) + 1)
        own = words(chance, size - round(share * size))
        texts += [" ".join(story), " ".join(own + story[start : start + round(share * size)])]
    found = by_samples(texts)
    # Three standard errors below the promise is a broken promise, not bad luck.
    assert (
        sum((row, row + 1) in found for row in range(0, 800, 2)) / 400 >= least - 3 * (least * (1 - least) / 400) ** 0.5
    )
    assert len(found) <= 420


def test_a_widely_printed_story_is_not_forgotten() -> None:
    """An excerpt meets the first documents of a story that more than `bucket_limit` texts carry."""
    chance = random.Random(5)
    story = words(chance, 300)
    texts = [" ".join(story + words(chance, 20)) for _ in range(300)] + [" ".join(story[100:200])]
    found = by_samples(texts)
    assert {(row, 300) for row in range(16)} <= found
    assert len(found) < 20 * len(texts)


def test_common_shingles_are_counted() -> None:
    """The summary tells how many sampled shingles stood in more than `bucket_limit` texts; a small batch has none."""
    chance = random.Random(11)
    carried = words(chance, 60)
    texts = [" ".join(words(chance, 100) + carried + words(chance, 100)) for _ in range(100)]
    for exhaustive, expected in ((0, True), (256, False)):
        summary = deduplicate([*texts, " ".join(carried)], exhaustive=exhaustive, clean="off").summary()
        assert bool(summary["common_shingles"]) is expected


def test_a_page_of_many_short_texts_takes_linear_time() -> None:
    """One page that holds thousands of short texts costs each of them a search in it, not a pass over it."""
    chance = random.Random(12)
    texts = [" ".join(words(chance, 60)) for _ in range(4000)]
    begun = time.process_time()
    result = deduplicate([*texts, " ".join(texts)], clean="off")
    assert result.summary()["roundup_pairs"] >= 3900
    assert time.process_time() - begun < 8


def test_common_phrases_make_no_pairs() -> None:
    """Texts that share one phrase of ten words, and nothing else, are hardly ever candidates."""
    chance = random.Random(6)
    phrase = words(chance, 10)
    texts = [" ".join(words(chance, 150) + phrase + words(chance, 150)) for _ in range(500)]
    assert len(by_samples(texts)) <= len(texts)


def test_short_texts_have_no_pair() -> None:
    """A text of less than `min_excerpt` shingles is in no pair; one more shingle, and it is."""
    chance = random.Random(7)
    story = words(chance, 100)
    for size, expected in ((CONFIG.min_excerpt + 1, set()), (CONFIG.min_excerpt + 2, {(0, 1)})):
        assert by_samples([" ".join(story), " ".join(story[:size])]) == expected


def test_known_pairs_are_left_out() -> None:
    """What the bands have found is not found again."""
    story = words(random.Random(4), 200)
    texts = [" ".join(story[start:]) for start in (0, 20, 40)]
    known = Candidates(np.array([0]), np.array([2]), np.zeros(3, np.bool_))
    assert by_samples(texts) == {(0, 1), (0, 2), (1, 2)}
    assert by_samples(texts, known=known) == {(0, 1), (1, 2)}


@pytest.mark.parametrize("texts", [[], ["one two"], ["", " ".join(map(str, range(100)))]])
def test_nothing_to_pair(texts: list[str]) -> None:
    """Of no text, and of texts of which fewer than two are long enough, there is no pair."""
    assert by_samples(texts) == set()


@pytest.mark.parametrize("texts", [0, 10])
def test_every_part_is_told(texts: int) -> None:
    """Progress is told 1 after each part, also where there is nothing to compare."""
    told: list[int] = []
    by_samples([" ".join(words(random.Random(row), 90)) for row in range(texts)], advance=told.append)
    assert told == [1] * PARTS


@given(st.permutations(range(12)))
def test_order_changes_only_numbers(order: list[int]) -> None:
    """The same texts in another order give the same pairs of texts."""
    chance = random.Random(8)
    story = words(chance, 240)
    texts = [" ".join(story[20 * start : 20 * start + 80]) for start in range(9)] + [
        " ".join(words(chance, 60)) for _ in range(3)
    ]
    straight = {frozenset(pair) for pair in by_samples(texts)}
    other = by_samples([texts[place] for place in order])
    assert {frozenset((order[left], order[right])) for left, right in other} == straight


def test_pairs_are_places_of_the_rows() -> None:
    """Pairs count in places of `rows`; a text that is not among these is in no pair, and counts for no limit."""
    story = words(random.Random(13), 200)
    texts = [" ".join(story[start:]) for start in (0, 10, 20, 30)]
    rows = native.Texts.from_strings(texts)
    samples = Samples(Memory(), "text")
    samples.append(*sketch_chunk(rows, CONFIG, sampled=True)[1:])
    with Pool(1) as pool:
        config = replace(CONFIG, bucket_limit=3)
        found = samples.pairs(np.array([3, 0, 2]), all_pairs(0), config, pool, Memory(), lambda _: None)
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    assert found.common == 0


def test_samples_in_files_give_the_same_pairs(tmp_path: Path) -> None:
    """Wherever samples stand, and in however many goes they come, the pairs and the counts are the same."""
    chance = random.Random(14)
    story = words(chance, 300)
    texts = [" ".join(story[start : start + 120] + words(chance, 60)) for start in range(0, 180, 3)] + ["short"] * 3
    rows = native.Texts.from_strings(texts)
    config = replace(CONFIG, bucket_limit=4)
    found = []
    for scratch, size in ((Memory(), len(texts)), (Folder(tmp_path), 7)):
        samples = Samples(scratch, "text")
        for start in range(0, len(texts), size):
            some = rows.take(np.arange(len(texts))[start : start + size])
            samples.append(*sketch_chunk(some, config, sampled=True)[1:])
        with Pool(2) as pool:
            order = np.arange(len(texts))[::-1]
            found.append(samples.pairs(order, all_pairs(0), config, pool, scratch, lambda _: None))
    memory, folder = found
    assert len(memory) > 0
    assert memory.common > 0
    assert (memory.common, memory.frequent) == (folder.common, folder.frequent)
    assert np.array_equal([memory.left, memory.right], [folder.left, folder.right])


def test_an_excerpt_joins_its_story_in_a_large_batch() -> None:
    """Where not every pair is compared, the first quarter of a story still belongs to the story."""
    chance = random.Random(9)
    stories = [words(chance, 300) for _ in range(150)]
    texts = [" ".join(story) for story in stories] + [" ".join(story[:75]) for story in stories]
    result = deduplicate(texts, exhaustive=0, clean="off")
    assert sorted(len(cluster.members) for cluster in result.clusters) == [2] * 150
    assert {drop.relation for drop in result.dropped} == {"excerpt"}
    np.testing.assert_allclose([drop.containment for drop in result.dropped], 1.0)
