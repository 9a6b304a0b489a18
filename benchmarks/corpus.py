"""Texts to measure on: generated, the same for the same seed, or read from a file of your own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import harness
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

#: Percent of the words of running English that have 1, 2, 3 ... letters; the mean is 4.7.
ENGLISH_LENGTHS = (3.0, 17.0, 21.0, 16.0, 11.0, 8.5, 8.0, 6.0, 4.2, 2.8, 1.5, 0.6, 0.3, 0.1)
#: How many words of each length the vocabulary has.
ENGLISH_WORDS = (2, 40, 400, 1500, 2500, 3000, 3000, 3000, 2500, 2000, 1000, 500, 200, 100)
#: Percent of all tokens that are numbers.
NUMBERS = 2.0
#: Share of the English documents with curly quotes and accents.
TYPOGRAPHIC = 0.17

_ONSETS = [
    "b",
    "br",
    "c",
    "ch",
    "d",
    "f",
    "fr",
    "g",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "st",
    "t",
    "th",
]
_VOWELS = ["a", "a", "e", "e", "e", "i", "i", "o", "o", "u", "ea", "ou"]
_CODAS = ["", "", "", "d", "l", "n", "nd", "r", "s", "st", "t"]
_ACCENTS = str.maketrans({"j": "é", "k": "ü"})
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Script:
    """How a script is written.

    Args:
        letters: First and last code point of the ranges its words are made of.
        longest: Letters of its longest words.
        space: What stands between words.
        comma: What follows a part of a sentence.
        stop: What follows a sentence.
    """

    letters: tuple[tuple[int, int], ...]
    longest: int
    space: str = " "
    comma: str = ", "
    stop: str = ". "


SCRIPTS = {
    "latin": Script(((0x61, 0x7A), (0x61, 0x7A), (0xE0, 0xF6), (0xF8, 0xFF)), 10),
    "cyrillic": Script(((0x430, 0x44F),), 11),
    "arabic": Script(((0x627, 0x63A), (0x641, 0x64A)), 8, " ", "، ", ". "),
    "hangul": Script(((0xAC00, 0xD7A3),), 4),
    "han": Script(((0x4E00, 0x5FFF),), 3, "", "\uff0c", "。"),
    "kana": Script(((0x3042, 0x3093), (0x3042, 0x3093), (0x30A2, 0x30F3), (0x4E00, 0x5FFF)), 4, "", "、", "。"),
    "thai": Script(((0xE01, 0xE2E), (0xE30, 0xE39)), 6, "", " ", " "),
}


@dataclass(frozen=True, slots=True)
class _Words:
    """Words in all the forms they take in a sentence.

    Args:
        forms: object [kinds * words], the text of word w in form k at k * words + w.
        sizes: int64, its UTF-8 bytes.
        drawn: A large sample of word numbers, each as often as it occurs in text.
        words: How many words there are.
    """

    forms: NDArray[np.object_]
    sizes: NDArray[np.int64]
    drawn: NDArray[np.int64]
    words: int


_PLAIN, _COMMA, _STOP, _PARAGRAPH, _NAME, _QUOTE, _UNQUOTE, _POSSESSIVE = range(8)


def _spell(word: str, kind: int, script: Script) -> str:
    if kind in (_NAME, _QUOTE):
        word = word[:1].upper() + word[1:]
    stop = script.stop.rstrip()
    return {
        _PLAIN: f"{word}{script.space}",
        _COMMA: f"{word}{script.comma}",
        _STOP: f"{word}{script.stop}",
        _PARAGRAPH: f"{word}{stop}\n\n",
        _NAME: f"{word}{script.space}",
        _QUOTE: f'"{word}{script.space}',
        _UNQUOTE: f'{word}{stop}"{script.space}',
        _POSSESSIVE: f"{word}'s " if script.space else word,
    }[kind]


def _words(words: list[str], shares: NDArray[np.float64], script: Script, seed: int) -> _Words:
    forms = [_spell(word, kind, script) for kind in range(8) for word in words]
    drawn = np.random.default_rng(seed).choice(len(words), 1 << 20, p=shares / shares.sum())
    sizes = np.array([len(form.encode()) for form in forms], np.int64)
    return _Words(np.array(forms, np.object_), sizes, drawn, len(words))


def _zipf(count: int, total: float) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = 1.0 / np.arange(1, count + 1)
    return weights * (total / float(weights.sum()))


@cache
def _english_words() -> _Words:
    chance = random.Random(1)
    words: list[str] = []
    shares: list[NDArray[np.float64]] = []
    for length, (percent, count) in enumerate(zip(ENGLISH_LENGTHS, ENGLISH_WORDS, strict=True), start=1):
        found: dict[str, None] = dict.fromkeys(["a", "i"]) if length == 1 else {}
        while len(found) < count:
            word = ""
            while len(word) < length:
                word += (
                    chance.choice(_ONSETS) * (chance.random() < 0.9) + chance.choice(_VOWELS) + chance.choice(_CODAS)
                )
            found[word[:length]] = None
        words += found
        shares.append(_zipf(count, percent))
    numbers = [str(year) for year in range(1990, 2027)] + [str(number) for number in range(2, 100)]
    numbers += [f"{number},{number * 37 % 1000:03}" for number in range(1, 60)] + [f"{n}.{n % 10}" for n in range(40)]
    shares.append(_zipf(len(numbers), NUMBERS))
    script = Script((), 0)
    return _words(words + numbers, np.concatenate(shares), script, 2)


@cache
def _script_words(name: str) -> _Words:
    script = SCRIPTS[name]
    chance = random.Random(name)
    letters = [[chr(point) for point in range(first, last + 1)] for first, last in script.letters]
    if script.space:
        letters = [[letter for part in letters for letter in part]]
    found: dict[str, None] = {}
    while len(found) < 5000:
        length = 1 + min(chance.randrange(script.longest), chance.randrange(script.longest) + 1)
        found["".join(chance.choices(chance.choice(letters), k=length))] = None
    return _words(list(found), _zipf(len(found), 1.0), script, 3)


def _stream(words: _Words, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` numbers of forms that read as sentences and paragraphs."""
    kinds = np.zeros(count, np.int64)
    chance = rng.random(count)
    for kind, least, most in ((_COMMA, 0.0, 0.05), (_POSSESSIVE, 0.05, 0.065), (_NAME, 0.065, 0.125)):
        kinds[(chance >= least) & (chance < most)] = kind
    lasts = np.cumsum(rng.integers(8, 32, count // 8 + 1))
    lasts = lasts[lasts < count - 1]
    quoted = rng.random(len(lasts)) < 0.25
    paragraph = ~quoted & (rng.random(len(lasts)) < 0.3)
    kinds[lasts] = np.where(quoted, _UNQUOTE, np.where(paragraph, _PARAGRAPH, _STOP))
    firsts = np.concatenate([[0], lasts[:-1] + 1])
    kinds[firsts] = np.where(quoted, _QUOTE, _NAME)
    return kinds * words.words + words.drawn[rng.integers(0, len(words.drawn), count)]


def _documents(pieces: NDArray[np.object_], sizes: NDArray[np.int64], wanted: NDArray[np.int64]) -> list[str]:
    """Cut a stream of pieces into documents of about the wanted bytes."""
    ends = np.searchsorted(np.cumsum(sizes), np.cumsum(wanted), "right").tolist()
    parts = pieces.tolist()
    return ["".join(parts[start:end]).rstrip() for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _wanted(documents: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return sizes spread by 30 % around `size`."""
    return rng.integers(round(0.7 * size), round(1.3 * size) + 1, documents)


def _typographic(text: str) -> str:
    text = text.replace(' "', " “").replace('\n"', "\n“").replace('"', "”").replace("'", "\u2019")
    return text.translate(_ACCENTS)


def _english(documents: int, size: int, seed: int) -> list[str]:
    rng = np.random.default_rng([seed, size])
    words = _english_words()
    wanted = _wanted(documents, size, rng)
    stream = _stream(words, int(wanted.sum()) // 5 + 100, rng)
    texts = _documents(words.forms[stream], words.sizes[stream], wanted)
    for row in np.flatnonzero(rng.random(documents) < TYPOGRAPHIC):
        texts[row] = _typographic(texts[row])
    return texts


def english(documents: int, size: int, seed: int = 1) -> list[str]:
    """Return article-like text in an invented language with the word lengths and frequencies of English."""
    chunks = range(0, documents, _CHUNK)
    return [text for start in chunks for text in _english(min(_CHUNK, documents - start), size, seed + start)]


def script(name: str, documents: int, size: int, seed: int = 1, share: float = 1.0) -> list[str]:
    """Return text of one of SCRIPTS; where `share` is below 1, runs of English fill the rest."""
    rng = np.random.default_rng([seed, size, len(name)])
    own, english_ = _script_words(name), _english_words()
    wanted = _wanted(documents, size, rng)
    count = int(wanted.sum()) // 3 + 100
    mine, other = _stream(own, count, rng), _stream(english_, count, rng)
    is_mine = np.repeat(rng.random(count // 12 + 1) < share, 12)[:count]
    pieces = np.where(is_mine, own.forms[mine], english_.forms[other])
    return _documents(pieces, np.where(is_mine, own.sizes[mine], english_.sizes[other]), wanted)


def mixed(documents: int, size: int, seed: int = 1) -> list[str]:
    """Return documents of all SCRIPTS in turn, each with English in it: about 26 % of the bytes are not ASCII."""
    each = -(-documents // len(SCRIPTS))
    texts = [script(name, each, size, seed, share=0.24) for name in SCRIPTS]
    return [text for row in zip(*texts, strict=True) for text in row][:documents]


def read(path: Path, most_bytes: int) -> list[str]:
    """Return the `text` fields of a JSONL file, plain or .gz, in order, up to about `most_bytes`."""
    texts: list[str] = []
    total = 0
    for record in harness.read_jsonl(path):
        text = record["text"]
        if text:
            texts.append(text)
            total += len(text.encode())
        if total >= most_bytes:
            break
    return texts


def cut(texts: Iterable[str], size: int, documents: int) -> list[str]:
    """Return pieces of about `size` bytes of the given texts, cut between words."""
    pieces: list[str] = []
    for text in texts:
        rest = text.encode()
        while len(rest) >= size and len(pieces) < documents:
            end = rest.rfind(b" ", size // 2, size + size // 10)
            # A text without a space is cut between characters: what a cut leaves of one is dropped.
            end = end if end > 0 else size
            pieces.append(rest[:end].decode(errors="ignore"))
            rest = rest[end:].lstrip()
        if len(pieces) >= documents:
            break
    return pieces


def size_of(texts: Iterable[str]) -> int:
    """Return the UTF-8 bytes of all texts."""
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts)
