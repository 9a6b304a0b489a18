"""Verification: exact scores from Python sets, and the link rule as the design says it."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Config
from dedup.kernels import native
from dedup.kernels.parallel import Pool
from dedup.matching import verify as module
from dedup.matching.candidates import Candidates, all_pairs
from dedup.matching.verify import UNRELATED, Pairs, relate, verify, verify_two
from dedup.model import LINKS, RELATIONS
from dedup.scratch import Strings
from oracle import link, shingles
from strategies import configs, sentences

if TYPE_CHECKING:
    from numpy.typing import NDArray

texts_of_any_kind = st.lists(st.one_of(sentences(), st.text(min_size=1)).filter(native.tokens), max_size=7)


def verified(texts: list[str], config: Config, candidates: Candidates | None = None) -> Pairs:
    """Verify pairs of texts, all of them unless told which."""
    with Pool(config.threads) as pool:
        chosen = all_pairs(len(texts)) if candidates is None else candidates
        return verify(Strings(texts).take, room(texts, config), chosen, config, pool, lambda _pairs: None)


def room(texts: list[str], config: Config) -> NDArray[np.uint32]:
    """Return how many shingles each text has at most."""
    return native.sketch(native.Texts.from_strings(texts), config).shingles


def names(pairs: Pairs) -> list[str | None]:
    """Return the relations by name."""
    return [None if code == UNRELATED else RELATIONS[code] for code in pairs.relation.tolist()]


@given(texts_of_any_kind, configs())
def test_scores_equal_those_of_python_sets(texts: list[str], config: Config) -> None:
    """Sizes, intersection, Jaccard and both containments are those of the readable twin's shingle sets."""
    pairs = verified(texts, config)
    sets = [shingles(text, config.shingle_size, config.seed) for text in texts]
    both = list(combinations(sets, 2))
    assert list(combinations(range(len(texts)), 2)) == list(zip(pairs.left, pairs.right, strict=True))
    assert [len(a & b) for a, b in both] == pairs.shared.tolist()
    assert [len(a) for a, _ in both] == pairs.left_size.tolist()
    assert [len(b) for _, b in both] == pairs.right_size.tolist()
    assert [len(a & b) / len(a | b) for a, b in both] == pairs.jaccard.tolist()
    assert [len(a & b) / len(a) for a, b in both] == pairs.containment_left.tolist()
    assert [len(a & b) / len(b) for a, b in both] == pairs.containment_right.tolist()
    assert len(both) == len(pairs)


@given(texts_of_any_kind, configs())
def test_relations_equal_the_link_rule(texts: list[str], config: Config) -> None:
    """Each relation is the one of the plain rule; texts that fold to the same are no pairs here."""
    pairs = verified(texts, config)
    for (left, right), relation in zip(combinations(texts, 2), names(pairs), strict=True):
        expected = link(left, right, config)[0]
        assert relation == ("duplicate" if expected == "exact" else expected)


@pytest.mark.parametrize(
    ("left", "right", "shared", "expected"),
    [
        (100, 100, 67, "duplicate"),  # 67 / 133, just above a half
        (100, 100, 66, "excerpt"),  # 66 / 134, and 0.66 of the smaller
        (100, 100, 55, "excerpt"),
        (100, 100, 54, "overlap"),
        (100, 100, 25, "overlap"),
        (100, 100, 24, None),
        (40, 400, 22, "excerpt"),
        (400, 40, 22, "excerpt"),
        (30, 400, 30, "excerpt"),
        (29, 400, 29, None),  # too short to mean something
        (39, 78, 39, "duplicate"),
        (1, 1, 0, None),
    ],
)
def test_limits_of_the_default_rule(left: int, right: int, shared: int, expected: str | None) -> None:
    """Every limit of the rule is part of what it allows, and duplicate comes before excerpt before overlap."""
    pairs = pair(left, right, shared)
    assert [expected] == names(pairs.related(Config()))
    assert np.dtype(np.uint8) == relate(pairs, Config()).dtype
    # A form is one only where there is something to it; a passage adds to what is related, and changes nothing else.
    assert names(pair(left, right, shared, is_form=True).related(Config())) == ["template" if expected else None]
    assert names(pair(left, right, shared, passage=39).related(Config())) == [expected]
    assert names(pair(left, right, shared, passage=40).related(Config())) == [expected or "overlap"]


def pair(left: int, right: int, shared: int, *, passage: int = 0, is_form: bool = False) -> Pairs:
    """Return one pair of sets of so many shingles."""
    zero, one, both, first, second, longest = (
        np.array([value], np.int64) for value in (0, 1, shared, left, right, passage)
    )
    return Pairs(zero, one, both, first, second, longest, np.array([is_form]), np.array([UNRELATED], np.uint8))


@pytest.mark.parametrize("most", [1, 5, 37, 10**9])
def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """However few shingles may be in memory at once, scores are the same."""
    texts = [" ".join(f"w{(start * step) % 23}" for step in range(1, 5 + start)) for start in range(1, 14)]
    config = Config(shingle_size=2, threads=3, min_excerpt=3)
    expected = verified(texts, config)
    monkeypatch.setattr(module, "_CHUNK_SHINGLES", most)
    told: list[int] = []
    with Pool(config.threads) as pool:
        pairs = verify(Strings(texts).take, room(texts, config), all_pairs(len(texts)), config, pool, told.append)
    for name in ("left", "right", "shared", "left_size", "right_size", "passage", "is_form", "relation"):
        assert np.array_equal(getattr(expected, name), getattr(pairs, name))
    assert len(pairs) == sum(told)
    assert (len(told) > 1) == (most < 100)


@given(texts_of_any_kind, st.data())
def test_only_the_candidates_are_compared(texts: list[str], data: st.DataObject) -> None:
    """Any ascending choice of pairs gives just those pairs, with the scores that they have among all."""
    every = verified(texts, Config())
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(every), max_size=len(every))), bool)
    some = verified(
        texts, Config(), Candidates(every.left[chosen], every.right[chosen], np.zeros(len(texts), np.bool_))
    )
    expected = every.where(chosen)
    for name in ("left", "right", "shared", "left_size", "right_size", "passage", "is_form", "relation"):
        assert np.array_equal(getattr(expected, name), getattr(some, name))


def test_no_candidate_no_pair() -> None:
    """Without candidates there is nothing to verify."""
    none = np.empty(0, np.int64)
    assert len(verified(["a b c", "d e f"], Config(), Candidates(none, none, np.zeros(2, np.bool_)))) == 0
    assert len(verified([], Config())) == 0


def test_links_are_the_first_relations() -> None:
    """What puts two texts into one cluster comes before what does not, so that codes compare."""
    assert RELATIONS[: len(LINKS)] == LINKS
    assert RELATIONS == ("exact", "duplicate", "version", "excerpt", "roundup", "template", "overlap")


def relation(left: str, right: str, **settings: Any) -> str | None:
    """Return how two texts stand to each other."""
    code = int(verify_two(left, right, Config(**settings)).relation[0])
    return RELATIONS[code] if code < UNRELATED else None


NOTICE = (
    "The board of {} said it will pay a dividend of {} cents a share on {} to holders of record as of {} of this year"
)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (("the mill", "12", "3 March", "9 May"), ("the mill", "14", "5 March", "9 May"), "template"),
        (("the mill", "12", "March", "May"), ("the mill", "12.5", "March", "May"), "duplicate"),
        (("Aldmark Mills", "12", "March", "May"), ("Pelwick Foundry", "12", "March", "May"), "template"),
        (("Aldmark Mills", "ten", "March", "May"), ("Aldmark", "ten", "March", "May"), "duplicate"),
        (("the mill", "1,200", "3 March", "9 May"), ("the mill", "1200", "3 March", "9 May"), "duplicate"),
        (("the mill", "12", "3 March", "9 May"), ("the mill", "12", "March 3", "May 9"), "duplicate"),
        (("the mill", "w12", "March", "May"), ("the mill", "w13", "March", "May"), "duplicate"),
    ],
)
def test_a_form_has_other_facts(left: tuple[str, ...], right: tuple[str, ...], expected: str) -> None:
    """Other numbers or names at the same places make a form; written otherwise, moved or left out, they do not."""
    assert relation(NOTICE.format(*left), NOTICE.format(*right)) == expected


@pytest.mark.parametrize(
    ("changed", "expected"), [(0, "duplicate"), (1, "duplicate"), (2, "template"), (4, "template")]
)
def test_a_long_form_needs_more_facts(changed: int, expected: str) -> None:
    """In a text of two hundred words one other number is a correction, and two are a form."""
    left, right = spelled("w", 200), spelled("w", 200)
    for place in range(changed):
        left[40 * place + 20], right[40 * place + 20] = str(100 + place), str(300 + place)
    assert relation(" ".join([*left, *spelled("less", 30)]), " ".join([*right, *spelled("more", 30)])) == expected


@pytest.mark.parametrize("more", [0, 30, 150])
def test_what_is_nearly_all_in_the_other_is_corrected(more: int) -> None:
    """A text that another holds but for some numbers is an earlier form of it, and no form, however much it grew."""
    left, right = spelled("w", 300), spelled("w", 300)
    for place in range(3):
        left[100 * place + 20], right[100 * place + 20] = str(100 + place), str(300 + place)
    assert relation(" ".join(left), " ".join([*right, *spelled("more", more)])) == "duplicate"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("at 17:00 on Monday", "at 5 p.m. on Monday"),
        ("on 3 May 2025 at noon", "on 03.05.2025 at noon"),
        ("for 1.96 million crowns", "for 2 million crowns"),
        ("by 1,200 people", "by 1200 people"),
    ],
)
def test_numbers_written_otherwise_are_no_facts(left: str, right: str) -> None:
    """A time, a date or a sum in another notation has more or fewer numbers, or the same digits."""
    before, after = " ".join(spelled("w", 12)), " ".join(spelled("more", 12))
    assert relation(f"{before} {left} {after}", f"{before} {right} {after}") == "duplicate"
    assert relation(f"{before} at 17 {after}", f"{before} at 19 {after}") == "template"


def spelled(name: str, count: int) -> list[str]:
    """Return different words without a digit."""
    return [f"{name}{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(count)]


@pytest.mark.parametrize(("words", "expected"), [(39, None), (40, "overlap"), (60, "overlap")])
def test_a_passage_is_an_overlap(words: int, expected: str | None) -> None:
    """Forty words in a row make an overlap of texts of any length, wherever they stand; `min_passage` moves that."""
    left, right, shared = (spelled(name, 400) for name in "xyz")
    one = " ".join([*left[:100], *shared[:words], *left[100:]])
    other = " ".join([*right[:300], *shared[:words], *right[300:]])
    assert relation(one, other) == relation(other, one) == expected
    assert relation(one, other, min_passage=words) == "overlap"
    assert relation(one, other, min_passage=words + 1) is None


def test_a_passage_that_stands_twice_or_elsewhere() -> None:
    """A quote that a text repeats is a passage, and so is one that stands out of order."""
    left, right, quote = spelled("x", 400), spelled("y", 400), spelled("q", 60)
    once = " ".join([*left[:100], *quote, *left[100:]])
    assert relation(once, " ".join([*right[:50], *quote, *right[50:250], *quote, *right[250:]])) == "overlap"
    phrases = [word for number in range(0, 120, 4) for word in left[number : number + 4]]
    mixed = [word for number in range(0, 120, 4) for word in [*left[number : number + 4], right[number]]]
    assert (
        relation(" ".join([*phrases, *quote, *left[150:400]]), " ".join([*quote, *mixed, *right[150:400]])) == "overlap"
    )
