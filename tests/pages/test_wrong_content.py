"""A store whose checksums are right and whose files hold something else takes no page down."""

from __future__ import annotations

import shutil

import pytest
from streamlit.testing.v1 import AppTest

from tests import ROOT
from tests.app_pages import html, opened
from tests.wrong_content import fill_wrongly
from ui import page
from uqcore.methods import METHODS, of_task
from uqcore.store import Store, default_store

COMMITTED = default_store()


@pytest.fixture
def store(other_store: Store) -> Store:
    """A copy of the repository's models, which the pages read in their place."""
    shutil.copytree(COMMITTED.root, other_store.root)
    return other_store


def sentences(app: AppTest, store: Store) -> list[str]:
    """What a page warns of: one line each, and no word of where the server keeps its files."""
    said = [element.value.replace("\\", "") for element in (*app.warning, *app.error, *app.info)]
    for text in said:
        assert "\n" not in text
        assert str(store.root.parent) not in text
        assert str(ROOT) not in text
    return said


def test_wrong_content_of_many_kinds_is_a_sentence_a_model_and_no_page_is_down(store: Store) -> None:
    damaged = [*fill_wrongly(store, 9)]
    said = {}
    for door in page.DOORS:
        app = opened(door.path)
        said[door.path] = sentences(app, store)
        assert all(sum(model_id in text for model_id in damaged) <= 1 for text in said[door.path])
        if door.path == "pages/digit_lab.py":
            assert METHODS[of_task("digits")[-1]].label in html(app), "what is whole is shown"
    for path, task in (("pages/two_moons.py", "moons"), ("pages/regression.py", "sine")):
        for method in of_task(task)[:-1]:
            assert sum(f"{task}-{method}-seed0" in text for text in said[path]) == 1
    assert len(said["pages/reproductions.py"]) >= 3


def test_tables_that_are_gone_are_a_sentence_and_no_page_is_down(store: Store) -> None:
    gone = {record.model_id for record in store.records() if record.tables}
    for record in store.records():
        for file in record.tables.values():
            (store.root / file.path).unlink(missing_ok=True)
    said = {door.path: sentences(opened(door.path), store) for door in page.DOORS}
    for path in ("two_moons", "threshold_lab", "regression", "gallery"):
        assert any(model_id in text for model_id in gone for text in said[f"pages/{path}.py"])
