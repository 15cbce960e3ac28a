"""What the tests of pages share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from ui.budget import forget
from uqcore.methods import deterministic, svi_flipout
from uqcore.store import MODELS_VARIABLE, Store, default_store
from uqcore.trainings import estimate


@pytest.fixture(autouse=True)
def _probed_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a training takes matters to no test of a page: few examples are answered to tell it."""
    monkeypatch.setattr(estimate, "N_PROBED", 2)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few steps, where it does not matter how well the models of functions fit; what pages keep of it is forgotten."""
    for method in (deterministic, svi_flipout):
        monkeypatch.setattr(method, "REFIT_STEPS", 20)
    yield
    st.cache_resource.clear()
    forget()


@pytest.fixture
def other_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """An empty store that the pages read instead of the repository's; what was cached of either is forgotten."""
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    st.cache_resource.clear()
    forget()
    yield default_store()
    st.cache_resource.clear()
    forget()
