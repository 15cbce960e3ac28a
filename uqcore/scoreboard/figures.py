"""From what a system says of a task's inputs to its figures. One bad set leaves the others as they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from uqcore.methods.temperature import likeliest
from uqcore.metrics import classification
from uqcore.metrics.uncertainty import MEASURES
from uqcore.scoreboard.metrics import METRICS
from uqcore.scoreboard.results import Curve, Key
from uqcore.selection import augrc, aurc, certify, ood_roc, rank, risk_coverage_curve, threshold_at_coverage
from uqcore.types import Dataset, Draws, FloatArray, IntArray, UqError, softmax

SCORES = ("predictive_entropy", "least_confidence", "mutual_information", "logit_variance", "score")
"""The measures that rank inputs here, where a method has them."""

ACCEPTED_SHARE = 0.95
DELTA = 0.05
_OF_ANSWERS = [metric_id for metric_id, metric in METRICS.items() if metric.group == "answers"]
_OF_ERRORS = [metric_id for metric_id, metric in METRICS.items() if metric.group == "errors"]
_GRID = np.linspace(0.025, 1, 40)
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True, eq=False)
class Said:
    """What a system says of N inputs: probabilities ``(N, K)``, or None of a control without classes; its scores by
    their ids, ``(N,)`` each, rising with uncertainty."""

    probs: FloatArray | None
    scores: Mapping[str, FloatArray]

    @classmethod
    def of(cls, draws: Draws) -> Said:
        """With every score of `SCORES` that the method has."""
        there = {
            "n_samples": len(draws.logits),
            "n_classes": draws.logits.shape[-1],
            "has_logits": True,
            "has_variance": draws.variance is not None,
            "has_score": draws.score is not None,
        }
        fitting = [name for name in SCORES if MEASURES[name].fits(**there)]
        return cls(draws.predictive, {name: MEASURES[name].compute(draws) for name in fitting})

    @classmethod
    def concatenate(cls, said: list[Said]) -> Said:
        """Of several groups of inputs, as one."""
        probs = (
            None if said[0].probs is None else np.concatenate([each.probs for each in said if each.probs is not None])
        )
        return cls(probs, {name: np.concatenate([each.scores[name] for each in said]) for name in said[0].scores})


@dataclass
class Figures:
    """The figures of one run; `add` catches what cannot be had, with its reason."""

    values: dict[Key, float] = field(default_factory=dict)
    undefined: dict[Key, str] = field(default_factory=dict)
    curves: dict[Key, Curve] = field(default_factory=dict)

    def add(self, key: Key, compute: Callable[[], float], nan_means: str = "It is not a finite number.") -> None:
        """Keeps ``compute()``, or why there is none."""
        try:
            value = float(compute())
        except UqError as error:
            self.undefined[key] = str(error)
            return
        if math.isfinite(value):
            self.values[key] = value
        else:
            self.undefined[key] = nan_means

    def of_score_alone(self) -> Figures:
        """Without what a network that was only given a score says like the network itself."""

        def own(key: Key) -> bool:
            return key.score == "score"

        return Figures(
            {key: value for key, value in self.values.items() if own(key)},
            {key: reason for key, reason in self.undefined.items() if own(key)},
            {key: curve for key, curve in self.curves.items() if own(key)},
        )


def figures(
    said: Mapping[str, Said], labels: Mapping[str, IntArray], kinds: Mapping[str, str], dataset: Dataset
) -> Figures:
    """Every figure of `METRICS` that can be had from what was said, but costs.

    Args:
        said: part's name -> what was said of it; ``validation`` and ``test`` are there.
        labels, kinds: of the same parts (see `inputs.parts`).
    """
    found = Figures()
    missing = {
        name: f"The {name} set has {len(probs)} inputs and {len(labels[name])} labels."
        for name in ("test", "validation")
        if (probs := said[name].probs) is not None and len(probs) != len(labels[name])
    }
    if said["test"].probs is not None:
        _answers(found, said, labels, missing)
    for score in said["test"].scores:
        _errors(found, said, labels, score, dataset, missing)
        for name, kind in kinds.items():
            if kind == "unseen":
                _unseen(found, said, score, name)
    for name, kind in kinds.items():
        if kind == "shift" and said[name].probs is not None:
            _shift(found, said, labels, name)
    return found


def _answers(
    found: Figures, said: Mapping[str, Said], labels: Mapping[str, IntArray], missing: Mapping[str, str]
) -> None:
    """``missing``: of sets without their labels, the sentence that says so."""
    probs, y = _probs(said, "test"), labels["test"]
    if "test" in missing:
        found.undefined |= {Key(metric): missing["test"] for metric in _OF_ANSWERS}
        return
    found.add(Key("accuracy"), lambda: classification.accuracy(probs, y))
    found.add(Key("nll"), lambda: classification.nll(probs, y))
    found.add(Key("brier"), lambda: classification.brier(probs, y))
    found.add(Key("ece"), lambda: classification.ece(probs, y))
    found.add(Key("ece_adaptive"), lambda: classification.adaptive_ece(probs, y))
    curve = classification.reliability_curve(probs, y)
    full = curve.n_examples > 0
    found.curves[Key("reliability")] = Curve(
        tuple(curve.confidence[full].tolist()),
        tuple(curve.accuracy[full].tolist()),
        tuple(curve.n_examples[full].tolist()),
    )
    if "validation" in missing:
        found.undefined |= {Key(metric): missing["validation"] for metric in _OF_ANSWERS if "tempered" in metric}
        return
    of_validation = np.log(np.maximum(_probs(said, "validation"), _TINY))
    temperature = likeliest(of_validation, labels["validation"])
    tempered = softmax(np.log(np.maximum(probs, _TINY)).astype(np.float64) / temperature)
    found.add(Key("nll_tempered"), lambda: classification.nll(tempered, y))
    found.add(Key("ece_tempered"), lambda: classification.ece(tempered, y))


def _errors(
    found: Figures,
    said: Mapping[str, Said],
    labels: Mapping[str, IntArray],
    score: str,
    dataset: Dataset,
    missing: Mapping[str, str],
) -> None:
    if said["test"].probs is None:
        return
    if "test" in missing:
        found.undefined |= {Key(metric, score): missing["test"] for metric in _OF_ERRORS}
        return
    measure, correct = said["test"].scores[score], _correct(said, labels, "test")
    alike = f"All {len(correct)} test inputs are read {'right' if correct.all() else 'wrong'}: nothing to tell apart."
    ranking = rank(measure, correct)
    found.add(
        Key("error_auroc", score), lambda: classification.misclassification_auroc(measure, correct), nan_means=alike
    )
    found.add(Key("aurc", score), lambda: aurc(ranking).aurc)
    found.add(Key("eaurc", score), lambda: aurc(ranking).excess)
    found.add(Key("augrc", score), lambda: augrc(ranking))

    def certified() -> float:
        if "validation" in missing:
            raise UqError(missing["validation"])
        on_validation = rank(said["validation"].scores[score], _correct(said, labels, "validation"))
        certificate = certify(on_validation, dataset.usual_risk, DELTA)
        return float(np.mean(measure <= certificate.threshold))

    found.add(Key("certified_coverage", score), certified)
    curve = risk_coverage_curve(ranking.table(None))
    rows = np.searchsorted(curve.coverage, _GRID - 1e-12).clip(1, len(curve.coverage) - 1)
    found.curves[Key("risk_coverage", score)] = Curve(tuple(_GRID.tolist()), tuple(curve.risk[rows].tolist()))


def _unseen(found: Figures, said: Mapping[str, Said], score: str, name: str) -> None:
    inside, outside = said["test"].scores[score], said[name].scores[score]
    try:
        metrics = classification.ood_metrics(inside, outside)
    except UqError as error:
        found.undefined |= {Key(metric, score, name): str(error) for metric in ("auroc", "aupr", "fpr95")}
        return
    for metric, value in metrics._asdict().items():
        found.values[Key(metric, score, name)] = float(value)
    found.add(Key("accepted", score, name), lambda: float(np.mean(outside <= _threshold(said, score))))
    curve = ood_roc(rank(inside, np.ones(len(inside), np.bool_), outside).table(None))
    rising = slice(None, None, -1)
    found.curves[Key("roc", score, name)] = Curve(
        tuple(_GRID.tolist()), tuple(np.interp(_GRID, curve.fpr[rising], curve.tpr[rising]).tolist())
    )


def _shift(found: Figures, said: Mapping[str, Said], labels: Mapping[str, IntArray], name: str) -> None:
    probs, y = _probs(said, name), labels[name]
    found.add(Key("shift_accuracy", unseen=name), lambda: classification.accuracy(probs, y))
    found.add(Key("shift_nll", unseen=name), lambda: classification.nll(probs, y))
    found.add(Key("shift_ece", unseen=name), lambda: classification.ece(probs, y))
    wrong = ~_correct(said, labels, name)
    for score, measure in said[name].scores.items():
        accepted = measure <= _threshold(said, score)
        found.values[Key("shift_errors", score, name)] = float(np.mean(accepted & wrong))


def _threshold(said: Mapping[str, Said], score: str) -> float:
    return threshold_at_coverage(said["validation"].scores[score], ACCEPTED_SHARE)


def _probs(said: Mapping[str, Said], name: str) -> FloatArray:
    probs = said[name].probs
    assert probs is not None
    return probs


def _correct(said: Mapping[str, Said], labels: Mapping[str, IntArray], name: str) -> NDArray[np.bool_]:
    return _probs(said, name).argmax(axis=1) == labels[name]
