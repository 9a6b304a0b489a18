"""The labelled corpus in `seeds/` comes out exactly as it is labelled."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from dedup import Result, deduplicate
from dedup.evaluation import evaluate

SEEDS = Path(__file__).parents[1] / "seeds"
LABELS: list[dict[str, Any]] = [json.loads(line) for line in (SEEDS / "labels.jsonl").read_text().splitlines()]
FILES = [label for label in LABELS if "parent" not in label]
PAGES = sorted({label["parent"] for label in LABELS if "parent" in label})


@pytest.fixture(scope="module")
def result() -> Result:
    """Return the run over the corpus as the README makes it."""
    return deduplicate(SEEDS)


def stories() -> dict[str, str]:
    """Return id -> story; the empty text is a story of its own."""
    return {label["id"]: label["story"] or label["id"] for label in LABELS}


def text_of(name: str) -> str:
    """Return a file as it is stored, line ends included."""
    return (SEEDS / f"{name}.txt").read_bytes().decode()


def test_clusters_are_those_of_the_labels(result: Result) -> None:
    """The clusters are the labelled stories, none more, none less: B-cubed precision and recall are 1."""
    expected = defaultdict(set)
    for name, story in stories().items():
        expected[story].add(name)
    assert sorted(map(sorted, expected.values())) == sorted(sorted(cluster.members) for cluster in result.clusters)
    assert evaluate({label["id"]: label["story"] for label in LABELS}, result).bcubed_f1.value == 1


def test_bands_find_the_same_clusters(result: Result) -> None:
    """Clusters do not depend on whether all pairs are compared or those that share a band."""
    assert result.clusters == deduplicate(SEEDS, exhaustive=0).clusters


def test_overlaps_are_reported(result: Result) -> None:
    """A story that quotes another one at length is reported as `overlap` with it, and not clustered."""
    story = stories()
    overlaps = {
        frozenset([story[pair["left"]], story[pair["right"]]])
        for pair in result.pairs.to_pylist()
        if pair["relation"] == "overlap" and story[pair["left"]] != story[pair["right"]]
    }
    expected = {frozenset([label["story"], other]) for label in LABELS for other in label.get("overlaps", [])}
    assert expected
    assert expected <= overlaps


@pytest.mark.parametrize("label", FILES, ids=lambda label: label["id"])
def test_furniture_is_removed(result: Result, label: dict[str, Any]) -> None:
    """What is removed from a file is what is labelled, kind by kind, white space at the edges aside."""
    text = text_of(label["id"])
    page = result.cleaned.get(label["id"])
    removed = [] if page is None else [(span.start, span.end, span.kind) for span in page.removed]
    labelled = [(span["start"], span["end"], span["kind"]) for span in label["furniture"]]
    expected, got = (
        {(place, kind) for start, end, kind in spans for place in range(start, end) if not text[place].isspace()}
        for spans in (labelled, removed)
    )
    assert expected == got


@pytest.mark.parametrize("page", PAGES)
def test_items_of_pages_are_those_labelled(result: Result, page: str) -> None:
    """Each story that a page carries joins with its outlet, its headline, its text and the page as parent."""
    text = text_of(page)
    assert [
        (label["id"], label["source"], label["title"], text[label["start"] : label["end"]].strip())
        for label in LABELS
        if label.get("parent") == page
    ] == [
        (article.id, article.source, article.title, article.text.strip())
        for article in result.articles
        if article.parent == page
    ]


def test_every_file_is_labelled(result: Result) -> None:
    """Each text file has a line in the labels, and each line its file or its page."""
    assert sorted(path.stem for path in SEEDS.glob("*.txt")) == sorted(label["id"] for label in FILES)
    assert sorted(stories()) == sorted(article.id for article in result.articles)
