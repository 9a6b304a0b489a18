"""Photo captions and credits inside one line: which stretches of it belong to a picture."""

from __future__ import annotations

import re
from typing import NamedTuple

from dedup.boilerplate.agencies import CREDITED, PICTURES

_MOST_WORDS = 40  # a caption longer than this is prose
_MOST_CHARACTERS = 400  # the same bound, looked at before words are counted
_MOST_SLASHES = 100  # a text with more is worth a full look
_LEAST_WORDS = 5  # what a caption needs when nobody knows the agency of its credit

_ABBREVIATIONS = frozenset({
    "Col", "Dr", "Gen", "Gov", "Inc", "Jr", "Lt", "Messrs", "Mr", "Mrs", "Ms", "No", "Prof", "Rep", "Reps", "Rev",
    "Sen", "Sens", "Sgt", "Sr", "St", "vs",
})  # fmt: skip

_STOPS = ".!?…"
_QUOTES = "\"'\u201d\u2019»"
_OPENERS = "\"'\u201c\u2018«("

_CREDIT = re.compile(r"\((?P<credit>[^()/\n]{0,60}/[^()\n]{1,60})\)")
_STOP = re.compile(rf"[{_STOPS}][{_QUOTES}]{{0,2}}\s+")
# No sentence may end in it, else a caption could be cut out of it.
_PHOTOGRAPH = re.compile(rf"\bPhoto(?:graph)?: ((?:[^()\n:{_STOPS}]|(?<=\s[A-Z])\.){{3,80}})$")
_SPACE = re.compile(r"\s+")


class Cut(NamedTuple):
    """A stretch of a line that belongs to a picture: characters `start` to `end`, and the rule that says so."""

    start: int
    end: int
    rule: str


def may_credit(text: str) -> bool:
    """Tell quickly whether `text` could hold a credit; when it cannot, no line of it has a cut."""
    slash = text.find("/")
    for _ in range(_MOST_SLASHES):
        if slash < 0:
            return False
        before = max(0, slash - 90)
        if text.find(")", slash, slash + 62) >= 0 and text.find("(", before, slash) >= 0:
            return True
        if text.find("Photo", before, slash) >= 0:
            return True
        slash = text.find("/", slash + 1)
    return True


def cuts(line: str, begin: int) -> list[Cut]:
    """Return the captions and credits in `line[begin:]`, in order; a line that is all caption is one cut.

    Args:
        line: One line without space at its ends.
        begin: Where the story begins in it.
    """
    found: list[Cut] = []
    sentence = position = begin
    closing: re.Match[str] | None = None
    for credit in _CREDIT.finditer(line, begin):
        for stop in _STOP.finditer(line, position, credit.start()):
            if _opens(line, stop.end()) and not _abbreviates(line, begin, stop.start()):
                sentence = stop.end()
        position = credit.end()
        if position == len(line):
            closing = credit
        elif (
            (space := _SPACE.match(line, position))
            and _opens(line, space.end())
            and _is_credit(credit["credit"])
            and _is_short(line, sentence, credit.start())
        ):
            found.append(Cut(sentence, space.end(), "caption-inline" if sentence < credit.start() else "credit"))
            sentence = space.end()
    end = _closing_cut(line, begin, found, sentence, closing)
    if end is None:
        return found
    return [end] if end.start == begin else [*found, end]


def _closing_cut(line: str, begin: int, found: list[Cut], sentence: int, closing: re.Match[str] | None) -> Cut | None:
    """Return the cut that a credit at the end of the line makes: all of the line, its last sentence or the credit."""
    if closing is None:
        closing = _PHOTOGRAPH.search(line, max(begin, len(line) - 100))
        if closing is None or not _is_credit(closing[1]):
            return None
        known, sentence = True, closing.start()
    else:
        known = _is_credit(closing["credit"])
    rest = without(line[: closing.start()], begin, found)
    if _is_short(rest, 0, len(rest)) and (
        known or (len(rest.split()) >= _LEAST_WORDS and _is_signature(closing["credit"]))
    ):
        return Cut(begin, len(line), "caption-line" if rest.strip() else "credit")
    before = without(line[:sentence], begin, found).rstrip()
    # What stays must end as a sentence does, else a second look at it could find another credit at its end.
    if not known or not _is_short(line, sentence, closing.start()) or before[-1:] not in _STOPS + _QUOTES:
        return None
    # The space before goes too, unless it belongs to the cut before.
    start = sentence if found and found[-1].end == sentence else len(line[:sentence].rstrip())
    return Cut(start, len(line), "credit" if sentence == closing.start() else "caption-inline")


def without(line: str, begin: int, found: list[Cut]) -> str:
    """Return `line[begin:]` without its cuts."""
    pieces = []
    for cut in found:
        pieces.append(line[begin : cut.start])
        begin = cut.end
    return "".join([*pieces, line[begin:]])


def _is_short(line: str, start: int, end: int) -> bool:
    # The length first: a copy of a long line for each credit in it would be quadratic.
    return end - start <= _MOST_CHARACTERS and len(line[start:end].split()) <= _MOST_WORDS


def _opens(line: str, position: int) -> bool:
    """Tell whether a sentence could begin at `position`: an upper-case letter, perhaps behind quotes."""
    return line[position : position + 3].lstrip(_OPENERS)[:1].isupper()


def _abbreviates(line: str, begin: int, stop: int) -> bool:
    """Tell whether the full stop at `stop` belongs to an initial, `U.S.` or a title such as `Gov.`."""
    word = (line[max(begin, stop - 12) : stop].split() or [""])[-1].lstrip(_OPENERS)
    return len(word) == 1 or "." in word or word in _ABBREVIATIONS


def _is_credit(inner: str) -> bool:
    """Tell whether `Roman Pilpey/AFP/Getty Images` or the like names a photographer and an agency.

    `(AP/Reuters)` is the signature of a report, and stays.
    """
    inner = inner.removeprefix("Photo by ").lstrip(": ").replace(" via ", "/")
    parts = [part.strip() for part in inner.split("/")]
    names = [part for part in parts if part not in CREDITED and part not in PICTURES]
    if len(names) == len(parts) or not all(map(_is_name, names)):
        return False
    return bool(names) or not PICTURES.isdisjoint(parts)


def _is_signature(inner: str) -> bool:
    """Tell whether `Jane M Doe/XYZ` names somebody and something in two to five capitals."""
    name, _, agency = inner.partition("/")
    return (
        " " in name
        and not name.isupper()
        and _is_name(name)
        and 2 <= len(agency) <= 5
        and agency.isalpha()
        and agency.isupper()
    )


def _is_name(part: str) -> bool:
    """Tell whether `part` reads like a name: at most six words without a figure, the first and last capitalised."""
    words = part.split()
    if not 0 < len(words) <= 6 or any(map(str.isdigit, part)):
        return False
    return words[0][0].isupper() and words[-1][0].isupper()
