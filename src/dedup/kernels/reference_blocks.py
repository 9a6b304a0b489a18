"""The readable twin of the second kernel: the same results as `_blocks.py`, bit for bit, in plain Python.

This file is the specification in code of what is seen of a block: a line that is not blank, without the bytes up to 32
at its ends. Nothing in the library calls it: tests do, and so may anyone who wants to see what a column means. A text
is bytes here, because the kernel takes malformed UTF-8 as well; a lexicon is the phrases with their values, from which
`Lexicon.of` builds the trie.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from dedup.kernels.blocks import (
    COLUMNS,
    FEW_TREES,
    FEW_WORDS,
    KINDS,
    LEAD_MORE,
    LEAD_WORDS,
    LEADS,
    MANY_WORDS,
    NODES,
    PAGE_BLOCKS,
    PAGE_TENTHS,
    REACH,
    SURE_HIGH,
    SURE_LOW,
    WORDS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dedup.kernels.blocks import Forest

#: What each column of COLUMNS is. Shares are whole numbers from 0 to 100, rounded down; no value is above MOST. Words
#: are what stands between spaces, and two ideographs are one more; signs are all code points but spaces.
MEANINGS = {
    "words": "Words; six bytes of the middle of a long block, which is not looked at, count as one.",
    "chars": "Signs, and bytes of the middle of a long block; at least 1.",
    "function_share": "Function words for a hundred words; may be above 100 where phrases overlap.",
    "functions": "Function words of the lexicon, words that prose is held together with.",
    "dates": "Words of dates of the lexicon, such as months.",
    "capital_share": "Words for a hundred whose first letter is a capital.",
    "shout_share": "Words for a hundred of two or more letters that are all capitals.",
    "digit_share": "ASCII digits for a hundred signs.",
    "digits": "ASCII digits.",
    "ending": "1 as a sentence, 2 cut off by an ellipsis, 3 with a colon, 4 a question mark, 5 a quote, or 0.",
    "opening": "0 with a capital, 1 another letter, 2 a digit, 3 a quote, 4 a bullet, 5 anything else.",
    "sentences": "Stops that a space and a capital follow, closing marks aside; stops of scripts without capitals.",
    "commas": "Commas.",
    "separators": "Bars, slashes, bullets, middle dots, guillemets of one angle and arrows.",
    "ats": "At signs.",
    "brackets": "Opening round brackets.",
    "quotes": "Double quotation marks, opening or closing.",
    "word_length": "Signs for ten words between spaces.",
    "exclaimed": "Exclamation marks.",
    "colons": "Colons.",
    "asked": "Question marks.",
    "ideograph_share": "Ideographs for a hundred signs; kana and Thai letters are counted as such.",
    "prose": "1 for running text: long, with function words and an end of a sentence; or longer, with a comma or one.",
    "cue": "1 + the number in KINDS of the kind whose cue stands at the strictest place, the first of equals; or 0.",
    "repeats": "Blocks of the page that say the same but for letter case and spaces, itself included; at most 10.",
    "known_share": "Long words for a hundred that stand in prose elsewhere on the page; -1 when it has no long word.",
    "known_words": "Long words that stand in prose elsewhere on the page.",
    "before_share": "Words of prose before it, for a hundred of the page; 0 when the page has none.",
    "after_share": "Words of prose behind it, for a hundred of the page; 0 when the page has none.",
    "before": "Words of prose before it.",
    "after": "Words of prose behind it.",
    "prose_above": "Blocks up to the nearest prose above, at most 30; 31 when there is none.",
    "prose_below": "Blocks down to the nearest prose below, at most 30; 31 when there is none.",
    "words_below_3": "Words of the three blocks below.",
    "words_above_3": "Words of the three blocks above.",
    "words_below_8": "Words of the eight blocks below.",
    "words_above_8": "Words of the eight blocks above.",
    "prose_below_3": "Words of prose of the three blocks below.",
    "prose_above_3": "Words of prose of the three blocks above.",
    "prose_below_8": "Words of prose of the eight blocks below.",
    "prose_above_8": "Words of prose of the eight blocks above.",
    "cues_above_5": "Blocks with a cue among the five above.",
    "cues_below_5": "Blocks with a cue among the five below.",
    "index": "Blocks before it.",
    "index_from_end": "Blocks behind it.",
    "blocks": "Blocks of the page.",
    "total_prose": "Words of prose of the page.",
    "prose_blocks_share": "Blocks of prose for a hundred of the page.",
    "cue:": "For each kind: 0, or 1 + the number in PLACES of the strictest place where a cue stands.",
    "cue_above:": "For each kind: blocks up to the nearest cue at start or as whole, 0 in it, at most 40; 41 without.",
    "cue_below:": "For each kind: blocks down to the nearest cue at any place, 0 in it, at most 40; 41 without.",
}

MOST = 32767
#: Of a longer block only its ends are looked at.
HEAD_BYTES, TAIL_BYTES = 192, 64
#: Signs of a word whose hash is compared with those of other blocks.
LONG_WORD = 5
#: Slots of the hash table in which a key is looked for; one that finds no place counts as never seen.
TRIES = 16
#: How often a page is looked at again without the blocks that were taken out.
ROUNDS = 8
FUNCTION, DATE = (len(KINDS) + number for number in range(1, len(WORDS) + 1))
ANYWHERE, AT_START, WHOLE = 1, 2, 3

_SPACE, _LETTER, _CAPITAL, _DIGIT, _MARK, _IDEOGRAPH = range(6)
_LOW_32, _LOW_64 = 2**32 - 1, 2**64 - 1
# FNV-1a (Fowler, Noll and Vo): where the hash begins and what it is multiplied with, for 32 and for 64 bits.
_FNV_32, _PRIME_32 = 0x811C9DC5, 0x01000193
_FNV_64, _PRIME_64 = 0xCBF29CE484222325, 0x00000100000001B3
_HASH_STEP = 0x9E3779B1

# Capitals of Latin, Greek and Cyrillic and their small letters.
_LOWER = {
    **{point: point + 32 for point in (*range(0x41, 0x5B), *range(0xC0, 0xDF), *range(0x391, 0x3AA))},
    **{point: point + 32 for point in range(0x410, 0x430)},
    **{point: point + 80 for point in range(0x400, 0x410)},
    **{point: point + 1 for start, stop in ((0x100, 0x138), (0x14A, 0x178)) for point in range(start, stop, 2)},
    **{point: point + 1 for start, stop in ((0x139, 0x149), (0x179, 0x17F)) for point in range(start, stop, 2)},
    0x130: 0x69,
}
del _LOWER[0xD7]  # the multiplication sign stands among capitals

# The first code point of each stretch of one class; capitals are letters that _LOWER has.
_STRETCHES = (
    (0x00, _SPACE), (0x21, _MARK), (0x30, _DIGIT), (0x3A, _MARK), (0x41, _LETTER), (0x5B, _MARK), (0x61, _LETTER),
    (0x7B, _MARK), (0xA0, _SPACE), (0xA1, _MARK), (0xAA, _LETTER), (0xAB, _MARK), (0xB5, _LETTER), (0xB6, _MARK),
    (0xBA, _LETTER), (0xBB, _MARK), (0xC0, _LETTER), (0xD7, _MARK), (0xD8, _LETTER), (0xF7, _MARK), (0xF8, _LETTER),
    (0x60C, _MARK), (0x60D, _LETTER), (0x61B, _MARK), (0x61C, _LETTER), (0x61F, _MARK), (0x620, _LETTER),
    (0x6D4, _MARK), (0x6D5, _LETTER), (0x964, _MARK), (0x965, _LETTER), (0xE01, _IDEOGRAPH), (0xE80, _LETTER),
    (0x2000, _SPACE), (0x200B, _MARK), (0x202F, _SPACE), (0x2030, _MARK), (0x2C00, _LETTER), (0x3000, _SPACE),
    (0x3001, _MARK), (0x3040, _IDEOGRAPH), (0xA000, _LETTER), (0xFF00, _MARK), (0xFF21, _LETTER), (0xFF3B, _MARK),
    (0xFF41, _LETTER), (0xFF5B, _MARK), (0xFF66, _LETTER), (0x1F000, _MARK), (0x20000, _IDEOGRAPH),
)  # fmt: skip
_STARTS = [start for start, _ in _STRETCHES]


def _points_of(signs: str) -> frozenset[int]:
    return frozenset(map(ord, signs))


_QUOTES = _points_of('"\xab\xbb\u201c\u201d\u201e\u201f\u300c\u300d\u300e\u300f')
_CLOSERS = _QUOTES | _points_of("')]\u2018\u2019")
_STOPS = _points_of(".!?\u2026\u3002\uff01\uff1f\u061f\u06d4\u0964")
# Stops of scripts without capitals end a sentence whatever follows.
_FULL_STOPS = _points_of("\u3002\uff01\uff1f\u061f\u06d4\u0964")
_BULLETS = _points_of("-\u2012\u2013\u2014\u2015\u2022*\xb7|>+#@(")
# The columns that count signs.
_COUNTED = {
    "commas": _points_of(",\u3001\uff0c\u060c"),
    "separators": _points_of("|/\xb7\u2022\u203a\u2192"),
    "ats": _points_of("@"),
    "brackets": _points_of("(\uff08"),
    "quotes": _QUOTES,
    "exclaimed": _points_of("!"),
    "colons": _points_of(":\uff1a"),
    "asked": _points_of("?"),
    "digits": _points_of("0123456789"),
}


@dataclass
class _Seen:
    """What is known of one block, without its surroundings.

    Args:
        columns: The columns by name, as far as they tell of the block alone.
        whole: A hash of all that it says, letter case and spaces aside.
        fingerprint: A hash of its words without digits and dates, 0 when it has no others.
        long_words: The hashes of its long words, in order.
        places: The strictest place of a cue of each kind, by number from 1 on.
        phrases: How many phrases of each kind stand anywhere, FUNCTION and DATE included.
        is_lead: Whether it begins with a cue of one of LEADS.
    """

    columns: dict[str, int] = field(default_factory=dict)
    whole: int = _FNV_32
    is_lead: bool = False
    fingerprint: int = _FNV_64
    long_words: list[int] = field(default_factory=list)
    places: Counter[int] = field(default_factory=Counter)
    phrases: Counter[int] = field(default_factory=Counter)


def blocks(text: bytes) -> list[tuple[int, int]]:
    """Return where the blocks of a text are, in bytes; none in a text of blank lines. Only a line feed ends a line."""
    space = bytes(range(33))
    found, start = [], 0
    for line in text.split(b"\n"):
        if line.strip(space):
            found.append((start + len(line) - len(line.lstrip(space)), start + len(line.rstrip(space))))
        start += len(line) + 1
    return found


def see(text: bytes, phrases: Mapping[bytes, int]) -> list[list[int]]:
    """Return what is seen of each block of a text: a row each, in it the values of COLUMNS."""
    return _relate(_read(text, phrases))


def judge(text: bytes, phrases: Mapping[bytes, int], forest: Forest) -> tuple[list[int], list[bool]]:
    """Return the score of each block, and whether it is furniture.

    Blocks with too low a score are taken out and the others are looked at again as if these had never been there, until
    all that are left stay. A text that would lose every block, or has not come to rest before the last of ROUNDS, keeps
    all. A whole page, most of which is furniture whatever its length, has a limit of its own. The score is that of the
    round in which a block was taken out, or of the last.
    """
    page = _read(text, phrases)
    kept = list(range(len(page)))
    scores = [0] * len(page)
    sure = sum(value < min(forest.few, forest.many) for value in score(_relate(page), forest))
    is_page = len(page) >= PAGE_BLOCKS and 10 * sure >= PAGE_TENTHS * len(page)
    for _ in range(ROUNDS - 1):
        rows = _relate([page[i] for i in kept])
        for i, value in zip(kept, score(rows, forest), strict=True):
            scores[i] = value
        least = [
            _least(forest, row, is_lead=page[i].is_lead, is_page=is_page) for i, row in zip(kept, rows, strict=True)
        ]
        stay = [i for i, limit in zip(kept, least, strict=True) if scores[i] >= limit]
        if not stay:
            break
        if stay == kept:
            return scores, [i not in set(kept) for i in range(len(page))]
        kept = stay
    else:
        for i, value in zip(kept, score(_relate([page[i] for i in kept]), forest), strict=True):
            scores[i] = value
    return scores, [False] * len(page)


def _least(forest: Forest, row: Sequence[int], *, is_lead: bool, is_page: bool) -> int:
    """Return the least score of a block of the story: on a straight line from `few` to `many`, rounded to `few`."""
    few, many = (forest.page, forest.page) if is_page else (forest.few, forest.many)
    words, ending = row[COLUMNS.index("words")], row[COLUMNS.index("ending")]
    if is_lead and words <= LEAD_WORDS and ending != 1:
        return few + LEAD_MORE
    beyond = min(max(words - FEW_WORDS, 0), MANY_WORDS - FEW_WORDS)
    step = beyond * abs(many - few) // (MANY_WORDS - FEW_WORDS)
    return few + (step if many > few else -step)


def fingerprints(text: bytes, phrases: Mapping[bytes, int]) -> list[int]:
    """Return a number per block, equal for blocks that differ in digits, dates, letter case and marks only."""
    return [seen.fingerprint for seen in _read(text, phrases)]


def cues(text: bytes, phrases: Mapping[bytes, int]) -> list[int]:
    """Return a number per block with two bits for each of KINDS, the first lowest: the block's `cue:` columns."""
    return [sum(place << 2 * (kind - 1) for kind, place in seen.places.items()) for seen in _read(text, phrases)]


def score(rows: Sequence[Sequence[int]], forest: Forest) -> list[int]:
    """Return the sum of the trees' leaves for each row of `see`.

    A tree may look at the rows of up to REACH blocks before and behind; where there is none, it finds -1. A score that
    is sure after FEW_TREES trees stands.
    """
    places = np.frombuffer(forest.places, np.int16).reshape(-1, NODES).tolist()
    limits = np.frombuffer(forest.limits, np.int16).reshape(-1, NODES).tolist()
    leaves = np.frombuffer(forest.leaves, np.int16).reshape(-1, NODES + 1).tolist()
    width = len(COLUMNS)
    blank = [-1] * (REACH * width)
    values = [*blank, *(value for row in rows for value in row), *blank]
    scores = []
    for at in range(REACH * width, len(values) - REACH * width, width):
        total = 0
        for number, (tree, most, ends) in enumerate(zip(places, limits, leaves, strict=True)):
            if number == FEW_TREES and not SURE_LOW < total < SURE_HIGH:
                break
            node = 0
            while node < NODES:
                node = 2 * node + 1 + (values[at + tree[node]] > most[node])
            total += ends[node - NODES]
        scores.append(total)
    return scores


# ------------------------------------------------------------------------------------------------------ code points


def _point(data: bytes, at: int) -> tuple[int, int]:
    """Return the code point at a place and how many bytes it has; one that the end cuts off is U+FFFD, of one byte.

    How many bytes there are is what the first one says; whether the others belong to it is not looked at.
    """
    first = data[at]
    size = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if at + size > len(data):
        return 0xFFFD, 1
    point = first if size == 1 else first & 0x7F >> size
    for byte in data[at + 1 : at + size]:
        point = point << 6 | byte & 0x3F
    return point, size


def _points(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield each code point with where it begins and ends."""
    at = 0
    while at < len(data):
        point, size = _point(data, at)
        yield point, at, at + size
        at += size


def _encode(point: int) -> bytes:
    """Return UTF-8 of a number of up to 21 bits, be it a code point or not."""
    if point < 0x80:
        return bytes([point])
    size = 2 if point < 0x800 else 3 if point < 0x10000 else 4
    tail = [0x80 | point >> 6 * place & 0x3F for place in reversed(range(size - 1))]
    return bytes([0xF00 >> size & 0xFF | point >> 6 * (size - 1), *tail])


def _class(point: int) -> int:
    """Return what a code point is; marks are all that is no space, letter, ASCII digit or ideograph."""
    if point in _LOWER:
        return _CAPITAL
    return _STRETCHES[bisect_right(_STARTS, point) - 1][1]


# ---------------------------------------------------------------------------------------------------- a block alone


def _read(text: bytes, phrases: Mapping[bytes, int]) -> list[_Seen]:
    longest = max(map(len, phrases), default=0)
    return [_see(text[start:end], phrases, longest) for start, end in blocks(text)]


def _ends(block: bytes) -> tuple[bytes, bytes]:
    """Return the two ends of a block that are looked at, cut between characters; of a short one all of it, and b""."""
    if len(block) <= HEAD_BYTES + TAIL_BYTES:
        return block, b""
    head, tail = HEAD_BYTES, len(block) - TAIL_BYTES
    while head and block[head] & 0xC0 == 0x80:
        head -= 1
    while tail < len(block) and block[tail] & 0xC0 == 0x80:
        tail += 1
    return block[:head], block[tail:]


def _tokens(data: bytes) -> list[list[int]]:
    """Return what stands between spaces, as code points."""
    groups = groupby((point for point, _, _ in _points(data)), lambda point: _class(point) == _SPACE)
    return [list(group) for space, group in groups if not space]


def _fold(tokens: list[list[int]]) -> bytes:
    """Return the tokens in lower case with straight apostrophes, each with a space behind it."""
    straight = {**_LOWER, 0x2019: 0x27}
    return b"".join(b"".join(_encode(straight.get(point, point)) for point in token) + b" " for token in tokens)


def _see(block: bytes, phrases: Mapping[bytes, int], longest: int) -> _Seen:
    """Return what is seen of a block alone."""
    seen = _Seen()
    ends = _ends(block)
    parts = [_tokens(end) for end in ends]
    tokens = [token for part in parts for token in part]
    _read_words(b"".join(map(_fold, parts)), phrases, longest, seen)
    signs = [point for token in tokens for point in token]
    letters = [[_class(point) for point in token if _class(point) in {_LETTER, _CAPITAL}] for token in tokens]
    ideographs = sum(_class(point) == _IDEOGRAPH for point in signs)
    unseen = len(block) - sum(map(len, ends))
    weight = max(len(tokens) + ideographs // 2, 1)
    counts = {column: sum(point in points for point in signs) for column, points in _COUNTED.items()}
    places = [seen.places[kind] for kind in range(1, len(KINDS) + 1)]
    columns = {
        **counts,
        "words": min(len(tokens) + ideographs // 2 + unseen // 6, MOST),
        "chars": max(len(signs) + unseen, 1),
        "function_share": 100 * seen.phrases[FUNCTION] // weight,
        "functions": seen.phrases[FUNCTION],
        "dates": seen.phrases[DATE],
        "capital_share": 100 * sum(kinds[:1] == [_CAPITAL] for kinds in letters) // weight,
        "shout_share": 100 * sum(len(kinds) > 1 and set(kinds) == {_CAPITAL} for kinds in letters) // weight,
        "digit_share": 100 * counts["digits"] // max(len(signs), 1),
        "ending": _ending(signs),
        "opening": _opening(signs),
        "sentences": sum(map(_count_sentences, parts)),
        "word_length": 10 * len(signs) // max(len(tokens), 1),
        "ideograph_share": 100 * ideographs // max(len(signs), 1),
        "cue": places.index(max(places)) + 1 if any(places) else 0,
        **{f"cue:{kind}": place for kind, place in zip(KINDS, places, strict=True)},
    }
    held_together = columns["words"] >= 15 and columns["function_share"] >= 15
    ends_sentence = columns["ending"] in {1, 5} or columns["sentences"] > 0
    long = columns["words"] >= 40 and columns["commas"] + columns["sentences"] > 0
    seen.columns = {**columns, "prose": int((held_together and ends_sentence) or long)}
    return seen


def _count_sentences(tokens: list[list[int]]) -> int:
    """Count the sentences that end: stop, any closing signs, space, quotes and brackets, capital."""
    count, stopped, spaced = 0, False, False
    for token in tokens:
        spaced = stopped
        for point in token:
            kind = _class(point)
            count += point in _FULL_STOPS or (kind == _CAPITAL and spaced)
            if point in _STOPS:
                stopped, spaced = True, False
            elif point not in _CLOSERS:
                stopped = spaced = False
    return count


def _ending(signs: list[int]) -> int:
    end = signs[-1] if signs else 0
    last = next((point for point in reversed(signs) if point not in _CLOSERS), 0)
    if end == 0x2026 or signs[-3:] == [0x2E] * 3:
        return 2
    if end in _points_of("?\uff1f\u061f"):
        return 4
    if last in _STOPS:
        return 1
    if end in _COUNTED["colons"]:
        return 3
    return 5 if end in _QUOTES | _points_of("'\u2019") else 0


def _opening(signs: list[int]) -> int:
    if not signs:
        return 5
    kind = _class(signs[0])
    if kind in {_CAPITAL, _LETTER, _DIGIT}:
        return (_CAPITAL, _LETTER, _DIGIT).index(kind)
    if signs[0] in _QUOTES | _points_of("'\u2018"):
        return 3
    return 4 if signs[0] in _BULLETS else 5


# ------------------------------------------------------------------------------------------------ words and phrases


def _hash(data: bytes, value: int = _FNV_32) -> int:
    """Return FNV-1a of 32 bits of some bytes, or go on from a value."""
    for byte in data:
        value = (value ^ byte) * _PRIME_32 & _LOW_32
    return value


def _units(folded: bytes) -> list[tuple[int, int, int]]:
    """Return what a folded block is made of: class, start and end of each word, mark and ideograph.

    A word is a run of letters and digits, and has the class of letters.
    """
    units: list[tuple[int, int, int]] = []
    for point, start, end in _points(folded):
        kind = _LETTER if _class(point) == _DIGIT else _class(point)
        if kind == _LETTER and units and units[-1][0] == _LETTER:
            units[-1] = (_LETTER, units[-1][1], end)
        else:
            units.append((kind, start, end))
    return [unit for unit in units if unit[0] != _SPACE]


def _read_words(folded: bytes, phrases: Mapping[bytes, int], longest: int, seen: _Seen) -> None:
    """Hash the words of a folded block and note the phrases that stand in it."""
    letters = [
        (start, end) for point, start, end in _points(folded) if _class(point) in {_LETTER, _CAPITAL, _IDEOGRAPH}
    ]
    inner = (letters[0][0], letters[-1][1]) if letters else (len(folded), 0)
    before, date_end = 0, 0
    for kind, start, end in _units(folded):
        date_end = max(date_end, _note_phrases(folded, (kind, start), inner, phrases, longest, seen))
        if kind == _MARK:
            seen.whole = _hash(folded[end - 1 : end], seen.whole)
            continue
        value = _hash(folded[start:end])
        seen.whole = (seen.whole ^ value) * _PRIME_32 & _LOW_32
        classes = [_class(point) for point, _, _ in _points(folded[start:end])]
        if kind == _LETTER and (_DIGIT in classes or end <= date_end):
            before = 0
            continue
        seen.fingerprint = (seen.fingerprint ^ value) * _PRIME_64 & _LOW_64
        if kind == _LETTER and len(classes) >= LONG_WORD:
            seen.long_words.append(value | 1)
        elif kind == _IDEOGRAPH and before:
            # Two of them say as much as a long word.
            seen.long_words.append((before * 31 + value & _LOW_32) | 1)
        before = value if kind == _IDEOGRAPH else 0
    # Of nothing but numbers, dates and marks there is none.
    seen.fingerprint = 0 if seen.fingerprint == _FNV_64 else seen.fingerprint ^ seen.fingerprint >> 29
    seen.whole |= 1


def _note_phrases(
    folded: bytes,
    unit: tuple[int, int],
    inner: tuple[int, int],
    phrases: Mapping[bytes, int],
    longest: int,
    seen: _Seen,
) -> int:
    """Note the phrases that begin with a word, an ideograph or a mark; return the end of a date in words, or 0.

    The value of a phrase is three numbers of five bits, the kind that it is a cue of anywhere, at the start, and as the
    whole of a block; FUNCTION and DATE stand among the first. A block starts with its first letter or a mark before it,
    and ends with its last: digits and marks around do not count. A phrase that begins with a word ends where a word
    does; one that begins with a mark begins with none of ASCII.
    """
    (kind, start), (first, last) = unit, inner
    date_end = 0
    if kind == _MARK and folded[start] < 0x80:
        return 0
    for end in range(start + 1, min(start + longest, len(folded)) + 1):
        value = phrases.get(folded[start:end], 0)
        if not value or (kind == _LETTER and _goes_on(folded, end)):
            continue
        seen.phrases[value & 31] += 1
        if value & 31 == DATE and kind == _LETTER:
            date_end = end
        _note(seen, value & 31, ANYWHERE)
        if start == first or (start < first and kind == _MARK):
            _note(seen, value >> 5 & 31, AT_START)
            _note(seen, value >> 10 & 31, WHOLE if end >= last else 0)
            kinds = [value & 31, value >> 5 & 31, *([value >> 10 & 31] if end >= last else [])]
            seen.is_lead |= any(1 <= one <= len(KINDS) and KINDS[one - 1] in LEADS for one in kinds)
    return date_end


def _goes_on(folded: bytes, at: int) -> bool:
    """Tell whether a letter or a digit stands at a place."""
    return at < len(folded) and _class(_point(folded, at)[0]) in {_LETTER, _CAPITAL, _DIGIT}


def _note(seen: _Seen, kind: int, place: int) -> None:
    """Keep the strictest place at which a cue of the kind was found; 0 is no kind, and function words are no cue."""
    if 1 <= kind <= len(KINDS):
        seen.places[kind] = max(seen.places[kind], place)


# --------------------------------------------------------------------------------------------- a block and its page


def _relate(page: list[_Seen]) -> list[list[int]]:
    """Return the rows of blocks that are a page together."""
    # A power of two, at least twice as many as keys.
    slots = 64
    while slots < 2 * max(len(page), sum(len(seen.long_words) for seen in page)):
        slots *= 2
    _count_repeats(page, slots)
    _share_words(page, slots)
    _place(page)
    return [[min(seen.columns[column], MOST) for column in COLUMNS] for seen in page]


def _placed(keys: Iterable[int], slots: int) -> set[int]:
    """Return the keys that find a place in a hash table of so many slots, TRIES slots from their own on."""
    table: dict[int, int] = {}
    for key in keys:
        first = (key * _HASH_STEP & _LOW_32) >> 7
        near = [(first + step) % slots for step in range(TRIES)]
        slot = next((slot for slot in near if table.get(slot, key) == key), None)
        if slot is not None:
            table[slot] = key
    return set(table.values())


def _count_repeats(page: list[_Seen], slots: int) -> None:
    counts = Counter(seen.whole for seen in page)
    placed = _placed(counts, slots)
    for seen in page:
        seen.columns["repeats"] = min(counts[seen.whole], 10) if seen.whole in placed else 1


def _share_words(page: list[_Seen], slots: int) -> None:
    prose = [dict.fromkeys(seen.long_words) for seen in page if seen.columns["prose"]]
    counts = Counter(word for words in prose for word in words)
    placed = _placed(counts, slots)
    for seen in page:
        # A block of prose has counted its own words.
        own = seen.columns["prose"]
        known = sum(word in placed and counts[word] > own for word in seen.long_words)
        seen.columns["known_words"] = known
        seen.columns["known_share"] = 100 * known // len(seen.long_words) if seen.long_words else -1


def _steps(hits: Iterable[bool], most: int) -> list[int]:
    """Return for each place how many steps ago a hit was, 0 for a hit itself, at most `most`; one more before any."""
    steps, found = most + 1, []
    for hit in hits:
        steps = 0 if hit else steps if steps >= most else steps + 1
        found.append(steps)
    return found


def _place(page: list[_Seen]) -> None:
    """Fill in what a block's surroundings say."""
    n = len(page)
    words = [seen.columns["words"] for seen in page]
    is_prose = [seen.columns["prose"] == 1 for seen in page]
    prose = [count if running else 0 for count, running in zip(words, is_prose, strict=True)]
    has_cue = [seen.columns["cue"] != 0 for seen in page]
    total = sum(prose)
    # A block is one step from its neighbour.
    prose_above = [31, *(1 + steps for steps in _steps(is_prose, 29))]
    prose_below = [31, *(1 + steps for steps in _steps(reversed(is_prose), 29))][n - 1 :: -1]
    for i, seen in enumerate(page):
        before, after = sum(prose[:i]), sum(prose[i + 1 :])
        seen.columns |= {
            "before_share": 100 * before // total if total else 0,
            "after_share": 100 * after // total if total else 0,
            "before": before,
            "after": after,
            "prose_above": prose_above[i],
            "prose_below": prose_below[i],
            **{f"words_below_{reach}": sum(words[i + 1 : i + 1 + reach]) for reach in (3, 8)},
            **{f"words_above_{reach}": sum(words[max(i - reach, 0) : i]) for reach in (3, 8)},
            **{f"prose_below_{reach}": sum(prose[i + 1 : i + 1 + reach]) for reach in (3, 8)},
            **{f"prose_above_{reach}": sum(prose[max(i - reach, 0) : i]) for reach in (3, 8)},
            "cues_above_5": sum(has_cue[max(i - 5, 0) : i]),
            "cues_below_5": sum(has_cue[i + 1 : i + 6]),
            "index": i,
            "index_from_end": n - 1 - i,
            "blocks": n,
            "total_prose": total,
            "prose_blocks_share": 100 * sum(is_prose) // n,
        }
    for kind in KINDS:
        places = [seen.columns[f"cue:{kind}"] for seen in page]
        above = _steps([place >= AT_START for place in places], 40)
        below = _steps([place >= ANYWHERE for place in reversed(places)], 40)
        for seen, up, down in zip(page, above, reversed(below), strict=True):
            seen.columns |= {f"cue_above:{kind}": up, f"cue_below:{kind}": down}
