"""What the tests share. TensorFlow is imported by those that need it, inside functions, and then once for all."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections.abc import Callable
from functools import cache

import pytest

from uqcore.methods import METHODS
from uqcore.methods.base import TrainingConfig, configure
from uqcore.sampling import load_posterior
from uqcore.store import Store, default_store
from uqcore.training import train
from uqcore.types import ModelRecord, Posterior


@pytest.fixture(scope="session")
def committed() -> Store:
    """The repository's own store."""
    return default_store()


@pytest.fixture(scope="session")
def posterior_of(committed: Store) -> Callable[[str, str], Posterior]:
    """``(task, method) -> posterior`` of the committed model of seed 0, loaded once."""
    return cache(lambda task, method: load_posterior(committed, committed.find(task, method)))


def tiny_config(method: str) -> TrainingConfig:
    """The least training that leaves a model of ``method`` on moons."""
    settings = {"epochs": "1"} | ({"n_members": "2"} if method == "deep_ensemble" else {})
    return configure(METHODS[method].configs["moons"], settings)


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Every method really trained on moons, for one epoch. Read only."""
    return Store(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny(tiny_store: Store) -> dict[str, ModelRecord]:
    """Method -> its record in ``tiny_store``."""
    return {method: train(tiny_store, "moons", method, 0, tiny_config(method)) for method in METHODS}
