"""What the Python workers of Spark do: our kernels over Arrow batches, a generator per stage.

What many documents send each other travels as packed rows (`PACKED`): a part, which says where it goes, a kind, and the
bytes of an array of numbers. So Spark moves few large rows, and NumPy does the rest. Documents are named by their rank:
their place in keep order, below 2**31.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from dedup.boilerplate import wire_ranks
from dedup.clustering.clusters import cluster
from dedup.clustering.order import moments_of
from dedup.config import folded
from dedup.kernels import native
from dedup.kernels.parallel import Pool, chunks
from dedup.matching import verify
from dedup.matching.candidates import (
    Candidates,
    Shared,
    among,
    buckets,
    crowd_pairs,
    first_of_each,
    numbered,
    pairs_of,
    partners,
)
from dedup.matching.candidates import (
    all_pairs as every_pair,
)
from dedup.matching.candidates import (
    pairs_by_bands as pairs_of_bands,
)
from dedup.matching.roundups import asked, in_roundups, in_time
from dedup.matching.samples import (
    PARTS,
    enough_of_passage,
    enough_of_text,
    rates_of,
    tops_of,
)
from dedup.matching.versions import mark_versions
from dedup.model import LINKS, Article
from dedup.prepare import dated, items_of
from dedup.scratch import Memory
from dedup.stages import chunks_of, cut_of, sketch_chunk
from dedup.templates import clean_texts, outlet_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.templates import Prints

    Batches = Iterator[pa.RecordBatch]
    #: Keys, the rank of the document of each, and its group: keys of different groups never meet.
    Keys = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]
    KeysOf = Callable[[pa.RecordBatch], Keys]

#: Rows of numbers on their way from one stage to the next; Spark sends a row to `part` modulo the number of parts.
PACKED = "part int, kind int, data binary"

#: The kinds of packed rows.
ENTRIES, PAIRS, CROWD_PAIRS, PASSAGES, KNOWN, TILES, CROWDED, COUNTS, SIZES, RELATED, JUDGED, HEADS = range(12)

#: A key and who has it.
_ENTRY = np.dtype([("key", "<u8"), ("rank", "<u4")])
#: How large the sample of a document is, and how large its largest hash.
_SIZE = np.dtype([("rank", "<u4"), ("count", "<u4"), ("top", "<u8")])
#: A pair, whether it is in a bucket that is no crowd, how many samples it shares and how many that count for passages,
#: and the sample of its right document.
_SHARED = np.dtype(
    [("code", "<u8"), ("is_alone", "<u1"), ("text", "<u4"), ("passage", "<u4"), ("count", "<u4"), ("rate", "<f8")]
)
_SCORES = ("left", "right", "shared", "left_size", "right_size")
#: A pair that is related; the times are of `roundups.in_time`.
PAIR = np.dtype(
    [
        *((name, "<u4") for name in _SCORES),
        *((name, "u1") for name in ("relation", "is_version", "left_in_time", "right_in_time")),
    ]
)
#: A block of a text: see `templates.Prints`.
BLOCK = np.dtype([("fingerprint", "<u8"), ("words", "<i4"), ("cues", "<u4")])

#: The columns of a document that its article has.
FIELDS = ("source", "published", "title", "url", "parent")

#: A document that was read: what its article says, then what is known of it, and its clean text with its blocks.
READ = (
    "id string, source string, published string, title string, url string, parent string, problem string, "
    "is_too_long boolean, first double, last double, outlet long, best int, wire int, is_cleaned boolean, "
    "is_item boolean, size long, text string, prints binary"
)
_TYPES = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "double": pa.float64(),
    "long": pa.int64(),
    "int": pa.int32(),
    "binary": pa.binary(),
}
_READ = [pa.field(name, _TYPES[kind]) for name, kind in (field.split() for field in READ.split(", "))]
#: What a clean text is compared by.
MARKS = "tokens long, shingles long, digest long, slot long, keys binary, samples binary"
#: Related pairs as rows.
PAIR_ROWS = "left long, right long, shared long, left_size long, right_size long, relation int"
#: A document that is not canonical, how it stands to its canonical, and the share of either in the other.
MEMBERS = "rank long, canonical long, relation int, jaccard double, containment double, containment_canonical double"

#: The outlet of a document whose source is unknown.
UNKNOWN = -1

#: Related pairs in a packed row.
_ROW_PAIRS = 20_000
#: Pairs of buckets that a task makes at a time.
CHUNK_PAIRS = 2**20
#: Pairs of one label that go to one tile.
_TILE_PAIRS = 50_000

_RANK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def pack(kind: int, records: NDArray[Any], part: NDArray[Any]) -> pa.RecordBatch:
    """Return packed rows, one for each different part of the records; of no record, none."""
    order = np.argsort(part, kind="stable")
    ordered = part[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    offsets = np.append(starts, len(ordered)) * records.itemsize
    data = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(),
        len(starts),
        [None, pa.py_buffer(offsets.astype(np.int64)), pa.py_buffer(np.ascontiguousarray(records[order]))],
    ).cast(pa.binary())
    parts = pa.array(ordered[starts].astype(np.int32))
    return pa.record_batch([parts, pa.array(np.full(len(starts), kind, np.int32)), data], ["part", "kind", "data"])


def unpack(batches: Batches) -> dict[tuple[int, int], list[bytes]]:
    """Return the bytes of packed rows by kind and part."""
    found: dict[tuple[int, int], list[bytes]] = {}
    for batch in batches:
        parts, kinds, blobs = (batch.column(name).to_pylist() for name in ("part", "kind", "data"))
        for part, kind, data in zip(parts, kinds, blobs, strict=True):
            found.setdefault((kind, part), []).append(data)
    return found


def of_kind(rows: dict[tuple[int, int], list[bytes]], kind: int, dtype: Any) -> NDArray[Any]:  # noqa: ANN401
    """Return all records of a kind, whatever their part."""
    blobs = [data for (other, _), some in rows.items() if other == kind for data in some]
    return np.frombuffer(b"".join(blobs), dtype)


def binaries(records: NDArray[Any], counts: NDArray[np.int64]) -> pa.Array:
    """Return the bytes of `counts[i]` records for each row."""
    offsets = np.concatenate([[0], np.cumsum(counts)]) * records.itemsize
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(records))]
    return pa.BinaryArray.from_buffers(pa.binary(), len(counts), buffers)


def records(column: pa.Array, dtype: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:  # noqa: ANN401
    """Return the records of a column of bytes, one row after the other, and how many each row has."""
    _, offsets, data = column.buffers()
    # A session may ask for Arrow's large types.
    width = np.int64 if pa.types.is_large_binary(column.type) else np.int32
    ends = np.frombuffer(offsets, width)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    if not len(column) or ends[-1] == ends[0]:
        return np.empty(0, dtype), np.zeros(len(column), np.int64)
    return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]].view(dtype), np.diff(ends) // np.dtype(dtype).itemsize


def numbers(batch: pa.RecordBatch, name: str) -> NDArray[Any]:
    """Return a column of numbers, none of them null."""
    return np.asarray(batch.column(name).to_numpy(zero_copy_only=False))


def bits(values: NDArray[np.uint64]) -> pa.Array:
    """Return unsigned numbers as Spark can hold them: the same bits, with a sign."""
    return pa.array(values.view(np.int64))


def read(batches: Batches, config: Config) -> Batches:
    """Clean articles (`READ`); the stories that pages carry come behind them. What is none has a `problem` and no text.

    Args:
        batches: `id`, `text`, the FIELDS and what else the input has, which is passed on.
        config: The settings.
    """
    for batch in batches:
        schema = pa.schema([*_READ, *(field for field in batch.schema if field.name not in ("id", "text", *FIELDS))])
        names, texts, *fields = (_strings(batch.column(name)) for name in ("id", "text", *FIELDS))
        problems = [_problem(*row) for row in zip(names, texts, *fields, strict=True)]
        articles = [
            Article("?", "") if problem else Article(name, text, *known)
            for name, text, problem, *known in zip(names, texts, problems, *fields, strict=True)
        ]
        for rows in chunks_of([article.text for article in articles]):
            chosen = articles[rows.start : rows.stop]
            columns, items = _read(chosen, config)
            part = batch.slice(rows.start, len(rows))
            columns |= {name: part.column(name) for name in schema.names[len(_READ) :]}
            columns["id"] = part.column("id")
            columns["problem"] = pa.array(problems[rows.start : rows.stop], pa.string())
            yield _batch(columns, schema)
            while items:
                columns, items = _read(items, config)
                columns["is_item"] = pa.array(np.ones(len(columns["id"]), np.bool_))
                yield _batch(columns, schema)


def _strings(column: pa.Array) -> list[Any]:
    """Return the strings of a column; one that is no valid UTF-8, which Spark does not mind, stays bytes."""
    try:
        found: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        found = column.cast(pa.large_binary()).to_pylist()
        for row, raw in enumerate(found):
            with suppress(UnicodeDecodeError):
                found[row] = raw if raw is None else raw.decode()
    return found


def _problem(name: Any, text: Any, *fields: Any) -> str | None:  # noqa: ANN401 - strings, or what is none
    """Return why a row is no article; None where it is one."""
    for field, value in zip(("id", "text", *FIELDS), (name, text, *fields), strict=True):
        if isinstance(value, bytes):
            return f"{field} of {name!r:.80} must be valid UTF-8. Got {value!r:.80}."
    if name is None:
        return "id is missing."
    if not name:
        return "id must be a str that is not empty. Got ''."
    if text is None:
        return f"text of {name!r} must be a str. Got None."
    return None


def _batch(columns: dict[str, pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    """Return the columns of a schema; those that are not there are null."""
    rows = len(columns["id"])
    arrays = [columns[field.name] if field.name in columns else pa.nulls(rows, field.type) for field in schema]
    return pa.record_batch([array.cast(field.type) for array, field in zip(arrays, schema, strict=True)], schema=schema)


def _read(articles: list[Article], config: Config) -> tuple[dict[str, pa.Array], list[Article]]:
    """Return what is known of some articles, and the stories that they carry."""
    strings = [article.text for article in articles]
    texts = native.Texts.from_strings(strings)
    too_long = texts.lengths > native.MAX_TEXT_BYTES
    articles, items, prints = list(articles), [], None
    is_cleaned = np.zeros(len(articles), np.bool_)
    if config.clean != "off" and not too_long.any():
        pages, prints = clean_texts(strings, texts)
        for row, page in pages.items():
            articles[row] = dated(articles[row], page)
            items += items_of(articles[row], page)
            strings[row] = page.text
        is_cleaned[list(pages)] = True
        if pages:
            fresh = native.Texts.from_strings([page.text for page in pages.values()])
            texts = texts.replace(np.array(list(pages)), fresh)
    sources = [article.source for article in articles]
    places = {folded(source): place for place, source in enumerate(config.keep.sources)}
    moments = moments_of(article.published for article in articles)
    outlets = [outlet_of(source) for source in sources]
    columns = {
        "id": pa.array([article.id for article in articles]),
        "text": pa.array(strings, pa.string()),
        "first": pa.array(moments[:, 0]),
        "last": pa.array(moments[:, 1]),
        "outlet": bits(np.array([_outlet_hash(name) for name in outlets], np.uint64)),
        "best": pa.array([places.get(folded(source or ""), len(places)) for source in sources], pa.int32()),
        "wire": pa.array(wire_ranks(strings, texts, sources).astype(np.int32)),
        "is_cleaned": pa.array(is_cleaned),
        "is_item": pa.array(np.zeros(len(articles), np.bool_)),
        "size": pa.array(texts.lengths),
        "is_too_long": pa.array(too_long),
    }
    if config.clean == "auto" and prints is not None:
        columns["prints"] = _blocks_of(prints)
    for name in FIELDS:
        columns[name] = pa.array([getattr(article, name) for article in articles], pa.string())
    return columns, items


def _outlet_hash(name: str) -> int:
    return xxhash.xxh3_64_intdigest(name.encode()) if name else 2**64 - 1


def _blocks_of(prints: Prints) -> pa.Array:
    blocks = np.empty(len(prints.fingerprints), BLOCK)
    blocks["fingerprint"], blocks["words"], blocks["cues"] = prints.fingerprints, prints.words, prints.cues
    return binaries(blocks, np.diff(prints.firsts))


def mark(batches: Batches, config: Config) -> Batches:
    """Replace the texts by what they are compared by: tokens, digests, keys of bands and samples (`MARKS`)."""
    for batch in batches:
        rest = batch.drop_columns(["text"])
        marks = marks_of(native.Texts.from_arrow(batch.column("text")), config)
        columns = {**dict(zip(rest.schema.names, rest.columns, strict=True)), **marks}
        yield pa.record_batch(list(columns.values()), list(columns))


def marks_of(texts: native.Texts, config: Config) -> dict[str, pa.Array]:
    """Return what texts are compared by: the columns of MARKS."""
    cut = cut_of(config)
    sketches, samples, counts = sketch_chunk(texts, config, sampled=True)
    keys = np.empty((len(texts), cut.bands), np.uint64)
    for band in range(cut.bands):
        keys[:, band] = native.band_keys(sketches.signatures, band * cut.rows, cut.rows)
    return {
        "tokens": pa.array(sketches.tokens.astype(np.int64)),
        "shingles": pa.array(sketches.shingles.astype(np.int64)),
        "digest": bits(sketches.digests),
        "slot": pa.array(sketches.signatures[:, 0].astype(np.int64)),
        "keys": binaries(keys.ravel(), np.full(len(texts), cut.bands)),
        "samples": binaries(samples, counts),
    }


def merge_equal(batches: Batches) -> Batches:
    """Yield the repeats of texts that fold to the same as one before: `rank`, and the `representative`'s.

    Args:
        batches: `digest`, `rank` and `text`, ordered by the first two; a digest is in one partition.
    """
    digest: int | None = None
    firsts: list[str] = []
    ranks: list[int] = []
    for batch in batches:
        repeats = []
        texts = batch.column("text").to_pylist()
        for value, rank, text in zip(
            *(batch.column(name).to_pylist() for name in ("digest", "rank")), texts, strict=True
        ):
            if value != digest:
                digest, firsts, ranks = value, [], []
            # One is enough unless digests collide.
            same = next((first for first, other in zip(ranks, firsts, strict=True) if _is_equal(other, text)), None)
            if same is None:
                ranks.append(rank)
                firsts.append(text)
            else:
                repeats.append((rank, same))
        columns = np.array(repeats, np.int64).reshape(-1, 2)
        yield pa.record_batch([pa.array(columns[:, 0]), pa.array(columns[:, 1])], ["rank", "representative"])


def _is_equal(left: str, right: str) -> bool:
    if left == right:
        return True
    equal = np.zeros(1, np.uint8)
    zero, one = np.zeros(1, np.int64), np.ones(1, np.int64)
    native.fill_equal(native.Texts.from_strings([left, right]), zero, one, 0, 1, equal)
    return bool(equal[0])


def keys_of(batch: pa.RecordBatch) -> Keys:
    """Return the keys of the bands of documents; a band is a group."""
    keys, counts = records(batch.column("keys"), np.uint64)
    band = np.arange(len(keys)) - np.repeat(np.cumsum(counts) - counts, counts)
    return keys, np.repeat(numbers(batch, "rank"), counts), band


def samples_of(batch: pa.RecordBatch) -> Keys:
    """Return the samples of documents, in as many groups as `samples.PARTS` says."""
    values, counts = records(batch.column("samples"), np.uint64)
    return values, np.repeat(numbers(batch, "rank"), counts), (values % np.uint64(PARTS)).astype(np.int64)


def scatter_keys(batches: Batches, slices: int, hot: NDArray[np.uint64], documents: int) -> Batches:
    """Send the keys of each band to parts of their own, but for those of hot buckets: `ENTRIES`.

    Args:
        batches: What `keys_of` takes.
        slices: Parts of a band.
        hot: uint64, the names of the hot buckets, ascending.
        documents: How many are compared.
    """
    for batch in batches:
        yield _scattered(keys_of(batch), slices, hot, documents)


def scatter_samples(batches: Batches, slices: int, hot: NDArray[np.uint64], documents: int, parts: int) -> Batches:
    """Do with samples what `scatter_keys` does with keys, and send their sizes by their ranks (`SIZES`) to `parts`."""
    for batch in batches:
        yield _scattered(samples_of(batch), slices, hot, documents)
        values, counts = records(batch.column("samples"), np.uint64)
        rank = numbers(batch, "rank")
        sizes = np.empty(len(rank), _SIZE)
        sizes["rank"], sizes["count"], sizes["top"] = rank, counts, tops_of(values, counts)
        yield pack(SIZES, sizes, rank % parts)


def _scattered(keys: Keys, slices: int, hot: NDArray[np.uint64], documents: int) -> pa.RecordBatch:
    values, rank, group = keys
    if len(hot):
        cold = ~among(hot, named(values, group, documents))
        values, rank, group = values[cold], rank[cold], group[cold]
    entries = np.empty(len(values), _ENTRY)
    entries["key"], entries["rank"] = values, rank
    return pack(ENTRIES, entries, group * slices + slice_of(values, slices))


def named(keys: NDArray[np.uint64], group: NDArray[np.int64], documents: int) -> NDArray[np.uint64]:
    """Return the names of buckets: what `buckets` knows of a key, and its group, which is below `documents`."""
    return numbered(keys, group.astype(np.uint64), documents)


def slice_of(keys: NDArray[np.uint64], slices: int) -> NDArray[np.int64]:
    """Return a slice for each key, by high bits, which `buckets` keeps."""
    return ((keys >> np.uint64(48)) % np.uint64(slices)).astype(np.int64)


def _buckets(blobs: list[bytes], documents: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the ranks in all buckets of some entries, positions and sizes: see `candidates.buckets`."""
    entries = np.frombuffer(b"".join(blobs), _ENTRY)
    ranks = entries["rank"].astype(np.int64)
    # The bits that numbers take up in keys are those of a run on one machine, which counts the documents compared.
    if int(ranks.max(initial=0)) >> max(1, (documents - 1).bit_length()):
        ranks, places = np.unique(ranks, return_inverse=True)
        members, positions, sizes = buckets(entries["key"], places, documents)
        return ranks[members], positions, sizes
    return buckets(entries["key"], ranks, documents)


def pairs_by_bands(batches: Batches, documents: int, bucket_limit: int, parts: int) -> Batches:
    """Yield the pairs of buckets (`PAIRS`, `CROWD_PAIRS` of those over the limit), who is in such (`CROWDED`).

    `COUNTS` are those of `counts_of_bands`.
    """
    for blobs in unpack(batches).values():
        members, positions, sizes = _buckets(blobs, documents)
        for shared in _in_chunks(members, positions, sizes, bucket_limit):
            yield from _packed_pairs(shared, parts)
        ranks = np.unique(members[sizes > bucket_limit])
        yield pack(CROWDED, ranks, ranks % parts)
        yield counts_of_bands(sizes[positions == 0], bucket_limit)


def _in_chunks(
    members: NDArray[np.int64], positions: NDArray[np.int64], sizes: NDArray[np.int64], bucket_limit: int
) -> Iterator[Shared]:
    """Yield the pairs of buckets, some at a time: see `pairs_of`."""
    for rows in chunks(partners(positions, sizes, bucket_limit), CHUNK_PAIRS):
        yield pairs_of(members, positions, sizes, bucket_limit, slice(rows.start, rows.stop))


def counts_of_bands(sizes: NDArray[np.int64], bucket_limit: int) -> pa.RecordBatch:
    """Return the `COUNTS` of buckets: those over the limit, the pairs that they leave out, the size of the largest.

    Args:
        sizes: int64 [n].
        bucket_limit: See `pairs_of`.
    """
    over = sizes[sizes > bucket_limit]
    rest = over - crowd_pairs(bucket_limit)
    counts = np.array([len(over), (rest * (rest - 1) // 2).sum(), sizes.max(initial=0)], np.int64)
    return pack(COUNTS, counts, np.zeros(3, np.int64))


def _packed_pairs(shared: Shared, parts: int) -> Batches:
    yield pack(PAIRS, shared.alone, _right(shared.alone) % parts)
    yield pack(CROWD_PAIRS, shared.crowd, _right(shared.crowd) % parts)


def all_pairs(batches: Batches, parts: int) -> Batches:
    """Pack pairs that come as `left` and `right`: `PAIRS`."""
    for batch in batches:
        codes = numbers(batch, "left") << 32 | numbers(batch, "right")
        yield pack(PAIRS, codes.astype(np.uint64), numbers(batch, "right") % parts)


def new_pairs(batches: Batches, most: int, parts: int, tiles: int) -> Batches:
    """Yield each pair that is not known once: to be compared (`TILES`) and to be known (`KNOWN`); and `COUNTS`.

    These are: how many they are, and how many pairs of crowds were left out. All pairs of a right document come to one
    part, which takes the first `most` of those of crowds, and of all if it is `CROWDED`. It goes to the tile of its
    label, the first document that it is paired with: so its text is needed in one tile, and those of a story meet. A
    label of many pairs has many tiles.
    """
    rows = unpack(batches)
    alone = np.unique(of_kind(rows, PAIRS, np.uint64))
    is_crowded = np.isin(_right(alone), of_kind(rows, CROWDED, np.int64))
    found, crowd = alone[~is_crowded], np.concatenate([alone[is_crowded], of_kind(rows, CROWD_PAIRS, np.uint64)])
    others = np.setdiff1d(crowd, found)
    kept = others[first_of_each(others, most)]
    codes = np.setdiff1d(np.concatenate([found, kept]), of_kind(rows, KNOWN, np.uint64))
    yield from _sent(codes, len(others) - len(kept), parts, tiles)


def _sent(codes: NDArray[np.uint64], omitted: int, parts: int, tiles: int) -> Batches:
    """Yield pairs as `new_pairs` does."""
    yield pack(KNOWN, codes, _right(codes) % parts)
    yield pack(COUNTS, np.array([len(codes), omitted]), np.zeros(2, np.int64))
    by_right = np.sort(codes << _HALF | codes >> _HALF)
    right, left = by_right >> _HALF, by_right & _RANK
    is_first = np.concatenate([[True], right[1:] != right[:-1]])[: len(right)]
    label = left[np.flatnonzero(is_first)][np.cumsum(is_first) - 1]
    _, of, sizes = np.unique(label, return_inverse=True, return_counts=True)
    # This part has about its share of the pairs of a label.
    salts = 1 + sizes[of] * parts // _TILE_PAIRS
    tile = (label.astype(np.int64) + right.astype(np.int64) // parts % salts) % tiles
    yield pack(TILES, left << _HALF | right, tile)


def _right(codes: NDArray[np.uint64]) -> NDArray[np.int64]:
    return (codes & _RANK).astype(np.int64)


def needed(batches: Batches, tiles: int) -> Batches:
    """Yield which documents the pairs of tiles need: `rank` and `part`, the tile modulo how many there are."""
    by_tile: dict[int, list[bytes]] = {}
    for (_, tile), blobs in unpack(batches).items():
        by_tile.setdefault(tile % tiles, []).extend(blobs)
    for tile, blobs in by_tile.items():
        codes = np.frombuffer(b"".join(blobs), np.uint64)
        ranks = np.unique(np.concatenate([codes >> _HALF, codes & _RANK])).astype(np.int64)
        yield pa.record_batch([pa.array(ranks), pa.array(np.full(len(ranks), tile, np.int32))], ["rank", "part"])


def unpack_ranks(batches: Batches) -> Batches:
    """Yield the ranks of packed rows: `rank`."""
    for blobs in unpack(batches).values():
        yield pa.record_batch([pa.array(np.frombuffer(b"".join(blobs), np.int64))], ["rank"])


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """Documents whose texts are in this task.

    Args:
        rank: int64 [n], ascending.
        room: uint32 [n], how many shingles each has at most.
        moments: float64 [n, 2], of their publication.
        outlets: int64 [n], who printed each; -1 where that is unknown.
        texts: Their texts.
        table: What else was sent of them, in the same order.
    """

    rank: NDArray[np.int64]
    room: NDArray[np.uint32]
    moments: NDArray[np.float64]
    outlets: NDArray[np.int64]
    texts: native.Texts
    table: pa.Table

    @classmethod
    def of(cls, batches: Batches) -> tuple[dict[tuple[int, int], list[bytes]], Self | None]:
        """Return packed rows as `unpack` does, and the documents that came with them, where `data` is null."""
        packed, documents = [], []
        for batch in batches:
            is_packed = batch.column("data").is_valid()
            packed.append(batch.select(["part", "kind", "data"]).filter(is_packed))
            documents.append(batch.drop_columns(["part", "kind", "data"]).filter(pc.invert(is_packed)))
        if not documents:
            return {}, None
        table = pa.Table.from_batches(documents)
        # A document may have been sent for several tiles that are one.
        rank, places = np.unique(table.column("rank").to_numpy(), return_index=True)
        text = table.column("text").cast(pa.large_string()).take(places)
        table = table.drop_columns(["text"]).take(places)
        room, first, last, outlet = (table.column(name).to_numpy() for name in ("shingles", "first", "last", "outlet"))
        # The signs of outlets are of no use.
        outlets = np.where(outlet == UNKNOWN, -1, outlet & np.int64(2**63 - 1))
        texts = native.Texts.from_arrow(text)
        return unpack(iter(packed)), cls(
            rank, room.astype(np.uint32), np.stack([first, last], axis=1), outlets, texts, table
        )

    def related(self, codes: NDArray[np.uint64], config: Config) -> NDArray[Any]:
        """Compare pairs of documents, and return those that are related: each a `PAIR`."""
        left, right = (np.searchsorted(self.rank, ends) for ends in (codes >> _HALF, codes & _RANK))
        # Those that are paired with one stand together, so that a text is taken up with others that it is compared to.
        label = np.arange(len(self.rank))
        np.minimum.at(label, right, left)
        order = np.argsort(label, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        candidates = Candidates(place[left], place[right], np.zeros(len(order), np.bool_))
        with Pool(1) as pool:
            pairs = verify.verify(
                lambda rows: self.texts.take(order[rows]), self.room[order], candidates, config, pool, lambda _: None
            )
        pairs = pairs.where(pairs.relation != verify.UNRELATED)
        moments, outlets, ranks = self.moments[order], self.outlets[order], self.rank[order]
        found = np.zeros(len(pairs), PAIR)
        found["left"], found["right"] = ranks[pairs.left], ranks[pairs.right]
        for name in ("shared", "left_size", "right_size", "relation"):
            found[name] = getattr(pairs, name)
        found["is_version"] = mark_versions(pairs, moments, outlets).relation == verify.VERSION
        found["left_in_time"], found["right_in_time"] = in_time(pairs, moments)
        return found


def compare(batches: Batches, config: Config) -> Batches:
    """Compare the pairs of tiles and yield those that are related: `RELATED`, each a `PAIR`.

    Args:
        batches: Packed `TILES`; and the documents that they need: `rank`, `shingles`, `first`, `last`, `outlet` and
            `text`, where `data` is null.
        config: The settings.
    """
    rows, held = _Held.of(batches)
    if held is not None and len(codes := of_kind(rows, TILES, np.uint64)):
        yield _packed_related(held.related(codes, config))


def _packed_related(pairs: NDArray[Any]) -> pa.RecordBatch:
    return pack(RELATED, pairs, np.arange(len(pairs)) // _ROW_PAIRS)


def kept_of_crowds(batches: Batches, config: Config, room: int) -> Batches:
    """Yield the documents of crowds, or if there is no room for so many those that are kept: `rank`.

    Args:
        batches: Packed `RELATED` and `CROWDED`.
        config: The settings.
        room: How many at most, if they are not kept.
    """
    rows = unpack(batches)
    ranks = np.unique(of_kind(rows, CROWDED, np.int64))
    if len(ranks) > room:
        ranks = _kept(rows, of_kind(rows, RELATED, PAIR), config)
    yield pa.record_batch([pa.array(ranks)], ["rank"])


def _kept(rows: dict[tuple[int, int], list[bytes]], related: NDArray[Any], config: Config) -> NDArray[np.int64]:
    ranks, _, canonical, _ = _clustered(related, config)
    return np.setdiff1d(of_kind(rows, CROWDED, np.int64), ranks[canonical != np.arange(len(ranks))])


def settle(batches: Batches, config: Config, rounds: int, parts: int) -> Batches:
    """Compare documents of crowds that are still kept among themselves, as long as their texts are here.

    Yields the related pairs that are new, which pairs are known now, and `COUNTS`: pairs that were compared, rounds,
    and whether there is nothing more to compare.

    Args:
        batches: Packed `RELATED`, `KNOWN` and `CROWDED`; and documents of crowds that are kept, as `compare` takes
            them, with `keys`.
        config: The settings.
        rounds: How many at most.
        parts: Of the pairs that are known.
    """
    rows, held = _Held.of(batches)
    if held is None:
        return
    related, known = of_kind(rows, RELATED, PAIR), of_kind(rows, KNOWN, np.uint64)
    keys, _ = records(held.table.column("keys").combine_chunks(), np.uint64)
    columns = []
    for band in keys.reshape(len(held.rank), -1).T:
        columns.append(Memory().column("band", np.uint64))
        columns[-1].append(band)
    begun, counts = (len(related), len(known)), np.zeros(3, np.int64)
    while counts[1] < rounds:
        left = _kept(rows, related, config)
        if not np.isin(left, held.rank).all():
            break
        if len(left) <= config.exhaustive:
            alike = every_pair(len(left))
        else:
            with Pool(1) as pool:
                places = np.searchsorted(held.rank, left)
                alike = pairs_of_bands(columns, places, config.bucket_limit, pool, lambda _: None)
        codes = np.setdiff1d(alike.at(left).codes(), known)
        counts[2] = not len(codes)
        if not len(codes):
            break
        related = np.concatenate([related, held.related(codes, config)])
        known = np.concatenate([known, codes])
        counts += [len(codes), 1, 0]
    yield _packed_related(related[begun[0] :])
    yield pack(KNOWN, known[begun[1] :], _right(known[begun[1] :]) % parts)
    yield pack(COUNTS, counts, np.zeros(3, np.int64))


def pairs_by_samples(batches: Batches, documents: int, limits: tuple[int, int], parts: int) -> Batches:
    """Yield the pairs that share samples, as often as they do: `PAIRS`, `CROWD_PAIRS`, and for passages `PASSAGES`.

    `COUNTS` are those of `counts_of_samples`. The limits are those of buckets, for texts and for passages.
    """
    for blobs in unpack(batches).values():
        members, positions, sizes = _buckets(blobs, documents)
        for shared in _in_chunks(members, positions, sizes, limits[0]):
            yield from _packed_pairs(shared, parts)
        for alone, crowd, _ in _in_chunks(members, positions, sizes, limits[1]):
            for codes in alone, crowd:
                yield pack(PASSAGES, codes, _right(codes) % parts)
        yield counts_of_samples(sizes[positions == 0], limits)


def counts_of_samples(sizes: NDArray[np.int64], limits: tuple[int, int]) -> pa.RecordBatch:
    """Return the `COUNTS` of samples: those that more documents have than either limit."""
    return pack(COUNTS, np.array([np.count_nonzero(sizes > limit) for limit in limits]), np.zeros(2, np.int64))


def count_samples(batches: Batches, parts: int) -> Batches:
    """Count how many samples pairs share, with the sample of the right document, and send them to the left one."""
    rows = unpack(batches)
    known, sizes = np.sort(of_kind(rows, KNOWN, np.uint64)), _sizes(rows)
    alone = of_kind(rows, PAIRS, np.uint64)
    codes, text = _counted(np.concatenate([alone, of_kind(rows, CROWD_PAIRS, np.uint64)]), known)
    passages, in_passage = _counted(of_kind(rows, PASSAGES, np.uint64), known)
    shared = np.zeros(len(codes), _SHARED)
    shared["code"], shared["text"] = codes, text
    shared["is_alone"] = np.isin(codes, alone)
    # What counts for passages counts for texts.
    shared["passage"][np.searchsorted(codes, passages)] = in_passage
    shared["count"], shared["rate"] = _of_ranks(sizes, _right(codes))
    yield pack(ENTRIES, shared, (codes >> _HALF).astype(np.int64) % parts)


def choose_by_samples(batches: Batches, config: Config, parts: int) -> Batches:
    """Yield the pairs that share enough samples to be compared: `PAIRS` and `CROWD_PAIRS`.

    All pairs of a left document are here. Where that is the first of very many they are not held at once: all `SIZES`
    come before them.
    """
    sizes = np.empty(0, _SIZE)
    for batch in batches:
        rows = unpack(iter([batch]))
        sizes = np.concatenate([sizes, of_kind(rows, SIZES, _SIZE)])
        sizes = sizes[np.argsort(sizes["rank"], kind="stable")]
        shared = of_kind(rows, ENTRIES, _SHARED)
        codes = shared["code"]
        count, rate = _of_ranks(sizes, (codes >> _HALF).astype(np.int64))
        rates = rate, shared["rate"]
        counts = count, shared["count"].astype(np.int64)
        chosen = enough_of_text(shared["text"].astype(np.int64), counts, rates, config)
        some = np.flatnonzero(shared["passage"])
        in_passage = shared["passage"][some].astype(np.int64)
        chosen[some] |= enough_of_passage(in_passage, (rates[0][some], rates[1][some]), config)
        is_alone = shared["is_alone"] > 0
        yield from _packed_pairs(Shared(codes[chosen & is_alone], codes[chosen & ~is_alone], 0), parts)


def _sizes(rows: dict[tuple[int, int], list[bytes]]) -> NDArray[Any]:
    sizes = of_kind(rows, SIZES, _SIZE)
    return sizes[np.argsort(sizes["rank"])]


def _of_ranks(sizes: NDArray[Any], ranks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the size and the rate of the sample of each document."""
    found = sizes[np.searchsorted(sizes["rank"], ranks)]
    count = found["count"].astype(np.int64)
    return count, rates_of(found["top"], count)


def _counted(codes: NDArray[np.uint64], known: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the different pairs that are not known, ascending, and how often each is there."""
    codes = np.sort(codes)
    first = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]])[: len(codes)])
    counts = np.diff(np.append(first, len(codes)))
    fresh = ~np.isin(codes[first], known)
    return codes[first][fresh], counts[fresh]


def _pairs(rows: dict[tuple[int, int], list[bytes]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the related pairs and those that were judged, each ascending."""
    related, judged = (of_kind(rows, kind, PAIR) for kind in (RELATED, JUDGED))
    return related[_ascending(related)], judged[_ascending(judged)]


def _ascending(pairs: NDArray[Any]) -> NDArray[np.int64]:
    return np.argsort(pairs["left"].astype(np.uint64) << _HALF | pairs["right"])


def _known(pairs: NDArray[Any]) -> tuple[verify.Pairs, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Return pairs as `matching` takes them, and their times."""
    left, right, shared, left_size, right_size = (pairs[name].astype(np.int64) for name in _SCORES)
    none, relation = np.zeros(len(pairs), np.int64), np.ascontiguousarray(pairs["relation"])
    known = verify.Pairs(left, right, shared, left_size, right_size, none, none > 0, relation)
    return known, (pairs["left_in_time"] > 0, pairs["right_in_time"] > 0)


def ask(batches: Batches, tiles: int) -> Batches:
    """Yield the pairs of parts of pages that would make these composite and were not tried, as `new_pairs` does."""
    rows = unpack(batches)
    related, judged = _pairs(rows)
    codes = asked(*_known(related), _known(judged)[0]).astype(np.uint64)
    yield from _sent(np.setdiff1d(codes, of_kind(rows, KNOWN, np.uint64)), 0, 1, tiles)


def label(batches: Batches) -> Batches:
    """Yield the related pairs with the relation that they have beside all others: `RELATED`."""
    related, judged = _pairs(unpack(batches))
    pairs, times = _known(related)
    linked = (pairs.relation == verify.DUPLICATE) | (pairs.relation == verify.EXCERPT)
    labelled = related.copy()
    labelled["relation"][(related["is_version"] > 0) & linked] = verify.VERSION
    labelled["relation"][in_roundups(pairs, times, _known(judged)[0])] = verify.ROUNDUP
    yield _packed_related(labelled)


def unpack_pairs(batches: Batches) -> Batches:
    """Yield related pairs as rows: `PAIR_ROWS`."""
    for batch in batches:
        pairs, _ = records(batch.column("data"), PAIR)
        columns = {name: pa.array(pairs[name].astype(np.int64)) for name in _SCORES}
        columns["relation"] = pa.array(pairs["relation"].astype(np.int32))
        yield pa.record_batch(list(columns.values()), list(columns))


def pack_pairs(batches: Batches) -> Batches:
    """Yield rows of related pairs packed: `RELATED`."""
    for batch in batches:
        pairs = np.zeros(batch.num_rows, PAIR)
        for name in batch.schema.names:
            pairs[name] = numbers(batch, name)
        yield pack(RELATED, pairs, np.zeros(len(pairs), np.int64))


def _clustered(
    pairs: NDArray[Any], config: Config
) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64], NDArray[np.float64]]:
    """Return who has a link, the ends of links as places in that, the canonical of each such document, and jaccard."""
    left, right, shared, left_size, right_size = (pairs[name].astype(np.int64) for name in _SCORES)
    is_link = pairs["relation"] < len(LINKS)
    jaccard = (shared / (left_size + right_size - shared))[is_link]
    ranks, places = np.unique(np.concatenate([left[is_link], right[is_link]]), return_inverse=True)
    ends = places[: len(jaccard)], places[len(jaccard) :]
    return ranks, ends, cluster(len(ranks), *ends, jaccard, config.linkage), jaccard


def cluster_links(batches: Batches, config: Config) -> Batches:
    """Yield who is not canonical, and by which pair: `MEMBERS`.

    Args:
        batches: Packed `RELATED`.
        config: The settings.
    """
    pairs = of_kind(unpack(batches), RELATED, PAIR)
    pairs = pairs[pairs["relation"] < len(LINKS)]
    if not len(pairs):
        return
    ranks, (one, other), canonical, jaccard = _clustered(pairs, config)
    shared, left_size, right_size = (pairs[name].astype(np.int64) for name in _SCORES[2:])
    members = np.flatnonzero(canonical != np.arange(len(ranks)))
    # A member may come before its canonical: it is linked to an earlier one as well.
    codes = one << 32 | other
    order = np.argsort(codes)
    wanted = np.minimum(canonical[members], members) << 32 | np.maximum(canonical[members], members)
    place = np.minimum(np.searchsorted(codes, wanted, sorter=order), len(codes) - 1)
    pair = order[place]
    linked = codes[pair] == wanted
    is_right = other[pair] == members
    sizes = np.where(is_right, right_size[pair], left_size[pair]), np.where(is_right, left_size[pair], right_size[pair])
    columns = {
        "rank": pa.array(ranks[members]),
        "canonical": pa.array(ranks[canonical[members]]),
        "relation": pa.array(pairs["relation"][pair].astype(np.int32), mask=~linked),
        "jaccard": pa.array(jaccard[pair], mask=~linked),
        "containment": pa.array(shared[pair] / sizes[0], mask=~linked),
        "containment_canonical": pa.array(shared[pair] / sizes[1], mask=~linked),
    }
    yield pa.record_batch(list(columns.values()), list(columns))
