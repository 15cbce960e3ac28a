"""Predictions that people bring, or that our models make: one record, whatever they came in.

What `__all__` names is imported when it is first asked for (PEP 562): the process that unpacks Parquet needs little of
it, and most of what that takes is to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uqcore.predictions.examples import example_file
    from uqcore.predictions.export import decisions_csv, safe_cell, write_npz
    from uqcore.predictions.models import read_models, same_examples
    from uqcore.predictions.raw import NO_LABEL
    from uqcore.predictions.readback import ClassShare, ReadBack, read_back
    from uqcore.predictions.reading import MAX_BYTES, first_cells, read_predictions
    from uqcore.predictions.record import Predictions
    from uqcore.predictions.roles import Asked, NotOpened, Roles, SeveralModels, Unclear
    from uqcore.predictions.validate import NotNormalized

__all__ = [
    "MAX_BYTES",
    "NO_LABEL",
    "Asked",
    "ClassShare",
    "NotNormalized",
    "NotOpened",
    "Predictions",
    "ReadBack",
    "Roles",
    "SeveralModels",
    "Unclear",
    "decisions_csv",
    "example_file",
    "first_cells",
    "read_back",
    "read_models",
    "read_predictions",
    "safe_cell",
    "same_examples",
    "write_npz",
]

_PLACES = {
    "MAX_BYTES": "reading",
    "NO_LABEL": "raw",
    "Asked": "roles",
    "ClassShare": "readback",
    "NotNormalized": "validate",
    "NotOpened": "roles",
    "Predictions": "record",
    "ReadBack": "readback",
    "Roles": "roles",
    "SeveralModels": "roles",
    "Unclear": "roles",
    "decisions_csv": "export",
    "example_file": "examples",
    "first_cells": "reading",
    "read_back": "readback",
    "read_models": "models",
    "read_predictions": "reading",
    "safe_cell": "export",
    "same_examples": "models",
    "write_npz": "export",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
