"""The board's rows: mean, interval and mark of every figure, from the numbers of the runs and from publications."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from uqcore.scoreboard.metrics import METRICS, Metric
from uqcore.scoreboard.results import Key, Result
from uqcore.scoreboard.statistics import mean_of, not_told_from_best, over_seeds, wilson
from uqcore.scoreboard.systems import SYSTEMS

LEAST_SEEDS = 5
"""Fewer trainings than these are shown, with their number, and take no part in the marks."""

ALIKE = "The same in every seed."
ONE_RUN = "One run: nothing says how much another training would differ."


@dataclass(frozen=True)
class Row:
    """One figure of one method on one task.

    Attributes:
        task: a key of `uqcore.datasets.DATASETS`.
        method, label: a key of `SYSTEMS` and its name; of a published row what its authors call it.
        score: the measure that ranks the inputs (a key of `MEASURES`), "" where the figure needs none.
        metric: a key of `METRICS`.
        unseen: an OOD set of the task, or a shift with its strength (``rotation:30``); "" on the test set.
        n_seeds: how many trainings stand behind it; 1 for a control in which nothing is random.
        mean, low, high: over the seeds, with the 95 % interval of the mean (Student's t; of a share widened to Wilson's
            of the inputs of all seeds, and of one run that alone); None where it is undefined, see ``reason``.
        control: whether it is a row of comparison that uses no training, or nothing at all.
        origin: ``here``, or ``published`` with its ``citation``.
        best: whether it cannot be told, at 5 %, from the best of its task, metric and unseen set; never of fewer than
            `LEAST_SEEDS` trainings.
        reason: one sentence, where a value, an interval or seeds are missing.
        values: one a seed.
        seeds: their numbers, as many.
    """

    task: str
    method: str
    label: str
    score: str
    metric: str
    unseen: str
    n_seeds: int
    mean: float | None
    low: float | None
    high: float | None
    control: bool
    origin: Literal["here", "published"] = "here"
    citation: str = ""
    best: bool = False
    reason: str = ""
    values: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()

    @property
    def group(self) -> tuple[str, str, str]:
        """What it is compared within: task, metric and unseen set."""
        return self.task, self.metric, self.unseen


def rows(results: Iterable[Result], published: Sequence[Row] = ()) -> list[Row]:
    """Every figure of every result, with marks, then what was published. In the order of tasks and `SYSTEMS`."""
    places = list(SYSTEMS)
    ordered = sorted(
        results, key=lambda result: places.index(result.method) if result.method in places else len(places)
    )
    made = [row for result in ordered for row in _of(result)]
    return [*_marked(made), *published]


def best_first(those: Iterable[Row]) -> list[Row]:
    """Rows of one metric that have a value, by their means."""

    def key(row: Row) -> float:
        assert row.mean is not None
        return -row.mean if METRICS[row.metric].higher_is_better else row.mean

    return sorted(those, key=key)


def to_plain(each: Row) -> dict[str, Any]:
    """A row as JSON takes it."""
    return asdict(each)


def _of(result: Result) -> list[Row]:
    keys = sorted({*result.values, *result.undefined}, key=lambda key: list(METRICS).index(key.metric))
    return [_row(result, key) for key in keys]


def _row(result: Result, key: Key) -> Row:
    values = result.values.get(key, ())
    system = SYSTEMS.get(result.method)
    mean = mean_of(values) if values else None
    low, high, reason = _interval(values, mean, METRICS[key.metric], _n_examples(result, key), _is_fixed(result.method))
    return Row(
        task=result.task,
        method=result.method,
        label=result.method if system is None else system.label,
        score=key.score,
        metric=key.metric,
        unseen=key.unseen,
        n_seeds=len(values),
        mean=mean,
        low=low,
        high=high,
        control=system is not None and system.control,
        reason=result.undefined.get(key, reason),
        values=values,
        seeds=result.seeds if values else (),
    )


def _interval(
    values: Sequence[float], mean: float | None, metric: Metric, n_examples: int | None, fixed: bool
) -> tuple[float | None, float | None, str]:
    """Its ends, or why there are none."""
    if mean is None:
        return None, None, "Not measured."
    found, reason = [], ""
    if len(set(values)) > 1:
        found.append(over_seeds(values))
    if metric.is_share and n_examples is not None:  # seeds that agree do not make a share certain
        found.append(wilson(min(1.0, max(0.0, mean)), n_examples * len(values)))
    if len(values) < LEAST_SEEDS and not fixed:
        reason = f"{len(values)} of {LEAST_SEEDS} seeds: it takes no part in the marks." if len(values) > 1 else ONE_RUN
    if not found:
        return None, None, "Nothing in it is random." if fixed else reason or ALIKE
    low, high = min(low for low, _ in found), max(high for _, high in found)
    return max(low, metric.least), min(high, metric.largest), reason


def _n_examples(result: Result, key: Key) -> int | None:
    return result.n_examples.get("test" if not key.unseen or key.metric == "fpr95" else key.unseen)


def _is_fixed(method: str) -> bool:
    return method in SYSTEMS and SYSTEMS[method].fixed


def _marked(made: Sequence[Row]) -> list[Row]:
    """With `Row.best` set within each group; what is no rank is not marked."""
    groups: Mapping[tuple[str, str, str], list[int]] = _places(made)
    marked = list(made)
    for (_, metric, _), members in groups.items():
        fixed = frozenset(i for i in members if _is_fixed(made[i].method) and made[i].values)
        enough = [i for i in members if i in fixed or made[i].n_seeds >= LEAST_SEEDS]
        runs = {i: dict(zip(made[i].seeds, made[i].values, strict=True)) for i in enough}
        for i in not_told_from_best(runs, METRICS[metric].higher_is_better, fixed):
            marked[i] = replace(made[i], best=True)
    return marked


def _places(made: Sequence[Row]) -> Mapping[tuple[str, str, str], list[int]]:
    groups: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for i, row in enumerate(made):
        if METRICS[row.metric].ranked:
            groups[row.group].append(i)
    return groups
