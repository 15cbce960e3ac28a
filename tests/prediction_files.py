"""What the tests of `uqcore.predictions` share: files by hand, and the way in which a bad one must be refused."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from uqcore.predictions import Predictions, read_predictions
from uqcore.types import FloatArray, UqError

PROBS = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.0, 0.0, 1.0], [0.25, 0.5, 0.25]])
LABELS = np.array([0, 1, 1, 1])


def npz(**arrays: Any) -> bytes:
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def table(names: str, *rows: str) -> bytes:
    """A CSV file of its lines."""
    return "\n".join([names, *rows, ""]).encode()


def random_probs(*shape: int, seed: int = 0) -> FloatArray:
    """Rows that sum to 1 in float32 and have no other structure."""
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1]).astype(np.float32)


def read(data: bytes, **options: Any) -> Predictions:
    return read_predictions(data, "mine.dat", **options)


def refused(data: bytes, message: str, **options: Any) -> UqError:
    """The error that reading ends with: one line, that ends as a sentence does, and matches ``message``."""
    with pytest.raises(UqError) as raised:
        read(data, **options)
    text = str(raised.value)
    assert re.search(message, text), text
    assert text.startswith("Expected")
    assert text.endswith(".")
    assert "\n" not in text
    return raised.value
