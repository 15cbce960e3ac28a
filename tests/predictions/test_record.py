"""Predictions by hand and by `Draws`: chunks change nothing, the closed form stays, OOD is never right."""

from __future__ import annotations

import hashlib
import tracemalloc
from typing import Any

import numpy as np
import pytest

from tests.prediction_files import LABELS, PROBS, random_probs
from uqcore.metrics.uncertainty import MEASURES
from uqcore.predictions import NO_LABEL, Predictions, record
from uqcore.predictions.raw import Kind
from uqcore.types import Draws, FloatArray, UqError, softmax

OOD = np.array([False, True, False, False])


def of_probs(probs: np.ndarray = PROBS, **parts: object) -> Predictions:
    names = tuple(map(str, range(probs.shape[-1])))
    return Predictions("mine", "probs", probs.astype(np.float32).reshape(-1, *probs.shape[-2:]), names, **parts)  # type: ignore[arg-type]


def draws_of(n_samples: int, n: int, n_classes: int, closed: bool = False) -> Draws:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, (n_samples, n, n_classes)).astype(np.float32)
    if not closed:
        return Draws(logits)
    return Draws(logits, logits.mean(axis=0), rng.uniform(0, 5, n).astype(np.float32), 0.3)


def test_by_hand() -> None:
    mine = of_probs(labels=np.where(OOD, NO_LABEL, LABELS), ood=OOD)
    assert (len(mine), mine.n_samples, mine.n_classes) == (4, 1, 3)
    assert mine.predicted.tolist() == [0, 1, 2, 1]
    assert mine.correct is not None
    assert mine.correct.tolist() == [True, False, False, True]  # example 1 is OOD, though its column would fit
    assert mine.in_distribution.tolist() == [True, False, True, True]
    assert mine.measure("least_confidence").tolist() == [0.5, 0.25, 0, 0.5]
    assert mine.measure("predictive_entropy")[0] == pytest.approx(1.5 * np.log(2))


def test_without_labels_or_ood() -> None:
    mine = of_probs()
    assert mine.correct is None
    assert mine.in_distribution.all()


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("shape", [(1, 7, 2), (5, 100, 4)])
def test_every_measure_is_that_of_the_draws_however_it_is_cut(
    shape: tuple[int, int, int], closed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = draws_of(*shape, closed=closed)
    names = tuple(map(str, range(shape[2])))
    monkeypatch.setattr(record, "CHUNK_NUMBERS", 3 * shape[0] * shape[2])  # three examples at a time
    mine = Predictions.from_draws(draws, name="ours", class_names=names)
    for measure_id in mine.measures:
        np.testing.assert_allclose(mine.measure(measure_id), MEASURES[measure_id].compute(draws), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(mine.predicted, draws.predictive.argmax(axis=1))
    np.testing.assert_allclose(mine.predictive, draws.predictive, rtol=1e-6)


def test_the_closed_form_decides() -> None:
    draws = draws_of(3, 20, 4, closed=True)
    mine = Predictions.from_draws(draws, name="ours", class_names=tuple("abcd"))
    assert draws.mean_logits is not None
    assert draws.variance is not None
    by_hand = softmax(draws.mean_logits / np.sqrt(1 + 0.3 * draws.variance)[:, None])
    np.testing.assert_allclose(mine.predictive, by_hand, rtol=1e-6)
    np.testing.assert_array_equal(mine.measure("logit_variance"), draws.variance)
    assert not np.allclose(mine.predictive, draws.probs.mean(axis=0))


def test_probabilities_get_logits_that_give_them_back() -> None:
    draws = of_probs().draws(slice(1, 3))
    np.testing.assert_allclose(softmax(draws.logits)[0], PROBS[1:3], atol=1e-7)
    np.testing.assert_array_equal(draws.probs[0], PROBS[1:3])
    assert np.isfinite(draws.logits).all()


def test_only_measures_that_mean_something() -> None:
    def without(*lacking: str) -> set[str]:
        return {name for name, measure in MEASURES.items() if not measure.needs & set(lacking)}

    disagreement = {"expected_entropy", "mutual_information"}
    one = of_probs(random_probs(5, 3))
    assert not set(one.measures) & (disagreement | {"logit_variance", "bernoulli_variance", "score"})
    assert set(one.measures) == without("samples", "logits", "two classes", "score")
    two = of_probs(random_probs(4, 5, 2))
    assert set(two.measures) >= disagreement | {"bernoulli_variance"}
    assert set(two.measures) == without("logits", "score")
    drawn = Predictions.from_draws(draws_of(4, 5, 3), name="", class_names=tuple("abc"))
    assert set(drawn.measures) >= disagreement | {"logit_variance"}
    assert set(drawn.measures) == without("two classes", "score")
    closed = Predictions.from_draws(draws_of(1, 5, 3, closed=True), name="", class_names=tuple("abc"))
    assert "logit_variance" in closed.measures
    assert "logit_variance" not in Predictions.from_draws(draws_of(1, 5, 2), name="", class_names=("a", "b")).measures
    with pytest.raises(UqError, match=r"Expected a measure that mine has.*Received: mutual_information"):
        one.measure("mutual_information")


def test_a_measure_is_computed_once_and_cannot_be_changed() -> None:
    mine = of_probs()
    margin = mine.measure("margin")
    assert mine.measure("margin") is margin
    with pytest.raises(ValueError, match="read-only"):
        margin[0] = 0


def test_labels_of_ood_are_dropped() -> None:
    draws = draws_of(2, 4, 3)
    mine = Predictions.from_draws(draws, name="ours", class_names=tuple("abc"), labels=LABELS, ood=OOD)
    assert mine.labels is not None
    assert mine.labels.tolist() == [0, NO_LABEL, 1, 1]
    none = Predictions.from_draws(draws, name="ours", class_names=tuple("abc"), labels=LABELS, ood=np.zeros(4, bool))
    assert none.ood is None
    assert none.labels is LABELS


def test_a_subset_is_the_same_examples() -> None:
    draws = draws_of(3, 4, 3, closed=True)
    images = np.arange(4 * 2 * 2, dtype=np.uint8).reshape(4, 2, 2)
    whole = Predictions.from_draws(draws, name="ours", class_names=tuple("abc"), labels=LABELS, ood=OOD, images=images)
    for indices in (np.array([3, 0, 0]), np.array([True, False, False, True]), slice(1, 3)):
        some = whole.subset(indices)
        assert whole.images is not None
        assert some.images is not None
        np.testing.assert_array_equal(some.images, whole.images[indices])
        for measure_id in whole.measures:
            np.testing.assert_allclose(some.measure(measure_id), whole.measure(measure_id)[indices], rtol=1e-6)
        np.testing.assert_array_equal(some.correct, np.asarray(whole.correct)[indices])
    assert whole.subset(~OOD).ood is None


def test_the_fingerprint_is_of_the_content_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    probs = random_probs(3, 50, 4)
    labels = np.arange(50) % 4
    mine = of_probs(probs, labels=labels)
    print_of = mine.fingerprint
    assert len(print_of) == len(hashlib.sha256().hexdigest())
    moved = np.asfortranarray(probs)
    monkeypatch.setattr(record, "CHUNK_NUMBERS", 100)
    assert of_probs(moved, labels=labels, notes=("other",)).fingerprint == print_of
    changed = probs.copy()
    changed[2, 49, 3] = np.nextafter(changed[2, 49, 3], np.float32(1))
    others = [
        of_probs(changed, labels=labels),
        of_probs(probs, labels=(labels + 1) % 4),
        of_probs(probs),
        of_probs(probs, labels=labels, ood=np.arange(50) == 0),
        of_probs(probs[:1], labels=labels),
        of_probs(probs[[1, 0, 2]], labels=labels),
        Predictions("mine", "logits", probs, tuple("0123"), labels=labels),
    ]
    assert len({print_of, *(other.fingerprint for other in others)}) == 8


def test_shapes_must_agree() -> None:
    for shape in ((3,), (1, 1, 3, 2), (0, 2), (1, 0, 2)):
        with pytest.raises(UqError, match=r"axes \(S, N, K\) or \(N, K\)"):
            Predictions("mine", "probs", np.full(shape, 0.5), ("a", "b"))
    with pytest.raises(UqError, match=r"Expected 3 class names\. Received: 2"):
        Predictions("mine", "probs", np.full((1, 4, 3), 1 / 3), ("a", "b"))
    with pytest.raises(UqError, match=r"must have 4 examples.*Received: 3"):
        of_probs(labels=LABELS[:3])


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("probs", np.full((4, 3), 1.0), r"must be probabilities that sum to 1.*up to 2 off"),
        ("probs", np.array([[0.5, np.nan]]), "Received rows with NaN"),
        ("probs", np.array([[1.5, -0.5]]), "negative numbers"),
        (
            "logits",
            np.array([[1.5, np.inf]]),
            "`values` must be finite 32-bit numbers. Received 1 that are NaN or infinite",
        ),
    ],
)
def test_what_is_no_prediction_is_refused(kind: Kind, values: FloatArray, message: str) -> None:
    with pytest.raises(UqError, match=message):
        Predictions("mine", kind, values, tuple(map(str, range(values.shape[-1]))))


def test_one_sample_may_have_two_axes() -> None:
    probs = np.array([[0.9, 0.1], [0.3, 0.7]])
    two, three = (Predictions("mine", "probs", values, ("a", "b")) for values in (probs, probs[None]))
    assert two.fingerprint == three.fingerprint
    assert two.values.shape == (1, 2, 2)


@pytest.mark.parametrize("kind", ["probs", "logits"])
def test_the_array_that_holds_the_values_changes_nothing(kind: Kind) -> None:
    probs = random_probs(3, 50, 4)
    values = probs if kind == "probs" else np.log(probs)
    names = tuple("abcd")
    mine = Predictions("mine", kind, values, names)
    for same in (values.astype(np.float64), np.asfortranarray(values), np.asfortranarray(values.astype(np.float64))):
        other = Predictions("mine", kind, same, names)
        assert other.values.dtype == np.float32
        assert other.values.flags.c_contiguous
        assert other.fingerprint == mine.fingerprint
        for measure_id in mine.measures:
            np.testing.assert_array_equal(other.measure(measure_id), mine.measure(measure_id))
            assert other.measure(measure_id).dtype == np.float64
        np.testing.assert_array_equal(other.predictive, mine.predictive)


def test_a_measure_of_many_examples_takes_little_memory() -> None:
    mine = of_probs(np.full((2_000_000, 10), 0.1, np.float32))
    tracemalloc.start()
    mine.measure("predictive_entropy")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < mine.values.nbytes  # 80 MB; as one array the logarithms alone would be as large


@pytest.mark.parametrize("values", [[["0.5", "0.5"]], [[0.5j, 1]], [[0.5, 0.5], [1.0]], [[None, "x"]]])
@pytest.mark.parametrize("kind", ["probs", "logits"])
def test_what_are_no_numbers_is_refused(kind: Kind, values: Any) -> None:
    with pytest.raises(UqError, match="`values` must be an array of numbers"):
        Predictions("mine", kind, values, ("a", "b"))


def test_a_closed_form_is_taken_as_float32_whatever_it_came_as() -> None:
    rng = np.random.default_rng(3)
    logits, mean, variance = (rng.normal(size=shape).astype(np.float32) for shape in ((2, 9, 3), (9, 3), (9,)))
    variance = np.abs(variance)
    names = ("a", "b", "c")
    first = Predictions("x", "logits", logits, names, None, None, None, mean, variance, 0.4)
    wide = [np.asfortranarray(array.astype(np.float64)) for array in (logits, mean, variance)]
    second = Predictions("x", "logits", wide[0], names, None, None, None, wide[1], wide[2], 0.4)
    assert first.fingerprint == second.fingerprint
    for name in first.measures:
        np.testing.assert_array_equal(first.measure(name), second.measure(name))
    with pytest.raises(UqError, match="`variance` must be finite"):
        Predictions("x", "logits", logits, names, None, None, None, mean, np.full(9, np.nan), 0.4)


# An average, and what its samples said before


def averaged(n: int = 6, **parts: Any) -> Predictions:
    """The average of 20 samples, with two of the measures that it alone has no more."""
    said = {name: np.linspace(i, i + 1, n).astype(np.float32) for i, name in enumerate(("mutual_information", "score"))}
    of: dict[str, Any] = {"averaged_over": 20, "of_samples": said} | parts
    return Predictions("mine", "probs", random_probs(n, 3), tuple("abc"), **of)


def test_an_average_offers_what_one_row_has_and_what_its_samples_said() -> None:
    mine, bare = averaged(), Predictions("mine", "probs", random_probs(6, 3), tuple("abc"))
    assert mine.n_samples == 20
    assert bare.n_samples == 1
    assert set(mine.measures) - set(bare.measures) == {"mutual_information", "score"}
    assert list(mine.measures) == [measure_id for measure_id in MEASURES if measure_id in mine.measures]
    for measure_id, values in mine.of_samples.items():
        np.testing.assert_array_equal(mine.measure(measure_id), values)
    for measure_id in bare.measures:
        np.testing.assert_array_equal(mine.measure(measure_id), bare.measure(measure_id))
    np.testing.assert_array_equal(mine.predictive, bare.predictive)
    np.testing.assert_array_equal(mine.predicted, bare.predicted)
    with pytest.raises(UqError, match=r"Expected a measure that mine has.*Received: expected_entropy"):
        mine.measure("expected_entropy")


def test_the_average_of_samples_with_what_they_said_measures_as_the_samples_do() -> None:
    draws = draws_of(5, 40, 4, closed=True)
    whole = Predictions.from_draws(draws, name="ours", class_names=tuple("abcd"))
    need_samples = [m for m in whole.measures if MEASURES[m].needs]
    assert {"mutual_information", "expected_entropy", "logit_variance"} <= set(need_samples)
    mine = Predictions(
        "ours",
        "probs",
        whole.predictive,
        whole.class_names,
        averaged_over=whole.n_samples,
        of_samples={measure_id: whole.measure(measure_id) for measure_id in need_samples},
    )
    assert mine.measures == whole.measures
    assert mine.n_samples == whole.n_samples
    for measure_id in whole.measures:
        np.testing.assert_allclose(mine.measure(measure_id), whole.measure(measure_id), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(mine.predicted, whole.predicted)


def test_what_the_samples_said_comes_before_what_can_be_computed() -> None:
    said = np.arange(6, dtype=np.float32)
    mine = averaged(of_samples={"predictive_entropy": said})
    np.testing.assert_array_equal(mine.measure("predictive_entropy"), said)


def test_the_fingerprint_is_also_of_what_the_samples_said_and_of_how_many_they_were() -> None:
    mine = averaged()
    said = dict(mine.of_samples)
    changed = said["score"].copy()
    changed[5] = np.nextafter(changed[5], np.float32(9))
    others = [
        averaged(averaged_over=10),
        averaged(of_samples=said | {"score": changed}),
        averaged(of_samples={"score": said["score"]}),
        averaged(of_samples={"score": said["mutual_information"], "mutual_information": said["score"]}),
        Predictions("mine", "probs", random_probs(6, 3), tuple("abc")),
    ]
    assert averaged().fingerprint == mine.fingerprint
    assert len({mine.fingerprint, *(other.fingerprint for other in others)}) == 1 + len(others)


def test_a_subset_of_an_average_keeps_what_was_said_of_it() -> None:
    mine = averaged()
    for indices in (np.array([3, 0, 0]), np.array([True, False, False, True, False, False]), slice(1, 3)):
        some = mine.subset(indices)
        assert some.n_samples == 20
        assert some.measures == mine.measures
        for measure_id in mine.measures:
            np.testing.assert_allclose(some.measure(measure_id), mine.measure(measure_id)[indices], rtol=1e-6)
    assert mine.subset(slice(None)).fingerprint == mine.fingerprint


def test_what_the_samples_said_is_said_of_every_example() -> None:
    with pytest.raises(UqError, match=r"must have 6 examples.*Received: 5"):
        averaged(of_samples={"score": np.zeros(5, np.float32)})


def test_images_may_be_made_when_they_are_asked_for() -> None:
    asked: list[Any] = []

    class Made:
        shape = (6, 2, 2)

        def __len__(self) -> int:
            return 6

        def __getitem__(self, indices: Any, /) -> Any:
            asked.append(indices)
            return np.arange(24, dtype=np.uint8).reshape(self.shape)[indices]

    mine = averaged(images=Made())
    _ = mine.fingerprint, mine.predicted, mine.measure("score")
    assert asked == []
    some = mine.subset(np.array([4, 1]))
    assert [indices.tolist() for indices in asked] == [[4, 1]]
    np.testing.assert_array_equal(some.images, np.arange(24).reshape(6, 2, 2)[[4, 1]])


def test_what_is_joined_is_what_is_made_at_once() -> None:
    rng = np.random.default_rng(5)
    sizes, probs = (4, 1, 7), rng.dirichlet(np.ones(3), 12).astype(np.float32)
    said, labels, ood = rng.random(12).astype(np.float32), np.array([0, 1, 2, 0] + 8 * [NO_LABEL]), np.arange(12) >= 4
    starts = np.cumsum((0, *sizes))

    def of(rows: slice, **parts: Any) -> Predictions:
        samples = {"mutual_information": said[rows]}
        return Predictions("mine", "probs", probs[rows], tuple("abc"), averaged_over=9, of_samples=samples, **parts)

    joined = Predictions.joined([of(slice(i, i + n)) for i, n in zip(starts, sizes, strict=False)], labels, ood, None)
    at_once = of(slice(None), labels=labels, ood=ood)
    assert joined.fingerprint == at_once.fingerprint
    assert joined.measures == at_once.measures
    for measure_id in joined.measures:
        np.testing.assert_array_equal(joined.measure(measure_id), at_once.measure(measure_id))
    np.testing.assert_array_equal(joined.predicted, at_once.predicted)
    np.testing.assert_array_equal(joined.correct, at_once.correct)
    some = np.array([11, 0, 5])
    np.testing.assert_array_equal(joined.subset(some).predicted, at_once.subset(some).predicted)
    np.testing.assert_array_equal(
        joined.subset(some).measure("predictive_entropy"), at_once.measure("predictive_entropy")[some]
    )
