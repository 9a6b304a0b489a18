"""An index in memory: plain dicts and lists, the reference for every other store."""

from __future__ import annotations

import copy
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup.errors import OutputError
from dedup.protocols import Counts, Neighbour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dedup.model import Event
    from dedup.protocols import Clock, Document, Pair, Text


class MemoryStore:
    """A store that lives as long as its process: see `Store`.

    Args:
        settings: The settings of the index.
    """

    def __init__(self, settings: str = "") -> None:
        self._settings = settings
        self._numbers = [1, 1, 1]
        self._documents: dict[int, Document] = {}
        self._ids: dict[str, int] = {}
        self._items: dict[str, set[int]] = defaultdict(set)
        self._documents_of: dict[int, set[int]] = defaultdict(set)
        self._texts: dict[int, Text] = {}
        self._words: dict[int, str] = {}
        self._digests: dict[int, set[int]] = defaultdict(set)
        self._members: dict[int, set[int]] = defaultdict(set)
        self._canonicals: dict[int, int] = {}
        self._keys: dict[int, NDArray[np.uint64]] = {}
        self._having: dict[int, dict[int, None]] = defaultdict(dict)
        self._pairs: dict[int, dict[int, Neighbour]] = defaultdict(dict)
        self._by_size: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        self._events: list[Event] = []
        self._last_event = 0
        #: What undoes each step of the transaction, in the order of the steps.
        self._undo: list[tuple[Callable[..., object], tuple[object, ...]]] = []

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[None]:  # noqa: ARG002 - one at a time, whatever it does
        try:
            yield
        except BaseException:
            steps, self._undo = self._undo, []
            for undo, arguments in reversed(steps):
                undo(*arguments)
            raise
        finally:
            self._undo.clear()

    def close(self) -> None:
        pass

    def settings(self) -> str:
        return self._settings

    def next_numbers(self) -> tuple[int, int, int]:
        document, text, cluster = self._numbers
        return document, text, cluster

    def _take_numbers(self, kind: int, numbers: Iterable[int]) -> None:
        before = self._numbers[kind]
        self._undo.append((self._numbers.__setitem__, (kind, before)))
        self._numbers[kind] = max([before, *(number + 1 for number in numbers)])

    def texts(self, numbers: Iterable[int]) -> dict[int, Text]:
        return {number: copy.copy(self._texts[number]) for number in numbers if number in self._texts}

    def with_digest(self, digests: Sequence[int]) -> list[tuple[int, int]]:
        return [(digest, number) for digest in digests for number in sorted(self._digests.get(digest, ()))]

    def save_texts(self, texts: Sequence[Text]) -> None:
        self._take_numbers(1, (text.number for text in texts))
        for text in texts:
            self._put_text(text.number, copy.copy(text))

    def _put_text(self, number: int, text: Text | None) -> None:
        """Keep a text in place of the one of its number; None keeps none."""
        before = self._texts.get(number)
        self._undo.append((self._put_text, (number, before)))
        self._texts.pop(number, None)
        if before is not None:
            _discard(self._digests, before.digest, number)
            _discard(self._members, before.cluster, number)
        if text is not None:
            self._texts[number] = text
            self._members[text.cluster].add(number)
            if text.tokens:
                self._digests[text.digest].add(number)

    def delete_texts(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._put_text(number, None)
            self._undo.append((self._words.__setitem__, (number, self._words[number])))
            del self._words[number]
            self._put_keys(number, None)
            for pair in list(self._pairs.get(number, {}).values()):
                self._drop_pair(number, pair)

    def words(self, numbers: Sequence[int]) -> dict[int, str]:
        return {number: self._words[number] for number in numbers if number in self._words}

    def save_words(self, words: Sequence[tuple[int, str]]) -> None:
        for number, text in words:
            self._undo.append((self._words.pop, (number, None)))
            self._words[number] = text

    def canonicals(self, clusters: Iterable[int]) -> dict[int, int]:
        return {cluster: self._canonicals[cluster] for cluster in clusters if cluster in self._canonicals}

    def save_clusters(self, canonicals: dict[int, int]) -> None:
        self._take_numbers(2, canonicals)
        for cluster, number in canonicals.items():
            self._put_cluster(cluster, number)

    def delete_clusters(self, clusters: Sequence[int]) -> None:
        for cluster in clusters:
            self._put_cluster(cluster, None)

    def _put_cluster(self, cluster: int, number: int | None) -> None:
        before = self._canonicals.get(cluster)
        self._undo.append((self._put_cluster, (cluster, before)))
        self._canonicals.pop(cluster, None)
        if number is not None:
            self._canonicals[cluster] = number

    def texts_in(self, cluster: int) -> list[int]:
        return sorted(self._members.get(cluster, ()))

    def clusters_after(self, cluster: int, most: int) -> list[tuple[int, int]]:
        return sorted(item for item in self._canonicals.items() if item[0] > cluster)[:most]

    def find(
        self, keys: NDArray[np.uint64], most: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        places, numbers = [], []
        over = np.zeros(len(keys), np.bool_)
        for place, key in enumerate(keys.tolist()):
            having = self._having.get(key, {})
            over[place] = len(having) > most
            for number, _ in zip(having, range(most), strict=False):
                places.append(place)
                numbers.append(number)
        return np.array(places, np.int64), np.array(numbers, np.int64), over

    def add_keys(self, numbers: Sequence[int], keys: Sequence[NDArray[np.uint64]]) -> None:
        for number, values in zip(numbers, keys, strict=True):
            self._put_keys(number, values)

    def _put_keys(self, number: int, keys: NDArray[np.uint64] | None) -> None:
        before = self._keys.get(number)
        self._undo.append((self._put_keys, (number, before)))
        self._keys.pop(number, None)
        for key in () if before is None else before.tolist():
            # An interrupted step may have noted only some of them.
            self._having[key].pop(number, None)
            if not self._having[key]:
                del self._having[key]
        if keys is not None:
            self._keys[number] = keys
            for key in keys.tolist():
                self._having[key][number] = None

    def neighbours(self, text: int, most: int | None = None) -> list[Neighbour]:
        return list(self._pairs.get(text, {}).values())[:most]

    def parts(self, text: int, relation: int, most: int, below: int | None = None) -> list[Neighbour]:
        by_size = self._by_size.get((text, relation), [])
        stop = len(by_size) if below is None else bisect_left(by_size, (below,))
        return [self._pairs[text][other] for _, other in by_size[max(0, stop - most) : stop][::-1]]

    def pair(self, text: int, other: int) -> Neighbour | None:
        return self._pairs.get(text, {}).get(other)

    def pairs_with(self, text: int, others: Sequence[int]) -> dict[int, Neighbour]:
        near = self._pairs.get(text, {})
        return {other: near[other] for other in others if other in near}

    def save_pairs(self, pairs: Sequence[Pair]) -> None:
        for pair in pairs:
            self._put_pair(pair.text, Neighbour(*pair[1:]))

    def _put_pair(self, text: int, pair: Neighbour) -> None:
        self._undo.append((self._drop_pair, (text, pair)))
        other = pair._replace(other=text, size=pair.other_size, other_size=pair.size)
        for number, neighbour in ((text, pair), (pair.other, other)):
            self._pairs[number][neighbour.other] = neighbour
            insort(self._by_size[number, pair.relation], (neighbour.other_size, neighbour.other))

    def _drop_pair(self, text: int, pair: Neighbour) -> None:
        self._undo.append((self._put_pair, (text, pair)))
        for number, other, size in ((text, pair.other, pair.other_size), (pair.other, text, pair.size)):
            by_size = self._by_size[number, pair.relation]
            place = bisect_left(by_size, (size, other))
            # An interrupted step may have noted only one side.
            if by_size[place : place + 1] == [(size, other)]:
                del by_size[place]
            self._pairs[number].pop(other, None)
            if not by_size:
                del self._by_size[number, pair.relation]
            if not self._pairs[number]:
                del self._pairs[number]

    def count_documents(self) -> int:
        return len(self._documents)

    def named(self, names: Sequence[str]) -> dict[str, Document]:
        return {name: self._documents[self._ids[name]] for name in names if name in self._ids}

    def documents(self, numbers: Iterable[int]) -> dict[int, Document]:
        return {number: self._documents[number] for number in numbers if number in self._documents}

    def documents_of(self, texts: Sequence[int]) -> list[Document]:
        found = [self._documents[number] for text in texts for number in self._documents_of.get(text, ())]
        return sorted(found, key=lambda document: document.rank)

    def best_of(self, text: int) -> Document | None:
        found = [self._documents[number] for number in self._documents_of.get(text, ())]
        return min(found, key=lambda document: document.rank, default=None)

    def items_of(self, parent: str) -> list[Document]:
        return [self._documents[number] for number in sorted(self._items.get(parent, ()))]

    def older(self, before: float, clock: Clock) -> list[Document]:
        documents = [self._documents[number] for number in sorted(self._documents)]
        return [one for one in documents if (one.arrived if clock == "arrived" else one.last) < before]

    def documents_after(self, number: int, most: int) -> list[Document]:
        return [self._documents[one] for one in sorted(self._documents) if one > number][:most]

    def add_documents(self, documents: Sequence[Document]) -> None:
        self._take_numbers(0, (document.number for document in documents))
        for document in documents:
            self._put_document(document)

    def delete_documents(self, documents: Sequence[Document]) -> None:
        for document in documents:
            self._drop_document(document)

    def _put_document(self, document: Document) -> None:
        self._undo.append((self._drop_document, (document,)))
        self._documents[document.number] = document
        self._ids[document.id] = document.number
        self._documents_of[document.text].add(document.number)
        if document.parent is not None:
            self._items[document.parent].add(document.number)

    def _drop_document(self, document: Document) -> None:
        self._undo.append((self._put_document, (document,)))
        self._documents.pop(document.number, None)
        self._ids.pop(document.id, None)
        _discard(self._documents_of, document.text, document.number)
        if document.parent is not None:
            _discard(self._items, document.parent, document.number)

    def add_events(self, events: Sequence[Event]) -> None:
        self._undo.append((self._cut_events, (self._last_event, len(self._events))))
        for event in events:
            self._last_event += 1
            self._events.append(replace(event, position=self._last_event))

    def _cut_events(self, last: int, count: int) -> None:
        self._last_event = last
        del self._events[count:]

    def events(self, after: int, most: int) -> list[Event]:
        start = bisect_right(self._events, after, key=lambda event: event.position)
        return self._events[start : start + most]

    def event_bounds(self) -> tuple[int, int]:
        return self._last_event - len(self._events), self._last_event

    def delete_events(self, until: int) -> int:
        gone = self._events[: bisect_right(self._events, until, key=lambda event: event.position)]
        del self._events[: len(gone)]
        self._undo.append((self._events.__setitem__, (slice(0, 0), gone)))
        return len(gone)

    def counts(self) -> Counts:
        return Counts(
            documents=len(self._documents),
            texts=len(self._texts),
            clusters=len(self._canonicals),
            pairs=sum(map(len, self._pairs.values())) // 2,
            crowded=sum(text.crowded for text in self._texts.values()),
            events=len(self._events),
            size=0,
        )

    def compact(self) -> None:
        pass

    def backup(self, path: str) -> None:
        raise OutputError(
            f"path must be one that an index in a file is copied to; this one is in memory. Got {path!r}."
        )

    def verify(self) -> list[str]:
        return []


def _discard(sets: dict[Any, set[int]], key: object, number: int) -> None:
    """Take a number out of the set of a key, and the key when nothing is left."""
    if key in sets:
        sets[key].discard(number)
        if not sets[key]:
            del sets[key]
