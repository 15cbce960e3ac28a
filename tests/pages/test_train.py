"""The page that trains any model: with processes that say what the test says. `test_training` has a real one."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app_pages import answer, checked, choose, component, opened, tables
from tests.garbage import collect
from tests.trainings.fakes import Fake
from ui.training import work
from ui.words import train as words
from uqcore.datasets import DATASETS, load
from uqcore.methods import of_task
from uqcore.models.evaluation import evaluate
from uqcore.store import MODELS_VARIABLE, Store
from uqcore.trainings import Training, Trainings
from uqcore.trainings.progress import Epoch, Found, Stored
from uqcore.trainings.visit import ALLOW_VARIABLE, CHECKPOINTS
from uqcore.workers import State

PAGE = "pages/train.py"
NAME = "SNGP, yours: 2 epochs"


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trainings]:
    """A queue of this test alone, without processes."""
    own = Trainings(start=Fake)
    monkeypatch.setattr(work, "trainings", lambda: own)
    yield own
    own.close()


def job(app: AppTest) -> Training:
    found: Training = app.session_state["r_job"]
    return found


def fake(app: AppTest) -> Fake:
    process = job(app).process
    assert isinstance(process, Fake)
    return process


def started(**link: str) -> AppTest:
    app = opened(PAGE, **({"r_moons_sngp_epochs": "2"} | link))
    app.button(key="r_train").click()
    return checked(app.run())


def learn(app: AppTest, *epochs: int, **metrics: float) -> None:
    given = metrics or {"loss": 0.5, "val_loss": 0.4, "accuracy": 0.9, "val_accuracy": 0.8}
    for epoch in epochs:
        fake(app).received(Epoch(job(app).order.model_id, epoch, 2, given))


def finish(app: AppTest, committed: Store) -> AppTest:
    """As if the process had trained just what is committed."""
    order, store = job(app).order, job(app).visit.store
    record = committed.find(order.task, order.method_id)
    shutil.copytree(committed.root / Path(record.files[0].path).parent, store.root / Path(record.files[0].path).parent)
    store.put(replace(record, model_id=order.model_id, config=asdict(order.config), tables={}, training_time_s=300))
    figures = replace(evaluate(committed, record), model_id=order.model_id)
    fake(app).received(Found(figures, beside=False))
    fake(app).received(Found(evaluate(committed, record), beside=True))
    fake(app).received(Stored(order.model_id))
    fake(app).ended(None)
    return checked(app.run())


def progress(app: AppTest) -> list[Any]:
    return [each.proto for each in app.get("progress")]


@pytest.mark.parametrize("task", DATASETS)
def test_every_task_and_method_opens_with_its_settings(task: str, jobs: Trainings) -> None:
    title = load(task).title
    for method_id in of_task(task):
        app = opened(PAGE, r_task=title[:1].upper() + title[1:])
        app.selectbox(key=f"r_method_{task}").set_value(method_id)
        app = checked(app.run())
        assert not app.warning
        assert app.number_input(key=f"r_{task}_{method_id}_epochs").value
        assert any(said.value.startswith("about **") for said in app.markdown)
    assert answer(app) == words.TRAIN_ANY
    assert not app.get("plotly_chart")


def test_a_training_shows_how_far_it_is_and_what_it_has_learnt(jobs: Trainings) -> None:
    app = started()
    assert answer(app) == f"**{NAME}** learns."
    (bar,) = progress(app)
    assert bar.text.startswith("TensorFlow is loading, about ")
    assert not app.get("plotly_chart")
    learn(app, 1)
    app = checked(app.run())
    (bar,) = progress(app)
    assert 0 < bar.value <= 50
    assert bar.text.startswith("Epoch 1 of 2, about ")
    assert len(app.get("plotly_chart")) == 2
    assert [code.value for code in app.code] == ["a line of the log"]
    learn(app, 2)
    (bar,) = progress(checked(app.run()))
    assert bar.text.startswith("Trained; its tables and figures are being made, about ")


def test_what_was_trained_stands_beside_the_committed_model(jobs: Trainings, committed: Store) -> None:
    app = started()
    learn(app, 1, 2)
    app = finish(app, committed)
    assert answer(app) == f"**{NAME}**: 100 % of test examples right; the one trained before: 100 %."
    ((head, theirs, ours),) = tables(app)
    assert head == ["", "right", "NLL", "Brier", "ECE", "AUROC of errors", "AUROC of cluster", "trained in"]
    assert (theirs[0], ours[0]) == (f"SNGP, {words.SHOWN}", NAME)
    assert theirs[1:-1] == ours[1:-1]
    assert ours[-1] == "5 min"
    assert [panel["title"] for panel in component(app)[0]["panels"]] == [f"SNGP, {words.SHOWN}", NAME]
    assert len(app.get("plotly_chart")) == 2
    assert not [button.key for button in app.button if button.key == "r_save"]
    assert not tables(choose(app, "r_task", "sine")), "of another task"


def test_a_model_that_cannot_be_read_any_more_is_one_sentence(jobs: Trainings, committed: Store) -> None:
    app = started(r_moons_sngp_ridge="0.5")
    learn(app, 1, 2)
    shutil.rmtree(job(app).visit.store.root)
    job(app).visit.store.root.mkdir()
    fake(app).ended(None)
    app = checked(app.run())
    assert "This model cannot be read any more; train it again." in [warning.value for warning in app.warning]


def test_cancel_stops_it_and_says_what_is_kept(jobs: Trainings, committed: Store) -> None:
    app = started(r_method_moons="Deep ensemble", r_moons_deep_ensemble_n_members="3")
    members = list(job(app).order.stages)
    fake(app).received(Epoch(members[1], 3, 100, {"loss": 0.5}))
    job(app).visit.store.take(committed, committed.find("moons", "deterministic"))
    app = checked(app.run())
    assert ", part 2 of 3, " in progress(app)[0].text
    process = fake(app)
    app.button(key="r_cancel").click()
    app = checked(app.run())
    assert process.killed
    assert job(app).state is State.CANCELLED
    assert answer(app).startswith("**The training was stopped.** 1 of 3 parts are complete.")


def test_after_a_restart_of_the_server_the_same_training_goes_on_where_it_stood(
    committed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before, after = Trainings(start=Fake), Trainings(start=Fake)
    link = {"r_method_moons": "Deep ensemble", "r_moons_deep_ensemble_n_members": "3"}
    monkeypatch.setattr(work, "trainings", lambda: before)
    app = started(**link)
    first, second, *_ = job(app).order.stages
    root = job(app).visit.store.root
    assert first == committed.find("moons", "deterministic").model_id
    job(app).visit.store.take(committed, committed.find("moons", "deterministic"))
    (root / CHECKPOINTS / second).mkdir(parents=True)
    (root / CHECKPOINTS / second / "state").write_text("epoch 7")
    before.close()  # as when the server ends
    del app
    collect()
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    root.rename(tmp_path / f"uqcore-visit-{gone.pid}-x")

    monkeypatch.setattr(work, "trainings", lambda: after)
    app = started(**link)  # the link again, in a server of its own
    process = fake(app)
    assert process.models != root
    assert [record.model_id for record in Store(process.models).records()] == [first], "it is not trained again"
    assert (process.models / CHECKPOINTS / second / "state").read_text() == "epoch 7"
    process.received(Epoch(second, 8, 100, {"loss": 0.5}))
    app = checked(app.run())
    (bar,) = progress(app)
    assert bar.text.startswith("Epoch 108 of 300, part 2 of 3, about ")
    app.button(key="r_cancel").click()
    assert answer(checked(app.run())).startswith("**The training was stopped.** 1 of 3 parts are complete.")
    after.close()


def test_an_error_is_one_sentence(jobs: Trainings) -> None:
    app = started()
    learn(app, 1, loss=float("nan"))
    app = checked(app.run())
    (warning,) = app.warning
    assert warning.value.replace("\\", "").startswith("The training diverged: after epoch 1")
    assert not tables(app)


def test_who_waits_is_told_the_place(jobs: Trainings) -> None:
    started()
    app = started(r_moons_sngp_epochs="3")
    assert progress(app)[0].text.startswith("The machine trains for others: place 1, about ")


def test_a_full_queue_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Trainings(most_waiting=0, start=Fake)
    monkeypatch.setattr(work, "trainings", lambda: full)
    started()
    (warning,) = started().warning
    assert warning.value.startswith("Expected at most 0 trainings to wait")
    full.close()


def test_where_tensorflow_is_missing_the_page_says_the_command(
    jobs: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr("uqcore.extras.find_spec", lambda name: None if name == "tensorflow" else there(name))
    app = opened(PAGE)
    (warning,) = app.warning
    assert "run `make .venv/train.stamp` or `pip install '.[train]'`" in warning.value
    assert app.button(key="r_train").disabled


@pytest.mark.parametrize(
    "link",
    [
        {"r_task": "Elephants"},
        {"r_moons_sngp_epochs": "0"},
        {"r_moons_sngp_epochs": "1000000"},
        {"r_moons_sngp_learning_rate": "nan"},
        {"r_seed": "x"},
        {"r_method_moons": "Oracle"},
        {"r_moons_sngp_features": "conv_9"},
    ],
)
def test_nonsense_in_a_link_is_ignored(link: dict[str, str], jobs: Trainings) -> None:
    app = opened(PAGE, **link)
    assert not app.warning
    assert answer(app) == words.TRAIN_ANY
    app.button(key="r_train").click()
    assert job(checked(app.run())).order.name == "SNGP, yours: trained again"


def test_a_training_of_days_is_refused_before_it_starts(jobs: Trainings) -> None:
    app = opened(PAGE, r_task="Fashion-MNIST", r_fashion_sngp_epochs="3000")
    (warning,) = app.warning
    assert warning.value.startswith("Expected a training of at most 4 hours")
    assert app.button(key="r_train").disabled


def test_an_operator_may_let_it_be_saved(
    jobs: Trainings, committed: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = started()
    learn(app, 1, 2)
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    app = finish(app, committed)
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    app = checked(app.run())
    app.button(key="r_save").click()
    app = checked(app.run())
    assert [said.value for said in app.success] == [f"{NAME} is in the store as {job(app).order.model_id}."]
    assert [record.model_id for record in Store(tmp_path / "models").records()] == [job(app).order.model_id]


def test_the_folder_of_a_visitor_who_is_gone_is_removed(jobs: Trainings, committed: Store) -> None:
    app = started()
    root = job(app).visit.store.root
    learn(app, 1, 2)
    app = finish(app, committed)
    jobs.cancel(job(app).visit.owner)
    assert root.is_dir()
    del app
    collect()
    assert not root.exists()


ODD = ("", "nan", "inf", "-inf", "1e400", "-1", "9" * 4400, "0.5.5", "[1, 2]", "None", "true", "x" * 10**5, "\x00")


@pytest.mark.parametrize("odd", ODD)
def test_settings_that_no_widget_offers_are_the_usual_ones_or_a_sentence(odd: str, jobs: Trainings) -> None:
    """Of a link; a client can send numbers that are far out of range too, see `tests.pages.test_attacks`."""
    names = ("epochs", "batch_size", "learning_rate", "schedule", "features", "dropout", "ridge", "n_random_features")
    app = opened(PAGE, **{"r_seed": odd} | {f"r_moons_sngp_{name}": odd for name in names})
    app.button(key="r_train").click()
    app = checked(app.run())
    assert job(app).order.seed in range(10**6 + 1)
    for name, value in asdict(job(app).order.config).items():
        assert value == asdict(job(app).order.usual)[name] or isinstance(value, bool), name
