"""The naive way is a fair opponent: it samples the same distribution as the NumPy side, in another way."""

from __future__ import annotations

import numpy as np
import pytest

from uqcore.bench.serving import SAMPLED
from uqcore.models.sampling import draw, load_posterior
from uqcore.store import Store
from uqcore.types import Draws, ModelRecord

N_SAMPLES = 600
X = np.array([[-1.0, 0.5], [0.0, 0.3], [0.5, 0.0], [1.5, -0.6], [2.5, -1.75], [-3.0, 2.0]], np.float32)


def both(store: Store, record: ModelRecord, compiled: bool) -> tuple[Draws, Draws]:
    """Draws of the naive way and ours."""
    keras = pytest.importorskip("tf_keras")
    from uqcore.fitting.naive import sampler

    keras.utils.set_random_seed(0)
    naive = sampler(record, store.arrays(record), compiled)(X, N_SAMPLES)
    return naive, draw(load_posterior(store, record), X, N_SAMPLES)


@pytest.mark.parametrize("method", ["deterministic", "deep_ensemble"])
def test_members_give_the_same_logits(tiny_store: Store, tiny: dict[str, ModelRecord], method: str) -> None:
    naive, ours = both(tiny_store, tiny[method], compiled=False)
    np.testing.assert_allclose(naive.logits, ours.logits, atol=1e-4)


@pytest.mark.parametrize("method", ["mc_dropout", "sngp", "svi_flipout"])
def test_samples_have_the_same_mean_and_spread(tiny_store: Store, tiny: dict[str, ModelRecord], method: str) -> None:
    naive, ours = both(tiny_store, tiny[method], compiled=True)
    assert naive.logits.shape == ours.logits.shape
    spread = ours.logits.std(axis=0)
    assert spread.min() > 0
    # Both means have a standard error of spread / sqrt(S).
    np.testing.assert_array_less(
        abs(naive.logits.mean(axis=0) - ours.logits.mean(axis=0)), 5 * spread * (2 / N_SAMPLES) ** 0.5
    )
    np.testing.assert_allclose(naive.logits.std(axis=0), spread, rtol=0.2)


def test_sngp_has_the_same_closed_form(tiny_store: Store, tiny: dict[str, ModelRecord]) -> None:
    naive, ours = both(tiny_store, tiny["sngp"], compiled=False)
    assert naive.variance is not None
    assert ours.variance is not None
    np.testing.assert_allclose(naive.variance, ours.variance, rtol=1e-3)
    np.testing.assert_allclose(naive.predictive, ours.predictive, atol=1e-4)


def test_every_naive_way_is_compared() -> None:
    pytest.importorskip("tf_keras")
    from uqcore.fitting.naive import SAMPLERS

    assert set(SAMPLERS) == set(SAMPLED)
