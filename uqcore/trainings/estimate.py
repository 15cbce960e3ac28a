"""How long a training takes, said before it starts: TensorFlow, the epochs, then tables and figures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from uqcore.datasets import load
from uqcore.methods import METHODS
from uqcore.methods.base import TrainingConfig
from uqcore.models.answers import answer
from uqcore.models.sampling import load_posterior
from uqcore.models.training import stages
from uqcore.networks import NETWORKS
from uqcore.store import default_store
from uqcore.trainings.finish import n_examples
from uqcore.types import UqError

START_S = 5.0
"""Until TensorFlow is there."""

_FIRST_S = 1.5
"""Of each network, before its first epoch: its graph is traced."""

_STEP_OF_POINTS_S = {"": 0.010, "svi_flipout": 0.025}
"""Method -> seconds of a step where two cores are free: 9 to 10 ms were measured, validation included, and SVI as its
committed models took."""

_UNKNOWN_S = 600.0  # a network of which there is no committed one
_UNKNOWN_EXAMPLE_S = 0.001
_LEAST_AFTER_S, _ON_VALIDATION = 1.3, 2  # it is stored; its thresholds, and whether half precision changes anything
N_PROBED = 200  # of fewer, what does not depend on their number counts too much
_ON_ALL_CORES = 0.6
"""Seconds that go by for each of CPU, where whole sets are asked on all cores; measured on two."""


class Expected(NamedTuple):
    """Seconds of the three parts of a training."""

    start_s: float
    fit_s: float
    after_s: float

    @property
    def whole_s(self) -> float:
        return sum(self)


def fit_s(task: str, method_id: str, config: TrainingConfig, fitted: Mapping[str, int]) -> float:
    """Seconds of the epochs of all that is ``fitted`` (model -> epochs): as the committed model took, by its steps.

    A committed model may have been trained while the machine was busy: of tasks with the same network the one counts
    that was learned fastest, and a step of a network for points takes at most `_STEP_OF_POINTS_S`.
    """
    steps_s = [_s_a_step(other, method_id) for other, network in NETWORKS.items() if network == NETWORKS[task]]
    known = [each for each in steps_s if each is not None]
    if not known:
        return _UNKNOWN_S
    if len(NETWORKS[task].input_shape) == 1:
        known.append(_STEP_OF_POINTS_S.get(method_id, _STEP_OF_POINTS_S[""]))
    return _FIRST_S * len(fitted) + min(known) * sum(fitted.values()) * _n_steps(task, config)


def _n_steps(task: str, config: TrainingConfig) -> int:
    """Of an epoch."""
    return -(-len(load(task).train) // config.batch_size)


def _s_a_step(task: str, method_id: str) -> float | None:
    """Of the committed model, as it is told in the manifest."""
    usual = METHODS[method_id].configs.get(task)
    if usual is None:
        return None
    try:
        took_s = default_store().find(task, method_id).training_time_s
    except UqError:
        return None
    before = stages(task, method_id, 0, usual)
    learning_s = max(took_s - _FIRST_S * len(before), took_s / 2)
    return learning_s / (sum(before.values()) * _n_steps(task, usual))


def after_s(task: str, method_id: str, config: TrainingConfig, *, beside: bool, for_store: bool) -> float:
    """Seconds of what `uqcore.trainings.finish` does, as this machine answers now."""
    usual = METHODS[method_id].configs[task]
    members = getattr(config, "n_members", 1) / getattr(usual, "n_members", 1)
    n = n_examples(task, beside=beside, for_store=for_store) + _ON_VALIDATION * len(load(task).validation)
    return _LEAST_AFTER_S + members * _s_an_example(task, method_id) * n


@cache
def _s_an_example(task: str, method_id: str) -> float:
    """Of a table, by the committed model; timed once, in some tenths of a second."""
    data = load(task)
    try:
        posterior = load_posterior(default_store(), default_store().find(task, method_id))
        answer(posterior, data.test.x[:1])  # what a model prepares once is not timed
        started = time.process_time()  # CPU: another process may run beside
        answer(posterior, data.test.x[:N_PROBED])
        took_s = time.process_time() - started
    except UqError:
        return _UNKNOWN_EXAMPLE_S
    return _ON_ALL_CORES * took_s / N_PROBED
