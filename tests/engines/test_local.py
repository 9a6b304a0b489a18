"""The engine that keeps everything in files: the run in memory is the oracle, for it is tested against brute force."""

from __future__ import annotations

import csv
import errno
import gzip
import json
import re
import resource
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus import english
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import Article, InputError, InvalidArgumentError, OutputError, Result, Templates
from dedup.engines import local, output
from dedup.errors import DedupWarning, DuplicateIdError
from strategies import batches, configs, pages, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from dedup import Config
    from dedup.engines.output import Written

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
SEEDS = Path(__file__).parents[2] / "seeds"
_numbers = count()

#: What templates are learned from: an outlet that repeats itself under different stories.
FURNITURE = "Follow the Gazette for the news of the harbour, and for what else the tide brings in."


def settings_of(config: Config) -> dict[str, Any]:
    """Return the settings of a config as keywords."""
    return {name: getattr(config, name) for name in dedup.config.Settings.__annotations__}


def check_same(folder: Path, source: object, **given: Any) -> tuple[Result, Written]:
    """Check that a run through files has the answer of the run in memory, and return both."""
    expected = dedup.deduplicate(source, **given)
    written = dedup.deduplicate(source, out=folder / f"out-{next(_numbers)}", **given)
    check_answer(written, expected)
    return expected, written


def check_answer(written: Written, expected: Result) -> None:
    """Check what a run has written against the result of one in memory."""
    documents, wanted = pq.read_table(written.folder / "documents.parquet"), expected.to_arrow()
    assert documents.column_names == wanted.column_names
    assert documents.to_pylist() == wanted.to_pylist()
    fixed = wanted.column_names[:12]
    assert documents.select(fixed).schema == wanted.select(fixed).schema
    assert pq.read_table(written.folder / "pairs.parquet").equals(expected.pairs)
    summary = {name: value for name, value in written.summary.items() if name != "work_bytes"}
    assert summary == expected.summary()
    assert written.alarms == expected.alarms
    assert list(written.skipped) == [str(row) for row in expected.skipped]
    assert json.loads((written.folder / "summary.json").read_text())["summary"] == written.summary
    assert not (written.folder.with_name(f"{written.folder.name}.work")).exists()


def corpus(articles: list[Article]) -> list[dict[str, Any]]:
    """Return articles as records."""
    return [
        {name: getattr(article, name) for name in ("id", "text", "source", "published")} | dict(article.extra)
        for article in articles
    ]


def jsonl(path: Path, records: list[dict[str, Any]]) -> Path:
    """Write records to a file."""
    lines = "".join(f"{json.dumps(record)}\n" for record in records).encode()
    path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
    return path


# The same answer


@pytest.mark.seconds
@settings(max_examples=10)
@given(
    batches(sentences()),
    st.sampled_from([0, 256]),
    st.sampled_from([2, 64]),
    st.sampled_from([1, 3]),
    st.data(),
)
def test_plain_texts(articles: list[Article], exhaustive: int, limit: int, threads: int, data: st.DataObject) -> None:
    """Whatever the link rule, a run through files has the answer of the run in memory."""
    config = data.draw(configs(exhaustive=exhaustive, bucket_limit=limit, threads=threads))
    with TemporaryDirectory() as folder:
        check_same(Path(folder), articles, **settings_of(config))


@pytest.mark.seconds
@settings(max_examples=10)
@given(
    articles=batches(pages()),
    clean=st.sampled_from(["auto", "pages", "off"]),
    exhaustive=st.sampled_from([0, 256]),
    as_file=st.booleans(),
)
def test_pages(articles: list[Article], clean: Any, exhaustive: int, *, as_file: bool) -> None:
    """Pages lose their furniture and give their stories as in memory, from objects and from a file."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        source = jsonl(folder / "articles.jsonl", corpus(articles)) if as_file else articles
        check_same(folder, source, clean=clean, exhaustive=exhaustive, min_excerpt=4, threads=1)


@pytest.mark.seconds
@pytest.mark.parametrize("linkage", ["canonical", "components"])
@pytest.mark.parametrize("clean", ["auto", "off"])
def test_seeds(tmp_path: Path, linkage: Any, clean: Any) -> None:
    """The labelled texts, a folder of .txt files, have the answer of the run in memory, by bands and samples too."""
    check_same(tmp_path, SEEDS, linkage=linkage, clean=clean, threads=3)
    check_same(tmp_path, SEEDS, linkage=linkage, clean=clean, exhaustive=0, bucket_limit=2, threads=1)


def gazette(stories: range, source: str = "Harbour Gazette") -> list[Article]:
    """Return different stories of one outlet, each above the same block."""
    texts = english(120, 700, seed=3)
    return [Article(f"{source}-{story}", f"{texts[story]}\n{FURNITURE}", source=source) for story in stories]


@pytest.mark.seconds
@pytest.mark.parametrize("exhaustive", [0, 256])
def test_templates(tmp_path: Path, exhaustive: int) -> None:
    """Furniture by repetition goes as in memory, whether these articles show it or templates were given."""
    articles = [*gazette(range(30)), *gazette(range(10, 40), "Other")]
    known = Templates.fit(gazette(range(60, 80), "Third"))
    few = [*articles, *gazette(range(25, 27), "Third")]
    result, _ = check_same(tmp_path, articles, exhaustive=exhaustive)
    assert result.templates
    alone = dedup.deduplicate(few)
    result, _ = check_same(tmp_path, few, exhaustive=exhaustive, templates=known)
    assert len(result.templates) > len(alone.templates)


def test_keep_policy(tmp_path: Path) -> None:
    """Which documents of a cluster are kept, and how many, is as in memory."""
    articles = [*gazette(range(30)), *gazette(range(10, 40), "Other"), *gazette(range(5, 25), "Third")]
    policy = dedup.KeepPolicy(min_keep=2, sources=("Third", "other"), order=("longest", "sources"), alarm_documents=1)
    result, _ = check_same(tmp_path, articles, keep=policy, exhaustive=0)
    assert result.summary()["kept"] > result.summary()["clusters"]


def page(number: int, inner: str = "") -> str:
    """Return a page that carries stories of other pages."""
    texts = english(120, 700, seed=3)
    items = "".join(
        f"{outlet}\n{hours} hours ago\n- {outlet}\nWall to be mended\n{text}\n"
        for outlet, hours, text in (("Tarn Journal", 3, texts[number + 1]), ("The Mittenau Herald", 9, texts[50]))
    )
    head = "Try Our AI Features\nExplore what we can do:\nComments\nNo comments yet...\nRelated Articles\n\n"
    return f"date 2025-02-27 {texts[number]}\n{head}{items}{inner}"


def test_stories_of_pages(tmp_path: Path) -> None:
    """Stories that pages carry are documents behind all articles, dated by their page and by their age."""
    articles = [Article(f"p{number}", page(number)) for number in range(5)]
    result, _ = check_same(tmp_path, articles, exhaustive=0)
    assert result.summary()["items"] >= 5
    assert all(article.published for article in result.articles)


@pytest.mark.seconds
def test_input_order(tmp_path: Path) -> None:
    """Another order of the input gives the same documents, in that order."""
    articles = [*gazette(range(30)), *gazette(range(10, 40), "Other"), *(Article(f"p{i}", page(i)) for i in range(3))]
    rows = []
    for source in (articles, articles[::-1], articles[1::2] + articles[::2]):
        _, written = check_same(tmp_path, source, exhaustive=0, threads=3)
        table = pq.read_table(written.folder / "documents.parquet").to_pylist()
        assert [row["id"] for row in table][: len(source)] == [article.id for article in source]
        rows.append(sorted(table, key=lambda row: str(row["id"])))
    assert rows[0] == rows[1] == rows[2]


# The same articles, whatever they come in

RECORDS: list[dict[str, Any]] = [
    {"id": "a", "text": "\ud800 One two \ud800three four five six seven eight.", "cluster": "x", "n": 1},
    {"id": "b", "text": "", "source": "Reuters", "published": "2025-03-01", "kept": None, "n": 2},
    {"id": "ü", "text": "One two three four five six seven eight.", "cluster": "y", "input.cluster": 5},
    {"id": "d", "text": "…", "title": "T", "url": "u", "parent": "a", "n": None, "list": [1, 2]},
    {"id": "e", "text": "港の壁は月曜日に直されます。", "list": []},
]


@pytest.mark.seconds
@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "csv", "parquet", "txt", "records", "table", "polars", "pandas"])
def test_sources(tmp_path: Path, kind: str) -> None:
    """Every source that can be read in memory can be read some rows at a time."""
    records = RECORDS if "jsonl" in kind or kind == "records" else RECORDS[1:]
    path = tmp_path / f"articles.{kind}"
    source: Any = path
    columns = {name: [record.get(name) for record in records] for name in {n: 0 for r in records for n in r}}
    if kind in ("jsonl", "jsonl.gz"):
        jsonl(path, records)
    elif kind == "csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows(records)
    elif kind == "parquet":
        pq.write_table(pa.table(columns), path)
    elif kind == "txt":
        path.mkdir()
        for record in records:
            path.joinpath(f"{record['id']}.txt").write_text(record["text"], "utf-8")
    elif kind == "records":
        source = records
    else:
        source = {"table": pa.table, "polars": pl.DataFrame, "pandas": pd.DataFrame}[kind](columns)
    check_same(tmp_path, source, threads=1)


def test_rows_without_ids(tmp_path: Path) -> None:
    """Where no row has an id, ids are the numbers of the rows over all files."""
    source = tmp_path / "articles"
    source.mkdir()
    jsonl(source / "a.jsonl", [{"text": "One."}] * 3)
    pq.write_table(pa.table({"text": ["One."] * 3}), source / "b.parquet")
    jsonl(source / "c.jsonl.gz", [{"text": "One."}] * 3)
    _, written = check_same(tmp_path, source)
    assert pq.read_table(written.folder / "documents.parquet")["id"].to_pylist() == list("012345678")


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([1, None], ["a", "b"]),
        ([1], [1.5]),
        ([None], [2]),
        ([[]], [[1]]),
        ([[1]], [[1.5]]),
        ([[1]], [["a"]]),
        ([{"a": 1}], [{"b": "x"}, {"a": None}]),
        ([True], [1]),
        (["a"], [1, "b"]),
        ([1, "b"], ["a"]),
        (pa.array([1], pa.int32()), [2]),
        (pa.array([1.5], pa.float32()), pa.array([2.5], pa.float64())),
        (pa.array(["a"], pa.large_string()), [1, "b"]),
        (pa.array(["a"], pa.string_view()), ["b"]),
        (pa.array(["a"]).dictionary_encode(), ["b"]),
        (pa.array(["a"]).dictionary_encode(), pa.array(["b"], pa.large_string())),
        (pa.array([date(2025, 3, 1)]), ["2025-03-01"]),
        (pa.array([b"a"]), ["b"]),
        (pa.array([NOON], pa.timestamp("ms", "UTC")), pa.array([NOON], pa.timestamp("us", "UTC"))),
    ],
)
def test_fields_of_several_files(tmp_path: Path, left: Any, right: Any) -> None:
    """Another field keeps its values where all files have one type of them, and is JSON where they have not."""
    source = tmp_path / "articles"
    source.mkdir()
    for name, values in (("a", left), ("b", right)):
        numbers = range(len(values))
        if isinstance(values, pa.Array):
            ids = [f"{name}{number}" for number in numbers]
            pq.write_table(
                pa.table({"id": ids, "text": ids, "more": values, "cluster": ids}), source / f"{name}.parquet"
            )
        else:
            records = [{"id": f"{name}{number}", "text": "", "more": values[number], name: 0} for number in numbers]
            jsonl(source / f"{name}.jsonl", records)
    check_same(tmp_path, source)


@pytest.mark.seconds
@pytest.mark.parametrize("source", [[], pa.table({}), pa.table({"text": pa.array([], pa.string())}), iter([])])
def test_no_articles(tmp_path: Path, source: object) -> None:
    """No article gives tables without rows."""
    written = dedup.deduplicate(source, out=tmp_path / "out")
    check_answer(written, dedup.deduplicate([]))


# Bad rows


def test_bad_rows_are_skipped(tmp_path: Path) -> None:
    """Rows that are no articles are listed with the same reasons as in memory; more than half of all are warned of."""
    source = tmp_path / "articles"
    source.mkdir()
    source.joinpath("a.jsonl").write_bytes(b'{"id": "x"}\n[1]\n{"id": "a", "text": "One."}\n{"text": "One."}\n')
    ids = pa.array(["b", None, "c"])
    texts = pa.StringArray.from_buffers(3, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"ab\xff"))
    pq.write_table(pa.table({"id": ids, "text": texts}), source / "b.parquet")
    with pytest.warns(DedupWarning, match=r"^5 of the 7 rows are no articles, and were left out\.$"):
        result, written = check_same(tmp_path, source, on_error="skip")
    assert len(result.skipped) == written.summary["skipped_rows"] == 5


def test_many_bad_rows_are_counted(tmp_path: Path) -> None:
    """All bad rows are counted, and the first thousand listed; half of all rows are not yet a warning."""
    source = tmp_path / "articles.jsonl"
    source.write_text("".join(f'{{\n{{"text": "{number}"}}\n' for number in range(1_200)))
    written = dedup.deduplicate(source, out=tmp_path / "out", on_error="skip")
    counts = written.summary
    assert (counts["documents"], counts["skipped_rows"], len(written.skipped)) == (1_200, 1_200, 1_000)


@pytest.mark.seconds
@pytest.mark.parametrize("bad", [b'{"id": 1}\n', b"{", b'{"id": "a", "text": "One."}\n' * 2])
def test_bad_input_leaves_earlier_output(tmp_path: Path, bad: bytes) -> None:
    """A bad row or an id that stands twice stops the run, and what an earlier one wrote is still there."""
    out = tmp_path / "out"
    dedup.deduplicate(["One."], out=out)
    before = contents(out)
    source = tmp_path / "articles.jsonl"
    source.write_bytes(bad)
    with pytest.raises(InputError):
        dedup.deduplicate(source, out=out)
    assert contents(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["articles.jsonl", "out", "out.work"]


@pytest.mark.parametrize("ids", [["a", "b", "a"], ["p", "p#1", "b"], [0, "x", "0"]])
def test_ids_stand_once(tmp_path: Path, ids: list[Any]) -> None:
    """Two articles of one id, or an article with the id of a page's story, are refused before anything is written."""
    records = [{"id": name, "text": page(number)} for number, name in enumerate(ids)]
    again = repr(str(ids[1] if "p" in ids else ids[0]))
    with pytest.raises(DuplicateIdError, match=again):
        dedup.deduplicate(records)
    with pytest.raises(DuplicateIdError, match=again):
        dedup.deduplicate(records, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder and what is in them."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Interrupted runs

STAGES = ("_sketch", "_templates", "_match", "_write_pairs")


def articles_in(folder: Path) -> Path:
    """Write some articles, of which some are pages and some reprints, to two files of a folder."""
    source = folder / "articles"
    source.mkdir()
    articles = [*gazette(range(20)), *gazette(range(10, 30), "Other")]
    jsonl(source / "a.jsonl", corpus([*articles, Article("page", page(40))]))
    pq.write_table(pa.table({"id": ["x", "y"], "text": [articles[0].text] * 2, "more": [1, 2]}), source / "b.parquet")
    return source


def home_of(stage: str) -> ModuleType:
    """Return the module of a stage."""
    return local if hasattr(local, stage) else output


class Interrupted(Exception):  # noqa: N818 - no error of a run
    """Stands for whatever ends a run."""


def interrupt(patch: pytest.MonkeyPatch, stage: str) -> None:
    """Let a stage do its work and end the run then, before anybody notes that it is done."""
    do = getattr(home_of(stage), stage)

    def fail(*given: Any, **named: Any) -> None:
        do(*given, **named)
        raise Interrupted

    patch.setattr(home_of(stage), stage, fail)


def stages_of(patch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that the stages enter when they run."""
    done: list[str] = []

    def noted(stage: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def note(*given: Any, **named: Any) -> Any:
            done.append(stage)
            return do(*given, **named)

        return note

    for stage in STAGES:
        patch.setattr(home_of(stage), stage, noted(stage, getattr(home_of(stage), stage)))
    return done


@pytest.mark.seconds
@pytest.mark.parametrize("stage", STAGES)
def test_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """A run that failed leaves what stood at out, and the next one goes on behind the last finished stage."""
    source, out = articles_in(tmp_path), tmp_path / "out"
    dedup.deduplicate(["One."], out=out)
    before = contents(out)
    with monkeypatch.context() as patch:
        interrupt(patch, stage)
        with pytest.raises(Interrupted):
            dedup.deduplicate(source, out=out, exhaustive=0, threads=1)
    assert contents(out) == before
    assert {path.name for path in tmp_path.iterdir()} == {"articles", "out", "out.work"}
    done = stages_of(monkeypatch)
    # What changes no answer may be another.
    written = dedup.deduplicate(source, out=out, exhaustive=0, threads=3, memory="1GB", resume=True)
    check_answer(written, dedup.deduplicate(source, exhaustive=0))
    assert tuple(done) == STAGES[STAGES.index(stage) :]


@pytest.mark.seconds
def test_a_run_that_does_not_resume_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without resume all stages run again, and with it a run that nobody began does."""
    source, out = articles_in(tmp_path), tmp_path / "out"
    with monkeypatch.context() as patch:
        interrupt(patch, "_match")
        with pytest.raises(Interrupted):
            dedup.deduplicate(source, out=out)
    done = stages_of(monkeypatch)
    dedup.deduplicate(source, out=out)
    dedup.deduplicate(source, out=out, resume=True)
    assert tuple(done) == STAGES * 2


KILLED = """
import os, signal, sys
from dedup.engines import local, output
from dedup import deduplicate

source, out, stage = sys.argv[1:]

def kill(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

for module in (local, output):
    if hasattr(module, stage):
        setattr(module, stage, kill)

def told(name, done, total):
    if name == stage and done:
        kill()

deduplicate(source, out=out, threads=1, exhaustive=0, progress=told)
"""


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("stage", "left"),
    [
        ("sketch", ["_sketch", "_templates", "_match", "_write_pairs"]),
        ("cut_templates", ["_templates", "_match", "_write_pairs"]),
        ("verify", ["_match", "_write_pairs"]),
        ("_write_pairs", ["_write_pairs"]),
    ],
)
def test_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, left: list[str]) -> None:
    """A run that was killed, whatever it did, is gone on with, and what stood at out was still there."""
    source, out = articles_in(tmp_path), tmp_path / "out"
    dedup.deduplicate(["One."], out=out)
    before = contents(out)
    ended = subprocess.run([sys.executable, "-c", KILLED, source, out, stage], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert contents(out) == before
    done = stages_of(monkeypatch)
    written = dedup.deduplicate(source, out=out, exhaustive=0, resume=True)
    check_answer(written, dedup.deduplicate(source, exhaustive=0))
    assert done == left


def stopped(folder: Path, patch: pytest.MonkeyPatch, stage: str = "_write_pairs", **given: Any) -> tuple[Path, Path]:
    """Return articles and the work folder of a run over them that came to its last stage."""
    source = articles_in(folder)
    with patch.context() as inner:
        interrupt(inner, stage)
        with pytest.raises(Interrupted):
            dedup.deduplicate(source, out=folder / "out", threads=1, **given)
    return source, folder / "out.work"


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("changed", "given"),
    [
        ("content", {}),
        ("name", {}),
        ("another file", {}),
        ("", {"threshold": 0.6}),
        ("", {"keep": dedup.KeepPolicy(min_keep=2)}),
        ("", {"on_error": "skip"}),
        ("", {"templates": True}),
    ],
)
def test_resume_needs_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str, given: dict[str, Any]
) -> None:
    """A run of another input, or of other settings, is not gone on with; the message says which it is."""
    source, work = stopped(tmp_path, monkeypatch)
    named = "input"
    if changed == "content":
        with (source / "a.jsonl").open("a") as file:
            file.write("\n")
    elif changed == "name":
        (source / "a.jsonl").rename(source / "a.ndjson")
    elif changed:
        jsonl(source / "c.jsonl", [])
    else:
        (named,) = given
        if named == "templates":
            given = {"templates": Templates.fit(gazette(range(60, 80), "Third"))}
        named = named if named in ("on_error", "templates") else "settings"
    before = contents(work)
    with pytest.raises(InvalidArgumentError, match=f"resume must .* Got a change of {named}\\."):
        dedup.deduplicate(source, out=tmp_path / "out", resume=True, **given)
    assert contents(work) == before


def test_damaged_files_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of any finished stage that was changed is no base to go on from."""
    source, work = stopped(tmp_path, monkeypatch)
    for name in ("record-000000.arrow", "text.utf8", "document.place", "outcome.order"):
        path = work / name
        content = path.read_bytes()
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        with pytest.raises(OutputError, match=f"{re.escape(name)} is not what the earlier run wrote"):
            dedup.deduplicate(source, out=tmp_path / "out", resume=True)
        path.write_bytes(content)
    written = dedup.deduplicate(source, out=tmp_path / "out", resume=True)
    check_answer(written, dedup.deduplicate(source))


def test_one_run_in_a_folder(tmp_path: Path) -> None:
    """While a run works in a folder, another one there is refused and takes nothing away."""
    source = articles_in(tmp_path)

    def second(*_: object) -> None:
        with pytest.raises(OutputError, match="Another run works in"):
            dedup.deduplicate(source, out=tmp_path / "other", work=tmp_path / "work")

    written = dedup.deduplicate(source, out=tmp_path / "out", work=tmp_path / "work", progress=second)
    assert written.summary["documents"] > 40
    assert {path.name for path in tmp_path.iterdir()} == {"articles", "out"}


# Places


@pytest.mark.parametrize("names", [("notes.txt",), ("summary.json", "notes.txt"), ("documents.parquet", "sub/x")])
def test_out_of_others_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    """A folder that holds anything but what a run writes is not replaced."""
    for name in names:
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(InvalidArgumentError, match="out must be a new folder or that of an earlier run"):
        dedup.deduplicate(["One."], out=tmp_path / "out")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    ("name", "content"),
    [("notes.txt", "mine"), ("manifest.json", '{"name": "app"}'), ("manifest.json", "[]"), ("manifest.json", "{")],
)
def test_work_of_others_is_refused(tmp_path: Path, name: str, content: str, *, resume: bool) -> None:
    """A folder that no run made is not worked in."""
    source = jsonl(tmp_path / "articles.jsonl", [{"text": "One."}])
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / name).write_text(content)
    (tmp_path / "work" / "text.utf8").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(InvalidArgumentError, match="work must be an empty folder or that of an earlier run"):
        dedup.deduplicate(source, out=tmp_path / "out", work=tmp_path / "work", resume=resume)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("source", "out", "work"),
    [
        ("articles", "out", "out"),
        ("articles", "out", "out/work"),
        ("articles", "work/out", "work"),
        ("articles", "articles/out", None),
        ("articles", "out", "articles/work"),
        (".", "out", None),
        ("out", "out", None),
    ],
)
def test_places_stand_apart(tmp_path: Path, source: str, out: str, work: str | None) -> None:
    """What is read, what is written and what is in between are not one in the other."""
    jsonl(articles_in(tmp_path) / "c.jsonl", [])
    for name in ("work", "out"):
        (tmp_path / name).mkdir()
    before = contents(tmp_path)
    with pytest.raises(InvalidArgumentError, match="must not be one in the other"):
        dedup.deduplicate(tmp_path / source, out=tmp_path / out, work=None if work is None else tmp_path / work)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"out": "there/is/none"}, "out must be in a folder that exists. Got "),
        ({"out": 5}, "out must be a path. Got 5."),
        ({"out": "\0"}, "out must be a path. Got "),
        ({"out": "file"}, "out must be a new folder or that of an earlier run. Got "),
        ({"out": "out", "work": 5}, "work must be a path. Got 5."),
        ({"out": "out", "resume": True}, "resume must be False where articles is no path. Got list."),
        ({"out": "out", "keep": dedup.KeepPolicy(key=len)}, "keep must be a KeepPolicy without a key where out is"),
        ({"memory": "1GB"}, "memory must come with out. Got '1GB' and no out."),
        ({"work": "work"}, "work must come with out. Got 'work' and no out."),
        ({"resume": True}, "resume must come with out. Got True and no out."),
        ({"out": "out.parquet"}, "out must be a folder, and not named as a file is. Got out.parquet."),
        (
            {"out": "out", "memory": "399MB"},
            "memory must be at least 400,000,700 bytes for 1 documents. Got 399,000,000.",
        ),
        ({"out": "out", "memory": "1 kB"}, "memory must be at least 400,000,700 bytes for 1 documents. Got 1,000."),
        *(
            ({"out": "out", "memory": size}, f"memory must be a number of bytes above 0, or .* Got {size!r}.")
            for size in ("", "two", "-1", "1.5.2GB", "2XB", "2 G B", 0, -5, True, 2.5, "0", "0.0001")
        ),
    ],
)
def test_bad_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], message: str) -> None:
    """What is not allowed is refused with its name, and no output is made."""
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("mine")
    with pytest.raises(InvalidArgumentError, match=message):
        dedup.deduplicate(["One."], **given)
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "out.work"}
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize("memory", ["2GB", "512 MiB", "1.5g", " 2 gib ", 2**31])
def test_memory(tmp_path: Path, memory: str | int) -> None:
    """Memory is a number of bytes, or text with a unit."""
    assert dedup.deduplicate(["One."], out=tmp_path / "out", memory=memory).summary["documents"] == 1


# A full disk


@contextmanager
def room(most: int) -> Iterator[None]:
    """Let no file grow above so many bytes: the system refuses as it does on a full disk, with another reason."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.seconds
@pytest.mark.parametrize("stage", STAGES)
def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """A file that cannot be written is an error with the reason; input and earlier output stay, and a resume helps."""
    source, out = articles_in(tmp_path), tmp_path / "out"
    dedup.deduplicate(["One."], out=out)
    before = contents(source) | contents(out)
    do = getattr(home_of(stage), stage)
    crowded = ExitStack()

    def crowd(*given: Any, **named: Any) -> Any:
        crowded.enter_context(room(100))
        return do(*given, **named)

    with monkeypatch.context() as patch, crowded:
        patch.setattr(home_of(stage), stage, crowd)
        with pytest.raises(OutputError, match=r"Cannot write .*out.*: (?i:.*file too large)"):
            dedup.deduplicate(source, out=out, exhaustive=0, threads=1)
    assert contents(source) | contents(out) == before
    assert {path.name for path in tmp_path.iterdir()} == {"articles", "out", "out.work"}
    check_answer(dedup.deduplicate(source, out=out, exhaustive=0, resume=True), dedup.deduplicate(source, exhaustive=0))


def test_a_rename_that_fails_puts_the_earlier_answer_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new answer cannot take its place, the one that stood there stands there again."""
    source, out = articles_in(tmp_path), tmp_path / "out"
    dedup.deduplicate(["One."], out=out)
    before = contents(out)
    do = Path.replace

    def fail(path: Path, target: Path) -> Path:
        if path.name == ".out.new":
            raise OSError(errno.EIO, "Input/output error")
        return do(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OutputError, match=r"Cannot write .*out: Input/output error"):
            dedup.deduplicate(source, out=out)
    assert contents(out) == before
    assert {path.name for path in tmp_path.iterdir()} == {"articles", "out", "out.work"}


# What a run tells


def test_warnings(tmp_path: Path) -> None:
    """A source that goes, a large cluster and a large bucket are warned of, in memory too, where the caller stands."""
    story = gazette(range(1))[0].text
    articles = [Article(f"{number:03}", f"{story} {number}", source="Echo") for number in range(40)]
    settings: dedup.config.Settings = {"exhaustive": 0, "bucket_limit": 8, "large_cluster": 10}
    with pytest.warns(DedupWarning) as caught:
        written = dedup.deduplicate(articles, out=tmp_path / "out", **settings)
    with pytest.warns(DedupWarning) as caught_in_memory:
        dedup.deduplicate(articles, **settings)
    assert [str(warning.message) for warning in caught] == [str(warning.message) for warning in caught_in_memory]
    left_out = written.summary["omitted_pairs"]
    assert [str(warning.message) for warning in caught] == [
        "39 of the 40 documents of 'Echo' are dropped.",
        "Clusters of more than 10 documents, the largest 40: 1.",
        f"40 texts agree in one band; at most {left_out} pairs of such texts were not compared.",
    ]
    assert {warning.filename for warning in (*caught, *caught_in_memory)} == {__file__}
    assert written.sources == {"Echo": (39, 40)}
    assert [alarm.dropped for alarm in written.alarms] == [39]


@pytest.mark.seconds
def test_progress(tmp_path: Path) -> None:
    """Every stage is told from its beginning to its end, whether or not anybody knows how much there is."""
    source = articles_in(tmp_path)
    texts = [article.text for article in gazette(range(9))]
    told: list[tuple[str, int, int]] = []
    for articles in (source, source / "a.jsonl", source / "b.parquet", texts):
        told.clear()
        dedup.deduplicate(articles, out=tmp_path / "out", exhaustive=0, progress=lambda *stage: told.append(stage))
        last = {name: (done, total) for name, done, total in told}
        assert next(iter(last)) == "sketch"
        assert {"match", "verify"} < set(last)
        assert all(done <= total for _, done, total in told)
        assert all(done == total for done, total in last.values())


def test_what_is_written_is_told(tmp_path: Path) -> None:
    """The summary in the folder has the numbers, alarms, sources and skipped rows of what is returned."""
    source = tmp_path / "articles.jsonl"
    jsonl(source, [*corpus(gazette(range(3))), {"id": "x"}])
    written = dedup.deduplicate(source, out=tmp_path / "out", on_error="skip")
    told = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert told["summary"] == written.summary
    assert told["sources"] == {"Harbour Gazette": {"dropped": 0, "documents": 3}}
    assert told["skipped"] == list(written.skipped) == [f"{source}, line 4: text is missing. The fields are: 'id'."]
    assert written.folder == tmp_path / "out"


MEASURED = """
import random, resource, sys
import pyarrow as pa, pyarrow.parquet as pq
from dedup import deduplicate

folder, documents = sys.argv[1], int(sys.argv[2])
chance = random.Random(5)
words = ["".join(chance.choices("abcdefghijklmnop", k=6)) for _ in range(9000)]
schema = pa.schema([("id", pa.string()), ("text", pa.string()), ("source", pa.string())])
with pq.ParquetWriter(folder + "/articles.parquet", schema) as file:
    for start in range(0, documents, 2000):
        texts = [" ".join(chance.choices(words, k=120)) for _ in range(2000)]
        texts[:500] = [text + " more" for text in texts[500:1000]]
        ids = [str(start + row) for row in range(2000)]
        file.write_table(pa.table({"id": ids, "text": texts, "source": [row[-2:] for row in ids]}, schema))
deduplicate(folder + "/articles.parquet", out=folder + "/out", threads=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
def test_memory_is_bounded(tmp_path: Path) -> None:
    """A run of more documents needs less memory more than their texts have bytes, mapped files included."""
    peaks = []
    for documents in (40_000, 120_000):
        folder = tmp_path / str(documents)
        folder.mkdir()
        command = [sys.executable, "-c", MEASURED, str(folder), str(documents)]
        peaks.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
    assert peaks[1] - peaks[0] < 80_000 * 1000
