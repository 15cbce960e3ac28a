"""Runs of a task whose answers are numbers: what functions say of test points, and of where there is no data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from uqcore import datasets
from uqcore.methods import EVERY_METHOD
from uqcore.metrics import regression
from uqcore.metrics.regression import Gaussian
from uqcore.models.sampling import draw
from uqcore.scoreboard.figures import Figures
from uqcore.scoreboard.results import Curve, Key
from uqcore.scoreboard.runs import N_SAMPLES, Models, Run, add_costs, training_s
from uqcore.scoreboard.systems import fingerprint, sources
from uqcore.types import Dataset, Draws, FloatArray, UqError

METHODS = ("deterministic", "mc_dropout", "deep_ensemble", "sngp", "svi_flipout")
NO_SPREAD = "One function has no spread."
Ask = Callable[[FloatArray], Gaussian]


def measured(models: Models, task: str, method: str, seed: int) -> list[Run]:
    """A method with models of its own, or of one plain network or several."""
    dataset, chosen = datasets.load(task), EVERY_METHOD[method]
    found = [models.find(task, *source) for source in sources(method, seed)]
    records = [record for _, record in found]
    arrays = [array for store, record in found for array in store.arrays(record)]
    posterior = chosen.load(task, chosen.configs[task], seed, arrays)

    def ask(x: FloatArray) -> Draws:
        return draw(posterior, x, posterior.n_samples or N_SAMPLES)

    run = Run(task, method, seed, fingerprint(records), figures(lambda x: regression.functions(ask(x)), dataset), {})
    run.n_examples = {"test": len(dataset.test), **{name: len(dataset.part(name).x) for name in dataset.ood_sets}}
    costs = [training_s(models, record) for record in records]
    add_costs(
        run.figures,
        None if None in costs else float(sum(cost or 0 for cost in costs)),
        sum(record.n_parameters for record in records),
        sum(file.n_bytes for record in records for file in record.files),
        dataset.test.x,
        ask,
    )
    return [run]


def chance(task: str) -> list[Run]:
    """The same Gaussian everywhere: mean and spread of the training answers."""
    dataset = datasets.load(task)
    y = dataset.train.y
    alike = figures(lambda x: Gaussian(np.full(len(x), y.mean()), np.full(len(x), y.std())), dataset)
    return [Run(task, "chance", 0, "", alike, {"test": len(dataset.test)})]


def figures(ask: Ask, dataset: Dataset) -> Figures:
    """Every regression figure of `METRICS`, from ``ask``: mean and spread of the functions at ``x (N, 1)``.

    The observation noise is fitted on validation points; test points and those where there is no data are only asked.
    """
    found, test = Figures(), dataset.test
    on_validation, on_test = ask(dataset.validation.x), ask(test.x)
    try:
        noise = regression.fit_noise(on_validation, dataset.validation.y)
        predictive = regression.predictive(on_test, noise)
        scores = regression.scores(predictive, test.y)
        curve = regression.quantile_curve(predictive, test.y)
    except UqError as error:
        found.undefined[Key("regression_nll")] = str(error)
        return found
    for name, value in scores.items():
        found.add(Key(_NAMES.get(name, name)), partial(float, value))
    found.curves[Key("quantiles")] = Curve(tuple(curve.levels.tolist()), tuple(curve.observed.tolist()))
    unseen = {name: ask(x).std for name, x in dataset.ood.items()}
    for name, ratio in regression.std_ratios(on_test.std, unseen).items():
        found.add(Key("std_ratio", "", name), partial(float, ratio), NO_SPREAD)
    return found


_NAMES = {"nll": "regression_nll"}
