"""Runs that are larger than memory, from 10,000 to 10,000,000 articles: time, memory, disk, and what they find.

    python benchmarks/scale.py FOLDER --quick

makes the corpora of `articles.py` in FOLDER unless they are there, and writes results/scale.json, .md and .png;
README.md says how to read them. `--constants` also writes the constants behind `dedup plan`; `make bench` asks for it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import sys
import tempfile
import time
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import articles
import harness
import numpy as np
import peer_tools
import peers
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from relations import interval, shingles
from run import RESULTS, machine

import dedup
from dedup.config import Config
from dedup.engines import cost
from dedup.engines.cost import quantities
from dedup.matching.plan import plan
from dedup.scratch import Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    Figures = dict[str, Any]

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000, 10_000_000), (10_000, 100_000)
#: Bytes of originals, and of those of the largest corpus, which has to fit onto the disk.
BYTES, LARGE, LARGE_BYTES = (2100, 3900), 10_000_000, (500, 3000)
#: A corpus of short texts without the large story, by which the cost of a text is told from that of its bytes, and the
#: pairs of a copy from those of the story.
SMALL, SMALL_BYTES, SMALL_STORY = 100_000, (400, 800), 0.0
#: The most documents of a run that the constants come from, and the sizes at which Spark and the peers run beside ours.
CONSTANTS, BESIDE = 1_000_000, (100_000, 1_000_000)
#: What a run may take, and the largest one.
MEMORY, LARGE_MEMORY, SPARK_MEMORY = "2GB", "8GB", "4g"
PEERS = ("text-dedup", "datasketch .5", "gaoya .5", "datatrove .5")
#: Seconds and bytes of memory that a peer may take.
PEER_SECONDS, PEER_BYTES = 3600.0, 12_000_000_000
#: Pairs whose scores are computed again.
CHECKED = 300
#: Processors that a stage has at least on a machine that is not busy.
BUSY = 0.9
#: Files of a work folder: clean texts, and which of them each document has.
TEXTS = ("text.utf8", "text.size", "document.place")
#: What a prediction may be off.
OFF = 1.5
#: Asked of a million articles on two processors, and of ten million beside them.
ASKED_SECONDS, ASKED_BYTES, ASKED_RECALL, ASKED_RATIO, ASKED_SPARK = 60.0, 3e9, 0.99, 12.0, 4.0
COSTS = Path(cost.__file__).with_name("costs.json")

#: What the time of a stage, the memory that it takes and what it leaves on the disk depend on: see `cost.quantities`.
SECONDS = {
    "sketch": ("run", "documents", "kilobytes"),
    "templates": ("documents", "kilobytes"),
    "match": ("keys", "related"),
    "verify": ("compared_kilobytes",),
    "sample": ("kilobytes", "related"),
    "decide": ("documents", "related"),
    "write": ("documents", "related"),
}
SPARK_SECONDS = "run", "documents", "kilobytes", "compared_kilobytes"
SPACE, OUTPUT = ("run", "documents", "kilobytes", "related"), ("documents", "related")


# One run, in a process of its own.


class Meter:
    """Takes the time, memory and disk of each stage that a run tells it of; a `Progress`.

    Args:
        work: The work folder.
    """

    def __init__(self, work: Path) -> None:
        self.stages: dict[str, Figures] = {}
        self._work, self._stage = work, "sketch"
        self._begin()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Note the end of the stage before where another begins."""
        del done, total
        if stage != self._stage:
            self.end()
            self._stage = stage

    def end(self) -> None:
        """Note the end of a stage; one that comes again adds to its time."""
        taken = self.stages.setdefault(self._stage, {"seconds": 0.0, "cpu": 0.0, "alone": 0.0, "memory": 0, "disk": 0})
        for name, value in _clocks().items():
            taken[name] += value - self._clocks[name]
        # Not ru_maxrss: a process inherits that of the one which started it.
        taken["memory"] = max(taken["memory"], _peak())
        taken["disk"] = max(taken["disk"], _bytes_of(self._work))
        self._begin()

    def _begin(self) -> None:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._clocks = _clocks()


def _clocks() -> dict[str, float]:
    """Return wall time, processor time, and that of this thread alone."""
    return {"seconds": time.perf_counter(), "cpu": time.process_time(), "alone": time.thread_time()}


def _peak() -> int:
    """Return the peak of resident memory of this process since it was last set back."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _local(given: Mapping[str, Any]) -> Figures:
    out, work, kept = (Path(f"{given['out']}{end}") for end in ("", ".work", ".kept"))
    meter = Meter(work)
    kept.mkdir()

    def note(stage: str, done: int, total: int) -> None:
        meter(stage, done, total)
        # The run removes its folder; a second name keeps the clean texts.
        if stage == "write" and not done:
            for name in TEXTS:
                (kept / name).hardlink_to(work / name)

    corpus = Path(given["corpus"])
    written = dedup.deduplicate(
        corpus / "articles", out=out, work=work, memory=given["memory"], threads=given["threads"], progress=note
    )
    meter.end()

    def texts_of(ids: list[str]) -> dict[str, str]:
        columns = Folder(kept, fresh=False)
        names = pq.read_table(out / "documents.parquet", columns=["id"])["id"]
        places = columns.column("document.place", np.int64).read()
        rows = pc.index_in(pa.array(ids, names.type), names).to_numpy()
        return dict(zip(ids, columns.texts("text").strings(places[rows]), strict=True))

    return {"stages": meter.stages, "summary": written.summary, **checked(out, corpus, texts_of)}


def _spark(given: Mapping[str, Any]) -> Figures:
    """Run on `local[threads]`, from Parquet to Parquet; a stage is some functions of the engine."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F  # noqa: N812 - as everybody calls it

    import dedup.spark as on_spark
    from dedup.engines import spark as engine

    corpus, out, work = Path(given["corpus"]), Path(given["out"]), Path(f"{given['out']}.work")
    work.mkdir()
    stages: dict[str, Figures] = {}
    compared: list[engine.Corpus] = []
    judge, timed = engine.judge, _timer(stages, work)

    def noted(corpus: engine.Corpus, found: engine.Found) -> DataFrame:
        compared.append(corpus)
        return judge(corpus, found)

    engine.judge = noted
    for stage, name in ((stage, name) for stage, names in SPARK_STAGES.items() for name in names):
        module, _, function = name.partition(".")
        there = importlib.import_module(f"dedup.engines.{module}")
        setattr(there, function, timed(stage, getattr(there, function)))
    builder = SparkSession.builder.master(f"local[{given['threads']}]").appName("scale")
    settings = {"driver.memory": SPARK_MEMORY, "local.dir": str(work), "ui.enabled": "false"}
    for name, value in settings.items():
        builder = builder.config(f"spark.{name}", value)

    def write(found: on_spark.SparkResult) -> Figures:
        found.documents.write.parquet(str(out / "documents.parquet"))
        found.pairs.write.parquet(str(out / "pairs.parquet"))
        return found.summary()

    def run() -> Figures:
        session = timed("sketch", builder.getOrCreate)()
        # The texts are read once more from what the run would remove at its end.
        with patch.object(engine.Store, "remove"):
            found = on_spark.deduplicate(session.read.parquet(str(corpus / "articles")))
        summary = timed("write", write)(found)

        def texts_of(ids: list[str]) -> dict[str, str]:
            documents = found.decided.where(F.col("id").isin(ids)).select("id", "doc")
            return {row.id: row.text for row in compared[0].texts(documents).collect()}

        right = checked(out, corpus, texts_of)
        session.stop()
        return {"summary": summary, **right}

    answer, peak = peer_tools.peak_beyond(run)
    for taken in stages.values():
        # Of processes that share the work, only the whole is known.
        taken |= {"cpu": taken["seconds"] * given["threads"], "alone": 0.0, "memory": peak or 0}
    return {"stages": stages, **answer}


def _timer(stages: dict[str, Figures], work: Path) -> Callable[[str, Callable[..., Any]], Callable[..., Any]]:
    """Return what makes of a function one that notes its time under a stage, and what `work` then holds."""
    running: list[str] = []

    def timed(stage: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - any function of the engine
            running.append(stage)
            begun = time.perf_counter()
            try:
                return do(*arguments, **options)
            finally:
                running.pop()
                # What a stage calls is part of it.
                if not running:
                    taken = stages.setdefault(stage, {"seconds": 0.0, "disk": 0})
                    taken["seconds"] += time.perf_counter() - begun
                    taken["disk"] = max(taken["disk"], _bytes_of(work))

        return run

    return timed


#: Stages of Spark, and the functions of `engines` that are part of them.
SPARK_STAGES = {
    "sketch": ("spark.read", "spark.check", "spark.mark"),
    "templates": ("spark_templates.learn", "spark_templates.mark", "spark_templates.used"),
    "match": ("spark.order", "spark.find_pairs"),
    "verify": ("spark.judge",),
    "decide": ("spark.decide",),
}
ENGINES = {"local": _local, "spark": _spark}


def _contest(given: Mapping[str, Any]) -> Figures:
    """Run a peer within its time and memory, and score it."""
    corpus = Path(given["corpus"])
    rows = ds.dataset(corpus / "articles").to_table(["id", "text"]).to_pylist()
    # What a process may take goes over to those that it starts.
    resource.setrlimit(resource.RLIMIT_DATA, (given["bytes"], given["bytes"]))
    found = peers.run(given["peer"], rows, threads=given["threads"], timeout=given["seconds"])
    if found.failed is not None:
        return {"failed": found.failed}
    labels = np.full(len(rows), -1)
    labels[numbers_of(pa.array(found.labels.keys()))] = list(found.labels.values())
    scored = scores(_kept_of(labels, _stories(corpus)), corpus)
    return {"seconds": found.seconds, "memory": found.peak_bytes, **found.details, **scored}


def _work(given: dict[str, Any]) -> Figures:
    """Do what another process asked for."""
    return _contest(given) if "peer" in given else ENGINES[given["engine"]](given)


# What was found, beside what was planted.


def numbers_of(ids: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the number in the id of each article, which is its row in truth.parquet; -1 for a part of a page."""
    is_article = pc.match_substring_regex(ids, r"^a\d+$")
    digits = pc.if_else(is_article, pc.utf8_slice_codeunits(ids, 1), "-1")
    numbers: NDArray[np.int64] = pc.cast(digits, pa.int64()).to_numpy()
    return numbers


def _stories(corpus: Path) -> NDArray[np.int64]:
    stories: NDArray[np.int64] = pq.read_table(corpus / "truth.parquet", columns=["story"])["story"].to_numpy()
    return stories


def _kept_of(labels: NDArray[np.int64], stories: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a document of the most common story of each cluster, for each of its documents: at best for a peer."""
    both, first, inverse, counts = np.unique(
        np.stack([labels, stories]), axis=1, return_index=True, return_inverse=True, return_counts=True
    )
    del inverse
    order = np.lexsort([counts, both[0]])
    ends = np.flatnonzero(np.append(np.diff(both[0][order]), 1))
    best = order[ends]
    kept: NDArray[np.int64] = first[best][np.searchsorted(both[0][best], labels)]
    return kept


def scores(kept: NDArray[np.int64], corpus: Path) -> Figures:
    """Score clusters against what was planted.

    Args:
        kept: int64 [n], by the number of each document, the one that stands for its cluster.
        corpus: The folder with truth.parquet and pairs.parquet.

    Returns:
        "recall": share of the planted pairs at the threshold in one cluster, with its interval; "pairs": how many;
        "precision": share of the dropped documents that are of the story of the kept one; "wrong": how many are not,
        "bridges": in how many clusters.
    """
    stories = _stories(corpus)
    dropped = np.flatnonzero(kept != np.arange(len(kept)))
    wrong = dropped[stories[dropped] != stories[kept[dropped]]]
    pairs = pq.read_table(corpus / "pairs.parquet")
    pairs = pairs.filter(pc.greater_equal(pairs["jaccard"], Config().threshold))
    left, right = numbers_of(pairs["left"]), numbers_of(pairs["right"])
    found = kept[left] == kept[right]
    return {
        # Pairs of one original are not independent.
        "recall": interval(int(found.sum()), len(found), len(np.unique(left))),
        "pairs": len(found),
        "precision": (len(dropped) - len(wrong)) / len(dropped) if len(dropped) else 1.0,
        "wrong": len(wrong),
        "bridges": len(np.unique(kept[wrong])),
    }


def _kept(out: Path, documents: int) -> NDArray[np.int64]:
    """Return by the number of each document that of its canonical; parts of pages are left out."""
    table = pq.read_table(out / "documents.parquet", columns=["id", "cluster"])
    numbers, canonicals = numbers_of(table["id"]), numbers_of(table["cluster"])
    kept = np.arange(documents)
    known = (numbers >= 0) & (canonicals >= 0)
    kept[numbers[known]] = canonicals[known]
    return kept


def checked(out: Path, corpus: Path, texts_of: Callable[[list[str]], Mapping[str, str]]) -> Figures:
    """Compute the scores of some reported pairs again, with plain Python sets of the texts that the run compared.

    Args:
        out: What the run wrote.
        corpus: The folder with articles/.
        texts_of: Gives the clean texts of the run by ids. That of an article must be what `dedup.clean` leaves of it,
            or some lines of that: what repeats within an outlet is taken off too.

    Returns:
        "checked": how many pairs, "right": of how many texts and scores are as they should be.
    """
    pairs = ds.dataset(out / "pairs.parquet")
    rows = np.random.default_rng(0).choice(pairs.count_rows(), min(CHECKED, pairs.count_rows()), replace=False)
    found = pairs.take(np.sort(rows)).to_pylist()
    ids = sorted({pair[side] for pair in found for side in ("left", "right")})
    texts = texts_of(ids)
    table = ds.dataset(corpus / "articles").to_table(["id", "text"], filter=pc.field("id").isin(pa.array(ids)))
    wrong = {row["id"] for row in table.to_pylist() if not _is_left_of(texts[row["id"]], dedup.clean(row["text"]).text)}
    right = sum(
        not wrong & {pair["left"], pair["right"]} and _is_right(pair, texts[pair["left"]], texts[pair["right"]])
        for pair in found
    )
    return {"checked": len(found), "right": right}


def _is_left_of(text: str, whole: str) -> bool:
    """Return whether a text is some lines of another, in their order; empty lines aside."""
    lines = iter(whole.split("\n"))
    return all(line in lines for line in text.split("\n") if line)


def _is_right(pair: Mapping[str, Any], left: str, right: str) -> bool:
    a, b = (shingles(text, Config().shingle_size) for text in (left, right))
    shared = len(a & b)
    scores = shared / (len(a) + len(b) - shared), shared / len(a), shared / len(b)
    return scores == (pair["jaccard"], pair["containment_left"], pair["containment_right"])


# Corpora and predictions.


def name_of(documents: int) -> str:
    """Return what a corpus of so many documents is called: 10k, 1m."""
    return f"{documents // 1_000_000}m" if documents >= 1_000_000 else f"{documents // 1000}k"


def _corpus(folder: Path, name: str, documents: int, sizes: tuple[int, int], story: float = articles.STORY) -> Path:
    """Return a corpus, made where it is missing."""
    corpus = folder / name
    if not (corpus / "truth.parquet").exists():
        if any((corpus / "articles").glob("*")):
            raise FileExistsError(f"{corpus} is not complete: remove it, or wait until it is.")
        print(f"making {corpus} ...", file=sys.stderr, flush=True)
        articles.write(articles.Asked(documents=documents, least=sizes[0], most=sizes[1], story=story), corpus)
    return corpus


def shape(corpus: Path) -> Figures:
    """Return what a prediction is given of a corpus: documents, bytes of text, share of copies, the one large story."""
    stories = _stories(corpus)
    sizes = np.unique(stories, return_counts=True)[1]
    text = sum(
        group.column(1).total_uncompressed_size
        for path in (corpus / "articles").iterdir()
        for file in [pq.read_metadata(path)]
        for group in map(file.row_group, range(file.num_row_groups))
    )
    return {
        "documents": len(stories),
        "bytes": text,
        "duplicates": 1 - len(sizes) / len(stories),
        "largest": int(sizes.max()) - 1,
    }


def predict(about: Mapping[str, Any], engine: str, threads: int) -> Figures | None:
    """Return what is expected of a run, "cpu" what it would take one thread; None where nothing was measured."""
    if engine not in cost.measured()["engines"]:
        return None
    words = max(1, round(about["bytes"] / about["documents"] / cost.WORD_BYTES))
    # Texts of an invented language share a thousandth of what those of news do.
    one, all_ = (
        cost.estimate(
            about["documents"],
            words,
            about["duplicates"],
            engine="spark" if engine == "spark" else "local",
            threads=count,
            largest=about["largest"],
            unrelated=0,
        )
        for count in (1, threads)
    )
    return {
        "seconds": all_.seconds,
        "cpu": one.seconds,
        "memory": all_.memory,
        "disk": all_.disk,
        "output": all_.output,
        "stages": {stage.name: {"cpu": stage.seconds} for stage in one.stages},
    }


def measure(corpus: Path, engine: str, threads: int, memory: str) -> Figures:
    """Run an engine on a corpus in a fresh process; return what it took and found, and what was expected."""
    about = shape(corpus)
    expected = predict(about, engine, threads)
    with tempfile.TemporaryDirectory(dir=corpus.parent) as name:
        out = Path(name, "out")
        given = {"engine": engine, "corpus": str(corpus), "out": str(out), "memory": memory}
        print(f"{engine}, {about['documents']:,} documents ...", file=sys.stderr, flush=True)
        load = os.getloadavg()[0]
        found = harness.in_process("scale.py", {**given, "threads": threads})
        stages = found["stages"].values()
        return {
            **about,
            **found,
            "threads": threads,
            "load": load,
            "seconds": sum(stage["seconds"] for stage in stages),
            "cpu": sum(stage["cpu"] for stage in stages),
            "memory": max(stage["memory"] for stage in stages),
            "disk": max(stage["disk"] for stage in stages),
            "output": _bytes_of(out),
            "expected": expected,
            **scores(_kept(out, about["documents"]), corpus),
        }


# Constants.


def fit(rows: Sequence[Mapping[str, float]], names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    """Return what quantities cost, none of it negative, so that relative errors are least; others cost nothing.

    Args:
        rows: The quantities of each run.
        names: Those that the costs depend on.
        values: What was measured in each run.
    """
    best: tuple[float, dict[str, float]] = (np.inf, {})
    weights = 1 / np.maximum(values, 1e-9)
    for count in range(1, min(len(names), len(rows)) + 1):
        for chosen in combinations(names, count):
            matrix = np.array([[row[name] for name in chosen] for row in rows]) * weights[:, None]
            found = np.linalg.lstsq(matrix, np.ones(len(rows)))[0]
            error = float(np.square(matrix @ found - 1).sum())
            if (found >= 0).all() and error < best[0] - 1e-12:
                best = error, dict(zip(chosen, found.tolist(), strict=True))
    return best[1]


def constants(runs: Mapping[str, Sequence[Mapping[str, Any]]], about: Mapping[str, Any]) -> Figures:
    """Return what `engines.cost` reads: for each engine and stage, what the quantities cost.

    Args:
        runs: Engine -> what `measure` returned.
        about: The machine.
    """
    bands = plan(Config().threshold, Config().recall).bands
    engines = {}
    for engine, measured in runs.items():
        rows = [
            quantities(run["documents"], run["bytes"], bands, run["summary"]["candidate_pairs"], 0) for run in measured
        ]
        stages = {}
        for name in measured[0]["stages"]:
            taken = [run["stages"][name] for run in measured]
            stages[name] = {
                # Each stage of Spark has its jobs to plan and to start.
                "seconds": fit(
                    rows, SPARK_SECONDS if engine == "spark" else SECONDS[name], [at["cpu"] for at in taken]
                ),
                "serial": _serial(taken, measured[0]["threads"]),
                # What Spark takes is bounded by what its session allows.
                "memory": fit(rows, SPACE[: 1 if engine == "spark" else None], [at["memory"] for at in taken]),
                "disk": fit(rows, SPACE, [stage["disk"] for stage in taken]),
            }
        engines[engine] = {"stages": stages, "output": fit(rows, OUTPUT, [run["output"] for run in measured])}
    local = runs["local"]
    return {
        "machine": {
            name: about[name] for name in ("date", "cpu", "processors", "memory", "python", "commit", "load_before")
        },
        "runs": [{name: run[name] for name in ("documents", "bytes", "duplicates", "largest")} for run in local],
        "pairs": _pairs(local),
        "engines": engines,
    }


def _serial(taken: Sequence[Mapping[str, float]], threads: int) -> float:
    """Return the share of a stage that one thread does alone, by Amdahl's law.

    On a machine so busy that the stage did not get one processor, it is the share of the thread that hands out work.
    """
    seconds, cpu, alone = (sum(stage[name] for stage in taken) for name in ("seconds", "cpu", "alone"))
    if cpu < BUSY * seconds:
        return alone / max(cpu, 1e-9)
    return float(np.clip((threads * seconds / cpu - 1) / max(1, threads - 1), 0, 1))


def _pairs(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return how many pairs a copy is compared in, and how that grows with one large story."""
    fits = {}
    # Buckets are bounded, so that a story's pairs grow little faster than it does.
    for power in np.arange(1, 1.51, 0.05).round(2).tolist():
        rows = [
            {
                "copies": run["duplicates"] * run["documents"] - run["largest"],
                "largest": run["largest"] ** power,
            }
            for run in runs
        ]
        counts = [run["summary"]["candidate_pairs"] for run in runs]
        found = {"copies": 0.0, "largest": 0.0} | fit(rows, ("copies", "largest"), counts)
        expected = [sum(found[name] * row[name] for name in row) for row in rows]
        error = sum((a / b - 1) ** 2 for a, b in zip(expected, counts, strict=True))
        fits[power] = error, found | {"power": power}
    return min(fits.values(), key=lambda fit: fit[0])[1]


# The report.


def targets(runs: Mapping[str, Mapping[int, Figures]]) -> list[Figures]:
    """Return what is asked beside what was measured."""
    rows = []
    local = runs.get("local", {})
    million, large = local.get(1_000_000), local.get(LARGE)
    if million:
        rows += [
            harness.target("1,000,000 on one machine", ASKED_SECONDS, million["seconds"], "s", at_most=True),
            harness.target("its peak memory", ASKED_BYTES / 1e9, million["memory"] / 1e9, "GB", at_most=True),
        ]
    if million and large:
        ratio = large["seconds"] / million["seconds"]
        rows.append(harness.target("10,000,000 beside it", ASKED_RATIO, ratio, "times", at_most=True))
    if million and (on_spark := runs.get("spark", {}).get(1_000_000)):
        ratio = on_spark["seconds"] / million["seconds"]
        rows.append(harness.target("1,000,000 on Spark beside it", ASKED_SPARK, ratio, "times", at_most=True))
    for engine, of_engine in runs.items():
        for documents, run in of_engine.items():
            what = f"{engine}, {documents:,}: "
            rows.append(harness.target(f"{what}recall", ASKED_RECALL, run["recall"][0], ""))
            rows.append(harness.target(f"{what}precision", 1.0, run["precision"], ""))
            rows.append(harness.target(f"{what}scores right", 1.0, run["right"] / max(1, run["checked"]), ""))
            if run["expected"]:
                off = max(_off(run, name) for name in ("seconds", "memory", "disk", "output"))
                rows.append(harness.target(f"{what}prediction, worst", OFF, off, "times off", at_most=True))
    return rows


def _off(run: Mapping[str, Any], name: str) -> float:
    """Return how many times a prediction is too high or too low."""
    ratio = run["expected"][name] / max(run[name], 1e-9)
    return float(max(ratio, 1 / max(ratio, 1e-9)))


def tables(results: Mapping[str, Any]) -> list[Figures]:
    """Return the tables of the report."""
    runs = results["runs"]
    listed = [(engine, run) for engine, of_engine in runs.items() for run in of_engine.values()]
    asked = [[row[name] for name in ("what", "asked", "measured", "unit", "met")] for row in targets(runs)]
    took = [
        [
            f"{engine} {run['documents']:,}",
            run["seconds"],
            run["cpu"],
            run["memory"] / 1e6,
            run["disk"] / run["documents"],
            run["output"] / run["documents"],
            *run["recall"],
            run["precision"],
            run["bridges"],
            f"{run['right']} of {run['checked']}",
            run["load"],
        ]
        for engine, run in listed
    ]
    scored = ["recall", "low", "high", "precision", "bridges"]
    columns = ["run", "seconds", "CPU s", "peak MB", "work B/doc", "output B/doc", *scored, "scores right", "load"]
    stages = [
        [
            f"{engine} {run['documents']:,}",
            name,
            stage["seconds"],
            stage["cpu"],
            stage["memory"] / 1e6,
            stage["disk"] / 1e6,
        ]
        for engine, run in listed
        for name, stage in run["stages"].items()
    ]
    expected = [
        [f"{engine} {run['documents']:,}", name, run["expected"][name] / unit, run[name] / unit, _off(run, name)]
        for engine, run in listed
        if run["expected"]
        for name, unit in (("seconds", 1), ("cpu", 1), ("memory", 1e6), ("disk", 1e6), ("output", 1e6))
    ]
    found = [
        harness.table("Asked and measured", ["what", "asked", "measured", "unit", "met"], asked),
        harness.table("Runs", columns, took, "Recall: planted pairs at the threshold in one cluster, 95 % of Wilson."),
        harness.table("Stages", ["run", "stage", "seconds", "CPU s", "peak MB", "work MB"], stages),
        harness.table("Expected and measured", ["run", "figure", "expected", "measured", "times off"], expected),
    ]
    for documents, contest in results["peers"].items():
        rows = [_peer_row(name, run) for name, run in contest.items()]
        if ours := runs.get("local", {}).get(documents):
            rows.insert(0, _peer_row("dedup, in files", ours))
        note = "Ours: from Parquet to Parquet, all its memory. A peer: from texts in memory, its memory beyond them."
        titles = ["tool", "seconds", "peak MB", *scored, "failed"]
        found.append(harness.table(f"Side by side, {documents:,} documents", titles, rows, note))
    return found


def _peer_row(name: str, run: Mapping[str, Any]) -> list[object]:
    if failed := run.get("failed"):
        return [name, *[None] * 7, failed]
    memory = None if run["memory"] is None else run["memory"] / 1e6
    return [name, run["seconds"], memory, *run["recall"], run["precision"], run["bridges"], None]


def report(results: Mapping[str, Any]) -> str:
    """Return the whole report as Markdown."""
    about = results["machine"]
    lines = [
        "# Scale",
        "",
        f"- {about['date']}, commit {about['commit']}{' with changes' * about['changed']}",
        f"- {about['cpu']}, {about['processors']} processors, {about['memory']} memory, {about['system']}",
        f"- {about['python']}; load average {about['load_before'][0]:.1f} before",
        "",
        harness.render(tables(results)),
        *(f"- Failed: {what}: {why}" for what, why in results["failed"].items()),
        *([f"![Time, memory and disk]({results['name']}.png)", ""] if results["plotted"] else []),
    ]
    return "\n".join(lines)


def draw(runs: Mapping[str, Mapping[int, Figures]], path: Path) -> bool:
    """Draw time, memory and bytes on disk over the number of documents; return whether matplotlib is there."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    panels: dict[str, tuple[str, Callable[[Figures], float]]] = {
        "seconds": ("seconds", lambda run: run["seconds"]),
        "peak memory": ("GB", lambda run: run["memory"] / 1e9),
        "work folder": ("bytes per document", lambda run: run["disk"] / run["documents"]),
    }
    figure = Figure(figsize=(15, 4.5))
    for place, (title, (unit, value)) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(1, 3, place)
        for engine, of_engine in runs.items():
            sizes = sorted(of_engine)
            axes.plot(sizes, [value(of_engine[size]) for size in sizes], marker="o", label=engine)
        axes.set_xscale("log")
        axes.set_yscale("log" if unit == "seconds" else "linear")
        axes.set_ylim(bottom=None if unit == "seconds" else 0)
        axes.set_xlabel("documents")
        axes.set_ylabel(unit)
        axes.set_title(title)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, bbox_inches="tight", dpi=120)
    return True


def _numbers(value: str) -> list[int]:
    return [int(number) for number in value.split(",")]


def main() -> int:
    """Measure, print and save; return 1 when a target was missed."""
    if sys.argv[1:] and sys.argv[1].startswith("{"):
        harness.answer(_work)
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the corpora are, or are to be made")
    parser.add_argument("--quick", action="store_true", help="10,000 and 100,000 documents, ours alone")
    parser.add_argument("--sizes", type=_numbers, help="numbers of documents, with commas between")
    parser.add_argument("--engines", help="local, spark or both, with a comma between")
    parser.add_argument("--peers", help="names of `peers.py`, with commas between")
    parser.add_argument("--threads", type=int, default=harness.processors(), help="threads of every contestant")
    parser.add_argument("--constants", action="store_true", help="write the constants behind `dedup plan` first")
    parser.add_argument("--name", default="scale", help="name of the files with the results, scale by default")
    asked = parser.parse_args()
    sizes = asked.sizes or (QUICK_SIZES if asked.quick else SIZES)
    # Beside sizes of one's choice stands what was asked for, and nothing else.
    everything = not (asked.quick or asked.sizes)
    engines = (asked.engines or ("local,spark" if everything else "local")).split(",")
    names = asked.peers.split(",") if asked.peers else [*PEERS] if everything else []
    if unknown := [name for name in engines if name not in ENGINES] + [
        name for name in names if name not in peers.TOOLS
    ]:
        parser.error(f"--engines and --peers must name what is there. Got {', '.join(unknown)}.")

    about = machine()
    runs: dict[str, dict[int, Figures]] = {engine: {} for engine in engines}
    asked.folder.mkdir(parents=True, exist_ok=True)
    corpora = {
        size: _corpus(asked.folder, name_of(size), size, LARGE_BYTES if size >= LARGE else BYTES) for size in sizes
    }
    if asked.constants:
        _write_constants(asked.folder, corpora, engines, asked.threads, about)
    results: Figures = {"name": asked.name, "machine": about, "runs": runs, "peers": {}, "failed": {}, "plotted": False}
    for engine, (size, corpus) in product(engines, corpora.items()):
        if engine == "local" or size in BESIDE or not everything:
            memory = LARGE_MEMORY if size >= LARGE else MEMORY
            try:
                runs[engine][size] = measure(corpus, engine, asked.threads, memory)
            except RuntimeError as cause:
                results["failed"][f"{engine}, {size:,} documents"] = _last_line(cause)
            _save(results)
    for size, corpus in corpora.items():
        if names and (size in BESIDE or not everything):
            results["peers"][size] = _contests(corpus, names, asked.threads)
            _save(results)
    print(report(results))
    return int(bool(results["failed"]) or not all(row["met"] for row in targets(runs)))


def _save(results: Figures) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / results["name"]
    results["plotted"] = draw(results["runs"], path.with_suffix(".png"))
    path.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(report(results), encoding="utf-8")


def _last_line(cause: RuntimeError) -> str:
    return str(cause).splitlines()[-1]


def _write_constants(
    folder: Path, corpora: Mapping[int, Path], engines: Sequence[str], threads: int, about: Mapping[str, Any]
) -> None:
    """Measure and write what `engines.cost` reads."""
    small = _corpus(folder, f"{name_of(SMALL)}-small", SMALL, SMALL_BYTES, SMALL_STORY)
    chosen = [corpus for size, corpus in corpora.items() if size <= CONSTANTS] + [small]
    runs = {engine: [measure(corpus, engine, threads, MEMORY) for corpus in chosen] for engine in engines}
    made = constants(runs, about)
    # An engine that was not measured keeps what it had.
    made["engines"] = cost.measured()["engines"] | made["engines"]
    COSTS.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    cost.measured.cache_clear()


def _contests(corpus: Path, names: Iterable[str], threads: int) -> dict[str, Figures]:
    """Run peers one after the other, each in a fresh process and an environment of its own."""
    prepared = peers.prepare(names=names)
    found = {}
    for name in prepared:
        print(f"{name}, {corpus.name} ...", file=sys.stderr, flush=True)
        given = {"peer": name, "corpus": str(corpus), "threads": threads}
        try:
            found[name] = harness.in_process("scale.py", {**given, "seconds": PEER_SECONDS, "bytes": PEER_BYTES})
        except RuntimeError as cause:
            found[name] = {"failed": _last_line(cause)}
    return found


if __name__ == "__main__":
    sys.exit(main())
