"""Training in front of an audience: small classifiers of points of a plane, and surfaces that form while they learn.

`setting.py` says what can be asked for, `data.py` and `own_points.py` which points are learned, `training.py` trains
and yields frames, without a clock of its own. `worker.py` is that in a process, which may start a second one:
`split.py` says who has what, by `costs.py`, `team.py` asks both, `half.py` is what each does. `jobs.py` shares the
workers among visitors.

A page asks and draws like this, and never waits:

    job = jobs.submit(owner, Setting.from_params(params))      # on Train; UqError is a sentence
    job = jobs.job(owner); status = jobs.status(job)           # at every rerun: the owner is seen
    shown = job.trained or job.drawn[-1]                       # or any of job.drawn, for a slider
    Plane(shown.dataset).uncut(view, shown.said(method_id, n_samples), shown.own(method_id)).at(threshold)
"""

from uqcore.live.frames import Frame, Outcome, Trained, views
from uqcore.live.setting import LIVE_METHODS, PRESETS, RANGES, Setting
from uqcore.live.training import train

__all__ = ["LIVE_METHODS", "PRESETS", "RANGES", "Frame", "Outcome", "Setting", "Trained", "train", "views"]
