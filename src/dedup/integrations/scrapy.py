"""An item pipeline for Scrapy: each item joins an index, and reprints are dropped or marked.

In the `settings.py` of a project:

    ITEM_PIPELINES = {"dedup.integrations.scrapy.DedupPipeline": 300}
    DEDUP_INDEX = "news.dedup"
    DEDUP_FIELDS = {"text": "body", "source": "outlet"}
    DEDUP_SETTINGS = {"threshold": 0.6}
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from dedup import _validate
from dedup.errors import InputError, InvalidArgumentError, MissingExtraError
from dedup.live import Index

try:
    from itemadapter import ItemAdapter
    from scrapy.exceptions import DropItem, NotConfigured
except ImportError as error:
    raise MissingExtraError('The pipeline for Scrapy needs scrapy: pip install "dedup[scrapy]"') from error

if TYPE_CHECKING:
    import os

    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

    from dedup.model import Match

_LOG = logging.getLogger(__name__)

#: The fields of an article that items are asked for.
_FIELDS = ("text", "id", "source", "published", "title", "url")
#: The fields of a match that an item is marked with.
_MARKS = ("cluster", "canonical", "relation", "jaccard", "containment", "containment_canonical", "previous")


class DedupPipeline:
    """Adds each item to an index and drops it, or marks it, when it is a reprint of one that is there.

    Items are of any kind that Scrapy knows: dicts, `Item`, dataclasses, attrs. An item is named by its id, or by its
    url when it has none; with neither it fails. One without text passes as it is. One that is there already with the
    same text changes nothing and goes the way that it would go now, so a crawl that broke off can be run again.

    A late original, which takes the place of a document that passed before, passes too, and the log says so. So does
    the reprint of a story that another page carried beside its own: that story is no item. What was dropped may be
    canonical later, when the document that it was dropped for is removed or replaced, or joins a late original: the
    events of the index tell.

    Settings of Scrapy:

    - `DEDUP_INDEX`: the path of the index, which is made if it is not there. Without it the pipeline is disabled.
    - `DEDUP_REPRINTS`: "drop" (what is set when nothing is) raises `DropItem`, whose message says of what the item is a
      reprint and why. "mark" lets every item pass, with `dedup_cluster`, `dedup_canonical`, `dedup_relation`,
      `dedup_jaccard`, `dedup_containment`, `dedup_containment_canonical` and `dedup_previous`, as `Match` has them; an
      item that is no dict gets those that its class declares, and fails when it declares none.
    - `DEDUP_FIELDS`: a dict from `text`, `id`, `source`, `published`, `title` and `url` to the names that items have
      for them; a name that is not there is the same. No other field is kept in the index.
    - `DEDUP_SETTINGS`: a dict of keywords of `Index`, such as `threshold`, `durability` and `timeout`.

    On the command line a dict is JSON. What is set wrongly ends the crawl at its start: it would let reprints pass.

    Stats, each below `dedup/`: `added`, `replaced` and `unchanged` (they add up to the items with text),
    `dropped/RELATION` or `marked/RELATION`, `late_originals`, `carried` (passed as reprints of a carried story) and
    `no_text`.

    All is done in the one thread of Scrapy, an item at a time, so that the answers follow the order of the items; an
    item takes a few milliseconds. Crawls in several processes may share an index: each waits for the other up to
    `timeout` seconds, and fetches nothing meanwhile. An item that the index refuses fails as any item does.

    Args:
        path: The path of the index.
        crawler: The crawler whose settings and stats are used.

    Raises:
        InvalidArgumentError: A setting is outside what is allowed.
    """

    def __init__(self, path: str | os.PathLike[str], crawler: Crawler) -> None:
        settings = crawler.settings
        self._path = path
        reprints = _validate.choice("DEDUP_REPRINTS", settings.get("DEDUP_REPRINTS", "drop"), ("drop", "mark"))
        self._is_marking = reprints == "mark"
        self._fields = {field: field for field in _FIELDS}
        for field, name in _dict(settings, "DEDUP_FIELDS").items():
            _validate.choice("DEDUP_FIELDS", field, _FIELDS)
            self._fields[field] = _validate.text(f"DEDUP_FIELDS[{field!r}]", name)
        self._settings = _dict(settings, "DEDUP_SETTINGS")
        self._stats = crawler.stats
        self._open = ExitStack()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Return the pipeline that the settings of a crawler ask for.

        Raises:
            NotConfigured: `DEDUP_INDEX` is not set.
            InvalidArgumentError: A setting is outside what is allowed.
        """
        path = crawler.settings.get("DEDUP_INDEX")
        if not path:
            raise NotConfigured("DEDUP_INDEX must be the path of an index. Got none.")
        return cls(path, crawler)

    def open_spider(self, spider: object = None) -> None:  # noqa: ARG002 - Scrapy before 2.14 gives it
        """Open the index.

        Raises:
            DedupError: As `Index` does.
        """
        self._index = self._open.enter_context(Index(self._path, **self._settings))

    def close_spider(self, spider: object = None) -> None:  # noqa: ARG002 - Scrapy before 2.14 gives it
        """Close the index; one that could not be opened does not matter."""
        self._open.close()

    def process_item(self, item: Any, spider: object = None) -> Any:  # noqa: ANN401, ARG002 - any item; as above
        """Add an item to the index and return it, marked when it is to be.

        Raises:
            DropItem: It is a reprint, and reprints are dropped.
            DedupError: It has no name or is no article, its class declares no mark, or as `Index.add`.
        """
        adapter = ItemAdapter(item)
        article = {field: adapter.get(name) for field, name in self._fields.items()}
        if not article["text"] or not str(article["text"]).strip():
            self._count("no_text")
            return item
        if article["id"] in (None, ""):
            article["id"] = article["url"]
        if article["id"] in (None, ""):
            names = f"{self._fields['id']!r} or {self._fields['url']!r}"
            raise InputError(f"item must have a name in {names}. Got {type(item).__name__} with neither.")
        marks = _marks_of(item) if self._is_marking else ()
        match = self._index.add(article)
        self._count(match.action)
        if match.canonical_changed and match.relation is None:
            self._count("late_originals")
            _LOG.info("Late original: %r takes the place of %r", match.id, match.previous)
        if self._is_marking:
            if match.relation is not None:
                self._count(f"marked/{match.relation}")
            adapter.update({f"dedup_{mark}": getattr(match, mark) for mark in marks})
        elif match.relation is not None:
            self._drop(match)
        return item

    def _drop(self, match: Match) -> None:
        """Raise what drops an item, unless nobody has the document that it would be dropped for."""
        canonical = self._index.get(match.canonical)
        if canonical is not None and canonical.parent is not None:
            self._count("carried")
            return
        self._count(f"dropped/{match.relation}")
        raise DropItem(
            f"Reprint of {match.canonical!r}: {match.relation}, Jaccard {match.jaccard:.3f}, {match.containment:.0%} "
            f"of it in the canonical, {match.containment_canonical:.0%} of the canonical in it"
        )

    def _count(self, name: str) -> None:
        self._stats.inc_value(f"dedup/{name}")


def _dict(settings: BaseSettings, name: str) -> dict[str, Any]:
    """Return a setting that is a dict, or JSON of one; an empty one when it is not set.

    Raises:
        InvalidArgumentError: It is neither.
    """
    try:
        return settings.getdict(name)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{name} must be a dict, or JSON of one. Got {settings.get(name)!r}.") from error


def _marks_of(item: object) -> tuple[str, ...]:
    """Return the marks that an item can take.

    Raises:
        InputError: It can take none.
    """
    declared = ItemAdapter.get_field_names_from_class(type(item))
    marks = _MARKS if declared is None else tuple(mark for mark in _MARKS if f"dedup_{mark}" in declared)
    if not marks:
        raise InputError(
            f"item must declare 'dedup_canonical', to be marked. Got {type(item).__name__}, which does not."
        )
    return marks
