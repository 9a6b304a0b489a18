"""Tests of the site: every public name, command and decision is on a page, and what scripts made is what they make."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import draw_pictures
import pytest
import site_pages

import dedup

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
#: The modules that users import by name, beside `dedup` itself.
MODULES = ("errors", "evaluation", "spark", "integrations.datasketch", "integrations.scrapy")


def public(module: str) -> set[str]:
    """Return the public classes and functions that a module defines; it is read, for its extra may not be there."""
    path = ROOT / "src" / "dedup" / f"{module.replace('.', '/')}.py"
    defined = [
        node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef | ast.FunctionDef)
    ]
    return {node.name for node in defined if not node.name.startswith("_")}


def test_every_integration_is_known() -> None:
    """Each module of `dedup.integrations` is among those whose names are looked for."""
    found = {f"integrations.{path.stem}" for path in (ROOT / "src/dedup/integrations").glob("[!_]*.py")}
    assert found <= set(MODULES)


def test_every_public_name_is_in_the_reference() -> None:
    """Every public name of the package and of the modules beside it stands on a page of the reference, once."""
    pages = "\n".join(path.read_text("utf-8") for path in sorted((DOCS / "reference").glob("*.md")))
    documented = re.findall(r"(?m)^::: ([\w.]+)$", pages)
    assert len(documented) == len(set(documented))
    wanted = {f"dedup.{name}" for name in dedup.__all__}
    for module in MODULES:
        # An error that is a name of the package stands there under that name.
        own = {name for name in public(module) if module != "errors" or name not in dedup.__all__}
        wanted |= {f"dedup.{module}.{name}" for name in own}
    assert wanted - set(documented) == set()


def test_every_command_is_found() -> None:
    """The help of every command, those of `dedup index` too, is put below the page of the command line."""
    shown = dict(site_pages.commands())
    assert {"dedup", "dedup run", "dedup index", "dedup index backup"} <= shown.keys()
    for name, text in shown.items():
        assert text.startswith(f"Usage: {name}")


@pytest.mark.parametrize("name", site_pages.PAGES)
def test_links_of_the_root_lead_into_docs(name: str) -> None:
    """A link of a page of the root leads to a file of docs/ or to another site, so that it holds on the site."""
    targets = re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text("utf-8"))
    inside = [target for target in targets if not target.startswith("https://")]
    assert [target for target in inside if not (target.startswith("docs/") and (ROOT / target).exists())] == []


def test_every_decision_is_in_the_table() -> None:
    """The table of decisions has a row for each decision, by its number, in order."""
    table = (DOCS / "decisions/index.md").read_text("utf-8")
    files = sorted(path.name for path in (DOCS / "decisions").glob("[0-9]*.md"))
    assert re.findall(r"(?m)^\| \[(\d+)\]\(([\w-]+\.md)\)", table) == [(file[:4].lstrip("0"), file) for file in files]


def test_the_curve_is_current() -> None:
    """The drawing of the S-curve is what the plans give."""
    assert (DOCS / "images/s-curve.svg").read_text("utf-8") == draw_pictures.s_curve()


def test_the_picture_of_the_report_is_small() -> None:
    """The picture of the report, which the README shows too, is below 200 kB."""
    assert (DOCS / "images/report.png").stat().st_size < 200_000
