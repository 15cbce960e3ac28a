"""The page of published numbers without a browser: its answer, its tables, and stores with something missing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app_pages import opened
from ui import reproductions
from uqcore.reproduce import SOURCES, Row, Source, collect
from uqcore.reproduce.rows import claim
from uqcore.reproduce.trainings import store_beside
from uqcore.store import MODELS_VARIABLE, Store, default_store

COMMITTED = default_store()


@pytest.fixture
def other_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store that the page reads instead of the repository's."""
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    yield default_store()
    st.cache_data.clear()


def visit() -> AppTest:
    return opened("pages/reproductions.py")


def tables(app: AppTest) -> list[str]:
    return [element.proto.body for element in app.get("html") if element.proto.body.startswith("<table")]


def cells(table: str) -> list[list[str]]:
    """The text of every cell of every row but the head."""
    lines = re.findall(r"<tr>(.*?)</tr>", table)[1:]
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[dh].*?</t[dh]>", line)] for line in lines]


def test_the_page_opens_with_its_answer_and_a_table_a_source() -> None:
    rows, _ = collect(COMMITTED)
    app = visit()
    n_agreeing = sum(row.agrees for row in rows)
    assert app.markdown[0].value.startswith(f"**{n_agreeing} of {len(rows)}** published numbers")
    assert [element.value for element in app.header] == [source.title for source in SOURCES]
    shown = [line for table in tables(app) for line in cells(table)]
    assert [(line[0], line[1]) for line in shown] == [
        ("✓ agrees" if row.agrees else "✗ differs", row.quantity) for row in rows
    ]
    said = "".join(element.value for element in (*app.caption, *app.markdown))
    assert all(text in said for source in SOURCES for text in (source.same, source.differs, source.found))
    assert [button.proto.label for button in app.get("download_button")] == ["JSON", "CSV"]


def test_the_answer_says_why_the_others_differ() -> None:
    agreeing = claim("source", "first", "much", "4", True, "above 3", {})
    other = claim("source", "second", "much", "2", False, "above 3", {})
    said = reproductions.what_came_out([agreeing, other])
    assert said.splitlines()[0] == "**1 of 2** published numbers and claims agree with ours. The others:"
    assert "second: much, here 2" in said
    assert other.explanation in said
    assert reproductions.what_came_out([agreeing]) == ("**1 of 1** published numbers and claims agree with ours.")


def test_a_table_shows_what_a_row_says_as_text() -> None:
    row = Row("source", "a < b", "<b>1</b>", "2 & 3", False, "note", "why", "rule")
    (line,) = cells(reproductions.table([row]))
    assert line == ["✗ differs", "a &lt; b", "&lt;b&gt;1&lt;/b&gt;", "2 &amp; 3 rule", "note why"]


def test_an_empty_store_is_a_sentence_a_source(other_store: Store) -> None:
    app = visit()
    assert app.markdown[0].value == "No trained model can be shown."
    assert [warning.value.replace("\\", "").split(":")[0] for warning in app.warning] == [
        source.title for source in SOURCES
    ]
    assert app.get("download_button") == []


def test_a_damaged_manifest_beside_the_models_leaves_the_other_sources(other_store: Store) -> None:
    shutil.copytree(COMMITTED.root, other_store.root)
    store_beside(other_store).manifest.write_text("{")
    app = visit()
    assert [warning.value.replace("\\", "").split(":")[0] for warning in app.warning] == [
        "MNIST article", "SNGP tutorial", "Keras question",
    ]  # fmt: skip
    assert len(tables(app)) == 2
    assert app.markdown[0].value.startswith("**")


def test_a_model_that_changes_is_counted_anew(other_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(COMMITTED.root, other_store.root)
    counted: list[Store] = []
    rows = [claim("source", "q", "p", "o", True, "rule", {})]

    def count(store: Store) -> list[Row]:
        counted.append(store)
        return rows

    source = Source("source", "same", "differs", count)
    monkeypatch.setattr(reproductions, "SOURCES", [source])
    assert [reproductions.rows_of(source) for _ in range(2)] == [rows, rows]
    assert len(counted) == 1
    record = other_store.records()[0]
    other_store.put(replace(record, created="2001-01-01T00:00:00+00:00"))
    reproductions.rows_of(source)
    assert len(counted) == 2
