"""From predictions and a goal to a threshold with its evidence, and the report of it."""

from uqcore.tuning.goals import Goal, Kind, Tuned, tune
from uqcore.tuning.split import Study, study

__all__ = ["Goal", "Kind", "Study", "Tuned", "study", "tune"]
