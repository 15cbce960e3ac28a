"""The rows from the committed trainings: complete, and counted again by other means."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests import ROOT
from uqcore import datasets
from uqcore.datasets.bundled import fashion_mnist, mnist
from uqcore.methods import METHODS
from uqcore.models.answers import TEST, Answers
from uqcore.models.training import ReportModel
from uqcore.reproduce import SOURCES, Row, collect, counted, mnist_entropy, retrain, sngp_tutorial, svi
from uqcore.reproduce.rows import measured
from uqcore.reproduce.trainings import Training, outputs, run, store_beside
from uqcore.store import Store
from uqcore.types import Fitted, FloatArray, Posterior, Progress, Report, UqError, softmax

PUBLISHED = {
    "MNIST article": ["834", "85.61", "99.86", "1,741", "50.32", "99.84", "9,261", "10.38", "10.83"],
    "SNGP tutorial": ["99,714", "1,283,714", "0.0150", "0.995", "0.0374", "0.999"],
}


@pytest.fixture(scope="module")
def rows(committed: Store) -> list[Row]:
    found, problems = collect(committed)
    assert problems == []
    return found


def test_what_the_page_shows_at_once_is_what_is_counted(rows: list[Row], committed: Store) -> None:
    kept = counted.read(committed)
    assert kept is not None
    assert kept.models == counted.digest(committed, kept.model_ids), "run `python -m uqcore reproduce --keep`"
    assert kept.rows == tuple(rows)


def of_source(rows: list[Row], title: str) -> list[Row]:
    return [row for row in rows if row.source == title]


# What every row has


def test_every_source_has_rows_and_every_row_what_it_needs(rows: list[Row]) -> None:
    assert [*dict.fromkeys(row.source for row in rows)] == [source.title for source in SOURCES]
    assert len({(row.source, row.quantity) for row in rows}) == len(rows)
    for row in rows:
        assert {field.name: type(getattr(row, field.name)) for field in fields(row)} == {
            **dict.fromkeys(("source", "quantity", "published", "ours", "note", "explanation", "rule"), str),
            "agrees": bool,
            "values": dict,
        }
        assert all((row.quantity, row.published, row.ours, row.rule))
        assert bool(row.explanation) is not row.agrees
        assert all(type(value) is float for values in row.values.values() for value in values)


@pytest.mark.parametrize("title", PUBLISHED)
def test_every_published_number_has_its_row(title: str, rows: list[Row]) -> None:
    assert [row.published for row in of_source(rows, title) if row.published in PUBLISHED[title]] == PUBLISHED[title]


def test_a_measured_number_has_a_value_a_seed(rows: list[Row]) -> None:
    for row in (row for row in rows if "seeds" in row.values):
        n_seeds = 5 if row.source == "MNIST article" else 10
        assert len(row.values["seeds"]) == n_seeds
        assert f"{n_seeds} seeds" in row.ours


def test_counting_needs_no_tensorflow() -> None:
    script = (
        "import sys; from uqcore.reproduce import collect; from uqcore.store import default_store\n"
        "collect(default_store()); print(*({'tensorflow', 'tf_keras', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# Counted again


def probs_by_hand(arrays: Mapping[str, FloatArray], name: str) -> FloatArray:
    return np.concatenate([arrays["noise"], arrays["clean"][1000:]]) if name == "noise" else arrays[name]


@pytest.mark.parametrize("name", ["clean", "noise", "fashion"])
def test_the_tables_of_the_mnist_article_by_its_own_formula(name: str, rows: list[Row], committed: Store) -> None:
    labels = fashion_mnist().y_test if name == "fashion" else mnist().y_test
    expected = []
    for _, arrays in outputs(committed, mnist_entropy.ARTICLE):
        probs = probs_by_hand(arrays, name).astype(np.float64)
        deferred = stats.entropy(probs, axis=1) / np.log(len(probs)) > 0.005
        right = probs.argmax(axis=1) == labels
        expected.append((deferred.sum(), 100 * right[deferred].mean(), 100 * right[~deferred].mean()))
    start = 1 + 3 * ["clean", "noise", "fashion"].index(name)
    found = [row.values["seeds"] for row in of_source(rows, "MNIST article")[start : start + 3]]
    np.testing.assert_allclose(np.transpose(expected), found)


def test_the_trainings_of_the_mnist_article_are_of_its_network_and_differ(committed: Store) -> None:
    records, arrays = zip(*outputs(committed, mnist_entropy.ARTICLE), strict=True)
    weights_by_hand = (9 + 1) * 32 + (13 * 13 * 32 + 1) * 128 + (128 + 1) * 10
    assert {record.n_parameters for record in records} == {weights_by_hand}
    for probs in arrays:
        assert {name: values.shape for name, values in probs.items()} == {
            "clean": (10_000, 10),
            "noise": (1_000, 10),
            "fashion": (10_000, 10),
        }
    assert len({probs["clean"].tobytes() for probs in arrays}) == len(arrays)
    for record, probs in zip(records, arrays, strict=True):
        accuracy = np.mean(probs["clean"].argmax(axis=1) == mnist().y_test)
        assert accuracy == pytest.approx(record.metrics["val_accuracy"], abs=0.005)


def test_the_chainer_rows_by_sorting_each_digit(rows: list[Row], committed: Store) -> None:
    table = Answers(committed, committed.find("digits", "mc_dropout")).of(*TEST)
    assert table["counts"][-1] == 50
    probs = softmax(table["log_probs"][-1].astype(np.float64))
    entropy, wrong, labels = stats.entropy(probs, axis=1), probs.argmax(axis=1) != mnist().y_test, mnist().y_test
    order = [np.flatnonzero(labels == digit)[np.argsort(entropy[labels == digit])] for digit in range(10)]
    of_entropy, of_wrong = (row.values for row in of_source(rows, "Chainer article"))
    for end, chosen in (("surest", slice(30)), ("least sure", slice(-30, None))):
        np.testing.assert_allclose(of_entropy[end], [entropy[i[chosen]].mean() for i in order], rtol=1e-3, atol=1e-7)
        np.testing.assert_allclose(of_wrong[end], [wrong[i[chosen]].mean() for i in order], atol=1e-12)


@pytest.mark.parametrize("method_id", ["deterministic", "mc_dropout", "deep_ensemble", "sngp"])
def test_the_auroc_of_the_tutorial_by_comparing_every_pair(
    method_id: str, rows: list[Row], posterior_of: Callable[[str, str], Posterior]
) -> None:
    posterior, dataset = posterior_of("moons", method_id), datasets.load("moons")
    n_samples = posterior.n_samples or 50

    def entropy(x: FloatArray) -> FloatArray:
        if method_id == "sngp":
            closed_form = posterior.closed_form(x)
            assert closed_form is not None
            logits = closed_form.mean / np.sqrt(1 + np.pi / 8 * closed_form.variance)[:, None]
            return stats.entropy(np.exp(logits.astype(np.float64)), axis=1)
        logits = posterior.draw(x, range(n_samples)).astype(np.float64)
        odds = 1 / (1 + np.exp(logits[..., 0] - logits[..., 1]))
        mean = odds.mean(axis=0)
        return np.asarray(stats.entropy(np.stack([mean, 1 - mean]), axis=0))

    test, ood = entropy(dataset.test.x), entropy(dataset.ood["cluster"])
    pairs = (ood[:, None] > test).mean() + (ood[:, None] == test).mean() / 2
    label = METHODS[method_id].label
    auroc, mean = [row for row in of_source(rows, "SNGP tutorial") if row.quantity.endswith(f"cluster, {label}")
                   or row.quantity.endswith(f"ln 2, {label}")]  # fmt: skip
    assert auroc.values["AUROC"][0] == pytest.approx(pairs, abs=1e-3)
    assert mean.values["mean entropy / ln 2"][0] == pytest.approx(ood.mean() / math.log(2), abs=1e-4)


def test_the_gap_of_the_svi_article_by_drawing_functions(
    rows: list[Row], posterior_of: Callable[[str, str], Posterior]
) -> None:
    posterior, dataset = posterior_of("sine", "svi_flipout"), datasets.load("sine")

    def std(x: FloatArray) -> float:
        return float(posterior.draw(x, range(svi.N_SAMPLES))[..., 0].std(axis=0, dtype=np.float64).mean())

    (row,) = of_source(rows, "SVI article")
    in_gap = std(dataset.ood["gap"]) / std(dataset.test.x)
    assert row.values["times that on the data, gap"][0] == pytest.approx(in_gap, rel=1e-4)
    assert row.agrees is (in_gap > 1)


def test_the_final_figures_of_the_tutorial_are_the_last_of_their_curves(rows: list[Row], committed: Store) -> None:
    found = outputs(committed, sngp_tutorial.TRAINING)
    for row, name in zip(
        [row for row in of_source(rows, "SNGP tutorial") if "final" in row.quantity],
        ["deterministic/loss", "deterministic/accuracy", "sngp/loss", "sngp/accuracy"],
        strict=True,
    ):
        assert row.values["seeds"] == tuple(float(arrays[name][99]) for _, arrays in found)
        assert all(len(arrays[name]) == 100 for _, arrays in found)


# Stores


def test_an_empty_store_is_a_sentence_a_source(tmp_path: Path) -> None:
    rows, problems = collect(Store(tmp_path / "nothing"))
    assert rows == []
    assert [problem.split(":")[0] for problem in problems] == [source.title for source in SOURCES]
    assert all("`python -m uqcore " in problem for problem in problems)


def test_a_damaged_training_is_named_and_the_other_sources_work_on(committed: Store, tmp_path: Path) -> None:
    store = Store(tmp_path / "models")
    shutil.copytree(committed.root, store.root)
    record, _ = outputs(store, mnist_entropy.ARTICLE)[2]
    (store_beside(store).root / record.files[0].path).write_bytes(b"")
    rows, (problem,) = collect(store)
    assert problem.startswith(f"MNIST article: The training {record.model_id} in {store_beside(store).root} is missing")
    assert "python -m uqcore reproduce --retrain" in problem
    assert {row.source for row in rows} == {source.title for source in SOURCES} - {"MNIST article"}


def test_the_committed_trainings_are_intact_and_no_others_are_kept(committed: Store) -> None:
    beside = store_beside(committed)
    assert [check.problem for check in beside.verify() if check.problem] == []
    expected = {kind.model_id(seed) for kind in retrain.TRAININGS for seed in kind.seeds}
    assert {record.model_id for record in beside.records()} == expected
    for kind in retrain.TRAININGS:
        assert {str(dict(record.config)) for record, _ in outputs(committed, kind)} == {str(dict(kind.settings))}


def fake(seed: int, report: Report) -> Fitted:
    report(Progress(1, 1, {}))
    return Fitted({"seed": np.full(3, float(seed))}, 7, 5, {"loss": 0.5})


FAKE = Training("fake", "moons", range(2), {"epochs": 1}, fake, {"seed": (3,)})


def test_a_training_is_kept_with_what_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(UqError, match="moons-fake-seed0"):
        outputs(store, FAKE)
    for seed in FAKE.seeds:
        run(store, FAKE, seed, lambda progress: None)
    assert store.records() == (), "the models' own manifest is left alone"
    for seed, (record, arrays) in enumerate(outputs(store, FAKE)):
        assert (record.seed, record.n_parameters, record.n_trainable, record.metrics) == (seed, 7, 5, {"loss": 0.5})
        assert (arrays["seed"] == seed).all()


def test_retraining_trains_what_is_missing_and_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, trained, reported = Store(tmp_path), [], []
    example = run(Store(tmp_path / "other"), FAKE, 0, lambda progress: None)

    def stop_or_train(store: Store, task: str, method_id: str, seed: int, report: ReportModel) -> None:
        trained.append((task, method_id))
        if len(trained) == 2:
            raise KeyboardInterrupt
        model_id = f"{task}-{method_id}-seed{seed}"
        files = (store.save_arrays(model_id, {"weights": np.ones(2)}),)
        store.put(replace(example, model_id=model_id, task=task, method=method_id, seed=seed, files=files))

    monkeypatch.setattr("uqcore.models.training.train", stop_or_train)
    monkeypatch.setattr(retrain, "TRAININGS", (FAKE,))
    with pytest.raises(KeyboardInterrupt):
        retrain.retrain(store, lambda name, progress: None)
    assert len(store.records()) == 1
    for _ in range(2):  # the second time nothing is left to do
        retrain.retrain(store, lambda name, progress: reported.append(name))
    assert trained == [retrain.MODELS[0], retrain.MODELS[1], *retrain.MODELS[1:]]
    assert reported == ["moons-fake-seed0", "moons-fake-seed1"]


def test_what_is_expected_stays_within_what_can_be() -> None:
    row = measured("source", "% right", "99.9", [99.0, 100.0], largest=100)
    assert row.rule.endswith("to 100.0")
    assert row.agrees
    assert measured("source", "deferred", "5", [1, 9]).rule.startswith("expected 0 to")
