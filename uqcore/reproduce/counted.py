"""The rows as they were counted last, in a file beside the trainings: counting them anew takes seconds of a processor.

They are of the models that were asked for while they were counted, and of all trainings; where one of these has changed
since, they are counted again. Whatever else the store holds changes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from uqcore import strict_json as check
from uqcore.reproduce.rows import Row, Source, to_plain
from uqcore.reproduce.trainings import store_beside
from uqcore.store import Store, StoreError
from uqcore.store.manifest import to_json
from uqcore.types import ModelRecord, UqError

_NAME, _FORMAT, _MOST_BYTES = "rows.json", 2, 2**22


class Counted(NamedTuple):
    """Rows, the ids of the models that they were counted from, and the `digest` of these as they then were."""

    model_ids: tuple[str, ...]
    models: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Asked(Store):
    """A store that remembers which models it was asked for."""

    model_ids: set[str] = field(default_factory=set, compare=False)

    def get(self, model_id: str) -> ModelRecord:
        self.model_ids.add(model_id)
        return super().get(model_id)

    def find(self, task: str, method: str, seed: int = 0) -> ModelRecord:
        record = super().find(task, method, seed)
        self.model_ids.add(record.model_id)
        return record

    def records(self) -> tuple[ModelRecord, ...]:
        records = super().records()
        self.model_ids.update(record.model_id for record in records)
        return records


def digest(store: Store, model_ids: Iterable[str]) -> str:
    """Of what rows are counted from: these models and all trainings. Tables are left out: they say what models say.

    Raises:
        UqError: a model is not there, or the manifest cannot be read.
    """
    of_models = to_json(replace(store.get(model_id), tables={}) for model_id in sorted(model_ids))
    return sha256(of_models + _bytes(store_beside(store).manifest)).hexdigest()


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def rows_of(source: Source, store: Store) -> list[Row]:
    """The rows of one source: those that are kept, if they are of these models, else counted now.

    Raises:
        UqError: a model or a training cannot be read.
    """
    try:
        kept = read(store)
        of_these = kept is not None and kept.models == digest(store, kept.model_ids)
    except UqError:  # `python -m uqcore models` says so; they can be counted
        kept, of_these = None, False
    if kept is not None and of_these:
        rows = [row for row in kept.rows if row.source == source.title]
        if rows:
            return rows
    return list(source.rows(store))


def keep(store: Store, rows: Sequence[Row], model_ids: Iterable[str]) -> None:
    """Writes them in one step: rows that were counted from these models.

    Raises:
        UqError: a model is not there, or the folder cannot be written.
    """
    path, of_these = _path(store), sorted(model_ids)
    counted = Counted(tuple(of_these), digest(store, of_these), tuple(rows))
    temporary = path.with_name(f".tmp-{path.name}")
    try:
        temporary.write_bytes(_to_json(counted))
        temporary.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror or error}).") from error


def read(store: Store) -> Counted | None:
    """What is kept; None if nothing is. UqError: the file cannot be read or is not what `keep` writes."""
    path = _path(store)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UqError(f"{path} cannot be read ({error.strerror or error}); remove it.") from error
    try:
        return _from_json(text)
    except UqError as error:
        raise UqError(
            f"{path} is damaged: {error} Get it back with `git checkout`, or make it again with "
            "`python -m uqcore reproduce --keep`."
        ) from error


def _path(store: Store) -> Path:
    return store_beside(store).root / _NAME


def _to_json(counted: Counted) -> bytes:
    content: dict[str, Any] = {"format": _FORMAT, "sha256": check.NO_SUM}
    content |= counted._asdict() | {"rows": to_plain(counted.rows)}
    return check.sealed(f"{json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)}\n".encode())


def _from_json(text: bytes) -> Counted:
    plain = check.json_object(text, _MOST_BYTES)
    check.names("The file", plain, ["format", "sha256", *Counted._fields])
    check.one_of("format", plain["format"], [_FORMAT])
    if not check.is_sealed(text, check.sha256("sha256", plain["sha256"])):
        raise UqError("Expected the text that its own sha256 stands for. Received another.")
    listed = check.json_list("rows", plain["rows"])
    rows = tuple(_row(f"rows[{i}]", row) for i, row in enumerate(listed))
    model_ids = tuple(check.text("model_ids", name) for name in check.json_list("model_ids", plain["model_ids"]))
    return Counted(model_ids, check.sha256("models", plain["models"]), rows)


def _row(place: str, value: object) -> Row:
    row = check.json_fields(place, value, [field.name for field in fields(Row)])
    agrees = check.boolean(f"{place}.agrees", row.pop("agrees"))
    values = check.json_map(f"{place}.values", row.pop("values"))
    for name, text in row.items():
        if not isinstance(text, str):
            raise UqError(f"`{place}.{name}` must be text. Received: {type(text).__name__}.")
    numbers = {name: _numbers(f"{place}.values", of_it) for name, of_it in values.items()}
    return Row(**row, agrees=agrees, values=numbers)


def _numbers(place: str, value: object) -> tuple[float, ...]:
    """JSON has no NaN: None stands for it."""
    return tuple(
        math.nan if number is None else check.number(place, number) for number in check.json_list(place, value)
    )
