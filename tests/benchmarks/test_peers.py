"""The peers side by side: what runs them, without their packages or a network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness
import networkx as nx
import peer_tools
import peers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import deduplicate

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.seconds

SEEDS = Path(__file__).parents[2] / "seeds"
PYTHON = Path(sys.executable)
ROWS = [{"id": name, "text": f"the text of {name}"} for name in "abc"]
#: Tools that a slow test installs; each of the others would take it minutes.
LIGHT = [name for name, tool in peers.TOOLS.items() if tool.package not in {None, "text-dedup", "datatrove"}]


def seeds(count: int) -> list[dict[str, Any]]:
    """Return the first of the labelled texts, with invented outlets."""
    paths = sorted(SEEDS.glob("*.txt"))[:count]
    return [{"id": path.stem, "text": path.read_text(encoding="utf-8"), "source": path.stem[:4]} for path in paths]


def partition(labels: Mapping[str, object]) -> set[frozenset[str]]:
    """Return the clusters of labelled ids."""
    clusters = defaultdict(set)
    for name, label in labels.items():
        clusters[label].add(name)
    return {frozenset(names) for names in clusters.values()}


def fake(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Let a short script be the tool; its folder is `out`."""
    path = folder / "fake.py"
    path.write_text(f"import json, os, pathlib, sys, time\nout = pathlib.Path(sys.argv[1])\n{script}\n")
    monkeypatch.setattr(peers, "SCRIPT", path)


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_components_equal_networkx(graph: tuple[int, list[tuple[int, int]]]) -> None:
    """Each row is named after the first row of its connected component, for which networkx is the oracle."""
    count, pairs = graph
    oracle = nx.Graph(pairs)
    oracle.add_nodes_from(range(count))
    expected = {row: min(found) for found in nx.connected_components(oracle) for row in found}
    assert [expected[row] for row in range(count)] == peer_tools.components(count, pairs)


@pytest.mark.parametrize(
    ("text", "unit", "width", "expected"),
    [
        ("One, two; THREE four", "words", 3, ["one two three", "two three four"]),
        ("One two", "words", 3, ["one two"]),
        ("港が、閉鎖!", "characters", 3, ["港が閉", "が閉鎖"]),
        ("港", "characters", 3, ["港"]),
        (" ... ", "words", 3, []),
        ("", "characters", 3, []),
    ],
)
def test_shingles(text: str, unit: Any, width: int, expected: list[str]) -> None:
    """Shingles are runs of lower-cased words or characters; a shorter text is one, an empty one has none."""
    assert expected == peer_tools.shingles(text, unit, width)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("sys.exit('first line\\nthe reason\\n')", "the reason"),
        ("os.kill(os.getpid(), 9)", "ended with exit code -9"),
        ("time.sleep(60)", "not done within 1 s"),
        ("pass", "wrong output: "),
        ("(out / 'outcome.json').write_text('no JSON')", "wrong output: "),
        ("(out / 'outcome.json').write_text('[1]')", "wrong output: "),
        ("(out / 'outcome.json').write_text(json.dumps({'labels': {'a': 0, 'x': 0}}))", "wrong output: 3 ids"),
    ],
    ids=["error", "killed", "hanging", "silent", "garbage", "list", "ids"],
)
def test_a_tool_that_fails_is_an_outcome(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, reason: str
) -> None:
    """A crash, a time-out and wrong output are told in one line, and no labels come with them."""
    fake(monkeypatch, tmp_path, script)
    outcome = peers.run("gaoya", ROWS, threads=1, timeout=1 if "sleep" in script else 60, python=PYTHON)
    assert outcome.failed is not None
    assert outcome.failed.startswith(reason)
    assert "\n" not in outcome.failed
    assert not outcome.labels
    assert outcome.failed in harness.render(peers.tables({"gaoya": outcome}, {"a": "story"}))


def test_what_a_stopped_tool_has_started_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A time-out ends the processes of the tool too."""
    trace = tmp_path / "trace"
    child = f"import time\nwhile not time.sleep(0.01): open({str(trace)!r}, 'a').write('x')"
    fake(monkeypatch, tmp_path, f"import subprocess\nsubprocess.run([sys.executable, '-c', {child!r}])")
    assert peers.run("gaoya", ROWS, threads=1, timeout=3, python=PYTHON).failed == "not done within 3 s"
    written = trace.stat().st_size
    time.sleep(0.2)
    assert 0 < written == trace.stat().st_size


def test_a_tool_gets_its_settings_in_a_clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Documents, settings and threads reach the tool; variables that could change a result do not."""
    monkeypatch.setenv("RENSA_RHO_PROBES", "1")
    monkeypatch.setenv("RAYON_NUM_THREADS", "7")
    fake(
        monkeypatch,
        tmp_path,
        "seen = [json.loads((out / 'job.json').read_text()), (out / 'rows.jsonl').read_text(), dict(os.environ)]\n"
        "labels = {json.loads(line)['id']: 0 for line in seen[1].splitlines()}\n"
        "answer = {'labels': labels, 'seconds': 1.0, 'peak_bytes': None, 'details': {'seen': seen}}\n"
        "(out / 'outcome.json').write_text(json.dumps(answer))",
    )
    rows = [{"id": "a", "text": "é\u2028", "title": None, "extra": 1}]
    for spaced, width in ((True, 3), (False, 6)):
        outcome = peers.run("rensa full", rows, threads=3, spaced=spaced, python=PYTHON)
        assert outcome.failed is None
        job, given_rows, environment = outcome.details["seen"]
        assert (job["run"], job["threads"], job["settings"]["width"]) == ("rensa_full", 3, width)
        assert json.loads(given_rows) == {"id": "a", "text": "é\u2028"}
        assert "RENSA_RHO_PROBES" not in environment
        assert environment["RAYON_NUM_THREADS"] == environment["OMP_NUM_THREADS"] == "3"


def test_our_clusters_are_those_of_deduplicate() -> None:
    """Our own row is `deduplicate`, in another process; stories inside a page are no documents of the table."""
    rows = seeds(12)
    outcome = peers.run("dedup", rows, threads=1)
    assert outcome.failed is None
    ids = {row["id"] for row in rows}
    clusters = {frozenset(ids & set(cluster.members)) for cluster in deduplicate(rows).clusters}
    assert partition(outcome.labels) == clusters - {frozenset()}
    assert outcome.seconds is not None
    assert 0 < outcome.seconds < 60


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="there is no /proc")
@pytest.mark.parametrize("where", ["here", "in a child"])
def test_peak_counts_what_was_held(where: str) -> None:
    """The peak has what the run held for a moment, in this process or in one that it started."""
    size = 50_000_000

    def run() -> str:
        if where == "here":
            return str(len(b"x" * size))
        hold = f"import time; held = b'x' * {size}; time.sleep(0.5); print(len(held))"
        return subprocess.run([sys.executable, "-c", hold], check=True, capture_output=True, text=True).stdout.strip()

    result, peak = peer_tools.peak_beyond(run)
    assert result == str(size)
    assert peak is not None
    assert 0.9 * size < peak < 2 * size


def test_each_package_has_whole_pins() -> None:
    """Each package has a file of requirements that pins itself and all it needs, and no file is left over."""
    packages = {tool.package for tool in peers.TOOLS.values()} - {None}
    files = {path.stem: path.read_text().splitlines() for path in peers.REQUIREMENTS.iterdir()}
    assert set(files) == packages
    for package, lines in files.items():
        assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in lines)
        assert package in {line.partition("==")[0] for line in lines}


def test_each_tool_has_its_function() -> None:
    """Each row names a function that runs it, and each function has a row."""
    assert {tool.run for tool in peers.TOOLS.values()} == set(peer_tools.TOOLS)


def test_an_environment_is_made_again_only_when_its_pins_change(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An environment whose pins are unchanged is used as it is; a Python that is not there is a reason."""
    monkeypatch.setattr(peers, "_python", {}.get)
    home = tmp_path / "gaoya"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").touch()
    (home / "pins.txt").write_text((peers.REQUIREMENTS / "gaoya.txt").read_text())
    assert peers.prepare(tmp_path, ["gaoya", "gaoya words"]) == dict.fromkeys(
        ["gaoya", "gaoya words"], home / "bin" / "python"
    )
    (home / "pins.txt").write_text("gaoya==0.0.0\n")
    reason = "no Python 3.11 or later with venv was found"
    assert peers.prepare(tmp_path, ["dedup", "gaoya"]) == {"dedup": PYTHON, "gaoya": reason}
    assert peers.run("gaoya", ROWS, threads=1, python=reason) == peers.Outcome(failed=reason)


@pytest.mark.slow
def test_an_installation_that_fails_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A pin that cannot be had gives pip's last line, and the next try starts anew."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(peers, "REQUIREMENTS", tmp_path)
    (tmp_path / "gaoya.txt").write_text("no-such-package==1.0\n")
    reason = peers.prepare(tmp_path / "made", ["gaoya"])["gaoya"]
    assert isinstance(reason, str)
    assert "no-such-package==1.0" in reason
    (tmp_path / "gaoya.txt").write_text("")
    assert peers.prepare(tmp_path / "made", ["gaoya"])["gaoya"] == tmp_path / "made" / "gaoya" / "bin" / "python"


@pytest.mark.slow
def test_peers_find_copies_and_nothing_else(tmp_path: Path) -> None:
    """Installed from their pins, the peers put a text and its copy into one cluster, and other texts elsewhere."""
    rows = [row for row in seeds(50) if row["id"] in {"kelp-farm", "saffron-fraud", "chess-by-post"}]
    rows.append({"id": "copy", "text": rows[0]["text"]})
    pythons = peers.prepare(tmp_path, LIGHT)
    if reasons := {reason for reason in pythons.values() if isinstance(reason, str)}:
        pytest.skip("; ".join(reasons))
    outcomes = {name: peers.run(name, rows, threads=1, python=pythons[name]) for name in LIGHT}
    expected = {frozenset([rows[0]["id"], "copy"]), *(frozenset([row["id"]]) for row in rows[1:-1])}
    assert {name: outcome.failed or partition(outcome.labels) for name, outcome in outcomes.items()} == dict.fromkeys(
        LIGHT, expected
    )
