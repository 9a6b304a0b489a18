"""An index in one SQLite file, by the format that docs/index-format.md describes."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import tempfile
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dedup.errors import IndexBusyError, IndexFileError, OutputError
from dedup.kernels.sketches import SAMPLE_CUT
from dedup.model import Event
from dedup.protocols import Counts, Document, Neighbour, Pair, Text
from dedup.stores.postings import SCHEMA as POSTINGS_SCHEMA
from dedup.stores.postings import Postings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from dedup.model import EventKind
    from dedup.protocols import Clock

#: What marks a file as an index: "ddup".
APPLICATION = 0x64647570
#: The version of the format that is written; UPGRADES brings older files to it.
FORMAT = 1
#: What turns a file of version i + 1 into one of version i + 2.
UPGRADES: tuple[str, ...] = ()

SCHEMA = (
    """
CREATE TABLE settings (value TEXT NOT NULL);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, text INTEGER NOT NULL, parent TEXT,
    rank BLOB NOT NULL, first REAL NOT NULL, last REAL NOT NULL, arrived REAL NOT NULL,
    source TEXT, published TEXT, title TEXT, url TEXT, extra TEXT NOT NULL, fingerprint BLOB NOT NULL
);
CREATE INDEX documents_by_text ON documents (text);
CREATE INDEX documents_by_parent ON documents (parent) WHERE parent IS NOT NULL;
CREATE INDEX documents_by_last ON documents (last);
CREATE TABLE texts (
    number INTEGER PRIMARY KEY AUTOINCREMENT, digest INTEGER NOT NULL, tokens INTEGER NOT NULL,
    shingles INTEGER NOT NULL, size INTEGER NOT NULL, samples INTEGER NOT NULL, rate REAL,
    marks INTEGER NOT NULL, cluster INTEGER NOT NULL, best INTEGER NOT NULL
);
CREATE INDEX texts_by_digest ON texts (digest) WHERE tokens > 0;
CREATE INDEX texts_by_cluster ON texts (cluster);
CREATE TABLE words (number INTEGER PRIMARY KEY, size INTEGER NOT NULL, packed BLOB NOT NULL);
CREATE TABLE clusters (number INTEGER PRIMARY KEY AUTOINCREMENT, canonical INTEGER NOT NULL);
CREATE TABLE pairs (
    text INTEGER NOT NULL, other INTEGER NOT NULL, relation INTEGER NOT NULL, shared INTEGER NOT NULL,
    size INTEGER NOT NULL, other_size INTEGER NOT NULL, PRIMARY KEY (text, other)
) WITHOUT ROWID;
CREATE INDEX pairs_by_size ON pairs (text, relation, other_size, other);
CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, cluster INTEGER NOT NULL, canonical TEXT,
    documents TEXT, other INTEGER
);
"""
    + POSTINGS_SCHEMA
    + f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT};"
)

#: Bytes of a page: clean texts of news fill one of this size far better than a smaller one.
_PAGE_SIZE = 8192
#: Pages of the log that are written before they go to the file proper: at 1,000 a single addition in a hundred waits.
_CHECKPOINT = 4000
#: Kibibytes of pages that are kept in memory.
_CACHE = 32_000

#: Values that one statement takes.
_BOUND = 500

#: Errors of SQLite that are no fault of what the file holds.
_UNWRITABLE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_TOOBIG,
    }
)
#: The rate of most samples, which takes no room.
_USUAL_RATE = SAMPLE_CUT / 2**64

_CROWDED, _COMPOSITE, _ROUNDUP = 1, 2, 4
_DOCUMENT = ", ".join(f"documents.{name}" for name in Document._fields)
_NEIGHBOUR = ", ".join(f"pairs.{name}" for name in Neighbour._fields)
_AMONG = "IN (SELECT value FROM json_each(?))"


_Row = TypeVar("_Row", bound=tuple[Any, ...])


class SqliteStore:
    """A store in one file, and the log of SQLite beside it while it is open: see `Store`.

    Args:
        path: The file; it is made when it is not there, unless it is only read.
        read_only: Whether it is only read.
        full: Whether each transaction waits until it is on the disk.
        timeout: Seconds to wait for another writer.
        settings: The settings of a new index; None when the file must be there.

    Raises:
        IndexFileError: The file is no index, is damaged or of a newer version, or must be there and is not.
        IndexBusyError: Another process is making it over to a newer version.
        OutputError: It cannot be made.
    """

    def __init__(self, path: str, *, read_only: bool, full: bool, timeout: float, settings: str | None = None) -> None:
        self._path = path
        self._read_only = read_only
        self._full = full
        self._timeout = timeout
        if not Path(path).exists():
            if read_only or settings is None:
                raise IndexFileError(f"{path} must be an index. Got no file of that name.")
            with _errors(path, timeout):
                _create(path, settings)
        self._connect()

    def _connect(self) -> None:
        _check_file(self._path)
        with _errors(self._path, self._timeout):
            self._connection, self._frozen = _connect(self._path, read_only=self._read_only, timeout=self._timeout)
            try:
                self._prepare(read_only=self._read_only, full=self._full)
            except BaseException:
                self._connection.close()
                raise
        self._postings = Postings(self._connection)
        self._execute = self._connection.execute

    def _prepare(self, *, read_only: bool, full: bool) -> None:
        execute = self._connection.execute
        if _value(execute("PRAGMA application_id")) != APPLICATION:
            raise IndexFileError(f"{self._path} must be an index. Got an SQLite file of another kind.")
        version = _value(execute("PRAGMA user_version"))
        if not 1 <= version <= FORMAT:
            allowed = f"of format version 1 to {FORMAT}, which this release of dedup reads"
            raise IndexFileError(f"{self._path} must be {allowed}. Got version {version}.")
        # SQLite fills up a page that was cut with zeros.
        size = _value(execute("PRAGMA page_count")) * _value(execute("PRAGMA page_size"))
        if (there := Path(self._path).stat().st_size) < size and not _has_log(self._path):
            raise IndexFileError(f"{self._path} must be whole: {size} bytes. Got {there}, it was cut short.")
        # What stands in the file of somebody else must not run here.
        execute("PRAGMA trusted_schema = OFF")
        for kind, name in execute("SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'view')"):
            raise IndexFileError(f"{self._path} must have no triggers and no views. Got the {kind} {name!r:.80}.")
        execute(f"PRAGMA cache_size = -{_CACHE}")
        execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
        # To overwrite what is deleted costs more than to write it; runs of keys come and go all the time.
        execute("PRAGMA secure_delete = OFF")
        execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
        if version < FORMAT and read_only:
            raise IndexFileError(f"{self._path} must be of format version {FORMAT} to be only read. Got {version}.")
        if version < FORMAT:
            self._upgrade()

    def _upgrade(self) -> None:
        """Bring a file to the present format, in one transaction."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            for step in UPGRADES[_value(execute("PRAGMA user_version")) - 1 :]:
                for statement in step.split(";"):
                    execute(statement)
            execute(f"PRAGMA user_version = {FORMAT}")
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT")

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[None]:
        if self._frozen is not None and self._frozen != _state(self._path):
            self._connection.close()
            self._connect()
        with _errors(self._path, self._timeout):
            if self._connection.in_transaction:
                # The one before was interrupted on its way out.
                self._execute("ROLLBACK")
            try:
                self._execute("BEGIN IMMEDIATE" if write else "BEGIN")
                self._postings.refresh()
                yield
                self._execute("COMMIT")
            except BaseException:
                # A full disk ends the transaction by itself.
                if self._connection.in_transaction:
                    self._execute("ROLLBACK")
                self._postings.refresh()
                raise
            if self._frozen is not None and self._frozen != _state(self._path):
                raise IndexBusyError(f"{self._path} must not change while it is read without a log. Got a change.")

    def close(self) -> None:
        with _errors(self._path, self._timeout):
            self._connection.close()

    def settings(self) -> str:
        return str(_value(self._execute("SELECT value FROM settings")))

    def next_numbers(self) -> tuple[int, int, int]:
        last = dict(self._execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        document, text, cluster = (last.get(table, 0) + 1 for table in ("documents", "texts", "clusters"))
        return document, text, cluster

    def _among(self, query: str, numbers: Iterable[int]) -> Iterable[tuple[Any, ...]]:
        """Return the rows of a query that takes a list of numbers; of none, none."""
        values = ",".join(map(str, numbers))
        return self._execute(query, (f"[{values}]",)) if values else ()

    def texts(self, numbers: Iterable[int]) -> dict[int, Text]:
        rows = self._among(
            "SELECT texts.number, digest, tokens, shingles, size, samples, rate, marks, cluster, best,"
            " rank, first, last, source FROM json_each(?)"
            " JOIN texts ON texts.number = value JOIN documents ON documents.number = best",
            numbers,
        )
        return {row[0]: _text(row) for row in rows}

    def with_digest(self, digests: Sequence[int]) -> list[tuple[int, int]]:
        query = "SELECT digest, number FROM json_each(?) JOIN texts ON digest = value AND tokens > 0"
        rows = self._among(query, map(_signed, digests))
        return [(_unsigned(digest), number) for digest, number in rows]

    def save_texts(self, texts: Sequence[Text]) -> None:
        self._connection.executemany("REPLACE INTO texts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row, texts))

    def delete_texts(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            others = self._execute("SELECT other FROM pairs WHERE text = ?", (number,)).fetchall()
            self._connection.executemany(
                "DELETE FROM pairs WHERE text = ? AND other = ?", [(other, number) for (other,) in others]
            )
            for table, column in (("pairs", "text"), ("texts", "number"), ("words", "number")):
                self._execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))
        self._postings.remove(numbers)

    def words(self, numbers: Sequence[int]) -> dict[int, str]:
        rows = self._among(f"SELECT number, size, packed FROM words WHERE number {_AMONG}", numbers)
        return {number: self._unpack(size, packed) for number, size, packed in rows}

    @cached_property
    def _codec(self) -> pa.Codec:
        import pyarrow as pa  # noqa: PLC0415 - loads on first use

        return pa.Codec("zstd", 1)

    def _unpack(self, size: int, packed: bytes) -> str:
        try:
            raw = packed if len(packed) == size else self._codec.decompress(packed, max(size, 0), asbytes=True)
            return str(raw, "utf-8", "surrogatepass")
        except (MemoryError, OSError, OverflowError, TypeError, ValueError) as error:
            raise IndexFileError(f"{self._path} must be an index that is not damaged. Got: {error}.") from error

    def save_words(self, words: Sequence[tuple[int, str]]) -> None:
        rows = []
        for number, text in words:
            raw = text.encode("utf-8", "surrogatepass")
            packed = self._codec.compress(raw, asbytes=True)
            rows.append((number, len(raw), packed if len(packed) < len(raw) else raw))
        self._connection.executemany("INSERT INTO words VALUES (?, ?, ?)", rows)

    def canonicals(self, clusters: Iterable[int]) -> dict[int, int]:
        rows = self._among(f"SELECT number, canonical FROM clusters WHERE number {_AMONG}", clusters)
        return {number: canonical for number, canonical in rows}  # noqa: C416 - what a row holds

    def save_clusters(self, canonicals: dict[int, int]) -> None:
        self._connection.executemany("REPLACE INTO clusters VALUES (?, ?)", canonicals.items())

    def delete_clusters(self, clusters: Sequence[int]) -> None:
        self._connection.executemany("DELETE FROM clusters WHERE number = ?", ((cluster,) for cluster in clusters))

    def texts_in(self, cluster: int) -> list[int]:
        rows = self._execute("SELECT number FROM texts WHERE cluster = ? ORDER BY number", (cluster,))
        return [number for (number,) in rows]

    def clusters_after(self, cluster: int, most: int) -> list[tuple[int, int]]:
        query = "SELECT number, canonical FROM clusters WHERE number > ? ORDER BY number LIMIT ?"
        return self._behind(cluster, self._execute(query, (cluster, most)).fetchall())

    def find(
        self, keys: NDArray[np.uint64], most: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        return self._postings.find(keys, most)

    def add_keys(self, numbers: Sequence[int], keys: Sequence[NDArray[np.uint64]]) -> None:
        self._postings.add(numbers, keys)

    def neighbours(self, text: int, most: int | None = None) -> list[Neighbour]:
        query = f"SELECT {_NEIGHBOUR} FROM pairs WHERE text = ? LIMIT ?"
        return [Neighbour(*row) for row in self._execute(query, (text, -1 if most is None else most))]

    def parts(self, text: int, relation: int, most: int, below: int | None = None) -> list[Neighbour]:
        query = (
            f"SELECT {_NEIGHBOUR} FROM pairs WHERE text = ? AND relation = ? AND other_size < ?"
            " ORDER BY other_size DESC, other DESC LIMIT ?"
        )
        limit = 2**62 if below is None else below
        return [Neighbour(*row) for row in self._execute(query, (text, relation, limit, most))]

    def pair(self, text: int, other: int) -> Neighbour | None:
        query = f"SELECT {_NEIGHBOUR} FROM pairs WHERE text = ? AND other = ?"
        row = self._execute(query, (text, other)).fetchone()
        return None if row is None else Neighbour(*row)

    def pairs_with(self, text: int, others: Sequence[int]) -> dict[int, Neighbour]:
        # Crossed, so that the list is gone through and not all the pairs of the text.
        query = f"SELECT {_NEIGHBOUR} FROM json_each(?) CROSS JOIN pairs ON text = {text:d} AND other = value"
        return {row[0]: Neighbour(*row) for row in self._among(query, others)}

    def save_pairs(self, pairs: Sequence[Pair]) -> None:
        turned = ((pair.other, pair.text, pair.relation, pair.shared, pair.other_size, pair.size) for pair in pairs)
        for rows in (pairs, turned):
            self._connection.executemany("INSERT INTO pairs VALUES (?, ?, ?, ?, ?, ?)", rows)

    def count_documents(self) -> int:
        return int(_value(self._execute("SELECT count(*) FROM documents")))

    def named(self, names: Sequence[str]) -> dict[str, Document]:
        # An id that is no valid Unicode was never kept.
        names = [name for name in names if name.isascii() or name.encode("utf-8", "ignore").decode() == name]
        parts = [names[start : start + _BOUND] for start in range(0, len(names), _BOUND)]
        found = [one for part in parts for one in self._many(f"WHERE id IN ({', '.join('?' * len(part))})", *part)]
        return {document.id: document for document in found}

    def _one(self, where: str, *values: object) -> Document | None:
        row = self._execute(f"SELECT {_DOCUMENT} FROM documents {where}", values).fetchone()
        return None if row is None else Document(*row)

    def _many(self, where: str, *values: object) -> list[Document]:
        rows = self._execute(f"SELECT {_DOCUMENT} FROM documents {where}", values)
        return [Document(*row) for row in rows]

    def documents(self, numbers: Iterable[int]) -> dict[int, Document]:
        rows = self._among(f"SELECT {_DOCUMENT} FROM documents WHERE number {_AMONG}", numbers)
        return {row[0]: Document(*row) for row in rows}

    def documents_of(self, texts: Sequence[int]) -> list[Document]:
        rows = self._among(f"SELECT {_DOCUMENT} FROM documents WHERE text {_AMONG} ORDER BY rank", texts)
        return [Document(*row) for row in rows]

    def best_of(self, text: int) -> Document | None:
        return self._one("WHERE text = ? ORDER BY rank LIMIT 1", text)

    def items_of(self, parent: str) -> list[Document]:
        return self._many("WHERE parent = ? ORDER BY number", parent)

    def older(self, before: float, clock: Clock) -> list[Document]:
        return self._many(f"WHERE {'arrived' if clock == 'arrived' else 'last'} < ? ORDER BY number", before)

    def documents_after(self, number: int, most: int) -> list[Document]:
        return self._behind(number, self._many("WHERE number > ? ORDER BY number LIMIT ?", number, most))

    def _behind(self, number: int, rows: list[_Row]) -> list[_Row]:
        """Return rows that go on behind a number: whoever asks on behind the last of them must not go in circles."""
        if rows and rows[-1][0] <= number:
            raise IndexFileError(f"{self._path} must be an index that is not damaged. Got numbers that do not ascend.")
        return rows

    def add_documents(self, documents: Sequence[Document]) -> None:
        self._connection.executemany(f"INSERT INTO documents VALUES ({', '.join('?' * 14)})", documents)

    def delete_documents(self, documents: Sequence[Document]) -> None:
        self._connection.executemany("DELETE FROM documents WHERE number = ?", ((one.number,) for one in documents))

    def add_events(self, events: Sequence[Event]) -> None:
        self._connection.executemany(
            "INSERT INTO events (kind, cluster, canonical, documents, other) VALUES (?, ?, ?, ?, ?)",
            [
                (one.kind, one.cluster, one.canonical, json.dumps(one.documents) if one.documents else None, one.other)
                for one in events
            ],
        )

    def events(self, after: int, most: int) -> list[Event]:
        query = (
            "SELECT kind, cluster, canonical, documents, other, position FROM events WHERE position > ?"
            " ORDER BY position LIMIT ?"
        )
        try:
            return [_event(*row) for row in self._execute(query, (after, most))]
        except ValueError as error:
            raise IndexFileError(f"{self._path} must be an index that is not damaged. Got: {error}.") from error

    def event_bounds(self) -> tuple[int, int]:
        last = _value(self._execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'")) or 0
        first = _value(self._execute("SELECT min(position) FROM events"))
        return (last if first is None else first - 1), last

    def delete_events(self, until: int) -> int:
        return self._execute("DELETE FROM events WHERE position <= ?", (until,)).rowcount

    def counts(self) -> Counts:
        number = {
            table: _value(self._execute(f"SELECT count(*) FROM {table}"))
            for table in ("documents", "texts", "clusters", "pairs", "events")
        }
        pages = _value(self._execute("PRAGMA page_count"))
        return Counts(
            documents=number["documents"],
            texts=number["texts"],
            clusters=number["clusters"],
            pairs=number["pairs"] // 2,
            crowded=_value(self._execute("SELECT count(*) FROM texts WHERE marks & ?", (_CROWDED,))),
            events=number["events"],
            size=pages * _value(self._execute("PRAGMA page_size")),
        )

    def compact(self) -> None:
        with self.transaction(write=True):
            self._postings.compact()
        with _errors(self._path, self._timeout):
            self._execute("VACUUM")
            self._execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def backup(self, path: str) -> None:
        with _errors(path, self._timeout), _beside(path) as beside:
            target = sqlite3.connect(beside)
            try:
                # In one step, so that it sees one state of the file, however long it takes.
                self._connection.backup(target)
            finally:
                target.close()

    def verify(self) -> list[str]:
        found = [str(row[0]) for row in self._execute("PRAGMA integrity_check")]
        faults = [f"SQLite says: {message}" for message in found if message != "ok"] or [*self._mistyped()]
        if faults:
            # What cannot be read right is not worth looking at.
            return faults
        alone = _value(
            self._execute(
                "SELECT count(*) FROM pairs AS one LEFT JOIN pairs AS two"
                " ON two.text = one.other AND two.other = one.text WHERE two.shared IS NOT one.shared"
            )
        )
        if alone:
            faults.append(f"{alone} pairs stand on one side only.")
        query = "SELECT count(*) FROM events WHERE documents IS NOT NULL AND NOT json_valid(documents)"
        if count := _value(self._execute(query)):
            faults.append(f"{count} events have no list of documents.")
        return [*faults, *self._postings.verify()]

    def _mistyped(self) -> Iterator[str]:
        """Yield which tables have values of another type than their columns, which SQLite does not mind."""
        tables = self._execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for (table,) in tables.fetchall():
            columns = self._execute("SELECT name, lower(type) FROM pragma_table_info(?)", (table,)).fetchall()
            wrong = " OR ".join(f"typeof({name}) NOT IN ('{kind}', 'null')" for name, kind in columns)
            if count := _value(self._execute(f"SELECT count(*) FROM {table} WHERE {wrong}")):
                yield f"{count} rows of the table {table} have values of another type."


def _create(path: str, settings: str) -> None:
    """Make a new index with some settings, unless another process does first."""
    with _beside(path, keep=True) as beside:
        connection = sqlite3.connect(beside)
        try:
            connection.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)
            connection.execute("INSERT INTO settings VALUES (?)", (settings,))
            connection.commit()
        finally:
            connection.close()


@contextmanager
def _beside(path: str, *, keep: bool = False) -> Iterator[str]:
    """Give a new file the name `path` once the block has written it; one that is there is never touched.

    Args:
        path: The name it is to have.
        keep: Whether a file that is there meanwhile is as good.
    """
    if not keep and os.path.lexists(path):
        raise OutputError(f"{path} must not be there yet. Got a file of that name.")
    folder = tempfile.mkdtemp(prefix=".dedup-", dir=Path(path).parent)
    beside = Path(folder, "index")
    try:
        yield str(beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        try:
            _give_name(beside, path)
        except FileExistsError:
            if not keep:
                raise OutputError(f"{path} must not be there yet. Got a file of that name.") from None
    finally:
        for name in Path(folder).iterdir():
            name.unlink()
        Path(folder).rmdir()


def _give_name(beside: Path, path: str) -> None:
    """Give a file its name, unless another has it."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has links; on those another process may come between.
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        beside.rename(path)


def _check_file(path: str) -> None:
    """Refuse what cannot be an index; without opening it, for to close a file drops the locks that a process has on it.

    Raises:
        IndexFileError: It is no file, is empty, or cannot be read.
    """
    try:
        status = Path(path).stat()
    except OSError as error:
        raise IndexFileError(f"{path} must be an index that can be read. Got: {error.strerror}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise IndexFileError(f"{path} must be an index. Got {'a folder' if Path(path).is_dir() else 'no file'}.")
    if not status.st_size:
        raise IndexFileError(f"{path} must be an index. Got an empty file.")
    if not os.access(path, os.R_OK):
        raise IndexFileError(f"{path} must be an index that can be read. Got no permission.")


def _has_log(path: str) -> bool:
    """Tell whether there is a log whose transactions may not have reached the file."""
    with suppress(FileNotFoundError):
        return Path(f"{path}-wal").stat().st_size > 0
    return False


def _state(path: str) -> tuple[int, ...]:
    """Return what tells whether a file was written: which it is, its size and time, and whether it has a log."""
    with suppress(FileNotFoundError):
        status = Path(path).stat()
        return status.st_ino, status.st_size, status.st_mtime_ns, Path(f"{path}-wal").exists()
    return ()


def _connect(path: str, *, read_only: bool, timeout: float) -> tuple[sqlite3.Connection, tuple[int, ...] | None]:
    """Open a file; where no log can be, tell its state as well: it is right as long as nobody writes."""
    options: dict[str, Any] = {"timeout": timeout, "isolation_level": None, "check_same_thread": False, "uri": True}
    connection: sqlite3.Connection = sqlite3.connect(_address(path, "ro" if read_only else "rw"), **options)
    if not read_only:
        return connection, None
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema")
    except sqlite3.Error as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        if _has_log(path):
            raise IndexFileError(f"{path} must be opened first by one who may write; a log is beside it.") from error
        return sqlite3.connect(_address(path, "ro") + "&immutable=1", **options), _state(path)
    return connection, None


def _address(path: str, mode: str) -> str:
    return f"{Path(path).absolute().as_uri()}?mode={mode}"


@contextmanager
def _errors(path: str, timeout: float) -> Iterator[None]:
    """Raise what SQLite's errors mean.

    Raises:
        IndexBusyError: Another writer did not finish in time.
        IndexFileError: The file is damaged, or no index.
        OutputError: It cannot be written.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise IndexBusyError(f"{path} must be free to write within {timeout:g} s. Got another writer.") from error
        if code == sqlite3.SQLITE_NOTADB:
            raise IndexFileError(f"{path} must be an index. Got a file of another kind.") from error
        if code in _UNWRITABLE:
            raise OutputError(f"{path} must be a file that can be written. Got: {error}.") from error
        raise IndexFileError(f"{path} must be an index that is not damaged. Got: {error}.") from error
    except UnicodeDecodeError as error:
        # SQLite names what it cannot read, and the name is damaged too.
        raise IndexFileError(f"{path} must be an index that is not damaged. Got: {error}.") from error
    except OSError as error:
        raise OutputError(f"{path} must be a file that can be written. Got: {error.strerror}.") from error


def _value(cursor: sqlite3.Cursor) -> Any:  # noqa: ANN401 - whatever was asked for
    row = cursor.fetchone()
    return None if row is None else row[0]


def _signed(digest: int) -> int:
    return digest - (digest >> 63 << 64)


def _unsigned(digest: int) -> int:
    return digest & 0xFFFFFFFFFFFFFFFF


def _row(text: Text) -> tuple[int | float | None, ...]:
    marks = _CROWDED * text.crowded | _COMPOSITE * text.composite | _ROUNDUP * text.roundup
    counts = text.tokens, text.shingles, text.size, text.samples
    rate = None if text.rate == _USUAL_RATE else text.rate
    return text.number, _signed(text.digest), *counts, rate, marks, text.cluster, text.best


def _text(row: tuple[Any, ...]) -> Text:
    number, digest, tokens, shingles, size, samples, rate, marks, *rest = row
    kinds = bool(marks & _CROWDED), bool(marks & _COMPOSITE), bool(marks & _ROUNDUP)
    rate = _USUAL_RATE if rate is None else rate
    return Text(number, _unsigned(digest), tokens, shingles, size, samples, rate, *kinds, *rest)


def _event(
    kind: EventKind, cluster: int, canonical: str | None, documents: str | None, other: int | None, position: int
) -> Event:
    ids = tuple(json.loads(documents)) if documents else ()
    return Event(kind, cluster, canonical, ids, other, position)
