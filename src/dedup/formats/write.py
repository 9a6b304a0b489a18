"""Writes Arrow tables to files: a file is complete or not there."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dedup.errors import OutputError
from dedup.formats.read import CODECS, find_suffix

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    import pyarrow as pa

_SUFFIXES = (".parquet", *(kind + packed for kind in (".jsonl", ".csv") for packed in ("", *CODECS)))

#: Rows that are turned into text at once.
_BATCH = 1024


def write(table: pa.Table, path: str | os.PathLike[str]) -> None:
    """Write a table to a file, in the format that its suffix names.

    JSONL and CSV are UTF-8, with dates as ISO 8601 text. CSV loses the types: a null becomes an empty field, as an
    empty text does; lists and structs become JSON. No field is escaped for spreadsheets, which take "=1" for a formula.
    Where `path` is a link, the file that it leads to is replaced.

    Args:
        table: The rows, one record each.
        path: A `.parquet` file (zstd inside), or a `.jsonl` or `.csv` file, plain or packed as `.gz` or `.zst`.

    Raises:
        OutputError: It cannot be written; what stood at `path` before is untouched.
    """
    check_path(path)
    suffix = str(find_suffix(os.fspath(path), _SUFFIXES))
    replace_file(path, lambda temporary: _put(table, temporary, suffix))


def replace_file(path: str | os.PathLike[str], put: Callable[[Path], None]) -> None:
    """Make a file beside its place and move it there when it is complete.

    Args:
        path: Where the file is to stand; where that is a link, the file that it leads to is replaced.
        put: Makes the file, at a path that it is given.

    Raises:
        OutputError: It cannot be made; what stood at `path` before is untouched.
    """
    name = os.fspath(path)
    target = Path(os.path.realpath(name))
    try:
        # A folder, because a file of tempfile would keep its private mode.
        with tempfile.TemporaryDirectory(prefix=".dedup-", dir=target.parent) as folder:
            temporary = Path(folder, "complete")
            put(temporary)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, temporary)
            temporary.replace(target)
    # What Arrow, the disk and values without a JSON form raise is no closed list.
    except Exception as error:
        raise OutputError(f"Cannot write {name}: {getattr(error, 'strerror', None) or error}.") from error


def check_path(path: str | os.PathLike[str], suffixes: Collection[str] = _SUFFIXES) -> None:
    """Check, before there is anything to write, that a file can be put at `path`.

    Args:
        path: Where the file is to stand.
        suffixes: What it may end with; by default, what `write` knows.

    Raises:
        OutputError: The suffix is unknown, `path` is a folder, or its folder is missing or closed to writing.
    """
    name = os.fspath(path)
    if find_suffix(name, suffixes) is None:
        raise OutputError(f"A file to write must end with one of {', '.join(suffixes)}. Got {name}.")
    try:
        target = Path(os.path.realpath(name))
        taken, there = target.is_dir(), target.parent.is_dir()
    except (OSError, ValueError) as error:
        raise OutputError(f"Cannot write {name}: {getattr(error, 'strerror', None) or error}.") from error
    if taken:
        raise OutputError(f"Cannot write {name}: it is a folder.")
    if not there:
        raise OutputError(f"Cannot write {name}: no such folder: {target.parent}.")
    if not os.access(target.parent, os.W_OK):
        raise OutputError(f"Cannot write {name}: its folder is closed to writing.")


def _put(table: pa.Table, path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415 - loaded on first use

        pq.write_table(table, path, compression="zstd")
        return
    with _create(path, suffix) as file:
        if suffix.startswith(".csv"):
            file.write(_csv([table.column_names]))
        for batch in table.to_batches(max_chunksize=_BATCH):
            if suffix.startswith(".csv"):
                columns = [map(_cell, column.to_pylist()) for column in batch.columns]
                file.write(_csv(zip(*columns, strict=True)))
            else:
                file.write("".join(f"{_json(record)}\n" for record in batch.to_pylist()).encode())


@contextmanager
def _create(path: Path, suffix: str) -> Iterator[BinaryIO]:
    codec = next((codec for packed, codec in CODECS.items() if suffix.endswith(packed)), None)
    with path.open("xb") as file:
        if codec is None:
            yield file
        else:
            import pyarrow as pa  # noqa: PLC0415 - loaded on first use

            with pa.CompressedOutputStream(file, codec) as packed_file:
                yield packed_file


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        raise TypeError("bytes have no form as text")
    return str(value)


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if value is None or isinstance(value, str | int | float):
        return value
    return _json(value) if isinstance(value, list | dict) else _plain(value)
