"""The columns of a table that have a role, whole: gathered from batches without knowing how many rows will come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.cells import is_nested, is_number, is_text, may_be_vector, numbers, vectors
from uqcore.predictions.raw import TextColumn, listed
from uqcore.predictions.roles import Roles
from uqcore.predictions.table import Opened, as_text
from uqcore.types import FloatArray, UqError

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_TEXTS = 100_000
_ID_BYTES = 16  # of memory for a short text in `StringDType`


class Columns(NamedTuple):
    """The columns of a table that have a role, whole.

    Attributes:
        values: ``(N, K) float32``, or ``(N, 1)`` for one column of numbers.
        classes: names of the K where the cells have them.
        others: role -> column, of `Roles.others`.
        ids: name -> ``(N,)`` text.
        n_empty: rows at the end in which nothing stood, which were left out.
    """

    values: NDArray[np.float32]
    classes: tuple[str, ...] | None
    others: dict[str, TextColumn | NDArray[Any]]
    ids: dict[str, NDArray[Any]]
    n_empty: int = 0


class Rows:
    """Gathers batches of a table into one float32 array that grows in place, so that no second copy is ever needed."""

    def __init__(self, roles: Roles, max_bytes: int, n_expected: int = 0) -> None:
        self._roles, self._max_bytes, self._n = roles, max_bytes, 0
        self._width, self._classes = max(2, len(roles.values)), roles.classes
        self._check_size(n_expected)
        self._n_expected = n_expected
        self._values = np.empty((0, len(roles.values)), np.float32)
        self._others = {role: _Numbers(name) if role == "weight" else _Texts(name) for role, name in _gathered(roles)}
        self._ids = {name: _Strings(max_bytes) for name in (*roles.ids, *([roles.time] if roles.time else ()))}

    def add(self, batch: pa.RecordBatch, share: float) -> None:
        """Append a batch with the columns `Roles.columns` in that order. ``share``: how much has come with it."""
        names, n_values = self._roles.values, len(self._roles.values)
        columns = dict(zip(self._roles.columns, batch.columns, strict=True))
        if batch.num_rows == 0:
            return
        stop = self._n + batch.num_rows
        if n_values == 1 and _is_vector(columns[names[0]]):
            found = self._vectors(columns[names[0]])
            self._make_room(stop, share, found.shape[1])
            self._values[self._n : stop] = found
        else:
            self._make_room(stop, share, n_values)
            for k, name in enumerate(names):
                self._values[self._n : stop, k] = self._numbers(name, columns[name])
        for role, name in _gathered(self._roles):
            self._others[role].add(columns[name], self._n)
        for name, strings in self._ids.items():
            strings.add(columns[name])
        self._n = stop

    def found(self) -> Columns:
        """All that was added, but for rows at the end in which nothing stands, as spreadsheets save them."""
        others: dict[str, Any] = {role: column.joined() for role, column in self._others.items()}
        ids = {name: strings.joined() for name, strings in self._ids.items()}
        n = self._n
        while n and _is_empty(n - 1, self._values, [*others.values(), *ids.values()]):
            n -= 1
        n_empty = self._n - n if n else 0
        if n_empty:
            self._n = n
            others = {role: _cut(column, n) for role, column in others.items()}
            ids = {name: texts[:n] for name, texts in ids.items()}
        self._values.resize((self._n, self._values.shape[1]), refcheck=False)
        if self._roles.time is not None:
            others["time"] = ids.pop(self._roles.time)
        return Columns(self._values, self._classes, others, ids, n_empty)

    def _vectors(self, column: pa.Array) -> FloatArray:
        found = vectors(column, self._classes, self._n + 1)
        width = self._values.shape[1] if self._n else found.values.shape[1]
        if found.values.shape[1] != width:
            raise UqError(
                f"Expected {width:,} numbers in every cell of {self._roles.values[0]!r}, as in the first. Received "
                f"{found.values.shape[1]:,} in a row from {self._n + 1:,} on."
            )
        if found.classes is not None:
            self._classes = found.classes
        return found.values

    def _numbers(self, name: str, column: pa.Array) -> FloatArray:
        if not (is_number(column.type) or is_text(column.type) or str(column.type) == "null"):
            raise UqError(f"Expected numbers in the column {name!r}. Received {column.type}; convert it.")
        values, wrong = numbers(column, np.float32)
        if wrong is not None:
            raise UqError(
                f"Expected numbers in the column {name!r}. Received {listed([column[wrong].as_py()])} in row "
                f"{self._n + wrong + 1:,} of the data; correct it, or leave the cell out with its row."
            )
        return values

    def _make_room(self, n: int, share: float, width: int) -> None:
        if not self._n:
            self._width = max(2, width)
            self._check_size(self._n_expected)
            self._values = np.empty((self._n_expected, width), np.float32)
        self._check_size(n)
        if n > len(self._values):
            # `resize` moves no data where the system can extend the memory; what is grown beyond need is given back.
            likely = max(int(1.03 * n / min(max(share, 1e-3), 1)), n + n // 8)
            self._values.resize((min(likely, self._most), width), refcheck=False)

    @property
    def _most(self) -> int:
        return self._max_bytes // (4 * self._width)

    def _check_size(self, n: int) -> None:
        if n > self._most:
            raise UqError(
                f"Expected at most {self._most:,} rows of {self._width} classes. Received {n:,} or more; "
                f"save fewer examples."
            )


def _is_empty(row: int, values: FloatArray, others: Sequence[Any]) -> bool:
    """Whether nothing stands in a row."""
    if not np.isnan(values[row]).all():
        return False
    for column in others:
        entry = column.texts[column.codes[row]] if isinstance(column, TextColumn) else column[row]
        if entry != "" and not (isinstance(entry, float) and np.isnan(entry)):
            return False
    return True


def _cut(column: TextColumn | NDArray[Any], n: int) -> TextColumn | NDArray[Any]:
    return column._replace(codes=column.codes[:n]) if isinstance(column, TextColumn) else column[:n]


def _gathered(roles: Roles) -> list[tuple[str, str]]:
    """Roles and names of the columns beside the values and the texts of every example."""
    return [(role, name) for role, name in roles.others.items() if role != "time"]


def _is_vector(column: pa.Array) -> bool:
    if not is_text(column.type):
        return is_nested(column.type)
    return next((may_be_vector(cell.strip()) for cell in column.slice(0, 99).to_pylist() if cell), False)


def text_column(opened: Opened, name: str) -> TextColumn:
    """One column of a table, whole, which has few distinct entries. UqError: it has many."""
    texts = _Texts(name)
    for batch, _ in opened.batches((), (name,)):
        texts.add(batch.column(0), 0)
    return texts.joined()


class _Texts:
    """Gathers a column with few distinct entries as `TextColumn`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._codes: list[NDArray[np.int32]] = []
        self._number = {"": 0}  # text -> its code

    def add(self, column: pa.Array, start: int) -> None:
        if is_nested(column.type):
            column = _written_out(column)
        encoded = column.dictionary_encode()
        texts = [as_text(entry) for entry in encoded.dictionary.to_pylist()]
        codes = np.array([*(self._number.setdefault(text, len(self._number)) for text in texts), 0], np.int32)
        if len(self._number) > _MAX_TEXTS:
            raise UqError(
                f"Expected at most {_MAX_TEXTS:,} different entries in {self._name!r}. Received more, "
                f"such as {listed(texts, 3)}; check that it is the right column."
            )
        self._codes.append(codes[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)])

    def joined(self) -> TextColumn:
        return TextColumn(np.concatenate(self._codes or [np.empty(0, np.int32)]), tuple(self._number))


class _Numbers:
    """Gathers a column of numbers."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parts: list[NDArray[np.float64]] = []

    def add(self, column: pa.Array, start: int) -> None:
        values, wrong = numbers(column)
        if wrong is not None:
            raise UqError(
                f"Expected numbers in the column {self._name!r}. Received {listed([column[wrong].as_py()])} in row "
                f"{start + wrong + 1:,} of the data; correct it, or choose another column."
            )
        self._parts.append(values)

    def joined(self) -> NDArray[np.float64]:
        return np.concatenate(self._parts or [np.empty(0)])


class _Strings:
    """Gathers a column of any texts as it stands in the file."""

    def __init__(self, max_bytes: int) -> None:
        self._parts: list[NDArray[Any]] = []
        self._left = max_bytes

    def add(self, column: pa.Array) -> None:
        texts = [as_text(cell) for cell in column.to_pylist()]
        self._left -= sum(_ID_BYTES + len(text) for text in texts)
        if self._left < 0:
            raise UqError("Expected ids and times that fit into memory. Received too many; leave that column out.")
        self._parts.append(np.array(texts, np.dtypes.StringDType()))

    def joined(self) -> NDArray[Any]:
        return np.concatenate(self._parts or [np.empty(0, np.dtypes.StringDType())])


def _written_out(column: pa.Array) -> pa.Array:
    """Lists as text."""
    import pyarrow as pa

    return pa.array([None if cell is None else str(cell) for cell in column.to_pylist()], pa.string())
