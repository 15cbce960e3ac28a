"""What the regression page asks of the models: curves and figures for any gap, noise and added points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from uqcore.datasets import sine
from uqcore.metrics import regression
from uqcore.metrics.regression import Gaussian
from uqcore.models.refit import refit
from uqcore.models.sampling import draw, load_posterior
from uqcore.store import Store
from uqcore.types import Dataset, Draws, FloatArray, ModelRecord, Posterior, Split, UqError

N_GRID = 241
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


def fit(store: Store, record: ModelRecord, setting: Setting) -> FittedFunctions:
    """The stored model where the setting is the one it was trained on, else one that is fitted again in NumPy.

    Raises:
        UqError: the setting is out of range, there are too many points, or the model cannot be read.
    """
    if len(setting.added) > MAX_ADDED:
        raise UqError(f"At most {MAX_ADDED} points can be added. Received: {len(setting.added)}.")
    if setting == Setting():
        return FittedFunctions(load_posterior(store, record), record.metrics["noise_std"])
    dataset = setting.dataset
    posterior = refit(store, record, _with_added(dataset.train, setting))
    validation = dataset.validation
    function = regression.functions(draw(posterior, validation.x, _N_SAMPLES))
    return FittedFunctions(posterior, regression.fit_noise(function, validation.y))


_N_SAMPLES = 50


def grid() -> FloatArray:
    """Evenly spaced inputs ``(N_GRID, 1)`` as far as OOD reaches."""
    return np.linspace(*sine.EDGES, N_GRID, dtype=np.float32)[:, None]


def figures(fitted: FittedFunctions, setting: Setting, n_samples: int) -> Figures:
    """Every metric of a fitted model with its first ``n_samples`` samples."""
    dataset = setting.dataset
    on_test = regression.functions(draw(fitted.posterior, dataset.test.x, n_samples))
    unseen = {name: regression.functions(draw(fitted.posterior, x, n_samples)).std for name, x in dataset.ood.items()}
    predictive, y = regression.predictive(on_test, fitted.noise_std), dataset.test.y
    return Figures(
        **regression.scores(predictive, y),
        std_ratio=regression.std_ratios(on_test.std, unseen),
        quantiles=regression.quantile_curve(predictive, y),
    )


def band(draws: Draws, noise_std: float, with_noise: bool) -> Gaussian:
    """The functions' mean and spread or, with the observation noise, y's."""
    function = regression.functions(draws)
    return regression.predictive(function, noise_std) if with_noise else function


def _with_added(train: Split, setting: Setting) -> Split:
    if not setting.added:
        return train
    points = np.array(setting.added).repeat(_WEIGHT, axis=0)
    return Split(np.concatenate([train.x, points[:, :1].astype(np.float32)]), np.concatenate([train.y, points[:, 1]]))
