"""What the threshold lab says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

from ui.words import plain, shortened, small, table, visible
from uqcore.selection import Estimate
from uqcore.text import exact_percent, fine_percent, percent, unbroken
from uqcore.tuning import Tuned
from uqcore.tuning.split import Quality

NO_PREDICTIONS = "**Bring your own predictions**, or try an example: how sure must a model be before you take its word?"
NO_THRESHOLD = "**No threshold** for this goal: choose another, or change what it asks for."
QUALITY = (
    "On the held-out part. AURC: the mean share of wrong predictions over all coverages, lower is better; E-AURC: "
    "what a perfect order of the examples would have saved. AUROC: the chance that an error, or an unseen input, "
    f"has the higher uncertainty, higher is better. FPR95: the share deferred where {percent(0.95)} of the unseen "
    "is."
)


def what_a_threshold_does(name: str, tuned: Tuned, has_labels: bool) -> str:
    """The answer of the threshold lab, in Markdown: what the held-out examples show."""
    seen, target = tuned.assessment, tuned.policy.target
    name = plain(shortened(name, 80))
    start, said = "", f"**{name}** accepts **{percent(seen.coverage.value)}** of {seen.n:,} examples held out"
    if tuned.policy.certified:
        start = f"Guaranteed: **{target.sentence}**. "
    elif target.kind == "risk":
        start = f"No threshold can guarantee {target.sentence}. "
        if tuned.smallest_risk is not None:
            start += f"The smallest risk that could be guaranteed here is **{exact_percent(tuned.smallest_risk)}**. "
    elif target.kind == "manual":
        start = "Set by hand, nothing is promised. "
    if not seen.n_accepted:
        return unbroken(f"{start}**{name}** accepts **nothing** at this threshold.")
    if has_labels:
        said += f", **{seen.n_errors:,}** of these {seen.n_accepted:,} {'is' if seen.n_errors == 1 else 'are'} wrong"
    if not math.isnan(seen.ood_accepted.value):
        said += f"; of what it never saw, **{percent(seen.ood_accepted.value)}** slips through"
    return unbroken(f"{start}{said}.")


def of_which_part(n_calibration: int, n_held_out: int) -> str:
    """The line above the numbers that follow the hand, which are not those that the threshold is judged by."""
    return (
        f"Calibration part: the {n_calibration:,} examples that the threshold is chosen on; these numbers follow your "
        f"hand. What to expect is counted on the {n_held_out:,} held out, once it stands."
    )


def promise(tuned: Tuned, has_labels: bool) -> str:
    """What holds, and what the held-out examples show, in HTML."""
    seen = tuned.assessment
    rows = [("accepted", percent(seen.coverage.value), interval(seen.coverage))]
    if has_labels:
        rows.append(("wrong among the accepted", *risk(seen.risk)))
    if not math.isnan(seen.ood_accepted.value):
        rows.append(("unseen let through", percent(seen.ood_accepted.value), interval(seen.ood_accepted)))
    cells = "".join(f"<span>{name} <b>{value}</b> <small>{ends}</small></span>" for name, value, ends in rows)
    mark, head = "accept" if tuned.policy.certified else "", f"Held-out part: {seen.n:,} examples"
    return (
        f'<p class="promise {mark}">{"✓ " * tuned.policy.certified}{escape(visible(unbroken(tuned.promise)))}</p>'
        f'<div class="heldout"><strong>{head}</strong>{cells}</div>'
    )


def interval(estimate: Estimate) -> str:
    """The ends of a 95 % interval."""
    return f"({percent(estimate.low)} to {percent(estimate.high)})"


def risk(estimate: Estimate) -> tuple[str, str]:
    """A risk and its interval, to three digits: those of interest are far below 0.1 %."""
    low, high = fine_percent(estimate.low), fine_percent(estimate.high)
    return fine_percent(estimate.value), f"({low} to {high})"


def threshold(value: float) -> str:
    """A threshold in a table; the two ends say what they do."""
    return "defers all" if value == -math.inf else "accepts all" if value == math.inf else f"{value:.4g}"


def what_finds_what(qualities: Mapping[str, tuple[str, Quality]]) -> str:
    """Whose own measure is best at the unseen, and whose at errors; method's label -> (measure's label, quality)."""
    unseen = {label: quality.ood.auroc for label, (_, quality) in qualities.items() if quality.ood is not None}
    errors = {label: quality.misclassification_auroc for label, (_, quality) in qualities.items()}
    errors = {label: auroc for label, auroc in errors.items() if not math.isnan(auroc)}
    if not unseen or not errors:
        return ""
    at_unseen, at_errors = max(unseen, key=unseen.__getitem__), max(errors, key=errors.__getitem__)
    if at_unseen == at_errors:
        return f"{at_unseen} is best at telling what was never learnt and at telling its own errors."
    place = sorted(errors.values(), reverse=True).index(errors[at_unseen]) + 1 if at_unseen in errors else len(errors)
    return (
        f"{at_unseen} is best at telling what was never learnt (AUROC {unseen[at_unseen]:.4f}) but number {place} of "
        f"{len(errors)} at telling its own errors ({errors.get(at_unseen, math.nan):.4f}); there {at_errors} is best "
        f"({errors[at_errors]:.4f}). The two are different questions: an ambiguous input may look like all the others."
    )


def qualities_table(qualities: Mapping[str, tuple[str, Quality]]) -> str:
    """A row a method: how well its own measure ranks."""
    rows = [
        [
            label,
            measure,
            f"{quality.misclassification_auroc:.4f}".replace("nan", "–"),
            "–" if quality.ood is None else f"{quality.ood.auroc:.4f}",
            small(quality.aurc),
            small(quality.excess_aurc),
        ]
        for label, (measure, quality) in qualities.items()
    ]
    return table(["", "own measure", "AUROC of errors", "AUROC of unseen", "AURC", "E-AURC"], rows)
