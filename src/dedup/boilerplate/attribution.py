"""Reads who wrote a news text: the dateline, the byline or the credit that names an agency.

The rules, strongest first, and what each one needs:

- `dateline`: a place, a date or nothing, then the agency in brackets or behind a dash, where a paragraph begins;
- `byline`: a short line near the head or the end that names an agency, behind names or alone;
- `closing`: a credit at the end, such as a signature in brackets, a copyright or `originally appeared on`;
- `contributed`: a sentence that says who helped;
- `photo`: the credit of a picture.

A sentence that only names an agency fits none of them. Each rule starts from what is rare in prose (a bracket, a dash,
a short line, the words that begin a credit) and looks for a name there alone, and only near the head and the end, so
that it costs little in any script and no more in a long text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dedup import _validate
from dedup.boilerplate import credit_patterns as patterns
from dedup.boilerplate.agencies import CANONICAL, PICTURE_NAMES, PLAIN
from dedup.boilerplate.credit_patterns import CONFIDENCE, NAME, PLAIN_NAME
from dedup.model import Attribution

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from dedup.model import AttributionRole

__all__ = ["CONFIDENCE", "attribute"]

_ROLES: dict[str, AttributionRole] = {"contributed": "contributed", "photo": "photo"}
_HEAD = 400  # characters of the head that are read
_TAIL = 500  # and of the end
_HEAD_LINES = 5  # that may hold a byline
_TAIL_LINES = 8  # from the end, that may hold a credit: furniture may stand below it
_PARAGRAPHS = 3  # that may hold a dateline
_BYLINE = 120  # characters of the longest byline
_PLACE = 100  # characters of a byline, a place and a date before the agency
_STOPS = '.!?…"”’»。」)）؟'  # noqa: RUF001  # behind which a credit may stand


def attribute(text: str) -> Attribution | None:
    """Return who wrote `text`, as its dateline, its byline or a credit says; None when it says nothing.

    The strongest rule counts, and of its matches the first in the text.

    Args:
        text: The text of an article.

    Raises:
        InvalidArgumentError: `text` is no str.
    """
    _validate.text("text", text)
    head = f"\n{text[:_HEAD]}"
    begin = max(0, len(text) - _TAIL)
    tail = f"\n{text[begin:]}"
    found = list(_head_credits(head))
    if not (found and found[0].confidence == CONFIDENCE["dateline"]):
        found.extend(_tail_credits(tail, begin - 1))
    return max(found, key=lambda credit: (credit.confidence, -credit.start), default=None) if found else None


def _clauses(window: str) -> list[re.Match[str]]:
    """Return where a credit could begin; a text without an agency has no such place."""
    return list((patterns.ASCII_CLAUSE if window.isascii() else patterns.CLAUSE).finditer(window))


def _found(rule: str, offset: int, agency: str, start: int, end: int) -> Attribution:
    return Attribution(agency, _ROLES.get(rule, "origin"), offset + start, offset + end, CONFIDENCE[rule])


def _lines(window: str) -> list[tuple[int, str]]:
    """Return the lines that are not blank, without the space around them, and where they begin."""
    lines = []
    start = 0
    for raw in window.split("\n"):
        line = raw.strip()
        if line:
            lines.append((start + raw.index(line[0]), line))
        start += len(raw) + 1
    return lines


def _dateline(line: str, *, first: bool) -> tuple[str, int, int] | None:
    """Read the dateline that begins a paragraph; `first` is the first one of the text."""
    for bracket in patterns.BRACKET.finditer(line, 0, 300):
        agency = _signature(bracket["body"], service=True)
        start = _dateline_start(line, bracket, first=first) if agency else None
        if agency and start is not None:
            return agency, start, bracket.end()
    slashes = patterns.SLASHES.match(line) if "/" in line[:140] else None
    if slashes and _is_place(slashes["place"]) and (agency := _signature(slashes["body"])):
        return agency, 0, slashes.end()
    wire = patterns.CHINESE.search(line, 0, 200) if "日" in line else None
    wire = wire or (patterns.JAPANESE.match(line) if line[0] in "【［[" else None)  # noqa: RUF001
    if wire:
        return CANONICAL[wire["agency"]], wire.start(), wire.end()
    return _dashed_dateline(line, first=first)


def _dateline_start(line: str, bracket: re.Match[str], *, first: bool) -> int | None:
    """Return where the dateline begins that the bracket would end; None when that is no dateline."""
    place = line[: bracket.start()]
    after = bracket["after"] or ""
    dashed = bool(after.strip(" .:,\u00a0"))
    if _is_place(place):
        bare = place.strip(" ,-–—")  # noqa: RUF001
        few = after.strip() and len(bare.split()) <= 3 and bare.upper() != bare.lower()
        if dashed or few or bare.split(",")[0].isupper() or (first and not bare):
            return 0
        dated = patterns.DATED.fullmatch(place)
        if dated and _are_names(dated["place"]) and patterns.OPENS.match(line, bracket.end()):
            return 0
    stop = patterns.LAST_SENTENCE.match(place) if dashed else None
    if stop and len(place[stop.end() :].split()) <= 6 and _is_place(place[stop.end() :]):
        return stop.end()
    loud = patterns.LOUD_END.search(place, max(0, len(place) - 60)) if dashed else None
    return loud.start() if loud else None


def _dashed_dateline(line: str, *, first: bool) -> tuple[str, int, int] | None:
    """Read `MOSCOW, May 12 - TASS.` or `AFP - Paris`."""
    for dash in patterns.SEPARATOR.finditer(line, 0, 70):
        place = line[: dash.start()].rstrip()
        agency = PLAIN.get(place) or PLAIN.get(place.lstrip(patterns.LATIN))
        if agency and first:
            return agency, 0, dash.end()
        name = PLAIN_NAME.match(line, dash.end())
        if name and patterns.NAME_ENDS.match(line, name.end()) and len(place.split()) <= 5 and _is_place(place):
            return None if patterns.LABEL.match(place) else (CANONICAL[name[0]], 0, name.end())
    return None


def _is_place(place: str) -> bool:
    """Tell whether the words before an agency read like a byline, a place and a date; no words at all do."""
    place = place.strip(" ,-–—:\u00a0\u3000")  # noqa: RUF001
    words = place.split()
    if len(place) > _PLACE or len(words) > 12 or patterns.PROSE.search(place):
        return False
    if not words or place.upper() == place.lower():  # a script without upper case
        return len(words) <= 6 and len(place) <= (14 if patterns.WIDE.search(place) else 45)
    # "The Associated Press (AP) -" is prose.
    named = max((name.end() for name in NAME.finditer(place)), default=0) == len(place)
    return not named and not words[0][0].islower() and sum(word[0].islower() for word in words) <= 3


def _signature(body: str, *, service: bool = False) -> str | None:
    """Return the agency that `APA/dpa, 1.11.2015` or the like names first; None when it says something else as well.

    Args:
        body: What stands in brackets.
        service: Whether `Reuters Health` counts as Reuters.
    """
    found = None
    for part in patterns.PART.split(body):
        name = part.partition("记者")[0].strip(" .*\"«»“”'–-\u00a0\u3000")  # noqa: RUF001
        agency = CANONICAL.get(name.removeprefix("The "))
        if not agency and service and name.count(" ") <= 2 and not patterns.PICTURE.search(name):
            agency = CANONICAL.get(name.partition(" ")[0])
        if agency and agency not in PICTURE_NAMES:
            found = found or agency
        elif name and not patterns.FILLER.fullmatch(name):
            return None
    return found


def _head_credits(head: str) -> Iterator[Attribution]:
    """Read the head, which begins with a line break of its own."""
    clauses = _clauses(head)
    if not clauses and "日" not in head and "】" not in head and "]" not in head:  # what is left begins in no clause
        return
    lines = _lines(head)
    for start, line in lines[:_PARAGRAPHS]:
        dateline = _dateline(line, first=start == lines[0][0])
        if dateline:
            yield _found("dateline", start - 1, *dateline)
            return
    for number, (start, line) in enumerate(lines[:_HEAD_LINES]):
        if len(line) > _BYLINE:
            break
        below = lines[number + 1][1] if number + 1 < len(lines) else ","
        # A line that goes on below is a hard-wrapped sentence.
        credit = _credit_line(line, alone=not below[0].islower() and below[0] not in ",.;:)")
        if credit:
            yield _found(credit[0], start - 1, *credit[1:])
    yield from _credits(head, -1, clauses, head=True)


def _tail_credits(tail: str, begin: int) -> Iterator[Attribution]:
    clauses = _clauses(tail)
    if not clauses and "contributed" not in tail:
        return
    lines = _lines(tail)
    above = lines[-_TAIL_LINES - 1][1] if len(lines) > _TAIL_LINES else ""
    for start, line in lines[-_TAIL_LINES:]:
        if len(line) <= _BYLINE and above:
            # In a text of another script, a name of Latin letters below the prose credits a picture.
            same = not line.isascii() or patterns.LATIN_WORD.search(above) is not None
            alone = line is lines[-1][1] and above[-1] in _STOPS and same
            credit = _credit_line(line, alone=alone)
            if credit:
                yield _found(credit[0], begin + start, *credit[1:])
        above = line
    since = lines[-_TAIL_LINES][0] if len(lines) > _TAIL_LINES else 0
    yield from _credits(tail, begin, [clause for clause in clauses if clause.start("start") >= since], head=False)


def _credit_line(line: str, *, alone: bool) -> tuple[str, str, int, int] | None:
    """Read one short line; `alone` tells whether an agency's name alone counts."""
    label = patterns.CREDIT_LINE.match(line)
    kind, start = (label.lastgroup, label.end()) if label else (None, 0)
    if patterns.PICTURE.search(line):
        return None
    if kind == "by":
        writer = next((name for name in NAME.finditer(line, start) if _writes(line, start, name)), None)
        first = PLAIN_NAME.match(line, start) if writer else None
        between = line[first.end() : writer.start()] if first and writer else ""
        if patterns.JOINED.fullmatch(between) or patterns.APART.fullmatch(between.lstrip()):  # "By Reuters and AP"
            writer = first
        return ("byline", CANONICAL[writer[0]], 0, len(line)) if writer else None
    name = (NAME if kind else PLAIN_NAME).match(line, start)
    if not name or CANONICAL[name[0]] in PICTURE_NAMES:
        return None
    if kind == "source":
        return ("closing", CANONICAL[name[0]], 0, name.end()) if _are_names(line[name.end() :]) else None
    return ("byline", CANONICAL[name[0]], 0, len(line)) if (kind or alone) and _is_staff(line, name) else None


def _writes(line: str, start: int, name: re.Match[str]) -> bool:
    """Tell whether the agency in a byline is one, and not a part of a writer's name as in `By Petra Kvitova`."""
    spelling = name[0]
    before = line[start : name.start()]
    names = before.removesuffix("The ").removesuffix("the ").strip()
    if CANONICAL[spelling] in PICTURE_NAMES or not _are_names(names) or not _is_staff(line, name):
        return False
    if not names or patterns.APART.search(before) or not spelling[0].isupper():  # no one is called dpa
        return True
    rest = line[name.end() :].strip(" ,.")
    acronym = spelling.isupper() and CANONICAL[spelling] == spelling
    apart = " " in spelling or acronym or patterns.JOINED.search(before) is not None or rest[:1].isalpha()
    return spelling in PLAIN and apart


def _is_staff(line: str, name: re.Match[str]) -> bool:
    """Tell whether nothing follows the agency but who writes for it, and when."""
    staff = patterns.PLAIN_STAFF if name[0] in PLAIN else patterns.STAFF
    end = name.end()
    bracket = line[name.start() - 1 : name.start()] + line[end : end + 1]
    return staff.fullmatch(line, end + (bracket in {"()", "[]", "（）"})) is not None  # noqa: RUF001


def _are_names(names: str) -> bool:
    """Tell whether the words read like the names of writers."""
    words = names.split()
    return len(words) <= 14 and all(
        word[0].isupper() or word in patterns.JOINING or not word[0].isalpha() for word in words
    )


def _credits(window: str, begin: int, clauses: list[re.Match[str]], *, head: bool) -> Iterator[Attribution]:
    """Read the credits where a clause begins; the head may hold no signature."""
    for clause in clauses:
        at = clause.start("start")
        kind = patterns.CUES.get(clause["start"])
        credit = _formula(window, at, kind, head=head) if kind else None
        if not credit and clause["start"] in CANONICAL:
            credit = _picture(window, at, clause["start"])
        if not credit and not head and kind != "copyright":
            credit = _signed(window, clause)
        if credit:
            yield _found(credit[0], begin, *credit[1:])
    for gave in patterns.GAVE.finditer(window):
        # Who helped is named in the same sentence; the full stop behind an initial ends none.
        line = window.rfind("\n", 0, gave.start()) + 1
        stop = patterns.LAST_SENTENCE.match(window, line, gave.start())
        name = NAME.search(window, stop.end() if stop else line, gave.start())
        if name:
            yield _found("contributed", begin, CANONICAL[name[0]], name.start(), gave.end())


def _formula(window: str, at: int, kind: str, *, head: bool) -> tuple[str, str, int, int] | None:
    """Read a credit that begins with words of its own."""
    if kind == "picture" or (kind == "copyright" and head):
        return _labelled_picture(window, at)
    if kind == "copyright":
        return _copyright(window, at)
    if kind == "source":
        return None if head else _source(window, at)
    return _published(window, at) or _helped(window, at) or (None if head else _reporters(window, at))


def _signed(window: str, clause: re.Match[str]) -> tuple[str, str, int, int] | None:
    """Read `(AP)`, `- Reuters` or `/afp` behind the last sentence of a paragraph."""
    start, at = clause.start(), clause.start("start")
    bracket = patterns.BRACKET.search(window, start, at + 80)
    if bracket and bracket.start() < at:
        agency = _signature(bracket["body"])
        before = window[window.rfind("\n", 0, bracket.start()) + 1 : bracket.start()].rstrip()
        ends = patterns.LINE_ENDS.match(window, bracket.end("close")) and (not before or before[-1] in _STOPS)
        if agency and (ends or patterns.DAY.search(bracket["body"]) or "记者" in bracket["body"]):
            return "closing", agency, bracket.start(), bracket.end("close")
        return _helped(window, bracket.start("body"))
    name = patterns.DASHED_END.search(window, start, at + 40) or patterns.LAST_NAME.match(window, start)
    if name and name["name"] in PLAIN and name.start() < at:
        return "closing", PLAIN[name["name"]], name.start(), name.end("name")
    codes = patterns.CODES.match(window, at)
    known = next(filter(None, map(patterns.CODE_NAMES.get, codes["codes"].split("/"))), None) if codes else None
    return ("closing", known, at, codes.end()) if codes and known else None


def _published(window: str, at: int) -> tuple[str, str, int, int] | None:
    """Read where a text was published first, or which agency wrote what was."""
    authored = patterns.AUTHORED.match(window, at)
    if authored and CANONICAL[authored["agency"]] not in PICTURE_NAMES:
        return "closing", CANONICAL[authored["agency"]], at, authored.end("agency")
    published = patterns.PUBLISHED.match(window, at)
    if not published:
        return None
    name = next(filter(None, published.groups()))
    start = published.start(published.lastindex or 0)
    full = patterns.FULL_STOP.search(name)
    name = (name[: full.end()] if full else name).rstrip(".'’-")  # noqa: RUF001
    if patterns.POSSESSED.match(window, start + len(name)):  # "at Harper's blog", yet "in Harper's"
        name = name.removesuffix("'s").removesuffix("’s")  # noqa: RUF001
    bare = name.removeprefix("the ").removeprefix("The ")
    agency = CANONICAL.get(bare) or CANONICAL.get(name)
    if (
        patterns.MONTH.match(bare)
        or agency in PICTURE_NAMES
        or (not agency and patterns.DELIVERED.search(window, at, start))
    ):
        return None
    return "closing", agency or name.removeprefix("the "), at, start + len(name)


def _reporters(window: str, at: int) -> tuple[str, str, int, int] | None:
    """Read the formulas that are an agency's own and need not name it."""
    for agency, pattern in (("Reuters", patterns.REPORTERS), ("Bloomberg", patterns.BLOOMBERG)):
        credit = pattern.match(window, at)
        if credit:
            return "closing", agency, at - (window[at - 1 : at] in {"(", "（"}), credit.end()  # noqa: RUF001
    return None


def _helped(window: str, at: int) -> tuple[str, str, int, int] | None:
    """Read `With files from AFP` and the like."""
    helped = patterns.HELPED.match(window, at)
    name = NAME.match(window, helped.end()) if helped else None
    if not name:
        return None
    end = name.end()
    while other := patterns.AND_NAME.match(window, end):
        end = other.end()
    if not patterns.HELPED_ENDS.match(window, end):
        return None
    return "contributed", CANONICAL[name[0]], at, name.end()


def _copyright(window: str, at: int) -> tuple[str, str, int, int] | None:
    """Read `Copyright 2025 The Associated Press`."""
    stop = patterns.COPYRIGHT_ENDS.search(window, at)
    name = NAME.search(window, at, min(at + 60, stop.start() if stop else len(window)))
    if not name or CANONICAL[name[0]] in PICTURE_NAMES:
        return None
    return "closing", CANONICAL[name[0]], at, name.end()


def _source(window: str, at: int) -> tuple[str, str, int, int] | None:
    """Read a source inside a line, as Chinese texts name it."""
    colon = patterns.COLON.match(window, at)
    name = PLAIN_NAME.match(window, colon.end()) if colon else None
    if not name or patterns.GOES_ON.match(window, name.end()):
        return None
    return "closing", CANONICAL[name[0]], at, name.end()


def _labelled_picture(window: str, at: int) -> tuple[str, str, int, int] | None:
    """Read `Photo: AFP`, or a picture service where a credit may stand."""
    label = patterns.PICTURE_LABEL.match(window, at)
    name = NAME.match(window, label.end() if label else at)
    if not name or not (
        label or name[0] in patterns.SURE_PICTURES or patterns.PICTURE_BEFORE.search(window, max(0, at - 12), at)
    ):
        return None
    return "photo", CANONICAL[name[0]], at, name.end()


def _picture(window: str, at: int, name: str) -> tuple[str, str, int, int] | None:
    """Read `Ida Brock/AP` and `AP Photo/Ida Brock`, whose agency begins at `at`."""
    end = at + len(name)
    if patterns.SLASHED.match(window, end):
        return "photo", CANONICAL[name], at, end
    slash = window.rfind("/", max(0, at - 3), at)
    photographer = patterns.PHOTOGRAPHER.search(window, max(0, slash - 60), slash) if slash > 0 else None
    return ("photo", CANONICAL[name], photographer.start(), end) if photographer else None
