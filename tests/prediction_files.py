"""What the tests of `uqcore.predictions` share: files by hand, and the way in which a bad one must be refused."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from uqcore.predictions import NO_LABEL, Predictions, read_predictions
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


def calibrated(
    n: int, n_ood: int = 0, n_classes: int = 3, *, labelled: bool = True, n_samples: int = 1, seed: int = 0
) -> Predictions:
    """Labels drawn from the mean of the samples' probabilities, OOD examples among the others in no order."""
    rng = np.random.default_rng(seed)
    probs = random_probs(n_samples, n + n_ood, n_classes, seed=seed)
    labels = (rng.random((n + n_ood, 1)) < probs.mean(axis=0).cumsum(axis=1)).argmax(axis=1)
    ood = rng.permutation(n + n_ood) < n_ood
    return Predictions(
        "mine",
        "probs",
        probs,
        tuple(map(str, range(n_classes))),
        labels=np.where(ood, NO_LABEL, labels) if labelled else None,
        ood=ood if n_ood else None,
    )


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
