"""The code of `docs/how-to/index-in-a-pipeline.md` does what the page says when processes die and messages are bad."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dedup
from pages import ROOT, blocks_of

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS = blocks_of(ROOT / "docs" / "how-to" / "index-in-a-pipeline.md")
WORDS = (
    "harbour",
    "wall",
    "tide",
    "ferry",
    "crane",
    "council",
    "summer",
    "bridge",
    "island",
    "winter",
    "pilot",
    "light",
    "storm",
    "plank",
    "stone",
    "rope",
)


class Queue:
    """A queue that delivers each message until it is acknowledged, as real ones do."""

    def __init__(self, messages: list[str]) -> None:
        self.waiting = list(messages)
        self.dead_letters: list[tuple[str, str]] = []

    def receive(self, most: int) -> list[str]:
        """Return messages, which stay until they are acknowledged."""
        return self.waiting[:most]

    def acknowledge(self, messages: list[str]) -> None:
        """Forget messages."""
        self.waiting = self.waiting[len(messages) :]

    def reject(self, message: str, reason: str) -> None:
        """Put a message aside."""
        self.dead_letters.append((message, reason))


def code_of(heading: str) -> str:
    """Return the first Python block below a heading."""
    return next(block.code for block in BLOCKS if (block.heading, block.language) == (heading, "python"))


def run(heading: str) -> dict[str, Any]:
    """Run the first Python block below a heading; return what it defines."""
    names: dict[str, Any] = {}
    exec(code_of(heading), names)
    return names


def article(number: int, text: str | None = None) -> str:
    """Return an article as a message: a story of its own for each number."""
    words = " ".join(f"{word}{number}" for word in WORDS)
    return json.dumps({"id": f"a{number}", "text": words if text is None else text})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work where the files that an example writes do no harm."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


#: A worker whose process ends, without any clean-up, when it is about to acknowledge.
DYING = """
import os
import sys


class Queue:
    def receive(self, most):
        return json.loads(sys.argv[1])

    def acknowledge(self, messages):
        os._exit(9)


work(Queue(), "news.dedup")
"""


@pytest.mark.seconds
@pytest.mark.parametrize("deaths", [0, 2])
def test_a_worker_that_dies_before_it_acknowledges_changes_nothing(deaths: int) -> None:
    """Messages that come again after a crash leave the documents, clusters and events of one delivery."""
    messages = [*map(article, range(5)), article(5, json.loads(article(0))["text"])]
    code = code_of("A queue consumer") + DYING
    for _ in range(deaths):
        assert (
            subprocess.run([sys.executable, "-c", code, json.dumps(messages)], check=False, timeout=60).returncode == 9
        )
    queue = Queue(messages)
    run("A queue consumer")["work"](queue, "news.dedup")
    assert not queue.waiting
    with dedup.Index("news.dedup") as index, dedup.Index(":memory:") as once:
        once.add_batch(list(map(json.loads, messages)))
        assert list(index.clusters()) == list(once.clusters())
        assert index.events() == once.events()
        assert [one.id for one in index] == [f"a{number}" for number in range(6)]
        assert not index.verify()


def test_what_comes_again_is_told_as_unchanged() -> None:
    """A match that is asked for again has the same cluster, canonical and relation, but tells no news."""
    with dedup.Index(":memory:") as index:
        batch = [json.loads(article(0)), json.loads(article(1))]
        first, second = index.add_batch(batch), index.add_batch(batch)
        assert [match.is_new for match in first] == [True, True]
        assert [(match.action, match.is_new, match.previous) for match in second] == [("unchanged", False, None)] * 2
        assert [match.cluster for match in first] == [match.cluster for match in second]


BAD = [
    "no json",
    "[" * 100_000,
    "[]",
    '"text"',
    "null",
    "{}",
    '{"text": "without a name"}',
    '{"id": "x"}',
    '{"id": "x", "text": 5}',
    '{"id": "", "text": "x"}',
    '{"id": "\\ud800", "text": "x"}',
]


@pytest.mark.parametrize("bad", BAD)
def test_poison_is_put_aside(bad: str) -> None:
    """A message that is no article goes to the dead letters, once and with a reason; the others are added."""
    work = run("A queue consumer")["work"]
    queue = Queue([article(0), bad, article(1)])
    work(queue, "news.dedup")
    assert not queue.waiting
    assert [message for message, reason in queue.dead_letters if reason] == [bad]
    with dedup.Index("news.dedup") as index:
        assert sorted(one.id for one in index) == ["a0", "a1"]


def test_two_texts_with_one_id_come_one_by_one() -> None:
    """Of two texts with one id in a batch the second counts, and neither is put aside."""
    work = run("A queue consumer")["work"]
    queue = Queue([article(0), article(0, "Another text."), article(1)])
    work(queue, "news.dedup")
    assert not queue.dead_letters
    with dedup.Index("news.dedup") as index:
        assert {one.id: one.text for one in index}["a0"] == "Another text."


def test_a_busy_index_is_no_fault_of_the_message() -> None:
    """While another writer holds the file, the worker ends, and its messages are neither lost nor put aside."""
    names = run("A queue consumer")
    queue = Queue([article(0)])
    dedup.Index("news.dedup").close()
    with (
        closing(sqlite3.connect("news.dedup", isolation_level=None)) as other,
        dedup.Index("news.dedup", timeout=0.01) as index,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(dedup.errors.IndexBusyError):
            names["consume"](queue, index)
        other.execute("ROLLBACK")
    assert queue.waiting
    assert not queue.dead_letters


class Broken(Exception):  # noqa: N818 - stands for whatever ends a follower
    """Ends a follower in the middle of the log."""


# Windows of one row of words: those further apart are linked only through another, so clusters merge and split.
texts = st.integers(0, 6).map(lambda start: " ".join(WORDS[start : start + 10]))
ids = st.sampled_from("abcdefgh")
days = st.integers(1, 9).map(lambda day: f"2026-03-0{day}")
adding = st.tuples(st.just("add"), ids, texts, days)
steps = st.one_of(
    adding,
    adding,
    adding,
    st.tuples(st.just("remove"), ids),
    st.tuples(st.just("expire"), st.sampled_from(["2026-03-02", "2026-03-03"])),
    st.tuples(st.just("follow")),
    st.tuples(st.just("die"), st.integers(0, 3)),
)


@given(st.lists(steps, min_size=10, max_size=30))
def test_a_follower_has_the_same_clusters(taken: list[tuple[Any, ...]]) -> None:
    """Tables that follow the log, also through crashes in the middle of it, hold the clusters of the index."""
    example = run("Follow the event log")
    follow, apply = example["follow"], example["apply"]

    def die_after(left: int) -> Any:
        def apply_some(event: dedup.Event, database: sqlite3.Connection) -> None:
            nonlocal left
            apply(event, database)
            left -= 1
            if left < 0:
                raise Broken

        return apply_some

    with dedup.Index(":memory:", clean="off", min_excerpt=3) as index, closing(sqlite3.connect(":memory:")) as database:
        database.executescript(example["TABLES"])
        for step, *values in [*taken, ("follow",)]:
            if step == "add":
                index.add(dict(zip(("id", "text", "published"), values, strict=True)))
            elif step == "remove":
                index.remove(*values)
            elif step == "expire":
                index.expire(*values)
            elif step == "follow":
                follow(index, database)
            else:
                example["apply"] = die_after(*values)
                with suppress(Broken):
                    follow(index, database)
                example["apply"] = apply
            # A position is committed together with what it stands for.
            assert not database.in_transaction
        stories = dict(database.execute("SELECT canonical, cluster FROM story"))
        members = dict(database.execute("SELECT document, cluster FROM member"))
        clusters = list(index.clusters())
    assert stories == {cluster.canonical: cluster.number for cluster in clusters}
    assert members == {member: cluster.number for cluster in clusters for member in cluster.members}


def test_nightly_keeps_seven_backups(folder: Path) -> None:
    """The nightly script expires what is old, leaves a sound backup, and deletes the eighth."""
    with dedup.Index("news.dedup") as index:
        index.add(json.loads(article(0)) | {"published": "2001-01-01"})
        index.add(json.loads(article(1)))
    (folder / "backup").mkdir()
    for day in range(1, 9):
        (folder / "backup" / f"news-2020010{day}T000000Z.dedup").touch()
    run("Expire and back up at night")
    copies = sorted((folder / "backup").iterdir())
    assert len(copies) == 7
    assert copies[0].name == "news-20200103T000000Z.dedup"
    with dedup.Index(copies[-1], read_only=True) as copy:
        assert [one.id for one in copy] == ["a1"]
        assert not copy.verify()
