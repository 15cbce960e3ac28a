"""Small files that unpack to large ones, and large ones that are right."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from pyarrow import parquet

_LONG = 200_000_000


def predictions_of(megabytes: float, seed: int = 0) -> bytes:
    """An NPZ file of so many megabytes: probabilities of ten classes, and labels that are drawn from them."""
    rng, n = np.random.default_rng(seed), int(megabytes * 1e6 / 44)
    probs = rng.random((n, 10), np.float32) ** 32  # mostly sure
    probs /= probs.sum(axis=1, keepdims=True)
    labels = (probs.cumsum(axis=1) > rng.random((n, 1), np.float32)).argmax(axis=1)
    buffer = io.BytesIO()
    np.savez(buffer, probs=probs, labels=labels.astype(np.int32))
    return buffer.getvalue()


def images_of_zeros() -> bytes:
    """Four images of 200 million pixels each, in 0.8 MB."""
    return _with_images(f"(4, 1, {_LONG})", 4 * _LONG)


def _with_images(shape: str, n_bytes: int) -> bytes:
    buffer = io.BytesIO(predictions_of(0.001))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("images.npy", "w") as member:
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
        member.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        zeros = bytes(10**6)
        for _ in range(n_bytes // 10**6):
            member.write(zeros)
    return buffer.getvalue()


def constant_rows() -> bytes:
    """Ten million rows that are all the same, in some kilobytes of Parquet."""
    buffer, n = io.BytesIO(), 1_000_000
    table = pa.table({"p_0": np.full(n, 0.75), "p_1": np.full(n, 0.25), "label": np.zeros(n, np.int8)})
    with parquet.ParquetWriter(buffer, table.schema, compression="zstd") as writer:
        for _ in range(10):
            writer.write_table(table)
    return buffer.getvalue()


def long_class_names() -> bytes:
    """A class name of ten million characters, in 80 kB."""
    buffer = io.BytesIO()
    probs = np.tile(np.array([[0.7, 0.3]], np.float32), (100, 1))
    names = np.array(["a" * 10**7, "b"], "S")
    np.savez_compressed(buffer, probs=probs, labels=np.zeros(100, np.int64), class_names=names)
    return buffer.getvalue()


def spread_json() -> bytes:
    """A hundred thousand columns, of which each row names one."""
    return ("[" + ",".join(f'{{"c{i}": 0.5}}' for i in range(100_000)) + "]").encode()


BOMBS: dict[str, Callable[[], bytes]] = {
    "images.npz": images_of_zeros,
    "rows.parquet": constant_rows,
    "names.npz": long_class_names,
    "columns.json": spread_json,
}
