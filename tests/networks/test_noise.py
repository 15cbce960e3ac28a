"""Random arrays against the distributions that they are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from uqcore.networks import noise

SHAPE = (301, 333)  # an odd number of odd rows
N = SHAPE[0] * SHAPE[1]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_normals_are_normal_and_uncorrelated(rng: np.random.Generator) -> None:
    drawn = noise.normals(SHAPE, rng)
    assert drawn.shape == SHAPE
    assert drawn.dtype == np.float32
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 0.01
    # The two halves come in pairs from one radius: their squares must not depend on each other either.
    flat = drawn.ravel().astype(float)
    pairs = flat[: N // 2], flat[(N + 1) // 2 :][: N // 2]
    for one, other in (pairs, [np.square(half) for half in pairs], (flat[1:], flat[:-1])):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(len(one))


@dataclass
class Always:
    """A generator, and its source of bits, whose every word is the same."""

    word: int

    @property
    def bit_generator(self) -> Always:
        return self

    def random_raw(self, size: int) -> NDArray[np.uint64]:
        return np.full(size, self.word, np.uint64)


@pytest.mark.parametrize("word", [0, 2**64 - 1])
def test_no_normal_is_infinite_at_either_end(word: int) -> None:
    drawn = noise.normals((16,), cast(np.random.Generator, Always(word)))
    assert np.isfinite(drawn).all()
    assert np.abs(drawn).max() < 6.8


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_its_share(rng: np.random.Generator, rate: float) -> None:
    kept = noise.kept(SHAPE, rate, rng)
    assert kept.shape == SHAPE
    assert kept.mean() == pytest.approx(1 - rate, abs=4 * np.sqrt(rate * (1 - rate) / N))


def test_signs_are_fair_and_independent(rng: np.random.Generator) -> None:
    drawn = noise.signs(SHAPE, rng)
    assert drawn.shape == SHAPE
    assert np.unique(drawn).tolist() == [-1, 1]
    flat = drawn.ravel()
    for lag in (0, 1, 8, 64, SHAPE[1]):
        product = flat[lag:] * flat[: N - lag] if lag else flat
        assert abs(product.mean()) < 4 / np.sqrt(N)


def test_numbers_go_on_where_the_generator_stands(rng: np.random.Generator) -> None:
    """A draw is another each time, and the same from the same state."""
    state = rng.bit_generator.state
    first, second = (noise.normals((9,), rng) for _ in range(2))
    assert not np.array_equal(first, second)
    rng.bit_generator.state = state
    np.testing.assert_array_equal(noise.normals((9,), rng), first)
