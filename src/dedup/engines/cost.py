"""What a run will cost before it runs: time, memory and disk of each stage, from constants that a benchmark measures.

`benchmarks/scale.py --constants` writes costs.json: what each stage took on generated articles in an invented language,
3 in 10 of them copies, on the machine that the file names. Other texts, other disks and other processors differ: the
figures tell minutes from hours and megabytes from gigabytes, and are no promise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from dedup import _validate
from dedup.config import Config
from dedup.kernels.parallel import processors
from dedup.stages import cut_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Engine: TypeAlias = Literal["local", "spark"]

#: Bytes of an English word and the space behind it.
WORD_BYTES = 6


@dataclass(frozen=True, slots=True)
class StageCost:
    """What one stage is expected to take.

    Args:
        name: As the run tells it to `progress`.
        seconds: Wall time.
        memory: Most bytes of resident memory while it works.
        disk: Bytes in the work folder at its end.
    """

    name: str
    seconds: float
    memory: int
    disk: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run is expected to take.

    Args:
        engine: "local" or "spark".
        threads: How many threads, or cores of Spark, work at a time.
        stages: In the order in which they run.
        output: Bytes of what is written, beside fields of the input that pass through.
    """

    engine: Engine
    threads: int
    stages: tuple[StageCost, ...]
    output: int

    @property
    def seconds(self) -> float:
        """Wall time of the whole run."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def memory(self) -> int:
        """Most bytes of resident memory at any time."""
        return max(stage.memory for stage in self.stages)

    @property
    def disk(self) -> int:
        """Most bytes in the work folder at any time."""
        return max(stage.disk for stage in self.stages)


def estimate(
    documents: int,
    words: int = 500,
    duplicates: float = 0.3,
    *,
    engine: Engine = "local",
    threads: int | None = None,
    config: Config | None = None,
    largest: int = 0,
    unrelated: float | None = None,
) -> Cost:
    """Return what a run is expected to take.

    Args:
        documents: How many articles.
        words: Words of an article, its furniture included.
        duplicates: Share of the articles that are copies of others, in [0, 1].
        engine: "local" for `dedup.deduplicate(..., out=...)`, "spark" for `dedup.spark.deduplicate`.
        threads: How many work at a time; None for one per processor of this machine.
        config: The settings; None for the defaults. Only what cuts signatures into bands is looked at.
        largest: How many of the copies are of one story; the others are in families of a few.
        unrelated: How many pairs of unrelated texts share a band; None for what `Plan.false_candidates` expects of
            English news.

    Raises:
        InvalidArgumentError: A value is outside what is allowed.

    >>> more, fewer = estimate(2_000_000), estimate(1_000_000)
    >>> more.seconds > fewer.seconds, more.disk > fewer.disk
    (True, True)
    """
    _validate.integer("documents", documents, least=1)
    _validate.integer("words", words, least=1)
    _validate.fraction("duplicates", duplicates, zero=True)
    constants = measured()
    _validate.choice("engine", engine, constants["engines"])
    copies = round(documents * duplicates)
    _validate.integer("largest", largest, most=copies)
    threads = processors() if threads is None else _validate.integer("threads", threads, least=1)
    bands = cut_of(config or Config())
    pairs = constants["pairs"]
    related = pairs["copies"] * (copies - largest) + pairs["largest"] * largest ** pairs["power"]
    given = quantities(
        documents,
        documents * words * WORD_BYTES,
        bands.bands,
        related,
        bands.false_candidates(documents) if unrelated is None else unrelated,
    )
    stages = []
    for name, costs in constants["engines"][engine]["stages"].items():
        # Amdahl's law: the serial share takes as long with any number of threads.
        seconds = _sum(costs["seconds"], given) * (costs["serial"] + (1 - costs["serial"]) / threads)
        stages.append(StageCost(name, seconds, *(round(_sum(costs[kind], given)) for kind in ("memory", "disk"))))
    return Cost(engine, threads, tuple(stages), round(_sum(constants["engines"][engine]["output"], given)))


def quantities(documents: int, size: int, bands: int, related: float, unrelated: float) -> dict[str, float]:
    """Return what costs are proportional to, by the names of the constants.

    Args:
        documents: How many articles.
        size: Bytes of their texts.
        bands: Bands of a signature.
        related: Pairs of copies that are compared.
        unrelated: Other pairs that are compared.
    """
    compared = related + unrelated
    return {
        "run": 1,
        "documents": documents,
        "kilobytes": size / 1000,
        "keys": documents * bands,
        "related": related,
        "compared": compared,
        # Comparing two texts takes as long as they are.
        "compared_kilobytes": compared * size / documents / 1000,
    }


@cache
def measured() -> Mapping[str, Any]:
    """Return the constants, and under "machine" what they were measured on."""
    found: dict[str, Any] = json.loads(files("dedup.engines").joinpath("costs.json").read_text("utf-8"))
    return found


def _sum(costs: Mapping[str, float], given: Mapping[str, float]) -> float:
    return sum(cost * given[name] for name, cost in costs.items())
