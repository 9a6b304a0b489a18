"""Reads a report file back: its data, and the texts as its script makes them."""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def records(parts: Mapping[str, str], kind: str) -> list[Any]:
    """Return the records of a kind, in order."""
    packed = (parts[f"{kind}-{number}"] for number in range(sum(name.startswith(f"{kind}-") for name in parts)))
    return [record for part in packed for record in json.loads(zlib.decompress(base64.b64decode(part)))]


def read_report(path: Path) -> tuple[dict[str, Any], dict[str, str], str]:
    """Return the index, the parts and the whole page."""
    page = path.read_text(encoding="utf-8")
    found = re.findall(r'<script type="([^"]+)"(?: id="([^"]+)")?>(.*?)</script>', page, re.DOTALL)
    kinds = {name: kind for kind, name, _ in found}
    texts = {name: html.unescape(text) if kinds[name] != "application/json" else text for _, name, text in found}
    parts = {name: text for name, text in texts.items() if kinds[name] == "application/octet-stream"}
    return json.loads(texts["index"]), parts, page


def utf16(text: str) -> bytes:
    """Return a text in the units that JavaScript counts, two bytes each."""
    return text.encode("utf-16-le", "surrogatepass")


def restore(pieces: Sequence[str | int], base: str) -> str:
    """Return the text that pieces make out of another one."""
    units, made, numbers = utf16(base), b"", iter(pieces)
    for piece in numbers:
        if isinstance(piece, str):
            made += utf16(piece)
        else:
            length = next(numbers)
            assert isinstance(length, int)
            made += units[2 * piece : 2 * (piece + length)]
    return made.decode("utf-16-le", "surrogatepass")


def marked(numbers: Sequence[int], text: str, *, width: int = 2) -> list[str]:
    """Return what stands in flat ranges of a text."""
    units, found, at = utf16(text), [], 0
    for place in range(0, len(numbers), width):
        start = at + numbers[place]
        at = start + numbers[place + 1]
        found.append(units[2 * start : 2 * at].decode("utf-16-le", "surrogatepass"))
    return found
