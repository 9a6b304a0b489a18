"""Signatures for datasketch equal its own, bit for bit; the oracle is datasketch 2, given the same hashes."""

from __future__ import annotations

import pickle
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import datasketch
import numpy as np
import pytest
from datasketch import LeanMinHash, MinHash, MinHashLSH
from datasketch.hashfunc import sha1_hash32, sha1_hash64
from hypothesis import given
from hypothesis import strategies as st

from dedup.errors import InvalidArgumentError, MissingExtraError, SchemeMismatch
from dedup.integrations.datasketch import (
    DEFAULT,
    Permutations,
    Signatures,
    from_datasketch,
    from_hashes,
    from_texts,
    to_datasketch,
)
from dedup.kernels import reference

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMES = ("legacy", "affine32", "affine64")
MODULE = "dedup.integrations.datasketch"
WORDS = ("ferry", "island", "harbour", "wall", "tide", "summer", "winter", "crane", "bridge", "council")

permutations_of = st.builds(
    Permutations,
    scheme=st.sampled_from(SCHEMES),
    num_perm=st.sampled_from([1, 2, 16, 100, 128]),
    seed=st.sampled_from([0, 1, 42, 2**32 - 1]),
)
texts_of = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.lists(st.sampled_from(["Ferry", "tide,", "港の壁", "“wall”", "1,200", "\ud800"]), max_size=12).map(" ".join),
    ),
    max_size=5,
)


def hashes_of(scheme: str) -> st.SearchStrategy[list[list[int]]]:
    """Return sets of hashes that datasketch takes for a scheme, the largest included."""
    most = 2**32 - 1 if scheme == "affine32" else 2**64 - 1
    return st.lists(st.lists(st.one_of(st.integers(0, most), st.sampled_from([0, 1, most])), max_size=20), max_size=5)


def theirs(permutations: Permutations, hashfunc: Any = int) -> Any:
    """Return an empty MinHash of datasketch."""
    return MinHash(
        num_perm=permutations.num_perm, seed=permutations.seed, scheme=permutations.scheme, hashfunc=hashfunc
    )


def updated(permutations: Permutations, hashes: Any) -> Any:
    """Return what datasketch makes of hashes, one after the other."""
    minhash = theirs(permutations)
    for value in hashes:
        minhash.update(int(value))
    return minhash


def story(number: int) -> str:
    """Return a story of its own and a copy in capitals of the one before, in turn."""
    words = [f"{word}{number // 2}" for word in WORDS]
    return " ".join(words).upper() + "!" if number % 2 else " ".join(words)


@given(permutations=permutations_of, data=st.data(), as_arrays=st.booleans())
def test_hashes_are_signed_as_datasketch_does(
    permutations: Permutations, data: st.DataObject, *, as_arrays: bool
) -> None:
    """Lists and arrays of hashes give the MinHash that datasketch makes by update and by bulk, of both classes."""
    sets = data.draw(hashes_of(permutations.scheme))
    given_sets: Any = [np.array(hashes, np.uint64) for hashes in sets] if as_arrays else sets
    signatures = from_hashes(given_sets, permutations)
    expected = [updated(permutations, hashes) for hashes in sets]
    assert len(signatures) == len(sets)
    assert all(row.dtype == minhash.hashvalues.dtype for row, minhash in zip(signatures.values, expected, strict=True))
    assert to_datasketch(signatures, lean=False) == expected
    assert to_datasketch(signatures) == list(map(LeanMinHash, expected))
    assert expected == MinHash.bulk(
        sets, num_perm=permutations.num_perm, seed=permutations.seed, scheme=permutations.scheme, hashfunc=int
    )


@given(permutations=permutations_of, texts=texts_of, shingle_size=st.integers(1, 4))
def test_texts_are_signed_by_their_shingles(permutations: Permutations, texts: list[str], shingle_size: int) -> None:
    """A text has the MinHash of the shingle hashes of the readable twin, whole or their low 32 bits."""
    bits = 64 if permutations.scheme == "affine64" else 32
    expected = [
        updated(permutations, [int(value) % 2**bits for value in reference.shingle_hashes(text, shingle_size)])
        for text in texts
    ]
    assert to_datasketch(from_texts(texts, permutations, shingle_size=shingle_size), lean=False) == expected


@pytest.mark.parametrize(
    ("scheme", "hashfunc"), tuple(zip(SCHEMES, (sha1_hash32, sha1_hash32, sha1_hash64), strict=True))
)
@given(sets=st.lists(st.lists(st.binary(max_size=8), max_size=8), max_size=3))
def test_own_shingles_go_on(scheme: str, hashfunc: Any, sets: list[list[bytes]]) -> None:
    """Shingles hashed by the function that datasketch takes by default give what its bulk gives, and can be updated."""
    ours = to_datasketch(from_hashes((map(hashfunc, items) for items in sets), Permutations(scheme)), lean=False)
    assert ours == MinHash.bulk(sets, scheme=scheme)
    for minhash in ours:
        minhash.update(b"one more")
    assert ours == MinHash.bulk([[*items, b"one more"] for items in sets], scheme=scheme)


@pytest.mark.parametrize("count", [63, 64, 65, 200])
def test_batches_do_not_show(count: int) -> None:
    """Many sets, of which each third is empty, are signed as each alone is, and any iterable of them will do."""
    sets = [[] if row % 3 == 0 else [row, row + 1] for row in range(count)]
    alone = np.concatenate([from_hashes([hashes]).values for hashes in sets])
    np.testing.assert_array_equal(from_hashes(iter(sets)).values, alone)


def test_one_buffer_for_all_sets() -> None:
    """Sets that come one after the other in the same array are each signed as they were when they came."""
    buffer = np.zeros(2, np.uint64)

    def refill() -> Iterator[Any]:
        for row in range(5):
            buffer[:] = row, row + 1
            yield buffer

    np.testing.assert_array_equal(
        from_hashes(refill()).values, from_hashes([[row, row + 1] for row in range(5)]).values
    )


@pytest.mark.parametrize("lean", [True, False])
@given(permutations=permutations_of, data=st.data())
def test_there_and_back(permutations: Permutations, data: st.DataObject, *, lean: bool) -> None:
    """`to` after `from` gives equal objects, `from` after `to` equal arrays; what is copied shares no memory."""
    signatures = from_hashes(data.draw(hashes_of(permutations.scheme)), permutations)
    minhashes = to_datasketch(signatures, lean=lean)
    found = from_datasketch(minhashes, permutations)
    assert found.permutations == permutations
    assert found.values.dtype == signatures.values.dtype
    np.testing.assert_array_equal(found.values, signatures.values)
    assert to_datasketch(found, lean=lean) == minhashes
    assert all(type(minhash) is (LeanMinHash if lean else MinHash) for minhash in minhashes)
    assert not any(np.shares_memory(minhash.hashvalues, signatures.values) for minhash in minhashes)
    if minhashes:
        assert from_datasketch(minhashes).permutations == permutations


@pytest.mark.parametrize("scheme", SCHEMES)
def test_serialised_and_pickled(scheme: str) -> None:
    """What comes from here survives serialize, deserialize and pickle, byte for byte as what datasketch made."""
    permutations = Permutations(scheme, num_perm=24, seed=7)
    signatures = from_texts(["the ferry sails twice a day", ""], permutations)
    made = [LeanMinHash(theirs(permutations)) for _ in signatures.values]
    for own, values in zip(made, signatures.values, strict=True):
        own.hashvalues = values.copy()
    for minhash, own in zip(to_datasketch(signatures), made, strict=True):
        buffers = bytearray(minhash.bytesize()), bytearray(own.bytesize())
        minhash.serialize(buffers[0])
        own.serialize(buffers[1])
        assert buffers[0] == buffers[1]
        assert LeanMinHash.deserialize(buffers[0]) == minhash
        assert pickle.loads(pickle.dumps(minhash)) == minhash
    found = from_datasketch(map(pickle.loads, map(pickle.dumps, to_datasketch(signatures, lean=False))))
    np.testing.assert_array_equal(found.values, signatures.values)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_index_from_both(scheme: str) -> None:
    """An index filled half by datasketch and half from here answers both, and finds the same for either's question."""
    permutations = Permutations(scheme, num_perm=64, seed=3)
    sets = [[sha1_hash32(f"{word} {number // 2}".encode()) for word in WORDS] for number in range(20)]
    ours = to_datasketch(from_hashes(sets, permutations))
    own = [updated(permutations, hashes) for hashes in sets]
    index = MinHashLSH(threshold=0.8, num_perm=64)
    for number in range(20):
        index.insert(number, (own if number % 4 < 2 else ours)[number])
    for number in range(20):
        expected = [number - number % 2, number - number % 2 + 1]
        assert sorted(index.query(ours[number])) == expected
        assert sorted(index.query(own[number])) == expected


def test_an_index_of_texts() -> None:
    """Texts that fold to the same are found in an index, texts of other words are not."""
    index = MinHashLSH(threshold=0.5, num_perm=DEFAULT.num_perm)
    minhashes = to_datasketch(from_texts(map(story, range(20))))
    for number, minhash in enumerate(minhashes):
        index.insert(number, minhash)
    assert [sorted(index.query(minhash)) for minhash in minhashes] == [
        [number - number % 2, number - number % 2 + 1] for number in range(20)
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("text", ["", " … ", "\ud800"])
def test_no_token_is_the_empty_set(scheme: str, text: str) -> None:
    """A text without a token has the MinHash that datasketch has before the first update."""
    (minhash,) = to_datasketch(from_texts([text], Permutations(scheme)), lean=False)
    assert minhash.is_empty()
    assert minhash == MinHash(scheme=scheme)


def test_nothing_gives_nothing() -> None:
    """No text, no set and, where the permutations are told, no object give no signature, of the right width."""
    for signatures in (from_texts([]), from_hashes([]), from_datasketch([], DEFAULT)):
        assert len(signatures) == 0
        assert signatures.values.shape == (0, 128)
        assert to_datasketch(signatures) == []
    with pytest.raises(InvalidArgumentError, match=r"^minhashes must be at least one where permutations is None\."):
        from_datasketch([])


@pytest.mark.parametrize(
    "other", [Permutations("legacy"), Permutations("affine64"), Permutations(num_perm=64), Permutations(seed=2)]
)
@pytest.mark.parametrize("lean", [True, False])
def test_mixing_is_refused(other: Permutations, *, lean: bool) -> None:
    """Objects of several schemes, sizes or seeds are refused, and so are those of others than were asked for."""
    first, second = (to_datasketch(from_hashes([[1, 2]], how), lean=lean) for how in (DEFAULT, other))
    with pytest.raises(SchemeMismatch, match=r"^minhashes must all be of Permutations\(.*\)\. Got .* in place 1\.$"):
        from_datasketch(first + second)
    with pytest.raises(SchemeMismatch, match=r" in place 0\.$"):
        from_datasketch(second, DEFAULT)


def test_permutations_of_another_seed_are_refused() -> None:
    """A MinHash made with permutations that its seed does not draw has no scheme that a seed could name."""
    odd = MinHash(seed=1, permutations=MinHash(seed=2).permutations, scheme="affine32")
    with pytest.raises(SchemeMismatch, match=r"^minhashes must hold the permutations of their seed\."):
        from_datasketch([odd])


@pytest.mark.parametrize(
    ("values", "dtype"), [(np.zeros((1, 128)), "float64"), (np.zeros((1, 128), np.uint64), "uint64")]
)
def test_values_of_another_dtype_are_refused(values: Any, dtype: str) -> None:
    """Signatures of another dtype than their scheme's, or of another width, are refused."""
    with pytest.raises(SchemeMismatch, match=rf"^values must be uint32 \[n, 128\]\. Got {dtype} \[1, 128\]\.$"):
        Signatures(DEFAULT, values)
    for shape in ((1, 64), (128,)):
        with pytest.raises(SchemeMismatch, match=r"^values must be uint32 \[n, 128\]\. Got uint32 "):
            Signatures(DEFAULT, np.zeros(shape, np.uint32))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scheme": "md5"}, r"^scheme must be one of 'legacy', 'affine32', 'affine64'\. Got 'md5'\.$"),
        ({"num_perm": 0}, r"^num_perm must be an integer in \[1, 4294967296\]\. Got 0\.$"),
        ({"seed": -1}, r"^seed must be an integer in \[0, 4294967295\]\. Got -1\.$"),
        ({"seed": 2**32}, r"^seed must be .* Got 4294967296\.$"),
        ({"seed": None}, r"^seed must be .* Got None\.$"),
    ],
)
def test_bad_permutations_are_named(wrong: dict[str, Any], message: str) -> None:
    """What datasketch could not draw is refused when the permutations are named."""
    with pytest.raises(InvalidArgumentError, match=message):
        Permutations(**wrong)


@pytest.mark.parametrize("wrong", [[-1], [2**32], [1.5], [b"ab"], b"ab", 7, np.array([1.0]), np.array([[1]]), ["1"]])
def test_bad_hashes_are_refused(wrong: Any) -> None:
    """Only integers that the scheme can hold are hashes: no float, no bytes, nothing that would be cut."""
    with pytest.raises(InvalidArgumentError, match=r"^hashes must be sets of integers in \[0, 4294967295\]\. Got "):
        from_hashes([[1], wrong])


@pytest.mark.parametrize("dtype", ["int64", ">u8", "int8", "uint32"])
def test_any_integer_array_will_do(dtype: str) -> None:
    """The dtype, byte order and stride of an array of hashes do not count, only its numbers; a negative one is none."""
    expected = from_hashes([[5, 3, 1], []]).values
    array = np.array([1, 2, 3, 4, 5], dtype)[::-2]
    np.testing.assert_array_equal(from_hashes([array, np.array([])]).values, expected)
    with pytest.raises(InvalidArgumentError, match=r"Got in set 0: -5 to -1\.$"):
        from_hashes([-array.astype("int64")])


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (from_texts, {"texts": "text"}, r"^texts must be an iterable of str\. Got str\.$"),
        (from_texts, {"texts": [None]}, r"^text must be a str\. Got None\.$"),
        (from_texts, {"texts": [], "permutations": 128}, r"^permutations must be Perm.* Got int"),
        (from_texts, {"texts": [], "shingle_size": 0}, r"^shingle_size must be .* Got 0\.$"),
        (from_hashes, {"hashes": [], "permutations": 128}, r"^permutations must be Perm.* Got int\.$"),
        (from_hashes, {"hashes": b"ab"}, r"^hashes must be an iterable .* Got bytes\.$"),
        (from_datasketch, {"minhashes": [3]}, r"^minhashes must be MinHash or .* Got int\.$"),
        (from_datasketch, {"minhashes": 3}, r"^minhashes must be an iterable .* Got int\.$"),
        (from_datasketch, {"minhashes": [], "permutations": 128}, r"^permutations must be .* or None\. Got int\.$"),
        (to_datasketch, {"signatures": []}, r"^signatures must be Signatures\. Got list\.$"),
        (Signatures, {"permutations": 1, "values": [1]}, r"^permutations must be .* Got int\.$"),
        (Signatures, {"permutations": DEFAULT, "values": [1]}, r"^values must be an array\. Got"),
    ],
)
def test_bad_arguments_are_named(function: Any, arguments: Any, message: str) -> None:
    """Each wrong argument is named with what is allowed and what came."""
    with pytest.raises(InvalidArgumentError, match=message):
        function(**arguments)


def old_datasketch() -> ModuleType:
    """Return a module that looks like datasketch 1, which knows no schemes."""
    module = ModuleType("datasketch")
    vars(module).update(MinHash=object, LeanMinHash=object)
    return module


@pytest.mark.parametrize("module", [None, old_datasketch()])
def test_missing_extra_is_named(module: ModuleType | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without datasketch, or with its version 1, the import fails with the pip line."""
    monkeypatch.delitem(sys.modules, MODULE)
    monkeypatch.setitem(sys.modules, "datasketch", module)
    with pytest.raises(MissingExtraError, match=r'pip install "dedup\[datasketch\]"'):
        import_module(MODULE)


def test_defaults_are_those_of_datasketch() -> None:
    """Permutations that are told nothing are those of a MinHash that is told nothing."""
    assert from_datasketch([datasketch.MinHash()]).permutations == DEFAULT == Permutations()
