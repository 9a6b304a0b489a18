"""What `import dedup` adds to `import numpy`."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from statistics import median
from typing import Any

import harness

ROUNDS = 15
ASKED_MS = 60.0
STATEMENTS = {
    "nothing": "pass",
    "numpy": "import numpy",
    "dedup": "import numpy, dedup",
    "dedup and pyarrow": "import numpy, dedup, pyarrow",
}


def _taken(statement: str) -> tuple[float, float]:
    """Return wall and processor milliseconds of a process."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * wall, 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def measure(settings: harness.Settings) -> dict[str, Any]:
    """Start processes that import and end, in turn; the first round fills the file cache and goes uncounted."""
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    processor: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for turn in range((5 if settings.quick else ROUNDS) + 1):
        for name, statement in STATEMENTS.items():
            taken = _taken(statement)
            if turn:
                times[name].append(taken[0])
                processor[name].append(taken[1])
    shown = "import sys, dedup; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", shown], check=True, capture_output=True, text=True).stdout.split()
    heavy = [name for name in ("pyarrow", "typer", "rich", "pandas", "polars") if name in loaded]
    added, worked = (
        median([a - b for a, b in zip(taken["dedup"], taken["numpy"], strict=True)]) for taken in (times, processor)
    )
    return {"milliseconds": times, "processor": processor, "added_ms": added, "added_processor": worked, "heavy": heavy}


def targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the one target."""
    return [harness.target("import dedup beyond import numpy", ASKED_MS, result["added_ms"], "ms", at_most=True)]


def tables(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one table of whole processes."""
    rows: list[list[object]] = [
        [f"`{STATEMENTS[name]}`", median(taken), min(taken), median(result["processor"][name])]
        for name, taken in result["milliseconds"].items()
    ]
    rows.append(["dedup beyond numpy", result["added_ms"], None, result["added_processor"]])
    heavy = ", ".join(result["heavy"]) or "none"
    note = f"Optional or heavy packages that `import dedup` loads: {heavy}."
    return [harness.table("Import, whole process", ["statement", "median ms", "best ms", "processor ms"], rows, note)]
