"""A run on Spark: the stages of one machine on DataFrames, with the same answer.

Each stage is a DataFrame of its own that is kept, so that none is computed twice. Nothing of the documents comes to the
driver but counts, and who is first in a hot bucket. The generators of `spark_tasks` do the work; here stands what they
are sent.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812 - its usual name
from pyspark.sql.types import (
    DataType,
    DateType,
    IntegralType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from dedup import pipeline, stages
from dedup.engines import spark_hot
from dedup.engines import spark_tasks as tasks
from dedup.errors import DuplicateIdError, InputError, InvalidArgumentError
from dedup.matching.candidates import crowd_pairs
from dedup.matching.samples import PARTS, PASSAGE_TEXTS
from dedup.model import LINKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

    from dedup.config import Config

#: Documents whose numbers are in the memory of one task.
SHARE = 8192
#: Bytes of text in the memory of one task.
_TEXT_BYTES = 2**25
#: Documents whose keys of one band are in one part.
_SLICE = 2**17
#: Pairs for which a tile more is worth it.
_TILE_PAIRS = 4000
#: Links that one task has room for.
ONE_TASK = 10_000_000
#: Rows that have room in every process, by a broadcast.
FEW = 500_000


#: What is known of a document when its text is marked.
DOCUMENT = "doc", "id", "source", "parent", "first", "last", "outlet", "best", "wire", "is_cleaned"


class Store:
    """Where the stages of a run are kept: as Parquet, of which a later stage reads the columns that it needs.

    Args:
        spark: The session.
        folder: A folder that all machines see, in which a folder of the run's own is made. None for a temporary one
            where all is one machine, else for the disks of the executors.
    """

    def __init__(self, spark: SparkSession, folder: str | None) -> None:
        self.spark = spark
        self._temporary: Path | None = None
        if folder is None and _is_local(spark):
            place = spark.conf.get("spark.local.dir", None)
            self._temporary = Path(tempfile.mkdtemp(prefix="dedup-", dir=place and place.split(",")[0]))
            atexit.register(shutil.rmtree, self._temporary, ignore_errors=True)
            self._folder: str | None = self._temporary.as_uri()
        else:
            self._folder = folder and f"{folder.rstrip('/')}/dedup-{uuid.uuid4().hex}"
        self._count = 0

    def keep(self, frame: DataFrame, *, lasting: bool = False) -> DataFrame:
        """Compute a frame, once for all; a lasting one is there after the run."""
        if self._folder is None:
            return frame.localCheckpoint(storageLevel=StorageLevel.DISK_ONLY)
        path = f"{self._folder}/{'result' if lasting else 'stages'}/{self._count:03}"
        self._count += 1
        frame.write.parquet(path)
        return self.spark.read.schema(frame.schema).parquet(path)

    def remove(self) -> None:
        """Remove what was kept and is not lasting, if the folder is temporary."""
        if self._temporary is not None:
            shutil.rmtree(self._temporary / "stages", ignore_errors=True)


def _is_local(spark: SparkSession) -> bool:
    """Return whether driver and executors are one process on this machine."""
    return hasattr(spark, "_jvm") and str(spark.conf.get("spark.master", "")).startswith("local")


@contextmanager
def shuffled(spark: SparkSession, documents: int) -> Iterator[None]:
    """Have joins cut into so many parts as the documents need, where the session asks for more."""
    name = "spark.sql.shuffle.partitions"
    asked = str(spark.conf.get(name))
    # Some sessions say "auto".
    if asked.isdigit():
        spark.conf.set(name, str(min(int(asked), 1 + documents // SHARE)))
    try:
        yield
    finally:
        spark.conf.set(name, asked)


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Documents that are compared.

    Args:
        store: Where stages are kept.
        config: The settings.
        documents: `rank`, `doc`, `shingles`, `first`, `last`, `outlet`: of different texts, each with a token.
        marks: `doc`, `keys`, `samples`.
        texts: Takes a frame with `doc` and returns it with `text`.
        count: How many documents there are.
        parts: In how many parts their numbers are.
        tiles: In how many parts their texts are.
    """

    store: Store
    config: Config
    documents: DataFrame
    marks: DataFrame
    texts: Callable[[DataFrame], DataFrame]
    count: int
    parts: int
    tiles: int

    @classmethod
    def of(
        cls,
        store: Store,
        config: Config,
        documents: DataFrame,
        marks: DataFrame,
        texts: Callable[[DataFrame], DataFrame],
    ) -> Corpus:
        """Count the documents, and cut them so that a part has room in a task."""
        count, size = documents.agg(F.count("*"), F.coalesce(F.sum("shingles"), F.lit(0))).collect()[0]
        return cls(
            store, config, documents, marks, texts, count, 1 + count // SHARE, 1 + max(8 * size // _TEXT_BYTES, 0)
        )


@dataclass(slots=True, eq=False)
class Found:
    """What was found out so far.

    Args:
        related: The related pairs.
        known: Packed, all pairs that were compared.
        counts: The counts of `Result.summary`.
    """

    related: DataFrame
    known: DataFrame
    counts: dict[str, int]


def find_pairs(corpus: Corpus, *, sampled: bool) -> Found:
    """Return the related pairs of documents: those that share a band, then, if asked for, enough samples."""
    store, config, documents = corpus.store, corpus.config, corpus.documents
    counts = dict.fromkeys(
        (
            "candidate_pairs",
            "capped_buckets",
            "omitted_pairs",
            "largest_bucket",
            "common_shingles",
            "frequent_shingles",
        ),
        0,
    )
    alike = _alike(corpus, documents, corpus.count)
    (capped, omitted, counts["largest_bucket"]) = _counts(alike, 3, greatest=(2,))
    counts["capped_buckets"] = capped
    known, related, (counts["candidate_pairs"], left_out) = _compare(corpus, _fresh(corpus, alike, None))
    rounds = stages.ROUNDS if capped else 0
    while rounds:
        # Buckets over the limit gave only some of their pairs. Those of their documents that are still kept are few,
        # and are looked at again among themselves.
        crowded = _of_kind(alike, tasks.CROWDED)
        has_room = _has_room(related.union(crowded))
        if has_room:
            # If one task has room for all of them, none is missing when it is kept again.
            left = crowded.union(related).repartition(1)
            left = left.mapInArrow(partial(tasks.kept_of_crowds, config=config, room=2 * SHARE), "rank long")
        else:
            ranks = crowded.mapInArrow(tasks.unpack_ranks, "rank long").distinct()
            left = ranks.join(members(related, config, store), "rank", "left_anti")
        left = store.keep(left)
        count = left.count()
        if has_room and count <= 2 * SHARE:
            more_known, more_related, (found, done, is_over) = _settle(corpus, left, alike, known, related, rounds)
        else:
            more = _alike(corpus, documents.join(left, "rank"), count)
            more_known, more_related, (found, _) = _compare(corpus, _fresh(corpus, more, known))
            done, is_over = 1, not found
        known, related = known.union(more_known), related.union(more_related)
        counts["candidate_pairs"] += found
        rounds -= done
        if is_over or not done:
            break
    if sampled and corpus.count > config.exhaustive:
        inside, common = _inside(corpus, known)
        counts["common_shingles"], counts["frequent_shingles"] = common
        more_known, more_related, (found, _) = _compare(corpus, _fresh(corpus, inside, known))
        known, related = known.union(more_known), related.union(more_related)
        counts["candidate_pairs"] += found
    all_pairs = corpus.count * (corpus.count - 1) // 2
    counts["omitted_pairs"] = min(omitted + left_out, all_pairs - counts["candidate_pairs"])
    return Found(related, known, counts)


def _alike(corpus: Corpus, documents: DataFrame, count: int) -> DataFrame:
    """Return, packed, the pairs of documents that share a band; of few documents, all pairs."""
    config, parts = corpus.config, corpus.parts
    if count <= config.exhaustive:
        left, right = (documents.select(F.col("rank").alias(name)) for name in ("left", "right"))
        pairs = left.join(right, F.col("left") < F.col("right"))
        return corpus.store.keep(pairs.mapInArrow(partial(tasks.all_pairs, parts=parts), tasks.PACKED))
    rows, hot = spark_hot.find(corpus, documents, count, "keys", tasks.keys_of, stages.cut_of(config).bands)
    slices = 1 + count // _SLICE
    groups = min(parts, slices * stages.cut_of(config).bands)
    scatter = partial(tasks.scatter_keys, slices=slices, hot=hot["name"], documents=count)
    share = partial(tasks.pairs_by_bands, documents=count, bucket_limit=config.bucket_limit, parts=parts)
    entries = rows.mapInArrow(scatter, tasks.PACKED).repartitionById(groups, "part")
    pairs = entries.mapInArrow(share, tasks.PACKED)
    if len(hot):
        share_hot = partial(spark_hot.pairs_of_hot_bands, hot=hot, documents=count, parts=parts)
        counts = tasks.counts_of_bands(hot["size"], config.bucket_limit)
        pairs = pairs.union(rows.mapInArrow(share_hot, tasks.PACKED)).union(_packed(counts, corpus.store))
    return corpus.store.keep(pairs)


def _settle(
    corpus: Corpus, left: DataFrame, alike: DataFrame, known: DataFrame, related: DataFrame, rounds: int
) -> tuple[DataFrame, DataFrame, list[int]]:
    """Do in one task what rounds of `_alike` and `_compare` would do, as long as it has the texts of all documents."""
    documents = F.broadcast(F.broadcast(left).join(corpus.documents, "rank")).join(
        corpus.marks.select("doc", "keys"), "doc"
    )
    columns = "rank", "shingles", "first", "last", "outlet", "keys", "text"
    packed = related.union(known).union(_of_kind(alike, tasks.CROWDED))
    rows = packed.unionByName(corpus.texts(F.broadcast(documents)).select(*columns), allowMissingColumns=True)
    settle = partial(tasks.settle, config=corpus.config, rounds=rounds, parts=corpus.parts)
    settled = corpus.store.keep(rows.repartition(1).mapInArrow(settle, tasks.PACKED))
    return _of_kind(settled, tasks.KNOWN), _of_kind(settled, tasks.RELATED), _counts(settled, 3)


def _fresh(corpus: Corpus, packed: DataFrame, known: DataFrame | None) -> DataFrame:
    """Return, packed, the pairs that are not known, to be compared."""
    pairs = packed.where(F.col("kind").isin(tasks.PAIRS, tasks.CROWD_PAIRS, tasks.CROWDED))
    pairs = pairs if known is None else pairs.union(known)
    most = crowd_pairs(corpus.config.bucket_limit)
    send = partial(tasks.new_pairs, most=most, parts=corpus.parts, tiles=corpus.tiles)
    return corpus.store.keep(pairs.repartitionById(corpus.parts, "part").mapInArrow(send, tasks.PACKED))


def _compare(corpus: Corpus, fresh: DataFrame) -> tuple[DataFrame, DataFrame, tuple[int, int]]:
    """Compare fresh pairs; return what is known by that, those that are related, how many, and how many were left."""
    count, omitted = _counts(fresh, 2)
    if not count:
        return _of_kind(fresh, tasks.KNOWN), _of_kind(fresh, tasks.RELATED), (0, omitted)
    pairs, tiles = _of_kind(fresh, tasks.TILES), min(corpus.tiles, 1 + count // _TILE_PAIRS)
    is_few = 2 * count <= FEW
    needed = pairs.mapInArrow(partial(tasks.needed, tiles=tiles), "rank long, part int").distinct()
    needed = near(near(needed, is_few=is_few).join(corpus.documents, "rank"), is_few=is_few)
    texts = corpus.texts(needed).select("part", "rank", "shingles", "first", "last", "outlet", "text")
    rows = pairs.unionByName(texts, allowMissingColumns=True).repartitionById(tiles, "part")
    related = rows.mapInArrow(partial(tasks.compare, config=corpus.config), tasks.PACKED)
    return _of_kind(fresh, tasks.KNOWN), corpus.store.keep(related), (count, omitted)


def near(frame: DataFrame, *, is_few: bool) -> DataFrame:
    """Return a frame that is to be joined with a large one, to be sent to every process if it is of few rows."""
    return F.broadcast(frame) if is_few else frame


def _inside(corpus: Corpus, known: DataFrame) -> tuple[DataFrame, list[int]]:
    """Return, packed, the pairs that share enough samples, and how many samples are common."""
    store, config, parts = corpus.store, corpus.config, corpus.parts
    count, limits = corpus.count, (config.bucket_limit, min(config.bucket_limit, PASSAGE_TEXTS))
    rows, hot = spark_hot.find(corpus, corpus.documents, count, "samples", tasks.samples_of, PARTS)
    slices = 1 + count // (8 * _SLICE)
    scatter = partial(tasks.scatter_samples, slices=slices, hot=hot["name"], documents=count, parts=parts)
    samples = store.keep(rows.mapInArrow(scatter, tasks.PACKED))
    sizes = _of_kind(samples, tasks.SIZES)
    entries = _of_kind(samples, tasks.ENTRIES).repartitionById(min(parts, slices * PARTS), "part")
    share = partial(tasks.pairs_by_samples, documents=count, limits=limits, parts=parts)
    shared = entries.mapInArrow(share, tasks.PACKED)
    if len(hot):
        share_hot = partial(
            spark_hot.pairs_of_hot_samples, hot=hot, documents=count, passage_limit=limits[1], parts=parts
        )
        counts = tasks.counts_of_samples(hot["size"], limits)
        shared = shared.union(rows.mapInArrow(share_hot, tasks.PACKED)).union(_packed(counts, store))
    shared = store.keep(shared)
    common = _counts(shared, 2)
    counted = (
        shared.where(F.col("kind") != tasks.COUNTS)
        .union(known)
        .union(sizes)
        .repartitionById(parts, "part")
        .mapInArrow(partial(tasks.count_samples, parts=parts), tasks.PACKED)
    )
    chosen = (
        counted.union(sizes)
        .repartitionById(parts, "part")
        .sortWithinPartitions(F.desc("kind"))
        .mapInArrow(partial(tasks.choose_by_samples, config=config, parts=parts), tasks.PACKED)
    )
    return chosen, common


def judge(corpus: Corpus, found: Found) -> DataFrame:
    """Return, packed, the related pairs with the relation that they have beside all others.

    One task holds all related pairs, at some 25 bytes each, and several times that while it works.
    """
    store, related = corpus.store, found.related
    for _ in range(pipeline.ROUNDS if corpus.count > corpus.config.exhaustive else 0):
        asked = store.keep(related.repartition(1).mapInArrow(partial(tasks.ask, tiles=corpus.tiles), tasks.PACKED))
        tried, judged, (count, _) = _compare(corpus, asked)
        if not count:
            break
        related = related.union(tried).union(judged.withColumn("kind", F.lit(tasks.JUDGED)))
    return store.keep(related.repartition(1).mapInArrow(tasks.label, tasks.PACKED))


def rows_of(related: DataFrame) -> DataFrame:
    """Return packed related pairs as rows: `spark_tasks.PAIR_ROWS`."""
    return related.mapInArrow(tasks.unpack_pairs, tasks.PAIR_ROWS)


def members(related: DataFrame, config: Config, store: Store) -> DataFrame:
    """Return the documents that are not canonical, and by which pair: `spark_tasks.MEMBERS`.

    What has room in one task is clustered there, as on one machine; more in rounds, until the rest has.
    """
    if _has_room(related):
        return _finish(related, config)
    links = store.keep(rows_of(related).where(F.col("relation") < len(LINKS)))
    size, both = F.col("shared"), F.col("left_size") + F.col("right_size") - F.col("shared")
    ends = links.select(
        "left",
        "right",
        "relation",
        (size / both).alias("jaccard"),
        size / F.col("left_size"),
        size / F.col("right_size"),
    ).toDF("left", "right", "relation", "jaccard", "of_left", "of_right")
    scores = "containment", "containment_canonical"
    names = "rank", "canonical", "relation", "jaccard", *scores
    sides = ends.select("right", "left", "relation", "jaccard", "of_right", "of_left").toDF(*names)
    sides = sides.union(ends.select("left", "right", "relation", "jaccard", "of_left", "of_right").toDF(*names))
    if config.linkage == "components":
        return (
            _components(links.select("left", "right"), config, store)
            .join(sides, ["rank", "canonical"], "left")
            .select(*names)
        )
    dropped = _dropped(links, config, store)
    choices = sides.join(dropped, "rank").join(dropped.toDF("canonical"), "canonical", "left_anti")
    # The most alike; of equals the first in keep order.
    best = F.min(F.struct((-F.col("jaccard")).alias("unlike"), *names[1:])).alias("best")
    return choices.groupBy("rank").agg(best).select("rank", *(F.col(f"best.{name}") for name in names[1:]))


def _has_room(related: DataFrame) -> bool:
    """Return whether one task has room for packed pairs."""
    size = related.agg(F.coalesce(F.sum(F.length("data")), F.lit(0))).collect()[0][0]
    return bool(size <= ONE_TASK * tasks.PAIR.itemsize)


def _finish(related: DataFrame, config: Config) -> DataFrame:
    """Cluster packed pairs in one task."""
    return related.repartition(1).mapInArrow(partial(tasks.cluster_links, config=config), tasks.MEMBERS)


def _dropped(links: DataFrame, config: Config, store: Store) -> DataFrame:
    """Return the documents that are not in the greedy maximal independent set of links: `rank`.

    A round takes those that no undecided document before them is linked to, and drops those that they are linked to
    (Blelloch, Fineman and Shun, "Greedy sequential maximal independent set and matching are parallel on average").
    """
    dropped, columns = links.select(F.col("left").alias("rank")).where("false"), links.columns
    while links.count() > ONE_TASK:
        later = links.select(F.col("right").alias("left")).distinct()
        out = store.keep(links.join(later, "left", "left_anti").select(F.col("right").alias("rank")).distinct())
        dropped = dropped.union(out)
        # Nobody before the first of a link is undecided: all its links are gone with those that it drops.
        links = links.join(out.toDF("right"), "right", "left_anti").join(out.toDF("left"), "left", "left_anti")
        links = store.keep(links.select(*columns))
    return dropped.union(_finish(links.mapInArrow(tasks.pack_pairs, tasks.PACKED), config).select("rank"))


def _components(edges: DataFrame, config: Config, store: Store) -> DataFrame:
    """Return the first document of the component of each other one: `rank` and `canonical`.

    By large and small stars (Kiveris et al., "Connected components in MapReduce and beyond", 2014).
    """
    before = None
    while True:
        edges = store.keep(_stars(_stars(edges, large=True), large=False))
        now = edges.agg(F.count("*"), F.sum(F.xxhash64("left", "right").cast("decimal(38,0)"))).collect()[0]
        if now == before:
            return edges.toDF("canonical", "rank").select("rank", "canonical")
        if now[0] <= ONE_TASK:
            packed = edges.withColumn("relation", F.lit(1)).mapInArrow(tasks.pack_pairs, tasks.PACKED)
            return _finish(packed, config).select("rank", "canonical")
        before = now


def _stars(edges: DataFrame, *, large: bool) -> DataFrame:
    """Link the later neighbours of each document, or the earlier ones and itself, to the first of all and itself."""
    turned = edges.select(F.col("right").alias("left"), F.col("left").alias("right"))
    at = edges.union(turned) if large else turned
    first = at.groupBy("left").agg(F.min("right").alias("first")).withColumn("first", F.least("left", "first"))
    joined = at.join(first, "left")
    if large:
        linked = joined.where("right > left")
    else:
        linked = joined.union(joined.select("left", F.col("left").alias("right"), "first"))
    return linked.where("first < right").select(F.col("first").alias("left"), "right").distinct()


def _of_kind(packed: DataFrame, kind: int) -> DataFrame:
    return packed.where(F.col("kind") == kind)


def _packed(rows: pa.RecordBatch, store: Store) -> DataFrame:
    """Return packed rows of the driver as a frame."""
    return store.spark.createDataFrame(pa.Table.from_batches([rows]))


def _counts(packed: DataFrame, size: int, greatest: Iterable[int] = ()) -> list[int]:
    """Return the sums of the counts in packed rows; of some the greatest."""
    rows = [np.frombuffer(row.data, np.int64) for row in _of_kind(packed, tasks.COUNTS).select("data").collect()]
    table = np.stack([np.zeros(size, np.int64), *rows])
    return [int(table[:, at].max() if at in greatest else table[:, at].sum()) for at in range(size)]


def read(df: DataFrame, config: Config, store: Store) -> DataFrame:
    """Return the documents of a frame, cleaned, with the stories that their pages carry: `spark_tasks.READ`.

    What else the frame has is there as `extra_0`, `extra_1`, ... in its order.

    Raises:
        InvalidArgumentError: A column is missing or of another type.
    """
    extras = [name for name in df.columns if name not in ("id", "text", *tasks.FIELDS)]
    columns = [
        _column(df, "id", (StringType, IntegralType)).cast("string"),
        _column(df, "text", (StringType,)),
        *(
            _column(
                df,
                name,
                (StringType, DateType, TimestampType, TimestampNTZType) if name == "published" else (StringType,),
            )
            if name in df.columns
            else F.lit(None).cast("string").alias(name)
            for name in tasks.FIELDS
        ),
        *(F.col(f"`{name}`").alias(f"extra_{number}") for number, name in enumerate(extras)),
    ]
    frame = df.select(columns)
    schema = StructType(fields_of(tasks.READ))
    for field in frame.schema.fields[2 + len(tasks.FIELDS) :]:
        schema.add(field.name, field.dataType, nullable=True)
    return store.keep(
        frame.mapInArrow(partial(tasks.read, config=config), schema).withColumn("doc", F.monotonically_increasing_id())
    )


def fields_of(columns: str) -> list[StructField]:
    """Return the columns that a text of names and types describes."""
    schema = StructType.fromDDL(columns)
    assert isinstance(schema, StructType)  # noqa: S101 - several columns are a struct
    return schema.fields


def _column(df: DataFrame, name: str, kinds: tuple[type[DataType], ...]) -> Column:
    if name not in df.columns:
        raise InvalidArgumentError(f"df must have the columns id and text. Got {', '.join(df.columns)}.")
    kind = df.schema[name].dataType
    if not isinstance(kind, kinds):
        allowed = " or ".join(sorted(one.typeName() for one in kinds))
        raise InvalidArgumentError(f"column {name} must be of type {allowed}. Got {kind.simpleString()}.")
    return F.col(f"`{name}`").alias(name)


def check(documents: DataFrame, *, skip: bool) -> tuple[int, int]:
    """Return how many rows are no articles, and how many are.

    Raises:
        InputError: There is one, and it is not to be skipped; or a text is too long.
    """
    is_bad = F.col("problem").isNotNull()
    bad, good, first, long, size = documents.agg(
        F.count_if(is_bad),
        F.count_if(~is_bad),
        F.min("problem"),
        F.min(F.when(F.col("is_too_long"), F.col("id"))),
        F.max(F.when(F.col("is_too_long"), F.col("size"))),
    ).collect()[0]
    if bad and not skip:
        more = f" {bad - 1} more rows are no articles." if bad > 1 else ""
        raise InputError(f"{first}{more}")
    if long is not None:
        raise InputError(f"text of {long!r} must be at most 64 MiB of UTF-8. Got {size} bytes.")
    if good >= 2**31:
        raise InputError(f"A run must be of at most {2**31 - 1:,} documents. Got {good:,}.")
    return int(bad), int(good)


def check_ids(documents: DataFrame) -> None:
    """Refuse documents of one id.

    Raises:
        DuplicateIdError: There are two.
    """
    named = documents.where("problem is null")
    twice = named.groupBy("id").agg(F.count("*").alias("count"), F.max("parent").alias("parent")).where("count > 1")
    row = twice.agg(F.min(F.struct("id", "parent")).alias("row")).collect()[0].row
    if row is not None:
        page = "" if row.parent is None else f" of a document and of a story that page {row.parent!r} carries"
        raise DuplicateIdError(f"id must be unique. Got {row.id!r}{page or ' twice'}.")


def mark(frame: DataFrame, config: Config, store: Store) -> DataFrame:
    """Return a frame with what its texts are compared by in place of them: `spark_tasks.MARKS`."""
    fields = [*frame.drop("text").schema.fields, *fields_of(tasks.MARKS)]
    return store.keep(frame.mapInArrow(partial(tasks.mark, config=config), StructType(fields)))


def keep_order(config: Config) -> list[Column]:
    """Return what documents are ordered by: see `clustering.order.keep_order`."""
    columns = {"sources": F.col("best"), "wire": F.col("wire"), "published": F.col("last"), "longest": F.desc("tokens")}
    return [*(columns[rule] for rule in config.keep.order), F.col("id")]


def order(
    marks: DataFrame, columns: Sequence[Column], texts: Callable[[DataFrame], DataFrame], store: Store
) -> DataFrame:
    """Return documents with their `rank` in an order and that of their `representative`, the first of equal texts."""
    ranked = store.keep(marks.drop("keys", "samples").sort(*columns).zipWithIndex("rank"))
    some = ranked.where("tokens > 0").select("digest", "rank", "doc")
    equal = some.groupBy("digest").count().where("count > 1").drop("count")
    twice = store.keep(some.join(equal, "digest"))
    count = twice.count()
    repeats = (
        texts(near(twice, is_few=count <= FEW))
        .select("digest", "rank", "text")
        .repartition(1 + count // SHARE, "digest")
        .sortWithinPartitions("digest", "rank")
        .mapInArrow(tasks.merge_equal, "rank long, representative long")
    )
    first = F.coalesce("representative", "rank").alias("representative")
    return store.keep(ranked.join(repeats, "rank", "left").select(*ranked.columns, first))


def decide(documents: DataFrame, related: DataFrame, config: Config, store: Store) -> DataFrame:
    """Return documents with their `canonical`, whether they are `kept`, and how they stand to the canonical."""
    found = members(related, config, store).withColumnRenamed("rank", "representative")
    canonical = F.coalesce("canonical", "representative")
    is_copy = (F.col("canonical") == F.col("representative")) & (F.col("rank") != F.col("representative"))
    decided = documents.join(found, "representative", "left").withColumn("canonical", canonical)
    scores = "jaccard", "containment", "containment_canonical"
    decided = decided.withColumns(
        {name: F.when(is_copy, 1.0).otherwise(F.col(name)) for name in scores}
        | {"relation": F.when(is_copy, 0).otherwise(F.col("relation"))}
    )
    is_kept = F.col("rank") == F.col("canonical")
    if config.keep.min_keep > 1:
        window = Window.partitionBy("canonical").orderBy(~is_kept, "rank")
        is_kept = F.row_number().over(window) <= config.keep.min_keep
    names = documents.select(F.col("rank").alias("canonical"), F.col("id").alias("cluster"))
    return decided.withColumn("kept", is_kept).join(names, "canonical")
