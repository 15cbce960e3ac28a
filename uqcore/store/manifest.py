"""The text of ``manifest.json``: JSON of exact types, one row a model. Pure functions; `uqcore.store` reads and writes.

Reading is strict, because a person may have edited the file: a field too many, a number where text should be or a value
that is not finite is an error that names its place.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from uqcore.types import ModelRecord, StoredFile

FORMAT = 2
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FILE_TYPES: dict[str, type] = {"path": str, "sha256": str, "n_bytes": int}
_RECORD_TYPES: dict[str, type] = {
    **dict.fromkeys(("model_id", "task", "method", "created"), str),
    **dict.fromkeys(("seed", "n_parameters", "n_trainable"), int),
    **dict.fromkeys(("config", "versions", "metrics", "draws"), dict),
    "files": list,
    "training_time_s": float,
}
_VALUE_TYPES = {"config": (int, float, str, bool, type(None)), "versions": (str,), "metrics": (float,)}


def default_id(task: str, method: str, seed: int) -> str:
    """The id of a model with the default configuration; other configurations add ``-<digest>``."""
    return f"{task}-{method}-seed{seed}"


def to_json(records: Iterable[ModelRecord]) -> bytes:
    """The manifest's text: one row a model, sorted by id.

    Raises:
        ValueError, TypeError: a value is one that JSON has no word for, e.g. NaN or a NumPy number.
    """
    rows = [_to_row(record) for record in sorted(records, key=_by_id)]
    text = json.dumps({"format": FORMAT, "models": rows}, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


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
        "draws": {name: [vars(file) for file in files] for name, files in record.draws.items()},
    }


def from_json(text: bytes) -> tuple[ModelRecord, ...]:
    """The rows of a manifest's text, sorted by id.

    Raises:
        ValueError: the text is not what `to_json` writes; the message names the place.
        RecursionError: it is nested too deeply to be one.
    """
    manifest = json.loads(text, parse_constant=_finite, parse_float=_finite)
    manifest = _typed(manifest, {"format": int, "models": list}, "the manifest")
    if manifest["format"] != FORMAT:
        raise ValueError(f"`format` must be {FORMAT}, received {manifest['format']}")
    records = tuple(_from_row(row, f"models[{i}]") for i, row in enumerate(manifest["models"]))
    if len({record.model_id for record in records}) < len(records):
        raise ValueError("two rows have the same `model_id`")
    return tuple(sorted(records, key=_by_id))


def _from_row(row: Any, place: str) -> ModelRecord:
    fields = _typed(row, _RECORD_TYPES, place)
    for name, kinds in _VALUE_TYPES.items():
        for key, value in fields[name].items():
            if type(value) not in kinds:
                raise ValueError(f"{place}.{name}.{key} must be {_names(kinds)}, received {value!r}")
    files = _files(fields["files"], f"{place}.files")
    draws = {name: _files(value, f"{place}.draws.{name}") for name, value in fields["draws"].items()}
    record = ModelRecord(**{**fields, "files": files, "draws": draws})
    expected = default_id(record.task, record.method, record.seed)
    if not NAME.fullmatch(record.model_id) or not f"{record.model_id}-".startswith(f"{expected}-"):
        raise ValueError(f"{place}.model_id must be {expected} or {expected}-..., received {record.model_id!r}")
    return record


def _files(value: Any, place: str) -> tuple[StoredFile, ...]:
    if type(value) is not list or not value:
        raise ValueError(f"{place} must list a file")
    return tuple(StoredFile(**_typed(file, _FILE_TYPES, f"{place}[{i}]")) for i, file in enumerate(value))


def _typed(value: Any, types: Mapping[str, type], place: str) -> dict[str, Any]:
    """``value`` if it is an object with exactly the fields ``types``, each exactly of its type (a bool is no int)."""
    if type(value) is not dict or value.keys() != types.keys():
        raise ValueError(f"{place} must be an object with the fields {', '.join(types)}")
    for name, kind in types.items():
        if type(value[name]) is not kind:
            raise ValueError(f"{place}.{name} must be {_names((kind,))}, received {value[name]!r}")
    return value


def _names(kinds: Iterable[type]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"a number must be finite, received {text}")
    return value
