"""Two moons, trained in front of the visitor: by `AppTest` with small networks, and in a browser to the end."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, WebSocketRoute, expect
from streamlit.testing.v1 import AppTest

from tests import PATIENCE_S
from tests.app_pages import answer, buttons, checked, choose, component, html, opened, plotted
from tests.browsing import Visit, at, needs_browser, settle, stand_still
from tests.garbage import collect
from ui.budget import Cache
from ui.moons import training
from ui.words import sentence
from ui.words import two_moons as words
from ui.words.train import SHOWN
from uqcore.exhibits.moons import VIEWS, Plane
from uqcore.live import LIVE_METHODS, Setting
from uqcore.live.jobs import Jobs, State
from uqcore.methods import METHODS

PAGE = "pages/two_moons.py"
SMALL = {"t_depth": "1", "t_width": "8", "t_n_points": "20", "t_n_random_features": "16", "t_n_members": "2",
         "t_epochs": "3"}  # fmt: skip
SETTING = Setting(depth=1, width=8, n_points=20, n_random_features=16, n_members=2, epochs=3)
LONG = {"t_epochs": "300", "t_n_points": "2000", "t_depth": "6", "t_width": "64"}  # not trained to its end by any test
LABELS = [METHODS[method_id].label for method_id in LIVE_METHODS]
TRIANGLE = ((-1.0, 0.0, 0), (1.0, 0.0, 1), (0.0, 1.5, 2))


@pytest.fixture(autouse=True)
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """Workers of this test alone, which end with it."""
    own = Jobs()
    monkeypatch.setattr(training, "jobs", lambda: own)
    yield own
    own.close()


@pytest.fixture(scope="module")
def kept() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.close()


@pytest.fixture
def shared(kept: Jobs, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """Workers of all tests that look at what was trained, however it came to be: equal settings are trained once."""
    monkeypatch.setattr(training, "jobs", lambda: kept)
    return kept


@pytest.fixture
def shared_keys(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been asked for, from now on, of all that visitors share."""
    keys: list[str] = []
    get = Cache.get

    def noted(cache: Cache, key: Any, make: Any) -> Any:
        keys.append(str(key))
        return get(cache, key, make)

    monkeypatch.setattr(Cache, "get", noted)
    return keys


def page(**link: str) -> AppTest:
    return opened(PAGE, models="Train now", **(SMALL | link))


def trained(app: AppTest, jobs: Jobs) -> AppTest:
    """The page after its training has ended."""
    job = jobs.job(app.session_state["owner"])
    assert job is not None
    assert job.over.wait(PATIENCE_S)
    return checked(app.run())


def test_nothing_is_trained_before_it_is_asked_for(jobs: Jobs) -> None:
    app = page()
    assert answer(app) == words.TRAIN_HERE
    assert not plotted(app)
    assert jobs.job(app.session_state["owner"]) is None
    assert any(re.fullmatch(r"about \*\*\d+ s\*\*", said.value) for said in app.markdown)


def test_a_training_ends_with_the_very_maps_of_the_trained_models_and_its_link_shows_them_at_once(jobs: Jobs) -> None:
    app = page()
    app.button(key="t_train").click()
    app = trained(checked(app.run()), jobs)
    header, data = component(app)
    assert [panel["title"] for panel in header["panels"]] == LABELS
    times = [frame["time"] for frame in header["frames"]]
    assert times in (["epoch 1", "epoch 3"], ["epoch 1", "epoch 2", "epoch 3"])  # they are drawn by the clock
    assert all(re.fullmatch(r"loss [\d.]+, [\d.]+\s% right", said) for f in header["frames"] for said in f["subtitles"])
    job = jobs.job(app.session_state["owner"])
    assert job is not None
    assert job.setting == SETTING
    assert job.trained is not None
    steps = np.frombuffer(data, "<u2", int(np.prod(header["shape"])), 768).reshape(header["shape"])
    plane = Plane(job.trained.dataset)
    for i, method_id in enumerate(LIVE_METHODS):
        uncut = plane.uncut(VIEWS["own"], job.trained.said(method_id, 10), job.trained.own(method_id))
        np.testing.assert_allclose(header["low"] + header["step"] * steps[i], uncut.shown, atol=2e-5)
    assert html(app).count("<tr>") == 1 + len(LABELS)
    assert answer(app).startswith("The crosses at the lower right")

    linked = page(go="1")  # another visitor: what is kept is not trained again
    assert component(linked)[0]["frames"] == header["frames"]
    assert jobs.job(linked.session_state["owner"]) is job


def test_views_samples_and_comparisons_act_on_what_was_trained(shared: Jobs) -> None:
    app = trained(page(go="1"), shared)
    before = component(app)[1]
    assert component(choose(app, "show", "entropy"))[0]["label"] == VIEWS["entropy"].label
    assert component(app)[1] != before
    app.slider(key="t_samples").set_value(2)
    few = component(checked(app.run()))[1]
    assert few != before
    choose(app, "t_beside", "stored")
    assert len(plotted(app)) == 2
    app.number_input(key="t_epochs").set_value(2)
    app = checked(app.run())
    assert words.TRAIN_AGAIN in [warning.value for warning in app.warning]
    app.button(key="t_train").click()
    app = trained(checked(app.run()), shared)
    assert buttons(app, "t_beside").options == ["Nothing", "Trained before", "The last run"]
    assert buttons(app, "t_beside").value == "stored"  # what was chosen stays
    choose(app, "t_beside", "last")
    assert len(plotted(app)) == 2


def test_who_looks_at_the_maps_for_long_keeps_them_and_starts_nothing(shared: Jobs) -> None:
    app = trained(page(go="1"), shared)
    owner, maps = app.session_state["owner"], component(app)
    shared.cancel(owner)  # as the queue does with an owner that it has not seen for a while
    app.number_input(key="t_epochs").set_value(2)
    app = checked(app.run())
    assert shared.job(owner) is None
    assert component(app) == maps
    app.button(key="t_train").click()
    app = trained(checked(app.run()), shared)
    assert buttons(app, "t_beside").options[-1] == "The last run"


def test_what_was_stopped_does_not_start_again_by_itself(jobs: Jobs) -> None:
    app = page(go="1", **LONG)
    owner = app.session_state["owner"]
    for _ in range(2):  # stopped, and forgotten
        jobs.cancel(owner)
    app.slider(key="t_samples").set_value(2)
    app = checked(app.run())
    assert answer(app) == words.STOPPED
    assert jobs.job(owner) is None


def test_what_was_let_go_for_others_is_said_and_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs(most_bytes=1)
    monkeypatch.setattr(training, "jobs", lambda: jobs)
    app = trained(page(go="1"), jobs)
    owner = app.session_state["owner"]
    jobs.cancel(owner)
    trained(page(go="1", t_seed="1"), jobs)  # somebody else
    collect()
    app = checked(app.run())
    assert [warning.value for warning in app.warning] == [words.LET_GO]
    assert jobs.job(owner) is None
    jobs.close()


def test_who_stops_a_training_that_others_watch_leaves_it(jobs: Jobs) -> None:
    link = {"go": "1", **LONG}
    first, second = page(**link), page(**link)
    job = jobs.job(first.session_state["owner"])
    assert "t_Pause" not in [button.key for button in second.button], "it is not one visitor's to pause"
    second.button(key="t_Stop").click()
    second = checked(second.run())
    assert answer(second) == words.TRAIN_HERE
    assert jobs.job(second.session_state["owner"]) is None
    assert answer(checked(second.run())) == words.TRAIN_HERE, "and it does not come back by itself"
    assert job is not None
    assert not job.state.is_over
    checked(first.run()).button(key="t_Pause").click()
    checked(first.run())
    assert jobs.status(job).paused
    first.button(key="t_Stop").click()
    checked(first.run())
    assert job.state is State.CANCELLED


def test_reset_leads_back_to_the_committed_models_at_any_time(shared: Jobs) -> None:
    app = trained(page(go="1"), shared)
    for ended in (True, False):
        owner = app.session_state["owner"]
        app.button(key="t_reset").click()
        app = checked(app.run())
        assert buttons(app, "models").value == "stored"
        assert not component(app)[0].get("frames"), "the committed models were never watched"
        assert "go" not in app.query_params
        assert shared.job(owner) is None
        app = choose(app, "models", "live")
        assert answer(app) == words.TRAIN_HERE, "nothing starts by itself, and nothing is there to compare with"
        assert not app.warning
        assert "t_reset" not in [button.key for button in app.button]
        if ended:  # once more in the middle of a training
            app = page(go="1", **LONG)


@pytest.mark.parametrize("way", ["Reset", "by the choice above"])
def test_settings_survive_a_look_at_the_committed_models(jobs: Jobs, way: str) -> None:
    """Those of both presets, methods and data; whether they came with the link or were set by hand."""
    points = Setting(kind="own", points=TRIANGLE).to_params()["points"]
    app = page(go="1", t_kind="Your own points", t_points=points)
    app.number_input(key="t_seed").set_value(5)
    app = choose(checked(app.run()), "preset", "tutorial")
    app.number_input(key="t_epochs_tutorial").set_value(7)
    app = choose(checked(app.run()), "t_methods_5", ["SNGP"])
    if way == "Reset":
        app.button(key="t_reset").click()
        app = checked(app.run())
    else:
        app = choose(app, "models", "stored")
    app = choose(app, "models", "live")
    assert app.number_input(key="t_epochs_tutorial").value == 7
    assert buttons(app, "preset").value == "tutorial"
    assert buttons(app, "t_methods_5").value == ["SNGP"]
    assert buttons(app, "t_kind").value == "own"
    assert app.query_params["t_points"] == points
    app = choose(app, "preset", "quick")
    assert (app.number_input(key="t_seed").value, app.number_input(key="t_epochs").value) == (5, 3)


def test_a_point_is_asked_of_the_trained_networks(shared: Jobs) -> None:
    app = trained(page(go="1", point="0.5,0.25"), shared)
    assert "What each method says at (0.50, 0.25)" in [each.value for each in app.header]
    assert html(app).count("<tr>") == 2 * (1 + len(LABELS))


def test_own_points_in_a_link_are_what_is_learnt(jobs: Jobs) -> None:
    points = Setting(kind="own", points=TRIANGLE).to_params()["points"]
    app = opened(PAGE, models="Train now", **{**SMALL, "t_kind": "Your own points", "t_points": points, "go": "1"})
    job = jobs.job(app.session_state["owner"])
    assert job is not None
    assert job.setting.points == TRIANGLE
    app = trained(app, jobs)
    assert len(plotted(app)) == 1
    assert "probability" not in buttons(app, "show_5").options


@pytest.mark.parametrize("kind", ["Your own points", "Two moons"])
def test_maps_of_painted_points_are_not_among_what_all_visitors_share(
    kind: str, shared: Jobs, shared_keys: list[str]
) -> None:
    points = Setting(kind="own", points=TRIANGLE).to_params()["points"]
    painted = {"t_kind": kind, "t_points": points} if kind == "Your own points" else {}
    app = trained(page(go="1", **painted), shared)
    assert len(plotted(app)) == 1
    job = shared.job(app.session_state["owner"])
    assert job is not None
    assert any(job.setting.digest in key for key in shared_keys) == (not painted)


def test_epochs_of_a_stopped_training_are_found_by_what_it_is_not_by_where_it_lies(
    jobs: Jobs, shared_keys: list[str]
) -> None:
    """An address is another visitor's as soon as a training is gone."""
    app = page(go="1", **(LONG | {"t_depth": "1", "t_width": "8"}))
    owner = app.session_state["owner"]
    job = jobs.job(owner)
    assert job is not None
    deadline = time.monotonic() + PATIENCE_S
    while not job.drawn and time.monotonic() < deadline:
        job.over.wait(0.01)
    jobs.cancel(owner)
    assert job.over.wait(PATIENCE_S)
    app = checked(app.run())
    assert any(job.setting.digest in key for key in shared_keys)
    assert not any(str(id(job)) in key for key in shared_keys)


def test_a_file_of_points_is_learnt_and_another_kind_of_file_is_one_sentence(jobs: Jobs) -> None:
    app = opened(PAGE, models="Train now", **{**SMALL, "t_kind": "Your own points"})
    app.file_uploader(key="t_file").set_value(("odd.csv", b"a,b\n1,2\n", "text/csv"))
    app = checked(app.run())
    assert [error.value for error in app.error] == [
        sentence("Expected the columns x, y, class in the first line. Received: a, b; name them so.")
    ]
    rows = [f"{x},{y},{name}" for x, y, name in ((1e6, 0, "dog"), (0, 0, "cat"), (0, 1e6, "*eel*"))]
    app.file_uploader(key="t_file").set_value(("own.csv", "\n".join(["x,y,class", *rows]).encode(), "text/csv"))
    app = checked(app.run())
    (said,) = app.info
    assert said.value == words.brought(("*eel*", "cat", "dog"), scaled=True)
    assert not app.error
    app.button(key="t_train").click()
    app = trained(checked(app.run()), jobs)
    job = jobs.job(app.session_state["owner"])
    assert job is not None
    assert [label for _, _, label in job.setting.points] == [2, 1, 0]
    assert [info.value for info in app.info] == [said.value]  # it stands there as long as the file does


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ({"t_kind": "Your own points", "t_points": "%%%"}, "Expected painted points as a link holds them"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(link: dict[str, str], said: str) -> None:
    app = opened(PAGE, models="Train now", **SMALL, **link)
    assert any(said in warning.value for warning in app.warning)


def test_maps_stay_while_points_are_painted(shared: Jobs) -> None:
    app = trained(page(go="1"), shared)
    maps = component(app)
    app = choose(app, "t_kind", "own")
    assert component(app) == maps
    assert not app.warning  # nothing is wrong yet
    assert words.PAINT_FIRST in [text.value for text in app.markdown]
    assert app.button(key="t_train").disabled


@pytest.mark.parametrize(
    "link", [{"t_epochs": "x"}, {"t_epochs": "0"}, {"t_depth": "1e9"}, {"t_learning_rate": "nan"}, {"t_kind": "cubes"}]
)
def test_nonsense_in_a_link_is_ignored(link: dict[str, str]) -> None:
    app = opened(PAGE, models="Train now", **link)
    assert not app.warning
    assert answer(app) == words.TRAIN_HERE


def test_a_training_that_diverges_says_so_and_shows_what_was_there(jobs: Jobs) -> None:
    app = trained(page(go="1", t_learning_rate="1", t_width="256", t_depth="12", t_epochs="60"), jobs)
    job = jobs.job(app.session_state["owner"])
    assert job is not None
    if job.state is State.ERROR:  # it depends on the processor's rounding whether it does
        assert job.error in [warning.value.replace("\\", "") for warning in app.warning]
    assert not app.exception


def test_a_longer_training_than_is_allowed_is_refused(jobs: Jobs) -> None:
    link = {"t_epochs_tutorial": "300", "t_n_points_tutorial": "2000", "t_depth_tutorial": "12"}
    link |= {"preset": "As in the tutorial"}
    app = opened(PAGE, models="Train now", go="1", **link)
    (said,) = app.warning
    assert said.value.startswith("Expected a training of at most")
    assert app.button(key="t_train").disabled
    assert jobs.job(app.session_state["owner"]) is None


def test_who_finds_the_queue_full_is_told_so_at_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs(1, most_waiting=1)
    monkeypatch.setattr(training, "jobs", lambda: jobs)
    for seed in (1, 2):
        jobs.submit(f"somebody {seed}", replace(SETTING, epochs=300, n_points=2000, seed=seed))
    app = page(go="1")
    jobs.close()
    (said,) = app.warning
    assert said.value.startswith("Expected at most 1 trainings to wait")
    assert answer(app) == words.TRAIN_HERE


# In a browser


@pytest.fixture(scope="module")
def url(dashboard: str) -> str:
    return dashboard


def small(url: str, **link: str) -> str:
    both = {"models": "Train+now", **SMALL, **link}
    return f"{url}/two_moons?" + "&".join(f"{key}={value}" for key, value in both.items())


def train_to_the_end(page: Page) -> None:
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator(".time:not([hidden])").wait_for()
    settle(page)


@needs_browser
def test_it_trains_to_the_end_and_the_epochs_are_gone_through_without_a_request(visit: Visit, url: str) -> None:
    sent: list[str | bytes] = []

    def relay(page_end: WebSocketRoute) -> None:
        server = page_end.connect_to_server()

        def send(message: str | bytes) -> None:
            sent.append(message)
            server.send(message)

        page_end.on_message(send)
        server.on_message(page_end.send)

    page = visit(small(url, t_epochs="12"), ready="[data-testid=stExpander]", relay=relay)
    train_to_the_end(page)
    time, canvas = page.locator(".time input"), page.locator(".plot canvas").first
    expect(page.locator(".time output")).to_have_text("the end")
    end = canvas.evaluate("canvas => canvas.toDataURL()")
    n_sent = len(sent)
    time.press("Home")
    expect(page.locator(".time output")).to_have_text("epoch 1")
    expect(page.locator(".subtitle").first).to_have_text(re.compile("loss"))
    assert canvas.evaluate("canvas => canvas.toDataURL()") != end
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".time output")).to_have_text("the end")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert canvas.evaluate("canvas => canvas.toDataURL()") == end
    assert len(sent) == n_sent


@needs_browser
def test_a_training_is_paused_goes_on_by_one_epoch_and_is_stopped(visit: Visit, url: str) -> None:
    page = visit(small(url, **LONG, t_seed="1"), ready="[data-testid=stExpander]")
    page.get_by_role("button", name="Train", exact=True).click()
    page.locator(".plot").first.wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="One epoch").wait_for()
    expect(page.get_by_test_id("stProgress")).to_have_text(re.compile("paused"))
    page.get_by_role("button", name="One epoch").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text(words.STOPPED)).to_be_visible()
    expect(page.locator(".plot").first).to_be_visible()


@needs_browser
def test_the_unseen_cluster_is_dragged_or_set_by_numbers(visit: Visit, url: str) -> None:
    page = visit(small(url), ready="[data-testid=stExpander]")
    settle(page)
    page.get_by_text("Methods, data, network and training").click()
    canvas = page.locator(".points-pad canvas")
    canvas.wait_for()
    stand_still(page.get_by_test_id("stExpander"))  # it opens slowly
    canvas.evaluate("canvas => canvas.scrollIntoView({block: 'center'})")  # all of it, to be dragged in
    stand_still(canvas)
    page.mouse.move(*at(canvas, 0.9, 0.9))
    page.mouse.down()
    page.mouse.move(*at(canvas, 0.25, 0.75), steps=4)
    page.mouse.up()
    x, y = (page.get_by_role("spinbutton", name=f"Unseen cluster, {axis}") for axis in "xy")
    expect(x).not_to_have_value("2.5")
    expect(y).not_to_have_value("-1.75")
    assert float(x.input_value()) == pytest.approx(-3.5 + 7 * 0.25, abs=0.05)
    assert float(y.input_value()) == pytest.approx(2.5 - 5 * 0.75, abs=0.05)
    settle(page)
    assert "t_cluster_x=-1.7" in page.url
    x.fill("3")
    x.press("Enter")
    expect(page).to_have_url(re.compile(r"t_cluster_x=3(\.0)?(&|$)"))


@needs_browser
@pytest.mark.parametrize("by", ["mouse", "touch"])
def test_painted_points_are_trained_and_their_link_paints_the_same(visit: Visit, url: str, by: str) -> None:
    touch = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True} if by == "touch" else {}
    page = visit(small(url, t_kind="Your+own+points"), ready=".points-pad canvas", **touch)
    canvas = page.locator(".points-pad canvas")
    touched = canvas.tap if by == "touch" else canvas.click  # once it stands still and nothing covers it
    size = canvas.bounding_box()
    assert size is not None
    for name, places in (("First class", [(0.2, 0.3), (0.4, 0.3)]), ("Second class", [(0.6, 0.7), (0.8, 0.7)])):
        page.get_by_role("radio", name=name).click()
        for right, down in places:
            touched(position={"x": right * size["width"], "y": down * size["height"]})
    expect(page.locator(".hint")).to_have_text("first class: 2, second class: 2")
    expect(page).to_have_url(re.compile("t_points="))
    settle(page)
    train_to_the_end(page)
    expect(page.locator(".plot")).to_have_count(len(LABELS))
    expect(page.locator(".plot").first).to_be_in_viewport()
    pad, plot = (page.locator(selector).first.bounding_box() for selector in (".points-pad canvas", ".plot"))
    assert pad is not None
    assert plot is not None
    assert pad["y"] < plot["y"], "what is learnt stands above what is made of it"
    copy = visit(page.url, ready=".plot", **touch)
    expect(copy.locator(".hint")).to_have_text("first class: 2, second class: 2")


@needs_browser
def test_keys_paint_erase_and_move_the_cluster(visit: Visit, url: str) -> None:
    page = visit(small(url, t_kind="Your+own+points", t_more="true"), ready=".points-pad canvas")
    canvas, hint = page.locator(".points-pad canvas"), page.locator(".hint")
    train = page.get_by_role("button", name="Train", exact=True)
    expect(train).to_be_disabled()
    color, ground = train.evaluate("b => [getComputedStyle(b).color, getComputedStyle(document.body).backgroundColor]")
    assert color != ground, "what cannot be pressed yet can be read"
    for key in (
        "1",
        "Enter",
        "Shift+ArrowRight",
        "Enter",
        "2",
        "Shift+ArrowUp",
        "Enter",
        "3",
        "Shift+ArrowUp",
        "Enter",
    ):
        canvas.press(key)
    expect(hint).to_have_text("first class: 2, second class: 1, third class: 1")
    expect(page).to_have_url(re.compile("t_points="))
    for key in ("4", "Enter", "5", "ArrowLeft", "Enter"):
        canvas.press(key)
    expect(hint).to_have_text("first class: 2, second class: 1")
    expect(page).to_have_url(re.compile(r"t_cluster_x=0\.4(&|$)"))
    expect(page).to_have_url(re.compile(r"t_cluster_y=1(\.0)?(&|$)"))


@needs_browser
def test_any_model_is_trained_shown_on_another_page_and_the_next_one_cancelled(visit: Visit, url: str) -> None:
    name = "Deterministic, yours: 2 epochs"
    page = visit(f"{url}/train?r_method_moons=Deterministic&r_moons_deterministic_epochs=2", ready=".st-key-r_train")
    train = page.get_by_role("button", name="Train", exact=True)
    train.click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator("table.verdicts th", has_text=name)).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    expect(page.locator(".plot")).to_have_count(2)
    expect(page.locator("table.verdicts tr")).to_contain_text(["right", f"Deterministic, {SHOWN}", name])
    expect(page.get_by_text(re.compile(rf"^{name}: [\d.]+\s% of test examples right"))).to_be_visible()
    page.get_by_text("Log", exact=True).click()
    expect(page.locator(".st-key-r_log code")).to_contain_text("2/2, 0 s left")  # as the command line shows it
    assert "/" + "tmp" not in page.content()
    page.get_by_role("link", name="Two moons").click()
    expect(page.locator("figure", has_text=name)).to_have_count(1)
    page.get_by_role("link", name="Train").click()
    seed = page.get_by_role("spinbutton", name="Seed")
    seed.fill("7")
    seed.press("Enter")
    settle(page)
    train.click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The training was stopped.")).to_be_visible()
    expect(page.locator("table.verdicts th", has_text=name)).to_be_visible()
