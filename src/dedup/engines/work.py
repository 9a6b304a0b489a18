"""The work folder of a run that is larger than memory: what its stages have written, and whether that still holds."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import xxhash

from dedup.errors import InvalidArgumentError, OutputError
from dedup.formats.read import files_of, reading
from dedup.scratch import Folder

try:
    import fcntl
except ImportError as cause:  # Windows
    raise InvalidArgumentError("out must be None on Windows, which locks no folder. Got a path.") from cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dedup.kernels.parallel import Pool

_MANIFEST, _BESIDE = "manifest.json", "manifest.json.new"
_PIECE = 1 << 22  # bytes that are hashed at a time


class Work:
    """The folder, its manifest and its lock; a context manager.

    The manifest says which input and which settings the folder is for, and for each stage which bytes of which files
    it wrote, with their XXH3-128. A stage that was interrupted has no entry; what it wrote is cut off.

    Args:
        path: The folder; it is made where it is missing.
        about: What the run depends on, by name; texts that tell one input or one setting from another.
        resume: Whether to go on from what is there; otherwise what an earlier run left is removed.

    Raises:
        InvalidArgumentError: The folder is another's, or that of a run of something else.
        OutputError: It cannot be written, or another run works in it.
    """

    def __init__(self, path: Path, about: dict[str, str], *, resume: bool) -> None:
        self.path = path
        self._stages: dict[str, dict[str, Any]] = {}
        self._about = about
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
            self._lock = lock(path)
            try:
                self._open(resume=resume)
            except BaseException:
                os.close(self._lock)
                raise

    def _open(self, *, resume: bool) -> None:
        known = self._manifest()
        if known and resume:
            changed = [name for name, value in self._about.items() if known["about"].get(name) != value]
            if changed:
                raise InvalidArgumentError(
                    f"resume must go on with the same input and settings. Got a change of {', '.join(changed)}."
                )
            self._stages = known["stages"]
            return
        self.clear()
        self._save()

    def _manifest(self) -> dict[str, dict[str, Any]]:
        """Return the manifest of an earlier run; nothing of an empty folder."""
        # A run that was interrupted at once leaves no more than the second.
        if {path.name for path in self.path.iterdir()} <= {_BESIDE}:
            return {}
        try:
            known = json.loads((self.path / _MANIFEST).read_text("utf-8"))
            if known.keys() == {"about", "stages"} and all(isinstance(part, dict) for part in known.values()):
                return dict(known)
        except (FileNotFoundError, ValueError, AttributeError):
            pass  # another's, as is one of other keys
        raise InvalidArgumentError(f"work must be an empty folder or that of an earlier run. Got {self.path}.")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let others work in the folder."""
        os.close(self._lock)

    def clear(self) -> None:
        """Remove what is in the folder, the manifest last."""
        for path in sorted(self.path.iterdir(), key=lambda path: path.name == _MANIFEST):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def remove(self) -> None:
        """Remove the folder; what cannot be removed, as where something is mounted there, stays."""
        with suppress(OSError):
            self.clear()
            self.path.rmdir()

    def stage(self, name: str, do: Callable[[Folder], dict[str, Any]]) -> dict[str, Any]:
        """Do a stage, unless it is done: return what it noted, once all of its files are as it wrote them.

        Args:
            name: Of the stage.
            do: Takes the columns that continue what is there; returns what is to be noted, as JSON has it.

        Raises:
            OutputError: A file is not what the stage wrote, or cannot be written.
        """
        with writing(self.path):
            if name in self._stages:
                for file, (start, stop, digest) in self._stages[name]["files"].items():
                    _check(self.path / file, start, stop, digest)
            else:
                before = {path.name for path in self.path.iterdir()}
                columns = Folder(self.path, fresh=False)
                notes = do(columns)
                files = {}
                for column in columns.columns:
                    column.flush()
                    if column.stop > column.start:
                        files[column.path.name] = [column.start, column.stop, column.digest]
                for path in self.path.iterdir():
                    if path.is_dir():
                        shutil.rmtree(path)
                    elif path.name not in before and path.name not in files:
                        files[path.name] = [0, path.stat().st_size, digest_of_file(path)]
                self._stages[name] = {"files": files, "notes": notes}
                self._save()
            notes_of: dict[str, Any] = self._stages[name]["notes"]
            return notes_of

    def discard_unfinished(self) -> None:
        """Cut off what stages wrote that have no entry."""
        with writing(self.path):
            stops: dict[str, int] = {}
            for stage in self._stages.values():
                for file, (_, stop, _) in stage["files"].items():
                    stops[file] = max(stop, stops.get(file, 0))
            for path in self.path.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name not in stops and path.name != _MANIFEST:
                    path.unlink()
                elif path.name != _MANIFEST and path.stat().st_size > stops[path.name]:
                    os.truncate(path, stops[path.name])

    def bytes(self) -> int:
        """Return how many bytes the files have."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def _save(self) -> None:
        beside = self.path / _BESIDE
        with beside.open("w", encoding="utf-8") as file:
            json.dump({"about": self._about, "stages": self._stages}, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path / _MANIFEST)


def lock(folder: Path) -> int:
    """Return the descriptor of a folder that is locked until it is closed.

    Raises:
        OutputError: Another run has locked it.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(opened)
        raise OutputError(f"Another run works in {folder}.") from error
    return opened


def _check(path: Path, start: int, stop: int, digest: str) -> None:
    if not path.exists() or path.stat().st_size < stop or digest_of_file(path, start, stop) != digest:
        raise OutputError(f"{path} is not what the earlier run wrote. Start again with resume=False.")


def digest_of_file(path: Path, start: int = 0, stop: int | None = None) -> str:
    """Return the XXH3-128 of a part of a file."""
    hashed = xxhash.xxh3_128()
    with path.open("rb") as file:
        file.seek(start)
        left = path.stat().st_size - start if stop is None else stop - start
        while left > 0 and (piece := file.read(min(_PIECE, left))):
            hashed.update(piece)
            left -= len(piece)
    return hashed.hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into an error of ours."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        # An error of the network, say, comes from the caller's own iterator.
        if isinstance(error, ConnectionError | TimeoutError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"Cannot write {path}: {reason}.") from error


def digest_of(source: str | os.PathLike[str], pool: Pool) -> str:
    """Return a digest of the files of a source: their names, and the XXH3-128 of what they hold.

    Raises:
        InputError: The source cannot be read.
    """
    root = Path(os.fsdecode(source))
    files = [found for found, _ in files_of(root) if isinstance(found, Path)]

    def digest(path: Path) -> str:
        with reading(path):
            return f"{path.relative_to(root)} {digest_of_file(path)}"

    return xxhash.xxh3_128("\n".join(pool.map(digest, files)).encode("utf-8", "surrogateescape")).hexdigest()
