"""What a visitor has trained stands on every page, for them alone; here it is a copy of a committed model."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from streamlit.runtime.caching import cache_resource_api, clear_session_resource_cache
from streamlit.testing.v1 import AppTest

from tests import PATIENCE_S, ROOT
from tests.app_pages import HOME, answer, checked, component, html, moved, opened, tables
from ui import cache, controls
from ui.words import plain
from uqcore.methods import METHODS, of_task
from uqcore.plots.palette import series_style
from uqcore.store import Store, all_files
from uqcore.trainings import Visit
from uqcore.trainings.visit import YOURS

NAME = f"MC Dropout{YOURS}3 epochs"


def visit_of(committed: Store, task: str) -> Visit:
    """A visitor who has trained MC Dropout on ``task``, and got the very model that is committed."""
    visit, record = Visit(), committed.find(task, "mc_dropout")
    for file in all_files(record):
        there = visit.store.root / file.path
        there.parent.mkdir(exist_ok=True)
        there.write_bytes((committed.root / file.path).read_bytes())
    own = replace(record, model_id=f"{record.model_id}-0123abcd", config={**record.config, "epochs": 3})
    visit.store.put(own)
    visit.keep(own.model_id, NAME)
    return visit


def visited(page: str, visit: Visit, **link: str | list[str]) -> AppTest:
    app = AppTest.from_file(ROOT / HOME, default_timeout=PATIENCE_S)
    app.session_state["r_visit"] = visit
    if page != HOME:
        app.switch_page(page)
    for name, value in link.items():
        app.query_params[name] = value
    return checked(app.run())


def test_two_moons_has_its_map_behind_those_of_the_methods(committed: Store) -> None:
    app = visited("pages/two_moons.py", visit_of(committed, "moons"))
    panels = component(app)[0]["panels"]
    assert [panel["title"] for panel in panels] == [*(METHODS[name].label for name in of_task("moons")), NAME]
    assert panels[1]["subtitles"] == panels[-1]["subtitles"], "the copy says what the original says"
    assert len(component(opened("pages/two_moons.py"))[0]["panels"]) == len(panels) - 1, "of another visitor"


def test_home_asks_it_too_and_the_tour_does_not(committed: Store) -> None:
    visit = visit_of(committed, "digits")
    assert [row[0] for row in tables(visited(HOME, visit))[-1]][-1] == NAME
    assert NAME not in html(visited("pages/digit_lab.py", visit, tour="2", source="Pick"))


def test_the_digit_lab_has_its_card_in_a_colour_of_its_own(committed: Store) -> None:
    app = visited("pages/digit_lab.py", visit_of(committed, "digits"), source="Pick")
    assert f'aria-label="{NAME}"' in html(app)
    for place, label in ((len(METHODS), NAME), (list(METHODS).index("mc_dropout"), "MC Dropout")):
        before = html(app).split(f'aria-label="{label}"')[0]
        assert before.rpartition("--series:")[2][:7] == series_style(place).color


def test_the_gallery_and_the_threshold_lab_know_it_by_its_name(committed: Store) -> None:
    visit = visit_of(committed, "digits")
    usual, own = (visited("pages/gallery.py", visit, method=name) for name in ("MC Dropout", NAME))
    assert answer(own).replace(NAME, "MC Dropout") == answer(usual)
    lab = visited("pages/threshold_lab.py", visit, method=NAME, look_8="Methods")
    assert f"**{plain(NAME)}** accepts" in answer(lab)
    rows = tables(lab)[0]
    (theirs,) = (row for row in rows if row[0] == "MC Dropout")
    (ours,) = (row for row in rows if row[0].startswith("MC Dropout, yours"))
    assert ours[1:7] == theirs[1:7]


def test_the_regression_page_fits_it_too_without_a_table(committed: Store) -> None:
    visit = visit_of(committed, "sine")
    (own,) = visit.models("sine").values()
    visit.store.put(replace(own, tables={}))  # as it is trained: the table of all settings is for the server's store
    app = visited("pages/regression.py", visit)
    for page in (app, moved(app, "y_noise", 0.3)):
        header, usual = component(page)[0], METHODS["mc_dropout"].label
        assert header["curves"][-1]["label"] == NAME
        rows = {row[0]: row[1:] for row in tables(page)[-1]}
        # The copy is fitted as the original is, whose curves are rounded in its table.
        ours, theirs = ([float(n) for n in re.findall(r"[\d.]+", " ".join(rows[name]))] for name in (NAME, usual))
        assert ours == pytest.approx(theirs, rel=0.02, abs=0.002)
    assert not app.warning


@pytest.mark.parametrize("page", ["pages/gallery.py", "pages/threshold_lab.py"])
def test_a_link_to_a_model_of_another_visit_says_so_once_and_shows_the_usual_one(page: str) -> None:
    app = opened(page, method=NAME)
    (said,) = app.info
    assert "was trained in another visit" in said.value
    assert plain(NAME) in said.value
    assert app.selectbox(key="method").value == controls.USUAL_METHOD
    assert "method" not in app.query_params
    assert not checked(app.run()).info


def test_words_in_a_link_are_no_marks_of_markdown() -> None:
    app = opened("pages/gallery.py", method=f"x{YOURS}![a](http://b) <i>")
    assert "![a](" not in app.info[0].value


def test_a_model_that_was_let_go_is_one_sentence(committed: Store) -> None:
    visit = visit_of(committed, "digits")
    app = visited("pages/gallery.py", visit, method=NAME)
    visit.store.remove([record.model_id for record in visit.store.records()])
    app = checked(app.run())
    assert not app.warning
    assert app.selectbox(key="method").value == controls.USUAL_METHOD


def test_what_is_kept_of_a_visit_is_of_no_other_and_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    session, made = ["a"], []
    monkeypatch.setattr(cache_resource_api, "get_session_id_or_throw", lambda: session[0])

    @cache.kept()
    def computed(x: int) -> int:
        made.append((session[0], x))
        return x

    for session[0] in ("a", "b", "a"):
        computed(True, 1)
        computed(False, 2)
    assert made == [("a", 1), ("a", 2), ("b", 1)]
    clear_session_resource_cache("a")
    computed(True, 1)
    assert made[3:] == [("a", 1)]
