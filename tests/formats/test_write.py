"""Tests of writing: what is written reads back the same, and a failure leaves no trace."""

from __future__ import annotations

import csv
import os
import tempfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dedup.errors import OutputError
from dedup.formats import Corpus, check_path, read, write
from dedup.model import Article

SUFFIXES = [".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".csv", ".csv.gz", ".csv.zst"]
TABLE = pa.table({"id": ["a"], "text": ["b"]})
FIELDS = ("id", "text", "source", "published", "title", "url", "parent")

# An empty field of CSV is an absent one, so optional fields hold at least one character here.
optional = st.none() | st.text(min_size=1)
article_lists = st.lists(
    st.builds(
        Article,
        id=st.text(min_size=1),
        text=st.text(),
        source=optional,
        published=optional,
        title=optional,
        url=optional,
        parent=optional,
        extra=st.fixed_dictionaries({"note": st.text()}),
    ),
    unique_by=lambda article: article.id,
)


@pytest.mark.seconds
@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(deadline=None, max_examples=40)
@given(articles=article_lists)
@example(articles=[Article("-1", "=1+1", "+1", "@A1", "\t=1", "\r=1", "'=1", {"note": "=1"})])
def test_what_is_written_reads_back_the_same(suffix: str, articles: list[Article]) -> None:
    """Every format keeps every character of every field, also what a spreadsheet takes for a formula."""
    columns = {name: pa.array([getattr(one, name) for one in articles], pa.string()) for name in FIELDS}
    table = pa.table({**columns, "note": pa.array([one.extra["note"] for one in articles], pa.string())})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"out{suffix}")
        write(table, path)
        assert read(path) == Corpus(articles)


@pytest.mark.seconds
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_of_many_rows_keeps_them_in_order(tmp_path: Path, suffix: str) -> None:
    """More rows than are written at once come back in order."""
    texts = [str(number) for number in range(3000)]
    write(pa.table({"text": texts}), tmp_path / f"out{suffix}")
    assert [article.text for article in read(tmp_path / f"out{suffix}").articles] == texts


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_without_rows_reads_back_empty(tmp_path: Path, suffix: str) -> None:
    """No rows is a file without rows."""
    write(TABLE.slice(1), tmp_path / f"out{suffix}")
    assert read(tmp_path / f"out{suffix}") == Corpus([])


VALUES = {
    "text": "a",
    "list": ["é", None],
    "struct": {"on": date(2024, 5, 1)},
    "whole": 3,
    "real": 0.1,
    "flag": True,
    "none": None,
    "moment": datetime(2024, 5, 1, 12, tzinfo=UTC),
    "money": Decimal("1.50"),
}


def test_parquet_keeps_types_and_packs_them(tmp_path: Path) -> None:
    """A Parquet file gives the table back, packed as zstd."""
    table = pa.Table.from_pylist([VALUES])
    write(table, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet") == table
    assert pq.ParquetFile(tmp_path / "out.parquet").metadata.row_group(0).column(0).compression == "ZSTD"


def test_jsonl_is_utf8_with_dates_as_text(tmp_path: Path) -> None:
    """JSONL keeps JSON types, writes letters as they are, and everything else as text."""
    write(pa.Table.from_pylist([VALUES]), tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == (
        '{"text": "a", "list": ["é", null], "struct": {"on": "2024-05-01"}, "whole": 3, "real": 0.1, "flag": true, '
        '"none": null, "moment": "2024-05-01T12:00:00+00:00", "money": "1.50"}\n'
    )


def test_csv_holds_nested_values_as_json(tmp_path: Path) -> None:
    """CSV writes lists and structs as JSON, dates as ISO text and null as an empty field."""
    write(pa.Table.from_pylist([VALUES]), tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    assert header == list(VALUES)
    assert row == [
        *("a", '["é", null]', '{"on": "2024-05-01"}', "3", "0.1", "True", ""),
        *("2024-05-01T12:00:00+00:00", "1.50"),
    ]


@pytest.mark.parametrize("name", ["out.pdf", "out", "out.parquet.gz", "out.txt"])
def test_an_unknown_suffix_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    """The error lists the suffixes, and there is no file."""
    expected = r"^A file to write must end with one of \.parquet, .* Got .*out"
    with pytest.raises(OutputError, match=expected):
        check_path(tmp_path / name)
    with pytest.raises(OutputError, match=expected):
        write(TABLE, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_hold_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing folder, a folder of that name and a closed folder are found before there is anything to write."""
    (tmp_path / "folder.csv").mkdir()
    check_path(tmp_path / "out.csv")
    with pytest.raises(OutputError, match="it is a folder"):
        check_path(tmp_path / "folder.csv")
    with pytest.raises(OutputError, match=r"no such folder: .*gone"):
        check_path(str(tmp_path / "gone" / "out.csv"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="closed to writing"):
        check_path(tmp_path / "out.csv")


@pytest.mark.parametrize("name", ["nul\0.csv", f"{'x' * 300}.csv"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    """A name that the system refuses is an output error, too."""
    with pytest.raises(OutputError, match=r"^Cannot write "):
        write(TABLE, tmp_path / name)


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.zst", ".csv", ".csv.gz"])
def test_a_failure_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    """When a value has no form as text, the old file stands, nothing is beside it, and the error has a cause."""
    path = tmp_path / f"out{suffix}"
    path.write_bytes(b"old")
    table = pa.table({"text": ["a"] * 2000, "raw": [None] * 1999 + [b"\x00"]})
    with pytest.raises(OutputError, match=r"^Cannot write .*out.*: bytes have no form as text\.$") as caught:
        write(table, path)
    assert isinstance(caught.value.__cause__, TypeError)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_run_that_is_stopped_leaves_what_was_there(
    tmp_path: Path, suffix: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or an interrupt while the file is made leaves the old file and nothing beside it."""

    def stop(_: int) -> None:
        raise error

    path = tmp_path / f"out{suffix}"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises((KeyboardInterrupt, OutputError), match=r"^$|: No space left on device"):
        write(TABLE, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_modes_are_those_of_ordinary_files(tmp_path: Path) -> None:
    """A new file gets the mode that any new file gets; a replaced one keeps its own."""
    (tmp_path / "plain").touch()
    write(TABLE, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "out.csv").chmod(0o600)
    write(TABLE, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Writing to a link replaces the file that it leads to, in the format of the name that was asked for."""
    (tmp_path / "latest.csv").symlink_to(tmp_path / "today")
    write(TABLE, tmp_path / "latest.csv")
    assert (tmp_path / "latest.csv").is_symlink()
    assert (tmp_path / "today").read_bytes() == b"id,text\r\na,b\r\n"
