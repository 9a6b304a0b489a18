"""The sure signs of furniture: each is found where it stands, and what only looks like one stays."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.boilerplate import age_resolved, clean
from dedup.boilerplate.classify import lines_of
from dedup.boilerplate.signs import LINE_STARTS, MARKS, SIGNS, may_have_signs, signs

if TYPE_CHECKING:
    from dedup.boilerplate.signs import Signs

PROSE = "The harbour council met on Tuesday and agreed to mend the old wall before winter."
CAPTION = "Masons look over the harbour wall at low tide (Ida N Brock/PA)"
POST = "The wall holds for now, says our engineer pic.twitter.com/aB3dE5fG7h"
SIGNATURE = "— Ida Brock 🌊 (@ida_brock) May 12, 2025"
MARKER = "date 2025-05-12 "

#: How each language says how old a story is: the words around a number, and the units from seconds to weeks.
AGES = {
    "en": ("{} ago", ("seconds", "minutes", "hours", "days", "weeks")),
    "de": ("vor {}", ("Sekunden", "Minuten", "Stunden", "Tagen", "Wochen")),
    "fr": ("il y a {}", ("secondes", "minutes", "heures", "jours", "semaines")),
    "es": ("hace {}", ("segundos", "minutos", "horas", "días", "semanas")),
    "pt": ("há {}", ("segundos", "minutos", "horas", "dias", "semanas")),
    "it": ("{} fa", ("secondi", "minuti", "ore", "giorni", "settimane")),
    "nl": ("{} geleden", ("seconden", "minuten", "uur", "dagen", "weken")),
    "pl": ("{} temu", ("sekundy", "minuty", "godziny", "dni", "tygodnie")),
    "ru": ("{} назад", ("секунды", "минуты", "часа", "дня", "недели")),
    "uk": ("{} тому", ("секунди", "хвилини", "години", "дні", "тижні")),
    "tr": ("{} önce", ("saniye", "dakika", "saat", "gün", "hafta")),
    "ar": ("منذ {}", ("ثوان", "دقائق", "ساعات", "أيام", "أسابيع")),
    "zh": ("{}前", ("秒", "分钟", "小时", "天", "周")),
    "ja": ("{}前", ("秒", "分", "時間", "日", "週間")),
}
#: When a story of three units was published, seen from a moment and from a day.
MOMENT, DAY = "2025-05-12T10:00:00", "2025-05-12"
EARLIER = (
    ("2025-05-12T09:59:57", DAY),
    ("2025-05-12T09:57:00", DAY),
    ("2025-05-12T07:00:00", DAY),
    ("2025-05-09T10:00:00", "2025-05-09"),
    ("2025-04-21T10:00:00", "2025-04-21"),
)
NOW = (
    *("just now", "gerade eben", "à l'instant", "ahora mismo", "agora mesmo", "proprio ora", "zojuist"),
    *("przed chwilą", "только что", "щойно", "şimdi", "الآن", "刚刚", "たった今"),
)
YESTERDAY = (
    *("yesterday", "gestern", "hier", "ayer", "ontem", "ieri", "gisteren", "wczoraj", "вчера", "вчора", "dün"),
    *("أمس", "昨天", "昨日"),
)
ALL_AGES = [
    *(form.format(f"3 {unit}") for form, units in AGES.values() for unit in units),
    *(form.format(f"3{unit}") for form, units in (AGES["zh"], AGES["ja"]) for unit in units),
    *NOW,
    *YESTERDAY,
]


def head(outlet: str = "Tarn Journal", age: str = "3 minutes ago", title: str = "Wall to be mended") -> str:
    """Return the lines that open a story of an aggregator."""
    return f"{outlet}\n{age}\n- {outlet}\n{title}\n"


def found(text: str) -> Signs:
    """Return the signs of a text."""
    return signs(text, lines_of(text))


def cut(text: str) -> tuple[str, list[str]]:
    """Return a text without its signs, and the name of each."""
    spans = found(text).spans
    assert all(text[span.start : span.end] for span in spans)
    assert all((span.kind, span.confidence) == SIGNS[span.rule] for span in spans)
    rest, position = [], 0
    for span in spans:
        assert span.start >= position
        rest.append(text[position : span.start])
        position = span.end
    return "".join([*rest, text[position:]]), [span.rule for span in spans]


@given(st.lists(st.sampled_from([*"ab\n -—/@()", "date ", MARKER, POST, SIGNATURE, CAPTION, head()])).map("".join))
def test_texts_that_may_have_signs_are_told_quickly(text: str) -> None:
    """Where the quick looks find nothing no sign is, in a text and in the bytes of a batch."""
    if not found(text).spans:
        return
    assert may_have_signs(text)
    raw = text.encode()
    lines = [line.lstrip() for line in raw.split(b"\n")]
    assert any(mark in raw for mark in (MARKS[i : i + 1] for i in range(len(MARKS)))) or any(
        line.startswith(LINE_STARTS) for line in lines
    )


@pytest.mark.parametrize(
    ("text", "rest", "published"),
    [
        (f"{MARKER}{PROSE}", PROSE, "2025-05-12"),
        (f" \n {MARKER}{PROSE}\n{PROSE}", f"{PROSE}\n{PROSE}", "2025-05-12"),
        (f"{MARKER}date 2025-05-13 {PROSE}", PROSE, "2025-05-12"),
        (f"{MARKER}date 2025-02-30 {PROSE}", f"date 2025-02-30 {PROSE}", "2025-05-12"),
        (f"date 2024-02-29\n{PROSE}", PROSE, "2024-02-29"),
        (f"date 2024-02-29\r\n{PROSE}", PROSE, "2024-02-29"),
        (f"{MARKER}\n\n{PROSE}", f"\n{PROSE}", "2025-05-12"),
        (MARKER, "", "2025-05-12"),
        ("date 2025-05-12", "", "2025-05-12"),
    ],
)
def test_date_marker_gives_the_day(text: str, rest: str, published: str) -> None:
    """The markers that open a page go, alone on their line with it, and the first day is that of the page."""
    assert cut(text) == (rest, ["date-marker"])
    assert found(text).metadata == {"published": published}


@pytest.mark.parametrize(
    "text",
    [
        f"date 2025-02-30 {PROSE}",
        f"date 2025-13-01 {PROSE}",
        f"date 0000-01-01 {PROSE}",
        "date 2025-05-12a",
        f"{PROSE}\n{MARKER}{PROSE}",
        f"date 25-5-12 {PROSE}",
        f"Date 2025-05-12 {PROSE}",
        f"date \u0662\u0660\u0662\u0665-05-12 {PROSE}",
        "",
        "\n",
    ],
)
def test_what_is_no_marker_stays(text: str) -> None:
    """A day that no calendar has, other words, and a marker inside the text stay."""
    assert cut(text) == (text, [])
    assert found(text).metadata == {}


@pytest.mark.parametrize(
    ("text", "rest", "rules"),
    [
        (f"{MARKER}{CAPTION}\n{PROSE}", PROSE, ["date-marker", "caption-line"]),
        (f"{MARKER}{POST} {SIGNATURE}\n{PROSE}", PROSE, ["embedded-post"]),
        (f"{MARKER}{CAPTION} {PROSE}", PROSE, ["date-marker", "caption-inline"]),
    ],
)
def test_what_follows_a_marker_is_read(text: str, rest: str, rules: list[str]) -> None:
    """A caption or a post behind a marker goes as it would on a line of its own."""
    assert cut(text) == (rest, rules)


@pytest.mark.parametrize(
    "line",
    [
        CAPTION,
        "Masons look over the wall. (Ida N Brock/PA)",
        "Masons look over the wall (Photo by Ida Brock/Getty Images)",
        "Masons look over the wall (Ida Brock/Pool/AFP via Getty Images)",
        "Masons look over the wall (AP Photo/Ida Brock)",
        "Masons look over the wall (Ida Brock/XYZ)",
        "Masons at work. Photograph: Ida Brock/AFP/Getty Images",
    ],
)
def test_caption_on_a_line_of_its_own_goes(line: str) -> None:
    """A short line that ends with a credit goes with its newline."""
    assert cut(f"{PROSE}\n{line}\n{PROSE}") == (f"{PROSE}\n{PROSE}", ["caption-line"])
    assert cut(f"{PROSE}\r\n{line}\r\n{PROSE}") == (f"{PROSE}\r\n{PROSE}", ["caption-line"])


@pytest.mark.parametrize("line", ["(Ida Brock/AP)", "(Ida Brock/AFP/Getty Images)"])
def test_credit_on_a_line_of_its_own_goes(line: str) -> None:
    """A credit with no caption goes with its line, as a credit."""
    assert cut(f"{PROSE}\n{line}\n{PROSE}") == (f"{PROSE}\n{PROSE}", ["credit"])


@pytest.mark.parametrize(
    ("line", "rest", "rules"),
    [
        (f"{PROSE} {CAPTION} {PROSE}", f"{PROSE} {PROSE}", ["caption-inline"]),
        (f"“{PROSE}” {CAPTION} “{PROSE}”", f"“{PROSE}” “{PROSE}”", ["caption-inline"]),
        (f"{CAPTION} {PROSE}", PROSE, ["caption-inline"]),
        (f"{PROSE * 4} {CAPTION}", PROSE * 4, ["caption-inline"]),
        (f"{PROSE * 4} (Ida Brock/AP) {PROSE}", f"{PROSE * 4} {PROSE}", ["credit"]),
        (f"{CAPTION} {PROSE} {CAPTION} {PROSE}", f"{PROSE} {PROSE}", ["caption-inline", "caption-inline"]),
    ],
)
def test_caption_inside_a_paragraph_goes_alone(line: str, rest: str, rules: list[str]) -> None:
    """A caption merged into a paragraph goes from the end of one sentence to the start of the next."""
    assert cut(line) == (rest, rules)


@pytest.mark.parametrize(
    "line",
    [
        f"{PROSE} (AP/Reuters)",
        f"{PROSE} He met Ida Brock (Ida Brock/AP) before noon.",
        "The double of Ida Brock/Ana Vale (Tarn/Wick) won.",
        "They played well all through the day (Ida Brock/12)",
        "ALL THAT HAPPENS TODAY IN THE TOWN (TIMES EST/GMT)",
        "Soul (Ida Brock/XYZ)",
        f"{'word ' * 60}(Ida Brock/AP)",
        f"{'word ' * 60}(Ida Brock/AP) {PROSE}",
    ],
)
def test_parentheses_that_are_no_credit_stay(line: str) -> None:
    """The signature of a report, a score, a mention in prose and a sentence too long for a caption stay."""
    assert cut(f"{PROSE}\n{line}") == (f"{PROSE}\n{line}", [])


@pytest.mark.parametrize(
    "post",
    [
        # The text, and below it who posted it.
        f"{POST}\n{SIGNATURE}",
        f"{POST}\n\n{SIGNATURE}",
        f"The wall holds.\n{SIGNATURE}",
        "The wall holds https://x.com/ida/status/1\n- Ida Brock (@ida_brock) 12 May 2025",
        "The wall holds https://t.co/aB3dE5fG7h\n\u2013 Ida Brock (@ida_brock) 12 May 2025",
        # Both in one line.
        f"{POST} {SIGNATURE}",
        "The wall holds for now. \u2013 Ida Brock (@ida_brock) May 12, 2025",
        # Who posted it alone.
        SIGNATURE,
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_embedded_post_goes_with_its_signature(post: str, end: str) -> None:
    """A post and its signature are one span, and the lines around them stay."""
    text = f"{PROSE}\n\n{post}\n\n{PROSE}".replace("\n", end)
    assert cut(text) == (f"{PROSE}\n\n\n{PROSE}".replace("\n", end), ["embedded-post"])


def test_post_takes_the_captions_that_were_found_in_it() -> None:
    """A line with a credit that turns out to be a post goes once, as a post."""
    assert cut(f"{PROSE}\n{CAPTION}\n{SIGNATURE}\n{PROSE}") == (f"{PROSE}\n{PROSE}", ["embedded-post"])


@pytest.mark.parametrize("above", [f"{PROSE}\n\n", f"{PROSE * 5}\n"])
def test_signature_takes_no_paragraph_that_is_no_post(above: str) -> None:
    """A signature goes alone when a blank line or a long paragraph stands above it."""
    assert cut(f"{above}{SIGNATURE}\n") == (above, ["embedded-post"])


@pytest.mark.parametrize(
    "line",
    [
        f"{PROSE * 5} {SIGNATURE}",
        "Write to Ida Brock (@ida_brock)",
        "Write to Ida Brock (@ida_brock) today",
        f"The wall (@ida_brock) May 12, 2025 {PROSE}",
        f"The wall holds — {'Ida ' * 30}(@ida_brock) May 12, 2025",
        "The wall holds (@ida_brock) May 12, 2025",
        POST,
    ],
)
def test_prose_with_a_handle_stays(line: str) -> None:
    """A paragraph that ends with a post, a handle without a day, a nameless one and a link alone stay."""
    assert cut(f"{PROSE}\n{line}") == (f"{PROSE}\n{line}", [])


@pytest.mark.seconds
@pytest.mark.parametrize("age", ALL_AGES)
@pytest.mark.parametrize("style", [str, str.upper, "  {}  ".format], ids=["as it is", "capitals", "spaces"])
def test_related_story_of_any_age_goes(age: str, style: type[str]) -> None:
    """A story below its outlet and its age, in any of the languages, goes and becomes an item."""
    if age.upper().lower() != age.lower():
        return
    text = f"{PROSE}\n{head(age=style(age))}{PROSE}\n"
    assert cut(text) == (f"{PROSE}\n", ["related-story"])
    item = found(text).items[0]
    assert (item.source, item.title, item.text) == ("Tarn Journal", "Wall to be mended", PROSE)
    assert item.age == style(age).strip()
    assert text[item.start : item.end] == item.text


@pytest.mark.parametrize(
    "lines",
    [
        "Tarn Journal\n3 minutes ago\n- Wick Journal\nWall to be mended\n",
        "Tarn Journal\n3 minutes ago\nTarn Journal\nWall to be mended\n",
        "Tarn Journal\n3 moments ago\n- Tarn Journal\nWall to be mended\n",
        "Tarn Journal\n3 minutes ago and more than anybody can say today\n- Tarn Journal\nWall to be mended\n",
        "Tarn Journal\n- Tarn Journal\n3 minutes ago\nWall to be mended\n",
        "3 minutes ago\n- Tarn Journal\nWall to be mended\n",
        "Tarn Journal\n3 minutes ago\n",
        head("Tarn Journal " * 10),
        head(age="2 года назад"),
    ],
)
def test_lines_that_are_no_head_stay(lines: str) -> None:
    """Another outlet, no age, another order, or a name longer than any outlet's make no head."""
    text = f"{PROSE}\n{lines}{PROSE}\n"
    assert cut(text) == (text, [])


@pytest.mark.parametrize(
    ("text", "rest", "items"),
    [
        # A blank line, behind its text or its title, but not those in the head.
        (f"{head()}{PROSE}\n\n{PROSE}", f"\n{PROSE}", [PROSE]),
        (f"{head()}\n{PROSE}\n\n{PROSE}", f"\n{PROSE}\n\n{PROSE}", []),
        (f"{head()}{PROSE}\n".replace("\n", "\n\n", 3) + f"\n{PROSE}", f"\n{PROSE}", [PROSE]),
        # The next head.
        (f"{head()}{PROSE}\n{head('Wick')}{PROSE}\n", "", [PROSE, PROSE]),
        # The end of the page.
        (f"{PROSE}\n{head()}{PROSE}\n{PROSE}", f"{PROSE}\n", [f"{PROSE}\n{PROSE}"]),
        # Without a text it makes no item.
        (f"{PROSE}\n{head()}", f"{PROSE}\n", []),
        (f"{PROSE}\n{head()}\n{head('Wick')}", f"{PROSE}\n\n", []),
    ],
)
def test_story_ends(text: str, rest: str, items: list[str]) -> None:
    """A story goes on to a blank line, the next head or the end of the page."""
    left, rules = cut(text)
    assert (left, set(rules)) == (rest, {"related-story"})
    assert [item.text for item in found(text).items] == items


@pytest.mark.parametrize("heading", ["Related Articles", "Related stories", "More stories", "Lesen Sie auch"])
def test_heading_above_the_first_story_goes(heading: str) -> None:
    """The heading right above goes with the first story; another line stays."""
    stories = f"{head()}{PROSE}\n\n{head('Wick')}{PROSE}\n"
    assert cut(f"{PROSE}\n{heading}\n\n{stories}")[0] == f"{PROSE}\n\n"
    assert cut(f"{PROSE}\nThe wall\n\n{stories}")[0] == f"{PROSE}\nThe wall\n\n\n"


def test_ages_go_back_from_a_moment_and_from_a_day() -> None:
    """An age is taken off the date of the page in every language, as exactly as that date is known."""
    for form, units in AGES.values():
        for unit, (moment, day) in zip(units, EARLIER, strict=True):
            age = form.format(f"3 {unit}")
            assert (age, age_resolved(age, MOMENT)) == (age, moment)
            assert (age, age_resolved(age, DAY)) == (age, day)


def test_words_for_an_age_without_a_number() -> None:
    """`Just now` is the moment of the page, and `yesterday` a day before, in every language."""
    for age in NOW:
        assert (age_resolved(age, MOMENT), age_resolved(age, DAY)) == (MOMENT, DAY)
    for age in YESTERDAY:
        assert (age_resolved(age, MOMENT), age_resolved(age, DAY)) == ("2025-05-11T10:00:00", "2025-05-11")


@pytest.mark.parametrize(
    ("age", "published", "expected"),
    [
        ("an hour ago", MOMENT, "2025-05-12T09:00:00"),
        ("a day ago", DAY, "2025-05-11"),
        (" 25 HOURS AGO ", DAY, "2025-05-11"),
        ("2 hours ago", "2025-05-12T01:00:00+02:00", "2025-05-11T23:00:00+02:00"),
        ("2 hours ago", "2025-05-12T01:00:00Z", "2025-05-11T23:00:00+00:00"),
        ("2 hours ago", " 2025-05-12 ", DAY),
        ("2 hours ago", "20250512", DAY),
        ("999 weeks ago", "0001-01-01", None),
        ("1 second ago", "0001-01-01T00:00:00", None),
        ("3 moons ago", MOMENT, None),
        ("3 months ago", MOMENT, None),
        ("1000 days ago", MOMENT, None),
        ("5 m\u0131n ago", MOMENT, None),
        ("\u0663 days ago", MOMENT, None),
        ("3 minutes ago", "soon", None),
        ("3 minutes ago", "2025-02-30", None),
        ("3 minutes ago", "", None),
        ("3 minutes ago", None, None),
        ("", MOMENT, None),
        (None, MOMENT, None),
        ("3 minutes ago" * 9, MOMENT, None),
    ],
)
def test_age_is_resolved(age: str | None, published: str | None, expected: str | None) -> None:
    """Zones stay, and what is no age, no date or beyond the calendar is unknown."""
    assert age_resolved(age, published) == expected


@given(st.text(), st.one_of(st.text(), st.sampled_from([MOMENT, DAY])))
def test_any_age_and_any_date_are_read(age: str, published: str) -> None:
    """Whatever a page says of its age and its date, the answer is a date or unknown."""
    for said in (age, f"3 {age}", f"{age} ago"):
        resolved = age_resolved(said, published)
        assert resolved is None or resolved <= max(published, resolved)


def test_rules_of_a_cleaned_page_are_those_of_its_signs() -> None:
    """`clean` removes what the signs say, under their names."""
    parts = (MARKER, f"{PROSE}\n", f"{CAPTION}\n", f"{POST}\n{SIGNATURE}\n", head(), PROSE)
    rules = ["date-marker", "caption-line", "embedded-post", "related-story"]
    assert [span.rule for span in clean("".join(parts)).removed] == rules
    for left, right in product(("", "\n"), repeat=2):
        assert clean(f"{left}{PROSE}\n{CAPTION}\n{right}{PROSE}").text == f"{left}{PROSE}\n{right}{PROSE}"
