"""NPZ files, read by hand: nothing is unpickled, and nothing is unpacked before its size is known to be reasonable.

`numpy.load` allocates what a header claims and unpacks a member whole. Here the directory of the zip is bounded first,
then each array's header is held against its member's size and all of them against a budget, and the contents are
inflated a few megabytes at a time straight into the array that is kept.
"""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from uqcore.predictions.raw import Found, Kind, listed
from uqcore.types import ShareTick, UqError

_NUMBERS, _NAMES, _BYTES = ("fiu", "numbers"), ("US", "text"), ("u", "8-bit unsigned numbers (uint8)")
_ARRAYS = {
    "probs": _NUMBERS,
    "logits": _NUMBERS,
    "labels": ("fiubUS", "whole numbers or text"),
    "ood": ("bfiuUS", "booleans"),
    "images": _BYTES,
    "class_names": _NAMES,
    "mean_logits": _NUMBERS,
    "variance": _NUMBERS,
    "mean_field_factor": _NUMBERS,
    "score": _NUMBERS,
}
_FLOAT32 = frozenset(("probs", "logits", "mean_logits", "variance", "score"))  # converted as they are read

BLOCK = 2**22  # bytes inflated at a time
_MAX_DIRECTORY = 2**20  # bytes of the zip's directory, which `zipfile` turns into about ten times as much
_END = struct.Struct("<4s4H2LH")
_END_64_SIZE = 20


class _Array(NamedTuple):
    """An array in the archive as its header describes it, which its size has been held against."""

    name: str
    member: zipfile.ZipInfo
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    header_size: int

    @property
    def n_bytes(self) -> int:
        """Of memory, once it is read."""
        return math.prod(self.shape) * (4 if self.name in _FLOAT32 else self.dtype.itemsize)


def read_npz(file: BinaryIO, max_bytes: int, tick: ShareTick) -> Found:
    """The arrays of an NPZ file that mean something here, unpacked into at most about ``max_bytes``.

    Raises:
        UqError: the file is damaged, encrypted or too large, or an array in it is not what its name says.
    """
    try:
        _check_directory(file)
        with zipfile.ZipFile(file) as archive:
            return _read(archive, max_bytes, tick)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UqError(f"Expected a whole NPZ file. Received a damaged one ({reason}); save it again.") from error


def _check_directory(file: BinaryIO) -> None:
    """Refuse a directory that would take gigabytes as objects. NumPy writes a small one, right at the end."""
    file.seek(max(0, file.seek(0, 2) - _END.size - _END_64_SIZE))
    tail = file.read()
    if len(tail) < _END.size or tail[-_END.size :][:4] != b"PK\x05\x06":
        raise zipfile.BadZipFile("it has no directory at its end, so it is cut off")
    size = _END.unpack(tail[-_END.size :])[5]
    if size > _MAX_DIRECTORY or tail[:4] == b"PK\x06\x07":
        raise UqError("Expected an NPZ file with a handful of arrays. Received thousands or more than 2 GB of them.")


def _read(archive: zipfile.ZipFile, max_bytes: int, tick: ShareTick) -> Found:
    members = _members(archive)
    kind = _kind(members, archive)
    # Sizes first by the directory, which bounds what is inflated, then by the headers, which bound what is allocated.
    _check_size(sum(member.file_size for member in members.values()), max_bytes)
    headers = [_header(archive, name, member) for name, member in members.items()]
    total = sum(array.n_bytes for array in headers)
    _check_size(total, max_bytes)
    arrays: dict[str, NDArray[Any]] = {}
    done = 0
    for header in headers:
        arrays[header.name] = _contents(archive, header, _later(tick, done, total))
        done += header.n_bytes
    read = {member.filename for member in members.values()}
    ignored = [name for name in archive.namelist() if name not in read]
    notes = (f"Arrays that mean nothing here were left out: {listed(ignored)}.",) if ignored else ()
    return Found(kind, arrays.pop(kind), **arrays, notes=notes)  # type: ignore[arg-type]


def _later(tick: ShareTick, done: int, total: int) -> Callable[[int], None]:
    return lambda n_bytes: tick((done + n_bytes) / max(total, 1))


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Array name -> its member, of the arrays wanted. Names are only compared: nothing is extracted to a path."""
    found: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name not in _ARRAYS or name == member.filename:
            continue
        if name in found:
            raise UqError(f"Expected one array `{name}`. Received several in the same file; keep one.")
        if member.flag_bits & 1:
            raise UqError(f"Expected an NPZ file that is not encrypted. Received `{name}` encrypted; save it openly.")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UqError(
                f"Expected arrays as np.savez or np.savez_compressed write them. Received `{name}` packed in another "
                f"way; save it again with one of these."
            )
        found[name] = member
    return found


def _kind(members: dict[str, zipfile.ZipInfo], archive: zipfile.ZipFile) -> Kind:
    if "probs" in members and "logits" in members:
        raise UqError("Expected either `probs` or `logits`. Received both; keep the one your model puts out.")
    if "probs" in members:
        return "probs"
    if "logits" in members:
        return "logits"
    names = archive.namelist()
    if "[Content_Types].xml" in names:
        raise UqError("Expected an NPZ, CSV or Parquet file. Received an Excel or other Office file; save it as CSV.")
    if any(name.endswith("data.pkl") for name in names):
        raise UqError(
            "Expected an NPZ, CSV or Parquet file. Received a PyTorch file, which is a pickle and is never opened; "
            "save the arrays with np.savez."
        )
    raise UqError(
        f"Expected an array `probs` or `logits`. Received: {listed([name.removesuffix('.npy') for name in names])}; "
        f"save it with np.savez(file, probs=probs, labels=labels)."
    )


def _check_size(n_bytes: int, max_bytes: int) -> None:
    if n_bytes > max_bytes:
        raise UqError(
            f"Expected arrays of at most {max_bytes / 1e6:,.0f} MB. Received {n_bytes / 1e6:,.0f} MB when unpacked; "
            f"save fewer examples or samples."
        )


def _header(archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> _Array:
    with archive.open(member) as stream:
        try:
            # Version 1 bounds the header to 64 kB. Later ones are for arrays with fields, which have no place here.
            if npy.read_magic(stream) != (1, 0):
                raise ValueError("another format than that of plain arrays")
            shape, fortran_order, dtype = npy.read_array_header_1_0(stream)
        except Exception as error:  # NumPy meets a damaged header with half a dozen kinds of exception
            raise ValueError(f"`{name}` has no header that can be read: {error}") from error
        header_size = stream.tell()
    if dtype.hasobject:
        raise UqError(
            f"Expected `{name}` as {_ARRAYS[name][1]}. Received an object array, which is stored as a pickle that "
            f"could run code and is never opened; convert it, as with np.array({name}.tolist())."
        )
    kinds, wanted = _ARRAYS[name]
    if dtype.kind not in kinds or (name == "images" and dtype != np.uint8):
        hint = "; bfloat16 must become float32 first" if dtype.kind == "V" else ""
        raise UqError(f"Expected `{name}` as {wanted}. Received dtype {dtype}{hint}; convert it.")
    if (
        min(shape, default=0) < 0
        or not dtype.itemsize
        or header_size + math.prod(shape) * dtype.itemsize != member.file_size
    ):
        raise ValueError(f"`{name}` does not have the size that its header says")
    return _Array(name, member, shape, fortran_order, dtype, header_size)


def _contents(archive: zipfile.ZipFile, header: _Array, tick: Callable[[int], None]) -> NDArray[Any]:
    """The array, inflated block by block; a member that ends early, goes on or fails its checksum is damaged."""
    target = np.dtype(np.float32) if header.name in _FLOAT32 else header.dtype
    flat = np.empty(math.prod(header.shape), target)
    step = max(1, BLOCK // max(header.dtype.itemsize, 1))
    with archive.open(header.member) as stream, np.errstate(over="ignore"):
        stream.read(header.header_size)
        for start in range(0, len(flat), step):
            stop = min(start + step, len(flat))
            block = stream.read((stop - start) * header.dtype.itemsize)
            flat[start:stop] = np.frombuffer(block, header.dtype, stop - start)
            tick(stop * target.itemsize)
        if stream.read(1):
            raise ValueError(f"`{header.name}` goes on after its end")
    if flat.dtype.kind == "U":
        _check_text(header.name, flat)
    return flat.reshape(header.shape, order="F" if header.fortran_order else "C")


def _check_text(name: str, flat: NDArray[Any]) -> None:
    """ValueError unless all characters are of Unicode, which Python takes for granted when it makes a str of them."""
    code_points = flat.astype(flat.dtype.newbyteorder("="), copy=False).view(np.uint32)
    if ((code_points > 0x10FFFF) | ((code_points >= 0xD800) & (code_points < 0xE000))).any():
        raise ValueError(f"`{name}` has characters that are none")
