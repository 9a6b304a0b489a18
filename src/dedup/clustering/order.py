"""Keep order: which of several copies of a story is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dedup.model import timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dedup.model import Article

#: Agencies whose own copy is kept before any reprint, as sources name themselves, case folded.
WIRE_AGENCIES = frozenset({
    "aap", "afp", "agence france-presse", "ansa", "ap", "ap news", "associated press",
    "australian associated press", "bloomberg", "business wire", "canadian press", "dpa", "efe",
    "globenewswire", "kyodo", "kyodo news", "pa", "pa media", "pr newswire", "press association",
    "press trust of india", "pti", "reuters", "tass", "the associated press", "the canadian press", "xinhua",
})  # fmt: skip


def keep_order(articles: Sequence[Article], tokens: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return the rows of the articles, best to keep first, int64 [n].

    A total order: wire agencies' own copy, then earliest publication (unknown last), then most tokens of clean text,
    then the smallest id.

    Args:
        articles: The documents; their ids are unique.
        tokens: uint32 [n], tokens of their clean texts.
    """
    ids = [article.id for article in articles]
    by_id = np.fromiter(sorted(range(len(ids)), key=ids.__getitem__), np.int64, len(ids))
    keys: list[NDArray[np.float64]] = [-tokens[by_id].astype(np.float64)]
    if any(article.published is not None for article in articles):
        moments = np.fromiter((timestamp(article.published) for article in articles), np.float64, len(ids))
        keys.append(moments[by_id])
    if any(article.source is not None for article in articles):
        reprint = np.fromiter((not _is_agency(article.source) for article in articles), np.float64, len(ids))
        keys.append(reprint[by_id])
    # Stable, so that equal keys stay in the order of their ids.
    return by_id[np.lexsort(keys)]


def _is_agency(source: str | None) -> bool:
    return source is not None and source.strip().casefold() in WIRE_AGENCIES
