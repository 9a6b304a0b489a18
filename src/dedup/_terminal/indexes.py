"""What the commands of `dedup index` show."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dedup._terminal import draw

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dedup._terminal.draw import Cell, Part
    from dedup.config import Config
    from dedup.model import Article, Cluster, Event, Match
    from dedup.protocols import Counts


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
        "clean": config.clean,
    }
    return draw.facts(facts)


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
    return f"stopped; {draw.count(number, 'article')} of the input {'is' if number == 1 else 'are'} in {path}."


def add_parts(path: str, counts: Counter[str], seconds: float) -> list[Part]:
    """Return how many articles were added, and what they are; `counts` is the sum of `add_counts`."""
    actions = {name: counts[name] for name in ("added", "replaced", "unchanged")}
    carried = {"carried stories": counts["items"]} if counts["items"] else {}
    stories = {"new stories": counts["new"], "reprints": counts["reprints"]}
    return [
        draw.styled(f"{draw.count(counts['articles'], 'article')} into {path} in {seconds:.2f} s", "bold"),
        draw.tally(actions | carried | stories),
    ]


def query_parts(name: str, path: str, match: Match, canonical: Article | None, cluster: Cluster | None) -> list[Part]:
    """Return how a text stands to an index; `canonical` and `cluster` are None where nothing is known of them."""
    if match.cluster is None:
        return [draw.styled("a new story", "bold"), f"No document of {path} is like {name}"]
    facts = {
        "text": name,
        "canonical": draw.joined(match.canonical, *(_about(canonical) if canonical else ())),
        "in canonical": f"{draw.percent(match.containment)} of the text",
        "of canonical": f"{draw.percent(match.containment_canonical)} is in the text",
    }
    if cluster:
        outlets = draw.count(len(cluster.sources), "outlet") if cluster.sources else None
        first = f"first published {cluster.first_published}" if cluster.first_published else None
        facts[f"cluster {match.cluster}"] = draw.joined(draw.count(cluster.size, "document"), outlets, first)
    return [draw.styled(_standing(match), "bold"), draw.facts(facts)]


def _about(article: Article) -> tuple[str | None, ...]:
    return article.source, article.published, article.title


def _standing(match: Match) -> str:
    """Return how a document stands to its cluster, in words."""
    if match.relation is None:
        return "kept"
    relation = "exact copy" if match.relation == "exact" else match.relation
    return f"{relation} of {match.canonical}, Jaccard {draw.cut(match.jaccard)}"


def get_record(article: Article, match: Match) -> dict[str, Any]:
    """Return a document as it is kept, and how it stands to its cluster; null for what is not a number."""
    record = {name: draw.finite(value) for name, value in asdict(article).items()}
    return record | {"match": asdict(match)}


def get_parts(article: Article, match: Match) -> list[Part]:
    """Return what is known of a document beside its text."""
    names = ("source", "published", "title", "url", "parent")
    facts = {name: value for name in names if (value := getattr(article, name))}
    others = {"other fields": ", ".join(article.extra)} if article.extra else {}
    return [draw.facts({"id": article.id} | facts | others | {f"cluster {match.cluster}": _standing(match)})]


def remove_parts(removed: Sequence[str], absent: Sequence[str]) -> list[Part]:
    """Return how many documents were removed, and which were not there."""
    return [
        f"{draw.count(len(removed), 'document')} removed",
        *([f"Not there: {draw.plain(', '.join(absent))}"] if absent else []),
    ]


def expire_parts(number: int, left: int) -> list[Part]:
    """Return how many documents expired, and how many are left."""
    return [f"{draw.count(number, 'document')} expired, {left:,} left"]


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
        draw.table("", columns, rows),
        *([f"More with --after {shown[-1].position}"] if len(events) > limit else []),
    ]


def _happened(event: Event) -> str:
    """Return which documents an event is about, and from where they came."""
    if event.kind == "merged":
        return f"all of cluster {event.other}"
    more = [f"{len(event.documents) - draw.NAMED:,} more"] if len(event.documents) > draw.NAMED else []
    names = ", ".join([*event.documents[: draw.NAMED], *more])
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
        draw.styled(f"{path}, {draw.size(counts.size)}", "bold"),
        draw.tally(
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
        return [
            draw.styled(f"{draw.count(len(broken), 'fault')} in {path}", "bold"),
            "\n".join(map(draw.plain, broken)),
        ]
    documents, clusters = draw.count(counts.documents, "document"), draw.count(counts.clusters, "cluster")
    return [f"{path} is sound: {documents}, {draw.count(counts.texts, 'text')}, {clusters}"]


def compact_parts(path: str, before: int, after: int) -> list[Part]:
    """Return how large a file was, and is."""
    return [f"{path}: {draw.size(before)} before, {draw.size(after)} now"]


def backup_parts(path: str, size: int) -> list[Part]:
    """Return where the copy is."""
    return [f"Copied to {path}, {draw.size(size)}"]
