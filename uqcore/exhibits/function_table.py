"""The regression page's table: what every method's functions look like, for each setting that its sliders can have.

To fit the methods again takes seconds; here it has been done once for every noise and gap. Curves are whole numbers of
`UNIT` in 16 bits, kept as steps from one grid point to the next, which pack to a third; scores are not rounded so.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from uqcore.exhibits import functions
from uqcore.exhibits.functions import Figures, Seen, Setting
from uqcore.metrics.regression import Gaussian, QuantileCurve
from uqcore.models.content import fits
from uqcore.models.sampling import rungs
from uqcore.store import Store
from uqcore.types import FloatArray, ModelRecord, Tick, UqError, Weights

TASK = "sine"
NAME = "functions"
NOISES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
CENTERS = tuple(i / 2 for i in range(-4, 5))
WIDTHS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
UNIT = 1 / 4096
"""Of the curves: they are kept between -8 and 8, the page shows -2.5 to 2.5."""

_SCORES = ("rmse", "nll", "crps", "coverage", "width", "calibration_error")
_OOD = ("gap", "beyond")
_NO_RATIO = -1.0  # of one function, which has no spread: the store keeps no NaN


def setting_of(noise: float, center: float, width: float, added: tuple[tuple[float, float], ...] = ()) -> Setting:
    """The setting of the page's three sliders and its added points."""
    return Setting(round(noise, 6), (center - width / 2, center + width / 2), added)


SETTINGS = {setting_of(*values): i for i, values in enumerate(product(NOISES, CENTERS, WIDTHS))}
"""Setting -> its row in the table."""


def keep(store: Store, record: ModelRecord, tick: Tick = lambda done, total: None) -> ModelRecord:
    """Makes the table of a model, stores it and puts the row that lists it; returns that row.

    Of a task other than ``sine`` there is none.

    Raises:
        UqError: the model cannot be read or the store not be written.
    """
    if record.task != TASK:
        return record
    return store.put_table(record, NAME, build(store, record, tick))


def build(store: Store, record: ModelRecord, tick: Tick = lambda done, total: None) -> Weights:
    """The table of a model: every setting fitted, drawn and scored."""
    rows = []
    for i, setting in enumerate(SETTINGS):
        fitted = functions.fit(store, record, setting)
        rows.append(_row(functions.look(fitted, setting, rungs(fitted.posterior.n_samples))))
        tick(i + 1, len(SETTINGS))
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


class FunctionTable:
    """The table of one model, as `build` made it."""

    def __init__(self, arrays: Weights, n_samples: int | None) -> None:
        """``n_samples``: of the posterior. UqError: the table is not for it, or not of these settings."""
        self.counts = rungs(n_samples)
        self._arrays = arrays
        for name, shape, kind in self._expected():
            array = arrays.get(name)
            if array is None or not fits(array, shape) or array.dtype.kind != kind:
                found = "none" if array is None else f"{array.shape} of {array.dtype}"
                raise UqError(f"Expected {name} of the shape {shape} in the table of functions. Received: {found}.")

    @classmethod
    def of(cls, store: Store, record: ModelRecord, n_samples: int | None) -> FunctionTable:
        """The table that is stored. UqError: it cannot be read, or is not for this model."""
        arrays = store.table(record, NAME)
        try:
            return cls(arrays, n_samples)
        except UqError as error:
            raise store.damage(record, record.tables[NAME], f"is intact and no such table ({error})") from error

    def _expected(self) -> list[tuple[str, tuple[int | None, ...], str]]:
        """Name, shape and kind of number of every array."""
        n, rungs, grid = len(SETTINGS), len(self.counts), functions.N_GRID
        n_lines = min(self.counts[-1], functions.N_LINES) if self.counts[-1] > 1 else 0
        n_levels = self._arrays["levels"].shape[-1] if "levels" in self._arrays else None
        return [
            ("mean", (n, rungs, grid), "i"),
            ("std", (n, rungs, grid), "i"),
            ("lines", (n, n_lines, grid), "i"),
            ("noise_std", (n,), "f"),
            ("scores", (n, rungs, len(_SCORES)), "f"),
            ("ratios", (n, rungs, len(_OOD)), "f"),
            ("levels", (n, n_levels), "f"),
            ("observed", (n, rungs, n_levels), "f"),
        ]

    def at(self, setting: Setting, n_samples: int) -> Seen:
        """What `functions.look` gives for a setting of `SETTINGS` and one of `counts`, its curves to `UNIT`."""
        row, rung = SETTINGS[setting], self.counts.index(n_samples)
        arrays = {name: array[row] for name, array in self._arrays.items()}
        ratios = (float("nan") if ratio == _NO_RATIO else float(ratio) for ratio in arrays["ratios"][rung])
        return Seen(
            Gaussian(_curve(arrays["mean"][rung]), _curve(arrays["std"][rung])),
            _curve(arrays["lines"][: n_samples if n_samples > 1 else 0]),
            float(arrays["noise_std"]),
            Figures(
                **{name: float(value) for name, value in zip(_SCORES, arrays["scores"][rung], strict=True)},
                std_ratio=dict(zip(_OOD, ratios, strict=True)),
                quantiles=QuantileCurve(arrays["levels"], arrays["observed"][rung]),
            ),
        )


def _row(seen: list[Seen]) -> Mapping[str, FloatArray]:
    ratios = np.array([[one.figures.std_ratio[name] for name in _OOD] for one in seen])
    return {
        "mean": _steps(np.stack([one.function.mean for one in seen])),
        "std": _steps(np.stack([one.function.std for one in seen])),
        "lines": _steps(seen[-1].samples),
        "noise_std": np.array(seen[-1].noise_std),
        "scores": np.array([[getattr(one.figures, name) for name in _SCORES] for one in seen], np.float32),
        "ratios": np.nan_to_num(ratios, nan=_NO_RATIO).astype(np.float32),
        "levels": seen[-1].figures.quantiles.levels,
        "observed": np.stack([one.figures.quantiles.observed for one in seen]).astype(np.float32),
    }


def _steps(curves: FloatArray) -> NDArray[np.int16]:
    """Curves ``(n, G)`` in units, each value as the step from the one before it."""
    units = np.rint(np.clip(curves / UNIT, -(2**15), 2**15 - 1)).astype(np.int16)
    return np.diff(units, axis=-1, prepend=np.int16(0))  # wraps around, as the sum does again


def _curve(steps: NDArray[np.int16]) -> FloatArray:
    return np.cumsum(steps, axis=-1, dtype=np.int16) * UNIT
