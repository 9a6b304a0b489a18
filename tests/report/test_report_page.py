"""The report file: one page, the same for the same result, that lets nothing of a text be markup."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import subprocess
import sys
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
from reading import read_report, records
from test_report_data import reprints

from dedup import Article, InvalidArgumentError, KeepPolicy, OutputError, deduplicate
from dedup.errors import MissingExtraError
from dedup.report import page as report_page
from dedup.report import write_report

SEEDS = Path(__file__).parents[2] / "seeds"
STORY = "The harbour bridge will close on Friday for the first time in forty years, the council said on Monday."
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!-- ]]> --> <style>*{display:none}</style>",
    "{{ 7 * 7 }} {% raw %} &lt;b&gt; &amp;",
    "\u2028 \u2029 \x00 \x1b[31m \x7f",
    "\ud800 \udfff",
    "\u202e reversed \u2066 isolate",
    "\" ' ` \\ \\u003c",
)


def hostile_articles() -> list[Article]:
    """Return a cluster for each hostile text, which stands in every field."""
    return [
        Article(f"{copy}{number}{text}", f"{copy} {_words(number)} {text} {_words(-number)}", text, text, text, text)
        for number, text in enumerate(HOSTILE)
        for copy in ("a", "b")
    ]


def _words(number: int) -> str:
    return " ".join(f"{word}{number}" for word in STORY.split())


class Elements(HTMLParser):
    """Collects the elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.found.append((tag, dict(attrs)))


def elements(page: str) -> list[tuple[str, dict[str, str | None]]]:
    """Return the elements of a page with their attributes."""
    parser = Elements()
    parser.feed(page)
    return parser.found


@pytest.mark.seconds
def test_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    """The order of the input and the number of threads change no byte."""
    articles = reprints(30, 3) + hostile_articles()
    pages = []
    for batch, threads in ((articles, 1), (articles, 1), (articles[::-1], 1), (articles, 2)):
        deduplicate(batch, threads=threads).report(tmp_path / "report.html")
        pages.append((tmp_path / "report.html").read_bytes())
    assert pages == pages[:1] * 4


def _place(least: int, article: Article) -> int:
    return max(least, len(article.text))


def test_function_among_the_settings_has_its_name_alone(tmp_path: Path) -> None:
    """A keep order by a function is shown by name: where it lies in memory is no part of the page."""
    result = deduplicate(SEEDS, keep=KeepPolicy(key=partial(_place, 2), sources=("A", "<b>")))
    result.report(tmp_path / "report.html")
    _, _, page = read_report(tmp_path / "report.html")
    assert re.search(r"keep key</th><td class=\"number\"><bdi>partial</bdi>", page)
    assert "A, &lt;b&gt;" in page


def test_method_and_function_are_the_same(tmp_path: Path) -> None:
    """`Result.report` writes what `write_report` writes, with the same arguments."""
    result = deduplicate(SEEDS)
    result.report(tmp_path / "method.html", title="Seeds", max_bytes=1_000_000)
    write_report(result, tmp_path / "function.htm", title="Seeds", max_bytes=1_000_000)
    assert (tmp_path / "method.html").read_bytes() == (tmp_path / "function.htm").read_bytes()
    assert "<title>Seeds</title>" in (tmp_path / "method.html").read_text(encoding="utf-8")


def test_nothing_of_a_document_is_markup(tmp_path: Path) -> None:
    """Hostile fields add no element but table rows and parts, no attribute that acts, and no character that acts."""
    deduplicate(hostile_articles()).report(tmp_path / "report.html", title=HOSTILE[0])
    index, parts, page = read_report(tmp_path / "report.html")
    found = elements(page)
    scripts = [attributes.get("type") for tag, attributes in found if tag == "script"]
    assert scripts == ["application/json", *["application/octet-stream"] * len(parts), "module"]
    assert [tag for tag, _ in found if tag in {"img", "style", "iframe", "link", "base", "object"}] == ["style"]
    assert not [name for _, attributes in found for name in attributes if name.startswith("on") or name == "style"]
    assert "<!--" not in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", page)
    assert index["totals"]["clusters"] == len(HOSTILE)


def test_hostile_texts_come_back_as_they_are(tmp_path: Path) -> None:
    """Every text is in the data character for character; a lone surrogate is a replacement character."""
    articles = hostile_articles()
    deduplicate(articles, clean="off").report(tmp_path / "report.html")
    _, parts, _ = read_report(tmp_path / "report.html")
    kept = {record["text"] for record in records(parts, "texts")}
    safe = {re.sub("[\ud800-\udfff]", "\ufffd", article.text) for article in articles}
    assert len(kept) == len(HOSTILE)
    assert kept <= safe


def test_policy_allows_this_script_and_style_alone(tmp_path: Path) -> None:
    """The policy names the hashes of the page's own script and style, and nothing else."""
    deduplicate(SEEDS).report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    policy = next(a["content"] or "" for tag, a in elements(page) if a.get("http-equiv") == "Content-Security-Policy")
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(found.encode()).digest()).decode()}'"
        for pattern in ('<script type="module">(.*?)</script>', "<style>(.*?)</style>")
        for found in re.findall(pattern, page, re.DOTALL)
    ]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives == {
        "default-src": "'none'",
        "script-src": hashes[0],
        "style-src": hashes[1],
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_script_makes_no_markup() -> None:
    """The script uses nothing that reads a text as markup or code, and no word that ends its element."""
    script = "\n".join(report_page._read(name) for name in report_page._SCRIPTS)
    banned = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser|fetch\(|</script|<!--"
    )
    assert not re.search(banned, script)
    assert not re.search(r"[^\x20-\x7e\n\u2191\u2193\u2013\u201c\u201d\u00b7]", script)


@pytest.mark.parametrize("articles", [[], [Article("a", STORY)], [Article("a", ""), Article("b", "")]])
def test_report_without_clusters(articles: list[Article], tmp_path: Path) -> None:
    """A result without documents or without clusters has a report too."""
    deduplicate(articles).report(tmp_path / "report.html")
    index, parts, page = read_report(tmp_path / "report.html")
    assert (index["totals"]["clusters"], parts) == (0, {})
    assert f"<b>{len(articles)} document" in page


@pytest.mark.seconds
@pytest.mark.parametrize("most", [1_000_000, 1_200_000])
def test_file_stays_below_its_budget(most: int, tmp_path: Path) -> None:
    """The file has at most so many bytes, and says how many clusters come without texts."""
    result = deduplicate(reprints(700, 2, 60), threads=1)
    result.report(tmp_path / "report.html", max_bytes=most)
    index, _, _ = read_report(tmp_path / "report.html")
    assert most * 0.5 < (tmp_path / "report.html").stat().st_size <= most
    assert 0 < index["texts"][-1] < index["clusters"][-1] == 700


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_bytes": 999_999}, "max_bytes must be an integer of at least 1000000. Got 999999."),
        ({"max_bytes": "25 MB"}, "max_bytes must be an integer of at least 1000000. Got '25 MB'."),
        ({"title": None}, "title must be a str. Got None."),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str, tmp_path: Path) -> None:
    """Name, what is allowed, what came; nothing is written."""
    with pytest.raises(InvalidArgumentError) as caught:
        deduplicate([STORY]).report(tmp_path / "report.html", **arguments)  # type: ignore[arg-type]
    assert message == str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["report.pdf", "report.parquet", "missing/report.html"])
def test_file_that_cannot_be_written(name: str, tmp_path: Path) -> None:
    """Another ending and a folder that is not there are named, and nothing is written."""
    with pytest.raises(OutputError):
        deduplicate([STORY]).report(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails, the old file stands, and nothing beside it."""
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        deduplicate([STORY]).report(path)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text() == "old"


def test_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without jinja2 the error holds the pip line, and nothing is written."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'dedup[report]'")):
        deduplicate([STORY]).report(tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_import_loads_no_jinja() -> None:
    """`import dedup` and a run load neither jinja2 nor the report."""
    code = (
        "import sys, dedup; dedup.deduplicate(['a b']).clusters;"
        "print([name for name in sys.modules if 'jinja' in name or 'dedup.report' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_settings_and_counts_are_shown(tmp_path: Path) -> None:
    """The page tells every count of the summary, every setting, each outlet, and where the threshold is."""
    result = deduplicate(SEEDS, threshold=0.55)
    result.report(tmp_path / "report.html")
    _, _, page = read_report(tmp_path / "report.html")
    text = html.unescape(re.sub("<[^>]+>", " ", page))
    for name in result.summary():
        assert name.replace("_", " ") in text
    for source in {article.source for article in result.articles if article.source}:
        assert source in text
    assert re.search(r"threshold\s+0\.55", text)
