"""What an index keeps, and what a store must do to keep it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from dedup.model import Event

#: By which time documents expire: when they were published, or when they came.
Clock = Literal["published", "arrived"]


class Document(NamedTuple):
    """A document that is in an index.

    Args:
        number: Its number; numbers ascend as documents arrive, and none is used twice.
        id: Its name.
        text: The number of its text: documents that fold to the same share one.
        parent: The id of the page that carried it.
        rank: Where it stands in keep order: of two documents, the one whose bytes are smaller is kept.
        first: The first moment when it may have been published, in seconds since 1970; infinity when unknown.
        last: The last such moment.
        arrived: When it came, in seconds since 1970.
        source: Who printed it.
        published: When, as it came.
        title: The headline.
        url: Where it was found.
        extra: Every other field, as JSON; "" for none.
        fingerprint: A hash of the text as it came, 16 bytes.
    """

    number: int
    id: str
    text: int
    parent: str | None
    rank: bytes
    first: float
    last: float
    arrived: float
    source: str | None
    published: str | None
    title: str | None
    url: str | None
    extra: str
    fingerprint: bytes


@dataclass(slots=True, eq=False)
class Text:
    """A text that documents of an index have: clean, and one for all that fold to the same.

    Args:
        number: Its number; numbers ascend, and none is used twice.
        digest: A hash of its tokens, unsigned 64 bits.
        tokens: How many tokens.
        shingles: How many shingles, repeats included.
        size: How many different ones; 0 while it is related to nothing.
        samples: How many of its long shingles are sampled.
        rate: The share of all hashes that are below the cut of the sample.
        crowded: Whether it had a key that more texts have than are compared.
        composite: Whether it carries texts that have nothing to do with each other.
        roundup: Whether it is composite, and no copy of one story.
        cluster: The number of its cluster.
        best: The document to keep of those that have it.
        rank: The rank of that document.
        first: Its `first`.
        last: Its `last`.
        source: Its source.
    """

    number: int
    digest: int
    tokens: int
    shingles: int
    size: int
    samples: int
    rate: float
    crowded: bool
    composite: bool
    roundup: bool
    cluster: int
    best: int
    rank: bytes
    first: float
    last: float
    source: str | None


class Neighbour(NamedTuple):
    """A text that another text is related to.

    Args:
        other: Its number.
        relation: Code of the relation that the two have by themselves.
        shared: Shingles that both have.
        size: Shingles that the text has, each counted once.
        other_size: Shingles that the other has.
    """

    other: int
    relation: int
    shared: int
    size: int
    other_size: int


class Pair(NamedTuple):
    """Two related texts; the fields of `Neighbour`, with the number of the text in front."""

    text: int
    other: int
    relation: int
    shared: int
    size: int
    other_size: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How much an index holds.

    Args:
        documents: Documents, the stories that pages carried included.
        texts: Different texts.
        clusters: Clusters, those of one document included.
        pairs: Related pairs of different texts.
        crowded: Texts that had a key which more texts have than are compared.
        events: Events in the log.
        size: Bytes of the file; 0 in memory.
    """

    documents: int
    texts: int
    clusters: int
    pairs: int
    crowded: int
    events: int
    size: int


class Store(Protocol):
    """Where an index lives. Every method but `transaction` and `close`, `compact` and `backup` is called within one.

    A transaction sees one state of the store from its beginning to its end. What a method is asked for and is not there
    is left out of its answer.
    """

    def transaction(self, *, write: bool) -> AbstractContextManager[None]:
        """Do all that is done in the block at once, or nothing when it fails; one that writes waits for another writer.

        Raises:
            IndexBusyError: The other writer did not finish in time.
            IndexFileError: What is kept is damaged.
            OutputError: It cannot be written.
        """

    def close(self) -> None:
        """Let go of what is open; a second time does nothing."""

    def settings(self) -> str:
        """Return the settings that the store was made with."""

    def next_numbers(self) -> tuple[int, int, int]:
        """Return the least unused number of a document, of a text and of a cluster."""

    def texts(self, numbers: Iterable[int]) -> dict[int, Text]:
        """Return texts by their numbers."""

    def with_digest(self, digests: Sequence[int]) -> list[tuple[int, int]]:
        """Return (digest, number) of each text that has one of the digests and a token."""

    def save_texts(self, texts: Sequence[Text]) -> None:
        """Keep texts, in place of those of the same numbers."""

    def delete_texts(self, numbers: Sequence[int]) -> None:
        """Drop texts with their words, their keys and their pairs."""

    def words(self, numbers: Sequence[int]) -> dict[int, str]:
        """Return the clean texts by their numbers."""

    def save_words(self, words: Sequence[tuple[int, str]]) -> None:
        """Keep the clean texts of new numbers."""

    def canonicals(self, clusters: Iterable[int]) -> dict[int, int]:
        """Return the canonical text of each cluster."""

    def save_clusters(self, canonicals: dict[int, int]) -> None:
        """Keep the canonical text of clusters, new ones included."""

    def delete_clusters(self, clusters: Sequence[int]) -> None:
        """Drop clusters that no text is in any more."""

    def texts_in(self, cluster: int) -> list[int]:
        """Return the numbers of the texts of a cluster."""

    def clusters_after(self, cluster: int, most: int) -> list[tuple[int, int]]:
        """Return the next clusters behind one, ascending: number and canonical text."""

    def find(
        self, keys: NDArray[np.uint64], most: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Return which texts have some keys: (place in `keys`, number) sorted, and bool [n]: who has more than `most`.

        Of a key that more than `most` texts have, `most` of them are returned.
        """

    def add_keys(self, numbers: Sequence[int], keys: Sequence[NDArray[np.uint64]]) -> None:
        """Note the keys of new texts, whose numbers ascend."""

    def neighbours(self, text: int, most: int | None = None) -> list[Neighbour]:
        """Return every text that a text is related to, or `most` of them."""

    def parts(self, text: int, relation: int, most: int, below: int | None = None) -> list[Neighbour]:
        """Return the `most` largest texts that a text has a relation to, those of less than `below` shingles only."""

    def pair(self, text: int, other: int) -> Neighbour | None:
        """Return how a text is related to another; None when it is not."""

    def pairs_with(self, text: int, others: Sequence[int]) -> dict[int, Neighbour]:
        """Return how a text is related to each of some others, those that it is related to."""

    def save_pairs(self, pairs: Sequence[Pair]) -> None:
        """Keep pairs of texts that were no pair before; each counts from both sides."""

    def count_documents(self) -> int:
        """Return the number of documents."""

    def named(self, names: Sequence[str]) -> dict[str, Document]:
        """Return documents by their ids."""

    def documents(self, numbers: Iterable[int]) -> dict[int, Document]:
        """Return documents by their numbers."""

    def documents_of(self, texts: Sequence[int]) -> list[Document]:
        """Return the documents that have one of the texts, in keep order."""

    def best_of(self, text: int) -> Document | None:
        """Return the document to keep of those that have a text."""

    def items_of(self, parent: str) -> list[Document]:
        """Return the stories that a page carried."""

    def older(self, before: float, clock: Clock) -> list[Document]:
        """Return the documents whose last moment on that clock is before a moment, by number."""

    def documents_after(self, number: int, most: int) -> list[Document]:
        """Return the next documents behind one, by number."""

    def add_documents(self, documents: Sequence[Document]) -> None:
        """Keep new documents."""

    def delete_documents(self, documents: Sequence[Document]) -> None:
        """Drop documents."""

    def add_events(self, events: Sequence[Event]) -> None:
        """Append to the log; the positions are given here, whatever the events say."""

    def events(self, after: int, most: int) -> list[Event]:
        """Return at most so many events behind a position, in order."""

    def event_bounds(self) -> tuple[int, int]:
        """Return the positions of the last event that was dropped and of the last that ever was; 0 for none."""

    def delete_events(self, until: int) -> int:
        """Drop the events up to a position, that included; return how many."""

    def counts(self) -> Counts:
        """Return how much there is."""

    def compact(self) -> None:
        """Give back the room of what is gone; called outside of a transaction."""

    def backup(self, path: str) -> None:
        """Copy the store to a new file while others use it; called outside of a transaction."""

    def verify(self) -> list[str]:
        """Return what is wrong with the way things are kept, one sentence each."""
