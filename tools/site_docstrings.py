"""An extension of griffe (mkdocs.yml): the examples of docstrings, which doctest runs, are shown as code."""

from __future__ import annotations

import re
from typing import Any

import griffe

#: From the first line of a session to the blank line behind it.
_SESSION = re.compile(r"(?ms)^>>> .*?(?=\n\n|\Z)")


class Sessions(griffe.Extension):
    """Puts a fence around each session of a docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:  # noqa: ANN401 - what griffe also gives
        """Change the docstring of an object, if it has one with a session."""
        if obj.docstring:
            obj.docstring.value = _SESSION.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
