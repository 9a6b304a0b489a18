"""Keep order: which of several copies of a story is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dedup.model import timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dedup.model import Article


def keep_order(articles: Sequence[Article], tokens: NDArray[np.uint32], wire_ranks: Sequence[int]) -> NDArray[np.int64]:
    """Return the rows of the articles, best to keep first, int64 [n].

    A total order: a wire agency's own copy, then texts that open with an agency's credit, then the others; among these
    earliest publication (unknown last), then most tokens of clean text, then the smallest id.

    Args:
        articles: The documents; their ids are unique.
        tokens: uint32 [n], tokens of their clean texts.
        wire_ranks: How near each is to its wire, 0 nearest: see `boilerplate.wire_rank`.
    """
    ids = [article.id for article in articles]
    by_id = np.fromiter(sorted(range(len(ids)), key=ids.__getitem__), np.int64, len(ids))
    keys: list[NDArray[np.float64]] = [-tokens[by_id].astype(np.float64)]
    if any(article.published is not None for article in articles):
        moments = np.fromiter((timestamp(article.published) for article in articles), np.float64, len(ids))
        keys.append(moments[by_id])
    keys.append(np.array(wire_ranks, np.float64)[by_id])
    # Stable, so that equal keys stay in the order of their ids.
    return by_id[np.lexsort(keys)]
