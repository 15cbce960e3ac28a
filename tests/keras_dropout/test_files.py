"""`predict_file`: from a `.keras` file to a file that the threshold lab reads, and a sentence for all other files."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.keras_models import classifier, images, library
from uqcore.cli.main import main
from uqcore.keras_dropout import predict_file, predict_with_uncertainty
from uqcore.predictions import read_predictions
from uqcore.types import UqError


@pytest.fixture(scope="module")
def keras() -> Any:
    return library("keras")


@pytest.fixture(scope="module")
def model(keras: Any) -> Any:
    return classifier(keras)


@pytest.fixture
def saved(model: Any, tmp_path: Path) -> Path:
    """A folder with model.keras and inputs.npy."""
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "inputs.npy", images(9))
    return tmp_path


def predict(folder: Path, model: str = "model.keras", inputs: str = "inputs.npy", n_samples: int = 5) -> Any:
    return predict_file(folder / model, folder / inputs, n_samples, folder / "out.npz", batch_size=4)


def written(folder: Path) -> Any:
    return read_predictions(folder / "out.npz", "out.npz")


def save(keras: Any, folder: Path, *layers: Any, shape: tuple[int, ...] = (6, 6, 1)) -> None:
    keras.Sequential([keras.Input(shape), keras.layers.Dropout(0.5), *layers]).save(folder / "model.keras")


def test_the_file_holds_what_the_model_says(model: Any, saved: Path) -> None:
    returned, read = predict(saved), written(saved)
    assert (read.kind, read.n_samples, len(read), read.n_classes) == ("probs", 5, 9, 3)
    assert read.fingerprint == returned.fingerprint
    np.testing.assert_allclose(read.values, predict_with_uncertainty(model, images(9), 5).samples, atol=1e-6)
    assert {path.name for path in saved.iterdir()} == {"model.keras", "inputs.npy", "out.npz"}


def test_as_many_samples_as_examples_stay_in_order(model: Any, saved: Path) -> None:
    predict(saved, n_samples=9)
    np.testing.assert_allclose(written(saved).values, predict_with_uncertainty(model, images(9), 9).samples, atol=1e-6)


def test_logits_are_logits(keras: Any, saved: Path) -> None:
    save(keras, saved, keras.layers.Flatten(), keras.layers.Dense(4))
    predict(saved)
    assert (written(saved).kind, written(saved).n_classes) == ("logits", 4)


def test_one_probability_becomes_two_classes(keras: Any, saved: Path) -> None:
    save(keras, saved, keras.layers.Flatten(), keras.layers.Dense(1, activation="sigmoid"))
    predict(saved)
    values, model = written(saved).values, keras.saving.load_model(saved / "model.keras")
    np.testing.assert_allclose(values[..., 1:], predict_with_uncertainty(model, images(9), 5).samples, atol=1e-6)
    np.testing.assert_allclose(values.sum(axis=2), 1, rtol=1e-6)


def test_sigmoids_are_no_logits_without_a_note(keras: Any, saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(keras, saved, keras.layers.Flatten(), keras.layers.Dense(3, activation="sigmoid"))
    command = ["predict", str(saved / "model.keras"), str(saved / "inputs.npy"), "--out", str(saved / "out.npz")]
    assert main([*command, "--samples", "3"]) == 0
    assert (
        "note: These logits are from 0 to 1 and no row sums to 1, as if each class had a sig" in capsys.readouterr().err
    )
    assert "sigmoid" in written(saved).notes[-1]


def test_a_regression_has_no_file(keras: Any, saved: Path) -> None:
    save(keras, saved, keras.layers.Flatten(), keras.layers.Dense(1))
    np.save(saved / "inputs.npy", 100 * images(9))
    with pytest.raises(UqError, match="a regression has no classes"):
        predict(saved)
    assert not (saved / "out.npz").exists()


def test_inputs_by_name(keras: Any, saved: Path) -> None:
    first, second = keras.Input((2,), name="first"), keras.Input((3,), name="second")
    hidden = keras.layers.Dropout(0.5)(keras.layers.Concatenate()([first, second]))
    keras.Model([first, second], keras.layers.Dense(2)(hidden)).save(saved / "model.keras")
    arrays = {"second": np.ones((4, 3)), "first": np.zeros((4, 2))}
    np.savez(saved / "two.npz", second=arrays["second"], first=arrays["first"])
    predict(saved, inputs="two.npz")
    model = keras.saving.load_model(saved / "model.keras")
    expected = predict_with_uncertainty(model, [arrays["first"], arrays["second"]], 5).samples
    np.testing.assert_allclose(written(saved).values, expected, atol=1e-6)
    np.savez(saved / "other.npz", third=np.ones((4, 3)), first=np.zeros((4, 2)))
    came = r"2 inputs, .*: first \(N, 2\) and second \(N, 3\)\. Received: third \(N, 3\) and first \(N, 2\)\."
    with pytest.raises(UqError, match=came):
        predict(saved, inputs="other.npz")


def test_an_array_alone_in_an_archive_is_the_input(saved: Path) -> None:
    np.savez(saved / "one.npz", x=images(9))
    assert predict(saved, inputs="one.npz").fingerprint == predict(saved).fingerprint


def test_code_in_a_model_is_refused(keras: Any, saved: Path) -> None:
    save(keras, saved, keras.layers.Lambda(lambda x: 2 * x))
    with pytest.raises(UqError, match="has Python code inside"):
        predict(saved)


def test_code_in_an_activation_is_refused(keras: Any, saved: Path) -> None:
    with pytest.warns(UserWarning, match="lambda"):
        save(keras, saved, keras.layers.Dense(2, activation=lambda x: 2 * x))
    with pytest.raises(UqError, match="Could not interpret activation function"):
        predict(saved)


def test_custom_layers_are_refused_by_name(keras: Any, saved: Path) -> None:
    class Whatever(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

    save(keras, saved, Whatever())
    with pytest.raises(UqError, match="needs the class 'Whatever'"):
        predict(saved)


def test_a_model_of_tf_keras_is_refused(saved: Path) -> None:
    classifier(library("tf_keras")).save(saved / "model.keras")
    with pytest.raises(UqError, match=r"is of tf_keras \(Keras 2\..*as an object"):
        predict(saved)


def test_where_tensorflow_is_missing_the_sentence_says_how_to_add_it(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uqcore.extras.find_spec", lambda name: None)
    with pytest.raises(UqError, match=r"^Reading a Keras model needs TensorFlow, .* run `make \.venv/train\.stamp`"):
        predict(saved)


def test_a_model_without_dropout_is_refused(keras: Any, saved: Path) -> None:
    keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Flatten()]).save(saved / "model.keras")
    with pytest.raises(UqError, match="dropout nowhere"):
        predict(saved)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.keras", b"hello", "is something else"),
        ("empty.keras", b"", "is something else"),
        ("model.h5", b"\x89HDF\r\n\x1a\n....", "legacy HDF5, which can run code"),
        ("renamed.keras", b"\x89HDF\r\n\x1a\n....", "legacy HDF5, which can run code"),
        ("weights.h5", b"hello", "legacy HDF5, which can run code"),
        ("model.pkl", b"\x80\x04", "is something else"),
        ("cut.keras", b"PK\x03\x04....", "is damaged"),
    ],
)
def test_other_files_are_refused(saved: Path, name: str, content: bytes, message: str) -> None:
    (saved / name).write_bytes(content)
    with pytest.raises(UqError, match=message):
        predict(saved, model=name)


def test_archives_that_are_no_model_are_refused(saved: Path) -> None:
    with zipfile.ZipFile(saved / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}

    def refused(changes: dict[str, bytes | None], message: str) -> None:
        with zipfile.ZipFile(saved / "bad.keras", "w") as archive:
            for name, content in {**members, **changes}.items():
                if content is not None:
                    archive.writestr(name, content)
        with pytest.raises(UqError, match=message) as error:
            predict(saved, model="bad.keras")
        assert "\n" not in str(error.value)

    system = json.loads(members["config.json"]) | {"module": "os", "class_name": "system"}
    refused({"config.json": None}, "is damaged")
    refused({"metadata.json": b"[]"}, "is damaged")
    refused({"config.json": b"5"}, "Keras cannot read")
    refused({"model.weights.h5": b"5"}, "Keras cannot read")
    refused({"config.json": json.dumps(system).encode()}, "needs the class 'system'")
    damaged = bytearray((saved / "model.keras").read_bytes())
    at = damaged.index(b"\x89HDF") + 500
    damaged[at : at + 50] = bytes(50 * [7])
    (saved / "flipped.keras").write_bytes(damaged)
    with pytest.raises(UqError, match="is damaged"):
        predict(saved, model="flipped.keras")


def test_an_archive_packed_in_an_unknown_way_is_refused(saved: Path) -> None:
    data = bytearray((saved / "model.keras").read_bytes())
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):  # of each member, and in the list of them
        at = data.find(mark)
        while at >= 0:
            data[at + offset : at + offset + 2] = (99).to_bytes(2, "little")
            at = data.find(mark, at + 1)
    (saved / "odd.keras").write_bytes(data)
    with pytest.raises(UqError, match="is packed otherwise") as error:
        predict(saved, model="odd.keras")
    assert "\n" not in str(error.value)


def test_folders_and_missing_files_are_refused(saved: Path) -> None:
    (saved / "saved_model").mkdir()
    with pytest.raises(UqError, match="a SavedModel can run code"):
        predict(saved, model="saved_model")
    with pytest.raises(UqError, match="No such file"):
        predict(saved, model="nowhere.keras")
    with pytest.raises(UqError, match="No such file"):
        predict(saved, inputs="nowhere.npy")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.ones((3, 5)), r"Expected inputs of shape \(N, 6, 6, 1\)\. Received: \(N, 5\)\."),
        (np.array([[None]]), "object array, which is stored as a pickle"),
        (np.array([["a"]]), "dtype <U1"),
        (np.full((2, 6, 6, 1), np.inf), "NaN or infinity"),
    ],
)
def test_bad_inputs_are_refused(saved: Path, inputs: Any, message: str) -> None:
    np.save(saved / "inputs.npy", inputs, allow_pickle=True)
    with pytest.raises(UqError, match=message):
        predict(saved)
    assert not (saved / "out.npz").exists()


def header(*shape: int) -> bytes:
    """Of an `.npy` file of this shape, with nothing behind it."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"1,2,3", b"\x80\x04]", b"PK\x03\x04....", b"\x93NUMPY\x01\x00", header(10**15), header(9, 6, 6, 1)],
)
def test_inputs_of_another_format_are_refused(saved: Path, content: bytes) -> None:
    (saved / "inputs.npy").write_bytes(content)
    with pytest.raises(UqError, match=r"as np\.save or np\.savez writes them"):
        predict(saved)


def test_the_command_writes_the_same_file_and_says_what_it_holds(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [str(saved / name) for name in ("model.keras", "inputs.npy", "out.npz")]
    assert main(["predict", *names[:2], "--samples", "5", "--seed", "3", "--out", names[2]]) == 0
    out, _ = capsys.readouterr()
    assert out == f"{names[2]}: probs of 5 samples, 9 examples, 3 classes\n"
    expected = predict_file(saved / "model.keras", saved / "inputs.npy", 5, saved / "again.npz", seed=3)
    assert written(saved).fingerprint == expected.fingerprint
    assert main(["predict", names[0], str(saved / "none.npy"), "--out", str(saved / "no.npz")]) == 2
    out, err = capsys.readouterr()
    assert (out, (saved / "no.npz").exists()) == ("", False)
    assert "none.npy cannot be read (No such file or directory)" in err
    assert "Traceback" not in err


def test_outputs_that_are_not_finite_have_no_file(keras: Any, saved: Path) -> None:
    save(
        keras,
        saved,
        keras.layers.Flatten(),
        keras.layers.Dense(2, kernel_initializer=keras.initializers.Constant(1e38)),
    )
    np.save(saved / "inputs.npy", 1e6 * abs(images(9)))
    with pytest.raises(UqError, match="puts out NaN or infinity"):
        predict(saved)


def test_an_output_that_cannot_be_written(saved: Path) -> None:
    with pytest.raises(UqError, match="cannot be written"):
        predict_file(saved / "model.keras", saved / "inputs.npy", 2, saved / "nowhere" / "out.npz")
    with pytest.raises(UqError, match=r"ends in \.npz"):
        predict_file(saved / "model.keras", saved / "inputs.npy", 2, saved / "out.csv")
    np.savez(saved / "one.npz", x=images(9))
    with pytest.raises(UqError, match="beside the inputs"):
        predict_file(saved / "model.keras", saved / "one.npz", 2, saved / "one.npz")


def test_a_failure_leaves_the_file_of_before(saved: Path) -> None:
    predict(saved)
    before = (saved / "out.npz").read_bytes()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_file(saved / "model.keras", saved / "inputs.npy", 3, saved / "out.npz", tick=stop)
    assert (saved / "out.npz").read_bytes() == before
    assert {path.name for path in saved.iterdir()} == {"model.keras", "inputs.npy", "out.npz"}
