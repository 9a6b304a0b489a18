"""The commands of an index: `dedup index ...`."""

# typer evaluates the annotations of the commands, which name its own things: no `from __future__ import annotations`.
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from dedup import _console, _validate
from dedup._terminal import draw, indexes, runs
from dedup.errors import InputError, InvalidArgumentError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer import Typer

    from dedup import Article, Event, Index
    from dedup.formats import Skipped

_EXAMPLES = {
    "": (
        "index create news.dedup --prefer 'Harbour Gazette'",
        "index add news.dedup seeds",
        "index query news.dedup seeds/tram-echo.txt",
        "index expire news.dedup --before 2025-01-01",
        "index stats news.dedup",
        "index verify news.dedup",
    ),
    "create": ("index create news.dedup", "index create strict.dedup --threshold 0.8 --clean off"),
    "add": ("index add news.dedup seeds", "index add news.dedup seeds --durability full --json > matches.jsonl"),
    "query": (
        "index query news.dedup seeds/harbour-herald.txt",
        "index query news.dedup - --json < seeds/harbour-herald.txt",
    ),
    "get": ("index get news.dedup tram-echo", "index get news.dedup tram-echo > tram.txt"),
    "remove": ("index remove news.dedup tram-echo tram-ledger",),
    "expire": (
        "index expire news.dedup --before 2025-01-01",
        "index expire news.dedup --before 2025-01-01T12:00:00Z --by arrived",
    ),
    "events": (
        "index events news.dedup",
        "index events news.dedup --after 20 --limit 5",
        "index events news.dedup --json",
    ),
    "stats": ("index stats news.dedup", "index stats news.dedup --json"),
    "verify": ("index verify news.dedup", "index verify news.dedup --json"),
    "compact": ("index compact news.dedup",),
    "backup": ("index backup news.dedup copy.dedup",),
}


def app() -> "Typer":  # noqa: C901 - one function per command
    """Return the parser of the commands of an index."""
    import typer  # noqa: PLC0415 - an extra

    from dedup import _options  # noqa: PLC0415 - it needs typer
    from dedup.config import Config  # noqa: PLC0415 - its defaults are those of the options

    option, argument, default = typer.Option, typer.Argument, Config()
    app = _console.group()

    @app.callback(invoke_without_command=True, epilog=_console.examples(_EXAMPLES[""]))
    def index(context: typer.Context) -> None:
        """Keep the clusters of a stream of articles in a file."""
        _console.check_command(context)

    @app.command(epilog=_console.examples(_EXAMPLES["create"]))
    def create(
        file: Annotated[str, argument(metavar="FILE", help="The file to make.")],
        *,
        threshold: _options.Threshold = default.threshold,
        containment: _options.Containment = default.containment,
        overlap: _options.Overlap = default.overlap,
        min_passage: _options.MinPassage = default.min_passage,
        min_excerpt: _options.MinExcerpt = default.min_excerpt,
        recall: _options.Recall = default.recall,
        shingle_size: _options.ShingleSize = default.shingle_size,
        slots: _options.Slots = default.num_slots,
        seed: _options.Seed = default.seed,
        prefer: _options.Prefer = None,
        clean: _options.CleanPage = "pages",
    ) -> Callable[[], None]:
        """Make an empty index, whose settings never change."""
        settings = {
            "threshold": threshold,
            "containment": containment,
            "overlap": overlap,
            "min_passage": min_passage,
            "min_excerpt": min_excerpt,
            "recall": recall,
            "shingle_size": shingle_size,
            "num_slots": slots,
            "seed": seed,
            "clean": clean,
        }
        return partial(_create, file, settings, prefer or ())

    @app.command(epilog=_console.examples(_EXAMPLES["add"]))
    def add(
        file: Annotated[str, argument(metavar="FILE", help="The index; made when it is not there.")],
        inputs: Annotated[list[str], argument(metavar="INPUT", help="What dedup run takes; each article needs an id.")],
        *,
        batch: Annotated[int, option(help="Articles that are added at a time, all or none.")] = 1000,
        durability: Annotated[
            str, option(help="normal, or full: what is acknowledged outlives a power cut.")
        ] = "normal",
        threads: _options.Threads = default.threads,
        on_error: _options.OnError = "raise",
        as_json: Annotated[
            bool, option("--json", help="Print a line of JSON per article, once it is safe in the file.")
        ] = False,
    ) -> Callable[[], None]:
        """Add articles, batch by batch.

        An article whose id is there with the same text changes nothing; with another text it replaces that one.
        """
        add = partial(_add, file, inputs, batch, durability=durability, threads=threads)
        return partial(add, on_error=on_error, as_json=as_json)

    @app.command(epilog=_console.examples(_EXAMPLES["query"]))
    def query(
        file: _options.Index,
        text: Annotated[str, argument(metavar="TEXT", help="A text file; - is stdin.")],
        *,
        as_json: _options.Json = False,
    ) -> Callable[[], None]:
        """Tell how a text stands to the articles of an index."""
        return partial(_query, file, text, as_json=as_json)

    @app.command(epilog=_console.examples(_EXAMPLES["get"]))
    def get(
        file: _options.Index,
        name: Annotated[str, argument(metavar="ID", help="The id of a document.")],
        *,
        as_json: _options.Json = False,
    ) -> Callable[[], None]:
        """Print the text of a document as it is kept.

        The text goes to stdout as it is, in a terminal with escapes for what cannot be shown; what is known of it
        goes to stderr.
        """
        return partial(_get, file, name, as_json=as_json)

    @app.command(epilog=_console.examples(_EXAMPLES["remove"]))
    def remove(
        file: _options.Index,
        names: Annotated[list[str], argument(metavar="ID", help="Ids of documents.")],
        *,
        as_json: _options.Json = False,
    ) -> Callable[[], None]:
        """Remove documents, and the stories that they carry."""
        return partial(_remove, file, names, as_json=as_json)

    @app.command(epilog=_console.examples(_EXAMPLES["expire"]))
    def expire(
        file: _options.Index,
        *,
        before: Annotated[str, option(metavar="DATE", help="A date or a time, as ISO 8601; without a zone, UTC.")],
        by: Annotated[str, option(help="published or arrived: the time that counts.")] = "published",
        as_json: _options.Json = False,
    ) -> Callable[[], None]:
        """Remove the documents from before a date.

        By the time of publication, documents without one stay.
        """
        return partial(_expire, file, before, by, as_json=as_json)

    @app.command(epilog=_console.examples(_EXAMPLES["events"]))
    def events(
        file: _options.Index,
        *,
        after: Annotated[int, option(metavar="POSITION", help="Only what happened after this event.")] = 0,
        limit: Annotated[int | None, option(help="Most events.", show_default="20, with --json all")] = None,
        as_json: Annotated[bool, option("--json", help="Print a line of JSON per event.")] = False,
    ) -> Callable[[], None]:
        """Show what happened to the clusters, in order."""
        return partial(_events, file, after, limit, as_json=as_json)

    @app.command(epilog=_console.examples(_EXAMPLES["stats"]))
    def stats(
        file: _options.Index,
        *,
        as_json: _options.Json = False,
    ) -> Callable[[], None]:
        """Show how much an index holds, and its settings."""
        return partial(_stats, file, as_json=as_json)

    @app.command(epilog=_console.examples(_EXAMPLES["verify"]))
    def verify(
        file: _options.Index,
        *,
        as_json: _options.Json = False,
    ) -> Callable[[], int]:
        """Read the whole index and tell what is broken.

        Exit code 0 when it is sound, 1 when something is broken, 2 when it cannot be read.
        """
        return partial(_verify, file, as_json=as_json)

    @app.command(epilog=_console.examples(_EXAMPLES["compact"]))
    def compact(file: _options.Index) -> Callable[[], None]:
        """Shrink the file by what was removed."""
        return partial(_compact, file)

    @app.command(epilog=_console.examples(_EXAMPLES["backup"]))
    def backup(
        file: _options.Index,
        copy: Annotated[str, argument(metavar="COPY", help="The file to make.")],
    ) -> Callable[[], None]:
        """Copy an index, also while it is in use."""
        return partial(_backup, file, copy)

    return app


def _create(file: str, settings: Mapping[str, Any], prefer: Sequence[str]) -> None:
    from dedup.config import KeepPolicy  # noqa: PLC0415 - loads on first use

    if os.path.lexists(file):
        raise OutputError(f"{file} is there already.")
    with _make(file, keep=KeepPolicy(sources=tuple(prefer)), **settings) as index:
        _console.show(sys.stdout, indexes.create_parts(file, index.config))


def _add(
    file: str,
    inputs: Sequence[str],
    size: int,
    *,
    durability: Any,  # noqa: ANN401 - Index() checks it
    threads: int | None,
    on_error: str,
    as_json: bool,
) -> None:
    from dedup import formats  # noqa: PLC0415 - loads on first use

    _validate.integer("batch", size, least=1)
    _validate.choice("on_error", on_error, ("raise", "skip"))
    for name in inputs:
        _console.check_there(name, "file or folder")
    started = time.perf_counter()
    counts: Counter[str] = Counter()
    skipped: list[Skipped] = []

    def skip(row: "Skipped") -> None:
        counts["skipped"] += 1
        if counts["skipped"] <= draw.NAMED:
            skipped.append(row)

    take = skip if on_error == "skip" else None
    batches = _batches(chain.from_iterable(formats.stream(name, take) for name in inputs), size)
    # What cannot be read at all leaves no new file.
    first = next(batches, [])
    is_new = not Path(file).exists()
    with _make(file, durability=durability, threads=threads) as index:
        if is_new:
            _console.print_notes([f"{file} was not there: made with the usual settings."])
        try:
            with _console.counting(shown=not (as_json and sys.stdout.isatty())) as show:
                for batch in chain([first], batches):
                    matches = index.add_batch(batch)
                    counts.update(indexes.add_counts(matches))
                    show(counts["articles"])
                    if as_json:
                        _console.print_lines(matches)
        except BaseException:
            _console.print_notes([indexes.stopped(file, counts["articles"])])
            raise
        finally:
            _console.print_notes(runs.skipped_notes(skipped, counts["skipped"], counts["articles"]))
    if not as_json:
        _console.show(sys.stdout, indexes.add_parts(file, counts, time.perf_counter() - started))


def _batches(articles: "Iterable[Article]", size: int) -> "Iterator[list[Article]]":
    """Yield articles some at a time; an id that comes again begins a new batch, and so takes the place of the first."""
    batch: dict[str, Article] = {}
    for article in articles:
        if article.id in batch:
            yield list(batch.values())
            batch.clear()
        batch[article.id] = article
        if len(batch) == size:
            yield list(batch.values())
            batch.clear()
    if batch:
        yield list(batch.values())


def _query(file: str, name: str, *, as_json: bool) -> None:
    text = _console.read_text(name)
    with _open(file, read_only=True) as index:
        match = index.query({"id": name, "text": text})
        # Another process may have removed it since.
        canonical, cluster = index.get(match.canonical), index.cluster(match.canonical)
    if as_json:
        _console.print_json(asdict(match))
    else:
        _console.show(sys.stdout, indexes.query_parts(name, file, match, canonical, cluster))


def _get(file: str, name: str, *, as_json: bool) -> None:
    with _open(file, read_only=True) as index:
        article, match = index.get(name), index.match(name)
    if article is None or match is None:
        raise InputError(f"{file} has no document {name!r}.")
    if as_json:
        _console.print_json(indexes.get_record(article, match))
        return
    _console.print_text(article.text)
    _console.show(sys.stderr, indexes.get_parts(article, match))


def _remove(file: str, names: Iterable[str], *, as_json: bool) -> None:
    with _open(file) as index:
        found = {name: index.remove(name) for name in names}
    removed, absent = ([name for name, was_there in found.items() if was_there == wanted] for wanted in (True, False))
    if as_json:
        _console.print_json({"removed": removed, "absent": absent})
    else:
        _console.show(sys.stdout, indexes.remove_parts(removed, absent))


def _expire(file: str, before: str, by: Any, *, as_json: bool) -> None:  # noqa: ANN401 - expire() checks it
    with _open(file) as index:
        number = index.expire(before, by=by)
        left = index.stats().documents
    if as_json:
        _console.print_json({"expired": number, "documents": left})
    else:
        _console.show(sys.stdout, indexes.expire_parts(number, left))


def _events(file: str, after: int, limit: int | None, *, as_json: bool) -> None:
    if limit is not None:
        _validate.integer("limit", limit, least=1)
    with _open(file, read_only=True) as index:
        if as_json:
            for events in _pages_of_events(index, after, limit):
                _console.print_lines(events)
            return
        limit = limit or 20
        found = index.events(after, limit + 1)
    _console.show(sys.stdout, indexes.events_parts(file, found, after, limit))


def _pages_of_events(index: "Index", after: int, limit: int | None) -> "Iterator[list[Event]]":
    """Yield the events behind a position, at most so many, a thousand at a time."""
    left = limit
    while left is None or left > 0:
        events = index.events(after, 1000 if left is None else min(left, 1000))
        if not events:
            return
        yield events
        after, left = events[-1].position, left and left - len(events)


def _stats(file: str, *, as_json: bool) -> None:
    with _open(file, read_only=True) as index:
        counts = index.stats()
    if as_json:
        _console.print_json(indexes.stats_record(file, counts, index.config))
    else:
        _console.show(sys.stdout, indexes.stats_parts(file, counts, index.config))


def _verify(file: str, *, as_json: bool) -> int:
    with _open(file, read_only=True) as index:
        broken, counts = index.verify(), index.stats()
    if as_json:
        _console.print_json({"sound": not broken, "broken": broken})
    else:
        _console.show(sys.stdout, indexes.verify_parts(file, broken, counts))
    return 1 if broken else 0


def _compact(file: str) -> None:
    with _open(file) as index:
        before = index.stats().size
        index.compact()
        _console.show(sys.stdout, indexes.compact_parts(file, before, index.stats().size))


def _backup(file: str, copy: str) -> None:
    with _open(file, read_only=True) as index:
        index.backup(copy)
    _console.show(sys.stdout, indexes.backup_parts(copy, Path(copy).stat().st_size))


def _open(file: str, *, read_only: bool = False) -> "Index":
    """Open an index that is there."""
    from dedup import Index  # noqa: PLC0415 - loads on first use

    _console.check_there(file, "file")
    return Index(file, read_only=read_only)


def _make(file: str, **options: Any) -> "Index":  # noqa: ANN401 - Index() checks them
    """Open an index, which is made if it is not there."""
    from dedup.live import MEMORY, Index  # noqa: PLC0415 - loads on first use

    if file == MEMORY:
        raise InvalidArgumentError(f"FILE must be the path of a file. Got {file!r}.")
    return Index(file, **options)
