"""What `dedup run` shows: a run in memory, a run in files, and how far one is."""

from __future__ import annotations

import math
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from dedup._terminal import draw, texts
from dedup.model import LINKS, RELATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from dedup._terminal.draw import Cell, Part
    from dedup.config import Config
    from dedup.engines.output import Written
    from dedup.formats import Skipped
    from dedup.model import Alarm, Cover
    from dedup.result import Result


def notes(result: Result) -> list[str]:
    """Return what is to be said of a run beside its result, in lines; mostly nothing."""
    lines, counts = [], result.summary()
    if result.ids_made:
        lines.append("The input has no ids: the numbers of its rows, from 0, stand for them.")
    lines += skipped_notes(result.skipped, counts["skipped_rows"], counts["documents"] - counts["items"])
    lines += _bucket_notes(counts)
    if number := int(counts["large_clusters"]):
        title = f"{draw.count(number, 'cluster')} of more than {draw.count(result.config.large_cluster, 'document')}"
        sizes = (f"{cluster.canonical}: {cluster.size:,}" for cluster in result.clusters[:number])
        lines += _named(title, sizes, number)
    return lines + _alarm_notes(result.alarms, result.config)


def written_notes(written: Written, config: Config) -> list[str]:
    """Return what is to be said of a run in files beside its numbers, in lines; mostly nothing."""
    counts = written.summary
    lines = skipped_notes(written.skipped, counts["skipped_rows"], counts["documents"] - counts["items"])
    lines += _bucket_notes(counts)
    if number := int(counts["large_clusters"]):
        large = f"{draw.count(number, 'cluster')} of more than {draw.count(config.large_cluster, 'document')}"
        lines.append(f"{large}, the largest of {counts['largest_cluster']:,}.")
    return lines + _alarm_notes(written.alarms, config)


def skipped_notes(skipped: Iterable[Skipped | str], number: float, taken: float) -> list[str]:
    """Return what is to be said of so many skipped rows, of which the first are given, beside those that were taken."""
    if not number:
        return []
    return _named(f"{number:,} of {draw.count(int(number + taken), 'row')} skipped", map(str, skipped), int(number))


def _bucket_notes(counts: Mapping[str, int | float]) -> list[str]:
    if not counts["capped_buckets"]:
        return []
    buckets = draw.count(int(counts["capped_buckets"]), "bucket")
    return [f"{buckets} over the limit: at most {counts['omitted_pairs']:,} pairs in them were not compared."]


def _alarm_notes(alarms: Sequence[Alarm], config: Config) -> list[str]:
    share = config.keep.alarm_share
    if not alarms or share is None:
        return []
    title = f"{draw.count(len(alarms), 'source')} of which more than {draw.percent(share)} is dropped"
    shares = (f"{it.source}: {it.dropped:,} of {draw.count(it.documents, 'document')}" for it in alarms)
    return _named(title, shares, len(alarms))


def _named(title: str, names: Iterable[str], number: int) -> list[str]:
    """Return a title and the first names under it, one a line; the others are counted."""
    lines = [f"  {name}" for name in islice(names, draw.NAMED)]
    return [f"{title}:", *lines, *([f"  and {number - draw.NAMED:,} more"] if number > draw.NAMED else [])]


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
            rows.append(
                (pair["left"], pair["relation"], pair["right"], draw.cut(pair["jaccard"]), *map(draw.percent, shares))
            )
        rows += draw.more(len(related), limit, "pair")
        title = f"{draw.count(len(related), 'pair')} with text in common that are not one text"
        parts.append(draw.table(title, ("left", "relation", "right", ">Jaccard", ">of left", ">of right"), rows))
    parts += [_cover(page, cover, limit) for page, cover in islice(result.covers.items(), limit)]
    if result.cleaned:
        title = f"Stripped from {draw.count(len(result.cleaned), 'document')}"
        parts.append(texts.removed(title, result.cleaned.values()))
    counts = {name: int(value) for name, value in result.summary().items()}
    written = f"Written to {out}" if out else "Nothing written: --out FILE writes a row per document"
    return [*parts, _counted(counts, seconds), written]


def _clusters(result: Result, limit: int) -> Part:
    clusters = [cluster for cluster in result.clusters if cluster.size > 1]
    if not clusters:
        return draw.styled("No two documents are the same text", "bold")
    kept = {article.id: article for article in result.kept}
    drops = {drop.article.id: drop for drop in result.dropped}
    rows: list[Sequence[Cell]] = []
    for cluster in clusters[:limit]:
        first = kept[cluster.canonical]
        about = draw.joined(first.source, first.published, first.title)
        rows.append([draw.styled(text, "bold") for text in (first.id, about, "kept")])
        for member in cluster.members[1 : limit + 1]:
            if member in kept:
                other = kept[member]
                rows.append((f"  {member}", draw.joined(other.source, other.published, other.title), "kept"))
                continue
            drop = drops[member]
            about = draw.joined(drop.article.source, drop.article.published, drop.article.title)
            scores = (draw.cut(drop.jaccard), draw.percent(drop.containment), draw.percent(drop.containment_canonical))
            rows.append((f"  {drop.article.id}", about, drop.relation or "connected", *scores))
        if cluster.size - 1 > limit:
            rows.append((f"  and {cluster.size - 1 - limit:,} more",))
    rows += draw.more(len(clusters), limit, "cluster")
    title = f"{draw.count(len(clusters), 'cluster')} of more than one document"
    table = draw.table(title, ("document", "from", "why", ">Jaccard", ">in kept", ">of kept"), rows)
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
    rows = rows[:limit] + draw.more(len(rows), limit, "stretch", "stretches")
    title = f"{page} carries several texts; {draw.percent(cover.unexplained)} of it is from none of these"
    return draw.table(title, ("document", "characters of the page", ">words"), rows)


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
    """Return what a run in files found, the sources that lose most, and what was written where."""
    counts = {name: int(value) for name, value in written.summary.items()}
    worst = sorted(written.sources.items(), key=lambda item: (-item[1][0] / item[1][1], -item[1][1], item[0]))
    rows = [(name, all_, gone, draw.percent(gone / all_, 1)) for name, (gone, all_) in worst if gone]
    parts: list[Part] = []
    if rows:
        title = "Sources that lose most"
        shown = [*rows[: draw.NAMED], *draw.more(len(rows), draw.NAMED, "source")]
        parts.append(draw.table(title, ("source", ">documents", ">dropped", ">share"), shown))
    found = {
        "largest cluster": counts["largest_cluster"],
        "related pairs": sum(counts[f"{name}_pairs"] for name in RELATIONS),
        "stripped documents": counts["cleaned"],
        "templates": counts["templates"],
        "alarms": counts["alarms"],
    }
    files = (f"{path.name} ({draw.size(path.stat().st_size)})" for path in sorted(written.folder.iterdir()))
    return [*parts, draw.tally(found), _counted(counts, seconds), f"Written to {draw.plain(out)}: {', '.join(files)}"]


def _counted(counts: Mapping[str, int], seconds: float) -> str:
    """Return how many documents there are, and what became of them, in a line."""
    items = f" ({counts['items']:,} from pages)" if counts["items"] else ""
    kinds = ", ".join(f"{counts[name]:,} {name}" for name in ("kept", "dropped", "empty"))
    documents, clusters = draw.count(counts["documents"], "document"), draw.count(counts["clusters"], "cluster")
    return f"{documents}{items}: {kinds}; {clusters}; {seconds:.2f} s"


def progress(done: float, total: float | None, unit: str, rate: float | None, left: float | None) -> str:
    """Return how far a stage is, how fast it goes and how long it will take; what is unknown is left out."""
    if not unit:
        return ""
    told = [f"{done:,.0f} {unit}" if total in (None, done) else f"{done:,.0f} of {total:,.0f} {unit}"]
    if rate:
        told += [f"{rate:,.0f}/s", *([f"{draw.duration(left)} left"] if left else [])]
    return ", ".join(told)
