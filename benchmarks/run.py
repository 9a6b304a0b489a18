"""Measures what the project promises and writes benchmarks/results/<name>.json and .md; see README.md."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time
import traceback
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import harness

#: In the order of the report: each has measure(settings), targets(result) and tables(result).
MEASUREMENTS = ("throughput", "stages", "accuracy", "whole_job", "imports")
SHOWN = ("dedup", "numpy", "pyarrow", "xxhash", "datasketch", "rensa", "gaoya")
RESULTS = harness.HERE / "results"


def _first(path: str, key: str) -> str | None:
    """Return the value of the first line "key : value" of a file of /proc."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), None)


def _git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], cwd=harness.HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _load() -> list[float] | None:
    return list(os.getloadavg()) if hasattr(os, "getloadavg") else None


def machine() -> dict[str, Any]:
    """Return what the figures depend on beside the code."""
    memory = _first("/proc/meminfo", "MemTotal")
    versions = {found.metadata["Name"].lower(): found.version for found in distributions() if found.metadata["Name"]}
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _first("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "processors": harness.processors(),
        "memory": memory,
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": dict(sorted(versions.items())),
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed": bool(_git("status", "--porcelain")),
        "load_before": _load(),
    }


def _measured(name: str, settings: harness.Settings) -> dict[str, Any]:
    """Return the result, targets and tables of one measurement, or why there are none."""
    begun = time.perf_counter()
    try:
        module = importlib.import_module(name)
        result = module.measure(settings)
        section = {"result": result, "targets": module.targets(result), "tables": module.tables(result)}
    except Exception:  # noqa: BLE001 - the other measurements are still worth their time
        section = {"failed": traceback.format_exc()}
    return {**section, "seconds": time.perf_counter() - begun}


def report(results: dict[str, Any]) -> str:
    """Return the whole report as Markdown."""
    about, sections = results["machine"], results["measurements"]
    packages = ", ".join(f"{name} {about['packages'].get(name, 'missing')}" for name in SHOWN)
    loads = [
        "/".join(f"{load:.2f}" for load in about[when]) if about[when] else "?"
        for when in ("load_before", "load_after")
    ]
    commit = f"{about['commit']}{' with changes' * about['changed']}"
    lines = [
        "# Benchmarks",
        "",
        f"- {about['date']}, commit {commit}{', quick run' * results['quick']}",
        f"- {about['cpu']}, {about['processors']} processors, {about['memory']} memory, {about['system']}",
        f"- {about['python']}, {packages}",
        f"- load average {loads[0]} before, {loads[1]} after",
        f"- texts: {results['corpus'] or 'generated'}",
        "",
        "Measured figures are cut, not rounded. Speeds are medians over rounds in which all contestants take turns.",
        "",
        "## Targets",
        "",
    ]
    rows = [
        [
            row["what"],
            f"{'<=' if row['at_most'] else '>='} {row['asked']:.4g}",
            row["measured"],
            row["unit"],
            row["met"],
        ]
        for section in sections.values()
        for row in section.get("targets", [])
    ]
    lines.append(
        harness.render([harness.table("Asked and measured", ["what", "asked", "measured", "unit", "met"], rows)])
    )
    for name, section in sections.items():
        lines += [f"## {name.replace('_', ' ').capitalize()} ({section['seconds']:.0f} s)", ""]
        if "failed" in section:
            lines += ["Failed:", "", "```", section["failed"].rstrip(), "```", ""]
        else:
            lines.append(harness.render(section["tables"]))
    return "\n".join(lines)


def _names(value: str) -> list[str]:
    names = value.split(",")
    if unknown := [name for name in names if name not in MEASUREMENTS]:
        raise argparse.ArgumentTypeError(f"must be of {', '.join(MEASUREMENTS)}. Got {', '.join(unknown)}.")
    return names


def main() -> int:
    """Measure, print and save; return 1 when a measurement failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=_names, default=MEASUREMENTS, help=f"some of {','.join(MEASUREMENTS)}")
    parser.add_argument("--quick", action="store_true", help="less than a minute, rougher figures")
    parser.add_argument("--corpus", type=Path, help="a .jsonl or .jsonl.gz file with a `text` field to measure on")
    parser.add_argument("--documents", type=int, help="documents of the whole job")
    parser.add_argument("--name", help="name of the files; the date and time by default")
    asked = parser.parse_args()
    if asked.corpus and not asked.corpus.is_file():
        parser.error(f"--corpus must be a file. Got {asked.corpus}.")
    if asked.documents is not None and asked.documents < 1000:
        parser.error(f"--documents must be at least 1000. Got {asked.documents}.")
    settings = harness.Settings(quick=asked.quick, corpus=asked.corpus, documents=asked.documents)
    about = machine()
    sections = {}
    for name in asked.only:
        print(f"{name} ...", file=sys.stderr, flush=True)
        sections[name] = _measured(name, settings)
    about["load_after"] = _load()
    corpus = str(asked.corpus) if asked.corpus else None
    results = {"machine": about, "quick": asked.quick, "corpus": corpus, "measurements": sections}
    text = report(results)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    stem = asked.name or datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    (RESULTS / f"{stem}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / f"{stem}.md").write_text(text, encoding="utf-8")
    print(f"saved {RESULTS / stem}.json and .md", file=sys.stderr)
    return int(any("failed" in section for section in sections.values()))


if __name__ == "__main__":
    sys.exit(main())
