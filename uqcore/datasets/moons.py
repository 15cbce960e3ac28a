"""Two moons, as in TensorFlow's SNGP tutorial, with its out-of-distribution cluster and its grid.

https://www.tensorflow.org/tutorials/understanding/sngp
"""

from __future__ import annotations

import numpy as np

from uqcore.types import Dataset, FloatArray, Grid, OodSet, Split

N_TRAIN, N_VALIDATION, N_TEST, N_OOD = 500, 250, 500, 500  # points per class; of the cluster
NOISE = 0.1  # standard deviation, on both coordinates
CLASS_SHIFTS = np.array([[-0.1, 0.2], [0.1, -0.2]])
OOD_MEAN = np.array([2.5, -1.75])
OOD_VARIANCE = 0.01  # of each coordinate

GRID = Grid(np.linspace(-3.5, 3.5, 100, dtype=np.float32), np.linspace(-2.5, 2.5, 100, dtype=np.float32))
for axis in GRID:
    axis.setflags(write=False)


def load(seed: int) -> Dataset:
    """Training, validation and test draws of the moons and the OOD cluster, each from a stream of its own."""
    train, validation, test, ood = np.random.SeedSequence(seed).spawn(4)
    return Dataset(
        "moons",
        title="two moons",
        noun="point",
        train=lambda: _draw(N_TRAIN, np.random.default_rng(train)),
        validation=lambda: _draw(N_VALIDATION, np.random.default_rng(validation)),
        test=lambda: _draw(N_TEST, np.random.default_rng(test)),
        ood={"cluster": OodSet("cluster", "point", lambda: _cluster(np.random.default_rng(ood)))},
        class_names=("upper moon", "lower moon"),
        grid=GRID,
    )


def curves(n: int) -> tuple[FloatArray, FloatArray]:
    """The two half circles without noise, ``(n, 2)`` each: scikit-learn's `make_moons`, each class shifted.

    Written out because importing scikit-learn costs a server 1.5 s and 165 MB, and these are four lines.
    """
    angle = np.linspace(0, np.pi, n)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return upper + CLASS_SHIFTS[0], [1.0, 0.5] - upper + CLASS_SHIFTS[1]


def _cluster(rng: np.random.Generator) -> Split:
    x = rng.normal(OOD_MEAN, np.sqrt(OOD_VARIANCE), size=(N_OOD, 2)).astype(np.float32)
    return Split(x, np.empty(0, np.int64))


def _draw(n_per_class: int, rng: np.random.Generator) -> Split:
    """``n_per_class`` points of either moon, in random order: evenly spaced on the curve, plus noise on both axes."""
    x = np.concatenate(curves(n_per_class))
    x += rng.normal(scale=NOISE, size=x.shape)
    order = rng.permutation(len(x))
    return Split(x[order].astype(np.float32), order // n_per_class)
