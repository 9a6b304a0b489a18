"""The same job on Spark: `deduplicate` for a DataFrame, with the answer that `dedup.deduplicate` gives."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from dedup import _validate
from dedup.boilerplate.sightings import Sightings
from dedup.config import configure
from dedup.decide import worth_a_look
from dedup.errors import DedupWarning, InvalidArgumentError, MissingExtraError
from dedup.model import LINKS, RELATIONS, Alarm
from dedup.stages import cut_of
from dedup.templates import Templates

try:
    from pyspark.sql import functions as F  # noqa: N812 - its usual name

    from dedup.engines import spark as engine
    from dedup.engines import spark_templates as repeats
    from dedup.engines.spark_tasks import FIELDS
except ImportError as error:
    raise MissingExtraError('dedup.spark needs pyspark: pip install "dedup[spark]"') from error

if TYPE_CHECKING:
    from typing import Unpack

    from pyspark.sql import Column, DataFrame

    from dedup.boilerplate.sightings import Template
    from dedup.config import Config, Settings


@dataclass(frozen=True)
class SparkResult:
    """The clusters of a run on Spark and the evidence for them.

    Args:
        config: The settings that the clusters follow from.
        documents: One row per document, as `Result.to_arrow` has them, in no order.
        pairs: Every related pair, as `Result.pairs` has them, in no order.
        templates: The furniture by repetition that was cut, as `Result.templates` has it.
        counts: What the run counted.
        decided: `rank`, `canonical` and what else the engine knows of each document.
        related: The related pairs by ranks.
    """

    config: Config
    documents: DataFrame
    pairs: DataFrame
    templates: tuple[Template, ...]
    counts: dict[str, int]
    decided: DataFrame
    related: DataFrame

    def __repr__(self) -> str:
        """Return the counts in one line."""
        shown = ("documents", "kept", "dropped", "clusters")
        return f"<dedup.spark.SparkResult {', '.join(f'{name}={self.summary()[name]}' for name in shown)}>"

    @cached_property
    def alarms(self) -> tuple[Alarm, ...]:
        """The sources of which more is dropped than `KeepPolicy.alarm_share` allows: see `Result.alarms`."""
        policy = self.config.keep
        if policy.alarm_share is None:
            return ()
        by_source = self.decided.where("source is not null and source != ''").groupBy("source")
        counted = by_source.agg(F.count("*").alias("documents"), F.count_if(~F.col("kept")).alias("dropped"))
        counted = counted.where((F.col("documents") >= policy.alarm_documents) & (F.col("dropped") > 0))
        rows = counted.where(F.col("dropped") / F.col("documents") > policy.alarm_share).collect()
        alarms = [Alarm(row.source, row.documents, row.dropped, row.dropped / row.documents) for row in rows]
        return tuple(sorted(alarms, key=lambda alarm: (-alarm.share, alarm.source)))

    def summary(self) -> dict[str, int | float]:
        """Return the numbers of the run, by name: those of `Result.summary`; `cohesion_mean` up to its last bits."""
        return dict(self._summary)

    @cached_property
    def _summary(self) -> dict[str, int | float]:
        documents = self.decided.agg(
            F.count("*").alias("documents"),
            F.count_if(F.col("parent").isNotNull()).alias("items"),
            F.count_if("kept").alias("kept"),
            F.count_if(~F.col("kept")).alias("dropped"),
            F.coalesce(F.min("jaccard"), F.lit(1.0)).alias("cohesion_least"),
            F.coalesce(F.avg("jaccard"), F.lit(1.0)).alias("cohesion_mean"),
            F.count_if(F.col("tokens") == 0).alias("empty"),
            F.count_if("is_cleaned").alias("cleaned"),
            F.count_if(F.col("rank") != F.col("representative")).alias("exact_pairs"),
        ).collect()[0]
        sizes = self.decided.groupBy("canonical").count()
        clusters = sizes.agg(
            F.count_if(F.col("count") > 1).alias("clusters"),
            F.coalesce(F.max("count"), F.lit(0)).alias("largest_cluster"),
            F.count_if(F.col("count") > self.config.large_cluster).alias("large_clusters"),
        ).collect()[0]
        numbers = documents.asDict() | clusters.asDict()
        relations = {row.relation: row["count"] for row in self.related.groupBy("relation").count().collect()}
        numbers |= {f"{name}_pairs": relations.get(code, 0) for code, name in enumerate(RELATIONS) if code}
        ends = [
            self.decided.select(F.col("rank").alias(side), F.col("canonical").alias(f"{side}_canonical"))
            for side in ("left", "right")
        ]
        links = self.related.where(F.col("relation") < len(LINKS)).join(ends[0], "left").join(ends[1], "right")
        apart = links.where(F.col("left_canonical") != F.col("right_canonical"))
        return numbers | {"refused_bridges": apart.count(), "alarms": len(self.alarms)} | self.counts


def deduplicate(
    df: DataFrame,
    *,
    templates: Templates | None = None,
    checkpoint: str | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    **settings: Unpack[Settings],
) -> SparkResult:
    """Find which texts are the same text, and which one of each to keep, as `dedup.deduplicate` does.

    The answer is that of `dedup.deduplicate` for the same articles and settings, whatever the partitions.

    Args:
        df: `id` (a string or an integer, unique) and `text`, and optionally `source`, `published`, `title`, `url` and
            `parent`; other columns pass through.
        templates: See `dedup.deduplicate`.
        checkpoint: A folder that all machines see. What a stage gives is written there, in a folder of the run's own,
            which stays until you remove it: the result reads from it. None keeps it on the disks of the executors
            (`localCheckpoint`), where it is lost with one of them; where all is one machine, in a temporary folder,
            which goes when Python ends.
        on_error: "raise" stops when a row is no article; "skip" leaves such rows out, and counts them.
        **settings: The fields of `Config`; `threads` says nothing here. A `keep` with a key is not possible.

    Raises:
        InvalidArgumentError: An argument is outside what is allowed, or a column is missing or of another type.
        InputError: A row is no article.
        DuplicateIdError: Two documents have one id.
    """
    config = configure({**settings, "threads": 1})
    _validate.choice("on_error", on_error, ("raise", "skip"))
    if not (templates is None or isinstance(templates, Templates)):
        raise InvalidArgumentError(f"templates must be Templates or None. Got {type(templates).__name__}.")
    if config.keep.key is not None:
        raise InvalidArgumentError("keep must have no key on Spark, which knows no order of Python. Got a key.")
    cut_of(config)  # refuses what cannot be reached, before any work
    store = engine.Store(df.sparkSession, checkpoint)
    try:
        result = _run(df, config, templates, store, skip=on_error == "skip")
    finally:
        store.remove()
    for message in worth_a_look(result.summary(), result.alarms, config):
        warnings.warn(message, DedupWarning, stacklevel=2)
    return result


def _run(df: DataFrame, config: Config, templates: Templates | None, store: engine.Store, *, skip: bool) -> SparkResult:
    """Take a frame through every stage."""
    extras = [name for name in df.columns if name not in ("id", "text", *FIELDS)]
    read = engine.read(df, config, store)
    skipped, count = engine.check(read, skip=skip)
    good = read.where("problem is null")
    with engine.shuffled(df.sparkSession, count):
        engine.check_ids(good)
        furniture: dict[int, Template] = {}
        used: tuple[Template, ...] = ()
        if config.clean == "auto":
            # What was learned before has named its stories by settings of its own.
            learned = Sightings() if templates is None else templates.sightings.merge(Sightings())
            naming = config if templates is None else replace(templates.config, threads=1)
            repeats.learn(good, learned, naming, store, all_blocks=False, lasting=templates is not None)
            furniture = repeats.furniture(learned, good)
        keys = np.array(sorted(furniture), np.uint64)

        def texts(frame: DataFrame) -> DataFrame:
            return repeats.cut(frame, good, keys) if furniture else frame.join(good.select("doc", "text"), "doc")

        if furniture:
            marks = repeats.mark(good, config, keys, store)
            used = repeats.used(marks, learned, furniture)
            marks = marks.drop("gone", "says")
        else:
            marks = engine.mark(good.select(*engine.DOCUMENT, "text"), config, store)
        documents = engine.order(marks, engine.keep_order(config), texts, store)
        compared = documents.where("tokens > 0 and rank = representative")
        corpus = engine.Corpus.of(
            store, config, compared.select("rank", "doc", "shingles", "first", "last", "outlet"), marks, texts
        )
        found = engine.find_pairs(corpus, sampled=True)
        related = engine.judge(corpus, found)
        fields = read.select("doc", *(F.col(name).alias(f"field_{name}") for name in FIELDS), *_extras(extras))
        decided = store.keep(engine.decide(documents, related, config, store).join(fields, "doc"), lasting=True)
        rows = store.keep(engine.rows_of(related), lasting=True)
    return SparkResult(
        config=config,
        documents=_documents(decided, extras),
        pairs=_pairs(decided, rows),
        templates=used,
        counts=found.counts | {"templates": len(used), "skipped_rows": skipped},
        decided=decided,
        related=rows,
    )


def fit_templates(df: DataFrame, *, checkpoint: str | None = None, **settings: Unpack[Settings]) -> Templates:
    """Return what one batch of articles shows of the furniture of their outlets, as `Templates.fit` does.

    What is seen of the blocks, which `Templates` bounds, comes to the driver.

    Args:
        df: See `deduplicate`.
        checkpoint: See there.
        **settings: The fields of `Config` by which stories are told apart.

    Raises:
        InvalidArgumentError: A setting is outside what is allowed, or a column is missing or of another type.
        InputError: A row is no article.
        DuplicateIdError: Two articles have one id.
    """
    templates = Templates(**settings)
    store = engine.Store(df.sparkSession, checkpoint)
    try:
        _fit(df, templates, store)
    finally:
        store.remove()
    return templates


def _fit(df: DataFrame, templates: Templates, store: engine.Store) -> None:
    articles = engine.read(df, replace(templates.config, clean="auto"), store).where(~F.col("is_item"))
    _, count = engine.check(articles, skip=False)
    with engine.shuffled(df.sparkSession, count):
        engine.check_ids(articles)
        naming = replace(templates.config, threads=1)
        repeats.learn(articles, templates.sightings, naming, store, all_blocks=True, lasting=True)
        furniture = repeats.furniture(templates.sightings, articles)
        for key, says in repeats.examples(articles, np.array(sorted(furniture), np.uint64)):
            found = furniture[key]
            templates.sightings.remember(found.outlet or "", found.fingerprint, says)


def _name(relation: Column) -> Column:
    """Return the name of a relation from its code."""
    return F.get(F.array(*map(F.lit, RELATIONS)), relation)


def _documents(decided: DataFrame, extras: list[str]) -> DataFrame:
    taken = ["id", "cluster", "kept", "relation", "jaccard", "containment", "containment_canonical", *FIELDS]
    columns: list[Column] = [F.col(name) for name in taken[:3]]
    columns += [_name(F.col("relation")).alias("relation"), *map(F.col, taken[4:7])]
    columns += [F.col(f"field_{name}").alias(name) for name in FIELDS]
    for number, name in enumerate(extras):
        column = name
        while column in taken:
            column = f"input.{column}"
        taken.append(column)
        columns.append(F.col(f"extra_{number}").alias(column))
    return decided.select(*columns)


def _extras(extras: list[str]) -> list[Column]:
    return [F.col(f"extra_{number}") for number in range(len(extras))]


def _pairs(documents: DataFrame, related: DataFrame) -> DataFrame:
    """Return the related pairs and the exact copies, by ids."""
    names = documents.select("rank", "id", "first", "last")
    shared, left, right = F.col("shared"), F.col("left_size"), F.col("right_size")
    pairs = related.select(
        F.col("left").alias("rank"),
        F.col("right").alias("other"),
        _name(F.col("relation")).alias("relation"),
        (shared / (left + right - shared)).alias("jaccard"),
        (shared / left).alias("containment_left"),
        (shared / right).alias("containment_right"),
    )
    one = F.lit(1.0)
    copies = documents.where("rank != representative").select(
        F.col("representative").alias("rank"), F.col("rank").alias("other"), F.lit(RELATIONS[0]), one, one, one
    )
    others = names.select(*(F.col(name).alias(f"other_{name}") for name in names.columns)).withColumnRenamed(
        "other_rank", "other"
    )
    both = pairs.union(copies).join(names, "rank").join(others, "other")
    later = F.when((F.col("last") < F.col("other_first")) & (F.col("other_first") < float("inf")), "right").when(
        (F.col("other_last") < F.col("first")) & (F.col("first") < float("inf")), "left"
    )
    return both.select(
        F.col("id").alias("left"),
        F.col("other_id").alias("right"),
        "relation",
        "jaccard",
        "containment_left",
        "containment_right",
        later.alias("later"),
    )
