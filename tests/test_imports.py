"""What importing the package costs, measured in processes of its own."""

from __future__ import annotations

import statistics
import subprocess
import sys

import pytest

#: Everything that loads on first use only.
LAZY = (
    "pyarrow",
    "jinja2",
    "rapidfuzz",
    "typer",
    "rich",
    "click",
    "polars",
    "pandas",
    "duckdb",
    "networkx",
    "datasketch",
    "hypothesis",
)


def python(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    return run.stdout.strip()


def loaded(code: str) -> set[str]:
    """Return which of the lazy packages are loaded after `code`."""
    return set(python(f"{code}\nimport sys\nprint(*[name for name in {LAZY!r} if name in sys.modules])").split())


def test_import_loads_nothing_large() -> None:
    """`import dedup` loads neither pyarrow nor an extra."""
    assert set() == loaded("import dedup")


def test_texts_in_memory_need_no_arrow() -> None:
    """A whole run over texts in memory, up to its clusters, loads none of them either."""
    assert set() == loaded("import dedup; dedup.deduplicate(['a b c', 'A b c.', 'date 2025-01-01 x']).clusters")


@pytest.mark.seconds
def test_tables_load_arrow() -> None:
    """The first table loads pyarrow, so the tests above can fail."""
    assert "pyarrow" in loaded("import dedup; dedup.deduplicate(['a b c']).pairs")


@pytest.mark.slow
def test_import_is_quick() -> None:
    """`import dedup` adds at most 60 ms to `import numpy`: medians of processes that take turns.

    Seconds are those of the process, so that what else the machine does counts less.
    """
    code = "import time; start = time.process_time(); import {}; print(time.process_time() - start)"
    times: dict[str, list[float]] = {"numpy": [], "numpy, dedup": []}
    for _ in range(15):
        for modules, taken in times.items():
            taken.append(float(python(code.format(modules))))
    alone, both = map(statistics.median, times.values())
    assert both - alone <= 0.060
