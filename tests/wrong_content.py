"""Files that a right checksum stands beside and that hold something else: for one model, or for a whole store."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from uqcore.datasets import DATASETS
from uqcore.methods import of_task
from uqcore.reproduce.trainings import store_beside
from uqcore.store import Store
from uqcore.types import ModelRecord, StoredFile

Arrays = dict[str, Any]


def npz(arrays: Arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def with_header(header: bytes, body: bytes = b"") -> Callable[[Arrays], bytes]:
    """An array whose NPY header is this text."""

    def make(arrays: Arrays) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            padded = header + b" " * 10 + b"\n"
            archive.writestr("head/bias.npy", b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + body)
        return buffer.getvalue()

    return make


def changed(change: Callable[[Any], Any]) -> Callable[[Arrays], bytes]:
    """The largest array changed, whatever it is called."""

    def make(arrays: Arrays) -> bytes:
        name = max(arrays, key=lambda name: int(arrays[name].size))
        return npz({**arrays, name: change(arrays[name])})

    return make


def bomb(arrays: Arrays) -> bytes:
    """A member that says it unpacks to 2 GB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(10**6))
    data, size = bytearray(buffer.getvalue()), (10**6).to_bytes(4, "little")
    for _ in range(data.count(size)):
        at = data.find(size)
        data[at : at + 4] = (2**31).to_bytes(4, "little")
    return bytes(data)


_FLOATS = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }"
KINDS: dict[str, Callable[[Arrays], bytes]] = {
    "a header of (": with_header(b"("),
    "a header that runs code": with_header(b"__import__('os').abort()"),
    "10^12 rows": with_header((_FLOATS % "(1000000000000,)").encode()),
    "a negative length": with_header((_FLOATS % "(-1,)").encode()),
    "deep brackets": with_header(b"(" * 5000),
    "a bomb": bomb,
    "no array": lambda arrays: npz({}),
    "nothing": lambda arrays: b"",
    "a text": lambda arrays: b"weights",
    "another name": lambda arrays: npz({f"x{name}": array for name, array in arrays.items()}),
    "one name less": lambda arrays: npz(dict(list(arrays.items())[1:])),
    "one name more": lambda arrays: npz({**arrays, "more": np.zeros(1)}),
    "another shape": changed(lambda a: a[:-1]),
    "a shape that broadcasts": changed(lambda a: a[..., :1]),
    "an axis more": changed(lambda a: a[None]),
    "truth values": changed(lambda a: a > 0),
    "whole numbers": changed(lambda a: a.astype(np.int64)),
    "3e38": changed(lambda a: np.full_like(a, 3e38, np.float32)),
    "NaN": changed(lambda a: np.full_like(a, np.nan, np.float32)),
    "texts": changed(lambda a: a.astype(str)),
    "objects": changed(lambda a: a.astype(object)),
}


def put_unchecked(store: Store, record: ModelRecord, data: bytes, table: str | None = None) -> ModelRecord:
    """The record with this file in place of its last, or of a table, whatever is in it."""
    digest = hashlib.sha256(data).hexdigest()
    file = StoredFile(f"{record.model_id}-{digest[:8]}/odd.npz", digest, len(data))
    place = store.root / file.path
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(data)
    files = (*record.files[:-1], file) if table is None else record.files
    record = replace(record, files=files, tables={**record.tables, **({table: file} if table else {})})
    store.put(record)
    return record


def fill_wrongly(store: Store, turn: int) -> Iterator[str]:
    """Every model of a store but one a task gets something else in place of its weights, or of all its tables; those
    of the reproductions too. Gives the models' ids.

    Args:
        turn: which kinds: so many turns as there are kinds put every kind into every place.
    """
    kinds, beside = list(KINDS.values()), store_beside(store)
    for task in DATASETS:
        for i, method in enumerate(of_task(task)[:-1]):
            record = next(row for row in store.records() if row.model_id == f"{task}-{method}-seed0")
            kind = kinds[(turn + i) % len(kinds)]
            if (turn + i) % 2 or not record.tables:
                put_unchecked(store, record, kind(dict(store.arrays(record)[-1])))
            for table in record.tables if (turn + i) % 2 == 0 else ():
                record = put_unchecked(store, record, kind(dict(store.table(record, table))), table)
            yield record.model_id
    for i, record in enumerate(beside.records()):
        put_unchecked(beside, record, kinds[(turn + i) % len(kinds)](dict(beside.arrays(record)[-1])))
        yield record.model_id
