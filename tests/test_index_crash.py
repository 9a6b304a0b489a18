"""The index after its process was killed: what was acknowledged is there, and no more than the one call beyond it."""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from dedup import Article, Index, deduplicate
from dedup.model import moments
from dedup.stores import postings, sqlite

if TYPE_CHECKING:
    from pathlib import Path

#: So small that all that happens once in ten thousand additions happens all the time.
TINY = {"_RECENT_TEXTS": 4, "_FAN_IN": 2, "_PAGE": 5, "_STEP": 64, "_PACE": 1}
SETTINGS: dict[str, Any] = {"min_excerpt": 8, "shingle_size": 2, "clean": "pages", "threads": 1}
STORIES, VARIANTS = 12, 5
WORDS = 60


def text_of(story: int, version: int) -> str:
    """Return a version of a story, of words that no other story has; each differs from the first in a few of them."""
    words = [f"w{story}x{number}" for number in range(WORDS)]
    chooser = random.Random(f"{story} {version}")
    for _ in range(version):
        words[chooser.randrange(WORDS)] = f"v{story}x{version}"
    # Some are cut so short that they are excerpts, or too far apart to be linked.
    return " ".join(words[: WORDS - chooser.randrange(version * 4 + 1)])


def article_of(story: int, variant: int, version: int) -> Article:
    """Return the article of an id as it stands in one of its versions; the last variant carries two stories."""
    text = text_of(story, version)
    if variant == VARIANTS - 1:
        text = f"{text} {text_of((story + 1) % STORIES, 0)}"
    published = f"2025-03-{1 + (story + 7 * variant) % 28:02}T{version:02}:00:00Z"
    return Article(f"{story}-{variant}", text, source=f"Outlet {variant}", published=published)


class Operation:
    """What is done with an index as the call of some number; that alone decides it."""

    def __init__(self, number: int) -> None:
        chooser = random.Random(number)
        self.kind = chooser.choices(["add", "remove", "expire", "compact"], [16, 5, 1, 1])[0]
        rows = chooser.sample(range(STORIES * VARIANTS), chooser.randint(1, 6))
        self.articles = [article_of(row // VARIANTS, row % VARIANTS, chooser.choice([0, 0, 1, 2, 6])) for row in rows]
        self.name = self.articles[0].id
        self.before = f"2025-03-{chooser.randint(2, 8):02}"

    def run(self, index: Index) -> None:
        """Do it."""
        if self.kind == "add":
            index.add_batch(self.articles)
        elif self.kind == "remove":
            index.remove(self.name)
        elif self.kind == "expire":
            index.expire(self.before)
        else:
            index.compact()

    def apply(self, there: dict[str, Article]) -> dict[str, Article]:
        """Return what is there afterwards."""
        if self.kind == "add":
            changed = {one.id: one for one in self.articles if one.id not in there or there[one.id].text != one.text}
            return there | changed
        if self.kind == "remove":
            return {name: one for name, one in there.items() if name != self.name}
        if self.kind == "expire":
            limit, _ = moments(self.before)
            return {name: one for name, one in there.items() if moments(one.published)[1] >= limit}
        return there


def start(path: Path, number: int) -> tuple[int, int]:
    """Start a process that does one call after the other, and says so after each; return it and where it says so."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return child, reader
    try:
        with Index(path) as index:
            while True:
                Operation(number).run(index)
                number += 1
                os.write(writer, b".")
    except BaseException:  # noqa: BLE001 - whoever reads sees that it was not killed
        os.write(writer, traceback.format_exc().encode())
    finally:
        os._exit(0)


def kill(child: int, reader: int, seconds: float) -> int:
    """Kill a process some time after its first call; return how many it did."""
    done = os.read(reader, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(reader, 1 << 16):
        done += more
    os.close(reader)
    assert done == b"." * len(done), done.decode()
    return len(done)


def check(path: Path, there: dict[str, Article]) -> None:
    """Check that an index is sound and has the clusters of a run over what is there."""
    with Index(path) as index:
        assert index.verify() == []
        result = deduplicate(list(there.values()), exhaustive=0, **SETTINGS)
        found = sorted(index.clusters(), key=lambda cluster: (-cluster.size, cluster.canonical))
        assert found == result.clusters


def die(path: Path, kills: int, seed: int) -> int:
    """Kill a writer so many times, and check what it left each time; return how many calls came through unheard."""
    with Index(path, **SETTINGS):
        pass
    chooser = random.Random(seed)
    there: dict[str, Article] = {}
    number = unheard = 0
    for _ in range(kills):
        done = kill(*start(path, number), chooser.choice([0.0, 0.002, 0.01, 0.05]) * chooser.random())
        for _ in range(done):
            there = Operation(number).apply(there)
            number += 1
        with Index(path) as index:
            found = {article.id: article.text for article in index}
        if found != texts(there):
            # The call that was under way when it died.
            there = Operation(number).apply(there)
            number += 1
            unheard += 1
        assert found == texts(there)
        check(path, there)
    return unheard


def texts(there: dict[str, Article]) -> dict[str, str]:
    """Return the texts by their ids."""
    return {name: article.text for name, article in there.items()}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make runs, pages, steps and the log small."""
    for name, value in TINY.items():
        monkeypatch.setattr(postings, name, value)
    monkeypatch.setattr(sqlite, "_CHECKPOINT", 20)


@pytest.mark.seconds
def test_nothing_is_lost_when_the_process_dies(tmp_path: Path) -> None:
    """Killed at any moment, the index has what was acknowledged, and the clusters of that."""
    die(tmp_path / "index.dedup", kills=25, seed=1)
    assert [each.name for each in tmp_path.iterdir()] == ["index.dedup"]


@pytest.mark.slow
def test_nothing_is_lost_when_the_process_dies_often(tmp_path: Path) -> None:
    """The same of many deaths, some of them between the writing of a call and its acknowledgement."""
    assert die(tmp_path / "index.dedup", kills=200, seed=2) > 0


@pytest.mark.seconds
def test_a_file_that_is_being_made_is_there_or_not(tmp_path: Path) -> None:
    """Killed while it makes the file, a process leaves none or a whole one; the next goes on."""
    path = tmp_path / "index.dedup"
    chooser = random.Random(3)
    for _ in range(12):
        path.unlink(missing_ok=True)
        child = os.fork()
        if not child:
            with Index(path) as index:
                index.add(article_of(0, 0, 0))
            os._exit(0)
        time.sleep(0.03 * chooser.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with Index(path) as index:
            index.add(article_of(0, 0, 0))
            assert len(index) == 1
            assert index.verify() == []
