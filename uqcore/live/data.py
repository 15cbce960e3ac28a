"""The points of a setting as a `Dataset`: drawn, or a visitor's own."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from uqcore.datasets import moons
from uqcore.live.setting import OWN_POINTS, Setting
from uqcore.live.shapes import SHAPES
from uqcore.types import Dataset, Grid, OodSet, Split

COARSE = Grid(
    *(np.linspace(axis[0], axis[-1], n, dtype=np.float32) for axis, n in zip(moons.GRID, (40, 29), strict=True))
)
"""The grid of surfaces that form: 0.18 units from point to point in either direction."""

for _axis in COARSE:
    _axis.setflags(write=False)
_N_COARSE = 80  # test and OOD points of surfaces that form


@lru_cache(maxsize=16)
def dataset(setting: Setting) -> Dataset:
    """Training, validation and test points and the unseen cluster, each from a stream of its own.

    Two moons with the tutorial's numbers are those of `uqcore.datasets.moons`, seed for seed. Own points are too few
    to be parted: they are training, validation and test points in one, and what is said of test points is said of them.
    """
    train, validation, test, ood = np.random.SeedSequence(setting.seed).spawn(4)
    own, half = setting.kind == OWN_POINTS, setting.n_classes
    names = ("first class", "second class", "third class") if own else SHAPES[setting.kind].class_names
    return Dataset(
        "live",
        title="own points" if own else SHAPES[setting.kind].label,
        noun="point",
        train=lambda: _own(setting) if own else _draw(setting, setting.n_points // half, train),
        validation=lambda: _own(setting) if own else _draw(setting, 2 * moons.N_VALIDATION // half, validation),
        test=lambda: _own(setting) if own else _draw(setting, 2 * moons.N_TEST // half, test),
        ood={"cluster": OodSet("cluster", "point", lambda: _cluster(setting, ood))},
        class_names=names[: setting.n_classes],
        grid=moons.GRID,
    )


@lru_cache(maxsize=16)
def coarse(setting: Setting) -> Dataset:
    """The same on `COARSE` with fewer points to test: what is asked of a network that still learns."""
    whole = dataset(setting)
    return Dataset(
        "live",
        title=whole.title,
        noun=whole.noun,
        train=lambda: whole.train,
        validation=lambda: _first(whole.validation),
        test=lambda: _first(whole.test),
        ood={name: OodSet(each.title, each.noun, lambda: _first(whole.part("cluster")))
             for name, each in whole.ood_sets.items()},
        class_names=whole.class_names,
        grid=COARSE,
    )  # fmt: skip


def _first(split: Split) -> Split:
    """Some of the points, evenly from all."""
    step = max(1, len(split.x) // _N_COARSE)
    return Split(split.x[::step][:_N_COARSE], split.y[::step][:_N_COARSE])


def _own(setting: Setting) -> Split:
    x = np.array([point[:2] for point in setting.points], np.float32)
    return Split(x, np.array([point[2] for point in setting.points], np.int64))


def _draw(setting: Setting, n_per_class: int, stream: np.random.SeedSequence) -> Split:
    rng = np.random.default_rng(stream)
    x = np.concatenate(SHAPES[setting.kind].draw(n_per_class, setting.n_classes, rng))
    x += rng.normal(scale=setting.noise, size=x.shape)
    order = rng.permutation(len(x))
    return Split(x[order].astype(np.float32), order // n_per_class)


def _cluster(setting: Setting, stream: np.random.SeedSequence) -> Split:
    rng = np.random.default_rng(stream)
    x = rng.normal(setting.cluster, np.sqrt(moons.OOD_VARIANCE), size=(moons.N_OOD, 2)).astype(np.float32)
    return Split(x, np.empty(0, np.int64))
