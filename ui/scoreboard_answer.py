"""What the scoreboard says of a task and an unseen set, in sentences of Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from ui import scoreboard
from uqcore.datasets import load
from uqcore.scoreboard import METRICS, Row
from uqcore.scoreboard.writers import interval, number


def answer(task: str, unseen: str) -> str:
    """What the board says of one pair of sets, in Markdown."""
    if scoreboard.is_regression(task):
        return _of_functions(task, unseen)
    title, other = load(task).title, scoreboard.unseen_sets(task).get(unseen, "the unseen")
    found = scoreboard.chosen(task, "auroc", unseen, "own", ("method",))  # which score ranks was fixed beforehand
    if not found:
        return f"No method was measured on {title} yet."
    auroc, best = METRICS["auroc"], found[0]
    lead = (
        f"Trained on {title}, **{best.label}** tells {other} best: AUROC **{number(best.mean or 0.0, auroc)}**"
        f"{_between(best)}{_told(found)}."
    )
    return " ".join(filter(None, (lead, _beside_pixels(task, unseen, best), _errors(task, best))))


def _of_functions(task: str, unseen: str) -> str:
    title, other = load(task).title, scoreboard.unseen_sets(task).get(unseen, "where there is no data")
    predicts, spreads = (
        scoreboard.chosen(task, "regression_nll", kinds=("method",)),
        scoreboard.chosen(task, "std_ratio", unseen),
    )
    if not predicts or not spreads:
        return f"No method was measured on {title} yet."
    best, widest = predicts[0], spreads[0]
    itself = next((row for row in spreads if row.method == best.method), None)
    spread = "has no spread" if itself is None else f"spreads {itself.mean or 0.0:.3g} times as wide as on data"
    there = (
        f"{'; there' if itself is None or itself is not widest else ', more than any other'}"
        f"{'' if itself is widest else f' {widest.label} spreads most, {widest.mean or 0.0:.3g} times'}"
    )
    nll = METRICS["regression_nll"]
    return (
        f"On {title}, **{best.label}** predicts test points best: NLL **{number(best.mean or 0.0, nll)}**"
        f"{_between(best)}{_told(predicts)}. In the set *{other}* it {spread}{there}."
    )


def _told(found: Sequence[Row]) -> str:
    """How many others share the mark of the first, if it has one."""
    if not found[0].best:
        return ""
    alike = len({row.method for row in found if row.best and row.method != found[0].method})
    return f"; {alike} other {'method' if alike == 1 else 'methods'} cannot be told from it" if alike else ""


def _between(row: Row) -> str:
    if row.n_seeds < 2:
        return " (one training)"
    return f" ({'the same' if row.low is None else interval(row)} over {row.n_seeds} seeds)"


def _beside_pixels(task: str, unseen: str, best: Row) -> str:
    """What no network at all reaches."""
    pixels = [
        row for row in scoreboard.chosen(task, "auroc", unseen, "own", ("control",)) if row.method.startswith("pixel_")
    ]
    if not pixels:
        return ""
    reached = number(pixels[0].mean or 0.0, METRICS["auroc"])
    apart = reached != number(best.mean or 0.0, METRICS["auroc"])  # by what is shown
    adds = apart and best.low is not None and best.low > (pixels[0].mean or 0.0)
    verdict = "so training adds something here" if adds else "so this pair says little about networks"
    return f"The best rule on raw inputs, without any network, reaches **{reached}**, {verdict}."


def _errors(task: str, best: Row) -> str:
    """How the one that finds the unseen finds the model's own errors."""
    ranked = scoreboard.chosen(task, "error_auroc", "", "own", ("method",))
    its = next((row for row in ranked if row.method == best.method), None)
    if its is None:
        return ""
    metric = METRICS["error_auroc"]
    reached, most = (number(row.mean or 0.0, metric) for row in (its, ranked[0]))
    if its is ranked[0]:
        return f"It is the best at finding the model's own errors too ({reached})."
    told = "which these seeds cannot tell apart" if its.best and ranked[0].best else "so it is worse at that"
    return f"At the model's own errors it reaches {reached}, and {ranked[0].label} {most}, {told}."
