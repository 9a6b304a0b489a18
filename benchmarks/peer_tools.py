"""Runs one contestant of peers.py in a process of its own: `python peer_tools.py FOLDER`.

The folder holds job.json and rows.jsonl and receives outcome.json. Beside the standard library only the contestant is
imported, so that nothing else need be installed where it is.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import pickle
import platform
import re
import runpy
import struct
import sys
import tempfile
import threading
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Rows = Sequence[Mapping[str, str]]
    T = TypeVar("T")

#: The warm-up takes as many documents, each twice, so that every tool has a pair to find.
WARM_UP = 25
#: Seconds between two looks at the memory of child processes.
LOOK = 0.05

_WORD = re.compile(r"\w+")


def components(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return for each of the rows 0 to `count` - 1 the first row of its connected component; no pairs: itself."""
    parents = list(range(count))

    def root(row: int) -> int:
        while parents[row] != row:
            parents[row] = row = parents[parents[row]]
        return row

    for left, right in pairs:
        low, high = sorted((root(left), root(right)))
        parents[high] = low
    return [root(row) for row in range(count)]


def shingles(text: str, unit: Literal["words", "characters"], width: int) -> list[str]:
    r"""Return the runs of `width` lower-cased `\w+` words, or characters of such words without what stands between.

    A shorter text is one shingle; a text without a word has none.
    """
    words = _WORD.findall(text.lower())
    units, glue = (words, " ") if unit == "words" else (list("".join(words)), "")
    return [glue.join(units[start : start + width]) for start in range(max(len(units) - width + 1, min(len(units), 1)))]


def dedup(rows: Rows, threads: int, *, text_alone: bool = False, **settings: Any) -> list[int]:  # noqa: ANN401 - settings of any type
    """Run ours, the only one that takes more than the text unless told: source, date and headline."""
    import dedup

    if text_alone:
        rows = [{"id": row["id"], "text": row["text"]} for row in rows]
    clusters = dedup.deduplicate(rows, threads=threads, **settings).clusters
    number_of = {name: number for number, cluster in enumerate(clusters) for name in cluster.members}
    return [number_of[row["id"]] for row in rows]


def datasketch(
    rows: Rows, threads: int, *, threshold: float, num_perm: int, unit: Literal["words", "characters"], width: int
) -> list[int]:
    """Sketch, insert, query, and drop the candidates below the threshold; it has no threads."""
    from datasketch import MinHash, MinHashLSH

    del threads
    sets = ([shingle.encode() for shingle in shingles(row["text"], unit, width)] for row in rows)
    sketches = MinHash.bulk(sets, num_perm=num_perm)
    index = MinHashLSH(threshold=threshold, num_perm=num_perm)
    with index.insertion_session() as session:
        for row, sketch in enumerate(sketches):
            session.insert(row, sketch)
    pairs = (
        (row, other)
        for row, sketch in enumerate(sketches)
        for other in index.query(sketch)
        if other > row and sketch.jaccard(sketches[other]) >= threshold
    )
    return components(len(rows), pairs)


def rensa_full(
    rows: Rows, threads: int, *, threshold: float, num_perm: int, unit: Literal["words", "characters"], width: int
) -> list[int]:
    """Let the deduplicator keep first texts, then ask it which of them each dropped text resembles."""
    from rensa import RMinHash, RMinHashDeduplicator

    del threads
    sets = [shingles(row["text"], unit, width) for row in rows]
    sketches = RMinHash.from_token_sets(sets, num_perm=num_perm, seed=42)
    index = RMinHashDeduplicator(threshold=threshold, num_perm=num_perm, use_lsh=True)
    kept = index.add_pairs((str(row), sketch) for row, sketch in enumerate(sketches))
    dropped = [row for row, keep in enumerate(kept) if not keep]
    alike = index.get_duplicate_sets([sketches[row] for row in dropped])
    pairs = ((row, int(name)) for row, names in zip(dropped, alike, strict=True) for name in names)
    return components(len(rows), pairs)


def rensa_rho(
    rows: Rows,
    threads: int,
    *,
    threshold: float,
    num_perm: int,
    num_bands: int,
    unit: Literal["words", "characters"],
    width: int,
) -> list[int]:
    """Run the pipeline of its benchmark; it only flags texts, so flagged ones that share a band are joined."""
    from rensa import RMinHash, RMinHashLSH

    del threads
    sets = [shingles(row["text"], unit, width) for row in rows]
    matrix = RMinHash.digest_matrix_from_token_sets_rho(sets, num_perm=num_perm, seed=12345, probes=4)
    index = RMinHashLSH(threshold=threshold, num_perm=num_perm, num_bands=num_bands)
    flags = index.query_duplicate_flags_matrix_one_shot(matrix)
    size = num_perm // num_bands
    first: dict[tuple[int, ...], int] = {}
    pairs = [
        (first.setdefault((start, *digest[start : start + size]), row), row)
        for row, (digest, flagged) in enumerate(zip(matrix.to_rows(), flags, strict=True))
        if flagged
        for start in range(0, num_perm, size)
    ]
    return components(len(rows), pairs)


def gaoya(rows: Rows, threads: int, **settings: Any) -> list[int]:  # noqa: ANN401 - settings of any type
    """Insert all, query all; it tokenises, and filters by estimated similarity, itself."""
    from gaoya.minhash import MinHashStringIndex

    del threads
    texts = [row["text"] for row in rows]
    # JSON has no tuples.
    index = MinHashStringIndex(**{**settings, "ngram_range": tuple(settings["ngram_range"])})
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    pairs = ((row, other) for row, others in enumerate(index.par_bulk_query(texts)) for other in others)
    return components(len(rows), pairs)


def simhash(rows: Rows, threads: int, *, k: int, width: int | None) -> list[int]:
    """Index all, query all; `width` None leaves the features to its own tokeniser. It has no threads."""
    from simhash import Simhash, SimhashIndex  # type: ignore[import-not-found]

    del threads
    texts = [row["text"] for row in rows]
    # The documented function gives a text without a word one empty feature.
    values = [Simhash(shingles(text, "characters", width) or [""] if width else text) for text in texts]
    index = SimhashIndex([(str(row), value) for row, value in enumerate(values)], k=k)
    pairs = ((row, int(name)) for row, value in enumerate(values) for name in index.get_near_dups(value))
    return components(len(rows), pairs)


def text_dedup(rows: Rows, threads: int, **algorithm: Any) -> list[int]:  # noqa: ANN401 - settings of any type
    """Run `python -m text_dedup.minhash` on a Parquet file; what it filters out or groups with nothing is alone."""
    import pyarrow as pa
    from pyarrow import parquet

    folder = Path(tempfile.mkdtemp())
    (folder / "data").mkdir()
    parquet.write_table(pa.table({"text": [row["text"] for row in rows]}), folder / "data" / "documents.parquet")
    tables = {
        "input": {"input_type": "local_files", "file_type": "parquet"},
        "input.read_arguments": {"path": "data", "split": "train"},
        "algorithm": {"algorithm_name": "minhash", "text_column": "text", "num_proc": threads, **algorithm},
        # As in its configs/minhash.toml: a filtered output with fewer rows than processes cannot be saved.
        "output": {"output_dir": "output", "save_clusters": True, "skip_filtering": True},
        "debug": {"enable_profiling": False},
    }
    lines = [
        line
        for name, table in tables.items()
        for line in (f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()))
    ]
    (folder / "config.toml").write_text("\n".join(lines), encoding="utf-8")
    os.chdir(folder)
    sys.argv[1:] = []
    # As `python -m` does it, but in this process, whose warm-up has done the imports.
    runpy.run_module("text_dedup.minhash", run_name="__main__", alter_sys=True)
    group_of = pickle.loads(Path("output/clusters.pickle").read_bytes())
    # Its group numbers are no row numbers.
    return [len(rows) + int(group_of[row]) if row in group_of else row for row in range(len(rows))]


def datatrove(
    rows: Rows, threads: int, *, n_grams: int, num_buckets: int, hashes_per_bucket: int, language: str
) -> list[int]:
    """Run the first three steps of its MinHash example on files; the fourth would copy what is kept.

    Its reader leaves out documents without text; they are alone.
    """
    from datatrove.executor import LocalPipelineExecutor  # type: ignore[import-not-found]
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature  # type: ignore[import-not-found]
    from datatrove.pipeline.dedup.minhash import MinhashConfig  # type: ignore[import-not-found]
    from datatrove.pipeline.readers import JsonlReader  # type: ignore[import-not-found]

    folder = Path(tempfile.mkdtemp())
    given, signatures, buckets, clusters = (
        str(folder / name) for name in ("given", "signatures", "buckets", "clusters")
    )
    Path(given).mkdir()
    filled = [number for number, row in enumerate(rows) if row["text"]]
    # One file for each task; a document is known by its file and its place there.
    shards = [filled[first::threads] for first in range(threads)]
    for task, shard in enumerate(shards):
        with Path(given, f"{task:05}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps({"id": str(number), "text": rows[number]["text"]}) + "\n" for number in shard)
    config = MinhashConfig(n_grams=n_grams, num_buckets=num_buckets, hashes_per_bucket=hashes_per_bucket)
    sign = MinhashDedupSignature(output_folder=signatures, config=config, language=language)
    match = MinhashDedupBuckets(input_folder=signatures, output_folder=buckets, config=config)
    join = MinhashDedupCluster(input_folder=buckets, output_folder=clusters, config=config, save_cluster_id=True)
    for number, (steps, tasks) in enumerate(
        [([JsonlReader(given), sign], threads), ([match], num_buckets), ([join], 1)]
    ):
        # Forked, its processes need not import everything again.
        LocalPipelineExecutor(
            steps, tasks, min(tasks, threads), logging_dir=str(folder / f"log-{number}"), start_method="fork"
        ).run()
    labels = list(range(len(rows)))
    for task, shard in enumerate(shards):
        path = Path(clusters, f"{task:06}.clusters")
        for place, cluster in struct.iter_unpack("<2I", path.read_bytes() if path.exists() else b""):
            labels[shard[place]] = len(rows) + cluster
    return labels


TOOLS: dict[str, Callable[..., list[int]]] = {
    tool.__name__: tool for tool in (dedup, datasketch, rensa_full, rensa_rho, gaoya, simhash, text_dedup, datatrove)
}


def _field(path: str, name: str) -> int:
    """Return a line of a file of /proc in bytes; a process that has ended has nothing."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _family(process: int) -> list[int]:
    """Return a process and what it has started, and they in turn."""
    try:
        found = [path.read_text(encoding="utf-8") for path in Path(f"/proc/{process}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):
        return [process]
    return [process, *(one for children in found for child in children.split() for one in _family(int(child)))]


def peak_beyond(run: Callable[[], T]) -> tuple[T, int | None]:
    """Run and return the result and the peak of resident memory, in bytes, beyond what was there before.

    Child processes count too, looked at every so often, pages that they share once. None where there is no /proc.
    """
    gc.collect()
    try:
        # Freed memory that the run could fill again unseen goes back to the system first.
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        return run(), None
    done = threading.Event()

    def shared_out(family: Iterable[int]) -> int:
        return sum(_field(f"/proc/{process}/smaps_rollup", "Pss") for process in family)

    def look() -> None:
        while not done.wait(LOOK):
            family = _family(os.getpid())
            if len(family) > 1:
                together.append(shared_out(family))

    before, together = _field("/proc/self/status", "VmRSS"), [shared_out([os.getpid()])]

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        result = run()
    finally:
        done.set()
        watcher.join()
    return result, max(_field("/proc/self/status", "VmHWM") - before, max(together) - together[0])


def _processor_seconds() -> float:
    taken = os.times()
    return taken.user + taken.system + taken.children_user + taken.children_system


def outcome(job: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """Warm up, run and measure; `job` names the tool, its package, its settings and the threads."""
    tool = partial(TOOLS[job["run"]], threads=job["threads"], **job["settings"])
    sample = rows[:WARM_UP]
    tool([*sample, *({**row, "id": f"{row['id']} again"} for row in sample)])

    def run() -> tuple[list[int], float, float]:
        begun, worked = time.perf_counter(), _processor_seconds()
        labels = tool(rows)
        return labels, time.perf_counter() - begun, _processor_seconds() - worked

    (labels, seconds, worked), peak = peak_beyond(run)
    return {
        "labels": {row["id"]: label for row, label in zip(rows, labels, strict=True)},
        "seconds": seconds,
        "peak_bytes": peak,
        "details": {
            "version": version(job["package"]),
            "python": platform.python_version(),
            "cores": worked / seconds,
        },
    }


def main() -> None:
    """Do the job in the folder that the command line names."""
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    with (folder / "rows.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    (folder / "outcome.json").write_text(json.dumps(outcome(job, rows)), encoding="utf-8")


if __name__ == "__main__":
    main()
