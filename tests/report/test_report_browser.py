"""The report in a browser: Chromium, without a window and without a network."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from reading import marked, read_report, records, restore
from test_report_data import reprints
from test_report_page import HOSTILE, SEEDS, hostile_articles

from dedup import Article, deduplicate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Dialog, Page

    Show = Callable[..., "Shown"]
    Scheme = Literal["light", "dark"]

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.seconds,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]

FIRST = (
    "date 2025-03-01 Masons mended the old harbour wall on Monday, the council said, and nobody was hurt at all. "
    + " ".join(f"Stone {number} was laid by hand." for number in range(30))
)
SECOND = (
    FIRST.removeprefix("date 2025-03-01 ").replace("Monday", "Friday 😀").replace("Stone 7 was laid", "Brick 7 lay")
)


#: What stands in an element but the signs and labels that the page adds.
WORDS = "each => { each.querySelectorAll('.sign, .kind').forEach(sign => sign.remove()); return each.textContent }"


@dataclass
class Shown:
    """An open report, and what the browser complained of or asked for."""

    page: Page
    path: Path
    troubles: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def refuse(self, dialog: Dialog) -> None:
        """Close a dialog and remember it."""
        self.troubles.append(dialog.message)
        dialog.dismiss()

    def rows(self) -> list[str]:
        """Return the ids of the clusters that are listed."""
        return self.page.locator("#cluster-list .row .id").all_inner_texts()

    def open_first(self) -> None:
        """Open the first cluster of the list."""
        self.page.locator("#cluster-list .row").first.click()
        self.page.wait_for_selector("#open-cluster .beside")

    def focused(self) -> str:
        """Return the id or class of the element that has the focus."""
        found: str = self.page.evaluate("document.activeElement.id || document.activeElement.className")
        return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Gives a function that writes the report on some articles and opens it; in the end nothing may have failed."""
    opened: list[Shown] = []

    def write_and_open(
        articles: object, *, scheme: Scheme = "light", width: int = 1280, suffix: str = "", most: int = 25_000_000
    ) -> Shown:
        path = tmp_path / f"report{len(opened)}.html"
        deduplicate(articles, threads=1).report(path, max_bytes=most)
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        shown = Shown(context.new_page(), path)
        shown.page.on("console", lambda message: shown.troubles.append(message.text))
        shown.page.on("pageerror", lambda error: shown.troubles.append(str(error)))
        shown.page.on("dialog", shown.refuse)
        shown.page.on("request", lambda request: shown.requests.append(request.url))
        shown.page.goto(path.as_uri() + suffix)
        shown.page.wait_for_selector("html[data-ready]", state="attached")
        opened.append(shown)
        return shown

    yield write_and_open
    for shown in opened:
        assert shown.troubles == []
        assert {url.partition("#")[0] for url in shown.requests} == {shown.path.as_uri()}
        shown.page.context.close()


def two_reprints() -> list[Article]:
    """Return two prints of a text: furniture in one, changed words in the other."""
    return [
        Article(
            "first", FIRST, "Harbour Gazette", "2025-03-01T08:00:00Z", "Wall mended", "https://gazette.example/wall"
        ),
        Article("second", SECOND, "Courier", "2025-03-02", "Wall is up again", "javascript:alert(1)"),
    ]


@pytest.mark.parametrize("articles", [[], ["Bell."], SEEDS])
def test_opens_without_a_complaint(articles: object, show: Show) -> None:
    """The page opens, asks for nothing but itself, and lists every cluster, or says that there is none."""
    shown = show(articles)
    clusters = [cluster for cluster in deduplicate(articles).clusters if cluster.size > 1]
    assert [cluster.canonical for cluster in clusters] == shown.rows()
    assert shown.page.get_by_text("No two documents are the same text.").count() == (not clusters)


def test_every_cluster_of_the_seeds_opens(show: Show) -> None:
    """Each cluster and each page that carries several texts opens, and shows the texts that the file holds."""
    shown = show(SEEDS)
    _, parts, _ = read_report(shown.path)
    for place, texts in enumerate(records(parts, "texts")):
        shown.page.locator("#cluster-list .row").nth(place).click()
        shown.page.wait_for_selector(f"#cluster-{place}[aria-controls]")
        sides = shown.page.locator(".beside .text")
        found = [sides.nth(side).evaluate(WORDS) for side in (0, 1)]
        assert [texts["text"], restore(texts["members"][0]["pieces"], texts["text"])] == found


def test_search_narrows(show: Show) -> None:
    """All words must match, in id, title or source of any member, in any case and without accents; Escape clears."""
    articles = reprints(8)
    articles[0] = Article("one", articles[0].text, "Le Côtier", None, "Storm at SEA")
    shown = show(articles)
    everything = shown.rows()
    search = shown.page.locator("#search")
    for words, expected in (
        ("cotier", 1),
        ("storm COTIER", 1),
        ("storm nothing", 0),
        ("outlet", 8),
        ("3-0", 1),
        ("  ", 8),
    ):
        search.fill(words)
        assert len(shown.rows()) == expected
    search.fill("côtier")
    assert "1 of 8 clusters" in shown.page.locator("#status").inner_text()
    search.press("Escape")
    assert everything == shown.rows()


def test_sorts(show: Show) -> None:
    """The list is sorted by size, by who printed first, by id and by the least similarity."""
    articles = [*reprints(3, 4), *two_reprints()]
    shown = show(articles)
    clusters = [cluster for cluster in deduplicate(articles).clusters if cluster.size > 1]
    orders = {
        "first": lambda cluster: (cluster.first_published, clusters.index(cluster)),
        "canonical": lambda cluster: cluster.canonical,
        "least": lambda cluster: (int(cluster.cohesion_least * 1000), clusters.index(cluster)),
        "size": clusters.index,
    }
    for name, key in orders.items():
        shown.page.locator("#sort").select_option(name)
        assert [cluster.canonical for cluster in sorted(clusters, key=key)] == shown.rows()


def test_marks_what_differs(show: Show) -> None:
    """Beside each other, words of one text alone are struck through or underlined, and furniture has its kind."""
    shown = show(two_reprints())
    shown.open_first()
    page = shown.page
    assert page.locator(".beside .furniture .kind").all_inner_texts() == ["metadata"]
    _, parts, _ = read_report(shown.path)
    (texts,) = records(parts, "texts")
    assert [[mark.evaluate(WORDS) for mark in page.locator(f".beside {tag}").all()] for tag in ("del", "ins")] == [
        marked(texts["members"][0]["gone"], FIRST),
        marked(texts["members"][0]["added"], SECOND),
    ]
    assert "line-through" in page.locator(".beside del").first.evaluate(
        "each => getComputedStyle(each).textDecorationLine"
    )
    assert "underline" in page.locator(".beside ins").first.evaluate(
        "each => getComputedStyle(each).textDecorationLine"
    )
    assert page.locator(".beside a").all_inner_texts() == ["https://gazette.example/wall"]
    assert "javascript:alert(1)" in page.locator(".beside").inner_text()


def test_signs_are_for_screen_readers(show: Show) -> None:
    """Marks say in words what they mean, where a screen reader reads and an eye does not."""
    shown = show(two_reprints())
    shown.open_first()
    sign = shown.page.locator(".beside ins .sign").first
    assert sign.text_content() == "[only in this text: "
    assert (sign.bounding_box() or {"width": 9})["width"] <= 1


def test_timeline_names_who_printed_first(show: Show) -> None:
    """Members stand in order of time, the first is named, and those without a date are listed apart."""
    shown = show([*two_reprints(), Article("third", SECOND, "Echo", "soon")])
    shown.open_first()
    rows = shown.page.locator(".timeline li")
    assert [time.strip() for time in rows.locator("time").all_inner_texts()] == ["2025-03-01T08:00Z", "2025-03-02"]
    assert "first printed" in rows.first.inner_text()
    assert "Harbour Gazette" in rows.first.inner_text()
    assert shown.page.get_by_text("Without a date: Echo (“soon”)").count() == 1


def test_keyboard_alone_is_enough(show: Show) -> None:
    """Search, move, open, choose a member, step through the differences and close, without a mouse."""
    shown = show(reprints(3, 4))
    page, keyboard = shown.page, shown.page.keyboard
    keyboard.press("/")
    assert shown.focused() == "search"
    keyboard.type("outlet")
    keyboard.press("ArrowDown")
    assert shown.focused() == "cluster-0"
    for key, expected in (("ArrowDown", 1), ("End", 2), ("ArrowDown", 2), ("ArrowUp", 1), ("Home", 0)):
        keyboard.press(key)
        assert shown.focused() == f"cluster-{expected}"
    keyboard.press("Enter")
    page.wait_for_selector("#open-cluster .beside")
    assert page.locator("#cluster-0").get_attribute("aria-expanded") == "true"
    keyboard.press("Tab")
    assert shown.focused() == "members"
    before = page.locator(".beside").inner_text()
    keyboard.press("ArrowDown")
    assert page.locator(".members [aria-selected=true]").get_attribute("id") == "member-2"
    assert page.locator(".members").get_attribute("aria-activedescendant") == "member-2"
    assert page.locator(".beside").inner_text() != before
    keyboard.press("n")
    assert shown.focused() == "change"
    keyboard.press("Escape")
    assert page.locator("#open-cluster").count() == 0
    assert shown.focused() == "cluster-0"
    keyboard.press("ArrowUp")
    assert shown.focused() == "search"


def test_focus_is_visible(show: Show) -> None:
    """What has the focus has an outline."""
    shown = show(SEEDS)
    shown.page.keyboard.press("/")
    shown.page.keyboard.press("ArrowDown")
    assert shown.page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2


def test_address_keeps_what_is_open(show: Show) -> None:
    """A link opens its cluster and member, wherever it is listed; back closes it; an unknown one does nothing."""
    articles = reprints(120, 3)
    shown = show(articles, suffix="#cluster=77-0&member=77-2")
    page = shown.page
    page.wait_for_selector("#open-cluster .beside")
    assert "77-0" in page.locator(".row[aria-expanded=true]").inner_text()
    assert "77-2" in page.locator(".members [aria-selected=true]").inner_text()
    page.keyboard.press("Escape")
    assert page.locator("#open-cluster").count() == 0
    page.locator("#cluster-list .row").first.click()
    page.wait_for_selector("#open-cluster .beside")
    page.locator(".members [role=option]").nth(1).click()
    assert re.search("#cluster=.+&member=.+", page.url)
    page.go_back()
    page.wait_for_selector("#open-cluster", state="detached")
    page.evaluate("location.hash = '#cluster=nobody'")
    page.wait_for_timeout(50)
    assert page.locator("#open-cluster").count() == 0


def test_list_is_paged(show: Show) -> None:
    """Fifty clusters are on a page, and all of them on the pages together; an open one is there when one comes back."""
    shown = show(reprints(120))
    pager = shown.page.locator("#cluster-pager")
    shown.open_first()
    seen = shown.rows()
    assert (len(seen), "1\u201350 of 120") == (50, pager.locator("span").inner_text())
    for _ in range(2):
        pager.get_by_text("Next").click()
        seen += shown.rows()
    assert (len(seen), len(set(seen))) == (120, 120)
    assert pager.get_by_text("Next").is_disabled()
    pager.get_by_text("Previous").click()
    pager.get_by_text("Previous").click()
    shown.page.wait_for_selector("#open-cluster .beside")


def test_members_are_paged(show: Show) -> None:
    """Of many members fifty are listed at once; the texts of those after the first ones are said to be missing."""
    shown = show(reprints(1, 130))
    shown.open_first()
    assert shown.page.locator(".members [role=option]").count() == 50
    shown.page.locator(".members").press("End")
    assert shown.page.locator(".members [role=option]").count() == 29
    assert "not in this file" in shown.page.locator(".beside").inner_text()


def test_hostile_texts_are_shown_and_not_run(show: Show) -> None:
    """Markup of every kind, in every field, is there to be read; nothing of it runs, and no element comes of it."""
    shown = show(
        [*hostile_articles(), *(Article(f"x{place}", f"{SECOND} {text}", text) for place, text in enumerate(HOSTILE))]
    )
    page = shown.page
    for place in range(page.locator("#cluster-list .row").count()):
        page.locator("#cluster-list .row").nth(place).click()
        page.wait_for_selector(f"#cluster-{place}[aria-controls]")
        for option in range(page.locator(".members [role=option]").count()):
            page.locator(".members [role=option]").nth(option).click()
    assert page.locator("img, iframe, main script, main style").count() == 0
    for words, expected in (("a1<img", HOSTILE[1]), ("a2<!--", HOSTILE[2])):
        page.locator("#search").fill(words)
        assert len(shown.rows()) == 1
        shown.open_first()
        assert expected in page.locator(".beside").inner_text()


def test_direction_of_a_text_stays_inside(show: Show) -> None:
    """A text that is written from right to left is laid out so, and what stands beside it is not."""
    shown = show(SEEDS)
    shown.page.locator("#search").fill("ar-saa")
    shown.open_first()
    assert shown.page.locator(".beside .text").first.evaluate("each => getComputedStyle(each).direction") == "rtl"
    assert shown.page.locator(".beside").evaluate("each => getComputedStyle(each).direction") == "ltr"


def test_policy_is_in_force(browser: Browser, tmp_path: Path) -> None:
    """Were markup of a text ever to get into the page, it would not run."""
    deduplicate(["Bell."]).report(tmp_path / "report.html")
    page = browser.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto((tmp_path / "report.html").as_uri())
    page.evaluate(
        "markup => document.body.insertAdjacentHTML('beforeend', markup)",
        '<img src=x onerror="window.hit = 1"><p style="color: red">',
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.hit") is None
    assert len([text for text in refused if "Content Security Policy" in text]) >= 2
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_in_light_and_dark(scheme: Scheme, show: Show) -> None:
    """Every text has a contrast of at least 4.5 to what is behind it, in the colours that the reader prefers."""
    shown = show([*two_reprints(), *reprints(60), Article("empty", "")], scheme=scheme, most=1_000_000)
    shown.page.locator("#sort").select_option("canonical")
    shown.page.evaluate("location.hash = '#cluster=first'")
    shown.page.wait_for_selector("#open-cluster .beside")
    shown.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = shown.page.evaluate((Path(__file__).parent / "contrast.js").read_text())
    assert len(found) > 200
    assert [pair for pair in found if pair[0] < 4.5] == []
    lightness = shown.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (max(lightness) < 60) == (scheme == "dark")


OVERFLOWING = """
[...document.querySelectorAll("body *:not(.wide, .sign, svg, svg *)")]
  .filter((each) => each.clientWidth && each.scrollWidth > each.clientWidth + 1)
  .map((each) => `${each.tagName}.${each.className}`)
"""


@pytest.mark.parametrize("width", [360, 800, 1000, 1600])
def test_fits_the_window(width: int, show: Show) -> None:
    """Nothing is wider than the window or than its place; on a narrow one the two texts stand one below the other."""
    long = "w" * 5000
    articles = [
        Article(
            f"{name}{long}", f"{SECOND} {long}", f"{name}{long}", "2025-03-01", long, f"https://x.example/{long[:900]}"
        )
        for name in "ab"
    ]
    shown = show([*articles, *reprints(2)], width=width)
    shown.open_first()
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.page.evaluate(OVERFLOWING) == []
    left, right = (shown.page.locator(".beside > article").nth(side).bounding_box() for side in (0, 1))
    assert left
    assert right
    assert (right["y"] >= left["y"] + left["height"]) == (width < 900)


def test_says_what_has_no_room(show: Show) -> None:
    """When not all texts fit, the page says how many clusters come without, and these open all the same."""
    shown = show(reprints(900, 2, 60), most=1_000_000)
    note = shown.page.locator("#notes").inner_text()
    index, _, _ = read_report(shown.path)
    assert note.startswith(f"{900 - index['texts'][-1]:,} clusters of the 900 listed")
    for _ in range(17):
        shown.page.locator("#cluster-pager").get_by_text("Next").click()
    shown.page.locator("#cluster-list .row").last.click()
    shown.page.wait_for_selector("#open-cluster")
    assert "not in this file" in shown.page.locator("#open-cluster").inner_text()


def test_says_what_is_cut(show: Show) -> None:
    """A text longer than what is shown comes with its length, and its beginning opens."""
    long = " ".join(f"word{number}" for number in range(20_000))
    shown = show([Article("a", long), Article("b", f"{long} and more")])
    shown.open_first()
    notes = shown.page.locator(".beside .note").all_inner_texts()
    assert {f"{len(long):,}", f"{len(long) + 9:,}"} == {
        word for note in notes for word in note.split() if len(word) == 7
    } - {"100,000"}
    assert len(shown.page.locator(".beside .text").first.text_content() or "") == 100_000


def test_other_evidence_is_shown(show: Show) -> None:
    """Pages that carry several texts open with their stretches, and other pairs are listed by relation."""
    stories = reprints(3, 1, 20)
    shared = " ".join(f"shared{number}" for number in range(60))
    pair = [
        Article(name, f"{shared} {' '.join(f'{name}{number}' for number in range(80))}", None, published)
        for name, published in (("up", "2025-03-01"), ("down", "2025-03-02"))
    ]
    page_text = "Today in brief. " + " And then. ".join(story.text for story in stories)
    shown = show([*stories, Article("brief", page_text, "Loom"), *pair])
    row = shown.page.locator("#page-list .row")
    row.click()
    assert row.get_attribute("aria-expanded") == "true"
    assert [f"from {story.id}" for story in stories] == shown.page.locator(".stretch .kind").all_inner_texts()
    shown.page.locator("#pair-relation").select_option("overlap")
    assert shown.page.locator("#pair-list tr").count() == 1
    assert "down later" in shown.page.locator("#pair-list").inner_text()
    assert {"up", "down"} == set(re.findall(r"\b(up|down)\b", shown.page.locator("#pair-list").inner_text()))


@pytest.mark.slow
def test_ten_thousand_clusters(show: Show) -> None:
    """Ten thousand clusters stay within the budget, open and search."""
    shown = show(reprints(10_000, 2, 4))
    assert shown.path.stat().st_size < 25_000_000
    assert "10,000 clusters" in shown.page.locator("#status").inner_text()
    shown.page.locator("#search").fill("9876-1")
    assert shown.rows() == ["9876-0"]
