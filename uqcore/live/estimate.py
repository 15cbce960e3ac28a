"""How long a setting takes, said before it starts: `costs` of one machine, by the `pace` of this one."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from statistics import median

from uqcore.live.data import dataset
from uqcore.live.pupils import BATCH_SIZE, pupils
from uqcore.live.setting import PRESETS, Setting
from uqcore.live.split import expected, split
from uqcore.types import UqError

MOST_CPU_S = 120.0
"""What a training may take at most on the machine that costs were measured on."""

_MEASURED_MS, _ROUNDS = 1.3, 5  # a step of one network of the tutorial


def cpu_seconds(setting: Setting, n_processes: int = 1) -> float:
    """CPU seconds of a training in a worker, from its start to the final surfaces, at a pace of 1."""
    return expected(setting, split(setting, n_processes)).cpu_s


def wall_seconds(setting: Setting, n_processes: int) -> float:
    """Seconds of it on cores that nobody else uses, at a pace of 1."""
    return expected(setting, split(setting, n_processes)).wall_s


def refuse_too_long(setting: Setting) -> None:
    """UqError where `cpu_seconds` is more than `MOST_CPU_S`."""
    seconds = cpu_seconds(setting)
    if seconds > MOST_CPU_S:
        raise UqError(
            f"Expected a training of at most {MOST_CPU_S:.0f} CPU seconds. Received settings that take about "
            f"{seconds:,.0f}; fewer epochs, points or members, or a smaller network, take less."
        )


@cache
def pace() -> float:
    """How many times as long this machine takes as the one that costs were measured on; timed once, in about 60 ms."""
    quick = replace(PRESETS["tutorial"], methods=("deterministic",))
    (pupil,), points = pupils(quick)["deterministic"], dataset(quick).train
    pupil.epoch(points)
    times = []
    for _ in range(_ROUNDS):
        started = time.thread_time()
        pupil.epoch(points)
        times.append(time.thread_time() - started)
    return 1000 * median(times) / -(-len(points) // BATCH_SIZE) / _MEASURED_MS
