"""The sure signs of furniture: date markers, captions and credits, embedded posts, the stories of an aggregator."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from dedup.boilerplate.classify import cue
from dedup.boilerplate.credits import cuts, may_credit
from dedup.model import Item, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dedup.boilerplate.classify import Line
    from dedup.model import BlockKind

#: Every sign, the kind of what it removes, and how sure it is.
SIGNS: MappingProxyType[str, tuple[BlockKind, float]] = MappingProxyType(
    {
        "date-marker": ("metadata", 1.0),
        "caption-line": ("caption", 0.98),
        "caption-inline": ("caption", 0.95),
        "credit": ("credit", 0.98),
        "embedded-post": ("embed", 0.98),
        "related-story": ("related", 0.98),
    }
)

#: What a text with a sign has at least, in bytes: one of these marks, or a line that begins so.
MARKS = b"/@"
LINE_STARTS = (b"date ", b"- ")

_LONGEST_LABEL = 120  # characters of a headline or the name of an outlet
_POST_CHARACTERS = 350  # a post of 280 characters and its links; longer lines are prose with a post at the end
_NAME_CHARACTERS = 80
_DASHES = "\u2014\u2013-"  # em, en, hyphen; the last only where a line begins

# To search for these takes a tenth of the time that `in` takes.
_HANDLE = re.compile(r"\(@")
_ENTRY = re.compile("\n- ")
_MARKER = re.compile(r"date ([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\s+|$)")
_SIGNED = re.compile(r"\(@\w{1,30}\)[^()@\n]{1,30}[0-9]{4}")
_LINK = re.compile(r"(?:pic\.twitter\.com|//t\.co|//(?:www\.)?(?:twitter|x)\.com)/\S{1,100}$")

# The units of an age in fourteen languages, by the beginning of the word, and their length in seconds.
_UNITS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (1, ("sec", "sek", "seg", "сек", "saniye", "ثاني", "ثوان", "秒")),
    (60, ("min", "мин", "хв", "dakika", "dk", "دقيق", "دقائق", "分")),
    (3600, ("hour", "hr", "stunde", "std", "heure", "hora", "ora", "ore", "uur", "uren", "godz", "час", "годин",
            "saat", "ساع", "小时", "小時", "時間")),
    (86400, ("day", "tag", "jour", "día", "dia", "giorn", "dag", "dni", "dzień", "день", "дн", "gün", "يوم", "أيام",
             "天", "日")),
    (604800, ("week", "woche", "semaine", "semana", "settiman", "weken", "tydz", "tygod", "недел", "тиж", "hafta",
              "أسبوع", "أسابيع", "周", "週")),
)  # fmt: skip
_LENGTHS = {word: seconds for seconds, words in _UNITS for word in words}
_UNIT = "|".join(sorted(_LENGTHS, key=lambda word: (-len(word), word)))
_AGO = r"ago|fa|geleden|temu|назад|тому|önce|前|atrás"
_AGE = re.compile(
    rf"(?:vor|il y a|hace|há|منذ|قبل)?\s?(?P<number>an?|één|[0-9]{{1,3}})\s?(?P<unit>{_UNIT})\w{{0,8}}\.?\s?(?:{_AGO})?"
)
_NOW = frozenset({"just now", "gerade eben", "à l'instant", "ahora mismo", "agora mesmo", "proprio ora", "zojuist",
                  "przed chwilą", "только что", "щойно", "şimdi", "الآن", "刚刚", "たった今"})  # fmt: skip
_YESTERDAY = frozenset({"yesterday", "gestern", "hier", "ayer", "ontem", "ieri", "gisteren", "wczoraj", "вчера",
                        "вчора", "dün", "أمس", "昨天", "昨日"})  # fmt: skip
_LONGEST_AGE = 40


@dataclass(slots=True)
class Signs:
    """What the signs of a page tell: spans to remove, in order, stories it carries, and metadata."""

    spans: list[Span] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)

    def remove(self, start: int, end: int, sign: str) -> None:
        """Note a span to remove."""
        kind, confidence = SIGNS[sign]
        self.spans.append(Span(start, end, kind, sign, confidence))


def may_have_signs(text: str) -> bool:
    """Tell quickly whether `signs` could find any; most articles have none."""
    return (
        _HANDLE.search(text) is not None
        or _ENTRY.search(text) is not None
        or text[:200].lstrip().startswith("date ")
        or may_credit(text)
    )


def signs(text: str, lines: list[Line]) -> Signs:
    """Return what the signs of a page tell."""
    found = Signs()
    begin = _read_markers(text, lines, found)
    starts = [line.start for line in lines]
    heads = (place - 2 for place, start in enumerate(starts) if place >= 2 and text[start] == "-")
    resume = 0
    for place in sorted({*heads, *_places(text, "/", starts), *_places(text, "@", starts)}):
        if place < resume:
            continue
        if _is_head(text, lines, place):
            resume = _read_story(text, lines, place, found)
        else:
            _read_line(text, lines, place, lines[place].start if place or not begin else begin, found)
    return found


def _places(text: str, mark: str, starts: list[int]) -> Iterator[int]:
    """Yield the lines that have a mark."""
    at = text.find(mark)
    while at >= 0:
        place = bisect_right(starts, at)
        yield place - 1
        at = text.find(mark, starts[place]) if place < len(starts) else -1


def _read_markers(text: str, lines: list[Line], found: Signs) -> int:
    """Remove the date markers that open the page; return where its first line goes on behind them, 0 without any."""
    if not lines:
        return 0
    begin, end = lines[0].start, lines[0].end
    while marker := _MARKER.match(text, begin, end):
        try:
            published = date.fromisoformat(marker[1]).isoformat()
        except ValueError:
            break
        found.metadata.setdefault("published", published)
        begin = marker.end()
    if begin == lines[0].start:
        return 0
    found.remove(0, _line_end(text, end) if begin == end else begin, "date-marker")
    return begin


def _read_line(text: str, lines: list[Line], place: int, begin: int, found: Signs) -> None:
    """Remove a post that ends in the line, or the captions and credits in it."""
    line = lines[place]
    says = text[begin : line.end]
    if "(@" in says and (start := _post_start(text, lines, place, says)) is not None:
        while found.spans and found.spans[-1].start >= start:
            found.spans.pop()
        found.remove(start, _line_end(text, line.end), "embedded-post")
    elif "/" in says:
        for cut in cuts(says, 0):
            if (cut.start, cut.end) == (0, len(says)):
                found.remove(
                    begin if begin > line.start else _line_start(text, begin), _line_end(text, line.end), cut.rule
                )
            else:
                found.remove(begin + cut.start, begin + cut.end, cut.rule)


def _post_start(text: str, lines: list[Line], place: int, says: str) -> int | None:
    """Return where the post begins that `— Name (@handle) May 12, 2025` ends in this line; None when it ends none."""
    at = says.rfind("(@")
    if not _SIGNED.fullmatch(says, at):
        return None
    start = _line_start(text, lines[place].start)
    if says[0] in _DASHES and at <= _NAME_CHARACTERS:
        above = lines[place - 1] if place else None
        if above and above.end - above.start <= _POST_CHARACTERS:
            link = _LINK.search(text, max(above.start, above.end - 150), above.end)
            if link or text.count("\n", above.end, lines[place].start) == 1:
                return _line_start(text, above.start)
        return start
    dash = max(says.rfind(f" {dash}", 0, at) for dash in _DASHES[:2])
    return start if 0 < dash <= _POST_CHARACTERS and at - dash <= _NAME_CHARACTERS else None


def _is_head(text: str, lines: list[Line], place: int) -> bool:
    """Tell whether three lines are the head of another story: its outlet, its age, and `- ` with the outlet again."""
    if place + 2 >= len(lines):
        return False
    last = lines[place + 2]
    if text[last.start : last.start + 2] != "- " or last.end - last.start > _LONGEST_LABEL:
        return False
    outlet, age = (text[line.start : line.end] for line in lines[place : place + 2])
    return outlet == text[last.start + 2 : last.end].strip() and _is_age(age)


def _read_story(text: str, lines: list[Line], place: int, found: Signs) -> int:
    """Remove a story that begins with its head at `place`, or several; return the first line behind them.

    A story ends at a blank line, at the next head, or with the page. The heading right above the first goes too.
    """
    start = _line_start(text, lines[place].start)
    if place and not (found.spans and found.spans[-1].end > lines[place - 1].start):
        kind, strictness = cue(lines[place - 1].cues)
        if kind == "related" and strictness > 1:
            start = _line_start(text, lines[place - 1].start)
    first, last = place, place + 2
    while last + 1 < len(lines):
        if text.count("\n", lines[last].end, lines[last + 1].start) > 1 and last > first + 2:
            break
        if last > first + 2 and _is_head(text, lines, last + 1):
            break
        last += 1
    if last > first + 3:
        outlet, age, title = (
            text[line.start : line.end] for line in (lines[first], lines[first + 1], lines[first + 3])
        )
        begin, end = lines[first + 4].start, lines[last].end
        found.items.append(Item(begin, end, text[begin:end], outlet, title, age))
    found.remove(start, _line_end(text, lines[last].end), "related-story")
    return last + 1


def _is_age(says: str) -> bool:
    says = says.strip().lower()
    return len(says) <= _LONGEST_AGE and (says in _NOW or says in _YESTERDAY or _AGE.fullmatch(says) is not None)


def age_resolved(age: str | None, published: str | None) -> str | None:
    """Return when a story of some age was published, as exactly as the date of its page is known; None when unknown."""
    if not age or not published or not _is_age(age):
        return None
    says = age.strip().lower()
    match = _AGE.fullmatch(says)
    seconds = 86400 if says in _YESTERDAY else 0
    if match:
        number = match["number"]
        seconds = (int(number) if number.isdigit() else 1) * _LENGTHS[match["unit"]]
    try:
        moment = datetime.fromisoformat(published.strip())
        earlier = moment - timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None
    # A page that knows its day only does not know how late it is in it.
    if len(published.strip()) <= len("2025-05-12"):
        return (moment - timedelta(days=seconds // 86400)).date().isoformat()
    return earlier.isoformat()


def whole_line(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the line of a block begins and ends, its newline included."""
    return _line_start(text, start), _line_end(text, end)


def _line_start(text: str, position: int) -> int:
    return text.rfind("\n", 0, position) + 1


def _line_end(text: str, position: int) -> int:
    newline = text.find("\n", position)
    return newline + 1 if newline >= 0 else len(text)
