"""Furniture that repeats, learned and cut on Spark: `dedup.templates` on DataFrames.

Blocks meet by their fingerprints, texts without the blocks that repeat are matched like others, and what was seen of
each block, which is bounded, comes to the driver: there it is a table like that of a run on one machine.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import xxhash
from pyspark.sql import functions as F  # noqa: N812 - its usual name
from pyspark.sql.types import StructType

from dedup import templates
from dedup.boilerplate import sightings
from dedup.boilerplate.page import template_spans, without
from dedup.boilerplate.sightings import KEPT, Sightings
from dedup.engines import spark as engine
from dedup.engines import spark_hot
from dedup.engines import spark_tasks as tasks
from dedup.kernels import native
from dedup.kernels.blocks import locate
from dedup.matching.candidates import among
from dedup.model import Cleaned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from dedup.boilerplate.sightings import Template
    from dedup.config import Config

    Batches = Iterator[pa.RecordBatch]

#: A block in a document. Its key, that of `Sightings`, names the block and the outlet.
_SEEN = np.dtype([("doc", "<i8"), ("key", "<u8")])
#: A block that is noted, and whether the story around it is more than what repeats.
_NOTED = np.dtype([("fingerprint", "<u8"), ("strong", "<u1")])
#: A block seen in a story.
_SIGHTING = np.dtype([("key", "<u8"), ("outlet", "<i8"), ("fingerprint", "<u8"), ("story", "<u8"), ("strong", "<u1")])

_BLOCKS, _SIGHTINGS = range(2)
#: Turns signed numbers over, so that they ascend as the unsigned ones do whose bits they have.
_TURN = -(2**63)


def learn(
    documents: DataFrame, known: Sightings, config: Config, store: engine.Store, *, all_blocks: bool, lasting: bool
) -> None:
    """Add to `known` which blocks were seen in which stories.

    Args:
        documents: Of `engine.read`, with `prints`.
        known: See `templates.learn`.
        config: See there.
        store: Where stages are kept.
        all_blocks: See there.
        lasting: See there.
    """
    texts = documents.select("doc", "source", "outlet", "text", "prints")
    count = texts.count()
    parts = 1 + count // engine.SHARE
    table = known.folded()
    prints = texts.select("doc", "outlet", "prints")
    hot = _hot(prints, count, parts)
    of_documents = store.keep(
        prints.mapInArrow(partial(_scatter_blocks, hot=hot, parts=parts), tasks.PACKED)
        .repartitionById(parts, "part")
        .mapInArrow(partial(_repeated, keys=table.key, counts=table.count, parts=parts), tasks.PACKED)
    )
    size = of_documents.agg(F.coalesce(F.sum(F.length("data")), F.lit(0))).collect()[0][0]
    repeated = engine.near(
        of_documents.repartitionById(parts, "part").mapInArrow(_by_document, "doc long, repeated binary"),
        is_few=size <= engine.FEW * _SEEN.itemsize,
    )
    rests = store.keep(
        texts.join(repeated, "doc", "left" if all_blocks or len(hot) else "inner").mapInArrow(
            partial(_rests, hot=hot, keys=table.key, stories=table.only_story, all_blocks=all_blocks),
            "doc long, outlet long, text string, noted binary",
        )
    )
    size = rests.agg(F.coalesce(F.sum(F.length("noted")), F.lit(0))).collect()[0][0]
    if not size:
        return
    stories = _stories(rests, config, store, lasting=lasting)
    seen = (
        rests.select("doc", "outlet", "noted")
        .join(stories, "doc")
        .mapInArrow(partial(_scatter_sightings, parts=parts), tasks.PACKED)
        .repartitionById(parts, "part")
        .mapInArrow(_sightings, "data binary")
    )
    # What it would forget at once need not come here.
    limit = known.limit
    if size > limit * _NOTED.itemsize:
        seen = store.keep(seen)
        bins = seen.mapInArrow(partial(_rows_of_bins, known=table.key), "bin int, rows long")
        rows = bins.groupBy("bin").agg(F.sum("rows").alias("rows")).collect()
        seen = seen.mapInArrow(partial(_from_bin, known=table.key, least=_least_bin(rows, limit)), "data binary")
    found = np.frombuffer(b"".join(row.data for row in seen.collect()), _SIGHTING)
    used = documents.sparkSession.createDataFrame(pa.table({"outlet": np.unique(found["outlet"])}))
    rows = texts.join(used, "outlet").groupBy("outlet").agg(F.min("source").alias("source")).collect()
    named = sorted((templates.outlet_of(row.source), row.outlet) for row in rows)
    place = {outlet: place for place, (_, outlet) in enumerate(named)}
    known.add(
        [name for name, _ in named],
        np.array([place[outlet] for outlet in found["outlet"].tolist()], np.int64),
        np.ascontiguousarray(found["fingerprint"]),
        np.ascontiguousarray(found["story"]),
        found["strong"] > 0,
    )


def _hot(prints: DataFrame, count: int, parts: int) -> NDArray[np.uint64]:
    """Return the keys of blocks of more documents than one task should hold, uint64, ascending: see `spark_hot`.

    So many have them that they repeat for certain. Nobody needs to be told which documents these are.
    """
    if count <= spark_hot.UNCUT:
        return np.empty(0, np.uint64)
    some, few = prints.where(F.col("doc") % spark_hot.SAMPLE == 0), 1 + parts // spark_hot.SAMPLE
    scatter = partial(_scatter_blocks, hot=np.empty(0, np.uint64), parts=few)
    scattered = some.mapInArrow(scatter, tasks.PACKED).repartitionById(few, "part")
    often = partial(_often, least=max(spark_hot.OFTEN, templates.LEAST_DOCUMENTS))
    rows = scattered.mapInArrow(often, "data binary").collect()
    return np.sort(np.frombuffer(b"".join(row.data for row in rows), np.uint64))


def furniture(known: Sightings, documents: DataFrame) -> dict[int, Template]:
    """Return the blocks that are furniture of their outlet, by their keys: see `templates.furniture`.

    Args:
        known: See there.
        documents: What `learn` took.
    """
    found = known.templates(templates.LEAST_POINTS, templates.LEAST_POINTS_UNKNOWN)
    if not found:
        return {}
    fingerprints = np.array([template.fingerprint for template in found], np.uint64)
    stands = documents.select("outlet", "prints").mapInArrow(
        partial(_stands, fingerprints=np.unique(fingerprints)), "fingerprint long, outlet long"
    )
    rows = stands.distinct().groupBy("fingerprint").count().collect()
    here = {row.fingerprint % 2**64: row["count"] for row in rows}
    at, stories = known.spread(fingerprints)
    at = np.maximum(at, [here.get(template.fingerprint, 0) for template in found])
    points, own, least = np.array(
        [
            (
                known.points(template.outlet or "", fingerprints[place : place + 1])[0],
                template.stories,
                templates.LEAST_POINTS if template.outlet else templates.LEAST_POINTS_UNKNOWN,
            )
            for place, template in enumerate(found)
        ],
        np.int64,
    ).T
    chosen = np.flatnonzero(templates.qualifies(points, own, least, at, stories)).tolist()
    return {int(_keys(fingerprints[i : i + 1], _hash(found[i].outlet or ""))[0]): found[i] for i in chosen}


def examples(documents: DataFrame, keys: NDArray[np.uint64]) -> list[tuple[int, str]]:
    """Return the keys of furniture that texts have, with the first text of each in the order of strings."""
    blocks = documents.select("text", "outlet", "prints").mapInArrow(partial(_says, keys=keys), "key long, says string")
    rows = blocks.groupBy("key").agg(F.min("says").alias("says")).collect()
    return [(row.key % 2**64, row.says) for row in rows]


def mark(documents: DataFrame, config: Config, keys: NDArray[np.uint64], store: engine.Store) -> DataFrame:
    """Do what `engine.mark` does for documents without the furniture of some keys, which ascend.

    `gone` and `says` have the keys and the texts of what was cut.
    """
    frame = documents.select(*engine.DOCUMENT, "text", "prints")
    more = engine.fields_of(f"gone binary, says array<string>, {tasks.MARKS}")
    fields = [*frame.drop("text", "prints").schema.fields, *more]
    return store.keep(frame.mapInArrow(partial(_mark, config=config, keys=keys), StructType(fields)))


def used(marks: DataFrame, known: Sightings, furniture: dict[int, Template]) -> tuple[Template, ...]:
    """Return the furniture that was cut, most stories first, and note in `known` what it says."""
    gone = marks.select("gone", "says").mapInArrow(_gone, "key long, says string")
    found = set()
    for row in gone.groupBy("key").agg(F.min("says").alias("says")).collect():
        template = furniture[row.key % 2**64]
        known.remember(template.outlet or "", template.fingerprint, row.says)
        found.add((template.outlet, template.fingerprint))
    learned = known.templates(templates.LEAST_POINTS, templates.LEAST_POINTS_UNKNOWN)
    return tuple(template for template in learned if (template.outlet, template.fingerprint) in found)


def cut(frame: DataFrame, documents: DataFrame, keys: NDArray[np.uint64]) -> DataFrame:
    """Return a frame that has `doc` with `text`: that of the document without its furniture."""
    texts = documents.select("doc", F.col("outlet").alias("text_outlet"), "prints", "text")
    joined = frame.join(texts, "doc")
    return joined.mapInArrow(partial(_cut, keys=keys), joined.drop("text_outlet", "prints").schema)


def _cut(batches: Batches, keys: NDArray[np.uint64]) -> Batches:
    for batch in batches:
        strings = batch.column("text").to_pylist()
        _shorten(strings, batch, keys, "text_outlet")
        rest = batch.drop_columns(["prints", "text_outlet"])
        yield rest.set_column(rest.schema.get_field_index("text"), "text", pa.array(strings, pa.string()))


def _mark(batches: Batches, config: Config, keys: NDArray[np.uint64]) -> Batches:
    for batch in batches:
        strings = batch.column("text").to_pylist()
        lost, says, counts = _shorten(strings, batch, keys, "outlet")
        columns = dict(zip(batch.schema.names, batch.columns, strict=True)) | {
            "is_cleaned": pa.array(tasks.numbers(batch, "is_cleaned") | (counts > 0)),
            "gone": tasks.binaries(lost, counts),
            "says": pa.ListArray.from_arrays(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32), says),
        }
        del columns["text"], columns["prints"]
        columns |= tasks.marks_of(native.Texts.from_strings(strings), config)
        yield pa.record_batch(list(columns.values()), list(columns))


def _gone(batches: Batches) -> Batches:
    for batch in batches:
        keys, _ = tasks.records(batch.column("gone"), np.uint64)
        yield _first(zip(keys.tolist(), batch.column("says").flatten().to_pylist(), strict=True))


def _first(blocks: Iterable[tuple[int, str]]) -> pa.RecordBatch:
    """Return the first text of each key, in the order of strings."""
    first: dict[int, str] = {}
    for key, says in blocks:
        first[key] = min(first.get(key, says), says)
    keys = tasks.bits(np.array(list(first), np.uint64))
    return pa.record_batch([keys, pa.array(list(first.values()), pa.string())], ["key", "says"])


def _shorten(
    strings: list[str], batch: pa.RecordBatch, keys: NDArray[np.uint64], outlet: str
) -> tuple[NDArray[np.uint64], pa.Array, NDArray[np.int64]]:
    """Cut furniture out of the texts of a batch; return the keys and texts of what is gone, how many of each text."""
    lost, says, counts = [], [], np.zeros(len(strings), np.int64)
    for row, lines in _furniture(strings, batch, keys, outlet):
        text = strings[row]
        spans = template_spans(text, [(start, end, cues, "") for start, end, cues, _ in lines])
        strings[row] = without(Cleaned(text, text), spans).text
        lost += [key for *_, key in lines]
        says += [text[start:end] for start, end, *_ in lines]
        counts[row] = len(lines)
    return np.array(lost, np.uint64), pa.array(says, pa.string()), counts


def _furniture(
    strings: list[str], batch: pa.RecordBatch, keys: NDArray[np.uint64], outlet: str
) -> Iterator[tuple[int, list[tuple[int, int, int, int]]]]:
    """Yield the texts that have furniture: start, end, cues and key of its blocks."""
    blocks, counts = tasks.records(batch.column("prints"), tasks.BLOCK)
    own = _keys(blocks["fingerprint"], np.repeat(_hashes(batch, outlet), counts))
    found = _may_repeat(blocks) & np.isin(own, keys)
    text = np.repeat(np.arange(len(counts)), counts)
    left = np.bincount(text, np.where(found, 0, blocks["words"]), len(counts))
    found &= left[text] >= templates.LEAST_REST
    firsts = np.concatenate([[0], np.cumsum(counts)])
    rows = np.unique(text[found])
    places, starts, ends = locate(native.Texts.from_strings([strings[row] for row in rows.tolist()]))
    for at, row in enumerate(rows.tolist()):
        gone = np.flatnonzero(found[firsts[row] : firsts[row + 1]])
        here, there = firsts[row] + gone, places[at] + gone
        columns = starts[there], ends[there], blocks["cues"][here], own[here]
        yield row, list(zip(*(column.tolist() for column in columns), strict=True))


def _says(batches: Batches, keys: NDArray[np.uint64]) -> Batches:
    for batch in batches:
        strings = batch.column("text").to_pylist()
        furniture = _furniture(strings, batch, keys, "outlet")
        yield _first((key, strings[row][start:end]) for row, lines in furniture for start, end, _, key in lines)


def _hash(name: str) -> np.uint64:
    return np.uint64(xxhash.xxh3_64_intdigest(name.encode()))


def _hashes(batch: pa.RecordBatch, outlet: str) -> NDArray[np.uint64]:
    """Return the hashes of outlets that `Sightings` has of their names."""
    values = tasks.numbers(batch, outlet)
    return np.where(values == tasks.UNKNOWN, _hash(""), values.view(np.uint64))


def _keys(fingerprints: NDArray[np.uint64], outlets: Any) -> NDArray[np.uint64]:  # noqa: ANN401
    return sightings.mix(fingerprints ^ outlets)


def _may_repeat(blocks: NDArray[Any]) -> NDArray[np.bool_]:
    enough: NDArray[np.bool_] = (blocks["words"] >= templates.LEAST_WORDS) & (blocks["fingerprint"] != 0)
    return enough


def _scatter_blocks(batches: Batches, hot: NDArray[np.uint64], parts: int) -> Batches:
    """Send the blocks of documents to parts by their keys, but for those that are hot."""
    for batch in batches:
        blocks, counts = tasks.records(batch.column("prints"), tasks.BLOCK)
        chosen = np.flatnonzero(_may_repeat(blocks))
        text = np.repeat(np.arange(len(counts)), counts)[chosen]
        seen = np.empty(len(chosen), _SEEN)
        seen["doc"] = tasks.numbers(batch, "doc")[text]
        seen["key"] = _keys(blocks["fingerprint"][chosen], _hashes(batch, "outlet")[text])
        seen = seen[~among(hot, seen["key"])]
        yield tasks.pack(_BLOCKS, seen, (seen["key"] % np.uint64(parts)).astype(np.int64))


def _counted(batches: Batches) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
    """Return different blocks of documents, the group of each, and the key and the documents of each group."""
    seen = tasks.of_kind(tasks.unpack(batches), _BLOCKS, _SEEN)
    seen = seen[np.lexsort((seen["doc"], seen["key"]))]
    seen = seen[_differs(seen["key"]) | _differs(seen["doc"])]
    first = _differs(seen["key"])
    group = np.cumsum(first) - 1
    return seen, group, seen["key"][first], np.bincount(group)


def _often(batches: Batches, least: int) -> Batches:
    """Yield the keys of blocks of so many documents at least: `data`."""
    _, _, own, times = _counted(batches)
    yield pa.record_batch([pa.array([own[times >= least].tobytes()])], ["data"])


def _repeated(batches: Batches, keys: NDArray[np.uint64], counts: NDArray[np.int64], parts: int) -> Batches:
    """Yield the blocks that repeat, sent to their documents.

    Args:
        batches: Packed blocks of documents.
        keys: uint64, of the blocks that are known, ascending.
        counts: int64, their stories.
        parts: Of documents.
    """
    seen, group, own, times = _counted(batches)
    if len(keys):
        at = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
        times += np.where(keys[at] == own, counts[at], 0)
    rows = seen[(times >= templates.LEAST_DOCUMENTS)[group]]
    yield tasks.pack(_BLOCKS, rows, rows["doc"] % parts)


def _differs(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.concatenate([[True], values[1:] != values[:-1]])[: len(values)]


def _by_document(batches: Batches) -> Batches:
    """Yield the keys of the repeated blocks of each document."""
    rows = tasks.of_kind(tasks.unpack(batches), _BLOCKS, _SEEN)
    rows = rows[np.argsort(rows["doc"], kind="stable")]
    documents, counts = np.unique(rows["doc"], return_counts=True)
    keys = tasks.binaries(np.ascontiguousarray(rows["key"]), counts)
    yield pa.record_batch([pa.array(documents), keys], ["doc", "repeated"])


def _rests(
    batches: Batches,
    hot: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    stories: NDArray[np.uint64],
    *,
    all_blocks: bool,
) -> Batches:
    """Yield the texts without their repeated blocks, where enough is left to tell their story, and what is noted.

    Args:
        batches: Documents, with the keys of those of their blocks that repeat.
        hot: uint64, the keys of blocks that repeat wherever they stand, ascending.
        keys: uint64, of the blocks that are known, ascending.
        stories: uint64, of these, see `Sightings.only_story`.
        all_blocks: See `templates.learn`.
    """
    for batch in batches:
        blocks, counts = tasks.records(batch.column("prints"), tasks.BLOCK)
        text = np.repeat(np.arange(len(counts)), counts)
        hashes = _hashes(batch, "outlet")
        mine, _ = tasks.records(batch.column("repeated"), np.uint64)
        # The key of a block names its outlet, so that a key that repeats does so in each text of this batch.
        own = _keys(blocks["fingerprint"], hashes[text])
        repeated = _may_repeat(blocks) & (np.isin(own, mine) | among(hot, own))
        words = blocks["words"].astype(np.int64)
        rest = np.bincount(text, np.where(repeated, 0, words), len(counts)).astype(np.int64)
        inside = np.bincount(text, np.where(repeated, words, 0), len(counts)).astype(np.int64)
        told = (rest >= templates.LEAST_REST) & ((inside > 0) | all_blocks)
        told &= (tasks.numbers(batch, "outlet") != tasks.UNKNOWN) | (rest >= inside)
        if len(keys):
            rows = np.flatnonzero(_may_repeat(blocks) & ~repeated)
            at = np.minimum(np.searchsorted(keys, own[rows]), len(keys) - 1)
            told &= templates.is_new(text[rows], np.where(keys[at] == own[rows], stories[at], 0), len(counts))
        noted = (_may_repeat(blocks) if all_blocks else repeated) & told[text]
        # A block that did not repeat yet is weighed as if it did: against what stands around it.
        lost = np.where(repeated, 0, words)
        records = np.empty(int(noted.sum()), _NOTED)
        records["fingerprint"] = blocks["fingerprint"][noted]
        records["strong"] = (rest[text] - lost >= inside[text] + lost)[noted]
        rows = np.flatnonzero(told)
        strings = batch.column("text").take(pa.array(rows)).to_pylist()
        texts = templates.without_repeated(strings, repeated[told[text]])
        columns = {
            "doc": batch.column("doc").take(pa.array(rows)),
            "outlet": batch.column("outlet").take(pa.array(rows)),
            "text": pa.array(texts, pa.string()),
            "noted": tasks.binaries(records, np.bincount(text[noted], minlength=len(counts))[rows]),
        }
        yield pa.record_batch(list(columns.values()), list(columns))


def _stories(rests: DataFrame, config: Config, store: engine.Store, *, lasting: bool) -> DataFrame:
    """Return the story of each document: `doc` and `story`. See `templates._stories`."""
    texts = rests.select("doc", "text")
    marks = engine.mark(texts, config, store)
    turned = F.col("digest").bitwiseXOR(F.lit(_TURN))

    def with_text(frame: DataFrame) -> DataFrame:
        return frame.join(texts, "doc")

    documents = engine.order(marks, (turned, F.col("doc")), with_text, store)
    compared = documents.where("tokens > 0 and rank = representative").select("rank", "doc", "shingles")
    for name in ("first", "last"):
        compared = compared.withColumn(name, F.lit(float("inf")))
    compared = compared.withColumn("outlet", F.lit(tasks.UNKNOWN).cast("long"))
    corpus = engine.Corpus.of(store, config, compared, marks, with_text)
    related = engine.find_pairs(corpus, sampled=False).related
    members = engine.members(related, replace(config, linkage="components"), store)
    members = members.select(F.col("rank").alias("representative"), "canonical")
    names = (F.col("slot") if lasting else turned).alias("name")
    named = documents.select("doc", "representative", names).join(members, "representative", "left")
    named = store.keep(named.withColumn("story", F.coalesce("canonical", "representative")))
    least = named.groupBy("story").agg(F.min("name").alias("name"))
    names = F.col("name") if lasting else F.col("name").bitwiseXOR(F.lit(_TURN))
    return named.select("doc", "story").join(least, "story").select("doc", names.alias("story"))


def _scatter_sightings(batches: Batches, parts: int) -> Batches:
    """Send the blocks that are noted to parts by their keys, with their stories."""
    for batch in batches:
        noted, counts = tasks.records(batch.column("noted"), _NOTED)
        found = np.empty(len(noted), _SIGHTING)
        found["fingerprint"], found["strong"] = noted["fingerprint"], noted["strong"]
        found["story"] = np.repeat(tasks.numbers(batch, "story").view(np.uint64), counts)
        found["outlet"] = np.repeat(tasks.numbers(batch, "outlet"), counts)
        found["key"] = _keys(found["fingerprint"], np.repeat(_hashes(batch, "outlet"), counts))
        found = _kept(found)
        yield tasks.pack(_SIGHTINGS, found, (found["key"] % np.uint64(parts)).astype(np.int64))


def _sightings(batches: Batches) -> Batches:
    """Yield the different sightings of each block, of KEPT stories at most: `data`."""
    found = _kept(tasks.of_kind(tasks.unpack(batches), _SIGHTINGS, _SIGHTING))
    yield pa.record_batch([pa.array([found.tobytes()])], ["data"])


def _kept(found: NDArray[Any]) -> NDArray[Any]:
    """Return those of some sightings that `Sightings` keeps, by key.

    A story is among the first of a block only if it is among the first of any of its sightings. So what is kept of all
    is what is kept of that which was kept of parts.
    """
    order = sightings.mix(np.ascontiguousarray(found["story"]))
    # Strong ones stand first among equal ones.
    found = found[np.lexsort((1 - found["strong"], order, found["key"]))]
    found = found[_differs(found["key"]) | _differs(found["story"])]
    starts = np.flatnonzero(_differs(found["key"]))
    place = np.arange(len(found)) - np.repeat(starts, np.diff(np.append(starts, len(found))))
    return found[place < KEPT]


def _binned(data: pa.Scalar, known: NDArray[np.uint64]) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.bool_]]:
    """Return sightings, the bin of each by the stories of its block and by its key, and whether its block is new.

    A table that is over its limit forgets the new blocks in the order of their bins.
    """
    found = np.frombuffer(data.as_py(), _SIGHTING)
    starts = np.flatnonzero(_differs(found["key"]))
    stories = np.diff(np.append(starts, len(found)))
    bins = np.repeat(stories, stories) << 8 | (found["key"] >> np.uint64(56)).astype(np.int64)
    return found, bins, ~among(known, found["key"])


def _rows_of_bins(batches: Batches, known: NDArray[np.uint64]) -> Batches:
    """Yield how many sightings of new blocks each bin has."""
    for batch in batches:
        for data in batch.column("data"):
            _, bins, is_new = _binned(data, known)
            bins, rows = np.unique(bins[is_new], return_counts=True)
            yield pa.record_batch([pa.array(bins.astype(np.int32)), pa.array(rows)], ["bin", "rows"])


def _least_bin(rows: Iterable[tuple[int, int]], limit: int) -> int:
    """Return the last bin that has, with those behind it, more rows than the limit; 0 where that are not so many.

    Args:
        rows: Bins, each once, and their rows.
        limit: Of `Sightings`: below such a bin it forgets every new block.
    """
    for bin_, more in sorted(rows, reverse=True):
        limit -= more
        if limit < 0:
            return bin_
    return 0


def _from_bin(batches: Batches, known: NDArray[np.uint64], least: int) -> Batches:
    """Yield the sightings of blocks that are known or in no earlier bin: `data`."""
    for batch in batches:
        for data in batch.column("data"):
            found, bins, is_new = _binned(data, known)
            yield pa.record_batch([pa.array([found[(bins >= least) | ~is_new].tobytes()])], ["data"])


def _stands(batches: Batches, fingerprints: NDArray[np.uint64]) -> Batches:
    """Yield at which outlets some blocks stand."""
    for batch in batches:
        blocks, counts = tasks.records(batch.column("prints"), tasks.BLOCK)
        chosen = _may_repeat(blocks) & among(fingerprints, np.ascontiguousarray(blocks["fingerprint"]))
        outlet = np.repeat(tasks.numbers(batch, "outlet"), counts)[chosen]
        fingerprint = np.ascontiguousarray(blocks["fingerprint"][chosen])
        yield pa.record_batch([tasks.bits(fingerprint), pa.array(outlet)], ["fingerprint", "outlet"])
