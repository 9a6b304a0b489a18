"""What a run is expected to take: how the figures follow from the constants, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Config, InvalidArgumentError
from dedup.engines.cost import Cost, estimate, measured
from dedup.engines.local import STAGES

MILLION = 1_000_000


def figures(cost: Cost) -> tuple[float, ...]:
    """Return everything that a run takes."""
    return cost.seconds, cost.memory, cost.disk, cost.output


def test_every_stage_has_its_costs() -> None:
    """The local engine's stages are those that a run tells of, and the whole is made of them."""
    found = estimate(MILLION, threads=2)
    assert [stage.name for stage in found.stages] == list(STAGES)
    assert found.seconds == sum(stage.seconds for stage in found.stages)
    assert found.memory == max(stage.memory for stage in found.stages)
    assert found.disk == max(stage.disk for stage in found.stages)
    assert min(figures(found)) > 0


@given(
    st.integers(1, 10 * MILLION),
    st.integers(1, 5000),
    st.floats(0, 1),
    st.sampled_from(["documents", "words", "duplicates"]),
)
def test_more_never_costs_less(documents: int, words: int, duplicates: float, more: str) -> None:
    """No figure falls when there are more documents, more words or more copies."""
    given: dict[str, Any] = {"documents": documents, "words": words, "duplicates": duplicates}
    grown = {**given, more: min(1.0, 2 * duplicates) if more == "duplicates" else 2 * given[more]}
    for less, most in zip(figures(estimate(**given, threads=2)), figures(estimate(**grown, threads=2)), strict=True):
        assert less <= most


def test_threads_and_bands() -> None:
    """More threads take less time, by no more than their number; more bands and one large story take more."""
    one, four = estimate(MILLION, threads=1), estimate(MILLION, threads=4)
    assert one.seconds / 4 <= four.seconds < one.seconds
    assert (one.memory, one.disk, one.output) == (four.memory, four.disk, four.output)
    alone = estimate(MILLION, threads=1, unrelated=0)
    assert alone.seconds < one.seconds
    # Fewer bands may bring more unrelated pairs, so these are left out.
    assert estimate(MILLION, threads=1, unrelated=0, config=Config(recall=0.9)).seconds < alone.seconds
    story = [estimate(MILLION, threads=1, largest=largest).seconds for largest in (20_000, 200_000)]
    assert story[0] < story[1]


def test_constants_say_where_they_are_from() -> None:
    """The file of constants names the machine and the runs that it comes from."""
    assert {"cpu", "processors", "date", "commit"} <= set(measured()["machine"])
    assert all(run["documents"] > 0 for run in measured()["runs"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"documents": 0}, "documents must be an integer of at least 1. Got 0."),
        ({"documents": 10, "words": 0}, "words must be"),
        ({"documents": 10, "duplicates": 1.5}, r"duplicates must be in \[0.0, 1.0\]"),
        ({"documents": 10, "engine": "cloud"}, "engine must be one of 'local'"),
        ({"documents": 10, "threads": 0}, "threads must be"),
        ({"documents": 10, "largest": 4}, r"largest must be an integer in \[0, 3\]"),
    ],
)
def test_refuses(given: dict[str, Any], message: str) -> None:
    """A value outside what is allowed is named."""
    with pytest.raises(InvalidArgumentError, match=message):
        estimate(**given)
