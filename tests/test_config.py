"""Settings: frozen, keyword-only, checked when made."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields, replace
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Config, InvalidArgumentError, KeepPolicy
from dedup.config import KEEP_RULES, Settings, SketchConfig, configure
from strategies import configs

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from dedup import Article

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
    ("min_passage", 0, "an integer of at least 1"),
    ("recall", 0.0, "in (0.0, 1.0)"),
    ("recall", 1.0, "in (0.0, 1.0)"),
    ("linkage", "single", "one of 'canonical', 'components'"),
    ("linkage", None, "one of 'canonical', 'components'"),
    ("clean", True, "one of 'auto', 'pages', 'off'"),
    ("clean", ["off"], "one of 'auto', 'pages', 'off'"),
    ("exhaustive", -1, "an integer of at least 0"),
    ("bucket_limit", 1, "an integer of at least 2"),
    ("keep", None, "a KeepPolicy"),
    ("keep", "Reuters", "a KeepPolicy"),
    ("large_cluster", 0, "an integer of at least 1"),
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
    """`Settings`, which types the keywords of `deduplicate`, names every setting with its type; keep may be a key."""
    hints = get_type_hints(Settings)
    kinds = get_type_hints(Config)
    assert list(hints) == [field.name for field in fields(Config)]
    assert {name: kinds[name] for name in hints} == hints | {"keep": KeepPolicy}
    assert not Settings.__required_keys__


def test_numbers_of_numpy_become_pythons() -> None:
    """NumPy's integers and 32-bit floats are kept as the numbers that they stand for."""
    config = Config(threshold=np.float32(0.6), num_slots=np.int64(64))  # type: ignore[arg-type]
    assert (config.threshold, config.containment_floor, config.num_slots) == (0.6, 0.65, 64)
    assert type(config.num_slots) is int


def by_length(article: Article) -> int:
    """Prefer short texts, by tens of characters."""
    return len(article.text) // 10


def by_source(article: Article) -> tuple[bool, str]:
    """Prefer known sources, by name."""
    return article.source is None, article.source or ""


def policies() -> SearchStrategy[KeepPolicy]:
    """Return keep policies of every kind, for the sources of `strategies`."""
    names = ["reuters", "PA  Media", "Harbour Gazette", "Nobody"]
    return st.builds(
        KeepPolicy,
        order=st.lists(st.sampled_from(KEEP_RULES), unique=True),
        sources=st.lists(st.sampled_from(names), unique=True),
        key=st.sampled_from([None, None, by_length, by_source]),
        min_keep=st.sampled_from([1, 1, 2, 3, 10**30]),
        alarm_share=st.sampled_from([None, 0.0, 0.5, 1.0]),
        alarm_documents=st.integers(1, 4),
    )


RULE = "one of 'sources', 'wire', 'published', 'longest'"
NAMES = "a sequence of str"
BAD_POLICY = [
    ("order", "wire", NAMES),
    ("order", {"wire"}, NAMES),
    ("order", None, NAMES),
    ("order", ("wire", 3), NAMES),
    ("order", ("wire", "longest", "wire"), "a sequence of different names"),
    ("sources", "Reuters", NAMES),
    ("sources", b"Reuters", NAMES),
    ("sources", [None], NAMES),
    ("sources", ("AFP", " afp"), "a sequence of different names"),
    ("sources", [""], "a sequence of names that are not blank"),
    ("sources", ("AFP", " \t"), "a sequence of names that are not blank"),
    ("key", "published", "a function of an Article or None"),
    ("min_keep", 0, "an integer of at least 1"),
    ("min_keep", True, "an integer of at least 1"),
    ("alarm_share", 1.1, "in [0.0, 1.0]"),
    ("alarm_share", float("nan"), "in [0.0, 1.0]"),
    ("alarm_documents", 0, "an integer of at least 1"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), BAD_POLICY)
def test_bad_value_of_a_policy_is_named(name: str, value: object, allowed: str) -> None:
    """A keep policy checks itself: name, what is allowed, what came."""
    with pytest.raises(InvalidArgumentError) as caught:
        KeepPolicy(**{name: value})  # type: ignore[arg-type]
    assert f"{name} must be {allowed}. Got {value!r}." == str(caught.value)
    assert {field.name for field in fields(KeepPolicy)} == {name for name, _, _ in BAD_POLICY}


def test_unknown_rule_is_named() -> None:
    """A rule that is not known is named, and the known ones with it."""
    with pytest.raises(InvalidArgumentError) as caught:
        KeepPolicy(order=("wire", "newest"))  # type: ignore[arg-type]
    assert f"order must be {RULE}. Got 'newest'." == str(caught.value)


def test_default_policy_is_that_of_the_decision() -> None:
    """Wire, earliest, longest; one of each cluster; an alarm over four fifths of a source of twenty documents."""
    policy = Config().keep
    assert policy == KeepPolicy(order=["sources", "wire", "published", "longest"])  # type: ignore[arg-type]
    assert (policy.sources, policy.key, policy.min_keep) == ((), None, 1)
    assert (policy.alarm_share, policy.alarm_documents) == (0.8, 20)


@given(policies(), policies())
def test_equal_policies_are_equal(one: KeepPolicy, other: KeepPolicy) -> None:
    """Policies compare, hash and pickle by value, frozen, with tuples for the sequences that came."""
    values = {field.name: getattr(one, field.name) for field in fields(one)}
    assert one == KeepPolicy(**values) == pickle.loads(pickle.dumps(one))
    assert hash(one) == hash(KeepPolicy(**values))
    assert (one == other) == (values == {field.name: getattr(other, field.name) for field in fields(other)})
    assert type(one.order) is type(one.sources) is tuple
    with pytest.raises(FrozenInstanceError):
        one.min_keep = 2  # type: ignore[misc]


def test_a_key_stands_for_its_policy() -> None:
    """A function in place of a policy is the key of the default one; what the caller passed stays as it was."""
    settings = Settings(keep=by_length)
    assert configure(settings).keep == KeepPolicy(key=by_length)
    assert settings == {"keep": by_length}
    assert configure({"keep": KeepPolicy(min_keep=2)}).keep == KeepPolicy(min_keep=2)


@pytest.mark.parametrize("keep", [None, 3, "published", KeepPolicy])
def test_what_is_neither_policy_nor_key_is_named(keep: object) -> None:
    """The error names both kinds; the class of the policies, which can be called, is neither."""
    with pytest.raises(InvalidArgumentError) as caught:
        configure({"keep": keep})  # type: ignore[typeddict-item]
    assert f"keep must be a KeepPolicy or a function of an Article. Got {keep!r}." == str(caught.value)
