"""Measures: one number per example that rises with uncertainty. Pure functions of probabilities, and their registry.

Entropies are in nats. For S samples p_s of the class probabilities, with the mean p = mean_s p_s,

    H(p)    =  mean_s H(p_s)     +  I
    total      aleatoric            epistemic

where I is the mutual information of the class and the model (Houlsby et al. 2011, arXiv 1112.5745, eq. 2; Depeweg et
al. 2018, arXiv 1710.07283). The identity holds for the mean of the samples and for nothing else. A method with a closed
form (SNGP) has a `Draws.predictive` that is not that mean, so its `predictive_entropy` is not the total of the split:
`sample_entropy`, the entropy of the mean of the samples, is. Without a closed form the two are the same, up to the
rounding of the mean to float32.

All are computed in float64 and in one fixed order, so that the same probabilities have the same measure in any array;
how far another processor may round it differently stands in `uqcore.selection.gaps`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.types import Draws, FloatArray, UqError, folded_sum, mean_over_samples

_CACHED_NUMBERS = 2**15  # of 8 bytes


def entropy(probs: FloatArray) -> NDArray[np.float64]:
    """Shannon entropy of ``probs (..., K)`` in nats, ``(...,)``: 0 for a one-hot row, ln K for a uniform one."""
    of_class = _classes_first(probs)
    # A mean of float32 probabilities may exceed 1 in the last bit, which would give a negative entropy.
    of_class = np.minimum(of_class, 1)
    # The floor makes 0 log 0 = 0.
    return 0 - folded_sum(of_class * np.log(np.maximum(of_class, np.finfo(np.float64).tiny)))


def normalized_entropy(probs: FloatArray) -> NDArray[np.float64]:
    """Entropy of ``probs (..., K)`` divided by ln K, in 0..1: comparable between tasks of different K."""
    return entropy(probs) / math.log(probs.shape[-1])


def least_confidence(probs: FloatArray) -> NDArray[np.float64]:
    """One minus the largest of ``probs (..., K)``: 0 where one class is certain, 1 - 1/K where all are equal."""
    return 1 - probs.max(axis=-1).astype(np.float64)


def margin(probs: FloatArray) -> NDArray[np.float64]:
    """One minus the gap between the two largest of ``probs (..., K)``: 1 where they tie, 0 where one is certain.

    Scheffer, Decomain & Wrobel 2001 use the gap itself, which falls with uncertainty.
    """
    top_two = np.partition(probs, -2, axis=-1)[..., -2:].astype(np.float64)
    return (1 - top_two[..., 1]) + top_two[..., 0]  # in this order a small one keeps all its digits


def bernoulli_variance(probs: FloatArray) -> NDArray[np.float64]:
    """Variance p(1 - p) of the label for ``probs (..., 2)``, in 0..0.25: the uncertainty of TensorFlow's SNGP tutorial.

    Raises:
        UqError: there are not exactly two classes.
    """
    if probs.shape[-1] != 2:
        raise UqError(
            f"The Bernoulli variance needs exactly 2 classes. Received: {probs.shape[-1]}. Choose another measure."
        )
    of_one = probs[..., 1].astype(np.float64)
    return of_one * (1 - of_one)


def sample_entropy(probs: FloatArray) -> NDArray[np.float64]:
    """Entropy of the mean of the samples ``probs (S, N, K)``, ``(N,)`` in nats: the total of `decompose`."""
    return entropy(mean_over_samples(probs))


def expected_entropy(probs: FloatArray) -> NDArray[np.float64]:
    """Mean over the samples ``probs (S, N, K)`` of their entropies, ``(N,)`` in nats: the aleatoric part."""
    # Some samples at a time, so that the temporaries stay in the processor's cache.
    step = max(1, _CACHED_NUMBERS // max(1, probs[0].size))
    return folded_sum(np.concatenate([entropy(probs[i : i + step]) for i in range(0, len(probs), step)])) / len(probs)


def mutual_information(probs: FloatArray) -> NDArray[np.float64]:
    """Mutual information of class and model for ``probs (S, N, K)``, ``(N,)`` in nats: the epistemic part (BALD).

    Zero for one sample or where all agree; at most ln(min(S, K)). Differences below float rounding are noise.
    """
    return np.maximum(sample_entropy(probs) - expected_entropy(probs), 0)


def own_score(draws: Draws) -> NDArray[np.float64]:
    """`Draws.score`, ``(N,)``. UqError for a method without one."""
    if draws.score is None:
        raise UqError("This measure is the score of methods that have one. Received draws without it.")
    return draws.score.astype(np.float64)


def _classes_first(probs: FloatArray) -> NDArray[np.float64]:
    """``(K, ...)``, contiguous: then NumPy takes the same steps whatever the order in memory and the strides were."""
    return np.ascontiguousarray(np.moveaxis(probs, -1, 0), np.float64)


class Decomposition(NamedTuple):
    """Predictive uncertainty split by its source, each ``(N,)`` in nats: ``total = aleatoric + epistemic``."""

    total: FloatArray
    aleatoric: FloatArray
    epistemic: FloatArray


def decompose(draws: Draws) -> Decomposition:
    """Split the entropy of the mean of the samples; a closed form, where there is one, takes no part."""
    total, aleatoric = sample_entropy(draws.probs), expected_entropy(draws.probs)
    return Decomposition(total, aleatoric, np.maximum(total - aleatoric, 0))


Need = Literal["samples", "logits", "two classes", "score"]
"""Two or more samples; logits, of two or more samples or with their variance in closed form; exactly two classes; a
score of the method's own."""


@dataclass(frozen=True)
class Measure:
    """A measure as the pages and the command line offer it.

    Attributes:
        measure_id: its key in `MEASURES`.
        label: its name in a list or on an axis.
        description: one plain sentence.
        unit: ``"nats"``, or ``""`` for a number without one.
        compute: from S samples at N examples to ``(N,)``.
        upper: the largest value possible with K classes, or None where there is no bound. The smallest is 0.
        needs: what it cannot do without, see `Need`.
    """

    measure_id: str
    label: str
    description: str
    unit: str
    compute: Callable[[Draws], FloatArray]
    upper: Callable[[int], float] | None
    needs: frozenset[Need] = frozenset()

    def fits(
        self,
        *,
        n_samples: int,
        n_classes: int,
        has_logits: bool,
        has_variance: bool = False,
        has_score: bool = False,
    ) -> bool:
        """Whether it means something for such predictions; ``has_variance``: of the logits, in closed form."""
        there: dict[Need, bool] = {
            "samples": n_samples > 1,
            "logits": has_logits and (n_samples > 1 or has_variance),
            "two classes": n_classes == 2,
            "score": has_score,
        }
        return all(there[need] for need in self.needs)

    @property
    def label_with_unit(self) -> str:
        """For an axis."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def largest(self, n_classes: int) -> float:
        """The largest value possible; UqError for a measure without one."""
        if self.upper is None:
            raise UqError(f"Expected a measure that has a largest value. Received: {self.measure_id}.")
        return self.upper(n_classes)


MEASURES: dict[str, Measure] = {
    measure.measure_id: measure
    for measure in (
        Measure(
            "predictive_entropy",
            "Predictive entropy",
            "How evenly the predicted probability is spread over the classes, whatever the reason.",
            "nats",
            lambda draws: entropy(draws.predictive),
            math.log,
        ),
        Measure(
            "normalized_entropy",
            "Normalised entropy",
            "Predictive entropy as a share of the most it can be.",
            "",
            lambda draws: normalized_entropy(draws.predictive),
            lambda n_classes: 1.0,
        ),
        Measure(
            "least_confidence",
            "Least confidence",
            "One minus the probability of the most probable class.",
            "",
            lambda draws: least_confidence(draws.predictive),
            lambda n_classes: 1 - 1 / n_classes,
        ),
        Measure(
            "margin",
            "Margin",
            "One minus the gap between the two most probable classes.",
            "",
            lambda draws: margin(draws.predictive),
            lambda n_classes: 1.0,
        ),
        Measure(
            "expected_entropy",
            "Expected entropy (aleatoric)",
            "How unsure each sample is by itself, on average: ambiguity that more training data would not remove.",
            "nats",
            lambda draws: expected_entropy(draws.probs),
            math.log,
            frozenset({"samples"}),
        ),
        Measure(
            "mutual_information",
            "Mutual information (epistemic)",
            "How much the samples disagree: doubt about the model, which more training data could remove.",
            "nats",
            lambda draws: mutual_information(draws.probs),
            math.log,
            frozenset({"samples"}),
        ),
        Measure(
            "logit_variance",
            "Logit variance",
            "How far the logits scatter from sample to sample, before they become probabilities. It grows with the "
            "size of the logits, so it may rank a method's surest answers as the least sure.",
            "",
            lambda draws: draws.logit_variance,
            None,
            frozenset({"logits"}),
        ),
        Measure(
            "bernoulli_variance",
            "Bernoulli variance p(1 - p)",
            "The variance of the label where there are two classes: largest at a probability of one half.",
            "",
            lambda draws: bernoulli_variance(draws.predictive),
            lambda n_classes: 0.25,
            frozenset({"two classes"}),
        ),
        Measure(
            "score",
            "Distance from the training data",
            "How unlike the training data the network finds an input, whatever class it reads on it: the score of the "
            "methods that measure it.",
            "",
            own_score,
            None,
            frozenset({"score"}),
        ),
    )
}
