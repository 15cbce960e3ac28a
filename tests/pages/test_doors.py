"""Odd contents of what visitors bring to the threshold lab: a right answer or one sentence, and the page works on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup

from tests.app_pages import checked, choose, opened, spaced, unmarked
from tests.pages.hostile import MARKS, active, shown
from tests.prediction_files import npz, table

N = 400
_LOOKS = {f"look_{n}" for n in range(2, 12)}
RNG = np.random.default_rng(0)
PROBS = RNG.dirichlet([0.05, 0.05, 0.05], N).astype(np.float32)  # sure enough for a risk to be certified
LABELS = (PROBS.cumsum(axis=1) > RNG.random((N, 1))).argmax(axis=1)
COLUMNS = "p_0,p_1,p_2,label"
ROWS = [f"{a:.9f},{b:.9f},{c:.9f},{label}" for (a, b, c), label in zip(PROBS, LABELS, strict=True)]


def with_column(name: str, cells: list[str]) -> bytes:
    """The predictions, with one column more."""
    return table(f"{COLUMNS},{name}", *(f"{row},{cell}" for row, cell in zip(ROWS, cells, strict=True)))


def brought(data: bytes, name: str = "mine.csv", **link: str) -> AppTest:
    app = opened("pages/threshold_lab.py", predictions="Your own", **link)
    app.file_uploader[0].set_value((name, data, ""))
    return checked(app.run())


def sections(app: AppTest) -> ButtonGroup[Any]:
    (row,) = (each for each in app.get("button_group") if isinstance(each, ButtonGroup) and each.key in _LOOKS)
    return row


def look(app: AppTest, section: str) -> AppTest:
    return choose(app, str(sections(app).key), section)


def said(app: AppTest) -> list[str]:
    """The sentences of warnings and errors, without what Markdown needs before signs."""
    return [spaced(each.value).replace("\\", "") for each in (*app.warning, *app.error)]


def answers(app: AppTest) -> bool:
    return any(" accepts " in spaced(unmarked(text)) for text in shown(app))


def each_section(app: AppTest) -> None:
    """Every section is shown, and nothing of it is infinite or no number."""
    for section in ("examples", "measures", "costs", "classes", "sets", "home"):
        app = look(app, section)
        texts = " ".join([*shown(app), *shown(app, html=True)])
        assert not {"inf", "-inf", "nan"} & {*texts.replace("<", " ").replace(">", " ").split()}


@pytest.mark.parametrize("weight", ["1e308", "5e-324", "1.7976931348623157e308"])
def test_weights_of_any_size_count_as_they_are(weight: str) -> None:
    app = brought(with_column("weight", [weight] * N), target_3="Risk", risk="40", by_weight="true")
    assert app.toggle(key="by_weight").value
    assert answers(app)
    assert said(app) == []
    each_section(app)


def test_weights_that_are_all_nothing_are_told_and_the_page_works_on() -> None:
    app = brought(with_column("weight", ["0"] * N), target_3="Risk", by_weight="true")
    assert any("No threshold" in unmarked(text) for text in shown(app))
    assert any(sentence.startswith("A weighted risk needs weights above 0.") for sentence in said(app))
    app.toggle(key="by_weight").set_value(False)
    assert answers(checked(app.run()))


LARGEST = np.finfo(np.float32).max
SIGNS = np.random.default_rng(0).choice([-1, 1], (2, N, 3)).astype(np.float32)
ODD: dict[str, dict[str, Any]] = {
    "largest": {"logits": LARGEST * SIGNS},
    "all the largest": {"logits": np.full((2, N, 3), LARGEST)},
    "denormal": {"logits": np.float32(1e-44) * SIGNS[0]},
    "sure": {"probs": np.tile(np.array([[1, 1e-45, 0]], np.float32), (N, 1))},
    "scores": {"logits": np.log(PROBS + 1e-9), "score": LARGEST * SIGNS[0, :, 0]},
    "denormal scores": {"logits": np.log(PROBS + 1e-9), "score": np.float32(1e-44) * SIGNS[0, :, 0]},
    "closed form": {
        "logits": LARGEST * SIGNS,
        "mean_logits": LARGEST * SIGNS[0],
        "variance": np.full(N, LARGEST / 2),
        "mean_field_factor": np.array(2.0),
    },
}


@pytest.mark.parametrize("name", ODD)
def test_numbers_near_the_ends_of_floats(name: str) -> None:
    app = brought(npz(labels=LABELS, **ODD[name]), "mine.npz")
    assert answers(app)
    each_section(app)
    for i in range(len(app.selectbox(key="by").options)):
        app.selectbox(key="by").select_index(i)
        app = checked(app.run())
        assert answers(app)


def example(**link: str) -> AppTest:
    """The example of two classes, which a link's costs can be of."""
    return opened("pages/threshold_lab.py", predictions="Your own", **link)


@pytest.mark.parametrize("costs", ["2_0,1,1e99", "2_1,0,-9e99_0,1,1e12", "2_0,1,999999999999e99"])
def test_costs_of_a_link_beyond_all_units_are_told(costs: str) -> None:
    app = example(target_3="Cost", costs=costs)
    assert any("Every cost must be at most 1e+12" in sentence for sentence in said(app))
    assert answers(choose(app, "target_3", "coverage"))


def test_costs_of_the_largest_size_are_worked_out() -> None:
    app = example(target_3="Cost", cost_deferral="1000000", costs="2_0,1,1e12_1,0,1e12")
    each_section(app)
    app = look(app, "costs")
    for varied in ("deferral", "error"):
        app = choose(app, "vary", varied)
        assert answers(app)
        assert said(app) == []


GROUPS = {
    "empty": ["", ""],
    "no group": ["(none)", ""],
    "numbers and texts": ["1", "a"],
    "marks": ["<img src=//a.bc>", "![](//a.bc/x.png)"],
    "quotes": ['"a""b"', "'"],
    "spaces": [" a", "a "],
    "thousand": ["x" * 1000, "b"],
    "line break": ['"a\nb"', "b"],
    "control": ["a\x07", "b"],
    "bidi": ["\u202ea\u2066", "b"],
    "unseen": ["\u200b", "b"],
    "book": ["x" * 100_000, "b"],
}


@pytest.mark.parametrize("name", GROUPS)
def test_groups_of_any_name_are_certified_or_told_with_what_to_do(name: str) -> None:
    app = brought(with_column("group", [GROUPS[name][i % 2] for i in range(N)]))
    if "Groups" not in sections(app).options:  # a column in which nothing stands has none
        assert name == "empty"
        return
    app = look(app, "groups")
    assert active(app) == []
    problems = said(app)
    assert not {*"\x07\u202e\u2066\u200b"} & {*"".join([*shown(app), *shown(app, html=True)])}
    if name in ("line break", "control", "bidi", "unseen", "book"):
        (problem,) = problems
        assert problem.startswith("Expected names of groups of at most 1,000 characters that can be seen.")
        assert problem.endswith("; give that group another name in the file.")
        assert len(problem) < 250
    else:
        assert problems == []


def test_a_hundred_thousand_groups_are_told() -> None:
    n = 120_000
    names = np.array([f"g{i}" for i in range(n)])
    app = brought(npz(probs=np.tile([[0.7, 0.3]], (n, 1)), labels=np.arange(n) % 3 // 2, group=names), "mine.npz")
    problems = said(look(app, "groups"))
    assert "Expected at most 200 groups. Received 120,000; choose a column that says of which few each example is." in (
        problems
    )


UNSEEN = {*"\x07\u202e\u2066"}
WHOLE = table(COLUMNS, *ROWS)
SEVERAL: dict[str, tuple[dict[str, bytes], str]] = {
    "marks": ({f"{mark}.csv": WHOLE for mark in MARKS}, ""),
    "unseen": ({f"a{''.join(sorted(UNSEEN))}b.csv": WHOLE}, ""),
    "long": ({"x" * 5000: WHOLE}, ""),
    "many": ({f"{i}.csv": WHOLE for i in range(22)}, "Of 23 models the first 20 are kept."),
    "broken": ({"a.csv": b"\0\1", "b.csv": WHOLE}, "a.csv is none of these; save the arrays with np.savez."),
    "empty": ({"a.csv": b""}, "a.csv is empty; save it again."),
    "short": ({"a.csv": table(COLUMNS, *ROWS[:50])}, "give both the same, or ids to match them by."),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_several_files_of_any_name_are_compared_or_told_with_what_to_do(name: str) -> None:
    files, problem = SEVERAL[name]
    app = brought(WHOLE)
    (more,) = (each for each in app.file_uploader if "other models" in each.label)
    more.set_value([(called, data, "") for called, data in files.items()])
    app = checked(app.run())
    if "Models" in sections(app).options:
        app = look(app, "models")
    assert active(app) == []
    assert not UNSEEN & {*"".join([*shown(app), *shown(app, html=True)])}
    assert [sentence.endswith(problem) for sentence in said(app)] == [True] * bool(problem)


def test_classes_with_unseen_names_show_none_of_it() -> None:
    names = [f"{sign}{k}" for k, sign in enumerate(sorted(UNSEEN))]
    app = brought(npz(probs=PROBS, labels=LABELS, class_names=np.array(names)), "mine.npz", target_3="Risk")
    for section in ("examples", "measures", "costs", "classes", "sets", "home"):
        app = look(app, section)
        assert not UNSEEN & {*"".join([*shown(app), *shown(app, html=True)])}
