"""The blocks of texts over NumPy arrays: where they are, what is seen of each, how much each looks like the story."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from dedup.errors import InvalidArgumentError, NotCompiledError

try:
    from dedup.kernels import _blocks
except ImportError as cause:
    message = "the native kernel is not compiled: install the package with pip, or run `make build` in a checkout"
    raise NotCompiledError(message) from cause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dedup.kernels.native import Texts
    from dedup.model import BlockKind

#: Kinds of furniture that cues name, in the order of their bits.
KINDS: tuple[BlockKind, ...] = (
    "dateline", "byline", "metadata", "caption", "credit", "embed", "promo", "related", "most_read", "comments",
    "share", "navigation", "cookie", "copyright", "advert", "correction",
)  # fmt: skip
#: What the lexicon knows besides: words that prose is held together with, and words of dates. Their codes are KINDS's.
WORDS = ("function", "date")
#: How strict the place of a cue is: anywhere in the block, at its start, or the block says nothing else.
PLACES = ("any", "start", "whole")
#: A text of more blocks is no page; it is left as it is.
MAX_BLOCKS = 2**16

#: What is seen of a block, one column each; the three that end in `:` are a column for each of KINDS.
COLUMNS = (
    "words", "chars", "function_share", "functions", "dates", "capital_share", "shout_share", "digit_share", "digits",
    "ending", "opening", "sentences", "commas", "separators", "ats", "brackets", "quotes", "word_length", "exclaimed",
    "colons", "asked", "ideograph_share", "prose", "cue", "repeats", "known_share", "known_words", "before_share",
    "after_share", "before", "after", "prose_above", "prose_below", "words_below_3", "words_above_3", "words_below_8",
    "words_above_8", "prose_below_3", "prose_above_3", "prose_below_8", "prose_above_8", "cues_above_5",
    "cues_below_5", "index", "index_from_end", "blocks", "total_prose", "prose_blocks_share",
    *(f"{column}:{kind}" for column in ("cue", "cue_above", "cue_below") for kind in KINDS),
)  # fmt: skip
#: How many blocks up or down the forest may look.
REACH = 3
_LEAST_BYTES = 2  # of a phrase
_NODE = np.dtype([("first", "<u4"), ("value", "<u2"), ("byte", "u1"), ("children", "u1")])
#: The depth of every tree of a forest, and its inner nodes.
DEPTH, NODES = 5, 31
#: Behind so many trees a score this low or this high stands: the others are not asked.
FEW_TREES, SURE_LOW, SURE_HIGH = 50, -3500, 2500
#: A block is short up to so many words, and long from so many on.
FEW_WORDS, MANY_WORDS = 8, 30
#: A line of so many words at most that begins with a cue of one of these kinds, and is no sentence, needs so much more.
LEADS: tuple[BlockKind, ...] = ("embed", "promo", "related", "advert")
LEAD_WORDS, LEAD_MORE = 14, 3000
#: A whole page has so many blocks, and so many of ten are furniture whatever their length.
PAGE_BLOCKS, PAGE_TENTHS = 64, 6


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A trie over UTF-8: the children of node `i` are the nodes `first[i]` to `first[i + 1]`.

    Args:
        first: uint32 [nodes + 1].
        byte: uint8 [nodes], the byte that leads to a node.
        value: uint16 [nodes], what a phrase that ends there is: five bits each for anywhere, at the start, the whole.
        parts: What the kernel takes: the nodes, each with its four numbers, and uint32 [65536], the node that two bytes
            lead to, the first times 256 and the second, 0 for none, and a bit for each word that may begin a phrase.
    """

    first: bytes
    byte: bytes
    value: bytes
    parts: tuple[bytes, bytes, bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        first, byte = np.frombuffer(self.first, np.uint32), np.frombuffer(self.byte, np.uint8)
        nodes = np.zeros(len(byte), _NODE)
        nodes["first"], nodes["byte"], nodes["value"] = first[:-1], byte, np.frombuffer(self.value, np.uint16)
        # The root alone could have more, and `pairs` leads past it.
        nodes["children"] = np.minimum(np.diff(first), 255)
        pairs = np.zeros(1 << 16, np.uint32)
        for node in range(int(first[0]), int(first[1])):
            children = np.arange(first[node], first[node + 1])
            pairs[(int(byte[node]) << 8) + byte[children].astype(np.int64)] = children
        openers = _blocks.openers(self.first, self.byte, self.value)
        object.__setattr__(self, "parts", (nodes.tobytes(), pairs.tobytes(), openers))

    @classmethod
    def of(cls, phrases: Mapping[bytes, int]) -> Self:
        """Build the trie of some phrases, each with its value.

        Raises:
            InvalidArgumentError: A phrase has fewer than two bytes.
        """
        for phrase in phrases:
            if len(phrase) < _LEAST_BYTES:
                raise InvalidArgumentError(f"phrases must have two bytes or more. Got {phrase!r}.")
        root: dict[int, dict[int, object]] = {}
        for phrase in phrases:
            node = root
            for byte in phrase:
                node = node.setdefault(byte, {})  # type: ignore[assignment]
        first, bytes_, values = [], [0], [0]
        level: list[tuple[bytes, dict[int, dict[int, object]]]] = [(b"", root)]
        nodes = 1
        while level:
            below: list[tuple[bytes, dict[int, dict[int, object]]]] = []
            for prefix, children in level:
                first.append(nodes)
                nodes += len(children)
                for byte in sorted(children):
                    path = prefix + bytes([byte])
                    bytes_.append(byte)
                    values.append(phrases.get(path, 0))
                    below.append((path, children[byte]))  # type: ignore[arg-type]
            level = below
        first.append(nodes)
        return cls(
            np.array(first, np.uint32).tobytes(),
            np.array(bytes_, np.uint8).tobytes(),
            np.array(values, np.uint16).tobytes(),
        )


@dataclass(frozen=True, slots=True)
class Forest:
    """Boosted regression trees over whole numbers, each of depth DEPTH and complete.

    The children of node i of a tree are its nodes 2 * i + 1 and 2 * i + 2; behind the last node come the leaves.

    Args:
        places: int16 [trees, NODES], which number to look at: a place relative to the block's first column.
        limits: int16 [trees, NODES], the most that goes left.
        leaves: int16 [trees, NODES + 1].
        few: The least score of a block of the story of at most FEW_WORDS words.
        many: The least score of one of at least MANY_WORDS words; between, on a straight line.
        page: The least score of any block of a whole page, at least `few` and `many`.
        parts: What the kernel takes: each place beside its limit, the leaves, and the three scores.
    """

    places: bytes
    limits: bytes
    leaves: bytes
    few: int
    many: int
    page: int
    parts: tuple[bytes, bytes, int, int, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        branches = np.stack([np.frombuffer(self.places, np.int16), np.frombuffer(self.limits, np.int16)], axis=1)
        object.__setattr__(self, "parts", (branches.tobytes(), self.leaves, self.few, self.many, self.page))


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The blocks of some texts, one text after the other: those of text i are `firsts[i]` to `firsts[i + 1]`.

    Args:
        firsts: int64 [n + 1].
        cues: uint32, two bits for each of KINDS: 0, or the place of its strictest cue, 1 + its place in PLACES.
        fingerprints: uint64, equal for blocks that differ in numbers, dates, case and punctuation only; 0 for a block
            of nothing else.
        words: int32.
        scores: int32, the sum of the forest, when the block was taken out or in the last round.
        furniture: bool, whether the block is no story. What is left when these are gone has none.
    """

    firsts: NDArray[np.int64]
    cues: NDArray[np.uint32]
    fingerprints: NDArray[np.uint64]
    words: NDArray[np.int32]
    scores: NDArray[np.int32]
    furniture: NDArray[np.bool_]


def read(texts: Texts, lexicon: Lexicon, forest: Forest) -> Blocks:
    """Return the blocks of all texts; a text of more than MAX_BLOCKS has none.

    The blocks whose score is too low are taken out, and the others are looked at again as if these had never been
    there, until all that are left stay. A text that would lose every block, or does not come to rest, keeps all.
    """
    n = len(texts)
    counts, firsts = _count(texts)
    total = int(firsts[-1])
    cues, fingerprints = np.empty(total, np.uint32), np.empty(total, np.uint64)
    words, scores, furniture = np.empty(total, np.int32), np.empty(total, np.int32), np.empty(total, np.bool_)
    status = _blocks.block_rows(
        texts.addresses.ctypes.data,
        texts.lengths.ctypes.data,
        0,
        n,
        counts.ctypes.data,
        firsts.ctypes.data,
        lexicon.parts,
        forest.parts,
        cues.ctypes.data,
        fingerprints.ctypes.data,
        words.ctypes.data,
        scores.ctypes.data,
        furniture.ctypes.data,
    )
    if status:
        raise MemoryError
    return Blocks(firsts, cues, fingerprints, words, scores, furniture)


def locate(texts: Texts) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return `Blocks.firsts`, and where each block begins and ends, in characters of its text."""
    counts, firsts = _count(texts)
    starts, ends = np.empty(int(firsts[-1]), np.int64), np.empty(int(firsts[-1]), np.int64)
    _blocks.locate_rows(
        texts.addresses.ctypes.data,
        texts.lengths.ctypes.data,
        0,
        len(texts),
        counts.ctypes.data,
        firsts.ctypes.data,
        starts.ctypes.data,
        ends.ctypes.data,
    )
    return firsts, starts, ends


def _count(texts: Texts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    n = len(texts)
    counts = np.empty(n, np.int64)
    _blocks.count_rows(texts.addresses.ctypes.data, texts.lengths.ctypes.data, 0, n, counts.ctypes.data)
    counts[counts > MAX_BLOCKS] = 0
    return counts, np.concatenate([[0], np.cumsum(counts)])


def see(text: str, lexicon: Lexicon) -> NDArray[np.int32]:
    """Return what is seen of each block of a text, int32 [blocks, len(COLUMNS)]."""
    table = _blocks.see_text(text.encode("utf-8", "replace"), lexicon.parts)
    return np.frombuffer(table, np.int32).reshape(-1, len(COLUMNS))
