"""Several models in one file or in several: found by name, and put in one order."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from tests.prediction_files import npz, random_probs
from uqcore.predictions import Predictions, SeveralModels, read_models, read_predictions, same_examples
from uqcore.types import UqError

pytestmark = pytest.mark.usefixtures("forked")
N = 60
RF, NN = (random_probs(N, 2, seed=seed) for seed in (1, 2))
TRUTH = np.random.default_rng(0).integers(0, 2, N)
NAMED = np.array(["cat", "dog"])[TRUTH]
IDS = np.array([f"x{i}" for i in range(N)])

WIDE = {
    "model and class": {"id": IDS, "rf_cat": RF[:, 0], "rf_dog": RF[:, 1], "nn_cat": NN[:, 0], "nn_dog": NN[:, 1]},
    "class and model, each class's together": {
        "prob.cat.rf": RF[:, 0],
        "prob.cat.nn": NN[:, 0],
        "prob.dog.rf": RF[:, 1],
        "prob.dog.nn": NN[:, 1],
    },
    "beside what each predicts": {
        "rf_pred": NAMED,
        "rf_conf": RF.max(axis=1),
        "rf_p_cat": RF[:, 0],
        "rf_p_dog": RF[:, 1],
        "nn_pred": NAMED[::-1],
        "nn_conf": NN.max(axis=1),
        "nn_p_cat": NN[:, 0],
        "nn_p_dog": NN[:, 1],
    },
    "logits": {
        "rf logit cat": np.log(RF[:, 0]),
        "rf logit dog": np.log(RF[:, 1]),
        "nn logit cat": np.log(NN[:, 0]),
        "nn logit dog": np.log(NN[:, 1]),
    },
}


def as_csv(columns: dict[str, Any]) -> bytes:
    target = BytesIO()
    csv.write_csv(pa.table(columns), target)
    return target.getvalue()


def as_parquet(columns: dict[str, Any]) -> bytes:
    target = BytesIO()
    parquet.write_table(pa.table(columns), target)
    return target.getvalue()


@pytest.mark.parametrize("columns", WIDE.values(), ids=WIDE)
@pytest.mark.parametrize("write", [as_csv, as_parquet])
def test_columns_by_model_and_class(columns: dict[str, Any], write: Any) -> None:
    models = read_models(write({**columns, "label": NAMED}), "file")
    assert [*models] == ["rf", "nn"]
    for name, values in (("rf", RF), ("nn", NN)):
        one = models[name]
        assert (one.name, one.class_names) == (name, ("cat", "dog"))
        assert one.predictive == pytest.approx(values, abs=1e-6)
        assert one.labels is not None
        assert (one.labels == TRUTH).all()


def test_one_column_a_model_and_an_array_a_model() -> None:
    table = read_models(as_csv({"rf_prob": RF[:, 1], "nn_prob": NN[:, 1], "y": TRUTH}), "file")
    arrays = read_models(npz(nn_proba=NN, rf_proba=RF, y_test=TRUTH), "file")
    assert [*table] == ["rf", "nn"]
    assert [*arrays] == ["nn", "rf"]
    for models in (table, arrays):
        assert models["nn"].predictive == pytest.approx(NN, abs=1e-6)


def long(**columns: Any) -> dict[str, Any]:
    parts = {"model": ["rf"] * N + ["nn"] * N, "p_cat": [*RF[:, 0], *NN[:, 0]], "p_dog": [*RF[:, 1], *NN[:, 1]]}
    return parts | {name: [*values, *values] for name, values in columns.items()}


@pytest.mark.parametrize("write", [as_csv, as_parquet])
def test_rows_by_model(write: Any) -> None:
    data = write(long(label=NAMED, id=IDS))
    models = read_models(data, "file")
    assert {name: len(one) for name, one in models.items()} == {"rf": N, "nn": N}
    assert models["nn"].predictive == pytest.approx(NN, abs=1e-6)
    assert models["nn"].ids["id"].tolist() == IDS.tolist()
    with pytest.raises(SeveralModels, match="Received those of 2: 'rf', 'nn'; say whose") as raised:
        read_predictions(data, "file")
    assert (raised.value.names, raised.value.role) == (("rf", "nn"), "model")
    with pytest.raises(SeveralModels):
        read_predictions(data, "file", model="svm")


def test_a_column_called_model_may_hold_something_else() -> None:
    one = {"model": ["polo", "golf"] * (N // 2), "p_cat": RF[:, 0], "p_dog": RF[:, 1], "label": NAMED}
    assert len(read_predictions(as_csv(one), "file")) == N  # as many of each, but their labels differ


def test_columns_of_other_things_are_no_models() -> None:
    beside = {"p_0": RF[:, 0], "p_1": RF[:, 1], "logit_0": np.log(RF[:, 0]), "logit_1": np.log(RF[:, 1])}
    assert [*read_models(as_csv({**beside, "label": TRUTH}), "file")] == ["file"]
    k = random_probs(N, 4, seed=3)
    grid = {f"p_{a}_{b}": k[:, 2 * i + j] for i, a in enumerate("xy") for j, b in enumerate("uv")}
    assert read_predictions(as_csv(grid), "file").n_classes == 4  # no pair of them sums to 1


def of(values: Any, **more: Any) -> Predictions:
    return Predictions("mine", "probs", values, ("cat", "dog"), **{"labels": TRUTH, **more})


def test_examples_are_matched_by_id() -> None:
    order = np.random.default_rng(4).permutation(N)
    mixed = of(NN[order], labels=TRUTH[order], ids={"id": IDS[order]})
    made = same_examples({"rf": of(RF, ids={"id": IDS}), "nn": mixed})
    assert (made["nn"].predictive == NN).all()
    assert made["nn"].ids["id"].tolist() == IDS.tolist()


def test_examples_are_matched_by_order_and_who_has_no_labels_gets_them() -> None:
    made = same_examples({"rf": of(RF, labels=None), "nn": of(NN)})
    assert made["rf"].labels is made["nn"].labels
    twice = of(NN, ids={"id": np.array(["same"] * N)})  # which names no example
    assert (same_examples({"rf": of(RF, ids={"id": IDS}), "nn": twice})["nn"].predictive == NN).all()


def test_classes_are_put_in_one_order() -> None:
    turned = Predictions("mine", "probs", NN[:, ::-1], ("dog", "cat"), labels=1 - TRUTH)
    made = same_examples({"rf": of(RF), "nn": turned})
    assert (made["nn"].predictive == NN).all()
    assert made["nn"].labels is not None
    assert (made["nn"].labels == TRUTH).all()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (of(NN[:-1], labels=TRUTH[:-1]), "the same examples .*60 of 'rf' and 59 of 'nn'"),
        (of(NN, labels=1 - TRUTH), "the same true labels .*of 'nn' for 60 of 60 examples, first of number 0"),
        (
            Predictions("x", "probs", NN, ("a", "b"), labels=TRUTH),
            "the same classes .*'cat', 'dog' of 'rf' and 'a'",
        ),
        (of(NN, ids={"id": np.array([*IDS[:-1], "new"])}), "1 of them, such as 'x59' in 'id', that 'nn' lacks"),
        (of(NN[:-1], labels=TRUTH[:-1], ids={"id": IDS[:-1]}), "such as 'x59' in 'id', that 'nn' lacks"),
    ],
)
def test_what_is_not_the_same_is_said(other: Predictions, message: str) -> None:
    with pytest.raises(UqError, match=message):
        same_examples({"rf": of(RF, ids={"id": IDS}), "nn": other})


def test_one_model_is_none_to_compare() -> None:
    with pytest.raises(UqError, match="two models or more"):
        same_examples({"rf": of(RF)})
