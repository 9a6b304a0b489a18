"""Tests of reading: what becomes an article, what becomes a bad row, and that nothing else comes out."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.errors import DedupError, DuplicateIdError, InputError, InvalidArgumentError, InvalidUtf8Error
from dedup.formats import Corpus, Skipped, read, read_records
from dedup.model import Article

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT_SUFFIXES = [kind + packed for kind in (".jsonl", ".ndjson", ".json", ".csv") for packed in ("", ".gz", ".zst")]


def pack(path: Path, content: bytes) -> Path:
    """Write `content` to `path`, packed as its suffix says."""
    if path.suffix == ".zst":
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            file.write(content)
    else:
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def message(source: object) -> str:
    """Return the message of the error that reading `source` raises."""
    with pytest.raises(InputError) as caught:
        read(source)
    return str(caught.value)


def reasons(source: object) -> list[tuple[int, str]]:
    """Return the row and the reason of each row that is skipped."""
    return [(skipped.row, skipped.reason) for skipped in read(source, on_error="skip").skipped]


# Python objects


@pytest.mark.parametrize("source", [["a", ""], ("a", ""), iter(["a", ""]), pd.Series(["a", ""]).tolist()])
def test_texts_get_their_row_numbers_as_ids(source: object) -> None:
    """The id of a plain text is its row number."""
    assert read(source) == Corpus([Article("0", "a"), Article("1", "")], ids_made=True)


@pytest.mark.parametrize("source", [[], (), iter([]), pa.table({}), pl.DataFrame(), pd.DataFrame()])
def test_an_empty_source_gives_an_empty_corpus(source: object) -> None:
    """A source without rows is no error."""
    assert read(source) == Corpus([])


def test_records_of_every_shape_mix() -> None:
    """A mapping becomes the article it describes, and an article stays itself."""
    article = Article("a", "one")
    record = {"id": 7, "text": "two", "title": "T", "published": date(2024, 5, 1), "score": [1]}
    assert read([article, record, {"id": np.int64(8), "text": ""}]).articles == [
        article,
        Article("7", "two", title="T", published="2024-05-01", extra={"score": [1]}),
        Article("8", ""),
    ]


@pytest.mark.parametrize("nameless", ["b", {"text": "b"}, {"id": None, "text": "b"}])
def test_all_rows_have_an_id_or_none_has(nameless: object) -> None:
    """A record without an id is bad beside one with an id, wherever it stands, and gets a number otherwise."""
    expected = [Skipped("input", 0, "id is missing, and other rows have one.")]
    corpus = read([nameless, {"id": "x", "text": "a"}], on_error="skip")
    assert list(corpus.skipped) == expected
    assert not corpus.ids_made
    assert read([nameless, {"text": "a"}]) == Corpus([Article("0", "b"), Article("1", "a")], ids_made=True)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"id": "a", "text": 3}, "text must be a str. Got 3."),
        ({"id": "a", "text": None}, "text must be a str. Got None."),
        ({"title": "a", "n": 1}, "text is missing. The fields are: 'title', 'n'."),
        ({}, "text is missing. The fields are: none."),
        ({"id": "", "text": "a"}, "id must be a str that is not empty. Got ''."),
        ({"id": True, "text": "a"}, "id must be a str. Got True."),
        ({"id": 1.5, "text": "a"}, "id must be a str. Got 1.5."),
        ({"id": "a", "text": "a", "source": 1}, "source must be a str. Got 1."),
        ({"id": "a", "text": "a", 1: "b"}, "a field name must be a str. Got 1."),
        (3, "a record must be a str, a mapping or an Article. Got 3."),
        (None, "a record must be a str, a mapping or an Article. Got None."),
        (b"a", "a record must be a str, a mapping or an Article. Got b'a'."),
    ],
)
def test_a_bad_row_is_named_with_its_reason(record: object, reason: str) -> None:
    """A bad row stops the run with where, row and reason, or is listed with the same."""
    assert message([record]) == f"input, row 0: {reason}"
    assert reasons([record, {"id": "x", "text": "good"}])[0] == (0, reason)


def test_a_value_that_cannot_be_shown_is_a_bad_row() -> None:
    """A number of more digits than Python prints is a bad row, too."""
    assert len(reasons([{"text": 10**5000}, {"text": "a", "id": 10**5000}])) == 2


def test_a_repeated_id_is_always_an_error() -> None:
    """The error names the id and both rows, also when bad rows are skipped."""
    rows = [{"id": "a", "text": "x"}, {"id": "b", "text": "x"}, Article("a", "y")]
    with pytest.raises(DuplicateIdError, match=r"^id 'a' stands twice: input, row 0 and row 2\.$"):
        read(rows, on_error="skip")


@pytest.mark.parametrize("source", [3, None, b"text", {"id": "a", "text": "b"}, Article("a", "b")])
def test_a_source_of_another_kind_is_refused(source: object) -> None:
    """What is no path, no table and no iterable of records is a bad argument."""
    with pytest.raises(InvalidArgumentError, match=r"^source must be a path, .* Got "):
        read(source)


def test_on_error_is_checked() -> None:
    """`on_error` is "raise" or "skip"."""
    with pytest.raises(InvalidArgumentError, match="on_error must be one of 'raise', 'skip'"):
        read([], on_error="ignore")  # type: ignore[arg-type]


# Files


@pytest.mark.parametrize("suffix", [*TEXT_SUFFIXES, ".JSONL", ".Csv.GZ"])
def test_every_kind_of_text_file_gives_the_same_articles(tmp_path: Path, suffix: str) -> None:
    """The format and the packing of a file change nothing about its articles, nor does a byte order mark."""
    jsonl = '\ufeff{"id": "a", "text": "é\\n"}\r\n\n  \n{"id": "b", "text": "", "n": "1"}'
    table = '\ufeffid,text,source,n\r\n\r\na,"é\n",,\r\nb,,,1\r\n'
    content = table if "csv" in suffix.lower() else jsonl
    path = tmp_path / f"news{suffix}"
    path.write_bytes(gzip.compress(content.encode())) if suffix.endswith(".GZ") else pack(path, content.encode())
    first, second = read(path).articles
    assert (first.id, first.text, first.source) == ("a", "é\n", None)
    assert second == Article("b", "", extra={"n": "1"})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id": "a", "text": 3}', "text must be a str. Got 3."),
        (b'{"id": "a", "text": NaN}', "text must be a str. Got nan."),
        (b'{"id": "a", "text": "', "not valid JSON at column 21: Unterminated string starting at."),
        (b'{"id": "a", "text": "\xff"}', "not readable as JSON: 'utf-8' codec can't decode byte 0xff in position 21: "),
        (b'"a text"', "a line must be a JSON object, each article on a line of its own. Got b'\"a text\"'."),
        (b'[{"id": "a", "text": "b"}]', "a line must be a JSON object, each article on a line of its own. Got "),
        (b"[" * 100_000, "not readable as JSON: maximum recursion depth exceeded"),
        (b'{"id": "a", "text": ' + b"1" * 5000 + b"}", "not readable as JSON: Exceeds the limit"),
    ],
)
def test_a_bad_line_of_jsonl_is_a_bad_row(tmp_path: Path, line: bytes, reason: str) -> None:
    """Each line stands for itself; a bad one is named by its number, counted from 1 with the blank lines."""
    path = tmp_path / "news.jsonl"
    path.write_bytes(b'{"id": "x", "text": "good"}\n\n' + line + b'\n{"id": "y", "text": "good"}')
    assert message(path).startswith(f"{path}, line 3: {reason}")
    corpus = read(path, on_error="skip")
    assert [article.id for article in corpus.articles] == ["x", "y"]
    assert str(corpus.skipped[0]).startswith(f"{path}, line 3: {reason}")


@pytest.mark.parametrize("depth", range(100, 1100, 25))
def test_deep_nesting_never_leaves_as_another_error(tmp_path: Path, depth: int) -> None:
    """A text that is a deep list is a bad row, whether parsing it or showing it is what fails."""
    path = tmp_path / "news.jsonl"
    path.write_text('{"text": ' + "[" * depth + "]" * depth + "}", encoding="utf-8")
    assert len(reasons(path)) == 1


def test_json_keeps_what_it_allows(tmp_path: Path) -> None:
    """A lone surrogate is kept, the last of repeated keys counts, and a line may be very long."""
    path = tmp_path / "news.jsonl"
    path.write_text('{"text": "a", "text": "\\ud800"}\n' + json.dumps({"text": "x" * 10**7}), encoding="utf-8")
    assert [article.text for article in read(path).articles] == ["\ud800", "x" * 10**7]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"a", "a row must have 2 fields. Got 1."),
        (b"a,b,c", "a row must have 2 fields. Got 3."),
        (b"a,\xff", "not valid UTF-8."),
        (b'a,"b"c', "not valid CSV: ',' expected after '\"'."),
        (b",b", "id is missing, and other rows have one."),
    ],
)
def test_a_bad_row_of_csv_is_named_by_its_first_line(tmp_path: Path, line: bytes, reason: str) -> None:
    """A bad CSV row spoils no other, and is counted in lines, not in rows."""
    path = tmp_path / "news.csv"
    path.write_bytes(b'id,text\nx,"two\nlines"\n' + line + b"\ny,good\n")
    assert message(path) == f"{path}, line 4: {reason}"
    assert [article.id for article in read(path, on_error="skip").articles] == ["x", "y"]


def test_a_csv_file_that_was_cut_inside_a_field_is_found(tmp_path: Path) -> None:
    """A quote that never closes is a bad row at the line where its row begins."""
    path = tmp_path / "news.csv"
    path.write_text('text\na\n"b\nc\n', encoding="utf-8")
    assert reasons(path) == [(3, "not valid CSV: unexpected end of data.")]


def test_csv_keeps_long_fields_and_nul_and_restores_the_limit(tmp_path: Path) -> None:
    """A field may be of any length and content; the limit of the csv module is as before."""
    path = tmp_path / "news.csv"
    before = csv.field_size_limit()
    path.write_bytes(b"text\n" + b"x" * 10**6 + b'\n"\x00,""\r\n"\n')
    assert [article.text for article in read(path).articles] == ["x" * 10**6, '\x00,"\r\n']
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_without_text_is_refused_with_its_columns(tmp_path: Path, suffix: str) -> None:
    """Without a text column nothing can be skipped: the error names the columns that are there."""
    path = tmp_path / f"news{suffix}"
    if suffix == ".csv":
        path.write_text("id,body\n", encoding="utf-8")
    else:
        pq.write_table(pa.table({"id": ["a"], "body": ["b"]}), path)
    with pytest.raises(InputError) as caught:
        read(path, on_error="skip")
    assert str(caught.value) == f"{path} has no column 'text'. The columns are: 'id', 'body'."


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """One of two columns would be lost in silence."""
    path = tmp_path / "news.csv"
    path.write_text("text,a,a\n", encoding="utf-8")
    assert message(path) == f"{path} has several columns of one name: 'a'."
    table = pa.Table.from_arrays([pa.array(["a"])] * 2, names=["text", "text"])
    assert message(table) == "table has several columns of one name: 'text'."


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet", ".txt"])
def test_a_path_may_be_a_str(tmp_path: Path, suffix: str) -> None:
    """A str is the path of a file of any kind."""
    path = tmp_path / f"0{suffix}"
    write: dict[str, Callable[[], object]] = {
        ".jsonl": lambda: path.write_text('{"text": "a"}', encoding="utf-8"),
        ".csv": lambda: path.write_text("text\na\n", encoding="utf-8"),
        ".parquet": lambda: pq.write_table(pa.table({"text": ["a"]}), path),
        ".txt": lambda: path.write_text("a", encoding="utf-8"),
    }
    write[suffix]()
    assert read(str(path)).articles == [Article("0", "a")]


@pytest.mark.parametrize("name", ["gone.jsonl", "file.txt/below", "nul\0.jsonl"])
def test_a_path_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    """A str is never a text, so one that is no path is an error."""
    (tmp_path / "file.txt").touch()
    assert message(str(tmp_path / name)) == f"No such file or folder: {tmp_path / name}"


def test_a_text_in_place_of_a_path_is_an_input_error() -> None:
    """A long text is no path, whatever the system says of names that long."""
    assert message("word " * 1000).startswith("Cannot read word ")


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    """The error lists what can be read and what came."""
    (tmp_path / "news.pdf").touch()
    found = message(tmp_path / "news.pdf")
    assert found.startswith("A file to read must end with one of .jsonl, .jsonl.gz, ")
    assert found.endswith(".parquet, .txt. Got news.pdf.")


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst", ".csv.gz", ".csv.zst"])
@pytest.mark.parametrize("spoil", [lambda data: data[:-5], lambda data: data + b"junk", lambda _: b"no archive"])
def test_a_spoilt_archive_is_refused(tmp_path: Path, suffix: str, spoil: Callable[[bytes], bytes]) -> None:
    """An archive that was cut or damaged is an error that names the file and has a cause."""
    path = pack(tmp_path / f"news{suffix}", b'{"text": "a"}\n' if "jsonl" in suffix else b"text\na\n")
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(InputError, match=r"^Cannot read .*news") as caught:
        read(path, on_error="skip")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("name", ["news.jsonl", "news.csv.gz", "news.txt"])
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing rights are an input error with the file name."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / name).touch()
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert name in message(tmp_path / name)
    assert message(tmp_path / name).endswith(": Permission denied.")


# Folders


def test_a_folder_of_texts(tmp_path: Path) -> None:
    """Texts come in the order of their paths, named by them, with every character but a byte order mark kept."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.y.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r")
    (tmp_path / "a.TXT").write_bytes(b"")
    (tmp_path / "c.jsonl").write_bytes(b"not read")
    assert read(tmp_path) == Corpus([Article("a", ""), Article("b/x.y", "one\r\ntwo\r")])


def test_bad_texts_of_a_folder_are_bad_rows(tmp_path: Path) -> None:
    """A text that is not UTF-8, a link that leads outside and what is no file are bad rows; a link inside is fine."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "bad.txt").write_bytes(b"ab\xff")
    (folder / "gone.txt").symlink_to(folder / "nothing")
    (folder / "good.txt").write_text("good", encoding="utf-8")
    (folder / "inside.txt").symlink_to(folder / "good.txt")
    (folder / "outside.txt").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(folder / "pipe.txt")
    corpus = read(folder, on_error="skip")
    assert corpus.articles == [Article("good", "good"), Article("inside", "good")]
    assert list(map(str, corpus.skipped)) == [
        f"{folder}/bad.txt: not valid UTF-8 at byte 2.",
        f"{folder}/gone.txt: not a file.",
        f"{folder}/outside.txt: a link that leads outside the folder.",
        f"{folder}/pipe.txt: not a file.",
    ]
    assert message(folder) == f"{folder}/bad.txt: not valid UTF-8 at byte 2."


def test_a_folder_that_may_not_be_read_is_a_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a closed folder may hold is not left out in silence."""
    real = os.scandir

    def refuse(path: str) -> Any:
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    (tmp_path / "closed").mkdir()
    (tmp_path / "a.txt").touch()
    monkeypatch.setattr(os, "scandir", refuse)
    corpus = read(tmp_path, on_error="skip")
    assert corpus.articles == [Article("a", "")]
    assert [skipped.reason for skipped in corpus.skipped] == ["Permission denied."]


def test_a_link_to_a_folder_outside_is_a_bad_row(tmp_path: Path) -> None:
    """Links to folders are not followed; one that leads outside is named, one inside is read at its own place."""
    (tmp_path / "seeds" / "a").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "seeds" / "a" / "x.txt").touch()
    (tmp_path / "seeds" / "again").symlink_to(tmp_path / "seeds")
    (tmp_path / "seeds" / "out").symlink_to(tmp_path / "other")
    corpus = read(tmp_path / "seeds", on_error="skip")
    assert corpus.articles == [Article("a/x", "")]
    assert [skipped.where for skipped in corpus.skipped] == [f"{tmp_path}/seeds/out"]


def test_a_folder_of_tables(tmp_path: Path) -> None:
    """Without texts a folder is its other files, in order; made ids run on from file to file."""
    (tmp_path / "b.jsonl").write_text('{"text": "2"}', encoding="utf-8")
    (tmp_path / "a.csv").write_text("text\n0\n1\n", encoding="utf-8")
    (tmp_path / "notes.md").touch()
    pq.write_table(pa.table({"text": ["3"]}), tmp_path / "c.parquet")
    assert [(article.id, article.text) for article in read(tmp_path).articles] == [(n, n) for n in "0123"]


def test_an_id_repeated_in_two_files_names_both(tmp_path: Path) -> None:
    """The error names both files."""
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text('{"id": "x", "text": "a"}', encoding="utf-8")
    with pytest.raises(DuplicateIdError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"id 'x' stands twice: {tmp_path}/a.jsonl, line 1 and {tmp_path}/b.jsonl, line 1."


def test_a_folder_without_a_readable_file(tmp_path: Path) -> None:
    """An empty folder is empty; one with other files only is a mistake."""
    assert read(tmp_path) == Corpus([])
    (tmp_path / "a.pdf").touch()
    assert message(tmp_path).startswith(f"No file of {tmp_path} ends with one of ")


# Arrow data

COLUMNS: dict[str, list[Any]] = {"id": [1, 2], "text": ["a", "é"], "source": [None, "x"], "n": [1.5, 2.5]}


@pytest.mark.parametrize(
    "make",
    [
        pa.table,
        lambda columns: pa.table(columns).to_batches()[0],
        lambda columns: pa.table(columns).to_reader(),
        pl.DataFrame,
        pd.DataFrame,
        lambda columns: pd.DataFrame(columns, dtype=object),
        lambda columns: pd.DataFrame(columns, index=[5, 7]),
        lambda columns: duckdb.connect().from_arrow(pa.table(columns)),
    ],
)
def test_every_arrow_producer_gives_the_same_articles(make: Callable[[dict[str, list[Any]]], object]) -> None:
    """Whoever holds the table, the articles are the same."""
    expected = [Article("1", "a", extra={"n": 1.5}), Article("2", "é", source="x", extra={"n": 2.5})]
    assert read(make(COLUMNS)) == Corpus(expected)


TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()),
]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_every_layout_of_text_is_read(kind: pa.DataType) -> None:
    """The layout of a text column changes nothing; a null text is a bad row."""
    table = pa.table({"text": pa.array(["a", None, "é" * 20, "a"]).cast(kind)})
    corpus = read(table, on_error="skip")
    assert [article.text for article in corpus.articles] == ["a", "é" * 20, "a"]
    assert corpus.skipped == (Skipped("table", 1, "text must be a str. Got None."),)
    assert message(table) == "table, row 1: text must be a str. Got None."


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize("name", ["text", "title"])
def test_text_that_is_not_utf8_is_a_bad_row(kind: pa.DataType, name: str, *, encoded: bool) -> None:
    """Bytes that claim to be UTF-8 and are not spoil their own row only, and are named with column and row."""
    raw = pa.array([b"good", b"b\xff" * 10, None, b"fine"], pa.binary())
    layout = {pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}.get(kind, pa.binary())
    column = raw.cast(layout).view(kind)
    if encoded:
        column = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3]), column)
    table = pa.table({"text": ["a"] * 4, name: column}) if name == "title" else pa.table({name: column})
    # The bad column is the second batch, so that rows count on over batches.
    table = pa.concat_tables([table.slice(3), table])
    with pytest.raises(InvalidUtf8Error, match=rf"^table, row 2: {name} is not valid UTF-8 at byte 1\.$"):
        read(table)
    assert reasons(table)[0] == (2, f"{name} is not valid UTF-8 at byte 1.")


def hostile(offsets: list[int], content: bytes, indices: list[int] | None = None) -> pa.Table:
    """Return a table whose text offsets are written over after Arrow has had its own look at them."""
    layout = np.zeros(len(offsets), np.int32)
    column = pa.Array.from_buffers(pa.string(), len(offsets) - 1, [None, pa.py_buffer(layout), pa.py_buffer(content)])
    if indices is not None:
        column = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), column, safe=False)
    table = pa.table({"text": column})
    layout[:] = offsets
    return table


@pytest.mark.parametrize("offsets", [[0, 10**6, 3], [0, 3, 1], [-5, 2, 3], [0, 1, 2**31 - 1]])
def test_offsets_that_lie_are_refused(offsets: list[int]) -> None:
    """Offsets outside the bytes of a column are found before anything is read through them."""
    table = hostile(offsets, b"abc")
    for source in (table, table.to_reader(), table.to_batches()[0]):
        with pytest.raises(InputError, match=r"^Cannot read column 'text' of table: "):
            read(source, on_error="skip")


def test_dictionary_indices_that_lie_are_refused() -> None:
    """An index outside the dictionary is found before it is followed."""
    column = pa.DictionaryArray.from_arrays(pa.array([0, 9]), pa.array(["a"]), safe=False)
    assert message(pa.table({"text": column})).startswith("Cannot read column 'text' of table: ")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([date(2024, 5, 1)]), "2024-05-01"),
        (pa.array([datetime(2024, 5, 1, 12, tzinfo=UTC)]), "2024-05-01T12:00:00+00:00"),
        (pa.array([1714564800123456789], pa.timestamp("ns")), "2024-05-01T12:00:00.123456"),
        (pa.array([1714564800], pa.timestamp("s", "Europe/Berlin")), "2024-05-01T14:00:00+02:00"),
        (pa.array(["yesterday"]), "yesterday"),
    ],
)
def test_dates_become_iso_text(column: pa.Array, expected: str) -> None:
    """`published` is ISO text, whatever type of date it was."""
    assert read(pa.table({"text": ["a"], "published": column})).articles[0].published == expected


@pytest.mark.parametrize("name", ["published", "seen"])
def test_a_date_that_python_cannot_hold_is_a_bad_row(name: str) -> None:
    """One date out of range spoils its own row only."""
    table = pa.table({"text": ["a", "b"], name: pa.array([0, 2**60], pa.timestamp("s"))})
    ((row, reason),) = reasons(table)
    assert row == 1
    assert reason.startswith(f"{name} cannot be read: ")


def test_an_arrow_producer_that_fails_is_an_input_error() -> None:
    """What goes wrong while the data is handed over is told as an input error with its cause."""
    with pytest.raises(InputError, match=r"^Cannot read table: ") as caught:
        read(pd.DataFrame({"text": ["a", 3]}, dtype=object))
    assert caught.value.__cause__ is not None


def test_the_module_loads_without_pyarrow() -> None:
    """Importing dedup does not load pyarrow, which takes longer than all the rest."""
    code = "import sys, dedup.formats; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Hostile content


@settings(max_examples=60, deadline=None)
@given(
    suffix=st.sampled_from([*TEXT_SUFFIXES, ".parquet", ".txt"]),
    content=st.binary(max_size=300)
    | st.lists(st.sampled_from(list(b'{}[]",:\n\r\\idtext\xff\x00 1')), max_size=60).map(bytes),
    packed=st.booleans(),
    text_column=st.booleans(),
)
def test_no_content_of_a_file_raises_another_error(
    suffix: str, content: bytes, *, packed: bool, text_column: bool
) -> None:
    """Whatever bytes a file holds, reading gives a corpus or a DedupError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"x{suffix}")
        if text_column and ".csv" in suffix:
            content = b"id,text\n" + content
        if packed:
            pack(path, content)
        else:
            path.write_bytes(content)
        modes: list[Literal["raise", "skip"]] = ["raise", "skip"]
        for on_error in modes:
            with contextlib.suppress(DedupError):
                read(path, on_error=on_error)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_to_a_file_raises_another_error(data: st.DataObject) -> None:
    """A good file with some bytes changed gives a corpus or a DedupError."""
    with tempfile.TemporaryDirectory() as folder:
        suffix = data.draw(st.sampled_from([".parquet", ".jsonl.gz", ".jsonl.zst", ".csv.gz"]))
        path = Path(folder, f"x{suffix}")
        if suffix == ".parquet":
            pq.write_table(pa.table({"id": ["a", "b"], "text": ["c", "d"]}), path)
        else:
            pack(path, b'{"id": "a", "text": "c"}\n' * 20)
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 5))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        with contextlib.suppress(DedupError):
            read(path, on_error="skip")


@settings(deadline=None)
@given(
    offsets=st.lists(st.integers(-2, 12), min_size=2, max_size=6),
    content=st.binary(max_size=10),
    indices=st.none() | st.lists(st.integers(-1, 5), max_size=5),
)
def test_no_arrow_buffer_raises_another_error(offsets: list[int], content: bytes, indices: list[int] | None) -> None:
    """Whatever the offsets, bytes and indices of a text column, reading gives a corpus or a DedupError."""
    table = hostile(offsets, content, indices)
    try:
        corpus = read(table, on_error="skip")
    except DedupError:
        return
    assert len(corpus.articles) + len(corpus.skipped) == table.num_rows


# Records that are no articles


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.ndjson.gz", "rows.csv", "rows.csv.zst", "rows.parquet"])
def test_records_come_as_they_are(tmp_path: Path, name: str) -> None:
    """Every field of every row comes back as the file has it, and `text` is not asked for."""
    path = tmp_path / name
    rows = [{"id": "a", "story": "1", "note": ""}, {"id": "b", "story": "", "note": "x"}]
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif ".csv" in name:
        pack(path, b"id,story,note\na,1,\nb,,x\n")
    else:
        pack(path, "".join(f"{json.dumps(row)}\n" for row in rows).encode())
    assert read_records(path, ("id", "story")) == rows
    assert read_records(str(path), ()) == rows


def test_records_of_an_empty_file(tmp_path: Path) -> None:
    """A file without rows gives none, whatever is needed."""
    for name in ("rows.jsonl", "rows.csv"):
        (tmp_path / name).write_bytes(b"")
        assert read_records(tmp_path / name, ("id",)) == []


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("rows.jsonl", b'{"id": 1}\n{"n": 2}', "line 2: id is missing. The fields are: 'n'."),
        ("rows.jsonl", b"[]", "line 1: a line must be a JSON object, each article on a line of its own. Got b'[]'."),
        ("rows.csv", b"n,m\n1,2\n", "has no column 'id'. The columns are: 'n', 'm'."),
        ("rows.csv", b"id\n1,2\n", "line 2: a row must have 1 fields. Got 2."),
        ("rows.parquet", b"PAR1", "Cannot read "),
        ("rows.txt", b"", "A file of records must end with one of "),
    ],
)
def test_a_bad_record_is_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    """A row without what is needed, or that is none, stops the reading with where and why."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_records(tmp_path / name, ("id",))
    assert reason in str(caught.value)


def test_records_of_no_file(tmp_path: Path) -> None:
    """A path that leads nowhere is an error."""
    with pytest.raises(InputError, match=r"^No such file or folder: .*rows\.csv$"):
        read_records(tmp_path / "rows.csv", ("id",))
