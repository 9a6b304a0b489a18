"""Spark gives the answer of one machine: the run in memory is the oracle, for it is tested against brute force."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus import english
from hypothesis import HealthCheck, Phase, given, settings

import dedup
from dedup import Article, InputError, InvalidArgumentError, KeepPolicy, Result, Templates
from dedup.config import Config, Settings
from dedup.engines import spark_tasks as tasks
from dedup.errors import DedupWarning, DuplicateIdError
from strategies import batches, configs, pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql import DataFrame, SparkSession

    from dedup.spark import SparkResult

SEEDS = Path(__file__).parents[2] / "seeds"
FURNITURE = "Follow the Gazette for the news of the harbour, and for what else the tide brings in."
FIELDS = ("id", "text", "source", "published", "title", "url", "parent")

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def _missing() -> str | None:
    """Return what is missing for Spark."""
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        return "no Java"
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return "no pyspark"
    return None


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Start a Spark of this process's own, made for small jobs."""
    missing = _missing()
    if missing and "CI" in os.environ:
        pytest.fail(f"Spark must be tested in CI, and there is {missing}.")
    if missing:
        pytest.skip(f"Spark needs more: {missing}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        import_module("dedup.spark")
        os.environ["PYSPARK_PYTHON"] = sys.executable
        # On purpose: the names of machines in containers cannot always be looked up.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        folder = tmp_path_factory.mktemp("spark")
        given = {
            "spark.driver.memory": "1g",
            # Thousands of short jobs: what compiles or plans for long ones takes more than it gives.
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.local.dir": str(folder / "local"),
            "spark.sql.session.timeZone": "UTC",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
        }
        builder = SparkSession.builder.master("local[2]")
        for name, value in given.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


_numbers = count()


@pytest.fixture
def frame_of(spark: SparkSession, tmp_path: Path) -> Any:
    """Return a function that makes a DataFrame of articles or of a table."""

    def frame(source: Sequence[Article] | pa.Table, partitions: int = 2) -> DataFrame:
        table = source if isinstance(source, pa.Table) else table_of(source)
        path = tmp_path / f"{next(_numbers)}.parquet"
        pq.write_table(table, path)
        return spark.read.parquet(str(path)).repartition(partitions)

    return frame


def table_of(articles: Sequence[Article]) -> pa.Table:
    """Return articles as a table; Arrow has no lone surrogates."""
    columns = {name: [getattr(article, name) for article in articles] for name in FIELDS}
    columns["text"] = [text.encode("utf-8", "replace").decode() for text in columns["text"]]
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def check_same(frame_of: Any, source: Sequence[Article] | pa.Table, partitions: int = 2, **given: Any) -> SparkResult:
    """Check that a run on Spark has the answer of the run in memory, and return it."""
    checkpoint = given.pop("checkpoint", None)
    table = source if isinstance(source, pa.Table) else table_of(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DedupWarning)
        expected = dedup.deduplicate(table, **given)
        result = dedup.spark.deduplicate(frame_of(table, partitions), checkpoint=checkpoint, **given)
    check_answer(result, expected)
    return result


def check_answer(result: SparkResult, expected: Result) -> None:
    """Check the documents, pairs, counts and alarms of a run."""
    wanted = expected.to_arrow()
    assert result.documents.columns == wanted.column_names
    assert rows_of(result.documents.toArrow(), "id") == rows_of(wanted, "id")
    assert result.pairs.columns == expected.pairs.column_names
    assert rows_of(result.pairs.toArrow(), "left", "right") == rows_of(expected.pairs, "left", "right")
    numbers, counts = result.summary(), expected.summary()
    assert numbers.pop("cohesion_mean") == pytest.approx(counts.pop("cohesion_mean"), rel=1e-12)
    assert numbers == counts
    assert result.alarms == expected.alarms
    assert result.templates == expected.templates


def rows_of(table: pa.Table, *order: str) -> list[dict[str, Any]]:
    """Return the rows of a table, in order of some columns."""
    return sorted(table.to_pylist(), key=lambda row: [row[name] for name in order])


def settings_of(config: Config) -> dict[str, Any]:
    """Return the settings of a config as keywords."""
    return {name: getattr(config, name) for name in Settings.__annotations__}


def newspapers(stories: int, copies: int) -> list[Article]:
    """Return stories with reprints, cut ones, versions, pages that carry two stories, and furniture of outlets."""
    texts = english(stories, 900, seed=5)
    articles = []
    for number, text in enumerate(texts):
        words = text.split(" ")
        cut, part = " ".join(words[: len(words) * 2 // 3]), " ".join(words[len(words) // 2 :])
        day, place = f"2025-03-{number % 28 + 1:02}", number % 3
        articles += [
            Article(f"{number}-first", f"{text}\n{FURNITURE}", source=f"Gazette {place}", published=day),
            Article(f"{number}-cut", cut, source="Herald", published=f"{day}T08:00:00Z"),
            Article(f"{number}-grown", f"{text} {texts[(number + 7) % stories][:500]}", published=f"{day}T20:00:00Z"),
            Article(f"{number}-part", part, source=f"Gazette {place}", published=f"{day}T21:00:00Z"),
            Article(f"{number}-page", f"{cut}\n{texts[(number + 1) % stories]}", published="2025-04-02"),
            Article(f"{number}-same", text.upper().replace(" ", "  "), source="reuters"),
        ]
    words = texts[0].split(" ")
    for number in range(copies):
        words[number * 3 % len(words)] = f"w{number}"
        articles.append(
            Article(f"copy-{number}", " ".join(words), source="Wire", published=f"2025-03-02T{number % 24:02}:00")
        )
    return articles


def test_seeds(frame_of: Any) -> None:
    """The labelled texts have the answer of the run in memory, the stories that pages carry among them."""
    check_same(frame_of, dedup.deduplicate(SEEDS, clean="off").articles, 3)


@settings(
    max_examples=1, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=True, deadline=None
)
@given(batches(pages(), min_size=4, max_size=12), configs(clean="auto", exhaustive=0, bucket_limit=2))
def test_any_pages(frame_of: Any, articles: list[Article], config: Config) -> None:
    """Whatever the texts and the link rule, the answer is that of the run in memory."""
    check_same(frame_of, articles, 1, **settings_of(config))


def test_every_relation_and_crowds(frame_of: Any) -> None:
    """By bands and samples, with crowds, templates of outlets, versions and roundups the answer is the same."""
    result = check_same(frame_of, newspapers(24, 60), 17, exhaustive=30, bucket_limit=8)
    found = result.summary()
    names = ("capped_buckets", "templates", "exact_pairs", "version_pairs", "excerpt_pairs", "roundup_pairs")
    assert all(found[name] for name in names)


def test_hot_buckets(frame_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands, samples and furniture that stand in more documents than one task should hold change no answer."""
    from dedup.engines import spark_hot
    from dedup.engines import spark_templates as repeats

    hot: list[int] = []

    def noted(work: Any) -> Any:
        def find(*args: Any) -> Any:
            found = work(*args)
            hot.append(len(found[1] if isinstance(found, tuple) else found))
            return found

        return find

    for name, value in {"UNCUT": 30, "SAMPLE": 1, "OFTEN": 5, "find": noted(spark_hot.find)}.items():
        monkeypatch.setattr(spark_hot, name, value)
    monkeypatch.setattr(repeats, "_hot", noted(repeats._hot))
    found = check_same(frame_of, newspapers(24, 40), 5, exhaustive=30, bucket_limit=8).summary()
    assert all(found[name] for name in ("capped_buckets", "common_shingles", "templates"))
    # Blocks, the bands of what is left of texts with some, bands, and samples.
    assert all(hot)
    assert len(hot) >= 4


def test_what_has_no_room_in_one_task_or_on_one_machine(frame_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many documents that crowds keep, joins of many rows, and stages on the disks of executors change no answer."""
    from dedup.engines import spark as engine

    for name, value in {"SHARE": 4, "FEW": 0, "_is_local": lambda _: False}.items():
        monkeypatch.setattr(engine, name, value)
    found = check_same(frame_of, newspapers(3, 20), 2, exhaustive=10, bucket_limit=4).summary()
    assert found["capped_buckets"]


@pytest.mark.parametrize("linkage", ["canonical", "components"])
def test_clusters_by_rounds(frame_of: Any, monkeypatch: pytest.MonkeyPatch, linkage: Any) -> None:
    """Links that have no room in one task give the same clusters, kept documents and evidence."""
    from dedup.engines import spark as engine

    monkeypatch.setattr(engine, "ONE_TASK", 3)
    keep = KeepPolicy(order=("sources", "longest"), sources=("herald",), min_keep=2)
    check_same(frame_of, newspapers(8, 12), 3, linkage=linkage, clean="off", keep=keep, threshold=0.3)


def test_templates(frame_of: Any) -> None:
    """Templates learned on Spark are those of one machine, examples included, and go into a run like those."""
    texts = enumerate(english(12, 900, seed=5))
    table = table_of([Article(str(number), f"{text}\n{FURNITURE}", source="Gazette 1") for number, text in texts])
    learned, expected = dedup.spark.fit_templates(frame_of(table, 3)), Templates.fit(table)
    assert learned.found == expected.found != []
    assert len(learned.sightings) == len(expected.sightings)
    new = [
        Article(f"new-{number}", f"{text}\n{FURNITURE}", source="Gazette 1")
        for number, text in enumerate(english(4, 900))
    ]
    # Of what was learned from, some comes again.
    check_same(frame_of, [*new, *dedup.formats.read(table.slice(0, 4)).articles], templates=expected)


def test_templates_over_their_limit(frame_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of more blocks than it may hold forgets on Spark what it forgets on one machine."""
    articles = []
    for number, text in enumerate(english(30, 3000, seed=7)):
        words = text.split(" ")
        lines = [" ".join(words[start : start + 9]) for start in range(0, len(words), 9)]
        articles.append(Article(str(number), "\n".join([*lines, FURNITURE]), source=f"Gazette {number % 4}"))
    table = table_of(articles)
    expected = Templates(1000)
    expected.update(table)
    monkeypatch.setattr(dedup.spark, "Templates", partial(Templates, 1000))
    learned = dedup.spark.fit_templates(frame_of(table, 3))
    assert learned.found == expected.found != []
    known, wanted = learned.sightings.folded(), expected.sightings.folded()
    assert known.key.tolist() == wanted.key.tolist()
    assert known.story.tolist() == wanted.story.tolist()
    assert len(wanted.story) <= 750


def test_other_columns_pass_and_stages_are_kept_in_a_folder(frame_of: Any, tmp_path: Path) -> None:
    """Columns that no article has come back as they were, integers as ids become strings, stages go to a folder."""
    table = pa.table(
        {
            "id": [3, 1, 2],
            "text": ["The wall holds for now.", "the wall, holds for NOW", "Another story."],
            "cluster": [1.5, None, 2.5],
            "tags": [["a"], [], None],
            "first": ["x", "y", "z"],
        }
    )
    check_same(frame_of, table, checkpoint=str(tmp_path / "stages"))
    (folder,) = (tmp_path / "stages").iterdir()
    assert folder.name.startswith("dedup-")


def test_no_article(frame_of: Any) -> None:
    """A frame without rows gives a result without documents."""
    check_same(frame_of, table_of([]), 1)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("b", None), "text of 'b' must be a str. Got None."),
        ((None, "two"), "id is missing."),
        (("", "two"), "id must be a str that is not empty. Got ''."),
    ],
)
def test_bad_row(frame_of: Any, row: tuple[str | None, str | None], reason: str) -> None:
    """A row that is no article stops the run and is named."""
    table = pa.table({"id": ["a", row[0]], "text": ["one", row[1]]})
    with pytest.raises(InputError) as caught:
        dedup.spark.deduplicate(frame_of(table))
    assert str(caught.value) == reason


def test_bad_rows_can_be_skipped(frame_of: Any) -> None:
    """With `on_error="skip"` rows that are no articles are left out and counted."""
    table = pa.table({"id": ["a", None, "", "b", "c", "d"], "text": ["one", "two", "three", None, "four", "five"]})
    result = dedup.spark.deduplicate(frame_of(table), on_error="skip")
    assert result.counts["skipped_rows"] == 3
    assert sorted(row.id for row in result.documents.collect()) == ["a", "c", "d"]


def test_ids_are_unique(frame_of: Any) -> None:
    """Two documents of one id stop the run."""
    with pytest.raises(DuplicateIdError, match=re.escape("id must be unique. Got 'a' twice.")):
        dedup.spark.deduplicate(frame_of([Article("a", "one"), Article("b", "two"), Article("a", "three")]))


def test_what_cannot_be_is_refused_by_name(frame_of: Any) -> None:
    """A key of the keep policy, a missing column, and one of another type are refused before any work."""
    frame = frame_of([Article("a", "one")])
    with pytest.raises(InvalidArgumentError, match="keep must have no key on Spark"):
        dedup.spark.deduplicate(frame, keep=lambda article: article.id)
    with pytest.raises(InvalidArgumentError, match=re.escape("df must have the columns id and text. Got text.")):
        dedup.spark.deduplicate(frame.select("text"))
    with pytest.raises(InvalidArgumentError, match=re.escape("column text must be of type string. Got int.")):
        dedup.spark.deduplicate(frame.selectExpr("id", "1 as text"))
    with pytest.raises(InvalidArgumentError, match=re.escape("templates must be Templates or None. Got str.")):
        dedup.spark.deduplicate(frame, templates="gazette")  # type: ignore[arg-type]


def test_alarms_warn(frame_of: Any) -> None:
    """A source of which nearly all is dropped raises an alarm, and so does a very large cluster."""
    articles = [Article(f"{number:02}", "The wall holds for now.", source="Gazette") for number in range(25)]
    with pytest.warns(DedupWarning) as caught:
        result = dedup.spark.deduplicate(frame_of(articles), large_cluster=20)
    assert [str(warning.message) for warning in caught if warning.category is DedupWarning] == [
        "24 of the 25 documents of 'Gazette' are dropped.",
        "Clusters of more than 20 documents, the largest 25: 1.",
    ]
    assert [alarm.source for alarm in result.alarms] == ["Gazette"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_articles(frame_of: Any, tmp_path: Path) -> None:
    """200,000 generated articles have the answer of the run in memory."""
    import articles

    articles.write(articles.Asked(documents=200_000, seed=1, least=300, most=900), tmp_path)
    check_same(frame_of, pa.concat_tables(map(pq.read_table, sorted((tmp_path / "articles").iterdir()))), 8)


#: Prints whether a run on Spark Connect has the answer of the run in memory.
_ON_CONNECT = """
import sys, warnings
warnings.simplefilter("ignore")
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
import dedup, dedup.spark
from dedup.engines import spark_hot
spark_hot.UNCUT, spark_hot.SAMPLE, spark_hot.OFTEN = 20, 1, 5
table = pq.read_table(sys.argv[1])
settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2"}
builder = SparkSession.builder
for name, value in settings.items():
    builder = builder.config(name, value)
session = builder.remote("local[2]").getOrCreate()
given = {"exhaustive": 10, "bucket_limit": 8}
result = dedup.spark.deduplicate(session.createDataFrame(table), **given)
expected = dedup.deduplicate(table, **given)
tables = result.documents.toArrow(), expected.to_arrow()
rows = [sorted(found.to_pylist(), key=lambda row: row["id"]) for found in tables]
print(type(session).__module__, rows[0] == rows[1], result.pairs.count() == expected.pairs.num_rows)
session.stop()
"""


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("spark")
def test_connect(tmp_path: Path) -> None:
    """Spark Connect, which has no driver's JVM at hand, gives the answer of one machine, with hot buckets too."""
    pytest.importorskip("grpc", reason="Spark Connect needs pyspark[connect].")
    pq.write_table(table_of(newspapers(8, 24)), tmp_path / "articles.parquet")
    command = [sys.executable, "-c", _ON_CONNECT, str(tmp_path / "articles.parquet")]
    # A process of its own: one process has classic Spark or Connect.
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split()[-3:] == ["pyspark.sql.connect.session", "True", "True"], done.stderr[-2000:]


def test_records_of_either_width() -> None:
    """Records are read from Arrow's binary columns and from its large ones, which a session may ask for."""
    counts = np.array([3, 0, 2, 1])
    column = tasks.binaries(np.arange(6, dtype=np.uint64), counts)
    for some in (column, column.cast(pa.large_binary())):
        for part, (first, last) in ((some, (0, 6)), (some.slice(1), (3, 6))):
            found, sizes = tasks.records(part, np.uint64)
            assert found.tolist() == list(range(first, last))
            assert sizes.tolist() == counts[len(counts) - len(part) :].tolist()


def test_bytes_that_are_no_text_are_no_article() -> None:
    """A string that is no valid UTF-8, which Spark lets through, makes its row a bad one; the others are read."""
    raw = [b"one two three", b"\xff", None]
    batch = pa.record_batch(
        {
            "id": pa.array([b"a", b"b", b"c"]).view(pa.string()),
            "text": pa.array(raw, pa.binary()).view(pa.string()),
            **{name: pa.nulls(3, pa.string()) for name in tasks.FIELDS},
        }
    )
    (found,) = tasks.read(iter([batch]), Config(clean="off"))
    problems = [None, "text of 'b' must be valid UTF-8. Got b'\\xff'.", "text of 'c' must be a str. Got None."]
    assert found.column("problem").to_pylist() == problems
    assert found.column("text").to_pylist()[0] == "one two three"
