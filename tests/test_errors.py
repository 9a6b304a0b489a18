"""Errors: one base for all, and one form for all bad arguments."""

from __future__ import annotations

import inspect
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import DedupError, InvalidArgumentError, _validate, errors

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if not issubclass(kind, Warning)]
#: Name, what is allowed, what came.
FORM = re.compile(r"^threshold must be (?P<allowed>.+?)\. Got (?P<came>.+)\.$", re.DOTALL)

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.integers()),
    st.complex_numbers(),
)


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_one_of_ours(kind: type[Exception]) -> None:
    """One `except DedupError` catches each, and each says in its docstring when it comes."""
    assert issubclass(kind, DedupError)
    assert kind.__doc__


def test_errors_are_also_what_python_has_for_them() -> None:
    """A bad argument is a ValueError, an absent package an ImportError, bad input is input."""
    assert issubclass(InvalidArgumentError, ValueError)
    assert issubclass(errors.SchemeMismatch, ValueError)
    assert issubclass(errors.MissingExtraError, ImportError)
    assert issubclass(errors.NotCompiledError, ImportError)
    assert issubclass(errors.DuplicateIdError, errors.InputError)
    assert issubclass(errors.InvalidUtf8Error, errors.InputError)


@given(anything, st.booleans(), st.booleans())
def test_fraction(value: object, zero: bool, one: bool) -> None:
    """A real number between 0 and 1 comes back as a float; anything else is refused by name."""
    good = isinstance(value, int | float) and not isinstance(value, bool)
    good = good and ((0 < value < 1) or (zero and value == 0) or (one and value == 1))  # type: ignore[operator]
    if good:
        assert value == _validate.fraction("threshold", value, zero=zero, one=one)
        return
    with pytest.raises(InvalidArgumentError) as caught:
        _validate.fraction("threshold", value, zero=zero, one=one)
    match = FORM.match(str(caught.value))
    assert match
    assert f"in {'[' if zero else '('}0.0, 1.0{']' if one else ')'}" == match["allowed"]


@given(anything, st.integers(-5, 5), st.one_of(st.none(), st.integers(5, 9)))
def test_integer(value: object, least: int, most: int | None) -> None:
    """A whole number in the range comes back; a bool is none; anything else is refused by name."""
    good = isinstance(value, int) and not isinstance(value, bool)
    if good and least <= value <= (math.inf if most is None else most):  # type: ignore[operator]
        assert value == _validate.integer("threshold", value, least=least, most=most)
        return
    with pytest.raises(InvalidArgumentError) as caught:
        _validate.integer("threshold", value, least=least, most=most)
    assert FORM.match(str(caught.value))


@given(st.one_of(anything, st.integers(0, 13).map(lambda power: 2**power)))
def test_power_of_two(value: object) -> None:
    """The powers of two in the range come back and nothing else."""
    powers = [16, 32, 64, 128, 256]
    if value in powers and type(value) is int:
        assert value == _validate.power_of_two("threshold", value, least=16, most=256)
        return
    with pytest.raises(InvalidArgumentError) as caught:
        _validate.power_of_two("threshold", value, least=16, most=256)
    assert FORM.match(str(caught.value))


@given(anything)
def test_choice_and_text(value: object) -> None:
    """A choice is one of those allowed, a text is a str; anything else is refused by name."""
    with pytest.raises(InvalidArgumentError) as caught:
        _validate.choice("threshold", value, ("one", "two"))
    assert FORM.match(str(caught.value))
    assert _validate.choice("threshold", "one", ("one", "two")) == "one"
    if isinstance(value, str):
        assert value == _validate.text("threshold", value)
    else:
        with pytest.raises(InvalidArgumentError) as caught:
            _validate.text("threshold", value)
        assert FORM.match(str(caught.value))


def test_long_value_is_cut() -> None:
    """A message shows at most 80 characters of what came."""
    with pytest.raises(InvalidArgumentError) as caught:
        _validate.integer("threshold", "x" * 1000)
    match = FORM.match(str(caught.value))
    assert match
    assert len(match["came"]) == 80
    assert match["came"].endswith("...")
