"""Every metric of one stored model, on the test data and the OOD sets of its task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from uqcore import datasets, metrics
from uqcore.measures import MEASURES
from uqcore.methods import METHODS
from uqcore.metrics import OodMetrics
from uqcore.sampling import draw_in_chunks, load_posterior
from uqcore.store import Store
from uqcore.types import FloatArray, ModelRecord

Tick = Callable[[int, int], None]
"""Told how many of how many examples are done."""


@dataclass(frozen=True)
class Evaluation:
    """One model's figures.

    Attributes:
        n_samples: samples drawn; the deterministic network has 1, an ensemble its members.
        accuracy, nll, brier, ece: of the predictive probabilities on the test split; see `uqcore.metrics`.
        own_measure: the measure that the method's authors use.
        misclassification_auroc: of the predictive entropy; an error is the positive class.
        ood: OOD set -> measure -> AUROC, AUPR, FPR95 against the test split; OOD is the positive class.
    """

    model_id: str
    task: str
    method: str
    seed: int
    n_parameters: int
    n_samples: int
    accuracy: float
    nll: float
    brier: float
    ece: float
    own_measure: str
    misclassification_auroc: float
    ood: Mapping[str, Mapping[str, OodMetrics]]


def evaluate(
    store: Store, record: ModelRecord, n_samples: int = 50, tick: Tick = lambda done, total: None
) -> Evaluation:
    """Draws ``n_samples`` samples on the test split and every OOD set of the task, and computes every metric."""
    dataset = datasets.load(record.task)
    posterior = load_posterior(store, record)
    names = [name for name in MEASURES if name != "bernoulli_variance" or len(dataset.class_names) == 2]
    inputs = {"": dataset.test.x, **dataset.ood}
    total, done = sum(len(x) for x in inputs.values()), 0
    measured: dict[str, dict[str, FloatArray]] = {}
    predictive: FloatArray | None = None
    for ood_name, x in inputs.items():
        drawn = draw_in_chunks(posterior, x, n_samples, partial(_shifted, tick, done, total))
        measured[ood_name] = {name: MEASURES[name].compute(drawn) for name in names}
        predictive = drawn.predictive if predictive is None else predictive
        done += len(x)
    assert predictive is not None
    labels = dataset.test.y
    test = measured.pop("")
    return Evaluation(
        model_id=record.model_id,
        task=record.task,
        method=record.method,
        seed=record.seed,
        n_parameters=record.n_parameters,
        n_samples=len(drawn.logits),
        accuracy=metrics.accuracy(predictive, labels),
        nll=metrics.nll(predictive, labels),
        brier=metrics.brier(predictive, labels),
        ece=metrics.ece(predictive, labels),
        own_measure=METHODS[record.method].own_measure,
        misclassification_auroc=metrics.misclassification_auroc(
            test["predictive_entropy"], predictive.argmax(axis=-1) == labels
        ),
        ood={
            ood_name: {name: metrics.ood_metrics(test[name], values[name]) for name in names}
            for ood_name, values in measured.items()
        },
    )


def _shifted(tick: Tick, before: int, total: int, done: int) -> None:
    tick(before + done, total)
