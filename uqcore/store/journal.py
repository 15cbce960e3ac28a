"""What a process has put into a store before a row lists it, so that others can sweep it when the process is gone.

A process that writes keeps a file ``.writer-<token>``: a line ``+<folder>`` before it makes a folder, ``-<folder>``
when a row lists it or it is removed. It holds a lock on the file that the kernel releases however the process ends;
whoever gets the lock may remove what the file names, for nobody waits for it any more. A line is appended in one write,
so no kill leaves a journal that names too little. All calls are made while the store's own lock is held.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import IO

from uqcore.store.manifest import NAME

_STALE_AFTER_S = 24 * 3600  # for temporary files that no journal knows
_PREFIX = ".writer-"
_JOURNALS: dict[tuple[Path, int], Journal] = {}


class Journal:
    """Of this process in one store."""

    def __init__(self, root: Path) -> None:
        self._token = secrets.token_hex(8)
        self._path = root / f"{_PREFIX}{self._token}"
        self._file: IO[str] = self._path.open("a")
        self._names: set[str] = set()
        fcntl.flock(self._file, fcntl.LOCK_EX)

    @classmethod
    def of(cls, root: Path) -> Journal:
        """The journal of this process; a fork has one of its own."""
        key = (root.absolute(), os.getpid())
        found = _JOURNALS.get(key)
        if found is None or not found._path.exists():  # a store may have been removed as a whole
            found = _JOURNALS[key] = cls(root)
        return found

    def temporary(self) -> str:
        """A new name, which is swept with this process's other leavings."""
        return f".tmp-{self._token}-{secrets.token_hex(4)}"

    def note(self, folders: Iterable[str]) -> None:
        """Before ``folders`` are made, or lose their row."""
        self._append("+", set(folders) - self._names)

    def settle(self, folders: Iterable[str]) -> None:
        """After a row lists ``folders``, or they are gone. A journal that names nothing any more goes too."""
        self._append("-", self._names.intersection(folders))
        if not self._names:
            self._path.unlink(missing_ok=True)
            self._file.close()

    def _append(self, sign: str, names: set[str]) -> None:
        self._names = self._names | names if sign == "+" else self._names - names
        if names:
            self._file.write("".join(f"{sign}{name}\n" for name in sorted(names)))
            self._file.flush()


def sweep(root: Path, listed: Collection[str]) -> None:
    """Removes what processes that are gone have left: folders that are not ``listed`` in a row, temporary files."""
    alive: set[str] = set()
    left: list[tuple[Path, set[str]]] = []
    for path in root.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), path.open() as file:
            names = _named(file.read())
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                alive |= names | {path.name.removeprefix(_PREFIX)}
            else:
                left.append((path, names))
    for path in root.glob(".tmp-*"):
        token = path.name.split("-")[1]
        was_left = any(token == journal.name.removeprefix(_PREFIX) for journal, _ in left)
        with contextlib.suppress(OSError):
            if was_left or (token not in alive and time.time() - path.lstat().st_mtime > _STALE_AFTER_S):
                _remove(path)
    for path, names in left:
        for name in names - alive - {*listed}:
            _remove(root / name)
        path.unlink(missing_ok=True)  # last: whoever is killed before leaves it to the next


def _named(text: str) -> set[str]:
    """The folders that a journal's text leaves open."""
    names: set[str] = set()
    for line in text.splitlines():
        if line[:1] == "+" and NAME.fullmatch(line[1:]):
            names.add(line[1:])
        elif line[:1] == "-":
            names.discard(line[1:])
    return names


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
