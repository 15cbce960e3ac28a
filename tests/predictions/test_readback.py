"""What a file was understood as: counted by hand, with a warning wherever a person would want one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.prediction_files import calibrated, npz, random_probs, read, table
from uqcore.predictions import ClassShare, Predictions, read_back


def labelled(probs: Any, labels: Any, **more: Any) -> Predictions:
    names = tuple("abcdefgh"[: np.shape(probs)[-1]])
    return Predictions("mine", "probs", np.asarray(probs, np.float32), names, np.asarray(labels), **more)


def test_by_hand() -> None:
    rows = ("c1,x,0.75,0.25,a,no", "c2,x,0.5,0.5,b,no", "c3,y,0.25,0.75,b,no", "c4,y,0.75,0.25,,yes")
    back = read_back(read(table("id,note,p_a,p_b,truth,unseen", *rows)))
    assert (back.n_examples, back.n_ood, back.n_samples, back.kind) == (4, 1, 1, "probs")
    assert back.classes == (ClassShare("a", 1 / 3, 2 / 3), ClassShare("b", 2 / 3, 1 / 3))
    assert (back.accuracy, back.base_rate) == (2 / 3, 2 / 3)
    assert back.left_out == ("note",)
    assert len(back.notes) == 2
    assert back.warnings == ()
    assert len(back.first_rows) == 4
    assert back.first_rows[1] == {
        "id": "c2", "probs a": "0.5", "probs b": "0.5", "predicted": "a", "label": "b", "ood": "false",
    }  # fmt: skip
    assert back.first_rows[3]["label"] == ""
    assert back.sentence.replace("\xa0", " ") == (
        "4 examples, 1 of them unseen (OOD), 2 classes: 'a' 33.3 %, 'b' 66.7 %; accuracy 66.7 %, where always naming "
        "the largest class has 66.7 %."
    )


def test_without_labels() -> None:
    back = read_back(calibrated(20, labelled=False, n_samples=3))
    assert (back.accuracy, back.base_rate, back.warnings, back.n_samples) == (None, None, (), 3)
    assert back.classes[0].of_labels is None
    assert len(back.first_rows) == 10
    assert back.sentence == "20 examples, 3 samples each, 3 classes: '0', '1', '2'; no labels."


def test_a_good_file_has_no_warning() -> None:
    assert read_back(calibrated(500, 100)).warnings == ()


def test_another_order_of_the_classes_is_found() -> None:
    probs = random_probs(300, 3)
    back = read_back(labelled(probs[:, [1, 2, 0]], probs.argmax(axis=1)))
    assert "no better than always saying" in back.warnings[0]
    assert "read as those of 'b', 'c', 'a', in this order, the accuracy would be 100" in back.warnings[1]


def test_labels_that_are_the_predictions() -> None:
    probs = random_probs(300, 3)
    assert "Every label is the most probable class" in read_back(labelled(probs, probs.argmax(axis=1))).warnings[0]


def test_a_class_that_is_almost_never_predicted() -> None:
    probs = np.tile([0.9, 0.1], (1000, 1))
    labels = np.arange(1000) % 25 == 0
    probs[0] = [0.3, 0.7]
    warnings = read_back(labelled(probs, labels.astype(int))).warnings
    assert any("Almost never predicted: 'b' (40 labels, 1 predictions)" in warning for warning in warnings)


@pytest.mark.parametrize("label", [0, 1])
def test_one_label_alone(label: int) -> None:
    warnings = read_back(labelled(random_probs(100, 2), np.full(100, label))).warnings
    assert any("All labels are" in warning for warning in warnings)


def test_extras_stay_with_their_examples() -> None:
    mine = read(table("id,group,weight,time,p_0,p_1", "x,g,1,9:00,1,0", "y,h,2.5,9:01,0,1", "z,g,0,,0,1"))
    assert mine.group is not None
    assert mine.weight is not None
    assert mine.time is not None
    part = mine.subset(np.array([2, 0]))
    assert part.ids["id"].tolist() == ["z", "x"]
    assert part.group is not None
    assert part.weight is not None
    assert part.time is not None
    assert part.group.tolist() == ["g", "g"]
    assert part.weight.tolist() == [0, 1]
    assert part.time.tolist() == ["", "9:00"]


def test_numbers_near_the_ends_of_floats_are_told_as_they_are() -> None:
    largest = float(np.finfo(np.float32).max)
    logits = np.tile(np.array([largest, -largest, 1e-45]), (2, 4, 1))
    row = read_back(read(npz(logits=logits))).first_rows[0]
    assert [row[f"logits {k}"] for k in range(3)] == ["3.403e+38", "-3.403e+38", "1.401e-45"]
    rows = [f"1,0,{label},{weight}" for label, weight in ((0, "1e308"), (0, "1.5e308"), (1, "1e308"), (0, "1e-308"))]
    (note,) = (note for note in read_back(read(table("p_0,p_1,label,weight", *rows))).notes if "Weights" in note)
    assert "Weights from 1e-308 to 1.5e+308 count" in note
    assert "by weight the accuracy is 71.4" in note
