"""What each stage of the kernel costs per byte, beside XXH3 and a plain copy of the same bytes."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import corpus
import harness
import numpy as np

from dedup.config import SketchConfig
from dedup.kernels import _kernel, native
from dedup.kernels.sketches import Sketches

if TYPE_CHECKING:
    from collections.abc import Callable

STAGES = ("decode and fold", "words", "hash", "shingle", "sketch")
SLOTS, WIDTH = 128, 3


def _up_to(views: native.Texts, out: Sketches, stage: int) -> None:
    _kernel.sketch_rows(
        views.addresses.ctypes.data,
        views.lengths.ctypes.data,
        0,
        len(views),
        WIDTH,
        0,
        SLOTS.bit_length() - 1,
        out.signatures.ctypes.data,
        out.tokens.ctypes.data,
        out.shingles.ctypes.data,
        out.digests.ctypes.data,
        stage,
    )


def _cost(texts: list[str], rounds: int) -> dict[str, Any]:
    data = "".join(texts).encode()
    ends = np.cumsum([len(text.encode()) for text in texts], dtype=np.int64)
    views = native.Texts.from_buffers(data, np.concatenate([[0], ends]))
    out = Sketches.empty(len(texts), SketchConfig(shingle_size=WIDTH, num_slots=SLOTS))
    hashes = np.empty(len(texts), np.uint64)
    source, copy = np.frombuffer(data, np.uint8), np.empty(len(data), np.uint8)
    runs: dict[str, Callable[[], object]] = {
        stage: partial(_up_to, views, out, last) for last, stage in enumerate(STAGES, start=1)
    }
    runs["XXH3-64"] = partial(native.fill_text_hashes, views, 0, 0, len(texts), hashes)
    runs["memcpy"] = partial(np.copyto, copy, source)
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds + 1):
        for name, run in runs.items():
            # Processor time: what other processes take is no cost of a stage.
            begun = time.thread_time()
            run()
            best[name] = min(best[name], time.thread_time() - begun)
    per_byte = {name: 1e9 * seconds / len(data) for name, seconds in best.items()}
    # Runs end after one stage more each, so a stage costs what the next run takes beyond the one before it.
    before = [0.0, *(per_byte[stage] for stage in STAGES[:-1])]
    stages = {stage: per_byte[stage] - earlier for stage, earlier in zip(STAGES, before, strict=True)}
    total = {"all": per_byte[STAGES[-1]], "XXH3-64": per_byte["XXH3-64"], "memcpy": per_byte["memcpy"]}
    return {"bytes": len(data), "ns_per_byte": {**stages, **total}}


def worker(arguments: dict[str, Any]) -> dict[str, Any]:
    """Measure in this process."""
    total, path = arguments["bytes"], arguments["corpus"]
    english = corpus.read(Path(path), total) if path else corpus.english(total // 3000, 3000)
    given = {
        "English, 3 kB": english,
        "English, 500 bytes": corpus.english(total // 1000, 500),
        "English, 200 bytes": corpus.english(total // 600, 200),
        "English, 80 bytes": corpus.english(total // 240, 80),
        "mixed, 3 kB": corpus.mixed(total // 3000, 3000),
        "cyrillic, 3 kB": corpus.script("cyrillic", total // 6000, 3000),
        "han, 3 kB": corpus.script("han", total // 6000, 3000),
    }
    return {name: _cost(texts, arguments["rounds"]) for name, texts in given.items()}


def measure(settings: harness.Settings) -> dict[str, Any]:
    """Measure each stage on several kinds of text."""
    size, rounds = (2_000_000, 6) if settings.quick else (6_000_000, 30)
    path = str(settings.corpus) if settings.corpus else None
    return harness.in_process("stages.py", {"bytes": size, "rounds": rounds, "corpus": path})


def targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return nothing: no stage has a target of its own."""
    del result
    return []


def tables(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one table: texts down, stages across."""
    columns = ["ns a byte", *STAGES, "all", "MB/s", "XXH3-64", "memcpy"]
    rows = []
    for name, entry in result.items():
        cost = entry["ns_per_byte"]
        stages = [cost[stage] for stage in STAGES]
        rows.append([name, *stages, cost["all"], 1000 / cost["all"], cost["XXH3-64"], cost["memcpy"]])
    note = (
        "Processor time, least of many rounds; a stage is the difference between runs that end after it and before it."
    )
    return [harness.table(f"Stages, Arrow buffers, K={SLOTS}, {WIDTH}-word shingles", columns, rows, note)]


if __name__ == "__main__":
    harness.answer(worker)
