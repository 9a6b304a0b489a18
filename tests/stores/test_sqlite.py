"""The index file: whatever is wrong with it, or with what it is asked for, is told, and nothing is lost."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import stat
import struct
import tempfile
import traceback
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dedup import Article, Index, KeepPolicy
from dedup.errors import (
    DedupError,
    DuplicateIdError,
    IndexBusyError,
    IndexFileError,
    InputError,
    InvalidArgumentError,
    OutputError,
    SchemeMismatch,
)
from dedup.kernels import reference
from dedup.matching.plan import plan
from dedup.stores import sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dedup.config import Config

SAMPLE = Path(__file__).parents[1] / "data" / "index-v1.dedup"
#: What the sample holds, as the script that wrote it said.
CLUSTERS = [
    (1, "bell", ("bell", "bell-copy", "bell-short", "bell-capitals")),
    (2, "wall", ("wall", "wall-later")),
    (3, "ferry", ("ferry", "ferry-copy")),
    (4, "roundup", ("roundup",)),
    (5, "cheese-again", ("cheese-again",)),
    (6, "empty", ("empty",)),
    (7, "cafe\u0301-港", ("cafe\u0301-港",)),
]
EVENTS = [
    (3, "added", 3, "ferry", ("ferry",)),
    (4, "added", 4, "roundup", ("roundup",)),
    (5, "added", 5, "cheese", ("cheese", "cheese-again")),
    (6, "added", 6, "empty", ("empty",)),
    (7, "added", 7, "cafe\u0301-港", ("cafe\u0301-港",)),
    (8, "removed", 2, "wall", ("wall",)),
    (9, "added", 3, "ferry", ("ferry-copy",)),
    (10, "added", 2, "wall", ("wall",)),
    (11, "added", 5, "cheese", ("gone",)),
    (12, "expired", 5, "cheese-again", ("cheese",)),
    (13, "canonical_changed", 5, "cheese-again", ()),
    (14, "removed", 5, "cheese-again", ("gone",)),
]
TEXT = "The harbour bridge will close on Friday for the first time in forty years, the council said."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a copy of the sample."""
    return Path(shutil.copy(SAMPLE, tmp_path / "index.dedup"))


@pytest.fixture
def shared() -> Iterator[Path]:
    """Give a folder that every user may enter, with a copy of the sample."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copy(SAMPLE, Path(folder, "index.dedup"))
        yield Path(folder)
        Path(folder).chmod(0o755)


def articles(start: int, stop: int) -> list[Article]:
    """Return articles that have nothing to do with each other; about two kilobytes each, that cannot be packed."""
    return [Article(str(number), random.Random(number).randbytes(1000).hex(" ")) for number in range(start, stop)]


def clusters(index: Index) -> list[tuple[int | None, str, tuple[str, ...]]]:
    """Return number, canonical and members of each cluster."""
    return [(cluster.number, cluster.canonical, cluster.members) for cluster in index.clusters()]


def events(index: Index) -> list[tuple[int, str, int, str | None, tuple[str, ...]]]:
    """Return the events that the sample still has."""
    return [(one.position, one.kind, one.cluster, one.canonical, one.documents) for one in index.events(after=2)]


def change(path: Path, script: str) -> None:
    """Run SQL on a file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def in_child(work: Callable[[], None]) -> None:
    """Do something in a process of its own that has no rights of root, and fail when it does."""
    from dedup.stores.sqlite import SqliteStore  # noqa: F401 - loaded while everything may be read

    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            work()
        except BaseException:  # noqa: BLE001 - the parent tells
            os.write(writer, traceback.format_exc().encode()[-4000:])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        faults = told.read().decode()
    os.waitpid(child, 0)
    assert faults == ""


# What the file of this format holds.


def test_the_sample_answers_as_when_it_was_written(path: Path) -> None:
    """A file of this format is read as it was meant: clusters, events, texts and fields."""
    with Index(path) as index:
        assert index.verify() == []
        assert clusters(index) == CLUSTERS
        assert events(index) == EVENTS
        assert [article.id for article in index] == [
            *("bell", "bell-copy", "bell-capitals", "bell-short", "wall-later", "ferry", "roundup"),
            *("cheese-again", "empty", "cafe\u0301-港", "ferry-copy", "wall"),
        ]
        copy = index.get("bell-copy")
        assert copy is not None
        assert (copy.source, copy.published, copy.extra) == ("Tarn Journal", "2025-03-02T09:00:00Z", {"page": 4})
        assert copy.text.startswith("A new bell was hung in the chapel of Skerry on Sunday, the fourth since 1911,")
        match = index.match("bell-short")
        assert match is not None
        assert (match.relation, match.canonical) == ("duplicate", "bell")
        assert match.jaccard == pytest.approx(0.7606, abs=1e-4)
        assert index.query(copy.text.upper()).relation == "exact"


def test_the_sample_can_be_added_to(path: Path) -> None:
    """What comes finds what the file holds."""
    with Index(path) as index:
        copy = index.get("wall")
        assert copy is not None
        assert index.add(Article("wall-copy", copy.text, published="2026-01-01")).canonical == "wall"
        assert index.remove("bell")
        assert index.verify() == []
        assert len(index) == 12


def test_the_file_is_marked(path: Path) -> None:
    """The header names the kind of file and the version of the format."""
    head = path.read_bytes()[:100]
    assert head[:16] == b"SQLite format 3\0"
    assert (head[68:72], int.from_bytes(head[60:64], "big")) == (b"ddup", sqlite.FORMAT)


def test_an_older_format_is_brought_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of an older version is upgraded when it is opened, and holds what it held."""
    monkeypatch.setattr(sqlite, "FORMAT", 2)
    step = "ALTER TABLE documents ADD COLUMN language TEXT; CREATE INDEX by_language ON documents (language)"
    monkeypatch.setattr(sqlite, "UPGRADES", (step,))
    with pytest.raises(IndexFileError, match=r"must be of format version 2 to be only read\. Got 1\.$"):
        Index(path, read_only=True)
    with Index(path) as index:
        assert clusters(index) == CLUSTERS
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM documents WHERE language IS NULL").fetchone() == (12,)
    with Index(path, read_only=True) as index:
        assert clusters(index) == CLUSTERS


def test_an_upgrade_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps to the newest version are one transaction."""
    before = dump(path)
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "FORMAT", 3)
        patch.setattr(sqlite, "UPGRADES", ("DELETE FROM events; DROP TABLE words", "DROP TABLE nowhere"))
        with pytest.raises(IndexFileError, match="no such table: nowhere"):
            Index(path)
    assert dump(path) == before
    with Index(path) as index:
        assert index.verify() == []


def dump(path: Path) -> list[str]:
    """Return all that a file holds, as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return [*connection.iterdump(), str(connection.execute("PRAGMA user_version").fetchone())]


MASK = 2**64 - 1


def spread(value: int) -> int:
    """Return what docs/index-format.md calls spread, in Python integers."""
    value = (value + 0x9E3779B97F4A7C15) & MASK
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        value = (value ^ value >> 33) * factor & MASK
    return value ^ value >> 33


def keys_by_hand(text: str, config: Config) -> set[int]:
    """Return the keys of a text as section 4 of docs/index-format.md says."""
    cut = plan(config.threshold, config.recall, num_slots=config.num_slots)
    slots = reference.sketch([text], config).signatures[0].tolist()
    keys = set()
    for band in range(cut.bands):
        key = band + 1
        for slot in slots[band * cut.rows : (band + 1) * cut.rows]:
            key = spread(key ^ slot)
        keys.add(key)
    long = reference.shingle_set(text, config.shingle_size + 2, config.seed).tolist()
    if len(reference.shingle_hashes(text, config.shingle_size, config.seed)) >= config.min_excerpt:
        below = [value for value in long if value < 2**61]
        keys |= {spread(value) for value in max(below, long[:24], key=len)}
    return keys


def words_of(blob: bytes) -> list[int]:
    """Return the numbers of an array in a file."""
    return [number for (number,) in struct.iter_unpack("<Q", blob)]


def test_the_postings_are_what_the_document_says(path: Path) -> None:
    """Keys, entries, directories and filters of the sample are those that docs/index-format.md tells how to make."""
    with Index(path) as index:
        config = index.config
        with index._transaction(write=False) as store:
            numbers = store.texts(range(1, 50)).keys()
            texts = store.words(list(numbers))
    with closing(sqlite3.connect(path)) as connection:
        ((name, base, last, places, steps),) = connection.execute("SELECT name, base, last, places, steps FROM runs")
        ((first, directory, held),) = connection.execute("SELECT first, directory, filter FROM parts")
        ((page, blob),) = connection.execute("SELECT * FROM pages")
        recent = [
            ((entry >> 24) << 24 | (entry & 0xFFFFFF) + start)
            for start, entries in connection.execute("SELECT first, entries FROM recent")
            for entry in words_of(entries)
        ]
    assert (name > 0, steps, page) == (True, 1, first)
    entries = words_of(blob)
    assert (len(entries), words_of(directory)) == (1018, entries[:1])
    entries = [entry for entry in entries if entry != MASK]
    assert entries == sorted(set(entries))
    filters = words_of(held)
    assert len(filters) == 2 * places
    for entry in entries:
        place, number = (entry >> 32) * places >> 32, ((entry >> 24) * 0x9E3779B97F4A7C15 & MASK) >> 50
        mask = (number + 1) * 0x9E3779B97F4A7C15 & MASK
        mask = (mask ^ mask >> 32) * 0x9E3779B97F4A7C15 & MASK
        bits = [sum({1 << (mask >> shift & 63) for shift in shifts}) for shifts in ((58, 52, 46), (40, 34, 28))]
        assert filters[place] & bits[0] == bits[0]
        assert filters[places + place] & bits[1] == bits[1]
    found = {((entry >> 24) << 24 | (entry & 0xFFFFFF) + base) for entry in entries} | set(recent)
    expected = {
        key >> 24 << 24 | number for number, text in texts.items() if text for key in keys_by_hand(text, config)
    }
    assert expected <= found
    # What else is there belongs to texts that were removed.
    assert all(entry & 0xFFFFFF not in numbers for entry in found - expected)
    assert base <= min(numbers) <= last


# What is no index, or no longer.


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", r"must be an index\. Got an empty file\.$"),
        (b"id,text\n1,A new bell was hung.\n" * 100, r"must be an index\. Got a file of another kind\.$"),
        (b"SQLite format 3\0", r"must be an index\. Got a file of another kind\.$"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes, told: str, *, read_only: bool) -> None:
    """What is no index is told so, and stays as it is."""
    path = tmp_path / "notes.csv"
    path.write_bytes(content)
    with pytest.raises(IndexFileError, match=told):
        Index(path, read_only=read_only)
    assert path.read_bytes() == content


@pytest.mark.parametrize("read_only", [False, True])
def test_another_sqlite_file_is_refused(tmp_path: Path, *, read_only: bool) -> None:
    """An SQLite file of another kind is told so, and stays as it is."""
    path = tmp_path / "other.db"
    change(path, "CREATE TABLE settings (value TEXT); INSERT INTO settings VALUES ('mine')")
    before = path.read_bytes()
    with pytest.raises(IndexFileError, match=r"must be an index\. Got an SQLite file of another kind\.$"):
        Index(path, read_only=read_only)
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", [0, sqlite.FORMAT + 1])
def test_a_version_that_is_not_known_is_refused(path: Path, version: int) -> None:
    """A file of a newer version, or of none, is not touched."""
    change(path, f"PRAGMA user_version = {version}")
    with pytest.raises(
        IndexFileError, match=rf"must be of format version 1 to {sqlite.FORMAT}, .* Got version {version}\.$"
    ):
        Index(path)


@pytest.mark.parametrize("left", [10, 60, 99, 100, 4096, 0.3, 0.5, -8192, -100, -1])
def test_a_file_that_was_cut_short_is_refused(path: Path, left: float) -> None:
    """A file that lacks its end is told so, wherever it was cut."""
    content = path.read_bytes()
    cut = content[: int(len(content) * left if 0 < left < 1 else left)]
    path.write_bytes(cut)
    with pytest.raises(IndexFileError, match="must be"):
        Index(path)
    assert path.read_bytes() == cut


@pytest.mark.seconds
def test_a_changed_bit_is_told_or_changes_no_cluster(path: Path) -> None:
    """A bit that flipped is an error or a sentence of verify; where it is neither, the clusters are what they were."""
    content = path.read_bytes()
    chooser = random.Random(1)
    used = [place for place, byte in enumerate(content) if byte]
    outcomes = set()
    for place in chooser.sample(used, 80):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << chooser.randrange(8)]) + content[place + 1 :])
        for name in ("-wal", "-shm"):
            Path(f"{path}{name}").unlink(missing_ok=True)
        with within(20):
            try:
                with Index(path) as index:
                    faults = index.verify()
                    outcomes.add("told" if faults else "nothing")
                    assert faults or same_clusters(clusters(index))
            except DedupError:
                outcomes.add("error")
    assert outcomes == {"told", "nothing", "error"}


def same_clusters(found: list[tuple[int | None, str, tuple[str, ...]]]) -> bool:
    """Tell whether clusters are those of the sample; nothing can tell that a letter of an id is another one."""
    return [(number, len(members)) for number, _, members in found] == [(one, len(each)) for one, _, each in CLUSTERS]


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Fail when something takes longer."""

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_settings_that_are_none_are_refused(path: Path) -> None:
    """A file whose settings cannot be read is damaged."""
    change(path, "UPDATE settings SET value = '{}'")
    with pytest.raises(IndexFileError, match=r"must hold the settings of an index\. Got '\{\}'\.$"):
        Index(path)


def test_another_fold_version_is_refused(path: Path) -> None:
    """Texts that were folded in another way cannot be compared with new ones."""
    change(path, "UPDATE settings SET value = json_set(value, '$.fold_version', 99)")
    with pytest.raises(SchemeMismatch, match=r"must be of fold version \d+, as this library folds\. Got 99\.$"):
        Index(path)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    """A file is made only in a folder that is there, and only by one who writes."""
    with pytest.raises(IndexFileError, match=r"must be an index\. Got no file of that name\.$"):
        Index(tmp_path / "index.dedup", read_only=True)
    with pytest.raises(OutputError, match=r"must be a file that can be written\. Got: No such file or directory\.$"):
        Index(tmp_path / "nowhere" / "index.dedup")
    with pytest.raises(IndexFileError, match=r"must be an index\. Got a folder\.$"):
        Index(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_name_may_be_any(tmp_path: Path) -> None:
    """Marks that a URI or a shell would read otherwise are letters of the name."""
    path = tmp_path / "in?dex #1 %41 ä.dedup"
    with Index(path) as index:
        index.add(Article("a", TEXT))
    with Index(path, read_only=True) as index:
        assert len(index) == 1
    assert path in tmp_path.iterdir()


def test_a_new_file_takes_nothing_beside_it(tmp_path: Path) -> None:
    """Once it is closed an index is one file; what stood there while it was made is gone."""
    with Index(tmp_path / "index.dedup") as index:
        index.add(Article("a", TEXT))
    assert [each.name for each in tmp_path.iterdir()] == ["index.dedup"]


# What may not be written.


def test_a_file_that_may_only_be_read(shared: Path) -> None:
    """Who may not write is answered, and told so when he writes."""
    path = shared / "index.dedup"
    path.chmod(0o444)

    def work() -> None:
        with Index(path, read_only=True) as index:
            assert index.verify() == []
            assert clusters(index) == CLUSTERS
            with pytest.raises(OutputError, match="must be a file that can be written"):
                index.add(Article("new", TEXT))
            assert "new" not in index
        with Index(path) as index, pytest.raises(OutputError, match="must be a file that can be written"):
            index.remove("bell")

    shared.chmod(0o777)
    in_child(work)
    assert path.read_bytes() == SAMPLE.read_bytes()


def test_a_folder_that_may_only_be_read(shared: Path) -> None:
    """An index on a medium that cannot be written answers, and can be copied from there."""
    path = shared / "index.dedup"
    shared.chmod(0o555)

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder, Index(path, read_only=True) as index:
            assert clusters(index) == CLUSTERS
            with pytest.raises(OutputError, match="must be a file that can be written"):
                index.add(Article("new", TEXT))
            with pytest.raises(OutputError, match="must be a file that can be written"):
                index.backup(shared / "copy.dedup")
            index.backup(Path(folder, "copy.dedup"))
            with Index(Path(folder, "copy.dedup")) as copy:
                assert clusters(copy) == CLUSTERS
        with pytest.raises(OutputError, match="must be a file that can be written"):
            Index(shared / "new.dedup")

    in_child(work)
    assert [each.name for each in shared.iterdir()] == ["index.dedup"]


def test_a_log_that_cannot_be_read_is_not_passed_over(shared: Path) -> None:
    """Where the writer died and the reader may write nothing, he is told instead of getting an old state."""
    path, copy = shared / "index.dedup", shared / "died.dedup"
    with Index(path) as index:
        index.add(Article("new", TEXT))
        shutil.copy(path, copy)
        shutil.copy(f"{path}-wal", f"{copy}-wal")
    for each in shared.iterdir():
        each.chmod(0o444)
    shared.chmod(0o555)

    def work() -> None:
        with pytest.raises(IndexFileError, match="must be opened first by one who may write"):
            Index(copy, read_only=True)

    in_child(work)
    shared.chmod(0o755)
    copy.chmod(0o644)
    Path(f"{copy}-wal").chmod(0o644)
    with Index(copy) as index:
        assert "new" in index


def test_a_file_of_which_nothing_may_be_read(shared: Path) -> None:
    """Who may not read is told so."""
    path = shared / "index.dedup"
    path.chmod(0)

    def work() -> None:
        for read_only in (False, True):
            with pytest.raises(IndexFileError, match=r"must be an index that can be read\. Got no permission\.$"):
                Index(path, read_only=read_only)

    in_child(work)


# A full disk.


def test_a_full_file_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    """When there is no room an addition fails whole, and works once there is."""
    with Index(tmp_path / "index.dedup") as index:
        store: Any = index._store
        index.add_batch(articles(0, 5))
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
        before, log = clusters(index), index.events()
        with pytest.raises(OutputError, match=r"must be a file that can be written.* full"):
            index.add_batch(articles(5, 25))
        assert (clusters(index), index.events()) == (before, log)
        assert index.verify() == []
        store._connection.execute("PRAGMA max_page_count = 1000000")
        index.add_batch(articles(5, 25))
        assert (len(index), index.verify()) == (25, [])


@pytest.mark.parametrize("durability", ["normal", "full"])
def test_a_full_disk_keeps_what_was_acknowledged(tmp_path: Path, durability: Any) -> None:
    """When the system refuses to let the file or its log grow, what was acknowledged is there, and goes on later."""
    path = tmp_path / "index.dedup"
    acknowledged = tmp_path / "acknowledged"
    acknowledged.write_text("0")
    tmp_path.chmod(0o755)

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with Index(path, durability=durability) as index:
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, hard))
            done = fill(index)
            assert (len(index), index.verify()) == (done, [])
            acknowledged.write_text(str(done))
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            index.add_batch(articles(1000, 1005))
            assert index.verify() == []

    in_process(work)
    done = int(acknowledged.read_text())
    assert done > 0
    with Index(path) as index:
        assert {article.id for article in index} == {article.id for article in articles(0, done) + articles(1000, 1005)}
        assert index.verify() == []


def fill(index: Index) -> int:
    """Add articles until there is no room; return how many there are."""
    done = 0
    while True:
        try:
            index.add_batch(articles(done, done + 5))
        except OutputError:
            return done
        done += 5


def in_process(work: Callable[[], None]) -> None:
    """Do something in a process of its own, with the rights of this one."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the exit code tells
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


# What cannot be asked for.


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"linkage": "components"}, r"linkage must be 'canonical' in an index\. Got 'components'\.$"),
        ({"exhaustive": 256}, r"exhaustive must be 0 in an index\. Got 256\.$"),
        ({"clean": "auto"}, r"clean must be 'pages' or 'off' in an index\. Got 'auto'\.$"),
        ({"keep": KeepPolicy(key=lambda article: len(article.text))}, r"keep must have no key in an index"),
        ({"keep": lambda article: len(article.text)}, r"keep must have no key in an index"),
        ({"threshold": 0}, r"threshold must be in \(0\.0, 1\.0\]\. Got 0"),
        ({"colour": "red"}, r"settings must be among .* Got 'colour'\.$"),
        ({"durability": "none"}, r"durability must be .* Got 'none'\.$"),
        ({"timeout": -1}, r"timeout must be .* Got -1"),
    ],
)
def test_what_no_index_does_is_refused(tmp_path: Path, settings: dict[str, Any], told: str) -> None:
    """A setting that an index cannot have is told, and no file is made."""
    with pytest.raises(InvalidArgumentError, match=told):
        Index(tmp_path / "index.dedup", **settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "settings", [{"threshold": 0.8}, {"seed": 3}, {"clean": "off"}, {"keep": KeepPolicy(order=("longest",))}]
)
def test_other_settings_than_those_of_the_file_are_refused(path: Path, settings: dict[str, Any]) -> None:
    """Who asks for other settings is told those of the file, which stays as it is."""
    (name,) = settings
    with pytest.raises(InvalidArgumentError, match=rf"^{name} must be .*, as in the index, or left out\. Got"):
        Index(path, **settings)
    with Index(path, threshold=0.5, clean="pages", threads=3) as index:
        assert (index.config.threads, index.verify()) == (3, [])


def test_a_closed_index_is_refused(path: Path) -> None:
    """Nothing works any more once it is closed; to close it again does nothing."""
    index = Index(path)
    index.close()
    index.close()
    calls: list[Callable[[], object]] = [
        lambda: index.add(Article("a", TEXT)),
        lambda: index.add_batch([]),
        lambda: index.query(TEXT),
        lambda: index.get("bell"),
        lambda: index.remove("bell"),
        lambda: index.expire("2025-01-01"),
        lambda: list(index),
        lambda: list(index.clusters()),
        lambda: len(index),
        lambda: "bell" in index,
        index.events,
        index.verify,
        index.compact,
        lambda: index.backup(path.with_name("copy")),
    ]
    for call in calls:
        with pytest.raises(InvalidArgumentError, match=r"^index must be open\. Got one that is closed\.$"):
            call()


def test_another_writer_is_waited_for(path: Path) -> None:
    """A file that is locked for longer than the timeout is busy, and works once it is free."""
    with Index(path, timeout=0.1) as index, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(IndexBusyError, match=r"must be free to write within 0\.1 s\. Got another writer\.$"):
            index.remove("bell")
        assert "bell" in index
        other.execute("ROLLBACK")
        assert index.remove("bell")


# Ids and texts of every kind.


def test_an_id_that_is_no_unicode_is_refused(path: Path) -> None:
    """An id with a lone surrogate is told; nothing is added, and nothing is found under it."""
    with Index(path) as index:
        with pytest.raises(InputError, match=r"^id must be valid Unicode in an index\. Got 'a\\udc80'\.$"):
            index.add_batch([Article("b", TEXT), Article("a\udc80", TEXT)])
        assert "b" not in index
        assert (len(index), index.verify()) == (12, [])


def test_names_that_are_no_unicode_name_nothing(path: Path) -> None:
    """A name that no document can have is not there."""
    with Index(path) as index:
        assert "a\udc80" not in index
        assert index.get("a\udc80") is None
        assert index.cluster("a\udc80") is None
        assert index.match("a\udc80") is None
        assert not index.remove("a\udc80")


@pytest.mark.parametrize(
    "name", ["x" * 1_000_000, "a\0b", "a\0", "\0", "'; DROP TABLE documents; --", "\U0001f600", " "]
)
def test_an_id_may_be_anything_else(path: Path, name: str) -> None:
    """Very long ids, and ids with any character in them, are ids like others."""
    with Index(path) as index:
        index.add(Article(name, TEXT))
        index.add(Article("a", "Other words that have nothing to do with it."))
        assert [index.get(each) is not None for each in (name, "a")] == [True, True]
        assert index.events(after=14)[0].documents == (name,)
        assert index.verify() == []
    with Index(path) as index:
        assert index.remove(name)
        assert "a" in index


@pytest.mark.parametrize("text", ["a\0b " + TEXT, "\0", "\ud800 " + TEXT, "\U0001f600", "\r\n" + TEXT])
def test_a_text_may_be_anything(path: Path, text: str) -> None:
    """A text is kept as it is, whatever characters it has, and is known again."""
    with Index(path, read_only=False) as index:
        index.add(Article("a", text))
        kept = index.get("a")
        assert kept is not None
    with Index(path) as index:
        assert index.get("a") == kept
        assert index.add(Article("a", text)).action == "unchanged"
        assert index.verify() == []


def test_fields_keep_what_a_database_can_hold(path: Path) -> None:
    """Of a field with a lone surrogate the rest is kept; NUL and every other field come back as they were."""
    given = Article("a", TEXT, source="A\0B", title="x\udc80y", url="\U0001f600", extra={"deep": [1, {"k": None}]})
    with Index(path) as index:
        index.add(given)
        kept = index.get("a")
    assert kept is not None
    assert (kept.source, kept.title, kept.url, kept.extra) == ("A\0B", "x?y", "\U0001f600", given.extra)


@pytest.mark.seconds
def test_a_long_text_is_kept(path: Path) -> None:
    """A text of a million words is added, found and removed."""
    text = " ".join(f"w{number}" for number in range(1_000_000))
    with Index(path, clean="pages") as index:
        index.add(Article("long", text))
        kept = index.get("long")
        assert kept is not None
        assert kept.text == text
        assert index.query(text.upper()).canonical == "long"
        assert index.remove("long")
        assert index.verify() == []


def test_a_text_that_is_too_long_changes_nothing(path: Path) -> None:
    """A text above the limit of 64 MiB is an error, and the batch that it came in is not added."""
    with Index(path) as index:
        before, log = clusters(index), index.events(after=2)
        with pytest.raises(InputError, match=r"^text of 'a' must be at most 64 MiB of UTF-8\. Got \d+ bytes\.$"):
            index.add_batch([Article("b", TEXT), Article("a", "word " * (14 << 20))])
        assert (clusters(index), index.events(after=2)) == (before, log)
        index.add(Article("b", TEXT))
        assert index.verify() == []


def test_an_error_leaves_the_index_as_it_was(path: Path) -> None:
    """A batch with one article that cannot be added adds nothing."""
    with Index(path) as index:
        for wrong in ([Article("b", TEXT), {"id": "c"}], [Article("b", TEXT), Article("b", "Other words.")]):
            with pytest.raises((InputError, DuplicateIdError)):
                index.add_batch(wrong)
        assert (clusters(index), index.verify()) == (CLUSTERS, [])


# What the tables hold.


def test_a_file_is_made_with_the_pages_and_the_log_that_it_is_to_have(tmp_path: Path) -> None:
    """Page size and log mode are those of the format, and stay so."""
    path = tmp_path / "index.dedup"
    with Index(path) as index:
        index.add(Article("a", TEXT))
        index.compact()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (8192,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert stat.S_ISREG(path.stat().st_mode)


def test_settings_are_kept_as_json(path: Path) -> None:
    """The one row of settings is an object with every setting that results depend on, and the fold version."""
    with closing(sqlite3.connect(path)) as connection:
        ((value,),) = connection.execute("SELECT value FROM settings").fetchall()
    found = json.loads(value)
    assert found["threshold"] == 0.5
    assert "threads" not in found
    assert "fold_version" in found


def test_values_of_another_type_are_told(path: Path) -> None:
    """SQLite takes any value in any column; verify does not."""
    change(path, "UPDATE texts SET digest = 0.5 WHERE number = 1")
    with Index(path) as index:
        (fault,) = index._current().verify()
    assert fault == "1 rows of the table texts have values of another type."


def test_an_event_that_cannot_be_read_is_told(path: Path) -> None:
    """An event whose documents are no list is damage, whether it is read or verified."""
    change(path, "UPDATE events SET documents = '[\"gone' WHERE position = 14")
    with Index(path) as index:
        assert index.verify() == ["1 events have no list of documents."]
        with pytest.raises(IndexFileError, match="must be an index that is not damaged"):
            index.events(after=2)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER late AFTER INSERT ON texts BEGIN DELETE FROM events; END",
        "CREATE VIEW late AS SELECT * FROM events",
    ],
)
def test_what_would_run_by_itself_is_refused(path: Path, statement: str) -> None:
    """A file with a trigger or a view, which an index never has, is not opened."""
    change(path, statement)
    kind = statement.split()[1].lower()
    with pytest.raises(IndexFileError, match=rf"must have no triggers and no views\. Got the {kind} 'late'\.$"):
        Index(path)


@pytest.mark.parametrize("size", [-1, 2**44, 2**62])
def test_a_false_size_of_a_text_is_damage(path: Path, size: int) -> None:
    """A text that says it is larger than memory, or smaller than nothing, is an error of ours."""
    change(path, f"UPDATE words SET size = {size}")
    with Index(path) as index, pytest.raises(IndexFileError, match="must be an index that is not damaged"):
        list(index)
