"""What is stored in half precision: no network that rounds to it answers otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from uqcore import datasets
from uqcore.methods import EVERY_METHOD
from uqcore.models.training import LOGITS_MOVE
from uqcore.store import Store
from uqcore.types import Weights

RNG = np.random.default_rng(5)


def before_rounding(stored: Weights) -> dict[str, np.ndarray]:
    """Float32 arrays that would be stored as these: each value anywhere between its two neighbours' middles."""
    return {
        name: (array + RNG.uniform(-0.5, 0.5, array.shape) * np.spacing(np.abs(array).astype(np.float16))).astype(
            np.float32
        )
        for name, array in stored.items()
    }


@pytest.mark.parametrize("seed", [0, 4, 9])
def test_rounding_moves_no_logit_by_a_hundredth_and_no_decision(committed: Store, seed: int) -> None:
    task = "digits_0_4"
    record = committed.find(task, "deterministic", seed)
    (file,) = record.files
    with np.load(committed.root / file.path) as kept:
        in_half = {name for name in kept.files if kept[name].dtype == np.float16}
        assert in_half == set(kept.files)
    (stored,) = committed.arrays(record)
    x = datasets.load(task).validation.x[:400]
    method = EVERY_METHOD["deterministic"]
    first, second = (
        method.load(task, method.configs[task], seed, [arrays]).draw(x, [0])[0]
        for arrays in (stored, before_rounding(stored))
    )
    assert 0 < np.abs(first - second).max() <= LOGITS_MOVE
    np.testing.assert_array_equal(first.argmax(axis=1), second.argmax(axis=1))
