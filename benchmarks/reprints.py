"""Labelled reprints made from any corpus of articles: named operators, three strengths, hard negatives, one seed.

    python benchmarks/reprints.py articles.jsonl.gz out --seed 7 --strength heavy --mode each --stories 500

writes `documents.jsonl` for `dedup run`, and for `dedup eval` `labels.jsonl` (id, story) and `pairs.jsonl`.

A word is a run of characters between spaces; where a script is written without spaces it is two characters. Everything
is a function of the seed and of the articles' ids, so the order of the articles does not matter. What an operator adds
comes from other articles of the corpus, set aside for it, and from a few English cues of our own; of a corpus in
several languages, pass one language at a time.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import accumulate, combinations, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness
import numpy as np
import xxhash

from dedup import _validate
from dedup.errors import DedupError, DuplicateIdError, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

STRENGTHS = ("light", "normal", "heavy")
MODES = ("mixed", "each")

#: Words of the articles that are used.
SHORTEST, LONGEST = 100, 3000
#: An article is used when less than this share of its 5-grams is in any other one: no two of them reach Jaccard .1.
SHARED = 0.18
#: Fewer articles than this make no set.
FEWEST = 10
#: Where the number of stories is given, so many articles are looked at for each.
LOOKED_AT = 3
#: Share of the usable articles whose sentences, words and titles are material, and never stories.
MATERIAL = 0.1
#: Hard negatives for each story: follow-ups of it, pairs of a template, pairs of briefs.
FOLLOW_UPS, TEMPLATES, BRIEFS = 0.1, 0.05, 0.05
#: Cuts leave so many words of a story, so that a reprint is never a mere sentence.
LEAST = 40
#: No piece that is cut, moved or quoted as a sentence is longer than so many words.
SENTENCE = 50

NAMES = ("Ida Brock", "Tomas Verrin", "Mara Quist", "Joel Ashgrove", "Petra Lunn", "Sami Corrigan", "Edda Voss")
OUTLETS = tuple(
    f"{place} {kind}"
    for place in ("Harbour", "Kessel Valley", "Mittenau", "Skerry", "Fenwater", "Tarn", "Corran", "Dayloom")
    for kind in ("Gazette", "Herald", "Tribune", "Echo", "Mercury")
)
CUES = (
    "Sign up to the {} newsletter",
    "Most read in {} today",
    "Support {}: subscribe from one crown a week",
    "Follow {} for more stories like this one",
)

# Han, kana, Thai, Lao, Burmese and Khmer, vowel signs included.
_SCRIPTS = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u1049\u1050-\u109f\u1780-\u17d3\u3005-\u3007"
    "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"[{_SCRIPTS}]")
_UNIT = re.compile(rf"(?:[{_SCRIPTS}]{{1,2}}[^\w\s{_SCRIPTS}]*|[^\s{_SCRIPTS}]+)\s*")
_SPACED_UNIT = re.compile(r"\S+\s*")
_CORE = re.compile(rf"[{_SCRIPTS}]{{1,2}}|[^\W{_SCRIPTS}]+")
_CLOSING = "\"'”\u2019»」』)\\]"
# Initials and short capitalised words (Mr., Sen., Feb.) end no sentence; a blank or indented line does.
_END = re.compile(
    rf"(?:(?<![\s.]\w)(?<!\b[A-Z][a-z])(?<!\b[A-Z][a-z][a-z])[.!?؟।\u06d4…][{_CLOSING}]*(?=\s)"
    rf"|[。\uff01\uff1f][{_CLOSING}]*|(?<=[{_SCRIPTS}])\n|\n(?=\s))\s*"
)

#: Pieces of a page in order: the text, and whether it is the story's.
Parts = list[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Document:
    """A text of the set.

    Args:
        id: Unique; the article's id, a dot, and what it is.
        text: The text.
        source: An invented outlet.
        published: ISO date and time; that of a reprint is hours or days after its original's.
        title: The title, or the first words of a text that has none.
        story: The id of the story's original; the own id of a roundup and of a hard negative.
        kind: "original", "reprint", "roundup", "follow-up", "template" or "brief".
        operators: (name, strength) of what was done to it, in the order of OPERATORS; also of what found nothing to do.
        furniture: (start, end) of what is not the story, in order: half-open offsets into `text`.
    """

    id: str
    text: str
    source: str
    published: str
    title: str
    story: str
    kind: str
    operators: tuple[tuple[str, str], ...] = ()
    furniture: tuple[tuple[int, int], ...] = ()

    @property
    def story_text(self) -> str:
        """Return what a perfect cleaner would leave."""
        starts = [0, *(end for _, end in self.furniture)]
        ends = [*(start for start, _ in self.furniture), len(self.text)]
        return " ".join(self.text[start:end] for start, end in zip(starts, ends, strict=True))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two documents that have text in common, and their true scores by `similarity`.

    Args:
        left: Id of one document.
        right: Id of the other.
        linked: Whether they belong to one story.
        relation: "duplicate" or "excerpt" of one story; else "roundup", "follow-up", "template" or "brief".
        operators: Sorted names of what was done to either.
        jaccard: Of the whole texts, as are both containments.
        containment_left: Share of the left one's shingles that the right one has.
        containment_right: Share of the right one's shingles that the left one has.
        story_jaccard: The same without `Document.furniture`, as are the next two.
        story_containment_left: See `containment_left`.
        story_containment_right: See `containment_right`.
    """

    left: str
    right: str
    linked: bool
    relation: str
    operators: tuple[str, ...]
    jaccard: float
    containment_left: float
    containment_right: float
    story_jaccard: float
    story_containment_left: float
    story_containment_right: float


@dataclass(frozen=True, slots=True)
class Reprints:
    """A labelled set: documents that are in no listed pair share furniture at most."""

    documents: tuple[Document, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class _Article:
    id: str
    text: str
    title: str
    date: str


@dataclass(frozen=True, slots=True)
class _Material:
    """What operators add; only names may be empty."""

    sentences: Sequence[str]
    words: list[str]
    names: list[str]
    common: frozenset[str]
    titles: list[str]

    def passage(self, words: int, chance: random.Random) -> str:
        """Return `words` words of running text, fewer when there are no more."""
        place, found = chance.randrange(len(self.sentences)), ""
        for step in range(len(self.sentences)):
            if count_words(found) >= words:
                break
            found += self.sentences[(place + step) % len(self.sentences)]
        return first_words(found, words)


@dataclass(frozen=True, slots=True)
class _Setting:
    seed: int
    strength: str
    material: _Material


@dataclass(frozen=True, slots=True)
class _Page:
    """What operators know of the page that they work for."""

    setting: _Setting
    chance: random.Random
    outlet: str
    published: datetime
    title: str
    others: Sequence[_Article] = ()


def split_words(text: str) -> list[str]:
    """Return the words of a text, each with the space behind it; the space in front of the first is left out."""
    # The plain pattern is several times as fast, and the same where it is enough.
    return (_UNIT if _UNSPACED.search(text) else _SPACED_UNIT).findall(text)


def count_words(text: str) -> int:
    """Return how many words a text has."""
    return len(split_words(text) if _UNSPACED.search(text) else text.split())


def first_words(text: str, words: int) -> str:
    """Return the first words of a text, the whole text when it has no more."""
    return "".join(split_words(text)[:words]).strip()


@lru_cache(maxsize=512)
def sentences(text: str) -> tuple[str, ...]:
    """Split a text into sentences of at most SENTENCE words, with the space behind each; joined they are the text."""
    ends = [match.end() for match in _END.finditer(text)]
    found: list[str] = []
    for start, end in zip([0, *ends], [*ends, len(text)], strict=True):
        units = split_words(text[start:end])
        found += ["".join(units[at : at + SENTENCE]) for at in range(0, len(units), SENTENCE)]
    return tuple(found)


def _tokens(text: str) -> str | list[str]:
    r"""Return the lower-cased `\w+` tokens of a text; joined to one where most are written without spaces."""
    tokens: list[str] = re.findall(r"\w+", text.lower())
    # The first thousand tell.
    return tokens if is_spaced("".join(tokens[:1000])[:1000]) else "".join(tokens)


def is_spaced(letters: str) -> bool:
    """Return whether at most half of some letters are of scripts that are written without spaces."""
    return 2 * len(_UNSPACED.findall(letters)) <= len(letters)


@lru_cache(maxsize=512)
def shingles(text: str) -> frozenset[str]:
    r"""Return the set of 3-grams of the lower-cased `\w+` tokens of a text.

    Of a text mostly in a script without spaces they are 6-grams of the characters in the tokens. A shorter text has one
    shingle of all its tokens; a text without a token has none.
    """
    tokens = _tokens(text)
    if isinstance(tokens, str):
        return frozenset([tokens[at : at + 6] for at in range(max(1, len(tokens) - 5))])
    # No token holds a space; strings are faster than tuples, which the garbage collector visits.
    found = frozenset(map(" ".join, zip(tokens, tokens[1:], tokens[2:], strict=False)))
    return found or frozenset([" ".join(tokens)] if tokens else [])


def similarity(left: str, right: str) -> tuple[float, float, float]:
    """Return the Jaccard similarity and the containments of the left and of the right text; 0 where a text is empty."""
    a, b = shingles(left), shingles(right)
    shared = len(a & b)
    return shared / max(1, len(a) + len(b) - shared), shared / max(1, len(a)), shared / max(1, len(b))


def _chance(seed: int, *names: object) -> random.Random:
    return random.Random("/".join(map(str, (seed, *names))))


# Operators: (parts, amount, page) -> parts. Edits and cuts come first, when all parts are the story's.


def _edit(parts: Parts, share: float, page: _Page, edit: Callable[[str], str]) -> Parts:
    """Edit a share of the words, at least one."""
    units = [split_words(text) for text, _ in parts]
    total = sum(map(len, units))
    chosen = set(page.chance.sample(range(total), min(total, max(1, round(share * total)))))
    edited, at = [], 0
    for row in units:
        text = ""
        for unit in row:
            new = _CORE.sub(lambda core: edit(core[0]), unit, count=1) if at in chosen else unit
            text += new if new.strip() else ""
            at += 1
        edited.append((text, True))
    return edited


def _word_edits(parts: Parts, share: float, page: _Page) -> Parts:
    def edit(word: str) -> str:
        other = page.chance.choice(page.setting.material.words)
        space = "" if _UNSPACED.match(word) else " "
        # As editors do: half replaced, a quarter added, a quarter dropped.
        return page.chance.choice((other, other, f"{word}{space}{other}", ""))

    return _edit(parts, share, page, edit)


_LOOKALIKES = {"rn": "m", "m": "rn", "l": "1", "O": "0", "e": "c", "cl": "d", "S": "5", "h": "b", "i": "l", "u": "ii"}


def _ocr_noise(parts: Parts, share: float, page: _Page) -> Parts:
    def edit(word: str) -> str:
        if found := [letters for letters in _LOOKALIKES if letters in word]:
            letters = page.chance.choice(found)
            return word.replace(letters, _LOOKALIKES[letters], 1)
        at = page.chance.randrange(len(word))
        # Other scripts: a letter is lost, read twice, or changes places with the next.
        return word[:at] + page.chance.choice(("", word[at] * 2, word[at : at + 2][::-1])) + word[at + 1 :]

    return _edit(parts, share, page, edit)


_DIGIT = re.compile(r"\d")
_THOUSANDS = re.compile(r"(?<=\d)[,٬](?=\d{3}(?!\d))")
_SMALL = re.compile(r"(?<![\d.,:/-])\b(?:[0-9]|1[0-2])\b(?![.,:/-]?\d)", re.ASCII)
_NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_HAN_NUMBERS = [*"〇一二三四五六七八九十", "十一", "十二"]


def _digits(parts: Parts, level: float, page: _Page) -> Parts:
    del page
    text = "".join(text for text, _ in parts)
    found = set(_DIGIT.findall(text))
    # English has number words here, and so have scripts without spaces; other languages keep their digits.
    spelled = _NUMBERS if " the " in text else _HAN_NUMBERS if re.search("[一-鿿]", text) else None
    zero = ord("0") if not all(map(str.isascii, found)) else 0x660 if re.search("[\u0627-\u064a]", text) else 0xFF10
    other = {ord(digit): chr(zero + int(digit)) for digit in found}

    def edit(text: str) -> str:
        text = _THOUSANDS.sub("", text)
        if level > 1 and spelled:
            text = _SMALL.sub(lambda number: spelled[int(number[0])], text)
        return text.translate(other) if level > 2 else text

    return [(edit(text), own) for text, own in parts]


def _sentence_shuffle(parts: Parts, swaps: float, page: _Page) -> Parts:
    moved = list(parts)
    pairs = range(len(parts) // 2)
    for pair in page.chance.sample(pairs, min(len(pairs), int(swaps))):
        (a, own), (b, _) = moved[2 * pair : 2 * pair + 2]
        # The space stays where it was: a paragraph ends where it ended.
        tail_a, tail_b = a[len(a.rstrip()) :], b[len(b.rstrip()) :]
        moved[2 * pair : 2 * pair + 2] = [(b.rstrip() + tail_a, own), (a.rstrip() + tail_b, own)]
    return moved


_SINGLE = str.maketrans("\u2018\u2019\u201a", "'''")
_DOUBLE = str.maketrans("“”„«»", '"""""')
_OPENING = re.compile(r"(?<![^\s(\[\u2018“'\"—-])(['\"])")


def _curl(text: str) -> str:
    text = _OPENING.sub(lambda mark: "\u2018" if mark[0] == "'" else "“", text)
    return text.replace("'", "\u2019").replace('"', "”")


def _quote_style(parts: Parts, level: float, page: _Page) -> Parts:
    del page
    curly = re.search("[“”„«»\u2018\u2019\u201a]", "".join(text for text, _ in parts))

    def edit(text: str) -> str:
        if not curly:
            other = _curl(text)
            return other if level > 1 else other.replace("“", '"').replace("”", '"')
        text = text.translate(_SINGLE)
        if level > 2:
            # Typewriter style, as old wires and TeX have it.
            text = _curl(text.translate(_DOUBLE)).replace("“", "``").replace("”", "''")
            return text.translate(_SINGLE)
        return text.translate(_DOUBLE) if level > 1 else text

    return [(edit(text), own) for text, own in parts]


_FULL_WIDTH = dict(zip(",.;:!?", "\uff0c。\uff1b\uff1a\uff01\uff1f", strict=True))
_HALF_WIDTH = str.maketrans({mark: f"{plain} " for plain, mark in _FULL_WIDTH.items()} | {"、": ", "})
_DASH = re.compile(r" *(?:—|―|--| [-\u2013](?= )) *")
_STOP = re.compile(r"[,.;:!?](?=\s|$)")


def _punctuation(parts: Parts, level: float, page: _Page) -> Parts:
    dash = page.chance.choice((" \u2013 ", "—", " -- "))
    quotes = page.chance.choice(("«»", "„“", "「」", "\u2039\u203a"))
    wide = re.search("[。、\uff0c]", "".join(text for text, _ in parts))

    def edit(text: str) -> str:
        text = _DASH.sub(dash, text)
        if level > 1 and wide:
            return text.translate(str.maketrans("「」『』", "“”\u2018\u2019")).translate(
                _HALF_WIDTH if level > 2 else {}
            )
        if level > 1:
            text = _curl(text.replace("«", "“").replace("»", "”")).translate(str.maketrans("“”", quotes))
        return _STOP.sub(lambda mark: _FULL_WIDTH[mark[0]], text) if level > 2 else text

    return [(edit(text), own) for text, own in parts]


def _case(parts: Parts, level: float, page: _Page) -> Parts:
    del page
    if level > 2:
        return [(text.upper(), own) for text, own in parts]
    (text, own), *rest = parts
    start = text if level > 1 else first_words(text, 5)
    return [(start.upper() + text[len(start) :], own), *rest]


def _leading(sizes: Sequence[int], words: float) -> int:
    """Return how many of the first sentences come nearest to so many words, and have LEAST of them where there are."""
    totals = list(accumulate(sizes))
    enough = [count for count, total in enumerate(totals, 1) if total >= LEAST]
    return min(enough, key=lambda count: abs(totals[count - 1] - words), default=len(sizes))


def _lead(parts: Parts, words: float) -> Parts:
    return parts[: _leading([count_words(text) for text, _ in parts], words)]


def _cut_tail(parts: Parts, share: float, page: _Page) -> Parts:
    del page
    return _lead(parts, (1 - share) * sum(count_words(text) for text, _ in parts))


def _cut_head(parts: Parts, share: float, page: _Page) -> Parts:
    return _cut_tail(parts[::-1], share, page)[::-1]


def _excerpt(parts: Parts, share: float, page: _Page) -> Parts:
    sizes = [count_words(text) for text, _ in parts]
    words = share * sum(sizes)
    # Wherever it starts, enough must follow.
    starts = [at for at in range(len(parts)) if sum(sizes[at:]) >= max(LEAST, words)] or [0]
    return _lead(parts[page.chance.choice(starts) :], words)


def _roundup(parts: Parts, stories: float, page: _Page) -> Parts:
    """Cut all stories to the length of the shortest: where one is most of the page, the page is a reprint of it."""
    others = page.others[: int(stories) - 1]
    bodies = [parts, *([(text, True) for text in sentences(other.text)] for other in others)]
    least = min(sum(count_words(text) for text, _ in body) for body in bodies)
    joined: Parts = []
    for body, title in zip(bodies, [page.title, *(other.title for other in others)], strict=True):
        joined = [*_insert(joined, len(joined), f"{title}\n{page.chance.choice(OUTLETS)}"), *_lead(body, least)]
    return joined


def _insert(parts: Parts, place: int, block: str, *, own: bool = False) -> Parts:
    """Insert a paragraph, furniture unless told."""
    before = parts[:place]
    if before:
        text, whose = before[-1]
        before[-1] = (text.rstrip() + "\n\n", whose)
    return [*before, (f"{block}\n\n", own), *parts[place:]]


def _breaks(parts: Parts) -> list[int]:
    """Return the places between paragraphs; between sentences when there is one paragraph; else the end."""
    ends = [at for at, (text, _) in enumerate(parts[:-1], 1) if "\n" in text[len(text.rstrip()) :]]
    # A dateline stays with what it stands before.
    return ends or [at for at in range(1, len(parts)) if parts[at - 1][1]] or [len(parts)]


def _caption(parts: Parts, words: float, page: _Page) -> Parts:
    credit = f"{page.chance.choice(NAMES)}/{page.chance.choice(('Northwire', page.outlet))}"
    line = page.setting.material.passage(int(words), page.chance)
    block = page.chance.choice((f"{line} ({credit})", f"{line} Photograph: {credit}"))
    return _insert(parts, page.chance.choice([0, *_breaks(parts)[:3]]), block)


def _embed(parts: Parts, words: float, page: _Page) -> Parts:
    name = page.chance.choice(NAMES)
    link = "".join(page.chance.choices("aB3dE5fG7hJkMnP", k=10))
    post = f"{page.setting.material.passage(int(words), page.chance)} pic.twitter.com/{link}"
    signed = (
        f"— {name} (@{name.replace(' ', '_').lower()}) {page.published:%B} {page.published.day}, {page.published.year}"
    )
    return _insert(parts, page.chance.choice(_breaks(parts)), f"{post}\n{signed}")


def _local_paragraph(parts: Parts, words: float, page: _Page) -> Parts:
    place = page.chance.choice([*_breaks(parts), len(parts)])
    return _insert(parts, place, page.setting.material.passage(int(words), page.chance))


def _dateline(parts: Parts, level: float, page: _Page) -> Parts:
    place = page.chance.choice(page.setting.material.words).upper()
    day = f", {page.published:%B} {page.published.day}" if level > 1 else ""
    agency = " (Northwire)" if level > 1 else ""
    parts = [(f"{place}{day}{agency} — ", False), *parts]
    byline = (
        f"{page.chance.choice(NAMES)}, {page.outlet} correspondent, and agencies, updated {page.published:%H:%M} UTC"
    )
    return _insert(parts, 0, byline) if level > 2 else parts


def _headline(parts: Parts, lines: float, page: _Page) -> Parts:
    standfirst = page.setting.material.passage(25, page.chance)
    head = [page.title, f"By {page.chance.choice(NAMES)}, {page.outlet}", standfirst]
    return _insert(parts, 0, "\n".join(head[: int(lines)]))


def _house_block(parts: Parts, words: float, page: _Page) -> Parts:
    # Of the outlet alone, so that all its texts carry the same block in the same place.
    chance = _chance(page.setting.seed, "house", page.outlet)
    lines = [chance.choice(CUES).format(page.outlet), f"© {page.outlet}. All rights reserved."]
    titles = chance.choices(page.setting.material.titles, k=int(words))
    for title in titles:
        left = int(words) - sum(map(count_words, lines))
        if left <= 0:
            break
        lines.insert(-1, first_words(title, left))
    where = chance.choice(("end", "end", "around", "inside"))
    if where == "inside":
        breaks = _breaks(parts)
        return _insert(parts, breaks[len(breaks) // 2], "\n".join(lines))
    half = len(lines) // 2 if where == "around" else 0
    parts = _insert(parts, len(parts), "\n".join(lines[half:]))
    return _insert(parts, 0, "\n".join(lines[:half])) if half else parts


def _merged_lines(parts: Parts, level: float, page: _Page) -> Parts:
    def edit(text: str) -> str:
        if level == 1 and page.chance.random() > 1 / 3:
            return text
        body = text.rstrip()
        glued = level > 2 and "\n" in text[len(body) :] and not body[-1:].isalnum()
        return re.sub(r"\s*\n\s*", " ", body) + ("" if glued else text[len(body) :] and " ")

    return [(edit(text), own) for text, own in parts]


@dataclass(frozen=True, slots=True)
class Operator:
    """Something that happens to a reprint, and how much of it at each strength.

    Args:
        apply: What does it.
        amounts: Of light, normal and heavy.
        unit: What the amounts are.
    """

    apply: Callable[[Parts, float, _Page], Parts]
    amounts: tuple[float, float, float]
    unit: str


#: In the order in which they are applied: edits, cuts, furniture, and what happens to the page as a whole.
OPERATORS = {
    # A light sub-edit, a desk's ordinary one, and a rewrite of the agency's style.
    "word-edits": Operator(_word_edits, (0.005, 0.02, 0.06), "share of words replaced, added or dropped"),
    # The word error rates of clean, common and bad scans of newspapers.
    "ocr-noise": Operator(_ocr_noise, (0.005, 0.02, 0.06), "share of words misread"),
    "digits": Operator(_digits, (1, 2, 3), "1: 1200 for 1,200; 2: and three for 3; 3: and digits of another script"),
    "sentence-shuffle": Operator(_sentence_shuffle, (1, 3, 8), "sentences that change places with the next"),
    "quote-style": Operator(
        _quote_style, (1, 2, 3), "1: single marks; 2: and double ones; 3: as a typewriter has them"
    ),
    "punctuation": Operator(_punctuation, (1, 2, 3), "1: dashes; 2: and quotes; 3: and commas and stops, full-width"),
    "case": Operator(_case, (1, 2, 3), "in capitals: 1: five words; 2: the first sentence; 3: all"),
    # Copy is written to be cut from the bottom.
    "cut-tail": Operator(_cut_tail, (0.1, 0.25, 0.5), "share of words cut"),
    "cut-head": Operator(_cut_head, (0.05, 0.1, 0.25), "share of words cut"),
    "excerpt": Operator(_excerpt, (0.6, 0.4, 0.25), "share of words kept, in one piece"),
    "dateline": Operator(_dateline, (1, 2, 3), "1: place; 2: and day and agency; 3: and a byline"),
    "roundup": Operator(_roundup, (2, 3, 6), "stories on the page, cut to the same length"),
    "caption": Operator(_caption, (10, 25, 50), "words, and a credit"),
    # A post of 280 characters has some 50 words.
    "embed": Operator(_embed, (15, 30, 50), "words, and a line of attribution"),
    "local-paragraph": Operator(_local_paragraph, (30, 60, 120), "words"),
    "headline": Operator(_headline, (1, 2, 3), "1: title; 2: and byline; 3: and a standfirst of 25 words"),
    "house-block": Operator(_house_block, (20, 60, 150), "words"),
    "merged-lines": Operator(_merged_lines, (1, 2, 3), "1: a third of the lines; 2: all; 3: and no space after a stop"),
}


def generate(
    articles: Iterable[Mapping[str, Any]],
    *,
    seed: int = 0,
    strength: str = "normal",
    mode: str = "mixed",
    stories: int | None = None,
    pairs_per_operator: int = 100,
) -> Reprints:
    """Make a labelled set of reprints.

    In mode "mixed" each story has 1 to 5 reprints with 1 to 4 operators each, all equally likely; an excerpt is not
    cut further. In mode "each" every reprint has one operator. A reprint with "roundup" is a story of its own. Both
    modes have hard negatives beside them: FOLLOW_UPS share 2 to 4 sentences with a story, 15 to 30 % of their words;
    TEMPLATES are two texts of one form and other facts; BRIEFS are two texts with the same house block.

    Articles are used when they have SHORTEST to LONGEST words and share less than SHARED of their 5-grams with all
    other articles of that length together, so that no unlabelled pair is alike.

    Args:
        articles: Records with `text` and optionally `id` (by default made from the text), `title` and `date`; other
            fields are not read.
        seed: The set is a function of it and of the articles.
        strength: "light", "normal" or "heavy"; see OPERATORS.
        mode: "mixed" or "each".
        stories: The most stories; by default as many as the articles allow.
        pairs_per_operator: In mode "each", the least pairs of original and reprint for each operator, as far as one
            reprint a story for each operator reaches.

    Raises:
        InvalidArgumentError: An argument is outside what is allowed, or fewer than FEWEST articles can be used.
        DuplicateIdError: Two articles with different texts have one id.
    """
    _validate.choice("strength", strength, STRENGTHS)
    _validate.choice("mode", mode, MODES)
    _validate.integer("pairs_per_operator", pairs_per_operator, least=1)
    if stories is not None:
        _validate.integer("stories", stories, least=2)
    usable = _unlike(_read_articles(articles, seed, stories and LOOKED_AT * max(stories, FEWEST)))
    if len(usable) < FEWEST:
        asked = f"at least {FEWEST} that have {SHORTEST} to {LONGEST} words and are unlike each other"
        raise InvalidArgumentError(f"articles must hold {asked}. Got {len(usable)}.")
    aside = round(MATERIAL * len(usable))
    negatives = FOLLOW_UPS + TEMPLATES + 2 * BRIEFS
    count = int((len(usable) - aside) / (1 + negatives))
    count = min(count, stories or count)
    chosen, bases = usable[aside : aside + count], iter(usable[aside + count :])
    setting = _Setting(seed, strength, _gather(usable[:aside]))

    documents: list[Document] = []
    carriers = defaultdict(list)
    carried = int(_amount("roundup", strength))
    per_story = min(len(OPERATORS), -(-len(OPERATORS) * pairs_per_operator // count))
    for row, article in enumerate(chosen):
        around = [chosen[(row + step) % count] for step in range(min(count, carried))]
        plans = _drawn(_chance(seed, article.id)) if mode == "mixed" else _dealt(row, per_story)
        for document in _story(around, plans, setting):
            documents.append(document)
            for other in around if document.kind == "roundup" else around[:1]:
                carriers[other.id].append(document)
    for article in chosen[: int(FOLLOW_UPS * count)]:
        documents.append(_follow_up(article, next(bases), setting))
        carriers[article.id].append(documents[-1])
    groups = [_template(next(bases), setting) for _ in range(int(TEMPLATES * count))]
    groups += [_briefs([next(bases), next(bases)], setting) for _ in range(int(BRIEFS * count))]
    documents += [document for group in groups for document in group]
    return Reprints(tuple(documents), tuple(_pairs([*carriers.values(), *groups])))


def _read_articles(articles: Iterable[Mapping[str, Any]], seed: int, most: int | None) -> list[_Article]:
    """Return articles of a usable length, `most` of them at most, in an order drawn from the seed."""
    found: dict[str, _Article] = {}
    for record in articles:
        text = str(record.get("text") or "").strip()
        name = str(record.get("id") or xxhash.xxh3_64_hexdigest(text.encode(errors="surrogatepass")))
        title = str(record.get("title") or "").strip() or first_words(text[:400], 8)
        if name in found and found[name].text != text:
            raise DuplicateIdError(f"articles must have ids of their own. Got {name!r} twice.")
        found[name] = _Article(name, text, title, str(record.get("date") or ""))
    drawn = sorted(found.values(), key=lambda article: _chance(seed, "order", article.id).random())
    fitting = (article for article in drawn if SHORTEST <= count_words(article.text) <= LONGEST)
    return list(islice(fitting, most))


@cache
def _hash(token: str) -> int:
    return xxhash.xxh3_64_intdigest(token.encode(errors="surrogatepass"))


def _grams(text: str) -> NDArray[np.uint64]:
    """Return distinct hashes, uint64 [n], of a quarter of the 5-grams of a text; of 16 characters without spaces."""
    tokens = _tokens(text)
    hashes = np.fromiter(map(_hash, tokens), np.uint64, len(tokens))
    size = 16 if isinstance(tokens, str) else 5
    grams = np.zeros(max(0, len(tokens) - size + 1), np.uint64)
    for at in range(size):
        # Any odd factor does, so long as order counts.
        grams = grams * np.uint64(0x9E3779B97F4A7C15) + hashes[at : at + len(grams)]
    return np.unique(grams[grams < 1 << 62])


def _unlike(articles: list[_Article]) -> list[_Article]:
    """Return the articles with less than SHARED of their 5-grams in any of the others; linear in the text."""
    rows = [_grams(article.text) for article in articles]
    values, counts = np.unique(np.concatenate([np.empty(0, np.uint64), *rows]), return_counts=True)
    shared = [counts[np.searchsorted(values, row)] > 1 for row in rows]
    return [one for one, common in zip(articles, shared, strict=True) if common.sum() < SHARED * len(common)]


def _gather(articles: Iterable[_Article]) -> _Material:
    """Return what a set has to add; names are words that are never written small."""
    found = list(articles)
    text = "\n\n".join(article.text for article in found)
    # Each word once: drawn as often as they occur, most would be articles and prepositions.
    words = sorted({word for word in _CORE.findall(text) if word[0].isalpha()}) or ["news"]
    small = [word for word in words if not word[0].isupper()] or words
    common = frozenset(small)
    names = [word for word in words if word.lower() not in common]
    return _Material(sentences(text), small, names, common, [article.title for article in found])


def _amount(name: str, strength: str) -> float:
    return OPERATORS[name].amounts[STRENGTHS.index(strength)]


def _drawn(chance: random.Random) -> list[list[str]]:
    """Draw the operators of each reprint of a story."""
    plans = [chance.sample(list(OPERATORS), chance.randint(1, 4)) for _ in range(chance.randint(1, 5))]
    # Two roundups of the same stories would be one text.
    first = next((plan for plan in plans if "roundup" in plan), None)
    plans = [plan if plan is first else [name for name in plan if name != "roundup"] for plan in plans]
    return [[name for name in plan if not ("excerpt" in plan and name.startswith("cut-"))] for plan in plans]


def _dealt(row: int, count: int) -> list[list[str]]:
    """Deal operators to the stories like cards, so that all come equally often."""
    names = list(OPERATORS)
    return [[names[card % len(names)]] for card in range(row * count, row * count + count)]


def _whole(article: _Article) -> Parts:
    return [(text, True) for text in sentences(article.text)]


def _published(article: _Article, chance: random.Random) -> datetime:
    try:
        day = datetime.fromisoformat(article.date[:10]).replace(tzinfo=UTC)
    except ValueError:
        day = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(365))
    return day.replace(hour=chance.randrange(24), minute=chance.randrange(60))


def _first_printed(article: _Article, setting: _Setting) -> datetime:
    return _published(article, _chance(setting.seed, article.id, "printed"))


def _document(
    name: str, kind: str, parts: Parts, page: _Page, *, story: str = "", plan: Sequence[tuple[str, str]] = ()
) -> Document:
    text = "".join(text for text, _ in parts).rstrip()
    ends = list(accumulate(len(part) for part, _ in parts))
    pieces = zip([0, *ends[:-1]], ends, parts, strict=True)
    furniture = tuple((start, min(end, len(text))) for start, end, (_, own) in pieces if not own)
    published = page.published.isoformat().replace("+00:00", "Z")
    return Document(name, text, page.outlet, published, page.title, story or name, kind, tuple(plan), furniture)


def _story(articles: Sequence[_Article], plans: Iterable[Sequence[str]], setting: _Setting) -> Iterator[Document]:
    """Make the original of the first article, and a copy of it for each plan; roundups carry all articles."""
    article, *others = articles
    chance = _chance(setting.seed, article.id, "story")
    printed = [_first_printed(one, setting) for one in articles]
    outlets = chance.sample(OUTLETS, len(OUTLETS))
    for number, names in enumerate([(), *plans]):
        chance = _chance(setting.seed, article.id, number)
        delay = timedelta(hours=round(chance.expovariate(1 / 24)), minutes=30) if number else timedelta()
        # A roundup comes when all that it carries is out.
        first = max(printed) if "roundup" in names else printed[0]
        page = _Page(setting, chance, outlets[number], first + delay, article.title, others)
        plan = [(name, setting.strength) for name in OPERATORS if name in names]
        parts = _whole(article)
        for name, strength in plan:
            parts = OPERATORS[name].apply(parts, _amount(name, strength), page)
        roundup = "roundup" in names
        kind = "roundup" if roundup else "reprint" if number else "original"
        story = "" if roundup else f"{article.id}.0"
        yield _document(f"{article.id}.{number}", kind, parts, page, story=story, plan=plan)


@dataclass(frozen=True, slots=True)
class Press:
    """Makes single reprints, for whoever has stories and a plan of their own."""

    seed: int
    material: _Material

    @classmethod
    def of(cls, texts: Iterable[str], seed: int) -> Press:
        """Return a press whose words, names and titles come from some texts, which are no stories."""
        return cls(seed, _gather(_Article("", text, first_words(text[:400], 8), "") for text in texts))

    def reprint(
        self,
        story: Sequence[str],
        plan: Sequence[tuple[str, str]],
        *,
        title: str,
        outlet: str,
        published: datetime,
        chance: random.Random,
        passages: Sequence[str] = (),
    ) -> Document:
        """Return a reprint of the sentences of a story; it has no id.

        Args:
            story: Sentences, each with the space behind it.
            plan: (name, strength) of what is done, in the order of OPERATORS.
            title: Of the page.
            outlet: Where it is printed.
            published: When.
            chance: What operators draw from.
            passages: Sentences that are added in place of the material's, where there are any.
        """
        material = replace(self.material, sentences=passages) if passages else self.material
        page = _Page(_Setting(self.seed, "", material), chance, outlet, published, title)
        parts: Parts = [(text, True) for text in story]
        for name, strength in plan:
            parts = OPERATORS[name].apply(parts, _amount(name, strength), page)
        return _document("", "reprint", parts, page, plan=plan)


def _follow_up(article: _Article, base: _Article, setting: _Setting) -> Document:
    """Make another text that shares 2 to 4 sentences with a story, quotes first, fewer where they are too long."""
    chance = _chance(setting.seed, article.id, "follow-up")
    wanted, share = chance.randint(2, 4), chance.uniform(0.15, 0.3)
    body = _whole(base)
    # Of either text: a follow-up that has most of a short story in it would be a reprint.
    room = share * min(count_words(base.text) / (1 - share), count_words(article.text))
    found = [text.strip() for text in sentences(article.text)]
    found.sort(key=lambda text: (not re.search('["“”«»「]', text), chance.random()))
    shared: list[str] = []
    for text in found:
        if len(shared) < wanted and count_words(text) >= 5 and count_words(" ".join([*shared, text])) <= room:
            shared.append(text)
    if shared:
        body = _lead(body, count_words(" ".join(shared)) * (1 - share) / share)
    for text in shared:
        body = _insert(body, chance.randint(1, len(body)), text, own=True)
    published = _first_printed(article, setting) + timedelta(days=chance.randint(1, 5))
    page = _Page(setting, chance, chance.choice(OUTLETS), published, base.title)
    return _document(f"{article.id}.follow-up", "follow-up", body, page)


def _template(base: _Article, setting: _Setting) -> list[Document]:
    """Make two short texts of one form: in the second, numbers, names and some words are others."""
    chance = _chance(setting.seed, base.id, "template")
    material = setting.material
    parts = _lead(_whole(base), chance.randint(85, 95))
    # A script without capitals does not show its names: more of all words take their place.
    share = 0.15 if material.names else 0.3

    @cache
    def other(word: str) -> str:
        if word.isdigit():
            return "".join(chance.choices("123456789", k=len(word)))
        if word[0].isupper() and word.lower() not in material.common:
            return chance.choice(material.names or material.words)
        # Short words are the form of a text, not its facts.
        kept = len(word) < 4 and not _UNSPACED.match(word)
        return word if kept or chance.random() > share else chance.choice(material.words)

    changed = [(_CORE.sub(lambda core: other(core[0]), text), own) for text, own in parts]
    page = _Page(setting, chance, chance.choice(OUTLETS), _published(base, chance), base.title)
    later = replace(page, published=page.published + timedelta(days=7))
    return [
        _document(f"{base.id}.template-1", "template", parts, page),
        _document(f"{base.id}.template-2", "template", changed, later),
    ]


def _briefs(bases: Iterable[_Article], setting: _Setting) -> list[Document]:
    """Make short texts of one outlet that have nothing but its house block in common."""
    made = []
    outlet = ""
    for base in bases:
        chance = _chance(setting.seed, base.id, "brief")
        outlet = outlet or chance.choice(OUTLETS)
        page = _Page(setting, chance, outlet, _published(base, chance), base.title)
        parts = _lead(_whole(base), chance.randint(85, 125))
        parts = _house_block(parts, _amount("house-block", setting.strength), page)
        made.append(_document(f"{base.id}.brief", "brief", parts, page, plan=[("house-block", setting.strength)]))
    return made


def _relation(left: Document, right: Document) -> str:
    if left.story == right.story:
        excerpt = any(name == "excerpt" for name, _ in left.operators + right.operators)
        return "excerpt" if excerpt else "duplicate"
    kinds = {left.kind, right.kind}
    return next(kind for kind in ("roundup", "follow-up", "template", "brief") if kind in kinds)


def _pairs(groups: Iterable[Iterable[Document]]) -> Iterator[Pair]:
    """Score all pairs within the groups, each pair once."""
    seen = set()
    for left, right in (pair for group in groups for pair in combinations(group, 2)):
        # Two roundups may carry the same two stories.
        if (left.id, right.id) not in seen:
            seen.add((left.id, right.id))
            whole = similarity(left.text, right.text)
            bare = not (left.furniture or right.furniture)
            yield Pair(
                left.id,
                right.id,
                left.story == right.story,
                _relation(left, right),
                tuple(sorted({name for name, _ in left.operators + right.operators})),
                *whole,
                *(whole if bare else similarity(left.story_text, right.story_text)),
            )


def write(made: Reprints, folder: Path) -> None:
    """Write documents.jsonl, labels.jsonl and pairs.jsonl into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = [{"id": document.id, "story": document.story} for document in made.documents]
    pairs = [asdict(pair) for pair in made.pairs]
    for pair in pairs:
        pair["edits"] = pair.pop("operators")
    tables = {"documents": list(map(asdict, made.documents)), "labels": labels, "pairs": pairs}
    for name, rows in tables.items():
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def main() -> None:
    """Read a corpus, write a set and say what is in it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", type=Path, help="a .jsonl or .jsonl.gz file with a `text` field")
    parser.add_argument("out_dir", type=Path, help="where documents.jsonl, labels.jsonl and pairs.jsonl go")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strength", choices=STRENGTHS, default="normal")
    parser.add_argument("--mode", choices=MODES, default="mixed")
    parser.add_argument("--stories", type=int, help="the most stories; as many as the corpus allows by default")
    asked = parser.parse_args()
    if not asked.corpus.is_file():
        parser.error(f"CORPUS must be a file. Got {asked.corpus}.")
    try:
        made = generate(
            harness.read_jsonl(asked.corpus),
            seed=asked.seed,
            strength=asked.strength,
            mode=asked.mode,
            stories=asked.stories,
        )
    except DedupError as error:
        parser.error(str(error))
    write(made, asked.out_dir)
    kinds = Counter(document.kind for document in made.documents)
    relations = Counter(pair.relation for pair in made.pairs)
    print(f"{len(made.documents):,} documents: {', '.join(f'{n:,} {kind}' for kind, n in kinds.items())}")
    print(f"{len(made.pairs):,} pairs: {', '.join(f'{n:,} {relation}' for relation, n in relations.items())}")


if __name__ == "__main__":
    main()
