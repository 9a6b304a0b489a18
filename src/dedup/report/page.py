"""Puts the page together: one template, one style, one script, and the data; nothing of a text is ever markup."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import fields, is_dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from dedup import _validate, formats
from dedup.errors import MissingExtraError
from dedup.report import data, summary
from dedup.report.texts import label

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from jinja2 import Template

#: What a report file may end with.
SUFFIXES = (".html", ".htm")
#: The script, in the order in which its pieces are read.
_SCRIPTS = ("parts.js", "elements.js", "texts.js", "cluster.js", "lists.js", "main.js")
#: Characters of the headline of a report.
_TITLE = 200
_LEAST_BYTES = 1_000_000


def write_report(
    found: data.Found,
    path: str | os.PathLike[str],
    *,
    title: str = "Which texts are the same text",
    max_bytes: int = 25_000_000,
) -> None:
    """Write the report on a result as one HTML file, whole or not at all.

    The file needs no network and no other file, and is the same for the same result, byte for byte. What does not fit
    into it is counted on the page: the list of clusters comes first, then what stands beside it, then the texts of the
    clusters, large clusters first.

    Args:
        found: The result.
        path: A .html or .htm file.
        title: The headline of the page.
        max_bytes: The most bytes of the file, at least 1,000,000.

    Raises:
        InvalidArgumentError: `title` is no str, or `max_bytes` is no integer of at least 1,000,000.
        OutputError: The file cannot be written; what stood there before still does.
        MissingExtraError: jinja2 is not installed.
    """
    _validate.text("title", title)
    _validate.integer("max_bytes", max_bytes, least=_LEAST_BYTES)
    check_report(path)
    content = _render(found, label(title, _TITLE) or "", max_bytes).encode()

    def put(temporary: Path) -> None:
        temporary.write_bytes(content)

    formats.replace_file(path, put)


def check_report(path: str | os.PathLike[str]) -> None:
    """Check, before there is anything to write, that a report can be made and stand at `path`.

    Raises:
        OutputError: It cannot stand there.
        MissingExtraError: jinja2 is not installed.
    """
    formats.check_path(path, SUFFIXES)
    _template()


def _template() -> Template:
    try:
        from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("The report needs jinja2: pip install 'dedup[report]'") from error
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": "{:,}".format, "count": _count, "percent": "{:.2f}%".format, "score": _score}
    return environment.from_string(_read("page.html.jinja"))


def _render(found: data.Found, title: str, max_bytes: int) -> str:
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    script = "\n".join(map(_read, _SCRIPTS))
    style = _read("page.css")
    settings = {
        "title": title,
        "counts": found.summary(),
        "outlets": summary.outlets(found.articles, found.kept),
        "histograms": summary.histograms(found.pairs),
        "bars": summary.BARS,
        "threshold": found.config.threshold,
        "config": list(_settings(found.config)),
        # The only three things that are not escaped: our own two files, and JSON without a character of markup.
        "style": Markup(style),  # noqa: S704 - a file of this package
        "script": Markup(script),  # noqa: S704 - a file of this package
        "policy": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; "
        "form-action 'none'",
    }
    template = _template()
    frame = template.render(settings, index=Markup("{}"), parts={})
    # The index grows with the number of parts.
    room = max_bytes - len(frame.encode()) - max_bytes // 50
    made = data.build(found, room)
    index = Markup(as_json(made.index))  # noqa: S704 - without a character of markup
    return template.render(settings, index=index, parts=made.parts)


def as_json(value: object) -> str:
    """Return JSON that may stand in a script element: in ASCII, and no character in it is markup."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def _settings(config: object) -> Iterator[tuple[str, str]]:
    """Yield the names and values of settings, the same for the same result.

    So the number of threads is left out, and a function has its name alone, not where it lies in memory.
    """
    for field in fields(cast("Any", config)):
        value = getattr(config, field.name)
        if field.name == "threads":
            continue
        if is_dataclass(value):
            yield from ((f"{field.name} {name}", text) for name, text in _settings(value))
        elif callable(value):
            yield field.name, label(getattr(value, "__name__", type(value).__name__), _TITLE) or "-"
        else:
            text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            yield field.name, label(text, _TITLE) or "-"


def _score(value: str | float) -> str:
    """Return a count, a score cut to three digits, or a text as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    cut = data.thousandths(value)
    return "-" if cut is None else f"{cut / 1000:.3f}"


def _count(value: int, noun: str) -> str:
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files("dedup.report").joinpath(name).read_text(encoding="utf-8")
