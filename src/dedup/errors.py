"""Every error that dedup raises: all derive from `DedupError`, so one `except` catches them."""

from __future__ import annotations


class DedupError(Exception):
    """The base of every error of this library."""


class InvalidArgumentError(DedupError, ValueError):
    """An argument is outside what is allowed; the message names it, what is allowed and what came."""


class SchemeMismatch(DedupError, ValueError):  # noqa: N818 - the name that format.md fixes
    """Two signatures were made by different schemes, sizes, seeds or fold versions and cannot be compared."""


class InputError(DedupError):
    """Input that cannot be read: a missing file or column, or a row that is not an article."""


class DuplicateIdError(InputError):
    """Two documents of one batch carry the same id."""


class InvalidUtf8Error(InputError):
    """A row of an Arrow buffer is not valid UTF-8."""


class OutputError(DedupError):
    """A result that cannot be written; what stood at the destination before is untouched."""


class IndexFileError(DedupError):
    """The file of an index is no index, is damaged, was written by a newer version, or has triggers or views.

    Or it is of an older format and was opened only to be read.
    """


class IndexBusyError(DedupError):
    """Another writer did not finish in time."""


class MissingExtraError(DedupError, ImportError):
    """An optional dependency is not installed; the message holds the pip line that installs it."""


class NotCompiledError(DedupError, ImportError):
    """The native kernel was not built; the message says how to build it."""


class DedupWarning(UserWarning):
    """What a run found is worth a look before it is used, such as a source of which nearly everything is dropped."""
