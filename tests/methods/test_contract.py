"""What every stored model keeps to: a sample is a function, and what NumPy serves is what TensorFlow trained.

Draws are compared bit for bit wherever the same examples are asked about. One example alone and in a batch agree to
rounding only: BLAS takes another kernel, and so another order of summing, for another number of rows.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import ROOT
from uqcore import datasets
from uqcore.datasets import DATASETS
from uqcore.methods import METHODS, of_task, sngp
from uqcore.methods.on_features import OnNetwork
from uqcore.metrics import regression
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.sampling import draw, load_posterior, sample_numbers
from uqcore.networks import HEAD, NETWORKS, Flatten, Network
from uqcore.store import Store
from uqcore.types import FloatArray, ModelRecord, Posterior, Weights

SAMPLES = range(5)


def models_of(*methods: str) -> pytest.MarkDecorator:
    chosen = [(task, method) for task in DATASETS for method in methods if task in METHODS[method].configs]
    return pytest.mark.parametrize("model", chosen, ids="-".join, indirect=True)


every_model = models_of(*METHODS)


class Model(NamedTuple):
    """A stored model, inputs, and what it drew of them when it was asked first."""

    record: ModelRecord
    posterior: Posterior
    x: FloatArray
    drawn: FloatArray


def inputs(task: str) -> FloatArray:
    """Test and OOD inputs, half and half."""
    dataset = datasets.load(task)
    # More images than the NumPy side computes at a time, so that its chunks are tested too.
    n = 80 if len(NETWORKS[task].input_shape) == 3 else 30
    return np.concatenate([dataset.test.x[:n], next(iter(dataset.ood.values()))[:n]])


@pytest.fixture(scope="module")
def model_of(committed: Store, posterior_of: Callable[[str, str], Posterior]) -> Callable[[str, str], Model]:
    def find(task: str, method: str) -> Model:
        posterior, x = posterior_of(task, method), inputs(task)
        drawn = posterior.draw(x, numbers(posterior))
        drawn.flags.writeable = False
        return Model(committed.find(task, method), posterior, x, drawn)

    return cache(find)


@pytest.fixture
def model(request: pytest.FixtureRequest, model_of: Callable[[str, str], Model]) -> Model:
    return model_of(*request.param)


def held_arrays(value: Any) -> list[NDArray[Any]]:
    """Every array in a posterior and in the records of which it is made."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, Mapping):
        return [array for item in value.values() for array in held_arrays(item)]
    return held_arrays(vars(value)) if type(value).__module__.startswith("uqcore.") else []


def digests(posterior: Posterior) -> list[str]:
    return [hashlib.sha256(array.tobytes()).hexdigest() for array in held_arrays(posterior)]


def numbers(posterior: Posterior) -> list[int]:
    return list(sample_numbers(posterior, len(SAMPLES)))


# A sample is a function


@every_model
def test_draws_have_the_documented_shape(model: Model) -> None:
    n_outputs = len(datasets.load(model.record.task).class_names) or 1
    assert model.drawn.shape == (len(numbers(model.posterior)), len(model.x), n_outputs)
    assert model.drawn.dtype == np.float32
    assert np.isfinite(model.drawn).all()


@every_model
@pytest.mark.parametrize("n_examples", [1, 3, None])
def test_a_sample_depends_on_its_number_alone(model: Model, n_examples: int | None) -> None:
    samples, x = numbers(model.posterior), model.x[:n_examples]
    together = model.drawn if n_examples is None else model.posterior.draw(x, samples)
    for chosen in ([[s] for s in samples], [samples[:2], samples[::-1], samples[1::2] + samples[:1]]):
        for some in chosen:
            np.testing.assert_array_equal(model.posterior.draw(x, some), together[some])


@every_model
def test_an_example_alone_is_as_in_a_batch_to_rounding(model: Model) -> None:
    samples = numbers(model.posterior)
    batch = draw(model.posterior, model.x, len(samples))
    for i in (0, len(model.x) // 2, len(model.x) - 1):
        alone = draw(model.posterior, model.x[i : i + 1], len(samples))
        np.testing.assert_allclose(alone.logits[:, 0], batch.logits[:, i], rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(alone.predictive[0], batch.predictive[i], atol=1e-4)


_DRAWN = """
import hashlib
import numpy as np
from uqcore.models.sampling import draw, load_posterior
from uqcore.networks.parallel import one_blas_thread
from uqcore.store import default_store

one_blas_thread()
store, x = default_store(), np.random.default_rng(0).random((100, 28, 28, 1), np.float32)
for method in ("mc_dropout", "sngp", "svi_flipout", "nearest_neighbours"):
    drawn, digest = draw(load_posterior(store, store.find("digits", method)), x, 2), hashlib.sha256()
    for array in (drawn.logits, drawn.variance, drawn.score):
        digest.update(b"" if array is None else array.tobytes())
    print(method, digest.hexdigest())
"""


def _drawn(threads: int) -> subprocess.Popen[str]:
    environment = os.environ | {"OPENBLAS_NUM_THREADS": str(threads), "UQCORE_MODELS": str(ROOT / "cached_models")}
    command = [sys.executable, "-c", _DRAWN]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def test_draws_are_the_same_bits_however_many_threads_blas_is_told_to_use() -> None:
    """On images, whose products are large enough for BLAS to share out: then the order of summing would change."""
    asked = [_drawn(threads) for threads in (1, 4, 16)]
    first, *others = [process.communicate()[0] for process in asked]
    assert len(first.splitlines()) == 4
    assert [process.returncode for process in asked] == [0, 0, 0]
    assert others == [first, first]


@every_model
def test_loading_again_gives_the_same_samples(model: Model, committed: Store) -> None:
    samples = numbers(model.posterior)
    np.testing.assert_array_equal(load_posterior(committed, model.record).draw(model.x, samples), model.drawn)
    np.testing.assert_array_equal(model.posterior.draw(model.x, samples), model.drawn)


@every_model
def test_samples_differ(model: Model) -> None:
    if model.posterior.n_samples == 1:
        assert len(model.drawn) == 1
    else:
        assert len(np.unique(model.drawn.reshape(len(model.drawn), -1), axis=0)) == len(SAMPLES)


@every_model
def test_a_method_says_what_its_answers_cost(model: Model) -> None:
    method, posterior = METHODS[model.record.method], model.posterior
    assert method.on_network == isinstance(posterior, OnNetwork)
    assert method.several_passes == (posterior.n_samples != 1 and posterior.closed_form(model.x[:1]) is None)


@every_model
def test_all_at_once_is_the_same_to_the_bit(model: Model) -> None:
    posterior = model.posterior
    for x, samples in ((model.x, SAMPLES), (model.x[:1], range(3, 14))):
        if posterior.n_samples is not None:
            samples = range(posterior.n_samples)
        logits, closed_form, score = posterior.answer(x, samples)
        np.testing.assert_array_equal(logits, posterior.draw(x, samples))
        expected = posterior.closed_form(x)
        assert (closed_form is None) == (expected is None)
        if closed_form is not None and expected is not None:
            np.testing.assert_array_equal(closed_form.mean, expected.mean)
            np.testing.assert_array_equal(closed_form.variance, expected.variance)
        np.testing.assert_array_equal(score, posterior.score(x))  # None, too


@every_model
def test_a_score_is_a_number_an_input(model: Model, committed: Store) -> None:
    score = model.posterior.score(model.x)
    own = METHODS[model.record.method].own_measure
    assert (score is not None) == ("score" in MEASURES[own].needs)
    if score is not None:
        assert score.shape == (len(model.x),)
        assert np.isfinite(score).all()
        assert score.min() >= 0
        np.testing.assert_array_equal(load_posterior(committed, model.record).score(model.x), score)
        some = model.posterior.score(model.x[:3])
        assert some is not None
        np.testing.assert_allclose(some, score[:3], rtol=1e-3, atol=1e-3)


@every_model
def test_drawing_changes_nothing_and_nothing_can_be_changed(model: Model) -> None:
    x = model.x.copy()
    x.flags.writeable = False
    before = digests(model.posterior)
    assert len(before) >= 2 * len(NETWORKS[model.record.task].layers), "two arrays a layer"
    assert not any(array.flags.writeable for array in held_arrays(model.posterior))
    draw(model.posterior, x, 3)
    assert digests(model.posterior) == before
    np.testing.assert_array_equal(x, model.x)


@every_model
def test_threads_that_draw_at_once_get_the_same(model: Model, committed: Store) -> None:
    posterior = load_posterior(committed, model.record)  # nothing cached yet: the threads race for it
    samples, x = numbers(posterior), model.x[:20]
    expected = model.posterior.draw(x, samples)
    with ThreadPoolExecutor(8) as pool:
        for logits in pool.map(lambda _: posterior.draw(x, samples), range(8)):
            np.testing.assert_array_equal(logits, expected)


# In regression


@pytest.mark.parametrize("method", of_task("sine"))
def test_a_sampled_function_is_continuous(method: str, posterior_of: Callable[[str, str], Posterior]) -> None:
    """On a grid twice as fine its largest step is half as large; noise of its own at each x would stay as large."""
    posterior = posterior_of("sine", method)
    largest = []
    for n_steps in (3000, 6000):
        x = np.linspace(-6, 6, n_steps + 1, dtype=np.float32)[:, None]
        values = posterior.draw(x, numbers(posterior))[..., 0].astype(float)
        largest.append(np.abs(np.diff(values)).max(axis=1))
    np.testing.assert_allclose(largest[0] / largest[1], 2, atol=0.2)


@pytest.mark.parametrize("method", of_task("sine"))
def test_functions_spread_where_there_were_no_data(method: str, posterior_of: Callable[[str, str], Posterior]) -> None:
    """What the SVI article claims of Flipout holds for every method: in the gap, and beyond the data."""
    dataset, posterior = datasets.load("sine"), posterior_of("sine", method)
    if posterior.n_samples == 1:  # one function spreads nowhere
        assert not regression.functions(draw(posterior, dataset.test.x, 200)).std.any()
        return
    std = {
        name: regression.functions(draw(posterior, x, 200)).std
        for name, x in {"data": dataset.test.x, **dataset.ood}.items()
    }
    ratios = regression.std_ratios(std.pop("data"), std)
    assert set(ratios) == {"gap", "beyond"}
    assert min(ratios.values()) > 1


def test_sngp_is_the_exact_posterior_in_regression(committed: Store) -> None:
    """The output weights solve (Phi^T Phi + ridge I) beta = Phi^T y, and the precision is that matrix."""
    record, train = committed.find("sine", "sngp"), datasets.load("sine").train
    arrays = one(committed, record)
    process = sngp.RandomFeatures(NETWORKS["sine"], arrays)
    phi = process.features(process.hidden(train.x)).astype(float)
    precision = phi.T @ phi + record.config["ridge"] * np.eye(phi.shape[1])
    cholesky = arrays["gp/cholesky"].astype(float)
    np.testing.assert_allclose(cholesky @ cholesky.T, precision, atol=1e-3)
    np.testing.assert_allclose(precision @ arrays["gp/beta"][:, 0], phi.T @ train.y, atol=1e-3)
    assert not arrays["gp/bias"].any()


# What NumPy serves is what TensorFlow trained


def agree(logits: FloatArray, keras_logits: Any) -> None:
    np.testing.assert_allclose(logits, np.asarray(keras_logits), rtol=1e-4, atol=1e-4)


def one(committed: Store, record: ModelRecord) -> Weights:
    return committed.arrays(record)[0]


@models_of("deterministic", "deep_ensemble")
def test_stored_networks_equal_keras(model: Model, committed: Store) -> None:
    from uqcore.fitting import backbone

    members = committed.arrays(model.record)
    assert len(members) == model.posterior.n_samples
    logits = model.posterior.draw(model.x, range(len(members)))
    for member, weights in zip(logits, members, strict=True):
        agree(member, backbone.thaw(NETWORKS[model.record.task], weights)(model.x))


@models_of("svi_flipout")
def test_a_draw_of_all_weights_equals_keras(model: Model) -> None:
    from uqcore.fitting import backbone

    posterior: Any = model.posterior
    for sample in (0, 9, 10, 23):
        agree(
            posterior.draw(model.x, [sample])[0],
            backbone.thaw(NETWORKS[model.record.task], posterior.weights(sample))(model.x),
        )


def masked(network: Network, keras_model: Any, keep: Mapping[str, Sequence[int]], x: FloatArray) -> Any:
    """Dropout by the book, on the layers of a tf_keras model: a mask of zeros and ones, times 1 / (1 - rate)."""
    import tensorflow as tf

    hidden = tf.constant(x)
    for layer in network.layers:
        output = keras_model.get_layer(layer.name)(hidden)
        if layer.dropout:
            mask = np.zeros(output.shape[1:], np.float32)
            mask[np.asarray(keep[layer.name])] = 1
            output = output * mask / (1 - layer.dropout)
        residual = not isinstance(layer, Flatten) and layer.residual
        hidden = hidden + output if residual else output
    return keras_model.get_layer(HEAD)(hidden)


@models_of("mc_dropout")
def test_a_thinned_network_equals_dropout_with_masks(model: Model, committed: Store) -> None:
    from uqcore.fitting import backbone

    network, posterior = NETWORKS[model.record.task], model.posterior
    keras_model = backbone.thaw(network, one(committed, model.record))
    for sample in (0, 7):
        keep = posterior.keep(sample)  # type: ignore[attr-defined]
        agree(posterior.draw(model.x, [sample])[0], masked(network, keras_model, keep, model.x))


@models_of("sngp")
def test_sngp_equals_the_official_layer(model: Model, committed: Store) -> None:
    import tensorflow as tf
    from official.nlp.modeling.layers import gaussian_process

    from uqcore.fitting import backbone, spectral

    arrays, ridge = one(committed, model.record), model.record.config["ridge"]
    network = sngp.backbone(model.record.task, model.record.config["features"])
    features = backbone.thaw_features(network, arrays)(model.x)
    layer = spectral.thaw_gaussian_process(dict(arrays), ridge)
    mean = layer(features, training=False)[0]
    # The layer inverts its precision, which may lose three digits in float32; in float64 it is a judge to 1e-4.
    in_float64 = gaussian_process.LaplaceRandomFeatureCovariance(momentum=-1, ridge_penalty=ridge, dtype="float64")
    in_float64.build((None, len(arrays["gp/beta"])))
    cholesky = arrays["gp/cholesky"].astype(np.float64)
    in_float64.precision_matrix.assign(cholesky @ cholesky.T)
    phi = tf.cast(layer._random_feature(features) * arrays["gp/scale"], tf.float64)
    covariance = in_float64(phi, training=False)
    closed = model.posterior.closed_form(model.x)
    assert closed is not None
    agree(closed.mean, mean)
    np.testing.assert_allclose(closed.variance, tf.linalg.diag_part(covariance), rtol=1e-4, atol=1e-6)
    factor = model.record.config["mean_field_factor"]
    official = tf.nn.softmax(gaussian_process.mean_field_logits(mean, tf.cast(covariance, tf.float32), factor))
    np.testing.assert_allclose(draw(model.posterior, model.x, 1).predictive, official, atol=1e-4)


@models_of("sngp")
def test_sngp_samples_have_the_moments_of_the_closed_form(model: Model) -> None:
    n_samples, x = 300, model.x[::10]
    drawn = draw(model.posterior, x, n_samples)
    assert drawn.mean_logits is not None
    assert drawn.variance is not None
    z = (drawn.logits.mean(axis=0) - drawn.mean_logits) / np.sqrt(drawn.variance / n_samples)[:, None]
    assert 0.5 < np.abs(z).max() < 5
    # The variance is that of every class, so the classes' samples count together; its standard error is sqrt(2 / n).
    ratio = np.square(drawn.logits - drawn.mean_logits).mean(axis=(0, 2)) / drawn.variance
    assert np.abs(ratio - 1).max() < 5 * np.sqrt(2 / (n_samples * drawn.logits.shape[-1]))


# Sizes


def test_every_method_is_stored_for_its_tasks(committed: Store) -> None:
    stored = {record.model_id for record in committed.records()}
    assert {f"{task}-{method}-seed0" for task in DATASETS for method in of_task(task)} <= stored
    assert [check.problem for check in committed.verify() if check.problem] == []


def test_moons_are_the_networks_of_the_tutorial(committed: Store) -> None:
    deterministic, sngp = committed.find("moons", "deterministic"), committed.find("moons", "sngp")
    assert deterministic.n_parameters == 99_714
    assert deterministic.n_parameters - deterministic.n_trainable == 384
    assert sngp.n_parameters == 1_283_714


def test_the_digits_network_is_small(committed: Store) -> None:
    assert committed.find("digits", "deterministic").n_parameters <= 250_000


@models_of("deterministic", "mc_dropout", "deep_ensemble")
def test_the_manifest_counts_the_stored_parameters(model: Model, committed: Store) -> None:
    counted = sum(array.size for arrays in committed.arrays(model.record) for array in arrays.values())
    assert model.record.n_parameters == counted


@models_of("svi_flipout")
def test_a_mean_and_a_deviation_are_two_parameters(model: Model, committed: Store) -> None:
    weights = one(committed, model.record)
    assert model.record.n_parameters == sum(array.size for array in weights.values())
    assert all((weights[name] > 0).all() for name in weights if name.startswith("std/"))
