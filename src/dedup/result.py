"""What a run found: clusters, what is kept, what is dropped and why."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup import formats
from dedup.errors import InvalidArgumentError
from dedup.model import RELATIONS, Article, Cleaned, Cluster, Drop, Relation, timestamp
from dedup.pipeline import Decision, Outcome, decide

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from dedup.boilerplate.sightings import Template
    from dedup.config import Config
    from dedup.formats import Skipped

_FIELDS = ("source", "published", "title", "url", "parent")
_EXACT = RELATIONS.index("exact")


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
        """The canonical document of each cluster, in input order."""
        return [self.articles[row] for row in np.flatnonzero(self._is_kept).tolist()]

    @cached_property
    def dropped(self) -> list[Drop]:
        """Every other document with the evidence for it, in input order."""
        relation, (jaccard, containment, containment_canonical) = self._scores
        return [
            Drop(
                article=self.articles[row],
                canonical=self.articles[self._decision.canonical[row]].id,
                relation=relation[row],
                jaccard=float(jaccard[row]),
                containment=float(containment[row]),
                containment_canonical=float(containment_canonical[row]),
            )
            for row in np.flatnonzero(~self._is_kept).tolist()
        ]

    @cached_property
    def pairs(self) -> pa.Table:
        """Every related pair, linked or `overlap`, as an Arrow table.

        Columns `left`, `right` (ids; left is the one to keep first), `relation`, `jaccard`, `containment_left`,
        `containment_right`. An exact copy stands in one pair, with the first document of the same text, which alone
        stands in the other pairs of that text.
        """
        import pyarrow as pa  # noqa: PLC0415 - loads on first use

        pairs, documents = self._decision.pairs, self.outcome.documents
        related = pairs.where(pairs.relation < len(RELATIONS))
        representative = self.outcome.representative
        copies = np.flatnonzero(representative != np.arange(len(self)))
        ones = np.ones(len(copies))
        return pa.table(
            {
                "left": self._ids(np.concatenate([representative[copies], documents[related.left]])),
                "right": self._ids(np.concatenate([copies, documents[related.right]])),
                "relation": _names(np.concatenate([np.full(len(copies), _EXACT), related.relation])),
                "jaccard": np.concatenate([ones, related.jaccard]),
                "containment_left": np.concatenate([ones, related.containment_left]),
                "containment_right": np.concatenate([ones, related.containment_right]),
            }
        )

    def at(self, threshold: float, *, containment: float | None = None) -> Result:
        """Return the result at a stricter threshold, from the scores that are there, without another run.

        Args:
            threshold: In [the threshold of this result, 1].
            containment: At least the containment of this result. None: what follows from the threshold where this
                result's does too, otherwise this result's own.

        Raises:
            InvalidArgumentError: A value is looser than this result's: pairs below were not looked for.
        """
        config = replace(
            self.config,
            threshold=threshold,
            containment=self.config.containment if containment is None else containment,
        )
        for name, old, new in (
            ("threshold", self.config.threshold, config.threshold),
            ("containment", self.config.containment_floor, config.containment_floor),
        ):
            if new < old:
                raise InvalidArgumentError(f"{name} must be in [{old}, 1.0], stricter than this result. Got {new}.")
        return replace(self, config=config)

    def to_arrow(self, *, text: bool = False) -> pa.Table:
        """Return one row per document in input order, with the decision on it.

        Columns: `id`, `cluster` (id of the canonical), `kept`, `relation`, `jaccard`, `containment` (share of this
        document in the canonical), `containment_canonical` (the other way; these four are null for a kept document),
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
            "relation": pa.array(relation, pa.string()),
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

    def summary(self) -> dict[str, int | float]:
        """Return the counts of the run."""
        pairs = self._decision.pairs
        relations = np.bincount(pairs.relation, minlength=len(RELATIONS) + 1)
        sizes = np.bincount(self._decision.canonical, minlength=1)
        items = sum(article.parent is not None for article in self.articles)
        copies = int(np.count_nonzero(self.outcome.representative != np.arange(len(self))))
        return {
            "documents": len(self),
            "items": items,
            "kept": int(np.count_nonzero(self._is_kept)),
            "dropped": int(np.count_nonzero(~self._is_kept)),
            "clusters": int(np.count_nonzero(sizes > 1)),
            "largest_cluster": int(sizes.max()) if len(self) else 0,
            "empty": int(np.count_nonzero(self.outcome.tokens == 0)),
            "cleaned": len(self.outcome.cleaned),
            "templates": len(self.templates),
            "exact_pairs": copies,
            **{f"{name}_pairs": int(relations[code]) for code, name in enumerate(RELATIONS) if code != _EXACT},
            "candidate_pairs": self.outcome.candidates,
            "capped_buckets": self.outcome.capped,
            "omitted_pairs": self.outcome.omitted,
            "common_shingles": self.outcome.common,
            "skipped_rows": len(self.skipped),
        }

    @cached_property
    def _is_kept(self) -> NDArray[np.bool_]:
        kept: NDArray[np.bool_] = self._decision.canonical == np.arange(len(self))
        return kept

    @cached_property
    def _rank(self) -> NDArray[np.int64]:
        """Place of each row in keep order."""
        rank = np.zeros(len(self), np.int64)
        rank[self.outcome.order] = np.arange(len(self))
        return rank

    @cached_property
    def _scores(self) -> tuple[list[Relation | None], list[NDArray[np.float64]]]:
        """Relation, Jaccard and containments of each row to its canonical; None and NaN for kept documents."""
        decision, pairs = self._decision, self._decision.pairs
        evidence = decision.evidence
        linked = evidence >= 0
        place = evidence[linked]
        copies = ~self._is_kept & (evidence == -1)
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
        names: list[Relation | None] = [RELATIONS[code] if 0 <= code < len(RELATIONS) else None for code in relation]
        return names, columns

    def _ids(self, rows: NDArray[np.int64]) -> pa.Array:
        return _strings(self.articles[row].id for row in rows.tolist())

    def _cluster(self, canonical: int, rows: list[int]) -> Cluster:
        first = self.articles[canonical]
        if len(rows) == 1:
            known = timestamp(first.published) < np.inf
            return Cluster(
                first.id,
                (first.id,),
                () if first.source is None else (first.source,),
                first.published if known else None,
            )
        articles = [first, *(self.articles[row] for row in rows if row != canonical)]
        dated = [
            article.published for article in articles if article.published and timestamp(article.published) < np.inf
        ]
        return Cluster(
            canonical=first.id,
            members=tuple(article.id for article in articles),
            sources=tuple(sorted({article.source for article in articles if article.source is not None})),
            first_published=min(dated, key=timestamp, default=None),
        )


_SHOWN = ("documents", "kept", "dropped", "clusters")


def _strings(values: Iterable[str | None]) -> pa.Array:
    import pyarrow as pa  # noqa: PLC0415 - loads on first use

    # Arrow holds UTF-8 alone: a lone surrogate is written as Python would escape it, so that ids stay apart.
    safe = (v if v is None or v.isascii() else v.encode("utf-8", "backslashreplace").decode() for v in values)
    return pa.array(list(safe), pa.large_string())


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
