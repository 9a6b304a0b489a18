"""The fold table: what each code point becomes, the same on every Python version."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

#: Part of every signature's scheme; changes when any text could fold, or any token or shingle hash, differently.
FOLD_VERSION = 1

#: What the low three bits of an entry say. The rest of an expansion's entry: its length (6 bits), then its place.
SEPARATOR, DROP, COPY, COPY_UNSPACED, HANGUL, EXPAND, EXPAND_UNSPACED = range(7)

_INDEX_SIZE = 0x110000 >> 8
_HEAD = struct.Struct("<BBHI")


@dataclass(frozen=True, slots=True)
class FoldTable:
    """The two-level table, as tools/build_fold_table.py wrote it.

    Args:
        unicode_version: Major and minor number.
        index: The block of a code point's bits above the lowest eight, 4352 bytes.
        entries: Blocks of 256 little-endian uint32 entries.
        expansions: The UTF-8 that entries point to; byte 1 before a character of an unspaced script, a space after it.
    """

    unicode_version: tuple[int, int]
    index: bytes
    entries: bytes
    expansions: bytes


def load() -> FoldTable:
    """Read the table that is part of the package."""
    content = zlib.decompress(Path(__file__).with_name("fold_table.bin").read_bytes())
    minor, major, blocks, _ = _HEAD.unpack_from(content)
    entries_at = _HEAD.size + _INDEX_SIZE
    expansions_at = entries_at + blocks * 1024
    return FoldTable(
        unicode_version=(major, minor),
        index=content[_HEAD.size : entries_at],
        entries=content[entries_at:expansions_at],
        expansions=content[expansions_at:],
    )
