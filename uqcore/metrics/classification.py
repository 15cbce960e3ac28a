"""Metrics: one number per data set, and the arrays behind a reliability diagram.

Shapes are ``probs (N, K)``, ``labels (N,)`` of integers in 0..K-1, measures ``(N,)``. OOD and error are the positive
classes. Input that cannot be scored raises `UqError`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uqcore.types import FloatArray, IntArray, UqError

# scikit-learn takes 1.5 s to import, so the function that needs it imports it: a page without it starts fast.

SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)
"""What `nll` puts in place of a smaller probability: the smallest normal float32, 1.2e-38."""

LARGEST_MEASURE = 1e300
"""Of a measure, so that a difference of two of them, and a threshold just above one, is finite."""

ROW_SUM_TOLERANCE = 0.01
"""How far a row of probabilities may be from summing to 1: room for ten of them rounded to three decimals."""

_CHUNK_NUMBERS = 2**20  # checked at once, so that 10 million examples need no second array of their size


def accuracy(probs: FloatArray, labels: IntArray) -> float:
    """Share of examples whose most probable class is the label, in 0..1; higher is better.

    Of classes that tie, the first is the prediction. Guessing evenly scores 1/K.
    """
    probs, labels = _checked_predictions(probs, labels)
    return float(np.mean(probs.argmax(axis=1) == labels))


def nll(probs: FloatArray, labels: IntArray) -> float:
    """Mean negative log-likelihood of the labels in nats, from 0; lower is better. Uniform predictions score ln K.

    A probability below `SMALLEST_PROBABILITY` counts as that number, whatever the dtype: a label with probability zero
    costs 87.3 nats instead of infinity.
    """
    probs, labels = _checked_predictions(probs, labels)
    of_label = probs[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_label, SMALLEST_PROBABILITY)).mean())


def brier(probs: FloatArray, labels: IntArray) -> float:
    """Brier score: squared error against the one-hot label, summed over classes, mean over examples; lower is better.

    In 0..2 (Brier 1950; some libraries halve it). Uniform predictions score 1 - 1/K.
    """
    probs, labels = _checked_predictions(probs, labels)
    return float(np.square(probs - np.eye(probs.shape[1])[labels]).sum(axis=1).mean())


class ReliabilityCurve(NamedTuple):
    """Confidence against accuracy in M equal-width bins of the confidence; bin m is ``(edges[m], edges[m + 1]]``.

    Attributes:
        edges: ``(M + 1,)`` from 0 to 1.
        n_examples: ``(M,)`` how many fall into the bin.
        confidence: ``(M,)`` their mean confidence, NaN in an empty bin.
        accuracy: ``(M,)`` the share of them that is right, NaN in an empty bin.
    """

    edges: FloatArray
    n_examples: IntArray
    confidence: FloatArray
    accuracy: FloatArray


def reliability_curve(probs: FloatArray, labels: IntArray, n_bins: int = 15) -> ReliabilityCurve:
    """Bin the examples by the probability of their most probable class (Guo et al. 2017, arXiv 1706.04599, sec. 2)."""
    probs, labels = _checked_predictions(probs, labels)
    if n_bins < 1:
        raise UqError(f"`n_bins` must be 1 or more. Received: {n_bins}.")
    edges = np.linspace(0, 1, n_bins + 1)
    top = probs.max(axis=1)
    bins = np.searchsorted(edges[1:-1], top, side="left")
    n_examples = np.bincount(bins, minlength=n_bins)

    def bin_mean(values: FloatArray) -> FloatArray:
        sums = np.bincount(bins, weights=values, minlength=n_bins)
        return np.divide(sums, n_examples, out=np.full(n_bins, np.nan), where=n_examples > 0)

    correct = (probs.argmax(axis=1) == labels).astype(float)
    return ReliabilityCurve(edges, n_examples, bin_mean(top), bin_mean(correct))


def ece(probs: FloatArray, labels: IntArray, n_bins: int = 15) -> float:
    """Expected calibration error: mean gap between confidence and accuracy of the bins, weighted by their examples.

    In 0..1; lower is better (Guo et al. 2017, eq. 3). It says nothing of sharpness: a model that always predicts the
    classes' frequencies scores 0. It depends on ``n_bins``, and few examples a bin push it up.
    """
    curve = reliability_curve(probs, labels, n_bins)
    gap = np.abs(curve.accuracy - curve.confidence)
    return float(np.nansum(curve.n_examples * gap) / curve.n_examples.sum())


def adaptive_ece(probs: FloatArray, labels: IntArray, n_bins: int = 15) -> float:
    """`ece` with bins of equally many examples by their confidence (Nguyen & O'Connor 2015, arXiv 1508.05154).

    Lower is better. Where most examples are nearly certain, it resolves them and equal-width bins do not. Of examples
    that tie at a bin's end, which fall into it follows their order.

    Raises:
        UqError: there are fewer examples than bins.
    """
    probs, labels = _checked_predictions(probs, labels)
    if not 1 <= n_bins <= len(labels):
        raise UqError(f"Expected at least {n_bins} examples, one a bin, and at least 1 bin. Received: {len(labels)}.")
    top = probs.max(axis=1)
    order = np.argsort(top, kind="stable")
    gap = top[order] - (probs.argmax(axis=1) == labels)[order]
    return float(sum(abs(part.sum()) for part in np.array_split(gap, n_bins)) / len(labels))


class OodMetrics(NamedTuple):
    """How well a measure tells OOD (positive) from in-distribution examples.

    Attributes:
        auroc: probability that an OOD example has the higher measure, ties counting half; higher is better, chance 0.5.
        aupr: average precision; higher is better, chance is OOD's share of all examples.
        fpr95: share of in-distribution examples flagged where at least 95 % of OOD is; lower is better. OOD is
            positive, as in Hendrycks et al. 2019 (arXiv 1812.04606); elsewhere it is negative, another number.
    """

    auroc: float
    aupr: float
    fpr95: float


def auroc(negatives: FloatArray, positives: FloatArray) -> float:
    """Probability that one of ``positives (M,)`` is above one of ``negatives (N,)``, ties counting half; chance 0.5."""
    rising = np.sort(negatives)
    n_below, n_up_to = np.searchsorted(rising, positives), np.searchsorted(rising, positives, "right")
    return float((n_below + n_up_to).sum() / (2 * len(negatives) * len(positives)))


def ood_metrics(in_measure: FloatArray, out_measure: FloatArray) -> OodMetrics:
    """Compare a measure on in-distribution examples ``(N,)`` and on OOD examples ``(M,)``.

    For ``fpr95`` an example is flagged if its measure is at or above the threshold, which is the highest that flags at
    least 95 % of OOD. Examples that tie with the threshold are all flagged, on both sides.
    """
    from sklearn.metrics import average_precision_score

    in_measure = checked_measure(in_measure, "in_measure")
    out_measure = checked_measure(out_measure, "out_measure")
    measure = np.concatenate([in_measure, out_measure])
    is_ood = np.arange(len(measure)) >= len(in_measure)
    n_flagged = -(-95 * len(out_measure) // 100)  # the ceiling in integers: 0.95 * n in floats may round up past it
    threshold = np.sort(out_measure)[-n_flagged]
    return OodMetrics(
        auroc=auroc(in_measure, out_measure),
        aupr=float(average_precision_score(is_ood, measure)),
        fpr95=float(np.mean(in_measure >= threshold)),
    )


def misclassification_auroc(measure: FloatArray, correct: NDArray[np.bool_]) -> float:
    """Probability that a wrong prediction has a higher measure than a right one, ties counting half.

    ``measure (N,)``, ``correct (N,)`` bool. Higher is better, chance 0.5. NaN where all predictions are right or all
    wrong: there is nothing to tell apart.
    """
    measure = checked_measure(measure)
    correct = checked_correct(correct, len(measure))
    if correct.all() or not correct.any():
        return float("nan")
    return auroc(measure[correct], measure[~correct])


def checked_measure(measure: ArrayLike, name: str = "measure") -> NDArray[np.float64]:
    """The measure as float64 ``(N,)``, in which a float32 value compares exactly with any threshold.

    Raises:
        UqError: it has another shape, no example, or a value that is NaN, infinite or above `LARGEST_MEASURE`.
    """
    values = np.asarray(measure, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise UqError(f"`{name}` must hold one number for each example, at least one. Received shape: {values.shape}.")
    if not np.isfinite(values).all():
        raise UqError(
            f"`{name}` must be finite. Received {np.sum(~np.isfinite(values))} values that are NaN or infinite."
        )
    largest = max(abs(float(values.min())), abs(float(values.max())))
    if largest > LARGEST_MEASURE:
        raise UqError(
            f"`{name}` must be at most {LARGEST_MEASURE:g}. Received {largest:g}; divide all by the same number, which "
            f"changes no order."
        )
    return values


def checked_correct(correct: ArrayLike, n_examples: int, name: str = "correct") -> NDArray[np.bool_]:
    """Whether each prediction is right, or another yes or no about each example, ``(n_examples,)`` bool.

    Raises:
        UqError: it has another shape or another dtype than bool.
    """
    values = np.asarray(correct)
    if values.shape != (n_examples,) or values.dtype != np.bool_:
        raise UqError(
            f"`{name}` must be {n_examples} booleans, one for each example. "
            f"Received: shape {values.shape}, dtype {values.dtype}."
        )
    return values


def checked_probs(probs: ArrayLike, n_classes: int | None = None) -> NDArray[np.float32]:
    """Probabilities ``(N, K)`` or ``(S, N, K)`` as float32 in C order, so that all that follows depends on them alone.

    N may be 0.

    Raises:
        UqError: there are other axes or another K than ``n_classes``, a number is NaN or negative, or a row does not
            sum to 1.
    """
    values = checked_numbers(probs, "probs")
    if values.ndim not in (2, 3) or 0 in (values.shape[-1], values.shape[0] if values.ndim == 3 else 1):
        raise UqError(
            f"`probs` must have shape (examples, classes) or (samples, examples, classes). Received: {values.shape}."
        )
    if n_classes is not None and values.shape[-1] != n_classes:
        raise UqError(f"`probs` must have {n_classes} classes on its last axis. Received shape: {values.shape}.")
    step = max(1, _CHUNK_NUMBERS // (values.size // max(values.shape[-2], 1) or 1))
    for i in range(0, values.shape[-2], step):
        part = values[..., i : i + step, :]
        # As a product in float64, a tenth of the time of a sum over a short axis.
        worst = float(np.abs(part @ np.ones(part.shape[-1]) - 1).max())
        if not (part.min() >= 0 and worst <= ROW_SUM_TOLERANCE):  # which NaN does not pass
            raise UqError(
                "Each row of `probs` must be probabilities that sum to 1. Received rows with NaN, negative numbers or "
                f"another sum (up to {worst:.3g} off); apply softmax to logits."
            )
    return np.ascontiguousarray(values, np.float32)


def checked_numbers(values: ArrayLike, name: str) -> FloatArray:
    """As an array of floats; objects that are numbers, as a table of mixed columns has them, are converted.

    Raises:
        UqError: they are text or complex, or rows are not of equal length.
    """
    try:
        numbers = np.asarray(values)
        if np.issubdtype(numbers.dtype, np.floating):
            return numbers
        if numbers.dtype.kind in "biuO":
            return numbers.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise UqError(f"`{name}` must be an array of numbers, as many in each row. Received something else.")


def _checked_predictions(probs: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """``probs (N, K)`` as float64, so that sums over many examples stay exact, and ``labels (N,)``."""
    checked, classes = np.asarray(probs, dtype=np.float64), np.asarray(labels)
    if checked.ndim != 2 or checked.size == 0:
        raise UqError(f"`probs` must have shape (examples, classes) and not be empty. Received shape: {checked.shape}.")
    if classes.shape != checked.shape[:1]:
        raise UqError(f"`labels` must have shape {checked.shape[:1]}, one for each row. Received: {classes.shape}.")
    if not np.issubdtype(classes.dtype, np.integer) or classes.min() < 0 or classes.max() >= checked.shape[1]:
        raise UqError(f"`labels` must be integers from 0 to {checked.shape[1] - 1}, the number of a column of `probs`.")
    if not (checked.min() >= 0 and np.allclose(checked.sum(axis=1), 1, atol=ROW_SUM_TOLERANCE)):
        raise UqError("Each row of `probs` must be probabilities that sum to 1. Received other rows; apply softmax.")
    return checked, classes
