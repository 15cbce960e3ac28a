"""What can be asked for: everything that is committed, within limits, and the command line is told the same."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest

from tests.trainings.fakes import order
from uqcore.cli.main import arguments_parser
from uqcore.datasets import DATASETS, load
from uqcore.methods import METHODS, of_task
from uqcore.methods.base import Range, configure
from uqcore.networks import NETWORKS
from uqcore.store import default_store
from uqcore.trainings import Order, allowed
from uqcore.trainings.estimate import fit_s
from uqcore.types import UqError

EVERY = [(task, method_id) for task in DATASETS for method_id in of_task(task)]


@pytest.mark.parametrize(("task", "method_id"), EVERY)
def test_every_committed_model_can_be_asked_for(task: str, method_id: str) -> None:
    usual = METHODS[method_id].configs[task]
    asked = Order(task, method_id, 0, usual)
    assert asked.changed == {}
    assert asked.model_id == default_store().find(task, method_id).model_id
    for name, value in asdict(usual).items():
        limits = allowed(task, usual, name)
        if isinstance(value, str):
            assert value in (limits or ()), f"{name} has no words to choose from"
        elif not isinstance(value, bool):
            assert isinstance(limits, Range), f"{name} has no limits on a server that many share: LIMITS of its class"


def steps(asked: Order) -> int:
    """Of all epochs of all that is fitted."""
    return sum(asked.stages.values()) * math.ceil(len(load(asked.task).train) / asked.config.batch_size)


@pytest.mark.parametrize(("task", "method_id"), EVERY)
def test_a_training_is_said_to_take_as_long_as_the_quickest_of_its_kind(task: str, method_id: str) -> None:
    """However busy the machines were that others of the kind, on the same network, were trained on."""
    asked = Order(task, method_id, 0, METHODS[method_id].configs[task])
    expected_s = fit_s(task, method_id, asked.config, asked.stages)
    took_s = default_store().find(task, method_id).training_time_s
    assert expected_s <= took_s * 1.001
    if task == "digits":
        assert expected_s == pytest.approx(took_s)
    paces = {}
    for other in DATASETS:
        if NETWORKS[other] == NETWORKS[task] and method_id in of_task(other):
            of_other = Order(other, method_id, 0, METHODS[method_id].configs[other])
            paces[other] = default_store().find(other, method_id).training_time_s / steps(of_other)
    # Half at least: what a network's first step takes is not a step's. Of points a step is never said to take long.
    quickest = min(paces.values()) if len(NETWORKS[task].input_shape) > 1 else min(*paces.values(), 0.01)
    assert expected_s / steps(asked) > quickest / 2


def test_the_command_line_trains_what_was_asked_for() -> None:
    asked = order("sngp", seed=3, epochs=7, ridge=0.1, dropout=False, features="residual_2")
    given = arguments_parser().parse_args(asked.arguments)
    assert (given.task, given.method, given.seed, given.json) == ("moons", "sngp", 3, True)
    assert configure(asked.usual, dict(pair.split("=") for pair in given.set)) == asked.config
    assert asked.name == "SNGP, yours: 7 epochs, features residual_2, no dropout, ridge 0.1, seed 3"
    assert order("deep_ensemble", n_members=3).name == "Deep ensemble, yours: 3 members"


def test_an_ensemble_is_as_many_stages_as_members() -> None:
    asked = order("deep_ensemble", n_members=3, epochs=4)
    assert list(asked.stages.values()) == [4, 4, 4]
    assert list(order("feature_density", epochs=4).stages.values()) == [4, 1]
    assert list(order("mc_dropout", epochs=4).stages) == list(order("deterministic", epochs=4).stages)


def test_half_the_epochs_take_half_the_time() -> None:
    whole, half = order().expected.fit_s, order(epochs=50).expected.fit_s
    once = 2 * half - whole  # what does not depend on the epochs
    assert 0 < once < half
    assert order(batch_size=64).expected.fit_s - once == pytest.approx(2 * (whole - once))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": 10**6}, "epochs must be from 1 to 3,000"),
        ({"n_random_features": 10**6}, "n_random_features must be from 16 to 2,048"),
        ({"learning_rate": 2}, "learning_rate must be from 1e-06 to 1"),
        ({"augment": True}, "augment must be false where inputs are no images"),
        ({"seed": -1}, "seed must be from 0"),
    ],
)
def test_what_is_out_of_range_is_one_sentence(settings: dict[str, int], said: str) -> None:
    with pytest.raises(UqError, match=said):
        order(**settings)  # type: ignore[arg-type]


def test_a_training_of_days_is_refused() -> None:
    with pytest.raises(UqError, match="at most 4 hours"):
        order("deep_ensemble", "fashion", epochs=3000)


def test_a_method_of_another_task_is_refused() -> None:
    with pytest.raises(UqError, match="Expected a method of sine"):
        Order("sine", "feature_density", 0, METHODS["feature_density"].configs["moons"])
