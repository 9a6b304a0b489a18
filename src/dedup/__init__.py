"""Finds which news texts are the same text: verified near-duplicate clusters from raw article text.

deduplicate() is the main job; Index does it for a stream; clean(), compare(), sketch() and plan() are its parts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from dedup.errors import DedupError, InputError, InvalidArgumentError, OutputError, SchemeMismatch

if TYPE_CHECKING:
    from dedup import spark as spark
    from dedup.api import clean, compare, deduplicate, sketch
    from dedup.boilerplate.sightings import Template
    from dedup.config import Config, KeepPolicy
    from dedup.live import Index
    from dedup.matching.plan import Plan, plan
    from dedup.model import Article, Attribution, Block, Cleaned, Cluster, Comparison, Drop, Event, Item, Match, Span
    from dedup.result import Result
    from dedup.templates import Templates

__all__ = [
    "Article",
    "Attribution",
    "Block",
    "Cleaned",
    "Cluster",
    "Comparison",
    "Config",
    "DedupError",
    "Drop",
    "Event",
    "Index",
    "InputError",
    "InvalidArgumentError",
    "Item",
    "KeepPolicy",
    "Match",
    "OutputError",
    "Plan",
    "Result",
    "SchemeMismatch",
    "Span",
    "Template",
    "Templates",
    "clean",
    "compare",
    "deduplicate",
    "plan",
    "sketch",
]

# What is not an error loads when it is first asked for: a process that only imports the package starts at once.
_HOMES = {
    "dedup.api": ("clean", "compare", "deduplicate", "sketch"),
    "dedup.boilerplate.sightings": ("Template",),
    "dedup.config": ("Config", "KeepPolicy"),
    "dedup.live": ("Index",),
    "dedup.matching.plan": ("Plan", "plan"),
    "dedup.model": (
        "Article",
        "Attribution",
        "Block",
        "Cleaned",
        "Cluster",
        "Comparison",
        "Drop",
        "Event",
        "Item",
        "Match",
        "Span",
    ),
    "dedup.result": ("Result",),
    "dedup.templates": ("Templates",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name from its module, once."""
    if name == "spark":
        return import_module("dedup.spark")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted(__all__)
