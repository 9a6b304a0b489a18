"""What `dedup plan` shows: bands, and what a run takes."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dedup._terminal import draw

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.table import Table

    from dedup._terminal.draw import Part
    from dedup.engines.cost import Cost
    from dedup.matching.plan import Plan


#: Cells of the longest bar.
_BAR = 30


def plan_record(found: Plan, documents: int, expected: Iterable[Cost]) -> dict[str, Any]:
    """Return a plan, what it costs for so many documents, and its curve."""
    return asdict(found) | {
        "recall": found.recall,
        "bytes_per_document": found.bytes_per_document,
        "documents": documents,
        "false_candidates": found.false_candidates(documents),
        "curve": [{"jaccard": jaccard, "probability": probability} for jaccard, probability in _curve(found)],
        "expected": {
            run.engine: asdict(run) | {name: getattr(run, name) for name in ("seconds", "memory", "disk")}
            for run in expected
        },
    }


def plan_parts(
    found: Plan, recall: float, documents: int, expected: Iterable[Cost], machine: Mapping[str, Any]
) -> list[Part]:
    """Return a plan, its curve, and what a run takes; `recall` is what was asked for.

    `machine` is what the constants were measured on.
    """
    block = "█" if sys.stdout.encoding.lower().startswith("utf") else "#"
    processors = draw.count(machine["processors"], "processor")
    false = f"{found.false_candidates(documents):,.0f} pairs"
    facts = {
        "slots used": f"{found.bands * found.rows:,} of {found.num_slots:,}",
        f"recall at {found.threshold:g}": f"{draw.percent(found.recall, 2)}, asked {draw.percent(recall, 2)}",
        "bytes per document": f"{found.bytes_per_document:,}",
        "false candidates": f"{false} expected among {draw.count(documents, 'document')}",
    }
    rows = [
        (f"{jaccard:g}", draw.percent(probability, 2), f"{block * round(probability * _BAR):<{_BAR}} {mark}")
        for jaccard, probability in _curve(found)
        for mark in ["threshold" if jaccard == found.threshold else ""]
    ]
    return [
        draw.styled(f"{draw.count(found.bands, 'band')} of {draw.count(found.rows, 'row')}", "bold"),
        draw.facts(facts),
        draw.table("How likely a pair of each similarity is found", (">Jaccard", ">found", ""), rows),
        *(_expected(run) for run in expected),
        f"Measured on {processors} ({machine['cpu']}) with generated articles. Other machines and texts differ.",
    ]


def _expected(run: Cost) -> Table:
    """Return what each stage of a run takes."""
    rows = [(it.name, draw.duration(it.seconds), draw.size(it.memory), draw.size(it.disk)) for it in run.stages]
    rows.append(("whole run", draw.duration(run.seconds), draw.size(run.memory), draw.size(run.disk)))
    on = "One machine" if run.engine == "local" else "Spark"
    table = draw.table(
        f"{on}, {draw.count(run.threads, 'thread')}", ("stage", ">time", ">memory", ">work folder"), rows
    )
    table.caption = f"written at the end: {draw.size(run.output)}"
    return table


def _curve(found: Plan) -> list[tuple[float, float]]:
    similarities = sorted({number / 10 for number in range(1, 11)} | {found.threshold})
    return [(jaccard, found.probability(jaccard)) for jaccard in similarities]
