"""Which blocks were seen in how many stories of which outlets: a table of bounded size that can be added to and merged.

Furniture that no lexicon knows shows by repetition: a block that stands in many different stories of one outlet is
furniture, one that stands in one story at many outlets is syndication. So for each block of each outlet, its *key*, the
table keeps the different stories that were seen around it.

Of each key the `KEPT` smallest story hashes are kept. Which ones these are depends on the set of stories alone, not on
the order in which they came: a bottom-k sketch (Cohen 1997, "Size-estimation framework with applications to transitive
closure and reachability"; Bar-Yossef et al. 2002, "Counting distinct elements in a data stream"). We read less off it
than they do: a count up to `KEPT` is exact, beyond it says "at least `KEPT`", and nothing is estimated.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import numpy as np
import xxhash

from dedup import _validate
from dedup.errors import InputError, InvalidArgumentError, OutputError, SchemeMismatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

#: Version of the hashes, of KEPT and of the file; tables of different versions cannot be merged.
FORMAT = 1
#: How many stories are kept for each block of an outlet.
KEPT = 32
#: Points for a story that is more than the repeated block, and for one that is not.
STRONG, WEAK = 3, 1

_EXAMPLE = 300  # characters
_BATCH = 1 << 16  # rows that always may wait, so that small tables are not folded at every add
_LATEST = 2**31 - 1  # of an int32; a table of more adds takes the last ones for one
_MOST = 2**64 - 1

_COLUMNS = {
    "scheme": np.uint8,
    "limit": np.int64,
    "adds": np.int64,
    "name": np.uint8,
    "name_size": np.int64,
    "fingerprint": np.uint64,
    "outlet": np.int32,
    "seen": np.int32,
    "count": np.int64,
    "story": np.uint64,
    "strong": np.bool_,
    "example": np.uint8,
    "example_size": np.int64,
    "example_of": np.int64,
}


@dataclass(frozen=True, slots=True)
class Template:
    """A block that repeats.

    Args:
        outlet: Whose block it is; None when that is unknown.
        fingerprint: Which block it is, in [0, 2**64).
        stories: In how many different stories of the outlet it stands; `KEPT` says at least so many.
        outlets: How many outlets of the table have the block at all, at least 1; the unknown outlet counts as one.
        example: The block as one text has it, at most 300 characters; empty when none was remembered.
    """

    outlet: str | None
    fingerprint: int
    stories: int
    outlets: int
    example: str


class _Rows(NamedTuple):
    """Sightings as they came: arrays of one length, in any order, with equal ones."""

    key: NDArray[np.uint64]
    fingerprint: NDArray[np.uint64]
    outlet: NDArray[np.int32]
    seen: NDArray[np.int32]
    story: NDArray[np.uint64]
    strong: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Table:
    """Sightings in order: those of key `i` are rows `start[i]` to `start[i + 1]`, at least 1 and at most `KEPT`.

    Args:
        key: uint64 [keys], ascending, unique: a hash of outlet and fingerprint.
        fingerprint: uint64 [keys].
        outlet: int32 [keys], places in the list of names.
        seen: int32 [keys], the number of the add in which the key was last seen.
        start: int64 [keys + 1].
        story: uint64 [rows], hashes of stories, ascending and unique within a key.
        strong: bool [rows].
    """

    key: NDArray[np.uint64]
    fingerprint: NDArray[np.uint64]
    outlet: NDArray[np.int32]
    seen: NDArray[np.int32]
    start: NDArray[np.int64]
    story: NDArray[np.uint64]
    strong: NDArray[np.bool_]

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """The rows of each key, int64 [keys]."""
        return np.diff(self.start)

    @cached_property
    def points(self) -> NDArray[np.int64]:
        """The points of each key, int64 [keys]."""
        strong: NDArray[np.int64] = np.diff(_starts(self.strong)[self.start])
        return WEAK * self.count + (STRONG - WEAK) * strong

    @cached_property
    def only_story(self) -> NDArray[np.uint64]:
        """The story of each key that has one, uint64 [keys]; 0 for a key that has more."""
        return np.where(self.count == 1, self.story[self.start[:-1]], np.uint64(0))

    @cached_property
    def by_fingerprint(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """The fingerprints of all keys, ascending, and the running sum of their rows, int64 [keys + 1]."""
        order = np.argsort(self.fingerprint, kind="stable")
        return self.fingerprint[order], _starts(self.count[order])


_Number = TypeVar("_Number", np.int64, np.uint64)

_NO_ROWS = np.empty(0, np.uint64)
_NOTHING = Table(
    key=_NO_ROWS,
    fingerprint=_NO_ROWS,
    outlet=np.empty(0, np.int32),
    seen=np.empty(0, np.int32),
    start=np.zeros(1, np.int64),
    story=_NO_ROWS,
    strong=np.empty(0, np.bool_),
)


class Sightings:
    """The blocks of each outlet and the different stories in which they were seen.

    While the limit is not reached, what a table answers depends on the set of sightings only, not on their order or on
    how they were spread over adds and merged tables.

    A table that grows over its limit forgets whole keys until three quarters of it are left: those with the fewest
    stories first, among them those seen longest ago. This is the pruning of lossy counting (Manku and Motwani 2002,
    "Approximate frequency counts over data streams") by number of stories, with a bound on memory in place of one on
    the error. A key that is forgotten starts from nothing when it comes again. So a block that is seen in a second
    story only after other blocks have brought a quarter of the limit in rows may never be learned; the count of a block
    that was forgotten in between is too low, no count is too high, and a block of many stories stays. Counts do not
    age: a table that is full of blocks of two stories has that last quarter for new ones.

    In memory a row takes 57 bytes at most, less where blocks have many stories. There are at most `limit` of them, and
    the rows that were added last and wait to be folded in: a quarter as many (65,536 at least) and one batch. Folding
    needs the same once more for a moment.

    Args:
        limit: How many rows, different stories summed over all keys, are kept at most; at least 1000.
        scheme: How stories are named; "" says nothing of it.

    Raises:
        InvalidArgumentError: `limit` is too small or no integer, or `scheme` is no str.
    """

    def __init__(self, limit: int = 4_000_000, scheme: str = "") -> None:
        self.limit = _validate.integer("limit", limit, least=1000, most=2**62)
        self.scheme = _validate.text("scheme", scheme)
        self._format = FORMAT
        self._adds = 0
        self._places: dict[str, int] = {}
        self._table = _NOTHING
        self._pending: list[_Rows] = []
        self._waiting = 0
        self._examples: dict[int, str] = {}

    def __len__(self) -> int:
        """Return the number of rows: different stories, summed over the blocks of all outlets."""
        return len(self.folded().story)

    def add(
        self,
        outlets: Sequence[str],
        outlet: NDArray[np.int64],
        fingerprint: NDArray[np.uint64],
        story: NDArray[np.uint64],
        strong: NDArray[np.bool_],
    ) -> None:
        """Add sightings: block `fingerprint[i]` in story `story[i]` at `outlets[outlet[i]]`.

        Equal sightings count once, and as strong when one of them is. Arrays of no rows change nothing.

        Args:
            outlets: Names of outlets; "" is the unknown one.
            outlet: int64 [n], places in `outlets`.
            fingerprint: uint64 [n].
            story: uint64 [n], the name of the story around the block.
            strong: bool [n], whether the story is more than the repeated block.

        Raises:
            InvalidArgumentError: An array is of another type or length, or a place is not in `outlets`.
        """
        _check_column("outlet", outlet, np.int64)
        for name, column, dtype in (
            ("fingerprint", fingerprint, np.uint64),
            ("story", story, np.uint64),
            ("strong", strong, np.bool_),
        ):
            _check_column(name, column, dtype, len(outlet))
        if not len(outlet):
            return
        low, high = int(outlet.min()), int(outlet.max())
        if low < 0 or high >= len(outlets):
            raise InvalidArgumentError(f"outlet must be in [0, {len(outlets)}). Got {low if low < 0 else high}.")
        hashes, places = np.zeros(len(outlets), np.uint64), np.zeros(len(outlets), np.int32)
        for i in np.flatnonzero(np.bincount(outlet)).tolist():
            hashes[i] = _hash(_validate.text(f"outlets[{i}]", outlets[i]))
            places[i] = self._places.setdefault(outlets[i], len(self._places))
        self._adds = min(self._adds + 1, _LATEST)
        seen = np.full(len(outlet), self._adds, np.int32)
        key = mix(fingerprint ^ hashes[outlet])
        self._pending.append(_Rows(key, fingerprint.copy(), places[outlet], seen, mix(story), strong.copy()))
        self._waiting += len(outlet)
        # A fold copies the table: at a quarter of it, an added row costs a few copied ones.
        if self._waiting >= max(_BATCH, len(self._table.story) // 4):
            self.folded()

    def points(self, outlet: str, fingerprints: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the points of blocks of an outlet: `STRONG` for each different strong story, `WEAK` for a weak one.

        Args:
            outlet: The name; "" is the unknown one.
            fingerprints: uint64 [n].

        Returns:
            int64 [n], at most `STRONG * KEPT`; 0 for a block that is not there.

        Raises:
            InvalidArgumentError: An argument is of another type.
        """
        return self._look_up(self.folded().points, outlet, fingerprints)

    def stories(self, outlet: str, fingerprints: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return in how many different stories of an outlet blocks stand.

        Args:
            outlet: The name; "" is the unknown one.
            fingerprints: uint64 [n].

        Returns:
            int64 [n]; `KEPT` says at least so many, 0 is a block that is not there.

        Raises:
            InvalidArgumentError: An argument is of another type.
        """
        return self._look_up(self.folded().count, outlet, fingerprints)

    def only_story(self, outlet: str, fingerprints: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the story in which each block of an outlet stands, where it is one.

        Args:
            outlet: The name; "" is the unknown one.
            fingerprints: uint64 [n].

        Returns:
            uint64 [n], a hash; 0 for a block of more stories or none.

        Raises:
            InvalidArgumentError: An argument is of another type.
        """
        return self._look_up(self.folded().only_story, outlet, fingerprints)

    def spread(self, fingerprints: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return at how many outlets blocks are known, and in how many stories, summed over these outlets.

        Args:
            fingerprints: uint64 [n].

        Returns:
            Two arrays int64 [n]; 0 and 0 for a block that is not there.

        Raises:
            InvalidArgumentError: An argument is of another type.
        """
        _check_column("fingerprints", fingerprints, np.uint64)
        table = self.folded()
        known, sums = table.by_fingerprint
        first, last = np.searchsorted(known, fingerprints), np.searchsorted(known, fingerprints, side="right")
        return last - first, sums[last] - sums[first]

    def remember(self, outlet: str, fingerprint: int, example: str) -> None:
        """Keep a text of a block, for the eye; of several the first in the order of strings.

        A block that is not in the table, not added yet or forgotten, is left out.

        Args:
            outlet: The name; "" is the unknown one.
            fingerprint: Which block it is, in [0, 2**64).
            example: The text; what is beyond 300 characters is cut off.

        Raises:
            InvalidArgumentError: An argument is of another type.
        """
        _validate.text("example", example)
        fingerprint = _validate.integer("fingerprint", fingerprint, most=_MOST)
        key = _keys(outlet, np.array([fingerprint], np.uint64))
        if _find(self.folded().key, key)[1][0]:
            name, example = int(key[0]), example[:_EXAMPLE]
            self._examples[name] = min(self._examples.get(name, example), example)

    def templates(self, least: int, least_unknown: int) -> list[Template]:
        """Return the blocks that repeat: most stories first, then by outlet, the unknown one first, and fingerprint.

        Args:
            least: The points that a block of an outlet must have, at least 1.
            least_unknown: The points that a block must have when its outlet is unknown, at least 1.

        Raises:
            InvalidArgumentError: A number of points is below 1 or no integer.
        """
        least = _validate.integer("least", least, least=1)
        least_unknown = _validate.integer("least_unknown", least_unknown, least=1)
        table = self.folded()
        # An unknown outlet that was never seen has no place.
        unknown = table.outlet == self._places.get("", -1)
        chosen = np.flatnonzero(table.points >= np.where(unknown, least_unknown, least))
        fingerprint = table.fingerprint[chosen]
        outlets, _ = self.spread(fingerprint)
        names = list(self._places)
        rows = zip(
            table.outlet[chosen].tolist(),
            fingerprint.tolist(),
            table.count[chosen].tolist(),
            outlets.tolist(),
            table.key[chosen].tolist(),
            strict=True,
        )
        found = [
            Template(names[place] or None, block, stories, shared, self._examples.get(key, ""))
            for place, block, stories, shared, key in rows
        ]
        return sorted(found, key=lambda template: (-template.stories, template.outlet or "", template.fingerprint))

    def merge(self, other: Sightings) -> Sightings:
        """Return the table that has what both have, as if all had been added to one; both stay as they are.

        Adds count back from the last one of each table, and the result has the larger limit.

        Args:
            other: The other table.

        Raises:
            InvalidArgumentError: `other` is no table.
            SchemeMismatch: The tables are of different formats, or name stories in different ways.
        """
        _check_type(other)
        if self._format != other._format:
            raise SchemeMismatch(f"both tables must have one format. Got {self._format} and {other._format}.")
        if self.scheme and other.scheme and self.scheme != other.scheme:
            raise SchemeMismatch(f"other must be of the scheme of these. Got {other.scheme} and {self.scheme}.")
        merged = Sightings(max(self.limit, other.limit), self.scheme or other.scheme)
        merged._format, merged._adds = self._format, max(self._adds, other._adds)
        merged._take(self)
        merged._take(other)
        merged._keep_limit()
        return merged

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the table to one file of NumPy's npz format, without pickle, whole or not at all.

        Args:
            path: Where; no suffix is added, and the file that a link leads to is replaced.

        Raises:
            OutputError: It cannot be written; what stood there before still does.
        """
        table = self.folded()
        known = _find(table.key, np.array(sorted(self._examples), np.uint64))[0]
        name, name_size = _pack(self._places)
        example, example_size = _pack(self._examples[key] for key in table.key[known].tolist())
        columns: dict[str, Any] = {
            "scheme": _pack([self.scheme])[0],
            "limit": np.array([self.limit]),
            "adds": np.array([self._adds]),
            "name": name,
            "name_size": name_size,
            "fingerprint": table.fingerprint,
            "outlet": table.outlet,
            "seen": table.seen,
            "count": table.count,
            "story": table.story,
            "strong": table.strong,
            "example": example,
            "example_size": example_size,
            "example_of": known,
        }
        try:
            target = Path(os.path.realpath(path))
            # A folder, because a file of tempfile would keep its private mode.
            with tempfile.TemporaryDirectory(prefix=".dedup-", dir=target.parent) as folder:
                temporary = Path(folder, "complete")
                with temporary.open("wb") as file:
                    np.savez(file, format=np.array([self._format]), **columns)
                    file.flush()
                    os.fsync(file.fileno())
                if target.exists():
                    shutil.copymode(target, temporary)
                temporary.replace(target)
        except (OSError, ValueError) as error:
            raise OutputError(f"Cannot write {path}: {getattr(error, 'strerror', None) or error}.") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a table that `save` wrote.

        Args:
            path: The file.

        Raises:
            InputError: The file cannot be read, is no such table, is cut off or is of another format.
        """
        columns = _read(path)
        try:
            table, names, examples = _unpack_table(columns)
            loaded = cls(int(columns["limit"][0]), columns["scheme"].tobytes().decode("utf-8", "surrogatepass"))
        # What a changed file leads to is no closed list.
        except Exception as error:
            raise InputError(f"{path} must be a table of sightings. Got contents that do not fit together.") from error
        loaded._adds = int(columns["adds"][0])
        loaded._places = {name: place for place, name in enumerate(names)}
        loaded._table, loaded._examples = table, examples
        return loaded

    def _take(self, part: Sightings) -> None:
        """Join a table of no more adds into this one."""
        table = part.folded()
        places = [self._places.setdefault(name, len(self._places)) for name in part._places]
        outlet, later = np.array(places, np.int32)[table.outlet], self._adds - part._adds
        self._table = _join(self._table, replace(table, outlet=outlet, seen=table.seen + later))
        for key, example in part._examples.items():
            self._examples[key] = min(self._examples.get(key, example), example)

    def folded(self) -> Table:
        """Return the table with everything that was added in it."""
        if self._pending:
            rows = _Rows(*map(np.concatenate, zip(*self._pending, strict=True)))
            self._pending, self._waiting = [], 0
            self._table = _join(self._table, _group(rows))
            self._keep_limit()
        return self._table

    def _keep_limit(self) -> None:
        """Forget keys, names and examples when the table is over its limit."""
        if len(self._table.story) <= self.limit:
            return
        table = _forget(self._table, self.limit * 3 // 4)
        used = np.bincount(table.outlet, minlength=len(self._places)) > 0
        names = [name for name, place in self._places.items() if used[place]]
        self._places = {name: place for place, name in enumerate(names)}
        self._table = replace(table, outlet=(np.cumsum(used, dtype=np.int32) - 1)[table.outlet])
        keys = np.array(list(self._examples), np.uint64)
        kept = keys[_find(table.key, keys)[1]]
        self._examples = {key: self._examples[key] for key in kept.tolist()}

    def _look_up(self, values: NDArray[_Number], outlet: str, fingerprints: NDArray[np.uint64]) -> NDArray[_Number]:
        _check_column("fingerprints", fingerprints, np.uint64)
        at, known = _find(self._table.key, _keys(outlet, fingerprints))
        found = np.zeros(len(fingerprints), values.dtype)
        found[known] = values[at[known]]
        return found


def _check_type(other: object) -> None:
    if not isinstance(other, Sightings):
        raise InvalidArgumentError(f"other must be a Sightings. Got {other!r:.80}.")


def _check_column(name: str, column: object, dtype: type[np.generic], rows: int | None = None) -> None:
    allowed = f"an array of {np.dtype(dtype)}, shape ({'n' if rows is None else rows},)"
    if not isinstance(column, np.ndarray):
        raise InvalidArgumentError(f"{name} must be {allowed}. Got {column!r:.80}.")
    if column.dtype != dtype or column.ndim != 1 or rows not in {None, len(column)}:
        raise InvalidArgumentError(f"{name} must be {allowed}. Got {column.dtype}, shape {column.shape}.")


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the finaliser of SplitMix64 of each value, as in format.md."""
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)


def _encode(text: str) -> bytes:
    # A lone surrogate is a character of a str like another.
    return text.encode("utf-8", "surrogatepass")


def _hash(name: str) -> int:
    return xxhash.xxh3_64_intdigest(_encode(name))


def _keys(outlet: str, fingerprints: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the keys of blocks of one outlet, different for different blocks."""
    return mix(fingerprints ^ np.uint64(_hash(_validate.text("outlet", outlet))))


def _starts(sizes: NDArray[Any]) -> NDArray[np.int64]:
    """Return where each run begins and, at the end, where the last one ends: int64 [n + 1]."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def _differs(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a value is not the one before it; the first one always differs."""
    different = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=different[1:])
    return different


def _find(sorted_: NDArray[np.uint64], values: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where each value stands, or would stand, and whether it is there."""
    at = np.searchsorted(sorted_, values)
    known = at < len(sorted_)
    known[known] = sorted_[at[known]] == values[known]
    return at, known


def _group(rows: _Rows) -> Table:
    """Return the table of some rows, at least one."""
    order = _sort(rows.key, rows.story)
    key, story = rows.key[order], rows.story[order]
    is_first = _differs(key)
    first = np.flatnonzero(is_first)
    different = is_first | _differs(story)
    kept = np.flatnonzero(different)
    member = order[first]
    return _cap(
        Table(
            key=key[first],
            fingerprint=rows.fingerprint[member],
            outlet=rows.outlet[member],
            seen=np.maximum.reduceat(rows.seen[order], first),
            start=_starts(different)[np.append(first, len(key))],
            story=story[kept],
            strong=np.logical_or.reduceat(rows.strong[order], kept),
        )
    )


def _sort(key: NDArray[np.uint64], story: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the order by key, then story: what `np.lexsort` does, sooner where most keys have one row."""
    order = np.argsort(key)
    shared = ~_differs(key[order])
    shared[:-1] |= shared[1:]
    tied = np.flatnonzero(shared)
    rows = order[tied]
    order[tied] = rows[np.lexsort((story[rows], key[rows]))]
    return order


def _cap(table: Table) -> Table:
    """Return the table with the `KEPT` smallest story hashes of each key."""
    if not (table.count > KEPT).any():
        return table
    kept = np.arange(len(table.story)) - np.repeat(table.start[:-1], table.count) < KEPT
    start = _starts(np.minimum(table.count, KEPT))
    return replace(table, start=start, story=table.story[kept], strong=table.strong[kept])


def _join(table: Table, other: Table) -> Table:
    """Return the table of the rows of both; their places of outlets mean the same names."""
    if not len(table.key):
        return other
    at, known = _find(table.key, other.key)
    # Where the rows of each key of `other` stand in `table`; nowhere for a key that is new.
    owner = np.repeat(np.arange(len(other.key)), other.count)
    place, high = table.start[at][owner], table.start[at + known][owner]
    place = _lower_bound(table.story, other.story, place, high)
    there = place < high
    there[there] = table.story[place[there]] == other.story[there]
    strong, seen, count = table.strong.copy(), table.seen.copy(), table.count.copy()
    strong[place[there]] |= other.strong[there]
    seen[at[known]] = np.maximum(seen[at[known]], other.seen[known])
    added = np.bincount(owner[~there], minlength=len(other.key))
    count[at[known]] += added[known]
    fresh, new = np.flatnonzero(~known), np.flatnonzero(~there)
    keys, rows = _places_after(at[fresh], len(table.key)), _places_after(place[new], len(table.story))
    return _cap(
        Table(
            key=_interleave(keys, table.key, other.key[fresh]),
            fingerprint=_interleave(keys, table.fingerprint, other.fingerprint[fresh]),
            outlet=_interleave(keys, table.outlet, other.outlet[fresh]),
            seen=_interleave(keys, seen, other.seen[fresh]),
            start=_starts(_interleave(keys, count, added[fresh])),
            story=_interleave(rows, table.story, other.story[new]),
            strong=_interleave(rows, strong, other.strong[new]),
        )
    )


def _places_after(before: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where `size` values go, and where those go that are inserted before them, when both are in order."""
    inserted = before + np.arange(len(before))
    old = np.ones(size + len(before), np.bool_)
    old[inserted] = False
    return np.flatnonzero(old), inserted


def _interleave(
    places: tuple[NDArray[np.int64], NDArray[np.int64]], values: NDArray[Any], inserted: NDArray[Any]
) -> NDArray[Any]:
    """Return the values of both at their places; as `np.insert`, with the places found once for many arrays."""
    result = np.empty(len(values) + len(inserted), values.dtype)
    result[places[0]], result[places[1]] = values, inserted
    return result


def _lower_bound(
    sorted_: NDArray[np.uint64], values: NDArray[np.uint64], low: NDArray[np.int64], high: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the first place in [low, high) of each value that holds no less; `high` when all hold less."""
    low, high = low.copy(), high.copy()
    while len(open_ := np.flatnonzero(low < high)):
        middle = (low[open_] + high[open_]) // 2
        less = sorted_[middle] < values[open_]
        low[open_[less]] = middle[less] + 1
        high[open_[~less]] = middle[~less]
    return low


def _forget(table: Table, most: int) -> Table:
    """Return at most `most` rows: without the keys of the fewest stories and, among them, those seen longest ago.

    Among keys that are alike in both, those that come first go first, and no more of them than must.
    """
    worth = table.count << 32 | table.seen
    ascending = np.sort(worth)
    forgotten = np.cumsum(ascending >> 32)
    last = int(np.searchsorted(forgotten, len(table.story) - most))
    lost = worth < ascending[last]
    alike = np.flatnonzero(worth == ascending[last])
    lost[alike[: last + 1 - np.count_nonzero(lost)]] = True
    kept, rows = ~lost, np.repeat(~lost, table.count)
    return Table(
        key=table.key[kept],
        fingerprint=table.fingerprint[kept],
        outlet=table.outlet[kept],
        seen=table.seen[kept],
        start=_starts(table.count[kept]),
        story=table.story[rows],
        strong=table.strong[rows],
    )


def _pack(texts: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return texts as UTF-8 in a row, and the bytes of each: an array of str would lose NUL at the end."""
    parts = [_encode(text) for text in texts]
    return np.frombuffer(b"".join(parts), np.uint8), np.array([len(part) for part in parts], np.int64)


def _unpack(content: NDArray[np.uint8], size: NDArray[np.int64]) -> list[str]:
    raw, start = content.tobytes(), _starts(size).tolist()
    return [raw[low:high].decode("utf-8", "surrogatepass") for low, high in pairwise(start)]


def _read(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Return the columns of a file; they may be of any content.

    Raises:
        InputError: The file cannot be read, is of another kind, or of another format.
    """
    try:
        # Opened here, because NumPy leaves a file open that is cut off.
        with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            version = int(file["format"][0])
            columns = {name: file[name] for name in _COLUMNS} if version == FORMAT else {}
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}.") from error
    # What NumPy and zipfile raise for other bytes than theirs is no closed list.
    except Exception as error:
        raise InputError(f"{path} must be a table of sightings, whole. Got {error}.") from error
    if version != FORMAT:
        raise InputError(f"{path} must be of format {FORMAT}. Got {version}.")
    return columns


def _unpack_table(columns: dict[str, NDArray[Any]]) -> tuple[Table, list[str], dict[int, str]]:
    """Return the table, the names of outlets and the examples by key.

    Raises:
        Exception: Of any kind, when the columns do not fit together.
    """
    for name, dtype in _COLUMNS.items():
        _check_column(name, columns[name], dtype)
    fingerprint, outlet, count, story = (columns[name] for name in ("fingerprint", "outlet", "count", "story"))
    names = _unpack(columns["name"], columns["name_size"])
    hashes = np.array([_hash(name) for name in names], np.uint64)
    key, start, example_of = mix(fingerprint ^ hashes[outlet]), _starts(count), columns["example_of"]
    examples = _unpack(columns["example"], columns["example_size"])
    table = Table(key, fingerprint, outlet, columns["seen"], start, story, columns["strong"])
    rises = story[1:] > story[:-1]
    rises[start[1:-1] - 1] = True
    fits = (
        len(table.seen) == len(key) == len(count),
        len(story) == len(table.strong) == start[-1],
        len(set(names)) == len(names),
        ((count >= 1) & (count <= KEPT)).all(),
        ((table.seen >= 1) & (table.seen <= columns["adds"][0])).all(),
        (outlet >= 0).all(),
        (key[1:] > key[:-1]).all(),
        rises.all(),
        columns["name_size"].sum() == len(columns["name"]),
        columns["example_size"].sum() == len(columns["example"]),
        0 <= columns["adds"][0] <= _LATEST,
        (example_of >= 0).all(),
        (example_of[1:] > example_of[:-1]).all(),
    )
    if not all(fits):
        raise InputError("columns must fit together.")
    return table, names, dict(zip(key[example_of].tolist(), examples, strict=True))
