"""How good clusters are: scores against labels, each with its interval, and the settings that suit a sample.

Every score is a ratio of sums over documents. The sums are kept per group: the stories that a cluster joins, or the
labelled pairs that hang together. What lies in one group is not independent, so the bootstrap resamples whole groups
(Efron and Tibshirani, "An Introduction to the Bootstrap", 1993; Field and Welsh, "Bootstrapping clustered data", 2007).

Conventions, as the field mostly has them: without a linked pair precision is 1, for nothing wrong was said; without a
labelled pair recall is 1, for there was nothing to find; two partitions without any pair have an adjusted Rand index of
1, as in scikit-learn. An interval is that of the percentiles. It is NaN where there are fewer than two groups; and one
without width says no more than that no group differs from the others.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup import _validate, api, formats
from dedup.clustering.clusters import cluster
from dedup.config import Config, configure
from dedup.decide import decide
from dedup.errors import InputError, InvalidArgumentError
from dedup.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias, Unpack

    from numpy.typing import NDArray

    from dedup.config import Settings
    from dedup.model import Article
    from dedup.pipeline import Run
    from dedup.stages import Progress

    #: Document id -> story or cluster; None: one of its own.
    Labels: TypeAlias = Mapping[str, str | int | None]
    Floats: TypeAlias = NDArray[np.float64]

#: Numbers that the bootstrap draws at a time, 8 bytes each.
_CHUNK = 4_000_000

#: The most documents that `calibrate` compares, each with all others: that takes up to 250 bytes per pair.
_MOST_DOCUMENTS = 2000
#: The thresholds that `calibrate` looks at, and how far a small change of one goes: the next one on either side.
_THRESHOLDS = tuple(step / 20 for step in range(1, 20))
_CHANGE = 0.05
#: The threshold of the runs behind the curve, that of 0 not being allowed; and the containment that they keep.
_LEAST = 0.01
#: Where the threshold of a sample without labels is looked for.
_VALLEY = (0.3, 0.9)
#: Fewer pairs than this decide nothing, nor does a threshold that turns over as much as this per pair that it links.
_FEWEST_PAIRS = 20
_MOST_TURNOVER = 0.5
#: The fields of `Config` that `calibrate` chooses, and those by which its runs compare all pairs.
_CHOSEN = ("threshold", "shingle_size", "recall", "exhaustive")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score and its interval.

    Args:
        value: The score of the documents at hand.
        low: The lower end of its bootstrap interval, at most `value`; NaN with fewer than two groups to resample.
        high: The upper end, at least `value`; NaN likewise.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How clusters compare with the labelled stories.

    A pair is two documents: labelled when they are one story, predicted when they are in one cluster.

    Args:
        documents: The documents with a label; they alone are scored.
        stories: How many stories they tell.
        missing: Those of them that are in no cluster: each counts as alone.
        unlabelled: Documents of the clusters that have no label: they are left out.
        precision: Share of the predicted pairs that are labelled.
        recall: Share of the labelled pairs that are predicted.
        f1: The harmonic mean of the two.
        bcubed_precision: Mean over the documents of the share of a document's cluster that is its story (Bagga and
            Baldwin, "Algorithms for scoring coreference chains", 1998); a document is in its own cluster.
        bcubed_recall: Mean over the documents of the share of a document's story that is in its cluster.
        bcubed_f1: The harmonic mean of the two.
        ari: The adjusted Rand index (Hubert and Arabie, "Comparing partitions", 1985): agreement on all pairs, 0 for
            chance and 1 for equality.
        exact_sets: Share of the documents whose set of duplicates is exactly the labelled one; the accuracy of the
            CORE benchmark (Gyawali, Anastasiou and Knoth, "Deduplication of scholarly documents", 2020).
    """

    documents: int
    stories: int
    missing: int
    unlabelled: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    bcubed_precision: Estimate
    bcubed_recall: Estimate
    bcubed_f1: Estimate
    ari: Estimate
    exact_sets: Estimate


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two documents of which it is known whether they are one text.

    Args:
        left: The id of one.
        right: The id of the other.
        linked: Whether they belong into one cluster.
        relation: How they stand to each other, such as "excerpt"; None when unknown.
        edits: What was done to one to make it the other, such as "quotes"; may be empty.

    Raises:
        InvalidArgumentError: The two are one document.
    """

    left: str
    right: str
    linked: bool
    relation: str | None = None
    edits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.left == self.right:
            raise InvalidArgumentError(f"right must be another document than left. Got {self.right!r}.")


@dataclass(frozen=True, slots=True)
class PairScore:
    """The pairs of one relation or edit that belong together, or those that do not.

    Args:
        name: The relation or edit.
        linked: Whether they belong together.
        pairs: How many pairs there are, at least 1.
        share: Share of them that is in one cluster: recall where they belong together, false links where not.
    """

    name: str
    linked: bool
    pairs: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class PairEvaluation:
    """How clusters compare with labelled pairs: these pairs and no others.

    Args:
        pairs: How many pairs were scored.
        missing: Documents of the pairs that are in no cluster: each counts as alone.
        precision: Share of the pairs in one cluster that belong together.
        recall: Share of the pairs that belong together that are in one cluster.
        f1: The harmonic mean of the two.
        by_relation: A score per relation and truth, by name, those that belong together first.
        by_edit: The same per edit; a pair of several edits counts in each.
    """

    pairs: int
    missing: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    by_relation: tuple[PairScore, ...]
    by_edit: tuple[PairScore, ...]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What one threshold would do to a sample.

    Args:
        shingle_size: Words per shingle.
        threshold: The threshold of a run, which the containment of excerpts follows unless it is set.
        pairs: How many pairs of texts a run links there, as duplicates and as excerpts; what it then tells to be a
            roundup is among them.
        near: How many pairs a small change of the threshold turns over: those linked at 0.05 less (at 0.01 instead of
            0) and not at 0.05 more.
        precision: Where there are labels, that of `Evaluation`, of the clusters that a run makes there.
        recall: Likewise.
        f1: Likewise.
    """

    shingle_size: int
    threshold: float
    pairs: int
    near: int
    precision: Estimate | None = None
    recall: Estimate | None = None
    f1: Estimate | None = None

    @property
    def turnover(self) -> float:
        """Pairs that a small change turns over, for each one that is linked; infinity when none is."""
        return self.near / self.pairs if self.pairs else math.inf


@dataclass(frozen=True, slots=True)
class Calibration:
    """The settings that suit a sample.

    Args:
        documents: How many texts were compared: items of pages included, copies of one text counted once.
        labelled_pairs: How many pairs of documents of the sample, copies included, are one story; None without labels.
        shingle_size: What to set.
        threshold: What to set.
        decided: Whether the sample decided; if not, the two are the defaults.
        reason: Why, in one sentence.
        curve: What each threshold would do, by shingle size, then threshold.
    """

    documents: int
    labelled_pairs: int | None
    shingle_size: int
    threshold: float
    decided: bool
    reason: str
    curve: tuple[CurvePoint, ...]


def evaluate(
    labels: Labels, clusters: Labels | Result, *, resamples: int = 1000, seed: int = 0, confidence: float = 0.95
) -> Evaluation:
    """Compare clusters with the labelled stories.

    Args:
        labels: Document id -> story; None is a story of its own. Without any, all scores are NaN.
        clusters: Document id -> cluster, such as the id of the canonical; None is a cluster of its own. Or a result.
        resamples: How often the groups are drawn again for the intervals.
        seed: What the draws follow from.
        confidence: The share of the resamples that an interval holds, in (0, 1).

    Returns:
        The scores. The intervals resample groups of stories that clusters join, mostly single stories.

    Raises:
        InvalidArgumentError: Labels or clusters are no mapping of a str to a str, int or None, or a number is outside
            what is allowed.

    >>> scores = evaluate({"a": "bridge", "b": "bridge", "c": "farm"}, {"a": 1, "b": 1, "c": 1})
    >>> round(scores.precision.value, 2), scores.recall.value
    (0.33, 1.0)
    """
    bootstrap = _Bootstrap(resamples, seed, confidence)
    labels, found = _mapping("labels", labels), _mapping("clusters", clusters)
    story, place = _codes("labels", labels.values()), _codes("clusters", map(found.get, labels))
    stories, groups = _count(story), _count(place)
    missing = sum(name not in found for name in labels)

    # A cell is what a story and a cluster have in common.
    cells, common = np.unique(story * groups + place, return_counts=True)
    of_story, of_cluster = divmod(cells, max(groups, 1))
    told, grouped = np.bincount(story)[of_story], np.bincount(place)[of_cluster]
    columns = [
        common,
        common * (common - 1) / 2,
        common * (grouped - 1) / 2,
        common * (told - 1) / 2,
        common * common / grouped,
        common * common / told,
        common * ((common == told) & (common == grouped)),
    ]
    joined = _components(stories + groups, of_story, stories + of_cluster)[of_story]
    scores = bootstrap.estimates(_sums(joined, columns), _cluster_scores)
    return Evaluation(len(labels), stories, missing, len(found) - len(labels) + missing, *scores)


def _cluster_scores(sums: Floats) -> list[Floats]:
    """Return the eight scores from the sums, float64 [..., 7]: the columns of `evaluate`."""
    scored, shared, predicted, labelled, precise, recalled, exact = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore"):
        precise, recalled, exact = precise / scored, recalled / scored, exact / scored
    chance = predicted * labelled / np.maximum(scored * (scored - 1) / 2, 1)
    return [
        *_pair_scores(shared, predicted, labelled),
        precise,
        recalled,
        2 * precise * recalled / (precise + recalled),
        _ratio(shared - chance, (predicted + labelled) / 2 - chance),
        exact,
    ]


def _pair_scores(shared: Floats, predicted: Floats, labelled: Floats) -> list[Floats]:
    return [_ratio(shared, predicted), _ratio(shared, labelled), _ratio(2 * shared, predicted + labelled)]


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, and 1 where there is nothing to be wrong about."""
    return np.where(whole == 0, 1.0, part / np.where(whole == 0, 1.0, whole))


def evaluate_pairs(
    pairs: Iterable[LabelledPair],
    clusters: Labels | Result,
    *,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> PairEvaluation:
    """Compare clusters with labelled pairs, over exactly these pairs.

    Args:
        pairs: The pairs. One that comes twice counts twice; without any, the scores are NaN.
        clusters: As in `evaluate`.
        resamples: As in `evaluate`.
        seed: As in `evaluate`.
        confidence: As in `evaluate`.

    Returns:
        The scores, overall and by relation and edit. The intervals resample the connected components of the pairs.

    Raises:
        InvalidArgumentError: A pair is no `LabelledPair`, clusters are no mapping of a str to a str, int or None, or a
            number is outside what is allowed.
    """
    bootstrap = _Bootstrap(resamples, seed, confidence)
    found, pairs = _mapping("clusters", clusters), _labelled_pairs(pairs)
    ends = [pair.left for pair in pairs] + [pair.right for pair in pairs]
    names = {name: number for number, name in enumerate(dict.fromkeys(ends))}
    left, right = np.array([names[name] for name in ends], np.int64).reshape(2, -1)
    place = _codes("clusters", map(found.get, names))
    together, linked = place[left] == place[right], np.array([pair.linked for pair in pairs], np.bool_)
    joined = _components(len(names), left, right)[left]

    columns = [together & linked, together, linked]
    precision, recall, f1 = bootstrap.pair_estimates(_sums(joined, columns))

    def scores(tags: Iterable[Iterable[str]]) -> tuple[PairScore, ...]:
        tagged = sorted((tag, not pairs[row].linked, row) for row, names in enumerate(tags) for tag in set(names))
        shares = []
        for (tag, apart), members in groupby(tagged, lambda entry: entry[:2]):
            rows = np.array([row for *_, row in members])
            sums = _sums(joined[rows], [together[rows], np.ones(len(rows))])
            (share,) = bootstrap.estimates(sums, lambda sums: [sums[..., 0] / sums[..., 1]])
            shares.append(PairScore(tag, not apart, len(rows), share))
        return tuple(shares)

    missing = sum(name not in found for name in names)
    by_relation = scores([] if pair.relation is None else [pair.relation] for pair in pairs)
    by_edit = scores(pair.edits for pair in pairs)
    return PairEvaluation(len(pairs), missing, precision, recall, f1, by_relation, by_edit)


def calibrate(
    sample: object,
    *,
    labels: Labels | None = None,
    shingle_sizes: Sequence[int] = (2, 3, 4, 5),
    progress: Progress | None = None,
    **settings: Unpack[Settings],
) -> Calibration:
    """Find the shingle size and the threshold that suit a sample, from the scores of all its pairs.

    What a threshold links is what `deduplicate` links there: duplicates from it on, and excerpts whose containment is
    high enough. With labels the best one is that whose clusters have the best F1, as `evaluate` scores them. Without,
    it is a threshold that matters little: the one in [0.3, 0.9] at which the fewest pairs turn over when it changes by
    0.05, for each pair that it links. There is the valley between texts that are unrelated and texts that are
    reprints; the shingle size with the deeper valley is the better one. Of equally good thresholds the default is
    taken when it is among them, otherwise the middle of the longest run. A sample with fewer than 20 pairs, labelled
    or linked at 0.3, decides nothing, nor does one whose valley turns over half as many pairs as it links, or more:
    the defaults stand.

    Every pair is compared, also where a run of more than `exhaustive` texts looks for candidates instead and misses
    some pairs close to its threshold.

    Args:
        sample: What `deduplicate` takes, at most 2000 documents, for all their pairs are in memory, up to 250 bytes
            each: whole days or whole topics of a corpus. A random thinning to one in k has but one in k squared of the
            pairs.
        labels: Document id -> story; None is a story of its own. Documents without a label are left out of the scores,
            labels of other documents are not looked at.
        shingle_sizes: The sizes to try.
        progress: As in `deduplicate`, for one run per shingle size.
        **settings: Other fields of `Config`, such as `clean`, `min_excerpt` and `threads`.

    Returns:
        The recommendation and the curve that it comes from.

    Raises:
        InvalidArgumentError: The sample is too large, labels are no mapping of a str to a str, int or None, or a
            setting is outside what is allowed or chosen here.
        InputError: The sample cannot be read, a row is no article, or no document of it has a label.
    """
    for name in _CHOSEN:
        if name in settings:
            raise InvalidArgumentError(f"settings must leave out what calibrate chooses. Got {name!r}.")
    if not isinstance(shingle_sizes, Sequence):
        raise InvalidArgumentError(f"shingle_sizes must be a sequence of integers. Got {shingle_sizes!r:.80}.")
    if not shingle_sizes:
        raise InvalidArgumentError("shingle_sizes must be one size or more. Got none.")
    if labels is not None:
        labels = _mapping("labels", labels)
        _codes("labels", labels.values())
    loose = [_loose({**settings, "shingle_size": size}) for size in shingle_sizes]
    articles = formats.read(sample).articles
    if len(articles) > _MOST_DOCUMENTS:
        advice = "All pairs of them are compared, in memory: pass whole days or whole topics, for a random thinning"
        raise InvalidArgumentError(
            f"sample must be at most {_MOST_DOCUMENTS} documents. Got {len(articles)}. "
            f"{advice} to one in k keeps one in k squared of the pairs."
        )
    documents, labelled, curve = 0, None, []
    for settings_of in loose:
        found = api.deduplicate(articles, progress=progress, **settings_of).run
        documents, known = len(found.outcome.documents), _known(labels, found.articles)
        if known is not None:
            sizes = np.bincount(_codes("labels", known.values()))
            labelled = int((sizes * (sizes - 1)).sum()) // 2
        curve += _curve(found, {**settings, "shingle_size": settings_of["shingle_size"]}, known)
    chosen, reason = _choose(curve, labelled)
    default = chosen or Config()
    return Calibration(
        documents, labelled, default.shingle_size, default.threshold, chosen is not None, reason, tuple(curve)
    )


def _loose(settings: Settings) -> Settings:
    """Return what makes a run of all pairs that keeps what any threshold of the curve relates under these settings."""
    config = configure(settings)
    overlap = min(_LEAST, config.overlap, config.containment_floor)
    return {
        **settings,
        "threshold": _LEAST,
        "containment": 1.0,
        "overlap": overlap,
        "recall": 0.1,
        "exhaustive": 2**62,
    }


def _known(labels: Labels | None, articles: Iterable[Article]) -> Labels | None:
    """Return the labels of documents that are there."""
    if labels is None:
        return None
    known = {article.id: labels[article.id] for article in articles if article.id in labels}
    if not known:
        got = f"Got {next(iter(labels))!r:.80}, of {len(labels)}" if labels else "Got none"
        raise InputError(f"labels must have the id of a document of the sample. {got}.")
    return known


def _curve(run: Run, settings: Settings, labels: Labels | None) -> list[CurvePoint]:
    """Return what each threshold makes of a run that `_loose` lets keep enough."""
    configs = [replace(configure(settings), threshold=at) for at in (_LEAST, *_THRESHOLDS, 1.0)]
    links = [len(run.outcome.pairs.related(config).links) for config in configs]
    points = []
    for place, config in enumerate(configs[1:-1], 1):
        scores: list[Estimate] = []
        if labels is not None:
            names = [article.id for article in run.articles]
            canonical = decide(run.outcome, config).canonical.tolist()
            found = evaluate(labels, dict(zip(names, canonical, strict=True)))
            scores = [found.precision, found.recall, found.f1]
        near = links[place - 1] - links[place + 1]
        points.append(CurvePoint(config.shingle_size, config.threshold, links[place], near, *scores))
    return points


def _choose(curve: list[CurvePoint], labelled: int | None) -> tuple[CurvePoint | None, str]:
    """Return the point to recommend, None for the defaults, and why."""
    defaults = "these are the defaults."
    if labelled is not None:
        if labelled < _FEWEST_PAIRS:
            return None, f"{labelled} labelled pairs are too few to decide ({_FEWEST_PAIRS} are needed): {defaults}"
        best, equal = _best(curve, lambda point: point.f1.value if point.f1 else 0.0)
        return best, f"Over {labelled} labelled pairs, a run has the best F1 there{equal}."
    low, high = _VALLEY
    points = [point for point in curve if low <= point.threshold <= high and point.pairs >= _FEWEST_PAIRS]
    if not points:
        most = max(point.pairs for point in curve if point.threshold == low)
        return None, f"{most} pairs are linked at {low}, too few to decide ({_FEWEST_PAIRS} are needed): {defaults}"
    best, equal = _best(points, lambda point: -point.turnover)
    near = f"{best.near} when {best.threshold} changes by {_CHANGE}, and {best.pairs} are linked"
    if best.turnover >= _MOST_TURNOVER:
        return None, f"There is no valley: even at best, the pairs that turn over are {near}; {defaults}"
    return best, f"There the fewest pairs turn over: {near}{equal}."


def _best(points: list[CurvePoint], score: Callable[[CurvePoint], float]) -> tuple[CurvePoint, str]:
    """Return the best point, and which others of its size are as good, in words.

    Of equally good ones that is the default, or else the middle of the longest run; of equally long runs that of the
    size nearest the default.
    """
    top, default = max(map(score, points)), Config()
    runs = [
        list(run) for (_, good), run in groupby(points, lambda point: (point.shingle_size, score(point) == top)) if good
    ]

    def is_default(point: CurvePoint) -> bool:
        return (point.shingle_size, point.threshold) == (default.shingle_size, default.threshold)

    run = max(
        runs, key=lambda run: (any(map(is_default, run)), len(run), -abs(run[0].shingle_size - default.shingle_size))
    )
    best = next(filter(is_default, run), run[len(run) // 2])
    if len(run) == 1:
        return best, ""
    return best, f"; {run[0].threshold:.2f} to {run[-1].threshold:.2f} are equally good"


@dataclass(frozen=True, slots=True)
class _Bootstrap:
    """How intervals are made."""

    resamples: int = 1000
    seed: int = 0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        _validate.integer("resamples", self.resamples, least=1)
        _validate.integer("seed", self.seed)
        _validate.fraction("confidence", self.confidence, one=False)

    def estimates(self, sums: Floats, score: Callable[[Floats], list[Floats]]) -> list[Estimate]:
        """Return each score of the sums of all groups, with its interval.

        Args:
            sums: float64 [groups, k].
            score: Takes float64 [..., k] and returns scores, float64 [...].
        """
        # Groups of equal sums are drawn together: most are a single story without an error.
        rows, counts = np.unique(sums, axis=0, return_counts=True)
        groups = len(sums)
        values = [float(value) if groups else math.nan for value in score(counts @ rows)]
        if groups < 2:
            return [Estimate(value, math.nan, math.nan) for value in values]
        draws, step = np.random.default_rng(self.seed), max(1, _CHUNK // len(rows))
        parts = [
            score(draws.multinomial(groups, counts / groups, min(step, self.resamples - start)) @ rows)
            for start in range(0, self.resamples, step)
        ]
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(np.concatenate(parts, axis=1), [tail, 1 - tail], axis=1)
        # Of few groups, a ratio can lie outside what its resamples give.
        return [
            Estimate(value, min(value, float(a)), max(value, float(b)))
            for value, a, b in zip(values, low, high, strict=True)
        ]

    def pair_estimates(self, sums: Floats) -> list[Estimate]:
        """Return precision, recall and F1 from sums of shared, predicted and labelled pairs, float64 [groups, 3]."""
        return self.estimates(sums, lambda sums: _pair_scores(*np.moveaxis(sums, -1, 0)))


def _sums(groups: NDArray[np.int64], columns: Sequence[NDArray[Any]]) -> Floats:
    """Return the sums of some columns, float64 [groups, columns], over the rows of each group."""
    _, places = np.unique(groups, return_inverse=True)
    return np.stack([np.bincount(places, column) for column in columns], axis=1)


def _components(nodes: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the connected component of each node, int64 [nodes]."""
    return cluster(nodes, left, right, np.ones(len(left)), "components")


def _mapping(name: str, given: Labels | Result) -> Labels:
    if isinstance(given, Result):
        return {member: cluster.canonical for cluster in given.clusters for member in cluster.members}
    if not isinstance(given, Mapping):
        raise InvalidArgumentError(f"{name} must be a mapping of ids. Got {given!r:.80}.")
    for key in given:
        if not isinstance(key, str):
            raise InvalidArgumentError(f"{name} must have ids of type str. Got {key!r:.80}.")
    return given


def _labelled_pairs(given: Iterable[LabelledPair]) -> list[LabelledPair]:
    allowed = "pairs must be an iterable of LabelledPair"
    if not isinstance(given, Iterable):
        raise InvalidArgumentError(f"{allowed}. Got {given!r:.80}.")
    pairs = list(given)
    for pair in pairs:
        if not isinstance(pair, LabelledPair):
            raise InvalidArgumentError(f"{allowed}. Got {pair!r:.80}.")
    return pairs


def _codes(name: str, values: Iterable[str | int | None]) -> NDArray[np.int64]:
    """Return numbers from 0 without a gap, int64 [n]: the same for equal values, one of its own for each None."""
    values = list(values)
    for kind in set(map(type, values)):
        if not issubclass(kind, str | numbers.Integral | None):
            bad = next(value for value in values if type(value) is kind)
            raise InvalidArgumentError(f"{name} must map to str, int or None. Got {bad!r:.80}.")
    number = {value: code for code, value in enumerate(dict.fromkeys(values))}
    codes = np.fromiter(map(number.__getitem__, values), np.int64, len(values))
    alone = np.flatnonzero(codes == number.get(None, -1))[1:]
    codes[alone] = len(number) + np.arange(len(alone))
    return codes


def _count(codes: NDArray[np.int64]) -> int:
    return int(codes.max(initial=-1)) + 1
