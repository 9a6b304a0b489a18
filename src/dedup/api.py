"""The functions of the package, each one call: deduplicate, clean, compare, sketch, plan."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from dedup import _validate, boilerplate, formats, pipeline, stages
from dedup.config import configure
from dedup.decide import worth_a_look
from dedup.errors import DedupWarning, InvalidArgumentError
from dedup.kernels import native
from dedup.matching import passages
from dedup.matching.plan import plan
from dedup.matching.verify import UNRELATED, verify_two
from dedup.model import RELATIONS, Cleaned, Comparison
from dedup.result import Result
from dedup.templates import Templates

if TYPE_CHECKING:
    import os
    from typing import Unpack

    import pyarrow as pa

    from dedup.config import Config, Settings
    from dedup.engines.output import Written
    from dedup.kernels.sketches import Sketches
    from dedup.stages import Progress


@overload
def deduplicate(
    articles: object,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    progress: Progress | None = None,
    templates: Templates | None = None,
    out: None = None,
    **settings: Unpack[Settings],
) -> Result: ...
@overload
def deduplicate(
    articles: object,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    progress: Progress | None = None,
    templates: Templates | None = None,
    out: str | os.PathLike[str],
    memory: str | int | None = None,
    work: str | os.PathLike[str] | None = None,
    resume: bool = False,
    **settings: Unpack[Settings],
) -> Written: ...
def deduplicate(
    articles: object,
    *,
    on_error: Literal["raise", "skip"] = "raise",
    progress: Progress | None = None,
    templates: Templates | None = None,
    out: str | os.PathLike[str] | None = None,
    memory: str | int | None = None,
    work: str | os.PathLike[str] | None = None,
    resume: bool = False,
    **settings: Unpack[Settings],
) -> Result | Written:
    """Find which texts are the same text, and which one of each to keep.

    In memory, unless `out` says where the answer is to stand: then articles are read some at a time, and what a run
    has to remember of them is in files. The answer is the same.

    Args:
        articles: An iterable of str, of mappings or of `Article`; anything with `__arrow_c_stream__` (pyarrow, polars,
            pandas, DuckDB); or a path: of a `.jsonl`, `.ndjson`, `.json` (one object a line) or `.csv` file, plain or
            packed as `.gz` or `.zst`, of a `.parquet` or `.txt` file, or of a folder, of which all `.txt` files are
            read or, when it has none, all others of these. A str is a path.
        on_error: "raise" stops at the first row that is no article; "skip" leaves such rows out and lists them in
            `Result.skipped`.
        progress: Called with the stage, how much of it is done and how much there is.
        templates: Furniture learned before, which is taken off beside what these articles show; stays as it is.
        out: The folder that is made, whole or not at all; what an earlier run wrote there is replaced.
        memory: With `out`, the memory that the run may take: bytes, or text such as "2GB". A run of so many documents
            that it needs more is refused when they are read; None for no limit.
        work: With `out`, the folder of the files in between, empty or of an interrupted run; None for `out` with
            ".work" behind its name. It stays when a run fails, and is removed when it is done.
        resume: With `out`, whether to go on behind the last stage that an interrupted run finished.
        **settings: The fields of `Config`: `threshold`, `containment`, `recall`, `clean`, `linkage`, `threads` ...

    Returns:
        The clusters; no article gives a result without clusters. The same articles give the same result in any order
        and with any number of threads. With `out`, what was written and the numbers of the run.

    Raises:
        InvalidArgumentError: A setting is outside what is allowed, or the input or a setting has changed since the run
            that is to be resumed.
        InputError: The input cannot be read, or a row is no article.
        DuplicateIdError: Two documents have one id.
        OutputError: A file cannot be written; what stood at `out` before still does.

    Warns:
        DedupWarning: Most rows are no articles, nearly all of a source is dropped, or a cluster or bucket is very
            large.

    >>> same = "The harbour bridge will close on Friday for the first time in forty years, the council said."
    >>> result = deduplicate([same, "Harbour: " + same.upper(), "A kelp farm opened in the bay on Monday."])
    >>> [cluster.members for cluster in result.clusters]
    [('1', '0'), ('2',)]
    """
    config = configure(settings)
    _validate.choice("on_error", on_error, ("raise", "skip"))
    if not (templates is None or isinstance(templates, Templates)):
        raise InvalidArgumentError(f"templates must be Templates or None. Got {type(templates).__name__}.")
    if out is not None:
        from dedup.engines import local  # noqa: PLC0415 - loads on first use

        return local.run(
            articles,
            out,
            config,
            on_error=on_error,
            progress=progress,
            known=templates,
            memory=None if memory is None else _validate.size("memory", memory),
            work=work,
            resume=resume,
        )
    for name, value in (("memory", memory), ("work", work), ("resume", resume)):
        if value:
            raise InvalidArgumentError(f"{name} must come with out. Got {value!r} and no out.")
    corpus = formats.read(articles, on_error=on_error)
    run = pipeline.run(corpus.articles, config, progress, templates)
    result = Result(config, run, corpus.skipped, corpus.ids_made)
    for message in worth_a_look(result.summary(), result.alarms, config):
        warnings.warn(message, DedupWarning, stacklevel=2)
    return result


def clean(text: str, *, source: str | None = None, language: str | None = None) -> Cleaned:
    """Take the furniture off one text: navigation, promos, captions, comments, an aggregator's related stories.

    Args:
        text: The text of a page or an article.
        source: The outlet that printed it: an agency's own text is attributed to it.
        language: ISO 639 code, noted in the metadata; every text is read with the cues of all languages.

    Returns:
        The clean text, the removed spans of the original, what each block is, the stories that the page carried beside
        its own, and who wrote it. A text without furniture comes back as it is, and so does one that is nothing else,
        or has more than 65,536 lines. Furniture inside a line stays, but for captions and credits.

    Raises:
        InvalidArgumentError: An argument is no str.

    >>> clean("date 2025-03-01 The harbour is closed.").text
    'The harbour is closed.'
    """
    return boilerplate.clean(text, source=source, language=language)


def compare(left: str, right: str, **settings: Unpack[Settings]) -> Comparison:
    """Tell how two texts stand to each other, exactly, as `deduplicate` would see them, and what they share.

    Two texts without a token have no relation, passage, edit or band in common.

    Raises:
        InvalidArgumentError: A text is no str, or a setting is outside what is allowed.
        InputError: A text is longer than 64 MiB.

    >>> compare("One two three four.", "“One, two, three, four”").relation
    'exact'
    """
    config = configure(settings)
    pages = [_page("left", left, config), _page("right", right, config)]
    sets = [native.shingle_set(page.text, config.shingle_size, config.seed) for page in pages]
    sizes = [len(values) for values in sets]
    shared = native.intersection_size(*sets)
    relation = None
    if all(sizes):
        code = int(verify_two(pages[0].text, pages[1].text, config).relation[0])
        relation = RELATIONS[code] if code < UNRELATED else None
        if native.tokens(pages[0].text) == native.tokens(pages[1].text):
            relation = RELATIONS[0]
    these, those = (passages.read_words(page, config.seed) for page in pages)
    runs = passages.share(these, those, config.shingle_size)
    return Comparison(
        relation=relation,
        jaccard=shared / (sum(sizes) - shared) if any(sizes) else 0.0,
        containment_left=shared / sizes[0] if sizes[0] else 0.0,
        containment_right=shared / sizes[1] if sizes[1] else 0.0,
        shared=shared,
        shingles_left=sizes[0],
        shingles_right=sizes[1],
        left=pages[0],
        right=pages[1],
        passages=passages.passages(these, those, runs),
        edits=passages.edits(these, those, runs),
        bands=_bands(pages, config),
    )


def _bands(pages: list[Cleaned], config: Config) -> tuple[int, ...]:
    """Return the bands in which two texts agree."""
    try:
        cut = plan(config.threshold, config.recall, num_slots=config.num_slots)
    except InvalidArgumentError:
        # No bands reach so low a threshold, but two texts are compared without them.
        return ()
    sketches = native.sketch(native.Texts.from_strings([page.text for page in pages]), config)
    if not sketches.tokens.all():
        return ()
    left, right = sketches.signatures[:, : cut.bands * cut.rows].reshape(2, cut.bands, cut.rows)
    return tuple(np.flatnonzero((left == right).all(axis=1)).tolist())


def sketch(texts: Iterable[str] | pa.Array | pa.ChunkedArray, **settings: Unpack[Settings]) -> Sketches:
    """Return the signatures of texts, as they are: nothing is cleaned.

    Args:
        texts: An iterable of str, or an Arrow array of strings, which is read in place; one str is one text.
        **settings: `shingle_size`, `num_slots`, `seed`, `threads`.

    Raises:
        InvalidUtf8Error: A row of an Arrow array is not UTF-8.
        InvalidArgumentError: A text is no str, or a setting is outside what is allowed.

    >>> sketch(["one two three four"]).signatures.shape
    (1, 128)
    """
    config = configure(settings)
    rows = native.Texts.from_strings(_strings(texts)) if not _is_arrow(texts) else native.Texts.from_arrow(texts)
    return stages.sketch(rows, config)


def _is_arrow(texts: object) -> bool:
    return hasattr(texts, "__arrow_c_array__") or hasattr(texts, "__arrow_c_stream__")


def _strings(texts: object) -> list[str]:
    if not isinstance(texts, Iterable):
        raise InvalidArgumentError(f"texts must be an iterable of str or an Arrow array. Got {type(texts).__name__}.")
    strings = [texts] if isinstance(texts, str) else list(texts)
    for row, text in enumerate(strings):
        _validate.text(f"texts[{row}]", text)
    return strings


def _page(name: str, text: str, config: Config) -> Cleaned:
    _validate.text(name, text)
    return Cleaned(text, text) if config.clean == "off" else boilerplate.clean(text)
