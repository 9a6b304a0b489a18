"""Record batches in Arrow files, one after the other; another file begins where the columns are others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Records:
    """Writes batches; a context manager.

    Args:
        folder: Where the files are.
        name: Begins their names.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None
        self._schema: pa.Schema | None = None
        self._files = 0
        self.rows = 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the last file."""
        if self._writer is not None:
            self._writer.close()

    def append(self, batch: pa.RecordBatch) -> None:
        """Put a batch behind those that are there."""
        if self._writer is None or batch.schema != self._schema:
            self.__exit__()
            path = self._folder / f"{self._name}-{self._files:06}.arrow"
            self._writer, self._schema = pa.ipc.new_stream(path, batch.schema), batch.schema
            self._files += 1
        self._writer.write_batch(batch)
        self.rows += batch.num_rows


def read_records(folder: Path, name: str) -> Iterator[pa.RecordBatch]:
    """Yield the batches of `Records` in order, from files that are mapped into memory."""
    for path in sorted(folder.glob(f"{name}-*.arrow")):
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as reader:
            yield from reader
