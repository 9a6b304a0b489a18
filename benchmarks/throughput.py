"""Raw text to signature: ours beside gaoya, rensa and datasketch in the same rounds, lengths, scripts and threads."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import corpus
import harness
import numpy as np

from dedup.config import SketchConfig
from dedup.kernels import native
from dedup.kernels.sketches import Sketches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Run = Callable[[], dict[str, float]]

SLOTS = 128
LENGTHS = (80, 200, 500, 3000)
#: Documents of 3 kB each library is given: the slow ones fewer, so that their runs stay short.
DOCUMENTS = {"dedup": 6000, "gaoya": 1200, "rensa": 800, "datasketch": 300}
#: What the issue asks of us, as a multiple of each peer's speed from raw text.
ASKED = {"gaoya": 10.0, "rensa": 15.0, "datasketch": 40.0}
#: Share of the 3 kB speed asked for texts of other lengths.
ASKED_LENGTHS = {80: 1 / 3, 200: 0.5, 500: 0.5}
ASKED_THREADS, ASKED_MIXED = 1.8, 0.55
#: A run that got less of a processor than this was disturbed by other processes.
UNDISTURBED = 0.9

_WORD = re.compile(r"\w+")


def balanced(lengths: np.ndarray[Any, np.dtype[np.int64]], parts: int) -> list[tuple[int, int]]:
    """Return row ranges of about equal bytes."""
    ends = np.cumsum(lengths)
    cuts = np.searchsorted(ends, np.arange(1, parts) * (ends[-1] / parts)).tolist()
    return list(zip([0, *cuts], [*cuts, len(lengths)], strict=True))


def ours(texts: list[str], width: int, threads: int, *, arrow: bool = False) -> Run:
    """Return a run of the library on list[str], or on an Arrow array that is there already."""
    config = SketchConfig(shingle_size=width, num_slots=SLOTS)
    array = _arrow(texts) if arrow else None

    def run() -> dict[str, float]:
        views = native.Texts.from_strings(texts) if array is None else native.Texts.from_arrow(array)
        if threads == 1:
            native.sketch(views, config)
            return {}
        out = Sketches.empty(len(views), config)
        with ThreadPoolExecutor(threads) as pool:
            ranges = balanced(views.lengths, 4 * threads)
            for done in [pool.submit(native.fill_sketches, views, config, start, stop, out) for start, stop in ranges]:
                done.result()
        return {}

    return run


def _arrow(texts: list[str]) -> object:
    import pyarrow as pa

    return pa.array(texts, pa.large_string())


def shingles(text: str, width: int) -> list[str]:
    """Return what a user of a library without a tokeniser makes first: the joined runs of `width` words."""
    words = _WORD.findall(text.lower())
    return [" ".join(run) for run in zip(*(words[i:] for i in range(width)), strict=False)]


def gaoya(texts: list[str], width: int) -> Run:
    """Return a run of gaoya, which takes raw text."""
    from gaoya.minhash import MinHashStringIndex

    index = MinHashStringIndex(32, 0.5, SLOTS // 4, 4, None, "word", True, (width, width))

    def run() -> dict[str, float]:
        index.minhash_index.bulk_hash_docs(texts)
        return {}

    return run


def rensa(texts: list[str], width: int) -> Run:
    """Return a run of rensa's full R-MinHash; "rho", which looks at 15 shingles of a long text, is no full sketch."""
    from rensa import RMinHash

    def run() -> dict[str, float]:
        begun = time.perf_counter()
        tokens = [shingles(text, width) for text in texts]
        tokenised = time.perf_counter() - begun
        RMinHash.digest_matrix_from_token_sets(tokens, SLOTS, 42)
        return {"tokenise": tokenised}

    return run


def datasketch(texts: list[str], width: int) -> Run:
    """Return a run of datasketch with xxh32, its fastest way from tokens."""
    import xxhash
    from datasketch import MinHash

    def run() -> dict[str, float]:
        begun = time.perf_counter()
        tokens = [[shingle.encode() for shingle in shingles(text, width)] for text in texts]
        tokenised = time.perf_counter() - begun
        for _ in MinHash.generator(tokens, num_perm=SLOTS, hashfunc=xxhash.xxh32_intdigest):
            pass
        return {"tokenise": tokenised}

    return run


PEERS = {"gaoya": gaoya, "rensa": rensa, "datasketch": datasketch}


def _speeds(texts: Sequence[str], times: list[dict[str, float]]) -> dict[str, Any]:
    size, seconds = corpus.size_of(texts), harness.column(times, "seconds")
    entry = {
        "documents": len(texts),
        "bytes": size,
        "seconds": seconds,
        "mb_per_s_best": size / min(seconds) / 1e6,
        "mb_per_s": size / median(seconds) / 1e6,
        "documents_per_s": len(texts) / median(seconds),
        "cores": median(harness.column(times, "cores")),
    }
    if "tokenise" in times[0]:
        tokenise = harness.column(times, "tokenise")
        entry["tokenise"] = tokenise
        entry["tokenise_mb_per_s"] = size / median(tokenise) / 1e6
        entry["sketch_mb_per_s"] = size / median([s - t for s, t in zip(seconds, tokenise, strict=True)]) / 1e6
    return entry


def _against_peers(texts: list[str], width: int, threads: int, rounds: int, share: float) -> dict[str, Any]:
    given = {name: texts[: max(20, int(share * count))] for name, count in DOCUMENTS.items()}
    runs = {
        "dedup": ours(given["dedup"], width, threads),
        "dedup, Arrow": ours(given["dedup"], width, threads, arrow=True),
    }
    given["dedup, Arrow"] = given["dedup"]
    missing: dict[str, str] = {}
    for name, peer in PEERS.items():
        try:
            runs[name] = peer(given[name], width)
        except ImportError as cause:
            missing[name] = f"missing: {cause}"
    times, failed = harness.race(runs, rounds)
    entries = {name: _speeds(given[name], taken) for name, taken in times.items()}
    for name in set(entries) & set(PEERS):
        per_byte = [
            [seconds / entries[which]["bytes"] for seconds in entries[which]["seconds"]] for which in (name, "dedup")
        ]
        entries[name]["ratio"] = harness.ratios(*per_byte)
    return {"threads": threads, "width": width, "entries": entries, "failed": {**missing, **failed}}


def _relative(given: dict[str, list[str]], base: str, threads: int, rounds: int) -> dict[str, Any]:
    """Race our own runs on several corpora; tell each one's speed per byte as a share of the base's."""
    runs = {name: ours(texts, 3, threads) for name, texts in given.items()}
    times, failed = harness.race(runs, rounds)
    if failed:
        raise RuntimeError(f"our own run failed: {failed}")
    entries = {name: _speeds(given[name], taken) for name, taken in times.items()}
    per_byte = {name: [s / entries[name]["bytes"] for s in entries[name]["seconds"]] for name in entries}
    for name, entry in entries.items():
        entry["share"] = harness.ratios(per_byte[base], per_byte[name])
    return entries


def _lengths(long: list[str], total: int, *, generated: bool) -> dict[str, list[str]]:
    short = LENGTHS[:-1]
    if generated:
        cuts = {str(size): corpus.english(total // size, size) for size in short}
    else:
        cuts = {str(size): corpus.cut(long, size, total // size) for size in short}
    return {**cuts, "3000": long}


def worker(arguments: dict[str, Any]) -> dict[str, Any]:
    """Measure in this process, whose environment says how many threads the peers take."""
    threads, rounds, share = arguments["threads"], arguments["rounds"], arguments["share"]
    count = max(20, int(share * DOCUMENTS["dedup"]))
    path = arguments["corpus"]
    texts = corpus.read(Path(path), 3000 * count) if path else corpus.english(count, 3000)
    result: dict[str, Any] = {
        "peers": [_against_peers(texts, width, threads, rounds, share) for width in arguments["widths"]]
    }
    if threads > 1:
        runs = {
            f"{kind}, {n}": ours(texts, 3, n, arrow=kind == "Arrow") for kind in ("list", "Arrow") for n in (1, threads)
        }
        times, failed = harness.race(runs, 2 * rounds)
        if failed:
            raise RuntimeError(f"our own run failed: {failed}")
        seconds = {name: harness.column(taken, "seconds") for name, taken in times.items()}
        result["scaling"] = {
            kind: {
                "threads": threads,
                "cores": median(harness.column(times[f"{kind}, {threads}"], "cores")),
                "ratio": harness.ratios(seconds[f"{kind}, 1"], seconds[f"{kind}, {threads}"]),
            }
            for kind in ("list", "Arrow")
        }
        return result
    total = corpus.size_of(texts) // 3
    result["lengths"] = _relative(_lengths(texts, total, generated=not path), "3000", 1, rounds)
    each = total // 2 // 3000
    scripts = {name: corpus.script(name, each, 3000) for name in corpus.SCRIPTS}
    given = {"English": texts, "mixed": corpus.mixed(2 * each, 3000), **scripts}
    result["scripts"] = _relative(given, "English", 1, rounds)
    for name, entry in result["scripts"].items():
        bytes_ = "".join(given[name]).encode()
        entry["not_ascii"] = float(np.mean(np.frombuffer(bytes_, np.uint8) > 127))
    return result


def measure(settings: harness.Settings) -> dict[str, Any]:
    """Race on one thread, then on all."""
    rounds, share = (3, 0.3) if settings.quick else (9, 1.0)
    threads = harness.processors()
    asked = {"rounds": rounds, "share": share, "corpus": str(settings.corpus) if settings.corpus else None}
    one = _worker({**asked, "threads": 1, "widths": [3, 5]})
    if threads == 1:
        return {**one, "scaling": None}
    all_ = _worker({**asked, "threads": threads, "widths": [3] if settings.quick else [3, 5]})
    return {**one, "peers": one["peers"] + all_["peers"], "scaling": all_["scaling"]}


def _worker(arguments: dict[str, Any]) -> dict[str, Any]:
    # gaoya and rensa run on rayon, which takes all processors unless told before it starts.
    return harness.in_process("throughput.py", arguments, {"RAYON_NUM_THREADS": str(arguments["threads"])})


def targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the issue asks beside what was measured: medians over the rounds."""
    rows = []
    for race in result["peers"]:
        if race["threads"] == 1:
            for name, asked in ASKED.items():
                measured = race["entries"].get(name, {}).get("ratio", {}).get("median")
                what = f"raw text to signature against {name}, {race['width']}-word shingles, one thread"
                rows.append(harness.target(what, asked, measured, "times"))
    for size, asked in ASKED_LENGTHS.items():
        measured = result["lengths"][str(size)]["share"]["median"]
        rows.append(harness.target(f"texts of {size} bytes against 3 kB", asked, measured, "times"))
    measured = result["scripts"]["mixed"]["share"]["median"]
    rows.append(harness.target("mixed scripts against English", ASKED_MIXED, measured, "times"))
    for kind, scaling in (result["scaling"] or {"list": None}).items():
        threads = scaling["threads"] if scaling else 2
        what = f"{threads} threads against one, {kind}"
        rows.append(harness.target(what, ASKED_THREADS, scaling["ratio"]["median"] if scaling else None, "times"))
    return rows


def tables(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tables of this measurement."""
    scaling = [
        [kind, entry["threads"], *entry["ratio"].values(), entry["cores"]]
        for kind, entry in (result["scaling"] or {}).items()
    ]
    columns = ["texts", "threads", "times one thread", "least", "most", "cores"]
    return [
        *(_race_table(race) for race in result["peers"]),
        harness.table("Threads, 3-word shingles", columns, scaling, "Cores: how many processors the run really got."),
        *(_share_table(result, which) for which in _SHARES),
    ]


def _race_table(race: dict[str, Any]) -> dict[str, Any]:
    columns = ["library", "docs", "MB/s", "best", "docs/s", "tokenise MB/s", "given tokens MB/s", "cores", "ours/it"]
    rows: list[list[object]] = []
    for name, entry in race["entries"].items():
        ratio = entry.get("ratio")
        shown = f"{ratio['median']:.1f} ({ratio['least']:.1f}-{ratio['most']:.1f})" if ratio else None
        head = [name, entry["documents"], entry["mb_per_s"], entry["mb_per_s_best"], float(entry["documents_per_s"])]
        rows.append([*head, entry.get("tokenise_mb_per_s"), entry.get("sketch_mb_per_s"), entry["cores"], shown])
    rows += [[name, *[None] * 7, reason] for name, reason in race["failed"].items()]
    title = f"Raw text to signature, K={SLOTS}, {race['width']}-word shingles, {race['threads']} thread(s)"
    note = (
        "MB/s: median over the rounds; best: the fastest round; ours/it: list[str] against this library, round by "
        "round, median (least-most). Libraries that need tokens get lower-cased words joined to shingles; making them "
        "counts in MB/s and is shown apart."
    )
    least = min((entry["cores"] for entry in race["entries"].values()), default=1.0)
    if least < UNDISTURBED:
        note += f" **Disturbed**: other processes left a run only {least:.2f} of a processor."
    return harness.table(title, columns, rows, note)


_SHARES = {
    "lengths": ("Text length, list[str], one thread", "bytes a text", "of 3 kB"),
    "scripts": ("Scripts, list[str], one thread", "script", "of English"),
}


def _share_table(result: dict[str, Any], which: str) -> dict[str, Any]:
    title, what, share = _SHARES[which]
    rows = [
        [name, entry["mb_per_s"], entry["mb_per_s_best"], float(entry["documents_per_s"]), entry["share"]["median"]]
        + ([entry["not_ascii"]] if which == "scripts" else [])
        for name, entry in result[which].items()
    ]
    columns = [what, "MB/s", "best", "docs/s", share] + (["bytes not ASCII"] if which == "scripts" else [])
    return harness.table(title, columns, rows)


if __name__ == "__main__":
    harness.answer(worker)
