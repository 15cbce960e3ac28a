"""Where what a visitor trains is kept: a store of their own, which goes when they go."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Collection, Mapping
from pathlib import Path
from uuid import uuid4

from uqcore.store import Store, StoreError
from uqcore.types import ModelRecord

ALLOW_VARIABLE = "UQCORE_ALLOW_SAVING"
"""Set to 1 by an operator who lets visitors put what they train into the server's store."""

_PREFIX = "uqcore-visit-"


def _sweep() -> None:
    """Removes what servers left that were killed: folders that bear the number of a process that is gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except (ValueError, OverflowError, PermissionError):  # no folder of ours
            continue


class Visit:
    """A visitor's trained models. The folder is removed when nobody holds the visit any more, and when Python ends.

    Attributes:
        owner: tells this visit from others.
        store: what was trained, with its parts: a training that was stopped goes on from those that are complete.
    """

    def __init__(self) -> None:
        self.owner = uuid4().hex
        _sweep()
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        self.store = Store(folder)
        self._names: dict[str, str] = {}
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def keep(self, model_id: str, name: str) -> None:
        """Calls a model of the store by a name."""
        self._names[model_id] = name

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
