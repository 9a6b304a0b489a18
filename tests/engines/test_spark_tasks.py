"""What the workers of Spark do with buckets, without Spark: batches go from generator to generator by their parts."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.boilerplate.sightings import Sightings, mix
from dedup.config import Config
from dedup.engines import spark_tasks as tasks
from dedup.kernels.parallel import Pool
from dedup.matching import candidates
from dedup.scratch import Memory

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("pyspark")
    from dedup.engines import spark_hot as hot
    from dedup.engines import spark_templates as repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    Batches = Iterator[pa.RecordBatch]
    Rows = dict[tuple[int, int], list[bytes]]

#: Keys of few buckets; two differ in low bits only, which `candidates.buckets` does not see.
KEYS = tuple(np.uint64(number) for number in (3 << 62, 5 << 60, (5 << 60) + 1, 7 << 50, 2**48 + 9, 11 << 40))


@st.composite
def _marks(draw: st.DrawFn) -> NDArray[np.uint64]:
    """Draw the keys of documents, uint64 [documents, bands]; most of them stand in one bucket of each band."""
    documents, bands = draw(st.tuples(st.integers(8, 40), st.integers(1, 4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    common = rng.random((documents, bands)) < draw(st.sampled_from([0.3, 0.9, 1.0]))
    return np.where(common, KEYS[0], rng.choice(KEYS, (documents, bands))).astype(np.uint64)


def _batches(keys: NDArray[np.uint64], column: str, tasks_: int) -> list[list[pa.RecordBatch]]:
    """Return documents as so many tasks get them, each in batches of three."""
    order = np.random.default_rng(len(keys)).permutation(len(keys))
    return [
        [
            pa.record_batch(
                {"rank": rank, column: tasks.binaries(keys[rank].ravel(), np.full(len(rank), keys.shape[1]))}
            )
            for rank in np.split(order[task::tasks_], range(8, len(order[task::tasks_]), 8))
        ]
        for task in range(tasks_)
    ]


def _mapped(work: Callable[[Batches], Batches], given: Iterable[list[pa.RecordBatch]]) -> list[pa.RecordBatch]:
    """Return what each task makes of its batches."""
    return [made for batches in given for made in work(iter(batches))]


def _shuffled(batches: list[pa.RecordBatch], parts: int) -> list[list[pa.RecordBatch]]:
    """Return packed rows by their parts, as `repartitionById` cuts them, backwards."""
    found = []
    for part in range(parts):
        chosen = [batch.filter(pa.array(tasks.numbers(batch, "part") % parts == part)) for batch in batches]
        found.append([batch for batch in reversed(chosen) if len(batch)])
    return found


def _hot(
    given: list[list[pa.RecordBatch]], keys_of: tasks.KeysOf, config: Config, documents: int, least: int, parts: int
) -> NDArray[Any]:
    """Return the hot buckets, by a sample of half the documents."""
    some = [[batch.filter(pa.array(tasks.numbers(batch, "rank") % 2 == 0)) for batch in task] for task in given]
    scattered = _mapped(lambda rows: hot.scatter_names(rows, keys_of, documents, parts), some)
    frequent = _mapped(lambda rows: hot.often(rows, least), _shuffled(scattered, parts))
    names = np.sort(_joined(frequent, np.uint64))
    heads = _mapped(lambda rows: hot.find_heads(rows, keys_of, names, documents, parts, config), given)
    merged = _mapped(lambda rows: hot.merge_heads(rows, names, config), _shuffled(heads, parts))
    return np.sort(_joined(merged, hot.type_of(config)), order="name")


def _joined(batches: list[pa.RecordBatch], dtype: Any) -> NDArray[Any]:
    return np.frombuffer(b"".join(data for batch in batches for data in batch.column("data").to_pylist()), dtype)


def _counts(batches: list[pa.RecordBatch], size: int) -> NDArray[np.int64]:
    return tasks.of_kind(tasks.unpack(iter(batches)), tasks.COUNTS, np.int64).reshape(-1, size)


cuts = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.integers(1, 9))


@pytest.mark.seconds
@settings(max_examples=50)
@given(_marks(), st.integers(2, 12), st.integers(1, 8), cuts)
def test_bands_with_hot_buckets_give_the_pairs_of_one_machine(
    keys: NDArray[np.uint64], bucket_limit: int, least: int, cut: tuple[int, int, int, int]
) -> None:
    """However documents and keys are cut, and whichever buckets are hot, pairs and counts are those of one machine."""
    many, parts, slices, chunk = cut
    documents, config = len(keys), Config(bucket_limit=bucket_limit)
    columns = [Memory().column("band", np.uint64) for _ in keys.T]
    for column, band in zip(columns, keys.T, strict=True):
        column.append(band)
    with Pool(1) as pool:
        expected = candidates.pairs_by_bands(columns, np.arange(documents), bucket_limit, pool, lambda _: None)
    given = _batches(keys, "keys", many)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "CHUNK_PAIRS", chunk)
        found = _hot(given, tasks.keys_of, config, documents, least, parts)
        cold = _mapped(lambda rows: tasks.scatter_keys(rows, slices, found["name"], documents), given)
        pairs = _mapped(lambda rows: tasks.pairs_by_bands(rows, documents, bucket_limit, parts), _shuffled(cold, parts))
        pairs += _mapped(lambda rows: hot.pairs_of_hot_bands(rows, found, documents, parts), given)
    pairs.append(tasks.counts_of_bands(found["size"], bucket_limit))
    capped, omitted, largest = _counts(pairs, 3).T
    rows = tasks.unpack(iter(pairs))
    assert np.unique(tasks.of_kind(rows, tasks.CROWDED, np.int64)).tolist() == np.flatnonzero(expected.crowded).tolist()
    most = candidates.crowd_pairs(bucket_limit)
    fresh = _mapped(lambda rows: tasks.new_pairs(rows, most, parts, 3), _shuffled(pairs, parts))
    rows = tasks.unpack(iter(fresh))
    assert np.sort(tasks.of_kind(rows, tasks.TILES, np.uint64)).tolist() == expected.codes().tolist()
    omitted = omitted.sum() + _counts(fresh, 2)[:, 1].sum()
    assert (capped.sum(), omitted, largest.max()) == (expected.capped, expected.omitted, expected.largest)
    assert (found["size"] > bucket_limit).all()


@pytest.mark.seconds
@settings(max_examples=50)
@given(_marks(), st.integers(2, 12), st.integers(1, 8), cuts)
def test_hot_samples_give_the_pairs_of_others(
    keys: NDArray[np.uint64], bucket_limit: int, least: int, cut: tuple[int, int, int, int]
) -> None:
    """Whichever samples are hot, pairs share as many as where none is, and as many are common."""
    many, parts, slices, chunk = cut
    # A sample has a hash once, and groups of samples must be fewer than documents.
    values = keys + (np.arange(keys.shape[1], dtype=np.uint64) << np.uint64(44))
    documents, config, limits = 100, Config(bucket_limit=bucket_limit), (bucket_limit, min(bucket_limit, 3))
    given = _batches(values, "samples", many)

    def found(table: NDArray[Any]) -> tuple[dict[str, Counter[int]], list[int]]:
        cold = _mapped(lambda rows: tasks.scatter_samples(rows, slices, table["name"], documents, parts), given)
        entries = [batch.filter(pa.array(tasks.numbers(batch, "kind") == tasks.ENTRIES)) for batch in cold]
        pairs = _mapped(lambda rows: tasks.pairs_by_samples(rows, documents, limits, parts), _shuffled(entries, parts))
        pairs += _mapped(lambda rows: hot.pairs_of_hot_samples(rows, table, documents, limits[1], parts), given)
        pairs.append(tasks.counts_of_samples(table["size"], limits))
        rows = tasks.unpack(iter(pairs))
        kinds = {"alone": tasks.PAIRS, "crowd": tasks.CROWD_PAIRS, "passage": tasks.PASSAGES}
        counted = {name: Counter(tasks.of_kind(rows, kind, np.uint64).tolist()) for name, kind in kinds.items()}
        return counted, _counts(pairs, 2).sum(axis=0).tolist()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "CHUNK_PAIRS", chunk)
        table = _hot(given, tasks.samples_of, config, documents, least, parts)
        assert found(table) == found(table[:0])


@pytest.mark.parametrize("keys", [20, 300, 3000])
@pytest.mark.parametrize("known", [0, 900])
def test_sightings_are_bounded_as_on_one_machine(keys: int, known: int) -> None:
    """What tasks keep of the sightings of blocks, and leave out of them, makes the table that all of them make."""
    outlets, rng = ["", "Gazette", "Herald"], np.random.default_rng(keys)
    hashes = np.array([repeats._hash(name) for name in outlets])

    def drawn(rows: int) -> tuple[NDArray[Any], ...]:
        # Most blocks stand in one story, some in very many.
        fingerprint = mix((keys * rng.random(rows) ** 4).astype(np.uint64))
        return (
            rng.integers(0, 3, rows),
            fingerprint,
            rng.integers(0, 90, rows).astype(np.uint64),
            rng.random(rows) < 0.5,
        )

    before, new = drawn(known), drawn(6000)
    expected, table = Sightings(1000), Sightings(1000)
    expected.add(outlets, *before)
    table.add(outlets, *before)
    expected.add(outlets, *new)
    found = np.empty(6000, repeats._SIGHTING)
    found["outlet"], found["fingerprint"], found["story"], found["strong"] = new
    found["key"] = mix(new[1] ^ hashes[new[0]])
    kept = [repeats._kept(part) for part in np.array_split(found, 7)]
    packed = [tasks.pack(repeats._SIGHTINGS, part, (part["key"] % np.uint64(4)).astype(np.int64)) for part in kept]
    seen = _mapped(repeats._sightings, _shuffled(packed, 4))
    own = table.folded().key
    rows = Counter[int]()
    for batch in repeats._rows_of_bins(iter(seen), own):
        rows.update(dict(zip(*(column.to_pylist() for column in batch.columns), strict=True)))
    least = repeats._least_bin(rows.items(), 1000)
    sent = _joined(list(repeats._from_bin(iter(seen), own, least)), repeats._SIGHTING)
    outlet, fingerprint, story = (np.ascontiguousarray(sent[name]) for name in ("outlet", "fingerprint", "story"))
    table.add(outlets, outlet, fingerprint, story, sent["strong"] > 0)
    assert np.count_nonzero(~np.isin(sent["key"], own)) <= 1000 + max(rows.values())
    for name in ("key", "story", "strong", "seen", "start"):
        assert getattr(table.folded(), name).tolist() == getattr(expected.folded(), name).tolist()
