"""The speed of choosing thresholds for a million predictions, beside what a person would use otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.bench.contest import Way
from uqcore.metrics.uncertainty import MEASURES, least_confidence
from uqcore.selection import (
    Costs,
    Ranking,
    aurc,
    certify,
    error_roc,
    ood_roc,
    rank,
    rank_outcomes,
    risk_coverage_curve,
)
from uqcore.types import Draws, FloatArray, IntArray, softmax

N_EXAMPLES, N_OOD, N_CLASSES = 1_000_000, 100_000, 10
_RISK, _DELTA = 0.01, 0.05
_MULTICLASS_RISK, N_MULTICLASS = 0.05, 100_000
_MAPIE = find_spec("mapie") is not None
_TRIED = 200  # thresholds that the naive loop tries: 20,000 times as many make a difference


class Million(NamedTuple):
    """Predictive entropies of a million simulated predictions, about 98 % of them right, and of OOD ones."""

    measure: FloatArray
    predicted: IntArray
    labels: IntArray
    ood: FloatArray

    @property
    def correct(self) -> NDArray[np.bool_]:
        return self.predicted == self.labels


def million(n_examples: int = N_EXAMPLES, n_ood: int = N_OOD) -> Million:
    """Gaussian logits with the label's raised; OOD without that."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, N_CLASSES, n_examples)
    logits = rng.normal(0, 1.5, (1, n_examples + n_ood, N_CLASSES)).astype(np.float32)
    logits[0, np.arange(n_examples), labels] += 6
    draws = Draws(logits, sample_probs=softmax(logits))
    measure = MEASURES["predictive_entropy"].compute(draws)
    predicted = draws.predictive[:n_examples].argmax(axis=1)
    return Million(measure[:n_examples], predicted, labels, measure[n_examples:])


def curves() -> tuple[Way, Way, str]:
    """From the measure to all curves, their areas and a certified threshold."""
    data = million()

    def ours(i: int) -> None:
        ranking = rank(data.measure, data.correct, data.ood)
        table = ranking.table()
        for curve in (risk_coverage_curve, error_roc, ood_roc):
            curve(table)
        aurc(ranking)
        certify(ranking, _RISK, _DELTA)

    def naive(i: int) -> None:
        from sklearn.metrics import precision_recall_curve, roc_curve

        correct = data.correct
        roc_curve(~correct, data.measure)
        precision_recall_curve(correct, -data.measure)
        measure = np.concatenate([data.measure, data.ood])
        roc_curve(np.arange(len(measure)) >= len(data.measure), measure)

    return ours, naive, "naive: scikit-learn's ROC, ROC against OOD and precision-recall, without a certificate"


def certificate() -> tuple[Way, Way | None, str]:
    """A certified threshold alone, from the sorted examples."""
    data = million()
    ranking, correct = rank(data.measure, data.correct), data.correct.astype(int)
    scores, thresholds = -data.measure, -np.quantile(data.measure, np.linspace(0.02, 1, 50))

    def naive(i: int) -> None:
        from mapie.risk_control import BinaryClassificationController

        controller = BinaryClassificationController(
            lambda x: np.column_stack([-x, x]),
            "precision",
            target_level=1 - _RISK,
            confidence_level=1 - _DELTA,
            list_predict_params=np.sort(thresholds),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            controller.calibrate(scores, correct)

    note = "naive: MAPIE's controller on 50 thresholds"
    return lambda i: certify(ranking, _RISK, _DELTA), naive if _MAPIE else None, note


def multiclass() -> tuple[Way, Way | None, str]:
    """A certified threshold from the sorted examples, beside MAPIE's controller of several classes, on probabilities.

    Of what it offers the most coverage came from Bonferroni-Holm over 100 thresholds, with the share of abstentions as
    its secondary objective; a fixed sequence over them starts where nothing can pass. It certifies the share of wrong
    answers among the accepted only through a risk of one's own making, as here.
    """
    data = few(N_MULTICLASS)
    ranking = _ranked(data)
    draws = [few(1000, seed) for seed in range(1, 21 if _MAPIE else 1)]
    coverages = [(certify(_ranked(some), _MULTICLASS_RISK, _DELTA).coverage, _mapie_coverage(some)) for some in draws]
    ours, theirs = (sum(pair[i] for pair in coverages) / max(len(coverages), 1) for i in (0, 1))
    note = (
        f"naive: MAPIE's controller of several classes, Holm on 100 thresholds; mean coverage of 20 draws of 1,000: "
        f"ours {ours:.3f}, its {theirs:.3f}"
    )
    return (
        lambda i: certify(ranking, _MULTICLASS_RISK, _DELTA),
        (lambda i: _mapie_coverage(data)) if _MAPIE else None,
        note,
    )


class Few(NamedTuple):
    """Simulated probabilities ``(N, K)``, about 90 % of which are right, and labels."""

    probs: FloatArray
    labels: IntArray


def few(n_examples: int, seed: int = 0) -> Few:
    """Gaussian logits with the label's raised."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, N_CLASSES, n_examples)
    logits = rng.normal(0, 1.5, (n_examples, N_CLASSES)).astype(np.float32)
    logits[np.arange(n_examples), labels] += 4.5
    return Few(softmax(logits), labels)


def _ranked(data: Few) -> Ranking:
    return rank(least_confidence(data.probs), data.probs.argmax(axis=1) == data.labels)


def _mapie_coverage(data: Few) -> float:
    from mapie.risk_control import BinaryRisk, MultiClassificationLTTController, abstention_rate

    controller = MultiClassificationLTTController(
        lambda rows: data.probs[np.asarray(rows)[:, 0]],
        [BinaryRisk(lambda y, said: y != said, lambda y, said: ~np.isnan(said), higher_is_better=False)],
        target_level=[_MULTICLASS_RISK],
        confidence_level=1 - _DELTA,
        best_predict_param_choice=abstention_rate,
        list_predict_params=np.linspace(0, 0.99, 100),
        classes=np.arange(N_CLASSES),
        fwer_method="bonferroni_holm",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        controller.calibrate(np.arange(len(data.labels))[:, None], data.labels)
    least = controller.best_predict_param
    return 0.0 if least is None else float(np.mean(data.probs.max(axis=1) >= least))


def one_more() -> tuple[Way, Way, str]:
    """What one further threshold accepts."""
    data = million()
    ranking, correct = rank(data.measure, data.correct, data.ood), data.correct

    def naive(i: int) -> None:
        accepted = data.measure <= 0.1 * (i + 1)
        correct[accepted].mean(), accepted.mean(), (data.ood <= 0.1 * (i + 1)).mean()

    return lambda i: ranking.at(0.1 * (i + 1)), naive, "naive: masks over all examples"


def cheapest() -> tuple[Way, Way, str]:
    """The threshold of least cost among all that make a difference."""
    data = million()
    costs = Costs.uniform(N_CLASSES, deferral=0.1)

    def naive(i: int) -> None:
        correct = data.correct
        for threshold in np.quantile(data.measure, np.linspace(0, 1, _TRIED)):
            accepted = data.measure <= threshold
            np.mean(np.where(accepted, ~correct, costs.deferral))

    return (
        lambda i: rank_outcomes(data.measure, data.predicted, data.labels, N_CLASSES).cheapest(costs),
        naive,
        f"naive: a loop over {_TRIED} thresholds",
    )


CONTESTS: dict[str, Callable[[], tuple[Way, Way | None, str]]] = {
    "1,000,000 predictions: curves and certificate": curves,
    "1,000,000 predictions: certified threshold": certificate,
    "100,000 predictions: certified threshold": multiclass,
    "1,000,000 predictions: one further threshold": one_more,
    "1,000,000 predictions: cheapest threshold": cheapest,
}
