"""Data files that travel with the package: each has its line in the ``SHA256SUMS`` beside it, as `sha256sum` has it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from uqcore.types import UqError

_SUMS = "SHA256SUMS"
_LINE = re.compile(rb"[0-9a-f]{64}  ([A-Za-z0-9_][A-Za-z0-9_.-]*)")


def check(path: Path) -> None:
    """UqError unless the file is there, and is the one that its line stands for."""
    sums = path.with_name(_SUMS)
    for file in (sums, path):
        if not file.is_file():
            raise UqError(f"The data file {file} is missing; get it back with `git checkout -- {file}`.")
    # Lines end where `write` ends them: `splitlines` would end them at what damage makes of that, too.
    if _line(path) not in sums.read_bytes().split(b"\n"):
        raise UqError(f"The data file {path} is damaged (wrong sha256); get it back with `git checkout -- {path}`.")


def listed(folder: Path) -> list[Path]:
    """The files of ``folder`` that have a line there, in its order; none without such lines."""
    sums = folder / _SUMS
    lines = sums.read_bytes().split(b"\n") if sums.is_file() else []
    return [folder / found[1].decode() for line in lines if (found := _LINE.fullmatch(line))]


def write(path: Path, data: bytes) -> None:
    """Writes the file and its line."""
    path.write_bytes(data)
    sums = path.with_name(_SUMS)
    lines = sums.read_bytes().split(b"\n")[:-1] if sums.is_file() else []
    others = [line for line in lines if not line.endswith(f"  {path.name}".encode())]
    sums.write_bytes(b"".join(line + b"\n" for line in (*others, _line(path))))


def _line(path: Path) -> bytes:
    with path.open("rb") as stream:
        return f"{hashlib.file_digest(stream, 'sha256').hexdigest()}  {path.name}".encode()
