"""The methods by their ids, in the order in which pages show them."""

from __future__ import annotations

from collections.abc import Mapping

from uqcore.methods import (
    deep_ensemble,
    deterministic,
    energy,
    entropy_and_distance,
    feature_density,
    laplace,
    mc_dropout,
    nearest_neighbours,
    sngp,
    svi_flipout,
    temperature,
)
from uqcore.methods.base import Method
from uqcore.types import UqError

EVERY_METHOD: Mapping[str, Method] = {
    method.method_id: method
    for method in (
        deterministic.METHOD,
        mc_dropout.METHOD,
        deep_ensemble.METHOD,
        sngp.METHOD,
        svi_flipout.METHOD,
        feature_density.METHOD,
        nearest_neighbours.METHOD,
        temperature.METHOD,
        energy.METHOD,
        laplace.METHOD,
        entropy_and_distance.METHOD,
    )
}
METHODS: Mapping[str, Method] = {method_id: each for method_id, each in EVERY_METHOD.items() if each.on_pages}
"""Those that the pages show; the others are for the scoreboard."""


def method(method_id: str) -> Method:
    """The method of that id; an unknown one is an error that lists the known ones."""
    if method_id not in EVERY_METHOD:
        raise UqError(f"Unknown method {method_id!r}. Known methods: {', '.join(METHODS)}.")
    return EVERY_METHOD[method_id]


def of_task(task: str) -> list[str]:
    """The ids of the methods that have a configuration for ``task``; the others are left out of it."""
    return [method_id for method_id, each in METHODS.items() if task in each.configs]
