"""Candidates: the pairs that share a band, all of them unless a bucket is too large, and then the best."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dedup import Plan
from dedup.kernels.native import band_keys
from dedup.kernels.parallel import Pool
from dedup.matching import candidates
from dedup.matching.candidates import Candidates, all_pairs, pairs_by_bands
from dedup.scratch import Memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NO_LIMIT = 10**9

#: Few values, so that bands agree often. Collisions of keys that these tests could notice have odds below 2**-50.
signatures = hnp.arrays(np.uint32, st.tuples(st.integers(0, 12), st.just(16)), elements=st.integers(0, 2))
plans = st.integers(1, 8).flatmap(
    lambda rows: st.builds(Plan, st.just(0.5), st.just(16), st.integers(1, 16 // rows), st.just(rows))
)


def by_bands(
    values: NDArray[np.uint32],
    rows: NDArray[np.int64],
    plan: Plan,
    bucket_limit: int,
    advance: Callable[[int], None] = lambda _bands: None,
) -> Candidates:
    """Return the candidates, found on two threads."""
    bands = [Memory().column(str(band), np.uint64) for band in range(plan.bands)]
    for band, column in enumerate(bands):
        column.append(band_keys(values, band * plan.rows, plan.rows))
    with Pool(2) as pool:
        return pairs_by_bands(bands, rows, bucket_limit, pool, advance)


def pairs(found: Candidates) -> list[tuple[int, int]]:
    """Return candidates as tuples."""
    return list(zip(found.left.tolist(), found.right.tolist(), strict=True))


def buckets(values: np.ndarray[tuple[int, ...], np.dtype[np.uint32]], plan: Plan) -> list[list[int]]:
    """Return the places that agree in all slots of a band, for every band."""
    found: list[list[int]] = []
    for band in range(plan.bands):
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for place, signature in enumerate(values.tolist()):
            groups[tuple(signature[band * plan.rows : (band + 1) * plan.rows])].append(place)
        found += groups.values()
    return found


@given(signatures, plans, st.data())
def test_pairs_equal_brute_force(
    values: np.ndarray[tuple[int, ...], np.dtype[np.uint32]], plan: Plan, data: st.DataObject
) -> None:
    """Every pair of the asked rows that agrees in all slots of some band is found once, in ascending order."""
    rows = np.array(data.draw(st.permutations(range(len(values)))), np.int64)[: data.draw(st.integers(0, len(values)))]
    chosen = values[rows]
    expected = [
        (i, j)
        for i, j in combinations(range(len(rows)), 2)
        if any(
            (
                chosen[i, band * plan.rows : (band + 1) * plan.rows]
                == chosen[j, band * plan.rows : (band + 1) * plan.rows]
            ).all()
            for band in range(plan.bands)
        )
    ]
    found = by_bands(values, rows, plan, bucket_limit=NO_LIMIT)
    assert expected == pairs(found)
    assert (len(expected), 0, 0) == (len(found), found.capped, found.omitted)


@given(signatures, plans, st.integers(2, 13))
def test_limit_follows_its_docstring(
    values: np.ndarray[tuple[int, ...], np.dtype[np.uint32]], plan: Plan, limit: int
) -> None:
    """A text in a larger bucket gets limit // 4 pairs with texts before it, the first; what is left out is counted."""
    met: set[tuple[int, int]] = set()
    crowded: set[int] = set()
    capped = omitted = 0
    for bucket in buckets(values, plan):
        every = list(combinations(bucket, 2))
        hubs = set(bucket if len(bucket) <= limit else bucket[: max(1, limit // 4)])
        taken = [pair for pair in every if pair[0] in hubs]
        met.update(taken)
        capped += len(bucket) > limit
        omitted += len(every) - len(taken)
        crowded.update(bucket if len(bucket) > limit else [])
    expected = []
    before = Counter[int]()
    for left, right in sorted(met):
        before[right] += 1
        if right not in crowded or before[right] <= max(1, limit // 4):
            expected.append((left, right))
    omitted += len(met) - len(expected)
    found = by_bands(values, np.arange(len(values)), plan, bucket_limit=limit)
    assert expected == pairs(found)
    assert (capped, omitted) == (found.capped, found.omitted)
    assert sorted(crowded) == np.flatnonzero(found.crowded).tolist()


@pytest.mark.parametrize("limit", [2, 64, 400])
def test_work_of_a_bucket_is_linear(limit: int) -> None:
    """However many texts agree in everything, no bucket costs more than limit pairs a text."""
    count = 1500
    found = by_bands(np.zeros((count, 16), np.uint32), np.arange(count), Plan(0.5, 16, 4, 4), bucket_limit=limit)
    hubs = max(1, limit // 4)
    assert hubs * count - hubs * (hubs + 1) // 2 == len(found)
    assert found.capped == 4
    assert 4 * (count * (count - 1) // 2 - len(found)) == found.omitted


@given(signatures, plans)
def test_repeats_that_do_not_fit_are_dropped_early(
    values: np.ndarray[tuple[int, ...], np.dtype[np.uint32]], plan: Plan
) -> None:
    """How many pairs may wait to be freed of repeats changes nothing."""
    rows = np.arange(len(values))
    expected = pairs(by_bands(values, rows, plan, bucket_limit=NO_LIMIT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "_PENDING_LIMIT", 3)
        assert expected == pairs(by_bands(values, rows, plan, bucket_limit=NO_LIMIT))


@pytest.mark.parametrize("count", [0, 1])
def test_no_pair_of_fewer_than_two(count: int) -> None:
    """Without two texts there is no pair."""
    found = by_bands(np.zeros((count, 16), np.uint32), np.arange(count), Plan(0.5, 16, 4, 4), bucket_limit=2)
    assert [] == pairs(found) == pairs(all_pairs(count))
    assert (found.capped, found.omitted) == (0, 0)


def test_two_texts() -> None:
    """Two texts that agree in one band are one pair; in none, no pair."""
    values = np.arange(32, dtype=np.uint32).reshape(2, 16)
    plan = Plan(0.5, 16, 4, 4)
    assert pairs(by_bands(values, np.arange(2), plan, bucket_limit=2)) == []
    values[1, 12:] = values[0, 12:]
    assert pairs(by_bands(values, np.arange(2), plan, bucket_limit=2)) == [(0, 1)]
    # Slots behind the last band stay unused.
    assert pairs(by_bands(values, np.arange(2), Plan(0.5, 16, 3, 4), bucket_limit=2)) == []


def test_pairs_are_places_of_the_rows() -> None:
    """Pairs count in places of `rows`, not in signatures."""
    values = np.arange(4 * 16, dtype=np.uint32).reshape(4, 16)
    values[3] = values[1]
    rows = np.array([3, 0, 1], np.int64)
    assert pairs(by_bands(values, rows, Plan(0.5, 16, 4, 4), bucket_limit=2)) == [(0, 2)]


@given(st.integers(0, 40))
def test_all_pairs_are_all(count: int) -> None:
    """Every pair comes once, ascending."""
    found = all_pairs(count)
    assert list(combinations(range(count), 2)) == pairs(found)
    assert {np.dtype(np.int64)} == {found.left.dtype, found.right.dtype}


def test_every_band_is_told() -> None:
    """Progress is told 1 after each band."""
    told: list[int] = []
    by_bands(np.zeros((3, 16), np.uint32), np.arange(3), Plan(0.5, 16, 5, 3), bucket_limit=2, advance=told.append)
    assert told == [1] * 5
