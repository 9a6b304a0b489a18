"""Writes the fold table: what each code point becomes. Run by Python 3.13, whose Unicode version is the pinned one.

python3.13 tools/build_fold_table.py src/dedup/kernels/fold_table.bin

The file is zlib-compressed: uint16 Unicode version (major * 256 + minor), uint16 number of blocks, uint32 length of the
expansions, then uint8 [4352] (block of a code point's upper bits), uint32 [blocks, 256] (entries), the expansions.
All integers are little-endian. docs/format.md says what an entry means.
"""

from __future__ import annotations

import struct
import sys
import unicodedata
import zlib
from functools import cache
from pathlib import Path

UNICODE_VERSION = (15, 1)

SEPARATOR, DROP, COPY, COPY_UNSPACED, HANGUL, EXPAND, EXPAND_UNSPACED = range(7)

#: Marks a token that is one character of a script written without spaces; any other token follows a space.
UNSPACED_MARK, SPACE = "\x01", " "

#: Names of the scripts that are written without spaces begin with one of these.
UNSPACED = ("CJK ", "HIRAGANA ", "KATAKANA", "IDEOGRAPHIC ", "THAI ", "LAO ", "KHMER ", "MYANMAR ")

#: Quotation marks (Unicode property Quotation_Mark), and what is typed or printed in their place.
QUOTES = frozenset("\"'`´«»‘’‚‛“”„‟‹›⹂「」『』〝〞〟﹁﹂﹃﹄＂＇｢｣′″‴‵‶‷ʹʺʻʼʽʾʿˈ\u05f3\u05f4")
#: Stretches a word in Arabic without being part of it.
TATWEEL = "\u0640"
FIRST_SURROGATE, LAST_SURROGATE = 0xD800, 0xDFFF
FIRST_HANGUL, LAST_HANGUL = 0xAC00, 0xD7A3


def is_unspaced(char: str) -> bool:
    """Tell whether a letter or digit is of a script that is written without spaces."""
    return unicodedata.name(char, "").startswith(UNSPACED)


def fold_char(char: str) -> str | None:
    """Return what one character becomes; None for a separator; tokens inside an expansion carry their mark."""
    out: list[str] = []
    for part in decompose(char):
        if part in QUOTES or part == TATWEEL or unicodedata.category(part) in ("Mn", "Mc", "Me", "Cf"):
            continue
        if unicodedata.category(part) == "Nd":
            out.append(str(unicodedata.decimal(part)))
        elif unicodedata.category(part)[0] in "LN":
            out.append(UNSPACED_MARK + part + SPACE if is_unspaced(part) else part)
        else:
            out.append(SPACE)
    folded = "".join(out)
    if out and not folded.strip(SPACE):
        return None
    return folded


@cache
def decompose(char: str) -> str:
    """Return the compatibility decomposition of a case-folded character, until nothing changes any more."""
    # Some quotes are canonically equal to others; and a compatibility decomposition would make a space of some.
    if unicodedata.normalize("NFD", char) in QUOTES:
        return unicodedata.normalize("NFD", char)
    before, after = "", char
    while before != after:
        before = after
        # Marks go before case folding: it would turn the iota below (a mark) into a letter.
        bare = "".join(c for c in unicodedata.normalize("NFKD", before) if not unicodedata.category(c).startswith("M"))
        after = unicodedata.normalize("NFKD", bare.casefold())
    return after


def entry_of(point: int, expansions: bytearray, known: dict[bytes, int]) -> int:
    """Return the entry of a code point, adding its expansion when it needs one."""
    if FIRST_SURROGATE <= point <= LAST_SURROGATE:
        return SEPARATOR
    if FIRST_HANGUL <= point <= LAST_HANGUL:
        return HANGUL
    char = chr(point)
    folded = fold_char(char)
    simple = {None: SEPARATOR, "": DROP, char: COPY, UNSPACED_MARK + char + SPACE: COPY_UNSPACED}
    if folded is None or folded in simple:
        return simple[folded]
    raw = folded.encode()
    if raw not in known:
        known[raw] = len(expansions)
        expansions += raw
    code = EXPAND_UNSPACED if UNSPACED_MARK in folded else EXPAND
    return code | len(raw) << 3 | known[raw] << 9


def build() -> bytes:
    """Return the content of the table file."""
    expansions = bytearray()
    known: dict[bytes, int] = {}
    blocks: dict[tuple[int, ...], int] = {}
    index = bytearray()
    for upper in range(0x110000 >> 8):
        block = tuple(entry_of(upper << 8 | lower, expansions, known) for lower in range(256))
        index.append(blocks.setdefault(block, len(blocks)))
    head = struct.pack("<BBHI", UNICODE_VERSION[1], UNICODE_VERSION[0], len(blocks), len(expansions))
    entries = b"".join(struct.pack("<256I", *block) for block in blocks)
    return zlib.compress(head + bytes(index) + entries + bytes(expansions), 9)


def main() -> None:
    """Write the table to the path named on the command line."""
    here = tuple(map(int, unicodedata.unidata_version.split(".")[:2]))
    if here != UNICODE_VERSION:
        sys.exit(f"Unicode version must be {UNICODE_VERSION}. This Python has {here}.")
    Path(sys.argv[1]).write_bytes(build())


if __name__ == "__main__":
    main()
