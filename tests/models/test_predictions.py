"""What the stored digit models say of test digits and unseen inputs, against the models and the images themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from uqcore import datasets
from uqcore.datasets.bundled import fashion_mnist, mnist
from uqcore.datasets.corruptions import add_noise, rotate
from uqcore.datasets.image_dataset import normalize
from uqcore.methods import METHODS
from uqcore.models import stored_draws
from uqcore.models.predictions import N_DISTURBED, Unseen, draw_as_kept, first_samples, levels, predictions_of
from uqcore.models.sampling import draw
from uqcore.predictions import Predictions
from uqcore.store import Store
from uqcore.types import Draws, ModelRecord, Posterior, UqError

N_CHECKED = 20
N_SAMPLES = {"deterministic": 1, "mc_dropout": 3, "sngp": 4}
"""Asked of one network, of samples and of samples beside a closed form, in `everything`."""


@pytest.fixture(scope="module")
def everything(committed: Store) -> dict[str, Predictions]:
    """These methods on every kind of unseen input."""
    unseen = Unseen(others=True, noise=0.7, rotation=45)
    return {
        method: predictions_of(committed, committed.find("digits", method), unseen, n_samples)
        for method, n_samples in N_SAMPLES.items()
    }


@pytest.mark.parametrize("method", N_SAMPLES)
def test_the_groups_come_one_after_the_other(everything: dict[str, Predictions], method: str) -> None:
    predictions, digits = everything[method], mnist()
    assert N_DISTURBED == 1000
    assert predictions.values.shape == (N_SAMPLES[method], 10_000 + 10_000 + 1000 + 1000, 10)
    assert predictions.kind == "logits"
    assert predictions.values.dtype == np.float32
    assert (predictions.name, predictions.class_names) == (METHODS[method].label, tuple("0123456789"))
    assert predictions.labels is not None
    assert predictions.ood is not None
    np.testing.assert_array_equal(predictions.labels[:10_000], digits.y_test)
    assert (predictions.labels[10_000:] == -1).all()
    np.testing.assert_array_equal(predictions.ood, np.arange(22_000) >= 10_000)
    assert predictions.correct is not None
    assert predictions.correct[:10_000].mean() > 0.98
    assert not predictions.correct[10_000:].any()


def test_the_images_are_those_that_the_models_saw(everything: dict[str, Predictions]) -> None:
    images, digits = everything["deterministic"].images, mnist()
    assert images is not None
    np.testing.assert_array_equal(images[:10_000], digits.x_test)
    np.testing.assert_array_equal(images[10_000:20_000], fashion_mnist().x_test)
    x = normalize(digits.x_test[:1000])
    for start, disturbed in ((20_000, add_noise(x, 0.7, seed=0)), (21_000, rotate(x, 45))):
        difference = images[start : start + 1000] / 255 - disturbed[..., 0]
        assert np.abs(difference).max() <= 0.5 / 255 + 1e-6  # rounded to the nearest level
    for predictions in everything.values():
        np.testing.assert_array_equal(predictions.images, images)


@pytest.mark.parametrize("method", N_SAMPLES)
def test_each_group_is_what_the_model_says(
    everything: dict[str, Predictions], committed: Store, posterior_of: Callable[[str, str], Posterior], method: str
) -> None:
    predictions, n_samples = everything[method], N_SAMPLES[method]
    record, posterior = committed.find("digits", method), posterior_of("digits", method)
    kept = {name: stored_draws.load(committed, record, name) for name in ("test", "fashion")}
    np.testing.assert_array_equal(predictions.values[:, :10_000], kept["test"].logits[:n_samples])
    np.testing.assert_array_equal(predictions.values[:, 10_000:20_000], kept["fashion"].logits[:n_samples])
    dataset = datasets.load("digits")
    x = dataset.test.x[:N_CHECKED]
    noisy = add_noise(dataset.test.x[:1000], 0.7, seed=0)[:N_CHECKED]
    for start, images in ((0, x), (20_000, noisy), (21_000, rotate(x, 45))):
        drawn = draw(posterior, images, n_samples)
        part = predictions.draws(slice(start, start + N_CHECKED))
        np.testing.assert_allclose(part.logits, drawn.logits, rtol=2**-11, atol=1e-4)  # kept ones are float16
        np.testing.assert_allclose(part.predictive, drawn.predictive, atol=2e-3)
        np.testing.assert_allclose(part.logit_variance, drawn.logit_variance, rtol=5e-3, atol=1e-3)
        assert (part.mean_logits is None) == (drawn.mean_logits is None)


@pytest.mark.parametrize(
    ("unseen", "n_ood"),
    [
        (Unseen(others=False), 0),
        (Unseen(), 10_000),
        (Unseen(others=False, noise=0.4), 1000),
        (Unseen(others=False, rotation=90), 1000),
    ],
)
def test_what_is_not_asked_for_is_not_there(committed: Store, unseen: Unseen, n_ood: int) -> None:
    predictions = predictions_of(committed, committed.find("digits", "deterministic"), unseen, 1)
    assert len(predictions) == 10_000 + n_ood
    assert predictions.images is not None
    assert len(predictions.images) == len(predictions)
    if n_ood == 0:
        assert predictions.ood is None
        np.testing.assert_array_equal(predictions.labels, mnist().y_test)
    else:
        assert predictions.ood is not None
        assert predictions.ood.sum() == n_ood


def test_a_turn_by_a_quarter_turns_the_image(committed: Store) -> None:
    unseen = Unseen(others=False, rotation=90)
    images = predictions_of(committed, committed.find("digits", "deterministic"), unseen, 1).images
    assert images is not None
    np.testing.assert_array_equal(images[10_000:], np.rot90(mnist().x_test[:1000], axes=(1, 2)))


@pytest.mark.parametrize("method", METHODS)
def test_there_are_at_most_as_many_samples_as_are_kept(committed: Store, method: str) -> None:
    record = committed.find("digits", method)
    predictions = predictions_of(committed, record, Unseen(others=False), 10_000)
    np.testing.assert_array_equal(predictions.values, stored_draws.load(committed, record, "test").logits)


def test_new_draws_are_as_many_as_the_kept_ones(committed: Store) -> None:
    record, n_kept = committed.find("digits", "mc_dropout"), METHODS["mc_dropout"].n_kept
    x = datasets.load("digits").test.x[:3]
    assert n_kept is not None
    assert draw_as_kept(committed, record, x, n_kept + 7).logits.shape == (n_kept, 3, 10)
    assert draw_as_kept(committed, record, x, 2).logits.shape == (2, 3, 10)


def test_the_first_samples_keep_the_closed_form() -> None:
    draws = Draws(np.arange(24.0).reshape(4, 3, 2), np.ones((3, 2)), np.ones(3), 0.5)
    first = first_samples(draws, 2)
    np.testing.assert_array_equal(first.logits, np.arange(12.0).reshape(2, 3, 2))
    np.testing.assert_array_equal(first.predictive, draws.predictive)
    assert first.variance is draws.variance
    np.testing.assert_array_equal(first_samples(draws, 9).logits, draws.logits)


def test_every_grey_level_comes_back() -> None:
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    np.testing.assert_array_equal(levels(normalize(images)), images)


def test_a_model_of_another_task_is_one_sentence(committed: Store) -> None:
    with pytest.raises(UqError, match=r"No draws of moons-sngp-seed0 on 'test' are kept"):
        predictions_of(committed, committed.find("moons", "sngp"), Unseen(), 1)


def test_a_model_without_kept_draws_is_one_sentence(committed: Store) -> None:
    record = committed.find("digits", "sngp")
    bare = ModelRecord(**{**vars(record), "draws": {}})
    with pytest.raises(UqError, match=r"No draws of digits-sngp-seed0 on 'test' are kept; make them with"):
        predictions_of(committed, bare, Unseen(), 1)
