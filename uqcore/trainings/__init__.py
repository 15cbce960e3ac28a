"""Any task and method, trained by the command line in a process of its own while a page watches.

`order.py` says what can be asked for, `progress.py` what `python -m uqcore train --json` says and how that is read,
`visit.py` where what is trained is kept, `process.py` runs the command, `jobs.py` shares the machine among visitors.
"""

from uqcore.trainings.jobs import Training, Trainings
from uqcore.trainings.order import Order, allowed
from uqcore.trainings.visit import Visit

__all__ = ["Order", "Training", "Trainings", "Visit", "allowed"]
