"""The inverted index: it answers as a dictionary would, through merges, rollbacks and reopening, and notices faults."""

from __future__ import annotations

import re
import sqlite3
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from dedup.errors import IndexFileError, InvalidArgumentError
from dedup.kernels import native
from dedup.stores import postings
from dedup.stores.postings import SCHEMA, Postings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

#: So small that a few texts make runs of several pages and merges of several steps.
TINY = {"_RECENT_TEXTS": 4, "_FAN_IN": 2, "_PAGE": 5, "_STEP": 16, "_PACE": 1, "_READ": 3}
#: Few keys, so that lists are long; the last four differ in low bits alone, or are the outermost.
KEYS = (*(place * 0x9E3779B97F4A7C15 % 2**64 for place in range(1, 12)), 1 << 63, (1 << 63) + 5, 0, 2**64 - 1)
#: Keys that no text has.
ABSENT = (1, 2**40, 2**63 - 1, 0xDEADBEEF << 32)


def uints(keys: Sequence[int]) -> NDArray[np.uint64]:
    """Return keys as an array."""
    return np.array(keys, np.uint64)


def top(key: int) -> int:
    """Return what counts of a key."""
    return key >> 24


class Oracle(dict[int, set[int]]):
    """Which keys each living text has: the answers are read off, one text after the other."""

    def add(self, numbers: Sequence[int], keys: Sequence[Sequence[int]]) -> None:
        """Note texts."""
        self.update({number: set(map(top, own)) for number, own in zip(numbers, keys, strict=True)})

    def find(self, keys: Sequence[int], most: int) -> tuple[list[tuple[int, int]], list[bool]]:
        """Answer as `Postings.find` does."""
        lists = [sorted(number for number, own in self.items() if top(key) in own) for key in keys]
        found = [(place, number) for place, numbers in enumerate(lists) for number in numbers[:most]]
        return found, [len(numbers) > most for numbers in lists]


def answer(index: Postings, keys: Sequence[int], most: int) -> tuple[list[tuple[int, int]], list[bool]]:
    """Return what an index finds, as the oracle says it."""
    places, numbers, over = index.find(uints(keys), most)
    assert [each.dtype.name for each in (places, numbers, over)] == ["int64", "int64", "bool"]
    return list(zip(places.tolist(), numbers.tolist(), strict=True)), over.tolist()


def connect(path: Path | str, mode: str = "rw") -> sqlite3.Connection:
    """Open a file that has the tables."""
    return sqlite3.connect(f"file:{path}?mode={mode}", uri=True, isolation_level=None)


def make(path: Path | str) -> sqlite3.Connection:
    """Make a file with the tables."""
    connection = connect(path, "rwc")
    connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; {SCHEMA}")
    return connection


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """Give an empty index in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA)
    yield connection
    connection.close()


@pytest.fixture
def index(connection: sqlite3.Connection) -> Postings:
    """Give the same."""
    return Postings(connection)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make runs, pages and steps small."""
    for name, value in TINY.items():
        monkeypatch.setattr(postings, name, value)


def fill(index: Postings, texts: int, keys: int = 6, seed: int = 0) -> list[list[int]]:
    """Add texts of random keys, one at a time; return their keys."""
    numbers = np.random.default_rng(seed).integers(0, 2**64, (texts, keys), np.uint64)
    for number, own in enumerate(numbers):
        index.add([number], [own])
    own_keys: list[list[int]] = numbers.tolist()
    return own_keys


@pytest.mark.usefixtures("tiny")
def test_nothing_is_left_of_a_run_whose_texts_go_while_it_is_merged(
    index: Postings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts that are removed after the last merge of their run began are forgotten with the run."""
    monkeypatch.setattr(postings, "_SPAN", 9)
    sizes = [0, 1, 2, 3, 1, 2, 3, 0, 1]
    numbers = np.random.default_rng(0).integers(0, 2**64, (len(sizes), 3), np.uint64)
    index.add(range(1, 10), [own[:size] for own, size in zip(numbers, sizes, strict=True)])
    for gone in ([1, 2, 5, 6, 7, 8], [1, 2, 9], [3, 5, 6], [2, 4, 5]):
        index.remove(gone)
        assert index.verify() == []


# One transaction after another, by two connections that write in turn and one that reads.

OPERATIONS = st.one_of(
    st.tuples(
        st.just("add"),
        st.lists(
            st.tuples(st.integers(1, 3), st.lists(st.sampled_from(KEYS), max_size=6, unique=True)),
            min_size=1,
            max_size=9,
        ),
    ),
    st.tuples(st.just("remove"), st.lists(st.integers(0, 60), min_size=1, max_size=12)),
    st.tuples(st.just("compact"), st.none()),
)
QUERIES = st.tuples(st.lists(st.sampled_from(KEYS + ABSENT), max_size=8), st.integers(0, 5))


class Machine(RuleBasedStateMachine):
    """All connections answer as a dictionary would, whatever was committed or rolled back by which."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "index"
        self.connections = [make(self.path), connect(self.path), connect(self.path, "ro")]
        self.indexes = [Postings(connection) for connection in self.connections]
        self.oracle, self.number = Oracle(), 0

    @initialize(span=st.sampled_from([9, 40, 2**24 - 1]))
    def begin(self, span: int) -> None:
        """Let runs cover few numbers or many."""
        for name, value in {**TINY, "_SPAN": span}.items():
            self.patch.setattr(postings, name, value)

    @rule(who=st.integers(0, 1), operations=st.lists(OPERATIONS, min_size=1, max_size=4), query=QUERIES)
    def write(self, who: int, operations: list[tuple[str, Any]], query: tuple[list[int], int]) -> None:
        """Let one connection write."""
        self.transaction(who, operations, query)
        self.connections[who].execute("COMMIT")

    @rule(
        who=st.integers(0, 1),
        operations=st.lists(OPERATIONS, min_size=1, max_size=4),
        query=QUERIES,
        notice=st.booleans(),
    )
    def undo(self, who: int, operations: list[tuple[str, Any]], query: tuple[list[int], int], notice: bool) -> None:
        """Let one connection write and take it back; it may notice only when its next transaction begins."""
        before, number = Oracle(self.oracle), self.number
        self.transaction(who, operations, query)
        self.connections[who].execute("ROLLBACK")
        self.oracle, self.number = before, number
        if notice:
            self.indexes[who].refresh()

    def transaction(self, who: int, operations: list[tuple[str, Any]], query: tuple[list[int], int]) -> None:
        """Do what is asked for, and look at it before it is committed."""
        index = self.indexes[who]
        self.connections[who].execute("BEGIN IMMEDIATE")
        index.refresh()
        for name, argument in operations:
            if name == "add":
                numbers = [self.number + step for step in accumulate(step for step, _ in argument)]
                keys = [own for _, own in argument]
                index.add(numbers, [uints(own) for own in keys])
                self.oracle.add(numbers, keys)
                self.number = numbers[-1]
            elif name == "remove":
                index.remove(argument)
                for number in argument:
                    self.oracle.pop(number, None)
            else:
                index.compact()
                assert index.stats().runs <= 1 or postings._SPAN < 2**24 - 1
                assert (index.stats().recent, index.stats().dead, index.stats().unfinished) == (0, 0, 0)
            assert answer(index, *query) == self.oracle.find(*query)
            assert index.verify() == []

    @rule(who=st.integers(0, 2))
    def reopen(self, who: int) -> None:
        """Close a connection and open another."""
        self.connections[who].close()
        self.connections[who] = connect(self.path, "ro" if who == 2 else "rw")
        self.indexes[who] = Postings(self.connections[who])

    @rule(who=st.integers(0, 2), query=QUERIES)
    def read(self, who: int, query: tuple[list[int], int]) -> None:
        """Every connection sees what was committed."""
        self.connections[who].execute("BEGIN")
        self.indexes[who].refresh()
        assert answer(self.indexes[who], *query) == self.oracle.find(*query)
        assert self.indexes[who].verify() == []
        self.connections[who].execute("COMMIT")

    def teardown(self) -> None:
        """Close everything."""
        for connection in self.connections:
            connection.close()
        self.folder.cleanup()
        self.patch.undo()


TestMachine = Machine.TestCase
TestMachine.settings = settings(stateful_step_count=12)


@pytest.mark.seconds
@pytest.mark.usefixtures("tiny")
def test_long_stream_stays_small(connection: sqlite3.Connection, index: Postings) -> None:
    """Of an endless stream whose old texts are removed only the living ones take room, in few runs."""
    oracle, most, pages = Oracle(), 0, []
    for number in range(1500):
        own = [(number * 7 + place) * KEYS[0] % 2**64 for place in range(5)]
        index.add([number], [uints(own)])
        oracle.add([number], [own])
        if number >= 40:
            index.remove([number - 40])
            del oracle[number - 40]
        pages += connection.execute("SELECT count(*) FROM pages").fetchone()
        most = max(most, index.stats().runs)
    assert answer(index, own, 9) == oracle.find(own, 9)
    assert index.verify() == []
    assert max(pages) < 400
    assert max(pages[750:]) <= 1.2 * max(pages[:750])
    assert most <= 14
    assert index.stats().dead < 100


@pytest.mark.usefixtures("tiny")
def test_removing_alone_frees_room(connection: sqlite3.Connection, index: Postings) -> None:
    """When more than half of the texts of a run are removed it is written anew without them, though none is added."""
    fill(index, 256)
    before = index.stats()
    for number in range(0, 256, 4):
        index.remove([number, number + 1, number + 2])
    after = index.stats()
    assert after.entries < 0.6 * before.entries
    assert connection.execute("SELECT count(*) FROM pages").fetchone()[0] * 5 < 1.3 * before.entries
    assert index.verify() == []


@pytest.mark.seconds
@pytest.mark.usefixtures("tiny")
def test_merges_go_on_after_reopening(tmp_path: Path) -> None:
    """Connections that add one text each and close merge as one that stays open does."""
    make(tmp_path / "index").close()
    oracle = Oracle()
    unfinished = 0
    for number in range(120):
        connection = connect(tmp_path / "index")
        index = Postings(connection)
        own = [KEYS[number % 11], KEYS[number % 7], number << 30]
        index.add([number], [uints(list(set(own)))])
        oracle.add([number], [own])
        unfinished += index.stats().unfinished > 0
        assert index.verify() == []
        assert answer(index, own, 200) == oracle.find(own, 200)
        runs = index.stats().runs
        connection.close()
    assert runs <= 8
    assert unfinished > 10


@pytest.mark.seconds
@pytest.mark.usefixtures("tiny")
def test_number_of_runs_grows_as_a_logarithm(index: Postings) -> None:
    """However many texts come, a key is looked up in few runs."""
    keys = fill(index, 1024)
    assert index.stats().runs <= 16
    assert answer(index, keys[0] + keys[-1], 1) == (
        [(place, number) for place, number in enumerate([0] * 6 + [1023] * 6)],
        [False] * 12,
    )


def test_long_list_is_not_read_to_its_end(
    connection: sqlite3.Connection, index: Postings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a key that all texts have, only so many pages are read as hold the texts asked for."""
    for name, value in TINY.items():
        monkeypatch.setattr(postings, name, value)
    for number in range(256):
        index.add([number], [uints([7 << 40])])
    index.compact()
    index.remove(range(20))
    read: list[int] = []
    pages = index._pages

    def count(rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        read.extend(rows.tolist())
        return pages(rows)

    monkeypatch.setattr(index, "_pages", count)
    assert answer(index, [7 << 40], 3) == ([(0, 20), (0, 21), (0, 22)], [True])
    assert len(read) == 5
    read.clear()
    assert answer(index, [7 << 40], 300) == ([(0, number) for number in range(20, 256)], [False])
    assert len(read) == connection.execute("SELECT count(*) FROM pages").fetchone()[0]


@pytest.mark.seconds
def test_full_size_runs(index: Postings) -> None:
    """With pages and runs of full size the answers are those of a dictionary too."""
    random = np.random.default_rng(3)
    oracle = Oracle()
    pool = random.integers(0, 2**64, 3000, np.uint64)
    for first in range(0, 36_000, 3000):
        keys = pool[random.integers(0, 3000, (3000, 5))]
        index.add(range(first, first + 3000), list(keys))
        oracle.add(range(first, first + 3000), keys.tolist())
    removed = random.choice(36_000, 300, replace=False).tolist()
    index.remove(removed)
    for number in removed:
        del oracle[number]
    assert 1 <= index.stats().runs <= 4
    asked = [*pool[:40].tolist(), *ABSENT]
    for most in (0, 1, 50, 10**6):
        assert answer(index, asked, most) == oracle.find(asked, most)
    assert index.verify() == []


@given(
    keys=st.lists(st.integers(0, 2**64 - 1), max_size=3000, unique_by=top),
    absent=st.lists(st.integers(0, 2**64 - 1), max_size=50),
)
def test_one_run_has_just_its_keys(keys: list[int], absent: list[int]) -> None:
    """A run finds all of its keys, and none that differs in the top 40 bits."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA)
    index = Postings(connection)
    index.add([5], [uints(keys)])
    index.compact()
    has = set(map(top, keys))
    assert answer(index, keys, 1)[0] == [(place, 5) for place in range(len(keys))]
    assert answer(index, absent, 1)[0] == [(place, 5) for place, key in enumerate(absent) if top(key) in has]
    connection.close()


@pytest.mark.parametrize("bits", postings._FILTER_BITS)
def test_filter_lets_few_absent_keys_pass(index: Postings, monkeypatch: pytest.MonkeyPatch, bits: int) -> None:
    """At most 2 % of the keys that a run does not have lead to a page of it."""
    monkeypatch.setattr(postings, "_FILTER_BITS", (bits,))
    random = np.random.default_rng(1)
    index.add(range(20), list(random.integers(0, 2**64, (20, 5000), np.uint64)))
    index.compact()
    wanted = random.integers(0, 2**40, 100_000, np.uint64)
    passed = native.probe_filters(wanted, index._all_runs().runs).shape[1]
    assert passed <= 0.02 * len(wanted)


def test_nothing_to_find(index: Postings) -> None:
    """An empty index finds nothing; no text, no key and unknown numbers change nothing."""
    assert answer(index, [], 3) == ([], [])
    assert answer(index, [1, 2], 3) == ([], [False, False])
    index.add([], [])
    index.remove([4])
    index.compact()
    index.add([3, 8], [uints([]), uints([])])
    index.remove([8, 8, 9])
    assert answer(index, [0, 2**64 - 1], 0) == ([], [False, False])
    index.compact()
    assert index.stats() == postings.PostingStats(0, 0, 0, 0, 0, 0)
    assert index.verify() == []


def test_texts_without_keys_make_no_sections(index: Postings) -> None:
    """However many texts have no key, a key is looked up in few places."""
    for number in range(0, 300, 3):
        index.add([number], [uints([])])
        index.add([number + 1, number + 2], [uints([number << 30]), uints([])])
    assert len(index._sections) < 12
    assert answer(index, [9 << 30], 1) == ([(0, 10)], [False])


def test_reading_writes_nothing(connection: sqlite3.Connection, index: Postings) -> None:
    """`find`, `refresh`, `verify` and `stats` leave the file as it is."""
    fill(index, 9)
    before = connection.total_changes
    other = Postings(connection)
    other.refresh()
    other.find(uints(KEYS), 3)
    other.verify()
    other.stats()
    assert connection.total_changes == before


def test_neither_begins_nor_commits(connection: sqlite3.Connection, index: Postings) -> None:
    """All of a call is undone when the caller rolls back."""
    connection.execute("BEGIN")
    fill(index, 5)
    index.compact()
    assert connection.in_transaction
    connection.execute("ROLLBACK")
    index.refresh()
    assert index.stats() == postings.PostingStats(0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("numbers", "keys", "message"),
    [
        ([10, 11], [[1]], r"keys must be one array for each number\. Got 1 for 2\."),
        ([9], [[1]], r"numbers must ascend from above 9 to below 2\*\*40\. Got \[9\]\."),
        ([11, 11], [[1], [2]], r"numbers must ascend from above 9"),
        ([2**40], [[1]], r"numbers must ascend from above 9"),
    ],
)
def test_refuses_numbers(index: Postings, numbers: list[int], keys: list[list[int]], message: str) -> None:
    """Numbers that do not ascend, or of which there are not as many as texts, are refused, and nothing is added."""
    index.add([9], [uints([3 << 24])])
    with pytest.raises(InvalidArgumentError, match=message):
        index.add(numbers, [uints([key << 24 for key in own]) for own in keys])
    assert answer(index, [1 << 24, 2 << 24, 3 << 24], 9) == ([(2, 9)], [False] * 3)


def test_refuses_negative_most(index: Postings) -> None:
    """A negative limit is refused."""
    with pytest.raises(InvalidArgumentError, match=r"most must be at least 0\. Got -1\."):
        index.find(uints([1]), -1)


def test_refuses_too_many_keys(index: Postings, monkeypatch: pytest.MonkeyPatch) -> None:
    """More keys than places can be counted for are refused."""
    monkeypatch.setattr(postings, "_MOST_KEYS", 3)
    assert answer(index, [1, 2], 0) == ([], [False, False])
    with pytest.raises(InvalidArgumentError, match=r"keys must be fewer than 2\*\*23\. Got 3\."):
        index.find(uints([1, 2, 3]), 0)


def test_missing_page_is_an_error(connection: sqlite3.Connection, index: Postings) -> None:
    """A page that is not there is an error, not an absent key."""
    (own,) = fill(index, 1)
    index.compact()
    connection.execute("DELETE FROM pages")
    with pytest.raises(IndexFileError, match=r"pages must be what was written\. Got 0 of 1\."):
        index.find(uints(own), 3)


FAULTS = {
    "a swapped page": ("UPDATE pages SET entries = (SELECT max(entries) FROM pages) WHERE id = {page}", "out of order"),
    "a missing page": ("DELETE FROM pages WHERE id = {page}", "pages must be what was written"),
    "a stray page": ("INSERT INTO pages VALUES (99999, x'00')", "1 more pages"),
    "a cut page": ("UPDATE pages SET entries = x'00' WHERE id = {page}", "pages must be what was written"),
    "cleared filter bits": ("UPDATE parts SET filter = zeroblob(length(filter)) WHERE id = {part}", "filter of step"),
    "another directory": (
        "UPDATE parts SET directory = zeroblob(length(directory)) WHERE id = {part}",
        "directory of step",
    ),
    "a wrong count": ("UPDATE parts SET entries = entries - 1 WHERE id = {part}", "has not"),
    "a wrong total": ("UPDATE runs SET entries = entries + 1", "its parts do not have"),
    "a missing part": ("DELETE FROM parts WHERE id = {part}", "parts of"),
    "a part of no run": ("UPDATE parts SET run = 1 WHERE id = {part}", "1 parts of no run"),
    "overlapping runs": ("UPDATE runs SET base = 0, last = 200", "covers 0 to 200, after 200"),
    "texts beyond the run": ("UPDATE runs SET last = base", "texts that it does not cover"),
    "recent texts before a run": (
        "UPDATE recent SET first = 7 WHERE first = 82",
        "Recent texts cover 7 to 82, after 79",
    ),
    "recent entries": ("UPDATE recent SET entries = CAST(entries || entries AS BLOB)", "entries out of order"),
    "unknown removed texts": ("INSERT INTO dead VALUES (7777, 1)", "1 removed texts of no run"),
}


@pytest.mark.seconds
@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("fault", FAULTS)
def test_verify_finds(connection: sqlite3.Connection, index: Postings, fault: str) -> None:
    """Each kind of damage is told."""
    for number in range(83):
        index.add([number], [uints([number << 57, number << 50, 1 << 63])])
        if number == 63:
            index.compact()
    assert index.stats().runs > 1
    assert index.stats().recent
    assert index.verify() == []
    statement, message = FAULTS[fault]
    (run,) = connection.execute("SELECT name FROM runs WHERE state = 1 ORDER BY base").fetchone()
    part, page = connection.execute("SELECT id, first FROM parts WHERE run = ?", (run,)).fetchone()
    connection.execute(statement.format(part=part, page=page))
    assert any(re.search(message, each) for each in Postings(connection).verify())
