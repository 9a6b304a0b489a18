"""The quality report: what it counts as ours, as a loss, and as a figure that holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import quality_report

import quality
from dedup.evaluation import LabelledPair


def contest(**changed: Any) -> quality.Contest:
    """Return three texts, two of one story."""
    rows = [{"id": name, "text": text} for name, text in (("a", "one two"), ("b", "one two"), ("c", ""))]
    pairs = [LabelledPair("a", "b", linked=True, relation="duplicate", edits=("case",))]
    given: dict[str, Any] = {"name": "set", "about": "3 documents", "rows": rows, "pairs": pairs}
    return quality.Contest(**{**given, "stories": {"a": "x", "b": "x", "c": "y"}, **changed})


def entry(labels: dict[str, int], seconds: float, peak: int) -> dict[str, Any]:
    """Return what the race keeps of a tool."""
    speed = {"failed": None, "seconds": seconds, "documents_per_s": 3 / seconds, "peak_bytes": peak}
    return {**speed, **quality.score(contest(), labels)}


def test_scores_are_those_of_the_clusters() -> None:
    """Stories, pairs, operators, the largest cluster, and empty texts that are not alone."""
    good = quality.score(contest(), {"a": 1, "b": 1, "c": 2})
    assert good["stories"]["f1"][0] == good["relations"][0]["share"][0] == good["edits"][0]["share"][0] == 1.0
    assert (good["largest"], good["clustered_empty"]) == (2, 0)
    bad = quality.score(contest(), {"a": 1, "b": 2, "c": 1})
    assert bad["stories"]["f1"][0] == bad["relations"][0]["share"][0] == 0.0
    assert bad["clustered_empty"] == 1


def test_every_row_in_which_a_peer_is_better_is_listed() -> None:
    """Less memory and more speed count as better; a failed peer, an equal one and our own other row do not."""
    ours = entry({"a": 1, "b": 1, "c": 2}, 1.0, 100)
    tools = {
        "dedup": ours,
        "dedup, no cleaning": entry({"a": 1, "b": 1, "c": 2}, 0.1, 1),
        "fast": entry({"a": 1, "b": 2, "c": 3}, 0.5, 100),
        "faster": entry({"a": 1, "b": 2, "c": 3}, 0.25, 50),
        "dead": {"failed": "not done"},
    }
    assert quality.losses({"set": {"tools": tools}}) == [
        {
            "set": "set",
            "what": "documents a second",
            "ours": 3.0,
            "peers": {"faster": 12.0, "fast": 6.0},
            "clear": True,
        },
        {"set": "set", "what": "peak bytes", "ours": 100.0, "peers": {"faster": 50.0}, "clear": True},
    ]
    failed = quality.losses({"set": {"tools": {**tools, "dedup": {"failed": "crash"}}}})
    assert [(row["what"], list(row["peers"])) for row in failed] == [("done at all", ["fast", "faster"])]


def test_pairs_more_than_two_days_apart_are_counted_by_brute_force() -> None:
    """Of the pairs in one cluster, those whose dates are more than two days apart; None where few have dates."""
    days = [1, 1, 2, 3, 4, 9, 5]
    rows = [{"id": str(at), "text": "x", "published": f"2025-05-{day:02}"} for at, day in enumerate(days)]
    labels = {str(at): at // 6 for at in range(7)}
    pairs = [(a, b) for at, a in enumerate(days[:6]) for b in days[at + 1 : 6]]
    expected = sum(abs(a - b) > 2 for a, b in pairs) / len(pairs)
    assert quality.score(contest(rows=rows, stories={}, pairs=[]), labels)["apart"] == pytest.approx(expected)
    bare = [{"id": row["id"], "text": "x"} for row in rows]
    assert quality.score(contest(rows=bare, stories={}, pairs=[]), labels)["apart"] is None


@pytest.mark.parametrize(
    ("measured", "limit", "at_most", "expected"),
    [(0.9, 0.9, False, True), (0.89, 0.9, False, False), (0.1, 0.05, True, False), (None, 0.9, False, None)],
)
def test_a_figure_holds_at_its_limit(
    measured: float | None, limit: float, at_most: bool, expected: bool | None
) -> None:
    """The limit is part of what is allowed; what was not measured neither holds nor fails."""
    numbers = None if measured is None else [measured] * 3
    assert quality.holds(numbers, limit, at_most=at_most) is expected


def test_a_part_of_a_set_has_its_labelled_pairs() -> None:
    """Of a large set the read pairs stay, and no pair loses one of its ends."""
    rows = [{"id": str(number), "text": f"text {number}"} for number in range(500)]
    pairs = [LabelledPair(str(n), str(n + 1), linked=True, relation="same headline") for n in range(0, 300, 2)]
    read = [LabelledPair(str(n), str(n + 1), linked=False, relation="read: templates") for n in range(400, 420, 2)]
    part = quality.thinned(contest(rows=rows, pairs=[*pairs, *read], stories={}), 100, seed=1)
    ids = {row["id"] for row in part.rows}
    assert len(ids) == len(part.rows) <= 120
    assert set(read) <= set(part.pairs)
    assert not part.published
    assert all({pair.left, pair.right} <= ids for pair in part.pairs)


def test_report_shows_failures_targets_and_losses() -> None:
    """A tool that failed is listed with the reason, a figure with its interval, cut and not rounded."""
    tools = {"dedup": entry({"a": 1, "b": 1, "c": 2}, 1.0, 100), "simhash": {"failed": "not done within 60 s"}}
    contests = {"set": {"about": "3 documents", "documents": 3, "published": [("who", "ARI", 0.7)], "tools": tools}}
    figures = {"news reprints, mixed, normal: pair F1": [0.96999, 0.9, 0.99]}
    results = {
        "machine": {
            "date": "d",
            "commit": "c",
            "changed": True,
            "cpu": "p",
            "processors": 2,
            "memory": "m",
            "system": "s",
        },
        "corpus": "articles",
        "command": "python benchmarks/quality.py",
        "targets": quality.targets(figures),
        "own": {"each operator, normal": {"edits": tools["dedup"]["edits"], "jaccard": {"case": 1.0}}},
        "contests": contests,
        "losses": quality.losses(contests),
        "figures": figures,
        "tools": ["dedup", "simhash"],
    }
    text = quality_report.report(results, {"Plot": Path("plot.svg")})
    assert "failed: not done within 60 s" in text
    assert "0.969 (0.900 to 0.990)" in text
    assert "| published: who" in text
    assert "![Plot](plot.svg)" in text
