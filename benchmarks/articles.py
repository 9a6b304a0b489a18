"""News-like articles at scale, in Parquet: 3 in 10 are copies of others, and which ones is known.

    python benchmarks/articles.py FOLDER --documents 1000000 --least 2100 --most 3900

writes

- `articles/part-00000.parquet` ...: id, text, source, published, title. Neither ids nor files nor rows tell families;
- `truth.parquet`: id, story, origin (id of the original, the own id of an original) and kind, in the order of the ids;
- `pairs.parquet`: some pairs of original (left) and copy (right) with exact scores by `reprints.similarity`, of the
  texts without the furniture that was added.

Originals are `corpus.english`, their sizes spread evenly. EXACT of all documents are exact copies of originals
("exact"); STORY of them, if not another share is asked for, and at most MOST_STORY, are reprints of one story
("story"); the other copies are reprints of other originals ("edited"). Families have skewed sizes. A reprint has one
to three of the operators in SHARES, each at a strength of its own; they are those of `reprints.py` that keep a
reprint one. The ones that take long (edits of words, digits, quotes and punctuation) are drawn less often than cuts
and furniture. The heavy strength is left to texts of LONG characters or more: a page with more furniture than story
is no reprint. Every reprint of the one story has an operator that hardly ever does the same twice, so that few of
them are equal. What captions, posts, standfirsts and local paragraphs say is in no other document; house blocks are
those of their outlets.

All is a function of what is asked, and not of the number of processes.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import corpus
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import reprints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Rows of a file and of a row group.
ROWS, GROUP = 50_000, 5000
#: Originals that are made at a time: to make one of them again, it takes the others.
CHUNK = 50
#: Shares of all documents: copies, exact copies, and reprints of the one story; and the most of these.
COPIES, EXACT, STORY, MOST_STORY = 0.3, 0.05, 0.05, 50_000
#: A family has k copies with a chance of k to the power of -SKEW, and LARGEST at most.
SKEW, LARGEST = 2.2, 60
#: What the largest size is to the smallest in `corpus.english`.
SPREAD = 1.3 / 0.7
#: How often each operator is drawn.
SHARES = {
    "word-edits": 3, "ocr-noise": 1, "digits": 1, "sentence-shuffle": 2, "quote-style": 1, "punctuation": 1, "case": 1,
    "cut-tail": 4, "cut-head": 2, "dateline": 4, "caption": 3, "embed": 3, "local-paragraph": 3, "headline": 4,
    "house-block": 3, "merged-lines": 1,
}  # fmt: skip
#: Operators that hardly ever do the same twice, and those that add running text.
VARIED = ("word-edits", "ocr-noise", "caption", "embed", "local-paragraph")
WORDY = frozenset(("caption", "embed", "local-paragraph", "headline"))
#: How often each of reprints.STRENGTHS is drawn, and where the last one is not.
STRENGTHS, SHORT_STRENGTHS, LONG = (3, 5, 2), (3, 5, 0), 1500
#: Bytes of running text of which one reprint takes what it adds.
PASSAGE = 1500
#: Texts whose words and titles are used in reprints.
MATERIAL = 100
#: How many pairs of each kind are scored.
PAIRS = {"exact": 2000, "edited": 12_000, "story": 6000}
FEWEST, SHORTEST = 100, 300

KINDS = ("original", *PAIRS)
SIDES = ("North", "South", "East", "West", "Upper", "Lower", "Old", "New", "Great", "Inner")
OUTLETS = tuple(f"{side} {outlet}" for side in SIDES for outlet in reprints.OUTLETS)
#: Originals are published within so many minutes from the first day on.
FIRST, MINUTES = np.datetime64("2024-01-01T00:00", "m"), 2 * 365 * 24 * 60
# How a sentence of `corpus.english` ends.
_ENDS = (". ", ".\n\n", '." ', ".” ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is made.

    Args:
        documents: How many, copies included.
        seed: Of everything.
        least: Bytes of the shortest originals.
        most: Bytes of the longest originals.
        story: Share of the documents that are reprints of the one story, up to MOST_STORY of them.
    """

    documents: int
    seed: int = 1
    least: int = 2100
    most: int = 3900
    story: float = STORY


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything but the texts. Documents are numbered, originals first.

    Args:
        names: int32 [documents], the numbers in their ids.
        origins: int32 [documents], the original of each; of an original itself.
        kinds: int8 [documents], places in KINDS.
        outlets: int16 [documents], places in OUTLETS.
        minutes: int32 [documents], after FIRST.
        scored: bool [documents], whether it is the copy of a pair that is scored.
        sizes: int8 [chunks], places in `tiles`.
        originals: Number of the first original of each file, and the number of originals.
        copies: For each file the copies in it, ordered by their originals.
    """

    names: NDArray[np.int32]
    origins: NDArray[np.int32]
    kinds: NDArray[np.int8]
    outlets: NDArray[np.int16]
    minutes: NDArray[np.int32]
    scored: NDArray[np.bool_]
    sizes: NDArray[np.int8]
    originals: list[int]
    copies: list[NDArray[np.int64]]


def tiles(least: int, most: int) -> list[tuple[int, int]]:
    """Return ranges of sizes, none wider than `corpus.english` makes them, that together are the range asked for."""
    found: list[tuple[int, int]] = []
    first = least
    while not found or first < most:
        found.append((first, min(most, round(first * SPREAD))))
        first = found[-1][1]
    return found


@cache
def plan(asked: Asked) -> Plan:
    """Draw all but the texts; about 50 bytes of memory for each document."""
    rng = np.random.default_rng([asked.seed, asked.documents])
    exact, story = round(EXACT * asked.documents), min(MOST_STORY, round(asked.story * asked.documents))
    copies = round(COPIES * asked.documents)
    family = copies - story
    originals = asked.documents - copies
    chunks = -(-originals // CHUNK)

    ranges = tiles(asked.least, asked.most)
    widths = np.array([most - least for least, most in ranges], np.float64) + 1e-9
    sizes = rng.choice(len(ranges), chunks, p=widths / widths.sum()).astype(np.int8)
    # The first original is the one story, of the longer ones.
    sizes[0] = len(ranges) - 1

    chances = np.arange(1, LARGEST + 1) ** -SKEW
    members = rng.choice(np.arange(1, LARGEST + 1), family, p=chances / chances.sum())
    members = members[: int(np.searchsorted(np.cumsum(members), family)) + 1]
    # Families come from some of the chunks, spread evenly, so that few must be made again in other files.
    picked = min(chunks, -(-len(members) // CHUNK) + 1)
    places = (np.arange(picked) * chunks // picked)[:, None] * CHUNK + np.arange(CHUNK)
    firsts = rng.permutation(places[(places > 0) & (places < originals)])[: len(members)]
    origins = np.concatenate([np.repeat(firsts, members[: len(firsts)])[:family], np.zeros(story, np.int64)])
    kinds = np.full(len(origins), KINDS.index("edited"), np.int8)
    kinds[rng.permutation(family)[:exact]] = KINDS.index("exact")
    kinds[family:] = KINDS.index("story")

    # Half of the copies stand beside their originals, half of those of one chunk together in some other place.
    elsewhere = rng.random(chunks)[origins // CHUNK]
    keys = np.where(rng.random(len(origins)) < 0.5, origins / originals, elsewhere)
    keys[family:] = rng.random(story)
    order = np.argsort(keys, kind="stable")
    files = -(-asked.documents // ROWS)
    ends = np.minimum(np.arange(files + 1) * ROWS, asked.documents)
    own = np.round(ends * (originals / asked.documents)).astype(np.int64)
    own[-1] = originals
    cuts = (ends - own)[1:-1]
    parts = [originals + part[np.argsort(origins[part], kind="stable")] for part in np.split(order, cuts)]

    scored = np.zeros(asked.documents, np.bool_)
    for name, most in PAIRS.items():
        rows = np.flatnonzero(kinds == KINDS.index(name))
        scored[originals + rng.permutation(rows)[:most]] = True
    outlets = rng.integers(len(OUTLETS), size=originals)
    minutes = rng.integers(MINUTES, size=originals)
    others = (outlets[origins] + rng.integers(1, len(OUTLETS), len(origins))) % len(OUTLETS)
    later = minutes[origins] + 30 + 60 * np.round(rng.exponential(24, len(origins))).astype(np.int64)
    return Plan(
        names=rng.permutation(asked.documents).astype(np.int32),
        origins=np.concatenate([np.arange(originals), origins]).astype(np.int32),
        kinds=np.concatenate([np.zeros(originals, np.int8), kinds]),
        outlets=np.concatenate([outlets, others]).astype(np.int16),
        minutes=np.concatenate([minutes, later]).astype(np.int32),
        scored=scored,
        sizes=sizes,
        originals=own.tolist(),
        copies=parts,
    )


def originals(chunk: int, asked: Asked) -> list[str]:
    """Return CHUNK texts; it takes no other chunk to make one."""
    least, most = tiles(asked.least, asked.most)[plan(asked).sizes[chunk]]
    texts = corpus.english(CHUNK, round(least / 0.7), seed=(asked.seed << 32) + chunk)
    wide = round(least * SPREAD)
    if most >= wide:
        return texts
    # The last of the ranges is cut down.
    return [_shortened(text, round(least + (len(text) - least) * (most - least) / (wide - least))) for text in texts]


def _shortened(text: str, size: int) -> str:
    return text if len(text) <= size else text[:size].rpartition(" ")[0].rstrip()


def _title(text: str) -> str:
    return " ".join(text.split(None, 8)[:8]).strip("\"“”.,' ")


def _sentences(text: str) -> list[str]:
    """Split a text of `corpus.english`, which has few ways to end a sentence; `reprints.sentences` takes far longer."""
    for end in _ENDS:
        text = text.replace(end, f"{end}\0")
    return text.split("\0")


@cache
def _press(seed: int) -> reprints.Press:
    return reprints.Press.of(corpus.english(MATERIAL, 3000, seed=(seed << 64) + (1 << 63)), seed)


def _operators(chance: random.Random, size: int, *, varied: bool) -> list[tuple[str, str]]:
    """Draw what is done to a text of so many characters."""
    count = chance.randint(1, 3)
    names = {chance.choice(VARIED)} if varied else set()
    while len(names) < count:
        names.update(chance.choices(_NAMES, _WEIGHTS))
    shares = STRENGTHS if size >= LONG else SHORT_STRENGTHS
    ordered = [name for name in _NAMES if name in names]
    return list(zip(ordered, chance.choices(reprints.STRENGTHS, shares, k=len(ordered)), strict=True))


_NAMES = tuple(name for name in reprints.OPERATORS if name in SHARES)
_WEIGHTS = tuple(SHARES[name] for name in _NAMES)


def _copies(
    numbers: Sequence[int], texts: Sequence[str], part: int, asked: Asked
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return copies of the texts of one chunk, and what `pairs.parquet` says of them."""
    drawn, press = plan(asked), _press(asked.seed)
    first = drawn.origins[numbers[0]] // CHUNK * CHUNK
    sources = [texts[drawn.origins[number] - first] for number in numbers]
    kinds = [KINDS[drawn.kinds[number]] for number in numbers]
    chances = [random.Random((asked.seed << 40) + number) for number in numbers]
    plans = [
        [] if kind == "exact" else _operators(chance, len(text), varied=kind == "story")
        for kind, chance, text in zip(kinds, chances, sources, strict=True)
    ]
    wordy = [any(name in WORDY for name, _ in names) for names in plans]
    seed = (asked.seed << 64) + (part << 32) + (1 << 31) + int(first) // CHUNK
    fresh = iter(corpus.english(sum(wordy), PASSAGE, seed=seed))
    split = cache(_sentences)
    made, pairs = [], []
    for number, source, kind, chance, names, more in zip(numbers, sources, kinds, chances, plans, wordy, strict=True):
        text = story = source
        if kind != "exact":
            published: datetime = (FIRST + drawn.minutes[number]).astype(datetime)
            page = press.reprint(
                split(source),
                names,
                title=_title(source),
                outlet=OUTLETS[drawn.outlets[number]],
                published=published,
                chance=chance,
                passages=_sentences(f"{next(fresh)} ") if more else (),
            )
            text, story = page.text, page.story_text
        made.append(text)
        if drawn.scored[number]:
            left, right = drawn.names[drawn.origins[number]], drawn.names[number]
            pairs.append((int(left), int(right), *reprints.similarity(source, story), kind))
    return made, pairs


def _ids(numbers: NDArray[np.int32], documents: int) -> Any:  # noqa: ANN401 - pyarrow has no types
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), max(7, len(str(documents - 1))), "0")
    return pc.binary_join_element_wise("a", digits, "")


_ARTICLES = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.large_string()),
        ("source", pa.string()),
        ("published", pa.string()),
        ("title", pa.string()),
    ]
)


def _write_part(part: int, asked: Asked, folder: Path) -> tuple[int, list[tuple[Any, ...]]]:
    """Write one file; return the bytes of its texts, and its pairs."""
    drawn = plan(asked)
    first, end = drawn.originals[part : part + 2]
    copies = drawn.copies[part]
    chunks, starts = np.unique(drawn.origins[copies] // CHUNK, return_index=True)
    groups = dict(zip(chunks.tolist(), np.split(copies, starts[1:]), strict=True)) if len(copies) else {}
    own = range(first // CHUNK, -(-end // CHUNK) if end > first else first // CHUNK)
    numbers: list[int] = []
    texts: list[str] = []
    titles: list[str] = []
    pairs: list[tuple[Any, ...]] = []
    for chunk in sorted({*own, *groups}):
        found = originals(chunk, asked)
        heads = [_title(text) for text in found]
        low = chunk * CHUNK
        kept = range(max(first, low), min(end, low + CHUNK))
        numbers += kept
        texts += [found[number - low] for number in kept]
        titles += [heads[number - low] for number in kept]
        if chunk in groups:
            made, scores = _copies(groups[chunk].tolist(), found, part, asked)
            numbers += groups[chunk].tolist()
            texts += made
            titles += [heads[origin - low] for origin in drawn.origins[groups[chunk]].tolist()]
            pairs += scores
    order = np.random.default_rng([asked.seed, asked.documents, part]).permutation(len(numbers))
    path = folder / "articles" / f"part-{part:05}.parquet"
    options = {"compression": "zstd", "compression_level": 1, "use_dictionary": ["source"]}
    with pq.ParquetWriter(path, _ARTICLES, **options) as writer:
        for start in range(0, len(order), GROUP):
            places = order[start : start + GROUP]
            rows = np.array(numbers)[places]
            dates = np.datetime_as_string((FIRST + drawn.minutes[rows]).astype("datetime64[s]"), timezone="UTC")
            columns = [
                _ids(drawn.names[rows], asked.documents),
                pa.array([texts[place] for place in places], pa.large_string()),
                pa.array([OUTLETS[outlet] for outlet in drawn.outlets[rows]]),
                pa.array(dates.tolist(), pa.string()),
                pa.array([titles[place] for place in places]),
            ]
            writer.write_table(pa.table(columns, schema=_ARTICLES), row_group_size=GROUP)
    return corpus.size_of(texts), pairs


def _write_truth(asked: Asked, folder: Path) -> None:
    drawn = plan(asked)
    order = np.argsort(drawn.names)
    origins = drawn.origins[order]
    kinds = pa.DictionaryArray.from_arrays(drawn.kinds[order], list(KINDS))
    columns = {
        "id": _ids(drawn.names[order], asked.documents),
        "story": origins.astype(np.int64),
        "origin": _ids(drawn.names[origins], asked.documents),
        "kind": kinds.cast(pa.string()),
    }
    pq.write_table(pa.table(columns), folder / "truth.parquet", compression="zstd", compression_level=1)


def _write_pairs(pairs: Sequence[tuple[Any, ...]], asked: Asked, folder: Path) -> None:
    left, right, jaccard, of_left, of_right, kind = map(list, zip(*sorted(pairs), strict=True))
    columns = {
        "left": _ids(np.array(left, np.int32), asked.documents),
        "right": _ids(np.array(right, np.int32), asked.documents),
        "jaccard": jaccard,
        "containment_left": of_left,
        "containment_right": of_right,
        "kind": kind,
    }
    pq.write_table(pa.table(columns), folder / "pairs.parquet")


def write(asked: Asked, folder: Path, processes: int | None = None) -> dict[str, Any]:
    """Write everything into a folder, which is made where it is missing.

    Args:
        asked: What.
        folder: Files of these names in it are replaced.
        processes: How many work at a time, all processors by default.

    Returns:
        The number of documents of each kind, "text_bytes", "file_bytes" and "seconds".
    """
    begun = time.perf_counter()
    (folder / "articles").mkdir(parents=True, exist_ok=True)
    # Made here, it is there in processes that are forked; so is the rest.
    files = len(plan(asked).copies)
    _press(asked.seed)
    total = 0
    pairs: list[tuple[Any, ...]] = []
    with ProcessPoolExecutor(min(files, processes or os.cpu_count() or 1)) as pool:
        for part, (size, scores) in enumerate(pool.map(_write_part, range(files), repeat(asked), repeat(folder))):
            total += size
            pairs += scores
            if sys.stderr.isatty():
                print(f"\r{part + 1:,} of {files:,} files", end="", file=sys.stderr, flush=True)
    _write_pairs(pairs, asked, folder)
    _write_truth(asked, folder)
    kinds = Counter(KINDS[kind] for kind in plan(asked).kinds.tolist())
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    return {**kinds, "text_bytes": total, "file_bytes": size, "seconds": time.perf_counter() - begun}


def main() -> None:
    """Write what the command line asks for, and say what it is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where articles/, truth.parquet and pairs.parquet go")
    parser.add_argument("--documents", type=int, required=True, help="how many, copies included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--least", type=int, default=2100, help="bytes of the shortest originals, 2100 by default")
    parser.add_argument("--most", type=int, default=3900, help="bytes of the longest originals, 3900 by default")
    parser.add_argument("--processes", type=int, help="all processors by default")
    given = parser.parse_args()
    if not FEWEST <= given.documents < 1 << 31:
        parser.error(f"--documents must be from {FEWEST} to {(1 << 31) - 1}. Got {given.documents}.")
    if not 0 <= given.seed < 1 << 31:
        parser.error(f"--seed must be from 0 to {(1 << 31) - 1}. Got {given.seed}.")
    if not SHORTEST <= given.least <= given.most:
        parser.error(f"--least must be from {SHORTEST} to --most. Got {given.least} and {given.most}.")
    if given.processes is not None and given.processes < 1:
        parser.error(f"--processes must be at least 1. Got {given.processes}.")
    if any((given.folder / "articles").glob("*")):
        parser.error(f"FOLDER must hold no articles yet. Got {given.folder}.")
    asked = Asked(documents=given.documents, seed=given.seed, least=given.least, most=given.most)
    made = write(asked, given.folder, given.processes)
    seconds, size, text = made.pop("seconds"), made.pop("file_bytes"), made.pop("text_bytes")
    print(f"{given.documents:,} documents: {', '.join(f'{count:,} {kind}' for kind, count in made.items())}")
    print(f"{text / 1e6:,.0f} MB of text, {size / 1e6:,.0f} MB of files, {seconds:,.1f} s")


if __name__ == "__main__":
    main()
