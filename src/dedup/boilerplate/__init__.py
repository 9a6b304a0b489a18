"""Takes page furniture off texts: `clean` gives the text of the story, and what was taken off and why."""

from __future__ import annotations

from dedup.boilerplate.page import clean, wire_ranks
from dedup.boilerplate.signs import age_resolved

__all__ = ["age_resolved", "clean", "wire_ranks"]
