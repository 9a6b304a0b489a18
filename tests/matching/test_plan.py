"""The plan: it reaches the recall it was asked for, at the least expected cost."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dedup import InvalidArgumentError, Plan, plan
from dedup.matching.plan import DOCUMENTS

SLOTS = (16, 64, 128)


@given(
    st.floats(0.001, 1.0),
    st.floats(0.001, 0.999),
    st.sampled_from(SLOTS),
)
def test_plan_equals_brute_force(threshold: float, recall: float, num_slots: int) -> None:
    """The plan fits into the signature, reaches the recall, and no bands and rows that do cost fewer seconds."""
    fitting = [
        Plan(threshold, num_slots, bands, rows)
        for rows in range(1, num_slots + 1)
        for bands in range(1, num_slots // rows + 1)
    ]
    reaching = [choice for choice in fitting if choice.recall >= recall]
    assume(reaching)
    best = plan(threshold, recall, num_slots=num_slots)
    assert best.bands * best.rows <= num_slots
    assert (threshold, num_slots) == (best.threshold, best.num_slots)
    # The last bit of a power may fall either way.
    assert best.recall >= recall - 1e-12
    assert best.seconds(DOCUMENTS) <= min(choice.seconds(DOCUMENTS) for choice in reaching) * (1 + 1e-12)


@given(st.floats(0.001, 0.2), st.floats(0.5, 0.999), st.sampled_from(SLOTS))
def test_plan_fails_only_where_no_plan_reaches_the_recall(threshold: float, recall: float, num_slots: int) -> None:
    """One row per band finds most, so the recall is out of reach exactly when all slots as bands do not reach it."""
    assume(abs(Plan(threshold, num_slots, num_slots, 1).recall - recall) > 1e-9)
    if Plan(threshold, num_slots, num_slots, 1).recall >= recall:
        assert plan(threshold, recall, num_slots=num_slots).bands > 0
    else:
        with pytest.raises(InvalidArgumentError, match=r"^recall must be at most 0\.\d+ for threshold .* Got"):
            plan(threshold, recall, num_slots=num_slots)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.integers(1, 64), st.integers(1, 16))
def test_probability_never_falls(one: float, other: float, bands: int, rows: int) -> None:
    """The S-curve goes from 0 to 1 and never down."""
    chosen = Plan(0.5, 1024, bands, rows)
    low, high = sorted([one, other])
    assert 0.0 == chosen.probability(0.0) <= chosen.probability(low) <= chosen.probability(high)
    assert chosen.probability(high) <= chosen.probability(1.0) == 1.0


@pytest.mark.parametrize(
    ("jaccard", "bands", "rows"), [(0.5, 8, 2), (0.5, 35, 3), (0.3, 16, 4), (0.8, 5, 10), (0.9, 3, 20)]
)
def test_probability_is_what_a_simulation_finds(jaccard: float, bands: int, rows: int) -> None:
    """Signatures whose slots agree with probability J share a band as often as the formula says, within 4.5 errors."""
    chance = random.Random(11)
    trials = 4000
    hits = sum(any(all(chance.random() < jaccard for _ in range(rows)) for _ in range(bands)) for _ in range(trials))
    expected = Plan(0.5, 1024, bands, rows).probability(jaccard)
    error = (expected * (1 - expected) / trials) ** 0.5
    assert abs(hits / trials - expected) <= 4.5 * error + 1 / trials


def test_threshold_one_takes_one_band() -> None:
    """Equal shingle sets agree in every slot, so one band finds them surely."""
    chosen = plan(1.0, 0.999999)
    assert (chosen.bands, chosen.recall) == (1, 1.0)


@pytest.mark.seconds
@pytest.mark.parametrize("num_slots", [16, 1024, 2048, 4096])
@pytest.mark.parametrize("threshold", [0.003, 0.05, 0.5, 0.9, 1.0])
def test_every_size_of_signature_has_a_plan(threshold: float, num_slots: int) -> None:
    """Long bands have odds too small for a float; they are no plan and no error."""
    recall = min(0.99, 0.9 * Plan(threshold, num_slots, num_slots, 1).recall)
    assert plan(threshold, recall, num_slots=num_slots).recall >= recall


def test_costs_are_zero_or_small_for_nothing() -> None:
    """One document has no pair: its cost is that of its bands alone."""
    chosen = Plan(0.5, 128, 35, 3)
    assert chosen.false_candidates(1) == 0.0
    assert chosen.seconds(1) < 1e-5
    assert chosen.false_candidates(2) <= 1.0
    assert chosen.bytes_per_document == 128 * 4 + 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 0.0}, "threshold must be in (0.0, 1.0]. Got 0.0."),
        ({"threshold": 1.5}, "threshold must be in (0.0, 1.0]. Got 1.5."),
        ({"threshold": "0.5"}, "threshold must be in (0.0, 1.0]. Got '0.5'."),
        ({"threshold": float("nan")}, "threshold must be in (0.0, 1.0]. Got nan."),
        ({"threshold": True}, "threshold must be in (0.0, 1.0]. Got True."),
        ({"recall": 1.0}, "recall must be in (0.0, 1.0). Got 1.0."),
        ({"recall": 0.0}, "recall must be in (0.0, 1.0). Got 0.0."),
        ({"num_slots": 100}, "num_slots must be a power of two in [16, 4096]. Got 100."),
        ({"num_slots": 8192}, "num_slots must be a power of two in [16, 4096]. Got 8192."),
        (
            {"threshold": 0.01, "num_slots": 16},
            "recall must be at most 0.1485 for threshold 0.01 and 16 slots. Got 0.99.",
        ),
    ],
)
def test_bad_argument_is_named(arguments: dict[str, object], message: str) -> None:
    """The error says the name, what is allowed and what came."""
    with pytest.raises(InvalidArgumentError) as caught:
        plan(**{"threshold": 0.5, **arguments})  # type: ignore[arg-type]
    assert message == str(caught.value)


def test_recall_that_the_message_allows_is_allowed() -> None:
    """The message about a recall out of reach is rounded so that what it names can be had."""
    with pytest.raises(InvalidArgumentError) as caught:
        plan(0.033, 0.99)
    allowed = float(str(caught.value).split("at most ")[1].split(" ")[0])
    assert plan(0.033, allowed).recall >= allowed


@pytest.mark.parametrize("jaccard", [-0.1, 1.1, "1"])
def test_probability_takes_a_similarity(jaccard: object) -> None:
    """A similarity outside [0, 1] is refused by name."""
    with pytest.raises(InvalidArgumentError, match=r"^jaccard must be in \[0\.0, 1\.0\]\. Got "):
        Plan(0.5, 128, 35, 3).probability(jaccard)  # type: ignore[arg-type]
