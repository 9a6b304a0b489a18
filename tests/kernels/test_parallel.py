"""Chunks of rows on threads: every row once, in any number of threads, in order, errors raised."""

from __future__ import annotations

import threading
import time
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.kernels.parallel import Pool, chunks

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 100
weights = st.lists(st.sampled_from([0, 1, 50, 33, 100, 500]), max_size=30)
any_threads = pytest.mark.parametrize("threads", [1, 2, 8])


@given(weights)
def test_chunks_are_about_as_heavy_as_asked(costs: list[int]) -> None:
    """Chunks cover all rows in order; one without its first row weighs at most what was asked; none is without need."""
    cut = chunks(np.array(costs, np.int64), MOST)
    assert list(range(len(costs))) == [row for rows in cut for row in rows]
    assert all(len(rows) for rows in cut)
    assert all(sum(costs[rows.start + 1 : rows.stop]) <= MOST for rows in cut)
    assert len(cut) <= sum(costs) // MOST + 2


@given(st.lists(st.integers(), max_size=40), st.sampled_from([None, 1, 2, 5]))
def test_answers_come_in_order(tasks: list[int], threads: int | None) -> None:
    """`map` gives the answer of every task, in the order of the tasks."""
    with Pool(threads) as pool:
        assert [task + 1 for task in tasks] == list(pool.map(lambda task: task + 1, tasks))


@any_threads
def test_what_was_started_is_done_at_the_end(threads: int) -> None:
    """At the end of the block all that was started has been done."""
    done: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.001)
        done.append(number)

    with Pool(threads) as pool:
        for number in range(20):
            pool.start(partial(work, number))
    assert list(range(20)) == sorted(done)


@any_threads
def test_first_error_in_order_is_raised(threads: int) -> None:
    """Of several tasks that fail, the first one's error comes, though a later one failed earlier."""

    def work(task: int) -> None:
        if task == 2:
            time.sleep(0.05)
        if task >= 2:
            raise ValueError(task)

    with pytest.raises(ValueError, match=r"^2$"), Pool(threads) as pool:
        list(pool.map(work, range(8)))


@any_threads
def test_errors_of_started_work_are_raised(threads: int) -> None:
    """An error of work that was started is raised by the end of the block."""

    def fail() -> None:
        raise ValueError("started")

    with pytest.raises(ValueError, match=r"^started$"), Pool(threads) as pool:
        pool.start(fail)


def test_an_error_in_the_block_stops_the_work() -> None:
    """When the block fails, what has not begun is dropped, and the block's error is the one that is raised."""
    begun: list[int] = []

    def work(task: int) -> None:
        begun.append(task)
        time.sleep(0.002)

    def consume() -> None:
        with Pool(2) as pool:
            for _ in pool.map(work, range(400)):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert len(begun) < 20


def test_one_thread_is_the_callers_own() -> None:
    """With one thread no pool is started."""
    with Pool(1) as pool:
        used = set(pool.map(lambda _task: threading.get_ident(), range(5)))
        pool.start(lambda: used.add(threading.get_ident()))
    assert {threading.get_ident()} == used


def test_more_threads_are_others() -> None:
    """With more threads the caller's own does no work."""
    with Pool(2) as pool:
        used = set(pool.map(lambda _task: threading.get_ident(), range(5)))
    assert threading.get_ident() not in used


def test_no_more_threads_than_asked() -> None:
    """At most so many tasks run at once, and two do when two may."""
    lock = threading.Lock()
    running = most = 0

    def work(_task: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    with Pool(2) as pool:
        list(pool.map(work, range(12)))
    assert most == 2


def test_work_ahead_is_bounded() -> None:
    """`map` takes no more tasks than a few beyond the answer that was asked for."""
    taken: list[int] = []

    def endless() -> Iterator[int]:
        for number in count():
            taken.append(number)
            yield number

    with Pool(2) as pool:
        answers = pool.map(abs, endless())
        assert [next(answers) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(taken) <= 5 + 3
