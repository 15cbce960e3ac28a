"""The board as tables of Markdown: what the README shows, and what people paste."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from uqcore.datasets import load
from uqcore.methods import EVERY_METHOD
from uqcore.metrics.uncertainty import MEASURES
from uqcore.scoreboard.metrics import METRICS
from uqcore.scoreboard.rows import Row
from uqcore.scoreboard.systems import SYSTEMS

BEGIN, END = "<!-- scoreboard: python -m uqcore scoreboard --format readme -->", "<!-- end of scoreboard -->"
MARK = "\\*"
_ANSWERS = ("accuracy", "nll", "ece")
_FUNCTIONS = ("regression_nll", "rmse", "crps", "coverage", "width", "calibration_error")


def tables(made: Sequence[Row], tasks: Sequence[str]) -> str:
    """A table a task: each method by its own score, mean ± half the 95 % interval, `MARK` on the best clique."""
    return "\n\n".join("\n".join(_table([row for row in made if row.task == task], task)) for task in tasks)


def _table(made: Sequence[Row], task: str) -> Iterator[str]:
    dataset = load(task)
    nearest = next(iter(dataset.ood_sets))
    if dataset.is_regression:
        yield from _of_functions(made, dataset.title, nearest, dataset.title_of(nearest))
        return
    yield f"| {dataset.title} | seeds | accuracy | NLL | ECE | AUROC of errors | AUROC of {dataset.title_of(nearest)} |"
    yield "|---|---|---|---|---|---|---|"
    for system_id, system in SYSTEMS.items():
        own = [row for row in made if row.method == system_id]
        for i, score in enumerate(scores_shown(system_id)):
            answers = [_cell(own, metric, "", "") if i == 0 else "" for metric in _ANSWERS]
            ranks = [_cell(own, "error_auroc", score, ""), _cell(own, "auroc", score, nearest)]
            if any((*answers, *ranks)):
                name = system.label if system.control or score == "score" else f"{system.label}, {_by(score)}"
                n_seeds = "" if system.fixed else str(max(row.n_seeds for row in own))
                yield f"| {' | '.join([f'*{name}*' if system.control else name, n_seeds, *answers, *ranks])} |"


def _of_functions(made: Sequence[Row], title: str, nearest: str, called: str) -> Iterator[str]:
    heads = [METRICS[metric].label for metric in _FUNCTIONS]
    yield f"| {title} | seeds | {' | '.join(heads)} | spread in the {called} |"
    yield f"|{'---|' * (len(heads) + 3)}"
    for system_id, system in SYSTEMS.items():
        own = [row for row in made if row.method == system_id]
        cells = [*(_cell(own, metric, "", "") for metric in _FUNCTIONS), _cell(own, "std_ratio", "", nearest)]
        if any(cells):
            n_seeds = "" if system.fixed else str(max(row.n_seeds for row in own))
            name = f"*{system.label}*" if system.control else system.label
            yield f"| {' | '.join([name, n_seeds, *cells])} |"


def scores_shown(system_id: str) -> tuple[str, ...]:
    """By what a system is judged where one line is all there is: its own measure, of SNGP its entropy too."""
    if system_id not in EVERY_METHOD:
        return ("score",)
    own = EVERY_METHOD[system_id].own_measure
    return (own, "predictive_entropy") if own == "logit_variance" else (own,)


def _by(score: str) -> str:
    return MEASURES[score].label.split(" (")[0].removeprefix("Predictive ").lower()


def _cell(own: Sequence[Row], metric: str, score: str, unseen: str) -> str:
    for row in own:
        if (row.metric, row.score, row.unseen) == (metric, score, unseen) and row.mean is not None:
            percent = METRICS[metric].unit == "%"
            factor, digits = (100, 2) if percent else (1, 4)
            text = f"{factor * row.mean:.{digits}f}"
            if row.n_seeds > 1 and row.low is not None and row.high is not None:
                half = max(row.high - row.mean, row.mean - row.low)
                text += f" ± {factor * half:.{digits}f}"
            return f"{text}{' %' if percent else ''}{MARK if row.best else ''}"
    return ""
