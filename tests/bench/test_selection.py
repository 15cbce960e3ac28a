"""The predictions that benchmarks of thresholds are timed on, and that both ways of each do run."""

from __future__ import annotations

import numpy as np
import pytest

from uqcore.bench import selection
from uqcore.bench.selection import CONTESTS, million


def test_the_simulated_predictions_are_mostly_right_and_doubtful_where_wrong() -> None:
    data = million(20_000, 2_000)
    assert data.correct.mean() == pytest.approx(0.98, abs=0.01)
    assert np.median(data.measure[data.correct]) < np.median(data.measure[~data.correct])
    assert np.median(data.measure) < np.median(data.ood)
    assert all(np.array_equal(ours, again) for ours, again in zip(data, million(20_000, 2_000), strict=True))


@pytest.mark.parametrize("name", CONTESTS)
def test_both_ways_run(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(selection, "million", lambda: million(2_000, 200))
    ours, naive, note = CONTESTS[name]()
    for way in (ours, naive):
        if way is not None:
            way(0)
    assert note.startswith("naive: ")
