"""Writes what a run out of core has decided, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from dedup.engines.records import read_records
from dedup.engines.work import lock, writing
from dedup.formats.batches import FIELDS
from dedup.formats.columns import json_of
from dedup.model import RELATIONS
from dedup.tables import pairs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from dedup.decide import Decision
    from dedup.model import Alarm
    from dedup.stages import Advance

#: The files of a run.
WRITES = (DOCUMENTS, PAIRS, SUMMARY) = ("documents.parquet", "pairs.parquet", "summary.json")

_OF_SOURCE = ("dropped", "documents")
_WRITTEN = 100_000  # rows that are written at a time


@dataclass(frozen=True, slots=True)
class Written:
    """What a run has written.

    Args:
        folder: Where it is: `documents.parquet` (the columns of `Result.to_arrow`), `pairs.parquet` (those of
            `Result.pairs`) and `summary.json`.
        summary: The numbers of the run, as `Result.summary` has them, and `work_bytes`, what the work folder took.
        alarms: The sources of which more is dropped than `KeepPolicy.alarm_share` allows.
        sources: Source -> how many of its documents are dropped, and of how many.
        skipped: Rows of the input that were no articles, the first LISTED of them.
    """

    folder: Path
    summary: dict[str, int | float]
    alarms: tuple[Alarm, ...]
    sources: dict[str, tuple[int, int]]
    skipped: tuple[str, ...]


def write(written: Written, work: Path, ids: pa.Array, decision: Decision, advance: Advance) -> None:
    """Write the folder of a run beside its place, then move it there.

    Args:
        written: What it is to say.
        work: The folder with the records of the documents.
        ids: large_string [n], the ids of the documents.
        decision: What was decided on them.
        advance: Told how many more rows are written.

    Raises:
        OutputError: It cannot be written; what stood there before still does.
    """
    target = written.folder
    beside, earlier = (target.with_name(f".{target.name}.{name}") for name in ("new", "earlier"))
    with writing(target):
        beside.mkdir(exist_ok=True)
        locked = lock(beside)
        # A run that was killed between the two renames below has left the answer of the one before it aside.
        if earlier.exists() and not target.exists():
            earlier.replace(target)
        shutil.rmtree(earlier, ignore_errors=True)
        try:
            for path in beside.iterdir():
                path.unlink()
            _write_documents(beside / DOCUMENTS, work, ids, decision, advance)
            _write_pairs(beside / PAIRS, ids, decision, advance)
            told = {
                "summary": written.summary,
                "alarms": [asdict(alarm) for alarm in written.alarms],
                "sources": {
                    name: dict(zip(_OF_SOURCE, counts, strict=True)) for name, counts in written.sources.items()
                },
                "skipped": written.skipped,
            }
            (beside / SUMMARY).write_text(json.dumps(told, indent=1), "utf-8")
            for path in beside.iterdir():
                with path.open("rb+") as file:
                    os.fsync(file.fileno())
            if target.exists():
                target.replace(earlier)
            beside.replace(target)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            if earlier.exists():
                earlier.replace(target)
            raise
        finally:
            os.close(locked)
        shutil.rmtree(earlier, ignore_errors=True)


def _write_documents(path: Path, folder: Path, ids: pa.Array, decision: Decision, advance: Advance) -> None:
    import pyarrow as pa  # noqa: PLC0415 - loads on first use
    import pyarrow.parquet as pq  # noqa: PLC0415 - loads on first use

    extra = _other_fields(folder)
    relations = pa.array(RELATIONS)
    names = ("jaccard", "containment", "containment_canonical")
    fixed = [("id", pa.large_string()), ("cluster", pa.large_string()), ("kept", pa.bool_()), ("relation", pa.string())]
    fixed += [(name, pa.float64()) for name in names] + [(name, pa.large_string()) for name in FIELDS[2:]]
    taken = {name for name, _ in fixed} | {"text"}
    shown = {}
    for name in extra:
        column = name
        while column in taken:
            column = f"input.{column}"
        taken.add(column)
        shown[name] = column
    schema = pa.schema([*fixed, *((shown[name], kind) for name, kind in extra.items())])
    start = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for batch in _joined(read_records(folder, "record")):
            rows = slice(start, start + batch.num_rows)
            start += batch.num_rows
            relation = decision.relation[rows]
            columns = [
                batch.column("id"),
                ids.take(decision.canonical[rows]),
                pa.array(decision.is_kept[rows]),
                relations.take(pa.array(relation, mask=relation < 0)),
                *(pa.array(scores[rows], from_pandas=True) for scores in decision.scores),
                *(batch.column(name) for name in FIELDS[2:]),
                *(_as(batch, name, kind) for name, kind in extra.items()),
            ]
            file.write_table(pa.Table.from_arrays(columns, schema=schema))
            advance(batch.num_rows)


def _joined(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield tables of about `_WRITTEN` rows, each of batches with the same columns."""
    import pyarrow as pa  # noqa: PLC0415 - loads on first use

    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        if waiting and (rows >= _WRITTEN or batch.schema != waiting[0].schema):
            yield pa.Table.from_batches(waiting)
            waiting, rows = [], 0
        waiting.append(batch)
        rows += batch.num_rows
    if waiting:
        yield pa.Table.from_batches(waiting)


def _other_fields(folder: Path) -> dict[str, pa.DataType]:
    """Return the fields beside those of an article, and the type that takes the values of all files."""
    found: dict[str, pa.DataType] = {}
    for schema in dict.fromkeys(batch.schema for batch in read_records(folder, "record")):
        for field in schema:
            if field.name not in FIELDS:
                found[field.name] = _common(found.get(field.name, field.type), field.type)
    return found


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """Return the type of two columns together; that of JSON where their values are of different types in Python."""
    import pyarrow as pa  # noqa: PLC0415 - loads on first use

    integers = all(map(pa.types.is_integer, (one, other))) and pa.uint64() not in (one, other)
    floats = all(map(pa.types.is_floating, (one, other)))
    if integers or floats or one.id == other.id or pa.null() in (one, other):
        with suppress(pa.ArrowException):
            schemas = [pa.schema({"": kind}) for kind in (one, other)]
            return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    return pa.large_string()


def _as(batch: pa.Table, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    """Return a column in a type of `_common`; nulls where there is no such column."""
    import pyarrow as pa  # noqa: PLC0415 - loads on first use

    if name not in batch.column_names:
        return pa.nulls(batch.num_rows, kind)
    column = batch.column(name)
    return (
        json_of(column.to_pylist())
        if pa.types.is_large_string(kind) != pa.types.is_large_string(column.type)
        else column.cast(kind)
    )


def _write_pairs(path: Path, ids: pa.Array, decision: Decision, advance: Advance) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415 - loads on first use

    tables = pairs_of(ids, decision, _WRITTEN)
    first = next(tables)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as file:
        for table in (first, *tables):
            file.write_table(table)
            advance(table.num_rows)
