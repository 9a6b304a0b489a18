"""What a run found: clusters, what is kept, what is dropped and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup import _validate, formats
from dedup.decide import Decision, decide
from dedup.errors import InvalidArgumentError
from dedup.formats.columns import column_of, strings
from dedup.matching.passages import Words, cover, read_words
from dedup.matching.versions import later_side
from dedup.model import RELATIONS, Alarm, Article, Cleaned, Cluster, Cover, Drop, Relation

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from dedup.boilerplate.sightings import Template
    from dedup.config import Config
    from dedup.formats import Skipped
    from dedup.pipeline import Run

_FIELDS = ("source", "published", "title", "url", "parent")
#: Texts whose words are at hand while covers are made: pages that stand beside each other carry the same ones.
_TEXTS = 100
_EXACT, _ROUNDUP, _OVERLAP = (RELATIONS.index(name) for name in ("exact", "roundup", "overlap"))


@dataclass(frozen=True)
class Result:
    """The clusters of a run and the evidence for them.

    Args:
        config: The settings that the clusters follow from.
        run: What the run found out, in arrays.
        skipped: Rows of the input that were no articles.
        ids_made: Whether the input had no ids, and row numbers took their place.
    """

    config: Config
    run: Run
    skipped: tuple[Skipped, ...] = ()
    ids_made: bool = False

    def __len__(self) -> int:
        """Return the number of documents, items of pages included."""
        return len(self.run.articles)

    def __repr__(self) -> str:
        """Return the counts in one line."""
        counts = ", ".join(f"{name}={value}" for name, value in self.summary().items() if name in _SHOWN)
        return f"<dedup.Result {counts}>"

    @cached_property
    def _decision(self) -> Decision:
        return decide(self.run.outcome, self.config)

    @cached_property
    def articles(self) -> list[Article]:
        """The documents: the articles in the order they came, then the stories that pages carried."""
        return self.run.articles

    @cached_property
    def cleaned(self) -> Mapping[str, Cleaned]:
        """Id -> the clean text and the removed spans, for each document that furniture was taken from."""
        return {self.articles[row].id: page for row, page in self.run.cleaned.items()}

    @property
    def templates(self) -> tuple[Template, ...]:
        """Furniture that was found by repetition: its outlet, counts and an example, most stories first."""
        return self.run.templates

    @cached_property
    def clusters(self) -> list[Cluster]:
        """Every cluster, those of one document included: more members first, then the smaller canonical id."""
        members: dict[int, list[int]] = {}
        canonical = self._decision.canonical.tolist()
        for row in np.argsort(self._decision.rank, kind="stable").tolist():
            members.setdefault(canonical[row], []).append(row)
        clusters = [self._cluster(root, rows) for root, rows in members.items()]
        return sorted(clusters, key=lambda cluster: (-cluster.size, cluster.canonical))

    @cached_property
    def kept(self) -> list[Article]:
        """The canonical document of each cluster, and as many more as `KeepPolicy.min_keep` says, in input order."""
        return [self.articles[row] for row in np.flatnonzero(self._decision.is_kept).tolist()]

    @cached_property
    def dropped(self) -> list[Drop]:
        """Every other document with the evidence for it, in input order."""
        relation = self._decision.relation
        jaccard, containment, containment_canonical = self._decision.scores
        return [
            Drop(
                article=self.articles[row],
                canonical=self.articles[self._decision.canonical[row]].id,
                relation=_relation(int(relation[row])),
                jaccard=float(jaccard[row]),
                containment=float(containment[row]),
                containment_canonical=float(containment_canonical[row]),
            )
            for row in np.flatnonzero(~self._decision.is_kept).tolist()
        ]

    @cached_property
    def alarms(self) -> tuple[Alarm, ...]:
        """The sources of which more is dropped than `KeepPolicy.alarm_share` allows, largest share first; mostly none.

        Nothing is held back for an alarm. A source that only reprints raises one, and so does one whose pages all came
        as the same notice. Documents without a source are no source.
        """
        return self._decision.alarms([article.source for article in self.articles])

    @cached_property
    def pairs(self) -> pa.Table:
        """Every related pair, linked or not, as an Arrow table.

        Columns `left`, `right` (ids; left is the one to keep first), `relation`, `jaccard`, `containment_left`,
        `containment_right`, and `later`: "left" or "right", whichever was published later, null where the dates do not
        tell. An exact copy stands in one pair, with the first document of the same text, which alone stands in the
        other pairs of that text.
        """
        import pyarrow as pa  # noqa: PLC0415 - loads on first use

        from dedup.tables import pairs_of  # noqa: PLC0415 - as above

        return pa.concat_tables(pairs_of(self._ids(np.arange(len(self))), self._decision, 2**62)).combine_chunks()

    @cached_property
    def covers(self) -> Mapping[str, Cover]:
        """Id of each roundup -> which stretch of it comes from which document.

        The documents are those that it carries, and those that it overlaps and that neither came later nor are roundups
        themselves. Of those in one cluster only one is looked at, for copies of a story explain nothing new: a stretch
        names the canonical document, or the first of them in keep order where that is none of them. Empty when there is
        no roundup. Of exact copies, the one that stands in `pairs` for all has the cover.
        """
        pairs, documents = self._decision.pairs, self.run.outcome.documents
        moments = self.run.outcome.moments[documents]
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
        rows = sorted(rows, key=lambda row: (canonical[row] == row, -self._decision.rank[row]))
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

        relation, scores = self._decision.relation, self._decision.scores
        columns: dict[str, Any] = {
            "id": self._ids(np.arange(len(self))),
            "cluster": self._ids(self._decision.canonical),
            "kept": self._decision.is_kept,
            "relation": pa.array(map(_relation, relation.tolist()), pa.string()),
        }
        names = ("jaccard", "containment", "containment_canonical")
        columns |= {name: pa.array(score, from_pandas=True) for name, score in zip(names, scores, strict=True)}
        for name in _FIELDS:
            columns[name] = strings(getattr(article, name) for article in self.articles)
        if text:
            columns["text"] = strings(article.text for article in self.articles)
        for name in dict.fromkeys(name for article in self.articles for name in article.extra):
            values = [article.extra.get(name) for article in self.articles]
            column = str(name)
            while column in columns or column == "text":
                column = f"input.{column}"
            columns[column] = column_of(values)
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
        - `capped_buckets`: buckets over the limit; `largest_bucket`: the texts in the largest of all; `omitted_pairs`:
          at most so many pairs of buckets over the limit were not compared.
        - `common_shingles`: sampled shingles that more texts had than the limit; `frequent_shingles`: those that more
          than eight texts had, so that passages in them were looked for with the first two of these texts only.
        - `skipped_rows`: rows of the input that were no articles.
        """
        return self._decision.summary(
            items=sum(article.parent is not None for article in self.articles),
            alarms=len(self.alarms),
            cleaned=len(self.cleaned),
            templates=len(self.templates),
            skipped_rows=len(self.skipped),
        )

    @cached_property
    def _cohesion(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Least and mean Jaccard similarity of members to each canonical, float64 [n]; 1 where none has one."""
        scored, scores = self._decision.scored
        canonical = self._decision.canonical[scored]
        least = np.ones(len(self))
        np.minimum.at(least, canonical, scores)
        counts = np.bincount(canonical, minlength=len(self))
        sums = np.bincount(canonical, scores, len(self))
        return least, np.divide(sums, counts, out=np.ones(len(self)), where=counts > 0)

    def _clean(self, row: int) -> Cleaned:
        """Return a document without its furniture."""
        text = self.articles[row].text
        return self.run.cleaned.get(row) or Cleaned(text, text)

    def _ids(self, rows: NDArray[np.int64]) -> pa.Array:
        return strings(self.articles[row].id for row in rows.tolist())

    def _cluster(self, canonical: int, rows: list[int]) -> Cluster:
        first = self.articles[canonical]
        last = self.run.outcome.moments[:, 1]
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


def _relation(code: int) -> Relation | None:
    """Return the relation of a code; None where there is none."""
    return RELATIONS[code] if 0 <= code < len(RELATIONS) else None
