"""Energy score: minus the logarithm of the sum of the exponentials of the network's logits
(Liu et al. 2020, arXiv 2010.03759, temperature 1). Nothing is fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uqcore.methods import deterministic
from uqcore.methods.base import Method, TrainingConfig
from uqcore.methods.on_features import OnNetwork, Seen
from uqcore.types import FloatArray, Weights


class Energy(OnNetwork):
    """The network's predictions, and ``softplus`` of the energy as their score: the same order, and never negative."""

    def score_of(self, seen: Seen) -> FloatArray:
        energy = -np.logaddexp.reduce(seen.logits.astype(np.float64), axis=1)
        return np.logaddexp(0, energy).astype(np.float32)


def load(task: str, config: TrainingConfig, seed: int, arrays: Sequence[Weights]) -> Energy:
    return Energy(task, arrays[0])


METHOD = Method(
    method_id="energy",
    label="Energy",
    summary="The deterministic network, and how small its logits are, all classes together.",
    configs={task: config for task, config in deterministic.CONFIGS.items() if task != "sine"},
    load=load,
    parts=deterministic.part,
    own_measure="score",
    on_network=True,
    on_pages=False,
)
