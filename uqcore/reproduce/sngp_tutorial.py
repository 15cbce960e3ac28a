"""TensorFlow's SNGP tutorial: sizes, final figures, and what its pictures show of an unseen cluster."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from uqcore import datasets
from uqcore.datasets import moons
from uqcore.methods import METHODS
from uqcore.methods.sngp import CONFIGS
from uqcore.metrics.classification import ood_metrics
from uqcore.metrics.uncertainty import entropy
from uqcore.models.sampling import draw, load_posterior
from uqcore.reproduce.rows import Row, Source, claim, exact, measured
from uqcore.reproduce.trainings import Training, outputs
from uqcore.store import Store
from uqcore.types import Fitted, Report

TITLE = "SNGP tutorial"
N_SAMPLES = 50
_CONFIG = CONFIGS["moons"]
_UNAWARE = ("deterministic", "mc_dropout", "deep_ensemble")


def _fit(seed: int, report: Report) -> Fitted:
    from uqcore.fitting import sngp_tutorial

    return sngp_tutorial.fit(_CONFIG, moons.load(seed).train, seed, report)


_SHAPES = {f"{name}/{kind}": (_CONFIG.epochs,) for name in ("deterministic", "sngp") for kind in ("accuracy", "loss")}
TRAINING = Training("sngp_tutorial", "moons", range(10), asdict(_CONFIG), _fit, _SHAPES)
"""Both networks with one optimizer object, on points drawn anew for each seed."""


def rows(store: Store) -> list[Row]:
    return [*_sizes(store), *_final_figures(store), *_pictures(store)]


def _sizes(store: Store) -> list[Row]:
    published = {"deterministic": 99_714, "sngp": 1_283_714}
    note = "As Keras counts them: with the frozen input layer and, for SNGP, the 1,024 x 1,024 precision matrix."
    return [
        exact(TITLE, f"parameters, {METHODS[name].label}", number, store.find("moons", name).n_parameters, note)
        for name, number in published.items()
    ]


def _final_figures(store: Store) -> list[Row]:
    published = {("deterministic", "loss"): "0.0150", ("deterministic", "accuracy"): "0.995",
                 ("sngp", "loss"): "0.0374", ("sngp", "accuracy"): "0.999"}  # fmt: skip
    found = [arrays for _, arrays in outputs(store, TRAINING)]
    made = []
    for (name, kind), number in published.items():
        values = [float(arrays[f"{name}/{kind}"][-1]) for arrays in found]
        own = store.find("moons", name).metrics[kind]
        note = f"With an Adam of its own {own:.4f} (seed 0)." if name == "sngp" else ""
        made.append(
            measured(
                TITLE,
                f"final training {kind}, {METHODS[name].label}",
                number,
                values,
                note,
                1 if kind == "accuracy" else math.inf,
            )
        )
    return made


def _pictures(store: Store) -> list[Row]:
    dataset = datasets.load("moons")
    made: list[Row] = []
    for name in (*_UNAWARE, "sngp"):
        posterior = load_posterior(store, store.find("moons", name))
        test, ood = (
            entropy(draw(posterior, x, N_SAMPLES).predictive) / math.log(2)
            for x in (dataset.test.x, dataset.ood["cluster"])
        )
        made += _of_cluster(name, ood_metrics(test, ood).auroc, float(np.mean(ood)))
    return made


def _of_cluster(method_id: str, auroc: float, mean_entropy: float) -> Sequence[Row]:
    label, aware = METHODS[method_id].label, method_id not in _UNAWARE
    return (
        claim(
            TITLE,
            f"AUROC of test points against the cluster, {label}",
            "uncertain away from the data" if aware else "not aware of the distance: sure of the cluster",
            f"{auroc:.3f}",
            auroc >= 0.95 if aware else auroc <= 0.5,
            "AUROC at least 0.95" if aware else "AUROC at most 0.5",
            {"AUROC": [auroc]},
        ),
        claim(
            TITLE,
            f"mean entropy of the cluster / ln 2, {label}",
            "high" if aware else "low",
            f"{mean_entropy:.3f}",
            mean_entropy >= 0.5 if aware else mean_entropy < 0.5,
            "at least half of the most possible" if aware else "below half of the most possible",
            {"mean entropy / ln 2": [mean_entropy]},
        ),
    )


SOURCE = Source(
    title=TITLE,
    same="Network, data, spectral bound, random features, batch size, epochs, and one Adam for both networks.",
    differs="The points are drawn anew, ten times. The pictures, which are of p (1 - p), are turned into two numbers a "
    "method, from its predictive entropy: the two rank points alike.",
    rows=rows,
    found="The notebook hands one Adam from the first network to the second, and its step count goes on. Its "
    "correction for averages that start at zero is then over, SNGP's first steps are longer, and its loss ends lower.",
)
