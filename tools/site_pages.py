"""Pages of the site that have no file in docs/: those of the root, and what every command says of itself.

A hook of MkDocs (mkdocs.yml): made when the site is built, they cannot go stale.
"""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dedup.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
#: File of the root -> its page.
PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md"}
COMMANDS = "reference/command-line.md"


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages of the root to those of docs/."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - the tests read commands without it

    for name, page in PAGES.items():
        # What is a path from the root is one from docs/ here.
        content = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:  # noqa: ANN401 - what MkDocs also gives
    """Put the help of every command below the page that introduces them."""
    if page.file.src_uri != COMMANDS:
        return markdown
    return "\n".join([markdown, *(f"## {name}\n\n```text\n{text}```\n" for name, text in commands())])


def commands(*path: str) -> Iterator[tuple[str, str]]:
    """Yield each command with its help, those that it leads to behind it."""
    shown = io.StringIO()
    with redirect_stdout(shown), suppress(SystemExit):
        main([*path, "--help"])
    text = shown.getvalue()
    yield " ".join(("dedup", *path)), text
    _, _, listed = text.partition("\nCommands:\n")
    for name in re.findall(r"(?m)^  (\w+) ", listed.partition("\n\n")[0]):
        yield from commands(*path, name)
