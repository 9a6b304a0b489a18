"""Ranges of rows on threads: every row once, in any number of threads, errors in row order."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.kernels import parallel
from dedup.kernels.parallel import RANGE_WEIGHT, for_ranges

weights = st.lists(st.sampled_from([0, 1, 50, RANGE_WEIGHT // 3, RANGE_WEIGHT, 5 * RANGE_WEIGHT]), max_size=30)


@given(weights, st.sampled_from([None, 1, 2, 5]))
def test_every_row_is_worked_once(costs: list[int], threads: int | None) -> None:
    """The ranges cover all rows without overlap, and progress adds up to their number."""
    done = np.zeros(len(costs), np.int64)
    told: list[int] = []

    def work(start: int, stop: int) -> None:
        assert start < stop
        done[start:stop] += 1

    for_ranges(work, np.array(costs, np.int64), threads, told.append)
    assert [1] * len(costs) == done.tolist()
    assert len(costs) == sum(told)


@given(weights)
def test_ranges_are_about_as_heavy_as_asked(costs: list[int]) -> None:
    """A range without its first row weighs at most one range weight; there are no more ranges than needed."""
    ranges: list[tuple[int, int]] = []
    for_ranges(lambda start, stop: ranges.append((start, stop)), np.array(costs, np.int64), 1)
    assert all(sum(costs[start + 1 : stop]) <= RANGE_WEIGHT for start, stop in ranges)
    assert len(ranges) <= sum(costs) // RANGE_WEIGHT + 2


def test_no_row_no_work() -> None:
    """Without rows nothing is called."""

    def work(start: int, stop: int) -> None:
        raise AssertionError((start, stop))

    for_ranges(work, np.empty(0, np.int64), 2)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_first_error_in_row_order_is_raised(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    """Of several ranges that fail, the first one's error comes, though a later one failed earlier."""
    monkeypatch.setattr(parallel, "RANGE_WEIGHT", 1)

    def work(start: int, _stop: int) -> None:
        if start == 2:
            time.sleep(0.05)
        if start >= 2:
            raise ValueError(start)

    with pytest.raises(ValueError, match=r"^2$"):
        for_ranges(work, np.ones(8, np.int64), threads)


def test_error_of_progress_stops_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the caller's progress function reaches the caller, and waiting ranges are not begun."""
    monkeypatch.setattr(parallel, "RANGE_WEIGHT", 1)
    begun: list[int] = []

    def work(start: int, _stop: int) -> None:
        begun.append(start)
        time.sleep(0.002)

    def stop(_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        for_ranges(work, np.ones(400, np.int64), 2, stop)
    assert len(begun) < 200


def test_progress_comes_from_the_thread_that_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work runs on a pool, progress in the caller's thread and in row order."""
    monkeypatch.setattr(parallel, "RANGE_WEIGHT", 10)
    workers: set[int] = set()
    told: list[tuple[int, int]] = []

    def work(start: int, _stop: int) -> None:
        time.sleep(0.01 if start == 0 else 0.0)
        workers.add(threading.get_ident())

    costs = np.array([10, 1, 9, 10, 3, 3, 4], np.int64)
    for_ranges(work, costs, 2, lambda rows: told.append((threading.get_ident(), rows)))
    assert threading.get_ident() not in workers
    assert {threading.get_ident()} == {thread for thread, _ in told}
    assert sum(rows for _, rows in told) == 7
    assert len(told) > 1


def test_one_thread_is_the_callers_own() -> None:
    """With one thread no pool is started."""
    used: list[int] = []
    for_ranges(lambda _start, _stop: used.append(threading.get_ident()), np.full(5, RANGE_WEIGHT), 1)
    assert {threading.get_ident()} == set(used)


def test_no_more_threads_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many ranges run at once, and two do when two may."""
    monkeypatch.setattr(parallel, "RANGE_WEIGHT", 1)
    lock = threading.Lock()
    running = most = 0

    def work(_start: int, _stop: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    for_ranges(work, np.ones(12, np.int64), 2)
    assert most == 2
