"""The scores of boilerplate removal: tiny invented pages of which each score is known."""

from __future__ import annotations

import argparse
import gzip
import json
import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import boilerplate
import dedup
from boilerplate import Page
from dedup.errors import InputError, InvalidArgumentError

if TYPE_CHECKING:
    from pathlib import Path

LINES = ["Menu one two", "A story of four", "It has two lines", "Read on"]
KEEP = [False, True, True, False]


def page(**changed: Any) -> Page:
    """Return a page of four lines: 3 words of furniture, 4 and 4 of the article, 2 of furniture."""
    given: dict[str, Any] = {"set": "made", "id": "1", "site": "a", "lines": LINES, "keep": KEEP}
    return Page(**{**given, **changed})


def remover(*numbers: int) -> boilerplate.Cleaner:
    """Return a cleaner that removes the lines of these numbers, each with the newline after it."""

    def clean(text: str) -> list[tuple[int, int]]:
        ends = [0]
        for line in text.split("\n"):
            ends.append(ends[-1] + len(line) + 1)
        return [(ends[number], min(ends[number + 1], len(text))) for number in numbers if number + 1 < len(ends)]

    return clean


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    """Write gzipped JSONL to where a file of the data is."""
    path = folder / ("boilerplate" if name in boilerplate.PAGES else "articles") / f"{name}.jsonl.gz"
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


# Words and lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("two words", 2),
        ("a dash - and 12 !!!", 4),
        ("don't", 1),
        ("\u6c49\u5b57\u3002", 1),
        ("\u6c49\u5b57\u6c49 2024\u5e74 news", 4),
        ("\u0e01\u0e02", 1),
        ("\u0441\u043b\u043e\u0432\u043e \u2014 \u0434\u0432\u0430", 2),
    ],
)
def test_words(text: str, expected: float) -> None:
    """A run with a letter or digit is a word, a character of a script without spaces half of one."""
    assert boilerplate.words(text) == expected


@pytest.mark.parametrize(
    ("removed", "expected"),
    [
        ([], [False, False, False]),
        ([(0, 5)], [True, False, False]),
        ([(0, 2)], [True, False, False]),
        ([(0, 1)], [False, False, False]),
        ([(2, 10)], [True, False, True]),
        ([(0, 1), (3, 4)], [True, False, False]),
        ([(4, 6)], [False, False, False]),
        ([(0, 11)], [True, False, True]),
    ],
)
def test_a_line_is_dropped_when_half_of_its_characters_go(removed: list[tuple[int, int]], expected: list[bool]) -> None:
    """Space does not count, and a blank line is never dropped."""
    assert boilerplate.dropped(["ab cd", " ", "efgh"], removed) == expected


@given(st.lists(st.text("ab ", max_size=6), min_size=1, max_size=6), st.data())
def test_dropped_lines_are_those_of_a_count_by_character(lines: list[str], data: st.DataObject) -> None:
    """Any spans: the same lines as when each character is looked up in the set of those removed."""
    text = "\n".join(lines)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    removed = [pair for at, pair in enumerate(pairwise(cuts)) if at % 2 == 0]
    gone = {at for start, end in removed for at in range(start, end)}
    expected, start = [], 0
    for line in lines:
        inked = [at for at, character in enumerate(line, start) if not character.isspace()]
        expected.append(bool(inked) and 2 * len(gone.intersection(inked)) >= len(inked))
        start += len(line) + 1
    assert boilerplate.dropped(lines, removed) == expected
    assert boilerplate.without(text, removed) == "".join(c for at, c in enumerate(text) if at not in gone)


def test_word_f1_is_that_of_multisets() -> None:
    """Case does not count, repeats do, and Chinese is compared by character."""
    assert boilerplate.word_f1("One two two", "one two three") == pytest.approx(2 * 2 / 6)
    assert boilerplate.word_f1("\u6c49\u5b57", "\u5b57\u6c49") == 1.0
    assert boilerplate.word_f1("", "") == 0.0


# Scores


def test_scores_of_one_page() -> None:
    """One line of furniture and one of the article go: each score is the fraction that the words say."""
    scores = boilerplate.score([page(gold="a story of four it has two lines")], remover(0, 1))
    assert (scores["pages"], scores["sites"], scores["dropped lines"]) == (1, 1, 2)
    expected = {
        "keep all": 2 * 8 / (13 + 8),
        "text F1": 2 * 4 / (6 + 8),
        "precision": 4 / 6,
        "recall": 4 / 8,
        "error left": (1 - 8 / 14) / (1 - 16 / 21),
        "gold words lost": 4 / 8,
        "gold words lost, mean of pages": 4 / 8,
        "dropped-line precision": 1 / 2,
        "word F1, keep all": 2 * 8 / (13 + 8),
        "word F1": 2 * 4 / (6 + 8),
    }
    assert {name: scores[name][0] for name in expected} == pytest.approx(expected)
    assert expected.keys() == boilerplate.SCORES.keys()


def test_a_perfect_cleaner_has_no_error_left() -> None:
    """All furniture goes and nothing else: F1 is 1, and short lines count in F1 but not in the precision."""
    scores = boilerplate.score([page(), page(id="2", site="b")], remover(0, 3))
    assert scores["text F1"] == [1.0, 1.0, 1.0]
    assert (scores["error left"][0], scores["gold words lost"][0]) == (0.0, 0.0)
    assert (scores["dropped-line precision"][0], scores["dropped lines"]) == (1.0, 2)


def test_what_has_no_value_is_no_number() -> None:
    """Nothing dropped, no gold text, no line of the article: these scores are NaN, and the others leave them out."""
    scores = boilerplate.score([page(), page(id="2", site="b", keep=[False] * 4)], remover())
    assert math.isnan(scores["dropped-line precision"][0])
    assert math.isnan(scores["word F1"][0])
    assert scores["text F1"][0] == scores["keep all"][0] == pytest.approx(16 / 21)


def test_means_are_over_pages_and_shares_over_words() -> None:
    """A long page weighs more in the words lost, and as much as another in their mean."""
    long = page(id="2", site="b", lines=["one two three " * 8], keep=[True])
    scores = boilerplate.score([page(), long], remover(1))
    assert scores["gold words lost"][0] == pytest.approx(4 / 32)
    assert scores["gold words lost, mean of pages"][0] == pytest.approx((4 / 8 + 0) / 2)


def test_tallies_of_folds_add_up() -> None:
    """Pages scored fold by fold, each by its own cleaner, give one summary."""
    pages = [page(id=str(number), site=f"s{number}") for number in range(10)]
    tallies = [
        boilerplate.tally(one, remover(fold)(one.text))
        for fold in range(4)
        for one in pages
        if boilerplate.part(one.site) == fold
    ]
    assert boilerplate.summary(tallies)["pages"] == sum(boilerplate.part(one.site) < 4 for one in pages)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=8))
def test_intervals_hold_their_value(rows: list[tuple[int, int]]) -> None:
    """A ratio of sums lies in its interval; one group has none, and a whole of 0 has no ratio."""
    sums = np.array([[(min(row), max(row))] for row in rows], np.float64).reshape(len(rows), 1, 2)
    value, low, high = boilerplate.estimates(sums)[0]
    if not sums[..., 1].sum():
        assert math.isnan(value)
    elif len(rows) == 1:
        assert math.isnan(low)
        assert math.isnan(high)
    else:
        assert low <= value <= high
        assert value == pytest.approx(sums[..., 0].sum() / sums[..., 1].sum())


def test_intervals_resample_sites() -> None:
    """Pages of one site are one draw: with all pages on one site there is no interval."""
    pages = [page(id=str(number), site="a") for number in range(9)]
    assert math.isnan(boilerplate.score(pages, remover(0))["text F1"][1])


# The data


def test_pages_are_read_in_all_forms(tmp_path: Path) -> None:
    """Lines with flags, whole pages with shares or labels; a page without text and half a gold are left out."""
    window: dict[str, Any] = {
        "set": "fundus_publishers",
        "id": "xx/TheOutlet_2024_05_03",
        "lines": ["a", "b"],
        "keep": [0, 1],
    }
    write(tmp_path, "article_window", [window])
    assert boilerplate.labelled("article_window", tmp_path) == [
        Page("fundus_publishers", "xx/TheOutlet_2024_05_03", "TheOutlet", ["a", "b"], [False, True])
    ]
    text: dict[str, Any] = {"page_text": "a\n\nb", "gold_text": "b"}
    write(tmp_path, "pages_google_trends_2017", [{**text, "id": "g1", "line_labels": ["boilerplate", "x", "content"]}])
    assert boilerplate.labelled("pages_google_trends_2017", tmp_path) == [
        Page("google_trends_2017", "g1", "g1", ["a", "", "b"], [False, False, True], "b")
    ]
    rows = [
        {**text, "id": "w1", "url": "https://www.example.org/x", "line_match": [0.4, 0.0, 0.5]},
        {"id": "w2", "url": None, "page_text": "", "gold_text": "b", "line_match": []},
    ]
    write(tmp_path, "pages_wcxb", rows)
    assert boilerplate.labelled("pages_wcxb", tmp_path) == [
        Page("wcxb", "w1", "example.org", ["a", "", "b"], [False, False, True], "b")
    ]
    write(tmp_path, "pages_goose3_tests", [{**rows[0], "gold_is_prefix": True}])
    assert boilerplate.labelled("pages_goose3_tests", tmp_path)[0].gold is None
    residue: dict[str, Any] = {
        "set": "cleanportaleval",
        "id": "all-example.org_news_01",
        "extractor": "tool",
        "lines": ["a"],
    }
    write(tmp_path, "extractor_residue", [{**residue, "keep": [1]}])
    [found] = boilerplate.labelled("extractor_residue", tmp_path)
    assert (found.site, found.extractor) == ("example.org", "tool")


def test_a_file_must_be_known_and_there(tmp_path: Path) -> None:
    """A wrong name and a missing file each say what is allowed."""
    with pytest.raises(InvalidArgumentError, match=r"name must be one of .* Got 'news'\."):
        boilerplate.labelled("news", tmp_path)
    with pytest.raises(InputError, match=r"folder must hold boilerplate/article_window\.jsonl\.gz\. Got "):
        boilerplate.labelled("article_window", tmp_path)


def test_dragnet_pages_with_three_lines_of_furniture_are_one_site(tmp_path: Path) -> None:
    """Two shared lines, single words, lines of the article and what everybody prints join nothing."""
    common = [f"common line {number}" for number in range(3)]
    shared = {
        "a": ["one line", "two line", "three line"],
        "b": ["one line", "two line", "three line", "other line"],
        "c": ["one line", "two line", "word", "other", "third"],
        "d": ["four line", "five line", "six line", "word", "other", "third"],
    }
    shared |= {f"n{number}": [] for number in range(60)}
    rows = [
        {"id": name, "page_text": "\n".join([*lines, *common, "kept"]), "line_match": [0.0] * (len(lines) + 3) + [1.0]}
        for name, lines in shared.items()
    ]
    rows += [
        {"id": name, "page_text": "\n".join(shared["d"][:3]), "line_match": [1.0] * 3, "gold_text": ""} for name in "ef"
    ]
    write(tmp_path, "pages_dragnet", rows)
    write(tmp_path, "article_window", [{"set": "dragnet", "id": name, "lines": ["x"], "keep": [1]} for name in "abz"])
    sites = boilerplate.dragnet_sites(tmp_path)
    assert sites["a"] == sites["b"] == "dragnet a"
    assert len(set(sites.values())) == len(rows) - 1
    # A page that is not in the file is alone.
    assert [one.site for one in boilerplate.labelled("article_window", tmp_path)] == ["dragnet a", "dragnet a", "z"]


def test_plain_news_is_drawn_by_id(tmp_path: Path) -> None:
    """The same texts whatever their order, languages apart, and none without a text."""
    rows = [
        {"id": f"{lang}{number}", "lang": lang, "text": "x" if number else " "}
        for lang in ("eng", "hau")
        for number in range(9)
    ]
    write(tmp_path, "masakhanews", rows)
    found = boilerplate.articles("masakhanews", tmp_path, 4)
    assert {name: len(those) for name, those in found.items()} == {"masakhanews eng": 4, "masakhanews hau": 4}
    write(tmp_path, "masakhanews", rows[::-1])
    assert boilerplate.articles("masakhanews", tmp_path, 4) == found
    assert all(row["text"].strip() for those in found.values() for row in those)


# Plain news, kinds, the report


def test_removed_share_of_plain_news() -> None:
    """Words removed by words there are, over all texts; the lines that go most often come first."""
    rows = [{"id": "1", "text": "one two\nthree four"}, {"id": "2", "text": "one two\nfive six"}]
    removed = [remover(0)(row["text"]) for row in rows]
    share = boilerplate.wrongly_removed(rows, removed)
    assert share == [0.5, 0.5, 0.5]
    assert math.isnan(boilerplate.wrongly_removed([{**row, "source": "s"} for row in rows], removed)[1])
    assert boilerplate.removed_most([row["text"] for row in rows], removed, 1) == [("one two", 2)]


def test_kinds_are_counted_by_span_and_word() -> None:
    """Each span of `clean` counts once for its kind, with its words."""
    text = "A story of today.\nSign up for our newsletter\nIt goes on.\nFollow us on every platform\n"
    found = boilerplate.kinds([text, text])
    assert found == {"promo": [4, 20.0]}
    assert boilerplate.removed_by_clean(text) == [(one.start, one.end) for one in dedup.clean(text).removed]


def test_a_measurement_has_its_figures_and_report(tmp_path: Path) -> None:
    """What is asked of the files that are there stands beside what was measured; any cleaner can be measured."""
    window = [
        {"set": "dragnet", "id": str(number), "lines": LINES, "keep": [int(keep) for keep in KEEP]}
        for number in range(3)
    ]
    write(tmp_path, "article_window", window)
    write(tmp_path, "extractor_residue", [{**row, "extractor": "readability"} for row in window])
    write(tmp_path, "gnad10k_de", [{"id": str(number), "text": "Ein Text\nZwei"} for number in range(3)])
    names = ("article_window", "extractor_residue", "gnad10k_de", "allsides")
    asked = boilerplate.Asked(folder=tmp_path, names=names, pages=2)
    results = boilerplate.measure(asked, remover(0, 3))
    met = {row["what"]: row["met"] for row in results["targets"]}
    assert met["article_window dragnet: text F1"]
    assert met["article_window dragnet: gold words lost"]
    assert met["extractor_residue readability: error left"]
    assert not met["gnad10k_de: words removed"]
    # What is not there is not met.
    assert not met["allsides: words removed"]
    assert results["labelled"]["article_window"]["dragnet"]["pages"] == 2
    assert results["figures"]["gnad10k_de: words removed"][0] == pytest.approx(2 / 3)
    text = boilerplate.report(results)
    assert "| gnad10k_de: words removed" in text
    assert "### extractor_residue: lines" in text
    json.dumps(results)
    assert list(boilerplate.measure(asked)["kinds"]) == list(names[:3])


def test_names_are_given_by_their_beginnings() -> None:
    """One beginning may stand for several files; an unknown one is refused with what is allowed."""
    assert boilerplate.names("article,pages_w") == ("article_window", "pages_wcxb")
    with pytest.raises(argparse.ArgumentTypeError, match=r"must be beginnings of .* Got 'x'\."):
        boilerplate.names("article,x")


def test_what_is_asked_agrees_with_the_references() -> None:
    """Close behind trafilatura is above jusText in every set."""
    for name, (justext, _) in boilerplate.REFERENCES.items():
        assert boilerplate.ASKED[f"{name}: word F1"][0] > justext
