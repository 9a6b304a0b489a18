"""The counts of the report: documents per outlet, and how alike the pairs of each relation are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dedup.model import RELATIONS
from dedup.report.texts import label

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from dedup.model import Article

#: Outlets that are named, and bars of a histogram.
OUTLETS, BARS = 50, 20
#: Characters of the name of an outlet.
_NAME = 100


@dataclass(frozen=True, slots=True)
class Outlet:
    """What became of the documents of an outlet, or of several that are counted together."""

    name: str
    documents: int
    kept: int
    #: Other than an outlet's own name: no outlet, or the rest.
    is_group: bool = False

    @property
    def dropped(self) -> int:
        """Documents that are left out."""
        return self.documents - self.kept


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many pairs of a relation have which Jaccard similarity.

    Args:
        relation: The relation.
        bars: `BARS` numbers of pairs, for steps of 1 / `BARS` from 0 on; the last one holds 1 as well.
    """

    relation: str
    bars: list[int]

    @property
    def pairs(self) -> int:
        """The number of all pairs of the relation."""
        return sum(self.bars)


def outlets(articles: Iterable[Article], kept: Iterable[Article]) -> list[Outlet]:
    """Return the counts of the outlets with the most documents, then of the other ones and of no outlet, if any."""
    documents, stay = (Counter(article.source or None for article in group) for group in (articles, kept))
    nowhere = documents.pop(None, 0)
    names = sorted((name for name in documents if name), key=lambda name: (-documents[name], name))
    rows = [Outlet(label(name, _NAME) or repr(name), documents[name], stay[name]) for name in names[:OUTLETS]]
    if rest := names[OUTLETS:]:
        number, stayed = (sum(count[name] for name in rest) for count in (documents, stay))
        rows.append(Outlet(f"{len(rest):,} other sources", number, stayed, is_group=True))
    if nowhere:
        rows.append(Outlet("no source given", nowhere, stay[None], is_group=True))
    return rows


def histograms(pairs: pa.Table) -> list[Histogram]:
    """Return a histogram for each relation that a pair has; exact copies, which are all at 1, have none."""
    names, jaccard = np.array(pairs["relation"].to_pylist(), dtype=object), pairs["jaccard"].to_numpy()
    found = []
    for relation in RELATIONS:
        scores = jaccard[names == relation]
        if relation != "exact" and len(scores):
            bars = np.minimum((scores * BARS + 1e-9).astype(np.int64), BARS - 1)
            found.append(Histogram(relation, np.bincount(bars, minlength=BARS).tolist()))
    return found
