"""The training that is timed is a training, in both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from uqcore.bench.contest import Contest
from uqcore.bench.training import SMALLER, all_methods, one_network


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize(
    "prepare", [lambda: one_network(epochs=2), lambda: all_methods(replace(SMALLER, epochs=2, n_members=2))]
)
def test_both_ways_train(prepare: Callable[[], Contest]) -> None:
    contest = prepare()
    for way in (contest.ours, contest.naive):
        if way is not None:
            loss = way(0)
            assert isinstance(loss, float)
            assert 0 < loss < 1.0
    assert "naive: " in contest.note
