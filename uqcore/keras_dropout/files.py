"""From a `.keras` file and a file of inputs to a file of predictions that the threshold lab reads."""

from __future__ import annotations

import json
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from uqcore.extras import check_tensorflow
from uqcore.keras_dropout.passes import reason
from uqcore.keras_dropout.prediction import Prediction, predict_with_uncertainty
from uqcore.predictions.export import write_npz
from uqcore.predictions.record import Predictions
from uqcore.predictions.validate import note_on_logits
from uqcore.types import Tick, UqError

_HDF5 = b"\x89HDF\r\n\x1a\n"
_MAX_METADATA = 2**16
_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}


def predict_file(
    model_path: Path,
    input_path: Path,
    n_samples: int,
    out_path: Path,
    seed: int = 0,
    batch_size: int = 256,
    tick: Tick = lambda done, total: None,
) -> Predictions:
    """Write what `predict_with_uncertainty` says about the inputs to ``out_path``, all or nothing; also returned.

    Args:
        model_path: a `.keras` file, loaded in Keras 3's safe mode.
        input_path: `.npy` with the input, or `.npz` with several, by the names of the model's inputs.
        n_samples, seed, batch_size, tick: as for `predict_with_uncertainty`.
        out_path: an `.npz` file for `uqcore.predictions.read_predictions`; see `as_predictions` for what it holds.

    Raises:
        UqError: a file is not what it should be, or the model cannot be run on the inputs.
    """
    if out_path.suffix != ".npz":
        raise UqError(f"Expected an output file that ends in .npz. Received: {out_path}.")
    if out_path.exists() and input_path.exists() and out_path.samefile(input_path):
        raise UqError(f"Expected an output file beside the inputs. Received {out_path} for both; name another.")
    # Opened first, so that a folder that cannot be written is known before the model has run for an hour.
    with _replacing(out_path) as file:
        inputs = _load_inputs(input_path)
        model = load_model(model_path)
        prediction = predict_with_uncertainty(model, inputs, n_samples, seed=seed, batch_size=batch_size, tick=tick)
        predictions = as_predictions(prediction, model_path.name)
        write_npz(predictions, file)
    return predictions


def as_predictions(prediction: Prediction, name: str) -> Predictions:
    """The samples as a classifier's, for the threshold lab.

    Rows that sum to 1 are probabilities, and other rows of 2 numbers or more are logits. One number an example, if it
    is from 0 to 1 throughout, is the probability of class 1 of two. A note says where logits look like sigmoid outputs.

    Raises:
        UqError: the outputs are those of no classifier.
    """
    values = prediction.draws.logits if prediction.samples.ndim != 3 else prediction.samples
    if not np.isfinite(values).all():
        raise UqError("Expected finite outputs. The model puts out NaN or infinity; check its inputs and weights.")
    are_probs = prediction.are_probs
    if values.shape[2] == 1:
        if values.min() < 0 or values.max() > 1:
            raise UqError(
                f"Expected probabilities, or logits of 2 classes or more. The model puts out one number, from "
                f"{values.min():.3g} to {values.max():.3g}; a regression has no classes, and one logit needs a sigmoid."
            )
        values, are_probs = np.concatenate([1 - values, values], axis=2), True
    class_names = tuple(map(str, range(values.shape[2])))
    note = None if are_probs else note_on_logits(values)
    return Predictions(name, "probs" if are_probs else "logits", values, class_names, notes=(note,) if note else ())


def load_model(path: Path) -> Any:
    """The model of a `.keras` file: layers of Keras alone, and no code.

    Raises:
        UqError: it is another kind of file, of tf_keras, damaged, or needs code.
    """
    _check_is_keras_file(path)
    check_tensorflow("Reading a Keras model", "keras")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no page about processors on stderr, where progress stands
    try:
        return import_module("keras").saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras meets a file that it cannot read with half a dozen kinds of exception
        raise UqError(_why_not(path, str(error))) from error


def _why_not(path: Path, text: str) -> str:
    if "safe_mode" in text:
        return (
            f"Expected a model without code of its own. {path} has Python code inside (as in a Lambda layer), which is "
            f"not run; write that layer with keras.ops, or pass the model to predict_with_uncertainty as an object."
        )
    if custom := re.search(r"Could not locate (class|function) '([^']+)'", text):
        return (
            f"Expected a model of Keras's own layers. {path} needs the {custom[1]} {custom[2]!r}, which is defined "
            f"elsewhere; pass the model to predict_with_uncertainty as an object."
        )
    why = reason(text.rsplit("Exception encountered: ", 1)[-1])
    return f"Expected a whole .keras file of Keras's own layers and functions. Keras cannot read {path} ({why})."


def _check_is_keras_file(path: Path) -> None:
    if path.is_dir():
        raise UqError(f"Expected a .keras file. {path} is a folder; a SavedModel can run code, so save as model.keras.")
    try:
        with path.open("rb") as file:
            head = file.read(len(_HDF5))
        if head == _HDF5 or path.suffix in (".h5", ".hdf5"):
            raise UqError(
                f"Expected a .keras file. {path} is legacy HDF5, which can run code inside it even in Keras's "
                f"safe mode; load it yourself if you trust it, and save it as model.keras."
            )
        if path.suffix != ".keras" or head[:4] != b"PK\x03\x04":
            raise UqError(f"Expected a .keras file as model.save('model.keras') writes it. {path} is something else.")
        with zipfile.ZipFile(path) as archive:
            if not set(archive.namelist()) >= _MEMBERS or archive.testzip() is not None:
                raise zipfile.BadZipFile("a part is missing or damaged")
            with archive.open("metadata.json") as member:
                version = str(json.loads(member.read(_MAX_METADATA))["keras_version"])
    except OSError as error:
        raise UqError(f"{path} cannot be read ({reason(str(error))}); name a .keras file that can.") from error
    except (NotImplementedError, RuntimeError) as error:  # another compression, or a password
        raise UqError(f"Expected a .keras file as Keras packs it. {path} is packed otherwise ({error}).") from error
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, KeyError, TypeError) as error:
        raise UqError(f"Expected a whole .keras file. {path} is damaged ({error}); save it again.") from error
    if version.startswith("2."):
        raise UqError(
            f"Expected a model of Keras 3. {path} is of tf_keras (Keras {version}); pass it to "
            f"predict_with_uncertainty as an object."
        )


def _load_inputs(path: Path) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """The array in an `.npy` file or alone in an `.npz` file, or the arrays by name."""
    try:
        with path.open("rb") as file:  # opened here: np.load leaves a damaged archive open
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            arrays = {name: loaded[name] for name in loaded.files}
    except OSError as error:
        raise UqError(
            f"{path} cannot be read ({error.strerror or error}); name an .npy or .npz file that can."
        ) from error
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError, MemoryError) as error:
        if "Object arrays" in str(error):
            raise UqError(
                f"Expected arrays of numbers. {path} holds an object array, which is stored as a pickle that could run "
                f"code and is never opened; convert it, as with np.array(x.tolist())."
            ) from error
        raise UqError(
            f"Expected inputs as np.save or np.savez writes them. {path} is something else or damaged."
        ) from error
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of ``path`` if nothing is raised, and else is gone."""
    temporary = path.with_name(f".tmp-{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        raise UqError(f"{path} cannot be written ({error.strerror}); name a file in a folder that can.") from error
    finally:
        temporary.unlink(missing_ok=True)
