"""The manifest's text keeps every value exactly, and whatever is not such a text is refused with its place."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from uqcore.store.manifest import FORMAT, NAME, default_id, from_json, to_json
from uqcore.types import ModelRecord, StoredFile, UqError

FILE = StoredFile("moons-sngp-seed3-0a/weights.npz", "0a" * 32, 17)
RECORD = ModelRecord(
    model_id="moons-sngp-seed3",
    task="moons",
    method="sngp",
    seed=3,
    config={"rate": 0.1, "tiny": 5e-324, "layers": 6, "big": 2**70, "on": True, "name": 'é\n"', "none": None},
    files=(FILE, dataclasses.replace(FILE, n_bytes=0)),
    n_parameters=9,
    n_trainable=8,
    training_time_s=1 / 3,
    versions={"numpy": np.__version__},
    created="2025-01-01T00:00:00+00:00",
    metrics={"loss": 0.1 + 0.2, "accuracy": 1.0},
    tables={"test": FILE, "other": dataclasses.replace(FILE, n_bytes=1)},
)


def by_hand(manifest: dict[str, Any]) -> bytes:
    """The text of a manifest that a person has changed, and so has no checksum."""
    return json.dumps({name: value for name, value in manifest.items() if name != "sha256"} | {"format": 3}).encode()


def edited(*path: Any, value: Any) -> bytes:
    """The text of one record after a person has set ``value`` at ``path``."""
    manifest = json.loads(to_json([RECORD]))
    place = manifest
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return by_hand(manifest)


def test_the_format_before_this_one_is_read_without_its_draws() -> None:
    manifest = json.loads(to_json([RECORD]))
    (row,) = manifest["models"]
    del row["tables"]
    row["draws"] = {"test": [vars(FILE), vars(FILE)]}
    before = json.dumps({"format": 2, "models": [row]}).encode()
    assert from_json(before) == (dataclasses.replace(RECORD, tables={}),)
    with pytest.raises(UqError):
        from_json(json.dumps({"format": 3, "models": [row]}).encode())
    row["tables"] = {}
    with pytest.raises(UqError):
        from_json(json.dumps({"format": 2, "models": [row]}).encode())


def test_every_change_of_a_bit_is_named() -> None:
    text = to_json([RECORD])
    for place in range(8 * len(text)):
        changed = bytearray(text)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises((UqError, ValueError)):
            from_json(bytes(changed))


def test_a_manifest_without_a_checksum_is_read_and_says_how_to_come_back_to_one() -> None:
    manifest = json.loads(to_json([RECORD]))
    assert from_json(by_hand(manifest)) == (RECORD,)
    with pytest.raises(UqError, match="take out the line `sha256` and set `format` to 3"):
        from_json(json.dumps(manifest).encode())


def test_records_come_back_exactly() -> None:
    (row,) = from_json(to_json([RECORD]))
    assert row == RECORD
    for ours, expected in ((row.config, RECORD.config), (row.metrics, RECORD.metrics)):
        assert {name: type(value) for name, value in ours.items()} == {n: type(v) for n, v in expected.items()}
    assert from_json(to_json([])) == ()


def test_rows_are_sorted_whatever_the_order() -> None:
    records = [dataclasses.replace(RECORD, model_id=f"moons-sngp-seed{i}", seed=i) for i in (2, 0, 1)]
    text = to_json(records)
    assert text == to_json(reversed(records))
    assert [record.seed for record in from_json(text)] == [0, 1, 2]
    manifest = json.loads(text)
    manifest["models"].reverse()
    assert [record.seed for record in from_json(by_hand(manifest))] == [0, 1, 2]


def test_the_text_is_indented_utf8_that_ends_a_line() -> None:
    text = to_json([RECORD]).decode()
    assert json.loads(text)["format"] == FORMAT
    assert "é" in text
    assert text.endswith("}\n")
    assert text.count("\n") > len(dataclasses.fields(ModelRecord))


def test_a_model_with_another_configuration_has_a_longer_id() -> None:
    assert default_id("moons", "sngp", 3) == RECORD.model_id
    longer = dataclasses.replace(RECORD, model_id="moons-sngp-seed3-0123abcd")
    assert from_json(to_json([longer])) == (longer,)


@pytest.mark.parametrize("name", ["a", "moons-sngp-seed0", "A.b_c-1", "0"])
def test_names_that_are_one_folder_everywhere(name: str) -> None:
    assert NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "-a", "a/b", "a\\b", "a b", "a\n", "é"])
def test_names_that_are_not(name: str) -> None:
    assert not NAME.fullmatch(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 3}',
        '{"format": 3, "models": [], "more": 0}',
        '{"format": 4, "models": []}',
        '{"format": true, "models": []}',
        '{"format": 1.0, "models": []}',
        '{"format": 3, "models": {}}',
        '{"format": 3, "models": [3]}',
        '{"format": 3, "models": [{}]}',
        "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n",
    ],
)
def test_a_text_that_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(UqError, match=r"."):
        from_json(text.encode())
    with pytest.raises(UqError, match=r"."):
        from_json(text.encode("utf-16"))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("seed",), "0", r"`models\[0\].seed` must be an integer of at least 0. Received: '0'"),
        (("seed",), 0.0, r"`models\[0\].seed` must be an integer"),
        (("seed",), 4, r"`models\[0\].model_id` must be moons-sngp-seed4 or moons-sngp-seed4-..."),
        (("task",), None, r"`models\[0\].task` must be a line of text .*Received: None"),
        (("n_parameters",), True, r"`models\[0\].n_parameters` must be an integer .*Received: True"),
        (("training_time_s",), "1", r"`models\[0\].training_time_s` must be a number.*Received: '1'"),
        (("training_time_s",), float("inf"), "Infinity is not a finite number"),
        (("config",), [], r"`models\[0\].config` must be an object"),
        (("config", "rate"), [1], r"`models\[0\].config.rate` must be a number, text, true, false or null"),
        (("config", "rate"), float("nan"), "NaN is not a finite number"),
        (("metrics", "loss"), "low", r"`models\[0\].metrics.loss` must be a number. Received: 'low'"),
        (("versions", "numpy"), 2, r"`models\[0\].versions.numpy` must be a line of text"),
        (("files",), [], r"`models\[0\].files` must list a file"),
        (
            ("files", 0),
            "weights.npz",
            r"`models\[0\].files\[0\]` must be an object",
        ),
        (("files", 1, "n_bytes"), "1", r"`models\[0\].files\[1\].n_bytes` must be an integer"),
        (("model_id",), "../x", r"`models\[0\].model_id` must be moons-sngp-seed3 or"),
        (("model_id",), "moons-sngp-seed33", r"`models\[0\].model_id` must be moons-sngp-seed3 or"),
        (("comment",), "one field too many", r"`models\[0\]` must have the fields .*has unknown: comment"),
    ],
)
def test_a_field_that_was_edited_wrongly_is_named(path: tuple[Any, ...], value: Any, words: str) -> None:
    with pytest.raises(UqError, match=words):
        from_json(edited("models", 0, *path, value=value))


def test_a_number_too_large_for_a_float_is_refused() -> None:
    text = to_json([RECORD]).replace(b"0.1,", b"1e999,")
    with pytest.raises(UqError, match="1e999 is not a finite number"):
        from_json(text)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(ModelRecord)])
def test_every_field_must_be_there(field: str) -> None:
    manifest = json.loads(to_json([RECORD]))
    del manifest["models"][0][field]
    with pytest.raises(UqError, match=r"`models\[0\]` must have the fields"):
        from_json(by_hand(manifest))


def test_two_rows_of_one_id_are_refused() -> None:
    with pytest.raises(UqError, match="two with the same"):
        from_json(to_json([RECORD, RECORD]))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32(0.1), np.int64(3), {1}])
def test_values_that_json_has_no_word_for_are_refused(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        to_json([dataclasses.replace(RECORD, config={"rate": value})])
