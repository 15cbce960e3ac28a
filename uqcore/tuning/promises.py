"""What a threshold promises, or why it promises nothing, in words."""

from __future__ import annotations

import numpy as np

from uqcore.selection import (
    Assessment,
    Certificate,
    ClassCertificates,
    Costs,
    Estimate,
    GroupCertificates,
    Weighted,
    WeightedCertificate,
    clopper_pearson,
)
from uqcore.selection.certified import MOST_TIMES
from uqcore.text import exact_percent as exact
from uqcore.text import fine_percent as fine
from uqcore.types import FloatArray

_N_NAMED = 5  # classes or groups that a promise names


def prices(costs: Costs) -> str:
    """What each outcome costs, in words."""
    errors = costs.matrix[~np.eye(len(costs.matrix), dtype=bool)]
    low, high = errors.min(), errors.max()
    said = [
        f"{low:.10g}" + (f" to {high:.10g}" if high > low else "") + " an error",
        f"{costs.deferral:.10g} a deferral",
    ]
    if costs.ood_share > 0:
        said.append(f"{costs.ood_accepted:.10g} an unseen (OOD) example accepted, {exact(costs.ood_share)} unseen")
    right = np.diag(costs.matrix)
    if right.any():
        said.append(f"{right.min():.10g} to {right.max():.10g} a right answer")
    return ", ".join(said)


def risk_promise(found: Certificate, least: float | None, delta: float) -> str:
    if found.certified:
        return (
            f"At most {exact(found.target_risk)} of what is accepted is wrong, with {exact(1 - delta)} "
            f"confidence: certified on {found.n:,} calibration examples, of which it accepts {found.n_accepted:,} and "
            f"{found.n_errors:,} of these are wrong."
        )
    needed = (
        f"about {found.n_needed:,} would be needed if the model errs as often as it did here"
        if found.n_needed
        else f"not even {MOST_TIMES} times as many like these would make it likely"
    )
    suggestion = (
        ""
        if least is None
        else f" The smallest risk that can be promised here is {exact(least)}: a suggestion, for a goal chosen after "
        "looking at these labels needs other examples to be certified on, or a share of the probability of error."
    )
    return (
        f"No threshold can promise at most {exact(found.target_risk)} wrong with {exact(1 - delta)} confidence "
        f"on {found.n:,} calibration examples; {needed}. Everything is deferred.{suggestion}"
    )


def weighted_promise(found: WeightedCertificate, held_out: Weighted, delta: float) -> str:
    """What is promised of the weight of what is accepted, and what the held-out part shows of it."""
    confidence = f"{exact(1 - delta)} confidence"
    if not found.certified:
        return (
            f"No threshold can promise at most {exact(found.target_risk)} of the weight wrong with {confidence} on "
            f"{found.n:,} calibration examples. Everything is deferred. The largest weight is "
            f"{found.most / found.mean:.1f} times the mean: the more weights differ, the more examples it takes."
        )
    return (
        f"Of the weight of what is accepted at most {exact(found.target_risk)} is wrong, with {confidence}: certified "
        f"on {found.n:,} calibration examples by betting, of which it accepts {found.n_accepted:,}, and "
        f"{fine(found.seen.risk)} of their weight is wrong. Of the weight held out it accepts "
        f"{fine(held_out.coverage)}, and {fine(held_out.risk)} of that is wrong, which are estimates. The largest "
        f"weight held out is {found.most:.4g}; larger ones count as that."
    )


def per_class_promise(found: ClassCertificates, names: tuple[str, ...], risk: float, delta: float) -> str:
    missing = [f"{names[c][:40]!r} ({_shortfall(found.certificates[c])})" for c in found.uncertified]
    n_certified, confidence = len(names) - len(missing), f"{exact(1 - delta)} confidence"
    promise = (
        f"At most {exact(risk)} of what is accepted is wrong, for each of {n_certified} predicted "
        f"class{'es, all together' if n_certified > 1 else ''} with {confidence}."
        if n_certified
        else f"For no predicted class can a threshold promise at most {exact(risk)} wrong with {confidence}."
    )
    more = f" and {len(missing) - _N_NAMED:,} more" if len(missing) > _N_NAMED else ""
    return promise + (f" Always deferred: {', '.join(missing[:_N_NAMED])}{more}." if missing else "")


def _shortfall(found: Certificate) -> str:
    return f"{found.n:,} examples, " + (f"about {found.n_needed:,} needed" if found.n_needed else "too many wrong")


def what_was_tried(n_tried: int, n_models: int, risk: float, delta: float) -> str:
    """Among how many goals and models a certified one was chosen, and that the promise allows for it."""
    if n_tried == n_models == 1:
        return " This holds for one goal set beforehand, not for the best of several that were tried."
    said = []
    if n_tried > 1:
        said.append(f"{n_tried} figures")
    if n_models > 1:
        said.append(f"{n_models} models")
    chosen = f"{exact(risk)} was chosen on these examples" if n_tried > 1 else "Any of the models may be kept"
    return f" {chosen}; the promise allows for that: {' of '.join(said)} share the {exact(delta)}."


def bounded_risk(seen: Assessment, delta: float, has_labels: bool) -> str:
    """What can be said of the risk at a threshold that was chosen without labels: an exact bound, from held-out ones.

    Given which of them are accepted, the wrong ones are binomial, so that the upper Clopper-Pearson limit holds.
    """
    if not has_labels:
        return " Nothing says how many of them are wrong: there are no labels."
    if not seen.n_accepted:
        return " None of the held-out examples is accepted, so nothing is known of its risk."
    bound = clopper_pearson(seen.n_errors, seen.n_accepted, 1 - 2 * delta)[1] if delta < 0.5 else seen.risk.high
    return (
        f" Of what is accepted at most {fine(bound)} is wrong, with {exact(1 - delta)} confidence: {seen.n_errors:,} "
        f"of {seen.n_accepted:,} accepted held-out examples are, and labels had no part in choosing the threshold."
    )


def budget_promise(measure: FloatArray, threshold: float, said: str, delta: float, per: int | None) -> str:
    """What holds of the share deferred, on average and on a single day of ``per`` examples."""
    n, n_accepted = len(measure), int(np.count_nonzero(measure <= threshold))
    promise = (
        f"{said[0].upper()}{said[1:]} on average, with {exact(1 - delta)} confidence: {n - n_accepted:,} of {n:,} "
        f"calibration examples are deferred, so few that more is unlikely elsewhere."
    )
    if per is None or n_accepted == n:
        return promise
    return f"{promise} Days differ: 19 of 20 days of {per:,} defer at most {_on_most_days(n, n_accepted, per):,}."


def _on_most_days(n: int, n_accepted: int, per: int) -> int:
    """The 95 % quantile of how many of ``per`` new examples lie above the ``n_accepted``-th of n values.

    Beta-binomial: an exact prediction limit, whatever the distribution.
    """
    from scipy.special import betaln, gammaln

    k, a, b = np.arange(per + 1), n - n_accepted + 1, max(n_accepted, 1)
    log_choose = gammaln(per + 1) - gammaln(k + 1) - gammaln(per - k + 1)
    pmf = np.exp(log_choose + betaln(k + a, per - k + b) - betaln(a, b))
    return int(np.searchsorted(pmf.cumsum(), 0.95))


def precision_promise(
    found: Certificate, name: str, precision: float, delta: float, recall: Estimate, n_positives: int
) -> str:
    """What is promised of predictions of one class, and how many of its examples they find."""
    if not found.certified:
        needed = f"about {found.n_needed:,} would be needed" if found.n_needed else "too many of them are wrong"
        return (
            f"No threshold can promise that at least {exact(precision)} of what is accepted as {name} is, with "
            f"{exact(1 - delta)} confidence, on {found.n:,} calibration examples predicted so; {needed}. Everything is "
            f"deferred."
        )
    seen = "Recall cannot be measured: none of the held-out examples is one."
    if n_positives:
        seen = (
            f"Recall: {fine(recall.value)} ({fine(recall.low)} to {fine(recall.high)}) of the {n_positives:,} held-out "
            f"examples that are {name} are accepted as such."
        )
    return (
        f"At least {exact(precision)} of what is accepted as {name} is, with {exact(1 - delta)} confidence: certified "
        f"on {found.n:,} calibration examples predicted so, of which it accepts {found.n_accepted:,} and "
        f"{found.n_errors:,} of these are not. {seen} Other predictions are deferred: nothing is promised of them."
    )


def group_promise(found: GroupCertificates, risk: float, delta: float) -> str:
    """What holds for which groups, and which are deferred and why."""
    n_certified = len(found.names) - len(found.uncertified)
    said = f"t most {exact(risk)} of what is accepted is wrong, with {exact(1 - delta)} confidence"
    start = (
        f"A{said}, in each of {n_certified} groups, all at once, with a threshold for each."
        if n_certified
        else f"In no group can a threshold promise this, in all at once: a{said}."
    )
    missing = [f"{found.names[g][:40]!r} ({_shortfall(found.certificates[g])})" for g in found.uncertified[:_N_NAMED]]
    more = f" and {len(found.uncertified) - _N_NAMED:,} more" if len(found.uncertified) > _N_NAMED else ""
    return start + (
        f" Deferred altogether: {', '.join(missing)}{more}, and any group that is not among these."
        if missing
        else " A group that is not among these is deferred."
    )
