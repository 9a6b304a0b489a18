"""Every store keeps what it is given: the same calls get the same answers from memory and from a file."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.model import Event
from dedup.protocols import Document, Pair, Text
from dedup.stores import postings
from dedup.stores.memory import MemoryStore
from dedup.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from dedup.protocols import Store

#: So small that a few texts make runs of several pages, which are merged.
TINY = {"_RECENT_TEXTS": 3, "_FAN_IN": 2, "_PAGE": 5, "_STEP": 8, "_PACE": 1}
#: The top 40 bits of each are its own, which is all of a key that a file keeps.
KEYS = np.arange(1, 9, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
DIGESTS = (0, 1, 2**63 - 1, 2**63, 2**64 - 1)
WORDS = ("", "\0", "A new bell.", "\ud800 half", "港の壁は月曜日に直されます。" * 9, "the bell " * 40)
NAMES = tuple("abcdefghij")
RELATIONS, SIZES = (1, 2, 3), (1, 5, 9)
MOMENTS = (float("-inf"), 0.0, 1740787200.5, float("inf"))
NUMBERS = range(1, 30)


class FailedError(Exception):
    """What ends a transaction that is to be undone."""


def _fail(*, when: bool) -> None:
    if when:
        raise FailedError


class Model:
    """What drives a store: it knows no more than which calls are allowed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.documents: dict[int, Document] = {}
        self.texts: dict[int, Text] = {}
        self.pairs: set[tuple[int, int]] = set()

    def run(self, transactions: list[tuple[list[tuple[Any, ...]], bool]]) -> list[Any]:
        """Do some transactions, of which some fail; return what the store answers between and at the end of them."""
        answers = []
        for operations, fails in transactions:
            kept = self.documents.copy(), self.texts.copy(), self.pairs.copy()
            try:
                with self.store.transaction(write=True):
                    for name, *arguments in operations:
                        getattr(self, name)(*arguments)
                    answers.append(answer(self.store))
                    _fail(when=fails)
            except FailedError:
                self.documents, self.texts, self.pairs = kept
            with self.store.transaction(write=False):
                answers.append(answer(self.store))
                assert self.store.verify() == []
        return answers

    def begin(self, drawn: list[tuple[Any, ...]]) -> None:
        """Begin texts, each with a document, words, keys and a cluster of its own."""
        document, text, cluster = self.store.next_numbers()
        texts = []
        for offset, (digest, words, keys, *marks) in enumerate(drawn):
            number = text + offset
            one = self._document(document + offset, number, words)
            if one is not None:
                texts.append((self._text(one, digest, cluster + offset, marks), words, KEYS[sorted(keys)]))
        self.store.save_texts([one for one, _, _ in texts])
        self.store.save_words([(one.number, words) for one, words, _ in texts])
        self.store.save_clusters({one.cluster: one.number for one, _, _ in texts})
        self.store.add_keys([one.number for one, _, _ in texts], [keys for _, _, keys in texts])

    def _document(self, number: int, text: int, words: str) -> Document | None:
        free = [name for name in NAMES if name not in {one.id for one in self.documents.values()}]
        if not free:
            return None
        first = MOMENTS[number % 4]
        one = Document(
            number=number,
            id=free[0],
            text=text,
            parent=NAMES[number % 3] if number % 4 == 0 else None,
            rank=bytes([255 - number % 200, number % 7]),
            first=first,
            last=max(first, MOMENTS[text % 4]),
            arrived=number + 0.5,
            source="Reuters" if number % 2 else None,
            published=None if number % 2 else "2025-03-01",
            title="A\0B" if number % 2 else None,
            url=None if number % 2 else "url",
            extra='{"page": 4}' if words else "",
            fingerprint=bytes(15) + b"\x01",
        )
        self.store.add_documents([one])
        self.documents[number] = one
        return one

    def _text(self, best: Document, digest: int, cluster: int, marks: list[bool]) -> Text:
        crowded, composite, roundup = marks
        text = Text(
            number=best.text,
            digest=digest,
            tokens=best.number % 3,
            shingles=best.number % 3 + 1,
            size=best.number % 5,
            samples=best.number % 4,
            rate=(1.0, 0.125, 0.3)[best.number % 3],
            crowded=crowded,
            composite=composite,
            roundup=roundup,
            cluster=cluster,
            best=best.number,
            rank=best.rank,
            first=best.first,
            last=best.last,
            source=best.source,
        )
        self.texts[text.number] = text
        return text

    def copy(self, place: int) -> None:
        """Add a document to a text; it becomes its best when it comes first in keep order."""
        if self.texts:
            text = self.texts[sorted(self.texts)[place % len(self.texts)]]
            self._document(self.store.next_numbers()[0], text.number, "copy")
            self._refresh(text)

    def _refresh(self, text: Text) -> None:
        """Note the best document of a text that is there."""
        best = min((one for one in self.documents.values() if one.text == text.number), key=lambda one: one.rank)
        changed = replace(text, best=best.number, rank=best.rank, first=best.first, last=best.last, source=best.source)
        self.texts[text.number] = changed
        self.store.save_texts([changed])

    def relate(self, one: int, other: int, relation: int, size: int, other_size: int) -> None:
        """Relate two texts that are not."""
        numbers = sorted(self.texts)
        if len(numbers) > 1:
            ends = numbers[one % len(numbers)], numbers[other % len(numbers)]
            if ends[0] != ends[1] and (min(ends), max(ends)) not in self.pairs:
                self.pairs.add((min(ends), max(ends)))
                self.store.save_pairs([Pair(*ends, relation, 1, size, other_size)])

    def join(self, one: int, other: int) -> None:
        """Put a text into the cluster of another; a cluster that nothing is in goes."""
        numbers = sorted(self.texts)
        if not numbers:
            return
        text, target = self.texts[numbers[one % len(numbers)]], self.texts[numbers[other % len(numbers)]]
        before, text.cluster = text.cluster, target.cluster
        self.store.save_texts([text])
        self.store.save_clusters({target.cluster: target.number})
        left = [each for each in self.texts.values() if each.cluster == before]
        if left:
            self.store.save_clusters({before: left[0].number})
        else:
            self.store.delete_clusters([before])

    def drop(self, places: list[int]) -> None:
        """Take documents out, and the texts and clusters that nothing has any more."""
        numbers = sorted(self.documents)
        gone = [self.documents.pop(numbers[place]) for place in sorted(set(places)) if place < len(numbers)]
        self.store.delete_documents(gone)
        used = {one.text for one in self.documents.values()}
        dead = [number for number in sorted(self.texts) if number not in used]
        ended = {self.texts.pop(number).cluster for number in dead} - {text.cluster for text in self.texts.values()}
        self.pairs = {pair for pair in self.pairs if not {*pair} & {*dead}}
        self.store.delete_texts(dead)
        self.store.delete_clusters(sorted(ended))
        for number in sorted({one.text for one in gone} & self.texts.keys()):
            self._refresh(self.texts[number])
        for text in self.texts.values():
            if self.store.canonicals([text.cluster])[text.cluster] in dead:
                self.store.save_clusters({text.cluster: text.number})

    def log(self, kinds: list[str]) -> None:
        """Write events."""
        self.store.add_events([Event(kind, 7, *rest) for kind, *rest in map(EVENTS.__getitem__, kinds)])

    def forget(self, share: float) -> None:
        """Drop the first events."""
        first, last = self.store.event_bounds()
        until = first + int((last - first) * share)
        assert self.store.delete_events(until) == until - first


EVENTS: dict[str, tuple[Any, ...]] = {
    "added": ("added", "a", ("a", "b\0", '"')),
    "removed": ("removed", None, ("a",)),
    "merged": ("merged", "a", (), 3),
}
BEGIN = st.tuples(
    st.sampled_from(DIGESTS),
    st.sampled_from(WORDS),
    st.sets(st.integers(0, len(KEYS) - 1)),
    *[st.booleans()] * 3,
)
PLACE = st.integers(0, 9)
OPERATION: SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.tuples(st.just("begin"), st.lists(BEGIN, min_size=1, max_size=4)),
    st.tuples(st.just("begin"), st.lists(BEGIN, min_size=1, max_size=4)),
    st.tuples(st.just("copy"), PLACE),
    st.tuples(
        st.just("relate"),
        *[PLACE] * 2,
        st.sampled_from(RELATIONS),
        st.sampled_from(SIZES),
        st.sampled_from(SIZES),
    ),
    st.tuples(st.just("join"), PLACE, PLACE),
    st.tuples(st.just("drop"), st.lists(PLACE, max_size=3)),
    st.tuples(st.just("log"), st.lists(st.sampled_from(sorted(EVENTS)), max_size=3)),
    st.tuples(st.just("forget"), st.sampled_from([0.0, 0.5, 1.0])),
)
TRANSACTIONS = st.lists(st.tuples(st.lists(OPERATION, max_size=5), st.booleans()), max_size=6)


def answer(store: Store) -> dict[str, Any]:
    """Return what every reading method answers; sorted where no order is promised."""
    counts = store.counts()
    texts = store.texts(NUMBERS)
    places, numbers, over = store.find(KEYS, 2)
    every = store.find(KEYS, 99)
    first, last = store.event_bounds()
    with_digest = store.with_digest(DIGESTS)
    names = store.named(NAMES)
    found: dict[str, Any] = {
        "settings": store.settings(),
        "numbers": store.next_numbers(),
        "texts": {number: tuple(getattr(text, name) for name in Text.__slots__) for number, text in texts.items()},
        "digest": sorted(with_digest),
        "words": store.words(list(NUMBERS)),
        "canonicals": store.canonicals(NUMBERS),
        "texts in": [store.texts_in(cluster) for cluster in NUMBERS],
        "clusters": [store.clusters_after(after, most) for after, most in product((0, 2, 99), (1, 50))],
        "find": sorted(zip(every[0].tolist(), every[1].tolist(), strict=True)),
        "find some": (np.bincount(places, minlength=len(KEYS)).tolist(), over.tolist()),
        "neighbours": [sorted(store.neighbours(number)) for number in NUMBERS],
        "few neighbours": [len(store.neighbours(number, 1)) for number in NUMBERS],
        "parts": [
            store.parts(number, relation, most, below)
            for number, relation, most, below in product(NUMBERS, RELATIONS, (1, 9), (None, 5, 9))
        ],
        "pair": [store.pair(one, other) for one, other in product(texts, texts)],
        "named": names,
        "documents": store.documents(NUMBERS),
        "documents of": store.documents_of(list(NUMBERS)),
        "best": [store.best_of(number) for number in NUMBERS],
        "items": [store.items_of(name) for name in NAMES],
        "older": [store.older(1740787200.5, "published"), store.older(4.0, "arrived")],
        "after": [store.documents_after(after, most) for after, most in product((0, 3, 99), (1, 50))],
        "events": [store.events(first, 99), store.events(first, 1), store.events(last, 9)],
        "bounds": (first, last),
        "counts": (counts.documents, counts.texts, counts.clusters, counts.pairs, counts.crowded, counts.events),
    }
    assert set(zip(places.tolist(), numbers.tolist(), strict=True)) <= set(found["find"])
    return found


@pytest.fixture(autouse=True, scope="module")
def _tiny() -> Any:
    """Make runs, pages and steps small."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in TINY.items():
            patch.setattr(postings, name, value)
        yield


@given(transactions=TRANSACTIONS)
def test_stores_answer_alike(transactions: list[tuple[list[tuple[Any, ...]], bool]]) -> None:
    """Whatever is done, kept or undone, a file answers as memory does, and so does the file opened again."""
    memory: Store = MemoryStore("some")
    expected = Model(memory).run(transactions)
    with TemporaryDirectory() as folder:
        path = str(Path(folder, "index"))
        file: Store = SqliteStore(path, read_only=False, full=False, timeout=1, settings="some")
        try:
            assert Model(file).run(transactions) == expected
            file.compact()
        finally:
            file.close()
        with memory.transaction(write=False):
            last = answer(memory)
        again: Store = SqliteStore(path, read_only=True, full=False, timeout=1)
        try:
            with again.transaction(write=False):
                assert answer(again) == last
                assert again.verify() == []
        finally:
            again.close()
            again.close()


def test_a_new_store_is_empty() -> None:
    """Of a new store every answer is nothing, and its first numbers are 1."""
    with TemporaryDirectory() as folder:
        stores: list[Store] = [
            MemoryStore("some"),
            SqliteStore(str(Path(folder, "index")), read_only=False, full=True, timeout=1, settings="some"),
        ]
        for store in stores:
            with store.transaction(write=False):
                found = answer(store)
            assert (found["settings"], found["numbers"], found["bounds"]) == ("some", (1, 1, 1), (0, 0))
            assert found["counts"] == (0,) * 6
            store.close()
