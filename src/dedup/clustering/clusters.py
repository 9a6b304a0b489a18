"""Clusters of documents from the links between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dedup.kernels.native import choose_canonicals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dedup.config import Linkage


def cluster(
    documents: int,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    scores: NDArray[np.float64],
    linkage: Linkage,
) -> NDArray[np.int64]:
    """Return the canonical document of each document, int64 [documents]; a canonical's is itself.

    Documents are numbered in keep order. "canonical": the canonicals are the greedy maximal independent set of the
    link graph, and each other document joins the canonical it is linked to with the highest score (Blelloch, Fineman
    and Shun, "Greedy sequential maximal independent set and matching are parallel on average", 2012). "components":
    the canonical is the first document of the connected component.

    Args:
        documents: How many there are.
        left: int64, one end of each link.
        right: int64, the other.
        scores: float64, how alike the two are.
        linkage: Which of the two.
    """
    if linkage == "components":
        return _components(documents, left, right)
    ends = np.concatenate([left, right])
    others = np.concatenate([right, left])
    # One key sorts in a third of the time of two.
    order = np.argsort(ends << 32 | others)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=documents), dtype=np.int64)])
    return choose_canonicals(offsets, others[order], np.concatenate([scores, scores])[order])


def _components(documents: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give every document the smallest number it can reach: hook roots to smaller ones, then halve the paths."""
    root = np.arange(documents)
    while True:
        a, b = root[left], root[right]
        apart = a != b
        if not apart.any():
            return root
        np.minimum.at(root, np.maximum(a, b)[apart], np.minimum(a, b)[apart])
        while (root[root] != root).any():
            root = root[root]
