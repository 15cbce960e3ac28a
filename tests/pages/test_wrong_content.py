"""A store whose checksums are right and whose files hold something else takes no page down; nor do damaged data of the
package."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests import ROOT
from tests.app_pages import HOME, answer, html, opened
from tests.wrong_content import fill_wrongly
from ui import cache, page
from ui.budget import forget
from ui.tour import views
from uqcore.exhibits import front_page
from uqcore.methods import METHODS, of_task
from uqcore.predictions import breast_cancer
from uqcore.store import Store, default_store
from uqcore.types import UqError

COMMITTED = default_store()


@pytest.fixture
def store(other_store: Store) -> Store:
    """A copy of the repository's models, which the pages read in their place."""
    shutil.copytree(COMMITTED.root, other_store.root)
    return other_store


@pytest.fixture
def untouched() -> Iterator[Store]:
    """The repository's models, for tests that leave them as they are; what was cached of pages is forgotten."""
    st.cache_resource.clear()
    forget()
    yield COMMITTED
    st.cache_resource.clear()
    forget()


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


def damaged(path: Path, folder: Path) -> Path:
    """A copy of a file of the package that is not what its checksum, which stands beside it, says."""
    shutil.copy(path.with_name("SHA256SUMS"), folder)
    (folder / path.name).write_bytes(b"x" + path.read_bytes()[1:])
    return folder / path.name


def test_pictures_of_the_front_page_that_are_damaged_are_drawn(
    untouched: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = html(opened(HOME))
    forget()
    monkeypatch.setattr(front_page, "PICTURES", damaged(front_page.PICTURES, tmp_path))
    app = opened(HOME)
    (said,) = sentences(app, untouched)
    assert "front_page.npy is damaged" in said.replace("\\", "")
    assert html(app) == whole


@pytest.mark.usefixtures("untouched")
def test_a_front_page_that_can_show_no_picture_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> NoReturn:
        raise UqError("There are no data.")

    monkeypatch.setattr(front_page, "PICTURES", damaged(front_page.PICTURES, tmp_path))
    monkeypatch.setattr(front_page, "drawn", refuse)
    app = opened(HOME)
    assert answer(app) == "The pictures cannot be shown."
    assert [warning.value for warning in app.warning] == ["There are no data."]


def test_an_example_that_is_damaged_is_a_sentence(
    untouched: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breast_cancer, "FILE", damaged(breast_cancer.FILE, tmp_path))
    (said,) = sentences(opened("pages/threshold_lab.py", predictions="Your own"), untouched)
    assert "breast_cancer.csv is damaged" in said


def test_images_that_cannot_be_read_are_a_sentence(untouched: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(task: str, part: str) -> NoReturn:
        raise UqError("The images are damaged.")

    monkeypatch.setattr(cache, "images", refuse)
    app = opened("pages/digit_lab.py", task="Fashion-MNIST")
    assert "The images are damaged." in sentences(app, untouched)
    assert "pick a test image or upload one" in answer(app)


def test_notes_that_are_no_text_are_a_sentence(
    untouched: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.md").write_bytes(b"## 1\n\xff")
    monkeypatch.setattr(views, "NOTES", tmp_path / "notes.md")
    views.sections.cache_clear()
    (said,) = sentences(opened(HOME, notes="1"), untouched)
    assert "notes.md cannot be read" in said
