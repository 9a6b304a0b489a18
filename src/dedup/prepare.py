"""Articles on their way into a run: cleaned, sketched, and joined by the stories that their pages carry."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dedup import templates
from dedup.boilerplate import age_resolved, wire_rank
from dedup.errors import DuplicateIdError, InputError
from dedup.kernels import native
from dedup.kernels.parallel import Pool
from dedup.kernels.sketches import Sketches
from dedup.model import Article, Cleaned
from dedup.stages import chunks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dedup.config import Config
    from dedup.stages import Advance
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
class _Chunk:
    """Some documents, cleaned.

    Args:
        rows: Which ones.
        strings: Their clean texts.
        texts: The same, as the kernels read them.
        hashes: uint64, one per clean text.
        pages: Place in the chunk -> what cleaning removed.
        prints: The blocks of the clean texts, where templates are learned from them.
        wire_ranks: How near each document is to its wire.
    """

    rows: range
    strings: list[str]
    texts: native.Texts
    hashes: NDArray[np.uint64]
    pages: dict[int, Cleaned]
    prints: Prints | None
    wire_ranks: list[int]


def prepare(articles: Sequence[Article], config: Config, advance: Advance) -> tuple[Batch, Sketches]:
    """Clean and sketch the articles, then the items that their pages carry, each different text once."""
    batch = Batch(list(articles))
    parts: list[Sketches] = []
    start = 0
    with Pool(config.threads) as pool:
        while start < len(batch.documents):
            # Items join the end of the list meanwhile, and have their turn when the articles have had theirs.
            texts = [article.text for article in batch.documents[start:]]
            rows = [range(start + cut.start, start + cut.stop) for cut in chunks_of(texts)]
            sketches = Sketches.empty(len(texts), config)
            filled = 0
            for chunk in pool.map(partial(_read, batch, config), rows):
                fresh = _merge(batch, chunk)
                part = sketches.rows(filled, filled + len(fresh))
                pool.start(partial(native.fill_sketches, fresh, config, 0, len(fresh), part))
                filled += len(fresh)
                advance(len(chunk.rows))
            parts.append(sketches.rows(0, filled))
            start += len(texts)
    _check_item_ids(batch.documents, len(articles))
    return batch, Sketches.join(parts, config)


def _read(batch: Batch, config: Config, rows: range) -> _Chunk:
    """Clean some documents and hash their clean texts."""
    strings = [batch.documents[row].text for row in rows]
    texts = native.Texts.from_strings(strings)
    for i in np.flatnonzero(texts.lengths > native.MAX_TEXT_BYTES).tolist():
        name, size = batch.documents[rows[i]].id, texts.lengths[i]
        raise InputError(f"text of {name!r} must be at most 64 MiB of UTF-8. Got {size} bytes.")
    pages: dict[int, Cleaned] = {}
    prints: Prints | None = None
    if config.clean != "off":
        pages, found = templates.clean_texts(strings, texts)
        prints = found if config.clean == "auto" else None
    if pages:
        for i, page in pages.items():
            strings[i] = page.text
        texts = texts.replace(np.array(list(pages)), native.Texts.from_strings([strings[i] for i in pages]))
    wire_ranks = [wire_rank(string, batch.documents[row].source) for string, row in zip(strings, rows, strict=True)]
    hashes = np.empty(len(texts), np.uint64)
    native.fill_text_hashes(texts, config.seed, 0, len(texts), hashes)
    return _Chunk(rows, strings, texts, hashes, pages, prints, wire_ranks)


def _merge(batch: Batch, chunk: _Chunk) -> native.Texts:
    """Add a chunk to the batch, and the items of its pages; return the texts that are new."""
    for i, page in chunk.pages.items():
        row = chunk.rows[i]
        article = batch.documents[row]
        if article.published is None and "published" in page.metadata:
            batch.documents[row] = replace(article, published=page.metadata["published"])
        batch.documents += _items(batch.documents[row], page)
        batch.cleaned[row] = page
    batch.wire_ranks += chunk.wire_ranks
    fresh = []
    for i, (key, string) in enumerate(zip(chunk.hashes.tolist(), chunk.strings, strict=True)):
        place = batch.known.setdefault(key, len(batch.strings))
        # Equal hashes are not yet equal texts: whoever knows the seed can make two that collide.
        if place == len(batch.strings) or batch.strings[place] != string:
            place = len(batch.strings)
            batch.strings.append(string)
            fresh.append(i)
        batch.places.append(place)
    if chunk.prints:
        batch.prints.append(chunk.prints.take(np.array(fresh, np.int64)))
    return chunk.texts.take(np.array(fresh, np.int64))


def _items(page: Article, cleaned: Cleaned) -> list[Article]:
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
