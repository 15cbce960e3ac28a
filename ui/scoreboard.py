"""The scoreboard page: which rows are asked for, the words about them, and the tables to take home."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from typing import Any, Final, NamedTuple

from uqcore.datasets import load
from uqcore.metrics.uncertainty import MEASURES
from uqcore.plots.board import Kind, Line, Mark, Spot
from uqcore.scoreboard import METRICS, PUBLISHED, SYSTEMS, Key, Metric, Result, Row, best_first, load_results, stale
from uqcore.scoreboard import rows as rows_of
from uqcore.scoreboard.markdown import scores_shown
from uqcore.scoreboard.metrics import Group
from uqcore.scoreboard.statistics import wilson
from uqcore.store import default_store
from uqcore.text import percent

SCORES: Final = {"own": "Each method's own", "predictive_entropy": "Entropy", "all": "All"}
"""Which scores rank the inputs; a control has one."""

KINDS: Final[Mapping[Kind, str]] = {"method": "method", "control": "□ control", "published": "☆ published"}
DISTURBED: Final = {"rotation": "Rotation, degrees", "noise": "Noise, weight"}
"""Shifts of rising strength: what stands before the colon -> its axis."""

CURVES: Final = {"roc": "ROC of the unseen", "risk_coverage": "Risk against coverage", "reliability": "Reliability"}
AXES: Final = {
    "roc": ("share of test inputs taken for unseen", "share of the unseen found"),
    "risk_coverage": ("coverage: share accepted", "risk: share of the accepted that is wrong"),
    "reliability": ("confidence", "accuracy"),
}
CURVE_NOTES: Final = {
    "roc": "By each method's own score, the mean over its seeds. Up and left is better; the diagonal is chance.",
    "risk_coverage": "By each method's own score, the mean over its seeds. Lower is better.",
    "reliability": "Fifteen bins of equal width over all seeds; point at one for how many inputs it holds and the 95 % "
    "interval (Wilson). On the diagonal confidence is accuracy.",
}

_COLUMNS = (
    "task",
    "method",
    "score",
    "metric",
    "unseen",
    "n_seeds",
    "mean",
    "low",
    "high",
    "control",
    "origin",
    "best",
)


class Board(NamedTuple):
    """What the page is made of: curves stand in the results; ``groups`` are the rows by `Row.group`."""

    results: tuple[Result, ...]
    rows: tuple[Row, ...]
    groups: Mapping[tuple[str, str, str], Sequence[Row]]

    @classmethod
    def of(cls, results: Sequence[Result], published: Sequence[Row]) -> Board:
        made = tuple(rows_of(results, published))
        groups: defaultdict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in made:
            groups[row.group].append(row)
        return cls(tuple(results), made, dict(groups))


@cache
def kept() -> Board:
    """The committed board, read once a server. UqError: the results cannot be read."""
    return Board.of(load_results(), PUBLISHED)


def rows() -> tuple[Row, ...]:
    """Every row of the board. UqError: as above."""
    return kept().rows


def of_group(group: Group) -> dict[str, str]:
    """Figure -> label, of one group of `METRICS`."""
    return {metric_id: metric.label for metric_id, metric in METRICS.items() if metric.group == group}


def tasks() -> dict[str, str]:
    """Task -> title, of those that are measured here, in their order."""
    there = dict.fromkeys(row.task for row in rows() if row.origin == "here")
    return {task: load(task).title for task in there}


def unseen_sets(task: str) -> dict[str, str]:
    """OOD set -> what people call it, of those that are measured, in the data set's order."""
    dataset = load(task)
    there = {row.unseen for row in rows() if row.task == task and row.metric == "auroc"}
    return {name: dataset.title_of(name) for name in dataset.ood_sets if name in there}


def kind(row: Row) -> Kind:
    return "published" if row.origin == "published" else "control" if row.control else "method"


def chosen(task: str, metric: str, unseen: str = "", score: str = "own", kinds: Iterable[Kind] = KINDS) -> list[Row]:
    """The rows of one figure that have a value, the best first."""
    those = [
        row
        for row in kept().groups.get((task, metric, unseen), ())
        if row.mean is not None
        and kind(row) in kinds
        and (kind(row) != "method" or not row.score or score in ("all", row.score) or _is_own(row, score))
    ]
    return best_first(those)


def _is_own(row: Row, score: str) -> bool:
    return score == "own" and row.score == own_score(row.method)


def own_score(method: str) -> str:
    """What ranks the inputs of a method or control, in its authors' way."""
    return scores_shown(method)[0]


def number(value: float, metric: Metric) -> str:
    """A figure as people read it, with four digits that count: of a share in percent."""
    if metric.unit == "%":
        return f"{100 * value:.2f} %"
    if metric.group == "cost":
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    if metric.group in ("unseen", "errors") and value > 0.1:
        return f"{value:.4f}"
    return f"{value:.4f}" if value >= 0.01 else f"{value:.2e}" if value else "0"


def interval(row: Row, metric: Metric) -> str:
    """The 95 % interval, or why there is none."""
    if row.low is None or row.high is None:
        return row.reason
    return f"{number(row.low, metric)} to {number(row.high, metric)}"


def _place(method: str) -> int:
    """The number of its colour, the same on every page."""
    return list(SYSTEMS).index(method) if method in SYSTEMS else len(SYSTEMS)


def chance(those: Sequence[Row]) -> str:
    """What knowing nothing reaches, as a sentence to go on with; empty where that is not among ``those``."""
    return "".join(
        f" Chance: {number(row.mean or 0.0, METRICS[row.metric])}." for row in those if row.method == "chance"
    )


def name(row: Row, with_score: bool = False) -> str:
    label = row.label + (" (published)" if row.origin == "published" else "")
    return f"{label}, {MEASURES[row.score].label.lower()}" if with_score and row.score in MEASURES else label


def _said(row: Row) -> str:
    metric = METRICS[row.metric]
    trained = row.citation or (f"{row.n_seeds} seeds" if row.n_seeds > 1 else "one run")
    by = f" by {MEASURES[row.score].label.lower()}" if row.score in MEASURES else ""
    return f"{escape(row.label)}{by}: {number(row.mean or 0.0, metric)}<br>{interval(row, metric)}<br>{escape(trained)}"


def marks(those: Sequence[Row], with_score: bool) -> list[Mark]:
    return [
        Mark(
            name(row, with_score),
            _place(row.method),
            row.mean or 0.0,
            row.low,
            row.high,
            kind(row),
            row.best,
            _said(row),
        )
        for row in those
    ]


def spots(across: Sequence[Row], up: Sequence[Row]) -> list[Spot]:
    """Those that have both figures."""
    by_method = {row.method: row for row in across}
    return [
        Spot(
            row.label,
            _place(row.method),
            by_method[row.method].mean or 0.0,
            row.mean or 0.0,
            kind(row),
            f"{_said(by_method[row.method])}<br>{_said(row)}",
        )
        for row in up
        if row.method in by_method
    ]


def front(those: Sequence[Spot], higher_is_better: bool) -> list[tuple[float, float]]:
    """By rising cost, what no cheaper one equals: the Pareto front."""
    best: list[tuple[float, float]] = []
    for spot in sorted(those, key=lambda spot: (spot.x, -spot.y if higher_is_better else spot.y)):
        if not best or (spot.y > best[-1][1] if higher_is_better else spot.y < best[-1][1]):
            best.append((spot.x, spot.y))
    return best


def answer(task: str, unseen: str) -> str:
    """What the board says of one pair of sets, in Markdown."""
    title, other = load(task).title, unseen_sets(task).get(unseen, "the unseen")
    found = chosen(task, "auroc", unseen, "own", ("method",))  # which score ranks was fixed beforehand
    if not found:
        return f"No method was measured on {title} yet."
    auroc, best = METRICS["auroc"], found[0]
    alike = len({row.method for row in found if row.best and row.method != best.method})
    told = f"; {alike} other {'method' if alike == 1 else 'methods'} cannot be told from it" if alike else ""
    lead = (
        f"Trained on {title}, **{best.label}** tells {other} best: AUROC **{number(best.mean or 0.0, auroc)}**"
        f"{_between(best)}{told}."
    )
    return " ".join(filter(None, (lead, _beside_pixels(task, unseen, best), _errors(task, best))))


def _between(row: Row) -> str:
    return f" ({interval(row, METRICS[row.metric])} over {row.n_seeds} seeds)" if row.n_seeds > 1 else " (one training)"


def _beside_pixels(task: str, unseen: str, best: Row) -> str:
    """What no network at all reaches."""
    pixels = [row for row in chosen(task, "auroc", unseen, "own", ("control",)) if row.method.startswith("pixel_")]
    if not pixels:
        return ""
    reached = number(pixels[0].mean or 0.0, METRICS["auroc"])
    apart = reached != number(best.mean or 0.0, METRICS["auroc"])  # by what is shown
    adds = apart and best.low is not None and best.low > (pixels[0].mean or 0.0)
    verdict = "so training adds something here" if adds else "so this pair says little about networks"
    return f"The best rule on raw inputs, without any network, reaches **{reached}**, {verdict}."


def _errors(task: str, best: Row) -> str:
    """How the one that finds the unseen finds the model's own errors."""
    ranked = chosen(task, "error_auroc", "", "own", ("method",))
    its = next((row for row in ranked if row.method == best.method), None)
    if its is None:
        return ""
    metric = METRICS["error_auroc"]
    reached, most = (number(row.mean or 0.0, metric) for row in (its, ranked[0]))
    if its is ranked[0]:
        return f"It is the best at finding the model's own errors too ({reached})."
    told = "which these seeds cannot tell apart" if its.best and ranked[0].best else "so it is worse at that"
    return f"At the model's own errors it reaches {reached}, and {ranked[0].label} {most}, {told}."


def problems(task: str) -> list[str]:
    """A sentence for each method whose stored model is another than was measured."""
    store = default_store()
    return [
        f"{SYSTEMS[result.method].label}: {why}"
        for result in kept().results
        if result.task == task and (why := stale(result, store))
    ]


def table(those: Sequence[Row]) -> list[dict[str, Any]]:
    """What the page's table shows of each row."""
    return [
        {
            "": "=" if row.best else "",
            "Method": row.label,
            "Kind": KINDS[kind(row)],
            "Score": MEASURES[row.score].label if row.score in MEASURES else row.score,
            "Figure": METRICS[row.metric].label,
            "Against": row.unseen,
            "Mean": row.mean,
            "Low": row.low,
            "High": row.high,
            "Seeds": row.n_seeds,
            "Remark": row.citation or row.reason,
        }
        for row in those
    ]


def along(task: str, drift: str, metric: str, score: str) -> list[Line]:
    """A figure of each method along a disturbance, by rising strength; of methods alone."""
    shifts = (of for task_of, metric_of, of in kept().groups if (task_of, metric_of) == (task, metric))
    strengths = sorted(float(shift.partition(":")[2]) for shift in shifts if shift.startswith(f"{drift}:"))
    by_method: dict[str, list[Row]] = {}
    for strength in strengths:
        for row in chosen(task, metric, f"{drift}:{strength:g}", "own" if score == "all" else score, ("method",)):
            by_method.setdefault(row.method, []).append(row)
    return [_line(method, by_method[method]) for method in SYSTEMS if method in by_method]


def _line(method: str, those: Sequence[Row]) -> Line:
    label = SYSTEMS[method].label
    at = [float(row.unseen.partition(":")[2]) for row in those]
    said = [interval(row, METRICS[row.metric]) for row in those]
    return Line(label, _place(method), at, [row.mean or 0.0 for row in those], said)


def with_curves(task: str) -> dict[str, str]:
    """Method or control -> label, of those with any curve."""
    there = {result.method for result in kept().results if result.task == task and result.curves}
    return {method: system.label for method, system in SYSTEMS.items() if method in there}


def curves(task: str, curve: str, unseen: str, methods: Sequence[str]) -> list[Line]:
    """The curves of one kind, of each method by its own score."""
    by_method = {result.method: result for result in kept().results if result.task == task}
    drawn = []
    for method in methods:
        result = by_method.get(method)
        score = "" if curve == "reliability" else own_score(method)
        found = None if result is None else result.curves.get(Key(curve, score, unseen if curve == "roc" else ""))
        if found is None:
            continue
        label, control = SYSTEMS[method].label, SYSTEMS[method].control
        said = [_bin(y, n) for y, n in zip(found.y, found.n, strict=True)] if found.n else []
        kind_: Kind = "control" if control else "method"
        drawn.append(Line(label, _place(method), found.x, found.y, said, kind_))
    return drawn


def _bin(accuracy: float, n: float) -> str:
    low, high = wilson(accuracy, round(n))
    return f"{n:,.0f} inputs, {percent(low)} to {percent(high)}"


def to_csv(those: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([getattr(row, column) for column in _COLUMNS] for row in those)
    return text.getvalue()


def to_markdown(those: Sequence[Row]) -> str:
    lines = ["| method | score | figure | against | mean | 95 % interval | seeds |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(_cells(row))} |" for row in those)]) + "\n"


def to_latex(those: Sequence[Row]) -> str:
    head = r"\begin{tabular}{llllrlr}" + "\n" + r"method & score & figure & against & mean & 95\,\% interval & seeds \\"
    body = [" & ".join(cell.replace("%", r"\%").replace("_", r"\_") for cell in _cells(row)) + r" \\" for row in those]
    return "\n".join([head, r"\hline", *body, r"\end{tabular}"]) + "\n"


def _cells(row: Row) -> list[str]:
    """As text; what shares the mark of the best has a ``=``, a control a ``c``."""
    metric = METRICS[row.metric]
    sign = "".join(mark for mark, there in ((" =", row.best), (" (control)", row.control)) if there)
    return [
        f"{name(row)}{sign}",
        MEASURES[row.score].label if row.score in MEASURES else row.score,
        metric.label,
        row.unseen.replace("_", " "),
        "" if row.mean is None else number(row.mean, metric),
        interval(row, metric),
        str(row.n_seeds),
    ]
