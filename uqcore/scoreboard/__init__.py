"""How good the uncertainties are: every method and control, over seeds, with intervals and costs."""

from __future__ import annotations

from uqcore.scoreboard.metrics import METRICS, Metric
from uqcore.scoreboard.published import PUBLISHED
from uqcore.scoreboard.results import RESULTS, Key, Result
from uqcore.scoreboard.results import load as load_results
from uqcore.scoreboard.rows import Row, best_first, rows, to_plain
from uqcore.scoreboard.systems import SYSTEMS, System, stale, stale_said

__all__ = [
    "METRICS",
    "PUBLISHED",
    "RESULTS",
    "SYSTEMS",
    "Key",
    "Metric",
    "Result",
    "Row",
    "System",
    "best_first",
    "board",
    "load_results",
    "rows",
    "stale",
    "stale_said",
    "to_plain",
]


def board() -> list[Row]:
    """Every row of the committed results, and those that were published. UqError: the results cannot be read."""
    return rows(load_results(), PUBLISHED)
