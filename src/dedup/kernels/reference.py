"""The readable twins of the kernels: the same names, the same results bit for bit, in plain Python.

This file is the specification in code; docs/format.md is the same in words. Nothing in the library calls it: tests do,
and so may anyone who wants to see what a kernel computes.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xxhash

from dedup.kernels import table
from dedup.kernels.sketches import SAMPLE_CUT, SAMPLE_EXTRA, SAMPLE_LEAST, Scheme, Sketches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dedup.config import SketchConfig
    from dedup.kernels.native import Runs

#: Multiplier of the polynomial that joins token hashes: 2**64 divided by the golden ratio, odd.
BASE = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1
_LOW = 2**32 - 1
_UNSPACED_MARK = "\x01"
#: The first character of which it is not known whether it is a capital.
CAPITALS = "\u0590"
#: What ends a sentence: the capital behind it tells nothing.
SENTENCE_ENDS = ".!?:\u2026\n\r"
#: The most half words that a substituted fact takes on either side.
FACT = 24
_load = cache(table.load)
#: Left token, right token, and how many tokens of a shingle that both texts have.
_Anchor: TypeAlias = tuple[int, int, int]


def mix(value: int) -> int:
    """Return the finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection with full avalanche."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31


def _fold_point(point: int) -> str:
    """Return what a code point becomes; a character of an unspaced script stands between a mark and a space."""
    data = _load()
    at = 4 * (data.index[point >> 8] << 8 | point & 0xFF)
    entry = int.from_bytes(data.entries[at : at + 4], "little")
    code = entry & 7
    if code == table.SEPARATOR:
        return " "
    if code == table.DROP:
        return ""
    if code == table.COPY:
        return chr(point)
    if code == table.COPY_UNSPACED:
        return f"{_UNSPACED_MARK}{chr(point)} "
    if code == table.HANGUL:
        # The arithmetic of the Unicode Standard, section 3.12.
        syllable = point - 0xAC00
        letters = [0x1100 + syllable // 588, 0x1161 + syllable % 588 // 28]
        if syllable % 28:
            letters.append(0x11A7 + syllable % 28)
        return "".join(map(chr, letters))
    length, place = entry >> 3 & 63, entry >> 9
    return data.expansions[place : place + length].decode()


def _marked_tokens(text: str) -> list[tuple[str, bool]]:
    """Return the tokens, each with whether it is a character of a script written without spaces."""
    folded = "".join(_fold_point(ord(char)) for char in text).replace(_UNSPACED_MARK, f" {_UNSPACED_MARK}")
    return [(token.lstrip(_UNSPACED_MARK), token[0] == _UNSPACED_MARK) for token in folded.split(" ") if token]


def fold(text: str) -> str:
    """Return the folded text: its tokens with one space between; "" when it has none. Folding twice changes nothing."""
    return " ".join(tokens(text))


def tokens(text: str) -> list[str]:
    """Return the tokens of a text: words folded, and each character of a script that is written without spaces."""
    return [token for token, _ in _marked_tokens(text)]


def unspaced_tokens(text: str) -> NDArray[np.bool_]:
    """Return which tokens are a character of a script that is written without spaces, bool [tokens], in text order."""
    return np.array([unspaced for _, unspaced in _marked_tokens(text)], np.bool_)


def token_spans(text: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each token begins and ends (half open), in characters of the text: two int64 [tokens], in order.

    A token goes from the first character that gives something to it to the last, and over the combining marks and
    invisible characters behind that. A character that folds to several tokens stands in each of them.
    """
    starts: list[int] = []
    ends: list[int] = []
    inside = False
    for place, char in enumerate(text):
        folded = _fold_point(ord(char)).replace(_UNSPACED_MARK, f" {_UNSPACED_MARK}")
        for number, piece in enumerate(folded.split(" ")):
            inside = inside and not number
            if piece and not inside:
                starts.append(place)
                ends.append(place + 1)
            elif piece:
                ends[-1] = place + 1
            inside = inside or bool(piece)
        # Unassigned ones (C too) are marks of a later Unicode version.
        if not folded and unicodedata.category(char)[0] in "MC":
            ends = [place + 1 if end == place else end for end in ends]
    return np.array(starts, np.int64), np.array(ends, np.int64)


def token_hashes(text: str, seed: int = 0) -> NDArray[np.uint64]:
    """Return XXH3-64 of each token's UTF-8, uint64 [tokens], in text order."""
    return np.array([xxhash.xxh3_64_intdigest(token.encode(), seed) for token in tokens(text)], np.uint64)


def _polynomial(hashes: Sequence[int]) -> int:
    """Return the sum of hash times BASE to the number of hashes after it, modulo 2**64, mixed."""
    total = 0
    for value in hashes:
        total = (total * BASE + value) & _MASK
    return mix(total)


def _shingles(text: str, shingle_size: int, seed: int) -> Iterator[int]:
    unspaced = [mark for _, mark in _marked_tokens(text)]
    hashes = [int(value) for value in token_hashes(text, seed)]
    found = False
    for start in range(len(hashes)):
        size = 2 * shingle_size if unspaced[start] else shingle_size
        if start + size <= len(hashes):
            found = True
            yield _polynomial(hashes[start : start + size])
    if hashes and not found:
        yield _polynomial(hashes)


def shingle_hashes(text: str, shingle_size: int, seed: int = 0) -> NDArray[np.uint64]:
    """Return the hash of each shingle, uint64, in text order, repeats included.

    A shingle is a run of `shingle_size` tokens, or of twice as many where its first token is a character of a script
    written without spaces. A text with tokens but no such run has one shingle of all its tokens.
    """
    return np.array(list(_shingles(text, shingle_size, seed)), np.uint64)


def _names(text: str) -> list[bool]:
    """Return which tokens begin with a capital inside a sentence: Latin, Greek, Cyrillic or Armenian."""
    names: list[bool] = []
    begins, inside = True, False
    # A lone surrogate comes as a question mark.
    for char in text.encode("utf-8", "replace").decode():
        folded = _fold_point(ord(char)).replace(_UNSPACED_MARK, f" {_UNSPACED_MARK}")
        capital = char < CAPITALS and char.isupper() and not begins
        started = False
        for number, piece in enumerate(folded.split(" ")):
            inside = inside and not number
            if piece and not inside:
                names.append(capital)
                started = True
            inside = inside or bool(piece)
        if started:
            begins = False
        elif char in SENTENCE_ENDS:
            begins = True
    return names


def _common(left: Sequence[tuple[int, bool]], right: Sequence[tuple[int, bool]], width: int) -> list[_Anchor]:
    """Return (left token, right token, tokens) of the shingles that both texts have, where each has them first."""
    places: list[dict[tuple[int, ...], int]] = []
    for tokens_of_text in (left, right):
        found: dict[tuple[int, ...], int] = {}
        for start, (_, unspaced) in enumerate(tokens_of_text):
            size = 2 * width if unspaced else width
            if start + size <= len(tokens_of_text):
                found.setdefault(tuple(value for value, _ in tokens_of_text[start : start + size]), start)
        places.append(found)
    both = places[0].keys() & places[1].keys()
    return sorted((places[0][shingle], places[1][shingle], len(shingle)) for shingle in both)


def _chain(common: Sequence[_Anchor]) -> list[_Anchor]:
    """Return the longest chain that ascends in both texts.

    Among the longest, each anchor has the least right token (patience sorting).
    """
    tails: list[tuple[int, int]] = []
    before: list[int | None] = []
    for number, (_, place, _) in enumerate(common):
        at = bisect_left(tails, (place, 0))
        before.append(tails[at - 1][1] if at else None)
        tails[at:] = [(place, number), *tails[at + 1 :]]
    chain = []
    last = tails[-1][1] if tails else None
    while last is not None:
        chain.append(common[last])
        last = before[last]
    return chain[::-1]


def _differences(
    left: Sequence[tuple[int, bool]], right: Sequence[tuple[int, bool]], width: int
) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield where two token sequences differ on the way along their anchors: left start and stop, right start and stop.

    Before them stands how far back in the left text the two are equal; at the end comes a difference of no token.
    """
    start = i = j = 0
    for at, other, size in [*_chain(_common(left, right, width)), (len(left), len(right), 0)]:
        if at < i or other < j:
            # An anchor inside what is walked already goes on in step, or is passed over.
            if at - i == other - j and at + size > i:
                i, j = at + size, other + size
            continue
        p, q, x, y = i, j, at, other
        while p < x and q < y and left[p][0] == right[q][0]:
            p, q = p + 1, q + 1
        while x > p and y > q and left[x - 1][0] == right[y - 1][0]:
            x, y = x - 1, y - 1
        if x > p or y > q:
            yield start, p, x, q, y
            start = x
        i, j = at + size, other + size
    yield start, len(left), len(left), len(right), len(right)


def align(left: str, right: str, shingle_size: int, seed: int = 0) -> tuple[int, int, int, int, int]:
    """Walk two texts along the shingles that both have, and count what stands between.

    Returns:
        What they share in order, and the longest run that they share in any order (of what repeats, the first), in half
        words: a word counts two, a character of an unspaced script one. Then the places where they differ in order;
        those of them where facts are substituted, twelve words at most on either side: as many other numbers (of words
        that begin with a digit), and those besides where names (words with a capital inside a sentence) stand on both
        sides, none on both.
    """
    # The one of fewer tokens first: the same pair gives the same numbers, whichever is the left one.
    left, right = sorted((left, right), key=lambda text: (len(tokens(text)), token_hashes(text, seed).tolist()))
    sides = [
        list(zip(map(int, token_hashes(text, seed)), (mark for _, mark in _marked_tokens(text)), strict=True))
        for text in (left, right)
    ]
    words = [
        [(word, is_name) for word, is_name in zip(tokens(text), _names(text), strict=True)] for text in (left, right)
    ]

    def weight(side: int, start: int, stop: int) -> int:
        return sum(1 if unspaced else 2 for _, unspaced in sides[side][start:stop])

    shared = places = figures = named = 0
    longest = max(
        (weight(0, start, stop) for start, stop in _runs(_common(sides[0], sides[1], shingle_size))), default=0
    )
    for start, p, x, q, y in _differences(sides[0], sides[1], shingle_size):
        run = weight(0, start, p)
        shared, longest = shared + run, max(longest, run)
        places += x > p or y > q
        if x > p and y > q and weight(0, p, x) <= FACT and weight(1, q, y) <= FACT:
            pieces = words[0][p:x], words[1][q:y]
            mine, theirs = (_numbers([word for word, _ in piece]) for piece in pieces)
            my_names, their_names = ({word for word, is_name in piece if is_name} for piece in pieces)
            # As many numbers: a time, a date or a sum that is written otherwise has more or fewer.
            if 0 < len(mine) == len(theirs) and sorted(mine) != sorted(theirs) and "".join(mine) != "".join(theirs):
                figures += 1
            elif my_names and their_names and not my_names & their_names:
                named += 1
    return shared, longest, places, figures, named


def _runs(common: Sequence[_Anchor]) -> Iterator[tuple[int, int]]:
    """Yield where the anchors that are neighbours in both texts begin and end in the left one."""
    start = 0
    for number, (at, other, size) in enumerate(common):
        if not number or (at - 1, other - 1) != common[number - 1][:2]:
            start = at
        yield start, at + size


def _numbers(words: Sequence[str]) -> list[str]:
    """Return the numbers in words that begin with one; three digits behind another number are its thousands."""
    numbers: list[str] = []
    is_open = False
    for word in words:
        if is_open and re.fullmatch("[0-9]{3}", word):
            numbers[-1] += word
        elif "0" <= word[0] <= "9":
            # Letters may stand between numbers, as a decimal point does.
            numbers += re.findall("[0-9]+", word)
        is_open = re.search("^[0-9].*[0-9]$|^[0-9]$", word) is not None
    return numbers


def digest(text: str, seed: int = 0) -> int:
    """Return XXH3-64 of all token hashes in order: equal for texts that fold to the same."""
    return xxhash.xxh3_64_intdigest(token_hashes(text, seed).astype("<u8").tobytes(), seed)


def _signature(shingles: Sequence[int], num_slots: int) -> list[int]:
    shift = 64 - (num_slots.bit_length() - 1)
    least: dict[int, int] = {}
    for value in shingles:
        slot = value >> shift
        least[slot] = min(value, least.get(slot, _MASK))
    signature = []
    for slot in range(num_slots):
        # The largest hash of all stands for an empty slot.
        if least.get(slot, _MASK) != _MASK:
            signature.append(least[slot] & _LOW)
        elif shingles:
            # Triangular numbers: bands are consecutive slots, whose permutations must not be in arithmetic progression.
            lane = slot * (slot + 1) // 2 % num_slots
            signature.append(min(((value & _LOW) + lane * (value >> 32)) & _LOW for value in shingles))
        else:
            signature.append(_LOW)
    return signature


def sketch(texts: Sequence[str], config: SketchConfig) -> Sketches:
    """Return the signatures of all texts.

    One-permutation MinHash: the top bits of a shingle's hash name its slot, which keeps the low 32 bits of the least
    hash it meets. An empty slot takes the least of an order of its own over all shingles (Dahlgaard, Knudsen and
    Thorup, "Fast similarity sketching", 2017, cut to one round): low + t * high modulo 2**32 of a hash's two halves,
    where t is the slot's triangular number modulo `num_slots` (double hashing, Kirsch and Mitzenmacher 2006). So a slot
    holds the minimum of one order of the shingles, and two slots are equal with probability J.

    Raises:
        InvalidUtf8Error: A text is not UTF-8; the message names its row.
        InputError: A text is longer than 64 MiB.
    """
    shingles = [list(_shingles(text, config.shingle_size, config.seed)) for text in texts]
    return Sketches(
        Scheme.of(config),
        np.array([_signature(hashes, config.num_slots) for hashes in shingles], np.uint32).reshape(
            -1, config.num_slots
        ),
        np.array([len(tokens(text)) for text in texts], np.uint32),
        np.array([len(hashes) for hashes in shingles], np.uint32),
        np.array([digest(text, config.seed) for text in texts], np.uint64),
    )


def shingle_set(text: str, shingle_size: int, seed: int = 0) -> NDArray[np.uint64]:
    """Return the sorted unique shingle hashes of a text, uint64; empty for a text without a token."""
    return np.array(sorted(set(_shingles(text, shingle_size, seed))), np.uint64)


def sample(text: str, shingle_size: int, seed: int = 0) -> NDArray[np.uint64]:
    """Return the sample of the long shingles of a text, sorted, uint64: see `native.fill_samples`."""
    hashes = shingle_set(text, shingle_size + SAMPLE_EXTRA, seed)
    return hashes[: max(int(np.count_nonzero(hashes < SAMPLE_CUT)), SAMPLE_LEAST)]


def intersection_size(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> int:
    """Return how many values two sorted unique uint64 arrays share."""
    return len(set(left.tolist()) & set(right.tolist()))


def band_keys(signatures: NDArray[np.uint32], first: int, rows: int) -> NDArray[np.uint64]:
    """Return a key per text for the band of `rows` slots from slot `first` on, uint64 [n].

    Equal slots give equal keys; other slots give equal keys with probability 2**-64.
    """
    return np.array([_polynomial([first + 1, *row[first : first + rows]]) for row in signatures.tolist()], np.uint64)


def _fmix(value: int, bits: int) -> int:
    """Return the finaliser of MurmurHash3 for 32 or 64 bits."""
    steps = {32: (16, 0x85EBCA6B, 13, 0xC2B2AE35, 16), 64: (33, 0xFF51AFD7ED558CCD, 33, 0xC4CEB9FE1A85EC53, 33)}
    first, multiplier, second, other_multiplier, third = steps[bits]
    mask = 2**bits - 1
    value = (value ^ value >> first) * multiplier & mask
    value = (value ^ value >> second) * other_multiplier & mask
    return value ^ value >> third


def permutation_signatures(
    hashes: NDArray[np.uint64], offsets: NDArray[np.int64], scheme: str, parameters: NDArray[Any]
) -> NDArray[Any]:
    """Return the K-permutation MinHash signatures of datasketch 2, for given token hashes.

    Args:
        hashes: uint64, the token hashes of all texts: of 32 bits for "legacy" and "affine32".
        offsets: int64 [n + 1]; text i has the hashes `offsets[i]` to `offsets[i + 1]`.
        scheme: "legacy", "affine32" or "affine64".
        parameters: [2, K], a multiplier and an increment per permutation, as `MinHash.permutations` holds them: uint32
            for "affine32", uint64 otherwise.

    Returns:
        [n, K], uint32 for "affine32", uint64 otherwise; a text without a hash has the largest value in every slot.
    """
    bits = 32 if scheme == "affine32" else 64
    mask: int = 2**bits - 1

    def permute(value: int, multiplier: int, increment: int) -> int:
        if scheme != "legacy":
            return _fmix(value & mask, bits) * multiplier + increment & mask
        # The product wraps at 64 bits before the remainder is taken; that is part of the scheme.
        return (value * multiplier + increment & mask) % (2**61 - 1) & _LOW

    largest = _LOW if scheme == "legacy" else mask
    multipliers, increments = parameters.tolist()
    rows = [hashes[start:stop].tolist() for start, stop in pairwise(offsets.tolist())]
    values = [
        [min([permute(x, a, c) for x in row], default=largest) for a, c in zip(multipliers, increments, strict=True)]
        for row in rows
    ]
    return np.array(values, np.uint32 if bits == 32 else np.uint64).reshape(len(rows), len(multipliers))


def probe_filters(wanted: NDArray[np.uint64], runs: Runs) -> NDArray[np.int64]:
    """Return where runs may have some keys, by their filters: int64 [3, n].

    A row each for the place of the key, the place of the run, and the page of it that would have the key's first entry,
    counted through all runs; by run and then by key.

    Args:
        wanted: uint64 [n], keys below 2**40.
        runs: To look into.
    """
    lists: list[tuple[int, int, int]] = []
    first = 0
    for number, (words, directory) in enumerate(zip(runs.filters, runs.directories, strict=True)):
        for which, key in enumerate(wanted.tolist()):
            place = (key >> 8) * len(words) >> 32
            bits = runs.masks[(key * BASE & _MASK) >> 50]
            if (words[place] & bits == bits).all():
                page = bisect_right(directory[1:].tolist(), key << 24)
                lists.append((which, number, first + page))
        first += len(directory)
    return np.array(lists, np.int64).reshape(-1, 3).T


def search_lists(
    entries: NDArray[np.uint64], lists: NDArray[np.int64], wanted: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Look keys up in sorted lists of entries.

    Args:
        entries: uint64, a key of 40 bits above a number of 24 each; one that has all bits stands for none.
        lists: int64 [5, n]: the first key that is looked up in a list and the one behind the last, where the list
            begins and ends in `entries`, and what is added to its numbers. The entries of a list ascend.
        wanted: uint64, keys, fewer than 2**23.

    Returns:
        int64, of each entry found the place of its key times 2**40 and its number, by list and then by key; and
        bool [n], whether the last key may go on in what follows a list, since that has no larger one.
    """
    found, goes_on = [], []
    for first, last, start, stop, base in lists.T.tolist():
        own = [entry for entry in entries[start:stop].tolist() if entry != _MASK]
        keys = wanted[first:last].tolist()
        for which, key in enumerate(keys, first):
            found += [(which << 40) + base + (entry & 2**24 - 1) for entry in own if entry >> 24 == key]
        goes_on.append(not keys or all(entry >> 24 <= keys[-1] for entry in own))
    return np.array(found, np.int64), np.array(goes_on, np.bool_)


def choose_canonicals(
    offsets: NDArray[np.int64], neighbours: NDArray[np.int64], scores: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the canonical of each document, int64 [n]; a canonical's is itself.

    Documents are numbered in keep order; document i is linked to `neighbours[offsets[i] : offsets[i + 1]]`, each link
    standing on both sides. One that is linked to no canonical before it becomes canonical (the greedy maximal
    independent set); each other joins the canonical it is linked to with the highest score, the earlier of equals.
    """
    links = [
        list(zip(neighbours[start:stop].tolist(), scores[start:stop].tolist(), strict=True))
        for start, stop in pairwise(offsets.tolist())
    ]
    canonical: set[int] = set()
    for document, linked in enumerate(links):
        if not any(other in canonical for other, _ in linked):
            canonical.add(document)
    chosen = []
    for document, linked in enumerate(links):
        if document in canonical:
            chosen.append(document)
        else:
            chosen.append(min((-score, other) for other, score in linked if other in canonical)[1])
    return np.array(chosen, np.int64)
