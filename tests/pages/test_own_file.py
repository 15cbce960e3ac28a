"""A visitor's own file in the threshold lab: read, said what it was understood as, corrected, and kept apart."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from playwright.sync_api import Page, expect
from pyarrow import feather, parquet
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Expander, Node

from tests.app_pages import checked as whole
from tests.app_pages import choose, component, html, opened, spaced, tables, unmarked
from tests.browsing import Visit, needs_browser, settle
from tests.prediction_files import npz
from ui.threshold import readback, roles_table
from ui.words import threshold_lab as words
from uqcore.predictions import Asked, Roles, breast_cancer, first_cells, read_back, read_predictions
from uqcore.selection import ThresholdPolicy, certify
from uqcore.text import fine_percent
from uqcore.tuning import ROUND_RISKS, Goal, round_risk, study, tune
from uqcore.types import UqError

PAGE = "pages/threshold_lab.py"
N = 400
RNG = np.random.default_rng(3)
PROBS = RNG.dirichlet([0.3, 0.3, 0.3], N).round(5)
PROBS[:, 2] = (1 - PROBS[:, 0] - PROBS[:, 1]).round(5)
LABELS = (RNG.random((N, 1)) < PROBS.cumsum(axis=1)).argmax(axis=1)
NAMES = ("cat", "dog", "emu")


def columns(names: tuple[str, ...] = NAMES, label: str = "truth") -> dict[str, list[Any]]:
    """A table with the classes in its head and in its labels."""
    of_classes = {name: PROBS[:, k].tolist() for k, name in enumerate(names)}
    return {"id": [f"r{i}" for i in range(N)]} | of_classes | {label: [names[k] for k in LABELS]}


def text(table: Mapping[str, list[Any]], sep: str = ",") -> bytes:
    target = io.StringIO()
    csv.writer(target, delimiter=sep).writerows([list(table), *zip(*table.values(), strict=True)])
    return target.getvalue().encode()


def arrow(write: Any) -> bytes:
    buffer = io.BytesIO()
    write(pa.table(columns()), buffer)
    return buffer.getvalue()


def records() -> list[dict[str, Any]]:
    table = columns()
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def npy_of(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def excel() -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book, buffer, table = openpyxl.Workbook(), io.BytesIO(), columns()
    for row in [list(table), *zip(*table.values(), strict=True)]:
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[], bytes]] = {
    "mine.csv": lambda: text(columns()),
    "mine.tsv": lambda: text(columns(), "\t"),
    "mine.csv.gz": lambda: gzip.compress(text(columns())),
    "mine.parquet": lambda: arrow(parquet.write_table),
    "mine.feather": lambda: arrow(feather.write_feather),
    "mine.xlsx": excel,
    "mine.json": lambda: json.dumps(records()).encode(),
    "mine.jsonl": lambda: "\n".join(map(json.dumps, records())).encode(),
    "mine.npz": lambda: npz(scores=PROBS, y=LABELS, class_names=np.array(NAMES)),
}


def lab(**link: str) -> AppTest:
    return opened(PAGE, predictions="Your own", **link)


def brought(app: AppTest, name: str, data: bytes) -> AppTest:
    """The page after this file was chosen."""
    app.file_uploader[0].set_value((name, data, ""))
    return whole(app.run())


def labelled(app: AppTest, name: str, data: bytes) -> AppTest:
    app.file_uploader[1].set_value((name, data, ""))
    return whole(app.run())


def said(app: AppTest) -> str:
    """The sentences of the page, as they are read."""
    return spaced(" ".join(unmarked(element.value.replace("\\", "")) for element in app.markdown))


def understood(app: AppTest) -> str:
    """What a file was understood as, as it is read."""
    return next(box.label.replace("\\", "") for box in app.expander if "examples" in box.label)


def with_tables(app: AppTest) -> AppTest:
    """The page after the sentence of what a file was understood as was opened."""
    app.session_state[readback.KEY] = True
    return whole(app.run())


def notes(app: AppTest) -> str:
    return " ".join(element.value.replace("\\", "") for element in [*app.caption, *app.warning])


def nodes(block: Block) -> Iterator[Node]:
    """All that is on the page, from top to bottom."""
    for _, node in sorted(block.children.items()):
        if not isinstance(node, Block) or node.proto is not None:
            yield node
        if isinstance(node, Block):
            yield from nodes(node)


def policy(app: AppTest) -> ThresholdPolicy:
    return ThresholdPolicy.from_json(choose(app, "look_6", "home").code[1].value)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_of_every_format_is_read_and_says_what_it_holds(name: str) -> None:
    data = FORMATS[name]()
    app = brought(lab(), name, data)
    predictions = read_predictions(data, name)
    assert understood(app) == f"{name}: {read_back(predictions).sentence}"
    assert f"**{name}** accepts" in said(app)
    assert policy(app).fingerprint == predictions.fingerprint


def test_what_a_file_holds_stands_before_any_number_made_of_it() -> None:
    app = brought(lab(), "mine.csv", text(columns()))
    told = [node for node in nodes(app.main) if node.type != "html"]  # the page's words, which say what accepting is
    order = [node for node in told if node.type == "expander" or "accepts" in str(node.proto)]
    assert isinstance(order[0], Expander)
    assert "400 examples" in order[0].label
    assert not any(box.proto.expanded for box in app.expander if "examples" in box.label)
    assert len(app.dataframe) == 0  # they are made when somebody looks
    first = with_tables(app).dataframe[0].value
    assert first.shape[0] == 10
    assert first.iloc[:, 0].tolist() == [f"r{i}" for i in range(10)]
    assert "Read 'cat', 'dog', 'emu' as probabilities, 'truth' as the label, 'id' as the id." in notes(app)
    assert "This tab keeps a file of up to some megabytes over a reload" in notes(app)


def test_classes_in_another_order_are_a_warning_and_open_the_table() -> None:
    order = dict(zip(("dog", "emu", "cat"), PROBS.T.tolist(), strict=True))
    app = brought(lab(), "order.csv", text(order | {"truth": columns()["truth"]}))
    assert "check the order of the classes and the column of labels" in notes(app)
    assert any(box.proto.expanded for box in app.expander if "examples" in box.label)


def test_an_array_gets_its_labels_from_a_second_file() -> None:
    arrays = [npy_of(array) for array in (PROBS.astype(np.float32), LABELS)]
    app = brought(lab(), "y_proba.npy", arrays[0])
    assert understood(app).endswith("no labels.")
    app = labelled(app, "y_test.npy", arrays[1])
    accuracy = np.mean(PROBS.argmax(axis=1) == LABELS)
    assert f"accuracy {fine_percent(accuracy)}" in understood(app)
    assert "Predictions from y_proba.npy, true labels from y_test.npy." in notes(app)
    app = labelled(app, "short.npy", arrays[1][:-8])
    assert [warning.value for warning in app.warning] != []
    assert "accepts" not in said(app)


# Roles


def edit(monkeypatch: pytest.MonkeyPatch, app: AppTest, **roles: str) -> AppTest:
    """The page after these columns were given these roles, which is done in a canvas, and the button was pressed."""

    def edited(table: Mapping[str, list[str]], **looks: Any) -> Mapping[str, list[str]]:
        given = [roles.get(name, roles_table.NOT_USED) for name in table["column"]]
        return {"role": given, "class": [""] * len(given)}

    monkeypatch.setattr("ui.threshold.roles_table.st.data_editor", edited)
    app = whole(app.run())
    next(button for button in app.button if button.label == "Read again with these roles").click()
    app.run()
    monkeypatch.undo()
    return whole(app.run())


def two_labels() -> bytes:
    one = (LABELS > 0).astype(int)
    return text({"a": PROBS[:, 0].tolist(), "b": (1 - PROBS[:, 0]).round(5).tolist(), "target_1": one.tolist(),
                 "target_2": (1 - one).tolist()})  # fmt: skip


def test_what_cannot_be_told_is_asked_and_the_answer_is_in_the_link_and_in_the_policy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = brought(lab(), "two.csv", two_labels())
    assert "Expected one column of true labels. Received several that could be: 'target_1', 'target_2'" in notes(app)
    assert "accepts" not in said(app)
    table = app.data_editor[0].value
    assert table["column"].tolist() == ["a", "b", "target_1", "target_2"]
    assert table["role"].tolist() == ["values", "values", "not used", "not used"]
    app = edit(monkeypatch, app, a="values", b="values", target_1="true label")
    roles = Roles("probs", ("a", "b"), label="target_1")
    assert "**two.csv** accepts" in said(app)
    assert Roles.from_json(app.query_params["roles"]) == roles
    assert Roles.from_dict(policy(app).roles or {}) == roles
    again = brought(lab(roles=roles.to_json()), "two.csv", two_labels())
    assert understood(again) == understood(app)
    assert "The roles of the columns are those of the link." in notes(again)


def test_a_role_given_by_mistake_is_one_sentence_and_can_be_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = brought(lab(), "mine.csv", text(columns()))
    before = understood(app)
    app = edit(monkeypatch, with_tables(app), cat="values", dog="values", emu="values", id="true label")
    assert "accepts" not in said(app)
    assert [warning.value for warning in app.warning] != []
    assert app.data_editor[0].value["role"].tolist() == ["true label", "values", "values", "values", "not used"]
    next(button for button in app.button if button.label == "Find the roles").click()
    app = whole(app.run())
    assert understood(app) == before


@pytest.mark.parametrize("roles", ["{", "[]", '{"kind":"probs"}', Roles("probs", ("nothing", "here")).to_json()])
def test_roles_in_the_link_that_do_not_fit_leave_the_file_as_it_is(roles: str) -> None:
    app = brought(lab(roles=roles), "mine.csv", text(columns()))
    assert understood(app) == understood(brought(lab(), "mine.csv", text(columns())))
    assert ("The roles of the link do not fit" in notes(app)) == ("nothing" in roles)


def test_an_edited_table_is_what_it_says() -> None:
    start = Roles("probs", ("p1", "p2"), ("no", "yes"), label="y", ids=("id",))
    rows = ["id", "p1", "p2", "y", "site"]
    roles = ["id", "values", "values", "true label", "group"]
    as_before = roles_table.said(rows, {"role": roles, "class": ["", "no", "yes", "", ""]}, "probs", start)
    assert as_before == Roles("probs", ("p1", "p2"), ("no", "yes"), label="y", ids=("id",), group="site")
    swapped = roles_table.said(rows, {"role": roles, "class": ["", "yes", "no", "", ""]}, "logits", start)
    assert (swapped.kind, swapped.classes) == ("logits", ("yes", "no"))
    one = ["id", "not used", "values", "true label", "not used"]
    score = roles_table.said(rows, {"role": one, "class": ["", "", "no, yes", "", ""]}, "probs", start)
    assert score == Roles("probs", ("p2",), ("no", "yes"), label="y", ids=("id",))
    assert roles_table.said([], {"class": ["a,b"]}, "logits", None) == Asked(kind="logits", classes=("a", "b"))


@pytest.mark.parametrize(
    ("roles", "classes", "message"),
    [
        (["not used", "true label"], ["", ""], "at least one column of values"),
        (["true label", "true label"], ["", ""], "one column as the true label. Received 'a' and 'b'"),
        (["values", "values"], ["x", ""], "a class for each column of values, or for none. Received none for 'b'"),
    ],
)
def test_a_table_that_says_no_roles_is_one_sentence(roles: list[str], classes: list[str], message: str) -> None:
    rows, also = ["a", "b", "c"], "values" if roles[0] == "true label" else "not used"
    with pytest.raises(UqError, match=message):
        roles_table.said(rows, {"role": [*roles, also], "class": [*classes, ""]}, "probs", None)


def test_columns_without_a_row_keep_their_roles() -> None:
    names = tuple(f"c{k}" for k in range(300))
    start = Roles("probs", names, tuple(f"class {k}" for k in range(300)), label="y")
    cells: dict[str, list[str]] = {name: ["0.1"] for name in (*names, "y")}
    rows = roles_table.in_order(cells, start)
    assert len(rows) == roles_table.MOST_ROWS
    assert "y" in rows
    edited = {"role": ["true label" if name == "y" else "values" for name in rows],
              "class": ["" if name == "y" else f"class {name[1:]}" for name in rows]}  # fmt: skip
    assert roles_table.said(rows, edited, "probs", start) == start


# What it opens with


def test_ones_own_data_open_at_the_smallest_round_risk_that_can_be_promised() -> None:
    data = text(columns())
    app = brought(lab(), "mine.csv", data)
    mine = study(read_predictions(data, "mine.csv"), "predictive_entropy")
    risk = round_risk(mine)
    assert risk is not None
    assert f"Guaranteed: **at most {100 * risk:g} % of the accepted wrong" in said(app)
    assert f"{100 * risk:g} % was chosen on these examples; the promise allows for that" in html(app)
    found = certify(mine.calibration.ranking, risk, 0.05 / len(ROUND_RISKS))
    assert policy(app).thresholds == (found.threshold,)
    assert "risk" not in app.query_params


def test_a_risk_that_was_set_is_a_goal_of_its_own_and_stays_with_the_next_file() -> None:
    app = brought(lab(), "mine.csv", text(columns()))
    next(number for number in app.number_input if number.label == "Risk at most (%)").set_value(25.0)
    app = whole(app.run())
    assert app.query_params["risk"] == "25"
    assert "This holds for one goal set beforehand" in html(app)
    mine = study(read_predictions(text(columns()), "mine.csv"), "predictive_entropy")
    assert policy(app).thresholds == tune(mine, Goal("risk", 0.25)).policy.thresholds
    app = brought(app, "other.csv", text(columns(("ant", "bee", "cow"))))
    assert "Guaranteed: **at most 25 % of the accepted wrong" in said(app)


def test_where_no_risk_can_be_promised_it_opens_with_a_coverage() -> None:
    table = {name: values[:40] for name, values in columns().items()}
    app = brought(lab(), "few.csv", text(table))
    assert "Accepts at least 95 % of 20 calibration examples" in html(app)
    app = choose(app, "target_3_few", "risk")
    assert "No threshold can promise at most 5 % wrong" in html(app)


def test_until_a_file_is_brought_a_public_example_is_shown_with_a_result() -> None:
    app = lab()
    of_file = read_predictions(breast_cancer.FILE, breast_cancer.NAME)
    assert of_file.class_names == ("malignant", "benign")
    assert of_file.group is not None
    assert {*of_file.group.tolist()} == {"small", "middle", "large"}
    assert understood(app) == f"{breast_cancer.NAME}: {read_back(of_file).sentence}"
    assert said(app).count("Guaranteed: **at most 10 % of the accepted wrong, with 95 % confidence**") == 1
    assert "The simulated example: 300 examples, 60 of them unseen (OOD)" in understood(
        choose(app, "example", "simulated")
    )


def test_the_numbers_of_either_part_are_named() -> None:
    app = lab()
    assert "Held-out part: 285 examples" in html(app)
    header, _ = component(app)
    assert header["part"] == words.of_which_part(284, 285)


def test_a_risk_by_weight_is_a_switch_where_there_are_weights() -> None:
    assert not any(toggle.key == "by_weight" for toggle in lab().toggle)
    table = columns() | {"weight": [1 + i % 2 for i in range(N)]}
    app = brought(lab(), "mine.csv", text(table))
    assert "Weights from 1 to 2 count in a weighted risk, and by weight the accuracy is" in notes(app)
    app = whole(app.toggle(key="by_weight").set_value(True).run())
    linked = brought(lab(by_weight="true"), "mine.csv", text(table))
    mine = study(read_predictions(text(table), "mine.csv"), "predictive_entropy")
    risk = round_risk(mine)
    assert risk is not None
    wanted = tune(mine, Goal("risk", risk, n_tried=len(ROUND_RISKS), weighted=True))
    assert wanted.promise in unescape(html(app))
    assert html(linked) == html(app)


# Groups


def test_groups_are_shown_with_a_risk_for_all_at_once() -> None:
    app = choose(lab(), "look_7", "groups")
    of_threshold, certified = tables(app)[-2:]
    assert [row[0] for row in of_threshold] == ["group", "large", "middle", "small"]
    assert sum(int(row[1]) for row in of_threshold[1:]) == 285
    accepted = sum(round(int(row[1]) * float(row[2].split()[0]) / 100) for row in of_threshold[1:])
    assert accepted == 237  # as the answer says of all
    assert sum(int(row[4]) for row in of_threshold[1:]) == 16
    named = re.findall(r"(needed|too many wrong)\)", html(app))
    assert [row[-3] for row in certified[1:]].count("defers all") == len(named)
    assert "middle" in html(app).split("Deferred altogether:")[1]
    assert "nan" not in html(app)


@pytest.mark.parametrize("target", ["coverage", "cost"])
def test_groups_are_counted_whatever_the_target(target: str) -> None:
    app = choose(choose(lab(), "target_3", target), "look_7", "groups")
    assert tables(app)[-1][0][0] == "group"
    assert [one.value for one in app.info] == ["Choose the target Risk to have it promised for every group at once."]


# What stands in a file


def test_names_of_any_length_neither_break_the_page_nor_grow_it() -> None:
    def size(length: int) -> int:
        names = ("x" * length, "**y** <b>" + "y" * length, "z_" * (length // 2))
        app = brought(lab(), "long.csv", text(columns(names)))
        for section in ("classes", "examples"):
            app = choose(app, "look_6", section)
            assert not any("**y" in element.value for element in [*app.caption, *app.warning, *app.markdown])
            assert "<b>y" not in html(app).replace("<b>y</b>", "")
        app = choose(app, "look_6", "classes")
        assert max(len(row[0]) for row in tables(app)[-1]) <= 40
        app = with_tables(app)
        protos = (getattr(node, "proto", None) for node in nodes(app.main))
        return sum(len(proto.SerializeToString()) for proto in protos if proto is not None)

    assert size(9000) - size(1000) < 2000


def test_a_name_of_a_file_is_no_markdown() -> None:
    app = brought(lab(), "![x](http://x) **b**.csv", text(columns()))
    assert "\\!\\[x\\]\\(http\\://x\\)" in next(box.label for box in app.expander if "examples" in box.label)
    app = brought(app, "<b>.csv", b"\x80pickle")
    assert "\\<b\\>\\.csv is a Python pickle" in app.warning[0].value


def test_a_session_of_a_server_started_anew_names_no_file_of_the_last() -> None:
    first, second = lab(), lab()
    assert first.file_uploader[0].id != second.file_uploader[0].id
    assert first.run().file_uploader[0].id == first.file_uploader[0].id


# In a browser

browser_tests = needs_browser


@pytest.fixture(scope="module")
def url(dashboard: str) -> str:
    return f"{dashboard}/threshold_lab?predictions=Your+own"


def upload(page: Page, name: str, data: bytes) -> None:
    page.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


@browser_tests
def test_ids_come_back_in_the_decisions_and_other_files_are_refused_in_a_sentence(visit: Visit, url: str) -> None:
    page = visit(f"{url}&look_6=Take+home", ready="[data-testid=stFileUploader]")
    upload(page, "mine.csv", text(columns()))
    expect(page.get_by_text("mine.csv accepts")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Decisions (CSV)").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert [row["id"] for row in rows] == columns()["id"]
    upload(page, "model.pkl", b"\x80\x04pickle")
    expect(page.get_by_role("alert")).to_contain_text("model.pkl is a Python pickle")
    settle(page)
    expect(page.get_by_text("mine.csv")).to_have_count(0)


@browser_tests
def test_a_file_and_its_labels_survive_a_reload_in_this_tab_until_they_are_taken_out(visit: Visit, url: str) -> None:
    page = visit(url, ready="[data-testid=stFileUploader]")
    first, second = (npy_of(array) for array in (PROBS.astype(np.float32), LABELS))
    upload(page, "p.npy", first)
    expect(page.get_by_text("p.npy accepts")).to_be_visible()
    page.get_by_text("True labels in a second file").click()
    field = page.locator("input[type=file]").nth(1)
    field.set_input_files({"name": "y.npy", "mimeType": "application/octet-stream", "buffer": second})
    said = page.get_by_text("accuracy").first
    expect(said).to_be_visible()
    before = said.inner_text()
    page.wait_for_function("Object.keys(sessionStorage).length === 2")
    page.reload()
    expect(page.get_by_text("p.npy accepts")).to_be_visible()
    expect(page.get_by_text("accuracy").first).to_have_text(before)
    other = visit(url, ready="[data-testid=stFileUploader]")
    assert other.evaluate("Object.keys(sessionStorage)") == []
    settle(page)
    page.get_by_role("button", name="Remove").first.click()
    page.get_by_role("button", name="Back to the example").click()
    page.wait_for_function("Object.keys(sessionStorage).length === 0")
    page.reload()
    expect(page.get_by_text("Breast cancer (Wisconsin) accepts")).to_be_visible()


@browser_tests
def test_a_link_to_ones_own_predictions_is_whole_as_soon_as_it_is_there(visit: Visit, url: str) -> None:
    """What keeps the file has no height, and was waited for: nothing was seen for four seconds."""
    visit(url, ready="html[data-whole] h1")


@browser_tests
def test_a_phone_does_not_scroll_sideways_with_long_names(visit: Visit, url: str) -> None:
    page = visit(url, ready="[data-testid=stFileUploader]", width=390, height=844, has_touch=True, is_mobile=True)
    upload(page, "long.csv", text(columns(("a" * 500, "b " * 250 + "b", "c"))))
    expect(page.get_by_text("long.csv accepts")).to_be_visible()
    settle(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 391


@pytest.mark.parametrize(("data", "n_asked"), [(b'{"probs": [', 0), (b"x,y\na,c\nb,d\n", 1)])
def test_a_file_that_cannot_be_opened_is_not_opened_twice(
    data: bytes, n_asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    def cells(data: bytes, name: str, **limits: Any) -> dict[str, list[str]]:
        asked.append(data)
        return first_cells(data, name, **limits)

    monkeypatch.setattr("ui.threshold.brought.first_cells", cells)
    assert "Expected" in notes(brought(lab(), "mine.dat", data))
    assert len(asked) == n_asked
