"""What is said of the time before Train. How long it really takes is measured by `make speed`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from uqcore.live import PRESETS, Setting
from uqcore.live.estimate import cpu_seconds, pace, refuse_too_long
from uqcore.types import UqError


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("epochs", 80),
        ("n_points", 1000),
        ("depth", 9),
        ("width", 200),
        ("n_members", 8),
        ("n_random_features", 2000),
        ("svi_epochs", 2),
    ],
)
def test_more_of_anything_takes_longer(name: str, more: int) -> None:
    assert cpu_seconds(replace(Setting(), **{name: more})) > cpu_seconds(Setting())  # type: ignore[arg-type]


def test_fewer_methods_take_less_and_shared_networks_are_counted_once() -> None:
    both, one = (cpu_seconds(Setting(methods=methods)) for methods in (("deterministic", "sngp"), ("sngp",)))
    assert one < both < cpu_seconds(Setting())
    ensemble = cpu_seconds(Setting(methods=("deep_ensemble",), epochs=300))
    assert cpu_seconds(Setting(methods=("deterministic", "deep_ensemble"), epochs=300)) < 1.1 * ensemble


def test_the_presets_are_far_from_the_limit() -> None:
    for setting in PRESETS.values():
        refuse_too_long(setting)
    assert cpu_seconds(PRESETS["quick"]) < 10 < cpu_seconds(PRESETS["tutorial"]) < 60


def test_more_than_the_limit_is_refused_with_a_way_out() -> None:
    with pytest.raises(UqError, match=r"at most 120 CPU seconds. Received .* about [\d,]+; fewer epochs, points or"):
        refuse_too_long(Setting(n_points=2000, width=256, epochs=300))


def test_the_pace_of_this_machine_is_timed_once() -> None:
    assert 0.05 < pace() < 50
    assert pace() == pace()
