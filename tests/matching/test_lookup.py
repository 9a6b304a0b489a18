"""Keys: an index finds the pairs that a batch finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedup import Config
from dedup.kernels import native
from dedup.kernels.parallel import Pool
from dedup.matching.candidates import all_pairs, pairs_by_bands
from dedup.matching.lookup import Hits, Keys, keys_of, worth_comparing
from dedup.scratch import Memory
from dedup.stages import Marks, cut_of, sketch_chunk
from strategies import configs, sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray


def lookup(texts: list[str], config: Config) -> tuple[Keys, NDArray[np.int64], NDArray[np.int64]]:
    """Return the keys of texts, and who has which: places of keys and texts."""
    rows = native.Texts.from_strings(texts)
    keys = keys_of(rows, native.sketch(rows, config), config)
    having: dict[int, list[int]] = {}
    owners = np.repeat(np.arange(len(texts)), np.diff(keys.firsts))
    for owner, key in zip(owners.tolist(), keys.values.tolist(), strict=True):
        having.setdefault(key, []).append(owner)
    found = [(place, text) for place, key in enumerate(keys.values.tolist()) for text in having[key]]
    place, text = np.array(found, np.int64).reshape(-1, 2).T
    return keys, place, text


def hits_of(texts: list[str], config: Config) -> Hits:
    """Return what an index would find that has just these texts, in keep order."""
    keys, place, found = lookup(texts, config)
    counts = np.bincount(place, minlength=len(keys.values))
    over = counts > config.bucket_limit
    return Hits(keys, place, found, over, np.arange(len(texts)), keys.samples, keys.rates)


@given(st.lists(sentences(), min_size=1, max_size=8), configs())
def test_an_index_compares_what_a_batch_compares(texts: list[str], config: Config) -> None:
    """Pairs by keys are the pairs by bands and by samples, where no key has a crowd."""
    rows = native.Texts.from_strings(texts)
    sketches = native.sketch(rows, config)
    with_token = np.flatnonzero(sketches.tokens > 0)
    texts = [texts[row] for row in with_token.tolist()]
    sketches = sketches.take(with_token)
    marks = Marks(Memory(), "text", cut_of(config))
    marks.append(*sketch_chunk(rows.take(with_token), config, sampled=True))
    with Pool(1) as pool:
        places = np.arange(len(texts))
        bands = pairs_by_bands(marks.bands, places, config.bucket_limit, pool, lambda _: None)
        samples = marks.samples.pairs(places, bands, config, pool, Memory(), lambda _: None)
    wanted = bands.join(samples)
    one, other, crowded = worth_comparing(hits_of(texts, config), config)
    found = {(min(pair), max(pair)) for pair in zip(one.tolist(), other.tolist(), strict=True)}
    assert found == set(zip(wanted.left.tolist(), wanted.right.tolist(), strict=True))
    assert not crowded.any()


@given(st.integers(2, 40), st.integers(2, 8))
def test_a_crowd_is_met_by_its_first(copies: int, bucket_limit: int) -> None:
    """Of more copies than the limit, each is compared with a quarter of the limit: the first others in keep order."""
    config = Config(bucket_limit=bucket_limit, min_excerpt=10**6)
    texts = ["the wall holds for now said the harbour master on monday"] * copies
    one, other, crowded = worth_comparing(hits_of(texts, config), config)
    found = set(zip(one.tolist(), other.tolist(), strict=True))
    first = max(1, bucket_limit // 4)
    if copies > bucket_limit:
        assert crowded.all()
        assert found == {(a, b) for a in range(copies) for b in [b for b in range(copies) if b != a][:first]}
    else:
        both = all_pairs(copies)
        pairs = set(zip(both.left.tolist(), both.right.tolist(), strict=True))
        assert found == pairs | {(b, a) for a, b in pairs}
        assert not crowded.any()


def test_keys_are_spread_evenly() -> None:
    """The top bits of keys, by which pages and filters are chosen, are as good as random."""
    texts = native.Texts.from_strings(
        [f"story {n} of the harbour wall and the ferry " * 4 + str(n) for n in range(300)]
    )
    config = Config(min_excerpt=1)
    keys = np.unique(keys_of(texts, native.sketch(texts, config), config).values)
    counts = np.bincount((keys >> np.uint64(60)).astype(np.int64), minlength=16)
    expected = len(keys) / 16
    # Sixteen counts that are within five deviations of the mean.
    assert (abs(counts - expected) < 5 * np.sqrt(expected)).all()


def test_a_text_without_a_token_has_no_key() -> None:
    """Nothing finds a text that says nothing, and it finds nothing."""
    texts = native.Texts.from_strings(["…", "one two three four five"])
    keys = keys_of(texts, native.sketch(texts, Config()), Config())
    assert [len(part) for part in keys.of_each()] == [0, keys.bands]
    assert keys.samples.tolist() == [0, 0]
