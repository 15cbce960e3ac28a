"""Predictions that people bring, or that our models make: one record, whatever they came in."""

from uqcore.predictions.examples import example_file
from uqcore.predictions.export import decisions_csv, safe_cell, write_npz
from uqcore.predictions.models import read_models, same_examples
from uqcore.predictions.readback import ClassShare, ReadBack, read_back
from uqcore.predictions.reading import MAX_BYTES, first_cells, read_predictions
from uqcore.predictions.record import NO_LABEL, Predictions
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
