"""Finds which news texts are the same text: verified near-duplicate clusters from raw article text.

deduplicate() is the main job; clean(), compare(), sketch() and plan() are its parts. See README.md.
"""

from __future__ import annotations

from dedup.api import clean, compare, deduplicate, sketch
from dedup.config import Config
from dedup.errors import DedupError, DuplicateIdError, InputError, InvalidArgumentError, OutputError, SchemeMismatch
from dedup.matching.plan import Plan, plan
from dedup.model import Article, Cleaned, Cluster, Comparison, Drop, Item, Span
from dedup.result import Result

__all__ = [
    "Article",
    "Cleaned",
    "Cluster",
    "Comparison",
    "Config",
    "DedupError",
    "Drop",
    "DuplicateIdError",
    "InputError",
    "InvalidArgumentError",
    "Item",
    "OutputError",
    "Plan",
    "Result",
    "SchemeMismatch",
    "Span",
    "clean",
    "compare",
    "deduplicate",
    "plan",
    "sketch",
]
