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
from dedup.engines import spark_tasks as tasks
from dedup.kernels import native
from dedup.kernels.blocks import locate
from dedup.model import Cleaned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from dedup.boilerplate.sightings import Template
    from dedup.config import Config

    Batches = Iterator[pa.RecordBatch]

#: A block in a document. Its key, that of `Sightings`, names the block and the outlet.
_SEEN = np.dtype([("key", "<u8"), ("fingerprint", "<u8"), ("doc", "<i8")])
#: A block of a document that repeats.
_REPEATED = np.dtype([("doc", "<i8"), ("key", "<u8")])
#: At how many outlets a block stands.
_SPREAD = np.dtype([("fingerprint", "<u8"), ("outlets", "<i8")])
#: A block that is noted, and whether the story around it is more than what repeats.
_NOTED = np.dtype([("fingerprint", "<u8"), ("strong", "<u1")])
#: A block seen in a story.
_SIGHTING = np.dtype([("key", "<u8"), ("outlet", "<i8"), ("fingerprint", "<u8"), ("story", "<u8"), ("strong", "<u1")])

_BLOCKS, _SPREADS, _SIGHTINGS = range(3)
#: Turns signed numbers over, so that they ascend as the unsigned ones do whose bits they have.
_TURN = -(2**63)


def learn(
    documents: DataFrame, known: Sightings, config: Config, store: engine.Store, *, all_blocks: bool, lasting: bool
) -> DataFrame:
    """Add to `known` which blocks were seen in which stories; return, packed, at how many outlets blocks stand.

    Args:
        documents: Of `engine.read`, with `prints`.
        known: See `templates.learn`.
        config: See there.
        store: Where stages are kept.
        all_blocks: See there.
        lasting: See there.
    """
    texts = documents.select("doc", "source", "outlet", "text", "prints")
    parts = 1 + texts.count() // engine.SHARE
    table = known.folded()
    blocks = store.keep(
        texts.select("doc", "outlet", "prints")
        .mapInArrow(partial(_scatter_blocks, parts=parts), tasks.PACKED)
        .repartitionById(parts, "part")
        .mapInArrow(
            partial(
                _repeated, keys=table.key, counts=table.count, fingerprints=np.unique(table.fingerprint), parts=parts
            ),
            tasks.PACKED,
        )
    )
    of_documents = blocks.where(F.col("kind") == _BLOCKS)
    size = of_documents.agg(F.coalesce(F.sum(F.length("data")), F.lit(0))).collect()[0][0]
    repeated = engine.near(
        of_documents.repartitionById(parts, "part").mapInArrow(_by_document, "doc long, repeated binary"),
        is_few=size <= engine.FEW * _REPEATED.itemsize,
    )
    rests = store.keep(
        texts.join(repeated, "doc", "left" if all_blocks else "inner").mapInArrow(
            partial(_rests, all_blocks=all_blocks), "doc long, outlet long, text string, noted binary"
        )
    )
    spread = blocks.where(F.col("kind") == _SPREADS)
    if rests.isEmpty():
        return spread
    stories = _stories(rests, config, store, lasting=lasting)
    seen = (
        rests.select("doc", "outlet", "noted")
        .join(stories, "doc")
        .mapInArrow(partial(_scatter_sightings, parts=parts), tasks.PACKED)
        .repartitionById(parts, "part")
        .mapInArrow(_sightings, "data binary")
    )
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
    return spread


def furniture(known: Sightings, spread: DataFrame) -> dict[int, Template]:
    """Return the blocks that are furniture of their outlet, by their keys: see `templates.furniture`."""
    found = known.templates(templates.LEAST_POINTS, templates.LEAST_POINTS_UNKNOWN)
    fingerprints = np.array([template.fingerprint for template in found], np.uint64)
    rows = spread.mapInArrow(partial(_spread_of, fingerprints=np.unique(fingerprints)), "data binary").collect()
    here = dict(np.frombuffer(b"".join(row.data for row in rows), _SPREAD).tolist())
    at, stories = known.spread(fingerprints)
    at = np.maximum(at, [here.get(template.fingerprint, 0) for template in found] or at)
    points, own, least = (
        np.array(
            [
                (
                    known.points(template.outlet or "", fingerprints[place : place + 1])[0],
                    template.stories,
                    templates.LEAST_POINTS if template.outlet else templates.LEAST_POINTS_UNKNOWN,
                )
                for place, template in enumerate(found)
            ],
            np.int64,
        )
        .reshape(-1, 3)
        .T
    )
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


def _scatter_blocks(batches: Batches, parts: int) -> Batches:
    """Send the blocks of documents to parts by their fingerprints."""
    for batch in batches:
        blocks, counts = tasks.records(batch.column("prints"), tasks.BLOCK)
        chosen = np.flatnonzero(_may_repeat(blocks))
        text = np.repeat(np.arange(len(counts)), counts)[chosen]
        seen = np.empty(len(chosen), _SEEN)
        seen["fingerprint"], seen["doc"] = blocks["fingerprint"][chosen], tasks.numbers(batch, "doc")[text]
        seen["key"] = _keys(seen["fingerprint"], _hashes(batch, "outlet")[text])
        yield tasks.pack(_BLOCKS, seen, (seen["fingerprint"] % np.uint64(parts)).astype(np.int64))


def _repeated(
    batches: Batches,
    keys: NDArray[np.uint64],
    counts: NDArray[np.int64],
    fingerprints: NDArray[np.uint64],
    parts: int,
) -> Batches:
    """Yield the blocks that repeat, sent to their documents, and at how many outlets those stand and those known.

    Args:
        batches: Packed blocks of documents.
        keys: uint64, of the blocks that are known, ascending.
        counts: int64, their stories.
        fingerprints: uint64, of the same blocks, ascending.
        parts: Of documents.
    """
    seen = tasks.of_kind(tasks.unpack(batches), _BLOCKS, _SEEN)
    seen = seen[np.lexsort((seen["doc"], seen["key"]))]
    first = _differs(seen["key"])
    different = first | _differs(seen["doc"])
    group = np.cumsum(first) - 1
    times = np.bincount(group, different).astype(np.int64)
    own = seen["key"][first]
    if len(keys):
        at = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
        times += np.where(keys[at] == own, counts[at], 0)
    is_repeated = times >= templates.LEAST_DOCUMENTS
    chosen = np.flatnonzero(is_repeated[group] & different)
    rows = np.empty(len(chosen), _REPEATED)
    rows["doc"], rows["key"] = seen["doc"][chosen], seen["key"][chosen]
    yield tasks.pack(_BLOCKS, rows, rows["doc"] % parts)
    stands, outlets = np.unique(seen["fingerprint"][first], return_counts=True)
    asked = np.isin(stands, seen["fingerprint"][first][is_repeated]) | np.isin(stands, fingerprints)
    spread = np.empty(int(asked.sum()), _SPREAD)
    spread["fingerprint"], spread["outlets"] = stands[asked], outlets[asked]
    yield tasks.pack(_SPREADS, spread, np.zeros(len(spread), np.int64))


def _differs(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.concatenate([[True], values[1:] != values[:-1]])[: len(values)]


def _by_document(batches: Batches) -> Batches:
    """Yield the keys of the repeated blocks of each document."""
    rows = tasks.of_kind(tasks.unpack(batches), _BLOCKS, _REPEATED)
    rows = rows[np.argsort(rows["doc"], kind="stable")]
    documents, counts = np.unique(rows["doc"], return_counts=True)
    keys = tasks.binaries(np.ascontiguousarray(rows["key"]), counts)
    yield pa.record_batch([pa.array(documents), keys], ["doc", "repeated"])


def _rests(batches: Batches, *, all_blocks: bool) -> Batches:
    """Yield the texts without their repeated blocks, where enough is left to tell their story, and what is noted."""
    for batch in batches:
        blocks, counts = tasks.records(batch.column("prints"), tasks.BLOCK)
        text = np.repeat(np.arange(len(counts)), counts)
        hashes = _hashes(batch, "outlet")
        keys, _ = tasks.records(batch.column("repeated"), np.uint64)
        # The key of a block names its outlet, so that a key that repeats does so in each text of this batch.
        repeated = _may_repeat(blocks) & np.isin(_keys(blocks["fingerprint"], hashes[text]), keys)
        words = blocks["words"].astype(np.int64)
        rest = np.bincount(text, np.where(repeated, 0, words), len(counts)).astype(np.int64)
        inside = np.bincount(text, np.where(repeated, words, 0), len(counts)).astype(np.int64)
        told = (rest >= templates.LEAST_REST) & ((inside > 0) | all_blocks)
        told &= (tasks.numbers(batch, "outlet") != tasks.UNKNOWN) | (rest >= inside)
        noted = (_may_repeat(blocks) if all_blocks else repeated) & told[text]
        # A block that did not repeat yet is weighed as if it did: against what stands around it.
        own = np.where(repeated, 0, words)
        records = np.empty(int(noted.sum()), _NOTED)
        records["fingerprint"] = blocks["fingerprint"][noted]
        records["strong"] = (rest[text] - own >= inside[text] + own)[noted]
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
        yield tasks.pack(_SIGHTINGS, found, (found["key"] % np.uint64(parts)).astype(np.int64))


def _sightings(batches: Batches) -> Batches:
    """Yield the different sightings of each block, of KEPT stories at most, those that `Sightings` keeps."""
    found = tasks.of_kind(tasks.unpack(batches), _SIGHTINGS, _SIGHTING)
    order = sightings.mix(np.ascontiguousarray(found["story"]))
    # Strong ones stand first among equal ones.
    found = found[np.lexsort((1 - found["strong"], order, found["key"]))]
    found = found[_differs(found["key"]) | _differs(found["story"])]
    starts = np.flatnonzero(_differs(found["key"]))
    place = np.arange(len(found)) - np.repeat(starts, np.diff(np.append(starts, len(found))))
    yield pa.record_batch([pa.array([found[place < KEPT].tobytes()])], ["data"])


def _spread_of(batches: Batches, fingerprints: NDArray[np.uint64]) -> Batches:
    """Yield at how many outlets some blocks stand."""
    spread = tasks.of_kind(tasks.unpack(batches), _SPREADS, _SPREAD)
    yield pa.record_batch([pa.array([spread[np.isin(spread["fingerprint"], fingerprints)].tobytes()])], ["data"])
