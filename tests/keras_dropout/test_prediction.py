"""`predict_with_uncertainty` draws from the distribution that dropout stands for, and touches nothing else."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import uqcore
from tests.keras_models import classifier, images, library, linear, seed_states, weight_arrays
from uqcore.keras_dropout import Prediction, passes, predict_with_uncertainty
from uqcore.metrics.uncertainty import MEASURES
from uqcore.types import FloatArray, UqError

LIBRARIES = ("keras", "tf_keras")
RATE = 0.4
N_SAMPLES = 3000
W = np.array([[1.0, -2.0, 0.5], [0.3, 1.5, -1.0]], np.float32)
X = np.array([[[1.0, 0.5, -1.0], [2.0, -0.5, 0.7]], [[0.2, 1.0, 1.0], [-1.0, 0.4, 0.1]]], np.float32)
ODDS = RATE / (1 - RATE)  # the variance of a mask of 0 or 1 / (1 - RATE)


@pytest.fixture(params=LIBRARIES)
def keras(request: pytest.FixtureRequest) -> Any:
    return library(request.param)


def always(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "WORTH_COMPILING", 0 if compiled else 10**9)


def assert_moments(prediction: Prediction, mean: FloatArray, variance: FloatArray) -> None:
    """Within five standard errors; 0.13 is five of a variance's for a distribution with no more kurtosis than these."""
    n_samples = len(prediction.samples)
    np.testing.assert_array_less(abs(prediction.mean.ravel() - mean), 5 * np.sqrt(variance / n_samples) + 1e-6)
    np.testing.assert_allclose(prediction.variance.ravel(), variance, rtol=0.13 * (3000 / n_samples) ** 0.5)


def alpha_moments(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of the sum over units of ``w (a (x k + l (1 - k)) + b)``, k = 1 with probability 1 - RATE."""
    low = -1.0507009873554805 * 1.6732632423543772
    a = ((1 - RATE) * (1 + RATE * low**2)) ** -0.5
    mean = (W * (a * (x * (1 - RATE) + low * RATE) - a * low * RATE)).sum(axis=(1, 2))
    return mean, (W**2 * a**2 * (x - low) ** 2 * RATE * (1 - RATE)).sum(axis=(1, 2))


@pytest.mark.parametrize(
    ("make", "variance"),
    [
        (lambda layers: layers.Dropout(RATE), ODDS * ((W * X) ** 2).sum(axis=(1, 2))),
        (lambda layers: layers.GaussianDropout(RATE), ODDS * ((W * X) ** 2).sum(axis=(1, 2))),
        (lambda layers: layers.SpatialDropout1D(RATE), ODDS * ((W * X).sum(axis=1) ** 2).sum(axis=1)),
        (lambda layers: layers.Dropout(RATE, noise_shape=(None, 2, 1)), ODDS * ((W * X).sum(axis=2) ** 2).sum(axis=1)),
    ],
    ids=["dropout", "gaussian", "spatial", "noise_shape"],
)
def test_moments_of_a_linear_model(keras: Any, make: Callable[[Any], Any], variance: FloatArray) -> None:
    model = linear(keras, make(keras.layers), weights=W)
    assert_moments(predict_with_uncertainty(model, X, N_SAMPLES), (W * X).sum(axis=(1, 2)), variance)


def test_moments_of_alpha_dropout(keras: Any) -> None:
    model = linear(keras, keras.layers.AlphaDropout(RATE), weights=W)
    assert_moments(predict_with_uncertainty(model, X, N_SAMPLES), *alpha_moments(X))


@pytest.mark.parametrize("compiled", [False, True])
def test_moments_of_recurrent_dropout(keras: Any, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """h1 = w x1 d and h = w x2 d + u h1 r: the mask d of the inputs is the same at each step, and r is the state's."""
    always(compiled, monkeypatch)
    cell = keras.layers.SimpleRNN(1, activation=None, use_bias=False, dropout=RATE, recurrent_dropout=RATE)
    model = keras.Sequential([keras.Input((2, 1)), cell])
    model.set_weights([np.array([[1.5]]), np.array([[-0.8]])])
    x = np.array([[[1.0], [0.5]], [[-0.4], [1.2]]], np.float32)
    first, second = (1.5 * x[:, step, 0] for step in (0, 1))
    after = -0.8 * first
    squared = (1 + ODDS) * (second**2 + 2 * second * after + after**2 * (1 + ODDS))
    assert_moments(predict_with_uncertainty(model, x, 3000), second + after, squared - (second + after) ** 2)


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_moments_of_attention_dropout(keras: Any, name: str) -> None:
    """A query of zeros and keys that are all alike: each of three values has the weight 1/3, dropped or not."""
    parts = [keras.Input((1, 2)), keras.Input((3, 2)), keras.Input((3, 2))]
    model = keras.Model(parts, getattr(keras.layers, name)(dropout=RATE)(parts))
    values = np.array([[[1.0, 2.0], [-0.5, 1.0], [3.0, 0.3]]], np.float32)
    prediction = predict_with_uncertainty(model, [np.zeros((1, 1, 2)), values, np.zeros((1, 3, 2))], N_SAMPLES)
    assert_moments(prediction, values.mean(axis=1).ravel(), ODDS * ((values / 3) ** 2).sum(axis=1).ravel())


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "stacked", "bidirectional", "conv", "multi_head"])
def test_samples_of_deeper_dropout_are_functions(keras: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = keras.layers
    shape = (2, 5, 2) if kind == "conv" else (2, 3)
    inputs = hidden = keras.Input(shape)
    if kind == "multi_head":
        hidden = layers.MultiHeadAttention(2, 4, dropout=0.5)(inputs, inputs)
    elif kind == "stacked":
        hidden = layers.RNN([layers.LSTMCell(3, dropout=0.5), layers.GRUCell(3, recurrent_dropout=0.5)])(inputs)
    elif kind == "bidirectional":
        hidden = layers.Bidirectional(layers.LSTM(3, dropout=0.5))(inputs)
    elif kind == "conv":
        hidden = layers.ConvLSTM1D(2, 2, dropout=0.5)(inputs)
    else:
        hidden = getattr(layers, kind)(3, dropout=0.5, recurrent_dropout=0.3)(inputs)
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(hidden)))
    x = np.random.default_rng(0).normal(size=(5, *shape)).astype(np.float32)
    always(True, monkeypatch)
    together = predict_with_uncertainty(model, x, 3).samples
    always(False, monkeypatch)
    apart = predict_with_uncertainty(model, x, 3, batch_size=3).samples
    np.testing.assert_allclose(together, apart, atol=1e-5)
    assert together.var(axis=0).min() > 0
    without = np.asarray(model(x, training=False))
    assert abs(together - without).max() > 1e-3


def test_time_distributed_dropout(keras: Any) -> None:
    """tf_keras gives it the steps of all examples at once, so whose they are must not be mistaken."""
    model = linear(keras, keras.layers.TimeDistributed(keras.layers.Dropout(RATE)), weights=W)
    both = predict_with_uncertainty(model, X, 6).samples
    for i in range(2):
        np.testing.assert_allclose(predict_with_uncertainty(model, X[[i]], 6).samples[:, 0], both[:, i], rtol=1e-5)
    assert both.var(axis=0).min() > 0


def test_a_sample_is_a_function(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not depend on batches, other examples, the number of samples, compilation or what was drawn before."""
    model, x = classifier(keras), images(23)
    samples = predict_with_uncertainty(model, x, 12).samples
    assert samples.var(axis=0).max() > 1e-3
    for compiled in (False, True):
        always(compiled, monkeypatch)
        for batch_size in (5, 64):
            again = predict_with_uncertainty(model, x, 12, batch_size=batch_size)
            np.testing.assert_allclose(again.samples, samples, atol=1e-5)
    order = np.random.default_rng(1).permutation(23)[:7]
    np.testing.assert_allclose(predict_with_uncertainty(model, x[order], 5).samples, samples[:5, order], atol=1e-5)


def test_seeds(keras: Any) -> None:
    model, x = classifier(keras), images(4)
    first, again, other = (predict_with_uncertainty(model, x, 5, seed=seed).samples for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (abs(first - other).max(axis=(1, 2)) > 1e-3).all()


def test_both_libraries_give_the_same_samples() -> None:
    models = [classifier(library(name)) for name in LIBRARIES]
    ours, theirs = (predict_with_uncertainty(model, images(6), 20).samples for model in models)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_samples_are_those_of_mc_dropout(committed: Any, posterior_of: Callable[[str, str], Any]) -> None:
    """Our NumPy networks, thinned by cutting out units, against the same network in tf_keras with masks."""
    library("tf_keras")
    from uqcore.fitting import backbone
    from uqcore.networks import NETWORKS

    for task in NETWORKS:
        record = committed.find(task, "mc_dropout")
        model = backbone.thaw(NETWORKS[task], committed.arrays(record)[0])
        x = np.random.default_rng(0).random((3, *NETWORKS[task].input_shape), np.float32)
        samples = predict_with_uncertainty(model, x, 4, seed=record.seed).samples
        np.testing.assert_allclose(samples, posterior_of(task, "mc_dropout").draw(x, range(4)), atol=1e-4)


def test_batch_normalisation_stays_in_inference_mode(keras: Any) -> None:
    norm = keras.layers.BatchNormalization(epsilon=0.0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dropout(0.5), norm])
    norm.set_weights([np.array([value]) for value in (2.0, -1.0, 0.5, 4.0)])  # gamma, beta, mean, variance
    samples = predict_with_uncertainty(model, np.array([[3.0], [7.0]]), 40).samples
    for i, x in enumerate((3.0, 7.0)):
        assert set(samples[:, i, 0]) == {2 * (unit - 0.5) / 2 - 1 for unit in (0.0, 2 * x)}
    assert [float(value[0]) for value in norm.get_weights()] == [2.0, -1.0, 0.5, 4.0]


def test_a_subclassed_model_of_two_inputs(keras: Any) -> None:
    """Layers in a list, a dict and a nested model; its `call` is compiled, has no `training`, and takes a dict."""
    import tensorflow as tf

    class TwoTowers(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.drops = [keras.layers.Dropout(RATE)]
            self.towers = {"b": keras.Sequential([keras.layers.Dense(1, use_bias=False), keras.layers.Dropout(RATE)])}

        @tf.function  # type: ignore[untyped-decorator]
        def call(self, inputs: Any) -> Any:
            return self.drops[0](inputs["a"]) + self.towers["b"](inputs["b"])

    model, x = TwoTowers(), {"a": np.array([[2.0], [1.0]]), "b": np.array([[3.0], [0.5]])}
    before = np.asarray(model(x))
    weight = model.get_weights()[0][0, 0]
    mean, variance = predict_with_uncertainty(model, x, N_SAMPLES)
    expected = x["a"] + weight * x["b"]
    assert_moments(
        Prediction(mean, variance, np.empty((N_SAMPLES, 2, 1))),
        expected.ravel(),
        ODDS * (x["a"] ** 2 + (weight * x["b"]) ** 2).ravel(),
    )
    np.testing.assert_array_equal(np.asarray(model(x)), before)


def test_several_inputs_as_list_and_by_name(keras: Any) -> None:
    first, second = keras.Input((2,), name="first"), keras.Input((3,), name="second")
    joined = keras.layers.Concatenate()([first, keras.layers.Dropout(0.5)(second)])
    model = keras.Model([first, second], keras.layers.Dense(1)(joined))
    a, b = np.ones((4, 2), np.float32), np.arange(12, dtype=np.float32).reshape(4, 3)
    by_list = predict_with_uncertainty(model, [a, b], 6).samples
    np.testing.assert_array_equal(by_list, predict_with_uncertainty(model, {"first": a, "second": b}, 6).samples)
    assert by_list.shape == (6, 4, 1)
    with pytest.raises(UqError, match=r"same examples.*\(4, 2\), \(3, 3\)"):
        predict_with_uncertainty(model, [a, b[:3]], 6)


def test_a_subclass_is_treated_as_the_layer_it_derives_from(keras: Any) -> None:
    """As in a well-known book: it is always on, and its masks are ours all the same."""

    class AlwaysOn(keras.layers.Dropout):  # type: ignore[misc]
        def call(self, inputs: Any, training: Any = None) -> Any:
            return super().call(inputs, training=True)

    ours = predict_with_uncertainty(linear(keras, AlwaysOn(RATE), weights=W), X, 8).samples
    plain = predict_with_uncertainty(linear(keras, keras.layers.Dropout(RATE), weights=W), X, 8).samples
    np.testing.assert_array_equal(ours, plain)


def test_a_model_that_works_on_values_in_python_is_not_compiled(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Flipping(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.drop = keras.layers.Dropout(0.5)

        def call(self, inputs: Any) -> Any:
            return self.drop(inputs) * float(np.sign(np.asarray(inputs).sum()))

    always(True, monkeypatch)
    for x in (-np.ones((1, 2)), np.ones((1, 2))):
        samples = predict_with_uncertainty(Flipping(), x, 30, batch_size=1).samples
        assert set(samples.ravel()) == {0.0, 2.0}


def test_nothing_is_changed_even_when_the_model_raises(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    class Failing(keras.layers.Layer):  # type: ignore[misc]
        calls = 0

        def call(self, inputs: Any) -> Any:
            Failing.calls += 1
            if Failing.calls == 5:
                raise RuntimeError("out of order")
            return inputs

    always(False, monkeypatch)
    inputs = keras.Input((4, 3))
    hidden = keras.layers.SimpleRNN(3, dropout=0.5, recurrent_dropout=0.5)(keras.layers.Dropout(0.5)(inputs))
    model = keras.Model(inputs, Failing()(keras.layers.BatchNormalization()(hidden)))
    x = np.ones((6, 4, 3), np.float32)

    def everything() -> list[Any]:
        layers = [model, *model.layers, *(layer.cell for layer in model.layers if hasattr(layer, "cell"))]
        attributes = [{name: id(value) for name, value in vars(layer).items()} for layer in layers]
        return [*attributes, tf.config.functions_run_eagerly()]

    Failing.calls = 10
    before = model(x).numpy(), weight_arrays(model), seed_states(model), everything()
    Failing.calls = 0
    with pytest.raises(UqError, match=r"cannot be run on inputs \(N, 4, 3\).*out of order"):
        predict_with_uncertainty(model, x, 8, batch_size=6)
    assert everything() == before[3]
    predict_with_uncertainty(model, x, 8, batch_size=6)
    after = weight_arrays(model), seed_states(model)  # a recurrent layer of Keras 3 moves the latter when it is called
    np.testing.assert_array_equal(model(x).numpy(), before[0])
    for now, then in zip([*after[0], *after[1]], [*before[1], *before[2]], strict=True):
        np.testing.assert_array_equal(now, then)


def test_other_threads_find_the_model_as_it_was(keras: Any) -> None:
    model, x = classifier(keras), images(3)
    expected, seen = np.asarray(model(x, training=False)), []

    def look(done: int, total: int) -> None:
        thread = threading.Thread(target=lambda: seen.append(np.asarray(model(x, training=False))))
        thread.start()
        thread.join()

    predict_with_uncertainty(model, x, 3, batch_size=3, tick=look)
    assert len(seen) == 3
    for output in seen:
        np.testing.assert_array_equal(output, expected)


def test_progress(keras: Any) -> None:
    model, ticks = linear(keras, keras.layers.Dropout(0.5), weights=W), []
    x = np.concatenate([X] * 5)
    predict_with_uncertainty(model, x, 3, batch_size=4, tick=lambda *tick: ticks.append(tick))
    assert ticks == [(n, 30) for n in (4, 8, 10, 14, 18, 20, 24, 28, 30)]
    ticks.clear()
    predict_with_uncertainty(model, x, 5, batch_size=25, tick=lambda *tick: ticks.append(tick))
    assert ticks == [(n, 50) for n in (20, 40, 50)]


def test_the_record_unpacks_and_every_measure_applies(keras: Any) -> None:
    result = predict_with_uncertainty(classifier(keras), images(4), 9)
    prediction, uncertainty = result
    np.testing.assert_allclose(prediction, result.samples.mean(axis=0))
    np.testing.assert_allclose(uncertainty, ((result.samples - prediction) ** 2).mean(axis=0), atol=1e-7)
    np.testing.assert_array_equal(result.draws.probs, result.samples)
    np.testing.assert_allclose(result.draws.predictive, prediction, rtol=1e-6)
    for measure in MEASURES.values():
        if not measure.needs & {"two classes", "score"}:
            assert measure.compute(result.draws).shape == (4,)


def test_draws_of_logits_and_of_regressions(keras: Any) -> None:
    layers = keras.layers
    logits = keras.Sequential([keras.Input((3,)), layers.Dropout(0.5), layers.Dense(4)])
    result = predict_with_uncertainty(logits, np.ones((2, 3)), 5)
    np.testing.assert_array_equal(result.draws.logits, result.samples)
    flat = keras.Sequential([keras.Input((3,)), layers.Dropout(0.5), layers.Dense(1), layers.Reshape(())])
    result = predict_with_uncertainty(flat, np.ones((2, 3)), 5)
    assert result.mean.shape == (2,)
    assert result.draws.logits.shape == (5, 2, 1)
    wide = predict_with_uncertainty(keras.Sequential([keras.Input((4, 3)), layers.Dropout(0.5)]), np.ones((2, 4, 3)), 5)
    assert wide.variance.shape == (2, 4, 3)
    with pytest.raises(UqError, match=r"Received: \(2, 4, 3\)"):
        _ = wide.draws


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_iter": 0}, "n_iter=0"),
        ({"n_iter": 2.5}, "n_iter=2.5"),
        ({"n_iter": True}, "n_iter=True"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"seed": -1}, "seed=-1"),
        ({"x": np.full((2, 2, 3), np.nan)}, "NaN"),
        ({"x": np.array([["a"]])}, "dtype <U1"),
        ({"x": np.array([[None]])}, "dtype object"),
        ({"x": iter([1, 2])}, r"Received a list_iterator that makes none \(dtype object\)"),
        ({"x": [[1.0, 2.0], [3.0]]}, "lists of unequal lengths"),
        ({"x": np.empty((0, 2, 3))}, r"\(0, 2, 3\)"),
        ({"x": 3.0}, r"shapes: \(\)"),
        ({"x": []}, r"shapes: \(0,\)"),
        ({"x": np.ones((4, 7))}, r"(cannot be run on|Expected) inputs .*\(N, 7\)"),
        ({"model": "model.keras"}, "Received: builtins.str"),
    ],
)
def test_bad_arguments(keras: Any, arguments: dict[str, Any], message: str) -> None:
    good = {"model": linear(keras, keras.layers.Dropout(0.5), weights=W), "x": X}
    with pytest.raises(UqError, match=message) as error:
        predict_with_uncertainty(**{**good, **arguments})
    assert "\n" not in str(error.value)


def test_a_nested_list_is_one_array_of_rows(keras: Any) -> None:
    model = linear(keras, keras.layers.Dropout(0.5), weights=W)
    as_list, as_array = (predict_with_uncertainty(model, x, 5) for x in (X.tolist(), X))
    np.testing.assert_array_equal(as_list.samples, as_array.samples)


def test_an_output_alone_in_a_dict_is_that_output(keras: Any) -> None:
    start = keras.Input((3,))
    output = keras.layers.Dropout(0.5)(start)
    x = np.ones((2, 3), np.float32)
    named, plain = (predict_with_uncertainty(keras.Model(start, made), x, 5) for made in ({"a": output}, output))
    np.testing.assert_array_equal(named.samples, plain.samples)


def test_shapes_that_do_not_fit_are_named_and_nothing_else(keras: Any) -> None:
    first, second = keras.Input((2,), name="first"), keras.Input((None, 3), name="second")
    joined = keras.layers.Concatenate()([first, keras.layers.GlobalAveragePooling1D()(second)])
    model = keras.Model([first, second], keras.layers.Dropout(0.5)(joined))
    with pytest.raises(UqError) as error:
        predict_with_uncertainty(model, np.ones((200, 5)))
    assert str(error.value) == (
        "Expected 2 inputs, in a list or by name: first (N, 2) and second (N, any, 3). Received: (N, 5)."
    )
    alone = keras.Sequential([keras.Input((6,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    with pytest.raises(UqError, match=r"^Expected inputs of shape \(N, 6\)\. Received: \(N, 28, 28\)\.$"):
        predict_with_uncertainty(alone, np.ones((3, 28, 28)))


def test_inputs_that_are_too_many_are_not_left_out(keras: Any) -> None:
    model = keras.Sequential([keras.Input((3,), name="alone"), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    x = np.ones((4, 3))
    with pytest.raises(UqError, match=r"Expected inputs of shape \(N, 3\)\. Received: \(N, 3\) and \(N, 3\)\.$"):
        predict_with_uncertainty(model, [x, x])
    with pytest.raises(UqError, match=r"\(N,\) and \(N,\) and \(N,\) and \(N,\) and \(N,\) and 995 more\.$"):
        predict_with_uncertainty(model, list(np.ones((1000, 3))))


def test_models_that_cannot_be_sampled(keras: Any) -> None:
    import tensorflow as tf

    layers = keras.layers
    inputs = keras.Input((2,))

    class Untouched(keras.Model):  # type: ignore[misc]
        def __init__(self, call: Callable[[Any, Any], Any]) -> None:
            super().__init__()
            self.drop, self.called = layers.Dropout(0.5), call

        def call(self, inputs: Any) -> Any:
            return self.called(self.drop, inputs)

    bad = {
        r"dropout nowhere": keras.Model(inputs, layers.Dense(1)(inputs)),
        r"only with rate 0 \(quiet\)": keras.Model(inputs, layers.Dropout(0.0, name="quiet")(inputs)),
        r"drops everything": keras.Model(inputs, layers.Dropout(1.0)(inputs)),
        r"Received 2; make": keras.Model(inputs, [layers.Dropout(0.5)(inputs), inputs]),
        r"runs none": Untouched(lambda drop, x: x),
        r"first axis is the examples'": Untouched(lambda drop, x: x + drop(tf.ones((1, 2)))),
        r"in a graph": Untouched(lambda drop, x: tf.vectorized_map(drop, x)),
        r"output for each example": Untouched(lambda drop, x: tf.reduce_sum(drop(x))),
    }
    for message, model in bad.items():
        with pytest.raises(UqError, match=message):
            predict_with_uncertainty(model, np.ones((3, 2), np.float32))
    stateful = keras.Sequential([keras.Input(batch_shape=(1, 4, 2)), layers.GRU(2, dropout=0.5, stateful=True)])
    with pytest.raises(UqError, match="stateful=False"):
        predict_with_uncertainty(stateful, np.ones((1, 4, 2), np.float32))


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = library("keras")
    model = linear(keras, keras.layers.Dropout(0.5), weights=W)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UqError, match="It runs on jax"):
        predict_with_uncertainty(model, X)


def test_the_package_offers_it_and_stays_free_of_tensorflow() -> None:
    assert uqcore.predict_with_uncertainty is predict_with_uncertainty
    with pytest.raises(AttributeError, match="nonsense"):
        _ = uqcore.nonsense
    script = (
        "import sys, uqcore\nbefore = set(sys.modules)\nuqcore.predict_with_uncertainty\n"
        "print('numpy' in before, 'numpy' in sys.modules, 'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "False", "False"]
