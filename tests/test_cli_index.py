"""Tests of `dedup index` through the real entry point: exit code, stdout, stderr, and what is in the file."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dedup
from dedup import formats
from test_cli import (
    OTHER,
    SEEDS,
    STEERING,
    STORY,
    Done,
    assert_refused,
    call,
    here,
    in_shell,
    in_terminal,
    write_lines,
)

pytestmark = pytest.mark.seconds

#: Each command with what it needs beside the file, where the file must be there.
COMMANDS: dict[str, tuple[str | Path, ...]] = {
    "query": (SEEDS / "tram-echo.txt",),
    "get": ("tram-echo",),
    "remove": ("tram-echo",),
    "expire": ("--before", "2025-01-01"),
    "events": (),
    "stats": (),
    "verify": (),
    "compact": (),
    "backup": ("copy.dedup",),
}
READERS = ("query", "get", "events", "stats", "verify", "backup")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the seeds, not to be changed."""
    path = tmp_path_factory.mktemp("index") / "news.dedup"
    with dedup.Index(path) as index:
        index.add_batch(SEEDS)
    return path


@pytest.fixture
def news(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the index of the seeds, alone in the working folder."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copy(made, tmp_path / "news.dedup"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(path: Path) -> dedup.Index:
    """Open an index to look into it."""
    return dedup.Index(path, read_only=True)


def article(name: str, text: str = STORY, **fields: object) -> dict[str, object]:
    """Return a record of a JSONL file."""
    return {"id": name, "text": text, **fields}


def assert_error(done: Done, message: str, folder: Path, *files: str) -> None:
    """Refused, as `assert_refused` has it, beside the files that SQLite keeps for whoever reads an index."""
    for path in (path for name in files for path in folder.glob(f"{name}-*")):
        path.unlink()
    assert_refused(done, message, folder, *files)


def plain_json(value: object) -> Any:
    """Return a value as it is after JSON: lists for tuples."""
    return json.loads(json.dumps(value))


class TestCreate:
    """`dedup index create`."""

    def test_settings_reach_the_file(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Every option is a setting of the new index, which is empty, and is shown under its name."""
        options = (
            "--threshold .7 --containment .9 --overlap .2 --min-passage 12 --min-excerpt 20 --recall .9 "
            "--shingle-size 2 --slots 64 --seed 7 --prefer Beta --clean off"
        )
        done = here(capfd, "index", "create", "news.dedup", *options.split(), "--prefer", "Alpha Post")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Made news.dedup, an empty index\n\nthreshold      0.7\ncontainment    0.9\n")
        assert "\nprefer         Beta, Alpha Post\nclean          off\n" in done.stdout
        with read(folder / "news.dedup") as index:
            assert len(index) == 0
            assert index.config == dedup.Config(
                threshold=0.7,
                containment=0.9,
                overlap=0.2,
                min_passage=12,
                min_excerpt=20,
                recall=0.9,
                shingle_size=2,
                num_slots=64,
                seed=7,
                keep=dedup.KeepPolicy(sources=("Beta", "Alpha Post")),
                clean="off",
                exhaustive=0,
            )

    def test_without_options(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Without options the index is that of `dedup.Index` without settings."""
        assert here(capfd, "index", "create", "news.dedup").returncode == 0
        with read(folder / "news.dedup") as index, dedup.Index(":memory:") as usual:
            assert index.config == usual.config

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("there.dedup",), "there.dedup is there already."),
            (("link.dedup",), "link.dedup is there already."),
            ((":memory:",), "FILE must be the path of a file. Got ':memory:'."),
            (("news.dedup", "--threshold", "1.5"), "threshold must be in (0.0, 1.0]. Got 1.5."),
            (("news.dedup", "--slots", "100"), "num_slots must be a power of two"),
            (("news.dedup", "--prefer", " "), "sources must be a sequence of names that are not blank."),
            (("news.dedup", "--clean", "auto"), "clean must be 'pages' or 'off' in an index. Got 'auto'."),
            (("none/news.dedup",), "none/news.dedup"),
            ((), "Missing argument 'FILE'. Try 'dedup index create --help'."),
        ],
    )
    def test_refuses(
        self, arguments: tuple[str, ...], message: str, folder: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """A file that is there, a setting that is not allowed and a folder that is not there are errors."""
        (folder / "there.dedup").write_text("mine")
        (folder / "link.dedup").symlink_to("nowhere")
        assert_refused(here(capfd, "index", "create", *arguments), message, folder, "there.dedup", "link.dedup")
        assert (folder / "there.dedup").read_text() == "mine"


class TestAdd:
    """`dedup index add`."""

    def test_counts_are_those_of_the_clusters(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A new file is noted; the counts are those of the articles, their stories and the clusters."""
        done = here(capfd, "index", "add", "news.dedup", SEEDS)
        assert (done.returncode, done.stderr) == (
            0,
            "dedup: note: news.dedup was not there: made with the usual settings.\n",
        )
        with read(folder / "news.dedup") as index:
            documents, clusters = len(index), len(list(index.clusters()))
        articles = len(formats.read(SEEDS).articles)
        assert done.stdout.startswith(f"{articles} articles into news.dedup in ")
        numbers = {name: int(number) for name, number in re.findall(r"(?m)^(\w[a-z ]+?) {2,}(\d+)$", done.stdout)}
        assert numbers == {
            "added": articles,
            "replaced": 0,
            "unchanged": 0,
            "carried stories": documents - articles,
            "new stories": clusters,
            "reprints": documents - clusters,
        }

    def test_a_stream_may_be_read_twice(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """What is there changes nothing, and is no news."""
        with read(news) as index:
            before = index.events()
        done = here(capfd, "index", "add", "news.dedup", SEEDS)
        assert (done.returncode, done.stderr) == (0, "")
        assert re.search(r"\nadded +0\nreplaced +0\nunchanged +44\nnew stories +0\nreprints +0\n", done.stdout)
        with read(news) as index:
            assert index.events() == before

    @pytest.mark.parametrize("size", [1, 7, 1000])
    def test_json_is_the_answer_of_the_api(self, size: int, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """--json prints the match of each article, one a line, as a batch of that size gives it."""
        done = here(capfd, "index", "add", "news.dedup", SEEDS, "--json", "--batch", str(size), "--threads", "1")
        assert done.returncode == 0
        articles = iter(formats.read(SEEDS).articles)
        with dedup.Index(":memory:") as index:
            batches = iter(lambda: list(islice(articles, size)), [])
            expected = [plain_json(asdict(match)) for batch in batches for match in index.add_batch(batch)]
        assert [json.loads(line) for line in done.stdout.splitlines()] == expected
        assert folder.joinpath("news.dedup").is_file()

    def test_reads_what_run_reads(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """JSONL, packed too, CSV and Parquet files give the same index, one or several at a time."""
        articles = [asdict(one) for one in formats.read(SEEDS).articles]
        rows = [{"id": one["id"], "text": one["text"]} for one in articles]
        write_lines(folder / "all.jsonl", *rows)
        (folder / "all.jsonl.gz").write_bytes(gzip.compress((folder / "all.jsonl").read_bytes()))
        pq.write_table(pa.Table.from_pylist(rows), folder / "all.parquet", row_group_size=10)
        write_lines(folder / "first.jsonl", *rows[:20])
        formats.write(pa.Table.from_pylist(rows[20:]), folder / "rest.csv")
        with dedup.Index(":memory:") as index:
            index.add_batch(SEEDS)
            expected = {cluster.canonical: cluster.members for cluster in index.clusters()}
        for number, inputs in enumerate(
            [("all.jsonl",), ("all.jsonl.gz",), ("all.parquet",), ("first.jsonl", "rest.csv")]
        ):
            assert here(capfd, "index", "add", f"{number}.dedup", *inputs, "--batch", "9").returncode == 0
            with read(folder / f"{number}.dedup") as index:
                assert {cluster.canonical: cluster.members for cluster in index.clusters()} == expected

    @pytest.mark.parametrize("size", ["1", "1000"])
    def test_the_last_text_of_an_id_counts(self, size: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """An id that comes again replaces what came before, whatever the size of a batch."""
        write_lines(folder / "in.jsonl", article("a"), article("b", OTHER), article("a", OTHER), article("a", OTHER))
        done = here(capfd, "index", "add", "news.dedup", "in.jsonl", "--batch", size)
        assert re.search(r"\nadded +2\nreplaced +1\nunchanged +1\nnew stories +2\nreprints +1\n", done.stdout)
        with read(folder / "news.dedup") as index:
            kept = index.get("a")
            assert kept is not None
            assert kept.text == OTHER

    def test_ids_are_needed(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A row without an id is an error that names it, and no index is made; in CSV an empty id is none."""
        write_lines(folder / "in.jsonl", {"text": STORY})
        message = "in.jsonl, line 1: id is missing, and an article of an index needs one."
        assert_refused(here(capfd, "index", "add", "news.dedup", "in.jsonl"), message, folder, "in.jsonl")
        (folder / "in.csv").write_text("id,text\na,x\n,y\n")
        message = "in.csv, line 3: id is missing, and an article of an index needs one."
        assert_refused(here(capfd, "index", "add", "news.dedup", "in.csv"), message, folder, "in.jsonl", "in.csv")

    def test_skips_bad_rows(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """--on-error skip adds the others; the first five bad rows are noted with the reason, the others counted."""
        write_lines(folder / "in.jsonl", {"text": STORY}, article("a"), 3, {"id": "b"}, *({"id": 0} for _ in range(4)))
        done = here(capfd, "index", "add", "news.dedup", "in.jsonl", "--on-error", "skip", "--batch", "1")
        assert done.returncode == 0
        assert done.stdout.startswith("1 article into news.dedup")
        lines = done.stderr.splitlines()
        assert lines[1:3] == [
            "dedup: note: 7 of 8 rows skipped:",
            "dedup: note:   in.jsonl, line 1: id is missing, and an article of an index needs one.",
        ]
        assert lines[3].startswith(
            "dedup: note:   in.jsonl, line 3: a line must be a JSON object, each article on a line of its own."
        )
        assert lines[7:] == ["dedup: note:   and 2 more"]

    @pytest.mark.parametrize("bad", [{"text": STORY}, {"id": "c"}, article("d", OTHER, parent="a"), 3])
    def test_keeps_what_was_added_before_an_error(
        self, bad: object, folder: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """A bad row ends the command; the batches before it are kept, and the note says how many articles."""
        rows = [article("a"), article("b", OTHER), article("d"), article("e")]
        write_lines(folder / "in.jsonl", *rows, bad)
        done = here(capfd, "index", "add", "news.dedup", "in.jsonl", "--batch", "2", "--json")
        assert done.returncode == 2
        assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["a", "b", "d", "e"]
        _, note, error = done.stderr.splitlines()
        assert note == "dedup: note: stopped; 4 articles of the input are in news.dedup."
        assert error.startswith("dedup: error: ")
        with read(folder / "news.dedup") as index:
            assert [one.id for one in index] == ["a", "b", "d", "e"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("new.dedup", "nowhere"), "No such file or folder: nowhere"),
            (("new.dedup", "in.jsonl", "nowhere"), "No such file or folder: nowhere"),
            (("new.dedup", "in.txt.bak"), "A file to read must end with one of"),
            (("new.dedup", "in.jsonl", "--batch", "0"), "batch must be an integer of at least 1. Got 0."),
            (
                ("new.dedup", "in.jsonl", "--durability", "none"),
                "durability must be one of 'normal', 'full'. Got 'none'.",
            ),
            (("new.dedup", "in.jsonl", "--on-error", "none"), "on_error must be one of 'raise', 'skip'. Got 'none'."),
            (("new.dedup", "in.jsonl", "--threads", "0"), "threads must be an integer in [1, 1024]. Got 0."),
            (("none/new.dedup", "in.jsonl"), "none/new.dedup"),
            ((":memory:", "in.jsonl"), "FILE must be the path of a file. Got ':memory:'."),
            (("in.txt.bak", "in.jsonl"), "in.txt.bak"),
            ((".", "in.jsonl"), ""),
            (("new.dedup",), "Missing argument 'INPUT'. Try 'dedup index add --help'."),
        ],
    )
    def test_refuses(
        self, arguments: tuple[str, ...], message: str, folder: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Bad input and bad arguments end with one clear line, and nothing is written."""
        write_lines(folder / "in.jsonl", article("a"))
        (folder / "in.txt.bak").write_text("no index\n" * 100)
        done = here(capfd, "index", "add", *arguments)
        assert_refused(done, message, folder, "in.jsonl", "in.txt.bak")
        assert (folder / "in.txt.bak").read_text() == "no index\n" * 100

    def test_interrupt(self, tmp_path: Path) -> None:
        """Ctrl-C while the input is open leaves what was acknowledged, and says how much that is."""
        os.mkfifo(tmp_path / "in.jsonl")
        command = [sys.executable, "-m", "dedup", "index", "add", "news.dedup", "in.jsonl", "--batch", "2", "--json"]
        with (
            subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
            (tmp_path / "in.jsonl").open("w", buffering=1) as file,
        ):
            file.writelines(f"{json.dumps(article(name))}\n" for name in "abc")
            assert process.stdout is not None
            # A whole batch is added while the input goes on.
            assert [json.loads(process.stdout.readline())["id"] for _ in range(2)] == ["a", "b"]
            process.send_signal(signal.SIGINT)
            printed, notes = process.communicate(timeout=60)
        assert (process.returncode, printed) == (130, b"")
        assert notes.decode().splitlines()[1:] == ["dedup: note: stopped; 2 articles of the input are in news.dedup."]
        with read(tmp_path / "news.dedup") as index:
            assert [one.id for one in index] == ["a", "b"]

    def test_closed_pipe(self, tmp_path: Path) -> None:
        """When nobody reads the matches any more, the command ends and says how much was added."""
        write_lines(tmp_path / "in.jsonl", *(article(name) for name in "abc"))
        reader, writer = os.pipe()
        os.close(reader)
        command = [sys.executable, "-m", "dedup", "index", "add", "news.dedup", "in.jsonl", "--batch", "1", "--json"]
        done = subprocess.run(
            command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, timeout=60, text=True, check=False
        )
        os.close(writer)
        assert done.returncode == 0
        assert done.stderr.splitlines()[1:] == ["dedup: note: stopped; 1 article of the input is in news.dedup."]

    @pytest.mark.parametrize("options", [(), ("--json",)])
    def test_counts_in_a_terminal(self, options: tuple[str, ...], tmp_path: Path) -> None:
        """Where stderr is a terminal, and only there, it shows how many articles are added, and no match."""
        printed = in_terminal("index", "add", str(tmp_path / "news.dedup"), str(SEEDS), *options, stream="stderr")
        assert "44 articles added" in printed
        assert "canonical" not in printed


class TestQuery:
    """`dedup index query`."""

    def test_shows_how_a_text_stands(
        self, news: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """The relation and scores of the API, the canonical document and its cluster; the index stays as it is."""
        monkeypatch.setenv("COLUMNS", "80")
        before = news.read_bytes()
        path = SEEDS / "harbour-herald.txt"
        done = here(capfd, "index", "query", "news.dedup", path)
        assert (done.returncode, done.stderr) == (0, "")
        with read(news) as index:
            match, cluster = index.query(path.read_text(encoding="utf-8")), index.cluster("harbour-gazette")
        assert cluster is not None
        assert done.stdout.startswith(f"duplicate of harbour-gazette, Jaccard {match.jaccard:.3f}"[:-1])
        assert "\ncanonical      harbour-gazette · 2025-03-03\nin canonical   98 % of the text\n" in done.stdout
        assert "\nof canonical   100 % is in the text\n" in done.stdout
        assert re.search(
            rf"\ncluster {match.cluster} +{cluster.size} documents · first published 2025-03-03\n$", done.stdout
        )
        assert news.read_bytes() == before

    def test_exact_copy(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A text that is there is an exact copy."""
        done = here(capfd, "index", "query", news, SEEDS / "kelp-farm.txt")
        assert done.stdout.startswith("exact copy of kelp-farm, Jaccard 1.000\n")

    def test_new_story(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A text that nothing is like is a new story, which is no failure."""
        Path("in.txt").write_text(OTHER)
        done = here(capfd, "index", "query", news.name, "in.txt")
        assert (done.returncode, done.stdout) == (
            0,
            "a new story\n\nNo document of news.dedup is like in.txt\n",
        )

    @pytest.mark.parametrize("text", ["", OTHER, (SEEDS / "tram-echo.txt").read_text(encoding="utf-8")])
    def test_json_and_stdin(self, text: str, news: Path) -> None:
        """- is stdin, and --json holds every field of the match."""
        done = call("index", "query", news, "-", "--json", text=text)
        assert (done.returncode, done.stderr) == (0, "")
        with read(news) as index:
            assert json.loads(done.stdout) == plain_json(asdict(index.query(article("-", text))))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("nowhere",), "Cannot read nowhere: No such file or directory."),
            (("bad.txt",), "bad.txt is not valid UTF-8 at byte 0."),
            ((), "Missing argument 'TEXT'."),
        ],
    )
    def test_refuses(
        self, arguments: tuple[str, ...], message: str, news: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """A text that cannot be read is an error."""
        Path("bad.txt").write_bytes(b"\xff")
        done = here(capfd, "index", "query", "news.dedup", *arguments)
        assert_error(done, message, news.parent, "news.dedup", "bad.txt")


class TestGet:
    """`dedup index get`."""

    def test_prints_the_text(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """The kept text goes to stdout, to the byte; what is known of the document goes to stderr."""
        text = f"{STORY}\r\n\t«{OTHER}»"
        fields = {"source": "Bay Post", "published": "2025-01-02", "title": "The bridge", "pages": 3, "lang": "en"}
        write_lines(folder / "in.jsonl", article("a", text, **fields), article("b", text))
        assert here(capfd, "index", "add", "news.dedup", "in.jsonl", "--batch", "1").returncode == 0
        done = subprocess.run(
            [sys.executable, "-m", "dedup", "index", "get", "news.dedup", "a"],
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (0, text.encode())
        assert done.stderr.decode().splitlines() == [
            "id             a",
            "source         Bay Post",
            "published      2025-01-02",
            "title          The bridge",
            "other fields   pages, lang",
            "cluster 1      kept",
        ]
        assert here(capfd, "index", "get", "news.dedup", "b").stderr == (
            "id          b\ncluster 1   exact copy of a, Jaccard 1.000\n"
        )

    def test_json(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """--json holds every field and the match, null for what JSON lacks."""
        (folder / "in.jsonl").write_text('{"id": "a", "text": "x\\ud800", "low": NaN, "high": [Infinity, 1]}\n')
        assert here(capfd, "index", "add", "news.dedup", "in.jsonl").returncode == 0
        printed = json.loads(here(capfd, "index", "get", "news.dedup", "a", "--json").stdout)
        with read(folder / "news.dedup") as index:
            match = index.match("a")
        assert match is not None
        assert printed.pop("match") == plain_json(asdict(match))
        assert (printed["text"], printed["extra"]) == ("x\ud800", {"low": None, "high": [None, 1]})

    def test_refuses(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A document that is not there is an error."""
        done = here(capfd, "index", "get", "news.dedup", "x\x1b")
        assert_error(done, r"news.dedup has no document 'x\x1b'.", news.parent, "news.dedup")


class TestRemove:
    """`dedup index remove`."""

    def test_removes(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Documents are gone, and what was not there is named."""
        done = here(capfd, "index", "remove", "news.dedup", "tram-echo", "no\nbody", "tram-ledger")
        assert (done.returncode, done.stdout) == (0, "2 documents removed\n\nNot there: no\\nbody\n")
        with read(news) as index:
            assert "tram-echo" not in index
            assert "tram-standard" in index

    def test_json(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """--json lists what was removed and what was not there; a second time nothing is."""
        expected = [
            {"removed": ["kelp-farm"], "absent": ["nobody"]},
            {"removed": [], "absent": ["kelp-farm", "nobody"]},
        ]
        for wanted in expected:
            done = here(capfd, "index", "remove", news, "kelp-farm", "nobody", "--json")
            assert (done.returncode, json.loads(done.stdout)) == (0, wanted)


class TestExpire:
    """`dedup index expire`."""

    @pytest.fixture
    def dated(self, folder: Path) -> Path:
        """An index of three articles of three days, one of them unknown."""
        days = {"a": "2025-01-01", "b": "2025-01-02", "c": None}
        with dedup.Index(folder / "news.dedup") as index:
            index.add_batch([article(name, f"{STORY} {name}", published=day) for name, day in days.items()])
        return folder / "news.dedup"

    def test_by_publication(self, dated: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """What was published before the date is gone; what has no date stays."""
        done = here(capfd, "index", "expire", "news.dedup", "--before", "2025-01-02")
        assert (done.returncode, done.stdout) == (0, "1 document expired, 2 left\n")
        with read(dated) as index:
            assert [one.id for one in index] == ["b", "c"]

    def test_by_arrival(self, dated: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """--by arrived counts from when the documents came."""
        for before, expected in (("2020-01-01", [0, 3]), ("2999-01-01T00:00:00Z", [3, 0])):
            done = here(capfd, "index", "expire", dated, "--before", before, "--by", "arrived", "--json")
            assert list(json.loads(done.stdout).items()) == [("expired", expected[0]), ("documents", expected[1])]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--before", "spring"), "before must be a date or a time, as ISO 8601. Got 'spring'."),
            (("--before", "2025-01-01", "--by", "title"), "by must be one of 'published', 'arrived'. Got 'title'."),
            ((), "Missing option '--before'."),
        ],
    )
    def test_refuses(
        self, arguments: tuple[str, ...], message: str, dated: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """What is no date and no clock is an error, and everything stays."""
        assert_error(here(capfd, "index", "expire", "news.dedup", *arguments), message, dated.parent, "news.dedup")
        with read(dated) as index:
            assert len(index) == 3


class TestEvents:
    """`dedup index events`."""

    def test_shows_what_happened(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """One row per event: its position, documents, kind, cluster and the document that is kept then."""
        with dedup.Index(folder / "news.dedup") as index:
            index.add_batch([article(name, published="2025-01-02") for name in "bcdefgh"])
            index.add(article("a", published="2025-01-01"))
            index.remove("b")
            events = index.events()
        done = here(capfd, "index", "events", "news.dedup")
        assert (done.returncode, done.stderr) == (0, "")
        rows = re.findall(r"(?m)^ +(\d+)  (.*?) +(added|removed|canonical_changed) +(\d+)  (\S+)$", done.stdout)
        assert [(int(at), kind, int(cluster), kept) for at, _, kind, cluster, kept in rows] == [
            (event.position, event.kind, event.cluster, event.canonical) for event in events
        ]
        assert rows[0][1] == "b, c, d, e, f, 2 more"

    def test_limit(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Twenty events are shown, or as many as --limit says, and from where to go on."""
        with read(news) as index:
            last = index.events()[-1].position
        done = here(capfd, "index", "events", "news.dedup")
        assert re.search(r"\n +20  [^\n]*\n\nMore with --after 20\n$", done.stdout)
        done = here(capfd, "index", "events", "news.dedup", "--after", "20", "--limit", "1")
        assert re.search(r"─\n +21  [^\n]*\n\nMore with --after 21\n$", done.stdout)
        done = here(capfd, "index", "events", "news.dedup", "--after", str(last - 1), "--limit", "1")
        assert re.search(rf"─\n +{last}  [^\n]*\n$", done.stdout)
        done = here(capfd, "index", "events", "news.dedup", "--after", str(last))
        assert done.stdout == f"No event after {last} in news.dedup\n"

    def test_json(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """--json prints every event of the API, one a line, in however many pages, or at most --limit."""
        with dedup.Index(folder / "news.dedup", shingle_size=1) as index:
            index.add_batch([article(str(number), f"word{number}") for number in range(1200)])
            events = [plain_json(asdict(event)) for event in index.events(limit=5000)]
        assert len(events) == 1200
        for options, expected in (
            ((), events),
            (("--after", "3", "--limit", "2"), events[3:5]),
            (("--limit", "1100"), events[:1100]),
            (("--after", "1200"), []),
        ):
            done = here(capfd, "index", "events", "news.dedup", *options, "--json")
            assert done.returncode == 0
            assert [json.loads(line) for line in done.stdout.splitlines()] == expected

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--after", "99999"), "after must be an integer in [0, "),
            (("--after", "-1"), "after must be an integer in [0, "),
            (("--limit", "0"), "limit must be an integer of at least 1. Got 0."),
        ],
    )
    @pytest.mark.parametrize("options", [(), ("--json",)])
    def test_refuses(
        self,
        arguments: tuple[str, ...],
        message: str,
        options: tuple[str, ...],
        news: Path,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """A position that the log does not have and no events at all are errors."""
        done = here(capfd, "index", "events", "news.dedup", *arguments, *options)
        assert_error(done, message, news.parent, "news.dedup")


class TestStats:
    """`dedup index stats`."""

    def test_shows_counts_and_settings(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """The counts of the API, and the settings under the names of their options."""
        done = here(capfd, "index", "stats", "news.dedup")
        with read(news) as index:
            counts = index.stats()
        assert (done.returncode, done.stderr) == (0, "")
        assert re.match(r"news\.dedup, \d[\d.]* [kM]B\n", done.stdout)
        for name, number in (("documents", counts.documents), ("clusters", counts.clusters), ("events", counts.events)):
            assert re.search(rf"\n{name} +{number}\n", done.stdout)
        assert "\nthreshold      0.5\ncontainment    0.55\n" in done.stdout
        assert done.stdout.endswith("\nprefer         -\nclean          pages\n")

    def test_tells_of_a_crowd(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Where texts met a crowd, a line says what that is."""
        with dedup.Index(folder / "news.dedup", bucket_limit=2) as index:
            index.add_batch([article(str(number), f"{STORY} {OTHER} In {number}.") for number in range(12)])
            crowded = index.stats().crowded
        assert crowded
        done = here(capfd, "index", "stats", "news.dedup")
        assert re.search(rf"\ncrowded texts +{crowded}\n", done.stdout)
        assert "\ncrowded: with more texts alike than are compared with each other\n" in done.stdout

    def test_json(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """--json holds the counts, and every setting that the file keeps."""
        printed = json.loads(here(capfd, "index", "stats", "news.dedup", "--json").stdout)
        with read(news) as index:
            settings = plain_json(asdict(index.config))
            assert printed == {"path": "news.dedup", **asdict(index.stats()), "settings": printed["settings"]}
        assert settings.keys() - printed["settings"].keys() == {"threads"}
        assert settings["keep"].keys() - printed["settings"]["keep"].keys() == {"key"}
        assert printed["settings"]["threshold"] == 0.5


class TestVerify:
    """`dedup index verify`."""

    def test_sound(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A sound index gives exit code 0, and how much was looked at."""
        done = here(capfd, "index", "verify", news.name)
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(r"news\.dedup is sound: 50 documents, \d+ texts, \d+ clusters\n", done.stdout)
        done = here(capfd, "index", "verify", news.name, "--json")
        assert (done.returncode, json.loads(done.stdout)) == (0, {"sound": True, "broken": []})

    def test_broken(self, news: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        """What is broken is listed, each fault on a line of its own, with exit code 1."""
        faults = ["Cluster 3 has no text.", "Text 4, which document 'a\x1b\nb' has, is not there."]
        monkeypatch.setattr(dedup.Index, "verify", lambda _: faults)
        done = here(capfd, "index", "verify", news.name)
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout == (
            "2 faults in news.dedup\n\nCluster 3 has no text.\n"
            r"Text 4, which document 'a\x1b\nb' has, is not there." + "\n"
        )
        done = here(capfd, "index", "verify", news.name, "--json")
        assert (done.returncode, json.loads(done.stdout)) == (1, {"sound": False, "broken": faults})


class TestCompact:
    """`dedup index compact`."""

    def test_gives_back_room(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """The sizes before and after are told, and the index holds what it held."""
        with dedup.Index(news) as index:
            for number in range(20):
                index.add(article("long", f"{number} {STORY} " * 500))
            index.remove("long")
            names = [one.id for one in index]
        size = news.stat().st_size
        done = here(capfd, "index", "compact", "news.dedup")
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(r"news\.dedup: \S+ [kM]B before, \S+ [kM]B now\n", done.stdout)
        assert news.stat().st_size <= size
        with read(news) as index:
            assert [one.id for one in index] == names
            assert index.verify() == []


class TestBackup:
    """`dedup index backup`."""

    def test_copies(self, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """The copy is an index of the same documents, and its size is told."""
        done = here(capfd, "index", "backup", "news.dedup", "copy.dedup")
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(r"Copied to copy\.dedup, \S+ [kM]B\n", done.stdout)
        with read(news) as index, read(news.parent / "copy.dedup") as copy:
            assert list(copy) == list(index)

    @pytest.mark.parametrize("target", ["news.dedup", "there.dedup", "none/copy.dedup"])
    def test_refuses(self, target: str, news: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A file that is there is never written over, and a folder must be there."""
        Path("there.dedup").write_text("mine")
        before = news.read_bytes()
        done = here(capfd, "index", "backup", "news.dedup", target)
        assert_error(done, target, news.parent, "news.dedup", "there.dedup")
        assert (news.read_bytes(), Path("there.dedup").read_text()) == (before, "mine")


class TestEvery:
    """What holds for every command."""

    @pytest.mark.parametrize("name", COMMANDS)
    @pytest.mark.parametrize("file", ["nowhere.dedup", ":memory:", "no.dedup", "empty.dedup", "sub"])
    def test_refuses_what_is_no_index(
        self, name: str, file: str, folder: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """A file that is not there is not made, and what is no index is left as it is."""
        (folder / "no.dedup").write_text("no index\n" * 1000)
        (folder / "empty.dedup").touch()
        (folder / "sub").mkdir()
        message = f"No such file: {file}" if file in {"nowhere.dedup", ":memory:"} else ""
        done = here(capfd, "index", name, file, *COMMANDS[name])
        assert_refused(done, message, folder, "no.dedup", "empty.dedup", "sub")
        assert (folder / "no.dedup").read_text() == "no index\n" * 1000
        assert (folder / "empty.dedup").read_bytes() == b""

    @pytest.mark.parametrize("name", COMMANDS)
    def test_readers_open_read_only(
        self, name: str, news: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """A command that only reads opens the file to read it only."""
        asked = []
        make = dedup.Index.__init__

        def spy(self: dedup.Index, path: str, **options: Any) -> None:
            asked.append(options.get("read_only", False))
            make(self, path, **options)

        monkeypatch.setattr(dedup.Index, "__init__", spy)
        assert here(capfd, "index", name, news, *COMMANDS[name]).returncode == 0
        assert asked == [name in READERS]

    @pytest.mark.parametrize("name", COMMANDS)
    def test_file_is_needed(self, name: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Without the file each command says what is missing."""
        done = here(capfd, "index", name)
        assert_refused(done, f"Try 'dedup index {name} --help'.", folder)
        assert "Missing " in done.stderr

    def test_no_command_shows_the_help(self, capfd: pytest.CaptureFixture[str]) -> None:
        """Without a command the help of the group goes to stderr; an unknown one is an error."""
        done = here(capfd, "index")
        assert (done.returncode, done.stdout) == (2, "")
        assert re.search(r"Commands:\n +create .*\n +add ", done.stderr)
        assert "No such command 'nothing'" in here(capfd, "index", "nothing").stderr

    def test_hostile_texts_are_shown_as_they_are(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """No id, field or fault of an index steers the terminal or begins a line of its own."""
        name = "[red]x[/red]\x1b[31mA\nB\u202e"
        fields = {"source": "[b]S\x1b]0;t\x07\x9b1m", "title": "\r[/]", "published": "[link=x]", "url": "\x1b[2J"}
        write_lines(folder / "in.jsonl", article(name, **fields), article("b", **fields, more={"\x1b": 1}))
        (folder / "in.txt").write_text(STORY)
        assert here(capfd, "index", "add", "news.dedup", "in.jsonl").returncode == 0
        shown = r"[red]x[/red]\x1b[31mA\nB\u202e"
        for command, expected in (
            (("query", "news.dedup", "in.txt"), shown),
            (("get", "news.dedup", name), shown),
            (("get", "news.dedup", "b"), r"\x1b[2J"),
            (("events", "news.dedup"), shown),
            (("remove", "news.dedup", "x\x1b\n"), r"Not there: x\x1b\n"),
        ):
            done = here(capfd, "index", *command)
            assert done.returncode == 0
            assert expected in done.stdout + done.stderr
            assert not STEERING.search(done.stdout + done.stderr)

    @pytest.mark.parametrize("columns", [60, 80])
    def test_fits_the_width(
        self, columns: int, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """No line is wider than the terminal, whatever the ids and titles."""
        monkeypatch.setenv("COLUMNS", str(columns))
        name, title = "x" * 300, "title " * 50
        write_lines(folder / "in.jsonl", article(name, title=title), article("y" * 300, OTHER))
        (folder / "in.txt").write_text(STORY)
        assert here(capfd, "index", "add", "news.dedup", "in.jsonl").returncode == 0
        for command in (("query", "news.dedup", "in.txt"), ("events", "news.dedup"), ("stats", "news.dedup")):
            done = here(capfd, "index", *command)
            assert done.returncode == 0
            assert max(map(len, done.stdout.splitlines())) <= columns

    def test_help_loads_little(self) -> None:
        """--help of a command does not wait for what only the command needs."""
        code = "import sys, atexit; atexit.register(lambda: print('pyarrow' in sys.modules, 'numpy' in sys.modules)); "
        code += "from dedup.cli import main; main(['index', 'add', '--help'])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("\nFalse False\n")

    @pytest.mark.parametrize("name", ["", "create", "add", *COMMANDS])
    def test_examples_work(self, name: str, made: Path, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """The examples of each help run, one after the other, where `seeds` and an index of them are at hand."""
        (folder / "seeds").symlink_to(SEEDS)
        if name not in {"", "create"}:
            shutil.copy(made, folder / "news.dedup")
        done = here(capfd, "index", *filter(None, [name]), "--help")
        examples = re.findall(r"(?m)^ *(dedup .*)$", done.stdout)
        assert examples
        for line in examples:
            assert line.startswith(f"dedup index {name}")
            # A shell is slow, and for what only a shell does.
            ended = in_shell(line, folder) if {"<", ">"} & set(line) else here(capfd, *shlex.split(line)[1:])
            assert (ended.returncode, "error" in ended.stderr) == (0, False), (line, ended.stderr)
