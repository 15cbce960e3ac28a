"""Many visitors' work in few processes: a bounded queue, one job an owner, places given back; for any kind of work."""

from uqcore.workers.job import Job, State, Status, Worker
from uqcore.workers.process import NICE, WorkerProcess, end_with_stdin, why
from uqcore.workers.queue import MOST_WAITING, UNSEEN_S, Queue

__all__ = [
    "MOST_WAITING",
    "NICE",
    "UNSEEN_S",
    "Job",
    "Queue",
    "State",
    "Status",
    "Worker",
    "WorkerProcess",
    "end_with_stdin",
    "why",
]
