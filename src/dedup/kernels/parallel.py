"""Runs a kernel over ranges of rows on a pool of threads; the kernels release the GIL."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

#: Weight (bytes, or steps of about a nanosecond) of one range: long enough to be worth a thread's while.
RANGE_WEIGHT = 2_000_000


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
    ends = np.cumsum(weights, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    marks = np.arange(RANGE_WEIGHT, total, RANGE_WEIGHT)
    bounds = np.unique(np.concatenate([[0], np.searchsorted(ends, marks), [len(weights)]])).tolist()
    ranges = list(zip(bounds[:-1], bounds[1:], strict=True))
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
