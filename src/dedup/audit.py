"""Whether an index is what it should be: every invariant of its clusters, told from the texts that it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dedup.kernels import native
from dedup.matching.lookup import keys_of
from dedup.stream import Change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dedup.config import Config
    from dedup.protocols import Document, Store

_PAGE = 1000


def check(store: Store, config: Config) -> Iterator[str]:
    """Yield what is broken, one sentence each.

    - The best document of a text is the first in keep order of those that have it, and each document has a text.
    - What is known of a text follows from its words: its keys, by which it is found, what kind of page it is, and how
      it stands to the canonical text of its cluster.
    - Each cluster has a canonical text, which is linked to no earlier canonical one; each other text is linked to the
      canonical text of its cluster, and to none that it resembles more.
    """
    best: dict[int, Document] = {}
    last = 0
    while documents := store.documents_after(last, _PAGE):
        for document in documents:
            kept = best.setdefault(document.text, document)
            if document.rank < kept.rank:
                best[document.text] = document
        last = documents[-1].number
    canonicals: dict[int, int] = {}
    cluster = 0
    while clusters := store.clusters_after(cluster, _PAGE):
        canonicals |= clusters
        cluster = clusters[-1][0]
    numbers = sorted(best)
    for start in range(0, len(numbers), _PAGE):
        yield from _check_texts(store, config, numbers[start : start + _PAGE], best, canonicals)
    counts = store.counts()
    if counts.texts != len(best):
        yield f"{counts.texts} texts are there, but documents have {len(best)}."
    clusters_used = {text.cluster for text in store.texts(canonicals.values()).values()}
    for number in sorted(canonicals.keys() - clusters_used):
        yield f"Cluster {number} has no text."


def _check_texts(
    store: Store, config: Config, numbers: list[int], best: dict[int, Document], canonicals: dict[int, int]
) -> Iterator[str]:
    texts = store.texts(numbers)
    words = store.words(numbers)
    for number in numbers:
        if number not in texts:
            yield f"Text {number}, which document {best[number].id!r} has, is not there."
        elif number not in words:
            yield f"The words of text {number} are not there."
    there = [texts[number] for number in numbers if number in texts and number in words]
    sketches = native.sketch(native.Texts.from_strings([words[text.number] for text in there]), config)
    keys = keys_of(native.Texts.from_strings([words[text.number] for text in there]), sketches, config)
    place, found_by, over = store.find(keys.values, config.bucket_limit)
    own = np.repeat([text.number for text in there], np.diff(keys.firsts))
    has = over.copy()
    has[place[found_by == own[place]]] = True
    for number in np.unique(own[~has]).tolist():
        yield f"Text {number} is not found by all of its keys."
    change = Change(store, config)
    for row, text in enumerate(there):
        found = (int(sketches.digests[row]), int(sketches.tokens[row]), int(sketches.shingles[row]))
        if text.tokens != found[1] or (text.tokens and (text.digest, text.tokens, text.shingles) != found):
            yield f"Text {text.number} does not have the words that it had."
        document = best[text.number]
        if (text.best, text.rank) != (document.number, document.rank):
            yield f"The best document of text {text.number} is {document.id!r}, another is noted."
        if text.cluster not in canonicals:
            yield f"Cluster {text.cluster} of text {text.number} is not there."
            continue
        yield from change.complaints(text)
