"""Signatures for datasketch 2, bit for bit those it computes itself, from the native kernel.

An index that datasketch holds (a `MinHashLSH` in Redis, say) is fed and asked as before; only the MinHash objects come
from here:

>>> from datasketch import MinHashLSH
>>> texts = {
...     "a": "The harbour bridge will close on Friday for the first time in forty years, the council said.",
...     "b": "HARBOUR: The harbour bridge will close on Friday for the first time in forty years, the council said",
...     "c": "A kelp farm opened in the bay on Monday.",
... }
>>> index = MinHashLSH(threshold=0.5, num_perm=128)
>>> for key, minhash in zip(texts, to_datasketch(from_texts(texts.values())), strict=True):
...     index.insert(key, minhash)
>>> (asked,) = to_datasketch(from_texts(["The harbour bridge will close on Friday for the first time in forty years"]))
>>> sorted(index.query(asked))
['a', 'b']

An index that was filled from shingles of your own goes on with them: give their hashes, made by the function that the
index was filled with, which is `sha1_hash32` (`sha1_hash64` for "affine64") unless you gave another. Such a hash per
shingle in Python takes most of the time that is left.

>>> from datasketch import MinHash
>>> from datasketch.hashfunc import sha1_hash32
>>> shingles = [b"the old pier", b"old pier reopens"]
>>> to_datasketch(from_hashes([map(sha1_hash32, shingles)]), lean=False) == MinHash.bulk([shingles])
True

An index compares only what has the same `Permutations` **and** the same shingles and hashes, and cannot tell: it checks
the scheme against what this process gave it before, the seed not at all. An index made by datasketch 1 is of the scheme
"legacy". So take the permutations from a MinHash that you kept (`from_datasketch([kept]).permutations`), and before the
first insert, ask the index for a text that it has: its key must come back.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup import _validate
from dedup.config import MAX_SHINGLE_SIZE
from dedup.errors import InvalidArgumentError, MissingExtraError, SchemeMismatch
from dedup.kernels import native

_MISSING = 'Signatures for datasketch need datasketch 2: pip install "dedup[datasketch]"'
try:
    from datasketch import LeanMinHash, MinHash
except ImportError as error:
    raise MissingExtraError(_MISSING) from error
if not hasattr(LeanMinHash, "scheme"):
    raise MissingExtraError(_MISSING)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import UnionType

    from numpy.typing import NDArray

#: Sets signed at a time: enough that a call of the kernel costs nothing beside its work.
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Permutations:
    """How datasketch permutes hashes; two MinHash compare only when all of it is equal.

    Args:
        scheme: "affine32", "affine64" or "legacy", the only one of datasketch 1.
        num_perm: Slots of a signature, in [1, 2**32].
        seed: Seed of the permutations, in [0, 2**32).

    Raises:
        InvalidArgumentError: A value is outside what is allowed.
    """

    scheme: str = "affine32"
    num_perm: int = 128
    seed: int = 1

    def __post_init__(self) -> None:
        _validate.choice("scheme", self.scheme, native.PERMUTATION_SCHEMES)
        object.__setattr__(self, "num_perm", _validate.integer("num_perm", self.num_perm, least=1, most=2**32))
        object.__setattr__(self, "seed", _validate.integer("seed", self.seed, most=2**32 - 1))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of a signature: uint32 for "affine32", uint64 otherwise."""
        return np.dtype(np.uint32 if self.scheme == "affine32" else np.uint64)


#: What datasketch 2 does where it is told nothing else.
DEFAULT = Permutations()


@dataclass(frozen=True, slots=True, eq=False)
class Signatures:
    """The signatures of n sets.

    Args:
        permutations: How they were made.
        values: `permutations.dtype` [n, num_perm]; the largest 32-bit number ("affine64": 64-bit) in every slot of an
            empty set.

    Raises:
        SchemeMismatch: `values` has another dtype or shape.
        InvalidArgumentError: `values` is no array, or `permutations` something else.
    """

    permutations: Permutations
    values: NDArray[Any]

    def __post_init__(self) -> None:
        _expect("permutations", self.permutations, Permutations, "Permutations")
        _expect("values", self.values, np.ndarray, "an array")
        dtype, slots = self.permutations.dtype, self.permutations.num_perm
        if self.values.dtype != dtype or self.values.ndim != 2 or self.values.shape[1] != slots:
            raise SchemeMismatch(
                f"values must be {dtype} [n, {slots}]. Got {self.values.dtype} {list(self.values.shape)}."
            )

    def __len__(self) -> int:
        """Return the number of sets."""
        return len(self.values)


def from_texts(texts: Iterable[str], permutations: Permutations = DEFAULT, *, shingle_size: int = 3) -> Signatures:
    """Sign the shingles of texts, folded as everywhere in this package; page furniture stays (see `dedup.clean`).

    "affine64" takes the 64-bit hashes of the shingles, the other two their low 32 bits.

    Args:
        texts: Texts; one without a token is the empty set. All empty sets are equal to an index: leave out those whose
            MinHash `is_empty()`.
        permutations: Those of the index.
        shingle_size: Words per shingle; scripts written without spaces take twice as many characters.

    Raises:
        InvalidArgumentError: `texts` is one str or holds something else, or `shingle_size` is outside [1, 64].
        InputError: A text is longer than 64 MiB.
    """
    _expect("texts", texts, Iterable, "an iterable of str")
    _expect("permutations", permutations, Permutations, "Permutations")
    width = _validate.integer("shingle_size", shingle_size, least=1, most=MAX_SHINGLE_SIZE)
    bits = np.uint64(2**64 - 1 if permutations.scheme == "affine64" else 2**32 - 1)
    return _sign((native.shingle_hashes(text, width) & bits for text in texts), permutations)


def from_hashes(hashes: Iterable[Iterable[int]], permutations: Permutations = DEFAULT) -> Signatures:
    """Sign sets of hashes; those of the shingles of an existing index give the signatures that stand in it.

    Args:
        hashes: For each set the hashes of its members, in any order, repeats allowed: an integer array, or any iterable
            of int. "affine32" takes hashes of 32 bits; "legacy" is made for them too, but takes 64, as datasketch does.
        permutations: Those of the index.

    Raises:
        InvalidArgumentError: A hash is no integer or has too many bits; the message names the set.
    """
    _expect("hashes", hashes, Iterable, "an iterable of sets of int")
    _expect("permutations", permutations, Permutations, "Permutations")
    most = 2**32 - 1 if permutations.scheme == "affine32" else 2**64 - 1
    return _sign((_checked(row, members, most) for row, members in enumerate(hashes)), permutations)


def from_datasketch(minhashes: Iterable[MinHash], permutations: Permutations | None = None) -> Signatures:
    """Take the signatures out of MinHash and LeanMinHash objects.

    Args:
        minhashes: The objects, all of the same permutations.
        permutations: What these must be; None for those of the first.

    Raises:
        InvalidArgumentError: Something else is among them, their seed is not in [0, 2**32), or there is none and no
            `permutations`.
        SchemeMismatch: They differ in scheme, num_perm or seed, or one holds permutations that its seed does not draw.
    """
    _expect("minhashes", minhashes, Iterable, "an iterable of MinHash")
    _expect("permutations", permutations, Permutations | None, "Permutations or None")
    rows = []
    for row, minhash in enumerate(minhashes):
        _expect("minhashes", minhash, MinHash, "MinHash or LeanMinHash")
        own = Permutations(minhash.scheme, len(minhash), minhash.seed)
        permutations = permutations or own
        if own != permutations:
            raise SchemeMismatch(f"minhashes must all be of {permutations}. Got {own} in place {row}.")
        # A lean one does not hold any.
        if not isinstance(minhash, LeanMinHash) and not np.array_equal(minhash.permutations, _parameters(own)):
            raise SchemeMismatch(f"minhashes must hold the permutations of their seed. Got others in place {row}.")
        rows.append(minhash.hashvalues)
    if permutations is None:
        raise InvalidArgumentError("minhashes must be at least one where permutations is None. Got none.")
    return Signatures(permutations, np.array(rows, permutations.dtype).reshape(-1, permutations.num_perm))


def to_datasketch(signatures: Signatures, *, lean: bool = True) -> list[MinHash]:
    """Return signatures as objects of datasketch: the same `from_datasketch` gives back.

    Args:
        signatures: What to wrap; it is copied.
        lean: True for `LeanMinHash`, small and frozen; False for `MinHash`, which can be updated. Its `hashfunc` is
            that of datasketch: set another, before the first update, where the hashes were made by another.
    """
    _expect("signatures", signatures, Signatures, "Signatures")
    how = signatures.permutations
    if lean:
        return [LeanMinHash(seed=how.seed, hashvalues=row, scheme=how.scheme) for row in signatures.values]
    parameters = _parameters(how)
    return [
        MinHash(seed=how.seed, hashvalues=row, permutations=parameters, scheme=how.scheme) for row in signatures.values
    ]


@lru_cache(maxsize=8)
def _parameters(permutations: Permutations) -> NDArray[Any]:
    """Return the multipliers and increments that datasketch draws, [2, num_perm]; read-only, as all share them."""
    drawn = MinHash(num_perm=permutations.num_perm, seed=permutations.seed, scheme=permutations.scheme).permutations
    parameters: NDArray[Any] = np.ascontiguousarray(drawn)
    parameters.flags.writeable = False
    return parameters


def _checked(row: int, members: Iterable[int], most: int) -> NDArray[np.uint64]:
    """Return the hashes of one set as uint64 when each is in [0, most]."""
    allowed = f"sets of integers in [0, {most}]"
    _expect("hashes", members, Iterable, allowed)
    try:
        # Not by np.array, which makes floats of large integers and takes floats for integers.
        found = members if isinstance(members, np.ndarray) else np.fromiter(map(operator.index, members), np.uint64)
    except (TypeError, OverflowError) as error:
        raise InvalidArgumentError(f"hashes must be {allowed}. Got in set {row}: {error}.") from error
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise InvalidArgumentError(f"hashes must be {allowed}. Got in set {row}: {found.dtype} {list(found.shape)}.")
    if found.size and not 0 <= int(found.min()) <= int(found.max()) <= most:
        raise InvalidArgumentError(f"hashes must be {allowed}. Got in set {row}: {found.min()} to {found.max()}.")
    # A copy: what yields the sets may fill one buffer again and again.
    return np.array(found, np.uint64)


def _expect(name: str, value: object, kind: type | UnionType, allowed: str) -> None:
    # A str and bytes are iterable too, and never meant.
    if isinstance(value, str | bytes) or not isinstance(value, kind):
        raise InvalidArgumentError(f"{name} must be {allowed}. Got {type(value).__name__}.")


def _sign(hashes: Iterator[NDArray[np.uint64]], permutations: Permutations) -> Signatures:
    parameters = _parameters(permutations)
    parts = [np.empty((0, permutations.num_perm), permutations.dtype)]
    while batch := list(islice(hashes, _BATCH)):
        offsets = np.cumsum([0, *map(len, batch)], dtype=np.int64)
        parts.append(native.permutation_signatures(np.concatenate(batch), offsets, permutations.scheme, parameters))
    return Signatures(permutations, np.concatenate(parts))
