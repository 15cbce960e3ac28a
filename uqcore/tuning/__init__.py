"""From predictions and a goal to a threshold with its evidence, and the report of it."""

from uqcore.tuning.comparison import Comparison, Pair, compare
from uqcore.tuning.goals import ROUND_RISKS, Goal, Kind, Tuned, round_risk, tune
from uqcore.tuning.split import Study, study

__all__ = [
    "ROUND_RISKS",
    "Comparison",
    "Goal",
    "Kind",
    "Pair",
    "Study",
    "Tuned",
    "compare",
    "round_risk",
    "study",
    "tune",
]
