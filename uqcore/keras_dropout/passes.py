"""Forward passes of a Keras model as a function of inputs and masks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqcore.keras_dropout.masks import Masks
from uqcore.types import FloatArray, UqError

Forward = Callable[[Any, Sequence[FloatArray]], NDArray[Any]]
"""``(inputs, masks) -> outputs``: the rows of the inputs are those of each sample in turn."""

WORTH_COMPILING = 10  # calls; tracing a model takes as long as several
_LONGEST_REASON = 300
_MOST_NAMED = 5  # shapes


class _SmallPass(NamedTuple):
    output_shape: tuple[int, ...]
    n_rows: list[int]
    traced: bool


def probe(model: Any, masks: Masks, inputs: Any) -> tuple[tuple[int, ...], bool]:
    """By small passes: the shape of an example's output, and whether a call can be of several samples.

    It cannot where dropout sees more rows than the model, as within TimeDistributed: whose they are is not known.
    """
    # Twice, for tf_keras may build a Sequential model anew, in a graph, when it first sees another number of rows.
    two, three = [_small_pass(model, masks, inputs, n_rows) for n_rows in (2, 3, 2, 3)][2:]
    if two.traced or three.traced:
        raise UqError("Expected dropout that runs in Python. This model calls it in a graph, as in tf.vectorized_map.")
    if not two.n_rows:
        raise UqError(f"Expected dropout in use. Calling model {model.name!r} runs none of its dropout layers.")
    if [3 * n for n in two.n_rows] != [2 * n for n in three.n_rows]:
        raise UqError(
            "Expected dropout on tensors whose first axis is the examples'. This model drops units of another tensor; "
            "let it drop them after they have met the inputs."
        )
    if two.output_shape[:1] != (2,) or three.output_shape != (3, *two.output_shape[1:]):
        raise UqError(
            f"Expected an output for each example. Received shape {two.output_shape} for 2 and {three.output_shape} "
            f"for 3."
        )
    return two.output_shape[1:], set(two.n_rows) == {2}


def _small_pass(model: Any, masks: Masks, inputs: Any, n_rows: int) -> _SmallPass:
    masks.record()
    shape = run(model, rows(inputs, slice(1), n_rows)).shape
    return _SmallPass(shape, [call.n_rows for call in masks.calls], masks.traced)


def passes(model: Any, masks: Masks, inputs: Any, n_calls: int) -> Forward:
    """The model's forward pass, after `probe`: compiled if that pays and makes no difference."""

    def eager(inputs: Any, given: Sequence[FloatArray]) -> NDArray[Any]:
        masks.give([masks.ops.convert_to_tensor(mask) for mask in given])
        output = run(model, inputs)
        if not masks.all_used:
            raise UqError("Expected the same dropout for all examples. This model runs some of it for a part of them.")
        return output

    if n_calls < WORTH_COMPILING:
        return eager
    example, given = rows(inputs, slice(1), 2), masks.draw(0, range(1))
    try:
        compiled = _compiled(model, masks, example, given)
        same = np.allclose(compiled(example, given), eager(example, given), rtol=1e-3, atol=1e-5)
    except Exception:  # of a model that works on values in Python, or whose dropout is in a loop of the graph
        return eager
    return compiled if same else eager


def _compiled(model: Any, masks: Masks, inputs: Any, given: Sequence[FloatArray]) -> Forward:
    import tensorflow as tf

    def call(inputs: Any, given: Any) -> Any:
        masks.give(given)
        return _only(model(inputs, training=False))

    def any_rows(array: NDArray[Any]) -> Any:
        return tf.TensorSpec((None, *array.shape[1:]), array.dtype)

    graph = tf.function(call, autograph=False).get_concrete_function(each(inputs, any_rows), each(given, any_rows))
    return lambda inputs, given: np.asarray(graph(each(inputs, tf.constant), each(given, tf.constant)))


def run(model: Any, inputs: Any) -> NDArray[Any]:
    """The model's output in inference mode, as an array."""
    n_wanted = len(getattr(model, "inputs", None) or [])
    if n_wanted and isinstance(inputs, list | tuple | Mapping) and len(inputs) != n_wanted:
        raise UqError(_why_not(model, inputs, ""))  # Keras 3 leaves those out that are too many
    try:
        output = model(inputs, training=False)
    except Exception as error:  # what a model raises is up to whoever wrote it
        raise UqError(_why_not(model, inputs, str(error.args[0] if isinstance(error, KeyError) else error))) from error
    return np.asarray(_only(output))


def _why_not(model: Any, inputs: Any, text: str) -> str:
    """Names the shapes where the model tells its own and they differ, else what Keras says."""
    tensors = getattr(model, "inputs", None) or []
    by_name = isinstance(inputs, Mapping)
    names = list(inputs) if by_name else [tensor.name for tensor in tensors]
    came: list[tuple[Any, ...]] = []
    each(inputs, lambda array: came.append(("N", *array.shape[1:])))
    received = _shapes(came, names if by_name else ())
    wanted = {tensor.name: ("N", *tensor.shape[1:]) for tensor in tensors}
    fits = len(wanted) == len(came) and all(
        name in wanted and _fits(shape, wanted[name]) for name, shape in zip(names, came, strict=True)
    )
    if not wanted or fits:
        return f"The model cannot be run on inputs {received}: {reason(text)}"
    if len(wanted) == 1:
        return f"Expected inputs of shape {_shapes([*wanted.values()])}. Received: {received}."
    expected = _shapes([*wanted.values()], [*wanted])
    return f"Expected {len(wanted)} inputs, in a list or by name: {expected}. Received: {received}."


def _fits(shape: Sequence[Any], wanted: Sequence[Any]) -> bool:
    return len(shape) == len(wanted) and all(size in (None, got) for size, got in zip(wanted, shape, strict=True))


def _shapes(shapes: Sequence[Sequence[Any]], names: Sequence[str] = ()) -> str:
    said = [
        f"({', '.join('any' if n is None else str(n) for n in shape)}{',' * (len(shape) == 1)})" for shape in shapes
    ]
    if names:
        said = [f"{name} {shape}" for name, shape in zip(names, said, strict=True)]
    more = [f"{len(said) - _MOST_NAMED:,} more"] if len(said) > _MOST_NAMED else []
    return " and ".join(said[:_MOST_NAMED] + more)


def _only(output: Any) -> Any:
    """The tensor that a model returns, by itself or alone in a list or dict."""
    if isinstance(output, list | tuple | Mapping) and len(output) == 1:
        return next(iter(output.values() if isinstance(output, Mapping) else output))
    if isinstance(output, list | tuple | Mapping):
        raise UqError(
            f"Expected a model of one output. Received {len(output)}; make a model of the one you want, as with "
            f"keras.Model(model.inputs, model.outputs[0])."
        )
    return output


def each(inputs: Any, function: Callable[[Any], Any]) -> Any:
    """``function`` of the input, or of each of several, in a list or dict as they came."""
    if isinstance(inputs, Mapping):
        return {name: function(array) for name, array in inputs.items()}
    return [function(array) for array in inputs] if isinstance(inputs, list | tuple) else function(inputs)


def rows(inputs: Any, examples: slice, n_times: int = 1) -> Any:
    """Some examples of every input, over and over."""
    return each(inputs, lambda array: np.concatenate([array[examples]] * n_times))


def reason(text: str) -> str:
    """What an error of Keras says, without colours, line breaks and the arguments that it lists at its end."""
    plain = re.split(r"(?:Call )?arguments received by", re.sub(r"\x1b\[\d*m", "", text), flags=re.IGNORECASE)[0]
    return " ".join(plain.split())[:_LONGEST_REASON]
