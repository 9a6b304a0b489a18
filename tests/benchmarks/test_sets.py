"""Loaders of labelled sets: small invented files in the forms of the real ones."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import networkx as nx
import pyarrow as pa
import pyarrow.parquet
import sets
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write gzipped JSONL."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


def test_same_headlines_are_those_of_other_outlets(tmp_path: Path) -> None:
    """Pairs of one outlet and of empty texts are no labelled reprints; dates are publication dates."""
    rows = [
        {"id": name, "text": text, "source": source, "date": "2025-05-01", "title": "Wall falls"}
        for name, text, source in (("a", "x", "one"), ("b", "y", "two"), ("c", "z", "one"), ("d", " ", "three"))
    ]
    write(tmp_path / "saudinewsnet.jsonl.gz", rows)
    write(tmp_path / "saudinewsnet.title_pairs.jsonl.gz", [{"a": "a", "b": other} for other in "bcd"])
    scores = [{"a": "a", "b": "b", "jaccard": 0.49}, {"a": "a", "b": "c", "jaccard": 0.5}]
    write(tmp_path / "saudinewsnet.exact_pairs.jsonl.gz", scores)
    found = sets.saudinewsnet(tmp_path)
    assert [row["published"] for row in found.rows] == ["2025-05-01"] * 4
    assert [(group.linked, group.pairs) for group in found.groups] == [(True, [("a", "b")]), (True, [("a", "c")])]


def test_read_pairs_name_sets_and_labels_that_are_known() -> None:
    """Each pair that was read is of a known set, is there once for each way of drawing, and has a known label."""
    rows = [json.loads(line) for line in sets.READ.read_text(encoding="utf-8").splitlines()]
    assert {row["set"] for row in rows} <= set(sets.SETS)
    assert {row["label"] for row in rows} <= {"reprint", "version", "template", "furniture", "overlap", "other"}
    assert len({(row["set"], row["a"], row["b"], row.get("drawn")) for row in rows}) == len(rows)
    assert all(set(row) - {"drawn"} == {"set", "a", "b", "label"} for row in rows)


def test_news_copy_reads_both_forms(tmp_path: Path) -> None:
    """A table with clusters and the published folder with pairs give the same stories."""
    texts = ["one", "two", "three"]
    table = pa.table({"article": texts, "cluster": [7, 7, 8]})
    pyarrow.parquet.write_table(table, tmp_path / "test.parquet")
    data = {name: {"article": text} for name, text in zip("abc", texts, strict=True)}
    (tmp_path / "test_inf_data.json").write_text(json.dumps(data), encoding="utf-8")
    (tmp_path / "full_test_gt.json").write_text(json.dumps([["a", "b"]]), encoding="utf-8")
    for found in (sets.news_copy(tmp_path / "test.parquet"), sets.news_copy(tmp_path)):
        assert [row["text"] for row in found.rows] == texts
        one, two, three = (found.stories[row["id"]] for row in found.rows)
        assert one == two != three


def test_core_reads_labelled_duplicates(tmp_path: Path) -> None:
    """Title and abstract are the text; duplicates that are not in the file are left out."""
    rows = [
        {"core_id": number, "processed_title": "t", "processed_abstract": str(number), "labelled_duplicates": others}
        for number, others in ((1, ["2"]), (2, [1]), (3, ["99"]), (4, None))
    ]
    write(tmp_path / "core.jsonl.gz", rows)
    found = sets.core(tmp_path / "core.jsonl.gz")
    assert [row["text"] for row in found.rows] == ["t 1", "t 2", "t 3", "t 4"]
    assert found.stories["1"] == found.stories["2"]
    assert len(set(found.stories.values())) == 3


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_components_are_those_of_networkx(links: list[tuple[int, int]]) -> None:
    """Linked names share a story, named after the first of them; others do not."""
    names = [str(number) for number in range(10)]
    graph = nx.Graph()
    graph.add_nodes_from(names)
    graph.add_edges_from((str(a), str(b)) for a, b in links)
    expected = {name: min(part) for part in nx.connected_components(graph) for name in part}
    assert sets.components(names, links) == expected
