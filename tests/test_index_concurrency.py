"""An index that many use at once: every reader sees whole calls, no writer loses anything, a copy is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from dedup import Article, Index
from dedup.errors import IndexBusyError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.seconds

SETTINGS: dict[str, Any] = {"min_excerpt": 8, "shingle_size": 2, "clean": "off", "threads": 1}
#: Documents of a group: they come and go together, and are one cluster.
GROUP = 10


def text_of(group: int, tail: str = "") -> str:
    """Return a text of words that no other group has."""
    return " ".join(f"w{group}x{number}" for number in range(30)) + tail


def group_of(number: int) -> list[Article]:
    """Return the documents of a group: half of them are copies, the others alike."""
    published = f"2025-{1 + number // 28 % 12:02}-{1 + number % 28:02}"
    return [
        Article(f"{number}-{one}", text_of(number, f" tail{one}" * (one % 2)), published=published)
        for one in range(GROUP)
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give an index that nothing is in."""
    path = tmp_path / "index.dedup"
    with Index(path, **SETTINGS):
        return path


class Child:
    """A process that does something with arguments of its own and says when it is at a point; its end is waited for."""

    def __init__(self, work: Callable[[Child], None]) -> None:
        self._told, tell = os.pipe()
        listen, self._say = os.pipe()
        self.process = os.fork()
        if self.process:
            os.close(tell)
            os.close(listen)
            return
        self._told, self._say = listen, tell
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(60)
        try:
            work(self)
        except BaseException:  # noqa: BLE001 - the parent tells
            self.say(traceback.format_exc()[-3000:])
            os._exit(1)
        os._exit(0)

    def say(self, what: str = ".") -> None:
        """Tell the other side."""
        os.write(self._say, what.encode())

    def hear(self) -> str:
        """Wait until the other side tells something."""
        return os.read(self._told, 4000).decode()

    def end(self) -> None:
        """Wait until it ends, and fail when it failed."""
        faults = ""
        while said := self.hear():
            faults += said.strip(".")
        os.close(self._told)
        os.close(self._say)
        assert os.waitpid(self.process, 0)[1] == 0, faults


@contextmanager
def thread(work: Callable[[], None]) -> Iterator[None]:
    """Do something in a thread meanwhile; what it raises is raised at the end."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised in the other thread
            errors.append(error)

    started = threading.Thread(target=run)
    started.start()
    try:
        yield
    finally:
        started.join()
    for error in errors:
        raise error


def change(index: Index, number: int) -> None:
    """Add a group; now and then, all groups before it go."""
    index.add_batch(group_of(number))
    if number % 7 == 6:
        index.expire(group_of(number)[0].published or "")


def look(index: Index) -> int:
    """Check that an index has no group in part, whatever is asked; return how many it has."""
    counts = index.stats()
    assert counts.documents == GROUP * counts.clusters
    names = [article.id for article in index]
    assert len(names) % GROUP == 0
    assert all(cluster.size == GROUP for cluster in index.clusters())
    assert all(len(event.documents) % GROUP == 0 for event in index.events(limit=10**6))
    if names:
        cluster = index.cluster(names[-1])
        assert cluster is None or cluster.size == GROUP
    return counts.clusters


def index_end(index: Index) -> int:
    """Return the position of the last event."""
    events = index.events(limit=10**6)
    return events[-1].position if events else 0


def test_readers_see_whole_calls(path: Path) -> None:
    """While one process writes, readers in other processes and threads see each call whole or not at all."""
    stop = threading.Event()

    def write(child: Child) -> None:
        with Index(path) as index:
            for number in range(40):
                change(index, number)
                child.say()

    def read_until_told(child: Child) -> None:
        with Index(path, read_only=True) as index:
            child.say()
            deadline = time.monotonic() + 30
            while index_end(index) < 40 and time.monotonic() < deadline:
                look(index)

    def read() -> None:
        with Index(path, read_only=True) as index:
            while not stop.is_set():
                look(index)

    readers = [Child(read_until_told)]
    readers[0].hear()
    writer = Child(write)
    with thread(read):
        try:
            writer.end()
        finally:
            stop.set()
    for reader in readers:
        reader.end()
    with Index(path) as index:
        assert look(index) == 40 - 34
        assert index.verify() == []


def test_a_reader_keeps_its_state_while_it_reads(path: Path) -> None:
    """What is yielded page by page comes once each, whatever is written meanwhile."""
    with Index(path) as writer, Index(path, read_only=True) as reader:
        writer.add_batch(group_of(0))
        articles = iter(reader)
        first = next(articles)
        writer.add_batch(group_of(1))
        writer.remove("0-3")
        rest = [article.id for article in articles]
    assert first.id == "0-0"
    assert len(rest) == len(set(rest))
    assert {article.id for article in group_of(1)} <= set(rest)


def test_writers_wait_for_each_other(path: Path) -> None:
    """Several processes write at once: each waits for the others, and all that they wrote is there."""

    def write(start: int) -> Callable[[Child], None]:
        def work(_: Child) -> None:
            with Index(path, timeout=60) as index:
                for number in range(start, start + 8):
                    index.add_batch(group_of(number))

        return work

    children = [Child(write(start)) for start in (0, 100, 200)]
    for child in children:
        child.end()
    with Index(path) as index:
        assert look(index) == 24
        assert index.verify() == []
        assert index.events(limit=10**6)[-1].position == 24


def test_a_writer_that_waits_too_long_is_told(path: Path) -> None:
    """A second writer fails after about its timeout with IndexBusyError, and neither loses anything."""

    def hold(child: Child) -> None:
        with Index(path) as index, index._transaction(write=True):
            child.say()
            child.hear()
        with Index(path) as index:
            index.add_batch(group_of(0))

    child = Child(hold)
    child.hear()
    with Index(path, timeout=0.4) as index:
        start = time.monotonic()
        with pytest.raises(IndexBusyError, match=r"must be free to write within 0\.4 s\. Got another writer\.$"):
            index.add_batch(group_of(1))
        assert 0.3 < time.monotonic() - start < 10
        assert len(index) == 0
        child.say()
        child.end()
        index.add_batch(group_of(1))
        assert look(index) == 2
        assert index.verify() == []


def test_threads_share_an_index(path: Path) -> None:
    """Calls of several threads are done one after the other, in whatever order, and none is lost."""
    with Index(path) as index:

        def work(start: int) -> Callable[[], None]:
            def calls() -> None:
                for number in range(start, start + 6):
                    matches = index.add_batch(group_of(number))
                    assert {match.canonical for match in matches} == {f"{number}-1"}
                    match = index.match(f"{number}-0")
                    assert match is None or match.canonical == f"{number}-1"
                    look(index)
                    if number % 2:
                        assert index.expire("2030-01-01", by="arrived") >= 0

            return calls

        with thread(work(0)), thread(work(100)), thread(work(200)):
            index.add_batch(group_of(999))
        assert look(index) * GROUP == len(index)
        assert index.verify() == []


def test_an_index_in_memory_is_shared_by_threads() -> None:
    """The same in memory."""
    with Index(":memory:", **SETTINGS) as index:

        def add() -> None:
            for number in range(10):
                index.add_batch(group_of(number))

        with thread(add):
            for number in range(100, 110):
                index.add_batch(group_of(number))
                look(index)
        assert look(index) == 20
        assert index.verify() == []


def visit(path: Path) -> None:
    """Open a file in a process that shares nothing with this one; whoever closes last throws the log away."""
    script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM settings'); c.close()"
    subprocess.run([sys.executable, "-S", "-c", script, path], check=True)


def test_two_of_one_process_use_a_file(path: Path) -> None:
    """Who opens a file that his process has open takes no lock from it: others leave the log alone."""
    with Index(path) as index:
        index.add_batch(group_of(0))
        with Index(path, read_only=True) as second:
            assert look(second) == 1
        visit(path)
        index.add_batch(group_of(1))
        visit(path)
        with Index(path, read_only=True) as second:
            assert look(second) == 2
        index.add_batch(group_of(2))
    with Index(path) as index:
        assert look(index) == 3
        assert index.verify() == []


@pytest.mark.parametrize("round_", range(4))
def test_a_file_is_made_by_several_at_once(tmp_path: Path, round_: int) -> None:
    """Who comes first makes the file; the others find it, and all of them go on with it."""
    path = tmp_path / "index.dedup"

    def make(number: int) -> Callable[[Child], None]:
        def work(child: Child) -> None:
            child.say()
            child.hear()
            with Index(path, timeout=30, **SETTINGS) as index:
                index.add_batch(group_of(number))

        return work

    children = [Child(make(10 * round_ + number)) for number in range(3)]
    for child in children:
        child.hear()
    for child in children:
        child.say()
    for child in children:
        child.end()
    with Index(path) as index:
        assert look(index) == 3
        assert index.verify() == []
    assert [each.name for each in tmp_path.iterdir()] == ["index.dedup"]


# After a fork.


def test_a_child_uses_the_index_of_its_parent(path: Path) -> None:
    """An index that was open when a child was made is read and written by both, at the same time."""
    with Index(path, timeout=30) as index:
        index.add_batch(group_of(0))

        def work(child: Child) -> None:
            child.say()
            for number in range(1, 8):
                index.add_batch(group_of(number))
                look(index)
            index.close()

        child = Child(work)
        child.hear()
        for number in range(100, 107):
            index.add_batch(group_of(number))
            look(index)
        child.end()
        assert look(index) == 15
        assert index.verify() == []
    with Index(path) as index:
        assert look(index) == 15


def test_a_child_outlives_its_parent(path: Path) -> None:
    """What the child writes after its parent has closed the index is kept, whoever comes and goes meanwhile."""
    index = Index(path)
    index.add_batch(group_of(0))

    def work(child: Child) -> None:
        index.add_batch(group_of(1))
        child.say()
        child.hear()
        index.add_batch(group_of(2))
        child.say()
        child.hear()

    child = Child(work)
    child.hear()
    index.close()
    visit(path)
    child.say()
    child.hear()
    visit(path)
    child.say()
    child.end()
    with Index(path) as index:
        assert look(index) == 3
        assert index.verify() == []


def test_a_child_is_made_while_a_thread_writes(path: Path) -> None:
    """A child that is made while a thread of its parent is in the middle of a call can use the index."""
    with Index(path) as index:
        begun = threading.Event()

        def call() -> None:
            with index._transaction(write=True):
                begun.set()
                time.sleep(0.2)

        def work(_: Child) -> None:
            signal.alarm(5)
            index.add_batch(group_of(1))
            assert look(index) == 1

        with thread(call):
            begun.wait()
            child = Child(work)
        child.end()
        index.add_batch(group_of(2))
        assert look(index) == 2
        assert index.verify() == []


def test_a_child_has_a_copy_of_what_is_in_memory() -> None:
    """An index in memory is the child's own from then on."""
    with Index(":memory:", **SETTINGS) as index:
        index.add_batch(group_of(0))

        def work(_: Child) -> None:
            index.add_batch(group_of(1))
            assert look(index) == 2
            assert index.verify() == []

        Child(work).end()
        assert look(index) == 1


# Copies.


def test_a_copy_made_while_another_writes_is_whole(path: Path) -> None:
    """A copy has a whole number of calls, passes verify and goes on by itself."""

    def write(child: Child) -> None:
        with Index(path) as index:
            for number in range(30):
                change(index, number)
                child.say()

    with Index(path) as index:
        child = Child(write)
        child.hear()
        for number in range(5):
            index.backup(path.with_name(f"copy-{number}"))
        child.end()
    found = []
    for number in range(5):
        with Index(path.with_name(f"copy-{number}")) as copy:
            found.append((index_end(copy), look(copy)))
            assert copy.verify() == []
            copy.add_batch(group_of(1000))
            assert copy.verify() == []
    assert found == sorted(found, key=lambda pair: pair[0])
    assert found[0][0] > 0
    with Index(path) as index:
        assert "1000-0" not in index


def test_a_copy_takes_the_place_of_nothing(path: Path) -> None:
    """A file that is there is never written over, and a copy that fails leaves nothing."""
    taken = path.with_name("taken")
    taken.write_text("mine")
    link = path.with_name("link")
    link.symlink_to("nowhere")
    with Index(path) as index:
        for there in (taken, path, link):
            with pytest.raises(OutputError, match=r"must not be there yet\. Got a file of that name\.$"):
                index.backup(there)
        with pytest.raises(OutputError, match="must be a file that can be written"):
            index.backup(path.with_name("nowhere") / "copy")
        assert index.verify() == []
    assert taken.read_text() == "mine"
    assert {each.name for each in path.parent.iterdir()} == {"index.dedup", "taken", "link"}


def test_what_is_in_memory_cannot_be_copied(tmp_path: Path) -> None:
    """An index in memory says that it has no file."""
    with Index(":memory:") as index, pytest.raises(OutputError, match="this one is in memory"):
        index.backup(tmp_path / "copy")


def test_room_is_given_back_while_another_reads(path: Path) -> None:
    """An index can be compacted while others have it open; they see the same as before."""
    with Index(path) as index, Index(path, read_only=True) as reader:
        for number in range(12):
            change(index, number)
        before = list(reader.clusters())
        size = reader.stats().size
        index.compact()
        assert list(reader.clusters()) == before
        assert reader.stats().size <= size
        assert reader.verify() == []
        change(index, 13)
        assert index.verify() == []
