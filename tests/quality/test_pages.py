"""Floors: quality on the labelled pages of our own writing, which may rise and must not fall."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from dedup import Cleaned, clean, deduplicate

#: Every figure that is pinned: those that may not fall below it, then those that may not rise above it.
FLOORS = {
    "text F1": 0.96,
    "dropped-line precision": 0.92,
    "dropped-line precision, bylines and headlines aside": 0.97,
    "recall of furniture": 0.925,
    "recall of furniture on whole pages": 0.97,
    "recall of furniture beside an article": 0.48,
    "removed lines of the right kind": 0.72,
    "articles untouched": 0.85,
    "widgets in mid-article": 0.65,
}
CEILINGS = {"body words removed": 0.01, "body words of articles removed": 0.01}
#: The least recall of furniture in each language.
LANGUAGES = 0.87

#: What a clean text may keep: the story.
STORY = {"body", "headline", "dateline", "byline", "correction"}
WIDGETS = {
    "ar": "اشترك في نشرتنا الإخبارية",
    "de": "Abonnieren Sie unseren Newsletter",
    "en": "Sign up for our newsletter",
    "es": "Suscríbete a nuestro boletín",
    "fr": "Inscrivez-vous à notre newsletter",
    "it": "Iscriviti alla nostra newsletter",
    "ja": "関連記事 冬の前に壁を直す",
    "nl": "Schrijf je in voor onze nieuwsbrief",
    "pl": "Zapisz się do naszego newslettera",
    "pt": "Assine a nossa newsletter",
    "ru": "Подпишитесь на нашу рассылку",
    "tr": "Bültenimize abone olun",
    "uk": "Підпишіться на нашу розсилку",
    "zh": "相关阅读 冬天之前修好旧墙",
}

#: The labelled pages.
ROWS = [json.loads(row) for row in Path(__file__).with_name("pages.jsonl").read_text(encoding="utf-8").splitlines()]


@dataclass
class Line:
    """A line of a labelled page, and the kind that it was removed as; None when it stays."""

    kind: str
    words: int
    removed: str | None


@dataclass
class Page:
    """A labelled page after cleaning."""

    id: str
    language: str
    text: str
    cleaned: Cleaned
    f1: float
    lines: list[Line] = field(default_factory=list)

    @property
    def furniture(self) -> list[Line]:
        """The lines that should go."""
        return [line for line in self.lines if line.kind not in STORY]


def words_of(text: str) -> list[str]:
    """Return the words of a text; a script without spaces has one for each character."""
    spaced = "".join(f" {char} " if "\u3040" <= char <= "\u9fff" else char for char in text)
    return spaced.split()


def f1_of(found: str, gold: str) -> float:
    """Return F1 of the words of two texts, as bags."""
    left, right = Counter(words_of(found)), Counter(words_of(gold))
    return 2 * (left & right).total() / (left.total() + right.total())


@cache
def pages() -> list[Page]:
    """Return the labelled pages, cleaned."""
    return [read(row) for row in ROWS]


def read(row: dict[str, Any]) -> Page:
    """Clean a labelled page."""
    blocks = row["blocks"]
    text = "\n".join(block["text"] for block in blocks)
    cleaned = clean(text, source=row["source"])
    gold = "\n".join(block["text"] for block in blocks if block["kind"] in STORY)
    page = Page(row["id"], row["language"], text, cleaned, f1_of(cleaned.text, gold))
    end = -1
    for block in blocks:
        start = end + 1
        end = start + len(block["text"])
        # A line that only a part of is removed stays.
        kinds = [span.kind for span in cleaned.removed if span.start <= start and end <= span.end]
        page.lines.append(Line(block["kind"], len(words_of(block["text"])), kinds[0] if kinds else None))
    return page


def share(lines: list[Line]) -> float:
    """Return the share of lines that are removed."""
    return sum(line.removed is not None for line in lines) / len(lines)


def lost(chosen: list[Page]) -> float:
    """Return the share of the words of body lines that are removed with their lines."""
    body = [line for page in chosen for line in page.lines if line.kind == "body"]
    return sum(line.words for line in body if line.removed) / sum(line.words for line in body)


def widget_removed(page: Page) -> bool:
    """Tell whether a widget of a page's language goes from the middle of it, and nothing else."""
    lines = page.text.split("\n")
    middle = len(lines) // 2
    with_widget = [*lines[:middle], WIDGETS[page.language], *lines[middle:]]
    return clean("\n".join(with_widget)).text == page.text


def figures() -> dict[str, float]:
    """Return every figure of the tables at the top."""
    articles = [page for page in pages() if not page.furniture]
    light = [line for page in pages() if len(page.furniture) < 10 for line in page.furniture]
    whole = [line for page in pages() if len(page.furniture) >= 10 for line in page.furniture]
    gone = [line for page in pages() for line in page.lines if line.removed]
    right = [line for line in gone if line.kind not in STORY]
    no_labels = [line for line in gone if line.kind not in {"byline", "headline"}]
    return {
        "text F1": mean(page.f1 for page in pages()),
        "dropped-line precision": len(right) / len(gone),
        "dropped-line precision, bylines and headlines aside": len(right) / len(no_labels),
        "recall of furniture": share([*light, *whole]),
        "recall of furniture on whole pages": share(whole),
        "recall of furniture beside an article": share(light),
        "removed lines of the right kind": sum(line.removed == line.kind for line in right) / len(right),
        "articles untouched": mean(not page.cleaned.removed for page in articles),
        "widgets in mid-article": mean(map(widget_removed, (page for page in articles if not page.cleaned.removed))),
        "body words removed": lost(pages()),
        "body words of articles removed": lost(articles),
    }


def test_figures_hold() -> None:
    """No figure is worse than the tables say."""
    measured = figures()
    assert measured.keys() == FLOORS.keys() | CEILINGS.keys()
    assert {name: measured[name] for name, floor in FLOORS.items() if measured[name] < floor} == {}
    assert {name: measured[name] for name, most in CEILINGS.items() if measured[name] > most} == {}


def test_pages_are_those_described() -> None:
    """The set has four pages in each language and fourteen more in English, 24 of them without furniture."""
    languages = Counter(page.language for page in pages())
    assert languages == {language: 18 if language == "en" else 4 for language in WIDGETS}
    assert sum(not page.furniture for page in pages()) == 24


def test_recall_in_every_language() -> None:
    """No language falls behind."""
    lines: defaultdict[str, list[Line]] = defaultdict(list)
    for page in pages():
        lines[page.language] += page.furniture
    assert {language: share(found) for language, found in lines.items() if share(found) < LANGUAGES} == {}


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row["id"] for row in ROWS])
def test_page_is_reversible_and_at_rest(number: int) -> None:
    """Each page can be restored, and its clean text loses nothing more."""
    page = pages()[number]
    assert page.cleaned.restore() == page.text
    assert clean(page.cleaned.text).removed == ()


def test_batch_gives_the_same() -> None:
    """A run over all pages cleans each as `clean` does, where no two are of one outlet."""
    result = deduplicate([{"id": page.id, "text": page.text, "source": page.id} for page in pages()], threads=1)
    removed = {name: cleaned.removed for name, cleaned in result.cleaned.items()}
    assert removed == {page.id: page.cleaned.removed for page in pages() if page.cleaned.removed}
