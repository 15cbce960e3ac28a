"""What was written is read back; what a spreadsheet opens holds no formula."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO

import numpy as np
import pytest

from tests.prediction_files import LABELS, PROBS, random_probs, read
from uqcore.predictions import Predictions, decisions_csv, export, safe_cell, write_npz
from uqcore.types import Draws, UqError

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "cat", "3", "0.5", "a=b", "e-3", "'=1", "é", " "])
def test_other_text_stays(text: str) -> None:
    assert safe_cell(text) == text


def decided(predictions: Predictions, threshold: float) -> list[dict[str, str]]:
    target = BytesIO()
    margin = predictions.measure("margin")
    decisions_csv(predictions, margin, margin <= threshold, target)
    return list(csv.DictReader(StringIO(target.getvalue().decode(), newline="")))


def mine(class_names: tuple[str, ...] = ("cat", "dog", "bird"), **parts: np.ndarray) -> Predictions:
    return Predictions("mine", "probs", PROBS[None].astype(np.float32), class_names, **parts)  # type: ignore[arg-type]


def test_decisions_by_hand() -> None:
    ood = np.array([False, True, False, False])
    rows = decided(mine(labels=np.where(ood, -1, LABELS), ood=ood), 0.75)
    assert list(rows[0]) == ["example", "predicted", "label", "ood", "measure", "decision"]
    assert [list(row.values()) for row in rows] == [
        ["0", "cat", "cat", "false", "0.75", "accept"],
        ["1", "dog", "", "true", "0.375", "accept"],
        ["2", "bird", "dog", "false", "0", "accept"],
        ["3", "dog", "dog", "false", "0.75", "accept"],
    ]
    assert [row["decision"] for row in decided(mine(), 0.5)] == ["defer", "accept", "accept", "defer"]
    assert list(decided(mine(), 0.5)[0]) == ["example", "predicted", "measure", "decision"]


def test_class_names_that_are_formulas_are_neutralised() -> None:
    names = ('=HYPERLINK("http://x","y")', "-1", 'a,"b"\n=c')
    rows = decided(mine(names, labels=LABELS), 1)
    assert [row["predicted"] for row in rows] == [f"'{names[0]}", "'-1", names[2], "'-1"]
    assert [row["label"] for row in rows] == [f"'{names[0]}", "'-1", "'-1", "'-1"]


def test_rows_are_written_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = decided(mine(labels=LABELS), 0.5)
    monkeypatch.setattr(export, "ROWS", 3)
    assert decided(mine(labels=LABELS), 0.5) == whole


def test_measures_survive_exactly() -> None:
    probs = random_probs(500, 3)
    predictions = Predictions("mine", "probs", probs[None], ("a", "b", "c"))
    back = np.array([float(row["measure"]) for row in decided(predictions, 0.5)])
    np.testing.assert_array_equal(back, predictions.measure("margin"))


def test_decisions_of_other_length_are_refused() -> None:
    with pytest.raises(UqError, match=r"Expected 4 measures and decisions. Received: \(3,\) and \(4,\)"):
        decisions_csv(mine(), np.zeros(3), np.zeros(4, bool), BytesIO())


def test_an_npz_holds_everything() -> None:
    rng = np.random.default_rng(0)
    draws = Draws(
        rng.normal(size=(5, 20, 3)).astype(np.float32),
        rng.normal(size=(20, 3)).astype(np.float32),
        rng.uniform(size=20).astype(np.float32),
        0.37,
    )
    images = rng.integers(0, 256, (20, 4, 4), np.uint8)
    ours = Predictions.from_draws(
        draws, name="x", class_names=("é", "b", "c"), labels=np.arange(20) % 3, ood=np.arange(20) > 15, images=images
    )
    for predictions in (ours, mine(labels=LABELS), mine()):
        target = BytesIO()
        write_npz(predictions, target)
        back = read(target.getvalue())
        assert back.fingerprint == predictions.fingerprint
        assert back.class_names == predictions.class_names
        assert back.notes == ()
        assert back.measures == predictions.measures
        for measure_id in back.measures:
            np.testing.assert_array_equal(back.measure(measure_id), predictions.measure(measure_id))
        again = BytesIO()
        write_npz(back, again)
        assert again.getvalue() == target.getvalue()
    target = BytesIO()
    write_npz(ours, target)
    np.testing.assert_array_equal(read(target.getvalue()).images, images)


def test_ids_come_back_as_they_stood_and_run_nothing() -> None:
    ids = {
        "customer": np.array(["a", "-5", "=1+1", "007"], np.dtypes.StringDType()),
        "example": np.array(list("wxyz"), np.dtypes.StringDType()),
        "=id": np.array(list("wxyz"), np.dtypes.StringDType()),
    }
    rows = decided(mine(ids=ids), 0.5)  # type: ignore[arg-type]
    assert list(rows[0]) == ["example", "customer", "example (id)", "'=id", "predicted", "measure", "decision"]
    assert [row["customer"] for row in rows] == ["a", "-5", "'=1+1", "007"]
    assert [row["example (id)"] for row in rows] == list("wxyz")
