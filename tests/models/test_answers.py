"""What the tables of the committed models hold, against what the models draw, and the predictions made of them."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from uqcore import datasets
from uqcore.datasets import load
from uqcore.datasets.bundled import fashion_mnist, mnist
from uqcore.datasets.corruptions import add_noise, rotate
from uqcore.datasets.image_dataset import normalize
from uqcore.methods import METHODS, of_task
from uqcore.metrics.uncertainty import MEASURES
from uqcore.models import answers
from uqcore.models.answers import MOST_SAMPLES, N_DISTURBED, NOISES, ROTATIONS, TEST, Answers, Unseen, predictions_of
from uqcore.models.sampling import draw, rungs, with_mean_field
from uqcore.predictions import Predictions
from uqcore.store import Store, StoreError
from uqcore.types import Dataset, Draws, FloatArray, ModelRecord, OodSet, Posterior, Split, UqError

N_CHECKED = 20
TASKS = [(task, method) for task in ("digits", "fashion") for method in of_task(task)]
EVERYTHING = Unseen(others=True, noise=0.7, rotation=45)


@pytest.fixture(scope="module")
def of(committed: Store) -> Callable[[str, str], Answers]:
    made: dict[tuple[str, str], Answers] = {}

    def find(task: str, method: str) -> Answers:
        if (task, method) not in made:
            made[task, method] = Answers(committed, committed.find(task, method))
        return made[task, method]

    return find


# --- The tables against the models ---


@pytest.mark.parametrize(("task", "method"), TASKS)
def test_a_table_is_what_the_model_draws(
    of: Callable[[str, str], Answers], posterior_of: Callable[[str, str], Posterior], task: str, method: str
) -> None:
    kept, posterior, dataset = of(task, method), posterior_of(task, method), load(task)
    assert kept.counts == rungs(posterior.n_samples, MOST_SAMPLES)
    disturbed = dataset.test.x[:N_DISTURBED]
    parts = {(name, 0.0): dataset.part(name).x[:N_CHECKED] for name in dataset.kept}
    parts |= {
        ("noise", 0.35): add_noise(disturbed, 0.35, seed=0)[:N_CHECKED],
        ("rotation", 45.0): rotate(disturbed[:N_CHECKED], 45),
    }
    assert all(part[0] in kept.record.tables for part in parts)
    for part, x in parts.items():
        drawn = draw(posterior, x, kept.counts[-1])
        for n in (kept.counts[0], kept.counts[-1]):
            judged, first = kept.predictions([part], n), drawn.first(n)
            assert judged.n_samples == n
            # The logarithm of a probability in float16 has 11 significant bits.
            log_probs = np.log(np.maximum(first.predictive, 1e-30))
            np.testing.assert_allclose(
                np.log(np.maximum(judged.predictive[:N_CHECKED], 1e-30)), log_probs, rtol=2e-3, atol=2e-3
            )
            named = Predictions.from_draws(first, name="", class_names=dataset.class_names)
            assert judged.measures == named.measures
            for measure in judged.measures:
                np.testing.assert_allclose(
                    judged.measure(measure)[:N_CHECKED], MEASURES[measure].compute(first), rtol=5e-3, atol=2e-3
                )


@pytest.mark.parametrize(("task", "method"), TASKS)
def test_tables_and_models_rank_alike(
    of: Callable[[str, str], Answers], posterior_of: Callable[[str, str], Posterior], task: str, method: str
) -> None:
    """Rounding lets only neighbours change places: the two orders agree to a rank correlation of 0.999, ties counted as
    such, and of two examples that differ by 1 %, 99.9 % stay in order."""
    x = load(task).test.x[:200]
    drawn = draw(posterior_of(task, method), x, of(task, method).counts[-1])
    for measure in {METHODS[method].own_measure, "predictive_entropy"}:
        kept = of(task, method).predictions([TEST], MOST_SAMPLES).measure(measure)[:200]
        values = MEASURES[measure].compute(drawn)
        assert scipy.stats.spearmanr(kept, values).statistic > 0.999
        apart = values[:, None] > 1.01 * values
        assert apart.mean() > 0.05, "too many tie to tell"
        assert (kept[:, None] > kept)[apart].mean() > 0.999


def test_what_no_table_has_is_drawn_and_rounded_alike(
    committed: Store, of: Callable[[str, str], Answers], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = committed.find("digits", "sngp")
    bare = Answers(committed, dataclasses.replace(record, tables={}))
    table, made = of("digits", "sngp").of("noise", 0.7), bare.of("noise", 0.7)
    assert table.keys() == made.keys()
    for name, array in made.items():
        assert array.dtype == table[name].dtype
        same = np.broadcast_to(array, table[name].shape)
        # Another processor than the one that made the tables may round otherwise: by a step of float16, now and then.
        np.testing.assert_allclose(table[name], same, rtol=1e-3, atol=1e-6)
        assert np.mean(table[name] == same) > 0.99 or array.dtype == np.float32


def test_a_table_is_read_once(committed: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    original = Store.table

    def note(store: Store, record: ModelRecord, name: str) -> object:
        read.append(name)
        return original(store, record, name)

    monkeypatch.setattr(Store, "table", note)
    kept = Answers(committed, committed.find("digits", "deterministic"))
    for unseen in (Unseen(), Unseen(noise=0.1), Unseen(noise=0.9), Unseen(noise=0.9, rotation=30), Unseen(rotation=90)):
        predictions_of(kept, unseen, 1)
    assert sorted(read) == ["fashion", "noise", "rotation", "test"]


# --- Predictions made of them ---


@pytest.mark.parametrize("method", ["deterministic", "mc_dropout", "sngp", "feature_density"])
def test_the_groups_come_one_after_the_other(of: Callable[[str, str], Answers], method: str) -> None:
    predictions, digits = predictions_of(of("digits", method), EVERYTHING, 5), mnist()
    assert len(predictions) == 10_000 + 10_000 + 1000 + 1000
    assert (predictions.name, predictions.class_names) == (METHODS[method].label, tuple("0123456789"))
    assert predictions.n_samples == (1 if of("digits", method).counts == (1,) else 5)
    assert predictions.labels is not None
    assert predictions.ood is not None
    np.testing.assert_array_equal(predictions.labels[:10_000], digits.y_test)
    assert (predictions.labels[10_000:] == -1).all()
    np.testing.assert_array_equal(predictions.ood, np.arange(22_000) >= 10_000)
    assert predictions.correct is not None
    assert predictions.correct[:10_000].mean() > 0.98
    assert not predictions.correct[10_000:].any()
    groups = [TEST, ("fashion", 0.0), ("noise", 0.7), ("rotation", 45.0)]
    alone = [of("digits", method).predictions([group], 5) for group in groups]
    np.testing.assert_array_equal(predictions.predictive, np.concatenate([each.predictive for each in alone]))
    for measure in predictions.measures:
        joined = np.concatenate([each.measure(measure) for each in alone])
        np.testing.assert_array_equal(predictions.measure(measure), joined)


def test_the_images_are_those_that_the_models_saw(of: Callable[[str, str], Answers]) -> None:
    images, digits = predictions_of(of("digits", "deterministic"), EVERYTHING, 1).images, mnist()
    assert images is not None
    assert (len(images), images.shape) == (22_000, (22_000, 28, 28))
    np.testing.assert_array_equal(images[:10_000], digits.x_test)
    np.testing.assert_array_equal(images[10_000:20_000], fashion_mnist().x_test)
    x = normalize(digits.x_test[:1000])
    for start, disturbed in ((20_000, add_noise(x, 0.7, seed=0)), (21_000, rotate(x, 45))):
        difference = images[start : start + 1000] / 255 - disturbed[..., 0]
        assert np.abs(difference).max() <= 0.5 / 255 + 1e-6  # rounded to the nearest level


def test_images_are_taken_like_those_of_an_array(of: Callable[[str, str], Answers]) -> None:
    images = predictions_of(of("digits", "deterministic"), EVERYTHING, 1).images
    assert images is not None
    array, rng = images[:], np.random.default_rng(0)
    assert array.shape == images.shape
    assert array.dtype == np.uint8
    mask = rng.random(len(images)) < 0.01
    for asked in (rng.integers(0, len(images), 50), mask, slice(9_990, 20_010, 5), np.arange(0), slice(5, 0, -1)):
        np.testing.assert_array_equal(images[asked], array[asked])


def test_a_turn_by_a_quarter_turns_the_image(of: Callable[[str, str], Answers]) -> None:
    images = predictions_of(of("digits", "deterministic"), Unseen(others=False, rotation=90), 1).images
    assert images is not None
    np.testing.assert_array_equal(images[10_000:], np.rot90(mnist().x_test[:1000], axes=(1, 2)))


@pytest.mark.parametrize(
    ("unseen", "n_ood"),
    [
        (Unseen(others=False), 0),
        (Unseen(), 10_000),
        (Unseen(others=False, noise=0.4), 1000),
        (Unseen(others=False, rotation=90), 1000),
    ],
)
def test_what_is_not_asked_for_is_not_there(of: Callable[[str, str], Answers], unseen: Unseen, n_ood: int) -> None:
    predictions = predictions_of(of("digits", "deterministic"), unseen, 1)
    assert len(predictions) == 10_000 + n_ood
    assert predictions.images is not None
    assert len(predictions.images) == len(predictions)
    if n_ood == 0:
        assert predictions.ood is None
        np.testing.assert_array_equal(predictions.labels, mnist().y_test)
    else:
        assert predictions.ood is not None
        assert predictions.ood.sum() == n_ood


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (3, 2), (10, 10), (49, 20), (10_000, 50)])
def test_samples_are_as_many_as_the_next_lower_number_that_is_kept(
    of: Callable[[str, str], Answers], asked: int, given: int
) -> None:
    assert of("digits", "mc_dropout").predictions([TEST], asked).n_samples == given


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"noise": 0.07}, r"The noise must be from 0 to 1 in steps of 0\.05\. Received: 0\.07\."),
        ({"noise": -0.05}, r"Received: -0\.05\."),
        ({"noise": float("nan")}, r"Received: nan\."),
        ({"rotation": 20}, r"The rotation must be from 0 to 180 in steps of 15\. Received: 20\."),
        ({"rotation": 195}, r"Received: 195\."),
    ],
)
def test_another_noise_or_rotation_is_refused(values: dict[str, float], said: str) -> None:
    with pytest.raises(UqError, match=said):
        Unseen(**values)  # type: ignore[arg-type]
    assert NOISES[-1] == 1
    assert ROTATIONS[-1] == 180


def test_the_first_samples_keep_the_closed_form() -> None:
    draws = Draws(np.arange(24.0).reshape(4, 3, 2), np.ones((3, 2)), np.ones(3), 0.5)
    first = draws.first(2)
    np.testing.assert_array_equal(first.logits, np.arange(12.0).reshape(2, 3, 2))
    np.testing.assert_array_equal(first.predictive, draws.predictive)
    assert first.variance is draws.variance
    np.testing.assert_array_equal(draws.first(9).logits, draws.logits)
    drawn = Draws(draws.logits, sample_probs=draws.probs)
    np.testing.assert_array_equal(drawn.first(3).probs, draws.probs[:3])


# --- Keeping ---


def few(n: int) -> Callable[[], Split]:
    return lambda: Split(np.zeros((n, 28, 28, 1), np.float32), np.zeros(n, np.int64))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Digits with few images, in place of all."""
    dataset = Dataset(
        "digits",
        title="few",
        noun="digit",
        train=few(1),
        validation=few(1),
        test=few(3),
        ood={"fashion": OodSet("few", "garment", few(4))},
        class_names=tuple("0123456789"),
        kept=("test", "fashion"),
    )
    monkeypatch.setattr("uqcore.datasets.load", lambda task: dataset)
    monkeypatch.setattr(answers, "N_DISTURBED", 2)
    return dataset


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("method", "most"), [("deterministic", 2), ("sngp", 2), ("deterministic", 1000)])
def test_making_tables_again_gives_the_same_files(
    tmp_path: Path, committed: Store, monkeypatch: pytest.MonkeyPatch, method: str, most: int
) -> None:
    monkeypatch.setattr(answers, "N_DISTURBED", most)
    store = Store(tmp_path)
    committed_record = committed.find("digits", method)
    file = store.save_arrays(committed_record.model_id, committed.arrays(committed_record)[0])
    record = dataclasses.replace(committed_record, files=(file,), tables={})
    store.put(record)
    ticks: list[tuple[int, int]] = []
    first = answers.keep(store, record, lambda done, total: ticks.append((done, total)))
    total = 3 + 4 + min(most, 3) * (len(NOISES) - 1 + len(ROTATIONS) - 1)
    assert ticks[-1] == (total, total)
    assert [done for done, _ in ticks] == sorted(done for done, _ in ticks)
    assert store.get(record.model_id) == first == answers.keep(store, first)
    assert list(first.tables) == ["test", "fashion", "noise", "rotation"]
    assert all(check.problem is None for check in store.verify())
    kept, drawn = Answers(store, first), Answers(store, record)
    for unseen in (Unseen(), Unseen(noise=1.0), Unseen(rotation=180)):
        both = [predictions_of(each, unseen, 10) for each in (kept, drawn)]
        np.testing.assert_array_equal(both[0].predictive, both[1].predictive)
        assert both[0].fingerprint == both[1].fingerprint


@pytest.fixture
def few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two moons with a fiftieth of the points of its plane."""
    few = copy.copy(load("moons"))
    monkeypatch.setattr(few, "plane", few.plane[::50])
    monkeypatch.setattr("uqcore.datasets.load", lambda task: few)


@pytest.mark.usefixtures("few_points")
def test_the_table_of_a_plane_is_what_is_drawn_without_it(tiny_store: Store, tiny: dict[str, ModelRecord]) -> None:
    for method in ("sngp", "mc_dropout"):
        record = answers.keep(tiny_store, tiny[method])
        assert list(record.tables) == ["plane"]
        assert tiny_store.get(record.model_id) == record == answers.keep(tiny_store, record)
        kept, drawn = (Answers(tiny_store, each).plane(5) for each in (record, tiny[method]))
        assert kept.fingerprint == drawn.fingerprint
        assert kept.n_samples == 5
        with pytest.raises(StoreError, match=r"has no table 'test'; make it with `python -m uqcore tables"):
            tiny_store.table(record, "test")
        tiny_store.put(tiny[method])


@pytest.mark.usefixtures("few_points")
def test_a_table_from_before_a_measure_was_added_is_as_good_as_missing(
    tiny_store: Store, tiny: dict[str, ModelRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = answers.keep(tiny_store, tiny["mc_dropout"])

    def variation_ratio(draws: Draws) -> FloatArray:
        second = draws.logits.argmax(axis=-1).mean(axis=0)
        return np.asarray(np.minimum(second, 1 - second))

    added = dataclasses.replace(MEASURES["mutual_information"], measure_id="ratio", compute=variation_ratio)
    monkeypatch.setitem(MEASURES, "ratio", added)
    kept, drawn = (Answers(tiny_store, each).plane(5) for each in (record, tiny["mc_dropout"]))
    np.testing.assert_array_equal(kept.measure("ratio"), drawn.measure("ratio"))
    assert kept.measure("ratio").max() > 0
    tiny_store.put(tiny["mc_dropout"])


@pytest.mark.parametrize("method", of_task("moons"))
def test_a_plane_is_what_the_model_draws_with_every_measure(
    of: Callable[[str, str], Answers], posterior_of: Callable[[str, str], Posterior], method: str
) -> None:
    kept, posterior, dataset = of("moons", method), posterior_of("moons", method), load("moons")
    some = np.linspace(0, len(dataset.plane) - 1, 50).astype(int)
    counts = rungs(posterior.n_samples)
    drawn = draw(posterior, dataset.plane[some], counts[-1])
    for n in (counts[0], counts[-1]):
        said, first = kept.plane(n), drawn.first(n)
        assert said.n_samples == n
        np.testing.assert_allclose(said.predictive[some], first.predictive, rtol=2e-3, atol=2e-3)
        known = ["logit_variance", "expected_entropy", "mutual_information"] if len(counts) > 1 else []
        for measure in known + ["score"] * (first.score is not None):
            assert measure in said.measures
            exact = MEASURES[measure].compute(first)
            np.testing.assert_allclose(said.measure(measure)[some], exact, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("factor", [0.0, 1.0, 20.0])
def test_another_mean_field_factor_is_what_the_closed_form_gives(
    of: Callable[[str, str], Answers], posterior_of: Callable[[str, str], Posterior], factor: float
) -> None:
    plane = load("moons").plane
    some = np.linspace(0, len(plane) - 1, 50).astype(int)
    exact = with_mean_field(draw(posterior_of("moons", "sngp"), plane[some], 1), factor).predictive
    np.testing.assert_allclose(of("moons", "sngp").plane(1, factor).predictive[some], exact, rtol=5e-3, atol=2e-3)
    without = of("moons", "mc_dropout")
    np.testing.assert_array_equal(without.plane(5, factor).predictive, without.plane(5).predictive)


def test_a_damaged_table_names_the_command_and_leaves_the_model_working(tmp_path: Path) -> None:
    store = Store(tmp_path)
    template = ModelRecord("digits-sngp-seed0", "digits", "sngp", 0, {}, (), 1, 1, 0.0, {}, "2026-11-28")
    weights = store.save_arrays("digits-sngp-seed0", {"kernel": np.ones(2)})
    table = store.save_arrays("digits-sngp-seed0", {"counts": np.ones(1)}, "answers-test")
    record = dataclasses.replace(template, files=(weights,), tables={"test": table})
    store.put(record)
    (tmp_path / table.path).write_bytes(b"damaged")
    with pytest.raises(
        StoreError, match=r"answers-test.npz .* is damaged .* `python -m uqcore tables --model digits-sngp"
    ):
        Answers(store, record).of("test")
    assert store.arrays(record)[0]["kernel"].tolist() == [1, 1]
    assert [check.problem is None for check in store.verify()] == [True, False]


def test_a_task_without_images_has_no_test_table(committed: Store) -> None:
    assert datasets.load("moons").kept == ()
    assert list(committed.find("moons", "sngp").tables) == ["plane"]


def test_an_image_knows_where_it_is_from(of: Callable[[str, str], Answers]) -> None:
    images = predictions_of(of("digits", "deterministic"), EVERYTHING, 1).images
    assert isinstance(images, answers.Images)
    places = {0: TEST, 9_999: TEST, 10_000: ("fashion", 0.0), 20_000: ("noise", 0.7), 21_999: ("rotation", 45)}
    for i, part in places.items():
        found = images.of(i)
        assert found[:2] == part
        kept = images.groups[[group.part for group in images.groups].index(part[0])]
        np.testing.assert_array_equal(kept.take(np.array([found[2]])), images[np.array([i])])
    with pytest.raises(IndexError):
        images.of(len(images))
