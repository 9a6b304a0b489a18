"""Which texts have a key: an inverted index of 64-bit hashes inside SQLite, as a log-structured merge tree.

A posting is one uint64, here called an entry: the top 40 bits of the key above the number of the text. The newest texts
lie in the table `recent` as they came; from there they go into sorted runs that never change, cut into pages that fill
an SQLite page each. Runs of like size are merged, a little with each call that adds, so that a key is looked up in few
of them; a Bloom filter per run tells most of the keys that it does not have. Small runs get larger filters (Dayan,
Athanassoulis and Idreos 2017), each key's bits lie in two words (Putze, Sanders and Singler 2007), and the words ascend
with the keys, so that a filter is made in parts while its run is written.

Everything happens inside the transactions of the caller. Runs and states have random names, so that what is held in
memory is never taken for something else after a rollback.
"""

from __future__ import annotations

import itertools
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dedup.errors import IndexFileError, InvalidArgumentError
from dedup.kernels import native

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SCHEMA = """
CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    generation INTEGER NOT NULL, -- a random name of what the file holds
    epoch INTEGER NOT NULL,      -- the same of the runs that are looked at
    owed INTEGER NOT NULL,       -- entries to merge, for those that were added
    removals INTEGER NOT NULL    -- calls so far
);
INSERT INTO state VALUES (0, 0, 0, 0, 0);
CREATE TABLE recent (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    texts INTEGER NOT NULL,
    entries BLOB NOT NULL
);
CREATE TABLE runs (
    name INTEGER PRIMARY KEY,
    base INTEGER NOT NULL,     -- the first of the numbers it covers
    last INTEGER NOT NULL,
    texts INTEGER NOT NULL,
    places INTEGER NOT NULL,   -- of the filter: pairs of words
    steps INTEGER NOT NULL,    -- in which it is written
    removals INTEGER NOT NULL, -- when it was begun
    state INTEGER NOT NULL,    -- 0 being written, 1 live, 2 gone
    entries INTEGER NOT NULL   -- at most, while it is being written
);
CREATE TABLE parts (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    step INTEGER NOT NULL,
    first INTEGER NOT NULL,    -- page
    pages INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    directory BLOB NOT NULL,   -- the first entry of each page
    filter BLOB NOT NULL
);
CREATE UNIQUE INDEX parts_of_run ON parts (run, step);
CREATE TABLE pages (id INTEGER PRIMARY KEY, entries BLOB NOT NULL);
CREATE TABLE dead (number INTEGER PRIMARY KEY, removal INTEGER NOT NULL);
CREATE INDEX dead_by_removal ON dead (removal);
"""

#: Texts that wait in `recent` before they become a run.
_RECENT_TEXTS = 8192
#: How many runs of like size are merged into one.
_FAN_IN = 4
#: Entries of a page: the largest record that one leaf of 8,192 bytes holds.
_PAGE = 1018
#: Entries that one step of a merge writes.
_STEP = 1 << 16
#: Steps that are done together, when so many are owed.
_PACE = 4
#: Entries to merge for each that is added and each merge before it. With 1, merges would just keep up.
_RATE = 2
#: Bits of the filter for each entry of a run of the smallest size, of the next and so on.
_FILTER_BITS = (18, 14, 11, 10)
#: Lists that are searched at a time.
_READ = 128

_NUMBER_BITS = np.uint64(24)
_LOW = np.uint64((1 << 24) - 1)
_HIGH = ~_LOW
_SPAN = (1 << 24) - 1  # numbers that a run may cover, so that no entry has all bits
_FILLER = np.uint64(2**64 - 1)
_HALF = np.uint64(32)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_LAST_NUMBER = 1 << 40
_MOST_KEYS = 1 << 23
_PLACE_BITS = 40  # above them the place of a key, below them a number
_NOBODY = np.iinfo(np.int64).max
_WRITING, _LIVE, _GONE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class PostingStats:
    """What an index holds.

    Args:
        entries: Pairs of a key and a text in live runs, those of removed texts that are still there included.
        runs: How many runs a key is looked up in.
        recent: Entries that are in no run yet.
        dead: Removed texts that may still have entries.
        bytes: Of the pages and filters of live runs.
        unfinished: Bytes of the same in runs that are being written, or wait to be deleted.
    """

    entries: int
    runs: int
    recent: int
    dead: int
    bytes: int
    unfinished: int


class _Run(NamedTuple):
    """A row of the table of runs."""

    name: int
    base: int
    last: int
    texts: int
    places: int
    steps: int
    removals: int
    state: int
    entries: int

    def bounds(self, step: int) -> tuple[int, int]:
        """Return the places of the filter that a step writes."""
        return self.places * step // self.steps, self.places * (step + 1) // self.steps

    def limits(self, step: int) -> tuple[np.uint64, np.uint64]:
        """Return the least and the largest entry that a step may write."""
        low, high = (-(-(place << 32) // self.places) << 32 for place in self.bounds(step))
        return np.uint64(low), np.uint64(min(high - 1, 2**64 - 2))


class _Index(NamedTuple):
    """What is held in memory of a run: its filter, the least entry that each page may have, and the row of each."""

    filter: NDArray[np.uint64]
    directory: NDArray[np.uint64]
    rows: NDArray[np.int64]


class _Held(NamedTuple):
    """The same of all live runs, their pages counted through: where each ends, and the least and largest number."""

    runs: native.Runs
    directory: NDArray[np.uint64]
    rows: NDArray[np.int64]
    ends: NDArray[np.int64]
    bases: NDArray[np.int64]
    lasts: NDArray[np.int64]


class Postings:
    """Which texts have a key, in the tables of `SCHEMA`.

    Only the top 40 bits of a key count: among a million texts one lookup in ten thousand finds a text that has not the
    key but one like it. One connection writes at a time; any number may read, and `find` and `refresh` write nothing.

    Args:
        connection: To a database that has the tables. Nothing is read before the first call, and nothing is ever
            begun, committed or rolled back.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._cursor = connection.cursor()
        self._cursor.row_factory = None
        self._generation = self._epoch = -1
        # From a random one on: no other connection gives these names, and this one none of them twice.
        self._names = itertools.count(secrets.randbits(62))
        self._wrote = False
        self._owed = self._removals = 0
        self._runs: list[_Run] = []
        self._writing: list[_Run] = []
        self._gone: list[int] = []
        self._indexes: dict[int, _Index] = {}
        self._held: _Held | None = None
        self._dead = np.array([_NOBODY])
        self._recent = np.empty(0, np.uint64)
        self._sections = [0]
        self._recent_first = self._recent_texts = 0
        self._last = -1

    def add(self, numbers: Sequence[int], keys: Sequence[NDArray[np.uint64]]) -> None:
        """Note the keys of new texts; none does nothing.

        Args:
            numbers: One for each text, ascending, below 2**40, larger than every number that was ever added.
            keys: uint64, the keys of each text; a text may have none.

        Raises:
            InvalidArgumentError: The numbers do not ascend, or there are not as many of one as of the other.
        """
        if len(numbers) != len(keys):
            raise InvalidArgumentError(f"keys must be one array for each number. Got {len(keys)} for {len(numbers)}.")
        if not len(numbers):
            return
        self._load()
        texts = np.asarray(numbers, np.int64)
        if int(texts[0]) <= self._last or int(texts[-1]) >= _LAST_NUMBER or (texts[1:] <= texts[:-1]).any():
            raise InvalidArgumentError(f"numbers must ascend from above {self._last} to below 2**40. Got {texts}.")
        self._change(sum(map(len, keys)))
        begin = 0
        while begin < len(texts):
            first = self._recent_first if self._recent_texts else int(texts[begin])
            end = min(begin + _RECENT_TEXTS - self._recent_texts, int(texts.searchsorted(first + _SPAN)))
            if end > begin:
                self._add(texts[begin:end], keys[begin:end], first)
            if end < len(texts) or self._recent_texts >= _RECENT_TEXTS:
                self._flush()
            begin = end
        self._settle()

    def find(
        self, keys: NDArray[np.uint64], most: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Return which texts have some keys: the place of the key and the number of the text, ascending.

        Args:
            keys: uint64 [n], in any order; one that comes twice is answered twice.
            most: At least 0. Of a key with more texts only so many are returned, those of smallest number.

        Returns:
            int64 places and int64 numbers of equal length, by place and then by number, without texts that were
            removed; and bool [n], the keys that have more than `most` texts.

        Raises:
            InvalidArgumentError: `most` is negative, or there are 2**23 keys or more.
            IndexFileError: A page is missing.
        """
        if most < 0:
            raise InvalidArgumentError(f"most must be at least 0. Got {most}.")
        if len(keys) >= _MOST_KEYS:
            raise InvalidArgumentError(f"keys must be fewer than 2**23. Got {len(keys)}.")
        self._load()
        tops = keys >> _NUMBER_BITS
        wanted = _unique(tops)
        found = self._in_runs(wanted, most, self._in_recent(wanted))
        if not len(found):
            return found, found, np.zeros(len(keys), np.bool_)
        order = tops.argsort()
        place = np.empty(len(keys), np.int64)
        place[order] = _new(tops[order]).cumsum() - 1
        counts = np.bincount(found >> _PLACE_BITS, minlength=len(wanted))
        starts = counts.cumsum() - counts
        taken = np.minimum(counts, most)[place]
        return (
            np.arange(len(keys)).repeat(taken),
            found[_ramps(starts[place], taken)] & (_LAST_NUMBER - 1),
            counts[place] > most,
        )

    def remove(self, numbers: Sequence[int]) -> None:
        """Forget texts: `find` no longer returns them, and their entries vanish with the next merge.

        Numbers that are not there, or no longer, are passed over.
        """
        self._load()
        gone = np.unique(np.asarray(numbers, np.int64))
        gone = gone[self._living(gone) & self._covered(gone)]
        if not len(gone):
            return
        self._removals += 1
        texts = max(1, sum(run.texts for run in self._runs))
        self._change(len(gone) * sum(run.entries for run in self._runs) // texts)
        self._cursor.executemany("INSERT INTO dead VALUES (?, ?)", ((n, self._removals) for n in gone.tolist()))
        self._dead = np.insert(self._dead, np.searchsorted(self._dead, gone), gone)
        self._settle()

    def refresh(self) -> None:
        """Take note of what other connections committed, or of what was rolled back.

        To be called at the start of each transaction, and after a rollback. It costs one SELECT when nothing changed.
        """
        seen = self._removals
        generation, epoch, self._owed, self._removals = self._one("SELECT generation, epoch, owed, removals FROM state")
        if generation == self._generation:
            return
        # What this connection wrote may have been rolled back, so that only what it read is sure to be still there.
        if self._wrote or epoch != self._epoch:
            self._reload()
        else:
            self._read_recent()
            self._read_dead(seen)
        self._generation, self._epoch, self._wrote = generation, epoch, False

    def compact(self) -> None:
        """Merge everything into one run without removed texts, and delete what is no longer needed.

        Above 2**24 numbers there is more than one run.
        """
        self._load()
        self._change(0)
        self._flush()
        for run in self._writing:
            self._set_state(run, _GONE)
        self._writing = []
        inputs: list[_Run] = []
        for run in self._runs:
            if inputs and run.last - inputs[0].base >= _SPAN:
                self._start(inputs)
                inputs = []
            inputs.append(run)
        if inputs:
            self._start(inputs)
        while self._gone or self._writing:
            self._work()

    def stats(self) -> PostingStats:
        """Return the counts."""
        self._load()
        sizes = dict(
            self._all(
                f"SELECT state = {_LIVE}, sum(pages) * {_PAGE * 8} + sum(length(directory) + length(filter)) "
                "FROM parts JOIN runs ON run = name GROUP BY 1"
            )
        )
        entries = sum(run.entries for run in self._runs)
        return PostingStats(
            entries, len(self._runs), self._sections[-1], len(self._dead) - 1, sizes.get(1, 0), sizes.get(0, 0)
        )

    def verify(self) -> list[str]:
        """Return what is broken, a sentence for each; [] when all is well. Every page is read."""
        self._load()
        wrong = []
        last = -1
        for run in self._runs:
            if run.base <= last or run.last < run.base or run.last - run.base >= _SPAN:
                wrong.append(f"Run {run.name} covers {run.base} to {run.last}, after {last}.")
            last = run.last
        for run in (*self._runs, *self._writing):
            wrong += [f"Run {run.name}: {fault}" for fault in self._faults(run)]
        for first, end, entries in self._all("SELECT first, last, entries FROM recent ORDER BY first"):
            if first <= last or end < first:
                wrong.append(f"Recent texts cover {first} to {end}, after {last}.")
            last = end
            own = np.frombuffer(entries, "<u8")
            if (own[1:] <= own[:-1]).any() or (own & _LOW > end - first).any():
                wrong.append(f"Recent texts {first} to {end} have entries out of order or of other texts.")
        (stray,) = self._one("SELECT (SELECT count(*) FROM pages) - (SELECT coalesce(sum(pages), 0) FROM parts)")
        if stray:
            wrong.append(f"There are {stray} more pages than the parts of runs have.")
        (stray,) = self._one("SELECT count(*) FROM parts WHERE run NOT IN (SELECT name FROM runs)")
        if stray:
            wrong.append(f"There are {stray} parts of no run.")
        stray = int(np.count_nonzero(~self._covered(self._dead[:-1])))
        if stray:
            wrong.append(f"There are {stray} removed texts of no run.")
        return wrong

    def _faults(self, run: _Run) -> Iterator[str]:
        """Yield what is broken in the parts of a run."""
        parts = self._all(
            "SELECT step, first, pages, entries, directory, filter FROM parts WHERE run = ? ORDER BY step", run.name
        )
        if [part[0] for part in parts] != list(range(len(parts))) or (run.state == _LIVE) != (len(parts) == run.steps):
            yield f"it has {len(parts)} parts of {run.steps}, or not the first of them."
            return
        if run.state == _LIVE and sum(part[3] for part in parts) != run.entries:
            yield f"its parts do not have {run.entries} entries."
        for step, first, pages, count, directory, held in parts:
            try:
                entries = self._pages(np.arange(first, first + pages))
            except IndexFileError as error:
                yield f"{error}"
                continue
            low, high = run.limits(step)
            own, rest = entries[:count], entries[count:]
            if (own[1:] <= own[:-1]).any() or (own < low).any() or (own > high).any():
                yield f"the entries of step {step} are out of order or of another step."
            elif len(rest) >= _PAGE or (rest != _FILLER).any():
                yield f"step {step} has not {count} entries."
            elif (own & _LOW > run.last - run.base).any():
                yield f"step {step} has entries of texts that it does not cover."
            elif entries[::_PAGE].tobytes() != directory:
                yield f"the directory of step {step} does not have the first entries of its pages."
            elif _filter(run, step, own) != held:
                yield f"the filter of step {step} is not that of its entries."

    # What is held in memory.

    def _one(self, query: str, *arguments: object) -> Any:  # noqa: ANN401 - a row is whatever was asked for
        return self._cursor.execute(query, arguments).fetchone()

    def _all(self, query: str, *arguments: object) -> list[Any]:
        return self._cursor.execute(query, arguments).fetchall()

    def _load(self) -> None:
        if self._generation == -1:
            self.refresh()

    def _reload(self) -> None:
        runs = [_Run(*row) for row in self._all("SELECT * FROM runs ORDER BY base, last")]
        self._runs = [run for run in runs if run.state == _LIVE]
        self._writing = [run for run in runs if run.state == _WRITING]
        self._gone = [run.name for run in runs if run.state == _GONE]
        self._forget()
        self._last = max((run.last for run in self._runs), default=-1)
        self._sections, self._recent_texts, self._dead = [0], 0, np.array([_NOBODY])
        self._read_recent()
        self._read_dead(-1)

    def _forget(self) -> None:
        """Let go of what is held of runs that are no longer there."""
        self._held = None
        for name in self._indexes.keys() - {run.name for run in self._runs}:
            del self._indexes[name]

    def _read_recent(self) -> None:
        rows = self._all("SELECT first, last, texts, entries FROM recent WHERE first > ? ORDER BY first", self._last)
        if not rows:
            return
        if not self._recent_texts:
            self._recent_first = rows[0][0]
        parts = [np.frombuffer(entries, "<u8") + np.uint64(first - self._recent_first) for first, _, _, entries in rows]
        self._recent_texts += sum(texts for _, _, texts, _ in rows)
        self._last = rows[-1][1]
        self._push(np.sort(np.concatenate(parts), kind="stable"))

    def _read_dead(self, seen: int) -> None:
        rows = self._all("SELECT number FROM dead WHERE removal > ?", seen)
        self._dead = np.sort(np.concatenate([self._dead, np.array(rows, np.int64).ravel()]))

    def _push(self, entries: NDArray[np.uint64]) -> None:
        """Add sorted entries to the recent ones: few sections, each a good deal longer than the next."""
        begin = self._sections[-1]
        end = begin + len(entries)
        if end > len(self._recent):
            self._recent = np.concatenate([self._recent[:begin], np.empty(end, np.uint64)])
        self._recent[begin:end] = entries
        while len(self._sections) > 1 and begin - self._sections[-2] <= 2 * (end - begin):
            self._sections.pop()
            begin = self._sections[-1]
        self._sections.append(end)
        if end - begin > len(entries):
            self._recent[begin:end].sort(kind="stable")

    def _index(self, run: _Run) -> _Index:
        if run.name not in self._indexes:
            rows = self._all("SELECT first, pages, directory FROM parts WHERE run = ? ORDER BY step", run.name)
            words, at = np.empty((run.places, 2), np.uint64), 0
            # One part at a time, so that a large filter is not held twice.
            for (blob,) in self._cursor.execute("SELECT filter FROM parts WHERE run = ? ORDER BY step", (run.name,)):
                part = np.frombuffer(blob, "<u8").reshape(2, -1)
                words[at : at + part.shape[1]] = part.T
                at += part.shape[1]
            directory = np.frombuffer(bytearray().join(part for _, _, part in rows), "<u8")
            pages = np.concatenate([np.arange(first, first + count) for first, count, _ in rows])
            if at != run.places or len(directory) != len(pages):
                raise IndexFileError(f"parts must be what was written. Got other parts of run {run.name}.")
            directory[0] = 0
            self._indexes[run.name] = _Index(words, directory, pages)
        return self._indexes[run.name]

    def _all_runs(self) -> _Held:
        if self._held is None:
            held = [self._index(run) for run in self._runs]
            self._held = _Held(
                native.Runs.of([index.filter for index in held], [index.directory for index in held], _PAIRS),
                np.concatenate([index.directory for index in held]),
                np.concatenate([index.rows for index in held]),
                np.cumsum([len(index.rows) for index in held]),
                np.array([run.base for run in self._runs]),
                np.array([run.last for run in self._runs]),
            )
        return self._held

    def _living(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        living: NDArray[np.bool_] = self._dead[self._dead.searchsorted(numbers)] != numbers
        return living

    def _covered(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which numbers are of a run or recent."""
        ranges = [(run.base, run.last) for run in self._runs]
        if self._recent_texts:
            ranges.append((self._recent_first, self._last))
        covered = np.zeros(len(numbers), np.bool_)
        for base, last in ranges:
            covered |= (numbers >= base) & (numbers <= last)
        return covered

    def _dead_in(self, base: int, last: int) -> NDArray[np.int64]:
        low, high = np.searchsorted(self._dead, [base, last + 1])
        return self._dead[low:high]

    # Finding.

    def _in_recent(self, wanted: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return what the recent texts have of some keys of 40 bits, sorted: place and number in one int64."""
        if len(self._sections) == 1:
            return np.empty(0, np.int64)
        starts, stops = self._sections[:-1], self._sections[1:]
        same = [[value] * len(starts) for value in (0, len(wanted), self._recent_first)]
        found, _ = native.search_lists(self._recent, np.array([*same[:2], starts, stops, same[2]]), wanted)
        return np.sort(self._alive(found)) if len(found) else found

    def _in_runs(self, wanted: NDArray[np.uint64], most: int, found: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what was found already and the same of the runs: at least the first `most` + 1 texts of each key."""
        if not self._runs:
            return found
        lists = native.probe_filters(wanted, self._all_runs().runs)
        while lists.shape[1]:
            parts, rest = [found], []
            for begin in range(0, lists.shape[1], _READ):
                part = lists[:, begin : begin + _READ]
                new, goes_on = self._read(part, wanted)
                if len(new):
                    parts.append(_least(self._alive(new), most))
                if goes_on.any():
                    rest.append(part[:, goes_on])
            if len(parts) > 1:
                found = _least(np.concatenate(parts), most)
            lists = self._rest(np.concatenate(rest, axis=1), wanted, found, most) if rest else lists[:, :0]
        return found

    def _read(
        self, lists: NDArray[np.int64], wanted: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return what the page of each list has, and which lists may go on in the next."""
        held = self._all_runs()
        which, run, page = lists
        start = np.arange(0, len(which) * _PAGE, _PAGE)
        searched = np.array([which, which + 1, start, start + _PAGE, held.bases.take(run)])
        return native.search_lists(self._pages(held.rows.take(page)), searched, wanted)

    def _rest(
        self, lists: NDArray[np.int64], wanted: NDArray[np.uint64], found: NDArray[np.int64], most: int
    ) -> NDArray[np.int64]:
        """Return those lists that have a next page and do not have enough texts yet, of this run or before."""
        held = self._all_runs()
        lists[2] += 1
        lists = lists[:, lists[2] < held.ends.take(lists[1])]
        which, run, page = lists
        start = which << _PLACE_BITS
        few = found.searchsorted(start + held.lasts.take(run) + 1) - found.searchsorted(start) <= most
        return lists[:, few & (held.directory.take(page) <= wanted.take(which) << _NUMBER_BITS | _LOW)]

    def _alive(self, found: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what was found without removed texts."""
        return found[self._living(found & (_LAST_NUMBER - 1))] if len(self._dead) > 1 else found

    def _pages(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the entries of some pages, one after the other."""
        numbers = rows.tolist()
        query = "SELECT value, entries FROM json_each(?) CROSS JOIN pages ON pages.id = value"
        different = list(dict.fromkeys(numbers))
        blobs = dict(self._all(query, json.dumps(different)))
        joined = b"".join([blobs.get(number, b"") for number in numbers])
        if len(joined) != len(rows) * _PAGE * 8:
            raise IndexFileError(f"pages must be what was written. Got {len(blobs)} of {len(different)}.")
        return np.frombuffer(joined, "<u8")

    # Writing.

    def _change(self, entries: int) -> None:
        """Give the file a new name before so many entries are added or removed."""
        self._wrote = True
        self._generation = next(self._names)
        self._owed += entries * _RATE * (1 + _level(max((run.texts for run in self._runs), default=0)))
        self._cursor.execute(
            "UPDATE state SET generation = ?, owed = ?, removals = ?", (self._generation, self._owed, self._removals)
        )

    def _change_runs(self) -> None:
        self._held = None
        self._epoch = next(self._names)
        self._cursor.execute("UPDATE state SET epoch = ?", (self._epoch,))

    def _add(self, numbers: NDArray[np.int64], keys: Sequence[NDArray[np.uint64]], first: int) -> None:
        """Add texts to the recent ones, of which `first` is the first."""
        own = (numbers - first).astype(np.uint64).repeat(list(map(len, keys)))
        # Two keys of a text may have equal top bits.
        entries = _unique(np.concatenate(keys) & _HIGH | own)
        self._recent_first = first
        self._recent_texts += len(numbers)
        self._last = int(numbers[-1])
        self._push(entries)
        if self._recent_texts < _RECENT_TEXTS:
            start = int(numbers[0])
            row = (start, self._last, len(numbers), (entries - np.uint64(start - first)).astype("<u8", copy=False))
            self._cursor.execute("INSERT INTO recent VALUES (?, ?, ?, ?)", row)

    def _flush(self) -> None:
        """Write the recent texts as a run."""
        if not self._recent_texts:
            return
        first, texts = self._recent_first, self._recent_texts
        entries = np.sort(self._recent[: self._sections[-1]], kind="stable")
        entries = self._without_dead(entries, first, self._last)
        texts -= self._bury(first, self._last, self._removals)
        self._cursor.execute("DELETE FROM recent")
        self._recent, self._sections, self._recent_texts = np.empty(0, np.uint64), [0], 0
        if len(entries):
            run = self._new_run(first, self._last, texts, len(entries), _LIVE)
            for step in range(run.steps):
                low, high = run.limits(step)
                part = slice(entries.searchsorted(low), np.searchsorted(entries, high, "right"))
                self._write_part(run, step, entries[part])
            self._runs.append(run)
        self._change_runs()

    def _new_run(self, base: int, last: int, texts: int, entries: int, state: int) -> _Run:
        bits = _FILTER_BITS[min(_level(texts), len(_FILTER_BITS) - 1)]
        steps = -(-entries // _STEP)
        places = max(steps, entries * bits // 128)
        run = _Run(next(self._names), base, last, texts, places, steps, self._removals, state, entries)
        self._cursor.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", run)
        return run

    def _write_part(self, run: _Run, step: int, entries: NDArray[np.uint64]) -> None:
        pages = -(-len(entries) // _PAGE)
        (first,) = self._one("SELECT coalesce(max(id), 0) + 1 FROM pages")
        padded = np.full(pages * _PAGE, _FILLER, "<u8")
        padded[: len(entries)] = entries
        rows = zip(range(first, first + pages), padded.reshape(-1, _PAGE), strict=True)
        self._cursor.executemany("INSERT INTO pages VALUES (?, ?)", rows)
        part = (run.name, step, first, pages, len(entries), padded[::_PAGE].tobytes(), _filter(run, step, entries))
        self._cursor.execute(
            "INSERT INTO parts (run, step, first, pages, entries, directory, filter) VALUES (?, ?, ?, ?, ?, ?, ?)", part
        )

    def _without_dead(self, entries: NDArray[np.uint64], base: int, last: int) -> NDArray[np.uint64]:
        dead = self._dead_in(base, last)
        if not len(dead):
            return entries
        living = np.ones(last - base + 1, np.bool_)
        living[dead - base] = False
        left: NDArray[np.uint64] = entries[living[entries & _LOW]]
        return left

    def _bury(self, base: int, last: int, removals: int) -> int:
        """Forget removed texts that no run has any longer: those of a range, up to a removal."""
        query = "FROM dead WHERE number BETWEEN ? AND ? AND removal <= ?"
        dead = np.array(self._all(f"SELECT number {query}", base, last, removals), np.int64).ravel()
        if len(dead):
            self._cursor.execute(f"DELETE {query}", (base, last, removals))
            self._dead = np.delete(self._dead, np.searchsorted(self._dead, dead))
        return len(dead)

    # Merging.

    def _settle(self) -> None:
        """Do the merging that is owed, when enough has come together."""
        if self._owed < _PACE * _STEP:
            return
        self._plan()
        while self._owed > 0 and (self._gone or self._writing):
            self._owed -= self._work()
            self._plan()
        self._owed = min(self._owed, 0)
        self._cursor.execute("UPDATE state SET owed = ?", (self._owed,))

    def _plan(self) -> None:
        """Begin the merges that are due."""
        free = [not any(new.base <= run.base <= new.last for new in self._writing) for run in self._runs]
        # A run that shrank between larger ones counts as one of them: levels never ascend.
        levels = list(itertools.accumulate((_level(run.texts) for run in reversed(self._runs)), max))[::-1]
        at = 0
        while at < len(self._runs):
            run, group = self._runs[at], self._runs[at : at + _FAN_IN]
            if (
                len(group) == _FAN_IN
                and all(free[at : at + _FAN_IN])
                and levels[at] == levels[at + _FAN_IN - 1]
                and group[-1].last - run.base < _SPAN
            ):
                self._start(group)
                at += _FAN_IN
                continue
            if free[at] and 2 * len(self._dead_in(run.base, run.last)) > run.texts:
                self._start([run])
            at += 1

    def _start(self, inputs: list[_Run]) -> None:
        entries = sum(run.entries for run in inputs)
        texts = sum(run.texts for run in inputs)
        self._writing.append(self._new_run(inputs[0].base, inputs[-1].last, texts, entries, _WRITING))

    def _work(self) -> int:
        """Do a bit of what waits, first what is short; return how many entries it was worth."""
        return self._clear() if self._gone else self._merge(min(self._writing, key=lambda run: run.steps))

    def _clear(self) -> int:
        """Delete a part of a run that is gone."""
        row = self._one("SELECT id, first, pages, entries FROM parts WHERE run = ? LIMIT 1", self._gone[0])
        if row is None:
            self._cursor.execute("DELETE FROM runs WHERE name = ?", (self._gone.pop(0),))
            return 0
        part, first, pages, entries = row
        self._cursor.execute("DELETE FROM pages WHERE id BETWEEN ? AND ?", (first, first + pages - 1))
        self._cursor.execute("DELETE FROM parts WHERE id = ?", (part,))
        return int(entries) // 8

    def _merge(self, run: _Run) -> int:
        """Take one step of a merge."""
        (step,) = self._one("SELECT count(*) FROM parts WHERE run = ?", run.name)
        low, high = run.limits(step)
        inputs = [old for old in self._runs if run.base <= old.base <= run.last]
        pieces = []
        for old in inputs:
            entries = self._without_dead(self._between(old, low, high), old.base, old.last)
            pieces.append(entries + np.uint64(old.base - run.base))
        merged = np.sort(np.concatenate(pieces), kind="stable")
        self._write_part(run, step, merged)
        if step + 1 == run.steps:
            self._finish(run, inputs)
        return len(merged)

    def _between(self, run: _Run, low: np.uint64, high: np.uint64) -> NDArray[np.uint64]:
        """Return the entries of a run from one to another."""
        index = self._index(run)
        begin = index.directory.searchsorted(low, "right") - 1
        entries = self._pages(index.rows[begin : np.searchsorted(index.directory, high, "right")])
        entries = entries[entries != _FILLER]
        within: NDArray[np.uint64] = entries[entries.searchsorted(low) : np.searchsorted(entries, high, "right")]
        return within

    def _finish(self, run: _Run, inputs: list[_Run]) -> None:
        """Let a new run take the place of others."""
        self._writing.remove(run)
        for old in inputs:
            self._set_state(old, _GONE)
        (entries,) = self._one("SELECT sum(entries) FROM parts WHERE run = ?", run.name)
        # A step that was done has the texts that were removed since; an empty run has nobody's.
        texts = run.texts - self._bury(run.base, run.last, run.removals if entries else self._removals)
        run = run._replace(texts=texts, state=_LIVE, entries=entries)
        self._runs = [old for old in self._runs if old not in inputs]
        if entries:
            self._cursor.execute(
                "UPDATE runs SET texts = ?, state = ?, entries = ? WHERE name = ?", (texts, _LIVE, entries, run.name)
            )
            self._runs = sorted([*self._runs, run], key=lambda each: each.base)
        else:
            self._set_state(run, _GONE)
        self._forget()
        self._change_runs()

    def _set_state(self, run: _Run, state: int) -> None:
        self._cursor.execute("UPDATE runs SET state = ? WHERE name = ?", (state, run.name))
        if state == _GONE:
            self._gone.append(run.name)


def _level(texts: int) -> int:
    """Return how many merges make a run of so many texts."""
    level = 0
    while texts > _RECENT_TEXTS * _FAN_IN**level:
        level += 1
    return level


def _new(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which values differ from the one before."""
    new = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return new


def _unique(values: NDArray[Any]) -> NDArray[Any]:
    """Return the different values, ascending."""
    values = np.sort(values)
    # Looked at first, since it is seldom otherwise.
    return values if (values[1:] != values[:-1]).all() else values[_new(values)]


def _least(found: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return the first `most` + 1 texts of each key, sorted."""
    found = np.sort(found)
    if len(found) <= most:
        return found
    beyond = found[most + 1 :] >> _PLACE_BITS == found[: -(most + 1)] >> _PLACE_BITS
    return found[np.concatenate([np.ones(min(most + 1, len(found)), np.bool_), ~beyond])] if beyond.any() else found


def _ramps(start: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places from each start, as many as it counts."""
    ends = np.cumsum(counts)
    places: NDArray[np.int64] = np.arange(ends[-1] if len(ends) else 0) + np.repeat(start - ends + counts, counts)
    return places


def _masks() -> NDArray[np.uint64]:
    """Return 2**14 pairs of words of three bits each (of less where some fall together), uint64 [2, 2**14]."""
    mixed = np.arange(1, (1 << 14) + 1, dtype=np.uint64) * _MIX
    mixed = (mixed ^ mixed >> _HALF) * _MIX
    shifts = np.array([[58, 52, 46], [40, 34, 28]], np.uint64)
    bits = np.uint64(1) << (mixed >> shifts[:, :, None] & np.uint64(63))
    masks: NDArray[np.uint64] = np.bitwise_or.reduce(bits, axis=1)
    return masks


_MASKS = _masks()
_PAIRS = np.ascontiguousarray(_MASKS.T)


def _mask(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return which pair of `_MASKS` each key of 40 bits has in a filter."""
    # A table is three times as fast as the arithmetic; two keys of one place have equal masks once in thousands.
    return (keys * _MIX >> np.uint64(50)).view(np.int64)


def _filter(run: _Run, step: int, entries: NDArray[np.uint64]) -> bytes:
    """Return the part of a filter that has some entries."""
    begin, end = run.bounds(step)
    part = np.zeros((2, end - begin), "<u8")
    if len(entries):
        places = ((entries >> _HALF) * np.uint64(run.places) >> _HALF).view(np.int64)
        first = np.concatenate([[True], places[1:] != places[:-1]]).nonzero()[0]
        chosen, mask = places[first] - begin, _mask(entries >> _NUMBER_BITS)
        for half in range(2):
            part[half, chosen] = np.bitwise_or.reduceat(_MASKS[half].take(mask), first)
    return part.tobytes()
