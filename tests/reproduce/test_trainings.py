"""How the sources train: what the two optimizers do on paper, and that the networks learn as they are described."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from uqcore.datasets import moons
from uqcore.datasets.bundled import mnist
from uqcore.datasets.image_dataset import normalize
from uqcore.methods.sngp import CONFIGS
from uqcore.reproduce.keras_question import z_scores
from uqcore.types import Progress, Split

pytestmark = pytest.mark.skipif(find_spec("tensorflow") is None, reason="It trains.")  # found, not yet imported
N = 512


@pytest.fixture(scope="module")
def digits() -> Split:
    images = mnist()
    return Split(normalize(images.x_train[:N]), images.y_train[:N])


def first_step(optimizer: Any, gradient: float) -> float:
    """How far the first step goes, in learning rates."""
    import tensorflow as tf

    weight = tf.Variable(0.0)
    optimizer.apply_gradients([(tf.constant(gradient), weight)])
    return -float(weight.numpy()) / float(np.asarray(optimizer.learning_rate))


@pytest.mark.parametrize("gradient", [1.0, 1e-3, 1e-5])
def test_epsilon_is_beside_the_root_in_the_old_rmsprop_and_under_it_in_todays(gradient: float) -> None:
    from uqcore.fitting.article_cnn import optimizers

    square = 0.1 * gradient**2  # the moving average, with its default rate of 0.9, after one step from zero
    expected = {
        "until Keras 2.10": gradient / (math.sqrt(square) + 1e-7),
        "since Keras 2.11": gradient / math.sqrt(square + 1e-7),
    }
    for name, optimizer in optimizers().items():
        assert first_step(optimizer, gradient) == pytest.approx(expected[name], rel=1e-3)


def test_an_adam_that_is_handed_on_takes_longer_first_steps() -> None:
    import tf_keras as keras

    handed_on, fresh = (keras.optimizers.legacy.Adam(1e-4) for _ in range(2))
    n_steps = 800  # 100 epochs of 8 batches
    handed_on.iterations.assign(n_steps)
    corrections = math.sqrt(1 - 0.999 ** (n_steps + 1)) / (1 - 0.9 ** (n_steps + 1))
    assert first_step(handed_on, 1.0) == pytest.approx(corrections * 0.1 / math.sqrt(0.001), rel=1e-4)
    assert first_step(fresh, 1.0) == pytest.approx(1, rel=1e-4)


def test_the_articles_network_learns_and_gives_probabilities(digits: Split) -> None:
    from uqcore.fitting import article_cnn

    reported: list[Progress] = []
    inputs = {"train": digits.x, "ten": digits.x[:10]}
    for optimizer in article_cnn.optimizers():
        fitted = article_cnn.fit(optimizer, 3, 32, digits, digits, inputs, 0, reported.append)
        assert fitted.n_parameters == fitted.n_trainable == 693_962
        np.testing.assert_allclose(fitted.arrays["train"].sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(fitted.arrays["ten"], fitted.arrays["train"][:10], rtol=1e-4, atol=1e-6)
        right = np.mean(fitted.arrays["train"].argmax(axis=1) == digits.y)
        assert right == pytest.approx(fitted.metrics["val_accuracy"], abs=1e-6)
        assert right > 0.8
    assert [(progress.done, progress.total) for progress in reported] == [(1, 3), (2, 3), (3, 3)] * 2


def test_both_networks_of_the_tutorial_are_trained_in_turn() -> None:
    from uqcore.fitting import sngp_tutorial

    reported: list[Progress] = []
    config = replace(CONFIGS["moons"], epochs=2)
    fitted = sngp_tutorial.fit(config, moons.load(0).train, 0, reported.append)
    assert fitted.n_parameters == 99_714 + 1_283_714
    assert [(progress.done, progress.total) for progress in reported] == [(i, 4) for i in range(1, 5)]
    for name in ("deterministic", "sngp"):
        loss = fitted.arrays[f"{name}/loss"]
        assert len(loss) == 2
        assert loss[1] < loss[0] < 2 * math.log(2)
        assert fitted.metrics[f"{name}/loss"] == loss[-1]


def test_the_questions_loop_and_ours_agree_on_a_network(digits: Split) -> None:
    from uqcore.fitting import keras_question

    arrays = keras_question.compare(digits, digits.x[:20], 200, 0, lambda progress: None).arrays
    z = z_scores(arrays["loop/mean"], arrays["ours/mean"], arrays["loop/variance"], arrays["ours/variance"], 200)
    assert len(z) > 100
    assert 0.5 < np.sqrt(np.mean(z**2)) < 1.5
    assert arrays["ours/variance"].sum() == pytest.approx(arrays["loop/variance"].sum(), rel=0.1)


def test_z_scores_leave_out_what_does_not_vary() -> None:
    mean_a, mean_b = np.array([0.3, 0.5]), np.array([0.2, 0.4])
    (z,) = z_scores(mean_a, mean_b, np.array([0.02, 0.0]), np.array([0.02, 0.0]), 100)
    assert z == pytest.approx(0.1 / math.sqrt(0.04 / 100))
