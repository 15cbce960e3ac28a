"""The scoreboard page: which rows are asked for, and the words about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from html import escape
from typing import Any, Final, NamedTuple

from uqcore.datasets import load
from uqcore.datasets.mnist_c import MNIST_C
from uqcore.plots.board import Kind, Line, Mark, Spot
from uqcore.scoreboard import METRICS, PUBLISHED, SYSTEMS, Key, Result, Row, best_first, load_results, stale, stale_said
from uqcore.scoreboard import rows as rows_of
from uqcore.scoreboard.markdown import scores_shown
from uqcore.scoreboard.metrics import Group
from uqcore.scoreboard.rows import LEAST_SEEDS
from uqcore.scoreboard.statistics import wilson
from uqcore.scoreboard.systems import UNMEASURED, unmeasured
from uqcore.scoreboard.writers import against, interval, name, number, ranked_by
from uqcore.store import Store, default_store
from uqcore.text import percent

SCORES: Final = {"own": "Each method's own", "predictive_entropy": "Entropy", "all": "All"}
"""Which scores rank the inputs; a control has one."""

BOTH: Final = {
    "classes": "Up and right is better. What finds the unseen need not find the model's own errors.",
    "functions": "Down and right is better. What predicts best need not know where it has no data.",
}
KINDS: Final[Mapping[Kind, str]] = {"method": "method", "control": "□ control", "published": "☆ published"}
DISTURBED: Final = {"rotation": "Rotation, degrees", "noise": "Noise, weight", "mnist_c": "Corruptions of MNIST-C"}
"""Shifts: what stands before the colon, a strength or a name -> its axis."""

CURVES: Final = {
    "roc": "ROC of the unseen",
    "risk_coverage": "Risk against coverage",
    "reliability": "Reliability",
    "quantiles": "Calibration",
}
AXES: Final = {
    "roc": ("share of test inputs taken for unseen", "share of the unseen found"),
    "risk_coverage": ("coverage: share accepted", "risk: share of the accepted that is wrong"),
    "reliability": ("confidence", "accuracy"),
    "quantiles": ("predicted quantile", "share of test points below it"),
}
CURVE_NOTES: Final = {
    "roc": "By each method's own score, the mean over its seeds. Up and left is better; the diagonal is chance.",
    "risk_coverage": "By each method's own score, the mean over its seeds. Lower is better.",
    "reliability": f"Fifteen bins of equal width over all seeds, with {percent(0.95)} intervals of their accuracy "
    "(Wilson); point at one for how many inputs it holds. On the diagonal confidence is accuracy.",
    "quantiles": "The mean over seeds. On the diagonal as many points lie below a predicted quantile as should.",
}


class Board(NamedTuple):
    """What the page is made of: curves stand in the results; ``groups`` are the rows by `Row.group`; ``unseen`` are the
    tasks that are measured here, in their order, with the OOD sets that are found there."""

    results: tuple[Result, ...]
    rows: tuple[Row, ...]
    groups: Mapping[tuple[str, str, str], Sequence[Row]]
    unseen: Mapping[str, Collection[str]]

    @classmethod
    def of(cls, results: Sequence[Result], published: Sequence[Row]) -> Board:
        made = tuple(rows_of(results, published))
        groups: defaultdict[tuple[str, str, str], list[Row]] = defaultdict(list)
        unseen: dict[str, set[str]] = {row.task: set() for row in made if row.origin == "here"}
        for row in made:
            groups[row.group].append(row)
            if row.metric in ("auroc", "std_ratio") and row.task in unseen:
                unseen[row.task].add(row.unseen)
        return cls(tuple(results), made, dict(groups), unseen)


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
    return {task: load(task).title for task in kept().unseen}


def unseen_sets(task: str) -> dict[str, str]:
    """OOD set -> what people call it, of those that are measured, in the data set's order."""
    dataset = load(task)
    return {name: dataset.title_of(name) for name in dataset.ood_sets if name in kept().unseen.get(task, ())}


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


def unknown(task: str, metric: str, unseen: str = "", score: str = "own") -> list[str]:
    """A sentence for each reason why methods have no value of a figure, with the methods."""
    why: defaultdict[str, list[str]] = defaultdict(list)
    for row in kept().groups.get((task, metric, unseen), ()):
        if row.mean is None and (not row.score or score in ("all", row.score) or _is_own(row, score)):
            why[row.reason].append(name(row, score == "all"))
    if absent := unmeasured(kept().results, task):
        why[UNMEASURED] = [system.label for system in absent]
    return [f"Without a value: {', '.join(dict.fromkeys(labels))}. {reason}" for reason, labels in why.items()]


def _is_own(row: Row, score: str) -> bool:
    return score == "own" and row.score == own_score(row.method)


def own_score(method: str) -> str:
    """What ranks the inputs of a method or control, in its authors' way."""
    return scores_shown(method)[0]


def _place(method: str) -> int:
    """The number of its colour, the same on every page."""
    return list(SYSTEMS).index(method) if method in SYSTEMS else len(SYSTEMS)


def chance(those: Sequence[Row]) -> str:
    """What knowing nothing reaches, as a sentence to go on with; empty where that is not among ``those``."""
    return "".join(
        f" Chance: {number(row.mean or 0.0, METRICS[row.metric])}." for row in those if row.method == "chance"
    )


def _said(row: Row) -> str:
    metric = METRICS[row.metric]
    trained = row.citation or (f"{row.n_seeds} seeds" if row.n_seeds > 1 else "one run")
    by = f" by {ranked_by(row).lower()}" if row.score else ""
    return f"{escape(row.label)}{by}: {number(row.mean or 0.0, metric)}<br>{interval(row)}<br>{escape(trained)}"


def marks(those: Sequence[Row], with_score: bool) -> list[Mark]:
    """Rows of a figure; what has few seeds says how many, what is stale that it is."""
    return [
        Mark(
            f"{name(row, with_score)}{_remarks(row)}",
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


def both(task: str, unseen: str, score: str) -> tuple[list[Row], list[Row]]:
    """Methods by how they find the unseen, and by how they find their errors; of functions by spread and NLL."""
    across, up = ("std_ratio", "regression_nll") if is_regression(task) else ("auroc", "error_auroc")
    return chosen(task, across, unseen, score, ("method",)), chosen(task, up, "", score, ("method",))


def costs(task: str) -> dict[str, str]:
    """What methods take, of that which is known of several."""
    known = {cost: chosen(task, cost, kinds=("method",)) for cost in of_group("cost")}
    return {cost: METRICS[cost].label for cost, those in known.items() if len({row.method for row in those}) > 2}


def curve_kinds(task: str) -> dict[str, str]:
    """Of `CURVES`, those that a task has."""
    there = {key.metric for result in kept().results if result.task == task for key in result.curves}
    return {curve: title for curve, title in CURVES.items() if curve in there}


def _remarks(row: Row) -> str:
    """In brackets, what a reader of this one row must know: that its seeds are few, that its models have changed."""
    if kind(row) != "method":
        return ""
    few = f"{row.n_seeds} seed{'s' if row.n_seeds > 1 else ''}" if row.n_seeds < LEAST_SEEDS else ""
    those = ", ".join(filter(None, (few, "stale" if is_stale(row) else "")))
    return f" ({those})" if those else ""


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


def is_regression(task: str) -> bool:
    return load(task).is_regression


def stale_seeds(task: str) -> dict[str, tuple[int, ...]]:
    """Method -> its seeds whose stored models are others than were measured, of those with any."""
    store = default_store()
    return {method: seeds for (of, method), seeds in _stale_seeds(store, store.state()).items() if of == task}


def is_stale(row: Row) -> bool:
    return row.origin == "here" and row.method in stale_seeds(row.task)


@lru_cache(maxsize=1)
def _stale_seeds(store: Store, state: object) -> dict[tuple[str, str], tuple[int, ...]]:
    """(Task, method) -> as `stale_seeds`, looked for once a ``state`` of the manifest."""
    those = {(each.task, each.method): stale(each, store) for each in kept().results}
    return {key: seeds for key, seeds in those.items() if seeds}


def problems(task: str) -> list[str]:
    """A sentence where methods' stored models are others than were measured."""
    said = stale_said(stale_seeds(task))
    return [said] if said else []


def table(those: Sequence[Row]) -> list[dict[str, Any]]:
    """What the page's table shows of each row; what a phone has no room for stands at the right."""
    return [
        {
            "": "=" if row.best else "",
            "Method": row.label,
            "Mean": row.mean,
            "Low": row.low,
            "High": row.high,
            "Seeds": row.n_seeds,
            "Kind": KINDS[kind(row)],
            "Origin": "published" if row.origin == "published" else "run here, stale" if is_stale(row) else "run here",
            "Score": ranked_by(row),
            "Figure": METRICS[row.metric].label,
            "Against": against(row),
            "Remark": ". ".join(filter(None, (row.citation, row.reason))),
        }
        for row in those
    ]


def drifts(task: str) -> dict[str, str]:
    """Of `DISTURBED`, what the task's inputs were disturbed by."""
    there = {of.partition(":")[0] for task_of, _, of in kept().groups if task_of == task and ":" in of}
    return {drift: title for drift, title in DISTURBED.items() if drift in there}


def along(task: str, drift: str, metric: str, score: str) -> list[Line]:
    """A figure of each method along a disturbance, by rising strength or name; of methods alone."""
    shifts = (of for task_of, metric_of, of in kept().groups if (task_of, metric_of) == (task, metric))
    those = [shift for shift in shifts if shift.startswith(f"{drift}:")]
    by_method: dict[str, list[Row]] = {}
    for shift in sorted(those, key=_strength):
        for row in chosen(task, metric, shift, "own" if score == "all" else score, ("method",)):
            by_method.setdefault(row.method, []).append(row)
    return [_line(method, by_method[method]) for method in SYSTEMS if method in by_method]


def _strength(shift: str) -> float:
    """Of what has one; of MNIST-C its place there."""
    drift, _, strength = shift.partition(":")
    return list(MNIST_C).index(strength) if drift == "mnist_c" else float(strength)


def _line(method: str, those: Sequence[Row]) -> Line:
    label = SYSTEMS[method].label
    strengths = [row.unseen.partition(":")[2] for row in those]
    names = those[0].unseen.startswith("mnist_c")
    at = [each.replace("_", " ") for each in strengths] if names else [float(each) for each in strengths]
    return Line(label, _place(method), at, [row.mean or 0.0 for row in those], [interval(row) for row in those])


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
        score = own_score(method) if curve in ("roc", "risk_coverage") else ""
        found = None if result is None else result.curves.get(Key(curve, score, unseen if curve == "roc" else ""))
        if found is None:
            continue
        label, control = SYSTEMS[method].label, SYSTEMS[method].control
        said = [_bin(y, n) for y, n in zip(found.y, found.n, strict=True)] if found.n else []
        within = [wilson(y, round(n)) for y, n in zip(found.y, found.n, strict=True)] if found.n else []
        kind_: Kind = "control" if control else "method"
        drawn.append(Line(label, _place(method), found.x, found.y, said, kind_, within))
    return drawn


def _bin(accuracy: float, n: float) -> str:
    low, high = wilson(accuracy, round(n))
    return f"{n:,.0f} inputs, {percent(low)} to {percent(high)}"
