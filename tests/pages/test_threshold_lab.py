"""The threshold lab: what the server makes of links and clicks, and in a browser what is dragged and uploaded."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from tests.app_pages import (
    answer,
    buttons,
    checked,
    choose,
    component,
    followed,
    hrefs,
    html,
    moved,
    opened,
    plotted,
    seen,
    spaced,
    stops,
    tables,
    unmarked,
)
from tests.browsing import Visit, at, needs_browser, settle, stand_still, until
from tests.prediction_files import npz
from ui import cache, controls
from ui.threshold import cost_matrix
from ui.words import small
from ui.words import threshold_lab as words
from uqcore.datasets import DATASETS, load
from uqcore.datasets.bundled import fashion_mnist
from uqcore.datasets.corruptions import add_noise, rotate
from uqcore.methods import METHODS, of_task
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.answers import MOST_SAMPLES, N_DISTURBED, NOISES, ROTATIONS, Answers, Unseen, levels, predictions_of
from uqcore.predictions import example_file, read_predictions
from uqcore.predictions.examples import FileKind
from uqcore.reproduce import mnist_article
from uqcore.selection.policy import ThresholdPolicy
from uqcore.store import Store
from uqcore.tuning import ROUND_RISKS, Goal, round_risk, study, tune

PAGE = "pages/threshold_lab.py"
TASKS = [task for task in DATASETS if load(task).kept]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "N_TIMED", 2)


def lab(**link: str) -> AppTest:
    """The page as a link with these parameters opens it."""
    return opened(PAGE, **link)


def shown(app: AppTest) -> tuple[dict[str, Any], float]:
    """What the browser was given: its header, and the threshold."""
    header, data = component(app)
    return header, float(np.frombuffer(data, "<f8", 1)[0])


def test_it_opens_with_an_answer_and_a_certified_threshold() -> None:
    app = lab()
    assert re.match(
        r"Guaranteed: \*\*at most 0\.1 % of the accepted wrong, with 95 % confidence\*\*\. "
        r"\*\*MC Dropout\*\* accepts \*\*[\d.]+ %\*\* of 5,000 examples held out, \*\*\d+\*\* of these",
        answer(app),
    )
    assert "✓ At most 0.1 % of what is accepted is wrong, with 95 % confidence" in html(app)
    assert "unseen let through" in html(app)
    header, threshold = shown(app)
    assert header["has_labels"]
    assert 0 < threshold < np.log(10)


@pytest.mark.parametrize(("task", "method"), [(task, method) for task in TASKS for method in of_task(task)])
def test_every_method_of_every_task_has_its_threshold(task: str, method: str) -> None:
    app = lab(task=load(task).title, method=METHODS[method].label)
    assert answer(app).replace("\\", "").count(f"**{METHODS[method].label}** accepts") == 1


def test_each_target_is_one_click_and_says_what_it_promises() -> None:
    app = lab()
    thresholds = [shown(app)[1]]
    for target, says in (
        ("cost", "At 1 an error, 0.05 a deferral, 1 an unseen (OOD) example accepted, 5 % unseen: cheapest on 5,000"),
        ("coverage", "Accepts at least 95 % of 5,000 calibration examples"),
        ("ood_accepted", "Lets through at most 5 % of 5,000 unseen examples"),
    ):
        app = choose(app, "target_4", target)
        assert says in html(app)
        thresholds.append(shown(app)[1])
    assert len(set(thresholds)) == 4


def test_a_threshold_in_the_link_is_by_hand_and_promises_nothing() -> None:
    app = lab(t="0.5")
    assert "Chosen by hand: nothing is promised." in html(app)
    assert answer(app).startswith("Set by hand, nothing is promised. **MC Dropout** accepts")
    app = choose(app, "target_4", "coverage")
    assert "Accepts at least 95 %" in html(app)
    assert "t" not in app.query_params


def test_a_target_out_of_reach_is_said_with_how_many_examples_it_would_take() -> None:
    app = lab(risk="0.02")
    assert re.search(r"No threshold can promise at most 0.02 % wrong .* about [\d,]+ would be needed", html(app))
    said = re.fullmatch(
        r"No threshold can guarantee at most 0.02 % of the accepted wrong, with 95 % confidence. The smallest risk "
        r"that could be guaranteed here is \*\*(0.\d+) %\*\*. "
        r"\*\*MC Dropout\*\* accepts \*\*nothing\*\* at this threshold.",
        answer(app),
    )
    assert said
    assert answer(lab(risk=said[1])).startswith("Guaranteed: ")


def test_thresholds_per_class_list_the_evidence_for_each() -> None:
    app = lab(per_class="true", risk="2")
    assert html(app).count("<tr><th>") >= 10
    assert not plotted(app)
    assert "for each of 10 predicted classes" in html(app)


SECTIONS = ["examples", "methods", "measures", "costs", "classes", "sets", "home"]


@pytest.mark.parametrize("section", [*SECTIONS, "article"])
@pytest.mark.parametrize("target", ["risk", "cost"])
def test_every_section_opens(section: str, target: str) -> None:
    app = choose(lab(), "target_4", target)
    app = choose(app, "look_8", section)
    assert [error.value for error in app.error] == []
    if section == "methods":
        assert all(METHODS[method_id].label in html(app) for method_id in of_task("digits"))
    if section == "article":
        assert all(name in html(app) for name in ("clean", "noise", "Fashion-MNIST"))


# What the models have learnt


@pytest.mark.parametrize("task", TASKS)
def test_every_task_opens_with_its_usual_risk_certified_and_its_own_unseen(task: str) -> None:
    dataset = load(task)
    others = [name for name in dataset.kept if name != "test"]
    app = lab(task=dataset.title)
    risk, n_held_out = f"at most {100 * dataset.usual_risk:g} %", f"{len(dataset.test) - len(dataset.test) // 2:,}"
    said = answer(app)
    assert said.startswith(
        f"Guaranteed: **{risk} of the accepted wrong, with 95 % confidence**. **MC Dropout** accepts"
    )
    assert f"of {n_held_out} examples held out" in said
    assert "slips through" in said
    (unseen,) = app.checkbox
    assert unseen.label == f"Unseen: {' and '.join(dataset.title_of(name) for name in others)}"
    without = lab(task=dataset.title, **{"_".join(others): "false"})
    assert "slips through" not in answer(without)
    assert shown(without)[1] > 0


def test_garments_are_the_classes_and_mnist_the_unseen_where_those_were_learnt() -> None:
    app = lab(task="Fashion-MNIST", digits="true", look_7="Classes")
    assert app.checkbox[0].label == "Unseen: MNIST"
    assert [row[0] for row in tables(app)[-1][1:]] == list(fashion_mnist().class_names)
    per_class = lab(task="Fashion-MNIST", per_class="true")
    assert [row[0] for row in tables(per_class)[0][1:]] == list(fashion_mnist().class_names)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_opens_for_garments(section: str) -> None:
    app = choose(lab(task="Fashion-MNIST"), f"look_{len(SECTIONS)}", section)
    assert [error.value for error in app.error] == []
    assert [warning.value for warning in app.warning] == []


def test_another_task_forgets_the_threshold_that_was_moved_by_hand() -> None:
    app = choose(lab(t="0.5"), "task", "fashion")
    assert "t" not in app.query_params
    assert answer(app) == answer(lab(task="Fashion-MNIST"))


@pytest.mark.parametrize("task", TASKS)
def test_a_thumbnail_is_the_image_that_the_lab_of_the_same_task_opens(task: str) -> None:
    dataset = load(task)
    app = lab(task=dataset.title)
    images = levels(np.concatenate([dataset.part(name).x for name in dataset.kept]))
    examples = [int(number) for number in re.findall(r"#(\d+)</small>", html(app))]
    assert len(examples) == len(hrefs(app))
    known = [place for place, example in enumerate(examples) if example < len(dataset.test)]
    assert examples[-1] >= len(dataset.test)
    for place in (known[0], -1):  # a test image, and what was never learnt
        opened_lab = followed(hrefs(app)[place])
        np.testing.assert_array_equal(seen(opened_lab), images[examples[place]])
        assert buttons(opened_lab, "task").value == task
        assert buttons(opened_lab, controls.task_key("source", task)).value == "Pick"


# Methods side by side


def by_own_measure(app: AppTest) -> dict[str, list[str]]:
    """Method's label -> its row in the table of how well its own measure ranks."""
    head, *rows = tables(app)[-1]
    assert head == ["", "own measure", "AUROC of errors", "AUROC of unseen", "AURC", "E-AURC"]
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("task", TASKS)
def test_every_methods_own_measure_is_judged_on_the_held_out_part(task: str, committed: Store) -> None:
    app = lab(task=load(task).title, **{f"look_{len(SECTIONS) + (task == mnist_article.TASK)}": "Methods"})
    rows = by_own_measure(app)
    assert list(rows) == [METHODS[method_id].label for method_id in of_task(task)]
    qualities = {}
    for method_id in of_task(task):
        method = METHODS[method_id]
        said = predictions_of(Answers(committed, committed.find(task, method_id)), Unseen(), MOST_SAMPLES)
        quality = study(said, method.own_measure).held_out.quality()
        assert quality.ood is not None
        label = MEASURES[method.own_measure].label
        qualities[method.label] = (label, quality)
        figures = [f"{auroc:.4f}" for auroc in (quality.misclassification_auroc, quality.ood.auroc)]
        assert rows[method.label][:3] == [label, *figures]
        assert rows[method.label][3:] == [small(value) for value in (quality.aurc, quality.excess_aurc)]
    said_of_them = [element.value for element in app.markdown if "own measure" in element.value]
    assert said_of_them == [f"**By each method's own measure.** {words.what_finds_what(qualities)}"]
    best = {place: max(rows.values(), key=lambda row: float(row[place])) for place in (1, 2)}
    (at_errors, at_unseen) = (next(label for label, row in rows.items() if row is best[place]) for place in (1, 2))
    assert f"{at_unseen} is best at telling what was never learnt" in said_of_them[0]
    if at_errors != at_unseen:
        assert f"(AUROC {best[2][2]})" in said_of_them[0]
        assert f"there {at_errors} is best ({best[1][1]})" in said_of_them[0]


def test_the_table_by_own_measure_heeds_no_choice_of_a_measure() -> None:
    plain, other = lab(look_8="Methods"), lab(look_8="Methods", by=MEASURES["least_confidence"].label)
    assert by_own_measure(other) == by_own_measure(plain)
    assert [row[1] for row in tables(plain)[-2][1:]] == [MEASURES["predictive_entropy"].label] * len(of_task("digits"))
    assert [row[1] for row in tables(other)[-2][1:]] == [MEASURES["least_confidence"].label] * len(of_task("digits"))


@pytest.mark.parametrize(
    "link",
    [
        {
            "task": "Elephants",
            "risk": "-3",
            "confidence": "400",
            "procedure": "magic",
            "method": "Oracle",
            "by": "luck",
        },
        {"task": "Elephants", "t": "nan", "target_4": "everything", "look_8": "?", "share": "2", "unseen_noise": "x"},
    ],
)
def test_a_link_with_nonsense_shows_the_page_as_it_is(link: dict[str, str]) -> None:
    plain, odd = lab(), lab(**link)
    assert answer(odd) == answer(plain)
    assert shown(odd)[1] == shown(plain)[1]


def test_noise_and_rotation_are_unseen_too() -> None:
    app = lab(fashion="false", unseen_noise="0.7", unseen_rotation="90")
    assert shown(app)[0]["has_labels"]
    assert "of 2,000" not in answer(app)
    assert "slips through" in answer(app)
    alone = lab(fashion="false")
    assert "slips through" not in answer(alone)


def n_unseen(app: AppTest) -> int:
    """How many unseen examples there are in both parts."""
    assert "unseen" in html(app)
    said = re.findall(r"of ([\d,]+) unseen", html(choose(app, "target_4", "ood_accepted")))
    return int(said[0].replace(",", ""))


def test_what_is_unseen_is_all_that_is_asked_for() -> None:
    n_test = len(load("digits").part("fashion"))
    for link, n in (({}, n_test), ({"unseen_noise": "0.05"}, n_test + N_DISTURBED),
                    ({"unseen_rotation": "15", "fashion": "false"}, N_DISTURBED)):  # fmt: skip
        assert n_unseen(lab(**link)) == n // 2


def test_the_sliders_of_noise_and_rotation_stop_at_what_there_are_answers_to() -> None:
    for key, known in (("unseen_noise", NOISES), ("unseen_rotation", ROTATIONS)):
        assert stops(lab(), key) == list(known)


@pytest.mark.parametrize("noise", ["0.1500000000000000222", "0.13", "0.17"])
def test_a_number_between_two_steps_is_the_nearer(noise: str) -> None:
    odd, plain = lab(fashion="false", unseen_noise=noise), lab(fashion="false", unseen_noise="0.15")
    assert shown(odd) == shown(plain)
    assert html(odd) == html(plain)


@pytest.mark.parametrize("link", [{"unseen_noise": "0.4"}, {"unseen_rotation": "60"}])
def test_a_thumbnail_of_a_disturbed_image_is_what_the_model_was_asked_about(link: dict[str, str]) -> None:
    x = load("digits").test.x[:N_DISTURBED]
    disturbed = add_noise(x, 0.4, 0) if "unseen_noise" in link else rotate(x, 60)
    app = lab(fashion="false", **link)
    numbers = [int(number) for number in re.findall(r"#(\d+)</small>", html(app))]
    place = next(place for place in range(len(numbers) - 1, -1, -1) if numbers[place] >= 10_000)
    np.testing.assert_array_equal(seen(followed(hrefs(app)[place])), levels(disturbed)[numbers[place] - 10_000])


def test_fewer_samples_are_other_predictions_and_a_link_shows_the_same() -> None:
    app = lab()
    before, said = shown(app), answer(app)
    after, linked = moved(app, "samples_mc_dropout", 2), lab(samples_mc_dropout="2")
    assert shown(after)[1] != before[1]
    assert answer(after) != said
    assert shown(linked)[1] == shown(after)[1]
    assert shown(linked)[0]["bins"] == shown(after)[0]["bins"] != before[0]["bins"]
    assert answer(linked) == answer(after)


def test_the_articles_threshold_is_one_click_away() -> None:
    (address,) = re.findall(r'href="threshold_lab\?([^"]*)"', html(choose(lab(), "look_8", "article")))
    query = {name: values[0] for name, values in parse_qs(unescape(address)).items()}
    app = lab(**query)
    assert shown(app)[0]["measure_label"] == "Normalised entropy"
    assert shown(app)[1] == mnist_article.THRESHOLD
    assert "MC Dropout, 10,000 test images" in html(app)
    assert policy(choose(app, "look_8", "home")).thresholds == (mnist_article.THRESHOLD,)


def policy(app: AppTest) -> ThresholdPolicy:
    """The one to take home."""
    return ThresholdPolicy.from_json(app.code[1].value)


def test_the_share_of_the_calibration_part_leaves_the_target_alone() -> None:
    for share in ("0.1", "0.25", "0.9"):
        assert "target_4" in [group.key for group in lab(share=share).get("button_group")]


def test_costs_of_single_kinds_of_error_last_while_the_visitor_looks_elsewhere() -> None:
    app = lab(fashion="false")
    app.session_state["cost_changes"] = {tuple("0123456789"): {(4, 9): 500.0}}
    said = "At 1 to 500 an error, 0.05 a deferral: cheapest"
    assert said in html(choose(app, "target_3", "cost"))
    choose(app, "target_3", "risk")
    assert said in html(choose(app, "target_3", "cost"))
    app.number_input(key="cost_error").set_value(2.0)
    assert said.replace("1 to", "2 to") in html(checked(app.run()))
    (again,) = (button for button in app.button if button.label == "Make all the same again")
    again.click()
    assert "At 2 an error" in html(checked(app.run()))
    assert [button.disabled for button in app.button if button.label == "Make all the same again"] == [True]


COSTS = (
    "truth,"
    + ",".join("9876543210")
    + "\n"
    + "".join(
        f"{t}," + ",".join("0" if t == p else "500" if (t, p) == ("4", "9") else "1" for p in "9876543210") + "\n"
        for t in "0123456789"
    )
)


def test_a_matrix_of_costs_from_a_file_is_the_one_that_counts_and_is_in_the_link() -> None:
    app = choose(lab(fashion="false"), "target_3", "cost")
    app.file_uploader(key="cost_file_10").set_value(("costs.csv", COSTS.encode(), "text/csv"))
    app = checked(app.run())
    assert "At 1 to 500 an error, 0.05 a deferral: cheapest" in html(app)
    assert app.query_params["costs"] == "10_4,9,500"
    linked = choose(lab(fashion="false", costs="10_4,9,500"), "target_3", "cost")
    assert shown(linked)[1] == shown(app)[1]
    (again,) = (button for button in app.button if button.label == "Make all the same again")
    again.click()
    app = checked(app.run())
    assert "At 1 an error" in html(app)
    assert "costs" not in app.query_params


def test_a_matrix_of_other_classes_is_refused_in_a_sentence_and_changes_nothing() -> None:
    app = choose(lab(fashion="false"), "target_3", "cost")
    before = html(app)
    app.file_uploader(key="cost_file_10").set_value(("costs.csv", b"truth,cat,dog\ncat,0,1\ndog,5,0\n", "text/csv"))
    app = checked(app.run())
    assert "Expected each of the 10 classes once in the first row" in app.warning[0].value
    assert html(app) == before


def test_costs_of_very_many_classes_come_from_a_file_without_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of all of them would be more than a message may have."""
    monkeypatch.setattr(cost_matrix, "MOST_IN_TABLE", 9)
    app = choose(lab(fashion="false"), "target_3", "cost")
    assert not any(table.value.shape[1] == 11 for table in app.dataframe)
    assert any("Of more than 9 classes there is no table" in caption.value for caption in app.caption)
    app.file_uploader(key="cost_file_10").set_value(("costs.csv", COSTS.encode(), "text/csv"))
    checked(app.run())
    assert app.query_params["costs"] == "10_4,9,500"


def test_costs_in_a_link_are_those_that_were_put_there_or_none() -> None:
    changes = {(0, 1): 2.5, (2, 0): -1.0, (1, 0): 1e12}
    assert cost_matrix.from_link(cost_matrix.in_link(changes, 3), 3) == changes
    many = {(i, j): 2.0 for i in range(20) for j in range(20)}
    assert cost_matrix.in_link(many, 20) == ""
    for text in ("", "10_", "3_0,1", "3_3,0,1", "3_0,1,nan", "4_0,1,2", "3_0,1,1_<b>", "x_0,1,2"):
        assert cost_matrix.from_link(text, 3) == {}


def test_the_smallest_risk_that_can_be_certified_is_a_goal_in_the_list(committed: Store) -> None:
    app = choose(lab(), "target_4", "smallest")
    mine = predictions_of(Answers(committed, committed.find("digits", "mc_dropout")), Unseen(), MOST_SAMPLES)
    of_mine = study(mine, "predictive_entropy")
    risk = round_risk(of_mine)
    assert risk is not None
    assert answer(app).startswith(f"Guaranteed: **at most {100 * risk:g} % of the accepted wrong")
    assert "the promise allows for that: 8 figures share the 5 %" in html(app)
    wanted = tune(of_mine, Goal("risk", risk, n_tried=len(ROUND_RISKS)))
    assert shown(app)[1] == wanted.policy.thresholds[0]


def test_costs_per_class_are_told_beside_those_of_one_threshold() -> None:
    app = choose(choose(lab(per_class="true", fashion="false"), "target_3", "cost"), "look_8", "costs")
    texts = [element.proto.body for element in app.get("markdown")]
    (line,) = (text for text in texts if "Accepting all would cost" in text)
    found = re.search(r"best threshold for all \*\*([\d.]+)\*\*, the best for each class \*\*([\d.]+)\*\*", line)
    assert found is not None
    assert float(found[2]) <= float(found[1])
    assert f"calibration examples, at {found[2]} per 1,000" in html(app)


def test_what_methods_are_compared_by_is_the_target_even_if_the_threshold_was_moved() -> None:
    app = choose(lab(t="0.5"), "look_8", "methods")
    assert any(
        "on the same split: at most 0.1 % of the accepted wrong" in spaced(caption.value) for caption in app.caption
    )


# A visitor's own predictions


def brought(name: str, data: bytes) -> AppTest:
    """The page after this file was chosen."""
    app = lab(predictions="Your own")
    app.file_uploader[0].set_value((name, data, ""))
    return checked(app.run())


def text_of(app: AppTest) -> str:
    return " ".join(unmarked(element.value.replace("\\", "")) for element in app.markdown)


def test_a_file_with_a_problem_is_forgotten_when_its_part_is_left() -> None:
    app = brought("much.npz", npz(probs=np.full((200, 3), 0.4)))
    assert [box.label for box in app.checkbox if box.key == "own_normalize"] == ["Divide each row by its sum"]
    app = choose(app, "predictions", "ours")
    assert "**MC Dropout** accepts" in text_of(app)
    app = choose(app, "predictions", "own")
    assert "**Breast cancer (Wisconsin)** accepts" in text_of(app)


@pytest.mark.parametrize("data", [b'[{"p": 1}, {"q": 2}, "r"]', b'{"a": ', npz(probs=np.full((200, 3), 0.4))])
def test_what_was_made_of_a_file_that_cannot_be_read_is_not_kept_with_the_sentence(data: bytes) -> None:
    app = brought("mine", data)
    for _ in range(2):
        assert app.warning
        problem = app.session_state["own"].problem
        assert (problem.__traceback__, problem.__context__, problem.__cause__) == (None, None, None)
        app = checked(app.run())


def test_rows_that_do_not_sum_to_one_are_offered_to_be_divided() -> None:
    rng = np.random.default_rng(0)
    app = brought("twice.npz", npz(probs=rng.dirichlet([1, 1, 1], 200) * 2, labels=rng.integers(0, 3, 200)))
    (said,) = app.warning
    assert "200" in said.value
    app.checkbox(key="own_normalize").check()
    app = checked(app.run())
    assert said.value not in [warning.value for warning in app.warning]
    assert 'class="promise' in html(app)


def test_predictions_that_are_all_ood_are_one_sentence() -> None:
    app = brought("ood.npz", npz(probs=np.full((50, 2), 0.5), labels=np.zeros(50, int), ood=np.ones(50, bool)))
    (said,) = app.warning
    assert said.value.startswith("Expected examples that are not OOD for both parts")


@pytest.mark.parametrize("known", [{}, {"ood": np.arange(60) >= 40}])
def test_predictions_without_labels_get_what_needs_none(known: dict[str, Any]) -> None:
    app = brought("bare.npz", npz(probs=np.random.default_rng(1).dirichlet([1, 1, 1], 60), **known))
    assert "Accepts at least 95 %" in html(app)
    assert "wrong among the accepted" not in html(app)
    assert ("unseen let through" in html(app)) == bool(known)


def test_a_file_that_holds_no_predictions_is_one_sentence() -> None:
    app = brought("mine.npz", b"not an archive")
    (said,) = app.warning
    assert said.value.startswith("Expected")
    assert "Traceback" not in said.value


# In a browser

browser_tests = needs_browser


@pytest.fixture(scope="module")
def url(dashboard: str) -> str:
    return f"{dashboard}/threshold_lab"


def link(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


@browser_tests
def test_a_dragged_threshold_is_in_the_link_and_judged_on_the_held_out_half(
    visit: Visit, elsewhere: Visit, url: str
) -> None:
    page = visit(url, ready=".promise")
    handle = page.get_by_role("slider", name=re.compile("[Tt]hreshold"))
    handle.focus()
    before = page.locator(".heldout").text_content()
    for _ in range(5):
        page.keyboard.press("PageDown")
    expect(page.locator(".promise")).to_contain_text("Chosen by hand")
    # On a busy machine Python hears of the first presses by themselves.
    shown = float(handle.get_attribute("aria-valuenow") or "nan")
    until(page, lambda: [float(t) for t in link(page).get("t", [])] == [shown])
    settle(page)
    linked, said = page.url, page.locator(".heldout").text_content()
    assert said != before
    page.get_by_text("Coverage", exact=True).first.click()
    expect(page.locator(".promise")).to_contain_text("Accepts at least 95 %")
    settle(page)
    assert "t" not in link(page)
    copy = elsewhere(linked, ready=".promise")
    expect(copy.locator(".promise")).to_contain_text("Chosen by hand")
    assert copy.locator(".heldout").text_content() == said


def upload(page: Page, name: str, data: bytes) -> None:
    page.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


@browser_tests
def test_own_predictions_are_read_and_their_policy_goes_home(visit: Visit, url: str) -> None:
    page = visit(f"{url}?predictions=Your+own&risk=25&look_6=Take+home", ready="[data-testid=stFileUploader]")
    kinds: tuple[FileKind, ...] = ("npz", "csv", "parquet")
    for kind in kinds:
        data = example_file(kind)
        upload(page, f"mine.{kind}", data)
        expect(page.get_by_text(f"mine.{kind} accepts")).to_be_visible()
        expect(page.locator(".promise")).to_contain_text("with 95 % confidence")
        settle(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Policy (JSON)").click()
        policy = ThresholdPolicy.from_json(download.value.path().read_bytes())
        predictions = read_predictions(data, f"mine.{kind}")
        tuned = tune(study(predictions, "predictive_entropy"), Goal("risk", 0.25))
        assert policy.thresholds == tuned.policy.thresholds
        assert policy.fingerprint == predictions.fingerprint
        with page.expect_download() as download:
            page.get_by_role("button", name="Decisions (CSV)").click()
        lines = download.value.path().read_text().splitlines()
        assert len(lines) == 1 + len(predictions)
        accepted = policy.decide_measured(predictions.measure("predictive_entropy"), predictions.predicted)
        assert [line.endswith('"accept"') for line in lines[1:]] == accepted.tolist()
    with page.expect_download() as download:
        page.get_by_role("button", name="Report (HTML)").click()
    assert "plotly" in download.value.path().read_text()


@browser_tests
def test_an_edited_cost_counts_until_all_are_made_the_same_again(visit: Visit, url: str) -> None:
    page = visit(f"{url}?target_4=Cost", ready=".promise")
    page.get_by_role("button", name="Kinds of error").click()
    table = page.get_by_test_id("stDataFrame").locator("canvas").first
    cell = page.get_by_test_id("glide-cell-2-2")  # a 2 that is read as a 1; told to those who listen once the grid does
    cell.wait_for(state="attached")
    stand_still(table)
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 160, box["y"] + 125)
    expect(cell).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")  # once: again it would close what opens slowly
    field = page.locator("#portal").locator("input, textarea").last
    field.fill("500")
    expect(field).to_have_value("500")
    field.press("Enter")
    expect(page.locator(".promise")).to_contain_text("At 1 to 500 an error")
    page.get_by_role("button", name="Make all the same again").click()
    expect(page.locator(".promise")).to_contain_text("At 1 an error")
    settle(page)
    expect(page.locator(".promise")).to_contain_text("At 1 an error")


@browser_tests
def test_the_way_back_from_a_moved_threshold_is_one_click(visit: Visit, url: str) -> None:
    page = visit(url, ready=".promise")
    expect(page.locator(".heldout")).not_to_be_empty()
    before = page.locator(".heldout").text_content()
    page.get_by_role("slider", name=re.compile("[Tt]hreshold")).focus()
    page.keyboard.press("PageDown")
    expect(page.locator(".promise")).to_contain_text("Chosen by hand")
    page.get_by_role("button", name="Back to the target").click()
    expect(page.locator(".promise")).to_contain_text("✓ At most 0.1 %")
    settle(page)
    assert page.locator(".heldout").text_content() == before
    assert "t" not in link(page)


@browser_tests
def test_a_file_of_many_megabytes_is_read_and_stays_for_the_visit(visit: Visit, url: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    file = tmp_path / "large.npz"
    probs = rng.dirichlet(np.ones(10), 10_000)
    np.savez(file, probs=probs.astype(np.float32), labels=rng.integers(0, 10, len(probs)), noise=rng.random(1_300_000))
    assert file.stat().st_size > 10**7
    page = visit(f"{url}?predictions=Your+own", ready="[data-testid=stFileUploader]")
    page.locator("input[type=file]").first.set_input_files(file)  # not through the browser's protocol
    answer = page.get_by_text("large.npz accepts")
    expect(answer).to_be_visible()
    page.get_by_role("slider", name=re.compile("[Tt]hreshold")).focus()
    page.keyboard.press("PageUp")
    expect(page.locator(".promise")).to_contain_text("Chosen by hand")
    assert "t" not in link(page)  # which would show others the example at it
    page.get_by_text("Our models", exact=True).click()
    expect(page.get_by_text("MC Dropout accepts")).to_be_visible()
    page.get_by_text("Your own", exact=True).click()
    expect(answer).to_be_visible()
    page.get_by_role("button", name="Back to the example").click()
    expect(page.get_by_text("Breast cancer (Wisconsin) accepts")).to_be_visible()


@browser_tests
def test_a_thumbnail_opens_its_picture_in_the_digit_lab(visit: Visit, url: str) -> None:
    page = visit(url, ready=".thumbs a")
    page.locator(".thumbs a").first.click()
    expect(page.locator(".card .label b")).to_have_count(len(of_task("digits")))
    assert at(page.locator(".seen img"), 0.5, 0.5)
