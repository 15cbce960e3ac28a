"""A store whose checksums are right and whose files hold something else takes no page down."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests import ROOT
from tests.app_pages import html, opened
from tests.wrong_content import fill_wrongly
from ui import page
from ui.budget import forget
from uqcore.methods import METHODS, of_task
from uqcore.store import MODELS_VARIABLE, default_store

COMMITTED = default_store()


def sentences(app: AppTest) -> list[str]:
    return [element.value.replace("\\", "") for element in (*app.warning, *app.error, *app.info)]


def test_wrong_content_of_many_kinds_is_a_sentence_a_model_and_no_page_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(COMMITTED.root, tmp_path / "models")
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    st.cache_resource.clear()
    forget()
    damaged = [*fill_wrongly(default_store(), 9)]
    said = {}
    for door in page.DOORS:
        app = opened(door.path)
        said[door.path] = sentences(app)
        for text in said[door.path]:
            assert "\n" not in text
            assert str(tmp_path) not in text
            assert str(ROOT) not in text
            assert sum(model_id in text for model_id in damaged) <= 1
        if door.path == "pages/digit_lab.py":
            assert METHODS[of_task("digits")[-1]].label in html(app), "what is whole is shown"
    for path, task in (("pages/two_moons.py", "moons"), ("pages/regression.py", "sine")):
        for model_id in (name for name in damaged if name.startswith(f"{task}-") and name.endswith("seed0")):
            of_it = [text for text in said[path] if model_id in text]
            assert len(of_it) == (model_id != "moons-sngp_tutorial-seed0"), "one sentence, of the page's own models"
    assert len(said["pages/reproductions.py"]) >= 3
    st.cache_resource.clear()
    forget()
