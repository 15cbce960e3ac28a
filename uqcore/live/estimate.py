"""How long a setting takes, said before it starts.

The costs below are milliseconds of one core of the machine that they were measured on (two cores with AVX-512, one BLAS
thread, 48 combinations of depth, width and features; the fits were within 24 %). `pace` tells how fast this machine is.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from statistics import median

from uqcore.live.data import dataset
from uqcore.live.pupils import BATCH_SIZE, pupils
from uqcore.live.setting import PRESETS, Setting
from uqcore.types import UqError

MOST_CPU_S = 120.0
"""What a training may take at most on the machine that costs were measured on."""

DRAWING_SHARE = 0.4
"""How much of the time surfaces may take while networks learn: drawn by the clock, see `uqcore.live.worker`."""

_MOST_FRAMES = 120
_START_MS = 400.0
_TOGETHER = 1.2  # networks that learn by turns push each other out of the cache
_MEASURED_MS, _ROUNDS = 1.4, 5  # a step of one network of the tutorial


def _of_network(setting: Setting, costs: tuple[float, float, float, float]) -> float:
    """Constant, per layer, per unit, per weight."""
    constant, layer, unit, weight = costs
    return constant + setting.depth * (layer + setting.width * (unit + setting.width * weight))


def frame_gap(setting: Setting) -> int:
    """Surfaces are drawn after every so many epochs at most: a visitor's slider has no more places than that gives."""
    return -(-setting.epochs // _MOST_FRAMES)


def step_ms(setting: Setting) -> float:
    """A step of every network, SVI's several ones included."""
    d, methods = setting.n_random_features, setting.methods
    total = 0.0
    if {"deterministic", "mc_dropout", "deep_ensemble"} & {*methods}:
        n_networks = setting.n_members if "deep_ensemble" in methods else 1
        total += n_networks * _of_network(setting, (0.059, 0.0184, 0.00051, 7.8e-6))
    if "sngp" in methods:
        total += _of_network(setting, (0.0, 0.0346, 0.00038, 8.8e-6)) + d * (4.8e-4 + 3.05e-6 * setting.width)
    if "svi_flipout" in methods:
        total += setting.svi_epochs * _of_network(setting, (0.103, 0.0511, 0.00113, 3.74e-5))
    return _TOGETHER * total


def frame_ms(setting: Setting) -> float:
    """All surfaces that form, once."""
    d = setting.n_random_features
    costs = {
        "deterministic": _of_network(setting, (0.8, 0.015, 0.00071, 2.0e-5)),
        "mc_dropout": _of_network(setting, (2.4, 0.156, 0.0048, 9.4e-5)),
        "deep_ensemble": min(setting.n_members, 5) / 5 * _of_network(setting, (2.4, 0.156, 0.0048, 9.4e-5)),
        "sngp": 4.6 + 5.8e-5 * setting.depth * setting.width**2 + d * (0.0183 + 2.56e-5 * setting.width),
        "svi_flipout": _of_network(setting, (2.6, 0.107, 0.0078, 2.1e-4)),
    }
    return _TOGETHER * sum(costs[method_id] for method_id in setting.methods)


def final_ms(setting: Setting) -> float:
    """The exact surfaces of the trained methods."""
    d = setting.n_random_features
    costs = {
        "deterministic": _of_network(setting, (3.7, 0.09, 0.0115, 1.3e-4)),
        "mc_dropout": _of_network(setting, (27.0, 1.1, 0.0855, 1.46e-3)),
        "deep_ensemble": setting.n_members / 10 * _of_network(setting, (27.0, 1.1, 0.0855, 1.46e-3)),
        "sngp": 44 + 5e-4 * setting.depth * setting.width**2 + d * d * (3.1e-4 + 2.15e-9 * d),
        "svi_flipout": _of_network(setting, (27.0, 0.0, 0.134, 1.6e-3)),
    }
    return _TOGETHER * sum(costs[method_id] for method_id in setting.methods)


def cpu_seconds(setting: Setting) -> float:
    """CPU seconds of a training in a worker, from its start to the final surfaces, at a pace of 1."""
    n_steps = -(-setting.n_points // BATCH_SIZE)
    filled = setting.n_points / (n_steps * BATCH_SIZE)
    learning = setting.epochs * n_steps * step_ms(setting) * (0.4 + 0.6 * filled)
    n_frames = learning * DRAWING_SHARE / (1 - DRAWING_SHARE) / frame_ms(setting)
    n_frames = min(max(n_frames, 2), -(-setting.epochs // frame_gap(setting)))
    return (_START_MS + learning + n_frames * frame_ms(setting) + final_ms(setting)) / 1000


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
