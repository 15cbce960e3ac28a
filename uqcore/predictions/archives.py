"""Zip archives, which NPZ and Excel files are too: bounded before anything of them is unpacked."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

from uqcore.predictions.raw import listed
from uqcore.text import reason
from uqcore.types import UqError

BLOCK = 2**22
"""Bytes inflated at a time."""

_MAX_DIRECTORY = 2**20  # bytes of the zip's directory, which `zipfile` turns into about ten times as much
_END = struct.Struct("<4s4H2LH")
_END_64_SIZE = 20
_TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet", ".feather", ".arrow", ".xlsx", ".csv.gz")


@contextmanager
def damage_told(form: str) -> Iterator[None]:
    """One sentence for what damaged files raise."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError, OSError) as error:
        raise UqError(
            f"Expected a whole {form} file. Received a damaged one ({reason(error)}); save it again."
        ) from error


def check_directory(file: BinaryIO, expected: str) -> None:
    """Refuse a zip's directory that would take gigabytes as objects. NumPy writes a small one, right at the end."""
    file.seek(max(0, file.seek(0, 2) - _END.size - _END_64_SIZE))
    tail = file.read()
    if len(tail) < _END.size or tail[-_END.size :][:4] != b"PK\x05\x06":
        raise zipfile.BadZipFile("it has no directory at its end, so it is cut off")
    size = _END.unpack(tail[-_END.size :])[5]
    if size > _MAX_DIRECTORY or tail[:4] == b"PK\x06\x07":
        raise UqError(f"Expected {expected}. Received thousands or more than 2 GB of them; save only what is needed.")


def only_table(file: BinaryIO) -> str | None:
    """The name of the one table in a zip archive that holds nothing else, as downloads often are; None for others.

    UqError: there are several files and no array among them, or the archive is damaged.
    """
    with damage_told("zip archive or NPZ"):
        check_directory(file, "an NPZ file with a handful of arrays")
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if not name.startswith("__MACOSX/") and name[-1:] != "/"]
    if any(name.endswith((".npy", ".pkl")) for name in names) or not names:
        return None
    if len(names) == 1 and names[0].lower().endswith(_TABLES):
        return names[0]
    what = "a Keras model" if "model.weights.h5" in names else f"an archive of {listed(names, 3)}"
    hint = "make predictions with `python -m uqcore predict`" if "model.weights.h5" in names else "unpack one of them"
    raise UqError(f"Expected arrays, or one table, in a zip archive. Received {what}; {hint}.")


def unpack_member(file: BinaryIO, name: str, target: IO[bytes], max_bytes: int) -> None:
    """A member of a zip archive, on disk. UqError: it is damaged, encrypted, or larger than ``max_bytes``."""
    with damage_told("zip archive"), zipfile.ZipFile(file) as archive:
        member = archive.getinfo(name)
        if member.flag_bits & 1:
            raise UqError(f"Expected an archive that is not encrypted. Received {name[:60]!r} encrypted; unpack it.")
        check_size(member.file_size, max_bytes)
        left = max_bytes
        with archive.open(member) as stream:
            while block := stream.read(BLOCK):
                left -= len(block)
                check_size(member.file_size if left >= 0 else max_bytes + 1, max_bytes)
                target.write(block)


def check_size(n_bytes: int, max_bytes: int) -> None:
    if n_bytes > max_bytes:
        raise UqError(
            f"Expected arrays of at most {max_bytes / 1e6:,.0f} MB. Received {n_bytes / 1e6:,.0f} MB when unpacked; "
            f"save fewer examples or samples."
        )
