"""The same documents through ours and the peers, each in an environment of its own: clusters, wall time, peak memory.

`python benchmarks/peers.py DOCUMENTS.jsonl --labels LABELS.jsonl` prints a table; README.md says how to read it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness

from dedup.errors import InputError
from dedup.evaluation import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SCRIPT = harness.HERE / "peer_tools.py"
REQUIREMENTS = harness.HERE / "peer_requirements"
#: Where environments are made unless told otherwise.
ENVIRONMENTS = harness.HERE.parent / ".venv" / "peers"
#: Seconds that a tool may take, and that making an environment may take.
TIMEOUT, INSTALLATION = 300.0, 900.0
#: What a tool is given of a document; only ours uses more than the text.
FIELDS = ("id", "text", "source", "published", "title")
#: What says how many threads a library takes.
THREADS = (
    "RAYON_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
#: Where pyenv, uv, asdf and mise keep Pythons that are not on PATH, each in a folder of its own.
PLACES = (
    "$PYENV_ROOT/versions",
    "~/.pyenv/versions",
    "~/.local/share/uv/python",
    "~/.asdf/installs/python",
    "~/.local/share/mise/installs/python",
)

_PYTHON = re.compile(r"python3(\.\d+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A contestant.

    Args:
        run: Name of the function in peer_tools.py.
        settings: What that function is given.
        source: Where the settings come from.
        unspaced: Settings that take the place of others where a script is written without spaces.
        package: Name of the requirements file, and of the package on PyPI; None is ours, in this environment.
        python: The least version of Python it needs.
    """

    run: str
    settings: Mapping[str, Any]
    source: str
    unspaced: Mapping[str, Any] = field(default_factory=dict)
    package: str | None = None
    python: tuple[int, int] = (3, 11)


# Libraries that want tokens get what ours makes by default, so that all of them see the same shingles.
_SHINGLES, _UNSPACED = {"unit": "words", "width": 3}, {"unit": "characters", "width": 6}
_DATASKETCH: dict[str, Any] = {"package": "datasketch", "run": "datasketch", "unspaced": _UNSPACED}
_RENSA: dict[str, Any] = {"package": "rensa", "unspaced": _UNSPACED}
_DATATROVE: dict[str, Any] = {"package": "datatrove", "run": "datatrove", "unspaced": {"language": "jpn"}}
_TEXT_DEDUP: dict[str, Any] = {"package": "text-dedup", "run": "text_dedup", "python": (3, 12)}

TOOLS: dict[str, Tool] = {
    "dedup": Tool(run="dedup", settings={}, source="defaults"),
    "dedup, no cleaning": Tool(run="dedup", settings={"clean": "off"}, source="defaults but for cleaning"),
    "dedup, text alone": Tool(run="dedup", settings={"text_alone": True}, source="defaults, no source and no date"),
    "datasketch .5": Tool(
        **_DATASKETCH,
        settings={"threshold": 0.5, "num_perm": 128, **_SHINGLES},
        source="docs, MinHash LSH: candidates filtered again by the estimate; our threshold",
    ),
    "datasketch .9": Tool(
        **_DATASKETCH,
        settings={"threshold": 0.9, "num_perm": 128, **_SHINGLES},
        source="the same with its default threshold",
    ),
    "rensa full": Tool(
        **_RENSA,
        run="rensa_full",
        settings={"threshold": 0.5, "num_perm": 128, **_SHINGLES},
        source="README, Keep unique documents (32 bands follow); our threshold",
    ),
    "rensa full .8": Tool(
        **_RENSA,
        run="rensa_full",
        settings={"threshold": 0.8, "num_perm": 128, **_SHINGLES},
        source="README, Keep unique documents (8 bands follow)",
    ),
    "rensa rho": Tool(
        **_RENSA,
        run="rensa_rho",
        settings={"threshold": 0.8, "num_perm": 128, "num_bands": 8, **_SHINGLES},
        source="benchmarks/full_benchmark.py, the pipeline behind its figures",
    ),
    "gaoya": Tool(
        package="gaoya",
        run="gaoya",
        settings={
            "hash_size": 32,
            "jaccard_threshold": 0.5,
            "num_bands": 50,
            "band_size": 4,
            "analyzer": "char",
            "lowercase": True,
            "ngram_range": [3, 4],
        },
        source="notebook on scholarly articles, whose texts are lower-cased before",
    ),
    "gaoya .5": Tool(
        package="gaoya",
        run="gaoya",
        settings={
            "hash_size": 32,
            "jaccard_threshold": 0.5,
            "num_bands": 50,
            "band_size": 4,
            "analyzer": "word",
            "lowercase": True,
            "ngram_range": [3, 3],
        },
        unspaced={"analyzer": "char", "ngram_range": [6, 6]},
        source="notebook, with our shingles",
    ),
    "gaoya words": Tool(
        package="gaoya",
        run="gaoya",
        settings={"analyzer": "word", "lowercase": True, "ngram_range": [1, 1]},
        unspaced={"analyzer": "char", "ngram_range": [3, 4]},
        source="defaults (threshold .75, 20 bands of 5, single words) but for lower case",
    ),
    "text-dedup": Tool(
        **_TEXT_DEDUP,
        settings={
            "num_perm": 256,
            "hash_func_name": "xxh3",
            "ngram_size": 2,
            "threshold": 0.45,
            "min_length": 0,
            "seed": 42,
            "check_false_positive": False,
        },
        source="configs/benchmark_news_minhash.toml, its NEWS-COPY benchmark",
    ),
    "text-dedup .7": Tool(
        **_TEXT_DEDUP,
        settings={
            "seed": 42,
            "batch_size": 10_000,
            "num_perm": 240,
            "threshold": 0.7,
            "false_positive_weight": 0.5,
            "false_negative_weight": 0.5,
            "hash_bits": 64,
            "ngram_size": 5,
            "check_false_positive": True,
        },
        source="README, Quick Start",
    ),
    "datatrove": Tool(
        **_DATATROVE,
        settings={"n_grams": 5, "num_buckets": 14, "hashes_per_bucket": 8, "language": "eng"},
        source="defaults and examples/minhash_deduplication.py: runs of 5 words, .72 by its formula",
    ),
    "datatrove .5": Tool(
        **_DATATROVE,
        settings={"n_grams": 3, "num_buckets": 25, "hashes_per_bucket": 5, "language": "eng"},
        source="the same with runs of 3 words and the bands of datasketch .5",
    ),
    "simhash": Tool(
        package="simhash",
        run="simhash",
        settings={"k": 3, "width": 3},
        source="the page that its README calls Getting Started",
    ),
    "simhash default": Tool(
        package="simhash", run="simhash", settings={"k": 2, "width": None}, source="defaults: its own tokeniser, k = 2"
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a tool found and took; nothing when it failed.

    Args:
        labels: For each document id the number of its cluster; a document that the tool left out is alone.
        seconds: Wall time from texts in memory to clusters; imports are not counted.
        peak_bytes: Peak of resident memory beyond that of the process with the texts loaded; None without /proc.
        failed: Why there is no outcome, in one line.
        details: The version of the tool and its Python, and how many processors it kept busy.
    """

    labels: Mapping[str, int] = field(default_factory=dict, repr=False)
    seconds: float | None = None
    peak_bytes: int | None = None
    failed: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def prepare(folder: Path = ENVIRONMENTS, names: Iterable[str] | None = None) -> dict[str, Path | str]:
    """Make the environments of tools, two at a time; one whose pins are unchanged is used again.

    Args:
        folder: Where they are, one folder for each package.
        names: Some of `TOOLS`; None stands for all.

    Returns:
        For each name the interpreter to run it with, or the reason why there is none.
    """
    tools = {name: TOOLS[name] for name in (TOOLS if names is None else names)}
    needed = {tool.package: tool.python for tool in tools.values() if tool.package}
    with ThreadPoolExecutor(2) as pool:
        made = dict(zip(needed, pool.map(partial(_environment, folder), needed, needed.values()), strict=True))
    return {name: made[tool.package] if tool.package else Path(sys.executable) for name, tool in tools.items()}


def _environment(folder: Path, package: str, least: tuple[int, int]) -> Path | str:
    requirements, home = REQUIREMENTS / f"{package}.txt", folder / package
    python, stamp = home / "bin" / "python", home / "pins.txt"
    pins = requirements.read_text(encoding="utf-8")
    if python.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == pins:
        return python
    base = _python(least)
    if base is None:
        return f"no Python {least[0]}.{least[1]} or later with venv was found"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    steps: list[list[str | Path]] = [
        [base, "-m", "venv", "--clear", home],
        [python, *install, "--requirement", requirements],
    ]
    for command in steps:
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALLATION)
        except subprocess.CalledProcessError as cause:
            return _last_line(cause.stderr or cause.stdout) or str(cause)
        except (OSError, subprocess.TimeoutExpired) as cause:
            return str(cause)
    stamp.write_text(pins, encoding="utf-8")
    return python


@cache
def _python(least: tuple[int, int]) -> str | None:
    """Return this Python when it will do, else the oldest that does: there are wheels for it most likely."""
    if sys.version_info[:2] >= least:
        return sys.executable
    roots = [Path(os.path.expandvars(place)).expanduser() for place in PLACES]
    folders = [*map(Path, os.get_exec_path()), *(folder for root in roots for folder in root.glob("*/bin"))]
    found = [path for folder in folders for path in folder.glob("python3*") if _PYTHON.fullmatch(path.name)]
    versions = {(answer, str(path)) for path in found if (answer := _version(path)) and answer >= least}
    return min(versions)[1] if versions else None


def _version(python: Path) -> tuple[int, ...]:
    """Return major and minor version as the interpreter says itself; () for one that does not run or has no venv."""
    ask = "import sys, ensurepip, venv; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-I", "-c", ask], check=True, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(map(int, done.stdout.split()))


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def run(
    tool: str,
    rows: Iterable[Mapping[str, Any]],
    *,
    threads: int,
    spaced: bool = True,
    timeout: float = TIMEOUT,
    python: Path | str | None = None,
) -> Outcome:
    """Run a tool on documents in a process of its own.

    Args:
        tool: A name of `TOOLS`.
        rows: Documents with `id`, unique, and `text`, and maybe `source`, `published` and `title`.
        threads: How many threads it may take.
        spaced: Whether there are spaces between the words of the language.
        timeout: Seconds until it is stopped, its imports and warm-up included.
        python: What `prepare` returned for the tool, a reason included; None prepares it where it is by default.

    Returns:
        The outcome; a crash, wrong output or a time-out is `failed`, never an exception.
    """
    chosen = TOOLS[tool]
    python = python or prepare(names=[tool])[tool]
    if isinstance(python, str):
        return Outcome(failed=python)
    given = [{name: row[name] for name in FIELDS if row.get(name) is not None} for row in rows]
    job = {
        "run": chosen.run,
        "package": chosen.package or "dedup",
        "settings": {**chosen.settings, **({} if spaced else chosen.unspaced)},
        "threads": threads,
    }
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        with (folder / "rows.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(row)}\n" for row in given)
        failed = _finish([python, "-I", SCRIPT, folder], _clean_environment(folder, threads), timeout)
        return Outcome(failed=failed) if failed else _read(folder / "outcome.json", [row["id"] for row in given])


def _clean_environment(folder: Path, threads: int) -> dict[str, str]:
    """Return an environment with nothing that changes results, whose caches stay in a folder."""
    home = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder)}
    offline = {"HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    return {**home, **offline, **dict.fromkeys(THREADS, str(threads))}


def _finish(command: Sequence[str | Path], environment: Mapping[str, str], timeout: float) -> str | None:
    """Run a command to its end; return why it failed, or None."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        # A session of its own, so that what the tool has started is stopped with it.
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
        )
        try:
            code = process.wait(timeout)
        except BaseException as cause:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(cause, subprocess.TimeoutExpired):
                return f"not done within {timeout:g} s"
            raise
        errors.seek(0)
        return None if code == 0 else _last_line(errors.read()) or f"ended with exit code {code}"


def _read(path: Path, ids: Sequence[str]) -> Outcome:
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
        outcome = Outcome(**answer)
        missing = set(ids) ^ set(outcome.labels)
    except (OSError, ValueError, TypeError) as cause:
        return Outcome(failed=f"wrong output: {cause}")
    return Outcome(failed=f"wrong output: {len(missing)} ids do not match") if missing else outcome


def tables(
    outcomes: Mapping[str, Outcome], stories: Mapping[str, str | None] | None = None, title: str = "Side by side"
) -> list[dict[str, Any]]:
    """Return tables for `harness.render`: what each tool found and took, scored when there are labels, and settings."""
    rows: list[list[object]] = []
    for name, outcome in outcomes.items():
        row: list[object] = [name, *[None] * (4 if stories is None else 7), outcome.failed]
        if outcome.failed is None:
            peak = None if outcome.peak_bytes is None else outcome.peak_bytes / 1e6
            row[1:5] = len(set(outcome.labels.values())), outcome.seconds, outcome.details["cores"], peak
            if stories is not None:
                found = evaluate(stories, outcome.labels, resamples=1)
                row[5:-1] = found.precision.value, found.recall.value, found.f1.value
        rows.append(row)
    scores = [] if stories is None else ["precision", "recall", "F1"]
    columns = ["tool", "clusters", "seconds", "cores", "peak MB", *scores, "failed"]
    note = "A document alone is a cluster. Peak: beyond the process with the texts loaded. Scores are of pairs."
    origins = [[name, outcome.details.get("version"), TOOLS[name].source] for name, outcome in outcomes.items()]
    return [
        harness.table(title, columns, rows, note),
        harness.table("Settings", ["tool", "version", "settings from"], origins),
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        return list(harness.read_jsonl(path))
    except (OSError, ValueError) as cause:
        raise InputError(f"{path} must be a JSONL file. Got {cause}.") from cause


def names(value: str) -> list[str]:
    """Return the tools whose names begin as one of some words with commas between."""
    chosen = [name for name in TOOLS if any(name.startswith(asked) for asked in value.split(","))]
    if not chosen:
        raise argparse.ArgumentTypeError(f"must be beginnings of {', '.join(TOOLS)}. Got {value}.")
    return chosen


def main() -> int:
    """Run the tools in turn and print the table; a tool that fails does not stop the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", type=Path, help="a .jsonl or .jsonl.gz file with `id` and `text`")
    parser.add_argument("--labels", type=Path, help="a .jsonl file with `id` and `story`")
    parser.add_argument("--tools", type=names, default=list(TOOLS), help="names or their beginnings, as in dedup,rensa")
    parser.add_argument("--threads", type=int, default=harness.processors(), help="threads that each tool may take")
    parser.add_argument("--unspaced", action="store_true", help="the language is written without spaces")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help="seconds that each tool may take")
    asked = parser.parse_args()
    try:
        rows = _rows(asked.documents)
        stories = {row["id"]: row["story"] for row in _rows(asked.labels)} if asked.labels else None
    except InputError as cause:
        parser.error(str(cause))
    pythons = prepare(names=asked.tools)
    outcomes = {}
    for name in asked.tools:
        print(f"{name} ...", file=sys.stderr, flush=True)
        outcomes[name] = run(
            name,
            rows,
            threads=asked.threads,
            spaced=not asked.unspaced,
            timeout=asked.timeout,
            python=pythons[name],
        )
    title = f"{asked.documents.name}: {len(rows):,} documents, {asked.threads} thread(s)"
    print(harness.render(tables(outcomes, stories, title)))
    return int(any(outcome.failed for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
