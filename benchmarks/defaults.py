"""The curves behind the defaults: one setting varied at a time, on reprints of one half of the outlets and real sets.

Every set is matched once for each shingle size, with a link rule looser than any that is tried; each link rule is then
applied to the same verified pairs, as `Result.at` does. Writes benchmarks/results/<name>.json and .md.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness
import numpy as np
import reprints
import sets
from run import RESULTS

import quality
from dedup import Article, Config, pipeline
from dedup.decide import decide
from dedup.evaluation import evaluate, evaluate_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Looser than all that is tried.
LOOSE: dict[str, Any] = {"threshold": 0.3, "containment": 0.4, "overlap": 0.2, "min_excerpt": 10}
#: What is varied, one at a time, around the defaults.
VARIED: dict[str, tuple[Any, ...]] = {
    "shingle_size": (2, 3, 4, 5),
    "threshold": (0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7),
    "containment": (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8),
    "min_excerpt": (10, 20, 30, 40, 60),
    "linkage": ("canonical", "components"),
    "recall": (0.9, 0.95, 0.99, 0.999),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A set that settings are tried on, and which of its scores tell: label -> name of the relation, or None for F1."""

    contest: quality.Contest
    shown: Mapping[str, str | None]


def entries(folder: Path, stories: int, seed: int) -> list[Entry]:
    """Return reprints of the outlets that quality.py leaves out, and the real sets."""
    found = []
    for name, file, spaced in (("English", "allsides", True), ("Arabic", "saudinewsnet", True)):
        rows = quality.half_of_outlets(harness.read_jsonl(folder / f"{file}.jsonl.gz"), chosen=1)
        for strength in ("normal", "heavy"):
            made = reprints.generate(rows, seed=seed, strength=strength, stories=stories)
            contest = quality.made_contest(f"{name} reprints, {strength}", "", made, spaced=spaced)
            found.append(Entry(contest, {f"{name} {strength}, F1": None}))
    shown = {
        "saudinewsnet": {"saudinewsnet, same headline": "same headline, other outlet"},
        "reuters21578": {"reuters, templates": "read: templates"},
        "livedoor_ja": {"livedoor, templates": "read: templates"},
        "inews_zh": {"inews, furniture": "read: shared furniture"},
        "allsides": {"allsides, J .2-.5": "Jaccard of 5-grams .2 to .5: furniture"},
    }
    for name, what in shown.items():
        found.append(Entry(quality.set_contest(sets.SETS[name](folder)), what))
    return found


def _scores(entry: Entry, run: pipeline.Run, config: Config) -> dict[str, list[float]]:
    decision = decide(run.outcome, config)
    labels = {article.id: int(row) for article, row in zip(run.articles, decision.canonical, strict=True)}
    found: dict[str, list[float]] = {}
    for label, relation in entry.shown.items():
        if relation is None:
            score = evaluate(entry.contest.stories, labels).f1
        else:
            chosen = [pair for pair in entry.contest.pairs if pair.relation == relation]
            score = evaluate_pairs(chosen, labels).by_relation[0].share
        found[label] = [score.value, score.low, score.high]
    if entry.contest.name == "saudinewsnet":
        largest = float(np.bincount(decision.canonical).max())
        found["saudinewsnet, largest"] = [largest, largest, largest]
    return found


def measure(folder: Path, stories: int, seed: int) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Return setting -> value -> score -> [value, low, high]."""
    results: dict[str, dict[str, dict[str, list[float]]]] = {name: {} for name in VARIED}
    for entry in entries(folder, stories, seed):
        print(f"{entry.contest.name} ...", file=sys.stderr, flush=True)
        articles = [Article(**row) for row in entry.contest.rows]
        # A run depends on these alone; the link rule is applied after it.
        runs: dict[tuple[int, float], pipeline.Run] = {}
        for name, values in VARIED.items():
            for value in values:
                config = Config(**{name: value})
                # Bands of the threshold itself, where it is recall that is looked at.
                loose = {} if name == "recall" else LOOSE
                key = (config.shingle_size, config.recall if name == "recall" else 0.0)
                if key not in runs:
                    matched = Config(shingle_size=config.shingle_size, recall=config.recall, **loose)
                    runs[key] = pipeline.run(articles, matched)
                row = results[name].setdefault(str(value), {})
                row |= _scores(entry, runs[key], config)
    return results


def tables(results: Mapping[str, Mapping[str, Mapping[str, list[float]]]]) -> list[dict[str, Any]]:
    """Return one table for each setting."""
    found = []
    default = Config()
    for name, rows in results.items():
        columns = list(next(iter(rows.values())))
        shown = [
            [f"**{value}**" if value == str(getattr(default, name)) else value, *(row[column][0] for column in columns)]
            for value, row in rows.items()
        ]
        note = "templates, furniture and J .2-.5: share linked by mistake"
        found.append(harness.table(name, [name, *columns], shown, note))
    return found


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sets", type=Path, default=quality.SETS, help="the folder of the labelled sets")
    parser.add_argument("--stories", type=int, default=800)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--name", default="defaults-" + datetime.now(UTC).strftime("%Y%m%d-%H%M%S"))
    asked = parser.parse_args()
    results = measure(asked.sets, asked.stories, asked.seed)
    text = "# The curves behind the defaults\n\n" + harness.render(tables(results))
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{asked.name}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / f"{asked.name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
