"""Training in front of an audience: small classifiers of points of a plane, and surfaces that form while they learn.

`setting.py` says what can be asked for, `data.py` and `own_points.py` which points are learned, `training.py` trains
and yields frames, without a process or a clock of its own. `worker.py` is that in a process; `jobs.py` shares the
workers among visitors.
"""

from uqcore.live.frames import Frame, Outcome, Trained, views
from uqcore.live.setting import LIVE_METHODS, PRESETS, RANGES, Setting
from uqcore.live.training import train

__all__ = ["LIVE_METHODS", "PRESETS", "RANGES", "Frame", "Outcome", "Setting", "Trained", "train", "views"]
