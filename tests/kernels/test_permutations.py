"""The K-permutation schemes equal datasketch 2, whose signatures people already store."""

from __future__ import annotations

from typing import Any

import datasketch
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.errors import InvalidArgumentError
from dedup.kernels import native, reference

SCHEMES = ("legacy", "affine32", "affine64")

small_hashes = st.lists(st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2**31, 2**32 - 1])), max_size=20)
large_hashes = st.lists(st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 2**32, 2**64 - 1])), max_size=20)


def parameters_of(scheme: Any, num_perm: int, seed: int = 1) -> Any:
    """Return the permutations that datasketch draws."""
    return datasketch.MinHash(num_perm=num_perm, seed=seed, scheme=scheme).permutations


def signature(hashes: list[int], scheme: str, num_perm: int = 16) -> Any:
    """Return the native signature of one set of token hashes."""
    offsets = np.array([0, len(hashes)], np.int64)
    parameters = parameters_of(scheme, num_perm)
    return native.permutation_signatures(np.array(hashes, np.uint64), offsets, scheme, parameters)[0]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("num_perm", [16, 128])
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_equals_datasketch(scheme: Any, num_perm: int, data: st.DataObject, seed: int) -> None:
    """Signatures equal those of datasketch for the same token hashes and permutations, in value and dtype."""
    hashes = data.draw(large_hashes if scheme == "affine64" else small_hashes)
    theirs = datasketch.MinHash(num_perm=num_perm, seed=seed, scheme=scheme, hashfunc=int)
    theirs.update_batch(hashes)
    offsets = np.array([0, len(hashes)], np.int64)
    found = native.permutation_signatures(np.array(hashes, np.uint64), offsets, scheme, theirs.permutations)
    assert found.dtype == theirs.hashvalues.dtype
    np.testing.assert_array_equal(found[0], theirs.hashvalues)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(rows=st.lists(large_hashes, max_size=4), num_perm=st.integers(1, 9), data=st.data())
def test_equals_its_twin(scheme: str, rows: list[list[int]], num_perm: int, data: st.DataObject) -> None:
    """Signatures equal the twin's for any parameters, extreme ones included, and any hashes of 64 bits."""
    dtype: Any = np.uint32 if scheme == "affine32" else np.uint64
    largest = int(np.iinfo(dtype).max)
    values = st.one_of(st.integers(0, largest), st.sampled_from([0, 1, largest, min(largest, 2**61 - 1)]))
    drawn = data.draw(st.lists(values, min_size=2 * num_perm, max_size=2 * num_perm))
    parameters = np.array(drawn, dtype).reshape(2, num_perm)
    hashes = np.array([value for row in rows for value in row], np.uint64)
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    found = native.permutation_signatures(hashes, offsets, scheme, parameters)
    expected = reference.permutation_signatures(hashes, offsets, scheme, parameters)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(left=small_hashes, right=small_hashes)
def test_union_is_the_minimum(scheme: str, left: list[int], right: list[int]) -> None:
    """The signature of a union is the minimum of the signatures: commutative, idempotent, empty sets neutral."""
    union = signature(left + right, scheme)
    np.testing.assert_array_equal(union, np.minimum(signature(left, scheme), signature(right, scheme)))
    np.testing.assert_array_equal(union, signature(right + left, scheme))
    np.testing.assert_array_equal(signature(left + left, scheme), signature(left, scheme))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_bad_arguments_are_named(scheme: str) -> None:
    """Wrong offsets, dtypes and shapes are refused; nothing is read from beyond an array."""
    hashes, offsets, parameters = np.zeros(3, np.uint64), np.array([0, 3], np.int64), parameters_of(scheme, 16)
    for wrong in ([], [0, 4], [2, 1], [-1, 3], [0, 3, 2]):
        with pytest.raises(InvalidArgumentError, match=r"^offsets must ascend within the 3 hashes\. Got "):
            native.permutation_signatures(hashes, np.array(wrong, np.int64), scheme, parameters)
    wrongs: tuple[tuple[Any, Any, Any], ...] = (
        (hashes.astype(np.uint32), offsets, parameters),
        (np.zeros(6, np.uint64)[::2], offsets, parameters),
        (hashes, offsets.astype(np.int32), parameters),
        (hashes, offsets, parameters.astype(np.float64)),
        (hashes, offsets, np.zeros((3, 16), parameters.dtype)),
    )
    for bad in wrongs:
        with pytest.raises(InvalidArgumentError, match=r"must be contiguous .* Got "):
            native.permutation_signatures(bad[0], bad[1], scheme, bad[2])


def test_an_unknown_scheme_is_named() -> None:
    """A scheme that datasketch does not have is refused with the list of those it has."""
    with pytest.raises(
        InvalidArgumentError, match=r"^scheme must be one of 'legacy', 'affine32', 'affine64'\. Got 'x'\.$"
    ):
        native.permutation_signatures(np.zeros(0, np.uint64), np.array([0]), "x", np.zeros((2, 1), np.uint64))
