"""Items of a crawl join an index; what is dropped, marked and counted is what the index says of each."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import scrapy
from hypothesis import given
from hypothesis import strategies as st
from scrapy.exceptions import DropItem, NotConfigured
from scrapy.settings import Settings

import dedup
from dedup.errors import InputError, InvalidArgumentError, MissingExtraError
from dedup.integrations.scrapy import DedupPipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = "dedup.integrations.scrapy"
ROOT = Path(__file__).parents[2]
MARKS = ("cluster", "canonical", "relation", "jaccard", "containment", "containment_canonical", "previous")
STORY = (
    "The harbour bridge will close on Friday for the first time in forty years, the council said on Monday. "
    "Engineers found cracks in two of the nine piers after the storm of last winter. Buses will go round by the mill "
    "until the work is done, and the ferry will run every ten minutes. The work is to cost four million crowns, of "
    "which the county pays one half and the port the other."
)
OTHER = (
    "A kelp farm opened in the bay below the lighthouse on Tuesday and will give work to nine divers until the end of "
    "summer, its owner told a crowd of two hundred. He had waited six years for the licence, and sold his boat for it."
)
THIRD = (
    "Four schools on the island will share one orchestra from next year because none of them has enough children left "
    "who want to learn the viola. The first concert is planned for the week before Easter in the church of the port."
)
REPRINT = f"Harbour: {STORY}"
EXCERPT = STORY[: STORY.index("Buses will go")]


class Counter:
    """Counts as a stats collector does."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def inc_value(self, key: str) -> None:
        """Add one to a count."""
        self.counts[key] = self.counts.get(key, 0) + 1


def crawler_of(**settings: object) -> Any:
    """Return what stands for a crawler; its index is in memory when nothing else is said."""
    return SimpleNamespace(settings=Settings({"DEDUP_INDEX": ":memory:", **settings}), stats=Counter())


@pytest.fixture
def started() -> Iterator[Any]:
    """Return a function that starts a pipeline with some settings, and close what it started."""
    pipelines = []

    def start(**settings: object) -> tuple[DedupPipeline, dict[str, int]]:
        crawler = crawler_of(**settings)
        pipeline = DedupPipeline.from_crawler(crawler)
        pipeline.open_spider()
        pipelines.append(pipeline)
        return pipeline, crawler.stats.counts

    yield start
    for pipeline in pipelines:
        pipeline.close_spider()


class Declared(scrapy.Item):
    """An item with every field, of which some are marks."""

    url, text, dedup_canonical, dedup_relation = scrapy.Field(), scrapy.Field(), scrapy.Field(), scrapy.Field()


@dataclass
class Plain:
    """An item that declares two marks."""

    url: str
    text: str
    dedup_canonical: str | None = None
    dedup_relation: str | None = None


@attrs.define
class Attrs:
    """The same, made by attrs."""

    url: str
    text: str
    dedup_canonical: str | None = None
    dedup_relation: str | None = None


@dataclass
class Unmarked:
    """An item that declares no mark."""

    url: str
    text: str


def value_of(item: Any, name: str) -> Any:
    """Return a field of an item of any kind."""
    return item[name] if isinstance(item, dict | scrapy.Item) else getattr(item, name)


def outcome(pipeline: DedupPipeline, **item: object) -> str | None:
    """Put a dict through a pipeline; return why it was dropped, None when it passed untouched."""
    before = dict(item)
    try:
        assert pipeline.process_item(item) is item
    except DropItem as error:
        return str(error)
    assert item == before
    return None


@pytest.mark.parametrize("kind", [dict, Declared, Plain, Attrs])
def test_every_kind_of_item_is_marked(started: Any, kind: Any) -> None:
    """An item gets the marks that it declares, and it is the item itself that comes back."""
    pipeline, counts = started(DEDUP_REPRINTS="mark")
    items = [kind(url=url, text=text) for url, text in (("a", REPRINT), ("b", STORY), ("c", OTHER))]
    assert all(pipeline.process_item(item) is item for item in items)
    marks = [(value_of(item, "dedup_canonical"), value_of(item, "dedup_relation")) for item in items]
    assert marks == [("a", None), ("a", "duplicate"), ("c", None)]
    assert counts == {"dedup/added": 3, "dedup/marked/duplicate": 1}


def test_a_dict_gets_every_mark(started: Any) -> None:
    """The marks of a dict are what the index says of the item."""
    pipeline, _ = started(DEDUP_REPRINTS="mark")
    index = dedup.Index(":memory:")
    for item in ({"id": "a", "text": STORY}, {"id": "b", "text": REPRINT}, {"id": "c", "text": EXCERPT}):
        match = index.add(item)
        marks = {f"dedup_{name}": getattr(match, name) for name in MARKS}
        assert pipeline.process_item(dict(item)) == item | marks
    index.close()


def test_an_item_that_declares_no_mark_is_refused(started: Any) -> None:
    """An item that cannot be marked fails before it is added, rather than pass as if it were no reprint."""
    pipeline, counts = started(DEDUP_REPRINTS="mark")
    with pytest.raises(InputError, match=r"item must declare 'dedup_canonical'.*Got Unmarked"):
        pipeline.process_item(Unmarked("a", STORY))
    assert not counts


def test_reprints_are_dropped_with_the_reason(started: Any) -> None:
    """A reprint is dropped, and the message names the canonical document, the relation and the scores."""
    pipeline, counts = started()
    assert outcome(pipeline, url="a", text=REPRINT) is None
    assert outcome(pipeline, url="b", text=OTHER) is None
    found = outcome(pipeline, url="c", text=STORY)
    with dedup.Index(":memory:") as index:
        index.add({"id": "a", "text": REPRINT})
        match = index.add({"id": "c", "text": STORY})
    assert found == (
        f"Reprint of 'a': duplicate, Jaccard {match.jaccard:.3f}, 100% of it in the canonical, "
        f"{match.containment_canonical:.0%} of the canonical in it"
    )
    assert "Reprint of 'b': exact" in (outcome(pipeline, url="d", text=OTHER.upper()) or "")
    assert "Reprint of 'a': excerpt" in (outcome(pipeline, url="e", text=EXCERPT) or "")
    assert counts == {
        "dedup/added": 5,
        "dedup/dropped/duplicate": 1,
        "dedup/dropped/exact": 1,
        "dedup/dropped/excerpt": 1,
    }


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"id": "x", "url": "u"}, "x"),
        ({"id": 7, "url": "u"}, "7"),
        ({"id": 0, "url": "u"}, "0"),
        ({"id": None, "url": "u"}, "u"),
        ({"id": "", "url": "u"}, "u"),
        ({"url": "u"}, "u"),
    ],
)
def test_an_item_is_named_by_its_id_or_its_url(started: Any, names: dict[str, object], expected: str) -> None:
    """The id names an item, whatever number it is; where it is absent or empty the url does."""
    pipeline, _ = started(DEDUP_REPRINTS="mark")
    assert pipeline.process_item({"text": STORY, **names})["dedup_canonical"] == expected


@pytest.mark.parametrize("names", [{}, {"id": None, "url": None}, {"id": "", "url": ""}])
def test_an_item_without_a_name_fails(started: Any, names: dict[str, object]) -> None:
    """An item with neither id nor url fails, since it would be added again by each crawl."""
    pipeline, counts = started()
    with pytest.raises(InputError, match=r"item must have a name in 'id' or 'url'\. Got dict with neither"):
        pipeline.process_item({"text": STORY, **names})
    assert not counts


@pytest.mark.parametrize("text", [{}, {"text": None}, {"text": ""}, {"text": " \n"}])
def test_items_without_text_pass(started: Any, text: dict[str, object]) -> None:
    """An item without text passes as it is, with or without a name, and is counted."""
    pipeline, counts = started()
    assert outcome(pipeline, **text) is None
    assert outcome(pipeline, url="a", **text) is None
    assert counts == {"dedup/no_text": 2}


def test_an_item_that_is_no_article_fails(started: Any) -> None:
    """A field of another type, such as a list that a loader left, is an error and not a pass."""
    pipeline, counts = started()
    with pytest.raises(InputError, match="text"):
        pipeline.process_item({"url": "a", "text": [STORY]})
    assert not counts


def test_items_that_come_again_go_the_same_way(started: Any) -> None:
    """What passed passes again, what was dropped is dropped again; another text takes the place of the first."""
    pipeline, counts = started()
    for _ in range(2):
        assert outcome(pipeline, url="a", text=REPRINT) is None
        assert outcome(pipeline, url="b", text=STORY) is not None
    assert outcome(pipeline, url="b", text=OTHER) is None
    assert counts == {"dedup/added": 2, "dedup/unchanged": 2, "dedup/dropped/duplicate": 2, "dedup/replaced": 1}


@pytest.mark.parametrize("reprints", ["drop", "mark"])
def test_a_late_original_passes_and_says_so(started: Any, reprints: str, caplog: pytest.LogCaptureFixture) -> None:
    """An item that takes the place of one that passed before passes, is counted and logged, and is marked with it."""
    pipeline, counts = started(DEDUP_REPRINTS=reprints)
    pipeline.process_item({"url": "a", "text": STORY, "published": "2026-03-02"})
    with caplog.at_level(logging.INFO, MODULE):
        late = pipeline.process_item({"url": "b", "text": STORY, "published": datetime(2026, 3, 1, tzinfo=UTC)})
    assert caplog.messages == ["Late original: 'b' takes the place of 'a'"]
    assert counts == {"dedup/added": 2, "dedup/late_originals": 1}
    assert late.get("dedup_previous") == ("a" if reprints == "mark" else None)


def test_an_item_that_loses_its_place_is_no_late_original(started: Any) -> None:
    """An item whose new text is kept less gladly than a reprint of the old one is dropped for that reprint."""
    pipeline, counts = started()
    assert outcome(pipeline, url="a", text=REPRINT) is None
    assert outcome(pipeline, url="b", text=STORY) is not None
    assert "Reprint of 'b': excerpt" in (outcome(pipeline, url="a", text=EXCERPT) or "")
    assert counts == {
        "dedup/added": 2,
        "dedup/replaced": 1,
        "dedup/dropped/duplicate": 1,
        "dedup/dropped/excerpt": 1,
    }


def test_reprints_of_carried_stories_pass(started: Any) -> None:
    """A reprint of a story that a page carried beside its own passes: the carried story is no item."""
    page = (ROOT / "seeds" / "aggregator-pagewren.txt").read_text(encoding="utf-8")
    with dedup.Index(":memory:") as index:
        index.add({"id": "page", "text": page})
        carried = index.get("page#1")
    assert carried is not None
    pipeline, counts = started()
    assert outcome(pipeline, url="page", text=page) is None
    assert outcome(pipeline, url="z", text=carried.text) is None
    assert counts == {"dedup/added": 2, "dedup/carried": 1}


def test_fields_and_settings_are_those_asked_for(started: Any, tmp_path: Path) -> None:
    """Items are read by the names that are set, and the index has the settings; JSON will do for a dict."""
    fields = {"text": "body", "id": "key", "source": "outlet", "published": "date", "title": "headline", "url": "link"}
    for name, setting in (("a", {"threshold": 0.9}), ("b", '{"threshold": 0.9}')):
        path = str(tmp_path / name)
        pipeline, _ = started(
            DEDUP_INDEX=path,
            DEDUP_FIELDS=fields if name == "a" else json.dumps(fields),
            DEDUP_SETTINGS=setting,
        )
        item = {"body": STORY, "key": "k", "outlet": "o", "date": "2026-03-02", "headline": "h", "link": "l", "x": 1}
        assert outcome(pipeline, **item) is None
        assert outcome(pipeline, **item | {"key": "l", "body": f"{OTHER} {STORY}"}) is None
        pipeline.close_spider()
        with dedup.Index(path, read_only=True) as index:
            assert index.config.threshold == 0.9
            article = index.get("k")
        assert article == dedup.Article("k", STORY, "o", "2026-03-02", "h", "l")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DEDUP_REPRINTS": "hide"}, "DEDUP_REPRINTS must be one of 'drop', 'mark'. Got 'hide'"),
        ({"DEDUP_FIELDS": {"body": "text"}}, "DEDUP_FIELDS must be one of 'text'.*Got 'body'"),
        ({"DEDUP_FIELDS": {"text": 1}}, r"DEDUP_FIELDS\['text'\] must be a str. Got 1"),
        ({"DEDUP_FIELDS": "text=body"}, "DEDUP_FIELDS must be a dict, or JSON of one. Got 'text=body'"),
        ({"DEDUP_SETTINGS": [1]}, r"DEDUP_SETTINGS must be a dict, or JSON of one. Got \[1\]"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    """A setting that is not allowed is an error before the crawl starts; the pipeline is not just left out."""
    with pytest.raises(InvalidArgumentError, match=message):
        DedupPipeline.from_crawler(crawler_of(**settings))


def test_bad_settings_of_the_index_are_refused() -> None:
    """A setting that the index refuses is an error at the start, after which closing does nothing."""
    pipeline = DedupPipeline.from_crawler(crawler_of(DEDUP_SETTINGS={"threshold": 7}))
    with pytest.raises(InvalidArgumentError, match="threshold must be in"):
        pipeline.open_spider()
    pipeline.close_spider()


@pytest.mark.parametrize("path", [None, ""])
def test_without_an_index_the_pipeline_is_disabled(path: str | None) -> None:
    """A project that sets no index gets no pipeline, as Scrapy's own components do it."""
    with pytest.raises(NotConfigured, match="DEDUP_INDEX must be the path of an index"):
        DedupPipeline.from_crawler(crawler_of(DEDUP_INDEX=path))


def test_older_scrapy_gives_the_spider() -> None:
    """The methods also take the spider, which Scrapy gave them before 2.14."""
    pipeline = DedupPipeline.from_crawler(crawler_of())
    pipeline.open_spider(object())
    item = {"url": "a", "text": STORY}
    assert pipeline.process_item(item, object()) is item
    pipeline.close_spider(object())
    with pytest.raises(InvalidArgumentError, match="index must be open"):
        pipeline.process_item(item)


@given(
    st.lists(
        st.tuples(st.sampled_from([STORY, REPRINT, EXCERPT, OTHER, THIRD, f"{OTHER} {THIRD}"]), st.integers(0, 40)),
        max_size=8,
    )
)
def test_in_order_of_publication_what_passes_is_what_is_kept(drawn: list[tuple[str, int]]) -> None:
    """Of items that come in keep order those pass that `deduplicate` keeps of them all together."""
    items = [
        {"id": str(place), "text": " ".join(text.split()[cut:]), "published": f"2026-03-{place + 1:02}"}
        for place, (text, cut) in enumerate(drawn)
    ]
    pipeline = DedupPipeline.from_crawler(crawler_of())
    pipeline.open_spider()
    passed = [item["id"] for item in items if item["text"] and outcome(pipeline, **item) is None]
    pipeline.close_spider()
    result = dedup.deduplicate([item for item in items if item["text"]], clean="pages", exhaustive=0)
    assert passed == [article.id for article in result.kept]


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Scrapy the import fails with the pip line."""
    monkeypatch.delitem(sys.modules, MODULE)
    monkeypatch.setitem(sys.modules, "scrapy.exceptions", None)
    with pytest.raises(MissingExtraError, match=r'pip install "dedup\[scrapy\]"'):
        import_module(MODULE)


# A real crawl, in a process of its own because a reactor runs only once.

#: Each page and what it holds: the text, when it was published, and the next page.
PAGES = {
    "/story": (REPRINT, "2026-03-02", "/reprint"),
    "/reprint": (STORY, "2026-03-03", "/excerpt"),
    "/excerpt": (EXCERPT, "2026-03-04", "/other"),
    "/other": (OTHER, "2026-03-02", "/empty"),
    "/empty": ("", "2026-03-02", "/late"),
    "/late": (f"County: {OTHER}", "2026-03-01", None),
}
SPIDER = """
import json
from pathlib import Path

import scrapy


class News(scrapy.Spider):
    name = "news"
    start_urls = ["SITE/story"]

    def parse(self, response):
        yield {
            "url": response.url,
            "body": response.css("p::text").get(),
            "published": response.css("time::text").get(),
        }
        yield from response.follow_all(css="a")

    def closed(self, reason):
        Path("stats.json").write_text(json.dumps(self.crawler.stats.get_stats(), default=str))
"""


class Page(BaseHTTPRequestHandler):
    """Serves the pages above."""

    def do_GET(self) -> None:
        """Answer with a page."""
        if self.path not in PAGES:
            self.send_error(404)
            return
        text, published, following = PAGES[self.path]
        link = f'<a href="{following}">next</a>' if following else ""
        body = f"<html><body><time>{published}</time><p>{text}</p>{link}</body></html>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    """Serve the pages, and return where."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Crawl:
    """What a crawl left behind: whether it went well, the items that passed, the stats and the log."""

    code: int
    items: list[dict[str, Any]]
    stats: dict[str, Any]
    log: str

    @property
    def counts(self) -> dict[str, int]:
        """The counts of the pipeline."""
        return {name.removeprefix("dedup/"): count for name, count in self.stats.items() if name.startswith("dedup/")}


def crawl(site: str, folder: Path, **settings: object) -> Crawl:
    """Crawl the pages from the first one."""
    every = {
        "ITEM_PIPELINES": {"dedup.integrations.scrapy.DedupPipeline": 300},
        "DEDUP_INDEX": "news.dedup",
        "DEDUP_FIELDS": {"text": "body"},
        "TELNETCONSOLE_ENABLED": 0,
        **settings,
    }
    (folder / "spider.py").write_text(SPIDER.replace("SITE", site), encoding="utf-8")
    given = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in every.items()]
    run = subprocess.run(
        [sys.executable, "-m", "scrapy", "runspider", "spider.py", "-O", "items.jsonl"]
        + [part for setting in given for part in ("-s", setting)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
    )
    feed, stats = folder / "items.jsonl", folder / "stats.json"
    lines = feed.read_text(encoding="utf-8").splitlines() if feed.exists() else []
    counts = json.loads(stats.read_text(encoding="utf-8")) if stats.exists() else {}
    return Crawl(run.returncode, list(map(json.loads, lines)), counts, run.stderr)


@pytest.mark.seconds
def test_a_crawl_drops_reprints(site: str, tmp_path: Path) -> None:
    """A crawl leaves out the reprints, says why in its log and counts them; a second one changes nothing."""
    first = crawl(site, tmp_path)
    assert first.code == 0
    assert "Deprecat" not in first.log
    assert [item["url"].removeprefix(site) for item in first.items] == ["/story", "/other", "/empty", "/late"]
    dropped = {"dropped/duplicate": 1, "dropped/excerpt": 1}
    assert first.counts == {"added": 5, "no_text": 1, "late_originals": 1, **dropped}
    assert (first.stats["item_scraped_count"], first.stats["item_dropped_count"]) == (4, 2)
    assert f"Dropped: Reprint of '{site}/story': duplicate, Jaccard" in first.log
    assert f"Late original: '{site}/late' takes the place of '{site}/other'" in first.log

    second = crawl(site, tmp_path)
    # What the late original took the place of is its reprint now.
    assert [item["url"].removeprefix(site) for item in second.items] == ["/story", "/empty", "/late"]
    assert second.counts == {"unchanged": 5, "no_text": 1, **dropped, "dropped/duplicate": 2}
    with dedup.Index(tmp_path / "news.dedup", read_only=True) as index:
        assert not index.verify()
        assert len(index) == 5


@pytest.mark.seconds
def test_a_crawl_marks_reprints(site: str, tmp_path: Path) -> None:
    """A crawl that marks lets every item pass, with what the index says of it."""
    found = crawl(site, tmp_path, DEDUP_REPRINTS="mark", DEDUP_INDEX=":memory:")
    marks = [(item["url"], item.get("dedup_canonical"), item.get("dedup_relation")) for item in found.items]
    story, reprint, excerpt, other, empty, late = (f"{site}{page}" for page in PAGES)
    assert marks == [
        (story, story, None),
        (reprint, story, "duplicate"),
        (excerpt, story, "excerpt"),
        (other, other, None),
        (empty, None, None),
        (late, late, None),
    ]
    marked = {"marked/duplicate": 1, "marked/excerpt": 1}
    assert found.counts == {"added": 5, "no_text": 1, "late_originals": 1, **marked}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("DEDUP_REPRINTS", "hide", "DEDUP_REPRINTS must be"), ("DEDUP_SETTINGS", {"threshold": 7}, "threshold must be")],
)
def test_bad_settings_end_a_crawl_at_its_start(
    site: str, tmp_path: Path, name: str, value: object, message: str
) -> None:
    """A bad setting ends the crawl before the first request, and the log says which."""
    found = crawl(site, tmp_path, **{"DEDUP_INDEX": ":memory:", name: value})
    assert found.code == 1
    assert not found.items
    assert "downloader/request_count" not in found.stats
    assert f"InvalidArgumentError: {message}" in found.log
    assert "AttributeError" not in found.log


@pytest.mark.slow
def test_a_crawl_without_an_index_goes_on(site: str, tmp_path: Path) -> None:
    """A crawl whose settings name no index runs without the pipeline, and its log says so."""
    found = crawl(site, tmp_path, DEDUP_INDEX="")
    assert len(found.items) == len(PAGES)
    assert "Disabled dedup.integrations.scrapy.DedupPipeline: DEDUP_INDEX must be the path of an index" in found.log
