"""What is shown over the two-moons plane: each view turns draws on it into values in 0..1 and cuts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from uqcore.exhibits.verdicts import OWN, Gauge
from uqcore.metrics.uncertainty import MEASURES
from uqcore.predictions import Predictions
from uqcore.selection import Acceptance, Ranking, rank
from uqcore.text import percent
from uqcore.types import Dataset, Draws, FloatArray, Grid, UqError


@dataclass(frozen=True)
class View:
    """One thing to show.

    Attributes:
        measure_id: the measure that the threshold cuts (see `uqcore.metrics.uncertainty`), or `OWN`.
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
            "own",
            "Own measure",
            f"The measure that each method's authors use; 0.5 is the value that {percent(0.99)} of validation points "
            "stay below, and it is shown up to twice that.",
            OWN,
        ),
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
        gauge: the measure and the value that counts as 1: its largest on the grid or at all, or that of `OWN`.
        acceptance: what the threshold does to the test and OOD points.
    """

    shown: FloatArray
    uncertainty: FloatArray
    gauge: Gauge
    acceptance: Acceptance


class Uncut(NamedTuple):
    """A view of one method before a threshold cuts it: all that takes time. See `Surface`.

    Attributes:
        ranking: of the test and OOD points.
    """

    shown: FloatArray
    uncertainty: FloatArray
    gauge: Gauge
    ranking: Ranking

    def at(self, threshold: float) -> Surface:
        """Cut at ``threshold``, in 0..1. O(log N)."""
        return Surface(self.shown, self.uncertainty, self.gauge, self.ranking.at(threshold))


@dataclass(frozen=True, eq=False)
class Plane:
    """The points that a view asks every method about: the grid, the test points and the OOD points, in one batch."""

    dataset: Dataset

    @property
    def grid(self) -> Grid:
        """UqError for a task whose inputs are no points of a plane."""
        if self.dataset.grid is None:
            raise UqError(f"Expected a task with a grid. Received: {self.dataset.task_id}.")
        return self.dataset.grid

    @property
    def points(self) -> FloatArray:
        """``(N, 2)``: the grid's points first, then the test points, then the OOD points."""
        return self.dataset.plane

    @staticmethod
    def point(xy: tuple[float, float]) -> FloatArray:
        """One point as a batch ``(1, 2)``."""
        return np.array([xy], np.float32)

    def surface(self, view: View, draws: Draws, threshold: float, own: Gauge | None = None) -> Surface:
        """`uncut` of ``draws (S, N, 2)`` at `points`, with what ``threshold`` (in 0..1) accepts."""
        uncut = self._uncut(view, draws.predictive, lambda measure_id: MEASURES[measure_id].compute(draws), own)
        return uncut.at(threshold)

    def uncut(self, view: View, said: Predictions, own: Gauge | None = None) -> Uncut:
        """``view`` of what a method says of `points`.

        Args:
            own: the gauge of the method's own measure; needed for the view of that and for no other.
        """

        def measured(measure_id: str) -> FloatArray:  # of one sample too, which has no variance and nothing epistemic
            if measure_id in said.measures:
                return said.measure(measure_id)
            return MEASURES[measure_id].compute(said.draws())

        return self._uncut(view, said.predictive, measured, own)

    def _uncut(
        self, view: View, predictive: FloatArray, measured: Callable[[str], FloatArray], own: Gauge | None
    ) -> Uncut:

        shape = self.grid.shape
        n_grid, n_test = shape[0] * shape[1], len(self.dataset.test)
        if view.measure_id == OWN:
            if own is None:
                raise UqError("The view of each method's own measure needs its gauge. Received none.")
            gauge = own
        elif view.relative:
            # A network without samples has no variance anywhere: it stays 0, not 0 / 0.
            largest = float(measured(view.measure_id)[:n_grid].max()) or 1.0
            gauge = Gauge(view.measure_id, largest)
        else:
            gauge = Gauge(view.measure_id, MEASURES[view.measure_id].largest(predictive.shape[-1]))
        values = gauge.share_of(measured(gauge.measure_id))
        plane, test, ood = np.split(values, [n_grid, n_grid + n_test])
        correct = predictive[n_grid : n_grid + n_test].argmax(axis=-1) == self.dataset.test.y
        shown = predictive[:n_grid, 1] if view.shows_probability else plane
        return Uncut(shown.reshape(shape), plane.reshape(shape), gauge, rank(test, correct, ood))
