"""Hot buckets on Spark: those of more members than one task should hold.

Their members are never brought together. A sample of the documents says which buckets are hot; each task counts the
members of these among its documents and finds the first ones; and the first of all, the heads, which are few, are sent
to every task, which pairs its documents with them. So large a bucket is a crowd: see `candidates.pairs_by_bands`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - its usual name

from dedup.engines import spark_tasks as tasks
from dedup.kernels.parallel import chunks
from dedup.matching.candidates import among, crowd_pairs, ends_of, first_of_each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from dedup.config import Config
    from dedup.engines.spark import Corpus

    Batches = Iterator[pa.RecordBatch]

#: Documents of which no bucket is too large for a task.
UNCUT = 2**20
#: One document of so many is in the sample.
SAMPLE = 2**10
#: A bucket is hot if so many of the sample are in it, so that there is one for 2**16 keys at most.
OFTEN = 2**6

_HALF = np.uint64(32)


def find(
    corpus: Corpus, documents: DataFrame, count: int, column: str, keys_of: tasks.KeysOf, groups: int
) -> tuple[DataFrame, NDArray[Any]]:
    """Return `rank` and a column of the marks of documents, and the hot buckets of its keys: see `type_of`, by name.

    Args:
        corpus: What is compared.
        documents: Some of its documents.
        count: How many they are.
        column: Of the marks.
        keys_of: Gives the keys that are in it.
        groups: In how many groups keys are, which have no bucket in common.
    """
    config, parts = corpus.config, corpus.parts
    marks, documents = corpus.marks.select("doc", column), documents.select("rank", "doc")
    rows = documents.join(marks, "doc").select("rank", column)
    # The name of a bucket has room for a group below the count.
    if count <= max(UNCUT, groups):
        return rows, np.empty(0, type_of(config))
    some = F.broadcast(documents.where(F.col("rank") % SAMPLE == 0)).join(marks, "doc")
    few = 1 + parts // SAMPLE
    scatter = partial(scatter_names, keys_of=keys_of, documents=count, parts=few)
    scattered = some.mapInArrow(scatter, tasks.PACKED).repartitionById(few, "part")
    names = np.sort(_collected(scattered.mapInArrow(partial(often, least=OFTEN), "data binary"), np.uint64))
    if not len(names):
        return rows, np.empty(0, type_of(config))
    rows = corpus.store.keep(rows)
    look = partial(find_heads, keys_of=keys_of, names=names, documents=count, parts=parts, config=config)
    heads = rows.mapInArrow(look, tasks.PACKED).repartitionById(parts, "part")
    merged = heads.mapInArrow(partial(merge_heads, names=names, config=config), "data binary")
    return rows, np.sort(_collected(merged, type_of(config)), order="name")


def type_of(config: Config) -> np.dtype[np.void]:
    """Return the type of a hot bucket: its name, its size and its heads, with which its members are paired."""
    return np.dtype([("name", "<u8"), ("size", "<i8"), ("heads", "<u4", (crowd_pairs(config.bucket_limit),))])


def _collected(frame: DataFrame, dtype: Any) -> NDArray[Any]:  # noqa: ANN401 - what NumPy takes for one
    return np.frombuffer(b"".join(row.data for row in frame.collect()), dtype)


def scatter_names(batches: Batches, keys_of: tasks.KeysOf, documents: int, parts: int) -> Batches:
    """Send the names of the buckets that documents are in to parts of their own: `ENTRIES`."""
    for batch in batches:
        keys, _, group = keys_of(batch)
        yield tasks.pack(tasks.ENTRIES, tasks.named(keys, group, documents), tasks.slice_of(keys, parts))


def often(batches: Batches, least: int) -> Batches:
    """Yield the names that came so often at least: `data`."""
    names, counts = np.unique(tasks.of_kind(tasks.unpack(batches), tasks.ENTRIES, np.uint64), return_counts=True)
    yield pa.record_batch([pa.array([names[counts >= least].tobytes()])], ["data"])


def find_heads(
    batches: Batches, keys_of: tasks.KeysOf, names: NDArray[np.uint64], documents: int, parts: int, config: Config
) -> Batches:
    """Count the members of some buckets (`SIZES`) and find the first of each (`HEADS`); both are sent by bucket."""
    first, sizes = np.empty(0, np.uint64), np.zeros(len(names), np.int64)
    for batch in batches:
        place, rank = _memberships(keys_of(batch), names, documents)
        sizes += np.bincount(place, minlength=len(names))
        first = np.concatenate([first, (rank << 32 | place).astype(np.uint64)])
        first = first[first_of_each(first, crowd_pairs(config.bucket_limit))]
    yield tasks.pack(tasks.HEADS, first, ends_of(first)[1] % parts)
    place = np.flatnonzero(sizes)
    yield tasks.pack(tasks.SIZES, (sizes[place] << 32 | place).astype(np.uint64), place % parts)


def merge_heads(batches: Batches, names: NDArray[np.uint64], config: Config) -> Batches:
    """Yield the buckets over the limit: `data`, each a `type_of`."""
    rows = tasks.unpack(batches)
    counts, place = ends_of(tasks.of_kind(rows, tasks.SIZES, np.uint64))
    sizes = np.zeros(len(names), np.int64)
    np.add.at(sizes, place, counts)
    first = tasks.of_kind(rows, tasks.HEADS, np.uint64)
    rank, place = ends_of(first[first_of_each(first, crowd_pairs(config.bucket_limit))])
    over = sizes > config.bucket_limit
    hot = np.empty(np.count_nonzero(over), type_of(config))
    hot["name"], hot["size"] = names[over], sizes[over]
    hot["heads"] = rank[np.lexsort((rank, place))][over[np.sort(place)]].reshape(hot["heads"].shape)
    yield pa.record_batch([pa.array([hot.tobytes()])], ["data"])


def _memberships(
    keys: tasks.Keys, names: NDArray[np.uint64], documents: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return who is in some buckets: the place of the bucket among `names`, and the rank of the member."""
    values, rank, group = keys
    wanted = tasks.named(values, group, documents)
    chosen = among(names, wanted)
    return np.searchsorted(names, wanted[chosen]), rank[chosen]


def _with_heads(
    keys: tasks.Keys, hot: NDArray[Any], documents: int
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.bool_]]]:
    """Yield some members with the heads of their hot buckets before them, a row for each, and which of these are pairs.

    No pair has a head behind the member, or is of one document.
    """
    place, rank = _memberships(keys, hot["name"], documents)
    for rows in chunks(np.full(len(place), hot["heads"].shape[1]), tasks.CHUNK_PAIRS):
        left = hot["heads"][place[rows.start : rows.stop]].astype(np.uint64)
        right = rank[rows.start : rows.stop, np.newaxis].astype(np.uint64)
        yield left << _HALF | right, left < right


def pairs_of_hot_bands(batches: Batches, hot: NDArray[Any], documents: int, parts: int) -> Batches:
    """Yield the pairs of hot buckets (`CROWD_PAIRS`), and who is in one (`CROWDED`), as `tasks.pairs_by_bands` does.

    Args:
        batches: What `tasks.keys_of` takes.
        hot: Of `find`.
        documents: How many are compared.
        parts: Of the documents.
    """
    for batch in batches:
        keys = tasks.keys_of(batch)
        for codes, is_pair in _with_heads(keys, hot, documents):
            # A document meets the same heads in most bands.
            different = np.unique(codes[is_pair])
            yield tasks.pack(tasks.CROWD_PAIRS, different, ends_of(different)[1] % parts)
        ranks = np.unique(_memberships(keys, hot["name"], documents)[1])
        yield tasks.pack(tasks.CROWDED, ranks, ranks % parts)


def pairs_of_hot_samples(
    batches: Batches, hot: NDArray[Any], documents: int, passage_limit: int, parts: int
) -> Batches:
    """Yield the pairs of hot buckets (`CROWD_PAIRS` and `PASSAGES`) as `tasks.pairs_by_samples` does."""
    few = crowd_pairs(passage_limit)
    for batch in batches:
        for codes, is_pair in _with_heads(tasks.samples_of(batch), hot, documents):
            for kind, found in (
                (tasks.CROWD_PAIRS, codes[is_pair]),
                (tasks.PASSAGES, codes[:, :few][is_pair[:, :few]]),
            ):
                yield tasks.pack(kind, found, ends_of(found)[1] % parts)
