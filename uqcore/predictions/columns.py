"""Tables of predictions: what the names of the columns mean, and rows gathered without knowing how many will come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.raw import Found, Kind, TextColumn, listed
from uqcore.types import UqError

if TYPE_CHECKING:
    import pyarrow as pa

_PREFIXES: dict[str, Kind] = {"p": "probs", "logit": "logits"}
_VALUE = re.compile(r"(p|logit)_(\d{1,6})")
_OTHERS = {"label": "label", "labels": "label", "ood": "ood"}
_MAX_TEXTS = 100_000


class Columns(NamedTuple):
    """Where in a table the values of class 0, 1, ... stand, and the label and the OOD mark if there are any."""

    kind: Kind
    values: tuple[int, ...]
    label: int | None
    ood: int | None
    notes: tuple[str, ...]

    @property
    def wanted(self) -> list[int]:
        return [*self.values, *(i for i in (self.label, self.ood) if i is not None)]


def find_columns(names: Sequence[str]) -> Columns:
    """The columns by their names, in any order and any case.

    Raises:
        UqError: there are none of values, or of both kinds, or one is missing or there twice.
    """
    places: dict[tuple[str, int], int] = {}
    ignored = []
    for i, name in enumerate(names):
        key = _meaning(name)
        if key is None:
            ignored.append(name)
        elif key in places:
            raise UqError(
                f"Expected each column once. Received {listed([names[places[key]], name])}; keep one of them."
            )
        else:
            places[key] = i
    prefixes = [prefix for prefix in _PREFIXES if any(key[0] == prefix for key in places)]
    if len(prefixes) != 1:
        came = "both; keep one kind" if prefixes else f"{listed(names)}; name the columns in the first row"
        raise UqError(f"Expected columns p_0, p_1 and so on, or logit_0, logit_1 and so on. Received {came}.")
    prefix = prefixes[0]
    n_classes = sum(key[0] == prefix for key in places)
    missing = [f"{prefix}_{k}" for k in range(n_classes) if (prefix, k) not in places]
    if missing:
        last = max(k for key, k in places if key == prefix)
        raise UqError(
            f"Expected columns {prefix}_0 to {prefix}_{last} without a gap. Received none named {missing[0]}; "
            f"add it or number the columns from 0."
        )
    note = (f"Columns that mean nothing here were left out: {listed(ignored)}.",) if ignored else ()
    values = tuple(places[prefix, k] for k in range(n_classes))
    return Columns(_PREFIXES[prefix], values, places.get(("label", 0)), places.get(("ood", 0)), note)


def _meaning(name: str) -> tuple[str, int] | None:
    plain = name.strip().lower()
    if match := _VALUE.fullmatch(plain):
        return match[1], int(match[2])
    return (_OTHERS[plain], 0) if plain in _OTHERS else None


class Rows:
    """Gathers batches of a table into one float32 array that grows in place, so that no second copy is ever needed."""

    def __init__(self, columns: Columns, max_bytes: int, n_expected: int = 0) -> None:
        self._columns, self._most = columns, max_bytes // (4 * len(columns.values))
        self._check_size(n_expected)
        self._values = np.empty((n_expected, len(columns.values)), np.float32)
        self._n = 0
        others = {"labels": columns.label, "ood": columns.ood}
        self._texts = {name: _Texts(name) for name, place in others.items() if place is not None}

    def add(self, batch: pa.RecordBatch, share: float) -> None:
        """Append a batch with the columns `Columns.wanted` in that order. ``share``: how much has come with it."""
        import pyarrow as pa

        n_classes, stop = len(self._columns.values), self._n + batch.num_rows
        self._make_room(stop, share)
        for k, column in enumerate(batch.columns[:n_classes]):
            numbers = column.cast(pa.float32(), safe=False)
            self._values[self._n : stop, k] = numbers.to_numpy(zero_copy_only=False)  # an empty cell is NaN
        for texts, column in zip(self._texts.values(), batch.columns[n_classes:], strict=True):
            texts.add(column)
        self._n = stop

    def found(self, notes: Sequence[str] = ()) -> Found:
        """All that was added."""
        self._values.resize((self._n, self._values.shape[1]), refcheck=False)
        texts: dict[str, Any] = {name: texts.joined() for name, texts in self._texts.items()}
        return Found(
            self._columns.kind,
            self._values,
            order="NK",
            notes=(*self._columns.notes, *notes),
            **texts,
        )

    def _make_room(self, n: int, share: float) -> None:
        self._check_size(n)
        if n > len(self._values):
            # `resize` moves no data where the system can extend the memory; what is grown beyond need is given back.
            likely = max(int(1.03 * n / min(max(share, 1e-3), 1)), n + n // 8)
            self._values.resize((min(likely, self._most), self._values.shape[1]), refcheck=False)

    def _check_size(self, n: int) -> None:
        if n > self._most:
            raise UqError(
                f"Expected at most {self._most:,} rows of {len(self._columns.values)} classes. Received {n:,} or more; "
                f"save fewer examples."
            )


class _Texts:
    """Gathers a column with few distinct entries as `TextColumn`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._codes: list[NDArray[np.int32]] = []
        self._number = {"": 0}  # text -> its code

    def add(self, column: pa.Array) -> None:
        encoded = column.dictionary_encode()
        texts = [_text(entry) for entry in encoded.dictionary.to_pylist()]
        codes = np.array([*(self._number.setdefault(text, len(self._number)) for text in texts), 0], np.int32)
        if len(self._number) > _MAX_TEXTS:
            raise UqError(
                f"Expected at most {_MAX_TEXTS:,} different entries in `{self._name}`. Received more, "
                f"such as {listed(texts, 3)}; check that it is the right column."
            )
        self._codes.append(codes[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)])

    def joined(self) -> TextColumn:
        return TextColumn(np.concatenate(self._codes or [np.empty(0, np.int32)]), tuple(self._number))


def _text(entry: object) -> str:
    return str(int(entry)) if isinstance(entry, bool) else "" if entry is None else str(entry).strip()
