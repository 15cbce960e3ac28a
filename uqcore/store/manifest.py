"""The text of ``manifest.json``: JSON of exact types, one row a model. Pure functions; `uqcore.store` reads and writes.

Reading is strict, because a person may have edited the file: a field too many, a number where text should be or a value
that is not finite is an error that names its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any, TypeVar

from uqcore import strict_json as check
from uqcore.types import ModelRecord, StoredFile, UqError

T = TypeVar("T")

FORMAT = 4
_BEFORE_CHECKSUM, _BEFORE_TABLES = 3, 2
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MOST_BYTES = 2**26
_FILE_FIELDS = [field.name for field in fields(StoredFile)]
_ROW_FIELDS = [field.name for field in fields(ModelRecord)]


def default_id(task: str, method: str, seed: int) -> str:
    """The id of a model with the default configuration; other configurations add ``-<digest>``."""
    return f"{task}-{method}-seed{seed}"


def to_json(records: Iterable[ModelRecord]) -> bytes:
    """The manifest's text: one row a model, sorted by id.

    Raises:
        ValueError, TypeError: a value is one that JSON has no word for, e.g. NaN or a NumPy number.
    """
    rows = [_to_row(record) for record in sorted(records, key=_by_id)]
    content = {"format": FORMAT, "sha256": check.NO_SUM, "models": rows}
    text = f"{json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)}\n".encode()
    return check.sealed(text)


def _check_sum(text: bytes, said: str) -> None:
    """UqError unless ``said`` is the sha256 of the whole text with zeros in its place."""
    if not check.is_sealed(text, said):
        raise UqError(
            "Expected the text that its own sha256 stands for. Received another, so a letter of it has changed (after "
            f"an edit by hand, take out the line `sha256` and set `format` to {_BEFORE_CHECKSUM})."
        )


def _by_id(record: ModelRecord) -> str:
    return record.model_id


def _to_row(record: ModelRecord) -> dict[str, Any]:
    return {
        **vars(record),
        "config": dict(record.config),
        "files": [vars(file) for file in record.files],
        "training_time_s": float(record.training_time_s),
        "versions": dict(record.versions),
        "metrics": {name: float(value) for name, value in record.metrics.items()},
        "tables": {name: vars(file) for name, file in record.tables.items()},
    }


def from_json(text: bytes) -> tuple[ModelRecord, ...]:
    """The rows of a manifest's text, sorted by id. UqError: it is not what `to_json` writes; the message says where."""
    manifest = check.json_object(text, _MOST_BYTES)
    if "format" not in manifest:
        raise UqError("Expected a manifest with a `format`. Received none.")
    check.one_of("format", manifest["format"], [FORMAT, _BEFORE_CHECKSUM, _BEFORE_TABLES])
    has_sum = ["sha256"] if manifest["format"] == FORMAT else []
    check.names("The manifest", manifest, ["format", *has_sum, "models"])
    if has_sum:
        _check_sum(text, check.sha256("sha256", manifest["sha256"]))
    rows = check.json_list("models", manifest["models"])
    if manifest["format"] == _BEFORE_TABLES:
        rows = [_with_tables(row, f"models[{i}]") for i, row in enumerate(rows)]
    records = tuple(_from_row(row, f"models[{i}]") for i, row in enumerate(rows))
    if len({record.model_id for record in records}) < len(records):
        raise UqError("Expected one row for each `model_id`. Received two with the same.")
    return tuple(sorted(records, key=_by_id))


def _with_tables(row: Any, place: str) -> dict[str, Any]:
    """A row of format 2: its draws on whole sets are not used any more, and its tables are yet to be made."""
    content = dict(check.json_fields(place, row, [{"tables": "draws"}.get(name, name) for name in _ROW_FIELDS]))
    del content["draws"]
    return {**content, "tables": {}}


def _from_row(row: Any, place: str) -> ModelRecord:
    content = check.json_fields(place, row, _ROW_FIELDS)
    record = ModelRecord(
        model_id=check.text(f"{place}.model_id", content["model_id"]),
        task=check.text(f"{place}.task", content["task"]),
        method=check.text(f"{place}.method", content["method"]),
        seed=check.integer(f"{place}.seed", content["seed"], least=0),
        config=_each(_plain_value, f"{place}.config", content["config"]),
        files=_files(f"{place}.files", content["files"]),
        n_parameters=check.integer(f"{place}.n_parameters", content["n_parameters"], least=0),
        n_trainable=check.integer(f"{place}.n_trainable", content["n_trainable"], least=0),
        training_time_s=check.number(f"{place}.training_time_s", content["training_time_s"]),
        versions=_each(check.text, f"{place}.versions", content["versions"]),
        created=check.text(f"{place}.created", content["created"]),
        metrics=_each(check.number, f"{place}.metrics", content["metrics"]),
        tables=_each(_file, f"{place}.tables", content["tables"]),
    )
    expected = default_id(record.task, record.method, record.seed)
    if not NAME.fullmatch(record.model_id) or not f"{record.model_id}-".startswith(f"{expected}-"):
        raise UqError(f"`{place}.model_id` must be {expected} or {expected}-... Received: {record.model_id!r}.")
    return record


def _each(check_value: Callable[[str, Any], T], place: str, value: Any) -> dict[str, T]:
    """An object of any names, every value of it checked."""
    return {name: check_value(f"{place}.{name}", item) for name, item in check.json_map(place, value).items()}


def _plain_value(name: str, value: object) -> int | float | str | bool | None:
    if value is None or type(value) in (int, float, str, bool):
        return value  # type: ignore[return-value]
    raise UqError(f"`{name}` must be a number, text, true, false or null. Received: {value!r}.")


def _files(place: str, value: Any) -> tuple[StoredFile, ...]:
    listed = check.json_list(place, value)
    if not listed:
        raise UqError(f"`{place}` must list a file. Received none.")
    return tuple(_file(f"{place}[{i}]", file) for i, file in enumerate(listed))


def _file(place: str, value: Any) -> StoredFile:
    content = check.json_fields(place, value, _FILE_FIELDS)
    return StoredFile(
        check.text(f"{place}.path", content["path"]),
        check.sha256(f"{place}.sha256", content["sha256"]),
        check.integer(f"{place}.n_bytes", content["n_bytes"], 0),
    )
