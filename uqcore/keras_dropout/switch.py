"""Dropout switched on in a Keras model for a while, and nothing else.

``model(x, training=True)`` would do more: batch normalisation would use the batch's statistics, and change its own. So
the model is called in inference mode, and each layer that drops units has its `call` replaced meanwhile. Keras's own
random numbers are not used, so no state of the model moves.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from uqcore.keras_dropout.masks import Masks
from uqcore.types import UqError

_one_at_a_time = threading.RLock()


class Library(NamedTuple):
    """Keras 3 or tf_keras: its layers, and a module with `reshape`, `cast`, `matmul` and so on for its tensors."""

    layers: ModuleType
    ops: ModuleType


def library_of(model: Any) -> Library:
    """The library that ``model`` is of, which is imported already; with TensorFlow below it."""
    keras, tf_keras = sys.modules.get("keras"), sys.modules.get("tf_keras")
    if keras is not None and isinstance(model, keras.layers.Layer):
        if keras.backend.backend() != "tensorflow":
            raise UqError(
                f"Expected Keras on TensorFlow. It runs on {keras.backend.backend()}; set KERAS_BACKEND=tensorflow."
            )
        return Library(keras.layers, keras.ops)
    if tf_keras is not None and isinstance(model, tf_keras.layers.Layer):
        return Library(tf_keras.layers, sys.modules["tensorflow"])
    raise UqError(
        f"Expected a model of Keras 3 or tf_keras. Received: {type(model).__module__}.{type(model).__name__}."
    )


@contextmanager
def dropout_on(model: Any, library: Library) -> Iterator[Masks]:
    """While this lasts, the dropout layers of ``model``, which is built, take the masks of what is yielded.

    It is undone however it ends. One at a time: another thread that wants this waits, and one that only calls the
    model finds it as it always was. Functions compiled with `tf.function` run as plain Python, in all threads: what
    was compiled before would not see the masks, and what was compiled here would keep them.

    Raises:
        UqError: no layer drops anything, or one does so in a way that cannot be controlled.
    """
    with _one_at_a_time, ExitStack() as undo:
        masks = Masks(library.ops)
        layers = list({id(layer): layer for layer in model._flatten_layers()}.values())
        switched = [layer for layer in layers if _is_switched(layer, library)]
        if not switched:
            raise UqError(_nothing_dropped(model, layers, library))
        masks.cells = [layer for layer in switched if hasattr(layer, "reset_dropout_mask")]
        undo.callback(masks.forget)
        for layer in switched:
            for name, value in _replacements(layer, library, masks).items():
                _replace(layer, name, value, undo)
        _run_eagerly(undo)
        yield masks


def _rates(layer: Any, library: Library) -> tuple[float, ...] | None:
    """The rates at which a layer drops by itself, or None for a layer of another kind."""
    kinds = library.layers
    if isinstance(layer, kinds.Dropout | kinds.AlphaDropout | kinds.GaussianDropout):
        return (float(layer.rate),)
    if isinstance(layer, kinds.Attention | kinds.AdditiveAttention):
        return (float(layer.dropout),)
    cell = _recurrent_cell(layer)
    return None if cell is None else (float(cell.dropout), float(cell.recurrent_dropout))


def _recurrent_cell(layer: Any) -> Any:
    """A built-in recurrent cell, the layer itself or what it repeats, or None."""
    for cell in (layer, getattr(layer, "cell", None)):
        if hasattr(cell, "_create_dropout_mask"):
            return cell
    return None


def _is_switched(layer: Any, library: Library) -> bool:
    if getattr(layer, "stateful", False) and hasattr(layer, "cell"):
        raise UqError(
            f"Expected recurrent layers that start anew with every batch. Layer {layer.name!r} is stateful; build it "
            f"with stateful=False."
        )
    largest = max(_rates(layer, library) or (0.0,))
    if largest >= 1:
        raise UqError(f"Expected dropout rates below 1. Layer {layer.name!r} drops everything; give it a lower rate.")
    return largest > 0


def _nothing_dropped(model: Any, layers: Sequence[Any], library: Library) -> str:
    at_rest = [layer.name for layer in layers if _rates(layer, library) is not None]
    what = f"only with rate 0 ({', '.join(at_rest[:3])})" if at_rest else "nowhere"
    return (
        f"Expected a model that drops units: without a layer such as Dropout(0.5), all passes are the same. Model "
        f"{model.name!r} has dropout {what}."
    )


def _replacements(layer: Any, library: Library, masks: Masks) -> dict[str, Any]:
    """Attribute -> what takes its place, for a layer that drops; a subclass is treated as the layer it derives from."""
    kinds = library.layers
    if isinstance(layer, kinds.GaussianDropout):
        return {"call": lambda inputs, *_, **__: masks.gaussian(inputs, layer.rate)}
    if isinstance(layer, kinds.AlphaDropout):
        return {"call": lambda inputs, *_, **__: masks.alpha(inputs, layer.rate, lambda: _noise_shape(layer, inputs))}
    if isinstance(layer, kinds.Dropout):
        return {"call": lambda inputs, *_, **__: masks.dropout(inputs, layer.rate, lambda: _noise_shape(layer, inputs))}
    if isinstance(layer, kinds.Attention | kinds.AdditiveAttention):
        return {"_apply_scores": _attention(layer, masks)}
    return _recurrent(layer, masks)


def _noise_shape(layer: Any, inputs: Any) -> tuple[int, ...] | None:
    """The shape of a mask; SpatialDropout has a method for it, and in tf_keras all but GaussianDropout have."""
    method = getattr(layer, "_get_noise_shape", None)
    shape = layer.noise_shape if method is None else method(inputs)
    return None if shape is None else tuple(inputs.shape[i] if n is None else int(n) for i, n in enumerate(shape))


def _attention(layer: Any, masks: Masks) -> Callable[..., Any]:
    apply_scores = layer._apply_scores

    def dropped(scores: Any, value: Any, scores_mask: Any = None, training: Any = None) -> Any:
        _, weights = apply_scores(scores=scores, value=value, scores_mask=scores_mask, training=False)
        weights = masks.dropout(weights, layer.dropout)
        return masks.ops.matmul(weights, value), weights

    return dropped


def _recurrent(layer: Any, masks: Masks) -> dict[str, Any]:
    """For a built-in cell and the layer that repeats it: all that training changes in them is that they drop.

    Keras 3 makes a cell's masks in `_create_dropout_mask`, and tf_keras asks `_random_generator` for them.
    """
    call = layer.call
    replaced: dict[str, Any] = {"call": lambda *args, **kwargs: call(*args, **{**kwargs, "training": True})}
    if hasattr(layer, "_random_generator"):
        replaced["_random_generator"] = SimpleNamespace(dropout=masks.dropout)
    elif hasattr(layer, "_create_dropout_mask"):
        n_masks = getattr(layer, "dropout_mask_count", None)

        def create(step_input: Any, rate: float) -> Any:
            drawn = [masks.dropout(masks.ops.ones_like(step_input), rate) for _ in range(n_masks or 1)]
            return drawn if n_masks else drawn[0]

        replaced["_create_dropout_mask"] = create
    return replaced


def _replace(layer: Any, name: str, value: Any, undo: ExitStack) -> None:
    """Set an attribute of a layer, which Keras must not track, for this thread; the others find what was there."""
    attributes = vars(layer)
    if name in attributes:
        undo.callback(attributes.__setitem__, name, attributes[name])
    else:
        undo.callback(attributes.pop, name)
    attributes[name] = _for_this_thread(value, getattr(layer, name))


def _for_this_thread(ours: Any, theirs: Any) -> Any:
    if isinstance(ours, SimpleNamespace):
        return SimpleNamespace(dropout=_for_this_thread(ours.dropout, theirs.dropout))
    owner = threading.get_ident()
    return lambda *args, **kwargs: (ours if threading.get_ident() == owner else theirs)(*args, **kwargs)


def _run_eagerly(undo: ExitStack) -> None:
    import tensorflow as tf

    undo.callback(tf.config.run_functions_eagerly, tf.config.functions_run_eagerly())
    tf.config.run_functions_eagerly(True)
