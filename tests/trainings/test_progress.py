"""Lines of progress: what is written is read, and nothing else is."""

from __future__ import annotations

import json
import math

import pytest

from uqcore.models.evaluation import evaluate
from uqcore.store import Store
from uqcore.trainings.progress import (
    MOST_LINE,
    Epoch,
    Found,
    Share,
    Stored,
    epoch_line,
    figures_line,
    from_line,
    share_line,
    stored_line,
)
from uqcore.types import Progress, UqError


def test_an_epoch_comes_back_as_it_was() -> None:
    metrics = {"loss": 0.1 + 0.2, "val_loss": 1e-300}
    assert from_line(epoch_line("moons-sngp-seed0", Progress(3, 100, metrics)).encode()) == Epoch(
        "moons-sngp-seed0", 3, 100, metrics
    )


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_not_finite_is_null_and_comes_back_as_nan(figure: float) -> None:
    line = epoch_line("m", Progress(1, 1, {"loss": figure}))
    assert json.loads(line)["metrics"] == {"loss": None}
    back = from_line(line.encode())
    assert isinstance(back, Epoch)
    assert math.isnan(back.metrics["loss"])


def test_a_stored_model_comes_back() -> None:
    assert from_line(stored_line("moons-sngp-seed0").encode()) == Stored("moons-sngp-seed0")


def test_the_share_that_is_done_comes_back() -> None:
    assert from_line(share_line("m", 0.25).encode()) == Share("m", 0.25)


@pytest.mark.parametrize(("task", "method_id"), [("moons", "deterministic"), ("sine", "deterministic")])
def test_figures_come_back_as_they_were(task: str, method_id: str, committed: Store) -> None:
    evaluation = evaluate(committed, committed.find(task, method_id), 2)
    said = from_line(figures_line(evaluation, beside=True).encode())
    assert isinstance(said, Found)
    assert said.beside
    assert repr(said.evaluation) == repr(evaluation), "by their text, for NaN is not itself"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Downloading data from ...",
        b"{}",
        b"[1, 2]",
        b'{"stored": 3}',
        b'{"model": "m", "share": 1.5}',
        b'{"figures": {}, "beside": false}',
        b'{"figures": {"accuracy": 1}, "beside": false}',
        b'{"model": "m", "epoch": 2, "epochs": 1, "metrics": {}}',
        b'{"model": "m", "epoch": 0, "epochs": 1, "metrics": {}}',
        b'{"model": "m", "epoch": 1, "epochs": 1, "metrics": {"loss": "low"}}',
        b'{"model": "m", "epoch": 1, "epochs": 1, "metrics": {"loss": NaN}}',
        b'{"model": "m", "epoch": 1, "epochs": 1, "metr',
        b"\xff\xfe",
        b'{"stored": "' + b"m" * MOST_LINE,
    ],
)
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(UqError):
        from_line(line)
