"""The benchmark of relations: labels follow from exact scores, texts are what they are named for."""

from __future__ import annotations

import json
import math
import random
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import corpus
import pytest
import relations
import reprints
from hypothesis import given
from hypothesis import strategies as st
from relations import Found, Labelled, Made, Text, Truth

from dedup import Config, InvalidArgumentError, deduplicate
from dedup.kernels import native

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.seconds

CONFIG = Config()
#: Few words, of scripts with and without spaces, with what folding drops, adds and splits.
texts = st.lists(
    st.sampled_from(["a", "b", "C", "don't", "e-f", "7", "é", "ß", "\u6e2f", "\u8239\u6a4b", "\u0e01", "ﬁ", "—", "."])
).map(" ".join)


@cache
def made(pairs: int = 9, seed: int = 1) -> Made:
    """Return a set; it is the same each time."""
    rows = [{"id": str(number), "text": text} for number, text in enumerate(corpus.english(420, 3000, seed=2))]
    return relations.make({"invented": rows}, pairs=pairs, seed=seed)


@cache
def text_of() -> dict[str, dict[str, Any]]:
    """Return id -> record."""
    return {row["id"]: row for row in made().rows}


def pairs_of(kind: str) -> list[Labelled]:
    """Return the pairs of one kind, at least one."""
    found = [pair for pair in made().pairs if pair.kind == kind]
    assert found
    return found


def shares(pair: Labelled) -> float:
    """Return how much of the words of the left text the right one has."""
    left, right = (reprints.count_words(text_of()[name]["text"]) for name in (pair.left, pair.right))
    return right / left


def labelled(name: str, right: set[str | None], *, kind: str = "excerpt", family: str = "") -> Labelled:
    """Return a pair of `name` and a copy."""
    allowed = frozenset(right)
    return Labelled(
        kind, 0.5, "set", family or name, name, f"{name}.copy", 90, 0.5, 1.0, allowed, relations._together(allowed)
    )


def page(text: str, *stretches: tuple[int, int, str]) -> Text:
    """Return a page."""
    moment = datetime(2025, 3, 1, tzinfo=UTC)
    return Text("page", text, text, "Tarn Echo", moment, "Day", stretches)


# Exact scores


@given(texts)
def test_shingles_are_those_of_the_kernel(text: str) -> None:
    """As many different shingles as the kernel hashes, at any size."""
    for size in (1, 3, 5):
        assert len(relations.shingles(text, size)) == len(native.shingle_set(text, size))


@given(texts, texts, st.integers(1, 4))
def test_truth_is_that_of_the_definition(left: str, right: str, words: int) -> None:
    """Scores and shared runs as one counts them by hand, a token of a script without spaces being half a word."""
    config = Config(min_passage=words, overlap=1.0)
    found = relations.truth(left, right, config)
    sets = [set(native.shingle_set(text, 3).tolist()) for text in (left, right)]
    shared, smaller = len(sets[0] & sets[1]), min(map(len, sets))
    assert found.jaccard == shared / max(1, len(sets[0] | sets[1]))
    assert (found.containment, found.smaller) == (shared / max(1, smaller), smaller)
    assert found.equal == (bool(sets[0]) and native.tokens(left) == native.tokens(right))
    if 0 < found.containment < 1:
        runs = []
        for text in (left, right):
            tokens = relations.marked_tokens(text)
            stretches = (tokens[a:b] for a in range(len(tokens)) for b in range(a + 1, len(tokens) + 1))
            runs.append([run for run in stretches if sum(0.5 if half else 1 for _, half in run) >= words])
        assert found.run == any(run in runs[1] for run in runs[0])


def scores(jaccard: float, containment: float, smaller: int = 90, *, equal: bool = False, run: bool = False) -> Truth:
    """Return scores."""
    return Truth(equal, jaccard, containment, smaller, run)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (scores(1, 1, equal=True), {"exact"}),
        (scores(0.6, 0.8), {"duplicate"}),
        (scores(0.495, 0.8), {"duplicate", "excerpt"}),
        (scores(0.4, 0.8), {"excerpt"}),
        (scores(0.4, 0.8, 29), {None}),
        (scores(0.3, 0.545), {"excerpt", "overlap"}),
        (scores(0.3, 0.4), {"overlap"}),
        (scores(0.1, 0.255), {"overlap", None}),
        (scores(0.1, 0.2), {None}),
        (scores(0.1, 0.2, run=True), {"overlap"}),
        (scores(0.0, 0.0, 0), {None}),
    ],
)
def test_scores_give_relations(found: Truth, expected: set[str | None]) -> None:
    """The link rule at its defaults; near a limit both sides are right."""
    assert relations.by_scores(found, CONFIG) == expected


@pytest.mark.parametrize(
    ("label", "found", "expected", "together"),
    [
        ("scores", scores(0.4, 0.8), {"excerpt"}, True),
        ("unrelated", scores(0.1, 0.4), {"overlap", None}, False),
        ("version", scores(0.6, 0.9), {"version"}, True),
        ("version", scores(0.5, 0.9), {"version", "duplicate", "excerpt"}, True),
        ("version", scores(0.4, 0.9), {"version", "excerpt"}, True),
        ("version", scores(1, 1, equal=True), {"exact"}, True),
        ("template", scores(0.6, 0.8), {"template"}, False),
        ("template", scores(0.2, 0.3), {"template", "overlap"}, False),
        ("template", scores(0.3, 0.55), {"template", "overlap", "excerpt"}, None),
        ("roundup", scores(0.3, 1.0), {"roundup"}, False),
        ("roundup", scores(0.1, 0.4), {"overlap"}, False),
        ("roundup", scores(0.6, 1.0), {"roundup", "duplicate", "version"}, None),
    ],
)
def test_labels_follow_from_making_and_scores(
    label: str, found: Truth, expected: set[str | None], together: bool | None
) -> None:
    """What is right for a pair, and whether it belongs into one cluster: None where the label allows both."""
    right = relations.right_relations(label, found, CONFIG)
    assert right == expected
    assert relations._together(right) is together


# The texts


def test_sets_do_not_depend_on_order() -> None:
    """The same seed gives the same set whatever the order of the articles, another seed another one."""
    rows = [{"id": str(number), "text": text} for number, text in enumerate(corpus.english(420, 3000, seed=2))]
    random.Random(3).shuffle(rows)
    again = relations.make({"invented": rows}, pairs=1, seed=1)
    assert again == made(pairs=1)
    assert again.pairs != made(pairs=1, seed=2).pairs


def test_every_kind_has_its_pairs() -> None:
    """Each amount comes equally often, ids are unique, and no text belongs to two families."""
    for name, kind in relations.KINDS.items():
        amounts = [pair.amount for pair in pairs_of(name)]
        assert set(amounts) == set(kind.amounts)
        assert len(amounts) >= 9
    assert len(text_of()) == len(made().rows)
    assert made().family_of.keys() <= text_of().keys()
    for pair in made().pairs:
        if pair.kind != "unrelated":
            assert made().family_of[pair.left] == made().family_of[pair.right] == pair.family


def test_cuts_and_edits_are_as_large_as_named() -> None:
    """So much of the words is cut or kept, give or take a sentence, and so many are edited."""
    for kind in ("cut tail", "cut head"):
        assert all(abs(1 - pair.amount - shares(pair)) < 0.1 for pair in pairs_of(kind))
    assert all(abs(pair.amount - shares(pair)) < 0.1 for pair in pairs_of("excerpt") if pair.amount > 0.2)
    assert all(pair.containment == 1 for kind in ("cut tail", "cut head", "excerpt") for pair in pairs_of(kind))
    # An edit of one word changes three shingles at most.
    assert all(1 - 4 * pair.amount < pair.containment < 1 for pair in pairs_of("edits"))
    assert all(abs(pair.amount - pair.containment) < 0.1 for pair in pairs_of("blended"))


def test_furniture_does_not_count() -> None:
    """A furnished excerpt lies in its story as a whole; its page has more words than the story's."""
    for pair in pairs_of("furnished"):
        assert pair.containment == 1
        assert pair.words < reprints.count_words(text_of()[pair.right]["text"])


def test_versions_come_later_at_the_same_outlet() -> None:
    """What grew holds the earlier text but for its seams; what was corrected differs in single words."""
    for kind in ("grown", "corrected"):
        for pair in pairs_of(kind):
            left, right = text_of()[pair.left], text_of()[pair.right]
            assert left["source"] == right["source"]
            assert (left["published"] > right["published"]) == (kind == "grown")
    assert all(pair.containment > 0.9 for pair in pairs_of("grown"))
    assert all(pair.jaccard > 0.9 for pair in pairs_of("corrected"))


def test_an_insertion_comes_elsewhere_at_about_the_same_time() -> None:
    """Another outlet, within the half hour, and the story is in it as a whole but for the seams."""
    for pair in pairs_of("inserted"):
        left, right = text_of()[pair.left], text_of()[pair.right]
        moments = [datetime.fromisoformat(row["published"]) for row in (left, right)]
        assert abs(moments[1] - moments[0]) <= timedelta(minutes=30)
        assert left["source"] != right["source"]
        assert pair.containment > 0.9


def test_notices_share_their_form() -> None:
    """Two notices have the same number of words, and about the share that is named differs."""
    for pair in pairs_of("template"):
        left, right = (re.findall(r"\w+", text_of()[name]["text"]) for name in (pair.left, pair.right))
        assert len(left) == len(right)
        # A word that stands often is changed everywhere.
        different = sum(a != b for a, b in zip(left, right, strict=True))
        assert pair.amount - 0.05 <= different / len(left) <= pair.amount + 0.15


def test_quotes_are_as_long_as_named() -> None:
    """Two stories share so many words in a row, and that makes an overlap from `min_passage` on."""
    for pair in pairs_of("quoting"):
        left, right = text_of()[pair.left]["text"], text_of()[pair.right]["text"]
        words = int(pair.amount)
        assert not relations.passages(left, words).isdisjoint(relations.passages(right, words))
        assert relations.passages(left, words + 9).isdisjoint(relations.passages(right, words + 9))
        assert pair.relations == frozenset(["overlap" if words >= CONFIG.min_passage else None])


def test_pages_hold_their_stories() -> None:
    """A page names where each story stands on it; whole ones stand there as they are."""
    for name, amount, one in made().pages:
        assert len(one.stretches) == amount
        for start, end, story in one.stretches:
            whole, body = text_of()[story]["text"], one.text[start:end]
            assert body == whole if name == "roundup" else whole.startswith(body[:80])
        labels = [pair for pair in made().pairs if pair.family == one.id]
        assert {pair.left for pair in labels} == {story for _, _, story in one.stretches}


def test_passages_have_the_words_asked_for() -> None:
    """Characters of a script without spaces count as half a word, and the next passage goes on elsewhere."""
    chance = random.Random(1)
    setting = reprints._Setting(1, "normal", reprints._gather([]))
    moment = datetime(2025, 3, 1, tzinfo=UTC)
    of = iter(["The ferry sails. ", "It rains, ", "\u6e2f\u8239\u6a4b\u5e02\u5834\u3002", "And so on. "])
    desk = relations.Desk(reprints._Page(setting, chance, "Tarn Echo", moment, "Day"), of)
    assert desk.passage(4) == "The ferry sails. It"
    assert desk.passage(2) == "\u6e2f\u8239\u6a4b\u5e02"


@pytest.mark.parametrize(
    ("pairs", "rows", "message"),
    [
        (0, [], "pairs must be an integer of at least 1. Got 0."),
        (1, [{"text": "Too short."}], "articles must hold 10 of 100 words or more that are unlike. Got 0."),
    ],
)
def test_bad_arguments_are_named(pairs: int, rows: list[dict[str, Any]], message: str) -> None:
    """A bad argument is one line: name, what is allowed, what came."""
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        relations.make({"few": rows}, pairs=pairs)


# Scores


@pytest.mark.parametrize(
    ("hits", "count", "groups", "expected"),
    [
        (5, 10, 10, [0.5, 0.2366, 0.7634]),
        (0, 10, 10, [0.0, 0.0, 0.2775]),
        (10, 10, 10, [1.0, 0.7225, 1.0]),
        (50, 100, 10, [0.5, 0.2366, 0.7634]),
    ],
)
def test_intervals_are_wilsons(hits: int, count: int, groups: int, expected: list[float]) -> None:
    """Published values of the interval of Wilson; pairs of one group count as one."""
    assert relations.interval(hits, count, groups) == pytest.approx(expected, abs=1e-4)


def test_nothing_has_no_share() -> None:
    """Where nothing was counted, a share is no number, and the report shows a dash."""
    assert all(map(math.isnan, relations.interval(0, 0, 0)))
    assert relations._shown(relations.share([])) is None


def test_cover_is_scored_by_word() -> None:
    """Words of the right story, of a wrong one, of none, and glue that is taken for a story."""
    text = "Glue one two three four Glue five six"
    true = page(text, (5, 23, "a"), (29, 37, "b"))
    got = [(0, 12, "a"), (13, 18, "b"), (24, 32, "b")]
    assert dict(relations.covered(true, got)) == {"words": 6, "glue": 2, "right": 3, "wrong": 1, "glue taken": 2}
    assert dict(relations.covered(true, [])) == {"words": 6, "glue": 2}


def found(relation: dict[tuple[str, str], str], cluster: dict[str, str]) -> Found:
    """Return what the library is to have said."""
    names = {frozenset(ends): name for ends, name in relation.items()}
    first = {right: left for (left, right), name in relation.items() if name == "exact"}
    return Found(names, first, cluster, {})


def test_recall_and_precision_by_hand() -> None:
    """One of two pairs is right; a pair of two families is counted apart, and so is one with an article around."""
    one, two = labelled("a", {"excerpt"}), labelled("b", {"excerpt"})
    said = found(
        {("a", "a.copy"): "excerpt", ("b", "b.copy"): "overlap", ("a", "b"): "overlap", ("a", "x"): "overlap"},
        {"a": "a", "a.copy": "a", "b": "b", "b.copy": "b.copy", "x": "x"},
    )
    scored = relations.recall([one, two], said)
    assert (scored["pairs"], scored["right"][0], scored["together"][0]) == (2, 0.5, 0.5)
    assert math.isnan(scored["apart"][0])
    assert scored["wrong"] == {"overlap": 1}
    family_of = {"a": "a", "a.copy": "a", "b": "b", "b.copy": "b"}
    table = relations.precision(Made([], [one, two], [], family_of), said)
    assert (table["excerpt"]["right"][0], table["overlap"]["right"][0]) == (1.0, 0.0)
    assert table["overlap"]["wrong"] == {"excerpt": 1}
    assert (table["overlap"]["pairs"], table["overlap"]["families"], table["overlap"]["around"]) == (1, 1, 1)
    assert table["duplicate"]["pairs"] == 0


def test_a_copy_has_the_relations_of_its_text() -> None:
    """The first document of a text stands for its copies."""
    said = found({("a", "a.copy"): "exact", ("a", "b"): "excerpt"}, {})
    assert said.relation_of("a.copy", "a") == "exact"
    assert said.relation_of("b", "a.copy") == "excerpt"
    assert said.relation_of("b", "c") is None


def test_two_stories_of_a_page_have_no_relation() -> None:
    """A relation between them is a mistake of that relation."""
    said = found({("a", "b"): "duplicate"}, {})
    table = relations.precision(Made([], [], [], {"a": "page", "b": "page", "page": "page"}), said)
    assert (table["duplicate"]["right"][0], table["duplicate"]["wrong"]) == (0.0, {"two stories of a page": 1})


def test_a_perfect_answer_scores_one() -> None:
    """Labels given back are right everywhere: all shares but those of costs are 1."""
    cluster = {name: name for name in text_of()}
    cluster |= {pair.right: pair.left for pair in made().pairs if pair.together and len(pair.relations) == 1}
    relation = {
        frozenset((pair.left, pair.right)): max(pair.relations, key=str) or ""
        for pair in made().pairs
        if None not in pair.relations
    }
    covers = {one.id: list(one.stretches) for _, _, one in made().pages}
    perfect = Found(relation, {}, cluster, covers)
    assert all(perfect.is_right(pair) for pair in made().pairs)
    assert all(row["right"][0] == 1 for row in relations.precision(made(), perfect).values() if row["pairs"])
    figures = relations.figures(made(), perfect)
    assert list(figures) == list(relations.ASKED)[:-2]
    measured = {what: numbers[0] for what, numbers in figures.items() if not math.isnan(numbers[0])}
    # A pair that may be a duplicate or an excerpt is left apart above.
    assert {what: 1.0 for what in measured if "cluster of its story" not in what}.items() <= measured.items()


# The command


@pytest.mark.parametrize("clean", ["auto", "off"])
def test_without_samples_the_rest_is_the_same(clean: Any) -> None:
    """The containment path is what is switched off: fewer candidates and no other duplicate."""
    rows = made().rows
    whole = deduplicate(rows, clean=clean)
    with relations.without_samples():
        without = deduplicate(rows, clean=clean)
    assert without.summary()["candidate_pairs"] < whole.summary()["candidate_pairs"]
    assert {frozenset(ends) for ends in Found.of(without).relation} <= set(Found.of(whole).relation)


def test_costs_are_times_of_both() -> None:
    """Seconds and ratio for cleaned and uncleaned texts."""
    measured = relations.costs([{"id": str(number), "text": f"a text {number}"} for number in range(9)], rounds=1)
    assert measured.keys() == {"cleaned", "not cleaned"}
    assert all(row["whole"] > 0 and row["least"] <= row["median"] <= row["most"] for row in measured.values())


def test_the_command_writes_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Articles of one's own: tables are printed, and saved beside the figures and the mistakes."""
    articles = tmp_path / "mine.jsonl"
    rows = [{"id": str(number), "text": text} for number, text in enumerate(corpus.english(150, 2000, seed=4))]
    articles.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    monkeypatch.setattr(relations, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(
        sys, "argv", ["relations.py", "--articles", str(articles), "--pairs", "1", "--rounds", "1", "--name", "try"]
    )
    assert relations.main() == 0
    printed = capsys.readouterr().out
    assert "### Relations: asked and measured" in printed
    assert "### Pages: clusters and covers" in printed
    assert (tmp_path / "results" / "try.md").read_text(encoding="utf-8") == printed[:-1]
    saved = json.loads((tmp_path / "results" / "try.json").read_text(encoding="utf-8"))
    assert saved["documents"] > 150
    assert [row["what"] for row in saved["targets"]] == list(relations.ASKED)
    assert {"left", "right", "relations", "got"} <= saved["mistakes"][0].keys()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--articles", "nowhere.jsonl"], "--articles must be a file. Got nowhere.jsonl."),
        (["--rounds", "-1"], "--rounds must be at least 0. Got -1."),
    ],
)
def test_bad_options_are_named(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad option ends the command with a line that names it."""
    monkeypatch.setattr(sys, "argv", ["relations.py", *arguments])
    with pytest.raises(SystemExit):
        relations.main()
    assert message in capsys.readouterr().err


def test_without_sets_texts_are_generated(tmp_path: Path) -> None:
    """A folder without sets gives generated English, enough for each kind once."""
    sets = relations._sets(replace(relations.Asked(pairs=1), folder=tmp_path))
    assert list(sets) == ["generated"]
    assert {pair.kind for pair in relations.make(sets, pairs=1).pairs} == {*relations.KINDS, "unrelated"}
