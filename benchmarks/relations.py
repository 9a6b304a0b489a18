"""How well each relation is found: labelled pairs and pages made of real news, scored from one run over all of them.

    python benchmarks/relations.py                            # three sets of news, or generated English without them
    python benchmarks/relations.py --articles articles.jsonl.gz --pairs 60

Every story is used once: what is made of it is its family, and a pair of one family has a label: the relations that
are right. It follows from how the pair was made and from its exact scores, plain Python sets of the tokens of the
readable twin, never from the answer of the library. Articles of the same sets stand around as they are.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import accumulate, chain, cycle, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import corpus as generated
import harness
import numpy as np
from reprints import (
    _CORE,
    _UNIT,
    _UNSPACED,
    OPERATORS,
    OUTLETS,
    _breaks,
    _first_printed,
    _gather,
    _insert,
    _Page,
    _read_articles,
    _Setting,
    _unlike,
    count_words,
    sentences,
    split_words,
)
from run import RESULTS, machine

import boilerplate
import dedup
from dedup import _validate, prepare, stages
from dedup.config import Config
from dedup.errors import DedupError, InvalidArgumentError
from dedup.kernels.reference import _marked_tokens
from dedup.model import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from reprints import Parts, _Article, _Material

    from dedup.config import Cleaning
    from dedup.kernels.native import Texts

#: Files of `articles/`: English with sources and dates, Arabic reprints, and Japanese, which has no spaces.
SETS = ("allsides", "saudinewsnet", "livedoor_ja")
#: Articles that stand around as they are, at least.
BACKGROUND = 3000
#: Share of the usable articles whose words are what others add.
MATERIAL = 0.1
#: Cuts leave about so many words at least.
LEAST = 60
#: A version has a Jaccard similarity above this.
VERSION = 0.5
#: The relations of texts that belong into one cluster.
LINKED = frozenset(["exact", "duplicate", "version", "excerpt"])
#: Cleaning moves scores a little: so near to a limit the relations of both sides are right.
MARGIN = 0.01

#: What is asked: figure -> limit, and whether it is the most that is allowed.
ASKED: dict[str, tuple[float, bool]] = {
    "reprint of 60 words or more, .8 or more of it in the original: linked": (0.97, False),
    "the same: in the cluster of its story": (0.97, False),
    "story on a page of 2 to 10 whole stories: roundup": (0.97, False),
    "pages of 2 to 10 stories, whole or cut, that join no story": (1.0, False),
    "words of whole stories on pages: given to the right story": (0.95, False),
    "reprint with .6 to .7 of it in the original: linked": (0.95, False),
    "notices of one form, other facts: not in one cluster": (0.95, False),
    "whole run by the run without the containment path, cleaned": (2.0, True),
    "whole run by the run without the containment path, not cleaned": (2.0, True),
}


@dataclass(frozen=True, slots=True)
class Story:
    """An article of which a family is made.

    Args:
        id: The name of its set, a stroke, and its id there.
        text: The text.
        title: The title.
        source: Its outlet, an invented one where none is known.
        published: When; on a day of our own choice where none is known.
    """

    id: str
    text: str
    title: str
    source: str
    published: datetime

    @property
    def parts(self) -> Parts:
        """The sentences, all of them the story's."""
        return [(text, True) for text in sentences(self.text)]


@dataclass(frozen=True, slots=True)
class Text:
    """A document of a family.

    Args:
        id: Unique.
        text: The text.
        own: The text without what the outlet put around it.
        source: The outlet.
        published: When.
        title: The title.
        stretches: Of a page, (start, end, id) of each story: characters, half open, in order.
    """

    id: str
    text: str
    own: str
    source: str
    published: datetime
    title: str
    stretches: tuple[tuple[int, int, str], ...] = ()

    @property
    def row(self) -> dict[str, str]:
        """The record that is given to the library."""
        published = self.published.isoformat()
        return {"id": self.id, "text": self.text, "source": self.source, "published": published, "title": self.title}


@dataclass(frozen=True, slots=True)
class Truth:
    """The exact scores of two texts.

    Args:
        equal: Whether both have the same tokens.
        jaccard: Of the two sets of shingles.
        containment: Share of the smaller set that the larger has.
        smaller: Size of the smaller set.
        run: Whether the two share a passage that makes an overlap; False where their containment makes one.
    """

    equal: bool
    jaccard: float
    containment: float
    smaller: int
    run: bool


@dataclass(frozen=True, slots=True)
class Labelled:
    """A pair of one family, or two stories that have nothing to do with each other.

    Args:
        kind: How it was made, a key of `KINDS`, or "unrelated".
        amount: Of what; see `Kind.unit`.
        set: Where the story is from.
        family: The id of the text that was made; pairs of one page share it.
        left: Id of one text.
        right: Id of the other.
        words: Of the shorter one.
        jaccard: See `Truth`.
        containment: See `Truth`.
        relations: The relations that are right; None among them when no relation is.
        together: Whether the two belong into one cluster; None where the label allows both.
    """

    kind: str
    amount: float
    set: str
    family: str
    left: str
    right: str
    words: int
    jaccard: float
    containment: float
    relations: frozenset[str | None]
    together: bool | None


@dataclass(frozen=True, slots=True)
class Made:
    """Families of texts, the articles around them, and the labels."""

    rows: list[dict[str, Any]]
    pairs: list[Labelled]
    pages: list[tuple[str, float, Text]]
    family_of: dict[str, str]


@dataclass(frozen=True, slots=True)
class Desk:
    """Who makes texts, and of what.

    Args:
        page: What the operators of reprints.py know: chance, outlet, time and words to add.
        foreign: Sentences of other articles, each given once as long as there are some.
    """

    page: _Page
    foreign: Iterator[str]

    def passage(self, words: int) -> str:
        """Return so many words in a row of another article; a character of a script without spaces is half a word."""
        found: list[str] = []
        count = 0.0
        while count < words:
            for unit in split_words(next(self.foreign)):
                if count < words:
                    found.append(unit)
                    count += sum(0.5 if unspaced else 1.0 for _, unspaced in marked_tokens(unit))
        return "".join(found).strip()


# Texts that are made of stories


def _original(story: Story) -> Text:
    return Text(story.id, story.text, story.text, story.source, story.published, story.title)


def _text(name: str, parts: Parts, page: _Page) -> Text:
    whole, own = "".join(text for text, _ in parts), "".join(text for text, is_own in parts if is_own)
    return Text(name, whole.rstrip(), own.rstrip(), page.outlet, page.published, page.title)


def _reprint(
    change: Callable[[Parts, float, Desk], Parts], stories: Sequence[Story], amount: float, desk: Desk
) -> list[Text]:
    story = stories[0]
    return [_original(story), _text(f"{story.id}.copy", change(story.parts, amount, desk), desk.page)]


def _apply(name: str, parts: Parts, amount: float, desk: Desk) -> Parts:
    return OPERATORS[name].apply(parts, amount, desk.page)


def _cut_and_edited(parts: Parts, amount: float, desk: Desk) -> Parts:
    """Half of the text goes; a share of the words of the rest is edited."""
    return _apply("word-edits", _apply("cut-tail", parts, 0.5, desk), amount, desk)


def _furnished(parts: Parts, amount: float, desk: Desk) -> Parts:
    parts = _apply("excerpt", parts, amount, desk)
    for name, much in (("caption", 25), ("headline", 2), ("house-block", 60)):
        parts = _apply(name, parts, much, desk)
    return parts


def _with_paragraphs(parts: Parts, words: Iterable[int], desk: Desk) -> Parts:
    """Insert paragraphs of other articles of so many words between paragraphs; they are text, not furniture."""
    for count in words:
        place = desk.page.chance.choice([*_breaks(parts), len(parts)])
        parts = _insert(parts, place, desk.passage(count), own=True)
    return parts


def _blended(parts: Parts, amount: float, desk: Desk) -> Parts:
    """Half of the text, and so much of other text that the given share of the whole is the story's."""
    parts = _apply("excerpt", parts, 0.5, desk)
    words = sum(count_words(text) for text, _ in parts)
    return _with_paragraphs(parts, [math.ceil(words * (1 - amount) / amount)], desk)


def _paragraphs(parts: Parts) -> list[Parts]:
    """Group sentences to paragraphs of at least 40 words."""
    groups: list[Parts] = [[]]
    for part in parts:
        if sum(count_words(text) for text, _ in groups[-1]) >= 40:
            groups.append([])
        groups[-1].append(part)
    return groups


def _grown(stories: Sequence[Story], amount: float, desk: Desk) -> list[Text]:
    """The whole story comes hours after a text that lacks some of its paragraphs, never the first."""
    story, chance = stories[0], desk.page.chance
    groups = _paragraphs(story.parts)
    missing = set(chance.sample(range(1, len(groups)), min(int(amount), len(groups) - 1)))
    early = list(chain.from_iterable(group for at, group in enumerate(groups) if at not in missing))
    late = replace(_original(story), published=story.published + timedelta(hours=chance.randint(1, 12)))
    return [late, _text(f"{story.id}.early", early, replace(desk.page, outlet=story.source, published=story.published))]


def _corrected(stories: Sequence[Story], amount: float, desk: Desk) -> list[Text]:
    """Hours later, some numbers are others; some words where a text has too few numbers."""
    story, chance = stories[0], desk.page.chance
    found = list(_CORE.finditer(story.text))
    places = sorted(range(len(found)), key=lambda at: (not found[at][0].isdigit(), chance.random()))
    changed = {found[at].start(): _other(found[at][0], desk) for at in places[: int(amount)]}
    text = _CORE.sub(lambda core: changed.get(core.start(), core[0]), story.text)
    published = story.published + timedelta(hours=chance.randint(1, 12))
    page = replace(desk.page, outlet=story.source, published=published)
    return [_original(story), _text(f"{story.id}.corrected", [(text, True)], page)]


def _inserted(stories: Sequence[Story], amount: float, desk: Desk) -> list[Text]:
    """Another outlet prints the story within the half hour, before or after, with paragraphs of its own."""
    minutes = desk.page.chance.choice((-30, -10, 10, 30))
    page = replace(desk.page, published=stories[0].published + timedelta(minutes=minutes))
    parts = _with_paragraphs(stories[0].parts, [LEAST] * int(amount), desk)
    return [_original(stories[0]), _text(f"{stories[0].id}.inserted", parts, page)]


def _other(word: str, desk: Desk) -> str:
    """Return another number, name or word for one."""
    chance, material = desk.page.chance, desk.page.setting.material
    if word.isdigit():
        digits = [digit for digit in "123456789" if digit != word[-1]]
        return word[:-1] + chance.choice(digits)
    names = material.names if word[0].isupper() else material.words
    return chance.choice([other for other in chance.sample(names, min(9, len(names))) if other != word] or [f"{word}a"])


def _template(stories: Sequence[Story], amount: float, desk: Desk) -> list[Text]:
    """Two notices of one outlet, days apart, of one form: numbers, names and days first, then words are others."""
    story, page = stories[0], desk.page
    chance = page.chance
    units = split_words(story.text)[: chance.randint(LEAST, 3 * LEAST)]
    form = "".join(units).strip()
    counts = Counter(_CORE.findall(form))

    def turn(word: str) -> tuple[bool, bool, float]:
        fact = word[0].isdigit() or (word[0].isupper() and word.lower() not in page.setting.material.common)
        # Short words are the form of a text.
        return not fact, len(word) < 4 and not _UNSPACED.match(word), chance.random()

    left, others = amount * counts.total(), {}
    for word in sorted(sorted(counts), key=turn):
        if left > 0:
            others[word] = _other(word, desk)
            left -= counts[word]
    changed = _CORE.sub(lambda core: others.get(core[0], core[0]), form)
    first = replace(page, outlet=story.source, published=story.published)
    later = replace(first, published=story.published + timedelta(days=chance.choice((1, 7, 30))))
    return [_text(f"{story.id}.form", [(form, True)], first), _text(f"{story.id}.form-2", [(changed, True)], later)]


def _quoting(stories: Sequence[Story], amount: float, desk: Desk) -> list[Text]:
    """Two different stories that quote the same words in a row."""
    quote = f"\u201c{desk.passage(int(amount))}\u201d"
    texts = []
    for story in stories:
        parts = _insert(story.parts, desk.page.chance.choice(_breaks(story.parts)), quote, own=True)
        page = replace(desk.page, outlet=story.source, published=story.published, title=story.title)
        texts.append(_text(f"{story.id}.quoting", parts, page))
    return texts


def _page(
    share: Callable[[int, random.Random], float], stories: Sequence[Story], amount: float, desk: Desk
) -> list[Text]:
    """A page of several stories under their titles; `share` says how much of the one at a place is on it."""
    del amount
    text, stretches = "", []
    for place, story in enumerate(stories):
        text += f"{story.title}\n{desk.page.chance.choice(OUTLETS)}\n\n"
        kept = share(place, desk.page.chance)
        parts = story.parts if kept == 1 else _apply("cut-tail", story.parts, 1 - kept, desk)
        body = "".join(part for part, _ in parts).rstrip()
        stretches.append((len(text), len(text) + len(body), story.id))
        text += f"{body}\n\n"
    page = replace(_text(f"{stories[0].id}.page", [(text, True)], desk.page), stretches=tuple(stretches))
    return [*map(_original, stories), page]


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to make texts of stories.

    Args:
        make: What makes them, of stories, an amount and a desk; the last text is a pair with each of the others.
        amounts: Of what there is more or less; the pairs are spread evenly.
        unit: What the amounts are.
        label: What the pair is beside its scores: "scores" (nothing), "version", "template" or "roundup".
        stories: How many stories one family takes: of an amount.
        least: How many words a story has at least: of an amount.
    """

    make: Callable[[Sequence[Story], float, Desk], list[Text]]
    amounts: tuple[float, ...]
    unit: str
    label: str = "scores"
    stories: Callable[[float], int] = lambda _: 1
    least: Callable[[float], float] = lambda _: 0


_TENTHS = tuple(tenth / 10 for tenth in range(1, 10))
_FEW = tuple(float(count) for count in range(2, 11))

KINDS = {
    "copy": Kind(partial(_reprint, partial(_apply, "quote-style")), (1, 2), "1: single marks; 2: and double ones"),
    "cut tail": Kind(
        partial(_reprint, partial(_apply, "cut-tail")),
        _TENTHS[:7],
        "share cut",
        least=lambda amount: LEAST / (1 - amount),
    ),
    "cut head": Kind(
        partial(_reprint, partial(_apply, "cut-head")),
        _TENTHS[:7],
        "share cut",
        least=lambda amount: LEAST / (1 - amount),
    ),
    "excerpt": Kind(
        partial(_reprint, partial(_apply, "excerpt")), _TENTHS, "share kept", least=lambda amount: LEAST / amount
    ),
    "furnished": Kind(
        partial(_reprint, _furnished),
        (0.2, 0.4, 0.6, 0.8),
        "share kept, furniture around",
        least=lambda amount: LEAST / amount,
    ),
    "edits": Kind(
        partial(_reprint, partial(_apply, "word-edits")), (0.01, 0.02, 0.03, 0.05, 0.07, 0.1), "share of words edited"
    ),
    "cut and edits": Kind(
        partial(_reprint, _cut_and_edited),
        (0.01, 0.03, 0.05, 0.07, 0.1),
        "half kept, share of its words edited",
        least=lambda _: 2 * LEAST,
    ),
    "blended": Kind(
        partial(_reprint, _blended),
        (0.62, 0.66, 0.7, 0.8),
        "share of it from the story, half of which is kept",
        least=lambda _: 2 * LEAST,
    ),
    "inserted": Kind(_inserted, (1, 2, 3), "paragraphs of another outlet, about the same time"),
    "grown": Kind(
        _grown, (1, 2, 3, 4, 5, 6), "paragraphs more, later, same outlet", "version", least=lambda amount: 110 * amount
    ),
    "corrected": Kind(_corrected, (1, 2, 3), "numbers changed, later, same outlet", "version"),
    "template": Kind(_template, (0.05, 0.1, 0.15, 0.2, 0.3), "share of words substituted", "template"),
    "quoting": Kind(_quoting, (30, 40, 60, 100), "words in a row that two stories share", stories=lambda _: 2),
    "roundup": Kind(partial(_page, lambda _, __: 1.0), _FEW, "whole stories on a page", "roundup", int),
    "roundup, cut": Kind(
        partial(_page, lambda _, chance: chance.uniform(0.4, 0.8)),
        _FEW,
        "stories on a page, .4 to .8 of each",
        "roundup",
        int,
    ),
    "main and leads": Kind(
        partial(_page, lambda place, _: 0.25 if place else 1.0),
        (2, 3, 4),
        "a whole story and a quarter of others",
        "roundup",
        int,
        lambda _: 4 * LEAST,
    ),
}
#: Families of a page have many pairs: of these kinds half as many pages are made as elsewhere pairs.
PAGES = tuple(name for name, kind in KINDS.items() if kind.label == "roundup")


# Exact scores and labels


@lru_cache(maxsize=1 << 17)
def _marked(chunk: str) -> list[tuple[str, bool]]:
    return _marked_tokens(chunk)


@lru_cache(maxsize=64)
def marked_tokens(text: str) -> list[tuple[str, bool]]:
    """Return the tokens of the readable twin, each with whether it is of a script without spaces."""
    # A space separates tokens whatever stands beside it, so each word is folded once.
    return [token for chunk in text.split() for token in _marked(chunk)]


@lru_cache(maxsize=64)
def shingles(text: str, size: int) -> frozenset[str]:
    """Return the different runs of so many tokens, of twice as many where the first is of a script without spaces.

    A text with tokens but no such run has one shingle of all its tokens.
    """
    found = marked_tokens(text)
    tokens = [token for token, _ in found]
    if any(unspaced for _, unspaced in found):
        ends = [at + (2 * size if unspaced else size) for at, (_, unspaced) in enumerate(found)]
        runs = frozenset(" ".join(tokens[at:end]) for at, end in enumerate(ends) if end <= len(tokens))
    else:
        # The same, several times as fast.
        runs = frozenset(map(" ".join, zip(*(tokens[at:] for at in range(size)), strict=False)))
    return runs or frozenset([" ".join(tokens)] if tokens else [])


@lru_cache(maxsize=64)
def passages(text: str, words: int) -> frozenset[str]:
    """Return the different runs of so many words; a token of a script without spaces is half a word."""
    found = marked_tokens(text)
    tokens = [token for token, _ in found]
    halves = [0, *accumulate(1 if unspaced else 2 for _, unspaced in found)]
    ends = [bisect_left(halves, start + 2 * words) for start in halves]
    return frozenset(" ".join(tokens[at:end]) for at, end in enumerate(ends) if end <= len(tokens))


def truth(left: str, right: str, config: Config) -> Truth:
    """Return the exact scores of two texts, all 0 where one has no token."""
    a, b = shingles(left, config.shingle_size), shingles(right, config.shingle_size)
    shared, smaller = len(a & b), min(len(a), len(b))
    containment = shared / max(1, smaller)
    # Where more is shared, it changes no label whether that is in a row.
    run = 0 < containment < config.overlap + 2 * MARGIN
    run = run and not passages(left, config.min_passage).isdisjoint(passages(right, config.min_passage))
    equal = len(a) == len(b) == shared > 0 and marked_tokens(left) == marked_tokens(right)
    return Truth(equal, shared / max(1, len(a) + len(b) - shared), containment, smaller, run)


def by_scores(found: Truth, config: Config) -> frozenset[str | None]:
    """Return the relations that the link rule gives scores, those of a `MARGIN` more and less among them."""
    if found.equal:
        return frozenset(["exact"])

    def one(change: float) -> str | None:
        long_enough = found.smaller >= config.min_excerpt
        if found.jaccard + change >= config.threshold:
            return "duplicate"
        if long_enough and found.containment + change >= config.containment_floor:
            return "excerpt"
        return "overlap" if found.run or (long_enough and found.containment + change >= config.overlap) else None

    return frozenset(map(one, (-MARGIN, 0.0, MARGIN)))


def right_relations(label: str, found: Truth, config: Config) -> frozenset[str | None]:
    """Return which relations are right for a pair that was made so and has these scores.

    A notice of the same form is a `template` whenever the scores alone would link it, and a version is one above
    `VERSION`; below, either may be called so or what the scores say. A story on a page is `roundup` where it would be
    an excerpt; one that is so much of the page that it is the duplicate of it may be called that or a version, too.
    """
    scores = by_scores(found, config)
    if label == "scores" or scores == {"exact"}:
        return scores
    if label == "unrelated":
        # What two such stories of an outlet have in common may be its furniture.
        return scores | {None}
    if label == "roundup":
        page = frozenset("roundup" if relation in LINKED else relation for relation in scores)
        return page | {"duplicate", "version"} if found.jaccard >= config.threshold else page
    certain = scores <= LINKED if label == "template" else found.jaccard >= VERSION + MARGIN
    return frozenset([label]) if certain else scores | {label}


def _together(relations: frozenset[str | None]) -> bool | None:
    linked = {relation in LINKED for relation in relations}
    return None if len(linked) == 2 else linked.pop()


# The set


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The usable articles of one set.

    Args:
        name: The name of the set.
        stories: Not used so far, by number of words.
        words: Of each of them.
        around: Rows that stay as they are.
        outlets: Who reprints; no other set has them, for an outlet has one language.
        setting: For the operators of reprints.py.
        foreign: See `Desk`.
    """

    name: str
    stories: list[Story]
    words: list[int]
    around: list[dict[str, Any]]
    outlets: Sequence[str]
    setting: _Setting
    foreign: Iterator[str]

    def take(self, count: int, least: float, chance: random.Random) -> list[Story]:
        """Take stories that are about equally long; none when there are not so many."""
        low = bisect_left(self.words, least)
        if len(self.stories) - low < count:
            return []
        at = chance.randint(low, len(self.stories) - count)
        taken = self.stories[at : at + count]
        del self.stories[at : at + count], self.words[at : at + count]
        return taken


def _shelf(name: str, rows: Iterable[Mapping[str, Any]], outlets: Sequence[str], most: int, seed: int) -> _Shelf:
    kept = list(rows)
    sources = {str(row.get("id")): row.get("source") for row in kept}
    read = _read_articles(kept, seed, most)
    usable = _unlike(read)
    aside = usable[: round(MATERIAL * len(usable))]
    if not aside:
        raise InvalidArgumentError(f"articles must hold 10 of 100 words or more that are unlike. Got {len(usable)}.")
    material = _gather(aside)
    setting = _Setting(seed, "normal", material)

    def story(article: _Article) -> Story:
        source = sources.get(article.id) or random.Random(article.id).choice(outlets)
        return Story(f"{name}/{article.id}", article.text, article.title, str(source), _first_printed(article, setting))

    used = {article.id for article in usable}
    around = [_original(story(article)).row for article in read if article.id not in used]
    stories = sorted(map(story, usable[len(aside) :]), key=lambda one: (count_words(one.text), one.id))
    words = [count_words(one.text) for one in stories]
    return _Shelf(name, stories, words, around, outlets, setting, _foreign(material))


def _foreign(material: _Material) -> Iterator[str]:
    return cycle([f"{text.strip()} " if not _UNSPACED.search(text) else text for text in material.sentences])


def make(sets: Mapping[str, Iterable[Mapping[str, Any]]], *, pairs: int, seed: int = 0) -> Made:
    """Make families of every kind, `pairs` of each as far as there are stories, from all sets in turn.

    Args:
        sets: Name -> records with `text` and optionally `id`, `source`, `date` and `title`.
        pairs: How many pairs each kind gets at least; see `PAGES`.
        seed: All is a function of it and of the records.

    Raises:
        InvalidArgumentError: `pairs` is not positive, or a set has too few articles.
    """
    _validate.integer("pairs", pairs, least=1)
    plans = [
        (name, amount, number)
        for name, kind in KINDS.items()
        for amount in kind.amounts
        for number in range(math.ceil(pairs / (2 if name in PAGES else 1) / len(kind.amounts)))
    ]
    needed = sum(KINDS[name].stories(amount) for name, amount, _ in plans)
    most = math.ceil((1.5 * needed + BACKGROUND) / len(sets))
    shelves = [_shelf(name, rows, OUTLETS[at :: len(sets)], most, seed) for at, (name, rows) in enumerate(sets.items())]
    config = Config()
    made = Made([], [], [], {})
    originals: dict[str, list[Text]] = defaultdict(list)
    # Whoever needs long stories has the first choice.
    for name, amount, number in sorted(plans, key=lambda plan: -KINDS[plan[0]].least(plan[1])):
        kind = KINDS[name]
        chance = random.Random(f"{seed}/{name}/{amount}/{number}")
        for turn in range(len(shelves)):
            shelf = shelves[(number + turn) % len(shelves)]
            if stories := shelf.take(kind.stories(amount), kind.least(amount), chance):
                published = max(story.published for story in stories)
                published += timedelta(minutes=30, hours=round(chance.expovariate(1 / 24)))
                others = [name for name in shelf.outlets if name not in {story.source for story in stories}]
                outlet = chance.choice(others or shelf.outlets)
                page = _Page(shelf.setting, chance, outlet, published, stories[0].title)
                texts = kind.make(stories, amount, Desk(page, shelf.foreign))
                _add(made, name, amount, shelf.name, texts, config)
                originals[shelf.name] += texts[:-1]
                break
    for shelf in shelves:
        made.pairs.extend(_unrelated(originals[shelf.name], shelf.name, math.ceil(pairs / len(shelves)), config))
        made.rows.extend(shelf.around)
        made.rows.extend(_original(story).row for story in shelf.stories)
    # Nothing may follow from the order.
    random.Random(seed).shuffle(made.rows)
    return made


def _add(made: Made, name: str, amount: float, set_name: str, texts: list[Text], config: Config) -> None:
    last = texts[-1]
    made.rows.extend(text.row for text in texts)
    made.family_of.update({text.id: last.id for text in texts})
    for other in texts[:-1]:
        made.pairs.append(_labelled((name, amount, set_name, last.id), other, last, config))
    if name in PAGES:
        made.pages.append((name, amount, last))


def _labelled(place: tuple[str, float, str, str], left: Text, right: Text, config: Config) -> Labelled:
    found = truth(left.own, right.own, config)
    label = KINDS[place[0]].label if place[0] in KINDS else "unrelated"
    relations = right_relations(label, found, config)
    words = min(count_words(left.own), count_words(right.own))
    return Labelled(*place, left.id, right.id, words, found.jaccard, found.containment, relations, _together(relations))


def _unrelated(texts: list[Text], set_name: str, count: int, config: Config) -> list[Labelled]:
    """Pair neighbours by outlet and time, which are more alike than any two."""
    ordered = sorted(texts, key=lambda text: (text.source, text.published, text.id))
    step = max(1, len(ordered) // count)
    found = zip(ordered[::step], ordered[1::step], strict=False)
    return [_labelled(("unrelated", 0, set_name, f"{a.id} {b.id}"), a, b, config) for a, b in found][:count]


# Scores


def interval(hits: float, count: int, groups: int) -> list[float]:
    """Return a share and its 95 % interval of Wilson: [value, low, high]; NaN when nothing was counted.

    Pairs of one page are not independent: the interval is that of as many pairs as there are groups.
    """
    if not count:
        return [math.nan] * 3
    z, n, share = 1.959964, groups, hits / count
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return [share, max(0.0, middle - half), min(1.0, middle + half)]


def share(rows: Iterable[tuple[bool, str]]) -> list[float]:
    """Return the share of hits of (hit, group) with its interval."""
    found = list(rows)
    return interval(sum(hit for hit, _ in found), len(found), len({group for _, group in found}))


@dataclass(frozen=True, slots=True)
class Found:
    """What the library says of a made set.

    Args:
        relation: Two ids -> their relation; a copy stands for the first document of its text.
        first: Id of a copy -> id of the first document of its text.
        cluster: Id -> the canonical of its cluster.
        covers: Id of a page -> (start, end, id) of each stretch.
    """

    relation: dict[frozenset[str], str]
    first: dict[str, str]
    cluster: dict[str, str]
    covers: dict[str, list[tuple[int, int, str]]]

    @classmethod
    def of(cls, result: dedup.Result) -> Found:
        """Read a result."""
        rows = result.pairs.to_pylist()
        return cls(
            relation={frozenset((row["left"], row["right"])): row["relation"] for row in rows},
            first={row["right"]: row["left"] for row in rows if row["relation"] == "exact"},
            cluster={member: cluster.canonical for cluster in result.clusters for member in cluster.members},
            covers={
                page: [(stretch.start, stretch.end, stretch.document) for stretch in cover.stretches]
                for page, cover in getattr(result, "covers", {}).items()
            },
        )

    def relation_of(self, left: str, right: str) -> str | None:
        """Return the relation of two documents, None when they have none."""
        a, b = self.first.get(left, left), self.first.get(right, right)
        return "exact" if a == b else self.relation.get(frozenset((a, b)))

    def is_right(self, pair: Labelled) -> bool:
        """Return whether a pair has a relation that is right."""
        return self.relation_of(pair.left, pair.right) in pair.relations

    def is_together(self, pair: Labelled) -> bool:
        """Return whether both are in one cluster."""
        return self.cluster[pair.left] == self.cluster[pair.right]


def recall(pairs: Sequence[Labelled], found: Found) -> dict[str, Any]:
    """Return of some labelled pairs: right relations, one cluster where that is right, and what they got."""
    judged = [pair for pair in pairs if pair.together is not None]
    got = Counter(found.relation_of(pair.left, pair.right) or "none" for pair in pairs)
    wrong = Counter(found.relation_of(p.left, p.right) or "none" for p in pairs if not found.is_right(p))
    return {
        "pairs": len(pairs),
        "groups": len({pair.family for pair in pairs}),
        "jaccard": _mean(pair.jaccard for pair in pairs),
        "containment": _mean(pair.containment for pair in pairs),
        "right": share((found.is_right(pair), pair.family) for pair in pairs),
        "together": share((found.is_together(pair), pair.family) for pair in judged if pair.together),
        "apart": share((not found.is_together(pair), pair.family) for pair in judged if not pair.together),
        "got": dict(got.most_common()),
        "wrong": dict(wrong.most_common()),
    }


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else math.nan


def precision(made: Made, found: Found) -> dict[str, Any]:
    """Return for each relation how many of the pairs that got it have it, by their label.

    Counted are pairs of one family; two stories of one page have no relation. Pairs of two families, and pairs with an
    article that stands around, have no label and are counted apart.
    """
    labels = {frozenset((pair.left, pair.right)): pair for pair in made.pairs}
    rows: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    wrong: dict[str, Counter[str]] = defaultdict(Counter)
    apart: dict[str, Counter[str]] = defaultdict(Counter)
    for ends, relation in found.relation.items():
        left, right = (made.family_of.get(end) for end in ends)
        label = labels.get(ends)
        if label or (left == right and left is not None):
            is_right = label is not None and relation in label.relations
            rows[relation].append((is_right, label.family if label else str(left)))
            if not is_right:
                wrong[relation][label.kind if label else "two stories of a page"] += 1
        else:
            apart[relation]["around" if left is None or right is None else "families"] += 1
    return {
        relation: {
            "pairs": len(rows[relation]),
            "right": share(rows[relation]),
            "wrong": dict(wrong[relation].most_common()),
            "families": apart[relation]["families"],
            "around": apart[relation]["around"],
        }
        for relation in dict.fromkeys((*RELATIONS, *found.relation.values()))
    }


def page_scores(pages: Sequence[tuple[str, float, Text]], found: Found) -> dict[str, Any]:
    """Return of some pages: those that join no story, those of which two stories are in one cluster, and covers."""
    alone, split = [], []
    counts: Counter[str] = Counter()
    for _, _, page in pages:
        clusters = [found.cluster[story] for _, _, story in page.stretches]
        alone.append((found.cluster[page.id] not in clusters, page.id))
        split.append((len(set(clusters)) == len(clusters), page.id))
        counts += covered(page, found.covers.get(page.id, []))
    words = max(1, counts["words"])
    return {
        "pages": len(pages),
        "alone": share(alone),
        "split": share(split),
        "right": interval(counts["right"], counts["words"], len(pages)),
        "wrong": counts["wrong"] / words,
        "unexplained": (counts["words"] - counts["right"] - counts["wrong"]) / words,
        "glue": counts["glue taken"] / max(1, counts["glue"]),
    }


def covered(page: Text, stretches: Iterable[tuple[int, int, str]]) -> Counter[str]:
    """Count the words of a page by what its cover says of them.

    Returns:
        "words" of the stories, those "right" and "wrong" of them; words of "glue" and those "glue taken" by a story.
    """
    names = {"": 0}

    def owners(spans: Iterable[tuple[int, int, str]]) -> list[int]:
        owner = np.zeros(len(page.text) + 1, np.int64)
        for start, end, name in spans:
            owner[start:end] = names.setdefault(name, len(names))
        return [int(owner[unit.start()]) for unit in _UNIT.finditer(page.text)]

    counts: Counter[str] = Counter()
    for true, got in zip(owners(page.stretches), owners(stretches), strict=True):
        counts["words" if true else "glue"] += 1
        if got:
            counts["glue taken" if not true else "right" if got == true else "wrong"] += 1
    return counts


def figures(made: Made, found: Found) -> dict[str, list[float]]:
    """Return the figures that are asked for, but for the costs."""
    linked = [pair for pair in made.pairs if pair.kind in KINDS and KINDS[pair.kind].label == "scores"]
    # What a cleaner leaves of furniture is another question.
    linked = [pair for pair in linked if pair.kind not in ("copy", "furnished", "quoting")]
    excerpts = [pair for pair in linked if pair.words >= LEAST and pair.containment >= 0.8]
    low = [pair for pair in linked if 0.6 <= pair.containment < 0.7]
    carried = [pair for pair in made.pairs if pair.kind == "roundup"]
    notices = [pair for pair in made.pairs if pair.kind == "template" and pair.together is False]
    pages = page_scores([page for page in made.pages if page[0].startswith("roundup")], found)
    whole = page_scores([page for page in made.pages if page[0] == "roundup"], found)

    def as_one(pairs: Iterable[Labelled], relations: Container[str | None]) -> list[float]:
        return share((found.relation_of(pair.left, pair.right) in relations, pair.family) for pair in pairs)

    measured = (
        as_one(excerpts, LINKED),
        recall(excerpts, found)["together"],
        as_one(carried, {"roundup"}),
        pages["alone"],
        whole["right"],
        as_one(low, LINKED),
        recall(notices, found)["apart"],
    )
    return dict(zip(ASKED, measured, strict=False))


# The measurement


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the command line asks for.

    Args:
        articles: A JSONL file to make texts of in place of the sets.
        folder: The folder in which `articles/` has the sets; generated English stands for those when none is there.
        pairs: The least pairs of each kind.
        rounds: How often each run is timed; 0 measures no time.
        seed: Of everything drawn.
    """

    articles: Path | None = None
    folder: Path = boilerplate.FOLDER
    pairs: int = 200
    rounds: int = 3
    seed: int = 1


def _sets(asked: Asked) -> dict[str, Iterable[Mapping[str, Any]]]:
    if asked.articles:
        return {asked.articles.name.partition(".")[0]: harness.read_jsonl(asked.articles)}
    there = [name for name in SETS if (asked.folder / "articles" / f"{name}.jsonl.gz").is_file()]
    if there:
        return {name: boilerplate.rows(name, asked.folder) for name in there}
    texts = generated.english(max(400, 40 * asked.pairs), 3000, seed=asked.seed)
    return {"generated": [{"id": str(number), "text": text} for number, text in enumerate(texts)]}


_sketch_chunk = stages.sketch_chunk


def _no_samples(texts: Texts, config: dedup.Config, *, sampled: bool) -> stages.Marked:  # noqa: ARG001 - as the other
    """Stand for `stages.sketch_chunk`, where the containment path begins: no text has a sample."""
    return _sketch_chunk(texts, config, sampled=False)


@contextmanager
def without_samples() -> Iterator[None]:
    """Switch the containment path off."""
    with mock.patch.object(prepare, "sketch_chunk", _no_samples):
        yield


def costs(rows: Sequence[Mapping[str, Any]], rounds: int) -> dict[str, Any]:
    """Return how long the whole run takes with and without the containment path, cleaned and not, in turns.

    Time is that of the processor, of all threads: neighbours on the machine disturb it less.
    """

    def run(clean: Cleaning, *, whole: bool) -> dict[str, float]:
        with nullcontext() if whole else without_samples():
            dedup.deduplicate(rows, clean=clean).clusters  # noqa: B018 - computed when asked for
        return {}

    ways: dict[str, Cleaning] = {"cleaned": "auto", "not cleaned": "off"}
    runs = {
        f"{name}, {path}": partial(run, clean, whole=path == "whole")
        for name, clean in ways.items()
        for path in ("whole", "without")
    }
    times, failed = harness.race(runs, rounds)
    if failed:
        raise RuntimeError(f"runs failed: {failed}")
    seconds = {name: [one["seconds"] * one["cores"] for one in taken] for name, taken in times.items()}
    return {
        name: {
            "whole": min(seconds[f"{name}, whole"]),
            "without": min(seconds[f"{name}, without"]),
            **harness.ratios(seconds[f"{name}, whole"], seconds[f"{name}, without"]),
        }
        for name in ways
    }


def measure(asked: Asked) -> dict[str, Any]:
    """Return all results."""
    begun = time.perf_counter()
    print("texts are made ...", file=sys.stderr, flush=True)
    made = make(_sets(asked), pairs=asked.pairs, seed=asked.seed)
    print(f"{len(made.rows):,} documents are compared ...", file=sys.stderr, flush=True)
    found = Found.of(dedup.deduplicate(made.rows))
    groups = {"kinds": ("kind",), "amounts": ("kind", "amount"), "sets": ("kind", "set")}
    results: dict[str, Any] = {
        "machine": machine(),
        "asked": {name: str(value) for name, value in asdict(asked).items()},
        "documents": len(made.rows),
        "families": len(set(made.family_of.values())),
        **{name: _grouped(made.pairs, fields, found) for name, fields in groups.items()},
        "precision": precision(made, found),
        "pages": {
            f"{name} {amount:g}": page_scores(list(those), found)
            for (name, amount), those in groupby(_in_order(made.pages), key=lambda page: page[:2])
        },
        "mistakes": [_mistake(pair, found) for pair in made.pairs if not found.is_right(pair)],
        "figures": figures(made, found),
        "costs": {},
    }
    if asked.rounds:
        results["costs"] = costs(made.rows, asked.rounds)
        for name, what in zip(("cleaned", "not cleaned"), list(ASKED)[-2:], strict=True):
            results["figures"][what] = [results["costs"][name][part] for part in ("median", "least", "most")]
    results["targets"] = targets(results["figures"])
    return {**results, "seconds": time.perf_counter() - begun}


def _in_order(pages: Iterable[tuple[str, float, Text]]) -> list[tuple[str, float, Text]]:
    return sorted(pages, key=lambda page: (PAGES.index(page[0]), page[1], page[2].id))


def _grouped(pairs: Sequence[Labelled], fields: Sequence[str], found: Found) -> list[dict[str, Any]]:
    groups: dict[tuple[Any, ...], list[Labelled]] = defaultdict(list)
    for pair in pairs:
        groups[tuple(getattr(pair, field) for field in fields)].append(pair)
    order = sorted(groups, key=lambda key: ([*KINDS, "unrelated"].index(key[0]), *key[1:]))
    return [{**dict(zip(fields, key, strict=True)), **recall(groups[key], found)} for key in order]


def _mistake(pair: Labelled, found: Found) -> dict[str, Any]:
    relations = sorted(relation or "none" for relation in pair.relations)
    return {**asdict(pair), "relations": relations, "got": found.relation_of(pair.left, pair.right)}


def targets(measured: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """Return what is asked beside what was measured; what was not is left out."""
    rows = []
    for what, value in measured.items():
        limit, at_most = ASKED[what]
        rows.append({**harness.target(what, limit, value[0], "", at_most=at_most), "interval": value})
    return rows


# The report


def _shown(numbers: Sequence[float] | None) -> str | None:
    # Cut, not rounded, as all figures here.
    if numbers is None or math.isnan(numbers[0]):
        return None
    value, low, high = (int(round(1000 * number, 6)) / 1000 for number in numbers)
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _counts(counts: Mapping[str, int], most: int = 3) -> str:
    return ", ".join(f"{name} {count}" for name, count in list(counts.items())[:most])


def report(results: Mapping[str, Any]) -> str:
    """Return the tables as Markdown."""
    cells = [
        [row["what"], f"{'<=' if row['at_most'] else '>='} {row['asked']}", _shown(row["interval"]), row["met"]]
        for row in results["targets"]
    ]
    columns = ["figure", "asked", "measured (95 % interval)", "met"]
    about = f"{results['documents']:,} documents, {results['families']:,} families. "
    about += "Of times: processor time, median of the rounds, least and most."
    tables = [harness.table("Relations: asked and measured", columns, cells, about)]
    scores = ("pairs", "jaccard", "containment")
    for name, title, key in (
        ("kinds", "What was made, and what it is called", None),
        ("amounts", "The same by amount", "amount"),
        ("sets", "The same by set", "set"),
    ):
        cells = [
            [
                " ".join([row["kind"], *([f"{row[key]:g}" if key == "amount" else row[key]] if key else [])]),
                *(row[score] for score in scores),
                *(_shown(row[score]) for score in ("right", "together", "apart")),
                _counts(row["wrong"]),
            ]
            for row in results[name]
        ]
        columns = ["kind", "pairs", "mean J", "mean cont.", "right relation", "in one cluster", "apart", "wrong ones"]
        tables.append(harness.table(title, columns, cells))
    tables[-3]["note"] = "\n".join(f"- {name}: {kind.unit}" for name, kind in KINDS.items())
    cells = [
        [name, row["pairs"], _shown(row["right"]), _counts(row["wrong"]), row["families"], row["around"]]
        for name, row in results["precision"].items()
    ]
    columns = ["relation", "pairs", "precision", "wrong ones are", "two families", "articles around"]
    note = "The last two columns have no label: pairs of two families share next to nothing, those around may be real."
    tables.append(harness.table("Precision: pairs of one family that got the relation", columns, cells, note))
    cells = [
        [
            name,
            row["pages"],
            *(_shown(row[score]) for score in ("alone", "split", "right")),
            *(row[score] for score in ("wrong", "unexplained", "glue")),
        ]
        for name, row in results["pages"].items()
    ]
    columns = ["page", "pages", "joins no story", "stories apart", "words right", "wrong", "unexplained", "glue taken"]
    tables.append(harness.table("Pages: clusters and covers", columns, cells))
    if results["costs"]:
        cells = [
            [name, *(row[part] for part in ("whole", "without", "median", "least", "most"))]
            for name, row in results["costs"].items()
        ]
        columns = ["texts", "whole, CPU s", "without, CPU s", "ratio", "least", "most"]
        tables.append(harness.table("Cost of the containment path: the whole run, with and without", columns, cells))
    return harness.render(tables)


# The command


def main() -> int:
    """Measure, print and save; return 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--articles", type=Path, help="a .jsonl or .jsonl.gz file to make texts of")
    parser.add_argument("--folder", type=Path, default=boilerplate.FOLDER, help="where articles/ is")
    parser.add_argument("--pairs", type=int, default=200, help="least pairs of each kind")
    parser.add_argument("--rounds", type=int, default=3, help="how often each run is timed; 0: no times")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", help="name of the files; the date and time by default")
    given = vars(parser.parse_args())
    stem = given.pop("name") or "relations-" + datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    asked = Asked(**given)
    if asked.articles and not asked.articles.is_file():
        parser.error(f"--articles must be a file. Got {asked.articles}.")
    if asked.rounds < 0:
        parser.error(f"--rounds must be at least 0. Got {asked.rounds}.")
    try:
        results = measure(asked)
    except DedupError as error:
        parser.error(str(error))
    text = report(results)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{stem}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / f"{stem}.md").write_text(text, encoding="utf-8")
    print(f"saved {RESULTS / stem}.json and .md in {results['seconds']:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
