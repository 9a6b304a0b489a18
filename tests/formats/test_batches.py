"""Articles as Arrow batches: `read`, which looks at each row by itself, is the oracle."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.errors import DedupError, InputError, InvalidArgumentError
from dedup.formats import Skipped, read
from dedup.formats.batches import FIELDS, batch_of, batches, count_rows
from dedup.model import Article

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHEN = datetime(2025, 3, 1, 8, 30, 0, 5, tzinfo=UTC)


def rows_in(found: list[pa.RecordBatch]) -> list[dict[str, Any]]:
    """Return the rows of batches; a field without a value is none."""
    rows = [row for batch in found for row in batch.to_pylist()]
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def rows_of(articles: list[Article]) -> list[dict[str, Any]]:
    """Return articles as rows: a lone surrogate of a text is a question mark, of another field an escape."""
    rows = [{name: getattr(article, name) for name in FIELDS} | dict(article.extra) for article in articles]
    for row in rows:
        for name in FIELDS:
            if row[name] is not None:
                row[name] = row[name].encode("utf-8", "replace" if name == "text" else "backslashreplace").decode()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def check_same(make: Callable[[], object]) -> list[pa.RecordBatch]:
    """Check that a source gives what `read` gives, with bad rows left out and with an error at the first."""
    skipped: list[Skipped] = []
    found = list(batches(make(), skipped.append))
    corpus = read(make(), on_error="skip")
    assert rows_in(found) == rows_of(corpus.articles)
    assert tuple(skipped) == corpus.skipped
    for batch in found:
        batch.validate(full=True)
        assert batch.schema.names[: len(FIELDS)] == list(FIELDS)
        assert {batch.schema.field(name).type for name in FIELDS} == {pa.large_string()}
        assert batch.num_rows <= 4096
    if skipped:
        errors = []
        for reader in (read, lambda source: list(batches(source))):
            with pytest.raises(InputError) as caught:
                reader(make())
            errors.append((caught.type, str(caught.value)))
        assert errors[0] == errors[1]
    return found


values = st.sampled_from([None, "", "a", "b\ud800", 7, True, 1.5, date(2025, 3, 1), WHEN])
records = st.one_of(
    st.sampled_from(["One.", "", 3, None, Article("x", "y", source="z", extra={"n": 1})]),
    st.dictionaries(st.sampled_from([*FIELDS, "n", "m"]), values, max_size=4),
    st.fixed_dictionaries({"text": st.sampled_from(["One.", "\ud800", "港"])}, optional={"n": st.sampled_from([1, 2])}),
)


@given(st.lists(records, max_size=8))
def test_records(given: list[object]) -> None:
    """Records of any shape are the articles, and the bad rows, that they are in memory."""
    # Ids need not be unique here, as they must be in memory.
    given = [
        {**row, "id": f"{row['id']}{i}"} if isinstance(row, dict) and row.get("id") else row
        for i, row in enumerate(given)
        if not isinstance(row, Article) or i == 0
    ]
    names = {name for row in given if isinstance(row, dict) for name in row} - set(FIELDS)
    given = [
        {k: v for k, v in row.items() if k in FIELDS or v is None or isinstance(v, int)}
        if isinstance(row, dict) and names
        else row
        for row in given
    ]
    check_same(lambda: given)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"text": st.sampled_from(["One.", None])},
            optional={
                "id": st.sampled_from([None, "", "a"]),
                "source": st.sampled_from([None, "", "S"]),
                "n": st.integers(0, 5),
            },
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 4),
)
def test_tables(given: list[dict[str, Any]], rows: int) -> None:
    """Tables cut into batches anywhere give the articles, and the bad rows, that they give in memory."""
    for number, row in enumerate(given):
        if row.get("id"):
            row["id"] = f"a{number}"
    columns = {name: [row.get(name) for row in given] for name in ("text", "id", "source", "n")}
    schema = pa.schema([("text", pa.string()), ("id", pa.string()), ("source", pa.string()), ("n", pa.int64())])
    # Whether rows have ids is seen at the first batch.
    start = next((i for i, row in enumerate(given) if row.get("id") is not None), 0)
    table = pa.table({name: values[start:] for name, values in columns.items()}, schema)
    check_same(lambda: pa.Table.from_batches(table.to_batches(max_chunksize=rows), schema))


TEXT = ["One.", "Two.", "港"]
COLUMNS: dict[str, list[pa.Array]] = {
    "text": [
        pa.array(TEXT),
        pa.array(TEXT, pa.large_string()),
        pa.array(TEXT, pa.string_view()),
        pa.array(TEXT).dictionary_encode(),
        pa.array(["One.", None, "Two."]),
        pa.array(["One.", None, "Two."]).dictionary_encode(),
        pa.array([1, 2, 3]),
        pa.nulls(3, pa.string()),
        pa.array([b"a", b"b", b"c"]),
        pa.array([b"a", b"\xff", b"c"]).view(pa.string()),
        pa.array([b"a", b"b", b"\xed\xa0\x80"], pa.large_binary()).view(pa.large_string()),
        pa.array([b"a", b"\xff", b"c" * 40], pa.binary_view()).view(pa.string_view()),
    ],
    "id": [
        pa.array([1, 2, 3], pa.int8()),
        pa.array([2**64 - 1, 0, 1], pa.uint64()),
        pa.array([1, None, 3]),
        pa.array(["a", None, "b"]),
        pa.array(["a", "", "b"]),
        pa.array(["a", "b", "c"], pa.string_view()),
        pa.array(["a", "b", "c"]).dictionary_encode(),
        pa.array([1.0, 2.0, 3.0]),
        pa.array([True, False, None]),
        pa.nulls(3),
        pa.nulls(3, pa.list_(pa.string())),
        pa.array([b"a", b"\xff", b"c"]).view(pa.string()),
    ],
    "published": [
        pa.array([WHEN, None, WHEN], pa.timestamp("us", "UTC")),
        pa.array([WHEN.replace(tzinfo=None)] * 3, pa.timestamp("ns")),
        pa.array([date(2025, 3, 1)] * 3),
        pa.array(["2025-03-01", "soon", None]).dictionary_encode(),
        pa.array([1, 2, None]),
    ],
    "source": [
        pa.nulls(3, pa.struct([("a", pa.int64())])),
        pa.nulls(3, pa.timestamp("ns")),
        pa.array([None, "", "S"], pa.string_view()),
        pa.array([[], None, ["a"]]),
    ],
    "more": [
        pa.array([1, None, 3], pa.int16()),
        pa.array([[1], [], None]),
        pa.array([{"a": 1}, None, {"a": None}]),
        pa.array([b"a", b"\xff", b"c"]).view(pa.string()),
        pa.array(["a", "b", None]).dictionary_encode(),
        pa.array(["a", "b", None], pa.string_view()),
        pa.array([WHEN, None, WHEN], pa.timestamp("us", "UTC")),
        pa.array([1.5, None, 2.5], pa.float32()),
        pa.nulls(3),
    ],
}


@pytest.mark.parametrize(
    ("name", "column"), [(name, column) for name, columns in COLUMNS.items() for column in columns], ids=str
)
def test_columns(tmp_path: Path, name: str, column: pa.Array) -> None:
    """A column of any type gives the values, and the bad rows, that it gives in memory; in a slice and a file too."""
    table = pa.table({"text": pa.array(TEXT), "id": pa.array(["x", "y", "z"]), name: column})
    check_same(lambda: table)
    check_same(lambda: table.slice(1, 1))
    try:
        pq.write_table(table, tmp_path / "a.parquet")
    except pa.ArrowException:
        return
    check_same(lambda: tmp_path / "a.parquet")


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, pa.table, lambda rows: duckdb.from_arrow(pa.table(rows))])
def test_frames(make: Callable[[Any], object]) -> None:
    """Whoever hands over Arrow data is read."""
    check_same(lambda: make({"id": ["a", "b"], "text": ["One.", ""], "n": [1, 2], "cluster": ["x", None]}))


def test_large_tables_come_in_small_batches(tmp_path: Path) -> None:
    """Rows come at most 4,096 at a time, and numbered over all files where none has an id."""
    table = pa.table({"text": ["One."] * 10_000})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=9_000)
    (tmp_path / "b.jsonl").write_text('{"text": "One."}\n' * 3_000)
    assert len(check_same(lambda: table)) == 3
    check_same(lambda: tmp_path)


def test_text_files_share_batches(tmp_path: Path) -> None:
    """Small files stand together in one batch."""
    for number in range(50):
        (tmp_path / f"{number:02}.txt").write_text("One.")
    assert len(check_same(lambda: tmp_path)) == 1


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".csv", ".parquet"])
def test_a_first_row_that_cannot_be_read_tells_nothing(tmp_path: Path, suffix: str) -> None:
    """Rows behind one that cannot be read have the ids that they came with."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "a").symlink_to(tmp_path.parent)
    (tmp_path / f"b{suffix}").symlink_to(tmp_path.parent)
    path = tmp_path / f"c{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.table({"id": ["x"], "text": ["One."]}), path)
    else:
        path.write_text(
            {".txt": "One.", ".jsonl": '{"id": "x", "text": "One."}\n', ".csv": "id,text\nx,One.\n"}[suffix]
        )
    found = check_same(lambda: tmp_path)
    assert [row["id"] for row in rows_in(found)] == ["c" if suffix == ".txt" else "x"]


def test_bad_lines_before_the_first_good_one(tmp_path: Path) -> None:
    """So many lines that are no JSON as a batch has rows do not hide that the others have ids."""
    path = tmp_path / "a.jsonl"
    path.write_text("{\n" * 1_500 + '{"id": "x", "text": "One."}\n')
    check_same(lambda: path)


@pytest.mark.parametrize("kind", ["table", "jsonl"])
def test_ids_begin_at_once_or_never(tmp_path: Path, kind: str) -> None:
    """An id far behind rows that have none is refused, for those have numbers already."""
    ids = [None] * 5_000 + ["x"]
    source: Any = pa.table({"text": ["One."] * 5_001, "id": ids})
    if kind == "jsonl":
        source = tmp_path / "a.jsonl"
        source.write_text("".join(json.dumps({"id": name, "text": "One."}) + "\n" for name in ids))
    with pytest.raises(InputError, match="id is given, and no row before has one"):
        list(batches(source))
    skipped: list[Skipped] = []
    assert sum(batch.num_rows for batch in batches(source, skipped.append)) == 5_000
    assert [row.reason for row in skipped] == ["id is given, and no row before has one."]


def test_a_table_that_contradicts_itself_is_refused() -> None:
    """Offsets outside the bytes of a column are an error, not a read outside of them."""
    offsets = np.array([0, 1], np.int32)
    bad = pa.table({"text": pa.StringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(b"a"))})
    # Arrow checks the offsets of what it makes.
    offsets[1] = 255
    with pytest.raises(InputError, match="Cannot read column 'text' of table"):
        list(batches(bad))


@pytest.mark.parametrize("source", [3, b"a", {"text": "One."}, None])
def test_what_is_no_source_is_refused(source: object) -> None:
    """A source of another kind is refused as in memory."""
    for reader in (read, lambda given: list(batches(given))):
        with pytest.raises(InvalidArgumentError, match="source must be "):
            reader(source)


@pytest.mark.parametrize("name", ["none.jsonl", "a.pdf", "bad.parquet", "no-text.parquet", "twice.csv"])
def test_files_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    """A file that is no table of articles is refused as in memory."""
    (tmp_path / "a.pdf").write_text("x")
    (tmp_path / "bad.parquet").write_text("x")
    pq.write_table(pa.table({"body": ["One."]}), tmp_path / "no-text.parquet")
    (tmp_path / "twice.csv").write_text("text,n,n\na,1,2\n")
    messages = []
    for reader in (read, lambda source: list(batches(source))):
        with pytest.raises(DedupError) as caught:
            reader(tmp_path / name)
        messages.append((caught.type, str(caught.value)))
    assert messages[0] == messages[1]


def test_stories_of_pages_are_batches_too() -> None:
    """Articles that a run makes come back as they were; fields beside those of an article follow."""
    articles = [Article("a", "One\ud800.", parent="p"), Article("b", "", title="T", extra={"n": 1, "more": "x"})]
    assert rows_in([batch_of(articles)]) == rows_of(articles)
    assert batch_of(articles).schema.names == [*FIELDS, "n", "more"]
    assert batch_of([]).num_rows == 0


def test_rows_are_counted_where_files_tell(tmp_path: Path) -> None:
    """Parquet files tell how many rows they have, others and damaged ones do not."""
    for name in ("a", "b"):
        pq.write_table(pa.table({"text": ["One."] * 3}), tmp_path / f"{name}.parquet")
    assert count_rows(tmp_path) == 6
    assert count_rows(tmp_path / "a.parquet") == 3
    (tmp_path / "c.parquet").write_text("x")
    assert count_rows(tmp_path) is None
    (tmp_path / "c.parquet").unlink()
    (tmp_path / "c.jsonl").write_text("")
    assert count_rows(tmp_path) is None
    with pytest.raises(InputError, match=re.escape(str(tmp_path / "none"))):
        count_rows(tmp_path / "none")
