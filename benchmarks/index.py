"""What an index costs as it grows and what it finds: speed, memory, bytes, recall, large stories; beside datasketch."""

from __future__ import annotations

import argparse
import inspect
import itertools
import json
import marshal
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import corpus
import harness
import numpy as np
import relations
import run
import throughput

import dedup
from dedup.errors import DedupError, InvalidArgumentError
from dedup.kernels import native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: Bytes of a document, documents that are made at a time, and how many of some that are reprinted are taken.
SIZE, CHUNK, PICKED = 3000, 10, 3
#: Share of the documents that are reprints; half of them are of the latest documents.
REPRINTED, LATEST = 0.3, 20_000
#: Batches that are timed before the small file is set back to what it was.
TURNS = 10
#: Exact Jaccard similarities of the pairs that recall is measured on, beyond the threshold.
BEYOND = 0.02
#: Slots of datasketch's signatures, words of its shingles.
SLOTS, WIDTH = 128, 3

Record = dict[str, str]
#: Wall and processor seconds.
Taken = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is measured, and on how much.

    Args:
        documents: Documents of the large file.
        small: Documents of the small file.
        sections: Which of SECTIONS.
        keep: Where the large file stays, and is looked for.
        seed: Of the texts.
        batch: Documents of a batch.
        rounds: How often TURNS batches go into both files.
        singles: Documents that are added one by one.
        fulls: The same, each of them waiting for the disk.
        opens: Fresh processes that open the large file.
        queries: Queries of a fresh process, and documents that it adds.
        pairs: Pairs at the threshold.
        stories: Sizes of the story, ascending.
        copies: Near copies, and exact ones, that are timed at each size.
        peer: Documents that datasketch gets.
    """

    documents: int = 1_000_000
    small: int = 10_000
    sections: tuple[str, ...] = ()
    keep: Path | None = None
    seed: int = 1
    batch: int = 1000
    rounds: int = 3
    singles: int = 5000
    fulls: int = 300
    opens: int = 10
    queries: int = 1000
    pairs: int = 2000
    stories: tuple[int, ...] = (50, 500, 5000, 50_000)
    copies: int = 50
    peer: int = 20_000

    def chunks(self, documents: int) -> int:
        """Return how many chunks a file of so many documents is made of."""
        return chunks_of(-(-documents // self.batch), self.batch)


QUICK = Asked(
    documents=10_000, small=2000, rounds=1, singles=500, fulls=50, opens=3, queries=200, pairs=300, stories=(50, 2000),
    copies=20, peer=2000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files are, and which documents come next.

    Args:
        folder: Where temporary files go.
        large: The large file, free to be changed.
        small: The small file, which is only copied.
        numbers: Numbers of batches that are in no file.
    """

    folder: Path
    large: Path
    small: Path
    numbers: Iterator[int]


# Texts


def originals(chunk: int, seed: int) -> list[str]:
    """Return CHUNK texts; it takes no other chunk to make one."""
    return corpus.english(CHUNK, SIZE, seed=(seed << 32) + chunk)


def chunks_of(batches: int, size: int) -> int:
    """Return how many chunks some batches take for what is no reprint."""
    return batches * -(-(size - round(REPRINTED * size)) // CHUNK)


def batch(number: int, size: int, before: int, seed: int) -> list[Record]:
    """Return a batch of the stream: new documents, then reprints cut from the bottom, most with a new headline.

    Args:
        number: Of the batch.
        size: Documents in it.
        before: Reprints are of the chunks below that number, half of them of the last; of this batch when it is 0.
        seed: Of all texts.
    """
    rng = np.random.default_rng([seed, number])
    first, end = chunks_of(number, size), chunks_of(number + 1, size)
    reprints = round(REPRINTED * size)
    texts = [text for chunk in range(first, end) for text in originals(chunk, seed)][: size - reprints]
    words = texts[0].split()
    least, most = (0, before) if before else (first, end)
    half = -(-reprints // (2 * PICKED))
    chunks = [*rng.integers(least, most, half), *rng.integers(max(least, most - LATEST // CHUNK), most, half)]
    for chunk in map(int, chunks):
        found = originals(chunk, seed)
        texts += [_reprint(found[row], words, rng) for row in rng.choice(CHUNK, PICKED, replace=False).tolist()]
    return [_record(number, row, text, size, seed) for row, text in enumerate(texts[:size])]


def _reprint(text: str, words: list[str], rng: np.random.Generator) -> str:
    """Return a text without its end, one in seven whole, and three of four under a headline of their own."""
    parts = text.split(" ")
    text = " ".join(parts[: round(len(parts) * min(1.0, rng.uniform(0.4, 1.1)))])
    headline = " ".join(words[place] for place in rng.integers(len(words), size=8).tolist()).title()
    return f"{headline}\n\n{text}" if rng.random() < 0.75 else text


def _record(number: int, row: int, text: str, size: int, seed: int) -> Record:
    published = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=number * size + row)
    source = f"Outlet {row % 40}"
    return {"id": f"{seed}-{number}-{row}", "text": text, "source": source, "published": published.isoformat()}


def pairs(count: int, seed: int) -> Iterator[tuple[Record, Record]]:
    """Yield pairs whose exact Jaccard similarity is the threshold or up to BEYOND more: words are replaced till it is.

    The similarity is that of the texts as they are given.
    """
    config = dedup.Config()
    rng = np.random.default_rng([seed, count])
    texts = [text for chunk in range(-(-count // CHUNK)) for text in originals((1 << 31) + chunk, seed)][:count]
    words = sorted({word for text in texts[:CHUNK] for word in text.split()})

    for number, text in enumerate(texts):
        whole = native.shingle_set(text, config.shingle_size, config.seed)
        parts = text.split(" ")
        for place in rng.permutation(len(parts)).tolist():
            parts[place] = words[int(rng.integers(len(words)))]
            copy = " ".join(parts)
            changed = native.shingle_set(copy, config.shingle_size, config.seed)
            shared = native.intersection_size(whole, changed)
            jaccard = shared / (len(whole) + len(changed) - shared)
            if jaccard <= config.threshold + BEYOND:
                break
        if jaccard >= config.threshold:
            base = {"id": f"pair-{number}", "text": text, "published": "2024-01-01"}
            yield base, {"id": f"pair-{number}-copy", "text": copy, "published": "2024-01-03"}


def stream(count: int, asked: Asked, place: Place) -> list[Record]:
    """Return the next documents for the large file, in no order, so that reprints do not come last."""
    first = next(place.numbers)
    numbers = [first, *itertools.islice(place.numbers, (count - 1) // asked.batch)]
    known = asked.chunks(asked.documents)
    records = [record for number in numbers for record in batch(number, asked.batch, known, asked.seed)]
    return [
        records[row] for row in np.random.default_rng([asked.seed, first]).permutation(len(records))[:count].tolist()
    ]


# Time and memory


def _taken(call: Callable[[], object]) -> Taken:
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def _rates(taken: Sequence[Taken], documents: int) -> dict[str, Any]:
    """Return documents a second of batches of one size: median and quartiles by wall time, median by processor time."""
    wall, processor = (documents / np.array(column) for column in zip(*taken, strict=True))
    low, middle, high = np.percentile(wall, [25, 50, 75]).tolist()
    return {"median": middle, "quartiles": [low, high], "per_processor_second": median(processor.tolist())}


def _milliseconds(taken: Sequence[Taken]) -> dict[str, float]:
    """Return median, 99th percentile and most of single calls, in milliseconds, and the median of processor time."""
    wall, processor = (1000 * np.array(column) for column in zip(*taken, strict=True))
    middle, high = np.percentile(wall, [50, 99]).tolist()
    return {"median": middle, "p99": high, "max": float(wall.max()), "processor": median(processor.tolist())}


def resident() -> int:
    """Return the resident memory of this process in bytes (Linux only)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def fresh(path: str, articles: str) -> dict[str, Any]:
    """Open an index, ask it and add to it, in a process that has loaded nothing else: its source is all that it gets.

    Args:
        path: The index.
        articles: A file of two lists in the form of `marshal`: what is asked, and what is added.
    """
    import marshal
    import os
    import time
    from pathlib import Path

    memory: dict[str, int] = {}

    def note(when: str) -> float:
        memory[when] = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        return time.perf_counter()

    with Path(articles).open("rb") as file:
        begun = time.perf_counter()
        from dedup import Index

        imported = note("import")
        index = Index(path, threads=1)
        opened = note("open")
        asked = marshal.load(file)
        first = time.perf_counter()
        index.query(asked[0])
        answered = note("first query")
        for article in asked:
            index.query(article)
        note("queries")
        added = marshal.load(file)
        if added:
            index.add_batch(added)
            note("additions")
        index.close()
    again = time.perf_counter()
    Index(path, threads=1).close()
    seconds = {
        "import and Index(path)": opened - begun,
        "Index(path)": opened - imported,
        "first query": answered - first,
        "Index(path) and close, once more": time.perf_counter() - again,
    }
    return {"seconds": seconds, "memory": memory}


#: Read now, for who edits this file while it runs.
_FRESH = inspect.getsource(fresh)


def _in_fresh_process(path: Path, folder: Path, asked: list[Record], added: list[Record]) -> dict[str, Any]:
    articles = folder / "articles"
    with articles.open("wb") as file:
        for records in (asked, added):
            marshal.dump(records, file)
    lines = [
        "from __future__ import annotations",
        _FRESH,
        "import json, sys",
        "print(json.dumps(fresh(*sys.argv[1:])))",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines), str(path), str(articles)], capture_output=True, text=True, check=False
    )
    articles.unlink()
    if done.returncode:
        raise RuntimeError(f"a fresh process failed:\n{done.stderr.strip()}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


# What is measured


def build(path: Path, documents: int, asked: Asked) -> list[dict[str, float]]:
    """Make a file by adding batch after batch; return documents and their rate, tenth by tenth. Texts are not timed."""
    rates = []
    batches = -(-documents // asked.batch)
    steps = np.array_split(np.arange(batches), min(10, batches))
    with dedup.Index(path, threads=1) as index:
        for step in steps:
            taken, count = [], 0
            for number in step.tolist():
                records = batch(number, asked.batch, chunks_of(number, asked.batch), asked.seed)
                records = records[: documents - number * asked.batch]
                count += len(records)
                taken.append(_taken(partial(index.add_batch, records)))
            wall, processor = map(sum, zip(*taken, strict=True))
            done = min(documents, (int(step[-1]) + 1) * asked.batch)
            rates.append({"documents": done, "rate": count / wall, "per_processor_second": count / processor})
            print(f"{done:,} documents, {count / wall:,.0f} a second", file=sys.stderr, flush=True)
    return rates


def size(asked: Asked, place: Place) -> dict[str, Any]:
    """Measure the bytes of the large file, table by table."""
    del asked
    with closing(sqlite3.connect(f"{place.large.absolute().as_uri()}?mode=ro", uri=True)) as connection:

        def value(query: str) -> int:
            return int(connection.execute(query).fetchone()[0])

        documents = value("SELECT count(*) FROM documents")
        clean = value("SELECT sum(size) FROM words")
        page, free = value("PRAGMA page_size"), value("PRAGMA freelist_count")
        try:
            query = "SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE ORDER BY pgsize DESC"
            parts = dict(connection.execute(query).fetchall())
        except sqlite3.OperationalError:
            # Not every SQLite is built with it.
            parts = {}
        whole = page * value("PRAGMA page_count")
    figures = {"documents": documents, "file": whole, "free": page * free, "clean_texts": clean, "parts": parts}
    rows = [
        ["the file as it is", whole, whole / documents],
        ["of it free pages", page * free, page * free / documents],
        ["clean texts before compression, one for all that are equal", clean, clean / documents],
        *([f"`{name}`", taken, taken / documents] for name, taken in parts.items()),
    ]
    title = f"Bytes of a file of {documents:,} documents"
    note = "Tables and indexes by name, where the SQLite at hand can tell."
    return {"figures": figures, "tables": [harness.table(title, ["what", "bytes", "a document"], rows, note)]}


def memory(asked: Asked, place: Place) -> dict[str, Any]:
    """Measure how long it takes to open the large file, and the resident memory of a process that uses it."""
    records = stream(asked.queries, asked, place)
    found = [_in_fresh_process(place.large, place.folder, records[-1:], [])["seconds"] for _ in range(asked.opens)]
    seconds = {name: median(column[name] for column in found) for name in found[0]}
    added = stream(asked.queries, asked, place)
    resident_at = _in_fresh_process(place.large, place.folder, records, added)["memory"]
    opening = harness.table(
        f"Opening a file of {asked.documents:,} documents",
        ["what", "median ms"],
        [[name, 1000 * value] for name, value in seconds.items()],
        f"{asked.opens} fresh processes; the file is in the cache of the system.",
    )
    title = f"Resident memory of a process that uses a file of {asked.documents:,} documents"
    rows = [[f"after {when}", value / 1e6] for when, value in resident_at.items()]
    note = f"{asked.queries:,} queries, then a batch of {asked.queries:,} documents."
    tables = [opening, harness.table(title, ["when", "MB"], rows, note)]
    return {"figures": {"seconds": seconds, "resident": resident_at}, "tables": tables}


def add(asked: Asked, place: Place) -> dict[str, Any]:
    """Time batches that go into the small file and into the large one in turn; the first after opening is not timed."""
    taken: dict[str, list[Taken]] = {"small": [], "large": []}
    copy = place.folder / "copy"
    before = {
        "small": asked.chunks(asked.small),
        "large": asked.chunks(asked.documents),
    }
    with dedup.Index(place.large, threads=1) as large:
        for _ in range(asked.rounds):
            shutil.copyfile(place.small, copy)
            with dedup.Index(copy, threads=1) as small:
                for turn in range(TURNS + 1):
                    number = next(place.numbers)
                    runs = [("small", small), ("large", large)]
                    for name, index in runs[:: -1 if turn % 2 else 1]:
                        records = batch(number, asked.batch, before[name], asked.seed)
                        seconds = _taken(partial(index.add_batch, records))
                        if turn:
                            taken[name].append(seconds)
            copy.unlink()
    rates = {name: _rates(column, asked.batch) for name, column in taken.items()}
    walls = {name: [wall for wall, _ in column] for name, column in taken.items()}
    slower = harness.ratios(walls["large"], walls["small"])
    processor = median(large[1] / small[1] for large, small in zip(taken["large"], taken["small"], strict=True))
    figures = {"rates": rates, "ratio": slower, "ratio_of_processor_time": processor}
    rows: list[list[object]] = [
        [f"{documents:,}", rate["median"], *rate["quartiles"], rate["per_processor_second"]]
        for documents, rate in zip((asked.small, asked.documents), rates.values(), strict=True)
    ]
    rows.append(["times as long in the large one", slower["median"], slower["least"], slower["most"], processor])
    title = f"add_batch of {asked.batch:,} documents of {SIZE:,} bytes, {REPRINTED:.0%} reprints"
    columns = ["documents in the file", "documents/s", "first quartile", "third", "per processor second"]
    note = (
        f"{len(taken['small'])} batches each, in turn. The small file is set back after every {TURNS + 1}. In the last "
        "row stand the median, the least and the most of the ratios, batch by batch."
    )
    return {"figures": figures, "tables": [harness.table(title, columns, rows, note)]}


def single(asked: Asked, place: Place) -> dict[str, Any]:
    """Time documents that are added one by one to the large file."""
    counts: dict[Literal["normal", "full"], int] = {"normal": asked.singles, "full": asked.fulls}
    figures = {}
    for durability, count in counts.items():
        records = stream(count, asked, place)
        with dedup.Index(place.large, threads=1, durability=durability) as index:
            # What loads on first use is no part of an addition.
            index.query(records[0])
            figures[durability] = _milliseconds([_taken(partial(index.add, record)) for record in records])
    rows = [[f'"{name}"', counts[name], *figure.values()] for name, figure in figures.items()]
    title = f"add, one document at a time, into a file of {asked.documents:,}"
    columns = ["durability", "documents", "median ms", "99th percentile", "most", "processor, median"]
    return {"figures": figures, "tables": [harness.table(title, columns, rows)]}


def found(asked: Asked, place: Place) -> dict[str, Any]:
    """Count which pairs at the threshold the large file has in one cluster, and which matches have right scores."""
    before = asked.chunks(asked.documents)
    hits = []
    right: list[bool] = []
    with dedup.Index(place.large, threads=1) as index:
        config = index.config
        right += _checks(index, index.add_batch(batch(next(place.numbers), asked.batch, before, asked.seed)))
        for made in _batched(pairs(asked.pairs, asked.seed), asked.batch):
            index.add_batch([base for base, _ in made])
            right += _checks(index, index.add_batch([copy for _, copy in made]))
            for base, copy in made:
                one, other = (_kept(index, record["id"]) for record in (base, copy))
                truth = relations.truth(one, other, config)
                if config.threshold <= truth.jaccard <= config.threshold + BEYOND:
                    hits.append(_cluster(index, base["id"]) == _cluster(index, copy["id"]))
    recall = relations.interval(sum(hits), len(hits), len(hits))
    precision = relations.interval(sum(right), len(right), len(right))
    rows = [
        [f"pairs of J {config.threshold:g} to {config.threshold + BEYOND:g} in one cluster", len(hits), *recall],
        ["matches with right scores, alike enough for a link", len(right), *precision],
    ]
    title = f"What is found among {asked.documents:,} documents"
    note = (
        "Intervals are those of Wilson, 95 %. Exact scores are those of plain Python sets of the texts as the index "
        "keeps them; a pair of which cleaning took so much that its J left the range is not counted."
    )
    tables = [harness.table(title, ["what", "count", "share", "low", "high"], rows, note)]
    return {
        "figures": {"pairs": len(hits), "recall": recall, "matches": len(right), "right": precision},
        "tables": tables,
    }


def _batched(made: Iterator[tuple[Record, Record]], count: int) -> Iterator[list[tuple[Record, Record]]]:
    while part := list(itertools.islice(made, count)):
        yield part


def _kept(index: dedup.Index, name: str) -> str:
    article = index.get(name)
    if article is None:
        raise InvalidArgumentError(f"name must be that of a document of the index. Got {name!r}.")
    return article.text


def _cluster(index: dedup.Index, name: str) -> int | None:
    match = index.match(name)
    return None if match is None else match.cluster


def _checks(index: dedup.Index, matches: list[dedup.Match]) -> list[bool]:
    """Tell of each match with a canonical document whether its scores are exact and enough for a link."""
    return [
        is_right(match, _kept(index, match.id), _kept(index, match.canonical), index.config)
        for match in matches
        if match.relation is not None
    ]


def is_right(match: dedup.Match, text: str, canonical: str, config: dedup.Config) -> bool:
    """Tell whether the scores of a match are those of two texts, by plain Python sets, and enough for a link."""
    own, other = (relations.shingles(one, config.shingle_size) for one in (text, canonical))
    shared = len(own & other)
    scores = shared / len(own | other), shared / len(own), shared / len(other)
    inside = min(len(own), len(other)) >= config.min_excerpt and max(scores[1:]) >= config.containment_floor
    linked = scores[0] >= config.threshold or inside
    return linked and scores == (match.jaccard, match.containment, match.containment_canonical)


def story(asked: Asked, place: Place) -> dict[str, Any]:
    """Time one more copy of a story, near or exact, at several sizes of it; each comes later than those before."""
    rng = np.random.default_rng([asked.seed, 6])
    base, spare = originals((1 << 31) - 1, asked.seed)[:2]
    sentences, words = base.split(". "), spare.split()
    numbers = itertools.count()

    def copy() -> Record:
        """Return the text with another sentence in place of one of its own."""
        other = " ".join(words[place] for place in rng.integers(len(words), size=15).tolist())
        at = int(rng.integers(1, len(sentences)))
        text = ". ".join([*sentences[:at], other, *sentences[at + 1 :]])
        return _record(0, next(numbers), text, asked.batch, asked.seed)

    figures: list[dict[str, Any]] = []
    with dedup.Index(place.folder / "story", threads=1) as index:
        index.add({**copy(), "text": base})
        members = 1
        for wanted in asked.stories:
            taken = []
            grown = wanted - members
            for start in range(members, wanted, asked.batch):
                records = [copy() for _ in range(min(asked.batch, wanted - start))]
                taken.append(_taken(partial(index.add_batch, records)))
            near = [_taken(partial(index.add, copy())) for _ in range(asked.copies)]
            exact = [_taken(partial(index.add, {**copy(), "text": base})) for _ in range(asked.copies)]
            members = max(wanted, members) + 2 * asked.copies
            counts = index.stats()
            figures.append(
                {
                    "members": wanted,
                    "rate": grown / sum(wall for wall, _ in taken) if taken else None,
                    "near": _milliseconds(near),
                    "exact": _milliseconds(exact),
                    "pairs": counts.pairs / counts.texts,
                    "clusters": counts.clusters,
                }
            )
    rows = [
        [
            f"{one['members']:,}",
            *(one[kind][part] for kind in ("near", "exact") for part in ("median", "p99", "max")),
            *(one[name] for name in ("rate", "pairs", "clusters")),
        ]
        for one in figures
    ]
    columns = ["members", "near copy, median ms", "p99", "most", "exact copy, median ms", "p99", "most"]
    columns += ["documents/s up to there", "pairs a text", "clusters"]
    title = "One more copy of a story"
    note = "A near copy differs from the first text in one sentence, and each comes later. Nothing else is in the file."
    return {"figures": figures, "tables": [harness.table(title, columns, rows, note)]}


def peer(asked: Asked, place: Place) -> dict[str, Any]:
    """Let datasketch's MinHashLSH take turns with an index on the same batches, each asked and added to."""
    taken: dict[str, list[Taken]] = {"add_batch": [], "add": [], "datasketch": []}
    lsh = Peer()
    grown = 0
    with (
        dedup.Index(place.folder / "batches", threads=1) as batches,
        dedup.Index(place.folder / "singles", threads=1) as singles,
    ):
        runs: list[tuple[str, Callable[[list[Record]], object]]] = [
            ("add_batch", batches.add_batch),
            ("add", lambda records: [singles.add(record) for record in records]),
            ("datasketch", lsh.add),
        ]
        for number in range(-(-asked.peer // asked.batch)):
            records = batch(number, asked.batch, chunks_of(number, asked.batch), asked.seed)
            for name, work in runs[number % 3 :] + runs[: number % 3]:
                before = resident()
                seconds = _taken(partial(work, records))
                # In its first turn it grows by what it loads on first use.
                if name == "datasketch" and taken[name]:
                    grown += resident() - before
                taken[name].append(seconds)
    rates = {name: _rates(column, asked.batch) for name, column in taken.items()}
    documents = asked.batch * len(taken["add"])
    walls = {name: [wall for wall, _ in column] for name, column in taken.items()}
    times = {name: harness.ratios(walls["datasketch"], walls[name]) for name in ("add_batch", "add")}
    hits = [
        base["id"] in near
        for made in _batched(pairs(asked.pairs, asked.seed), asked.batch)
        for base, near in lsh.ask(made)
    ]
    recall = relations.interval(sum(hits), len(hits), len(hits))
    each = grown / max(documents - asked.batch, 1)
    figures = {"rates": rates, "times_as_fast": times, "documents": documents, "bytes": each, "recall": recall}
    names = {"add_batch": f"dedup, batches of {asked.batch:,}", "add": "dedup, one by one"}
    speeds: list[list[object]] = [
        [names.get(name, name), rate["median"], *rate["quartiles"], rate["per_processor_second"]]
        + ([ratio["median"], ratio["least"], ratio["most"]] if (ratio := times.get(name)) else [None] * 3)
        for name, rate in rates.items()
    ]
    columns = [
        "what",
        "documents/s",
        "first quartile",
        "third",
        "per processor second",
        "times datasketch",
        "least",
        "most",
    ]
    note = (
        f"datasketch: MinHash.bulk of {SLOTS} slots with xxh32 on runs of {WIDTH} words, then query and insert of "
        "each, in memory, without a look at the texts. dedup: a file; texts cleaned, kept, compared. Batches in turn."
    )
    rows = [
        ["resident memory, bytes a document", each],
        [f"the same at {asked.documents:,} documents, MB", each * asked.documents / 1e6],
        ["pairs at the threshold", len(hits)],
        *([f"share of them found{bound}", value] for bound, value in zip(("", ", low", ", high"), recall, strict=True)),
    ]
    about = "Memory is what the process grew by in datasketch's turns. The index keeps no signatures and no texts."
    tables = [
        harness.table(f"Beside datasketch, {documents:,} documents", columns, speeds, note),
        harness.table("What datasketch takes and finds", ["what", "value"], rows, about),
    ]
    return {"figures": figures, "tables": tables}


class Peer:
    """datasketch's index in memory at the threshold of ours: its MinHashLSH, and nothing beside it."""

    def __init__(self) -> None:
        import xxhash
        from datasketch import MinHash, MinHashLSH

        self._sketch = partial(MinHash.bulk, num_perm=SLOTS, hashfunc=xxhash.xxh32_intdigest)
        self._index = MinHashLSH(threshold=dedup.Config().threshold, num_perm=SLOTS)

    def add(self, records: Sequence[Record]) -> list[list[str]]:
        """Add records; return what was near each before."""
        sets = ([run.encode() for run in throughput.shingles(record["text"], WIDTH)] for record in records)
        near = []
        for record, sketch in zip(records, self._sketch(sets), strict=True):
            near.append(self._index.query(sketch))
            self._index.insert(record["id"], sketch)
        return near

    def ask(self, made: Sequence[tuple[Record, Record]]) -> Iterator[tuple[Record, list[str]]]:
        """Add pairs; yield the first of each and what was near the second."""
        self.add([base for base, _ in made])
        yield from zip([base for base, _ in made], self.add([copy for _, copy in made]), strict=True)


# The command

#: In the order in which they are done: what is measured of the file as it was built comes first.
SECTIONS: dict[str, Callable[[Asked, Place], dict[str, Any]]] = {
    "size": size,
    "memory": memory,
    "add": add,
    "single": single,
    "found": found,
    "story": story,
    "peer": peer,
}
#: Those that need no file of many documents.
APART = {"story", "peer"}


def measure(asked: Asked) -> dict[str, Any]:
    """Build the files that are needed and do the sections; one that fails leaves the others standing.

    Raises:
        InvalidArgumentError: The file that was kept is of other documents.
    """
    sections: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Place(
            Path(folder),
            Path(folder, "large"),
            Path(folder, "small"),
            itertools.count(-(-asked.documents // asked.batch)),
        )
        wanted = [name for name in SECTIONS if name in asked.sections or not asked.sections]
        if not APART.issuperset(wanted):
            sections["build"] = _built(asked, place)
        if "add" in wanted:
            build(place.small, asked.small, asked)
        for name in wanted:
            print(f"{name} ...", file=sys.stderr, flush=True)
            begun = time.perf_counter()
            try:
                section = SECTIONS[name](asked, place)
            except Exception:  # noqa: BLE001 - the other sections are still worth their time
                section = {"failed": traceback.format_exc(), "tables": []}
            sections[name] = {**section, "seconds": time.perf_counter() - begun}
    return {"asked": {**asdict(asked), "keep": str(asked.keep) if asked.keep else None}, "sections": sections}


def _built(asked: Asked, place: Place) -> dict[str, Any]:
    """Build the large file, or take a copy of the one that was kept; return how fast it was built."""
    rates: list[dict[str, float]] = []
    kept = asked.keep
    if kept is None:
        rates = build(place.large, asked.documents, asked)
    else:
        if not kept.exists():
            rates = build(kept, asked.documents, asked)
        _check(kept, asked)
        shutil.copyfile(kept, place.large)
    rows = [[f"{one['documents']:,}", one["rate"], one["per_processor_second"]] for one in rates]
    note = "" if rates else "The file was there."
    table = harness.table("Building the file", ["documents", "documents/s", "per processor second"], rows, note)
    return {"figures": rates, "tables": [table]}


def _check(path: Path, asked: Asked) -> None:
    with dedup.Index(path, read_only=True) as index:
        batches, rest = divmod(asked.documents, asked.batch)
        last = f"{asked.seed}-{batches - (not rest)}-{(rest or asked.batch) - 1}"
        after = f"{asked.seed}-{batches}-{rest}"
        if last not in index or after in index:
            raise InvalidArgumentError(f"keep must be a file of {asked.documents} documents of this seed. Got {path}.")


def report(results: dict[str, Any]) -> str:
    """Return the whole report as Markdown."""
    about = results["machine"]
    loads = "/".join(f"{load:.2f}" for load in about["load_before"] or [])
    lines = [
        "# The index",
        "",
        f"- {about['date']}, commit {about['commit']}{' with changes' * about['changed']}",
        f"- {about['cpu']}, one core of {about['processors']}, {about['memory']} memory, {about['system']}",
        f"- {about['python']}, SQLite {sqlite3.sqlite_version}, load average {loads} before",
        "",
        "Figures are cut, not rounded.",
        "",
    ]
    for name, section in results["sections"].items():
        seconds = f" ({section['seconds']:.0f} s)" if "seconds" in section else ""
        lines += [f"## {name.capitalize()}{seconds}", ""]
        lines += ["Failed:", "", "```", section["failed"].rstrip(), "```", ""] if "failed" in section else []
        lines.append(harness.render(section["tables"]))
    return "\n".join(lines)


def _names(value: str) -> tuple[str, ...]:
    names = tuple(value.split(","))
    if unknown := [name for name in names if name not in SECTIONS]:
        raise argparse.ArgumentTypeError(f"must be of {', '.join(SECTIONS)}. Got {', '.join(unknown)}.")
    return names


def asked_for(arguments: Sequence[str] | None = None) -> tuple[Asked, Path | None]:
    """Return what the command line asks for, and where the JSON goes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--documents", type=int, help="documents of the large file, 1000000 by default")
    parser.add_argument("--small", type=int, help="documents of the small file, 10000 by default")
    parser.add_argument("--quick", action="store_true", help="all of it on little, in less than three minutes")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="where the large file stays, and is looked for")
    parser.add_argument("--sections", type=_names, metavar="LIST", help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where all figures go")
    given = vars(parser.parse_args(arguments))
    written, quick = given.pop("json"), given.pop("quick")
    asked = replace(QUICK if quick else Asked(), **{name: value for name, value in given.items() if value is not None})
    if min(asked.documents, asked.small) < 1:
        parser.error(f"--documents and --small must be at least 1. Got {asked.documents} and {asked.small}.")
    return asked, written


def main() -> int:
    """Measure on one core, print and save; return 1 when a section failed."""
    asked, written = asked_for()
    about = run.machine()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        results = {"machine": about, **measure(asked)}
    except DedupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(report(results))
    if written:
        written.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return int(any("failed" in section for section in results["sections"].values()))


if __name__ == "__main__":
    sys.exit(main())
