"""The table of sightings equals a dictionary of sets, whatever the order, and stays within its limit."""

from __future__ import annotations

import io
import time
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dedup.boilerplate import sightings
from dedup.boilerplate.sightings import FORMAT, KEPT, STRONG, WEAK, Sightings, Template
from dedup.errors import InputError, InvalidArgumentError, OutputError, SchemeMismatch
from dedup.kernels import reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MOST = 2**64 - 1

#: Outlets whose names are easily taken for one another, and fingerprints at both ends.
OUTLETS = ("", "Harbour Gazette", "Harbour Gazette\x00", "Tarn Journal", "\ud800", "港")
FINGERPRINTS = (0, 1, 2, 2**63, MOST)

Rows = list[tuple[str, int, int, bool]]


class Batch(NamedTuple):
    """Rows of outlet, fingerprint, story and strong that are added at once, and whether the table is asked then."""

    rows: Rows
    asked: bool


# A stretch of stories at once, so that a few draws fill a key beyond KEPT.
_stretches = st.tuples(
    st.sampled_from(OUTLETS),
    st.sampled_from(FINGERPRINTS),
    st.one_of(st.integers(0, 60), st.integers(0, MOST - 40)),
    st.integers(1, 40),
    st.booleans(),
)
_rows = st.lists(_stretches, max_size=8).map(
    lambda stretches: [
        (outlet, block, first + i, strong) for outlet, block, first, length, strong in stretches for i in range(length)
    ]
)
batches = st.lists(st.builds(Batch, _rows, st.booleans()), max_size=5)


def put(table: Sightings, rows: Rows) -> None:
    """Add rows to a table, with a list of outlets that names one twice and one that no row has."""
    names = ["nowhere", *OUTLETS, *OUTLETS]
    table.add(
        names,
        np.array([1 + OUTLETS.index(row[0]) + len(OUTLETS) * (row[2] % 2) for row in rows], np.int64),
        np.array([row[1] for row in rows], np.uint64),
        np.array([row[2] for row in rows], np.uint64),
        np.array([row[3] for row in rows], np.bool_),
    )


def build(parts: Iterable[Batch]) -> Sightings:
    """Return the table of some batches."""
    table = Sightings()
    for part in parts:
        put(table, part.rows)
        if part.asked:
            len(table)
    return table


def fill(table: Sightings, outlets: Sequence[str], fingerprints: NDArray[np.uint64], story: int) -> None:
    """Add one strong sighting of each block, the blocks dealt out to the outlets in turn, all in one story."""
    rows = len(fingerprints)
    table.add(
        outlets,
        np.arange(rows) % len(outlets),
        fingerprints,
        np.full(rows, story, np.uint64),
        np.ones(rows, np.bool_),
    )


def numbers(*values: int) -> NDArray[np.uint64]:
    """Return fingerprints as an array."""
    return np.array(values, np.uint64)


def observe(table: Sightings) -> tuple[Any, ...]:
    """Return all that a table answers about the outlets and fingerprints of these tests."""
    blocks = numbers(*FINGERPRINTS)
    asked = [(table.points(name, blocks).tolist(), table.stories(name, blocks).tolist()) for name in OUTLETS]
    return len(table), table.templates(1, 1), table.templates(20, 60), asked


def inside(table: Sightings) -> tuple[Any, ...]:
    """Return the arrays that do not depend on the order of names."""
    arrays = table.folded()
    return tuple(getattr(arrays, name).tolist() for name in ("key", "fingerprint", "seen", "start", "story", "strong"))


@given(batches, st.integers(1, 100), st.integers(1, 100))
@example([Batch([("", 0, story, story % 3 == 0) for story in range(KEPT + 1)], asked=True)], 1, 1)
def test_equals_a_dictionary_of_sets(parts: list[Batch], least: int, least_unknown: int) -> None:
    """A table answers as a dictionary of each key's stories, of which the 32 of the smallest hash count."""
    seen: dict[tuple[str, int], dict[int, bool]] = {}
    for outlet, block, story, strong in (row for part in parts for row in part.rows):
        stories = seen.setdefault((outlet, block), {})
        stories[story] = stories.get(story, False) or strong
    kept = {
        key: [stories[story] for story in sorted(stories, key=reference.mix)[:KEPT]] for key, stories in seen.items()
    }
    points = {key: sum(STRONG if strong else WEAK for strong in stories) for key, stories in kept.items()}
    outlets = {block: sum((outlet, block) in kept for outlet in OUTLETS) for block in FINGERPRINTS}
    table = build(parts)
    for outlet in OUTLETS:
        of_points, of_stories = (ask(outlet, numbers(*FINGERPRINTS)) for ask in (table.points, table.stories))
        assert of_points.dtype == of_stories.dtype == np.int64
        assert of_points.tolist() == [points.get((outlet, block), 0) for block in FINGERPRINTS]
        assert of_stories.tolist() == [len(kept.get((outlet, block), ())) for block in FINGERPRINTS]
    assert len(table) == sum(map(len, kept.values()))
    assert table.templates(least, least_unknown) == [
        Template(outlet or None, block, len(kept[outlet, block]), outlets[block], "")
        for outlet, block in sorted(kept, key=lambda key: (-len(kept[key]), *key))
        if points[outlet, block] >= (least if outlet else least_unknown)
    ]


@given(batches, st.randoms(use_true_random=False))
def test_order_does_not_matter(parts: list[Batch], random: Any) -> None:
    """The same rows in any order, over any number of adds, some of them twice, give the same answers."""
    rows = [row for part in parts for row in part.rows]
    again = rows + random.sample(rows, len(rows) // 2)
    random.shuffle(again)
    cuts = sorted(random.randint(0, len(again)) for _ in range(random.randint(0, 6)))
    pieces = [again[low:high] for low, high in zip([0, *cuts], [*cuts, len(again)], strict=True)]
    assert observe(build(parts)) == observe(build(Batch(piece, random.random() < 0.5) for piece in pieces))


@given(batches, batches)
def test_merge_is_adding_to_one(left: list[Batch], right: list[Batch]) -> None:
    """A merged table answers as if all had been added to one, and leaves the two as they were."""
    one, other = build(left), build(right)
    before = observe(one), observe(other)
    merged = one.merge(other)
    assert observe(merged) == observe(build(left + right))
    assert (observe(one), observe(other)) == before
    put(merged, [("", 0, 1, True)])
    assert (observe(one), observe(other)) == before


@given(batches, batches, batches)
def test_merge_laws(first: list[Batch], second: list[Batch], third: list[Batch]) -> None:
    """Merging is commutative, associative and idempotent, and nothing is its identity, inside too."""
    one, two, three = build(first), build(second), build(third)
    for left, right in (
        (one.merge(two), two.merge(one)),
        (one.merge(two).merge(three), one.merge(two.merge(three))),
        (one.merge(one), one),
        (one.merge(Sightings()), one),
        (Sightings().merge(one), one),
    ):
        assert observe(left) == observe(right)
        assert inside(left) == inside(right)


@given(batches)
def test_asking_nothing_and_adding_nothing(parts: list[Batch]) -> None:
    """Arrays of no rows change nothing, and no fingerprints have no points."""
    table = build(parts)
    before = observe(table)
    put(table, [])
    assert observe(table) == before
    assert table.points("", numbers()).tolist() == table.stories("", numbers()).tolist() == []


def test_the_hash_of_a_story_is_that_of_format_md() -> None:
    """`_mix` equals the twin of the kernel's on any 64 bits."""
    values = [0, 1, MOST, 2**63, *(reference.mix(value) for value in range(100))]
    assert sightings.mix(numbers(*values)).tolist() == [reference.mix(value) for value in values]


def test_what_is_added_is_copied() -> None:
    """Arrays that are changed after they were added change nothing in the table."""
    table = Sightings()
    columns: tuple[Any, ...] = (np.zeros(3, np.int64), numbers(1, 2, 3), numbers(4, 5, 6), np.ones(3, np.bool_))
    table.add(["Tarn Journal"], *columns)
    for column in columns:
        column[:] = 0
    assert table.points("Tarn Journal", numbers(1, 2, 3)).tolist() == [STRONG] * 3
    assert [template.fingerprint for template in table.templates(1, 1)] == [1, 2, 3]


def test_strong_and_weak_points() -> None:
    """A story that was seen strong and weak is strong; each different story has its points once."""
    table = Sightings()
    put(table, [("", 1, 7, False), ("", 1, 7, True), ("", 1, 7, False), ("", 1, 8, False), ("", 2, 7, False)])
    assert table.points("", numbers(1, 2, 3)).tolist() == [STRONG + WEAK, WEAK, 0]
    assert table.stories("", numbers(1, 2, 3)).tolist() == [2, 1, 0]


def test_a_key_that_is_full_says_at_least_32() -> None:
    """A block of a million stories has 32 rows and the points of 32 stories."""
    table = Sightings()
    rows = 1_000_000
    story = np.arange(rows).astype(np.uint64)
    table.add([""], np.zeros(rows, np.int64), np.zeros(rows, np.uint64), story, np.ones(rows, np.bool_))
    assert len(table) == KEPT
    assert table.points("", numbers(0)).tolist() == [STRONG * KEPT]
    assert table.templates(STRONG * KEPT, STRONG * KEPT) == [Template(None, 0, KEPT, 1, "")]
    assert table.templates(1, STRONG * KEPT + 1) == []


def test_outlets_of_a_template() -> None:
    """A template says how many outlets have its block, those below the least points and the unknown one included."""
    table = Sightings()
    put(table, [(outlet, 5, 1, False) for outlet in OUTLETS])
    put(table, [("港", 5, 2, True), ("港", 6, 2, True), ("港", 6, 3, True)])
    assert table.templates(4, 4) == [Template("港", 5, 2, len(OUTLETS), ""), Template("港", 6, 2, 1, "")]


@given(st.permutations(["wall", "bell", "", "bell" * 100, "bell\ud800"]), st.integers(0, 4))
def test_the_first_example_by_order_of_strings_wins(examples: list[str], cut: int) -> None:
    """An example does not depend on the order or on the table in which it was remembered, and has 300 characters."""
    parts = build([Batch([("", 1, 1, True), ("", 2, 1, True)], asked=False)]), Sightings()
    put(parts[1], [("", 1, 2, True)])
    for place, text in enumerate(examples):
        if text:
            parts[place < cut].remember("", 1, text)
    parts[0].remember("", 2, "bell" * 100)
    merged = parts[0].merge(parts[1])
    assert [template.example for template in merged.templates(1, 1)] == ["bell", ("bell" * 100)[:300]]


def test_examples_of_other_blocks_are_left_out() -> None:
    """A block that the table does not have has no example, though it is added later."""
    table = Sightings()
    table.remember("", 1, "bell")
    put(table, [("", 1, 1, True)])
    assert [template.example for template in table.templates(1, 1)] == [""]
    table.remember("Tarn Journal", 1, "bell")
    assert len(table._examples) == 0


def test_frequent_keys_survive_a_million_singletons() -> None:
    """Blocks that come in every batch are counted exactly while a million others come once, in bounded memory."""
    limit, each, frequent = 100_000, 20_000, np.arange(100).astype(np.uint64)
    table, rng = Sightings(limit), np.random.default_rng(1)
    for story in range(50):
        singles = rng.integers(1000, MOST, each, np.uint64)
        # Names that never come again: they must be forgotten too.
        fill(table, [f"{story} {i}" for i in range(200)], singles, story)
        fill(table, ["Tarn Journal"], frequent, story)
        table.remember(f"{story} 0", int(singles[0]), "single")
        table.remember("Tarn Journal", 5, "frequent")
        assert limit * 0.7 <= len(table) <= limit or story < 4
        assert table.stories("Tarn Journal", frequent).tolist() == [min(story + 1, KEPT)] * len(frequent)
    assert len(table._places) == len(set(table._table.outlet.tolist())) < 50 * 200
    assert len(table._examples) < 10
    assert {template.example for template in table.templates(STRONG * 2, 1)} == {"", "frequent"}
    assert table._table.start[-1] == len(table._table.story) == len(table)


@pytest.mark.seconds
def test_what_waits_is_bounded() -> None:
    """Rows that wait to be folded in are at most a quarter of the table, or 65,536, and one batch."""
    table, rng = Sightings(400_000), np.random.default_rng(2)
    for story in range(300):
        fill(table, ["Tarn Journal"], rng.integers(0, MOST, 5000, np.uint64), story)
        assert table._waiting == sum(len(rows.key) for rows in table._pending) < 100_000
        assert len(table._table.story) <= 400_000


def test_what_is_forgotten_first() -> None:
    """Over the limit the keys of the fewest stories go, of these the ones seen longest ago, to three quarters of it."""
    table = Sightings(1000)
    twice, old, new = (np.arange(low, high).astype(np.uint64) for low, high in ((0, 300), (300, 500), (500, 799)))
    for story, blocks in ((1, twice), (2, twice), (3, old), (4, new), (3, old[:9])):
        fill(table, ["Tarn Journal"], blocks, story)
    assert len(table) == 750
    assert table.stories("Tarn Journal", twice).tolist() == [2] * len(twice)
    # Of the 150 that stay beside them, 9 were seen again last, and the others are the newest.
    assert table.stories("Tarn Journal", old).tolist() == [1] * 9 + [0] * (len(old) - 9)
    assert table.stories("Tarn Journal", new).sum() == 150 - 9
    assert len(table) == 750


def test_a_batch_of_one_kind_over_the_limit() -> None:
    """Of keys that are alike no more are forgotten than must."""
    table = Sightings(1000)
    fill(table, ["Tarn Journal"], np.arange(5000).astype(np.uint64), 1)
    assert len(table) == 750


def test_merging_counts_adds_back_from_the_last() -> None:
    """In a merged table the last add of both is the newest: a table of few adds is not the oldest for that."""
    long, short = Sightings(1000), Sightings(1100)
    for story in range(9):
        fill(long, ["Tarn Journal"], np.arange(100 * story, 100 * story + 100).astype(np.uint64), story)
    fill(short, ["Tarn Journal"], np.arange(2000, 2300).astype(np.uint64), 1)
    merged = long.merge(short)
    assert len(merged) == 1100 * 3 // 4
    assert merged.stories("Tarn Journal", np.arange(2000, 2300).astype(np.uint64)).all()
    assert merged.stories("Tarn Journal", np.arange(800, 900).astype(np.uint64)).all()
    assert not merged.stories("Tarn Journal", np.arange(300).astype(np.uint64)).any()


@given(batches)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_saved_and_loaded_again(tmp_path: Path, parts: list[Batch]) -> None:
    """A table that was saved and loaded again is the same table, goes on as it would, and saves the same bytes."""
    table, path = build(parts), tmp_path / "table"
    for outlet, block in product(OUTLETS, FINGERPRINTS[:2]):
        table.remember(outlet, block, f"{outlet}{block}\x00")
    table.save(path)
    loaded = Sightings.load(str(path))
    assert observe(loaded) == observe(table)
    assert inside(loaded) == inside(table)
    again = tmp_path / "again"
    loaded.save(str(again))
    assert again.read_bytes() == path.read_bytes()
    for each in (table, loaded):
        put(each, [("Tarn Journal", 1, 1, True)])
    assert observe(loaded) == observe(table)
    assert inside(loaded) == inside(table)
    assert {file.name for file in tmp_path.iterdir()} == {"again", "table"}


def sample() -> Sightings:
    """Return a small table with examples, a full key and an outlet of two blocks."""
    table = Sightings(5000)
    put(table, [("", 1, story, story % 2 == 0) for story in range(40)])
    put(table, [("港", 1, 1, True), ("港", 2, 1, True), ("Tarn Journal", 2, 5, False)])
    table.remember("", 1, "bell")
    table.remember("港", 2, "港")
    return table


def test_limit_is_saved(tmp_path: Path) -> None:
    """A table keeps its limit when it is loaded again; of two merged ones the larger holds."""
    sample().save(tmp_path / "table")
    loaded = Sightings.load(tmp_path / "table")
    assert loaded.limit == 5000
    assert loaded.merge(Sightings(1000)).limit == Sightings(1000).merge(loaded).limit == 5000


def test_save_follows_a_link_and_keeps_the_mode(tmp_path: Path) -> None:
    """The file that a link leads to is replaced, with the mode it had."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    sample().save(link)
    assert link.is_symlink()
    assert observe(Sightings.load(real)) == observe(sample())
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("path", ["", "missing/table", "folder", "nul\x00"])
def test_save_that_fails(tmp_path: Path, path: str) -> None:
    """A table that cannot be written is an `OutputError` that names the path, and leaves nothing behind."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    with pytest.raises(OutputError, match=r"Cannot write .*"):
        sample().save(f"{tmp_path}/{path}")
    assert [name.name for name in tmp_path.rglob("*")] == ["folder", "file"]


def test_save_that_fails_midway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stood at the path before is untouched when the disk is full."""
    path = tmp_path / "table"
    path.write_bytes(b"old")

    def full(file: io.BufferedWriter, **_: object) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OutputError, match="No space left on device"):
        sample().save(path)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["table"]


def saved(tmp_path: Path) -> tuple[Path, bytes]:
    """Return a saved table's path and its bytes."""
    path = tmp_path / "table"
    sample().save(path)
    return path, path.read_bytes()


def test_load_of_a_file_that_is_cut_off(tmp_path: Path) -> None:
    """Every beginning of a table's file is an `InputError`."""
    path, content = saved(tmp_path)
    for size in {0, 1, 3, 4, 100, *range(0, len(content), 97), len(content) - 1}:
        path.write_bytes(content[:size])
        with pytest.raises(InputError, match="must be a table of sightings, whole"):
            Sightings.load(path)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_load_of_a_file_with_another_byte(tmp_path: Path, data: st.DataObject) -> None:
    """A file in which a byte was changed is an `InputError`, or the byte did not matter."""
    path, content = saved(tmp_path)
    place, other = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(1, 255))
    path.write_bytes(content[:place] + bytes([content[place] ^ other]) + content[place + 1 :])
    try:
        loaded = Sightings.load(path)
    except InputError:
        return
    assert observe(loaded) == observe(sample())


def test_load_of_what_is_no_table(tmp_path: Path) -> None:
    """A missing file, a folder, a text, an array, other arrays, and pickles are an `InputError` each."""
    path = tmp_path / "table"
    for missing in (path, tmp_path):
        with pytest.raises(InputError, match=r"Cannot read .*: "):
            Sightings.load(missing)
    array, other, pickled = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(array, np.arange(9))
    np.savez(other, key=np.arange(9))
    np.savez(pickled, format=np.array([{}], object))
    for content in (b"bell", array.getvalue(), other.getvalue(), pickled.getvalue()):
        path.write_bytes(content)
        with pytest.raises(InputError, match="must be a table of sightings, whole"):
            Sightings.load(path)


def write(path: Path, columns: dict[str, Any]) -> None:
    """Write columns as `save` does."""
    with path.open("wb") as file:
        np.savez(file, **columns)


def read(path: Path) -> dict[str, Any]:
    """Return the columns of a saved table."""
    with np.load(path) as file:
        return dict(file)


def test_load_of_another_format(tmp_path: Path) -> None:
    """A file of a later format is refused by its number, whatever else it holds."""
    path, _ = saved(tmp_path)
    write(path, {"format": np.array([FORMAT + 1])})
    with pytest.raises(InputError, match=f"must be of format {FORMAT}. Got {FORMAT + 1}"):
        Sightings.load(path)


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "scheme": lambda _: np.array([255], np.uint8),
    "limit": lambda _: np.array([999]),
    "adds": lambda _: np.array([1]),
    "name": lambda columns: np.append(columns["name"], np.uint8(65)),
    "name_size": lambda columns: columns["name_size"][::-1],
    "fingerprint": lambda columns: columns["fingerprint"] + np.uint64(1),
    "outlet": lambda columns: columns["outlet"] - np.int32(3),
    "seen": lambda columns: columns["seen"] * np.int32(0),
    "count": lambda columns: columns["count"][:-1],
    "story": lambda columns: columns["story"][::-1],
    "strong": lambda columns: columns["strong"].astype(np.uint8),
    "example": lambda columns: columns["example"][1:],
    "example_size": lambda columns: columns["example_size"] * 0,
    "example_of": lambda columns: columns["example_of"] + 100,
}


@pytest.mark.parametrize("name", CHANGES)
def test_load_of_columns_that_do_not_fit(tmp_path: Path, name: str) -> None:
    """A table in which one column was changed, whole file as it should be, is an `InputError`."""
    path, _ = saved(tmp_path)
    columns = read(path)
    write(path, columns | {name: CHANGES[name](columns)})
    with pytest.raises(InputError, match=r"must be a table of sightings\. Got contents that do not fit together"):
        Sightings.load(path)
    del columns[name]
    write(path, columns)
    with pytest.raises(InputError, match="must be a table of sightings, whole"):
        Sightings.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda columns: {name: np.tile(columns[name], 2) for name in ("name", "name_size")},
        lambda columns: {"example_of": columns["example_of"] - columns["example_of"].max() - 1},
        lambda columns: {"example_of": columns["example_of"][::-1]},
    ],
)
def test_load_of_lists_that_are_wrong(tmp_path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Names that stand there twice, and examples of no key or out of order, are an `InputError`."""
    path, _ = saved(tmp_path)
    columns = read(path)
    write(path, columns | change(columns))
    with pytest.raises(InputError, match=r"must be a table of sightings\. Got contents"):
        Sightings.load(path)


def test_every_column_is_changed() -> None:
    """The changes above try every column of the file."""
    assert set(CHANGES) == set(sightings._COLUMNS)


def test_merging_needs_one_format() -> None:
    """Tables of two formats are a `SchemeMismatch` that names both; what is no table is refused."""
    table, later = sample(), sample()
    later._format = FORMAT + 1
    with pytest.raises(SchemeMismatch, match=f"both tables must have one format. Got {FORMAT} and {FORMAT + 1}"):
        table.merge(later)
    with pytest.raises(InvalidArgumentError, match=r"other must be a Sightings\. Got None"):
        table.merge(None)  # type: ignore[arg-type]


BLOCKS = np.zeros(2, np.uint64)
GOOD: dict[str, Any] = {
    "outlets": ["Tarn Journal"],
    "outlet": np.zeros(2, np.int64),
    "fingerprint": BLOCKS,
    "story": BLOCKS,
    "strong": np.zeros(2, np.bool_),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outlets": []}, r"outlet must be in \[0, 0\). Got 0."),
        ({"outlets": [3]}, r"outlets\[0\] must be a str. Got 3."),
        ({"outlet": np.array([0, 1])}, r"outlet must be in \[0, 1\). Got 1."),
        ({"outlet": np.array([-1, 0])}, r"outlet must be in \[0, 1\). Got -1."),
        ({"outlet": [0, 0]}, r"outlet must be an array of int64, shape \(n,\). Got \[0, 0\]."),
        ({"outlet": np.zeros((2, 1), np.int64)}, r"outlet must be .*, shape \(n,\). Got int64, shape \(2, 1\)."),
        (
            {"fingerprint": np.zeros(2, np.int64)},
            r"fingerprint must be an array of uint64, .* Got int64, shape \(2,\).",
        ),
        ({"story": BLOCKS[:1]}, r"story must be an array of uint64, shape \(2,\). Got uint64, shape \(1,\)."),
        ({"strong": BLOCKS}, r"strong must be an array of bool, shape \(2,\). Got uint64"),
    ],
)
def test_bad_sightings(change: dict[str, Any], message: str) -> None:
    """Arrays of the wrong type or length, and places that are none, are refused, and nothing is added."""
    table = Sightings()
    with pytest.raises(InvalidArgumentError, match=message):
        table.add(**GOOD | change)
    assert len(table) == 0
    table.add(**GOOD)
    assert len(table) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _: Sightings(999), "limit must be an integer in .1000, .* Got 999."),
        (lambda _: Sightings(1e6), "limit must be an integer in .1000, .* Got 1000000.0."),  # type: ignore[arg-type]
        (lambda table: table.points(None, BLOCKS), "outlet must be a str. Got None."),
        (lambda table: table.stories(3, BLOCKS), "outlet must be a str. Got 3."),
        (lambda table: table.points("", [1]), r"fingerprints must be an array of uint64, shape \(n,\). Got \[1\]."),
        (lambda table: table.stories("", BLOCKS.astype(int)), "fingerprints must be .* Got int64"),
        (lambda table: table.templates(0, 1), "least must be an integer of at least 1. Got 0."),
        (lambda table: table.templates(1, 0.5), "least_unknown must be an integer of at least 1. Got 0.5."),
        (lambda table: table.remember(None, 1, ""), "outlet must be a str. Got None."),
        (lambda table: table.remember("", 2**64, ""), "fingerprint must be an integer in .* Got 18446744073709551616."),
        (lambda table: table.remember("", 1, None), "example must be a str. Got None."),
    ],
)
def test_bad_arguments(call: Callable[[Sightings], object], message: str) -> None:
    """Every argument that is not allowed is named, with what is allowed and what came."""
    with pytest.raises(InvalidArgumentError, match=message):
        call(Sightings())


@pytest.mark.seconds
def test_adding_a_million_rows_is_fast() -> None:
    """A million rows are added and folded in within a second of processor time."""
    rng, rows = np.random.default_rng(3), 1_000_000
    outlet, strong = rng.integers(0, 100, rows), rng.random(rows) < 0.5
    blocks, stories = (rng.integers(0, MOST, size, np.uint64) for size in (rows // 4, rows // 40))
    fingerprint, story = blocks[rng.integers(0, rows // 4, rows)], stories[np.arange(rows) // 40]
    best = np.inf
    for _ in range(3):
        table, start = Sightings(), time.process_time()
        table.add([str(i) for i in range(100)], outlet, fingerprint, story, strong)
        assert len(table) > rows * 0.9
        best = min(best, time.process_time() - start)
    assert best < 1.0
