"""Floors: quality on generated reprints of invented English, which may rise and must not fall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import corpus
import pytest
import reprints

from dedup import deduplicate
from dedup.evaluation import LabelledPair, evaluate, evaluate_pairs

if TYPE_CHECKING:
    from dedup.evaluation import PairEvaluation

FIELDS = ("id", "text", "source", "published", "title")
#: Share of the reprints by one operator alone that join their original.
RECALL = 0.98
#: Share of the hard negatives that are linked by mistake. Briefs with one house block wait for learned furniture, texts
#: of one form with other facts for the relation `template`: invented English has no names to change.
MISTAKES = {"follow-up": 0.0, "roundup": 0.01, "brief": 0.05, "template": 0.95}


def articles() -> list[dict[str, str]]:
    """Return invented articles of 120 to 550 words."""
    texts = [text for size in (800, 1600, 2800) for text in corpus.english(150, size, seed=size)]
    return [{"id": f"a{number}", "text": text} for number, text in enumerate(texts)]


def scored(made: reprints.Reprints) -> tuple[float, PairEvaluation]:
    """Return F1 of all pairs, and the scores of the labelled ones."""
    result = deduplicate([{name: getattr(document, name) for name in FIELDS} for document in made.documents])
    pairs = [
        LabelledPair(
            pair.left, pair.right, pair.linked, pair.relation, pair.operators if len(pair.operators) == 1 else ()
        )
        for pair in made.pairs
    ]
    stories = {document.id: document.story for document in made.documents}
    return evaluate(stories, result, resamples=1).f1.value, evaluate_pairs(pairs, result, resamples=1)


@pytest.mark.seconds
@pytest.mark.parametrize(("strength", "floor"), [("light", 0.99), ("normal", 0.98), ("heavy", 0.88)])
def test_f1_of_mixed_operators(strength: str, floor: float) -> None:
    """Pairs of stories and clusters agree, at every strength, and hard negatives stay apart."""
    f1, pairs = scored(reprints.generate(articles(), seed=3, strength=strength))
    assert f1 >= floor
    if strength == "normal":
        mistakes = {score.name: score.share.value for score in pairs.by_relation if not score.linked}
        assert mistakes.keys() == MISTAKES.keys()
        assert all(mistakes[name] <= most for name, most in MISTAKES.items()), mistakes


@pytest.mark.seconds
def test_recall_of_each_operator() -> None:
    """A reprint by one operator joins its original, whichever operator it is."""
    _, pairs = scored(reprints.generate(articles(), seed=3, mode="each", pairs_per_operator=40))
    recall = {score.name: score.share.value for score in pairs.by_edit if score.linked}
    # Roundups belong to no story.
    assert recall.keys() == reprints.OPERATORS.keys() - {"roundup"}
    assert min(recall.values()) >= RECALL, recall
