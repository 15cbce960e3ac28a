"""How a training is shared between two processes: by what its parts are expected to take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.live_speed import SPREAD
from uqcore.live import LIVE_METHODS, PRESETS, Setting
from uqcore.live.costs import epoch_ms, final_ms, frame_ms
from uqcore.live.estimate import cpu_seconds, wall_seconds
from uqcore.live.split import Split, expected, split


def longer(costs: Mapping[int, float] | Mapping[str, float], theirs: frozenset[int] | frozenset[str]) -> float:
    second = sum(cost for key, cost in costs.items() if key in theirs)
    return max(second, sum(costs.values()) - second) / sum(costs.values())


@pytest.mark.parametrize("preset", PRESETS)
def test_both_halves_of_a_preset_take_nearly_as_long(preset: str) -> None:
    setting = PRESETS[preset]
    theirs = split(setting, 2)
    assert theirs is not None
    assert longer(epoch_ms(setting), theirs.networks) < 0.53
    assert longer(frame_ms(setting), theirs.drawn) < 0.55
    assert longer(final_ms(setting), theirs.finished) < 0.6


@pytest.mark.parametrize("name", SPREAD)
def test_a_second_process_never_makes_it_longer(name: str) -> None:
    setting = SPREAD[name]
    assert split(setting, 1) is None
    assert cpu_seconds(setting) == wall_seconds(setting, 1) == expected(setting, None).wall_s
    assert cpu_seconds(setting, 2) / 2 <= wall_seconds(setting, 2) <= wall_seconds(setting, 1)


@pytest.mark.parametrize("method_id", [name for name in LIVE_METHODS if name != "deep_ensemble"])
def test_one_network_has_one_process(method_id: str) -> None:
    assert split(Setting(methods=(method_id,)), 2) is None


def test_an_ensemble_is_shared_member_by_member() -> None:
    theirs = split(replace(PRESETS["tutorial"], methods=("deterministic", "deep_ensemble")), 2)
    assert theirs == Split(frozenset(range(5, 10)), frozenset({"deep_ensemble"}), frozenset({"deep_ensemble"}))
