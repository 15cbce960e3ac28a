"""`read_predictions`: from a file of any kind to `Predictions`, or to one sentence that says why not."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from uqcore.predictions.from_csv import read_csv
from uqcore.predictions.from_npz import read_npz
from uqcore.predictions.from_parquet import read_parquet
from uqcore.predictions.raw import Found
from uqcore.predictions.record import Predictions
from uqcore.predictions.validate import checked
from uqcore.types import UqError

MAX_BYTES = 2_000_000_000
"""The most that the arrays of a file may take in memory, unless the caller says otherwise."""

_OTHER_FORMATS = {
    b"\x93NUMPY": "a single array (.npy); save it by name with np.savez(file, probs=probs, labels=labels)",
    b"\x80": "a Python pickle, which could run code and is never opened; save the arrays with np.savez",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file; save the arrays with np.savez",
    b"\xd0\xcf\x11\xe0": "an old Excel or other Office file; save it as CSV",
    b"\x89PNG": "a picture; choose a file with a model's predictions",
    b"\xff\xd8\xff": "a picture; choose a file with a model's predictions",
    b"GIF8": "a picture; choose a file with a model's predictions",
    b"%PDF": "a PDF; choose a file with a model's predictions",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it first",
    b"BZh": "a bzip2 archive; unpack it first",
    b"\xfd7zXZ": "an xz archive; unpack it first",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive; unpack it first",
    b"ARROW1": "an Arrow or Feather file; save it as Parquet",
    b"MATLAB": "a MATLAB file; save the arrays with np.savez",
    b"SQLite": "a SQLite database; save the table as CSV",
    b"\xff\xfe": "text in UTF-16; save it as CSV in UTF-8",
    b"\xfe\xff": "text in UTF-16; save it as CSV in UTF-8",
    b"{": "JSON; save it as CSV",
    b"[": "JSON; save it as CSV",
}


def read_predictions(
    source: Path | bytes | BinaryIO,
    name: str,
    *,
    normalize: bool = False,
    max_bytes: int = MAX_BYTES,
    tick: Callable[[float], None] = lambda share: None,
) -> Predictions:
    """Read and check an NPZ, CSV or Parquet file of predictions; what kind it is, its content tells.

    NPZ: ``probs`` or ``logits``, ``(N, K)`` or ``(S, N, K)``, and optionally ``labels (N,)``, ``ood (N,)``,
    ``images (N, H, W[, C]) uint8``, ``class_names (K,)``. CSV and Parquet: columns ``p_0 ... p_{K-1}`` or
    ``logit_0 ...``, and optionally ``label`` and ``ood``. Numbers of any type are kept as float32.

    Args:
        source: where the file is, its content, or a seekable stream, which stays open.
        name: the file's name, for people.
        normalize: divide rows of probabilities by their sums where a sum is too far from 1.
        max_bytes: how much the arrays may take in memory; a file that unpacks to more is refused before it does.
        tick: told the share of the file that has been read, rising to 1.

    Raises:
        NotNormalized: only the sums of the rows are wrong: reading again with ``normalize=True`` would do.
        UqError: anything else is.
    """
    if isinstance(source, Path):
        try:
            with source.open("rb") as opened:
                return read_predictions(opened, name, normalize=normalize, max_bytes=max_bytes, tick=tick)
        except OSError as error:
            raise UqError(f"{source} cannot be read ({error.strerror}); name a file that can.") from error
    file: BinaryIO = BytesIO(source) if isinstance(source, bytes) else source
    predictions = checked(_reader(file, name)(file, max_bytes, tick), name, normalize)
    tick(1.0)
    return predictions


def _reader(file: BinaryIO, name: str) -> Callable[[BinaryIO, int, Callable[[float], None]], Found]:
    """Who can read the file, by its first bytes."""
    file.seek(0)
    head = file.read(2**12)
    if not head:
        raise UqError(f"Expected an NPZ, CSV or Parquet file. {name} is empty.")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return read_npz
    if head.startswith((b"PAR1", b"PARE")):
        return read_parquet
    for magic, what in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise UqError(f"Expected an NPZ, CSV or Parquet file. {name} is {what}.")
    if b"\0" in head:
        raise UqError(f"Expected an NPZ, CSV or Parquet file. {name} is none of these; save the arrays with np.savez.")
    return read_csv
