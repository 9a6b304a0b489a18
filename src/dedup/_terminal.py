"""What the command line shows: a result as parts for people, and as a record for machines. It prints nothing itself.

Every text of a part goes through `plain`, so that no document can steer a terminal.
"""

from __future__ import annotations

import math
import re
import shlex
import sys
import unicodedata
from bisect import bisect_left
from collections import Counter
from dataclasses import asdict, fields, replace
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any

from dedup.model import LINKS, RELATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TextIO, TypeAlias

    import pyarrow as pa
    from rich.console import JustifyMethod
    from rich.table import Table
    from rich.text import Text

    from dedup.config import Config
    from dedup.engines.cost import Cost
    from dedup.engines.output import Written
    from dedup.evaluation import Calibration, Estimate, Evaluation, PairEvaluation, PairScore
    from dedup.formats import Skipped
    from dedup.matching.plan import Plan
    from dedup.model import Alarm, Article, Cleaned, Cluster, Comparison, Cover, Edit, Event, Match, Passage
    from dedup.protocols import Counts
    from dedup.result import Result

    #: A paragraph that wraps, a line that does not, or a table.
    Part: TypeAlias = str | Text | Table
    Cell: TypeAlias = str | int | Text

#: Skipped rows, large clusters and alarms that are named; the others are counted.
NAMED = 5
#: Characters that are shown of a passage, of one side of a change, and of what stands around it.
_BEGINNING, _CHANGED, _AROUND = 60, 160, 40
#: Changes that are shown as one place at most.
_TOGETHER = 6
#: Cells of the longest bar of a plan.
_BAR = 30
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


def plain(text: str) -> str:
    """Return a text that cannot steer a terminal: one line, with escapes for what has no shape of its own."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else " " if unicodedata.category(char) == "Zs" else repr(char)[1:-1] for char in text
    )


def render(parts: Iterable[Part], file: TextIO) -> str:
    """Return what the parts look like in `file`, with an empty line between them."""
    from rich.console import Console  # noqa: PLC0415 - loads on first use
    from rich.table import Table  # noqa: PLC0415 - loads on first use

    console = Console(file=file, highlight=False)
    with console.capture() as captured:
        for number, part in enumerate(parts):
            if number:
                console.print()
            if isinstance(part, Table):
                part.columns[0].max_width = console.width * 2 // 5
            console.print(_text(part, wrap=True) if isinstance(part, str) else part)
    # rich fills lines with spaces up to the width of a table.
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def notes(result: Result) -> list[str]:
    """Return what is to be said of a run beside its result, in lines; mostly nothing."""
    lines = []
    if result.ids_made:
        lines.append("The input has no ids: the numbers of its rows, from 0, stand for them.")
    lines += skipped_notes(result.skipped, len(result.skipped))
    counts = result.summary()
    lines += _bucket_notes(counts)
    if number := int(counts["large_clusters"]):
        title = f"{_count(number, 'cluster')} of more than {_count(result.config.large_cluster, 'document')}"
        sizes = (f"{cluster.canonical}: {cluster.size:,}" for cluster in result.clusters[:number])
        lines += _named(title, sizes, number)
    return lines + _alarm_notes(result.alarms, result.config)


def written_notes(written: Written, config: Config) -> list[str]:
    """Return what is to be said of a run in files beside its numbers, in lines; mostly nothing."""
    counts = written.summary
    lines = skipped_notes(written.skipped, int(counts["skipped_rows"])) + _bucket_notes(counts)
    if number := int(counts["large_clusters"]):
        large = f"{_count(number, 'cluster')} of more than {_count(config.large_cluster, 'document')}"
        lines.append(f"{large}, the largest of {counts['largest_cluster']:,}.")
    return lines + _alarm_notes(written.alarms, config)


def _bucket_notes(counts: Mapping[str, int | float]) -> list[str]:
    if not counts["capped_buckets"]:
        return []
    buckets = _count(int(counts["capped_buckets"]), "bucket")
    return [f"{buckets} over the limit: at most {counts['omitted_pairs']:,} pairs in them were not compared."]


def _alarm_notes(alarms: Sequence[Alarm], config: Config) -> list[str]:
    share = config.keep.alarm_share
    if not alarms or share is None:
        return []
    title = f"{_count(len(alarms), 'source')} of which more than {_percent(share)} is dropped"
    shares = (f"{it.source}: {it.dropped:,} of {_count(it.documents, 'document')}" for it in alarms)
    return _named(title, shares, len(alarms))


def skipped_notes(skipped: Iterable[Skipped | str], number: int) -> list[str]:
    """Return what is to be said of so many skipped rows, of which the first are given."""
    return _named(f"{_count(number, 'row')} skipped", map(str, skipped), number) if number else []


def _named(title: str, names: Iterable[str], number: int) -> list[str]:
    """Return a title and the first names under it, one a line; the others are counted."""
    lines = [f"  {name}" for name in islice(names, NAMED)]
    return [f"{title}:", *lines, *([f"  and {number - NAMED:,} more"] if number > NAMED else [])]


def run_record(result: Result, out: str) -> dict[str, Any]:
    """Return a whole run; `out` is the file that its rows went to, or empty."""
    scores = ("jaccard", "containment", "containment_canonical")
    dropped = [
        {"id": drop.article.id, "canonical": drop.canonical, "relation": drop.relation}
        | {name: None if math.isnan(score := getattr(drop, name)) else score for name in scores}
        for drop in result.dropped
    ]
    return {
        "summary": result.summary(),
        "clusters": [asdict(cluster) for cluster in result.clusters],
        "dropped": dropped,
        "related": _related(result).to_pylist(),
        "covers": {page: asdict(cover) for page, cover in result.covers.items()},
        "alarms": [asdict(alarm) for alarm in result.alarms],
        "skipped": [asdict(row) for row in result.skipped],
        "output": out or None,
    }


def run_parts(result: Result, out: str, seconds: float, limit: int) -> list[Part]:
    """Return the clusters and other pairs of a run, up to the limit, what was stripped, and the counts."""
    parts = [_clusters(result, limit)]
    related = _related(result)
    if len(related):
        rows: list[Sequence[Cell]] = []
        for pair in related.slice(0, limit).to_pylist():
            shares = (pair["containment_left"], pair["containment_right"])
            rows.append((pair["left"], pair["relation"], pair["right"], _cut(pair["jaccard"]), *map(_percent, shares)))
        rows += _more(len(related), limit, "pair")
        title = f"{_count(len(related), 'pair')} with text in common that are not one text"
        parts.append(_table(title, ("left", "relation", "right", ">Jaccard", ">of left", ">of right"), rows))
    parts += [_cover(page, cover, limit) for page, cover in islice(result.covers.items(), limit)]
    if result.cleaned:
        title = f"Stripped from {_count(len(result.cleaned), 'document')}"
        parts.append(_removed(title, result.cleaned.values()))
    counts = {name: int(value) for name, value in result.summary().items()}
    written = f"Written to {out}" if out else "Nothing written: --out FILE writes a row per document"
    return [*parts, _counted(counts, seconds), written]


def written_record(written: Written, out: str) -> dict[str, Any]:
    """Return the numbers of a run in files; `out` is the folder that its answer went to."""
    return {
        "summary": written.summary,
        "alarms": [asdict(alarm) for alarm in written.alarms],
        "sources": {name: {"dropped": gone, "documents": all_} for name, (gone, all_) in written.sources.items()},
        "skipped": list(written.skipped),
        "output": out,
    }


def written_parts(written: Written, out: str, seconds: float) -> list[Part]:
    """Return what a run in files found, the sources of which most is dropped, and what was written where."""
    counts = {name: int(value) for name, value in written.summary.items()}
    worst = sorted(written.sources.items(), key=lambda item: (-item[1][0] / item[1][1], -item[1][1], item[0]))
    rows = [(name, all_, gone, _percent(gone / all_, 1)) for name, (gone, all_) in worst if gone]
    parts: list[Part] = []
    if rows:
        title = "Sources of which most is dropped"
        shown = [*rows[:NAMED], *_more(len(rows), NAMED, "source")]
        parts.append(_table(title, ("source", ">documents", ">dropped", ">share"), shown))
    found = {
        "largest cluster": counts["largest_cluster"],
        "related pairs": sum(counts[f"{name}_pairs"] for name in RELATIONS),
        "stripped documents": counts["cleaned"],
        "templates": counts["templates"],
        "alarms": counts["alarms"],
    }
    files = (f"{path.name} ({_size(path.stat().st_size)})" for path in sorted(written.folder.iterdir()))
    return [*parts, _tally(found), _counted(counts, seconds), f"Written to {plain(out)}: {', '.join(files)}"]


def _counted(counts: Mapping[str, int], seconds: float) -> str:
    """Return how many documents there are, and what became of them, in a line."""
    items = f" ({counts['items']:,} from pages)" if counts["items"] else ""
    kinds = ", ".join(f"{counts[name]:,} {name}" for name in ("kept", "dropped", "empty"))
    documents, clusters = _count(counts["documents"], "document"), _count(counts["clusters"], "cluster")
    return f"{documents}{items}: {kinds}; {clusters}; {seconds:.2f} s"


def progress(done: float, total: float | None, unit: str, rate: float | None, left: float | None) -> str:
    """Return how far a stage is, how fast it goes and how long it will take; what is unknown is left out."""
    if not unit:
        return ""
    told = [f"{done:,.0f} {unit}" if total in (None, done) else f"{done:,.0f} of {total:,.0f} {unit}"]
    if rate:
        told += [f"{rate:,.0f}/s", *([f"{_duration(left)} left"] if left else [])]
    return ", ".join(told)


def _duration(seconds: float) -> str:
    """Return a time as one says it: 8 s, 3 min, 2 h 5 min."""
    minutes = round(seconds / 60)
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"
    return f"{minutes:,} min" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60} min"


def _clusters(result: Result, limit: int) -> Part:
    clusters = [cluster for cluster in result.clusters if cluster.size > 1]
    if not clusters:
        return _text("No two documents are the same text", "bold")
    kept = {article.id: article for article in result.kept}
    drops = {drop.article.id: drop for drop in result.dropped}
    rows: list[Sequence[Cell]] = []
    for cluster in clusters[:limit]:
        first = kept[cluster.canonical]
        about = _joined(first.source, first.published, first.title)
        rows.append([_text(text, "bold") for text in (first.id, about, "kept")])
        for member in cluster.members[1 : limit + 1]:
            if member in kept:
                other = kept[member]
                rows.append((f"  {member}", _joined(other.source, other.published, other.title), "kept"))
                continue
            drop = drops[member]
            about = _joined(drop.article.source, drop.article.published, drop.article.title)
            scores = (_cut(drop.jaccard), _percent(drop.containment), _percent(drop.containment_canonical))
            rows.append((f"  {drop.article.id}", about, drop.relation or "connected", *scores))
        if cluster.size - 1 > limit:
            rows.append((f"  and {cluster.size - 1 - limit:,} more",))
    rows += _more(len(clusters), limit, "cluster")
    title = f"{_count(len(clusters), 'cluster')} of more than one document"
    table = _table(title, ("document", "from", "why", ">Jaccard", ">in kept", ">of kept"), rows)
    table.caption = "in kept: share of it in the kept one; of kept: the reverse"
    return table


def _related(result: Result) -> pa.Table:
    """Return the pairs that are in no cluster for each other's sake, strongest relation first."""
    import pyarrow as pa  # noqa: PLC0415 - loads on first use
    import pyarrow.compute as pc  # noqa: PLC0415 - loads on first use

    tables = [
        result.pairs.filter(pc.equal(result.pairs["relation"], relation))
        for relation in RELATIONS
        if relation not in LINKS
    ]
    return pa.concat_tables(tables)


def _cover(page: str, cover: Cover, limit: int) -> Part:
    """Return which stretch of a page comes from which document."""
    rows: list[Sequence[Cell]] = [(it.document, f"{it.start:,} to {it.end:,}", it.words) for it in cover.stretches]
    rows = rows[:limit] + _more(len(rows), limit, "stretch", "stretches")
    title = f"{page} carries several texts; {_percent(cover.unexplained)} of it is from none of these"
    return _table(title, ("document", "characters of the page", ">words"), rows)


def compare_record(found: Comparison, bands: int) -> dict[str, Any]:
    """Return a whole comparison, but of the texts only what passages and edits hold; the plan has so many bands."""
    record = {field.name: getattr(found, field.name) for field in fields(found)} | {"bands_of_plan": bands}
    for name, stretches in (("passages", found.passages), ("edits", found.edits)):
        record[name] = [asdict(it) | dict(zip(("left", "right"), _texts(found, it), strict=True)) for it in stretches]
    return record | {"left": page_record(found.left), "right": page_record(found.right)}


def _texts(found: Comparison, it: Passage | Edit) -> tuple[str, str]:
    """Return what stands in both originals."""
    return found.left.original[it.left_start : it.left_end], found.right.original[it.right_start : it.right_end]


def compare_parts(found: Comparison, left: str, right: str, bands: int, limit: int) -> list[Part]:
    """Return how two texts stand to each other, and up to the limit what they share and where they differ.

    `left` and `right` are their names, `bands` is how many the plan has.
    """
    rows = (
        ("characters", len(found.left.original), len(found.right.original)),
        ("after cleaning", len(found.left.text), len(found.right.text)),
        ("different shingles", found.shingles_left, found.shingles_right),
        ("shared shingles", found.shared, found.shared),
        ("share that the other has", _percent(found.containment_left), _percent(found.containment_right)),
    )
    sides = (("left", found.left), ("right", found.right))
    return [
        _text(f"{found.relation or 'unrelated'}, Jaccard {_cut(found.jaccard)}", "bold"),
        f"left:  {left}\nright: {right}",
        _table("", ("", ">left", ">right"), rows),
        _bands(found.bands, bands, limit),
        *(_removed(f"Stripped from {name}", [page]) for name, page in sides if page.removed),
        *([_passages(found, limit)] if found.passages else []),
        *([_changes(found, limit)] if any(edit.kind != "equal" for edit in found.edits) else []),
    ]


def _bands(equal: Sequence[int], bands: int, limit: int) -> str:
    """Return which bands make two texts candidates."""
    if not equal:
        return f"No band of {bands:,} is equal in both signatures"
    if len(equal) == bands:
        return f"All {_count(bands, 'band')} equal in both signatures"
    more = [f"{len(equal) - limit:,} more"] if len(equal) > limit else []
    shown = ", ".join([*map(str, equal[:limit]), *more])
    return f"Equal in both signatures: {len(equal):,} of {_count(bands, 'band')}, counted from 0: {shown}"


def _passages(found: Comparison, limit: int) -> Part:
    """Return the longest passages: where each begins, and with which words."""
    rows: list[Sequence[Cell]] = []
    clean = _clean_place(found.left)
    for passage in sorted(found.passages, key=lambda passage: -passage.words)[:limit]:
        begins = _beginning(found.left.text[clean(passage.left_start) : clean(passage.left_end)], _BEGINNING)
        places = _place(found.left.original, passage.left_start), _place(found.right.original, passage.right_start)
        rows.append((passage.words, begins, *places, "moved" if passage.moved else ""))
    more = len(found.passages) - limit
    if more > 0:
        rows.append(("", f"and {_count(more, 'more passage')}"))
    words = sum(passage.words for passage in found.passages)
    title = f"{_count(len(found.passages), 'passage')} in both, {_count(words, 'word')}"
    table = _table(title, (">words", "begins with", ">left", ">right", ""), rows)
    table.caption = "left, right: line and column where it begins"
    return table


def _place(text: str, at: int) -> str:
    """Return line and column of a character, both counted from 1."""
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def _clean_place(page: Cleaned) -> Callable[[int], int]:
    """Return what tells where a word of the original text, its start or its end, stands in the clean one."""
    starts = [span.start for span in page.removed]
    gone = [0, *accumulate(span.end - span.start for span in page.removed)]
    return lambda place: place - gone[bisect_left(starts, place)]


def _clean_edits(found: Comparison) -> list[Edit]:
    """Return the edits by characters of the clean texts."""
    left, right = _clean_place(found.left), _clean_place(found.right)
    return [
        replace(
            edit,
            left_start=left(edit.left_start),
            left_end=left(edit.left_end),
            right_start=right(edit.right_start),
            right_end=right(edit.right_end),
        )
        for edit in found.edits
    ]


def _changes(found: Comparison, limit: int) -> Part:
    """Return the places where two clean texts differ; changes near each other are one place."""
    edits = _clean_edits(found)
    places: list[list[int]] = []
    for number, edit in enumerate(edits):
        if edit.kind == "equal":
            continue
        between = edits[number - 1]
        if places and between.left_end - between.left_start <= _AROUND and len(places[-1]) < _TOGETHER:
            places[-1].append(number)
        else:
            places.append([number])
    rows: list[Sequence[Cell]] = []
    for numbers in places[:limit]:
        first = found.edits[numbers[0]]
        left, right = _place(found.left.original, first.left_start), _place(found.right.original, first.right_start)
        rows.append((left, _change(found.left.text, found.right.text, edits, numbers), right))
    if len(places) > limit:
        rows.append(("", f"and {_count(len(places) - limit, 'more place')}"))
    title = f"{_count(len(places), 'place')} where they differ"
    return _table(title, (">left", "[-only left-] {+only right+}", ">right"), rows)


def _change(left_text: str, right_text: str, edits: Sequence[Edit], numbers: Sequence[int]) -> Text:
    """Return the edits of one place with what stands between them and a few words around."""
    from rich.text import Text  # noqa: PLC0415 - loads on first use

    before, after = numbers[0] - 1, numbers[-1] + 1
    pieces: list[tuple[str, str]] = []
    for number in range(max(before, 0), min(after + 1, len(edits))):
        near, at = edits[max(number - 2, 0) : number + 3], min(number, 2)
        left = _shown(left_text, [(edit.left_start, edit.left_end) for edit in near], at)
        right = _shown(right_text, [(edit.right_start, edit.right_end) for edit in near], at)
        if edits[number].kind == "equal":
            cut = _ending if number == before else _beginning
            pieces.append((cut(left, _AROUND), ""))
            continue
        if left:
            pieces.append((f"[-{_beginning(left, _CHANGED)}-]", "red"))
        if right:
            pieces.append((f"{{+{_beginning(right, _CHANGED)}+}}", "green"))
    return Text(" ", overflow="fold").join(Text(plain(piece), style) for piece, style in pieces)


def _shown(text: str, spans: Sequence[tuple[int, int]], at: int) -> str:
    """Return one of neighbouring stretches of words with the marks that stand against it; "" when it is empty."""
    start, end = spans[at]
    if start == end:
        return ""
    before = max([stop for first, stop in spans[:at] if first < stop], default=0)
    after = min([first for first, stop in spans[at + 1 :] if first < stop], default=len(text))
    # Marks without a space before them stand against the word before, if there is one.
    _, *lead = re.split(r"\s", text[before:start] if before else f" {text[:start]}")
    tail, *_ = re.split(r"\s", text[end:after], maxsplit=1)
    return f"{lead[-1] if lead else ''}{text[start:end]}{tail}"


def _beginning(text: str, size: int) -> str:
    """Return the first words of a text in one line."""
    line = " ".join(text[: 4 * size].split())
    if len(line) <= size and len(text) <= 4 * size:
        return line
    return f"{line[:size].rpartition(' ')[0] or line[:size]} …"


def _ending(text: str, size: int) -> str:
    """Return the last words of a text in one line."""
    line = " ".join(text[-4 * size :].split())
    if len(line) <= size and len(text) <= 4 * size:
        return line
    return f"… {line[-size:].partition(' ')[2] or line[-size:]}"


def page_record(page: Cleaned) -> dict[str, Any]:
    """Return what was removed from a text, and what that told."""
    return {
        "removed": [asdict(span) | {"text": page.original[span.start : span.end]} for span in page.removed],
        "items": [asdict(item) for item in page.items],
        "metadata": dict(page.metadata),
        "attribution": asdict(page.attribution) if page.attribution else None,
    }


def clean_parts(page: Cleaned) -> list[Part]:
    """Return what was removed from a text, and what that told, for people."""
    lines = [f"{name}: {value}" for name, value in page.metadata.items()]
    for number, item in enumerate(page.items, 1):
        about = _joined(item.source, item.age, item.title)
        lines.append(f"story {number} of the page: {about} ({_count(len(item.text), 'character')})")
    removed = _removed("Removed", [page]) if page.removed else "Nothing removed"
    return [removed, "\n".join(map(plain, lines))] if lines else [removed]


def _removed(title: str, pages: Iterable[Cleaned]) -> Table:
    """Return how often, how much and in how many documents each rule removed."""
    spans, characters, documents = (Counter[tuple[str, str]]() for _ in range(3))
    for page in pages:
        documents.update({(span.kind, span.rule) for span in page.removed})
        for span in page.removed:
            spans[span.kind, span.rule] += 1
            characters[span.kind, span.rule] += span.end - span.start
    rows = [(*rule, spans[rule], characters[rule], documents[rule]) for rule in sorted(spans)]
    return _table(title, ("kind", "rule", ">spans", ">characters", ">documents"), rows)


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
    processors = _count(machine["processors"], "processor")
    false = f"{found.false_candidates(documents):,.0f} pairs"
    facts = {
        "slots used": f"{found.bands * found.rows:,} of {found.num_slots:,}",
        f"recall at {found.threshold:g}": f"{_percent(found.recall, 2)}, asked {_percent(recall, 2)}",
        "bytes per document": f"{found.bytes_per_document:,}",
        "false candidates": f"{false} expected among {_count(documents, 'document')}",
    }
    rows = [
        (f"{jaccard:g}", _percent(probability, 2), f"{block * round(probability * _BAR):<{_BAR}} {mark}")
        for jaccard, probability in _curve(found)
        for mark in ["threshold" if jaccard == found.threshold else ""]
    ]
    return [
        _text(f"{_count(found.bands, 'band')} of {_count(found.rows, 'row')}", "bold"),
        _facts(facts),
        _table("How likely a pair of each similarity is found", (">Jaccard", ">found", ""), rows),
        *(_expected(run) for run in expected),
        f"Measured on {processors} ({machine['cpu']}) with generated articles. Other machines and texts differ.",
    ]


def _expected(run: Cost) -> Table:
    """Return what each stage of a run takes."""
    rows = [(it.name, _duration(it.seconds), _size(it.memory), _size(it.disk)) for it in run.stages]
    rows.append(("whole run", _duration(run.seconds), _size(run.memory), _size(run.disk)))
    on = "One machine" if run.engine == "local" else "Spark"
    table = _table(f"{on}, {_count(run.threads, 'thread')}", ("stage", ">time", ">memory", ">work folder"), rows)
    table.caption = f"written at the end: {_size(run.output)}"
    return table


def _curve(found: Plan) -> list[tuple[float, float]]:
    similarities = sorted({number / 10 for number in range(1, 11)} | {found.threshold})
    return [(jaccard, found.probability(jaccard)) for jaccard in similarities]


def evaluation_record(found: Evaluation, paired: PairEvaluation | None) -> dict[str, Any]:
    """Return all scores; null for what is not a number."""
    record = asdict(found) | {"pairs": asdict(paired) if paired else None}
    return {name: _finite(value) for name, value in record.items()}


def evaluation_parts(found: Evaluation, paired: PairEvaluation | None, resamples: int) -> list[Part]:
    """Return the scores of all documents and, where there are some, of labelled pairs."""
    stories = f"{found.stories:,} {'story' if found.stories == 1 else 'stories'}"
    parts: list[Part] = [_scores(f"{_count(found.documents, 'document')}, {stories}", found, len(_SCORES))]
    if paired:
        parts.append(_scores(_count(paired.pairs, "labelled pair"), paired, 3))
        kinds = (("relation", paired.by_relation), ("edit", paired.by_edit))
        parts += [_shares(kind, scores) for kind, scores in kinds if scores]
    lines = [f"Intervals from {_count(resamples, 'resample')}; stories that share a cluster are drawn together."]
    if found.f1.low == found.f1.high:
        lines.append("One without width: no resample differs. These stories cannot tell what others would.")
    if found.missing:
        lines.append(f"Not in the clusters: {_count(found.missing, 'labelled document')}, each scored as alone.")
    if found.unlabelled:
        lines.append(f"Without a label: {_count(found.unlabelled, 'document')}, left out.")
    return [*parts, "\n".join(lines)]


def _scores(title: str, found: Evaluation | PairEvaluation, number: int) -> Part:
    """Return a table of the first so many scores."""
    rows = [(name, says, *_estimate(getattr(found, field))) for field, name, says in _SCORES[:number]]
    return _table(title, ("score", "what it says", ">value", ">95 % interval"), rows)


def _shares(kind: str, scores: Iterable[PairScore]) -> Part:
    """Return a table of the share of the pairs of each relation or edit that is in one cluster."""
    rows = [
        (score.name, "one story" if score.linked else "two stories", score.pairs, *_estimate(score.share))
        for score in scores
    ]
    return _table(f"By {kind}", (kind, "labelled", ">pairs", ">in one cluster", ">95 % interval"), rows)


def _estimate(found: Estimate) -> tuple[str, str]:
    return _cut(found.value), "-" if math.isnan(found.low) else f"{_cut(found.low)} to {_cut(found.high)}"


def calibration_record(found: Calibration) -> dict[str, Any]:
    """Return a whole calibration; null for what is not a number."""
    return {name: _finite(value) for name, value in asdict(found).items()}


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
    table = _table("What each threshold links", columns if found.labelled_pairs is not None else columns[:4], rows)
    table.caption = "near: pairs that a change by 0.05 turns over"
    return [
        _text(f"threshold {found.threshold:g}, {_count(found.shingle_size, 'word')} per shingle", "bold"),
        found.reason,
        table,
        f"{_count(found.documents, 'different text')}, all pairs compared; --json has the other shingle sizes too",
        f"dedup run {shlex.quote(source)} {settings}",
    ]


def create_parts(path: str, config: Config) -> list[Part]:
    """Return what was made."""
    return [f"Made {path}, an empty index", _settings(config)]


def _settings(config: Config) -> Part:
    """Return the settings of an index, under the names of their options."""
    facts = {
        "threshold": f"{config.threshold:g}",
        "containment": f"{config.containment_floor:g}",
        "overlap": f"{config.overlap:g}",
        "min-passage": f"{config.min_passage:,}",
        "min-excerpt": f"{config.min_excerpt:,}",
        "recall": f"{config.recall:g}",
        "shingle-size": f"{config.shingle_size}",
        "slots": f"{config.num_slots:,}",
        "seed": f"{config.seed}",
        "prefer": ", ".join(config.keep.sources) or "-",
        "clean": "yes" if config.clean == "pages" else "no",
    }
    return _facts(facts)


def add_counts(matches: Iterable[Match]) -> Counter[str]:
    """Return how many articles there are of each action, the stories that they carried, and how many are reprints."""
    counts: Counter[str] = Counter()
    for match in matches:
        counts.update(("articles", match.action))
        if match.action != "unchanged":
            counts["items"] += len(match.items)
            counts.update("new" if one.is_new else "reprints" for one in (match, *match.items))
    return counts


def stopped(path: str, number: int) -> str:
    """Return what is to be said when articles are no longer added, and so many were."""
    return f"stopped; {_count(number, 'article')} of the input {'is' if number == 1 else 'are'} in {path}."


def add_parts(path: str, counts: Counter[str], seconds: float) -> list[Part]:
    """Return how many articles were added, and what they are; `counts` is the sum of `add_counts`."""
    actions = {name: counts[name] for name in ("added", "replaced", "unchanged")}
    carried = {"carried stories": counts["items"]} if counts["items"] else {}
    stories = {"new stories": counts["new"], "reprints": counts["reprints"]}
    return [
        _text(f"{_count(counts['articles'], 'article')} into {path} in {seconds:.2f} s", "bold"),
        _tally(actions | carried | stories),
    ]


def query_parts(name: str, path: str, match: Match, canonical: Article | None, cluster: Cluster | None) -> list[Part]:
    """Return how a text stands to an index; `canonical` and `cluster` are None where nothing is known of them."""
    if match.cluster is None:
        return [_text("a new story", "bold"), f"No document of {path} is like {name}"]
    facts = {
        "text": name,
        "canonical": _joined(match.canonical, *(_about(canonical) if canonical else ())),
        "in canonical": f"{_percent(match.containment)} of the text",
        "of canonical": f"{_percent(match.containment_canonical)} is in the text",
    }
    if cluster:
        outlets = _count(len(cluster.sources), "outlet") if cluster.sources else None
        first = f"first published {cluster.first_published}" if cluster.first_published else None
        facts[f"cluster {match.cluster}"] = _joined(_count(cluster.size, "document"), outlets, first)
    return [_text(_standing(match), "bold"), _facts(facts)]


def _about(article: Article) -> tuple[str | None, ...]:
    return article.source, article.published, article.title


def _standing(match: Match) -> str:
    """Return how a document stands to its cluster, in words."""
    if match.relation is None:
        return "kept"
    relation = "exact copy" if match.relation == "exact" else match.relation
    return f"{relation} of {match.canonical}, Jaccard {_cut(match.jaccard)}"


def get_record(article: Article, match: Match) -> dict[str, Any]:
    """Return a document as it is kept, and how it stands to its cluster; null for what is not a number."""
    record = {name: _finite(value) for name, value in asdict(article).items()}
    return record | {"match": asdict(match)}


def get_parts(article: Article, match: Match) -> list[Part]:
    """Return what is known of a document beside its text."""
    names = ("source", "published", "title", "url", "parent")
    facts = {name: value for name in names if (value := getattr(article, name))}
    others = {"other fields": ", ".join(article.extra)} if article.extra else {}
    return [_facts({"id": article.id} | facts | others | {f"cluster {match.cluster}": _standing(match)})]


def remove_parts(removed: Sequence[str], absent: Sequence[str]) -> list[Part]:
    """Return how many documents were removed, and which were not there."""
    return [
        f"{_count(len(removed), 'document')} removed",
        *([f"Not there: {plain(', '.join(absent))}"] if absent else []),
    ]


def expire_parts(number: int, left: int) -> list[Part]:
    """Return how many documents expired, and how many are left."""
    return [f"{_count(number, 'document')} expired, {left:,} left"]


def events_parts(path: str, events: Sequence[Event], after: int, limit: int) -> list[Part]:
    """Return the events up to the limit, which follow a position; one more says that there are more."""
    if not events:
        return [f"No event after {after:,} in {path}"]
    shown = events[:limit]
    rows: list[Sequence[Cell]] = [
        (event.position, _happened(event), event.kind, str(event.cluster), event.canonical or "-") for event in shown
    ]
    columns = (">event", "documents", "kind", ">cluster", "kept")
    return [
        _table("", columns, rows),
        *([f"More with --after {shown[-1].position}"] if len(events) > limit else []),
    ]


def _happened(event: Event) -> str:
    """Return which documents an event is about, and from where they came."""
    if event.kind == "merged":
        return f"all of cluster {event.other}"
    more = [f"{len(event.documents) - NAMED:,} more"] if len(event.documents) > NAMED else []
    names = ", ".join([*event.documents[:NAMED], *more])
    return f"{names} from cluster {event.other}" if event.kind == "split" else names


def stats_record(path: str, counts: Counts, config: Config) -> dict[str, Any]:
    """Return how much an index holds, and its settings but for those that are free."""
    settings = asdict(config)
    del settings["threads"], settings["keep"]["key"]
    return {"path": path} | asdict(counts) | {"settings": settings}


def stats_parts(path: str, counts: Counts, config: Config) -> list[Part]:
    """Return how much an index holds, and its settings."""
    crowded = "crowded: with more texts alike than are compared with each other"
    return [
        _text(f"{path}, {_size(counts.size)}", "bold"),
        _tally(
            {
                "documents": counts.documents,
                "different texts": counts.texts,
                "clusters": counts.clusters,
                "related pairs": counts.pairs,
                "crowded texts": counts.crowded,
                "events": counts.events,
            }
        ),
        *([crowded] if counts.crowded else []),
        _settings(config),
    ]


def verify_parts(path: str, broken: Sequence[str], counts: Counts) -> list[Part]:
    """Return what is broken, or that nothing is."""
    if broken:
        return [_text(f"{_count(len(broken), 'fault')} in {path}", "bold"), "\n".join(map(plain, broken))]
    documents, clusters = _count(counts.documents, "document"), _count(counts.clusters, "cluster")
    return [f"{path} is sound: {documents}, {_count(counts.texts, 'text')}, {clusters}"]


def compact_parts(path: str, before: int, after: int) -> list[Part]:
    """Return how large a file was, and is."""
    return [f"{path}: {_size(before)} before, {_size(after)} now"]


def backup_parts(path: str, size: int) -> list[Part]:
    """Return where the copy is."""
    return [f"Copied to {path}, {_size(size)}"]


# What parts are made of


def _table(title: str, columns: Iterable[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Return a table, numbers (">") at the right. Where space ends, the second column gives way."""
    from rich import box  # noqa: PLC0415 - loads on first use
    from rich.table import Table  # noqa: PLC0415 - loads on first use

    heading = _text(title, "bold", wrap=True) if title else None
    table = Table(title=heading, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    table.padding, table.pad_edge = (0, 1, 0, 0), False
    for place, name in enumerate(columns):
        side: JustifyMethod = "right" if name.startswith(">") else "left"
        table.add_column(name.removeprefix(">"), justify=side, no_wrap=place != 1, overflow="ellipsis")
    for row in rows:
        cells = (f"{cell:,}" if isinstance(cell, int) else cell for cell in row)
        table.add_row(*(_text(cell) if isinstance(cell, str) else cell for cell in cells))
    return table


def _more(number: int, limit: int, noun: str, nouns: str = "") -> list[Sequence[Cell]]:
    """Return the row for what is over the limit, if anything is."""
    return [(f"and {_count(number - limit, f'more {noun}', nouns and f'more {nouns}')}",)] if number > limit else []


def _text(text: str, style: str = "", *, wrap: bool = False) -> Text:
    """Return a text to show as it is; unless it may wrap, one line that ends in an ellipsis where space does."""
    from rich.text import Text  # noqa: PLC0415 - loads on first use

    lines = "\n".join(map(plain, text.split("\n"))) if wrap else plain(text)
    return Text(lines, style, no_wrap=not wrap, overflow="fold" if wrap else "ellipsis")


def _facts(facts: Mapping[str, str]) -> Text:
    """Return names and what is known under them, one a line."""
    width = max(map(len, facts)) + 3
    return _text("\n".join(f"{name:<{width}}{plain(value)}" for name, value in facts.items()), wrap=True)


def _tally(counts: Mapping[str, int]) -> Text:
    """Return names and numbers, one a line, the numbers at the right."""
    width = max(len(f"{number:,}") for number in counts.values())
    return _facts({name: f"{number:>{width},}" for name, number in counts.items()})


def _size(size: int) -> str:
    from rich.filesize import decimal  # noqa: PLC0415 - loads on first use

    return decimal(size)


def _joined(*parts: str | None) -> str:
    return " · ".join(filter(None, parts))


def _count(number: int, noun: str, nouns: str = "") -> str:
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def _cut(value: float, digits: int = 3) -> str:
    """Return a score cut, not rounded: what is shown as 1 is 1. A dash where there is none."""
    if math.isnan(value):
        return "-"
    # A hair more, because 0.29 * 100 is less than 29.
    return f"{math.floor(value * 10**digits + 1e-9) / 10**digits:.{digits}f}"


def _finite(value: object) -> object:
    """Return a record with None for what is not a number, which JSON lacks."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _percent(value: float, digits: int = 0) -> str:
    return f"{_cut(value * 100, digits)} %"
