"""The training that is timed is a training, in both ways."""

from __future__ import annotations

from uqcore.bench.training import one_network


def test_both_ways_train() -> None:
    ours, naive, note = one_network(epochs=2)
    for way in (ours, naive):
        if way is not None:
            loss = way(0)
            assert isinstance(loss, float)
            assert 0 < loss < 1.0
    assert note.startswith("naive: ")
