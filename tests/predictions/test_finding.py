"""Roles are found from names and content in any order of columns, and asked for where they are unclear."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.prediction_files import random_probs, table
from uqcore.predictions import Asked, Roles, SeveralModels, read_predictions
from uqcore.predictions.finding import find_roles, left_out, said, settled
from uqcore.predictions.table import Table
from uqcore.types import UqError

N = 50
PROBS = random_probs(N, 3).astype(np.float64)
NAMES = ["cat", "dog", "emu"]
LABELS = [NAMES[k] for k in np.random.default_rng(0).integers(0, 3, N)]
CLASSES = {name: PROBS[:, k] for k, name in enumerate(NAMES)}


def head(columns: dict[str, Any]) -> Table:
    return Table.of([*columns], [pa.array(cells) for cells in columns.values()])


def test_documented_names_in_any_order_and_case() -> None:
    columns = {"text": ["x"] * N, " P_1 ": PROBS[:, 1], "Label": LABELS, "p_0": PROBS[:, 0], "OOD": [False] * N}
    columns["p_02"] = PROBS[:, 2]
    roles = find_roles(head(columns))
    assert roles == Roles("probs", ("p_0", "P_1", "p_02"), label="Label", ood="OOD")
    assert left_out(head(columns), roles) == ("text",)
    assert said(roles) is None
    logits = find_roles(head({"logit_0": PROBS[:, 0] * 9 - 4, "logit_1": PROBS[:, 1], "labels": [1] * N}))
    assert logits == Roles("logits", ("logit_0", "logit_1"), label="labels")


def test_extras_are_found_and_said() -> None:
    extras = {
        "customerID": [f"c{i}" for i in range(N)],
        "cohort": ["a", "b"] * (N // 2),
        "sample_weight": np.ones(N),
        "Timestamp": ["2026-01-01"] * N,
        "is_unseen": [0, 1] * (N // 2),
        "age": np.arange(N) % 7,
    }
    roles = find_roles(head({**extras, **CLASSES, "Target": LABELS}))
    assert roles == Roles(
        "probs",
        ("cat", "dog", "emu"),
        ("cat", "dog", "emu"),
        label="Target",
        ood="is_unseen",
        ids=("customerID",),
        group="cohort",
        weight="sample_weight",
        time="Timestamp",
    )
    assert said(roles) == (
        "Read 'cat', 'dog', 'emu' as probabilities, 'Target' as the label, 'is_unseen' as the mark of unseen examples, "
        "'cohort' as the group, 'sample_weight' as the weight, 'Timestamp' as the time, 'customerID' as the id."
    )


@pytest.mark.parametrize("seed", range(30))
def test_neither_order_nor_other_columns_matter(seed: int) -> None:
    """Columns shuffled, renamed and among others: the same values for the same classes, and the same label."""
    chance = random.Random(seed)
    prefix = chance.choice(["", "p_", "prob_", "Score ", "y_proba.", ".pred_"])
    label = chance.choice(["label", "Target", "y_true", "class", "actual", "obs", "truth", "true_class"])
    columns: dict[str, Any] = {prefix + name: PROBS[:, k] for k, name in enumerate(NAMES)} | {label: LABELS}
    noise = np.random.default_rng(seed)
    others = {
        "age": noise.integers(0, 99, N),
        "income": noise.normal(size=N),
        "note": [f"text {i}" for i in range(N)],
        "predicted": [NAMES[k] for k in PROBS.argmax(axis=1)],
        "x1": noise.random(N),
        "id": noise.permutation(N),
        "flag": noise.random(N) > 0.5,
    }
    columns |= {name: others[name] for name in chance.sample(sorted(others), chance.randint(0, len(others)))}
    names = list(columns)
    chance.shuffle(names)
    roles = find_roles(head({name: columns[name] for name in names}))
    assert roles.classes is not None
    assert dict(zip(roles.classes, roles.values, strict=True)) == {name: (prefix + name).strip() for name in NAMES}
    assert (roles.kind, roles.label, roles.predicted) == ("probs", label, None)


@pytest.mark.parametrize("form", ["x_{}", "m.{}", "{}_x", "{}"])
def test_what_all_names_share_is_no_part_of_a_class_that_the_label_names(form: str) -> None:
    columns = {form.format(name): p for name, p in CLASSES.items()}
    assert find_roles(head({**columns, "label": LABELS})).classes == tuple(NAMES)
    asked = Asked(values=tuple(columns), label="label")
    assert find_roles(head({**columns, "label": LABELS}), asked).classes == tuple(NAMES)
    whole = tuple(columns)
    assert find_roles(head({**columns, "label": [form.format(name) for name in LABELS]})).classes == whole
    assert find_roles(head(columns)).classes == whole


@pytest.mark.parametrize("name", ["weight", "sample_weight", "w"])
def test_weights_are_no_probabilities(name: str) -> None:
    weights = np.linspace(0, 1, N)
    rows = zip(*CLASSES.values(), weights, LABELS, strict=True)
    data = table(f"{','.join(NAMES)},{name},label", *(",".join(map(str, row)) for row in rows))
    read = read_predictions(data, "mine")
    assert read.class_names == tuple(NAMES)
    assert read.weight is not None
    np.testing.assert_allclose(read.weight, weights)


def test_w_is_a_class_where_the_values_say_so() -> None:
    wins = {"w": PROBS[:, 0], "d": PROBS[:, 1], "l": PROBS[:, 2]}
    roles = find_roles(head(wins | {"label": ["w", "d"] * (N // 2)}))
    assert (roles.classes, roles.weight) == (("w", "d", "l"), None)


def test_logits_named_after_classes_are_told_by_the_label() -> None:
    roles = find_roles(head({name: np.log(p) for name, p in CLASSES.items()} | {"y": LABELS}))
    assert (roles.kind, roles.values) == ("logits", ("cat", "dog", "emu"))


def test_a_column_too_many_under_the_same_word_is_left_out() -> None:
    columns = {f"prob_{name}": p for name, p in CLASSES.items()} | {"prob_max": PROBS.max(axis=1), "label": LABELS}
    roles = find_roles(head(columns))
    assert (roles.values, roles.classes) == (("prob_cat", "prob_dog", "prob_emu"), ("cat", "dog", "emu"))


def test_of_probabilities_and_logits_the_probabilities_are_taken() -> None:
    columns = {f"logit_{k}": np.log(PROBS[:, k]) for k in range(3)} | {f"p_{k}": PROBS[:, k] for k in range(3)}
    assert find_roles(head(columns)).values == ("p_0", "p_1", "p_2")


def test_the_prediction_is_no_label() -> None:
    best = [NAMES[k] for k in PROBS.argmax(axis=1)]
    for name in ("predict", "whatever"):
        assert find_roles(head({name: best, **CLASSES})).label is None
    assert find_roles(head({"whatever": LABELS, **CLASSES})).label == "whatever"
    assert find_roles(head({"whatever": LABELS, "predicted": best, **CLASSES})).label == "whatever"


def test_what_is_asked_for_is_taken() -> None:
    models = {f"{model}_prob_{k}": PROBS[:, k] for model in "ab" for k in range(3)}
    table_ = head({**models, **CLASSES, "y": LABELS, "mine": [0, 1] * (N // 2)})
    with pytest.raises(SeveralModels, match="Received those of 2: 'a', 'b'; say whose") as raised:
        find_roles(table_)
    assert raised.value.role == "model"
    assert raised.value.models["b"] == find_roles(table_, Asked(values=("b_prob_*",)))
    roles = find_roles(table_, Asked(values=("a_prob_*",), classes=("x", "y", "z"), label="MINE", ids=()))
    assert roles == Roles("probs", ("a_prob_0", "a_prob_1", "a_prob_2"), ("x", "y", "z"), label="mine")
    assert find_roles(table_, Asked(values=("dog", "cat", "emu"))).values == ("dog", "cat", "emu")
    assert find_roles(table_, Asked(values=("dog", "cat", "emu"))).classes == ("dog", "cat", "emu")
    assert find_roles(table_, Asked(values=("cat",), kind="probs")).values == ("cat",)
    assert find_roles(table_, Asked(values=("a_prob_*",), group="mine")).group == "mine"
    for asked in (Asked(label="none"), Asked(values=("x*",)), Asked(values=("none",))):
        with pytest.raises(UqError, match=r"Expected (the name of a column|columns like)"):
            find_roles(table_, asked)


def test_roles_of_another_file_may_lack_all_but_the_values() -> None:
    roles = Roles("probs", ("cat", "dog", "emu"), label="y", ids=("id",), group="g")
    assert settled(head(CLASSES), roles) == Roles("probs", ("cat", "dog", "emu"))
    with pytest.raises(UqError, match="Expected the column 'cat', as in the file that the roles are from"):
        settled(head({"dog": PROBS[:, 0]}), roles)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({f"p_{k}": [0.25] for k in (0, 1, 2, 4)}, "p_0 to p_4 without a gap. Received none named p_3; add it"),
        ({"p_0": [0.5], "p_1": [0.5], "P_1": [0.5]}, "each column once. Received 'p_1', 'P_1'; keep one"),
        (
            {"p_0": [0.5], "p_1": [0.5], "label": [0], "labels": [1]},
            "one column of true labels. Received 'label', 'lab",
        ),
        ({"a": [3], "b": [4]}, "such as p_0 and p_1 .*Received 'a', 'b'; say which"),
        ({}, "Received none and no row"),
        (
            {"image": ["a", "b"], "label": ["x", "y"], "pred": ["x", "x"]},
            "Received classes without any .'label', 'pred'.",
        ),
        ({"pred": ["x", "y", "z"], "conf": [0.5, 0.6, 0.7]}, "Received only that of the predicted one .'conf', of the"),
        (
            {"rf_prob": [0.5, 0.6], "nn_prob": [0.1, 0.2], "y": [0, 1]},
            "Received those of 2: 'rf', 'nn'; say whose",
        ),
    ],
)
def test_what_cannot_be_told_is_one_sentence(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(UqError, match=message):
        find_roles(head(columns))


def test_a_gap_is_none_where_the_labels_have_it_too() -> None:
    columns = {f"p_{k}": [0.5, 0.5] for k in (3, 7)}
    assert find_roles(head({**columns, "label": [7, 3]})).classes == ("3", "7")
    mine = read_predictions(table("p_3,p_7,label", "0.4,0.6,7", "0.3,0.7,3"), "mine")
    assert mine.labels is not None
    assert mine.labels.tolist() == [1, 0]


@pytest.mark.parametrize("form", ["prob_{}", "{}_prob", "p_{}", ".pred_{}"])
@pytest.mark.parametrize("start", ["a very long name of a class ", "long_name_prob_of_class_"])
def test_classes_that_are_called_by_words_for_values_are_those_of_the_label(form: str, start: str) -> None:
    names = tuple(start * 8 + letter for letter in "xyz")
    columns = {form.format(name): PROBS[:, k] for k, name in enumerate(names)}
    roles = find_roles(head({**columns, "label": [names[k] for k in np.arange(N) % 3]}))
    assert (roles.classes, roles.label) == (names, "label")
