"""What a client sends for a widget that no browser would: of another type, out of its range, none at all."""

from __future__ import annotations

import logging
import sys
from itertools import zip_longest
from pathlib import Path

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests import ROOT
from tests.browsing import started
from tests.hostile_client import Client, run
from ui import log

OWN = "predictions=Your+own"
VIEWS = [
    ("", "tour=4"),
    ("two_moons", "models=Train+now"),
    ("two_moons", "models=Train+now&t_kind=Your+own+points"),
    ("digit_lab", "source=Pick"),
    ("threshold_lab", ""),
    ("threshold_lab", OWN),
    ("threshold_lab", "target_4=Cost&look_8=Costs"),
    ("threshold_lab", "look_8=Groups"),
    ("regression", ""),
    ("gallery", ""),
    ("gallery", "gallery=Disagreement"),
    ("train", ""),
    ("train", "r_task=MNIST&r_method_digits=Deep+ensemble"),
    ("train", "r_method_moons=SNGP"),
    ("scoreboard", ""),
]
NAN, INF = float("nan"), float("inf")
_STRINGS = ("", "nothing", "\x00", "![](//a.bc/x.png)", "9" * 400)
_JSON = ("null", "3", "[]", '{"threshold": NaN, "points": [[1e999, null]], "strokes": "x", "choice": -1, "added": {}}')


def in_type(widget: str, kind: str) -> list[WidgetState]:
    """Values that are no widget's of this kind, but of its type; and none."""
    sent = [WidgetState(id=widget)]
    for number in (NAN, INF, -INF, 1e308, -5.0, 0.3):
        if kind == "slider":
            sent.append(WidgetState(id=widget))
            sent[-1].double_array_value.data.append(number)
    if kind == "number_input":
        sent += [WidgetState(id=widget, double_value=number) for number in (1e308, -5.0, 1e9)]
    if kind == "selectbox":
        sent += [WidgetState(id=widget, string_value=text) for text in _STRINGS]
    if kind in ("button_group", "multiselect"):
        for texts in ([], ["nothing"], ["nothing"] * 1000):
            sent.append(WidgetState(id=widget))
            sent[-1].string_array_value.data.extend(texts)
            sent[-1].string_array_value.SetInParent()
    if kind == "bidi_component":
        sent += [WidgetState(id=widget, json_value=text) for text in _JSON]
    return sent


def of_another_type(widget: str) -> list[WidgetState]:
    several = WidgetState(id=widget)
    several.double_array_value.data.extend([NAN, INF])
    return [
        several,
        WidgetState(id=widget, string_value="x"),
        WidgetState(id=widget, int_value=2**63 - 1),
        WidgetState(id=widget, double_value=NAN),
        WidgetState(id=widget, bytes_value=b"\xff"),
    ]


@pytest.mark.parametrize(("page", "query"), VIEWS)
def test_a_value_of_the_right_type_takes_no_page_down(dashboard: str, page: str, query: str) -> None:
    async def send() -> None:
        async with Client(dashboard) as client:
            seen = await client.ask(page, query)
            values = [in_type(widget, kind) for widget, kind in seen.widgets.items()]
            for states in zip_longest(*values):
                answer = await client.ask(page, query, [state for state in states if state is not None])
                assert answer.exceptions == [], states

    run(send())


def test_a_value_of_another_type_harms_nobody_else(tmp_path: Path) -> None:
    """Streamlit fails at it, before our script runs: the sender is told that, no more; the log has a line of it."""
    path, n_failed = tmp_path / "log", 0

    async def send(url: str) -> None:
        nonlocal n_failed
        async with Client(url) as other:
            widgets = dict((await other.ask("train")).widgets)
            of_each_kind = {kind: widget for widget, kind in widgets.items() if kind != "bidi_component"}
            for widget in of_each_kind.values():  # Streamlit logs itself, and whole, what a component's state is not
                for state in of_another_type(widget):
                    async with Client(url) as client:
                        await client.ask("train")
                        answer = await client.ask("train", "", [state])
                        n_failed += len(answer.exceptions)
                        told = "".join(answer.exceptions + answer.traces)
                        assert "Traceback" not in told
                        assert str(ROOT) not in told
                        assert ".py" not in told
                answer = await other.ask("train")
                assert answer.exceptions == []
                assert answer.widgets == widgets

    with path.open("wb") as to, started("app.py", log=to) as server:
        run(send(server.url))
    said = path.read_text()
    assert n_failed > 5
    assert said.count("A client sent what no widget has") >= n_failed
    assert "Traceback" not in said
    assert all(len(line) < 400 for line in said.splitlines())


def test_a_failure_of_ours_is_logged_whole() -> None:
    try:
        raise TypeError("ours")
    except TypeError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "Uncaught app execution", (), sys.exc_info())
    assert log.OneLine().filter(record)
    assert record.exc_info is not None
    assert record.getMessage() == "Uncaught app execution"
