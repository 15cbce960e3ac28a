"""Files as the common tools write them open, and say what they hold: one truth, written in every convention."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from tests.prediction_files import npz, random_probs
from uqcore.predictions import Predictions, read_predictions

pytestmark = pytest.mark.usefixtures("forked")
N = 60
NAMES = ("cat", "dog", "emu")
P3 = random_probs(N, 3).astype(np.float64).round(6)
P3[:, 2] = (1 - P3[:, 0] - P3[:, 1]).round(6)
P2 = np.column_stack([1 - P3[:, 0], P3[:, 0]]).round(6)
Y3 = (np.random.default_rng(1).random((N, 1)) < P3.cumsum(axis=1)).argmax(axis=1)
Y2 = (np.random.default_rng(2).random(N) < P2[:, 1]).astype(int)
T3, G3 = [NAMES[k] for k in Y3], [NAMES[k] for k in P3.argmax(axis=1)]
IDS = [f"c-{7 * i % 61:03}" for i in range(N)]

Columns = dict[str, Any]


def csv(columns: Columns, sep: str = ",", decimal: str = ".") -> bytes:
    def cell(value: Any) -> str:
        text = f"{value:.6f}" if isinstance(value, float) else str(value)
        text = text.replace(".", decimal) if isinstance(value, float) else text
        return f'"{text}"' if sep in text or "\n" in text else text

    rows = zip(*(list(column) for column in columns.values()), strict=True)
    lines = [sep.join(columns), *(sep.join(map(cell, row)) for row in rows)]
    return "\n".join([*lines, ""]).encode()


def of_classes(prefix: str = "", suffix: str = "", names: Any = NAMES, probs: Any = P3) -> Columns:
    return {f"{prefix}{name}{suffix}": probs[:, k].tolist() for k, name in enumerate(names)}


def numbered(prefix: str, first: int = 0, probs: Any = P3) -> Columns:
    return of_classes(prefix, names=range(first, first + probs.shape[1]), probs=probs)


def arrow(columns: Columns, write: Callable[[pa.Table, BytesIO], Any]) -> bytes:
    buffer = BytesIO()
    write(pa.table(columns), buffer)
    return buffer.getvalue()


def parquet_of(columns: Columns) -> bytes:
    return arrow(columns, parquet.write_table)


def vectors(probs: Any = P3) -> list[str]:
    return [json.dumps(row) for row in probs.tolist()]


def scores_of(probs: Any = P3, names: Any = NAMES, label: str = "label", score: str = "score") -> list[list[Columns]]:
    """All classes of every example, the most probable first, as a pipeline of Hugging Face gives them."""
    rows = [[{label: name, score: p} for name, p in zip(names, row, strict=True)] for row in probs.tolist()]
    return [sorted(row, key=lambda entry: -entry[score]) for row in rows]


def weka() -> bytes:
    """Weka's CSV output with ``-distribution``: unnamed columns, an asterisk before the probability predicted."""
    lines = ["inst#,actual,predicted,error,distribution,,"]
    for i, row in enumerate(P3):
        k, y = int(row.argmax()), int(Y3[i])
        cells = [f"{'*' if j == k else ''}{p:.6f}" for j, p in enumerate(row)]
        lines.append(f"{i + 1},{y + 1}:{NAMES[y]},{k + 1}:{NAMES[k]},{'+' if k != y else ''},{','.join(cells)}")
    return "\n".join([*lines, ""]).encode()


def top_class(names: tuple[str, str]) -> tuple[list[str], list[float]]:
    best = P2.argmax(axis=1)
    return [names[k] for k in best], P2.max(axis=1).tolist()


def records(columns: Columns) -> list[Columns]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


LABELLED = {**of_classes("p_"), "label": T3}
HUNDRED = (100 * P3).tolist()
# What three classes come in; the names of the classes, or None for the numbers.
THREE: dict[str, tuple[bytes, tuple[str, ...] | None]] = {
    "scikit-learn, names": (csv({**of_classes(), "y": T3}), NAMES),
    "scikit-learn, names and an index": (csv({"": range(N), **of_classes(), "y_true": T3}), NAMES),
    "scikit-learn, numbers": (csv({**numbered(""), "target": Y3}), None),
    "scikit-learn, an index called so": (csv({"Unnamed: 0": range(N), **numbered(""), "y": Y3}), None),
    "prob_0": (csv({**numbered("prob_"), "true_label": Y3}), None),
    "P0": (csv({**numbered("P"), "class": Y3}), None),
    "prob_class_0": (csv({"id": IDS, **numbered("prob_class_"), "true_label": Y3}), None),
    "p_cat": (csv(LABELLED), NAMES),
    "score_cat": (csv({**of_classes("score_"), "truth": T3}), NAMES),
    "cat_prob": (csv({**of_classes("", "_prob"), "actual": T3}), NAMES),
    "y_pred_proba_cat": (csv({**of_classes("y_pred_proba_"), "y_test": T3}), NAMES),
    "P(cat)": (csv({**of_classes("P(", ")"), "obs": T3}), NAMES),
    "counted from 1": (csv({**numbered("p", 1), "label": Y3 + 1}), ("1", "2", "3")),
    "labels counted from 1": (csv({**numbered("p_"), "label": Y3 + 1}), None),
    "labels as floats": (csv({**numbered("p_"), "label": Y3.astype(float)}), None),
    "tidymodels": (csv({".pred_class": G3, **of_classes(".pred_"), ".row": range(5, N + 5), "truth": T3}), NAMES),
    "H2O, names": (csv({"predict": G3, **of_classes(), "response": T3}), NAMES),
    "H2O, numbers": (csv({"predict": P3.argmax(axis=1), **numbered("p"), "y": Y3}), None),
    "DataRobot": (
        csv({"row_id": range(N), **of_classes("pet_", "_PREDICTION"), "pet_PREDICTION": G3, "pet_actual": T3}),
        NAMES,
    ),
    "AutoGluon": (csv({**of_classes(), "class": T3}), NAMES),
    "caret": (csv({"pred": G3, "obs": T3, **of_classes(), "rowIndex": range(1, N + 1), "Resample": ["F1"] * N}), NAMES),
    "Weka": (weka(), NAMES),
    "MLflow": (csv({"target": Y3, "prediction": P3.argmax(axis=1), **numbered("probability_")}), None),
    "Evidently": (csv({"target": T3, "prediction": G3, **of_classes()}), NAMES),
    "unnamed columns, found by their sums": (
        csv({"age": range(N), **of_classes("x"), "label": Y3}),
        ("xcat", "xdog", "xemu"),
    ),
    "columns named otherwise than labels": (
        csv({**of_classes("", "", ("Iris.cat", "Iris.dog", "Iris.emu")), "Species": [f"Iris-{t}" for t in T3]}),
        ("Iris.cat", "Iris.dog", "Iris.emu"),
    ),
    "percent": (csv({**of_classes("p_", probs=100 * P3), "label": T3}), NAMES),
    "percent signs": (
        csv({name: [f"{100 * p:.4f}%" for p in ps] for name, ps in of_classes("p_").items()} | {"label": T3}),
        NAMES,
    ),
    "vectors": (csv({"probability": vectors(), "label": Y3}), None),
    "vectors of NumPy": (csv({"probs": [str(row) for row in P3], "label": Y3}), None),
    "vectors of Spark": (
        csv(
            {
                "features": vectors(P3[:, [1, 0, 2]] * 9),
                "rawPrediction": vectors(np.log(P3)),
                "probability": vectors(),
                "prediction": P3.argmax(axis=1).astype(float),
                "label": Y3.astype(float),
            }
        ),
        None,
    ),
    "dictionaries": (
        csv({"scores": [str(dict(zip(NAMES, row, strict=True))) for row in P3.tolist()], "label": T3}),
        NAMES,
    ),
    "semicolons and decimal commas": (csv(LABELLED, ";", ","), NAMES),
    "a mark of UTF-8": (b"\xef\xbb\xbf" + csv(LABELLED), NAMES),
    "tabs": (csv(LABELLED, "\t"), NAMES),
    "gzip": (gzip.compress(csv(LABELLED)), NAMES),
    "Parquet": (parquet_of(LABELLED), NAMES),
    "Parquet, lists": (parquet_of({"id": IDS, "probability": P3.tolist(), "label": Y3}), None),
    "Parquet, structs": (
        parquet_of({"probs": [dict(zip(NAMES, row, strict=True)) for row in P3.tolist()], "y": T3}),
        NAMES,
    ),
    "BigQuery": (
        parquet_of(
            {"predicted_label": G3, "predicted_label_probs": scores_of(label="label", score="prob"), "label": T3}
        ),
        NAMES,
    ),
    "Parquet with pictures": (parquet_of({**LABELLED, "image": [b"\x89PNG"] * N}), NAMES),
    "Feather": (arrow(LABELLED, feather.write_feather), NAMES),
    "JSON records": (json.dumps(records(LABELLED)).encode(), NAMES),
    "JSON lines": ("\n".join(json.dumps(row) for row in records(LABELLED)).encode(), NAMES),
    "JSON lines, gzipped": (gzip.compress("\n".join(json.dumps(row) for row in records(LABELLED)).encode()), NAMES),
    "JSON columns": (json.dumps(LABELLED).encode(), NAMES),
    "JSON of pandas": (
        json.dumps({name: dict(enumerate(column)) for name, column in LABELLED.items()}).encode(),
        NAMES,
    ),
    "JSON of Weights & Biases": (
        json.dumps({"columns": [*LABELLED], "data": [[*row.values()] for row in records(LABELLED)]}).encode(),
        NAMES,
    ),
    "JSON vectors": (
        json.dumps([{"probs": row, "label": int(y)} for row, y in zip(P3.tolist(), Y3, strict=True)]).encode(),
        None,
    ),
    "Hugging Face": (
        json.dumps([{"scores": row, "true_label": t} for row, t in zip(scores_of(), T3, strict=True)]).encode(),
        NAMES,
    ),
    "Hugging Face, LABEL_0": (
        json.dumps(
            [
                {"scores": row, "true_label": int(y)}
                for row, y in zip(scores_of(names=["LABEL_0", "LABEL_1", "LABEL_2"]), Y3, strict=True)
            ]
        ).encode(),
        ("LABEL_0", "LABEL_1", "LABEL_2"),
    ),
    "NPZ, y_proba and y_true": (npz(y_proba=P3, y_true=Y3), None),
    "NPZ, pred_probs": (npz(pred_probs=P3, labels=Y3), None),
    "NPZ, names of Keras": (npz(y_pred=P3, y_test=np.eye(3)[Y3]), None),
    "NPZ without names": (npz(arr_0=P3, arr_1=Y3), None),
    "NPZ, text": (npz(softmax=P3, target=np.array(T3), classes=np.array(NAMES), ids=np.array(IDS)), NAMES),
    "NPZ, percent": (npz(probs=100 * P3, labels=Y3), None),
}
PAIR = ("no", "yes")
# Two classes, of which some files have the probability of the second alone.
TWO: dict[str, tuple[bytes, tuple[str, ...] | None]] = {
    "one score": (csv({"y_true": Y2, "y_score": P2[:, 1].tolist()}), None),
    "an out-of-fold score": (csv({"true_label": Y2, "oof_prob": P2[:, 1].tolist()}), None),
    "oof": (csv({"oof": P2[:, 1].tolist(), "target": Y2}), None),
    "p1 alone": (csv({"p1": P2[:, 1].tolist(), "label": Y2}), None),
    "p_0 alone": (csv({"p_0": P2[:, 0].tolist(), "label": Y2}), ("1", "0")),
    "Evidently, two classes": (csv({"target": Y2, "prediction": P2[:, 1].tolist()}), None),
    "a score and its cut": (csv({"pred": (P2[:, 1] > 0.3).astype(int), "prob": P2[:, 1].tolist(), "label": Y2}), None),
    "True and False": (csv({"p": P2[:, 1].tolist(), "label": [str(bool(y)) for y in Y2]}), ("False", "True")),
    "yes and no": (csv({"probability": P2[:, 1].tolist(), "label": [PAIR[y] for y in Y2]}), PAIR),
    "named after one of two": (csv({"prob_b": P2[:, 1].tolist(), "label": ["ab"[y] for y in Y2]}), ("a", "b")),
    "-1 and 1": (csv({**numbered("p_", probs=P2), "label": 2 * Y2 - 1}), None),
    "p_-1 and p_1": (csv({**of_classes("p_", names=(-1, 1), probs=P2), "label": 2 * Y2 - 1}), ("-1", "1")),
    "booleans of Parquet": (parquet_of({"p": P2[:, 1], "label": Y2.astype(bool)}), ("false", "true")),
    "classes True and False": (
        csv(
            {
                "churn_True_PREDICTION": P2[:, 1].tolist(),
                "churn_False_PREDICTION": P2[:, 0].tolist(),
                "actual": [str(y == 1) for y in Y2],
            }
        ),
        ("True", "False"),
    ),
    "the predicted class and its score": (
        csv(dict(zip(("predicted", "confidence"), top_class(PAIR), strict=True)) | {"actual": [PAIR[y] for y in Y2]}),
        PAIR,
    ),
    "Hugging Face, the best class": (
        json.dumps(
            [{"label": t, "score": p, "truth": PAIR[y]} for t, p, y in zip(*top_class(PAIR), Y2, strict=True)]
        ).encode(),
        PAIR,
    ),
    "Weka, the best class": (
        csv(
            {
                "inst#": range(1, N + 1),
                "actual": [f"{y + 1}:{PAIR[y]}" for y in Y2],
                "predicted": [f"{P2[i].argmax() + 1}:{PAIR[P2[i].argmax()]}" for i in range(N)],
                "error": [""] * N,
                "prediction": P2.max(axis=1).tolist(),
            }
        ),
        PAIR,
    ),
    "NPZ, one column": (npz(y_proba=P2[:, 1], y_true=Y2), None),
    "NPZ, one column of two axes": (npz(probs=P2[:, 1:], labels=Y2), None),
}


@pytest.mark.parametrize("tool", THREE)
def test_three_classes(tool: str) -> None:
    data, names = THREE[tool]
    holds(read_predictions(data, "mine"), P3, Y3, names)


@pytest.mark.parametrize("tool", TWO)
def test_two_classes(tool: str) -> None:
    data, names = TWO[tool]
    if names in (("True", "False"), ("1", "0")):  # whose first class is the second of the others
        holds(read_predictions(data, "mine"), P2[:, ::-1], 1 - Y2, names)
    else:
        holds(read_predictions(data, "mine"), P2, Y2, names)


def holds(mine: Predictions, probs: Any, labels: Any, names: tuple[str, ...] | None) -> None:
    np.testing.assert_allclose(mine.values[0], probs, atol=2e-6)
    assert mine.class_names == (names or tuple(map(str, range(probs.shape[1]))))
    assert mine.labels is not None
    assert mine.labels.tolist() == labels.tolist()
