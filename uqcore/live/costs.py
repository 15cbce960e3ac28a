"""What networks and surfaces cost: milliseconds of one core of the machine that they were measured on.

Two cores with AVX-512, one BLAS thread, 22 combinations of depth, width and features; the fits were within 27 %, most
within 10 %.
"""

from __future__ import annotations

from collections.abc import Mapping

from uqcore.live.pupils import BATCH_SIZE, FORMING_SAMPLES, SNGP, SVI, places
from uqcore.live.setting import Setting

_SCIPY_MS = 300.0  # SNGP's exact surface needs SciPy, which takes a while to import
_TOGETHER = 1.2  # networks that learn by turns push each other out of the cache


def _of_network(setting: Setting, costs: tuple[float, float, float, float]) -> float:
    """Constant, per layer, per unit, per weight."""
    constant, layer, unit, weight = costs
    return constant + setting.depth * (layer + setting.width * (unit + setting.width * weight))


def epoch_ms(setting: Setting) -> dict[int, float]:
    """Place of each network -> an epoch of it, SVI's several passes included."""
    n_steps = -(-setting.n_points // BATCH_SIZE)
    filled = setting.n_points / (n_steps * BATCH_SIZE)
    steps = _TOGETHER * n_steps * (0.4 + 0.6 * filled)
    d = setting.n_random_features
    special = {
        SNGP: _of_network(setting, (0.0652, 0.0328, 0.00011, 9.5e-6)) + d * (3.4e-4 + 4.9e-6 * setting.width),
        SVI: setting.svi_epochs * _of_network(setting, (0.138, 0.0668, 0.00079, 2.6e-5)),
    }
    plain = _of_network(setting, (0.0592, 0.016, 0.000204, 9.4e-6))
    return {place: steps * special.get(place, plain) for each in places(setting).values() for place in each}


def frame_ms(setting: Setting) -> Mapping[str, float]:
    """Method -> its surface while it forms, once."""
    d, sampled = setting.n_random_features, _of_network(setting, (2.75, 0.0528, 0.00653, 0.000115))
    costs = {
        "deterministic": _of_network(setting, (0.684, 0.0158, 0.00121, 2.2e-5)),
        "mc_dropout": _of_network(setting, (2.95, 0.121, 0.00536, 0.000113)),
        "deep_ensemble": min(setting.n_members, FORMING_SAMPLES) / FORMING_SAMPLES * sampled,
        "sngp": _of_network(setting, (4.65, 0.211, 0.0, 5.3e-5))
        + d * (0.0047 + 2.1e-5 * setting.width + 9.1e-6 * setting.n_points),
        "svi_flipout": _of_network(setting, (3.08, 0.0541, 0.00818, 0.000169)),
    }
    return {method_id: _TOGETHER * costs[method_id] for method_id in setting.methods}


def final_ms(setting: Setting) -> Mapping[str, float]:
    """Method -> its exact surface, once it is trained."""
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
    return {method_id: _TOGETHER * costs[method_id] for method_id in setting.methods}
