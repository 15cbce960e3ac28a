"""The Keras question: mean and variance of n passes with dropout on, by its loop and by `predict_with_uncertainty`."""

from __future__ import annotations

import numpy as np

from uqcore.datasets.bundled import mnist
from uqcore.datasets.corruptions import add_noise
from uqcore.datasets.image_dataset import normalize
from uqcore.reproduce.rows import Row, Source, claim
from uqcore.reproduce.trainings import Training, outputs
from uqcore.store import Store
from uqcore.types import Fitted, FloatArray, Report, Split

TITLE = "Keras question"
N_ITER = 1000
_N_IMAGES, _NOISE_WEIGHT = 100, 0.5
_SMALLEST_VARIANCE = 1e-6


def _fit(seed: int, report: Report) -> Fitted:
    from uqcore.fitting import keras_question

    digits = mnist()
    x = add_noise(normalize(digits.x_test[:_N_IMAGES]), _NOISE_WEIGHT, seed=0)
    train = Split(normalize(digits.x_train), digits.y_train)
    return keras_question.compare(train, x, N_ITER, seed, report)


_SHAPES = {f"{way}/{what}": (_N_IMAGES, 10) for way in ("loop", "ours") for what in ("mean", "variance")}
TRAINING = Training(
    "keras_question", "digits", range(1), {"n_iter": N_ITER, "noise_weight": _NOISE_WEIGHT}, _fit, _SHAPES
)


def rows(store: Store) -> list[Row]:
    """Whether both ways agree up to chance.

    Raises:
        UqError: the stored comparison cannot be read.
    """
    ((_, found),) = outputs(store, TRAINING)
    z = z_scores(found["loop/mean"], found["ours/mean"], found["loop/variance"], found["ours/variance"], N_ITER)
    rms, ratio = float(np.sqrt(np.mean(z**2))), float(found["ours/variance"].sum() / found["loop/variance"].sum())
    return [
        claim(
            TITLE,
            f"mean and variance of {N_ITER:,} passes with dropout on",
            "the mean is the prediction, the variance its uncertainty (a loop in code)",
            f"means {rms:.2f} standard errors apart, variance {ratio:.3f} times the loop's",
            rms < 1.5 and 0.9 < ratio < 1.1,
            "means apart by less than 1.5 standard errors (1 is chance alone), variances by less than a tenth",
            {"standard errors apart": [rms], "ratio of the variances": [ratio]},
            "On the first 100 test digits, half noise. Every pass drops the same units for all images, the loop others "
            "for each: the same for one image.",
        )
    ]


def z_scores(mean_a: FloatArray, mean_b: FloatArray, var_a: FloatArray, var_b: FloatArray, n: int) -> FloatArray:
    """Differences of two means of ``n`` in their standard errors, where there is any variance to speak of."""
    varies = var_a + var_b > _SMALLEST_VARIANCE
    return ((mean_a - mean_b)[varies]) / np.sqrt((var_a + var_b)[varies] / n)


SOURCE = Source(
    title=TITLE,
    same="Dropout is on when predicting; mean and variance are over the passes.",
    differs="Ours keeps batch normalisation in inference mode and can be repeated by its seed.",
    rows=rows,
)
