"""A user's code: mypy --strict accepts it as it stands, and a test runs it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, assert_type

import dedup
from dedup.evaluation import Calibration, Evaluation, LabelledPair, calibrate, evaluate, evaluate_pairs
from dedup.model import Alarm, Cover, Edit, Passage

if TYPE_CHECKING:
    from dedup.kernels.sketches import Sketches

Relation = Literal["exact", "duplicate", "version", "excerpt", "roundup", "template", "overlap"]


def report(stage: str, done: int, total: int) -> None:
    """Take progress as `deduplicate` tells it."""
    assert done <= total
    assert stage


def use() -> None:
    """Use every function of the package as its docstring says."""
    articles = [
        dedup.Article("a", "The bell rings at noon.", source="Reuters", published="2025-03-01", extra={"desk": 1}),
        dedup.Article("b", "the bell rings at noon"),
    ]
    result = dedup.deduplicate(
        articles, threshold=0.6, containment=None, linkage="components", clean="auto", threads=2, progress=report
    )
    assert_type(result, dedup.Result)
    assert_type(result.clusters, list[dedup.Cluster])
    assert_type(result.kept, list[dedup.Article])
    assert_type(result.dropped, list[dedup.Drop])
    assert_type(result.cleaned, Mapping[str, dedup.Cleaned])
    assert_type(result.at(0.9, containment=0.95), dedup.Result)
    assert_type(result.summary(), dict[str, int | float])
    assert_type(result.config, dedup.Config)
    for cluster in result.clusters:
        assert_type(cluster.members, tuple[str, ...])
        assert_type(cluster.first_published, str | None)
        assert_type(cluster.size, int)
    for drop in result.dropped:
        assert_type(drop.relation, Relation | None)
        assert_type(drop.jaccard, float)
    with tempfile.TemporaryDirectory() as folder:
        result.write(Path(folder) / "clusters.jsonl", text=True)
        dedup.deduplicate(Path(folder) / "clusters.jsonl", on_error="skip")
        dedup.deduplicate(f"{folder}/clusters.jsonl")

    page = dedup.clean("date 2025-03-01 The harbour is closed.")
    assert_type(page, dedup.Cleaned)
    assert_type(page.removed, tuple[dedup.Span, ...])
    assert_type(page.items, tuple[dedup.Item, ...])
    assert_type(page.metadata, Mapping[str, str])

    comparison = dedup.compare("one two", "two one", shingle_size=1)
    assert_type(comparison, dedup.Comparison)
    assert_type(comparison.relation, Relation | None)

    signatures: Sketches = dedup.sketch(text for text in ("one", "two"))
    assert_type(signatures.estimate(0, signatures, 1), float)

    chosen = dedup.plan(0.7, recall=0.95, num_slots=256)
    assert_type(chosen, dedup.Plan)
    assert_type(chosen.probability(0.5), float)
    assert_type(chosen.bands, int)

    scores = evaluate({"a": "bell", "b": "bell", "c": None}, result, resamples=10)
    assert_type(scores, Evaluation)
    assert_type(scores.bcubed_f1.low, float)
    assert_type(evaluate({"a": 1, "b": 2}, {"a": "x"}).missing, int)
    assert_type(evaluate_pairs([LabelledPair("a", "b", linked=True)], result).recall.value, float)
    assert_type(calibrate(articles, labels={"a": None}, shingle_sizes=(3,), threads=1), Calibration)

    assert_type(result.alarms, tuple[Alarm, ...])
    assert_type(result.covers, Mapping[str, Cover])
    found = dedup.compare("a", "b", min_passage=30)
    assert_type(found.longest, Passage | None)
    assert_type(found.edits, tuple[Edit, ...])
    dedup.deduplicate(articles, keep=dedup.KeepPolicy(sources=("Reuters",), min_keep=2))
    dedup.deduplicate(articles, keep=lambda article: article.id)

    for source in ("text", {"text": "x"}, articles[0]):
        assert_type(dedup.deduplicate([source]), dedup.Result)


def misuse(table: Any) -> None:
    """Do what mypy must refuse: an ignore that were not needed would be an error of its own."""
    dedup.deduplicate(table, treshold=0.5)  # type: ignore[call-overload]
    dedup.deduplicate(table, threshold="high")  # type: ignore[call-overload]
    dedup.deduplicate(table, linkage="single")  # type: ignore[call-overload]
    dedup.compare("x", b"y")  # type: ignore[arg-type]
    dedup.Article("a")  # type: ignore[call-arg]
    dedup.plan(0.5).rows = 3  # type: ignore[misc]


if __name__ == "__main__":
    use()
