"""Settings: frozen, keyword-only, checked when made."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Config, InvalidArgumentError
from dedup.config import Settings, SketchConfig
from strategies import configs

FRACTION = "in (0.0, 1.0]"
POWER = "a power of two in [16, 4096]"


def keywords(config: Config) -> dict[str, Any]:
    """Return settings as the keywords of `deduplicate`."""
    return {field.name: getattr(config, field.name) for field in fields(config)}


BAD = [
    ("shingle_size", 0, "an integer in [1, 64]"),
    ("shingle_size", 65, "an integer in [1, 64]"),
    ("shingle_size", 3.0, "an integer in [1, 64]"),
    ("num_slots", 8, POWER),
    ("num_slots", 8192, POWER),
    ("num_slots", 100, POWER),
    ("num_slots", 128.0, POWER),
    ("num_slots", True, POWER),
    ("seed", -1, "an integer in [0, 18446744073709551615]"),
    ("seed", 2**64, "an integer in [0, 18446744073709551615]"),
    ("threshold", 0, FRACTION),
    ("threshold", 1.01, FRACTION),
    ("threshold", float("nan"), FRACTION),
    ("threshold", "high", FRACTION),
    ("threshold", None, FRACTION),
    ("containment", 0.0, FRACTION),
    ("containment", 2, FRACTION),
    ("overlap", -0.5, FRACTION),
    ("overlap", float("inf"), FRACTION),
    ("min_excerpt", 0, "an integer of at least 1"),
    ("recall", 0.0, "in (0.0, 1.0)"),
    ("recall", 1.0, "in (0.0, 1.0)"),
    ("linkage", "single", "one of 'canonical', 'components'"),
    ("linkage", None, "one of 'canonical', 'components'"),
    ("clean", True, "one of 'auto', 'off'"),
    ("clean", ["off"], "one of 'auto', 'off'"),
    ("exhaustive", -1, "an integer of at least 0"),
    ("bucket_limit", 1, "an integer of at least 2"),
    ("threads", 0, "an integer in [1, 1024]"),
    ("threads", 1025, "an integer in [1, 1024]"),
    ("threads", False, "an integer in [1, 1024]"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), BAD)
def test_bad_value_is_named(name: str, value: object, allowed: str) -> None:
    """The error says the name, what is allowed and what came."""
    with pytest.raises(InvalidArgumentError) as caught:
        Config(**{name: value})  # type: ignore[arg-type]
    assert f"{name} must be {allowed}. Got {value!r}." == str(caught.value)


def test_every_setting_is_checked() -> None:
    """The list above tries every setting."""
    assert {field.name for field in fields(Config)} == {name for name, _, _ in BAD}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shingle_size", 1),
        ("shingle_size", 64),
        ("num_slots", 16),
        ("num_slots", np.int64(4096)),
        ("seed", 2**64 - 1),
        ("threshold", 1),
        ("threshold", 1e-9),
        ("threshold", np.float32(0.5)),
        ("containment", None),
        ("containment", 1.0),
        ("recall", 0.999999),
        ("exhaustive", 0),
        ("bucket_limit", 2),
        ("threads", None),
        ("threads", 1024),
    ],
)
def test_limits_are_allowed(name: str, value: object) -> None:
    """Every end of a range is part of it, and numbers of NumPy are numbers."""
    assert value == getattr(Config(**{name: value}), name)  # type: ignore[arg-type]


def test_settings_are_frozen_and_named() -> None:
    """Settings cannot be changed or given by position; a change makes new ones that are checked again."""
    config = Config()
    with pytest.raises(FrozenInstanceError):
        config.threshold = 0.9  # type: ignore[misc]
    with pytest.raises(TypeError):
        Config(3)  # type: ignore[call-arg]
    with pytest.raises(InvalidArgumentError):
        replace(config, threshold=2.0)
    with pytest.raises(InvalidArgumentError):
        SketchConfig(num_slots=3)


def test_defaults_are_those_of_the_decisions() -> None:
    """Threshold 0.5, containment 0.55 from 30 shingles on, 3-word shingles, recall 0.99."""
    config = Config()
    assert (config.threshold, config.containment_floor, config.shingle_size, config.recall) == (0.5, 0.55, 3, 0.99)
    assert config.min_excerpt == 30
    assert (config.num_slots, config.seed, config.linkage, config.clean) == (128, 0, "canonical", "auto")


@given(st.floats(0.0, 1.0, exclude_min=True), st.one_of(st.none(), st.floats(0.0, 1.0, exclude_min=True)))
def test_containment_follows_the_threshold(threshold: float, containment: float | None) -> None:
    """The containment in force is the one given, else the threshold and a twentieth, at most 1."""
    floor = Config(threshold=threshold, containment=containment).containment_floor
    if containment is None:
        assert floor == pytest.approx(min(1.0, threshold + 0.05), abs=1e-8)
        assert floor <= 1.0
    else:
        assert floor == containment


@pytest.mark.parametrize(("threshold", "floor"), [(0.05, 0.1), (0.3, 0.35), (0.5, 0.55), (0.7, 0.75), (0.98, 1.0)])
def test_a_twentieth_more_is_what_a_reader_expects(threshold: float, floor: float) -> None:
    """The limit is part of what it allows: at threshold 0.3, seven of twenty shingles are a containment of 0.35."""
    assert floor == Config(threshold=threshold).containment_floor


@given(configs(), configs())
def test_equal_settings_are_equal(one: Config, other: Config) -> None:
    """Settings compare and hash by value."""
    assert one == Config(**keywords(one))
    assert hash(one) == hash(Config(**keywords(one)))
    assert (one == other) == (keywords(one) == keywords(other))


def test_keywords_of_the_functions_are_the_settings() -> None:
    """`Settings`, which types the keywords of `deduplicate`, names every setting with its type."""
    assert get_type_hints(Settings) == {
        name: kind for name, kind in get_type_hints(Config).items() if name in {field.name for field in fields(Config)}
    }
    assert not Settings.__required_keys__


def test_numbers_of_numpy_become_pythons() -> None:
    """NumPy's integers and 32-bit floats are kept as the numbers that they stand for."""
    config = Config(threshold=np.float32(0.6), num_slots=np.int64(64))  # type: ignore[arg-type]
    assert (config.threshold, config.containment_floor, config.num_slots) == (0.6, 0.65, 64)
    assert type(config.num_slots) is int
