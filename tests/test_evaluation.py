"""Scores held to their definitions, scikit-learn and a bootstrap that copies documents; calibration to all pairs."""

from __future__ import annotations

import math
import random
import re
import time
import tracemalloc
from collections import Counter, defaultdict
from dataclasses import fields
from functools import partial
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, Literal

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import pair_confusion_matrix

from dedup import InputError, InvalidArgumentError, compare, deduplicate
from dedup.evaluation import (
    CurvePoint,
    Estimate,
    Evaluation,
    LabelledPair,
    PairEvaluation,
    PairScore,
    _best,
    _Bootstrap,
    calibrate,
    evaluate,
    evaluate_pairs,
)
from dedup.model import LINKS

if TYPE_CHECKING:
    from dedup.config import Settings

SCORES = [field.name for field in fields(Evaluation) if field.type == "Estimate"]

#: Id -> story or cluster.
Labels = dict[str, str | int | None]


@st.composite
def labelled_clusters(draw: st.DrawFn) -> tuple[Labels, Labels]:
    """Draw labels and clusters of up to 12 documents, some alone by None."""
    count = draw(st.integers(1, 12))
    name = st.one_of(st.none(), st.integers(0, 3), st.sampled_from("ab"))
    both = st.lists(name, min_size=count, max_size=count)
    ids = [f"d{number}" for number in range(count)]
    return dict(zip(ids, draw(both), strict=True)), dict(zip(ids, draw(both), strict=True))


def sets(labels: Labels) -> dict[str, set[str]]:
    """Return the documents of the story or cluster of each document, by the definition."""
    return {
        name: {other for other in labels if other == name or None is not labels[other] == labels[name]}
        for name in labels
    }


def by_definition(labels: Labels, clusters: Labels) -> dict[str, float]:
    """Return the scores but the adjusted Rand index, document by document and pair by pair."""
    story, cluster = sets(labels), sets(clusters)
    pairs = [(b in story[a], b in cluster[a]) for a, b in combinations(labels, 2)]
    shared = sum(one and other for one, other in pairs)
    labelled, predicted = sum(one for one, _ in pairs), sum(other for _, other in pairs)
    precise = fmean(len(story[name] & cluster[name]) / len(cluster[name]) for name in labels)
    recalled = fmean(len(story[name] & cluster[name]) / len(story[name]) for name in labels)
    return {
        "precision": shared / predicted if predicted else 1.0,
        "recall": shared / labelled if labelled else 1.0,
        "f1": 2 * shared / (predicted + labelled) if predicted + labelled else 1.0,
        "bcubed_precision": precise,
        "bcubed_recall": recalled,
        "bcubed_f1": 2 * precise * recalled / (precise + recalled),
        "exact_sets": fmean(story[name] == cluster[name] for name in labels),
    }


def numbers(labels: Labels) -> list[int]:
    """Return labels as scikit-learn takes them: each None a number of its own."""
    return [sorted(labels).index(min(members)) for members in sets(labels).values()]


def corpus(rng: random.Random, pairs: int) -> tuple[Labels, Labels]:
    """Return stories in pairs of which a tenth are merged, and a tenth of the documents split off."""
    labels: Labels = {}
    clusters: Labels = {}
    for story in range(2 * pairs):
        if story % 2 == 0:
            merged = rng.random() < 0.1
        for _ in range(min(8, 1 + int(rng.expovariate(0.7)))):
            name = str(len(labels))
            labels[name] = story
            clusters[name] = None if rng.random() < 0.1 else story - story % 2 if merged else story
    return labels, clusters


# Scores


@given(labelled_clusters())
@example(({"a": None, "b": None}, {"a": None, "b": None}))
@example(({"a": 1, "b": 1}, {"a": None, "b": None}))
@example(({"a": None, "b": None}, {"a": 1, "b": 1}))
def test_scores_equal_their_definitions(both: tuple[Labels, Labels]) -> None:
    """Pairs, B-cubed and exact sets are what counting over all documents and pairs of them gives."""
    found = evaluate(*both, resamples=1)
    for name, expected in by_definition(*both).items():
        assert getattr(found, name).value == pytest.approx(expected, abs=1e-12), name


@given(labelled_clusters())
def test_scores_equal_scikit_learn(both: tuple[Labels, Labels]) -> None:
    """The adjusted Rand index and the counts of pairs are those of scikit-learn, which many have checked."""
    found = evaluate(*both, resamples=1)
    truth, predicted = map(numbers, both)
    assert found.ari.value == pytest.approx(adjusted_rand_score(truth, predicted), abs=1e-12)
    (_, false), (lost, shared) = pair_confusion_matrix(truth, predicted)
    if shared:
        assert found.precision.value == pytest.approx(shared / (shared + false))
        assert found.recall.value == pytest.approx(shared / (shared + lost))


@given(labelled_clusters(), st.randoms(use_true_random=False))
def test_neither_names_nor_order_matter(both: tuple[Labels, Labels], rng: random.Random) -> None:
    """Documents in another order and clusters of other names give the same scores and intervals."""
    labels, clusters = both
    order = rng.sample(sorted(labels), len(labels))
    renamed = {name: None if (value := clusters[name]) is None else f"new {value!r}" for name in order}
    found = evaluate(labels, clusters, resamples=20)
    again = evaluate({name: labels[name] for name in order}, renamed, resamples=20)
    for name in SCORES:
        one, other = getattr(found, name), getattr(again, name)
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), nan_ok=True)


@given(labelled_clusters(), st.integers(0, 5))
def test_documents_that_one_side_lacks(both: tuple[Labels, Labels], cut: int) -> None:
    """What the clusters lack counts as alone; what has no label is left out; both are counted."""
    labels, clusters = both
    fewer = dict(list(clusters.items())[cut:])
    alone = {name: fewer.get(name) for name in labels}
    found = evaluate(labels, fewer | {"x": 1, "y": 1}, resamples=5)
    assert (found.documents, found.missing, found.unlabelled) == (len(labels), len(labels) - len(fewer), 2)
    assert found.stories == len({frozenset(members) for members in sets(labels).values()})
    expected = evaluate(labels, alone, resamples=5)
    assert [getattr(found, name) for name in SCORES] == pytest.approx([getattr(expected, name) for name in SCORES])


def test_a_result_is_its_clusters() -> None:
    """A result stands for the mapping of its members to their canonicals."""
    texts = ["one two three four", "ONE two three, four", "five six seven eight", "nine ten eleven twelve"]
    result = deduplicate(texts)
    clusters: Labels = {name: cluster.canonical for cluster in result.clusters for name in cluster.members}
    labels: Labels = {"0": "a", "1": "a", "2": "b", "3": "b"}
    assert evaluate(labels, result) == evaluate(labels, clusters)
    assert evaluate_pairs([LabelledPair("0", "1", linked=True)], result).recall.value == 1


def test_without_labels_there_are_no_scores() -> None:
    """Nothing labelled: every score is NaN, and all documents are left out."""
    found = evaluate({}, {"a": 1})
    assert (found.documents, found.stories, found.missing, found.unlabelled) == (0, 0, 0, 1)
    assert all(math.isnan(getattr(found, name).value) for name in SCORES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"a": 1.5}, {}), "labels must map to str, int or None. Got 1.5."),
        (({"a": float("nan")}, {}), "labels must map to str, int or None. Got nan."),
        (({"a": 1}, {"a": ["b"]}), r"clusters must map to str, int or None. Got \['b'\]."),
    ],
)
def test_labels_of_other_kinds_are_refused(arguments: tuple[Labels, Labels], message: str) -> None:
    """A story or cluster is a name, a number or None: NaN would be one large story."""
    with pytest.raises(InvalidArgumentError, match=f"^{message}$"):
        evaluate(*arguments)


def test_bootstrap_settings_are_checked() -> None:
    """At least one resample, a seed of at least 0, and a confidence between 0 and 1."""
    for settings, message in (
        ({"resamples": 0}, "resamples must be an integer of at least 1. Got 0."),
        ({"seed": -1}, "seed must be an integer of at least 0. Got -1."),
        ({"confidence": 1.0}, r"confidence must be in \(0.0, 1.0\). Got 1.0."),
    ):
        with pytest.raises(InvalidArgumentError, match=f"^{message}$"):
            evaluate({"a": 1}, {"a": 1}, **settings)


# Intervals


@pytest.mark.seconds
def test_intervals_are_those_of_copied_documents() -> None:
    """An interval is that of drawing groups with replacement, copying their documents, and scoring by definition."""
    labels, clusters = corpus(random.Random(2), 10)
    graph = nx.Graph()
    for name in labels:
        cluster = ("alone", name) if clusters[name] is None else ("cluster", clusters[name])
        graph.add_edge(("story", labels[name]), cluster, name=name)
    groups = [
        [name for name in labels if ("story", labels[name]) in component]
        for component in nx.connected_components(graph)
    ]
    rng = random.Random(2)
    drawn = defaultdict(list)
    for _ in range(400):
        again: tuple[Labels, Labels] = {}, {}
        for copy, group in enumerate(rng.choices(groups, k=len(groups))):
            for name in group:
                for old, new in zip((labels, clusters), again, strict=True):
                    new[f"{copy} {name}"] = None if old[name] is None else f"{copy} {old[name]}"
        for score, value in by_definition(*again).items():
            drawn[score].append(value)
        drawn["ari"].append(adjusted_rand_score(*map(numbers, again)))
    assert set(drawn) == set(SCORES)
    found = evaluate(labels, clusters, resamples=4000)
    for score, values in drawn.items():
        expected = np.quantile(values, [0.025, 0.975])
        estimate = getattr(found, score)
        assert (estimate.low, estimate.high) == pytest.approx(tuple(expected), abs=0.025), score


@given(labelled_clusters(), st.sampled_from([1, 30]))
@example(({"a": 1, "b": 2}, {"a": 1, "b": 1}), 1)
def test_an_interval_contains_its_score(both: tuple[Labels, Labels], resamples: int) -> None:
    """The score lies inside; with fewer than two groups there is no interval."""
    found = evaluate(*both, resamples=resamples)
    for name in SCORES:
        estimate = getattr(found, name)
        assert math.isnan(estimate.low) or estimate.low <= estimate.value <= estimate.high
    graph = nx.Graph()
    for a, b in combinations(both[0], 2):
        if b in sets(both[0])[a] or b in sets(both[1])[a]:
            graph.add_edge(a, b)
    graph.add_nodes_from(both[0])
    assert math.isnan(found.ari.low) == (nx.number_connected_components(graph) < 2)


def test_a_seed_stands_for_its_draws() -> None:
    """The same seed gives the same interval, another seed another, and less confidence a narrower one."""
    both = corpus(random.Random(0), 30)
    assert evaluate(*both, seed=5) == evaluate(*both, seed=5)
    assert evaluate(*both, seed=5).f1 != evaluate(*both, seed=6).f1
    wide, narrow = evaluate(*both).f1, evaluate(*both, confidence=0.5).f1
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_intervals_shrink_with_more_stories() -> None:
    """Sixteen times the stories give about a quarter of the width."""
    few, many = (evaluate(*corpus(random.Random(3), pairs)) for pairs in (60, 960))
    for name in SCORES:
        narrow, wide = (getattr(found, name).high - getattr(found, name).low for found in (many, few))
        assert 0.1 * wide < narrow < 0.5 * wide, name


@pytest.mark.slow
def test_intervals_cover_the_truth() -> None:
    """Of 95 % intervals of samples of one population, about 95 % hold the score of the population.

    Precision has the fewest events, a dozen merged stories in a sample, and keeps the promise worst.
    """
    rng = random.Random(4)
    truth = evaluate(*corpus(rng, 30_000), resamples=1)
    held: Counter[str] = Counter()
    for _ in range(200):
        found = evaluate(*corpus(rng, 150), resamples=400)
        held.update(
            name
            for name in SCORES
            if getattr(found, name).low <= getattr(truth, name).value <= getattr(found, name).high
        )
    assert all(held[name] >= 0.85 * 200 for name in SCORES), held
    assert 0.92 <= sum(held.values()) / (200 * len(SCORES)) <= 0.99, held


@pytest.mark.slow
def test_large_corpora_take_seconds() -> None:
    """A thousand resamples of 100,000 stories take less than 3 seconds and 100 MB beyond what one takes."""
    both = corpus(random.Random(5), 50_000)
    seconds, peaks = [], []
    for resamples in (1, 1000):
        tracemalloc.start()
        begin = time.process_time()
        evaluate(*both, resamples=resamples)
        seconds.append(time.process_time() - begin)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert seconds[1] - seconds[0] < 3
    assert peaks[1] - peaks[0] < 100e6


def test_draws_come_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the draws are cut, they are the same."""
    both = corpus(random.Random(6), 30)
    whole = evaluate(*both, resamples=101)
    monkeypatch.setattr("dedup.evaluation._CHUNK", 64)
    assert evaluate(*both, resamples=101) == whole


# Labelled pairs


@st.composite
def labelled_pairs(draw: st.DrawFn) -> tuple[list[LabelledPair], Labels]:
    """Draw pairs of eight documents, some of which the clusters lack."""
    names = [f"d{number}" for number in range(8)]
    ends = st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True)
    pair = st.builds(
        lambda ends, *rest: LabelledPair(*ends, *rest),
        ends,
        st.booleans(),
        st.sampled_from([None, "excerpt", "overlap"]),
        st.lists(st.sampled_from(["cut", "quotes"]), max_size=3).map(tuple),
    )
    clusters: Labels = {
        name: draw(st.one_of(st.none(), st.integers(0, 2))) for name in draw(st.sets(st.sampled_from(names)))
    }
    return draw(st.lists(pair, max_size=12)), clusters


@given(labelled_pairs())
def test_pair_scores_equal_their_definitions(both: tuple[list[LabelledPair], Labels]) -> None:
    """Overall scores and shares are what counting pair by pair gives, and each share says whose it is."""
    pairs, clusters = both
    found = evaluate_pairs(pairs, clusters, resamples=3)
    together = [None is not clusters.get(pair.left) == clusters.get(pair.right) for pair in pairs]
    shared = sum(pair.linked for pair, one in zip(pairs, together, strict=True) if one)
    linked = sum(pair.linked for pair in pairs)
    assert found.pairs == len(pairs)
    assert found.missing == len({name for pair in pairs for name in (pair.left, pair.right)} - set(clusters))
    if pairs:
        assert found.precision.value == (shared / sum(together) if any(together) else 1)
        assert found.recall.value == (shared / linked if linked else 1)
        assert found.f1.value == (2 * shared / (linked + sum(together)) if linked + sum(together) else 1)
    else:
        assert math.isnan(found.f1.value)

    relations = [() if pair.relation is None else (pair.relation,) for pair in pairs]
    edits = [tuple(set(pair.edits)) for pair in pairs]
    for scores, tags in ((found.by_relation, relations), (found.by_edit, edits)):
        expected = defaultdict(list)
        for pair, one, names in zip(pairs, together, tags, strict=True):
            for name in names:
                expected[name, not pair.linked].append(one)
        assert [(score.name, not score.linked) for score in scores] == sorted(expected)
        for score in scores:
            ones = expected[score.name, not score.linked]
            assert score.pairs == len(ones)
            assert score.share.value == pytest.approx(fmean(ones))


def test_pairs_that_hang_together_are_one_group() -> None:
    """A hundred pairs of one document say no more than one: there is no interval. Pairs apart have one."""
    star = [LabelledPair("hub", str(number), linked=True, relation="star") for number in range(100)]
    apart = [LabelledPair(f"{number} a", f"{number} b", linked=True, relation="apart") for number in range(100)]
    clusters: Labels = {"hub": 1}
    clusters |= {str(number): number % 2 for number in range(100)}
    clusters |= {f"{number} {side}": side == "a" or number % 2 for number in range(100) for side in "ab"}
    found = evaluate_pairs(star + apart, clusters)
    assert found == PairEvaluation(
        pairs=200,
        missing=0,
        precision=Estimate(1.0, 1.0, 1.0),
        recall=found.recall,
        f1=found.f1,
        by_relation=found.by_relation,
        by_edit=(),
    )
    by_name = {score.name: score for score in found.by_relation}
    assert by_name["star"] == PairScore("star", True, 100, by_name["star"].share)
    assert by_name["star"].share.value == by_name["apart"].share.value == 0.5
    assert math.isnan(by_name["star"].share.low)
    assert 0.35 < by_name["apart"].share.low < 0.45
    assert 0.55 < by_name["apart"].share.high < 0.65


def test_a_pair_is_of_two_documents() -> None:
    """A document paired with itself is refused."""
    with pytest.raises(InvalidArgumentError, match=r"^right must be another document than left\. Got 'a'\.$"):
        LabelledPair("a", "a", linked=True)


# Calibration


def words(rng: random.Random, count: int) -> list[str]:
    """Return so many random words."""
    return [f"word{rng.randrange(5000)}" for _ in range(count)]


def planted() -> tuple[list[dict[str, str]], Labels]:
    """Return stories with near copies and, apart from those, texts that share a fifth of their words; their stories."""
    rng = random.Random(7)
    articles: list[dict[str, str]] = []
    labels: Labels = {}

    def add(text: list[str], story: str) -> None:
        name = str(len(articles))
        articles.append({"id": name, "text": " ".join(text)})
        labels[name] = story

    for story in range(15):
        body, quote = words(rng, 90), words(rng, 40)
        add(body + quote, f"story {story}")
        for _ in range(2):
            copy = body + quote
            copy[rng.randrange(130)] = "corrected"
            add(copy, f"story {story}")
        add(words(rng, 60) + quote, f"follow-up {story}")
    return articles, labels


def stories(seed: int) -> tuple[list[dict[str, str]], Labels]:
    """Return stories with copies edited more or less, excerpts, follow-ups and pages of several; their stories."""
    rng = random.Random(seed)
    articles: list[dict[str, str]] = []
    labels: Labels = {}

    def add(text: list[str], story: str) -> None:
        name = str(len(articles))
        articles.append({"id": name, "text": " ".join(text), "published": f"2025-03-{1 + len(articles) // 8:02}"})
        labels[name] = story

    bodies = [words(rng, rng.randrange(80, 200)) for _ in range(12)]
    for story, body in enumerate(bodies):
        add(body, f"story {story}")
        for share in (0.02, 0.06, 0.1):
            add([rng.choice(words(rng, 1)) if rng.random() < share else word for word in body], f"story {story}")
        add(body[: rng.randrange(40, 60)], f"story {story}")
        add(words(rng, 60) + body[:40], f"follow-up {story}")
    for page in range(3):
        add([word for body in rng.sample(bodies, 3) for word in body[:60]], f"page {page}")
    return articles, labels


def setting(others: Settings, size: int, threshold: float) -> Settings:
    """Return settings with a shingle size and a threshold."""
    return {**others, "shingle_size": size, "threshold": threshold}


@pytest.mark.seconds
def test_the_curve_counts_all_pairs() -> None:
    """Each threshold links as many pairs as comparing all of them one by one links there; so with those turned over."""
    articles, _ = planted()
    articles = articles[:8]
    kinds: list[Settings] = [{}, {"min_excerpt": 120}, {"containment": 0.2}]
    thresholds = [step / 20 for step in range(1, 20)]
    for size, settings in zip((2, 3, 3), kinds, strict=True):
        links = [
            sum(
                compare(one["text"], other["text"], **at).relation in {*LINKS}
                for one, other in combinations(articles, 2)
            )
            for at in map(partial(setting, settings, size), (0.01, *thresholds, 1.0))
        ]
        curve = calibrate(articles, shingle_sizes=[size], **settings).curve
        assert [point.threshold for point in curve] == thresholds
        for place, point in enumerate(curve, 1):
            assert point.pairs == links[place]
            assert point.near == links[place - 1] - links[place + 1]
            assert point.turnover == (point.near / point.pairs if point.pairs else math.inf)
            assert (point.precision, point.recall, point.f1) == (None, None, None)


@pytest.mark.seconds
@pytest.mark.parametrize("labelled", [False, True])
def test_a_planted_valley_is_found(labelled: bool) -> None:
    """Where near copies lie high and shared quotes low, the threshold lies between: all copies linked and no quote."""
    articles, labels = planted()
    found = calibrate(articles, labels=labels if labelled else None)
    assert found.decided
    chosen = next(
        point for point in found.curve if (point.shingle_size, point.threshold) == (found.shingle_size, found.threshold)
    )
    assert (chosen.pairs, chosen.near, found.documents) == (45, 0, 60)
    assert found.labelled_pairs == (45 if labelled else None)
    assert chosen.f1 == (Estimate(1.0, 1.0, 1.0) if labelled else None)
    assert 0.4 <= found.threshold <= 0.7
    result = deduplicate(articles, threshold=found.threshold, shingle_size=found.shingle_size)
    assert evaluate(labels, result).f1.value == 1
    shuffled = random.Random(8).sample(articles, len(articles))
    assert calibrate(shuffled, labels=labels if labelled else None) == found


@pytest.mark.seconds
@pytest.mark.parametrize("linkage", ["canonical", "components"])
def test_scores_of_the_curve_are_those_of_runs(linkage: Literal["canonical", "components"]) -> None:
    """Precision, recall and F1 at a setting are what `evaluate` says of a run with it, excerpts and roundups included.

    Labels of documents that are not there change nothing.
    """
    articles, labels = stories(1)
    assert "roundup" in deduplicate(articles).pairs["relation"].to_pylist()
    labels = {name: story for name, story in labels.items() if int(name) % 7}
    curve = calibrate(articles, labels=labels | {"absent": "story 1"}, shingle_sizes=(2, 3), linkage=linkage).curve
    for point in curve[::3]:
        run = deduplicate(articles, shingle_size=point.shingle_size, threshold=point.threshold, linkage=linkage)
        expected = evaluate(labels, run)
        assert (point.precision, point.recall, point.f1) == (expected.precision, expected.recall, expected.f1)


@pytest.mark.seconds
@pytest.mark.parametrize("seed", range(4))
def test_what_is_recommended_is_no_worse_than_the_defaults(seed: int) -> None:
    """On the sample itself, a run as recommended has at least the F1 of a default run, whose row the curve has."""
    articles, labels = stories(seed)
    found, default = calibrate(articles, labels=labels), evaluate(labels, deduplicate(articles))
    run = evaluate(labels, deduplicate(articles, threshold=found.threshold, shingle_size=found.shingle_size))
    assert run.f1.value >= default.f1.value
    assert run.f1.value == max(point.f1.value for point in found.curve if point.f1)
    row = next(point for point in found.curve if (point.shingle_size, point.threshold) == (3, 0.5))
    assert (row.precision, row.recall, row.f1) == (default.precision, default.recall, default.f1)


def test_equally_good_settings() -> None:
    """The default where it is among the best; else the middle of the longest run; the reason says which are as good."""

    def best(size: int, *good: int) -> tuple[tuple[int, float], str]:
        def score(point: CurvePoint) -> float:
            return float(point.shingle_size == size and round(20 * point.threshold) in good)

        points = [CurvePoint(words, step / 20, 1, 0) for words in (2, 3, 5) for step in range(1, 20)]
        point, equal = _best(points, score)
        return (point.shingle_size, point.threshold), equal

    assert best(3, 1, 2, 3, 4, 9, 10) == ((3, 0.5), "; 0.45 to 0.50 are equally good")
    assert best(3, 1, 4, 5, 6, 7, 8, 12) == ((3, 0.3), "; 0.20 to 0.40 are equally good")
    assert best(2, 10, 12, 13) == ((2, 0.65), "; 0.60 to 0.65 are equally good")
    assert best(5, 17) == ((5, 0.85), "")


@pytest.mark.seconds
def test_copies_of_a_text_count_once() -> None:
    """Texts that are equal are compared once, whichever copy has the label; pages are cleaned, items compared."""
    articles, labels = planted()
    copies = [{"id": f"{one['id']} again", "text": one["text"].upper()} for one in articles]
    moved = {f"{name} again": story for name, story in labels.items()}
    assert calibrate(articles + copies, labels=moved) == calibrate(articles, labels=labels)
    block = "\nTry Our AI Features\nComments\nNo comments yet...\nRelated Articles\n\nHarbour Post\n3 minutes ago\n"
    page = f"{articles[0]['text']}\n{block}- Harbour Post\nWall to be mended\n{articles[1]['text']}\n"
    assert calibrate([page]).documents == len(deduplicate([page])) == 2


def test_each_copy_is_scored() -> None:
    """Copies of one text are documents with labels of their own: those of two stories are a wrong pair anywhere."""
    texts = [{"id": "b", "text": "one two three"}, {"id": "a", "text": "One, two, three"}, {"id": "c", "text": "four"}]
    found = calibrate(texts, labels={"a": 1, "b": 2, "c": 1})
    assert (found.documents, found.labelled_pairs) == (2, 1)
    assert {point.precision.value for point in found.curve if point.precision} == {0.0}
    found = calibrate(texts, labels={"a": 1, "b": 1, "c": 2})
    assert {point.f1.value for point in found.curve if point.f1} == {1.0}


def test_intervals_of_the_curve_draw_linked_stories_together() -> None:
    """Two stories that a low threshold links are one group, which has no interval; a high one leaves two."""
    articles, labels = planted()
    labels = {name: labels[name] for name in ("0", "1", "3")}
    curve = calibrate(articles, labels=labels, shingle_sizes=[3]).curve
    assert [point.f1 is not None and math.isnan(point.f1.low) for point in (curve[0], curve[-1])] == [True, False]


@pytest.mark.seconds
@pytest.mark.parametrize(
    "sample", [[], ["one two three"], ["a b c d", "e f g h"], [one["text"] for one in planted()[0][:12]]]
)
def test_too_small_a_sample_decides_nothing(sample: list[str]) -> None:
    """With fewer than twenty pairs the defaults stand, and the reason says so."""
    for labels in (None, {"0": 1, "1": 1, "2": 1}) if sample else (None,):
        found = calibrate(sample, labels=labels)
        assert not found.decided
        assert (found.shingle_size, found.threshold) == (3, 0.5)
        assert "too few to decide" in found.reason
        assert len(found.curve) == 4 * 19


def test_without_a_valley_nothing_is_decided() -> None:
    """Where pairs lie close to every threshold, the defaults stand."""
    rng = random.Random(9)
    body = words(rng, 100)
    # Two texts resemble each other as far as both follow the same one: similarities thin out evenly, from 0 on.
    shares = [min(0.98, -math.log((number + 0.5) / 150) / 4) for number in range(150)]
    cuts = [round(200 * share / (1 + share)) for share in shares]
    sample = [" ".join(body[:cut] + words(rng, 100 - cut)) for cut in cuts]
    found = calibrate(sample, shingle_sizes=[1])
    assert not found.decided
    assert "no valley" in found.reason


def test_calibrate_refuses() -> None:
    """A large sample, a setting that is looked for, an unknown one and no size are errors that say what to do."""
    with pytest.raises(InvalidArgumentError, match=r"at most 2000 documents\. Got 2001\. All pairs .* whole days"):
        calibrate(["x"] * 2001)
    with pytest.raises(InvalidArgumentError, match=r"^settings must leave out .* Got 'threshold'\.$"):
        calibrate([], threshold=0.4)
    with pytest.raises(InvalidArgumentError, match=r"^settings must be among"):
        calibrate([], treshold=0.4)  # type: ignore[call-arg]
    with pytest.raises(InvalidArgumentError, match=r"^shingle_sizes must be one size or more\. Got none\.$"):
        calibrate([], shingle_sizes=())
    with pytest.raises(InvalidArgumentError, match=r"^shingle_sizes must be a sequence of integers\. Got 3\.$"):
        calibrate([], shingle_sizes=3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=r"^shingle_size must be an integer in \[1, 64\]\. Got 0\.$"):
        calibrate([], shingle_sizes=(0,))
    with pytest.raises(InvalidArgumentError, match=r"^labels must be a mapping of ids\. Got \['a'\]\.$"):
        calibrate(["x"], labels=["a"])  # type: ignore[arg-type]


@pytest.mark.parametrize(("labels", "got"), [({}, "none"), ({"x": 1, "y": 2}, "'x', of 2")])
def test_calibrate_refuses_labels_of_other_documents(labels: Labels, got: str) -> None:
    """Labels of which no document of the sample has one are an error: there is nothing to score."""
    with pytest.raises(InputError, match=rf"^labels must have the id of a document of the sample\. Got {got}\.$"):
        calibrate(["one two three"], labels=labels)


@pytest.mark.parametrize(
    ("labels", "clusters", "message"),
    [
        (None, {}, "labels must be a mapping of ids. Got None."),
        ({}, [1], "clusters must be a mapping of ids. Got [1]."),
        ({0: "a"}, {}, "labels must have ids of type str. Got 0."),
        ({}, {None: 1}, "clusters must have ids of type str. Got None."),
    ],
)
def test_evaluate_refuses_what_is_no_mapping_of_ids(labels: object, clusters: object, message: str) -> None:
    """Labels and clusters map ids, which are str; anything else is an error of one line."""
    with pytest.raises(InvalidArgumentError, match=f"^{re.escape(message)}$"):
        evaluate(labels, clusters)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pairs", "got"), [([("a", "b", True)], "('a', 'b', True)"), (None, "None"), ("ab", "'a'"), ([None], "None")]
)
def test_evaluate_pairs_refuses_what_is_no_pair(pairs: object, got: str) -> None:
    """Pairs are of `LabelledPair`; anything else is an error that shows it."""
    message = f"pairs must be an iterable of LabelledPair. Got {got}."
    with pytest.raises(InvalidArgumentError, match=f"^{re.escape(message)}$"):
        evaluate_pairs(pairs, {})  # type: ignore[arg-type]


def test_progress_is_told() -> None:
    """The stages of each run are told."""
    stages: list[str] = []
    calibrate(["a b c d"], shingle_sizes=(2, 3), progress=lambda stage, *_: stages.append(stage))
    assert stages.count("sketch") == 2 * deduplicate_stages()


def deduplicate_stages() -> int:
    """Return how often one run tells of its first stage."""
    stages: list[str] = []
    deduplicate(["a b c d"], progress=lambda stage, *_: stages.append(stage))
    return stages.count("sketch")


def test_groups_of_equal_sums_are_drawn_together() -> None:
    """A group counts as often as it occurs: the mean of the draws is that of the groups."""
    sums = np.array([[1.0, 1.0]] * 900 + [[0.0, 1.0]] * 100)
    (share,) = _Bootstrap(2000).estimates(sums, lambda sums: [sums[..., 0] / sums[..., 1]])
    assert share.value == 0.9
    # 1.96 standard errors of a share of .9 among a thousand.
    assert share.low == pytest.approx(0.8814, abs=3e-3)
    assert share.high == pytest.approx(0.9186, abs=3e-3)
