"""Takes page furniture off texts: `clean` gives the text of the story, and what was taken off and why."""

from __future__ import annotations

from dedup.boilerplate.classify import lines_in, read_blocks
from dedup.boilerplate.page import clean, clean_page, suspects, wire_rank
from dedup.boilerplate.signs import age_resolved

__all__ = ["age_resolved", "clean", "clean_page", "lines_in", "read_blocks", "suspects", "wire_rank"]
