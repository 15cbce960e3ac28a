"""Nothing of a link or a file is Markdown or HTML: whatever is quoted of it is text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from functools import partial, partialmethod
from typing import Any

import numpy as np
import pytest
from streamlit.runtime.state.query_params_proxy import QueryParamsProxy
from streamlit.testing.v1 import AppTest

from tests import ROOT
from tests.app_pages import choose, opened
from tests.pages.hostile import MARKS, active, nodes, shown
from ui import page
from ui.words import sentence

Link = dict[str, str | list[str]]
OWN: Link = {"predictions": "Your own"}
TRAIN: Link = {"models": "Train now"}
VIEWS: dict[str, tuple[str, Link]] = {
    **{door.label: (door.path, {}) for door in page.DOORS},
    "own file": ("pages/threshold_lab.py", OWN),
    "costs": ("pages/threshold_lab.py", {"target_4": "Cost", "look_8": "Costs"}),
    "sets": ("pages/threshold_lab.py", {**OWN, "look_7": "Prediction sets"}),
    "train now": ("pages/two_moons.py", TRAIN),
    "own points": ("pages/two_moons.py", {**TRAIN, "t_kind": "Your own points"}),
    "pick": ("pages/digit_lab.py", {"source": "Pick"}),
    "upload": ("pages/digit_lab.py", {"source": "Upload"}),
    "disagreement": ("pages/gallery.py", {"gallery": "Disagreement", "task": "Fashion-MNIST"}),
    "train an ensemble": ("pages/train.py", {"r_task": "MNIST", "r_method_digits": "Deep ensemble"}),
    "board of functions": ("pages/scoreboard.py", {"board": "sine"}),
    "presented": ("pages/regression.py", {"present": "1"}),
}
"""A page in each of its modes: its file, and the link's parameters that choose the mode."""

ELSEWHERE = {"notes", "before", "after", "tour", "present", "go"}
"""Parameters that show something else in the place of a page, or begin a training."""

UNSEEN = {*"\u202e\u2066\x00\x1b"}
ODD: tuple[str | list[str], ...] = (
    *(MARKS[0], "".join(MARKS[1:4]), "".join(MARKS[4:])),
    *("", "inf", "nan", "-1", "1e400", "²", "9" * 4400, "٣" * 40),
    f"{''.join(sorted(UNSEEN))}\N{GRINNING FACE}../../etc/passwd",
    *("nan,nan;inf,inf,0", '[[1e999, null], {"kind": "x"}]', "3_0,1,1e99_2,0,-9e99"),
    ["1", "1", "", "nothing"],
)


def at(view: str, **more: str | list[str]) -> AppTest:
    path, link = VIEWS[view]
    return opened(path, **(more | link))


def asked_for(view: str, monkeypatch: pytest.MonkeyPatch) -> tuple[set[str], AppTest]:
    """The parameters of the page: those of its controls, and those that it reads itself; and the page."""
    asked = set[str]()

    def noted(read: Callable[..., Any], link: QueryParamsProxy, name: str, *more: Any) -> Any:
        asked.add(name)
        return read(link, name, *more)

    with monkeypatch.context() as noting:
        for way in ("get", "get_all", "__getitem__", "__contains__"):
            noting.setattr(QueryParamsProxy, way, partialmethod(partial(noted, getattr(QueryParamsProxy, way))))
        app = at(view)
    return asked | {getattr(getattr(node, "proto", None), "query_param_key", "") for node in nodes(app)} - {""}, app


@pytest.mark.parametrize(
    ("view", "some"),
    [
        ("Regression", {"y_noise", "points"}),
        ("Digit lab", {"drawing", "noise"}),
        ("upload", {"picture"}),
        ("costs", {"costs", "t"}),
        ("own points", {"t_points", "t_seed"}),
        ("train an ensemble", {"r_seed", "r_digits_deep_ensemble_epochs"}),
    ],
)
def test_the_parameters_are_found(view: str, some: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert some <= asked_for(view, monkeypatch)[0]


@pytest.mark.parametrize("view", VIEWS)
def test_odd_values_of_a_link_are_text_or_nothing(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names, plain = asked_for(view, monkeypatch)
    for odd in ODD:
        app = at(view, **dict.fromkeys(names - ELSEWHERE, odd))
        assert app.title[0].value == plain.title[0].value, f"{odd!r} shows another page"
        assert active(app) == []
        texts = "".join(shown(app))
        assert not UNSEEN & {*texts}
        assert "9" * 600 not in texts


def test_odd_values_of_a_tour_and_of_two_links_side_by_side_are_text_or_nothing() -> None:
    for odd in (*ODD, "//[", "https://[::1", "/gallery?x=![](//a.bc/x.png)", "/\\\\a.bc", "javascript:alert(1)"):
        for link in ({"before": odd, "after": odd}, {"tour": odd}):
            app = opened("app.py", **link)
            assert active(app) == []
            assert not UNSEEN & {*"".join(shown(app))}
            for frame in app.get("iframe"):
                assert re.fullmatch(r"/(\w*)(\?.*)?", frame.proto.src, re.DOTALL)


def test_a_text_that_is_quoted_is_shown_as_it_is() -> None:
    app = opened("pages/regression.py", y_noise=MARKS[0])
    assert any("\\!\\[\\]\\(//a\\.bc/x\\.png\\)" in text for text in shown(app))


def test_a_sentence_keeps_commands_and_nothing_else() -> None:
    assert sentence("Run `make x`.\nThen *go*.") == "Run `make x`. Then \\*go\\*."
    for mark in MARKS:
        assert "(//a" not in sentence(f"It is {mark} here; run `make`.").replace("\\(//a", "").split("`")[0]
    assert sentence("``[a](//b)`` `c`") == "\\`\\`\\[a\\]\\(//b\\)\\`\\` `c`"


def test_a_sentence_shows_no_place_on_the_server() -> None:
    said = sentence(
        f"{ROOT}/cached_models/a/w.npz of a is damaged; see {ROOT}/ui/x.py and `git checkout -- {ROOT}/cached_models`."
    )
    assert str(ROOT) not in said.replace("\\", "")
    assert said.replace("\\", "").startswith(
        "cached_models/a/w.npz of a is damaged; see ui/x.py and `git checkout -- cached_models`"
    )


def test_a_file_puts_no_mark_on_a_page() -> None:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet([0.2, 0.2, 0.2], 300).round(4)
    probs[:, 2] = (1 - probs[:, 0] - probs[:, 1]).round(4)
    names = [f"{MARKS[k]}{MARKS[k + 3]}" for k in range(3)]
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(["id", *(f"prob_{name}" for name in names), "label", "group", MARKS[1]])
    for i, row in enumerate(probs):
        label = names[int(rng.choice(3, p=row / row.sum()))]
        writer.writerow([f"{MARKS[i % 7]}{i}", *row, label, MARKS[i % 2], MARKS[2]])
    app = opened("pages/threshold_lab.py", predictions="Your own")
    app.file_uploader[0].set_value((f"{MARKS[0]}{MARKS[2]}.csv", target.getvalue().encode(), ""))
    app.run()
    assert not app.exception
    assert any("accepts" in element.value for element in app.markdown)
    for section in ("examples", "measures", "costs", "classes", "groups", "sets", "home"):
        assert active(choose(app, "look_7", section)) == []
