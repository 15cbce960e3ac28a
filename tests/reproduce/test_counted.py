"""The rows that are kept beside the trainings: the same as those that are counted now, and never of other models."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from uqcore import strict_json
from uqcore.reproduce import Row, Source, counted
from uqcore.reproduce.rows import claim
from uqcore.reproduce.trainings import store_beside
from uqcore.store import Store
from uqcore.types import UqError

ROWS = (
    claim("first", "much", "4", "4", True, "above 3", {"of seeds": [4, 5.5]}, "a note"),
    claim("second", "little", "1", "2", False, "below 2", {}),
)


def source_of(rows: list[Row], title: str = "first") -> Source:
    return Source(title, "same", "differs", lambda store: rows)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One with rows that are kept."""
    store = Store(tmp_path)
    for each in (store, store_beside(store)):
        each.root.mkdir(exist_ok=True)
        each.manifest.write_text("models")
    counted.keep(store, ROWS)
    return store


def test_what_is_kept_is_what_was_counted(store: Store) -> None:
    assert counted.read(store) == counted.Counted(counted.models(store), ROWS)
    assert counted.rows_of(source_of([]), store) == [ROWS[0]]
    assert counted.rows_of(source_of([], "second"), store) == [ROWS[1]]


@pytest.mark.parametrize("beside", [False, True])
def test_rows_of_other_models_are_counted_anew(store: Store, beside: bool) -> None:
    (store_beside(store) if beside else store).manifest.write_text("other models")
    assert counted.rows_of(source_of([ROWS[1]]), store) == [ROWS[1]]


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
