"""Takes page furniture off a text: `clean` gives the text of the story, and what was taken off and why."""

from __future__ import annotations

from dedup.boilerplate.page import clean, fill_suspects

__all__ = ["clean", "fill_suspects"]
