"""The rules of `clean`, its laws, and what it does to the real pages."""

from __future__ import annotations

import json
import time
import timeit
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.boilerplate import clean
from dedup.boilerplate.page import RULES
from dedup.errors import InvalidArgumentError
from dedup.model import Cleaned

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "seeds"
SEEDS = ROOT / "seeds"

PROSE = "The harbour council met on Tuesday and agreed to mend the old wall before winter."
CAPTION = "Masons look over the harbour wall at low tide (Ida N Brock/PA)"
POST = "The wall holds for now, says our engineer pic.twitter.com/aB3dE5fG7h"
SIGNATURE = "— Ida Brock 🌊 (@ida_brock) May 12, 2025"
HEAD = "Tarn Journal\n3 minutes ago\n- Tarn Journal\nWall to be mended\n"
BLOCK = f"Try Our AI Features\nExplore what we can do:\nComments\nNo comments yet...\nRelated Articles\n\n{HEAD}{PROSE}"

#: Lines that are furniture, that look like it, or that are none; the laws are tried on every mixture of them.
LINES = (
    "",
    " ",
    PROSE,
    f"date 2025-05-12 {PROSE}",
    " date 2025-05-12 date 2025-05-13 Comments",
    "date 2025-02-30 No such day.",
    "date 2025-05-12",
    CAPTION,
    f"{PROSE} {CAPTION} {PROSE}",
    f"{PROSE} {CAPTION} {CAPTION}",
    f"{PROSE * 5} {CAPTION}",
    f"{PROSE} (AP/Reuters)",
    f"{'word ' * 60}(Ida Brock/AP) {CAPTION}",
    "Masons at work. Photograph: Ida Brock/AFP/Getty Images",
    f"{PROSE * 5} Photograph: Ida Brock/AFP/Getty Images",
    f"{'word ' * 60}(Ida Brock/AP) Photograph: Ida Brock/AFP",
    f"Read more: it is short (Ida Brock/AP) {PROSE}",
    "(Ida Brock/AP)",
    "Comments",
    "No comments yet...",
    "Try Our AI Features",
    "Explore what we can do:",
    "Related Articles",
    "Wall to be mended",
    "Tarn Journal",
    "3 minutes ago",
    "- Tarn Journal",
    POST,
    SIGNATURE,
    f"{POST} {SIGNATURE}",
    "Read more: why the wall fell",
    "Sign up to our newsletter",
)


def kinds(page: Cleaned) -> list[str]:
    """Return the kinds of what was removed, in order."""
    return [span.kind for span in page.removed]


def check_laws(text: str) -> Cleaned:
    """Clean `text` and check what holds for every text."""
    page = clean(text)
    assert page.original == text
    position = 0
    for span in page.removed:
        assert position <= span.start < span.end <= len(text)
        assert span.kind == RULES[span.rule]
        position = span.end
    assert page.restore() == text
    for item in page.items:
        assert item.text == text[item.start : item.end]
        assert any(span.kind == "related" and span.start <= item.start < item.end <= span.end for span in page.removed)
    again = clean(page.text)
    assert again.removed == ()
    assert again.text == page.text
    return page


@given(st.text())
def test_laws_hold_for_any_text(text: str) -> None:
    """Spans are sorted, never overlap and restore the text, and a clean text loses nothing more."""
    check_laws(text)


@given(st.lists(st.sampled_from(LINES), max_size=14), st.sampled_from(["\n", "\n\n", "\r\n", " "]))
def test_laws_hold_for_any_mixture_of_furniture(lines: list[str], separator: str) -> None:
    """The laws hold whatever furniture stands next to whatever else."""
    check_laws(separator.join(lines))


@given(
    st.lists(
        st.sampled_from(
            [
                "S one.",
                "Cap two",
                "(Ida Brock/AP)",
                "(Ida Brock/XYZ)",
                "(A/B)",
                "(",
                "/",
                "…",
                "U.S.",
                "“So.”",
                "x " * 41,
                "Photograph: Ida Brock/AP",
                "Photo: J. Doe/Reuters",
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


@pytest.mark.parametrize("text", ["", "\n", PROSE, f"{PROSE}\n\n{PROSE}\n", "date", "2025-05-12", "a/b (c/d) e@f"])
def test_text_without_furniture_comes_back_as_it_is(text: str) -> None:
    """Nothing is removed where there is no furniture."""
    assert clean(text) == Cleaned(text, text)


def test_argument_must_be_a_text() -> None:
    """Anything but a str is refused by name."""
    with pytest.raises(InvalidArgumentError, match="text must be a str"):
        clean(None)  # type: ignore[arg-type]


def test_date_marker_gives_the_day() -> None:
    """The marker goes, and its day becomes `published`."""
    page = check_laws(f" date 2025-05-12 {PROSE}")
    assert (page.text, dict(page.metadata)) == (PROSE, {"published": "2025-05-12"})
    assert kinds(page) == ["metadata"]


@pytest.mark.parametrize(
    "text", ["date 2025-02-30 a", "date 2025-05-12a", f"{PROSE}\ndate 2025-05-12 a", "date 25-5-12 a"]
)
def test_what_is_no_marker_stays(text: str) -> None:
    """A day that no calendar has, other words, and a marker inside the text stay."""
    assert clean(text).removed == ()


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
    page = check_laws(f"{PROSE}\n{line}\n{PROSE}")
    assert page.text == f"{PROSE}\n{PROSE}"
    assert kinds(page) == ["caption"]


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (f"{PROSE} {CAPTION} {PROSE}", f"{PROSE} {PROSE}"),
        (f"“{PROSE}” {CAPTION} “{PROSE}”", f"“{PROSE}” “{PROSE}”"),
        (f"{CAPTION} {PROSE}", PROSE),
        (f"{PROSE * 4} {CAPTION}", PROSE * 4),
        (f"{PROSE * 4} (Ida Brock/AP) {PROSE}", f"{PROSE * 4} {PROSE}"),
    ],
)
def test_caption_inside_a_paragraph_goes_alone(line: str, rest: str) -> None:
    """A caption merged into a paragraph goes from the end of one sentence to the start of the next."""
    assert check_laws(line).text == rest


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
    assert clean(line).removed == ()


@pytest.mark.parametrize(
    "post",
    [
        f"{POST}\n{SIGNATURE}",
        f"{POST}\n\n{SIGNATURE}",
        f"The wall holds.\n{SIGNATURE}",
        "The wall holds https://x.com/ida/status/1\n- Ida Brock (@ida_brock) 12 May 2025",
        f"{POST} {SIGNATURE}",
    ],
)
def test_embedded_post_goes_with_its_signature(post: str) -> None:
    """A post and its signature are one span."""
    page = check_laws(f"{PROSE}\n\n{post}\n\n{PROSE}")
    assert page.text == f"{PROSE}\n\n\n{PROSE}"
    assert kinds(page) == ["embed"]


def test_signature_takes_no_paragraph_that_is_no_post() -> None:
    """A signature goes alone when a blank line or a long paragraph stands above it."""
    for above in (f"{PROSE}\n\n", f"{PROSE * 5}\n"):
        assert check_laws(f"{above}{SIGNATURE}\n").text == above


@pytest.mark.parametrize("line", [f"{PROSE * 5} {SIGNATURE}", "Write to Ida Brock (@ida_brock)", POST])
def test_prose_with_a_handle_stays(line: str) -> None:
    """A paragraph that ends with a post, a handle without a day and a link alone stay."""
    assert clean(f"{PROSE}\n{line}").removed == ()


def test_aggregator_page_comes_down_to_its_article() -> None:
    """The block goes as promo, comments and related, and what it carries becomes items."""
    page = check_laws(f"{PROSE}\n\n{BLOCK}\n\n\n{HEAD.replace('Tarn', 'Wick')}{PROSE}\nMore of it.\n{HEAD}{PROSE}")
    assert page.text == f"{PROSE}\n\n"
    assert kinds(page) == ["promo", "comments", "related"]
    assert [item.source for item in page.items] == ["Tarn Journal", "Wick Journal", "Tarn Journal"]
    assert [item.text for item in page.items] == [PROSE, f"{PROSE}\nMore of it.", PROSE]
    assert {(item.title, item.age) for item in page.items} == {("Wall to be mended", "3 minutes ago")}


def test_story_without_text_is_no_item() -> None:
    """A head and a headline alone are removed and make no item."""
    page = check_laws(f"{PROSE}\nRelated Articles\n{HEAD}\n{HEAD}")
    assert (page.text, page.items) == (f"{PROSE}\n", ())


def test_article_goes_on_behind_the_block() -> None:
    """What follows the blank line behind a story and is no head of another is the article's."""
    page = check_laws(f"Related Articles\n{HEAD}{PROSE}\n\n{PROSE}\n{HEAD}")
    assert page.text == f"\n{PROSE}\n{HEAD}"
    assert len(page.items) == 1


@pytest.mark.parametrize(
    "text",
    [
        f"{PROSE}\nComments\n{PROSE}",
        f"{PROSE}\nRelated Articles\n{PROSE}",
        f"{PROSE}\nTry Our AI Features\n{PROSE}",
        f"{PROSE}\nNo comments yet...\n{PROSE}",
        f"{PROSE} Comments\nNo comments yet...\n{PROSE}",
        f"Related Articles of the charter were read out.\n{HEAD}",
        f"{PROSE}\n{HEAD}{PROSE}",
    ],
)
def test_heading_without_its_block_stays(text: str) -> None:
    """A heading counts only with what belongs below it, and a sentence that holds its words never."""
    assert clean(text).removed == ()


def test_related_headlines_to_the_end_go() -> None:
    """Under the heading, a list of headlines that runs to the end of the page goes."""
    page = check_laws(f"{PROSE}\nRelated Articles\nWall falls\n\nWall rises\n")
    assert (page.text, kinds(page)) == (f"{PROSE}\n", ["related"])


@pytest.mark.parametrize(
    "line",
    [
        "Sign up to our newsletter",
        "READ MORE: Why the wall fell",
        "Click here to read the full story.",
        "Follow us on X",
    ],
)
def test_promo_line_goes(line: str) -> None:
    """A short line that only asks the reader to do something goes."""
    page = check_laws(f"{PROSE}\n{line}\n{PROSE}")
    assert (page.text, kinds(page)) == (f"{PROSE}\n{PROSE}", ["promo"])


@pytest.mark.parametrize(
    "line", ["Sign up or leave, he told them.", f"Click here to {'go ' * 12}", "Subscribe to the theory."]
)
def test_prose_that_begins_like_a_promo_stays(line: str) -> None:
    """A longer line, or one without a promo's other words, stays."""
    assert clean(f"{PROSE}\n{line}\n{PROSE}").removed == ()


HOSTILE = {
    "one line": "word ",
    "empty lines": "\n",
    "parentheses": "(",
    "slashes": "/",
    "open credits": "(Ida Brock/AP ",
    "credits": "(Ida Brock/AP) ",
    "credited sentences": "Cap (Ida Brock/AP) S. ",
    "full stops": ". ",
    "related": "Related Articles\n",
    "comments": "Comments\n",
    "heads": HEAD,
    "markers": "date 2025-05-12 ",
    "marker lines": "date 2025-05-12\n",
    "signatures": f"{SIGNATURE}\n",
    "handles": "(@",
    "dashes": "— ",
    "nul and lone surrogate": "\0\ud800/(\n",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("before", ["", "Related Articles\n(@ "])
def test_time_is_linear(unit: str, before: str) -> None:
    """Four times the text takes about four times the time, where a quadratic rule would take sixteen times."""

    def seconds(size: int) -> float:
        text = before + unit * (size // len(unit))
        assert clean(text).restore() == text
        return min(timeit.repeat(lambda: clean(text), time.process_time, repeat=2, number=1))

    # Once more when it fails: a machine that does other work meanwhile is slow at random, a quadratic rule always.
    assert any(seconds(400_000) < 10 * seconds(100_000) + 0.2 for _ in range(3))


def test_comments_nest_in_linear_time() -> None:
    """Headings piled up first and closed afterwards are removed without looking at any of them twice."""
    begin = time.process_time()
    page = check_laws("Comments\n" * 50_000 + "No comments yet\n" * 50_000)
    assert page.text == ""
    assert time.process_time() - begin < 20.0


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the seeds are not here")
def test_seeds_come_out_as_labelled() -> None:
    """Every labelled piece of furniture and every item of our own corpus is found, and nothing else."""
    rows = [json.loads(line) for line in (SEEDS / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in (row for row in rows if "parent" not in row):
        text = (SEEDS / f"{row['id']}.txt").read_bytes().decode()
        page = check_laws(text)
        found = [(text[span.start : span.end].strip(), span.kind) for span in page.removed]
        assert found == [(text[f["start"] : f["end"]].strip(), f["kind"]) for f in row["furniture"]], row["id"]
        items = [(item.start, item.end, item.source, item.title) for item in page.items]
        labelled = [label for label in rows if label.get("parent") == row["id"]]
        assert items == [(i["start"], i["end"], i["source"], i["title"]) for i in labelled], row["id"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real pages are not here")
@pytest.mark.parametrize(
    ("page", "removed", "published", "words"),
    [
        ("000", ["metadata", "caption"], "2025-05-09", 503),
        ("001", ["metadata", "caption"], "2025-05-12", 598),
        ("002", ["embed", "promo", "comments", "related"], None, 547),
        ("003", ["metadata", "caption"], "2025-03-17", 533),
        ("004", [], None, 446),
    ],
)
def test_real_pages_come_down_to_their_articles(
    page: str, removed: list[str], published: str | None, words: int
) -> None:
    """Each real page loses exactly its furniture."""
    cleaned = check_laws(next(REAL.glob(f"{page}_*.txt")).read_bytes().decode())
    assert kinds(cleaned) == removed
    assert cleaned.metadata.get("published") == published
    assert len(cleaned.text.split()) == words


@pytest.mark.skipif(not REAL.is_dir(), reason="the real pages are not here")
def test_real_aggregator_page_carries_three_stories() -> None:
    """The aggregator's page gives three items with outlet, age and text; one of them holds a caption."""
    page = clean(next(REAL.glob("002_*.txt")).read_bytes().decode())
    assert [item.source for item in page.items] == ["Rhyl Journal", "South Wales Guardian", "The Herald Scotland"]
    assert [item.age for item in page.items] == ["3 minutes ago", "3 minutes ago", "4 minutes ago"]
    assert [len(item.text) for item in page.items] == [2210, 2210, 2171]
    assert [kinds(check_laws(item.text)) for item in page.items] == [[], [], ["caption"]]
