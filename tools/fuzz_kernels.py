"""Feeds the kernels random and mutated bytes that end where a heap block ends; tools/asan.sh runs it under sanitizers.

Without a sanitizer it still checks which bytes are taken for UTF-8, and short texts against the twins. Round n of a
seed is always the same: to replay a failure, pass `--seed` and, as `--first`, the last round that was printed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dedup.config import SketchConfig
from dedup.errors import InvalidArgumentError, InvalidUtf8Error
from dedup.kernels import _blocks, _kernel, blocks, native, reference, reference_blocks
from dedup.kernels.blocks import COLUMNS, NODES, REACH, Forest, Lexicon
from dedup.kernels.native import Runs, ShingleSets, Texts
from dedup.kernels.sketches import Sketches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Rounds between two lines of the log.
LOG_EVERY = 200
#: What a block has none of at its ends.
SPACE = bytes(range(33))

#: What texts are made of, beside random bytes: each class of the fold table, and every length of a token's hash.
PIECES = tuple(
    piece.encode()
    for piece in (
        *("a", "the ", "Straße ", "it's ", '"', "`", " ", "\n", "\0", "\x01", "\x1f", "\x7f", "0123456789 "),
        *("é", "Ж", "мир ", "سلام ", "ـ", "\u0301", "\u00ad", "\u200b", "ŀ", "½", "ŉ", "\u07ff", "\u0800"),
        *(
            "漢",
            "字",
            "ひ",
            "ﾊﾟ",
            "ไทย",
            "ລາວ",
            "한",
            "힣글",
            "가",
            "ᄀ",
            "\uffff",
            "\U00010000",
            "\U0001f30a",
            "\U0010ffff",
        ),
        *("\ufdfa", "\u3316", "\u3300", "\ufdfa " * 3, "\U0001f200", "\u33ff", "\U0001d4b3", "𠀀", "\U000e0001"),
    )
)
#: Malformed: alone, cut off, too long, surrogates, beyond the last code point.
BROKEN = (
    b"\x80",
    b"\xc0\x80",
    b"\xc2",
    b"\xe0\xa0",
    b"\xe0\x80\x80",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x8c",
    b"\xf4\x90\x80\x80",
)
#: What the second kernel tells apart beside PIECES: ends of sentences, bullets, capitals; some are phrases as well.
MARKS = tuple(
    piece.encode()
    for piece in (
        *(". ", ".” ", "... ", "…", "? ", "!", "。", "؟", "،", ", ", ": ", "|", "»", "(", "@", "’", "'", "-", "©"),
        *("THE ", "Of the ", "ЁЛКА ", "Ž", "İ", "\u00a0", "\u3000", "\r\n", "\n\n", "3rd ", "related articles "),
    )
)
TOKEN_LENGTHS = (1, 3, 4, 8, 9, 16, 17, 32, 33, 64, 128, 129, 240, 241, 256, 512, 1023, 1024, 1025, 2049)

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]


class Block:
    """Bytes in a heap block of exactly their size; a read of one more is what a sanitizer sees."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self.address = libc.malloc(self.size)
        ctypes.memmove(self.address, content, self.size)

    def array(self) -> NDArray[np.uint8]:
        """Return a view of the block."""
        return np.frombuffer(memoryview((ctypes.c_uint8 * self.size).from_address(self.address)), np.uint8)

    def free(self) -> None:
        """Give the memory back, so that any later use is seen."""
        libc.free(self.address)


def make_mixture(rng: np.random.Generator, size: int, rarity: int) -> bytearray:
    """Return at least `size` bytes of pieces and long words, one piece in `rarity` of them malformed."""
    out = bytearray()
    few = [PIECES[i] for i in rng.integers(0, len(PIECES), 12)]
    while len(out) < size:
        if not rng.integers(20):
            out += b" " + b"w" * int(rng.choice(TOKEN_LENGTHS))
        if not rng.integers(rarity):
            out += BROKEN[rng.integers(len(BROKEN))]
        out += few[rng.integers(len(few))] * int(rng.integers(1, 4) if size < 1000 else rng.integers(1, 200))
    return out


def make_text(rng: np.random.Generator) -> bytes:
    """Return one text, not always valid."""
    if not rng.integers(400):
        # More distinct shingles than the short way of sorting takes.
        return " ".join(map(str, range(70_000))).encode()
    kind = rng.integers(12)
    size = int(rng.integers(301)) if rng.integers(50) else int(rng.integers(90_000, 110_000))
    if kind == 0:
        return rng.bytes(size)
    if kind == 1:
        return bytes(rng.integers(0, 128, size, dtype=np.uint8))
    if kind == 2:
        return PIECES[rng.integers(len(PIECES))] * (size // 4)
    if kind == 3:
        return b"x" * (int(rng.choice(TOKEN_LENGTHS)) + int(rng.integers(-1, 2)))
    out = make_mixture(rng, size, 300 if kind < 9 else 4000)
    for _ in range(int(rng.integers(1, 4)) if kind > 9 and out else 0):
        out[rng.integers(len(out))] = rng.integers(256)
    # Often in the middle of a character.
    return bytes(out[:size])


def is_utf8(text: bytes) -> bool:
    """Tell whether Python takes the bytes for UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def make_config(rng: np.random.Generator) -> SketchConfig:
    """Return settings, small ones more often."""
    return SketchConfig(
        shingle_size=int(rng.integers(1, 8)) if rng.integers(8) else int(rng.integers(1, 65)),
        num_slots=int(2 ** rng.integers(4, 8)) if rng.integers(8) else int(2 ** rng.integers(4, 13)),
        seed=int(rng.choice(np.array([0, 1, 2**32, 2**63, 2**64 - 1], np.uint64))),
    )


def check_text(text: bytes, config: SketchConfig) -> bool:
    """Sketch one text in a block of its own; tell whether it was valid."""
    block = Block(text)
    texts = Texts.from_buffers(block.array(), np.array([0, len(text)], np.int64))
    try:
        made = native.sketch(texts, config)
    except InvalidUtf8Error:
        if is_utf8(text):
            raise
        return False
    finally:
        block.free()
    if not is_utf8(text):
        raise AssertionError(f"malformed text was taken: {text[:200]!r}")
    if len(text) < 80 and config.num_slots <= 64:
        expected = reference.sketch([text.decode()], config)
        for name in ("signatures", "tokens", "shingles", "digests"):
            np.testing.assert_array_equal(getattr(made, name), getattr(expected, name))
    return True


def check_batch(contents: Sequence[bytes], config: SketchConfig, rng: np.random.Generator) -> None:
    """Take valid texts through every kernel, in one block that ends where the last of them does."""
    block = Block(b"".join(contents))
    n = len(contents)
    offsets = np.cumsum([0, *map(len, contents)], dtype=np.int64)
    texts = Texts.from_buffers(block.array(), offsets)
    sketches = native.sketch(texts, config)
    rows = rng.integers(0, n, int(rng.integers(1, 2 * n + 1)))
    sets = ShingleSets.empty(sketches.shingles[rows])
    middle = int(rng.integers(len(rows) + 1))
    native.fill_shingle_sets(texts, rows, config, 0, middle, sets)
    native.fill_shingle_sets(texts, rows, config, middle, len(rows), sets)
    samples = ShingleSets.empty(sketches.shingles[rows] // 2 + 1)
    native.fill_samples(texts, rows, config, 0, len(rows), samples)
    native.fill_sketches_and_samples(texts, config, 0, len(texts), Sketches.empty(len(texts), config))
    if len(samples.joined()) != samples.counts.sum() or (samples.counts < 0).any():
        raise AssertionError("samples are not those that were counted")
    left, right = rng.integers(0, len(rows), 9), rng.integers(0, len(rows), 9)
    shared = np.zeros(9, np.int64)
    native.fill_intersections(sets, left, right, 0, 9, shared)
    for a, b, count in zip(left, right, shared, strict=True):
        if count != len(np.intersect1d(sets[a], sets[b])):
            raise AssertionError(f"sets {a} and {b} do not share {count}")
    equal = np.zeros(9, np.uint8)
    native.fill_equal(texts, rows[left], rows[right], 0, 9, equal)
    digests = sketches.digests[rows]
    np.testing.assert_array_equal(equal, digests[left] == digests[right])
    aligned = np.zeros((9, 5), np.int64)
    native.fill_alignments(texts, rows[left], rows[right], config, 0, 9, aligned)
    check_alignment(contents[0], config, rng)
    cues = np.zeros(n, np.uint8)
    native.fill_cues(texts, b"{\xf0", [b"the ", b"www", b"a" * 255], 0, n, cues)
    hashes = np.zeros(n, np.uint64)
    native.fill_text_hashes(texts, config.seed, 0, n, hashes)
    width = int(rng.integers(1, config.num_slots + 1))
    first = int(rng.integers(config.num_slots - width + 1))
    native.band_keys(sketches.signatures, first, width)
    block.free()
    strings = [content.decode() for content in contents]
    for other in (Texts.from_strings(strings), Texts.from_arrow(pa.array([None, *strings], pa.string())[1:])):
        np.testing.assert_array_equal(native.sketch(other, config).signatures, sketches.signatures)
    for string in strings[:2]:
        native.tokens(string)
        native.shingle_hashes(string, config.shingle_size, config.seed)
    check_permutations(hashes, rng)


def check_alignment(text: bytes, config: SketchConfig, rng: np.random.Generator) -> None:
    """Align a text with itself after some words were moved, left out and replaced, each in a block of its own."""
    words = text.split(b" ")
    for _ in range(int(rng.integers(4))):
        start, size, place = (int(number) for number in rng.integers(0, len(words) + 1, 3))
        moved = words[start : start + size % 20]
        words[start : start + size % 20] = [b"17", b"Rome", b"x"][: int(rng.integers(4))]
        words[place:place] = moved if rng.integers(2) else []
    other = b" ".join(words)
    blocks = Block(text), Block(other)
    texts = [
        Texts.from_buffers(block.array(), np.array([0, len(content)], np.int64))
        for block, content in zip(blocks, (text, other), strict=True)
    ]
    both = Texts(
        np.concatenate([one.addresses for one in texts]), np.concatenate([one.lengths for one in texts]), texts
    )
    out = np.zeros((1, 5), np.int64)
    native.fill_alignments(both, np.zeros(1, np.int64), np.ones(1, np.int64), config, 0, 1, out)
    if len(text) + len(other) < 600:
        expected = reference.align(text.decode(), other.decode(), config.shingle_size, config.seed)
        np.testing.assert_array_equal(out[0], expected)
    for block in blocks:
        block.free()


def make_page(rng: np.random.Generator, text: bytes) -> bytes:
    """Return a text with marks, and often with many lines."""
    out = b"".join(
        part + MARKS[rng.integers(len(MARKS))] * int(rng.integers(0, 3))
        for part in text.split(b" ", int(rng.integers(99)))
    )
    return out.replace(b"a", b"\n") if rng.integers(2) else out


def make_lexicon(rng: np.random.Generator) -> dict[bytes, int]:
    """Return phrases of one piece or two, whole characters or not, with values at random."""
    pieces = (*PIECES, *MARKS, *BROKEN)
    phrases = [
        b"".join(pieces[i] for i in rng.integers(0, len(pieces), 2))[: int(rng.integers(2, 20))].lower()
        for _ in range(40)
    ]
    return {
        phrase: int(rng.integers(0, 2**15)) if rng.integers(3) else int(rng.integers(17, 19))
        for phrase in phrases
        if len(phrase) > 1
    }


def make_forest(rng: np.random.Generator) -> Forest:
    """Return trees that look at any column of any block within reach."""
    trees, width = int(rng.integers(0, 20)), len(COLUMNS)
    places = rng.integers(-REACH * width, (REACH + 1) * width, trees * NODES, np.int16)
    limits = rng.integers(-1, 120, trees * NODES, np.int16)
    leaves = rng.integers(-(2**15), 2**15, trees * (NODES + 1), np.int16)
    few, many = rng.integers(-(2**17), 2**17, 2).tolist()
    return Forest(places.tobytes(), limits.tobytes(), leaves.tobytes(), few=few, many=many, page=max(few, many))


def check_pages(pages: Sequence[bytes], rng: np.random.Generator) -> None:
    """Read pages, valid or not, in one heap block that ends where the last does; of short ones ask the twin as well."""
    phrases, forest = make_lexicon(rng), make_forest(rng)
    lexicon = Lexicon.of(phrases)
    block = Block(b"".join(pages))
    texts = Texts.from_buffers(block.array(), np.cumsum([0, *map(len, pages)]))
    found = blocks.read(texts, lexicon, forest)
    np.testing.assert_array_equal(blocks.locate(texts)[0], found.firsts)
    block.free()
    for page, first, last in zip(pages, found.firsts[:-1], found.firsts[1:], strict=True):
        own = slice(first, last)
        table = np.frombuffer(_blocks.see_text(page, lexicon.parts), np.int32).reshape(-1, len(COLUMNS))
        if (
            not len(table)
            == last - first
            == page.count(b"\n") + 1 - sum(not line.strip(SPACE) for line in page.split(b"\n"))
        ):
            raise AssertionError(f"{last - first} blocks are not those of {page[:200]!r}")
        if len(page) < (2000 if not rng.integers(20) else 80):
            rows = reference_blocks.see(page, phrases)
            np.testing.assert_array_equal(table, np.array(rows, np.int32).reshape(table.shape))
            scores, furniture = reference_blocks.judge(page, phrases, forest)
            np.testing.assert_array_equal(found.scores[own], np.array(scores, np.int32))
            np.testing.assert_array_equal(found.furniture[own], np.array(furniture, np.bool_))
            np.testing.assert_array_equal(found.cues[own], np.array(reference_blocks.cues(page, phrases), np.uint32))
            np.testing.assert_array_equal(
                found.fingerprints[own], np.array(reference_blocks.fingerprints(page, phrases), np.uint64)
            )


def check_permutations(hashes: NDArray[np.uint64], rng: np.random.Generator) -> None:
    """Take the K-permutation schemes over rows of the given hashes."""
    slots = int(rng.integers(1, 140))
    offsets = np.sort(rng.integers(0, len(hashes) + 1, int(rng.integers(1, 6))))
    for scheme in native.PERMUTATION_SCHEMES:
        dtype: Any = np.uint32 if scheme == "affine32" else np.uint64
        parameters = rng.integers(0, np.iinfo(dtype).max, (2, slots), dtype=dtype, endpoint=True)
        native.permutation_signatures(hashes, offsets, scheme, parameters)


def check_graph(rng: np.random.Generator) -> None:
    """Choose the canonicals of a random graph and compare with the twin."""
    n = int(rng.integers(0, 30))
    links = np.triu(rng.random((n, n)) < rng.random() / 2, 1)
    links |= links.T
    scores = np.round(rng.random((n, n)), 1)
    offsets = np.concatenate([[0], np.cumsum(links.sum(axis=1))]).astype(np.int64)
    neighbours, values = np.nonzero(links)[1].astype(np.int64), scores[links]
    np.testing.assert_array_equal(
        native.choose_canonicals(offsets, neighbours, values), reference.choose_canonicals(offsets, neighbours, values)
    )


def check_postings(rng: np.random.Generator) -> None:
    """Look keys up in lists and runs that lie in blocks of their own, and compare with the twins."""
    sizes = rng.integers(0, 30, int(rng.integers(0, 5)))
    wanted = np.sort(rng.integers(0, 2**40, int(rng.integers(0, 20)), np.uint64) >> np.uint64(rng.integers(0, 40)))
    rows = [np.sort(rng.integers(0, 2**64, size, np.uint64) >> np.uint64(rng.integers(0, 20))) for size in sizes]
    ends = np.cumsum(sizes)
    bounds = np.sort(rng.integers(0, len(wanted) + 1, (2, len(sizes))), axis=0)
    lists = np.array([*bounds, ends - sizes, ends, rng.integers(0, 2**39, len(sizes))])
    held = Block(b"".join(row.tobytes() for row in rows))
    entries = held.array().view(np.uint64)
    for found, expected in zip(
        native.search_lists(entries, lists, wanted), reference.search_lists(entries, lists, wanted), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    lists[int(rng.integers(4))] += int(rng.integers(-40, 40))
    with contextlib.suppress(InvalidArgumentError):
        native.search_lists(entries, lists, wanted)
    held.free()
    filters = [Block(rng.bytes(16 * int(rng.integers(1, 20)))) for _ in sizes]
    directories = [Block(np.sort(rng.integers(0, 2**64, int(rng.integers(1, 9)), np.uint64)).tobytes()) for _ in sizes]
    masks = np.uint64(1) << rng.integers(0, 64, (1 << 14, 2), np.uint64)
    runs = Runs.of(
        [block.array().view(np.uint64).reshape(-1, 2) for block in filters],
        [block.array().view(np.uint64) for block in directories],
        masks,
    )
    np.testing.assert_array_equal(native.probe_filters(wanted, runs), reference.probe_filters(wanted, runs))
    for block in (*filters, *directories):
        block.free()


def run_round(seed: int, number: int) -> tuple[int, int]:
    """Run one round; return how many texts it made and how many of them were valid."""
    rng = np.random.default_rng([seed, number])
    config = make_config(rng)
    made = [make_text(rng) for _ in range(int(rng.integers(1, 12)))]
    valid = [text for text in made if check_text(text, config)]
    if valid:
        check_batch(valid, config, rng)
    pages = [make_page(rng, text) for text in made]
    for end in {1, len(pages)}:
        check_pages(pages[:end], rng)
    if not number % 10:
        check_graph(rng)
        check_postings(rng)
    return len(made), len(valid)


def plant(kernel: str) -> None:
    """Read beyond a block in one of the kernels, which a sanitizer must see."""
    block = Block(b"x" * 64)
    texts = Texts(np.array([block.address], np.uint64), np.array([64], np.int64), block)
    if kernel == "_kernel":
        texts.lengths[0] += 1
        native.sketch(texts, SketchConfig())
    else:
        # Of a text the first read is the C library's, which is seen in a kernel without a sanitizer too.
        beyond = np.full(NODES, (REACH + 1) * len(COLUMNS), np.int16).tobytes()
        blocks.read(texts, Lexicon.of({}), Forest(beyond, beyond, bytes(2 * (NODES + 1)), few=0, many=0, page=0))


def main() -> None:
    """Fuzz for as long as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the round to begin with")
    parser.add_argument("--kernel-in", type=Path, help="stop unless the kernels were loaded from this folder")
    parser.add_argument("--plant", choices=["_kernel", "_blocks"], help="read beyond a block in that kernel and end")
    arguments = parser.parse_args()
    for kernel in (_kernel, _blocks):
        place = Path(str(kernel.__file__)).parent
        if arguments.kernel_in and place.resolve() != arguments.kernel_in.resolve():
            sys.exit(f"the kernel must come from {arguments.kernel_in}. Got {place}.")
    if arguments.plant:
        plant(arguments.plant)
        return
    end = time.monotonic() + arguments.seconds
    number, texts, valid = arguments.first, 0, 0
    while time.monotonic() < end:
        if not number % LOG_EVERY or number == arguments.first:
            print(f"seed {arguments.seed} round {number}: {texts} texts, {valid} valid", flush=True)
        made, taken = run_round(arguments.seed, number)
        number, texts, valid = number + 1, texts + made, valid + taken
    print(f"seed {arguments.seed}, {number - arguments.first} rounds: {texts} texts, {valid} valid, nothing found")


if __name__ == "__main__":
    main()
