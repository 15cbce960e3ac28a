"""How long a setting takes, said before it starts.

The costs below are milliseconds of one core of the machine that they were measured on (two cores with AVX-512, one BLAS
thread, 22 combinations of depth, width and features; the fits were within 27 %, most within 10 %). `pace` tells how
fast this machine is.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from statistics import median

from uqcore.live.data import dataset
from uqcore.live.pupils import BATCH_SIZE, FORMING_SAMPLES, pupils
from uqcore.live.setting import PRESETS, Setting
from uqcore.types import UqError

MOST_CPU_S = 120.0
"""What a training may take at most on the machine that costs were measured on."""

_SHARE, _SHARE_OF_LONG, _LONG_MS = 0.36, 0.22, 12_000
_MOST_FRAMES = 120
_START_MS, _SCIPY_MS = 450.0, 300.0  # SNGP's exact surface needs SciPy, which takes a while to import
_TOGETHER = 1.2  # networks that learn by turns push each other out of the cache
_MEASURED_MS, _ROUNDS = 1.3, 5  # a step of one network of the tutorial


def _of_network(setting: Setting, costs: tuple[float, float, float, float]) -> float:
    """Constant, per layer, per unit, per weight."""
    constant, layer, unit, weight = costs
    return constant + setting.depth * (layer + setting.width * (unit + setting.width * weight))


def frame_gap(setting: Setting) -> int:
    """Surfaces are drawn after every so many epochs at most: a visitor's slider has no more places than that gives."""
    return -(-setting.epochs // _MOST_FRAMES)


def drawing_share(setting: Setting) -> float:
    """How much of the time surfaces may take while networks learn: drawn by the clock, see `uqcore.live.worker`.

    A short training forms several times a second; a long one is drawn seldomer, and is over sooner.
    """
    return _SHARE if learning_ms(setting) < _LONG_MS else _SHARE_OF_LONG


def learning_ms(setting: Setting) -> float:
    """Every step of every network."""
    n_steps = -(-setting.n_points // BATCH_SIZE)
    filled = setting.n_points / (n_steps * BATCH_SIZE)
    return setting.epochs * n_steps * step_ms(setting) * (0.4 + 0.6 * filled)


def step_ms(setting: Setting) -> float:
    """A step of every network, SVI's several ones included."""
    d, methods = setting.n_random_features, setting.methods
    total = 0.0
    if {"deterministic", "mc_dropout", "deep_ensemble"} & {*methods}:
        n_networks = setting.n_members if "deep_ensemble" in methods else 1
        total += n_networks * _of_network(setting, (0.0592, 0.016, 0.000204, 9.4e-6))
    if "sngp" in methods:
        total += _of_network(setting, (0.0652, 0.0328, 0.00011, 9.5e-6)) + d * (3.4e-4 + 4.9e-6 * setting.width)
    if "svi_flipout" in methods:
        total += setting.svi_epochs * _of_network(setting, (0.138, 0.0668, 0.00079, 2.6e-5))
    return _TOGETHER * total


def frame_ms(setting: Setting) -> float:
    """All surfaces that form, once."""
    d, sampled = setting.n_random_features, _of_network(setting, (2.75, 0.0528, 0.00653, 0.000115))
    costs = {
        "deterministic": _of_network(setting, (0.684, 0.0158, 0.00121, 2.2e-5)),
        "mc_dropout": _of_network(setting, (2.95, 0.121, 0.00536, 0.000113)),
        "deep_ensemble": min(setting.n_members, FORMING_SAMPLES) / FORMING_SAMPLES * sampled,
        "sngp": _of_network(setting, (4.65, 0.211, 0.0, 5.3e-5)) + d * (0.0102 + 2.1e-5 * setting.width),
        "svi_flipout": _of_network(setting, (3.08, 0.0541, 0.00818, 0.000169)),
    }
    return _TOGETHER * sum(costs[method_id] for method_id in setting.methods)


def final_ms(setting: Setting) -> float:
    """The exact surfaces of the trained methods."""
    d = setting.n_random_features
    costs = {
        "deterministic": _of_network(setting, (5.62, 0.125, 0.00835, 0.000179)),
        "mc_dropout": _of_network(setting, (34.4, 0.861, 0.109, 0.00163)),
        "deep_ensemble": setting.n_members / 10 * _of_network(setting, (39.4, 0.0, 0.128, 0.00184)),
        "sngp": _SCIPY_MS
        + (44.8 + setting.depth * (0.917 + 4.4e-4 * setting.width**2))
        + d * (9.0e-5 * setting.width + d * (2.6e-5 + 4.8e-8 * d)),
        "svi_flipout": _of_network(setting, (32.5, 0.289, 0.123, 0.00208)),
    }
    return _TOGETHER * sum(costs[method_id] for method_id in setting.methods)


def cpu_seconds(setting: Setting) -> float:
    """CPU seconds of a training in a worker, from its start to the final surfaces, at a pace of 1."""
    learning, share = learning_ms(setting), drawing_share(setting)
    n_frames = learning * share / (1 - share) / frame_ms(setting)
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
