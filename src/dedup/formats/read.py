"""Reads articles: every source becomes rows of (place, record), and one function turns those into articles."""

from __future__ import annotations

import csv
import io
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from dedup import _validate
from dedup.errors import DedupError, DuplicateIdError, InputError, InvalidArgumentError, InvalidUtf8Error
from dedup.model import Article

if TYPE_CHECKING:
    import pyarrow as pa

#: Codecs of Arrow by the suffix that asks for them.
CODECS = {".gz": "gzip", ".zst": "zstd"}

_LINES = tuple(kind + packed for kind in (".jsonl", ".ndjson", ".json", ".csv") for packed in ("", *CODECS))
#: The endings of files of records.
TABLES = (*_LINES, ".parquet")
_SUFFIXES = (*TABLES, ".txt")

#: What may be absent beside `text`.
_OPTIONAL = ("id", "source", "published", "title", "url", "parent")
_FIELDS = frozenset((*_OPTIONAL, "text"))
#: The columns that a table of articles must have.
_NEEDED = ("text",)
#: Any mapping; dict stands first because an abstract class is slow to ask.
_RECORD = (dict, Mapping)

#: Where a row stands: the file (or "input", or "table") and the number of the row in it.
Place = tuple[str, int]
#: A row on its way to be an article; an `InputError` in place of the record says why it cannot be one.
Row = tuple[Place, object]

_OUTSIDE = "a link that leads outside the folder."

#: The field limit of the csv module is one for the process, so one reader at a time may change it.
_CSV_LOCK = threading.Lock()
#: The largest C long of every platform.
_CSV_FIELD_LIMIT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that is no article.

    Args:
        where: The file as it was named; "input" for Python objects, "table" for Arrow data.
        row: The row: counted from 0 in tables and Python objects, the line counted from 1 in JSONL and CSV (the
            first line of a CSV row that takes several), 0 in a text file.
        reason: What is wrong with it.
    """

    where: str
    row: int
    reason: str

    def __str__(self) -> str:
        return f"{show(self.where, self.row)}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was read.

    Args:
        articles: The articles, in the order of the source; their ids are unique.
        skipped: The rows that are no articles, in order; empty unless `on_error` is "skip".
        ids_made: Whether the ids were made from row numbers, because no row had one.
    """

    articles: list[Article]
    skipped: tuple[Skipped, ...] = ()
    ids_made: bool = False


def read(source: object, *, on_error: Literal["raise", "skip"] = "raise") -> Corpus:
    """Read articles from a path, from Arrow data or from Python objects.

    A record has `text` and optionally `id`, `source`, `published`, `title`, `url` and `parent`; every other field
    goes to `Article.extra`. An integer id becomes a str. When no record has an id, ids are the numbers of the records,
    counted from 0 over the whole source; a record without an id among records with one is a bad row.

    A folder is read recursively and in the order of its relative paths: its `.txt` files, or when it has none, its
    other readable files. It does not follow links to folders. The id of a text file is its path within the folder,
    without the suffix. In CSV everything is text, and an empty field is absent where a field is optional. An empty
    source gives an empty corpus.

    Args:
        source: A path (a `str` is always a path) to a `.jsonl`, `.ndjson`, `.json` (one object per line) or `.csv`
            file, plain or packed as `.gz` or `.zst`, to a `.parquet` or `.txt` file or to a folder; an object with
            `__arrow_c_stream__`; or an iterable of `str`, mappings and `Article`.
        on_error: "raise" stops at the first bad row; "skip" leaves bad rows out and lists them in `Corpus.skipped`.

    Raises:
        InputError: The source cannot be read at all, has no `text`, or has a bad row and `on_error` is "raise".
        InvalidUtf8Error: The same, where the bad row is Arrow text that is not UTF-8.
        DuplicateIdError: Two rows carry the same id, whatever `on_error` is.
        InvalidArgumentError: `source` or `on_error` is of another kind.
    """
    _validate.choice("on_error", on_error, ("raise", "skip"))
    # Plain texts cannot be bad rows and get ids that cannot collide.
    if isinstance(source, list | tuple) and set(map(type, source)) <= {str}:
        articles = [Article(str(number), text) for number, text in enumerate(source)]
        return Corpus(articles, ids_made=bool(articles))
    return _collect(list(rows_of(source)), skip=on_error == "skip")


def stream(source: object, skip: Callable[[Skipped], None] | None = None) -> Iterator[Article]:
    """Yield the articles of a source of `read` one by one; each must have an id, and may come again.

    Args:
        source: See `read`.
        skip: Takes the rows that are no articles; None stops at the first.

    Raises:
        InputError: The source cannot be read, or a row is no article or has no id.
        InvalidArgumentError: `source` is of another kind.
    """
    for place, record in rows_of(source):
        try:
            if isinstance(record, str) or (isinstance(record, _RECORD) and record.get("id") is None):
                raise InputError("id is missing, and an article of an index needs one.")
            article = article_of(record, None)
        except (DedupError, RecursionError, ValueError) as error:
            bad = Skipped(*place, str(error))
            if skip is None:
                kind = type(error) if isinstance(error, InputError) else InputError
                raise kind(str(bad)) from error
            skip(bad)
        else:
            yield article


def read_records(path: str | os.PathLike[str], needed: Sequence[str]) -> list[dict[str, Any]]:
    """Read the rows of one file as they are, for what is no article: every field as the file has it.

    In CSV everything is text, and an empty field is an empty text, or None where `Article` has it as optional. An empty
    file gives no rows.

    Args:
        path: A `.jsonl`, `.ndjson`, `.json` (one object per line) or `.csv` file, plain or packed as `.gz` or `.zst`,
            or a `.parquet` file.
        needed: The fields that every row must have.

    Raises:
        InputError: The file cannot be read, is of another kind, or lacks a field; or a row is bad.
    """
    path = Path(os.fsdecode(path))
    if find_suffix(path, TABLES) is None:
        raise InputError(f"A file of records must end with one of {', '.join(TABLES)}. Got {path.name}.")
    rows: Iterator[tuple[Place, Any]] = _path_rows(path, needed)
    records: list[dict[str, Any]] = []
    for place, record in rows:
        if isinstance(record, InputError):
            raise type(record)(f"{show(*place)}: {record}") from record
        for name in needed:
            if name not in record:
                raise InputError(f"{show(*place)}: {name} is missing. The fields are: {_listed(record)}.")
        records.append(record)
    return records


def find_suffix(path: str | Path, suffixes: Iterable[str]) -> str | None:
    """Return the one of `suffixes` that `path` ends with, in any case; None when there is none."""
    name = str(path).lower()
    return next((suffix for suffix in suffixes if name.endswith(suffix)), None)


def show(where: str, row: int) -> str:
    """Return a place as messages name it."""
    suffix = find_suffix(where, _SUFFIXES)
    if suffix == ".txt":
        return where
    return f"{where}, {'line' if suffix in _LINES else 'row'} {row}"


def _collect(rows: list[Row], *, skip: bool) -> Corpus:
    # Whether a row may lack an id depends on all the others, so the rows are all here.
    named = any(id_of(record) is not None for _, record in rows)
    articles: list[Article] = []
    skipped: list[Skipped] = []
    places: dict[str, Place] = {}
    for number, (place, record) in enumerate(rows):
        try:
            article = article_of(record, None if named else str(number))
        # To show a value of a bad row can fail too: it may be nested too deeply, or a number of too many digits.
        except (DedupError, RecursionError, ValueError) as error:
            bad = Skipped(*place, str(error))
            if not skip:
                kind = type(error) if isinstance(error, InputError) else InputError
                raise kind(str(bad)) from error
            skipped.append(bad)
            continue
        first = places.setdefault(article.id, place)
        if first is not place:
            second = show(*place)
            if first[0] == place[0]:
                second = second.removeprefix(f"{place[0]}, ")
            raise DuplicateIdError(f"id {article.id!r} stands twice: {show(*first)} and {second}.")
        articles.append(article)
    return Corpus(articles, tuple(skipped), ids_made=bool(articles) and not named)


def id_of(record: object) -> object:
    """Return the id that a record came with; None where it has none, or is no record."""
    if isinstance(record, Article):
        return record.id
    return record.get("id") if isinstance(record, _RECORD) else None


def article_of(record: object, made: str | None) -> Article:
    """Return the article of a record.

    Args:
        record: Of a `Row`.
        made: The id of a record that has none; None where each must have one.

    Raises:
        InputError: It is no article.
        InvalidArgumentError: The same, where a value is of another kind.
    """
    if isinstance(record, Article):
        return record
    if isinstance(record, InputError):
        raise record
    if isinstance(record, str):
        record = {"text": record}
    if not isinstance(record, _RECORD):
        raise InvalidArgumentError(f"a record must be a str, a mapping or an Article. Got {record!r:.80}.")
    if "text" not in record:
        raise InputError(f"text is missing. The fields are: {_listed(record)}.")
    get = record.get
    name: Any = get("id")
    if name is None:
        if made is None:
            raise InputError("id is missing, and other rows have one.")
        name = made
    elif not isinstance(name, str | bool) and isinstance(name, Integral):
        name = str(name)
    extra = {key: value for key, value in record.items() if key not in _FIELDS}
    for key in extra:
        _validate.text("a field name", key)
    known = (get("source"), get("published"), get("title"), get("url"), get("parent"))
    return Article(name, record["text"], *known, extra)


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(repr, names)) or "none"


def rows_of(source: object) -> Iterator[Row]:
    """Yield the rows of a source of `read`, in order."""
    if isinstance(source, str | os.PathLike):
        return _path_rows(Path(os.fsdecode(source)))
    if hasattr(source, "__arrow_c_stream__"):
        return stream_rows(source)
    if isinstance(source, Iterable) and not isinstance(source, bytes | bytearray | memoryview | Mapping):
        return ((("input", number), record) for number, record in enumerate(source))
    allowed = "a path, an iterable of str, mappings or Article, or have __arrow_c_stream__"
    raise InvalidArgumentError(f"source must be {allowed}. Got {source!r:.80}.")


@contextmanager
def reading(where: str | Path) -> Iterator[None]:
    """Turn what a reader raises into an error of ours."""
    try:
        yield
    except DedupError:
        raise
    # What hostile bytes make Arrow, its producers and the csv module raise is no closed list.
    except Exception as error:
        raise InputError(f"Cannot read {where}: {getattr(error, 'strerror', None) or error}.") from error


def _path_rows(path: Path, needed: Sequence[str] = _NEEDED) -> Iterator[Row]:
    for found, root in files_of(path):
        if isinstance(found, Path):
            yield from file_rows(found, root, needed)
        else:
            yield found


def files_of(path: Path) -> Iterator[tuple[Path | Row, Path]]:
    """Yield the files of a path, with the folder that their ids are relative to; a bad row for what cannot be read."""
    with reading(path):
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:
            raise InputError(f"No such file or folder: {path}") from error
        if path.is_dir():
            yield from ((found, path) for found in _folder_files(path))
        elif find_suffix(path, _SUFFIXES):
            yield path, path.parent
        else:
            raise InputError(f"A file to read must end with one of {', '.join(_SUFFIXES)}. Got {path.name}.")


def _folder_files(root: Path) -> Iterator[Path | Row]:
    inside = root.resolve()
    closed: list[OSError] = []
    found: list[Path] = []
    links: list[Path] = []
    for folder, folders, names in os.walk(root, onerror=closed.append):
        found += (Path(folder, name) for name in names)
        links += (path for name in folders if (path := Path(folder, name)).is_symlink())
    for error in closed:
        yield (str(error.filename), 0), InputError(f"{error.strerror}.")
    for path in sorted(links):
        if not path.resolve().is_relative_to(inside):
            yield (str(path), 0), InputError(_OUTSIDE)
    found.sort(key=lambda path: path.relative_to(root).as_posix())
    texts = [path for path in found if find_suffix(path, (".txt",))]
    wanted = texts or [path for path in found if find_suffix(path, TABLES)]
    if found and not wanted:
        raise InputError(f"No file of {root} ends with one of {', '.join(_SUFFIXES)}.")
    for path in wanted:
        if path.is_symlink() and not path.resolve().is_relative_to(inside):
            yield (str(path), 0), InputError(_OUTSIDE)
        elif path.is_file():
            yield path
        else:
            yield (str(path), 0), InputError("not a file.")


def file_rows(path: Path, root: Path, needed: Sequence[str] = _NEEDED) -> Iterator[Row]:
    """Yield the rows of one file.

    Args:
        path: The file.
        root: The folder that the ids of text files are relative to.
        needed: The columns that a table must have.

    Raises:
        InputError: It cannot be read, or lacks a column.
    """
    suffix = find_suffix(path, _SUFFIXES) or ""
    if suffix == ".txt":
        yield (str(path), 0), _text_record(path, root)
        return
    with reading(path):
        if suffix == ".parquet":
            yield from _parquet_rows(path, needed)
            return
        with _open(path) as file:
            if suffix.startswith(".csv"):
                yield from _csv_rows(str(path), file, needed)
            else:
                yield from _json_rows(str(path), file)


def _text_record(path: Path, root: Path) -> object:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        return InputError(f"{error.strerror}.")
    except UnicodeDecodeError as error:
        return InputError(f"not valid UTF-8 at byte {error.start}.")
    return {"id": path.relative_to(root).with_suffix("").as_posix(), "text": text}


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    codec = CODECS.get(path.suffix.lower())
    with path.open("rb") as file:
        if codec is None:
            yield file
        else:
            import pyarrow as pa  # noqa: PLC0415 - loaded on first use

            with pa.CompressedInputStream(file, codec) as unpacked:
                yield io.BufferedReader(unpacked)


def _json_rows(where: str, file: BinaryIO) -> Iterator[Row]:
    for number, line in enumerate(file, start=1):
        content = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip()
        if content:
            yield (where, number), _json_record(content)


def _json_record(line: bytes) -> object:
    try:
        record = json.loads(line.decode())
    except json.JSONDecodeError as error:
        return InputError(f"not valid JSON at column {error.colno}: {error.msg}.")
    except (ValueError, RecursionError) as error:
        return InputError(f"not readable as JSON: {error}.")
    if isinstance(record, dict):
        return record
    return InputError(f"a line must be a JSON object, each article on a line of its own. Got {line!r:.80}.")


def _csv_rows(where: str, file: BinaryIO, needed: Sequence[str]) -> Iterator[Row]:
    # A byte that is not UTF-8 becomes a lone surrogate, so that it spoils its own row only.
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    with lines, _long_fields():
        reader = csv.reader(lines, strict=True)
        names = next(filter(None, reader), [])
        check_columns(where, names, needed)
        while True:
            place = (where, reader.line_num + 1)
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield place, InputError(f"not valid CSV: {error}.")
                continue
            if values:
                yield place, _csv_record(names, values)


@contextmanager
def _long_fields() -> Iterator[None]:
    with _CSV_LOCK:
        before = csv.field_size_limit(_CSV_FIELD_LIMIT)
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _csv_record(names: list[str], values: list[str]) -> object:
    if len(values) != len(names):
        return InputError(f"a row must have {len(names)} fields. Got {len(values)}.")
    try:
        "".join(values).encode()
    except UnicodeEncodeError:
        return InputError("not valid UTF-8.")
    return {name: None if not value and name in _OPTIONAL else value for name, value in zip(names, values, strict=True)}


def check_columns(where: str, names: list[str], needed: Sequence[str]) -> None:
    """Check that a table has the columns that it needs, unless it has none at all, and no two of one name.

    Raises:
        InputError: It has not.
    """
    for name in needed if names else ():
        if name not in names:
            raise InputError(f"{where} has no column {name!r}. The columns are: {_listed(names)}.")
    if len(set(names)) < len(names):
        twice = [name for name, count in Counter(names).items() if count > 1]
        raise InputError(f"{where} has several columns of one name: {_listed(twice)}.")


def _parquet_rows(path: Path, needed: Sequence[str]) -> Iterator[Row]:
    import pyarrow.parquet as pq  # noqa: PLC0415 - loaded on first use

    with pq.ParquetFile(path) as file:
        yield from _table_rows(str(path), file.schema_arrow.names, file.iter_batches(), needed)


def stream_rows(source: Any) -> Iterator[Row]:  # noqa: ANN401 - whoever has the stream interface
    """Yield the rows of Arrow data."""
    with reading("table"):
        table = reader_of(source)
        yield from _table_rows("table", table.schema.names, table)


def reader_of(source: Any) -> pa.RecordBatchReader:  # noqa: ANN401 - whoever has the stream interface
    """Return the batches of a table, or of a column of texts as a table of its own."""
    import pyarrow as pa  # noqa: PLC0415 - loaded on first use

    # The stream interface hands over no sizes of buffers, so what pyarrow holds is checked as it is.
    if isinstance(source, pa.RecordBatch):
        source = pa.Table.from_batches([source])
    if isinstance(source, pa.Table):
        source = source.to_reader()
    if isinstance(source, pa.RecordBatchReader):
        return source
    try:
        return pa.RecordBatchReader.from_stream(source)
    except pa.ArrowInvalid as error:
        if "non-struct" not in str(error):
            raise
        return pa.table({"text": pa.chunked_array(source)}).to_reader()


def _table_rows(
    where: str, names: list[str], batches: Iterable[pa.RecordBatch], needed: Sequence[str] = _NEEDED
) -> Iterator[Row]:
    check_columns(where, names, needed)
    # pandas hands over its unnamed index as a column of such a name; it is no field.
    kept = [name for name in names if not name.startswith("__index_level_")]
    start = 0
    for batch in batches:
        yield from batch_rows(where, kept, batch, start)
        start += batch.num_rows


def batch_rows(where: str, kept: list[str], batch: pa.RecordBatch, start: int) -> Iterator[Row]:
    """Yield the rows of a batch of a table, of which row `start` is the first."""
    bad: dict[int, InputError] = {}
    columns = [_values(where, name, batch.column(name), bad) for name in kept]
    for index, values in enumerate(zip(*columns, strict=True)):
        yield (where, start + index), bad.get(index) or dict(zip(kept, values, strict=True))


def _values(where: str, name: str, column: pa.Array, bad: dict[int, InputError]) -> list[Any]:
    """Return the values of a column; the rows that have none for a reason go to `bad`.

    Raises:
        InputError: The column contradicts itself, such as by offsets outside its bytes.
    """
    import pyarrow as pa  # noqa: PLC0415 - loaded on first use

    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        _check_layout(where, name, column)
    if name == "published" and pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        # A datetime holds microseconds.
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    try:
        return list(column.to_pylist())
    except Exception:  # noqa: BLE001 - as in _reading; below, the values at fault are found
        return [_value(name, index, scalar, bad) for index, scalar in enumerate(column)]


def _value(name: str, index: int, scalar: pa.Scalar, bad: dict[int, InputError]) -> object:
    try:
        return scalar.as_py()
    except UnicodeDecodeError as error:
        bad[index] = InvalidUtf8Error(f"{name} is not valid UTF-8 at byte {error.start}.")
    except Exception as error:  # noqa: BLE001 - as in _reading
        bad[index] = InputError(f"{name} cannot be read: {error}.")
    return None


def _check_layout(where: str, name: str, column: pa.Array) -> None:
    """Raise `InputError` unless all that is wrong with a column is that its text is not UTF-8."""
    import pyarrow as pa  # noqa: PLC0415 - loaded on first use

    as_bytes = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}
    encoded = isinstance(column, pa.DictionaryArray)
    try:
        text = column.dictionary if encoded else column
        raw = text.view(as_bytes[text.type]) if text.type in as_bytes else text
        raw.validate(full=True)
        if encoded:
            pa.DictionaryArray.from_arrays(column.indices, raw).validate(full=True)
    except pa.ArrowException as error:
        raise InputError(f"Cannot read column {name!r} of {where}: {error}.") from error
