"""The whole job, slow and obvious: Python sets, all pairs, the definitions followed literally.

It is trusted because it holds nothing clever: the readable twin of the kernel gives tokens and shingle hashes, two
loops compare everything with everything, and `networkx` finds the components.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import networkx as nx

from dedup import Article, Config, KeepPolicy, Result, clean
from dedup.boilerplate.classify import lines_of
from dedup.boilerplate.page import wire_ranks
from dedup.boilerplate.signs import age_resolved, whole_line
from dedup.kernels import reference
from dedup.kernels.native import Texts
from dedup.matching.roundups import CARRIED, LARGE_PART, LEAD, PART, SECOND
from dedup.matching.verify import FORM_CONTAINMENT, FORM_WORDS, NAMED
from dedup.matching.versions import ALIKE, CONTAINED, GREW, GREW_ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dedup.model import Relation

#: Relation, Jaccard, share of the first in the second, share of the second in the first.
Score = tuple["Relation | None", float, float, float]
#: Id of the dropped document -> id of its canonical, and how the first stands to the second.
Drops = dict[str, tuple[str, Score]]
#: The smaller id, the larger id, and how the first stands to the second.
PairScores = set[tuple[str, str, Score]]

LINKS = ("exact", "duplicate", "version", "excerpt")


@dataclass(frozen=True)
class Solution:
    """What a run must find: clusters as (canonical, members), drops, related pairs."""

    clusters: set[tuple[str, tuple[str, ...]]]
    drops: Drops
    pairs: PairScores


@cache
def tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a text, from the readable twin."""
    return tuple(reference.tokens(text))


@cache
def shingles(text: str, size: int, seed: int) -> frozenset[int]:
    """Return the shingle set of a text, from the readable twin."""
    return frozenset(reference.shingle_set(text, size, seed).tolist())


@cache
def align(left: str, right: str, size: int, seed: int) -> tuple[int, int, int, int, int]:
    """Return the alignment of two texts, from the readable twin."""
    return reference.align(left, right, size, seed)


def link(left: str, right: str, config: Config) -> Score:
    """Return how two clean texts stand to each other, by the sentences of the design."""
    a, b = (shingles(text, config.shingle_size, config.seed) for text in (left, right))
    if not a or not b:
        return None, 0.0, 0.0, 0.0
    shared = len(a & b)
    jaccard, in_right, in_left = shared / len(a | b), shared / len(a), shared / len(b)
    smaller = min(len(a), len(b))
    # Rounded, because 0.3 and 0.05 are not quite 0.35.
    floor = min(1.0, round(config.threshold + 0.05, 9)) if config.containment is None else config.containment
    relation: Relation | None = None
    if tokens(left) == tokens(right):
        relation = "exact"
    elif jaccard >= config.threshold:
        relation = "duplicate"
    elif smaller >= config.min_excerpt and shared / smaller >= floor:
        relation = "excerpt"
    elif smaller >= config.min_excerpt and shared / smaller >= config.overlap:
        relation = "overlap"
    # A passage that says the same again and again is none.
    may_be_form = relation not in (None, "exact") and shared / smaller < FORM_CONTAINMENT
    may_have_passage = relation is None and shared > config.min_passage - config.shingle_size
    if may_be_form or may_have_passage:
        half_words, longest, places, numbers, names = align(left, right, config.shingle_size, config.seed)
        needed, facts = half_words / 2 / FORM_WORDS, numbers + names
        by_numbers = numbers > 0 and numbers**2 >= needed
        if may_be_form and (by_numbers or (facts > 0 and facts**2 >= needed and facts >= NAMED * places)):
            relation = "template"
        elif may_have_passage and longest // 2 >= config.min_passage:
            relation = "overlap"
    return relation, jaccard, in_right, in_left


def moments(published: str | None) -> tuple[float, float]:
    """Return the first and the last moment when that may have been, in seconds; unknown is never."""
    text = (published or "").strip()
    try:
        day = date.fromisoformat(text)
        first, last = (datetime.combine(day, at, UTC) for at in (time.min, time.max))
    except ValueError:
        try:
            first = datetime.fromisoformat(text)
        except ValueError:
            try:
                first = parsedate_to_datetime(text)
            except ValueError:
                return math.inf, math.inf
        first = last = first if first.tzinfo else first.replace(tzinfo=UTC)
    if first < datetime(1605, 1, 1, tzinfo=UTC) or first == datetime(1970, 1, 1, tzinfo=UTC):
        return math.inf, math.inf
    return first.timestamp(), last.timestamp()


def in_keep_order(documents: dict[str, tuple[Article, str]], policy: KeepPolicy | None = None) -> list[str]:
    """Return the ids, best to keep first; None stands for the policy of a run that names none."""
    policy = policy or KeepPolicy()
    listed = [" ".join(source.split()).casefold() for source in policy.sources]

    def key(name: str) -> tuple[Any, ...]:
        article, text = documents[name]
        source = " ".join((article.source or "").split()).casefold()
        places = {
            "sources": listed.index(source) if source in listed and article.source is not None else len(listed),
            "wire": int(wire_ranks([text], Texts.from_strings([text]), [article.source])[0]),
            "published": moments(article.published)[1],
            "longest": -len(tokens(text)),
        }
        return (policy.key(article) if policy.key else 0, *(places[rule] for rule in policy.order), name)

    return sorted(documents, key=key)


def documents_of(articles: Sequence[Article], config: Config) -> dict[str, tuple[Article, str]]:
    """Return id -> (article, clean text) for the articles and the stories that they carry."""
    found: dict[str, tuple[Article, str]] = {}
    waiting = list(articles)
    while waiting:
        article = waiting.pop()
        if config.clean == "off":
            found[article.id] = article, article.text
            continue
        page = clean(article.text)
        published = article.published or page.metadata.get("published")
        dated = Article(article.id, article.text, article.source, published, parent=article.parent)
        found[article.id] = dated, page.text
        for number, item in enumerate(page.items, 1):
            when = age_resolved(item.age, published)
            waiting.append(Article(f"{article.id}#{number}", item.text, item.source, when, parent=article.id))
    return without_templates(found, config) if config.clean == "auto" else found


def without_templates(documents: dict[str, tuple[Article, str]], config: Config) -> dict[str, tuple[Article, str]]:
    """Return the documents without the blocks that stand in several different stories of their outlet."""
    outlets = {name: " ".join((article.source or "").split()) for name, (article, _) in documents.items()}
    blocks = {
        name: [line for line in lines_of(text) if line.words >= 3 and line.fingerprint]
        for name, (_, text) in documents.items()
    }
    seen: dict[tuple[str, int], set[str]] = defaultdict(set)
    for name, lines in blocks.items():
        for line in lines:
            seen[outlets[name], line.fingerprint].add(name)
    repeated = {key for key, names in seen.items() if len(names) >= 3}

    rests: dict[str, str] = {}
    strong: dict[str, bool] = {}
    for name, (_, text) in documents.items():
        inside = [
            line for line in lines_of(text) if (outlets[name], line.fingerprint) in repeated and line in blocks[name]
        ]
        outside = [line for line in lines_of(text) if line not in inside]
        many, few = (sum(line.words for line in lines) for lines in (outside, inside))
        strong[name] = many >= few
        if inside and many >= 20 and (strong[name] or outlets[name]):
            rests[name] = "\n".join(text[line.start : line.end] for line in outside)
    graph = nx.Graph()
    graph.add_nodes_from(rests)
    # Texts without a token say nothing that could tell them apart.
    nothing = [name for name, rest in rests.items() if not tokens(rest)]
    graph.add_edges_from(pairwise(nothing))
    graph.add_edges_from(
        (left, right) for left, right in combinations(rests, 2) if link(rests[left], rests[right], config)[0] in LINKS
    )
    story = {name: number for number, names in enumerate(nx.connected_components(graph)) for name in names}

    def stories(key: tuple[str, int]) -> set[int]:
        return {story[name] for name in seen[key] if name in story} if key in repeated else set()

    def is_furniture(key: tuple[str, int]) -> bool:
        long = {story[name] for name in seen[key] if name in story and strong[name]}
        everywhere = [other for other in seen if other[1] == key[1]]
        enough = 2 * len(long) + len(stories(key)) >= (9 if key[0] else 15)
        return enough and sum(len(stories(other)) for other in everywhere) >= 2 * len(everywhere)

    furniture = {key for key in repeated if is_furniture(key)}
    for name, (article, text) in list(documents.items()):
        rest = text
        gone = [line for line in blocks[name] if (outlets[name], line.fingerprint) in furniture]
        if gone and sum(line.words for line in lines_of(text) if line not in gone) >= 20:
            for line in reversed(gone):
                start, end = whole_line(text, line.start, line.end)
                rest = rest[:start] + rest[end:]
            documents[name] = article, rest
    return documents


def solve(articles: Sequence[Article], config: Config) -> Solution:
    """Return what `deduplicate` must find."""
    documents = documents_of(articles, config)
    order = in_keep_order(documents, config.keep)
    scores = {(a, b): link(documents[a][1], documents[b][1], config) for a in order for b in order if a != b}
    # Copies of one text are one document here, the first of them.
    texts = {name: tokens(text) for name, (_, text) in documents.items()}
    stands: dict[tuple[str, ...], str] = {}
    for name in order:
        stands.setdefault(texts[name], name)
    firsts = [name for name in order if stands[texts[name]] == name]
    sizes = {name: len(shingles(documents[name][1], config.shingle_size, config.seed)) for name in order}
    when = {name: moments(documents[name][0].published) for name in order}
    roundups = {texts[name] for name in find_roundups(firsts, sizes, when, scores)}
    for (a, b), (relation, jaccard, in_b, in_a) in list(scores.items()):
        larger = max(a, b, key=sizes.__getitem__)
        inside = (in_b, in_a)[larger == a]
        carried = relation == "excerpt" or (relation == "duplicate" and inside >= CARRIED)
        smaller = b if larger == a else a
        same = relation == "duplicate" and texts[smaller] in roundups
        if carried and sizes[a] != sizes[b] and texts[larger] in roundups and not same:
            scores[a, b] = ("roundup", jaccard, in_b, in_a)
    for (a, b), score in list(scores.items()):
        if is_version(documents, sizes, when, a, b, score):
            scores[a, b] = ("version", *score[1:])
    canonical = (components if config.linkage == "components" else canonicals)(order, scores)
    drops: Drops = {}
    for name in order:
        others = [other for other in order if canonical[other] == canonical[name] != other]
        if canonical[name] != name and others.index(name) + 1 >= config.keep.min_keep:
            score = scores[name, canonical[name]]
            drops[name] = canonical[name], score if score[0] in LINKS else (None, math.nan, math.nan, math.nan)
    # The canonical comes first: a member may come before it in keep order, when it also resembles another canonical.
    clusters = {
        (root, (root, *(name for name in order if canonical[name] == root and name != root)))
        for root in canonical.values()
    }
    return Solution(clusters, drops, pairs_of(order, texts, scores))


def is_version(
    documents: dict[str, tuple[Article, str]],
    sizes: dict[str, int],
    when: dict[str, tuple[float, float]],
    a: str,
    b: str,
    score: Score,
) -> bool:
    """Return whether one of two linked texts grew, or was corrected by its outlet, after the other came out."""
    if when[b][1] < when[a][0] < math.inf:
        earlier, later, contained = b, a, score[3]
    elif when[a][1] < when[b][0] < math.inf:
        earlier, later, contained = a, b, score[2]
    else:
        return False
    outlets = [" ".join((documents[name][0].source or "").split()) for name in (a, b)]
    elsewhere = all(outlets) and outlets[0] != outlets[1]
    grew = contained >= CONTAINED and sizes[later] >= (1 + (GREW_ELSEWHERE if elsewhere else GREW)) * sizes[earlier]
    corrected = bool(outlets[0]) and outlets[0] == outlets[1] and max(score[2:]) >= CONTAINED
    return score[0] in ("duplicate", "excerpt") and score[1] > ALIKE and (grew or corrected)


def find_roundups(
    order: list[str], sizes: dict[str, int], when: dict[str, tuple[float, float]], scores: dict[tuple[str, str], Score]
) -> set[str]:
    """Return the documents with several unrelated texts in them that are no copy of an earlier one without."""

    def unrelated(a: str, b: str) -> bool:
        relation, _, in_b, in_a = scores[a, b]
        return relation in (None, "template") or (relation == "overlap" and max(in_a, in_b) < PART)

    def carries(page: str, name: str) -> bool:
        relation, _, _, inside = scores[page, name]
        alike = relation == "excerpt" or (relation == "duplicate" and inside >= CARRIED)
        return alike and sizes[name] < sizes[page]

    composite: set[str] = set()
    for page in sorted(order, key=sizes.__getitem__):
        # What came later was cut from the page.
        in_time = [name for name in order if name != page and not (when[page][1] < when[name][0] < math.inf)]
        carried = [name for name in in_time if carries(page, name) and name not in composite]
        if not carried:
            continue
        # The largest first, and the earliest of equals.
        carried.sort(key=lambda name: -sizes[name])
        main, *rest = carried
        part = PART if scores[page, main][2] >= LARGE_PART else LEAD
        parts = [name for name in in_time if scores[page, name][0] == "overlap" and scores[page, name][2] >= part]
        parts.sort(key=lambda name: -sizes[name])
        others = [name for name in [*rest, *parts] if unrelated(main, name)]
        large = [name for name in others if name in rest or scores[page, name][2] >= LARGE_PART]
        if scores[page, main][0] == "duplicate":
            least = {name: SECOND if name in rest else LARGE_PART for name in others}
            others = large = [
                name
                for name in others
                if scores[page, name][2] >= least[name]
                and (scores[page, name][0] != "duplicate" or scores[main, name][0] == "template")
            ]
        if large or any(unrelated(others[0], name) for name in others[1:]):
            composite.add(page)
    found: set[str] = set()
    for place, page in enumerate(order):
        copied = [name for name in order[:place] if scores[page, name][0] == "duplicate" and not carries(page, name)]
        if page in composite and all(name in found for name in copied):
            found.add(page)
    return found


def components(order: list[str], scores: dict[tuple[str, str], Score]) -> dict[str, str]:
    """Return the canonical of each document: the first of its connected component."""
    graph = nx.Graph()
    graph.add_nodes_from(order)
    graph.add_edges_from(pair for pair, score in scores.items() if score[0] in LINKS)
    return {name: min(component, key=order.index) for component in nx.connected_components(graph) for name in component}


def canonicals(order: list[str], scores: dict[tuple[str, str], Score]) -> dict[str, str]:
    """Return the canonical of each document: itself, or of those it is linked to the one it resembles most."""
    kept: list[str] = []
    for name in order:
        if not any(scores[name, other][0] in LINKS for other in kept):
            kept.append(name)
    found = {}
    for name in order:
        linked = {other: scores[name, other][1] for other in kept if name != other and scores[name, other][0] in LINKS}
        # max takes the first of equals, and `kept` is in keep order.
        found[name] = name if name in kept else max(linked, key=linked.__getitem__)
    return found


def pairs_of(order: list[str], texts: dict[str, tuple[str, ...]], scores: dict[tuple[str, str], Score]) -> PairScores:
    """Return the related pairs; the first document of a text stands for its copies, each paired with it alone."""
    stands: dict[tuple[str, ...], str] = {}
    for name in order:
        stands.setdefault(texts[name], name)
    found: PairScores = set()
    for (a, b), score in scores.items():
        first = [name for name in (a, b) if stands[texts[name]] == name]
        if a < b and score[0] and len(first) >= (1 if score[0] == "exact" else 2):
            found.add((a, b, score))
    return found


def found(result: Result) -> Solution:
    """Return what a result says, in the same form."""
    clusters = {(cluster.canonical, cluster.members) for cluster in result.clusters}
    drops: Drops = {
        drop.article.id: (
            drop.canonical,
            (drop.relation, drop.jaccard, drop.containment, drop.containment_canonical),
        )
        for drop in result.dropped
    }
    pairs: PairScores = set()
    for row in result.pairs.to_pylist():
        left, right, ways = row["left"], row["right"], (row["containment_left"], row["containment_right"])
        if left > right:
            left, right, ways = right, left, ways[::-1]
        pairs.add((left, right, (row["relation"], row["jaccard"], *ways)))
    return Solution(clusters, drops, pairs)


def assert_same(expected: Solution, got: Solution) -> None:
    """Compare two solutions; a score that is not a number equals itself here."""
    assert expected.clusters == got.clusters
    assert _plain(expected.drops) == _plain(got.drops)
    assert expected.pairs == got.pairs


def _plain(drops: Drops) -> dict[str, tuple[object, ...]]:
    return {
        name: (canonical, *(None if isinstance(value, float) and math.isnan(value) else value for value in score))
        for name, (canonical, score) in drops.items()
    }
