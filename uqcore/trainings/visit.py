"""Where what a visitor trains is kept: a store of their own, which goes when they go."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from uqcore.models.evaluation import Evaluated
from uqcore.store import Store, StoreError, all_files
from uqcore.types import ModelRecord, UqError

ALLOW_VARIABLE = "UQCORE_ALLOW_SAVING"
"""Set to 1 by an operator who lets visitors put what they train into the server's store."""

YOURS = ", yours: "
"""In the name of every model of a visit, behind its method's: in a link it tells that others do not have it."""

MOST_BYTES = 2**28
"""Of a visit's models and tables: the oldest are let go."""

CHECKPOINTS = "checkpoints"
"""In a visit's folder: how far its trainings are."""

_PREFIX = "uqcore-visit-"
_LEFT_FOR_S = 24 * 3600.0


def sweep() -> list[Path]:
    """Removes what servers left that are gone, but what a training can go on with, for a day: that is returned.

    Theirs are the folders that nobody holds. A process's number would tell nothing: servers in containers that share
    this folder do not see each other's, and one may have the number of another before it.
    """
    kept = []
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError), _held(folder) as descriptor:  # another server holds it, or has removed it
            status = os.fstat(descriptor)
            if status.st_uid != os.getuid():
                continue
            if (folder / CHECKPOINTS).is_dir() and time.time() - status.st_mtime <= _LEFT_FOR_S:
                kept.append(folder)
            else:
                shutil.rmtree(folder, ignore_errors=True)
    return kept


@contextmanager
def _held(folder: Path) -> Iterator[int]:
    """A descriptor of ``folder``, locked until it is closed, however the process ends. OSError: another holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _new_folder() -> Iterator[Path]:
    """A folder that nobody sweeps before the end, when it is let go and not removed."""
    made = Path(tempfile.mkdtemp(prefix="uqcore-"))
    with _held(made):
        # Only now, or another server would sweep it before it is held.
        yield made.rename(made.with_name(f"{_PREFIX}{uuid4().hex}"))


@contextmanager
def temporary_files() -> Iterator[None]:
    """Until the end this process's temporary files lie in a folder of their own: if it is killed, they go with the next
    that comes here, or with a server's first page. TensorFlow generates code into such files.

    Raises:
        UqError: there is no folder for them.
    """
    with ExitStack() as holding:
        try:
            sweep()
            folder = holding.enter_context(_new_folder())
        except OSError as error:
            raise UqError(f"Temporary files cannot be written ({error}); TMPDIR names another folder.") from error
        before, tempfile.tempdir = tempfile.tempdir, str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before
            shutil.rmtree(folder, ignore_errors=True)


class Visit:
    """A visitor's trained models. The folder is removed when nobody holds the visit any more, and when Python ends.

    Attributes:
        owner: tells this visit from others.
        store: what was trained, with its parts: a training that was stopped goes on from those that are complete.
    """

    def __init__(self, visitor: str = "") -> None:
        """``visitor``: what the owner's name begins with, and `visitor_of` finds in it again."""
        self.owner = f"{visitor}/{uuid4().hex}"
        sweep()
        holding = ExitStack()
        folder = holding.enter_context(_new_folder())
        self.store = Store(folder)
        self._let_go = weakref.finalize(self, holding.close)
        self._names: dict[str, str] = {}
        self._figures: dict[str, tuple[Evaluated | None, ...]] = {}
        self._removed = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def go_on(self, model_ids: Collection[str]) -> None:
        """Takes over how far a server that is gone was with these models; of a visit of its own nothing else is left.

        Settings and seed determine a model, so that whoever asks for the same goes on with the same.
        """
        for folder in sweep():
            with suppress(StoreError, OSError):
                left, there = Store(folder), {record.model_id for record in self.store.records()}
                for record in left.records():
                    if record.model_id in model_ids and record.model_id not in there:
                        self.store.take(left, record)
                for checkpoint in (folder / CHECKPOINTS).glob("*"):
                    if not (to := self.store.root / CHECKPOINTS / checkpoint.name).exists():
                        shutil.copytree(checkpoint, to)

    def begin(self) -> None:
        """A training begins: from now on the next server may go on with what this one leaves."""
        with suppress(OSError):  # as the training will say itself
            (self.store.root / CHECKPOINTS).mkdir(exist_ok=True)

    def leave(self) -> None:
        """Leaves the folder to the next server, without what was complete: this one ends while it trains."""
        with suppress(StoreError):
            self.store.remove(list(self._names))
        self._removed.detach()
        self._let_go()

    @property
    def names(self) -> tuple[str, ...]:
        """What was trained, the oldest first."""
        return tuple(self._names.values())

    def keep(self, model_id: str, name: str, *figures: Evaluated | None) -> None:
        """Calls a model of the store by a name; makes room for it where the visit has too much.

        ``figures``: of it, and of the committed model beside it, where the training's process told.
        """
        with suppress(OSError):  # another training was stopped, and can go on
            (self.store.root / CHECKPOINTS).rmdir()
        self._names.pop(model_id, None)
        self._names[model_id] = name
        self._figures[model_id] = figures
        self._make_room()

    def figures(self, model_id: str) -> tuple[Evaluated | None, ...]:
        """As `keep` was told."""
        return self._figures.get(model_id, ())

    def _make_room(self) -> None:
        """Lets the oldest models go, with parts that no other one shares, until all are small enough."""
        with suppress(StoreError):
            while len(self._names) > 1 and _n_bytes(self.store) > MOST_BYTES:
                oldest = next(iter(self._names))
                del self._names[oldest]
                self._figures.pop(oldest, None)
                rows = self.store.records()
                shared = {file for row in rows if row.model_id in self._names for file in row.files}
                self.store.remove([row.model_id for row in rows if not shared.intersection(row.files)])

    def models(self, task: str) -> Mapping[str, ModelRecord]:
        """Name -> model of ``task``, in the order in which they were first trained. Without their parts.

        Raises:
            StoreError: the folder cannot be read.
        """
        there = {record.model_id: record for record in self.store.records() if record.task == task}
        return {name: there[model_id] for model_id, name in list(self._names.items()) if model_id in there}

    def complete(self, model_ids: Collection[str]) -> int:
        """How many of these are in the store; 0 where it cannot be read."""
        try:
            return sum(record.model_id in model_ids for record in self.store.records())
        except StoreError:
            return 0


def visitor_of(owner: str) -> str:
    return owner.rpartition("/")[0]


def _n_bytes(store: Store) -> int:
    files = {file for record in store.records() for file in all_files(record)}
    return sum(file.n_bytes for file in files)


def may_save() -> bool:
    return os.environ.get(ALLOW_VARIABLE) == "1"


def save(visit: Visit, record: ModelRecord, store: Store) -> None:
    """Puts a model of the visit into ``store``, in place of one with the same id. StoreError: it cannot be."""
    try:
        store.take(visit.store, record)
    except StoreError as error:
        # The sentence stands on a page: which folder it is, is the operator's business.
        said = str(error).replace(str(visit.store.root), "of the visit").replace(str(store.root), "of the server")
        raise StoreError(said) from error
