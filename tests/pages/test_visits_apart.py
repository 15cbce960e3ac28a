"""Visits keep apart: files that differ in one element give results of their own, and nothing of a visit is seen by
another or stays after it."""

from __future__ import annotations

import csv
import gc
import io
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime.caching import cache_data_api, cache_resource_api
from streamlit.testing.v1 import AppTest

from tests.app_pages import HOME, checked, component, html, opened
from tests.pages.hostile import shown
from ui import budget
from ui.budget import forget
from uqcore.predictions import Predictions, read_predictions

N = 300
RNG = np.random.default_rng(5)
PROBS = RNG.dirichlet([0.4, 0.4, 0.4], N).round(4)
PROBS[:, 2] = (1 - PROBS[:, 0] - PROBS[:, 1]).round(4)
LABELS = (RNG.random((N, 1)) < PROBS.cumsum(axis=1)).argmax(axis=1)
ROW = 8  # of the calibration part, which decides on the threshold
NAMES = ("secretcat", "secretdog", "secretemu")


def file(probs: NDArray[Any] = PROBS, labels: NDArray[Any] = LABELS) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow([*NAMES, "label"])
    writer.writerows([*row, NAMES[label]] for row, label in zip(probs.tolist(), labels, strict=True))
    return target.getvalue().encode()


def visitor(data: bytes) -> AppTest:
    """Who has brought this file, under a name that all use."""
    app = opened("pages/threshold_lab.py", predictions="Your own")
    app.file_uploader[0].set_value(("mine.csv", data, ""))
    return checked(app.run())


def result(app: AppTest) -> tuple[str, bytes]:
    header, data = component(app)
    return " ".join([*shown(app), repr(header)]), data


def kept_by_the_server() -> Iterator[Any]:
    """All that the program's modules and Streamlit's caches lead to: what lives longer than a visit."""
    ours = [module for name, module in sys.modules.items() if name.partition(".")[0] in ("ui", "uqcore", "pages")]
    todo: list[Any] = [cache_resource_api._resource_caches, cache_data_api._data_caches]
    todo += [value for module in ours for value in vars(module).values()]
    globals_of_modules = {id(vars(module)) for module in sys.modules.values() if hasattr(module, "__dict__")}
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if id(one) in seen or id(one) in globals_of_modules or isinstance(one, types.ModuleType):
            continue
        seen.add(id(one))
        yield one
        todo += gc.get_referents(one)


def of_the_visit() -> list[Any]:
    return [one for one in kept_by_the_server() if isinstance(one, Predictions) and one.class_names == NAMES]


def test_files_that_differ_in_one_element_never_share_a_result() -> None:
    another_label, another_probability = LABELS.copy(), PROBS.copy()
    another_label[ROW] = (LABELS[ROW] + 1) % 3
    another_probability[ROW, :2] = another_probability[ROW, :2] + [1e-3, -1e-3]
    files = [file(), file(labels=another_label), file(probs=another_probability)]
    visits = [visitor(data) for data in files]
    results = [result(app) for app in visits]
    assert len(set(results)) == 3
    assert [result(checked(app.run())) for app in visits] == results, "whoever came between"
    for data, expected in zip(files, results, strict=True):
        st.cache_data.clear()
        st.cache_resource.clear()
        forget()
        assert result(visitor(data)) == expected, "as if nobody else had been there"


def test_nothing_of_a_visit_is_seen_by_another_or_kept_by_the_server() -> None:
    app = visitor(file())
    assert "secretcat" in " ".join([*shown(app), html(app)])
    assert of_the_visit() == []
    for path, link in ((HOME, {}), ("pages/gallery.py", {}), ("pages/threshold_lab.py", {"predictions": "Your own"})):
        other = opened(path, **link)
        assert "secret" not in " ".join([*shown(other), html(other)])


def test_what_the_server_keeps_is_seen_by_the_test_above() -> None:
    brought = read_predictions(file(), "mine.csv")
    for keep in (budget.kept()(lambda name: brought), st.cache_resource(lambda name: brought)):
        keep("mine")
        assert of_the_visit() == [brought]
        forget()
        st.cache_resource.clear()
    assert of_the_visit() == []
