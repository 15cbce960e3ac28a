"""`predict_with_uncertainty`: mean and variance over stochastic forward passes of a Keras model (MC Dropout).

Gal & Ghahramani 2016, arXiv 1506.02142. The name is that of a well-known question about how to do this in Keras.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uqcore.keras_dropout.passes import each, passes, probe, rows, run
from uqcore.keras_dropout.switch import dropout_on, library_of
from uqcore.metrics.classification import ROW_SUM_TOLERANCE
from uqcore.types import Draws, FloatArray, Tick, UqError

_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says about N examples in S passes. It unpacks: ``prediction, uncertainty = Prediction(...)``.

    Attributes:
        mean: ``(N, *output_shape)``, over the samples.
        variance: ``(N, *output_shape)``, over the samples (ddof 0); it rises with uncertainty.
        samples: ``(S, N, *output_shape) float32``; slice s is sample s.
    """

    mean: FloatArray
    variance: FloatArray
    samples: FloatArray

    def __iter__(self) -> Iterator[FloatArray]:
        return iter((self.mean, self.variance))

    @property
    def are_probs(self) -> bool:
        """Whether every row of every sample is a distribution over 2 classes or more."""
        return (
            self.samples.ndim == 3
            and self.samples.shape[2] > 1
            and bool(self.samples.min() >= 0)
            and bool(np.allclose(self.samples.sum(axis=2), 1, rtol=0, atol=ROW_SUM_TOLERANCE))
        )

    @cached_property
    def draws(self) -> Draws:
        """The samples ``(S, N, K)`` for `uqcore.metrics`: probabilities as such, all other outputs as logits.

        Of a regression or a sigmoid with one output, ``(N,)`` or ``(N, 1)``, K is 1: only the variance means something.

        Raises:
            UqError: the output of an example is more than a row of numbers.
        """
        if self.samples.ndim > 3:
            raise UqError(
                f"Expected outputs of shape (N,) or (N, K) for draws. Received: {self.mean.shape}; flatten `samples`."
            )
        if self.are_probs:
            return Draws(np.log(np.maximum(self.samples, _TINY)), sample_probs=self.samples)
        return Draws(self.samples.reshape(*self.samples.shape[:2], -1))


def predict_with_uncertainty(
    model: Any,
    x: Any,
    n_iter: int = 10,
    *,
    seed: int = 0,
    batch_size: int = 256,
    tick: Tick = lambda done, total: None,
) -> Prediction:
    """Mean and variance of ``n_iter`` passes through ``model`` with dropout on and all else in inference mode.

    A sample is a function: ``samples[s]`` depends on the model, the seed, s and each example, not on the other
    examples, ``batch_size`` (but for rounding), ``n_iter`` or earlier calls. Pass s is through one thinned network,
    whose masks all examples share; so the variance of an example is that of independent masks, but two examples vary
    together. Dropout layers of equal networks in Keras 3, tf_keras and `uqcore.methods.mc_dropout` get equal masks.

    Dropout is Dropout, SpatialDropout, AlphaDropout, GaussianDropout, and the arguments of recurrent and attention
    layers, however deep in the model, and layers derived from these. Whatever else is random in training only, such as
    `tf.nn.dropout` in a layer of your own, stays off without a word: its part of the variance is missing. Weights and
    state of the model stay as they are.

    Args:
        model: a model of Keras 3 on TensorFlow or of tf_keras, with one output: Sequential, functional or subclassed.
        x: ``(N, *input_shape)``, or a list or dict of such arrays for a model of several inputs.
        n_iter: the number of samples S.
        seed: whole number from 0 that all masks depend on.
        batch_size: rows in a call of the model at most, which bounds memory: examples, times samples if N is small.
        tick: told how many of the S * N outputs are there, and S * N.

    Raises:
        UqError: there is no dropout, or the arguments do not fit each other.
    """
    n_iter, batch_size, seed = _whole("n_iter", n_iter, 1), _whole("batch_size", batch_size, 1), _whole("seed", seed, 0)
    library = library_of(model)
    inputs, n_examples = _checked_inputs(x)
    if not all(layer.built for layer in model._flatten_layers()):
        run(model, rows(inputs, slice(1)))  # Builds them, and the dropout within.
    with dropout_on(model, library) as masks:
        output_shape, separable = probe(model, masks, inputs)
        blocks = _blocks(n_iter, n_examples, max(1, batch_size // n_examples) if separable else 1, batch_size)
        forward = passes(model, masks, inputs, len(blocks))
        samples = np.empty((n_iter, n_examples, *output_shape), np.float32)
        for drawn, examples in blocks:
            block = samples[drawn.start : drawn.stop, examples]
            block[:] = forward(rows(inputs, examples, len(drawn)), masks.draw(seed, drawn)).reshape(block.shape)
            tick(drawn.start * n_examples + len(drawn) * min(examples.stop, n_examples), n_iter * n_examples)
    with np.errstate(invalid="ignore"):  # an infinite output has no variance: NaN, and no warning beside it
        return Prediction(samples.mean(axis=0), samples.var(axis=0), samples)


def _whole(name: str, value: Any, smallest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < smallest:
        raise UqError(f"Expected `{name}` as a whole number from {smallest}. Received: {name}={value!r}.")
    return int(value)


def _blocks(n_samples: int, n_examples: int, n_together: int, n_rows: int) -> list[tuple[range, slice]]:
    """Samples and examples of each call of the model: ``n_together`` samples, ``n_rows`` examples."""
    return [
        (range(first, min(first + n_together, n_samples)), slice(start, start + n_rows))
        for first in range(0, n_samples, n_together)
        for start in range(0, n_examples, n_rows)
    ]


def _as_array(rows: list[Any] | tuple[Any, ...]) -> NDArray[Any]:
    try:
        return np.asarray(rows)
    except ValueError:
        raise UqError(
            "Expected inputs as an array of numbers, or several arrays. Received lists of unequal lengths."
        ) from None


def _checked_inputs(x: Any) -> tuple[Any, int]:
    """The inputs as arrays of finite numbers, and how many examples they are."""
    arrays: list[NDArray[Any]] = []

    def checked(values: Any) -> NDArray[Any]:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            raise UqError(
                f"Expected inputs as arrays of numbers. Received a {type(values).__name__} that makes none (dtype "
                "object); build one, as with np.stack."
            )
        if array.dtype.kind not in "biuf":
            raise UqError(
                f"Expected inputs of numbers. Received dtype {array.dtype}; convert them, as with x.astype(float)."
            )
        if not np.isfinite(array).all():
            raise UqError(
                "Expected finite inputs. Received NaN or infinity; leave those examples out or fill the gaps."
            )
        arrays.append(array)
        return array

    if isinstance(x, list | tuple) and not any(hasattr(part, "shape") for part in x):
        x = _as_array(x)  # rows of numbers, not several inputs
    inputs = each(x, checked)
    lengths = {len(array) if array.ndim else 0 for array in arrays}
    if len(lengths) != 1 or 0 in lengths:
        came = ", ".join(str(array.shape) for array in arrays) or "none"
        raise UqError(
            f"Expected inputs with the same examples, 1 or more, along their first axis. Received shapes: {came}."
        )
    return inputs, lengths.pop()
