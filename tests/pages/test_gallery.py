"""The gallery: what the server makes of links and clicks, and in a browser that a picture opens in the digit lab."""

from __future__ import annotations

import re
import shutil
from functools import cache as cached
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import streamlit as st
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from tests.app_pages import answer, buttons, choose, followed, hrefs, html, moved, opened, seen, spaced
from tests.browsing import Visit, needs_browser, settle
from tests.ui.test_thumbs import shown
from ui import controls
from ui.budget import forget
from uqcore.datasets import DATASETS, bundled, load
from uqcore.exhibits import gallery
from uqcore.methods import METHODS, of_task
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.answers import MOST_SAMPLES, Answers, levels
from uqcore.models.sampling import draw, load_posterior
from uqcore.predictions import Predictions
from uqcore.store import Store, default_store
from uqcore.text import percent

PAGE = "pages/gallery.py"
COMMITTED = default_store()
FASHION = "Fashion-MNIST"
TASKS = [task for task in DATASETS if load(task).kept]
SETS = [(task, part) for task in TASKS for part in load(task).kept]


def numbers(app: AppTest) -> list[int]:
    """Which test images are shown."""
    return [int(number) for number in re.findall(r'test image (\d+)"', html(app))]


@cached
def answers_of(task: str, method_id: str) -> Answers:
    return Answers(COMMITTED, COMMITTED.find(task, method_id))


@cached
def said_by(method_id: str, name: str = "test", task: str = "digits", n_samples: int = MOST_SAMPLES) -> Predictions:
    return answers_of(task, method_id).predictions([(name, 0.0)], n_samples)


def by(said: Predictions) -> str:
    """The key of the choice among its measures."""
    return f"by_{len(said.measures)}"


BY_OF_SAMPLES = by(said_by("mc_dropout"))


def link_to(task: str, part: str, **more: str) -> dict[str, str]:
    """The parameters that show ``part`` as the models of ``task`` see it."""
    dataset = load(task)
    return {"task": dataset.title, controls.task_key("images", task): dataset.title_of(part)} | more


# What is shown


@pytest.mark.parametrize("name", ["by_1", "by_99"])
def test_a_link_keeps_its_measure_when_there_are_more_measures_or_fewer(name: str) -> None:
    app = opened(PAGE, **{name: MEASURES["margin"].label})
    assert app.selectbox(key=BY_OF_SAMPLES).value == "margin"
    assert dict(app.query_params) == {BY_OF_SAMPLES: MEASURES["margin"].label}
    both = opened(PAGE, **{name: MEASURES["margin"].label, BY_OF_SAMPLES: MEASURES["mutual_information"].label})
    assert both.selectbox(key=BY_OF_SAMPLES).value == "mutual_information", "the choice of today goes first"
    assert opened(PAGE, **{name: "luck"}).selectbox(key=BY_OF_SAMPLES).value == "predictive_entropy"


def test_it_opens_with_an_answer_and_both_ends_of_every_digit() -> None:
    app = opened(PAGE)
    rows = gallery.chainer_table(said_by("mc_dropout"))
    wrong = sum(np.count_nonzero(~row.least_sure.correct) for row in rows)
    assert re.match(
        rf"Of its 30 surest images of each class \*\*MC Dropout\*\* reads \*\*0 %\*\* wrong; "
        rf"of its 30 least sure, \*\*{wrong / 3:.1f} %\*\*; of all, 0.4 %",
        answer(app),
    )
    assert numbers(app) == [int(i) for row in rows for end in row[1:] for i in end.indices]
    assert [len(app.warning), len(app.error)] == [0, 0]
    assert app.query_params == {}


@pytest.mark.parametrize(("task", "part"), SETS)
def test_each_picture_is_the_image_that_its_link_opens_in_the_digit_lab(task: str, part: str) -> None:
    dataset = load(task)
    images = levels(dataset.part(part).x)
    app = opened(PAGE, **link_to(task, part, n_each="2"))
    sheets = re.split(r'(?=<div class="thumbs")', html(app))[1:]
    cut = np.concatenate([shown(sheet, 28, 28) for sheet in sheets])
    np.testing.assert_array_equal(cut, images[numbers(app)])
    for place in (3, len(hrefs(app)) - 2):
        lab = followed(hrefs(app)[place])
        np.testing.assert_array_equal(seen(lab), images[numbers(app)[place]])
        assert buttons(lab, "task").value == task
        assert buttons(lab, controls.task_key("images", task)).value == part
        assert buttons(lab, controls.task_key("source", task)).value == "Pick"
        label = dataset.part(part).y[numbers(app)[place]]
        assert lab.selectbox(key="class").value == dataset.names_in(part)[label]
        assert lab.number_input(key="number").value == np.count_nonzero(
            dataset.part(part).y[: numbers(app)[place]] == label
        )


@pytest.mark.parametrize("view", ["Extremes", "Errors", "Disagreement"])
@pytest.mark.parametrize(
    ("task", "part", "method"), [(task, part, method) for task, part in SETS for method in of_task(task)]
)
def test_every_method_has_every_view_of_every_set(task: str, part: str, method: str, view: str) -> None:
    label = METHODS[method].label
    app = opened(PAGE, **link_to(task, part, gallery=view, method=label, n_each="3", n="7"))
    assert f"**{label}**" in answer(app)
    n_classes = len(load(task).names_in(part))
    assert len(numbers(app)) == (2 * 3 * n_classes if view == "Extremes" else 7)
    assert [len(app.warning), len(app.error)] == [0, 0]


def test_methods_with_as_many_measures_have_the_same_ones() -> None:
    """Their number is in the key of the choice of a measure: one that the next method lacks would be kept."""
    sets = {said_by(method, task=task).measures for task in TASKS for method in of_task(task)}
    assert len({len(each) for each in sets}) == len(sets)


def measures() -> list[tuple[str, str]]:
    methods = ("deterministic", "mc_dropout", "sngp", "feature_density")  # one of each kind
    return [(method, measure) for method in methods for measure in said_by(method).measures]


@pytest.mark.parametrize(("method", "measure"), measures())
def test_every_measure_orders_the_images(method: str, measure: str) -> None:
    said = said_by(method)
    link = {by(said): MEASURES[measure].label, "method": METHODS[method].label, "n_each": "4"}
    app = opened(PAGE, **link)
    rows = gallery.chainer_table(said, measure, 4)
    assert numbers(app) == [int(i) for row in rows for end in row[1:] for i in end.indices]
    assert MEASURES[measure].description in app.caption[0].value


@pytest.mark.parametrize("n_samples", [2, 10])
def test_samples_are_the_models_first(n_samples: int) -> None:
    few, x = said_by("mc_dropout", n_samples=n_samples), load("digits").test.x[:100]
    drawn = draw(load_posterior(COMMITTED, COMMITTED.find("digits", "mc_dropout")), x, n_samples)
    np.testing.assert_allclose(few.predictive[:100], drawn.predictive, atol=2e-3)
    rows = gallery.chainer_table(few, n=5)
    app = opened(PAGE, samples_mc_dropout=str(n_samples), n_each="5")
    assert numbers(app) == [int(i) for r in rows for e in r[1:] for i in e.indices]
    assert html(app) != html(opened(PAGE, n_each="5"))


def test_the_other_method_draws_as_many_as_there_are() -> None:
    a, b = said_by("mc_dropout", n_samples=1), said_by("svi_flipout", n_samples=MOST_SAMPLES)
    app = opened(PAGE, gallery="Disagreement", other="SVI (Flipout)", samples_mc_dropout="1", n="20")
    assert numbers(app) == np.argsort(-gallery.jensen_shannon(a.predictive, b.predictive), kind="stable")[:20].tolist()


@pytest.mark.parametrize("view", ["Extremes", "Errors", "Disagreement"])
def test_what_is_kept_for_all_visitors_is_told_apart_by_all_that_it_shows(view: str) -> None:
    """A second visitor gets what the first was shown, and nobody what another has chosen."""
    links: list[dict[str, str]] = [
        {},
        {"samples_mc_dropout": "2"},
        {"method": "SNGP", "other": "MC Dropout"},
        {"images": FASHION},
        {"task": FASHION},
        {"n_each": "3", "n": "5"},
        {"other": "SVI (Flipout)"} if view == "Disagreement" else {BY_OF_SAMPLES: MEASURES["mutual_information"].label},
    ]
    st.cache_resource.clear()
    forget()
    shown = [(answer(app), html(app)) for app in (opened(PAGE, gallery=view, **link) for link in links)]
    assert len(set(shown)) == len(links)
    st.cache_resource.clear()
    forget()
    again = [(answer(app), html(app)) for app in (opened(PAGE, gallery=view, **link) for link in links[::-1])]
    assert again[::-1] == shown


def test_what_was_made_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = html(opened(PAGE, n_each="4"))
    monkeypatch.setattr(gallery, "class_ends", None)
    assert html(opened(PAGE, n_each="4")) == shown


def test_a_measure_that_the_next_method_lacks_is_left() -> None:
    app = opened(PAGE, **{BY_OF_SAMPLES: MEASURES["mutual_information"].label})
    app.selectbox(key="method").select("deterministic").run()
    assert [error.value for error in app.exception] == []
    assert app.selectbox(key=by(said_by("deterministic"))).value == "predictive_entropy"


def test_a_measure_that_fewer_samples_or_a_method_with_as_many_lack_is_left() -> None:
    app = opened(PAGE, **{BY_OF_SAMPLES: MEASURES["mutual_information"].label})
    app = moved(app, "samples_mc_dropout", 1)
    assert app.selectbox(key=by(said_by("mc_dropout", n_samples=1))).value == "predictive_entropy"
    as_many = by(said_by("sngp", n_samples=1))
    assert as_many == by(said_by("feature_density"))
    app = opened(PAGE, method="SNGP", samples_sngp="1", **{as_many: MEASURES["logit_variance"].label})
    assert app.selectbox(key=as_many).value == "logit_variance"
    app.selectbox(key="method").select("feature_density").run()
    assert [error.value for error in app.exception] == []
    assert app.selectbox(key=as_many).value == "predictive_entropy"


def test_the_errors_are_all_there_the_surest_first() -> None:
    said = said_by("mc_dropout")
    assert said.correct is not None
    app, measure = opened(PAGE, gallery="Errors", n="300"), said.measure("predictive_entropy")
    assert sorted(numbers(app)) == np.flatnonzero(~said.correct).tolist()
    assert np.all(np.diff(measure[numbers(app)]) >= 0)
    n_unsure = np.count_nonzero(~said.correct[np.argsort(measure)[-500:]])
    assert answer(app).startswith(
        f"**MC Dropout** reads **{len(numbers(app))}** of 10,000 digits wrong; **{n_unsure}**"
    )


def test_the_disagreement_counts_who_is_right() -> None:
    a, b, labels = said_by("mc_dropout"), said_by("svi_flipout"), bundled.mnist().y_test
    app = opened(PAGE, gallery="Disagreement", other="SVI (Flipout)", n="40")
    differ = [i for i in range(10_000) if a.predicted[i] != b.predicted[i]]
    right = [sum(p.predicted[i] == labels[i] for i in differ) for p in (a, b)]
    assert answer(app) == (
        f"**MC Dropout** and **SVI (Flipout)** name different classes for **{len(differ)}** of 10,000 images: there "
        f"the first is right {right[0]} times, the second {right[1]}, neither {len(differ) - sum(right)}."
    )
    assert numbers(app) == np.argsort(-gallery.jensen_shannon(a.predictive, b.predictive), kind="stable")[:40].tolist()


def test_of_garments_it_says_how_many_pass_for_digits() -> None:
    app, measure = opened(PAGE, images=FASHION), "predictive_entropy"
    limit = np.quantile(said_by("mc_dropout").measure(measure), 0.95)
    share = np.mean(said_by("mc_dropout", "fashion").measure(measure) <= limit)
    assert f"is as sure of **{100 * share:.1f} %** of the 10,000 garments" in answer(app)
    assert all(name in html(app) for name in bundled.fashion_mnist().class_names)
    assert "defer" not in html(app)  # where nothing can be right, nothing is marked as wrong


def test_a_method_of_garments_sorts_garments() -> None:
    app, said = opened(PAGE, task=FASHION, n_each="4"), said_by("mc_dropout", task="fashion")
    rows = gallery.chainer_table(said, n=4)
    assert numbers(app) == [int(i) for row in rows for end in row[1:] for i in end.indices]
    assert re.findall(r"<h2><b>([^<]*)</b>: the 4 surest", html(app)) == list(bundled.fashion_mnist().class_names)
    assert said.correct is not None
    app = opened(PAGE, task=FASHION, gallery="Errors")
    n_wrong = np.count_nonzero(~said.correct)
    assert answer(app).startswith(f"**MC Dropout** reads **{n_wrong:,}** of 10,000 garments wrong; ")


def test_of_digits_it_says_how_many_pass_for_garments() -> None:
    app, measure = opened(PAGE, task=FASHION, images_fashion="MNIST"), "predictive_entropy"
    limit = np.quantile(said_by("mc_dropout", task="fashion").measure(measure), 0.95)
    share = np.mean(said_by("mc_dropout", "digits", "fashion").measure(measure) <= limit)
    assert answer(app) == (
        f"None of these is a garment, yet **MC Dropout** is as sure of **{spaced(percent(float(share)))}** of the "
        "10,000 digits as it is of 95 % of the test garments."
    )
    assert re.findall(r"<h2><b>([^<]*)</b>: the \d+ surest", html(app)) == list("0123456789")


def test_samples_stay_with_their_method_when_the_task_changes() -> None:
    app = choose(opened(PAGE, samples_mc_dropout="10"), "task", "fashion")
    assert answer(app) == answer(opened(PAGE, task=FASHION, samples_mc_dropout="10"))
    assert html(app) == html(opened(PAGE, task=FASHION, samples_mc_dropout="10"))
    app.selectbox(key="method").select("deep_ensemble").run()
    members = answers_of("fashion", "deep_ensemble").counts[-1]
    assert [error.value for error in app.exception] == []
    assert (app.slider(key="samples_deep_ensemble").value, app.slider(key="samples_deep_ensemble").max) == (
        members,
    ) * 2


@pytest.mark.parametrize(("link", "stop"), [("15", "10"), ("49", "20"), ("100", "50"), ("0", "50"), ("few", "50")])
def test_a_link_to_a_number_of_samples_that_is_not_there_shows_one_that_is(link: str, stop: str) -> None:
    for task in TASKS:
        odd, plain = (opened(PAGE, task=load(task).title, samples_mc_dropout=n) for n in (link, stop))
        assert answer(odd) == answer(plain)
        assert html(odd) == html(plain)


# Links and stores


@pytest.mark.parametrize("view", ["Extremes", "Errors", "Disagreement"])
def test_a_link_with_nonsense_shows_the_page_as_it_is(view: str) -> None:
    nonsense = {"task": "elephants", "images": "elephants", "method": "Oracle", "other": "Oracle"}
    nonsense |= {"samples_mc_dropout": "0", BY_OF_SAMPLES: "?"}
    app = opened(PAGE, gallery=view, **nonsense, n_each="0", n="1e9")
    plain = opened(PAGE, gallery=view)
    assert answer(app) == answer(plain)
    assert html(app) == html(plain)
    assert html(opened(PAGE, gallery="elephant")) == html(opened(PAGE))


@pytest.mark.parametrize("data", [b"not an archive", None])
def test_a_damaged_table_is_a_sentence_and_another_method_works(other_store: Store, data: bytes | None) -> None:
    shutil.copytree(COMMITTED.root, other_store.root)
    file = other_store.root / COMMITTED.find("digits", "svi_flipout").tables["test"].path
    file.unlink()
    if data is not None:
        file.write_bytes(data)
    for link in ({"method": "SVI (Flipout)"}, {"gallery": "Disagreement", "other": "SVI (Flipout)"}):
        app = opened(PAGE, **link)
        assert answer(app) == "No trained model can be shown."
        (warning,) = app.warning
        assert f"models/{file.relative_to(other_store.root)}" in warning.value.replace("\\", "")
        assert "`python -m uqcore tables --model digits-svi_flipout-seed0`" in warning.value
    app = opened(PAGE)
    assert "**MC Dropout**" in answer(app)
    assert len(app.warning) == 0


@pytest.mark.usefixtures("other_store")
@pytest.mark.parametrize("task", TASKS)
def test_an_empty_store_is_a_sentence(task: str) -> None:
    app = opened(PAGE, task=load(task).title)
    assert answer(app) == "No trained model can be shown."
    assert f"`python -m uqcore train --task {task} --method mc_dropout --seed 0`" in app.warning[0].value


# In a browser


@pytest.fixture(scope="module")
def url(dashboard: str) -> str:
    return f"{dashboard}/gallery"


@needs_browser
def test_a_click_opens_the_image_in_the_digit_lab(visit: Visit, url: str) -> None:
    page = visit(f"{url}?images=Fashion-MNIST&n_each=2", ready=".thumbs a")
    picture = page.locator(".thumbs a").nth(5)
    href = picture.get_attribute("href") or ""
    picture.click()
    expect(page.locator(".card .label b")).to_have_count(len(of_task("digits")))
    assert parse_qs(urlsplit(page.url).query) == parse_qs(urlsplit(href).query)


@needs_browser
def test_the_way_back_from_the_digit_lab_is_one_step(visit: Visit, url: str) -> None:
    page = visit(f"{url}?n_each=2", ready=".thumbs a")
    page.locator(".thumbs a").first.click()
    expect(page.locator(".card .label b")).to_have_count(len(of_task("digits")))
    settle(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Gallery", exact=True)).to_be_visible()


@needs_browser
def test_a_picture_can_be_reached_and_opened_by_the_keyboard(visit: Visit, url: str) -> None:
    page = visit(f"{url}?gallery=Errors", ready=".thumbs a")
    page.get_by_role("link", name=re.compile("4, read as 9, .*, test image ")).first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".card .label b")).to_have_count(len(of_task("digits")))
