"""``python -m uqcore reproduce``: the rows as text and as JSON, and training into a folder that is its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from uqcore.cli import reproduce
from uqcore.cli.main import main
from uqcore.reproduce import SOURCES, Row, counted
from uqcore.reproduce.rows import claim
from uqcore.reproduce.trainings import store_beside
from uqcore.store import MODELS_VARIABLE, Store
from uqcore.types import Progress

ROWS = [
    claim(SOURCES[0].title, "first", "much", "4", True, "above 3", {"values": [4, float("nan")]}, "a note"),
    claim(SOURCES[1].title, "second", "much", "2", False, "above 3", {"values": [2]}),
]


def refuse_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Store]:
    """The stores that rows were asked of; the rows are always the same two."""
    asked: list[Store] = []

    def collect(store: Store) -> tuple[Sequence[Row], list[str]]:
        asked.append(store)
        return ROWS, []

    monkeypatch.setattr(reproduce, "collect", collect)
    return asked


def test_json_is_strict_and_has_every_field(found: list[Store], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = json.loads(out, parse_constant=refuse_constant)
    assert [set(row) for row in rows] == [{field.name for field in fields(Row)}] * 2
    assert rows[0]["values"] == {"values": [4.0, None]}
    assert [row["agrees"] for row in rows] == [True, False]


def test_rows_are_kept_for_the_page_where_asked(
    found: list[Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    store_beside(Store(tmp_path)).root.mkdir()
    assert main(["reproduce"]) == 0
    assert counted.read(Store(tmp_path)) is None
    assert main(["reproduce", "--keep"]) == 0
    kept = counted.read(Store(tmp_path))
    assert kept is not None
    assert [row.quantity for row in kept.rows] == [row.quantity for row in ROWS]


def test_text_names_every_source_row_and_reason(found: list[Store], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert all(source.title in out and source.same in out and source.differs in out for source in SOURCES)
    assert "  agrees   first: much; ours 4 [above 3]" in lines
    assert "  DIFFERS  second: much; ours 2 [above 3]" in lines
    assert ROWS[1].explanation in out
    assert lines[-1] == "1 of 2 agree with ours."


def test_an_empty_store_gives_no_rows_a_sentence_a_source_and_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    assert main(["reproduce", "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out) == []
    assert [line.split(":")[1].strip() for line in err.splitlines()] == [source.title for source in SOURCES]
    assert not (tmp_path / "models").exists()


def test_the_committed_rows_come_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out, parse_constant=refuse_constant)
    assert {row["source"] for row in rows} == {source.title for source in SOURCES}


@pytest.mark.parametrize("named", [True, False])
def test_retrain_trains_where_it_was_told_or_in_a_folder_that_goes_again(
    named: bool, found: list[Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained: list[Store] = []

    def retrain(store: Store, report: Any) -> None:
        store.check_writable()
        report("moons-fake-seed0", Progress(1, 2, {}))
        trained.append(store)

    monkeypatch.setattr("uqcore.reproduce.retrain.retrain", retrain)
    if named:
        monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    else:
        monkeypatch.delenv(MODELS_VARIABLE, raising=False)
    assert main(["reproduce", "--retrain"]) == 0
    assert [store.root for store in trained] == [store.root for store in found], "the rows are of what was trained"
    assert (trained[0].root == tmp_path / "models") is named
    assert trained[0].root.exists() is named
    assert "moons-fake-seed0" in capsys.readouterr().err


def test_retraining_without_tensorflow_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("uqcore.extras.find_spec", lambda name: None)
    assert main(["reproduce", "--retrain"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "needs TensorFlow" in err
    assert err.count("\n") == 1
