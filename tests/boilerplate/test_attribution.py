"""Which credits `attribute` reads in each language, and what prose it leaves alone."""
# ruff: noqa: RUF001  # examples in every script

from __future__ import annotations

import time
import timeit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.boilerplate.agencies import AGENCIES, CANONICAL, CREDITED, PICTURES, is_agency
from dedup.boilerplate.attribution import CONFIDENCE, attribute
from dedup.errors import InvalidArgumentError

PROSE = "The harbour council met on Tuesday and agreed to mend the old wall before winter."
STORY = f"{PROSE}\n\n{PROSE} {PROSE}\n\n{PROSE}\n\n{PROSE}\n\n{PROSE}"
ROLES = {"dateline": "origin", "byline": "origin", "closing": "origin", "contributed": "contributed", "photo": "photo"}

DATELINES = {
    "TARNMOUTH, May 12 (Reuters) - The wall": "Reuters",
    "TARNMOUTH (AP) — The wall": "AP",
    "TARNMOUTH, N.Y. (AP) _ The wall": "AP",
    "(Reuters) - The wall": "Reuters",
    "By Ida Brock and Ana Vale TARNMOUTH (Reuters) - The wall": "Reuters",
    "TARNMOUTH (Reuters Health) - The wall": "Reuters",
    "TARNMOUTH--(BUSINESS WIRE)--The wall": "Business Wire",
    "TARNMOUTH, May 12, 2025 /PRNewswire/ -- The wall": "PR Newswire",
    "TARNMOUTH, May 12, 2025 (GLOBE NEWSWIRE) -- The wall": "GlobeNewswire",
    "TARNMOUTH — The Canadian Press": "Canadian Press",
    "AFP - The wall": "AFP",
    "Berlin (dpa) - Die Mauer": "dpa",
    "Wien (APA/dpa) – Die Mauer": "APA",
    "BERLIN, 3 mars (AFP) - Le mur": "AFP",
    "Madrid, 12 may (EFE).- El muro": "EFE",
    "Lisboa, 12 mai 2025 (Lusa) - O muro": "Lusa",
    "(ANSA) - ROMA, 12 MAG - Il muro": "ANSA",
    "DEN HAAG (ANP) - De muur": "ANP",
    "Warszawa (PAP) - Mur": "PAP",
    "МОСКВА, 12 мая. /ТАСС/. Стена": "TASS",
    "КИЕВ, 12 мая - РИА Новости. Стена": "RIA Novosti",
    "КИЇВ, 12 травня (Укрінформ) - Стіна": "Ukrinform",
    "ANKARA (AA) - Duvar": "Anadolu",
    "لندن (رويترز) - السور": "Reuters",
    "(أ ف ب) - السور": "AFP",
    "القاهرة (د ب أ) - السور": "dpa",
    "واس - الرياض: السور": "SPA",
    "الدوحة (قنا) - السور": "QNA",
    "新华社北京5月12日电 城墙": "Xinhua",
    "据新华社北京5月12日电（记者甲）城墙": "Xinhua",
    "中新网５月１２日电 城墙": "China News Service",
    "（共同）城壁": "Kyodo",
    "【ワシントン共同】城壁": "Kyodo",
    "(ロイター) - 城壁": "Reuters",
    "New Delhi, May 12 (PTI) The council met.": "PTI",
    "NEW DELHI: May 12, 2024 (PTI) “We met”, it said.": "PTI",
    "New Delhi, 12 May (ANI): The council met.": "ANI",
    "Madrid, 12 de mayo de 2024 (EFE) El muro": "EFE",
    "[東京 12日 ロイター] - 城壁": "Reuters",
}
BYLINES = {
    "By Ida Brock, Associated Press": "AP",
    "Associated Press": "AP",
    "Reuters": "Reuters",
    "By AFP": "AFP",
    "By Ida Brock, AP Medical Writer": "AP",
    "By Canadian Press Staff": "Canadian Press",
    "Press Association": "PA",
    "PA Media": "PA",
    "Von dpa": "dpa",
    "Par AFP": "AFP",
    "Por Agencia EFE": "EFE",
    "By PTI": "PTI",
    "By The Associated Press": "AP",
    "By Reuters Staff": "Reuters",
    "By Reuters staff": "Reuters",
    "By Reuters reporter": "Reuters",
    "By AFP correspondent": "AFP",
    "By AP May 12, 2024 10:15 a.m.": "AP",
    "By Reuters, London": "Reuters",
    "By Reuters and AP": "Reuters",
    "By Ida Brock (AP)": "AP",
    "By Ida Brock [Reuters]": "Reuters",
    "By Ida Brock / AFP": "AFP",
    "By Ida Brock | AP": "AP",
    "By Ida Brock Associated Press": "AP",
    "By Ida Brock and AP": "AP",
    "By Petra Kvitova, AP Sports Writer": "AP",
    "By Maria Antara, Associated Press": "AP",
    "Von Petra Schuster, dpa": "dpa",
    "Von Petra Schuster und dpa": "dpa",
    "Redazione ANSA": "ANSA",
    "Agencia EFE": "EFE",
    "Agência Brasil": "Agência Brasil",
}
CLOSINGS = {
    "(Reporting by Ida Brock; Editing by Ana Vale)": "Reuters",
    "(Additional reporting by Ida Brock in Wick; writing by Ana Vale)": "Reuters",
    "(Reporte de Ida Brock; Editado en español por Ana Vale)": "Reuters",
    "(AP)": "AP",
    "- Reuters": "Reuters",
    "—AFP": "AFP",
    "© AFP": "AFP",
    "Copyright 2025 The Associated Press. All rights reserved.": "AP",
    "/afp": "AFP",
    "dpa/abc": "dpa",
    "Source: Xinhua": "Xinhua",
    "Quelle: dpa": "dpa",
    "Fuente: EFE": "EFE",
    "Fonte: ANSA": "ANSA",
    "Bron: ANP": "ANP",
    "Źródło: PAP": "PAP",
    "Источник: ТАСС": "TASS",
    "Джерело: Укрінформ": "Ukrinform",
    "Kaynak: AA": "Anadolu",
    "المصدر: رويترز": "Reuters",
    "来源：新华社": "Xinhua",
    "出典：共同通信": "Kyodo",
    "This report was distributed by States Newsroom.": "States Newsroom",
    "This report by The Canadian Press was first published May 12, 2024.": "Canadian Press",
    "This report by the Canadian Press was first published on May 12, 2024.": "Canadian Press",
    "This story by The Associated Press was originally published on Tarn Journal.": "AP",
    "This story originally appeared on Tarn Journal.": "Tarn Journal",
    "This article was first published by The Tarn Journal.": "The Tarn Journal",
    "Cet article a été initialement publié sur Le Tarn.": "Le Tarn",
}
CONTRIBUTED = {
    "AP writer Ida Brock contributed to this report.": "AP",
    "Our own Ida Brock and The Associated Press contributed to this report.": "AP",
    "Reuters contributed to this report.": "Reuters",
    "With reporting by AP": "AP",
    "With files from The Canadian Press": "Canadian Press",
    "(with inputs from PTI)": "PTI",
    "Mit Material der dpa": "dpa",
    "(mit dpa)": "dpa",
    "(avec AFP)": "AFP",
    "Con información de EFE": "EFE",
    "Com informações da Reuters": "Reuters",
    "По материалам ТАСС": "TASS",
    "За матеріалами Укрінформ": "Ukrinform",
}
PHOTOS = {
    "Masons look over the wall (Ida Brock/Reuters)": "Reuters",
    "AP Photo/Ida Brock": "AP Images",
    "The wall at low tide. Ida Brock/AFP via Getty Images": "AFP",
    "Masons at work. Photo: Getty Images": "Getty Images",
    "REUTERS/Ida Brock": "Reuters",
}


def check(text: str, rule: str, agency: str) -> None:
    """Check what `attribute` reads, and that its span lies in the text."""
    found = attribute(text)
    assert found is not None
    assert (found.agency, found.role, found.confidence) == (agency, ROLES[rule], CONFIDENCE[rule])
    assert 0 <= found.start < found.end <= len(text)


@pytest.mark.parametrize(("opening", "agency"), DATELINES.items())
def test_dateline_names_the_origin(opening: str, agency: str) -> None:
    """An agency behind place and date where the text begins is its origin."""
    check(f"{opening}\n\n{STORY}", "dateline", agency)


@pytest.mark.parametrize(("opening", "agency"), list(DATELINES.items())[:3])
def test_dateline_may_open_the_third_paragraph(opening: str, agency: str) -> None:
    """A headline and a byline may stand above the dateline."""
    check(f"Wall to be mended\n\nBy Ida Brock\n\n{opening}\n\n{STORY}", "dateline", agency)


@pytest.mark.parametrize(("line", "agency"), BYLINES.items())
@pytest.mark.parametrize("head", [True, False])
def test_byline_names_the_origin(line: str, agency: str, head: bool) -> None:
    """A short line that names an agency, above or below the story, is its byline."""
    check(f"Wall to be mended\n{line}\n{STORY}" if head else f"{STORY}\n\n{line}\n", "byline", agency)


@pytest.mark.parametrize(("line", "agency"), CLOSINGS.items())
def test_closing_credit_names_the_origin(line: str, agency: str) -> None:
    """A credit below the story names its origin."""
    check(f"{STORY}\n\n{line}", "closing", agency)


@pytest.mark.parametrize("credit", ["(AP)", "(APA/dpa, 1.11.2015)", "(stro, APA)", "（新华社）"])
def test_signature_may_end_the_last_paragraph(credit: str) -> None:
    """An agency in brackets behind the last sentence is a signature."""
    found = attribute(f"{STORY} {credit}")
    assert found is not None
    assert found.role == "origin"


@pytest.mark.parametrize("line", ["(AP)", "(Reporting by Ida Brock; Editing by Ana Vale)", "Source: Xinhua"])
def test_furniture_may_stand_below_a_closing_credit(line: str) -> None:
    """A credit is found among the last eight lines."""
    found = attribute(f"{STORY}\n\n{line}\n\nSign up\nShare\nMore news\nAbout us\nContact")
    assert found is not None
    assert (found.role, found.confidence) == ("origin", CONFIDENCE["closing"])


@pytest.mark.parametrize(
    ("place", "outlet"),
    [
        ("in Tarn's.", "Tarn's"),
        ("in Tarn's on Monday.", "Tarn's"),
        ("at Tarn's blog.", "Tarn"),
        ("in Tarn's Weekly Post.", "Tarn's Weekly Post"),
        ("in L'Obs.", "L'Obs"),
    ],
)
def test_apostrophe_belongs_to_the_outlet(place: str, outlet: str) -> None:
    """An outlet's name keeps its apostrophe; only what it owns is cut."""
    check(f"{STORY}\n\nThis story originally appeared {place}", "closing", outlet)


def test_only_an_agency_writes_what_it_distributes() -> None:
    """Whoever distributes a film is no origin."""
    check(f"{STORY}\n\nDistributed by Reuters", "closing", "Reuters")
    assert attribute(f"{STORY}\n\nDistributed by Tarn Bros.") is None


@pytest.mark.parametrize(("line", "agency"), CONTRIBUTED.items())
def test_sentence_that_says_who_helped(line: str, agency: str) -> None:
    """An agency that gave a part has contributed."""
    check(f"{STORY}\n\n{line}", "contributed", agency)


@pytest.mark.parametrize(("line", "agency"), PHOTOS.items())
def test_credit_of_a_picture(line: str, agency: str) -> None:
    """Where nothing else is said, the credit of a picture counts, and only then."""
    check(f"{PROSE}\n{line}\n{STORY}", "photo", agency)
    check(f"TARNMOUTH (AP) — {PROSE}\n{line}\n{STORY}", "dateline", "AP")


@pytest.mark.parametrize(
    "line",
    [
        "",
        PROSE,
        "He told Reuters on Monday that the wall would hold.",
        "According to the AP, the wall fell on Monday night.",
        "The Associated Press (AP) reported that the wall fell.",
        "The wall fell, the AFP news agency said.",
        "THE APPLE AND THE CAPE AND THE PAPER",
        "Die Mauer hält, sagte er der dpa.",
        "Le mur tient, a-t-il dit à l'AFP.",
        "El muro resiste, dijo a EFE.",
        "Il muro regge, ha detto all'ANSA.",
        "O muro resiste, disse à Lusa.",
        "De muur houdt, zei hij tegen het ANP.",
        "Mur trzyma, powiedział PAP.",
        "Стена держится, сообщает ТАСС.",
        "Стіна тримається, повідомляє Укрінформ.",
        "Duvar duruyor, AA muhabirine söyledi.",
        "وقال لوكالة رويترز إن السور باق.",
        "据新华社报道，城墙已经修好。",
        "ロイター通信によると、城壁は直った。",
        "The story is long, and first of all it is sad.",
        "Smith contributed to this report.",
        "Source: agencies",
        "(agencies)",
    ],
)
def test_prose_that_names_an_agency_is_no_attribution(line: str) -> None:
    """A sentence that only mentions an agency, first or last in the text, says nothing of who wrote it."""
    assert attribute(f"{line}\n\n{STORY}") is None
    assert attribute(f"{STORY}\n\n{line}") is None
    assert attribute(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "By Petra Kvitova",
        "Von Petra Schuster",
        "By Maria Antara",
        "By MARIA ANTARA",
        "By Maria Antara, Staff Writer",
        "By Maria Antara Staff Writer",
        "By Petra Schuster Writer",
        "By Petra May",
        "By Anna Brock-Antara",
        "By Ida and Petra",
        "By Novum Jones",
        "By Michael Bloomberg",
        "Por Lusa Silva",
        "Text Petra Meier",
        "Redaktion Petra May",
        "By Redux Smith",
        "By Rex Smith",
    ],
)
def test_name_of_a_person_is_no_agency(line: str) -> None:
    """A writer whose name holds an agency's name writes for none."""
    assert attribute(f"Wall to be mended\n{line}\n{STORY}") is None
    assert attribute(f"{STORY}\n\n{line}\n") is None


@pytest.mark.parametrize(
    "line",
    [
        "By Redux",
        "By EPA",
        "By Ida Brock, Redux",
        "By Ida Brock (Alamy)",
        "Source: EPA",
        "This article originally appeared on Getty Images.",
        "This report by Getty Images was first published May 12, 2024.",
        "New Delhi, May 12 (Getty) The council met.",
    ],
)
def test_picture_agency_is_no_origin(line: str) -> None:
    """Who sends pictures alone wrote no text."""
    for text in (f"{line}\n\n{STORY}", f"{STORY}\n\n{line}"):
        found = attribute(text)
        assert found is None or found.role == "photo"


@pytest.mark.parametrize(
    "line",
    [
        "New Delhi, May 12 (PTI) the council met.",
        "He was in New Delhi, May 12 (PTI) The council met.",
        "On Sunday, May 12 (AP) The council met.",
        "New Delhi, Room 12 (MAP) The council met.",
    ],
)
def test_bracket_in_a_sentence_is_no_dateline(line: str) -> None:
    """Without a dash, only a place and a date before the bracket and a new sentence behind it make a dateline."""
    assert attribute(f"{line}\n\n{STORY}") is None


def test_stronger_rule_wins_over_the_first_place() -> None:
    """A dateline counts for more than a picture above it and a credit below."""
    text = f"Masons (Ida Brock/AFP)\nTARNMOUTH (AP) — {STORY}\n\nReuters contributed to this report."
    check(text, "dateline", "AP")
    assert list(CONFIDENCE.values()) == sorted(CONFIDENCE.values(), reverse=True)


def test_argument_must_be_a_text() -> None:
    """Anything but a str is refused by name."""
    with pytest.raises(InvalidArgumentError, match="text must be a str"):
        attribute(None)  # type: ignore[arg-type]


CREDITS = [*DATELINES, *BYLINES, *CLOSINGS, *CONTRIBUTED, *PHOTOS]


@given(
    st.lists(
        st.sampled_from([*CREDITS, *CANONICAL, PROSE, "\n", "\n\n", " ", "(", "/", ")", "- ", "\0", "\ud800"]),
        max_size=12,
    )
)
@example(["\n", "Reuters"])
def test_span_lies_in_the_text_and_names_the_agency(pieces: list[str]) -> None:
    """Whatever stands next to whatever, the span is inside the text and holds a spelling of its agency."""
    text = "".join(pieces)
    found = attribute(text)
    if found:
        assert 0 <= found.start < found.end <= len(text)
        says = text[found.start : found.end]
        spelled = [spelling for spelling, name in CANONICAL.items() if name == found.agency]
        own = ("eport", "riting")  # Reuters signs with its writers' names
        assert any(s in says or s.lower() in says for s in spelled or [found.agency]) or any(s in says for s in own)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """No text makes it fail."""
    attribute(text)


HOSTILE = {
    "one line": "word ",
    "empty lines": "\n",
    "brackets": "(",
    "slashes": "/",
    "agencies": "AP ",
    "agencies with slashes": "/AP",
    "datelines": "WICK (AP ",
    "bylines": "By A, ",
    "credits": "(Reporting by A ",
    "published": "This story originally appeared on A ",
    "contributed": "AP contributed ",
    "Chinese": "新华社",
    "pictures": "Photo: ",
    "nul and lone surrogate": "\0\ud800(AP",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_is_linear(unit: str) -> None:
    """Sixteen times the text takes no longer to speak of, for its head and its end alone are read."""

    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        return min(timeit.repeat(lambda: attribute(text), time.process_time, repeat=2, number=1))

    # Once more when it fails: a machine that does other work meanwhile is slow at random, a quadratic rule always.
    assert any(seconds(1_600_000) < 10 * seconds(100_000) + 0.2 for _ in range(3))


@pytest.mark.parametrize(
    ("source", "agency"),
    [
        ("Reuters", "Reuters"),
        ("reuters", "Reuters"),
        ("reuters.com", "Reuters"),
        ("https://www.apnews.com/article/1", "AP"),
        ("The Associated Press", "AP"),
        ("uk.reuters.com", "Reuters"),
        ("Associated Press", "AP"),
        ("ТАСС", "TASS"),
        ("Tarn Journal", None),
        ("notreuters.com", None),
        ("map", None),
        ("[x.y", None),
        ("", None),
        (None, None),
        ("A" * 10_000, None),
    ],
)
def test_outlet_that_is_an_agency(source: str | None, agency: str | None) -> None:
    """A name or an address of an agency gives its canonical name, anything else None."""
    assert is_agency(source) == agency


def test_table_is_consistent() -> None:
    """Canonical names are unique, and a spelling that credits a picture belongs to one set alone."""
    names = [agency.name for agency in AGENCIES]
    assert len(names) == len(set(names))
    assert not CREDITED & PICTURES
    assert all(CANONICAL[name] == name for name in names)
