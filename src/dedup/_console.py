"""What the command line takes in and puts out: the only file that prints, beside `cli` with its errors."""

# typer evaluates the annotations of the commands, which name its own things: no `from __future__ import annotations`.
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from dedup._terminal import draw, runs
from dedup.errors import InputError, InvalidArgumentError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from typer import Context, Typer

    from dedup.stages import Progress


def group() -> "Typer":
    """Return a parser of commands."""
    import typer  # noqa: PLC0415 - an extra

    return typer.Typer(
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def check_command(context: "Context") -> None:
    """Show the help of a group, and exit, where none of its commands is named."""
    import typer  # noqa: PLC0415 - an extra

    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)


def examples(commands: Iterable[str]) -> str:
    """Return what the help of a command ends with."""
    # typer wraps a paragraph unless it begins with this mark.
    return "\b\nExamples:\n" + "\n".join(f"  dedup {command}" for command in commands)


def check_there(name: str, kind: str) -> None:
    """Refuse the name of what is not there."""
    if not Path(name).exists():
        raise InputError(f"No such {kind}: {name}")


def read_text(name: str) -> str:
    """Read one text; a file of records, which would be taken for one, is refused."""
    from dedup.formats.read import TABLES, find_suffix  # noqa: PLC0415 - loads on first use

    if suffix := find_suffix(name, TABLES):
        raise InvalidArgumentError(f"{name} must be one text, in a file of any other name. Got records ({suffix}).")
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not valid UTF-8 at byte {error.start}.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {name}: {getattr(error, 'strerror', None) or error}.") from error


@contextmanager
def progress() -> "Iterator[Progress | None]":
    """Give a function that shows on stderr how far a run is; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import console, progress  # noqa: PLC0415 - loads on first use

    from dedup.engines.local import STAGES  # noqa: PLC0415 - loads on first use

    columns = (
        progress.TextColumn("{task.description:<9}"),
        progress.BarColumn(bar_width=None),
        progress.TextColumn("{task.fields[told]}"),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=console.Console(stderr=True), transient=True, expand=True) as bars:
        current = bars.add_task("read", total=None, told="")
        tasks: dict[str, progress.TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            nonlocal current
            unit = STAGES.get(stage, "documents")
            if stage not in tasks:
                # A stage that counts nothing, or begins with all done, does not know its end.
                known = unit and (done < total or not total)
                tasks[stage] = bars.add_task(stage, total=total if known else None, told="")
            if current != tasks[stage]:
                # One that did not know its end is at it.
                bars.update(current, total=bars.tasks[current].completed, visible=current in tasks.values())
                current = tasks[stage]
            task = bars.tasks[current]
            bars.update(current, completed=done, total=None if task.total is None else total)
            # The first second says little.
            rate = task.finished_speed or (task.speed if task.elapsed and task.elapsed > 1 else None)
            bars.update(current, told=runs.progress(done, task.total, unit, rate, task.time_remaining))

        yield show


@contextmanager
def counting(*, shown: bool) -> Iterator[Callable[[int], None]]:
    """Give a function that shows on stderr how many articles are added; it does nothing where stderr is no terminal."""
    if not shown or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import console, progress  # noqa: PLC0415 - loads on first use

    columns = (
        progress.SpinnerColumn(),
        progress.TextColumn("{task.completed:,} articles added"),
        progress.TimeElapsedColumn(),
    )
    # stdout is for matches, and not to be shown with the count.
    bars = progress.Progress(
        *columns, console=console.Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )
    with bars:
        task = bars.add_task("", total=None)
        yield lambda number: bars.update(task, completed=number)


def print_notes(notes: Iterable[str]) -> None:
    """Print notes to stderr."""
    for note in notes:
        print(f"dedup: note: {draw.plain(note)}", file=sys.stderr)


def print_text(text: str) -> None:
    """Print a text to stdout: safely in a terminal, else as it is."""
    if sys.stdout.isatty():
        print("\n".join(map(draw.plain, text.replace("\t", "    ").splitlines())))
    else:
        # To the byte, whatever the locale.
        sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass"))
    sys.stdout.flush()


def show(file: TextIO, parts: "Iterable[draw.Part]") -> None:
    """Print what `_terminal` made."""
    # In one write: rich would end the process on a closed pipe.
    file.write(draw.render(parts, file))


# ASCII alone: nothing in it can steer a terminal, and a lone surrogate stays what it is.


def print_json(value: object) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=2, allow_nan=False))


def print_lines(records: "Iterable[DataclassInstance]") -> None:
    """Print a line of JSON for each record, all of them at once."""
    sys.stdout.write("".join(f"{json.dumps(asdict(record), allow_nan=False)}\n" for record in records))
    sys.stdout.flush()
