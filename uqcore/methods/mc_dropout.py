"""MC Dropout: dropout stays on when predicting (Gal & Ghahramani 2016, arXiv 1506.02142).

Sample s is one thinned network: one mask per dropout layer, drawn from (seed, s) and shared by all examples. The
weights are the deterministic model's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from uqcore import networks
from uqcore.methods import deterministic
from uqcore.methods.base import Method, TrainingConfig
from uqcore.types import FloatArray, IntArray, Posterior, Weights

_STREAM = 1  # Keeps the masks' random numbers apart from those of other methods with the same seed.
_CACHED_SAMPLES = 256
# Samples that are drawn together at one example: always as many, for a product of other rows sums in another order.
BLOCK = 10


class ThinnedNetworks(Posterior):
    """The thinned networks of one trained network. For many examples their weights are cut out once and kept; for one
    example, where reading those weights is most of the work, the whole network's are read under all masks at once."""

    def __init__(self, network: networks.Network, weights: Weights, seed: int) -> None:
        start = network.dropout_start
        self._before, self._after = network.layers[:start], network.layers[start:]
        self._weights = {name: array[None] for name, array in weights.items()}
        self._units = _dropout_units(network)
        self._seed = seed
        self._thinned = lru_cache(maxsize=_CACHED_SAMPLES)(self._thin)
        self._masks = lru_cache(maxsize=_CACHED_SAMPLES // BLOCK)(self._block_of_masks)

    def draw(self, x: FloatArray, samples: Sequence[int]) -> FloatArray:
        # What lies before the first dropout is the same for every sample: it runs once.
        shared = networks.features(self._before, self._weights, x[None])
        logits = np.empty((len(samples), len(x), self._weights[f"{networks.HEAD}/bias"].shape[-1]), np.float32)
        if len(x) == 1:
            for block in {sample // BLOCK for sample in samples}:
                places = [i for i, sample in enumerate(samples) if sample // BLOCK == block]
                hidden = networks.masked(self._after, self._weights, shared, self._masks(block))
                of_block = networks.head(self._weights, hidden)[0]
                logits[places, 0] = of_block[[samples[i] % BLOCK for i in places]]
            return logits
        for i, sample in enumerate(samples):
            thinned = self._thinned(sample)
            logits[i] = networks.head(thinned, networks.features(self._after, thinned, shared))[0]
        return logits

    def keep(self, sample: int) -> Mapping[str, IntArray]:
        """The indices of the units that live in sample ``sample``, per layer with dropout."""
        rng = np.random.default_rng([self._seed, _STREAM, sample])
        return {name: np.flatnonzero(rng.random(n) >= rate) for name, (n, rate) in self._units.items()}

    def _block_of_masks(self, block: int) -> Mapping[str, FloatArray]:
        """Layer with dropout -> ``(BLOCK, units)``, as `networks.masked` takes them."""
        masks = {name: np.zeros((BLOCK, n), np.float32) for name, (n, _) in self._units.items()}
        for i in range(BLOCK):
            for name, alive in self.keep(block * BLOCK + i).items():
                masks[name][i, alive] = 1 / (1 - self._units[name][1])
        return masks

    def _thin(self, sample: int) -> Weights:
        return networks.thin(self._after, self._weights, self.keep(sample))


def _dropout_units(network: networks.Network) -> dict[str, tuple[int, float]]:
    """Layer -> (number of units, dropout rate), for the layers that have dropout."""
    shapes = networks.output_shapes(network)
    return {layer.name: (int(np.prod(shapes[layer.name])), layer.dropout) for layer in network.layers if layer.dropout}


def load(task: str, config: TrainingConfig, seed: int, arrays: Sequence[Weights]) -> ThinnedNetworks:
    return ThinnedNetworks(networks.NETWORKS[task], arrays[0], seed)


METHOD = Method(
    method_id="mc_dropout",
    label="MC Dropout",
    summary="The deterministic network with dropout left on. A sample is one thinned network.",
    configs=deterministic.CONFIGS,
    load=load,
    parts=deterministic.part,
    several_passes=True,
)
