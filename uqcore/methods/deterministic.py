"""One network, one answer: the baseline, and the network that the other methods start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from uqcore import networks
from uqcore.methods.base import REFIT_STREAM, Method, Part, Shapes, TrainingConfig, network_settings
from uqcore.networks import backward, learners
from uqcore.types import Dataset, Fitted, FloatArray, Posterior, Report, Split, Tick, Weights

REFIT_STEPS, _REFIT_LEARNING_RATE = 500, 5e-3

CONFIGS = {
    "moons": TrainingConfig(),
    "digits": TrainingConfig(epochs=20, learning_rate=2e-3, schedule="cosine", weight_decay=1e-3, augment=True),
    # Of the weight decays 0, 0.1, 0.3, 1 and 3 the one with the best validation NLL.
    "sine": TrainingConfig(epochs=1000, batch_size=64, learning_rate=1e-3, schedule="cosine", weight_decay=1.0),
}
CONFIGS["fashion"] = replace(CONFIGS["digits"], epochs=15)  # the same network, and nothing chosen anew
CONFIGS["digits_0_4"] = replace(CONFIGS["digits"], epochs=10)  # half the epochs, for the time of ten networks


def fit(
    task: str, config: TrainingConfig, dataset: Dataset, seed: int, report: Report, parts: Sequence[Weights] = ()
) -> Fitted:
    from uqcore.fitting import backbone, loop

    loop.seed_everything(seed)
    network = networks.NETWORKS[task]
    model = backbone.build(network, backbone.dense_head)
    metrics = loop.fit(model, dataset, config, seed, report)
    return Fitted(backbone.freeze(network, model), model.count_params(), backbone.n_trainable(model), metrics)


def part(config: TrainingConfig, seed: int) -> tuple[Part, ...]:
    """The network of that seed, for methods that are made of one."""
    return (Part("deterministic", seed, network_settings(config)),)


def refit(
    task: str, config: TrainingConfig, seed: int, arrays: Sequence[Weights], data: Split, tick: Tick
) -> tuple[TrainingConfig, Sequence[Weights]]:
    """From nothing, with the settings of ``config`` but in fewer and longer steps."""
    rng = np.random.default_rng([seed, REFIT_STREAM])
    learner = learners.plain(networks.NETWORKS[task], rng)
    steps, rate = REFIT_STEPS, _REFIT_LEARNING_RATE
    backward.fit(learner, data, config.batch_size, rng, steps, rate, config.weight_decay, tick)
    return config, [learner.arrays]


@dataclass(frozen=True, eq=False)
class Stacked(Posterior):
    """S networks side by side, sample s being network s: one for `deterministic`, the members for `deep_ensemble`."""

    network: networks.Network
    weights: Weights

    @property
    def n_samples(self) -> int:
        return len(self.weights[f"{networks.HEAD}/bias"])

    def draw(self, x: FloatArray, samples: Sequence[int]) -> FloatArray:
        return networks.logits(self.network, networks.choose(self.weights, samples), x)


def stacked(network: networks.Network, arrays: Sequence[Weights]) -> Stacked:
    """Networks of one shape, trained apart, as one posterior."""
    weights = {name: np.stack([part[name] for part in arrays]) for name in arrays[0]}
    for array in weights.values():
        array.flags.writeable = False
    return Stacked(network, weights)


def shapes(task: str, config: TrainingConfig) -> Shapes:
    return networks.weight_shapes(networks.NETWORKS[task])


def load(task: str, config: TrainingConfig, seed: int, arrays: Sequence[Weights]) -> Stacked:
    return stacked(networks.NETWORKS[task], arrays)


METHOD = Method(
    method_id="deterministic",
    label="Deterministic",
    summary="One trained network. It has no samples to disagree, so all its uncertainty is the softmax's.",
    configs=CONFIGS,
    fit=fit,
    shapes=shapes,
    refit=refit,
    load=load,
)
