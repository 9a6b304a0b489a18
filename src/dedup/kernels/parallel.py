"""Runs a kernel over ranges of rows on a pool of threads; the kernels release the GIL."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

#: Weight (bytes, or steps of about a nanosecond) of one range: long enough to be worth a thread's while.
RANGE_WEIGHT = 500_000


def range_bounds(weights: NDArray[np.integer[Any]], most: int) -> list[int]:
    """Return where to cut rows so that each range weighs about `most`, or is one row: 0, ..., number of rows."""
    ends = np.cumsum(weights, dtype=np.int64)
    marks = np.arange(most, int(ends[-1]) if len(ends) else 0, most)
    bounds: list[int] = np.unique(np.concatenate([[0], np.searchsorted(ends, marks), [len(weights)]])).tolist()
    return bounds


def for_ranges(
    work: Callable[[int, int], None],
    weights: NDArray[np.integer[Any]],
    threads: int | None,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Call `work(start, stop)` for ranges that cover all rows, each of about the same weight.

    Args:
        work: Must write only what belongs to its range; its first exception, in row order, is raised here.
        weights: [n], what each row costs.
        threads: How many run at once; None for one per processor.
        advance: Told how many rows are done after each range, in row order.
    """
    ranges = list(pairwise(range_bounds(weights, RANGE_WEIGHT)))
    workers = min(threads or os.cpu_count() or 1, len(ranges))
    if workers <= 1:
        for start, stop in ranges:
            work(start, stop)
            if advance:
                advance(stop - start)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="dedup") as pool:
        futures = [pool.submit(work, start, stop) for start, stop in ranges]
        try:
            for future, (start, stop) in zip(futures, ranges, strict=True):
                future.result()
                if advance:
                    advance(stop - start)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
