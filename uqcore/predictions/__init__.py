"""Predictions that people bring, or that our models make: one record, whatever they came in.

What `__all__` names is imported when it is first asked for (PEP 562): the process that unpacks Parquet needs little of
it, and most of what that takes is to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uqcore.lazy import exports

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
    "MAX_BYTES": "uqcore.predictions.reading",
    "NO_LABEL": "uqcore.predictions.raw",
    "Asked": "uqcore.predictions.roles",
    "ClassShare": "uqcore.predictions.readback",
    "NotNormalized": "uqcore.predictions.validate",
    "NotOpened": "uqcore.predictions.roles",
    "Predictions": "uqcore.predictions.record",
    "ReadBack": "uqcore.predictions.readback",
    "Roles": "uqcore.predictions.roles",
    "SeveralModels": "uqcore.predictions.roles",
    "Unclear": "uqcore.predictions.roles",
    "decisions_csv": "uqcore.predictions.export",
    "example_file": "uqcore.predictions.examples",
    "first_cells": "uqcore.predictions.reading",
    "read_back": "uqcore.predictions.readback",
    "read_models": "uqcore.predictions.models",
    "read_predictions": "uqcore.predictions.reading",
    "safe_cell": "uqcore.predictions.export",
    "same_examples": "uqcore.predictions.models",
    "write_npz": "uqcore.predictions.export",
}

__getattr__, __dir__ = exports(globals(), _PLACES)
