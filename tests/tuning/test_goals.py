"""What a goal leads to, against plain recounts of the parts, and what is said of it."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import beta, betabinom, binom

from tests.prediction_files import calibrated, random_probs
from uqcore.predictions import Predictions
from uqcore.selection import (
    Certificate,
    ClassCertificates,
    Costs,
    Optimum,
    PerClassOptimum,
    Procedure,
    WeightedCertificate,
    certify,
    certify_per_group,
    rank,
    threshold_for_budget,
    weighted_shares,
)
from uqcore.selection.policy import ThresholdPolicy
from uqcore.text import fine_percent
from uqcore.tuning import ROUND_RISKS, Goal, Kind, Study, Tuned, round_risk, study, tune
from uqcore.types import UqError

COSTS = Costs.uniform(3, deferral=0.2)
ONE_GOAL = "This holds for one goal set beforehand, not for the best of several that were tried."
GOALS = [
    Goal("risk", 0.3),
    Goal("risk", 0.3, procedure="sgr"),
    Goal("risk", 0.3, per_class=True),
    Goal("cost", costs=COSTS),
    Goal("cost", costs=COSTS, per_class=True),
    Goal("cost", costs=replace(COSTS, ood_accepted=1.5, ood_share=0.3)),
    Goal("coverage", 0.8),
    Goal("ood_accepted", 0.1),
    Goal("manual", 0.4),
]


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    return calibrated(2400, 300)


@pytest.fixture(scope="module")
def mixed(predictions: Predictions) -> Study:
    """Predictions with labels and OOD."""
    return study(predictions, "margin")


def with_outcomes(correct: np.ndarray, n_classes: int = 3) -> Predictions:
    """Predictions of which it is known which are right."""
    probs = random_probs(len(correct), n_classes)
    return Predictions(
        "mine",
        "probs",
        probs[None],
        tuple(f"class {k}" for k in range(n_classes)),
        labels=(probs.argmax(axis=1) + ~correct) % n_classes,
    )


def recount(of: Study, policy: ThresholdPolicy) -> list[float]:
    """Over the held-out examples: accepted, wrong among them, share of OOD accepted; one example at a time."""
    predictions, limits = of.predictions, policy.thresholds
    measure, predicted = predictions.measure(of.measure_id), predictions.predicted
    is_accepted = [measure[i] <= limits[predicted[i] if len(limits) > 1 else 0] for i in of.held_out.indices]
    known = [bool(predictions.in_distribution[i]) for i in of.held_out.indices]
    assert predictions.labels is not None
    wrong = [predicted[i] != predictions.labels[i] for i in of.held_out.indices]
    n_accepted = sum(a and k for a, k in zip(is_accepted, known, strict=True))
    n_errors = sum(a and k and w for a, k, w in zip(is_accepted, known, wrong, strict=True))
    n_ood_accepted = sum(a and not k for a, k in zip(is_accepted, known, strict=True))
    return [n_accepted, n_errors, n_ood_accepted / known.count(False)]


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: f"{goal.kind} {goal.procedure} {goal.per_class}")
def test_the_assessment_is_what_the_policy_does_to_the_held_out_examples(mixed: Study, goal: Goal) -> None:
    tuned = tune(mixed, goal)
    policy, seen, part = tuned.policy, tuned.assessment, mixed.held_out
    assert [seen.n_accepted, seen.n_errors, seen.ood_accepted.value] == recount(mixed, policy)
    assert (policy.coverage, policy.risk) == (seen.coverage, seen.risk)
    assert (policy.n_calibration, policy.n_test, seen.n) == (1200, 1200, 1200)
    by_probs = policy.decide(mixed.predictions.values[0, part.indices])
    measure = mixed.predictions.measure("margin")[part.indices]
    np.testing.assert_array_equal(by_probs, policy.decide_measured(measure, mixed.predictions.predicted[part.indices]))
    assert np.count_nonzero(by_probs[: seen.n]) == seen.n_accepted
    assert (policy.measure, policy.n_classes, policy.confidence) == ("margin", 3, 0.95)
    assert policy.fingerprint == mixed.predictions.fingerprint
    assert datetime.now(UTC).date() - date.fromisoformat(policy.created) <= timedelta(days=1)
    assert ThresholdPolicy.from_json(policy.to_json()) == policy


@pytest.mark.parametrize("procedure", ["ltt", "sgr"])
def test_a_certified_risk_counts_what_a_recount_counts(mixed: Study, procedure: Procedure) -> None:
    tuned = tune(mixed, Goal("risk", 0.25, 0.03, procedure))
    (threshold,), found, part = tuned.policy.thresholds, tuned.certificate, mixed.calibration
    assert isinstance(found, Certificate)
    accepted = part.measure <= threshold
    n_accepted, n_errors = int(accepted.sum()), int((accepted & (part.predicted != part.known_labels())).sum())
    assert 0 < n_accepted < 1200
    assert (found.n, found.n_accepted, found.n_errors) == (1200, n_accepted, n_errors)
    assert found == certify(part.ranking, 0.25, 0.03, procedure)
    # Learn then Test's p-value, of the examples that did not choose the start.
    pilot = np.random.default_rng(1200).choice(1200, 34, replace=False)[: found.n_pilot]
    tested = accepted & ~np.isin(np.arange(1200), pilot)
    assert binom.cdf((tested & (part.predicted != part.known_labels())).sum(), tested.sum(), 0.25) <= 0.03
    assert tuned.promise == (
        "At most 25 % of what is accepted is wrong, with 97 % confidence: certified on 1,200 calibration examples, of "
        f"which it accepts {n_accepted:,} and {n_errors} of these are wrong. {ONE_GOAL} Unseen (OOD) examples that are "
        "accepted come on top."
    )
    assert (tuned.policy.certified, tuned.policy.delta, tuned.policy.procedure) == (True, 0.03, procedure)
    assert tuned.policy.target.sentence == "at most 25 % of the accepted wrong, with 97 % confidence"


def test_ood_examples_are_no_errors_of_a_certified_risk(mixed: Study) -> None:
    part = mixed.calibration
    alone = certify(rank(part.measure, part.predicted == part.known_labels()), 0.25, 0.05)
    assert tune(mixed, Goal("risk", 0.25)).certificate == alone
    assert part.ood_measure is not None
    sure = replace(part, ood_measure=np.zeros_like(part.ood_measure))
    certain_ood = tune(replace(mixed, calibration=sure), Goal("risk", 0.25))
    assert certain_ood.certificate == alone
    assert (alone.certified, alone.n) == (True, 1200)
    assert "OOD" not in tune(mixed, Goal("risk", 1e-6)).promise  # nothing of it is accepted


def test_thresholds_per_class_count_what_a_recount_counts(mixed: Study) -> None:
    tuned = tune(mixed, Goal("risk", 0.4, per_class=True))
    found, part = tuned.certificate, mixed.calibration
    assert isinstance(found, ClassCertificates)
    assert tuned.policy.thresholds == tuple(found.thresholds)
    for c, (threshold, of_class) in enumerate(zip(tuned.policy.thresholds, found.certificates, strict=True)):
        accepted = (part.predicted == c) & (part.measure <= threshold)
        n_errors = int((accepted & (part.known_labels() != c)).sum())
        assert (of_class.n_accepted, of_class.n_errors) == (accepted.sum(), n_errors)
        assert of_class.n_accepted > 0
        assert binom.cdf(n_errors, of_class.n_accepted, 0.4) <= 0.05 / 3
    assert tuned.promise == (
        "At most 40 % of what is accepted is wrong, for each of 3 predicted classes, all together with 95 % "
        f"confidence. {ONE_GOAL} Unseen (OOD) examples that are accepted come on top."
    )


def test_where_all_are_right_all_are_accepted() -> None:
    tuned = tune(study(with_outcomes(np.ones(400, bool)), "margin"), Goal("risk", 0.05))
    assert tuned.policy.thresholds == (math.inf,)
    assert tuned.policy.certified
    assert tuned.promise.endswith(f"it accepts 200 and 0 of these are wrong. {ONE_GOAL}")  # and no OOD to speak of
    assert (tuned.assessment.n_accepted, tuned.assessment.risk.value) == (200, 0)
    assert tuned.policy.decide(random_probs(50, 3, seed=9)).all()


def test_where_all_are_wrong_nothing_is_accepted_and_no_risk_is_known() -> None:
    of = study(with_outcomes(np.zeros(400, bool)), "margin")
    tuned = tune(of, Goal("risk", 0.05))
    assert tuned.policy.thresholds == (-math.inf,)
    assert (tuned.policy.certified, tuned.policy.risk) == (False, None)
    assert tuned.promise == (
        "No threshold can promise at most 5 % wrong with 95 % confidence on 200 calibration examples; not even 128 "
        "times as many like these would make it likely. Everything is deferred."
    )
    assert math.isnan(tuned.assessment.risk.value)
    assert not tuned.policy.decide(random_probs(50, 3, seed=9)).any()
    assert tune(of, Goal("cost", costs=COSTS)).policy.thresholds == (-math.inf,)
    assert tune(of, Goal("cost", costs=COSTS, per_class=True)).policy.thresholds == (-math.inf,) * 3
    per_class = tune(of, Goal("risk", 0.05, per_class=True))
    n = np.bincount(of.calibration.predicted)
    assert not per_class.policy.certified
    assert per_class.promise == (
        "For no predicted class can a threshold promise at most 5 % wrong with 95 % confidence. Always deferred: "
        + ", ".join(f"'class {c}' ({n[c]} examples, too many wrong)" for c in range(3))
        + "."
    )


def test_too_few_examples_are_told_how_many_are_needed() -> None:
    tuned = tune(study(with_outcomes(np.ones(20, bool)), "margin"), Goal("risk", 0.05))
    assert isinstance(tuned.certificate, Certificate)
    # No error among n passes at (1 - 0.05)^n <= 0.05, so from n = 59.
    assert tuned.certificate.n_needed is not None
    assert 59 <= tuned.certificate.n_needed <= 1.1 * 59
    assert f"on 10 calibration examples; about {tuned.certificate.n_needed} would be needed if" in tuned.promise


def test_a_class_that_is_never_predicted_is_deferred_and_named() -> None:
    top = np.random.default_rng(0).uniform(0.5, 1, (600, 1)).astype(np.float32)
    probs = np.concatenate([top, 1 - top, np.zeros_like(top)], axis=1)
    probs[1::2] = probs[1::2, [1, 0, 2]]
    names = ("cat", "dog", "=bird\n" + 50 * "x")
    of = study(Predictions("mine", "probs", probs[None], names, labels=np.arange(600) % 2), "margin")
    tuned = tune(of, Goal("risk", 0.1, per_class=True))
    assert tuned.policy.thresholds == (math.inf, math.inf, -math.inf)
    assert tuned.policy.certified
    assert isinstance(tuned.certificate, ClassCertificates)
    assert tuned.certificate.certificates[2].n == 0
    # (1 - 0.1)^n <= 0.05 / 3 from n = 39 on.
    assert tuned.promise == (
        "At most 10 % of what is accepted is wrong, for each of 2 predicted classes, all together with 95 % "
        rf"confidence. Always deferred: '=bird\n{34 * 'x'}' (0 examples, about 39 needed). {ONE_GOAL}"
    )
    assert tuned.assessment.coverage.value == 1
    cheapest = tune(of, Goal("cost", costs=COSTS, per_class=True))
    assert cheapest.policy.thresholds[2] == -math.inf
    assert of.calibration.assess(cheapest.policy.thresholds).coverage.value == 1


def test_a_promise_names_a_few_classes_and_counts_the_others() -> None:
    promise = tune(study(with_outcomes(np.ones(80, bool), 9), "margin"), Goal("risk", 0.01, per_class=True)).promise
    assert len(re.findall(r"'class \d' \(", promise)) == 5
    assert promise.endswith(" and 4 more.")


@pytest.mark.parametrize("per_class", [False, True])
def test_the_cheapest_thresholds_are_those_of_a_slow_search(mixed: Study, per_class: bool) -> None:
    part, costs = mixed.calibration, replace(COSTS, ood_accepted=1.5, ood_share=0.3)
    assert part.ood_measure is not None
    assert part.ood_predicted is not None
    tuned = tune(mixed, Goal("cost", costs=costs, per_class=per_class))
    assert isinstance(tuned.optimum, PerClassOptimum if per_class else Optimum)
    least = 0.0
    for inside, ood in (
        [(part.predicted == c, part.ood_predicted == c) for c in range(3)]
        if per_class
        else [(np.ones(1200, bool), np.ones(150, bool))]
    ):
        least += min(
            0.7 * np.where(part.measure <= t, part.predicted != part.known_labels(), 0.2)[inside].sum() / 1200
            + 0.3 * np.where(part.ood_measure <= t, 1.5, 0.2)[ood].sum() / 150
            for t in [-np.inf, *part.measure[inside]]
        )
    assert tuned.optimum.cost == pytest.approx(1000 * least)
    assert (tuned.policy.target.kind, tuned.policy.target.value) == ("cost", tuned.optimum.cost)
    n_accepted, n_errors, ood_share = recount(mixed, tuned.policy)
    cost = 0.7 * (n_errors + 0.2 * (1200 - n_accepted)) / 1200 + 0.3 * (1.5 * ood_share + 0.2 * (1 - ood_share))
    assert f" The 1,200 held out cost {1000 * cost:.4g} per 1,000 (" in tuned.promise
    assert (tuned.policy.certified, tuned.policy.delta) == (False, None)


def test_coverage_is_reached_with_the_fewest_examples(mixed: Study) -> None:
    tuned = tune(mixed, Goal("coverage", 0.8))
    assert np.count_nonzero(mixed.calibration.measure <= tuned.policy.thresholds[0]) == 960
    assert tuned.promise.startswith("Accepts at least 80 % of 1,200 calibration examples, the surest ones. ")
    assert tuned.policy.target.sentence == "accept at least 80 % of the examples"


def test_where_the_measure_is_constant_a_threshold_accepts_all_or_nothing() -> None:
    probs = np.tile(np.array([0.7, 0.2, 0.1], np.float32), (100, 1))
    labels = np.arange(100) % 10 // 9  # 1 in 10 is wrong
    of = study(Predictions("mine", "probs", probs[None], ("a", "b", "c"), labels=labels), "margin")
    assert tune(of, Goal("coverage", 0.01)).assessment.coverage.value == 1
    assert tune(of, Goal("risk", 0.05)).policy.thresholds == (-math.inf,)
    assert tune(of, Goal("cost", costs=COSTS)).assessment.coverage.value == 1
    assert tune(of, Goal("cost", costs=replace(COSTS, deferral=0.01))).assessment.coverage.value == 0


@pytest.mark.parametrize(("share", "n_accepted"), [(0.1, 15), (0, 0), (1, 150)])
def test_as_many_ood_examples_are_let_through_as_allowed(mixed: Study, share: float, n_accepted: int) -> None:
    tuned = tune(mixed, Goal("ood_accepted", share))
    assert mixed.calibration.ood_measure is not None
    assert np.count_nonzero(mixed.calibration.ood_measure <= tuned.policy.thresholds[0]) == n_accepted
    assert tuned.promise.startswith(f"Lets through at most {100 * share:g} % of 150 unseen examples of this kind. ")


def test_two_classes_have_their_own_measure() -> None:
    of = study(calibrated(500, n_classes=2), "bernoulli_variance")
    assert tune(of, Goal("risk", 0.3, per_class=True)).policy.n_classes == 2
    (threshold,) = tune(of, Goal("coverage", 0.5)).policy.thresholds
    p = of.predictions.values[0, of.calibration.indices, 1]
    assert np.count_nonzero(p * (1 - p) <= threshold) == 125


def test_measures_of_several_samples_are_tuned_too() -> None:
    of = study(calibrated(500, n_samples=4), "mutual_information")
    policy = tune(of, Goal("coverage", 0.5)).policy
    accepted = policy.decide(of.predictions.values)
    assert np.count_nonzero(accepted[of.calibration.indices]) == 125


def test_a_confidence_is_never_rounded_to_certainty() -> None:
    tuned = tune(study(with_outcomes(np.ones(4000, bool)), "margin"), Goal("risk", 0.0123456, 1e-6))
    assert tuned.policy.certified
    for said in (tuned.promise, tuned.policy.target.sentence):
        assert "99.9999 % confidence" in said
        assert "t most 1.23456 % of " in said


def test_without_labels_what_needs_none_still_works() -> None:
    of = study(calibrated(100, 40, labelled=False), "margin")
    for goal in (Goal("coverage", 0.9), Goal("ood_accepted", 0.1), Goal("manual", 0.5)):
        tuned = tune(of, goal)
        assert tuned.policy.risk is None
        assert math.isnan(tuned.assessment.risk.value)
        assert tuned.policy.coverage == tuned.assessment.coverage
    for goal in (Goal("risk", 0.1), Goal("risk", 0.1, per_class=True), Goal("cost", costs=COSTS)):
        with pytest.raises(UqError, match="needs labels"):
            tune(of, goal)


NAN = math.nan


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        (Goal("risk"), "The goal risk needs a value. Received none."),
        (Goal("manual"), "The goal manual needs a value. Received none."),
        (Goal("cost"), "A goal of least cost needs `costs`. Received none."),
        (Goal("risk", 0), "`target_risk` must be between 0 and 1, both excluded. Received: 0."),
        (Goal("risk", NAN), "`target_risk` must be between 0 and 1, both excluded. Received: nan."),
        (Goal("risk", 0.1, 1), "`delta` must be between 0 and 1, both excluded. Received: 1."),
        (Goal("risk", 2, per_class=True), "`target_risk` must be between 0 and 1, both excluded. Received: 2."),
        (Goal("coverage", 0), "`coverage` must be above 0 and at most 1. Received: 0."),
        (Goal("coverage", NAN), "`coverage` must be above 0 and at most 1. Received: nan."),
        (Goal("ood_accepted", 1.1), "`share` must be from 0 to 1. Received: 1.1."),
        (Goal("manual", NAN), "`threshold` must be a number. Received: NaN."),
        (
            Goal("coverage", 0.5, per_class=True),
            "Thresholds per class are chosen for a risk or for costs. Received the goal coverage.",
        ),
        (
            Goal("cost", costs=Costs.uniform(4, deferral=0.1)),
            "The costs must be of 3 classes, like the examples. Received: 4.",
        ),
    ],
)
def test_a_goal_that_cannot_be_is_one_sentence(mixed: Study, goal: Goal, message: str) -> None:
    with pytest.raises(UqError) as raised:
        tune(mixed, goal)
    assert str(raised.value) == message


@pytest.mark.parametrize("n_ood", [0, 1])
def test_goals_of_ood_need_ood_examples_in_both_parts(n_ood: int) -> None:
    of = study(calibrated(100, n_ood), "margin")
    with pytest.raises(UqError, match="This needs OOD examples"):
        tune(of, Goal("ood_accepted", 0.1))
    with pytest.raises(UqError, match=r"`ood_share` of 0\.3 needs OOD examples"):
        tune(of, Goal("cost", costs=replace(COSTS, ood_share=0.3)))


def test_a_threshold_by_hand_promises_nothing(mixed: Study) -> None:
    kinds: list[tuple[Kind, float]] = [("manual", 0.4), ("coverage", 0.4), ("ood_accepted", 0.4)]
    by_hand, *others = (tune(mixed, Goal(kind, value)) for kind, value in kinds)
    assert by_hand.policy.thresholds == (0.4,)
    assert by_hand.promise == "Chosen by hand: nothing is promised."
    for tuned in (by_hand, *others):
        assert_no_promise(tuned)


def assert_no_promise(tuned: Tuned) -> None:
    assert (tuned.policy.certified, tuned.policy.delta) == (False, None)
    assert (tuned.certificate, tuned.optimum) == (None, None)


def test_a_risk_that_cannot_be_certified_names_the_smallest_that_can(mixed: Study) -> None:
    tuned = tune(mixed, Goal("risk", 0.02))
    assert not tuned.policy.certified
    assert tuned.smallest_risk is not None
    assert f"The smallest risk that can be promised here is {100 * tuned.smallest_risk:.10g} %" in tuned.promise
    again = tune(mixed, Goal("risk", tuned.smallest_risk))
    assert again.policy.certified
    assert again.smallest_risk is None


def test_a_round_risk_chosen_on_the_calibration_part_is_certified_at_its_share_of_delta() -> None:
    one_in_14_wrong = study(with_outcomes(np.arange(3000) % 14 > 0), "margin")
    risk, m = round_risk(one_in_14_wrong), len(ROUND_RISKS)
    assert risk == 0.2
    tuned = tune(one_in_14_wrong, Goal("risk", risk, n_tried=m))
    assert tuned.policy.certified
    assert tuned.policy.delta == 0.05
    assert tuned.policy.thresholds == (certify(one_in_14_wrong.calibration.ranking, risk, 0.05 / m).threshold,)
    assert tuned.promise.startswith(f"At most {100 * risk:g} % of what is accepted is wrong, with 95 % confidence:")
    assert f"was chosen on these examples; the promise allows for that: {m} figures share the 5 %." in tuned.promise
    assert ONE_GOAL not in tuned.promise
    smaller = [other for other in ROUND_RISKS if other < risk]
    assert not any(tune(one_in_14_wrong, Goal("risk", other, n_tried=m)).policy.certified for other in smaller)


def test_no_round_risk_is_chosen_where_none_can_be_promised(mixed: Study) -> None:
    assert round_risk(study(with_outcomes(np.zeros(300, bool)), "margin")) is None
    unlabelled = study(replace(mixed.predictions, labels=None), "margin")
    assert round_risk(unlabelled) is None
    with pytest.raises(UqError, match="n_tried"):
        tune(mixed, Goal("risk", 0.1, n_tried=0))


def test_a_budget_is_kept_by_the_population_as_often_as_promised() -> None:
    """A uniform measure: the share deferred of the population is 1 minus the threshold."""
    rng, broken = np.random.default_rng(0), 0
    for _ in range(400):
        broken += 1 - threshold_for_budget(rng.random(200), 0.1, 0.1) > 0.1
    assert 20 <= broken <= 60  # 40 expected at most: neither broken more often nor much more careful than promised
    assert threshold_for_budget(rng.random(20), 0.1, 0.05) == np.inf  # 20 are too few to defer any


def test_a_budget_says_what_a_day_may_bring_and_what_risk_holds() -> None:
    of = study(calibrated(4000, seed=3), "predictive_entropy")
    tuned = tune(of, Goal("budget", 0.2, per=1000))
    n, kept = len(of.calibration.measure), int(np.sum(of.calibration.measure <= tuned.policy.thresholds[0]))
    a, b = n - kept + 1, kept
    day = int(betabinom.ppf(0.95, 1000, a, b))
    assert beta.cdf(0.2, a, b) >= 0.95  # of the share deferred
    assert f"19 of 20 days of 1,000 defer at most {day:,}" in tuned.promise
    bound = beta.ppf(0.95, tuned.assessment.n_errors + 1, tuned.assessment.n_accepted - tuned.assessment.n_errors)
    assert f"at most {fine_percent(bound)} is wrong" in tuned.promise
    assert tuned.policy.target.sentence == "defer at most 200 of 1,000 examples, with 95 % confidence"
    unlabelled = tune(study(calibrated(4000, labelled=False), "predictive_entropy"), Goal("budget", 0.2))
    assert "there are no labels" in unlabelled.promise


def test_a_precision_accepts_one_class_alone_and_measures_its_recall() -> None:
    of = study(calibrated(6000, seed=5), "predictive_entropy")
    tuned = tune(of, Goal("precision", 0.7, positive=1))
    part, held = of.calibration, of.held_out
    assert part.labels is not None
    assert held.labels is not None
    mine = part.predicted == 1
    alone = certify(rank(part.measure[mine], part.labels[mine] == 1), 0.3, 0.05)
    assert tuned.policy.thresholds == (-np.inf, alone.threshold, -np.inf)
    assert tuned.policy.certified
    hits = (held.predicted == 1) & (held.measure <= alone.threshold)
    assert tuned.recall is not None
    assert tuned.recall.value == np.mean(hits[held.labels == 1])
    assert tuned.assessment.n_errors == np.sum(held.labels[hits] != 1)
    none = tune(of, Goal("precision", 0.999, positive=2))
    assert not none.policy.certified
    assert "Everything is deferred" in none.promise
    for goal in (Goal("precision", 0.7), Goal("precision", 0.7, positive=3), Goal("precision", 1.0, positive=0)):
        with pytest.raises(UqError, match="precision"):
            tune(of, goal)


def grouped(n: int = 3000) -> Study:
    predictions = calibrated(n, 300, seed=8)
    places = np.arange(len(predictions))
    group = np.array(["north", "south", "", "tiny"])[np.where(places < 9, 3, places % 3)]
    return study(replace(predictions, group=group), "predictive_entropy")


def test_a_threshold_for_each_group_all_certified_at_once() -> None:
    of = grouped()
    tuned = tune(of, Goal("risk", 0.3, per_group=True))
    part, held, policy = of.calibration, of.held_out, tuned.policy
    assert part.group is not None
    assert part.correct is not None
    assert held.correct is not None
    assert held.ood_measure is not None
    assert policy.groups == ("(none)", "north", "south", "tiny")
    names = [str(name) or "(none)" for name in part.group.tolist()]
    codes = np.array([policy.groups.index(name) for name in names])
    found = certify_per_group(part.measure, part.correct, codes, policy.groups, 0.3, 0.05)
    assert policy.thresholds == tuple(found.thresholds)
    assert f"in each of {4 - len(found.uncertified)} groups, all at once" in tuned.promise
    assert "'tiny' (" in tuned.promise.split("Deferred altogether")[1]
    accepted = policy.decide_measured(held.measure, group=held.group)
    assert tuned.assessment.n_accepted == accepted.sum()
    assert tuned.assessment.n_errors == np.sum(accepted & ~held.correct)
    assert tuned.assessment.ood_accepted.value == np.mean(
        policy.decide_measured(held.ood_measure, group=held.ood_group)
    )
    assert policy.coverage == tuned.assessment.coverage


def test_thresholds_by_group_need_groups_and_a_risk() -> None:
    with pytest.raises(UqError, match="a column that says of which group"):
        tune(study(calibrated(300), "predictive_entropy"), Goal("risk", 0.3, per_group=True))
    for goal in (Goal("coverage", 0.5, per_group=True), Goal("risk", 0.3, per_group=True, per_class=True)):
        with pytest.raises(UqError, match="chosen for a risk"):
            tune(grouped(), goal)


def test_a_weighted_risk_is_certified_by_weight_and_its_shares_are_said() -> None:
    rng, n = np.random.default_rng(4), 4000
    p = 0.5 + rng.random(n) / 2
    wrong = rng.random(n) < 0.4 * (1 - p)
    weight = np.where(wrong, 0.1, 1.0)  # errors weigh a tenth
    probs = np.stack([1 - p, p], axis=1)
    mine = Predictions("mine", "probs", probs[None], ("no", "yes"), (~wrong).astype(np.int64), weight=weight)
    of_mine = study(mine, "predictive_entropy")
    plain, weighted = (tune(of_mine, Goal("risk", 0.03, weighted=by)) for by in (False, True))
    assert weighted.assessment.n_accepted > plain.assessment.n_accepted
    held = of_mine.held_out
    assert held.weight is not None
    accepted, right = held.measure <= weighted.policy.thresholds[0], held.predicted == held.labels
    seen = weighted_shares(accepted, right, held.weight)
    assert f"Of the weight held out it accepts {fine_percent(seen.coverage)}, and {fine_percent(seen.risk)}" in (
        weighted.promise
    )
    assert seen.risk < 0.03
    assert (weighted.policy.procedure, weighted.policy.certified) == ("betting", True)
    assert ThresholdPolicy.from_json(weighted.policy.to_json()) == weighted.policy
    certified = weighted.certificate
    assert isinstance(certified, WeightedCertificate)
    assert certified.most == held.weight.max()
    with pytest.raises(UqError, match="one threshold for all"):
        tune(of_mine, Goal("risk", 0.03, weighted=True, per_class=True))
    with pytest.raises(UqError, match=r"needs a column of weights\. Received none"):
        tune(study(replace(mine, weight=None), "predictive_entropy"), Goal("risk", 0.03, weighted=True))
