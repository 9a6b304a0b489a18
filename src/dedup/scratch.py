"""Where the bulk of a run stands while it works: in memory, or in files of a work folder that is larger than memory."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import xxhash

from dedup.kernels.native import Texts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

#: Bytes of small appends that wait until they are written together.
_WAITING = 1 << 18

#: Takes numbers of texts and returns these.
TakeTexts = Callable[["NDArray[np.int64]"], Texts]


class Column(Protocol):
    """An array that grows at its end."""

    def append(self, values: NDArray[Any]) -> None:
        """Put values behind those that are there."""

    def read(self) -> NDArray[Any]:
        """Return all values; what is appended later is not in it."""


class TextStore(Protocol):
    """Clean texts by number, from 0."""

    def __len__(self) -> int:
        """Return how many there are."""

    def append(self, strings: Sequence[str], texts: Texts) -> None:
        """Put texts behind those that are there; both arguments are the same texts."""

    def take(self, rows: NDArray[np.int64]) -> Texts:
        """Return some texts, in the order asked for."""

    def strings(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the same as str; what was a lone surrogate may be another character that is none of a word."""


class Scratch(Protocol):
    """Makes columns and stores of texts; what stands under a name before is gone."""

    def column(self, name: str, dtype: DTypeLike) -> Column:
        """Return a new column."""

    def texts(self, name: str) -> TextStore:
        """Return a new store of texts."""


class _Arrays:
    def __init__(self, dtype: DTypeLike) -> None:
        self._parts: list[NDArray[Any]] = [np.empty(0, dtype)]

    def append(self, values: NDArray[Any]) -> None:
        self._parts.append(values)

    def read(self) -> NDArray[Any]:
        self._parts = [np.concatenate(self._parts)]
        return self._parts[0]


class Strings:
    """Texts in memory, as the str objects that they came as."""

    def __init__(self, strings: Sequence[str] = ()) -> None:
        self._strings = list(strings)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._strings)

    def append(self, strings: Sequence[str], texts: Texts) -> None:  # noqa: ARG002 - the other form of the same
        """Put texts behind those that are there."""
        self._strings += strings

    def take(self, rows: NDArray[np.int64]) -> Texts:
        """Return some texts, in the order asked for."""
        return Texts.from_strings(self.strings(rows))

    def strings(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the same as str."""
        return [self._strings[row] for row in rows.tolist()]


class Memory:
    """Everything in memory."""

    def column(self, name: str, dtype: DTypeLike) -> Column:  # noqa: ARG002 - a file would have it
        """Return a new column."""
        return _Arrays(dtype)

    def texts(self, name: str) -> TextStore:  # noqa: ARG002 - as above
        """Return a new store of texts."""
        return Strings()


class FileColumn:
    """A column in a file: its values one after the other, as the machine has them in memory.

    The file is open only while it is written to, because a run has hundreds of columns.

    Args:
        path: The file.
        dtype: Of the values.
        fresh: Whether the column starts empty; otherwise what the file holds is there.
    """

    def __init__(self, path: Path, dtype: DTypeLike, *, fresh: bool) -> None:
        self.path = path
        self._dtype = np.dtype(dtype)
        self._waiting = bytearray()
        self._hash = xxhash.xxh3_128()
        if fresh or not path.exists():
            path.write_bytes(b"")
        self.start = self.stop = path.stat().st_size

    def append(self, values: NDArray[Any]) -> None:
        """Put values behind those that are there."""
        raw = np.ascontiguousarray(values, self._dtype).reshape(-1).view(np.uint8).data
        if len(self._waiting) + len(raw) < _WAITING:
            self._waiting += raw
            return
        self.flush()
        self._write(raw)

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._write(self._waiting)
            self._waiting = bytearray()

    def _write(self, raw: bytearray | memoryview) -> None:
        with self.path.open("ab") as file:
            file.write(raw)
        self._hash.update(raw)
        self.stop += len(raw)

    @property
    def digest(self) -> str:
        """The XXH3-128 of what this object has appended, bytes `start` to `stop` of the file."""
        return self._hash.hexdigest()

    def read(self) -> NDArray[Any]:
        """Return a view of the file."""
        self.flush()
        return np.memmap(self.path, self._dtype, "r") if self.stop else np.empty(0, self._dtype)


class FileTexts:
    """Texts in a file, one after the other, read piece by piece: they never stand in memory together."""

    def __init__(self, bytes_: FileColumn, sizes: FileColumn) -> None:
        self._bytes, self._sizes = bytes_, sizes
        self._ends: NDArray[np.int64] | None = None
        self._count = len(sizes.read())
        self._file = os.open(bytes_.path, os.O_RDONLY)
        self._lock = threading.Lock()

    def __del__(self) -> None:
        """Let go of the file."""
        with suppress(OSError):
            os.close(self._file)

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    def append(self, strings: Sequence[str], texts: Texts) -> None:  # noqa: ARG002 - the other form of the same
        """Put texts behind those that are there."""
        # Most texts stand one behind the other already.
        ends = texts.addresses + texts.lengths.astype(np.uint64)
        firsts = np.flatnonzero(np.concatenate([[True], texts.addresses[1:] != ends[:-1]])[: len(texts)])
        sizes = np.add.reduceat(texts.lengths, firsts) if len(firsts) else texts.lengths
        together = b"".join(map(ctypes.string_at, texts.addresses[firsts].tolist(), sizes.tolist()))
        self._bytes.append(np.frombuffer(together, np.uint8))
        self._sizes.append(texts.lengths)
        self._count += len(texts)

    def take(self, rows: NDArray[np.int64]) -> Texts:
        """Return some texts, in the order asked for."""
        with self._lock:
            # What was appended since is asked for later, if at all.
            if self._ends is None or (len(rows) and int(rows.max()) >= len(self._ends) - 1):
                self._bytes.flush()
                self._ends = np.concatenate([[0], np.cumsum(self._sizes.read(), dtype=np.int64)])
        chosen, places = np.unique(rows, return_inverse=True)
        starts, stops = self._ends[chosen], self._ends[chosen + 1]
        # Where each text stands in the file, and where it comes to stand in the buffer.
        offsets = np.concatenate([[0], np.cumsum(stops - starts)])
        buffer = np.empty(offsets[-1], np.uint8)
        apart = np.flatnonzero(starts[1:] != stops[:-1]) + 1
        for first, last in pairwise([0, *apart.tolist(), len(chosen)]) if len(chosen) else ():
            place, at, end = int(starts[first]), int(offsets[first]), int(offsets[last])
            while at < end:
                done = os.preadv(self._file, [buffer[at:end].data], place)
                if not done:
                    raise OSError(None, "the file ends within a text", os.fspath(self._bytes.path))
                at, place = at + done, place + done
        return Texts.from_buffers(buffer, offsets).take(places)

    def strings(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the same as str."""
        texts = self.take(rows)
        return [
            ctypes.string_at(address, length).decode("utf-8", "replace")
            for address, length in zip(texts.addresses.tolist(), texts.lengths.tolist(), strict=True)
        ]


class Folder:
    """Files of one folder, one for each column.

    Args:
        path: The folder; it is made where it is missing.
        fresh: Whether columns start empty; otherwise what their files hold is there.
    """

    def __init__(self, path: Path, *, fresh: bool = True) -> None:
        self.path = path
        self.columns: list[FileColumn] = []
        self._fresh = fresh
        path.mkdir(exist_ok=True)

    def column(self, name: str, dtype: DTypeLike) -> Column:
        """Return a column."""
        return self._column(name, dtype)

    def _column(self, name: str, dtype: DTypeLike) -> FileColumn:
        column = FileColumn(self.path / name, dtype, fresh=self._fresh)
        self.columns.append(column)
        return column

    def texts(self, name: str) -> TextStore:
        """Return a store of texts."""
        return FileTexts(self._column(f"{name}.utf8", np.uint8), self._column(f"{name}.size", np.int64))
