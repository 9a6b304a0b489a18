"""What the report says, as JSON in packed parts: the list of clusters, their texts, and the other evidence.

The page's script reads what is made here; the docstrings of `_listed`, `_texts`, `_page` and `_pair` are the contract.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, get_args

import numpy as np

from dedup.matching import passages
from dedup.model import LINKS, RELATIONS, BlockKind, Cleaned, moments
from dedup.report.texts import SHOWN, blocks, changes, delta, flat, furniture, label, safe, shorten, units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.model import Article, Cluster, Cover, Edit

#: Members of a cluster that are listed, those of them whose texts are shown, and the JSON that these may take.
LISTED, COMPARED, _CLUSTER_SIZE = 2_000, 50, 2_000_000
#: Characters that are compared word by word in all, so that no result takes more than some minutes.
MOST_COMPARED = 200_000_000
#: Pairs of a relation that are listed beside the clusters, and roundup pages.
MOST_PAIRS, MOST_PAGES = 2_000, 500
#: Records, and characters of JSON, that make a part.
_RECORDS, _PART_SIZE = 100, 250_000
#: Characters that the page puts around a part, at most.
ELEMENT = 100
#: Share of the budget that the list may take, and of what is left, the other evidence.
_LIST_SHARE, _OTHER_SHARE = 0.5, 0.3
#: Characters of an id, an outlet, a date, a headline or the beginning of a text, and an address.
_ID, _SOURCE, _DATE, _TITLE, _BEGINNING, _URL = 200, 100, 40, 300, 100, 2_000

#: Relations that are shown elsewhere: within a cluster, or with the page that carries the text. What else links is
#: listed where it links nothing: between two clusters.
_SHOWN_ELSEWHERE = {"exact", "duplicate", "excerpt", "roundup"}
#: The kinds of furniture; a kind's number in the data is its place here.
KINDS: tuple[BlockKind, ...] = get_args(BlockKind)

_CODES: Mapping[str, int] = {relation: code for code, relation in enumerate(RELATIONS)}
_KIND_CODES: Mapping[str, int] = {kind: code for code, kind in enumerate(KINDS)}


class Found(Protocol):
    """What the report reads of a result."""

    @property
    def config(self) -> Config:
        """The settings."""

    @property
    def articles(self) -> list[Article]:
        """The documents."""

    @property
    def kept(self) -> list[Article]:
        """Those that are kept."""

    @property
    def clusters(self) -> list[Cluster]:
        """The clusters, large ones first."""

    @property
    def cleaned(self) -> Mapping[str, Cleaned]:
        """What was taken off which document."""

    @property
    def covers(self) -> Mapping[str, Cover]:
        """What each roundup page carries."""

    @property
    def pairs(self) -> pa.Table:
        """The related pairs."""

    def to_arrow(self) -> pa.Table:
        """Return a row per document, in the order of `articles`."""

    def summary(self) -> dict[str, int | float]:
        """Return the counts."""


@dataclass(frozen=True, slots=True)
class Data:
    """What the page's script shows.

    Args:
        index: What is where, and what was left out; small, and JSON as it stands.
        parts: Name -> packed records: JSON lists, zlib, base64.
    """

    index: dict[str, Any]
    parts: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Row:
    """A document and how it stands to the one that is kept in its place; scores in thousandths, None where none is."""

    article: Article
    kept: bool
    relation: int | None
    scores: tuple[int | None, ...]


class _Rows:
    """The documents of a result by id: as it came, or with its lone surrogates escaped, as Arrow has it."""

    def __init__(self, found: Found) -> None:
        table = found.to_arrow()
        self._articles = found.articles
        self._places = dict(zip(table["id"].to_pylist(), range(len(table)), strict=True))
        self._places |= {article.id: place for place, article in enumerate(found.articles)}
        self._kept = table["kept"].to_numpy()
        self._clusters = table["cluster"].combine_chunks().dictionary_encode().indices.to_numpy()
        self._relations = table["relation"].combine_chunks()
        names = ("jaccard", "containment", "containment_canonical")
        self._scores = np.array([table[name].to_numpy() for name in names])

    def __getitem__(self, name: str) -> _Row:
        place = self._places[name]
        relation = self._relations[place].as_py()
        scores = tuple(map(thousandths, self._scores[:, place].tolist()))
        return _Row(self._articles[place], bool(self._kept[place]), _CODES.get(relation), scores)

    def are_apart(self, left: Iterable[str], right: Iterable[str]) -> NDArray[np.bool_]:
        """Return which pairs of documents, bool [pairs], stand in different clusters."""
        one, other = (self._clusters[[self._places[name] for name in names]] for names in (left, right))
        apart: NDArray[np.bool_] = one != other
        return apart


def build(found: Found, room: int) -> Data:
    """Return what the page's script shows, in at most `room` characters."""
    rows = _Rows(found)
    clusters = [cluster for cluster in found.clusters if cluster.size > 1]
    covers = sorted(found.covers.items(), key=lambda item: (-len(item[1].stretches), item[0]))
    pairs, other_pairs = _other_pairs(found.pairs, rows)
    index: dict[str, Any] = {
        "relations": RELATIONS,
        "kinds": KINDS,
        "shown": SHOWN,
        "totals": {"clusters": len(clusters), "pages": len(covers), "pairs": other_pairs},
    }
    parts: dict[str, str] = {}

    def store(name: str, records: Iterable[str], room: float) -> int:
        packed, index[name] = pack(records, room)
        parts.update((f"{name}-{number}", part) for number, part in enumerate(packed))
        return sum(map(len, packed)) + ELEMENT * len(packed)

    left = room - store("clusters", (_dump(_listed(cluster, found, rows)) for cluster in clusters), room * _LIST_SHARE)
    other = left * _OTHER_SHARE
    left -= store("pairs", (_dump(_pair(pair, rows)) for pair in pairs), other / 2)
    left -= store("pages", (_dump(_page(name, cover, found, rows)) for name, cover in covers[:MOST_PAGES]), other / 2)
    listed = index["clusters"][-1]
    store("texts", _all_texts(clusters[:listed], found, rows), left)
    return Data(index, parts)


def pack(records: Iterable[str], room: float) -> tuple[list[str], list[int]]:
    """Put JSON records into parts, in order, until one does not fit any more.

    Args:
        records: JSON, one record each; as many are drawn as fit, and those of one part more.
        room: Characters that the parts may take together.

    Returns:
        The parts, and the number of the first record of each, then the number of all that are stored.
    """
    parts: list[str] = []
    starts = [0]
    waiting: list[str] = []
    size = 0

    def flush() -> bool:
        nonlocal room, size
        part = base64.b64encode(zlib.compress(f"[{','.join(waiting)}]".encode())).decode()
        taken = len(part) + ELEMENT
        fits = taken <= room
        if fits:
            room -= taken
            parts.append(part)
            starts.append(starts[-1] + len(waiting))
        waiting.clear()
        size = 0
        return fits

    for record in records:
        waiting.append(record)
        size += len(record)
        if (len(waiting) == _RECORDS or size >= _PART_SIZE) and not flush():
            return parts, starts
    if waiting:
        flush()
    return parts, starts


def _dump(record: object) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def thousandths(score: float | None) -> int | None:
    """Return a score in thousandths, cut, not rounded: what is shown as 1 is 1."""
    # A hair more, because 0.29 * 1000 is less than 290.
    return None if score is None or math.isnan(score) else math.floor(score * 1000 + 1e-9)


def when(published: str | None) -> str | int | None:
    """Return the day or the second since 1970 that a date means; None when it is unknown."""
    first, last = moments(published)
    if first == math.inf:
        return None
    if first == last:
        return int(first)
    return str(np.datetime64(int(first), "s").astype("datetime64[D]"))


def _listed(cluster: Cluster, found: Found, rows: _Rows) -> list[Any]:
    """Return what the list shows of a cluster.

    Size, number of outlets, place of the member that printed first (None when unknown), beginning of the kept clean
    text when it has no headline, and the members in keep order, at most `LISTED`: id, outlet, date as it came, date (a
    day as text, a time as seconds since 1970, None when unknown), headline, 1 when it is kept (else 0), relation,
    Jaccard, share in the kept one, share of the kept one.
    """
    members = [rows[name] for name in cluster.members[:LISTED]]
    published = [row.article.published for row in members]
    first = cluster.first_published
    canonical = members[0].article
    return [
        cluster.size,
        len(cluster.sources),
        published.index(first) if first in published and first is not None else None,
        None if label(canonical.title, _TITLE) else label(_cleaned(found, canonical).text.lstrip(), _BEGINNING),
        [[*_about(row.article), int(row.kept), row.relation, *row.scores] for row in members],
    ]


def _about(article: Article) -> list[Any]:
    """Return id, outlet, date as it came, date, headline."""
    return [
        label(article.id, _ID),
        label(article.source, _SOURCE),
        label(article.published, _DATE),
        when(article.published),
        label(article.title, _TITLE),
    ]


def _cleaned(found: Found, article: Article) -> Cleaned:
    return shorten(found.cleaned.get(article.id) or Cleaned(article.text, article.text))


def _all_texts(clusters: Iterable[Cluster], found: Found, rows: _Rows) -> Iterator[str]:
    left = MOST_COMPARED
    for cluster in clusters:
        articles = [rows[name].article for name in cluster.members[: COMPARED + 1]]
        left -= sum(min(len(article.text), SHOWN) for article in articles)
        if left < 0:
            return
        yield _texts([(article, _cleaned(found, article)) for article in articles], found.config.shingle_size)


def _texts(documents: list[tuple[Article, Cleaned]], shingle_size: int) -> str:
    """Return the texts of a cluster, as JSON.

    An object of the kept text: `text`, `furniture` (as `texts.furniture`), `length` when it is longer than what is
    shown, `url`; and `members`, one object for each of the others as far as they are stored, in keep order: `pieces`
    (as `texts.delta`), `gone` (what only the kept text has) and `added` (what only this one has, both as `texts.flat`),
    `furniture`, `length`, `url`.
    """
    (canonical, base), *others = documents
    text = safe(base.original)
    known = blocks(text)
    words = None
    seen: dict[tuple[object, ...], dict[str, Any]] = {}
    members: list[str] = []
    left = _CLUSTER_SIZE
    for article, page in others:
        key = (page.original, page.removed)
        if key not in seen:
            edits: tuple[Edit, ...] = ()
            if page.text != base.text:
                words = passages.read_words(base) if words is None else words
                other = passages.read_words(page)
                edits = passages.edits(words, other, passages.share(words, other, shingle_size))
            seen[key] = {
                "pieces": delta(text, known, safe(page.original)),
                "gone": changes(edits, "left", base),
                "added": changes(edits, "right", page),
                **_shape(page),
            }
        member = _dump(seen[key] | _more(article))
        left -= len(member)
        if left < 0:
            break
        members.append(member)
    kept = _dump({"text": text, **_shape(base), **_more(canonical)})
    return f'{kept[:-1]},"members":[{",".join(members)}]}}'


def _shape(page: Cleaned) -> dict[str, Any]:
    return {"furniture": furniture(page, _KIND_CODES)}


def _more(article: Article) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if len(article.text) > SHOWN:
        more["length"] = len(article.text)
    # A longer address is cut nowhere: a part of it leads elsewhere.
    if article.url and len(article.url) <= _URL:
        more["url"] = safe(article.url)
    return more


def _page(name: str, cover: Cover, found: Found, rows: _Rows) -> list[Any]:
    """Return what is shown of a roundup page.

    What `_about` has, the share that nothing explains in thousandths, an object as `_texts` has for the kept text, the
    stretches as `texts.flat` ranges, and for each of them: words, then what `_about` has of the document.
    """
    article = rows[name].article
    page = _cleaned(found, article)
    text = safe(page.original)
    stretches = [stretch for stretch in cover.stretches if stretch.start < len(text)]
    ranges = ((stretch.start, min(stretch.end, len(text))) for stretch in stretches)
    carried = [[stretch.words, *_about(rows[stretch.document].article)] for stretch in stretches]
    return [
        *_about(article),
        thousandths(cover.unexplained),
        {"text": text, **_shape(page), **_more(article)},
        flat(ranges, units(text)),
        carried,
    ]


def _other_pairs(table: pa.Table, rows: _Rows) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Return the pairs that are listed beside the clusters, and how many there are of each relation.

    Those whose relation links nothing come first, then versions in different clusters; of each relation the most
    alike, at most `MOST_PAIRS`.
    """
    import pyarrow.compute as pc  # noqa: PLC0415 - loads on first use

    listed: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for relation in sorted(RELATIONS, key=lambda name: name in LINKS):
        if relation not in _SHOWN_ELSEWHERE:
            found = table.filter(pc.equal(table["relation"], relation))
            if relation in LINKS and len(found):
                found = found.filter(rows.are_apart(found["left"].to_pylist(), found["right"].to_pylist()))
            order = [("jaccard", "descending"), ("left", "ascending"), ("right", "ascending")]
            listed += found.sort_by(order).slice(0, MOST_PAIRS).to_pylist()
            if len(found):
                counts[relation] = len(found)
    return listed, counts


def _pair(pair: Mapping[str, Any], rows: _Rows) -> list[Any]:
    """Return what is shown of a pair.

    Relation, "left" or "right" for the one that was published later (None when unknown), Jaccard, both containments,
    and what `_about` has of left and right.
    """
    scores = (thousandths(pair[name]) for name in ("jaccard", "containment_left", "containment_right"))
    return [
        _CODES[pair["relation"]],
        pair["later"],
        *scores,
        *(_about(rows[pair[side]].article) for side in ("left", "right")),
    ]
