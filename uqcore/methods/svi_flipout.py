"""Variational inference with Flipout: a Gaussian over every weight, trained by its evidence lower bound
(Blundell et al. 2015, arXiv 1505.05424; Flipout: Wen et al. 2018, arXiv 1803.04386).

Sample s is one draw of all weights, shared by all examples; Flipout's signs per example are for training only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from uqcore import networks
from uqcore.methods.base import REFIT_STREAM, Limits, Method, Range, Shapes, TrainingConfig, require
from uqcore.networks import backward, learners
from uqcore.networks.kept import kept
from uqcore.types import Dataset, Fitted, FloatArray, Posterior, Report, Split, Tick, Weights

_STREAM = 3  # Keeps the draws of the weights apart from the random numbers of other methods with the same seed.
# Weights are drawn and kept for several samples together: few small products become one large one.
BLOCK = 10
# Adam moves a weight by about the learning rate a step: along a cosine this is as far as the article's 4,000 steps of
# 0.001, where its posterior has not converged yet.
REFIT_STEPS, _REFIT_LEARNING_RATE = 800, 1e-2


@dataclass(frozen=True)
class Config(TrainingConfig):
    """A network's settings and the posterior's.

    Attributes:
        prior_std: of the Gaussian prior of every weight.
        initial_std: of the posterior of every weight, before training.
        kl_weight: of the KL divergence in the loss; 1 is the evidence lower bound, less is a "cold" posterior.
    """

    LIMITS: ClassVar[Limits] = {
        **TrainingConfig.LIMITS,
        "prior_std": Range(1e-3, 100),
        "initial_std": Range(1e-4, 10),
        "kl_weight": Range(0, 10),
    }
    prior_std: float = 1.0
    initial_std: float = 0.05
    kl_weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.prior_std > 0, "prior_std", "above 0", self.prior_std)
        require(self.initial_std > 0, "initial_std", "above 0", self.initial_std)
        require(self.kl_weight >= 0, "kl_weight", "at least 0", self.kl_weight)


CONFIGS = {
    "moons": Config(epochs=300, learning_rate=1e-3, kl_weight=0.1),
    "digits": Config(
        epochs=20, learning_rate=2e-3, schedule="cosine", augment=True, prior_std=0.3, initial_std=0.02, kl_weight=0.05
    ),
    # The article's: rho = -3, and the divergence times 1e-4 / batch size in the loss, here kl_weight / 200 examples.
    "sine": Config(
        epochs=1000,
        batch_size=64,
        learning_rate=1e-3,
        initial_std=float(np.log1p(np.exp(-3))),
        kl_weight=1e-4 * 200 / 64,
    ),
}
CONFIGS["fashion"] = replace(CONFIGS["digits"], epochs=15)  # the same network, and nothing chosen anew
CONFIGS["digits_0_4"] = replace(CONFIGS["digits"], epochs=10)  # half the epochs, as the others there


def fit(
    task: str, config: Config, dataset: Dataset, seed: int, report: Report, parts: Sequence[Weights] = ()
) -> Fitted:
    from uqcore.fitting import backbone, flipout, loop

    loop.seed_everything(seed)
    network = networks.NETWORKS[task]
    layers = flipout.FlipoutLayers(config.prior_std, config.initial_std, config.kl_weight / len(dataset.train))
    # Noise on the weights takes the place of dropout.
    model = backbone.build(network, layers.make_head, layers.make, dropout=False)
    metrics = loop.fit(model, dataset, config, seed, report)
    return Fitted(layers.freeze(), model.count_params(), backbone.n_trainable(model), metrics)


def refit(
    task: str, config: Config, seed: int, arrays: Sequence[Weights], data: Split, tick: Tick
) -> tuple[Config, Sequence[Weights]]:
    """From nothing, with the settings of ``config`` but in fewer and longer steps."""
    rng = np.random.default_rng([seed, REFIT_STREAM])
    kl_scale = config.kl_weight / len(data)
    learner = learners.flipout(networks.NETWORKS[task], rng, config.prior_std, config.initial_std, kl_scale)
    backward.fit(learner, data, config.batch_size, rng, REFIT_STEPS, _REFIT_LEARNING_RATE, tick=tick)
    return config, [learners.weight_posterior(learner)]


class WeightPosterior(Posterior):
    """A Gaussian over all weights of a network. Samples that were drawn are kept (`uqcore.networks.kept`)."""

    def __init__(self, network: networks.Network, arrays: Weights, seed: int, block: int = BLOCK) -> None:
        self._network, self._arrays, self._seed, self._size = network, arrays, seed, block

    def draw(self, x: FloatArray, samples: Sequence[int]) -> FloatArray:
        logits = np.empty((len(samples), len(x), self._network.n_classes), np.float32)
        for block in sorted({sample // self._size for sample in samples}):
            places = [i for i, sample in enumerate(samples) if sample // self._size == block]
            rows = [samples[i] % self._size for i in places]
            drawn = kept.get(self, block, self._draw_block)
            logits[places] = networks.logits(self._network, networks.choose(drawn, rows), x)
        return logits

    def weights(self, sample: int) -> dict[str, FloatArray]:
        """All weights of sample ``sample``, without the axis of samples."""
        rng = np.random.default_rng([self._seed, _STREAM, sample])
        drawn: dict[str, FloatArray] = {}
        for name in _names(self._arrays):
            mean, std = self._arrays[f"mean/{name}"], self._arrays.get(f"std/{name}")
            drawn[name] = mean if std is None else mean + std * rng.standard_normal(mean.shape, dtype=np.float32)
        return drawn

    def _draw_block(self, block: int) -> Weights:
        samples = [self.weights(block * self._size + i) for i in range(self._size)]
        return {
            name: np.stack([sample[name] for sample in samples])
            if f"std/{name}" in self._arrays
            else samples[0][name][None]
            for name in _names(self._arrays)
        }


def _names(arrays: Weights) -> list[str]:
    """The weights in an order that does not depend on the file: the random numbers are drawn in it."""
    return sorted(name.removeprefix("mean/") for name in arrays if name.startswith("mean/"))


def shapes(task: str, config: Config) -> Shapes:
    """A mean of every weight, and a deviation of those that training moves."""
    network = networks.NETWORKS[task]
    frozen = {layer.name for layer in network.layers if not getattr(layer, "trainable", True)}
    weights = networks.weight_shapes(network)
    moved = {name: shape for name, shape in weights.items() if name.partition("/")[0] not in frozen}
    return {f"mean/{n}": shape for n, shape in weights.items()} | {f"std/{n}": shape for n, shape in moved.items()}


def load(task: str, config: Config, seed: int, arrays: Sequence[Weights]) -> WeightPosterior:
    return WeightPosterior(networks.NETWORKS[task], arrays[0], seed)


METHOD = Method(
    method_id="svi_flipout",
    label="SVI (Flipout)",
    summary="Variational inference: every weight is a Gaussian. A sample is one draw of all weights.",
    configs=CONFIGS,
    fit=fit,
    shapes=shapes,
    refit=refit,
    load=load,
    several_passes=True,
)
