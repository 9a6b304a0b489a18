"""The benchmark of scale: what it scores, fits and predicts, and a whole run of it on a small corpus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import articles
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scale
from hypothesis import given
from hypothesis import strategies as st

from dedup.engines.cost import measured
from dedup.engines.local import STAGES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of 300 articles."""
    folder = tmp_path_factory.mktemp("corpora") / "small"
    articles.write(articles.Asked(documents=300, least=400, most=700), folder, processes=1)
    return folder


def planted(folder: Path, stories: list[int], pairs: list[tuple[int, int, float]]) -> Path:
    """Write what a corpus says of its documents."""
    pq.write_table(pa.table({"story": pa.array(stories, pa.int64())}), folder / "truth.parquet")
    left, right, jaccard = zip(*pairs, strict=True)
    names = {side: [f"a{number:07}" for number in numbers] for side, numbers in (("left", left), ("right", right))}
    pq.write_table(pa.table({**names, "jaccard": jaccard}), folder / "pairs.parquet")
    return folder


def test_scores(tmp_path: Path) -> None:
    """Recall is of pairs at the threshold, precision of dropped documents; a bridge is a cluster of two stories."""
    folder = planted(tmp_path, [0, 0, 0, 1, 1, 2], [(0, 1, 0.9), (0, 2, 0.6), (3, 4, 0.5), (0, 2, 0.2)])
    found = scale.scores(np.array([0, 0, 2, 3, 3, 3]), folder)
    assert (found["pairs"], found["recall"][0]) == (3, 2 / 3)
    assert (found["precision"], found["wrong"], found["bridges"]) == (2 / 3, 1, 1)
    perfect = scale.scores(np.array([0, 0, 0, 3, 3, 5]), folder)
    assert (perfect["recall"][0], perfect["precision"], perfect["bridges"]) == (1.0, 1.0, 0)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=30))
def test_a_peer_keeps_the_most_common_story(rows: list[tuple[int, int]]) -> None:
    """Each document is represented by one of its cluster, of the story that most of the cluster is of."""
    labels, stories = (np.array(values) for values in zip(*rows, strict=True))
    kept = scale._kept_of(labels, stories)
    assert (labels[kept] == labels).all()
    for label in set(labels.tolist()):
        of_cluster = stories[labels == label].tolist()
        most = max(map(of_cluster.count, of_cluster))
        chosen = set(kept[labels == label].tolist())
        assert len(chosen) == 1
        assert of_cluster.count(stories[chosen.pop()]) == most


@given(st.lists(st.floats(0.1, 100), min_size=3, max_size=3), st.data())
def test_fit_finds_the_costs(costs: list[float], data: st.DataObject) -> None:
    """What was made of costs is predicted as it was, and no cost is negative."""
    names = ("run", "documents", "kilobytes")
    sizes = st.tuples(st.integers(1, 1000), st.integers(1, 1000))
    rows = [
        {"run": 1.0, "documents": float(a), "kilobytes": float(b)} for a, b in data.draw(st.lists(sizes, min_size=3))
    ]
    values = [sum(cost * row[name] for cost, name in zip(costs, names, strict=True)) for row in rows]
    found = scale.fit(rows, names, values)
    assert min(found.values()) >= 0
    assert [sum(cost * row[name] for name, cost in found.items()) for row in rows] == pytest.approx(values, rel=1e-4)


def test_serial_share() -> None:
    """It is 0 where all threads worked, 1 where one did; on a busy machine that of the thread that hands out work."""

    def serial(seconds: float) -> float:
        return scale._serial([{"seconds": seconds, "cpu": 10, "alone": 3}], 2)

    assert [serial(seconds) for seconds in (5, 7.5, 10, 30)] == [0, 0.5, 1, 0.3]


def test_names_of_corpora() -> None:
    """The name of a corpus says how many documents it has."""
    assert [scale.name_of(size) for size in scale.SIZES] == ["10k", "100k", "1m", "10m"]


def test_an_unfinished_corpus_is_not_used(tmp_path: Path) -> None:
    """A corpus without its truth is still being made, or never was finished."""
    (tmp_path / "10k" / "articles").mkdir(parents=True)
    (tmp_path / "10k" / "articles" / "part-00000.parquet").touch()
    with pytest.raises(FileExistsError, match="not complete"):
        scale._corpus(tmp_path, "10k", 10_000, scale.BYTES)


def test_a_wrong_score_is_seen(tmp_path: Path) -> None:
    """A reported pair is right only with the exact scores of texts that are lines of the articles."""
    (tmp_path / "articles").mkdir()
    story, line = "one two three four five six seven", "The Gazette is read by many here"
    given = pa.table({"id": ["a", "b"], "text": [story, f"{story}\n{line}"]})
    pq.write_table(given, tmp_path / "articles" / "part.parquet")

    def right(left: str, right: str, jaccard: float = 1.0) -> int:
        scores = {name: [jaccard] for name in ("jaccard", "containment_left", "containment_right")}
        pq.write_table(pa.table({"left": ["a"], "right": ["b"], **scores}), tmp_path / "pairs.parquet")
        found = scale.checked(tmp_path, tmp_path, lambda ids: dict(zip(ids, (left, right), strict=True)))
        assert found["checked"] == 1
        return int(found["right"])

    assert right(story, story) == 1
    assert right(story, story, 0.99) == 0
    assert right(story, f"{story}\n{line}") == 0
    assert right("seven six five four", "seven six five four") == 0


def test_pairs_of_copies_and_of_the_story() -> None:
    """What a copy is compared in is told from what the large story takes, by corpora with and without it."""
    sizes = [(10_000, 500), (100_000, 5000), (100_000, 0)]
    runs = [
        {
            "documents": documents,
            "duplicates": 0.3,
            "largest": largest,
            "summary": {"candidate_pairs": 2 * (0.3 * documents - largest) + 3 * largest**1.2},
        }
        for documents, largest in sizes
    ]
    found = scale._pairs(runs)
    assert found == pytest.approx({"copies": 2.0, "largest": 3.0, "power": 1.2})


@pytest.mark.slow
def test_whole_run(corpus: Path) -> None:
    """A run is measured stage by stage, scored, checked and expected; constants and report follow from it."""
    run = scale.measure(corpus, "local", 1, "2GB")
    assert set(run["stages"]) == set(STAGES)
    assert all(stage["memory"] > 0 for stage in run["stages"].values())
    assert (run["documents"], run["precision"], run["bridges"]) == (300, 1.0, 0)
    assert run["recall"][0] > 0.99
    assert run["right"] == run["checked"] > 20
    assert run["expected"]["seconds"] > 0
    about = {name: measured()["machine"][name] for name in measured()["machine"]}
    made = scale.constants({"local": [run]}, about)
    assert set(made) == set(measured())
    assert set(made["engines"]["local"]["stages"]) == set(STAGES)
    machine = {**about, "changed": False, "system": "", "load_before": [0.0]}
    results = {"machine": machine, "runs": {"local": {300: run}}, "peers": {300: {"x": {"failed": "why"}}}}
    report = scale.report({**results, "plotted": False, "failed": {"spark, 300 documents": "no Java"}})
    assert "| local, 300: recall" in report
    assert "| x " in report
    assert "- Failed: spark, 300 documents: no Java" in report
    json.dumps(made)
