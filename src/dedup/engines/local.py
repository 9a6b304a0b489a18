"""A run on one machine whose articles need not fit into memory: every bulky thing is in files of a work folder.

The stages are those of `pipeline`, over columns in files instead of arrays in memory. Each ends with an entry in the
manifest of the folder, from which an interrupted run goes on.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dedup import templates
from dedup.clustering.order import keep_order, moments_of
from dedup.decide import decide, worth_a_look
from dedup.engines.output import WRITES, Written, write
from dedup.engines.records import Records, read_records
from dedup.engines.work import Work, digest_of, digest_of_file
from dedup.errors import DedupWarning, DuplicateIdError, InputError, InvalidArgumentError
from dedup.formats.batches import batch_of, batches, count_rows
from dedup.formats.columns import strings
from dedup.formats.read import TABLES, find_suffix
from dedup.kernels import native
from dedup.kernels.parallel import Pool
from dedup.kernels.table import FOLD_VERSION
from dedup.matching.verify import Pairs
from dedup.model import RELATIONS, Article, Cleaned
from dedup.pipeline import Documents, Outcome, cut_templates, match
from dedup.prepare import dated, items_of, read_chunk
from dedup.scratch import Folder
from dedup.stages import Marks, counter, cut_of, sketch_chunk
from dedup.templates import Prints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa
    from numpy.typing import NDArray

    from dedup.boilerplate.sightings import Template
    from dedup.config import Config
    from dedup.formats import Skipped
    from dedup.prepare import Chunk
    from dedup.scratch import TextStore
    from dedup.stages import Marked, Progress
    from dedup.templates import Templates

#: The least memory of a run: what each document takes in arrays, and what the program takes.
BYTES_PER_DOCUMENT, BYTES_OF_PROGRAM = 700, 400_000_000

#: The stages that `progress` is told of, in order, and what each counts.
STAGES = {
    "sketch": "documents",
    "templates": "",
    "match": "bands",
    "verify": "pairs",
    "sample": "parts",
    "decide": "",
    "write": "rows",
}

#: Bytes of text that one thread works on at a time: the fewer chunks, the less Python between the kernels.
_CHUNK_BYTES = 4_000_000

#: Bad rows that are listed; more are counted.
LISTED = 1000


def run(
    source: object,
    out: str | os.PathLike[str],
    config: Config,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    progress: Progress | None = None,
    known: Templates | None = None,
    memory: int | None = None,
    work: str | os.PathLike[str] | None = None,
    resume: bool = False,
) -> Written:
    """Deduplicate articles that need not fit into memory; see `api.deduplicate`."""
    target = _place("out", out)
    place = target.with_name(f"{target.name}.work") if work is None else _place("work", work)
    _check_places(source, target, place)
    if config.keep.key is not None:
        raise InvalidArgumentError("keep must be a KeepPolicy without a key where out is given. Got one with a key.")
    is_path = isinstance(source, str | os.PathLike)
    if resume and not is_path:
        raise InvalidArgumentError(f"resume must be False where articles is no path. Got {type(source).__name__}.")
    cut_of(config)  # refuses what cannot be reached, before any work
    with Pool(config.threads) as pool:
        about = {
            "input": digest_of(source, pool) if isinstance(source, str | os.PathLike) else "",
            "settings": repr(replace(config, threads=None)),
            "templates": _templates_digest(known),
            "on_error": on_error,
            "version": f"{version('dedup')}, fold {FOLD_VERSION}",
        }
    with Work(place, about, resume=resume) as folder:
        folder.discard_unfinished()
        total = count_rows(source) if isinstance(source, str | os.PathLike) else None
        _check_memory(memory, total)
        advance = _told(progress, "sketch", total)
        notes = folder.stage(
            "sketch", lambda columns: _sketch(source, config, columns, advance, skip=on_error == "skip")
        )
        _check_memory(memory, notes["documents"])
        notes = notes | folder.stage("templates", lambda columns: _templates(columns, config, notes, known, progress))
        notes = notes | folder.stage("match", lambda columns: _match(columns, config, notes, progress))
        written = _write(target, folder, config, notes, progress)
        folder.remove()
    for message in worth_a_look(written.summary, written.alarms, config):
        warnings.warn(message, DedupWarning, stacklevel=3)
    return written


def _templates_digest(known: Templates | None) -> str:
    if known is None:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "templates")
        known.save(path)
        return digest_of_file(path)


def _place(name: str, path: str | os.PathLike[str]) -> Path:
    try:
        return Path(os.path.realpath(os.fsdecode(path)))
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{name} must be a path. Got {path!r:.80}.") from error


def _check_places(source: object, target: Path, work: Path) -> None:
    """Refuse to replace what no run has written, and to work within what is read or written."""
    if find_suffix(target, (*TABLES, ".txt", ".html")):
        raise InvalidArgumentError(f"out must be a folder, and not named as a file is. Got {target.name}.")
    if not target.parent.is_dir():
        raise InvalidArgumentError(f"out must be in a folder that exists. Got {target}.")
    if target.exists() and not (target.is_dir() and {path.name for path in target.iterdir()} <= set(WRITES)):
        raise InvalidArgumentError(f"out must be a new folder or that of an earlier run. Got {target}.")
    places = {"out": target, "work": work}
    if isinstance(source, str | os.PathLike):
        places["articles"] = _place("articles", source)
    for (name, path), (other, there) in combinations(places.items(), 2):
        if path.is_relative_to(there) or there.is_relative_to(path):
            raise InvalidArgumentError(f"{name} and {other} must not be one in the other. Got {path} and {there}.")


def _check_memory(memory: int | None, documents: int | None) -> None:
    if documents is None:
        return
    least = BYTES_OF_PROGRAM + BYTES_PER_DOCUMENT * documents
    if memory is not None and memory < least:
        raise InvalidArgumentError(
            f"memory must be at least {least:,} bytes for {documents:,} documents. Got {memory:,}."
        )


def _told(progress: Progress | None, stage: str, total: int | None) -> Callable[[int], None]:
    """Return a counter; where nobody knows how much there is, all that was counted so far is all."""
    if total is not None or progress is None:
        return counter(progress, stage, total or 0)
    done = 0

    def advance(amount: int) -> None:
        nonlocal done
        done += amount
        progress(stage, done, done)

    return advance


# Clean and sketch.


class _Texts(Sequence[str]):
    """The texts of an Arrow column, made when they are asked for."""

    def __init__(self, column: pa.Array) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    def __getitem__(self, row: Any) -> Any:  # noqa: ANN401 - nobody slices it
        return self._column[row].as_py()


class _Store:
    """The columns of the documents and texts of a run."""

    def __init__(self, columns: Folder, config: Config) -> None:
        self.texts: TextStore = columns.texts("text")
        self.marks = Marks(columns, "text", cut_of(config))
        self.names = columns.column("document.name", np.uint64)
        self.moments = columns.column("document.moments", np.float64)
        self.wire_ranks = columns.column("document.wire", np.uint8)
        self.sources = columns.column("document.source", np.int32)
        self.cleaned = columns.column("document.cleaned", np.bool_)
        self.prints = [
            columns.column(f"block.{name}", dtype)
            for name, dtype in (("count", np.int32), ("print", np.uint64), ("words", np.int32), ("cues", np.uint32))
        ]

    def append(
        self, batch: pa.RecordBatch, chunk: Chunk, marked: Marked, sources: list[int], dates: list[str | None]
    ) -> None:
        """Add documents that were read."""
        self.texts.append(chunk.strings, chunk.texts)
        self.marks.append(*marked)
        ids = native.Texts.from_arrow(batch.column("id"))
        hashes = np.empty(len(ids), np.uint64)
        native.fill_text_hashes(ids, 0, 0, len(ids), hashes)
        self.names.append(hashes)
        self.moments.append(moments_of(dates))
        self.wire_ranks.append(chunk.wire_ranks)
        self.sources.append(np.array(sources, np.int32))
        cleaned = np.zeros(len(ids), np.bool_)
        cleaned[list(chunk.pages)] = True
        self.cleaned.append(cleaned)
        if chunk.prints is not None:
            counts = np.diff(chunk.prints.firsts)
            found: list[NDArray[Any]] = [counts, chunk.prints.fingerprints, chunk.prints.words, chunk.prints.cues]
            for column, values in zip(self.prints, found, strict=True):
                column.append(values)

    def prints_of(self) -> Prints:
        """Return the blocks of the texts."""
        counts, fingerprints, words, cues = (column.read() for column in self.prints)
        return Prints(np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]), fingerprints, words, cues)


def _sketch(
    source: object, config: Config, columns: Folder, advance: Callable[[int], None], *, skip: bool
) -> dict[str, Any]:
    """Read, clean and sketch everything; return what is known of it as a whole."""
    store = _Store(columns, config)
    skipped: list[str] = []
    bad = 0

    def note(row: Skipped) -> None:
        nonlocal bad
        bad += 1
        if len(skipped) < LISTED:
            skipped.append(str(row))

    sources: dict[str | None, int] = {None: -1}

    def read(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, list[str | None], Chunk, Marked]:
        names, texts = batch.column("source").to_pylist(), batch.column("text")
        given = _Texts(batch.column("id")), _Texts(texts), native.Texts.from_arrow(texts)
        chunk = read_chunk(*given, names, config)
        return batch, names, chunk, sketch_chunk(chunk.texts, config, sampled=True)

    articles, stories, rounds = 0, 0, 0
    with Pool(config.threads) as pool, Records(columns.path, "record") as records:
        given = batches(source, note if skip else None)
        while True:
            with Records(columns.path, f"items-{rounds}") as items:
                for batch, names, chunk, marked in pool.map(read, _cut(given)):
                    dates, found = _look_into(batch, chunk)
                    numbers = [sources.setdefault(name, len(sources) - 1) for name in names]
                    store.append(batch, chunk, marked, numbers, dates)
                    place = batch.schema.get_field_index("published")
                    records.append(batch.set_column(place, "published", strings(dates)).drop_columns(["text"]))
                    if found:
                        items.append(batch_of(found))
                    stories += batch.num_rows - batch.column("parent").null_count
                    advance(batch.num_rows)
            articles = articles or records.rows
            if not items.rows:
                break
            # The stories of pages are documents too, and may be pages themselves.
            given = read_records(columns.path, f"items-{rounds}")
            rounds += 1
    if records.rows >= 2**31:
        raise InputError(f"A run must be of at most {2**31 - 1:,} documents. Got {records.rows:,}.")
    _check_ids(columns.path, store.names.read(), articles)
    return {
        "documents": records.rows,
        "items": stories,
        "sources": list(sources)[1:],
        "skipped": skipped,
        "skipped_rows": bad,
    }


def _cut(given: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut batches to what one thread works on at a time."""
    for batch in given:
        rows = max(1, batch.num_rows * _CHUNK_BYTES // max(1, batch.column("text").nbytes))
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _look_into(batch: pa.RecordBatch, chunk: Chunk) -> tuple[list[str | None], list[Article]]:
    """Return when each document was published, and the stories that pages among them carry."""
    dates, items = batch.column("published").to_pylist(), []
    ids = batch.column("id")
    for row, page in chunk.pages.items():
        # What its stories and its date are taken from is all that is asked of the page.
        article = dated(Article(ids[row].as_py(), "", published=dates[row]), page)
        dates[row] = article.published
        items += items_of(article, page)
    return dates, items


def _check_ids(folder: Path, hashes: NDArray[np.uint64], articles: int) -> None:
    """Refuse documents of one id; equal hashes are not yet equal ids."""
    order = np.argsort(hashes, kind="stable")
    again = np.flatnonzero(hashes[order[1:]] == hashes[order[:-1]])
    if not len(again):
        return
    rows = np.unique(order[np.concatenate([again, again + 1])])
    first: dict[str, int] = {}
    for row, name in zip(rows.tolist(), _ids(folder).take(rows).to_pylist(), strict=True):
        other = first.setdefault(name, row)
        if other < row:
            kinds = [f"article {at}" if at < articles else "a story that a page carries" for at in (other, row)]
            raise DuplicateIdError(f"id {name!r} stands twice, counted from 0: {kinds[0]} and {kinds[1]}.")


def _ids(folder: Path) -> pa.Array:
    """Return the ids of all documents."""
    import pyarrow as pa  # noqa: PLC0415 - loads on first use

    chunks = [batch.column("id") for batch in read_records(folder, "record")]
    return pa.chunked_array(chunks, pa.large_string()).combine_chunks()


# Furniture by repetition, then everything up to verified pairs.


class _Cut(dict[int, Cleaned]):
    """Notes from which documents something was cut, and forgets what."""

    def __init__(self, cleaned: NDArray[np.bool_]) -> None:
        super().__init__()
        self._cleaned = cleaned

    def update(self, pages: Iterable[tuple[int, Cleaned]]) -> None:  # type: ignore[override]  # all that is called
        self._cleaned[[row for row, _ in pages]] = True


def _templates(
    columns: Folder, config: Config, notes: dict[str, Any], known: Templates | None, progress: Progress | None
) -> dict[str, Any]:
    """Take off what repeats within outlets; note which text each document has."""
    advance = counter(progress, "templates", 1)
    store = _Store(columns, config)
    places, cleaned = np.arange(notes["documents"]), np.array(store.cleaned.read())
    found: list[Template] = []
    if config.clean == "auto":
        names = [templates.outlet_of(name) for name in (*notes["sources"], None)]
        outlets = [names[number] for number in store.sources.read().tolist()]
        scratch = Folder(columns.path / "rest")
        found = cut_templates(
            outlets, places, store.texts, store.prints_of(), store.marks, config, known, scratch, _Cut(cleaned)
        )
    columns.column("document.place", np.int64).append(places)
    advance(1)
    return {"templates": len(found), "cleaned": int(np.count_nonzero(cleaned))}


def _match(columns: Folder, config: Config, notes: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
    """Find the related pairs and note them."""
    store = _Store(columns, config)
    places = np.array(columns.column("document.place", np.int64).read())
    if len(places) > config.exhaustive:
        # Before a long sort, not after it.
        counter(progress, "match", cut_of(config).bands)
    moments = np.array(store.moments.read()).reshape(-1, 2)
    numbers = store.sources.read()
    sources = _sources(notes, numbers)
    tokens = store.marks.tokens.read()[places]
    order = keep_order(_ids(columns.path), sources, config.keep, tokens, moments, store.wire_ranks.read())
    outlets = templates.outlet_numbers([*notes["sources"], None])[numbers]
    documents = Documents(places, outlets, moments, order)
    outcome = match(documents, store.texts, store.marks, config, Folder(columns.path / "pairs"), progress)
    for name, pairs in (("pairs", outcome.pairs), ("judged", outcome.judged)):
        for part, dtype in _PAIRS.items():
            columns.column(f"{name}.{part}", dtype).append(getattr(pairs, part))
    for name, dtype in _ARRAYS.items():
        columns.column(f"outcome.{name}", dtype).append(getattr(outcome, name))
    return {"found": {name: getattr(outcome, name) for name in _COUNTS}}


def _sources(notes: dict[str, Any], numbers: NDArray[np.int32]) -> list[str | None]:
    """Return who printed each document."""
    names = [*notes["sources"], None]
    return [names[number] for number in numbers.tolist()]


#: What an outcome consists of.
_COUNTS = ("candidates", "capped", "largest", "omitted", "common", "frequent")
_PAIRS = dict.fromkeys((field.name for field in fields(Pairs)), np.int64) | {"is_form": np.bool_, "relation": np.uint8}
_ARRAYS = {
    "tokens": np.uint32,
    "outlets": np.int64,
    "moments": np.float64,
    "order": np.int64,
    "representative": np.int64,
    "documents": np.int64,
}


def _outcome(columns: Folder, notes: dict[str, Any]) -> Outcome:
    """Return what `_match` noted."""

    def pairs(name: str) -> Pairs:
        return Pairs(**{part: columns.column(f"{name}.{part}", dtype).read() for part, dtype in _PAIRS.items()})

    arrays = {name: columns.column(f"outcome.{name}", dtype).read() for name, dtype in _ARRAYS.items()}
    arrays["moments"] = arrays["moments"].reshape(-1, 2)
    return Outcome(**{**arrays, "pairs": pairs("pairs"), "judged": pairs("judged"), **notes["found"]})


def _write(target: Path, work: Work, config: Config, notes: dict[str, Any], progress: Progress | None) -> Written:
    """Decide, and write everything."""
    columns = Folder(work.path, fresh=False)
    advance = counter(progress, "decide", 1)
    decision = decide(_outcome(columns, notes), config)
    advance(1)
    numbers = columns.column("document.source", np.int32).read()
    names = notes["sources"]
    alarms = decision.alarms(_sources(notes, numbers))
    documents, dropped = (
        np.bincount(numbers[chosen], minlength=len(names)).tolist()
        for chosen in (numbers >= 0, (numbers >= 0) & ~decision.is_kept)
    )
    known = {name: notes[name] for name in ("items", "cleaned", "templates", "skipped_rows")}
    summary = {**decision.summary(alarms=len(alarms), **known), "work_bytes": work.bytes()}
    sources = dict(zip(names, zip(dropped, documents, strict=True), strict=True))
    written = Written(target, summary, alarms, sources, tuple(notes["skipped"]))
    rows = len(decision) + sum(int(summary[f"{name}_pairs"]) for name in RELATIONS)
    write(written, work.path, _ids(work.path), decision, counter(progress, "write", rows))
    return written
