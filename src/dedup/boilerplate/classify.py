"""Which blocks of a page are its story: the score of a trained forest, and the kind of what is none.

The weights and the words come from `benchmarks/train_blocks.py`; docs/decisions/0012 says how they were chosen.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dedup.kernels import blocks as kernel
from dedup.kernels.blocks import KINDS, Blocks, Forest, Lexicon, locate
from dedup.kernels.native import Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dedup.model import BlockKind

#: Scores are thousandths of a natural logarithm of the odds that a block is of the story.
SCORE_UNIT = 1000
#: The least scores of a block of the story: a short one, a long one, whose loss is greater, and any of a whole page.
_FEW, _MANY, _PAGE = -1000, -2000, -500

#: Headings that open an extent: the furniture below is of their kind until the story goes on.
_OPENERS = ("promo", "related", "most_read", "comments", "share", "cookie")
_EXTENT = 40  # blocks
_TEASER_WORDS = 4


class Line(NamedTuple):
    """A block of a page: characters `start` to `end`, without the space around, and what is known of it."""

    start: int
    end: int
    cues: int
    fingerprint: int
    words: int
    score: int
    furniture: bool


@cache
def weights() -> tuple[Lexicon, Forest]:
    """Return the lexicon and the forest that the package ships; they are read when they are first needed."""
    with files(__package__).joinpath("weights.npz").open("rb") as file, np.load(file, allow_pickle=False) as parts:
        lexicon = Lexicon(*(parts[name].tobytes() for name in ("first", "byte", "value")))
        places, limits, leaves = (parts[name].tobytes() for name in ("places", "limits", "leaves"))
        return lexicon, Forest(places, limits, leaves, _FEW, _MANY, _PAGE)


def read_blocks(texts: Texts) -> Blocks:
    """Return the blocks of some texts with their scores; equal texts have equal blocks, whatever stands beside them."""
    return kernel.read(texts, *weights())


def lines_of(text: str) -> list[Line]:
    """Return the blocks of one text."""
    texts = Texts.from_strings([text])
    return lines_in(texts, read_blocks(texts), [0])[0]


def lines_in(texts: Texts, blocks: Blocks, rows: Sequence[int]) -> list[list[Line]]:
    """Return the blocks of some texts of a batch, given the blocks of all; `rows` ascend."""
    firsts, starts, ends = locate(texts.take(np.array(rows, np.int64)))
    chosen = np.zeros(len(texts), np.bool_)
    chosen[rows] = True
    mine = np.repeat(chosen, np.diff(blocks.firsts))
    columns = (blocks.cues, blocks.fingerprints, blocks.words, blocks.scores, blocks.furniture)
    fields = zip(starts.tolist(), ends.tolist(), *(column[mine].tolist() for column in columns), strict=True)
    lines = list(map(Line._make, fields))
    return [lines[first:end] for first, end in pairwise(firsts.tolist())]


@lru_cache(1 << 14)
def cue(cues: int) -> tuple[BlockKind | None, int]:
    """Return the kind that the strictest cue of a block names, and how strict it is, 1 to 3; None and 0 without one."""
    best: BlockKind | None = None
    strictness = 0
    for kind in KINDS:
        if cues & 3 > strictness:
            best, strictness = kind, cues & 3
        cues >>= 2
    return best, strictness


def furniture_kinds(cues: list[int], words: list[int], furniture: list[bool]) -> list[tuple[BlockKind, str]]:
    """Return for each block its kind as furniture and the rule that says so; those of the story count as well.

    The rule is "cue" for a block with a cue of its own, "extent" below the heading of a list or box, else "shape".
    """
    kinds: list[tuple[BlockKind, str]] = []
    opener: BlockKind | None = None
    opened = 0
    begun = False
    for place, (value, size, is_furniture) in enumerate(zip(cues, words, furniture, strict=True)):
        kind, strictness = cue(value)
        begun |= not is_furniture
        if not is_furniture or place - opened > _EXTENT:
            opener = None
        if kind in _OPENERS and strictness > 1:
            opener, opened = kind, place
        if kind and (strictness > 1 or opener is None):
            kinds.append((kind, "cue"))
        elif opener:
            kinds.append((opener, "extent"))
        else:
            kinds.append(("related" if begun and size >= _TEASER_WORDS else "navigation", "shape"))
    return kinds
