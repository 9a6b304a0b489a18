"""The command line: argv -> settings -> the functions of the package. The only file that exits.

typer and rich are the `[cli]` extra. What takes time to load, they too, loads inside the functions that need it: --help
stays quick, Ctrl-C meets `main` from the start, and without the extra there is one clear line. typer does no more than
turn argv into a function to call; what that function raises ends in `main`, what it shows is made in `_terminal` and
printed by `_console`.
"""

# typer evaluates the annotations of the commands, which name its own things: no `from __future__ import annotations`.
import io
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from dedup import _console, _index_commands, _validate
from dedup._terminal import draw, plans, quality, runs, texts
from dedup.errors import (
    DedupError,
    DedupWarning,
    DuplicateIdError,
    InputError,
    InvalidArgumentError,
    MissingExtraError,
)

if TYPE_CHECKING:
    from typer import Typer

    from dedup.evaluation import LabelledPair

_EXAMPLES = {
    "": (
        "run seeds --out clusters.parquet",
        "compare seeds/harbour-gazette.txt seeds/harbour-mercury.txt",
        "clean seeds/aggregator-pagewren.txt",
        "plan --threshold 0.7",
        "eval seeds/labels.jsonl clusters.parquet",
        "calibrate seeds",
        "index add news.dedup seeds",
    ),
    "run": (
        "run seeds",
        "run seeds --out clusters.parquet --report clusters.html",
        "run seeds --threshold 0.7 --clean off --limit 3",
        "run seeds --json > result.json",
        "run seeds --memory 2GB --out answer",
    ),
    "compare": (
        "compare seeds/harbour-gazette.txt seeds/harbour-mercury.txt",
        "compare seeds/aggregator-dayloom.txt seeds/tram-echo.txt --clean off",
        "compare - seeds/tram-ledger.txt --json < seeds/tram-echo.txt",
    ),
    "clean": (
        "clean seeds/aggregator-pagewren.txt",
        "clean seeds/kelp-farm.txt > clean.txt",
        "clean - --json < seeds/tram-ledger.txt",
    ),
    "plan": (
        "plan",
        "plan --threshold 0.8 --recall 0.999 --slots 256",
        "plan --documents 10_000_000 --words 500 --duplicates 0.3 --json",
    ),
    "eval": (
        "eval seeds/labels.jsonl clusters.parquet",
        "eval seeds/labels.jsonl clusters.parquet --resamples 10000",
        "eval seeds/labels.jsonl clusters.parquet --json",
    ),
    "calibrate": ("calibrate seeds", "calibrate seeds --labels seeds/labels.jsonl", "calibrate seeds --json"),
}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command that `arguments` (argv by default) name, and exit.

    With 0 when it is done, 1 when `index verify` found something broken, 2 for bad input, 130 when interrupted.
    """
    try:
        _open_streams()
        # What a run warns of is a note here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DedupWarning)
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


def _open_streams() -> None:
    """Give every standard stream a file, for whoever starts the process may have closed it."""
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name) or Path(os.devnull).open("r+", encoding="utf-8")  # noqa: SIM115 - stays open
        # A terminal that cannot show a character shows a question mark.
        if name != "stdin" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
        setattr(sys, name, stream)


def _execute(arguments: list[str]) -> int:
    try:
        # A command returns what is to be done; --help and --version print, and return an exit code.
        todo = _app()(arguments, prog_name="dedup", standalone_mode=False)
        return int((todo() if callable(todo) else todo) or 0)
    except DedupError as error:
        return _fail(str(error))
    # typer's errors of usage have no public base, and moved between its versions.
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        command = getattr(getattr(error, "ctx", None), "command_path", "dedup")
        message = " ".join(error.format_message().split())
        return _fail(f"{message}{'' if message.endswith(('.', '?')) else '.'} Try '{command} --help'.")


def _fail(message: str) -> int:
    print(f"dedup: error: {draw.plain(message)}", file=sys.stderr)
    return 2


def _leave_stdout() -> None:
    """Let what is still to be written to stdout, when the interpreter ends, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _app() -> "Typer":  # noqa: C901 - one function per command
    """Return the parser: each command returns the function that does its work."""
    try:
        import rich  # noqa: F401, PLC0415 - is it there?
        import typer  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("The command line needs typer and rich: pip install 'dedup[cli]'") from error

    from dedup import _options  # noqa: PLC0415 - it needs typer
    from dedup.config import Config, KeepPolicy  # noqa: PLC0415 - its defaults are those of the options

    option, argument, default = typer.Option, typer.Argument, Config()
    app = _console.group()

    def show_version(wanted: bool) -> None:
        if wanted:
            from importlib.metadata import version  # noqa: PLC0415 - loads on first use

            print(f"dedup {version('dedup')}")
            raise typer.Exit

    @app.callback(invoke_without_command=True, epilog=_console.examples(_EXAMPLES[""]))
    def dedup(
        context: typer.Context,
        _version: Annotated[
            bool, option("--version", callback=show_version, is_eager=True, help="Show the version and exit.")
        ] = False,
    ) -> None:
        """Find which news texts are the same text."""
        _console.check_command(context)

    app.add_typer(_index_commands.app(), name="index")

    @app.command(epilog=_console.examples(_EXAMPLES["run"]))
    def run(
        source: Annotated[
            str, argument(metavar="INPUT", help="A JSONL, CSV, Parquet or .txt file, or a folder of such files.")
        ],
        *,
        out: Annotated[
            str,
            option(metavar="FILE", help="Write a row per document: .parquet, .jsonl or .csv; with --memory a folder."),
        ] = "",
        memory: Annotated[
            str, option(metavar="SIZE", help="Work in files, in at most this much memory, such as 2GB; needs --out.")
        ] = "",
        work: Annotated[
            str, option(metavar="DIR", help="With --memory: the folder to work in.", show_default="OUT.work")
        ] = "",
        resume: Annotated[bool, option("--resume", help="With --memory: go on with an interrupted run.")] = False,
        text: Annotated[bool, option("--text", help="With --out: write the texts too.")] = False,
        report: Annotated[str, option(metavar="FILE", help="Write a page to look at in a browser: .html.")] = "",
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
        min_keep: Annotated[int, option(help="Documents to keep of each cluster.")] = default.keep.min_keep,
        linkage: Annotated[
            str, option(help="canonical: each member is linked to the kept one; components: to any member.")
        ] = default.linkage,
        clean: Annotated[
            str,
            option(help="auto: take furniture off first; pages: only what each text shows by itself; off: leave it."),
        ] = default.clean,
        threads: _options.Threads = default.threads,
        on_error: _options.OnError = "raise",
        limit: Annotated[
            int | None, option(help="Most clusters, members of one, and other pairs to show; 20 by default.")
        ] = None,
        as_json: _options.Json = False,
    ) -> Callable[[], None]:
        """Find the documents that are the same text, and which to keep.

        With --memory the input need not fit into memory, and the whole answer goes to the folder of --out.
        """
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
            "keep": KeepPolicy(sources=tuple(prefer or ()), min_keep=min_keep),
            "linkage": linkage,
            "clean": clean,
            "threads": threads,
        }
        if memory:
            not_for_files = {"report": report or None, "text": text or None, "limit": limit}
            run = partial(_run_in_files, source, settings, on_error=on_error, as_json=as_json)
            return partial(run, out, memory, work, resume=resume, given=not_for_files)
        if work or resume:
            raise InvalidArgumentError("--memory must come with --work and --resume. Got no --memory.")
        run = partial(_run, source, settings, on_error=on_error, limit=20 if limit is None else limit, as_json=as_json)
        return partial(run, out=out, text=text, report=report)

    @app.command(epilog=_console.examples(_EXAMPLES["compare"]))
    def compare(
        left: Annotated[str, argument(metavar="A", help="A text file; - is stdin.")],
        right: Annotated[str, argument(metavar="B", help="Another; - is stdin.")],
        *,
        clean: _options.CleanPage = "pages",
        limit: Annotated[int, option(help="Most passages, and most places that differ, to show.")] = 20,
        as_json: _options.Json = False,
    ) -> Callable[[], None]:
        """Show what two texts share and where they differ."""
        return partial(_compare, left, right, clean=clean, limit=limit, as_json=as_json)

    @app.command(epilog=_console.examples(_EXAMPLES["clean"]))
    def clean(
        page: Annotated[str, argument(metavar="PAGE", help="A text file; - is stdin.")],
        *,
        as_json: _options.Json = False,
    ) -> Callable[[], None]:
        """Print a text without its furniture.

        The clean text goes to stdout as it is, in a terminal with escapes for what cannot be shown; what was removed
        goes to stderr.
        """
        return partial(_clean, page, as_json=as_json)

    @app.command(epilog=_console.examples(_EXAMPLES["plan"]))
    def plan(
        *,
        threshold: Annotated[float, option(help="Jaccard similarity to plan for.")] = default.threshold,
        recall: _options.Recall = default.recall,
        slots: _options.Slots = default.num_slots,
        documents: Annotated[int, option(help="Documents of the collection.")] = 1_000_000,
        words: Annotated[int, option(help="Words of a document.")] = 500,
        duplicates: Annotated[float, option(help="Share of the documents that are copies of others.")] = 0.3,
        largest: Annotated[int, option(help="How many of these copies are of one and the same story.")] = 0,
        threads: _options.Threads = default.threads,
        as_json: _options.Json = False,
    ) -> Callable[[], None]:
        """Show how pairs will be found, and what a run will take.

        The bands and rows that find them; time, memory and disk, on one machine and on Spark.
        """
        plan = partial(_plan, threshold, recall, slots, documents, words, duplicates)
        return partial(plan, largest=largest, threads=threads, as_json=as_json)

    @app.command("eval", epilog=_console.examples(_EXAMPLES["eval"]))
    def evaluate(
        labels: Annotated[str, argument(metavar="LABELS", help="A JSONL, CSV or Parquet file with id and story.")],
        clusters: Annotated[
            str, argument(metavar="CLUSTERS", help="What dedup run --out wrote; of a folder, its documents.parquet.")
        ],
        *,
        pairs: Annotated[
            str,
            option(metavar="FILE", help="Score pairs too, of a file with left, right, linked; also relation, edits."),
        ] = "",
        label: _options.Label = "story",
        resamples: Annotated[int, option(help="Resamples behind each interval.")] = 1000,
        as_json: _options.Json = False,
    ) -> Callable[[], None]:
        """Score clusters against labels.

        LABELS tells the story of each document that is to be scored; an empty story is one of its own.
        """
        return partial(_evaluate, labels, clusters, pairs=pairs, label=label, resamples=resamples, as_json=as_json)

    @app.command(epilog=_console.examples(_EXAMPLES["calibrate"]))
    def calibrate(
        source: Annotated[str, argument(metavar="INPUT", help="What dedup run takes, at most 2000 documents.")],
        *,
        labels: Annotated[str, option(metavar="FILE", help="The stories, in a file like LABELS of dedup eval.")] = "",
        label: _options.Label = "story",
        as_json: _options.Json = False,
    ) -> Callable[[], None]:
        """Find the threshold and shingle size that suit a sample.

        It compares all pairs. Take whole days or topics: a random tenth of a corpus has a hundredth of its pairs.
        """
        return partial(_calibrate, source, labels=labels, label=label, as_json=as_json)

    return app


# The commands


def _run(
    source: str,
    settings: Mapping[str, Any],
    *,
    on_error: Any,  # noqa: ANN401 - deduplicate() checks it
    out: str,
    text: bool,
    report: str,
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
        raise InvalidArgumentError("--text must come with --out, the file that the texts go to. Got no --out.")
    if report:
        from dedup.report import check_report  # noqa: PLC0415 - loads on first use

        check_report(report)
    started = time.perf_counter()
    with _console.progress() as progress:
        result = deduplicate(source, on_error=on_error, progress=progress, **settings)
        if out:
            result.write(out, text=text)
        if report:
            result.report(report)
    seconds = time.perf_counter() - started

    _console.print_notes(runs.notes(result))
    if as_json:
        _console.print_json(runs.run_record(result, out))
    else:
        parts = runs.run_parts(result, out, seconds, limit)
        _console.show(sys.stdout, [*parts, f"Report written to {report}"] if report else parts)


def _run_in_files(
    source: str,
    settings: Mapping[str, Any],
    out: str,
    memory: str,
    work: str,
    *,
    resume: bool,
    on_error: Any,  # noqa: ANN401 - deduplicate() checks it
    given: Mapping[str, object],
    as_json: bool,
) -> None:
    """Run larger than memory; `given` are the options that say nothing here."""
    from dedup import deduplicate  # noqa: PLC0415 - loads on first use
    from dedup.config import Config  # noqa: PLC0415 - loads on first use

    if not out:
        raise InvalidArgumentError("--memory must come with --out, the folder that the answer goes to. Got no --out.")
    for name, value in given.items():
        if value is not None:
            raise InvalidArgumentError(f"{name} must not come with memory: the answer is in files. Got {value!r}.")
    config = Config(**settings)
    started = time.perf_counter()
    with _console.progress() as progress:
        written = deduplicate(
            source,
            on_error=on_error,
            progress=progress,
            out=out,
            memory=memory,
            work=work or None,
            resume=resume,
            **settings,
        )
    seconds = time.perf_counter() - started

    _console.print_notes(runs.written_notes(written, config))
    if as_json:
        _console.print_json(runs.written_record(written, out))
    else:
        _console.show(sys.stdout, runs.written_parts(written, out, seconds))


def _compare(
    left: str,
    right: str,
    *,
    clean: Any,  # noqa: ANN401 - checked here
    limit: int,
    as_json: bool,
) -> None:
    from dedup import Config, compare, plan  # noqa: PLC0415 - loads on first use

    _validate.integer("limit", limit)
    _validate.choice("clean", clean, ("pages", "off"))
    if left == right == "-":
        raise InvalidArgumentError("only one of the two texts can be stdin. Got '-' twice.")
    found = compare(_console.read_text(left), _console.read_text(right), clean=clean)
    default = Config()
    bands = plan(default.threshold, default.recall, num_slots=default.num_slots).bands
    if as_json:
        _console.print_json(texts.compare_record(found, bands))
    else:
        _console.show(sys.stdout, texts.compare_parts(found, left, right, bands, limit))


def _clean(name: str, *, as_json: bool) -> None:
    from dedup import clean  # noqa: PLC0415 - loads on first use

    page = clean(_console.read_text(name))
    if as_json:
        _console.print_json({"text": page.text} | texts.page_record(page))
        return
    _console.print_text(page.text)
    _console.show(sys.stderr, texts.clean_parts(page))


def _plan(
    threshold: float,
    recall: float,
    slots: int,
    documents: int,
    words: int,
    duplicates: float,
    *,
    largest: int,
    threads: int | None,
    as_json: bool,
) -> None:
    from dedup import plan  # noqa: PLC0415 - loads on first use
    from dedup.config import Config  # noqa: PLC0415 - loads on first use
    from dedup.engines import cost  # noqa: PLC0415 - loads on first use

    _validate.integer("documents", documents, least=1)
    found = plan(threshold, recall, num_slots=slots)
    config = Config(threshold=threshold, recall=recall, num_slots=slots)
    expected = [
        cost.estimate(documents, words, duplicates, engine=engine, threads=threads, config=config, largest=largest)
        for engine in cost.measured()["engines"]
    ]
    if as_json:
        _console.print_json(plans.plan_record(found, documents, expected))
    else:
        machine = cost.measured()["machine"]
        _console.show(sys.stdout, plans.plan_parts(found, recall, documents, expected, machine))


def _evaluate(labels: str, clusters: str, *, pairs: str, label: str, resamples: int, as_json: bool) -> None:
    from dedup import evaluation  # noqa: PLC0415 - loads on first use

    found, stories = _read_column(clusters, "cluster"), _read_column(labels, label)
    _check_ids(labels, stories, clusters, found)
    scores = evaluation.evaluate(stories, found, resamples=resamples)
    paired = None
    if pairs:
        listed = _read_pairs(pairs)
        _check_ids(pairs, [name for pair in listed for name in (pair.left, pair.right)], clusters, found)
        paired = evaluation.evaluate_pairs(listed, found, resamples=resamples)
    if as_json:
        _console.print_json(quality.evaluation_record(scores, paired))
    else:
        _console.show(sys.stdout, quality.evaluation_parts(scores, paired, resamples))


def _calibrate(source: str, *, labels: str, label: str, as_json: bool) -> None:
    from dedup import evaluation  # noqa: PLC0415 - loads on first use

    stories = _read_column(labels, label) if labels else None
    with _console.progress() as progress:
        found = evaluation.calibrate(source, labels=stories, progress=progress)
    if as_json:
        _console.print_json(quality.calibration_record(found))
    else:
        _console.show(sys.stdout, quality.calibration_parts(found, source))


# What goes in and out


def _read_column(name: str, column: str) -> dict[str, Any]:
    """Return id -> value of a column; an empty text is None."""
    from dedup import formats  # noqa: PLC0415 - loads on first use

    values: dict[str, Any] = {}
    for record in formats.read_records(name, ("id", column)):
        key = _id(name, record["id"])
        if key in values:
            raise DuplicateIdError(f"id {key!r} stands twice in {name}.")
        values[key] = None if record[column] == "" else record[column]
    return values


def _check_ids(name: str, ids: Collection[str], clusters: str, found: Mapping[str, Any]) -> None:
    """Refuse ids of which the clusters have none: scores of these would say nothing."""
    if found.keys().isdisjoint(ids):
        got = f"its first is {next(iter(ids))!r:.80}" if ids else "it has none"
        raise InputError(f"No id of {name} is in {clusters}: {got}.")


def _read_pairs(name: str) -> "list[LabelledPair]":
    """Return the pairs of a file; a bad one is named by its row, counted from 1 without a head."""
    from dedup import formats  # noqa: PLC0415 - loads on first use

    pairs = []
    for row, record in enumerate(formats.read_records(name, ("left", "right", "linked")), 1):
        try:
            pairs.append(_pair(name, record))
        except DedupError as error:
            raise InputError(f"{name}, row {row}: {error}") from error
    return pairs


def _pair(name: str, record: Mapping[str, Any]) -> "LabelledPair":
    from dedup.evaluation import LabelledPair  # noqa: PLC0415 - loads on first use

    relation, edits = record.get("relation") or None, record.get("edits") or []
    if not isinstance(relation, str | None):
        raise InputError(f"relation must be a str. Got {relation!r:.80}.")
    if isinstance(edits, str) and edits.startswith("["):
        # In CSV a list is JSON, as `formats.write` has it.
        try:
            edits = json.loads(edits)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"edits must be a JSON list, or text that does not begin as one. Got {edits!r:.80}."
            ) from error
    edits = tuple(map(str, edits if isinstance(edits, list) else [edits]))
    left, right = _id(name, record["left"]), _id(name, record["right"])
    return LabelledPair(left, right, _truth(record["linked"]), relation, edits)


def _id(name: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise InputError(f"An id in {name} must be a str that is not empty, or an int. Got {value!r:.80}.")
    return value


def _truth(value: object) -> bool:
    # In CSV everything is text.
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise InputError(f"linked must be true or false. Got {value!r:.80}.")
    return found


def _is_same_file(left: str, right: str) -> bool:
    try:
        return Path(left).samefile(right)
    except OSError:
        return False
