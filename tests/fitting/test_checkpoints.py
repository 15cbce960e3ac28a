"""A training that was stopped goes on from its last epoch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from uqcore import datasets
from uqcore.methods import METHODS
from uqcore.store import CHECKPOINTS_VARIABLE
from uqcore.types import Progress


class StoppedError(Exception):
    """By the test."""


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize("method_id", ["deterministic", "sngp", "svi_flipout"])
def test_a_training_that_was_stopped_goes_on_where_it_stood_and_leaves_nothing(
    method_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from uqcore.fitting import checkpoints

    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(tmp_path))
    monkeypatch.setattr(checkpoints, "EVERY_S", 0.0)
    method = METHODS[method_id]
    config = replace(method.configs["moons"], epochs=6)
    assert method.fit is not None
    seen: list[Progress] = []

    def report(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 4:
            raise StoppedError

    with pytest.raises(StoppedError):
        method.fit("moons", config, datasets.load("moons"), 0, report, ())
    assert list(tmp_path.iterdir())
    fitted = method.fit("moons", config, datasets.load("moons"), 0, seen.append, ())
    assert [(each.done, each.total) for each in seen] == [(n, 6) for n in (1, 2, 3, 4, 4, 5, 6)]
    assert fitted.metrics["loss"] < seen[2].metrics["loss"] < seen[0].metrics["loss"]
    assert not list(tmp_path.iterdir())


def test_other_settings_start_from_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from uqcore.fitting.checkpoints import folder_of

    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(tmp_path))
    config = METHODS["sngp"].configs["moons"]
    others = [("digits", config, 0), ("moons", replace(config, epochs=6), 0), ("moons", config, 1),
              ("moons", METHODS["deterministic"].configs["moons"], 0)]  # fmt: skip
    assert len({folder_of("moons", config, 0), *(folder_of(*each) for each in others)}) == 5
    assert folder_of("moons", config, 0) == folder_of("moons", replace(config), 0)
