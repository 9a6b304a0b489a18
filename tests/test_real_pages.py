"""The five real documents that the project was asked for; they lie beside the repository and are not part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dedup import Result, compare, deduplicate
from dedup.kernels import native

REAL = Path(__file__).parents[2] / "shared" / "seeds"

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real pages are not there: ../shared/seeds")


@pytest.fixture(scope="module")
def result() -> Result:
    """Return the main job on the folder."""
    return deduplicate(REAL)


def short(name: str) -> str:
    """Return `001` or `002#1` of an id such as `001_bb54...` or `002_8c21...#1`."""
    stem, _, item = name.partition("#")
    return f"{stem[:3]}#{item}" if item else stem[:3]


def page(number: str) -> str:
    """Return the text of the file whose name begins so."""
    (path,) = REAL.glob(f"{number}_*.txt")
    return path.read_bytes().decode()


def test_clusters(result: Result) -> None:
    """001 and 002 are one story, the three related items of 002 another, and the other pages stand alone."""
    expected = [["000"], ["001", "002"], ["002#1", "002#2", "002#3"], ["003"], ["004"]]
    assert expected == sorted(sorted(map(short, cluster.members)) for cluster in result.clusters)


def test_related_items(result: Result) -> None:
    """The related items of 002 are named with their outlets and headlines, and have the page as parent."""
    items = [article for article in result.articles if article.parent is not None]
    assert [item.source for item in items] == ["Rhyl Journal", "South Wales Guardian", "The Herald Scotland"]
    assert [short(item.id) for item in items] == ["002#1", "002#2", "002#3"]
    assert {"002"} == {short(str(item.parent)) for item in items}
    assert all(item.title for item in items)


def test_shared_quotes_are_an_overlap(result: Result) -> None:
    """001 and 004 share quotes: they are reported as `overlap`, and no pair of 004 is a link."""
    relations = {
        frozenset([short(pair["left"]), short(pair["right"])]): pair["relation"] for pair in result.pairs.to_pylist()
    }
    assert relations[frozenset(["001", "004"])] == "overlap"
    assert {"overlap"} == {relation for names, relation in relations.items() if "004" in names}


def test_shared_quotes_are_passages() -> None:
    """The quotes that 001 and 004 share are passages, of which each stands in both pages as they came."""
    left, right = page("001"), page("004")
    found = compare(left, right)
    assert found.longest
    assert found.longest.words >= 70
    # Whole quotes are most of what the two share; the rest are names and phrases.
    quotes = [passage for passage in found.passages if passage.words >= 20]
    assert len(quotes) == 3
    assert sum(passage.words for passage in quotes) >= 150
    for passage in found.passages:
        mine, theirs = left[passage.left_start : passage.left_end], right[passage.right_start : passage.right_end]
        assert native.tokens(mine) == native.tokens(theirs)


def test_no_document_is_bridged(result: Result) -> None:
    """What is dropped is a duplicate of what is kept, by their own scores."""
    assert len(result.dropped) == 3
    assert {drop.relation for drop in result.dropped} <= {"exact", "duplicate"}
    assert all(drop.jaccard >= 0.5 for drop in result.dropped)


def test_cleaning_brings_the_copies_together() -> None:
    """001 and 002 are far apart as they are, 0.46 at 5 words, and close without their furniture."""
    left, right = page("001"), page("002")
    assert compare(left, right).jaccard >= 0.75
    assert pytest.approx(compare(left, right, shingle_size=5, clean="off").jaccard, abs=0.01) == 0.46
    assert compare(left, right, shingle_size=5).jaccard >= 0.75
