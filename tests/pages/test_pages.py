"""Every page without a browser: its answer, its controls, nonsense in a link, and stores with something missing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from tests.app_pages import (
    HOME,
    answer,
    buttons,
    checked,
    choose,
    component,
    html,
    moved,
    opened,
    plotted,
    seen,
    spaced,
    tables,
)
from ui import cache, controls, page, sources
from ui.components import Drawing
from ui.sources import EXAMPLE_DRAWING
from ui.words import ACCEPT, DEFER, digit_lab, two_moons, with_article
from uqcore.datasets import DATASETS, load
from uqcore.exhibits import one_image
from uqcore.exhibits.moons import VIEWS, Surface
from uqcore.exhibits.verdicts import Gauge
from uqcore.methods import METHODS, of_task
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models.answers import levels
from uqcore.models.sampling import draw
from uqcore.plots.describe import values_of
from uqcore.plots.palette import SEQUENTIAL, lut, series_style
from uqcore.selection import rank
from uqcore.store import Store, default_store, rebuild_command, tables_command

MOONS, LAB, REGRESSION = "pages/two_moons.py", "pages/digit_lab.py", "pages/regression.py"
TASKS = {HOME: "digits", MOONS: "moons", LAB: "digits"}
SHOWN_ON = {MOONS: "moons", LAB: "digits", REGRESSION: "sine"}
IMAGE_TASKS = [task for task in DATASETS if load(task).kept]
ANSWERS = {
    HOME: "Shown something that is no digit",
    MOONS: "The crosses at the lower right",
    LAB: f"Of {len(of_task('digits'))} methods, ",
}
COMMITTED = default_store()
LABELS = {task: [METHODS[method_id].label for method_id in of_task(task)] for task in DATASETS}


def visit(path: str, link: Mapping[str, str | list[str]] | None = None) -> AppTest:
    """The page, run once, opened by a link with these parameters."""
    return opened(path, **(link or {}))


def cards(app: AppTest) -> list[str]:
    """Each method's card as text."""
    found = re.findall(r'<section class="card".*?</section>', html(app))
    return [re.sub(r"<[^>]+>", " ", card) for card in found]


def scene(app: AppTest) -> dict[str, Any]:
    """The header of what the two-moons component was given."""
    return component(app)[0]


def surfaces(app: AppTest) -> dict[str, NDArray[np.float32]]:
    """Each method's surface, as the two-moons component was given it."""
    header, data = component(app)
    titles, shape = [panel["title"] for panel in header["panels"]], header["shape"]
    steps = np.frombuffer(data, "<u2", int(np.prod(shape)), lut(SEQUENTIAL).nbytes)
    values = (header["low"] + header["step"] * steps).astype(np.float32)
    return dict(zip(titles, values.reshape(shape), strict=True))


def shown_methods(app: AppTest, path: str) -> list[str]:
    """The methods that a page shows, in their order."""
    if path == MOONS:
        return list(surfaces(app))
    if path == LAB:
        return re.findall(r'<section class="card"[^>]*aria-label="([^"]*)"', html(app))
    return [row[0] for row in tables(app)[-1][1:]]


def colors(app: AppTest) -> dict[str, set[str]]:
    """Method's label -> the colours of its lines, marks and cards."""
    found: dict[str, set[str]] = {}
    for chart in app.get("plotly_chart"):
        for trace in json.loads(chart.proto.spec)["data"]:
            names = (trace.get("name"), *values_of(trace["y"])[:1])
            label = next((name for name in names if name in controls.PLACES), None)
            given = {trace.get(part, {}).get("color") for part in ("line", "marker")} - {None}
            if label is not None:
                found.setdefault(label, set()).update(given)
    if any(mounted.proto.bytes for mounted in app.get("bidi_component")):  # a drawing pad is given none
        for curve in scene(app).get("curves", []):
            found[curve["label"]].add(curve["color"])
    for color, label in re.findall(r'<section class="card" style="--series:([^"]*)" aria-label="([^"]*)"', html(app)):
        found[label].add(color)
    return found


def values(app: AppTest) -> dict[str, Any]:
    """Every control's value."""
    return {
        widget.key: widget.value
        for widget in (
            *app.slider,
            *app.select_slider,
            *app.selectbox,
            *app.number_input,
            *app.toggle,
            *app.get("button_group"),
        )
    }


# Each page


@pytest.mark.parametrize("page", TASKS)
def test_a_page_opens_with_its_answer_and_every_method(page: str) -> None:
    app = visit(page)
    assert answer(app).startswith(ANSWERS[page])
    assert [warning.value for warning in app.warning] == []
    labels = LABELS[TASKS[page]]
    if page == MOONS:
        assert list(surfaces(app)) == labels
    else:
        assert all(label in html(app) for label in labels)


@pytest.mark.parametrize("page", TASKS)
def test_a_link_with_nonsense_shows_the_page_as_it_is(page: str) -> None:
    nonsense = {
        **{
            "samples": "abc",
            "members": "11",
            "factor": "-1",
            "show": "elephant",
            "measure": "entropy?",
            "source": "draw",
            "worse": "elephant",
        },
        **{"moons_threshold": "7", "digit_threshold": "nan", "noise": "1e9", "rotation": "NaN", "blur": "-0.1"},
        **{"right": "9", "down": "x", "point": "nan,1", "unknown": "1", "task": "Elephants"},
        **{f"methods_{len(LABELS[TASKS[page]])}": "Oracle"},
    }
    app, plain = visit(page, nonsense), visit(page)
    assert values(app) == values(plain)
    assert answer(app) == answer(plain)
    assert html(app) == html(plain)


@pytest.mark.parametrize(("page", "key"), [(MOONS, "show"), (LAB, "measure"), (LAB, "source")])
def test_an_empty_choice_in_a_link_is_the_default(page: str, key: str) -> None:
    assert answer(visit(page, {key: ""})) == answer(visit(page))


def test_every_page_has_a_door_and_every_invitation_a_tile() -> None:
    root = Path(page.__file__).parents[1]
    doors = {door.path: door for door in page.DOORS}
    assert set(doors) == {"app.py", *(f"pages/{path.name}" for path in (root / "pages").glob("*.py"))}
    links = [link.proto.label for link in visit(HOME).get("page_link")]
    for door in page.DOORS:
        assert door.label in links
        assert all(f"**{invitation.label}**" in links for invitation in door.invitations)


@pytest.mark.parametrize("path", [MOONS, LAB, REGRESSION])
def test_a_store_with_one_network_alone_shows_it(path: str, other_store: Store) -> None:
    """Then there is no ensemble whose members a slider could count."""
    task = SHOWN_ON[path]
    alone = COMMITTED.find(task, "deterministic")
    for file in alone.files:
        (other_store.root / file.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(COMMITTED.root / file.path, other_store.root / file.path)
    other_store.put(replace(alone, tables={}))
    app = visit(path)
    assert not app.exception
    assert app.slider(key="members").max == 2


def test_the_doors_of_home_lead_where_they_say() -> None:
    links = [link.proto for link in visit(HOME).get("page_link")]
    assert {link.page for link in links} >= {"two_moons", "digit_lab"}
    (garment,) = (link for link in links if "garment" in link.label)
    app = visit(LAB, {"source": "Pick", "images": "Fashion-MNIST"})
    assert "source=Pick" in garment.query_string
    assert "images=Fashion-MNIST" in garment.query_string
    assert app.selectbox(key="class").value == "T-shirt/top"


# Two moons

OWN_SCALE = "Doubt, by each method's own measure"


@pytest.mark.parametrize("view_id", sorted(VIEWS))
def test_every_view_of_the_moons(view_id: str) -> None:
    app = choose(visit(MOONS), "show", view_id)
    assert scene(app)["label"] == (OWN_SCALE if view_id == "own" else VIEWS[view_id].label)
    assert VIEWS[view_id].description in app.caption[0].value
    assert scene(visit(MOONS, {"show": VIEWS[view_id].label})) == scene(app)


@pytest.mark.parametrize(("key", "value"), [("samples", 2), ("members", 2), ("factor", 20.0)])
def test_every_slider_of_the_moons_changes_what_is_shown_and_a_link_shows_the_same(key: str, value: float) -> None:
    link = {"show": "Epistemic" if key in ("samples", "members") else "Entropy"}
    app = visit(MOONS, link)
    before = plotted(app)
    after = plotted(moved(app, key, value))
    assert after != before
    linked = visit(MOONS, link | {key: str(value)})
    assert plotted(linked) == after


def test_the_threshold_of_a_link_is_where_the_maps_start_and_what_the_answer_is_about() -> None:
    app = visit(MOONS, {"moons_threshold": "0.05", "show": "Entropy"})
    header, plane = scene(app), cache.plane()
    assert header["threshold"] == 0.05
    assert header["thresholds"] == list(controls.THRESHOLDS)
    assert app.query_params["moons_threshold"] in ("0.05", ["0.05"])
    n_grid, n_test, nothing = len(plane.grid.points()), len(plane.dataset.test), np.zeros((0, 0), np.float32)
    seen = {}
    for panel, (method_id, model) in zip(header["panels"], cache.models("moons")[0].items(), strict=True):
        # Of the draws the points of the data do: what is said is said of them.
        drawn = model.bank.take("data of the plane", plane.points[n_grid:], model.n_draws(50, 10))
        correct = drawn.predictive[:n_test].argmax(axis=-1) == plane.dataset.test.y
        entropy = MEASURES["predictive_entropy"].compute(drawn) / np.log(2)
        ranking = rank(entropy[:n_test], correct, entropy[n_test:])
        # What is said below the map at every threshold is what the draws say, to the rounding of the table, in which no
        # probability is 0.
        for step in (1, 5, 50, 100):
            acceptance = ranking.at(controls.THRESHOLDS[step])
            said = panel["subtitles"][panel["subtitle_of"][step]]
            shares = [float(share) for share in re.findall(r"([\d.]+) %", spaced(said))]
            np.testing.assert_allclose(shares[0] / 100, acceptance.coverage, atol=2e-3)
            np.testing.assert_allclose(shares[-1] / 100, acceptance.ood_accepted, atol=2e-3)
        gauge = Gauge("predictive_entropy", np.log(2))
        seen[METHODS[method_id].label] = Surface(nothing, nothing, gauge, ranking.at(0.05))
    assert answer(app) == spaced(two_moons.who_accepts_the_unseen(seen))


def test_the_moons_open_with_each_methods_own_measure_half_way_up_at_its_own_threshold() -> None:
    app, plane = visit(MOONS), cache.plane()
    assert values(app)["show"] == "own"
    assert scene(app)["label"] == OWN_SCALE
    assert scene(app)["threshold"] == 0.5
    shown, models = surfaces(app), cache.models("moons")[0]
    assert len(shown) == len(models)
    some = slice(None, None, 7)  # in each row others
    for method_id, model in models.items():
        measure = MEASURES[METHODS[method_id].own_measure]
        n_draws = model.n_draws(values(app)["samples"], values(app)["members"])
        amount = measure.compute(model.bank.take("part of the plane", plane.grid.points()[some], n_draws))
        limit = model.record.metrics[f"threshold_{measure.measure_id}"]
        here = shown[model.label].ravel()[some]
        np.testing.assert_allclose(here, np.minimum(amount / (2 * limit), 1), rtol=2e-3, atol=5e-4)


def test_the_mean_field_slider_changes_its_method_alone() -> None:
    with_factor = [METHODS[method_id].label for method_id in cache.mean_field_factors(cache.models("moons")[0])]
    assert with_factor == [METHODS["sngp"].label]
    app = visit(MOONS, {"show": "Entropy"})
    before, said = surfaces(app), {panel["title"]: panel for panel in scene(app)["panels"]}
    after = surfaces(moved(app, "factor", 20.0))
    assert [label for label in before if not np.array_equal(before[label], after[label])] == with_factor
    assert [panel["title"] for panel in scene(app)["panels"] if panel != said[panel["title"]]] == with_factor
    others = [label for label in LABELS["moons"] if label not in with_factor]
    assert "factor" not in values(visit(MOONS, {f"methods_{len(LABELS['moons'])}": others}))


def test_a_point_in_the_link_is_asked_about() -> None:
    app = visit(MOONS, {"point": "0.5,0.25"})
    assert "(0.50, 0.25)" in app.header[0].value
    assert html(app).count("<tr>") == 1 + len(LABELS["moons"])
    assert len(app.get("plotly_chart")) == 1
    assert app.query_params["point"] == "0.500,0.250"


@pytest.mark.parametrize("point", ["nan,1", "99,99", "1", "1,2,3", "a,b", "inf,0", ""])
def test_a_point_that_is_none_is_not_asked_about(point: str) -> None:
    app = visit(MOONS, {"point": point})
    assert len(app.header) == 0
    assert "point" not in app.query_params


# Digit lab


def test_the_lab_opens_with_a_drawing_and_a_card_a_method() -> None:
    app = visit(LAB)
    assert len(cards(app)) == len(LABELS["digits"])
    assert app.query_params == {}  # the default needs no place in the link


@pytest.mark.parametrize("drawing", ["-", "%%%", "A", "AAAA", EXAMPLE_DRAWING[:-3], "Ünicode"])
def test_without_a_drawing_that_can_be_read_the_lab_says_to_draw(drawing: str) -> None:
    app = visit(LAB, {"drawing": drawing})
    assert answer(app) == digit_lab.no_image("digit")
    assert cards(app) == []
    sentences = [error.value for error in app.error]
    assert sentences == ([] if drawing == "-" else ["The drawing in the link cannot be read; draw it again."])
    assert app.query_params["drawing"] == "-"
    assert [error.value for error in checked(app.run()).error] == []


@pytest.mark.parametrize("picture", ["xxx", "%%%", "eJwDAAAAAAE"])
def test_a_picture_that_cannot_be_read_is_one_sentence(picture: str) -> None:
    app = visit(LAB, {"source": "Upload", "picture": picture})
    assert answer(app) == digit_lab.no_image("digit")
    assert [error.value for error in app.error] == ["The picture in the link cannot be read; upload it again."]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("noise", 0.5), ("rotation", 90), ("blur", 2.0), ("right", -6), ("down", 6)],
        *[("samples", 2), ("members", 2)],
    ],
)
def test_every_slider_of_the_lab_changes_what_is_shown_and_a_link_shows_the_same(key: str, value: float) -> None:
    app = visit(LAB)
    before = html(app)
    after = html(moved(app, key, value))
    assert after != before
    assert html(visit(LAB, {key: str(value)})) == after


def test_the_threshold_accepts_all_at_one_and_next_to_none_at_zero() -> None:
    said = {threshold: cards(visit(LAB, {"digit_threshold": threshold})) for threshold in ("0.0", "1.0")}
    assert all(DEFER in card for card in said["0.0"])
    assert all(ACCEPT in card for card in said["1.0"])


def test_the_answer_follows_the_threshold_of_a_link_and_each_card_has_its_measure() -> None:
    app = visit(LAB, {"digit_threshold": "0.6"})
    shares = re.findall(r'data-share="([^"]+)" aria-label="([^"]+)"', html(app))
    over = [label for share, label in shares if float(share) > 0.6]
    assert len(shares) == len(LABELS["digits"])
    assert 0 < len(over) < len(shares)
    assert [label for label in LABELS["digits"] if label in answer(app).split(".", 1)[1]] == over
    assert [DEFER in card for card in cards(app)] == [float(share) > 0.6 for share, _ in shares]


@pytest.mark.parametrize(
    ("measure", "label"), [("least_confidence", "1 − confidence"), ("mutual_information", "Epistemic")]
)
def test_every_measure_of_the_lab(measure: str, label: str) -> None:
    plain = visit(LAB)
    before = html(plain)
    app = choose(plain, "measure", measure)
    assert html(app) != before
    assert html(visit(LAB, {"measure": label})) == html(app)


def test_while_the_pen_moves_fewer_samples_are_drawn_the_same_as_for_who_asks_for_so_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few, all_of_them = html(visit(LAB, {"samples": "10"})), html(visit(LAB))
    monkeypatch.setattr(sources, "drawing_pad", lambda strokes, key: Drawing(strokes, is_moving=True))
    assert html(visit(LAB)) == few != all_of_them
    assert html(visit(LAB, {"samples": "5"})) not in (few, all_of_them)  # nobody gets more than they asked for


def test_picking_by_set_class_and_number() -> None:
    app = choose(visit(LAB), "source", "Pick")
    assert app.selectbox(key="class").options == list("0123456789")
    app.selectbox(key="class").select("3")
    assert "**3**" in answer(checked(app.run()))
    app.number_input(key="number").set_value(1009)
    picked = html(checked(app.run()))
    assert html(visit(LAB, {"source": "Pick", "class": "3", "number": "1009"})) == picked
    app.selectbox(key="class").select("5")  # of which there are 892
    checked(app.run())
    assert app.number_input(key="number").value in range(892)
    choose(app, "images", "Fashion-MNIST")
    assert app.selectbox(key="class").value in app.selectbox(key="class").options
    assert "Trouser" in app.selectbox(key="class").options


@pytest.mark.parametrize("images", ["MNIST", "Fashion-MNIST", "elephants"])
def test_a_class_and_a_number_that_are_none_are_ignored(images: str) -> None:
    nonsense = {"class": "elephant", "number": "99999"}
    app = visit(LAB, {"source": "Pick", "images": images, **nonsense})
    plain = visit(LAB, {"source": "Pick", "images": images if images != "elephants" else "MNIST"})
    assert values(app) == values(plain)
    assert html(app) == html(plain)


def test_surprise_me_shows_another_image_and_says_which() -> None:
    app = visit(LAB, {"source": "Pick"})
    before = html(app)
    for _ in range(3):  # Chance may pick the one that is shown: once in 10,000 times.
        app.button[0].click()
        if html(checked(app.run())) != before:
            break
    assert html(app) != before
    chosen = {"class": str(app.selectbox(key="class").value), "number": str(app.number_input(key="number").value)}
    assert html(visit(LAB, {"source": "Pick", **chosen})) == html(app)


def curves(app: AppTest) -> list[dict[str, list[float]]]:
    """Of the charts of an image that gets worse: method's label -> its line."""
    charts = [json.loads(chart.proto.spec)["data"] for chart in app.get("plotly_chart")]
    return [{trace["name"]: trace["y"] for trace in data} for data in charts]


def test_the_curves_of_a_worse_image_are_drawn_for_those_who_open_them() -> None:
    app = visit(LAB)
    assert [(place.label, place.proto.expanded) for place in app.expander] == [("As the image gets worse", False)]
    assert curves(app) == []
    before = html(app)
    app = visit(LAB, {"worse": "true"})
    assert html(app) == before
    assert app.expander[0].proto.expanded
    assert [list(lines) for lines in curves(app)] == [LABELS["digits"]] * 2
    assert [len(lines[LABELS["digits"][0]]) for lines in curves(app)] == [
        len(one_image.NOISE_STEPS), len(one_image.ROTATION_STEPS),
    ]  # fmt: skip
    assert any("at most 20 samples" in caption.value for caption in app.caption)
    assert curves(moved(app, "noise", 0.5)) != curves(visit(LAB, {"worse": "true"}))


def test_what_is_closed_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = html(visit(LAB))
    for sweep in ("noise_sweep", "rotation_sweep"):
        monkeypatch.setattr(one_image.Corruption, sweep, None)
    assert html(visit(LAB)) == shown


def test_a_curve_of_a_worse_image_is_what_the_cards_say_at_every_step() -> None:
    label = LABELS["digits"][1]
    few = {f"methods_{len(LABELS['digits'])}": label, "samples": "20"}
    drawn = curves(visit(LAB, {"worse": "true", **few}))
    steps = {"noise": one_image.NOISE_STEPS, "rotation": one_image.ROTATION_STEPS}
    for (key, values), lines in zip(steps.items(), drawn, strict=True):
        for i in (0, 5):
            app = visit(LAB, {key: f"{values[i]:g}", **few})
            (bar,) = re.findall(r'class="gauge" title="uncertainty ([\d.]+)', html(app))
            assert float(bar) == pytest.approx(lines[label][i], abs=6e-4)


# How many samples


@pytest.mark.parametrize("path", SHOWN_ON)
@pytest.mark.parametrize(
    ("link", "stops"),
    [
        (("15", "3"), ("10", "2")),
        (("1000", "0"), ("50", "10")),
        (("51", "9"), ("50", "5")),
        (("x", "1.5"), ("50", "1")),
    ],
)
def test_a_link_to_any_number_of_samples_shows_one_of_the_stops(
    path: str, link: tuple[str, str], stops: tuple[str, str]
) -> None:
    app, plain = (visit(path, dict(zip(("samples", "members"), each, strict=True))) for each in (link, stops))
    assert answer(app) == answer(plain)
    assert html(app) == html(plain)
    assert [mounted.proto.bytes for mounted in app.get("bidi_component")] == [
        mounted.proto.bytes for mounted in plain.get("bidi_component")
    ]


# Which methods are shown


@pytest.mark.parametrize("path", SHOWN_ON)
def test_hidden_methods_are_left_out_and_a_link_leaves_out_the_same(path: str) -> None:
    labels = LABELS[SHOWN_ON[path]]
    key, few = f"methods_{len(labels)}", [labels[1], labels[3]]
    app = visit(path)
    assert buttons(app, key).value == buttons(app, key).options == labels
    assert shown_methods(app, path) == labels
    app = choose(app, key, few)
    assert shown_methods(app, path) == few
    assert not [label for label in labels if label not in few and label in answer(app)]
    for order in (few, few[::-1]):
        linked = visit(path, {key: order})
        assert shown_methods(linked, path) == few
        assert answer(linked) == answer(app)
        assert html(linked) == html(app)
        assert linked.query_params[key] == order
    assert shown_methods(visit(path, {key: labels[2]}), path) == [labels[2]]


@pytest.mark.parametrize("path", SHOWN_ON)
@pytest.mark.parametrize("name", ["methods", "methods_2", "methods_99"])
def test_a_link_made_when_there_were_other_methods_shows_those_that_it_names(path: str, name: str) -> None:
    labels = LABELS[SHOWN_ON[path]]
    key, few = f"methods_{len(labels)}", [labels[1], labels[3]]
    app = visit(path, {name: [*few, "a method of old"]})
    assert shown_methods(app, path) == few
    assert name not in app.query_params
    assert app.query_params[key] == few
    assert shown_methods(choose(app, key, labels[:2]), path) == labels[:2]
    assert shown_methods(visit(path, {name: "a method of old"}), path) == labels
    assert shown_methods(visit(path, {name: few, key: labels[:1]}), path) == labels[:1]


@pytest.mark.parametrize("path", SHOWN_ON)
def test_where_every_method_is_taken_out_all_are_shown(path: str) -> None:
    labels = LABELS[SHOWN_ON[path]]
    assert shown_methods(choose(visit(path), f"methods_{len(labels)}", []), path) == labels


@pytest.mark.parametrize("path", SHOWN_ON)
def test_a_method_keeps_its_colour_whichever_others_are_shown(path: str) -> None:
    labels, link = LABELS[SHOWN_ON[path]], {MOONS: {"point": "0.5,0.25"}, LAB: {"worse": "true"}}.get(path, {})
    whole, few = colors(visit(path, link)), labels[2:4]
    assert set(whole) == set(labels)  # one function lies nowhere apart, and is not on the first figure
    assert all(series_style(controls.PLACES[label]).color in whole[label] for label in labels)
    assert len({series_style(place) for place in controls.PLACES.values()}) == len(METHODS)
    part = colors(visit(path, {**link, f"methods_{len(labels)}": few}))
    assert part == {label: whole[label] for label in few}


# What the models have learnt


@pytest.mark.parametrize("task", IMAGE_TASKS)
def test_the_lab_of_every_task_reads_its_images_as_its_classes(task: str) -> None:
    dataset = load(task)
    source, images = (controls.task_key(key, task) for key in ("source", "images"))
    app = visit(LAB, {"task": dataset.title, source: "Pick"})
    assert values(app)["task"] == task
    assert buttons(app, images).options == [dataset.title_of(name) for name in dataset.kept]
    for name in dataset.kept:
        app = visit(LAB, {"task": dataset.title, source: "Pick", images: dataset.title_of(name), "number": "3"})
        names, split = dataset.names_in(name), dataset.part(name)
        assert app.selectbox(key="class").options == list(names)
        image = split.x[np.flatnonzero(split.y == 0)[3]]
        np.testing.assert_array_equal(seen(app), levels(image[None])[0])
        models = cache.models(task)[0]
        assert shown_methods(app, LAB) == [model.label for model in models.values()]
        for card, model in zip(cards(app), models.values(), strict=True):
            n_draws = model.n_draws(values(app)["samples"], values(app)["members"])
            (predicted,) = draw(model.bank.posterior, image[None], n_draws).predictive.argmax(axis=-1)
            assert card.split(model.label)[1].strip().startswith(dataset.class_names[predicted])
            assert all(f" {each} " in card for each in dataset.class_names)
        assert set(re.findall(r"reads? an? \*\*([^*]+)\*\*", answer(app))) <= set(dataset.class_names)


@pytest.mark.parametrize("task", IMAGE_TASKS)
def test_the_lab_speaks_of_what_its_models_have_learnt(task: str) -> None:
    dataset, source = load(task), controls.task_key("source", task)
    app = visit(LAB, {"task": dataset.title, source: "Draw", controls.task_key("drawing", task): "-"})
    assert answer(app) == digit_lab.no_image(dataset.noun)
    assert answer(app).startswith(f"**Draw {with_article(dataset.noun)}**")
    (upload,) = choose(app, source, "Upload").get("file_uploader")
    assert upload.proto.label.startswith(f"A PNG or JPEG of one {dataset.noun}, ")


def test_garments_are_the_classes_and_digits_the_unseen_where_that_was_learnt() -> None:
    app = visit(LAB, {"task": "Fashion-MNIST", "images_fashion": "MNIST", "class": "7"})
    assert values(app)["source_fashion"] == "Pick"  # what a garment is at first
    assert app.selectbox(key="class").value == "7"
    assert "Trouser" in cards(app)[0]
    assert "**Trouser**" in answer(visit(LAB, {"task": "Fashion-MNIST", "class": "Trouser"}))
    assert values(visit(LAB))["source"] == "Draw"


def test_another_task_keeps_nothing_that_it_lacks() -> None:
    app = visit(LAB, {"source": "Pick", "class": "3", "number": "1009"})
    before = html(app)
    choose(app, "task", "fashion")
    assert app.selectbox(key="class").value in load("fashion").class_names
    assert app.number_input(key="number").value in range(1000)
    choose(app, "images_fashion", "digits")
    assert app.selectbox(key="class").value in load("digits").class_names
    choose(app, "task", "digits")
    assert values(app)["source"] == "Pick"
    app.selectbox(key="class").select("3")
    checked(app.run())
    app.number_input(key="number").set_value(1009)
    assert html(checked(app.run())) == before


# Stores


@pytest.mark.parametrize("page", TASKS)
def test_an_empty_store_is_a_sentence_a_model_with_the_command(page: str, other_store: Store) -> None:
    app = visit(page)
    assert answer(app) == "No trained model can be shown."
    commands = [
        f"`python -m uqcore train --task {TASKS[page]} --method {method} --seed 0`" for method in of_task(TASKS[page])
    ]
    assert len(app.warning) == len(commands)
    for warning, command in zip(app.warning, commands, strict=True):
        assert command in warning.value
        assert "models/manifest.json" in warning.value.replace("\\", "")
        assert str(other_store.root) not in warning.value


@pytest.mark.parametrize("page", TASKS)
def test_a_damaged_file_is_named_and_the_other_methods_work_on(page: str, other_store: Store) -> None:
    shutil.copytree(COMMITTED.root, other_store.root)
    record = other_store.find(TASKS[page], "svi_flipout")  # home reads a table, the other pages the weights
    by_table = page == "app.py"
    file = record.tables["front_page"] if by_table else record.files[0]
    damaged = other_store.root / file.path
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    app = visit(page, {"samples": "2", "members": "2"})
    (warning,) = app.warning
    assert warning.value.replace("\\", "").startswith(f"models/{damaged.relative_to(other_store.root)} of ")
    assert f"`{tables_command(record) if by_table else rebuild_command(record)}`" in warning.value
    shown, labels = str(scene(app)["panels"]) if page == MOONS else html(app), LABELS[TASKS[page]]
    assert [label for label in labels if label in shown] == [label for label in labels if "SVI" not in label]


@pytest.mark.parametrize("text", ["", "{", '{"format": 1, "models": [{}]}'])
def test_a_damaged_manifest_is_one_sentence(text: str, other_store: Store) -> None:
    other_store.root.mkdir()
    other_store.manifest.write_text(text)
    for path in TASKS:
        app = visit(path)
        assert answer(app) == "No trained model can be shown."
        (warning,) = app.warning
        assert "models/manifest.json" in warning.value.replace("\\", "")
        assert str(other_store.root) not in warning.value


def test_models_are_found_once_and_anew_when_the_store_changes(other_store: Store) -> None:
    shutil.copytree(COMMITTED.root, other_store.root)
    first, problems = cache.models("moons")
    assert problems == []
    assert all(model is cache.models("moons")[0][method_id] for method_id, model in first.items())
    first.clear()  # the caller's own
    assert list(cache.models("moons")[0]) == list(of_task("moons"))
    record = other_store.find("moons", "sngp")
    other_store.put(replace(record, created="2001-01-01T00:00:00+00:00"))
    assert cache.models("moons")[0]["sngp"].record.created == "2001-01-01T00:00:00+00:00"
    rows = json.loads(other_store.manifest.read_text())
    rows["models"] = [row for row in rows["models"] if row["model_id"] != record.model_id]
    del rows["sha256"]
    other_store.manifest.write_text(json.dumps({**rows, "format": 3}))
    found, (problem,) = cache.models("moons")
    assert list(found) == [method_id for method_id in of_task("moons") if method_id != "sngp"]
    assert "--method sngp" in problem
