"""Every metric of one stored model, on the test data and the OOD sets of its task."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from uqcore import datasets
from uqcore import strict_json as check
from uqcore.methods import method
from uqcore.metrics import classification, regression
from uqcore.metrics.classification import OodMetrics
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.content import stored_noise
from uqcore.models.sampling import draw, draw_in_chunks, load_posterior, sample_numbers
from uqcore.store import Store
from uqcore.types import Dataset, FloatArray, ModelRecord, Posterior, Tick, shifted


@dataclass(frozen=True)
class Evaluation:
    """One classifier's figures.

    Attributes:
        n_samples: samples drawn; the deterministic network has 1, an ensemble its members.
        accuracy, nll, brier, ece: of the predictive probabilities on the test split; see `uqcore.metrics`.
        own_measure: the measure that the method's authors use.
        misclassification_auroc: of the predictive entropy; an error is the positive class.
        own_misclassification_auroc: the same of ``own_measure``.
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
    own_misclassification_auroc: float
    ood: Mapping[str, Mapping[str, OodMetrics]]

    def summary(self) -> str:
        """What a person compares, a line for the test split and two at most for each OOD set."""
        lines = [
            f"{self.model_id}: accuracy {self.accuracy:.2%}, NLL {self.nll:.4f}, Brier {self.brier:.4f}, "
            f"ECE {self.ece:.4f} ({_samples(self.n_samples)})"
        ]
        found = {"predictive_entropy": self.misclassification_auroc, self.own_measure: self.own_misclassification_auroc}
        if math.isnan(self.misclassification_auroc):
            lines.append(f"  {'errors':8} no AUROC: all answers are {'right' if self.accuracy else 'wrong'}")
        else:
            lines += [f"  {'errors':8} {measure:18} AUROC {auroc:.4f}" for measure, auroc in found.items()]
        for name, by_measure in self.ood.items():
            for measure in dict.fromkeys(("predictive_entropy", self.own_measure)):
                row = by_measure[measure]
                lines.append(
                    f"  {name:8} {measure:18} AUROC {row.auroc:.4f}  AUPR {row.aupr:.4f}  FPR95 {row.fpr95:.4f}"
                )
        return "\n".join(lines)


@dataclass(frozen=True)
class RegressionEvaluation:
    """One regression model's figures.

    Attributes:
        n_samples: as for a classifier.
        noise_std: the observation noise that was fitted on validation data and is part of the predictive distribution.
        rmse, nll, crps, calibration_error: of the predictive distribution on the test split; see `uqcore.metrics`.
        coverage, width: of its central 90 % interval.
        std_on_data: mean standard deviation of the functions, noise apart, on the test split.
        std_ratio: OOD set -> the same there, as a multiple of ``std_on_data``; NaN for a single function.
    """

    model_id: str
    task: str
    method: str
    seed: int
    n_parameters: int
    n_samples: int
    noise_std: float
    rmse: float
    nll: float
    crps: float
    coverage: float
    width: float
    calibration_error: float
    std_on_data: float
    std_ratio: Mapping[str, float]

    def summary(self) -> str:
        """What a person compares, a line for the test split and one for the spread of the functions."""
        ratios = ", ".join(f"{name} {ratio:.2f} x" for name, ratio in self.std_ratio.items())
        return (
            f"{self.model_id}: RMSE {self.rmse:.4f}, NLL {self.nll:.4f}, CRPS {self.crps:.4f}, "
            f"{regression.LEVEL:.0%} interval covers {self.coverage:.1%} at width {self.width:.3f}, "
            f"quantile error {self.calibration_error:.3f} ({_samples(self.n_samples)})\n"
            f"  std on data {self.std_on_data:.4f}"
        ) + (f"; {ratios}" if self.std_on_data else "")


Evaluated = Evaluation | RegressionEvaluation


def evaluate(
    store: Store, record: ModelRecord, n_samples: int = 50, tick: Tick = lambda done, total: None
) -> Evaluated:
    """Draws ``n_samples`` samples on the test split and every OOD set of the task, and computes every metric."""
    dataset = datasets.load(record.task)
    posterior = load_posterior(store, record)
    of_kind = _evaluate_regression if dataset.is_regression else _evaluate_classification
    return of_kind(record, posterior, dataset, n_samples, tick)


def plain(value: Any) -> Any:
    """An evaluation's fields for JSON, which has no NaN: a figure that does not exist is null. Named tuples become
    objects."""
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def from_plain(content: object) -> Evaluated:
    """The evaluation of which `plain` made ``content``. UqError: it is of none."""
    made = check.json_map("figures", content)
    kind: type[Evaluated] = Evaluation if "accuracy" in made else RegressionEvaluation
    names = [field.name for field in fields(kind)]
    check.names("The figures", made, names)
    values: dict[str, Any] = {name: _figure(name, made[name]) for name in names}
    if kind is Evaluation:
        values["ood"] = {
            ood_set: {
                measure: OodMetrics(**check.json_fields(measure, figures, OodMetrics._fields))
                for measure, figures in by_measure.items()
            }
            for ood_set, by_measure in values["ood"].items()
        }
    return kind(**values)


def _figure(name: str, value: object) -> Any:
    """Null is NaN again."""
    if isinstance(value, dict):
        return {key: _figure(f"{name}.{key}", item) for key, item in value.items()}
    if value is None:
        return math.nan
    if isinstance(value, str):
        return check.text(name, value)
    return value if isinstance(value, int) else check.number(name, value)


def _evaluate_classification(
    record: ModelRecord, posterior: Posterior, dataset: Dataset, n_samples: int, tick: Tick
) -> Evaluation:
    n_classes = len(dataset.class_names)
    lacking = {
        need
        for need, there in (("two classes", n_classes == 2), ("score", _has_score(posterior, dataset)))
        if not there
    }
    names = [name for name, measure in MEASURES.items() if not measure.needs & lacking]
    inputs = {"": dataset.test.x, **dataset.ood}
    total, done = sum(len(x) for x in inputs.values()), 0
    measured: dict[str, dict[str, FloatArray]] = {}
    predictive: FloatArray | None = None
    for ood_name, x in inputs.items():
        drawn = draw_in_chunks(posterior, x, n_samples, shifted(tick, done, total))
        measured[ood_name] = {name: MEASURES[name].compute(drawn) for name in names}
        predictive = drawn.predictive if predictive is None else predictive
        done += len(x)
    assert predictive is not None
    labels, own_measure = dataset.test.y, method(record.method).own_measure
    correct = predictive.argmax(axis=-1) == labels
    test = measured.pop("")
    return Evaluation(
        model_id=record.model_id,
        task=record.task,
        method=record.method,
        seed=record.seed,
        n_parameters=record.n_parameters,
        n_samples=len(drawn.logits),
        accuracy=classification.accuracy(predictive, labels),
        nll=classification.nll(predictive, labels),
        brier=classification.brier(predictive, labels),
        ece=classification.ece(predictive, labels),
        own_measure=own_measure,
        misclassification_auroc=classification.misclassification_auroc(test["predictive_entropy"], correct),
        own_misclassification_auroc=classification.misclassification_auroc(test[own_measure], correct),
        ood={
            ood_name: {name: classification.ood_metrics(test[name], values[name]) for name in names}
            for ood_name, values in measured.items()
        },
    )


def _has_score(posterior: Posterior, dataset: Dataset) -> bool:
    return posterior.score(dataset.test.x[:1]) is not None


def _evaluate_regression(
    record: ModelRecord, posterior: Posterior, dataset: Dataset, n_samples: int, tick: Tick
) -> RegressionEvaluation:
    inputs = {"": dataset.test.x, **dataset.ood}
    total, done = sum(len(x) for x in inputs.values()), 0
    functions: dict[str, regression.Gaussian] = {}
    for name, x in inputs.items():
        functions[name] = regression.functions(draw(posterior, x, n_samples))
        done += len(x)
        tick(done, total)
    on_test, y = functions.pop(""), dataset.test.y
    predictive = regression.predictive(on_test, stored_noise(record))
    return RegressionEvaluation(
        model_id=record.model_id,
        task=record.task,
        method=record.method,
        seed=record.seed,
        n_parameters=record.n_parameters,
        n_samples=len(sample_numbers(posterior, n_samples)),
        noise_std=stored_noise(record),
        **regression.scores(predictive, y),
        std_on_data=float(on_test.std.mean()),
        std_ratio=regression.std_ratios(on_test.std, {name: f.std for name, f in functions.items()}),
    )


def _samples(n: int) -> str:
    return f"{n} sample{'s' * (n != 1)}"
