"""Several models of a visitor's own in the threshold lab: offered by name, compared at one goal."""

from __future__ import annotations

import numpy as np
from streamlit.testing.v1 import AppTest

from tests.app_pages import checked as whole
from tests.app_pages import choose, html, spaced, tables
from tests.pages.test_own_file import brought, columns, lab, notes, said, text, understood
from uqcore.predictions import read_models
from uqcore.selection import ThresholdPolicy
from uqcore.text import fine_percent
from uqcore.tuning import Goal, compare, study, tune

N = 2000
RNG = np.random.default_rng(7)
TRUTH = RNG.integers(0, 2, N)


def of(skill: float, name: str) -> dict[str, list[float]]:
    """Two columns of a model's probabilities."""
    p = 1 / (1 + np.exp(-skill * (2 * TRUTH - 1) - RNG.normal(size=N)))
    return {f"{name}_cat": (1 - p).round(6).tolist(), f"{name}_dog": p.round(6).tolist()}


LABEL = {"truth": [("cat", "dog")[k] for k in TRUTH]}
THREE = text({**of(2.0, "good"), **of(2.0, "alike"), **of(0.5, "bad"), **LABEL})


def test_the_models_of_a_file_are_offered_by_name_and_compared() -> None:
    app = brought(lab(), "three.csv", THREE)
    models = read_models(THREE, "three.csv")
    assert app.selectbox(key="own_model_3").options == ["good", "alike", "bad"]
    assert understood(app).startswith("good: 2,000 examples")
    app = choose(app, "look_7", "models")
    chosen = app.number_input[0].value
    assert chosen is not None
    risk = chosen / 100
    seen = compare(models, "predictive_entropy", Goal("risk", risk, n_tried=8))
    rows = [row for table in tables(app) for row in table]
    for one in seen.models:
        assert any(one.name in row and spaced(fine_percent(one.accuracy.value)) in " ".join(row) for row in rows)
    assert "3 models on 2,000 examples, 1,000 of them held out" in said(app)
    assert {"cannot be told apart", "differ"} <= {cell for row in rows for cell in row}
    assert "(Holm)" in notes(app)


def test_the_promise_allows_for_the_choice_of_the_model() -> None:
    app = brought(lab(), "three.csv", THREE)
    app = whole(app.selectbox(key="own_model_3").set_value("alike").run())
    assert "**alike** accepts" in said(app)
    assert fingerprint(app) == read_models(THREE, "x")["alike"].fingerprint


def fingerprint(app: AppTest) -> str:
    return ThresholdPolicy.from_json(choose(app, "look_7", "home").code[1].value).fingerprint


def test_further_files_bring_further_models_of_the_same_examples() -> None:
    first, other = text({**columns()}), text({**columns(), "id": [f"r{i}" for i in range(400)]})
    app = brought(lab(), "mine.csv", first)
    app.file_uploader[2].set_value([("other.csv", other, "")])
    app = whole(app.run())
    assert app.selectbox(key="own_model_2").options == ["mine.csv", "other.csv"]
    app.file_uploader[2].set_value([("mine.csv", other, ""), ("mine.csv", other, ""), ("mine.csv", other, "")])
    app = whole(app.run())  # as several folders have it: none takes the place of another
    assert app.selectbox(key="own_model_4").options == ["mine.csv", *(f"mine.csv ({n})" for n in (2, 3, 4))]
    short = text({name: cells[:-1] for name, cells in columns().items()})
    app.file_uploader[2].set_value([("short.csv", short, "")])
    app = whole(app.run())
    assert "such as 'r399' in 'id', that 'short.csv' lacks" in notes(app)
    assert "**mine.csv** accepts" in said(app)


def test_unnamed_columns_with_text_labels_offer_the_orders() -> None:
    p = 1 / (1 + np.exp(-2.0 * (2 * TRUTH - 1)))
    app = brought(lab(), "unnamed.csv", text({"p_0": (1 - p).tolist(), "p_1": p.tolist(), **LABEL}))
    (order,) = [radio for radio in app.radio if "in this order" in radio.label]
    assert order.options == ["cat, dog", "dog, cat"]
    app = whole(next(button for button in app.button if "in this order" in button.label).click().run())
    assert "'cat'" in understood(app)
    assert "accuracy 100" in understood(app)


def test_one_class_alone_and_a_budget_are_goals_of_the_page() -> None:
    cat, dog = of(3.0, "x").values()
    data = text({"cat": cat, "dog": dog, **LABEL})
    of_file = study(read_models(data, "x")["x"], "predictive_entropy")
    app = brought(lab(), "x", data)
    risk = app.number_input[0].value
    assert risk is not None
    app = whole(app.selectbox(key="accept_only_2").set_value(1).run())
    goal = Goal("precision", 1 - risk / 100, n_tried=8, positive=1)
    assert spaced(tune(of_file, goal).promise) in html(app).replace("&#x27;", "'")
    app = whole(choose(app, "target_3", "coverage").toggle(key="budget").set_value(True).run())
    assert spaced(tune(of_file, Goal("budget", 200 / 5000, per=5000)).promise) in html(app).replace("&#x27;", "'")
