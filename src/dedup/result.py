"""What a run found: clusters, what is kept, what is dropped and why."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup import _validate, formats
from dedup.errors import InvalidArgumentError
from dedup.matching.passages import Words, cover, read_words
from dedup.matching.versions import later_side
from dedup.model import RELATIONS, Alarm, Article, Cleaned, Cluster, Cover, Drop, Relation
from dedup.pipeline import Decision, Outcome, decide

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from dedup.boilerplate.sightings import Template
    from dedup.config import Config
    from dedup.formats import Skipped

#: What the column `later` says of each side.
_LATER = {-1: "left", 0: None, 1: "right"}
_FIELDS = ("source", "published", "title", "url", "parent")
#: Texts whose words are at hand while covers are made: pages that stand beside each other carry the same ones.
_TEXTS = 100
_EXACT, _ROUNDUP, _OVERLAP = (RELATIONS.index(name) for name in ("exact", "roundup", "overlap"))


@dataclass(frozen=True)
class Result:
    """The clusters of a run and the evidence for them.

    Args:
        config: The settings that the clusters follow from.
        outcome: What the run found out, in arrays.
        skipped: Rows of the input that were no articles.
        ids_made: Whether the input had no ids, and row numbers took their place.
    """

    config: Config
    outcome: Outcome
    skipped: tuple[Skipped, ...] = ()
    ids_made: bool = False

    def __len__(self) -> int:
        """Return the number of documents, items of pages included."""
        return len(self.outcome.articles)

    def __repr__(self) -> str:
        """Return the counts in one line."""
        counts = ", ".join(f"{name}={value}" for name, value in self.summary().items() if name in _SHOWN)
        return f"<dedup.Result {counts}>"

    @cached_property
    def _decision(self) -> Decision:
        return decide(self.outcome, self.config)

    @cached_property
    def articles(self) -> list[Article]:
        """The documents: the articles in the order they came, then the stories that pages carried."""
        return self.outcome.articles

    @cached_property
    def cleaned(self) -> Mapping[str, Cleaned]:
        """Id -> the clean text and the removed spans, for each document that furniture was taken from."""
        return {self.articles[row].id: page for row, page in self.outcome.cleaned.items()}

    @property
    def templates(self) -> tuple[Template, ...]:
        """Furniture that was found by repetition: its outlet, counts and an example, most stories first."""
        return self.outcome.templates

    @cached_property
    def clusters(self) -> list[Cluster]:
        """Every cluster, those of one document included: more members first, then the smaller canonical id."""
        members: dict[int, list[int]] = {}
        canonical = self._decision.canonical.tolist()
        for row in np.argsort(self._rank, kind="stable").tolist():
            members.setdefault(canonical[row], []).append(row)
        clusters = [self._cluster(root, rows) for root, rows in members.items()]
        return sorted(clusters, key=lambda cluster: (-cluster.size, cluster.canonical))

    @cached_property
    def kept(self) -> list[Article]:
        """The canonical document of each cluster, and as many more as `KeepPolicy.min_keep` says, in input order."""
        return [self.articles[row] for row in np.flatnonzero(self._is_kept).tolist()]

    @cached_property
    def dropped(self) -> list[Drop]:
        """Every other document with the evidence for it, in input order."""
        relation, (jaccard, containment, containment_canonical) = self._scores
        return [
            Drop(
                article=self.articles[row],
                canonical=self.articles[self._decision.canonical[row]].id,
                relation=_relation(int(relation[row])),
                jaccard=float(jaccard[row]),
                containment=float(containment[row]),
                containment_canonical=float(containment_canonical[row]),
            )
            for row in np.flatnonzero(~self._is_kept).tolist()
        ]

    @cached_property
    def alarms(self) -> tuple[Alarm, ...]:
        """The sources of which more is dropped than `KeepPolicy.alarm_share` allows, largest share first; mostly none.

        Nothing is held back for an alarm. A source that only reprints raises one, and so does one whose pages all came
        as the same notice. Documents without a source are no source.
        """
        policy = self.config.keep
        if policy.alarm_share is None:
            return ()
        dropped = Counter(self.articles[row].source for row in np.flatnonzero(~self._is_kept).tolist())
        documents = Counter(article.source for article in self.articles if article.source in dropped)
        alarms = [
            Alarm(source, documents[source], count, count / documents[source])
            for source, count in dropped.items()
            if source and documents[source] >= policy.alarm_documents
        ]
        alarms = [alarm for alarm in alarms if alarm.share > policy.alarm_share]
        return tuple(sorted(alarms, key=lambda alarm: (-alarm.share, alarm.source)))

    @cached_property
    def pairs(self) -> pa.Table:
        """Every related pair, linked or not, as an Arrow table.

        Columns `left`, `right` (ids; left is the one to keep first), `relation`, `jaccard`, `containment_left`,
        `containment_right`, and `later`: "left" or "right", whichever was published later, null where the dates do not
        tell. An exact copy stands in one pair, with the first document of the same text, which alone stands in the
        other pairs of that text.
        """
        import pyarrow as pa  # noqa: PLC0415 - loads on first use

        pairs, documents = self._decision.pairs, self.outcome.documents
        related = pairs.where(pairs.relation < len(RELATIONS))
        representative = self.outcome.representative
        copies = np.flatnonzero(representative != np.arange(len(self)))
        ones = np.ones(len(copies))
        left = np.concatenate([representative[copies], documents[related.left]])
        right = np.concatenate([copies, documents[related.right]])
        later = later_side(self.outcome.moments[left], self.outcome.moments[right])
        return pa.table(
            {
                "left": self._ids(left),
                "right": self._ids(right),
                "relation": _names(np.concatenate([np.full(len(copies), _EXACT), related.relation])),
                "jaccard": np.concatenate([ones, related.jaccard]),
                "containment_left": np.concatenate([ones, related.containment_left]),
                "containment_right": np.concatenate([ones, related.containment_right]),
                "later": _strings(_LATER[side] for side in later.tolist()),
            }
        )

    @cached_property
    def covers(self) -> Mapping[str, Cover]:
        """Id of each roundup -> which stretch of it comes from which document.

        The documents are those that it carries, and those that it overlaps and that neither came later nor are roundups
        themselves. Of those in one cluster only one is looked at, for copies of a story explain nothing new: a stretch
        names the canonical document, or the first of them in keep order where that is none of them. Empty when there is
        no roundup. Of exact copies, the one that stands in `pairs` for all has the cover.
        """
        pairs, documents = self._decision.pairs, self.outcome.documents
        moments = self.outcome.moments[documents]
        left_later = later_side(moments[pairs.right], moments[pairs.left])
        is_left_page = pairs.left_size > pairs.right_size
        carried = pairs.relation == _ROUNDUP
        roundups = np.unique(np.where(is_left_page, pairs.left, pairs.right)[carried])
        others: dict[int, list[int]] = {int(documents[page]): [] for page in roundups}
        for page, text, is_page, later in (
            (pairs.left, pairs.right, is_left_page, -left_later),
            (pairs.right, pairs.left, ~is_left_page, left_later),
        ):
            overlaps = (pairs.relation == _OVERLAP) & np.isin(page, roundups) & ~np.isin(text, roundups) & (later <= 0)
            chosen = (carried & is_page) | overlaps
            for row, other in zip(documents[page[chosen]].tolist(), documents[text[chosen]].tolist(), strict=True):
                others[row].append(other)

        @lru_cache(_TEXTS)
        def words(row: int) -> Words:
            return read_words(self._clean(row), self.config.seed)

        return {
            self.articles[page].id: cover(
                words(page),
                ((self.articles[row].id, words(row)) for row in self._one_of_each(rows)),
                shingle_size=self.config.shingle_size,
            )
            for page, rows in others.items()
        }

    def _one_of_each(self, rows: list[int]) -> list[int]:
        """Return the best row of each cluster among the rows: its canonical document, else the first in keep order."""
        canonical = self._decision.canonical
        rows = sorted(rows, key=lambda row: (canonical[row] == row, -self._rank[row]))
        return list({canonical[row]: row for row in rows}.values())

    def at(self, threshold: float, *, containment: float | None = None) -> Result:
        """Return the result at a stricter threshold, from the scores that are there, without another run.

        Args:
            threshold: In [the threshold of this result, 1].
            containment: At least the containment of this result. None: what follows from the threshold where this
                result's does too, otherwise this result's own.

        Raises:
            InvalidArgumentError: A value is no number up to 1, or looser than this result's: pairs below were not
                looked for.
        """
        _check_stricter("threshold", threshold, self.config.threshold)
        if containment is not None:
            _check_stricter("containment", containment, self.config.containment_floor)
        config = replace(
            self.config,
            threshold=threshold,
            containment=self.config.containment if containment is None else containment,
        )
        return replace(self, config=config)

    def to_arrow(self, *, text: bool = False) -> pa.Table:
        """Return one row per document in input order, with the decision on it.

        Columns: `id`, `cluster` (id of the canonical), `kept`, `relation`, `jaccard`, `containment` (share of this
        document in the canonical), `containment_canonical` (the other way; these four are null for a canonical),
        `source`, `published`, `title`, `url`, `parent`, then every other field of the articles, untouched. A field
        whose name is taken comes as `input.NAME`; values of mixed types come as JSON.

        Args:
            text: Whether the text as it came is a column too.
        """
        import pyarrow as pa  # noqa: PLC0415 - loads on first use

        relation, scores = self._scores
        columns: dict[str, Any] = {
            "id": self._ids(np.arange(len(self))),
            "cluster": self._ids(self._decision.canonical),
            "kept": self._is_kept,
            "relation": pa.array(map(_relation, relation.tolist()), pa.string()),
        }
        names = ("jaccard", "containment", "containment_canonical")
        columns |= {name: pa.array(score, from_pandas=True) for name, score in zip(names, scores, strict=True)}
        for name in _FIELDS:
            columns[name] = _strings(getattr(article, name) for article in self.articles)
        if text:
            columns["text"] = _strings(article.text for article in self.articles)
        for name in dict.fromkeys(name for article in self.articles for name in article.extra):
            values = [article.extra.get(name) for article in self.articles]
            column = str(name)
            while column in columns or column == "text":
                column = f"input.{column}"
            columns[column] = _column(values)
        return pa.table(columns)

    def write(self, path: str | os.PathLike[str], *, text: bool = False) -> None:
        """Write the table of `to_arrow` to a .parquet, .jsonl (also .gz, .zst) or .csv file, whole or not at all.

        Raises:
            OutputError: It cannot be written; what stood there before still does.
        """
        formats.check_path(path)
        formats.write(self.to_arrow(text=text), path)

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        title: str = "Which texts are the same text",
        max_bytes: int = 25_000_000,
    ) -> None:
        """Write a page to look at in a browser: one .html file, whole or not at all, that needs no network.

        It shows the counts, each cluster with its members beside the kept text, and the other related pairs. The same
        result gives the same file. What has no room in it is counted there: the smallest clusters come without texts.

        Args:
            path: Where it is to stand.
            title: The headline of the page.
            max_bytes: The most bytes of the file, at least 1,000,000.

        Raises:
            InvalidArgumentError: `title` is no str, or `max_bytes` is no integer of at least 1,000,000.
            OutputError: It cannot be written; what stood there before still does.
            MissingExtraError: jinja2 is not installed.
        """
        from dedup.report import write_report  # noqa: PLC0415 - loads on first use

        write_report(self, path, title=title, max_bytes=max_bytes)

    def summary(self) -> dict[str, int | float]:
        """Return the numbers of the run, by name; without documents they are 0, but cohesion 1.

        - `documents`: all, of which `items` are stories that pages carried.
        - `kept`, `dropped`: they add up to the documents.
        - `clusters`: those of more than one document; `largest_cluster`: the size of the largest of all.
        - `large_clusters`: those of more documents than `Config.large_cluster`.
        - `cohesion_least`, `cohesion_mean`: Jaccard similarity of a member to its canonical, in [0, 1], over all
          members that were compared with it, exact copies included, canonicals not; 1 when there is none.
        - `refused_bridges`: pairs that are linked and stand in different clusters: each would have joined two.
        - `alarms`: sources of which too much is dropped, see `alarms`.
        - `empty`: documents whose clean text has no token; `cleaned`: those that furniture was taken from.
        - `templates`: furniture that was found by repetition.
        - `exact_pairs`: exact copies, each paired with the first of its text.
        - `duplicate_pairs` and the like, by relation: related pairs of different texts.
        - `candidate_pairs`: pairs that were compared in full.
        - `capped_buckets`: buckets over the limit; `omitted_pairs`: at most so many pairs of those were not compared.
        - `common_shingles`: sampled shingles that more texts had than the limit; `frequent_shingles`: those that more
          than eight texts had, so that passages in them were looked for with the first two of these texts only.
        - `skipped_rows`: rows of the input that were no articles.
        """
        pairs, canonical = self._decision.pairs, self._decision.canonical
        links, ends = pairs.links, canonical[self.outcome.documents]
        _, scores = self._members
        relations = np.bincount(pairs.relation, minlength=len(RELATIONS) + 1)
        sizes = np.bincount(canonical, minlength=1)
        items = sum(article.parent is not None for article in self.articles)
        copies = int(np.count_nonzero(self.outcome.representative != np.arange(len(self))))
        return {
            "documents": len(self),
            "items": items,
            "kept": int(np.count_nonzero(self._is_kept)),
            "dropped": int(np.count_nonzero(~self._is_kept)),
            "clusters": int(np.count_nonzero(sizes > 1)),
            "largest_cluster": int(sizes.max()) if len(self) else 0,
            "large_clusters": int(np.count_nonzero(sizes > self.config.large_cluster)),
            "cohesion_least": float(scores.min(initial=1.0)),
            "cohesion_mean": float(scores.mean()) if len(scores) else 1.0,
            "refused_bridges": int(np.count_nonzero(ends[links.left] != ends[links.right])),
            "alarms": len(self.alarms),
            "empty": int(np.count_nonzero(self.outcome.tokens == 0)),
            "cleaned": len(self.outcome.cleaned),
            "templates": len(self.templates),
            "exact_pairs": copies,
            **{f"{name}_pairs": int(relations[code]) for code, name in enumerate(RELATIONS) if code != _EXACT},
            "candidate_pairs": self.outcome.candidates,
            "capped_buckets": self.outcome.capped,
            "omitted_pairs": self.outcome.omitted,
            "common_shingles": self.outcome.common,
            "frequent_shingles": self.outcome.frequent,
            "skipped_rows": len(self.skipped),
        }

    @cached_property
    def _is_canonical(self) -> NDArray[np.bool_]:
        canonical: NDArray[np.bool_] = self._decision.canonical == np.arange(len(self))
        return canonical

    @cached_property
    def _is_kept(self) -> NDArray[np.bool_]:
        """Which rows are among the first of their cluster: the canonical, then the others in keep order."""
        if self.config.keep.min_keep == 1:
            return self._is_canonical
        order = np.lexsort([self._rank, ~self._is_canonical, self._decision.canonical])
        clusters = self._decision.canonical[order]
        kept = np.zeros(len(self), np.bool_)
        kept[order] = np.arange(len(self)) - np.searchsorted(clusters, clusters) < self.config.keep.min_keep
        return kept

    @cached_property
    def _cohesion(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Least and mean Jaccard similarity of members to each canonical, float64 [n]; 1 where none has one."""
        scored, scores = self._members
        canonical = self._decision.canonical[scored]
        least = np.ones(len(self))
        np.minimum.at(least, canonical, scores)
        counts = np.bincount(canonical, minlength=len(self))
        sums = np.bincount(canonical, scores, len(self))
        return least, np.divide(sums, counts, out=np.ones(len(self)), where=counts > 0)

    @cached_property
    def _members(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The rows with a Jaccard similarity to their canonical, and that; in keep order, so that sums are the same."""
        jaccard = self._scores[1][0]
        rows = self.outcome.order[~np.isnan(jaccard[self.outcome.order])]
        return rows, jaccard[rows]

    @cached_property
    def _rank(self) -> NDArray[np.int64]:
        """Place of each row in keep order."""
        rank = np.zeros(len(self), np.int64)
        rank[self.outcome.order] = np.arange(len(self))
        return rank

    @cached_property
    def _scores(self) -> tuple[NDArray[np.int64], list[NDArray[np.float64]]]:
        """Code of the relation, Jaccard and containments of each row to its canonical; -1 and NaN for canonicals."""
        decision, pairs = self._decision, self._decision.pairs
        evidence = decision.evidence
        linked = evidence >= 0
        place = evidence[linked]
        copies = ~self._is_canonical & (evidence == -1)
        relation = np.full(len(self), -1)
        relation[copies] = _EXACT
        relation[linked] = pairs.relation[place]
        is_right = self.outcome.documents[pairs.right[place]] == self.outcome.representative[linked]
        left, right = pairs.containment_left[place], pairs.containment_right[place]
        columns = []
        for scores in (pairs.jaccard[place], np.where(is_right, right, left), np.where(is_right, left, right)):
            column = np.full(len(self), np.nan)
            column[copies] = 1.0
            column[linked] = scores
            columns.append(column)
        return relation, columns

    def _clean(self, row: int) -> Cleaned:
        """Return a document without its furniture."""
        text = self.articles[row].text
        return self.outcome.cleaned.get(row) or Cleaned(text, text)

    def _ids(self, rows: NDArray[np.int64]) -> pa.Array:
        return _strings(self.articles[row].id for row in rows.tolist())

    def _cluster(self, canonical: int, rows: list[int]) -> Cluster:
        first = self.articles[canonical]
        last = self.outcome.moments[:, 1]
        if len(rows) == 1:
            known = last[canonical] < np.inf
            return Cluster(
                first.id,
                (first.id,),
                () if first.source is None else (first.source,),
                first.published if known else None,
            )
        rows = [canonical, *(row for row in rows if row != canonical)]
        articles = [self.articles[row] for row in rows]
        earliest = rows[int(last[rows].argmin())]
        least, mean = self._cohesion
        return Cluster(
            canonical=first.id,
            members=tuple(article.id for article in articles),
            sources=tuple(sorted({article.source for article in articles if article.source is not None})),
            first_published=self.articles[earliest].published if last[earliest] < np.inf else None,
            cohesion_least=float(least[canonical]),
            cohesion_mean=float(mean[canonical]),
        )


_SHOWN = ("documents", "kept", "dropped", "clusters")


def _check_stricter(name: str, value: object, least: float) -> None:
    """Refuse what is no number in [least, 1]."""
    try:
        number = _validate.fraction(name, value)
    except InvalidArgumentError:
        number = 0.0
    if number < least:
        raise InvalidArgumentError(f"{name} must be in [{least}, 1.0], stricter than this result. Got {value!r}.")


def _strings(values: Iterable[str | None]) -> pa.Array:
    import pyarrow as pa  # noqa: PLC0415 - loads on first use

    # Arrow holds UTF-8 alone: a lone surrogate is written as Python would escape it, so that ids stay apart.
    safe = (v if v is None or v.isascii() else v.encode("utf-8", "backslashreplace").decode() for v in values)
    return pa.array(list(safe), pa.large_string())


def _relation(code: int) -> Relation | None:
    """Return the relation of a code; None where there is none."""
    return RELATIONS[code] if 0 <= code < len(RELATIONS) else None


def _names(relation: NDArray[np.integer[Any]]) -> pa.Array:
    return _strings(RELATIONS[code] for code in relation.tolist())


def _column(values: list[Any]) -> pa.Array:
    """Return values of one type as they are, others as JSON."""
    import pyarrow as pa  # noqa: PLC0415 - loads on first use

    kinds = {(type(value), getattr(value, "tzinfo", None)) for value in values if value is not None}
    if len(kinds) <= 1:
        try:
            return pa.array(values)
        except (pa.ArrowException, UnicodeEncodeError, OverflowError):
            pass  # lists or mappings of mixed types, numbers out of range, lone surrogates
    return _strings(None if value is None else _json(value) for value in values)


def _json(value: Any) -> str:  # noqa: ANN401 - whatever a field of the input holds
    try:
        return json.dumps(value, default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
