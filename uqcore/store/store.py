"""The store of trained models: ``manifest.json`` and one folder of arrays a model, valid whatever is killed when.

Three rules keep it so. A folder's name carries the digest of its content and appears by one rename; the manifest is
replaced in one step; a row is put only while the lock is held and every file that it lists is there and intact.
What is read is checked against the manifest's sha256 before NumPy parses it, and nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import os
import re
import shlex
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from numpy.typing import NDArray

from uqcore.store.arrays import from_npz, to_npz, widened
from uqcore.store.journal import Journal, sweep
from uqcore.store.manifest import NAME, default_id, from_json, to_json
from uqcore.types import ModelRecord, StoredFile, UqError, Weights

MODELS_VARIABLE = "UQCORE_MODELS"
CHECKPOINTS_VARIABLE = "UQCORE_CHECKPOINTS"
"""Names the folder where it is kept how far trainings are; nowhere without it."""

_FOLDER = re.compile(rf"{NAME.pattern}-[0-9a-f]{{8}}")
_PATH = re.compile(rf"{NAME.pattern}/{NAME.pattern}")
# Manifest -> its `Store.state` when it was read last, and its rows.
_READ: dict[Path, tuple[tuple[int, int, int], Mapping[str, ModelRecord]]] = {}


class StoreError(UqError):
    """The store cannot give or take what was asked; the message names the file and what to do."""


class FileCheck(NamedTuple):
    """One file of one row as `Store.verify` found it: ``problem`` is one sentence, or None for an intact file."""

    record: ModelRecord
    file: StoredFile
    problem: str | None


def default_store() -> Store:
    """The folder that UQCORE_MODELS names; else the repository's own store, ``cached_models`` beside the package.

    An installed package has none beside it: there it is ``cached_models`` in the folder where the program runs.
    """
    if chosen := os.environ.get(MODELS_VARIABLE):
        return Store(Path(chosen).expanduser())
    beside = _beside(__file__)
    return beside if os.path.isdir(beside.root) else Store(Path("cached_models").absolute())


@cache
def _beside(file: str) -> Store:
    return Store(Path(file).resolve().parents[2] / "cached_models")


@dataclasses.dataclass(frozen=True)
class Store:
    """The models below the folder ``root``; a folder that does not exist is an empty store."""

    root: Path

    @cached_property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    def records(self) -> tuple[ModelRecord, ...]:
        """Every row of the manifest, sorted by ``model_id``.

        Raises:
            StoreError: the manifest cannot be read, or any row of it is not what `put` writes.
        """
        return tuple(self._rows().values())

    def state(self) -> tuple[int, int, int] | None:
        """What tells the manifest's states apart: time of change, size and inode. None without one."""
        try:
            return _mark(os.stat(self.manifest))
        except OSError:
            return None

    def get(self, model_id: str) -> ModelRecord:
        """The row named ``model_id``; StoreError where there is none."""
        return self._row(model_id, "`python -m uqcore models` lists those there are")

    def find(self, task: str, method: str, seed: int = 0) -> ModelRecord:
        """The model of ``method`` on ``task`` with the default configuration; StoreError where there is none."""
        return self._row(default_id(task, method, seed), f"train it with `{_train_command(task, method, seed)}`")

    def arrays(self, record: ModelRecord) -> tuple[dict[str, NDArray[Any]], ...]:
        """The read-only arrays of every file of ``record``, in their order; half precision as float32.

        Raises:
            StoreError: a file is missing or damaged, or holds anything but finite numeric arrays.
        """
        return tuple(widened(self._load(record, file)) for file in record.files)

    def table(self, record: ModelRecord, name: str) -> dict[str, NDArray[Any]]:
        """The read-only arrays of the table ``name`` of ``record``.

        Raises:
            StoreError: there is none, or its file is missing, damaged or odd, as for `arrays`.
        """
        if name not in record.tables:
            raise StoreError(f"{record.model_id} has no table {name!r}; make it with `{tables_command(record)}`.")
        return self._load(record, record.tables[name])

    def verify(self, records: Sequence[ModelRecord] | None = None) -> tuple[FileCheck, ...]:
        """Every file of the rows (all, if not given), loaded and checked as `arrays` does, with what is wrong."""
        return tuple(
            FileCheck(record, file, self._problem(record, file))
            for record in (self.records() if records is None else records)
            for file in all_files(record)
        )

    def save_arrays(self, model_id: str, arrays: Weights, name: str = "weights") -> StoredFile:
        """Store ``arrays`` in a folder of their own, ready to be listed by a record; equal arrays give equal bytes.

        Raises:
            StoreError: an array is not numeric or not finite, or the folder cannot be written.
        """
        if not NAME.fullmatch(model_id):
            raise StoreError(f"A model's id must be letters, digits, '.', '_' and '-'. Received: {model_id!r}.")
        try:
            data = to_npz(arrays)
        except ValueError as error:
            raise StoreError(
                f"The arrays of {model_id} must be numeric and finite, but {error}; train it again."
            ) from error
        sha256 = hashlib.sha256(data).hexdigest()
        file = StoredFile(f"{model_id}-{sha256[:8]}/{name}.npz", sha256, len(data))
        with self._writing(), self._locked():
            self._sweep()
            self._keep(file, data)
        return file

    def put_table(self, record: ModelRecord, name: str, arrays: Weights) -> ModelRecord:
        """Store ``arrays`` as the table ``name`` of ``record`` and put the row that lists it; returns that row.

        Raises:
            StoreError: as for `save_arrays` and `put`.
        """
        record = dataclasses.replace(
            record, tables={**record.tables, name: self.save_arrays(record.model_id, arrays, name)}
        )
        self.put(record)
        return record

    def check_writable(self) -> None:
        """StoreError unless something can be stored: asked before a training starts rather than after it."""
        with self._writing(), self._locked():
            pass

    def put(self, record: ModelRecord) -> None:
        """Add ``record``, or replace the row of its ``model_id``; then remove the folders that only the old row used.

        Raises:
            StoreError: the record is not one that JSON keeps exactly, a file of it is not intact, or the folder cannot
                be written. The manifest is then as it was.
        """
        _check_record(record)
        with self._writing(), self._locked():
            for file in all_files(record):
                self._read(record, file)
            rows = {row.model_id: row for row in self.records()}
            replaced = rows.get(record.model_id)
            rows[record.model_id] = record
            self._write_rows(rows, [replaced] if replaced is not None else [], record)

    def remove(self, model_ids: Collection[str]) -> None:
        """Take these rows out, and the folders that no other row uses. StoreError: the folder cannot be written."""
        with self._writing(), self._locked():
            rows = {row.model_id: row for row in self.records()}
            self._write_rows(rows, [rows.pop(model_id) for model_id in model_ids if model_id in rows])

    def _write_rows(
        self, rows: dict[str, ModelRecord], gone: Sequence[ModelRecord], added: ModelRecord | None = None
    ) -> None:
        """Replaces the manifest, then removes the folders that only rows which are ``gone`` used, and leavings.

        A folder without a row may belong to a process that has yet to put its record: it stays.
        """
        listed: set[str] = set().union(*map(_folders, rows.values()))
        unused = set().union(*map(_folders, gone)) - listed
        journal = Journal.of(self.root)
        journal.note(unused)
        self._write_manifest(to_json(rows.values()))
        for folder in unused:
            shutil.rmtree(self.root / folder, ignore_errors=True)
        journal.settle(unused | (_folders(added) if added is not None else set()))
        sweep(self.root, listed)

    def take(self, other: Store, record: ModelRecord) -> None:
        """Copy ``record`` and its files out of another store, bytes for bytes, and `put` it.

        Raises:
            StoreError: as for `put`, or a file of ``other`` is not intact.
        """
        with self._writing(), self._locked():
            for file in all_files(record):
                self._keep(file, other._read(record, file))
        self.put(record)

    def strays(self) -> list[str]:
        """Folders of arrays that no row lists, and that no process is about to list as far as it can be told."""
        listed = {folder for record in self.records() for folder in _folders(record)}
        try:
            there = sorted(path.name for path in self.root.iterdir() if _FOLDER.fullmatch(path.name) and path.is_dir())
        except OSError:
            return []
        return [name for name in there if name not in listed]

    def _row(self, model_id: str, advice: str) -> ModelRecord:
        try:
            return self._rows()[model_id]
        except KeyError:
            raise StoreError(f"No model {model_id!r} in {self.manifest}; {advice}.") from None

    def _rows(self) -> Mapping[str, ModelRecord]:
        """Model id -> its row. Read and checked once: a page asks often, and what is written is another file."""
        known = _READ.get(self.manifest)
        if known is not None and known[0] == self.state():
            return known[1]
        try:
            with self.manifest.open("rb") as handle:
                mark, text = _mark(os.fstat(handle.fileno())), handle.read()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreError(
                f"The manifest {self.manifest} cannot be read ({error.strerror}); make it a readable file."
            ) from error
        try:
            records = from_json(text)
            for file in (file for record in records for file in all_files(record)):
                self._locate(file.path)
        except (ValueError, UqError) as error:
            raise StoreError(
                f"The manifest {self.manifest} is not valid: {str(error).rstrip('.')}; restore it with "
                f"`git checkout -- {self.root}`, or delete it and train again."
            ) from error
        rows = MappingProxyType({record.model_id: record for record in records})
        _READ[self.manifest] = (mark, rows)
        return rows

    def _locate(self, path: str) -> Path:
        """The place of a record's ``path``; ValueError unless it is ``folder/file`` and stays below the root."""
        if not _PATH.fullmatch(path):
            raise ValueError(f"`path` must be folder/file below the store, received {path!r}")
        place = self.root / path
        if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(self.root)):
            raise ValueError(f"`path` must stay below the store, but {path!r} is a link that leaves it")
        return place

    def _read(self, record: ModelRecord, file: StoredFile) -> bytes:
        try:
            data = self._locate(file.path).read_bytes()
        except FileNotFoundError as error:
            raise self.damage(record, file, "is missing") from error
        except OSError as error:
            raise self.damage(record, file, f"cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise self.damage(record, file, f"lies outside the store ({error})") from error
        if len(data) != file.n_bytes or hashlib.sha256(data).hexdigest() != file.sha256:
            raise self.damage(record, file, "is damaged (its size or sha256 is not the manifest's)")
        return data

    def _load(self, record: ModelRecord, file: StoredFile) -> dict[str, NDArray[Any]]:
        data = self._read(record, file)
        try:
            return from_npz(data)
        except ValueError as error:
            raise self.damage(record, file, f"is not an npz of finite numeric arrays ({error})") from error

    def _problem(self, record: ModelRecord, file: StoredFile) -> str | None:
        try:
            self._load(record, file)
        except StoreError as error:
            return str(error)
        return None

    def damage(self, record: ModelRecord, file: StoredFile, problem: str) -> StoreError:
        """The sentence for a file of ``record`` that is not as it should be, and what makes it again."""
        command = rebuild_command(record) if file in record.files else tables_command(record)
        return StoreError(f"{self.root / file.path} of {record.model_id} {problem}; rebuild it with `{command}`.")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Create the root, and turn what the file system refuses into one sentence."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise StoreError(
                f"The store {self.root} cannot be written ({error.strerror}); "
                f"make it writable or name another folder in {MODELS_VARIABLE}."
            ) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the store's lock, which the kernel releases if the process is killed."""
        with (self.root / ".lock").open("ab") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _keep(self, file: StoredFile, data: bytes) -> None:
        """Puts ``data`` where ``file`` says, unless it is there. Called while the lock is held."""
        target = self._locate(file.path)
        Journal.of(self.root).note([target.parent.name])
        if not target.exists() or target.read_bytes() != data:
            self._place(data, target)

    def _temporary(self) -> Path:
        return self.root / Journal.of(self.root).temporary()

    def _place(self, data: bytes, target: Path) -> None:
        """Make ``target`` hold ``data``: its folder appears whole, or the damaged file in it is replaced."""
        folder = self._temporary()
        try:
            folder.mkdir()
            _write_durably(folder / target.name, data)
            _sync_folder(folder)
            try:
                os.rename(folder, target.parent)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                os.replace(folder / target.name, target)
            _sync_folder(self.root)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _write_manifest(self, data: bytes) -> None:
        temporary = self._temporary()
        try:
            _write_durably(temporary, data)
            os.replace(temporary, self.manifest)
            _sync_folder(self.root)
        finally:
            temporary.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Removes what killed processes left behind, if it can be told what belongs to a model."""
        with contextlib.suppress(StoreError):
            sweep(self.root, {folder for record in self.records() for folder in _folders(record)})


def _mark(status: os.stat_result) -> tuple[int, int, int]:
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _train_command(task: str, method: str, seed: int, settings: Mapping[str, Any] = MappingProxyType({})) -> str:
    command = f"python -m uqcore train --task {task} --method {method} --seed {seed}"
    return " ".join([command, *(f"--set {shlex.quote(f'{name}={value}')}" for name, value in settings.items())])


def rebuild_command(record: ModelRecord) -> str:
    """What trains ``record`` again: with its settings, unless its id says that they are the default ones."""
    is_default = record.model_id == default_id(record.task, record.method, record.seed)
    return _train_command(record.task, record.method, record.seed, {} if is_default else record.config)


def tables_command(record: ModelRecord) -> str:
    """What makes the tables of ``record`` again."""
    return f"python -m uqcore tables --model {record.model_id}"


def all_files(record: ModelRecord) -> tuple[StoredFile, ...]:
    """The files of a model: its arrays, then its tables."""
    return (*record.files, *record.tables.values())


def _folders(record: ModelRecord) -> set[str]:
    return {file.path.partition("/")[0] for file in all_files(record)}


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())


def _sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut, as fsync does a file's content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_record(record: ModelRecord) -> None:
    try:
        kept = from_json(to_json([record])) == (record,)
    except (ValueError, TypeError, UqError) as error:
        raise StoreError(
            f"The record of {record.model_id} cannot be stored: {str(error).rstrip('.')}; correct it."
        ) from error
    if not kept:
        raise StoreError(
            f"The record of {record.model_id} cannot be stored: JSON must keep its values; use JSON types."
        )
