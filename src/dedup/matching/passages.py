"""What two texts share, word for word: passages, a word diff, and which stretch of a page comes from which document."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dedup.kernels import native
from dedup.matching.candidates import buckets
from dedup.model import Cleaned, Cover, Edit, Passage, Stretch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dedup.model import EditKind

    #: Tokens of a text, from the first to the one behind the last.
    Piece = tuple[int, int]

#: Up to so many pairs of places at which two texts have the same few words, all pairs are looked at; above, the first
#: place of one text goes with the first of the other, the second with the second.
MOST_PAIRS = 16

#: Of more runs, the longest are looked at.
MOST_RUNS = 100_000

#: What choosing among the runs may cost per token; looking at a run costs its tokens and `_LOOK`.
_EFFORT, _LOOK = 1000, 500

#: Words between two passages of which one has as many as the other has, multiplied: above, they are one replacement.
MOST_CELLS = 4_000_000

#: Shared tokens of a stretch of a page at least; tokens between two passages of a stretch that nobody shares, at most.
LEAST_STRETCH, MOST_GAP = 10, 5

#: Multiplier of the polynomial that joins token hashes, and its inverse modulo 2**64.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 2**64)


_KINDS: tuple[EditKind, ...] = ("equal", "replace", "delete", "insert")
_EQUAL, _REPLACE, _DELETE, _INSERT = range(len(_KINDS))


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The n tokens of a clean text, in order, and where they stand in the original.

    Args:
        hashes: uint64 [n].
        starts: int64 [n], first character of each in the original.
        ends: int64 [n], the character behind its last one.
        weights: int64 [n + 1], twice the words before each token: a character of a script that is written without
            spaces is half a word.
    """

    hashes: NDArray[np.uint64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    weights: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.hashes)


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Tokens in a row that two texts share, in order of the left text, none overlapping another on either side.

    Args:
        left: int64 [n], the first token of each in the left text.
        right: int64 [n], the first token in the right text.
        words: int64 [n], how many tokens.
        moved: bool [n], whether it stands out of the order of the others: those that do not are the heaviest sequence
            that is in one order in both texts.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    words: NDArray[np.int64]
    moved: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.left)


def read_words(page: Cleaned | str, seed: int = 0) -> Words:
    """Return the tokens of a clean text, or of a text as it is. A text without a token has none.

    Raises:
        InputError: The text is longer than 64 MiB.
    """
    page = page if isinstance(page, Cleaned) else Cleaned(page, page)
    starts, ends = native.token_spans(page.text)
    weights = np.cumsum(np.concatenate([[0], 2 - native.unspaced_tokens(page.text)]), dtype=np.int64)
    hashes = native.token_hashes(page.text, seed)
    return Words(hashes, _originals(page, starts), _originals(page, ends - 1) + 1, weights)


def _originals(page: Cleaned, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where characters of the clean text stand in the original."""
    if not page.removed:
        return places
    lengths = np.array([span.end - span.start for span in page.removed])
    gone = np.concatenate([[0], np.cumsum(lengths)])
    cuts = np.array([span.start for span in page.removed]) - gone[:-1]
    found: NDArray[np.int64] = places + gone[np.searchsorted(cuts, places, side="right")]
    return found


def share(left: Words, right: Words, shingle_size: int) -> Runs:
    """Return the runs of at least `shingle_size` words that two texts share.

    Greedy string tiling (Wise, "String similarity via greedy string tiling and Running Karp-Rabin matching", 1993): the
    longest run is taken first, and what others lose to it on either side is taken off them. Of equal ones that goes
    first which stands at the more similar place of both texts. We look only where some words in a row stand at few
    places, or at the k-th place in both, so that repetition costs no more than linear. Two characters of a script that
    is written without spaces count as a word. Of two texts that are shorter, equal ones share all they have; a text
    without a token shares nothing. In texts of some hundred thousand words, short runs may be left out: at most the
    `MOST_RUNS` longest are weighed.
    """
    if _comes_later(left, right):
        found = share(right, left, shingle_size)
        order = np.argsort(found.right)
        return Runs(found.right[order], found.left[order], found.words[order], found.moved[order])
    least = min(2 * shingle_size, max(int(left.weights[-1]), int(right.weights[-1])))
    tiles = sorted(_tiles(left, right, _candidates(left, right, least), least)) if least else []
    left_at, right_at, words = np.array(tiles, np.int64).reshape(-1, 3).T
    moved = np.ones(len(tiles), np.bool_)
    moved[_chain(right_at.tolist(), words.tolist())] = False
    return Runs(left_at, right_at, words, moved)


def _comes_later(left: Words, right: Words) -> bool:
    """Tell whether the right text is worked on first: which side a text stands on may not matter, to the last tie."""
    return (len(left), left.hashes.tobytes()) > (len(right), right.hashes.tobytes())


def _windows(words: Words, least: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return a hash and the end of the shortest run from each token on that weighs `least`, for all that have one."""
    count = int(np.searchsorted(words.weights, words.weights[-1] - least, side="right"))
    stops = np.searchsorted(words.weights, words.weights[:count] + least)
    powers, inverses = (
        np.cumprod(np.concatenate([[np.uint64(1)], np.full(len(words), factor, np.uint64)]), dtype=np.uint64)
        for factor in (_BASE, _INVERSE)
    )
    sums = np.concatenate([[np.uint64(0)], np.cumsum(words.hashes * powers[:-1], dtype=np.uint64)])
    return (sums[stops] - sums[:count]) * inverses[:count], stops


def _candidates(left: Words, right: Words, least: int) -> NDArray[np.int64]:
    """Return runs that both texts seem to have, int64 [n, 3]: first token left and right, tokens. They may overlap."""
    (left_keys, stops), (right_keys, _) = _windows(left, least), _windows(right, least)
    # Places of both texts with one key: first those on the left, then those on the right.
    keys = np.concatenate([left_keys, right_keys])
    members, positions, sizes = buckets(keys, np.arange(len(keys)), len(keys))
    first = np.flatnonzero(positions == 0)
    here = np.add.reduceat(members < len(left_keys), first, dtype=np.int64) if len(first) else first
    there = sizes[first] - here
    is_few = here * there <= MOST_PAIRS
    taken = np.where(is_few, here * there, np.minimum(here, there))
    key = np.repeat(np.arange(len(taken)), taken)
    step = np.arange(len(key)) - np.repeat(np.cumsum(taken) - taken, taken)
    left_step, right_step = np.where(is_few[key], np.divmod(step, there[key]), step)
    left_place = members[first[key] + left_step]
    right_place = members[first[key] + here[key] + right_step] - len(left_keys)

    # Neighbours at one distance that touch each other are one run.
    order = np.lexsort((left_place, left_place - right_place))
    left_place, right_place = left_place[order], right_place[order]
    ends = stops[left_place]
    distance = left_place - right_place
    is_first = np.ones(len(order) + 1, np.bool_)
    is_first[1:-1] = (distance[1:] != distance[:-1]) | (left_place[1:] > ends[:-1])
    first, last = np.flatnonzero(is_first[:-1]), np.flatnonzero(is_first[1:])
    starts, others, stops = left_place[first], right_place[first], ends[last]
    # Half a word at the end can be more than the last window needs. Behind the texts stands what differs.
    left_next, right_next = np.append(left.hashes, np.uint64(0)), np.append(right.hashes, np.uint64(1))
    stops = stops + (left_next[stops] == right_next[stops - starts + others])
    return np.stack([starts, others, stops - starts], axis=1)


def _tiles(left: Words, right: Words, runs: NDArray[np.int64], least: int) -> Iterator[tuple[int, int, int]]:
    """Yield runs that overlap no other, longest first: first token left and right, tokens."""
    left_at, right_at, words = runs.T
    skew = np.abs(left_at * len(right) - right_at * len(left))
    order = np.lexsort((right_at, left_at, skew, -words))[:MOST_RUNS]
    # A list in order is a heap.
    heap = list(zip(*(column[order].tolist() for column in (-words, skew, left_at, right_at)), strict=True))
    left_hashes, right_hashes = left.hashes.tolist(), right.hashes.tolist()
    left_used, right_used = bytearray(len(left)), bytearray(len(right))
    effort = _EFFORT * (len(left) + len(right) + _EFFORT)
    while heap and effort > 0:
        length, _, i, j = heapq.heappop(heap)
        length, distance = -length, j - i
        effort -= _LOOK + length
        free = list(_free(left_used, right_used, i, j, length))
        if free != [(0, length)]:
            for start, stop in ((i + first, i + last) for first, last in free):
                if left.weights[stop] - left.weights[start] >= least:
                    away = abs(start * len(right) - (start + distance) * len(left))
                    heapq.heappush(heap, (start - stop, away, start, start + distance))
        # Windows of equal hashes are not yet equal tokens.
        elif left_hashes[i : i + length] == right_hashes[j : j + length]:
            # What stands at many places goes with the run beside it.
            start, stop = i, i + length
            lowest, highest = max(0, -distance), min(len(left), len(right) - distance)
            while start > lowest and (
                left_hashes[start - 1] == right_hashes[start - 1 + distance]
                and not left_used[start - 1] | right_used[start - 1 + distance]
            ):
                start -= 1
            while stop < highest and (
                left_hashes[stop] == right_hashes[stop + distance] and not left_used[stop] | right_used[stop + distance]
            ):
                stop += 1
            left_used[start:stop] = right_used[start + distance : stop + distance] = b"\1" * (stop - start)
            yield start, start + distance, stop - start


def _free(left_used: bytearray, right_used: bytearray, i: int, j: int, length: int) -> Iterator[Piece]:
    """Yield the stretches of a run, counted from its start, whose tokens are free on both sides."""
    at = 0
    while at < length:
        left_next, right_next = left_used.find(0, i + at, i + length), right_used.find(0, j + at, j + length)
        if left_next < 0 or right_next < 0:
            return
        start = max(left_next - i, right_next - j)
        if not left_used[i + start] | right_used[j + start]:
            left_stop, right_stop = left_used.find(1, i + start, i + length), right_used.find(1, j + start, j + length)
            at = min(
                left_stop - i if left_stop >= 0 else length,
                right_stop - j if right_stop >= 0 else length,
            )
            yield start, at
        else:
            at = start


def _chain(places: Sequence[int], weights: Sequence[int]) -> list[int]:
    """Return which places, ascending, make the heaviest sequence that ascends in value, as positions in `places`."""
    # The least last value of a sequence, by weight: both ascend, and whoever is beaten in both is gone.
    values: list[int] = []
    totals: list[int] = []
    lasts: list[int] = []
    before = [-1] * len(places)
    for number, (value, weight) in enumerate(zip(places, weights, strict=True)):
        at = bisect_left(values, value)
        total = weight + (totals[at - 1] if at else 0)
        before[number] = lasts[at - 1] if at else -1
        beaten = bisect_right(totals, total, at)
        values[at:beaten], totals[at:beaten], lasts[at:beaten] = [value], [total], [number]
    chain = []
    number = lasts[-1] if lasts else -1
    while number >= 0:
        chain.append(number)
        number = before[number]
    return chain[::-1]


def passages(left: Words, right: Words, runs: Runs) -> tuple[Passage, ...]:
    """Return runs by characters of the original texts, in order of the left text."""
    left_last, right_last = runs.left + runs.words - 1, runs.right + runs.words - 1
    columns = (
        left.starts[runs.left],
        left.ends[left_last],
        right.starts[runs.right],
        right.ends[right_last],
        runs.words,
        runs.moved,
    )
    return tuple(map(Passage, *(column.tolist() for column in columns)))


def edits(left: Words, right: Words, runs: Runs) -> tuple[Edit, ...]:
    """Return the word diff of two texts along the runs that are not moved.

    Between two of these, the fewest words are deleted and inserted (RapidFuzz, Indel distance); where more than
    `MOST_CELLS` pairs of words would have to be looked at, all of them are replaced. Two texts without a token give no
    edit.
    """
    left_at, right_at = _matches(left, right, runs)
    # Equal tokens in a row are a block; one of length 0 stands behind both texts.
    is_first = np.concatenate([[True], (np.diff(left_at) != 1) | (np.diff(right_at) != 1)])[: len(left_at)]
    first = np.flatnonzero(is_first)
    lengths = np.diff(np.concatenate([first, [len(left_at), len(left_at)]]))
    left_rows = _rows(np.append(left_at[first], len(left)), lengths)
    right_rows = _rows(np.append(right_at[first], len(right)), lengths)
    in_left, in_right = left_rows[1] > left_rows[0], right_rows[1] > right_rows[0]
    kinds = np.select([~in_left, ~in_right], [_INSERT, _DELETE], _REPLACE)
    kinds[1::2] = _EQUAL
    columns = [*_places(left, *left_rows), *_places(right, *right_rows)]
    kept = in_left | in_right
    names = [_KINDS[kind] for kind in kinds[kept].tolist()]
    return tuple(map(Edit, names, *(column[kept].tolist() for column in columns)))


def _rows(firsts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first token and the one behind the last, int64 [2, rows]: what is before a block, the block, ..."""
    stops = firsts + lengths
    starts = np.stack([np.concatenate([[0], stops[:-1]]), firsts], axis=1)
    return np.stack([starts.ravel(), np.stack([firsts, stops], axis=1).ravel()])


def _places(
    words: Words, first: NDArray[np.int64], stop: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the characters of some tokens, start and end; of none, the end of the token before, or 0."""
    ends = np.concatenate([[0], words.ends])
    starts = np.append(words.starts, 0)[first]
    return np.where(first < stop, starts, ends[first]), ends[stop]


def _matches(left: Words, right: Words, runs: Runs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which tokens are equal in the word diff: their numbers in both texts, int64, ascending."""
    from rapidfuzz.distance import Indel  # noqa: PLC0415 - loads on first use

    turned = _comes_later(left, right)
    still = ~runs.moved
    blocks = list(zip(*(column[still].tolist() for column in (runs.left, runs.right, runs.words)), strict=True))
    found: list[tuple[int, int, int]] = []
    i = j = 0
    for left_start, right_start, length in [*blocks, (len(left), len(right), 0)]:
        if i < left_start and j < right_start and (left_start - i) * (right_start - j) <= MOST_CELLS:
            gaps = left.hashes[i:left_start].tolist(), right.hashes[j:right_start].tolist()
            steps = Indel.opcodes(gaps[1], gaps[0]).inverse() if turned else Indel.opcodes(*gaps)
            found += [
                (i + step.src_start, j + step.dest_start, step.src_end - step.src_start)
                for step in steps
                if step.tag == "equal"
            ]
        found.append((left_start, right_start, length))
        i, j = left_start + length, right_start + length
    left_first, right_first, lengths = np.array(found, np.int64).T
    step = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    left_at, right_at = np.repeat(left_first, lengths) + step, np.repeat(right_first, lengths) + step
    # RapidFuzz goes by Python's hash of a number, which is not the number.
    same = left.hashes[left_at] == right.hashes[right_at]
    return left_at[same], right_at[same]


def cover(words: Words, others: Iterable[tuple[str, Words]], *, shingle_size: int = 3) -> Cover:
    """Tell which stretch of a page comes from which document.

    A stretch is made of passages that the page shares with one document: `LEAST_STRETCH` tokens at least, with at most
    `MOST_GAP` tokens between two passages. The document that explains the most tokens gets its stretches, the one that
    explains the most of the rest is next, and so on (as sourmash's gather does for genomes: Irber et al., "Lightweight
    compositional analysis of metagenomes with FracMinHash and minimum metagenome covers", 2022); of equal ones, the
    smaller id.

    Args:
        words: The tokens of the page.
        others: Ids, each once, and the tokens of what may stand in the page, hashed with the same seed; they are taken
            one by one. None gives a cover without a stretch.
        shingle_size: Words of a passage at least.
    """
    pieces: dict[str, list[Piece]] = {}
    for name, other in others:
        runs = share(words, other, shingle_size)
        pieces[name] = list(zip(runs.left.tolist(), (runs.left + runs.words).tolist(), strict=True))
    used = bytearray(len(words))
    found: list[tuple[int, int, str]] = []
    # What a document explains only shrinks: one whose old count is not the largest need not be counted again.
    heap = [(-len(words), name) for name in sorted(pieces)]
    while heap:
        old, name = heapq.heappop(heap)
        gain, stretches = _stretches(words, used, pieces[name], 2 * shingle_size)
        if gain < -old and gain:
            heapq.heappush(heap, (-gain, name))
        elif gain:
            for start, stop in stretches:
                used[start:stop] = b"\1" * (stop - start)
                found.append((start, stop, name))
    return Cover(
        tuple(
            Stretch(int(words.starts[start]), int(words.ends[stop - 1]), name, stop - start)
            for start, stop, name in sorted(found)
        ),
        used.count(0) / len(used) if used else 0.0,
    )


def _stretches(words: Words, used: bytearray, pieces: Iterable[Piece], least: int) -> tuple[int, list[Piece]]:
    """Return how many free tokens a document explains, and in which stretches; its `pieces` ascend."""
    groups: list[tuple[int, int, int]] = []
    for start, stop in pieces:
        for i, j in _free(used, used, start, start, stop - start):
            first, last = start + i, start + j
            if words.weights[last] - words.weights[first] < least:
                continue
            if groups and first - groups[-1][1] <= MOST_GAP and used.find(1, groups[-1][1], first) < 0:
                begin, _, shared = groups.pop()
                groups.append((begin, last, shared + last - first))
            else:
                groups.append((first, last, last - first))
    long_enough = [group for group in groups if group[2] >= LEAST_STRETCH]
    return sum(shared for _, _, shared in long_enough), [(first, last) for first, last, _ in long_enough]
