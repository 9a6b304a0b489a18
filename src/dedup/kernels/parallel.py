"""Runs chunks of work on a pool of threads; the kernels release the GIL."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from numpy.typing import NDArray

Task = TypeVar("Task")
Answer = TypeVar("Answer")


def chunks(weights: NDArray[np.integer[Any]], most: int) -> list[range]:
    """Cut rows into ranges that each weigh about `most`, or are one row; of no row, none."""
    if len(weights) == 1:
        return [range(1)]
    ends = np.cumsum(weights, dtype=np.int64)
    marks = np.arange(most, int(ends[-1]) if len(ends) else 0, most)
    bounds = np.unique(np.concatenate([[0], np.searchsorted(ends, marks), [len(weights)]])).tolist()
    return [range(start, stop) for start, stop in pairwise(bounds)]


def processors() -> int:
    """Return how many processors this process may use: in a container fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """Worker threads for one run; a context manager, which waits for everything that was started.

    One thread means that all work is done by the caller, as it comes.

    Args:
        threads: How many; None for one per processor.
    """

    def __init__(self, threads: int | None) -> None:
        self._threads = threads or processors()
        self._executor: ThreadPoolExecutor | None = None
        self._started: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        """Start the threads."""
        if self._threads > 1:
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="dedup")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what was started, or drop what has not begun when the block failed."""
        try:
            while self._started and kind is None:
                self._started.popleft().result()
        finally:
            if self._executor:
                self._executor.shutdown(cancel_futures=True)

    def map(self, work: Callable[[Task], Answer], tasks: Iterable[Task]) -> Iterator[Answer]:
        """Yield `work(task)` for each task, in order; a few are worked on ahead of the one that is asked for."""
        if self._executor is None:
            yield from map(work, tasks)
            return
        ahead: deque[Future[Answer]] = deque()
        for task in tasks:
            ahead.append(self._executor.submit(work, task))
            if len(ahead) > self._threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    def start(self, work: Callable[[], None]) -> None:
        """Have `work()` done by the end of the block; waits while too much has been started. Its error is raised."""
        if self._executor is None:
            work()
            return
        self._started.append(self._executor.submit(work))
        if len(self._started) > self._threads:
            self._started.popleft().result()
