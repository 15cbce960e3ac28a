"""The example files are small, the same each time, the same in each kind, and what their generator says."""

from __future__ import annotations

import numpy as np
import pytest

from tests.prediction_files import read
from uqcore.metrics.classification import ece
from uqcore.predictions import examples
from uqcore.predictions.examples import example_file, example_predictions
from uqcore.types import UqError

KINDS: tuple[examples.FileKind, ...] = ("npz", "csv", "parquet")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_gives_the_example_back(kind: examples.FileKind) -> None:
    data = example_file(kind)
    assert len(data) < 20_000
    mine, original = read(data), example_predictions()
    np.testing.assert_array_equal(mine.values, original.values)
    assert mine.fingerprint == original.fingerprint
    assert mine.notes == ()
    example_file.cache_clear()
    assert example_file(kind) == data


def test_only_npz_has_class_names() -> None:
    assert read(example_file("npz")).class_names == ("cat", "dog", "bird")
    assert read(example_file("csv")).class_names == ("0", "1", "2")


def test_an_unknown_kind() -> None:
    with pytest.raises(UqError, match=r"Expected npz, csv or parquet.*Received: xlsx"):
        example_file("xlsx")


def test_the_probabilities_are_calibrated_as_the_generator_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "N_KNOWN", 100_000)
    many = example_predictions()
    known = many.subset(many.in_distribution)
    assert known.labels is not None
    assert ece(known.values[0], known.labels) < 0.01


def test_ood_is_both_doubtful_and_falsely_certain() -> None:
    mine = example_predictions()
    assert len(mine) == 300
    assert mine.ood is not None
    assert np.flatnonzero(mine.ood).tolist() == list(range(240, 300))
    measure = mine.measure("least_confidence")
    assert (measure[mine.ood] > 0.3).sum() > 5
    assert (measure[mine.ood] < 0.01).sum() > 5
    assert mine.correct is not None
    assert 0.75 < mine.correct[mine.in_distribution].mean() < 0.95
