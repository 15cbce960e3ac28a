"""Processes that say what a test has them say."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from uqcore.methods import METHODS
from uqcore.methods.base import configure
from uqcore.trainings import Order
from uqcore.trainings.process import Process
from uqcore.trainings.progress import Said


class Fake(Process):
    """Started and killed, without a process."""

    def __init__(
        self,
        arguments: Sequence[str],
        models: Path,
        n_threads: int,
        received: Callable[[Said], None],
        ended: Callable[[str | None], None],
    ) -> None:
        self.arguments, self.models, self.received, self.ended = tuple(arguments), models, received, ended
        self.log, self.killed = deque(["a line of the log"]), False

    @property
    def pid(self) -> int:
        return -1

    def kill(self) -> None:
        self.killed = True


def order(method_id: str = "sngp", task: str = "moons", seed: int = 0, **settings: object) -> Order:
    given = {name: str(value) for name, value in settings.items()}
    return Order(task, method_id, seed, configure(METHODS[method_id].configs[task], given))
