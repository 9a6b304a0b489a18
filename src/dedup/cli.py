"""The command line: argv -> settings -> the functions of the package. The only file that prints or exits.

typer and rich are the `[cli]` extra. They load inside the functions that need them, so that without them there is one
clear line. typer does no more than turn argv into a function to call; what that function raises ends in `main`.
"""

# typer evaluates the annotations of the commands, which name its own things: no `from __future__ import annotations`.
import io
import json
import math
import os
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

from dedup import _validate
from dedup.errors import DedupError, InputError, InvalidArgumentError, MissingExtraError

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text
    from typer import Typer

    from dedup.config import Cleaning
    from dedup.matching.plan import Plan
    from dedup.model import Article, Cleaned, Drop, SpanKind
    from dedup.pipeline import Progress
    from dedup.result import Result

_CLEANING: "dict[bool, Cleaning]" = {True: "auto", False: "off"}
#: Skipped rows that are named; the others are counted.
_SKIPPED_SHOWN = 5
#: Cells of the longest bar of a plan.
_BAR = 30


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command that `arguments` (argv by default) name, and exit: 0 done, 2 bad input, 130 interrupted."""
    for name in ("stdin", "stdout", "stderr"):
        # Whoever starts the process may have closed them.
        stream = getattr(sys, name) or Path(os.devnull).open("r+", encoding="utf-8")  # noqa: SIM115 - stays open
        # A terminal that cannot show a character shows a question mark.
        if name != "stdin" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
        setattr(sys, name, stream)
    try:
        code = _execute(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        # Whoever reads wants no more.
        _leave_stdout()
        code = 0
    except OSError as error:
        _leave_stdout()
        code = _fail(f"{error.strerror or error}.")
    sys.exit(code)


def _execute(arguments: list[str]) -> int:
    try:
        # A command returns what is to be done; --help and --version print, and return an exit code.
        todo = _app()(arguments, prog_name="dedup", standalone_mode=False)
        if callable(todo):
            todo()
    except DedupError as error:
        return _fail(str(error))
    # typer's errors of usage have no public base, and moved between its versions.
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        command = getattr(getattr(error, "ctx", None), "command_path", "dedup")
        message = " ".join(error.format_message().split()).removesuffix(".")
        return _fail(f"{message}. Try '{command} --help'.")
    return 0 if callable(todo) else int(todo or 0)


def _fail(message: str) -> int:
    print(f"dedup: error: {_plain(message)}", file=sys.stderr)
    return 2


def _leave_stdout() -> None:
    """Let what is still to be written to stdout, when the interpreter ends, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _app() -> "Typer":
    """Return the parser: each command returns the function that does its work."""
    try:
        import rich  # noqa: F401, PLC0415 - is it there?
        import typer  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("The command line needs typer and rich: pip install 'dedup[cli]'") from error

    from dedup.config import Config  # noqa: PLC0415 - its defaults are those of the options

    option, argument, default = typer.Option, typer.Argument, Config()
    app = typer.Typer(
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    def show_version(wanted: bool) -> None:
        if wanted:
            print(f"dedup {version('dedup')}")
            raise typer.Exit

    examples = _examples(
        "run seeds --out clusters.parquet",
        "compare seeds/harbour-gazette.txt seeds/harbour-mercury.txt",
        "clean seeds/aggregator-pagewren.txt",
        "plan --threshold 0.7",
    )

    @app.callback(invoke_without_command=True, epilog=examples)
    def dedup(
        context: typer.Context,
        _version: Annotated[
            bool, option("--version", callback=show_version, is_eager=True, help="Show the version and exit.")
        ] = False,
    ) -> None:
        """Find which news texts are the same text."""
        if context.invoked_subcommand is None:
            print(context.get_help(), file=sys.stderr)
            raise typer.Exit(2)

    examples = _examples(
        "run seeds",
        "run seeds --out clusters.parquet",
        "run seeds --threshold 0.7 --no-clean --limit 3",
        "run seeds --json > result.json",
    )

    @app.command(epilog=examples)
    def run(
        source: Annotated[
            str, argument(metavar="INPUT", help="A JSONL, CSV, Parquet or .txt file, or a folder of such files.")
        ],
        *,
        out: Annotated[str, option(metavar="FILE", help="Write a row per document: .parquet, .jsonl or .csv.")] = "",
        text: Annotated[bool, option("--text", help="Write the texts too.")] = False,
        threshold: Annotated[float, option(help="Least Jaccard similarity of a duplicate.")] = default.threshold,
        containment: Annotated[
            float | None, option(help="Least share of an excerpt in the longer text.", show_default="threshold + 0.1")
        ] = default.containment,
        recall: Annotated[float, option(help="Least share of pairs at the threshold to find.")] = default.recall,
        shingle_size: Annotated[int, option(help="Words per shingle.")] = default.shingle_size,
        slots: Annotated[int, option(help="Slots of a signature.")] = default.num_slots,
        seed: Annotated[int, option(help="Seed of the hash.")] = default.seed,
        linkage: Annotated[str, option(help="canonical or components.")] = default.linkage,
        clean: Annotated[bool, option("--clean/--no-clean", help="Take page furniture off first.")] = True,
        threads: Annotated[int | None, option(help="Threads.", show_default="one per processor")] = default.threads,
        on_error: Annotated[str, option(help="raise or skip: what to do with a bad row.")] = "raise",
        limit: Annotated[int, option(help="Most clusters, members of one, and overlaps to show.")] = 20,
        as_json: Annotated[bool, option("--json", help="Print one JSON object, complete.")] = False,
    ) -> Callable[[], None]:
        """Find documents that are one text, and which to keep."""
        settings = {
            "threshold": threshold,
            "containment": containment,
            "recall": recall,
            "shingle_size": shingle_size,
            "num_slots": slots,
            "seed": seed,
            "linkage": linkage,
            "clean": _CLEANING[clean],
            "threads": threads,
        }
        return partial(_run, source, settings, on_error=on_error, out=out, text=text, limit=limit, as_json=as_json)

    examples = _examples(
        "compare seeds/harbour-gazette.txt seeds/harbour-mercury.txt",
        "compare seeds/aggregator-dayloom.txt seeds/tram-tribune.txt --no-clean",
        "compare - seeds/tram-ledger.txt --json < seeds/tram-echo.txt",
    )

    @app.command(epilog=examples)
    def compare(
        left: Annotated[str, argument(metavar="A", help="A text file; - is stdin.")],
        right: Annotated[str, argument(metavar="B", help="Another; - is stdin.")],
        *,
        clean: Annotated[bool, option("--clean/--no-clean", help="Take page furniture off first.")] = True,
        as_json: Annotated[bool, option("--json", help="Print one JSON object.")] = False,
    ) -> Callable[[], None]:
        """Tell how two texts stand to each other."""
        return partial(_compare, left, right, clean=clean, as_json=as_json)

    examples = _examples(
        "clean seeds/aggregator-pagewren.txt",
        "clean seeds/kelp-farm.txt > clean.txt",
        "clean - --json < seeds/tram-ledger.txt",
    )

    @app.command(epilog=examples)
    def clean(
        page: Annotated[str, argument(metavar="PAGE", help="A text file; - is stdin.")],
        *,
        as_json: Annotated[bool, option("--json", help="Print one JSON object.")] = False,
    ) -> Callable[[], None]:
        """Print a text without its furniture.

        The clean text goes to stdout, to the byte unless that is a terminal; what was removed goes to stderr.
        """
        return partial(_clean, page, as_json=as_json)

    examples = _examples("plan", "plan --threshold 0.8 --recall 0.999 --slots 256", "plan --documents 50000000 --json")

    @app.command(epilog=examples)
    def plan(
        *,
        threshold: Annotated[float, option(help="Jaccard similarity to plan for.")] = default.threshold,
        recall: Annotated[float, option(help="Least share of pairs at the threshold to find.")] = default.recall,
        slots: Annotated[int, option(help="Slots of a signature.")] = default.num_slots,
        documents: Annotated[int, option(help="Size of the collection.")] = 1_000_000,
        as_json: Annotated[bool, option("--json", help="Print one JSON object.")] = False,
    ) -> Callable[[], None]:
        """Show the bands that find the pairs, and what they cost."""
        return partial(_plan, threshold, recall, slots, documents, as_json=as_json)

    return app


def _examples(*commands: str) -> str:
    # typer wraps a paragraph unless it begins with this mark.
    return "\b\nExamples:\n" + "\n".join(f"  dedup {command}" for command in commands)


# The commands


def _run(
    source: str,
    settings: Mapping[str, Any],
    *,
    on_error: Any,  # noqa: ANN401 - deduplicate() checks it
    out: str,
    text: bool,
    limit: int,
    as_json: bool,
) -> None:
    from dedup import deduplicate, formats  # noqa: PLC0415 - loads on first use

    _validate.integer("limit", limit)
    if out:
        formats.check_path(out)
        if _is_same_file(source, out):
            raise InvalidArgumentError(f"out must be another file than the input. Got {out!r}.")
    elif text:
        raise InvalidArgumentError("text must come with out, the file that the texts go to. Got no out.")
    started = time.perf_counter()
    with _progress() as progress:
        result = deduplicate(source, on_error=on_error, progress=progress, **settings)
        if out:
            result.write(out, text=text)
    seconds = time.perf_counter() - started

    _print_notes(result)
    pairs = _overlaps(result)
    if as_json:
        _print_json(
            {
                "summary": result.summary(),
                "clusters": [asdict(cluster) for cluster in result.clusters],
                "dropped": [_drop_record(drop) for drop in result.dropped],
                "overlaps": pairs.drop_columns("relation").to_pylist(),
                "skipped": [asdict(row) for row in result.skipped],
                "output": out or None,
            }
        )
        return
    parts: list[RenderableType] = [_cluster_table(result, limit)]
    if len(pairs):
        parts.append(_overlap_table(pairs, limit))
    if result.cleaned:
        pages = list(result.cleaned.values())
        parts.append(_removed_table(f"Stripped from {_count(len(pages), 'document')}", pages))
    parts.append(_cell(_summary_line(result, seconds), wrap=True))
    written = f"Written to {out}" if out else "Nothing written: --out FILE writes a row per document"
    _print_parts(sys.stdout, [*parts, _cell(written, wrap=True)])


def _compare(left: str, right: str, *, clean: bool, as_json: bool) -> None:
    from dedup import compare  # noqa: PLC0415 - loads on first use

    if left == right == "-":
        raise InvalidArgumentError("only one of the two texts can be stdin. Got '-' twice.")
    found = compare(_read_text(left), _read_text(right), clean=_CLEANING[clean])
    if as_json:
        sides = {"left": _page_record(found.left), "right": _page_record(found.right)}
        _print_json({field.name: getattr(found, field.name) for field in fields(found)} | sides)
        return
    scores = _table(None, "", ">left", ">right")
    for name, *values in (
        ("characters", f"{len(found.left.original):,}", f"{len(found.right.original):,}"),
        ("after cleaning", f"{len(found.left.text):,}", f"{len(found.right.text):,}"),
        ("different shingles", f"{found.shingles_left:,}", f"{found.shingles_right:,}"),
        ("shared shingles", f"{found.shared:,}", f"{found.shared:,}"),
        ("share that the other has", _percent(found.containment_left), _percent(found.containment_right)),
    ):
        scores.add_row(name, *values)
    parts: list[RenderableType] = [
        _cell(f"{found.relation or 'unrelated'}, Jaccard {_score(found.jaccard)}", "bold"),
        _cell(f"left:  {left}\nright: {right}", wrap=True),
        scores,
    ]
    for name, page in (("left", found.left), ("right", found.right)):
        if page.removed:
            parts.append(_removed_table(f"Stripped from {name}", [page]))
    _print_parts(sys.stdout, parts)


def _clean(name: str, *, as_json: bool) -> None:
    from dedup import clean  # noqa: PLC0415 - loads on first use

    page = clean(_read_text(name))
    if as_json:
        _print_json({"text": page.text} | _page_record(page))
        return
    if sys.stdout.isatty():
        print("\n".join(_plain(line.replace("\t", "    ")) for line in page.text.splitlines()))
    else:
        # To the byte, whatever the locale.
        sys.stdout.buffer.write(page.text.encode())
    sys.stdout.flush()
    lines = [f"{name}: {value}" for name, value in page.metadata.items()]
    for number, item in enumerate(page.items, 1):
        about = " · ".join(filter(None, (item.source, item.age, item.title)))
        lines.append(f"story {number} of the page: {_plain(about)} ({_count(len(item.text), 'character')})")
    parts = [_removed_table("Removed", [page]) if page.removed else _cell("Nothing removed")]
    parts += [_cell("\n".join(map(_plain, lines)), wrap=True)] if lines else []
    _print_parts(sys.stderr, parts)


def _plan(threshold: float, recall: float, slots: int, documents: int, *, as_json: bool) -> None:
    from dedup import plan  # noqa: PLC0415 - loads on first use

    found = plan(threshold, recall, num_slots=slots, documents=documents)
    similarities = sorted({number / 10 for number in range(1, 11)} | {threshold})
    curve = [(jaccard, found.probability(jaccard)) for jaccard in similarities]
    false = found.false_candidates(documents)
    if as_json:
        derived = {
            "recall": found.recall,
            "bytes_per_document": found.bytes_per_document,
            "documents": documents,
            "false_candidates": false,
            "curve": [{"jaccard": jaccard, "probability": probability} for jaccard, probability in curve],
        }
        _print_json(asdict(found) | derived)
        return
    _print_parts(
        sys.stdout,
        [
            _cell(f"{_count(found.bands, 'band')} of {_count(found.rows, 'row')}", "bold"),
            _cell(
                f"slots used           {found.bands * found.rows:,} of {slots:,}\n"
                f"recall at {threshold:<11g}{_percent(found.recall, 2)}, asked {_percent(recall, 2)}\n"
                f"bytes per document   {found.bytes_per_document:,}\n"
                f"false candidates     {false:,.0f} pairs expected among {_count(documents, 'document')}",
                wrap=True,
            ),
            _curve_table(found, curve),
        ],
    )


# What goes in and out


def _read_text(name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not valid UTF-8 at byte {error.start}.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {name}: {getattr(error, 'strerror', None) or error}.") from error


def _is_same_file(left: str, right: str) -> bool:
    try:
        return Path(left).samefile(right)
    except OSError:
        return False


@contextmanager
def _progress() -> "Iterator[Progress | None]":
    """Give a function that shows on stderr how far a run is; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress  # noqa: PLC0415 - loads on first use

    from dedup.pipeline import STAGES  # noqa: PLC0415 - loads on first use

    columns = (
        progress.TextColumn("{task.description:<8}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[unit]}"),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=_console(sys.stderr), transient=True) as bars:
        reading = bars.add_task("read", total=None, unit="")
        tasks: dict[str, progress.TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                bars.update(reading, visible=False)
                tasks[stage] = bars.add_task(stage, unit=STAGES.get(stage, ""))
            bars.update(tasks[stage], completed=done, total=total)

        yield show


def _console(file: TextIO) -> "Console":
    from rich.console import Console  # noqa: PLC0415 - loads on first use

    return Console(file=file, highlight=False)


def _print_parts(file: TextIO, parts: "Iterable[RenderableType]") -> None:
    """Print the parts with an empty line between them, in one write: rich would end the process on a closed pipe."""
    console = _console(file)
    with console.capture() as captured:
        for number, part in enumerate(parts):
            if number:
                console.print()
            console.print(part)
    # rich fills lines with spaces up to the width of a table.
    file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _print_json(value: object) -> None:
    # ASCII alone: nothing in it can steer a terminal, and a lone surrogate stays what it is.
    print(json.dumps(value, indent=2, allow_nan=False))


def _print_notes(result: "Result") -> None:
    notes = []
    if result.ids_made:
        notes.append("The input has no ids: the numbers of its rows, from 0, stand for them.")
    if result.skipped:
        notes.append(f"{_count(len(result.skipped), 'row')} skipped:")
        notes += [f"  {row}" for row in result.skipped[:_SKIPPED_SHOWN]]
        if len(result.skipped) > _SKIPPED_SHOWN:
            notes.append(f"  and {len(result.skipped) - _SKIPPED_SHOWN:,} more")
    counts = result.summary()
    if counts["capped_buckets"]:
        buckets = _count(int(counts["capped_buckets"]), "bucket")
        notes.append(f"{buckets} over the limit: {counts['omitted_pairs']:,} pairs in them were not compared.")
    for note in notes:
        print(f"dedup: note: {_plain(note)}", file=sys.stderr)


# What is shown


def _plain(text: str) -> str:
    """Return a text that cannot steer a terminal: one line, with escapes for what has no shape of its own."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else " " if unicodedata.category(char) == "Zs" else repr(char)[1:-1] for char in text
    )


def _cell(text: str, style: str = "", *, wrap: bool = False) -> "Text":
    """Return a text to show as it is; unless it may wrap, one line that ends in an ellipsis where space does."""
    from rich.text import Text  # noqa: PLC0415 - loads on first use

    lines = "\n".join(map(_plain, text.split("\n"))) if wrap else _plain(text)
    return Text(lines, style, no_wrap=not wrap, overflow="fold" if wrap else "ellipsis")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _cut(value: float, digits: int) -> str:
    """Return a score cut, not rounded: what is shown as 1 is 1. A dash where there is none."""
    if math.isnan(value):
        return "-"
    # A hair more, because 0.29 * 100 is less than 29.
    return f"{math.floor(value * 10**digits + 1e-9) / 10**digits:.{digits}f}"


def _score(value: float) -> str:
    return _cut(value, 3)


def _percent(value: float, digits: int = 0) -> str:
    return f"{_cut(value * 100, digits)} %"


def _table(title: str | None, *columns: str) -> "Table":
    """Return an empty table, numbers (">") at the right. Where space ends, the second column gives way."""
    from rich import box  # noqa: PLC0415 - loads on first use
    from rich.table import Table  # noqa: PLC0415 - loads on first use

    heading = None if title is None else _cell(title, "bold", wrap=True)
    table = Table(title=heading, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    table.padding, table.pad_edge = (0, 1, 0, 0), False
    widest = _console(sys.stdout).width * 2 // 5
    for place, name in enumerate(columns):
        table.add_column(
            name.removeprefix(">"),
            justify="right" if name.startswith(">") else "left",
            no_wrap=place != 1,
            overflow="ellipsis",
            max_width=widest if place == 0 else None,
        )
    return table


def _cluster_table(result: "Result", limit: int) -> "RenderableType":
    clusters = [cluster for cluster in result.clusters if cluster.size > 1]
    if not clusters:
        return _cell("No two documents are the same text", "bold")
    articles = {article.id: article for article in result.articles}
    drops = {drop.article.id: drop for drop in result.dropped}
    title = f"{_count(len(clusters), 'cluster')} of more than one document"
    table = _table(title, "document", "from", "why", ">Jaccard", ">in kept", ">of kept")
    for cluster in clusters[:limit]:
        table.add_row(_cell(cluster.canonical, "bold"), _about(articles[cluster.canonical]), "kept", style="bold")
        dropped = [drops[member] for member in cluster.members if member != cluster.canonical]
        for drop in dropped[:limit]:
            scores = (_score(drop.jaccard), _percent(drop.containment), _percent(drop.containment_canonical))
            table.add_row(_cell(f"  {drop.article.id}"), _about(drop.article), drop.relation or "connected", *scores)
        if len(dropped) > limit:
            table.add_row(_cell(f"  and {len(dropped) - limit:,} more"))
    if len(clusters) > limit:
        table.add_row(_cell(f"and {_count(len(clusters) - limit, 'more cluster')}"))
    table.caption = "in kept: share of it in the kept one; of kept: the reverse"
    return table


def _about(article: "Article") -> "Text":
    return _cell(" · ".join(filter(None, (article.source, article.published, article.title))))


def _overlaps(result: "Result") -> "pa.Table":
    import pyarrow.compute as pc  # noqa: PLC0415 - loads on first use

    return result.pairs.filter(pc.equal(result.pairs["relation"], "overlap"))


def _overlap_table(pairs: "pa.Table", limit: int) -> "Table":
    title = f"{_count(len(pairs), 'overlap')}: shared passages, not one text"
    table = _table(title, "left", "right", ">Jaccard", ">of left", ">of right")
    for pair in pairs.slice(0, limit).to_pylist():
        scores = (_percent(pair["containment_left"]), _percent(pair["containment_right"]))
        table.add_row(_cell(pair["left"]), _cell(pair["right"]), _score(pair["jaccard"]), *scores)
    if len(pairs) > limit:
        table.add_row(_cell(f"and {_count(len(pairs) - limit, 'more overlap')}"))
    return table


def _removed_table(title: str, pages: "Sequence[Cleaned]") -> "Table":
    rules: dict[tuple[SpanKind, str], list[int]] = {}
    for page in pages:
        for span in page.removed:
            rules.setdefault((span.kind, span.rule), []).append(span.end - span.start)
    found = Counter(rule for page in pages for rule in {(span.kind, span.rule) for span in page.removed})
    table = _table(title, "kind", "rule", ">spans", ">characters", ">documents")
    for rule, lengths in sorted(rules.items()):
        table.add_row(*rule, f"{len(lengths):,}", f"{sum(lengths):,}", f"{found[rule]:,}")
    return table


def _curve_table(plan: "Plan", curve: Iterable[tuple[float, float]]) -> "Table":
    block = "█" if sys.stdout.encoding.lower().startswith("utf") else "#"
    table = _table("How likely a pair of each similarity is found", ">Jaccard", ">found", "")
    for jaccard, probability in curve:
        bar = block * round(probability * _BAR)
        mark = "threshold" if jaccard == plan.threshold else ""
        table.add_row(f"{jaccard:g}", _percent(probability, 2), f"{bar:<{_BAR}} {mark}")
    return table


def _summary_line(result: "Result", seconds: float) -> str:
    counts = {name: int(value) for name, value in result.summary().items()}
    items = f" ({counts['items']:,} from pages)" if counts["items"] else ""
    shown = ", ".join(f"{counts[name]:,} {name}" for name in ("kept", "dropped", "empty"))
    documents, clusters = _count(counts["documents"], "document"), _count(counts["clusters"], "cluster")
    return f"{documents}{items}: {shown}; {clusters}; {seconds:.2f} s"


def _drop_record(drop: "Drop") -> dict[str, object]:
    scores = {name: getattr(drop, name) for name in ("jaccard", "containment", "containment_canonical")}
    known = {name: None if math.isnan(score) else score for name, score in scores.items()}
    return {"id": drop.article.id, "canonical": drop.canonical, "relation": drop.relation, **known}


def _page_record(page: "Cleaned") -> dict[str, object]:
    return {
        "removed": [asdict(span) | {"text": page.original[span.start : span.end]} for span in page.removed],
        "items": [asdict(item) for item in page.items],
        "metadata": dict(page.metadata),
    }
