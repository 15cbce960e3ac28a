"""The points of a setting as a `Dataset`: drawn, or a visitor's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np

from uqcore.datasets import moons
from uqcore.live.setting import OWN_POINTS, Point, Setting
from uqcore.live.shapes import SHAPES
from uqcore.types import Dataset, Grid, OodSet, Split

COARSE = Grid(
    *(np.linspace(axis[0], axis[-1], n, dtype=np.float32) for axis, n in zip(moons.GRID, (40, 29), strict=True))
)
"""The grid of surfaces that form: 0.18 units from point to point in either direction."""

for _axis in COARSE:
    _axis.setflags(write=False)
_N_COARSE = 80  # test and OOD points of surfaces that form


_kept: WeakKeyDictionary[Setting, tuple[Dataset, Dataset]] = WeakKeyDictionary()
"""What was made of a setting, as long as somebody has the setting: what a visitor has painted goes with the visit."""


def dataset(setting: Setting) -> Dataset:
    """Training, validation and test points and the unseen cluster, each from a stream of its own.

    Two moons with the tutorial's numbers are those of `uqcore.datasets.moons`, seed for seed. Own points are too few
    to be parted: they are training, validation and test points in one, and what is said of test points is said of them.
    """
    return _made(setting)[0]


def coarse(setting: Setting) -> Dataset:
    """The same on `COARSE` with fewer points to test: what is asked of a network that still learns."""
    return _made(setting)[1]


def _made(setting: Setting) -> tuple[Dataset, Dataset]:
    made = _kept.get(setting)
    if made is None:
        whole = _whole(setting)
        made = _kept[setting] = whole, _coarse(whole)
    return made


def _whole(setting: Setting) -> Dataset:
    streams = np.random.SeedSequence(setting.seed).spawn(4)
    if setting.kind == OWN_POINTS:
        names: tuple[str, ...] = ("first class", "second class", "third class")
        title, train = "own points", partial(_own, setting.points)
        validation = test = train
    else:
        shape = SHAPES[setting.kind]
        title, names, k = shape.label, shape.class_names, setting.n_classes
        of_class = setting.n_points // k, 2 * moons.N_VALIDATION // k, 2 * moons.N_TEST // k
        train, validation, test = (
            partial(_draw, setting.kind, k, setting.noise, n, stream)
            for n, stream in zip(of_class, streams, strict=False)
        )
    return Dataset(
        "live",
        title=title,
        noun="point",
        train=train,
        validation=validation,
        test=test,
        ood={"cluster": OodSet("cluster", "point", partial(_cluster, setting.cluster, streams[3]))},
        class_names=names[: setting.n_classes],
        grid=moons.GRID,
    )


def _coarse(whole: Dataset) -> Dataset:
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


def _own(points: Sequence[Point]) -> Split:
    x = np.array([point[:2] for point in points], np.float32)
    return Split(x, np.array([point[2] for point in points], np.int64))


def _draw(kind: str, n_classes: int, noise: float, n_per_class: int, stream: np.random.SeedSequence) -> Split:
    rng = np.random.default_rng(stream)
    x = np.concatenate(SHAPES[kind].draw(n_per_class, n_classes, rng))
    x += rng.normal(scale=noise, size=x.shape)
    order = rng.permutation(len(x))
    return Split(x[order].astype(np.float32), order // n_per_class)


def _cluster(center: tuple[float, float], stream: np.random.SeedSequence) -> Split:
    rng = np.random.default_rng(stream)
    x = rng.normal(center, np.sqrt(moons.OOD_VARIANCE), size=(moons.N_OOD, 2)).astype(np.float32)
    return Split(x, np.empty(0, np.int64))
