"""Rows of the board as text to take home: CSV with every digit, tables of Markdown and LaTeX as people read figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence

from uqcore.datasets import load
from uqcore.metrics.uncertainty import MEASURES
from uqcore.scoreboard.metrics import METRICS, Metric
from uqcore.scoreboard.rows import Row

_COLUMNS = (
    "task",
    "method",
    "label",
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
    "citation",
    "reason",
)
_HEADS = ("trained on", "method", "score", "figure", "against", "mean", "95 % interval", "seeds")
_IN_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    sign: f"\\{sign}" for sign in "&%$#_{}"
}


def number(value: float, metric: Metric) -> str:
    """A figure as people read it, with four digits that count: of a share in percent."""
    if metric.unit == "%":
        return f"{100 * value:.2f} %"
    if metric.group == "cost":
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    if metric.group in ("unseen", "errors") and value > 0.1:
        return f"{value:.4f}"
    if abs(value) >= 0.01:
        return f"{value:.4f}"
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.2e}" if value else "0"


def interval(row: Row) -> str:
    """The 95 % interval, or why there is none."""
    if row.low is None or row.high is None:
        return row.reason
    return f"{number(row.low, METRICS[row.metric])} to {number(row.high, METRICS[row.metric])}"


def name(row: Row, with_score: bool = False) -> str:
    """What a row is called; ``with_score`` also by which score it ranks."""
    label = row.label + (" (published)" if row.origin == "published" else "")
    return f"{label}, {ranked_by(row).lower()}" if with_score and row.score else label


def ranked_by(row: Row) -> str:
    """A score's label; a method's own is another of each, so it is called that."""
    if row.score == "score":
        return "Its own score"
    return MEASURES[row.score].label if row.score in MEASURES else row.score


def against(row: Row) -> str:
    """What people call the unseen set, or the shift with its strength; "" on the test set."""
    name_, _, strength = row.unseen.partition(":")
    return f"{name_}, {strength}".replace("_", " ") if strength else row.unseen and load(row.task).title_of(row.unseen)


def to_csv(those: Sequence[Row]) -> str:
    """A line a row, after the names of the columns."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([getattr(row, column) for column in _COLUMNS] for row in those)
    return text.getvalue()


def to_markdown(those: Sequence[Row]) -> str:
    """A table of Markdown; ``=`` marks the clique of the best."""
    lines = [f"| {' | '.join(_HEADS)} |", "|" + "---|" * len(_HEADS)]
    cells = ([cell.replace("|", r"\|") for cell in _cells(row)] for row in those)
    return "\n".join([*lines, *(f"| {' | '.join(each)} |" for each in cells)]) + "\n"


def to_latex(those: Sequence[Row]) -> str:
    """A ``tabular``, with what LaTeX reads as commands escaped."""
    head = r"\begin{tabular}{lllllrlr}" + "\n" + " & ".join(map(_escaped, _HEADS)) + r" \\"
    body = [" & ".join(map(_escaped, _cells(row))) + r" \\" for row in those]
    return "\n".join([head, r"\hline", *body, r"\end{tabular}"]) + "\n"


WRITERS: Mapping[str, Callable[[Sequence[Row]], str]] = {"csv": to_csv, "markdown": to_markdown, "latex": to_latex}


def _escaped(cell: str) -> str:
    return "".join(_IN_LATEX.get(sign, sign) for sign in cell)


def _cells(row: Row) -> list[str]:
    """As text: what shares the mark of the best has a ``=``, a control is named as one, others' figures by source."""
    sign = "".join(mark for mark, there in ((" =", row.best), (" (control)", row.control)) if there)
    return [
        load(row.task).title,
        f"{name(row)}{sign}{f': {row.citation}' if row.citation else ''}",
        ranked_by(row),
        METRICS[row.metric].label,
        against(row),
        "" if row.mean is None else number(row.mean, METRICS[row.metric]),
        interval(row),
        str(row.n_seeds),
    ]
