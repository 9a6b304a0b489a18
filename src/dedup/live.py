"""The index: clusters of an endless stream of articles, in one file or in memory."""

from __future__ import annotations

import json
import os
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import xxhash

from dedup import _validate, formats
from dedup.audit import check
from dedup.clustering.order import moments_of, ranker
from dedup.config import Config, KeepPolicy, configure
from dedup.errors import DuplicateIdError, IndexFileError, InputError, InvalidArgumentError, SchemeMismatch
from dedup.kernels.sketches import Scheme, Sketches
from dedup.matching.plan import plan
from dedup.matching.verify import Pairs
from dedup.matching.versions import mark_versions
from dedup.model import RELATIONS, Article, Cluster, Match, moments
from dedup.prepare import prepare
from dedup.protocols import Document
from dedup.stores.memory import MemoryStore
from dedup.stream import Change, Readings, jaccard
from dedup.templates import outlet_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Unpack

    from dedup.config import Settings
    from dedup.kernels import native
    from dedup.model import Action, Event, EventKind
    from dedup.prepare import Batch
    from dedup.protocols import Clock, Counts, Neighbour, Store, Text
    from dedup.stages import Marked

Durability = Literal["normal", "full"]

#: The path that stands for no file.
MEMORY = ":memory:"

#: So many articles are read by the thread that adds them.
_FEW = 100

#: Documents or clusters that are read in one transaction when all are gone through.
_PAGE = 1000


class Index:
    """Clusters of articles that come and go: the same clusters as `deduplicate` finds in the articles that are there.

    They are those of `deduplicate(articles, clean="pages", exhaustive=0)`: furniture is taken off page by page, since
    what repeats in a batch has no end in a stream. Where more than `bucket_limit` texts share a band or a sample, and
    where more than eight share a passage, which of them are compared depends on the order in which they came, and stays
    so when most of them are gone; each document is still linked to its canonical one, and `stats` counts the texts that
    met such a crowd.

    What is kept of an article is its clean text, `source`, `published`, `title`, `url` and the other fields; of what
    cleaning took off nothing. Documents whose texts fold to the same share the text of the one that came first.

    An index can be used from any thread; one call is done at a time. One writer and any number of readers, each with an
    index of its own, may use a file at the same time, and after a fork the child opens the file anew. Each call is one
    transaction: all of it is done, or nothing.

    Args:
        path: The file, which is made if it is not there; ":memory:" keeps everything in the process.
        read_only: Whether the file is only read.
        durability: "normal": what was acknowledged survives the death of the process, and all but the last moments a
            power cut. "full": a power cut too; each call waits for the disk.
        timeout: Seconds to wait for another writer.
        **settings: The fields of `Config`; the file keeps them. Of a file that is there they may be left out, and must
            be its own otherwise; `threads` is free. `clean` is "pages" or "off", `linkage` is "canonical", and a keep
            policy has no key.

    Raises:
        InvalidArgumentError: A setting is outside what is allowed, or not that of the file.
        IndexFileError: The file is no index, is damaged or of a newer version, or is to be read and not there.
        IndexBusyError: Another writer did not finish in time.
        OutputError: The file cannot be written.

    >>> index = Index(":memory:")
    >>> words = "The harbour bridge will close on Friday for the first time in forty years, the council said."
    >>> index.add({"id": "a", "text": "Harbour: " + words}).is_new
    True
    >>> match = index.add({"id": "b", "text": words})
    >>> match.canonical, match.relation
    ('a', 'duplicate')
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        read_only: bool = False,
        durability: Durability = "normal",
        timeout: float = 5.0,
        **settings: Unpack[Settings],
    ) -> None:
        _validate.choice("durability", durability, ("normal", "full"))
        wanted = _configured(settings)
        self.path = _checked_path(path, read_only=read_only)
        self._timeout = _validate.seconds("timeout", timeout)
        # A file that is opened again is there.
        self._open = partial(_open, self.path, read_only=read_only, durability=durability, timeout=self._timeout)
        self._lock = threading.RLock()
        self._closed = False
        self._store: Store | None = self._open(settings=_written(wanted))
        _INDEXES.add(self)
        try:
            with self._transaction(write=False) as store:
                kept = store.settings()
            self.config = _agreed(_read(kept, self.path), wanted, settings)
            self._alone = replace(self.config, threads=1)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return the index, which is closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the index; what was acknowledged is kept, whatever ended the block."""
        self.close()

    def close(self) -> None:
        """Let go of the file, or of the memory; a second time does nothing, and nothing else works any more."""
        with self._lock:
            if self._store is not None:
                self._store.close()
            self._store, self._closed = None, True

    def __repr__(self) -> str:
        """Return the path."""
        return f"<dedup.Index {self.path!r}>"

    # What changes it.

    def add(self, article: Article | Mapping[str, object]) -> Match:
        """Add one article; see `add_batch`.

        Raises:
            InvalidArgumentError: `article` is no article with an id.
        """
        if not isinstance(article, Article | Mapping):
            raise InvalidArgumentError(f"article must be an Article or a mapping. Got {type(article).__name__}.")
        (match,) = self.add_batch([article])
        return match

    def add_batch(self, articles: object) -> list[Match]:
        """Add articles, all or none, and tell how each stands to the others then.

        An article whose id is there with the same text changes nothing, whatever else it says now: a stream may be read
        twice. (To change its date or source, remove it first.) With another text it takes the place of the one that is
        there, and of the stories that page carried.

        Args:
            articles: Anything that `deduplicate` takes; each article has an id. One that stands there twice with the
                same text counts once.

        Returns:
            One match for each article, in order; those of the stories that a page carried are its `items`.

        Raises:
            InputError: The articles cannot be read, or one has no id.
            DuplicateIdError: Two documents have one id.
            IndexBusyError: Another writer did not finish in time.
            OutputError: The file cannot be written.
        """
        given = _articles(articles)
        once = list({article.id: article for article in reversed(given)}.values())[::-1]
        batch, sketches = _sketched(once, self._config_of(len(once)))
        fingerprints = [_fingerprint(document.text) for document in batch.documents]
        with self._transaction(write=True) as store:
            there = store.named([document.id for document in batch.documents])
            _check_ids(batch.documents, there)
            same = {one.id for one, mark in zip(once, fingerprints, strict=False) if _is_same(there.get(one.id), mark)}
            # The article that each document came with; one that was given may name a parent of its own.
            owners = [one.id for one in once] + [one.parent for one in batch.documents[len(once) :]]
            rows = [row for row, owner in enumerate(owners) if owner not in same]
            replaced = [there[one.id] for one in once if one.id in there and one.id not in same]
            gone = {one.number: one for document in replaced for one in _whole(store, document) if one.id not in same}
            change = Change(store, self.config)
            change.remove(list(gone.values()), "removed")
            unchanged = [one.id for one, owner in zip(batch.documents, owners, strict=True) if owner in same]
            documents = [there[name] for name in unchanged if name in there]
            if rows:
                places, at = _own_places(batch, rows, sketches)
                readings = Readings([batch.strings[place] for place in places], sketches.take(np.array(places)))
                documents += change.add(_documents(batch, rows, sketches, fingerprints, self.config), at, readings)
                change.settle()
            matches = _matches(store, documents, change)
        actions: dict[str, Action] = dict.fromkeys(there, "replaced")
        actions |= dict.fromkeys(same, "unchanged")
        return _in_order(given, batch.documents[len(once) :], matches, actions)

    def remove(self, name: str) -> bool:
        """Remove a document, and the stories that it carried when it is a page; tell whether it was there."""
        with self._transaction(write=True) as store:
            found = store.named([_validate.text("name", name)])
            return self._remove(store, list(found.values()), "removed") > 0

    def expire(self, before: date | str, *, by: Clock = "published") -> int:
        """Remove the documents of the time before a moment, with the stories that they carried; return how many.

        Args:
            before: A date, a time, or either as ISO 8601 text; a day is its first moment, and without a zone it is UTC.
            by: "published": those whose last possible moment of publication is before; what has no date stays.
                "arrived": those that were added before.

        Raises:
            InvalidArgumentError: `before` is no date.
        """
        _validate.choice("by", by, ("published", "arrived"))
        moment, _ = moments(before.isoformat() if isinstance(before, date) else _validate.text("before", before))
        if moment == np.inf:
            raise InvalidArgumentError(f"before must be a date or a time, as ISO 8601. Got {before!r}.")
        with self._transaction(write=True) as store:
            return self._remove(store, store.older(moment, by), "expired")

    def _remove(self, store: Store, documents: list[Document], kind: EventKind) -> int:
        whole = {one.number: one for document in documents for one in _whole(store, document)}
        if whole:
            change = Change(store, self.config)
            change.remove(list(whole.values()), kind)
            change.settle()
        return len(whole)

    # What it knows.

    def query(self, article: Article | Mapping[str, object] | str) -> Match:
        """Tell how an article would stand to those that are there, without adding it.

        The canonical document is the one that it would be linked to if it came last in keep order; `is_new` says that
        there is none. Stories that a page carries beside its own are not looked for. Its id need not be given.

        Raises:
            InvalidArgumentError: `article` is none of these.
            InputError: The mapping is no article.
        """
        if not isinstance(article, Article | Mapping | str):
            raise InvalidArgumentError(f"article must be an Article, a mapping or a str. Got {type(article).__name__}.")
        (one,) = formats.read([article]).articles
        batch, sketches = _sketched([one], self._config_of(1))
        place = batch.places[0]
        readings = Readings([batch.strings[place]], sketches.take(np.array([place])))
        (document,) = _documents(batch, [0], sketches, [b""], self.config)
        with self._transaction(write=False) as store:
            found = Change(store, self.config).nearest(document, readings)
            if found is None:
                return Match(one.id, "asked", None, one.id, is_new=True)
            text, leader, pair = found
            canonical = store.documents([leader.best])[leader.best].id
            match = Match(one.id, "asked", leader.cluster, canonical, "exact")
            return (_with_scores([(match, text, leader, pair)]) or [match])[0]

    def __contains__(self, name: object) -> bool:
        """Tell whether a document of that id is there."""
        with self._transaction(write=False) as store:
            return isinstance(name, str) and bool(store.named([name]))

    def __len__(self) -> int:
        """Return the number of documents, the stories that pages carried included."""
        with self._transaction(write=False) as store:
            return store.count_documents()

    def __bool__(self) -> bool:
        """Return True: an empty index is one too."""
        return True

    def __iter__(self) -> Iterator[Article]:
        """Yield every document, oldest arrival first, as `get` returns it.

        They are read some at a time: what is added meanwhile comes too, what is removed before its turn does not.
        """
        last = 0
        while True:
            with self._transaction(write=False) as store:
                documents = store.documents_after(last, _PAGE)
                articles = _articles_of(store, documents)
            yield from articles
            if not documents:
                return
            last = documents[-1].number

    def get(self, name: str) -> Article | None:
        """Return a document as it is kept, with its clean text; None when it is not there."""
        with self._transaction(write=False) as store:
            document = store.named([_validate.text("name", name)]).get(name)
            return None if document is None else _articles_of(store, [document])[0]

    def match(self, name: str) -> Match | None:
        """Return how a document stands to its cluster; None when it is not there."""
        with self._transaction(write=False) as store:
            document = store.named([_validate.text("name", name)]).get(name)
            if document is None:
                return None
            return replace(_matches(store, [document], Change(store, self.config))[name], action="asked")

    def cluster(self, name: str) -> Cluster | None:
        """Return the cluster that a document is in, of one document perhaps; None when it is not there."""
        with self._transaction(write=False) as store:
            document = store.named([_validate.text("name", name)]).get(name)
            if document is None:
                return None
            text = store.texts([document.text])[document.text]
            return _cluster(store, text.cluster, store.canonicals([text.cluster])[text.cluster])

    def clusters(self) -> Iterator[Cluster]:
        """Yield every cluster, those of one document included, oldest number first; see `__iter__`."""
        last = 0
        while True:
            with self._transaction(write=False) as store:
                numbers = store.clusters_after(last, _PAGE)
                clusters = [_cluster(store, cluster, canonical) for cluster, canonical in numbers]
            yield from clusters
            if not numbers:
                return
            last, _ = numbers[-1]

    def events(self, after: int = 0, limit: int = 1000) -> list[Event]:
        """Return what happened to the clusters behind a position of the log, in order; nothing behind the last.

        Whoever keeps the position of the last event that he has dealt with can follow the clusters: `Event` says how.

        Args:
            after: A position; 0 is the beginning.
            limit: At most so many, at least 1.

        Raises:
            InvalidArgumentError: Events behind that position were dropped, or it is none.
        """
        _validate.integer("limit", limit, least=1)
        with self._transaction(write=False) as store:
            first, last = store.event_bounds()
            return store.events(_validate.integer("after", after, least=first, most=last), limit)

    def drop_events(self, until: int) -> int:
        """Drop the events up to a position, that included, which everybody has dealt with; return how many.

        Raises:
            InvalidArgumentError: It is no position of the log.
        """
        with self._transaction(write=True) as store:
            _, last = store.event_bounds()
            return store.delete_events(_validate.integer("until", until, most=last))

    @property
    def position(self) -> int:
        """The position of the last event; 0 when there was none."""
        with self._transaction(write=False) as store:
            return store.event_bounds()[1]

    def stats(self) -> Counts:
        """Return how much there is."""
        with self._transaction(write=False) as store:
            return store.counts()

    # What keeps it sound.

    def verify(self) -> list[str]:
        """Return what is broken, one sentence each; nothing when all is well. It reads every text."""
        with self._apart() as store, store.transaction(write=False):
            # What is broken below makes nonsense of all that stands on it.
            return store.verify() or list(check(store, self.config))

    def compact(self) -> None:
        """Give back the room of what is gone, in the file as well; it takes its time."""
        with self._lock:
            self._current().compact()

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy the index to a new file, whole or not at all, while others read and write this one.

        Raises:
            OutputError: The file is there already or cannot be written, or this index is in memory.
        """
        with self._apart() as store:
            store.backup(_checked_path(path, read_only=False))

    def _config_of(self, articles: int) -> Config:
        """Return the settings to read so many articles with: for few of them threads are not worth their start."""
        return self.config if articles > _FEW else self._alone

    def _current(self) -> Store:
        """Return the store, opened anew in a process that was forked off."""
        if self._closed:
            raise InvalidArgumentError("index must be open. Got one that is closed.")
        if self._store is None:
            self._store = self._open()
        return self._store

    @contextmanager
    def _apart(self) -> Iterator[Store]:
        """Give the block a store of its own for what takes long, so that nobody waits for it."""
        with self._lock:
            store = self._current()
            if self.path == MEMORY:
                yield store
                return
        store = _open(self.path, read_only=True, durability="normal", timeout=self._timeout)
        try:
            yield store
        finally:
            store.close()

    def _pause(self) -> None:
        """Wait for the call that is under way, and let go of the file: SQLite must have none open when a child is made.

        What it knows of locks goes into the child, the locks do not: another process would throw away the log.
        """
        self._lock.acquire()
        if self._store is not None and self.path != MEMORY:
            self._store.close()
            self._store = None

    def _go_on(self) -> None:
        self._lock.release()

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[Store]:
        """Have all that is done in the block done at once, or nothing."""
        with self._lock:
            store = self._current()
            with store.transaction(write=write):
                yield store


#: Every index that is open.
_INDEXES: weakref.WeakSet[Index] = weakref.WeakSet()
#: Those that wait until a child is made.
_PAUSED: list[Index] = []


def _before_fork() -> None:
    _PAUSED[:] = _INDEXES
    for index in _PAUSED:
        index._pause()  # noqa: SLF001 - a part of the class, for all that there are


def _after_fork() -> None:
    while _PAUSED:
        _PAUSED.pop()._go_on()  # noqa: SLF001 - as above


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def _checked_path(path: object, *, read_only: bool) -> str:
    """Return the path of a file, independent of the folder that the process is in, or MEMORY."""
    if not isinstance(path, str | os.PathLike) or not isinstance(name := os.fspath(path), str) or "\0" in name:
        raise InvalidArgumentError(f"path must be the path of a file, or {MEMORY!r}. Got {path!r}.")
    if name == MEMORY:
        if read_only:
            raise InvalidArgumentError(f"read_only must be False for {MEMORY!r}. Got True.")
        return name
    return str(Path(name).absolute())


def _open(path: str, *, read_only: bool, durability: Durability, timeout: float, settings: str | None = None) -> Store:
    if path == MEMORY:
        return MemoryStore(settings or "")
    from dedup.stores.sqlite import SqliteStore  # noqa: PLC0415 - loads on first use

    return SqliteStore(path, read_only=read_only, full=durability == "full", timeout=timeout, settings=settings)


def _configured(settings: Settings) -> Config:
    """Return the config of an index from the keywords that were given.

    Raises:
        InvalidArgumentError: A keyword or its value is not allowed, or not in an index.
    """
    config = configure({"clean": "pages", "exhaustive": 0, **settings})
    for name, value, allowed in (
        ("clean", config.clean, ("pages", "off")),
        ("linkage", config.linkage, ("canonical",)),
        ("exhaustive", config.exhaustive, (0,)),
    ):
        if value not in allowed:
            raise InvalidArgumentError(f"{name} must be {' or '.join(map(repr, allowed))} in an index. Got {value!r}.")
    if config.keep.key is not None:
        raise InvalidArgumentError("keep must have no key in an index, whose file cannot hold a function. Got one.")
    plan(config.threshold, config.recall, num_slots=config.num_slots)  # refuses what cannot be reached
    return config


def _written(config: Config) -> str:
    """Return settings as JSON."""
    values = {one.name: getattr(config, one.name) for one in fields(config) if one.name not in {"threads", "keep"}}
    keep = {one.name: getattr(config.keep, one.name) for one in fields(config.keep) if one.name != "key"}
    return json.dumps({**values, "keep": keep, "fold_version": Scheme.of(config).fold_version})


def _read(written: str, path: str) -> Config:
    """Return the config that was written.

    Raises:
        IndexFileError: It is none.
        SchemeMismatch: It is of a library that folds texts in another way.
    """
    try:
        values = json.loads(written)
        version = values.pop("fold_version")
        config = Config(**{**values, "keep": KeepPolicy(**values["keep"])})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IndexFileError(f"{path} must hold the settings of an index. Got {written[:80]!r}.") from error
    if version != Scheme.of(config).fold_version:
        allowed = f"of fold version {Scheme.of(config).fold_version}, as this library folds"
        raise SchemeMismatch(f"{path} must be {allowed}. Got {version}.")
    return config


def _agreed(kept: Config, wanted: Config, settings: Settings) -> Config:
    """Return the config of a file, when what was asked for is the same."""
    for name in settings.keys() - {"threads"}:
        own, asked = getattr(kept, name), getattr(wanted, name)
        if own != asked:
            raise InvalidArgumentError(f"{name} must be {own!r}, as in the index, or left out. Got {asked!r}.")
    return replace(kept, threads=wanted.threads)


def _articles(source: object) -> list[Article]:
    """Read articles that each have an id; one may stand there again."""
    found: list[Article] = []
    texts: dict[str, str] = {}
    for article in formats.stream(source):
        if texts.setdefault(article.id, article.text) != article.text:
            raise DuplicateIdError(f"id must be unique. Got {article.id!r} with two texts.")
        found.append(article)
    return found


def _fingerprint(text: str) -> bytes:
    """Return what tells whether a text came before, 16 bytes: XXH3-128 of its UTF-8."""
    return xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))


def _is_same(document: Document | None, fingerprint: bytes) -> bool:
    return document is not None and document.fingerprint == fingerprint


def _whole(store: Store, document: Document) -> list[Document]:
    """Return a document and the stories that it carried."""
    return [document, *store.items_of(document.id)]


def _check_ids(articles: list[Article], there: dict[str, Document]) -> None:
    """Refuse ids that no database holds, and that of another document: a story of a page, and one that came by itself.

    Raises:
        InputError: An id is no valid Unicode.
        DuplicateIdError: Another document has it.
    """
    for article in articles:
        if _plain(article.id) != article.id:
            raise InputError(f"id must be valid Unicode in an index. Got {article.id!r:.80}.")
    for article in articles if there else ():
        document = there.get(article.id)
        if document is not None and document.parent != article.parent:
            pages = [f"a story that {parent!r} carries" for parent in (document.parent, article.parent) if parent]
            raise DuplicateIdError(f"id must be unique. Got {article.id!r}, which is {' and '.join(pages)} as well.")


def _sketched(articles: list[Article], config: Config) -> tuple[Batch, Sketches]:
    """Return articles with the stories of their pages, cleaned, and the sketches of the different texts."""
    parts: list[Sketches] = []

    def keep(_strings: list[str], _texts: native.Texts, marked: Marked) -> None:
        parts.append(marked.sketches)

    batch = prepare(articles, config, lambda _: None, keep, sampled=False)
    return batch, Sketches.join(parts, config)


def _own_places(batch: Batch, rows: list[int], sketches: Sketches) -> tuple[list[int], list[int]]:
    """Return the texts that some documents have, and which of those each has; nobody shares one without a token."""
    places: list[int] = []
    known: dict[int, int] = {}
    at = []
    for row in rows:
        place = batch.places[row]
        if place not in known or not sketches.tokens[place]:
            known[place] = len(places)
            places.append(place)
        at.append(known[place])
    return places, at


def _documents(
    batch: Batch, rows: list[int], sketches: Sketches, fingerprints: list[bytes], config: Config
) -> list[Document]:
    """Return some documents of a batch as an index keeps them, without their numbers."""
    articles = [batch.documents[row] for row in rows]
    tokens = sketches.tokens[[batch.places[row] for row in rows]].tolist()
    arrived = time.time()
    rank = ranker(config.keep)
    return [
        Document(
            0,
            one.id,
            0,
            one.parent,
            rank(one, count, last, batch.wire_ranks[row]),
            first,
            last,
            arrived,
            _plain(one.source),
            _plain(one.published),
            _plain(one.title),
            _plain(one.url),
            _json(one) if one.extra else "",
            fingerprints[row],
        )
        for row, one, count, (first, last) in zip(
            rows, articles, tokens, moments_of(one.published for one in articles).tolist(), strict=True
        )
    ]


def _json(article: Article) -> str:
    """Return the other fields of an article as JSON; what JSON has no form for, as text.

    Raises:
        InputError: They have none at all.
    """
    try:
        return json.dumps(dict(article.extra), default=str)
    except Exception as error:
        raise InputError(f"extra of {article.id!r:.80} must have a form as JSON. Got: {error!r:.80}.") from error


def _plain(text: str | None) -> str | None:
    """Return a text without lone surrogates, which no database holds."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()


def _articles_of(store: Store, documents: list[Document]) -> list[Article]:
    """Return documents as articles, with their clean texts."""
    words = store.words([document.text for document in documents])
    return [
        Article(
            id=one.id,
            text=words[one.text],
            source=one.source,
            published=one.published,
            title=one.title,
            url=one.url,
            parent=one.parent,
            extra=json.loads(one.extra) if one.extra else {},
        )
        for one in documents
    ]


def _matches(store: Store, documents: list[Document], change: Change) -> dict[str, Match]:
    """Return how documents stand to their clusters, by their ids; a change says what is new."""
    texts = {text.number: text for text in change.load({document.text for document in documents})}
    clusters = {text.cluster for text in texts.values()}
    leaders = change.leaders | store.canonicals(clusters - change.leaders.keys())
    texts |= {text.number: text for text in change.load({leaders[cluster] for cluster in clusters} - texts.keys())}
    names = {document.number: document.id for document in documents}
    unknown = {texts[leaders[cluster]].best for cluster in clusters} - names.keys()
    names |= {number: document.id for number, document in store.documents(unknown).items()}
    found = {}
    related = []
    for document in documents:
        text = texts[document.text]
        leader = texts[leaders[text.cluster]]
        is_canonical = leader.best == document.number
        found[document.id] = Match(
            document.id,
            "added",
            text.cluster,
            names[leader.best],
            None if is_canonical else "exact",
            is_new=is_canonical and text.cluster in change.begun,
            previous=change.previous.get(text.cluster),
        )
        if text is not leader:
            related.append((found[document.id], text, leader, store.pair(text.number, leader.number)))
    return found | {match.id: match for match in _with_scores(related)}


def _in_order(
    given: list[Article], items: list[Article], matches: dict[str, Match], actions: dict[str, Action]
) -> list[Match]:
    """Return the match of each article that was given, with those of the items of its page."""
    of_page: dict[str | None, list[Match]] = defaultdict(list)
    for item in items:
        # One of a page that is unchanged may be gone.
        if item.id in matches:
            of_page[item.parent].append(matches[item.id])
    found = []
    for article in given:
        action = actions.get(article.id, "added")
        match = _done(matches[article.id], action)
        if article.id in of_page:
            match = replace(match, items=tuple(_done(item, action) for item in of_page[article.id]))
        found.append(match)
        # Who stands there again changes nothing.
        actions[article.id] = "unchanged"
    return found


def _done(match: Match, action: Action) -> Match:
    """Return a match with what was done; nothing is new of what is unchanged."""
    return match if action == "added" else replace(match, action=action, is_new=match.is_new and action != "unchanged")


def _with_scores(related: list[tuple[Match, Text, Text, Neighbour | None]]) -> list[Match]:
    """Return matches with what the text of each and the canonical text of its cluster have in common."""
    rows = [(match, text, leader, pair) for match, text, leader, pair in related if pair is not None]
    if not rows:
        return []
    scores = np.array([pair for _, _, _, pair in rows], np.int64)
    count = len(rows)
    pairs = mark_versions(
        Pairs(
            left=np.arange(0, 2 * count, 2),
            right=np.arange(1, 2 * count, 2),
            shared=scores[:, 2],
            left_size=scores[:, 3],
            right_size=scores[:, 4],
            passage=np.zeros(count, np.int64),
            is_form=np.zeros(count, np.bool_),
            relation=scores[:, 1].astype(np.uint8),
        ),
        np.array([(one.first, one.last) for _, text, leader, _ in rows for one in (text, leader)]),
        outlet_numbers(one.source for _, text, leader, _ in rows for one in (text, leader)),
    )
    return [
        replace(
            match,
            relation=RELATIONS[relation],
            jaccard=jaccard(pair),
            containment=pair.shared / pair.size,
            containment_canonical=pair.shared / pair.other_size,
        )
        for (match, _, _, pair), relation in zip(rows, pairs.relation.tolist(), strict=True)
    ]


def _cluster(store: Store, number: int, canonical: int) -> Cluster:
    """Return a cluster as `Result.clusters` does."""
    leader = store.texts([canonical])[canonical]
    documents = store.documents_of(store.texts_in(number))
    documents.sort(key=lambda document: document.number != leader.best)
    scores = {canonical: 1.0}
    for text in {document.text for document in documents} - {canonical}:
        pair = store.pair(text, canonical)
        scores[text] = 0.0 if pair is None else jaccard(pair)
    earliest = min(documents, key=lambda document: document.last)
    alike = [scores[document.text] for document in documents[1:]]
    return Cluster(
        canonical=documents[0].id,
        members=tuple(document.id for document in documents),
        sources=tuple(sorted({document.source for document in documents if document.source is not None})),
        first_published=earliest.published if earliest.last < np.inf else None,
        cohesion_least=min(alike, default=1.0),
        cohesion_mean=sum(alike) / len(alike) if alike else 1.0,
        number=number,
    )
