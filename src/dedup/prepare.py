"""Articles on their way into a run: cleaned, sketched, and joined by the stories that their pages carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup import templates
from dedup.boilerplate import age_resolved, wire_ranks
from dedup.errors import DuplicateIdError, InputError
from dedup.kernels import native
from dedup.kernels.parallel import Pool
from dedup.model import Article, Cleaned
from dedup.stages import chunks_of, sketch_chunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.stages import Advance, Marked
    from dedup.templates import Prints


@dataclass(slots=True, eq=False)
class Batch:
    """Documents on their way through cleaning, and what is known of them so far.

    Args:
        documents: The articles, then the items of their pages.
        cleaned: Row of a document -> what cleaning removed.
        strings: The clean texts without byte-for-byte repeats.
        places: The place of each document's clean text in `strings`.
        known: Hash of a clean text -> its place in `strings`.
        prints: The blocks of `strings`, in pieces.
        wire_ranks: How near each document is to its wire.
    """

    documents: list[Article]
    cleaned: dict[int, Cleaned] = field(default_factory=dict)
    strings: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    known: dict[int, int] = field(default_factory=dict)
    prints: list[Prints] = field(default_factory=list)
    wire_ranks: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some texts, cleaned.

    Args:
        strings: The clean texts.
        texts: The same, as the kernels read them.
        pages: Place in the chunk -> what cleaning removed.
        prints: The blocks of the clean texts, where templates are learned from them.
        wire_ranks: uint8, how near each is to its wire.
    """

    strings: Sequence[str]
    texts: native.Texts
    pages: dict[int, Cleaned]
    prints: Prints | None
    wire_ranks: NDArray[np.uint8]


class Replaced(Sequence[str]):
    """Texts of which some have been replaced."""

    def __init__(self, strings: Sequence[str], others: Mapping[int, str]) -> None:
        self._strings, self._others = strings, others

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._strings)

    def __getitem__(self, row: Any) -> Any:  # noqa: ANN401 - nobody slices it
        """Return one of them."""
        return self._others[row] if row in self._others else self._strings[row]


def read_chunk(
    names: Sequence[str],
    strings: Sequence[str],
    texts: native.Texts,
    sources: Sequence[str | None],
    config: Config,
) -> Chunk:
    """Clean some texts.

    Args:
        names: Their ids.
        strings: The texts; only those that are looked at are asked for.
        texts: The same.
        sources: Who printed them.
        config: The settings.

    Raises:
        InputError: A text is longer than 64 MiB.
    """
    for i in np.flatnonzero(texts.lengths > native.MAX_TEXT_BYTES).tolist():
        raise InputError(f"text of {names[i]!r} must be at most 64 MiB of UTF-8. Got {texts.lengths[i]} bytes.")
    pages: dict[int, Cleaned] = {}
    prints: Prints | None = None
    if config.clean != "off":
        pages, found = templates.clean_texts(strings, texts)
        prints = found if config.clean == "auto" else None
    if pages:
        strings = Replaced(strings, {i: page.text for i, page in pages.items()})
        texts = texts.replace(np.array(list(pages)), native.Texts.from_strings([page.text for page in pages.values()]))
    return Chunk(strings, texts, pages, prints, wire_ranks(strings, texts, sources))


def prepare(
    articles: Sequence[Article],
    config: Config,
    advance: Advance,
    keep: Callable[[list[str], native.Texts, Marked], None],
    *,
    sampled: bool,
) -> Batch:
    """Clean and sketch the articles, then the items that their pages carry, each different text once.

    Args:
        articles: The documents.
        config: The settings.
        advance: Told how many more documents are done.
        keep: Takes the different texts, some at a time, in the order of `Batch.strings`, and their sketches.
        sampled: Whether samples are wanted.
    """
    batch = Batch(list(articles))
    start = 0

    def read(rows: range) -> tuple[range, Chunk, NDArray[np.uint64]]:
        documents = batch.documents[rows.start : rows.stop]
        strings = [document.text for document in documents]
        names, sources = [document.id for document in documents], [document.source for document in documents]
        chunk = read_chunk(names, strings, native.Texts.from_strings(strings), sources, config)
        hashes = np.empty(len(rows), np.uint64)
        native.fill_text_hashes(chunk.texts, config.seed, 0, len(rows), hashes)
        return rows, chunk, hashes

    def different(cuts: list[range]) -> Iterator[tuple[list[str], native.Texts]]:
        for rows, chunk, hashes in pool.map(read, cuts):
            fresh = _merge(batch, rows, chunk, hashes)
            advance(len(rows))
            yield [chunk.strings[row] for row in fresh.tolist()], chunk.texts.take(fresh)

    def mark(given: tuple[list[str], native.Texts]) -> tuple[list[str], native.Texts, Marked]:
        return *given, sketch_chunk(given[1], config, sampled=sampled)

    with Pool(config.threads) as pool:
        while start < len(batch.documents):
            # Items join the end of the list meanwhile, and have their turn when the articles have had theirs.
            texts = [article.text for article in batch.documents[start:]]
            for made in pool.map(
                mark, different([range(start + cut.start, start + cut.stop) for cut in chunks_of(texts)])
            ):
                keep(*made)
            start += len(texts)
    _check_item_ids(batch.documents, len(articles))
    return batch


def _merge(batch: Batch, rows: range, chunk: Chunk, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Add a chunk to the batch, and the items of its pages; return which of its texts are new."""
    for i, page in chunk.pages.items():
        article = batch.documents[rows[i]]
        batch.documents[rows[i]] = article = dated(article, page)
        batch.documents += items_of(article, page)
        batch.cleaned[rows[i]] = page
    batch.wire_ranks += chunk.wire_ranks.tolist()
    fresh = []
    for i, (key, string) in enumerate(zip(hashes.tolist(), chunk.strings, strict=True)):
        place = batch.known.setdefault(key, len(batch.strings))
        # Equal hashes are not yet equal texts: whoever knows the seed can make two that collide.
        if place == len(batch.strings) or batch.strings[place] != string:
            place = len(batch.strings)
            batch.strings.append(string)
            fresh.append(i)
        batch.places.append(place)
    chosen = np.array(fresh, np.int64)
    if chunk.prints:
        batch.prints.append(chunk.prints.take(chosen))
    return chosen


def dated(article: Article, page: Cleaned) -> Article:
    """Return an article with the date that its page shows, where it has none."""
    if article.published is None and "published" in page.metadata:
        return replace(article, published=page.metadata["published"])
    return article


def items_of(page: Article, cleaned: Cleaned) -> list[Article]:
    """Return the stories that a page carries beside its own, as documents."""
    return [
        Article(
            id=f"{page.id}#{number}",
            text=item.text,
            source=item.source,
            published=age_resolved(item.age, page.published),
            title=item.title,
            parent=page.id,
        )
        for number, item in enumerate(cleaned.items, 1)
    ]


def _check_item_ids(documents: list[Article], articles: int) -> None:
    if len(documents) == articles:
        return
    taken = {article.id for article in documents[:articles]}
    for item in documents[articles:]:
        if item.id in taken:
            raise DuplicateIdError(
                f"id must be unique. Got {item.id!r} of a document and of a story that page {item.parent!r} carries."
            )
        taken.add(item.id)
