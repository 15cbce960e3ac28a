"""The rows as they were counted last, in a file beside the trainings: counting them anew takes seconds of a processor.

They are of the models that both manifests list; where one has changed since, they are counted again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from uqcore import strict_json as check
from uqcore.reproduce.rows import Row, Source, to_plain
from uqcore.reproduce.trainings import store_beside
from uqcore.store import Store, StoreError
from uqcore.types import UqError

_NAME, _FORMAT, _MOST_BYTES = "rows.json", 1, 2**22


class Counted(NamedTuple):
    """Rows, and the digest of the `models` that they were counted from."""

    models: str
    rows: tuple[Row, ...]


def models(store: Store) -> str:
    """A digest of what the rows are counted from."""
    manifests = (store.manifest, store_beside(store).manifest)
    return sha256(b"\0".join(path.read_bytes() for path in manifests if path.is_file())).hexdigest()


def rows_of(source: Source, store: Store) -> list[Row]:
    """The rows of one source: those that are kept, if they are of these models, else counted now.

    Raises:
        UqError: a model or a training cannot be read.
    """
    try:
        kept = read(store)
    except UqError:  # `python -m uqcore models` says so; they can be counted
        kept = None
    if kept is not None and kept.models == models(store):
        rows = [row for row in kept.rows if row.source == source.title]
        if rows:
            return rows
    return list(source.rows(store))


def keep(store: Store, rows: Sequence[Row]) -> None:
    """Writes them in one step. StoreError: the folder cannot be written."""
    path = _path(store)
    temporary = path.with_name(f".tmp-{path.name}")
    try:
        temporary.write_bytes(_to_json(models(store), to_plain(rows)))
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


def _to_json(of_models: str, plain: Sequence[dict[str, Any]]) -> bytes:
    content = {"format": _FORMAT, "sha256": check.NO_SUM, "models": of_models, "rows": plain}
    return check.sealed(f"{json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)}\n".encode())


def _from_json(text: bytes) -> Counted:
    plain = check.json_object(text, _MOST_BYTES)
    check.names("The file", plain, ["format", "sha256", "models", "rows"])
    check.one_of("format", plain["format"], [_FORMAT])
    if not check.is_sealed(text, check.sha256("sha256", plain["sha256"])):
        raise UqError("Expected the text that its own sha256 stands for. Received another.")
    listed = check.json_list("rows", plain["rows"])
    rows = tuple(_row(f"rows[{i}]", row) for i, row in enumerate(listed))
    return Counted(check.sha256("models", plain["models"]), rows)


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
