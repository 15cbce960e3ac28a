"""What is shown over the two-moons plane: each view turns draws on it into values in 0..1 and cuts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from uqcore.datasets.moons import GRID_X, GRID_Y, grid
from uqcore.metrics.uncertainty import MEASURES
from uqcore.selection import Acceptance, rank
from uqcore.types import Dataset, Draws, FloatArray


@dataclass(frozen=True)
class View:
    """One thing to show.

    Attributes:
        measure_id: the measure that the threshold cuts (see `uqcore.metrics.uncertainty`).
        relative: the measure is divided by its largest value on the grid, as in the SNGP tutorial; otherwise by the
            largest value that it can have.
        shows_probability: the class probability is shown, and the measure only cut.
    """

    view_id: str
    label: str
    description: str
    measure_id: str
    relative: bool = False
    shows_probability: bool = False


VIEWS: Mapping[str, View] = {
    view.view_id: view
    for view in (
        View(
            "uncertainty",
            "Uncertainty",
            "p(1 - p) of the class probability p, divided by its largest value on the plane, as in the SNGP tutorial.",
            "bernoulli_variance",
            relative=True,
        ),
        View(
            "probability",
            "Probability",
            "The probability of the lower moon; the threshold cuts p(1 - p) / 0.25.",
            "bernoulli_variance",
            shows_probability=True,
        ),
        View("entropy", "Entropy", "The predictive entropy, divided by ln 2.", "predictive_entropy"),
        View(
            "aleatoric",
            "Aleatoric",
            "The mean entropy of the samples, divided by ln 2: the classes overlap here.",
            "expected_entropy",
        ),
        View(
            "epistemic",
            "Epistemic",
            "The mutual information of class and model, divided by ln 2: the samples disagree here.",
            "mutual_information",
        ),
        View(
            "variance",
            "Variance",
            "The variance of the logits: SNGP's closed form, for the others over the samples; divided by each "
            "method's largest value on the plane.",
            "logit_variance",
            relative=True,
        ),
    )
}


class Surface(NamedTuple):
    """A view of one method.

    Attributes:
        shown: ``(H, W)`` in 0..1, a row per y from below.
        uncertainty: ``(H, W)``, the measure divided by ``scale``: what the threshold cuts.
        scale: the measure's largest value, on the grid or at all.
        acceptance: what the threshold does to the test and OOD points.
    """

    shown: FloatArray
    uncertainty: FloatArray
    scale: float
    acceptance: Acceptance


@dataclass(frozen=True, eq=False)
class Plane:
    """The points that a view asks every method about: the grid, the test points and the OOD points, in one batch."""

    dataset: Dataset

    @cached_property
    def points(self) -> FloatArray:
        """``(N, 2)``: the grid's points first, then the test points, then the OOD points."""
        return np.concatenate([grid(), self.dataset.test.x, *self.dataset.ood.values()])

    @staticmethod
    def point(xy: tuple[float, float]) -> FloatArray:
        """One point as a batch ``(1, 2)``."""
        return np.array([xy], np.float32)

    def surface(self, view: View, draws: Draws, threshold: float) -> Surface:
        """``view`` of ``draws (S, N, 2)`` at `points`, with what ``threshold`` (in 0..1) accepts."""
        n_grid, n_test = len(GRID_X) * len(GRID_Y), len(self.dataset.test)
        measure = MEASURES[view.measure_id]
        values = measure.compute(draws)
        if view.relative or measure.upper is None:
            # A network without samples has no variance anywhere: it stays 0, not 0 / 0.
            scale = float(values[:n_grid].max()) or 1.0
        else:
            scale = measure.upper(draws.logits.shape[-1])
        values = values / scale
        plane, test, ood = np.split(values, [n_grid, n_grid + n_test])
        correct = draws.predictive[n_grid : n_grid + n_test].argmax(axis=-1) == self.dataset.test.y
        shown = draws.predictive[:n_grid, 1] if view.shows_probability else plane
        shape = (len(GRID_Y), len(GRID_X))
        return Surface(
            shown=shown.reshape(shape),
            uncertainty=plane.reshape(shape),
            scale=scale,
            acceptance=rank(test, correct, ood).at(threshold),
        )
