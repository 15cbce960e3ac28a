"""The rows that are kept beside the trainings: the same as those that are counted now, never of models that have
changed since, and still there when a store gets what no row is counted from."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from uqcore import strict_json
from uqcore.reproduce import Row, Source, counted
from uqcore.reproduce.rows import claim
from uqcore.reproduce.trainings import store_beside
from uqcore.store import Store
from uqcore.store.manifest import default_id
from uqcore.types import ModelRecord, UqError

ROWS = (
    claim("first", "much", "4", "4", True, "above 3", {"of seeds": [4, 5.5]}, "a note"),
    claim("second", "little", "1", "2", False, "below 2", {}),
)


def source_of(rows: list[Row], title: str = "first") -> Source:
    return Source(title, "same", "differs", lambda store: rows)


def put(store: Store, method: str, bias: float = 0.0, tables: tuple[str, ...] = ()) -> ModelRecord:
    """One model of points, or a training."""
    model_id = default_id("moons", method, 0)
    files = (store.save_arrays(model_id, {"bias": np.full(1, bias)}),)
    tables_of = {name: store.save_arrays(model_id, {"values": np.zeros(3)}, name) for name in tables}
    record = ModelRecord(
        model_id, "moons", method, 0, {}, files, 1, 1, 1.0, {}, "2026-01-01T00:00:00+00:00", tables=tables_of
    )
    store.put(record)
    return record


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One with rows that are kept: counted from one of its two models, and from a training."""
    store = Store(tmp_path)
    asked = put(store, "deterministic", tables=("plane",))
    put(store, "sngp")
    put(store_beside(store), "tutorial")
    counted.keep(store, ROWS, [asked.model_id])
    return store


def test_what_is_kept_is_what_was_counted(store: Store) -> None:
    model_ids = ("moons-deterministic-seed0",)
    assert counted.read(store) == counted.Counted(model_ids, counted.digest(store, model_ids), ROWS)
    assert counted.rows_of(source_of([]), store) == [ROWS[0]]
    assert counted.rows_of(source_of([], "second"), store) == [ROWS[1]]


def test_a_store_knows_what_it_was_asked_for(store: Store) -> None:
    asked = counted.Asked(store.root)
    assert asked.find("moons", "sngp") == store.find("moons", "sngp")
    assert asked.model_ids == {"moons-sngp-seed0"}
    assert asked.get("moons-deterministic-seed0").method == "deterministic"
    assert asked.model_ids == {"moons-sngp-seed0", "moons-deterministic-seed0"}
    asked = counted.Asked(store.root)
    assert asked.records() == store.records()
    assert asked.model_ids == {"moons-sngp-seed0", "moons-deterministic-seed0"}


def test_rows_of_a_model_that_changed_are_counted_anew(store: Store) -> None:
    put(store, "deterministic", bias=1.0, tables=("plane",))
    assert counted.rows_of(source_of([ROWS[1]]), store) == [ROWS[1]]


def test_rows_of_other_trainings_are_counted_anew(store: Store) -> None:
    put(store_beside(store), "tutorial", bias=1.0)
    assert counted.rows_of(source_of([ROWS[1]]), store) == [ROWS[1]]


def test_rows_of_a_model_that_is_gone_or_of_a_manifest_that_cannot_be_read_are_counted_anew(store: Store) -> None:
    store.remove(["moons-deterministic-seed0"])
    assert counted.rows_of(source_of([ROWS[1]]), store) == [ROWS[1]]
    store.manifest.write_text("no manifest")
    assert counted.rows_of(source_of([ROWS[1]]), store) == [ROWS[1]]


def test_what_no_row_is_counted_from_may_come_and_change(store: Store) -> None:
    put(store, "sngp", bias=1.0)
    put(store, "mc_dropout")
    put(store, "deterministic", tables=("plane", "more"))  # as a new measure makes them anew
    assert counted.rows_of(source_of([ROWS[1]]), store) == [ROWS[0]]


def test_a_source_of_which_none_is_kept_is_counted(store: Store) -> None:
    assert counted.rows_of(source_of([ROWS[1]], "third"), store) == [ROWS[1]]


def test_nothing_kept_is_no_error(tmp_path: Path) -> None:
    assert counted.read(Store(tmp_path)) is None
    assert counted.rows_of(source_of([ROWS[0]]), Store(tmp_path)) == [ROWS[0]]


def test_every_bit_that_flips_is_one_sentence_and_the_rows_are_counted(store: Store) -> None:
    path = store_beside(store).root / "rows.json"
    whole, chance = path.read_bytes(), random.Random(0)
    for _ in range(300):
        at = chance.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
        with pytest.raises(UqError, match=r"rows\.json is damaged: .*reproduce --keep") as error:
            counted.read(store)
        assert "\n" not in str(error.value)
    assert counted.rows_of(source_of([ROWS[1]]), store) == [ROWS[1]]


@pytest.mark.parametrize(
    ("before", "after"),
    [(b'"agrees": true', b'"agrees": 1'), (b'"of seeds"', b'"of seeds": [], "of seeds"'), (b"5.5", b'"5.5"'),
     (b'"quantity": "much"', b'"quantity": 4'), (b'"rule"', b'"law"')])  # fmt: skip
def test_another_content_under_a_right_checksum_is_refused(store: Store, before: bytes, after: bytes) -> None:
    path = store_beside(store).root / "rows.json"
    text = path.read_bytes().replace(before, after, 1)
    said = text.split(b'"sha256": "')[1][:64]
    path.write_bytes(strict_json.sealed(text.replace(said, b"0" * 64)))
    with pytest.raises(UqError, match="is damaged"):
        counted.read(store)
