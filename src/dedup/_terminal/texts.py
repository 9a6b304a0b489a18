"""What `dedup compare` and `dedup clean` show: texts, and what was taken off them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import asdict, fields, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from dedup._terminal import draw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.table import Table
    from rich.text import Text

    from dedup._terminal.draw import Cell, Part
    from dedup.model import Cleaned, Comparison, Edit, Passage


#: Characters that are shown of a passage, of one side of a change, and of what stands around it.
_BEGINNING, _CHANGED, _AROUND = 60, 160, 40
#: Changes that are shown as one place at most.
_TOGETHER = 6


def compare_record(found: Comparison, bands: int) -> dict[str, Any]:
    """Return a whole comparison, but of the texts only what passages and edits hold; the plan has so many bands."""
    record = {field.name: getattr(found, field.name) for field in fields(found)} | {"bands_of_plan": bands}
    for name, stretches in (("passages", found.passages), ("edits", found.edits)):
        record[name] = [asdict(it) | dict(zip(("left", "right"), _texts(found, it), strict=True)) for it in stretches]
    return record | {"left": page_record(found.left), "right": page_record(found.right)}


def compare_parts(found: Comparison, left: str, right: str, bands: int, limit: int) -> list[Part]:
    """Return how two texts stand to each other, and up to the limit what they share and where they differ.

    `left` and `right` are their names, `bands` is how many the plan has.
    """
    rows = (
        ("characters", len(found.left.original), len(found.right.original)),
        ("after cleaning", len(found.left.text), len(found.right.text)),
        ("different shingles", found.shingles_left, found.shingles_right),
        ("shared shingles", found.shared, found.shared),
        ("share that the other has", draw.percent(found.containment_left), draw.percent(found.containment_right)),
    )
    sides = (("left", found.left), ("right", found.right))
    return [
        draw.styled(f"{found.relation or 'unrelated'}, Jaccard {draw.cut(found.jaccard)}", "bold"),
        f"left:  {left}\nright: {right}",
        draw.table("", ("", ">left", ">right"), rows),
        _bands(found.bands, bands, limit),
        *(removed(f"Stripped from {name}", [page]) for name, page in sides if page.removed),
        *([_passages(found, limit)] if found.passages else []),
        *([_changes(found, limit)] if any(edit.kind != "equal" for edit in found.edits) else []),
    ]


def _texts(found: Comparison, it: Passage | Edit) -> tuple[str, str]:
    """Return what stands in both originals."""
    return found.left.original[it.left_start : it.left_end], found.right.original[it.right_start : it.right_end]


def _bands(equal: Sequence[int], bands: int, limit: int) -> str:
    """Return which bands make two texts candidates."""
    if not equal:
        return f"No band of {bands:,} is equal in both signatures"
    if len(equal) == bands:
        return f"All {draw.count(bands, 'band')} equal in both signatures"
    more = [f"{len(equal) - limit:,} more"] if len(equal) > limit else []
    shown = ", ".join([*map(str, equal[:limit]), *more])
    return f"Equal in both signatures: {len(equal):,} of {draw.count(bands, 'band')}, counted from 0: {shown}"


def _passages(found: Comparison, limit: int) -> Part:
    """Return the longest passages: where each begins, and with which words."""
    rows: list[Sequence[Cell]] = []
    clean = _clean_place(found.left)
    for passage in sorted(found.passages, key=lambda passage: -passage.words)[:limit]:
        begins = _beginning(found.left.text[clean(passage.left_start) : clean(passage.left_end)], _BEGINNING)
        places = _place(found.left.original, passage.left_start), _place(found.right.original, passage.right_start)
        rows.append((passage.words, begins, *places, "moved" if passage.moved else ""))
    more = len(found.passages) - limit
    if more > 0:
        rows.append(("", f"and {draw.count(more, 'more passage')}"))
    words = sum(passage.words for passage in found.passages)
    title = f"{draw.count(len(found.passages), 'passage')} in both, {draw.count(words, 'word')}"
    table = draw.table(title, (">words", "begins with", ">left", ">right", ""), rows)
    table.caption = "left, right: line and column where it begins"
    return table


def _place(text: str, at: int) -> str:
    """Return line and column of a character, both counted from 1."""
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


def _clean_place(page: Cleaned) -> Callable[[int], int]:
    """Return what tells where a word of the original text, its start or its end, stands in the clean one."""
    starts = [span.start for span in page.removed]
    gone = [0, *accumulate(span.end - span.start for span in page.removed)]
    return lambda place: place - gone[bisect_left(starts, place)]


def _clean_edits(found: Comparison) -> list[Edit]:
    """Return the edits by characters of the clean texts."""
    left, right = _clean_place(found.left), _clean_place(found.right)
    return [
        replace(
            edit,
            left_start=left(edit.left_start),
            left_end=left(edit.left_end),
            right_start=right(edit.right_start),
            right_end=right(edit.right_end),
        )
        for edit in found.edits
    ]


def _changes(found: Comparison, limit: int) -> Part:
    """Return the places where two clean texts differ; changes near each other are one place."""
    edits = _clean_edits(found)
    places: list[list[int]] = []
    for number, edit in enumerate(edits):
        if edit.kind == "equal":
            continue
        between = edits[number - 1]
        if places and between.left_end - between.left_start <= _AROUND and len(places[-1]) < _TOGETHER:
            places[-1].append(number)
        else:
            places.append([number])
    rows: list[Sequence[Cell]] = []
    for numbers in places[:limit]:
        first = found.edits[numbers[0]]
        left, right = _place(found.left.original, first.left_start), _place(found.right.original, first.right_start)
        rows.append((left, _change(found.left.text, found.right.text, edits, numbers), right))
    if len(places) > limit:
        rows.append(("", f"and {draw.count(len(places) - limit, 'more place')}"))
    title = f"{draw.count(len(places), 'place')} where they differ"
    return draw.table(title, (">left", "[-only left-] {+only right+}", ">right"), rows)


def _change(left_text: str, right_text: str, edits: Sequence[Edit], numbers: Sequence[int]) -> Text:
    """Return the edits of one place with what stands between them and a few words around."""
    from rich.text import Text  # noqa: PLC0415 - loads on first use

    before, after = numbers[0] - 1, numbers[-1] + 1
    pieces: list[tuple[str, str]] = []
    for number in range(max(before, 0), min(after + 1, len(edits))):
        near, at = edits[max(number - 2, 0) : number + 3], min(number, 2)
        left = _shown(left_text, [(edit.left_start, edit.left_end) for edit in near], at)
        right = _shown(right_text, [(edit.right_start, edit.right_end) for edit in near], at)
        if edits[number].kind == "equal":
            cut = _ending if number == before else _beginning
            pieces.append((cut(left, _AROUND), ""))
            continue
        if left:
            pieces.append((f"[-{_beginning(left, _CHANGED)}-]", "red"))
        if right:
            pieces.append((f"{{+{_beginning(right, _CHANGED)}+}}", "green"))
    return Text(" ", overflow="fold").join(Text(draw.plain(piece), style) for piece, style in pieces)


def _shown(text: str, spans: Sequence[tuple[int, int]], at: int) -> str:
    """Return one of neighbouring stretches of words with the marks that stand against it; "" when it is empty."""
    start, end = spans[at]
    if start == end:
        return ""
    before = max([stop for first, stop in spans[:at] if first < stop], default=0)
    after = min([first for first, stop in spans[at + 1 :] if first < stop], default=len(text))
    # Marks without a space before them stand against the word before, if there is one.
    _, *lead = re.split(r"\s", text[before:start] if before else f" {text[:start]}")
    tail, *_ = re.split(r"\s", text[end:after], maxsplit=1)
    return f"{lead[-1] if lead else ''}{text[start:end]}{tail}"


def _beginning(text: str, size: int) -> str:
    """Return the first words of a text in one line."""
    line = " ".join(text[: 4 * size].split())
    if len(line) <= size and len(text) <= 4 * size:
        return line
    return f"{line[:size].rpartition(' ')[0] or line[:size]} …"


def _ending(text: str, size: int) -> str:
    """Return the last words of a text in one line."""
    line = " ".join(text[-4 * size :].split())
    if len(line) <= size and len(text) <= 4 * size:
        return line
    return f"… {line[-size:].partition(' ')[2] or line[-size:]}"


def page_record(page: Cleaned) -> dict[str, Any]:
    """Return what was removed from a text, and what that told."""
    return {
        "removed": [asdict(span) | {"text": page.original[span.start : span.end]} for span in page.removed],
        "items": [asdict(item) for item in page.items],
        "metadata": dict(page.metadata),
        "attribution": asdict(page.attribution) if page.attribution else None,
    }


def clean_parts(page: Cleaned) -> list[Part]:
    """Return what was removed from a text, and what that told, for people."""
    lines = [f"{name}: {value}" for name, value in page.metadata.items()]
    for number, item in enumerate(page.items, 1):
        about = draw.joined(item.source, item.age, item.title)
        lines.append(f"story {number} of the page: {about} ({draw.count(len(item.text), 'character')})")
    taken = removed("Removed", [page]) if page.removed else "Nothing removed"
    return [taken, "\n".join(map(draw.plain, lines))] if lines else [taken]


def removed(title: str, pages: Iterable[Cleaned]) -> Table:
    """Return how often, how much and in how many documents each rule removed."""
    spans, characters, documents = (Counter[tuple[str, str]]() for _ in range(3))
    for page in pages:
        documents.update({(span.kind, span.rule) for span in page.removed})
        for span in page.removed:
            spans[span.kind, span.rule] += 1
            characters[span.kind, span.rule] += span.end - span.start
    rows = [(*rule, spans[rule], characters[rule], documents[rule]) for rule in sorted(spans)]
    return draw.table(title, ("kind", "rule", ">spans", ">characters", ">documents"), rows)
