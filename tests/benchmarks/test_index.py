"""The benchmark of the index: its stream is what it says, and all of it runs on a handful of documents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import index
import pytest
import relations

import dedup
from dedup.errors import InvalidArgumentError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = dedup.Config()
TINY = index.Asked(
    documents=60, small=40, batch=20, rounds=1, singles=25, fulls=2, opens=1, queries=3, pairs=6, stories=(3, 8),
    copies=2, peer=40,
)  # fmt: skip


def test_reprints_are_cut_from_earlier_documents() -> None:
    """Three in ten of a batch begin, behind a headline, as a document of an earlier batch does; the others are new."""
    earlier = {record["text"] for number in range(2) for record in index.batch(number, 20, 0, 1)[:14]}
    records = index.batch(2, 20, index.chunks_of(2, 20), 1)
    assert len(records) == len({record["id"] for record in records}) == 20
    known = {text for chunk in range(index.chunks_of(2, 20)) for text in index.originals(chunk, 1)}
    assert earlier <= known
    texts = [record["text"] for record in records]
    assert not known.intersection(texts[:14])
    # A first paragraph may be a headline.
    begins = [[body for body in (text, text.partition("\n\n")[2]) if body] for text in texts[14:]]
    assert all(any(text.startswith(body) for text in known for body in bodies) for bodies in begins)
    assert not known.issuperset(texts[14:])


def test_the_stream_is_a_function_of_seed_and_number() -> None:
    """The same numbers give the same documents; another seed gives others."""
    assert index.batch(3, 20, 4, 1) == index.batch(3, 20, 4, 1)
    ours, others = ({record["text"] for record in index.batch(3, 20, 4, seed)} for seed in (1, 2))
    assert not ours & others


def test_pairs_are_at_the_threshold() -> None:
    """Their exact Jaccard similarity, of plain Python sets, is the threshold or up to BEYOND more."""
    made = list(index.pairs(12, 1))
    assert len(made) > 6
    for base, copy in made:
        truth = relations.truth(base["text"], copy["text"], CONFIG)
        assert CONFIG.threshold <= truth.jaccard <= CONFIG.threshold + index.BEYOND


def test_only_exact_scores_are_right() -> None:
    """A match is right with the scores of the two texts, and wrong with others or where they are too few for a link."""
    text = "one two three four five six seven eight nine ten"
    longer, other = f"{text} eleven twelve", "one two three and all the rest is another story"
    match = dedup.Match("a", "added", 1, "b", "duplicate", 0.8, 1.0, 0.8)
    assert index.is_right(match, text, longer, CONFIG)
    assert not index.is_right(replace(match, jaccard=0.81), text, longer, CONFIG)
    assert not index.is_right(
        replace(match, jaccard=1 / 15, containment=1 / 8, containment_canonical=1 / 8), text, other, CONFIG
    )


@pytest.mark.seconds
def test_everything_is_measured(tmp_path: Path) -> None:
    """A tiny run gives a figure for every section and a report of all; a file that is kept serves again, unchanged."""
    kept = tmp_path / "kept"
    results = index.measure(replace(TINY, keep=kept))
    sections = results["sections"]
    assert list(sections) == ["build", *index.SECTIONS]
    assert sections["build"]["figures"][-1]["documents"] == sections["size"]["figures"]["documents"] == 60
    assert sum(sections["size"]["figures"]["parts"].values()) == sections["size"]["figures"]["file"]
    assert sections["found"]["figures"]["right"][0] == 1.0
    assert sections["found"]["figures"]["recall"][0] > 0.5
    assert sections["peer"]["figures"]["recall"][0] > 0
    assert [one["members"] for one in sections["story"]["figures"]] == [3, 8]
    assert min(sections["memory"]["figures"]["resident"].values()) > 1e7
    machine = {"load_before": [0.0], "changed": False}
    about = {"date": "today", "commit": "none", "cpu": "one", "processors": 1, "memory": "some", "system": "any"}
    text = index.report({"machine": {**machine, **about, "python": "3"}, **results})
    assert all(f"## {name.capitalize()}" in text for name in sections)

    before = kept.read_bytes()
    again = index.measure(replace(TINY, keep=kept, sections=("single",)))
    assert again["sections"]["build"]["figures"] == []
    assert kept.read_bytes() == before
    with pytest.raises(InvalidArgumentError, match="keep must be a file of 80 documents of this seed"):
        index.measure(replace(TINY, documents=80, keep=kept, sections=("size",)))


def test_a_section_that_fails_leaves_the_others_standing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report says why it failed, and has what the others measured."""

    def broken(asked: index.Asked, place: index.Place) -> dict[str, object]:
        raise ValueError(f"no more than {asked.copies} in {place.small.name}")

    monkeypatch.setitem(index.SECTIONS, "story", broken)
    monkeypatch.setattr(index, "SECTIONS", {name: index.SECTIONS[name] for name in ("story", "size")})
    sections = index.measure(TINY)["sections"]
    assert "no more than 2 in small" in sections["story"]["failed"]
    assert sections["size"]["figures"]["documents"] == 60


def test_the_command_line_names_what_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """Options change the defaults or those of a quick run; a section that is not there is refused."""
    asked, written = index.asked_for(["--quick", "--documents", "5000", "--sections", "story,peer"])
    assert asked == replace(index.QUICK, documents=5000, sections=("story", "peer"))
    assert written is None
    with pytest.raises(SystemExit):
        index.asked_for(["--sections", "story,speed"])
    assert "Got speed." in capsys.readouterr().err
