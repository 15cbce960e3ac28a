"""The first rows of a table, by which its columns are known, and the way to all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.predictions.cells import NO_TEXT, Vectors, is_nested, is_text, may_be_vector, numbers, vectors
from uqcore.types import UqError

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_ROWS, _SHOWN = 10, 60  # rows that a person is shown, characters of each cell
MOST_COLUMNS = 20_000
"""Each takes half a millisecond to be known by its cells."""

HEAD_ROWS = 1000
"""How many rows are looked at to find the roles of columns."""


@dataclass(frozen=True, eq=False)
class HeadColumn:
    """A column's first cells.

    Attributes:
        name: by which it is called; no two columns have the same.
        header: what the file calls it.
        cells: the first ones.
    """

    name: str
    header: str
    cells: pa.Array

    @cached_property
    def _parsed(self) -> tuple[NDArray[np.float64], int | None]:
        return numbers(self.cells)

    @property
    def parsed(self) -> NDArray[np.float64]:
        """``(N,)``, NaN for what is no number."""
        return self._parsed[0]

    @cached_property
    def numbers(self) -> NDArray[np.float64] | None:
        """``(N,)``, NaN where nothing stands; None where a cell is no number, or nothing stands at all."""
        values, wrong = self._parsed
        return None if wrong is not None or not np.isfinite(values).any() else values

    @property
    def is_bool(self) -> bool:
        import pyarrow as pa

        return bool(pa.types.is_boolean(self.cells.type))

    @cached_property
    def mostly_numbers(self) -> bool:
        """Whether at least half of the cells are numbers: a column of these with a mistake in it."""
        return not self.is_bool and 2 * np.isfinite(self.parsed).sum() >= max(len(self.cells), 1)

    @cached_property
    def needs_parsing(self) -> bool:
        """Whether its numbers have a sign around them, or stand in vectors, which a CSV reader does not know."""
        import pyarrow as pa

        if self.vectors is not None or self.numbers is None:
            return self.vectors is not None
        try:
            self.cells.cast(pa.float64())
        except pa.ArrowException:
            return True
        return False

    @cached_property
    def texts(self) -> list[str]:
        """Each cell as text, empty where nothing stands; nothing for lists and the like."""
        return [] if is_nested(self.cells.type) else [as_text(cell) for cell in self.cells.to_pylist()]

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """The different texts, in the order in which they come, without what stands for nothing."""
        return tuple(text for text in dict.fromkeys(self.texts) if text.lower() not in NO_TEXT)

    @cached_property
    def vectors(self) -> Vectors | None:
        """The vectors in the cells, if there is one of 2 numbers or more in each."""
        kind = self.cells.type
        if not len(self.cells) or not (is_nested(kind) or is_text(kind)):
            return None
        if is_text(kind) and not may_be_vector((self.cells[0].as_py() or "").strip()):
            return None
        try:
            found = vectors(self.cells)
        except UqError:
            return None
        return found if found.values.shape[1] > 1 else None


@dataclass(frozen=True, eq=False)
class Table:
    """The first rows of a table."""

    columns: tuple[HeadColumn, ...]

    @classmethod
    def of(cls, headers: Sequence[str], cells: Sequence[pa.Array]) -> Table:
        """From the columns' headers, which may be empty or there twice, and their first cells.

        Raises:
            UqError: there are more than `MOST_COLUMNS`.
        """
        if len(headers) > MOST_COLUMNS:
            raise UqError(
                f"Expected a table of at most {MOST_COLUMNS:,} columns. Received {len(headers):,}; save the values as "
                f"one array (N, K) with np.savez."
            )
        names = unique_names(headers)
        return cls(tuple(HeadColumn(*column) for column in zip(names, map(str.strip, headers), cells, strict=True)))

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def first_cells(self) -> dict[str, list[str]]:
        """Column's name -> its first cells as short texts, for a person to recognise it."""
        return {
            column.name: [as_text(cell)[:_SHOWN] for cell in column.cells[:SHOWN_ROWS].to_pylist()]
            for column in self.columns
        }

    def __getitem__(self, name: str) -> HeadColumn:
        return self.columns[self._place[name]]

    def places(self, names: Sequence[str]) -> list[int]:
        """Where columns stand among all."""
        return [self._place[name] for name in names]

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}


def unique_names(headers: Sequence[str]) -> list[str]:
    """The headers as names: those that are empty by their place, those that are there again with a number behind."""
    seen: Counter[str] = Counter()
    names = []
    for i, header in enumerate(headers):
        name = header.strip() or f"column {i + 1}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


class Opened(NamedTuple):
    """A file of a table whose first rows are known.

    Attributes:
        table: the first rows.
        batches: from the names of columns of numbers and of others to all rows of these, in that order, with the share
            of the file that has come so far.
        notes: what was found out about the file's form.
        n_rows: how many the file says it has; 0 where it does not.
    """

    table: Table
    batches: Callable[[Sequence[str], Sequence[str]], Iterator[tuple[pa.RecordBatch, float]]]
    notes: tuple[str, ...] = ()
    n_rows: int = 0


def in_memory(headers: Sequence[str], cells: Sequence[Sequence[Any]], notes: tuple[str, ...] = ()) -> Opened:
    """A table whose cells are here already, a sequence of Python's values for each column."""
    import pyarrow as pa

    arrays = [_array(column) for column in cells]
    table = Table.of(headers, [array[:HEAD_ROWS] for array in arrays])

    def batches(values: Sequence[str], others: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, float]]:
        names = [*values, *others]
        yield pa.record_batch([arrays[place] for place in table.places(names)], names=names), 1.0

    return Opened(table, batches, notes, len(arrays[0]) if arrays else 0)


def _array(cells: Sequence[Any]) -> pa.Array:
    """Cells of one type as that type, of several as text."""
    import pyarrow as pa

    try:
        return pa.array(cells)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if cell is None else as_text(cell) for cell in cells], pa.string())


def as_text(entry: object) -> str:
    """A cell as text: a boolean as ``true`` or ``false``, as a CSV file has it."""
    return str(entry).lower() if isinstance(entry, bool) else "" if entry is None else str(entry).strip()
