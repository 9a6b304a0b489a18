"""Clusters that are kept up as documents come and go: each change touches what it can change, and nothing else.

What follows from what: related pairs from two texts alone; whether a page is a roundup from its pairs and those among
its parts; who is canonical from the links to what comes before in keep order; the cluster of everybody else from the
canonicals it is linked to. A change starts at the texts that came or went, and goes on where something is different.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations, groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from dedup.kernels import native
from dedup.kernels.parallel import Pool
from dedup.matching.candidates import Candidates
from dedup.matching.lookup import Hits, Keys, keys_of, worth_comparing
from dedup.matching.roundups import CARRIED, LEAD, MOST_PARTS, PART, Parts, composite_pages
from dedup.matching.verify import DUPLICATE, EXCERPT, OVERLAP, TEMPLATE, UNRELATED, verify
from dedup.model import Event
from dedup.protocols import Neighbour, Pair, Text
from dedup.scratch import Strings
from dedup.stages import merge_equal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.kernels.sketches import Sketches
    from dedup.matching.roundups import AreAmong
    from dedup.model import EventKind
    from dedup.protocols import Document, Store

#: Where a text moves in keep order, so many of those it is related to are looked at again; its links stay as they are.
_MOST_MOVED = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Clean texts on their way into an index, and their signatures."""

    strings: list[str]
    sketches: Sketches


class Change:
    """One transaction's worth of change: documents go, then documents come, then the clusters are settled.

    Args:
        store: Where the index lives; a transaction is under way.
        config: The settings of the index.
    """

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._config = config
        self._texts: dict[int, Text] = {}
        self._edited: set[int] = set()
        #: What happened: kind, cluster, documents, other cluster.
        self._log: list[tuple[EventKind, int, tuple[str, ...], int | None]] = []
        self._added: list[Document] = []
        self._new: dict[int, list[Neighbour]] = {}
        #: Texts that are new, stand elsewhere in keep order, or are composite now or no longer.
        self._touched: set[int] = set()
        self._gone: dict[int, tuple[Text, list[Neighbour]]] = {}
        #: Texts that another document is the best of: number -> rank of the one before.
        self._reranked: dict[int, bytes] = {}
        #: The canonical text of clusters as it was, and the id of its best document where that is another one now.
        self._canonical_text: dict[int, int] = {}
        self._canonical_id: dict[int, str] = {}
        #: Texts that were settled: whether they are canonical; the others' first canonical.
        self._is_canonical: dict[int, bool] = {}
        self._leader: dict[int, int] = {}
        #: Texts of a cluster that became canonical.
        self._heirs: dict[int, set[int]] = defaultdict(set)
        #: Parts of pages that were compared for that alone.
        self._judged: dict[int, dict[int, Neighbour | None]] = defaultdict(dict)
        self._in_crowd: list[Pair] = []
        #: Once settled: the id of the document that was canonical in a cluster where another one is now.
        self.previous: dict[int, str] = {}
        #: Once settled: the clusters that were not there before, and the canonical texts of those that were looked at.
        self.begun: set[int] = set()
        self.leaders: dict[int, int] = {}
        self._next_document, self._next_text, self._next_cluster = store.next_numbers()

    def remove(self, documents: Sequence[Document], kind: EventKind) -> None:
        """Take documents out."""
        if not documents:
            return
        numbers = {document.number for document in documents}
        texts = self.load({document.text for document in documents})
        by_cluster: dict[int, list[str]] = defaultdict(list)
        for document in documents:
            text = self._texts[document.text]
            by_cluster[text.cluster].append(document.id)
            if text.best == document.number and self._was_canonical(text):
                self._canonical_id.setdefault(text.cluster, document.id)
        self._log += [(kind, cluster, tuple(ids), None) for cluster, ids in by_cluster.items()]
        self._store.delete_documents(documents)
        gone = []
        for text in texts:
            if text.best not in numbers:
                continue
            best = self._store.best_of(text.number)
            if best is None:
                gone.append(text.number)
                self._gone[text.number] = text, self._store.neighbours(text.number)
            else:
                self._set_best(text, best)
        self._store.delete_texts(gone)
        for number in gone:
            del self._texts[number]

    def add(self, documents: Sequence[Document], places: Sequence[int], readings: Readings) -> list[Document]:
        """Take documents in, once; return them with the numbers that they and their texts got.

        Args:
            documents: Their ids are not there; their numbers and texts are filled in here.
            places: The place of the text of each in `readings`.
            readings: The clean texts.
        """
        numbers, fresh = self._number_texts(readings)
        for offset, (document, place) in enumerate(zip(documents, places, strict=True)):
            self._added.append(document._replace(number=self._next_document + offset, text=numbers[place]))
        self._store.add_documents(self._added)
        self.load({document.text for document in self._added}.difference(fresh))
        for document in self._added:
            if document.text not in self._texts:
                self._take(document, fresh[document.text], readings)
            elif document.rank < self._texts[document.text].rank:
                self._set_best(self._texts[document.text], document)
        self._edited |= fresh.keys()
        self._store.save_words([(number, readings.strings[place]) for number, place in fresh.items()])
        asking = {number: place for number, place in fresh.items() if readings.sketches.tokens[place]}
        if asking:
            keys = self._read_keys(asking, readings)
            # First, so that the new texts meet each other as well.
            self._store.add_keys(list(asking), keys.of_each())
            pairs = self._worth_comparing(keys, list(asking), is_there=True)
            strings = {number: readings.strings[place] for number, place in asking.items()}
            self._store.save_pairs(self._note(self._compare(pairs, strings)))
        return self._added

    def settle(self) -> None:
        """Bring the clusters up to date, and write to the log what happened to them."""
        self._touched = {*self._new, *self._reranked}
        pages = {number for number in self._touched if self._texts[number].size}
        near = [neighbour for number in pages for neighbour in self._some_neighbours(number)]
        near += [neighbour for _, neighbours in self._gone.values() for neighbour in neighbours]
        pages |= {one.other for one in near if one.relation == OVERLAP or _is_carried(one)}
        copies = {one.other for one in near if one.relation == DUPLICATE}
        unsettled = {*self._new, *self._settle_roundups(pages, copies)}
        self._introduce_canonicals()
        # Not to be compared again with each change.
        self._store.save_pairs(self._note(self._in_crowd))
        ties: set[int] = set()
        for pair in self._in_crowd:
            first, second = sorted(self.load([pair.text, pair.other]), key=lambda text: text.rank)
            (unsettled if self._was_canonical(first) else ties).add(second.number)
            ties.add(first.number)
        ties -= {text.number for text in self.load(ties) if self._was_canonical(text)}
        for number, rank in self._reranked.items():
            text = self._texts[number]
            unsettled.add(number)
            if text.rank > rank and self._was_canonical(text):
                unsettled |= {other.other for other in self._links(text)}
            elif self._was_canonical(text):
                ties |= {other.other for other in self._some_neighbours(number)}
        for text, neighbours in self._gone.values():
            if self._was_canonical(text):
                unsettled |= {other.other for other in neighbours if other.relation in (DUPLICATE, EXCERPT)}
        targets = self._settle_canonicals(self._alive(unsettled), ties)
        self._settle_clusters(targets)
        self._store.save_texts([self._texts[number] for number in sorted(self._edited) if number in self._texts])

    def nearest(self, document: Document, readings: Readings) -> tuple[Text, Text, Neighbour | None] | None:
        """Return how a document that is not there would stand to those that are, when nothing else changed.

        Returns:
            Its text, the canonical text that it belongs to, and the pair of the two, None where they are one; None when
            it belongs to none.
        """
        (number,), fresh = self._number_texts(readings)
        if number in fresh:
            if not readings.sketches.tokens[0]:
                return None
            text = self._take(document._replace(text=number), 0, readings)
            pairs = self._worth_comparing(self._read_keys({number: 0}, readings), [number], is_there=False)
            self._note(self._compare(pairs, {number: readings.strings[0]}))
            self._touched = {number}
            text.composite = self._is_composite(text)
            text.roundup = text.composite and self._is_no_copy(text)
            canonical = [link for link in self._links(text) if self._canonical(self._texts[link.other])]
            if not canonical:
                return None
            link = min(canonical, key=self._distance)
            return text, self._texts[link.other], link
        (text,) = self.load([number])
        leader = text if self._was_canonical(text) else self.load([self._canonical_text[text.cluster]])[0]
        return text, leader, None if leader is text else self._store.pair(number, leader.number)

    def complaints(self, text: Text) -> Iterator[str]:
        """Yield what is wrong with the cluster of a text, one sentence each."""
        links = [link for link in self._links(text) if self._was_canonical(self._texts[link.other])]
        name = f"Text {text.number} of cluster {text.cluster}"
        self._touched = {text.number}
        # In a crowd, what is known of a page depends on what came first.
        if not any(
            one.crowded for one in [text, *self.load(near.other for near in self._some_neighbours(text.number))]
        ):
            composite = bool(text.size) and self._is_composite(text)
            if (text.composite, text.roundup) != (composite, composite and self._is_no_copy(text)):
                yield f"{name} is noted as another kind of page than its parts make it."
        if self._was_canonical(text):
            for link in links:
                if self._texts[link.other].rank < text.rank:
                    yield f"{name} is canonical, but linked to text {link.other}, which is so too, and before it."
            return
        leader = self._canonical_text[text.cluster]
        if not any(link.other == leader for link in links):
            yield f"{name} is not linked to its canonical text, {leader}."
            return
        nearest = min(links, key=self._distance)
        if nearest.other != leader:
            yield f"{name} resembles text {nearest.other}, which is canonical, more than text {leader}."
        (kept,) = [link for link in links if link.other == leader]
        found = self._compare([(text.number, leader)], {})
        if kept not in [_seen(pair if pair.text == text.number else _other_way(pair)) for pair in found]:
            yield f"{name} and its canonical text, {leader}, have other scores than are noted."

    # What is there.

    def load(self, numbers: Iterable[int]) -> list[Text]:
        """Return texts that are alive, in the order asked for."""
        wanted = list(numbers)
        missing = [number for number in wanted if number not in self._texts]
        if missing:
            self._texts |= self._store.texts(missing)
        return [self._texts[number] for number in wanted if number in self._texts]

    def _alive(self, numbers: Iterable[int]) -> set[int]:
        return {text.number for text in self.load(numbers)}

    def _neighbours(self, number: int) -> list[Neighbour]:
        return self._new[number] if number in self._new else self._store.neighbours(number)

    def _some_neighbours(self, number: int) -> list[Neighbour]:
        return self._new[number] if number in self._new else self._store.neighbours(number, _MOST_MOVED)

    def _was_canonical(self, text: Text) -> bool:
        """Tell whether a text was canonical before the change."""
        if text.cluster == 0:
            return False
        if text.cluster not in self._canonical_text:
            self._canonical_text |= self._store.canonicals([text.cluster])
        return self._canonical_text.get(text.cluster) == text.number

    def _canonical(self, text: Text) -> bool:
        """Tell whether a text is canonical, as far as it is settled."""
        known = self._is_canonical.get(text.number)
        return self._was_canonical(text) if known is None else known

    def _set_best(self, text: Text, document: Document) -> None:
        if text.number not in self._new:
            self._reranked.setdefault(text.number, text.rank)
            if self._was_canonical(text) and text.cluster not in self._canonical_id:
                self._canonical_id[text.cluster] = self._store.documents([text.best])[text.best].id
        text.best, text.rank, text.source = document.number, document.rank, document.source
        text.first, text.last = document.first, document.last
        self._edited.add(text.number)

    # Texts and their pairs.

    def _number_texts(self, readings: Readings) -> tuple[list[int], dict[int, int]]:
        """Return the number of the text of each place, and the places of the new ones by their numbers."""
        strings, sketches = readings.strings, readings.sketches
        firsts = [0]
        if len(strings) > 1:
            with Pool(1) as pool:
                firsts = merge_equal(Strings(strings).take, sketches.digests, sketches.tokens, pool).tolist()
        places = defaultdict(list)
        for place, (first, tokens) in enumerate(zip(firsts, sketches.tokens.tolist(), strict=True)):
            if first == place and tokens:
                places[int(sketches.digests[place])].append(place)
        known = self._equal_texts(
            strings,
            [(place, number) for digest, number in self._store.with_digest(list(places)) for place in places[digest]],
        )
        numbers: list[int] = []
        fresh: dict[int, int] = {}
        for place, first in enumerate(firsts):
            number = numbers[first] if first < place else known.get(place, self._next_text)
            if number == self._next_text:
                fresh[number] = place
                self._next_text += 1
            numbers.append(number)
        return numbers, fresh

    def _equal_texts(self, strings: list[str], pairs: list[tuple[int, int]]) -> dict[int, int]:
        """Return place -> number for those of some pairs that fold to the same."""
        if not pairs:
            return {}
        words = self._store.words([number for _, number in pairs])
        texts = native.Texts.from_strings([strings[place] for place, _ in pairs] + [words[n] for _, n in pairs])
        equal = np.zeros(len(pairs), np.uint8)
        native.fill_equal(texts, np.arange(len(pairs)), np.arange(len(pairs), len(texts)), 0, len(pairs), equal)
        return {place: number for (place, number), same in zip(pairs, equal.tolist(), strict=True) if same}

    def _take(self, document: Document, place: int, readings: Readings) -> Text:
        """Begin a text with its first document."""
        sketches = readings.sketches
        text = Text(
            number=document.text,
            digest=int(sketches.digests[place]),
            tokens=int(sketches.tokens[place]),
            shingles=int(sketches.shingles[place]),
            size=0,
            samples=0,
            rate=1.0,
            crowded=False,
            composite=False,
            roundup=False,
            cluster=0,
            best=document.number,
            rank=document.rank,
            first=document.first,
            last=document.last,
            source=document.source,
        )
        self._texts[text.number], self._new[text.number] = text, []
        return text

    def _read_keys(self, asking: dict[int, int], readings: Readings) -> Keys:
        """Return the keys of new texts: number -> place in the readings."""
        places = np.fromiter(asking.values(), np.int64, len(asking))
        texts = native.Texts.from_strings([readings.strings[place] for place in asking.values()])
        keys = keys_of(texts, readings.sketches.take(places), self._config)
        for number, samples, rate in zip(asking, keys.samples.tolist(), keys.rates.tolist(), strict=True):
            self._texts[number].samples, self._texts[number].rate = samples, rate
        return keys

    def _worth_comparing(self, keys: Keys, asking: list[int], *, is_there: bool) -> set[tuple[int, int]]:
        """Return pairs to verify, of texts that ask and texts that have the same keys; note who met a crowd.

        Args:
            keys: The keys of the texts that ask.
            asking: Their numbers.
            is_there: Whether their keys are in the index.
        """
        place, number, over = self._store.find(keys.values, self._config.bucket_limit)
        # Most keys are those of the asking text alone.
        met = np.bincount(place, minlength=len(keys.values))[place] > is_there
        place, number = place[met], number[met]
        if not len(place):
            return set()
        texts = sorted(self.load(np.unique(number).tolist()), key=lambda text: text.rank)
        places = {text.number: at for at, text in enumerate(texts)}
        in_order = np.array([text.number for text in texts], np.int64)
        by_number = np.argsort(in_order)
        hits = Hits(
            keys,
            place,
            by_number[np.searchsorted(in_order[by_number], number)] if texts else number,
            over,
            np.array([places.get(text, -1) for text in asking], np.int64),
            np.array([text.samples for text in texts], np.int64),
            np.array([text.rate for text in texts], np.float64),
        )
        one, other, crowded = worth_comparing(hits, self._config)
        pairs = {(asking[a], texts[b].number) for a, b in zip(one.tolist(), other.tolist(), strict=True)}
        crowd = {asking[at] for at in np.flatnonzero(crowded).tolist()}
        # Of a crowd only some are met, and what they are copies of may not be among them.
        pairs |= {(a, leader) for a, b in pairs if a in crowd for leader in [self._leader_of(b)] if leader != a}
        for asker in crowd:
            self._texts[asker].crowded = True
            self._edited.add(asker)
        return pairs

    def _leader_of(self, number: int) -> int:
        """Return the canonical text of a text, itself if it is one or is not settled yet."""
        text = self._texts[number]
        if text.cluster == 0 or self._canonical(text):
            return self._leader.get(number, number)
        leader = self._leader.get(number, self._canonical_text[text.cluster])
        return leader if self.load([leader]) else number

    def _compare(self, pairs: Iterable[tuple[int, int]], strings: dict[int, str]) -> list[Pair]:
        """Compare pairs of texts and return those that are related; the words of some are at hand."""
        apart = {(min(pair), max(pair)) for pair in pairs}
        if not apart:
            return []
        texts = sorted(self.load({number for pair in apart for number in pair}), key=lambda text: text.rank)
        places = {text.number: place for place, text in enumerate(texts)}
        words = strings | self._store.words([text.number for text in texts if text.number not in strings])
        ends = np.sort(np.array([[places[a], places[b]] for a, b in apart], np.int64), axis=1)
        left, right = ends[np.lexsort((ends[:, 1], ends[:, 0]))].T.copy()
        candidates = Candidates(left, right, np.zeros(len(texts), np.bool_))
        room = np.array([text.shingles for text in texts], np.uint32)
        with Pool(1) as pool:
            take = Strings([words[text.number] for text in texts]).take
            found = verify(take, room, candidates, self._config, pool, _nothing)
        found = found.where(found.relation != UNRELATED)
        rows = []
        for one, two, relation, shared, one_size, two_size in zip(
            *(column.tolist() for column in (found.left, found.right, found.relation)),
            *(column.tolist() for column in (found.shared, found.left_size, found.right_size)),
            strict=True,
        ):
            for text, size in ((texts[one], one_size), (texts[two], two_size)):
                if text.size != size:
                    text.size = size
                    self._edited.add(text.number)
            rows.append(Pair(texts[one].number, texts[two].number, relation, shared, one_size, two_size))
        return rows

    def _note(self, pairs: list[Pair]) -> list[Pair]:
        """Note pairs with the new texts among them, whose pairs are at hand; return them."""
        for pair in pairs:
            for number, neighbour in ((pair.text, _seen(pair)), (pair.other, _seen(_other_way(pair)))):
                if number in self._new:
                    self._new[number].append(neighbour)
        return pairs

    # Roundups.

    def _settle_roundups(self, pages: set[int], copies: set[int]) -> set[int]:
        """Find out which pages are roundups; return the texts whose links changed.

        Args:
            pages: Texts that may have become composite, or ceased to be.
            copies: Texts that are a copy of another text than before.
        """
        waiting = [(text.size, text.number) for text in self.load(pages) if text.size]
        heapq.heapify(waiting)
        doubtful = {text.number: text for text in self.load(copies | pages) if text.composite}
        while waiting:
            _, number = heapq.heappop(waiting)
            text = self._texts[number]
            composite = self._is_composite(text)
            if composite == text.composite:
                continue
            doubtful[number] = text
            text.composite = composite
            self._edited.add(number)
            self._touched.add(number)
            for other in self._neighbours(number):
                if other.relation in (DUPLICATE, EXCERPT) and other.other_size > other.size:
                    heapq.heappush(waiting, (other.other_size, other.other))
                    self.load([other.other])
        return self._settle_copies(doubtful)

    def _settle_copies(self, doubtful: dict[int, Text]) -> set[int]:
        """Find out which composite pages are no copies of a story; return the texts whose links changed."""
        changed: set[int] = set()
        order = [(text.rank, number) for number, text in doubtful.items()]
        heapq.heapify(order)
        while order:
            _, number = heapq.heappop(order)
            text = self._texts[number]
            roundup = text.composite and self._is_no_copy(text)
            if roundup == text.roundup:
                continue
            text.roundup = roundup
            self._edited.add(number)
            changed |= {number, *(other.other for other in self._neighbours(number))}
            for other in self._neighbours(number):
                if other.relation == DUPLICATE and self.load([other.other])[0].composite:
                    heapq.heappush(order, (self._texts[other.other].rank, other.other))
        return changed

    def _is_no_copy(self, page: Text) -> bool:
        """Tell whether every earlier text that a composite page is a duplicate of is a roundup, or carried by it."""
        copies = [other for other in self._neighbours(page.number) if other.relation == DUPLICATE]
        self.load(other.other for other in copies)
        earlier = [other for other in copies if self._texts[other.other].rank < page.rank]
        return all(_carries(other) or self._texts[other.other].roundup for other in earlier)

    def _parts(self, page: Text) -> list[Neighbour]:
        """Return what may be a part of a page."""
        if page.number in self._new:
            return self._new[page.number]
        near = self._store.neighbours(page.number, MOST_PARTS + 1)
        if len(near) <= MOST_PARTS:
            return near
        # Some of them came later, and do not count.
        most = _MOST_MOVED if self._gone or page.number in self._touched else MOST_PARTS
        return [
            *self._store.parts(page.number, DUPLICATE, most, page.size),
            *self._store.parts(page.number, EXCERPT, most, page.size),
            *self._store.parts(page.number, OVERLAP, most),
        ]

    def _is_composite(self, page: Text) -> bool:
        """Tell whether a page is composite, as `roundups.mark_roundups` says."""
        parts = self._parts(page)
        if page.number not in self._touched and not self._gone and self._touched.isdisjoint(one.other for one in parts):
            return page.composite
        chosen = [part for part in parts if _carries(part) or part.relation == OVERLAP]
        chosen = [part for part in chosen if part.relation != OVERLAP or part.shared >= LEAD * part.size]
        if len(chosen) < 2:
            return False
        texts = {text.number: text for text in self.load(part.other for part in chosen)}
        if all(part.relation == DUPLICATE for part in chosen):
            # Copies of one text, unless some have the form of others.
            main = max(chosen, key=lambda part: part.other_size).other
            if not texts[main].composite and not self._store.parts(main, TEMPLATE, 1):
                return False
        chosen = [part for part in chosen if texts[part.other].first <= page.last or np.isinf(texts[part.other].first)]
        chosen.sort(key=lambda part: (part.relation == OVERLAP, -part.other_size, texts[part.other].rank))
        chosen = chosen[:MOST_PARTS]
        found = composite_pages(
            Parts(
                np.full(len(chosen), page.number),
                np.array([part.other for part in chosen], np.int64),
                np.array([part.relation != OVERLAP for part in chosen], np.bool_),
                np.array([part.relation == DUPLICATE for part in chosen], np.bool_),
                np.array([part.shared / part.size for part in chosen], np.float64),
            ),
            np.array([number for number, text in texts.items() if text.composite], np.int64),
            self._among(_is_related, compare=True),
            self._among(lambda pair: pair.relation == TEMPLATE, compare=False),
        )
        return len(found) > 0

    def _among(self, holds: Callable[[Neighbour], bool], *, compare: bool) -> AreAmong:
        """Return a function that tells of which pairs of one text and others something holds.

        Args:
            holds: What, of two related texts.
            compare: Whether texts that are no pair are compared first, since they may not have been candidates.
        """

        def among(ones: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
            if not len(ones):
                return np.empty(0, np.bool_)
            one, numbers = int(ones[0]), others.tolist()
            pairs = self._store.pairs_with(one, numbers)
            judged = self._judged[one]
            if compare:
                self._judge(one, [number for number in numbers if number not in pairs and number not in judged])
            found = [pairs.get(number) or judged.get(number) for number in numbers]
            return np.array([pair is not None and holds(pair) for pair in found], np.bool_)

        return among

    def _judge(self, one: int, others: list[int]) -> None:
        """Compare a part of a page with others. What they are stays here, unless a crowd kept them from being pairs."""
        found = self._compare([(one, other) for other in others], {})
        found = [pair if pair.text == one else _other_way(pair) for pair in found]
        self._judged[one] |= dict.fromkeys(others)
        for other in others:
            self._judged[other][one] = None
        for pair in found:
            self._judged[one][pair.other], self._judged[pair.other][one] = _seen(pair), _seen(_other_way(pair))
        self._in_crowd += [pair for pair in found if self._texts[one].crowded and self._texts[pair.other].crowded]

    # Canonicals.

    def _introduce_canonicals(self) -> None:
        """Compare the canonical texts that a new text is linked to with each other, where a crowd kept them apart."""
        met: set[tuple[int, int]] = set()
        for number in self._new:
            if self._texts[number].crowded:
                links = [link.other for link in self._links(self._texts[number])]
                canonical = sorted(one for one in links if self._was_canonical(self._texts[one]))
                met |= set(combinations(canonical[:MOST_PARTS], 2))
        for one, others in groupby(sorted(met), key=itemgetter(0)):
            numbers = [other for _, other in others]
            known = self._store.pairs_with(one, numbers).keys() | self._judged[one].keys()
            self._judge(one, [other for other in numbers if other not in known])

    def _introduce(self, leader: int, members: Iterable[int]) -> None:
        """Compare texts with the one that takes over from their canonical text, all at once."""
        others = [text.number for text in self.load(members) if text.number != leader]
        known = self._store.pairs_with(leader, others).keys()
        self._store.save_pairs(self._note(self._compare([(leader, one) for one in others if one not in known], {})))

    def _links(self, text: Text) -> list[Neighbour]:
        """Return what a text is linked to."""
        near = [other for other in self._neighbours(text.number) if other.relation in (DUPLICATE, EXCERPT)]
        self.load(other.other for other in near)
        return [other for other in near if other.other in self._texts and self._is_link(text, other)]

    def _is_link(self, text: Text, pair: Neighbour) -> bool:
        """Tell whether two texts that are related are linked: where a roundup carries a text they are not."""
        if pair.relation not in (DUPLICATE, EXCERPT):
            return False
        other = self._texts[pair.other]
        if _carries(pair):
            page, part = text, other
        elif _is_carried(pair):
            page, part = other, text
        else:
            return True
        return not page.roundup or (pair.relation == DUPLICATE and part.roundup)

    def _settle_canonicals(self, unsettled: set[int], ties: set[int]) -> dict[int, int]:
        """Return text -> its canonical text, for all texts for which that may have changed.

        Args:
            unsettled: Texts that may have become canonical or ceased to be.
            ties: Texts that may be nearer to another of their canonicals.
        """
        # Most new texts are related to nothing.
        lone = {number for number, near in self._new.items() if not near and not self._texts[number].crowded}
        self._is_canonical |= dict.fromkeys(lone, True)
        waiting = [(text.rank, text.number) for text in self.load(unsettled - lone)]
        heapq.heapify(waiting)
        looking = ties | unsettled - lone
        links_of: dict[int, list[Neighbour]] = {}
        while waiting:
            _, number = heapq.heappop(waiting)
            text = self._texts[number]
            before = self._canonical(text)
            links = self._links(text)
            leader = self._first_canonical(text, links)
            near = [link.other for link in links] + [*self._heirs[text.cluster]]
            in_crowd = text.crowded or any(self._texts[one].crowded for one in near)
            if leader is None and in_crowd and not before:
                links = self._look_again(text, links)
                links_of.clear()
                leader = self._first_canonical(text, links)
            links_of[number] = links
            self._is_canonical[number] = leader is None
            if leader is not None and before and in_crowd:
                self._introduce(leader, [link.other for link in links])
                links_of.clear()
            if leader is not None:
                self._leader[number] = leader
            elif not before and text.cluster:
                self._heirs[text.cluster].add(number)
            if before == (leader is None):
                continue
            for other in links:
                looking.add(other.other)
                if self._texts[other.other].rank > text.rank:
                    heapq.heappush(waiting, (self._texts[other.other].rank, other.other))
        return dict(zip(lone, lone, strict=True)) | {
            text.number: self._nearest(text, links_of.get(text.number)) for text in self.load(looking)
        }

    def _first_canonical(self, text: Text, links: list[Neighbour]) -> int | None:
        """Return the first canonical text before a text that it is linked to."""
        found = [other for link in links if (other := self._texts[link.other]).rank < text.rank]
        found = [other for other in found if self._canonical(other)]
        return min(found, key=lambda other: other.rank).number if found else None

    def _look_again(self, text: Text, links: list[Neighbour]) -> list[Neighbour]:
        """Compare a text that met a crowd with more of it, before it is taken for a story of its own."""
        known = {link.other for link in links} | {text.number}
        known |= {other.other for other in self._neighbours(text.number)}
        leaders = {self._leader_of(link.other) for link in links} | self._heirs[text.cluster]
        leaders -= known
        self._store.save_pairs(self._note(self._compare([(text.number, leader) for leader in leaders], {})))
        if text.number in self._new or leaders & {link.other for link in self._links(text)}:
            return self._links(text)
        words = self._store.words([text.number])
        texts = native.Texts.from_strings(list(words.values()))
        keys = keys_of(texts, native.sketch(texts, self._config), self._config)
        pairs = self._worth_comparing(keys, [text.number], is_there=True)
        known |= leaders
        self._store.save_pairs(self._note(self._compare([pair for pair in pairs if pair[1] not in known], words)))
        return self._links(text)

    def _nearest(self, text: Text, links: list[Neighbour] | None) -> int:
        """Return the canonical text that a text belongs to: itself, or the one it is linked to that is most alike."""
        if self._canonical(text):
            return text.number
        links = self._links(text) if links is None else links
        return min((one for one in links if self._canonical(self._texts[one.other])), key=self._distance).other

    def _distance(self, link: Neighbour) -> tuple[float, bytes]:
        """Return what orders the canonical texts that a text is linked to: most alike first, then keep order."""
        return -jaccard(link), self._texts[link.other].rank

    # Clusters.

    def _settle_clusters(self, targets: dict[int, int]) -> None:
        """Give each text the cluster of its canonical text, and say what happened to the clusters."""
        before = {number: self._texts[number].cluster for number in targets}
        claims: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        ended = {text.cluster for text, _ in self._gone.values() if self._was_canonical(text)}
        ended |= {
            text.cluster for text in self.load(targets) if text.cluster and self._was_canonical(text)
            and targets[text.number] != text.number
        }  # fmt: skip
        self.load(targets.values())
        heirs: dict[int, int] = {}
        for cluster in sorted(ended):
            members = Counter(target for number, target in targets.items() if before[number] == cluster)
            if members:
                heir = min(members, key=lambda target: (-members[target], self._texts[target].rank))
                heirs[cluster] = heir
                claims[heir].append((-members[heir], cluster, heir))
        number_of = {heir: min(found)[1] for heir, found in claims.items()}
        for target in sorted(set(targets.values())):
            text = self._texts[target]
            if self._was_canonical(text) and text.cluster not in heirs:
                number_of[target] = text.cluster
            elif target not in number_of:
                number_of[target] = self._next_cluster
                self.begun.add(self._next_cluster)
                self._next_cluster += 1
        for number, target in targets.items():
            text = self._texts[number]
            if text.cluster != number_of[target]:
                text.cluster = number_of[target]
                self._edited.add(number)
        self._store.save_clusters(
            {cluster: target for target, cluster in number_of.items() if self._canonical_text.get(cluster) != target}
        )
        merged = {cluster: number_of[heir] for cluster, heir in heirs.items() if number_of[heir] != cluster}
        self._store.delete_clusters([*merged, *(ended - heirs.keys())])
        self.leaders = {cluster: target for target, cluster in number_of.items()}
        self._tell(before, number_of, targets, merged)

    def _tell(
        self, before: dict[int, int], number_of: dict[int, int], targets: dict[int, int], merged: dict[int, int]
    ) -> None:
        """Write the events of the change, in an order in which a reader can follow them."""
        added: dict[int, list[str]] = defaultdict(list)
        for document in self._added:
            added[self._texts[document.text].cluster].append(document.id)
        moved: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, cluster in before.items():
            after = number_of[targets[number]]
            if cluster not in (0, after) and merged.get(cluster) != after:
                moved[cluster, after].append(number)
        first = self._added[0].number if self._added else self._next_document
        split = {
            ends: tuple(document.id for document in self._store.documents_of(texts) if document.number < first)
            for ends, texts in sorted(moved.items())
        }
        self._log += [("added", cluster, tuple(ids), None) for cluster, ids in added.items()]
        self._log += [("split", after, ids, was) for (was, after), ids in split.items()]
        self._log += [("merged", after, (), was) for was, after in sorted(merged.items())]
        self._log += [("canonical_changed", cluster, (), None) for cluster in self._renamed(number_of)]
        clusters = {cluster for _, cluster, _, _ in self._log}
        leaders = self.leaders | self._store.canonicals(clusters - self.leaders.keys())
        best = {text.number: text.best for text in self.load({leaders[one] for one in clusters & leaders.keys()})}
        ids_of = {document.number: document.id for document in self._added}
        known = self._store.documents(set(best.values()) - ids_of.keys())
        ids_of |= {number: document.id for number, document in known.items()}
        names = {cluster: ids_of[best[leaders[cluster]]] for cluster in clusters & leaders.keys()}
        self._store.add_events([Event(kind, one, names.get(one), ids, other) for kind, one, ids, other in self._log])

    def _renamed(self, number_of: dict[int, int]) -> list[int]:
        """Return the clusters of which another document is canonical now; what it was before is kept."""
        now = {cluster: number for number, cluster in number_of.items()}
        touched = self._canonical_id.keys() | {
            cluster for cluster, number in self._canonical_text.items() if now.get(cluster, number) != number
        }
        if not touched:
            return []
        was = {cluster: self._canonical_text[cluster] for cluster in touched - self._canonical_id.keys()}
        now |= self._store.canonicals(touched - now.keys())
        texts = {text.number: text for text in self.load({*was.values(), *map(now.__getitem__, touched & now.keys())})}
        documents = self._store.documents({text.best for text in texts.values()})
        self._canonical_id |= {cluster: documents[texts[number].best].id for cluster, number in was.items()}
        for cluster in touched & now.keys():
            if documents[texts[now[cluster]].best].id != self._canonical_id[cluster]:
                self.previous[cluster] = self._canonical_id[cluster]
        return sorted(self.previous)


def jaccard(pair: Neighbour) -> float:
    """Return the Jaccard similarity of two related texts, in [0, 1]."""
    return pair.shared / (pair.size + pair.other_size - pair.shared)


def _carries(pair: Neighbour) -> bool:
    """Tell whether the first of two related texts carries the other, should it be a page."""
    within = pair.relation == EXCERPT or (pair.relation == DUPLICATE and pair.shared >= CARRIED * pair.other_size)
    return within and pair.other_size < pair.size


def _is_carried(pair: Neighbour) -> bool:
    """Tell whether the other of two related texts carries the first."""
    within = pair.relation == EXCERPT or (pair.relation == DUPLICATE and pair.shared >= CARRIED * pair.size)
    return within and pair.size < pair.other_size


def _other_way(pair: Pair) -> Pair:
    return Pair(pair.other, pair.text, pair.relation, pair.shared, pair.other_size, pair.size)


def _seen(pair: Pair) -> Neighbour:
    """Return a pair as its first text sees it."""
    return Neighbour(*pair[1:])


def _is_related(pair: Neighbour) -> bool:
    """Tell whether two texts have to do with each other: more than a form, and more than a short quote."""
    if pair.relation == OVERLAP:
        return pair.shared >= PART * min(pair.size, pair.other_size)
    return pair.relation != TEMPLATE


def _nothing(_: int) -> None:
    pass
