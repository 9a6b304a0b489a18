"""The laws of `clean`: what holds for every text, that one page at a time and many give the same, and time."""

from __future__ import annotations

import re
import time
import timeit
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup import Article, InvalidArgumentError, deduplicate
from dedup.boilerplate import classify, clean, page, signs, wire_ranks
from dedup.boilerplate.agencies import is_agency
from dedup.boilerplate.attribution import attribute
from dedup.kernels.blocks import COLUMNS, MAX_BLOCKS, NODES, REACH, Forest
from dedup.kernels.native import Texts
from dedup.model import Cleaned

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "seeds"

PROSE = "The harbour council met on Tuesday and agreed to mend the old wall before winter."
LONG = (
    f"{PROSE} The work will take until March, and the ferry to the island will sail twice a day meanwhile. "
    "Nobody knows yet who is going to pay for it, the harbour master told a meeting of residents in the evening."
)
OTHER = (
    "The wall was built in 1911 by masons from the north of the county, whose grandchildren still live in the town. "
    "It has been mended three times since, most recently when a storm took away some forty metres of it."
)
CAPTION = "Masons look over the harbour wall at low tide (Ida N Brock/PA)"
POST = "The wall holds for now, says our engineer pic.twitter.com/aB3dE5fG7h"
SIGNATURE = "— Ida Brock 🌊 (@ida_brock) May 12, 2025"
HEAD = "Tarn Journal\n3 minutes ago\n- Tarn Journal\nWall to be mended\n"
MARKER = "date 2025-05-12 "
SUGGESTED = "Sign up to our newsletter"

#: Prose of several scripts.
STORIES = (
    PROSE,
    LONG,
    "Die Stadt lässt die alte Mauer am Hafen noch vor dem Winter ausbessern, wie der Rat am Dienstag beschlossen hat.",
    "Le conseil du port a décidé mardi de réparer le vieux mur avant l'hiver, et le bac partira deux fois par jour.",
    "El consejo del puerto acordó el martes reparar el viejo muro antes del invierno, según dijo su presidente.",
    "Совет порта решил во вторник отремонтировать старую стену до зимы, сообщил начальник гавани жителям города.",
    "قرر مجلس الميناء يوم الثلاثاء إصلاح الجدار القديم قبل حلول الشتاء، كما قال مدير المرفأ لسكان البلدة.",
    "港口委员会星期二决定在冬天之前修好旧墙。港务长晚上对居民们说、渡船在这段时间里每天开两班。",
    "港の委員会は火曜日、冬が来る前に古い壁を直すことを決めた。渡し船はその間、一日に二回出るという。",
)
#: Lines that are furniture, that look like it, or that are none.
LINES = (
    *STORIES,
    "",
    " ",
    "\t\u00a0\u3000",
    "\0",
    "\ud800",
    f"\ud800{PROSE}\0",
    "…",
    "— — —",
    "!?",
    "(",
    "/",
    f"{MARKER}{PROSE}",
    f" {MARKER}{MARKER}Comments",
    "date 2025-02-30 No such day.",
    MARKER,
    CAPTION,
    f"{PROSE} {CAPTION} {PROSE}",
    f"{PROSE} {CAPTION} {CAPTION}",
    f"{LONG} {CAPTION}",
    f"{PROSE} (AP/Reuters)",
    f"{'word ' * 60}(Ida Brock/AP) {CAPTION}",
    "Masons at work. Photograph: Ida Brock/AFP/Getty Images",
    f"{LONG} Photograph: Ida Brock/AFP/Getty Images",
    f"Read more: it is short (Ida Brock/AP) {PROSE}",
    "(Ida Brock/AP)",
    "Home",
    "Comments",
    "No comments yet...",
    "Related Articles",
    "Lesen Sie auch",
    "Читайте также",
    "相关新闻",
    "関連記事",
    "مواضيع ذات صلة",
    "Wall to be mended",
    "Tarn Journal",
    " Tarn Journal ",
    "3 minutes ago",
    "- Tarn Journal",
    HEAD,
    f"{HEAD}{PROSE}",
    POST,
    SIGNATURE,
    f"{POST} {SIGNATURE}",
    "Read more: why the wall fell",
    SUGGESTED,
    "Melden Sie sich für unseren Newsletter an",
    "Abonnez-vous à notre newsletter",
    "We use cookies. Accept all",
    "Share on Facebook",
    "© 2025 Tarn Media. All rights reserved.",
    "By Ida Brock",
    "KESWICK, May 12 (Reuters) - The wall fell.",
)
SEPARATORS = ("\n", "\n\n", "\r\n", "\n \n", " ")
SOURCES = (None, "", "Tarn Journal", " tarn journal ", "Reuters")

texts = st.builds(
    lambda lines, separator, end: separator.join(lines) + end,
    st.lists(st.sampled_from(LINES), max_size=16),
    st.sampled_from(SEPARATORS),
    st.sampled_from(["", "\n", "\n\n"]),
)


def stump(column: str, least: int) -> Forest:
    """Return a forest that takes a block for the story when it has at least so much of a column."""
    places, limits = np.full((1, NODES), COLUMNS.index(column), np.int16), np.full((1, NODES), least - 1, np.int16)
    leaves = np.repeat(np.array([-5000, 5000], np.int16), (NODES + 1) // 2)
    return Forest(places.tobytes(), limits.tobytes(), leaves.tobytes(), 0, 0, 0)


def random_forest(seed: int) -> Forest:
    """Return trees over columns of a block and of its neighbours that take out some blocks of most texts."""
    rng = np.random.default_rng(seed)
    far = REACH * len(COLUMNS)
    places = rng.integers(-far, far + len(COLUMNS), (20, NODES), np.int16)
    limits, leaves = rng.integers(-1, 40, (20, NODES), np.int16), rng.integers(-900, 1100, (20, NODES + 1), np.int16)
    return Forest(places.tobytes(), limits.tobytes(), leaves.tobytes(), -1000, -2000, -500)


def use_forest(monkeypatch: pytest.MonkeyPatch, forest: Forest) -> None:
    """Have blocks scored by a forest."""
    lexicon, _ = classify.weights()
    monkeypatch.setattr(classify, "weights", lambda: (lexicon, forest))


def check_laws(text: str, source: str | None = None) -> Cleaned:
    """Clean `text` and check what holds for every text."""
    cleaned = clean(text, source=source)
    check_spans(cleaned, text)
    check_items(cleaned)
    check_blocks(cleaned)
    again = clean(cleaned.text, source=source)
    assert (again.text, again.removed) == (cleaned.text, ())
    return cleaned


def check_spans(cleaned: Cleaned, text: str) -> None:
    """Check that the removed spans and the clean text make up the original."""
    assert cleaned.original == text
    position = 0
    rest = []
    for span in cleaned.removed:
        assert position <= span.start < span.end <= len(text)
        assert 0 <= span.confidence <= 1
        assert span.rule in {*signs.SIGNS, "cue", "extent", "shape"}
        assert span.kind == signs.SIGNS.get(span.rule, (span.kind,))[0]
        rest.append(text[position : span.start])
        position = span.end
    assert cleaned.text == "".join(rest) + text[position:]
    assert cleaned.restore() == text


def check_items(cleaned: Cleaned) -> None:
    """Check that items are stretches of the original, in order, in what was removed."""
    for item in cleaned.items:
        assert item.start < item.end
        assert item.text == cleaned.original[item.start : item.end]
        assert any(
            span.start < item.end and item.start < span.end for span in cleaned.removed if span.kind == "related"
        )
    assert all(left.end <= right.start for left, right in pairwise(cleaned.items))


def check_blocks(cleaned: Cleaned) -> None:
    """Check that the blocks are the removed spans and what is not blank of the rest, each once and in order."""
    gaps = []
    position = 0
    for block in cleaned.blocks:
        assert position <= block.start < block.end
        assert 0 <= block.confidence <= 1
        gaps.append(cleaned.original[position : block.start])
        position = block.end
    gaps.append(cleaned.original[position:])
    # Controls are no text to the kernel.
    assert all(char.isspace() or char < " " for gap in gaps for char in gap)
    blocks = {(block.start, block.end, block.kind) for block in cleaned.blocks}
    assert {(span.start, span.end, span.kind) for span in cleaned.removed} <= blocks


@given(st.text(), st.sampled_from(SOURCES))
def test_laws_hold_for_any_text(text: str, source: str | None) -> None:
    """Spans are sorted, never overlap and restore the text, and a clean text loses nothing more."""
    check_laws(text, source)


@given(texts, st.sampled_from(SOURCES))
@example(f"{PROSE} {CAPTION} {PROSE}", None)
@example(f"{MARKER}{PROSE} {CAPTION} {CAPTION}", "Tarn Journal")
def test_laws_hold_for_any_mixture(text: str, source: str | None) -> None:
    """The laws hold whatever furniture stands next to whatever else."""
    check_laws(text, source)


@given(
    st.lists(
        st.sampled_from(
            [
                *("S one.", "Cap two", "(Ida Brock/AP)", "(Ida Brock/XYZ)", "(A/B)", "(", "/", "…", "U.S.", "“So.”"),
                *("x " * 41, "Photograph: Ida Brock/AP", "Photo: J. Doe/Reuters", LONG),
            ]
        ),
        max_size=12,
    )
)
@example(["x " * 41, "S one.", "(Ida Brock/AP)", "Cap two", "(Ida Brock/AP)"])
@example(["Photograph: Ida Brock/AP", "…", "(Ida Brock/AP)", "Cap two"])
def test_laws_hold_inside_a_line(pieces: list[str]) -> None:
    """The laws hold for any run of sentences, captions and credits in one line."""
    check_laws(" ".join(pieces))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\r\n \n",
        "\0",
        "\ud800",
        "…",
        "?!",
        PROSE,
        f"{LONG}\n\n{LONG}\n",
        "date",
        "2025-05-12",
        "a/b (c/d) e@f",
    ],
)
def test_text_without_furniture_comes_back_as_it_is(text: str) -> None:
    """Nothing is removed where there is no furniture."""
    cleaned = check_laws(text)
    assert (cleaned.text, cleaned.removed, cleaned.items, cleaned.metadata) == (text, (), (), {})


@pytest.mark.parametrize(
    "text",
    [
        "Home\nNews\nSport\nSign in",
        "Related Articles",
        f"{SUGGESTED}\n\nFollow us on Facebook\nShare\n",
        "We use cookies. Accept all",
        CAPTION,
        MARKER,
        HEAD,
        f"{POST}\n{SIGNATURE}",
    ],
)
def test_page_without_a_story_stays(text: str) -> None:
    """A page of which nothing would be left stays as it is, with nothing learned from it."""
    cleaned = check_laws(text)
    assert (cleaned.text, cleaned.removed, cleaned.items, cleaned.metadata) == (text, (), (), {})


@pytest.mark.parametrize("stories", [f"{HEAD}{LONG}", f"Related Articles\n{HEAD}{LONG}"])
def test_page_of_other_stories_gives_them(stories: str) -> None:
    """A page that carries stories and has none of its own is empty, and they are its items."""
    cleaned = check_laws(stories)
    assert (cleaned.text, len(cleaned.items)) == ("", 1)


def test_whole_page_comes_down_to_its_story() -> None:
    """Menus above, promotions inside and lists below go with their lines; blank lines stay."""
    menu = "Home\nNews\nSport\nSign in\n"
    below = "Share\nMost read\nFerry to sail twice a day\nOld crane is sold\n"
    cleaned = check_laws(f"{menu}{LONG}\n\n{SUGGESTED}\n\n{OTHER}\n{below}")
    assert cleaned.text == f"{LONG}\n\n\n{OTHER}\n"
    kinds = [span.kind for span in cleaned.removed]
    assert kinds[4:] == ["promo", "share", "most_read", "most_read", "most_read"]
    assert kinds[0] == "navigation"


def test_lines_that_the_forest_takes_out_go_with_their_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the forest takes out goes with its line, for its cue, for the heading above it, or for its shape."""
    use_forest(monkeypatch, stump("words", 8))
    furniture = (
        ("Home", "navigation", "cue"),
        ("Tarn", "navigation", "shape"),
        (LONG, "", ""),
        (SUGGESTED, "promo", "cue"),
        (OTHER, "", ""),
        ("Ferry to sail again", "related", "shape"),
        ("Most read", "most_read", "cue"),
        ("Old crane is sold", "most_read", "extent"),
        ("Wall", "most_read", "extent"),
        (LONG, "", ""),
        ("Wall", "navigation", "shape"),
    )
    cleaned = check_laws("\n".join(line for line, _, _ in furniture))
    assert cleaned.text == f"{LONG}\n{OTHER}\n{LONG}\n"
    assert [(span.kind, span.rule) for span in cleaned.removed] == [(kind, rule) for _, kind, rule in furniture if kind]


@pytest.mark.parametrize("seed", range(4))
@given(drawn=texts)
def test_laws_hold_for_any_forest(seed: int, drawn: str) -> None:
    """The laws do not lean on the weights that are shipped."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_forest(monkeypatch, random_forest(seed))
        check_laws(drawn)


@pytest.mark.parametrize(
    "line",
    [
        "Readers who want related articles removed from the archive must write to the council, its clerk said.",
        "The newsletter of the ferry company, which anybody may sign up for, did not mention the wall in its issue.",
        "Comments on the plan may be sent to the council until Friday, and most of them have been friendly so far.",
        "Cookies and tea were served after the meeting, which went on until midnight with many questions.",
        "Photographs of the wall, all rights to which are reserved to the council, hang in the hall of the old school.",
    ],
)
def test_prose_that_mentions_a_cue_stays(line: str) -> None:
    """A sentence of the story that contains the words of furniture stays."""
    assert check_laws(f"{LONG}\n{line}\n{LONG}").removed == ()


@pytest.mark.parametrize("argument", ["text", "source", "language"])
def test_argument_must_be_a_text(argument: str) -> None:
    """Anything but a str is refused by name."""
    arguments = {"text": PROSE, argument: 3}
    with pytest.raises(InvalidArgumentError, match=f"{argument} must be a str. Got 3."):
        clean(**arguments)  # type: ignore[arg-type]


def test_language_is_noted() -> None:
    """The language joins the metadata and changes nothing else; an empty one is left out."""
    text = f"{MARKER}{LONG}\n{SUGGESTED}\n"
    plain, noted = clean(text), clean(text, language="en")
    assert dict(noted.metadata) == {"published": "2025-05-12", "language": "en"}
    assert noted.removed == plain.removed
    assert clean(text, language="") == plain


def test_source_attributes_the_text() -> None:
    """The text of an agency is attributed to it with no place in the text; another outlet's is read."""
    own = clean(LONG, source="Reuters").attribution
    assert own is not None
    assert (own.agency, own.role, own.start, own.end, own.confidence) == ("Reuters", "origin", 0, 0, 1.0)
    assert clean(LONG, source="Tarn Journal").attribution is None


def test_labels_that_stay_are_named() -> None:
    """Blocks that stay are a headline, labels or body, with the kind of each."""
    text = f"Old wall to be mended\nBy Ida Brock\n{LONG}\nWhy it fell\n{LONG}"
    cleaned = check_laws(text)
    kinds = [block.kind for block in cleaned.blocks if not any(s.start == block.start for s in cleaned.removed)]
    assert kinds[0] == "headline"
    assert kinds.count("body") == 2


def test_line_that_stays_around_a_caption_is_a_block_for_each_part() -> None:
    """A caption in a paragraph is a block between the two parts of the paragraph."""
    text = f"{LONG} {CAPTION} {LONG}"
    cleaned = check_laws(text)
    assert [block.kind for block in cleaned.blocks] == ["body", "caption", "body"]
    assert "".join(text[block.start : block.end] for block in cleaned.blocks) == text
    assert cleaned.text == f"{LONG} {LONG}"


#: Signs that only appear when another is gone: a head around a caption, a post around a line of furniture.
NESTED = f"{LONG}\nTarn Journal\n(Ida Brock/AP)\n3 minutes ago\n- Tarn Journal\nWall to be mended\n{LONG}\n"


def test_page_that_does_not_come_to_rest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is not at rest after the last round is left as it is, which is at rest as well."""
    assert clean(NESTED).removed
    assert clean(NESTED).items
    for rounds in range(3):
        monkeypatch.setattr(page, "_ROUNDS", rounds)
        cleaned = clean(NESTED)
        assert (cleaned.text, cleaned.removed, cleaned.items, cleaned.metadata) == (NESTED, (), (), {})


#: Distinct outlets, so that no block can repeat in several texts of one.
batches = st.lists(texts, max_size=5).map(
    lambda drawn: [Article(f"a{number}", text, source=f"Outlet {number}") for number, text in enumerate(drawn)]
)


@given(batches, st.integers(1, 2))
@example([Article("a0", f"{PROSE}\nTarn Journal\n{PROSE}", source="Tarn Journal")], 1)
def test_many_texts_are_cleaned_as_each_alone(articles: list[Article], threads: int) -> None:
    """A run cleans each text as `clean` does, whatever stands beside it in the batch."""
    result = deduplicate(articles, threads=threads)
    for article in articles:
        alone = clean(article.text, source=article.source)
        found = result.cleaned.get(article.id, Cleaned(article.text, article.text))
        assert (found.text, found.removed, found.items) == (alone.text, alone.removed, alone.items)
        assert dict(found.metadata) == dict(alone.metadata)
    ids = {article.id for article in articles}
    carried = [article.text for article in result.articles if article.parent in ids]
    expected = [item.text for article in articles for item in clean(article.text).items]
    assert sorted(carried) == sorted(expected)


def test_item_is_dated_by_the_marker_of_its_page() -> None:
    """The age of an item counts back from the date of its page, also where only a date marker tells it."""
    text = f"{MARKER}{LONG}\nTarn Journal\n2 days ago\n- Tarn Journal\nWall to be mended\n{LONG}"
    for published in ("2025-05-12", None):
        result = deduplicate([Article("a", text, published=published)])
        assert [article.published for article in result.articles] == ["2025-05-12", "2025-05-10"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real pages are not here")
@pytest.mark.parametrize(
    ("name", "kinds", "published", "words", "items"),
    [
        ("000", {"metadata", "caption"}, "2025-05-09", 503, 0),
        ("001", {"metadata", "caption"}, "2025-05-12", 598, 0),
        ("002", {"embed", "promo", "comments", "related"}, None, 547, 3),
        ("003", {"metadata", "caption"}, "2025-03-17", 533, 0),
        ("004", set(), None, 446, 0),
    ],
)
def test_real_pages_come_down_to_their_articles(
    name: str, kinds: set[str], published: str | None, words: int, items: int
) -> None:
    """Each real page comes down to the words of its article and the stories beside it."""
    cleaned = check_laws(next(REAL.glob(f"{name}_*.txt")).read_bytes().decode())
    assert {span.kind for span in cleaned.removed} == kinds
    assert cleaned.metadata.get("published") == published
    assert len(cleaned.text.split()) == words
    assert len(cleaned.items) == items


#: What a rule that looks back or ahead without a bound would be slow at.
HOSTILE = {
    "one line": "word ",
    "one word": "w",
    "no spaces": "港",
    "prose": f"{PROSE}\n",
    "empty lines": "\n",
    "short lines": "a\n",
    "spaces": "\t ",
    "parentheses": "(",
    "slashes": "/",
    "open credits": "(Ida Brock/AP ",
    "credits": "(Ida Brock/AP) ",
    "credited sentences": "Cap (Ida Brock/AP) S. ",
    "credited lines": f"{PROSE}\n{CAPTION}\n",
    "full stops": ". ",
    "headings": "Related Articles\n",
    "heads": HEAD,
    "stories": f"{HEAD}{PROSE}\n\n",
    "beginnings of heads": "\n- x",
    "markers": MARKER,
    "marker lines": f"{MARKER}\n",
    "signatures": f"{SIGNATURE}\n",
    "handles": "(@",
    "dashes": "— ",
    "cues in prose": f"{PROSE}\n{SUGGESTED}\n",
    "nul and lone surrogate": "\0\ud800/(\n",
}


def seconds(run: Callable[[], object]) -> float:
    """Return the best processor time of two."""
    return min(timeit.repeat(run, time.process_time, repeat=2, number=1))


@pytest.mark.seconds
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("before", ["", f"{LONG}\nRelated Articles\n(@ "], ids=["alone", "below a story"])
def test_time_is_linear(unit: str, before: str) -> None:
    """Four times the text takes about four times the time, where a quadratic rule would take sixteen times."""
    # A text of 65,536 lines or more is left alone.
    most = min(100_000 // len(unit), 12_000 // max(1, unit.count("\n")))
    small, large = before + unit * (most // 4), before + unit * most
    assert clean(large).restore() == large
    # Once more when it fails: a machine that does other work meanwhile is slow at random, a quadratic rule always.
    assert any(seconds(partial(clean, large)) < 10 * seconds(partial(clean, small)) + 0.2 for _ in range(3))


@pytest.mark.slow
@pytest.mark.parametrize("unit", [*HOSTILE.values(), f"{PROSE} "], ids=[*HOSTILE, "prose in one line"])
def test_ten_megabytes_are_cleaned(unit: str) -> None:
    """A text of 10 MB comes back within a minute, whatever it is made of."""
    text = unit * (10_000_000 // len(unit))
    begin = time.process_time()
    cleaned = clean(text)
    assert time.process_time() - begin < 60
    assert cleaned.restore() == text


@pytest.mark.slow
@pytest.mark.parametrize("lines", [MAX_BLOCKS - 1, MAX_BLOCKS, MAX_BLOCKS + 1, 1_000_000])
def test_any_number_of_lines_is_cleaned(lines: int) -> None:
    """A text of more lines than a page may have stays as it is; empty lines do not count."""
    text = f"{LONG}\n\n{SUGGESTED}\n\n" * (lines // 2) + f"{LONG}\n" * (lines % 2)
    cleaned = clean(text)
    assert cleaned.restore() == text
    assert bool(cleaned.removed) == (lines <= MAX_BLOCKS)


#: Openings that name an agency, in every form that counts; the last one does not.
DATELINES = (
    "KYIV, May 12 (Reuters) - ",
    "TARNMOUTH, May 12, 2025 /PRNewswire/ -- ",
    "新华社北京5月12日电 ",
    "【ロンドン時事】",
    "上海（路透）- ",  # noqa: RUF001
    "LONDON, Reuters - ",
)
#: Openings of one length in characters and of several in bytes, so that credits stand on both sides of a limit.
fillers = st.builds(
    lambda character, count: character * count + "\n", st.sampled_from("aé港🌊\ud800"), st.integers(180, 205)
)
printed = st.tuples(
    st.builds(
        "".join, st.tuples(st.just("") | fillers, st.sampled_from(DATELINES) | st.just(""), st.sampled_from(STORIES))
    ),
    st.sampled_from([None, "Gazette", "Reuters", " pa media "]),
)


def wire_rank(text: str, source: str | None) -> int:
    """Return how near one text is to its wire, as the definition says it."""
    found = attribute(text) if re.search("[(/（【电電]", text[:200]) else None  # noqa: RUF001
    credited = found is not None and found.role == "origin" and found.start < 200
    return 0 if is_agency(source) else 1 if credited else 2


@given(st.lists(printed, max_size=6))
def test_wire_ranks_follow_the_definition(articles: list[tuple[str, str | None]]) -> None:
    """An agency's own text, then one that an agency's credit opens, then others; a batch is ranked text by text."""
    strings, sources = [text for text, _ in articles], [source for _, source in articles]
    ranks = wire_ranks(strings, Texts.from_strings(strings), sources)
    assert ranks.tolist() == [wire_rank(text, source) for text, source in articles]


def test_every_form_of_a_credit_is_seen() -> None:
    """What opens with the credit of an agency is ranked as such, whatever its script; a dash alone is not enough."""
    strings = [f"{dateline}{STORIES[0]}" for dateline in DATELINES]
    ranks = wire_ranks(strings, Texts.from_strings(strings), [None] * len(strings)).tolist()
    assert ranks == [1, 1, 1, 1, 1, 2]
