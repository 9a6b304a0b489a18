"""The work folder: which stages are done, and whether what they wrote still holds."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dedup.engines.work import Work
from dedup.errors import InvalidArgumentError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dedup.scratch import Folder

ABOUT = {"input": "a", "settings": "b"}


def first(columns: Folder) -> dict[str, Any]:
    """Write a column, a file of another kind, an empty column and what is gone in the end."""
    columns.column("numbers", np.int64).append(np.arange(20_000))
    columns.column("none", np.int64)
    (columns.path / "record").write_bytes(b"record")
    (columns.path / "rest").mkdir()
    (columns.path / "rest" / "much").write_bytes(b"much")
    return {"documents": 3}


def second(columns: Folder) -> dict[str, Any]:
    """Write behind the first stage."""
    column = columns.column("numbers", np.int64)
    column.append(np.arange(5))
    assert len(column.read()) == 20_005
    return {}


def done(path: Path) -> None:
    """Make a folder with both stages done."""
    with Work(path, ABOUT, resume=False) as work:
        work.stage("first", first)
        work.stage("second", second)


def never(_: Folder) -> dict[str, Any]:
    """Fail: the stage is done."""
    raise AssertionError


def go_on(path: Path, do: Callable[[Folder], dict[str, Any]] = never) -> dict[str, Any]:
    """Go on with both stages."""
    with Work(path, ABOUT, resume=True) as work:
        work.discard_unfinished()
        notes = work.stage("first", never)
        work.stage("second", do)
        return notes


def test_a_finished_stage_is_not_done_again(tmp_path: Path) -> None:
    """Of a finished stage the notes come back, and its files are as it left them."""
    done(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "none", "numbers", "record"]
    assert go_on(tmp_path) == {"documents": 3}


def test_an_unfinished_stage_is_done_again(tmp_path: Path) -> None:
    """What a stage without an entry has written, behind others or in files and folders of its own, goes."""
    with Work(tmp_path, ABOUT, resume=False) as work:
        work.stage("first", first)
        with pytest.raises(ZeroDivisionError):
            work.stage("second", lambda columns: {"no": first(columns)["documents"] / 0})
        (tmp_path / "other").write_bytes(b"other")
    assert go_on(tmp_path, second) == {"documents": 3}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "none", "numbers", "record"]


@pytest.mark.parametrize("name", ["numbers", "record"])
@pytest.mark.parametrize("damage", ["first", "last", "cut", "empty", "gone"])
def test_damage_is_noticed(tmp_path: Path, name: str, damage: str) -> None:
    """A file that was changed at either end, cut, emptied or removed is no base to go on from."""
    done(tmp_path)
    path = tmp_path / name
    content = bytearray(path.read_bytes())
    if damage in ("first", "last"):
        content[0 if damage == "first" else -1] ^= 1
    path.write_bytes({"cut": bytes(content[:-1]), "empty": b""}.get(damage, bytes(content)))
    if damage == "gone":
        path.unlink()
    with pytest.raises(OutputError, match=f"{name} is not what the earlier run wrote. Start again with resume=False"):
        go_on(tmp_path)


def test_resume_needs_the_same(tmp_path: Path) -> None:
    """What has changed is named, and the folder stays."""
    done(tmp_path)
    with pytest.raises(InvalidArgumentError, match=re.escape("Got a change of input, settings.")):
        Work(tmp_path, {"input": "x", "settings": "y"}, resume=True)
    go_on(tmp_path)


def test_without_resume_everything_goes(tmp_path: Path) -> None:
    """A run that begins anew finds an empty folder."""
    done(tmp_path)
    (tmp_path / "rest").mkdir()
    with Work(tmp_path, ABOUT, resume=False) as work:
        assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
        work.stage("first", first)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "1", "null", "{}", '{"name": 1}', '{"about": 1, "stages": {}}', "\xff"]
)
@pytest.mark.parametrize("resume", [False, True])
def test_another_folder_is_refused(tmp_path: Path, content: str, *, resume: bool) -> None:
    """A folder with a manifest that no run wrote is left as it is."""
    (tmp_path / "manifest.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(InvalidArgumentError, match="work must be an empty folder or that of an earlier run"):
        Work(tmp_path, ABOUT, resume=resume)
    assert (tmp_path / "manifest.json").read_bytes() == content.encode("latin-1")


def test_an_interrupted_beginning_is_no_other_folder(tmp_path: Path) -> None:
    """A folder in which a run was killed before its first manifest stood can be worked in."""
    (tmp_path / "manifest.json.new").write_text("{")
    with Work(tmp_path, ABOUT, resume=True) as work:
        assert work.stage("first", first) == {"documents": 3}
    assert json.loads((tmp_path / "manifest.json").read_text())["about"] == ABOUT


def test_one_at_a_time(tmp_path: Path) -> None:
    """A second run is refused until the first has let go, and what the first has stays."""
    with Work(tmp_path, ABOUT, resume=False) as work:
        work.stage("first", first)
        for resume in (False, True):
            with pytest.raises(OutputError, match="Another run works in"):
                Work(tmp_path, ABOUT, resume=resume)
        work.stage("second", second)
    go_on(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """What the system refuses is an error with the reason."""
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", tmp_path / "file" / "work"):
        with pytest.raises(OutputError, match=f"Cannot write {re.escape(str(path))}: "):
            Work(path, ABOUT, resume=False)


def test_remove(tmp_path: Path) -> None:
    """What is done with is removed, the folder included, and only that."""
    with Work(tmp_path / "work" / "inner", ABOUT, resume=False) as work:
        work.stage("first", first)
        work.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["work"]
    assert not any((tmp_path / "work").iterdir())
