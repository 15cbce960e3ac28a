"""Arrays as the bytes of an npz file and back: numeric and finite, nothing unpickled, no more memory than they need."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqcore.types import Weights

_MOST_UNPACKED = 2**30  # bytes: the arrays of the largest model take 40 MB


def to_npz(arrays: Weights) -> bytes:
    """The npz bytes of ``arrays``: names sorted, C order, and NumPy's fixed time stamps, so equal for equal arrays.

    Raises:
        ValueError: one is not numeric, or not finite.
    """
    plain = {name: np.asarray(arrays[name], order="C") for name in sorted(arrays)}
    _check(plain)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **plain)
    return buffer.getvalue()


def from_npz(data: bytes) -> dict[str, NDArray[Any]]:
    """The read-only arrays of an npz file. ValueError: it is none, too large, or holds others than `to_npz` takes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            if sum(member.file_size for member in members.infolist()) > _MOST_UNPACKED:
                raise ValueError(f"it unpacks to more than {_MOST_UNPACKED // 2**20} MB")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive}
    except Exception as error:  # NumPy meets a damaged file with a dozen kinds of exception, MemoryError among them
        raise ValueError(" ".join(str(error).split())[:200] or type(error).__name__) from error
    _check(arrays)
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


def widened(arrays: Weights) -> dict[str, NDArray[Any]]:
    """Arrays in half precision, which is for files only, as float32: to compute with."""
    wide = {name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in arrays.items()}
    for array in wide.values():
        array.setflags(write=False)
    return wide


def _check(arrays: Weights) -> None:
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{name!r} has dtype {array.dtype}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name!r} has values that are not finite")
