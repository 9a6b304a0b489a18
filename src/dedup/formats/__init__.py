"""Reads articles from files, Arrow data and Python objects, and writes tables."""

from __future__ import annotations

from dedup.formats.read import Corpus, Skipped, read, read_records, stream
from dedup.formats.write import check_path, replace_file, write

__all__ = ["Corpus", "Skipped", "check_path", "read", "read_records", "replace_file", "stream", "write"]
