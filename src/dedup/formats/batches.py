"""Reads articles as Arrow batches, some at a time, for runs that are larger than memory."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dedup.errors import DedupError, InputError
from dedup.formats.columns import column_of, strings
from dedup.formats.read import (
    Skipped,
    article_of,
    batch_rows,
    check_columns,
    file_rows,
    files_of,
    find_suffix,
    id_of,
    reader_of,
    reading,
    rows_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa

    from dedup.formats.read import Row
    from dedup.model import Article

#: The fields of an article, the columns of every batch; other columns come behind them.
FIELDS = ("id", "text", "source", "published", "title", "url", "parent")

#: The types of texts in Arrow.
_TEXTS = ("string", "large_string", "string_view")
_SURROGATE = re.compile("[\ud800-\udfff]")

#: Rows that are in memory at once, and those of files that have no columns.
_ROWS, _RECORDS = 4096, 1024

#: Bytes of a column of a Parquet file that are read at a time.
_BUFFER = 1 << 18


@dataclass(slots=True)
class _Reader:
    """Turns rows into batches; knows what the rows before have shown.

    Args:
        skip: Takes the rows that are no articles; None stops at the first.
        rows: How many rows there have been.
        named: Whether rows have ids; None before the first.
    """

    skip: Callable[[Skipped], None] | None
    rows: int = 0
    named: bool | None = None

    def records(self, rows: Iterator[Row]) -> Iterator[pa.RecordBatch]:
        while some := list(islice(rows, _RECORDS)):
            yield self.batch(some)

    def table(self, where: str, names: list[str], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        check_columns(where, names, ("text",))
        kept = [name for name in names if not name.startswith("__index_level_")]
        start = 0
        for batch in batches:
            for part in (batch.slice(at, _ROWS) for at in range(0, batch.num_rows, _ROWS)):
                yield self._plain(kept, part) or self.batch(list(batch_rows(where, kept, part, start)))
                start += part.num_rows

    def batch(self, rows: list[Row]) -> pa.RecordBatch:
        """Return the batch of some rows, each looked at by itself."""
        # A row that cannot be read does not tell whether rows have ids.
        named = [id_of(record) is not None for _, record in rows if not isinstance(record, InputError)]
        if self.named is None and named:
            self.named = any(named)
        articles: list[Article] = []
        for number, (place, record) in enumerate(rows, self.rows):
            try:
                if not self.named and id_of(record) is not None:
                    raise InputError("id is given, and no row before has one.")
                articles.append(article_of(record, None if self.named else str(number)))
            except (DedupError, RecursionError, ValueError) as error:
                bad = Skipped(*place, str(error))
                if self.skip is None:
                    kind = type(error) if isinstance(error, InputError) else InputError
                    raise kind(str(bad)) from error
                self.skip(bad)
        self.rows += len(rows)
        return batch_of(articles)

    def _plain(self, kept: list[str], batch: pa.RecordBatch) -> pa.RecordBatch | None:
        """Return a batch whose columns are what they have to be, without a look at each row; None for another."""
        import pyarrow as pa  # noqa: PLC0415 - loads on first use
        import pyarrow.compute as pc  # noqa: PLC0415 - as above

        columns: dict[str, pa.Array] = {}
        for name in dict.fromkeys((*FIELDS, *kept)):
            column = batch.column(name) if name in kept else pa.nulls(batch.num_rows, pa.large_string())
            try:
                column.validate(full=True)
            except pa.ArrowInvalid:
                return None
            is_text = str(column.type) in _TEXTS
            if name not in FIELDS:
                if pa.types.is_dictionary(column.type) or pa.types.is_run_end_encoded(column.type):
                    return None
                # Texts are of one type, whoever wrote them; `column_of` has the other for JSON.
                columns[name] = column.cast(pa.string()) if is_text else column
            elif column.null_count == len(column):
                columns[name] = pa.nulls(len(column), pa.large_string())
            elif is_text or (name == "id" and pa.types.is_integer(column.type)):
                columns[name] = column.cast(pa.large_string())
            else:
                return None
        ids = columns["id"]
        named = ids.null_count < len(ids)
        if self.named not in (None, named) or columns["text"].null_count or (named and ids.null_count):
            return None
        if named and pc.any(pc.equal(ids, "")).as_py():
            return None
        if not named:
            columns["id"] = strings(map(str, range(self.rows, self.rows + batch.num_rows)))
        self.named = named
        self.rows += batch.num_rows
        return pa.RecordBatch.from_pydict(columns)


def batches(source: object, skip: Callable[[Skipped], None] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the articles of a source of `read` as Arrow batches of at most 4,096 rows, in order.

    The columns are FIELDS, large_string, then every other field as it came. What is an article, and what a row without
    an id is, is as in `read`; but ids are unique only as far as the source has them so, and a source whose first rows
    have no ids must have none at all, because it is read once. A lone surrogate becomes a question mark in a text, an
    escape elsewhere: Arrow holds UTF-8 alone.

    Args:
        source: See `read`.
        skip: Takes the rows that are no articles; None stops at the first.

    Raises:
        InputError: The source cannot be read, or a row is no article.
        InvalidArgumentError: `source` is of another kind.
    """
    reader = _Reader(skip)
    if isinstance(source, str | os.PathLike):
        for is_table, files in groupby(files_of(Path(os.fsdecode(source))), lambda file: _is_parquet(file[0])):
            if is_table:
                for found, _ in files:
                    yield from _parquet(cast("Path", found), reader)
            else:
                yield from reader.records(_rows(files))
    elif hasattr(source, "__arrow_c_stream__"):
        with reading("table"):
            table = reader_of(source)
            yield from reader.table("table", table.schema.names, table)
    else:
        yield from reader.records(rows_of(source))


def _is_parquet(found: Path | Row) -> bool:
    return isinstance(found, Path) and find_suffix(found, (".parquet",)) is not None


def _rows(files: Iterable[tuple[Path | Row, Path]]) -> Iterator[Row]:
    for found, root in files:
        if isinstance(found, Path):
            yield from file_rows(found, root)
        else:
            yield found


def _parquet(path: Path, reader: _Reader) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq  # noqa: PLC0415 - loads on first use

    # Otherwise all of the file stands in memory until its last row is read.
    with reading(path), pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) as file:
        yield from reader.table(str(path), file.schema_arrow.names, file.iter_batches(batch_size=_ROWS))


def batch_of(articles: list[Article]) -> pa.RecordBatch:
    """Return articles as one batch."""
    import pyarrow as pa  # noqa: PLC0415 - loads on first use

    columns: dict[str, Any] = {name: strings(getattr(article, name) for article in articles) for name in FIELDS}
    # Arrow takes no lone surrogate; in a text it is none of a word, as this character is.
    texts = (article.text for article in articles)
    columns["text"] = strings(text if text.isascii() else _SURROGATE.sub("?", text) for text in texts)
    for name in dict.fromkeys(name for article in articles for name in article.extra):
        if name not in columns:
            columns[name] = column_of([article.extra.get(name) for article in articles])
    return pa.RecordBatch.from_pydict(columns)


def count_rows(path: str | os.PathLike[str]) -> int | None:
    """Return how many rows the Parquet files of a path have; None where not all of its files are Parquet."""
    import pyarrow as pa  # noqa: PLC0415 - loads on first use
    import pyarrow.parquet as pq  # noqa: PLC0415 - loads on first use

    rows = 0
    for found, _ in files_of(Path(os.fsdecode(path))):
        if not _is_parquet(found):
            return None
        try:
            rows += pq.read_metadata(found).num_rows
        except (OSError, pa.ArrowException):
            return None
    return rows
