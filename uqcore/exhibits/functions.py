"""What the regression page asks of the models: curves and figures for any gap, noise and added points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from uqcore.datasets import sine
from uqcore.metrics import regression
from uqcore.metrics.regression import Gaussian
from uqcore.models.content import stored_noise
from uqcore.models.refit import refit
from uqcore.models.sampling import draw, load_posterior
from uqcore.store import Store
from uqcore.types import Dataset, Draws, FloatArray, ModelRecord, Posterior, Split, UqError

N_GRID = 241
N_LINES = 30
"""How many of a method's functions can be drawn."""

MAX_ADDED = 50
Y_RANGE = (-2.5, 2.5)


@dataclass(frozen=True)
class Setting:
    """The data that models are fitted to.

    Attributes:
        noise: standard deviation of the noise on y.
        gap: where there is no data, (low, high).
        added: further points (x, y), which count in training as ten each, or they would be lost among 200.
    """

    noise: float = sine.NOISE
    gap: tuple[float, float] = sine.GAP
    added: tuple[tuple[float, float], ...] = ()

    @property
    def dataset(self) -> Dataset:
        """The task's data with this noise and gap, without the added points. UqError: they are out of range."""
        return sine.make(0, self.noise, self.gap)


_WEIGHT = 10


class FittedFunctions(NamedTuple):
    """A model with the observation noise that was fitted to it on validation data."""

    posterior: Posterior
    noise_std: float


class Figures(NamedTuple):
    """What a fitted model scores on test points of its setting; see `uqcore.metrics.regression`.

    Attributes:
        std_ratio: OOD set -> spread of the functions there as a multiple of that on the data, NaN for one function.
        quantiles: levels and shares of y below them.
    """

    rmse: float
    nll: float
    crps: float
    coverage: float
    width: float
    calibration_error: float
    std_ratio: dict[str, float]
    quantiles: regression.QuantileCurve


def times_as_far(std: FloatArray, figures: Figures, gap: tuple[float, float]) -> FloatArray:
    """How far several functions lie apart along `grid`, as a multiple of that on the data: ``std (N_GRID,)``, scaled so
    that its mean in the gap is what ``figures`` says of the gap."""
    x = grid()[:, 0]
    return std * (figures.std_ratio["gap"] / std[(x >= gap[0]) & (x <= gap[1])].mean())


class Seen(NamedTuple):
    """What the page shows of one method.

    Attributes:
        function: mean and spread of its functions on `grid`.
        samples: ``(n, N_GRID)`` functions, the first `N_LINES` at most; none where there is one.
        noise_std: the observation noise that was fitted to it.
        figures: its scores.
    """

    function: Gaussian
    samples: FloatArray
    noise_std: float
    figures: Figures

    def band(self, with_noise: bool) -> Gaussian:
        """The functions' mean and spread or, with the observation noise, y's."""
        return regression.predictive(self.function, self.noise_std) if with_noise else self.function


def fit(store: Store, record: ModelRecord, setting: Setting) -> FittedFunctions:
    """The stored model where the setting is the one it was trained on, else one that is fitted again in NumPy.

    Raises:
        UqError: the setting is out of range, there are too many points, or the model cannot be read.
    """
    if len(setting.added) > MAX_ADDED:
        raise UqError(f"At most {MAX_ADDED} points can be added. Received: {len(setting.added)}.")
    if setting == Setting():
        return FittedFunctions(load_posterior(store, record), stored_noise(record))
    dataset = setting.dataset
    posterior = refit(store, record, _with_added(dataset.train, setting))
    validation = dataset.validation
    function = regression.functions(draw(posterior, validation.x, _N_SAMPLES))
    return FittedFunctions(posterior, regression.fit_noise(function, validation.y))


_N_SAMPLES = 50


def grid() -> FloatArray:
    """Evenly spaced inputs ``(N_GRID, 1)`` as far as OOD reaches."""
    return np.linspace(*sine.EDGES, N_GRID, dtype=np.float32)[:, None]


def look(fitted: FittedFunctions, setting: Setting, counts: Sequence[int], n_lines: int = N_LINES) -> list[Seen]:
    """What is shown of a fitted model with its first n samples, for each n of ``counts``: drawn once for all."""
    dataset, most = setting.dataset, max(counts)
    on_grid, on_test = (draw(fitted.posterior, x, most) for x in (grid(), dataset.test.x))
    unseen = {name: draw(fitted.posterior, x, most) for name, x in dataset.ood.items()}
    lines = on_grid.logits[:n_lines, :, 0] if len(on_grid.logits) > 1 else on_grid.logits[:0, :, 0]
    return [
        Seen(
            regression.functions(on_grid.first(n)),
            lines[: n if n > 1 else 0],
            fitted.noise_std,
            _figures(on_test.first(n), {name: d.first(n) for name, d in unseen.items()}, fitted, dataset.test.y),
        )
        for n in counts
    ]


def _figures(on_test: Draws, unseen: Mapping[str, Draws], fitted: FittedFunctions, y: FloatArray) -> Figures:
    function = regression.functions(on_test)
    predictive = regression.predictive(function, fitted.noise_std)
    return Figures(
        **regression.scores(predictive, y),
        std_ratio=regression.std_ratios(
            function.std, {name: regression.functions(draws).std for name, draws in unseen.items()}
        ),
        quantiles=regression.quantile_curve(predictive, y),
    )


def _with_added(train: Split, setting: Setting) -> Split:
    if not setting.added:
        return train
    points = np.array(setting.added).repeat(_WEIGHT, axis=0)
    return Split(np.concatenate([train.x, points[:, :1].astype(np.float32)]), np.concatenate([train.y, points[:, 1]]))
