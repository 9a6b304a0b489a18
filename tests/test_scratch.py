"""Scratch: columns and texts are the same in memory and in the files of a folder."""

from __future__ import annotations

import ctypes
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dedup.kernels import native
from dedup.kernels.native import Texts
from dedup.scratch import Folder, Memory, Strings
from strategies import SCRAPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dedup.scratch import TextStore

DTYPES = (np.uint8, np.int32, np.uint64, np.float64)
#: What a column goes through: an array that is appended, or None where it is read.
steps = st.sampled_from(DTYPES).flatmap(
    lambda dtype: st.tuples(
        st.just(dtype), st.lists(st.one_of(st.none(), hnp.arrays(dtype, st.integers(0, 5))), max_size=8)
    )
)
#: Texts in batches; lone surrogates, empty texts and empty batches among them.
characters = st.characters(codec="utf-8") | st.sampled_from("\ud800\udfff")
batches = st.lists(
    st.lists(st.one_of(st.sampled_from(SCRAPS), st.text(characters, max_size=9)), max_size=5), max_size=5
)


def bytes_of(texts: Texts) -> list[bytes]:
    """Return what the kernels read of texts."""
    places = zip(texts.addresses.tolist(), texts.lengths.tolist(), strict=True)
    return [ctypes.string_at(address, length) for address, length in places]


def together(strings: list[str]) -> Texts:
    """Return texts that stand one behind the other in one buffer, as those of Arrow do."""
    encoded = bytes_of(Texts.from_strings(strings))
    return Texts.from_buffers(b"".join(encoded), np.cumsum([0, *map(len, encoded)]))


def check(store: TextStore, strings: list[str], rows: list[int]) -> None:
    """Check that a store has just these texts, in any order, and gives what the kernels read of them."""
    taken = np.array(rows, np.int64)
    wanted = [strings[row] for row in rows]
    assert len(store) == len(strings)
    assert bytes_of(store.take(taken)) == bytes_of(Texts.from_strings(wanted))
    for text, expected in zip(store.strings(taken), wanted, strict=True):
        assert text == expected or any("\ud800" <= character <= "\udfff" for character in expected)
        assert native.tokens(text) == native.tokens(expected)


@given(steps)
def test_columns_are_alike(drawn: tuple[type[Any], list[NDArray[Any] | None]]) -> None:
    """A read gives all that was appended before, of the dtype of the column, and appends after it do not change it."""
    dtype, given_steps = drawn
    with TemporaryDirectory() as folder:
        for scratch in (Memory(), Folder(Path(folder))):
            column = scratch.column("some", dtype)
            expected = np.empty(0, dtype)
            reads = []
            for values in [*given_steps, None]:
                if values is None:
                    reads.append((column.read(), expected))
                else:
                    column.append(values)
                    expected = np.concatenate([expected, values])
            for found, wanted in reads:
                assert found.dtype == dtype
                np.testing.assert_array_equal(found, wanted)


def test_columns_take_what_does_not_stand_in_one_piece() -> None:
    """Every second value, and values backwards, are kept as they came."""
    values = np.arange(10, dtype=np.uint64)
    with TemporaryDirectory() as folder:
        for scratch in (Memory(), Folder(Path(folder))):
            column = scratch.column("some", np.uint64)
            column.append(values[::2])
            column.append(values[::-3])
            assert column.read().tolist() == [0, 2, 4, 6, 8, 9, 6, 3, 0]


@given(batches, st.booleans(), st.data())
def test_texts_are_alike(drawn: list[list[str]], is_arrow: bool, data: st.DataObject) -> None:
    """Texts are taken in any order, with repeats, between appends and after them; surrogates are no word in either."""
    with TemporaryDirectory() as folder:
        stores = [Memory().texts("some"), Folder(Path(folder)).texts("some")]
        strings: list[str] = []
        for batch in [*drawn, []]:
            strings += batch
            rows = data.draw(st.lists(st.integers(0, len(strings) - 1), max_size=8)) if strings else []
            for store in stores:
                store.append(batch, together(batch) if is_arrow else Texts.from_strings(batch))
                check(store, strings, rows)


def test_a_large_text_is_read_in_whole(tmp_path: Path) -> None:
    """Texts that are larger than the buffer of a file come back as they are."""
    strings = ["a" * 300_000, "", "é" * 200_000, "b"]
    store = Folder(tmp_path).texts("some")
    store.append(strings, Texts.from_strings(strings))
    check(store, strings, [3, 2, 1, 0, 2])


def test_strings_of_others_are_a_store() -> None:
    """Texts that are there already need no append, and the list of the caller stays as it is."""
    strings = ["a", "\ud800", ""]
    store = Strings(strings)
    store.append(["b"], Texts.from_strings(["b"]))
    check(store, ["a", "\ud800", "", "b"], [1, 3, 0, 0, 2])
    assert strings == ["a", "\ud800", ""]


def test_columns_of_one_name_begin_anew(tmp_path: Path) -> None:
    """What stood under a name before is gone, and other names do not see it."""
    for scratch in (Memory(), Folder(tmp_path)):
        for name in ("one", "one", "other"):
            column = scratch.column(name, np.int32)
            assert column.read().tolist() == []
            column.append(np.arange(3, dtype=np.int32))
            assert column.read().tolist() == [0, 1, 2]
            store = scratch.texts(name)
            check(store, [], [])
            store.append(["a"], Texts.from_strings(["a"]))
            check(store, ["a"], [0])


@given(st.lists(hnp.arrays(np.int64, st.integers(0, 4)), max_size=5))
def test_a_column_goes_on_where_its_file_ends(parts: list[NDArray[np.int64]]) -> None:
    """In a folder that is not fresh a column has what its file holds, and appends go behind that."""
    with TemporaryDirectory() as path:
        for done, values in enumerate(parts):
            folder = Folder(Path(path), fresh=False)
            column = folder.column("some", np.int64)
            assert column.read().tolist() == list(chain(*parts[:done]))
            column.append(values)
            (file,) = folder.columns
            file.flush()
            assert (file.stop - file.start, file.digest) == (values.nbytes, xxhash.xxh3_128_hexdigest(values.tobytes()))
        assert Folder(Path(path), fresh=False).column("some", np.int64).read().tolist() == list(chain(*parts))
        assert Folder(Path(path)).column("some", np.int64).read().tolist() == []


def test_texts_go_on_where_their_files_end(tmp_path: Path) -> None:
    """In a folder that is not fresh a store has the texts that its files hold, and more can be put behind them."""
    strings: list[str] = []
    for batch in (["a", "", "\ud800x"], [], ["été", "b"]):
        folder = Folder(tmp_path, fresh=False)
        store = folder.texts("some")
        check(store, strings, list(range(len(strings))))
        store.append(batch, Texts.from_strings(batch))
        strings += batch
        for file in folder.columns:
            file.flush()
    check(Folder(tmp_path, fresh=False).texts("some"), strings, [4, 0, 3, 2, 1, 2])
    check(Folder(tmp_path).texts("some"), [], [])


def test_texts_that_were_cut_off_are_an_error(tmp_path: Path) -> None:
    """A file that ends within a text is told, and never read as something shorter."""
    folder = Folder(tmp_path)
    store = folder.texts("some")
    store.append(["abc", "defg"], Texts.from_strings(["abc", "defg"]))
    check(store, ["abc", "defg"], [0, 1])
    with (tmp_path / "some.utf8").open("r+b") as file:
        file.truncate(5)
    assert store.strings(np.array([0])) == ["abc"]
    with pytest.raises(OSError, match="the file ends within a text"):
        store.take(np.array([0, 1]))
