"""The whole job, texts in memory to clusters: speed, memory beyond the texts, and which planted pairs are found."""

from __future__ import annotations

import ctypes
import gc
import marshal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import corpus
import harness
import numpy as np

import dedup
from dedup.kernels import native

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTS, QUICK_DOCUMENTS, SIZE = 20_000, 4000, 3000
#: Shares of all documents that are edited or cut copies, and exact copies.
EDITED, EXACT = 0.25, 0.05
DEFAULT = "default"
#: Settings of the runs that are timed.
VARIANTS: dict[str, dict[str, Any]] = {DEFAULT: {}, 'clean="off"': {"clean": "off"}, "one thread": {"threads": 1}}
#: Asked for on two processors, whatever machine this is.
ASKED_SPEED, ASKED_BYTES, ASKED_RECALL = 100_000.0, 1536.0, 0.99


def plant(originals: list[str], copies: int, exact: int, rng: np.random.Generator) -> tuple[list[str], list[int]]:
    """Add copies of random originals and shuffle.

    Returns:
        The texts, and for each the number of the original that it comes from.
    """
    texts, origins = list(originals), list(range(len(originals)))
    words = originals[0].split()
    for origin in rng.integers(len(originals), size=copies).tolist():
        # Nine in ten have a Jaccard similarity of .6 to .95, the others less.
        jaccard = rng.uniform(0.6, 0.95) if rng.random() < 0.9 else rng.uniform(0.3, 0.6)
        texts.append(_copy(originals[origin], jaccard, words, rng))
        origins.append(origin)
    for origin in rng.integers(len(originals), size=exact).tolist():
        # Another object of the same text, as it comes from another file.
        texts.append((originals[origin] + " ")[:-1])
        origins.append(origin)
    order = rng.permutation(len(texts)).tolist()
    return [texts[row] for row in order], [origins[row] for row in order]


def _copy(text: str, jaccard: float, others: list[str], rng: np.random.Generator) -> str:
    """Return the text cut from the bottom, or with words replaced, so that about that similarity is left."""
    words = text.split(" ")
    if rng.random() < 0.5:
        return " ".join(words[: max(1, round(jaccard * len(words)))])
    # A replaced word breaks three of n shingles and makes three: J = (n - 3k) / (n + 3k).
    count = round(len(words) * (1 - jaccard) / (1 + jaccard) / 3)
    for place in rng.choice(len(words), min(count, len(words)), replace=False).tolist():
        words[place] = others[int(rng.integers(len(others)))] + "x"
    return " ".join(words)


def _status(name: str) -> int:
    """Return a line of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError(f"/proc/self/status has no {name}")


def _peaks_beyond(texts: list[str]) -> tuple[dedup.Result, dict[str, int] | None]:
    """Run the job once; return its result and the peaks of resident memory beyond what was there before."""
    gc.collect()
    try:
        # Freed memory that the job could fill again unseen goes back to the system first.
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        before = _status("VmRSS")
    except OSError:
        return dedup.deduplicate(texts), None
    result = dedup.deduplicate(texts)
    job = _status("VmHWM") - before
    len(result.clusters)
    return result, {"deduplicate": job, "clusters": _status("VmHWM") - before}


def _family_pairs(origins: list[int]) -> Iterator[tuple[int, int]]:
    families: dict[int, list[int]] = {}
    for row, origin in enumerate(origins):
        families.setdefault(origin, []).append(row)
    for rows in families.values():
        for i, left in enumerate(rows):
            for right in rows[i + 1 :]:
                yield left, right


def _quality(texts: list[str], origins: list[int], result: dedup.Result) -> dict[str, Any]:
    """Compare with what was planted, by exact Jaccard similarities of the texts as they are."""
    config = dedup.Config()
    sets: dict[int, Any] = {}

    def scores(left: int, right: int) -> tuple[float, float]:
        for row in (left, right):
            if row not in sets:
                sets[row] = native.shingle_set(texts[row], config.shingle_size, config.seed)
        shared = native.intersection_size(sets[left], sets[right])
        union, smaller = len(sets[left]) + len(sets[right]) - shared, min(len(sets[left]), len(sets[right]))
        return shared / max(union, 1), shared / max(smaller, 1)

    def alike(left: int, right: int) -> bool:
        jaccard, containment = scores(left, right)
        return jaccard >= config.threshold or containment >= config.containment_floor

    # Ids are made from row numbers; stories found inside a page have longer ids, and nothing was planted about them.
    clusters = [[int(name) for name in cluster.members if name.isdigit()] for cluster in result.clusters]
    cluster_of = {row: number for number, rows in enumerate(clusters) for row in rows}
    canonical = {rows[0] for rows in clusters if rows}
    planted = [(a, b) for a, b in _family_pairs(origins) if scores(a, b)[0] >= config.threshold]
    # A cluster holds what is linked to its canonical: two members of unlike clusters may be alike by design.
    to_canonical = [(a, b) for a, b in planted if a in canonical or b in canonical]
    table = result.pairs
    # Of equal texts only one stands in the pairs, so pairs are compared by their texts.
    first: dict[str, int] = {}
    text_of = [first.setdefault(text, row) for row, text in enumerate(texts)]
    names = zip(table["left"].to_pylist(), table["right"].to_pylist(), strict=True)
    listed = {frozenset((text_of[int(a)], text_of[int(b)])) for a, b in names if a.isdigit() and b.isdigit()}
    unlike = {frozenset((text_of[a], text_of[b])) for a, b in planted if text_of[a] != text_of[b]}
    joined = [(rows[0], row) for rows in clusters for row in rows[1:]]

    def together(pairs: list[tuple[int, int]]) -> float:
        return sum(cluster_of[a] == cluster_of[b] for a, b in pairs) / len(pairs)

    return {
        "threshold": config.threshold,
        "planted": len(planted),
        "together": together(planted),
        "to_canonical": len(to_canonical),
        "to_canonical_together": together(to_canonical),
        "unlike": len(unlike),
        "found": len(unlike & listed) / len(unlike),
        "joined": len(joined),
        # A file of real texts has copies of its own: right is also what is as alike as a link asks.
        "precision": sum(origins[a] == origins[b] or alike(a, b) for a, b in joined) / len(joined),
        "clusters": len(clusters),
    }


def _job(texts: list[str], settings: dict[str, Any]) -> dict[str, float]:
    result = dedup.deduplicate(texts, **settings)
    begun = time.perf_counter()
    # Clusters are made when asked for, and belong to the job.
    len(result.clusters)
    return {"clusters": time.perf_counter() - begun}


def worker(arguments: dict[str, Any]) -> dict[str, Any]:
    """Measure in this process, which has made no texts of its own."""
    with Path(arguments["texts"]).open("rb") as file:
        texts, origins = marshal.load(file)
    # What loads on first use is no memory of the documents.
    len(dedup.deduplicate(texts[:200]).clusters)
    result, beyond = _peaks_beyond(texts)
    quality = _quality(texts, origins, result)
    summary = result.summary()
    del result
    runs = {name: partial(_job, texts, settings) for name, settings in VARIANTS.items()}
    times, failed = harness.race(runs, arguments["rounds"])
    seconds = {name: harness.column(taken, "seconds") for name, taken in times.items()}
    clusters = {name: median(harness.column(taken, "clusters")) for name, taken in times.items()}
    cores = {name: median(harness.column(taken, "cores")) for name, taken in times.items()}
    return {
        "documents": len(texts),
        "bytes": corpus.size_of(texts),
        "beyond_bytes": beyond,
        "seconds": seconds,
        "clusters_seconds": clusters,
        "cores": cores,
        "failed": failed,
        "quality": quality,
        "summary": summary,
    }


def measure(settings: harness.Settings) -> dict[str, Any]:
    """Make the texts, hand them to a fresh process and let it work."""
    documents = settings.documents or (QUICK_DOCUMENTS if settings.quick else DOCUMENTS)
    exact, edited = round(EXACT * documents), round(EDITED * documents)
    count = documents - exact - edited
    if settings.corpus:
        originals = corpus.read(settings.corpus, sys.maxsize)[:count]
        edited, exact = round(len(originals) * EDITED / (1 - EDITED - EXACT)), round(len(originals) * EXACT / 0.7)
    else:
        originals = corpus.english(count, SIZE)
    texts, origins = plant(originals, edited, exact, np.random.default_rng(9))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts"
        with path.open("wb") as file:
            marshal.dump((texts, origins), file)
        del texts, originals
        return harness.in_process("whole_job.py", {"texts": str(path), "rounds": 3 if settings.quick else 7})


def targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the issue asks; speed is the median over the rounds."""
    quality, beyond, seconds = result["quality"], result["beyond_bytes"], result["seconds"].get(DEFAULT)
    speed = result["documents"] / median(seconds) if seconds else None
    memory = beyond["clusters"] / result["documents"] if beyond else None
    what = f"pairs of unlike texts at J >= {quality['threshold']} that are found"
    return [
        harness.target(f"texts to clusters, {harness.processors()} processors", ASKED_SPEED, speed, "documents/s"),
        harness.target("peak memory beyond the texts", ASKED_BYTES, memory, "bytes a document", at_most=True),
        harness.target(what, ASKED_RECALL, quality["found"], "of 1"),
        harness.target(
            "members of one origin with their canonical, or alike enough", 1.0, quality["precision"], "of 1"
        ),
    ]


def tables(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a table of speeds and one of what was found."""
    documents, size = result["documents"], result["bytes"]
    speeds: list[list[object]] = []
    for name, seconds in result["seconds"].items():
        middle = median(seconds)
        row = [name, documents / middle, documents / min(seconds), size / middle / 1e6]
        row += [result["clusters_seconds"][name] / middle, result["cores"][name]]
        speeds.append(row)
    speeds += [[name, *[None] * 4, reason] for name, reason in result["failed"].items()]
    peaks: dict[str, int] = result["beyond_bytes"] or {}
    quality = result["quality"]
    mean = size / documents
    title = f"Texts in memory to clusters: {documents:,} documents of {mean:,.0f} bytes, 3 in 10 a copy of another"
    found = [
        *(
            [f"peak memory beyond the texts, bytes a document, {name}", peak / documents]
            for name, peak in peaks.items()
        ),
        ["planted pairs at the threshold or above", quality["planted"]],
        ["of them of unlike texts, each counted once", quality["unlike"]],
        ["of those, share that is found and verified", quality["found"]],
        ["planted pairs with a canonical", quality["to_canonical"]],
        ["of those, share in one cluster", quality["to_canonical_together"]],
        ["all planted pairs, share in one cluster", quality["together"]],
        ["members beside their canonical", quality["joined"]],
        ["of them, share of one origin or alike enough (precision)", quality["precision"]],
        ["clusters", quality["clusters"]],
    ]
    note = (
        "A cluster holds what is linked to its canonical document: of three copies, two that are linked only to a "
        "third that is no canonical stand apart, so not all planted pairs can share a cluster."
    )
    return [
        harness.table(title, ["settings", "documents/s", "best", "MB/s", "share of .clusters", "cores"], speeds),
        harness.table("What the whole job takes and finds", ["what", "value"], found, note),
    ]


if __name__ == "__main__":
    harness.answer(worker)
