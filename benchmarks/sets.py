"""Labelled sets: each is read from files that you have, never from the network; none of their texts is kept here.

The sets of `SETS` are gzipped JSONL files in one folder: `NAME.jsonl.gz`, a document a line (`id`, `text`, and where
known `source`, `date`, `title`), `NAME.title_pairs.jsonl.gz` (same headline, other row) and `NAME.exact_pairs.jsonl.gz`
(Jaccard and containment of word 5-grams by plain sets). `news_copy` and `core` read two published sets.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness
import pyarrow.parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row = dict[str, Any]

#: What somebody who read random pairs calls them: one JSON object per pair, ids and a label, no text.
READ = Path(__file__).parent / "labels" / "read_pairs.jsonl"


@dataclass(frozen=True, slots=True)
class Group:
    """Pairs of one kind.

    Args:
        name: What they are.
        linked: Whether they belong together.
        pairs: Their ids.
    """

    name: str
    linked: bool
    pairs: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A labelled set.

    Args:
        name: Its name.
        rows: The documents: `id`, `text`, and where known `source`, `published`, `title`.
        spaced: Whether its language writes spaces between words.
        groups: Labelled pairs.
        stories: Id -> story, where every document is labelled.
        published: What others measured on it: (who, what, value).
    """

    name: str
    rows: list[Row]
    spaced: bool = True
    groups: list[Group] = field(default_factory=list)
    stories: dict[str, str] = field(default_factory=dict)
    published: tuple[tuple[str, str, float], ...] = ()


def articles(path: Path) -> list[Row]:
    """Return the documents of a JSONL file, plain or .gz, with `date` as `published`."""
    return [
        {
            "id": str(row.get("id", number)),
            "text": row["text"],
            "source": row.get("source"),
            "published": row.get("published", row.get("date")),
            "title": row.get("title"),
        }
        for number, row in enumerate(harness.read_jsonl(path))
    ]


def _pairs(folder: Path, name: str, kind: str) -> list[Row]:
    path = folder / f"{name}.{kind}_pairs.jsonl.gz"
    return list(harness.read_jsonl(path)) if path.is_file() else []


def _ids(pairs: Iterable[Row]) -> list[tuple[str, str]]:
    return [(pair["a"], pair["b"]) for pair in pairs]


def _with_ends(groups: Iterable[Group], rows: list[Row]) -> list[Group]:
    """Return the groups without pairs of documents that are not there, and without groups of no pair."""
    known = {row["id"] for row in rows}
    there = [
        Group(group.name, group.linked, [pair for pair in group.pairs if known.issuperset(pair)]) for group in groups
    ]
    return [group for group in there if group.pairs]


#: What somebody who read a pair calls it, the group that makes it, and whether that is one story.
_LABELS = {
    "reprint": ("reprints and versions", True),
    "version": ("reprints and versions", True),
    "template": ("templates", False),
    "furniture": ("shared furniture", False),
}


def _read(name: str) -> list[Group]:
    """Return the pairs that somebody has read, by what they are called, and by where they were drawn from."""
    groups: dict[str, Group] = {}
    for row in harness.read_jsonl(READ):
        if row["set"] == name and row["label"] in _LABELS:
            kind, linked = _LABELS[row["label"]]
            # The others were drawn from all pairs with a Jaccard similarity of at least .2.
            title = f"read, links below .8: {kind}" if row.get("drawn") == "links" else f"read: {kind}"
            groups.setdefault(title, Group(title, linked, [])).pairs.append((row["a"], row["b"]))
    return [
        groups[title] for title in sorted(groups, key=lambda title: ("links" in title, not groups[title].linked, title))
    ]


def _headlines(folder: Path, name: str, rows: list[Row]) -> Group:
    source = {row["id"]: row["source"] for row in rows}
    text = {row["id"]: row["text"] for row in rows}
    pairs = [
        (a, b)
        for a, b in _ids(_pairs(folder, name, "title"))
        if text.get(a, "").strip() and text.get(b, "").strip() and (source[a] is None or source[a] != source[b])
    ]
    other = any(source.values())
    return Group("same headline" + ", other outlet" * other, linked=True, pairs=pairs)


def _exact(folder: Path, name: str, least: float, below: float = 1.01) -> list[tuple[str, str]]:
    return _ids(pair for pair in _pairs(folder, name, "exact") if least <= pair["jaccard"] < below)


def saudinewsnet(folder: Path) -> Labelled:
    """Return Arabic news of two weeks: agency copy at a dozen outlets (github.com/inparallel/SaudiNewsNet)."""
    rows = articles(folder / "saudinewsnet.jsonl.gz")
    groups = [
        _headlines(folder, "saudinewsnet", rows),
        Group("Jaccard of 5-grams at least .5", linked=True, pairs=_exact(folder, "saudinewsnet", 0.5)),
    ]
    # Of the whole set, of which a file may hold a part.
    published = (
        ("datasketch 2.0, 128 slots, 5-grams, .8", "same headline, other outlet", 0.38),
        ("datasketch 2.0, 128 slots, 5-grams, .5", "same headline, other outlet", 0.67),
        ("datasketch 2.0, 128 slots, 5-grams, .3", "same headline, other outlet", 0.83),
    )
    return Labelled("saudinewsnet", rows, groups=_with_ends(groups, rows), published=published)


def allsides(folder: Path) -> Labelled:
    """Return US news bodies: what lies at Jaccard .2 to .5 is nearly always shared page furniture."""
    rows = articles(folder / "allsides.jsonl.gz")
    furniture = Group("Jaccard of 5-grams .2 to .5: furniture", False, _exact(folder, "allsides", 0.2, 0.5))
    return Labelled("allsides", rows, groups=_with_ends([furniture, *_read("allsides")], rows))


def templates(name: str, *, spaced: bool) -> Callable[[Path], Labelled]:
    """Return the loader of a set with recurring forms, of which pairs were read, or with same headlines alone."""

    def load(folder: Path) -> Labelled:
        rows = articles(folder / f"{name}.jsonl.gz")
        groups = [_headlines(folder, name, rows), *_read(name)]
        return Labelled(name, rows, spaced=spaced, groups=_with_ends(groups, rows))

    return load


#: In the order of the report.
SETS: dict[str, Callable[[Path], Labelled]] = {
    "saudinewsnet": saudinewsnet,
    "reuters21578": templates("reuters21578", spaced=True),
    "livedoor_ja": templates("livedoor_ja", spaced=False),
    "inews_zh": templates("inews_zh", spaced=False),
    "masakhanews": templates("masakhanews", spaced=True),
    "allsides": allsides,
}


def _table(path: Path) -> list[Row]:
    """Return the rows of a Parquet or JSONL file."""
    if path.suffix == ".parquet":
        rows: list[Row] = pyarrow.parquet.read_table(path).to_pylist()
        return rows
    return list(harness.read_jsonl(path))


def news_copy(path: Path) -> Labelled:
    """Return NEWS-COPY (Silcock et al. 2023): scans of historical US newspapers, clusters of reprints.

    `path` is either a Parquet or JSONL file with `article` and `cluster` (dataset chenghao/NEWS-COPY-eval on Hugging
    Face), or the folder of an unpacked test_sets.zip (link in the README of github.com/dell-research-harvard/NEWS-COPY)
    with `test_inf_data.json` (id -> fields, of which `article`) and `full_test_gt.json` (pairs of ids).
    """
    if path.is_dir():
        data = json.loads((path / "test_inf_data.json").read_text(encoding="utf-8"))
        rows = [{"id": str(key), "text": fields["article"]} for key, fields in data.items()]
        stories = components(
            [row["id"] for row in rows],
            json.loads((path / "full_test_gt.json").read_text(encoding="utf-8")),
        )
    else:
        found = _table(path)
        rows = [{"id": str(number), "text": row["article"]} for number, row in enumerate(found)]
        stories = {str(number): str(row["cluster"]) for number, row in enumerate(found)}
    published = (
        ("re-ranking, neural (Silcock et al.)", "ARI", 0.937),
        ("bi-encoder, neural (Silcock et al.)", "ARI", 0.915),
        ("RETSim partial-dup, neural (Zhang et al.)", "ARI", 0.831),
        ("MinHash (Zhang et al.)", "ARI", 0.783),
        ("MinHash (Silcock et al.)", "ARI", 0.737),
        ("text-dedup MinHash (its README)", "ARI", 0.7293),
        ("text-dedup SimHash (its README)", "ARI", 0.6463),
    )
    return Labelled("NEWS-COPY", rows, stories=stories, published=published)


def core(path: Path) -> Labelled:
    """Return CORE 2020: titles and abstracts of 100,000 papers with their labelled duplicates.

    `path` is a Parquet or JSONL file of pinecone/core-2020-05-10-deduplication on Hugging Face, with `core_id`,
    `processed_title`, `processed_abstract` and `labelled_duplicates` (ids).
    """
    found = _table(path)
    ids = [str(row["core_id"]) for row in found]
    rows = [
        {"id": name, "text": f"{row['processed_title']} {row['processed_abstract']}"}
        for name, row in zip(ids, found, strict=True)
    ]
    known = set(ids)
    links = [
        (name, str(other))
        for name, row in zip(ids, found, strict=True)
        for other in row["labelled_duplicates"] or ()
        if str(other) in known
    ]
    published = (
        ("gaoya (its notebook)", "exact sets", 0.9381),
        ("text-dedup MinHash (its README)", "exact sets", 0.9277),
        ("RETSim partial-dup, neural (Zhang et al.)", "exact sets", 0.928),
        ("MinHash + LSH (Zhang et al.)", "exact sets", 0.918),
        ("text-dedup SimHash (its README)", "exact sets", 0.8375),
    )
    return Labelled("CORE", rows, stories=components(ids, links), published=published)


def components(names: list[str], links: Iterable[Iterable[Any]]) -> dict[str, str]:
    """Return name -> the first name of its connected component."""
    root = {name: name for name in names}

    def find(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for left, right in links:
        root[find(str(left))] = find(str(right))
    first: dict[str, str] = {}
    return {name: first.setdefault(find(name), name) for name in names}
