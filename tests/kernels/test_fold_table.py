"""The checked-in fold table, read as docs/format.md says, is what its builder makes of Unicode 15.1."""

from __future__ import annotations

import importlib.util
import struct
import unicodedata
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dedup.kernels import table

ROOT = Path(__file__).parents[2]
CONTENT = zlib.decompress((ROOT / "src" / "dedup" / "kernels" / "fold_table.bin").read_bytes())
BLOCKS, EXPANSION_BYTES = struct.unpack_from("<HI", CONTENT, 2)
ENTRIES_AT = 8 + 4352
EXPANSIONS_AT = ENTRIES_AT + 1024 * BLOCKS

HERE = tuple(map(int, unicodedata.unidata_version.split(".")[:2]))
SEPARATOR, DROP, COPY, COPY_UNSPACED, HANGUL, EXPAND, EXPAND_UNSPACED = range(7)
SURROGATES = range(0xD800, 0xE000)


def load_builder() -> Any:
    """Return tools/build_fold_table.py as a module."""
    spec = importlib.util.spec_from_file_location("build_fold_table", ROOT / "tools" / "build_fold_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


builder = load_builder()


@cache
def entries() -> tuple[tuple[int, str], ...]:
    """Return of each code point what the table says: its class, and what it becomes where that is written out."""
    found = []
    for point in range(0x110000):
        place = ENTRIES_AT + 4 * (CONTENT[8 + (point >> 8)] << 8 | point & 255)
        (entry,) = struct.unpack_from("<I", CONTENT, place)
        start = EXPANSIONS_AT + (entry >> 9)
        found.append((entry & 7, CONTENT[start : start + (entry >> 3 & 63)].decode() if entry & 7 >= EXPAND else ""))
    return tuple(found)


def meaning(point: int) -> str:
    """Return what a code point becomes according to the table; a separator becomes a space."""
    code, expansion = entries()[point]
    if code == HANGUL:
        return unicodedata.normalize("NFD", chr(point))
    return {SEPARATOR: " ", DROP: "", COPY: chr(point), COPY_UNSPACED: f"\x01{chr(point)} "}.get(code, expansion)


def test_sizes_are_those_of_the_head() -> None:
    """The head, the index, the blocks and the expansions fill the file, and the version is the pinned one."""
    assert tuple(CONTENT[1::-1]) == builder.UNICODE_VERSION == (15, 1)
    assert len(CONTENT) == EXPANSIONS_AT + EXPANSION_BYTES
    assert max(CONTENT[8:ENTRIES_AT]) == BLOCKS - 1


def test_the_package_reads_the_same_parts() -> None:
    """`table.load` cuts the file where the format says."""
    loaded = table.load()
    assert loaded.unicode_version == (15, 1)
    assert loaded.index + loaded.entries + loaded.expansions == CONTENT[8:]
    assert (len(loaded.index), len(loaded.entries)) == (4352, 1024 * BLOCKS)


@pytest.mark.seconds
def test_agrees_with_this_python() -> None:
    """Each code point that Unicode 15.1 and this Python both know becomes what the builder's rules say here."""
    wrong = []
    for point in range(0x110000):
        char = chr(point)
        if point in SURROGATES or unicodedata.category(char) == "Cn":
            continue
        found, expected = meaning(point), builder.fold_char(char)
        expected = " " if expected is None else expected
        # What a later Unicode added is a separator in the table.
        if found != expected and not (builder.UNICODE_VERSION < HERE and found == " "):
            wrong.append(f"U+{point:04X}")
    assert wrong == []


@pytest.mark.skipif(builder.UNICODE_VERSION != HERE, reason=f"this Python has Unicode {HERE}, the table another")
def test_is_rebuilt_byte_for_byte() -> None:
    """The builder makes the same table again; uncompressed, for implementations of zlib differ in their output."""
    assert zlib.decompress(builder.build()) == CONTENT


@pytest.mark.seconds
def test_surrogates_and_unassigned_code_points_separate() -> None:
    """What stands for no character separates: the surrogates, private use and the last code point."""
    for point in (*SURROGATES, 0xE000, 0xFFFF, 0x10FFFF):
        assert meaning(point) == " "


def test_hangul_syllables_have_a_class_of_their_own() -> None:
    """Exactly the 11,172 precomposed syllables are taken apart by arithmetic."""
    assert {point for point, (code, _) in enumerate(entries()) if code == HANGUL} == set(range(0xAC00, 0xD7A4))


@pytest.mark.seconds
def test_growth_is_bounded() -> None:
    """The kernel makes room for these: 12 times a text's bytes with expansions, 3 times without."""
    for point, (code, expansion) in enumerate(entries()):
        if point in SURROGATES:
            continue
        before, after = len(chr(point).encode()), len(meaning(point).encode())
        assert after <= (11 if code in (EXPAND, EXPAND_UNSPACED) else 3) * before
        # The kernel writes these without looking at the room that is left.
        if code == EXPAND and point < 0x800 and len(expansion.encode()) <= 3:
            assert after <= 3 * before


def test_ascii_never_grows() -> None:
    """The kernel folds ASCII without the table: letters become small, digits stay, quotes go, the rest separates."""
    for point in range(128):
        char = chr(point)
        expected = char.lower() if char.isalnum() else "" if char in "\"'`" else " "
        assert meaning(point) == expected


def test_expansions_hold_nothing_that_would_fold_again() -> None:
    """Each character of an expansion is kept as it is, or is a mark or space in its place."""
    for code, expansion in entries():
        if code == EXPAND:
            assert all(char == " " or meaning(ord(char)) == char for char in expansion)
        if code == EXPAND_UNSPACED:
            for token in expansion.replace("\x01", " \x01").split(" "):
                bare = token.removeprefix("\x01")
                assert "".join(map(meaning, map(ord, bare))) == (f"{token} " if bare != token else token)


def test_is_small() -> None:
    """The table stays a small part of the package."""
    assert (ROOT / "src" / "dedup" / "kernels" / "fold_table.bin").stat().st_size < 32_000
