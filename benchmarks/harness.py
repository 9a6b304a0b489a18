"""What the measurements share: settings, races, tables and targets, and a process of its own for each measurement."""

from __future__ import annotations

import gc
import gzip
import json
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

HERE = Path(__file__).parent

#: Scores of clusters against stories (fields of `dedup.evaluation.Evaluation`), in the order of the tables.
STORY_SCORES = ("precision", "recall", "f1", "bcubed_f1", "ari", "exact_sets")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What was asked on the command line.

    Args:
        quick: Fewer rounds and documents; the whole report in less than a minute.
        corpus: A JSONL file with a `text` field to measure on in place of generated English.
        documents: How many documents the whole job takes; None stands for its default.
    """

    quick: bool = False
    corpus: Path | None = None
    documents: int | None = None


def race(
    runs: Mapping[str, Callable[[], dict[str, float]]], rounds: int
) -> tuple[dict[str, list[dict[str, float]]], dict[str, str]]:
    """Let all runs take turns, round by round, each round begun by another; one round before goes uncounted.

    Returns:
        For each run and round its parts, "seconds" and "cores" (processor time per wall time); and for each run that
        failed, why.
    """
    entries = list(runs.items())
    times: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    failed: dict[str, str] = {}
    for turn in range(rounds + 1):
        first = turn % len(entries)
        for name, run in entries[first:] + entries[:first]:
            if name in failed:
                continue
            try:
                taken = _timed(run)
            except Exception as cause:  # noqa: BLE001 - a peer that fails is part of the report
                failed[name] = f"{type(cause).__name__}: {cause}"
                continue
            if turn:
                times[name].append(taken)
    return {name: taken for name, taken in times.items() if name not in failed}, failed


def _timed(run: Callable[[], dict[str, float]]) -> dict[str, float]:
    gc.collect()
    # Millions of token lists would have the collector run in the middle; peers are spared that.
    gc.disable()
    try:
        wall, processor = time.perf_counter(), time.process_time()
        parts = run()
        seconds = time.perf_counter() - wall
        return {**parts, "seconds": seconds, "cores": (time.process_time() - processor) / seconds}
    finally:
        gc.enable()


def column(times: Sequence[Mapping[str, float]], name: str) -> list[float]:
    """Return one part of each round."""
    return [taken[name] for taken in times]


def ratios(fast: Sequence[float], slow: Sequence[float]) -> dict[str, float]:
    """Return how many times more the first is than the second, round by round: median, least and most."""
    each = [a / b for a, b in zip(fast, slow, strict=True)]
    return {"median": median(each), "least": min(each), "most": max(each)}


def target(what: str, asked: float, measured: float | None, unit: str, *, at_most: bool = False) -> dict[str, Any]:
    """Return one row of the table of targets; nothing measured is not met."""
    met = measured is not None and (measured <= asked if at_most else measured >= asked)
    return {"what": what, "asked": asked, "at_most": at_most, "measured": measured, "unit": unit, "met": met}


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], note: str = "") -> dict[str, Any]:
    """Return a table for `render`."""
    return {"title": title, "columns": list(columns), "rows": [list(row) for row in rows], "note": note}


def render(tables: Sequence[Mapping[str, Any]]) -> str:
    """Return tables as Markdown; numbers are shortened, never rounded up to a target."""
    return "\n".join(_render(one) for one in tables)


def _render(one: Mapping[str, Any]) -> str:
    rows = [[_shown(cell) for cell in row] for row in one["rows"]]
    columns = one["columns"]
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]

    def line(cells: Sequence[str]) -> str:
        padded = [cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(cells, widths))]  # noqa: B905
        return f"| {' | '.join(padded)} |"

    rule = [("-" * width if not i else "-" * (width - 1) + ":") for i, width in enumerate(widths)]
    lines = [f"### {one['title']}", "", line(columns), line(rule), *map(line, rows), ""]
    if one["note"]:
        lines += [one["note"], ""]
    return "\n".join(lines)


def _shown(cell: object) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if not isinstance(cell, float):
        return str(cell).replace("|", "\\|")
    if not math.isfinite(cell):
        return str(cell)
    # Cut, not rounded: 9.96 is shown as 9.9, so that nothing looks met that is not.
    digits = 0 if abs(cell) >= 1000 else 1 if abs(cell) >= 100 else 2 if abs(cell) >= 1 else 4
    return f"{math.trunc(cell * 10**digits) / 10**digits:,.{digits}f}"


def in_process(
    script: str, arguments: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Run `worker(arguments)` of a script here in a process of its own; both ways travel as JSON."""
    done = subprocess.run(
        [sys.executable, str(HERE / script), json.dumps(arguments)],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{script} failed:\n{done.stderr.strip()}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def answer(worker: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Be the process that `in_process` starts."""
    print(json.dumps(worker(json.loads(sys.argv[1]))))


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a JSONL file, plain or .gz."""
    # gzip.open and open take the same arguments.
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
