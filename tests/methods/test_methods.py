"""Settings, and what the training layers do: Flipout's noise and divergence, SNGP's bound and precision."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from uqcore import networks
from uqcore.datasets import DATASETS
from uqcore.methods import METHODS, deep_ensemble, mc_dropout, method, sngp, svi_flipout
from uqcore.methods.base import TrainingConfig, config_from_dict, configure
from uqcore.metrics.uncertainty import MEASURES
from uqcore.networks import Conv, Dense, Flatten, Network
from uqcore.types import FloatArray, UqError

# Settings


def test_every_method_is_ready_for_its_tasks() -> None:
    for method_id, each in METHODS.items():
        assert each.method_id == method_id
        assert set(each.configs) <= set(DATASETS) == set(networks.NETWORKS)
        assert each.own_measure in MEASURES
        for config in each.configs.values():
            assert each.fit is not None or each.parts(config, 0), "it has arrays from somewhere"


def test_an_unknown_method_is_named_with_the_known_ones() -> None:
    with pytest.raises(UqError, match=rf"'magic'. Known methods: {', '.join(METHODS)}"):
        method("magic")


@pytest.mark.parametrize(
    ("config", "changes"),
    [
        *(
            (TrainingConfig(), {name: value})
            for name, value in [
                ("epochs", 0),
                ("batch_size", 0),
                ("learning_rate", 0.0),
                ("learning_rate", float("nan")),
                ("weight_decay", -1e-9),
                ("schedule", "linear"),
            ]
        ),
        (deep_ensemble.Config(), {"n_members": 1}),
        *((sngp.Config(), {name: 0.0}) for name in ("spec_norm_bound", "kernel_scale", "ridge")),
        (sngp.Config(), {"n_random_features": 0}),
        (sngp.Config(), {"mean_field_factor": -0.1}),
        (sngp.Config(), {"epochs": 0}),
        *((svi_flipout.Config(), {name: 0.0}) for name in ("prior_std", "initial_std")),
        (svi_flipout.Config(), {"kl_weight": -0.1}),
    ],
)
def test_a_setting_out_of_range_is_named(config: TrainingConfig, changes: dict[str, Any]) -> None:
    (name,) = changes
    with pytest.raises(UqError, match=rf"The setting {name} must be .*Received: {name}="):
        replace(config, **changes)


def test_settings_are_parsed_by_the_type_of_their_field() -> None:
    text = {"epochs": "7", "learning_rate": "1e-2", "augment": "True", "schedule": "cosine", "ridge": "2"}
    config = configure(sngp.Config(), text)
    assert config == sngp.Config(epochs=7, learning_rate=0.01, augment=True, schedule="cosine", ridge=2.0)
    assert configure(sngp.Config(), {}) == sngp.Config()


def test_settings_written_with_str_are_read_back() -> None:
    """As the store writes them into the command that rebuilds a model."""
    for each in METHODS.values():
        for config in each.configs.values():
            assert configure(config, {name: str(value) for name, value in asdict(config).items()}) == config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ({"epoch": "7"}, r"Unknown setting 'epoch'. Known settings: epochs, batch_size"),
        ({"epochs": "7.5"}, r"epochs must be a whole number. Received: epochs=7.5"),
        ({"epochs": ""}, r"epochs must be a whole number. Received: epochs="),
        ({"learning_rate": "fast"}, r"learning_rate must be a (finite )?number. Received: learning_rate=fast"),
        ({"learning_rate": "inf"}, r"learning_rate must be .*Received: learning_rate=inf"),
        ({"learning_rate": "nan"}, r"learning_rate must be .*Received: learning_rate=nan"),
        ({"augment": "1"}, r"augment must be true or false. Received: augment=1"),
        ({"epochs": "-1"}, r"epochs must be at least 1. Received: epochs=-1"),
    ],
)
def test_a_setting_that_does_not_parse_is_named(text: dict[str, str], words: str) -> None:
    with pytest.raises(UqError, match=words):
        configure(TrainingConfig(), text)


@pytest.mark.parametrize("method_id", list(METHODS))
def test_a_config_comes_back_from_its_row(method_id: str) -> None:
    for config in METHODS[method_id].configs.values():
        changed = replace(config, epochs=config.epochs + 1)
        assert config_from_dict(config, asdict(changed)) == changed
        short = asdict(config)
        del short["epochs"]
        with pytest.raises(UqError, match="Expected the settings epochs"):
            config_from_dict(config, short)


# Ensembles and MC Dropout


def test_ensembles_share_no_member_and_members_are_deterministic_models() -> None:
    config = deep_ensemble.Config(epochs=3, n_members=4)
    members = [deep_ensemble.parts(config, seed) for seed in range(3)]
    assert [part.seed for parts in members for part in parts] == list(range(12))
    assert {part.config for parts in members for part in parts} == {TrainingConfig(epochs=3)}
    default = deep_ensemble.METHOD.configs["digits"]
    assert {part.config for part in deep_ensemble.parts(default, 0)} == {METHODS["deterministic"].configs["digits"]}  # type: ignore[arg-type]


def test_masks_keep_units_at_the_stated_rate_and_differ_by_sample_and_seed() -> None:
    network = networks.NETWORKS["digits"]
    shapes = networks.output_shapes(network)
    n_samples = 200
    thinned = [mc_dropout.ThinnedNetworks(network, {}, seed) for seed in (0, 1)]
    keeps = [[posterior.keep(sample) for sample in range(n_samples)] for posterior in thinned]
    for layer in network.layers:
        if layer.dropout:
            n_units = int(np.prod(shapes[layer.name]))
            kept = sum(len(keep[layer.name]) for keep in keeps[0])
            total = n_units * n_samples
            error = np.sqrt(total * layer.dropout * (1 - layer.dropout))
            assert abs(kept - total * (1 - layer.dropout)) < 4 * error
    assert len({tuple(keep["dense"]) for seed in keeps for keep in seed}) == 2 * n_samples
    np.testing.assert_array_equal(thinned[0].keep(3)["dense"], keeps[0][3]["dense"])


# Flipout


def flipout_layer(
    prior_std: float = 1.0, initial_std: float = 0.3, kl_scale: float = 1.0, relu: bool = False, units: int = 5
) -> Any:
    from uqcore.fitting import flipout

    return flipout.DenseFlipout(
        units=units, relu=relu, prior_std=prior_std, initial_std=initial_std, kl_scale=kl_scale, name="layer"
    )


def inputs(n_examples: int, n_features: int = 4) -> FloatArray:
    return np.random.default_rng(3).normal(size=(n_examples, n_features)).astype(np.float32)


def test_signs_are_minus_one_or_plus_one_evenly() -> None:
    from uqcore.fitting import flipout

    signs = flipout.random_signs([200, 100]).numpy()
    assert set(np.unique(signs)) == {-1, 1}
    assert abs(signs.mean()) < 4 / np.sqrt(signs.size)


def perturbations(layer: Any, x: FloatArray, n_draws: int) -> FloatArray:
    """``(n_draws, N, units)``: what training's noise adds to the mean's output."""
    import tensorflow as tf

    noisy = tf.function(lambda: layer(x, training=True))  # as in training: one graph, which draws anew in every call
    return np.stack([noisy().numpy() for _ in range(n_draws)]) - layer(x, training=False).numpy()


def test_flipout_noise_has_the_variance_of_the_weights_and_is_independent_between_examples() -> None:
    n_draws = 1000
    layer = flipout_layer()
    x = inputs(1)
    layer(x)
    noise = perturbations(layer, np.repeat(x, 2, axis=0), n_draws)
    # The kernel's part is sum_i x_i^2 std^2, the bias's std^2; the products of Gaussians share D, so the estimate's
    # relative standard error is at most sqrt(2 / n_draws).
    expected = 0.3**2 * (np.square(x).sum() + 1)
    assert np.abs(noise.var(axis=0) / expected - 1).max() < 5 * np.sqrt(2 / n_draws)
    assert np.abs(noise.mean(axis=0)).max() < 5 * np.sqrt(expected / n_draws)
    # Two equal examples share one draw of D, and their signs still make their noise uncorrelated.
    correlation = (noise[:, 0] * noise[:, 1]).mean(axis=0) / expected
    assert np.abs(correlation).max() < 5 * 3 / np.sqrt(n_draws)
    assert not np.allclose(noise[:, 0], noise[:, 1])


def test_convolutional_flipout_noise_has_the_variance_of_the_weights() -> None:
    from uqcore.fitting import flipout

    n_draws = 800
    layer = flipout.ConvFlipout(
        kernel_size=3, stride=1, units=2, relu=False, prior_std=1.0, initial_std=0.2, kl_scale=0.0, name="layer"
    )
    image = np.random.default_rng(5).normal(size=(1, 3, 3, 2)).astype(np.float32)
    layer(image)
    noise = perturbations(layer, image, n_draws)[:, 0, 1, 1]  # the middle pixel sees the whole image
    expected = 0.2**2 * (np.square(image).sum() + 1)
    assert np.abs(noise.var(axis=0) / expected - 1).max() < 5 * np.sqrt(2 / n_draws)


@pytest.mark.parametrize(("mean", "std", "prior_std"), [(0.0, 1.0, 1.0), (0.7, 0.2, 1.0), (-1.5, 0.5, 0.3)])
def test_divergence_equals_the_integral(mean: float, std: float, prior_std: float) -> None:
    posterior, prior = scipy.stats.norm(mean, std), scipy.stats.norm(0, prior_std)
    integral, _ = scipy.integrate.quad(
        lambda w: posterior.pdf(w) * (posterior.logpdf(w) - prior.logpdf(w)), mean - 12 * std, mean + 12 * std
    )
    layer = flipout_layer(prior_std=prior_std, initial_std=std, kl_scale=1.0)
    layer(inputs(1))
    for means in (layer.kernel_mean, layer.bias_mean):
        means.assign(np.full(means.shape, mean))
    layer(inputs(1))
    n_weights = layer.count_params() // 2
    assert float(layer.losses[0]) == pytest.approx(n_weights * integral, abs=2e-5 * n_weights, rel=1e-5)


def test_the_loss_of_a_layer_is_the_scaled_divergence_of_all_its_weights() -> None:
    layer = flipout_layer(initial_std=0.3, kl_scale=0.01)
    layer(inputs(2))
    means = np.concatenate([layer.kernel_mean.numpy().ravel(), layer.bias_mean.numpy()])
    expected = 0.5 * (0.3**2 + means**2 - 1) - np.log(0.3)
    assert float(layer.losses[0]) == pytest.approx(0.01 * expected.sum(), rel=1e-4)


def test_frozen_weights_are_the_layers_means_and_deviations() -> None:
    from uqcore.fitting import backbone, flipout

    layers = flipout.FlipoutLayers(prior_std=1.0, initial_std=0.07, kl_scale=1.0)
    network = Network((4,), (Dense("fixed", 3, trainable=False), Dense("dense", 5)), 2)
    model = backbone.build(network, layers.make_head, layers.make, dropout=False)
    arrays = layers.freeze()
    assert {name for name in arrays if name.startswith("std/")} == {
        f"std/{layer}/{part}" for layer in ("dense", "head") for part in ("kernel", "bias")
    }
    for name, array in arrays.items():
        if name.startswith("std/"):
            np.testing.assert_allclose(array, 0.07, rtol=1e-5)
    assert model.count_params() == sum(array.size for array in arrays.values())
    means = {name.removeprefix("mean/"): array[None] for name, array in arrays.items() if name.startswith("mean/")}
    x = inputs(6)
    np.testing.assert_allclose(networks.logits(network, means, x)[0], model(x, training=False), atol=1e-5)


# SNGP

BOUNDED = Network(
    input_shape=(6, 6, 2),
    layers=(
        Conv("conv_0", 5, stride=2),
        Conv("conv_1", 5, residual=True),
        Flatten("flatten"),
        Dense("fixed", 8, relu=False, trainable=False),
        Dense("dense", 8, residual=True),
    ),
    n_classes=3,
)


def operator_norm(layer: Conv, kernel: FloatArray, shape: tuple[int, ...]) -> float:
    """The largest singular value of a convolution, from its matrix: one unit input after the other."""
    units = np.eye(int(np.prod(shape))).reshape(1, -1, *shape)
    matrix = networks.convolve(units, kernel[None].astype(np.float64), layer.stride)[0]
    return float(np.linalg.norm(matrix.reshape(len(matrix), -1), ord=2))


@pytest.mark.parametrize("bound", [0.5, 6.0])
def test_frozen_kernels_are_within_the_bound_and_serve_the_same_features(bound: float) -> None:
    from uqcore.fitting import backbone, loop, spectral

    loop.seed_everything(0)
    layers = spectral.BoundedLayers(bound)
    model = backbone.build(BOUNDED, lambda n_classes: lambda hidden: hidden, layers.make)
    for name in ("conv_0", "conv_1", "dense"):  # as if a step of training had gone far beyond the bound
        kernel = model.get_layer(f"{name}_bounded").layer.kernel
        kernel.assign(kernel * 4)
    arrays = layers.freeze(BOUNDED, model)
    shapes = {"conv_0": (6, 6, 2), "conv_1": (3, 3, 5)}
    norms = {
        layer.name: operator_norm(layer, arrays[f"{layer.name}/kernel"], shapes[layer.name])
        for layer in BOUNDED.layers
        if isinstance(layer, Conv)
    }
    norms["dense"] = float(np.linalg.svd(arrays["dense/kernel"], compute_uv=False)[0])
    for name, norm in norms.items():
        # 100 power iterations estimate the norm from below.
        assert norm < bound * 1.02, name
    assert max(norms.values()) > bound * 0.9
    x = np.random.default_rng(1).normal(size=(4, 6, 6, 2)).astype(np.float32)
    weights = {name: array[None] for name, array in arrays.items()}
    served = networks.features(BOUNDED.layers, weights, x[None])[0]
    np.testing.assert_allclose(served, backbone.thaw_features(BOUNDED, arrays)(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale_features", [True, False])
def test_the_process_equals_the_official_layer_trained_on_the_same_data(scale_features: bool) -> None:
    from uqcore.fitting import loop, spectral

    loop.seed_everything(4)
    ridge, kernel_scale, train, x = 0.7, 2.5, inputs(90), inputs(11) * 2
    identity = Network((4,), (), 3)
    layer = spectral.gaussian_process(3, 16, kernel_scale, scale_features)
    spectral.first_output(layer)(train)
    layer._gp_output_bias.assign([0.3, -0.2, 0.1])
    arrays = spectral.freeze_gaussian_process(layer, kernel_scale)
    arrays["gp/cholesky"] = sngp.precision_factor(identity, arrays, ridge, train)
    config = sngp.Config(n_random_features=16, kernel_scale=kernel_scale, ridge=ridge, scale_features=scale_features)
    closed = sngp.GaussianProcess(identity, arrays, config, seed=0).closed_form(x)

    judge = spectral.thaw_gaussian_process(arrays, ridge)
    judge._gp_cov_layer.precision_matrix.assign(ridge * np.eye(16))
    for i in range(0, len(train), 32):
        judge(train[i : i + 32], training=True)
    precision = judge._gp_cov_layer.precision_matrix.numpy()
    np.testing.assert_allclose(arrays["gp/cholesky"] @ arrays["gp/cholesky"].T, precision, rtol=1e-4, atol=1e-4)
    mean, covariance = judge(x, training=False)
    np.testing.assert_allclose(closed.mean, layer(x)[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(closed.mean, mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(closed.variance, np.diag(covariance), rtol=1e-3, atol=1e-5)


def test_without_data_the_variance_is_the_prior() -> None:
    """Cov = ridge (ridge I)^-1 = I, so the variance is |phi|^2, whatever the ridge."""
    identity = Network((4,), (), 2)
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        "gp/projection": rng.normal(size=(4, 16)).astype(np.float32),
        "gp/phase": rng.uniform(0, 6, 16).astype(np.float32),
        "gp/scale": np.float32(1),
        "gp/beta": rng.normal(size=(16, 2)).astype(np.float32),
        "gp/bias": np.zeros(2, np.float32),
    }
    arrays["gp/cholesky"] = sngp.precision_factor(identity, arrays, 3.0, inputs(0))
    x = inputs(7)
    phi = np.cos(x @ arrays["gp/projection"] + arrays["gp/phase"])
    closed = sngp.GaussianProcess(identity, arrays, sngp.Config(ridge=3.0), seed=0).closed_form(x)
    np.testing.assert_allclose(closed.variance, np.square(phi).sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(closed.mean, phi @ arrays["gp/beta"], rtol=1e-4, atol=1e-5)


def test_config_fields_of_a_method_include_those_of_training() -> None:
    training = [field.name for field in fields(TrainingConfig)]
    for each in METHODS.values():
        for config in each.configs.values():
            assert [field.name for field in fields(config)][: len(training)] == training
