"""Tests of README.md, docs/ and the documents at the root: their code runs, and what they name exists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dedup import _index_commands, cli
from pages import LANGUAGES, PAGES, ROOT, blocks_of

if TYPE_CHECKING:
    from pathlib import Path

#: What begins a path in the repository, as opposed to a module, an option or a file that a run makes.
PLACES = (
    r"(?:src|tests|tools|docs|benchmarks|seeds|\.ci)/[\w./-]*|[A-Z]+\.md|Makefile|LICENSE|pyproject\.toml|setup\.py"
)
#: README.md is among the pages.
NAMED = sorted({*PAGES, *ROOT.glob("*.md")})


def name_of(page: Path) -> str:
    """Return the path of a page from the root."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.seconds
@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page)], ids=name_of)
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests) -> None:
    """The blocks of a page run one after the other, as they stand, and print what they show."""
    (tmp_path / "seeds").symlink_to(ROOT / "seeds")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks_of(page):
        with subtests.test(f"line {block.line}"):
            if block.needs:
                pytest.importorskip(block.needs)
            block.run(names)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_known(page: Path) -> None:
    """Every fence is that of a block that runs or says that it does not, and a script that is shown is run."""
    text, blocks = page.read_text(encoding="utf-8"), blocks_of(page)
    assert 2 * len(blocks) == len(re.findall(r"(?m)^ *```", text))
    assert {block.language for block in blocks} <= LANGUAGES
    commands = "".join(block.code for block in blocks if block.language == "console")
    assert [block.title for block in blocks if block.title and block.title not in commands] == []


@pytest.mark.parametrize("page", NAMED, ids=name_of)
def test_named_paths_exist(page: Path) -> None:
    """Every path of the repository that a document names in backticks exists."""
    quoted = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
    assert [text for text in quoted if re.fullmatch(PLACES, text) and not (ROOT / text).exists()] == []


@pytest.mark.parametrize("page", NAMED, ids=name_of)
def test_named_commands_exist(page: Path) -> None:
    """Every `make` target that a document names is in the Makefile, every command of `dedup` in the command line."""
    text, makefile = (path.read_text(encoding="utf-8") for path in (page, ROOT / "Makefile"))
    targets = set(re.findall(r"(?:`|^    )make ([\w-]+)", text, re.MULTILINE))
    assert [target for target in sorted(targets) if not re.search(rf"(?m)^{target}:", makefile)] == []
    commands = set(re.findall(r"(?:`|^    |^\$ )dedup ((?:index )?[a-z]+)", text, re.MULTILINE))
    assert commands <= {*cli._EXAMPLES, "index", *(f"index {name}" for name in _index_commands._EXAMPLES)}


def test_pictures_are_there() -> None:
    """A picture that a page shows from its own folder exists and is small.

    `pytest tests/test_docs.py -k day-of-news --basetemp build/pages` draws those of the day of news anew.
    """
    for page in PAGES:
        for name in re.findall(r"!\[[^\]]*\]\(([\w-]+\.png)\)", page.read_text(encoding="utf-8")):
            assert 0 < (page.parent / name).stat().st_size < 60_000
