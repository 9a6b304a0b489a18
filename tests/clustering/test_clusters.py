"""Clusters: the definition followed literally, networkx, and the contract."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.clustering.clusters import cluster

if TYPE_CHECKING:
    import random

    from dedup.config import Linkage

#: A number of documents, and links with scores, each pair once.
Graph = tuple[int, dict[tuple[int, int], float]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw link graphs of up to 14 documents, with ties among the scores."""
    count = draw(st.integers(0, 14))
    if count < 2:
        return count, {}
    pair = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda ends: ends[0] < ends[1])
    return count, draw(st.dictionaries(pair, st.sampled_from([0.1, 0.5, 0.6, 1.0]), max_size=30))


def labels(graph: Graph, linkage: Linkage) -> list[int]:
    """Cluster a graph."""
    count, links = graph
    ends = np.array(list(links), np.int64).reshape(-1, 2)
    scores = np.array(list(links.values()), np.float64)
    left, right = np.ascontiguousarray(ends[:, 0]), np.ascontiguousarray(ends[:, 1])
    found: list[int] = cluster(count, left, right, scores, linkage).tolist()
    return found


def both_ways(links: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Return the links, from each of their ends."""
    return links | {(right, left): score for (left, right), score in links.items()}


@given(graphs())
@example((3, {(0, 1): 0.5, (1, 2): 0.6}))
@example((3, {(0, 2): 0.5, (1, 2): 0.5}))
def test_canonicals_equal_the_definition(graph: Graph) -> None:
    """In keep order, what is linked to no canonical so far becomes one; others join the one they resemble most."""
    count, links = graph
    scores = both_ways(links)
    kept: list[int] = []
    for document in range(count):
        if not any((document, other) in scores for other in kept):
            kept.append(document)
    expected = []
    for document in range(count):
        linked = {other: scores[document, other] for other in kept if (document, other) in scores}
        # max takes the first of equals, and `kept` is in keep order.
        expected.append(document if document in kept else max(linked, key=linked.__getitem__))
    assert expected == labels(graph, "canonical")


@given(graphs())
def test_contract(graph: Graph) -> None:
    """Each member is linked to its canonical; canonicals are not linked to each other; each other one is a member."""
    found = labels(graph, "canonical")
    links = both_ways(graph[1])
    canonicals = {document for document, root in enumerate(found) if root == document}
    assert set(found) == canonicals
    for document, root in enumerate(found):
        assert document == root or (document, root) in links
    assert not any(left in canonicals and right in canonicals for left, right in links)


@given(graphs())
def test_components_equal_networkx(graph: Graph) -> None:
    """Each document gets the smallest number of its connected component."""
    count, links = graph
    peer = nx.Graph()
    peer.add_nodes_from(range(count))
    peer.add_edges_from(links)
    expected = {document: min(component) for component in nx.connected_components(peer) for document in component}
    assert [expected[document] for document in range(count)] == labels(graph, "components")


@given(graphs(), st.randoms(use_true_random=False), st.sampled_from(["canonical", "components"]))
def test_order_and_direction_of_links_change_nothing(graph: Graph, chance: random.Random, linkage: Linkage) -> None:
    """Links in any order, from either end, give the same clusters."""
    count, links = graph
    shuffled = list(links.items())
    chance.shuffle(shuffled)
    turned = {(ends[::-1] if number % 2 else ends): score for number, (ends, score) in enumerate(shuffled)}
    assert labels(graph, linkage) == labels((count, turned), linkage)


@given(graphs())
def test_canonical_clusters_refine_components(graph: Graph) -> None:
    """A cluster never reaches beyond a component."""
    components = labels(graph, "components")
    for document, root in enumerate(labels(graph, "canonical")):
        assert components[document] == components[root]


@pytest.mark.parametrize("linkage", ["canonical", "components"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_without_links_everyone_is_alone(linkage: Linkage, count: int) -> None:
    """No link, no cluster of two; no document, no cluster."""
    assert list(range(count)) == labels((count, {}), linkage)


@pytest.mark.parametrize("step", [1, -1, 7])
def test_long_chain_is_one_component(step: int) -> None:
    """A chain of a thousand documents is one component, however its numbers run along it."""
    count = 1009
    chain = [number * step % count for number in range(count)]
    links = dict.fromkeys(pairwise(chain), 0.5)
    assert [0] * count == labels((count, links), "components")


def test_bridge_does_not_join_two_clusters() -> None:
    """A text between two stories joins the one it resembles most, and the other story stays on its own."""
    assert labels((3, {(0, 2): 0.5, (1, 2): 0.6}), "canonical") == [0, 1, 1]
    assert labels((3, {(0, 2): 0.5, (1, 2): 0.6}), "components") == [0, 0, 0]
