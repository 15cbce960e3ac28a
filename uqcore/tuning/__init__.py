"""From predictions and a goal to a threshold with its evidence, and the report of it."""

from uqcore.tuning.goals import ROUND_RISKS, Goal, Kind, Tuned, round_risk, tune
from uqcore.tuning.split import Study, study

__all__ = ["ROUND_RISKS", "Goal", "Kind", "Study", "Tuned", "round_risk", "study", "tune"]
