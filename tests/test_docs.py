"""Tests of the documents at the root: their examples run, and the paths they name exist."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: What begins a path in the repository, as opposed to a module, an option or a file that a run makes.
PLACES = (
    r"(?:src|tests|tools|docs|benchmarks|seeds|\.ci)/[\w./-]*|[A-Z]+\.md|Makefile|LICENSE|pyproject\.toml|setup\.py"
)


def blocks(language: str) -> list[str]:
    """Return the code blocks of the README in a language."""
    found = re.findall(rf"(?ms)^```{language}\n(.*?)^```$", README)
    assert found
    return found


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where `seeds` is at hand and what an example writes does no harm."""
    (tmp_path / "seeds").symlink_to(ROOT / "seeds")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("block", blocks("python"))
def test_python_blocks_run(block: str) -> None:
    """Every Python block of the README runs as it stands, and what it asserts holds."""
    exec(compile(block, "README.md", "exec"), {})


@pytest.mark.parametrize("block", blocks("pycon"))
def test_sessions_print_what_they_show(block: str) -> None:
    """Every session of the README prints what stands there."""
    session = doctest.DocTestParser().get_doctest(block, {}, "README.md", "README.md", 0)
    runner = doctest.DocTestRunner()
    assert runner.run(session).failed == 0


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_named_paths_exist(name: str) -> None:
    """Every path of the repository that a document names in backticks exists."""
    quoted = re.findall(r"`([^`\n]+)`", (ROOT / name).read_text(encoding="utf-8"))
    paths = [text for text in quoted if re.fullmatch(PLACES, text)]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_named_targets_exist() -> None:
    """Every `make` target that a document names is a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    texts = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?:`|^    )make ([\w-]+)", texts, re.MULTILINE))
    assert {"run", "test", "check"} < targets
    assert [target for target in sorted(targets) if not re.search(rf"(?m)^{target}:", makefile)] == []
