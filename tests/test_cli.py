"""Tests of the command line through its real entry point: exit code, stdout, stderr, and what is written."""

from __future__ import annotations

import errno
import json
import os
import pty
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import dedup
from dedup.cli import main
from dedup.engines.cost import estimate
from dedup.engines.local import STAGES
from dedup.evaluation import LabelledPair, calibrate, evaluate, evaluate_pairs
from dedup.model import LINKS, RELATIONS

pytestmark = pytest.mark.seconds

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "seeds"
SCRIPT = Path(sys.executable).parent / "dedup"
COMMANDS = ("run", "compare", "clean", "plan", "eval", "calibrate")
STORY = "The harbour bridge will close on Friday for the first time in forty years, the council said on Monday."
OTHER = "A kelp farm opened in the bay this week and will employ nine divers until the end of the summer season."
#: What may not reach a terminal: everything that is no letter, digit, sign or line end.
STEERING = re.compile(r"[^\n\x20-\x7e\xa0-\U0010ffff]|[\u202a-\u202e\ud800-\udfff]")

Done = subprocess.CompletedProcess[str]


def call(*arguments: str | Path, cwd: Path | None = None, text: str | None = None, **environment: str) -> Done:
    """Run `python -m dedup` to its end, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "dedup", *map(str, arguments)],
        cwd=cwd,
        input=text,
        env=os.environ | {"COLUMNS": "120", "PYTHONUTF8": "1"} | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def here(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> Done:
    """Run the entry point in this process, for variations of what `call` has shown."""
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    return Done(arguments, int(str(ended.value)), *capfd.readouterr())


def assert_refused(done: Done, message: str, folder: Path, *files: str) -> None:
    """Exit code 2, one line on stderr that holds the message, nothing on stdout, no file but `files` in the folder."""
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"dedup: error: .*\n", done.stderr), done.stderr
    assert message in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)


def write_lines(path: Path, *records: object) -> None:
    """Write records as JSONL."""
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")


@pytest.fixture(scope="module")
def seeds_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where `dedup run` has run on the seeds."""
    return tmp_path_factory.mktemp("seeds")


@pytest.fixture(scope="module")
def seeds_run(seeds_folder: Path) -> Done:
    """`dedup run` on the seeds, for people."""
    return call("run", SEEDS, "--out", "clusters.parquet", "--text", cwd=seeds_folder)


@pytest.fixture(scope="module")
def seeds_json() -> Any:
    """`dedup run` on the seeds, for machines."""
    done = call("run", SEEDS, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


class TestRun:
    """`dedup run`."""

    def test_shows_clusters_other_pairs_and_what_was_stripped(self, seeds_run: Done) -> None:
        """Each cluster shows what is kept, below it what is dropped; then come other pairs, furniture and counts."""
        result = dedup.deduplicate(SEEDS)
        assert (seeds_run.returncode, seeds_run.stderr) == (0, "")
        shown = seeds_run.stdout
        for cluster in result.clusters:
            if cluster.size > 1:
                pattern = "\n".join(
                    f"  {re.escape(member)} .* (exact|duplicate|version|excerpt) .*" for member in cluster.members[1:]
                )
                assert re.search(rf"\n{re.escape(cluster.canonical)} .*kept\n{pattern}\n", shown)
        assert re.search(r"\nharbour-gazette +overlap +harbour-inquiry +0\.\d{3} +\d+ % +\d+ %\n", shown)
        assert re.search(r"\nmetadata +date-marker +\d+ +\d+ +\d+\n", shown)
        assert re.search(
            r"\n50 documents \(6 from pages\): 27 kept, 23 dropped, 1 empty; 11 clusters; \d+\.\d+ s\n", shown
        )
        assert shown.endswith("Written to clusters.parquet\n")

    def test_writes_one_row_per_document(self, seeds_run: Done, seeds_folder: Path) -> None:
        """--out is the table of the API, with the texts where --text asks for them."""
        assert seeds_run.returncode == 0
        assert pq.read_table(seeds_folder / "clusters.parquet").equals(dedup.deduplicate(SEEDS).to_arrow(text=True))

    def test_clusters_are_those_of_the_labels(self, seeds_json: Any) -> None:
        """On the seeds, documents and items are in one cluster exactly when they have the same story."""
        stories: dict[str, set[str]] = {}
        for line in (SEEDS / "labels.jsonl").read_text(encoding="utf-8").splitlines():
            label = json.loads(line)
            stories.setdefault(label["story"] or "no story", set()).add(label["id"])
        clusters = {frozenset(cluster["members"]) for cluster in seeds_json["clusters"]}
        assert clusters == {frozenset(members) for members in stories.values()}

    def test_json_is_the_answer_of_the_api(self, seeds_json: Any) -> None:
        """--json holds the summary, every cluster, every drop, every other pair and cover, and nothing else."""
        result = dedup.deduplicate(SEEDS)
        lists = {"clusters", "dropped", "related", "covers", "alarms", "skipped"}
        assert set(seeds_json) == {"summary", "output", *lists}
        assert seeds_json["summary"] == result.summary()
        assert [(cluster["canonical"], tuple(cluster["members"])) for cluster in seeds_json["clusters"]] == [
            (cluster.canonical, cluster.members) for cluster in result.clusters
        ]
        names = ("canonical", "relation", "jaccard", "containment", "containment_canonical")
        assert seeds_json["dropped"] == [
            {"id": drop.article.id} | {name: getattr(drop, name) for name in names} for drop in result.dropped
        ]
        related = [pair for pair in result.pairs.to_pylist() if pair["relation"] not in LINKS]
        assert seeds_json["related"] == sorted(related, key=lambda pair: RELATIONS.index(pair["relation"]))
        assert seeds_json["covers"] == {page: asdict(cover) for page, cover in result.covers.items()}
        assert (seeds_json["alarms"], seeds_json["skipped"], seeds_json["output"]) == ([], [], None)

    def test_options_reach_the_settings(self, capfd: pytest.CaptureFixture[str]) -> None:
        """Every option gives the result that its setting gives."""
        options = (
            "--threshold .7 --containment .9 --recall .9 --shingle-size 2 --slots 64 --seed 7 --threads 1 "
            "--overlap .2 --min-passage 12 --min-excerpt 20"
        )
        done = here(capfd, "run", SEEDS, *options.split(), "--linkage", "components", "--clean", "off", "--json")
        result = dedup.deduplicate(
            SEEDS,
            threshold=0.7,
            containment=0.9,
            recall=0.9,
            shingle_size=2,
            num_slots=64,
            seed=7,
            threads=1,
            linkage="components",
            clean="off",
            overlap=0.2,
            min_passage=12,
            min_excerpt=20,
        )
        assert json.loads(done.stdout)["summary"] == result.summary()

    def test_preferred_outlets_are_kept(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """--prefer puts outlets first, in the order they are given, and --min-keep keeps more than one."""
        rows = [{"id": name, "text": STORY, "source": name} for name in ("alpha", "beta", "gamma")]
        write_lines(tmp_path / "in.jsonl", *rows)
        options = ("--prefer", "Gamma", "--prefer", "beta", "--min-keep", "2", "--json")
        record = json.loads(here(capfd, "run", tmp_path / "in.jsonl", *options).stdout)
        assert [cluster["members"] for cluster in record["clusters"]] == [["gamma", "beta", "alpha"]]
        assert [drop["id"] for drop in record["dropped"]] == ["alpha"]
        assert here(capfd, "run", tmp_path / "in.jsonl", "--min-keep", "0").returncode == 2

    def test_connected_documents_have_no_scores(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """A member that is linked through others only is shown as `connected`; in JSON its scores are null."""
        monkeypatch.chdir(tmp_path)
        words = [f"word{number}" for number in range(110)]
        texts = [" ".join(words[start : start + 50]) for start in (0, 15, 30, 45, 60)]
        write_lines(tmp_path / "in.jsonl", *({"id": f"d{number}", "text": text} for number, text in enumerate(texts)))
        options = ("--linkage", "components", "--containment", "1")
        shown = here(capfd, "run", "in.jsonl", *options).stdout
        dropped = json.loads(here(capfd, "run", "in.jsonl", *options, "--json").stdout)["dropped"]
        unlinked = [(drop["id"], drop["jaccard"]) for drop in dropped if drop["relation"] is None]
        assert unlinked == [("d2", None), ("d3", None), ("d4", None)]
        assert re.search(r"  d4 +connected +- +- % +- %", shown)

    def test_limit(self, capfd: pytest.CaptureFixture[str]) -> None:
        """--limit bounds every list, and says how much it leaves out."""
        done = here(capfd, "run", SEEDS, "--limit", "2")
        assert done.returncode == 0
        assert "\n  and 3 more\n" in done.stdout
        assert "\nand 9 more clusters\n" in done.stdout
        assert "\nand 4 more pairs\n" in done.stdout

    def test_notes_on_stderr(self, tmp_path: Path) -> None:
        """Made ids and skipped rows are noted: the first five rows with the reason, the others as a count."""
        bad = "not json\n" * 7
        (tmp_path / "in.jsonl").write_text(json.dumps({"text": STORY}) + "\n" + bad, encoding="utf-8")
        done = call("run", "in.jsonl", "--on-error", "skip", cwd=tmp_path)
        assert done.returncode == 0
        lines = done.stderr.splitlines()
        assert "no ids" in lines[0]
        assert lines[1] == "dedup: note: 7 of 8 rows skipped:"
        assert lines[2].startswith("dedup: note:   in.jsonl, line 2: not valid JSON")
        assert lines[7] == "dedup: note:   and 2 more"
        assert len(lines) == 8
        assert "No two documents are the same text" in done.stdout

    def test_notes_capped_buckets(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Where too many texts are alike to compare all pairs, stderr says how many pairs were left out."""
        texts = (f"{STORY} {OTHER} Printed in {number}." for number in range(300))
        write_lines(tmp_path / "in.jsonl", *({"id": str(number), "text": text} for number, text in enumerate(texts)))
        done = here(capfd, "run", tmp_path / "in.jsonl")
        assert done.returncode == 0
        assert re.fullmatch(
            r"dedup: note: \d+ buckets over the limit: at most [\d,]+ pairs in them were not compared.\n", done.stderr
        )
        assert "\n  and 279 more\n" in done.stdout

    def test_skipped_rows_in_json(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """--json lists every skipped row and the name of the output."""
        write_lines(tmp_path / "in.jsonl", {"id": "a", "text": STORY}, {"id": "b"}, {"id": "c", "text": STORY})
        monkeypatch.chdir(tmp_path)
        done = here(capfd, "run", "in.jsonl", "--on-error=skip", "--json", "--out", "out.csv")
        found = json.loads(done.stdout)
        assert found["output"] == "out.csv"
        assert [(row["where"], row["row"]) for row in found["skipped"]] == [("in.jsonl", 2)]
        assert (tmp_path / "out.csv").is_file()

    def test_report(self, tmp_path: Path) -> None:
        """--report writes the page of the result and says where, also with --json, which says nothing of it."""
        dedup.deduplicate(SEEDS).report(tmp_path / "expected.html")
        done = call("run", SEEDS, "--report", "report.html", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("\nReport written to report.html\n")
        assert (tmp_path / "report.html").read_bytes() == (tmp_path / "expected.html").read_bytes()
        done = call("run", SEEDS, "--report", "again.html", "--json", cwd=tmp_path)
        assert json.loads(done.stdout)["summary"] == dedup.deduplicate(SEEDS).summary()
        assert (tmp_path / "again.html").read_bytes() == (tmp_path / "expected.html").read_bytes()

    def test_report_needs_its_extra(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Without jinja2 a report is refused before any work, with the pip line."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setitem(sys.modules, "jinja2", None)
        done = here(capfd, "run", SEEDS, "--out", "out.csv", "--report", "report.html")
        assert_refused(done, "pip install 'dedup[report]'", tmp_path)

    def test_hostile_texts_are_shown_as_they_are(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Markup, escape sequences, line ends and marks of direction come out literally or as escapes."""
        for_ids = "[red]x[/red]\x1b[31mA\nB\u202e"
        record = {"text": STORY, "source": "[b]S\x1b]0;t\x07\x9b1m", "title": "\ud800\r[/]", "published": "[link=x]"}
        write_lines(tmp_path / "in.jsonl", *(record | {"id": f"{number}{for_ids}"} for number in range(2)))
        done = call("run", "in.jsonl", cwd=tmp_path, COLUMNS="200")
        assert done.returncode == 0
        assert r"0[red]x[/red]\x1b[31mA\nB\u202e" in done.stdout
        assert r"[b]S\x1b]0;t\x07\x9b1m · [link=x] · \ud800\r[/]" in done.stdout
        assert not STEERING.search(done.stdout)
        write_lines(tmp_path / "in.jsonl", *(record | {"id": for_ids} for _ in range(2)))
        monkeypatch.chdir(tmp_path)
        assert_refused(here(capfd, "run", "in.jsonl"), "stands twice", tmp_path, "in.jsonl")

    @pytest.mark.parametrize("columns", [60, 80, 140])
    def test_fits_the_width(
        self, columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """No line is wider than the terminal: what is longer ends in an ellipsis."""
        monkeypatch.setenv("COLUMNS", str(columns))
        long = {"text": STORY, "title": "title " * 50, "source": "日本語の新聞社" * 9}
        write_lines(tmp_path / "in.jsonl", *(long | {"id": f"{number}{'x' * 300}"} for number in range(2)))
        done = here(capfd, "run", tmp_path / "in.jsonl")
        assert done.returncode == 0
        assert "…" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= columns
        assert re.search(r"exact +1\.000 +100 % +100 %", done.stdout)

    def test_output_without_unicode(self, tmp_path: Path) -> None:
        """Where the output's encoding lacks a character, a question mark stands for it."""
        write_lines(tmp_path / "in.jsonl", *({"text": STORY, "title": "日本"} for _ in range(2)))
        done = call("run", "in.jsonl", cwd=tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert done.returncode == 0
        assert "??" in done.stdout

    @pytest.fixture
    def inputs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Good and bad input files in the working folder; their names."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "bad.jsonl").write_text("x\n")
        (tmp_path / "secret.txt").write_bytes(b"\xff")
        (tmp_path / "column.csv").write_text("id,body\n1,x\n")
        write_lines(tmp_path / "twice.jsonl", *({"id": name, "text": STORY} for name in "aba"))
        write_lines(tmp_path / "good.jsonl", {"id": "a", "text": STORY})
        return [path.name for path in tmp_path.iterdir()]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("nowhere",), "No such file or folder: nowhere"),
            (("secret.txt",), "secret.txt: not valid UTF-8 at byte 0."),
            (("column.csv",), "column.csv has no column 'text'. The columns are: "),
            (("twice.jsonl",), "id 'a' stands twice: twice.jsonl, line 1 and line 3."),
            (("good.jsonl", "--threshold", "1.5"), "threshold must be in (0.0, 1.0]. Got 1.5."),
            (("good.jsonl", "--out", "out.xlsx"), "A file to write must end with one of"),
            ((), "Missing argument 'INPUT'. Try 'dedup run --help'."),
        ],
    )
    def test_refuses(self, arguments: tuple[str, ...], message: str, tmp_path: Path, inputs: list[str]) -> None:
        """Bad input and bad arguments end with one clear line and exit code 2, and nothing is written."""
        assert_refused(call("run", "--out", "out.csv", *arguments, cwd=tmp_path), message, tmp_path, *inputs)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("bad.jsonl",), "bad.jsonl, line 1: not valid JSON"),
            (("good.jsonl", "--slots", "100"), "num_slots must be a power of two"),
            (("good.jsonl", "--linkage", "none"), "linkage must be one of"),
            (("good.jsonl", "--clean", "none"), "clean must be one of 'auto', 'pages', 'off'. Got 'none'."),
            (("good.jsonl", "--on-error", "none"), "on_error must be one of"),
            (("good.jsonl", "--limit", "-1"), "limit must be an integer of at least 0. Got -1."),
            (("good.jsonl", "--out", "none/out.csv"), "no such folder"),
            (("good.jsonl", "--out", "./good.jsonl"), "out must be another file than the input"),
            (("good.jsonl", "--out", "", "--text"), "--text must come with --out"),
            (("good.jsonl", "--report", "out.pdf"), "A file to write must end with one of .html, .htm. Got out.pdf."),
            (("good.jsonl", "--report", "none/out.html"), "no such folder"),
            (("good.jsonl", "--threshold", "high"), "Invalid value for '--threshold'"),
            (("good.jsonl", "--nothing"), "No such option: --nothing"),
        ],
    )
    def test_refuses_more(
        self,
        arguments: tuple[str, ...],
        message: str,
        tmp_path: Path,
        inputs: list[str],
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """The same for every other argument."""
        assert_refused(here(capfd, "run", "--out", "out.csv", *arguments), message, tmp_path, *inputs)

    def test_interrupt(self, tmp_path: Path) -> None:
        """Ctrl-C gives exit code 130, without a traceback and without a file."""
        os.mkfifo(tmp_path / "in.jsonl")
        command = [sys.executable, "-m", "dedup", "run", "in.jsonl", "--out", "out.csv"]
        with (
            subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
            # To open it waits for the process to read, which then waits for a line.
            (tmp_path / "in.jsonl").open("wb"),
        ):
            process.send_signal(signal.SIGINT)
            printed = process.communicate(timeout=60)
        assert (process.returncode, *printed) == (130, b"", b"")
        assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]

    @pytest.mark.parametrize("arguments", [("run", SEEDS), ("clean", SEEDS / "tram-echo.txt")])
    def test_closed_pipe(self, arguments: tuple[str, ...]) -> None:
        """When nobody reads stdout any more, the command ends quietly."""
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "dedup", *arguments], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")

    def test_progress_in_a_terminal(self) -> None:
        """Where stderr is a terminal, and only there, it shows how far each stage is."""
        printed = in_terminal("run", str(SEEDS), "--json", stream="stderr")
        assert "sketch" in printed
        assert "verify" in printed


def in_terminal(*arguments: str, stream: str) -> str:
    """Run the command with one of its streams in a terminal, and return what it printed there."""
    terminal, end = pty.openpty()
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | {stream: end}
    command = [sys.executable, "-m", "dedup", *arguments]
    with subprocess.Popen(command, stdout=streams["stdout"], stderr=streams["stderr"]) as process:
        os.close(end)
        printed = b""
        try:
            while piece := os.read(terminal, 65536):
                printed += piece
        except OSError:  # what Linux says when the last end is closed
            pass
        os.close(terminal)
    assert process.returncode == 0
    return printed.decode()


class TestCompare:
    """`dedup compare`."""

    def test_shows_relation_scores_and_what_was_stripped(self, capfd: pytest.CaptureFixture[str]) -> None:
        """The relation and the scores of the API, and by which rule each side lost what."""
        left, right = SEEDS / "harbour-gazette.txt", SEEDS / "harbour-mercury.txt"
        done = here(capfd, "compare", left, right)
        found = dedup.compare(left.read_bytes().decode(), right.read_bytes().decode())
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("duplicate, Jaccard 0.755\n")
        assert re.search(rf"different shingles +{found.shingles_left} +{found.shingles_right}\n", done.stdout)
        assert re.search(r"Stripped from left\n.*\n.*\nmetadata +date-marker +1 +17 +1\n", done.stdout)
        assert "Stripped from right" not in done.stdout

    def test_json_and_stdin(self) -> None:
        """- is stdin, and --json holds every field of the comparison."""
        name = SEEDS / "aggregator-dayloom.txt"
        text = (SEEDS / "tram-tribune.txt").read_bytes().decode()
        done = call("compare", name, "-", "--clean", "off", "--json", text=text)
        page = name.read_bytes().decode()
        found = dedup.compare(page, text, clean="off")
        printed = json.loads(done.stdout)
        for field, steps in (("passages", found.passages), ("edits", found.edits)):
            assert printed.pop(field) == [
                asdict(step)
                | {"left": page[step.left_start : step.left_end], "right": text[step.right_start : step.right_end]}
                for step in steps
            ]
        assert (printed.pop("bands"), printed.pop("bands_of_plan")) == (list(found.bands), dedup.plan(0.5).bands)
        nothing: dict[str, object] = {"removed": [], "items": [], "metadata": {}, "attribution": None}
        assert printed.pop("left") == nothing
        assert printed.pop("right") == nothing
        assert printed == {name: getattr(found, name) for name in printed}
        assert printed["relation"] != dedup.compare(page, text).relation

    def test_shows_what_is_shared_and_what_differs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Passages with their places, longest first; changes in signs, with a few words around; equal bands."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "120")
        left = f"{STORY}\n\n{OTHER} The tide, he said, was late."
        right = f"{OTHER.replace('nine divers', 'ten divers')} “The tide,” she said, was late.\n{STORY} More follows."
        Path("a.txt").write_text(left, encoding="utf-8")
        Path("b.txt").write_text(right, encoding="utf-8")
        done = here(capfd, "compare", "a.txt", "b.txt")
        found = dedup.compare(left, right)
        assert done.returncode == 0
        assert f"{len(found.bands)} of 35 bands, counted from 0: {', '.join(map(str, found.bands))}\n" in done.stdout
        shown = re.findall(r"^ +(\d+)  (\S.*\S) +(\d+:\d+) +(\d+:\d+)(  moved)?$", done.stdout, re.MULTILINE)
        assert [(words, text.strip(), *rest) for words, text, *rest in shown] == [
            ("19", "The harbour bridge will close on Friday for the first time …", "1:1", "2:1", "  moved"),
            ("12", "A kelp farm opened in the bay this week and will employ", "3:1", "1:1", ""),
            ("10", "divers until the end of the summer season. The tide", "3:62", "1:61", ""),
            ("3", "said, was late", "3:118", "1:120", ""),
        ]
        assert "… in the bay this week and will employ [-nine-] {+ten+} divers until the end of" in done.stdout
        assert re.search(r"season. The\s+tide, \[-he-\] \{\+she\+\} said, was late.", done.stdout)
        done = here(capfd, "compare", "a.txt", "b.txt", "--limit", "1")
        assert "and 3 more passages" in done.stdout
        assert "and 2 more places" in done.stdout

    @pytest.mark.parametrize("turned", [False, True])
    def test_furniture_is_no_part_of_a_change(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *, turned: bool
    ) -> None:
        """What cleaning removed before, in or behind a change or a passage is not shown, and hides nothing."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "120")
        menu = "\n".join(["Home", "News", "Sport", "Weather", *["Subscribe to our newsletter"] * 9])
        page = f"{menu}\n{STORY}\n\nRead more: the winter storms\n\n{OTHER}\n{menu}\n"
        text = STORY.replace("The", "One", 1).replace("Monday", "Sunday") + "\n\n" + OTHER.replace("A kelp", "The kelp")
        text = text.replace("summer season", "winter")
        Path("a.txt").write_text(page, encoding="utf-8")
        Path("b.txt").write_text(text, encoding="utf-8")
        done = here(capfd, "compare", *(("b.txt", "a.txt") if turned else ("a.txt", "b.txt")))
        changes = (
            ("The", "One", "harbour bridge will close"),
            ("Monday. A", "Sunday. The", "kelp farm opened"),
            ("summer season.", "winter.", ""),
        )
        for gone, came, after in changes:
            one, other = (came, gone) if turned else (gone, came)
            assert f"[-{one}-] {{+{other}+}} {after}".rstrip() in done.stdout
        for furniture in ("Home", "News", "newsletter", "Weather", "Read more"):
            assert furniture not in done.stdout

    def test_hostile_texts_are_shown_as_they_are(self, tmp_path: Path) -> None:
        """Markup, escape sequences and marks of direction in passages and changes come out literally or as escapes."""
        hostile = "[red]wall[/red] \x1b[31mholds\x1b[0m \u202efor\x9b1m now [/] \x1b]0;t\x07 he said\r\u2028 on Monday"
        (tmp_path / "a.txt").write_text(hostile, encoding="utf-8")
        (tmp_path / "b.txt").write_text(f"[b]{hostile} \x1b[2J{{+x+}} [link=x]", encoding="utf-8")
        done = call("compare", "a.txt", "b.txt", cwd=tmp_path)
        assert done.returncode == 0
        assert not STEERING.search(done.stdout)
        assert r"[red]wall[/red] \x1b[31mholds\x1b[0m" in done.stdout
        assert r"\x1b[2J{+x+} [link=x]+}" in done.stdout

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("-", "-"), "only one of the two texts can be stdin"),
            (("-", "b.txt", "--limit", "-1"), "limit must be an integer of at least 0. Got -1."),
            (("none.txt", "-"), "Cannot read none.txt: No such file or directory."),
            ((".", "."), "Cannot read .: Is a directory."),
            (("a.jsonl.gz", "-"), "a.jsonl.gz must be one text, in a file of any other name. Got records (.jsonl.gz)."),
            (("-",), "Missing argument 'B'."),
        ],
    )
    def test_refuses(
        self,
        arguments: tuple[str, ...],
        message: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """A text that cannot be read is an error."""
        monkeypatch.chdir(tmp_path)
        assert_refused(here(capfd, "compare", *arguments), message, tmp_path)


class TestClean:
    """`dedup clean`."""

    def test_stdout_is_the_clean_text(self) -> None:
        """Away from a terminal stdout is the clean text to the byte; what was removed stands on stderr."""
        page = SEEDS / "aggregator-pagewren.txt"
        done = subprocess.run(
            [sys.executable, "-m", "dedup", "clean", page], capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0
        assert done.stdout == dedup.clean(page.read_bytes().decode()).text.encode()
        assert re.search(r"related +related-story +2 +[\d,]+ +1\n", done.stderr.decode())
        assert "Lighthouse sold" in done.stderr.decode()

    def test_json(self) -> None:
        """--json holds the clean text, each removed span with its text, the items and the metadata."""
        text = (SEEDS / "kelp-farm.txt").read_bytes().decode()
        done = call("clean", "-", "--json", text=text)
        printed, found = json.loads(done.stdout), dedup.clean(text)
        assert done.stderr == ""
        assert (printed["text"], printed["metadata"]) == (found.text, found.metadata)
        assert printed["attribution"] is None
        assert [span["text"] for span in printed["removed"]] == [text[span.start : span.end] for span in found.removed]
        assert {"start", "end", "kind", "rule"} < set(printed["removed"][0])
        assert printed["items"] == []

    def test_hostile_text_in_a_terminal(self, tmp_path: Path) -> None:
        """In a terminal, what would steer it comes out as an escape, and the last line ends."""
        (tmp_path / "page.txt").write_text("One\ttwo \x1b]0;title\x07\x1b[31m red\r\nthree")
        printed = in_terminal("clean", str(tmp_path / "page.txt"), stream="stdout")
        assert printed == "One    two \\x1b]0;title\\x07\\x1b[31m red\r\nthree\r\n"

    def test_refuses_undecodable_text(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Bytes that are not UTF-8, such as an encoded surrogate, are an error that names the place."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "page.txt").write_bytes(b"ab\xed\xa0\x80")
        done = here(capfd, "clean", "page.txt")
        assert_refused(done, "page.txt is not valid UTF-8 at byte 2.", tmp_path, "page.txt")


class TestPlan:
    """`dedup plan`."""

    def test_shows_the_plan(self, capfd: pytest.CaptureFixture[str]) -> None:
        """Bands, rows, recall, bytes and the curve, with the threshold marked on it."""
        done = here(capfd, "plan", "--threshold", "0.55", "--documents", "1000")
        found = dedup.plan(0.55)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{found.bands} bands of {found.rows} rows\n")
        assert re.search(r"\n +0\.55 +99\.\d\d % +█+ +threshold\n", done.stdout)
        assert re.search(r"\n +0\.1 +\d+\.\d\d % ", done.stdout)
        assert re.search(rf"\nbytes per document +{found.bytes_per_document}\n", done.stdout)

    def test_json(self, capfd: pytest.CaptureFixture[str]) -> None:
        """--json holds the plan, its recall, its costs and the curve."""
        printed = json.loads(here(capfd, "plan", "--json").stdout)
        found = dedup.plan(0.5)
        assert (printed["bands"], printed["rows"], printed["recall"]) == (found.bands, found.rows, found.recall)
        assert printed["false_candidates"] == found.false_candidates(1_000_000)
        assert printed["curve"][4] == {"jaccard": 0.5, "probability": found.recall}

    def test_refuses_what_cannot_be_reached(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A recall that the slots cannot give is an error that says what they can."""
        done = here(capfd, "plan", "--threshold", "0.1", "--slots", "16", "--recall", "0.999")
        assert_refused(done, "recall must be at most 0.8146", tmp_path)


@pytest.fixture(scope="module")
def labelled(seeds_run: Done, seeds_folder: Path) -> Path:
    """A folder with the clusters of the seeds, labels of another name and kind for some, and labelled pairs."""
    assert seeds_run.returncode == 0
    rows = [("harbour-gazette", "wall"), ("harbour-mercury", "wall"), ("harbour-night", ""), ("nowhere", "")]
    (seeds_folder / "labels.csv").write_text("id,topic\n" + "".join(f"{a},{b}\n" for a, b in rows))
    pair = {"left": "harbour-gazette", "right": "harbour-mercury", "linked": True}
    apart = {"left": "harbour-gazette", "right": "harbour-inquiry", "linked": False, "relation": "overlap"}
    write_lines(seeds_folder / "pairs.jsonl", pair | {"relation": "duplicate", "edits": ["cut", "quotes"]}, apart)
    csv = 'left,right,linked,relation,edits\nharbour-gazette,harbour-mercury,True,duplicate,"[""cut"", ""quotes""]"\n'
    csv += "harbour-gazette,harbour-inquiry,false,overlap,\n"
    (seeds_folder / "pairs.csv").write_text(csv)
    return seeds_folder


class TestEval:
    """`dedup eval`."""

    def test_the_seeds_are_perfect(self, labelled: Path) -> None:
        """On the seeds every score and both ends of every interval are 1.000."""
        done = call("eval", SEEDS / "labels.jsonl", "clusters.parquet", cwd=labelled, COLUMNS="80")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("50 documents, 27 stories\n")
        assert len(re.findall(r"(?m)^\S.* 1\.000  1\.000 to 1\.000$", done.stdout)) == 8
        assert "…" not in done.stdout
        assert "Without a label" not in done.stdout
        assert "Not in the clusters" not in done.stdout
        assert "One without width" in done.stdout

    def test_tells_what_is_missing(self, labelled: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Labels of a column of one's own; an empty label is None; what one side lacks is counted."""
        options = ("--label", "topic", "--resamples", "10")
        done = here(capfd, "eval", labelled / "labels.csv", labelled / "clusters.parquet", *options)
        assert done.stdout.startswith("4 documents, 3 stories\n")
        assert "\nIntervals from 10 resamples;" in done.stdout
        assert "\nNot in the clusters: 1 labelled document, each scored as alone.\n" in done.stdout
        assert done.stdout.endswith("\nWithout a label: 47 documents, left out.\n")

    @pytest.mark.parametrize("pairs", ["pairs.jsonl", "pairs.csv"])
    def test_labelled_pairs(self, pairs: str, labelled: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """--pairs scores pairs overall, by relation and by edit, from JSONL and CSV alike."""
        arguments = ("eval", SEEDS / "labels.jsonl", labelled / "clusters.parquet", "--pairs", labelled / pairs)
        shown = here(capfd, *arguments).stdout
        assert "\n2 labelled pairs\n" in shown
        assert re.search(r"\nduplicate +one story +1 +1\.000 +-\noverlap +two stories +1 +0\.000 +-\n", shown)
        assert re.search(r"\ncut +one story +1 +1\.000 +-\nquotes +one story +1 +1\.000 +-\n", shown)
        printed = json.loads(here(capfd, *arguments, "--json").stdout)["pairs"]
        clusters = dedup.deduplicate(SEEDS)
        expected = evaluate_pairs(
            [
                LabelledPair("harbour-gazette", "harbour-mercury", True, "duplicate", ("cut", "quotes")),
                LabelledPair("harbour-gazette", "harbour-inquiry", False, "overlap"),
            ],
            clusters,
        )
        assert [score["name"] for score in printed["by_edit"]] == [score.name for score in expected.by_edit]
        assert printed["precision"] == {"value": expected.precision.value, "low": None, "high": None}

    def test_json(self, labelled: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """--json holds every field of the evaluation, null where there is no number."""
        done = here(capfd, "eval", labelled / "labels.csv", labelled / "clusters.parquet", "--label", "topic", "--json")
        labels = {"harbour-gazette": "wall", "harbour-mercury": "wall", "harbour-night": None, "nowhere": None}
        printed = json.loads(done.stdout)
        assert printed.pop("pairs") is None
        assert printed == asdict(evaluate(labels, dedup.deduplicate(SEEDS)))
        (labelled / "one.jsonl").write_text('{"id": "harbour-night", "story": 1}\n')
        done = here(capfd, "eval", labelled / "one.jsonl", labelled / "clusters.parquet", "--json")
        assert json.loads(done.stdout)["ari"] == {"value": 1.0, "low": None, "high": None}

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ([{"id": "a"}], "in.jsonl, line 1: story is missing. The fields are: 'id'."),
            ([{"id": "a", "story": 1}, {"id": "a", "story": 1}], "id 'a' stands twice in in.jsonl."),
            ([{"id": 1, "story": 1}, {"id": "1", "story": 1}], "id '1' stands twice in in.jsonl."),
            ([{"id": None, "story": 1}], "An id in in.jsonl must be a str that is not empty, or an int. Got None."),
            ([{"id": "a", "story": [1]}], "labels must map to str, int or None. Got [1]."),
            ([3], "in.jsonl, line 1: a line must be a JSON object, each article on a line of its own."),
        ],
    )
    def test_refuses_bad_labels(
        self,
        lines: list[object],
        message: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """A bad row of the labels is named, with exit code 2."""
        monkeypatch.chdir(tmp_path)
        write_lines(tmp_path / "in.jsonl", *lines)
        write_lines(tmp_path / "out.jsonl", {"id": "a", "cluster": "a"})
        assert_refused(here(capfd, "eval", "in.jsonl", "out.jsonl"), message, tmp_path, "in.jsonl", "out.jsonl")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("in.csv", "none.csv"), "No such file or folder: none.csv"),
            (("in.csv", "out.txt"), "A file of records must end with one of .jsonl, "),
            (("in.csv", "in.csv"), "in.csv has no column 'cluster'. The columns are: 'id', 'story'"),
            (("in.csv", "out.csv", "--label", "topic"), "in.csv has no column 'topic'."),
            (("in.csv", "out.csv", "--pairs", "in.csv"), "in.csv has no column 'left'."),
            (("head.csv", "out.csv"), "No id of head.csv is in out.csv: it has none."),
            (("other.csv", "out.csv"), "No id of other.csv is in out.csv: its first is 'x'."),
            (("in.csv", "out.csv", "--pairs", "far.csv"), "No id of far.csv is in out.csv: its first is 'x'."),
            (("in.csv", "out.csv", "--pairs", "none.csv"), "No such file or folder: none.csv"),
            (("in.csv", "out.csv", "--resamples", "0"), "resamples must be an integer of at least 1. Got 0."),
            (("in.csv",), "Missing argument 'CLUSTERS'."),
        ],
    )
    def test_refuses(
        self,
        arguments: tuple[str, ...],
        message: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """A file that is not there, of another kind or without a column, and a bad number are errors."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "in.csv").write_text("id,story\na,1\n")
        (tmp_path / "out.csv").write_text("id,cluster\na,1\n")
        (tmp_path / "out.txt").write_text("")
        (tmp_path / "head.csv").write_text("id,story\n")
        (tmp_path / "other.csv").write_text("id,story\nx,1\ny,1\n")
        (tmp_path / "far.csv").write_text("left,right,linked\nx,y,true\n")
        files = ("in.csv", "out.csv", "out.txt", "head.csv", "other.csv", "far.csv")
        assert_refused(here(capfd, "eval", *arguments), message, tmp_path, *files)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"linked": "maybe"}, "linked must be true or false. Got 'maybe'."),
            ({"right": "a"}, "right must be another document than left. Got 'a'."),
            ({"edits": "[abc"}, "edits must be a JSON list, or text that does not begin as one. Got '[abc'."),
            ({"edits": "[" * 100_000}, "edits must be a JSON list, "),
            ({"relation": 3}, "relation must be a str. Got 3."),
            ({"left": None}, "An id in pairs.jsonl must be a str that is not empty, or an int. Got None."),
        ],
    )
    def test_refuses_bad_pairs(
        self,
        changed: dict[str, object],
        message: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """A bad row of the pairs is named with its file, counted from 1, with exit code 2."""
        monkeypatch.chdir(tmp_path)
        write_lines(tmp_path / "in.jsonl", {"id": "a", "story": 1, "cluster": 1})
        pair: dict[str, object] = {"left": "a", "right": "b", "linked": True}
        write_lines(tmp_path / "pairs.jsonl", pair, pair | changed)
        done = here(capfd, "eval", "in.jsonl", "in.jsonl", "--pairs", "pairs.jsonl")
        assert_refused(done, f"pairs.jsonl, row 2: {message}", tmp_path, "in.jsonl", "pairs.jsonl")


class TestCalibrate:
    """`dedup calibrate`."""

    def test_shows_the_recommendation_and_its_curve(self, capfd: pytest.CaptureFixture[str]) -> None:
        """What to set, why, the curve with the threshold marked, and the command that does it."""
        done = here(capfd, "calibrate", SEEDS)
        found = calibrate(SEEDS)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(
            f"threshold {found.threshold:g}, {found.shingle_size} words per shingle\n\n{found.reason[:60]}"
        )
        assert len(re.findall(r"(?m)^ +0\.\d\d +(?:recommended +)?[\d,]+ +[\d,]+$", done.stdout)) == 19
        assert re.search(rf"\n +{found.threshold:.2f} +recommended ", done.stdout)
        assert done.stdout.endswith(
            f"\ndedup run {SEEDS} --threshold {found.threshold:g} --shingle-size {found.shingle_size}\n"
        )

    def test_with_labels(self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """--labels adds precision, recall and F1, within the width of a terminal."""
        monkeypatch.setenv("COLUMNS", "80")
        done = here(capfd, "calibrate", SEEDS, "--labels", SEEDS / "labels.jsonl")
        assert re.search(r"\nthreshold +pairs +near +precision +recall +F1 +95 % interval\n", done.stdout)
        assert re.search(r"(?m)^ +0\.50 +recommended +40 +\d+( +1\.000){3} +1\.000 to 1\.000$", done.stdout)
        assert "0.30 to 0.80 are equally good." in " ".join(done.stdout.split())

    def test_too_few_pairs(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A sample that decides nothing gives the defaults, and says that they are."""
        write_lines(tmp_path / "in.jsonl", {"id": "a", "text": STORY}, {"id": "b", "text": OTHER})
        shown = here(capfd, "calibrate", tmp_path / "in.jsonl").stdout
        assert shown.startswith("threshold 0.5, 3 words per shingle\n\n0 pairs are linked at 0.3, too few to decide")
        assert re.search(r"\n +0\.50 +default +0 +0\n", shown)

    def test_json(self, capfd: pytest.CaptureFixture[str]) -> None:
        """--json holds the whole calibration, with the curves of all shingle sizes."""
        printed = json.loads(here(capfd, "calibrate", SEEDS, "--json").stdout)
        assert printed == json.loads(json.dumps(asdict(calibrate(SEEDS))))
        assert {point["shingle_size"] for point in printed["curve"]} == {2, 3, 4, 5}

    def test_refuses(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A sample that is too large is an error that says what to take, and so are labels of other documents."""
        write_lines(tmp_path / "in.jsonl", *({"id": str(number), "text": "x"} for number in range(2001)))
        done = here(capfd, "calibrate", tmp_path / "in.jsonl")
        assert_refused(done, "sample must be at most 2000 documents. Got 2001.", tmp_path, "in.jsonl")
        write_lines(tmp_path / "labels.jsonl", {"id": "x", "story": 1})
        done = here(capfd, "calibrate", SEEDS, "--labels", tmp_path / "labels.jsonl")
        assert_refused(
            done, "labels must have the id of a document of the sample.", tmp_path, "in.jsonl", "labels.jsonl"
        )


class TestEntry:
    """What holds for every command."""

    def test_installed_script(self) -> None:
        """The installed script is there and tells its version."""
        done = subprocess.run([SCRIPT, "--version"], capture_output=True, text=True, timeout=60, check=False)
        assert re.fullmatch(r"dedup \d+\.\d+\S*\n", done.stdout)

    def test_without_the_extra(self) -> None:
        """Without typer and rich one line on stderr says what to install."""
        code = "import sys; sys.modules['typer'] = None; from dedup.cli import main; main()"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "dedup: error: The command line needs typer and rich: pip install 'dedup[cli]'\n"

    def test_help_loads_little(self) -> None:
        """--help does not wait for what only a command needs."""
        code = "import sys, atexit; atexit.register(lambda: print('pyarrow' in sys.modules)); "
        code += "from dedup.cli import main; main(['run', '--help'])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("\nFalse\n")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("nothing",), "No such command 'nothing'. Try 'dedup --help'."),
            (("rum",), "Did you mean 'run'? Try 'dedup --help'."),
            (("--no",), "No such option: --no. Try 'dedup --help'."),
        ],
    )
    def test_refuses(
        self, arguments: tuple[str, ...], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """An unknown command or option is an error."""
        assert_refused(here(capfd, *arguments), message, tmp_path)

    def test_no_command_shows_the_help(self, capfd: pytest.CaptureFixture[str]) -> None:
        """Without a command the help goes to stderr."""
        done = here(capfd)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Commands:" in done.stderr

    @pytest.mark.parametrize("redirect", [">&-", "2>&-", "> /dev/full"])
    def test_streams_that_take_nothing(self, redirect: str) -> None:
        """A stream that is closed or full leads to no traceback."""
        done = subprocess.run(
            ["bash", "-c", f"'{sys.executable}' -m dedup plan {redirect}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        full = "full" in redirect
        assert done.returncode == (2 if full else 0)
        assert done.stderr == ("dedup: error: No space left on device.\n" if full else "")

    @pytest.mark.slow
    def test_examples_work(self, tmp_path: Path) -> None:
        """Every example of the help runs, where `seeds` is at hand, and ends well."""
        (tmp_path / "seeds").symlink_to(SEEDS)
        # What `make run` leaves, and `eval` takes; what the other commands of an index take.
        assert call("run", "seeds", "--out", "clusters.parquet", cwd=tmp_path).returncode == 0
        assert call("index", "add", "news.dedup", "seeds", cwd=tmp_path).returncode == 0
        with ThreadPoolExecutor() as pool:
            helps = [
                done.stdout
                for done in pool.map(lambda name: call(*name, "--help"), [(), *((name,) for name in COMMANDS)])
            ]
            examples = sorted({line for text in helps for line in re.findall(r"(?m)^ *(dedup .*)$", text)})
            assert all(any(line.startswith(f"dedup {name}") for line in examples) for name in COMMANDS)
            for line, done in zip(examples, pool.map(lambda line: in_shell(line, tmp_path), examples), strict=True):
                assert (done.returncode, "error" in done.stderr) == (0, False), (line, done.stderr)


def in_shell(line: str, folder: Path) -> Done:
    """Run one line as a user would, where `seeds` is a folder."""
    path = f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


class TestRunInFiles:
    """`dedup run --memory`."""

    def test_writes_the_answer_of_the_run_in_memory(self, tmp_path: Path) -> None:
        """The folder holds what the API writes, the screen the counts, the worst sources and what was written."""
        done = call("run", SEEDS, "--out", "answer", "--memory", "2GB", cwd=tmp_path)
        result = dedup.deduplicate(SEEDS)
        assert (done.returncode, done.stderr) == (0, "")
        assert [path.name for path in tmp_path.iterdir()] == ["answer"]
        table = pq.read_table(tmp_path / "answer" / "documents.parquet")
        assert table.to_pydict() == result.to_arrow().select(table.column_names).to_pydict()
        assert done.stdout.startswith("Sources that lose most\n")
        assert re.search(rf"\nlargest cluster +{result.summary()['largest_cluster']}\n", done.stdout)
        assert re.search(
            r"\n50 documents \(6 from pages\): 27 kept, 23 dropped, 1 empty; 11 clusters; \d+\.\d+ s\n", done.stdout
        )
        assert re.search(
            r"Written to answer: documents\.parquet \(.*\), pairs\.parquet \(.*\), summary\.json \(.*\)\n$",
            done.stdout,
        )

    def test_json(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """--json prints what summary.json says, and the folder, in one object."""
        done = here(capfd, "run", SEEDS, "--out", tmp_path / "answer", "--memory", "2GB", "--json")
        written = json.loads((tmp_path / "answer" / "summary.json").read_text())
        assert json.loads(done.stdout) == written | {"output": str(tmp_path / "answer")}

    def test_warnings_are_notes(self, tmp_path: Path) -> None:
        """What the API warns of, and skipped rows, are notes in the words of the run in memory."""
        rows = [{"id": str(number), "text": STORY, "source": "Echo"} for number in range(1100)]
        write_lines(tmp_path / "in.jsonl", {"id": "bad"}, *rows)
        options = ("--on-error", "skip", "--out", "answer", "--memory", "2GB", "--work", "scratch")
        done = call("run", "in.jsonl", *options, cwd=tmp_path)
        assert (done.returncode, done.stderr.splitlines()) == (
            0,
            [
                "dedup: note: 1 of 1,101 rows skipped:",
                "dedup: note:   in.jsonl, line 1: text is missing. The fields are: 'id'.",
                "dedup: note: 1 cluster of more than 1,000 documents, the largest of 1,100.",
                "dedup: note: 1 source of which more than 80 % is dropped:",
                "dedup: note:   Echo: 1,099 of 1,100 documents",
            ],
        )

    def test_resumes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        """--resume goes on behind the last finished stage of --work."""
        monkeypatch.chdir(tmp_path)
        options = ("--out", "answer", "--memory", "2GB", "--work", "scratch")
        with monkeypatch.context() as patch:
            patch.setattr("dedup.engines.local.decide", fail)
            assert here(capfd, "run", SEEDS, *options).returncode == 2
        assert sorted(path.name for path in tmp_path.iterdir()) == ["scratch"]
        with monkeypatch.context() as patch:
            patch.setattr("dedup.engines.local._sketch", fail)
            done = here(capfd, "run", SEEDS, *options, "--resume")
        assert (done.returncode, done.stderr) == (0, "")
        assert [path.name for path in tmp_path.iterdir()] == ["answer"]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ("--memory 2GB", "--memory must come with --out, the folder that the answer goes to. Got no --out."),
            ("--memory much --out answer", "memory must be a number of bytes above 0"),
            ("--memory 1MB --out answer", "memory must be at least 400,0"),
            ("--memory 2GB --out answer --report a.html", "report must not come with memory"),
            ("--memory 2GB --out answer --limit 0", "limit must not come with memory: the answer is in files. Got 0."),
            ("--memory 2GB --out answer --text", "text must not come with memory"),
            ("--memory 2GB --out no/answer", "out must be in a folder that exists"),
            (
                "--memory 2GB --out answer.parquet",
                "out must be a folder, and not named as a file is. Got answer.parquet.",
            ),
            ("--work scratch --out a.csv", "--memory must come with --work and --resume. Got no --memory."),
            ("--resume", "--memory must come with --work and --resume. Got no --memory."),
        ],
    )
    def test_refuses(
        self,
        options: str,
        message: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """What says nothing beside --memory, and what needs it, is refused with one line."""
        monkeypatch.chdir(tmp_path)
        left = ["answer.work"] if "1MB" in options else []
        assert_refused(here(capfd, "run", SEEDS, *options.split()), message, tmp_path, *left)

    def test_progress_in_a_terminal(self, tmp_path: Path) -> None:
        """Every stage is shown, with what it counts; a file whose rows nobody counted has no end to show."""
        texts = (f"{STORY} {' '.join(f'w{number}x{word}' for word in range(20))}" for number in range(300))
        write_lines(tmp_path / "in.jsonl", *({"id": str(number), "text": text} for number, text in enumerate(texts)))
        folder = str(tmp_path / "answer")
        printed = in_terminal(
            "run", str(tmp_path / "in.jsonl"), "--out", folder, "--memory", "2GB", "--json", stream="stderr"
        )
        assert all(stage in printed for stage in STAGES)
        assert "300 documents" in printed


def fail(*_: object, **__: object) -> None:
    """Fail as a full disk does."""
    raise OSError(errno.ENOSPC, "No space left on device")


class TestCosts:
    """What `dedup plan` expects of a run."""

    def test_shows_every_stage(self, capfd: pytest.CaptureFixture[str]) -> None:
        """A table for each engine has a row for each stage and one for the whole run."""
        options = ("--documents", "10_000_000", "--words", "500", "--duplicates", "0.3", "--threads", "3")
        done = here(capfd, "plan", *options)
        assert (done.returncode, done.stderr) == (0, "")
        shown = done.stdout.partition("One machine, 3 threads\n")[2]
        for name in (*STAGES, "whole run"):
            assert re.search(rf"\n{name} +[\d.,]+ (s|min|h)", shown)
        assert "written at the end: " in shown

    def test_json(self, capfd: pytest.CaptureFixture[str]) -> None:
        """--json holds what `estimate` returns."""
        options = ("--documents", "5000", "--words", "50", "--duplicates", "0.1", "--largest", "9", "--threshold", ".7")
        printed = json.loads(here(capfd, "plan", *options, "--json").stdout)["expected"]["local"]
        found = estimate(5000, 50, 0.1, largest=9, config=dedup.Config(threshold=0.7))
        assert (printed["seconds"], printed["memory"], printed["disk"], printed["output"]) == (
            found.seconds,
            found.memory,
            found.disk,
            found.output,
        )
        assert [stage["name"] for stage in printed["stages"]] == list(STAGES)

    @pytest.mark.parametrize("option", ["--words=0", "--duplicates=1.1", "--threads=0", "--largest=300001"])
    def test_refuses(self, option: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """A value outside what is allowed is named."""
        assert_refused(here(capfd, "plan", option), f"{option[2:].partition('=')[0]} must be", tmp_path)
