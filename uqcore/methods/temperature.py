"""Temperature scaling: the network's logits divided by one number, fitted on validation data
(Guo et al. 2017, arXiv 1706.04599). The decisions stay; the confidence is corrected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uqcore.methods import deterministic
from uqcore.methods.base import Method, Shapes, TrainingConfig
from uqcore.methods.on_features import OnNetwork, Seen, see
from uqcore.types import Dataset, Fitted, FloatArray, IntArray, Progress, Report, Weights

_LARGEST = 100.0

CONFIGS = {task: config for task, config in deterministic.CONFIGS.items() if task != "sine"}


def likeliest(logits: FloatArray, labels: IntArray) -> float:
    """The temperature from 0.01 to 100 that makes ``labels (N,)`` likeliest for ``softmax(logits (N, K) / T)``.

    The NLL is convex in 1 / T, so there is one best. Logarithms of probabilities will do as logits.
    """
    from scipy.optimize import minimize_scalar  # which takes longer to load than a page

    wide = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    of_label = wide[np.arange(len(labels)), labels]

    def nll(log_t: float) -> float:
        scale = np.exp(-log_t)
        return float((np.log(np.exp(scale * wide).sum(axis=1)) - scale * of_label).mean())

    return float(np.exp(minimize_scalar(nll, bounds=(-np.log(_LARGEST), np.log(_LARGEST)), method="bounded").x))


def fit(
    task: str, config: TrainingConfig, dataset: Dataset, seed: int, report: Report, parts: Sequence[Weights]
) -> Fitted:
    validation = dataset.validation
    temperature = likeliest(see(task, parts[0], validation.x).logits, validation.y)
    report(Progress(1, 1, {"temperature": temperature}))
    return Fitted({"temperature": np.array([temperature], np.float32)}, 1, 0, {"temperature": temperature})


class Tempered(OnNetwork):
    """The network's logits divided by the temperature."""

    def __init__(self, task: str, network: Weights, temperature: FloatArray) -> None:
        super().__init__(task, network)
        self._temperature = temperature

    def logits_of(self, seen: Seen) -> FloatArray:
        return seen.logits / self._temperature


def shapes(task: str, config: TrainingConfig) -> Shapes:
    return {"temperature": (1,)}


def load(task: str, config: TrainingConfig, seed: int, arrays: Sequence[Weights]) -> Tempered:
    network, own = arrays
    return Tempered(task, network, own["temperature"])


METHOD = Method(
    method_id="temperature",
    label="Temperature scaling",
    summary="The deterministic network with its confidence corrected by one number that validation data choose.",
    configs=CONFIGS,
    fit=fit,
    shapes=shapes,
    load=load,
    parts=deterministic.part,
    on_network=True,
    on_pages=False,
)
