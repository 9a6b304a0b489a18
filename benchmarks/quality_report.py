"""The report of quality.py as Markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import harness
import peers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def _interval(numbers: Sequence[float] | None) -> str | None:
    # Cut, not rounded, as all figures here.
    if numbers is None:
        return None
    value, low, high = (number if math.isnan(number) else int(1000 * number) / 1000 for number in numbers)
    return f"{value:.3f}" if math.isnan(low) else f"{value:.3f} ({low:.3f} to {high:.3f})"


def _target_table(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    cells = []
    for row in rows:
        sign = "<=" if row["at_most"] else ">="
        limits = [f"{sign} {row[name]}" if row[name] is not None else None for name in ("asked", "pinned")]
        cells.append([row["what"], *limits, _interval(row["measured"]), row["met"], row["held"], row["waits"]])
    columns = ["figure", "asked", "pinned", "measured (95 % interval)", "met", "pin held", "waits for"]
    note = "Defaults, whole sets. What waits for another capability is pinned where it stands."
    return harness.table("Asked and measured", columns, cells, note)


def _contest_tables(name: str, contest: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = contest["tools"]
    good = {tool: entry for tool, entry in entries.items() if entry["failed"] is None}
    has_stories = any(entry["stories"] for entry in good.values())
    scored = harness.STORY_SCORES if has_stories else ()
    rows: list[list[object]] = []
    for tool, entry in entries.items():
        if entry["failed"] is not None:
            rows.append([tool, *[None] * (len(scored) + 4), f"failed: {entry['failed']}"])
            continue
        peak = None if entry["peak_bytes"] is None else entry["peak_bytes"] / 1e6
        story = [_interval(entry["stories"][one]) if one == "f1" else entry["stories"][one][0] for one in scored]
        rows.append([tool, *story, entry["documents_per_s"], peak, entry["largest"], entry["apart"], ""])
    for who, what, value in contest["published"]:
        rows.append([f"published: {who}", *[None] * (len(scored) + 4), f"{what} {value}"])
    columns = ["tool", *scored, "docs/s", "peak MB", "largest cluster", "2 days apart", "note"]
    found = [harness.table(f"{name}: {contest['about']}", columns, rows)]
    for kind, title in (("relations", "share of the labelled pairs in one cluster"), ("edits", "recall by operator")):
        first = next(iter(good.values()))[kind] if good else []
        keys = [(share["name"], share["linked"], share["pairs"]) for share in first]
        keys = [key for key in keys if kind == "relations" or key[1]]
        if keys:
            shown = []
            for label, linked, pairs in keys:
                shares = [
                    next(s["share"][0] for s in entry[kind] if (s["name"], s["linked"]) == (label, linked))
                    for entry in good.values()
                ]
                shown.append([label, "yes" if linked else "no", pairs, *shares])
            head = ["pairs", "belong together", "count", *good]
            found.append(harness.table(f"{name}: {title}", head, shown))
    return found


def report(results: Mapping[str, Any], pictures: Mapping[str, Path]) -> str:
    """Return the whole report as Markdown."""
    about = results["machine"]
    lines = [
        "# Quality beside the peers",
        "",
        f"- {about['date']}, commit {about['commit']}{' with changes' * about['changed']}",
        f"- {about['cpu']}, {about['processors']} processors, {about['memory']} memory, {about['system']}",
        f"- reprints are made of {results['corpus']}; command: `{results['command']}`",
        "",
        "Every tool gets the same documents and threads, alone in a process of its own; README.md tells more.",
        "",
        harness.render([_target_table(results["targets"])]),
    ]
    every = [[name, _interval(numbers)] for name, numbers in results["figures"].items()]
    lines.append(harness.render([harness.table("All our figures, whole sets", ["figure", "measured"], every)]))
    lines += [f"![{title}]({path.name})\n" for title, path in pictures.items()]
    each = next(scores for name, scores in results["own"].items() if name.startswith("each"))
    own = [
        [share["name"], share["pairs"], each["jaccard"].get(share["name"]), _interval(share["share"])]
        for share in each["edits"]
        if share["linked"]
    ]
    lines.append(
        harness.render([harness.table("Ours by operator", ["operator", "pairs", "mean true J", "recall"], own)])
    )
    for name, contest in results["contests"].items():
        lines.append(harness.render(_contest_tables(name, contest)))
    worse = [
        [
            row["set"],
            row["what"],
            row["ours"],
            ", ".join(f"{tool} {its:.4g}" for tool, its in row["peers"].items()),
            row["clear"],
        ]
        for row in results["losses"]
    ]
    note = "A tool that links next to nothing makes few mistakes; its recall stands above."
    columns = ["set", "what", "ours", "who is better", "best beyond our interval"]
    lines.append(harness.render([harness.table("Where a peer is better than our defaults", columns, worse, note)]))
    origins = [[name, peers.TOOLS[name].source] for name in results["tools"]]
    lines.append(harness.render([harness.table("Settings", ["tool", "settings from"], origins)]))
    return "\n".join(lines)
