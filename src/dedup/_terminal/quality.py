"""What `dedup eval` and `dedup calibrate` show: scores with their intervals."""

from __future__ import annotations

import math
import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dedup._terminal import draw

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dedup._terminal.draw import Cell, Part
    from dedup.evaluation import Calibration, Estimate, Evaluation, PairEvaluation, PairScore


#: The scores of an evaluation: field, name, what it says.
_SCORES = (
    ("precision", "precision", "of pairs in one cluster: one story"),
    ("recall", "recall", "of pairs of one story: in one cluster"),
    ("f1", "F1", "harmonic mean of the two"),
    ("bcubed_precision", "B-cubed precision", "of a document's cluster: its story"),
    ("bcubed_recall", "B-cubed recall", "of a document's story: in its cluster"),
    ("bcubed_f1", "B-cubed F1", "harmonic mean of the two"),
    ("ari", "adjusted Rand", "agreement on all pairs; chance is 0"),
    ("exact_sets", "exact sets", "documents with just their duplicates"),
)


def evaluation_record(found: Evaluation, paired: PairEvaluation | None) -> dict[str, Any]:
    """Return all scores; null for what is not a number."""
    record = asdict(found) | {"pairs": asdict(paired) if paired else None}
    return {name: draw.finite(value) for name, value in record.items()}


def evaluation_parts(found: Evaluation, paired: PairEvaluation | None, resamples: int) -> list[Part]:
    """Return the scores of all documents and, where there are some, of labelled pairs."""
    stories = f"{found.stories:,} {'story' if found.stories == 1 else 'stories'}"
    parts: list[Part] = [_scores(f"{draw.count(found.documents, 'document')}, {stories}", found, len(_SCORES))]
    if paired:
        parts.append(_scores(draw.count(paired.pairs, "labelled pair"), paired, 3))
        kinds = (("relation", paired.by_relation), ("edit", paired.by_edit))
        parts += [_shares(kind, scores) for kind, scores in kinds if scores]
    lines = [f"Intervals from {draw.count(resamples, 'resample')}; stories that share a cluster are drawn together."]
    if found.f1.low == found.f1.high:
        lines.append("One without width: no resample differs. These stories cannot tell what others would.")
    if found.missing:
        lines.append(f"Not in the clusters: {draw.count(found.missing, 'labelled document')}, each scored as alone.")
    if found.unlabelled:
        lines.append(f"Without a label: {draw.count(found.unlabelled, 'document')}, left out.")
    return [*parts, "\n".join(lines)]


def _scores(title: str, found: Evaluation | PairEvaluation, number: int) -> Part:
    """Return a table of the first so many scores."""
    rows = [(name, says, *_estimate(getattr(found, field))) for field, name, says in _SCORES[:number]]
    return draw.table(title, ("score", "what it says", ">value", ">95 % interval"), rows)


def _shares(kind: str, scores: Iterable[PairScore]) -> Part:
    """Return a table of the share of the pairs of each relation or edit that is in one cluster."""
    rows = [
        (score.name, "one story" if score.linked else "two stories", score.pairs, *_estimate(score.share))
        for score in scores
    ]
    return draw.table(f"By {kind}", (kind, "labelled", ">pairs", ">in one cluster", ">95 % interval"), rows)


def _estimate(found: Estimate) -> tuple[str, str]:
    return draw.cut(found.value), "-" if math.isnan(found.low) else f"{draw.cut(found.low)} to {draw.cut(found.high)}"


def calibration_record(found: Calibration) -> dict[str, Any]:
    """Return a whole calibration; null for what is not a number."""
    return {name: draw.finite(value) for name, value in asdict(found).items()}


def calibration_parts(found: Calibration, source: str) -> list[Part]:
    """Return the recommendation, why, and the curve of its shingle size; `source` is the name of the sample."""
    settings = f"--threshold {found.threshold:g} --shingle-size {found.shingle_size}"
    mark = "recommended" if found.decided else "default"
    rows: list[Sequence[Cell]] = []
    for point in found.curve:
        if point.shingle_size == found.shingle_size:
            here = mark if point.threshold == found.threshold else ""
            scores = [_estimate(score) for score in (point.precision, point.recall, point.f1) if score]
            row: list[Cell] = [f"{point.threshold:.2f}", here, point.pairs, point.near, *(value for value, _ in scores)]
            rows.append([*row, *(interval for _, interval in scores[2:])])
    columns = (">threshold", "", ">pairs", ">near", ">precision", ">recall", ">F1", ">95 % interval")
    table = draw.table("What each threshold links", columns if found.labelled_pairs is not None else columns[:4], rows)
    table.caption = "near: pairs that a change by 0.05 turns over"
    return [
        draw.styled(f"threshold {found.threshold:g}, {draw.count(found.shingle_size, 'word')} per shingle", "bold"),
        found.reason,
        table,
        f"{draw.count(found.documents, 'different text')}, all pairs compared; --json has the other shingle sizes too",
        f"dedup run {shlex.quote(source)} {settings}",
    ]
