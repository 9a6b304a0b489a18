"""The code of the pages: what README.md and docs/ show is run as a reader would, a page at a time, block after block.

What a fenced block is, its first line says:

- `python` runs in the one namespace of its page;
- `pycon` is a session in the same namespace, and prints what stands there;
- `console` has commands behind "$ " for a shell: each ends well, and prints what stands below it, if anything does;
- with `title="NAME"` a block of any other language, or of Python, is a file of that name for the blocks after it;
- `json` without a title, and `text`, are to be read: what needs a cluster, a network or a registry stands in `text`.

In what is printed, "..." stands for anything. Where `<!-- needs: MODULE -->` stands above a block, it is skipped where
that module is not installed.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: The languages that a block may have: those that run, those that may be files, and those that are to be read.
LANGUAGES = {"python", "pycon", "console", "json", "text"}

_FENCE = re.compile(
    r'(?ms)^(?:<!-- needs: (?P<needs>\w+) -->\n+)?```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?[^\n]*\n'
    r"(?P<code>.*?)^```$"
)
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Args:
        page: The page it stands in.
        line: The line of the page before its code, from 1.
        heading: The heading that it stands below, without the marks; empty above the first.
        language: What its first line says; empty when it says nothing.
        title: The name of the file that it is; None when it is none.
        needs: The module without which it is skipped; None when there is no such module.
        code: What stands between the fences.
    """

    page: Path
    line: int
    heading: str
    language: str
    title: str | None
    needs: str | None
    code: str

    def run(self, names: dict[str, Any]) -> None:
        """Run it in the folder that is current, in the namespace of its page; what is to be read is passed over."""
        if self.title:
            Path(self.title).write_text(self.code, encoding="utf-8")
        elif self.language == "python":
            # So many lines that an error names the line of the page.
            exec(compile("\n" * self.line + self.code, self.page, "exec"), names)
        elif self.language == "pycon":
            session = doctest.DocTestParser().get_doctest(self.code, {}, self.page.name, str(self.page), self.line)
            session.globs = names
            assert doctest.DocTestRunner(optionflags=_OPTIONS).run(session, clear_globs=False).failed == 0
        elif self.language == "console":
            for command, shown in re.findall(r"(?m)^\$ (.*)\n((?:(?!\$ ).*\n)*)", self.code):
                _run_command(command, shown)


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    blocks = []
    for found in _FENCE.finditer(text):
        above = text[: found.start("code")]
        headings = re.findall(r"(?m)^##+ (.+)$", re.sub(r"(?ms)^```.*?^```$", "", above))
        blocks.append(
            Block(
                page,
                above.count("\n"),
                headings[-1] if headings else "",
                found["language"],
                found["title"],
                found["needs"],
                found["code"],
            )
        )
    return blocks


def _run_command(command: str, shown: str) -> None:
    places = [str(Path(sys.executable).parent), os.environ["PATH"]]
    done = subprocess.run(
        ["sh", "-c", command],
        env=os.environ | {"PATH": os.pathsep.join(places), "COLUMNS": "80", "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    assert not shown or doctest.OutputChecker().check_output(shown, done.stdout, _OPTIONS), f"{command}\n{done.stdout}"
