"""From what is said to figures: hand values, and bad sets that leave the others as they are."""

from __future__ import annotations

import numpy as np
import pytest

from uqcore.datasets import load
from uqcore.metrics.classification import nll
from uqcore.scoreboard import inputs
from uqcore.scoreboard.figures import Figures, Said, figures
from uqcore.scoreboard.inputs import N_DISTURBED, OF_DIGITS, OF_IMAGES, parts
from uqcore.scoreboard.results import Key
from uqcore.types import Draws, softmax

RNG = np.random.default_rng(8)


def said(n: int, logits: float = 1.0) -> Said:
    return Said.of(Draws(np.float32(logits) * RNG.normal(size=(1, n, 2)).astype(np.float32), score=RNG.random(n)))


def measured(labels: dict[str, np.ndarray], **parts: Said) -> Figures:
    kinds = {name: {"validation": "validation", "test": "test"}.get(name, "unseen") for name in parts}
    return figures(parts, {name: labels.get(name, np.empty(0, int)) for name in parts}, kinds, load("moons"))


def test_all_right_is_undefined_and_the_rest_stands() -> None:
    test, validation = said(40), said(40)
    assert test.probs is not None
    labels = {"test": test.probs.argmax(axis=1), "validation": RNG.integers(0, 2, 40)}
    found = measured(labels, validation=validation, test=test, cluster=said(30))
    assert found.values[Key("accuracy")] == 1
    assert "All 40 test inputs are read right" in found.undefined[Key("error_auroc", "score")]
    assert 0 <= found.values[Key("auroc", "score", "cluster")] <= 1


def test_all_wrong_is_undefined_and_the_rest_stands() -> None:
    test, validation = said(40), said(40)
    assert test.probs is not None
    labels = {"test": 1 - test.probs.argmax(axis=1), "validation": RNG.integers(0, 2, 40)}
    found = measured(labels, validation=validation, test=test, cluster=said(30))
    assert found.values[Key("accuracy")] == 0
    assert "All 40 test inputs are read wrong" in found.undefined[Key("error_auroc", "score")]
    assert Key("auroc", "score", "cluster") in found.values


def test_a_class_that_no_input_has_and_one_class_alone_are_no_matter() -> None:
    labels = {"test": np.zeros(40, int), "validation": np.zeros(40, int)}
    found = measured(labels, validation=said(40), test=said(40), cluster=said(30))
    assert found.undefined == {}
    assert all(np.isfinite(list(found.values.values())))
    assert {Key("accuracy"), Key("nll_tempered"), Key("auroc", "score", "cluster")} <= set(found.values)


@pytest.mark.parametrize("missing", ["test", "validation"])
def test_missing_labels_are_said_and_what_needs_none_stands(missing: str) -> None:
    labels = {name: RNG.integers(0, 2, 40) for name in ("test", "validation") if name != missing}
    found = measured(labels, validation=said(40), test=said(40), cluster=said(30))
    problem = f"The {missing} set has 40 inputs and 0 labels."
    needs = {"test": Key("accuracy"), "validation": Key("nll_tempered")}[missing]
    assert found.undefined[needs] == problem
    assert Key("auroc", "score", "cluster") in found.values
    assert all(np.isfinite(list(found.values.values())))


def test_few_examples_are_said_and_the_rest_stands() -> None:
    labels = {"test": RNG.integers(0, 2, 8), "validation": RNG.integers(0, 2, 40)}
    found = measured(labels, validation=said(40), test=said(8), cluster=said(30))
    assert "at least 15 examples" in found.undefined[Key("ece_adaptive")]
    assert Key("ece") in found.values
    assert all(np.isfinite(list(found.values.values())))


def test_an_empty_unseen_set_is_said_and_the_rest_stands() -> None:
    labels = {"test": RNG.integers(0, 2, 40), "validation": RNG.integers(0, 2, 40)}
    found = measured(labels, validation=said(40), test=said(40), cluster=said(30), none=said(0))
    assert Key("auroc", "score", "none") in found.undefined
    assert Key("auroc", "score", "cluster") in found.values


def test_the_tempered_nll_is_that_of_the_best_temperature_on_validation() -> None:
    logits = RNG.normal(size=(1, 4000, 2)).astype(np.float32)
    labels = (RNG.random(4000) < softmax(logits[0])[:, 1]).astype(int)
    sure = Said.of(Draws(5 * logits))
    found = measured({"test": labels, "validation": labels}, validation=sure, test=sure)
    assert found.values[Key("nll_tempered")] == pytest.approx(nll(softmax(logits[0]), labels), rel=1e-3)
    assert found.values[Key("nll_tempered")] < found.values[Key("nll")]


def test_accepted_unseen_by_hand() -> None:
    """95 % of 100 validation scores 0.00 to 0.99 are accepted below 0.95."""
    flat = np.zeros((100, 2), np.float32) + 0.5
    validation = Said(flat, {"score": np.arange(100) / 100})
    unseen = Said(flat[:4], {"score": np.array([0.1, 0.93, 0.97, 2.0])})
    labels = {"test": np.zeros(100, int), "validation": np.zeros(100, int)}
    found = measured(labels, validation=validation, test=validation, cluster=unseen)
    assert found.values[Key("accepted", "score", "cluster")] == 0.5


def test_the_inputs_are_the_tasks_sets_and_its_images_disturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    every = {part.name: part for part in parts(load("digits_0_4"))}
    assert list(every)[:5] == ["validation", "test", "digits_5_9", "fashion", "noise"]
    assert list(every)[5:] == list(OF_IMAGES)
    assert all(len(every[name].split) == N_DISTURBED for name in OF_IMAGES)
    monkeypatch.setattr(inputs, "N_DISTURBED", 1)  # one image is enough to know by what
    assert [part.name for part in parts(load("digits"))][-len(OF_DIGITS) :] == list(OF_DIGITS)
    assert [part.name for part in parts(load("moons"))] == ["validation", "test", "cluster"]
