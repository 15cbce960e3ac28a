"""Nothing of a link or a file is Markdown or HTML: whatever is quoted of it is text."""

from __future__ import annotations

import ast
import csv
import io
import re
from functools import cache

import numpy as np
import pytest

from tests import ROOT
from tests.app_pages import choose, opened
from tests.pages.hostile import MARKS, active, shown
from ui import page
from ui.words import sentence


@cache
def names_of_parameters() -> list[str]:
    """Every word in the program's text that could be the key of a control or a parameter that is read."""
    texts = [path.read_text() for path in (*ROOT.glob("ui/**/*.py"), *ROOT.glob("pages/*.py"))]
    nodes = [node for text in texts for node in ast.walk(ast.parse(text))]
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return sorted(word for word in words if re.fullmatch("[a-z][a-z_0-9]{0,20}", word) and word != "go")


def test_the_parameters_are_found() -> None:
    assert {"y_noise", "points", "drawing", "picture", "roles", "risk", "point", "noise"} <= {*names_of_parameters()}


@pytest.mark.parametrize("path", [door.path for door in page.DOORS])
def test_a_link_puts_no_mark_on_a_page(path: str) -> None:
    for text in (*MARKS[:1], "".join(MARKS[1:4]), "".join(MARKS[4:])):
        for more in ({}, {"predictions": "Your own", "show": "Train now", "source": "Upload", "kind": "own"}):
            link = {name: text for name in names_of_parameters() if name != "go"} | more
            assert active(opened(path, **link)) == []
            if path not in ("pages/threshold_lab.py", "pages/digit_lab.py", "pages/two_moons.py"):
                break


@pytest.mark.parametrize(
    "text", ["9" * 4400, "²", "٣" * 400, "1e400", "-0.0"]
)  # of digits, and no number or an odd one
@pytest.mark.parametrize("path", [door.path for door in page.DOORS])
def test_a_link_of_odd_numbers_is_no_exception(path: str, text: str) -> None:
    opened(path, **{name: text for name in names_of_parameters() if name != "go"})


@pytest.mark.parametrize("text", ["inf", "-inf", "1e999", "9" * 4400])
def test_a_whole_number_of_a_link_that_is_infinite_is_as_if_it_were_not_there(text: str) -> None:
    whole = ("epochs", "width", "depth", "seed", "n_points", "n_members")
    opened("pages/two_moons.py", models="Train now", **{f"t_{name}": text for name in whole})
    fields = ("epochs", "batch_size", "n_members")
    of_method = {f"r_digits_deep_ensemble_{name}": text for name in fields}
    opened("pages/train.py", r_task="digits", r_method_digits="deep_ensemble", r_seed=text, **of_method)
    opened("pages/digit_lab.py", source="Pick", number=text)


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
