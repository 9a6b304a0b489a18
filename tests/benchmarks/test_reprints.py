"""The generator of labelled reprints: same seed same set, true scores, operators that do what they are named for."""

from __future__ import annotations

import dataclasses
import json
import random
import re
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from itertools import combinations
from statistics import mean
from typing import TYPE_CHECKING, Any

import harness
import pytest
import reprints
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.errors import DuplicateIdError, InvalidArgumentError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.seconds

WORDS = {
    "english": "the harbour wall ferry council baker engineer Skerry Mittenau crane chapel bell tide storm market vote "
    "budget bridge lantern widow orchard 1,200 3 17 held broke sailed counted mended said promised doubted of and in",
    "arabic": "الميناء الجدار العبارة المجلس الخباز المهندس الرافعة الكنيسة الجرس المد العاصفة السوق التصويت الميزانية "
    "الجسر الفانوس الأرملة البستان 1,200 3 17 صمد انكسر أبحر عد أصلح قال وعد شك من و في",
    "japanese": "港 壁 船 議会 パン屋 技師 クレーン 礼拝堂 鐘 潮 嵐 市場 投票 予算 橋 灯り 未亡人 果樹園 1,200 3 17 "
    "は が を に で と 守った 壊れた 出た 数えた 直した 言った 約束した",
}
#: Quote, unquote, space, comma, stop.
MARKS = {
    "english": ('"', '"', " ", ",", "."),
    "arabic": ("«", "»", " ", "،", "."),
    "japanese": ("「", "」", "", "、", "。"),
}
#: What may leave the tokens of a text as they are.
COSMETIC = {"quote-style", "punctuation", "case", "merged-lines"}

languages = st.sampled_from(sorted(WORDS))
strengths = st.sampled_from(reprints.STRENGTHS)
operators = st.sampled_from(sorted(reprints.OPERATORS))


def article_text(language: str, chance: random.Random, size: int = 260) -> str:
    """Return sentences of random words; some are quotes, some end a paragraph, one has a dash."""
    opening, closing, space, comma, stop = MARKS[language]
    text, count = "", 0
    while count < size:
        words = chance.choices(WORDS[language].split(), k=chance.randint(6, 20))
        count += len(words)
        words[3] += comma
        words[4] += " — " if count < 30 else ""
        sentence = space.join(words).capitalize()
        if chance.random() < 0.3:
            sentence = f"{opening}{sentence}{closing}"
        text += sentence + stop + (chance.choice(["\n\n", " ", " "]) if space else chance.choice(["\n", ""]))
    return text.strip()


@cache
def corpus(language: str, count: int = 40) -> tuple[dict[str, Any], ...]:
    """Return articles of one language; each second one has a title, each third one a date."""
    chance = random.Random(language)
    return tuple(
        {"id": f"a{number}", "text": article_text(language, chance)}
        | ({"title": f"Headline {number}"} if number % 2 else {})
        | ({"date": "2024-05-17 08:00"} if number % 3 else {})
        for number in range(count)
    )


@cache
def made(language: str, **asked: Any) -> reprints.Reprints:
    """Return a set; it is the same each time."""
    return reprints.generate(corpus(language), **asked)


@cache
def others(language: str) -> list[reprints._Article]:
    """Return other articles, whose titles are sentences."""
    texts = [article_text(language, random.Random(f"other {number}")) for number in range(12)]
    return [reprints._Article(text, text, reprints.sentences(text)[0].strip(), "") for text in texts]


@cache
def material(language: str) -> reprints._Material:
    """Return what operators add."""
    return reprints._gather(others(language))


def reprint(text: str, operator: str, strength: str = "normal", seed: int = 0) -> reprints.Document:
    """Return a text after one operator."""
    kana, arabic = re.search("[ぁ-ん]", text), re.search("[\u0627-\u064a]", text)
    language = "japanese" if kana else "arabic" if arabic else "english"
    setting = reprints._Setting(seed, strength, material(language))
    published = datetime(2025, 3, 1, tzinfo=UTC)
    page = reprints._Page(setting, random.Random(seed), "Tarn Echo", published, "Wall falls", others(language))
    parts = [(sentence, True) for sentence in reprints.sentences(text)]
    amount = reprints._amount(operator, strength)
    return reprints._document("x", "reprint", reprints.OPERATORS[operator].apply(parts, amount, page), page)


def tokens(text: str) -> list[str]:
    """Return lower-cased words, characters where the tests' texts have no spaces."""
    words = re.findall(r"\w+", text.lower())
    return list("".join(words)) if re.search("[ぁ-ん]", text) else words


def brute_force(left: str, right: str) -> tuple[float, float, float]:
    """Return Jaccard and both containments by the definition, one shingle at a time."""
    rows = []
    for text in (left, right):
        words = tokens(text)
        size = 6 if re.search("[ぁ-ん]", text) else 3
        rows.append([tuple(words[at : at + size]) for at in range(len(words)) if at + size <= len(words)])
    a, b = (list(dict.fromkeys(row)) for row in rows)
    shared = sum(1 for shingle in a if shingle in set(b))
    return shared / (len(a) + len(b) - shared), shared / len(a), shared / len(b)


@settings(max_examples=10)
@given(languages, st.integers(0, 5), st.randoms(use_true_random=False), st.sampled_from(reprints.MODES))
def test_sets_do_not_depend_on_order(language: str, seed: int, chance: random.Random, mode: str) -> None:
    """The same seed gives the same set again, whatever the order of the articles."""
    articles = list(corpus(language, 20))
    first = reprints.generate(articles, seed=seed, mode=mode, pairs_per_operator=3)
    chance.shuffle(articles)
    assert reprints.generate(articles, seed=seed, mode=mode, pairs_per_operator=3) == first


def test_another_seed_gives_another_set() -> None:
    """Two seeds give two sets."""
    assert made("english", seed=1) != made("english", seed=2)


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("mode", reprints.MODES)
def test_labels_are_consistent(language: str, mode: str) -> None:
    """Ids are unique, pairs are listed once and linked iff of one story, and each same-story pair is listed."""
    result = made(language, mode=mode)
    documents = {document.id: document for document in result.documents}
    assert len(documents) == len(result.documents)
    listed = {frozenset([pair.left, pair.right]): pair for pair in result.pairs}
    assert len(listed) == len(result.pairs)
    for pair in result.pairs:
        left, right = documents[pair.left], documents[pair.right]
        assert pair.linked == (left.story == right.story) == (pair.relation in {"duplicate", "excerpt"})
        assert set(pair.operators) == {name for name, _ in left.operators + right.operators}
    for left, right in combinations(result.documents, 2):
        assert left.story != right.story or frozenset([left.id, right.id]) in listed
    for document in result.documents:
        assert document.kind in {"original", "reprint"} or document.story == document.id
        assert documents[document.story].published <= document.published


@pytest.mark.parametrize("language", WORDS)
def test_scores_are_those_of_brute_force(language: str) -> None:
    """Each pair has the Jaccard and the containments that a recount of its texts and of its story texts gives."""
    result = made(language, stories=5)
    documents = {document.id: document for document in result.documents}
    for pair in result.pairs:
        left, right = documents[pair.left], documents[pair.right]
        whole = (pair.jaccard, pair.containment_left, pair.containment_right)
        story = (pair.story_jaccard, pair.story_containment_left, pair.story_containment_right)
        assert whole == pytest.approx(brute_force(left.text, right.text))
        assert story == pytest.approx(brute_force(left.story_text, right.story_text))


@pytest.mark.parametrize("language", WORDS)
def test_unlisted_pairs_are_unlike(language: str) -> None:
    """Two documents that are in no pair share furniture at most."""
    result = made(language, stories=8)
    listed = {frozenset([pair.left, pair.right]) for pair in result.pairs}
    for left, right in combinations(result.documents, 2):
        if frozenset([left.id, right.id]) not in listed:
            assert reprints.similarity(left.story_text, right.story_text)[0] < 0.1


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("strength", reprints.STRENGTHS)
def test_stories_keep_enough_words(language: str, strength: str) -> None:
    """Originals are the articles themselves, and of each reprint LEAST words of the story are left, less its edits."""
    result = made(language, strength=strength)
    texts = {f"{article['id']}.0": article["text"] for article in corpus(language)}
    for document in result.documents:
        if document.kind == "original":
            assert (document.text, document.furniture) == (texts[document.id], ())
        if document.kind == "reprint":
            assert reprints.count_words(document.story_text) >= 0.9 * reprints.LEAST


@given(languages, strengths, st.integers(0, 99))
def test_cuts_keep_a_piece(language: str, strength: str, seed: int) -> None:
    """What cut-tail leaves starts the text, what cut-head leaves ends it, and an excerpt lies wholly inside it."""
    text = article_text(language, random.Random(seed))
    assert text.startswith(reprint(text, "cut-tail", strength, seed).text)
    assert text.endswith(reprint(text, "cut-head", strength, seed).text)
    excerpt = reprint(text, "excerpt", strength, seed).text
    assert excerpt in text
    assert reprints.similarity(text, excerpt)[2] == 1.0


@pytest.mark.parametrize("operator", ["cut-tail", "cut-head", "excerpt"])
def test_cuts_cut_what_the_table_says(operator: str) -> None:
    """Over many texts a cut leaves the share of words that its amount says, within 4 %."""
    texts = [article_text("english", random.Random(seed)) for seed in range(60)]
    for strength, amount in zip(reprints.STRENGTHS, reprints.OPERATORS[operator].amounts, strict=True):
        left = mean(
            reprints.count_words(reprint(text, operator, strength, seed).text) / reprints.count_words(text)
            for seed, text in enumerate(texts)
        )
        assert left == pytest.approx(amount if operator == "excerpt" else 1 - amount, abs=0.04)


@given(languages, strengths, st.integers(0, 99), st.sampled_from(sorted(COSMETIC)))
def test_cosmetic_operators_change_no_letters(language: str, strength: str, seed: int, operator: str) -> None:
    """Quote style, punctuation, case and merged lines leave all letters and digits, case aside."""
    text = article_text(language, random.Random(seed))
    changed = reprint(text, operator, strength, seed).text
    before, after = ("".join(re.findall(r"\w", text)) for text in (text, changed))
    assert after == before or (operator == "case" and after.lower() == before.lower())


@given(languages, strengths, st.integers(0, 99))
def test_shuffled_sentences_are_the_same_sentences(language: str, strength: str, seed: int) -> None:
    """A shuffle changes the order of the words, and neither adds nor loses one."""
    text = article_text(language, random.Random(seed))
    changed = reprint(text, "sentence-shuffle", strength, seed).text
    assert changed != text
    assert Counter(tokens(changed)) == Counter(tokens(text))


@given(languages, strengths, st.integers(0, 99), operators)
def test_furniture_is_what_is_not_the_story(language: str, strength: str, seed: int, operator: str) -> None:
    """Without its furniture a text that only got furniture is the text again."""
    text = article_text(language, random.Random(seed))
    document = reprint(text, operator, strength, seed)
    spans = [offset for span in document.furniture for offset in span]
    assert spans == sorted(spans)
    assert not spans or spans[-1] <= len(document.text)
    if document.furniture and operator != "roundup":
        assert tokens(document.story_text) == tokens(text)


def test_house_blocks_are_the_outlets() -> None:
    """All texts of one outlet that have a house block have the same one, and another outlet has another."""
    blocks: dict[str, set[str]] = {}
    for document in made("english", mode="each").documents:
        if document.operators == (("house-block", "normal"),) and document.kind == "reprint":
            pieces = (document.text[start:end].strip() for start, end in document.furniture)
            blocks.setdefault(document.source, set()).add("\n".join(pieces))
    assert len(blocks) > 5
    assert all(len(block) == 1 for block in blocks.values())
    assert len(set.union(*blocks.values())) == len(blocks)


@pytest.mark.parametrize(
    ("operator", "strength", "text", "expected"),
    [
        ("digits", "light", "the 1,200 and 3", "the 1200 and 3"),
        ("digits", "normal", "see the 1,200 and 3, not 3.5", "see the 1200 and three, not 3.5"),
        ("digits", "heavy", "قال 17", "قال \u0661\u0667"),
        ("digits", "heavy", "قال \u0661\u0667", "قال 17"),
        ("quote-style", "normal", "“It\u2019s over,” he said.", '"It\'s over," he said.'),
        ("quote-style", "normal", '"It\'s over," he said.', "“It\u2019s over,” he said."),
        ("quote-style", "light", "“It\u2019s over,” he said.", "“It's over,” he said."),
        ("punctuation", "heavy", "「終わり」、と言った。", "“終わり”, と言った."),
        ("case", "light", "The wall fell on the town.", "THE WALL FELL ON THE town."),
        ("case", "heavy", "The wall fell.", "THE WALL FELL."),
        ("merged-lines", "normal", "The wall\nfell.\n\nNobody cared.", "The wall fell. Nobody cared."),
        ("merged-lines", "heavy", "The wall\nfell.\n\nNobody cared.", "The wall fell.Nobody cared."),
    ],
)
def test_operators_write_as_their_name_says(operator: str, strength: str, text: str, expected: str) -> None:
    """Small texts come out as an editor's eye would have them."""
    assert reprint(text, operator, strength).text == expected


@pytest.mark.parametrize("language", WORDS)
def test_heavier_means_less_alike(language: str) -> None:
    """The heavier the strength, the lower the mean Jaccard of original and reprint, for each operator."""
    texts = [article_text(language, random.Random(seed)) for seed in range(25)]
    for operator in reprints.OPERATORS:
        light, normal, heavy = (
            mean(
                reprints.similarity(text, reprint(text, operator, strength, seed).text)[0]
                for seed, text in enumerate(texts)
            )
            for strength in reprints.STRENGTHS
        )
        assert 1 >= light >= normal >= heavy, operator
        assert operator in COSMETIC or heavy < 1, operator
        assert operator in COSMETIC | {"digits"} or light > normal > heavy, operator


def test_each_operator_gets_its_pairs() -> None:
    """In mode "each" a reprint has one operator, and each operator has the pairs asked for."""
    result = made("english", mode="each", pairs_per_operator=9)
    reprinted = [document for document in result.documents if document.kind in {"reprint", "roundup"}]
    counts = Counter(name for document in reprinted for name, _ in document.operators)
    assert all(len(document.operators) == 1 for document in reprinted)
    assert set(counts) == set(reprints.OPERATORS)
    assert min(counts.values()) >= 9


@pytest.mark.parametrize("language", WORDS)
def test_hard_negatives_share_what_they_say(language: str) -> None:
    """Follow-ups have little of the story, templates the form and other words, briefs the house block alone."""
    pairs = made(language).pairs
    follow_ups = [pair for pair in pairs if pair.relation == "follow-up" and pair.left.endswith(".0")]
    templates = [pair for pair in pairs if pair.relation == "template"]
    briefs = [pair for pair in pairs if pair.relation == "brief"]
    assert follow_ups
    assert all(0.05 < pair.containment_right < 0.35 for pair in follow_ups)
    assert templates
    assert all(0.05 < pair.jaccard < 0.8 for pair in templates)
    assert briefs
    assert all(pair.story_jaccard < 0.05 < pair.jaccard for pair in briefs)


def test_roundups_are_most_of_no_story() -> None:
    """A roundup is listed with the originals of all its stories, and none of them makes half of it."""
    result = made("english", mode="each")
    documents = {document.id: document for document in result.documents}
    roundups = [document.id for document in result.documents if document.kind == "roundup"]
    for roundup in roundups:
        pairs = [pair for pair in result.pairs if roundup in {pair.left, pair.right}]
        carried = [pair for pair in pairs if "original" in {documents[pair.left].kind, documents[pair.right].kind}]
        assert len(carried) == reprints._amount("roundup", "normal")
        assert all(0.1 < pair.jaccard < 0.5 for pair in carried)
    assert roundups


@given(st.text(min_size=1), operators, strengths, st.integers(0, 9))
def test_any_text_survives(text: str, operator: str, strength: str, seed: int) -> None:
    """No operator fails on any text, and texts are joined again from their sentences."""
    assert "".join(reprints.sentences(text)) == text.lstrip()
    if reprints.sentences(text):
        reprint(text, operator, strength, seed)


@settings(max_examples=10)
@given(st.lists(st.fixed_dictionaries({"text": st.one_of(st.none(), st.text())}), max_size=4))
def test_articles_of_no_use_are_left_out(rows: list[dict[str, Any]]) -> None:
    """Records that are short, empty or have no text change nothing."""
    articles = corpus("english", 20)
    assert reprints.generate([*rows, *articles]) == reprints.generate(articles)


def test_copies_within_the_corpus_are_no_stories() -> None:
    """An article that is in the corpus twice, whole or in part, is left out."""
    articles = corpus("english", 20)
    copies = [{"id": "copy", "text": articles[0]["text"]}, {"id": "cut", "text": articles[1]["text"][:1200]}]
    texts = {document.text for document in reprints.generate([*articles, *copies]).documents}
    assert not texts & {articles[0]["text"], articles[1]["text"]}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"strength": "mild"}, "strength must be one of 'light', 'normal', 'heavy'. Got 'mild'."),
        ({"mode": "all"}, "mode must be one of 'mixed', 'each'. Got 'all'."),
        ({"stories": 1}, "stories must be an integer of at least 2. Got 1."),
        ({"pairs_per_operator": 0}, "pairs_per_operator must be an integer of at least 1. Got 0."),
    ],
)
def test_bad_arguments_are_named(wrong: dict[str, Any], message: str) -> None:
    """A bad argument is one line: name, what is allowed, what came."""
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        reprints.generate(corpus("english", 20), **wrong)


def test_ids_of_two_articles_are_refused() -> None:
    """Two texts under one id are named, since neither order nor chance may choose between them."""
    with pytest.raises(DuplicateIdError, match=r"articles must have ids of their own\. Got 'a0' twice\."):
        reprints.generate([*corpus("english", 20), {"id": "a0", "text": "Another."}])


def test_too_few_articles_are_named() -> None:
    """A corpus in which next to nothing can be used says so."""
    with pytest.raises(InvalidArgumentError, match=r"articles must hold at least 10 .* Got 0\."):
        reprints.generate([])


def test_files_hold_the_set(tmp_path: Path) -> None:
    """The three files have a row for each document, label and pair, and documents keep their fields."""
    result = made("japanese", stories=5)
    reprints.write(result, tmp_path / "out")
    rows = {path.stem: list(harness.read_jsonl(path)) for path in (tmp_path / "out").iterdir()}
    assert rows["labels"] == [{"id": document.id, "story": document.story} for document in result.documents]
    assert rows["documents"] == json.loads(json.dumps([dataclasses.asdict(document) for document in result.documents]))
    assert [(row["left"], row["right"], row["linked"], tuple(row["edits"])) for row in rows["pairs"]] == [
        (pair.left, pair.right, pair.linked, pair.operators) for pair in result.pairs
    ]
