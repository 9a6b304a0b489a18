"""The kernels over NumPy arrays: each checks its arrays, then works without the GIL."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup import _validate
from dedup.config import MAX_SEED, MAX_SHINGLE_SIZE, SketchConfig
from dedup.errors import InputError, InvalidArgumentError, InvalidUtf8Error, NotCompiledError, SchemeMismatch
from dedup.kernels import table
from dedup.kernels.sketches import SAMPLE_CUT, SAMPLE_EXTRA, SAMPLE_LEAST, SAMPLE_PART, Scheme, Sketches

try:
    from dedup.kernels import _kernel
except ImportError as cause:
    message = "the native kernel is not compiled: install the package with pip, or run `make build` in a checkout"
    raise NotCompiledError(message) from cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

_table = table.load()
_index, _entries = np.frombuffer(_table.index, np.uint8), np.frombuffer(_table.entries, "<u4").reshape(-1, 256)
_kernel.load_table(_table.index, _table.entries, _table.expansions)

_INVALID_UTF8, _NO_MEMORY, _NO_ROOM, _TOO_LONG = -1, -2, -3, -4

#: Which of the code points that Latin, Greek, Cyrillic and Armenian take are capitals.
_CAPITALS = bytes(chr(point).isupper() for point in range(0x590))

_SPACE, _UNSPACED_MARK = 0x20, 0x01
#: Characters whose spans are looked for at a time: each takes some 70 bytes meanwhile.
_SPAN_BLOCK = 2**17
#: By the code of an entry: spaces and pieces that a character becomes, and whether its piece stands behind a space.
_SPACES = np.array([1, 0, 0, 2, 0, 0, 0, 0])
_PIECES = np.array([0, 0, 1, 1, 1, 0, 0, 0])
_FIRST = np.array([0, 0, 0, 1, 0, 0, 0, 0])

#: The longest text that the kernels take, in bytes of UTF-8.
MAX_TEXT_BYTES = 2**26

#: The K-permutation schemes of datasketch 2: code, dtype of the signature, dtype of the parameters, bits of the hashes.
PERMUTATION_SCHEMES = {"legacy": 0, "affine32": 1, "affine64": 2}


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """UTF-8 texts where they stand in memory.

    Args:
        addresses: uint64 [n], where each text begins.
        lengths: int64 [n], bytes of each.
        owner: What keeps the memory alive.
    """

    addresses: NDArray[np.uint64]
    lengths: NDArray[np.int64]
    owner: object

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.lengths)

    @classmethod
    def from_strings(cls, texts: Sequence[str]) -> Texts:
        """Take str objects: ASCII in place, others encoded; a lone surrogate counts as a separator."""
        # A list of its own: the caller's may lose the strings while their memory is read.
        strings = list(texts)
        addresses = np.empty(len(strings), np.uint64)
        lengths = np.empty(len(strings), np.int64)
        encoded = _kernel.read_strings(strings, addresses.ctypes.data, lengths.ctypes.data)
        return cls(addresses, lengths, (strings, encoded))

    def take(self, rows: NDArray[np.int64]) -> Texts:
        """Return some of the texts, in the order asked for, without a copy."""
        return Texts(self.addresses[rows], self.lengths[rows], self.owner)

    def replace(self, rows: NDArray[np.int64], others: Texts) -> Texts:
        """Return these texts with `others` in the places `rows`."""
        addresses, lengths = self.addresses.copy(), self.lengths.copy()
        addresses[rows], lengths[rows] = others.addresses, others.lengths
        return Texts(addresses, lengths, (self.owner, others.owner))

    @classmethod
    def from_buffers(cls, data: bytes | NDArray[np.uint8], offsets: NDArray[np.int64]) -> Texts:
        """Take Arrow's large_string layout: one byte buffer and int64 [n + 1] offsets into it, in place.

        Raises:
            InvalidArgumentError: The offsets do not ascend within the buffer.
        """
        bytes_ = np.frombuffer(data, np.uint8)
        offsets = np.ascontiguousarray(offsets, np.int64)
        if not len(offsets) or offsets[0] < 0 or offsets[-1] > len(bytes_) or _descends(offsets):
            raise InvalidArgumentError(
                f"offsets must ascend within the {len(bytes_)} bytes of data. Got {len(offsets)} offsets that do not."
            )
        addresses = offsets[:-1].astype(np.uint64) + np.uint64(bytes_.ctypes.data)
        return cls(addresses, np.diff(offsets), (data, bytes_))

    @classmethod
    def from_arrow(cls, array: pa.Array | pa.ChunkedArray) -> Texts:
        """Take an Arrow array of strings in place (`string` offsets are widened, a view is cast); null is no text.

        Raises:
            InvalidArgumentError: The array holds no strings.
        """
        import pyarrow as pa  # noqa: PLC0415 - loads on first use

        if not isinstance(array, pa.Array | pa.ChunkedArray):
            try:
                array = pa.chunked_array(array) if hasattr(array, "__arrow_c_stream__") else pa.array(array)
            except (pa.ArrowException, TypeError, ValueError) as cause:
                raise InvalidArgumentError(f"texts must be an Arrow array of strings. Got {type(array)}.") from cause
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if pa.types.is_string_view(array.type):
            array = array.cast(pa.large_string())
        if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
            raise InvalidArgumentError(f"texts must be an Arrow array of strings. Got {array.type}.")
        width = np.int64 if pa.types.is_large_string(array.type) else np.int32
        _, offsets, data = array.buffers()
        if not len(array):
            return cls.from_strings([])
        ends = np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1].astype(np.int64)
        texts = cls.from_buffers(data if data is not None else b"", ends)
        if array.null_count:
            texts.lengths[np.asarray(array.is_null())] = 0
        return texts


def _descends(offsets: NDArray[np.int64]) -> bool:
    # Not by their differences, which can wrap.
    return bool((offsets[1:] < offsets[:-1]).any())


def _check(status: int, row: int) -> None:
    """Raise what the kernel's answer for a row means; 0 means that all is well."""
    if status == _INVALID_UTF8:
        raise InvalidUtf8Error(f"row {row} must be valid UTF-8. Got bytes that are not.")
    if status == _TOO_LONG:
        raise InputError(f"row {row} must be at most 64 MiB of UTF-8. Got more.")
    if status == _NO_MEMORY:
        raise MemoryError


def _check_rows(name: str, rows: NDArray[np.int64], total: int) -> None:
    if len(rows) and not (int(rows.min()) >= 0 and int(rows.max()) < total):
        raise InvalidArgumentError(f"{name} must be in [0, {total}). Got {int(rows.min())} to {int(rows.max())}.")


def _address(name: str, array: NDArray[Any], dtype: type[np.generic], shape: tuple[int, ...] | None = None) -> int:
    if array.dtype != dtype or not array.flags.c_contiguous or (shape is not None and array.shape != shape):
        wanted = f"{np.dtype(dtype)} {list(shape) if shape is not None else ''}".strip()
        raise InvalidArgumentError(f"{name} must be contiguous {wanted}. Got {array.dtype} {list(array.shape)}.")
    return _kernel.address_of(array)


def _check_range(start: int, stop: int, rows: int) -> None:
    if not 0 <= start <= stop <= rows:
        raise InvalidArgumentError(f"start and stop must be in [0, {rows}] and ascend. Got {start} and {stop}.")


def _read(text: str, seed: int, shingle_size: int) -> tuple[bytes, bytes, bytes, int]:
    """Return the folded text, the token hashes, the shingle hashes and the digest of one text."""
    _validate.text("text", text)
    _validate.integer("seed", seed, most=MAX_SEED)
    _validate.integer("shingle_size", shingle_size, least=1, most=MAX_SHINGLE_SIZE)
    raw = text.encode("utf-8", "replace")
    parts = _kernel.tokens_of(raw, seed, shingle_size)
    if parts is None:
        raise InputError(f"text must be at most 64 MiB of UTF-8. Got {len(raw)} bytes.")
    return parts


def fold(text: str) -> str:
    """Return the folded text: its tokens with one space between; "" when it has none. Folding twice changes nothing."""
    return " ".join(tokens(text))


def tokens(text: str) -> list[str]:
    """Return the tokens of a text: words folded, and each character of a script that is written without spaces."""
    folded, _, _, _ = _read(text, 0, 1)
    return [token.decode() for token in folded.replace(b"\x01", b" ").split(b" ") if token]


def unspaced_tokens(text: str) -> NDArray[np.bool_]:
    """Return which tokens are a character of a script that is written without spaces, bool [tokens], in text order."""
    folded = np.frombuffer(_read(text, 0, 1)[0], np.uint8)
    # A token follows a space, the mark of such a character, or nothing.
    before = np.concatenate([[np.uint8(_SPACE)], folded])[:-1]
    first = np.flatnonzero((before <= _SPACE) & (folded > _SPACE))
    unspaced: NDArray[np.bool_] = before[first] == _UNSPACED_MARK
    return unspaced


def token_spans(text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each token begins and ends (half open), in characters of the text: two int64 [tokens], in order.

    A token goes from the first character that gives something to it to the last, and over the combining marks and
    invisible characters behind that. A character that folds to several tokens stands in each of them.
    """
    owners, tokens, trailing = [], [], []
    spaces = 0
    for first in range(0, len(text), _SPAN_BLOCK):
        points = np.frombuffer(text[first : first + _SPAN_BLOCK].encode("utf-32-le", "surrogatepass"), "<u4")
        entries = _entries[_index[points >> 8], points & 0xFF]
        owner, token, count = _pieces(entries)
        # Nobody asks for the inside of a token.
        outer = np.concatenate([[True], token[1:] != token[:-1], [True]])
        outer = (outer[1:] | outer[:-1])[: len(token)]
        owners.append(owner[outer] + first)
        tokens.append(token[outer] + spaces)
        spaces += count
        dropped = np.flatnonzero(entries & 7 == table.DROP)
        trails = {point: unicodedata.category(chr(point))[0] in "MC" for point in np.unique(points[dropped]).tolist()}
        trailing.append(dropped[[trails[point] for point in points[dropped].tolist()]] + first)
    if not owners:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    owner = np.concatenate(owners)
    is_first = np.diff(np.concatenate(tokens), prepend=-1) > 0
    return owner[is_first], _over(owner[np.roll(is_first, -1)] + 1, np.concatenate(trailing))


def _pieces(entries: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return the character and the token, counted in spaces before, of what characters become, and all spaces."""
    codes = entries & 7
    # A character becomes pieces with spaces between, some of them empty; see `reference.token_spans`.
    spaces, pieces, first = _SPACES[codes], _PIECES[codes], _FIRST[codes]
    places = [0, 1]
    at = np.flatnonzero(codes >= table.EXPAND)
    kinds, kind = np.unique(entries[at], return_inverse=True)
    found = []
    for entry in kinds.tolist():
        parts = _expansion(entry).split(" ")
        filled = [place for place, part in enumerate(parts) if part]
        found.append((len(parts) - 1, len(filled), len(places)))
        places += filled
    if found:
        spaces[at], pieces[at], first[at] = np.array(found)[kind].T
    owner = np.repeat(np.arange(len(entries)), pieces)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    # Pieces with as many spaces before them are one token.
    before = np.cumsum(spaces)
    return owner, (before - spaces)[owner] + np.array(places)[first[owner] + step], int(before[-1])


def _over(ends: NDArray[np.int64], trailing: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where tokens end when the characters `trailing`, which ascend, belong to the token before them."""
    if not len(trailing):
        return ends
    first = np.flatnonzero(np.diff(trailing, prepend=-2) > 1)
    stops = trailing[np.append(first[1:], len(trailing)) - 1] + 1
    run = np.searchsorted(trailing[first], ends, side="right") - 1
    return np.where((run >= 0) & (ends < stops[run]), stops[run], ends)


def _expansion(entry: int) -> str:
    """Return what a code point of such an entry becomes, with a space before each mark of an unspaced script."""
    length, place = entry >> 3 & 63, entry >> 9
    return _table.expansions[place : place + length].decode().replace("\x01", " \x01")


def token_hashes(text: str, seed: int = 0) -> NDArray[np.uint64]:
    """Return XXH3-64 of each token's UTF-8, uint64 [tokens], in text order."""
    _, hashes, _, _ = _read(text, seed, 1)
    return np.frombuffer(hashes, np.uint64)


def shingle_hashes(text: str, shingle_size: int, seed: int = 0) -> NDArray[np.uint64]:
    """Return the hash of each shingle, uint64, in text order, repeats included.

    A shingle is a run of `shingle_size` tokens, or of twice as many where its first token is a character of a script
    written without spaces. A text with tokens but no such run has one shingle of all its tokens.
    """
    _, _, shingles, _ = _read(text, seed, shingle_size)
    return np.frombuffer(shingles, np.uint64)


def digest(text: str, seed: int = 0) -> int:
    """Return XXH3-64 of all token hashes in order: equal for texts that fold to the same."""
    _, _, _, value = _read(text, seed, 1)
    return int(value)


def sketch(texts: Texts, config: SketchConfig) -> Sketches:
    """Return the signatures of all texts.

    One-permutation MinHash: the top bits of a shingle's hash name its slot, which keeps the low 32 bits of the least
    hash it meets. An empty slot takes the least of an order of its own over all shingles (Dahlgaard, Knudsen and
    Thorup, "Fast similarity sketching", 2017, cut to one round): low + t * high modulo 2**32 of a hash's two halves,
    where t is the slot's triangular number modulo `num_slots` (double hashing, Kirsch and Mitzenmacher 2006). So a slot
    holds the minimum of one order of the shingles, and two slots are equal with probability J.

    Raises:
        InvalidUtf8Error: A text is not UTF-8; the message names its row.
        InputError: A text is longer than 64 MiB.
    """
    sketches = Sketches.empty(len(texts), config)
    fill_sketches(texts, config, 0, len(texts), sketches)
    return sketches


def fill_sketches(texts: Texts, config: SketchConfig, start: int, stop: int, out: Sketches) -> None:
    """Do what `sketch` does for rows `start` to `stop`, into the same rows of `out`.

    Raises:
        SchemeMismatch: `out` is for other settings.
    """
    _fill_sketches(texts, config, start, stop, out)


def fill_sketches_and_samples(
    texts: Texts, config: SketchConfig, start: int, stop: int, out: Sketches
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Do what `fill_sketches` does, and sample the long shingles of the same rows as `fill_samples` does, in one pass.

    Returns:
        The samples one after the other, uint64, each sorted; and how many hashes each has, int64 [stop - start]: at
        most `SAMPLE_LEAST` and one for `SAMPLE_PART` shingles, the smallest.

    Raises:
        SchemeMismatch: `out` is for other settings.
    """
    _check_range(start, stop, len(texts))
    counts = np.empty(stop - start, np.int64)
    samples = _fill_sketches(
        texts,
        config,
        start,
        stop,
        out,
        wide=config.shingle_size + SAMPLE_EXTRA,
        cut=SAMPLE_CUT,
        least=SAMPLE_LEAST,
        part=SAMPLE_PART,
        counts=_kernel.address_of(counts),
    )
    return np.frombuffer(samples, np.uint64), counts


def _fill_sketches(texts: Texts, config: SketchConfig, start: int, stop: int, out: Sketches, **sampling: int) -> bytes:
    if out.scheme != Scheme.of(config):
        raise SchemeMismatch(f"out must be of the scheme of config. Got {out.scheme} and {Scheme.of(config)}.")
    _check_range(start, stop, len(texts))
    n = len(texts)
    status, row, samples = _kernel.sketch_rows(
        _address("texts.addresses", texts.addresses, np.uint64, (n,)),
        _address("texts.lengths", texts.lengths, np.int64, (n,)),
        start,
        stop,
        config.shingle_size,
        config.seed,
        config.num_slots.bit_length() - 1,
        _address("out.signatures", out.signatures, np.uint32, (n, config.num_slots)),
        _address("out.tokens", out.tokens, np.uint32, (n,)),
        _address("out.shingles", out.shingles, np.uint32, (n,)),
        _address("out.digests", out.digests, np.uint64, (n,)),
        **sampling,
    )
    _check(status, row)
    return samples


@dataclass(frozen=True, slots=True, eq=False)
class ShingleSets:
    """The sorted unique shingle hashes of some texts: set i is `values[starts[i] : starts[i] + counts[i]]`.

    Args:
        values: uint64.
        starts: int64 [n].
        counts: int64 [n].
    """

    values: NDArray[np.uint64]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def empty(cls, room: NDArray[np.integer[Any]]) -> ShingleSets:
        """Return uninitialised sets with room for `room[i]` hashes each, to be filled by `fill_shingle_sets`."""
        ends = np.cumsum(room, dtype=np.int64)
        total = int(ends[-1]) if len(ends) else 0
        return cls(np.empty(total, np.uint64), ends - room.astype(np.int64), np.zeros(len(room), np.int64))

    def __getitem__(self, row: int) -> NDArray[np.uint64]:
        """Return one set, sorted."""
        return self.values[self.starts[row] : self.starts[row] + self.counts[row]]

    def joined(self) -> NDArray[np.uint64]:
        """Return all sets one after the other, without the room between them."""
        steps = np.arange(self.counts.sum()) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        joined: NDArray[np.uint64] = self.values[np.repeat(self.starts, self.counts) + steps]
        return joined


def fill_shingle_sets(
    texts: Texts, rows: NDArray[np.int64], config: SketchConfig, start: int, stop: int, out: ShingleSets
) -> None:
    """Write the shingle sets of the texts `rows[start:stop]` to the same places of `out`.

    `out` must have room for as many hashes as `Sketches.shingles` counts for each row.
    """
    _fill_sets(texts, rows, config.shingle_size, config.seed, 0, start, stop, out)


def fill_samples(
    texts: Texts, rows: NDArray[np.int64], config: SketchConfig, start: int, stop: int, out: ShingleSets
) -> None:
    """Write a sample of the long shingles of the texts `rows[start:stop]` to the same places of `out`.

    A long shingle has `SAMPLE_EXTRA` tokens more than `config.shingle_size`. The sample holds those whose hash is below
    `SAMPLE_CUT` (FracMinHash: Irber et al., "Lightweight compositional analysis of metagenomes with FracMinHash and
    minimum metagenome covers", 2022), or the `SAMPLE_LEAST` smallest where these are fewer; of two texts, one inside
    the other, both samples hold the same of what they share. At most as many as `out` has room for: the smallest.
    """
    _fill_sets(texts, rows, config.shingle_size + SAMPLE_EXTRA, config.seed, SAMPLE_CUT, start, stop, out)


def _fill_sets(
    texts: Texts,
    rows: NDArray[np.int64],
    width: int,
    seed: int,
    cut: int,
    start: int,
    stop: int,
    out: ShingleSets,
) -> None:
    _check_range(start, stop, len(rows))
    _check_rows("rows", rows[start:stop], len(texts))
    ends = np.append(out.starts, len(out.values))[1:]
    if (ends < out.starts).any() or (len(out.starts) and out.starts[0] < 0):
        raise InvalidArgumentError("out.starts must ascend within out.values. Got others.")
    status, place = _kernel.shingle_set_rows(
        _address("texts.addresses", texts.addresses, np.uint64),
        _address("texts.lengths", texts.lengths, np.int64),
        _address("rows", rows, np.int64),
        start,
        stop,
        width,
        seed,
        _address("out.starts", out.starts, np.int64, (len(rows),)),
        _address("ends", ends, np.int64, (len(rows),)),
        _address("out.values", out.values, np.uint64),
        _address("out.counts", out.counts, np.int64, (len(rows),)),
        cut,
        SAMPLE_LEAST,
    )
    if status == _NO_ROOM:
        raise InvalidArgumentError(f"out must have room for the shingles of row {rows[place]}. Got less.")
    _check(status, int(rows[place]) if status else 0)


def shingle_set(text: str, shingle_size: int, seed: int = 0) -> NDArray[np.uint64]:
    """Return the sorted unique shingle hashes of a text, uint64; empty for a text without a token."""
    return np.unique(shingle_hashes(text, shingle_size, seed))


def sample(text: str, shingle_size: int, seed: int = 0) -> NDArray[np.uint64]:
    """Return the sample of the long shingles of a text, sorted, uint64: see `native.fill_samples`."""
    texts = Texts.from_strings([text])
    sets = ShingleSets.empty(texts.lengths + 1)
    fill_samples(texts, np.zeros(1, np.int64), SketchConfig(shingle_size=shingle_size, seed=seed), 0, 1, sets)
    return sets[0]


def fill_intersections(
    sets: ShingleSets,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    start: int,
    stop: int,
    out: NDArray[np.int64],
) -> None:
    """Write how many hashes sets `left[i]` and `right[i]` share to `out[i]`, for i from `start` to `stop`."""
    _check_range(start, stop, len(left))
    if (sets.starts < 0).any() or (sets.counts < 0).any() or (sets.starts > len(sets.values) - sets.counts).any():
        raise InvalidArgumentError(f"sets must lie within their {len(sets.values)} values. Got others.")
    _check_rows("left", left[start:stop], len(sets.counts))
    _check_rows("right", right[start:stop], len(sets.counts))
    _kernel.intersect_rows(
        _address("sets.values", sets.values, np.uint64),
        _address("sets.starts", sets.starts, np.int64),
        _address("sets.counts", sets.counts, np.int64, sets.starts.shape),
        _address("left", left, np.int64),
        _address("right", right, np.int64, left.shape),
        start,
        stop,
        _address("out", out, np.int64, left.shape),
    )


def intersection_size(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> int:
    """Return how many values two sorted unique uint64 arrays share."""
    counts = np.array([len(left), len(right)], np.int64)
    sets = ShingleSets(np.concatenate([left, right]), np.array([0, len(left)], np.int64), counts)
    out = np.zeros(1, np.int64)
    fill_intersections(sets, np.array([0], np.int64), np.array([1], np.int64), 0, 1, out)
    return int(out[0])


def fill_equal(
    texts: Texts, left: NDArray[np.int64], right: NDArray[np.int64], start: int, stop: int, out: NDArray[np.uint8]
) -> None:
    """Write to `out[i]` whether texts `left[i]` and `right[i]` have the same tokens (1) or not (0)."""
    _check_range(start, stop, len(left))
    _check_rows("left", left[start:stop], len(texts))
    _check_rows("right", right[start:stop], len(texts))
    _check(
        *_kernel.equal_rows(
            _address("texts.addresses", texts.addresses, np.uint64),
            _address("texts.lengths", texts.lengths, np.int64),
            _address("left", left, np.int64),
            _address("right", right, np.int64, left.shape),
            start,
            stop,
            _address("out", out, np.uint8, left.shape),
        )
    )


def fill_alignments(
    texts: Texts,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    config: SketchConfig,
    start: int,
    stop: int,
    out: NDArray[np.int64],
) -> None:
    """Write how texts `left[i]` and `right[i]` are aligned to `out[i]`, int64 [pairs, 5]: see `align`."""
    _check_range(start, stop, len(left))
    _check_rows("left", left[start:stop], len(texts))
    _check_rows("right", right[start:stop], len(texts))
    _check(
        *_kernel.align_rows(
            _address("texts.addresses", texts.addresses, np.uint64),
            _address("texts.lengths", texts.lengths, np.int64),
            len(texts),
            _address("left", left, np.int64),
            _address("right", right, np.int64, left.shape),
            start,
            stop,
            config.shingle_size,
            config.seed,
            _CAPITALS,
            _address("out", out, np.int64, (len(left), 5)),
        )
    )


def align(left: str, right: str, shingle_size: int, seed: int = 0) -> tuple[int, int, int, int, int]:
    """Walk two texts along the shingles that both have, and count what stands between.

    Returns:
        What they share in order, and the longest run that they share in any order (of what repeats, the first), in half
        words: a word counts two, a character of an unspaced script one. Then the places where they differ in order;
        those of them where facts are substituted, twelve words at most on either side: as many other numbers (of words
        that begin with a digit), and those besides where names (words with a capital inside a sentence) stand on both
        sides, none on both.
    """
    _validate.text("left", left)
    _validate.text("right", right)
    out = np.zeros((1, 5), np.int64)
    zero, one = np.zeros(1, np.int64), np.ones(1, np.int64)
    config = SketchConfig(shingle_size=shingle_size, seed=seed)
    fill_alignments(Texts.from_strings([left, right]), zero, one, config, 0, 1, out)
    shared, longest, places, figures, names = out[0].tolist()
    return shared, longest, places, figures, names


def fill_text_hashes(texts: Texts, seed: int, start: int, stop: int, out: NDArray[np.uint64]) -> None:
    """Write XXH3-64 of the unfolded bytes of each text to `out`, uint64 [n]."""
    _check_range(start, stop, len(texts))
    n = len(texts)
    _kernel.hash_rows(
        _address("texts.addresses", texts.addresses, np.uint64, (n,)),
        _address("texts.lengths", texts.lengths, np.int64, (n,)),
        start,
        stop,
        seed,
        _address("out", out, np.uint64, (n,)),
    )


def fill_cues(
    texts: Texts, marks: bytes, starts: Sequence[bytes], start: int, stop: int, out: NDArray[np.uint8]
) -> None:
    """Write to `out` (uint8 [n]) whether somebody should look at a text (1) or there is nothing to see (0).

    One looks at a text that has one of the bytes `marks`, that has a line which begins with one of `starts` (behind
    spaces and tabs), or whose first byte is no printing ASCII.
    """
    _check_range(start, stop, len(texts))
    n = len(texts)
    _kernel.cue_rows(
        _address("texts.addresses", texts.addresses, np.uint64, (n,)),
        _address("texts.lengths", texts.lengths, np.int64, (n,)),
        start,
        stop,
        marks,
        b"".join(bytes([len(cue)]) + cue for cue in starts),
        _address("out", out, np.uint8, (n,)),
    )


def band_keys(signatures: NDArray[np.uint32], first: int, rows: int) -> NDArray[np.uint64]:
    """Return a key per text for the band of `rows` slots from slot `first` on, uint64 [n].

    Equal slots give equal keys; other slots give equal keys with probability 2**-64.
    """
    n, slots = signatures.shape
    _check_range(first, first + rows, slots)
    keys = np.empty(n, np.uint64)
    _kernel.band_keys(_address("signatures", signatures, np.uint32), slots, 0, n, first, rows, keys.ctypes.data)
    return keys


def permutation_signatures(
    hashes: NDArray[np.uint64], offsets: NDArray[np.int64], scheme: str, parameters: NDArray[Any]
) -> NDArray[Any]:
    """Return the K-permutation MinHash signatures of datasketch 2, for given token hashes.

    Args:
        hashes: uint64, the token hashes of all texts: of 32 bits for "legacy" and "affine32".
        offsets: int64 [n + 1]; text i has the hashes `offsets[i]` to `offsets[i + 1]`.
        scheme: "legacy", "affine32" or "affine64".
        parameters: [2, K], a multiplier and an increment per permutation, as `MinHash.permutations` holds them: uint32
            for "affine32", uint64 otherwise.

    Returns:
        [n, K], uint32 for "affine32", uint64 otherwise; a text without a hash has the largest value in every slot.
    """
    if scheme not in PERMUTATION_SCHEMES:
        allowed = ", ".join(map(repr, PERMUTATION_SCHEMES))
        raise InvalidArgumentError(f"scheme must be one of {allowed}. Got {scheme!r}.")
    dtype = np.uint32 if scheme == "affine32" else np.uint64
    parameters = np.ascontiguousarray(parameters)
    if parameters.ndim != 2:
        raise InvalidArgumentError(f"parameters must be [2, slots]. Got {list(parameters.shape)}.")
    slots = parameters.shape[1]
    _address("parameters", parameters, dtype, (2, slots))
    n = len(offsets) - 1
    if n < 0 or offsets[0] < 0 or offsets[-1] > len(hashes) or _descends(offsets):
        raise InvalidArgumentError(f"offsets must ascend within the {len(hashes)} hashes. Got offsets that do not.")
    out = np.empty((n, slots), dtype)
    _kernel.permute_rows(
        _address("hashes", hashes, np.uint64),
        _address("offsets", offsets, np.int64),
        0,
        n,
        PERMUTATION_SCHEMES[scheme],
        parameters[0].ctypes.data,
        parameters[1].ctypes.data,
        slots,
        out.ctypes.data,
    )
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """What tells where a key may be in each of some runs of postings; made by `of`.

    Args:
        filters: uint64 [places, 2] of each run. The place of key k is k // 2**8 * places // 2**32.
        directories: uint64 [pages] of each run: the first entry of each page, ascending.
        masks: uint64 [2**14, 2], the bits of the key in either word: k * `reference.BASE` % 2**64 // 2**50 says which.
        table: uint64 [runs, 4], the same as the kernel reads it.
        addresses: Of the table and of the masks.
    """

    filters: Sequence[NDArray[np.uint64]]
    directories: Sequence[NDArray[np.uint64]]
    masks: NDArray[np.uint64]
    table: NDArray[np.uint64]
    addresses: tuple[int, int]

    @classmethod
    def of(
        cls,
        filters: Sequence[NDArray[np.uint64]],
        directories: Sequence[NDArray[np.uint64]],
        masks: NDArray[np.uint64],
    ) -> Runs:
        """Take the arrays in place.

        Raises:
            InvalidArgumentError: An array has another shape or dtype, or a filter or a directory is empty.
        """
        _address("masks", masks, np.uint64, (1 << 14, 2))
        table = np.empty((len(filters), 4), np.uint64)
        for row, words, directory in zip(table, filters, directories, strict=True):
            places, pages = words.size // 2, directory.size
            if not (0 < places < 1 << 32 and pages):
                raise InvalidArgumentError(f"runs must have a filter and a page. Got {places} places, {pages} pages.")
            row[:2] = places, _address("filters", words, np.uint64, (places, 2))
            row[2:] = _address("directories", directory, np.uint64, (pages,)), pages
        return cls(filters, directories, masks, table, (table.ctypes.data, masks.ctypes.data))


def probe_filters(wanted: NDArray[np.uint64], runs: Runs) -> NDArray[np.int64]:
    """Return where runs may have some keys, by their filters: int64 [3, n].

    A row each for the place of the key, the place of the run, and the page of it that would have the key's first entry,
    counted through all runs; by run and then by key.

    Args:
        wanted: uint64 [n], keys below 2**40.
        runs: To look into.
    """
    n, count = len(wanted), len(runs.table)
    lists = np.empty((3, count * n), np.int64)
    table, masks = runs.addresses
    total = _kernel.probe_filters(
        _address("wanted", wanted, np.uint64, (n,)), n, table, count, masks, _kernel.address_of(lists)
    )
    if total < 0:
        raise InvalidArgumentError(f"wanted must be below 2**40. Got {wanted.max()}.")
    return lists[:, :total]


def search_lists(
    entries: NDArray[np.uint64], lists: NDArray[np.int64], wanted: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Look keys up in sorted lists of entries.

    Args:
        entries: uint64, a key of 40 bits above a number of 24 each; one that has all bits stands for none.
        lists: int64 [5, n]: the first key that is looked up in a list and the one behind the last, where the list
            begins and ends in `entries`, and what is added to its numbers. The entries of a list ascend.
        wanted: uint64, keys, fewer than 2**23.

    Returns:
        int64, of each entry found the place of its key times 2**40 and its number, by list and then by key; and
        bool [n], whether the last key may go on in what follows a list, since that has no larger one.
    """
    n = lists.shape[1]
    goes_on = np.empty(n, np.bool_)
    arguments = (
        _address("entries", entries, np.uint64),
        len(entries),
        _address("lists", lists, np.int64, (5, n)),
        n,
        _address("wanted", wanted, np.uint64),
        len(wanted),
    )
    on, found = _kernel.address_of(goes_on), np.empty(len(wanted) + n, np.int64)
    total = _kernel.search_lists(*arguments, _kernel.address_of(found), len(found), on)
    if total > len(found):
        found = np.empty(total, np.int64)
        total = _kernel.search_lists(*arguments, _kernel.address_of(found), total, on)
    if total < 0:
        raise InvalidArgumentError(f"lists must be of {len(wanted)} keys and {len(entries)} entries. Got others.")
    return found[:total], goes_on


def choose_canonicals(
    offsets: NDArray[np.int64], neighbours: NDArray[np.int64], scores: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the canonical of each document, int64 [n]; a canonical's is itself.

    Documents are numbered in keep order; document i is linked to `neighbours[offsets[i] : offsets[i + 1]]`, each link
    standing on both sides. One that is linked to no canonical before it becomes canonical (the greedy maximal
    independent set); each other joins the canonical it is linked to with the highest score, the earlier of equals.
    """
    n = len(offsets) - 1
    if len(neighbours) and not (int(neighbours.min()) >= 0 and int(neighbours.max()) < n):
        raise InvalidArgumentError(f"neighbours must be in [0, {n}). Got others.")
    if n < 0 or offsets[0] != 0 or offsets[-1] != len(neighbours) or _descends(offsets):
        raise InvalidArgumentError(f"offsets must ascend from 0 to {len(neighbours)}. Got offsets that do not.")
    out = np.empty(n, np.int64)
    _kernel.choose_canonicals(
        _address("offsets", offsets, np.int64),
        _address("neighbours", neighbours, np.int64),
        _address("scores", scores, np.float64, neighbours.shape),
        n,
        out.ctypes.data,
    )
    return out
